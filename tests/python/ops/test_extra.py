"""What the original does not have, against NumPy: sets, quantiles, histograms, NaN, linear algebra,
distributions."""

import mlx.core as mx
import numpy as np
import pytest

from ops_check import EPSILON, TOLERANCE, integers, near, numbers, same, to_numpy
from seeds import generator

NAN = float("nan")
X = numbers(3, 4, 5)
HOLES = X.copy()
HOLES[0, 1, 2] = HOLES[2, :, 0] = NAN


@pytest.mark.parametrize(
    "name", ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"]
)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)], ids=str)
def test_nan(name, axis):
    for keep in (False, True):
        wanted = getattr(np, name)(HOLES, axis=axis, keepdims=keep)
        same(getattr(mx, name)(mx.array(HOLES), axis, keep), wanted, rtol=1e-5)
    assert getattr(mx, name)(mx.array([1, 2])).item() == getattr(np, name)([1, 2])


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)], ids=str)
def test_ptp(axis):
    for x in (X, (X * 50).astype(np.int32), (X * 50).astype(np.uint8), HOLES):
        for keep in (False, True):
            wanted = np.ptp(x, axis=axis, keepdims=keep)
            same(mx.ptp(mx.array(x), axis, keep), wanted, rtol=1e-6)
    with pytest.raises(ValueError, match=r"\[ptp\] Axis 3"):
        mx.ptp(mx.array(X), axis=3)
    with pytest.raises(ValueError, match="size 0"):
        mx.ptp(mx.zeros((0,)))


def test_nan_everywhere():
    a = mx.array([NAN, NAN])
    assert mx.nansum(a).item() == 0 and mx.nanprod(a).item() == 1
    assert all(np.isnan(f(a).item()) for f in (mx.nanmax, mx.nanmin, mx.nanmean, mx.nanvar))
    same(mx.nanvar(mx.array([1.0, NAN, 4.0]), ddof=1), 4.5)


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantile(method):
    for q in (0.3, [0, 0.25, 0.5, 1], [[0.1], [0.9]]):
        for axis in (None, 1, (0, 2)):
            for keep in (False, True):
                wanted = np.quantile(X, q, axis=axis, method=method, keepdims=keep)
                found = mx.quantile(
                    mx.array(X),
                    mx.array(q) if isinstance(q, list) and isinstance(q[0], list) else q,
                    axis=axis,
                    method=method,
                    keepdims=keep,
                )
                same(found, wanted, rtol=1e-5)
    same(
        mx.percentile(mx.array(X), [10, 99.5], method=method),
        np.percentile(X, [10, 99.5], method=method),
        rtol=1e-5,
    )


def test_quantile_of_numbers():
    for q in (0.3, [0, 0.25, 1]):
        for axis in (None, 1, (0, 2)):
            for keep in (False, True):
                for method in ("linear", "nearest", "higher"):
                    wanted = np.nanquantile(HOLES, q, axis=axis, keepdims=keep, method=method)
                    same(mx.nanquantile(mx.array(HOLES), q, axis, keep, method), wanted, rtol=1e-5)
    same(
        mx.nanpercentile(mx.array(HOLES), 70.0, axis=0),
        np.nanpercentile(HOLES, 70, axis=0),
        rtol=1e-5,
    )
    same(mx.nanmedian(mx.array(HOLES), axis=-1), np.nanmedian(HOLES, -1), rtol=1e-5)
    assert (
        np.isnan(mx.nanmedian(mx.array([NAN, NAN])).item())
        and mx.nanmedian(mx.array([1, 2])).item() == 1.5
    )


def test_quantile_of_what_is_no_number():
    assert np.isnan(mx.quantile(mx.array([1.0, NAN]), 0.5).item())
    assert np.isnan(mx.quantile(mx.array([1.0, 2.0]), 1.5).item())
    inf = float("inf")
    same(mx.quantile(mx.array([-inf, 1.0, inf, inf]), [0, 0.9, 1]), [-inf, inf, inf])
    same(mx.quantile(mx.array([1, 2, 3, 4]), 0.5), 2.5, mx.float32)
    assert mx.quantile(mx.zeros((2,), mx.float16), 0.5).dtype == mx.float16
    for wrong in (
        lambda: mx.quantile(mx.zeros(0), 0.5),
        lambda: mx.quantile(mx.zeros(2), 0.5, method="none"),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_histogram():
    x, w = numbers(500), numbers(500, low=0, seed=1)
    a = mx.array(x)
    for words in ({}, {"bins": 7}, {"bins": 5, "range": (-1, 1.5)}, {"density": True}):
        counts, edges = mx.histogram(a, **words)
        wanted, at = np.histogram(x, **words)
        same(edges, at, rtol=1e-5)
        same(counts, wanted, rtol=1e-5)
    same(mx.histogram(a, [-2, 0, 0.5, 2])[0], np.histogram(x, [-2, 0, 0.5, 2])[0], mx.int32)
    same(
        mx.histogram(a, mx.array([-1.0, 1.0]), weights=mx.array(w))[0],
        np.histogram(x, [-1, 1], weights=w)[0],
        rtol=1e-4,
    )
    same(mx.histogram(mx.array([2.0, 2.0]), 2), np.histogram([2.0, 2.0], 2))
    assert mx.histogram(a)[0].dtype == mx.int32
    for wrong in ({"bins": 0}, {"range": (1, 0)}, {"range": (1,)}, {"bins": [1.0]}):
        with pytest.raises(ValueError):
            mx.histogram(a, **wrong)


def test_bincount():
    x, w = integers(50, low=0, high=9), numbers(50)
    same(mx.bincount(mx.array(x)), np.bincount(x), mx.int32)
    same(mx.bincount(mx.array(x), minlength=20), np.bincount(x, minlength=20))
    same(mx.bincount(mx.array(x), weights=mx.array(w)), np.bincount(x, w), rtol=1e-4, atol=1e-5)
    assert mx.bincount(mx.zeros((0,), mx.int32), minlength=3).tolist() == [0, 0, 0]
    with pytest.raises(IndexError):
        mx.bincount(mx.array([-1]))
    with pytest.raises(ValueError):
        mx.bincount(mx.array([1.0]))


def test_nonzero():
    x = integers(4, 5, 3, low=0, high=2)
    found = mx.nonzero(mx.array(x))
    assert isinstance(found, tuple)
    same(found, np.nonzero(x), mx.int32)
    same(mx.nonzero(mx.array(x).transpose()), np.nonzero(x.T))
    same(mx.nonzero(mx.zeros((2, 0))), np.nonzero(np.zeros((2, 0))))
    with pytest.raises(ValueError, match="without axes"):
        mx.nonzero(mx.array(5))


def test_unique():
    x = integers(6, 7, low=-3, high=4)
    a = mx.array(x)
    same(mx.unique(a), np.unique(x), mx.int32)
    values, index, inverse, counts = mx.unique(
        a, return_index=True, return_inverse=True, return_counts=True
    )
    wanted = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    for found, w in zip((values, index, counts), (wanted[0], wanted[1], wanted[3])):
        same(found, w)
    same(mx.take(values, inverse), x)
    assert len(mx.unique_all(a)) == 4 and len(mx.unique_counts(a)) == len(mx.unique_inverse(a)) == 2
    assert mx.unique(mx.zeros((0,))).shape == (0,)


def test_unique_nan():
    a = mx.array([NAN, 1.0, NAN])
    assert (
        mx.unique(a).size == 2
        and mx.unique(a, equal_nan=False).size == 3
        and mx.unique_values(a).size == 3
    )


def sized(x, size, fill):
    """What NumPy finds, cut to a size or filled up."""
    values, index, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True
    )
    rest = max(size - len(values), 0)
    values = np.concatenate(
        [values[:size], np.full(rest, values[0] if fill is None else fill, values.dtype)]
    )
    counts = np.concatenate([counts[:size], np.zeros(rest, int)])
    index = np.concatenate([index[:size], np.full(rest, index[0])])
    return values, index, np.minimum(inverse.reshape(x.shape), max(size - 1, 0)), counts


@pytest.mark.parametrize("size", [0, 1, 3, 7, 12])
@pytest.mark.parametrize(
    "dtype", [np.int32, np.uint8, np.float32, np.float16, np.bool_, np.int64], ids=str
)
def test_unique_sized(size, dtype):
    x = integers(6, 7, low=0, high=7).astype(dtype)
    for fill in (None, 1):
        found = mx.unique(mx.array(x), size, True, True, True, fill)
        for f, w, t in zip(
            found, sized(x, size, fill), (mx.array(x).dtype, mx.uint32, mx.uint32, mx.int32)
        ):
            same(f, w, t)
    same(mx.unique(mx.array(x), size=size), sized(x, size, None)[0])


def test_unique_sized_edges():
    empty = mx.unique(mx.zeros((0, 2)), 2, True, True, True, fill_value=3)
    assert [e.tolist() for e in empty] == [[3, 3], [0, 0], [], [0, 0]] and empty[2].shape == (0, 2)
    assert mx.unique(mx.array(5), 2, return_inverse=True)[1].shape == ()
    same(mx.unique(mx.array([NAN, 1.0, NAN]), 3, return_counts=True)[1], [1, 1, 1])
    same(mx.unique(mx.array([1, 2]), 3, fill_value=mx.array([7.9])), [1, 2, 7], mx.int32)
    for call in (
        lambda: mx.unique(mx.zeros(0), 2),
        lambda: mx.unique(mx.zeros(3), 2**31 - 1),
        lambda: mx.unique(mx.zeros(3), -1),
        lambda: mx.unique(mx.zeros(3), 2, fill_value=mx.zeros(2)),
        lambda: mx.unique(mx.zeros(3), fill_value=1),
        lambda: mx.unique(mx.array([1], dtype=mx.uint8), 2, fill_value=300),
        lambda: mx.unique(mx.zeros(3), 2, equal_nan=True),
    ):
        with pytest.raises(ValueError):
            call()


def test_unique_sized_transforms():
    """Nothing is evaluated, so that transforms can trace it."""
    x = mx.array([[1.0, 2.0, 1.0], [3.0, 3.0, 3.0]])
    same(mx.vmap(lambda a: mx.unique(a, 2))(x), [[1, 2], [3, 3]])
    same(mx.compile(lambda a: mx.unique(a, 2))(x), [1, 2])
    same(
        mx.grad(lambda a: (mx.unique(a, 3) * mx.array([1.0, 10.0, 100.0])).sum())(x),
        [[1, 10, 0], [100, 0, 0]],
    )


def test_isin():
    x, of = integers(4, 5), integers(6, seed=1)
    same(mx.isin(mx.array(x), mx.array(of)), np.isin(x, of), mx.bool_)
    same(mx.isin(mx.array(x), mx.array(of), invert=True), np.isin(x, of, invert=True))
    assert mx.isin(3, mx.array([1, 3])).item() and not mx.isin(mx.array(3), mx.zeros(0)).item()


def test_pointwise():
    a, b = numbers(20), numbers(20, seed=1)
    for name in ("hypot", "copysign", "nextafter"):
        same(getattr(mx, name)(mx.array(a), mx.array(b)), getattr(np, name)(a, b), rtol=1e-6)
    inf = float("inf")
    special = np.array([0.0, -0.0, inf, -inf, NAN, 1e38, 1e-45], np.float32)
    left, right = np.meshgrid(special, special)
    for name in ("hypot", "copysign", "nextafter"):
        with np.errstate(all="ignore"):
            wanted = getattr(np, name)(left, right)
        found = getattr(mx, name)(mx.array(left), mx.array(right))
        np.testing.assert_allclose(np.array(found), wanted, rtol=1e-6, err_msg=name)
    same(mx.signbit(mx.array(special)), np.signbit(special))
    same(mx.signbit(mx.array([-1, 0, 1])), [True, False, False])
    assert mx.hypot(3.0, 4.0).item() == 5


SPECIAL = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    NAN,
    1.0,
    -1.0,
    8.0,
    -27.0,
    3e38,
    1e-45,
    -3e-39,
    127.5,
    -149.0,
    -150.5,
]


@pytest.mark.parametrize("name", ["cbrt", "exp2", "sinc"])
@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16, mx.float32, mx.float64], ids=str)
def test_functions_of_one_number(name, dtype):
    """Beside float64, within the rounding of one operation, halves and subnormals too."""
    a = mx.array(
        np.concatenate(
            [SPECIAL, numbers(500, low=-60, high=60), 10.0 ** numbers(500, low=-30, high=30)]
        )
    ).astype(dtype)
    x = to_numpy(a).astype(np.float64)
    with np.errstate(all="ignore"):
        wanted = np.where(np.isinf(x), 0, np.sinc(x)) if name == "sinc" else getattr(np, name)(x)
        wanted = wanted.astype(to_numpy(a).dtype)
    found = getattr(mx, name)(a)
    assert found.dtype == dtype
    if name == "sinc":  # measured by what the sine is divided by
        return near(found[~np.isnan(x)], wanted[~np.isnan(x)], 4)
    kept = np.isfinite(wanted) & (np.abs(wanted) < float(mx.finfo(dtype).max))
    np.testing.assert_array_equal(np.isnan(to_numpy(found)), np.isnan(wanted))
    np.testing.assert_allclose(
        to_numpy(found)[kept],
        wanted[kept],
        rtol=TOLERANCE[dtype] / 2,
        atol=float(mx.finfo(dtype).smallest_normal) * EPSILON[dtype],
    )


def test_cube_roots():
    a = mx.array([8, -27, 0, 64])
    assert mx.cbrt(a).tolist() == [2, -3, 0, 4] and mx.cbrt(a).dtype == mx.float32
    assert str(mx.cbrt(mx.array(-0.0)).item()) == "-0.0"
    assert mx.cbrt(mx.array([8.0**k for k in range(-40, 40)])).tolist() == [
        2.0**k for k in range(-40, 40)
    ]
    with pytest.raises(ValueError, match="cbrt"):
        mx.cbrt(mx.array([1j]))


def test_fmax_fmin_heaviside():
    left, right = np.meshgrid(
        np.array([0.0, 1.5, -2.5, np.inf, -np.inf, NAN], np.float32),
        np.array([0.5, -1.0, NAN], np.float32),
    )
    for name in ("fmax", "fmin", "heaviside"):
        same(getattr(mx, name)(mx.array(left), mx.array(right)), getattr(np, name)(left, right))
    assert (
        mx.fmax(mx.array([1, 5]), 3).tolist() == [3, 5]
        and mx.fmax(mx.array([1, 5]), 3).dtype == mx.int32
    )
    same(mx.exp2(mx.array([1 + 2j, -3j])), np.exp2(np.array([1 + 2j, -3j])))
    assert mx.grad(lambda a: mx.sinc(a).sum())(mx.array([0.0, 1.0])).tolist() == [0, -1]


def test_second_names():
    for name, first in [
        ("absolute", "abs"),
        ("deg2rad", "radians"),
        ("rad2deg", "degrees"),
        ("mod", "remainder"),
        ("true_divide", "divide"),
        ("bitwise_not", "bitwise_invert"),
    ]:
        assert (
            getattr(mx, name) is getattr(mx, first)
            or getattr(mx, name).__doc__ == getattr(mx, first).__doc__
        )


M = numbers(4, 4) + 3 * np.eye(4, dtype=np.float32)


def test_matrices():
    a = mx.array(M)
    for n in (0, 1, 5, -2):
        same(mx.linalg.matrix_power(a, n), np.linalg.matrix_power(M, n), rtol=1e-3, atol=1e-4)
    low = numbers(5, 2) @ numbers(2, 6, seed=1)
    assert mx.linalg.matrix_rank(mx.array(low), rtol=1e-5).item() == 2
    assert (
        mx.linalg.matrix_rank(a).item() == 4 and mx.linalg.matrix_rank(mx.zeros((3, 3))).item() == 0
    )
    for p in (None, 1, 2, -2, float("inf")):
        same(mx.linalg.cond(a, p), np.linalg.cond(M, p), rtol=1e-3)
    same(mx.linalg.svdvals(a), np.linalg.svd(M, compute_uv=False), rtol=1e-4)
    with pytest.raises(ValueError):
        mx.linalg.matrix_power(mx.zeros((2, 3)), 2)


def test_expm():
    for scale in (0.01, 1, 20):
        s = scale * (M + M.T) / 4
        values, vectors = np.linalg.eigh(s.astype(np.float64))
        wanted = vectors * np.exp(values) @ vectors.T
        found = np.array(mx.linalg.expm(mx.array(s)))
        np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=1e-4 * np.abs(wanted).max())
    rotation = mx.linalg.expm(mx.array([[0.0, -1.0], [1.0, 0.0]]))
    same(rotation, [[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]], rtol=1e-5)
    same(mx.linalg.expm(mx.zeros((2, 3, 3))), np.broadcast_to(np.eye(3), (2, 3, 3)))


def test_lstsq():
    a, b = numbers(8, 3), numbers(8, 2, seed=1)
    for right in (b, b[:, 0]):
        x, rest, rank, s = mx.linalg.lstsq(mx.array(a), mx.array(right))
        wanted = np.linalg.lstsq(a, right, rcond=None)
        same(x, wanted[0], rtol=1e-3, atol=1e-5)
        same(rest, wanted[1], rtol=1e-3)
        assert rank.item() == wanted[2]
        same(s, wanted[3], rtol=1e-4)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 0, 3), (2, 3, 0), (0, 3, 3)])
def test_matrices_without_elements(shape):
    a, nothing = mx.zeros(shape), np.zeros(shape[:-2])  # older NumPy refuses some of them
    same(mx.linalg.matrix_rank(a), nothing.astype(np.int64))
    for ord in (1, 2, np.inf, "nuc", "fro"):
        same(mx.linalg.matrix_norm(a, ord=ord), nothing)
    for ord in (1, 2, 3, np.inf):
        same(mx.linalg.vector_norm(a, ord=ord, axis=-1), np.zeros(shape[:-1]))
    if 0 in shape[-2:]:
        for p in (None, 1, 2, -2):
            with pytest.raises(ValueError, match=r"\[linalg::cond\]"):
                mx.linalg.cond(a, p)
        with pytest.raises(ValueError, match=r"\[linalg::norm\]"):
            mx.linalg.matrix_norm(a, ord=-2)
    else:
        same(mx.linalg.cond(a), np.zeros(shape[:-2]))


def test_square_matrices_without_elements():
    for shape in ((0, 0), (2, 0, 0), (0, 2, 2)):
        a = mx.zeros(shape)
        assert mx.linalg.expm(a).shape == mx.linalg.matrix_power(a, -3).shape == shape
    assert mx.linalg.matrix_rank(mx.zeros((0, 0)), hermitian=True).item() == 0


@pytest.mark.parametrize("m, n", [(0, 3), (3, 0), (0, 0)])
def test_lstsq_without_elements(m, n):
    for right in ((m,), (m, 2)):
        x, rest, rank, s = mx.linalg.lstsq(mx.zeros((m, n)), mx.ones(right))
        same(x, np.zeros((n, *right[1:])))
        assert np.array(rest).ravel().tolist() == [m] * (right[1:] or (1,))[0]
        assert rank.item() == 0 and s.shape == (0,)


def test_standard_names():
    a = mx.array(X)
    same(mx.linalg.vector_norm(a), np.linalg.norm(X.reshape(-1)), rtol=1e-5)
    for ord in (0, 1, 2, 3, float("inf")):
        same(mx.linalg.vector_norm(a, axis=1, ord=ord), np.linalg.norm(X, ord, 1), rtol=1e-4)
    same(
        mx.linalg.vector_norm(a, axis=(0, 2), keepdims=True),
        np.sqrt((X**2).sum((0, 2), keepdims=True)),
        rtol=1e-5,
    )
    same(mx.linalg.matrix_norm(a), np.linalg.norm(X, "fro", (1, 2)), rtol=1e-5)
    same(mx.linalg.matrix_transpose(a), X.swapaxes(1, 2))
    same(mx.linalg.diagonal(a, offset=1), np.diagonal(X, 1, 1, 2))
    same(mx.linalg.trace(a), np.trace(X, 0, 1, 2), rtol=1e-5)
    assert mx.linalg.matmul is mx.matmul and mx.linalg.vecdot is mx.vecdot


N = 20000
DRAWS = [
    ("exponential", (2.0,), 2, 2),
    ("gamma", (0.5,), 0.5, 0.5**0.5),
    ("gamma", (4.0,), 4, 2),
    ("beta", (2.0, 3.0), 0.4, 0.2),
    ("poisson", (0.5,), 0.5, 0.5**0.5),
    ("poisson", (8.0,), 8, 8**0.5),
    ("poisson", (40.0,), 40, 40**0.5),
    ("poisson", (1e6,), 1e6, 1e3),
]


@pytest.mark.parametrize("name, args, mean, std", DRAWS, ids=lambda v: str(v))
def test_distributions(name, args, mean, std):
    x = np.array(getattr(mx.random, name)(*args, shape=(N,), key=mx.random.key(1))).astype(
        np.float64
    )
    assert abs(x.mean() - mean) < 5 * std / N**0.5 and abs(x.std() - std) < 0.05 * std
    assert (x >= 0).all()
    a, b = (getattr(mx.random, name)(*args, (3,), key=mx.random.key(2)).tolist() for _ in range(2))
    assert a == b


def test_distribution_forms():
    assert (
        mx.random.gamma(mx.array([1.0, 2.0])).shape == (2,) and mx.random.exponential().shape == ()
    )
    assert mx.random.poisson(mx.array([1.0, 50.0])).dtype == mx.int32
    assert mx.random.beta(mx.array([1.0, 2.0]), 3.0, dtype=mx.float16).dtype == mx.float16
    p = [np.exp(-3) * 3**k / np.prod(np.arange(1, k + 1)) for k in range(8)]
    x = np.array(mx.random.poisson(3.0, (N,), key=mx.random.key(4)))
    np.testing.assert_allclose(np.bincount(x, minlength=8)[:8] / N, p, atol=0.01)
    x = np.array(mx.random.poisson(12.0, (N,), key=mx.random.key(4)))
    p = np.exp(-12 + np.arange(30) * np.log(12) - np.cumsum(np.log(np.maximum(np.arange(30), 1))))
    np.testing.assert_allclose(np.bincount(x, minlength=30)[:30] / N, p, atol=0.01)


def test_parameters_at_the_ends():
    bad = mx.array([-1.0, float("nan"), -float("inf")])
    for draw in (mx.random.exponential, mx.random.gamma):
        assert np.isnan(np.array(draw(bad))).all()
        assert draw(mx.array([0.0, -0.0])).tolist() == [0, 0]
    assert mx.random.beta(0.0, 2.0).item() == 0 and mx.random.beta(2.0, 0.0).item() == 1
    assert mx.random.gamma(float("inf")).item() == float("inf")


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"])
def test_counts_that_integers_do_not_hold(name):
    dtype, most = getattr(mx, name), np.iinfo(name).max
    none = mx.random.poisson(mx.array([-1.0, float("nan"), -1e20]), dtype=dtype)
    assert none.tolist() == [-1 if name[0] == "i" else most] * 3
    many = mx.random.poisson(mx.array([1e21, float("inf"), 2.0**64]), dtype=dtype).tolist()
    largest = np.float32(most)
    if int(largest) > most:
        largest = np.nextafter(largest, np.float32(0))
    assert many == [int(largest)] * 3
    assert mx.random.poisson(mx.array([0.0, -0.0]), dtype=dtype).tolist() == [0, 0]


def test_counts_that_floats_hold():
    x = np.array(mx.random.poisson(mx.array([-1.0, float("nan"), 0.0, 1e20]), dtype=mx.float32))
    assert np.isnan(x[:2]).all() and x[2] == 0 and abs(x[3] / 1e20 - 1) < 1e-6


def test_choice():
    key = mx.random.key(0)
    assert mx.random.choice(5).shape == () and set(mx.random.choice(5, (200,)).tolist()) <= set(
        range(5)
    )
    assert sorted(mx.random.choice(6, (2, 3), replace=False).reshape(-1).tolist()) == list(range(6))
    x = mx.arange(12).reshape(4, 3)
    assert mx.random.choice(x, (2,), axis=1).shape == (4, 2) and mx.random.choice(
        x, (2,)
    ).shape == (2, 3)
    p = mx.array([0.1, 0.0, 0.9])
    drawn = np.bincount(mx.random.choice(3, (N,), p=p, key=key).tolist(), minlength=3) / N
    np.testing.assert_allclose(drawn, [0.1, 0, 0.9], atol=0.01)
    assert sorted(mx.random.choice(3, (2,), replace=False, p=p).tolist()) == [0, 2]
    for wrong in (
        lambda: mx.random.choice(3, (4,), replace=False),
        lambda: mx.random.choice(0, (1,)),
        lambda: mx.random.choice(3, (1,), p=mx.array([1.0])),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_hfft():
    x = numbers(6) + 1j * numbers(6, seed=1)
    real = numbers(9)
    for norm in ("backward", "ortho", "forward"):
        for n in (None, 8, 9):
            same(
                mx.fft.hfft(mx.array(x.astype(np.complex64)), n, norm=norm),
                np.fft.hfft(x, n, norm=norm),
                rtol=1e-4,
                atol=1e-4,
            )
            same(
                mx.fft.ihfft(mx.array(real), n, norm=norm),
                np.fft.ihfft(real, n, norm=norm),
                rtol=1e-4,
                atol=1e-4,
            )


def difference(f, x, step=1e-2):
    """The gradient of f at x by central differences."""
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        g[i] = (f(mx.array(up)).item() - f(mx.array(down)).item()) / (2 * step)
    return g


Y = mx.array(numbers(4, 4, seed=3))
DERIVATIVES = {
    "hypot": lambda a: mx.hypot(a, Y).sum(),
    "cbrt": lambda a: mx.cbrt(a + 4).sum(),
    "exp2": lambda a: mx.exp2(a * 0.5).sum(),
    "sinc": lambda a: mx.sinc(a).sum(),
    "fmax": lambda a: (mx.fmax(a, 0.0) * Y).sum(),
    "copysign": lambda a: (mx.copysign(a, Y) * Y).sum(),
    "quantile": lambda a: mx.square(mx.quantile(a, [0.15, 0.6], axis=0)).sum(),
    "expm": lambda a: mx.linalg.expm(a * 0.2).sum(),
    "matrix_power": lambda a: mx.linalg.matrix_power(a * 0.2, 3).sum(),
    "cond": lambda a: mx.linalg.cond(a),
    "lstsq": lambda a: mx.linalg.lstsq(a, Y)[0].sum(),
    "nanmean": lambda a: mx.nanmean(mx.square(a)),
    "nanstd": lambda a: mx.nanstd(a),
    "vector_norm": lambda a: mx.linalg.vector_norm(a, ord=3),
    "hfft": lambda a: mx.real(mx.fft.ihfft(mx.fft.hfft(a))).sum(),
}


@pytest.mark.parametrize("f", DERIVATIVES.values(), ids=DERIVATIVES)
def test_derivatives(f):
    """At numbers further apart than the differences' step, and from 0, so that no order and no sign
    changes on the way; the diagonal keeps the matrix regular."""
    x = (
        generator(5).permutation(np.linspace(-2, 2, 16)).reshape(4, 4) + 62 / 15 * np.eye(4)
    ).astype(np.float32)
    wanted = difference(f, x)
    found = np.array(mx.grad(f)(mx.array(x)))
    np.testing.assert_allclose(found, wanted, atol=0.02 * np.abs(wanted).max() + 1e-3)


@pytest.mark.parametrize(
    "f", [mx.nansum, mx.nanmean, mx.nanvar, mx.nanmax, mx.nanprod], ids=lambda f: f.__name__
)
def test_derivatives_beside_nan(f):
    g = np.array(mx.grad(f)(mx.array([1.0, NAN, 3.0])))
    assert g[1] == 0 and np.isfinite(g).all()


def test_transformed():
    same(mx.vmap(lambda a: mx.quantile(a, 0.5))(mx.array(M)), np.median(M, 1))
    counts = mx.vmap(lambda a: mx.histogram(a, 3, range=(-4, 4))[0])(mx.array(M))
    same(counts, [np.histogram(row, 3, (-4, 4))[0] for row in M])
    same(mx.compile(lambda a: mx.isin(a, mx.array([1, 2])))(mx.array([1, 5])), [True, False])
    for transform in (mx.compile, mx.vmap):
        with pytest.raises(ValueError, match="eval"):
            transform(mx.unique)(mx.array(M))
