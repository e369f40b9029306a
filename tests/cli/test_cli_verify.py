"""mlx verify: faults that are put into models are found, and no others."""

import hashlib
import json
import os

import numpy as np
import pytest

import seeds
from files import write_gguf, write_safetensors
from program import DATA, MODELS, document, run


def bits(*values):
    """bfloat16"""
    return "BF16", (np.float32(values).view(np.uint32) >> 16).astype(np.uint16)


def test_sound(tmp_path):
    path = write_safetensors(tmp_path / "m", {"a": np.zeros(3, np.float32), "i": np.int8([1])})
    doc = document("verify", path)
    assert doc["sound"] and doc["faults"] == [] and (doc["nan"], doc["inf"]) == (0, 0)
    assert "\nsound\n" in run("verify", path).stdout


def test_values(tmp_path):
    nan, inf = np.nan, np.inf
    tensors = {
        "f32": np.float32([nan, 1, nan, -inf]),
        "f16": np.float16([inf, 2]),
        "bf16": bits(nan, inf, inf, 0),
        "f64": np.float64([[nan], [3]]),
        "fine": np.float32([1]),
        "integers": np.int32([-(2**31)]),
    }
    path = write_safetensors(tmp_path / "m", tensors)
    doc = document("verify", path, status=1)
    found = {row["name"]: (row["nan"], row["inf"]) for row in doc["tensors"]}
    assert found == {"f32": (2, 1), "f16": (0, 1), "bf16": (1, 2), "f64": (1, 0)}
    assert (doc["nan"], doc["inf"], doc["sound"]) == (4, 4, False)
    assert {row["where"] for row in doc["faults"]} == set(found)
    text = run("verify", path, status=1).stdout
    assert "2 NaN and 1 infinite of 4 elements" in text and "\nnot sound\n" in text
    assert document("verify", path, "--allow=both")["sound"]
    doc = document("verify", path, "--allow=inf", status=1)
    assert {row["where"] for row in doc["faults"]} == {"f32", "bf16", "f64"}
    assert [row["where"] for row in doc["notes"]] == ["f16"]
    assert document("verify", path, "--structure")["sound"]


def test_values_of_blocks(tmp_path):
    """A scale of Q8_0 that is NaN makes NaN of 32 elements."""
    fine, bad = (np.float16([s]).tobytes() + b"\x01" * 32 for s in (1, np.nan))
    path = write_gguf(tmp_path / "m", {"w": ("q8_0", [2, 32], fine + bad)}, {})
    doc = document("verify", path, status=1)
    assert doc["tensors"][0] == {
        "name": "w",
        "storage": "q8_0",
        "elements": 64,
        "nan": 32,
        "inf": 0,
    }


def test_broken_is_an_answer(tmp_path):
    """The file's fault: a document. None, or no file: an error."""
    path = write_safetensors(tmp_path / "m", {"a": np.zeros(3, np.float32)})
    path.write_bytes(path.read_bytes()[:-1])
    doc = document("verify", path, status=1)
    assert not doc["sound"] and len(doc["faults"]) == 1 and "m" in doc["faults"][0]["where"]
    assert "not sound" in run("verify", path, status=1).stdout
    assert document("verify", tmp_path / "none", status=1).keys() == {"error"}


def test_a_tensor_that_cannot_be_read(tmp_path):
    """The others are looked at all the same."""
    noise = seeds.generator(1).normal(size=5000)
    np.savez_compressed(tmp_path / "m.npz", cut=noise, w=np.float32([np.nan]))
    raw = bytearray((tmp_path / "m.npz").read_bytes())
    raw[20000] ^= 0xFF  # within the first member's packed elements
    (tmp_path / "m.npz").write_bytes(raw)
    doc = document("verify", tmp_path / "m.npz", status=1)
    assert {row["where"] for row in doc["faults"]} == {"cut", "w"}


def test_a_tensor_that_unpacks_to_other_bytes(tmp_path):
    """As many, or more: its checksum tells."""
    path = tmp_path / "m.npz"
    noise = seeds.generator(1).normal(size=5000)
    np.savez_compressed(path, cut=noise)
    whole = path.read_bytes()
    for at in range(1000, 31000, 500):
        raw = bytearray(whole)
        raw[at] ^= 0xFF
        path.write_bytes(raw)
        (fault,) = document("verify", path, status=1)["faults"]
        assert fault["where"] == "cut", at


def test_index(tmp_path):
    write_safetensors(tmp_path / "model-00001-of-00002.safetensors", {"a": np.zeros(3, np.float32)})
    write_safetensors(tmp_path / "model-00002-of-00002.safetensors", {"b": np.zeros(2, np.float32)})
    places = {k: f"model-0000{i}-of-00002.safetensors" for i, k in enumerate("ab", 1)}

    def index(total, **more):
        text = json.dumps({"metadata": {"total_size": total}, "weight_map": {**places, **more}})
        (tmp_path / "model.safetensors.index.json").write_text(text)

    index(20)
    doc = document("verify", tmp_path)
    assert doc["sound"] and doc["notes"] == [] and doc["tensor_count"] == 2
    index(24)
    assert "total_size" in document("verify", tmp_path)["notes"][0]["what"]
    index(20, c="model-00001-of-00002.safetensors")
    assert "'c'" in document("verify", tmp_path, status=1)["faults"][0]["what"]
    index(20, c="model-00003-of-00002.safetensors")
    assert "00003" in run("verify", tmp_path, status=1).stderr


# --- checksums ------------------------------------------------------------------------------------


def one_file(folder):
    path = write_safetensors(folder / "m.safetensors", {"a": np.arange(1000, dtype=np.float32)})
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def checked(path, source, digest, status=0):
    (row,) = document("verify", path, status=status)["files"]
    assert (row["source"], row["sha256"]) == (source, digest)
    assert row["checksum"] == ("wrong" if status else "right")


@pytest.mark.parametrize(
    "size", [0, 1, 55, 56, 63, 64, 65, 119, 120, 1 << 20, (1 << 20) + 7, 3 << 20]
)
def test_sha256(tmp_path, size):
    """Of every length that ends a block in another way."""
    path = tmp_path / "m.npy"
    np.save(path, np.random.default_rng(size).integers(0, 256, size).astype(np.uint8))
    (row,) = document("verify", path, "--sha256")["files"]
    assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "source" not in row and "expected" not in row


def test_sidecar(tmp_path):
    path, digest = one_file(tmp_path)
    for text in digest, f"{digest}\n", f"{digest.upper()}  m.safetensors\n":
        (tmp_path / "m.safetensors.sha256").write_text(text)
        checked(path, "sidecar", digest)
    (tmp_path / "m.safetensors.sha256").write_text("0" * 64)
    checked(path, "sidecar", digest, status=1)
    assert "SHA-256" in run("verify", path, "--structure", status=1).stdout
    for text in "", "hello", digest[:-1], digest + "0":
        (tmp_path / "m.safetensors.sha256").write_text(text)
        doc = document("verify", path, status=1)
        assert "sha256" not in doc["files"][0]
        assert doc["faults"][0]["what"] == "its .sha256 file begins with no SHA-256"
    (tmp_path / "m.safetensors.sha256").write_text(f"{digest}  dir/other.safetensors\n")
    doc = document("verify", path, status=1)
    assert doc["faults"][0]["what"] == "its .sha256 file names another file"


def test_a_config_that_is_no_json(tmp_path):
    path, _ = one_file(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert document("verify", path)["sound"]
    (tmp_path / "config.json").write_text('{"model_type":')
    assert "it is no JSON" in document("verify", path, status=1)["faults"][0]["what"]


def test_a_boolean_is_0_or_1(tmp_path):
    path = write_safetensors(tmp_path / "m.safetensors", {"b": ("BOOL", np.uint8([0, 1, 2]))})
    assert "2 is not a boolean" in document("verify", path, status=1)["faults"][0]["what"]


@pytest.mark.parametrize("name", ["SHA256SUMS", "sha256sums.txt"])
def test_list_of_sums(tmp_path, name):
    path, digest = one_file(tmp_path)
    other = "0" * 64
    for line in f"{digest}  m.safetensors", f"{digest} *./m.safetensors\r":
        (tmp_path / name).write_text(f"# sums\n{other}  other\n{line}\n{other}  xm.safetensors\n")
        checked(path, "list", digest)
    (tmp_path / name).write_text(f"{other}  m.safetensors\n")
    checked(path, "list", digest, status=1)


def test_cache_of_the_hub(tmp_path):
    path, digest = one_file(tmp_path)
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir(), snapshot.mkdir(parents=True)
    path.rename(blobs / digest)
    os.symlink(f"../../blobs/{digest}", snapshot / "model.safetensors")
    checked(snapshot / "model.safetensors", "cache", digest)
    checked(snapshot, "cache", digest)
    with open(blobs / digest, "r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    checked(snapshot, "cache", hashlib.sha256((blobs / digest).read_bytes()).hexdigest(), status=1)


def test_downloads_of_the_hub(tmp_path):
    path, digest = one_file(tmp_path)
    notes = tmp_path / ".cache" / "huggingface" / "download"
    notes.mkdir(parents=True)
    (notes / "m.safetensors.metadata").write_text(f"{'1' * 40}\n{digest}\n1700000000.0\n")
    checked(path, "download", digest)
    (notes / "m.safetensors.metadata").write_text(f"{'1' * 40}\n{'2' * 40}\n1700000000.0\n")
    assert "sha256" not in document("verify", path)["files"][0]  # an id of git's, no SHA-256


# --- models that others made ----------------------------------------------------------------------


@pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")
def test_models_of_others():
    for name in "stories260K/stories260K.gguf", "mnist_cnn/mnist.safetensors":
        assert document("verify", DATA / name)["sound"]
    doc = document("verify", DATA / "fixtures/npy/ndarray-npy/example_bool_bad_value.npy", status=1)
    assert not doc["sound"]


def test_real_model():
    path = MODELS / "gemma-3-270m-q4_k_m.gguf"
    if not path.exists():
        pytest.skip("no models (tools/get_models.sh)")
    doc = document("verify", path, "--sha256")
    digest = (
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"  # get_models.sh has it
    )
    assert doc["sound"] and doc["files"][0]["sha256"] == digest
