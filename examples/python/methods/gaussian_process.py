"""Gaussian process regression (Rasmussen and Williams 2006, chapters 2 and 5): from a few noisy
values to a curve and how sure of it one can be. The kernel's length, height and noise are those
that make the values likeliest, found by the gradient.

    python -m methods.gaussian_process        writes gaussian_process.png: the values, the curve,
                                              and two standard deviations around it
"""

import math

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments
from plot import BLACK, BLUE, GREY, Plot


def kernel(p, a, b):
    """The covariance of values at a (N,) and b (M,): near for points nearer than the length."""
    distance = (a[:, None] - b) / mx.exp(p["length"])
    return mx.exp(2 * p["height"] - 0.5 * mx.square(distance))


def factor(p, x, y):
    """The Cholesky factor L of the covariance of noisy values, and its inverse times y."""
    noise = mx.exp(2 * p["noise"]) * mx.eye(len(x), dtype=x.dtype)
    lower = mx.linalg.cholesky(kernel(p, x, x) + noise)
    return lower, mx.linalg.solve_triangular(lower, y[:, None], upper=False)


def surprise(p, x, y):
    """The negative log likelihood of the values y at x (equation 5.8), in nats."""
    lower, white = factor(p, x, y)
    half = mx.sum(mx.log(mx.diagonal(lower)))
    return 0.5 * mx.sum(mx.square(white)) + half + 0.5 * len(x) * math.log(2 * math.pi)


def predict(p, x, y, new):
    """The mean and the standard deviation of the curve at new points (algorithm 2.1)."""
    lower, white = factor(p, x, y)
    across = mx.linalg.solve_triangular(lower, kernel(p, x, new), upper=False)
    variance = mx.exp(2 * p["height"]) - mx.sum(mx.square(across), axis=0)
    return across.T @ white[:, 0], mx.sqrt(mx.maximum(variance, 0))


def fit(p, x, y, steps, rate):
    """The logarithms of length, height and noise of the least surprise."""
    optimizer, progress = optim.Adam(rate), Progress(steps)
    learn = mx.compile(mx.value_and_grad(surprise))
    for i in range(1, steps + 1):
        value, gradients = learn(p, x, y)
        p = optimizer.apply_gradients(gradients, p)
        mx.eval(p, optimizer.state)
        progress(i, surprise=value)
    return p


def truth(x):
    return np.sin(2 * x) + 0.3 * x


def samples(count, random, noise=0.15):
    """Noisy values of the truth on [-4, 4], with none between 0.5 and 2."""
    x = np.sort(random.uniform(-4, 2.5, count))
    x = np.where(x > 0.5, x + 1.5, x)
    return mx.array(x, mx.float64), mx.array(
        truth(x) + noise * random.normal(size=count), mx.float64
    )


def main(steps=300, rate=0.05, points=40, seed=0, output=None):
    """Returns the found length, height and noise, and the share of the true curve within two
    standard deviations."""
    x, y = samples(points, np.random.default_rng(seed))
    p = {name: mx.array(0.0, mx.float64) for name in ("length", "height", "noise")}
    p = fit(p, x, y, steps, rate)
    new = mx.linspace(-5, 5, 401, dtype=mx.float64)
    mean, deviation = predict(p, x, y, new)
    if output:
        plot = Plot((-5, -4), (5, 4))
        plot.band(new, mean - 2 * deviation, mean + 2 * deviation)
        plot.line(new, truth(np.array(new)), GREY, 0)
        plot.line(new, mean, BLUE)
        plot.points(x, y, BLACK)
        plot.write(output)
    inside = np.abs(truth(np.array(new)) - mean) <= 2 * np.array(deviation)
    return {name: math.exp(v.item()) for name, v in p.items()}, np.mean(inside)


if __name__ == "__main__":
    o = arguments(__doc__, steps=300, rate=0.05, points=40, output="gaussian_process.png")
    found, inside = main(o.steps, o.rate, o.points, o.seed, o.output)
    print(", ".join(f"{name} {value:.3f}" for name, value in found.items()))
    print(f"{100 * inside:.0f}% of the true curve lies in the band of {o.output}")
