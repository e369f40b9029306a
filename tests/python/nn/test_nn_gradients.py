import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from ops_check import near
from seeds import generator

X = mx.array(generator(0).normal(size=(4, 3)).astype(np.float32))


def test_value_and_grad():
    model = nn.Linear(3, 2)

    def loss(x, scale=1.0):
        """Words."""
        return (model(x) ** 2).sum() * scale

    function = nn.value_and_grad(model, loss)
    assert function.__name__ == "loss" and function.__doc__ == "Words."
    value, gradients = function(X, scale=2.0)
    y = np.array(model(X))
    np.testing.assert_allclose(value, 2 * (y**2).sum(), 1e-5)
    near(gradients["weight"], 4 * y.T @ np.array(X), 16)
    near(gradients["bias"], 4 * y.sum(0), 16)


def test_only_trainable_parameters_have_gradients():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm(3), nn.Linear(3, 1))
    model.layers[0].freeze()
    _, gradients = nn.value_and_grad(model, lambda x: model(x).sum())(X)
    assert gradients["layers"][0] == {}
    assert gradients["layers"][1].keys() == {"weight", "bias"}
    assert gradients["layers"][2].keys() == {"weight", "bias"}


def test_the_model_is_as_before():
    model = nn.Linear(3, 2)
    weight = model.weight
    nn.value_and_grad(model, lambda x: model(x).sum())(X)
    assert model.weight is weight

    def fails(x):
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        nn.value_and_grad(model, fails)(X)
    assert model.weight is weight


def test_more_results():
    model = nn.Linear(3, 2)
    function = nn.value_and_grad(model, lambda m, x: (m(x).sum(), x.shape))
    (value, shape), gradients = function(model, X)
    assert shape == (4, 3) and gradients["bias"].tolist() == [4, 4]


def test_state_changes_inside_remain():
    model = nn.BatchNorm(3)
    nn.value_and_grad(model, lambda x: model(x).sum())(X)
    near(model.running_mean, 0.1 * np.array(X).mean(0), 16)


def test_checkpoint():
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    again = nn.utils.checkpoint(model)
    assert np.array_equal(again(X), model(X))
    plain = nn.value_and_grad(model, lambda x: model(x).sum())(X)[1]
    other = nn.value_and_grad(model, lambda x: again(x).sum())(X)[1]
    np.testing.assert_allclose(plain["layers"][0]["weight"], other["layers"][0]["weight"], 1e-5)
    gradients = [mx.grad(lambda x: f(x).sum())(X) for f in (model, again)]
    np.testing.assert_allclose(*gradients, 1e-5)


def test_checkpoint_of_a_function():
    model = nn.Linear(3, 2)
    function = nn.utils.checkpoint(model, lambda x, k: model(x) * k)
    assert np.array_equal(function(X, 2.0), model(X) * 2)
    gradients = nn.value_and_grad(model, lambda x: function(x, 2.0).sum())(X)[1]
    assert gradients["bias"].tolist() == [8, 8]


@pytest.mark.parametrize("seed", range(3))
def test_training_compiled(seed):
    """State that a compiled step changes is its input and its output."""
    target = X.sum(axis=1, keepdims=True)

    def trained(compiled):
        mx.random.seed(seed)
        model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
        loss_and_grad = nn.value_and_grad(model, lambda x, y: nn.losses.mse_loss(model(x), y))
        state = [model.state]

        def step(x, y):
            loss, gradients = loss_and_grad(x, y)
            descend(model, gradients)
            return loss

        if compiled:
            step = mx.compile(step, inputs=state, outputs=state)
        return [step(X, target).item() for _ in range(60)]

    values = trained(True)
    assert values == trained(False)
    assert len(set(values)) > 30


def descend(model, gradients, rate=0.1):
    from mlx.utils import tree_map

    parameters = model.trainable_parameters()
    model.update(tree_map(lambda p, g: p - rate * g, parameters, gradients))
