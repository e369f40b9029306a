"""Losses.

`reduction` says what becomes of the losses of single examples: `"none"` returns them all, `"mean"`
their mean and `"sum"` their sum. Losses of integers are float32.
"""

import math
from typing import Literal, Optional

import mlx.core as mx

from .layers.activation_functions import _inexact, _log_normalizer

Reduction = Literal["none", "mean", "sum"]


def _reduce(loss, reduction):
    if reduction == "none":
        return loss
    if reduction == "mean":
        return mx.mean(loss)
    if reduction == "sum":
        return mx.sum(loss)
    raise ValueError("Invalid reduction. Must be one of ('none', 'mean', 'sum').")


def _require_same_shape(a, b, a_name="Predictions", b_name="targets"):
    if a.shape != b.shape:
        raise ValueError(f"{a_name} shape {a.shape} does not match {b_name} shape {b.shape}.")


def _common(*arrays):
    """The arrays in the dtype that they have together. Differences and products of integers may be none of
    their dtype: they are float32."""
    t = mx.result_type(*arrays)
    t = t if mx.issubdtype(t, mx.inexact) else mx.float32
    return [a.astype(t) for a in arrays]


def _alike(a, b, a_name="Predictions", b_name="targets"):
    _require_same_shape(a, b, a_name, b_name)
    return _common(a, b)


def _weighted(loss, weights):
    if weights is None:
        return loss
    if weights.shape != loss.shape:
        raise ValueError(
            f"Weights with shape {weights.shape} is not the same as output loss with shape "
            f"{loss.shape}."
        )
    return loss * weights


def cross_entropy(
    logits: mx.array,
    targets: mx.array,
    weights: Optional[mx.array] = None,
    axis: int = -1,
    label_smoothing: float = 0.0,
    reduction: Reduction = "none",
) -> mx.array:
    """`-sum_k t_k log(softmax(logits)_k)` along an axis.

    Args:
        logits: Scores of the classes, not normalized.
        targets: The true classes, as integers of the shape of `logits` without `axis`, or
            probabilities of the shape of `logits`.
        weights: Multiplied with the losses.
        axis: The axis of the classes.
        label_smoothing: Mix the targets with so much of the uniform distribution, in `[0, 1)`
            (Szegedy et al. 2016).
        reduction: See above.

    Returns:
        mx.array: The losses, of the shape of `logits` without `axis`, or as `reduction` says.

    Raises:
        ValueError: shapes do not fit, numbers of classes are no integers, or `label_smoothing` is
            not in `[0, 1)`

    Example:
        >>> logits = mx.array([[0.0, 0.0], [0.0, 100.0]])
        >>> nn.losses.cross_entropy(logits, mx.array([0, 1]))
        array([0.693147, 0], dtype=float32)
    """
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"Label smoothing must be in [0, 1), got {label_smoothing}.")
    probabilities = targets.ndim == logits.ndim
    shape = list(logits.shape)
    if not probabilities:
        del shape[axis]
    if targets.shape != tuple(shape):
        raise ValueError(
            f"Targets shape {targets.shape} does not match logits shape {logits.shape}."
        )
    if not probabilities and not mx.issubdtype(targets.dtype, mx.integer):
        raise ValueError(
            f"Targets of shape {targets.shape} are numbers of classes, integers, not {targets.dtype}."
        )
    m, norm = _log_normalizer(logits, axis)
    if probabilities:
        loss = ((norm - (logits - m)) * targets).sum(axis=axis)
    else:
        score = mx.take_along_axis(logits, mx.expand_dims(targets, axis), axis)
        loss = (norm - (score - m)).squeeze(axis)
    if label_smoothing > 0:
        uniform = (norm - (logits - m)).mean(axis=axis)
        loss = (1 - label_smoothing) * loss + label_smoothing * uniform
    t = _inexact(logits)
    loss = loss.astype(mx.result_type(t, targets.dtype) if probabilities else t)
    return _reduce(_weighted(loss, weights), reduction)


def binary_cross_entropy(
    inputs: mx.array,
    targets: mx.array,
    weights: Optional[mx.array] = None,
    with_logits: bool = True,
    reduction: Reduction = "mean",
) -> mx.array:
    """`-t log(p) - (1 - t) log(1 - p)`.

    Args:
        inputs: Probabilities `p`, or with `with_logits` scores `x` with `p = sigmoid(x)`.
        targets: The true probabilities `t`.
        weights: Multiplied with the losses.
        with_logits: Whether `inputs` are scores. Otherwise logarithms stop at -100.
        reduction: See above.

    Returns:
        mx.array: The losses, or as `reduction` says.

    Raises:
        ValueError: `inputs` and `targets`, or `weights` and the losses, have different shapes

    Example:
        >>> nn.losses.binary_cross_entropy(mx.array([0.0, 2.0]), mx.array([0.0, 1.0]))
        array(0.410038, dtype=float32)
        >>> nn.losses.binary_cross_entropy(mx.array([0.5]), mx.array([1.0]), with_logits=False)
        array(0.693147, dtype=float32)
    """
    inputs, targets = _alike(inputs, targets, "Inputs")
    if with_logits:
        loss = mx.logaddexp(-(inputs * targets), inputs * (1 - targets))
    else:
        log_p = mx.maximum(mx.log(inputs), -100)
        log_q = mx.maximum(mx.log(1 - inputs), -100)
        loss = -(targets * log_p + (1 - targets) * log_q)
    return _reduce(_weighted(loss, weights), reduction)


def l1_loss(predictions: mx.array, targets: mx.array, reduction: Reduction = "mean") -> mx.array:
    """`|y - t|`, for predictions `y` and targets `t` of one shape.

    Args:
        predictions: `y`.
        targets: `t`.
        reduction: See above.

    Returns:
        mx.array: The losses, or as `reduction` says.

    Raises:
        ValueError: the shapes differ

    Example:
        >>> nn.losses.l1_loss(mx.array([1.0, 4.0]), mx.array([2.0, 2.0]))
        array(1.5, dtype=float32)
    """
    predictions, targets = _alike(predictions, targets)
    return _reduce(mx.abs(predictions - targets), reduction)


def mse_loss(predictions: mx.array, targets: mx.array, reduction: Reduction = "mean") -> mx.array:
    """`(y - t) ** 2`, for predictions `y` and targets `t` of one shape.

    Args:
        predictions: `y`.
        targets: `t`.
        reduction: See above.

    Returns:
        mx.array: The losses, or as `reduction` says.

    Raises:
        ValueError: the shapes differ

    Example:
        >>> nn.losses.mse_loss(mx.array([1.0, 4.0]), mx.array([2.0, 2.0]))
        array(2.5, dtype=float32)
    """
    predictions, targets = _alike(predictions, targets)
    return _reduce(mx.square(predictions - targets), reduction)


def nll_loss(
    inputs: mx.array, targets: mx.array, axis: int = -1, reduction: Reduction = "none"
) -> mx.array:
    """Minus the log probability of the true class.

    Args:
        inputs: Log probabilities of the classes.
        targets: The true classes, integers of the shape of `inputs` without `axis`.
        axis: The axis of the classes.
        reduction: See above.

    Returns:
        mx.array: The losses, of the shape of `inputs` without `axis`, or as `reduction` says.

    Example:
        >>> nn.losses.nll_loss(mx.log(mx.array([[0.5, 0.5], [0.25, 0.75]])), mx.array([0, 1]))
        array([0.693147, 0.287682], dtype=float32)
    """
    (inputs,) = _common(inputs)
    index = mx.expand_dims(targets, axis)
    return _reduce(-mx.take_along_axis(inputs, index, axis).squeeze(axis), reduction)


def gaussian_nll_loss(
    inputs: mx.array,
    targets: mx.array,
    vars: mx.array,
    full: bool = False,
    eps: float = 1e-6,
    reduction: Reduction = "mean",
) -> mx.array:
    """Minus the log density of a normal distribution, `(log(v) + (t - m) ** 2 / v) / 2`.

    Args:
        inputs: The means `m`.
        targets: Samples `t`, of the shape of `inputs`.
        vars: The variances `v`, of the shape of `inputs`.
        full: Add the constant `log(2 pi) / 2`.
        eps: The least variance, taken in place of lower ones.
        reduction: See above.

    Returns:
        mx.array: The losses, or as `reduction` says.

    Raises:
        ValueError: the shapes differ

    Example:
        >>> means, variances = mx.array([0.0, 2.0]), mx.array([1.0, 4.0])
        >>> nn.losses.gaussian_nll_loss(means, mx.array([1.0, 2.0]), variances, reduction="none")
        array([0.5, 0.693147], dtype=float32)
    """
    _require_same_shape(inputs, targets, "Inputs")
    _require_same_shape(inputs, vars, "Inputs", "vars")
    inputs, targets, vars = _common(inputs, targets, vars)
    variance = mx.maximum(vars, eps)
    loss = 0.5 * (mx.log(variance) + mx.square(targets - inputs) / variance)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduce(loss, reduction)


def kl_div_loss(
    inputs: mx.array, targets: mx.array, axis: int = -1, reduction: Reduction = "none"
) -> mx.array:
    """The divergence `sum_k q_k (log q_k - log p_k)` along an axis (Kullback and Leibler 1951).

    Args:
        inputs: The logarithms of the predicted probabilities `p`.
        targets: The logarithms of the true probabilities `q`.
        axis: The axis of the classes.
        reduction: See above.

    Returns:
        mx.array: The losses, of the shape of `inputs` without `axis`, or as `reduction` says.

    Example:
        >>> p, q = mx.array([[0.5, 0.5]]), mx.array([[1.0, 0.0]])
        >>> nn.losses.kl_div_loss(mx.log(p), mx.log(p))
        array([0], dtype=float32)
        >>> nn.losses.kl_div_loss(mx.log(p), mx.log(q + 1e-6))
        array([0.693136], dtype=float32)
    """
    inputs, targets = _common(inputs, targets)
    return _reduce(mx.sum(mx.exp(targets) * (targets - inputs), axis), reduction)


def smooth_l1_loss(
    predictions: mx.array, targets: mx.array, beta: float = 1.0, reduction: Reduction = "mean"
) -> mx.array:
    """`d ** 2 / (2 beta)` where `d = |y - t| < beta`, else `d - beta / 2` (Girshick 2015).

    Args:
        predictions: `y`.
        targets: `t`.
        beta: Where the square becomes a line.
        reduction: See above.

    Returns:
        mx.array: The losses, or as `reduction` says.

    Raises:
        ValueError: the shapes differ

    Example:
        >>> nn.losses.smooth_l1_loss(mx.array([0.5, 3.0]), mx.array([0.0, 0.0]), reduction="none")
        array([0.125, 2.5], dtype=float32)
    """
    predictions, targets = _alike(predictions, targets)
    distance = mx.abs(predictions - targets)
    if beta == 0:
        return _reduce(distance, reduction)
    near = 0.5 * mx.square(distance) / beta
    return _reduce(mx.where(distance < beta, near, distance - 0.5 * beta), reduction)


def triplet_loss(
    anchors: mx.array,
    positives: mx.array,
    negatives: mx.array,
    axis: int = -1,
    p: int = 2,
    margin: float = 1.0,
    eps: float = 1e-6,
    reduction: Reduction = "none",
) -> mx.array:
    """`max(d(a, positive) - d(a, negative) + margin, 0)` (Schroff et al. 2015).

    Args:
        anchors: Vectors `a`.
        positives: Vectors that should be near; broadcast, as are the others.
        negatives: Vectors that should be far.
        axis: The axis of the vectors' elements.
        p: The distance `d` is the p-norm of the difference.
        margin: How much nearer.
        eps: Added below the root, so that its derivative stays finite.
        reduction: See above.

    Returns:
        mx.array: The losses, of the shape of `anchors` without `axis`, or as `reduction` says.

    Example:
        >>> a, near, far = mx.array([[0.0, 0.0]]), mx.array([[0.0, 1.0]]), mx.array([[3.0, 4.0]])
        >>> nn.losses.triplet_loss(a, near, far, eps=0), nn.losses.triplet_loss(a, far, near, eps=0)
        (array([0], dtype=float32), array([5], dtype=float32))
    """

    def distance(a, b):
        return mx.power(mx.power(mx.abs(a - b), p).sum(axis) + eps, 1 / p)

    anchors, positives, negatives = _common(anchors, positives, negatives)
    difference = distance(anchors, positives) - distance(anchors, negatives)
    return _reduce(mx.maximum(difference + margin, 0), reduction)


def hinge_loss(inputs: mx.array, targets: mx.array, reduction: Reduction = "none") -> mx.array:
    """`max(1 - y t, 0)`, for scores `y` and targets `t` of -1 or 1.

    Args:
        inputs: Scores `y`.
        targets: `t`.
        reduction: See above.

    Returns:
        mx.array: The losses, or as `reduction` says.

    Example:
        >>> nn.losses.hinge_loss(mx.array([2.0, -0.5]), mx.array([1, 1]))
        array([0, 1.5], dtype=float32)
    """
    inputs, targets = _common(inputs, targets)
    return _reduce(mx.maximum(1 - inputs * targets, 0), reduction)


def huber_loss(
    inputs: mx.array, targets: mx.array, delta: float = 1.0, reduction: Reduction = "none"
) -> mx.array:
    """`d ** 2 / 2` where `d = |y - t| <= delta`, else `delta (d - delta / 2)` (Huber 1964).

    Args:
        inputs: Predictions `y`.
        targets: `t`, of the shape of `inputs`.
        delta: Where the square becomes a line.
        reduction: See above.

    Returns:
        mx.array: The losses, or as `reduction` says.

    Example:
        >>> nn.losses.huber_loss(mx.array([0.5, 3.0]), mx.array([0.0, 0.0]))
        array([0.125, 2.5], dtype=float32)
    """
    inputs, targets = _common(inputs, targets)
    distance = mx.abs(inputs - targets)
    far = delta * (distance - 0.5 * delta)
    return _reduce(mx.where(distance <= delta, 0.5 * mx.square(distance), far), reduction)


def log_cosh_loss(inputs: mx.array, targets: mx.array, reduction: Reduction = "none") -> mx.array:
    """`log(cosh(y - t))` without overflow.

    Args:
        inputs: Predictions `y`.
        targets: `t`.
        reduction: See above.

    Returns:
        mx.array: The losses, or as `reduction` says.

    Example:
        >>> nn.losses.log_cosh_loss(mx.array([0.0, 100.0]), mx.array([0.0, 0.0]))
        array([0, 99.3069], dtype=float32)
    """
    inputs, targets = _common(inputs, targets)
    error = inputs - targets
    return _reduce(mx.logaddexp(error, -error) - math.log(2), reduction)


def cosine_similarity_loss(
    x1: mx.array,
    x2: mx.array,
    axis: int = 1,
    eps: float = 1e-8,
    reduction: Reduction = "none",
) -> mx.array:
    """The cosine of the angle between vectors, `x1 x2 / max(|x1| |x2|, eps)`.

    Args:
        x1: The one vectors.
        x2: The other vectors; both are broadcast.
        axis: The axis of the vectors' elements.
        eps: The least denominator.
        reduction: See above.

    Returns:
        mx.array: The cosines, or as `reduction` says: 1 for vectors of one direction.

    Example:
        >>> x = mx.array([[1.0, 0.0], [1.0, 1.0]])
        >>> nn.losses.cosine_similarity_loss(x, mx.array([[2.0, 0.0], [-1.0, 1.0]]))
        array([1, 0], dtype=float32)
    """
    x1, x2 = _common(x1, x2)
    norms = mx.linalg.norm(x1, axis=axis) * mx.linalg.norm(x2, axis=axis)
    return _reduce(mx.sum(x1 * x2, axis=axis) / mx.maximum(norms, eps), reduction)


def margin_ranking_loss(
    inputs1: mx.array,
    inputs2: mx.array,
    targets: mx.array,
    margin: float = 0.0,
    reduction: Reduction = "none",
) -> mx.array:
    """`max(-t (y1 - y2) + margin, 0)`.

    Args:
        inputs1: Scores `y1`.
        inputs2: Scores `y2`.
        targets: `t`: 1 where `y1` should be higher, -1 where `y2` should.
        margin: How much higher.
        reduction: See above.

    Returns:
        mx.array: The losses, or as `reduction` says.

    Raises:
        ValueError: the shapes differ

    Example:
        >>> y1, y2 = mx.array([3.0, 1.0]), mx.array([1.0, 3.0])
        >>> nn.losses.margin_ranking_loss(y1, y2, mx.array([1, 1]))
        array([0, 2], dtype=float32)
    """
    if not inputs1.shape == inputs2.shape == targets.shape:
        raise ValueError(
            "The shapes of the arguments do not match. The provided shapes are "
            f"inputs1.shape={inputs1.shape}, inputs2.shape={inputs2.shape}, and "
            f"targets.shape={targets.shape}."
        )
    inputs1, inputs2, targets = _common(inputs1, inputs2, targets)
    return _reduce(mx.maximum(margin - targets * (inputs1 - inputs2), 0), reduction)
