"""Dropout: random zeros while training (Srivastava et al. 2014)."""

import mlx.core as mx

from .base import Module


def _keep_probability(p):
    if not 0 <= p < 1:
        raise ValueError(f"The dropout probability {p} is not in [0, 1)")
    return 1 - p


def _drop(layer, x, mask_shape):
    """Keep what a random mask keeps, enlarged so that the mean stays the same."""
    keep = layer._p_1
    if keep == 1 or not layer.training:
        return x
    return mx.random.bernoulli(keep, mask_shape) * x * (1 / keep)


def _drop_channels(layer, x, spatial):
    """Drop whole channels of `x`, which has so many spatial axes and perhaps a batch axis."""
    if x.ndim not in (spatial + 1, spatial + 2):
        raise ValueError(
            f"Received input with {x.ndim} dimensions. "
            f"Expected {spatial + 1} or {spatial + 2} dimensions."
        )
    batch, channels = x.shape[: -spatial - 1], x.shape[-1:]
    return _drop(layer, x, [*batch, *(1,) * spatial, *channels])


class Dropout(Module):
    """Sets elements to zero at random and multiplies the others by `1 / (1 - p)`.

    In evaluation mode it returns its input.

    Args:
        p: The probability that an element becomes zero, in `[0, 1)`.

    Raises:
        ValueError: `p` is not in `[0, 1)`

    Example:
        >>> layer = nn.Dropout(0.5)
        >>> sorted(set(layer(mx.ones(100)).tolist()))
        [0.0, 2.0]
        >>> layer.eval()(mx.ones(3))
        array([1, 1, 1], dtype=float32)
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        self._p_1 = _keep_probability(p)

    def _extra_repr(self):
        return f"p={1 - self._p_1}"

    def __call__(self, x: mx.array) -> mx.array:
        return _drop(self, x, x.shape)


class Dropout2d(Module):
    """Dropout of whole channels of `(N, H, W, C)` or `(H, W, C)` (Tompson et al. 2015).

    Neighbouring pixels say almost the same, so that dropping single ones would hide little.

    Args:
        p: The probability that a channel of an example becomes zero, in `[0, 1)`.

    Raises:
        ValueError: `p` is not in `[0, 1)`

    Example:
        >>> y = nn.Dropout2d(0.5)(mx.ones((4, 8, 8, 3)))
        >>> mx.all(y == y[:, :1, :1]).item()  # whole channels
        True
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        self._p_1 = _keep_probability(p)

    def _extra_repr(self):
        return f"p={1 - self._p_1}"

    def __call__(self, x: mx.array) -> mx.array:
        return _drop_channels(self, x, 2)


class Dropout3d(Module):
    """Dropout of whole channels of `(N, D, H, W, C)` or `(D, H, W, C)`, as `Dropout2d`.

    Args:
        p: The probability that a channel of an example becomes zero, in `[0, 1)`.

    Raises:
        ValueError: `p` is not in `[0, 1)`

    Example:
        >>> y = nn.Dropout3d(0.5)(mx.ones((2, 2, 2, 2, 3)))
        >>> mx.all(y == y[:, :1, :1, :1]).item()
        True
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        self._p_1 = _keep_probability(p)

    def _extra_repr(self):
        return f"p={1 - self._p_1}"

    def __call__(self, x: mx.array) -> mx.array:
        return _drop_channels(self, x, 3)
