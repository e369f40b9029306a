"""The programs of examples/python do what their first lines say: short runs here, whole ones with
MLX_TEST_FULL=1."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "examples" / "python"))

import common

FULL = bool(os.environ.get("MLX_TEST_FULL"))
needs_data = pytest.mark.skipif(
    not common.data_folder().is_dir(), reason="no data (set MLX_TEST_DATA)"
)


def shortened_mnist(monkeypatch, module, train, test=2000):
    """Whole MNIST in a full run, the first images of it otherwise."""
    whole = common.mnist

    def some(data):
        images, labels, test_images, test_labels = whole(data)
        return images[:train], labels[:train], test_images[:test], test_labels[:test]

    if not FULL:
        monkeypatch.setattr(module, "mnist", some)


def test_linear_regression():
    import linear_regression

    assert linear_regression.main() < 5e-3


def test_logistic_regression():
    import logistic_regression

    assert logistic_regression.main() > 0.97


@needs_data
def test_mnist_mlp(monkeypatch):
    import mnist_mlp

    shortened_mnist(monkeypatch, mnist_mlp, 12800)
    assert mnist_mlp.main() > (0.975 if FULL else 0.93)


@needs_data
def test_mnist_cnn(monkeypatch):
    import mnist_cnn

    monkeypatch.setattr(mnist_cnn, "train", mnist_cnn.train)
    shortened_mnist(monkeypatch, mnist_cnn, 6400)
    assert mnist_cnn.main(epochs=3 if FULL else 1) > (0.99 if FULL else 0.85)


@pytest.mark.parametrize("name", ["mnist_trainer", "cifar_resnet", "text_trainer"])
def test_help(name):
    path = Path(common.__file__).with_name(f"{name}.py")
    done = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and f"python {name}.py --" in " ".join(done.stdout.split())


def is_png(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@needs_data
def test_mnist_trainer(monkeypatch, tmp_path):
    import mnist_trainer

    load = mnist_trainer.load
    if not FULL:
        parts = {True: 4480, False: 1000}
        monkeypatch.setattr(
            mnist_trainer, "load", lambda d, train=True: load(d, train)[: parts[train]]
        )
    accuracy = mnist_trainer.main(epochs=2 if FULL else 1, output=tmp_path)
    assert accuracy > (0.985 if FULL else 0.8)
    assert is_png(tmp_path / "mistakes.png") and (tmp_path / "best.safetensors").exists()
    assert (tmp_path / "history.txt").exists() or is_png(tmp_path / "history.png")


@needs_data
def test_cifar_resnet(monkeypatch, tmp_path):
    import cifar_resnet

    load = cifar_resnet.load
    if not FULL:
        monkeypatch.setattr(
            cifar_resnet, "load", lambda *a: [b[:n] for b, n in zip(load(*a), (640, 250))]
        )
    accuracy = cifar_resnet.main(epochs=20 if FULL else 4, output=tmp_path, width=16 if FULL else 8)
    assert accuracy > (0.5 if FULL else 0.13)
    assert is_png(tmp_path / "seen.png")


@needs_data
def test_text_trainer(tmp_path):
    import text_trainer

    path = tmp_path / "some.txt"
    whole = (common.data_folder() / "text" / "tinyshakespeare_input.txt").read_bytes()
    path.write_bytes(whole if FULL else whole[:80000])
    value, words = text_trainer.main(path, epochs=4 if FULL else 1, output=tmp_path / "out")
    assert value < (7 if FULL else 35)
    assert (
        words.startswith("The ") and "perplexity" in (tmp_path / "out" / "written.txt").read_text()
    )


@needs_data
def test_language_model(tmp_path):
    import language_model

    path = common.data_folder() / "text" / "tinyshakespeare_input.txt"
    loss, text = language_model.main(
        path, 600 if FULL else 60, output=tmp_path / "model.safetensors"
    )
    assert loss < (2.4 if FULL else 3.0)
    assert text.startswith("The ") and len(text) >= 400


@needs_data
def test_language_model_writes_the_same_with_and_without_cache():
    import language_model as lm
    import mlx.core as mx

    mx.random.seed(3)
    model = lm.LanguageModel(20)
    tokens = mx.random.randint(0, 20, (1, 9))
    whole, _ = model(tokens)
    cache, parts = None, []
    for i in range(9):
        logits, cache = model(tokens[:, i : i + 1], cache)
        parts.append(logits)
    np.testing.assert_allclose(whole, mx.concatenate(parts, axis=1), atol=2e-5)


@needs_data
def test_names_lstm(monkeypatch):
    import names_lstm

    if not FULL:
        names, rows = names_lstm.load(None)
        monkeypatch.setattr(names_lstm, "load", lambda data: (names, rows[:10000]))
    loss, invented = names_lstm.main(epochs=2 if FULL else 1)
    assert loss < (2.2 if FULL else 2.5)
    assert len(invented) == 10 and all(name.isalpha() or not name for name in invented)


@needs_data
def test_vae(monkeypatch, tmp_path):
    import vae

    shortened_mnist(monkeypatch, vae, 12800)
    path = tmp_path / "vae.pgm"
    assert vae.main(epochs=3 if FULL else 1, output=path) < (115 if FULL else 190)
    head, pixels = path.read_bytes().split(b" 255\n", 1)
    assert head == b"P5 448 84" and len(pixels) == 448 * 84


def test_flow_is_a_density_and_learns():
    import flow
    import mlx.core as mx

    value, model = flow.main(1500 if FULL else 250)
    assert value > (-0.9 if FULL else -1.5)
    # The density over a grid that holds nearly all of it sums to one.
    side = mx.linspace(-4, 4, 400)
    x, y = mx.meshgrid(side, side)
    points = mx.stack([x.flatten(), y.flatten()], axis=-1)
    mass = mx.sum(mx.exp(model.log_density(points))) * (8 / 399) ** 2
    assert mass.item() == pytest.approx(1, abs=0.03)
    # Forward undoes inverse.
    z = mx.random.normal((64, 2))
    back = z
    for layer in model.layers:
        back = layer.forward(back)
    for layer in reversed(model.layers):
        back = layer.inverse(back)[0]
    np.testing.assert_allclose(back, z, atol=1e-3)


@needs_data
def test_lora():
    import lora

    before, after, fused, share, _ = lora.main(steps=600 if FULL else 60)
    assert after < before - (0.5 if FULL else 0.2)
    assert fused == pytest.approx(after, abs=1e-3)
    assert share < 0.03


@needs_data
def test_speech_features():
    import speech_features

    folder = common.data_folder()
    published = np.load(folder / "whisper" / "mel_filters.npz")["mel_80"]
    np.testing.assert_allclose(speech_features.mel_filters(), published, atol=1e-7)
    samples = speech_features.read_wav(folder / "speech" / "jfk.wav")
    features = np.array(speech_features.log_mel(samples))
    assert features.shape == (1100, 80)
    # The same by NumPy.
    x = np.pad(np.array(samples, np.float64), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(x, 400)[::160][:1100]
    power = np.abs(np.fft.rfft(frames * np.hanning(401)[:-1])) ** 2
    bands = np.log10(np.maximum(power @ published.T, 1e-10))
    np.testing.assert_allclose(features, (np.maximum(bands, bands.max() - 8) + 4) / 4, atol=2e-4)
