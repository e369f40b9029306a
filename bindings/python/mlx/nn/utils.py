"""Gradients of modules, on one process and on many."""

from functools import wraps
from typing import Any, Callable, Optional

import mlx.core as mx

from ..utils import tree_flatten, tree_map, tree_reduce, tree_unflatten
from .layers.base import Module


def value_and_grad(model: Module, fn: Callable):
    """A function that returns `fn`'s value and its gradient by the model's trainable parameters.

    Args:
        model: The model, which `fn` uses.
        fn: Any function of any arguments that returns a scalar, or a tuple or list that begins with
            one.

    Returns:
        A function of `fn`'s arguments that returns its value and a tree of gradients, in the
        structure of `model.trainable_parameters()`.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> loss_and_grad = nn.value_and_grad(model, lambda x, y: nn.losses.mse_loss(model(x), y))
        >>> loss, gradients = loss_and_grad(mx.ones((4, 2)), mx.zeros((4, 1)))
        >>> gradients["weight"].shape
        (1, 2)
    """

    def with_parameters(parameters, *args, **kwargs):
        model.update(parameters)
        return fn(*args, **kwargs)

    run = mx.value_and_grad(with_parameters)

    @wraps(fn)
    def wrapped(*args, **kwargs):
        parameters = model.trainable_parameters()
        try:
            return run(parameters, *args, **kwargs)
        finally:
            model.update(parameters)  # in place of the tracers of the call

    return wrapped


def checkpoint(module: Module, fn: Optional[Callable] = None):
    """A function that stores only its inputs for the backward pass and then computes again.

    Args:
        module: The module whose trainable parameters get gradients.
        fn: The function, which may use the module; by default the module's call.
    """
    fn = module if fn is None else fn

    def with_parameters(parameters, *args, **kwargs):
        module.update(parameters)
        return fn(*args, **kwargs)

    run = mx.checkpoint(with_parameters)

    @wraps(fn)
    def wrapped(*args, **kwargs):
        return run(module.trainable_parameters(), *args, **kwargs)

    return wrapped


def average_gradients(
    gradients: Any,
    group: Optional[mx.distributed.Group] = None,
    all_reduce_size: int = 32 * 1024**2,
    communication_stream: Optional[mx.Stream] = None,
):
    """The mean of the gradients of all processes.

    Args:
        gradients: A tree of arrays, of one structure everywhere.
        group: The processes; by default all.
        all_reduce_size: Arrays are joined until they have so many bytes, to send few large messages
            and not many small ones; 0 or less sends each alone.
        communication_stream: Where to communicate; None for the default.

    Returns:
        Any: A tree of the means, of the same structure; in a group of one process the gradients as
            they are.

    Example:
        >>> nn.average_gradients({"weight": mx.array([1.0, 2.0])})
        {'weight': array([1, 2], dtype=float32)}
    """
    group = group or mx.distributed.init()
    size = group.size()
    if size == 1:
        return gradients

    def average(x):
        return mx.distributed.all_sum(x, group=group, stream=communication_stream) / size

    if all_reduce_size <= 0:
        return tree_map(average, gradients)
    flat = tree_flatten(gradients)
    averaged = []
    for batch in _batches([x for _, x in flat], all_reduce_size):
        averaged += _together(average, batch)
    return tree_unflatten([(path, x) for (path, _), x in zip(flat, averaged)])


def _batches(arrays, size):
    """Runs of neighbouring arrays of one dtype; each but the last has at least `size` bytes."""
    batch, total = [], 0
    for x in arrays:
        if batch and (total >= size or x.dtype != batch[0].dtype):
            yield batch
            batch, total = [], 0
        batch.append(x)
        total += x.nbytes
    if batch:
        yield batch


def _together(fn, arrays):
    """`fn`, which is elementwise, of each array, called once on all of them joined."""
    joined = fn(mx.concatenate([x.reshape(-1) for x in arrays]))
    results, start = [], 0
    for x in arrays:
        results.append(joined[start : start + x.size].reshape(x.shape))
        start += x.size
    return results


def clip_grad_norm_sharded(
    gradients: Any, max_norm: float, group: Optional[mx.distributed.Group] = None
):
    """Scale gradients that lie in pieces on several processes so that their norm is limited.

    Args:
        gradients: A tree of this process's pieces.
        max_norm: The largest norm of all gradients of all processes together.
        group: The processes; by default all.

    Returns:
        The pieces, scaled if the norm was larger, and the norm before that.
    """
    group = group or mx.distributed.init()
    squares = tree_reduce(
        lambda total, g: total + mx.square(g.astype(mx.float32)).sum(), gradients, mx.array(0.0)
    )
    norm = mx.sqrt(mx.distributed.all_sum(squares, group=group))
    scale = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda g: g * scale.astype(g.dtype), gradients), norm
