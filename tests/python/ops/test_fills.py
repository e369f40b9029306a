"""What is computed from an array of one value in every place, or of one a row or a column, does not depend on whether that
array was evaluated before: sums take their elements in the same order."""

import mlx.core as mx
import pytest

SHAPES = [(3, 37), (17, 64), (8, 211), (1, 600), (600, 1), (40, 1030)]
TYPES = [mx.float32, mx.float16, mx.bfloat16, mx.complex64]

SUMS = {
    "sum of rows": lambda x, w, u: mx.sum(x, axis=1),
    "sum of columns": lambda x, w, u: mx.sum(x, axis=0),
    "sum": lambda x, w, u: mx.sum(x),
    "mean": lambda x, w, u: mx.mean(x, axis=1),
    "product": lambda x, w, u: mx.prod(x, axis=1),
    "sum of a sum": lambda x, w, u: mx.sum(mx.sum(x, axis=0)),
    "matmul, left": lambda x, w, u: x @ w,
    "matmul, right": lambda x, w, u: u @ x,
    "matmul, both": lambda x, w, u: x @ x.T,
    "addmm": lambda x, w, u: mx.addmm(w[:1], x, w),
    "inner": lambda x, w, u: mx.inner(x, x),
    "cumsum": lambda x, w, u: mx.cumsum(x, axis=1),
    "trace": lambda x, w, u: mx.trace(x),
}
REAL = {
    "variance": lambda x, w, u: mx.var(x, axis=1),
    "logsumexp": lambda x, w, u: mx.logsumexp(x, axis=1),
    "softmax": lambda x, w, u: mx.softmax(x, axis=0),
    "layer_norm": lambda x, w, u: mx.fast.layer_norm(x, None, None, 1e-5),
    "rms_norm": lambda x, w, u: mx.fast.rms_norm(x, None, 1e-5),
    "conv1d": lambda x, w, u: mx.conv1d(
        x[None], mx.broadcast_to(w.T[:, None, :], (40, 1, x.shape[1]))
    ),
    "attention": lambda x, w, u: mx.fast.scaled_dot_product_attention(
        x[None, None], x[None, None], (x * 2)[None, None], scale=0.1
    ),
}


def values(m, n, dtype):
    """One value a row, one a column, one."""
    return [mx.random.normal(shape).astype(dtype) for shape in ((m, 1), (1, n), (1, 1))]


CASES = [(what, t) for t in TYPES for what in (SUMS if t == mx.complex64 else SUMS | REAL)]


@pytest.mark.parametrize(("what", "dtype"), CASES, ids=str)
def test_a_fill_is_summed_as_it_lies_when_it_was_evaluated(what, dtype):
    f = (SUMS | REAL)[what]
    for m, n in SHAPES:
        w, u = mx.random.normal((n, 40)).astype(dtype), mx.random.normal((33, m)).astype(dtype)
        for value in values(m, n, dtype):
            mx.eval(w, u, value)
            dense = mx.full((m, n), value)
            mx.eval(dense)
            expected, result = f(dense, w, u), f(mx.full((m, n), value), w, u)
            mx.eval(expected)
            assert mx.array_equal(result, expected, equal_nan=True), (m, n, value.shape)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2)])
def test_a_broadcast_is_summed_as_its_copy(axes, dtype):
    for shape in [(5, 7, 3), (1, 211, 64), (40, 1, 300), (2, 5000, 3)]:
        for ones in range(1, 8):
            value = mx.random.normal(
                [1 if ones >> i & 1 else n for i, n in enumerate(shape)]
            ).astype(dtype)
            lazy = mx.broadcast_to(value, shape)
            dense = mx.contiguous(lazy)
            mx.eval(lazy, dense)
            for f in (mx.sum, mx.prod):
                assert mx.array_equal(f(lazy, axes), f(dense, axes), equal_nan=True), (shape, ones)


def test_gradient_of_a_broadcast_is_that_of_the_compiled_function():
    def loss(row, x):
        return mx.sum(mx.abs(x).astype(mx.bfloat16) + row) + mx.sum(row * 0.1)

    x = mx.random.normal((37, 211))
    row = mx.random.normal((37, 1))
    plain, compiled = mx.grad(loss)(row, x), mx.compile(mx.grad(loss))(row, x)
    assert mx.array_equal(plain, compiled)
