"""A checkpoint goes on in the training that it is of: what another one has in other ways is named."""

import mlx.core as mx
import mlx.data as dx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.train import EMA, Callback, Checkpoint, CSVLogger, EarlyStopping, TimeLimit, Trainer
from mlx.train import checkpoint

from seeds import generator
from test_train_callbacks import StopAt
from test_train_trainer import batches, task, weights


def usual(folder=None, *, model=None, optimizer=None, loss=None, keep=None, **options):
    """A trainer of which one thing may be other."""
    callbacks = [EMA(0.9), keep or EarlyStopping("loss", 50)]
    callbacks += [Checkpoint(folder, every_steps=2)] if folder else []
    return Trainer(
        model or attention(2),
        loss or nn.losses.cross_entropy,
        optimizer or optim.Adam(1e-2),
        callbacks=callbacks,
        **options,
    )


def attention(heads, activation=nn.relu):
    """A model whose settings cannot be seen in the shapes of its parameters."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(2, 8), nn.Linear(8, 3)
            self.attention, self.activation = nn.MultiHeadAttention(8, heads), activation

        def __call__(self, x):
            x = self.activation(self.first(x))[:, None]
            return self.last(self.attention(x, x, x))[:, 0]

    mx.random.seed(5)
    return Model()


def both(rate):
    return optim.MultiOptimizer([optim.SGD(0.1), optim.Adam(rate)], [lambda name, _: "b" in name])


OTHERS = [
    ("model", {"model": lambda: attention(4)}, "attention is .*num_heads=2.* there, .*num_heads=4"),
    ("model", {"model": lambda: attention(2, nn.gelu)}, "the model is .*=relu.* there, .*=gelu"),
    (
        "optimizer",
        {"optimizer": lambda: optim.Adam(2e-2)},
        "learning_rate is 0.01 there, 0.02 here",
    ),
    ("optimizer", {"optimizer": lambda: optim.Adam(1e-2, [0.8, 0.99])}, r"betas is \(0.9, 0.999\)"),
    ("optimizer", {"optimizer": lambda: optim.AdamW(1e-2)}, "the class is Adam there, AdamW here"),
    (
        "optimizer",
        {"optimizer": lambda: optim.Adam(optim.cosine_decay(1e-2, 50))},
        r"learning_rate is 0.01 there, \(0.01, .*\) in steps 0, 1, 10",
    ),
    (
        "loss",
        {"loss": lambda: lambda p, t: nn.losses.cross_entropy(p, t).mean()},
        "loss is cross_en",
    ),
    ("loss", {"forward": lambda: lambda m, b: (2 * m(b["x"]), b["y"])}, "forward is first_two"),
    ("options", {"clip_norm": lambda: 0.5}, "clip_norm is None there, 0.5 here"),
    ("options", {"accumulate": lambda: 2}, "accumulate is 1 there, 2 here"),
    ("options", {"compute_dtype": lambda: mx.bfloat16}, "compute_dtype is None there, .*bfloat16"),
    ("callbacks", {"keep": lambda: TimeLimit(99)}, "number 1 is EarlyStopping there, TimeLimit"),
]


@pytest.mark.parametrize("part, made, words", OTHERS)
def test_a_checkpoint_of_another_training(tmp_path, part, made, words):
    usual(tmp_path).fit(batches(), 1, steps_per_epoch=4)
    ours = usual(tmp_path, **{name: make() for name, make in made.items()})
    before = weights(ours.model)
    with pytest.raises(ValueError, match=f"(an)?other {part}: {words}"):
        ours.fit(batches(), 2, steps_per_epoch=4, resume=tmp_path)
    assert ours.global_step == 0 and not ours.history.rows
    for name, value in weights(ours.model).items():
        np.testing.assert_array_equal(value, before[name])
    ours.fit(batches(), 2, steps_per_epoch=4, resume=tmp_path, other=[part])
    assert ours.epoch == 2


def test_settings_here_hold_where_they_may_be_other(tmp_path):
    for make, rates in ((optim.Adam, [0.02]), (both, [0.1, 0.02])):
        folder = tmp_path / make.__name__
        usual(folder, optimizer=make(0.01)).fit(batches(), 1)
        ours = usual(folder, optimizer=make(0.02))
        ours.resume(folder, other=["optimizer"])
        several = getattr(ours.optimizer, "optimizers", [ours.optimizer])
        assert [one.learning_rate.item() for one in several] == pytest.approx(rates)
        assert ours.global_step == 6 and several[-1].step.item() == 6
    with pytest.raises(ValueError, match="other is a list of model, .*, data, not 'data'"):
        ours.resume(folder, other="data")
    with pytest.raises(ValueError, match="other is a list of"):
        ours.fit(batches(), 1, other=["dataset"])


def test_two_lambdas_are_two_losses():
    from functools import partial

    from mlx.train._setup import words_of

    def scaled(by):
        return lambda p, t: by * (p - t)

    functions = [
        lambda p, t: (p - t).square(),
        lambda p, t: (p - t).abs(),
        lambda p, t: (p - t) * 2,
        lambda p, t: (p - t) * 3,
        scaled(2),
        scaled(4),
        partial(scaled(2), t=1),
        partial(scaled(2), t=2),
        nn.losses.mse_loss,
        nn.ReLU(),
    ]
    found = [words_of(f) for f in functions[:-1]]
    assert len(set(found)) == len(found) and words_of(functions[-1]) is None
    assert (
        words_of(scaled(2)) == words_of(scaled(2)) and words_of(mx.bfloat16) == "mlx.core.bfloat16"
    )
    assert words_of([1, 2.5, "a"]) == "(1, 2.5, 'a')" and words_of([mx.ones(1)]) is None


def test_long_settings_are_kept_short():
    from mlx.train._setup import model_of

    models = [attention(2), attention(2)]
    for model, last in zip(models, "yz"):
        model.vocabulary = ["x"] * 50000 + [last]
    first, second = (model_of(model)["the model"] for model in models)
    assert first != second and len(first) < 500


def other_data():
    """Data of another kind than `batches()`: what differs, and the words for it."""

    def made(n=96, size=16, seed=1, scale=1.0, end=0):
        x, y = task(n)
        b = dx.buffer_from_arrays(x=x * np.float32(scale), y=y[: len(y) - end])
        return b.shuffle(seed).to_stream().batch(size)

    yield made(size=32), "pipeline: batch_size of batch is 32 here, 16 there"
    yield made(seed=2), "seed of shuffle is 2 here, 1 there"
    yield made(scale=2.0), "array x is .* with checksum"
    yield made(n=97), "size of arrays is 97 here, 96 there"
    yield made().batch(1), "another pipeline: batch_size of batch is 1 here"
    yield made().rename_key("x", "z"), "another pipeline"


@pytest.mark.parametrize("stop", [None, 3])
def test_a_checkpoint_of_other_data(tmp_path, stop):
    first = usual(tmp_path)
    first.callbacks.append(StopAt(stop or -1))
    try:
        first.fit(batches(), 1)
    except InterruptedError:
        pass
    for data, words in other_data():
        ours = usual(tmp_path)
        ours.callbacks.append(StopAt(-1))
        with pytest.raises(ValueError, match=words):
            ours.fit(data, 2, resume=tmp_path)
        assert ours.global_step == 0
    ours.fit(data.rename_key("z", "x"), 2, resume=tmp_path, other=["data"])
    assert ours.epoch == 2 and ours.global_step == (12 if stop is None else 14)


def test_other_data_may_be_said_to_load(tmp_path):
    stopped = usual(tmp_path)
    stopped.callbacks.append(StopAt(3))
    with pytest.raises(InterruptedError):
        stopped.fit(batches(), 1)
    other = [(b["x"], 2 - b["y"]) for b in batches()]
    ours = usual()
    last = tmp_path / "last.safetensors"
    ours.load(last, other=["data", "callbacks"])
    assert ours.batch == 0 and ours.global_step == 2
    ours.fit(other, 1)
    assert ours.epoch == 1 and ours.global_step == 2 + len(other)
    # What is loaded later has the place of its file, not of the data before.
    ours.load(last, other=["callbacks"])
    ours.save(tmp_path / "again.safetensors")
    (_, there), (_, here) = (
        checkpoint.read(tmp_path / f"{n}.safetensors") for n in ("last", "again")
    )
    assert here["data"] == there["data"] and here["batch"] == there["batch"] == 2


class Loader:
    """Batches in another order each time."""

    def __init__(self, pairs):
        self.pairs, self.random = pairs, generator(7)

    def __len__(self):
        return len(self.pairs)

    def __iter__(self):
        return iter([self.pairs[i] for i in self.random.permutation(len(self.pairs))])


def test_lists_and_loaders_of_other_batches(tmp_path):
    pairs = [(b["x"], b["y"]) for b in batches()]
    doubled = [(2 * x, y) for x, y in pairs]
    for kind, other, words in [
        (list, pairs[:5], "the number of batches is 6 there, 5 here"),
        (list, doubled, "array 0 is .*checksum"),
        (Loader, pairs[:5], "the number of batches is 6"),
        (
            Loader,
            [(x, y.astype(np.int64)) for x, y in pairs],
            "array 1 is .* int32 there, .* int64",
        ),
        (lambda p: lambda: iter(p), [(x[..., None], y) for x, y in pairs], "array 0 is 2 dimens"),
    ]:
        folder = tmp_path / str(id(other))
        first = usual(folder)
        first.callbacks.append(StopAt(3))
        with pytest.raises(InterruptedError):
            first.fit(kind(pairs), 1)
        ours = usual(folder)
        ours.callbacks.append(StopAt(-1))
        with pytest.raises(ValueError, match=words):
            ours.fit(kind(other), 2, resume=folder)
        again = usual(folder)
        again.callbacks.append(StopAt(-1))
        again.fit(kind(pairs), 2, resume=folder)
        assert again.global_step == 12
        with pytest.raises(ValueError, match="steps_per_epoch is None there, 3 here"):
            usual(folder).fit(kind(pairs), 3, steps_per_epoch=3, resume=folder, other=["callbacks"])


def test_callbacks_of_other_numbers(tmp_path):
    first = usual(tmp_path, keep=EarlyStopping("loss", 5))
    first.fit(batches(), 1)
    other = EarlyStopping("val_loss", 5)
    with pytest.raises(
        ValueError, match="EarlyStopping: .*smallest 'loss', the smallest 'val_loss'"
    ):
        usual(tmp_path, keep=other).resume(tmp_path)
    with pytest.raises(ValueError, match="smallest 'loss', the largest 'loss' is asked for"):
        usual(tmp_path, keep=EarlyStopping("loss", 5, mode="max")).resume(tmp_path)
    ours = usual(tmp_path)
    ours.callbacks[0].decay = 0.99
    with pytest.raises(ValueError, match="EMA: .*its decay is 0.9, 0.99 here"):
        ours.resume(tmp_path)
    assert ours.resume(tmp_path, other=["callbacks"])


class Score(Callback):
    """A number for each epoch."""

    def __init__(self, *values):
        self.values = iter(values)

    def on_epoch_end(self, trainer, logs):
        logs["val_score"] = next(self.values)


def test_callbacks_that_are_still_there_go_on(tmp_path):
    def made(folder, *more, scores=()):
        stops = [EarlyStopping("loss", 50), EarlyStopping("val_score", 50)]
        keep = Checkpoint(folder, monitor="val_score")
        callbacks = [Score(*scores), *more, EMA(0.9), *stops, keep]
        return Trainer(attention(2), nn.losses.cross_entropy, optim.Adam(1e-2), callbacks=callbacks)

    whole = made(tmp_path / "whole", scores=[9.0, 1.0, 2.0])
    whole.fit(batches(), 3)
    made(tmp_path, scores=[9.0, 1.0]).fit(batches(), 2)
    best = (tmp_path / "best.safetensors").read_bytes()
    logger = CSVLogger(tmp_path / "a.csv")
    ours = made(tmp_path, logger, EarlyStopping("val_score", 7), scores=[2.0])
    with pytest.raises(ValueError, match="other callbacks"):
        ours.resume(tmp_path)
    ours.fit(batches(), 3, resume=tmp_path, other=["callbacks"])
    assert (tmp_path / "best.safetensors").read_bytes() == best
    average, wanted = (
        next(c for c in t.callbacks if isinstance(c, EMA)).arrays() for t in (ours, whole)
    )
    for name, value in wanted.items():
        np.testing.assert_array_equal(average[name], value, err_msg=name)
    stops = [c for c in ours.callbacks if isinstance(c, EarlyStopping)]
    theirs = [c for c in whole.callbacks if isinstance(c, EarlyStopping)]
    assert [c.state_dict() for c in stops[:2]] == [theirs[1].state_dict(), theirs[0].state_dict()]
    assert stops[2].state_dict() == {"best": 2.0, "monitor": "val_score", "sign": 1, "waited": 0}
