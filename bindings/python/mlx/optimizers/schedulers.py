"""Learning rates as functions of the step; the step may be an array, so that schedules can be
compiled."""

import math
from typing import Callable, List

import mlx.core as mx


def exponential_decay(init: float, decay_rate: float) -> Callable:
    """``init * decay_rate ** step``.

    Args:
        init (float): the first value.
        decay_rate (float): what each step multiplies it by.

    Returns:
        Callable: A function from the step to the value.

    Example:
        >>> optim.exponential_decay(0.5, 0.5)(mx.array(2))
        array(0.125, dtype=float32)
    """

    def schedule(step):
        return init * decay_rate**step

    return schedule


def step_decay(init: float, decay_rate: float, step_size: int) -> Callable:
    """``init * decay_rate ** (step // step_size)``: a smaller rate after each ``step_size``
    steps.

    Args:
        init (float): the first value.
        decay_rate (float): what it is multiplied by.
        step_size (int): after so many steps.

    Returns:
        Callable: A function from the step to the value.

    Example:
        >>> optim.step_decay(0.5, 0.5, 10)(mx.array(25))
        array(0.125, dtype=float32)
    """

    def schedule(step):
        return init * decay_rate ** (step // step_size)

    return schedule


def cosine_decay(init: float, decay_steps: int, end: float = 0.0) -> Callable:
    """Half a cosine wave from ``init`` down to ``end`` in ``decay_steps`` steps, then ``end``.

    Loshchilov and Hutter 2016, "SGDR", without restarts.

    Args:
        init (float): the first value.
        decay_steps (int): the steps of the way down.
        end (float): the last value.

    Returns:
        Callable: A function from the step to the value.

    Example:
        >>> optim.cosine_decay(1.0, 10)(mx.array([0, 5, 20]))
        array([1, 0.5, 0], dtype=float32)
    """

    def schedule(step):
        fraction = mx.minimum(step, decay_steps) / decay_steps
        return end + 0.5 * (init - end) * (1.0 + mx.cos(math.pi * fraction))

    return schedule


def linear_schedule(init: float, end: float, steps: int) -> Callable:
    """A straight line from ``init`` to ``end`` in ``steps`` steps, then ``end``; a warm-up, for
    instance.

    Args:
        init (float): the first value.
        end (float): the last value.
        steps (int): the steps between them.

    Returns:
        Callable: A function from the step to the value.

    Raises:
        ValueError: ``steps`` is no positive number

    Example:
        >>> optim.linear_schedule(0.0, 1.0, 100)(mx.array([0, 25, 200]))
        array([0, 0.25, 1], dtype=float32)
    """
    if steps < 1:
        raise ValueError(f"steps must be greater than 0, but got {steps}.")

    def schedule(step):
        return mx.minimum(step, steps) * ((end - init) / steps) + init

    return schedule


def join_schedules(schedules: List[Callable], boundaries: List[int]) -> Callable:
    """One schedule after the other; each counts its steps from its own boundary.

    Args:
        schedules: functions of the step.
        boundaries: for every schedule but the first, the step at which it begins.

    Returns:
        Callable: A function from the step to the value.

    Raises:
        ValueError: there is no schedule, or not one boundary less than schedules

    Example:
        >>> warmup, decay = optim.linear_schedule(0.0, 1.0, 10), optim.cosine_decay(1.0, 90)
        >>> schedule = optim.join_schedules([warmup, decay], [10])
        >>> schedule(mx.array(5)), schedule(mx.array(55))
        (array(0.5, dtype=float32), array(0.5, dtype=float32))
    """
    if not schedules:
        raise ValueError("Must provide at least 1 schedule to join.")
    if len(schedules) != len(boundaries) + 1:
        raise ValueError(
            f"Received {len(boundaries)} boundaries but expected {len(schedules) - 1}."
        )

    def schedule(step):
        rate = schedules[0](step)
        for boundary, following in zip(boundaries, schedules[1:]):
            rate = mx.where(step < boundary, rate, following(step - boundary))
        return rate

    return schedule
