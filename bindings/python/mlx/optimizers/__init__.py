"""Optimizers: rules that turn gradients into new parameters, and schedules for their learning
rates.

    optimizer = optim.AdamW(learning_rate=optim.cosine_decay(1e-3, 1000))
    loss, gradients = nn.value_and_grad(model, loss_fn)(model, x, y)
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state)
"""

from mlx.optimizers.adafactor import Adafactor
from mlx.optimizers.adam import Adam, AdamW, Adamax, Lion
from mlx.optimizers.gradient_descent import SGD, AdaDelta, Adagrad, RMSprop
from mlx.optimizers.muon import Muon
from mlx.optimizers.optimizer import MultiOptimizer, Optimizer, clip_grad_norm
from mlx.optimizers.schedulers import (
    cosine_decay,
    exponential_decay,
    join_schedules,
    linear_schedule,
    step_decay,
)
from mlx.utils import tree_flatten, tree_map, tree_merge, tree_reduce, tree_unflatten

from . import optimizers

__all__ = [
    "AdaDelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "MultiOptimizer",
    "Muon",
    "Optimizer",
    "RMSprop",
    "SGD",
    "clip_grad_norm",
    "cosine_decay",
    "exponential_decay",
    "join_schedules",
    "linear_schedule",
    "optimizers",
    "step_decay",
    "tree_flatten",
    "tree_map",
    "tree_merge",
    "tree_reduce",
    "tree_unflatten",
]
