"""Measures of predictions. Each adds up what it is given in batches and can be used alone:

    accuracy = Accuracy()
    accuracy.update(logits, labels)
    print(accuracy.compute())

Predictions are (..., classes) with whole numbers (...) as targets, unless a measure says otherwise.
Weights (...) count examples; those of weight 0 do not matter."""

from typing import Any, Callable, Optional, Sequence, Union

import mlx.core as mx

__all__ = [
    "AUC",
    "Accuracy",
    "ConfusionMatrix",
    "F1",
    "Mean",
    "Metric",
    "Perplexity",
    "TopK",
    "metric",
]


class Metric:
    """The base of measures: `reset`, `update` with a batch, `compute`."""

    name = "metric"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        raise NotImplementedError

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        """Add a batch."""
        raise NotImplementedError

    def compute(self) -> Any:
        """The value over all batches."""
        raise NotImplementedError


def _number(x: mx.array) -> float:
    value: Any = x.item()
    return float(value)


def _weights(weight, target):
    if weight is None:
        return mx.ones(target.shape, mx.float32)
    return mx.broadcast_to(weight.astype(mx.float32), target.shape)


def _check_classes(prediction, target, weight, name):
    """Targets are whole numbers below the number of classes."""
    if prediction.ndim != target.ndim + 1 or prediction.shape[:-1] != target.shape:
        raise ValueError(
            f"[train] {name}: predictions {prediction.shape} are not (..., classes) for targets "
            f"{target.shape}"
        )
    seen = mx.where(weight > 0, target, 0)
    if target.size:
        low, high = int(seen.min().item()), int(seen.max().item())
        if low < 0 or high >= prediction.shape[-1]:
            raise ValueError(
                f"[train] {name}: a label is {low if low < 0 else high}, there are "
                f"{prediction.shape[-1]} classes"
            )
    return seen


class Mean(Metric):
    """The mean of `function(prediction, target)`, a number for each example or one for all."""

    def __init__(self, function: Callable[[mx.array, mx.array], mx.array], name: str = "") -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", "mean")
        super().__init__()

    def reset(self) -> None:
        self.total = self.count = 0.0

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        values = self.function(prediction, target)
        if not isinstance(values, mx.array):
            raise TypeError(f"[train] {self.name} gives an array, not {type(values).__name__}")
        values = values.astype(mx.float32)
        if values.ndim == 0:
            if weight is not None:
                raise ValueError(f"[train] {self.name}: weights need a value for each example")
            self._add(values * target.size, target.size)
        else:
            weight = _weights(weight, values)
            self._add((values * weight).sum(), weight.sum().item())

    def _add(self, total, count):
        self.total += float(total.item())
        self.count += float(count)

    def compute(self) -> float:
        """The mean; NaN of nothing."""
        return self.total / self.count if self.count else float("nan")


class Accuracy(Mean):
    """The share of examples whose likeliest class is the target. Predictions in the shape of the
    targets are scores of two classes, of which those above `threshold` mean 1."""

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold
        super().__init__(self._right, "accuracy")

    def _right(self, prediction, target):
        if prediction.shape == target.shape:
            return (prediction > self.threshold) == (target > 0.5)
        _check_classes(prediction, target, mx.ones(target.shape), self.name)
        return prediction.argmax(-1) == target

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        if weight is not None and prediction.shape != target.shape:
            target = mx.where(_weights(weight, target) > 0, target, 0)
        super().update(prediction, target, weight)


class TopK(Mean):
    """The share of examples of whose target fewer than `k` classes are likelier."""

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise ValueError(f"[train] top_k: k is {k}")
        self.k = k
        super().__init__(self._right, f"top_{k}")

    def _right(self, prediction, target):
        score = mx.take_along_axis(prediction, target[..., None], axis=-1)
        return (prediction > score).sum(-1) < self.k

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        seen = _check_classes(prediction, target, _weights(weight, target), self.name)
        super().update(prediction, seen, weight)


class Perplexity(Mean):
    """exp of the mean cross entropy of logits."""

    def __init__(self) -> None:
        super().__init__(self._entropy, "perplexity")

    @staticmethod
    def _entropy(prediction, target):
        prediction = prediction.astype(mx.float32)
        score = mx.take_along_axis(prediction, target[..., None], axis=-1)[..., 0]
        return mx.logsumexp(prediction, axis=-1) - score

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        seen = _check_classes(prediction, target, _weights(weight, target), self.name)
        super().update(prediction, seen, weight)

    def compute(self) -> float:
        """The perplexity; infinite where it is more than a float holds."""
        mean = super().compute()
        return _number(mx.exp(mx.array(mean)))


class ConfusionMatrix(Metric):
    """Numbers of examples (weights of them): a row for each target, a column for each likeliest
    class. Predictions in the shape of the targets are scores of two classes."""

    name = "confusion_matrix"

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold
        super().__init__()

    def reset(self) -> None:
        self.counts: Optional[mx.array] = None

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        weight = _weights(weight, target)
        if prediction.shape == target.shape:
            classes, found = 2, (prediction > self.threshold).astype(mx.int32)
            target = (target > 0.5).astype(mx.int32)
        else:
            target = _check_classes(prediction, target, weight, self.name)
            classes, found = prediction.shape[-1], prediction.argmax(-1)
        if self.counts is None:
            self.counts = mx.zeros((classes, classes), mx.float32)
        if self.counts.shape[0] != classes:
            raise ValueError(f"[train] {classes} classes after {self.counts.shape[0]}")
        place = target.astype(mx.int32).flatten() * classes + found.astype(mx.int32).flatten()
        flat = self.counts.flatten().at[place].add(weight.flatten())
        self.counts = flat.reshape(classes, classes)
        mx.eval(self.counts)

    def compute(self) -> mx.array:
        """(classes, classes) float32; (0, 0) of nothing."""
        return mx.zeros((0, 0)) if self.counts is None else self.counts


class F1(ConfusionMatrix):
    """2 TP / (2 TP + FP + FN): of class 1 ("binary"), the mean over classes ("macro"), weighted by
    their sizes ("weighted"), of all together ("micro"), or of each (None)."""

    def __init__(self, average: Optional[str] = "macro", threshold: float = 0.5) -> None:
        if average not in ("binary", "macro", "weighted", "micro", None):
            raise ValueError(f"[train] f1: no average {average!r}")
        self.average = average
        super().__init__(threshold)
        self.name = "f1"

    def compute(self) -> Any:
        """A number, or an array of one for each class."""
        counts = super().compute()
        if counts.size == 0:
            return float("nan")
        right, rows, columns = mx.diag(counts), counts.sum(1), counts.sum(0)
        if self.average == "micro":
            return _number(right.sum() / counts.sum())
        each = 2 * right / mx.maximum(rows + columns, 1e-30)
        if self.average is None:
            return each
        if self.average == "binary":
            if counts.shape[0] != 2:
                raise ValueError(f"[train] f1: binary of {counts.shape[0]} classes")
            return _number(each[1])
        weight = rows if self.average == "weighted" else mx.maximum(rows + columns, 0) > 0
        return _number((each * weight).sum() / weight.sum())


class AUC(Metric):
    """The area under the ROC curve: how often an example of the class has a higher score than one
    of another, equal scores half (Hanley and McNeil 1982). Predictions are scores in the shape of
    the targets, or (..., classes): then the mean over all classes that occur, each against the
    rest."""

    name = "auc"

    def reset(self) -> None:
        self.scores: list[mx.array] = []
        self.targets: list[mx.array] = []

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        if weight is not None:
            raise ValueError("[train] auc: examples have no weights")
        if prediction.shape == target.shape:
            prediction = prediction.flatten()[:, None]
        else:
            _check_classes(prediction, target, mx.ones(target.shape), self.name)
            prediction = prediction.reshape(-1, prediction.shape[-1])
        self.scores.append(prediction.astype(mx.float32))
        self.targets.append(target.flatten())
        mx.eval(self.scores[-1], self.targets[-1])

    def compute(self) -> float:
        """The area; NaN unless there are examples of two classes."""
        if not self.scores:
            return float("nan")
        scores, target = mx.concatenate(self.scores), mx.concatenate(self.targets)
        classes = scores.shape[1]
        if classes == 1:
            return _area(scores[:, 0], target > 0.5)
        if classes == 2:
            return _area(scores[:, 1] - scores[:, 0], target == 1)
        areas = [_area(scores[:, c], target == c) for c in range(classes)]
        known = [a for a in areas if a == a]
        return sum(known) / len(known) if known else float("nan")


def _area(scores, positive):
    """The mean over positives of the share of negatives below."""
    order = mx.argsort(positive.astype(mx.int32))
    scores, ones = scores[order], int(positive.sum().item())
    negatives, positives = mx.sort(scores[: len(scores) - ones]), scores[len(scores) - ones :]
    if not len(negatives) or not ones:
        return float("nan")
    below = mx.searchsorted(negatives, positives, side="left").astype(mx.int64).sum().item()
    upto = mx.searchsorted(negatives, positives, side="right").astype(mx.int64).sum().item()
    return (below + upto) / 2 / len(negatives) / ones


_NAMES: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy,
    "auc": AUC,
    "confusion_matrix": ConfusionMatrix,
    "f1": F1,
    "perplexity": Perplexity,
}


def metric(what: Union[str, Metric, Callable[[mx.array, mx.array], mx.array]]) -> Metric:
    """A measure by its name, as it is, or the mean of a function."""
    if isinstance(what, Metric):
        return what
    if isinstance(what, str):
        top, _, k = what.partition("top_")
        if not top and k.isdecimal():
            return TopK(int(k))
        if what not in _NAMES:
            raise ValueError(f"[train] no metric {what!r}; there are {', '.join(_NAMES)}, top_k")
        return _NAMES[what]()
    if not callable(what):
        raise TypeError(f"[train] a metric is a name or a function, not {type(what).__name__}")
    return Mean(what)


def metrics(what: Sequence[Any]) -> list[Metric]:
    """Measures with names that differ."""
    found = [metric(one) for one in what]
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise ValueError(f"[train] two metrics have one name: {', '.join(names)}")
    return found
