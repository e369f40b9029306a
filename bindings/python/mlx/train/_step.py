"""The functions of arrays that a trainer calls for each batch, compiled unless told otherwise."""

from typing import Any, Callable, Optional

import mlx.core as mx

from ..nn.layers.base import Module
from ..optimizers import Optimizer, clip_grad_norm
from ..utils import tree_map, tree_reduce
from ._precision import border, cast, computing_in

Forward = Callable[[Module, Any], Any]
Loss = Callable[[mx.array, mx.array], mx.array]


def arrays_of(batch: Any) -> Any:
    """A batch with mlx's arrays; values of dicts that are none, such as texts, are left out."""
    if isinstance(batch, dict):
        converted = {key: _array(value) for key, value in batch.items()}
        return {key: value for key, value in converted.items() if value is not None}
    if isinstance(batch, (tuple, list)):
        return tuple(arrays_of(part) for part in batch)
    array = _array(batch)
    if array is None:
        raise TypeError(f"[train] a batch is arrays in a dict or tuple, not {type(batch).__name__}")
    return array


def _array(value):
    if isinstance(value, mx.array):
        return value
    if isinstance(value, (str, bytes)) or (
        isinstance(value, (list, tuple)) and any(isinstance(v, (str, bytes)) for v in value)
    ):
        return None
    try:
        return mx.array(value)
    except (TypeError, ValueError):
        return None


def first_two(model: Module, batch: Any) -> tuple[mx.array, mx.array]:
    """The model's prediction for the first array of a batch, and the second, its target."""
    values = list(batch.values()) if isinstance(batch, dict) else batch
    if not isinstance(values, (tuple, list)):
        raise ValueError(
            f"[train] a batch is inputs and targets, not one array of shape {values.shape}: give a "
            "list of pairs, or say forward(model, batch)"
        )
    if len(values) != 2:
        parts = list(batch) if isinstance(batch, dict) else f"{len(values)} arrays"
        raise ValueError(
            f"[train] a batch is inputs and targets, not {parts}: say forward(model, batch)"
        )
    return model(values[0]), values[1]


class Steps:
    """What is computed for a batch. `train` takes a step, or with `accumulate` adds to the
    gradients that `apply` takes a step with; `test` changes nothing. A batch with labels or weights
    that are none changes nothing either, and with `finite_only` one that is not finite."""

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        forward: Forward,
        dtype: Optional[mx.Dtype],
        clip_norm: Optional[float],
        accumulate: int,
        finite_only: bool,
        check_labels: bool,
        compiled: bool,
    ) -> None:
        self.model, self.loss, self.optimizer, self.forward = model, loss, optimizer, forward
        self.dtype, self.clip_norm, self.finite_only = dtype, clip_norm, finite_only
        self.check_labels, self.compiled = check_labels, compiled
        self._frozen = [(module, set(module._no_grad)) for module in model.modules()]
        self.settings: Any = None  # of the model's layers
        self.sum: list[Any] = []  # of gradients by their counts, of counts, of batches
        if accumulate > 1:
            parameters = model.trainable_parameters()
            self.sum.append(tree_map(lambda p: mx.zeros(p.shape, _master(p)), parameters))
            self.sum += [mx.array(0.0), mx.array(0.0)]
        self.state = state = [model.state, optimizer.state, mx.random.state, self.sum]

        def made(function, changes):
            return mx.compile(function, inputs=state, outputs=changes) if compiled else function

        self.train = made(self._add if self.sum else self._train, state)
        self.apply = made(self._apply, state)
        self.test = made(self._test, [mx.random.state])

    def are_of(self, *parts: Any) -> bool:
        """Whether they were made of this model, loss, optimizer and `forward`."""
        mine = self.model, self.loss, self.optimizer, self.forward
        return all(one is other for one, other in zip(mine, parts))

    def knows_what_is_frozen(self) -> bool:
        """Whether what is not trained is what was not when these were made."""
        return all(module._no_grad == names for module, names in self._frozen)

    def values(self, result: dict[str, mx.array]) -> dict[str, Any]:
        """The numbers of a step, when all that it changes is computed."""
        mx.eval(result, self.state, mx.random.state[0])
        return {name: value.item() for name, value in result.items()}

    def held(self) -> Any:
        """All that a step changes: random numbers, and what is in each dict and list."""
        return mx.random.state[0], [(one, _copy(one)) for one in _containers(self.state)]

    def put_back(self, held: Any) -> None:
        """Have there what was there."""
        mx.random.state[0], containers = held
        for one, was in containers:
            if isinstance(one, list):
                one[:] = was
                continue
            dict.update(one, was)
            for key in _copy(one).keys() - was.keys():
                dict.pop(one, key)

    # --- one batch --------------------------------------------------------------------------------

    def _predict(self, batch):
        """Prediction, target and weight. The model computes in the asked dtype; what `forward`
        computes itself is of its arrays, the batch's and those that the model gives in float32."""
        with border(self.model, self.dtype):
            result = self.forward(self.model, batch)
        if not isinstance(result, tuple) or len(result) not in (2, 3):
            raise TypeError("[train] forward(model, batch) gives prediction, target[, weight]")
        prediction, target, weight = (*result, None)[:3]
        if self.dtype is not None:
            prediction = cast(prediction, mx.float32)
        return prediction, target, weight

    def _measure(self, batch):
        """The mean loss, of how many it is (the sum of weights, or of losses; of one number the
        size of the target), and what is to be known of the batch; and the prediction with its
        target."""
        prediction, target, weight = self._predict(batch)
        labels, safe = {}, target
        if self.check_labels:
            labels, safe = _labels(prediction, target, weight)
        value = self.loss(prediction, safe)
        if not isinstance(value, mx.array):
            raise TypeError(f"[train] the loss gives an array, not {type(value).__name__}")
        _check_shape(value, prediction, target)
        if mx.issubdtype(value.dtype, mx.complexfloating):
            raise TypeError(f"[train] the loss is of real numbers, not of {value.dtype}")
        count = mx.array(_count(value, target), mx.float32)
        value = value.astype(mx.float32)
        if weight is not None:
            if value.ndim == 0:
                raise ValueError("[train] weights need a loss for each example, without reduction")
            weight = mx.broadcast_to(weight.astype(mx.float32), value.shape)
            if weight.size:
                labels = {**labels, "weight": odd_weight(weight)}
            count = weight.sum()
            value = (value * weight).sum() / mx.where(count == 0, 1, count)
        elif value.ndim:
            value = value.mean()
        about = {"loss": value, "count": count, **labels}
        return about, (prediction, target, weight)

    def _with(self, parameters, batch):
        """`_measure` with these parameters in the asked dtype."""
        self.model.update(parameters if self.dtype is None else cast(parameters, self.dtype))
        return self._measure(batch)

    def _value_and_grad(self, batch):
        parameters = self.model.trainable_parameters()

        def of(parameters):
            about, _ = self._with(parameters, batch)
            return about["loss"], about

        try:
            (_, about), gradients = mx.value_and_grad(of)(parameters)
        finally:
            self.model.update(parameters)
        return about, gradients

    def _test(self, batch):
        with computing_in(self.dtype, self.model):
            return self._measure(batch)

    # --- steps ------------------------------------------------------------------------------------

    def _train(self, batch):
        before = self._snapshot()
        about, gradients = self._value_and_grad(batch)
        norm = self._update(gradients)
        return self._guarded(before, {**about, "gradient_norm": norm})

    def _add(self, batch):
        before = self._snapshot()
        about, gradients = self._value_and_grad(batch)
        count, ours = about["count"], self.sum
        ours[0] = tree_map(lambda s, g: s + g.astype(s.dtype) * count, ours[0], gradients)
        ours[1], ours[2] = ours[1] + count, ours[2] + 1
        return self._guarded(before, about)

    def _apply(self):
        """The step of the mean of all batches that were added; of none nothing changes, unless
        those that are not finite were added, too."""
        before = self._snapshot()
        gradients, count, batches = self.sum
        safe = mx.where(count == 0, 1, count)
        norm = self._update(tree_map(lambda s: s / safe, gradients))
        result = self._guarded(before, {"gradient_norm": norm, "batches": batches})
        if self.finite_only:
            self._as_before_unless(batches > 0, before)
        self.sum[:] = tree_map(mx.zeros_like, self.sum)
        return result

    def _update(self, gradients):
        """Take the step; returns the norm of the gradients before they were clipped."""
        if self.clip_norm is not None:
            gradients, norm = clip_grad_norm(gradients, self.clip_norm)
        else:
            norm = mx.sqrt(
                tree_reduce(lambda t, g: t + g.astype(mx.float32).square().sum(), gradients, 0.0)
            )
        self.optimizer.update(self.model, gradients)
        return norm

    # --- steps that are not taken -----------------------------------------------------------------

    def _snapshot(self):
        """The arrays that a step changes."""
        changed = [self.model.parameters(), self.optimizer.state, self.sum, [mx.random.state[0]]]
        return tree_map(lambda x: x, changed)

    def _guarded(self, before, result):
        """Says whether all is finite; everything is as it was if the batch is refused. The choice
        is part of the computation: arrays that a step takes over are not kept beside the new."""
        finite = mx.array(True)
        for name in ("loss", "gradient_norm"):
            if name in result:
                finite = finite & mx.isfinite(result[name])
        reasons = _sound(result) + ([finite] if self.finite_only else [])
        if reasons:
            self._as_before_unless(mx.stack(reasons).all(), before)
        return {**result, "finite": finite}

    def _as_before_unless(self, fine, before):
        parameters, state, sums, random = before
        now, key = self.model.parameters(), [mx.random.state[0]]
        _choose(now, parameters, fine)
        self.model.update(now)
        _choose(self.optimizer.state, state, fine)
        _choose(self.sum, sums, fine)
        _choose(key, random, fine)
        mx.random.state[0] = key[0]


def _containers(tree):
    """The dicts and lists within a list of trees."""
    found = [tree]
    for one in found:
        for child in dict.values(one) if isinstance(one, dict) else one:
            if isinstance(child, (dict, list, tuple)):
                found.append(child)
    return [one for one in found if not isinstance(one, tuple)]


def _copy(container):
    """What is in it, also of a module, which may have other things under a dict's names."""
    return dict.copy(container) if isinstance(container, dict) else list(container)


def _sound(about):
    """Whether labels are classes and weights finite numbers from 0, where these were looked at."""
    found = []
    if "weight" in about:
        found.append((about["weight"] >= 0) & mx.isfinite(about["weight"]))
    if "classes" in about:
        found.append((about["low"] >= 0) & (about["high"] < about["classes"]))
    return found


def odd_weight(weight: mx.array) -> mx.array:
    """One of the weights, one that is no finite number from 0 if there is such."""
    odd = ~((weight >= 0) & mx.isfinite(weight))
    return weight.flatten()[odd.flatten().argmax()]


def _check_shape(value, prediction, target):
    """A loss that has more numbers than prediction and target broadcast one over the other."""
    if value.size > max(
        getattr(prediction, "size", value.size), getattr(target, "size", value.size)
    ):
        raise ValueError(
            f"[train] the loss of predictions {prediction.shape} and targets {target.shape} has the "
            f"shape {value.shape}: a number, or one for each example was expected"
        )


def _count(value, target):
    """Of how many a loss is."""
    if value.ndim:
        return value.size
    if not isinstance(target, mx.array):
        raise TypeError(
            f"[train] a loss that is one number is of the numbers of the target, which is no array "
            f"but {type(target).__name__}: give one for each example"
        )
    return target.size


def _choose(now, before, fine):
    """Arrays within dicts and lists become what they were before unless all is fine; what was not
    there, or in another shape, is what a layer says of its last batch, and stays."""
    for key in now if isinstance(now, dict) else range(min(len(now), len(before))):
        ours, was = now[key], before.get(key) if isinstance(before, dict) else before[key]
        if isinstance(ours, mx.array) and isinstance(was, mx.array):
            if ours is not was and ours.shape == was.shape:
                now[key] = mx.where(fine, ours, was)
        elif isinstance(ours, (dict, list)) and isinstance(was, type(ours)):
            _choose(ours, was, fine)


def _master(parameter):
    return mx.float32 if mx.issubdtype(parameter.dtype, mx.floating) else parameter.dtype


def _labels(prediction, target, weight):
    """The smallest and largest label where targets are numbers of classes; and the targets as a
    loss may take them, without what is no class."""
    if not isinstance(prediction, mx.array) or not isinstance(target, mx.array):
        return {}, target
    if target.size == 0:
        raise ValueError(f"[train] a batch without examples: targets are {target.shape}")
    if prediction.ndim != target.ndim + 1 or not mx.issubdtype(target.dtype, mx.integer):
        return {}, target
    if weight is not None:
        seen = mx.broadcast_to(weight, target.shape) > 0
        target = mx.where(seen, target, mx.zeros_like(target))
    classes = prediction.shape[-1]
    labels = {"low": target.min(), "high": target.max(), "classes": mx.array(classes)}
    return labels, mx.clip(target, 0, min(classes - 1, mx.iinfo(target.dtype).max))
