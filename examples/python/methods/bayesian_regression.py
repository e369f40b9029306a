"""Bayesian regression by Hamiltonian Monte Carlo (Neal 2011): not one curve but as many as fit, with
several chains at once by vmap. Weights of nine bumps have a normal prior and the noise is known, so
the posterior has a closed form too (Bishop 2006, section 3.3), which the samples must agree with.

    python -m methods.bayesian_regression        writes bayesian_regression.png: the values and 60
                                                 curves from the posterior
"""

import mlx.core as mx
import numpy as np
from common import Progress, arguments
from plot import BLACK, BLUE, Plot

PRIOR, NOISE = 1.0, 0.2  # standard deviations of a weight and of a value's error


def bumps(x):
    """Features (N, 10) of points (N,): nine Gaussian bumps and a constant."""
    bumps = mx.exp(-0.5 * mx.square((x[:, None] - mx.linspace(-1, 1, 9)) / 0.25))
    return mx.concatenate([bumps, mx.ones((len(x), 1))], axis=1)


def posterior(features, y):
    """The mean and covariance of the weights (equations 3.53 and 3.54), in NumPy's float64."""
    f, y = np.array(features, np.float64), np.array(y, np.float64)
    covariance = np.linalg.inv(np.eye(f.shape[1]) / PRIOR**2 + f.T @ f / NOISE**2)
    return covariance @ f.T @ y / NOISE**2, covariance


def energy(w, features, y):
    """The negative log of prior times likelihood of one chain's weights, but for a constant."""
    wrong = (features @ w - y) / NOISE
    return 0.5 * mx.sum(mx.square(w / PRIOR)) + 0.5 * mx.sum(mx.square(wrong))


def transition(w, momentum, chance, stride, energy, leaps=20):
    """One step of one chain: a path along which energy is nearly kept, taken or not. Returns the
    weights and the probability of taking it."""
    slope = mx.grad(energy)
    new, p = w, momentum - 0.5 * stride * slope(w)
    for leap in range(leaps):
        new = new + stride * p
        p = p - (stride if leap < leaps - 1 else 0.5 * stride) * slope(new)
    before = energy(w) + 0.5 * mx.sum(mx.square(momentum))
    after = energy(new) + 0.5 * mx.sum(mx.square(p))
    taken = mx.exp(mx.minimum(before - after, 0))
    return mx.where(chance < taken, new, w), taken


def sample(energy, w, steps, warmup, stride=0.02, wanted=0.8):
    """Samples (steps, chains, weights) after a warmup, in which the stride is made as long as the
    wanted share of steps taken allows; and that share."""
    state = [mx.random.state]

    def step(w, stride):
        momentum, chance = mx.random.normal(w.shape), mx.random.uniform(shape=(len(w),))
        stride = stride * mx.random.uniform(0.8, 1.2)
        chains = mx.vmap(lambda w, p, c: transition(w, p, c, stride, energy))
        return chains(w, momentum, chance)

    step, progress = mx.compile(step, inputs=state, outputs=state), Progress(warmup + steps)
    kept, shares = [], []
    for i in range(1, warmup + steps + 1):
        w, taken = step(w, mx.array(stride))
        share = mx.mean(taken).item()
        progress(i, taken=share)
        if i <= warmup:
            stride *= np.exp(0.3 * (share - wanted))
        else:
            kept.append(w)
            shares.append(share)
    return mx.stack(kept), np.mean(shares)


def spread_of_chains(samples):
    """Gelman and Rubin's ratio for each weight: 1 where all chains tell the same."""
    draws = np.array(samples, np.float64)
    within = draws.var(axis=0, ddof=1).mean(axis=0)
    between = draws.mean(axis=0).var(axis=0, ddof=1)
    return np.sqrt((len(draws) - 1) / len(draws) + between / within)


def main(steps=400, warmup=200, chains=16, points=25, seed=0, output=None):
    """Returns the samples, and the mean and covariance of the true posterior."""
    mx.random.seed(seed)
    x = mx.random.uniform(-1, 1, (points,))
    y = mx.sin(3 * x) + NOISE * mx.random.normal((points,))
    features = bumps(x)
    start = PRIOR * mx.random.normal((chains, features.shape[1]))
    samples, share = sample(lambda w: energy(w, features, y), start, steps, warmup)
    print(
        f"{100 * share:.0f}% of steps taken; chains agree to {spread_of_chains(samples).max():.3f}"
    )
    if output:
        plot, across = Plot((-1.2, -2), (1.2, 2)), mx.linspace(-1.2, 1.2, 200)
        for w in samples[-1 :: -max(steps // 60, 1), 0][:60]:
            plot.line(across, bumps(across) @ w, (150, 170, 235), 0)
        plot.line(across, bumps(across) @ mx.mean(samples, axis=(0, 1)), BLUE)
        plot.points(x, y, BLACK)
        plot.write(output)
    return samples, *posterior(features, y)


if __name__ == "__main__":
    o = arguments(
        __doc__, steps=400, warmup=200, chains=16, points=25, output="bayesian_regression.png"
    )
    samples, mean, covariance = main(o.steps, o.warmup, o.chains, o.points, o.seed, o.output)
    found = np.array(samples).reshape(-1, len(mean))
    for i, (m, v) in enumerate(zip(mean, np.diag(covariance))):
        here = f"sampled {found[:, i].mean():6.3f} +- {found[:, i].std():.3f}"
        print(f"weight {i}: {here}    exact {m:6.3f} +- {v**0.5:.3f}")
