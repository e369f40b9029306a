import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

X = np.array([-8, -3, -1.5, -0.5, -0.1, 0, 0.25, 0.5, 1, 2.5, 3, 6.5], dtype=np.float64)
erf = np.vectorize(math.erf)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


FORMULAS = {
    "sigmoid": logistic,
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "log_softmax": lambda x: np.log(softmax(x)),
    "elu": elu,
    "softmax": softmax,
    "softmin": lambda x: softmax(-x),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softshrink": lambda x: np.where(np.abs(x) > 0.5, x - np.sign(x) * 0.5, 0),
    "celu": elu,
    "silu": lambda x: x * logistic(x),
    "log_sigmoid": lambda x: np.log(logistic(x)),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "gelu_approx": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    "gelu_fast_approx": lambda x: x * logistic(1.702 * x),
    "step": lambda x: (x >= 0).astype(np.int32),
    "selu": lambda x: 1.0507 * elu(x, 1.67326),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "tanh": np.tanh,
}
CLASSES = {cls.lower(): cls for cls in dir(nn) if cls[0].isupper()}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name):
    y = getattr(nn, name)(mx.array(X, dtype=mx.float32))
    assert y.dtype == (mx.int32 if name == "step" else mx.float32)
    np.testing.assert_allclose(np.array(y), FORMULAS[name](X), rtol=3e-6, atol=3e-7)


@pytest.mark.parametrize("name", [n for n in FORMULAS if n.replace("_", "") in CLASSES])
def test_module_applies_the_function(name):
    module = getattr(nn, CLASSES[name.replace("_", "")])()
    x = mx.array(X, dtype=mx.float32)
    assert np.array_equal(module(x), getattr(nn, name)(x))
    assert repr(module) == f"{type(module).__name__}()" and module.parameters() == {}


@pytest.mark.parametrize("name", sorted(FORMULAS.keys() - {"step"}))
def test_halves_keep_their_type(name):
    for dtype, tolerance in ((mx.float16, 4e-3), (mx.bfloat16, 3e-2)):
        y = getattr(nn, name)(mx.array(X).astype(dtype))
        assert y.dtype == dtype
        expected = FORMULAS[name](X)
        np.testing.assert_allclose(np.array(y.astype(mx.float32)), expected, tolerance, tolerance)


@pytest.mark.parametrize("name", sorted(FORMULAS.keys() - {"step"}))
def test_gradients_are_finite_far_out(name):
    x = mx.array([-200.0, -90.0, 90.0, 200.0])
    gradient = mx.grad(lambda x: getattr(nn, name)(x).sum())(x)
    assert np.isfinite(np.array(gradient)).all()


@pytest.mark.parametrize("name", sorted(FORMULAS.keys() - {"step"}))
@pytest.mark.parametrize("t", [mx.float16, mx.bfloat16, mx.float32, mx.float64])
def test_nan_stays_nan(name, t):
    y = getattr(nn, name)(mx.array([math.nan, math.nan], t))
    assert mx.isnan(y).all()


@pytest.mark.parametrize("name", ["softshrink", "hard_shrink"])
def test_infinities_are_not_shrunk(name):
    y = getattr(nn, name)(mx.array([math.inf, -math.inf, -0.0]))
    assert y.tolist() == [math.inf, -math.inf, 0]


def test_options():
    x = mx.array([-2.0, 0.5, 3.0])
    assert nn.leaky_relu(x, 2.0).tolist() == [-4, 0.5, 3]
    assert nn.hard_tanh(x, -1, 2).tolist() == [-1, 0.5, 2]
    assert nn.HardShrink(1)(x).tolist() == nn.hard_shrink(x, 1).tolist() == [-2, 0, 3]
    assert nn.Softshrink(1)(x).tolist() == [-1, 0, 2]
    assert nn.Step(0.5)(x).tolist() == [0, 1, 1]
    np.testing.assert_allclose(nn.ELU(2.0)(x), elu(np.array(x), 2.0), 1e-6)
    np.testing.assert_allclose(nn.CELU(2.0)(x), elu(np.array(x) / 2) * 2, 1e-6)
    columns = nn.softmax(x[:, None], axis=0).squeeze()
    assert np.array_equal(columns, nn.softmax(x))


def test_gelu_modules():
    x = mx.array(X, dtype=mx.float32)
    for approx, fn in (("none", nn.gelu), ("tanh", nn.gelu_approx), ("fast", nn.gelu_fast_approx)):
        assert np.array_equal(nn.GELU(approx)(x), fn(x))
    with pytest.raises(ValueError, match="'other' was given"):
        nn.GELU("other")


def test_glu():
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    rows = x[:1] * logistic(x[1:])
    np.testing.assert_allclose(nn.GLU(0)(mx.array(x)), rows, 1e-6)
    np.testing.assert_allclose(nn.glu(mx.array(x)), x[:, :2] * logistic(x[:, 2:]), 1e-6)
    with pytest.raises(ValueError):
        nn.glu(mx.ones((3,)))


def test_prelu():
    module = nn.PReLU(2, 0.5)
    assert module.weight.tolist() == [0.5, 0.5]
    assert module(mx.array([[-2.0, 4.0]])).tolist() == [[-1, 4]]
    slope = mx.array([-0.5, 2.0])
    assert nn.prelu(mx.array([-2.0, -1.0]), slope).tolist() == [1, -2]
