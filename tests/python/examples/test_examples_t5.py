"""language.t5 computes what transformers' T5 does, plain and gated."""

import json
import shutil

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
import tiny_folders
from encoders_cases import T5_TEXT
from examples import near, program, referenced
from language.t5.folder import load, load_tokenizer, read
from language.t5.model import FeedForward

KINDS = ["t5", "t5_gated"]


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    return referenced(tmp_path_factory, "encoders_worker.py", *KINDS, "t5_gelu")


@pytest.fixture(scope="module", params=KINDS)
def folder(tmp_path_factory, request):
    return tiny_folders.made(tmp_path_factory, request.param)


@pytest.fixture(scope="module", params=[*KINDS, "t5_gelu"])
def made(top, request):
    return load(top / request.param), np.load(top / f"{request.param}.npz"), top / request.param


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return tiny_folders.made(tmp_path_factory, "t5")


def test_logits(made):
    model, wanted, _ = made
    tokens, after, mask = (mx.array(wanted[name]) for name in ("tokens", "after", "mask"))
    states = model.encode(tokens, mask)
    near(states[0], wanted["states"])
    memory = model.memory(states)
    near(model.decode(after, memory, mask=mask)[0], wanted["logits"])
    cache, parts = None, []
    for part in (after[:, :4], after[:, 4:5], after[:, 5:20], after[:, 20:]):
        logits, cache = model.decode(part, memory, cache, mask)
        parts.append(logits)
    near(mx.concatenate(parts, axis=1), wanted["logits"])


@pytest.mark.parametrize(
    "name, gated, act",
    [
        ("relu", False, nn.relu),
        ("gelu", False, nn.gelu),
        ("gelu_new", False, nn.gelu_approx),
        ("gated-gelu", True, nn.gelu_approx),
        ("gated-silu", True, nn.silu),
    ],
)
def test_activations(name, gated, act):
    """gelu is what it is called, but in gated-gelu, which is T5 1.1's."""
    layer = FeedForward({"d_model": 4, "d_ff": 6, "feed_forward_proj": name})
    assert layer.act is act and ("wi" not in layer) == gated


def test_answer(made):
    model, wanted, folder = made
    tokenizer = load_tokenizer(folder)
    asked = read(tokenizer, T5_TEXT, 1)
    assert asked == wanted["asked"].tolist()
    answer = [token for token in wanted["answer"].tolist()[1:] if token != 1]
    assert list(model.generate(asked, 12)) == answer
    said = program("language.t5", "--model", folder, "--tokens", 12, T5_TEXT)
    assert said == tokenizer.decode(answer) + "\n"
    call = [
        "language.t5",
        "--model",
        folder,
        "--tokens",
        9,
        "--temperature",
        1,
        "--dtype",
        "bfloat16",
    ]
    assert program(*call, "a") == program(*call, "a")


def changed(**values):
    def change(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda f: (f / "config.json").unlink(), "config.json is missing"),
        (changed(model_type="mt0"), "is of mt0, expected t5"),
        (changed(feed_forward_proj="gated-tanh"), "feed_forward_proj is gated-tanh"),
        (changed(num_layers=4), "is missing"),
        (changed(num_layers=2), "is no part of such a model"),
        (changed(d_ff=40), "has shape"),
        (lambda f: (f / "model.safetensors").write_bytes(b"{}"), "cannot be read"),
        (lambda f: (f / "tokenizer.json").unlink(), "has no tokenizer that can be read"),
    ],
)
def test_what_is_wrong_with_a_folder(plain, tmp_path, change, sentence):
    shutil.copytree(plain, tmp_path / "model")
    change(tmp_path / "model")
    said = program("language.t5", "--model", tmp_path / "model", "a cat")
    assert sentence in said and said.count("\n") == 1, said


def test_what_is_wrong_with_a_call(plain):
    for words in (["--tokens", 0], ["--temperature", -1], ["--temperature", "nan"]):
        said = program("language.t5", "--model", plain, *words, "a cat")
        assert "--tokens is at least 1" in said and said.count("\n") == 1
