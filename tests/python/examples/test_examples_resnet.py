"""examples/python/vision/resnet.py: torchvision's networks, and what it reads."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from examples import needs_transformers, references
from mlx.data import images
from mlx.utils import tree_flatten

from vision import resnet

KINDS = {
    "18": (resnet.STAGES[18], resnet.Block, False),
    "50": (resnet.STAGES[50], resnet.Bottleneck, False),
    "small": ([1, 2], resnet.Block, True),
    "short": ([1, 1, 1, 1], resnet.Bottleneck, False),
}


def stored(folder, kind, width=8):
    """The weights of a network, drawn at random, as torchvision's files have them."""
    stages, block, small = KINDS[kind]
    model = resnet.ResNet(stages, block, 11, small, width)
    weights = {"bn1.num_batches_tracked": mx.array(3)}
    for name, x in tree_flatten(model.parameters()):
        x = mx.random.normal(x.shape) / max(1, x[0].size) ** 0.5 if x.ndim > 1 else x
        x = 0.2 * mx.random.uniform(0, 1, x.shape) + x if x.ndim == 1 else x
        weights[name] = x.transpose(0, 3, 1, 2) if x.ndim == 4 else x
    folder.mkdir(exist_ok=True)
    path = folder / f"{kind}.safetensors"
    mx.save_safetensors(str(path), weights)
    return path


@pytest.fixture
def photo(tmp_path):
    pytest.importorskip("PIL", reason="pictures need Pillow")
    pixels = (np.arange(60 * 80 * 3).reshape(60, 80, 3) % 251).astype(np.uint8)
    images.save(tmp_path / "photo.png", pixels)
    return tmp_path / "photo.png"


@needs_transformers
def test_a_restatement_in_torch(tmp_path):
    paths, x = [stored(tmp_path / kind, kind) for kind in KINDS], mx.random.normal((2, 32, 32, 3))
    for path in paths:
        np.save(path.parent / "x.npy", np.array(x))
    references("models_worker.py", "resnet", *paths)
    for path in paths:
        found, want = np.array(resnet.of_weights(path)(x)), np.load(path.parent / "logits.npy")
        assert np.abs(want).max() > 0.1
        np.testing.assert_allclose(found, want, atol=1e-4 * np.abs(want).max())


def test_a_block_by_formula():
    block = resnet.Block(3, 4, 2).eval()
    block.bn1.running_mean, block.bn1.running_var = mx.ones((4,)) * 0.1, mx.ones((4,)) * 2
    x = np.array(mx.random.normal((1, 6, 6, 3)), np.float64)

    def conv(x, w, stride):
        w, pad = np.array(w, np.float64), w.shape[1] // 2
        x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        views = np.lib.stride_tricks.sliding_window_view(x, w.shape[1:3], (1, 2))
        return np.einsum("bhwcij,oijc->bhwo", views[:, ::stride, ::stride], w)

    norm = lambda x, b: (x - np.array(b.running_mean)) / np.sqrt(np.array(b.running_var) + b.eps)
    y = np.maximum(norm(conv(x, block.conv1.weight, 2), block.bn1), 0)
    y = norm(conv(y, block.conv2.weight, 1), block.bn2)
    short, short_norm = block.downsample
    y = np.maximum(y + norm(conv(x, short.weight, 2), short_norm), 0)
    np.testing.assert_allclose(block(mx.array(x, mx.float32)), y, atol=1e-5)


def test_it_learns():
    model = resnet.ResNet([1, 1], classes=3, small=True, width=8)
    x, y = mx.random.normal((12, 8, 8, 3)), mx.arange(12) % 3
    step = nn.value_and_grad(model, lambda: nn.losses.cross_entropy(model(x), y, reduction="mean"))
    optimizer, losses = optim.SGD(0.05, momentum=0.9), []
    for _ in range(15):
        value, gradients = step()
        optimizer.update(model, gradients)
        losses.append(value.item())
    assert losses[-1] < 0.3 * losses[0]


def test_a_picture(tmp_path, photo, capsys):
    path = stored(tmp_path, "short")
    found = resnet.main(path, photo)
    assert len(found) == 5 and sorted(found, reverse=True) == found
    (tmp_path / "labels.txt").write_text("\n".join(f"thing {i}" for i in range(11)))
    named = resnet.main(path, photo, tmp_path / "labels.txt", 2)
    assert [n for _, n in named] == [n.replace("class", "thing") for _, n in found[:2]]
    assert named[0][1] in capsys.readouterr().out


def refused(match, call, *arguments):
    with pytest.raises(SystemExit, match=match) as e:
        call(*arguments)
    assert "\n" not in str(e.value)


def test_bad_weights(tmp_path):
    path = stored(tmp_path, "short")
    refused("cannot be read", resnet.of_weights, tmp_path / "none.pth")
    (tmp_path / "x.pth").write_bytes(b"no weights")
    refused("cannot be read", resnet.of_weights, tmp_path / "x.pth")
    weights = mx.load(str(path))
    for change, match in (
        ({"fc.weight": None}, "has no fc.weight"),
        ({"layer2.0.conv2.weight": None}, "layer2.0.conv2.weight is missing"),
        ({"extra.weight": mx.zeros((2, 2))}, "extra.weight is no part"),
        ({"layer1.0.conv2.weight": mx.zeros((4, 8, 3, 3))}, "conv2.weight has shape"),
    ):
        changed = {k: v for k, v in (weights | change).items() if v is not None}
        mx.save_safetensors(str(tmp_path / "bad.safetensors"), changed)
        refused(match, resnet.of_weights, tmp_path / "bad.safetensors")
    mx.save(str(tmp_path / "one.npy"), mx.zeros((3,)))
    refused("is no ResNet", resnet.of_weights, tmp_path / "one.npy")
    (tmp_path / "labels.txt").write_text("one\ntwo")
    refused("has 2 lines", resnet.labels_of, tmp_path / "labels.txt", 11)


def test_bad_pictures(tmp_path, photo):
    path = stored(tmp_path, "short")
    refused("cannot be read as an image", resnet.main, path, tmp_path / "none.jpg")
    photo.write_bytes(photo.read_bytes()[:300])
    refused("cannot be read as an image", resnet.main, path, photo)
