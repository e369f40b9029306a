"""What a CLIP folder holds: configurations with their defaults, weights, and the size of images."""

import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
from checkpoint import (
    check_activation,
    config_of,
    described,
    filled,
    load_weights,
    read_json,
    weights_of,
)

from vision.clip.model import CLIP

# What config.json leaves out where it is as in the first CLIP, ViT-B/32.
COMMON = {"hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "num_hidden_layers": 12}
TEXT = COMMON | {
    "vocab_size": 49408,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
    "eos_token_id": 49407,
    "projection_dim": 512,
}
VISION = COMMON | {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_channels": 3,
    "image_size": 224,
    "patch_size": 32,
}


def tower_config(found, defaults, folder):
    """A tower's configuration with its defaults."""
    config = filled(defaults, found, folder)
    check_activation(config, "hidden_act", folder)
    heads = config["num_attention_heads"]
    if not heads or config["hidden_size"] % heads:
        sys.exit(f"{folder}: hidden_size {config['hidden_size']} is no multiple of its heads.")
    return config


def without_position_ids(weights):
    """Old files hold the numbers 0, 1, 2 ... as a tensor."""
    return {name: x for name, x in weights.items() if not name.endswith("position_ids")}


def load(folder, dtype=mx.float32):
    """The model of a folder, and the configuration of its images."""
    config = config_of(folder, "clip")
    text = tower_config(config.get("text_config"), TEXT, folder)
    vision = tower_config(config.get("vision_config"), VISION, folder)
    with described(folder):
        model = CLIP(
            text, vision, filled({"projection_dim": 512}, config, folder)["projection_dim"]
        )
    load_weights(model, without_position_ids(weights_of(folder)), folder, dtype)
    return model, image_config(folder, vision["image_size"])


MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def _side(value):
    """A size that is a number or an object."""
    return next(iter(value.values()), None) if isinstance(value, dict) else value


def image_config(folder, size):
    """preprocessor_config.json: the smaller side, the crop, mean and deviation of colours."""
    path = Path(folder) / "preprocessor_config.json"
    found = read_json(path) if path.is_file() else {}
    smaller, crop = _side(found.get("size", size)), _side(found.get("crop_size", size))
    if crop != size or not isinstance(smaller, int) or smaller < size:
        sys.exit(f"{path}: images of {crop} pixels out of {smaller}, but the model sees {size}.")
    colours = found.get("image_mean", MEAN), found.get("image_std", STD)
    for values in colours:
        if np.shape(values) != (3,) or not all(isinstance(x, float | int) for x in values):
            sys.exit(f"{path}: mean and deviation of three colours are not {values}.")
    return smaller, crop, *colours
