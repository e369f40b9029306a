"""Samples that are made on threads before they are asked for.

Each worker takes the next tasks from the stream below, under a lock that makes their order that of
the stream, puts slots for them behind the others, and runs them without the lock. The samples are
given in the order of the slots. There are never more slots than were asked for."""

import threading
import weakref
from collections import deque
from typing import Any, Optional

from ._stream import State, Stream
from ._task import Sample, Task, ready, whole


class _Slot:
    """A task, and what became of it: a sample, an error, nothing (dropped) or the end."""

    __slots__ = ("task", "after", "done", "sample", "error", "index", "epoch", "origin", "end")

    def __init__(self) -> None:
        self.task: Optional[Task] = None
        self.after: State = {}  # of the stream below, behind this task
        self.done = self.end = False
        self.sample: Optional[Sample] = None
        self.error: Optional[BaseException] = None
        self.index: Any = None
        self.epoch = self.origin = 0

    def fill(self, upstream: Stream) -> None:
        """Take the next task."""
        try:
            self.task = upstream._pull()
            self.end = self.task is None
        except BaseException as error:
            self.error = error
        self.after = upstream._named_state()

    def run(self) -> None:
        """Run the task."""
        task = self.task
        if task is not None:
            self.index, self.epoch, self.task = task.index, task.epoch, None
            self.origin = task.origin
            try:
                self.sample = task.run()
            except BaseException as error:
                self.error = error


class _Run:
    """The threads and slots from one start to the next restart. It knows nothing of the stream that
    owns it, so that letting go of that ends the threads."""

    def __init__(self, upstream: Stream, size: int, threads: int) -> None:
        self.upstream, self.size = upstream, size
        self.share = max(1, size // (4 * threads))  # tasks that a thread takes at a time
        self.slots: deque[_Slot] = deque()
        self.lock = threading.Lock()
        self.room, self.filled = threading.Condition(self.lock), threading.Condition(self.lock)
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
                taken = self.take()
            if not taken:
                return
            for slot in taken:
                slot.run()
                with self.lock:
                    slot.done = True
                    if self.slots[0] is slot:
                        self.filled.notify()

    def take(self) -> list[_Slot]:
        """New slots with their tasks, when there is room; none when the thread is to end."""
        with self.lock:
            while len(self.slots) > self.size - self.share and not self.stopped:
                self.room.wait()
            if self.stopped or self.ended:
                return []
        taken = []
        for _ in range(self.share):
            taken.append(_Slot())
            taken[-1].fill(self.upstream)
            if taken[-1].end:
                self.ended = True
                break
        with self.lock:
            self.slots.extend(taken)
        return taken

    def next(self) -> _Slot:
        """The first slot, when its task was run. The end stays. Who had one wakes the next who
        waits, whose slot may be done already."""
        with self.lock:
            while not self.slots or not self.slots[0].done:
                self.filled.wait()
            self.filled.notify()
            if self.slots[0].end:
                return self.slots[0]
            slot = self.slots.popleft()
            if len(self.slots) <= self.size - self.share:
                self.room.notify()
            return slot

    def stop(self) -> None:
        """Threads end after the task that each of them runs."""
        with self.lock:
            self.stopped = True
            self.room.notify_all()

    def join(self) -> None:
        self.stop()
        for thread in self.threads:
            thread.join()


class Prefetched(Stream):
    """A stream with threads that run ahead. They start with the first sample that is asked for."""

    _kind = "prefetch"

    def __init__(self, upstream: Stream, size: int, threads: int) -> None:
        if whole(size, "prefetch") < 1 or not 1 <= whole(threads, "threads") <= 1024:
            raise ValueError(f"[data] prefetch of {size} samples on {threads} threads")
        self._upstream, self._size, self._threads = upstream, size, threads
        self._run: Optional[_Run] = None
        self._after: Optional[State] = None

    def _pull(self) -> Optional[Task]:
        run = self._started()
        while True:
            slot = run.next()
            self._after = slot.after
            if slot.error is not None:
                raise slot.error
            if slot.end:
                return None
            if slot.sample is not None:
                return ready(slot.sample, slot.index, slot.epoch, slot.origin)

    def _started(self) -> _Run:
        with self._lock:
            if self._run is None:
                self._after = self._upstream._named_state()
                self._run = _Run(self._upstream, self._size, self._threads)
                self._end = weakref.finalize(self, self._run.stop)
            return self._run

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
        self._upstream._restore(state["upstream"])
