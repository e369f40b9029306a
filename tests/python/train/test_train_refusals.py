"""What a trainer refuses has trained nothing: model, optimizer and what waits are as before."""

import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.train import (
    EMA,
    Callback,
    Checkpoint,
    EarlyStopping,
    LearningRateMonitor,
    Mean,
    NonFiniteLoss,
    TimeLimit,
    Trainer,
    checkpoint,
)
from mlx.utils import tree_flatten

from test_train_trainer import batches, mlp, same, task, weighted, weights


def arrays(trainer):
    """All that a step changes, by name."""
    model, state = trainer.model.parameters(), trainer.optimizer.state
    trees = {"model": model, "state": state, "sums": trainer.steps.sum}
    trees["random"] = mx.random.state[0]
    return {name: np.array(x) for name, x in dict(tree_flatten(trees)).items()}


def unchanged(trainer, before):
    now = arrays(trainer)
    assert now.keys() == before.keys()
    for name, was in before.items():
        np.testing.assert_array_equal(now[name], was, err_msg=name)


def made(kind, **options):
    model = mlp(norm=True, dropout=0.1)
    loss = nn.losses.cross_entropy
    forward = weighted if kind == "weight" else None
    return Trainer(model, loss, optim.Adam(0.1), forward=forward, **options)


def good(kind):
    x, y = task(8)
    return (x, y, np.ones(8, np.float32)) if kind == "weight" else (x, y)


def bad(kind):
    parts = [part.copy() for part in good(kind)]
    parts[{"loss": 0, "label": 1, "weight": 2}[kind]][3] = {"loss": np.nan}.get(kind, -1)
    return tuple(parts)


@pytest.mark.parametrize("kind", ["label", "weight", "loss"])
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_refused_batch_changes_nothing(kind, accumulate, compiled):
    trainer = made(kind, accumulate=accumulate, compile=compiled)
    for _ in range(3):
        trainer.step(good(kind))
    before, counts = arrays(trainer), (trainer.global_step, trainer.waiting)
    assert counts == (3 // accumulate, 3 % accumulate)
    with pytest.raises((ValueError, NonFiniteLoss)):
        trainer.step(bad(kind))
    unchanged(trainer, before)
    assert counts == (trainer.global_step, trainer.waiting)
    assert trainer.optimizer.step.item() == trainer.global_step
    trainer.step(good(kind))
    assert trainer.global_step == 4 // accumulate
    assert all(np.isfinite(w).all() for w in weights(trainer.model).values())


@pytest.mark.parametrize("on_nan", ["skip", "ignore"])
def test_labels_are_refused_whatever_becomes_of_nan(on_nan):
    trainer = made("label", on_nan=on_nan)
    trainer.step(good("label"))
    before = arrays(trainer)
    with pytest.raises(ValueError, match="a label is -1, the model has 3 classes"):
        trainer.step(bad("label"))
    unchanged(trainer, before)


def test_a_step_of_gradients_that_are_not_finite():
    """Each batch is, their sum is not: the step is not taken."""
    model = nn.Linear(1, 1, bias=False)
    options = {"accumulate": 2, "compile": False}
    trainer = Trainer(model, lambda p, t: (p * t).sum(-1), optim.SGD(1e-38), **options)
    batch = mx.array([[1.0]]), mx.array([[3e38]])
    model.weight = mx.array([[1e-3]])
    trainer.step(batch)
    with pytest.raises(NonFiniteLoss, match="the gradient norm is inf .step 1, batch 1"):
        trainer.step(batch)
    assert model.weight.item() == np.float32(1e-3)
    assert (trainer.global_step, trainer.waiting, trainer.optimizer.step.item()) == (0, 0, 0)


def test_layers_that_keep_what_they_saw():
    """What is new or of another shape after a step has nothing that it could be again."""

    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 3)

        def __call__(self, x):
            self.seen = mx.stop_gradient(self.inner(x))
            return self.seen + 0 * self.inner(x)

    x, y = task(24)
    for compiled in (False, True):
        trainer = Trainer(Keeps(), nn.losses.cross_entropy, optim.SGD(0.1), compile=compiled)
        trainer.fit([(x[:8], y[:8]), (x[8:], y[8:])])
        assert trainer.global_step == 2


def test_labels_of_few_bits():
    """255 is the largest uint8, and one of a thousand classes."""
    labels = np.array([0, 255], np.uint8)
    model, x = nn.Linear(2, 1000), np.ones((2, 2), np.float32)
    plain = nn.losses.cross_entropy(model(mx.array(x)), mx.array(labels, mx.int32)).mean().item()
    trainer = Trainer(model, nn.losses.cross_entropy, optim.SGD(0.1))
    assert trainer.step((x, labels))["loss"] == pytest.approx(plain, rel=1e-6)
    few = Trainer(nn.Linear(2, 255), nn.losses.cross_entropy, optim.SGD(0.1))
    with pytest.raises(ValueError, match="a label is 255, the model has 255 classes"):
        few.step((x, labels))


def test_errors_say_in_which_batch():
    x, y = task(8)
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1))
    with pytest.raises(ValueError, match=r"\(step 2, batch 2 of epoch 1\)$"):
        trainer.fit([(x, y), (x[:, :1], y)])
    for wrong in ((x[:, :1], y), (x, y + 3)):
        with pytest.raises(ValueError, match=r"\(batch 2 to evaluate\)$"):
            trainer.evaluate([(x, y), wrong])


# --- steps of several batches ---------------------------------------------------------------------


def test_steps_alone_of_several_batches():
    x, y = task(32)
    whole, parts = mlp(), mlp()
    Trainer(whole, nn.losses.cross_entropy, optim.SGD(0.1)).step((x, y))
    trainer = Trainer(parts, nn.losses.cross_entropy, optim.SGD(0.1), accumulate=2)
    first = trainer.step((x[:16], y[:16]))
    assert "gradient_norm" not in first and trainer.waiting == 1
    second = trainer.step((x[16:], y[16:]))
    assert second["gradient_norm"] > 0 and second["count"] == 32
    same(whole, parts, rtol=1e-5, atol=1e-7)
    trainer.step((x, y))
    trainer.fit([(x[:16], y[:16])] * 8)
    assert trainer.global_step == 6  # one before, nine batches in five


def test_stopping_waits_for_the_step(tmp_path):
    class Stop(Callback):
        def on_epoch_begin(self, trainer):
            trainer.stop("it is enough")

    callbacks = [Stop(), Checkpoint(tmp_path)]
    options = {"accumulate": 2, "callbacks": callbacks}
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), **options)
    trainer.fit(batches(), epochs=2)
    assert (trainer.global_step, trainer.batch, trainer.waiting) == (1, 2, 0)
    assert (tmp_path / "last.safetensors").exists()
    x, y = task(8)
    trainer.batch = 0
    with pytest.raises(ValueError, match="a label is 9"):  # and not that gradients wait
        trainer.fit([(x, y), (x, np.full_like(y, 9))], epochs=2)
    assert math.isfinite(trainer.step((x, y))["loss"])


# --- files, rates, predictions --------------------------------------------------------------------


def test_a_file_is_gone_on_from_or_refused(tmp_path):
    x, y = task(8)
    path = tmp_path / "weights.gguf"
    path.write_bytes(b"GGUF and no checkpoint")
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1))
    with pytest.raises(ValueError, match="weights.gguf is no checkpoint"):
        trainer.fit([(x, y)], resume=path)
    assert trainer.global_step == 0


def test_a_checkpoint_of_another_model_is_not_written_over(tmp_path):
    x, y = task(8)

    def trainer(model):
        return Trainer(
            model, nn.losses.cross_entropy, optim.SGD(0.1), callbacks=[Checkpoint(tmp_path)]
        )

    first = trainer(mlp())
    first.fit([(x, y)])
    first.fit([(x, y)], epochs=2)
    kept = (tmp_path / "last.safetensors").read_bytes()
    with pytest.raises(ValueError, match="another model: .* It would be written over"):
        trainer(mlp(norm=True)).fit([(x, y)])
    assert (tmp_path / "last.safetensors").read_bytes() == kept
    trainer(mlp()).fit([(x, y)])  # the same model begins anew
    other = mlp(dropout=0.5)
    trainer(other).fit([(x, y)], epochs=2, resume=tmp_path, other=["model"])
    mx.save_safetensors(str(tmp_path / "last.safetensors"), {"x": mx.zeros(1)})
    with pytest.raises(ValueError, match="is no checkpoint: .* It would be written over"):
        trainer(mlp()).fit([(x, y)])


def test_the_best_of_another_model_is_not_written_over(tmp_path):
    x, y = task(8)
    best = tmp_path / "best.safetensors"

    def fit(model, monitor="loss", **options):
        keep = Checkpoint(tmp_path, monitor=monitor)
        trainer = Trainer(model, nn.losses.cross_entropy, optim.SGD(0.1), callbacks=[keep])
        return trainer.fit([(x, y)], **options)

    mx.save_safetensors(str(best), {"x": mx.zeros(1)})
    kept = best.read_bytes()
    with pytest.raises(ValueError, match="best.safetensors is no checkpoint: .* be written over"):
        fit(mlp())
    fit(mlp(), monitor=None)
    assert best.read_bytes() == kept
    best.unlink()
    fit(mlp())
    (tmp_path / "last.safetensors").rename(tmp_path / "other.safetensors")
    kept = best.read_bytes()
    with pytest.raises(ValueError, match="best.safetensors is of another model: .* written over"):
        fit(mlp(norm=True))
    assert best.read_bytes() == kept
    (tmp_path / "other.safetensors").rename(tmp_path / "last.safetensors")
    going_on = {"resume": tmp_path, "other": ["model", "callbacks"]}
    assert len(fit(mlp(dropout=0.5), epochs=2, **going_on)) == 2


def test_a_checkpoint_without_the_states_of_its_callbacks(tmp_path):
    x, y = task(8)
    path = tmp_path / "last.safetensors"
    options = {"callbacks": [Checkpoint(tmp_path)]}
    Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), **options).fit([(x, y)])
    found, about = checkpoint.read(path)
    mx.eval(found)
    checkpoint.write(path, found, {**about, "callbacks": []})
    for other in ([], ["callbacks"]):
        again = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), **options)
        with pytest.raises(ValueError, match="states of 0 callbacks and the names of 1"):
            again.load(path, other=other)


def rates_of(optimizer):
    x, y = task(8)
    callbacks = [LearningRateMonitor()]
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optimizer, callbacks=callbacks)
    row = trainer.fit([(x, y)] * 3)[-1]
    return {name: value for name, value in row.items() if "rate" in name}


def test_rates_of_all_optimizers():
    def several(*rules):
        return optim.MultiOptimizer(list(rules), [lambda name, _: "bias" in name])

    assert rates_of(optim.Adafactor()) == {"learning_rate": pytest.approx(1e-2)}
    warm = rates_of(optim.Adafactor(warmup_init=True))
    assert warm == {"learning_rate": pytest.approx(3e-6)}
    own = rates_of(optim.Adafactor(0.5, relative_step=False))
    assert own == {"learning_rate": pytest.approx(0.5)}
    both = rates_of(several(optim.SGD(0.5), optim.Adafactor()))
    assert both == {"learning_rate_0": 0.5, "learning_rate_1": pytest.approx(1e-2)}
    with pytest.raises(ValueError, match="without relative_step a learning rate is needed"):
        optim.Adafactor(relative_step=False)

    class Own(optim.Optimizer):
        """A rule without a learning rate."""

    with pytest.raises(ValueError, match="Own has no learning rate"):
        rates_of(Own())


def test_predictions_are_computed_as_they_are_measured():
    x, y = task(32)
    measured = []

    def seen(prediction, target):
        measured.append(prediction)
        return prediction.sum(-1)

    options = {"compute_dtype": mx.bfloat16, "metrics": [Mean(seen)]}
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), **options)
    before = weights(trainer.model)
    trainer.evaluate([(x, y)])
    predicted = trainer.predict([(x, y)])
    assert predicted.dtype == mx.float32
    np.testing.assert_array_equal(np.array(predicted), np.array(measured[0]))
    assert (np.array(predicted) != np.array(trainer.model(mx.array(x)))).any()
    for name, kept in weights(trainer.model).items():
        np.testing.assert_array_equal(kept, before[name])


def test_callbacks_of_another_model(tmp_path):
    """A loop over folds or settings would go on from the best value and the average of the last."""
    x, y = task(8)

    def fit(model, *callbacks, epochs=2, **options):
        loss, optimizer = nn.losses.cross_entropy, optim.SGD(0.1)
        trainer = Trainer(model, loss, optimizer, callbacks=callbacks)
        return len(trainer.fit([(x, y)], epochs, **options))

    first = mlp()
    for one in (EarlyStopping("loss"), EMA(0.9), Checkpoint(tmp_path, monitor="loss")):
        assert fit(first, one) == 2
        other, name = mlp(), type(one).__name__
        before = weights(other)
        with pytest.raises(ValueError, match=f"{name} remembers the training of another model"):
            fit(other, one)
        for key, kept in weights(other).items():
            np.testing.assert_array_equal(kept, before[key])
        assert fit(first, one) == 2  # with another optimizer, say
    for one in (TimeLimit(100), Checkpoint(tmp_path / "plain"), EarlyStopping("loss")):
        for _ in range(2):
            assert fit(mlp(), one, epochs=0 if isinstance(one, EarlyStopping) else 2) < 3
    one = Checkpoint(tmp_path, monitor="loss")
    assert fit(mlp(), one, epochs=3, resume=tmp_path) == 3
    assert fit(mlp(), one, epochs=4, resume=tmp_path) == 4  # all that it knows is of the file


def test_predicted_classes_are_whole_numbers():
    x, y = task(8)
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), compute_dtype=mx.bfloat16)
    large = 2**24 + 1  # no number of float32
    found = trainer.predict([(x, y)], lambda model, batch: model(batch[0]).argmax(-1) + large)
    assert found.dtype == mx.uint32 and found.min().item() >= large
    found = trainer.predict([(x, y)], lambda model, batch: model(batch[0]) > 0)
    assert found.dtype == mx.bool_
    with pytest.raises(TypeError, match="to predict forward gives an array, not tuple"):
        trainer.predict([(x, y)], lambda model, batch: (model(batch[0]), batch[1]))


def test_batches_without_weight_are_counted():
    x, y = task(8)
    trainer = Trainer(mlp(), nn.losses.cross_entropy, optim.SGD(0.1), forward=weighted)
    some, none = np.ones(8, np.float32), np.zeros(8, np.float32)
    row = trainer.fit([(x, y, some), (x, y, none)])[0]
    assert row["without_weight"] == 1 and math.isfinite(row["loss"])
    row = trainer.fit([(x, y, none)], epochs=2)[1]
    assert row["without_weight"] == 1 and math.isnan(row["loss"])


def test_an_optimizer_of_another_model():
    optimizer, x = optim.Adam(0.1), mx.ones((4, 2))
    Trainer(nn.Linear(2, 3), nn.losses.mse_loss, optimizer).fit([(x, mx.ones((4, 3)))])
    other = nn.Linear(2, 1)  # to whose shape the state could be broadcast
    before = weights(other)
    refused = pytest.raises(ValueError, match="Adam has taken 1 steps of another model.*of its own")
    with refused:
        Trainer(other, nn.losses.mse_loss, optimizer).fit([(x, mx.ones((4, 1)))])
    optimizer._initialized = False
    with pytest.raises(ValueError, match=r"shape \(3, 2\), not \(1, 2\): each model has an optim"):
        optimizer.update(other, other.trainable_parameters())
    same = nn.Linear(2, 3)  # in whose shapes the state is
    with refused:
        Trainer(same, nn.losses.mse_loss, optimizer).step((x, mx.ones((4, 3))))
    for model, kept in ((other, before), (same, weights(same))):
        for name, array in weights(model).items():
            np.testing.assert_array_equal(array, kept[name])


def test_an_optimizer_is_of_the_model_it_trained(tmp_path):
    """Also in another trainer, and of the one whose checkpoint it took up; one that has taken no step
    is of any model."""
    x, y, loss = mx.ones((4, 2)), mx.ones((4, 1)), nn.losses.mse_loss
    several = optim.MultiOptimizer(
        [optim.Adam(0.1), optim.SGD(0.1)], [lambda name, _: name == "bias"]
    )
    for optimizer in (optim.Adam(0.1), several):
        first, second = nn.Linear(2, 1), nn.Linear(2, 1)
        Trainer(second, loss, optimizer).evaluate([(x, y)])
        one = Trainer(first, loss, optimizer)
        one.fit([(x, y)], 2)
        one.save(tmp_path / "a.safetensors")
        Trainer(first, loss, optimizer).fit([(x, y)], 1)
        other = Trainer(second, loss, optimizer)
        with pytest.raises(ValueError, match="has taken 3 steps of another model"):
            other.fit([(x, y)])
        assert len(other.fit([(x, y)], 3, resume=tmp_path / "a.safetensors")) == 3
        with pytest.raises(ValueError, match="has taken 3 steps of another model"):
            one.step((x, y))
        del first, one  # what is no more was another, too
        with pytest.raises(ValueError, match="of another model"):
            Trainer(nn.Linear(2, 1), loss, optimizer).fit([(x, y)])


@pytest.mark.parametrize("compiled", [True, False])
def test_targets_that_are_no_arrays(compiled):
    """A loss for each example says of how many it is; of one number the target has to."""
    x, y = task(20)
    parts = lambda model, batch: ({"a": model(batch[0])}, {"a": batch[1]})  # noqa: E731
    each = lambda p, t: nn.losses.cross_entropy(p["a"], t["a"])  # noqa: E731
    options = {"forward": parts, "compile": compiled}
    ours = Trainer(mlp(), each, optim.SGD(0.1), **options)
    assert ours.step((x, y))["loss"] > 0
    mean = Trainer(mlp(), lambda p, t: each(p, t).mean(), optim.SGD(0.1), **options)
    with pytest.raises(TypeError, match="no array but dict: give one for each example"):
        mean.step((x, y))
    floats = lambda model, batch: (model(batch[0]), 2.0)  # noqa: E731
    options["forward"] = floats
    with pytest.raises(TypeError, match="no array but float"):
        Trainer(mlp(), lambda p, t: (p - t).mean(), optim.SGD(0.1), **options).step((x, y))


def test_a_loss_of_complex_numbers():
    x, y = task(20)
    ours = Trainer(mlp(), lambda p, t: (p + 1j).sum(-1), optim.SGD(0.1))
    before = arrays(ours)
    with pytest.raises(TypeError, match="of real numbers, not of mlx.core.complex64"):
        ours.step((x, y))
    unchanged(ours, before)


@pytest.mark.parametrize("compiled", [True, False])
def test_parts_that_are_replaced(tmp_path, compiled):
    """What a trainer has from then on is what it trains with, and what its checkpoints say."""
    x, y = task(20)
    ours = Trainer(mlp(), nn.losses.cross_entropy, optim.Adam(0.1), compile=compiled)
    ours.fit([(x, y)])
    ours.optimizer, ours.loss = optim.SGD(0.5), lambda p, t: (p * p).sum(-1)
    ours.forward = lambda model, batch: (model(batch[0]) + 1, batch[1])
    theirs = mlp()
    theirs.update(ours.model.parameters())
    loss = lambda model: ((model(x) + 1) ** 2).sum(-1).mean()  # noqa: E731
    wanted, gradients = nn.value_and_grad(theirs, loss)(theirs)
    optim.SGD(0.5).update(theirs, gradients)
    assert ours.step((x, y))["loss"] == pytest.approx(wanted.item(), rel=1e-6)
    for name, found in tree_flatten(ours.model.parameters()):
        near = dict(tree_flatten(theirs.parameters()))[name]
        np.testing.assert_allclose(np.array(found), np.array(near), rtol=1e-5, atol=1e-6)
    ours.save(tmp_path / "a.safetensors")
    setup = checkpoint.read(tmp_path / "a.safetensors")[1]["setup"]
    assert setup["optimizer"]["the class"] == "SGD"
    with pytest.raises(ValueError, match="optimizer"):
        Trainer(mlp(), nn.losses.cross_entropy, optim.Adam(0.1)).load(tmp_path / "a.safetensors")
