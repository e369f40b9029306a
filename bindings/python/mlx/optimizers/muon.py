"""Muon: momentum whose matrices are made orthogonal."""

from typing import Callable, Union

import mlx.core as mx
from mlx.optimizers.optimizer import Optimizer


def _orthogonal(x: mx.array, steps: int) -> mx.array:
    """Roughly the nearest orthogonal matrix to x (m, n): `steps` iterations of a quintic that
    drives all singular values towards 1, in the dtype of x (Jordan et al. 2024, "Muon")."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = x.shape[-2] > x.shape[-1]
    x = x.T if tall else x
    x = x / (mx.linalg.norm(x, keepdims=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + mx.addmm(b * gram, gram, gram, beta=1.0, alpha=c) @ x
    return x.T if tall else x


class Muon(Optimizer):
    """Momentum, made orthogonal for matrices (Jordan et al. 2024). With the gradient decayed as g +
    weight_decay p::

        v = momentum v + (1 - momentum) g
        p = p - learning_rate sqrt(max(1, rows / columns)) orthogonal(v)

    Kernels of convolutions count as matrices of (outputs, all else); what has one dimension moves
    along v. Embeddings and the last layer do better with AdamW: see MultiOptimizer.

    Args:
        learning_rate (float or callable): the step size.
        momentum (float): the decay of v.
        weight_decay (float): the strength of the L2 penalty.
        nesterov (bool): step along (1 - momentum) g + momentum v.
        ns_steps (int): iterations towards orthogonality.

    Example:
        >>> model = nn.Linear(4, 4, bias=False)
        >>> optimizer = optim.Muon(0.02)
        >>> before = model.weight
        >>> optimizer.update(model, {"weight": 100 * mx.eye(4)})
        >>> round(mx.linalg.norm(model.weight - before).item(), 2)
        0.03
    """

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array]],
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        nesterov: bool = True,
        ns_steps: int = 5,
    ):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.nesterov = nesterov
        self.ns_steps = ns_steps

    def init_single(self, parameter: mx.array, state: dict):
        """``v``, the mean gradient."""
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """One step; see the class."""
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        v = self.momentum * state["v"] + (1 - self.momentum) * gradient
        state["v"] = v
        update = (1 - self.momentum) * gradient + self.momentum * v if self.nesterov else v
        rate = self.learning_rate.astype(gradient.dtype)
        if update.ndim >= 2:
            matrix = _orthogonal(mx.reshape(update, (update.shape[0], -1)), self.ns_steps)
            rate = rate * max(1, update.shape[-2] / update.shape[-1]) ** 0.5
            update = mx.reshape(matrix, update.shape)
        return parameter - rate * update
