"""What pipelines hand on: tasks. A task knows how a sample is made and makes it when it is run, on
whatever thread. Which tasks there are, and in what order, is decided on one thread at a time, so
that results do not depend on the number of threads."""

import os
import random
from numbers import Integral
from typing import Any, Callable, NamedTuple, Optional, Sequence

from .._saved import from_here
from ._reading import one_line

Sample = dict[str, Any]

_NAMES = ("file", "__key__")  # keys under which a sample says what it was read from
_LONGEST_NAME = 500
_MOST_LOST = 8  # samples that a sentence names
_MASK = (1 << 64) - 1


class SampleError(ValueError):
    """A step failed on a sample. `step`, `index` and `file` (None where there is none) say which;
    the error itself is `__cause__`. `lost`: the numbers of the samples of its batch, which is not
    made.

    Args:
        step: The name of the step.
        index: The number of the sample, or its place in the stream.
        file: The file that the sample came from, where there is one.
        error: What went wrong.

    Example:
        >>> buffer = data.buffer_from_vector([{"x": 0}]).key_transform("x", lambda x: 1 // x)
        >>> try:
        ...     buffer[0]
        ... except data.SampleError as error:
        ...     print(error.index, repr(error.__cause__))
        0 ZeroDivisionError('integer division or modulo by zero')
    """

    def __init__(self, step: str, index: Any, file: Optional[str], error: BaseException) -> None:
        where = f"sample {index}" + (f" ({file})" if file else "")
        text = one_line(error)
        if isinstance(error, KeyError):  # says the key alone
            text = f"{type(error).__name__}: {text}"
        if isinstance(error, OSError) and error.filename is not None:
            text = f"{os.fsdecode(error.filename)}: {text}"
        super().__init__(f"[data] {step} of {where}: {_behind(file, text)}")
        self.step, self.index, self.file = step, index, file
        self.lost: tuple[Any, ...] = ()

    def with_lost(self, lost: Sequence[Any]) -> "SampleError":
        """The same, which says what else is not given."""
        self.lost = tuple(lost)
        if lost:
            names = ", ".join(map(str, lost[:_MOST_LOST])) + ", ..." * (len(lost) > _MOST_LOST)
            self.args = (f"{self} (its batch is lost with samples {names})",)
        return self


def _behind(file, text):
    """What is said of a file, without its path in front: the name, or that in the folder of now."""
    folder, name, rest = text.partition(f"{file}: ")
    return rest if name and folder in ("", _here()) else text


def _here():
    try:
        return from_here("")
    except OSError:  # it is no more
        return ""


class Step(NamedTuple):
    """One operation of a pipeline: `apply(sample, task)` returns a sample, or None, which drops it
    where `drops`. `key` is what it works on; `random` says whether it draws numbers."""

    name: str
    apply: Callable[[Sample, "Task"], Optional[Sample]]
    key: Optional[str] = None
    drops: bool = False
    random: bool = False


class Task:
    """`load(key, epoch)` makes the sample, the steps change it; `index` is its number in the
    source, `origin` that of the source among those that are mixed. A sieve may make none."""

    __slots__ = ("load", "key", "epoch", "index", "steps", "sieve", "origin")

    def __init__(
        self,
        load: Callable[[Any, int], Sample],
        key: Any,
        epoch: int,
        index: Any,
        steps: tuple[Step, ...] = (),
        sieve: bool = False,
        origin: int = 0,
    ) -> None:
        self.load, self.key, self.epoch, self.index = load, key, epoch, index
        self.steps, self.sieve, self.origin = steps, sieve, origin

    def then(self, step: Step) -> "Task":
        """This task with one more step. Who pulls a task is its only owner."""
        self.steps += (step,)
        self.sieve = self.sieve or step.drops
        return self

    def run(self) -> Optional[Sample]:
        """The sample, or None where a step drops it."""
        step, sample = None, None
        try:
            sample = self.load(self.key, self.epoch)
            for step in self.steps:
                sample = step.apply(sample, self)
                if not sample:
                    return self._dropped(step)
            return sample
        except SampleError:
            raise
        except Exception as error:
            name, key = (step.name, step.key) if step else ("read", None)
            raise SampleError(name, self.index, file_of(sample, key), error) from error

    def random(self, seed: int, place: int) -> "Numbers":
        """The random numbers of a step on this sample in this epoch; `place` is how many random
        steps come before it."""
        sample = hash(self.index) ^ _scattered(self.origin)  # _scattered(0) is 0
        return Numbers(_mixed(seed, place, self.epoch, sample))

    def _dropped(self, step):
        if step.drops:
            return None
        raise ValueError("the step left nothing of it; only a stream may drop samples")


def whole(value: Any, what: str, least: Optional[int] = None) -> int:
    """A whole number, from `least` on, or ValueError."""
    if (
        not isinstance(value, Integral)
        or isinstance(value, bool)
        or (least is not None and value < least)
    ):
        wanted = "a whole number" if least is None else f"a whole number from {least}"
        raise ValueError(f"[data] {what} is {wanted}, not {value!r}")
    return int(value)


def _mixed(*numbers: int) -> int:
    mixed = 0
    for number in numbers:
        mixed = (mixed * 0x9E3779B97F4A7C15 + number + 0x632BE59BD9B4E019) % (1 << 128)
    return mixed


def generator(*numbers: int) -> random.Random:
    """Random numbers that follow from the given ones alone."""
    return random.Random(_mixed(*numbers))


def _scattered(z: int) -> int:
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
    return z ^ z >> 31


class Numbers:
    """A few random numbers, sooner had than of `random.Random`: SplitMix64 (Steele, Lea and Flood
    2014)."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        # Seeds that are a few steps of the generator apart must not give one sequence, shifted.
        self._state = _scattered(_scattered(seed & _MASK) ^ (seed >> 64 & _MASK))

    def _next(self) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        return _scattered(self._state)

    def random(self) -> float:
        """A number in [0, 1)."""
        return (self._next() >> 11) * 2.0**-53

    def uniform(self, low: float, high: float) -> float:
        """A number between two."""
        return low + (high - low) * self.random()

    def randrange(self, count: int) -> int:
        """A whole number below `count`."""
        return self._next() * count >> 64


def _given(sample: Sample, epoch: int) -> Sample:
    return sample


def ready(sample: Sample, index: Any, epoch: int, origin: int) -> Task:
    """A task whose sample is made already."""
    return Task(_given, sample, epoch, index, origin=origin)


def _raised(error: SampleError, epoch: int) -> Sample:
    raise error


def failed(error: SampleError) -> Task:
    """A task in the place of one whose sample was found to be wrong."""
    return Task(_raised, error, 0, error.index)


def file_of(sample, key):
    for name in (*_NAMES, key):
        value = sample.get(name) if sample and name else None
        if isinstance(value, bytes) and len(value) <= _LONGEST_NAME:
            value = value.decode("utf-8", "replace")
        if isinstance(value, str) and len(value) <= _LONGEST_NAME and value.isprintable():
            return value
    return None
