import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from ops_check import near


def matrix(size, scale, kernel, reach, align_corners=False, antialias=False):
    """The matrix (new, old) of an interpolation along one axis, entry by entry."""
    new = int(size * scale)
    result = np.zeros((new, size))
    width = max(1 / scale, 1) if antialias else 1
    for i in range(new):
        if align_corners:
            position = i * (size - 1) / max(new - 1, 1)
        else:
            position = (size - 1) / 2 + (i - (new - 1) / 2) / scale
        reached = reach * width
        for j in range(math.floor(position - reached), math.ceil(position + reached) + 1):
            weight = kernel((j - position) / width)
            if 0 <= j < size or not antialias:
                result[i, min(max(j, 0), size - 1)] += weight
    return result / result.sum(axis=1, keepdims=True)


def triangle(t):
    return max(1 - abs(t), 0)


def cubic(a):
    def kernel(t):
        t = abs(t)
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * (t**3 - 5 * t**2 + 8 * t - 4) if t < 2 else 0

    return kernel


@pytest.mark.parametrize("scale", [0.3, 0.5, 1, 1.7, 2, 3.3])
@pytest.mark.parametrize("options", [{}, {"align_corners": True}, {"antialias": True}])
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_interpolation(mode, scale, options):
    x = np.random.normal(size=(2, 9, 3)).astype(np.float32)
    kernel = triangle if mode == "linear" else cubic(-0.5 if "antialias" in options else -0.75)
    m = matrix(9, scale, kernel, 1 if mode == "linear" else 2, **options)
    y = nn.Upsample(scale, mode, **options)(mx.array(x))
    near(y, np.einsum("ij,njc->nic", m, x), 16)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_images(mode):
    x = np.random.normal(size=(2, 4, 5, 3)).astype(np.float32)
    kernel, reach = (triangle, 1) if mode == "linear" else (cubic(-0.75), 2)
    rows, columns = matrix(4, 2, kernel, reach), matrix(5, 1.5, kernel, reach)
    y = nn.Upsample((2, 1.5), mode)(mx.array(x))
    near(y, np.einsum("ij,kl,njlc->nikc", rows, columns, x), 16)


def test_nearest():
    x = mx.arange(6).reshape(1, 6, 1)

    def up(scale, x=x):
        return nn.Upsample(scale)(x).reshape(-1).tolist()

    assert up(2) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert up(1) == [0, 1, 2, 3, 4, 5]
    assert up(0.5) == [0, 2, 4]
    assert up(1.5, x[:, :4]) == [0, 0, 1, 2, 2, 3]
    assert up(0.1) == []
    image = nn.Upsample((2, 3))(mx.arange(4).reshape(1, 2, 2, 1)).squeeze()
    assert image.tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[2, 2, 2, 3, 3, 3]] * 2


def test_gradient():
    gradient = mx.grad(lambda x: nn.Upsample(2, "linear")(x)[0, 1, 0])(mx.zeros((1, 3, 1)))
    np.testing.assert_allclose(gradient.reshape(-1), [0.75, 0.25, 0], 1e-6)


def test_refusals_and_repr():
    for arguments, message in (
        ((2, "other"), "unsupported upsampling algorithm"),
        ((2, "nearest", False, True), "not supported for nearest"),
        ((2, "cubic", True, True), "with align_corners=True is not supported"),
    ):
        with pytest.raises(ValueError, match=message):
            nn.Upsample(*arguments)
    for scale, shape in ((2, (3, 4)), ((2, 3), (1, 3, 4)), (-1, (1, 3, 4)), (math.nan, (1, 3, 4))):
        with pytest.raises(ValueError, match=r"\[Upsample\]"):
            nn.Upsample(scale)(mx.ones(shape))
    assert repr(nn.Upsample((2, 3), "linear", antialias=True)) == (
        "Upsample(scale_factor=(2.0, 3.0), mode='linear', align_corners=False, antialias=True)"
    )
