"""Sums follow strides: a compiled function gives them the strides that the plain one gives, however its views are simplified."""

import mlx.core as mx
import pytest

CPU = mx.cpu

VIEWS = {
    "reshaped twice": lambda x: x.T.reshape(-1).reshape(211, 100),
    "reshaped to more axes": lambda x: x.T.reshape(-1).reshape(211, 10, 10).reshape(211, 100),
    "reshaped after a sum": lambda x: (x * 2).T.reshape(-1).reshape(211, 100),
    "dense and reshaped": lambda x: (x * 2).reshape(-1).reshape(211, 100),
    "turned twice": lambda x: x.T.T.T,
    "sliced": lambda x: x[::-1, ::2].reshape(-1).reshape(106, 100),
    "cast and back": lambda x: x.T.astype(mx.float64, stream=CPU).astype(mx.float32, stream=CPU),
    "cast and back, reshaped": lambda x: (
        x.T.astype(mx.float64, stream=CPU).astype(mx.float32, stream=CPU).reshape(-1)
    ).reshape(211, 100),
    "broadcast twice": lambda x: mx.broadcast_to(mx.broadcast_to(x[:1], (1, 211)), (100, 211)),
    "viewed": lambda x: x.T.view(mx.int32).view(mx.float32),
    "not differentiated": lambda x: mx.stop_gradient(x.T).reshape(-1).reshape(211, 100),
}


@pytest.mark.parametrize("shapeless", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("view", VIEWS)
def test_sums_of_views_are_those_of_the_plain_function(view, axis, shapeless):
    def f(x):
        return mx.sum(VIEWS[view](x), axis=axis, stream=CPU)

    x = mx.random.normal((100, 211))
    mx.eval(x)
    expected = f(x)
    mx.eval(expected)
    assert mx.array_equal(mx.compile(f, shapeless=shapeless)(x), expected)


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "viewed"])  # which has none
def test_so_are_gradients(view):
    def loss(x):
        return mx.sum(mx.square(mx.sum(VIEWS[view](x), axis=1, stream=CPU)))

    x = mx.random.normal((100, 211))
    mx.eval(x)
    assert mx.array_equal(mx.compile(mx.grad(loss))(x), mx.grad(loss)(x))
