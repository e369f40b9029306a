"""A diffusion model of MNIST (Ho, Jain and Abbeel 2020, "Denoising Diffusion Probabilistic
Models"): a network learns to tell the noise in a digit, and noise becomes a digit by taking a little
away many times. The schedule is the cosine of Nichol and Dhariwal 2021, what the network gives the
velocity of Salimans and Ho 2022. It is told which digit, or not: what makes the difference is taken
further (Ho and Salimans 2022, "Classifier-Free Diffusion Guidance"). Samples come from a moving
average of the weights.

    python -m generative.ddpm --data DIR        writes ddpm.png: digits 0 to 9, and one on its way
"""

import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments, check_multiple
from pictures import image_grid, write_png
from samples import batches, follow, mnist

NO_DIGIT = 10  # the label where none is told


class Block(nn.Module):
    """Two convolutions with a shortcut around them; time and digit scale and shift what lies
    between."""

    def __init__(self, channels, out, time):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, channels), nn.GroupNorm(8, out)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.time = nn.Linear(time, 2 * out)
        self.shortcut = nn.Linear(channels, out) if channels != out else nn.Identity()

    def __call__(self, x, time):
        h = self.norm2(self.conv1(nn.silu(self.norm1(x))))
        scale, shift = mx.split(self.time(time)[:, None, None], 2, axis=-1)
        return self.shortcut(x) + self.conv2(nn.silu(h * (1 + scale) + shift))


class Attention(nn.Module):
    """Each place of (B, H, W, C) sees all others; a shortcut around."""

    def __init__(self, channels):
        super().__init__()
        self.norm, self.attention = nn.GroupNorm(8, channels), nn.MultiHeadAttention(channels, 4)

    def __call__(self, x):
        h = self.norm(x).flatten(1, 2)
        return x + self.attention(h, h, h).reshape(x.shape)


def fold(images):
    """Images (B, 28, 28, 1) as (B, 14, 14, 4): squares of four pixels become channels."""
    return images.reshape(-1, 14, 2, 14, 2).swapaxes(2, 3).reshape(-1, 14, 14, 4)


def unfold(x):
    return x.reshape(-1, 14, 14, 2, 2).swapaxes(2, 3).reshape(-1, 28, 28, 1)


class UNet(nn.Module):
    """The velocity in images (B, 28, 28, 1) of digits (B,) at times (B,): from 14 by 14 down to 7
    by 7 and up again, where each size sees what that size looked like on the way down."""

    def __init__(self, width=32):
        super().__init__()
        self.width, w, time = width, width, 4 * width
        self.clock = nn.SinusoidalPositionalEncoding(time, scale=1)
        self.time = nn.Sequential(nn.Linear(time, time), nn.SiLU(), nn.Linear(time, time))
        self.digit, self.attention = nn.Embedding(NO_DIGIT + 1, time), Attention(2 * w)
        self.digit.weight = mx.random.normal((NO_DIGIT + 1, time))
        # Where a place is: noise alone does not say, and a convolution does not ask.
        self.place = [mx.random.normal((14, 14, w)), mx.random.normal((7, 7, 2 * w))]
        self.first = nn.Conv2d(4, w, 3, padding=1)
        self.down = [Block(w, w, time), Block(w, 2 * w, time)]
        self.middle = [Block(2 * w, 2 * w, time), Block(2 * w, 2 * w, time)]
        self.up = [Block(4 * w, w, time), Block(2 * w, w, time)]
        self.norm, self.last = nn.GroupNorm(8, w), nn.Conv2d(w, 4, 3, padding=1)
        self.pool, self.grow = nn.AvgPool2d(2), nn.Upsample(2)

    def __call__(self, x, time, digit):
        time = nn.silu(self.time(self.clock(time)) + self.digit(digit))
        x = self.first(fold(x)) + self.place[0]
        seen = []
        for block in self.down:
            seen.append(block(self.pool(x) if seen else x, time))
            x = seen[-1]
        x = self.middle[0](x + self.place[1], time)
        x = self.middle[1](self.attention(x), time)
        for block in self.up:
            x = block(mx.concatenate([x, seen.pop()], axis=-1), time)
            x = self.grow(x) if seen else x
        return unfold(self.last(nn.silu(self.norm(x))))


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

    def parts(self, t):
        """How much of the image and of the noise there is at times t (B,)."""
        kept = self.kept[t][:, None, None, None]
        return mx.sqrt(kept), mx.sqrt(1 - kept)

    def noisy(self, images, noise, t):
        """The images at times t: equation 4."""
        image, other = self.parts(t)
        return image * images + other * noise

    def velocity(self, images, noise, t):
        """Where the image goes when it becomes noise."""
        image, other = self.parts(t)
        return image * noise - other * images

    def back(self, x, velocity, t):
        """One step from t to t-1, given the velocity at x: the mean and variance of equation 7, with
        the image that it implies held to [-1, 1]."""
        kept, before, beta = self.kept[t], self.before[t], self.beta[t]
        image = mx.clip(mx.sqrt(kept) * x - mx.sqrt(1 - kept) * velocity, -1, 1)
        mean = mx.sqrt(before) * beta * image + mx.sqrt(1 - beta) * (1 - before) * x
        spread = mx.sqrt(beta * (1 - before) / (1 - kept))
        return mean / (1 - kept) + spread * mx.random.normal(x.shape)

    def sample(self, model, digits, guidance=2.0, watch=lambda t, x: None):
        """New images of digits (N,) from pure noise; `watch` sees each step. The velocity is that of
        the digit and so many times what it differs in from that of any digit."""
        state = [model.state, mx.random.state]
        both = mx.concatenate([digits, mx.full(digits.shape, NO_DIGIT, digits.dtype)])

        def step(x, t):
            times = mx.broadcast_to(t, both.shape)
            told, any_digit = mx.split(model(mx.concatenate([x, x]), times, both), 2)
            return self.back(x, told + guidance * (told - any_digit), t)

        step = mx.compile(step, inputs=state, outputs=state)
        x, progress = mx.random.normal((len(digits), 28, 28, 1)), Progress(self.steps)
        for t in reversed(range(self.steps)):
            watch(t, x)
            x = step(x, mx.array(t))
            mx.eval(x, state)
            progress(self.steps - t)
        return x


def train(model, diffusion, images, labels, epochs, batch, seed, untold=0.1):
    """Returns the mean loss of the last hundred steps and the moving average of the model, which is
    not told the digit of so large a share of the images."""
    total = epochs * (len(images) // batch)
    optimizer = optim.Adam(optim.cosine_decay(2e-3, total), bias_correction=True)
    average = UNet(model.width)
    average.update(model.parameters())
    state = [model.state, average.state, optimizer.state, mx.random.state]

    def loss(x, digit):
        t, noise = mx.random.randint(0, diffusion.steps, (len(x),)), mx.random.normal(x.shape)
        digit = mx.where(mx.random.uniform(shape=digit.shape) < untold, NO_DIGIT, digit)
        wrong = model(diffusion.noisy(x, noise, t), t, digit) - diffusion.velocity(x, noise, t)
        return mx.mean(mx.square(wrong))

    value_and_grad = nn.value_and_grad(model, loss)

    def step(x, digit):
        value, gradients = value_and_grad(x, digit)
        optimizer.update(model, gradients)
        follow(average, model, optimizer.step)
        return value

    step = mx.compile(step, inputs=state, outputs=state)
    random, losses, progress = np.random.default_rng(seed), [], Progress(total)
    stream = batches(batch, images, labels, random=random, epochs=epochs)
    for i, (x, digit) in enumerate(stream, 1):
        value = step(x, digit)
        mx.eval(state, value)
        losses.append(value.item())
        progress(i, loss=np.mean(losses[-100:]))
    return np.mean(losses[-100:]), average


def main(data=None, epochs=3, batch=64, seed=0, width=32, steps=250, output=None):
    """Returns the last loss and 80 new images (80, 28, 28) in [0, 1], of 0 to 9 again and again."""
    mx.random.seed(seed)
    images, labels = mnist(data)[:2]
    model, diffusion = UNet(width), Diffusion(steps)
    loss, model = train(model, diffusion, 2 * images[..., None] - 1, labels, epochs, batch, seed)
    way, watched = [], {*range(0, steps, max(steps // 10, 1))}
    watch = lambda t, x: way.append(x[3:4]) if t in watched else None
    digits = diffusion.sample(model, mx.arange(80) % 10, watch=watch)
    digits, way = digits[..., 0] / 2 + 0.5, mx.concatenate(way[-9:])[..., 0] / 2 + 0.5
    if output:
        write_png(output, image_grid(mx.concatenate([digits, way, digits[3:4]]), 10))
    return loss, mx.clip(digits, 0, 1)


if __name__ == "__main__":
    o = arguments(__doc__, epochs=3, batch=64, width=32, steps=250, output="ddpm.png")
    check_multiple(o, "width", 8)
    loss, _ = main(o.data, o.epochs, o.batch, o.seed, o.width, o.steps, o.output)
    print(
        f"mean squared error of the velocity: {loss:.4f}; digits in {o.output}, the last row one on its way"
    )
