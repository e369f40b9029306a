"""Indexing under derivatives, batching and compilation, beside NumPy."""

import index_cases
import mlx.core as mx
import numpy as np
import pytest
from seeds import choices
from test_index_numpy import as_index, mlx_index

CASES = 400


def cases(seed, **options):
    rng = choices(seed)
    for _ in range(CASES):
        shape = rng.choice([s for s in index_cases.SHAPES if s])
        yield rng, shape, index_cases.key(rng, shape, beyond=2, **options)


def numbers(shape, scale=1.0):
    return (np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape) % 7 - 3) * np.float32(
        scale
    )


def close(ours, theirs):
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-5)


def run(statement, **names):
    exec(statement, {"A": mx.array}, names)
    return names["x"]


def test_gradient_of_reading():
    """Each element gets what its copies get."""
    for _, shape, text in cases(1):
        key, x = as_index(text, shape), numbers(shape)
        weights = numbers(x[key].shape, 0.5)
        expected = np.zeros_like(x)
        np.add.at(expected, key, weights)
        close(
            mx.grad(lambda x: (mlx_index(text, x) * mx.array(weights)).sum())(mx.array(x)), expected
        )


def test_gradient_of_writing():
    """What was overwritten has no part, and the value gets what lies where it went."""
    for _, shape, text in cases(2):
        if not index_cases.is_unique(shape, text):
            continue
        key, x, weights = as_index(text, shape), numbers(shape), numbers(shape, 0.5)
        value = numbers(x[key].shape)

        def f(x, v):
            return (run(f"x[{text}] = v", x=+x, v=v) * mx.array(weights)).sum()

        to_x, to_value = mx.grad(f, argnums=(0, 1))(mx.array(x), mx.array(value))
        expected = weights.copy()
        expected[key] = 0
        close(to_x, expected)
        close(to_value, weights[key])


def test_gradient_of_updates():
    for _, shape, text in cases(3):
        key, x, weights = as_index(text, shape), numbers(shape), numbers(shape, 0.5)
        value = numbers(x[key].shape)

        def f(x, v):
            return (run(f"x = x.at[{text}].add(v)", x=x, v=v) * mx.array(weights)).sum()

        to_x, to_value = mx.grad(f, argnums=(0, 1))(mx.array(x), mx.array(value))
        close(to_x, weights)
        close(to_value, weights[key])


def test_batches():
    for _, shape, text in cases(4):
        x = numbers((3, *shape))
        key = as_index(text, shape)
        close(mx.vmap(lambda x: mlx_index(text, x))(mx.array(x)), np.stack([row[key] for row in x]))
        if index_cases.is_unique(shape, text):
            expected = x.copy()
            for row in expected:
                row[key] = 5
            close(mx.vmap(lambda x: run(f"x[{text}] = 5", x=+x))(mx.array(x)), expected)


def test_compiled():
    for _, shape, text in list(cases(5))[:100]:
        x, key = numbers(shape), as_index(text, shape)
        f = mx.compile(lambda x: mlx_index(text, x) * 2 + 1)
        for _ in range(2):
            close(f(mx.array(x)), x[key] * 2 + 1)
        if index_cases.is_unique(shape, text):
            expected = x + 1
            expected[key] = 5
            close(mx.compile(lambda x: run(f"x[{text}] = 5", x=x + 1))(mx.array(x)), expected)


def test_masks():
    x, mask = mx.array(numbers((3, 4))), mx.array([True, False, True])

    def f(x):
        x = +x
        x[mask] = 0
        return (x * x).sum()

    expected = 2 * numbers((3, 4))
    expected[[0, 2]] = 0
    close(mx.grad(f)(x), expected)
    close(mx.compile(f)(x), (numbers((3, 4))[1] ** 2).sum())
    close(
        mx.grad(lambda x: (x[mask] ** 2).sum())(x),
        np.where([[True], [False], [True]], 2 * numbers((3, 4)), 0),
    )


def test_an_index_that_is_traced():
    x = mx.array(numbers((5, 2)))
    f = mx.compile(lambda x, i: x[i])
    close(f(x, mx.array([3, 0])), numbers((5, 2))[[3, 0]])
    close(
        mx.vmap(lambda x, i: x[i], in_axes=(None, 0))(x, mx.array([4, 1])), numbers((5, 2))[[4, 1]]
    )
    with pytest.raises((ValueError, RuntimeError)):
        mx.compile(lambda x, m: x[m])(x, mx.array([True, False, True, False, True]))
