"""A judge of drawn digits: a small network that has seen real ones, and their pixels."""

import samples
import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx import optimizers as optim
from vision.mnist_cnn import CNN
from vision.mnist_mlp import train


class Space:
    """Points in a space of features, and how near real ones are to each other in it."""

    def __init__(self, real, neighbours=3):
        self.real = real
        self.radius = np.sort(distances(real, real), axis=1)[:, neighbours]

    def has(self, points):
        """Which points are nearer to a real one than its third neighbour is."""
        return (distances(points, self.real) <= self.radius).any(axis=1)


def distances(a, b):
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)
    return np.sqrt(np.maximum(squares - 2 * a @ b.T, 0))


class Judge:
    """Compares images by their pixels and by the 64 features that the network tells digits by:
    noise is far from digits in the first, a blur of many digits in the second."""

    def __init__(self, real=4000):
        images, labels, test, test_labels = samples.mnist()
        mx.random.seed(0)
        self.model = CNN()
        data = images[:20000], labels[:20000], test, test_labels
        self.accuracy = train(self.model, optim.Adam(1e-3), data, epochs=2, batch=64, seed=0)
        self.pixels = Space(self.raw(test[:real]))
        self.seen = Space(self.features(test[:real]))

    @staticmethod
    def raw(images):
        return np.array(images).reshape(len(images), -1)

    def features(self, images):
        m, x = self.model, images[..., None]
        x = m.pool(nn.relu(m.norm1(m.conv1(x))))
        x = m.pool(nn.relu(m.norm2(m.conv2(x))))
        return np.array(nn.relu(m.linear1(x.reshape(len(x), -1))))

    def precision(self, images):
        """The share of images that lie among the real ones in both (Kynkäänniemi et al. 2019): of
        real images 0.76, of noise none."""
        return np.mean(self.pixels.has(self.raw(images)) & self.seen.has(self.features(images)))

    def digits(self, images):
        """How often each digit is seen."""
        seen = np.array(mx.argmax(self.model(images), axis=1))
        return np.bincount(seen, minlength=10)
