"""Small programs whose results must be the same under every implementation of `mlx`.

A case is a row: a name and an expression. `results()` evaluates them all; as a script, it writes
    the results to the
file that is named, so that another interpreter's package can be compared.
"""

import pickle
import sys

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.nn import losses  # noqa: F401 (the expressions use it)
from mlx.utils import tree_flatten

REDUCTIONS = ("none", "mean", "sum")


def x(*shape, dtype=mx.float32, scale=2.0):
    """A fixed array of some shape, with values between -scale and scale."""
    size = int(np.prod(shape))
    return mx.array((np.sin(np.arange(size) * 1.7 + 0.3) * scale).reshape(shape)).astype(dtype)


def loss_of(y):
    """A scalar that depends on every element differently."""
    return sum(
        (leaf * mx.cos(mx.arange(leaf.size)).reshape(leaf.shape)).sum()
        for _, leaf in tree_flatten(y)
    )


def layer(module, *inputs, **options):
    """All about a layer: its repr, parameters, outputs and gradients."""
    inputs_only = [i for i, value in enumerate(inputs) if is_float(value)]

    def run(parameters, floats):
        module.update(parameters)
        full = list(inputs)
        for i, value in zip(inputs_only, floats):
            full[i] = value
        return loss_of(module(*full, **options))

    output = module(*inputs, **options)
    parameters = module.trainable_parameters()
    state = {k: v for k, v in tree_flatten(module) if isinstance(v, mx.array)}
    arguments = (parameters, [inputs[i] for i in inputs_only])
    gradients = mx.grad(run, argnums=(0, 1))(*arguments) if inputs_only or parameters else {}
    return {
        "repr": repr(module),
        "parameters": parameters,
        "state": state,
        "output": output,
        "gradients": gradients,
    }


def drop_repr(result):
    """Without the repr, which here has an address."""
    return {key: value for key, value in result.items() if key != "repr"}


def bits(*shape):
    return (x(*shape) > 0).astype(mx.float32)


def probabilities(*shape):
    return mx.softmax(x(*shape, scale=1.0), axis=-1)


def causal(size):
    return nn.MultiHeadAttention.create_additive_causal_mask(size)


def mixed():
    """A model with layers that can be quantized and others."""
    inner = nn.Sequential(nn.Linear(64, 32, bias=False), nn.Tanh())
    return nn.Sequential(nn.Linear(64, 64), nn.Embedding(3, 64), inner)


def quantized(model, *args, **kwargs):
    nn.quantize(model, *args, **kwargs)
    return [model, dict(tree_flatten(model.parameters())), model.layers[0](x(2, 64))]


def eight_bits(path):
    return {"bits": 8} if path == "layers.1" else path == "layers.2.layers.0"


def random_after(k):
    """A function that makes the `k`-th layer from another and then draws a random number."""
    linear, embedding = nn.Linear(64, 64), nn.Embedding(3, 64)
    makers = [
        linear.to_quantized,
        embedding.to_quantized,
        lambda: nn.AllToShardedLinear.from_linear(linear),
        lambda: nn.QuantizedAllToShardedLinear.from_quantized_linear(linear.to_quantized()),
    ]

    def run():
        makers[k]()
        return mx.random.uniform()

    return run


class Masked(nn.Module):
    """Calls a module with a causal mask."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def __call__(self, x):
        return self.module(x, causal(x.shape[1]))


def trained(model, inputs, optimizer=None, compiled=False):
    """The losses of some steps towards a fixed target, and the parameters after them."""
    optimizer = optimizer or optim.SGD(0.05)
    loss_and_grad = nn.value_and_grad(model, lambda x, t: losses.mse_loss(model(x), t))
    state = [model.state, optimizer.state, mx.random.state]

    def step(x, target):
        loss, gradients = loss_and_grad(x, target)
        optimizer.update(model, gradients)
        return loss

    target = bits(*model.eval()(inputs).shape)
    model.train()
    optimizer.init(model.trainable_parameters())
    if compiled:
        step = mx.compile(step, inputs=state, outputs=state)
    history = [step(inputs, target) for _ in range(6)]
    return [history, model.parameters()]


def optimized(optimizer):
    return trained(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)), x(16, 4), optimizer)


def state_of(optimizer):
    optimized(optimizer)
    return optimizer.state


class Second(nn.Module):
    """Returns its second argument."""

    def __call__(self, first, second, *rest):
        return second


def is_float(value):
    return isinstance(value, mx.array) and mx.issubdtype(value.dtype, mx.floating)


def plain(leaf):
    """What can be pickled and compared: a NumPy array with its dtype's name, or a repr."""
    if not isinstance(leaf, mx.array):
        return repr(leaf)
    kind = str(leaf.dtype).rsplit(".", 1)[-1]
    return kind, np.array(leaf.astype(mx.float32) if kind == "bfloat16" else leaf)


def evaluate(expression):
    mx.random.seed(11)
    try:
        value = eval(expression, dict(globals()))
        return [(path, plain(leaf)) for path, leaf in tree_flatten(value)]
    except Exception as error:
        return [("error", type(error).__name__)]


def cases():
    """The rows, from all tables: (name, expression)."""
    from nn_tables import TABLE

    rows = TABLE.replace("\n    ", " ").splitlines()
    return [tuple(part.strip() for part in row.split(":", 1)) for row in rows if row]


def results():
    return {name: evaluate(expression) for name, expression in cases()}


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as file:
        pickle.dump(results(), file)
