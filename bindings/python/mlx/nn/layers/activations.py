"""Activation functions, elementwise unless an axis is named, and modules that apply them."""

import math
from typing import Any

import mlx.core as mx

from .base import Module


def _applies(fn):
    """A class decorator: calling the module is calling `fn`."""

    def decorate(cls):
        cls.__call__ = lambda _, x: fn(x)
        return cls

    return decorate


def sigmoid(x: mx.array) -> mx.array:
    """The logistic function, `1 / (1 + exp(-x))`."""
    return mx.sigmoid(x)


def relu(x: mx.array) -> mx.array:
    """Rectified linear unit, `max(x, 0)` (Nair and Hinton 2010)."""
    return mx.maximum(x, 0)


def relu2(x: mx.array) -> mx.array:
    """The square of ReLU, `max(x, 0) ** 2` (So et al. 2021, Primer)."""
    return mx.square(mx.maximum(x, 0))


def relu6(x: mx.array) -> mx.array:
    """ReLU capped at six, `min(max(x, 0), 6)` (Krizhevsky 2010)."""
    return mx.minimum(mx.maximum(x, 0), 6.0)


def leaky_relu(x: mx.array, negative_slope: float = 0.01) -> mx.array:
    """`x` where positive, else `negative_slope * x` (Maas et al. 2013)."""
    return mx.where(x > 0, x, negative_slope * x)


def _inexact(x):
    return x.dtype if mx.issubdtype(x.dtype, mx.inexact) else mx.float32


def _log_normalizer(x, axis):
    """The maximum `m` and `log(sum(exp(x - m)))` along `axis`, which stays, in float32 at least."""
    m = mx.stop_gradient(mx.max(x, axis=axis, keepdims=True))
    m = m if x.dtype in (mx.float64, mx.complex64) else m.astype(mx.float32)
    return m, mx.log(mx.sum(mx.exp(x - m), axis=axis, keepdims=True))


def log_softmax(x: mx.array, axis: int = -1) -> mx.array:
    """The logarithm of softmax along `axis`, `x - logsumexp(x)`.

    The maximum is subtracted first, so that large numbers in common cost no digits; halves are
    float32 inside.
    """
    m, norm = _log_normalizer(x, axis)
    return (x - m - norm).astype(_inexact(x))


def elu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """`x` where positive, else `alpha * (exp(x) - 1)` (Clevert et al. 2015)."""
    return mx.where(x > 0, x, alpha * mx.expm1(mx.minimum(x, 0)))


def softmax(x: mx.array, axis: int = -1) -> mx.array:
    """`exp(x) / sum(exp(x))` along `axis`."""
    return mx.softmax(x, axis=axis)


def softmin(x: mx.array, axis: int = -1) -> mx.array:
    """Softmax of `-x` along `axis`."""
    return mx.softmax(-x, axis=axis)


def softplus(x: mx.array) -> mx.array:
    """`log(1 + exp(x))` without overflow."""
    return mx.logaddexp(x, 0)


def softsign(x: mx.array) -> mx.array:
    """`x / (1 + |x|)`."""
    return mx.divide(x, 1 + mx.abs(x))


def softshrink(x, lambd: float = 0.5):
    """Soft thresholding: `x` moved towards 0 by `lambd`, 0 if it is nearer than that."""
    return mx.where(mx.abs(x) > lambd, x - mx.sign(x) * lambd, 0)


def celu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """`max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1)`, an ELU without a kink (Barron 2017)."""
    return mx.maximum(x, 0.0) + alpha * mx.expm1(mx.minimum(x, 0.0) / alpha)


def silu(x: mx.array) -> mx.array:
    """`x * sigmoid(x)`, also called swish (Hendrycks and Gimpel 2016; Ramachandran et al. 2017)."""
    return x * mx.sigmoid(x)


def log_sigmoid(x: mx.array) -> mx.array:
    """`log(sigmoid(x))` without underflow."""
    return -softplus(-x)


def gelu(x) -> mx.array:
    """`x * (1 + erf(x / sqrt(2))) / 2`, `x` times the normal distribution function.

    Hendrycks and Gimpel 2016.
    """
    return x * (1 + mx.erf(x / math.sqrt(2))) / 2


def gelu_approx(x: mx.array) -> mx.array:
    """`x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2`, within 0.0005 of `gelu`."""
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_fast_approx(x: mx.array) -> mx.array:
    """GELU through the logistic function, `x * sigmoid(1.702 * x)`; within 0.021 of `gelu`."""
    return x * mx.sigmoid(1.702 * x)


def glu(x: mx.array, axis: int = -1) -> mx.array:
    """`a * sigmoid(b)` for the two halves of `x` along `axis` (Dauphin et al. 2016)."""
    a, b = mx.split(x, indices_or_sections=2, axis=axis)
    return a * mx.sigmoid(b)


def step(x: mx.array, threshold: float = 0.0):
    """1 where `x >= threshold`, else 0, as int32."""
    return mx.where(x >= threshold, 1, 0)


def selu(x: mx.array) -> mx.array:
    """`1.0507 * elu(x, 1.67326)`, which tends to mean 0 and variance 1 (Klambauer et al. 2017)."""
    return elu(x, 1.67326) * 1.0507


def prelu(x: mx.array, alpha: mx.array) -> mx.array:
    """`x` where positive, else `alpha * x`; `alpha` is learned (He et al. 2015)."""
    return mx.maximum(0, x) + alpha * mx.minimum(0, x)


def mish(x: mx.array) -> mx.array:
    """`x * tanh(softplus(x))` (Misra 2019)."""
    return x * mx.tanh(softplus(x))


def hardswish(x: mx.array) -> mx.array:
    """`x * min(max(x + 3, 0), 6) / 6`, a piecewise swish (Howard et al. 2019, MobileNetV3)."""
    return x * mx.minimum(mx.maximum(x + 3, 0), 6) / 6


def hard_tanh(x: mx.array, min_val: float = -1.0, max_val: float = 1.0) -> mx.array:
    """`x` limited to `[min_val, max_val]`."""
    return mx.minimum(mx.maximum(x, min_val), max_val)


def hard_shrink(x: mx.array, lambd: float = 0.5) -> mx.array:
    """`x` where `|x| > lambd`, else 0."""
    return mx.where(mx.abs(x) > lambd, x, 0)


def tanh(x: mx.array) -> mx.array:
    """The hyperbolic tangent."""
    return mx.tanh(x)


class GLU(Module):
    """Applies `glu`.

    Args:
        axis: Split along this axis, whose size is even.
    """

    def __init__(self, axis: int = -1):
        super().__init__()
        self.axis = axis

    def __call__(self, x) -> Any:
        return glu(x=x, axis=self.axis)


@_applies(sigmoid)
class Sigmoid(Module):
    """Applies `sigmoid`."""


@_applies(mish)
class Mish(Module):
    """Applies `mish`."""


@_applies(relu)
class ReLU(Module):
    """Applies `relu`."""


@_applies(relu2)
class ReLU2(Module):
    """Applies `relu2`."""


@_applies(relu6)
class ReLU6(Module):
    """Applies `relu6`."""


class LeakyReLU(Module):
    """Applies `leaky_relu`.

    Args:
        negative_slope: The slope below zero.
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self._negative_slope = negative_slope

    def __call__(self, x: mx.array) -> mx.array:
        return leaky_relu(x, self._negative_slope)


class ELU(Module):
    """Applies `elu`.

    Args:
        alpha: Minus the limit at minus infinity.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return elu(x, self._alpha)


@_applies(softmax)
class Softmax(Module):
    """Applies `softmax` along the last axis."""


@_applies(softmin)
class Softmin(Module):
    """Applies `softmin` along the last axis."""


@_applies(softplus)
class Softplus(Module):
    """Applies `softplus`."""


@_applies(softsign)
class Softsign(Module):
    """Applies `softsign`."""


class Softshrink(Module):
    """Applies `softshrink`.

    Args:
        lambd: The threshold.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def __call__(self, x: mx.array) -> mx.array:
        return softshrink(x, self.lambd)


class CELU(Module):
    """Applies `celu`.

    Args:
        alpha: Minus the limit at minus infinity.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return celu(x, self._alpha)


@_applies(silu)
class SiLU(Module):
    """Applies `silu`."""


@_applies(log_softmax)
class LogSoftmax(Module):
    """Applies `log_softmax` along the last axis."""


@_applies(log_sigmoid)
class LogSigmoid(Module):
    """Applies `log_sigmoid`."""


class PReLU(Module):
    """Applies `prelu` with a learned slope.

    Args:
        num_parameters: The number of slopes: 1, or the size of the input's last axis.
        init: The slopes' first value.

    Parameters: `weight` of shape `(num_parameters,)`.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.weight = mx.full([num_parameters], init)

    def __call__(self, x: mx.array):
        return prelu(x, self.weight)


class GELU(Module):
    """Applies `gelu` or an approximation to it.

    Args:
        approx: `"none"` for `gelu`, `"precise"` or `"tanh"` for `gelu_approx`, `"fast"` for
            `gelu_fast_approx`.
    """

    def __init__(self, approx: str = "none") -> None:
        super().__init__()
        if approx not in _GELU:
            raise ValueError(
                f"The approximation should be in {list(_GELU)} but '{approx}' was given"
            )
        self._approx = approx

    def __call__(self, x: mx.array) -> mx.array:
        return _GELU[self._approx](x)


_GELU = {"none": gelu, "precise": gelu_approx, "tanh": gelu_approx, "fast": gelu_fast_approx}


@_applies(tanh)
class Tanh(Module):
    """Applies `tanh`."""


@_applies(hardswish)
class Hardswish(Module):
    """Applies `hardswish`."""


class Step(Module):
    """Applies `step`.

    Args:
        threshold: Where the output turns from 0 to 1.
    """

    def __init__(self, threshold: float = 0.0):
        super().__init__()
        self.threshold = threshold

    def __call__(self, x: mx.array):
        return step(x, self.threshold)


@_applies(selu)
class SELU(Module):
    """Applies `selu`."""


@_applies(hard_tanh)
class HardTanh(Module):
    """Applies `hard_tanh` with the limits -1 and 1."""


class HardShrink(Module):
    """Applies `hard_shrink`.

    Args:
        lambd: The threshold.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def __call__(self, x: mx.array) -> mx.array:
        return hard_shrink(x, self.lambd)
