"""Programs as one calls them, with their options: short runs on little data. speech.speech_commands
learns words that are made; what is no folder of words ends in a sentence."""

import re
import struct
import subprocess
import sys

import numpy as np
import pytest
from examples import EXAMPLES, FULL, is_png, needs_pillow, program

from mlx.data import audio
from speech import made_words, speech_commands


def test_words_are_what_was_asked_for(tmp_path):
    made_words.write(tmp_path / "a", speakers=5, seed=4)
    made_words.write(tmp_path / "b", speakers=5, seed=4)
    words, train, test = speech_commands.recordings(tmp_path / "a")
    assert words == sorted(made_words.WORDS) and len(train) == 32 and len(test) == 8
    assert all("0004_nohash_0" in sample["file"] for sample in test)
    for sample in train:
        samples, rate = audio.load(sample["file"])
        again, _ = audio.load(sample["file"].replace("/a/", "/b/"))
        assert rate == 16000 and samples.shape == (16000, 1) and np.array_equal(samples, again)
        assert 0.1 < np.abs(samples).max() < 1
    # Without a list every speaker is on one side.
    (tmp_path / "a" / "testing_list.txt").unlink()
    for word in words:
        for i in range(40):
            (tmp_path / "a" / word / f"{i:04x}_nohash_1.wav").touch()
    _, train, test = speech_commands.recordings(tmp_path / "a")
    speakers = [{s["file"].split("/")[-1].split("_")[0] for s in part} for part in (train, test)]
    assert not speakers[0] & speakers[1] and 0 < len(test) < len(train)


def test_new_speakers_are_understood(tmp_path, monkeypatch, capsys):
    if not FULL:
        some = {word: made_words.WORDS[word] for word in ("yes", "no", "up", "stop")}
        monkeypatch.setattr(made_words, "WORDS", some)
    folder = made_words.write(tmp_path / "words", 60 if FULL else 20, seed=1)
    model, words, accuracy = speech_commands.main(
        str(folder), epochs=8, batch=16 if FULL else 8, output=str(tmp_path / "out")
    )
    assert accuracy > (0.95 if FULL else 0.85)
    assert "val_accuracy" in capsys.readouterr().out
    assert (tmp_path / "out" / "best.safetensors").is_file()
    heard = [
        speech_commands.listen(model, words, folder / word / "0004_nohash_0.wav")[0]
        for word in words
    ]
    assert np.mean([a == b for a, b in zip(heard, words)]) >= 0.75


def test_what_is_no_folder_of_words(tmp_path):
    def said(*words):
        text = program("speech.speech_commands", "--output", tmp_path / "out", *words)
        assert len(text.strip().splitlines()) == 1, text
        return text

    assert "no folder" in said("--words", tmp_path / "none")
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    assert "bad.wav" in said("--wav", tmp_path / "bad.wav")
    assert "at least two" in said("--words", tmp_path)
    for word in ("yes", "no"):
        (tmp_path / word).mkdir()
        (tmp_path / word / "a_nohash_0.wav").write_bytes(b"RIFF")
    assert "0 to test on" in said("--words", tmp_path)
    (tmp_path / "testing_list.txt").write_text("yes/a_nohash_0.wav\n")
    assert "a_nohash_0.wav" in said("--words", tmp_path)
    assert not (tmp_path / "out" / "best.safetensors").exists()


def write_idx(path, array):
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(head + array.tobytes())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A little of MNIST's and CIFAR's kind, unpacked, and a text."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "mnist").mkdir()
    for part, count in (("train", 128), ("t10k", 64)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = np.zeros((count, 28, 28), np.uint8)
        for image, label in zip(images, labels):
            image[4 : 8 + 2 * label, 6:20] = 255
        write_idx(folder / "mnist" / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / "mnist" / f"{part}-labels-idx1-ubyte", labels)
    records = np.zeros((20, 3073), np.uint8)
    records[:, 0] = np.arange(20) % 10
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        (folder / f"{name}.bin").write_bytes(np.repeat(records, 5, axis=0).tobytes())
    (folder / "text.txt").write_text(
        "It was a dark and stormy night; the rain fell in torrents. " * 80
    )
    return folder


# A program, its options, and what it says at its end.
RUNS = [
    ("methods.linear_regression", "--steps 30 --rate 0.2 --seed 3", "largest error"),
    ("methods.logistic_regression", "--steps 30 --rate 0.2 --seed 3", "classified right"),
    ("methods.gcn", "--graph blocks --steps 5 --rate 0.02 --seed 2", "right: .* nodes"),
    ("methods.pca", "--data DATA --output OUT.png", "OUT.png"),
    ("methods.gaussian_process", "--steps 5 --rate 0.1 --points 20 --output OUT.png", "OUT.png"),
    (
        "methods.bayesian_regression",
        "--steps 4 --warmup 4 --chains 2 --points 12 --output OUT.png",
        "exact",
    ),
    ("methods.neural_ode", "--steps 2 --batch 4 --output OUT.png", "OUT.png"),
    ("methods.ppo", "--rounds 1 --carts 2 --output OUT.png", "OUT.png"),
    ("vision.mnist_mlp", "--data DATA --epochs 1 --batch 32 --seed 2", "test accuracy: "),
    ("vision.mnist_cnn", "--data DATA --epochs 1 --batch 64 --seed 2", "test accuracy: "),
    ("vision.mnist_trainer", "--data DATA --epochs 1 --batch 32 --output OUT", "test accuracy: "),
    ("vision.cifar_resnet", "--full DATA --epochs 1 --batch 50 --output OUT", "test accuracy: "),
    ("generative.vae", "--data DATA --epochs 1 --batch 64 --output OUT.png", "OUT.png"),
    ("generative.gan", "--data DATA --epochs 1 --batch 64 --width 3 --output OUT.png", "OUT.png"),
    (
        "generative.ddpm",
        "--data DATA --epochs 1 --batch 64 --width 8 --steps 3 --output OUT.png",
        "error of the velocity: .* OUT.png",
    ),
    ("generative.flow", "--steps 2 --batch 64 --seed 1 --output OUT.png", "OUT.png"),
    ("language.language_model", "--text DATA/text.txt --steps 2 --output OUT.safetensors", "OUT"),
    ("language.text_trainer", "--text DATA/text.txt --epochs 1 --batch 8 --output OUT", "OUT"),
    ("speech.made_words", "--speakers 1 --seed 2 --output OUT", "OUT"),
]


def called(name, *words):
    command = [sys.executable, "-m", name, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLES)


@pytest.mark.parametrize("name, words, says", RUNS, ids=[name for name, _, _ in RUNS])
def test_a_program_from_start_to_end(data, tmp_path, name, words, says):
    out = tmp_path / "out"
    if "png" in words or "vision" in name:
        needs_pillow()
    words = words.replace("DATA", str(data)).replace("OUT", str(out)).split()
    done = called(name, *words)
    assert done.returncode == 0, done.stderr
    assert re.search(says.replace("OUT", str(out)), done.stdout), done.stdout
    assert "Traceback" not in done.stderr
    for word in words:
        assert not word.endswith(".png") or is_png(tmp_path / "out.png")


@pytest.mark.parametrize("name", ["vision.mnist_trainer", "language.text_trainer"])
def test_a_program_that_goes_on(data, tmp_path, name):
    """The second call trains the epochs that are left; other options are refused by name."""
    common = ["--data", data] if "mnist" in name else ["--text", data / "text.txt"]
    common += ["--output", tmp_path / "run", "--batch"]
    assert "epoch 1 " in called(name, *common, 32, "--epochs", 1).stderr
    said = called(name, *common, 32, "--epochs", 2).stderr
    assert "epoch 2 " in said and "epoch 1 " not in said
    said = called(name, *common, 16, "--epochs", 3)
    assert "batch_size of batch is 16 here, 32 there" in said.stderr and said.returncode == 1
    assert "Traceback" not in said.stderr
