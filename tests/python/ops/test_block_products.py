"""Products with blocks of GGUF files: the rounding of x as it is documented, transforms, refusals."""

import os
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from memory import peak_of

ROOT = Path(__file__).resolve().parents[3]
# what docs/differences.md lists: x is rounded
ROUNDS = "q4_0 q4_1 q5_0 q5_1 q8_0 q2_k q3_k q4_k q5_k q6_k iq4_nl iq4_xs mxfp4_gguf".split()
WHOLE = "q8_1 q8_k tq1_0 tq2_0 q1_0 nvfp4_gguf".split()
ONLY_READ = {"iq1_s": 50, "iq1_m": 56, "iq2_xxs": 66, "iq2_xs": 74, "iq2_s": 82, "iq3_xxs": 98}


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def blocks_of(mode, *shape, seed=1):
    """Blocks, and the numbers that they hold, as float64."""
    (blocks,) = mx.quantize(mx.array(normal(seed, *shape)), mode=mode)
    return blocks, np.array(mx.dequantize(blocks, mode=mode, dtype=mx.float32)).astype(np.float64)


def in_steps(x):
    """x in groups of 32 as whole steps of a 127th of the group's largest: the documented rule."""
    g = x.reshape(*x.shape[:-1], -1, 32)
    most = np.abs(g).max(-1, keepdims=True)
    by = np.divide(np.float32(127), most, out=np.zeros_like(most), where=most > 0)
    codes = np.rint(g * by).astype(np.float64)
    return (codes * (most / np.float32(127))).reshape(x.shape)


def near(found, wanted, size, k):
    """Within what k sums in float32 of numbers of this size may lose."""
    assert found.shape == wanted.shape
    assert np.abs(np.array(found, np.float64) - wanted).max(initial=0) <= 16 * k * size * 2**-24


@pytest.mark.parametrize("mode", ROUNDS + WHOLE)
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 150])
def test_values(mode, rows):
    blocks, w = blocks_of(mode, 70, 512)
    x = normal(2, rows, 512)
    y = mx.quantized_matmul(mx.array(x), blocks, mode=mode)
    seen = in_steps(x) if mode in ROUNDS else x.astype(np.float64)
    near(y, seen @ w.T, np.abs(x).max() * np.abs(w).max(), 512)
    turned = mx.quantized_matmul(mx.array(normal(3, rows, 70)), blocks, mode=mode, transpose=False)
    near(turned, normal(3, rows, 70).astype(np.float64) @ w, 5 * np.abs(w).max(), 70)


@pytest.mark.parametrize("mode", ROUNDS)
def test_rounding_is_within_its_bound(mode):
    blocks, w = blocks_of(mode, 33, 768)
    x = normal(4, 9, 768) * np.repeat(np.arange(1, 25), 32)
    y = np.array(mx.quantized_matmul(mx.array(x), blocks, mode=mode), np.float64)
    step = np.abs(x.reshape(9, -1, 32)).max(-1) / 127
    weights = np.abs(w.reshape(33, -1, 32)).sum(-1)
    bound = step @ weights.T / 2
    assert (np.abs(y - x.astype(np.float64) @ w.T) <= bound * 1.001 + 1e-2).all()


@pytest.mark.parametrize("mode", ["q4_0", "q4_k", "q6_k", "q8_0", "tq2_0", "nvfp4_gguf"])
def test_a_row_does_not_depend_on_others(mode):
    blocks, _ = blocks_of(mode, 300, 256)
    x = mx.array(normal(5, 140, 256))
    for transpose, x in ((True, x), (False, mx.array(normal(5, 140, 300)))):
        y = mx.quantized_matmul(x, blocks, mode=mode, transpose=transpose)
        for some in (slice(0, 1), slice(7, 9), slice(130, 140), slice(0, 129)):
            alone = mx.quantized_matmul(x[some], blocks, mode=mode, transpose=transpose)
            assert (alone == y[some]).all()


@pytest.mark.parametrize("mode, size", ONLY_READ.items())
def test_what_can_be_read_only(mode, size):
    data = np.random.default_rng(6).integers(0, 256, (20, 2 * size)).astype(np.uint8)
    data[:, [1, size + 1, size - 1, 2 * size - 1]] &= 0x3F  # scales that are finite
    blocks = mx.array(data)
    w = np.array(mx.dequantize(blocks, mode=mode, dtype=mx.float32)).astype(np.float64)
    x = normal(7, 3, 512)
    y = mx.quantized_matmul(mx.array(x), blocks, mode=mode)
    near(y, x @ w.T, np.abs(x).max() * np.abs(w).max(), 512)


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16, mx.float64])
def test_dtypes(dtype):
    blocks, w = blocks_of("q4_k", 5, 256)
    x = mx.array(normal(8, 4, 256)).astype(dtype)
    y = mx.quantized_matmul(x, blocks, mode="q4_k")
    wide = mx.quantized_matmul(x.astype(mx.float32), blocks, mode="q4_k")
    assert y.dtype == dtype and (y == wide.astype(dtype)).all()


def test_layouts():
    blocks, w = blocks_of("q8_0", 6, 64)
    x = normal(9, 3, 5, 64)
    whole = mx.quantized_matmul(mx.array(x), blocks, mode="q8_0")
    strided = mx.array(x.transpose(2, 0, 1).copy()).transpose(1, 2, 0)
    assert (mx.quantized_matmul(strided, blocks, mode="q8_0") == whole).all()
    assert (mx.quantized_matmul(strided[::-1, ::2], blocks[::-1], mode="q8_0")[..., ::-1]
            == whole[::-1, ::2]).all()  # fmt: skip
    assert (mx.quantized_matmul(mx.array(x[0, 0]), blocks, mode="q8_0") == whole[0, 0]).all()
    pair = mx.stack([blocks, blocks[::-1]])
    both = mx.quantized_matmul(mx.array(x)[:, None], pair, mode="q8_0")
    assert both.shape == (3, 2, 5, 6)
    assert (both[:, 0] == whole).all() and (both[:, 1] == whole[..., ::-1]).all()


def test_nothing():
    blocks, _ = blocks_of("q4_0", 6, 64)
    for x, w, shape in [
        (mx.zeros((0, 64)), blocks, (0, 6)),
        (mx.zeros((4, 64)), blocks[:0], (4, 0)),
        (mx.zeros((4, 0)), blocks[:, :0], (4, 6)),
        (mx.zeros((0, 3, 64)), blocks, (0, 3, 6)),
    ]:
        y = mx.quantized_matmul(x, w, mode="q4_0")
        assert y.shape == shape and (y == 0).all()
    y = mx.quantized_matmul(mx.zeros((4, 0)), blocks[:0], mode="q4_0", transpose=False)
    assert y.shape == (4, 64) and (y == 0).all()


def test_gather():
    blocks, w = blocks_of("q4_k", 4, 7, 256)
    x = normal(10, 3, 2, 256)
    lhs, rhs = mx.array([[0, 2], [1, 1]]), mx.array([[3, 0], [0, 2]])
    y = mx.gather_qmm(mx.array(x), blocks, lhs_indices=lhs, rhs_indices=rhs, mode="q4_k")
    seen = in_steps(x)[np.array(lhs)] @ w[np.array(rhs)].swapaxes(-1, -2)
    near(y, seen, 20, 256)
    one = mx.gather_qmm(mx.array(x), blocks, rhs_indices=mx.array([1, 1, 3]), mode="q4_k")
    near(one, in_steps(x) @ w[[1, 1, 3]].swapaxes(-1, -2), 20, 256)
    back = mx.gather_qmm(
        mx.array(normal(11, 2, 1, 7)), blocks, rhs_indices=mx.array([3, 3]), transpose=False,
        mode="q4_k", sorted_indices=True,
    )  # fmt: skip
    near(back, normal(11, 2, 1, 7) @ w[[3, 3]], 20, 7)
    with pytest.raises(IndexError, match="index 4 is out of bounds"):
        mx.eval(mx.gather_qmm(mx.array(x), blocks, rhs_indices=mx.array([0, 1, 4]), mode="q4_k"))


def test_derivatives():
    blocks, w = blocks_of("q5_k", 6, 256)
    x, g = mx.array(normal(12, 3, 256)), mx.array(normal(13, 3, 6))

    def product(x):
        return mx.quantized_matmul(x, blocks, mode="q5_k")

    _, (dx,) = mx.vjp(product, [x], [g])
    near(dx, np.array(g) @ w, 20, 6)
    t = mx.array(normal(14, 3, 256))
    _, (dy,) = mx.jvp(product, [x], [t])
    near(dy, np.array(t) @ w.T, 20, 256)  # of t as it is
    with pytest.raises((ValueError, RuntimeError), match="no gradient|integer|floating"):
        mx.eval(mx.vjp(lambda b: mx.quantized_matmul(x, b, mode="q5_k"), [blocks], [g])[1])


def test_gathered_derivatives():
    blocks, w = blocks_of("q4_0", 3, 5, 64)
    x = mx.array(normal(15, 2, 4, 64))
    lhs, rhs = mx.array([0, 1, 0]), mx.array([2, 2, 1])

    def loss(x):
        y = mx.gather_qmm(x, blocks, lhs_indices=lhs, rhs_indices=rhs, mode="q4_0")
        return (y * mx.array(normal(16, 3, 4, 5))).sum()

    g, want = normal(16, 3, 4, 5), np.zeros((2, 4, 64))
    for i, (a, b) in enumerate([(0, 2), (1, 2), (0, 1)]):
        want[a] += g[i] @ w[b]
    near(mx.grad(loss)(x), want, 20, 64)


def test_transforms():
    blocks, _ = blocks_of("q6_k", 3, 4, 256)
    x = mx.array(normal(17, 3, 5, 256))

    def product(x, b):
        return mx.quantized_matmul(x, b, mode="q6_k")

    whole = product(x, blocks)
    assert (mx.vmap(product)(x, blocks) == whole).all()
    assert (mx.vmap(product, (1, None))(x, blocks[0])[:, 1] == product(x[1], blocks[0])).all()
    assert (mx.vmap(product, (None, 0))(x[0], blocks)[2] == product(x[0], blocks[2])).all()
    assert (mx.compile(product)(x, blocks) == whole).all()
    free = mx.compile(product, shapeless=True)
    assert (free(x, blocks) == whole).all()
    assert (free(x[:, :2], blocks) == whole[:, :2]).all()


def test_files_of_functions(tmp_path):
    blocks, _ = blocks_of("iq4_xs", 3, 4, 256)
    x, rhs = mx.array(normal(18, 3, 5, 256)), mx.array([2, 0, 2])

    def product(x, b, rhs):
        return mx.quantized_matmul(x, b, mode="iq4_xs"), mx.gather_qmm(
            x, b, rhs_indices=rhs, mode="iq4_xs"
        )

    mx.export_function(str(tmp_path / "f.mlxfn"), product, x, blocks, rhs)
    found = mx.import_function(str(tmp_path / "f.mlxfn"))(x, blocks, rhs)
    assert all((a == b).all() for a, b in zip(found, product(x, blocks, rhs), strict=True))


def test_numbers_that_are_not_finite():
    blocks, _ = blocks_of("q4_0", 6, 64)
    x = normal(19, 3, 64)
    x[0, 3], x[1, 40] = np.inf, np.nan
    y = np.array(mx.quantized_matmul(mx.array(x), blocks, mode="q4_0"))
    assert np.isnan(y[:2]).all() and np.isfinite(y[2]).all()


def test_refusals():
    blocks, _ = blocks_of("q4_k", 6, 256)
    x = mx.zeros((2, 256))
    for call, text in [
        (lambda: mx.quantized_matmul(x, blocks[:, :143], mode="q4_k"), "divisible by 144 bytes"),
        (lambda: mx.quantized_matmul(x[:, :200], blocks, mode="q4_k"), r"\(6, 256\)"),
        (lambda: mx.quantized_matmul(x, blocks, mode="q4_k", transpose=False), r"\(6, 256\)"),
        (lambda: mx.quantized_matmul(x, blocks.astype(mx.uint32), mode="q4_k"), "should be uint8"),
        (lambda: mx.quantized_matmul(x, blocks[0], mode="q4_k"), "dimension"),
        (lambda: mx.quantized_matmul(x.astype(mx.int32), blocks, mode="q4_k"), "floating"),
        (lambda: mx.quantized_matmul(x.astype(mx.complex64), blocks, mode="q4_k"), "floating"),
        (lambda: mx.quantized_matmul(x, blocks, mode="Q4_K"), "Invalid quantization mode 'Q4_K'"),
        (lambda: mx.quantized_matmul(x, blocks, blocks, mode="q4_k"), "hold their scales"),
        (lambda: mx.quantized_matmul(x, blocks, blocks, bits=4, mode="q4_k"), "neither bits nor"),
        (lambda: mx.gather_qmm(x, blocks, blocks, mode="q4_k"), "hold their scales"),
        (lambda: mx.qqmm(x, blocks, mode="q4_k"), "Invalid quantization mode 'q4_k'"),
    ]:
        with pytest.raises((ValueError, RuntimeError), match=text):
            call()
    with pytest.raises(TypeError):
        mx.quantized_matmul(x, blocks)


def test_memory():
    """A product takes memory for its tiles, not for the matrix."""
    (blocks,) = mx.quantize(mx.array(normal(20, 4096, 2048)), mode="q4_0")
    x = mx.array(normal(21, 1, 2048))
    mx.eval(blocks, x)
    for rows, transpose in ((1, True), (1, False), (600, True)):
        x = mx.array(normal(21, rows, 2048 if transpose else 4096))
        mx.eval(x)
        mx.clear_cache()
        y = mx.quantized_matmul(x, blocks, mode="q4_0", transpose=transpose)
        assert peak_of(lambda: mx.eval(y)) < y.nbytes + 2 * x.nbytes + (1 << 20)


MODELS = ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"]


@pytest.mark.parametrize("name", MODELS)
def test_a_mapped_file(name):
    """Tensors of real models multiply where they lie, one of each type."""
    folders = [f for f in (ROOT / "build/models", os.environ.get("MLX_MODELS")) if f]
    found = next((Path(f) / name for f in folders if (Path(f) / name).exists()), None)
    if not found:
        pytest.skip(f"no {name}: tools/get_models.sh takes it")
    f = mx.open_file(found, mmap=True)
    kinds = {t.storage: key for key, t in f.tensors.items() if t.storage in ROUNDS + WHOLE}
    assert kinds
    for mode, key in kinds.items():
        blocks = f.read(key, stored=True)[:200]
        w = np.array(mx.dequantize(blocks, mode=mode, dtype=mx.float32)).astype(np.float64)
        x = normal(22, 2, w.shape[1])
        y = mx.quantized_matmul(mx.array(x), blocks, mode=mode)
        near(y, in_steps(x) @ w.T, np.abs(x).max() * np.abs(w).max(), w.shape[1])
