"""vision.sam computes what transformers' SamModel does, and writes what it found as a picture."""

import json
import shutil

import mlx.core as mx
import numpy as np
import pytest
import tiny_folders
from encoders_cases import SAM_PROMPTS
from examples import is_png, near, needs_pillow, pictures, program, referenced
from vision.sam.__main__ import fitted, postprocess, resized
from vision.sam.encoder import Attention, whole, windows
from vision.sam.model import load

WITH = {"qkv_bias": True, "use_rel_pos": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_folders.made(tmp_path_factory, "sam")


@pytest.fixture(scope="module", params=["sam", "sam_odd"])
def made(tmp_path_factory, request):
    top = referenced(tmp_path_factory, "encoders_worker.py", request.param)
    return load(top / request.param), np.load(top / f"{request.param}.npz")


def test_image(made):
    model, wanted = made
    near(model.embed(mx.array(wanted["image"])), wanted["embedding"])


@pytest.mark.parametrize("name", SAM_PROMPTS)
def test_masks(made, name):
    model, wanted = made
    ask = dict(SAM_PROMPTS[name])
    if "mask" in ask:
        ask["mask"] = mx.array(wanted["prior"])
    masks, quality = model(mx.array(wanted["embedding"]), **ask)
    near(masks, wanted[f"{name}.masks"])
    near(quality, wanted[f"{name}.quality"])


def test_relative_positions():
    """Attention with them is softmax(q k / sqrt(D) + down + across) v, in float64."""
    mx.random.seed(1)
    layer = Attention({"hidden_size": 12, "num_attention_heads": 2} | WITH, 3)
    for name in ("rel_pos_h", "rel_pos_w"):
        layer[name] = mx.random.normal((5, 6))
    x = mx.random.normal((1, 3, 3, 12))
    qkv = np.array(layer.qkv(x), np.float64).reshape(9, 3, 2, 6).transpose(1, 2, 0, 3)
    tables = [np.array(layer[name], np.float64) for name in ("rel_pos_h", "rel_pos_w")]
    scores = qkv[0] @ qkv[1].swapaxes(1, 2) / 6**0.5
    for i, j in np.ndindex(9, 9):
        down, across = i // 3 - j // 3 + 2, i % 3 - j % 3 + 2
        scores[:, i, j] += qkv[0][:, i] @ (tables[0][down] + tables[1][across])
    shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    y = (shares @ qkv[2]).swapaxes(0, 1).reshape(1, 3, 3, 12)
    near(layer(x), layer.proj(mx.array(y.astype(np.float32))), 1e-5)


def test_windows():
    x = mx.arange(2 * 5 * 7 * 3).reshape(2, 5, 7, 3)
    pieces = windows(x, 3)
    assert pieces.shape == (12, 3, 3, 3) and mx.array_equal(pieces[1, 0], x[0, 0, 3:6])
    assert mx.array_equal(whole(pieces, x.shape), x)


def test_sizes():
    assert fitted(np.zeros((30, 60, 3)), 64) == (32, 64)
    assert fitted(np.zeros((1000, 1, 3)), 64) == (64, 1)
    near(resized(mx.array([[0.0, 4.0]]), 1, 4), [[0, 1, 3, 4]])
    mask = mx.where(mx.arange(16)[None] < 8, 1.0, -1.0) * mx.ones((16, 1))
    found = postprocess(mask, np.zeros((30, 60, 3)), 64)
    assert found.shape == (30, 60) and found[:, :29].all() and not found[:, 31:].any()


def test_program(folder, tmp_path):
    needs_pillow()
    image, output = tmp_path / "x.png", tmp_path / "out.png"
    pictures.write_png(image, np.random.default_rng(0).integers(0, 256, (40, 55, 3), np.uint8))
    call = ["vision.sam", "--model", folder, image, "--output", output]
    said = program(*call, "--point", "20,11", "--not", "3,3", "--dtype", "bfloat16")
    assert "% of the picture, quality" in said and is_png(output)
    assert "% of the picture" in program(*call, "--box", "5,5,40,30")
    wrong = {
        ("--point", "55,3"): "(55, 3) is not within 55 x 40 pixels.",
        ("--point=-1,3",): "(-1, 3) is not within 55 x 40 pixels.",
        ("--box", "5,5,5,9"): "--box is left,top,right,bottom, with left < right",
        ("--box", "5,5,6,90"): "(6, 90) is not within",
        (): "Say where the thing is",
        ("--point", "3,3", "--output", "none/x.png"): "there is no folder none",
        ("--point", "3,3", "--dtype", "x"): "--dtype is one of",
        ("--point", "3,3", "--model", "none"): "none is no folder of sam",
    }
    for words, sentence in wrong.items():
        said = program(*call, *words)
        assert sentence in said and said.count("\n") == 1, said
    assert "invalid 2 numbers value: 'nan,3'" in program(*call, "--point", "nan,3")
    image.write_bytes(image.read_bytes()[:900])
    assert "x.png cannot be read as an image" in program(*call, "--point", "3,3")


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"model_type": "sam2"}, "is of sam2, expected sam"),
        ({"vision_config": {"image_size": 32}}, "images have 32 and 64 pixels"),
        ({"mask_decoder_config": {"num_hidden_layers": 3}}, "is missing"),
        ({"prompt_encoder_config": {"hidden_act": "tanh"}}, "hidden_act is tanh, expected gelu, "),
    ],
)
def test_what_is_wrong_with_a_folder(folder, tmp_path, values, sentence):
    shutil.copytree(folder, tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text())
    for name, value in values.items():
        config[name] = config[name] | value if isinstance(value, dict) else value
    path.write_text(json.dumps(config))
    with pytest.raises(SystemExit) as caught:
        load(tmp_path / "model")
    assert sentence in str(caught.value)
