"""Convolutions against sums written out with NumPy."""

import itertools
import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from ops_check import near


def convolve(x, weight, stride, padding, dilation, groups=1):
    """The definition: each output is the sum of a window times the kernel."""
    x = np.pad(x, [(0, 0), *((p, p) for p in padding), (0, 0)])
    out_channels, *kernel, per_group = weight.shape
    sizes = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[1:-1], kernel, stride, dilation)
    ]
    y = np.zeros((x.shape[0], *sizes, out_channels))
    for place in itertools.product(*map(range, sizes)):
        window = x[
            (
                slice(None),
                *(
                    slice(i * s, i * s + d * (k - 1) + 1, d)
                    for i, k, s, d in zip(place, kernel, stride, dilation)
                ),
            )
        ]
        for g in range(groups):
            outputs = slice(g * out_channels // groups, (g + 1) * out_channels // groups)
            part = window[..., g * per_group : (g + 1) * per_group]
            y[(slice(None), *place, outputs)] = np.tensordot(
                part, weight[outputs], axes=(range(1, part.ndim), range(1, weight.ndim))
            )
    return y


def transpose(y, weight, shape, stride, padding, dilation):
    """The transpose of the convolution that takes an input of `shape` to the shape of `y`."""
    back = weight.swapaxes(0, -1)  # from the layer's outputs to its inputs
    columns = []
    for i in range(math.prod(shape)):
        unit = np.zeros(math.prod(shape))
        unit[i] = 1
        columns.append((convolve(unit.reshape(shape), back, stride, padding, dilation) * y).sum())
    return np.array(columns).reshape(shape)


@pytest.mark.parametrize(
    "options",
    [
        dict(),
        dict(stride=2, padding=1),
        dict(dilation=2, padding=2),
        dict(groups=2, bias=False),
        dict(stride=3, padding=2, dilation=2, groups=4),
    ],
)
@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_convolution(spatial, options):
    if spatial == 3:
        options = {k: v for k, v in options.items() if k != "groups"}
    make = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[spatial - 1]
    layer = make(4, 8, 3, **options)
    layer.apply(lambda p: mx.random.normal(p.shape))
    x = np.random.normal(size=(2, *(7, 6, 8)[:spatial], 4)).astype(np.float32)
    stride, padding, dilation = (
        (options.get(name, default),) * spatial
        for name, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    weight = np.array(layer.weight)
    expected = convolve(x, weight, stride, padding, dilation, options.get("groups", 1))
    expected = expected + (np.array(layer.bias) if "bias" in layer else 0)
    near(layer(mx.array(x)), expected, 3**spatial * 4)


@pytest.mark.parametrize("options", [dict(), dict(stride=2, padding=1, output_padding=1)])
@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_transposed_convolution(spatial, options):
    make = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[spatial - 1]
    layer = make(2, 3, 3, bias=False, **options)
    stride, padding, extra = (
        options.get(name, default)
        for name, default in (("stride", 1), ("padding", 0), ("output_padding", 0))
    )
    x = np.random.normal(size=(1, *(3, 2, 3)[:spatial], 2)).astype(np.float32)
    y = layer(mx.array(x))
    sizes = tuple((n - 1) * stride - 2 * padding + 2 + extra + 1 for n in x.shape[1:-1])
    assert y.shape == (1, *sizes, 3)
    ones = (1,) * spatial
    options = ((stride,) * spatial, (padding,) * spatial, ones)
    expected = transpose(x, np.array(layer.weight), (1, *sizes, 3), *options)
    near(y, expected, 3**spatial * 2)


def test_pairs():
    layer = nn.Conv2d(4, 8, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(1, 3))
    assert layer.weight.shape == (8, 3, 2, 4)
    x = np.random.normal(size=(2, 6, 9, 4)).astype(np.float32)
    expected = convolve(x, np.array(layer.weight), (1, 2), (2, 1), (1, 3))
    near(layer(mx.array(x)), expected, 3 * 2 * 4)


def test_initial_weight_of_groups():
    """The bound follows from the inputs of one output."""
    for groups in (1, 2, 4):
        weight = nn.Conv2d(64, 64, 3, groups=groups).weight
        bound = (64 / groups * 9) ** -0.5
        assert 0.99 * bound < mx.abs(weight).max().item() <= bound


def test_initial_parameters():
    layer = nn.Conv2d(16, 64, 5)
    bound = 1 / math.sqrt(16 * 25)
    weight = np.array(layer.weight)
    assert np.abs(weight).max() <= bound
    assert abs(weight.std() - bound / math.sqrt(3)) < 1e-3
    assert layer.bias.tolist() == [0] * 64


def test_repr():
    assert repr(nn.Conv1d(4, 8, 3, groups=2)) == (
        "Conv1d(4, 8, kernel_size=3, stride=1, padding=0, dilation=1, groups=2, bias=True)"
    )
    assert repr(nn.ConvTranspose2d(4, 8, 3, bias=False)) == (
        "ConvTranspose2d(4, 8, kernel_size=(3, 3), stride=(1, 1), padding=(0, 0), dilation=1, "
        "output_padding=(0, 0), bias=False)"
    )


def test_refusals():
    with pytest.raises(ValueError, match=r"input channels \(4\)"):
        nn.Conv1d(4, 6, 3, groups=3)
    with pytest.raises(ValueError, match="Expected one value or 2 values"):
        nn.Conv2d(4, 6, (3, 3, 3))
    with pytest.raises(ValueError):
        nn.Conv1d(4, 6, 3)(mx.ones((2, 7, 3)))
