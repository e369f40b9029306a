"""Pooling: the maximum or mean of windows, channels last."""

import math
from typing import Optional, Tuple, Union

import mlx.core as mx

from .base import Module, of_this_shape


def _windows(x, kernel_size, stride):
    """A view `(N, *places, *kernel_size, C)` of the windows of `x`, `(N, *spatial, C)`."""
    batch, *spatial, channels = x.shape
    places = [max(0, (n - k) // s + 1) for n, k, s in zip(spatial, kernel_size, stride)]
    steps = [math.prod(x.shape[axis:]) for axis in range(1, x.ndim)]
    strides = [steps[0], *(n * s for n, s in zip(steps[1:], stride)), *steps[1:], 1]
    return mx.as_strided(x, [batch, *places, *kernel_size, channels], strides)


def _blocks(x, kernel_size):
    """`x` as `(N, places, kernel, places, kernel, ..., C)` for windows side by side.

    Made by cutting and reshaping, it has a cheaper derivative than `_windows`.
    """
    x = of_this_shape(x)
    places = [n // k for n, k in zip(x.shape[1:-1], kernel_size)]
    cut = tuple(slice(0, n * k) for n, k in zip(places, kernel_size))
    pairs = [size for pair in zip(places, kernel_size) for size in pair]
    return x[(slice(None), *cut)].reshape(x.shape[0], *pairs, x.shape[-1])


def _lowest(dtype):
    """The least value of a type."""
    if dtype == mx.bool_:
        return False
    return -float("inf") if mx.issubdtype(dtype, mx.inexact) else mx.iinfo(dtype).min


def _zero(dtype):
    return 0


class _Pool(Module):
    """Applies `reduce(x, axis)` to windows of the axes between the first and the last.

    `padding_value` gives the value of padding for a dtype.
    """

    _spatial: int  # the number of those axes

    def __init__(self, reduce, padding_value, kernel_size, stride, padding):
        super().__init__()
        self._reduce = reduce
        self._padding_value = padding_value
        stride = kernel_size if stride is None else stride
        self._kernel_size = self._sizes("kernel_size", kernel_size, 1)
        self._stride = self._sizes("stride", stride, 1)
        self._padding = self._sizes("padding", padding, 0)

    def _sizes(self, name, value, least):
        values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * self._spatial
        if len(values) != self._spatial or not all(isinstance(v, int) for v in values):
            plural = "s" if self._spatial > 1 else ""
            raise ValueError(
                f"[{type(self).__name__}] '{name}' must be an integer or a tuple containing "
                f"{self._spatial} integer{plural}"
            )
        if min(values) < least:
            sign = "positive" if least else "non-negative"
            raise ValueError(f"[{type(self).__name__}] '{name}' must be {sign} but got {values}.")
        return values

    def _extra_repr(self):
        return f"kernel_size={self._kernel_size}, stride={self._stride}, padding={self._padding}"

    def __call__(self, x: mx.array) -> mx.array:
        n = self._spatial
        if x.ndim != n + 2:
            raise ValueError(
                f"[{type(self).__name__}] The input must have a batch axis, {n} spatial axes and a "
                f"channel axis but its shape is {x.shape}"
            )
        if any(self._padding):
            widths = [(0, 0), *((p, p) for p in self._padding), (0, 0)]
            x = mx.pad(x, widths, constant_values=self._padding_value(x.dtype))
        if self._stride == self._kernel_size:
            return self._reduce(_blocks(x, self._kernel_size), tuple(range(2, 2 * n + 1, 2)))
        windows = _windows(x, self._kernel_size, self._stride)
        return self._reduce(windows, tuple(range(n + 1, 2 * n + 1)))


class _Pool1d(_Pool):
    _spatial = 1


class _Pool2d(_Pool):
    _spatial = 2


class _Pool3d(_Pool):
    _spatial = 3


class MaxPool1d(_Pool1d):
    """The maximum of each window of an input `(N, L, C)`, for each channel.

    An axis of size `L` becomes `floor((L + 2 * padding - kernel_size) / stride) + 1`.

    Args:
        kernel_size: The size of a window, a number.
        stride: The step from window to window, a number; None for `kernel_size`.
        padding: How much is put on either side of each axis, a number. Padding never is the
            maximum.

    Example:
        >>> nn.MaxPool1d(2)(mx.array([[[1.0], [3.0], [9.0], [5.0]]])).flatten()
        array([3, 9], dtype=float32)
    """

    def __init__(
        self,
        kernel_size: Union[int, Tuple[int]],
        stride: Optional[Union[int, Tuple[int]]] = None,
        padding: Union[int, Tuple[int]] = 0,
    ):
        super().__init__(mx.max, _lowest, kernel_size, stride, padding)


class MaxPool2d(_Pool2d):
    """The maximum of each window of an input `(N, H, W, C)`, for each channel.

    An axis of size `L` becomes `floor((L + 2 * padding - kernel_size) / stride) + 1`.

    Args:
        kernel_size: The size of a window, a number or a pair.
        stride: The step from window to window, a number or a pair; None for `kernel_size`.
        padding: How much is put on either side of each axis, a number or a pair. Padding never is
            the maximum.

    Example:
        >>> nn.MaxPool2d(2)(mx.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
        array([[5, 7],
               [13, 15]], dtype=float32)
    """

    def __init__(
        self,
        kernel_size: Union[int, Tuple[int, int]],
        stride: Optional[Union[int, Tuple[int, int]]] = None,
        padding: Optional[Union[int, Tuple[int, int]]] = 0,
    ):
        super().__init__(mx.max, _lowest, kernel_size, stride, padding)


class MaxPool3d(_Pool3d):
    """The maximum of each window of an input `(N, D, H, W, C)`, for each channel.

    An axis of size `L` becomes `floor((L + 2 * padding - kernel_size) / stride) + 1`.

    Args:
        kernel_size: The size of a window, a number or a triple.
        stride: The step from window to window, a number or a triple; None for `kernel_size`.
        padding: How much is put on either side of each axis, a number or a triple. Padding never is
            the maximum.

    Example:
        >>> nn.MaxPool3d(2)(mx.arange(8.0).reshape(1, 2, 2, 2, 1)).item()
        7.0
    """

    def __init__(
        self,
        kernel_size: Union[int, Tuple[int, int, int]],
        stride: Optional[Union[int, Tuple[int, int, int]]] = None,
        padding: Union[int, Tuple[int, int, int]] = 0,
    ):
        super().__init__(mx.max, _lowest, kernel_size, stride, padding)


class AvgPool1d(_Pool1d):
    """The mean of each window of an input `(N, L, C)`, for each channel.

    An axis of size `L` becomes `floor((L + 2 * padding - kernel_size) / stride) + 1`.

    Args:
        kernel_size: The size of a window, a number.
        stride: The step from window to window, a number; None for `kernel_size`.
        padding: How much is put on either side of each axis, a number. Padding counts as zeros.

    Example:
        >>> nn.AvgPool1d(2)(mx.array([[[1.0], [3.0], [5.0], [9.0]]])).flatten()
        array([2, 7], dtype=float32)
    """

    def __init__(
        self,
        kernel_size: Union[int, Tuple[int]],
        stride: Optional[Union[int, Tuple[int]]] = None,
        padding: Union[int, Tuple[int]] = 0,
    ):
        super().__init__(mx.mean, _zero, kernel_size, stride, padding)


class AvgPool2d(_Pool2d):
    """The mean of each window of an input `(N, H, W, C)`, for each channel.

    An axis of size `L` becomes `floor((L + 2 * padding - kernel_size) / stride) + 1`.

    Args:
        kernel_size: The size of a window, a number or a pair.
        stride: The step from window to window, a number or a pair; None for `kernel_size`.
        padding: How much is put on either side of each axis, a number or a pair. Padding counts as
            zeros.

    Example:
        >>> nn.AvgPool2d(2)(mx.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
        array([[2.5, 4.5],
               [10.5, 12.5]], dtype=float32)
    """

    def __init__(
        self,
        kernel_size: Union[int, Tuple[int, int]],
        stride: Optional[Union[int, Tuple[int, int]]] = None,
        padding: Optional[Union[int, Tuple[int, int]]] = 0,
    ):
        super().__init__(mx.mean, _zero, kernel_size, stride, padding)


class AvgPool3d(_Pool3d):
    """The mean of each window of an input `(N, D, H, W, C)`, for each channel.

    An axis of size `L` becomes `floor((L + 2 * padding - kernel_size) / stride) + 1`.

    Args:
        kernel_size: The size of a window, a number or a triple.
        stride: The step from window to window, a number or a triple; None for `kernel_size`.
        padding: How much is put on either side of each axis, a number or a triple. Padding counts
            as zeros.

    Example:
        >>> nn.AvgPool3d(2)(mx.arange(8.0).reshape(1, 2, 2, 2, 1)).item()
        3.5
    """

    def __init__(
        self,
        kernel_size: Union[int, Tuple[int, int, int]],
        stride: Optional[Union[int, Tuple[int, int, int]]] = None,
        padding: Union[int, Tuple[int, int, int]] = 0,
    ):
        super().__init__(mx.mean, _zero, kernel_size, stride, padding)
