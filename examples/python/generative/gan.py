"""A generative adversarial network on MNIST (Goodfellow et al. 2014; convolutions as in Radford et
al. 2015): one network draws digits, another tells them from real ones, and each learns from the
other. The second is kept smooth by the penalty R1 (Mescheder et al. 2018) on its gradient at real
images, whose own gradient takes second derivatives.

    python -m generative.gan --data DIR

Writes gan.png: 64 digits, each row of them on the way from one code to another.
"""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments, check_multiple
from pictures import image_grid, write_png
from samples import batches, follow, mnist

CODES = 64


class Generator(nn.Module):
    """Codes (B, 64) to images (B, 28, 28, 1) in [0, 1]."""

    def __init__(self, width=48):
        super().__init__()
        self.width = width
        self.first = nn.Linear(CODES, 7 * 7 * 2 * width)
        self.grow1 = nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1)
        self.grow2 = nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm(2 * width), nn.BatchNorm(width)

    def __call__(self, codes):
        x = self.first(codes).reshape(-1, 7, 7, 2 * self.width)
        x = nn.relu(self.norm2(self.grow1(nn.relu(self.norm1(x)))))
        return mx.sigmoid(self.grow2(x))


class Critic(nn.Module):
    """How real images (B, 28, 28, 1) look, as logits (B,)."""

    def __init__(self, width=32):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)
        self.last = nn.Linear(7 * 7 * 2 * width, 1)

    def __call__(self, images):
        x = nn.leaky_relu(self.conv1(images), 0.2)
        x = nn.leaky_relu(self.conv2(x), 0.2)
        return self.last(x.reshape(len(x), -1))[:, 0]


def steepness(critic, images):
    """The mean squared length of the critic's gradient at the images."""
    slope = mx.grad(lambda x: mx.sum(critic(x)))(images)
    return mx.mean(mx.sum(mx.square(slope), axis=(1, 2, 3)))


def critic_loss(critic, real, drawn, penalty=0.2):
    wrong = mx.mean(nn.softplus(-critic(real))) + mx.mean(nn.softplus(critic(drawn)))
    return wrong + penalty / 2 * steepness(critic, real)


def generator_loss(generator, critic, codes):
    return mx.mean(nn.softplus(-critic(generator(codes))))


def stepper(generator, average, critic, optimizers):
    """A compiled step of both networks, from a batch of real images to both losses; `average` follows
    the generator."""
    by_generator = nn.value_and_grad(generator, lambda z: generator_loss(generator, critic, z))
    by_critic = nn.value_and_grad(critic, lambda real, drawn: critic_loss(critic, real, drawn))

    def step(real):
        codes = mx.random.normal((2, len(real), CODES))
        cost, gradients = by_critic(real, mx.stop_gradient(generator(codes[0])))
        optimizers[0].update(critic, gradients)
        value, gradients = by_generator(codes[1])
        optimizers[1].update(generator, gradients)
        follow(average, generator, optimizers[1].step)
        return cost, value

    state = [generator.state, average.state, critic.state, mx.random.state]
    state += [optimizer.state for optimizer in optimizers]
    return mx.compile(step, inputs=state, outputs=state), state


def between(count, steps):
    """Codes (count * steps, 64): each `steps` of them on a way from one to another."""
    first, last = mx.random.normal((2, count, 1, CODES))
    angle = mx.linspace(0, np.pi / 2, steps)[:, None]
    return (mx.cos(angle) * first + mx.sin(angle) * last).reshape(-1, CODES)


def main(data=None, epochs=3, batch=64, seed=0, width=48, output=None):
    """Returns the generator, whose images of codes (B, 64) are (B, 28, 28, 1)."""
    mx.random.seed(seed)
    images = mnist(data)[0][..., None]
    generator, average, critic = Generator(width), Generator(width), Critic(2 * width // 3)
    average.update(generator.parameters())
    rates = (1e-3, 5e-4)  # the critic runs ahead (Heusel et al. 2017)
    optimizers = [optim.Adam(r, betas=[0.0, 0.99], bias_correction=True) for r in rates]
    step, state = stepper(generator, average, critic, optimizers)
    total, random = epochs * (len(images) // batch), np.random.default_rng(seed)
    progress = Progress(total)
    stream = batches(batch, images, random=random, epochs=epochs)
    for i, (real,) in enumerate(stream, 1):
        cost, value = step(real)
        mx.eval(state, cost, value)
        progress(i, critic=cost, generator=value)
    if output:
        write_png(output, image_grid(average(between(8, 8))[..., 0], 8))
    return average


if __name__ == "__main__":
    o = arguments(__doc__, epochs=3, batch=64, width=48, output="gan.png")
    check_multiple(o, "width", 3)
    generator = main(o.data, o.epochs, o.batch, o.seed, o.width, o.output)
    ink = f"{100 * mx.mean(generator(mx.random.normal((64, CODES)))).item():.1f}%"
    print(f"digits in {o.output}; ink on {ink} of a page, on real ones 13.1%")
