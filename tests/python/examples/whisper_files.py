"""Small models of Whisper's kind as files: a tokenizer of bytes, random weights as safetensors, and
the same in CTranslate2's layout."""

import json
import struct

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten
from speech.whisper.model import Config, Whisper

LANGUAGES = ["en", "de", "zh"]
SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES)]
SPECIAL += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"]
SPECIAL += ["<|notimestamps|>"]
SIZE = 256 + len(SPECIAL) + 1501
CONFIG = Config(80, 32, SIZE, 2, 4, 64, 2, 2, 64)


def byte_pieces():
    """The characters that GPT-2's tokenizer has for bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in kept]
    return {b: chr(b) for b in kept} | {b: chr(256 + i) for i, b in enumerate(rest)}


def write_tokenizer(folder):
    pieces = byte_pieces()
    added = [
        {"id": 256 + i, "content": piece, "special": True, "normalized": False}
        | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
        for i, piece in enumerate(SPECIAL)
    ]
    bytes_alone = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    tokenizer = {
        "added_tokens": added,
        "pre_tokenizer": bytes_alone,
        "decoder": bytes_alone,
        "model": {"type": "BPE", "vocab": {pieces[b]: b for b in range(256)}, "merges": []},
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def random_model():
    model = Whisper(CONFIG)
    parameters = [(n, 0.3 * mx.random.normal(p.shape)) for n, p in tree_flatten(model.parameters())]
    return model.load_weights(parameters)


def write_safetensors(folder, model, **settings):
    """As transformers writes them."""
    folder.mkdir(exist_ok=True)
    write_tokenizer(folder)
    sizes = {n: v for n, v in vars(CONFIG).items() if n != "alignment_heads"}
    (folder / "config.json").write_text(json.dumps({"model_type": "whisper", **sizes}))
    said = {"is_multilingual": True, **settings}
    (folder / "generation_config.json").write_text(json.dumps(said))
    weights = {
        f"model.{n}": mx.contiguous(p.swapaxes(1, 2)) if p.ndim == 3 else p
        for n, p in tree_flatten(model.parameters())
    }
    mx.save_safetensors(str(folder / "model.safetensors"), weights)
    return folder


def _text(text):
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def variable(name, value):
    kinds = {"float32": 0, "int8": 1, "int16": 2}
    data = value.tobytes()
    head = struct.pack("<B", value.ndim) + struct.pack(f"<{value.ndim}I", *value.shape)
    return _text(name) + head + struct.pack("<BI", kinds[value.dtype.name], len(data)) + data


def ctranslate2_bytes(model):
    found = {"encoder/num_heads": np.int16(4), "decoder/num_heads": np.int16(2)}
    for part in ("encoder", "decoder"):
        for name, value in tree_flatten(getattr(model, part).parameters()):
            found |= _theirs(part, name, np.array(value))
    found = joined_projections(found)
    body = b"".join(variable(n, np.asarray(v)) for n, v in found.items())
    return struct.pack("<I", 6) + _text("WhisperSpec") + struct.pack("<II", 3, len(found)) + body


RENAMES = [
    ("self_attn_layer_norm", "self_attention/layer_norm"),
    ("encoder_attn_layer_norm", "attention/layer_norm"),
    ("final_layer_norm", "ffn/layer_norm"),
    ("embed_tokens", "embeddings"),
    ("embed_positions/weight", "position_encodings/encodings"),
    ("fc1", "ffn/linear_0"),
    ("fc2", "ffn/linear_1"),
    ("layers/", "layer_"),
]


def _theirs(part, name, value):
    """One of their variables, whose queries, keys and values lie on each other."""
    name = name.replace(".", "/")
    for ours, theirs in RENAMES:
        name = name.replace(ours, theirs)
    if "layer_norm" in name:
        name = name.replace("/weight", "/gamma").replace("/bias", "/beta")
    if value.ndim == 3:
        value = np.ascontiguousarray(value.swapaxes(1, 2))
    return {f"{part}/{name}": value}


def joined_projections(found):
    """q_proj, k_proj, v_proj and out_proj become linear_0 and so on."""
    result = {}
    for name, value in found.items():
        if "_proj/" not in name:
            result[name] = value
    blocks = sorted({n.split("_attn/")[0] + "_attn" for n in found if "_proj/" in n})
    for block in blocks:
        q, v, out = (
            {p: found[f"{block}/{x}_proj/{p}"] for p in ("weight", "bias")}
            for x in ("q", "v", "out")
        )
        k = {"weight": found[f"{block}/k_proj/weight"], "bias": np.zeros_like(q["bias"])}
        parts = [[q, k, v], [out]] if block.endswith("self_attn") else [[q], [k, v], [out]]
        base = block.replace("self_attn", "self_attention").replace("encoder_attn", "attention")
        for i, group in enumerate(parts):
            for p in ("weight", "bias"):
                result[f"{base}/linear_{i}/{p}"] = np.concatenate([x[p] for x in group])
    return result
