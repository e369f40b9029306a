"""Streams of batches."""

import sys
from typing import Optional

import numpy as np

from ._buffer import batch_task, samples_of
from ._collate import Dims, Pad, collate
from ._sources import FromBuffer
from ._stream import State, Stream, number
from ._streams import Counted
from ._task import Sample, SampleError, Task, failed, file_of, generator, whole


class Batched(Counted):
    """Batches of samples that follow each other."""

    _kind = "batch"

    def __init__(self, upstream: Stream, size: int, pad: Pad, dim: Dims, drop_last: bool) -> None:
        super().__init__(upstream)
        if whole(size, "the size of batches") < 1:
            raise ValueError(f"[data] batches of {size} samples")
        self._size = min(size, sys.maxsize)
        self._pad, self._dim, self._drop_last = pad, dim, drop_last

    def _pull(self) -> Optional[Task]:
        upstream = self._upstream
        self._count += 1
        if isinstance(upstream, FromBuffer):
            epoch, rows = upstream._advance(self._size)
            if not rows or (self._drop_last and len(rows) < self._size):
                return None
            number = self._count - 1
            given = self._pad, self._dim, number, epoch, upstream._origin
            return batch_task(upstream.buffer, rows, *given)
        tasks = pull_some(upstream, self._size)
        if not tasks or (self._drop_last and len(tasks) < self._size):
            return None
        first = tasks[0]
        return Task(self._load, tasks, first.epoch, self._count - 1, origin=first.origin)

    def _load(self, tasks, epoch) -> Sample:
        return collate(samples_of(tasks), self._pad, self._dim)


def pull_some(stream: Stream, count: int) -> list[Task]:
    """The next tasks, each of which makes a sample, or fails."""
    tasks: list[Task] = []
    while len(tasks) < count:
        try:
            task = stream._pull_sure()
        except SampleError as error:
            task = failed(error)
        if task is None:
            break
        tasks.append(task)
    return tasks


class DynamicBatched(Stream):
    """Batches of samples of about one length, made of a buffer of samples at a time. Samples that
    are wrong are its first errors; the others make batches. The state is the stream before the
    buffer, and how many of its errors and batches were given."""

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
        self._errors: list[SampleError] = []
        self._told = self._from = 0
        self._before: Optional[State] = None

    def _pull(self) -> Optional[Task]:
        while not self._inside():
            if not self._refill():
                return None
        if self._told < len(self._errors):
            self._told += 1
            raise self._errors[self._told - 1]
        self._given += 1
        self._number += 1
        batch = self._batches[self._given - 1]
        return Task(self._load, batch, self._at, self._number - 1, origin=self._from)

    def _inside(self):
        return self._told < len(self._errors) or self._given < len(self._batches)

    def _refill(self):
        """Whether there were samples."""
        self._before = self._upstream._named_state()
        self._told, self._given, self._errors, self._batches = 0, 0, [], []
        tasks = pull_some(self._upstream, self._buffer_size)
        if tasks:
            self._from = tasks[0].origin
            self._sort(*self._made(tasks))
        return bool(tasks)

    def _made(self, tasks):
        """The samples that there are, and their lengths."""
        samples, lengths = [], []
        for task in tasks:
            try:
                sample = task.run() or {}
                lengths.append(_size_of(sample, self._key, task))
                samples.append(sample)
            except SampleError as error:
                self._errors.append(error)
        return samples, lengths

    def _sort(self, samples, lengths):
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
        inside = self._inside() and self._before is not None
        return {
            "at": self._at,
            "refills": self._refills - inside,
            "told": self._told if inside else 0,
            "given": self._given if inside else 0,
            "number": self._number,
            "upstream": self._before if inside else self._upstream._named_state(),
        }

    def _restore(self, state: State) -> None:
        self._begin(number(state, "at"))
        self._refills = number(state, "refills")
        self._upstream._restore(state["upstream"])
        told, given = number({"told": 0, **state}, "told"), number(state, "given")
        if told or given:
            self._refill()
            self._told = number(state, "told", len(self._errors)) if told else 0
            self._given = number(state, "given", len(self._batches))
        self._number = number(state, "number")


def _size_of(sample, key, task):
    if key not in sample:
        error = ValueError(f"no {key!r} among {sorted(sample)}")
        file = file_of(sample, None)
        raise SampleError("dynamic_batch", task.index, file, error) from error
    value = sample[key]
    return len(value) if isinstance(value, (str, bytes)) else int(np.size(value))
