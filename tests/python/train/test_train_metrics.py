"""Measures: by their formulas, and beside scikit-learn where it is installed."""

import math
from functools import partial

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.train import AUC, F1, Accuracy, ConfusionMatrix, Mean, Perplexity, TopK, metrics

from seeds import generator


def examples(n=300, classes=5, salt=0):
    random = generator(21, salt)
    logits = random.normal(size=(n, classes)).astype(np.float32)
    labels = random.integers(0, classes, n)
    logits[np.arange(n), labels] += 0.7
    return logits, labels


def measured(metric, prediction, target, weight=None, parts=3):
    """The value over batches of uneven sizes."""
    bounds = np.linspace(0, len(target), parts + 1).astype(int)
    for a, b in zip(bounds, bounds[1:]):
        some = None if weight is None else mx.array(weight[a:b])
        metric.update(mx.array(prediction[a:b]), mx.array(target[a:b]), some)
    return metric.compute()


def test_formulas():
    logits, labels = examples()
    right = logits.argmax(1) == labels
    assert measured(Accuracy(), logits, labels) == pytest.approx(right.mean())
    rank = (logits > logits[np.arange(300), labels][:, None]).sum(1)
    assert measured(TopK(2), logits, labels) == pytest.approx((rank < 2).mean())
    p = np.exp(logits.astype(np.float64))
    entropy = -np.log(p[np.arange(300), labels] / p.sum(1))
    assert measured(Perplexity(), logits, labels) == pytest.approx(
        math.exp(entropy.mean()), rel=1e-5
    )
    matrix = np.zeros((5, 5))
    np.add.at(matrix, (labels, logits.argmax(1)), 1)
    np.testing.assert_array_equal(measured(ConfusionMatrix(), logits, labels), matrix)
    each = [2 * matrix[c, c] / (matrix[c].sum() + matrix[:, c].sum()) for c in range(5)]
    np.testing.assert_allclose(measured(F1(None), logits, labels), each, rtol=1e-5)
    assert measured(F1(), logits, labels) == pytest.approx(np.mean(each), rel=1e-5)
    assert measured(F1("micro"), logits, labels) == pytest.approx(right.mean(), rel=1e-5)
    weighted = np.average(each, weights=matrix.sum(1))
    assert measured(F1("weighted"), logits, labels) == pytest.approx(weighted, rel=1e-5)
    error = Mean(nn.losses.mse_loss, "mse")
    assert measured(error, logits, logits + 1) == pytest.approx(1, rel=1e-5)
    areas = [pairs(logits[:, c], labels == c) for c in range(5)]
    assert measured(AUC(), logits, labels) == pytest.approx(np.mean(areas), rel=1e-6)


def pairs(scores, positive):
    """The area under the curve by its meaning, over all pairs."""
    above, below = scores[positive][:, None], scores[~positive][None]
    return ((above > below) + 0.5 * (above == below)).mean()


def test_two_classes():
    random = generator(22)
    scores = random.integers(0, 10, 200).astype(np.float32) / 10  # with ties
    truth = random.integers(0, 2, 200)
    assert measured(AUC(), scores, truth) == pytest.approx(pairs(scores, truth == 1))
    both = np.stack([1 - scores, scores], 1)
    assert measured(AUC(), both, truth) == pytest.approx(pairs(scores, truth == 1))
    assert measured(Accuracy(), scores, truth) == pytest.approx(((scores > 0.5) == truth).mean())
    found = scores > 0.5
    f1 = 2 * (found & (truth == 1)).sum() / (found.sum() + truth.sum())
    assert measured(F1("binary"), scores, truth) == pytest.approx(f1, rel=1e-5)


def one_hot(labels, classes):
    return np.eye(classes, dtype=np.float32)[labels]


def test_one_hot_targets():
    logits, labels = examples()
    rows = one_hot(labels, 5)
    for make in (Accuracy, Perplexity, F1, AUC, lambda **k: TopK(2, **k)):
        wanted = measured(make(), logits, labels)
        assert measured(make(targets="one_hot"), logits, rows) == pytest.approx(wanted)
        with pytest.raises(ValueError, match='say targets="one_hot" or "binary"'):
            measured(make(), logits, rows)
        with pytest.raises(ValueError, match="a 1 in each row"):
            measured(make(targets="one_hot"), logits, rows * 0.9 + 0.02)
    matrix = measured(ConfusionMatrix(targets="one_hot"), logits, rows)
    np.testing.assert_array_equal(matrix, measured(ConfusionMatrix(), logits, labels))
    weight = (np.arange(300) % 3 > 0).astype(np.float32)
    padded = np.where(weight[:, None] > 0, rows, 0)
    wanted = measured(Accuracy(), logits[weight > 0], labels[weight > 0])
    found = measured(Accuracy(targets="one_hot"), logits, padded, weight)
    assert found == pytest.approx(wanted)


def test_classes_that_are_each_true_or_false():
    random = generator(24)
    p, truth = random.random((50, 4)).astype(np.float32), random.integers(0, 2, (50, 4))
    found = measured(Accuracy(targets="binary"), p, truth)
    assert found == pytest.approx(((p > 0.5) == truth).mean())
    found = measured(AUC("binary"), p, truth)
    assert found == pytest.approx(pairs(p.flatten(), truth.flatten() == 1))


def test_logits_of_two_classes():
    random = generator(25)
    logits, truth = random.normal(size=200).astype(np.float32), random.integers(0, 2, 200)
    right = ((logits > 0) == truth).mean()
    for shape in (-1,), (-1, 1):
        a, b = logits.reshape(shape), truth.reshape(shape)
        assert measured(Accuracy(0), a, b) == pytest.approx(right)
        assert measured(F1("micro", 0), a, b) == pytest.approx(right)
        assert measured(ConfusionMatrix(0), a, b).sum().item() == 200
        for metric in (Accuracy(), F1(), ConfusionMatrix()):
            with pytest.raises(ValueError, match="from 0 to 1 unless a threshold is given"):
                measured(metric, a, b)
    assert measured(Accuracy(0), logits, 2 * truth - 1) == pytest.approx(right)
    with pytest.raises(ValueError, match="0 and 1, or -1 and 1"):
        measured(Accuracy(), np.zeros(3, np.float32), np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="are of one class"):
        measured(Accuracy(), logits[:, None], np.zeros(200, np.int32))
    for metric in (TopK(1), Perplexity()):
        with pytest.raises(ValueError, match=r"not \(..., classes\)"):
            measured(metric, 1 / (1 + np.exp(-logits)), truth)


def test_counts_beyond_float32():
    n = (1 << 24) + 1
    scores, truth = mx.zeros(n), mx.zeros(n, mx.int32)
    for weight in (None, mx.ones(n)):
        accuracy, matrix, f1 = Accuracy(), ConfusionMatrix(), F1("binary")
        for one in (accuracy, matrix, f1):
            one.update(scores, truth, weight)
            one.update(
                mx.array([0.0, 1.0]), mx.array([0, 1]), weight if weight is None else mx.ones(2)
            )
        assert accuracy.count == accuracy.total == n + 2
        assert matrix.compute().tolist() == [[n + 1, 0], [0, 1]]
        assert matrix.compute().dtype == (mx.int64 if weight is None else mx.float64)
        assert f1.compute() == 1


def test_ties_and_nan_do_not_flatter():
    labels = np.arange(100) % 10
    flat = np.zeros((100, 10), np.float32)
    for k in (1, 5, 10):
        assert measured(TopK(k), flat, labels) == pytest.approx(k / 10)
    assert measured(TopK(1), flat, labels) == measured(Accuracy(), flat, labels)
    nothing = np.full((100, 10), np.nan, np.float32)
    for metric in (Accuracy(), TopK(1), TopK(10), F1(), F1("micro"), F1("weighted")):
        assert measured(metric, nothing, labels) == 0
    assert measured(ConfusionMatrix(), nothing, labels).sum().item() == 0
    assert math.isnan(measured(AUC(), nothing, labels))
    some, labels = examples()
    some[::4, 2] = np.nan
    kept = np.arange(300) % 4 > 0
    wanted = (some[kept].argmax(1) == labels[kept]).sum() / 300
    assert measured(Accuracy(), some, labels) == pytest.approx(wanted)
    assert measured(TopK(1), some, labels) == pytest.approx(wanted)
    assert measured(ConfusionMatrix(), some, labels).sum().item() == kept.sum()
    assert math.isnan(measured(AUC(), some, labels))
    two = np.array([np.nan, np.nan, 0.9, 0.1], np.float32)
    assert measured(Accuracy(0.5), two, np.array([0, 1, 1, 0]), parts=1) == 0.5
    assert math.isnan(measured(AUC(), two, np.array([0, 1, 1, 0]), parts=1))


def test_weights():
    logits, labels = examples()
    weight = (generator(23).random(300) < 0.6).astype(np.float32)
    kept = weight > 0
    labels_out = np.where(kept, labels, -100)  # labels of what does not matter may be anything
    for make in (Accuracy, lambda: TopK(2), Perplexity, F1):
        found = measured(make(), logits, labels_out, weight)
        assert found == pytest.approx(measured(make(), logits[kept], labels[kept]), rel=1e-5)


def test_sequences():
    logits, labels = examples(120)
    deep, wide = logits.reshape(6, 20, 5), labels.reshape(6, 20)
    for make in (Accuracy, Perplexity, F1, AUC):
        assert measured(make(), deep, wide) == pytest.approx(
            measured(make(), logits, labels), rel=1e-6
        )


def test_beside_scikit_learn():
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    logits, labels = examples(classes=4, salt=1)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    best = logits.argmax(1)
    assert measured(Accuracy(), logits, labels) == pytest.approx(sk.accuracy_score(labels, best))
    assert measured(TopK(2), logits, labels) == pytest.approx(
        sk.top_k_accuracy_score(labels, logits, k=2)
    )
    np.testing.assert_array_equal(
        measured(ConfusionMatrix(), logits, labels), sk.confusion_matrix(labels, best)
    )
    for average in ("macro", "micro", "weighted"):
        wanted = sk.f1_score(labels, best, average=average)
        assert measured(F1(average), logits, labels) == pytest.approx(wanted, rel=1e-5)
    wanted = sk.roc_auc_score(labels, p, multi_class="ovr")
    assert measured(AUC(), p, labels) == pytest.approx(wanted, rel=1e-6)
    wanted = sk.roc_auc_score(labels == 1, logits[:, 1])
    assert measured(AUC(), logits[:, 1], labels == 1) == pytest.approx(wanted, rel=1e-6)
    times, scores = np.round(generator(27).random(300), 1), np.round(logits[:, 1], 1)
    wanted = sk.roc_auc_score(labels == 1, scores, sample_weight=times)
    assert measured(AUC(), scores, labels == 1, times) == pytest.approx(wanted, rel=1e-6)
    rows, weight = one_hot(labels, 4), generator(26).random(300).astype(np.float32)
    assert measured(Accuracy(targets="one_hot"), logits, rows, weight) == pytest.approx(
        sk.accuracy_score(labels, best, sample_weight=weight)
    )
    wanted = sk.f1_score(labels, best, average="macro", sample_weight=weight)
    assert measured(F1(), logits, labels, weight) == pytest.approx(wanted)
    np.testing.assert_allclose(
        measured(ConfusionMatrix(), logits, labels, weight),
        sk.confusion_matrix(labels, best, sample_weight=weight),
    )
    above = logits[:, 1] > 0
    assert measured(F1("binary", 0), logits[:, 1], labels == 1) == pytest.approx(
        sk.f1_score(labels == 1, above)
    )
    assert math.log(measured(Perplexity(), logits, labels)) == pytest.approx(
        sk.log_loss(labels, p), rel=1e-5
    )


def test_nothing_and_one_class():
    for metric in (Accuracy(), TopK(), Perplexity(), F1(), AUC()):
        assert math.isnan(metric.compute())
    assert ConfusionMatrix().compute().shape == (0, 0)
    assert math.isnan(measured(AUC(), np.ones(5, np.float32), np.ones(5, np.int64)))


def test_batches_without_examples():
    makes = (Accuracy, lambda **k: TopK(2, **k), Perplexity, F1, AUC)
    for make in makes:
        metric, rows = make(), make(targets="one_hot")
        metric.update(mx.zeros((0, 3)), mx.zeros(0, mx.int32))
        rows.update(mx.zeros((0, 3)), mx.zeros((0, 3)))
        assert math.isnan(metric.compute()) and math.isnan(rows.compute())
    matrix = ConfusionMatrix()
    matrix.update(mx.zeros((0, 3)), mx.zeros(0, mx.int32))
    assert matrix.compute().tolist() == [[0] * 3] * 3
    accuracy = Accuracy()
    accuracy.update(mx.zeros(0), mx.zeros(0))
    accuracy.update(mx.array(0.7), mx.array(1))
    assert accuracy.compute() == 1


def test_a_metric_is_used_again():
    accuracy = Accuracy()
    accuracy.update(mx.array([[0.0, 1.0]]), mx.array([0]))
    assert accuracy.compute() == 0
    accuracy.reset()
    accuracy.update(mx.array([[0.0, 1.0]]), mx.array([1]))
    assert accuracy.compute() == 1


def test_a_loss_says_what_scores_are():
    bce, ce = nn.losses.binary_cross_entropy, nn.losses.cross_entropy
    logits, truth = mx.array([-1.0, 0.3, 0.4, 0.7]), mx.array([0.0, 1.0, 1.0, 1.0])
    shares = {partial(bce, with_logits=False): 0.5, nn.losses.mse_loss: 0.5}
    for loss, share in {bce: 1, partial(bce, reduction="none"): 1, **shares}.items():
        metric = Accuracy()
        metric.follow(loss)
        metric.update(logits, truth)
        assert metric.compute() == share
    metric = F1("binary")
    metric.follow(bce)
    metric.update(logits, truth)
    assert metric.compute() == 1
    metric = Accuracy(targets="binary")
    metric.follow(ce)  # what was said stays
    with pytest.raises(ValueError, match="does not say what scores of two classes are"):
        metric.update(logits, truth)
    metric = Accuracy()
    metric.follow(bce)
    metric.follow(ce)
    metric.update(mx.array([[2.0, 1.0], [0.0, 1.0]]), mx.array([[1, 0], [1, 0]]))
    assert metric.compute() == 0.5


def test_refused():
    logits, labels = map(mx.array, examples(4, 3))
    for metric in (Accuracy(), TopK(1), Perplexity(), ConfusionMatrix(), AUC()):
        with pytest.raises(ValueError, match=rf"{metric.name}: a label is 3, there are 3 classes"):
            metric.update(logits, mx.array([0, 1, 3, 2]))
        with pytest.raises(ValueError, match="a label is -1"):
            metric.update(logits, mx.array([0, 1, -1, 2]))
        with pytest.raises(ValueError, match=r"not \(..., classes\)"):
            metric.update(logits, labels[:3])
    with pytest.raises(ValueError, match="labels are whole numbers"):
        Accuracy().update(logits, mx.array([0, 1, 0.5, 2]))
    with pytest.raises(ValueError, match="no metric 'recall'"):
        metrics.metric("recall")
    assert metrics.metric("top_3").k == 3
    for name in ("top_", "top_x", "top_-1"):
        with pytest.raises(ValueError, match="no metric"):
            metrics.metric(name)
    with pytest.raises(ValueError, match="from 1, not 0"):
        metrics.metric("top_0")
    with pytest.raises(ValueError, match="one name"):
        metrics.metrics(["accuracy", Accuracy()])
    with pytest.raises(ValueError, match="the name of the loss"):
        metrics.metrics([Mean(nn.losses.mse_loss, "loss")])
    with pytest.raises(ValueError, match="from 1, not 0"):
        TopK(0)
    with pytest.raises(ValueError, match="no average 'mean'"):
        F1("mean")
    with pytest.raises(ValueError, match='targets are "one_hot" or "binary", not \'hot\''):
        Accuracy(targets="hot")


@pytest.mark.parametrize("odd", [-1.0, float("nan"), float("inf")])
def test_weights_of_measures_are_numbers_from_0(odd):
    scores, labels = mx.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), mx.array([1, 0, 1])
    mean = Mean(lambda p, t: p[:, 0], "mean")
    for one in (Accuracy(), TopK(1), F1(), ConfusionMatrix(), Perplexity(), AUC(), mean):
        with pytest.raises(ValueError, match=f"{one.name}: a weight is {odd}, not a number from 0"):
            one.update(scores, labels, mx.array([1.0, odd, 2.0]))
        one.update(scores, labels, mx.array([1, 0, 2]))


def area(scores, positive):
    """The share of pairs in their order, in Python's numbers."""
    pairs = [(a, b) for a, p in zip(scores, positive) for b, q in zip(scores, positive) if p > q]
    return sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
def test_areas_of_rare_classes(dtype):
    """Probabilities far below the step of those near 1 have an order."""
    logits = generator(21, 40).normal(size=60) * 2 - 9
    labels = generator(21, 41).integers(0, 2, 60)
    both = mx.stack([mx.zeros(60), mx.array(logits, mx.float32)], axis=-1)
    p = mx.softmax(both, axis=-1).astype(dtype)
    second = p[:, 1].astype(mx.float32).tolist()
    assert measured(AUC(), p, labels) == pytest.approx(area(second, labels), abs=1e-12)
    found = measured(AUC(), both, labels)
    assert found == pytest.approx(area(both[:, 1].tolist(), labels), abs=1e-12)


def test_areas_of_logits_are_of_their_differences():
    logits, labels = examples(classes=2, salt=42)
    differences = logits[:, 1].astype(np.float64) - logits[:, 0]
    found = measured(AUC(), logits, labels)
    assert found == pytest.approx(area(differences, labels), abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_weights_of_areas_are_numbers_of_examples(classes):
    logits, labels = examples(60, classes, 44)
    times = generator(21, 45).integers(0, 4, 60)
    several = [np.repeat(x, times, axis=0) for x in (logits, labels)]
    wanted = measured(AUC(), *several)
    hidden = np.where(times[:, None] > 0, logits, np.nan)  # what has no weight does not matter
    found = measured(AUC(), hidden.astype(np.float32), labels, times.astype(np.float32))
    assert found == pytest.approx(wanted, abs=1e-12)
    assert math.isnan(measured(AUC(), logits, labels, np.zeros(60, np.float32)))


def test_areas_of_64_bits():
    scores, labels = np.array([0.5, 0.5 + 1e-12, 0.4, 0.5 - 1e-12]), np.array([0, 1, 0, 1])
    auc = AUC()
    auc.update(scores, labels)
    assert auc.compute() == area(scores, labels) == 0.75
    whole = AUC()
    whole.update(mx.array([2**53, 2**53 + 1], mx.int64), mx.array([0, 1]))
    assert whole.compute() == 1.0


KINDS = [Accuracy, AUC, ConfusionMatrix, F1, Perplexity, lambda: TopK(2)]


@pytest.mark.parametrize("kind", [*KINDS, lambda: Mean(lambda p, t: mx.abs(p.sum(-1) - t))])
def test_measures_take_numpy_arrays_and_lists(kind):
    logits, labels = examples(40, 3, 43)
    for weight in None, np.linspace(0, 1, 40).astype(np.float32):
        found = []
        for convert in (mx.array, np.asarray, lambda x: np.asarray(x).tolist()):
            metric = kind()
            given = None if weight is None else convert(weight)
            metric.update(convert(logits), convert(labels), given)
            found.append(np.array(metric.compute()))
        for other in found[1:]:
            np.testing.assert_allclose(other, found[0], rtol=1e-6)
    with pytest.raises(TypeError, match="targets are an array, not str"):
        kind().update(logits, "labels")


@pytest.mark.parametrize("k", [2.5, 0, True, "2", None])
def test_numbers_of_classes_are_whole(k):
    with pytest.raises(ValueError, match="top_k: k is a whole number from 1"):
        TopK(k)


# --- beside scikit-learn --------------------------------------------------------------------------


def _rounded(random, n, classes):
    """Probabilities with many equal ones, in float64, float32 or float16, not all of them 1 in all."""
    p = random.random((n, classes)) + 1e-3
    p = (p / p.sum(1, keepdims=True)).round(int(random.integers(1, 4)))
    return p.astype([np.float64, np.float32, np.float16][random.integers(3)])


@pytest.mark.parametrize("salt", range(40))
def test_ties_and_weights_beside_scikit_learn(salt):
    """The same numbers but for the order of sums; of equal scores the first class is the likelier in
    both, except in scikit-learn's top k, where it is the last."""
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    random = generator(21, 100 + salt)
    n, classes = int(random.integers(8, 120)), int(random.integers(2, 6))
    p = _rounded(random, n, classes)
    y = np.r_[np.arange(classes), random.integers(0, classes, n - classes)]
    w = random.random(n).astype(np.float32) if salt % 2 else None
    wide, call = p.astype(np.float64), {"sample_weight": w}
    near = partial(pytest.approx, rel=1e-12, abs=1e-15)
    if classes == 2:
        wanted = sk.roc_auc_score(y, wide[:, 1], **call)
        assert measured(AUC(), p[:, 1], y, w) == near(wanted)
    else:
        each = [sk.roc_auc_score(y == c, wide[:, c], **call) for c in range(classes)]
        wanted = np.mean(each)
    assert measured(AUC(), p, y, w) == near(wanted)
    found, likeliest = measured(ConfusionMatrix(), p, y, w), wide.argmax(1)
    assert np.array(found.tolist()) == near(sk.confusion_matrix(y, likeliest, **call))
    for average in ("macro", "weighted", "micro"):
        wanted = sk.f1_score(y, likeliest, average=average, **call)
        assert measured(F1(average), p, y, w) == near(wanted)
    assert measured(Accuracy(), p, y, w) == near(sk.accuracy_score(y, likeliest, **call))
    mirrored, labels = wide[:, ::-1], list(range(classes))
    for k in range(1, classes):
        if classes > 2:
            wanted = sk.top_k_accuracy_score(classes - 1 - y, mirrored, k=k, labels=labels, **call)
            assert measured(TopK(k), p, y, w) == near(wanted)
    logits = (8 * wide).astype(np.float32)
    e = np.exp(logits.astype(np.float64))
    wanted = np.exp(sk.log_loss(y, e / e.sum(1, keepdims=True), labels=labels, **call))
    assert measured(Perplexity(), logits, y, w) == pytest.approx(wanted, rel=1e-6)


def test_probabilities_and_logits_of_two_classes():
    """Where rows are probabilities, but for their last decimal, the second says the order."""
    p, y = np.array([[0.33, 0.66], [0.34, 0.66], [0.5, 0.5], [0.125, 0.875]]), [1, 0, 0, 1]
    assert measured(AUC(), p, np.array(y)) == 0.875
    logits = np.array([[0.0, 0.66], [2.0, 1.0], [0.5, 0.5], [0.1, 0.9]])
    assert measured(AUC(), logits, np.array(y)) == 1
    assert measured(AUC(), logits[:, 1], np.array(y)) == 0.5


@pytest.mark.parametrize("metric", [AUC, F1, Accuracy, lambda: TopK(2), Perplexity])
def test_of_nothing_and_of_one_class(metric):
    empty = metric()
    empty.update(mx.zeros((0, 3)), mx.zeros((0,), mx.int32))
    assert math.isnan(empty.compute())
    p, y = np.full((4, 3), 1 / 3, np.float32), np.full(4, 1)
    one = measured(metric(), p, y)
    empty.update(mx.array(p), mx.array(y))
    empty.update(mx.zeros((0, 3)), mx.zeros((0,), mx.int32))
    assert math.isnan(one) if metric is AUC else empty.compute() == one


def test_perplexity_beyond_float32():
    logits = mx.array([[0.0, 200.0], [0.0, 200.0]])
    assert measured(Perplexity(), logits, np.zeros(2, int)) == pytest.approx(
        math.exp(200), rel=1e-6
    )
    assert measured(Perplexity(), 5 * logits, np.zeros(2, int)) == math.inf
