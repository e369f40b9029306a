"""Streams: samples one after the other."""

import json
import threading
import zlib
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional

import numpy as np

from ._arrays import array_of
from ._collate import Dims, Pad
from ._operations import Operations
from ._settings import difference
from ._steps import axis_of, recorded, value_at
from ._task import Sample, Step, Task, ready, whole

State = dict[str, Any]


def number(state: Mapping[str, Any], name: str, most: Optional[int] = None) -> int:
    """A number of a state, from 0 to `most`, or ValueError."""
    value = whole(state[name], f"the state's {name!r}", 0)
    if most is not None and value > most:
        raise ValueError(f"[data] the state's {name!r} is {value}, {most} is the most")
    return value


def _check_sum(epoch: int, state: Any) -> int:
    return zlib.crc32(json.dumps([epoch, state], sort_keys=True, default=repr).encode())


class Stream(Operations):
    """An iterator of samples, dicts of arrays. Operations make new streams that take from this one.

    `reset()` begins the next epoch, with another order of what is shuffled; it all follows from
    seeds and the number of the epoch. `state_dict()` is where the stream stands, in plain numbers
    and texts that JSON can hold; a stream that is made in the same way goes on there after
    `load_state_dict()`.

    Several threads may read one stream: each sample is given to one of them.

    Example:
        >>> stream = data.buffer_from_vector([{"x": 1}, {"x": 2}, {"x": 3}]).to_stream().batch(2)
        >>> [batch["x"].tolist() for batch in stream]
        [[1, 2], [3]]
        >>> next(stream.reset())["x"].tolist()
        [1, 2]
    """

    _may_drop = True
    _epoch = 0
    _lock: threading.RLock  # held where the place in the stream changes or is asked for
    _needs_lock = True  # while it is pulled, too
    _origin = 0  # of a source: its number among those that are mixed

    def __new__(cls, *arguments: Any, **named: Any) -> "Stream":
        stream = super().__new__(cls)
        stream._lock = threading.RLock()
        return stream

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    # --- what each kind of stream has -------------------------------------------------------------

    def _pull(self) -> Optional[Task]:
        """The task of the next sample, or None at the end. One thread at a time where it needs the
        lock."""
        raise NotImplementedError

    def _pull_sure(self) -> Optional[Task]:
        """The next task that makes a sample: sieves are run to see."""
        while True:
            task = self._pull()
            if task is None or not task.sieve:
                return task
            sample = task.run()
            if sample is not None:
                return ready(sample, task.index, task.epoch, task.origin)

    def _restart(self, epoch: int) -> None:
        """Go to the beginning of an epoch."""
        raise NotImplementedError

    def _state(self) -> State:
        """Where it stands."""
        raise NotImplementedError

    def _restore(self, state: State) -> None:
        """Go where `_state` said."""
        raise NotImplementedError

    # --- iteration --------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Sample]:
        return self

    def __next__(self) -> Sample:
        while True:
            if self._needs_lock:
                with self._lock:
                    task = self._pull()
            else:
                task = self._pull()
            if task is None:
                raise StopIteration
            sample = task.run()
            if sample is not None:
                return sample

    def reset(self, epoch: Optional[int] = None) -> "Stream":
        """Begin the next epoch, or the given one (the first is 0). Returns the stream."""
        if epoch is not None and whole(epoch, "an epoch") < 0:
            raise ValueError(f"[data] there is no epoch {epoch}")
        with self._lock:
            self._epoch = self._epoch + 1 if epoch is None else int(epoch)
            self._restart(self._epoch)
        return self

    @property
    def epoch(self) -> int:
        """The number of the epoch, from 0."""
        return self._epoch

    def state_dict(self) -> State:
        """Where the stream stands: behind the sample that was given last."""
        with self._lock:
            stream = self._named_state()
            return {
                "epoch": self._epoch,
                "stream": stream,
                "check": _check_sum(self._epoch, stream),
            }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` of a stream made in the same way was called. Nothing changes if
        the state is of another pipeline, or damaged."""
        try:
            epoch, inner, check = number(state, "epoch"), state["stream"], state["check"]
        except (TypeError, KeyError, ValueError):
            raise ValueError("[data] this is not the state of a stream") from None
        self._check(inner)
        if check != _check_sum(epoch, inner):
            raise ValueError("[data] the state is damaged: its check sum is of another")
        with self._lock:
            self._go_to(inner)
            self._epoch = epoch

    def _go_to(self, state: State) -> None:
        former = self._named_state()
        try:
            self._restore(state)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            self._restore(former)
            if isinstance(error, ValueError):
                raise
            raise ValueError("[data] this is not the state of such a stream") from None

    def _pass_over(self, count: int) -> None:
        """Take so many tasks again, which there were."""
        for _ in range(count):
            if self._pull() is None:
                raise ValueError("[data] the state is behind the end of what there is")

    def _inner(self) -> list["Stream"]:
        """The streams that this one takes from."""
        return [one for one in self._below() if isinstance(one, Stream)]

    def _roots(self) -> list["Stream"]:
        """The sources at the bottom."""
        inner = self._inner()
        return [root for one in inner for root in one._roots()] if inner else [self]

    def _named_state(self) -> State:
        return {**self._about(), **self._state()}

    def _check(self, state: Any) -> None:
        """Raise ValueError unless the state is of a pipeline that was made like this one."""
        what = difference(self._about(), state)
        if what is not None:
            raise ValueError(f"[data] the state is of another pipeline: {what}")
        inner = self._inner()
        states = state.get("inner", [state.get("upstream")] if inner else [])
        if not isinstance(states, list) or len(states) != len(inner):
            raise ValueError(f"[data] the state is of another pipeline: {self._kind} of others")
        for stream, one in zip(inner, states):
            stream._check(one)

    def _add(self, step: Step) -> "Stream":  # type: ignore[override]
        from ._streams import Mapped

        return Mapped(self, step)

    def to_stream(self) -> "Stream":
        """The stream itself."""
        return self

    # --- which samples there are ------------------------------------------------------------------

    @recorded
    def filter(self, predicate: Callable[[Sample], Any]) -> "Stream":
        """The samples for which `predicate(sample)` is true."""
        step = Step("filter", lambda s, _: s if predicate(s) else None, drops=True)
        return self._add(step)

    @recorded
    def filter_by_shape(self, key: str, dim: int, low: int = -1, high: int = -1) -> "Stream":
        """The samples whose array at `key` has from `low` to `high` (-1: any) elements along
        `dim`."""

        def fits(sample):
            array = array_of(value_at(sample, key))
            size = array.shape[axis_of(array, dim)]
            return size >= low and (high < 0 or size <= high)

        return self._add(Step("filter", lambda s, _: s if fits(s) else None, key, drops=True))

    @recorded
    def take(self, count: int) -> "Stream":
        """The first samples of each epoch, so many at most."""
        from ._streams import Taken

        return Taken(self, count)

    @recorded
    def repeat(self, num_time: int = -1) -> "Stream":
        """All again, `num_time` times in all, or for ever; each time in an order of its own."""
        from ._streams import Repeated

        return Repeated(self, num_time)

    @recorded
    def flat_map(self, func: Callable[[Sample], Iterable[Sample]]) -> "Stream":
        """All samples of `func(sample)`, for each sample."""
        from ._streams import Flat

        return Flat(self, func)

    @recorded
    def sliding_window(
        self, key: str, size: int, stride: int, dim: int = -1, index_key: str = ""
    ) -> "Stream":
        """Samples of windows of the array at `key`, which begin every `stride` elements along
        `dim`; the last ones are shorter. Their numbers go to `index_key`."""
        from ._streams import Flat

        if whole(size, "a window's size") < 1 or whole(stride, "a window's stride") < 1:
            raise ValueError(f"[data] windows of {size} elements, every {stride}")
        if index_key == key:
            raise ValueError(f"[data] sliding_window: index_key takes the place of {key!r}")

        def windows(sample):
            array = array_of(value_at(sample, key))
            where, axis = [slice(None)] * array.ndim, axis_of(array, dim)
            for number, start in enumerate(range(0, array.shape[axis], stride)):
                where[axis] = slice(start, start + size)
                numbered = {index_key: number} if index_key else {}
                yield {**sample, key: array[tuple(where)], **numbered}

        return Flat(self, windows, "sliding_window")

    # --- order ------------------------------------------------------------------------------------

    @recorded
    def shuffle(self, buffer_size: int, seed: int = 0) -> "Stream":
        """Each sample is drawn from the next `buffer_size` ones that were not drawn yet."""
        from ._streams import Shuffled

        return Shuffled(self, buffer_size, seed)

    @recorded
    def partition(self, num_partitions: int, partition: int) -> "Stream":
        """Every `num_partitions`-th sample, from number `partition` on: the share of a process."""
        from ._streams import Part

        return Part(self, num_partitions, partition)

    # --- batches ----------------------------------------------------------------------------------

    @recorded
    def batch(
        self,
        batch_size: int,
        pad: Pad = None,
        dim: Dims = None,
        *,
        drop_last: bool = False,
    ) -> "Stream":
        """Batches of samples that follow each other; the last has what is left over, or is left out
        with `drop_last`. Arrays are stacked, smaller ones filled up with pad[key]; those in `dim`
        are joined along dim[key]."""
        from ._batches import Batched

        return Batched(self, batch_size, pad, dim, drop_last)

    @recorded
    def dynamic_batch(
        self,
        buffer_size: int,
        key: str,
        max_data_size: int = -1,
        pad: Pad = None,
        dim: Dims = None,
        shuffle: bool = False,
        *,
        batch_size: int = -1,
        drop_outliers: bool = False,
        seed: int = 0,
    ) -> "Stream":
        """Batches of samples of about one length. `buffer_size` samples at a time are sorted by the
        size of what is at `key` and cut into batches, each of at most `max_data_size` elements with
        the padding (or one sample that has more, which `drop_outliers` leaves out), and of at most
        `batch_size` samples. `shuffle`: batches of a buffer in any order."""
        from ._batches import DynamicBatched

        return DynamicBatched(
            self,
            buffer_size,
            key,
            max_data_size,
            batch_size,
            pad,
            dim,
            shuffle,
            drop_outliers,
            seed,
        )

    # --- threads ----------------------------------------------------------------------------------

    def prefetch(self, prefetch_size: int, num_threads: int = 1) -> "Stream":
        """Make samples on threads before they are asked for, at most `prefetch_size` of them. Their
        order, and what they are, does not depend on the number of threads."""
        from ._prefetch import Prefetched

        return Prefetched(self, prefetch_size, num_threads)
