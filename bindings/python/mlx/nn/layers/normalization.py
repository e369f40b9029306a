"""Normalizations: `(x - mean) / sqrt(var + eps)`, where they differ in what shares mean and var."""

from functools import lru_cache
from typing import Any

import mlx.core as mx

from .base import Module, of_this_shape


def _positive(layer, eps):
    """`eps`, which must be above zero: below, and at a variance of zero, the result would be
    NaN."""
    if not eps > 0:
        raise ValueError(f"[{type(layer).__name__}] 'eps' must be positive but got {eps}.")
    return eps


def _moments(x, axes, pool=lambda moment: moment):
    """Mean of `x`, `x` without it, and the mean of its square; for halves in float32.

    `pool` is applied to the mean along `axes` and to that of the square.
    """
    x = x.astype(mx.float32) if x.dtype in (mx.float16, mx.bfloat16) else x
    mean = pool(mx.mean(x, axis=axes, keepdims=True))
    centred = x - mean
    return mean, centred, pool(mx.mean(mx.square(centred), axis=axes, keepdims=True))


def _divided(centred, var, eps, dtype):
    """The normalized array, in `dtype` if that is a floating-point type."""
    y = centred * mx.rsqrt(var + eps)
    return y.astype(dtype) if mx.issubdtype(dtype, mx.floating) else y


def _scaled(layer, x):
    return layer.weight * x + layer.bias if "weight" in layer else x


class InstanceNorm(Module):
    """Normalizes each channel of each example (Ulyanov et al. 2016).

    The input is `(N, ..., C)`, with at least one axis between.

    Args:
        dims: The number of channels.
        eps: Added to the variance.
        affine: Whether to multiply by a learned `weight` and add a learned `bias`.

    Parameters, if `affine`: `weight`, ones, and `bias`, zeros, of shape `(dims,)`.

    Raises:
        ValueError: when it is called: the input has less than 3 axes

    Example:
        >>> nn.InstanceNorm(1)(mx.array([[[1.0], [3.0]]])).flatten()
        array([-0.999995, 0.999995], dtype=float32)
    """

    def __init__(self, dims: int, eps: float = 1e-5, affine: bool = False):
        super().__init__()
        if affine:
            self.weight = mx.ones((dims,))
            self.bias = mx.zeros((dims,))
        self.dims = dims
        self.eps = _positive(self, eps)

    def _extra_repr(self):
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim < 3:
            raise ValueError(
                "InstanceNorm expects inputs with at least 3 dimensions (N, ..., C) but the input "
                f"has {x.ndim} dimensions."
            )
        _, centred, var = _moments(x, tuple(range(1, x.ndim - 1)))
        return _scaled(self, _divided(centred, var, self.eps, x.dtype))


class LayerNorm(Module):
    """Normalizes over the last axis (Ba et al. 2016).

    Args:
        dims: The size of that axis.
        eps: Added to the variance.
        affine: Whether to multiply by a learned `weight`.
        bias: Whether to add a learned `bias`, if `affine`.

    Parameters, if `affine`: `weight`, ones, and `bias`, zeros, of shape `(dims,)`.

    Example:
        >>> nn.LayerNorm(2)(mx.array([[1.0, 3.0], [10.0, 30.0]]))
        array([[-0.999995, 0.999995],
               [-1, 1]], dtype=float32)
    """

    def __init__(self, dims: int, eps: float = 1e-5, affine: bool = True, bias: bool = True):
        super().__init__()
        if affine:
            self.weight = mx.ones((dims,))
            if bias:
                self.bias = mx.zeros((dims,))
        self.eps = _positive(self, eps)
        self.dims = dims

    def _extra_repr(self):
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        return mx.fast.layer_norm(x, self.get("weight"), self.get("bias"), self.eps)


class RMSNorm(Module):
    """`x / sqrt(mean(x**2) + eps) * weight` over the last axis (Zhang and Sennrich 2019).

    Args:
        dims: The size of that axis.
        eps: Added to the mean of the squares.

    Parameters: `weight` of shape `(dims,)`, ones.

    Example:
        >>> nn.RMSNorm(2)(mx.array([3.0, 4.0]))
        array([0.848528, 1.13137], dtype=float32)
    """

    def __init__(self, dims: int, eps: float = 1e-5):
        super().__init__()
        self.weight = mx.ones((dims,))
        self.eps = _positive(self, eps)

    def _extra_repr(self):
        return f"{self.weight.shape[0]}, eps={self.eps}"

    def __call__(self, x: mx.array) -> mx.array:
        return mx.fast.rms_norm(x, self["weight"], self.eps)


class GroupNorm(Module):
    """Normalizes groups of channels of each example, `(N, ..., C)` (Wu and He 2018).

    Args:
        num_groups: The number of groups, a divisor of `dims`.
        dims: The number of channels.
        eps: Added to the variance.
        affine: Whether to multiply by a learned `weight` and add a learned `bias`.
        pytorch_compatible: Group neighbouring channels, as PyTorch does; otherwise channel `c` is
            in group `c % num_groups`.

    Parameters, if `affine`: `weight`, ones, and `bias`, zeros, of shape `(dims,)`.

    Raises:
        ValueError: `dims` is no multiple of `num_groups`; when it is called: the input has other
            channels

    Example:
        >>> nn.GroupNorm(2, 4)(mx.array([[0.0, 5.0, 2.0, 7.0]]))
        array([[-0.999995, -0.999995, 0.999995, 0.999995]], dtype=float32)
    """

    def __init__(
        self,
        num_groups: int,
        dims: int,
        eps: float = 1e-5,
        affine: bool = True,
        pytorch_compatible: bool = False,
    ):
        super().__init__()
        for what, count in (("groups", num_groups), ("features", dims)):
            if count <= 0:
                raise ValueError(f"The number of {what} ({count}) must be a positive integer.")
        if dims % num_groups != 0:
            raise ValueError(
                f"The number of features ({dims}) must be evenly divisible by "
                f"the number of groups ({num_groups})."
            )
        if affine:
            self.bias = mx.zeros((dims,))
            self.weight = mx.ones((dims,))
        self.num_groups = num_groups
        self.dims = dims
        self.eps = _positive(self, eps)
        self.pytorch_compatible = pytorch_compatible

    def _extra_repr(self):
        return (
            f"{self.num_groups}, {self.dims}, eps={self.eps}, "
            f"affine={'weight' in self}, pytorch_compatible={self.pytorch_compatible}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim < 2 or x.shape[-1] != self.dims:
            raise ValueError(
                f"GroupNorm expects inputs (N, ..., {self.dims}) but got shape {x.shape}."
            )
        x = of_this_shape(x) if x.ndim > 3 else x
        flat = x[:, None] if x.ndim == 2 else mx.flatten(x, 1, -2)
        _, centred, var = _moments(flat, 1, self._pool)
        y = _divided(centred, var, self.eps, x.dtype)
        return _scaled(
            self, y.squeeze(1) if x.ndim == 2 else y.reshape(x.shape) if x.ndim > 3 else y
        )

    def _pool(self, moments):
        """For each channel the mean over its group: from `(N, 1, dims)` to the same shape."""
        group_size = self.dims // self.num_groups
        sizes, axis = (group_size, self.num_groups), 2
        if self.pytorch_compatible:
            sizes, axis = (self.num_groups, group_size), 3
        groups = mx.unflatten(moments, -1, sizes)
        pooled = mx.mean(groups, axis=axis, keepdims=True)
        return mx.flatten(mx.broadcast_arrays(pooled, groups)[0], -2, -1)


@lru_cache(maxsize=None)
def _batch_norm(eps):
    """A function of `x` `(..., C)`, `weight` and `bias` `(C,)`: `x` normalized over all axes but the
    last, times `weight`, plus `bias`; and the mean and variance. Its derivative reads `x` and the
    cotangent three times and writes one array of that size, where that of each step by itself
    would keep what is between them."""

    @mx.custom_function
    def normalized(x, weight, bias):
        axes = tuple(range(x.ndim - 1))
        mean = mx.mean(x, axis=axes)
        var = mx.mean(mx.square(x - mean), axis=axes)
        scale = weight * mx.rsqrt(var + eps)
        return x * scale + (bias - mean * scale), mean, var

    @normalized.vjp
    def _(primals, cotangents, outputs):
        (x, weight, _), (dy, dmean, dvar), (_, mean, var) = primals, cotangents, outputs
        x = of_this_shape(x)
        axes, count = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
        inverse = mx.rsqrt(var + eps)
        dbias = dy.sum(axes)
        dweight = (dy * (x - mean)).sum(axes) * inverse
        # dx = scale (dy - dbias / n - (x - mean) inverse dweight / n), and what the moments add
        scale = weight * inverse
        slope = (2 * dvar - scale * inverse * dweight) / count
        shift = (dmean - scale * dbias) / count - slope * mean
        return dy * scale + (x * slope + shift), dweight, dbias

    return normalized


class BatchNorm(Module):
    """Normalizes each channel over the batch and the spatial axes (Ioffe and Szegedy 2015).

    The input is `(N, C)`, `(N, L, C)` or `(N, H, W, C)`. In training mode the batch's own mean and
    variance are used, and running averages of them (of the unbiased variance) are kept; in
    evaluation mode the running averages are used.

    Args:
        num_features: The number of channels.
        eps: Added to the variance.
        momentum: The weight of a new batch in the running averages.
        affine: Whether to multiply by a learned `weight` and add a learned `bias`.
        track_running_stats: Whether to keep the running averages; otherwise the batch's own values
            are used in both modes.

    Parameters of shape `(num_features,)`: `weight`, ones, and `bias`, zeros, if `affine`;
    `running_mean`, zeros, and `running_var`, ones, which always stay frozen.

    Raises:
        ValueError: when it is called: the input has not 2, 3 or 4 axes, or in training one value
            for each channel

    Example:
        >>> norm = nn.BatchNorm(2)
        >>> norm(mx.array([[1.0, 10.0], [3.0, 30.0]]))
        array([[-0.999995, -1],
               [0.999995, 1]], dtype=float32)
        >>> norm.running_mean
        array([0.2, 2], dtype=float32)
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ):
        super().__init__()
        self.num_features = num_features
        self.eps = _positive(self, eps)
        self.momentum = momentum
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = mx.ones((num_features,))
            self.bias = mx.zeros((num_features,))
        if track_running_stats:
            self._always_frozen = frozenset(("running_mean", "running_var"))
            self.running_mean = mx.zeros((num_features,))
            self.running_var = mx.ones((num_features,))
            self.freeze(keys=["running_mean", "running_var"], recurse=False)

    def unfreeze(self, *args: Any, **kwargs: Any) -> Module:
        """As `Module.unfreeze`; the running averages stay frozen."""
        return super().unfreeze(*args, **kwargs)

    def _extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={'weight' in self}, track_running_stats={self.track_running_stats}"
        )

    def _track(self, mean, var, count):
        """Let the running averages take in the moments of `count` values for each channel."""
        if count < 2:
            raise ValueError("BatchNorm training requires more than one value per channel.")
        old, new = 1 - self.momentum, self.momentum
        unbiased = var * (count / (count - 1))
        self.running_mean = old * self.running_mean + new * mean.astype(self.running_mean.dtype)
        self.running_var = old * self.running_var + new * unbiased.astype(self.running_var.dtype)

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim < 2 or x.ndim > 4:
            raise ValueError(
                f"Expected input tensor to have 2, 3 or 4 dimensions, but got {x.ndim}"
            )
        if self.track_running_stats and not self.training:
            return self._by_averages(x)
        if not mx.issubdtype(x.dtype, mx.floating):
            x = x.astype(mx.float32)
        if self.track_running_stats:
            x = of_this_shape(x)
        y, mean, var = _batch_norm(self.eps)(*self._operands(x))
        if self.track_running_stats:
            self._track(mean, var, x.size // x.shape[-1])
        return y.astype(mx.result_type(x, self.weight) if "weight" in self else x.dtype)

    def _by_averages(self, x):
        """What is known of a channel is one factor: three operations on `x`, not four."""
        factor = mx.rsqrt(self.running_var + self.eps)
        if "weight" not in self:
            return (x - self.running_mean) * factor
        return (x - self.running_mean) * (self.weight * factor) + self.bias

    def _operands(self, x):
        """`x`, weight and bias, for halves in float32."""
        weight = self.get("weight", mx.ones((x.shape[-1],)))
        bias = self.get("bias", mx.zeros((x.shape[-1],)))
        dtype = mx.result_type(mx.result_type(x, weight), mx.float32)
        return x.astype(dtype), weight.astype(dtype), bias.astype(dtype)
