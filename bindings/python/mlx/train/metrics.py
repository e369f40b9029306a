"""Measures of predictions. Each adds up what it is given in batches and can be used alone:

    accuracy = Accuracy()
    accuracy.update(logits, labels)
    print(accuracy.compute())

Predictions are (..., classes) with whole numbers (...) as targets, or both have one shape:

- (n,) or (..., 1): scores of two classes, with 0 and 1 as targets. Above `threshold` they mean 1: 0
  is for logits, 0.5 for probabilities. Without it they are probabilities, others an error.
- (..., classes): `targets="one_hot"`, a 1 in each row, or `"binary"`, two classes each; without it
  an error.

A `Trainer` knows both of losses of `mlx.nn.losses`: `binary_cross_entropy` is of two classes, with
logits unless `with_logits=False`; `cross_entropy` has one-hot targets. Of other losses it asks for
a threshold. Weights (...) count examples; those of weight 0 do not matter. Counts have 64 bits."""

import math
import sys
from typing import Any, Callable, Optional, Sequence, Union

import mlx.core as mx

from ._targets import Examples, Reader, arrays_of, check_weights
from ._words import whole

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
    """The base of measures: `reset`, `update` with a batch, `compute`.

    Example:
        >>> class Largest(train.Metric):
        ...     name = "largest"
        ...     def reset(self):
        ...         self.value = -mx.inf
        ...     def update(self, prediction, target, weight=None):
        ...         self.value = max(self.value, prediction.max().item())
        ...     def compute(self):
        ...         return self.value
        >>> largest = Largest()
        >>> largest.update(mx.array([1.0, 5.0]), mx.array([0, 0]))
        >>> largest.compute()
        5.0
    """

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

    def follow(self, loss: Any) -> None:
        """A trainer's loss, which may say what its predictions and targets are."""


def _number(x: mx.array) -> float:
    value: Any = x.item()
    return float(value)


def _sums(values, weight):
    """The sum of values by their weights, and of the weights: of 64 bits, on the CPU."""
    with mx.stream(mx.cpu):
        values = values.astype(mx.float64)
        if weight is None:
            return _number(values.sum()), float(values.size)
        weight = mx.broadcast_to(weight.astype(mx.float64), values.shape)
        return _number((values * weight).sum()), _number(weight.sum())


class _Total(Metric):
    """The mean of what is added."""

    def reset(self) -> None:
        self.total = self.count = 0.0

    def _add(self, values, weight):
        total, count = _sums(values, weight)
        self.total += total
        self.count += count

    def compute(self) -> float:
        """The mean; NaN of nothing."""
        return self.total / self.count if self.count else float("nan")


class Mean(_Total):
    """The mean of `function(prediction, target)`, a number for each example or one for all.

    Args:
        function: What is measured.
        name: Its name in the history; by default the function's.

    Raises:
        TypeError: with a batch: the function gives no array
        ValueError: with a batch: there are weights, and one number for all examples

    Example:
        >>> error = train.Mean(lambda prediction, target: mx.abs(prediction - target), "error")
        >>> error.update(mx.array([1.0, 2.0]), mx.array([0.0, 0.0]))
        >>> error.update(mx.array([6.0]), mx.array([0.0]))
        >>> error.compute()
        3.0
    """

    def __init__(self, function: Callable[[mx.array, mx.array], mx.array], name: str = "") -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", "mean")
        super().__init__()

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        prediction, target, weight = arrays_of(self.name, prediction, target, weight)
        check_weights(self.name, weight)
        values = self.function(prediction, target)
        if not isinstance(values, mx.array):
            raise TypeError(f"[train] {self.name} gives an array, not {type(values).__name__}")
        if values.ndim == 0:
            if weight is not None:
                raise ValueError(f"[train] {self.name}: weights need a value for each example")
            self.total += _number(values) * target.size
            self.count += target.size
        else:
            self._add(values, weight)


class _OfClasses(Metric):
    """What reads classes."""

    def __init__(self, name: str, threshold: Optional[float], targets: Optional[str]) -> None:
        self.name, self.reader = name, Reader(name, threshold, targets)
        super().__init__()

    def follow(self, loss: Any) -> None:
        self.reader.follow(loss)


class _EachOfClasses(_OfClasses, _Total):
    """The mean of a number for each example of some class."""

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        examples = self.reader.read(prediction, target, weight)
        if examples.labels.size:
            self._add(self._values(examples), examples.weight)

    def _values(self, examples: Examples) -> mx.array:
        raise NotImplementedError

    def _several(self, examples):
        """(..., classes) scores, or ValueError."""
        if examples.threshold is not None:
            raise ValueError(
                f"[train] {self.name}: predictions {examples.scores.shape} are not (..., classes)"
            )
        return examples.scores


class Accuracy(_EachOfClasses):
    """The share of examples whose likeliest class is the target; NaN is never right. Scores of two
    classes above `threshold` mean 1.

    Args:
        threshold: Above it a score of two classes means 1.
        targets: "one_hot" or "binary", see `mlx.train.metrics`.

    Example:
        >>> accuracy = train.Accuracy()
        >>> accuracy.update(mx.array([[0.1, 0.9], [0.8, 0.2]]), mx.array([1, 1]))
        >>> accuracy.compute()
        0.5
    """

    def __init__(self, threshold: Optional[float] = None, targets: Optional[str] = None) -> None:
        super().__init__("accuracy", threshold, targets)

    def _values(self, examples: Examples) -> mx.array:
        return examples.found() == examples.labels


class TopK(_EachOfClasses):
    """The share of examples of whose target fewer than `k` classes are likelier; of equally likely
    ones the first come first, and NaN is likelier than any.

    Args:
        k: How many classes count.
        targets: "one_hot" or "binary", see `mlx.train.metrics`.

    Raises:
        ValueError: `k` is no whole number from 1

    Example:
        >>> top = train.TopK(2)
        >>> top.update(mx.array([[0.1, 0.5, 0.4], [0.5, 0.4, 0.1]]), mx.array([2, 2]))
        >>> top.compute()
        0.5
    """

    def __init__(self, k: int = 5, targets: Optional[str] = None) -> None:
        if not whole(k, 1):
            raise ValueError(f"[train] top_k: k is a whole number from 1, not {k!r}")
        self.k = k
        super().__init__(f"top_{k}", None, targets)

    def _values(self, examples: Examples) -> mx.array:
        scores, target = self._several(examples), examples.labels[..., None]
        score = mx.take_along_axis(scores, target, axis=-1)
        equal_before = (scores == score) & (mx.arange(scores.shape[-1]) < target)
        before = (scores > score) | mx.isnan(scores) | equal_before
        return (before.sum(-1) < self.k) & ~mx.isnan(score[..., 0])


_LARGEST = math.log(sys.float_info.max)


class Perplexity(_EachOfClasses):
    """exp of the mean cross entropy of logits.

    Args:
        targets: "one_hot" or "binary", see `mlx.train.metrics`.

    Example:
        >>> perplexity = train.Perplexity()
        >>> perplexity.update(mx.zeros((3, 4)), mx.array([0, 1, 2]))  # of 4, none is likelier
        >>> round(perplexity.compute(), 4)
        4.0
    """

    def __init__(self, targets: Optional[str] = None) -> None:
        super().__init__("perplexity", None, targets)

    def _values(self, examples: Examples) -> mx.array:
        prediction = self._several(examples).astype(mx.float32)
        score = mx.take_along_axis(prediction, examples.labels[..., None], axis=-1)[..., 0]
        return mx.logsumexp(prediction, axis=-1) - score

    def compute(self) -> float:
        """The perplexity; infinite where it is more than a float holds."""
        mean = super().compute()
        return math.exp(mean) if not mean > _LARGEST else math.inf


class ConfusionMatrix(_OfClasses):
    """Numbers of examples (weights of them): a row for each target, a column for each likeliest
    class. Predictions that are NaN are in no column. Scores of two classes above `threshold` mean
    1.

    Args:
        threshold: Above it a score of two classes means 1.
        targets: "one_hot" or "binary", see `mlx.train.metrics`.

    Raises:
        ValueError: with a batch: it has another number of classes than the one before

    Example:
        >>> matrix = train.ConfusionMatrix()
        >>> matrix.update(mx.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), mx.array([1, 1, 0]))
        >>> matrix.compute().tolist()
        [[0, 1], [1, 1]]
    """

    name = "confusion_matrix"

    def __init__(self, threshold: Optional[float] = None, targets: Optional[str] = None) -> None:
        super().__init__(self.name, threshold, targets)

    def reset(self) -> None:
        self.counts: Optional[mx.array] = None  # with a column for NaN
        self.weighted = False

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        examples = self.reader.read(prediction, target, weight)
        classes = examples.classes
        if self.counts is not None and self.counts.shape[0] != classes:
            raise ValueError(f"[train] {classes} classes after {self.counts.shape[0]}")
        place = (examples.labels * (classes + 1) + examples.found()).flatten()
        self.weighted |= weight is not None
        with mx.stream(mx.cpu):
            if self.counts is None:
                self.counts = mx.zeros((classes, classes + 1), mx.float64)
            many = mx.ones(place.shape) if examples.weight is None else examples.weight.flatten()
            flat = self.counts.flatten().at[place].add(many.astype(mx.float64))
            self.counts = flat.reshape(classes, classes + 1)
            mx.eval(self.counts)

    def compute(self) -> mx.array:
        """(classes, classes) of int64, of float64 where examples had weights; (0, 0) of nothing."""
        with mx.stream(mx.cpu):
            counts = mx.zeros((0, 1)) if self.counts is None else self.counts
            return counts[:, :-1].astype(mx.float64 if self.weighted else mx.int64)


class F1(ConfusionMatrix):
    """2 TP / (2 TP + FP + FN): of class 1 ("binary"), the mean over classes ("macro"), weighted by
    their sizes ("weighted"), of all together ("micro"), or of each (None).

    Args:
        average: What becomes of the classes' values.
        threshold: Above it a score of two classes means 1.
        targets: "one_hot" or "binary", see `mlx.train.metrics`.

    Raises:
        ValueError: there is no such average, or it is "binary" of more than two classes

    Example:
        >>> f1 = train.F1("binary")
        >>> f1.update(mx.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), mx.array([1, 1, 0]))
        >>> f1.compute()
        0.5
    """

    name = "f1"

    def __init__(
        self,
        average: Optional[str] = "macro",
        threshold: Optional[float] = None,
        targets: Optional[str] = None,
    ) -> None:
        if average not in ("binary", "macro", "weighted", "micro", None):
            raise ValueError(f"[train] f1: no average {average!r}")
        self.average = average
        super().__init__(threshold, targets)

    def compute(self) -> Any:
        """A number, or an array of one for each class."""
        if self.counts is None:
            return float("nan")
        with mx.stream(mx.cpu):
            return self._compute(self.counts)

    def _compute(self, counts):
        right, rows, columns = mx.diag(counts[:, :-1]), counts.sum(1), counts.sum(0)[:-1]
        if self.average == "micro":
            return _number(2 * right.sum() / (rows + columns).sum())
        each = 2 * right / mx.maximum(rows + columns, 1e-30)
        if self.average is None:
            return each.astype(mx.float32)
        if self.average == "binary":
            if counts.shape[0] != 2:
                raise ValueError(f"[train] f1: binary of {counts.shape[0]} classes")
            return _number(each[1])
        weight = rows if self.average == "weighted" else rows + columns > 0
        return _number((each * weight).sum() / weight.astype(mx.float64).sum())


class AUC(_OfClasses):
    """The area under the ROC curve: how often an example of the class has a higher score than one
    of another, equal scores half (Hanley and McNeil 1982), where a pair counts by the product of
    its weights; NaN if a score is. Predictions are scores of two classes, or (..., classes): of two
    the order is that of the second over the first (logits), or of the second where all rows are
    probabilities, from 0 to 1 and 1 in all within 0.1, as rounded ones are; of more the area is the
    mean over all classes that occur, each against the rest. Scores are compared in their dtype.

    Args:
        targets: "one_hot" or "binary", see `mlx.train.metrics`.

    Example:
        >>> auc = train.AUC()
        >>> auc.update(mx.array([0.9, 0.4, 0.6, 0.1]), mx.array([1, 1, 0, 0]))
        >>> auc.compute()
        0.75
    """

    name = "auc"

    def __init__(self, targets: Optional[str] = None) -> None:
        super().__init__(self.name, 0.0, targets)  # where scores are cut does not matter

    def reset(self) -> None:
        self.scores: list[mx.array] = []
        self.targets: list[mx.array] = []
        self.weights: list[mx.array] = []

    def update(
        self, prediction: mx.array, target: mx.array, weight: Optional[mx.array] = None
    ) -> None:
        examples = self.reader.read(prediction, target, weight)
        columns = 1 if examples.threshold is not None else examples.classes
        scores, labels = examples.scores.reshape(-1, columns), examples.labels.flatten()
        many = mx.ones(labels.shape) if examples.weight is None else examples.weight.flatten()
        scores = scores.astype(mx.int32) if scores.dtype == mx.bool_ else scores
        self.scores.append(scores)
        self.targets.append(labels)
        self.weights.append(many)
        mx.eval(scores, labels, many)

    def compute(self) -> float:
        """The area; NaN unless there are examples of two classes."""
        if not self.scores:
            return float("nan")
        with mx.stream(mx.cpu):  # which has 64 bits
            every = [mx.concatenate(all) for all in (self.scores, self.targets, self.weights)]
            return self._compute(*every)

    def _compute(self, scores, target, weight):
        classes = scores.shape[1]
        scores = mx.where(weight[:, None] > 0, scores, mx.zeros_like(scores))
        if mx.isnan(scores).any().item():
            return float("nan")
        if classes == 1:
            return _area(scores[:, 0], target == 1, weight)
        if classes == 2:
            return _area(_second(scores), target == 1, weight)
        areas = [_area(scores[:, c], target == c, weight) for c in range(classes)]
        known = [a for a in areas if a == a]
        return sum(known) / len(known) if known else float("nan")


_ROUNDED = 0.1 + 1e-5  # how far from 1 probabilities of one decimal may add up


def _second(scores):
    """Numbers in the order of the likeliness of the second of two classes. Probabilities near 0 are
    far finer than their differences to the first, near 1, and rounded ones are equal where those
    need not be; differences alone order logits."""
    if mx.issubdtype(scores.dtype, mx.floating):
        sums = scores.astype(mx.float64).sum(-1)
        if ((scores >= 0).all() & (mx.abs(sums - 1) <= _ROUNDED).all()).item():
            return scores[:, 1]
    wide = scores.astype(mx.float64)
    return wide[:, 1] - wide[:, 0]


def _area(scores, positive, weight):
    """The mean over positives of the share of negatives below, by their weights."""
    order, ones = mx.argsort(positive.astype(mx.int32)), int(positive.sum().item())
    scores, weight, zeros = scores[order], weight[order].astype(mx.float64), len(scores) - ones
    negatives, positives, weight, own = (
        scores[:zeros],
        scores[zeros:],
        weight[:zeros],
        weight[zeros:],
    )
    order = mx.argsort(negatives)
    sums = mx.concatenate([mx.zeros(1, mx.float64), mx.cumsum(weight[order])])
    pairs = _number(sums[-1]) * _number(own.sum())
    if not pairs or mx.isnan(scores).any().item():
        return float("nan")
    below = sums[mx.searchsorted(negatives[order], positives, side="left")]
    upto = sums[mx.searchsorted(negatives[order], positives, side="right")]
    return _number((own * (below + upto)).sum()) / 2 / pairs


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
    if "loss" in names:
        raise ValueError("[train] a metric has the name of the loss: give another, Mean(f, name)")
    if len(set(names)) < len(names):
        raise ValueError(f"[train] two metrics have one name: {', '.join(names)}")
    return found
