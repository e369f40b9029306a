"""The kinds of streams that take from others, one sample or several at a time."""

from numbers import Real
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence

from ._stream import State, Stream, number
from ._task import Sample, SampleError, Step, Task, file_of, generator, ready, whole


class Mapped(Stream):
    """A stream with one more step."""

    _step: Step

    def __init__(self, upstream: Stream, step: Step) -> None:
        self._upstream, self._step, self._kind = upstream, step, step.name
        self._needs_lock = upstream._needs_lock

    def _pull(self) -> Optional[Task]:
        task = self._upstream._pull()
        return None if task is None else task.then(self._step)

    def _restart(self, epoch: int) -> None:
        self._upstream._restart(epoch)

    def _state(self) -> State:
        return {"upstream": self._upstream._named_state()}

    def _restore(self, state: State) -> None:
        self._upstream._restore(state["upstream"])


class Counted(Stream):
    """A stream whose own state is a count within the epoch."""

    _count = 0

    def __init__(self, upstream: Stream) -> None:
        self._upstream = upstream

    def _restart(self, epoch: int) -> None:
        self._count = 0
        self._upstream._restart(epoch)

    def _state(self) -> State:
        return {"count": self._count, "upstream": self._upstream._named_state()}

    def _restore(self, state: State) -> None:
        self._count = number(state, "count")
        self._upstream._restore(state["upstream"])


class Taken(Counted):
    """The first samples of an epoch."""

    _kind = "take"

    def __init__(self, upstream: Stream, count: int) -> None:
        super().__init__(upstream)
        self._most = whole(count, "take", 0)

    def _pull(self) -> Optional[Task]:
        if self._count >= self._most:
            return None
        task = self._upstream._pull_sure()
        self._count += 1
        return task


class Part(Counted):
    """Every n-th sample."""

    _kind = "partition"

    def __init__(self, upstream: Stream, parts: int, part: int) -> None:
        super().__init__(upstream)
        if not 0 <= whole(part, "a part") < whole(parts, "the number of parts"):
            raise ValueError(f"[data] there is no part {part} of {parts}")
        self._parts, self._part = parts, part

    def _pull(self) -> Optional[Task]:
        while True:
            task = self._upstream._pull_sure()
            self._count += 1
            if task is None or (self._count - 1) % self._parts == self._part:
                return task


class Repeated(Stream):
    """Epochs of a stream one after the other."""

    _kind = "repeat"

    def __init__(self, upstream: Stream, times: int) -> None:
        self._upstream, self._times = upstream, whole(times, "repeat")
        self._base, self._pass, self._some = 0, 0, False

    def _pull(self) -> Optional[Task]:
        while self._times < 0 or self._pass < self._times:
            task = self._upstream._pull() if self._some else self._upstream._pull_sure()
            if task is not None:
                self._some = True
                return task
            if not self._some:
                return None  # of nothing there is nothing again
            self._pass += 1
            if self._times < 0 or self._pass < self._times:
                self._upstream._restart(self._base + self._pass)
        return None

    def _restart(self, epoch: int) -> None:
        self._base = epoch * max(self._times, 1)
        self._pass, self._some = 0, False
        self._upstream._restart(self._base)

    def _state(self) -> State:
        return {
            "base": self._base,
            "pass": self._pass,
            "some": self._some,
            "upstream": self._upstream._named_state(),
        }

    def _restore(self, state: State) -> None:
        most = None if self._times < 0 else self._times
        self._base, self._pass = number(state, "base"), number(state, "pass", most)
        self._some = bool(state["some"])
        self._upstream._restore(state["upstream"])


class Shuffled(Stream):
    """A pool of tasks, of which one is drawn and replaced by the next. The state is the number of
    tasks drawn in the epoch: they are drawn again, without being run."""

    _kind = "shuffle"

    def __init__(self, upstream: Stream, size: int, seed: int) -> None:
        self._upstream, self._size = upstream, whole(size, "shuffle's buffer", 1)
        self._seed = whole(seed, "a seed")
        self._begin(0)

    def _begin(self, epoch):
        self._at, self._drawn = epoch, 0
        self._pool: list[Task] = []
        self._random = generator(self._seed, epoch)
        self._start: Optional[State] = None

    def _pull(self) -> Optional[Task]:
        if self._start is None:
            self._start = self._upstream._named_state()
        while len(self._pool) < self._size:
            task = self._upstream._pull()
            if task is None:
                break
            self._pool.append(task)
        if not self._pool:
            return None
        self._drawn += 1
        i = self._random.randrange(len(self._pool))
        self._pool[i], self._pool[-1] = self._pool[-1], self._pool[i]
        return self._pool.pop()

    def _restart(self, epoch: int) -> None:
        self._begin(epoch)
        self._upstream._restart(epoch)

    def _state(self) -> State:
        start = self._start or self._upstream._named_state()
        return {"at": self._at, "drawn": self._drawn, "upstream": start}

    def _restore(self, state: State) -> None:
        self._begin(number(state, "at"))
        self._upstream._restore(state["upstream"])
        self._pass_over(number(state, "drawn"))


class Wrong(dict):
    """In the place of a sample, what is wrong with it: {"wrong": sentence, "file": path}."""


def _refuse(wrong, task):
    raise ValueError(wrong["wrong"])


_REFUSED = Step("read", _refuse)


class Flat(Stream):
    """Samples that are made of one sample. The state is the stream before that sample, and how many
    of them were given. An error names that sample, or where they are `numbered` the one that is not
    there."""

    def __init__(
        self,
        upstream: Stream,
        func: Callable[[Sample], Iterable[Sample]],
        name: str = "flat_map",
        settings: Optional[Mapping[str, Any]] = None,
        numbered: bool = False,
    ) -> None:
        self._upstream, self._func, self._kind = upstream, func, name
        self._made_with, self._numbered = dict(settings or {}), numbered
        self._begin(0)

    def _settings(self) -> Mapping[str, Any]:
        return self._made_with

    def _begin(self, epoch):
        self._at, self._given, self._number, self._from = epoch, 0, 0, 0
        self._parts: Optional[Iterator[Sample]] = None
        self._before: Optional[State] = None

    def _pull(self) -> Optional[Task]:
        while True:
            if self._parts is None:
                self._before = self._upstream._named_state()
                self._given = 0
                self._parts = self._open()
                if self._parts is None:
                    return None
            part = next(self._parts, None)
            if part is None:
                self._parts = None
                continue
            self._given += 1
            self._number += 1
            task = ready(part, self._number - 1, self._at, self._from)
            return task.then(_REFUSED) if type(part) is Wrong else task

    def _open(self) -> Optional[Iterator[Sample]]:
        task = self._upstream._pull_sure()
        if task is None:
            return None
        self._from = task.origin
        return self._parts_of(task.run(), task)

    def _parts_of(self, sample, task):
        try:
            for part in self._func(sample):
                if not isinstance(part, dict):
                    raise TypeError(f"a sample is a dict, not {type(part).__name__}")
                yield part
        except SampleError:
            raise
        except Exception as error:
            index = self._number if self._numbered else task.index
            raise SampleError(self._kind, index, file_of(sample, None), error) from error

    def _restart(self, epoch: int) -> None:
        self._begin(epoch)
        self._upstream._restart(epoch)

    def _state(self) -> State:
        inside = self._parts is not None and self._before is not None
        return {
            "at": self._at,
            "given": self._given if inside else 0,
            "number": self._number,
            "upstream": self._before if inside else self._upstream._named_state(),
        }

    def _restore(self, state: State) -> None:
        self._begin(number(state, "at"))
        self._upstream._restore(state["upstream"])
        self._pass_over(number(state, "given"))
        self._number = number(state, "number")


def _check_weights(weights, count):
    """Raise ValueError unless they are positive numbers, one for each stream."""
    for weight in weights:
        if not isinstance(weight, Real) or isinstance(weight, bool) or not weight > 0:
            raise ValueError(f"[data] mix: a weight is a number above 0, not {weight!r}")
    if not sum(map(float, weights)) < float("inf"):
        raise ValueError("[data] mix: the weights are infinite together")
    if len(weights) != count:
        raise ValueError(f"[data] mix: {len(weights)} weights for {count} streams")


class Mixed(Stream):
    """Streams of which one is asked for each sample: in turn, or drawn by weights."""

    def __init__(
        self,
        streams: Sequence[Stream],
        weights: Optional[Sequence[float]],
        block: int,
        until: str,
        seed: int,
    ) -> None:
        if not streams:
            raise ValueError("[data] no streams were given")
        if until not in ("all", "first"):
            raise ValueError(f"[data] until all or the first have ended, not {until!r}")
        if weights is not None:
            _check_weights(weights, len(streams))
        if whole(block, "interleave's block") < 1:
            raise ValueError(f"[data] interleave: blocks of {block} samples")
        for one in streams:
            if not hasattr(one, "to_stream"):
                raise TypeError(f"[data] a stream was expected, not {type(one).__name__}")
        self._streams, self._weights = [one.to_stream() for one in streams], weights
        self._block, self._until, self._seed = block, until, whole(seed, "a seed")
        self._kind = "interleave" if weights is None else "mix"
        for origin, root in enumerate(self._roots()):
            root._origin = origin  # random steps draw for each source its own numbers
        self._begin(0)

    def _below(self) -> Sequence[Stream]:
        return self._streams

    def _settings(self) -> Mapping[str, Any]:
        shares = self._weights and [float(weight) for weight in self._weights]
        own = {"block": self._block, "until": self._until, "seed": self._seed}
        return {"streams": len(self._streams), "weights": shares, **own}

    def _begin(self, epoch):
        self._at, self._given, self._turn, self._left = epoch, 0, 0, self._block
        self._alive = list(range(len(self._streams)))

    def _pull(self) -> Optional[Task]:
        while self._alive:
            place = self._draw()
            task = self._streams[self._alive[place]]._pull_sure()
            if task is not None:
                self._given += 1
                return task
            self._ended(place)
        return None

    def _draw(self):
        if self._weights is not None:
            weights = [self._weights[i] for i in self._alive]
            random = generator(self._seed, self._at, self._given, len(self._alive))
            return random.choices(range(len(weights)), weights)[0]
        if self._left == 0:
            self._turn, self._left = (self._turn + 1) % len(self._alive), self._block
        self._left -= 1
        return self._turn

    def _ended(self, place):
        if self._until == "first":
            self._alive = []
            return
        del self._alive[place]
        self._left = self._block
        self._turn = place % max(1, len(self._alive))

    def _restart(self, epoch: int) -> None:
        self._begin(epoch)
        for stream in self._streams:
            stream._restart(epoch)

    def _state(self) -> State:
        own: dict[str, Any] = {"at": self._at, "given": self._given, "turn": self._turn}
        own.update(left=self._left, alive=list(self._alive))
        return {**own, "inner": [s._named_state() for s in self._streams]}

    def _restore(self, state: State) -> None:
        alive, count = state["alive"], len(self._streams)
        if alive != sorted({whole(i, "the state's stream", 0) for i in alive} & {*range(count)}):
            raise ValueError(f"[data] the state is of streams {alive}, there are {count}")
        self._at, self._given = number(state, "at"), number(state, "given")
        self._turn = number(state, "turn", max(0, len(alive) - 1))
        self._left, self._alive = number(state, "left", self._block), list(alive)
        for stream, inner in zip(self._streams, state["inner"]):
            stream._restore(inner)
