import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout(p):
    mx.random.seed(0)
    y = np.array(nn.Dropout(p)(mx.ones((200, 500))))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / (1 - p))}
    assert abs((y == 0).mean() - p) < 5e-3


@pytest.mark.parametrize("p", [-0.1, 1, float("nan")])
def test_a_probability_is_in_its_range(p):
    for kind in (nn.Dropout, nn.Dropout2d, nn.Dropout3d):
        with pytest.raises(ValueError, match="dropout probability .* is not in"):
            kind(p)


def test_dropout_leaves_alone():
    x = mx.ones((3,))
    assert nn.Dropout(0.0)(x) is x and nn.Dropout(0.5).eval()(x) is x
    assert nn.Dropout(0.5)(x.astype(mx.float16)).dtype == mx.float16


@pytest.mark.parametrize(
    "make, shapes",
    [
        (nn.Dropout2d, [(6, 3, 2, 50), (3, 2, 50)]),
        (nn.Dropout3d, [(6, 3, 2, 2, 50), (3, 2, 2, 50)]),
    ],
)
def test_whole_channels(make, shapes):
    mx.random.seed(0)
    spatial = len(shapes[1]) - 1
    for shape in shapes:
        y = np.array(make(0.5)(mx.ones(shape)))
        axes = tuple(range(y.ndim - 1 - spatial, y.ndim - 1))
        channels = y.mean(axes)
        assert np.array_equal(y.min(axes), y.max(axes))
        assert 0.3 < (channels == 0).mean() < 0.7
        assert set(np.unique(channels)) == {0, 2}
    with pytest.raises(ValueError, match="dimensions"):
        make(0.5)(mx.ones(shapes[1][1:]))


def test_refusals_and_repr():
    for make in (nn.Dropout, nn.Dropout2d, nn.Dropout3d):
        for p in (-0.1, 1.0, 2):
            with pytest.raises(ValueError, match=r"not in \[0, 1\)"):
                make(p)
        assert repr(make(0.5)) == f"{make.__name__}(p=0.5)"
