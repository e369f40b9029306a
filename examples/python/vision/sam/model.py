"""Segment Anything as a whole, and what its folder holds."""

import sys

import mlx.core as mx
import mlx.nn as nn
from checkpoint import check_activation, config_of, described, filled, load_weights, weights_of

from vision.sam.decoder import MaskDecoder
from vision.sam.encoder import Encoder
from vision.sam.prompts import Positions, PromptEncoder

# What config.json leaves out where it is as in the smallest model, ViT-B.
VISION = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_channels": 3,
    "image_size": 1024,
    "patch_size": 16,
    "layer_norm_eps": 1e-6,
    "hidden_act": "gelu",
    "qkv_bias": True,
    "use_abs_pos": True,
    "use_rel_pos": True,
    "window_size": 14,
    "global_attn_indexes": [2, 5, 8, 11],
    "num_pos_feats": 128,
    "mlp_dim": 3072,
    "output_channels": 256,
}
PROMPTS = {
    "hidden_size": 256,
    "image_size": 1024,
    "patch_size": 16,
    "mask_input_channels": 16,
    "num_point_embeddings": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-6,
}
DECODER = {
    "hidden_size": 256,
    "mlp_dim": 2048,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "attention_downsample_rate": 2,
    "num_multimask_outputs": 3,
    "iou_head_depth": 3,
    "iou_head_hidden_dim": 256,
    "hidden_act": "relu",
    "layer_norm_eps": 1e-6,
}


class SAM(nn.Module):
    def __init__(self, vision, prompts, decoder):
        super().__init__()
        self.size = vision["image_size"]
        self.vision_encoder, self.prompt_encoder = Encoder(vision), PromptEncoder(prompts)
        self.mask_decoder = MaskDecoder(decoder)
        self.shared_image_embedding = Positions(vision["num_pos_feats"])

    def embed(self, image):
        """A picture (S, S, 3), normalized, as what many prompts may ask about."""
        return self.vision_encoder(image[None])[0]

    def __call__(self, embedding, points=(), labels=(), box=None, mask=None, several=True):
        """Masks (count, S / 4, S / 4), logits, and their quality (count,), for points and a box in
        pixels of the model's image."""
        positions = self.shared_image_embedding
        prompts, added = self.prompt_encoder(positions, points, labels, box, mask)
        places = positions.grid(len(embedding))
        return self.mask_decoder(embedding + added, places, prompts, several)


def parts_of(config, folder):
    """The configurations of image encoder, prompt encoder and mask decoder."""
    names = {
        "vision_config": VISION,
        "prompt_encoder_config": PROMPTS,
        "mask_decoder_config": DECODER,
    }
    parts = [filled(defaults, config.get(name), folder) for name, defaults in names.items()]
    for part in parts:
        check_activation(part, "hidden_act", folder)
    return parts


def load(folder, dtype=mx.float32):
    config = config_of(folder, "sam")
    vision, prompts, decoder = parts_of(config, folder)
    if prompts["image_size"] != vision["image_size"]:
        sys.exit(
            f"{folder}: images have {vision['image_size']} and {prompts['image_size']} pixels."
        )
    # A copy of the shared positions.
    copy = "prompt_encoder.shared_embedding."
    weights = {n: x for n, x in weights_of(folder).items() if not n.startswith(copy)}
    with described(folder):
        model = SAM(vision, prompts, decoder)
    return load_weights(model, weights, folder, dtype)
