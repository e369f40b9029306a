"""Buffers: samples that can be had in any order."""

from typing import TYPE_CHECKING, Any, Iterator, Mapping, Optional, Sequence, Union, overload

import numpy as np

from ._arrays import array_of
from ._collate import Dims, Pad, check_keys, collate
from ._operations import Operations
from ._steps import Steps, recorded
from ._task import Sample, SampleError, Step, Task, whole

if TYPE_CHECKING:
    from ._stream import Stream

Indices = Union[range, np.ndarray]


class Buffer(Operations):
    """A container of samples, dicts of arrays, that are made when they are asked for:
    `buffer[i]`, `len(buffer)`, `for sample in buffer`. Operations make new buffers.

    Example:
        >>> buffer = data.buffer_from_vector([{"x": 1}, {"x": 2}, {"x": 3}])
        >>> len(buffer), buffer[-1], [sample["x"] for sample in buffer]
        (3, {'x': 3}, [1, 2, 3])
        >>> doubled = buffer.key_transform("x", lambda x: 2 * x)
        >>> doubled[0]
        {'x': 2}
    """

    def __len__(self) -> int:
        raise NotImplementedError

    def _task(self, i: int, epoch: int) -> Task:
        """What makes sample i, which there is."""
        raise NotImplementedError

    def _about(self) -> dict[str, Any]:
        """What it is made of, too."""
        below = [one._about() for one in self._below()]
        own = super()._about()
        if not below:
            return {**own, "with": {"size": str(len(self)), **own["with"]}}
        return {**own, "of": below}

    def _rows(self, indices: Indices, epoch: int) -> Optional[Sample]:
        """The batch of these samples where it can be had at once, or None."""
        return None

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "Buffer": ...
    def __getitem__(self, index: Any) -> Any:
        size = len(self)
        if isinstance(index, slice):
            return Picked(self, np.arange(*index.indices(size)))
        if not hasattr(index, "__index__"):
            raise TypeError(f"[data] the number of a sample is not {type(index).__name__}")
        i = index.__index__()
        if not -size <= i < size:
            raise IndexError(f"[data] sample {i} of {size}")
        return self._task(i % size, 0).run()

    def __iter__(self) -> Iterator[Sample]:
        for i in range(len(self)):
            yield self[i]

    def __repr__(self) -> str:
        size = len(self)
        try:
            keys = f", keys={set(self[0])}" if size else ""
        except SampleError:
            keys = ""
        return f"Buffer(size={size}{keys})"

    def _add(self, step: Step) -> "Buffer":  # type: ignore[override]
        return Mapped(self, step)

    # --- order ------------------------------------------------------------------------------------

    @recorded
    def shuffle(self, seed: int = 0) -> "Buffer":
        """The same samples in an order that follows from the seed, and in streams from the
        epoch."""
        return Shuffled(self, seed)

    @recorded
    def perm(self, perm: Sequence[int]) -> "Buffer":
        """The samples of these numbers."""
        return Picked(self, np.asarray(perm))

    @recorded
    def partition(self, num_partitions: int, partition: int) -> "Buffer":
        """Every `num_partitions`-th sample, from number `partition` on: the share of a process."""
        part, parts = whole(partition, "a part"), whole(num_partitions, "the number of parts")
        if not 0 <= part < parts:
            raise ValueError(f"[data] there is no part {partition} of {num_partitions}")
        return Picked(self, np.arange(len(self))[part::parts])

    def append(self, *others: "Buffer") -> "Buffer":
        """The samples of this buffer, then those of others."""
        for other in others:
            if not isinstance(other, Buffer):
                raise TypeError(f"[data] a buffer was expected, not {type(other).__name__}")
        return Joined((self, *others))

    # --- batches and streams ----------------------------------------------------------------------

    @recorded
    def batch(
        self,
        batch_size: Union[int, Sequence[int]],
        pad: Pad = None,
        dim: Dims = None,
        *,
        drop_last: bool = False,
    ) -> "Buffer":
        """Batches of samples that follow each other; the last has what is left over, or is left out
        with `drop_last`. With a list, of these sizes in turn. Arrays are stacked, smaller ones
        filled up with pad[key]; those in `dim` are joined along dim[key]."""
        return Batched(self, batch_size, pad, dim, drop_last)

    def to_stream(self) -> "Stream":
        """A stream of all samples in order. Each epoch of it has its own order of what is
        shuffled."""
        from ._sources import FromBuffer

        return FromBuffer(self)

    def ordered_prefetch(self, prefetch_size: int, num_threads: int) -> "Stream":
        """`to_stream().prefetch(...)`."""
        return self.to_stream().prefetch(prefetch_size, num_threads)


def batch_task(
    buffer: Buffer, rows: Indices, pad: Pad, dim: Dims, index: int, epoch: int, origin: int = 0
) -> Task:
    """What makes a batch of samples of a buffer."""

    def load(rows, epoch):
        whole = None if dim else buffer._rows(rows, epoch)
        if whole is not None:
            check_keys(whole, pad, dim)
            return whole
        tasks = [buffer._task(int(i), epoch) for i in rows]
        for task in tasks:
            task.origin = origin
        return collate(samples_of(tasks), pad, dim)

    return Task(load, rows, epoch, index, origin=origin)


def samples_of(tasks: Sequence[Task]) -> list[Sample]:
    """The samples of a batch. The error of one says which others are not given."""
    samples = []
    for i, task in enumerate(tasks):
        try:
            samples.append(task.run())
        except SampleError as error:
            raise error.with_lost([t.index for t in (*tasks[:i], *tasks[i + 1 :])])
    return samples  # type: ignore[return-value]


def shielded(sample: Mapping[str, Any]) -> Sample:
    """A sample whose changes do not reach the given one: arrays are views that cannot be written
    to, lists are copied."""
    return {key: _shielded(value) for key, value in sample.items()}


def _shielded(value):
    if isinstance(value, list):
        return value.copy()
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.setflags(write=False)
    return view


def _array(key, values):
    try:
        array = array_of(values, f"in the column {key!r}")
    except ValueError as error:
        raise ValueError(f"[data] {error}") from None
    if array.dtype.kind == "O" and not _are_texts(array):
        raise ValueError(f"[data] values of several kinds in the column {key!r}")
    return array


def _some(array, indices):
    """A copy of these rows."""
    if isinstance(indices, range):
        return np.array(array[indices.start : indices.stop])
    return array[indices]


class Vector(Buffer):
    """A list of samples. `source`: what they are, for states."""

    _kind = "vector"

    def __init__(self, data: Sequence[Mapping[str, Any]], source: str = "") -> None:
        if not hasattr(data, "__getitem__") or not hasattr(data, "__len__"):
            raise TypeError(f"[data] samples are a list of dicts, not {type(data).__name__}")
        for i, sample in enumerate(data):
            if not isinstance(sample, Mapping):
                raise TypeError(f"[data] sample {i} is no dict but {type(sample).__name__}")
        self._data, self._source = data, source

    def _settings(self) -> Mapping[str, Any]:
        return {"source": self._source} if self._source else {}

    def __len__(self) -> int:
        return len(self._data)

    def _load(self, i, epoch):
        return shielded(self._data[i])

    def _task(self, i: int, epoch: int) -> Task:
        return Task(self._load, i, epoch, i)


class LazyColumn:
    """A column whose values are made when they are asked for."""

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, i: int) -> Any:
        raise NotImplementedError


class Columns(Buffer):
    """Arrays whose first dimension numbers the samples."""

    _kind = "arrays"

    def __init__(self, columns: Mapping[str, Any]) -> None:
        if not columns:
            raise ValueError("[data] no columns were given")
        self._columns = {key: _column(key, c) for key, c in columns.items()}
        sizes = {key: len(c) for key, c in self._columns.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"[data] columns have different numbers of samples: {sizes}")
        self._size = next(iter(sizes.values()))
        self._lazy = any(isinstance(c, LazyColumn) for c in self._columns.values())

    def _settings(self) -> Mapping[str, Any]:
        return {"keys": sorted(self._columns)}

    def __len__(self) -> int:
        return self._size

    def _load(self, i, epoch):
        return {key: c[i] for key, c in self._columns.items()}

    def _task(self, i: int, epoch: int) -> Task:
        return Task(self._load, i, epoch, i)

    def _rows(self, indices: Indices, epoch: int) -> Optional[Sample]:
        if self._lazy:
            return None
        return {
            key: [c[i] for i in indices] if isinstance(c, list) else _some(c, indices)
            for key, c in self._columns.items()
        }


def _column(key, values):
    """An array, or a list of what no array holds: texts."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError(f"[data] the column {key!r} is {type(values).__name__}, no array or list")
    if isinstance(values, LazyColumn):
        return values
    if isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray):
        array = values  # a mapped file stays one
    elif isinstance(values, list) and values and isinstance(values[0], (str, bytes)):
        return _texts(key, values)
    else:
        array = _array(key, values)
    if _are_texts(array):
        return array.tolist()
    if array.ndim == 0:
        raise ValueError(f"[data] the column {key!r} is a single value")
    if not array.dtype.isnative:  # of a file from another machine: read as a whole
        array = array.astype(array.dtype.newbyteorder("="))
    return _shielded(array)  # and so are its rows


def _are_texts(array):
    """Whether these are texts as pandas and NumPy have them among objects."""
    kind, ndim = array.dtype.kind, array.ndim
    return kind == "O" and ndim == 1 and len(array) and all(isinstance(x, str) for x in array)


def _texts(key, values):
    for value in values:
        if not isinstance(value, (str, bytes)) and value is not None:
            raise ValueError(
                f"[data] values of several kinds in the column {key!r}: {value!r:.40} stands "
                "beside texts"
            )
    return values


class Mapped(Buffer):
    """A buffer with one more step."""

    _step: Step

    def __init__(self, upstream: Buffer, step: Step) -> None:
        self._upstream, self._step, self._kind = upstream, step, step.name

    def __len__(self) -> int:
        return len(self._upstream)

    def _task(self, i: int, epoch: int) -> Task:
        return self._upstream._task(i, epoch).then(self._step)


class Picked(Buffer):
    """Samples of a buffer by their numbers."""

    _kind = "perm"

    def __init__(self, upstream: Buffer, numbers: np.ndarray) -> None:
        size = len(upstream)
        if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
            raise ValueError("[data] numbers of samples are a list of integers")
        if numbers.size and not (-size <= numbers.min() and numbers.max() < size):
            raise IndexError(f"[data] there are numbers of samples beyond the {size} there are")
        self._upstream, self._numbers = upstream, numbers.astype(np.int64) % max(size, 1)

    def _settings(self) -> Mapping[str, Any]:
        return {"size": len(self), "numbers": self._numbers}

    def __len__(self) -> int:
        return len(self._numbers)

    def _task(self, i: int, epoch: int) -> Task:
        return self._upstream._task(int(self._numbers[i]), epoch)

    def _rows(self, indices: Indices, epoch: int) -> Optional[Sample]:
        return self._upstream._rows(_some(self._numbers, indices), epoch)


class Shuffled(Buffer):
    """A buffer in another order each epoch."""

    _kind = "shuffle"

    def __init__(self, upstream: Buffer, seed: int) -> None:
        self._upstream, self._seed = upstream, whole(seed, "a seed")
        self._known: tuple[int, Optional[np.ndarray]] = (-1, None)

    def __len__(self) -> int:
        return len(self._upstream)

    def _order(self, epoch: int) -> np.ndarray:
        known, order = self._known
        if known != epoch or order is None:
            random = np.random.default_rng([abs(self._seed), self._seed < 0, epoch])
            order = random.permutation(len(self._upstream))
            self._known = (epoch, order)
        return order

    def _task(self, i: int, epoch: int) -> Task:
        return self._upstream._task(int(self._order(epoch)[i]), epoch)

    def _rows(self, indices: Indices, epoch: int) -> Optional[Sample]:
        return self._upstream._rows(_some(self._order(epoch), indices), epoch)


class Joined(Buffer):
    """Buffers one after the other."""

    _kind = "append"

    def __init__(self, parts: Sequence[Buffer]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def _below(self) -> Sequence[Steps]:
        return self._parts

    def __len__(self) -> int:
        return int(self._ends[-1])

    def _task(self, i: int, epoch: int) -> Task:
        part = int(np.searchsorted(self._ends, i, "right"))
        begin = int(self._ends[part - 1]) if part else 0
        task = self._parts[part]._task(i - begin, epoch)
        task.index = i
        return task


class Batched(Buffer):
    """Runs of samples of a buffer."""

    _kind = "batch"

    def __init__(
        self,
        upstream: Buffer,
        size: Union[int, Sequence[int]],
        pad: Pad,
        dim: Dims,
        drop_last: bool,
    ) -> None:
        sizes = list(size) if isinstance(size, (list, tuple)) else [size]
        if not sizes or any(whole(one, "the size of batches") < 1 for one in sizes):
            raise ValueError(f"[data] batches of {size} samples")
        self._upstream, self._pad, self._dim = upstream, pad, dim
        total = len(upstream)
        sizes = [min(one, total + 1) for one in sizes]  # no more is ever left over
        turn = np.cumsum([0, *sizes])
        starts = (turn[:-1] + np.arange(0, total, turn[-1])[:, None]).ravel()
        starts = starts[starts < total]
        self._bounds = np.append(starts, total)
        if drop_last and len(starts):
            last = sizes[(len(starts) - 1) % len(sizes)]
            self._bounds = self._bounds[: -1 if total - starts[-1] < last else None]

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def _task(self, i: int, epoch: int) -> Task:
        indices = range(int(self._bounds[i]), int(self._bounds[i + 1]))
        return batch_task(self._upstream, indices, self._pad, self._dim, i, epoch)
