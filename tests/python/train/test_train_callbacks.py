"""Callbacks, checkpoints, and a training that is killed."""

import csv
import io
import json
import math
import os
import resource
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.train import (
    EMA,
    Callback,
    Checkpoint,
    CSVLogger,
    EarlyStopping,
    EventWriter,
    History,
    LearningRateMonitor,
    Metric,
    Progress,
    TensorBoard,
    TimeLimit,
    Trainer,
    checkpoint,
)
from mlx.train.tensorboard import crc32c

from seeds import choices
from test_train_trainer import batches, mlp, same, weights


def trainer(*callbacks, model=None, **options):
    options = {"metrics": ["accuracy"], **options}
    model = mlp(norm=True) if model is None else model
    return Trainer(model, nn.losses.cross_entropy, optim.Adam(1e-2), callbacks=callbacks, **options)


# --- each of them ---------------------------------------------------------------------------------


def test_the_order_of_calls():
    calls = []

    class Hear(Callback):
        def __getattribute__(self, name):
            if name.startswith("on_"):
                return lambda trainer, *logs: calls.append(name[3:])
            return object.__getattribute__(self, name)

    trainer(Hear()).fit(batches(48), 1, validation=batches(48))
    first = ["fit_begin", "epoch_begin", "step_end", "step_end"]
    assert calls == [*first, "validation_begin", "validation_end", "epoch_end", "fit_end"]


def test_early_stopping():
    class Fake(Callback):
        values = iter([3.0, 2.0, 2.5, 1.99, 2.0, 2.1, 1.0])

        def on_epoch_end(self, trainer, logs):
            logs["val_x_loss"] = next(self.values)

    t = trainer(Fake(), EarlyStopping("val_x_loss", patience=2, min_delta=0.1))
    assert len(t.fit(batches(), 20)) == 4 and "was not better than 2.0 for 2 epochs" in t.stopping
    Fake.values = iter([3.0, 2.0, 2.5])
    assert len(trainer(Fake(), EarlyStopping("val_x_loss", patience=0)).fit(batches(), 20)) == 3
    t = trainer(EarlyStopping("val_recall"))
    with pytest.raises(
        ValueError,
        match="EarlyStopping: no 'val_recall' in this epoch; there are epoch, step, loss",
    ):
        t.fit(batches(), 1)
    with pytest.raises(ValueError, match="not 'up'"):
        EarlyStopping(mode="up")


def test_time_limit():
    t = trainer(TimeLimit(0.0))
    assert len(t.fit(batches(), 5)) == 0 and t.global_step == 1 and "is over" in t.stopping
    t.callbacks[0].seconds = 1e9
    assert len(t.fit(batches(), 2)) == 2  # goes on in the middle of the epoch
    whole = trainer(TimeLimit(1e9))
    whole.fit(batches(), 2)
    same(t.model, whole.model)


def test_learning_rates_and_csv(tmp_path):
    rate = optim.linear_schedule(1e-2, 0.0, 12)
    t = Trainer(
        mlp(),
        nn.losses.cross_entropy,
        optim.SGD(rate),
        callbacks=[CSVLogger(tmp_path / "a.csv"), LearningRateMonitor()],
    )
    history = t.fit(batches(), 2)
    assert history["learning_rate"][1] < history["learning_rate"][0] < 1e-2
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == history["loss"]


def test_progress():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    plain, terminal = io.StringIO(), Terminal()
    trainer(Progress(plain), Progress(terminal, every=0)).fit(batches(), 2, validation=batches())
    lines = plain.getvalue().splitlines()
    assert len(lines) == 2 and lines[1].startswith("epoch 2  loss ") and "val_accuracy" in lines[1]
    assert terminal.getvalue().count("\r") == 2 * 6 + 2


def test_moving_average():
    ema = EMA(0.9, warmup=False)
    seen = []

    class Hear(Callback):
        def on_step_end(self, trainer, logs):
            seen.append(weights(trainer.model)["layers.0.weight"])

    model = mlp()
    first = weights(model)["layers.0.weight"]
    t = trainer(ema, Hear(), model=model)
    t.fit(batches(), 2)
    wanted = first
    for w in seen:
        wanted = 0.9 * wanted + 0.1 * w
    np.testing.assert_allclose(ema.average["layers"][0]["weight"], wanted, rtol=1e-5, atol=1e-6)
    found, kept = t.evaluate(batches()), weights(model)
    np.testing.assert_array_equal(kept["layers.0.weight"], seen[-1])
    ema.apply(model)
    assert found["loss"] == pytest.approx(
        trainer(model=model).evaluate(batches())["loss"], rel=1e-6
    )
    with pytest.raises(ValueError, match="decay of 1"):
        EMA(1)
    with pytest.raises(ValueError, match="nothing was trained"):
        EMA().apply(model)


@pytest.mark.parametrize("evaluate", [True, False])
def test_what_is_evaluated_predicts_and_is_kept(tmp_path, evaluate):
    from test_train_trainer import task

    seen = []

    class Hear(Callback):
        def on_validation_begin(self, trainer):
            seen.append(weights(trainer.model))
            trainer.save(tmp_path / "within.safetensors")

    ema, keep = EMA(0.9, evaluate=evaluate), Checkpoint(tmp_path, monitor="val_loss")
    t = trainer(Hear(), ema, keep)
    history = t.fit(batches(), 2, validation=batches())
    best = min(history["val_loss"])
    arrays, about = checkpoint.read(keep.path("best"))
    assert about["history"][-1]["val_loss"] == best
    model = mlp(norm=True)
    own = [(n[len("model.") :], x) for n, x in arrays.items() if n.startswith("model.")]
    model.load_weights(own)
    assert trainer(model=model).evaluate(batches())["loss"] == pytest.approx(best, rel=1e-6)
    assert any(n.startswith("trained.") for n in arrays) == evaluate
    before, (x, _) = weights(t.model), task()
    shown = mlp(norm=True)
    shown.update(ema.average if evaluate else t.model.parameters())
    np.testing.assert_array_equal(t.predict([x]), trainer(model=shown).predict([x]))
    with pytest.raises(ZeroDivisionError):
        t.predict([x], forward=lambda model, batch: 1 / 0)
    for name, value in weights(t.model).items():
        np.testing.assert_array_equal(value, before[name])
    np.testing.assert_array_equal(seen[-1]["layers.0.weight"], shown.layers[0].weight)
    for name in ("last", "within"):
        again = trainer(Hear(), EMA(0.9, evaluate=evaluate), Checkpoint(tmp_path, "val_loss"))
        again.load(keep.path(name))
        same(again.model, t.model)


# --- TensorBoard ----------------------------------------------------------------------------------


def test_crc():
    """The examples of RFC 3720, appendix B.4."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"123456789") == 0xE3069283


def records(path):
    data = Path(path).read_bytes()
    while data:
        (length,) = struct.unpack_from("<Q", data)
        for begin, size in ((0, 8), (12, length)):
            crc = crc32c(data[begin : begin + size])
            masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
            assert struct.unpack_from("<I", data, begin + size)[0] == masked
        yield data[12 : 12 + length]
        data = data[16 + length :]


def test_event_files(tmp_path):
    with EventWriter(tmp_path / "run") as writer:
        writer.scalar("a/b", 1.5, 300, wall_time=2.0)
        writer.scalar("ä", -1.0, 1 << 40)
    version, event, _ = records(writer.path)
    assert version.endswith(b"brain.Event:2")
    summary = b"\x0a\x0a" + b"\x0a\x03a/b" + b"\x15" + struct.pack("<f", 1.5)
    assert event == b"\x09" + struct.pack("<d", 2.0) + b"\x10\xac\x02" + b"\x2a\x0c" + summary


def test_numbers_beyond_float32_are_infinite_in_event_files(tmp_path):
    with EventWriter(tmp_path) as writer:
        for value in (1e300, -1e300, 3.5e38, 2.0):
            writer.scalar("x", value, 1)
    content = Path(writer.path).read_bytes()
    found = content.split(b"x\x15")[1:]
    infinite = [math.inf, -math.inf, math.inf]
    assert [struct.unpack("<f", part[:4])[0] for part in found] == [*infinite, 2.0]


def test_tensorboard_reads_them(tmp_path):
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="TensorBoard is not installed",
    )
    history = trainer(TensorBoard(tmp_path, every_steps=2)).fit(batches(), 3, validation=batches())
    found = accumulators.EventAccumulator(str(tmp_path))
    found.Reload()
    tags = found.Tags()["scalars"]
    assert {
        "epoch/loss",
        "epoch/val_loss",
        "epoch/val_accuracy",
        "step/loss",
        "step/gradient_norm",
    } <= set(tags)
    events = found.Scalars("epoch/loss")
    assert [e.step for e in events] == [1, 2, 3]
    np.testing.assert_allclose([e.value for e in events], history["loss"], rtol=1e-6)
    assert [e.step for e in found.Scalars("step/loss")] == [2, 4, 6, 8, 10, 12, 14, 16, 18]


# --- checkpoints ----------------------------------------------------------------------------------


def test_last_and_best(tmp_path):
    class Fake(Callback):
        values = iter([1.0, 3.0, 2.0])

        def on_epoch_end(self, trainer, logs):
            logs["val_score"] = next(self.values)

    keep = Checkpoint(tmp_path, monitor="val_score", every_steps=4, keep=2)
    t = trainer(Fake(), keep)
    t.fit(batches(), 3)
    assert sorted(os.listdir(tmp_path)) == [
        "best.safetensors",
        "last.safetensors",
        "step-00000016.safetensors",
        "step-00000018.safetensors",
    ]
    _, best = checkpoint.read(keep.path("best"))
    _, last = checkpoint.read(keep.path("last"))
    assert (best["epoch"], last["epoch"]) == (2, 3)
    assert last["history"][1]["val_score"] == 3.0
    arrays = mx.load(keep.path("last"))
    np.testing.assert_array_equal(arrays["model.layers.0.weight"], t.model.layers[0].weight)


def test_what_callbacks_and_measures_say_becomes_plain(tmp_path):
    class Says(Callback):
        def on_step_end(self, trainer, logs):
            logs["of_step"] = np.float32(2.5)

        def on_epoch_end(self, trainer, logs):
            given = [np.float32(0.5), np.int64(3), np.arange(2), mx.array(1.5), mx.arange(2)]
            logs.update(zip("abcde", given), f=[np.int8(1), {"g": np.bool_(True)}])

        def state_dict(self):
            return {"kept": np.float32(0.25)}

        def load_state_dict(self, state, arrays):
            self.kept = state["kept"]

    class Heard(Callback):
        def on_step_end(self, trainer, logs):
            assert type(logs["of_step"]) is float

    class Score(Metric):
        name = "score"

        def reset(self):
            self.value = np.float32(0)

        def update(self, prediction, target, weight=None):
            self.value += np.float32(0.5)

        def compute(self):
            return self.value

    def usual():
        keep = Checkpoint(tmp_path, monitor="val_score", every_steps=2)
        return trainer(Says(), Heard(), keep, metrics=[Score()])

    row = usual().fit(batches(), 1, validation=batches(size=48))[0]
    assert [row[name] for name in "abcde"] == [0.5, 3, [0, 1], 1.5, [0, 1]]
    assert row["val_score"] == 1.0 and "a " in str(History([row]))
    again = usual()
    again.fit(batches(), 1, resume=tmp_path)
    assert again.history[0] == {**row, "f": [1, {"g": True}]} and again.callbacks[0].kept == 0.25

    class Odd(Callback):
        def on_epoch_end(self, trainer, logs):
            logs["path"] = tmp_path

    with pytest.raises(TypeError, match="keeps numbers, texts, arrays, lists .*, not .*Path"):
        trainer(Odd(), Checkpoint(tmp_path / "odd")).fit(batches(), 1)


def test_only_older_steps_of_the_training_go(tmp_path):
    others = ["step-00009000.safetensors", "step-0001-notes.txt", "step-00000001.safetensors.bak"]
    for name in others:
        (tmp_path / name).write_text("somebody's")
    trainer(Checkpoint(tmp_path, every_steps=4, keep=2)).fit(batches(), 2)
    mine = ["last.safetensors", "step-00000008.safetensors", "step-00000012.safetensors"]
    assert sorted(os.listdir(tmp_path)) == sorted(others + mine)
    assert all((tmp_path / name).read_text() == "somebody's" for name in others)


def pipeline(threads=2):
    from test_train_trainer import task

    import mlx.data as dx

    x, y = task(200)
    b = dx.buffer_from_arrays(x=x, y=y).shuffle(3).to_stream().key_transform("x", lambda v: v * 2)
    return b.shuffle(40, seed=1).batch(16).prefetch(3, threads)


def long_training(folder, **options):
    model = mlp(norm=True, dropout=0.2)
    mx.random.seed(4)
    return Trainer(
        model,
        nn.losses.cross_entropy,
        optim.AdamW(optim.cosine_decay(1e-2, 60)),
        metrics=["accuracy"],
        clip_norm=1.0,
        callbacks=[
            EMA(0.9),
            EarlyStopping("val_loss", 50),
            Checkpoint(folder, "val_loss", every_steps=1),
        ],
        **options,
    )


def everything(t):
    arrays = {f"m{n}": w for n, w in weights(t.model).items()}
    arrays.update({f"e{n}": np.array(x) for n, x in t.callbacks[0].arrays().items()})
    arrays["random"] = np.array(mx.random.state[0])
    return {n: a.tobytes() for n, a in arrays.items()}, t.history.rows


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, trainer, logs):
        if trainer.global_step == self.step:
            raise InterruptedError


@pytest.mark.parametrize("options", [{}, {"accumulate": 3}, {"compute_dtype": mx.bfloat16}])
@pytest.mark.parametrize("length", [None, 7])
def test_going_on_from_any_step(tmp_path, options, length):
    whole = long_training(tmp_path / "whole", **options)
    whole.fit(pipeline(), 3, validation=batches(), steps_per_epoch=length)
    steps = whole.global_step
    for stop in (1, 3, steps // 3, steps // 3 + 1, steps - 1):
        first = long_training(tmp_path / str(stop), **options)
        first.callbacks.append(StopAt(stop))
        with pytest.raises(InterruptedError):
            first.fit(pipeline(), 3, validation=batches(), steps_per_epoch=length)
        second = long_training(tmp_path / str(stop), **options)
        second.callbacks.append(StopAt(-1))
        mx.random.seed(99)
        again = {"validation": batches(), "steps_per_epoch": length}
        second.fit(pipeline(5), 3, resume=tmp_path / str(stop), **again)
        assert second.global_step == steps
        assert everything(second) == everything(whole), stop


def test_lists_go_on_too(tmp_path):
    data = [(b["x"], b["y"]) for b in batches()]
    whole = long_training(tmp_path / "a")
    whole.fit(data, 3, validation=batches(), steps_per_epoch=4)
    first = long_training(tmp_path / "b")
    first.fit(data, 1, validation=batches(), steps_per_epoch=4)
    second = long_training(tmp_path / "b")
    second.fit(data, 3, validation=batches(), steps_per_epoch=4, resume=tmp_path / "b")
    assert everything(second) == everything(whole)


def test_checkpoints_of_others(tmp_path):
    folder = tmp_path / "run"
    long_training(folder).fit(pipeline(), 1, validation=batches())
    path, size = folder / "last.safetensors", (folder / "last.safetensors").stat().st_size
    wide = nn.Sequential(nn.Linear(2, 17), nn.ReLU(), nn.Linear(17, 3))
    before = weights(wide)
    for other, words in [
        (trainer(model=wide), "another model: it (lacks|has)"),
        (trainer(model=mlp()), "another model: it lacks layers.3"),
        (trainer(model=mlp(norm=True)), r"layers.3 is Dropout\(p=0.19.*\) there, .*p=0"),
        (Trainer(mlp(norm=True), nn.losses.cross_entropy, optim.SGD(0.1)), "another optimizer"),
    ]:
        with pytest.raises(ValueError, match=words):
            other.load(path)
    narrow = nn.Sequential(
        nn.Linear(2, 9), nn.BatchNorm(9), nn.ReLU(), nn.Dropout(0.0), nn.Linear(9, 3)
    )
    with pytest.raises(
        ValueError, match=r"layers.0.weight is \(16, 2\) of .*float32 there, \(9, 2\)"
    ):
        trainer(model=narrow).load(path)
    for name in before:
        np.testing.assert_array_equal(before[name], weights(wide)[name])
    assert path.stat().st_size == size
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[: size // 2])
    (tmp_path / "none.safetensors").write_bytes(b"")
    mx.save_safetensors(str(tmp_path / "plain.safetensors"), {"a": mx.ones(2)})
    for name in ("cut", "none", "plain"):
        with pytest.raises(ValueError, match="is no checkpoint: "):
            trainer().load(tmp_path / f"{name}.safetensors")
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        trainer().load(tmp_path / "x.safetensors")
    assert trainer().resume(tmp_path) is False
    t = long_training(folder)
    with pytest.raises(ValueError, match="another pipeline"):
        t.resume(folder)
        t.batch = 1
        t.fit(batches(), 2, validation=batches())


def changed(about, name, value):
    """What a checkpoint says with another value, or without it."""
    about = json.loads(about)
    if value is ...:
        del about[name]
    else:
        about[name] = value
    return json.dumps(about)


def test_checkpoints_that_say_what_cannot_be(tmp_path):
    def one():
        return trainer(EarlyStopping("loss", 2))

    first, path = one(), str(tmp_path / "a.safetensors")
    first.fit(batches(), 1)
    first.save(path)
    arrays, metadata = mx.load(path, return_metadata=True)
    good = metadata["mlx.train"]
    wrong = [(name, v) for name in json.loads(good) for v in (None, "x", -1, [3], {}, 1e300, ...)]
    may_be = [("data", v) for _, v in wrong[:-1]]  # which `fit` looks at
    forged = [changed(good, name, v) for name, v in wrong if (name, v) not in may_be]
    forged += ["null", "7", "[1]", changed(good, "callbacks", [{}])]
    best = {"best": 1.5, "monitor": "loss", "sign": -1, "waited": 1}
    forged += [changed(good, "callbacks", [{**best, "best": "x"}])]
    forged += [changed(good, "callbacks", [{**best, "waited": "x"}])]
    forged += [changed(good, "setup", {**json.loads(good)["setup"], "model": [3]})]
    t = one()
    t.fit(batches(), 2)
    before, state, rows = weights(t.model), t.callbacks[0].state_dict(), list(t.history)
    files = [(arrays, about) for about in forged]
    files += [({n: x for n, x in arrays.items() if n != "random"}, good)]
    files += [({**arrays, "random": mx.zeros(7)}, good)]
    for contents, about in files:
        mx.save_safetensors(path, contents, {"mlx.train": about})
        with pytest.raises(ValueError, match=r"\[train\] .*a.safetensors (is|has) "):
            t.load(path)
        assert t.callbacks[0].state_dict() == state and list(t.history) == rows
        for name, value in weights(t.model).items():
            np.testing.assert_array_equal(value, before[name])


def test_a_place_in_the_data_that_cannot_be(tmp_path):
    x, y = np.ones((8, 2), np.float32), np.zeros(8, np.int32)
    data, path = [(x, y)] * 5, str(tmp_path / "a.safetensors")
    first = trainer(TimeLimit(0))
    first.fit(data, 1)
    first.save(path)
    arrays, metadata = mx.load(path, return_metadata=True)
    good = json.loads(metadata["mlx.train"])["data"]
    for wrong in (
        {"place": {"taken": -1}},
        {"place": {"taken": 2.5}},
        {"place": 3},
        {"epoch": "x"},
    ):
        about = changed(metadata["mlx.train"], "data", {**good, **wrong})
        mx.save_safetensors(path, arrays, {"mlx.train": about})
        with pytest.raises(ValueError, match="no place in these data"):
            trainer(TimeLimit(9)).fit(data, 1, resume=path)
    for place in ("x", [], {}, 3):
        about = changed(metadata["mlx.train"], "data", place)
        mx.save_safetensors(path, arrays, {"mlx.train": about})
        with pytest.raises(ValueError, match="no place in these data"):
            trainer(TimeLimit(9)).fit(data, 1, resume=path)


def test_callbacks_refuse_before_the_first_step(tmp_path):
    (tmp_path / "file").write_text("")
    for make, words in [
        (lambda: EarlyStopping(patience=-1), "patience"),
        (lambda: EarlyStopping(patience="x"), "patience"),
        (lambda: EarlyStopping(min_delta=math.nan), "min_delta"),
        (lambda: Checkpoint(tmp_path, every_steps=1.5), "every_steps"),
        (lambda: Checkpoint(tmp_path, keep=-1), "keep"),
        (lambda: TensorBoard(tmp_path, every_steps=0), "every_steps"),
        (lambda: TimeLimit(math.nan), "seconds"),
        (lambda: EMA("x"), "decay"),
        (lambda: Progress(every=None), "every"),
    ]:
        with pytest.raises(ValueError, match=words):
            make()
    for callback in (
        Checkpoint(tmp_path / "file"),
        CSVLogger(tmp_path / "file" / "a.csv"),
        CSVLogger(tmp_path),
        TensorBoard(tmp_path / "file"),
    ):
        t = trainer(callback)
        with pytest.raises(OSError, match=r"\[train\] .* folder"):
            t.fit(batches(), 1)
        assert t.global_step == 0


def test_a_full_disk_leaves_the_file(tmp_path):
    t = long_training(tmp_path)
    t.fit(pipeline(), 1, validation=batches())
    before = (tmp_path / "last.safetensors").read_bytes()
    former, limit = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.RLIMIT_FSIZE
    most = resource.getrlimit(limit)
    resource.setrlimit(limit, (1024, most[1]))  # a file that grows beyond is as on a full disk
    try:
        with pytest.raises(RuntimeError, match="last.safetensors.*File too large"):
            t.save(tmp_path / "last.safetensors")
    finally:
        resource.setrlimit(limit, most)
        signal.signal(signal.SIGXFSZ, former)
    assert (tmp_path / "last.safetensors").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["best.safetensors", "last.safetensors"]
    with pytest.raises(ValueError, match="ends in .safetensors: run"):
        t.save("run")


# --- kill -9 --------------------------------------------------------------------------------------

PROGRAM = """
import sys, time
sys.path[:0] = {paths}
import mlx.core as mx
from mlx.train import Callback
from test_train_callbacks import long_training, pipeline, batches, everything
import hashlib, json

class Say(Callback):
    order = 200
    def state_dict(self): return {{}}
    def on_step_end(self, trainer, logs):
        print(trainer.global_step, flush=True)
        time.sleep(0.01)

t = long_training(sys.argv[1])
t.callbacks.append(Say())
t.fit(pipeline(), 4, validation=batches(), resume=sys.argv[1])
arrays, rows = everything(t)
print(json.dumps([{{n: hashlib.sha256(a).hexdigest() for n, a in arrays.items()}}, rows]))
"""


def test_kill_9(tmp_path):
    here = Path(__file__).parent
    program = PROGRAM.format(paths=[str(here), str(here.parent)])

    def start(folder):
        return subprocess.Popen(
            [sys.executable, "-c", program, folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    whole = start(tmp_path / "whole")
    wanted = whole.communicate(timeout=300)[0].splitlines()[-1]
    random, folder = choices("kill"), tmp_path / "killed"
    at, killed = 0, 0
    while True:
        process, at = start(folder), at + random.randint(3, 15)
        last = ""
        for line in process.stdout:
            last = line.strip()
            if last.isdigit() and int(last) >= at:
                time.sleep(random.random() * 0.02)
                process.send_signal(signal.SIGKILL)
        process.wait()
        errors = process.stderr.read()
        process.stdout.close(), process.stderr.close()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, errors
        killed += 1
    assert killed >= 2 and json.loads(last) == json.loads(wanted)
