"""Streams of batches."""

from typing import Optional

import numpy as np

from ._buffer import batch_task
from ._collate import Dims, Pad, collate
from ._sources import FromBuffer
from ._stream import State, Stream, number
from ._streams import Counted
from ._task import Sample, Task, generator, whole


class Batched(Counted):
    """Batches of samples that follow each other."""

    _kind = "batch"

    def __init__(self, upstream: Stream, size: int, pad: Pad, dim: Dims, drop_last: bool) -> None:
        super().__init__(upstream)
        if whole(size, "the size of batches") < 1:
            raise ValueError(f"[data] batches of {size} samples")
        self._size, self._pad, self._dim, self._drop_last = size, pad, dim, drop_last

    def _pull(self) -> Optional[Task]:
        upstream = self._upstream
        self._count += 1
        if isinstance(upstream, FromBuffer):
            epoch, rows = upstream._advance(self._size)
            if not rows or (self._drop_last and len(rows) < self._size):
                return None
            number = self._count - 1
            return batch_task(upstream.buffer, rows, self._pad, self._dim, number, epoch)
        tasks = pull_some(upstream, self._size)
        if not tasks or (self._drop_last and len(tasks) < self._size):
            return None
        return Task(self._load, tasks, tasks[0].epoch, self._count - 1)

    def _load(self, tasks, epoch) -> Sample:
        return collate([task.run() for task in tasks], self._pad, self._dim)


def pull_some(stream: Stream, count: int) -> list[Task]:
    """The next tasks, each of which makes a sample."""
    tasks: list[Task] = []
    while len(tasks) < count:
        task = stream._pull_sure()
        if task is None:
            break
        tasks.append(task)
    return tasks


class DynamicBatched(Stream):
    """Batches of samples of about one length, made of a buffer of samples at a time. The state is
    the stream before the buffer, and how many of its batches were given."""

    _kind = "dynamic_batch"

    def __init__(
        self,
        upstream: Stream,
        buffer_size: int,
        key: str,
        most: int,
        size: int,
        pad: Pad,
        dim: Dims,
        shuffle: bool,
        drop_outliers: bool,
        seed: int,
    ) -> None:
        numbers = {"buffer_size": buffer_size, "max_data_size": most, "batch_size": size}
        for name, value in numbers.items():
            whole(value, f"dynamic_batch's {name}")
        if buffer_size < 1 or most == 0 or size == 0 or (most < 0 and size < 0):
            raise ValueError(
                "[data] dynamic_batch: a buffer of samples, and max_data_size or batch_size"
            )
        self._upstream, self._buffer_size, self._key = upstream, buffer_size, key
        self._most, self._size, self._pad, self._dim = most, size, pad, dim
        self._shuffle, self._drop_outliers = shuffle, drop_outliers
        self._seed = whole(seed, "a seed")
        self._begin(0)

    def _begin(self, epoch):
        self._at, self._refills, self._given, self._number = epoch, 0, 0, 0
        self._batches: list[list[Sample]] = []
        self._before: Optional[State] = None

    def _pull(self) -> Optional[Task]:
        while self._given == len(self._batches):
            self._before, self._given = self._upstream._named_state(), 0
            self._batches = []
            tasks = pull_some(self._upstream, self._buffer_size)
            if not tasks:
                return None
            self._refill([task.run() or {} for task in tasks])
        self._given += 1
        self._number += 1
        return Task(self._load, self._batches[self._given - 1], self._at, self._number - 1)

    def _refill(self, samples):
        lengths = [_size_of(sample, self._key) for sample in samples]
        order = sorted(range(len(samples)), key=lengths.__getitem__)
        batches: list[list[Sample]] = [[]]
        for i in order:
            if self._drop_outliers and 0 < self._most < lengths[i]:
                continue
            if batches[-1] and self._full(len(batches[-1]) + 1, lengths[i]):
                batches.append([])
            batches[-1].append(samples[i])
        self._batches = [batch for batch in batches if batch]
        if self._shuffle:
            generator(self._seed, self._at, self._refills).shuffle(self._batches)
        self._refills += 1

    def _full(self, count, longest):
        return 0 < self._most < count * longest or 0 < self._size < count

    def _load(self, samples, epoch) -> Sample:
        return collate(samples, self._pad, self._dim)

    def _restart(self, epoch: int) -> None:
        self._begin(epoch)
        self._upstream._restart(epoch)

    def _state(self) -> State:
        inside = self._given < len(self._batches) and self._before is not None
        return {
            "at": self._at,
            "refills": self._refills - inside,
            "given": self._given if inside else 0,
            "number": self._number,
            "upstream": self._before if inside else self._upstream._named_state(),
        }

    def _restore(self, state: State) -> None:
        self._begin(number(state, "at"))
        self._refills = number(state, "refills")
        self._upstream._restore(state["upstream"])
        self._pass_over(number(state, "given"))
        self._number = number(state, "number")


def _size_of(sample, key):
    if key not in sample:
        raise ValueError(f"[data] dynamic_batch: no {key!r} among {sorted(sample)}")
    value = sample[key]
    return len(value) if isinstance(value, (str, bytes)) else int(np.size(value))
