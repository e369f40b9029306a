"""How measures read predictions and targets: numbers of classes, one-hot rows, or two classes."""

from functools import partial
from typing import Any, NamedTuple, Optional

import mlx.core as mx

from ..nn import losses
from ._step import odd_weight
from ._words import described

_NEAR = (  # losses that are least where the prediction is the target
    losses.huber_loss,
    losses.l1_loss,
    losses.log_cosh_loss,
    losses.mse_loss,
    losses.smooth_l1_loss,
)


class Examples(NamedTuple):
    """Scores (..., classes), or of two classes (...), with the number of the true class (...)."""

    scores: mx.array
    labels: mx.array
    weight: Optional[mx.array]
    threshold: Optional[float]  # above which a score means class 1; None of (..., classes)

    @property
    def classes(self) -> int:
        return 2 if self.threshold is not None else self.scores.shape[-1]

    def found(self) -> mx.array:
        """The likeliest class, the first of equal ones; `classes` where a score is NaN."""
        if self.threshold is not None:
            best, unknown = self.scores > self.threshold, mx.isnan(self.scores)
        else:
            best, unknown = _likeliest(self.scores), mx.isnan(self.scores).any(-1)
        return mx.where(unknown, self.classes, best.astype(mx.int32))


class Reader:
    """Tells what targets are, for a measure of this name. Targets in the shape of predictions are
    of two classes if they have one dimension or a last one of 1; of others `kind` says whether
    they are "one_hot" or each "binary", else the loss, else they are refused."""

    def __init__(self, name: str, threshold: Optional[float], kind: Optional[str]) -> None:
        if kind not in (None, "one_hot", "binary"):
            raise ValueError(f'[train] {name}: targets are "one_hot" or "binary", not {kind!r}')
        self.name, self.threshold, self.kind = name, threshold, kind
        self.said = (threshold, kind)
        self.follows = False  # a loss that says what scores are

    def follow(self, loss: Any) -> None:
        """What was not said is as the loss has it."""
        kind, threshold = _of_loss(loss)
        self.threshold = threshold if self.said[0] is None else self.said[0]
        self.kind = self.said[1] or kind
        self.follows = True

    def read(self, prediction: Any, target: Any, weight: Any) -> Examples:
        """The examples of a batch, checked."""
        prediction, target, weight = arrays_of(self.name, prediction, target, weight)
        check_weights(self.name, weight)
        if prediction.shape != target.shape:
            return self._numbers(prediction, target, weight)
        several = target.ndim > 1 and target.shape[-1] > 1
        if several and self.kind is None:
            raise ValueError(
                f"[train] {self.name}: targets {target.shape} in the shape of the predictions are "
                'one class a row or classes that are each true or false: say targets="one_hot" or '
                '"binary"'
            )
        if self.kind == "one_hot":
            return self._one_hot(prediction, target, weight)
        return self._two_classes(prediction, target, weight)

    def _numbers(self, prediction, target, weight):
        if prediction.ndim != target.ndim + 1 or prediction.shape[:-1] != target.shape:
            raise ValueError(
                f"[train] {self.name}: predictions {prediction.shape} are not (..., classes) for "
                f"targets {target.shape}"
            )
        if prediction.shape[-1] < 2:
            raise ValueError(
                f"[train] {self.name}: predictions {prediction.shape} are of one class: scores of "
                f"two have the shape of the targets, {target.shape}"
            )
        weight = _broadcast(weight, target)
        labels = target if weight is None else mx.where(weight > 0, target, 0)
        if labels.size:
            low, high = labels.min().item(), labels.max().item()
            if low < 0 or high >= prediction.shape[-1]:
                raise ValueError(
                    f"[train] {self.name}: a label is {int(low if low < 0 else high)}, there are "
                    f"{prediction.shape[-1]} classes"
                )
        whole = labels.astype(mx.int32)
        self._refuse(whole != labels, weight, labels, "labels are whole numbers")
        return Examples(prediction, whole, weight, None)

    def _one_hot(self, prediction, target, weight):
        labels = _likeliest(target)
        row = mx.arange(target.shape[-1]) == labels[..., None]
        self._refuse(
            (target != row).any(-1), weight, labels, "one-hot targets have a 1 in each row, else 0"
        )
        return self._numbers(prediction, labels.astype(mx.int32), weight)

    def _two_classes(self, prediction, target, weight):
        threshold = self.threshold
        what = "targets of two classes are 0 and 1, or -1 and 1"
        known = (target == 0) | (target == 1) | (target == -1)
        self._refuse(~known, weight, target, what)
        if threshold is None and self.follows:
            raise ValueError(
                f"[train] {self.name}: this loss does not say what scores of two classes are: give "
                "the metric a threshold, 0 for logits, 0.5 for probabilities"
            )
        if threshold is None:
            what = "scores of two classes are from 0 to 1 unless a threshold is given, 0 for logits"
            self._refuse((prediction < 0) | (prediction > 1), weight, target, what)
            threshold = 0.5
        labels = (target > 0.5).astype(mx.int32)
        return Examples(prediction, labels, _broadcast(weight, target), threshold)

    def _refuse(self, wrong, weight, like, what):
        """Raise ValueError if an example that counts is wrong."""
        weight = _broadcast(weight, like)
        if (wrong if weight is None else wrong & (weight > 0)).any().item():
            raise ValueError(f"[train] {self.name}: {what}")


def arrays_of(name: str, prediction: Any, target: Any, weight: Any) -> tuple[Any, Any, Any]:
    """A batch's arrays, of NumPy's or lists, too; None if there are no weights."""
    prediction, target = _array(name, "predictions", prediction), _array(name, "targets", target)
    return prediction, target, None if weight is None else _array(name, "weights", weight)


def _array(name, what, value):
    if isinstance(value, mx.array):
        return value
    try:
        wide = str(getattr(value, "dtype", "")) == "float64"
        return mx.array(value, mx.float64) if wide else mx.array(value)
    except (TypeError, ValueError):
        raise TypeError(f"[train] {name}: {what} are an array, not {described(value)}") from None


def check_weights(name: str, weight: Optional[mx.array]) -> None:
    """Raise ValueError unless weights are finite numbers from 0."""
    if weight is not None and weight.size:
        value = odd_weight(weight.astype(mx.float32)).item()
        if not 0 <= value < float("inf"):
            raise ValueError(f"[train] {name}: a weight is {value}, not a number from 0")


def _likeliest(scores):
    """The place of the largest in each row, of no rows too."""
    return scores.argmax(-1) if scores.size else mx.zeros(scores.shape[:-1], mx.int32)


def _broadcast(weight, like):
    return None if weight is None else mx.broadcast_to(weight, like.shape)


def _of_loss(loss):
    """What targets in the shape of predictions are, and where scores of two classes are cut."""
    given: dict[str, Any] = {}
    while isinstance(loss, partial) and not loss.args:
        given, loss = {**loss.keywords, **given}, loss.func
    if loss is losses.binary_cross_entropy:
        return "binary", 0.0 if given.get("with_logits", True) else 0.5
    if loss is losses.cross_entropy:
        return "one_hot", None
    if loss is losses.hinge_loss:
        return None, 0.0
    return None, 0.5 if loss in _NEAR else None
