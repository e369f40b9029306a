"""Padded and overlapping pools of every dtype against a plain loop in float64, with infinities and
NaN, strides that leave elements out, and windows larger than what they look at."""

import itertools

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from ops_check import FLOATS, INTEGERS, near, to_numpy

POOLS = {"max": (nn.MaxPool1d, nn.MaxPool2d), "mean": (nn.AvgPool1d, nn.AvgPool2d)}
DTYPES = [*FLOATS, mx.float64, mx.complex64, *INTEGERS, mx.bool_]

# sizes of an image, window, stride, padding
CASES = [
    ((9,), (3,), (2,), (1,)),
    ((8,), (3,), (3,), (1,)),
    ((5,), (7,), (2,), (3,)),
    ((4,), (9,), (1,), (3,)),
    ((17,), (4,), (5,), (2,)),
    ((1,), (3,), (2,), (1,)),
    ((6,), (2,), (1,), (5,)),
    ((7, 6), (3, 3), (2, 2), (1, 1)),
    ((6, 7), (3, 2), (1, 3), (1, 0)),
    ((5, 9), (2, 5), (3, 2), (0, 2)),
    ((4, 4), (7, 6), (2, 1), (3, 2)),
    ((3, 2), (5, 5), (1, 1), (4, 4)),
    ((12, 11), (3, 3), (1, 2), (2, 1)),
    ((8, 8), (2, 2), (2, 2), (1, 1)),
    ((2, 9), (3, 4), (4, 3), (2, 3)),
    ((1, 1), (3, 3), (2, 2), (1, 1)),
]
CHANNELS = [1, 3, 16, 33]


def largest(window):
    """NaN where there is one; of complex numbers by real part, then imaginary part."""
    values = list(window)
    unknown = [v for v in values if v != v]
    return unknown[0] if unknown else max(values, key=lambda v: (v.real, v.imag))


def pooled(kind, x, window, stride, padding):
    """Padding has no value for a maximum and zeros for a mean."""
    axes = range(len(window))
    sizes = [max(0, (x.shape[a + 1] + 2 * padding[a] - window[a]) // stride[a] + 1) for a in axes]
    y = np.zeros((x.shape[0], *sizes, x.shape[-1]), x.dtype)
    for image, channel in itertools.product(range(x.shape[0]), range(x.shape[-1])):
        for place in itertools.product(*map(range, sizes)):
            begin = [place[a] * stride[a] - padding[a] for a in axes]
            inside = tuple(
                slice(max(0, begin[a]), max(0, min(x.shape[a + 1], begin[a] + window[a])))
                for a in axes
            )
            seen = x[(image, *inside, channel)].ravel()
            if kind == "max":
                y[(image, *place, channel)] = largest(seen) if seen.size else lowest(x.dtype)
            else:
                y[(image, *place, channel)] = seen.sum() / np.prod(window)
    return y


def lowest(dtype):
    if dtype == np.complex128:
        return complex(-np.inf, 0)
    return -np.inf if dtype == np.float64 else False if dtype == np.bool_ else np.iinfo(dtype).min


def plain(a):
    """An array as NumPy's, floats as float64."""
    a = to_numpy(a)
    kinds = {"f": np.float64, "c": np.complex128}
    return a.astype(kinds.get(a.dtype.kind, a.dtype))


def drawn(dtype, *shape, special=False):
    if dtype == mx.bool_:
        return mx.array(np.random.random(shape) < 0.3)
    if dtype in INTEGERS:
        low = 0 if dtype in INTEGERS[:4] else -100
        return mx.array(np.random.randint(low, 100, shape)).astype(dtype)
    x = np.random.normal(size=shape)
    if dtype == mx.complex64:
        return mx.array((x + 1j * np.random.normal(size=shape)).astype(np.complex64))
    if special:
        x[np.random.random(shape) < 0.3] = -np.inf
        x[np.random.random(shape) < 0.03] = np.inf
        x[np.random.random(shape) < 0.03] = np.nan
    return mx.array(x, dtype)


def check(kind, x, window, stride, padding):
    found = POOLS[kind][len(window) - 1](window, stride, padding)(x)
    wanted = pooled(kind, plain(x), window, stride, padding)
    if kind == "max":
        assert found.dtype == x.dtype
        np.testing.assert_array_equal(plain(found), wanted)
    else:
        near(found, wanted, int(np.prod(window)))


@pytest.fixture(autouse=True)
def on_the_processor():
    with mx.stream(mx.cpu):
        yield


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_maximum(dtype):
    for i, (sizes, *rest) in enumerate(CASES):
        check("max", drawn(dtype, 1 + i % 2, *sizes, CHANNELS[i % 4]), *rest)


@pytest.mark.parametrize("dtype", [t for t in DTYPES if mx.issubdtype(t, mx.inexact)], ids=str)
def test_mean(dtype):
    for i, (sizes, *rest) in enumerate(CASES):
        check("mean", drawn(dtype, 1 + i % 2, *sizes, CHANNELS[i % 4]), *rest)


@pytest.mark.parametrize("dtype", [*INTEGERS, mx.bool_], ids=str)
def test_means_of_integers(dtype):
    x = drawn(dtype, 2, 7, 6, 5)
    found = nn.AvgPool2d(3, 2, 1)(x)
    near(found, pooled("mean", to_numpy(x).astype(np.float64), (3, 3), (2, 2), (1, 1)), 9)


@pytest.mark.parametrize("dtype", [*FLOATS, mx.float64], ids=str)
@pytest.mark.parametrize("kind", POOLS)
def test_infinities_and_nan(kind, dtype):
    for i, (sizes, *rest) in enumerate(CASES):
        with np.errstate(invalid="ignore"):
            check(kind, drawn(dtype, 2, *sizes, CHANNELS[i % 4], special=True), *rest)


@pytest.mark.parametrize("kind", POOLS)
def test_all_is_minus_infinity(kind):
    x = mx.full((1, 5, 5, 17), -float("inf"))
    assert (POOLS[kind][1](3, 2, 1)(x) == -float("inf")).all().item()


@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16, mx.int8], ids=str)
def test_inputs_as_views(dtype):
    """Channels that are not last in memory, and lines that are read backwards or left out."""
    x = drawn(dtype, 2, 20, 9, 8)
    views = [x.transpose(0, 2, 3, 1), x[:, ::-1, :, ::2], x[:, ::2, ::-1], x[1:, 3:, 1:, 5:]]
    for view in views:
        check("max", view, (3, 3), (2, 2), (1, 1))
        check("max", view, (3, 2), (1, 3), (1, 0))
        if dtype != mx.int8:
            check("mean", view, (3, 3), (2, 1), (1, 1))


@pytest.mark.parametrize("kind", POOLS)
def test_wide_images(kind):
    """Lines of more channels than a task takes, and images of many outputs."""
    check(kind, drawn(mx.float32, 1, 3, 3, 2100), (3, 3), (1, 2), (1, 1))
    check(kind, drawn(mx.float32, 1, 40, 31, 4), (3, 3), (2, 2), (1, 1))
    check(kind, drawn(mx.float32, 3, 90, 64), (5,), (2,), (2,))


@pytest.mark.parametrize("kind", POOLS)
def test_in_the_middle_of_more(kind):
    """What is padded may be computed by the same evaluation, and be wanted as well."""
    pool, x = POOLS[kind][1](3, 2, 1), drawn(mx.float32, 2, 9, 8, 5)

    def run(x):
        y = mx.maximum(x * 2 - 0.5, 0)
        return pool(y) + 1, y

    wanted = pooled(kind, plain(mx.maximum(x * 2 - 0.5, 0)), (3, 3), (2, 2), (1, 1)) + 1
    for f in (run, mx.compile(run)):
        near(f(x)[0], wanted, 9)
    near(mx.vmap(pool)(mx.stack([-x, x]))[1], pooled(kind, plain(x), (3, 3), (2, 2), (1, 1)), 9)


@pytest.mark.parametrize("kind", POOLS)
def test_what_was_padded_before(kind):
    """A pool with padding has the bits of one whose input has its padding in memory."""
    x = drawn(mx.float32, 1, 57, 61, 40)
    fill = -float("inf") if kind == "max" else 0
    before = mx.pad(x, [(0, 0), (2, 2), (1, 1), (0, 0)], constant_values=fill)
    mx.eval(before)
    pool = POOLS[kind][1]
    found, wanted = pool((5, 3), (2, 2), (2, 1))(x), pool((5, 3), (2, 2))(before)
    np.testing.assert_array_equal(plain(found), plain(wanted))
