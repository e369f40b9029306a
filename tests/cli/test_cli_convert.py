"""mlx convert and mlx quantize: what they print and how they end; what they write is tested in
tests/python/models."""

import json
import re

import numpy as np
import pytest

import seeds
from files import read_gguf, read_safetensors, write_gguf, write_safetensors
from program import MODELS, document, run


@pytest.fixture
def plain(tmp_path):
    draw = seeds.generator(3)
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
    for name in "x.safetensor", "x.tst", "x.gguf/":
        done = run("convert", plain, f"{tmp_path}/{name}", status=1)
        assert f"no format that is written ends in '.{name[2:]}'" in done.stderr
        assert not (tmp_path / name).exists()
    for name in "SmolLM2-1.7B", "model.v2", "plain":
        run("convert", plain, tmp_path / name)
        assert (tmp_path / name / "model.safetensors").exists()
    run("convert", plain, tmp_path / "x.tst", "--format", "mlx")
    assert (tmp_path / "x.tst" / "model.safetensors").exists()


def test_an_ending_alone_is_a_file(plain, tmp_path):
    run("convert", plain, ".gguf", cwd=tmp_path)
    assert (tmp_path / ".gguf").read_bytes()[:4] == b"GGUF"


def test_endings_in_capitals(tmp_path):
    plain = write_safetensors(tmp_path / "in.safetensors", {"w": np.float32([[1, 2], [3, 4]])})
    for name in ("a.GGUF", "b.SAFETENSORS", "c.Npz"):
        run("convert", plain, tmp_path / name, "--family", "none")
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["in.safetensors", name])
        assert run("diff", plain, tmp_path / name).returncode == 0
        (tmp_path / name).unlink()
    assert "no format" in run("convert", plain, tmp_path / "d.SAFETENSOR", status=1).stderr


def test_long_names(tmp_path):
    plain = write_safetensors(tmp_path / "in.safetensors", {"w": np.float32([[1, 2], [3, 4]])})
    for n in (244, 250, 255):
        out = tmp_path / ("y" * (n - 12) + ".safetensors")
        run("convert", plain, out)
        assert run("diff", plain, out).returncode == 0
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_words_of_completion_are_modes(tmp_path, shell):
    text = run("completion", shell).stdout
    modes = re.search(r"\baffine mxfp4 [\w ]+", text)[0].split()
    assert {"q8_0", "q4_k_m"} <= set(modes) and "gguf mlx hf safetensors npz" in text
    w = seeds.generator(5).standard_normal((2, 256)).astype(np.float32)
    source = write_safetensors(tmp_path / "in.safetensors", {"model.w.weight": w})
    for mode in modes if shell == "fish" else []:
        made = document("quantize", source, tmp_path / mode, "-f", "mlx", "-m", mode)
        assert made["tensors"] == 1


def largest(a, b):
    """Of the differences of two models."""
    return max(t["largest"] for t in document("diff", a, b, status=1)["tensors"])


def wide_blocks(path):
    """Numbers of which float16 has neither the largest nor the least: codes of 1 and of 6."""
    large, least = bytes([127 + 17]) + b"\x22" * 16, bytes([127 - 31]) + b"\x77" * 16
    tensors = {"large": ("mxfp4_gguf", [1, 32], large), "least": ("mxfp4_gguf", [1, 32], least)}
    return write_gguf(path, tensors, {"n": (4, 7), "a": "b"})


def test_numbers_beyond_float16(tmp_path):
    source = wide_blocks(tmp_path / "x.gguf")
    assert run("verify", source).returncode == 0
    doc = document("convert", source, tmp_path / "x.safetensors")
    assert [(n["first"], n["tensors"]) for n in doc["notes"]] == [("n", 1)]
    tensors, texts = read_safetensors(tmp_path / "x.safetensors")
    want = {"large": 2.0**17, "least": 6 * 2.0**-31}
    for name, (dtype, shape, raw) in tensors.items():
        bits = np.frombuffer(raw, np.uint16).astype(np.uint32) << 16
        assert (dtype, shape) == ("BF16", [1, 32]) and np.all(bits.view(np.float32) == want[name])
    assert texts == {"a": "b"}
    assert largest(source, tmp_path / "x.safetensors") == 0


def test_digits_beyond_float16(tmp_path):
    draw = seeds.generator(5)
    scale = np.float16(1.2343).tobytes()
    blocks = b"".join(scale + draw.bytes(32) for _ in range(8))
    source = write_gguf(tmp_path / "x.gguf", {"w": ("q8_0", [1, 256], blocks)}, {})
    doc = document("convert", source, tmp_path / "h.safetensors")
    assert [n["first"] for n in doc["notes"]] == ["w"] and "rounded" in doc["notes"][0]["note"]
    assert 0 < largest(source, tmp_path / "h.safetensors") < 0.1
    doc = document("convert", source, tmp_path / "f.safetensors", "--dtype", "float32")
    assert doc["notes"] == [] and largest(source, tmp_path / "f.safetensors") == 0


def test_what_float16_cannot_hold_is_noted(tmp_path):
    wide = write_safetensors(tmp_path / "x.safetensors", {"w": np.float32([[1e5, -1], [2, 3]])})
    doc = document("convert", wide, tmp_path / "h.safetensors", "--dtype", "float16")
    assert [n["first"] for n in doc["notes"]] == ["w"] and "infinite" in doc["notes"][0]["note"]
    assert (
        document("convert", wide, tmp_path / "b.safetensors", "--dtype", "bfloat16")["notes"] == []
    )


def test_nan_that_blocks_cannot_hold(tmp_path):
    w = np.zeros((2, 64), np.float32)
    w[1, 3] = np.nan
    source = write_safetensors(tmp_path / "x.safetensors", {"w": w})
    out = tmp_path / "x.gguf"
    asked = ("quantize", source, out, "--family", "none", "-m")
    failed = run(*asked, "nvfp4", status=1)
    assert "'w'" in failed.stderr and "NaN" in failed.stderr and not out.exists()
    run(*asked, "mxfp4")
    assert run("verify", out, status=1).returncode == 1


def test_npz_has_notes(tmp_path):
    x = {"w": np.float32([[1e5, -1], [2, 3]])}
    source = write_safetensors(tmp_path / "x.safetensors", x, {"who": "me"})
    doc = document("convert", source, tmp_path / "x.npz", "--dtype", "float16")
    assert sorted(n["first"] for n in doc["notes"]) == ["w", "who"]


def test_metadata_without_a_family(tmp_path):
    metadata = {"general.architecture": "nobody", "l": ["a", "b"], "n": (4, 7), "f": (6, [0.5, 1])}
    tensors = {"w": ("float32", [2, 2], bytes(16))}
    source = write_gguf(tmp_path / "in.gguf", tensors, metadata)
    assert document("convert", source, tmp_path / "folder", "--family", "none")["notes"] == []
    run("convert", tmp_path / "folder", tmp_path / "out.gguf", "--family", "none")
    assert read_gguf(tmp_path / "out.gguf") == read_gguf(source)


def test_a_real_model(tmp_path):
    source = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not source.exists():
        pytest.skip("the model is not here: tools/get_models.sh")
    assert document("convert", source, tmp_path / "m")["family"] == "llama"
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["quantization"]["bits"] == 4
    document("convert", tmp_path / "m", tmp_path / "back.gguf")
    assert run("diff", source, tmp_path / "back.gguf").returncode == 0
