"""A multilayer perceptron on MNIST: above 98% of the test images after five epochs.

python -m vision.mnist_mlp --data DIR        DIR/mnist holds the four files
"""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments
from samples import batches, mnist


class MLP(nn.Module):
    """784 pixels through two hidden layers to 10 logits."""

    def __init__(self, hidden=512):
        super().__init__()
        self.layers = [nn.Linear(784, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 10)]

    def __call__(self, images):
        x = images.reshape(len(images), -1)
        for layer in self.layers[:-1]:
            x = nn.relu(layer(x))
        return self.layers[-1](x)


def accuracy(model, images, labels, size=2000):
    """The share of images whose largest logit is that of the label."""
    right = [
        mx.sum(mx.argmax(model(images[i : i + size]), axis=1) == labels[i : i + size])
        for i in range(0, len(images), size)
    ]
    return sum(r.item() for r in right) / len(images)


def train(model, optimizer, data, epochs, batch, seed, prepare=lambda images: images):
    """Minimise cross entropy; returns the accuracy on the test images."""
    train_images, train_labels, test_images, test_labels = data

    def loss(images, labels):
        return nn.losses.cross_entropy(model(images), labels, reduction="mean")

    state = [model.state, optimizer.state, mx.random.state]
    value_and_grad = nn.value_and_grad(model, loss)

    def step(images, labels):
        value, gradients = value_and_grad(prepare(images), labels)
        optimizer.update(model, gradients)
        return value

    step = mx.compile(step, inputs=state, outputs=state)
    random, progress = np.random.default_rng(seed), Progress(epochs * (len(train_images) // batch))
    model.train()
    stream = batches(batch, train_images, train_labels, random=random, epochs=epochs)
    for i, (images, labels) in enumerate(stream, 1):
        value = step(images, labels)
        mx.eval(state)
        progress(i, loss=value)
    model.eval()
    return accuracy(model, test_images, test_labels)


def main(data=None, epochs=5, batch=128, seed=0):
    """Returns the accuracy on the test images."""
    mx.random.seed(seed)
    model = MLP()
    mx.eval(model.parameters())
    return train(model, optim.Adam(1e-3), mnist(data), epochs, batch, seed)


if __name__ == "__main__":
    options = arguments(__doc__, epochs=5, batch=128)
    print(
        f"test accuracy: {100 * main(options.data, options.epochs, options.batch, options.seed):.2f}%"
    )
