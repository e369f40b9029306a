"""A diffusion model of MNIST (Ho, Jain and Abbeel 2020, "Denoising Diffusion Probabilistic
Models"): a network learns to tell the noise in a digit, and noise becomes a digit by taking a little
away many times. The schedule is the cosine of Nichol and Dhariwal 2021; samples come from a moving
average of the weights.

    python -m generative.ddpm --data DIR        writes ddpm.png: 64 digits, and one on its way
"""

import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments
from pictures import image_grid, write_png
from samples import batches, mnist
from mlx.utils import tree_map


class Block(nn.Module):
    """Two convolutions with a shortcut around them; the time shifts what lies between."""

    def __init__(self, channels, out, time):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, channels), nn.GroupNorm(8, out)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.time = nn.Linear(time, out)
        self.shortcut = nn.Linear(channels, out) if channels != out else nn.Identity()

    def __call__(self, x, time):
        h = self.conv1(nn.silu(self.norm1(x))) + self.time(time)[:, None, None]
        return self.shortcut(x) + self.conv2(nn.silu(self.norm2(h)))


class UNet(nn.Module):
    """The noise in images (B, 28, 28, 1) at times (B,): down to 7 by 7 and up again, where each
    size sees what that size looked like on the way down."""

    def __init__(self, width=16):
        super().__init__()
        self.width, w, time = width, width, 4 * width
        self.clock = nn.SinusoidalPositionalEncoding(time, scale=1)
        self.time = nn.Sequential(nn.Linear(time, time), nn.SiLU(), nn.Linear(time, time))
        self.first = nn.Conv2d(1, w, 3, padding=1)
        self.down = [Block(w, w, time), Block(w, 2 * w, time), Block(2 * w, 4 * w, time)]
        self.middle = Block(4 * w, 4 * w, time)
        self.up = [Block(8 * w, 2 * w, time), Block(4 * w, w, time), Block(2 * w, w, time)]
        self.norm, self.last = nn.GroupNorm(8, w), nn.Conv2d(w, 1, 3, padding=1)
        self.pool, self.grow = nn.AvgPool2d(2), nn.Upsample(2)

    def __call__(self, x, time):
        time, x = nn.silu(self.time(self.clock(time))), self.first(x)
        seen = []
        for block in self.down:
            seen.append(block(self.pool(x) if seen else x, time))
            x = seen[-1]
        x = self.middle(x, time)
        for block in self.up:
            x = block(mx.concatenate([x, seen.pop()], axis=-1), time)
            x = self.grow(x) if seen else x
        return self.last(nn.silu(self.norm(x)))


class Diffusion:
    """The process over times 0 ... steps-1. `kept[t]` is how much of the image's variance is left
    at t, the paper's alpha bar."""

    def __init__(self, steps=250):
        t = mx.arange(steps + 1) / steps
        curve = mx.square(mx.cos((t + 0.008) / 1.008 * math.pi / 2))
        self.steps = steps
        self.beta = mx.minimum(1 - curve[1:] / curve[:-1], 0.999)
        self.kept = mx.cumprod(1 - self.beta)
        self.before = mx.concatenate([mx.ones(1), self.kept[:-1]])

    def noisy(self, images, noise, t):
        """The images at times t (B,): equation 4."""
        kept = self.kept[t][:, None, None, None]
        return mx.sqrt(kept) * images + mx.sqrt(1 - kept) * noise

    def back(self, x, noise, t):
        """One step from t to t-1, given the noise in x: the mean and variance of equation 7, with
        the image that the noise implies held to [-1, 1]."""
        kept, before, beta = self.kept[t], self.before[t], self.beta[t]
        image = mx.clip((x - mx.sqrt(1 - kept) * noise) / mx.sqrt(kept), -1, 1)
        mean = mx.sqrt(before) * beta * image + mx.sqrt(1 - beta) * (1 - before) * x
        spread = mx.sqrt(beta * (1 - before) / (1 - kept))
        return mean / (1 - kept) + spread * mx.random.normal(x.shape)

    def sample(self, model, count, watch=lambda t, x: None):
        """`count` new images from pure noise; `watch` sees each step."""
        state = [model.state, mx.random.state]

        def step(x, t):
            return self.back(x, model(x, mx.broadcast_to(t, (count,))), t)

        step = mx.compile(step, inputs=state, outputs=state)
        x, progress = mx.random.normal((count, 28, 28, 1)), Progress(self.steps)
        for t in reversed(range(self.steps)):
            watch(t, x)
            x = step(x, mx.array(t))
            mx.eval(x, state)
            progress(self.steps - t)
        return x


def train(model, diffusion, images, epochs, batch, seed, decay=0.995):
    """Returns the mean loss of the last hundred steps and the moving average of the model."""
    total = epochs * (len(images) // batch)
    average, optimizer = UNet(model.width), optim.Adam(optim.cosine_decay(2e-3, total))
    average.update(model.parameters())
    state = [model.state, average.state, optimizer.state, mx.random.state]

    def loss(x):
        t, noise = mx.random.randint(0, diffusion.steps, (len(x),)), mx.random.normal(x.shape)
        return mx.mean(mx.square(model(diffusion.noisy(x, noise, t), t) - noise))

    value_and_grad = nn.value_and_grad(model, loss)

    def mix(old, new):
        return decay * old + (1 - decay) * new

    def step(x):
        value, gradients = value_and_grad(x)
        optimizer.update(model, gradients)
        average.update(tree_map(mix, average.parameters(), model.parameters()))
        return value

    step = mx.compile(step, inputs=state, outputs=state)
    random, losses, progress = np.random.default_rng(seed), [], Progress(total)
    stream = batches(batch, images, random=random, epochs=epochs)
    for i, (x,) in enumerate(stream, 1):
        value = step(x)
        mx.eval(state, value)
        losses.append(value.item())
        progress(i, loss=np.mean(losses[-100:]))
    return np.mean(losses[-100:]), average


def main(data=None, epochs=10, batch=64, seed=0, width=16, steps=250, output=None):
    """Returns the last loss and 64 new images (64, 28, 28) in [0, 1]."""
    mx.random.seed(seed)
    images = 2 * mnist(data)[0][..., None] - 1
    model, diffusion = UNet(width), Diffusion(steps)
    loss, model = train(model, diffusion, images, epochs, batch, seed)
    way = []
    watched = {*range(0, steps, max(steps // 8, 1))}
    digits = diffusion.sample(model, 64, lambda t, x: way.append(x[:1]) if t in watched else None)
    digits, way = digits[..., 0] / 2 + 0.5, mx.concatenate(way[-7:])[..., 0] / 2 + 0.5
    if output:
        write_png(output, image_grid(mx.concatenate([digits, way, digits[:1]]), 8))
    return loss, mx.clip(digits, 0, 1)


if __name__ == "__main__":
    o = arguments(__doc__, epochs=10, batch=64, width=16, steps=250, output="ddpm.png")
    loss, _ = main(o.data, o.epochs, o.batch, o.seed, o.width, o.steps, o.output)
    print(
        f"mean squared error of the noise: {loss:.4f}; digits in {o.output}, the last row one on its way"
    )
