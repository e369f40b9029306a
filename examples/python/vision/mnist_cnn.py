"""A small convolutional network on MNIST: above 99% of the test images after three epochs.

python -m vision.mnist_cnn --data DIR        DIR/mnist holds the four files
"""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from common import arguments
from samples import mnist, rising_and_falling
from vision.mnist_mlp import train


class CNN(nn.Module):
    """Two blocks of convolution, batch norm and pooling, then two linear layers. Images are (B, 28,
    28)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.norm1 = nn.BatchNorm(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.norm2 = nn.BatchNorm(32)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.2)
        self.linear1 = nn.Linear(7 * 7 * 32, 64)
        self.linear2 = nn.Linear(64, 10)

    def __call__(self, images):
        x = images[..., None]
        x = self.pool(nn.relu(self.norm1(self.conv1(x))))
        x = self.pool(nn.relu(self.norm2(self.conv2(x))))
        x = self.dropout(x.reshape(len(x), -1))
        return self.linear2(nn.relu(self.linear1(x)))


def main(data=None, epochs=3, batch=64, seed=0):
    """Returns the accuracy on the test images."""
    mx.random.seed(seed)
    model = CNN()
    mx.eval(model.parameters())
    sets = mnist(data)
    rate = rising_and_falling(2e-3, epochs * (len(sets[0]) // batch), 0.1)
    return train(model, optim.AdamW(rate), sets, epochs, batch, seed)


if __name__ == "__main__":
    options = arguments(__doc__, epochs=3, batch=64)
    print(
        f"test accuracy: {100 * main(options.data, options.epochs, options.batch, options.seed):.2f}%"
    )
