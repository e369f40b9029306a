"""With a compute_dtype the model computes in it, and nothing else does: what `forward` computes of
the batch and of predictions keeps its digits."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.train import Mean, Trainer

from seeds import generator

DTYPES = [mx.bfloat16, mx.float16]
kinds = pytest.mark.parametrize("compiled", [True, False])
dtypes = pytest.mark.parametrize("dtype", DTYPES)


class Line(nn.Module):
    """x w + b, which tells of what dtype it was given; `parts` is no call."""

    def __init__(self, seen):
        super().__init__()
        self.inner, self._seen = nn.Linear(1, 1), seen
        self.inner.weight, self.inner.bias = mx.zeros((1, 1)), mx.array([2.0])

    def __call__(self, x, *, more=()):
        y = self.inner(x)
        arrays = [x, y, *more, self.inner.weight]
        self._seen.append([a.dtype for a in arrays])
        return y

    def parts(self, x):
        return self.inner(x), x


def trainer(model, forward, dtype, compiled, loss=nn.losses.mse_loss):
    options = {"compute_dtype": dtype, "compile": compiled, "forward": forward}
    return Trainer(model, loss, optim.SGD(0.0), **options)


X, Y = mx.zeros((2, 1)), mx.array([[3001.0], [1.0]])


@dtypes
@kinds
def test_a_target_that_forward_computes(dtype, compiled):
    def forward(model, batch):
        x, y = batch
        return model(x), y * 1.5 - 0.25, 1 + y / 3000

    seen = []
    ours = trainer(Line(seen), forward, dtype, compiled, lambda p, t: ((p - t) ** 2).squeeze(-1))
    target, weight = np.array([4501.25, 1.25]), 1 + np.array([3001, 1]) / 3000
    wanted = np.average((target - 2) ** 2, weights=weight)

    def squeezed(model, batch):
        p, t, w = forward(model, batch)
        return p, t, w.squeeze(-1)

    ours.forward = squeezed
    assert ours.evaluate([(X, Y)])["loss"] == pytest.approx(wanted, rel=1e-6)
    assert ours.step((X, Y))["loss"] == pytest.approx(wanted, rel=1e-6)
    assert seen[0] == [dtype] * 3


@dtypes
@kinds
def test_a_loss_that_forward_computes(dtype, compiled):
    def forward(model, batch):
        x, y = batch
        return (model(x) / 3 - y) ** 2, y

    ours = trainer(Line([]), forward, dtype, compiled, lambda value, _: value.mean())
    wanted = np.mean((np.float64(2) / 3 - np.array([3001.0, 1])) ** 2)
    for found in (ours.evaluate([(X, Y)]), ours.step((X, Y))):
        assert found["loss"] == pytest.approx(wanted, rel=1e-6)


@dtypes
def test_what_enters_and_leaves(dtype):
    """Calls from outside, of the model or of its layers, with arrays in lists and dicts; whole numbers,
    what is no array, and calls within calls are as they are."""
    seen, left, long = [], [], mx.array([[257.0], [1.0]])

    def forward(model, batch):
        x, y = batch
        first = model(x, more=(x, mx.arange(2)))
        second = model.inner(long)
        third, same = model.parts(long)
        left.append([a.dtype for a in (first, second, third, same, long)])
        assert type(model) is Line
        assert type(model).__name__ == "Line"
        return first + second + third, y

    model = Line(seen)
    trainer(model, forward, dtype, False).evaluate([(X, Y)])
    assert seen == [[dtype, dtype, dtype, mx.int32, dtype]]
    assert left == [[mx.float32] * 5]
    assert type(model) is Line and type(model.inner) is nn.Linear
    assert model.inner.weight.dtype == mx.float32


def test_an_error_within_leaves_the_model(tmp_path):
    def forward(model, batch):
        model(batch[0])
        raise KeyError("x")

    model = Line([])
    for compiled in (True, False):
        for call in ("evaluate", "fit", "predict"):
            ours = trainer(model, forward, mx.bfloat16, compiled)
            named = {"forward": forward} if call == "predict" else {}
            with pytest.raises(KeyError):
                getattr(ours, call)([(X, Y)], **named)
            assert type(model) is Line and type(model.inner) is nn.Linear
            assert model(X).dtype == mx.float32


@dtypes
@kinds
def test_gradients_are_those_of_the_rounded_model(dtype, compiled):
    """A step is the one of a loop that casts by hand."""
    random = generator(5)
    x = mx.array(random.normal(size=(16, 3)).astype(np.float32))
    y = mx.array(random.normal(size=(16, 1)).astype(np.float32))
    ours, theirs = nn.Linear(3, 1), nn.Linear(3, 1)
    theirs.update(ours.parameters())

    def loss(parameters):
        w, b = (parameters[name].astype(dtype) for name in ("weight", "bias"))
        return nn.losses.mse_loss((x.astype(dtype) @ w.T + b).astype(mx.float32), y + 1 / 3)

    gradients = mx.grad(loss)(theirs.parameters())
    for name, gradient in gradients.items():
        theirs[name] = theirs[name] - 0.1 * gradient
    options = {"compute_dtype": dtype, "compile": compiled}
    one = Trainer(
        ours,
        nn.losses.mse_loss,
        optim.SGD(0.1),
        forward=lambda model, batch: (model(batch[0]), batch[1] + 1 / 3),
        **options,
    )
    one.step((x, y))
    for name in ("weight", "bias"):
        np.testing.assert_allclose(np.array(ours[name]), np.array(theirs[name]), atol=2e-3)


def test_predictions_of_forward_keep_their_digits():
    """Measures see the targets that `forward` computes."""
    measured = []

    def difference(prediction, target):
        measured.append(target)
        return prediction - target

    model = Line([])
    options = {"compute_dtype": mx.bfloat16, "metrics": [Mean(difference)]}
    forward = lambda model, batch: (model(batch[0]), batch[1] + 0.125)  # noqa: E731
    ours = Trainer(model, nn.losses.mse_loss, optim.SGD(0.1), forward=forward, **options)
    ours.evaluate([(X, Y)])
    assert measured[0].tolist() == [[3001.125], [1.125]]
    found = ours.predict([(X, Y)], lambda model, batch: model(batch[0]) + batch[1])
    assert found.tolist() == [[3003.0], [3.0]]
