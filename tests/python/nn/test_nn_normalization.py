import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from ops_check import near


def normalized(x, axes, eps=1e-5):
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def sample(*shape):
    return np.random.normal(2, 3, size=shape).astype(np.float32)


def assert_close(a, b):
    near(a, b, 64)


@pytest.mark.parametrize("shape", [(3, 8), (2, 3, 8), (8,)])
def test_layer_norm(shape):
    x = sample(*shape)
    layer = nn.LayerNorm(8, eps=1e-3)
    layer.weight, layer.bias = mx.array(sample(8)), mx.array(sample(8))
    expected = normalized(x, -1, 1e-3) * np.array(layer.weight) + np.array(layer.bias)
    assert_close(layer(mx.array(x)), expected)
    assert_close(nn.LayerNorm(8, affine=False)(mx.array(x)), normalized(x, -1))
    assert list(nn.LayerNorm(8, bias=False).parameters()) == ["weight"]


def test_rms_norm():
    x = sample(2, 3, 8)
    layer = nn.RMSNorm(8, eps=1e-3)
    layer.weight = mx.array(sample(8))
    expected = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-3) * np.array(layer.weight)
    assert_close(layer(mx.array(x)), expected)


@pytest.mark.parametrize("shape", [(2, 5, 4), (2, 3, 5, 4), (2, 2, 3, 2, 4)])
def test_instance_norm(shape):
    x = sample(*shape)
    axes = tuple(range(1, len(shape) - 1))
    assert_close(nn.InstanceNorm(4)(mx.array(x)), normalized(x, axes))
    assert list(nn.InstanceNorm(4, affine=True).parameters()) == ["weight", "bias"]
    with pytest.raises(ValueError, match="at least 3 dimensions"):
        nn.InstanceNorm(4)(mx.array(x[:, 0, ..., 0].reshape(-1, 1)))


@pytest.mark.parametrize("shape", [(2, 6), (2, 5, 6), (2, 3, 4, 6)])
def test_group_norm(shape):
    x = sample(*shape)
    apart = x.reshape(shape[0], -1, 3, 2)  # channel c is in group c % 2
    assert_close(nn.GroupNorm(2, 6)(mx.array(x)), normalized(apart, (1, 2)).reshape(shape))
    together = x.reshape(shape[0], -1, 2, 3)  # channels 0, 1, 2 are in one group
    layer = nn.GroupNorm(2, 6, pytorch_compatible=True)
    assert_close(layer(mx.array(x)), normalized(together, (1, 3)).reshape(shape))


def test_group_norm_refuses():
    with pytest.raises(ValueError, match="evenly divisible"):
        nn.GroupNorm(4, 6)
    for shape in ((6,), (2, 5)):
        with pytest.raises(ValueError, match="GroupNorm expects"):
            nn.GroupNorm(2, 6)(mx.ones(shape))


@pytest.mark.parametrize("shape", [(6, 4), (3, 2, 4), (2, 3, 2, 4)])
def test_batch_norm(shape):
    layer, axes = nn.BatchNorm(4, momentum=0.3), tuple(range(len(shape) - 1))
    mean, var = np.zeros(4), np.ones(4)
    for _ in range(3):
        x = sample(*shape)
        assert_close(layer(mx.array(x)), normalized(x, axes))
        count = x.size // 4
        assert layer.running_mean.dtype == layer.running_var.dtype == mx.float32
        mean = 0.7 * mean + 0.3 * x.mean(axes)
        var = 0.7 * var + 0.3 * x.var(axes) * count / (count - 1)
    assert_close(layer.running_mean, mean)
    assert_close(layer.running_var, var)
    assert_close(layer.eval()(mx.array(x)), (x - mean) / np.sqrt(var + 1e-5))


def test_batch_norm_without_averages():
    layer, x = nn.BatchNorm(4, affine=False, track_running_stats=False), sample(5, 4)
    assert_close(layer.eval()(mx.array(x)), normalized(x, 0))
    assert layer.parameters() == {}


def test_batch_norm_averages_stay_frozen():
    layer = nn.BatchNorm(4)
    model = nn.Sequential(layer)
    for _ in range(2):
        assert list(layer.trainable_parameters()) == ["weight", "bias"]
        model.freeze()
        assert layer.trainable_parameters() == {}
        model.unfreeze()
    assert layer.unfreeze(keys="running_mean") is layer
    assert list(layer.trainable_parameters()) == ["weight", "bias"]


def test_batch_norm_refuses():
    with pytest.raises(ValueError, match="2, 3 or 4 dimensions"):
        nn.BatchNorm(4)(mx.ones((4,)))
    with pytest.raises(ValueError, match="more than one value"):
        nn.BatchNorm(4)(mx.ones((1, 4)))


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16])
def test_large_halves(dtype):
    """The variance of float16 numbers need not be a float16 number."""
    x = sample(50, 4) * 500
    layers = (nn.BatchNorm(4), nn.GroupNorm(2, 4), nn.GroupNorm(2, 4, pytorch_compatible=True))
    for layer in (*layers, nn.InstanceNorm(4)):
        y = layer(mx.array(x[None] if isinstance(layer, nn.InstanceNorm) else x).astype(dtype))
        std = np.array(y.astype(mx.float32)).std()
        assert abs(std - 1) < 0.05
    layer = nn.BatchNorm(4, affine=False, track_running_stats=False)
    assert layer(mx.array(x).astype(dtype)).dtype == dtype


def test_reprs():
    assert repr(nn.LayerNorm(4)) == "LayerNorm(4, eps=1e-05, affine=True)"
    assert repr(nn.RMSNorm(4)) == "RMSNorm(4, eps=1e-05)"
    assert repr(nn.InstanceNorm(4)) == "InstanceNorm(4, eps=1e-05, affine=False)"
    assert repr(nn.GroupNorm(2, 4)) == (
        "GroupNorm(2, 4, eps=1e-05, affine=True, pytorch_compatible=False)"
    )
    assert repr(nn.BatchNorm(4)) == (
        "BatchNorm(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"
    )


def plain_batch_norm(x, weight, bias, eps=1e-5):
    """The formula, each step of which is differentiated by itself."""
    axes = tuple(range(x.ndim - 1))
    centred = x - mx.mean(x, axis=axes)
    var = mx.mean(mx.square(centred), axis=axes)
    return weight * (centred * mx.rsqrt(var + eps)) + bias, var


@pytest.mark.parametrize("shape", [(9, 4), (2, 3, 5, 4)])
def test_derivatives_of_batch_norm(shape):
    layer = nn.BatchNorm(4, track_running_stats=False)

    def ours(x, weight, bias):
        layer.weight, layer.bias = weight, bias
        return layer(x)

    plain = lambda *given: plain_batch_norm(*given)[0]
    given = [2 + 3 * mx.random.normal(shape), mx.random.normal((4,)), mx.random.normal((4,))]
    g = [mx.random.normal(a.shape) for a in given]

    def loss(f):
        return lambda *a: (mx.tanh(f(*a)) * g[0]).sum()

    def squares(f):
        return lambda *a: sum(mx.square(d).sum() for d in mx.grad(loss(f), (0, 1, 2))(*a))

    batched = [mx.stack([a, 2 * a]) for a in given]
    for of in (
        lambda f: mx.grad(loss(f), (0, 1, 2))(*given),
        lambda f: mx.compile(mx.grad(loss(f), (0, 1, 2)))(*given),
        lambda f: mx.grad(squares(f), (0, 1, 2))(*given),
        lambda f: mx.jvp(f, given, g)[1],
        lambda f: [mx.vmap(f)(*batched)],
        lambda f: [mx.vmap(mx.grad(loss(f)))(*batched)],
    ):
        for found, wanted in zip(of(ours), of(plain)):
            np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=2e-4)


def test_running_averages_have_derivatives():
    x = mx.random.normal((8, 4))

    def spread(x):
        layer = nn.BatchNorm(4, momentum=1.0)
        layer(x)
        return (layer.running_var * (7 / 8) * mx.arange(4)).sum() + mx.square(
            layer.running_mean
        ).sum()

    def wanted(x):
        var = plain_batch_norm(x, 1, 0)[1]
        return (var * mx.arange(4)).sum() + mx.square(x.mean(0)).sum()

    np.testing.assert_allclose(mx.grad(spread)(x), mx.grad(wanted)(x), atol=1e-5)
