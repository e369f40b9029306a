"""Samples that are made on threads before they are asked for.

Each worker takes the next task from the stream below, under a lock that makes the order of tasks
that of the stream, puts a slot for it behind the others, and runs the task without the lock. The
samples are given in the order of the slots. There are never more slots than were asked for."""

import threading
import weakref
from collections import deque
from typing import Any, Optional

from ._stream import State, Stream
from ._task import Sample, Task, ready


class _Slot:
    """What became of a task: a sample, an error, nothing (dropped) or the end."""

    __slots__ = ("after", "done", "sample", "error", "index", "epoch", "end")

    def __init__(self) -> None:
        self.after: State = {}  # of the stream below, behind this task
        self.done = self.end = False
        self.sample: Optional[Sample] = None
        self.error: Optional[BaseException] = None
        self.index: Any = None
        self.epoch = 0


class _Run:
    """The threads and slots from one start to the next restart. It knows nothing of the stream that
    owns it, so that letting go of that ends the threads."""

    def __init__(self, upstream: Stream, size: int, threads: int) -> None:
        self.upstream, self.size = upstream, size
        self.slots: deque[_Slot] = deque()
        self.change = threading.Condition()
        self.plan = threading.Lock()
        self.stopped = self.ended = False
        self.threads = [
            threading.Thread(target=self.work, name="mlx.data", daemon=True) for _ in range(threads)
        ]
        for thread in self.threads:
            thread.start()

    def work(self) -> None:
        while True:
            with self.plan:
                slot, task = self.take()
            if slot is None:
                return
            if task is not None:
                try:
                    slot.sample = task.run()
                except BaseException as error:
                    slot.error = error
                del task
            with self.change:
                slot.done = True
                self.change.notify_all()

    def take(self) -> tuple[Optional[_Slot], Optional[Task]]:
        """A new slot and its task, when there is room; (None, None) when the thread is to end."""
        with self.change:
            while len(self.slots) >= self.size and not self.stopped:
                self.change.wait()
            if self.stopped or self.ended:
                return None, None
        slot, task = _Slot(), None
        try:
            task = self.upstream._pull()
            slot.end = self.ended = task is None
        except BaseException as error:
            slot.error = error
        slot.after = self.upstream._named_state()
        if task is not None:
            slot.index, slot.epoch = task.index, task.epoch
        with self.change:
            self.slots.append(slot)
        return slot, task

    def next(self) -> _Slot:
        """The first slot, when its task was run. The end stays."""
        with self.change:
            while not self.slots or not self.slots[0].done:
                self.change.wait()
            if self.slots[0].end:
                return self.slots[0]
            self.change.notify_all()
            return self.slots.popleft()

    def stop(self) -> None:
        """Threads end after the task that each of them runs."""
        with self.change:
            self.stopped = True
            self.change.notify_all()

    def join(self) -> None:
        self.stop()
        for thread in self.threads:
            thread.join()


class Prefetched(Stream):
    """A stream with threads that run ahead. They start with the first sample that is asked for."""

    _kind = "prefetch"

    def __init__(self, upstream: Stream, size: int, threads: int) -> None:
        if size < 1 or not 1 <= threads <= 1024:
            raise ValueError(f"[data] prefetch of {size} samples on {threads} threads")
        self._upstream, self._size, self._threads = upstream, size, threads
        self._run: Optional[_Run] = None
        self._after: Optional[State] = None

    def _pull(self) -> Optional[Task]:
        if self._run is None:
            self._after = self._upstream._named_state()
            self._run = _Run(self._upstream, self._size, self._threads)
            self._end = weakref.finalize(self, self._run.stop)
        while True:
            slot = self._run.next()
            self._after = slot.after
            if slot.error is not None:
                raise slot.error
            if slot.end:
                return None
            if slot.sample is not None:
                return ready(slot.sample, slot.index, slot.epoch)

    def _halt(self) -> None:
        if self._run is not None:
            self._run.join()
            self._run = self._after = None
            self._end.detach()

    def _restart(self, epoch: int) -> None:
        self._halt()
        self._upstream._restart(epoch)

    def _state(self) -> State:
        after = self._after or self._upstream._named_state()
        return {"upstream": after}

    def _restore(self, state: State) -> None:
        self._halt()
        self._upstream._named_restore(state["upstream"])
