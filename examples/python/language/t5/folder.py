"""What a T5 folder holds: a configuration with its defaults, weights, a tokenizer."""

import sys
from pathlib import Path

import mlx.core as mx
from checkpoint import ACTIVATIONS, config_of, described, filled, load_weights, weights_of
from mlx.lm import Tokenizer

from language.t5.model import T5

# What config.json leaves out where it is as in the first T5, small.
DEFAULTS = {
    "vocab_size": 32128,
    "d_model": 512,
    "d_kv": 64,
    "d_ff": 2048,
    "num_layers": 6,
    "num_heads": 8,
    "relative_attention_num_buckets": 32,
    "relative_attention_max_distance": 128,
    "layer_norm_epsilon": 1e-6,
    "feed_forward_proj": "relu",
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
}
FORWARD = [*ACTIVATIONS, *(f"gated-{name}" for name in ACTIVATIONS)]


def t5_config(folder):
    found = config_of(folder, "t5")
    config = filled(DEFAULTS, found, folder)
    more = {"num_decoder_layers": config["num_layers"]}
    config |= filled(more, found, folder)
    # The first T5 ties the embedding to the head and scales what goes there; T5 1.1 does neither.
    config["scaled"] = found.get("scale_decoder_outputs", found.get("tie_word_embeddings", True))
    if config["feed_forward_proj"] not in FORWARD:
        sys.exit(f"{folder}: feed_forward_proj is {config['feed_forward_proj']}.")
    return config


def is_superfluous(name):
    """Copies of the embedding, and a bias of positions that was never used."""
    return name.endswith("embed_tokens.weight") or ("EncDecAttention.relative" in name)


def load(folder, dtype=mx.float32):
    """The model of a folder."""
    config = t5_config(folder)
    weights = {n: x for n, x in weights_of(folder).items() if not is_superfluous(n)}
    with described(folder):
        model = T5(config, "lm_head.weight" in weights)
    return load_weights(model, weights, folder, dtype)


def load_tokenizer(folder):
    """tokenizer.json or spiece.model."""
    try:
        return Tokenizer(Path(folder))
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"{folder} has no tokenizer that can be read: {error}")


def read(tokenizer, text, end):
    """The tokens of a text and the end, which spiece.model does not add."""
    tokens = tokenizer.encode(text, plain=True)
    return tokens if tokens[-1:] == [end] else [*tokens, end]
