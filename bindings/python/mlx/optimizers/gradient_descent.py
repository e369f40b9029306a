"""Gradient descent with momentum, and the rules that scale each element by the size of its past
gradients."""

from typing import Callable, Union

import mlx.core as mx
from mlx.optimizers.optimizer import Optimizer, require


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    With the gradient g, decayed as g + weight_decay p::

        v = momentum v + (1 - dampening) g
        p = p - learning_rate v

    Args:
        learning_rate (float or callable): the step size.
        momentum (float): 0 for plain descent.
        weight_decay (float): the strength of the L2 penalty.
        dampening (float): how much less of the gradient enters v.
        nesterov (bool): step along g + momentum v instead (Nesterov 1983; Sutskever et al. 2013).

    Raises:
        ValueError: ``nesterov`` without momentum, or with ``dampening``

    Example:
        >>> model = {"w": mx.array([1.0, 2.0])}
        >>> optim.SGD(0.5).apply_gradients({"w": mx.array([1.0, -1.0])}, model)
        {'w': array([0.5, 2.5], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array]],
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
    ):
        require(
            not nesterov or (momentum > 0 and dampening == 0),
            "Nesterov momentum requires a momentum and zero dampening.",
        )
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.dampening = dampening
        self.nesterov = nesterov

    def init_single(self, parameter: mx.array, state: dict):
        """``v``, the velocity."""
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        rate = self.learning_rate.astype(gradient.dtype)
        if self.momentum <= 0:
            return parameter - rate * gradient
        damped = (1 - self.dampening) * gradient if self.dampening > 0 else gradient
        v = self.momentum * state["v"] + damped
        state["v"] = v
        return parameter - rate * (gradient + self.momentum * v if self.nesterov else v)


class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of squared gradients (Tieleman and Hinton 2012)::

    v = alpha v + (1 - alpha) g^2
    p = p - learning_rate g / (sqrt(v) + eps)

    Args:
        learning_rate (float or callable): the step size.
        alpha (float): the decay of the mean.
        eps (float): keeps the denominator from 0.

    Raises:
        ValueError: ``alpha`` is negative, or ``eps`` is not positive

    Example:
        >>> optim.RMSprop(0.05).apply_gradients({"w": mx.array([2.0])}, {"w": mx.array([1.0])})
        {'w': array([0.5], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array]],
        alpha: float = 0.99,
        eps: float = 1e-8,
    ):
        require(alpha >= 0, f"RMSprop alpha should be >=0, {alpha} was provided instead")
        require(eps > 0, f"RMSprop epsilon should be >0, {eps} was provided instead")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.alpha = alpha
        self.eps = eps

    def init_single(self, parameter: mx.array, state: dict):
        """``v``, the mean of squares."""
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        rate = self.learning_rate.astype(gradient.dtype)
        v = self.alpha * state["v"] + (1 - self.alpha) * mx.square(gradient)
        state["v"] = v
        return parameter - rate * gradient / (mx.sqrt(v) + self.eps)


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of squared gradients (Duchi et al. 2011)::

    v = v + g^2
    p = p - learning_rate g / (sqrt(v) + eps)

    Args:
        learning_rate (float or callable): the step size.
        eps (float): keeps the denominator from 0.

    Raises:
        ValueError: ``eps`` is not positive

    Example:
        >>> optim.Adagrad(0.1).apply_gradients({"w": mx.array([2.0])}, {"w": mx.array([1.0])})
        {'w': array([0.9], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array]],
        eps: float = 1e-8,
    ):
        require(eps > 0, f"Adagrad epsilon should be >0, {eps} was provided instead")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.eps = eps

    def init_single(self, parameter: mx.array, state: dict):
        """``v``, the sum of squares."""
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        rate = self.learning_rate.astype(gradient.dtype)
        v = state["v"] + mx.square(gradient)
        state["v"] = v
        return parameter - rate * gradient / (mx.sqrt(v) + self.eps)


class AdaDelta(Optimizer):
    """Steps in the parameters' own units: a mean of squared steps over one of squared gradients
    (Zeiler 2012)::

        v = rho v + (1 - rho) g^2
        d = sqrt(u + eps) / sqrt(v + eps) g
        u = rho u + (1 - rho) d^2
        p = p - learning_rate d

    Args:
        learning_rate (float or callable): multiplies the steps.
        rho (float): the decay of both means.
        eps (float): the size of the first steps, and what keeps the denominator from 0.

    Raises:
        ValueError: ``rho`` is negative, or ``eps`` is not positive

    Example:
        >>> model = {"w": mx.array([1.0])}
        >>> optim.AdaDelta(1.0, eps=0.01).apply_gradients({"w": mx.array([2.0])}, model)
        {'w': array([0.687652], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array]],
        rho: float = 0.9,
        eps: float = 1e-6,
    ):
        require(rho >= 0, f"AdaDelta rho should be >=0, {rho} was provided instead")
        require(eps > 0, f"AdaDelta epsilon should be >0, {eps} was provided instead")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.rho = rho
        self.eps = eps

    def init_single(self, parameter: mx.array, state: dict):
        """``v`` and ``u``, the means of squared gradients and squared steps."""
        state["v"] = mx.zeros_like(parameter)
        state["u"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        rate = self.learning_rate.astype(gradient.dtype)
        v = self.rho * state["v"] + (1 - self.rho) * mx.square(gradient)
        d = mx.sqrt(state["u"] + self.eps) / mx.sqrt(v + self.eps) * gradient
        state["u"] = self.rho * state["u"] + (1 - self.rho) * mx.square(d)
        state["v"] = v
        return parameter - rate * d
