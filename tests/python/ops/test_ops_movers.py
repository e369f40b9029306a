"""What moves elements, scans and searches, at the sizes where loops change: whole vectors and what is
left over, blocks, wide rows; exactly NumPy's elements."""

import mlx.core as mx
import numpy as np
import pytest

from ops_check import EVERY, FLOATS, INTEGERS, generator, to_numpy

ORDERED = [mx.bool_, *INTEGERS, *FLOATS]


def exact(found, wanted):
    found, wanted = to_numpy(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(found, wanted)


def small(*shape, dtype=mx.float32, seed=0):
    """Whole numbers of every dtype, so that sums of few are exact."""
    low = 0 if dtype in (mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64) else -9
    high = 2 if dtype == mx.bool_ else 10
    return mx.array(generator(seed).integers(low, high, shape).astype(np.int32)).astype(dtype)


# --- padding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "constant"])
@pytest.mark.parametrize("dtype", EVERY)
def test_pad(mode, dtype):
    a = small(130, 141, dtype=dtype)
    for widths in [(2, 3), (0, 1)], [(1, 0), (0, 0)], [(0, 0), (4, 5)], [(0, 0), (0, 0)]:
        exact(mx.pad(a, widths, mode=mode), np.pad(to_numpy(a), widths, mode=mode))


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "constant"])
def test_pad_more_axes(mode):
    a = small(8, 40, 60)
    widths = [(7, 2), (0, 3), (5, 1)]
    exact(mx.pad(a, widths, mode=mode), np.pad(to_numpy(a), widths, mode=mode))
    t = a.transpose(2, 0, 1)[::-1]
    exact(mx.pad(t, widths, mode=mode), np.pad(to_numpy(t), widths, mode=mode))
    line = small(20000)
    exact(mx.pad(line, (300, 1), mode=mode), np.pad(to_numpy(line), (300, 1), mode=mode))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), ()])
def test_pad_of_nothing(shape):
    found = mx.pad(mx.zeros(shape), [(1, 2)] * len(shape), constant_values=7)
    exact(found, np.full([n + 3 for n in shape], 7.0) if shape else np.array(0.0))


def test_pad_gradient():
    a, n = small(130, 141), 141
    cot = small(133, n + 5, seed=1)
    pad = lambda x: (mx.pad(x, [(2, 1), (0, 5)], mode="edge") * cot).sum()
    rows = np.clip(np.arange(133) - 2, 0, 129)
    wanted = np.zeros((130, n))
    np.add.at(wanted, (rows[:, None], np.clip(np.arange(n + 5), 0, n - 1)), to_numpy(cot))
    exact(mx.grad(pad)(a), wanted)
    both = mx.vmap(lambda x: mx.pad(x, [(2, 1), (0, 5)], mode="edge"))(mx.stack([a, a + 1]))
    exact(both, np.pad(to_numpy(mx.stack([a, a + 1])), [(0, 0), (2, 1), (0, 5)], mode="edge"))
    exact(mx.compile(lambda x: mx.pad(x, 3, mode="edge"))(a), np.pad(to_numpy(a), 3, mode="edge"))


# --- repeating and joining ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", EVERY)
def test_repeat(dtype):
    a = small(67, dtype=dtype)
    for times in *range(20), 31, 32, 33, 63, 64, 65, 130:
        exact(mx.repeat(a, times), np.repeat(to_numpy(a), times))
        exact(mx.repeat(a[::-2], times), np.repeat(to_numpy(a)[::-2], times))


def test_repeat_on_threads():
    a = small(1 << 17)
    for times in 2, 3, 7:
        exact(mx.repeat(a, times), np.repeat(to_numpy(a), times))
        exact(
            mx.repeat(a.reshape(512, 256), times, 1).T,
            np.repeat(to_numpy(a).reshape(512, 256), times, 1).T,
        )


@pytest.mark.parametrize("shape", [(300, 7), (3, 200, 9), (1, 50, 4, 3), (2, 3, 4000)])
@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_concatenate(shape, count):
    parts = [small(*shape, seed=i) for i in range(count)]
    other = [small(*shape[::-1], seed=i).T for i in range(count)]
    for axis in range(len(shape)):
        some = [
            p
            if i % 2
            else p[tuple(slice(i % (n + 1) if k == axis else None) for k, n in enumerate(shape))]
            for i, p in enumerate(parts)
        ]
        for arrays in parts, other, some:
            exact(mx.concatenate(arrays, axis), np.concatenate([to_numpy(x) for x in arrays], axis))
        exact(mx.stack(parts, axis), np.stack([to_numpy(x) for x in parts], axis))


# --- made from nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", EVERY)
@pytest.mark.parametrize("n", [0, 1, 5, 70])
def test_diag(dtype, n):
    a = small(n, dtype=dtype)
    for k in -9, -1, 0, 1, 30:
        exact(mx.diag(a, k), np.diag(to_numpy(a), k))


def test_diag_gradient():
    a, cot = small(40), small(43, 43, seed=1)
    exact(mx.grad(lambda v: (mx.diag(v, -3) * cot).sum())(a), np.diag(to_numpy(cot), -3))
    exact(mx.vmap(mx.diag)(small(3, 5)), [np.diag(row) for row in to_numpy(small(3, 5))])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_whole_steps(dtype):
    for start, step, n in (0, 1, 3000), (100, -1, 70), (7, 3, 40000), (-5, 2, 1), (3, 1, 0):
        wanted = start + step * np.arange(n)
        found = mx.arange(start, start + step * n, step, dtype=dtype)
        exact(found, wanted.astype(to_numpy(found).dtype))


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16, mx.complex64])
def test_steps_are_rounded_once(dtype):
    for start, step, n in (0.0, 1.0, 3000), (0.1, 0.3, 40001), (5.0, -0.7, 33):
        found = mx.arange(start, start + step * (n - 0.5), step, dtype=dtype)
        with mx.stream(mx.cpu):
            wanted = mx.array(start + np.arange(n) * step, dtype=mx.float64).astype(dtype)
        exact(found, to_numpy(wanted))


# --- scans and searches ---------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [1, 3, 63, 64, 65, 300, 2047, 2049, 4200])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("inclusive", [False, True])
def test_sums_down_columns(columns, reverse, inclusive):
    for dtype in mx.int8, mx.int32, mx.float32, mx.bfloat16, mx.complex64:
        a = small(9, columns, dtype=dtype)
        x = to_numpy(a).astype(np.complex64 if dtype == mx.complex64 else np.int32)
        x = x[::-1] if reverse else x
        wanted = np.cumsum(x, 0) - (0 if inclusive else x)
        wanted = wanted[::-1] if reverse else wanted
        exact(mx.cumsum(a, 0, reverse=reverse, inclusive=inclusive), wanted)
        exact(mx.cumsum(a + 0, 0, reverse=reverse, inclusive=inclusive), wanted)  # in place
        exact(mx.cumsum(mx.stack([a, a]), 1, reverse=reverse, inclusive=inclusive)[1], wanted)


@pytest.mark.parametrize("dtype", ORDERED)
@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 63, 64, 65, 1023, 1024, 1025, 2080, 5000])
def test_the_first_of_the_best(dtype, n):
    a = small(7, n, dtype=dtype)
    exact(mx.argmax(a, -1), np.argmax(to_numpy(a), -1))
    exact(mx.argmin(a, -1), np.argmin(to_numpy(a), -1))
    exact(mx.argmax(a[:, ::-1], -1), np.argmax(to_numpy(a)[:, ::-1], -1))
    one = mx.zeros((3, n), dtype=dtype)
    one[1, n - 1] = 1
    exact(mx.argmax(one, -1), [0, n - 1, 0])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [5, 32, 100, 1024, 3000])
def test_the_first_nan_is_the_best(dtype, n):
    a = small(4, n, dtype=dtype)
    a[1, n - 1] = mx.nan
    a[2, n // 2 :] = mx.nan
    a[3, :] = -mx.inf
    exact(mx.argmax(a, -1)[1:], [n - 1, n // 2, 0])
    exact(mx.argmin(a, -1)[1:], [n - 1, n // 2, 0])


# --- indices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [mx.int64, mx.int32, mx.uint8, mx.uint64, mx.int16])
@pytest.mark.parametrize("dtype", [mx.uint8, mx.float16, mx.float32, mx.complex64])
def test_take_along(index, dtype):
    a = small(60, 90, dtype=dtype)
    for axis, n in (0, 60), (1, 90):
        low = 0 if index in (mx.uint8, mx.uint64) else -n
        i = generator(1).integers(low, n, (60, 90))
        found = mx.take_along_axis(a, mx.array(i).astype(index), axis)
        exact(found, np.take_along_axis(to_numpy(a), i, axis))
        exact(mx.take(a, mx.array(i[0]).astype(index), axis), np.take(to_numpy(a), i[0], axis))
    for wrong in (90, 120) if low == 0 else (90, -91):
        i[3, 50] = wrong
        with pytest.raises(IndexError, match=str(wrong)):
            mx.eval(mx.take_along_axis(a, mx.array(i).astype(index), 1))


@pytest.mark.parametrize("wrong", [2**63, 2**64 - 1, 2**63 - 1])
def test_indices_beyond_everything(wrong):
    with pytest.raises(IndexError):
        mx.eval(mx.take(mx.arange(5), mx.array([0, wrong, 1], dtype=mx.uint64)))
    with pytest.raises(IndexError):
        mx.eval(mx.take(mx.arange(5), mx.array([0, -(2**63), 1], dtype=mx.int64)))


@pytest.mark.parametrize("width", [1, 5, 64, 65, 200, 257])
@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.int8, mx.complex64])
def test_add_at_rows(width, dtype):
    table, rows = small(50, width, dtype=dtype), small(300, width, dtype=dtype, seed=1)
    i = generator(2).integers(-50, 50, 300)
    wide = np.complex64 if dtype == mx.complex64 else np.int32
    wanted = to_numpy(table).astype(wide)
    np.add.at(wanted, i, to_numpy(rows).astype(wide))
    exact(table.at[mx.array(i)].add(rows), wanted.astype(to_numpy(table).dtype))
    exact(table.T.at[:, mx.array(i)].add(rows.T), wanted.astype(to_numpy(table).dtype).T)
