"""A small residual network (He et al. 2015) on the first 2,000 images of CIFAR-10, with random crops
and mirrored images, a moving average of its parameters, and a picture of what it sees in the test
images. More than half of those are right after 20 epochs; all 50,000 images teach more:

python -m vision.cifar_resnet --data DIR --output cifar  DIR/cifar10_subset, or with --full DIR the
                                                  folder of CIFAR-10's binary version
"""

import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import arguments, data_file
from pictures import write_png
from samples import rising_and_falling
from mlx.data import buffer_from_arrays
from mlx.data.datasets import load_cifar10, read_cifar
from mlx.train import EMA, Progress, Trainer

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
MEAN, STD = [125.3, 123.0, 113.9], [63.0, 62.1, 66.7]


class Block(nn.Module):
    """Two convolutions and what they leave out: x + f(x)."""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm(out), nn.BatchNorm(out)
        same = stride == 1 and channels == out
        self.short = nn.Identity() if same else nn.Conv2d(channels, out, 1, stride, bias=False)

    def __call__(self, x):
        y = self.norm2(self.conv2(nn.relu(self.norm1(self.conv1(x)))))
        return nn.relu(self.short(x) + y)


class ResNet(nn.Module):
    """Images (B, 32, 32, 3) to logits (B, 10)."""

    def __init__(self, width=16, blocks=1):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm(width)
        sizes = [width, width, 2 * width, 4 * width]
        self.blocks = [
            Block(into if i == 0 else out, out, 2 if i == 0 and out > width else 1)
            for into, out in zip(sizes, sizes[1:])
            for i in range(blocks)
        ]
        self.last = nn.Linear(4 * width, 10)

    def __call__(self, x):
        x = nn.relu(self.norm(self.first(x)))
        for block in self.blocks:
            x = block(x)
        return self.last(x.mean((1, 2)))


def load(data=None, full=""):
    """Buffers of images and labels to train on and to test on."""
    if full:
        return load_cifar10(full), load_cifar10(full, train=False)
    names = ("cifar10_train_first2000.bin.gz", "cifar10_test_first1000.bin.gz")
    return [buffer_from_arrays(read_cifar(data_file(data, "cifar10_subset", n))) for n in names]


def picture(trainer, test, path, side=10):
    """The first test images, framed in green where they are right and in red where not."""
    scores = np.array(
        trainer.predict(test[: side * side].batch(side).normalize("image", MEAN, STD))
    )
    tiles = []
    for sample, score in zip(test[: side * side], scores):
        frame = [0, 170, 0] if score.argmax() == sample["label"] else [200, 0, 0]
        tile = np.full((36, 36, 3), frame, np.uint8)
        tile[2:34, 2:34] = sample["image"]
        tiles.append(tile)
    rows = [np.concatenate(tiles[i : i + side], axis=1) for i in range(0, len(tiles), side)]
    write_png(path, np.concatenate(rows))


def main(data=None, epochs=20, batch=64, seed=0, output="cifar", full="", width=16):
    """Returns the accuracy on the test images."""
    mx.random.seed(seed)
    train, test = load(data, full)
    if batch > len(train):
        sys.exit(f"A batch of {batch} is more than the {len(train)} images there are.")
    stream = (
        train.shuffle(seed)
        .to_stream()
        .image_random_crop("image", 32, 32, pad=4, seed=seed)
        .image_random_h_flip("image", seed=seed)
        .batch(batch, drop_last=True)
        .normalize("image", MEAN, STD)
        .prefetch(4, 1)
    )
    rate = rising_and_falling(4e-3, epochs * (len(train) // batch), 0.2)
    trainer = Trainer(
        ResNet(width),
        lambda p, t: nn.losses.cross_entropy(p, t, label_smoothing=0.1),
        optim.AdamW(rate, weight_decay=0.05),
        metrics=["accuracy", "confusion_matrix"],
        callbacks=[Progress(), EMA(0.99)],
    )
    others = test.batch(250).normalize("image", MEAN, STD)
    history = trainer.fit(stream, epochs, validation=others)
    Path(output).mkdir(parents=True, exist_ok=True)
    print(history.plot(Path(output) / "history.png"))
    for name, row in zip(CLASSES, history[-1]["val_confusion_matrix"]):
        print(f"{name:>10} {' '.join(f'{int(n):4}' for n in row)}")
    picture(trainer, test, Path(output) / "seen.png")
    print(f"what it sees: {Path(output) / 'seen.png'}")
    return history[-1]["val_accuracy"]


if __name__ == "__main__":
    o = arguments(__doc__, epochs=20, batch=64, output="cifar", full="")
    print(f"test accuracy: {100 * main(o.data, o.epochs, o.batch, o.seed, o.output, o.full):.2f}%")
