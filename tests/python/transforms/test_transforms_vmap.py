"""vmap: batches by axes and trees of axes."""

import numpy as np
import pytest

import mlx.core as mx

from seeds import generator

ROW = mx.array([1.0, 2.0, 3.0])
GRID = mx.arange(6, dtype=mx.float32).reshape(2, 3)


def same(a, b):
    np.testing.assert_allclose(np.array(a), np.array(b), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_axes_in_and_out(axis):
    f = mx.vmap(lambda x: x * x.sum(), in_axes=axis, out_axes=axis)
    g = np.array(GRID)
    expected = np.apply_along_axis(lambda x: x * x.sum(), 1 - axis % 2, g)
    same(f(GRID), expected)


def test_against_a_loop():
    x = mx.array(generator(1).normal(size=(4, 3, 3)).astype(np.float32))

    def f(m):
        return mx.softmax(m @ m.T, axis=0)[1:], {"trace": mx.trace(m), "sorted": mx.sort(m, axis=0)}

    got = mx.vmap(f)(x)
    loop = [f(x[i]) for i in range(4)]
    same(got[0], mx.stack([r[0] for r in loop]))
    for key in ("trace", "sorted"):
        same(got[1][key], mx.stack([r[1][key] for r in loop]))


def test_none_is_no_batch():
    same(mx.vmap(lambda x, y: x * y, in_axes=(0, None))(ROW, mx.array(2.0)), [2, 4, 6])
    same(
        mx.vmap(lambda t: t["a"] * t["b"], in_axes={"a": 0, "b": None})(
            {"a": ROW, "b": mx.array(2.0)}
        ),
        [2, 4, 6],
    )
    out = mx.vmap(lambda x: (x, mx.array(7.0)), out_axes=(0, None))(ROW)
    same(out[0], ROW)


def test_trees_of_axes():
    a, b = mx.vmap(lambda x: (x, x * 2), out_axes=(0, 1))(GRID)
    assert (a.shape, b.shape) == ((2, 3), (3, 2))
    out = mx.vmap(
        lambda t: {"s": t[0] + t[1], "l": [t[0]]}, in_axes=[0, 1], out_axes={"s": 0, "l": 1}
    )([GRID, GRID.T])
    assert (out["s"].shape, out["l"][0].shape) == ((2, 3), (3, 2))


def test_nested_and_composed():
    table = mx.vmap(mx.vmap(lambda x, y: x * y, in_axes=(None, 0)), in_axes=(0, None))(ROW, ROW)
    same(table, np.outer([1, 2, 3], [1, 2, 3]))
    same(mx.vmap(mx.grad(lambda x: x**3))(ROW), [3, 12, 27])
    same(mx.grad(lambda x: mx.vmap(lambda y: y * y)(x).sum())(ROW), [2, 4, 6])
    same(mx.compile(mx.vmap(mx.exp))(ROW), np.exp([1, 2, 3]))


def test_empty_batches():
    assert mx.vmap(lambda x: x.sum(0))(mx.ones((2, 0))).tolist() == [0, 0]
    assert mx.vmap(lambda x: x * 2)(mx.ones((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: mx.vmap(lambda x: x)(mx.array(1.0)),
            r"Invalid vectorization axis 0 for array with shape \(\)",
        ),
        (
            lambda: mx.vmap(lambda x: x, in_axes=2)(GRID),
            r"Invalid vectorization axis 2 for array with shape \(2,3\)",
        ),
        (lambda: mx.vmap(lambda x: x, in_axes=-3)(GRID), r"Invalid vectorization axis -1"),
        (
            lambda: mx.vmap(lambda x: x, out_axes=2)(GRID),
            r"Invalid output vectorization axis 2 .* \(3\)",
        ),
        (lambda: mx.vmap(lambda x, y: x)(ROW, GRID), r"Inconsistent axis sizes: 3 and 2"),
        (lambda: mx.vmap(lambda x, y: x, in_axes=(0,))(ROW, ROW), r"not a valid prefix"),
        (lambda: mx.vmap(lambda x, y: x, in_axes=[0, 0])(ROW, ROW), r"not a valid prefix"),
        (lambda: mx.vmap(lambda x: x, in_axes={"a": 0})({"b": ROW}), r"not a valid prefix"),
        (
            lambda: mx.vmap(lambda x, y: x, in_axes=(None, None))(ROW, ROW),
            r"At least one of in_axes",
        ),
        (lambda: mx.vmap(lambda x: x, in_axes="a")(ROW), r"axis must be int or None"),
        (lambda: mx.vmap(lambda x: x, out_axes=1.0)(ROW), r"axis must be int or None"),
        (lambda: mx.vmap(lambda x: 3)(ROW), r"should contain only arrays"),
        (lambda: mx.vmap(lambda x, y: x)(ROW, 3.0), r"should contain only arrays"),
        (
            lambda: mx.vmap(lambda x: x.item())(ROW),
            r"Attempting to eval an array during function transformations",
        ),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_wrong_types():
    for make in (
        lambda: mx.vmap(3),
        lambda: mx.vmap(len, in_axes=None),
        lambda: mx.vmap(len, out_axes=None),
        lambda: mx.vmap(lambda x: x)(x=ROW),
    ):
        with pytest.raises(
            TypeError, match="incompatible function arguments|Keyword arguments are not supported"
        ):
            make()


@pytest.mark.parametrize(
    "f", [mx.matmul, mx.add, lambda x, y: mx.addmm(x @ y, x, y), lambda x, y: mx.where(y > 0, y, x)]
)
def test_operands_of_different_ranks_in_shapeless_functions(f):
    """The axes that batching adds are words for other sizes, not the numbers of the trace."""
    batched = mx.vmap(f, in_axes=(0, 1))
    compiled = mx.compile(batched, shapeless=True)
    for batch, outer, n in ((2, 3, 4), (3, 2, 5), (4, 5, 2)):
        x = mx.random.normal((batch, outer, 2, n, n), key=mx.random.key(batch))
        y = mx.random.normal((2, batch, n, n), key=mx.random.key(n))
        expected = mx.stack([f(x[i], y[:, i]) for i in range(batch)])
        for made in (batched(x, y), compiled(x, y)):
            assert made.shape == expected.shape and mx.allclose(
                made, expected, rtol=1e-5, atol=1e-5
            )
