"""Adam and its relatives: running means of gradients, scaled by their size."""

from typing import Callable, List, Union

import mlx.core as mx
from mlx.optimizers.optimizer import Optimizer, require


def _require_betas(name, betas):
    for number, beta in enumerate(betas, 1):
        require(
            0 <= beta < 1, f"{name} beta{number} should be in [0, 1), {beta} was provided instead"
        )


class Adam(Optimizer):
    """Steps along a running mean of gradients, divided by their running size (Kingma and Ba 2015)::

        m = b1 m + (1 - b1) g
        v = b2 v + (1 - b2) g^2
        p = p - learning_rate m / (sqrt(v) + eps)

    Args:
        learning_rate (float or callable): the step size.
        betas (tuple): b1 and b2.
        eps (float): keeps the denominator from 0.
        bias_correction (bool): divide m by 1 - b1^t and v by 1 - b2^t in step t, as the paper does.

    Example:
        >>> model = {"w": mx.array([1.0, 1.0])}
        >>> optim.Adam(0.1).apply_gradients({"w": mx.array([2.0, 0.5])}, model)
        {'w': array([0.683772, 0.683772], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array]],
        betas: List[float] = [0.9, 0.999],
        eps: float = 1e-8,
        bias_correction: bool = False,
    ):
        require(eps >= 0, f"Adam epsilon should be >=0, {eps} was provided instead")
        _require_betas("Adam", betas)
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas = betas
        self.eps = eps
        self.bias_correction = bias_correction

    def init_single(self, parameter: mx.array, state: dict):
        """``m`` and ``v``, the means of gradients and of their squares."""
        state["m"] = mx.zeros_like(parameter)
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        rate = self.learning_rate.astype(gradient.dtype)
        b1, b2 = self.betas
        m = b1 * state["m"] + (1 - b1) * gradient
        v = b2 * state["v"] + (1 - b2) * mx.square(gradient)
        state["m"], state["v"] = m, v
        if not self.bias_correction:
            return parameter - rate * m / (mx.sqrt(v) + self.eps)
        c1 = (rate / (1 - b1**self.step)).astype(gradient.dtype)
        c2 = mx.rsqrt(1 - b2**self.step).astype(gradient.dtype)
        return parameter - c1 * m / (mx.sqrt(v) * c2 + self.eps)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019)::

    p = p (1 - learning_rate weight_decay), then a step of Adam

    Args:
        learning_rate (float or callable): the step size.
        betas (tuple): b1 and b2 of Adam.
        eps (float): keeps the denominator from 0.
        weight_decay (float): how much parameters shrink, in proportion to the step size.
        bias_correction (bool): as in Adam.

    Example:
        >>> model = {"w": mx.array([1.0])}
        >>> optim.AdamW(0.1, weight_decay=1.0).apply_gradients({"w": mx.array([0.0])}, model)
        {'w': array([0.9], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array]],
        betas: List[float] = [0.9, 0.999],
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
    ):
        super().__init__(learning_rate, betas, eps, bias_correction)
        self.weight_decay = weight_decay

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        rate = self.learning_rate.astype(gradient.dtype)
        return super().apply_single(gradient, parameter * (1 - rate * self.weight_decay), state)


class Adamax(Adam):
    """Adam with the largest gradient of late in place of the mean square (Kingma and Ba 2015,
    section 7)::

        v = max(b2 v, |g|)
        p = p - learning_rate m / (v + eps)

    Args:
        learning_rate (float or callable): the step size.
        betas (tuple): b1 and b2.
        eps (float): keeps the denominator from 0.

    Raises:
        ValueError: ``eps`` is negative

    Example:
        >>> optim.Adamax(0.1).apply_gradients({"w": mx.array([2.0])}, {"w": mx.array([1.0])})
        {'w': array([0.99], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array]],
        betas: List[float] = [0.9, 0.999],
        eps: float = 1e-8,
    ):
        super().__init__(learning_rate, betas, eps)

    def init_single(self, parameter: mx.array, state: dict):
        """``m`` and ``v``, the mean gradient and the largest one."""
        super().init_single(parameter, state)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        rate = self.learning_rate.astype(gradient.dtype)
        b1, b2 = self.betas
        m = b1 * state["m"] + (1 - b1) * gradient
        v = mx.maximum(b2 * state["v"], mx.abs(gradient))
        state["m"], state["v"] = m, v
        return parameter - rate * m / (v + self.eps)


class Lion(Optimizer):
    """Steps of equal size along the sign of a running mean (Chen et al. 2023)::

        c = b1 m + (1 - b1) g
        m = b2 m + (1 - b2) g
        p = p - learning_rate (sign(c) + weight_decay p)

    A learning rate three to ten times smaller than Adam's serves well.

    Args:
        learning_rate (float or callable): the step size.
        betas (tuple): b1 and b2.
        weight_decay (float): how much parameters shrink, in proportion to the step size.

    Example:
        >>> model = {"w": mx.array([1.0, 1.0])}
        >>> optim.Lion(0.1).apply_gradients({"w": mx.array([2.0, -0.01])}, model)
        {'w': array([0.9, 1.1], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array]],
        betas: List[float] = [0.9, 0.99],
        weight_decay: float = 0.0,
    ):
        _require_betas("Lion", betas)
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas = betas
        self.weight_decay = weight_decay

    def init_single(self, parameter: mx.array, state: dict):
        """``m``, the mean gradient."""
        state["m"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        rate = self.learning_rate.astype(gradient.dtype)
        b1, b2 = self.betas
        m = state["m"]
        direction = mx.sign(b1 * m + (1 - b1) * gradient)
        state["m"] = b2 * m + (1 - b2) * gradient
        if self.weight_decay > 0:
            parameter = (1 - rate * self.weight_decay) * parameter
        return parameter - rate * direction
