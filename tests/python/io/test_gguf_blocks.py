"""Blocks of GGUF files: as modes of quantize and dequantize, and in real models."""

import hashlib
import os
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
BOTH = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q8_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k"]
BOTH += ["q8_k", "iq4_nl", "iq4_xs", "mxfp4_gguf", "nvfp4_gguf", "tq1_0", "tq2_0", "q1_0"]
ONLY_READ = ["iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs", "iq3_s"]


def model(name):
    """The path of a model that tools/get_models.sh took."""
    for folder in (ROOT / "build/models", os.environ.get("MLX_MODELS")):
        if folder and (Path(folder) / name).exists():
            return Path(folder) / name
    pytest.skip(f"no {name}: tools/get_models.sh takes it")


@pytest.mark.parametrize("mode", BOTH)
def test_there_and_back(mode):
    x = np.random.default_rng(3).standard_normal((3, 2, 512)).astype(np.float32)
    (blocks,) = mx.quantize(mx.array(x), mode=mode)
    assert blocks.dtype == mx.uint8 and blocks.shape[:2] == (3, 2)
    y = mx.dequantize(blocks, mode=mode, dtype=mx.float32)
    assert y.shape == x.shape
    # of one bit and of three levels the error is that of the numbers nearly
    assert np.sqrt(np.mean((np.array(y) - x) ** 2)) < (0.9 if mode[:2] in ("tq", "q1") else 0.3)
    half = mx.dequantize(blocks, mode=mode)
    assert half.dtype == mx.float16
    assert (half == y.astype(mx.float16)).all()
    assert mx.dequantize(blocks, mode=mode, dtype=mx.float64).dtype == mx.float64
    # what is on the grid stays, where the largest number decides the scale
    if mode in ("q8_0", "q4_0", "q5_0", "tq2_0", "tq1_0", "mxfp4_gguf"):
        (again,) = mx.quantize(y, mode=mode)
        assert (mx.dequantize(again, mode=mode, dtype=mx.float32) == y).mean() > 0.99


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16, mx.float64])
def test_of_other_dtypes(dtype):
    x = mx.random.normal((2, 2304), key=mx.random.key(5)).astype(dtype)
    (blocks,) = mx.quantize(x, mode="q5_k")
    (wide,) = mx.quantize(x.astype(mx.float32), mode="q5_k")
    assert (blocks == wide).all()
    (strided,) = mx.quantize(mx.concatenate([x, x], 0)[::-1][1:3], mode="q5_k")
    assert (strided == wide).all()


@pytest.mark.parametrize("mode", ["q4_k", "q8_0"])
def test_transforms(mode):
    x = mx.random.normal((4, 3, 256), key=mx.random.key(6))
    (blocks,) = mx.quantize(x, mode=mode)
    back = mx.dequantize(blocks, mode=mode)
    each = mx.vmap(lambda a: mx.dequantize(mx.quantize(a, mode=mode)[0], mode=mode))
    assert (each(x) == back).all()
    assert (mx.vmap(lambda a: mx.quantize(a, mode=mode)[0], 1, 1)(x) == blocks).all()
    f = mx.compile(lambda a: mx.dequantize(mx.quantize(a, mode=mode)[0], mode=mode) + 1)
    assert (f(x) == back + 1).all()
    row = mx.quantize(x[0, 0], mode=mode)[0]
    assert (row == blocks[0, 0]).all()
    assert mx.quantize(mx.zeros((0, 256)), mode=mode)[0].shape == (0, blocks.shape[-1])


def test_refusals():
    x = mx.zeros((2, 512))
    (blocks,) = mx.quantize(x, mode="q4_k")
    for mode in ONLY_READ:
        with pytest.raises(RuntimeError, match=f"'{mode}' can be read only"):
            mx.quantize(x, mode=mode)
        assert mx.dequantize(mx.zeros((2, 66 * 74 * 98 * 25), mx.uint8)[:, :0], mode=mode).size == 0
    for call, text in [
        (lambda: mx.quantize(x, mode="q4_k", bits=4), "neither bits nor a group size"),
        (lambda: mx.quantize(x, mode="q4_k", group_size=32), "neither bits nor a group size"),
        (lambda: mx.quantize(x[:, :300], mode="q4_k"), "divisible by 256 elements"),
        (lambda: mx.quantize(x.astype(mx.int32), mode="q4_k"), "Only real floating types"),
        (lambda: mx.quantize(x, mode="Q4_K"), "Invalid quantization mode 'Q4_K'"),
        (lambda: mx.quantize(x, mode="q4_k", global_scale=mx.array(1.0)), "Global scale"),
        (lambda: mx.dequantize(blocks[:, 1:], mode="q4_k"), "divisible by 144 bytes"),
        (lambda: mx.dequantize(x, mode="q4_k"), "should be uint8 but received float32"),
        (lambda: mx.dequantize(blocks, blocks, mode="q4_k"), "there are no others"),
        (lambda: mx.dequantize(blocks, mode="q4_k", dtype=mx.int8), "Only real floating types"),
        (lambda: mx.dequantize(blocks, mode="affine"), "an empty handle"),
    ]:
        with pytest.raises(ValueError, match=text):
            call()


def back(x, mode, dtype):
    """Numbers of an array that was quantized."""
    blocks = mx.quantize(mx.array(x).astype(dtype), mode=mode)[0]
    return np.array(mx.dequantize(blocks, mode=mode, dtype=mx.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
def test_what_is_not_finite_is_not_hidden(value, dtype):
    """A block with such a number is NaN, and the others are as they were."""
    x = np.random.default_rng(5).standard_normal((2, 512)).astype(np.float32)
    y = x.copy()
    y[1, 300] = value
    for mode in BOTH:
        if mode == "nvfp4_gguf" or (mode == "mxfp4_gguf" and np.isinf(value)):
            continue
        was, now = (back(a, mode, dtype) for a in (x, y))
        lost = np.argwhere(~np.isfinite(now))
        kind = np.isinf if mode == "mxfp4_gguf" else np.isnan
        row, first, last = 1, lost[:, 1].min(), lost[:, 1].max() + 1
        assert (lost[:, 0] == 1).all() and last - first == len(lost) and first <= 300 < last
        assert last - first in (32, 128, 256) and kind(now[row, first:last]).all(), mode
        now[row, first:last] = was[row, first:last]
        assert np.array_equal(now, was), mode


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
@pytest.mark.parametrize(
    "mode, most, group", [("mxfp4_gguf", np.inf, 32), ("nvfp4_gguf", 2688, 16)]
)
def test_infinities_of_four_bits(value, dtype, mode, most, group):
    """Infinite where there is such a number, else the largest; the other groups stay."""
    x = np.random.default_rng(5).standard_normal((2, 512)).astype(np.float32)
    y = x.copy()
    y[1, 300:302] = value, -value
    was, now = back(x, mode, dtype), back(y, mode, dtype)
    first = 300 // group * group
    assert list(now[1, 300:302]) == [np.sign(value) * most, -np.sign(value) * most]
    now[1, 300:302] = 0
    assert not now[1, first : first + group].any()
    now[1, first : first + group] = was[1, first : first + group]
    assert np.array_equal(now, was)


@pytest.mark.parametrize("value", [3000, 1e8, 1e20, 3e38])
def test_large_numbers_are_nvfp4s_largest(value):
    x = np.ones((2, 64), np.float32)
    x[1, 3], x[1, 4] = value, -value
    was, now = back(np.ones_like(x), "nvfp4_gguf", mx.float32), back(x, "nvfp4_gguf", mx.float32)
    assert list(now[1, 3:5]) == [2688, -2688] and np.array_equal(now[0], was[0])
    assert np.array_equal(now[1, 16:], was[1, 16:])


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
def test_nan_is_refused_by_nvfp4(dtype):
    x = np.ones((3, 1024), np.float32)
    x[1, 700], x[2, 3] = np.nan, np.inf
    with pytest.raises(ValueError, match="NaN, which blocks of nvfp4_gguf cannot hold"):
        mx.eval(mx.quantize(mx.array(x).astype(dtype), mode="nvfp4_gguf"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16, mx.float64])
def test_affine_hides_nothing(value, dtype):
    x = np.random.default_rng(5).standard_normal((2, 128)).astype(np.float32)
    x[1, 70] = value
    for bits in (2, 3, 4, 8):
        w, s, b = mx.quantize(mx.array(x, dtype), bits=bits, group_size=32)
        y = mx.isnan(mx.dequantize(w, s, b, bits=bits, group_size=32))
        y = np.array(y)
        assert y[1, 64:96].all() and y.sum() == 32


def test_infinite_and_nan_are_no_crash():
    x = np.random.default_rng(4).standard_normal((2, 512)).astype(np.float32)
    x[0, 5], x[0, 300], x[1, 7], x[1, 300] = np.nan, np.inf, -np.inf, 3e38
    for mode in BOTH:
        if mode != "nvfp4_gguf":
            mx.eval(mx.dequantize(mx.quantize(mx.array(x), mode=mode)[0], mode=mode))


def test_a_real_model_is_what_the_gguf_package_makes_of_it():
    f = mx.open_file(model("gemma-3-270m-q4_k_m.gguf"))
    lines = (ROOT / "tests/data/gemma_digests.txt").read_text().splitlines()
    kinds = {"f32": "float32"}
    wrong = []
    for digest, kind, name in (line.split() for line in lines):
        t = f.tensors[name]
        assert t.storage == kinds.get(kind, kind)
        a = f.read(name, stored=True)
        if kind != "f32":
            a = mx.dequantize(a, mode=kind, dtype=mx.float32)
        if hashlib.sha256(np.array(a).tobytes()).hexdigest()[:32] != digest:
            wrong.append(name)
    assert len(lines) == len(f.tensors) == 236 and not wrong


def test_a_real_model_loads_as_it_always_did():
    path = model("SmolLM2-135M-Instruct.Q4_1.gguf")
    arrays, f = mx.load(str(path)), mx.open_file(path)
    name = next(k for k, t in f.tensors.items() if t.storage == "q4_1")
    base = name.removesuffix(".weight")
    packed = mx.dequantize(
        arrays[name], arrays[base + ".scales"], arrays[base + ".biases"], group_size=32, bits=4
    )
    blocks = mx.dequantize(f.read(name, stored=True), mode="q4_1")
    assert np.allclose(np.array(packed), np.array(blocks), rtol=2e-3, atol=2e-3)
    assert set(f.tensors) <= set(arrays)
