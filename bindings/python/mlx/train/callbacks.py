"""What is told of a training's epochs and steps, and may change it."""

import csv
import io
import os
import re
import sys
import time
import warnings
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Mapping, Optional, TextIO, Union

import mlx.core as mx

from .._saved import from_here, write_file
from ..utils import tree_flatten, tree_map, tree_unflatten
from .tensorboard import EventWriter

if TYPE_CHECKING:
    from .trainer import Trainer

__all__ = [
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "EMA",
    "EarlyStopping",
    "LearningRateMonitor",
    "Progress",
    "TensorBoard",
    "TimeLimit",
]

PathLike = Union[str, os.PathLike]
Logs = dict[str, Any]


class Callback:
    """Methods that a trainer calls; a class of your own overrides what it needs. `logs` are the
    numbers of a step or epoch and may be added to: what is in an epoch's becomes a column of the
    history. `trainer.stop(why)` ends the training after the step.

    Example:
        >>> class Loud(train.Callback):
        ...     def on_epoch_end(self, trainer, logs):
        ...         print("epoch", trainer.epoch)
        >>> batches = [(mx.ones((4, 2)), mx.ones((4, 1)))]
        >>> model = nn.Linear(2, 1)
        >>> trainer = train.Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), callbacks=[Loud()])
        >>> history = trainer.fit(batches, epochs=2)
        epoch 1
        epoch 2
    """

    order = 0  # those with lower numbers are called first

    def on_fit_begin(self, trainer: "Trainer") -> None:
        """`fit` begins, or goes on."""

    def on_epoch_begin(self, trainer: "Trainer") -> None:
        """An epoch begins; not called where one goes on in its middle."""

    def on_step_end(self, trainer: "Trainer", logs: Logs) -> None:
        """The optimizer took a step: logs has loss (of all its batches) and gradient_norm."""

    def on_validation_begin(self, trainer: "Trainer") -> None:
        """The model is about to be evaluated, and has the parameters for it."""

    def on_validation_end(self, trainer: "Trainer") -> None:
        """The model was evaluated."""

    def on_epoch_end(self, trainer: "Trainer", logs: Logs) -> None:
        """An epoch ended: logs has epoch, step, loss, and val_loss and val_<metric> if there was a
        validation."""

    def on_error(self, trainer: "Trainer", error: BaseException) -> None:
        """`fit` ends by this exception, KeyboardInterrupt and SystemExit too, which it raises
        behind that. The training stands behind the last batch that was counted."""

    def on_fit_end(self, trainer: "Trainer") -> None:
        """`fit` ends, also by an error."""

    def evaluated(self) -> Any:
        """Parameters with which the model is evaluated and predicts, if not with its own."""
        return None

    def state_dict(self) -> Mapping[str, Any]:
        """What a checkpoint keeps, as JSON."""
        return {}

    def arrays(self) -> dict[str, mx.array]:
        """Arrays that a checkpoint keeps."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any], arrays: Mapping[str, mx.array]) -> None:
        """Take up what `state_dict` and `arrays` gave."""


def _number(value: Any, least: float, what: str, kind: Any = Real) -> Any:
    """A number from `least` on, or ValueError."""
    if isinstance(value, bool) or not isinstance(value, kind) or not value >= least:
        raise ValueError(f"[train] {what} is a number from {least}, not {value!r}")
    return value


def _monitored(logs: Logs, name: str, who: str) -> float:
    if name not in logs or not isinstance(logs[name], (int, float)):
        numbers = ", ".join(n for n, v in logs.items() if isinstance(v, (int, float)))
        raise ValueError(f"[train] {who}: no {name!r} in this epoch; there are {numbers}")
    return float(logs[name])


class _Best:
    """The best value of a number so far; names with "loss" or "perplexity" in them are better when
    they are smaller, unless the mode ("min", "max") says otherwise."""

    def __init__(self, name: str, mode: Optional[str], least: float) -> None:
        if mode not in (None, "min", "max"):
            raise ValueError(f'[train] the mode is "min" or "max", not {mode!r}')
        smaller = any(word in name for word in ("loss", "perplexity", "error"))
        self.sign = -1 if mode == "min" or (mode is None and smaller) else 1
        self.name, self.least = name, _number(least, 0, "min_delta")
        self.value: Optional[float] = None

    def state(self) -> dict[str, Any]:
        """The value, and of what it is."""
        return {"best": self.value, "monitor": self.name, "sign": self.sign}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up a value that was kept, of the same number."""
        if (state["monitor"], state["sign"]) != (self.name, self.sign):
            kind = {-1: "smallest", 1: "largest"}
            raise ValueError(
                f"it has the {kind.get(state['sign'], 'best')} {state['monitor']!r}, "
                f"the {kind[self.sign]} {self.name!r} is asked for"
            )
        self.value = None if state["best"] is None else float(state["best"])

    def better(self, value: float) -> bool:
        if value != value:
            return False
        if self.value is None or (value - self.value) * self.sign > self.least:
            self.value = value
            return True
        return False


class Progress(Callback):
    """A line that is written over as steps go by, and a line for each epoch, on stderr.

    Args:
        file: Where it is written; by default `sys.stderr`.
        every: Seconds between two versions of the line.

    Raises:
        ValueError: `every` is no number from 0

    Example:
        >>> import sys
        >>> train.Progress(sys.stdout, every=1.0).every
        1.0
    """

    def __init__(self, file: Optional[TextIO] = None, every: float = 0.2) -> None:
        self.file, self.every = file, _number(every, 0, "every")

    def on_fit_begin(self, trainer: "Trainer") -> None:
        self._last = self._begin = time.perf_counter()
        self._first = trainer.global_step

    def on_epoch_begin(self, trainer: "Trainer") -> None:
        self._begin, self._first = time.perf_counter(), trainer.global_step

    def _print(self, text: str, end: str) -> None:
        file = self.file or sys.stderr
        file.write(("\r" if file.isatty() else "") + text + end)
        file.flush()

    def on_step_end(self, trainer: "Trainer", logs: Logs) -> None:
        now, file = time.perf_counter(), self.file or sys.stderr
        if now - self._last < self.every or not file.isatty():
            return
        self._last = now
        speed = 1000 * (now - self._begin) / max(1, trainer.global_step - self._first)
        loss = logs.get("loss", float("nan"))
        where = f"epoch {trainer.epoch + 1}  batch {trainer.batch}"
        self._print(f"{where}  loss {loss:.4f}  {speed:.1f} ms a step    ", "")

    def on_epoch_end(self, trainer: "Trainer", logs: Logs) -> None:
        numbers = (f"{n} {v:.4g}" for n, v in logs.items() if isinstance(v, float))
        seconds = time.perf_counter() - self._begin
        self._print(f"epoch {logs['epoch']}  {'  '.join(numbers)}  {seconds:.1f} s    ", "\n")


class EarlyStopping(Callback):
    """Ends the training when a number has not become better for `patience` epochs, by `min_delta`
    at least.

    Args:
        monitor: The number's name in the history.
        patience: How many epochs may pass.
        mode: "min" or "max": which is better; by default small where the name has "loss", "error"
            or "perplexity" in it.
        min_delta: How much better is better.

    Raises:
        ValueError: `patience` or `min_delta` is no such number, or `mode` another word

    Example:
        >>> batches = [(mx.zeros((4, 2)), mx.zeros((4, 1)))]
        >>> model = nn.Linear(2, 1, bias=False)  # gives 0 for 0, and gets no better
        >>> stop = train.EarlyStopping("loss", patience=2)
        >>> trainer = train.Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), callbacks=[stop])
        >>> len(trainer.fit(batches, epochs=10))
        3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 3,
        mode: Optional[str] = None,
        min_delta: float = 0.0,
    ) -> None:
        self.monitor, self.patience = monitor, _number(patience, 0, "patience", Integral)
        self.best, self.waited = _Best(monitor, mode, min_delta), 0

    def on_epoch_end(self, trainer: "Trainer", logs: Logs) -> None:
        value = _monitored(logs, self.monitor, "EarlyStopping")
        self.waited = 0 if self.best.better(value) else self.waited + 1
        if self.waited >= max(1, self.patience):
            trainer.stop(
                f"{self.monitor} was not better than {self.best.value} for {self.waited} epochs"
            )

    def state_dict(self) -> Mapping[str, Any]:
        return {**self.best.state(), "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any], arrays: Mapping[str, mx.array]) -> None:
        self.best.load(state)
        self.waited = int(state["waited"])


_STEP_FILE = re.compile(r"step-([0-9]{8}|[1-9][0-9]{8,})\.safetensors")


class Checkpoint(Callback):
    """Keeps the training in a folder: `last.safetensors` after each epoch and every `every_steps`
    steps, `best.safetensors` of the best `monitor` if one is given, and with `keep` the files of so
    many steps, `step-00000100.safetensors`. `Trainer.fit(resume=folder)` goes on from the last.

    Args:
        folder: Where the files go; it is made if need be. A relative path is of the folder that
            the program works in when it is given.
        monitor: The number whose best epoch is kept.
        mode: "min" or "max", as of `EarlyStopping`.
        every_steps: After how many steps `last.safetensors` is written anew, too.
        keep: How many files of steps stay.
        on_error: Whether `last.safetensors` is written, too, where any exception ends `fit`: an
            error of the loss, the data or a callback, KeyboardInterrupt, SystemExit. It is of the
            last batch that was counted, also between the steps of `accumulate`.

    Raises:
        ValueError: a number is negative, or `mode` another word; when the training begins: the
            folder's last or best file is no checkpoint, or one of another model, and the training
            does not go on from the last

    Example:
        >>> import os
        >>> batches = [(mx.ones((4, 2)), mx.ones((4, 1)))]
        >>> keep = train.Checkpoint("run", monitor="loss")
        >>> model = nn.Linear(2, 1)
        >>> trainer = train.Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), callbacks=[keep])
        >>> history = trainer.fit(batches, epochs=2)
        >>> sorted(os.listdir("run"))
        ['best.safetensors', 'last.safetensors']
    """

    order = 100

    def __init__(
        self,
        folder: PathLike,
        monitor: Optional[str] = None,
        mode: Optional[str] = None,
        every_steps: Optional[int] = None,
        keep: int = 0,
        on_error: bool = False,
    ) -> None:
        if every_steps is not None:
            _number(every_steps, 1, "every_steps", Integral)
        self.folder, self.monitor = from_here(folder), monitor
        self.every_steps, self.keep = every_steps, _number(keep, 0, "keep", Integral)
        self.best = _Best(monitor or "", mode, 0.0)
        self.saves_on_error = on_error
        self._saved: Optional[tuple[int, ...]] = None  # counts of what the last file has

    def path(self, name: str) -> str:
        """The path of "last", "best" or "step-..."."""
        return os.path.join(self.folder, f"{name}.safetensors")

    def on_fit_begin(self, trainer: "Trainer") -> None:
        _make_folder(self.folder)
        trainer.check_free(self.path("last"), *([self.path("best")] if self.monitor else []))
        self._saved = _counts(trainer)  # what there is to lose begins here

    def on_step_end(self, trainer: "Trainer", logs: Logs) -> None:
        if self.every_steps and trainer.global_step % self.every_steps == 0:
            self._save(trainer)

    def on_epoch_end(self, trainer: "Trainer", logs: Logs) -> None:
        if self.monitor and self.best.better(_monitored(logs, self.monitor, "Checkpoint")):
            trainer.save(self.path("best"))
        self._save(trainer)

    def on_error(self, trainer: "Trainer", error: BaseException) -> None:
        if not self.saves_on_error or self._saved == _counts(trainer):
            return
        try:
            self._save_last(trainer)
        except Exception as why:
            what = f"{type(why).__name__}: {why}"
            warnings.warn(f"[train] {self.path('last')} was not written: {what}", stacklevel=2)

    def on_fit_end(self, trainer: "Trainer") -> None:
        if trainer.stopping and trainer.batch and not trainer.waiting:
            self._save(trainer)

    def _save_last(self, trainer):
        trainer.save(self.path("last"))
        self._saved = _counts(trainer)

    def _save(self, trainer):
        self._save_last(trainer)
        if self.keep:
            trainer.save(self.path(f"step-{trainer.global_step:08d}"))
            for step in self._steps_until(trainer.global_step)[: -self.keep]:
                os.remove(self.path(f"step-{step:08d}"))

    def _steps_until(self, last):
        """The steps that have a file, but for those beyond the last: they are of another training,
        or of one that went on from an earlier step."""
        found = map(_STEP_FILE.fullmatch, os.listdir(self.folder))
        steps = sorted(int(match[1]) for match in found if match)
        return [step for step in steps if step <= last]

    def state_dict(self) -> Mapping[str, Any]:
        return self.best.state()

    def load_state_dict(self, state: Mapping[str, Any], arrays: Mapping[str, mx.array]) -> None:
        self.best.load(state)


def _counts(trainer):
    return trainer.epoch, trainer.batch, trainer.global_step


def _make_folder(folder):
    """Before the first step, since a folder that cannot be would lose an epoch."""
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise OSError(f"[train] {folder} can be no folder: {error.strerror}") from None


class LearningRateMonitor(Callback):
    """Adds `learning_rate` to the numbers of steps and epochs; of a `MultiOptimizer`
    `learning_rate_0`, `learning_rate_1` ... of its optimizers.

    Raises:
        ValueError: when the training begins: the optimizer has no learning rate

    Example:
        >>> model, rate = nn.Linear(2, 1), optim.exponential_decay(0.5, 0.5)
        >>> watch = train.LearningRateMonitor()
        >>> trainer = train.Trainer(model, nn.losses.mse_loss, optim.SGD(rate), callbacks=[watch])
        >>> trainer.fit([(mx.ones((4, 2)), mx.ones((4, 1)))], epochs=3)["learning_rate"]
        [0.5, 0.25, 0.125]
    """

    def on_fit_begin(self, trainer: "Trainer") -> None:
        _rates(trainer.optimizer)

    def on_step_end(self, trainer: "Trainer", logs: Logs) -> None:
        rates = _rates(trainer.optimizer)
        for i, rate in enumerate(rates):
            logs["learning_rate" if len(rates) == 1 else f"learning_rate_{i}"] = rate

    def on_epoch_end(self, trainer: "Trainer", logs: Logs) -> None:
        self.on_step_end(trainer, logs)


def _rates(optimizer):
    """The learning rates of an optimizer, or of several."""
    several = getattr(optimizer, "optimizers", None)
    if several is not None:
        return [rate for one in several for rate in _rates(one)]
    try:
        return [optimizer.learning_rate.item()]
    except KeyError:
        raise ValueError(f"[train] {type(optimizer).__name__} has no learning rate") from None


class CSVLogger(Callback):
    """The history as a CSV file, written anew after each epoch.

    Args:
        path: The file; its folder is made if need be. A relative path is of the folder that the
            program works in when it is given.

    Raises:
        IsADirectoryError: when the training begins: the path is a folder

    Example:
        >>> batches = [(mx.zeros((4, 2)), mx.zeros((4, 1)))]
        >>> model = nn.Linear(2, 1, bias=False)
        >>> write = train.CSVLogger("history.csv")
        >>> trainer = train.Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), callbacks=[write])
        >>> history = trainer.fit(batches, epochs=2)
        >>> open("history.csv").readline().split(",")[:2]
        ['epoch', 'step']
    """

    order = 50

    def __init__(self, path: PathLike) -> None:
        self.path = from_here(path)

    def on_fit_begin(self, trainer: "Trainer") -> None:
        if os.path.isdir(self.path):
            raise IsADirectoryError(f"[train] {self.path} is a folder, a CSV file was expected")
        _make_folder(os.path.dirname(self.path))

    def on_epoch_end(self, trainer: "Trainer", logs: Logs) -> None:
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, trainer.history.names, restval="")
        writer.writeheader()
        writer.writerows(trainer.history)
        write_file(self.path, table.getvalue().encode())


class TensorBoard(Callback):
    """Event files for TensorBoard: numbers of every `every_steps`-th step under step/, those of
    epochs under epoch/.

    Args:
        folder: Where the files go; it is made if need be. A relative path is of the folder that
            the program works in when it is given.
        every_steps: Which steps are written.

    Raises:
        ValueError: `every_steps` is no whole number from 1

    Example:
        >>> import os
        >>> model, write = nn.Linear(2, 1), train.TensorBoard("logs")
        >>> trainer = train.Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), callbacks=[write])
        >>> history = trainer.fit([(mx.ones((4, 2)), mx.ones((4, 1)))], epochs=1)
        >>> os.listdir("logs")[0].startswith("events.out")
        True
    """

    order = 50

    def __init__(self, folder: PathLike, every_steps: int = 10) -> None:
        self.folder = from_here(folder)
        self.every_steps = _number(every_steps, 1, "every_steps", Integral)
        self.writer: Optional[EventWriter] = None

    def on_fit_begin(self, trainer: "Trainer") -> None:
        _make_folder(self.folder)
        self.writer = EventWriter(self.folder)

    def _write(self, group: str, logs: Logs, step: int) -> None:
        for name, value in logs.items():
            if self.writer and isinstance(value, float):
                self.writer.scalar(f"{group}/{name}", value, step)

    def on_step_end(self, trainer: "Trainer", logs: Logs) -> None:
        if trainer.global_step % self.every_steps == 0:
            self._write("step", logs, trainer.global_step)

    def on_epoch_end(self, trainer: "Trainer", logs: Logs) -> None:
        self._write("epoch", logs, logs["epoch"])

    def on_fit_end(self, trainer: "Trainer") -> None:
        if self.writer:
            self.writer.close()
            self.writer = None


class EMA(Callback):
    """An exponential moving average of the model's parameters and of what layers keep, such as the
    statistics of BatchNorm: after each step `average += (1 - decay) * (parameters - average)`; with
    `warmup` the decay of the first steps is (1 + step) / (10 + step). If `evaluate`, it is what
    `Trainer.evaluate` and `predict` use and the `model.` of checkpoints, whose `trained.` are the
    parameters that training goes on from; `apply` puts it into the model.

    Args:
        decay: How much of the average stays in each step, from 0 and below 1.
        evaluate: Whether measures, predictions and checkpoints take the average.
        warmup: Whether the first steps count for more.

    Raises:
        ValueError: `decay` is not from 0 and below 1

    Example:
        >>> model, average = nn.Linear(2, 1), train.EMA(0.99)
        >>> trainer = train.Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), callbacks=[average])
        >>> history = trainer.fit([(mx.ones((4, 2)), mx.ones((4, 1)))] * 10, epochs=2)
        >>> average.apply(model)  # from now on
    """

    def __init__(self, decay: float = 0.999, evaluate: bool = True, warmup: bool = True) -> None:
        if not _number(decay, 0, "EMA's decay") < 1:
            raise ValueError(f"[train] EMA: a decay of {decay}")
        self.decay, self.evaluate, self.warmup = decay, evaluate, warmup
        self.average: Any = None
        self._step: Optional[int] = None  # the last one in the average
        self._move = mx.compile(_moved)

    def on_fit_begin(self, trainer: "Trainer") -> None:
        if self.average is None:
            self.average = tree_map(mx.array, trainer.model.parameters())
        if self._step != trainer.global_step - 1:  # else that of the last step was interrupted
            self._step = trainer.global_step
        self.on_step_end(trainer, {})

    def on_step_end(self, trainer: "Trainer", logs: Logs) -> None:
        step = trainer.global_step
        if step == self._step:
            return
        decay = min(self.decay, (1 + step) / (10 + step)) if self.warmup else self.decay
        parameters = trainer.model.parameters()
        moved = self._move(self.average, parameters, mx.array(1 - decay))
        vars(self).update(average=moved, _step=step)
        mx.eval(self.average)

    def evaluated(self) -> Any:
        return self.average if self.evaluate else None

    def apply(self, model: Any) -> None:
        """Put the average into a model."""
        if self.average is None:
            raise ValueError("[train] EMA: nothing was trained yet")
        model.update(self.average)

    def state_dict(self) -> Mapping[str, Any]:
        return {"decay": self.decay, "warmup": self.warmup, "step": self._step}

    def arrays(self) -> dict[str, mx.array]:
        return dict(tree_flatten(self.average)) if self.average is not None else {}

    def load_state_dict(self, state: Mapping[str, Any], arrays: Mapping[str, mx.array]) -> None:
        for name in ("decay", "warmup"):
            ours = getattr(self, name)
            if state[name] != ours:
                raise ValueError(f"its {name} is {state[name]}, {ours} here")
        self.average = tree_unflatten(dict(arrays)) if arrays else None
        self._step = state.get("step") if arrays else None


def _moved(average, parameters, share):
    def one(a, p):
        return a + share.astype(a.dtype) * (p - a) if mx.issubdtype(p.dtype, mx.floating) else p

    return tree_map(one, average, parameters)


class TimeLimit(Callback):
    """Ends the training after so many seconds of `fit`.

    Args:
        seconds: How many.

    Raises:
        ValueError: they are no number from 0

    Example:
        >>> limit = train.TimeLimit(8 * 3600)  # for `callbacks`
        >>> limit.seconds
        28800
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = _number(seconds, 0, "seconds")

    def on_fit_begin(self, trainer: "Trainer") -> None:
        self._end = time.monotonic() + self.seconds

    def on_step_end(self, trainer: "Trainer", logs: Logs) -> None:
        if time.monotonic() >= self._end:
            trainer.stop(f"the time of {self.seconds} seconds is over")

    def on_epoch_end(self, trainer: "Trainer", logs: Logs) -> None:
        self.on_step_end(trainer, logs)  # an epoch may have no step that is taken
