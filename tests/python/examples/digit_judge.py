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


def moments(points):
    """Mean and covariance of points (N, D)."""
    return points.mean(0, np.float64), np.cov(points.T.astype(np.float64))


def gaussian(images, count=500):
    """Images of the normal distribution that has the mean and the covariance of images (N, 28,
    28): all that one can know of pairs of pixels."""
    mean, covariance = moments(np.array(images).reshape(len(images), -1))
    values, vectors = np.linalg.eigh(covariance)
    normal = np.random.default_rng(0).normal(size=(count, len(mean)))
    drawn = mean + normal * np.sqrt(np.maximum(values, 0)) @ vectors.T
    return mx.array(drawn.reshape(count, 28, 28).astype(np.float32))


class Judge:
    """Compares images by their pixels and by the 64 features that the network tells digits by:
    noise is far from digits in the first, a blur of many digits in the second."""

    def __init__(self, real=4000, seen=20000, epochs=2):
        images, labels, test, test_labels = samples.mnist()
        mx.random.seed(0)
        self.model, self.real = CNN(), test[:real]
        data = images[:seen], labels[:seen], test[:real], test_labels[:real]
        self.accuracy = train(self.model, optim.Adam(1e-3), data, epochs=epochs, batch=64, seed=0)

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
        pixels, seen = Space(self.raw(self.real)), Space(self.features(self.real))
        return np.mean(pixels.has(self.raw(images)) & seen.has(self.features(images)))

    def frechet(self, images):
        """How far the features are from those of real images, taken for normal distributions
        (Heusel et al. 2017): |m - n|^2 + tr(A + B - 2 sqrt(A B))."""
        (m, a), (n, b) = (moments(self.features(some)) for some in (images, self.real))
        values, vectors = np.linalg.eigh(a)
        root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
        both = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ b @ root), 0)).sum()
        return ((m - n) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * both

    def digits(self, images):
        """How often each digit is seen."""
        seen = np.array(mx.argmax(self.model(images), axis=1))
        return np.bincount(seen, minlength=10)
