"""Models from files: GGUF, or a folder as Hugging Face or mlx_lm have it (config.json, safetensors,
tokenizer.json), also with quantized weights."""

import sys
from dataclasses import fields
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from checkpoint import config_of, weights_of
from language.llama.model import Config, Llama
from mlx.lm import Tokenizer
from mlx.utils import tree_flatten

# Names of modules in GGUF files and in Hugging Face's.
GGUF_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def hf_name(name):
    """blk.3.attn_q.weight: model.layers.3.self_attn.q_proj.weight"""
    *layer, module, kind = name.split(".")
    if module not in GGUF_NAMES:
        raise ValueError(f"the tensor {name} is none of a LLaMA")
    prefix = f"model.layers.{layer[1]}." if layer else ""
    return f"{prefix}{GGUF_NAMES[module]}.{kind}"


def halves(rows, heads):
    """Rows of queries or keys, whose rotated pairs GGUF has as neighbours, with these as the first
    and the second half of a head."""
    order = mx.arange(rows.shape[0]).reshape(heads, -1, 2).swapaxes(1, 2).reshape(-1)
    return rows[order]


def gguf_config(data, weights):
    """The config from a GGUF file's metadata."""
    if data.get("general.architecture") != "llama":
        raise ValueError(f"its architecture is {data.get('general.architecture')}, not llama")

    def value(key, otherwise=None):
        found = data.get(f"llama.{key}")
        return otherwise if found is None else found.item()

    if value("expert_count", 0):
        raise ValueError("it is a mixture of experts, not a LLaMA")
    scaling = data.get("llama.rope.scaling.type", "none")
    return Config(
        hidden_size=value("embedding_length"),
        num_hidden_layers=value("block_count"),
        intermediate_size=value("feed_forward_length"),
        num_attention_heads=value("attention.head_count"),
        num_key_value_heads=value("attention.head_count_kv"),
        head_dim=value("attention.key_length", value("rope.dimension_count")),
        vocab_size=weights["token_embd.weight"].shape[0],
        rms_norm_eps=value("attention.layer_norm_rms_epsilon"),
        rope_theta=value("rope.freq_base", 10000.0),
        rope_scaling={}
        if scaling == "none"
        else {"type": scaling, "factor": value("rope.scaling.factor")},
        rope_factors=weights.pop("rope_freqs.weight", None),
        max_position_embeddings=value("context_length"),
        tie_word_embeddings="output.weight" not in weights,
    )


def read_gguf(path):
    """Config and weights. Blocks of 4 and 8 bits come as the words of mx.quantize in groups of 32,
    other blocks as float16."""
    stored, data = mx.load(str(path), format="gguf", return_metadata=True)
    config = gguf_config(data, stored)
    weights = {}
    for name, rows in stored.items():
        module = name.split(".")[-2]
        if module in ("attn_q", "attn_k"):
            heads = config.num_attention_heads if module == "attn_q" else config.num_key_value_heads
            rows = halves(rows, heads)
        weights[hf_name(name)] = rows
    return config, weights, {"group_size": 32}


def read_folder(path):
    """Config and weights of a folder, and how they are quantized."""
    data = config_of(path, "llama")
    if data.get("hidden_act", "silu") != "silu":
        raise ValueError(f"its hidden_act is {data['hidden_act']}, not silu")
    rope = data.get("rope_parameters") or {}  # as transformers 5 writes it
    data = {"rope_theta": rope.get("rope_theta", 10000.0), "rope_scaling": rope, **data}
    config = Config(**{f.name: data[f.name] for f in fields(Config) if f.name in data})
    weights = weights_of(path)
    for name in [n for n in weights if n.endswith("rotary_emb.inv_freq")]:
        del weights[name]  # which follows from the config
    if config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    return config, weights, data.get("quantization") or data.get("quantization_config") or {}


def quantize(model, weights, how):
    """Give a model quantized layers where the weights are."""
    options = {k: v for k, v in how.items() if k in ("group_size", "bits", "mode")}

    def wanted(path, module):
        if f"{path}.scales" not in weights:
            return False
        own = how.get(path, {})  # mixtures say it for each layer
        made = {**options, **(own if isinstance(own, dict) else {})}
        if "bits" not in made:  # words of 32 bits, and a scale for each group, say how many
            words, groups = weights[f"{path}.weight"].shape[-1], weights[f"{path}.scales"].shape[-1]
            made["bits"] = words * 32 // (groups * made["group_size"])
        return made

    nn.quantize(model, class_predicate=wanted)


def fill(model, weights):
    """The weights into the model, of which none may be left over, missing, or of another shape."""
    want = {name: x.shape for name, x in tree_flatten(model.parameters())}
    for name in sorted(want.keys() ^ weights.keys()):
        raise ValueError(f"the tensor {name} is {'missing' if name in want else 'none of a LLaMA'}")
    for name, shape in want.items():
        if weights[name].shape != shape:
            raise ValueError(f"{name} is {weights[name].shape}, but {shape} follows from its sizes")
    model.load_weights(list(weights.items()))


def read_model(path):
    """The model of a path; ValueError and its like where it is no LLaMA."""
    config, weights, how = read_folder(path) if path.is_dir() else read_gguf(path)
    model = Llama(config)
    quantize(model, weights, how)
    fill(model, weights)
    return model.freeze().eval()


def open_model(path):
    """Model and tokenizer; ends with a sentence where it is no LLaMA."""
    path = Path(path)
    if not path.exists():
        sys.exit(f"{path} is missing: a GGUF file, or a folder with config.json and safetensors")
    try:
        return read_model(path), Tokenizer(path)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as e:
        sys.exit(f"{path} is no LLaMA that can be read: {e}")
