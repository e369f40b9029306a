"""The training loop."""

import os
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

import mlx.core as mx

from ..nn.layers.base import Module
from ..optimizers import Optimizer
from ..utils import tree_flatten, tree_unflatten
from . import checkpoint
from ._data import Data
from ._setup import PathLike, Setup, check_parts, differences, model_of, optimizer_of
from ._setup import rates_of, set_rates, words_of
from ._step import Forward, Loss, Steps, arrays_of, cast, computing_in, first_two
from ._words import described, is_floating, positive, whole
from .callbacks import Callback
from .history import History
from .metrics import metrics as metrics_of

__all__ = ["NonFiniteLoss", "Trainer"]

Logs = dict[str, Any]


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


class Trainer:
    """Trains a model on batches.

        trainer = Trainer(model, nn.losses.cross_entropy, optim.Adam(1e-3), metrics=["accuracy"])
        history = trainer.fit(batches, epochs=3, validation=others)
        print(trainer.evaluate(others), history)

    Batches are pairs of input and target, or dicts of two arrays, in this order; of others
    `forward(model, batch)` makes the prediction, the target and, if examples count differently, a
    weight: `(prediction, target, weight)`. `loss(prediction, target)` is a number, or one for each
    example, whose mean is taken.

    Args:
        model: what is trained, a module.
        loss: a function of prediction and target.
        optimizer: what makes steps of gradients.
        metrics: measures of `evaluate`: names, `mlx.train.metrics`, functions of prediction and
            target.
        forward: what makes prediction and target of other batches, see above.
        callbacks: what is told of epochs and steps, see `Callback`.
        compute_dtype: bfloat16, for instance: the forward and backward passes are computed with
            copies of the parameters in it, the loss and the step in float32.
        clip_norm: the largest norm of the gradients of a step.
        accumulate: so many batches make a step, as if they were one: batches count by the sum of
            their weights, or by the number of their losses. A loss that is one number is taken for
            the mean over all numbers of the target: one that leaves some out (padding) or adds them
            up cannot tell, and gives another step than one batch would.
        on_nan: "stop" does not take the step and raises `NonFiniteLoss` before any callback hears
            of it; "skip" does not take it and goes on, with `accumulate` without this batch: the
            step is the mean of the others, and none if there is no other; "ignore" takes it. The history has the
            number of batches as `skipped`, or `not_finite`; its loss is the mean of the others.
        check_labels: whole numbers as targets of predictions with one dimension more are numbers of
            classes, and an error if there is no such class: then nothing was trained.
        compile: compile the functions of arrays.

    The parts are usable alone: `step` trains on one batch, `mlx.train.metrics`, `History`,
    `EventWriter` and `checkpoint` know nothing of a trainer.

    Raises:
        ValueError: `accumulate`, `on_nan` or `clip_norm` makes no sense, or the model has nothing
            to train
        TypeError: an argument is of another kind than it should be, or `compute_dtype` is no
            floating dtype

    Example:
        >>> x = mx.random.normal((64, 2))
        >>> y = (x[:, 0] > x[:, 1]).astype(mx.int32)
        >>> trainer = train.Trainer(nn.Linear(2, 2), nn.losses.cross_entropy, optim.Adam(0.1))
        >>> history = trainer.fit([(x, y)] * 20, epochs=2)
        >>> len(history), history["loss"][-1] < history["loss"][0]
        (2, True)
    """

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        *,
        metrics: Sequence[Any] = (),
        forward: Optional[Forward] = None,
        callbacks: Sequence[Callback] = (),
        compute_dtype: Optional[mx.Dtype] = None,
        clip_norm: Optional[float] = None,
        accumulate: int = 1,
        on_nan: str = "stop",
        check_labels: bool = True,
        compile: bool = True,
    ) -> None:
        for name, value, kind in (("model", model, Module), ("optimizer", optimizer, Optimizer)):
            if not isinstance(value, kind):
                raise TypeError(f"[train] the {name} is no {name}: {described(value)}")
        for name, several in (("metrics", metrics), ("callbacks", callbacks)):
            if not isinstance(several, (list, tuple)):
                raise TypeError(f"[train] {name} are a list, not {described(several)}")
        if compute_dtype is not None and not is_floating(compute_dtype):
            raise TypeError(f"[train] compute_dtype is a floating dtype, not {compute_dtype!r}")
        if not whole(accumulate, 1):
            raise ValueError(f"[train] accumulate is the number of batches of a step: {accumulate}")
        if on_nan not in ("stop", "skip", "ignore"):
            raise ValueError(f'[train] on_nan is "stop", "skip" or "ignore", not {on_nan!r}')
        if clip_norm is not None and not positive(clip_norm):
            raise ValueError(f"[train] clip_norm is a positive number, not {clip_norm!r}")
        for name, function in (("loss", loss), ("forward", forward or first_two)):
            if not callable(function):
                raise TypeError(f"[train] {name} is a function, not {described(function)}")
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"[train] {type(callback).__name__} is no Callback")
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.forward = forward or first_two
        self.metrics = metrics_of(metrics)
        for one in self.metrics:
            one.follow(loss)
        self.callbacks = sorted(callbacks, key=lambda callback: callback.order)
        self.accumulate, self.on_nan = accumulate, on_nan
        self._options: tuple[Any, ...] = (compute_dtype, clip_norm, accumulate, on_nan != "ignore")
        self._options += (check_labels, compile)
        self._steps: Optional[Steps] = None
        self.history = History()
        self.epoch = 0  # epochs that have ended
        self.batch = 0  # batches of this epoch
        self.global_step = 0  # steps of the optimizer
        self.stopping: Optional[str] = None  # why the training ends early
        self._sums = dict(_NO_SUMS)
        self._pending = 0  # batches whose gradients wait
        self._waiting = [0.0, 0.0]  # their losses by their counts, their counts
        self._data: Optional[Data] = None
        self._resumed: Optional[Mapping[str, Any]] = None
        self._setup: Optional[Setup] = None
        self._files: set[str] = set()  # checkpoints that were written or read here
        self._trained: Any = None  # the model's own parameters while it is evaluated with others

    @property
    def waiting(self) -> int:
        """The batches whose gradients wait for the others of their step."""
        return self._pending

    @property
    def steps(self) -> Steps:
        """The functions of arrays, made when they are needed."""
        if self._steps is None:
            if not tree_flatten(self.model.trainable_parameters()):
                raise ValueError("[train] the model has no parameters that are trained")
            self.optimizer.init(self.model.trainable_parameters())
            self._setup = self._setup or self._described()
            self._steps = Steps(self.model, self.loss, self.optimizer, self.forward, *self._options)
        return self._steps

    def _described(self) -> Setup:
        """What this training is made of, before its first step."""
        names = ("compute_dtype", "clip_norm", "accumulate")
        functions = {"loss": self.loss, "forward": self.forward}
        return {
            "model": model_of(self.model),
            "optimizer": optimizer_of(self.optimizer),
            "loss": {name: str(words_of(function)) for name, function in functions.items()},
            "options": {name: repr(value) for name, value in zip(names, self._options)},
            "callbacks": {
                f"number {i}": type(callback).__name__ for i, callback in enumerate(self.callbacks)
            },
        }

    # --- training ---------------------------------------------------------------------------------

    def fit(
        self,
        data: Any,
        epochs: int = 1,
        *,
        validation: Any = None,
        steps_per_epoch: Optional[int] = None,
        resume: Optional[PathLike] = None,
        other: Sequence[str] = (),
    ) -> History:
        """Train until `epochs` have ended, those of calls before and of a checkpoint counted, too,
        and evaluate `validation` after each.

        Data are a stream or buffer of `mlx.data`, a list or loader of batches, or a function that
        returns such for each epoch. With `steps_per_epoch` an epoch is so many batches, and data
        begin again when they end. resume: a checkpoint, or a folder of a `Checkpoint`, from which
        to go on if there is one already, in the middle of an epoch, too. It is of the same model,
        optimizer, loss, options, callbacks and data, or an error says what differs; what `other`
        names ("optimizer", "data" ...) may differ: the settings are those given here, other data
        begin an epoch, other callbacks begin anew beside those whose state is there."""
        if not whole(epochs, 0):
            raise ValueError(f"[train] epochs are a whole number from 0, not {epochs!r}")
        given = Data(data, "data", steps_per_epoch)
        check_parts(other)
        path = None if resume is None else _last(resume)
        if path is not None and os.path.exists(path):
            self._load(path, other, given)
        elif self._resumed is not None and "data" not in other:
            given.check(self._resumed, "the checkpoint")
        if "data" in other:
            self.batch, self._resumed = 0, None
        self.stopping, self._data = None, given
        self._call("on_fit_begin")
        try:
            while self.epoch < epochs and not self.stopping:
                self._fit_epoch(validation)
        finally:
            self._call("on_fit_end")
        return self.history

    def stop(self, why: str) -> None:
        """End `fit` after this step; why is kept in `stopping`."""
        self.stopping = why

    def _fit_epoch(self, validation):
        self.model.train()
        if self.batch == 0:
            self._sums = dict(_NO_SUMS)
            self._call("on_epoch_begin")
        resumed, self._resumed = self._resumed, None
        for batch in self._data.epoch(self.epoch, self.batch, resumed):
            self._train(batch)
            if self.stopping and not self._pending:
                return
        if self.batch == 0:
            raise ValueError(f"[train] the data gave no batch in epoch {self.epoch + 1}")
        if self._pending:
            self._call("on_step_end", self._apply())
        self._end_epoch(validation)

    def _train(self, batch):
        logs = self.step(batch)
        self.batch += 1
        if not self._pending:
            self._call("on_step_end", logs)

    def step(self, batch: Any) -> Logs:
        """Train on one batch: its loss, the norm of the gradients, and whether they are finite.
        With `accumulate` the call of so many takes the optimizer's step, and its loss is that of
        all its batches; the others give no norm. What is refused, or with `on_nan="stop"` not
        finite, is an error and changes neither the model nor the optimizer nor what waits."""
        with _located(self._where()):
            result = self.steps.train(arrays_of(batch))
            logs = self._values(result)
        self._check_labels(logs, self._where())
        self._check_finite(logs)
        if self.accumulate == 1:
            self.global_step += 1
            return logs
        self._wait(logs)
        return {**logs, **self._apply()} if self._pending == self.accumulate else logs

    def _values(self, result):
        """The numbers of a step, when all that it changes is computed."""
        mx.eval(result, self.model.state, self.optimizer.state, self.steps.sum)
        return {name: value.item() for name, value in result.items()}

    def _wait(self, logs):
        self._pending += 1
        if logs["finite"] or self.on_nan == "ignore":
            self._waiting[0] += logs["loss"] * logs["count"]
            self._waiting[1] += logs["count"]

    def _apply(self):
        logs = self._values(self.steps.apply())
        total, count = self._waiting
        self._pending, self._waiting = 0, [0.0, 0.0]
        self._check_finite(logs)
        self.global_step += 1
        return {**logs, "loss": total / count if count else float("nan"), "count": count}

    def _check_labels(self, logs, where):
        weight = logs.pop("weight", 0.0)
        if not 0 <= weight < float("inf"):
            raise ValueError(f"[train] a weight is {weight}, not a number from 0{where}")
        low, high, classes = (logs.pop(name, None) for name in ("low", "high", "classes"))
        if classes is not None and (low < 0 or high >= classes):
            raise ValueError(
                f"[train] a label is {low if low < 0 else high}, the model has {classes} classes"
                f"{where}"
            )

    def _check_finite(self, logs):
        if not logs["finite"]:
            self._sums["skipped"] += 1
            if self.on_nan == "stop":
                what = "loss" if not _finite(logs.get("loss", 0.0)) else "gradient_norm"
                raise NonFiniteLoss(
                    f"[train] the {what.replace('_', ' ')} is {logs[what]}{self._where()}; "
                    "model, optimizer and checkpoints are as before"
                )
        elif "loss" in logs:
            self._sums["loss"] += logs["loss"] * logs["count"]
            self._sums["count"] += logs["count"]
            self._sums["empty"] += not logs["count"]

    def _where(self):
        return f" (step {self.global_step + 1}, batch {self.batch + 1} of epoch {self.epoch + 1})"

    def _end_epoch(self, validation):
        count = self._sums["count"]
        logs: Logs = {"epoch": self.epoch + 1, "step": self.global_step}
        logs["loss"] = self._sums["loss"] / count if count else float("nan")
        if self._sums["skipped"]:
            name = "skipped" if self.on_nan == "skip" else "not_finite"
            logs[name] = self._sums["skipped"]
        if self._sums["empty"]:
            logs["without_weight"] = self._sums["empty"]
        if validation is not None:
            found = self.evaluate(validation)
            logs.update({f"val_{name}": value for name, value in found.items()})
        self.epoch, self.batch = self.epoch + 1, 0
        self.history.rows.append(logs)
        self._call("on_epoch_end", logs)

    def _call(self, what, *arguments):
        for callback in self.callbacks:
            getattr(callback, what)(self, *arguments)

    # --- evaluation -------------------------------------------------------------------------------

    def evaluate(self, data: Any) -> Logs:
        """The mean loss and the measures of all examples, with the model in evaluation mode."""
        for one in self.metrics:
            one.reset()
        total = count = 0.0
        for logs, prediction, target, weight in self._tested(data):
            total, count = total + logs["loss"] * logs["count"], count + logs["count"]
            for one in self.metrics:
                one.update(prediction, target, weight)
        if not count:
            raise ValueError("[train] there is nothing to evaluate: the data gave no example")
        values = {one.name: one.compute() for one in self.metrics}
        return {"loss": total / count, **{name: _plain(value) for name, value in values.items()}}

    def _tested(self, data):
        steps = self.steps
        with self._evaluation():
            self._call("on_validation_begin")
            try:
                for number, batch in enumerate(Data(data, "data to evaluate").all(), 1):
                    where = f" (batch {number} to evaluate)"
                    with _located(where):
                        result, (prediction, target, weight) = steps.test(arrays_of(batch))
                        mx.eval(result, prediction)
                    logs = {name: value.item() for name, value in result.items()}
                    self._check_labels(logs, where)
                    yield logs, prediction, target, weight
            finally:
                self._call("on_validation_end")

    def _evaluated(self):
        """The parameters of the first callback that has some for evaluation."""
        found = (callback.evaluated() for callback in self.callbacks)
        return next((parameters for parameters in found if parameters is not None), None)

    @contextmanager
    def _evaluation(self) -> Iterator[None]:
        """The model in evaluation mode, with the parameters for it."""
        training, parameters = self.model.training, self._evaluated()
        before = self._trained
        if parameters is not None and before is None:
            self._trained = self.model.parameters()
            self.model.update(parameters)
        self.model.eval()
        try:
            yield
        finally:
            self.model.train(training)
            if parameters is not None and before is None:
                self.model.update(self._trained)
            self._trained = before

    def predict(
        self, data: Any, forward: Optional[Callable[[Module, Any], Any]] = None
    ) -> mx.array:
        """The predictions for all batches, joined: of `forward(model, batch)`, by default of the
        model for the first array of each batch. Parameters and dtype of the computation are those
        of `evaluate`, the result is of float32 where a `compute_dtype` was given."""
        forward = forward or (lambda model, batch: model(_first(batch)))
        dtype, parts = self._options[0], []
        with self._evaluation(), computing_in(dtype, self.model):
            for batch in Data(data, "data to predict").all():
                arrays = arrays_of(batch)
                given = arrays if dtype is None else cast(arrays, dtype)
                parts.append(forward(self.model, given))
                mx.eval(parts[-1])
        if not parts:
            raise ValueError("[train] there is nothing to predict: the data gave no batch")
        return mx.concatenate(parts) if dtype is None else mx.concatenate(parts).astype(mx.float32)

    # --- checkpoints ------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Write all that training goes on from, at the end of a step: parameters, the optimizer's
        state, random numbers, where data stand, history, what callbacks remember. `model.` are the
        parameters of `evaluate`; where these are not what is trained, that is `trained.`."""
        if self._pending:
            raise ValueError("[train] gradients wait for their step: save at the end of one")
        self.steps
        arrays: dict[str, mx.array] = {"random": mx.random.state[0]}
        trained, evaluated = self._trained or self.model.parameters(), self._evaluated()
        groups = {"model": evaluated or trained, "optimizer": self.optimizer.state}
        if evaluated is not None:
            groups["trained"] = trained
        for group, tree in groups.items():
            arrays.update({f"{group}.{name}": x for name, x in dict(tree_flatten(tree)).items()})
        about: dict[str, Any] = {name: getattr(self, name) for name in _COUNTS}
        about.update(sums=self._sums, history=self.history.rows)
        about["data"] = self._data.state() if self._data else self._resumed
        about["setup"] = self._setup
        about["callbacks"] = [callback.state_dict() for callback in self.callbacks]
        for i, callback in enumerate(self.callbacks):
            arrays.update({f"callback.{i}.{n}": x for n, x in callback.arrays().items()})
        checkpoint.write(path, arrays, about)
        self._files.add(os.path.abspath(path))

    def check_free(self, path: PathLike) -> None:
        """Raise ValueError if a file is there that is none of this model's checkpoints: `save`
        would write over it. Those that were loaded or saved here are."""
        if os.path.abspath(path) in self._files or not os.path.isfile(path):
            return
        self.steps
        try:
            found = checkpoint.read(path)[1]
            ours = {"model": (self._setup or self._described())["model"]}
            differences(found.get("setup"), ours, (), path)
        except ValueError as error:
            raise ValueError(
                f"{error}. It would be written over: name another folder, or remove it"
            ) from None

    def load(self, path: PathLike, *, other: Sequence[str] = ()) -> None:
        """Take up what `save` wrote; a later `fit` goes on there. A file of another model,
        optimizer, loss, of other options or callbacks changes nothing and is a ValueError, unless
        `other` names what may differ, whose settings stay as they are here."""
        self._load(path, other, None)

    def _load(self, path, other, data):
        check_parts(other)
        arrays, about = checkpoint.read(path)
        self.steps
        parts = self._check(path, arrays, about, other)
        if data is not None and "data" not in other and about["data"] is not None:
            data.check(about["data"], path)
        mx.eval(arrays)
        if "callbacks" in other:
            self._load_those_there(about, arrays)
        else:
            self._load_callbacks(path, about["callbacks"], arrays)
        rates = rates_of(self.optimizer)
        self.model.update(tree_unflatten(parts["model"]))
        self.optimizer.state = tree_unflatten(parts["optimizer"])
        if "optimizer" in other:
            set_rates(self.optimizer, rates)
        mx.random.state[0] = arrays["random"]
        for name in _COUNTS:
            setattr(self, name, about[name])
        self._sums, self.history.rows = about["sums"], about["history"]
        self._data, self._resumed, self._steps = None, about["data"], None
        if "data" in other:
            self.batch, self._resumed = 0, None
        self._pending, self._waiting = 0, [0.0, 0.0]
        self._files.add(os.path.abspath(path))

    def _check(self, path, arrays, about, other):
        """The model's and the optimizer's arrays, if the checkpoint is one of this training."""
        mine = {
            "model": self.model.parameters(),
            "optimizer": self.optimizer.state,
            "random": {"random": mx.random.state[0]},
        }
        parts = {name: _part(arrays, f"{name}.") for name in ("model", "optimizer")}
        parts["model"] = _part(arrays, "trained.") or parts["model"]
        parts["random"] = {"random": arrays["random"]} if "random" in arrays else {}
        for name, found in parts.items():
            what = "random generator" if name == "random" else name
            checkpoint.check_same(found, mine[name], what, path)
        checkpoint.check_state(about, _STATE, path)
        differences(about["setup"], self._setup, other, path)
        states, names = about["callbacks"], about["setup"]["callbacks"]
        if len(states) != len(names):
            raise ValueError(
                f"[train] {os.fspath(path)} is no checkpoint: it has states of {len(states)} "
                f"callbacks and the names of {len(names)}"
            )
        return parts

    def _load_callbacks(self, path, states, arrays):
        """Each takes up its state, or all keep what they had."""
        before = [(callback.state_dict(), callback.arrays()) for callback in self.callbacks]
        for i, (callback, state) in enumerate(zip(self.callbacks, states)):
            try:
                callback.load_state_dict(state, _part(arrays, f"callback.{i}."))
            except _NO_STATE as error:
                for one, kept in zip(self.callbacks, before):
                    one.load_state_dict(*kept)
                who, why = type(callback).__name__, f"{type(error).__name__} {error}"
                raise ValueError(
                    f"[train] {os.fspath(path)} has no state of {who}: {why}"
                ) from error

    def _load_those_there(self, about, arrays):
        """Each takes up the first state of its class that it can, or begins anew."""
        names, left = about["setup"]["callbacks"], dict(enumerate(about["callbacks"]))
        for callback in self.callbacks:
            mine = [i for i in left if names.get(f"number {i}") == type(callback).__name__]
            for i in mine:
                if _takes_up(callback, left[i], _part(arrays, f"callback.{i}.")):
                    del left[i]
                    break

    def resume(self, path: PathLike, *, other: Sequence[str] = ()) -> bool:
        """Load a checkpoint, or `last.safetensors` of a folder, if it is there; says whether."""
        path = _last(path)
        if not os.path.exists(path):
            return False
        self.load(path, other=other)
        return True


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Errors say in which batch."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError) as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (f"{error.args[0]}{where}", *error.args[1:])
        raise


# What a callback raises that cannot take up a state.
_NO_STATE = (KeyError, TypeError, ValueError, AttributeError)


def _takes_up(callback, state, arrays):
    """Whether it took up a state; if not it is as it was."""
    before = callback.state_dict(), callback.arrays()
    try:
        callback.load_state_dict(state, arrays)
    except _NO_STATE:
        callback.load_state_dict(*before)
        return False
    return True


def _last(path):
    """The checkpoint, or that of a folder from which to go on."""
    path = os.fspath(path)
    is_file = path.endswith(".safetensors") and not os.path.isdir(path)
    return path if is_file or os.path.isfile(path) else os.path.join(path, "last.safetensors")


# Of an epoch: its loss by counts, counts, batches that were not finite, and without weight.
_NO_SUMS: dict[str, Any] = {"loss": 0.0, "count": 0.0, "skipped": 0, "empty": 0}

_COUNTS = ("epoch", "batch", "global_step")

# What a checkpoint says besides its arrays, and of what kind each is.
_STATE: dict[str, Any] = {
    **{name: "count" for name in _COUNTS},
    "sums": {"loss": "number", "count": "number", "skipped": "count", "empty": "count"},
    "history": [{}],
    "callbacks": [{}],
    "setup": {},
    "data": None,  # of the data, which check it
}


def _part(arrays, prefix):
    return {n[len(prefix) :]: x for n, x in arrays.items() if n.startswith(prefix)}


def _finite(value):
    return abs(value) < float("inf")


def _plain(value):
    return value.tolist() if isinstance(value, mx.array) else value


def _first(batch):
    if isinstance(batch, dict):
        return next(iter(batch.values()))
    return batch[0] if isinstance(batch, tuple) else batch
