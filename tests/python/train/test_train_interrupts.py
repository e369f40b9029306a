"""A training that is interrupted anywhere goes on as if it had not been: what is trained, counts and
random numbers fit together whatever was raised, wherever."""

import contextlib
import os
import signal
import sys

import mlx.core as mx
import mlx.data as dx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx.train
import numpy as np
import pytest
from mlx.train import EMA, Callback, Checkpoint, EarlyStopping, TimeLimit, Trainer
from mlx.utils import tree_flatten

from seeds import choices
from test_train_trainer import batches, mlp, task, weights

KINDS = [(1, True), (2, True), (1, False), (2, False)]  # accumulate, compile
kinds = pytest.mark.parametrize("accumulate, compiled", KINDS)


def pairs(size=4, n=20):
    x, y = task(n)
    return [(x[i : i + size], y[i : i + size]) for i in range(0, n, size)]


def made(accumulate=1, compiled=True, *callbacks, **options):
    mx.random.seed(3)
    return Trainer(
        nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.3), nn.Linear(4, 3)),
        nn.losses.cross_entropy,
        optim.Adam(optim.cosine_decay(0.1, 20)),
        callbacks=[EMA(0.9), EarlyStopping("val_loss", 50), *callbacks],
        metrics=["accuracy"],
        accumulate=accumulate,
        compile=compiled,
        **options,
    )


def fit(trainer, epochs=2):
    return trainer.fit(pairs(), epochs, validation=pairs(10))


def state(trainer):
    """All that a training is, but for what cannot be told twice (how long EarlyStopping waited)."""
    trees = {"model": trainer.model.parameters(), "optimizer": trainer.optimizer.state}
    trees.update(average=trainer.callbacks[0].average, sums=trainer.steps.sum)
    arrays = {name: np.array(x).tobytes() for name, x in tree_flatten(trees)}
    counts = trainer.epoch, trainer.batch, trainer.global_step, trainer.waiting
    return arrays, np.array(mx.random.state[0]).tolist(), trainer.history.rows, counts


class At:
    """Raises an exception at the n-th line, or instruction, of these modules from here on."""

    def __init__(self, n, event="line", modules=(mlx.train,)):
        self.left, self.event, self.place = n, event, None
        self.folders = tuple(os.path.dirname(module.__file__) for module in modules)

    def __enter__(self):
        sys.settrace(self)
        return self

    def __exit__(self, kind, *_):
        sys.settrace(None)
        return kind is KeyboardInterrupt

    def __call__(self, frame, event, _):
        if not frame.f_code.co_filename.startswith(self.folders):
            return None
        frame.f_trace_opcodes = self.event == "opcode"
        return self.count

    def count(self, frame, event, _):
        self.left -= event == self.event
        if self.left == 0 and not self.place:
            self.file = os.path.basename(frame.f_code.co_filename)
            self.place = f"{self.file}:{frame.f_lineno}"
            raise KeyboardInterrupt
        return self.count


def in_step(trainer):
    """The counts are those of the optimizer."""
    assert trainer.optimizer.step.item() == trainer.global_step
    assert trainer.waiting < trainer.accumulate


# --- anywhere -------------------------------------------------------------------------------------


@kinds
def test_at_each_line_in_turn(accumulate, compiled):
    """One training, interrupted at its first line, the second, the third ... of each call."""
    whole, ours = made(accumulate, compiled), None
    fit(whole, 3)
    wanted = state(whole)
    ours, n = made(accumulate, compiled), 0
    while ours.epoch < 3:
        n += 1
        with At(n):
            fit(ours, 3)
        in_step(ours)
    fit(ours, 3)
    assert n > 100 and state(ours) == wanted


@pytest.mark.parametrize("event", ["line", "opcode"])
@kinds
def test_once_anywhere(accumulate, compiled, event):
    whole = made(accumulate, compiled)
    with At(1 << 40, event) as counted:
        fit(whole)
    wanted, most = state(whole), (1 << 40) - counted.left
    random = choices("interrupts", accumulate, compiled, event)
    for n in sorted(random.sample(range(1, most), 12)):
        ours = made(accumulate, compiled)
        with At(n, event) as at:
            fit(ours)
        in_step(ours)
        fit(ours)
        assert state(ours) == wanted, f"{n}: {at.place}"


@kinds
def test_by_a_timer(accumulate, compiled):
    """Wherever it comes, also within the library."""

    def ring(*_):
        raise TimeoutError

    def trained(interrupted):
        mx.random.seed(3)
        layers = [nn.Linear(2, 300), nn.Dropout(0.3), nn.Linear(300, 300), nn.Linear(300, 3)]
        model, rule = nn.Sequential(*layers), optim.Adam(1e-3)
        options = {"accumulate": accumulate, "compile": compiled}
        trainer, seconds = Trainer(model, nn.losses.cross_entropy, rule, **options), 0.002
        while trainer.epoch < 2:
            seconds *= 1.3
            with contextlib.suppress(TimeoutError):  # it may ring behind fit, too
                try:
                    signal.setitimer(signal.ITIMER_REAL, seconds if interrupted else 0)
                    trainer.fit(pairs(20, 400), 2)
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            in_step(trainer)
        return weights(model), trainer.history.rows, np.array(mx.random.state[0]).tolist()

    former = signal.signal(signal.SIGALRM, ring)
    try:
        (found, *rest), (wanted, *others) = trained(True), trained(False)
    finally:
        signal.signal(signal.SIGALRM, former)
    assert rest == others
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


def test_steps_alone():
    def steps(trainer, n):
        done = 0
        for batch in pairs():
            with At(n):
                trainer.step(batch)
            in_step(trainer)
            counted = trainer.global_step * 2 + trainer.waiting
            if counted == done:  # nothing of it
                trainer.step(batch)
            done += 1
        return state(trainer)[:2]

    def trainer():
        ours = made(2)
        ours.callbacks = [EMA(0.9)]
        return ours

    wanted = steps(trainer(), 1 << 40)
    for n in range(1, 60):
        assert steps(trainer(), n) == wanted


@kinds
def test_while_a_checkpoint_is_loaded(tmp_path, accumulate, compiled):
    path = tmp_path / "a.safetensors"
    there = made(accumulate, compiled)
    fit(there)
    there.save(path)
    loaded, ours = state(there), made(accumulate, compiled)
    fit(ours, 1)
    before, n, done = state(ours), 0, False
    assert before != loaded
    while not done:
        n += 7
        with At(n) as at:
            ours.load(path)
        now, done = state(ours), at.place is None
        assert now == (loaded if ours.epoch == 2 else before), at.place
        if ours.epoch == 2 and not done:
            break
    ours.load(path)
    assert state(ours) == loaded and n > 100


# --- what callbacks raise, and hear ---------------------------------------------------------------


class Hear(Callback):
    """Notes what it hears, and raises something at a step or epoch."""

    def __init__(self, at=(), error=KeyboardInterrupt, order=0):
        self.at, self.error, self.order, self.heard = at, error, order, []

    def on_step_end(self, trainer, logs):
        self.hear("step", trainer.global_step)

    def on_epoch_end(self, trainer, logs):
        self.hear("epoch", trainer.epoch)

    def hear(self, *what):
        self.heard.append(what)
        if what in self.at:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
@kinds
def test_all_hear_once_whatever_one_raises(tmp_path, accumulate, compiled, error):
    whole = made(accumulate, compiled)
    fit(whole)
    at = [("step", 2), ("epoch", 1), ("step", whole.global_step), ("epoch", 2)]
    before, raises, after = Hear(), Hear(at, error), Hear(order=10)
    keep = Checkpoint(tmp_path, every_steps=1)
    ours = made(accumulate, compiled, before, raises, after, keep)
    for _ in at:
        with pytest.raises(error):
            fit(ours)
        in_step(ours)
        about = mlx.train.checkpoint.read(tmp_path / "last.safetensors")[1]
        assert (about["epoch"], about["global_step"]) == (ours.epoch, ours.global_step)
    fit(ours)
    assert before.heard == raises.heard == after.heard
    assert len(before.heard) == len(set(before.heard)) == whole.global_step + 2
    assert state(ours)[:2] == state(whole)[:2]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_steps_that_are_not_taken_are_not_counted(accumulate):
    x, y = task(8)
    nan, hear = (np.full_like(x, np.nan), y), Hear()
    options = {"accumulate": accumulate, "on_nan": "skip", "callbacks": [hear, TimeLimit(0)]}
    trainer = Trainer(mlp(dropout=0.3), nn.losses.cross_entropy, optim.Adam(0.1), **options)
    key = np.array(mx.random.state[0])
    row = trainer.fit([nan, nan])[0]
    assert row["skipped"] == 2 and row["step"] == trainer.global_step == 0
    assert hear.heard == [("epoch", 1)] and "is over" in trainer.stopping
    np.testing.assert_array_equal(np.array(mx.random.state[0]), key)
    in_step(trainer)
    trainer.callbacks[1].seconds = 1e9
    trainer.fit([nan, (x, y), nan, (x, y)], 2)
    in_step(trainer)
    assert trainer.global_step == 2 and hear.heard[1:] == [("step", 1), ("step", 2), ("epoch", 2)]


@pytest.mark.parametrize("compiled", [False, True])
def test_an_evaluation_draws_its_own_random_numbers(compiled):
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 3)

        def __call__(self, x):
            return self.inner(x) + mx.random.normal((x.shape[0], 3))

    mx.random.seed(1)
    trainer = Trainer(Noisy(), nn.losses.cross_entropy, optim.SGD(0.1), compile=compiled)
    x, y = (mx.array(part) for part in task(8))
    key = np.array(mx.random.state[0])
    found = [trainer.evaluate([(x, y)] * 2)["loss"] for _ in range(2)]
    np.testing.assert_array_equal(np.array(mx.random.state[0]), key)
    losses = [nn.losses.cross_entropy(trainer.model(x), y).mean().item() for _ in range(2)]
    assert losses[0] != losses[1]
    assert found == pytest.approx([sum(losses) / 2] * 2, rel=1e-5)


# --- data -----------------------------------------------------------------------------------------


def stopped(data, **options):
    """A training that ended in the middle of its first epoch."""
    trainer = made(1, True, Hear([("step", 3)]))
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(data, 2, validation=pairs(10), **options)
    assert trainer.batch == 3
    return trainer


def test_data_that_others_have_moved_meanwhile(tmp_path):
    whole, data = made(), batches(16)
    whole.fit(batches(16), 2, validation=pairs(10))
    for save in (False, True):
        ours = stopped(data)
        next(iter(data))
        if save:
            ours.save(tmp_path / "a.safetensors")
            ours = made(1, True, Hear())
            ours.load(tmp_path / "a.safetensors")
        ours.evaluate(data)
        ours.fit(data, 2, validation=pairs(10))
        assert state(ours) == state(whole)


@pytest.mark.parametrize("length", [None, 2, 7])
def test_a_stream_that_is_evaluated_too(tmp_path, length):
    """It goes on where it was, in the next epoch, in a checkpoint, and behind an interrupt."""

    class Ends(Hear):
        def on_validation_end(self, trainer):
            self.hear("end", trainer.epoch)

    options, data = {"steps_per_epoch": length}, batches(16)
    whole = made()
    whole.fit(batches(16), 3, validation=batches(16), **options)
    want, ends = state(whole), Ends([("end", 1)])
    ours = made(1, True, ends, Checkpoint(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        ours.fit(data, 3, validation=data, **options)
    assert ours.epoch == 1 and ours.batch == (length or 6)
    ours.save(tmp_path / "a.safetensors")
    ends.at = ()
    ours.fit(data, 3, validation=data, **options)
    assert state(ours) == want
    for name in ("a", "last"):
        again = made(1, True, Ends(), Checkpoint(tmp_path))
        again.load(tmp_path / f"{name}.safetensors")
        again.fit(data, 3, validation=data, **options)
        assert state(again) == want


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("length", [2, 7])
def test_epochs_of_a_given_length_go_on(tmp_path, length, interrupted):
    """Also behind a batch that was given and not trained on, and in a checkpoint of then."""
    options = {"validation": pairs(10), "steps_per_epoch": length}
    for data in (batches(16), pairs()):
        whole = made()
        whole.fit(data, 4, **options)
        want, ours = state(whole), made()
        ours.fit(data, 1, **options)
        if interrupted:
            with At(400) as at:
                ours.fit(data, 4, **options)
            assert at.place
        ours.save(tmp_path / "a.safetensors")
        ours.fit(data, 4, **options)
        assert state(ours) == want
        again = made()
        again.load(tmp_path / "a.safetensors")
        again.fit(data, 4, **options)
        assert state(again) == want


@pytest.mark.parametrize("length", [None, 4])
def test_no_batch_is_lost_that_was_being_made(length):
    options = {"validation": pairs(10), "steps_per_epoch": length}
    data = lambda: batches(16).shuffle(2, seed=3)
    whole = made()
    whole.fit(data(), 2, **options)
    wanted, within = state(whole), 0
    for n in range(100, 1500, 13):
        ours, stream = made(), data()
        with At(n, modules=(mlx.train, dx)) as at:
            ours.fit(stream, 2, **options)
        within += not os.path.exists(os.path.join(os.path.dirname(mlx.train.__file__), at.file))
        ours.fit(stream, 2, **options)
        assert state(ours) == wanted, (n, at.place)
    assert within > 5


def test_an_average_that_was_interrupted_is_moved_behind_a_checkpoint(tmp_path):
    whole = made()
    fit(whole)
    wanted, ours = state(whole), made()
    average = ours.callbacks[0]
    move, calls = average._move, iter([False, False, True])

    def interrupted(*arguments):
        if next(calls, False):
            raise KeyboardInterrupt
        return move(*arguments)

    average._move = interrupted
    with pytest.raises(KeyboardInterrupt):
        fit(ours)
    ours.save(tmp_path / "a.safetensors")
    again = made()
    again.load(tmp_path / "a.safetensors")
    fit(again)
    assert again.global_step == 10 and state(again) == wanted


def test_other_data_in_the_middle_of_an_epoch():
    x, y = task(20)
    ours, doubled = stopped(pairs()), [(2 * x, y) for x, y in pairs()]
    before = state(ours)
    for other, words in [
        (pairs()[:4], "the training so far is of other data: the number of batches is 5 there, 4"),
        (doubled, "the training so far is of other data: array 0 is .* other=.'data'. goes on"),
    ]:
        with pytest.raises(ValueError, match=words):
            ours.fit(other, 2, validation=pairs(10))
        assert state(ours) == before
    ours.fit(doubled, 2, validation=pairs(10), other=["data"])
    assert (ours.epoch, ours.global_step) == (2, 3 + 10)
    ours.fit(pairs(10), 3, validation=pairs(10))  # at the end of an epoch any may come
    assert ours.epoch == 3
    ours = stopped(lambda: iter(pairs()))
    with pytest.raises(ValueError, match="the data gave 2 batches, less than were trained on"):
        ours.fit(lambda: iter(pairs()[:2]), 2, validation=pairs(10))


def test_data_that_can_be_read_once():
    data = iter(pairs())
    ours = stopped(data)
    with pytest.raises(ValueError, match="can be read once only, and an epoch has begun in them"):
        ours.fit(data, 1, validation=pairs(10))
    ours.fit(data, 1, validation=pairs(10), other=["data"])
    assert (ours.epoch, ours.global_step) == (1, 5)
    endless = dx.buffer_from_arrays(x=task(20)[0], y=task(20)[1]).to_stream().repeat().batch(4)
    plain = (batch for batch in endless)
    for epochs in (2, 4):
        ours.fit(plain, epochs, validation=pairs(10), steps_per_epoch=3)
    assert ours.global_step == 5 + 9
