"""Activation functions, elementwise unless an axis is named."""

import math

import mlx.core as mx


def sigmoid(x: mx.array) -> mx.array:
    """The logistic function, `1 / (1 + exp(-x))`.

    Args:
        x: The numbers.

    Returns:
        mx.array: Numbers from 0 to 1, of the shape of `x`.

    Example:
        >>> nn.sigmoid(mx.array([-1.0, 0.0, 1.0]))
        array([0.268941, 0.5, 0.731059], dtype=float32)
    """
    return mx.sigmoid(x)


def relu(x: mx.array) -> mx.array:
    """Rectified linear unit, `max(x, 0)` (Nair and Hinton 2010).

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape and dtype of `x`.

    Example:
        >>> nn.relu(mx.array([-1.0, 0.0, 2.0]))
        array([0, 0, 2], dtype=float32)
    """
    return mx.maximum(x, 0)


def relu2(x: mx.array) -> mx.array:
    """The square of ReLU, `max(x, 0) ** 2` (So et al. 2021, Primer).

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape and dtype of `x`.

    Example:
        >>> nn.relu2(mx.array([-1.0, 0.0, 2.0]))
        array([0, 0, 4], dtype=float32)
    """
    return mx.square(mx.maximum(x, 0))


def relu6(x: mx.array) -> mx.array:
    """ReLU capped at six, `min(max(x, 0), 6)` (Krizhevsky 2010).

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.relu6(mx.array([-1.0, 3.0, 9.0]))
        array([0, 3, 6], dtype=float32)
    """
    return mx.minimum(mx.maximum(x, 0), 6.0)


def leaky_relu(x: mx.array, negative_slope: float = 0.01) -> mx.array:
    """`x` where positive, else `negative_slope * x` (Maas et al. 2013).

    Args:
        x: The numbers.
        negative_slope: The slope below zero.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.leaky_relu(mx.array([-1.0, 0.0, 2.0]), 0.25)
        array([-0.25, 0, 2], dtype=float32)
    """
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

    Args:
        x: Scores, of any shape.
        axis: The axis whose probabilities add up to 1.

    Returns:
        mx.array: Of the shape of `x`; float32 where `x` has integers.

    Example:
        >>> nn.log_softmax(mx.array([1.0, 1.0]))
        array([-0.693147, -0.693147], dtype=float32)
    """
    m, norm = _log_normalizer(x, axis)
    return (x - m - norm).astype(_inexact(x))


def elu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """`x` where positive, else `alpha * (exp(x) - 1)` (Clevert et al. 2015).

    Args:
        x: The numbers.
        alpha: Minus the limit at minus infinity.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.elu(mx.array([-1.0, 0.0, 2.0]))
        array([-0.632121, 0, 2], dtype=float32)
    """
    return mx.where(x > 0, x, alpha * mx.expm1(mx.minimum(x, 0)))


def softmax(x: mx.array, axis: int = -1) -> mx.array:
    """`exp(x) / sum(exp(x))` along `axis`.

    Args:
        x: Scores, of any shape.
        axis: The axis whose probabilities add up to 1.

    Returns:
        mx.array: Of the shape of `x`; float32 where `x` has integers.

    Example:
        >>> nn.softmax(mx.array([[0.0, 0.0], [1.0, 2.0]]))
        array([[0.5, 0.5],
               [0.268941, 0.731059]], dtype=float32)
    """
    return mx.softmax(x, axis=axis)


def softmin(x: mx.array, axis: int = -1) -> mx.array:
    """Softmax of `-x` along `axis`.

    Args:
        x: Costs, of any shape.
        axis: The axis whose probabilities add up to 1.

    Returns:
        mx.array: Of the shape of `x`; float32 where `x` has integers.

    Example:
        >>> nn.softmin(mx.array([1.0, 2.0]))
        array([0.731059, 0.268941], dtype=float32)
    """
    return mx.softmax(-x, axis=axis)


def softplus(x: mx.array) -> mx.array:
    """`log(1 + exp(x))` without overflow.

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.softplus(mx.array([-1.0, 0.0, 100.0]))
        array([0.313262, 0.693147, 100], dtype=float32)
    """
    return mx.logaddexp(x, 0)


def softsign(x: mx.array) -> mx.array:
    """`x / (1 + |x|)`.

    Args:
        x: The numbers.

    Returns:
        mx.array: Numbers from -1 to 1, of the shape of `x`.

    Example:
        >>> nn.softsign(mx.array([-1.0, 0.0, 3.0]))
        array([-0.5, 0, 0.75], dtype=float32)
    """
    return mx.divide(x, 1 + mx.abs(x))


def softshrink(x, lambd: float = 0.5):
    """Soft thresholding: `x` moved towards 0 by `lambd`, 0 if it is nearer than that.

    Args:
        x: The numbers.
        lambd: The threshold.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.softshrink(mx.array([-2.0, 0.25, 1.0]))
        array([-1.5, 0, 0.5], dtype=float32)
    """
    return mx.where(mx.abs(x) <= lambd, 0, x - mx.sign(x) * lambd)


def celu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """`max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1)`, an ELU without a kink (Barron 2017).

    Args:
        x: The numbers.
        alpha: Minus the limit at minus infinity.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.celu(mx.array([-1.0, 0.0, 2.0]), alpha=2.0)
        array([-0.786939, 0, 2], dtype=float32)
    """
    return mx.maximum(x, 0.0) + alpha * mx.expm1(mx.minimum(x, 0.0) / alpha)


def silu(x: mx.array) -> mx.array:
    """`x * sigmoid(x)`, also called swish (Hendrycks and Gimpel 2016; Ramachandran et al. 2017).

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.silu(mx.array([-1.0, 0.0, 2.0]))
        array([-0.268941, 0, 1.76159], dtype=float32)
    """
    return x * mx.sigmoid(x)


def log_sigmoid(x: mx.array) -> mx.array:
    """`log(sigmoid(x))` without underflow.

    Args:
        x: The numbers.

    Returns:
        mx.array: Numbers below 0, of the shape of `x`.

    Example:
        >>> nn.log_sigmoid(mx.array([-100.0, 0.0]))
        array([-100, -0.693147], dtype=float32)
    """
    return -softplus(-x)


def gelu(x) -> mx.array:
    """`x * (1 + erf(x / sqrt(2))) / 2`, `x` times the normal distribution function.

    Hendrycks and Gimpel 2016.

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.gelu(mx.array([-1.0, 0.0, 2.0]))
        array([-0.158655, 0, 1.9545], dtype=float32)
    """
    return x * (1 + mx.erf(x / math.sqrt(2))) / 2


def gelu_approx(x: mx.array) -> mx.array:
    """`x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2`, within 0.0005 of `gelu`.

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.gelu_approx(mx.array([-1.0, 0.0, 2.0]))
        array([-0.158808, 0, 1.9546], dtype=float32)
    """
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_fast_approx(x: mx.array) -> mx.array:
    """GELU through the logistic function, `x * sigmoid(1.702 * x)`; within 0.021 of `gelu`.

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.gelu_fast_approx(mx.array([-1.0, 0.0, 2.0]))
        array([-0.154204, 0, 1.93566], dtype=float32)
    """
    return x * mx.sigmoid(1.702 * x)


def glu(x: mx.array, axis: int = -1) -> mx.array:
    """`a * sigmoid(b)` for the two halves of `x` along `axis` (Dauphin et al. 2016).

    Args:
        x: The numbers.
        axis: The axis that is divided, whose size is even.

    Returns:
        mx.array: Of the shape of `x`, but half as large along `axis`.

    Raises:
        ValueError: the size of the axis is odd

    Example:
        >>> nn.glu(mx.array([1.0, 2.0, 0.0, 100.0]))
        array([0.5, 2], dtype=float32)
    """
    a, b = mx.split(x, indices_or_sections=2, axis=axis)
    return a * mx.sigmoid(b)


def step(x: mx.array, threshold: float = 0.0):
    """1 where `x >= threshold`, else 0, as int32.

    Args:
        x: The numbers.
        threshold: Where the result turns from 0 to 1.

    Returns:
        mx.array: Zeros and ones of int32, of the shape of `x`.

    Example:
        >>> nn.step(mx.array([-1.0, 0.0, 2.0]))
        array([0, 1, 1], dtype=int32)
    """
    return mx.where(x >= threshold, 1, 0)


def selu(x: mx.array) -> mx.array:
    """`1.0507 * elu(x, 1.67326)`, which tends to mean 0 and variance 1 (Klambauer et al. 2017).

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.selu(mx.array([-1.0, 0.0, 2.0]))
        array([-1.11133, 0, 2.1014], dtype=float32)
    """
    return elu(x, 1.67326) * 1.0507


def prelu(x: mx.array, alpha: mx.array) -> mx.array:
    """`x` where positive, else `alpha * x`; `alpha` is learned (He et al. 2015).

    Args:
        x: The numbers.
        alpha: The slope below zero: one, or one for each number of the last axis.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.prelu(mx.array([[-1.0, -1.0]]), mx.array([0.25, 0.5]))
        array([[-0.25, -0.5]], dtype=float32)
    """
    return mx.maximum(0, x) + alpha * mx.minimum(0, x)


def mish(x: mx.array) -> mx.array:
    """`x * tanh(softplus(x))` (Misra 2019).

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.mish(mx.array([-1.0, 0.0, 2.0]))
        array([-0.303401, 0, 1.94396], dtype=float32)
    """
    return x * mx.tanh(softplus(x))


def hardswish(x: mx.array) -> mx.array:
    """`x * min(max(x + 3, 0), 6) / 6`, a piecewise swish (Howard et al. 2019, MobileNetV3).

    Args:
        x: The numbers.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.hardswish(mx.array([-1.0, 0.0, 2.0]))
        array([-0.333333, 0, 1.66667], dtype=float32)
    """
    return x * mx.minimum(mx.maximum(x + 3, 0), 6) / 6


def hard_tanh(x: mx.array, min_val: float = -1.0, max_val: float = 1.0) -> mx.array:
    """`x` limited to `[min_val, max_val]`.

    Args:
        x: The numbers.
        min_val: The least result.
        max_val: The greatest result.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.hard_tanh(mx.array([-4.0, 0.5, 2.0]))
        array([-1, 0.5, 1], dtype=float32)
    """
    return mx.minimum(mx.maximum(x, min_val), max_val)


def hard_shrink(x: mx.array, lambd: float = 0.5) -> mx.array:
    """0 where `|x| <= lambd`, else `x`.

    Args:
        x: The numbers.
        lambd: The threshold.

    Returns:
        mx.array: Of the shape of `x`.

    Example:
        >>> nn.hard_shrink(mx.array([-4.0, 0.25, 2.0]))
        array([-4, 0, 2], dtype=float32)
    """
    return mx.where(mx.abs(x) <= lambd, 0, x)


def tanh(x: mx.array) -> mx.array:
    """The hyperbolic tangent.

    Args:
        x: The numbers.

    Returns:
        mx.array: Numbers from -1 to 1, of the shape of `x`.

    Example:
        >>> nn.tanh(mx.array([-1.0, 0.0, 1.0]))
        array([-0.761594, 0, 0.761594], dtype=float32)
    """
    return mx.tanh(x)
