"""Modules that apply activation functions, and the functions."""

from typing import Any

import mlx.core as mx

from .activation_functions import (  # noqa: F401
    celu,
    elu,
    gelu,
    gelu_approx,
    gelu_fast_approx,
    glu,
    hard_shrink,
    hard_tanh,
    hardswish,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    prelu,
    relu,
    relu2,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softmin,
    softplus,
    softshrink,
    softsign,
    step,
    tanh,
)
from .base import Module


def _applies(fn):
    """A class decorator: calling the module is calling `fn`."""

    def decorate(cls):
        cls.__call__ = lambda _, x: fn(x)
        return cls

    return decorate


class GLU(Module):
    """Applies `glu`.

    Args:
        axis: Split along this axis, whose size is even.

    Raises:
        ValueError: when it is called: the size of the axis is odd

    Example:
        >>> nn.GLU()(mx.array([1.0, 2.0, 0.0, 100.0]))
        array([0.5, 2], dtype=float32)
    """

    def __init__(self, axis: int = -1):
        super().__init__()
        self.axis = axis

    def __call__(self, x) -> Any:
        return glu(x=x, axis=self.axis)


@_applies(sigmoid)
class Sigmoid(Module):
    """Applies `sigmoid`.

    Example:
        >>> nn.Sigmoid()(mx.array([-1.0, 0.0, 1.0]))
        array([0.268941, 0.5, 0.731059], dtype=float32)
    """


@_applies(mish)
class Mish(Module):
    """Applies `mish`.

    Example:
        >>> nn.Mish()(mx.array([-1.0, 0.0, 2.0]))
        array([-0.303401, 0, 1.94396], dtype=float32)
    """


@_applies(relu)
class ReLU(Module):
    """Applies `relu`.

    Example:
        >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU())(mx.zeros((4, 2))).shape
        (4, 3)
    """


@_applies(relu2)
class ReLU2(Module):
    """Applies `relu2`.

    Example:
        >>> nn.ReLU2()(mx.array([-1.0, 0.0, 2.0]))
        array([0, 0, 4], dtype=float32)
    """


@_applies(relu6)
class ReLU6(Module):
    """Applies `relu6`.

    Example:
        >>> nn.ReLU6()(mx.array([-1.0, 3.0, 9.0]))
        array([0, 3, 6], dtype=float32)
    """


class LeakyReLU(Module):
    """Applies `leaky_relu`.

    Args:
        negative_slope: The slope below zero.

    Example:
        >>> nn.LeakyReLU(0.25)(mx.array([-1.0, 0.0, 2.0]))
        array([-0.25, 0, 2], dtype=float32)
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

    Example:
        >>> nn.ELU(2.0)(mx.array([-1.0, 0.0, 2.0]))
        array([-1.26424, 0, 2], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return elu(x, self._alpha)


@_applies(softmax)
class Softmax(Module):
    """Applies `softmax` along the last axis.

    Example:
        >>> nn.Softmax()(mx.array([[0.0, 0.0], [1.0, 2.0]]))
        array([[0.5, 0.5],
               [0.268941, 0.731059]], dtype=float32)
    """


@_applies(softmin)
class Softmin(Module):
    """Applies `softmin` along the last axis.

    Example:
        >>> nn.Softmin()(mx.array([1.0, 2.0]))
        array([0.731059, 0.268941], dtype=float32)
    """


@_applies(softplus)
class Softplus(Module):
    """Applies `softplus`.

    Example:
        >>> nn.Softplus()(mx.array([-1.0, 0.0, 100.0]))
        array([0.313262, 0.693147, 100], dtype=float32)
    """


@_applies(softsign)
class Softsign(Module):
    """Applies `softsign`.

    Example:
        >>> nn.Softsign()(mx.array([-1.0, 0.0, 3.0]))
        array([-0.5, 0, 0.75], dtype=float32)
    """


class Softshrink(Module):
    """Applies `softshrink`.

    Args:
        lambd: The threshold.

    Example:
        >>> nn.Softshrink(1.0)(mx.array([-2.0, 0.25, 1.5]))
        array([-1, 0, 0.5], dtype=float32)
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

    Example:
        >>> nn.CELU(2.0)(mx.array([-1.0, 0.0, 2.0]))
        array([-0.786939, 0, 2], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return celu(x, self._alpha)


@_applies(silu)
class SiLU(Module):
    """Applies `silu`.

    Example:
        >>> nn.SiLU()(mx.array([-1.0, 0.0, 2.0]))
        array([-0.268941, 0, 1.76159], dtype=float32)
    """


@_applies(log_softmax)
class LogSoftmax(Module):
    """Applies `log_softmax` along the last axis.

    Example:
        >>> nn.LogSoftmax()(mx.array([1.0, 1.0]))
        array([-0.693147, -0.693147], dtype=float32)
    """


@_applies(log_sigmoid)
class LogSigmoid(Module):
    """Applies `log_sigmoid`.

    Example:
        >>> nn.LogSigmoid()(mx.array([-100.0, 0.0]))
        array([-100, -0.693147], dtype=float32)
    """


class PReLU(Module):
    """Applies `prelu` with a learned slope.

    Args:
        num_parameters: The number of slopes: 1, or the size of the input's last axis.
        init: The slopes' first value.

    Parameters: `weight` of shape `(num_parameters,)`.

    Example:
        >>> nn.PReLU(2)(mx.array([[-1.0, 2.0]]))
        array([[-0.25, 2]], dtype=float32)
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

    Raises:
        ValueError: there is no such approximation

    Example:
        >>> nn.GELU("fast")(mx.array([-1.0, 0.0, 2.0]))
        array([-0.154204, 0, 1.93566], dtype=float32)
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
    """Applies `tanh`.

    Example:
        >>> nn.Tanh()(mx.array([-1.0, 0.0, 1.0]))
        array([-0.761594, 0, 0.761594], dtype=float32)
    """


@_applies(hardswish)
class Hardswish(Module):
    """Applies `hardswish`.

    Example:
        >>> nn.Hardswish()(mx.array([-1.0, 0.0, 2.0]))
        array([-0.333333, 0, 1.66667], dtype=float32)
    """


class Step(Module):
    """Applies `step`.

    Args:
        threshold: Where the output turns from 0 to 1.

    Example:
        >>> nn.Step(1.0)(mx.array([-1.0, 0.0, 2.0]))
        array([0, 0, 1], dtype=int32)
    """

    def __init__(self, threshold: float = 0.0):
        super().__init__()
        self.threshold = threshold

    def __call__(self, x: mx.array):
        return step(x, self.threshold)


@_applies(selu)
class SELU(Module):
    """Applies `selu`.

    Example:
        >>> nn.SELU()(mx.array([-1.0, 0.0, 2.0]))
        array([-1.11133, 0, 2.1014], dtype=float32)
    """


@_applies(hard_tanh)
class HardTanh(Module):
    """Applies `hard_tanh` with the limits -1 and 1.

    Example:
        >>> nn.HardTanh()(mx.array([-4.0, 0.5, 2.0]))
        array([-1, 0.5, 1], dtype=float32)
    """


class HardShrink(Module):
    """Applies `hard_shrink`.

    Args:
        lambd: The threshold.

    Example:
        >>> nn.HardShrink(1.0)(mx.array([-4.0, 0.25, 2.0]))
        array([-4, 0, 2], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def __call__(self, x: mx.array) -> mx.array:
        return hard_shrink(x, self.lambd)
