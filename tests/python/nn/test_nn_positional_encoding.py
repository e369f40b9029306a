import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from ops_check import near


def rotated(x, dims, traditional=False, base=10000.0, scale=1.0, offset=0):
    y = x.copy()
    for p in range(x.shape[-2]):
        for i in range(dims // 2):
            angle = scale * (p + offset) * base ** (-2 * i / dims)
            a, b = (2 * i, 2 * i + 1) if traditional else (i, i + dims // 2)
            u, v = x[..., p, a], x[..., p, b]
            y[..., p, a] = u * math.cos(angle) - v * math.sin(angle)
            y[..., p, b] = u * math.sin(angle) + v * math.cos(angle)
    return y


@pytest.mark.parametrize("traditional", [False, True])
@pytest.mark.parametrize("offset", [0, 3])
def test_rope(traditional, offset):
    x = np.random.normal(size=(2, 3, 5, 6)).astype(np.float32)
    layer = nn.RoPE(4, traditional, base=100.0, scale=0.5)
    expected = rotated(x, 4, traditional, 100.0, 0.5, offset)
    near(layer(mx.array(x), offset=offset), expected, 16)
    assert repr(layer) == f"RoPE(4, traditional={traditional})"


def test_sinusoids():
    positions = np.array([0, 1, 5])
    frequencies = np.geomspace(1, 0.0001, 4)
    angles = positions[:, None] * frequencies
    expected = np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)
    layer = nn.SinusoidalPositionalEncoding(8)
    near(layer(mx.array(positions)), expected * 0.5, 16)
    layer = nn.SinusoidalPositionalEncoding(8, scale=1, cos_first=True)
    swapped = np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)
    near(layer(mx.array(positions)), swapped, 16)
    turns = nn.SinusoidalPositionalEncoding(2, full_turns=True)
    np.testing.assert_allclose(turns(mx.array([0.25])), [[1, 0]], atol=1e-6)
    assert layer.parameters() == {}


@pytest.mark.parametrize("dims", [0, -2, 7])
def test_sinusoids_need_even_dims(dims):
    with pytest.raises(ValueError, match="positive and even"):
        nn.SinusoidalPositionalEncoding(dims)


def test_alibi_slopes():
    def slopes(heads):
        return nn.ALiBi.create_alibi_slope(heads, mx.float32).reshape(-1).tolist()

    assert slopes(8) == [2.0**-h for h in range(1, 9)]
    assert slopes(3) == [2.0**-4, 2.0**-8, 2.0**-2]
    assert slopes(6) == [2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8, 2.0**-1, 2.0**-3]


def test_alibi():
    x = np.random.normal(size=(2, 4, 3, 5)).astype(np.float32)
    slopes = 2.0 ** (-2 * np.arange(1, 5))[:, None, None]
    distance = np.abs(np.arange(2, 5)[:, None] - np.arange(5))
    expected = x - slopes * distance
    near(nn.ALiBi()(mx.array(x), offset=2), expected, 16)
    mask = mx.full((3, 5), -9.0)
    near(nn.ALiBi()(mx.array(x), 2, mask), expected - 9, 16)
    seen = np.tri(3, 5, dtype=bool)
    masked = np.array(nn.ALiBi()(mx.array(x), 2, mx.array(seen)))
    assert np.isneginf(masked[..., ~seen]).all()
    near(masked[..., seen], expected[..., seen], 16)
