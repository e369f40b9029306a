"""How operations become steps."""

import os
from typing import Any, Callable, Optional, TypeVar

from ._task import Sample, Step

Self = TypeVar("Self", bound="Steps")


class Steps:
    """What takes steps: buffers and streams."""

    _may_drop = False  # whether a step may leave a sample out

    def _add(self: Self, step: Step) -> Self:
        raise NotImplementedError


def at_key(
    name: str, key: str, func: Callable[..., Any], output_key: str = "", seed: Optional[int] = None
) -> Step:
    """A step on the value at `key`. With a seed, `func(value, random)` gets random numbers."""
    output = output_key or key

    def apply(sample, task):
        value = value_at(sample, key)
        result = func(value) if seed is None else func(value, task.random(seed))
        return {**sample, output: result}

    return Step(name, apply, key)


def value_at(sample: Sample, key: str) -> Any:
    """The value, or an error that names the keys that there are."""
    if key not in sample:
        raise LookupError(f"no {key!r} among {sorted(sample)}")
    return sample[key]


def path_below(prefix: Any, name: Any) -> str:
    """The path of a file, whose name may be bytes."""
    return os.path.join(os.fspath(prefix), os.fsdecode(name))
