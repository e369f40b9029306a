"""A variational autoencoder on MNIST (Kingma and Welling 2014): an image as 16 numbers, and back.

    python -m generative.vae --data DIR

Writes vae.png: test images, their reconstructions, and new images.
"""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments
from pictures import image_grid, write_png
from samples import batches, mnist


class VAE(nn.Module):
    """Images (B, 784) in [0, 1] to logits of pixels, and mean and log variance of the code (B,
    codes)."""

    def __init__(self, hidden=400, codes=16):
        super().__init__()
        self.encoder, self.code = nn.Linear(784, hidden), nn.Linear(hidden, 2 * codes)
        self.decoder = nn.Sequential(nn.Linear(codes, hidden), nn.ReLU(), nn.Linear(hidden, 784))

    def __call__(self, images):
        mean, log_variance = mx.split(self.code(nn.relu(self.encoder(images))), 2, axis=-1)
        z = mean + mx.exp(0.5 * log_variance) * mx.random.normal(mean.shape)
        return self.decoder(z), mean, log_variance


def loss(model, images):
    """The negative evidence lower bound in nats an image."""
    logits, mean, log_variance = model(images)
    pixels = nn.losses.binary_cross_entropy(logits, images, reduction="none").sum(axis=-1)
    divergence = -0.5 * mx.sum(1 + log_variance - mx.square(mean) - mx.exp(log_variance), axis=-1)
    return mx.mean(pixels + divergence)


def main(data=None, epochs=10, batch=128, seed=0, output=None):
    """Returns the loss on the test images, in nats an image."""
    mx.random.seed(seed)
    images, _, test, _ = mnist(data)
    images, test = images.reshape(-1, 784), test.reshape(-1, 784)
    model, optimizer = VAE(), optim.Adam(1e-3)
    state = [model.state, optimizer.state, mx.random.state]
    value_and_grad = nn.value_and_grad(model, lambda x: loss(model, x))

    def step(x):
        value, gradients = value_and_grad(x)
        optimizer.update(model, gradients)
        return value

    step = mx.compile(step, inputs=state, outputs=state)
    random, progress = np.random.default_rng(seed), Progress(epochs * (len(images) // batch))
    for i, (x,) in enumerate(batches(batch, images, random=random, epochs=epochs), 1):
        value = step(x)
        mx.eval(state)
        progress(i, loss=value)
    if output:
        seen, new = model(test[:16])[0], model.decoder(mx.random.normal((16, 16)))
        rows = mx.concatenate([test[:16], mx.sigmoid(seen), mx.sigmoid(new)])
        write_png(output, image_grid(rows.reshape(-1, 28, 28), 16))
    return loss(model, test).item()


if __name__ == "__main__":
    options = arguments(__doc__, epochs=10, batch=128, output="vae.png")
    value = main(options.data, options.epochs, options.batch, options.seed, options.output)
    print(f"loss: {value:.1f} nats an image; pictures in {options.output}")
