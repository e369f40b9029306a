"""Products at the edges of tiles as layers write them: operands as they lie, and what follows a
product (a bias, an activation, a residual), against sums in float64."""

import mlx.core as mx
import numpy as np
import pytest

from ops_check import EPSILON, FLOATS, to_numpy

DTYPES = [*FLOATS, mx.float64, mx.complex64]
BORDERS = [1, 2, 5, 7, 8, 12, 13, 15, 16, 17, 24, 31, 32, 33, 47, 48, 64, 65, 97]


@pytest.fixture(autouse=True)
def on_the_processor():
    with mx.stream(mx.cpu):
        yield


def plain(a):
    return to_numpy(a).astype(np.complex128 if a.dtype == mx.complex64 else np.float64)


def drawn(dtype, *shape):
    x = np.random.uniform(-1, 1, shape)
    if dtype == mx.complex64:
        x = (x + 1j * np.random.uniform(-1, 1, shape)).astype(np.complex64)
    return mx.array(x) if dtype == mx.complex64 else mx.array(x, dtype)


def laid(dtype, *shape, way):
    """The shape as it lies: in order, transposed, every other element, backwards."""
    *batch, rows, columns = shape
    if way == 0:
        return drawn(dtype, *shape)
    if way == 1:
        return drawn(dtype, *batch, columns, rows).swapaxes(-1, -2)
    if way == 2:
        return drawn(dtype, *batch, rows, 2 * columns)[..., ::2]
    return drawn(dtype, *shape)[..., ::-1, ::-1]


def check(found, wanted, size, terms, rounded=1):
    """Element by element: what rounding does to a sum of so many terms of a total `size`, and to
    a result that is rounded `rounded` times (Higham 2002, section 3.1)."""
    sums = EPSILON[mx.float64 if found.dtype == mx.float64 else mx.float32]
    least = 2.0**-24 if found.dtype == mx.float16 else 0
    bound = sums * (terms + 6) * (size + 1) + EPSILON[found.dtype] * rounded * (size + 2) * 0.51
    if rounded == 1:  # of the result alone
        bound = sums * (terms + 6) * (size + 1) + EPSILON[found.dtype] * 0.51 * np.abs(wanted)
    assert found.shape == wanted.shape
    away = np.abs(plain(found) - wanted) - bound - least
    assert away.max(initial=-1) <= 0, (away.max(), np.unravel_index(away.argmax(), away.shape))


def sizes_of(a, b):
    """The sums of the terms' sizes."""
    parts = [np.abs(m.real) + np.abs(m.imag) for m in (a, b)]
    return parts[0] @ parts[1]


def some(values):
    return int(values[np.random.randint(len(values))])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_size_to_33(dtype):
    for m in range(1, 34):
        n, k, ways = *np.random.randint(1, 34, 2), np.random.randint(0, 4, 2)
        a, b = laid(dtype, m, int(k), way=ways[0]), laid(dtype, int(k), int(n), way=ways[1])
        x, y = plain(a), plain(b)
        check(a @ b, x @ y, sizes_of(x, y), k)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_borders(dtype):
    for _ in range(40):
        m, n, k = some(BORDERS), some(BORDERS), some([1, 2, 3, 9, 64, 129, 257])
        ways = np.random.randint(0, 4, 2)
        a, b = laid(dtype, m, k, way=ways[0]), laid(dtype, k, n, way=ways[1])
        x, y = plain(a), plain(b)
        check(a @ b, x @ y, sizes_of(x, y), k)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_batches(dtype):
    shapes = [((5,), (5,)), ((2, 3), (3,)), ((3,), ()), ((2, 1), (1, 4)), ((1,), (6,))]
    for i in range(30):
        m, n, k = (int(v) for v in np.random.randint(1, 34, 3))
        before, behind = shapes[i % 5]
        a = laid(dtype, *before, m, k, way=i % 4)
        b = laid(dtype, *behind, k, n, way=i // 4 % 4)
        x, y = plain(a), plain(b)
        check(a @ b, x @ y, sizes_of(x, y), k)


def relu(x):
    return mx.maximum(x, 0)


@pytest.mark.parametrize("dtype", [*FLOATS, mx.float64], ids=str)
def test_what_follows(dtype):
    """The same weights again and again: from some call on their panels are kept."""

    def layer(x, w, bias, residual):
        return relu(x @ w.T + bias) + residual

    for n, k in ((7, 9), (33, 65), (128, 97)):
        w, bias = drawn(dtype, n, k), drawn(dtype, n)
        for m in (1, 1, 2, 1, 5, 16, 17, 33):
            x, residual = drawn(dtype, m, k), drawn(dtype, m, n)
            sums = plain(x) @ plain(w).T
            wanted = np.maximum(sums + plain(bias), 0) + plain(residual)
            size = sizes_of(plain(x), plain(w).T) + 2
            for f in (layer, mx.compile(layer)):
                check(f(x, w, bias, residual), wanted, size, k + 2, rounded=3)
            found = mx.addmm(bias, x, w.T)
            check(found, sums + plain(bias), size, k + 1)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_addition_of_every_shape(dtype):
    for _ in range(30):
        m, n, k = (int(v) for v in np.random.randint(1, 34, 3))
        a, b = drawn(dtype, m, k), laid(dtype, k, n, way=np.random.randint(4))
        c = drawn(dtype, *[(m, n), (1, n), (m, 1), (n,), (1, 1)][np.random.randint(5)])
        x, y = plain(a), plain(b)
        wanted = 0.5 * (x @ y) + 2 * plain(c)
        check(mx.addmm(c, a, b, alpha=0.5, beta=2.0), wanted, sizes_of(x, y) + 3, k + 1)
