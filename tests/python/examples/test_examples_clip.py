"""vision.clip computes what transformers' CLIP does, and says what is wrong with a folder."""

import json
import shutil

import mlx.core as mx
import numpy as np
import pytest
import tiny_folders
from encoders_cases import CLIP_TEXTS
from examples import near, needs_pillow, pictures, program, referenced
from vision.clip.folder import load
from vision.clip.inputs import load_tokenizer, pad_token, preprocess, tokenize


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_folders.made(tmp_path_factory, "clip")


@pytest.fixture(scope="module", params=["clip", "clip_odd"])
def made(tmp_path_factory, request):
    top = referenced(tmp_path_factory, "encoders_worker.py", request.param)
    return top / request.param, np.load(top / f"{request.param}.npz")


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
    needs_pillow()
    near(preprocess(wanted["picture"], *load(folder)[1]), wanted["pixels"][0], 0.03)


def test_long_texts(folder, capsys):
    tokenizer = load_tokenizer(folder)
    found = tokenize(tokenizer, ["cat " * 50, "cat"], 24, 0)
    assert found.shape == (2, 24) and found[0, -1].item() == tokenizer.id("<|endoftext|>")
    assert found[1].tolist() == tokenizer.encode("cat") + [0] * 21
    assert capsys.readouterr().err.startswith("Only 22 tokens of 50 are read: cat cat")


def test_the_end_of_old_configurations(folder):
    """eos_token_id 2 means the token with the largest number."""
    model, _ = load(folder)
    tower, end = model.text_model, model.text_model.end
    tokens = mx.array([[end - 1, 5, 7, end, end, end], [end - 1, end, 0, 0, 0, 0]])
    wanted = tower(tokens)[2]
    tower.end = 2
    assert mx.array_equal(tower(tokens)[2], wanted)
    assert mx.array_equal(wanted[1], tower(tokens)[1][1, 1])


def test_program(folder, tmp_path):
    needs_pillow()
    pictures.write_png(tmp_path / "x.png", noise(50, 41))
    said = program("vision.clip", "--model", folder, tmp_path / "x.png", "a cat", "a dog")
    assert said.count("%") == 2 and "a dog" in said
    shares = [float(line.split("%")[0]) for line in said.splitlines()]
    assert sum(shares) == pytest.approx(100, abs=0.02) and shares[0] >= shares[1]


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def broken(folder, tmp_path, change):
    """A copy of the folder, changed; the sentence of the program about it."""
    copy = tmp_path / "broken"
    shutil.copytree(folder, copy)
    change(copy)
    image = tmp_path / "x.png"
    if not image.exists():
        pictures.write_png(image, np.zeros((32, 32, 3), np.uint8))
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
def test_what_is_wrong_with_a_folder(folder, tmp_path, change, word):
    needs_pillow()
    assert word in broken(folder, tmp_path, change)


def test_weights_in_parts(folder, tmp_path):
    """An index with two files, or one file in float16."""
    shutil.copytree(folder, tmp_path / "parts")
    file = tmp_path / "parts" / "model.safetensors"
    weights, index = mx.load(str(file)), file.with_suffix(".safetensors.index.json")
    names = sorted(weights)
    for i in range(2):
        mx.save_safetensors(
            str(file.with_name(f"{i}.safetensors")), {n: weights[n] for n in names[i::2]}
        )
    file.unlink()
    parts = {name: f"{i % 2}.safetensors" for i, name in enumerate(names)}
    index.write_text(json.dumps({"weight_map": parts}))
    tokens = mx.array([[3, 4, 5]])
    wanted = load(folder)[0].encode_text(tokens)
    assert mx.array_equal(load(tmp_path / "parts")[0].encode_text(tokens), wanted)
    for wrong in ([], {"a": 3}):
        index.write_text(json.dumps({"weight_map": wrong}))
        with pytest.raises(SystemExit, match="no weight_map of files"):
            load(tmp_path / "parts")
    index.unlink()
    halves = {name: x.astype(mx.float16) for name, x in weights.items()}
    mx.save_safetensors(str(file.with_name("model.fp16.safetensors")), halves)
    near(load(tmp_path / "parts")[0].encode_text(tokens), wanted, 0.02)


def test_what_is_wrong_with_an_image(folder, tmp_path):
    needs_pillow()
    image = tmp_path / "x.png"
    pictures.write_png(image, noise(90, 90))
    image.write_bytes(image.read_bytes()[:2000])
    assert "cannot be read as an image" in broken(folder, tmp_path, lambda f: None)
    said = program("vision.clip", "--model", folder, tmp_path / "none.png", "a cat")
    assert "none.png cannot be read as an image: No such file" in said
