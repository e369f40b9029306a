"""Where a trainer's batches come from."""

import os
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence

from ._setup import PathLike, batch_of, differences
from ._words import described, is_array, whole

_END = object()


class Data:
    """An epoch of batches at a time, from any place in it."""

    def __init__(self, data: Any, what: str, length: Optional[int] = None) -> None:
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
        self.rest: Optional[Iterator[Any]] = None  # what an epoch of a given length left
        self.begun = self.taken = 0  # how often the data began, batches since then
        self.first: Optional[dict[str, str]] = None  # the first batch since then, in words
        self.wanted: Optional[tuple[Any, PathLike]] = None  # what it was in a checkpoint

    # --- what a checkpoint keeps ------------------------------------------------------------------

    def state(self) -> Mapping[str, Any]:
        """Where the data stand, and what they are."""
        place = self.data.state_dict() if self.is_stream else {"taken": self.taken}
        epoch = self.data.epoch if self.is_stream else 0
        return {"place": place, "epoch": epoch, "first": self.first}

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
        self.rest = batches
        while self.length is None or count < self.length:
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

    def _next(self, batches):
        batch = next(batches, _END)
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
            return self.rest
        if self.length is None and not given:
            return self._begin(number)
        if state is None or not self.is_stream:
            return self._pass_over(number, given if state is None else state["place"]["taken"])
        self.data.load_state_dict(state["place"])
        self.first = state["first"]
        return iter(self.data)

    def _pass_over(self, number, count):
        batches = self._begin(number)
        while self.taken < count and self._next(batches) is not _END:
            pass
        return batches

    def _begin(self, number: Optional[int]) -> Iterator[Any]:
        """The first batch again; of a stream those of an epoch, or of the next."""
        self.begun, self.taken, self.first = self.begun + 1, 0, None
        if self.is_stream:
            return iter(self.data.reset(number))
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
