"""mlx convert and mlx quantize: what they print and how they end; what they write is tested in
tests/python/models."""

import json

import numpy as np
import pytest

from files import read_safetensors, write_safetensors
from program import MODELS, document, run


@pytest.fixture
def plain(tmp_path):
    draw = np.random.default_rng(3)
    tensors = {
        "a.weight": draw.normal(size=(8, 64)).astype(np.float32),
        "b": np.arange(5, dtype=np.int32),
    }
    return write_safetensors(tmp_path / "in.safetensors", tensors, {"who": "me"})


def test_there_and_back(plain, tmp_path):
    doc = document("convert", plain, tmp_path / "x.gguf")
    assert (doc["tensors"], doc["family"], doc["notes"]) == (2, "", [])
    assert doc["bytes"] == 8 * 64 * 4 + 5 * 4
    run("convert", tmp_path / "x.gguf", tmp_path / "back.safetensors")
    assert read_safetensors(tmp_path / "back.safetensors") == read_safetensors(plain)


def test_quantize(plain, tmp_path):
    run("quantize", plain, tmp_path / "x.gguf", "--mode", "q4_0")
    storage = {t["name"]: t["storage"] for t in document("info", tmp_path / "x.gguf")["tensors"]}
    assert storage == {"a.weight": "q4_0", "b": "int32"}
    done = run("quantize", plain, tmp_path / "y.gguf")
    assert "rows of 64 elements are made q5_0 instead of q4_k" in done.stdout
    run("quantize", plain, tmp_path / "z.gguf", "-m", "q8_0", "--keep", "a=float16")
    doc = document("quantize", plain, tmp_path / "y.gguf", "--keep", "a*=drop", "--overwrite")
    assert doc["tensors"] == 1


def test_refusals(plain, tmp_path):
    (tmp_path / "there.gguf").write_text("mine")
    done = run("convert", plain, tmp_path / "there.gguf", status=1)
    assert "exists, and may not be overwritten" in done.stderr
    assert (tmp_path / "there.gguf").read_text() == "mine"
    done = run("convert", plain, tmp_path / "a.gguf", "--keep", "a=q99", status=1)
    assert "Invalid quantization mode 'q99'" in done.stderr
    run("convert", plain, status=2)
    run("convert", plain, tmp_path / "a.gguf", "--format", "onnx", status=2)
    run("quantize", plain, tmp_path / "a.gguf", "--bits", "99", status=2)


def test_unknown_endings_are_no_folders(plain, tmp_path):
    for name in "x.safetensor", "x.tst":
        done = run("convert", plain, tmp_path / name, status=1)
        assert f"no format that is written ends in '.{name[2:]}'" in done.stderr
        assert not (tmp_path / name).exists()
    for name in "SmolLM2-1.7B", "model.v2", "plain":
        run("convert", plain, tmp_path / name)
        assert (tmp_path / name / "model.safetensors").exists()
    run("convert", plain, tmp_path / "x.tst", "--format", "mlx")
    assert (tmp_path / "x.tst" / "model.safetensors").exists()


def test_a_real_model(tmp_path):
    source = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not source.exists():
        pytest.skip("the model is not here: tools/get_models.sh")
    assert document("convert", source, tmp_path / "m")["family"] == "llama"
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["quantization"]["bits"] == 4
    document("convert", tmp_path / "m", tmp_path / "back.gguf")
    assert run("diff", source, tmp_path / "back.gguf").returncode == 0
