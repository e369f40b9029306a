"""Logistic regression by gradient descent: a plane between two classes.

python -m methods.logistic_regression
"""

import mlx.core as mx
from common import Progress, arguments


def main(features=100, examples=1000, steps=1000, rate=0.1, seed=0):
    """Returns the share of examples that are classified right."""
    mx.random.seed(seed)
    truth = mx.random.normal((features,))
    x = mx.random.normal((examples, features))
    y = x @ truth > 0

    def loss(w):
        logits = x @ w
        return mx.mean(mx.logaddexp(0.0, logits) - y * logits)

    w = 1e-2 * mx.random.normal((features,))
    step, progress = mx.value_and_grad(loss), Progress(steps)
    for i in range(1, steps + 1):
        value, gradient = step(w)
        w = w - rate * gradient
        mx.eval(w)
        progress(i, loss=value)
    return mx.mean((x @ w > 0) == y).item()


if __name__ == "__main__":
    options = arguments(__doc__, steps=1000, rate=0.1)
    right = main(steps=options.steps, rate=options.rate, seed=options.seed)
    print(f"classified right: {100 * right:.1f}%")
