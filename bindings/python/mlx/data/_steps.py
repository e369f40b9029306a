"""How operations become steps, and what a state says of them."""

import os
from functools import wraps
from inspect import signature
from typing import Any, Callable, Mapping, Optional, Sequence, TypeVar, Union

import numpy as np

from .._saved import from_here
from ._settings import words_of
from ._task import Sample, Step, whole

Self = TypeVar("Self", bound="Steps")
Method = TypeVar("Method", bound=Callable[..., Any])

Keys = Union[str, Sequence[str]]
"""One key of a sample or several, of which a step does the same with each."""


def recorded(method: Method) -> Method:
    """A method whose result knows what it was made with, so that a state of one that was made
    otherwise is refused. The folder of files is no part of it."""
    names = signature(method)

    @wraps(method)
    def call(self, *arguments, **named):
        made = method(self, *arguments, **named)
        bound = names.bind(self, *arguments, **named)
        bound.apply_defaults()
        given = {n: v for n, v in bound.arguments.items() if n not in ("self", "prefix")}
        made._verb, made._arguments = method.__name__, given
        return made

    return call  # type: ignore[return-value]


class Steps:
    """What takes steps: buffers and streams."""

    _may_drop = False  # whether a step may leave a sample out
    _step: Optional[Step] = None  # the one that this buffer or stream adds
    _kind = ""
    _verb = ""  # the method that made it
    _arguments: Mapping[str, Any] = {}  # of that method
    _said: Optional[dict[str, Any]] = None

    def _add(self: Self, step: Step) -> Self:
        raise NotImplementedError

    def _below(self) -> Sequence["Steps"]:
        """What this takes samples from."""
        upstream = getattr(self, "_upstream", None)
        return [] if upstream is None else [upstream]

    def _settings(self) -> Mapping[str, Any]:
        """What it was made with besides the arguments of a method."""
        return {}

    def _about(self) -> dict[str, Any]:
        """Its kind and what it was made with, in words. Made once: each task of a prefetch has a
        state."""
        if self._said is None:
            values = {**self._settings(), **self._arguments}
            words = {name: words_of(value) for name, value in values.items()}
            given = {name: text for name, text in words.items() if text is not None}
            self._said = {"kind": self._verb or self._kind, "with": given}
        return self._said

    def _random_steps(self) -> int:
        """How many random steps samples have gone through at most."""
        own = self._step is not None and self._step.random
        return own + max((one._random_steps() for one in self._below()), default=0)

    def _add_random(
        self: Self,
        name: str,
        key: str,
        apply: Callable[[Sample, Any], Sample],
        seed: int,
    ) -> Self:
        """One more step, `apply(sample, random)`. Its random numbers are its own also where other
        steps have the same seed: they follow from its place among them."""
        seed, place = whole(seed, "a seed"), self._random_steps()

        def drawn(sample, task):
            return apply(sample, task.random(seed, place))

        return self._add(Step(name, drawn, key, random=True))


def keys_of(key: Keys) -> tuple[str, ...]:
    """The keys of a step."""
    keys = (key,) if isinstance(key, str) else tuple(key)
    if not keys or not all(isinstance(one, str) for one in keys) or len(set(keys)) < len(keys):
        raise ValueError(f"[data] a key is a text, or there are several that differ: {key!r}")
    return keys


def outputs_of(keys: Sequence[str], output_key: Keys) -> tuple[str, ...]:
    """Where what is made of each key goes."""
    outputs = tuple(keys) if not output_key else keys_of(output_key)
    if len(outputs) != len(keys):
        raise ValueError(f"[data] output_key is a text for each key of {', '.join(keys)}")
    return outputs


def at_key(
    name: str,
    key: Keys,
    func: Union[Callable[[Any], Any], Sequence[Callable[[Any], Any]]],
    output_key: Keys = "",
) -> Step:
    """A step on the value at `key`, or at each of several; with as many functions, each has its
    own."""
    keys = keys_of(key)
    outputs = outputs_of(keys, output_key)
    functions = [func] * len(keys) if callable(func) else list(func)
    if len(keys) == 1:
        (one,), (output,), (function,) = keys, outputs, functions
        return Step(name, lambda s, _: {**s, output: function(value_at(s, one))}, one)

    def apply(sample, _):
        made = {}
        for one, output, function in zip(keys, outputs, functions):
            with named(one):
                made[output] = function(value_at(sample, one))
        return {**sample, **made}

    return Step(name, apply, keys[0])


class named:
    """Errors of one key of several say which."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, LookupError):
            raise ValueError(f"{self.key!r}: {str(error).removeprefix('[data] ')}") from error


def value_at(sample: Sample, key: str) -> Any:
    """The value, or an error that names the keys that there are."""
    if key not in sample:
        raise LookupError(f"no {key!r} among {sorted(sample)}")
    return sample[key]


def axis_of(array: np.ndarray, dim: int) -> int:
    """A dimension of an array, from 0, or ValueError."""
    if not -array.ndim <= dim < array.ndim:
        raise ValueError(f"an array of shape {array.shape} has no dimension {dim}")
    return dim % array.ndim


def paths_below(prefix: Any) -> Callable[[Any], str]:
    """What gives the path of a file by its name, which may be bytes. Relative ones are of the folder
    that the program works in now. Where there is a prefix the name, which a file may have said,
    leads no further up."""
    folder = os.fsdecode(prefix)
    place = from_here(folder)

    def path(name):
        if not isinstance(name, (str, bytes, os.PathLike)):
            kind = type(name).__name__
            raise TypeError(
                f"the name of a file is a text, not {kind}: files are read before batch"
            )
        file = os.fsdecode(name)
        if folder and (os.path.isabs(file) or os.pardir in file.split(os.sep)):
            raise ValueError(f"{file!r} is no name below the prefix {folder!r}: it leads out of it")
        return os.path.join(place, file)

    return path


def bytes_of(value: Any) -> Any:
    """The bytes of a file."""
    if not isinstance(value, (bytes, bytearray, memoryview, np.ndarray)):
        raise TypeError(f"the bytes of a file were expected, not {type(value).__name__}")
    return value
