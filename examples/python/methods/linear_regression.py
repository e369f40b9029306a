"""Linear regression by gradient descent: recovers the weights that made the data.

python -m methods.linear_regression
"""

import mlx.core as mx
from common import Progress, arguments


def main(features=100, examples=1000, steps=400, rate=0.1, seed=0):
    """Returns the largest difference between a true and a found weight."""
    mx.random.seed(seed)
    truth = mx.random.normal((features,))
    x = mx.random.normal((examples, features))
    y = x @ truth + 1e-2 * mx.random.normal((examples,))

    def loss(w):
        return 0.5 * mx.mean(mx.square(x @ w - y))

    w = 1e-2 * mx.random.normal((features,))
    step, progress = mx.value_and_grad(loss), Progress(steps)
    for i in range(1, steps + 1):
        value, gradient = step(w)
        w = w - rate * gradient
        mx.eval(w)
        progress(i, loss=value)
    return mx.max(mx.abs(w - truth)).item()


if __name__ == "__main__":
    options = arguments(__doc__, steps=400, rate=0.1)
    error = main(steps=options.steps, rate=options.rate, seed=options.seed)
    print(f"largest error of a weight: {error:.5f}")
