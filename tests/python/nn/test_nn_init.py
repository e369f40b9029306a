import math

import mlx.core as mx
import numpy as np
import pytest
from mlx.nn import init

LARGE = mx.zeros((200, 3, 100))  # 300 inputs for each output, 600 outputs for each input


@pytest.mark.parametrize(
    "initializer, arguments, std, bound",
    [
        (init.normal(0, 2), (), 2, None),
        (init.uniform(-3, 3), (), 3 / math.sqrt(3), 3),
        (init.glorot_normal(), (), math.sqrt(2 / 900), None),
        (init.glorot_normal(), (2.0,), 2 * math.sqrt(2 / 900), None),
        (init.glorot_uniform(), (), math.sqrt(2 / 900), math.sqrt(6 / 900)),
        (init.he_normal(), (), math.sqrt(1 / 300), None),
        (init.he_normal(), ("fan_out", 2.0), 2 * math.sqrt(1 / 600), None),
        (init.he_uniform(), (), math.sqrt(1 / 300), math.sqrt(3 / 300)),
        (init.he_uniform(), ("fan_out",), math.sqrt(1 / 600), math.sqrt(3 / 600)),
    ],
)
def test_random(initializer, arguments, std, bound):
    mx.random.seed(0)
    y = np.array(initializer(LARGE, *arguments))
    assert y.shape == LARGE.shape and y.dtype == np.float32
    assert abs(y.mean()) < 0.02 * std and abs(y.std() - std) < 0.01 * std
    if bound is not None:
        assert 0.99 * bound < np.abs(y).max() <= bound


def test_moved():
    assert abs(init.normal(5, 0.1)(LARGE).mean().item() - 5) < 1e-2
    y = init.uniform(1, 2)(LARGE)
    assert 1 <= y.min().item() and y.max().item() <= 2


def test_fixed():
    assert init.constant(3)(mx.zeros((2, 2))).tolist() == [[3, 3], [3, 3]]
    assert init.identity()(mx.ones((2, 2))).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_orthogonal(shape):
    q = np.array(init.orthogonal(2.0)(mx.zeros(shape)))
    q = q if shape[0] <= shape[1] else q.T
    np.testing.assert_allclose(q @ q.T, 4 * np.eye(min(shape)), atol=1e-5)


@pytest.mark.parametrize("sparsity, zeros", [(0.0, 0), (0.3, 3), (0.25, 3), (1.0, 10)])
def test_sparse(sparsity, zeros):
    y = np.array(init.sparse(sparsity, mean=1.0)(mx.zeros((50, 10))))
    assert ((y == 0).sum(axis=1) == zeros).all()


def test_dtypes():
    square = mx.zeros((4, 4))
    for make in (init.normal, init.uniform, init.identity, init.orthogonal, init.glorot_normal):
        assert make(dtype=mx.float16)(square).dtype == mx.float16
    for make in (init.glorot_uniform, init.he_normal, init.he_uniform):
        assert make(mx.bfloat16)(square).dtype == mx.bfloat16
    assert init.constant(1, mx.int32)(square).dtype == mx.int32
    assert init.sparse(0.5, dtype=mx.float16)(square).dtype == mx.float16


def test_refusals():
    vector = mx.zeros((3,))
    for initializer in (init.glorot_normal(), init.he_uniform()):
        with pytest.raises(ValueError, match="at least 2 dimensional"):
            initializer(vector)
    for mode in ("other", None):
        with pytest.raises(ValueError, match="Invalid mode"):
            init.he_normal()(LARGE, mode)
    for initializer in (init.identity(), init.sparse(0.5), init.orthogonal()):
        with pytest.raises(ValueError):
            initializer(vector)
    with pytest.raises(ValueError, match="square"):
        init.identity()(mx.zeros((2, 3)))
