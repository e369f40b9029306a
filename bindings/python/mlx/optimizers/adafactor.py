"""Adafactor: the size of past gradients in a row and a column per matrix."""

from typing import Any, Callable, Optional, Tuple, Union

import mlx.core as mx
from mlx.optimizers.optimizer import Optimizer


def _root_mean_square(x):
    return mx.sqrt(mx.mean(mx.square(x)))


class Adafactor(Optimizer):
    """Adaptive steps with memory that grows as rows plus columns (Shazeer and Stern 2018).

    Of a matrix of squared gradients only the means along its rows and columns are kept; their outer
    product over their mean stands for it. What has less than two dimensions keeps all squares.

    Args:
        learning_rate (float or callable, optional): the step size; None with ``relative_step``.
        eps (tuple): added to squared gradients; the smallest scale of a parameter.
        clip_threshold (float): the largest root mean square of an update before it is scaled.
        decay_rate (float): the mean of squares decays with 1 - t^decay_rate in step t.
        beta_1 (float, optional): steps along a running mean of updates.
        weight_decay (float): as in AdamW.
        scale_parameter (bool): steps in proportion to the root mean square of the parameter.
        relative_step (bool): a step size of min(0.01, 1/sqrt(t)) in step t.
        warmup_init (bool): with ``relative_step``, at most 1e-6 t.

    Raises:
        ValueError: there is neither a learning rate nor ``relative_step``

    Example:
        >>> optimizer = optim.Adafactor()  # its own step size
        >>> model = nn.Linear(2, 1)
        >>> optimizer.update(model, {"weight": mx.ones((1, 2)), "bias": mx.ones(1)})
        >>> sorted(optimizer.state["weight"])
        ['exp_avg_sq_col', 'exp_avg_sq_row']
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array], None] = None,
        eps: Tuple[float, float] = (1e-30, 1e-3),
        clip_threshold: float = 1.0,
        decay_rate: float = -0.8,
        beta_1: Optional[float] = None,
        weight_decay: float = 0.0,
        scale_parameter: bool = True,
        relative_step: bool = True,
        warmup_init: bool = False,
    ):
        super().__init__()
        if learning_rate is None and not relative_step:
            raise ValueError("[Adafactor] without relative_step a learning rate is needed")
        if learning_rate is not None:
            self._maybe_schedule("learning_rate", learning_rate)
        self.eps = eps
        self.clip_threshold = clip_threshold
        self.decay_rate = decay_rate
        self.beta_1 = beta_1
        self.weight_decay = weight_decay
        self.scale_parameter = scale_parameter
        self.relative_step = relative_step
        self.warmup_init = warmup_init

    def init_single(self, parameter: mx.array, state: dict):
        """``exp_avg_sq_row`` and ``exp_avg_sq_col``, or ``exp_avg_sq``; with beta_1 ``exp_avg``."""
        if parameter.ndim >= 2:
            shape, dtype = parameter.shape, parameter.dtype
            state["exp_avg_sq_row"] = mx.zeros(shape[:-1], dtype=dtype)
            state["exp_avg_sq_col"] = mx.zeros(shape[:-2] + shape[-1:], dtype=dtype)
        else:
            state["exp_avg_sq"] = mx.zeros_like(parameter)
        if self.beta_1 is not None:
            state["exp_avg"] = mx.zeros_like(parameter)

    @property
    def learning_rate(self) -> mx.array:
        """The step size of the current step, before the parameter's size counts; with
        ``relative_step`` a value that was set does not matter."""
        if not self.relative_step:
            return self.state["learning_rate"]
        largest = 1e-6 * self.step if self.warmup_init else 1e-2
        return mx.minimum(largest, mx.rsqrt(self.step))

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.state["learning_rate"] = mx.array(learning_rate)

    def _rate(self, scale):
        """The step size in this step."""
        rate = self.learning_rate
        if self.scale_parameter:
            rate = mx.maximum(self.eps[1], scale) * rate
        return rate

    def _normalised(self, gradient, state):
        """The gradient over the root of its running mean square."""
        decay = (1.0 - self.step**self.decay_rate).astype(gradient.dtype)
        squares = mx.square(gradient) + self.eps[0]

        def average(name, new):
            state[name] = decay * state[name] + (1 - decay) * new
            return state[name]

        if gradient.ndim < 2:
            return gradient * mx.rsqrt(average("exp_avg_sq", squares))
        rows = average("exp_avg_sq_row", mx.mean(squares, axis=-1))
        columns = average("exp_avg_sq_col", mx.mean(squares, axis=-2))
        return gradient * self._approximate_exp_moving_avg(rows, columns)

    def _approximate_exp_moving_avg(self, exp_avg_sq_row, exp_avg_sq_col):
        """One over the root of the squares that these means of rows and columns stand for."""
        rows = exp_avg_sq_row / mx.mean(exp_avg_sq_row, axis=-1, keepdims=True)
        return mx.rsqrt(rows)[..., None] * mx.rsqrt(exp_avg_sq_col)[..., None, :]

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        rate = self._rate(_root_mean_square(parameter)).astype(gradient.dtype)
        update = self._normalised(gradient, state)
        update = update / mx.maximum(1.0, _root_mean_square(update) / self.clip_threshold)
        update = rate * update
        if self.beta_1 is not None:
            update = self.beta_1 * state["exp_avg"] + (1 - self.beta_1) * update
            state["exp_avg"] = update
        if self.weight_decay != 0:
            parameter = parameter - parameter * (self.weight_decay * rate)
        return parameter - update
