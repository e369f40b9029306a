import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.nn import losses

from ops_check import near
from seeds import generator

Y, T = generator(0).normal(size=(2, 6))
LOGITS = generator(1).normal(size=(3, 4))
CLASSES = np.array([0, 3, 2])
LOG_P = LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True))
PROBABILITIES = np.exp(LOG_P[::-1])
SIGNS = np.array([1, -1, 1, 1, -1, -1])


def m(x):
    x = np.ascontiguousarray(x)
    return mx.array(x, dtype=mx.int32 if x.dtype == np.int64 else mx.float32)


def norm(x, p, axis=-1):
    return ((np.abs(x) ** p).sum(axis) + 1e-6) ** (1 / p)


def huber(d, delta):
    return np.where(d <= delta, d**2 / 2, delta * (d - delta / 2))


def smooth(d, beta):
    return np.where(d < beta, d**2 / (2 * beta), d - beta / 2)


CASES = {
    "l1": (losses.l1_loss, (Y, T), {}, np.abs(Y - T)),
    "mse": (losses.mse_loss, (Y, T), {}, (Y - T) ** 2),
    "nll": (losses.nll_loss, (LOG_P, CLASSES), {}, -LOG_P[range(3), CLASSES]),
    "nll axis": (losses.nll_loss, (LOG_P.T, CLASSES), {"axis": 0}, -LOG_P[range(3), CLASSES]),
    "gaussian": (
        losses.gaussian_nll_loss,
        (Y, T, Y**2 + 0.1),
        {},
        (np.log(Y**2 + 0.1) + (Y - T) ** 2 / (Y**2 + 0.1)) / 2,
    ),
    "gaussian full": (
        losses.gaussian_nll_loss,
        (Y, T, Y**2 * 0 + 0.1),
        {"full": True, "eps": 0.5},
        (math.log(0.5) + (Y - T) ** 2 / 0.5 + math.log(2 * math.pi)) / 2,
    ),
    "kl": (
        losses.kl_div_loss,
        (LOG_P, LOG_P[::-1]),
        {},
        (PROBABILITIES * (LOG_P[::-1] - LOG_P)).sum(-1),
    ),
    "smooth l1": (losses.smooth_l1_loss, (Y, T), {"beta": 0.7}, smooth(np.abs(Y - T), 0.7)),
    "smooth l1 sharp": (losses.smooth_l1_loss, (Y, T), {"beta": 0}, np.abs(Y - T)),
    "triplet": (
        losses.triplet_loss,
        (LOGITS, LOG_P, PROBABILITIES),
        {"margin": 2.0},
        np.maximum(norm(LOGITS - LOG_P, 2) - norm(LOGITS - PROBABILITIES, 2) + 2, 0),
    ),
    "triplet p": (
        losses.triplet_loss,
        (LOGITS, LOG_P, PROBABILITIES),
        {"p": 3, "axis": 0},
        np.maximum(norm(LOGITS - LOG_P, 3, 0) - norm(LOGITS - PROBABILITIES, 3, 0) + 1, 0),
    ),
    "hinge": (losses.hinge_loss, (Y, SIGNS), {}, np.maximum(1 - Y * SIGNS, 0)),
    "huber": (losses.huber_loss, (Y, T), {"delta": 0.4}, huber(np.abs(Y - T), 0.4)),
    "log cosh": (losses.log_cosh_loss, (Y, T), {}, np.log(np.cosh(Y - T))),
    "cosine": (
        losses.cosine_similarity_loss,
        (LOGITS, LOG_P),
        {},
        (LOGITS * LOG_P).sum(1) / np.linalg.norm(LOGITS, axis=1) / np.linalg.norm(LOG_P, axis=1),
    ),
    "ranking": (
        losses.margin_ranking_loss,
        (Y, T, SIGNS),
        {"margin": 0.2},
        np.maximum(0.2 - SIGNS * (Y - T), 0),
    ),
    "cross entropy": (losses.cross_entropy, (LOGITS, CLASSES), {}, -LOG_P[range(3), CLASSES]),
    "cross entropy axis": (
        losses.cross_entropy,
        (LOGITS.T, CLASSES),
        {"axis": 0},
        -LOG_P[range(3), CLASSES],
    ),
    "cross entropy smoothed": (
        losses.cross_entropy,
        (LOGITS, CLASSES),
        {"label_smoothing": 0.2},
        -0.8 * LOG_P[range(3), CLASSES] - 0.2 * LOG_P.mean(-1),
    ),
    "cross entropy of probabilities": (
        losses.cross_entropy,
        (LOGITS, PROBABILITIES),
        {},
        -(PROBABILITIES * LOG_P).sum(-1),
    ),
    "cross entropy of anything": (
        losses.cross_entropy,
        (LOGITS, PROBABILITIES * [[0], [1], [3]]),
        {},
        -(PROBABILITIES * LOG_P).sum(-1) * [0, 1, 3],
    ),
    "binary": (
        losses.binary_cross_entropy,
        (Y, (SIGNS > 0).astype(float)),
        {},
        np.log1p(np.exp(-SIGNS * Y)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    loss, arguments, options, expected = CASES[name]
    arguments = [m(a) for a in arguments]
    for reduction, reduce in (("none", lambda x: x), ("mean", np.mean), ("sum", np.sum)):
        y = loss(*arguments, **options, reduction=reduction)
        near(y, reduce(expected), 16)
    with pytest.raises(ValueError, match="Invalid reduction"):
        loss(*arguments, **options, reduction="other")


def test_binary_cross_entropy_of_probabilities():
    p, t = mx.array([0.0, 0.3, 1, 1]), mx.array([0.0, 1, 1, 0])
    y = losses.binary_cross_entropy(p, t, with_logits=False, reduction="none")
    np.testing.assert_allclose(y, [0, -math.log(0.3), 0, 100], 1e-6)


def test_weights():
    w = m(np.arange(3.0))
    y = losses.cross_entropy(m(LOGITS), m(CLASSES), weights=w)
    near(y, -LOG_P[range(3), CLASSES] * np.arange(3), 16)
    y = losses.binary_cross_entropy(m(Y), m(Y * 0), m(np.arange(6.0)), reduction="sum")
    np.testing.assert_allclose(y, (np.log1p(np.exp(Y)) * np.arange(6)).sum(), 1e-4)
    for loss, arguments in (
        (losses.cross_entropy, (m(LOGITS), m(CLASSES))),
        (losses.binary_cross_entropy, (m(Y), m(T))),
    ):
        with pytest.raises(ValueError, match="Weights with shape"):
            loss(*arguments, weights=mx.ones((2,)))


def test_far_out_values_stay_finite():
    far = mx.array([[1e4, 0.0], [-1e4, 0.0]])
    assert losses.cross_entropy(far, mx.array([1, 0])).tolist() == [1e4, 1e4]
    assert losses.log_cosh_loss(far[:, 0], mx.zeros(2))[0].item() == pytest.approx(1e4, 1e-4)
    assert losses.binary_cross_entropy(far[:, 0], mx.array([0.0, 1.0])).item() == 1e4
    zeros = mx.zeros((2, 3))
    assert losses.cosine_similarity_loss(zeros, zeros).tolist() == [0, 0]
    gradient = mx.grad(lambda x: losses.triplet_loss(x, zeros, zeros + 1).sum())(zeros)
    assert np.isfinite(gradient).all()


def test_large_numbers_in_common_cost_no_digits():
    expected = [math.log1p(math.exp(-3)), 3 + math.log1p(math.exp(-3))]
    for offset, dtype, rtol in (
        (1e6, mx.float32, 1e-6),
        (-1e6, mx.float32, 1e-6),
        (1e9, mx.float64, 1e-6),
        (1000, mx.float16, 1e-3),
        (64, mx.bfloat16, 1e-2),
    ):
        x = mx.array([2.0, -1.0], dtype) + mx.array(offset, dtype)
        np.testing.assert_allclose((-nn.log_softmax(x)).astype(mx.float32), expected, rtol)
        assert nn.log_softmax(x).dtype == dtype
        for target in ([0, 1], [[1.0, 0.0], [0.0, 1.0]]):
            y = losses.cross_entropy(mx.stack([x, x]), mx.array(target))
            np.testing.assert_allclose(y.astype(mx.float32), expected, rtol)
        y = losses.cross_entropy(mx.stack([x, x]), mx.array([0, 1]), label_smoothing=0.2)
        smooth = [0.8 * e + 0.2 * sum(expected) / 2 for e in expected]
        np.testing.assert_allclose(y.astype(mx.float32), smooth, rtol)
        p = 1 / (1 + math.exp(-3))
        g = mx.grad(lambda x: losses.cross_entropy(x[None], mx.array([0])).sum())(x)
        np.testing.assert_allclose(g.astype(mx.float32), [p - 1, 1 - p], rtol, rtol)
        g = mx.grad(lambda x: mx.logsumexp(x))(x)
        np.testing.assert_allclose(g.astype(mx.float32), [p, 1 - p], rtol, rtol)


def test_binary_cross_entropy_of_sure_scores():
    x = mx.array([20.0, -20.0, 1e4, -1e4, 0.0])
    right = losses.binary_cross_entropy(x, mx.array([1.0, 0, 1, 0, 1]), reduction="none")
    tail = math.log1p(math.exp(-20))
    np.testing.assert_allclose(right, [tail, tail, 0, 0, math.log(2)], 1e-5)
    wrong = losses.binary_cross_entropy(
        x, mx.array([False, True, False, True, False]), reduction="none"
    )
    np.testing.assert_allclose(wrong, [20, 20, 1e4, 1e4, math.log(2)], 1e-6)
    g = mx.grad(
        lambda x: losses.binary_cross_entropy(x, mx.array([1.0, 0, 0.3, 0.6, 1]), reduction="sum")
    )(x)
    np.testing.assert_allclose(g, [-2.0611537e-9, 2.0611537e-9, 0.7, -0.6, -0.5], 1e-5)


def test_gradient_of_cross_entropy():
    gradient = mx.grad(lambda x: losses.cross_entropy(x, m(CLASSES), reduction="sum"))(m(LOGITS))
    near(gradient, np.exp(LOG_P) - np.eye(4)[CLASSES], 16)


# what takes predictions and targets of one shape, and what broadcasts them, as MLX does
ALIKE = [losses.l1_loss, losses.mse_loss, losses.smooth_l1_loss, losses.binary_cross_entropy]
BROADCAST = [losses.huber_loss, losses.hinge_loss, losses.log_cosh_loss, losses.kl_div_loss]


@pytest.mark.parametrize("loss", ALIKE)
@pytest.mark.parametrize("shapes", [((2,), (3,)), ((3, 1), (3,)), ((2, 2), ())])
def test_nothing_is_broadcast(loss, shapes):
    with pytest.raises(ValueError, match="does not match targets shape"):
        loss(*map(mx.ones, shapes))


@pytest.mark.parametrize("loss", BROADCAST)
@pytest.mark.parametrize("shapes", [((4, 3), (3,)), ((3, 1), (2,)), ((2, 2), ())])
def test_targets_are_broadcast(loss, shapes):
    x, y = (mx.random.normal(shape) for shape in shapes)
    wanted = loss(*mx.broadcast_arrays(x, y), reduction="none")
    assert mx.array_equal(loss(x, y, reduction="none"), wanted)


def test_one_class_for_all_examples():
    x = mx.random.normal((4, 3))
    assert mx.array_equal(losses.nll_loss(x, mx.array([2]), reduction="none"), -x[:, 2])


@pytest.mark.parametrize("t", ["uint8", "uint16", "uint32", "uint64", "int16", "int32"])
def test_integers_do_not_wrap(t):
    y, target = mx.array([3, 250, 0, 128]), mx.array([5, 0, 255, 1])
    more = {
        losses.margin_ranking_loss: lambda a, b: (a, b, a),
        losses.gaussian_nll_loss: lambda a, b: (a, b, a),
        losses.triplet_loss: lambda a, b: (a, b, a),
    }
    for loss in [*ALIKE, *BROADCAST, *more, losses.cosine_similarity_loss]:
        for a, b in ((y, target), (target, y)):
            given = more.get(loss, lambda a, b: (a, b))(a, b)
            options = {"reduction": "none"}
            if loss is losses.cosine_similarity_loss:
                options["axis"] = 0
            found = loss(*(x.astype(getattr(mx, t)) for x in given), **options)
            wanted = loss(*(x.astype(mx.float32) for x in given), **options)
            assert found.dtype == mx.float32
            assert mx.array_equal(found, wanted, equal_nan=True)
    # beside floats they are those floats
    half = losses.l1_loss(mx.array([1.5], mx.float16), mx.array([3], mx.uint8))
    assert (half.dtype, half.item()) == (mx.float16, 1.5)


def test_shapes_are_checked():
    six, five = mx.ones((6,)), mx.ones((5,))
    for loss in (losses.l1_loss, losses.mse_loss, losses.smooth_l1_loss):
        with pytest.raises(ValueError, match=r"Predictions shape \(6,\) does not match targets"):
            loss(six, five)
    with pytest.raises(ValueError, match="does not match vars shape"):
        losses.gaussian_nll_loss(six, six, five)
    with pytest.raises(ValueError, match="Inputs shape"):
        losses.binary_cross_entropy(six, five)
    with pytest.raises(ValueError, match="shapes of the arguments do not match"):
        losses.margin_ranking_loss(six, five, six)
    for targets in (mx.zeros((2,), dtype=mx.int32), mx.zeros((3, 3))):
        with pytest.raises(ValueError, match="does not match logits shape"):
            losses.cross_entropy(mx.zeros((3, 4)), targets)
    for smoothing in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="Label smoothing"):
            nn.losses.cross_entropy(m(LOGITS), m(CLASSES), label_smoothing=smoothing)
