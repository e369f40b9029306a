"""Streams that take from no other stream."""

from typing import Any, Callable, Iterable, Iterator, Optional, Sequence

from ._buffer import Buffer, shielded
from ._steps import Steps
from ._stream import State, Stream, number
from ._task import Sample, Task


class FromBuffer(Stream):
    """The samples of a buffer in order."""

    _kind = "buffer"

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self._at = self._position = 0

    def _below(self) -> Sequence[Steps]:
        return [self.buffer]

    def _words(self) -> str:
        return self.buffer._words()

    def _pull(self) -> Optional[Task]:
        if self._position >= len(self.buffer):
            return None
        self._position += 1
        return self.buffer._task(self._position - 1, self._at)

    def _advance(self, count: int) -> range:
        """The numbers of the next samples, which count as given."""
        start = self._position
        self._position = min(start + count, len(self.buffer))
        return range(start, self._position)

    def _restart(self, epoch: int) -> None:
        self._at, self._position = epoch, 0

    def _state(self) -> State:
        return {"at": self._at, "position": self._position}

    def _restore(self, state: State) -> None:
        position = number(state, "position", len(self.buffer))
        self._at, self._position = number(state, "at"), position


class FromIterable(Stream):
    """What an iterable gives, made anew by `factory()` in each epoch. The state is how many were
    given: they are passed over."""

    _kind = "iterable"

    def __init__(
        self,
        factory: Callable[[], Iterable[Any]],
        load: Optional[Callable[[Any, int], Sample]] = None,
    ) -> None:
        if not callable(factory):
            raise TypeError(
                "[data] a function that returns an iterable is needed, so that it can begin again"
            )
        self._factory, self._load = factory, load or _as_sample
        self._at = self._count = 0
        self._items: Optional[Iterator[Any]] = None

    def _pull(self) -> Optional[Task]:
        if self._items is None:
            found = _iterable(self._factory())
            kept = isinstance(found, (list, tuple)) and self._load is _as_sample
            self._items = map(_kept_sample, found) if kept else iter(found)
        for item in self._items:
            self._count += 1
            return Task(self._load, item, self._at, self._count - 1)
        return None

    def _restart(self, epoch: int) -> None:
        self._at, self._count = epoch, 0
        self._items = None

    def _state(self) -> State:
        return {"at": self._at, "count": self._count}

    def _restore(self, state: State) -> None:
        self._restart(number(state, "at"))
        self._pass_over(number(state, "count"))


def _iterable(found):
    if not hasattr(found, "__iter__") and not hasattr(found, "__getitem__"):
        what = type(found).__name__
        raise TypeError(f"[data] the function gave {what}, an iterable was expected")
    return found


def _kept_sample(item):
    """What a list gives is there in the next epoch, too."""
    return shielded(item) if isinstance(item, dict) else item


def _as_sample(item, epoch):
    if not isinstance(item, dict):
        raise TypeError(f"a sample is a dict, not {type(item).__name__}")
    return item
