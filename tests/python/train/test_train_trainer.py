"""The trainer: what it computes is what a loop of one's own computes, whatever it is told."""

import functools
import io
import math

import mlx.core as mx
import mlx.data as dx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.train import Callback, Checkpoint, History, Mean, NonFiniteLoss, Trainer, checkpoint
from mlx.train import sparkline
from mlx.utils import tree_flatten

from seeds import generator


def task(n=96, salt=0):
    """Points and the third of the plane that they lie in."""
    x = generator(31, salt).normal(size=(n, 2)).astype(np.float32)
    return x, ((np.arctan2(x[:, 1], x[:, 0]) / np.pi + 1) * 1.499).astype(np.int32)


def mlp(norm=False, dropout=0.0):
    mx.random.seed(5)
    layers = [nn.Linear(2, 16), *([nn.BatchNorm(16)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(16, 3))


def batches(size=16, n=96):
    x, y = task(n)
    return dx.buffer_from_arrays(x=x, y=y).shuffle(1).to_stream().batch(size)


def weights(model):
    return {name: np.array(p) for name, p in tree_flatten(model.parameters())}


def same(a, b, **tolerance):
    a, b = weights(a), weights(b)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], err_msg=name, **(tolerance or {"rtol": 0}))


def by_hand(model, optimizer, epochs=2, clip=None):
    """The same training, written out."""
    data = batches()
    step = nn.value_and_grad(model, lambda x, y: nn.losses.cross_entropy(model(x), y).mean())
    model.train()
    for epoch in range(epochs):
        for batch in data.reset(epoch):
            _, gradients = step(mx.array(batch["x"]), mx.array(batch["y"]))
            if clip:
                gradients, _ = optim.clip_grad_norm(gradients, clip)
            optimizer.update(model, gradients)
            mx.eval(model.parameters(), optimizer.state)


# --- what is computed -----------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("clip", [None, 0.3])
def test_a_loop_by_hand(compiled, clip):
    ours, theirs = mlp(norm=True), mlp(norm=True)
    trainer = Trainer(
        ours, nn.losses.cross_entropy, optim.Adam(1e-2), compile=compiled, clip_norm=clip
    )
    history = trainer.fit(batches(), 2)
    by_hand(theirs, optim.Adam(1e-2), clip=clip)
    same(ours, theirs, rtol=2e-5, atol=1e-6)
    assert [row["epoch"] for row in history] == [1, 2] and history["step"] == [6, 12]
    assert history["loss"][1] < history["loss"][0]


def test_compiled_and_not():
    results = []
    for compiled in (True, False):
        model = mlp(dropout=0.3)
        mx.random.seed(9)
        Trainer(model, nn.losses.cross_entropy, optim.SGD(0.1), compile=compiled).fit(batches(), 2)
        results.append(model)
    same(*results, rtol=2e-5, atol=1e-6)


def test_accumulated_batches_are_one_large_batch():
    small, large = mlp(), mlp()
    Trainer(small, nn.losses.cross_entropy, optim.Adam(1e-2), accumulate=3).fit(batches(16), 2)
    Trainer(large, nn.losses.cross_entropy, optim.Adam(1e-2)).fit(batches(48), 2)
    same(small, large, rtol=1e-4, atol=1e-6)
    rest = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), accumulate=4)
    rest.fit(batches(16), 1)  # 6 batches: 4 and 2
    assert rest.global_step == 2


def weighted(model, batch):
    return model(batch[0]), batch[1], batch[2]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_accumulated_batches_of_other_sizes(reduction, compiled):
    x, y = task(48)
    loss = functools.partial(nn.losses.cross_entropy, reduction=reduction)
    one, parts = mlp(), mlp()
    rows = Trainer(one, loss, optim.SGD(0.5)).fit([(x, y)], 2)
    cuts = [(x[a:b], y[a:b]) for a, b in ((0, 30), (30, 31), (31, 48))]
    trainer = Trainer(parts, loss, optim.SGD(0.5), accumulate=3, compile=compiled)
    found = trainer.fit(cuts, 2)
    same(one, parts, rtol=1e-4, atol=1e-6)
    assert found["loss"] == pytest.approx(rows["loss"], rel=1e-5) and trainer.global_step == 2


def test_accumulated_batches_of_other_weights():
    x, y = task(32)
    weight = np.where(np.arange(32) < 20, 1, 0) * np.linspace(0.5, 2, 32)
    weight = weight.astype(np.float32)
    one, parts = mlp(), mlp()
    options = {"forward": weighted}
    Trainer(one, nn.losses.cross_entropy, optim.SGD(0.5), **options).fit([(x, y, weight)])
    cuts = [(x[i : i + 8], y[i : i + 8], weight[i : i + 8]) for i in range(0, 32, 8)]
    trainer = Trainer(parts, nn.losses.cross_entropy, optim.SGD(0.5), accumulate=4, **options)
    trainer.fit(cuts)
    same(one, parts, rtol=1e-4, atol=1e-6)


def test_the_loss_of_a_step_is_of_all_its_batches():
    heard = []

    class Hear(Callback):
        def on_step_end(self, trainer, logs):
            heard.append((logs["loss"], logs["count"], "gradient_norm" in logs))

    x, y = task(40)
    cuts = [(x[a:b], y[a:b]) for a, b in ((0, 9), (9, 12), (12, 40))]
    options = {"accumulate": 2, "callbacks": [Hear()]}
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.0), **options)
    trainer.fit(cuts)
    losses = nn.losses.cross_entropy(mlp()(mx.array(x)), mx.array(y))
    wanted = [losses[:12].mean().item(), losses[12:].mean().item()]
    assert [loss for loss, _, _ in heard] == pytest.approx(wanted, rel=1e-5)
    assert [(count, norm) for _, count, norm in heard] == [(12, True), (28, True)]
    trainer.fit(cuts)  # its one epoch has ended
    assert len(heard) == 2
    trainer.fit(cuts, epochs=trainer.epoch + 1)
    assert len(heard) == 4


def test_accumulated_texts_of_other_lengths():
    tokens = generator(35).integers(0, 7, (2, 6, 9))

    def model():
        mx.random.seed(2)
        return nn.Sequential(nn.Embedding(7, 8), nn.Linear(8, 7))

    def forward(net, batch):
        return net(batch[:, :-1]), batch[:, 1:]

    def padded(net, batch):
        weight = mx.arange(8) < mx.array([[8]] * 6 + [[3]] * 6)
        return *forward(net, batch), weight

    one, parts = model(), model()
    both = np.concatenate(tokens)
    Trainer(one, nn.losses.cross_entropy, optim.SGD(1.0), forward=padded).fit([both])
    options = {"forward": forward, "accumulate": 2}
    trainer = Trainer(parts, nn.losses.cross_entropy, optim.SGD(1.0), **options)
    trainer.fit([tokens[0], tokens[1, :, :4]])
    same(one, parts, rtol=1e-4, atol=1e-6)


def test_mixed_precision():
    seen = []

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = mlp(norm=True)

        def __call__(self, x):
            y = self.inner(x)
            seen.append((x.dtype, self.inner.layers[0].weight.dtype, y.dtype))
            return y

    model = Model()
    trainer = Trainer(
        model,
        nn.losses.cross_entropy,
        optim.Adam(1e-2),
        compute_dtype=mx.bfloat16,
        metrics=["accuracy"],
    )
    trainer.fit(batches(), 10)
    assert seen[0][:2] == (mx.bfloat16, mx.bfloat16)
    assert {p.dtype for _, p in tree_flatten(model.parameters())} == {mx.float32}
    plain = mlp(norm=True)
    Trainer(plain, nn.losses.cross_entropy, optim.Adam(1e-2)).fit(batches(), 10)
    start, full, half = (
        Trainer(m, nn.losses.cross_entropy, optim.Adam(1e-2)).evaluate(batches())["loss"]
        for m in (mlp(norm=True), plain, model)
    )
    assert half == pytest.approx(full, abs=0.1 * (start - full))  # of what was learned
    assert trainer.predict(batches()).dtype == mx.float32


def squares(prediction, target):
    return nn.losses.mse_loss(prediction, target, reduction="none")


@pytest.mark.parametrize("dtype", [mx.bfloat16, mx.float16])
@pytest.mark.parametrize("form", [tuple, dict])
@pytest.mark.parametrize("compile", [True, False])
def test_targets_and_weights_are_not_rounded(dtype, form, compile):
    x, y, w = mx.zeros((2, 1)), mx.array([[3003.0], [4.0]]), mx.array([[1.0001], [8191.0]])
    model = nn.Linear(1, 1)
    model.bias = mx.array([2.0])
    wanted = (1.0001 * 3001.0**2 + 8191 * 4) / 8192.0001
    batch = {"x": x, "y": y, "w": w} if form is dict else (x, y, w)
    options = {"compute_dtype": dtype, "compile": compile, "metrics": [Mean(squares, "mean")]}

    def parts(model, batch):
        x, y, w = batch.values() if form is dict else batch
        return model(x), y, w

    trainer = Trainer(model, squares, optim.SGD(0.0), forward=parts, **options)
    found = trainer.evaluate([batch])
    assert found["loss"] == pytest.approx(wanted, rel=1e-6)
    assert found["mean"] == pytest.approx(wanted, rel=1e-6)
    assert trainer.step(batch)["count"] == np.float32(8192.0001)
    plain = Trainer(model, nn.losses.mse_loss, optim.SGD(0.0), compute_dtype=dtype)
    batch = {"x": x, "y": y} if form is dict else (x, y)
    assert plain.step(batch)["loss"] == pytest.approx((3001.0**2 + 4) / 2, rel=1e-6)


@pytest.mark.parametrize("length", [None, 4])
@pytest.mark.parametrize("kind", ["itself", "behind it", "a function"])
def test_the_data_of_the_training_are_evaluated_in_its_middle(tmp_path, length, kind):
    def fit(look):
        class Look(Callback):
            def on_step_end(self, trainer, logs):
                if look and trainer.global_step % 3 == 1:
                    trainer.evaluate(other)
                    trainer.predict(other, lambda model, batch: model(batch["x"])[:1])

            def on_epoch_end(self, trainer, logs):
                self.on_step_end(trainer, logs)

        data = batches().shuffle(3, seed=2).prefetch(2, 2)
        other = {"itself": data, "behind it": data.take(2), "a function": lambda: data.reset(7)}[
            kind
        ]
        folder = tmp_path / str(look)
        callbacks = [Look(), Checkpoint(folder, every_steps=1)]
        trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), callbacks=callbacks)
        trainer.fit(data, 3, steps_per_epoch=length)
        about = checkpoint.read(folder / "last.safetensors")[1]
        return trainer, about["data"]

    (plain, place), (looking, place_then) = fit(False), fit(True)
    assert looking.global_step == plain.global_step == 3 * (length or 6)
    same(looking.model, plain.model)
    assert looking.history.rows == plain.history.rows and place_then == place


@pytest.mark.parametrize("compile", [True, False])
def test_what_callbacks_freeze_and_set_counts(compile):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.scale = mlp(), 0.0

        def __call__(self, x):
            return self.inner(x) * self.scale

    found = []

    class Change(Callback):
        def on_epoch_begin(self, trainer):
            model.scale = float(trainer.epoch)
            if trainer.epoch == 2:
                model.inner.layers[0].unfreeze()

        def on_step_end(self, trainer, logs):
            found.append(weights(model))
            if trainer.global_step == 16:
                model.inner.layers[3].freeze()

    model = Scaled()
    model.inner.layers[0].freeze()
    options = {"compile": compile, "callbacks": [Change()]}
    trainer = Trainer(model, nn.losses.cross_entropy, optim.Adam(0.01), **options)
    losses = trainer.fit(batches(), 3)["loss"]
    assert losses[0] == pytest.approx(math.log(3)) and losses[1] != losses[0]
    changed = {name: [] for name in found[0]}
    for before, after in zip(found, found[1:]):
        for name in changed:
            changed[name].append(not np.array_equal(before[name], after[name]))
    # Of 18 steps the first six see a scale of 0.
    assert changed["inner.layers.0.weight"] == [False] * 11 + [True] * 6
    assert changed["inner.layers.3.weight"] == [False] * 5 + [True] * 10 + [False] * 2


@pytest.mark.parametrize("compile", [True, False])
def test_layers_that_do_not_train_stay_so(compile):
    """A network of which some layers are as they were, statistics included."""

    class Wake(Callback):
        def on_epoch_begin(self, trainer):
            if trainer.epoch == 2:
                model.layers[1].train()

    def statistics():
        return np.array(model.layers[1].running_mean)

    model = mlp(norm=True)
    model.layers[1].eval()
    trainer = Trainer(
        model, nn.losses.cross_entropy, optim.SGD(0.1), callbacks=[Wake()], compile=compile
    )
    before = statistics()
    trainer.fit(batches(), 2, validation=batches())
    trainer.evaluate(batches())
    trainer.predict(batches())
    assert np.array_equal(before, statistics())
    assert [layer.training for layer in model.layers] == [True, False, True, True, True]
    trainer.fit(batches(), 3)
    assert not np.array_equal(before, statistics())
    model.eval()
    trainer.fit(batches(), 4)
    assert model.training and model.layers[1].training


@pytest.mark.parametrize("when", ["on_validation_begin", "on_validation_end"])
def test_an_evaluation_within_another(when):
    found, model, plain = [], mlp(dropout=0.5), mlp(dropout=0.5)

    def other(trainer):
        if not found:
            found.append(None)
            found[0] = trainer.evaluate(batches(n=32))
        assert not model.training

    callback = Callback()
    setattr(callback, when, other)
    options = {"metrics": ["accuracy", "auc"]}
    wanted = Trainer(plain, nn.losses.cross_entropy, optim.SGD(0.1), **options)
    trainer = Trainer(
        model, nn.losses.cross_entropy, optim.SGD(0.1), callbacks=[callback], **options
    )
    assert trainer.evaluate(batches()) == wanted.evaluate(batches())
    assert found == [wanted.evaluate(batches(n=32))] and model.training


def test_frozen_parameters_stay():
    model = mlp()
    model.layers[0].freeze()
    before = weights(model)
    Trainer(model, nn.losses.cross_entropy, optim.Adam(1e-2)).fit(batches(), 1)
    after = weights(model)
    assert np.array_equal(before["layers.0.weight"], after["layers.0.weight"])
    assert not np.array_equal(before["layers.3.weight"], after["layers.3.weight"])
    model.freeze()
    with pytest.raises(ValueError, match="no parameters that are trained"):
        Trainer(model, nn.losses.cross_entropy, optim.SGD(0.1)).fit(batches(), 1)


def test_several_optimizers_and_schedules():
    model = mlp()
    both = optim.MultiOptimizer(
        [optim.SGD(0.1), optim.Adam(optim.cosine_decay(1e-2, 20))], [lambda name, _: "bias" in name]
    )
    history = Trainer(model, nn.losses.cross_entropy, both).fit(batches(), 8)
    assert history["loss"][-1] < history["loss"][0]


# --- what batches are -----------------------------------------------------------------------------


def test_batches_of_all_kinds():
    x, y = task()
    pairs = [(x[i : i + 16], y[i : i + 16]) for i in range(0, 96, 16)]
    named = [{"x": a, "y": b, "names": ["a"] * 16} for a, b in pairs]
    results = []
    for data in (pairs, lambda: iter(pairs), [list(p) for p in pairs], named):
        model = mlp()
        trainer = Trainer(model, nn.losses.cross_entropy, optim.SGD(0.1))
        assert len(trainer.fit(data, 2)) == 2
        results.append(model)
    for other in results[1:]:
        same(results[0], other)
    buffer = dx.buffer_from_arrays(x=x, y=y).batch(16)
    model = mlp()
    Trainer(model, nn.losses.cross_entropy, optim.SGD(0.1)).fit(buffer, 2)
    same(results[0], model)


def test_forward_and_weights():
    """A sequence model with padding: positions of weight 0 teach nothing."""
    random = generator(33)
    tokens = random.integers(1, 7, (12, 9))
    lengths = random.integers(3, 10, 12)
    padded = np.where(np.arange(9) < lengths[:, None], tokens, 0)

    def model():
        mx.random.seed(2)
        return nn.Sequential(nn.Embedding(7, 8), nn.Linear(8, 7))

    def forward(net, batch):
        t = batch["tokens"]
        weight = (mx.arange(8) < batch["length"][:, None] - 1).astype(mx.float32)
        return net(t[:, :-1]), mx.where(weight > 0, t[:, 1:], -1), weight

    data = [{"tokens": padded, "length": lengths}]
    one = Trainer(
        model(), nn.losses.cross_entropy, optim.SGD(1.0), forward=forward, metrics=["perplexity"]
    )
    value = one.evaluate(data)
    total, count = 0.0, 0
    for row, n in zip(tokens, lengths):
        logits = one.model(mx.array(row[: n - 1])[None])[0]
        total += nn.losses.cross_entropy(logits, mx.array(row[1:n]), reduction="sum").item()
        count += n - 1
    assert value["loss"] == pytest.approx(total / count, rel=1e-5)
    assert value["perplexity"] == pytest.approx(math.exp(total / count), rel=1e-5)
    assert one.fit(data, 20)["loss"][-1] < value["loss"]
    whole = Trainer(model(), lambda p, t: mx.array(1.0), optim.SGD(1.0), forward=forward)
    with pytest.raises(ValueError, match="a loss for each example"):
        whole.fit(data, 1)


@pytest.mark.parametrize("odd", [-1.0, math.nan, math.inf])
@pytest.mark.parametrize("on_nan", ["stop", "skip", "ignore"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_weights_are_numbers_from_0(odd, on_nan, accumulate):
    x, y = task(8)
    model = mlp()
    trainer = Trainer(
        model,
        nn.losses.cross_entropy,
        optim.SGD(0.1),
        forward=weighted,
        on_nan=on_nan,
        accumulate=accumulate,
    )
    weight = np.ones(8, np.float32)
    trainer.fit([(x, y, weight), (x, y, weight * 0)])
    weight[3] = odd
    words = f"a weight is {odd}, not a number from 0 .step {2 // accumulate + 1}, batch 1"
    with pytest.raises(ValueError, match=words):
        trainer.fit([(x, y, weight)], epochs=2)
    with pytest.raises(ValueError, match=f"a weight is {odd}, not a number from 0"):
        trainer.evaluate([(x, y, weight)])


def test_epochs_of_a_given_length():
    counted = []

    class Count(Callback):
        def on_step_end(self, trainer, logs):
            counted.append(trainer.epoch)

    x, y = task()
    endless = dx.buffer_from_arrays(x=x, y=y).shuffle(0).to_stream().repeat().batch(16)
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), callbacks=[Count()])
    trainer.fit(endless, 3, steps_per_epoch=4)
    assert counted == [0] * 4 + [1] * 4 + [2] * 4
    a, b = mlp(), mlp()
    Trainer(a, nn.losses.cross_entropy, optim.SGD(0.1)).fit(batches(), 4, steps_per_epoch=3)
    Trainer(b, nn.losses.cross_entropy, optim.SGD(0.1)).fit(batches(), 2)
    same(a, b)


# --- evaluation -----------------------------------------------------------------------------------


def test_evaluate_and_predict():
    model = mlp(norm=True, dropout=0.5)
    trainer = Trainer(
        model,
        nn.losses.cross_entropy,
        optim.Adam(2e-2),
        metrics=["accuracy", "confusion_matrix", Mean(nn.losses.cross_entropy, "entropy")],
    )
    history = trainer.fit(batches(), 30, validation=batches(25))
    assert history[-1]["val_accuracy"] > 0.8 and model.training
    x, y = task()
    model.eval()
    logits = np.array(model(mx.array(x)))
    model.train()
    found = trainer.evaluate(batches(25))
    wanted = nn.losses.cross_entropy(mx.array(logits), mx.array(y)).mean().item()
    assert (
        found["loss"]
        == pytest.approx(wanted, rel=1e-5)
        == pytest.approx(found["entropy"], rel=1e-5)
    )
    assert found["accuracy"] == pytest.approx((logits.argmax(1) == y).mean())
    assert sum(map(sum, found["confusion_matrix"])) == 96
    plain = dx.buffer_from_arrays(x=x).batch(40)
    np.testing.assert_allclose(trainer.predict(plain), logits, rtol=1e-5, atol=1e-6)
    doubled = trainer.predict([x[:5]], forward=lambda m, b: 2 * m(b))
    np.testing.assert_allclose(doubled, 2 * logits[:5], rtol=1e-5, atol=1e-6)
    assert model.training


def test_measures_know_the_loss():
    x = generator(34).normal(size=(80, 4)).astype(np.float32)
    truth = (x[:, 0] + 0.5 * x[:, 1] > 0).astype(np.float32)

    def trained(loss, last=lambda v: v[:, 0], y=truth, out=1):
        mx.random.seed(3)
        model = nn.Sequential(nn.Linear(4, out), last)
        t = Trainer(model, loss, optim.SGD(0.05), metrics=["accuracy", "f1", "auc"])
        t.fit([(x, y)], 5)
        return t.evaluate([(x, y)]), np.array(model(mx.array(x)))

    found, logits = trained(nn.losses.binary_cross_entropy)
    assert found["accuracy"] == pytest.approx(((logits > 0) == truth).mean())
    assert ((logits > 0) != (logits > 0.5)).any()
    found, p = trained(
        functools.partial(nn.losses.binary_cross_entropy, with_logits=False),
        lambda v: mx.sigmoid(v[:, 0]),
    )
    assert found["accuracy"] == pytest.approx(((p > 0.5) == truth).mean())
    labels = x[:, :3].argmax(1)
    rows = np.eye(3, dtype=np.float32)[labels]
    found, scores = trained(nn.losses.cross_entropy, lambda v: v, rows, 3)
    assert found["accuracy"] == pytest.approx((scores.argmax(1) == labels).mean())
    assert found == pytest.approx(trained(nn.losses.cross_entropy, lambda v: v, labels, 3)[0])
    several = np.stack([truth, 1 - truth, x[:, 2] > 0], 1).astype(np.float32)
    found, scores = trained(nn.losses.binary_cross_entropy, lambda v: v, several, 3)
    assert found["accuracy"] == pytest.approx(((scores > 0) == several).mean())
    with pytest.raises(ValueError, match="does not say what scores of two classes are"):
        trained(lambda p, t: nn.losses.binary_cross_entropy(p, t))


def test_a_step_alone():
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1))
    x, y = task()
    first, second = trainer.step((x, y)), trainer.step((x, y))
    assert second["loss"] < first["loss"] and first["gradient_norm"] > 0 and first["finite"]


# --- what is refused ------------------------------------------------------------------------------


def nan_data():
    x, y = task()
    pairs = [(x[i : i + 16].copy(), y[i : i + 16]) for i in range(0, 96, 16)]
    pairs[2][0][3, 0] = np.nan
    return pairs


def test_nan_stops_before_anybody_hears_of_it():
    heard = []

    class Hear(Callback):
        def on_step_end(self, trainer, logs):
            heard.append(logs["loss"])

    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), callbacks=[Hear()])
    with pytest.raises(NonFiniteLoss, match=r"the loss is nan \(step 3, batch 3 of epoch 1\)"):
        trainer.fit(nan_data(), 1)
    assert len(heard) == 2


@pytest.mark.parametrize("accumulate", [1, 2])
def test_nan_is_skipped(accumulate):
    model = mlp(norm=True)
    options = {"on_nan": "skip", "accumulate": accumulate}
    trainer = Trainer(model, nn.losses.cross_entropy, optim.Adam(1e-2), **options)
    history = trainer.fit(nan_data(), 2)
    assert history[-1]["skipped"] == 1 and math.isfinite(history[-1]["loss"])
    assert all(np.isfinite(w).all() for w in weights(model).values())
    without = mlp(norm=True)
    kept = [pair for i, pair in enumerate(nan_data()) if i != 2]
    if accumulate == 1:
        Trainer(without, nn.losses.cross_entropy, optim.Adam(1e-2)).fit(kept, 2)
        same(model, without, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_step_without_the_part_that_is_nan(compiled):
    x, y = task(96)
    nan = np.full_like(x[:40], np.nan), y[:40]
    fine = [(x[:48], y[:48]), (x[48:80], y[48:80]), (x[80:], y[80:])]
    model, without = mlp(norm=True), mlp(norm=True)
    options = {"on_nan": "skip", "accumulate": 2, "compile": compiled}
    trainer = Trainer(model, nn.losses.cross_entropy, optim.SGD(0.1, momentum=0.9), **options)
    history = trainer.fit([fine[0], nan, nan, nan, *fine[1:]])
    assert history[0]["skipped"] == 3
    plain = Trainer(without, nn.losses.cross_entropy, optim.SGD(0.1, momentum=0.9), accumulate=2)
    Trainer(without, nn.losses.cross_entropy, plain.optimizer).fit(fine[:1])
    plain.fit(fine[1:])
    same(model, without, rtol=1e-5, atol=1e-7)
    assert trainer.optimizer.step.item() == 2  # of the part alone, and of the last two


def both_kinds():
    rate = optim.cosine_decay(1e-2, 20)
    rules = [optim.SGD(0.1, momentum=0.9), optim.Adam(rate)]
    return optim.MultiOptimizer(rules, [lambda name, _: "bias" in name])


def test_several_optimizers_skip_and_go_on(tmp_path):
    model, without = mlp(), mlp()
    trainer = Trainer(model, nn.losses.cross_entropy, both_kinds(), on_nan="skip")
    trainer.fit(nan_data(), 2)
    kept = [pair for i, pair in enumerate(nan_data()) if i != 2]
    Trainer(without, nn.losses.cross_entropy, both_kinds()).fit(kept, 2)
    same(model, without, rtol=1e-5, atol=1e-7)
    trainer.save(tmp_path / "a.safetensors")
    again = Trainer(mlp(), nn.losses.cross_entropy, both_kinds(), on_nan="skip")
    again.load(tmp_path / "a.safetensors")
    for one in (trainer, again):
        one.fit(nan_data(), 4)
    same(model, again.model)
    assert again.history.rows == trainer.history.rows


def test_nan_is_ignored():
    model = mlp()
    trainer = Trainer(model, nn.losses.cross_entropy, optim.SGD(0.1), on_nan="ignore")
    row = trainer.fit(nan_data(), 1)[0]
    assert "skipped" not in row and row["not_finite"] >= 1
    assert not np.isfinite(weights(model)["layers.0.weight"]).all()


def test_refused():
    x, y = task()
    loss = nn.losses.cross_entropy

    def fit(data, epochs=1, **options):
        Trainer(mlp(), loss, optim.SGD(0.1), **options).fit(data, epochs)

    for call, words in [
        (lambda: fit([]), "no batch in epoch 1"),
        (lambda: fit(dx.buffer_from_vector([]).batch(2)), "no batch in epoch 1"),
        (lambda: fit(iter([(x, y)]), 2), "can be read once only"),
        (lambda: fit(3), "data are batches in a list or stream, not int"),
        (lambda: fit("text"), "not str"),
        (lambda: fit({"x": x, "y": y}), "not dict"),
        (lambda: fit(x), r"not an array of shape \(96, 2\)"),
        (lambda: fit((x, y)), r"not one array of shape \(96, 2\): give a list"),
        (lambda: fit([(x, y), None]), "not NoneType"),
        (lambda: fit(lambda: None), "the function of data gave NoneType"),
        (lambda: fit([(x, y)], 1.5), "epochs are a whole number from 0, not 1.5"),
        (lambda: fit([(x, y)], -1), "not -1"),
        (lambda: fit([(x, y.astype(np.float32))]), "numbers of classes, integers"),
        (lambda: fit([(x, y > 1)]), "numbers of classes, integers"),
        (lambda: fit([(x, y)], metrics="accuracy"), "metrics are a list, not str"),
        (lambda: fit([(x, y)], metrics=[5]), "a name or a function, not int"),
        (lambda: fit([(x, y)], callbacks=Callback()), "callbacks are a list"),
        (lambda: fit([(x, y)], callbacks=[Callback]), "type is no Callback"),
        (lambda: fit([(x, y)], compute_dtype="bfloat16"), "a floating dtype, not 'bfloat16'"),
        (lambda: fit([(x, y)], compute_dtype=mx.int32), "a floating dtype"),
        (lambda: fit([(x, y)], forward=3), "forward is a function, not int"),
        (lambda: fit([(x, y)], clip_norm="1"), "clip_norm is a positive number"),
        (lambda: Trainer(None, loss, optim.SGD(0.1)), "the model is no model: NoneType"),
        (lambda: Trainer(mlp(), loss, optim.SGD), "no optimizer: the class SGD"),
        (lambda: Trainer(mlp(), lambda p, t: None, optim.SGD(0.1)).step((x, y)), "gives an array"),
        (lambda: Trainer(mlp(), loss, optim.SGD(0.1)).predict(x), "data to predict are batches"),
        (
            lambda: Trainer(mlp(), loss, optim.SGD(0.1)).fit([(x, y)], steps_per_epoch=1.5),
            "not 1.5",
        ),
        (lambda: fit([(x, y + 1)]), r"a label is 3, the model has 3 classes \(step 1, batch 1 of"),
        (lambda: fit([(x, y - 1)]), "a label is -1"),
        (lambda: fit([x]), "inputs and targets"),
        (lambda: fit([{"a": x, "b": y, "c": y}]), r"not \['a', 'b', 'c'\]: say forward"),
        (lambda: fit(["text"]), "not str"),
        (lambda: fit([(x[:0], y[:0])]), "a batch without examples"),
        (lambda: fit([(x, y)], callbacks=[3]), "int is no Callback"),
        (lambda: Trainer(mlp(), "loss", optim.SGD(0.1)), "loss is a function, not str"),
        (lambda: fit([(x, y)], forward=lambda m, b: m(b[0])), "gives prediction, target"),
        (lambda: fit([(x, y)], accumulate=0), "accumulate"),
        (lambda: fit([(x, y)], clip_norm=0), "clip_norm"),
        (lambda: fit([(x, y)], on_nan="no"), "not 'no'"),
        (
            lambda: Trainer(nn.Linear(2, 1), lambda p, t: (p - t).square(), optim.SGD(0.1)).step(
                (x, x[:, 0])
            ),
            r"predictions \(96, 1\) and targets \(96,\) has the shape \(96, 96\)",
        ),
        (
            lambda: Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1)).evaluate([]),
            "nothing to evaluate",
        ),
        (
            lambda: Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1)).predict([]),
            "nothing to predict",
        ),
    ]:
        with pytest.raises((ValueError, TypeError), match=words):
            call()


def test_errors_of_data_come_through():
    x, y = task()
    data = dx.buffer_from_arrays(x=x, y=y).key_transform("x", lambda v: 1 / 0).to_stream()
    with pytest.raises(dx.SampleError, match="key_transform of sample 0: division by zero"):
        Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1)).fit(data.batch(4).prefetch(2, 2), 1)


def test_history(tmp_path, monkeypatch):
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.Adam(1e-2), metrics=["accuracy"])
    history = trainer.fit(batches(), 5, validation=batches(50))
    text = str(history)
    assert "val_accuracy" in text and "->" in text and any(b in text for b in "▁█")
    with pytest.raises(KeyError, match="no 'x' in the history"):
        history["x"]
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    history.plot(tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
    assert (tmp_path / "a.txt").read_text().strip() == text.strip()
    monkeypatch.undo()
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    history.plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_sparklines():
    assert sparkline([0, 1, 2, 3]) == "▁▃▆█"[:1] + sparkline([0, 1, 2, 3])[1:]
    assert len(sparkline(range(1000))) == 40 and sparkline([]) == ""
    assert sparkline([1, float("nan"), 2]) == "▁ █" and sparkline([5, 5]) == "▁▁"
    assert sparkline([float("inf")]) == " "


def test_lines_of_any_numbers():
    assert sparkline([1e308, -1e308, 0.0]) == "█▁▅"
    assert sparkline([0.0, 5e-324]) == "▁█" and sparkline([2.0, 2.0]) == "▁▁"


def test_rows_of_a_history():
    history = History([{"loss": 3.0}, {"loss": 2.0}, {"loss": 1.0}])
    assert history[1:] == [{"loss": 2.0}, {"loss": 1.0}] and history[:0] == []
