"""Reductions, running reductions and order against NumPy: over all elements, one axis, several."""

import mlx.core as mx
import numpy as np
import pytest

from ops_check import INTEGERS, integers, numbers, same, to_numpy
from seeds import generator

SHAPE = (3, 4, 5)
REDUCTIONS = [
    ("sum", np.sum),
    ("prod", np.prod),
    ("max", np.max),
    ("min", np.min),
    ("mean", np.mean),
    ("var", np.var),
    ("std", np.std),
    ("median", np.median),
    ("all", np.all),
    ("any", np.any),
    (
        "logsumexp",
        lambda a, axis, keepdims: np.log(np.sum(np.exp(a), axis=axis, keepdims=keepdims)),
    ),
]
AXES = [None, 0, -1, (0, 2), (1,), (0, 1, 2)]
SCANS = [
    ("cumsum", np.cumsum),
    ("cumprod", np.cumprod),
    ("cummax", lambda a, axis: np.maximum.accumulate(a, axis)),
    ("cummin", lambda a, axis: np.minimum.accumulate(a, axis)),
    ("logcumsumexp", lambda a, axis: np.log(np.cumsum(np.exp(a), axis))),
]


@pytest.mark.parametrize("name, wanted", REDUCTIONS, ids=[row[0] for row in REDUCTIONS])
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_reductions(name, wanted, axis):
    x = numbers(*SHAPE)
    a = mx.array(x)
    for keep in (False, True):
        result = wanted(x.astype(np.float64), axis=axis, keepdims=keep)
        same(getattr(mx, name)(a, axis=axis, keepdims=keep), result, terms=24)
        same(
            getattr(mx, name)(a, axis if not isinstance(axis, tuple) else list(axis), keep),
            result,
            terms=24,
        )
        if hasattr(mx.array, name):
            same(getattr(a, name)(axis, keep), result, terms=24)


def test_no_axes():
    x = mx.array([[1, 2], [3, 4]])
    same(mx.sum(x, axis=()), [[1, 2], [3, 4]], mx.int32)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers(dtype):
    a = mx.array([[1, 2], [3, 4]]).astype(dtype)
    wide = dtype if dtype.size >= 4 else mx.int32 if dtype in (mx.int8, mx.int16) else mx.uint32
    assert mx.sum(a).item() == 10 and mx.sum(a).dtype in (wide, mx.int32)
    assert mx.max(a).item() == 4 and mx.max(a).dtype == dtype
    same(mx.mean(a, axis=0), [2, 3], mx.float32)


LARGE = {
    "int8": [120, 121, 119, -3],
    "uint8": [250, 251, 255, 3],
    "int16": [32000, 32001, 31999, 5],
    "uint16": [65000, 65001, 65535, 7],
    "int32": [1700000000, 1700000010, 1699999990, 2000000000],
    "uint32": [4000000000, 4000000010, 4294967295, 1],
    "int64": [2**62, 2**62 + 1000, -5, 2**61],
    "uint64": [2**63, 2**63 + 2**50, 2**63 + 2**51, 2**62],
    "bool": [True, True, False, True],
}
STATISTICS = {
    "mean": lambda a, axis: np.mean(a, axis=axis),
    "var": lambda a, axis: np.var(a, axis=axis),
    "std": lambda a, axis: np.std(a, axis=axis),
    "median": lambda a, axis: np.median(a, axis=axis),
    "nanmean": lambda a, axis: np.mean(a, axis=axis),
    "nanvar": lambda a, axis: np.var(a, axis=axis),
    "nanstd": lambda a, axis: np.std(a, axis=axis),
    "nanmedian": lambda a, axis: np.median(a, axis=axis),
}


@pytest.mark.parametrize("dtype", LARGE)
@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_of_integers_do_not_overflow(name, dtype):
    x = np.array(LARGE[dtype] * 3, dtype).reshape(4, 3)
    a, wide = mx.array(x), x.astype(np.longdouble)
    for axis in (None, 0, 1, (0, 1)):
        same(
            getattr(mx, name)(a, axis=axis),
            STATISTICS[name](wide, axis).astype(np.float64),
            mx.float32,
            rtol=3e-7,
        )


@pytest.mark.parametrize("dtype", LARGE)
def test_quantiles_and_norms_of_integers_do_not_overflow(dtype):
    x = np.array(LARGE[dtype] * 3, dtype).reshape(4, 3)
    a, wide = mx.array(x), x.astype(np.float64)
    same(mx.quantile(a, 0.3, axis=0), np.quantile(wide, 0.3, axis=0), mx.float32, rtol=3e-7)
    same(mx.linalg.norm(a), np.linalg.norm(wide), mx.float32, rtol=3e-7)
    for order in (None, 1, 2, 3, np.inf, 0):
        same(
            mx.linalg.norm(a, order, axis=1),
            np.linalg.norm(wide, order, axis=1),
            mx.float32,
            rtol=3e-7,
        )
        same(
            mx.linalg.vector_norm(a, ord=2 if order is None else order, axis=1),
            np.linalg.norm(wide, order, axis=1),
            mx.float32,
            rtol=3e-7,
        )
    for order in ("fro", "nuc", 1, np.inf, 2):
        same(mx.linalg.norm(a, order), np.linalg.norm(wide, order), mx.float32, rtol=3e-6)


def test_small_differences_of_large_integers_are_seen():
    a = mx.array([1700000000, 1700000010])
    assert mx.var(a).item() == 25 and mx.std(a, ddof=1).item() == pytest.approx(50**0.5)
    assert mx.isclose(a, a + 1, rtol=0, atol=0.5).tolist() == [False, False]
    assert mx.isclose(a, a + 1, rtol=0, atol=1).tolist() == [True, True]
    assert mx.median(mx.array([2**24 + 1, 2**24 + 3])).item() == 2**24 + 2


def test_halves_are_averaged_without_overflow():
    a = mx.array([60000.0, 60000.0, 49184.0, 65504.0], mx.float16)
    assert mx.median(a).item() == 60000 and mx.mean(a).dtype == mx.float16
    b = a * mx.array([1, 1, 1, -1], mx.float16)
    assert mx.quantile(b, 0.5).item() == 54592 and mx.quantile(b, 1 / 6).item() == -8160
    assert mx.linalg.norm(a / 100).item() == pytest.approx(
        float(np.linalg.norm(np.array([600, 600, 491.84, 655.04]))), rel=1e-3
    )


def test_spread():
    x = numbers(4, 6)
    a = mx.array(x)
    same(mx.var(a, axis=1, ddof=1), x.var(axis=1, ddof=1), rtol=1e-5)
    same(a.std(0, ddof=2), x.std(axis=0, ddof=2), rtol=1e-5)


def test_count_nonzero():
    x = integers(4, 5, low=0, high=3)
    same(mx.count_nonzero(mx.array(x)), np.count_nonzero(x), mx.int32)
    same(mx.count_nonzero(mx.array(x), 0), np.count_nonzero(x, axis=0), mx.int32)
    same(
        mx.count_nonzero(mx.array(x), axis=(1,), keepdims=True),
        np.count_nonzero(x, axis=1, keepdims=True),
    )


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_arguments(name):
    x = numbers(4, 6)
    a = mx.array(x)
    for axis in (None, 0, -1):
        wanted = getattr(np, name)(x, axis=axis)
        same(getattr(mx, name)(a, axis=axis), wanted, mx.uint32)
        same(getattr(a, name)(axis), wanted, mx.uint32)
        same(
            getattr(mx, name)(a, axis=axis, keepdims=True),
            getattr(np, name)(x, axis=axis, keepdims=True),
        )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_the_first_nan_is_found(name, dtype):
    f, g, t = getattr(mx, name), getattr(np, name), getattr(mx, dtype)
    with mx.stream(mx.cpu):
        for row in (
            [1, np.nan, 2],
            [1, np.nan, 0],
            [-np.inf, np.nan],
            [np.inf, np.nan],
            [np.nan, np.nan],
            [3, 1, np.nan, np.nan],
        ):
            assert f(mx.array(row, t)).item() == g(row), row
    rng = generator(7)
    for shape, count in (((3, 1000), 2), ((40, 33), 9), ((2, 3, 70), 5), ((1, 200000), 1)):
        x = rng.integers(-50, 50, shape).astype(np.float64)
        x.reshape(-1)[rng.integers(0, x.size, count)] = np.nan
        a = mx.array(x, t)
        for axis in range(x.ndim):
            wanted = g(x, axis=axis)
            assert np.array_equal(np.array(f(a, axis=axis)), wanted)
            assert np.array_equal(np.array(mx.compile(lambda a: f(a + 1, axis=axis))(a)), wanted)
            assert np.array_equal(np.array(f(a.T, axis=x.ndim - 1 - axis)), wanted.T)
            assert np.array_equal(
                np.array(f(a[::-1, ..., ::-1], axis=axis)), g(x[::-1, ..., ::-1], axis=axis)
            )
        assert np.array_equal(np.array(mx.vmap(f)(a)), g(x.reshape(len(x), -1), axis=1))
        assert f(a).item() == g(x)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
def test_nan_sort_last(dtype):
    x = generator(3).permutation(200).astype(np.float64)
    x[[5, 90, 130]] = np.nan
    a = mx.array(x, getattr(mx, dtype))
    real = np.array(mx.real(mx.sort(a)).astype(mx.float64))
    assert np.array_equal(real, np.sort(x), equal_nan=True)
    assert np.array_equal(np.array(mx.argsort(a)), np.argsort(x, kind="stable"))
    for k in (0, 7, 150, 196, 198):
        order = np.array(mx.argpartition(a, k))
        assert sorted(order) == list(range(200))
        rank = np.argsort(np.argsort(x, kind="stable"))[order]
        assert (
            (rank[:k] <= k).all() and (rank[k + 1 :] >= k).all()
            if k < 197
            else np.isnan(x[order[197:]]).all()
        )
    assert np.isnan(np.array(mx.real(mx.topk(a, 3)).astype(mx.float64))).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_nan_goes_into_the_gradient_of_extremes(dtype):
    nan, t = np.nan, getattr(mx, dtype)
    a = mx.array([[nan, 1, 2], [nan, 3, 2], [4, nan, 2]], t)
    lost = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0]], bool)  # columns whose extreme is NaN
    numbers_of = lambda g: np.array(g.astype(mx.float64))
    for f in (mx.max, mx.min):
        g = numbers_of(mx.grad(lambda x: f(x, axis=0).sum())(a))
        assert np.array_equal(
            g,
            np.where(lost, nan, 1 / 3 if dtype == "float64" else numbers_of(mx.array(1 / 3, t))),
            equal_nan=True,
        )
        d = numbers_of(mx.jvp(lambda x: f(x, axis=0), [a], [mx.ones_like(a)])[1][0])
        assert np.array_equal(d, [nan, nan, 1], equal_nan=True)
        assert np.isnan(numbers_of(mx.grad(lambda x: f(x))(a))).all()
        assert np.isnan(numbers_of(mx.vmap(mx.grad(lambda x: f(x)))(a))).all()
    assert np.isnan(numbers_of(mx.grad(lambda x: mx.logsumexp(x))(a))).all()
    for f in (mx.cummax, mx.cummin):
        for reverse in (False, True):
            for inclusive in (False, True):
                h = lambda x: f(x, axis=0, reverse=reverse, inclusive=inclusive)
                d = numbers_of(mx.jvp(h, [a], [mx.ones_like(a)])[1][0])
                assert np.array_equal(np.isnan(d), np.isnan(numbers_of(h(a))))
                g = numbers_of(mx.grad(lambda x: h(x).sum())(a))
                assert np.array_equal(np.isnan(g).any(0), np.isnan(d).any(0))
                assert np.isfinite(g[:, 2]).all()


def test_exact_variances_stay_exact():
    for n in range(2, 60):
        x = np.arange(n) * 2.0
        for ddof in (0, 1):
            wanted = x.var(ddof=ddof)
            got = mx.var(mx.array(x, mx.float32), ddof=ddof).item()
            assert got == np.float32(wanted), (n, ddof)
    assert mx.var(mx.arange(6.0), ddof=1).item() == 3.5 and mx.std(
        mx.arange(8.0), ddof=1
    ).item() == np.float32(6**0.5)
    assert mx.var(mx.full((1000,), 60000, mx.float16)).item() == 0
    f = mx.compile(lambda a: mx.var(a, ddof=1), shapeless=True)
    assert [f(mx.arange(float(n))).item() for n in (6, 8)] == [3.5, 6]
    same(mx.var(mx.arange(3.0), ddof=4), np.float32(np.inf))


@pytest.mark.parametrize("name, wanted", SCANS, ids=[row[0] for row in SCANS])
def test_scans(name, wanted):
    x = numbers(3, 5)
    a = mx.array(x)
    f = getattr(mx, name)
    same(f(a), wanted(x.reshape(-1), 0), rtol=1e-5)
    same(f(a, axis=1), wanted(x, 1), rtol=1e-5)
    same(getattr(a, name)(0), wanted(x, 0), rtol=1e-5)
    same(f(a, 1, reverse=True), wanted(x[:, ::-1], 1)[:, ::-1], rtol=1e-5)


def test_scan_without_the_element():
    a = mx.array([1, 2, 3])
    same(mx.cumsum(a, inclusive=False), [0, 1, 3], mx.int32)
    same(mx.cumprod(a, inclusive=False, reverse=True), [6, 3, 1], mx.int32)
    same(mx.cumsum(a, dtype=mx.float16), [1, 3, 6], mx.float16)


def test_softmax():
    x = numbers(3, 4)
    exp = np.exp(x)
    same(mx.softmax(mx.array(x), axis=-1), exp / exp.sum(-1, keepdims=True), rtol=1e-5)
    same(mx.softmax(mx.array(x)), exp / exp.sum(), rtol=1e-5)
    same(mx.softmax(mx.array(x), axis=(0, 1), precise=True), exp / exp.sum(), rtol=1e-5)


def test_sort():
    x = numbers(4, 6)
    a = mx.array(x)
    for axis in (-1, 0):
        same(mx.sort(a, axis=axis), np.sort(x, axis))
        same(mx.argsort(a, axis), np.argsort(x, axis), mx.uint32)
        first = np.moveaxis(to_numpy(mx.partition(a, 2, axis)), axis, 0)[:3]
        np.testing.assert_array_equal(np.sort(first, 0), np.moveaxis(np.sort(x, axis), axis, 0)[:3])
    same(mx.sort(a, None), np.sort(x, None))
    same(mx.sort(mx.topk(a, 2)), np.sort(x)[:, -2:])
    same(mx.sort(mx.topk(a, k=3, axis=None)), np.sort(x, None)[-3:])
    order = mx.argpartition(a, kth=1, axis=1)
    np.testing.assert_array_equal(
        np.sort(to_numpy(mx.take_along_axis(a, order, 1))[:, :2]), np.sort(x)[:, :2]
    )


def test_searchsorted():
    a, values = mx.array([1, 3, 3, 7]), mx.array([0, 3, 8])
    same(mx.searchsorted(a, values), [0, 1, 4])
    same(mx.searchsorted(a, values, side="right"), [0, 3, 4])
    with pytest.raises(ValueError, match="side"):
        mx.searchsorted(a, values, "middle")


def test_errors():
    a = mx.zeros((2, 3))
    with pytest.raises((IndexError, ValueError), match="3"):
        mx.sum(a, axis=3)
    with pytest.raises(ValueError):
        mx.sum(a, axis=(0, 0))
    with pytest.raises(ValueError):
        mx.max(mx.zeros((0,)))
    for wrong in (1.5, "0", [0.5]):
        with pytest.raises(TypeError):
            mx.sum(a, axis=wrong)
    with pytest.raises(TypeError, match="keepdims"):
        mx.sum(a, keepdims=1)


def test_axis_from_numpy():
    same(mx.sum(mx.ones((2, 3)), axis=np.int64(1)), [3, 3])


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_minmax(axis):
    x = numbers(*SHAPE)
    for keep in (False, True):
        low, high = mx.minmax(mx.array(x), axis, keep)
        same(low, x.min(axis=axis, keepdims=keep), mx.float32)
        same(high, x.max(axis=axis, keepdims=keep), mx.float32)
    assert isinstance(mx.minmax(mx.array(x)), tuple)
    assert all(np.isnan(e.item()) for e in mx.minmax(mx.array([1.0, np.nan])))
    with pytest.raises(ValueError):
        mx.minmax(mx.zeros(0))


def test_correction():
    """The array API's name for ddof, which it stands above."""
    x = numbers(*SHAPE)
    a = mx.array(x)
    for name in ("var", "std"):
        wanted = getattr(np, name)(x.astype(np.float64), axis=1, ddof=2)
        same(getattr(mx, name)(a, 1, correction=2), wanted, terms=24)
        same(getattr(a, name)(1, ddof=5, correction=2), wanted, terms=24)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("reverse", [False, True])
def test_running_sums_do_not_depend_on_the_layout(dtype, axis, reverse):
    x = mx.random.normal((13, 5, 67), key=mx.random.key(3)).astype(getattr(mx, dtype))
    views = [x, x[::-1, :, ::2], mx.broadcast_to(x[:1, :, :1], (13, 5, 67))]
    views += [mx.transpose(x, order) for order in ((2, 1, 0), (1, 0, 2), (0, 2, 1))]
    for view in views:
        for inclusive in True, False:
            options = {"axis": axis, "reverse": reverse, "inclusive": inclusive}
            dense = mx.contiguous(mx.array(view))
            assert mx.array_equal(mx.cumsum(view, **options), mx.cumsum(dense, **options))
