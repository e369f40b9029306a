"""Resizing of the axes between the first and the last by interpolation."""

import math
from typing import Literal, Tuple, Union

import mlx.core as mx

from .base import Module, of_this_shape


def _nearest(x, axis, scale):
    """Each new point takes the value of one old point."""
    if scale == int(scale) and scale > 0:
        return mx.repeat(x, int(scale), axis=axis)
    x = of_this_shape(x)
    size, new_size = x.shape[axis], int(x.shape[axis] * scale)
    if scale < 1:
        index = [i * size // new_size for i in range(new_size)]
    else:
        index = [round((i + 0.5) * size / new_size - 0.5) for i in range(new_size)]
    return mx.take(x, mx.array(index, dtype=mx.int32), axis=axis)


def _positions(size, scale, align_corners):
    """Where the `int(size * scale)` new points lie, in units of the old ones.

    With `align_corners` the first and last points coincide; otherwise both grids have one centre
    and the new points are `1 / scale` apart.
    """
    new_size = int(size * scale)
    index = mx.arange(new_size, dtype=mx.float32)
    if align_corners:
        return index * ((size - 1) / max(new_size - 1, 1))
    return (index - (new_size - 1) / 2) * (1 / scale if new_size else 0) + (size - 1) / 2


def _triangle(t, _):
    """The kernel of linear interpolation."""
    return mx.maximum(1 - mx.abs(t), 0)


def _cubic(t, antialias):
    """The kernel of cubic convolution (Keys 1981), of slope -0.5 or -0.75 at distance 1."""
    a = -0.5 if antialias else -0.75
    t = mx.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = a * (((t - 5) * t + 8) * t - 4)
    return mx.where(t <= 1, near, mx.where(t < 2, far, 0))


_KERNELS = {"linear": (_triangle, 1), "cubic": (_cubic, 2)}  # and how far they reach


def _interpolate(x, axis, scale, mode, align_corners, antialias):
    """Each new point is a weighted sum of the old points around it.

    Beyond the ends the first and last points are repeated. With `antialias` the kernel is stretched
    when points become fewer, and ends at the ends.
    """
    kernel, reach = _KERNELS[mode]
    x = of_this_shape(x)
    size = x.shape[axis]
    width = max(1 / scale, 1) if antialias and scale > 0 else 1
    reach = math.ceil(reach * width)
    positions = _positions(size, scale, align_corners)[:, None]
    index = mx.floor(positions) + mx.arange(1 - reach, reach + 1, dtype=mx.float32)
    weights = kernel((index - positions) / width, antialias)
    clipped = mx.clip(index, 0, size - 1)
    if antialias:
        weights = mx.where(index == clipped, weights, 0)
        weights = weights / weights.sum(axis=1, keepdims=True)
    column = (-1, *(1,) * (x.ndim - axis - 1))
    return sum(
        mx.take(x, clipped[:, k].astype(mx.int32), axis=axis) * weights[:, k].reshape(column)
        for k in range(2 * reach)
    )


def upsample_nearest(x: mx.array, scale_factor: Tuple) -> mx.array:
    """Each spatial axis of `(N, ..., C)` resized by its factor, to the nearest points."""
    for axis, scale in enumerate(scale_factor, 1):
        x = _nearest(x, axis, scale)
    return x


def _upsample(x, scale_factor, mode, align_corners, antialias):
    for axis, scale in enumerate(scale_factor, 1):
        x = _interpolate(x, axis, scale, mode, align_corners, antialias)
    return x


def upsample_linear(
    x: mx.array, scale_factor: Tuple, align_corners: bool = False, antialias: bool = False
) -> mx.array:
    """Each spatial axis resized by its factor, over 2 points; see `Upsample`."""
    return _upsample(x, scale_factor, "linear", align_corners, antialias)


def upsample_cubic(
    x: mx.array, scale_factor: Tuple, align_corners: bool = False, antialias: bool = False
) -> mx.array:
    """Each spatial axis resized by its factor, over 4 points; see `Upsample`."""
    return _upsample(x, scale_factor, "cubic", align_corners, antialias)


class Upsample(Module):
    """Resizes the spatial axes of `(N, ..., C)`: a size `L` becomes `int(scale * L)`.

    Args:
        scale_factor: One factor for all spatial axes, or one for each.
        mode: `"nearest"` takes the nearest point; `"linear"` and `"cubic"` interpolate along each
            axis, over 2 and 4 points (Keys 1981).
        align_corners: When interpolating, let the first and last points of both grids coincide;
            otherwise points stand for intervals, and the outer ends of those coincide.
        antialias: When an axis shrinks, interpolate over so many more points that all are used.

    Raises:
        ValueError: there is no such mode, or `antialias` does not go with it; when it is called:
            the input has less than 3 axes, or a factor is missing, negative or not finite

    Example:
        >>> nn.Upsample(2)(mx.array([[[1.0], [2.0]]])).flatten()
        array([1, 1, 2, 2], dtype=float32)
        >>> nn.Upsample(2, mode="linear", align_corners=True)(mx.array([[[1.0], [4.0]]])).flatten()
        array([1, 2, 3, 4], dtype=float32)
    """

    def __init__(
        self,
        scale_factor: Union[float, Tuple],
        mode: Literal["nearest", "linear", "cubic"] = "nearest",
        align_corners: bool = False,
        antialias: bool = False,
    ):
        super().__init__()
        if mode not in ("nearest", "linear", "cubic"):
            raise ValueError(f"[Upsample] Got unsupported upsampling algorithm: {mode}")
        if antialias and mode == "nearest":
            raise ValueError(
                "[Upsample] Antialiasing is not supported for nearest neighbor upsampling"
            )
        if antialias and align_corners:
            raise ValueError(
                "[Upsample] antialias=True with align_corners=True is not supported. "
                "Use align_corners=False for antialiased interpolation."
            )
        if isinstance(scale_factor, (list, tuple)):
            self.scale_factor = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.antialias = bool(antialias)

    def _extra_repr(self) -> str:
        antialias = f", antialias={self.antialias}" if self.antialias else ""
        return (
            f"scale_factor={self.scale_factor}, mode={self.mode!r}, "
            f"align_corners={self.align_corners}{antialias}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        scales = self._scales(x.ndim)
        if self.mode == "nearest":
            return upsample_nearest(x, scales)
        return _upsample(x, scales, self.mode, self.align_corners, self.antialias)

    def _scales(self, ndim):
        """One factor for each spatial axis."""
        if ndim < 3:
            raise ValueError(
                "[Upsample] The input should have at least 1 spatial dimension which means it "
                f"should be at least 3D but {ndim}D was provided"
            )
        scales = self.scale_factor
        scales = scales if isinstance(scales, tuple) else (scales,) * (ndim - 2)
        if len(scales) != ndim - 2:
            raise ValueError(
                f"[Upsample] One scale per spatial dimension is required but scale_factor={scales} "
                f"and the number of spatial dimensions were {ndim - 2}"
            )
        if any(not 0 <= scale < math.inf for scale in scales):
            raise ValueError(
                f"[Upsample] The scales must be finite and not negative but got {scales}"
            )
        return scales
