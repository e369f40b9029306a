import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from ops_check import near
from seeds import generator


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape, bias):
    layer = nn.Linear(4, 3, bias=bias)
    x = generator(0).normal(size=shape).astype(np.float32)
    expected = x @ np.array(layer.weight).T + (np.array(layer.bias) if bias else 0)
    near(layer(mx.array(x)), expected, 4)
    assert repr(layer) == f"Linear(input_dims=4, output_dims=3, bias={bias})"


def test_linear_parameters():
    layer = nn.Linear(400, 300)
    weight = np.array(layer.weight)
    assert weight.shape == (300, 400) and layer.bias.shape == (300,)
    bound = 1 / math.sqrt(400)
    assert np.abs(weight).max() <= bound
    assert abs(weight.std() - bound / math.sqrt(3)) < 1e-3


def test_linear_refuses_other_sizes():
    with pytest.raises(ValueError):
        nn.Linear(4, 3)(mx.ones((2, 5)))


@pytest.mark.parametrize("shape", [(), (5,), (2, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(shape, bias):
    layer = nn.Bilinear(3, 2, 4, bias=bias)
    assert layer.weight.shape == (4, 2, 3)
    rng = generator(0)
    a, b = (rng.normal(size=(*shape, n)).astype(np.float32) for n in (3, 2))
    expected = np.einsum("...i,oji,...j->...o", a, np.array(layer.weight), b)
    expected = expected + (np.array(layer.bias) if bias else 0)
    near(layer(mx.array(a), mx.array(b)), expected, 3 * 2)
    assert repr(layer) == f"Bilinear(input1_dims=3, input2_dims=2, output_dims=4, bias={bias})"


def test_identity():
    layer = nn.Identity(3, option=4)
    assert layer("anything") == "anything" and repr(layer) == "Identity()"


def test_embedding():
    layer = nn.Embedding(5, 3)
    weight = np.array(layer.weight)
    indices = np.array([[0, 4], [4, 2]])
    assert np.array_equal(layer(mx.array(indices)), weight[indices])
    x = np.ones((2, 3), dtype=np.float32)
    near(layer.as_linear(mx.array(x)), x @ weight.T, 3)
    assert repr(layer) == "Embedding(5, 3)"


def test_embedding_parameters():
    weight = np.array(nn.Embedding(1000, 100).weight)
    assert abs(weight.mean()) < 1e-3 and abs(weight.std() - 0.1) < 1e-3


def test_sequential():
    first, second = nn.Linear(2, 3), nn.Linear(3, 1)
    model = nn.Sequential(first, mx.tanh, second)
    x = mx.ones((4, 2))
    assert np.array_equal(model(x), second(mx.tanh(first(x))))
    assert model.layers == [first, mx.tanh, second]
    assert nn.Sequential()(5) == 5
