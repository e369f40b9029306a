"""Operations that read an array as it lies: turned, backwards, every other element, repeated. The
values are NumPy's of the same elements, and those of a copy in order."""

import mlx.core as mx
import numpy as np
import pytest

ROWS, COLUMNS = 70, 150
VIEWS = {
    "turned": lambda a: a.T,
    "turned, backwards": lambda a: a.T[::-1],
    "turned, both ways backwards": lambda a: a.T[::-1, ::-1],
    "every other": lambda a: a[:, ::2],
    "every other row": lambda a: a[::2],
    "every other, turned": lambda a: a[:, ::2].T,
    "columns": lambda a: a[:, 3:140],
    "backwards": lambda a: a[:, ::-1],
    "backwards by threes": lambda a: a[:, ::-3],
    "three axes": lambda a: a.reshape(5, 14, 150).swapaxes(1, 2),
    "three axes, far": lambda a: a.reshape(5, 14, 150).swapaxes(0, 2),
    "three axes, around": lambda a: a.reshape(5, 14, 150).transpose(1, 2, 0),
    "three axes, farther": lambda a: a.reshape(14, 15, 50).transpose(2, 1, 0),
}
DTYPES = [mx.float32, mx.int32, mx.int8, mx.float64, mx.bool_]


@pytest.fixture(autouse=True)
def on_the_processor():
    with mx.stream(mx.cpu):
        yield


def drawn(dtype):
    x = np.random.randint(-5, 6, (ROWS, COLUMNS))
    if dtype in (mx.float32, mx.float64):
        x = x * np.random.uniform(0.5, 2, x.shape)
    return mx.array(x).astype(dtype)


def spread(a):
    """A row and a column that are repeated."""
    return [mx.broadcast_to(a[:1], a.shape), mx.broadcast_to(a[:, :1], a.shape)]


def views(dtype):
    a = drawn(dtype)
    named = [(name, f(a)) for name, f in VIEWS.items()]
    return named + [("repeated", v) for v in spread(a)]


def axes_of(x):
    return range(x.ndim)


def same(got, want, what):
    got = np.array(got)
    assert got.shape == want.shape, what
    if got.dtype.kind == "f":
        scale = max(1.0, np.abs(want[np.isfinite(want)]).max(initial=0))
        eps = np.finfo(got.dtype).eps
        np.testing.assert_allclose(got, want, rtol=64 * eps, atol=64 * eps * scale, err_msg=what)
    else:
        np.testing.assert_array_equal(got, want, err_msg=what)


def wide(x):
    """A sum's dtype, as NumPy has to be told for small integers."""
    return {"f": np.float64, "i": np.int64, "b": np.int64}[x.dtype.kind]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_sums(dtype):
    for name, v in views(dtype):
        x = np.array(v)
        for axis in axes_of(x):
            same(mx.sum(v, axis=axis), x.sum(axis=axis, dtype=wide(x)), f"sum of {name}, {axis}")
            same(mx.max(v, axis=axis), x.max(axis=axis), f"max of {name}, {axis}")
            same(mx.any(v, axis=axis), x.any(axis=axis), f"any of {name}, {axis}")
        same(mx.sum(v), np.asarray(x.sum(dtype=wide(x))), f"sum of {name}")


@pytest.mark.parametrize("dtype", DTYPES[:4], ids=str)
def test_places_of_extremes(dtype):
    for name, v in views(dtype):
        x = np.array(v)
        for axis in axes_of(x):
            same(mx.argmax(v, axis=axis), x.argmax(axis=axis).astype(np.uint32), f"{name}, {axis}")
            same(mx.argmin(v, axis=axis), x.argmin(axis=axis).astype(np.uint32), f"{name}, {axis}")


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("dtype", DTYPES[:2] + [mx.float64], ids=str)
def test_scans(dtype, inclusive, reverse):
    for name, v in views(dtype):
        copy = mx.contiguous(v)
        for scan in (mx.cumsum, mx.cummax):
            for axis in axes_of(v):
                got = scan(v, axis=axis, reverse=reverse, inclusive=inclusive)
                want = scan(copy, axis=axis, reverse=reverse, inclusive=inclusive)
                assert mx.array_equal(got, want), (scan.__name__, name, axis)


@pytest.mark.parametrize("axis", [0, 1])
def test_scans_that_take_memory(axis):
    """A scan's operand that nobody else holds gives its memory: a view of what others hold does not."""
    a = drawn(mx.float32)
    before = np.array(a)
    mx.eval(mx.cumsum(a.T, axis=axis), mx.cumsum(a[:, ::-1], axis=axis))
    np.testing.assert_array_equal(np.array(a), before)
    got = mx.cumsum(mx.contiguous(a * 1).T, axis=axis)
    np.testing.assert_allclose(
        np.array(got), before.T.astype(float).cumsum(axis), rtol=1e-5, atol=1e-4
    )


@pytest.mark.parametrize("dtype", DTYPES[:4], ids=str)
def test_pointwise(dtype):
    for name, v in views(dtype):
        x = np.array(v)
        same(v * v + v, x * x + x, name)
        same(mx.abs(v), np.abs(x), name)
        same(mx.sum(v * v - v, axis=0), (x * x - x).sum(axis=0, dtype=wide(x)), name)
        same(mx.max(mx.abs(v), axis=-1), np.abs(x).max(axis=-1), name)
        low, high = x[..., :1], mx.contiguous(v)
        same(mx.maximum(v, mx.array(low)) + high, np.maximum(x, low) + x, name)


@pytest.mark.parametrize("dtype", DTYPES[:3], ids=str)
def test_rows_by_number(dtype):
    for name, v in views(dtype):
        x = np.array(v)
        for axis in axes_of(x):
            index = np.random.randint(0, x.shape[axis], 45)
            got = mx.take(v, mx.array(index), axis=axis)
            same(got, x.take(index, axis), f"take of {name}, {axis}")
        wrong = mx.array([0, x.shape[0]])
        with pytest.raises(IndexError):
            mx.eval(mx.take(v, wrong, axis=0))


@pytest.mark.parametrize("dtype", DTYPES[:3], ids=str)
def test_joined(dtype):
    for name, v in views(dtype):
        x = np.array(v)
        for axis in axes_of(x):
            got = mx.concatenate([v, v, mx.contiguous(v)], axis=axis)
            same(got, np.concatenate([x, x, x], axis), f"{name} along {axis}")
