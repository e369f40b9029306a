"""Whatever config.json says, a GGUF file of it means the same model, or is not made.

Each key of each family is changed in turn: the folder is refused, or its file is, or the file
alone, without the files that it keeps for mlx, computes what the folder does.
"""

import json
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from family_folders import tiny_of, without_files
from mlx import lm

FAMILIES = Path(__file__).resolve().parents[2] / "data" / "families"
ENCODERS = (
    "bert",
    "roberta",
    "modernbert",
    "nomic_bert",
    "gpt_oss_mxfp4",
)  # and blocks as they are
OTHER = ("silu", "gelu", "gelu_pytorch_tanh", "gelu_new", "relu")
TOKENS = [3, 17, 42, 5, 9, 30, 2, 8, 25, 40, 11, 6, 19, 23, 4, 33]


def names():
    alike = (
        "_eps",
        "_groups",
        "_biases",
        "_all",
        "_far",
        "_linear",
        "_dynamic",
        "_mscale",
        "_relu",
    )
    found = (f.stem for f in FAMILIES.glob("*.json"))
    return sorted(f for f in found if f not in ENCODERS and not f.endswith(alike))


def write_tokenizer(folder, count):
    (folder / "tokenizer.json").write_text(json.dumps({
        "added_tokens": [], "decoder": {"type": "ByteLevel"},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        "model": {"type": "BPE", "merges": [], "vocab": {f"t{i}": i for i in range(count)}}}))  # fmt: skip


def usual(family, config):
    """What GGUF has keys for: else all files of the family are refused."""
    new = {key: value for key, value in config.items() if not key.endswith("_token_id")}
    if family == "cohere2":
        del new["layer_types"]
        new["sliding_window_pattern"] = 4
    told = {"mlp_only_layers": [], "use_sliding_window": False,
            "query_pre_attn_scalar": config.get("head_dim")}  # fmt: skip
    return new | {key: value for key, value in told.items() if key in new}


def others(key, value):
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, 0]
    if isinstance(value, float):
        return [1.7 * value + 0.1]
    if isinstance(value, str):
        return [word for word in OTHER if "act" in key and word != value]
    if isinstance(value, list):
        return [value[::-1]] if value != value[::-1] else []
    return [True, 2, 0.5]


def changes(config, path=()):
    for key, value in config.items():
        if isinstance(value, dict):
            yield from changes(value, (*path, key))
        else:
            yield from (((*path, key), other) for other in others(key, value))


def changed(config, path, value):
    new = inner = json.loads(json.dumps(config))
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return new


def logits(path):
    return np.array(lm.load(path).logits(TOKENS))


@pytest.mark.parametrize("family", names())
def test_a_file_means_what_its_folder_means(tmp_path, family):
    folder = tiny_of(family, tmp_path / "a")
    config = usual(family, json.loads((folder / "config.json").read_text()))
    write_tokenizer(folder, config["vocab_size"])
    compared = 0
    for path, value in [((), None), *changes(config)]:
        new = changed(config, path, value) if path else config
        (folder / "config.json").write_text(json.dumps(new))
        try:
            want = logits(folder)
            mx.convert_model(folder, tmp_path / "a.gguf", overwrite=True)
        except RuntimeError:
            continue
        without_files(tmp_path / "a.gguf", tmp_path / "b.gguf")
        apart = abs(logits(tmp_path / "b.gguf") - want).max()
        assert apart <= 2e-3 * abs(want).max(), (path, value)
        compared += 1
    assert compared


@pytest.mark.parametrize(
    ("family", "key"),
    [
        ("lfm2_biases", "conv_bias"),
        ("ernie4_5_biases", "use_bias"),
        ("lfm2", ""),
        ("llama_biases", ""),
    ],
)
def test_what_llama_cpp_does_not_open_is_noted(tmp_path, family, key):
    notes = []
    folder = tiny_of(family, tmp_path / "a")
    mx.convert_model(folder, tmp_path / "a.gguf",
                     progress=lambda p: p.get("note") and notes.append((p["tensor"], p["note"])))  # fmt: skip
    found = [name for name, note in notes if "llama.cpp does not open the file" in note]
    assert found == [key] * bool(key)
