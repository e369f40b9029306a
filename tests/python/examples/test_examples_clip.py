"""vision.clip computes what transformers' CLIP does, and says what is wrong with a folder."""

import json
import shutil

import mlx.core as mx
import numpy as np
import pytest
from encoders_cases import CLIP_TEXTS
from examples import common, program, references
from mlx.data import images
from vision.clip.folder import load
from vision.clip.inputs import load_tokenizer, pad_token, preprocess, tokenize


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    top = tmp_path_factory.mktemp("encoders")
    references("encoders_worker.py", top, "clip")
    return top / "clip", np.load(top / "clip.npz")


def needs_pillow():
    pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def near(found, wanted, tolerance=1e-4):
    np.testing.assert_allclose(np.array(found), wanted, rtol=tolerance, atol=tolerance)


def test_towers_and_logits(made):
    folder, wanted = made
    model, _ = load(folder)
    tokens, pictures = mx.array(wanted["tokens"]), mx.array(wanted["images"])
    near(model.encode_text(tokens), wanted["text"])
    near(model.encode_image(pictures), wanted["image"])
    near(model(pictures, tokens), wanted["logits"])
    half, _ = load(folder, mx.bfloat16)
    near(half(pictures.astype(mx.bfloat16), tokens).astype(mx.float32), wanted["logits"], 0.2)


def test_tokens_and_pixels(made):
    folder, wanted = made
    tokenizer = load_tokenizer(folder)
    found = tokenize(tokenizer, CLIP_TEXTS, 24, pad_token(folder, tokenizer))
    assert found.tolist() == wanted["tokens"].tolist()
    assert tokenize(tokenizer, ["cat " * 50], 24, 0)[0, -1].item() == tokenizer.id("<|endoftext|>")
    needs_pillow()
    near(preprocess(wanted["picture"], *load(folder)[1]), wanted["pixels"][0], 0.03)


def test_program(made, tmp_path):
    needs_pillow()
    folder, wanted = made
    images.save(tmp_path / "x.png", wanted["picture"])
    said = program("vision.clip", "--model", folder, tmp_path / "x.png", "a cat", "a dog")
    assert said.count("%") == 2 and "a dog" in said
    shares = [float(line.split("%")[0]) for line in said.splitlines()]
    assert sum(shares) == pytest.approx(100, abs=0.02) and shares[0] >= shares[1]


def broken(folder, tmp_path, change):
    """A copy of the folder, changed; the sentence of the program about it."""
    copy = tmp_path / "broken"
    shutil.copytree(folder, copy)
    change(copy)
    image = tmp_path / "x.png"
    if not image.exists():
        common.write_png(image, np.zeros((32, 32, 3), np.uint8))
    said = program("vision.clip", "--model", copy, image, "a cat")
    assert said.count("\n") == 1, said
    return said


def configured(**values):
    def change(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


def cut(name):
    def change(folder):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])

    return change


@pytest.mark.parametrize(
    "change, word",
    [
        (lambda f: (f / "config.json").unlink(), "config.json is missing"),
        (cut("config.json"), "cannot be read as JSON"),
        (configured(model_type="bert"), "is of bert, expected clip"),
        (configured(projection_dim=25), "has shape"),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing"),
        (cut("model.safetensors"), "cannot be read"),
        (lambda f: (f / "merges.txt").unlink(), "tokenizer"),
        (lambda f: (f / "vocab.json").write_text('{"a": 0}'), "has no '<|startoftext|>'"),
    ],
)
def test_what_is_wrong_with_a_folder(made, tmp_path, change, word):
    assert word in broken(made[0], tmp_path, change)


def test_what_is_wrong_with_an_image(made, tmp_path):
    needs_pillow()
    image = tmp_path / "x.png"
    images.save(image, np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8))
    image.write_bytes(image.read_bytes()[:2000])
    assert "cannot be read as an image" in broken(made[0], tmp_path, lambda f: None)
    said = program("vision.clip", "--model", made[0], tmp_path / "none.png", "a cat")
    assert "none.png cannot be read as an image: No such file" in said
