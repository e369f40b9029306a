import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from ops_check import near


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def parameters(layer):
    return {k: np.array(v, dtype=np.float64) for k, v in layer.parameters().items()}


def rnn(x, p, h):
    return np.tanh(p["Wxh"] @ x + p["Whh"] @ h + p.get("bias", 0))


def gru(x, p, h):
    xr, xz, xn = np.split(p["Wx"] @ x + p.get("b", 0), 3)
    hr, hz, hn = np.split(p["Wh"] @ h, 3)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = np.tanh(xn + r * (hn + p.get("bhn", 0)))
    return (1 - z) * n + z * h


def lstm(x, p, h, c):
    i, f, g, o = np.split(p["Wx"] @ x + p["Wh"] @ h + p.get("bias", 0), 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


@pytest.mark.parametrize("make, step", [(nn.RNN, rnn), (nn.GRU, gru)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("begin", [True, False])
def test_one_state(make, step, bias, begin):
    layer = make(3, 4, bias=bias)
    x = np.random.normal(size=(5, 3)).astype(np.float32)
    h = np.random.normal(size=(4,)).astype(np.float32) if begin else np.zeros(4)
    states = layer(mx.array(x), mx.array(h)) if begin else layer(mx.array(x))
    for xt, state in zip(x, np.array(states)):
        h = step(xt, parameters(layer), h)
        near(state, h, 5 * 7)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("begin", [True, False])
def test_lstm(bias, begin):
    layer = nn.LSTM(3, 4, bias=bias)
    x = np.random.normal(size=(5, 3)).astype(np.float32)
    h, c = np.random.normal(size=(2, 4)).astype(np.float32) if begin else np.zeros((2, 4))
    states, cells = layer(mx.array(x), *(map(mx.array, (h, c)) if begin else ()))
    for xt, state, cell in zip(x, np.array(states), np.array(cells)):
        h, c = lstm(xt, parameters(layer), h, c)
        near(state, h, 5 * 7)
        near(cell, c, 5 * 7)


@pytest.mark.parametrize("make", [nn.RNN, nn.GRU, nn.LSTM])
def test_batches(make):
    layer = make(3, 4)
    x = mx.array(np.random.normal(size=(2, 5, 3)).astype(np.float32))

    def states(x):
        result = layer(x)
        return result[0] if isinstance(result, tuple) else result

    for i in range(2):
        near(states(x)[i], states(x[i]), 5 * 7)


def test_parameters_and_reprs():
    bound = 0.5
    for layer in (nn.RNN(3, 4), nn.GRU(3, 4), nn.LSTM(3, 4)):
        assert all(np.abs(p).max() <= bound for p in parameters(layer).values())
    assert nn.GRU(3, 4).bhn.shape == (4,)
    assert repr(nn.GRU(3, 4)) == "GRU(input_dims=3, hidden_size=4, bias=True)"
    assert repr(nn.LSTM(3, 4, False)) == "LSTM(input_dims=3, hidden_size=4, bias=False)"
    assert repr(nn.RNN(3, 4)).startswith("RNN(input_dims=3, hidden_size=4, nonlinearity=<function")


def test_nonlinearity():
    layer = nn.RNN(3, 4, bias=False, nonlinearity=lambda x: x)
    x = mx.array(np.random.normal(size=(1, 3)).astype(np.float32))
    near(layer(x), x @ layer.Wxh.T, 3)
    with pytest.raises(ValueError, match="Nonlinearity must be callable"):
        nn.RNN(3, 4, nonlinearity=5)
