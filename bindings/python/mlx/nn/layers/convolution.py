"""Convolutions in one, two and three dimensions, channels last (LeCun et al. 1989)."""

import math
from typing import Union

import mlx.core as mx

from .base import Module, check_sizes


def as_tuple(value, n):
    """`n` values: those of a sequence of that length, or one value repeated."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
    if len(values) != n:
        raise ValueError(f"Expected one value or {n} values but got {value}")
    return values


def initial_weight(layer, in_channels, out_channels, kernel_size, groups=1):
    """A kernel `(out_channels, *kernel_size, in_channels / groups)` with entries in `[-s, s)`.

    `s` is one over the root of `in_channels / groups * prod(kernel_size)`, the inputs of an output.
    """
    inner = {"in_channels": in_channels, "groups": groups, "kernel_size": min(kernel_size)}
    check_sizes(layer, inner, {"out_channels": out_channels})
    if in_channels % groups != 0:
        raise ValueError(
            f"The number of input channels ({in_channels}) must be divisible by "
            f"the number of groups ({groups})"
        )
    scale = math.sqrt(groups / (in_channels * math.prod(kernel_size)))
    shape = (out_channels, *kernel_size, in_channels // groups)
    return mx.random.uniform(-scale, scale, shape)


def describe(layer, *options):
    """The repr's inside: channels, kernel, options by name, bias."""
    out_channels, *kernel_size, in_channels = layer.weight.shape
    in_channels *= getattr(layer, "groups", 1)
    kernel_size = kernel_size[0] if len(kernel_size) == 1 else tuple(kernel_size)
    parts = [str(in_channels), str(out_channels), f"kernel_size={kernel_size}"]
    parts += [f"{name}={getattr(layer, name)}" for name in options]
    return ", ".join([*parts, f"bias={'bias' in layer}"])


def with_bias(layer, y):
    """`y` plus the layer's bias, if there is one."""
    return y + layer.bias if "bias" in layer else y


class Conv1d(Module):
    """Convolution along one axis: from `(N, L, in_channels)` to `(N, L', out_channels)`.

    `L' = floor((L + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1`.

    Args:
        in_channels: The size of the input's last axis.
        out_channels: The size of the output's last axis.
        kernel_size: The length of the kernel.
        stride: The step between places where the kernel is applied.
        padding: The number of zeros put before and after the input.
        dilation: The distance between neighbouring entries of the kernel.
        groups: The channels are divided into so many groups that do not see each other.
        bias: Whether to add a learned bias.

    Parameters: `weight` of shape `(out_channels, kernel_size, in_channels / groups)`, uniform;
    `bias` of shape `(out_channels,)`, zeros.

    Raises:
        ValueError: `in_channels` is no multiple of `groups`

    Example:
        >>> nn.Conv1d(3, 8, kernel_size=5, padding=2)(mx.zeros((1, 20, 3))).shape
        (1, 20, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        self.weight = initial_weight(self, in_channels, out_channels, (kernel_size,), groups)
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups

    def _extra_repr(self):
        return describe(self, "stride", "padding", "dilation", "groups")

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv1d(x, self.weight, self.stride, self.padding, self.dilation, self.groups)
        return with_bias(self, y)


class Conv2d(Module):
    """Convolution of images: from `(N, H, W, in_channels)` to `(N, H', W', out_channels)`.

    `H'` and `W'` follow from `H` and `W` as in `Conv1d`. Options are numbers or pairs of numbers.

    Args:
        in_channels: The size of the input's last axis.
        out_channels: The size of the output's last axis.
        kernel_size: The height and width of the kernel.
        stride: The step between places where the kernel is applied.
        padding: The number of zeros put on either side of each axis.
        dilation: The distance between neighbouring entries of the kernel.
        groups: The channels are divided into so many groups that do not see each other.
        bias: Whether to add a learned bias.

    Parameters: `weight` of shape `(out_channels, *kernel_size, in_channels / groups)`, uniform;
    `bias` of shape `(out_channels,)`, zeros.

    Raises:
        ValueError: `in_channels` is no multiple of `groups`

    Example:
        >>> nn.Conv2d(3, 8, kernel_size=3, stride=2, padding=1)(mx.zeros((1, 32, 32, 3))).shape
        (1, 16, 16, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Union[int, tuple],
        stride: Union[int, tuple] = 1,
        padding: Union[int, tuple] = 0,
        dilation: Union[int, tuple] = 1,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        self.weight = initial_weight(
            self, in_channels, out_channels, as_tuple(kernel_size, 2), groups
        )
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.stride = as_tuple(stride, 2)
        self.padding = as_tuple(padding, 2)
        self.dilation = dilation
        self.groups = groups

    def _extra_repr(self):
        return describe(self, "stride", "padding", "dilation", "groups")

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv2d(x, self.weight, self.stride, self.padding, self.dilation, self.groups)
        return with_bias(self, y)


class Conv3d(Module):
    """Convolution of volumes: from `(N, D, H, W, in_channels)` to `(N, D', H', W', out_channels)`.

    `D'`, `H'` and `W'` follow from `D`, `H` and `W` as in `Conv1d`. Options are numbers or triples.

    Args:
        in_channels: The size of the input's last axis.
        out_channels: The size of the output's last axis.
        kernel_size: The depth, height and width of the kernel.
        stride: The step between places where the kernel is applied.
        padding: The number of zeros put on either side of each axis.
        dilation: The distance between neighbouring entries of the kernel.
        bias: Whether to add a learned bias.

    Parameters: `weight` of shape `(out_channels, *kernel_size, in_channels)`, uniform; `bias` of
    shape `(out_channels,)`, zeros.

    Example:
        >>> nn.Conv3d(1, 4, kernel_size=3)(mx.zeros((1, 8, 8, 8, 1))).shape
        (1, 6, 6, 6, 4)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Union[int, tuple],
        stride: Union[int, tuple] = 1,
        padding: Union[int, tuple] = 0,
        dilation: Union[int, tuple] = 1,
        bias: bool = True,
    ):
        super().__init__()
        self.weight = initial_weight(self, in_channels, out_channels, as_tuple(kernel_size, 3))
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.stride = as_tuple(stride, 3)
        self.padding = as_tuple(padding, 3)
        self.dilation = dilation

    def _extra_repr(self):
        return describe(self, "stride", "padding", "dilation")

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv3d(x, self.weight, self.stride, self.padding, self.dilation)
        return with_bias(self, y)
