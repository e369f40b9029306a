"""Streams that take from no other stream."""

from itertools import islice
from operator import length_hint
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence

from ._buffer import Buffer, shielded
from ._steps import Steps
from ._stream import State, Stream, number
from ._task import Sample, SampleError, Task, failed

_END = object()


class FromBuffer(Stream):
    """The samples of a buffer in order. Threads that ask at the same time get numbers of their own
    without a lock: taking some from the iterator of a range is one step of the interpreter."""

    _kind = "buffer"
    _needs_lock = False

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self._begin(0, 0)

    def _begin(self, epoch, position):
        self._size = len(self.buffer)
        self._place = epoch, iter(range(position, self._size))

    def _below(self) -> Sequence[Steps]:
        return [self.buffer]

    def _about(self) -> State:
        if self._said is None:
            self._said = self.buffer._about()
        return self._said

    def _pull(self) -> Optional[Task]:
        epoch, numbers = self._place
        for i in numbers:
            task = self.buffer._task(i, epoch)
            task.origin = self._origin
            return task
        return None

    def _advance(self, count: int) -> tuple[int, range]:
        """The epoch and the numbers of the next samples, which count as given."""
        epoch, numbers = self._place
        taken = list(islice(numbers, count))
        return epoch, range(taken[0], taken[-1] + 1) if taken else range(0)

    def _restart(self, epoch: int) -> None:
        self._begin(epoch, 0)

    def _state(self) -> State:
        epoch, numbers = self._place
        return {"at": epoch, "position": self._size - length_hint(numbers)}

    def _restore(self, state: State) -> None:
        position = number(state, "position", len(self.buffer))
        self._begin(number(state, "at"), position)


class FromIterable(Stream):
    """What an iterable gives, made anew by `factory()` in each epoch. The state is how many were
    given: they are passed over. An error that it raises is one of the sample that it was asked for;
    what a generator would give behind that is not there."""

    _kind = "iterable"

    def __init__(
        self,
        factory: Callable[[], Iterable[Any]],
        load: Optional[Callable[[Any, int], Sample]] = None,
        settings: Optional[Mapping[str, Any]] = None,
    ) -> None:
        if not callable(factory):
            raise TypeError(
                "[data] a function that returns an iterable is needed, so that it can begin again"
            )
        self._factory, self._load = factory, load or _as_sample
        self._made_with = dict(settings or {})
        self._at = self._count = 0
        self._items: Optional[Iterator[Any]] = None

    def _settings(self) -> Mapping[str, Any]:
        return self._made_with

    def _pull(self) -> Optional[Task]:
        if self._items is None:
            self._items = self._begun()
        try:
            item = next(self._items, _END)
        except SampleError:
            raise
        except Exception as error:
            return self._failed(error)
        if item is _END:
            return None
        self._count += 1
        return Task(self._load, item, self._at, self._count - 1, origin=self._origin)

    def _begun(self):
        try:
            found = self._factory()
        except SampleError:
            raise
        except Exception as error:
            raise SampleError("read", self._count, None, error) from error
        if not hasattr(found, "__iter__") and not hasattr(found, "__getitem__"):
            what = type(found).__name__
            raise TypeError(f"[data] the function gave {what}, an iterable was expected")
        kept = isinstance(found, (list, tuple)) and self._load is _as_sample
        return map(_kept_sample, found) if kept else iter(found)

    def _failed(self, error):
        """In the place of the sample that the iterable raised an error for."""
        self._count += 1
        try:
            raise SampleError("read", self._count - 1, None, error) from error
        except SampleError as named:
            return failed(named)

    def _restart(self, epoch: int) -> None:
        self._at, self._count = epoch, 0
        self._items = None

    def _state(self) -> State:
        return {"at": self._at, "count": self._count}

    def _restore(self, state: State) -> None:
        self._restart(number(state, "at"))
        self._pass_over(number(state, "count"))


def _kept_sample(item):
    """What a list gives is there in the next epoch, too."""
    return shielded(item) if isinstance(item, dict) else item


def _as_sample(item, epoch):
    if not isinstance(item, dict):
        raise TypeError(f"a sample is a dict, not {type(item).__name__}")
    return item
