"""The programs of examples/python/vision do what their first lines say."""

import pytest
from examples import FULL, is_png, needs_data, shortened_mnist


@needs_data
def test_mnist_mlp(monkeypatch):
    from vision import mnist_mlp

    shortened_mnist(monkeypatch, mnist_mlp, 12800)
    assert mnist_mlp.main() > (0.975 if FULL else 0.93)


@needs_data
def test_mnist_cnn(monkeypatch):
    from vision import mnist_cnn

    monkeypatch.setattr(mnist_cnn, "train", mnist_cnn.train)
    shortened_mnist(monkeypatch, mnist_cnn, 6400)
    assert mnist_cnn.main(epochs=3 if FULL else 1) > (0.99 if FULL else 0.85)


@needs_data
def test_mnist_trainer(monkeypatch, tmp_path):
    from vision import mnist_trainer

    load = mnist_trainer.mnist_buffer
    if not FULL:
        parts = {True: 4480, False: 1000}
        monkeypatch.setattr(
            mnist_trainer, "mnist_buffer", lambda d, train=True: load(d, train)[: parts[train]]
        )
    accuracy = mnist_trainer.main(epochs=2 if FULL else 1, output=tmp_path)
    assert accuracy > (0.985 if FULL else 0.8)
    assert is_png(tmp_path / "mistakes.png") and (tmp_path / "best.safetensors").exists()
    assert (tmp_path / "history.txt").exists() or is_png(tmp_path / "history.png")
    if not FULL:
        assert mnist_trainer.main(epochs=2, output=tmp_path) > accuracy
        with pytest.raises(ValueError, match="batch_size of batch is 32 here, 64 there"):
            mnist_trainer.main(epochs=3, batch=32, output=tmp_path)


@needs_data
def test_cifar_resnet(monkeypatch, tmp_path):
    from vision import cifar_resnet

    load = cifar_resnet.load
    if not FULL:
        monkeypatch.setattr(
            cifar_resnet, "load", lambda *a: [b[:n] for b, n in zip(load(*a), (640, 250))]
        )
    accuracy = cifar_resnet.main(epochs=20 if FULL else 4, output=tmp_path, width=16 if FULL else 8)
    assert accuracy > (0.5 if FULL else 0.13)
    assert is_png(tmp_path / "seen.png")
