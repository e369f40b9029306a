"""Matrix products, convolutions, quantized products, networks' operations against NumPy."""

import math

import mlx.core as mx
import numpy as np
import pytest

from ops_check import numbers, same, to_numpy
from seeds import generator

M, N = numbers(3, 4, seed=1), numbers(4, 5, seed=2)


def test_matmul():
    same(mx.matmul(mx.array(M), mx.array(N)), M @ N, terms=16)
    same(mx.matmul(mx.array(M), mx.array(N[:, 0])), M @ N[:, 0], terms=16)
    b, c = numbers(2, 1, 3, 4), numbers(5, 4, 2)
    same(mx.matmul(mx.array(b), mx.array(c)), b @ c, terms=16)
    with pytest.raises(ValueError):
        mx.matmul(mx.array(M), mx.array(M))
    with pytest.raises((TypeError, ValueError)):
        mx.matmul(mx.array(M), 2)


def test_addmm():
    c = numbers(3, 5)
    same(
        mx.addmm(mx.array(c), mx.array(M), mx.array(N), 2.0, beta=0.5),
        2 * (M @ N) + 0.5 * c,
        terms=16,
    )
    same(mx.addmm(mx.array(c), mx.array(M), mx.array(N)), M @ N + c, terms=16)


def test_other_products():
    a, b = numbers(4, seed=3), numbers(4, seed=4)
    same(mx.inner(mx.array(a), mx.array(b)), np.inner(a, b), terms=16)
    same(mx.inner(mx.array(M), mx.array(N.T)), np.inner(M, N.T), terms=16)
    same(mx.outer(mx.array(a), mx.array(b)), np.outer(a, b), rtol=1e-6)
    same(mx.kron(mx.array(M), mx.array(N)), np.kron(M, N), rtol=1e-6)
    same(mx.vecdot(mx.array(M), mx.array(a)), M @ a, terms=16)
    same(mx.vecdot(mx.array(M), mx.array(M), axis=0), (M * M).sum(0), terms=16)
    h = np.array([[1, 1], [1, -1]], np.float32)
    same(mx.hadamard_transform(mx.array(M)), M @ np.kron(h, h) / 2, terms=16)
    same(mx.hadamard_transform(mx.array(M), scale=1.0), M @ np.kron(h, h), terms=16)


def test_tensordot():
    a, b = numbers(2, 3, 4), numbers(3, 4, 5)
    same(mx.tensordot(mx.array(a), mx.array(b)), np.tensordot(a, b), terms=16)
    same(
        mx.tensordot(mx.array(a), mx.array(b.transpose(1, 0, 2)), 1),
        np.tensordot(a, b.transpose(1, 0, 2), 1),
        terms=16,
    )
    same(mx.tensordot(mx.array(a), mx.array(b), [[1, 2], [0, 1]]), np.tensordot(a, b), terms=16)
    same(
        mx.tensordot(mx.array(a), mx.array(b), axes=([1], [0])),
        np.tensordot(a, b, ([1], [0])),
        terms=16,
    )


@pytest.mark.parametrize("text", ["ij,jk->ik", "ij,jk", "ij->ji", "ij->", "ij,ij->i", "ij,jk->"])
def test_einsum(text):
    operands = [M, N if "jk" in text else M][: text.count(",") + 1]
    same(mx.einsum(text, *map(mx.array, operands)), np.einsum(text, *operands), terms=16)


def test_einsum_path():
    path, text = mx.einsum_path(
        "ij,jk,kl->il", mx.zeros((2, 3)), mx.zeros((3, 40)), mx.zeros((40, 5))
    )
    assert sorted(map(len, path)) == [2, 2] and all(isinstance(step, tuple) for step in path)
    assert "Naive scaling:  4" in text and "Optimized scaling:  3" in text


def test_gathered_products():
    a, b = numbers(3, 2, 4), numbers(5, 4, 2)
    left, right = [0, 2, 1, 0], [4, 0, 0, 1]
    same(
        mx.gather_mm(mx.array(a), mx.array(b), mx.array(left), mx.array(right)),
        a[left] @ b[right],
        terms=16,
    )
    same(
        mx.gather_mm(
            mx.array(a), mx.array(b), rhs_indices=mx.array([1, 2, 3]), sorted_indices=True
        ),
        a @ b[1:4],
        terms=16,
    )
    segments = mx.array([[0, 2], [1, 4]])
    same(
        mx.segmented_mm(mx.array(M), mx.array(N), segments),
        np.stack([M[:, :2] @ N[:2], M[:, 1:] @ N[1:]]),
        terms=16,
    )
    x, y = numbers(64, 64), numbers(64, 64, seed=5)
    mask = np.array([[True, False], [True, True]])
    whole = np.kron(mask, np.ones((32, 32)))
    same(
        mx.block_masked_mm(mx.array(x), mx.array(y), 32, mx.array(mask)), (x @ y) * whole, terms=64
    )


def test_convolve():
    a, v = numbers(9), numbers(4, seed=1)
    for mode in ("full", "same", "valid"):
        same(mx.convolve(mx.array(a), mx.array(v), mode=mode), np.convolve(a, v, mode), terms=32)
        same(mx.convolve(mx.array(v), mx.array(a), mode), np.convolve(v, a, mode), terms=32)
    with pytest.raises(ValueError, match="mode"):
        mx.convolve(mx.array(a), mx.array(v), "half")
    with pytest.raises(ValueError):
        mx.convolve(mx.array(M), mx.array(v))


def correlate(x, w, stride, padding):
    """x (N, H, W, C) with w (O, KH, KW, C), by its definition."""
    x = np.pad(x, [(0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0)])
    view = np.lib.stride_tricks.sliding_window_view(x, w.shape[1:3], axis=(1, 2))
    return np.einsum("nhwckl,oklc->nhwo", view[:, :: stride[0], :: stride[1]], w)


def test_conv2d():
    x, w = numbers(2, 7, 6, 3), numbers(4, 3, 2, 3, seed=1)
    a, k = mx.array(x), mx.array(w)
    for stride, padding in ((1, 0), (2, 1), ((2, 1), (1, 0))):
        pair = lambda v: v if isinstance(v, tuple) else (v, v)
        wanted = correlate(x, w, pair(stride), pair(padding))
        same(mx.conv2d(a, k, stride, padding), wanted, terms=64)
        same(
            mx.conv_general(a, k, stride=list(pair(stride)), padding=list(pair(padding))),
            wanted,
            terms=64,
        )
    same(
        mx.conv1d(a[:, :, 0], k[:, :, 0], padding=1),
        correlate(x[:, :, :1], w[:, :, :1], (1, 1), (1, 0))[:, :, 0],
        terms=64,
    )
    assert mx.conv3d(mx.zeros((1, 4, 4, 4, 2)), mx.zeros((3, 2, 2, 2, 2)), (1, 2, 2)).shape == (
        1,
        3,
        2,
        2,
        3,
    )
    low, high = (
        mx.conv_general(a, k, padding=([1, 0], [0, 1])),
        np.pad(x, [(0, 0), (1, 0), (0, 1), (0, 0)]),
    )
    same(low, correlate(high, w, (1, 1), (0, 0)), terms=64)
    with pytest.raises(ValueError):
        mx.conv2d(a, k, (1, 1, 1))
    with pytest.raises(ValueError):
        mx.conv_general(a, k, padding=([1, 1], [1, 1], [1, 1]))


def test_conv_transpose_shapes():
    assert mx.conv_transpose1d(
        mx.zeros((1, 5, 2)), mx.zeros((3, 4, 2)), 2, 1, output_padding=1
    ).shape == (1, 11, 3)
    assert mx.conv_transpose2d(mx.zeros((1, 5, 5, 2)), mx.zeros((3, 4, 4, 2)), (2, 1)).shape == (
        1,
        12,
        8,
        3,
    )
    assert mx.conv_transpose3d(mx.zeros((1, 2, 2, 2, 2)), mx.zeros((3, 2, 2, 2, 2))).shape == (
        1,
        3,
        3,
        3,
        3,
    )


def test_quantized():
    w, x = numbers(32, 128), numbers(3, 128, seed=1)
    packed = mx.quantize(mx.array(w), group_size=64, bits=8)
    assert isinstance(packed, list) and [p.dtype for p in packed] == [
        mx.uint32,
        mx.float32,
        mx.float32,
    ]
    back = np.array(mx.dequantize(*packed, group_size=64, bits=8))
    np.testing.assert_allclose(back, w, atol=0.02)
    product = mx.quantized_matmul(mx.array(x), *packed, transpose=True, group_size=64, bits=8)
    same(product, x @ back.T, terms=64)
    assert len(mx.quantize(mx.array(w), mode="mxfp4")) == 2
    f = mx.from_fp8(mx.to_fp8(mx.array([0.5, 1.0, -3.5])), mx.float32)
    same(f, [0.5, 1.0, -3.5], mx.float32)
    with pytest.raises(ValueError):
        mx.quantize(mx.array(w), bits=9)
    with pytest.raises(ValueError):
        mx.quantize(mx.array(w), mode="none")


def test_float8_not_a_number():
    codes = mx.array([0x7E, 0x7F, 0xFE, 0xFF], mx.uint8)
    for dtype in (mx.float32, mx.float16, mx.bfloat16):
        same(mx.from_fp8(codes, dtype).astype(mx.float32), [448, math.nan, -448, math.nan])
        x = mx.array([math.nan, math.inf, -math.inf, 449, -1e4], dtype)
        assert mx.to_fp8(x).tolist() == [0x7F, 0x7E, 0xFE, 0x7E, 0xFE]


@pytest.mark.parametrize(
    "mode, place, code",
    [("mxfp8", 0, 0xFF), ("mxfp8", 0, 0x7F), ("nvfp4", 1, 0x7F), ("nvfp4", 1, 0xFF)],
)
@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
def test_one_quantized_number_that_is_none(mode, place, code, dtype):
    parts = [np.array(p) for p in mx.quantize(mx.array(numbers(40, 64)), mode=mode)]
    parts[place].view(np.uint8)[3, 1] = code
    parts = [mx.array(p) for p in parts]
    full = mx.dequantize(*parts, mode=mode).astype(mx.float32)
    lost = np.isnan(np.array(full))
    assert not np.delete(lost, 3, 0).any() and 0 < lost[3].sum() < 64
    for rows in (1, 3, 64):
        y = mx.quantized_matmul(mx.ones((rows, 64), dtype), *parts, mode=mode)
        wanted = np.zeros((rows, 40), bool)
        wanted[:, 3] = True
        np.testing.assert_array_equal(np.isnan(np.array(y.astype(mx.float32))), wanted)
        z = mx.quantized_matmul(mx.ones((rows, 40), dtype), *parts, transpose=False, mode=mode)
        np.testing.assert_array_equal(
            np.isnan(np.array(z.astype(mx.float32))), np.broadcast_to(lost[3], (rows, 64))
        )


def test_both_sides_quantized():
    w, x = mx.array(numbers(32, 64)), mx.array(numbers(3, 64, seed=1))
    for mode in ("nvfp4", "mxfp8"):
        codes, scales = mx.quantize(w, mode=mode)
        left = mx.dequantize(*mx.quantize(x, mode=mode), mode=mode).astype(mx.float32)
        wanted = (
            np.array(left) @ np.array(mx.dequantize(codes, scales, mode=mode).astype(mx.float32)).T
        )
        same(mx.qqmm(x, codes, scales, mode=mode).astype(mx.float32), wanted, rtol=0.02, atol=0.05)
        both = mx.gather_qqmm(
            mx.stack([x, x]),
            mx.stack([codes] * 3),
            mx.stack([scales] * 3),
            mode=mode,
            rhs_indices=mx.array([0, 2]),
        )
        same(both[1].astype(mx.float32), wanted, rtol=0.02, atol=0.05)


def test_norms():
    x, w, b = numbers(4, 8), numbers(8, seed=1), numbers(8, seed=2)
    a = mx.array(x)
    rms = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    same(mx.fast.rms_norm(a, mx.array(w), 1e-5), rms * w, terms=16)
    same(mx.fast.rms_norm(a, weight=None, eps=1e-5), rms, terms=16)
    layer = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    same(mx.fast.layer_norm(a, mx.array(w), mx.array(b), 1e-5), layer * w + b, terms=64)
    same(mx.fast.layer_norm(a, None, None, 1e-5), layer, terms=64)
    with pytest.raises(TypeError, match="eps"):
        mx.fast.rms_norm(a, None)


def test_rope():
    x = numbers(1, 2, 3, 8)
    words = {"traditional": False, "base": 10000.0, "scale": 1.0}
    plain = mx.fast.rope(mx.array(x), 8, offset=2, **words)
    angle = (np.arange(3) + 2)[:, None] * 10000.0 ** (-np.arange(4) / 4)
    low, high = x[..., :4], x[..., 4:]
    wanted = np.concatenate(
        [low * np.cos(angle) - high * np.sin(angle), low * np.sin(angle) + high * np.cos(angle)], -1
    )
    same(plain, wanted, terms=64)
    same(mx.fast.rope(mx.array(x), 8, offset=mx.array(2), **words), wanted, terms=64)
    with pytest.raises(ValueError):
        mx.fast.rope(mx.array(x), 8, traditional=False, base=None, scale=1.0, offset=0)


def test_attention():
    q, k, v = (numbers(1, 2, 5, 4, seed=i) for i in range(3))
    scores = 0.5 * q @ k.swapaxes(-1, -2)
    masks = {None: 0, "causal": np.where(np.tri(5) > 0, 0, -np.inf)}
    for mask, added in masks.items():
        e = np.exp(scores + added)
        wanted = e / e.sum(-1, keepdims=True) @ v
        found = mx.fast.scaled_dot_product_attention(
            mx.array(q), mx.array(k), mx.array(v), scale=0.5, mask=mask
        )
        same(found, wanted, terms=64)
    bools = mx.array(np.tri(5) > 0)
    found = mx.fast.scaled_dot_product_attention(
        mx.array(q), mx.array(k), mx.array(v), scale=0.5, mask=bools
    )
    same(found, wanted, terms=64)
    with pytest.raises(ValueError):
        mx.fast.scaled_dot_product_attention(
            mx.array(q), mx.array(k), mx.array(v), scale=0.5, mask="other"
        )


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16], ids=str)
def test_gather_qmm_global_scale(dtype):
    """A scale for each matrix: as if the matrix had been multiplied by it, over the largest that a
    format holds."""
    x, w = mx.array(numbers(3, 2, 32), dtype=dtype), mx.array(numbers(4, 5, 32, seed=1))
    codes, scales = mx.quantize(w, mode="nvfp4")
    by = mx.array([2688.0, 1344.0, 5376.0, 26.88])
    full = (
        np.array(mx.dequantize(codes, scales, mode="nvfp4", dtype=mx.float32))
        * (np.array(by) / 2688)[:, None, None]
    )
    rhs = mx.array([3, 0, -2])
    options = {"mode": "nvfp4", "global_scale": by, "rhs_indices": rhs}
    wanted = to_numpy(x).astype(np.float64) @ np.swapaxes(full[np.array(rhs)], -1, -2)
    found = mx.gather_qmm(x, codes, scales, lhs_indices=mx.arange(3), **options)
    assert found.dtype == dtype
    same(
        to_numpy(found),
        wanted,
        rtol=2e-2 if dtype != mx.float32 else 1e-5,
        atol=2e-2 if dtype != mx.float32 else 1e-5,
    )
    same(
        to_numpy(mx.gather_qmm(x[:1], codes, scales, mode="nvfp4", global_scale=by)),
        to_numpy(x)[:1] @ np.swapaxes(full, -1, -2),
        rtol=2e-2,
        atol=2e-2,
    )
    big = mx.gather_qmm(
        x * 60,
        codes * 0 + 0x77777777,
        scales * 0 + 126,
        mode="nvfp4",
        rhs_indices=rhs,
        lhs_indices=mx.arange(3),
        global_scale=by * 1e-4,
    )
    assert mx.isfinite(big).all().item()
    for wrong in ({"global_scale": mx.array(1.0)}, {"mode": "mxfp4"}, {"mode": "affine"}):
        with pytest.raises(ValueError, match="lobal scale"):
            mx.gather_qmm(x, codes, scales, **{**options, **wrong})


ADDMM = [
    ((2, 3), (3, 2), (2, 2)),
    ((3,), (3, 2), (2,)),
    ((2, 3), (3,), (2,)),
    ((4, 2, 3), (3, 2), (2,)),
    ((4, 2, 3), (4, 3, 2), (2, 2)),
    ((2, 0), (0, 2), (2, 2)),
    ((2, 3), (3, 2), ()),
]


@pytest.mark.parametrize("shapes", ADDMM, ids=str)
@pytest.mark.parametrize(
    "dtype", [mx.float32, mx.float16, mx.bfloat16, mx.float64, mx.complex64], ids=str
)
def test_addmm_does_not_look_at_what_a_zero_stands_before(shapes, dtype):
    with mx.stream(mx.cpu):
        a, b, c = (mx.ones(s, dtype) for s in shapes)
        nan = [mx.full(s, math.nan).astype(dtype) for s in shapes]
        product = a @ b
        assert mx.array_equal(mx.addmm(nan[2], a, b, beta=0.0), product).item()
        assert mx.array_equal(mx.addmm(c, nan[0], b, alpha=0.0), mx.ones_like(product)).item()
        assert mx.array_equal(
            mx.addmm(nan[2], nan[0], nan[1], 0.0, 0.0), mx.zeros_like(product)
        ).item()
        assert not mx.any(
            mx.vjp(lambda c: mx.addmm(c, a, b, beta=0.0), [nan[2]], [product])[1][0]
        ).item()
        with pytest.raises(ValueError):
            mx.addmm(mx.ones((7,), dtype), a, b, beta=0.0)


def test_vmap_of_addmm_over_its_parts():
    rng = generator(0)
    a, b = (mx.array(rng.standard_normal(s).astype(np.float32)) for s in [(2, 3), (3, 5)])
    for shape in [(5,), (1, 5), (2, 5), (2, 1), ()]:
        c = mx.array(rng.standard_normal((4, *shape)).astype(np.float32))
        wanted = mx.stack([mx.addmm(c[i], a, b, 0.5, 2.0) for i in range(4)])
        same(mx.vmap(lambda c: mx.addmm(c, a, b, 0.5, 2.0))(c), np.array(wanted), terms=16)
        last = mx.vmap(lambda c: mx.addmm(c, a, b, 0.5, 2.0), in_axes=-1)(mx.moveaxis(c, 0, -1))
        same(last, np.array(wanted), terms=16)
        many = mx.stack([a, 2 * a, 3 * a, 4 * a])
        both = mx.vmap(lambda a, c: mx.addmm(c, a, b))(many, c)
        same(both, np.stack([np.array(mx.addmm(c[i], many[i], b)) for i in range(4)]), terms=16)
