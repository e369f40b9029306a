"""Chains of pointwise operations of float32: the same bits together as one by one, whatever is read
twice, kept, broadcast, or overwritten on the way."""

import mlx.core as mx
import numpy as np
import pytest

import seeds

BINARY = [mx.add, mx.subtract, mx.multiply, mx.divide, mx.maximum, mx.minimum, mx.power]
UNARY = [mx.negative, mx.abs, mx.square, mx.sqrt, mx.exp, mx.tanh, mx.floor, mx.sigmoid, mx.sin]
SHAPES = [(1,), (7,), (127,), (128,), (129,), (1023,), (1024,), (1025,), (9, 300), (40, 64), (0,)]
SHAPES += [(3, 2, 1030), (5, 257), (2, 3, 2, 256)]


def inputs(g, shape):
    """Whole ones, rows, columns, a number, what lies turned, and other dtypes."""
    row, column = shape[-1:], (*shape[:-1], min(1, shape[-1]))
    outer = (*(min(1, n) for n in shape[:-1]), shape[-1])
    sizes = (shape, shape, row, column, outer, ())
    arrays = [mx.array(g.normal(size=s).astype(np.float32)) for s in sizes]
    turned = mx.array(g.normal(size=shape[::-1]).astype(np.float32)).T
    wide = mx.array(g.normal(size=(*shape[1:-1], 1)).astype(np.float32)).astype(mx.float16)
    whole = [mx.array(g.integers(-3, 4, s)) for s in (shape, column)]
    return [*arrays, turned, wide, *whole]


def grow(g, values, steps, each):
    """`steps` operations on values, each of which `each` passes on."""
    for _ in range(steps):
        near = -1 if g.random() < 0.7 else int(g.integers(len(values)))
        other = int(g.integers(len(values)))
        if g.random() < 0.3:
            made = UNARY[g.integers(len(UNARY))](values[near])
        else:
            pair = [values[near], values[other]][:: g.choice([1, -1])]
            made = BINARY[g.integers(len(BINARY))](*pair)
        values.append(each(made))
    return values


def evaluated(a):
    mx.eval(a)
    return a


def bits(a):
    a = np.array(a)
    if a.dtype.kind != "f":
        return a
    return np.where(np.isnan(a), a.dtype.type(7), a).view(f"u{a.itemsize}")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("number", range(12))
def test_together_as_one_by_one(shape, number):
    def made(each):
        g = seeds.generator(number)
        values = inputs(g, shape)
        count = len(values)
        return grow(g, values, 14, each)[count:]

    wanted = made(evaluated)
    together = made(lambda a: a)
    mx.eval(together[::5] + together[-1:])
    for a, b in zip(wanted, together):
        assert a.shape == b.shape and a.dtype == b.dtype
        assert np.array_equal(bits(a), bits(b))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("number", range(12, 24))
def test_what_nobody_keeps(shape, number):
    """Values between are not stored; the last take over the memory of inputs that have ended."""

    def last(*values, each):
        return grow(seeds.generator(number), list(values), 14, each)[-3:]

    def given():
        return inputs(seeds.generator(number, 1), shape)

    wanted = last(*given(), each=evaluated)
    together = last(*given(), each=lambda a: a)
    mx.eval(together)
    compiled = mx.compile(lambda *values: last(*values, each=lambda a: a))(*given())
    for a, b, c in zip(wanted, together, compiled):
        assert np.array_equal(bits(a), bits(b)) and np.array_equal(bits(a), bits(c))


@pytest.mark.parametrize("shape", [(1000,), (33, 64)], ids=str)
def test_as_numpy_computes(shape):
    """Each operation rounded to float32, as NumPy's are."""
    g = seeds.generator(5)
    x, y = (g.normal(size=shape).astype(np.float32) for _ in range(2))
    row = g.normal(size=shape[-1:]).astype(np.float32)

    def f(n, x, y, row):
        t = (x - row) * y + row
        return n.maximum(t * t - x / (n.abs(y) + n.square(x)), -t) * 3 - t

    got = f(mx, mx.array(x), mx.array(y), mx.array(row))
    assert np.array_equal(np.array(got), f(np, x, y, row))
