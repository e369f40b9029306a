"""The training loop."""

import os
import weakref
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

import mlx.core as mx

from ..nn.layers.base import Module
from ..optimizers import Optimizer
from ..utils import tree_flatten, tree_unflatten
from . import checkpoint
from ._batch import NO_SUMS, Batches, Logs, NonFiniteLoss, refusal, say_where
from ._data import Data, Place
from ._setup import PathLike, Setup, check_parts, differences, model_of, optimizer_of
from ._setup import rates_of, set_rates, words_of
from ._precision import border, cast, computing_in, lending
from ._step import Forward, Loss, Steps, arrays_of, first_two
from ._words import described, is_floating, plain, positive, whole
from .callbacks import Callback
from .history import History
from .metrics import metrics as metrics_of

__all__ = ["NonFiniteLoss", "Trainer"]


class Trainer(Batches):
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
        compute_dtype: bfloat16, for instance: the model computes in it, forward and backward, with
            copies of its parameters. Floating-point arrays that enter the model, or a layer of it
            that `forward` calls by itself, are cast to it, and what that call gives is float32
            again: targets, weights, or a loss that `forward` computes of the batch and of
            predictions are not rounded. Loss, step and parameters are float32.
        clip_norm: the largest norm of the gradients of a step.
        accumulate: so many batches make a step, as if they were one: batches count by the sum of
            their weights, or by the number of their losses. A loss that is one number is taken for
            the mean over all numbers of the target: one that leaves some out (padding) or adds them
            up cannot tell, and gives another step than one batch would.
        on_nan: "stop" does not take the step and raises `NonFiniteLoss` before any callback hears
            of it; "skip" does not take it and goes on, with `accumulate` without this batch: the
            step is the mean of the others, and none if there is no other; "ignore" takes it. The
            history has the number of batches as `skipped`, or `not_finite`; its loss is the mean of
            the others. Steps that are not taken are not counted in `global_step`, and no callback
            hears of them.
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
        super().__init__(callbacks, accumulate, on_nan)
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.forward = forward or first_two
        self.metrics = metrics_of(metrics)
        for one in self.metrics:
            one.follow(loss)
        self._options: tuple[Any, ...] = (compute_dtype, clip_norm, accumulate, on_nan != "ignore")
        self._options += (check_labels, compile)
        self._steps: Optional[Steps] = None
        self.history = History()
        self.stopping: Optional[str] = None  # why the training ends early
        self._data: Optional[Data] = None
        self._place: Optional[Place] = None  # in them, behind the last batch of `fit`
        self._resumed: Optional[Mapping[str, Any]] = None  # where they stood before that
        self._setup: Optional[Setup] = None
        self._files: set[str] = set()  # checkpoints that were written or read here
        self._modes: Any = None  # of the model's layers before it is evaluated
        self._trained: Any = None  # the model's own parameters while it is evaluated with others

    @property
    def steps(self) -> Steps:
        """The functions of arrays, made when they are needed, and again where layers were frozen or
        are trained again, or the model, the loss, the optimizer or `forward` is another one."""
        if self._steps is not None and not self._pending and not self._taken:
            if not self._steps.are_of(self.model, self.loss, self.optimizer, self.forward):
                self._steps = self._setup = None
            elif not self._steps.knows_what_is_frozen():
                self._steps = None
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
        begin an epoch, other callbacks begin anew beside those whose state is there. What ended in
        the middle of an epoch (an error, control-C, `stop`) goes on there, likewise."""
        if not whole(epochs, 0):
            raise ValueError(f"[train] epochs are a whole number from 0, not {epochs!r}")
        given = Data(data, "data", steps_per_epoch)
        check_parts(other)
        self._end_evaluation()
        self._settle()
        path = None if resume is None else _last(resume)
        if path is not None and os.path.exists(path):
            self._load(path, other, given)
        else:
            self._claim()
            self._check_callbacks()
            self._go_on(given, other)
        self._adopt(fresh=True)
        self.stopping, self._data, self._place, self._passing = None, given, None, given.place
        self._call("on_fit_begin")
        with ExitStack() as end:
            end.callback(self._call, "on_fit_end")
            end.push(self._tell_of_error)
            for last in (given.leave, self._tell_all, self._finish):
                end.callback(last)
            self._tell()
            while self.epoch < epochs and not self.stopping:
                self._fit_epoch(validation)
        return self.history

    def _claim(self):
        """From now on the optimizer's state is this model's, or ValueError if it is another's."""
        owner = _OWNERS.get(self.optimizer)
        if owner is not None and owner() is not self.model:
            taken = _steps_taken(self.optimizer)
            if taken:
                raise ValueError(
                    f"[train] {type(self.optimizer).__name__} has taken {taken} steps of another "
                    "model, which its state is of: give each model an optimizer of its own"
                )
        _OWNERS[self.optimizer] = weakref.ref(self.model)

    def _check_callbacks(self):
        """Raise ValueError if what one remembers (the best value, an average) is of another model."""
        for one in self.callbacks:
            model, fresh = vars(one).get("_of", (None, None))
            if model and model() is not self.model and _kept_by(one) != fresh:
                raise ValueError(
                    f"[train] {type(one).__name__} remembers the training of another model: give "
                    "each training callbacks of its own"
                )

    def _adopt(self, fresh):
        """From now on callbacks are of this model."""
        for one in self.callbacks:
            model, first = vars(one).get("_of", (None, _kept_by(one) if fresh else None))
            if not model or model() is not self.model:
                one._of = weakref.ref(self.model), first

    def _go_on(self, given, other):
        """Data begin where those of a checkpoint, or those before them, were left."""
        whose, before = "the checkpoint", self._data
        if self._place is not None and (self.batch or given.goes_on(before)):
            if given.is_read_once and given.given is before.given and "data" not in other:
                raise ValueError(
                    "[train] the data can be read once only, and an epoch has begun in them: "
                    "other=['data'] begins it again with what they have left"
                )
            whose, self._resumed = "the training so far", before.state(self._place)
        if "data" in other:
            self.batch, self._resumed = 0, None
        elif self._resumed is not None:
            given.check(self._resumed, whose)

    def stop(self, why: str) -> None:
        """End `fit` after this step; why is kept in `stopping`."""
        self.stopping = why

    def _fit_epoch(self, validation):
        if not self.model.training:
            self.model.train()
        if self.batch == 0:
            self._sums = dict(NO_SUMS)
            self._call("on_epoch_begin")
            self._renew()
        for batch in self._data.epoch(self.epoch, self.batch, self._resumed):
            self._train(batch)
            self._tell()
            if self.stopping and not self._pending:
                return
        if self.batch == 0:
            raise ValueError(f"[train] the data gave no batch in epoch {self.epoch + 1}")
        if self._pending:
            self._step_of_waiting()
            self._tell()
        self._end_epoch(validation)

    def _renew(self):
        """What is compiled knows the settings of layers as they were then: a callback may have
        changed them."""
        settings = model_of(self.model), [module.training for module in self.model.modules()]
        if self._steps is not None and settings != self._steps.settings:
            self._steps = None
        self.steps.settings = settings

    def step(self, batch: Any) -> Logs:
        """Train on one batch: its loss, the norm of the gradients, and whether they are finite.
        With `accumulate` the call of so many takes the optimizer's step, and its loss is that of
        all its batches; the others give no norm. What is refused, or with `on_nan="stop"` not
        finite, is an error and changes neither the model nor the optimizer nor what waits, nor
        random numbers. A batch that is interrupted is trained on and counted, or neither."""
        self._end_evaluation()
        self._settle()
        self._claim()
        passing, self._passing = self._passing, None
        try:
            return self._train(batch)
        finally:
            self._finish()
            self._passing = passing

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
        self.history.rows[self.epoch :] = [logs]  # there again if this is interrupted
        untold = self._untold_of("on_epoch_end", logs)
        vars(self).update(epoch=self.epoch + 1, batch=0, _untold=untold)
        self._tell()

    def _call(self, what):
        for callback in self.callbacks:
            getattr(callback, what)(self)

    def _tell_of_error(self, kind, error, trace):
        """Each callback hears of what ends `fit`, also if one before raises something."""
        if error is None:
            return
        try:
            with ExitStack() as each:
                for callback in reversed(self.callbacks):
                    each.callback(callback.on_error, self, error)
        except BaseException as another:
            another.__context__ = another.__context__ or error
            raise

    # --- evaluation -------------------------------------------------------------------------------

    def evaluate(self, data: Any) -> Logs:
        """The mean loss and the measures of all examples, with the model in evaluation mode; the
        random numbers of the training stay as they are."""
        given, key = self._apart(data, "data to evaluate"), mx.random.state[0]
        try:
            with self._evaluation():
                self._call("on_validation_begin")
                try:
                    return self._measured(given)
                finally:
                    self._call("on_validation_end")
        finally:
            mx.random.state[0] = key

    def _apart(self, data, what):
        """Data that are read in the middle of an epoch, too, and may be those of the training."""
        given = Data(data, what)
        if self._data is not None and self._data.lends_to(given):
            self._data.leave()
        return given

    def _measured(self, data):
        """The loss of all examples, and the measures."""
        total = count = 0.0
        for one in self.metrics:
            one.reset()
        for number, batch in enumerate(data.all(), 1):
            logs, shown = self._test(batch, f" (batch {number} to evaluate)")
            total, count = total + logs["loss"] * logs["count"], count + logs["count"]
            for one in self.metrics:
                one.update(*shown)
        if not count:
            raise ValueError("[train] there is nothing to evaluate: the data gave no example")
        return {"loss": total / count, **{one.name: plain(one.compute()) for one in self.metrics}}

    def _test(self, batch, where):
        try:
            result, shown = self.steps.test(arrays_of(batch))
            mx.eval(result, shown[0])
        except Exception as error:
            say_where(error, where)
            raise
        logs = {name: value.item() for name, value in result.items()}
        why = refusal(logs)
        if why:
            raise ValueError(why + where)
        return logs, shown

    def _evaluated(self):
        """The parameters of the first callback that has some for evaluation."""
        found = (callback.evaluated() for callback in self.callbacks)
        return next((parameters for parameters in found if parameters is not None), None)

    @contextmanager
    def _evaluation(self) -> Iterator[None]:
        """The model in evaluation mode, with the parameters for it."""
        modes = [(module, module.training) for module in self.model.modules()]
        parameters, outer, within = self._evaluated(), self._trained, self._modes is not None
        own = self.model.parameters() if parameters is not None and outer is None else {}
        try:
            self._trained, self._modes = own or outer, self._modes or modes
            with lending(self.model, parameters if own else {}, own):
                self.model.eval()
                yield
        finally:
            if within:
                self._trained = outer
                _set_modes(modes)
            else:
                self._end_evaluation()

    def _end_evaluation(self):
        """The model has its own parameters and modes, also if an interrupt has kept them from it."""
        if self._trained is not None:
            self.model.update(self._trained)
            self._trained = None
        if self._modes is not None:
            _set_modes(self._modes)
            self._modes = None

    def predict(
        self, data: Any, forward: Optional[Callable[[Module, Any], Any]] = None
    ) -> mx.array:
        """The predictions for all batches, joined: of `forward(model, batch)`, by default of the
        model for the first array of each batch. Parameters and dtype of the computation are those
        of `evaluate`; what is of that `compute_dtype` becomes float32, classes stay whole numbers."""
        forward = forward or (lambda model, batch: model(_first(batch)))
        dtype, parts = self._options[0], []
        with self._evaluation(), computing_in(dtype, self.model):
            for batch in self._apart(data, "data to predict").all():
                with border(self.model, dtype):
                    parts.append(_one_array(forward(self.model, arrays_of(batch))))
                mx.eval(parts[-1])
        if not parts:
            raise ValueError("[train] there is nothing to predict: the data gave no batch")
        joined = mx.concatenate(parts)
        return joined if dtype is None else cast(joined, mx.float32)

    # --- checkpoints ------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Write all that training goes on from, behind a batch: parameters, the optimizer's state,
        gradients that wait for others of their step, random numbers, where data stand, history,
        what callbacks remember. `model.` are the parameters of `evaluate`; where these are not what
        is trained, that is `trained.`."""
        self._settle()
        self.steps
        arrays: dict[str, mx.array] = {"random": mx.random.state[0]}
        trained, evaluated = self._trained or self.model.parameters(), self._evaluated()
        groups = {"model": evaluated or trained, "optimizer": self.optimizer.state}
        if evaluated is not None:
            groups["trained"] = trained
        if self._pending:
            groups["waiting"] = self.steps.sum
        for group, tree in groups.items():
            arrays.update({f"{group}.{name}": x for name, x in dict(tree_flatten(tree)).items()})
        about: dict[str, Any] = {name: getattr(self, name) for name in _COUNTS}
        about.update(sums=self._sums, history=self.history.rows)
        about["waiting"] = dict(zip(_WAITING, (self._pending, *self._waiting)))
        placed = self._data is not None and self._place is not None
        about["data"] = self._data.state(self._place) if placed else self._resumed
        about["setup"] = self._setup
        about["callbacks"] = [callback.state_dict() for callback in self.callbacks]
        for i, callback in enumerate(self.callbacks):
            arrays.update({f"callback.{i}.{n}": x for n, x in callback.arrays().items()})
        checkpoint.write(path, arrays, about)
        self._files.add(os.path.abspath(path))

    def check_free(self, *paths: PathLike) -> None:
        """Raise ValueError if a file is there that is none of this model's checkpoints: `save`
        would write over it. All are, if the first was loaded or saved here."""
        if os.path.abspath(paths[0]) in self._files:
            return
        self.steps
        for path in filter(os.path.isfile, paths):
            self._check_ours(path)

    def _check_ours(self, path):
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
        with self._or_as_before():
            self._take_up(path, arrays, about, parts, other)
        self._files.add(os.path.abspath(path))

    @contextmanager
    def _or_as_before(self) -> Iterator[None]:
        """All that a checkpoint changes is as it was if there is an exception."""
        steps, state, rows = self.steps, self.optimizer.state, self.history.rows
        held, counts = steps.held(), dict(vars(self))
        callbacks = [(one, one.state_dict(), one.arrays()) for one in self.callbacks]
        try:
            yield
        except BaseException:
            self.optimizer.state, self.history.rows = state, rows
            steps.put_back(held)
            for one, kept, arrays in callbacks:
                one.load_state_dict(kept, arrays)
            vars(self).update(counts)
            raise

    def _take_up(self, path, arrays, about, parts, other):
        if "callbacks" in other:
            self._load_those_there(about, arrays)
        else:
            self._load_callbacks(path, about["callbacks"], arrays)
        rates = rates_of(self.optimizer)
        self.model.update(tree_unflatten(parts["model"]))
        self.optimizer.state = tree_unflatten(parts["optimizer"])
        if "optimizer" in other:
            set_rates(self.optimizer, rates)
        mx.random.state[0], self.history.rows = arrays["random"], about["history"]
        counts = {name: about[name] for name in _COUNTS}
        pending, *waiting = (about["waiting"][name] for name in _WAITING)
        counts.update(_sums=about["sums"], _pending=pending, _waiting=tuple(waiting), _untold=[])
        counts.update(_taken=None, _data=None, _place=None, _resumed=about["data"], _steps=None)
        if "data" in other:
            counts.update(batch=0, _resumed=None, _pending=0, _waiting=(0.0, 0.0))
        vars(self).update(counts)
        if self._pending:
            self.steps.sum[:] = tree_unflatten(parts["waiting"])
        self._adopt(fresh=False)
        _OWNERS[self.optimizer] = weakref.ref(self.model)

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
        parts["waiting"] = _part(arrays, "waiting.")
        mine["waiting"] = self.steps.sum if parts["waiting"] else []
        for name, found in parts.items():
            checkpoint.check_same(found, mine[name], _WHAT.get(name, name), path)
        checkpoint.check_state(about, _STATE, path)
        if bool(about["waiting"]["batches"]) != bool(parts["waiting"]):
            raise ValueError(
                f"[train] {os.fspath(path)} is no checkpoint: it has {len(parts['waiting'])} arrays "
                f"of {about['waiting']['batches']} batches that wait"
            )
        differences(about["setup"], self._setup, other, path)
        states, names = about["callbacks"], about["setup"]["callbacks"]
        if len(states) != len(names):
            raise ValueError(
                f"[train] {os.fspath(path)} is no checkpoint: it has states of {len(states)} "
                f"callbacks and the names of {len(names)}"
            )
        return parts

    def _load_callbacks(self, path, states, arrays):
        """Each takes up its state."""
        for i, (callback, state) in enumerate(zip(self.callbacks, states)):
            try:
                callback.load_state_dict(state, _part(arrays, f"callback.{i}."))
            except _NO_STATE as error:
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


# The model that an optimizer's state is of, as far as trainers know.
_OWNERS: "weakref.WeakKeyDictionary[Optimizer, weakref.ref[Module]]" = weakref.WeakKeyDictionary()


def _steps_taken(optimizer):
    """The steps of an optimizer; the most of several."""
    several = getattr(optimizer, "optimizers", None)
    return max(map(_steps_taken, several)) if several else int(optimizer.step.item())


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


def _kept_by(callback):
    """What it remembers; arrays by their names."""
    return callback.state_dict(), list(callback.arrays())


def _last(path):
    """The checkpoint, or that of a folder from which to go on."""
    path = os.fspath(path)
    is_file = path.endswith(".safetensors") and not os.path.isdir(path)
    return path if is_file or os.path.isfile(path) else os.path.join(path, "last.safetensors")


_COUNTS = ("epoch", "batch", "global_step")
_WAITING = ("batches", "loss", "count")  # of batches whose gradients wait, as a checkpoint has it

# What groups of arrays are called in errors, where that is not their name.
_WHAT = {"random": "random generator", "waiting": "number of batches of a step"}

# What a checkpoint says besides its arrays, and of what kind each is.
_STATE: dict[str, Any] = {
    **{name: "count" for name in _COUNTS},
    "waiting": {"batches": "count", "loss": "number", "count": "number"},
    "sums": {"loss": "number", "count": "number", "skipped": "count", "empty": "count"},
    "history": [{}],
    "callbacks": [{}],
    "setup": {},
    "data": None,  # of the data, which check it
}


def _part(arrays, prefix):
    return {n[len(prefix) :]: x for n, x in arrays.items() if n.startswith(prefix)}


def _set_modes(modes):
    for module, training in modes:
        module._set_training(training)


def _one_array(prediction):
    if not isinstance(prediction, mx.array):
        raise TypeError(f"[train] to predict forward gives an array, not {described(prediction)}")
    return prediction


def _first(batch):
    if isinstance(batch, dict):
        return next(iter(batch.values()))
    return batch[0] if isinstance(batch, tuple) else batch
