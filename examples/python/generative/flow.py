"""A normalizing flow (Dinh et al. 2017, "Real NVP") that learns the density of two interleaved half
circles.

    python -m generative.flow        writes flow.png: its density and samples
"""

import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments
from plot import Plot


class Coupling(nn.Module):
    """Scale and shift one coordinate by functions of the other: invertible, with a triangular
    derivative. It changes nothing at first."""

    def __init__(self, first, hidden=64):
        super().__init__()
        self.first = first
        self.net = nn.Sequential(
            nn.Linear(1, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, 2),
        )
        last = self.net.layers[-1]
        last.update({name: mx.zeros_like(p) for name, p in last.parameters().items()})

    def _parts(self, x):
        a, b = x[:, :1], x[:, 1:]
        a, b = (a, b) if self.first else (b, a)
        scale, shift = mx.split(self.net(a), 2, axis=-1)
        return a, b, 2 * mx.tanh(scale / 2), shift

    def _join(self, a, b):
        return mx.concatenate([a, b] if self.first else [b, a], axis=-1)

    def forward(self, z):
        """From the normal distribution to the data."""
        a, b, scale, shift = self._parts(z)
        return self._join(a, b * mx.exp(scale) + shift)

    def inverse(self, x):
        """From the data; and the log determinant of the derivative."""
        a, b, scale, shift = self._parts(x)
        return self._join(a, (b - shift) * mx.exp(-scale)), -scale[:, 0]


class Flow(nn.Module):
    """Eight couplings, each on the other coordinate."""

    def __init__(self, layers=8):
        super().__init__()
        self.layers = [Coupling(i % 2 == 0) for i in range(layers)]

    def log_density(self, x):
        """log p(x) of points (B, 2)."""
        total = 0
        for layer in reversed(self.layers):
            x, log_determinant = layer.inverse(x)
            total = total + log_determinant
        return total - 0.5 * mx.sum(mx.square(x), axis=-1) - math.log(2 * math.pi)

    def sample(self, count):
        x = mx.random.normal((count, 2))
        for layer in self.layers:
            x = layer.forward(x)
        return x


def moons(count, noise=0.06):
    """Points on two half circles, (count, 2)."""
    angle = math.pi * mx.random.uniform(shape=(count,))
    upper = mx.random.bernoulli(shape=(count,))
    x = mx.where(upper, mx.cos(angle), 1 - mx.cos(angle)) - 0.5
    y = mx.where(upper, mx.sin(angle), 0.5 - mx.sin(angle)) - 0.25
    return mx.stack([x, y], axis=-1) + noise * mx.random.normal((count, 2))


def picture(path, flow, low=(-2.2, -1.6), high=(2.2, 1.6), width=440, height=320):
    """Writes where the density is high, in blue, under samples in black."""
    x, y = mx.meshgrid(mx.linspace(low[0], high[0], width), mx.linspace(high[1], low[1], height))
    density = mx.exp(flow.log_density(mx.stack([x.flatten(), y.flatten()], axis=-1)))
    shade = (density / mx.max(density)).reshape(height, width, 1) ** 0.5
    plot = Plot(low, high, width, height)
    plot.pixels[:] = np.array(255 - shade * mx.array([225, 195, 55]))
    plot.points(*np.array(flow.sample(500)).T, radius=1)
    plot.write(path)


def main(steps=3000, batch=512, seed=0):
    """Returns the mean log density of new points, in nats, and the flow."""
    mx.random.seed(seed)
    flow = Flow()
    optimizer = optim.Adam(optim.cosine_decay(2e-3, steps), bias_correction=True)
    state = [flow.state, optimizer.state, mx.random.state]
    value_and_grad = nn.value_and_grad(flow, lambda x: -mx.mean(flow.log_density(x)))

    def step():
        value, gradients = value_and_grad(moons(batch))
        gradients, _ = optim.clip_grad_norm(gradients, 1)  # a point far out has a large one
        optimizer.update(flow, gradients)
        return value

    step = mx.compile(step, inputs=state, outputs=state)
    progress = Progress(steps)
    for i in range(1, steps + 1):
        value = step()
        mx.eval(state, value)
        progress(i, loss=value)
    return mx.mean(flow.log_density(moons(4096))).item(), flow


if __name__ == "__main__":
    options = arguments(__doc__, steps=3000, batch=512, output="flow.png")
    value, flow = main(options.steps, options.batch, options.seed)
    picture(options.output, flow)
    print(
        f"mean log density of new points: {value:.3f} nats, of the truth -0.464; a picture in {options.output}"
    )
