"""How operations become steps."""

import os
from typing import Any, Callable, Mapping, Optional, Sequence, TypeVar

from ._task import Sample, Step, whole

Self = TypeVar("Self", bound="Steps")


class Steps:
    """What takes steps: buffers and streams."""

    _may_drop = False  # whether a step may leave a sample out
    _step: Optional[Step] = None  # the one that this buffer or stream adds
    _kind = ""

    def _add(self: Self, step: Step) -> Self:
        raise NotImplementedError

    def _below(self) -> Sequence["Steps"]:
        """What this takes samples from."""
        upstream = getattr(self, "_upstream", None)
        return [] if upstream is None else [upstream]

    def _settings(self) -> dict[str, Any]:
        """What it was made with, as far as the order of samples follows from it."""
        step = self._step
        return {} if step is None else {"key": step.key, **(step.settings or {})}

    def _words(self) -> str:
        """Its kind and settings. Where these are not the same, a state is of another pipeline."""
        settings = {k: v for k, v in self._settings().items() if v not in (None, "")}
        return f"{self._kind}({', '.join(f'{k}={v}' for k, v in settings.items())})"

    def _random_steps(self) -> int:
        """How many random steps samples have gone through at most."""
        own = self._step is not None and self._step.random
        return own + max((one._random_steps() for one in self._below()), default=0)

    def _add_random(
        self: Self, name: str, key: str, func: Callable[..., Any], output_key: str, seed: int
    ) -> Self:
        """One more step on the value at `key`: `func(value, random)`. Its random numbers are its
        own also where other steps have the same seed: they follow from its place among them."""
        output, place = output_key or key, self._random_steps()
        settings = {"seed": whole(seed, "a seed"), "place": place}

        def apply(sample, task):
            value = value_at(sample, key)
            return {**sample, output: func(value, task.random(seed, place))}

        return self._add(Step(name, apply, key, random=True, settings=settings))


def at_key(name: str, key: str, func: Callable[..., Any], output_key: str = "") -> Step:
    """A step on the value at `key`."""
    output = output_key or key

    def apply(sample, _):
        return {**sample, output: func(value_at(sample, key))}

    return Step(name, apply, key)


def words_of(values: Optional[Mapping[str, Any]]) -> str:
    """What a dict of settings says."""
    return "; ".join(f"{key}: {value}" for key, value in sorted((values or {}).items()))


def value_at(sample: Sample, key: str) -> Any:
    """The value, or an error that names the keys that there are."""
    if key not in sample:
        raise LookupError(f"no {key!r} among {sorted(sample)}")
    return sample[key]


def path_below(prefix: Any, name: Any) -> str:
    """The path of a file, whose name may be bytes."""
    return os.path.join(os.fspath(prefix), os.fsdecode(name))
