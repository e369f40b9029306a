"""A neural ordinary differential equation (Chen et al. 2018): a network gives the derivative of a
point's motion, learned from a spiral. Gradients come from the adjoint equation, solved backwards in
time, so nothing of the way there has to be kept.

    python -m methods.neural_ode        writes neural_ode.png: the spiral and what was learned of it
"""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments
from mlx.utils import tree_flatten, tree_unflatten
from plot import BLUE, GREY, Plot

# The method of Dormand and Prince 1980: the times and weights of its seven derivatives, whose last
# row is the result of fifth order, and that row's difference from the one of fourth order.
TIMES = (0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1)
WEIGHTS = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR = (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


def along(y, h, weights, slopes):
    """y + h times the weighted sum of slopes, for a state that is a list of arrays."""
    return [
        a + h * sum(w * s for w, s in zip(weights, parts) if w) for a, *parts in zip(y, *slopes)
    ]


def runge_kutta(f, y, start, end, steps=1):
    """y(end) from y(start) and y' = f(t, y): the classic method of fourth order in equal steps."""
    h = (end - start) / steps
    for i in range(steps):
        t = start + i * h
        a = f(t, y)
        b = f(t + h / 2, along(y, h, [1 / 2], [a]))
        c = f(t + h / 2, along(y, h, [1 / 2], [b]))
        d = f(t + h, along(y, h, [1], [c]))
        y = along(y, h, [1 / 6, 1 / 3, 1 / 3, 1 / 6], [a, b, c, d])
    return y


def dormand_prince(f, y, start, end, tolerance=1e-6):
    """The same in steps as long as the tolerated error of each allows."""
    t, h = start, (end - start) / 10
    while abs(end - t) > 1e-9 * abs(end - start):
        h = min(h, end - t, key=abs)
        slopes = []
        for time, weights in zip(TIMES, WEIGHTS):
            new = along(y, h, weights, slopes) if slopes else y
            slopes.append(f(t + time * h, new))
        errors = along([0] * len(y), h, ERROR, slopes)
        share = [mx.max(mx.abs(e) / (1 + mx.abs(n))) for e, n in zip(errors, new)]
        error = mx.max(mx.stack(share)).item() / tolerance
        if error < 1:
            t, y = t + h, new
        h *= min(5, max(0.2, 0.9 * (error + 1e-12) ** -0.2))
        if not abs(h) > 1e-12 * abs(end - start):
            raise ArithmeticError(f"no step at time {t} is short enough for the tolerance")
    return y


def solution(field, solver):
    """A function of (parameters, y, times) that is the path (T, ...) of y' = field(parameters, t, y)
    from y at times[0] on. `times` is a list of numbers."""

    def solve(parameters, y, times):
        path = [y]
        for start, end in zip(times, times[1:]):
            path += solver(lambda t, s: [field(parameters, t, s[0])], path[-1:], start, end)
        return mx.stack(path)

    return solve


def adjoint(field, solver):
    """The same function, whose derivative is a differential equation too: a(t), the loss by y(t),
    falls along the path by a' = -a df/dy, and the parameters' gradient grows by a df/dp."""

    def path(parameters, y, times):
        forward = mx.custom_function(lambda p, y: solution(field, solver)(p, y, times))

        @forward.vjp
        def backward(primals, cotangent, path):
            names, leaves = zip(*tree_flatten(primals[0]))

            def slopes(t, state):
                """The derivatives of y, a and the gradients."""

                def f(y, *leaves):
                    return field(tree_unflatten(list(zip(names, leaves))), t, y)

                (slope,), pulled = mx.vjp(f, [state[0], *leaves], [state[1]])
                return [slope, *(-p for p in pulled)]

            a, gradients = cotangent[-1], [mx.zeros_like(leaf) for leaf in leaves]
            for i in reversed(range(1, len(times))):
                state = [path[i], a, *gradients]
                _, a, *gradients = solver(slopes, state, times[i], times[i - 1])
                a = a + cotangent[i - 1]
            return tree_unflatten(list(zip(names, gradients))), a

        return forward(parameters, y)

    return path


class Field(nn.Module):
    """The derivative at points (B, 2), from the cubes of their coordinates."""

    def __init__(self, hidden=50):
        super().__init__()
        self.hidden, self.out = nn.Linear(2, hidden), nn.Linear(hidden, 2)

    def __call__(self, y):
        return self.out(mx.tanh(self.hidden(y**3)))


def spiral(p, t, y):
    """The truth: y' = A y^3."""
    return y**3 @ mx.array([[-0.1, 2.0], [-2.0, -0.1]])


def main(steps=2000, batch=64, seed=0, output=None):
    """Returns the mean distance of the learned path from the true one, over fifteen units of time."""
    mx.random.seed(seed)
    random, model = np.random.default_rng(seed), Field()
    times, start = np.linspace(0, 15, 601).tolist(), mx.array([[2.0, 0.0]])
    truth = solution(spiral, dormand_prince)({}, start, times)[:, 0]

    def field(parameters, t, y):
        model.update(parameters)
        return model(y)

    path, short = adjoint(field, runge_kutta), times[:11]

    def loss(parameters, pieces):
        """Of pieces (11, B, 2) of the path."""
        return mx.mean(mx.abs(path(parameters, pieces[0], short) - pieces))

    optimizer, parameters = optim.Adam(optim.cosine_decay(5e-3, steps)), model.parameters()
    learn, progress = mx.compile(mx.value_and_grad(loss)), Progress(steps)
    for i in range(1, steps + 1):
        rows = random.integers(0, len(times) - len(short), batch) + np.arange(len(short))[:, None]
        value, gradients = learn(parameters, truth[mx.array(rows)])
        parameters = optimizer.apply_gradients(gradients, parameters)
        mx.eval(parameters, optimizer.state)
        progress(i, loss=value)
    learned = solution(field, dormand_prince)(parameters, start, times)[:, 0]
    if output:
        plot = Plot((-2.2, -2.2), (2.2, 2.2), 480, 480)
        plot.points(*np.array(truth).T, GREY)
        plot.line(*np.array(learned).T, BLUE)
        plot.write(output)
    return mx.mean(mx.linalg.norm(learned - truth, axis=-1)).item()


if __name__ == "__main__":
    o = arguments(__doc__, steps=2000, batch=64, output="neural_ode.png")
    distance = main(o.steps, o.batch, o.seed, o.output)
    print(f"mean distance from the true path: {distance:.3f}; both in {o.output}")
