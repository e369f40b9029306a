"""MNIST with mlx.data and mlx.train: the same network as mnist_cnn.py, without a loop of one's own.
Above 98.5% of the test images after two epochs; a picture of what was not recognized. Stopped or
killed, it goes on.

python -m vision.mnist_trainer --data DIR --output run        DIR/mnist holds the four files
"""

from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import arguments
from pictures import write_png
from samples import mnist_buffer
from mlx.train import Checkpoint, LearningRateMonitor, Progress, Trainer
from vision.mnist_cnn import CNN


def batches(buffer, size):
    return buffer.batch(size).squeeze("image", -1).normalize("image", 0, 255)


def mistakes(trainer, buffer, path, side=10):
    """A picture of images whose label is not the likeliest, side by side."""
    scores = np.array(trainer.predict(batches(buffer, 500)))
    wrong = [i for i in range(len(buffer)) if scores[i].argmax() != buffer[i]["label"]]
    tiles = [buffer[i]["image"][..., 0] for i in wrong[: side * side]]
    tiles += [np.zeros((28, 28), np.uint8)] * (side * side - len(tiles))
    rows = [np.concatenate(tiles[i * side : (i + 1) * side], axis=1) for i in range(side)]
    write_png(path, np.concatenate(rows))
    return len(wrong)


def main(data=None, epochs=2, batch=64, seed=0, output="run"):
    """Returns the accuracy on the test images."""
    mx.random.seed(seed)
    train, test = mnist_buffer(data), mnist_buffer(data, train=False)
    steps = epochs * -(-len(train) // batch)
    trainer = Trainer(
        CNN(),
        nn.losses.cross_entropy,
        optim.AdamW(optim.cosine_decay(2e-3, steps)),
        metrics=["accuracy"],
        callbacks=[
            Progress(),
            LearningRateMonitor(),
            Checkpoint(output, "val_accuracy", every_steps=200),
        ],
    )
    stream = batches(train.shuffle(seed).to_stream(), batch).prefetch(8, 1)
    more = ["optimizer"]  # with more epochs the learning rate falls later
    history = trainer.fit(stream, epochs, validation=batches(test, 500), resume=output, other=more)
    print(history.plot(Path(output) / "history.png"))
    count = mistakes(trainer, test, Path(output) / "mistakes.png")
    print(f"{count} of {len(test)} images were not recognized: {Path(output) / 'mistakes.png'}")
    return history[-1]["val_accuracy"]


if __name__ == "__main__":
    o = arguments(__doc__, epochs=2, batch=64, output="run")
    print(f"test accuracy: {100 * main(o.data, o.epochs, o.batch, o.seed, o.output):.2f}%")
