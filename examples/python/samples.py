"""What the examples learn from: MNIST, and batches of arrays; a schedule, and averages of what they
learned."""

import sys

import mlx.core as mx
import mlx.optimizers as optim
from common import data_file
from mlx.data.datasets import load_mnist
from mlx.utils import tree_map


MNIST = [
    f"{part}-{kind}-ubyte.gz"
    for part in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
]


def mnist_buffer(data=None, train=True):
    """A buffer of images (28, 28, 1) of bytes and labels: those to train on, or to test."""
    folder = [data_file(data, "mnist", name) for name in MNIST][0].parent
    return load_mnist(folder, train)


def mnist(data=None):
    """Training images and labels, test images and labels. Images are (N, 28, 28) float32 in [0,
    1]."""

    def part(train):
        buffer = mnist_buffer(data, train)
        whole = buffer.batch(len(buffer))[0]
        images, labels = mx.array(whole["image"]).squeeze(-1), mx.array(whole["label"])
        return images.astype(mx.float32) / 255, labels.astype(mx.uint32)

    return *part(True), *part(False)


def batches(size, *arrays, random, epochs=1):
    """Batches of `size` rows of each array, in a random order (of a NumPy generator) that is another
    in each epoch; what is left over is dropped."""
    if size > len(arrays[0]):
        sys.exit(f"A batch of {size} is more than the {len(arrays[0])} examples there are.")
    for _ in range(epochs):
        order = random.permutation(len(arrays[0]))
        for start in range(0, len(order) - size + 1, size):
            rows = mx.array(order[start : start + size])
            yield tuple(a[rows] for a in arrays)


def rising_and_falling(rate, steps, share):
    """A learning rate that rises in a line for a share of the steps, and falls as a cosine."""
    rising = max(1, int(steps * share))
    falling = optim.cosine_decay(rate, max(1, steps - rising))
    return optim.join_schedules([optim.linear_schedule(1e-4, rate, rising), falling], [rising])


def follow(average, model, step, decay=0.995):
    """Move a model that is the moving average of another one: its first steps count less."""
    share = 1 - mx.minimum(decay, (1 + step) / (10 + step))
    mix = lambda old, new: old + share * (new - old)
    average.update(tree_map(mix, average.parameters(), model.parameters()))
