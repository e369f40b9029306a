"""mlx diff beside NumPy in float64."""

import json
import math

import numpy as np
import pytest

import seeds
from files import write_gguf, write_safetensors
from program import MODELS, document, run


def rows_of(doc):
    return {row["name"]: row for row in doc["tensors"]}


@pytest.fixture
def draw():
    return seeds.generator(7)


def test_equal(tmp_path, draw):
    tensors = {"a": draw.normal(size=(3, 5)), "b": np.float32([np.nan, np.inf, -np.inf, -0.0])}
    one = write_safetensors(tmp_path / "one", tensors)
    other = write_safetensors(tmp_path / "other", tensors, {"only": "here"})
    doc = document("diff", one, other)
    assert doc["equal"] and doc["same"] == 2 and doc["different"] == 0
    assert all(row["largest"] == 0 and row["verdict"] == "same" for row in doc["tensors"])
    run("diff", one, one)
    doc = document("diff", one, other, "--metadata", status=1)
    assert doc["metadata"] == [{"key": "only", "verdict": "only in B"}]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64, np.int32, np.uint8])
def test_errors_are_numpys(tmp_path, draw, dtype):
    # more elements than are looked at at once
    a = (draw.normal(size=(1037, 1213)) * 50).astype(dtype)
    b = (a + (draw.random(a.shape) < 0.01).astype(dtype)).astype(dtype)
    one, other = (write_safetensors(tmp_path / n, {"w": x}) for n, x in zip("ab", (a, b)))
    row = rows_of(document("diff", one, other, status=1))["w"]
    error = np.abs(a.astype(float) - b.astype(float))
    assert row["differing"] == np.count_nonzero(error) and row["elements"] == a.size
    assert row["largest"] == error.max()
    assert row["mean"] == pytest.approx(error.mean(), rel=1e-12)
    norms = np.linalg.norm(error) / np.linalg.norm(a.astype(float))
    assert row["relative"] == pytest.approx(norms, rel=1e-9)


def test_names_shapes_and_storages(tmp_path):
    z = np.zeros
    a = {
        "gone": z(2),
        "shape": z((2, 3)),
        "store": z(4, np.float32),
        "same": z(1),
        "turned": z((2, 3)),
    }
    b = {
        "new": z(2),
        "shape": z((2, 4)),
        "store": z(4, np.float16),
        "same": z(1),
        "turned": z((3, 2)),
    }
    one, other = write_safetensors(tmp_path / "a", a), write_safetensors(tmp_path / "b", b)
    doc = document("diff", one, other, status=1)
    assert {name: row["verdict"] for name, row in rows_of(doc).items()} == {
        "gone": "only in A", "shape": "shape", "store": "storage", "same": "same",
        "turned": "shape", "new": "only in B",
    }  # fmt: skip
    assert rows_of(doc)["shape"]["shape_b"] == [2, 4]
    assert (doc["same"], doc["different"]) == (1, 5)
    text = run("diff", one, other, status=1).stdout
    assert "only in A" in text and "same" not in text.split("\n\n")[0]
    assert "\nsame " in run("diff", one, other, "--all", status=1).stdout


def test_storage_alone(tmp_path):
    half = np.float16([1, 2.5, -3])
    one = write_safetensors(tmp_path / "a", {"w": half})
    other = write_safetensors(tmp_path / "b", {"w": half.astype(np.float32)})
    run("diff", one, other, status=1)
    for words in (["--values"], ["--tolerance=0"], ["--relative", "0"]):
        assert document("diff", one, other, *words)["equal"]


def test_tolerance(tmp_path):
    a, b = np.float64([1, 10, 100, 0]), np.float64([1.25, 10, 100, 0])
    one, other = (write_safetensors(tmp_path / n, {"w": x}) for n, x in zip("ab", (a, b)))
    for words, status in {
        ("-t", "0.2"): 1, ("-t0.25",): 0, ("-r", "0.25"): 0, ("-r", "0.2"): 1, ("-t", "0.1", "-r", "0.15"): 0,
    }.items():  # fmt: skip
        assert document("diff", one, other, *words, status=status)["equal"] == (status == 0)
    assert "not 'x'" in run("diff", one, other, "-t", "x", status=2).stderr
    assert "between" in run("diff", one, other, "-t", "-1", status=2).stderr


def test_nan_and_infinity(tmp_path):
    a, b = np.float32([np.nan, 1, np.inf]), np.float32([np.nan, np.nan, np.inf])
    one, other = (write_safetensors(tmp_path / n, {"w": x}) for n, x in zip("ab", (a, b)))
    row = rows_of(document("diff", one, other, "-t", "1e30", status=1))["w"]
    assert row["differing"] == 1 and row["largest"] == "inf"


def test_large_integers(tmp_path):
    """Neighbours that float64 does not tell apart."""
    a = np.int64([2**62, 5])
    one, other = (write_safetensors(tmp_path / n, {"w": x}) for n, x in zip("ab", (a, a + [1, 0])))
    row = rows_of(document("diff", one, other, status=1))["w"]
    assert (row["differing"], row["largest"], row["mean"]) == (1, 1, 0.5)
    ends = np.int64([-(2**63), 2**63 - 1])
    one, other = (
        write_safetensors(tmp_path / n, {"w": x}) for n, x in zip("ab", (ends, ends[::-1]))
    )
    row = rows_of(document("diff", one, other, status=1))["w"]
    assert (row["differing"], row["largest"]) == (2, float(2**64))


def test_complex(tmp_path):
    a = np.complex64([1 + 2j, 3])
    np.savez(tmp_path / "a.npz", w=a)
    np.savez(tmp_path / "b.npz", w=a + np.complex64(0.5j))
    row = rows_of(document("diff", tmp_path / "a.npz", tmp_path / "b.npz", status=1))["w"]
    assert row["largest"] == 0.5 and row["differing"] == 2


def test_blocks_by_value(tmp_path, draw):
    """Q8_0: a scale in float16, and 32 codes."""
    codes = draw.integers(-127, 128, 64).astype(np.int8).reshape(2, 32)
    scales = np.float16([0.5, 0.25])
    raw = b"".join(s.tobytes() + q.tobytes() for s, q in zip(scales, codes))
    values = (codes * scales[:, None].astype(np.float32)).astype(np.float32)
    one = write_gguf(tmp_path / "a", {"w": ("q8_0", [2, 32], raw)}, {})
    other = write_gguf(tmp_path / "b", {"w": ("float32", [2, 32], values.tobytes())}, {})
    assert document("diff", one, other, "--values")["equal"]
    values[1, 3] += 0.125
    other = write_gguf(tmp_path / "b", {"w": ("float32", [2, 32], values.tobytes())}, {})
    row = rows_of(document("diff", one, other, status=1))["w"]
    assert (row["differing"], row["largest"], row["mean"]) == (1, 0.125, 0.125 / 64)


def test_nothing_to_compare(tmp_path):
    empty = {"a": np.zeros((0, 3)), "s": np.float64(3)}
    one, other = write_safetensors(tmp_path / "a", empty), write_safetensors(tmp_path / "b", empty)
    assert document("diff", one, other)["same"] == 2
    nothing = write_safetensors(tmp_path / "c", {})
    assert document("diff", nothing, nothing)["equal"]


def test_no_answer(tmp_path):
    """That one cannot be read is not that they differ."""
    fine = write_safetensors(tmp_path / "a", {"w": np.zeros(3)})
    (tmp_path / "broken").write_bytes(fine.read_bytes()[:-1])
    for one, other in (fine, tmp_path / "none"), (tmp_path / "broken", fine):
        assert run("diff", one, other, status=3).stdout == ""
        assert "error" in document("diff", one, other, status=3)
    assert "argument is missing" in run("diff", fine, status=2).stderr


def test_metadata_values(tmp_path):
    one = write_gguf(tmp_path / "a", {}, {"k": (5, [1, 2]), "t": "x", "l": ["a", "b"]})
    other = write_gguf(tmp_path / "b", {}, {"k": (5, [1, 3]), "t": "x", "l": ["a"]})
    doc = document("diff", one, other, "-m", status=1)
    assert {row["key"]: row["verdict"] for row in doc["metadata"]} == {"k": "values", "l": "values"}
    assert "Metadata" in run("diff", one, other, "-m", status=1).stdout
    assert document("diff", one, one, "-m")["metadata"] == []


def test_hostile_names(tmp_path):
    one = write_safetensors(tmp_path / "a", {"\x1b[31m\n": np.zeros(2)})
    other = write_safetensors(tmp_path / "b", {"\x1b[31m\n": np.ones(2)})
    text = run("diff", one, other, status=1).stdout
    assert "\x1b" not in text and "\\x1b[31m\\n" in text


def test_real_model():
    path = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not path.exists():
        pytest.skip("no models (tools/get_models.sh)")
    doc = document("diff", path, path, "-m")
    assert doc["equal"] and doc["same"] == 272
    assert math.isfinite(json.loads(json.dumps(doc["tensors"][0]["largest"])))


def test_conventions_of_one_family(tmp_path):
    gguf = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not gguf.exists():
        pytest.skip("no models: tools/get_models.sh")
    run("convert", gguf, tmp_path / "mlx")
    doc = document("diff", gguf, tmp_path / "mlx")
    assert doc["equal"] and doc["same"] == 272
    run("convert", tmp_path / "mlx", tmp_path / "plain", "--dequantize", "--dtype", "float32")
    assert document("diff", tmp_path / "mlx", tmp_path / "plain")["same"] == 272
    run("quantize", tmp_path / "plain", tmp_path / "four", "--mode", "q4_0")
    doc = document("diff", gguf, tmp_path / "four", "--relative", "1e-3", status=1)
    assert doc["different"] == 211 and all(
        0 < row["relative"] < 0.2 for row in doc["tensors"] if row["verdict"] == "values"
    )
