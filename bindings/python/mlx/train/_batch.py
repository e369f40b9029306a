"""What a trainer does with one batch: all that it changes becomes new, counts with it, or nothing.

    taken    what the batch changes has its new values, which wait to be computed, and the numbers
             of the batch are in `_taken`; whatever is raised before leaves the former values
    counted  they are computed, and the counts change in one call
    told     each callback has heard of it

The former values are not kept while the new ones are computed, as these take over their memory. So
a batch that is taken will be counted: `_finish` does it where that is interrupted, or the next call
of the trainer. What changes in one call changes in one of C: Python looks at signals before and
after it.
"""

from contextlib import suppress
from itertools import starmap
from typing import Any, Callable, NoReturn, Optional, Sequence

import mlx.core as mx

from ._step import Steps, arrays_of
from ._words import plain
from .callbacks import Callback

Logs = dict[str, Any]

# Of an epoch: its loss by counts, counts, batches that were not finite, and without weight.
NO_SUMS: dict[str, Any] = {"loss": 0.0, "count": 0.0, "skipped": 0, "empty": 0}


class NonFiniteLoss(FloatingPointError):
    """The loss or the gradients of a step are NaN or infinite.

    Example:
        >>> trainer = train.Trainer(nn.Linear(2, 1), nn.losses.mse_loss, optim.SGD(0.1))
        >>> try:
        ...     trainer.step((mx.array([[mx.nan, 1.0]]), mx.array([[1.0]])))
        ... except train.NonFiniteLoss:
        ...     print("the step was not taken")
        the step was not taken
    """


class Batches:
    """The batches and steps of a trainer, and its counts of them."""

    def __init__(self, callbacks: Sequence[Callback], accumulate: int, on_nan: str) -> None:
        self.callbacks = sorted(callbacks, key=lambda callback: callback.order)
        self.accumulate, self.on_nan = accumulate, on_nan
        self.epoch = 0  # epochs that have ended
        self.batch = 0  # batches of this epoch
        self.global_step = 0  # steps that the optimizer took
        self._sums = dict(NO_SUMS)
        self._pending = 0  # batches whose gradients wait
        self._waiting = (0.0, 0.0)  # their losses by their counts, their counts
        self._taken: Optional[dict[str, mx.array]] = None  # numbers that are not counted yet
        self._untold: list[tuple[Callable[..., None], Logs]] = []  # what callbacks are yet to hear
        self._passing: Optional[Callable[[], Any]] = None  # says where data stand; none but in fit

    @property
    def waiting(self) -> int:
        """The batches whose gradients wait for the others of their step."""
        return self._pending

    @property
    def steps(self) -> Steps:
        """The functions of arrays."""
        raise NotImplementedError

    # --- taken ------------------------------------------------------------------------------------

    def _train(self, batch):
        self._take(self.steps.train, batch)
        return self._settle()

    def _take(self, function, *batches):
        """A compiled function changes all or nothing."""
        held = None if self.steps.compiled else self.steps.held()
        try:
            arguments = [arrays_of(batch) for batch in batches]
            vars(self).update(zip(["_taken"], starmap(function, [arguments])))
        except BaseException as error:
            if held is not None:
                self._taken = None
                self.steps.put_back(held)
            say_where(error, self._where(len(batches)))
            raise

    # --- counted ----------------------------------------------------------------------------------

    def _settle(self):
        """Count what is taken, then take and count the step that is due; gives their numbers."""
        logs = self._counted() if self._taken else {}
        if self.accumulate > 1 and self._pending >= self.accumulate:
            logs.update(self._step_of_waiting())
        return logs

    def _step_of_waiting(self):
        self._take(self.steps.apply)
        return self._counted()

    def _finish(self):
        """Do what an exception on its way has interrupted; it says more than others now would."""
        with suppress(Exception):
            self._settle()

    def _counted(self):
        is_step = "batches" in self._taken
        try:
            logs = self.steps.values(self._taken)
        except Exception as error:
            say_where(error, self._where(not is_step))
            raise
        return self._count_step(logs) if is_step else self._count_batch(logs)

    def _count_batch(self, logs):
        why = refusal(logs)
        if why:
            self._refuse(ValueError(why + self._where(1)))
        if not logs["finite"] and self.on_nan == "stop":
            self._refuse(self._not_finite(logs, 1))
        taken, counts = self._is_taken(logs), {"_taken": None, "_sums": self._summed(logs)}
        if self._passing:
            counts.update(batch=self.batch + 1, _place=self._passing(), _resumed=None)
        if self.accumulate == 1:
            counts.update(self._behind_step(taken, logs))
        else:
            total, count = self._waiting
            if taken:
                total, count = total + logs["loss"] * logs["count"], count + logs["count"]
            counts.update(_pending=self._pending + 1, _waiting=(total, count))
        vars(self).update(counts)
        return logs

    def _count_step(self, logs):
        """Its batches wait no more, also if it is not taken: if all of them were left out, or if it
        is refused."""
        done = {"_pending": 0, "_waiting": (0.0, 0.0)}
        if not logs["finite"] and self.on_nan == "stop":
            self._refuse(self._not_finite(logs, 0), **done)
        any_added = logs.pop("batches") > 0 or self.on_nan == "ignore"
        sums, (total, count) = self._summed(logs), self._waiting
        logs.update(loss=total / count if count else float("nan"), count=count)
        step = self._behind_step(any_added and self._is_taken(logs), logs)
        vars(self).update(done, _taken=None, _sums=sums, **step)
        return logs

    def _refuse(self, error, **counts) -> NoReturn:
        vars(self).update(counts, _taken=None)
        raise error

    def _behind_step(self, taken, logs):
        """The counts behind a step, which `fit` tells of."""
        if not taken:
            return {}
        untold = self._untold_of("on_step_end", logs) if self._passing else self._untold
        return {"global_step": self.global_step + 1, "_untold": untold}

    def _is_taken(self, logs):
        return logs["finite"] or self.on_nan == "ignore"

    def _summed(self, logs):
        """The sums of the epoch with these numbers."""
        sums = dict(self._sums)
        if not logs["finite"]:
            sums["skipped"] += 1
        elif "loss" in logs:
            sums["loss"] += logs["loss"] * logs["count"]
            sums["count"] += logs["count"]
            sums["empty"] += not logs["count"]
        return sums

    def _not_finite(self, logs, ahead):
        what = "loss" if not _finite(logs.get("loss", 0.0)) else "gradient_norm"
        return NonFiniteLoss(
            f"[train] the {what.replace('_', ' ')} is {logs[what]}{self._where(ahead)}; "
            "model, optimizer and checkpoints are as before"
        )

    def _where(self, ahead):
        """In words, of the last batch that was counted or of the one ahead."""
        step, batch = self.global_step + 1, max(1, self.batch + ahead)
        return f" (step {step}, batch {batch} of epoch {self.epoch + 1})"

    # --- told -------------------------------------------------------------------------------------

    def _untold_of(self, what, logs):
        return [*self._untold, *((getattr(one, what), logs) for one in self.callbacks)]

    def _tell(self):
        """Each callback hears of it once, also if one before raises something. What one adds to the
        numbers is plain for the next, and in the history."""
        while self._untold:
            hear, logs = self._untold.pop(0)
            try:
                hear(self, logs)
            finally:
                logs.update({name: plain(value) for name, value in logs.items()})

    def _tell_all(self):
        """Everything is told, whatever some raise."""
        try:
            self._tell()
        finally:
            if self._untold:
                self._tell_all()


def refusal(logs: Logs) -> str:
    """Why a batch is refused, a weight or a label that cannot be; nothing if it is not. These are
    then no more among the numbers."""
    weight = logs.pop("weight", 0.0)
    low, high, classes = (logs.pop(name, None) for name in ("low", "high", "classes"))
    if not 0 <= weight < float("inf"):
        return f"[train] a weight is {weight}, not a number from 0"
    if classes is not None and (low < 0 or high >= classes):
        label = low if low < 0 else high
        return f"[train] a label is {label}, the model has {classes} classes"
    return ""


def say_where(error: BaseException, where: str) -> None:
    """Errors say in which batch."""
    if isinstance(error, (RuntimeError, TypeError, ValueError)):
        if error.args and isinstance(error.args[0], str):
            error.args = (f"{error.args[0]}{where}", *error.args[1:])


def _finite(value):
    return abs(value) < float("inf")
