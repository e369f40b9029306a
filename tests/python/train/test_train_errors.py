"""What ends a training by an exception leaves a checkpoint where that is asked for, and each callback
hears of it."""

import os
import warnings

import mlx.core as mx
import mlx.data as dx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.train import EMA, Callback, Checkpoint, CSVLogger, EarlyStopping, TensorBoard, Trainer
from mlx.train import checkpoint
from mlx.utils import tree_flatten

from test_train_trainer import task


class Break(Exception):
    pass


class At(Callback):
    """Raises an exception once: in a step, before a validation, at the end of an epoch."""

    def __init__(self, error, step=None, validation=False, epoch=None):
        self.error, self.step, self.validation, self.epoch = error, step, validation, epoch

    def on_step_end(self, trainer, logs):
        self.at(trainer.global_step == self.step)

    def on_validation_begin(self, trainer):
        self.at(self.validation and trainer.epoch == 1)

    def on_epoch_end(self, trainer, logs):
        self.at(trainer.epoch == self.epoch)

    def at(self, here):
        if here and self.error:
            error, self.error = self.error, None
            raise error


def stream(n=44, size=4):
    x, y = task(n)
    return dx.buffer_from_arrays(x=x, y=y).shuffle(2).to_stream().batch(size).prefetch(2, 2)


def made(folder, *callbacks, loss=nn.losses.cross_entropy, **options):
    mx.random.seed(4)
    layers = [nn.Linear(2, 6), nn.BatchNorm(6), nn.Dropout(0.3), nn.Linear(6, 3)]
    kept = [EMA(0.9), EarlyStopping("val_loss", 50), Checkpoint(folder, on_error=True)]
    rule = optim.Adam(optim.cosine_decay(0.1, 20))
    callbacks = [*kept, *callbacks]
    return Trainer(nn.Sequential(*layers), loss, rule, callbacks=callbacks, **options)


def fit(trainer, data=None, **options):
    return trainer.fit(stream() if data is None else data, 3, validation=stream(8), **options)


def state(trainer):
    trees = {"model": trainer.model.parameters(), "optimizer": trainer.optimizer.state}
    trees.update(average=trainer.callbacks[0].average)
    arrays = {name: np.array(x).tobytes() for name, x in tree_flatten(trees)}
    return arrays, np.array(mx.random.state[0]).tolist(), trainer.history.rows, trainer.global_step


class Once:
    """A loss that fails in its n-th call."""

    def __init__(self, n):
        self.left = n

    def __call__(self, prediction, target):
        self.left -= 1
        if self.left == 0:
            raise Break("in the loss")
        return nn.losses.cross_entropy(prediction, target)


def failing(stream, n, error):
    """Batches of a stream, but for the n-th that is asked for."""

    def change(sample):
        left[0] -= 1
        if left[0] == 0:
            raise error
        return sample

    left = [n]
    return stream.map(change)


WHERE = {
    "a step": lambda: [At(Break("in a callback"), step=5)],
    "Ctrl-C": lambda: [At(KeyboardInterrupt(), step=5)],
    "exit": lambda: [At(SystemExit(3), step=5)],
    "two": lambda: [At(Break("in a callback"), step=5), At(Break("another"), step=5)],
    "validation": lambda: [At(Break("in a callback"), validation=True)],
    "the end of an epoch": lambda: [At(Break("in a callback"), epoch=2)],
}


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("where", WHERE)
def test_goes_on_in_another_process(tmp_path, where, accumulate):
    """As one that was not interrupted, to the bit, whatever ended it."""
    whole = made(tmp_path / "whole", At(None), At(None), accumulate=accumulate)
    fit(whole)
    wanted = state(whole)
    broken = made(tmp_path / "run", *WHERE[where](), accumulate=accumulate)
    if len(broken.callbacks) == 4:
        broken.callbacks.insert(3, At(None))
    with pytest.raises((Break, KeyboardInterrupt, SystemExit)):
        fit(broken)
    assert 0 < broken.global_step < whole.global_step
    again = made(tmp_path / "run", At(None), At(None), accumulate=accumulate)
    fit(again, resume=tmp_path / "run", other=["callbacks"])
    assert state(again) == wanted


@pytest.mark.parametrize("n", [2, 6, 7, 8])
@pytest.mark.parametrize("compiled", [True, False])
def test_gradients_that_wait_are_kept(tmp_path, n, compiled):
    """Four batches make a step, an error is raised in the n-th batch."""
    x, y = task(40)
    batches = [(x[i : i + 4], y[i : i + 4]) for i in range(0, 40, 4)]

    def given(left):
        for batch in batches:
            left -= 1
            if left == 0:
                raise Break("in the data")
            yield batch

    def train(folder, n, **options):
        trainer = made(tmp_path / folder, accumulate=4, compile=compiled)
        try:
            trainer.fit(lambda: given(n), 2, validation=batches[:2], **options)
        except Break:
            assert trainer.batch == n - 1 and trainer.waiting == (n - 1) % 4
        return trainer

    wanted = state(train("whole", 0))
    train("run", n)
    with pytest.raises(ValueError, match="accumulate is 4 there, 2 here"):
        made(tmp_path / "run", accumulate=2).fit(batches, resume=tmp_path / "run")
    one = made(tmp_path / "run", accumulate=1)
    if (n - 1) % 4:
        with pytest.raises(ValueError, match="is of another number of batches of a step: it has 0"):
            one.fit(batches, resume=tmp_path / "run", other=["options"])
    assert state(train("run", 0, resume=tmp_path / "run")) == wanted


@pytest.mark.parametrize("compiled", [True, False])
def test_errors_of_loss_and_data(tmp_path, compiled):
    """A batch that the loss failed on is trained on again; one that the data failed on is not there."""
    whole = made(tmp_path / "whole", compile=compiled)
    fit(whole)
    loss = Once(2 if compiled else 6)  # which compiled is called for a batch of another shape
    broken = made(tmp_path / "run", loss=loss, compile=compiled)
    with pytest.raises(Break):
        fit(broken, stream(42) if compiled else None)
    about = checkpoint.read(tmp_path / "run" / "last.safetensors")[1]
    assert (about["epoch"], about["batch"]) == ((0, 10) if compiled else (0, 5))
    if not compiled:
        again = made(tmp_path / "run", loss=nn.losses.cross_entropy, compile=False)
        fit(again, resume=tmp_path / "run", other=["loss"])
        assert state(again)[0] == state(whole)[0]
    broken = made(tmp_path / "data", compile=compiled)
    with pytest.raises(dx.SampleError, match="sample 6: broken"):
        fit(broken, failing(stream(), 7, Break("broken")))
    about = checkpoint.read(tmp_path / "data" / "last.safetensors")[1]
    assert (about["epoch"], about["batch"], about["global_step"]) == (0, 6, 6)


def test_only_where_it_is_asked_for(tmp_path):
    trainer = made(tmp_path / "run", At(Break(), step=3))
    trainer.callbacks[-1].saves_on_error = False
    with pytest.raises(Break):
        fit(trainer)
    assert os.listdir(tmp_path / "run") == []


def test_nothing_is_written_of_nothing_new(tmp_path):
    """Where no batch was counted since the last file, which may be another's meanwhile."""
    path = tmp_path / "run" / "last.safetensors"
    for data in (lambda: 1 / 0, [(mx.ones((4, 3)), mx.zeros(4, mx.int32))]):
        with pytest.raises((ZeroDivisionError, ValueError)):
            fit(made(tmp_path / "run"), data)
        assert not path.exists()
    trainer = made(tmp_path / "run", At(Break(), epoch=1))
    with pytest.raises(Break):
        fit(trainer)
    assert checkpoint.read(path)[1]["epoch"] == 1
    path.unlink()
    with pytest.raises((ZeroDivisionError, ValueError)):
        fit(trainer, lambda: 1 / 0, other=["data"])
    assert not path.exists()


def test_what_cannot_be_written_is_a_warning(tmp_path):
    """The error that ended the training is raised all the same."""
    (tmp_path / "file").write_text("")

    class Move(Callback):
        def on_step_end(self, trainer, logs):
            kept.folder = str(tmp_path / "file")

    trainer = made(tmp_path / "run", Move(), At(Break("the first"), step=3))
    (kept,) = (one for one in trainer.callbacks if isinstance(one, Checkpoint))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(Break, match="the first"):
            fit(trainer)
    assert any("last.safetensors was not written" in str(one.message) for one in said)


def test_each_hears_of_the_error(tmp_path):
    heard = []

    class Hear(Callback):
        def __init__(self, name, raises=False):
            self.name, self.raises = name, raises

        def on_error(self, trainer, error):
            heard.append((self.name, type(error), trainer.global_step))
            if self.raises:
                raise RuntimeError("in on_error")

        def on_fit_end(self, trainer):
            heard.append((self.name, "end"))

    trainer = made(tmp_path / "run", Hear("a", True), Hear("b"), At(Break(), step=2))
    with pytest.raises(RuntimeError, match="in on_error") as raised:
        fit(trainer)
    assert isinstance(raised.value.__context__, Break)
    assert [one[0] for one in heard] == ["a", "b", "a", "b"]
    assert heard[0][1:] == heard[1][1:] == (Break, 2)
    heard.clear()
    fit(made(tmp_path / "run", Hear("a")))
    assert heard == [("a", "end")]


# --- folders --------------------------------------------------------------------------------------


def test_relative_paths_are_of_the_folder_where_they_were_given(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    logs = CSVLogger("log/history.csv"), TensorBoard("board")
    trainer = made("run", *logs, At(Break(), step=13))
    best = Checkpoint("kept", monitor="val_loss", keep=2)
    trainer.callbacks.append(best)
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(Break):
        fit(trainer)
    monkeypatch.chdir(tmp_path)
    fit(trainer)
    assert sorted(os.listdir(tmp_path)) == ["board", "elsewhere", "kept", "log", "run"]
    assert os.listdir("elsewhere") == []
    assert sorted(os.listdir("kept"))[:2] == ["best.safetensors", "last.safetensors"]
    assert best.path("last") == str(tmp_path / "kept" / "last.safetensors")
