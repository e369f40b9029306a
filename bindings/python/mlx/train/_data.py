"""Where a trainer's batches come from."""

import os
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence

from ._setup import PathLike, batch_of, differences
from ._words import described, is_array, whole

_END = object()

# Where batches were counted from, a stream's epoch or its state, and how many there are since then.
Place = tuple[Any, int]


class Data:
    """An epoch of batches at a time, from any place in it."""

    def __init__(self, data: Any, what: str, length: Optional[int] = None) -> None:
        self.given = data
        if hasattr(data, "to_stream"):
            data = data.to_stream()
        one = isinstance(data, (str, bytes, dict)) or is_array(data)
        if one or not (callable(data) or hasattr(data, "__iter__")):
            raise TypeError(
                f"[train] {what} are batches in a list or stream, not {described(data)}"
            )
        if length is not None and not whole(length, 1):
            raise ValueError(f"[train] an epoch is a number of batches above 0, not {length!r}")
        self.data, self.what, self.length = data, what, length
        self.is_stream = hasattr(data, "state_dict") and hasattr(data, "reset")
        self.is_read_once = hasattr(data, "__next__") and not self.is_stream
        self.rest: Optional[Iterator[Any]] = None  # what an epoch of a given length left
        self.begun = self.taken = 0  # how often the data began, batches since then
        self.base: Any = 0  # the epoch or state that they began with
        self.number = 0  # the stream's epoch then
        self.torn = False  # whether an interrupt may have kept a batch from being counted
        self.left: Optional[tuple[Place, Any]] = None  # the place of a stream that was left
        self.first: Optional[dict[str, str]] = None  # the first batch since then, in words
        self.wanted: Optional[tuple[Any, PathLike]] = None  # what it was in a checkpoint

    # --- what a checkpoint keeps ------------------------------------------------------------------

    def place(self) -> Place:
        """Where the data stand."""
        return self.base, self.taken

    def leave(self) -> None:
        """Others may move the stream until the next batch."""
        if self.is_stream and self.left is None and not self.torn:
            self.left = self.place(), self.data.state_dict()

    def lends_to(self, other: "Data") -> bool:
        """Whether reading the others may move the stream."""
        if not self.is_stream or callable(other.data):
            return self.is_stream
        return other.is_stream and not _moving(self.data).isdisjoint(_moving(other.data))

    def state(self, place: Place) -> Mapping[str, Any]:
        """What a checkpoint says of a place, and of what the data are."""
        found = self._state_at(place) if self.is_stream else {"taken": place[1]}
        return {"place": found, "epoch": self.number, "first": self.first}

    def _state_at(self, place):
        """A batch may have been given that was not trained on."""
        stood, state = self.left or (self.place(), None if self.torn else self.data.state_dict())
        if stood != place or state is None:
            self._seek(*place)
            state = self.data.state_dict()
            self.left = place, state
        return state

    def goes_on(self, before: Optional["Data"]) -> bool:
        """Whether epochs of a given length go on in data that are the same as those before."""
        again = self.is_stream or isinstance(self.data, (list, tuple))
        same = again and before is not None and before.given is self.given
        return same and self.length is not None and self.length == before.length

    def _words(self, batch):
        """A batch in words; whose values are the same each time has them, too."""
        values = self.is_stream or isinstance(self.data, (list, tuple))
        size = {"the number of batches": str(len(self.data))} if self._is_sized() else {}
        return {"steps_per_epoch": repr(self.length), **size, **batch_of(batch, values)}

    def _is_sized(self):
        return hasattr(self.data, "__len__") and not callable(self.data)

    def check(self, state: Any, path: PathLike) -> None:
        """Raise ValueError unless a checkpoint's state is of these data. Of what is neither a list
        nor a stream the first batch is looked at when it comes."""
        kept = state if isinstance(state, dict) else {}
        epoch, first, place = (kept.get(name) for name in ("epoch", "first", "place"))
        if not whole(epoch, 0) or not isinstance(place, dict):
            raise ValueError(f"[train] the checkpoint has no place in these data: {state!r:.40}")
        if self.is_stream:
            self._go_to(place, path)
            batch = next(iter(self.data.reset(epoch)), _END)
        elif not whole(place.get("taken"), 0):
            raise ValueError(f"[train] the checkpoint has no place in these data: {state!r:.40}")
        else:
            batch = self.data[0] if isinstance(self.data, (list, tuple)) and self.data else _END
        self.wanted = (first, path) if first is not None else None
        if self.wanted and batch is not _END:
            self._compare(batch)

    def _go_to(self, place, path):
        try:
            self.data.load_state_dict(place)
        except ValueError as error:
            raise ValueError(
                f"[train] {os.fspath(path)} is of other data: {str(error).removeprefix('[data] ')}; "
                "other=['data'] goes on all the same"
            ) from None

    def _compare(self, batch):
        (first, path), self.wanted = self.wanted, None
        differences({"data": first}, {"data": self._words(batch)}, (), path)

    # --- batches ----------------------------------------------------------------------------------

    def all(self) -> Iterator[Any]:
        """Each batch once; no checkpoint asks what they are."""
        return self._begin(0)

    def epoch(self, number: int, given: int, state: Any = None) -> Iterator[Any]:
        """The batches of an epoch, behind those that were given before."""
        batches, count = self._open(number, given, state), given
        self.left = None
        self.rest = batches
        while self.length is None or count < self.length:
            self._come_back()
            batch = self._next(batches)
            if batch is _END and self.length is not None:
                self.rest = batches = self._begin(None)
                batch = self._next(batches)
                if batch is _END:
                    raise ValueError(f"[train] the {self.what} gave no batch when they began again")
            if batch is _END:
                return
            count += 1
            yield batch

    def _come_back(self):
        """The stream is where it was left."""
        if self.left:
            self.data.load_state_dict(self.left[1])
            self.left = None

    def _next(self, batches):
        """The next batch, counted. What ends in an error goes on behind that, what is interrupted
        goes on from the last batch that was counted."""
        self.torn = True
        try:
            batch = self._counted(next(batches, _END))
        except Exception:
            self.torn = False
            raise
        self.torn = False
        return batch

    def _counted(self, batch):
        if batch is not _END:
            if self.wanted:
                self._compare(batch)
            if self.first is None:
                self.first = self._words(batch)
            self.taken += 1
        return batch

    def _open(self, number, given, state):
        """An epoch of a given length goes on where the one before it ended."""
        if self.length is not None and self.rest is not None:
            self._come_back()
            return self.rest
        if self.length is None and not given:
            return self._begin(number)
        if state is None:
            return self._seek(number, given)
        if not self.is_stream:
            return self._seek(number, state["place"]["taken"])
        batches = self._seek(state["place"], 0)
        self.first = state["first"]
        return batches

    def _seek(self, base, taken):
        batches = self._go_on(base) if isinstance(base, dict) else self._begin(base)
        while self.taken < taken:
            if self._next(batches) is _END:
                raise ValueError(
                    f"[train] the {self.what} gave {self.taken} batches, less than were trained on"
                )
        return batches

    def _go_on(self, state):
        self.data.load_state_dict(state)
        self.base, self.number, self.taken = state, self.data.epoch, 0
        return iter(self.data)

    def _begin(self, number: Optional[int]) -> Iterator[Any]:
        """The first batch again; of a stream those of an epoch, or of the next."""
        self.begun, self.taken, self.first = self.begun + 1, 0, None
        if self.is_stream:
            found = iter(self.data.reset(number))
            self.base = self.number = self.data.epoch
            return found
        batches: Iterable[Any] = self.data() if callable(self.data) else self.data
        if not hasattr(batches, "__iter__"):
            raise TypeError(f"[train] the function of {self.what} gave {described(batches)}")
        found = iter(batches)
        if found is batches and not callable(self.data) and self.begun > 1:
            raise ValueError(
                f"[train] the {self.what} can be read once only: give a list, a stream of "
                "mlx.data, or a function that returns batches"
            )
        return found


def _moving(stream):
    """The streams that move with one: itself and those below."""
    below = getattr(stream, "_below", tuple)()
    return {id(stream)}.union(*(_moving(one) for one in below if hasattr(one, "state_dict")))
