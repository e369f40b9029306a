"""Transposed convolutions in one, two and three dimensions, channels last (Zeiler et al. 2010)."""

from typing import Union

import mlx.core as mx

from .base import Module
from .convolution import as_tuple, describe, initial_weight, with_bias


class ConvTranspose1d(Module):
    """Transposed convolution: from `(N, L, in_channels)` to `(N, L', out_channels)`.

    It is the transpose of the linear map that `Conv1d` with the same options makes, so
    `L' = (L - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1`.

    Args:
        in_channels: The size of the input's last axis.
        out_channels: The size of the output's last axis.
        kernel_size: The length of the kernel.
        stride: The step in the output from one input to the next.
        padding: How much is cut from both ends of the output.
        dilation: The distance between neighbouring entries of the kernel.
        output_padding: How much is added at the end of the output.
        bias: Whether to add a learned bias.

    Parameters: `weight` of shape `(out_channels, kernel_size, in_channels)`, uniform; `bias` of
    shape `(out_channels,)`, zeros.

    Example:
        >>> nn.ConvTranspose1d(8, 3, kernel_size=4, stride=2, padding=1)(mx.zeros((1, 10, 8))).shape
        (1, 20, 3)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        output_padding: int = 0,
        bias: bool = True,
    ):
        super().__init__()
        self.weight = initial_weight(self, in_channels, out_channels, (kernel_size,))
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.output_padding = output_padding

    def _extra_repr(self):
        return describe(self, "stride", "padding", "dilation", "output_padding")

    def __call__(self, x: mx.array) -> mx.array:
        options = (self.stride, self.padding, self.dilation, self.output_padding)
        return with_bias(self, mx.conv_transpose1d(x, self.weight, *options))


class ConvTranspose2d(Module):
    """Transposed convolution of images, `(N, H, W, in_channels)` to `(N, H', W', out_channels)`.

    `H'` and `W'` follow from `H` and `W` as in `ConvTranspose1d`. Options are numbers or pairs.

    Args:
        in_channels: The size of the input's last axis.
        out_channels: The size of the output's last axis.
        kernel_size: The height and width of the kernel.
        stride: The step in the output from one input to the next.
        padding: How much is cut from both sides of each axis of the output.
        dilation: The distance between neighbouring entries of the kernel.
        output_padding: How much is added at the end of each axis of the output.
        bias: Whether to add a learned bias.

    Parameters: `weight` of shape `(out_channels, *kernel_size, in_channels)`, uniform; `bias` of
    shape `(out_channels,)`, zeros.

    Example:
        >>> layer = nn.ConvTranspose2d(8, 3, kernel_size=4, stride=2, padding=1)
        >>> layer(mx.zeros((1, 5, 7, 8))).shape
        (1, 10, 14, 3)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Union[int, tuple],
        stride: Union[int, tuple] = 1,
        padding: Union[int, tuple] = 0,
        dilation: Union[int, tuple] = 1,
        output_padding: Union[int, tuple] = 0,
        bias: bool = True,
    ):
        super().__init__()
        self.weight = initial_weight(self, in_channels, out_channels, as_tuple(kernel_size, 2))
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.stride = as_tuple(stride, 2)
        self.padding = as_tuple(padding, 2)
        self.dilation = dilation
        self.output_padding = as_tuple(output_padding, 2)

    def _extra_repr(self):
        return describe(self, "stride", "padding", "dilation", "output_padding")

    def __call__(self, x: mx.array) -> mx.array:
        options = (self.stride, self.padding, self.dilation, self.output_padding)
        return with_bias(self, mx.conv_transpose2d(x, self.weight, *options))


class ConvTranspose3d(Module):
    """Transposed convolution of volumes: of `(N, D, H, W, in_channels)`.

    The result is `(N, D', H', W', out_channels)`; the sizes follow as in `ConvTranspose1d`. Options
    are numbers or triples.

    Args:
        in_channels: The size of the input's last axis.
        out_channels: The size of the output's last axis.
        kernel_size: The depth, height and width of the kernel.
        stride: The step in the output from one input to the next.
        padding: How much is cut from both sides of each axis of the output.
        dilation: The distance between neighbouring entries of the kernel.
        output_padding: How much is added at the end of each axis of the output.
        bias: Whether to add a learned bias.

    Parameters: `weight` of shape `(out_channels, *kernel_size, in_channels)`, uniform; `bias` of
    shape `(out_channels,)`, zeros.

    Example:
        >>> nn.ConvTranspose3d(4, 1, kernel_size=2, stride=2)(mx.zeros((1, 3, 3, 3, 4))).shape
        (1, 6, 6, 6, 1)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Union[int, tuple],
        stride: Union[int, tuple] = 1,
        padding: Union[int, tuple] = 0,
        dilation: Union[int, tuple] = 1,
        output_padding: Union[int, tuple] = 0,
        bias: bool = True,
    ):
        super().__init__()
        self.weight = initial_weight(self, in_channels, out_channels, as_tuple(kernel_size, 3))
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.stride = as_tuple(stride, 3)
        self.padding = as_tuple(padding, 3)
        self.dilation = dilation
        self.output_padding = as_tuple(output_padding, 3)

    def _extra_repr(self):
        return describe(self, "stride", "padding", "dilation", "output_padding")

    def __call__(self, x: mx.array) -> mx.array:
        options = (self.stride, self.padding, self.dilation, self.output_padding)
        return with_bias(self, mx.conv_transpose3d(x, self.weight, *options))
