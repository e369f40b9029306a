import itertools

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from ops_check import near

LAYERS = {
    np.max: (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d),
    np.mean: (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
}


def pooled(reduce, x, kernel, stride, padding):
    fill = -np.inf if reduce is np.max else 0
    x = np.pad(x, [(0, 0), *((p, p) for p in padding), (0, 0)], constant_values=fill)
    sizes = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], kernel, stride)]
    y = np.zeros((x.shape[0], *sizes, x.shape[-1]), dtype=x.dtype)
    for place in itertools.product(*map(range, sizes)):
        window = tuple(slice(i * s, i * s + k) for i, k, s in zip(place, kernel, stride))
        y[(slice(None), *place)] = reduce(x[(slice(None), *window)], tuple(range(1, x.ndim - 1)))
    return y


@pytest.mark.parametrize("reduce", LAYERS)
@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize(
    "kernel, stride, padding", [(2, None, 0), (3, 2, 1), (2, 3, 0), (3, 1, 2), (2, 2, 1)]
)
def test_windows(reduce, spatial, kernel, stride, padding):
    x = np.random.normal(size=(2, *(7, 6, 5)[:spatial], 3)).astype(np.float32)
    layer = LAYERS[reduce][spatial - 1](kernel, stride, padding)
    options = [(v,) * spatial for v in (kernel, stride or kernel, padding)]
    near(layer(mx.array(x)), pooled(reduce, x, *options), 9)


@pytest.mark.parametrize("reduce", LAYERS)
def test_pairs(reduce):
    x = np.random.normal(size=(2, 7, 6, 3)).astype(np.float32)
    layer = LAYERS[reduce][1]((3, 2), stride=(1, 2), padding=(1, 0))
    expected = pooled(reduce, x, (3, 2), (1, 2), (1, 0))
    near(layer(mx.array(x)), expected, 9)
    name = type(layer).__name__
    assert repr(layer) == f"{name}(kernel_size=(3, 2), stride=(1, 2), padding=(1, 0))"


@pytest.mark.parametrize("reduce", LAYERS)
@pytest.mark.parametrize("stride", [1, 2])
def test_views(reduce, stride):
    """Inputs that do not lie in memory in their own order."""
    x = np.random.normal(size=(2, 3, 7, 8)).astype(np.float32)
    layer = LAYERS[reduce][1](2, stride)
    views = [(mx.array(x).transpose(0, 2, 3, 1), x.transpose(0, 2, 3, 1))]
    views.append((mx.array(x)[:, :, ::2, ::-1], x[:, :, ::2, ::-1]))
    for ours, theirs in views:
        expected = pooled(reduce, theirs, (2, 2), (stride,) * 2, (0, 0))
        near(layer(ours), expected, 9)


@pytest.mark.parametrize("stride", [2, 1])
def test_gradients(stride):
    x = mx.array(np.random.normal(size=(1, 6, 1)).astype(np.float32))
    gradient = mx.grad(lambda x: nn.MaxPool1d(2, stride)(x).sum())(x)
    expected = np.zeros(6)
    for start in range(0, 5, stride):
        expected[start + np.argmax(np.array(x)[0, start : start + 2, 0])] += 1
    assert gradient.reshape(-1).tolist() == expected.tolist()
    gradient = mx.grad(lambda x: nn.AvgPool1d(2, stride)(x).sum())(x)
    assert gradient.sum().item() == (5 if stride == 1 else 3)


def test_padding_never_is_the_maximum():
    pool = nn.MaxPool1d(2, 2, 1)
    for dtype, low in ((mx.int32, -5), (mx.int8, -128), (mx.float16, -60000), (mx.uint8, 0)):
        x = mx.full((1, 4, 1), low, dtype=dtype)
        y = pool(x)
        assert y.dtype == dtype and y.reshape(-1).tolist() == [low] * 3
    assert pool(mx.zeros((1, 2, 1), dtype=mx.bool_)).reshape(-1).tolist() == [False, False]


def test_windows_that_do_not_fit():
    assert nn.MaxPool1d(9)(mx.ones((2, 5, 4))).shape == (2, 0, 4)
    assert nn.AvgPool2d(4, 1)(mx.ones((2, 3, 5, 4))).shape == (2, 0, 2, 4)


def test_refusals():
    for arguments in ((2.5,), ((2, 3, 4),), (2, "a"), (2, None, None)):
        with pytest.raises(ValueError, match=r"\[MaxPool2d\] '.*' must be an integer or a tuple"):
            nn.MaxPool2d(*arguments)
    with pytest.raises(ValueError, match="'stride' must be positive"):
        nn.MaxPool1d(2, 0)
    with pytest.raises(ValueError, match="'padding' must be non-negative"):
        nn.AvgPool3d(2, padding=-1)
    with pytest.raises(ValueError, match="2 spatial axes"):
        nn.MaxPool2d(2)(mx.ones((2, 5, 4)))
