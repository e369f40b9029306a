"""Hyperparameters that cannot work are refused when a layer, an optimizer or a tree is made."""

import pytest

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_unflatten

NORMS = {
    "LayerNorm": lambda eps: nn.LayerNorm(16, eps=eps),
    "RMSNorm": lambda eps: nn.RMSNorm(16, eps=eps),
    "GroupNorm": lambda eps: nn.GroupNorm(4, 16, eps=eps),
    "InstanceNorm": lambda eps: nn.InstanceNorm(16, eps=eps),
    "BatchNorm": lambda eps: nn.BatchNorm(16, eps=eps),
}


@pytest.mark.parametrize("name", NORMS)
def test_eps_of_norms(name):
    for eps in (-1.0, -1e-30, 0.0, float("nan")):
        with pytest.raises(ValueError, match=rf"\[{name}\] 'eps' must be positive but got"):
            NORMS[name](eps)
    assert NORMS[name](1e-30).eps == 1e-30


@pytest.mark.parametrize("kind", [optim.RMSprop, optim.Adagrad, optim.AdaDelta])
def test_eps_of_optimizers(kind):
    for eps in (-1.0, 0.0):
        with pytest.raises(ValueError, match=rf"{kind.__name__} epsilon should be >0, {eps}"):
            kind(learning_rate=0.1, eps=eps)


@pytest.mark.parametrize(
    "groups, dims, what",
    [(0, 8, "groups"), (-1, 8, "groups"), (4, 0, "features"), (4, -8, "features")],
)
def test_groups(groups, dims, what):
    with pytest.raises(ValueError, match=f"number of {what} .* must be a positive integer"):
        nn.GroupNorm(groups, dims)


def test_clip_grad_norm():
    grads = {"a": mx.array([3.0, 4.0])}
    for norm in (-1, float("nan")):
        with pytest.raises(ValueError, match="max_norm should be >=0"):
            optim.clip_grad_norm(grads, norm)
    assert optim.clip_grad_norm(grads, 0)[0]["a"].tolist() == [0, 0]


SIZES = {
    "Linear": ([(-1, 2), (0, 2), (2, -1)], (2, 0)),
    "Bilinear": ([(0, 1, 1), (1, -1, 1), (1, 1, -1)], (1, 0, 0)),
    "Embedding": ([(-1, 2), (2, 0), (0, -1)], (0, 2)),
    "Conv1d": ([(0, 2, 3), (-1, 2, 3), (1, -1, 3), (1, 1, 0)], (1, 0, 1)),
    "ConvTranspose2d": ([(0, 2, 3), (1, -1, 3), (1, 1, (3, 0))], (1, 1, 1)),
    "MultiHeadAttention": ([(0, 1), (4, 0), (4, -2)], (4, 2)),
    "LSTM": ([(-1, 2), (1, 0), (1, -1)], (0, 1)),
    "GRU": ([(-1, 2), (1, 0)], (0, 1)),
    "RNN": ([(-1, 2), (1, 0)], (0, 1)),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name):
    wrong, right = SIZES[name]
    for sizes in wrong:
        with pytest.raises(ValueError, match=rf"\[{name}\] '\w+' must be at least [01] but got"):
            getattr(nn, name)(*sizes)
    assert isinstance(getattr(nn, name)(*right), nn.Module)


def test_paths_that_only_look_like_indices():
    assert tree_unflatten([("01", "a"), ("1", "b")]) == {"01": "a", "1": "b"}
    assert tree_unflatten({"x.01": 1, "x.1": 2, "x.2": 3}) == {"x": {"01": 1, "1": 2, "2": 3}}
    for key in ("-1", "+1", "1_0", " 1", "00", "\u0661"):
        assert tree_unflatten([(key, "a")]) == {key: "a"}
    assert tree_unflatten([("1", "b"), ("0", "a")]) == ["a", "b"]


class WithProperties(nn.Module):
    plain = 3

    @property
    def failing(self):
        raise AttributeError("not yet")

    @property
    def fixed(self):
        return 3

    @property
    def removable(self):
        return 3

    @removable.deleter
    def removable(self):
        self.removed = True


def test_attributes_where_the_class_has_a_property():
    m = WithProperties()
    for value in (mx.array(1), [mx.array(2)], {"a": mx.array(3)}):
        m.failing = value
        assert m.failing is value and m["failing"] is value
    m.removable = [1]
    assert m["removable"] == [1] and m.removed
    for name in ("fixed", "plain"):
        with pytest.raises(AttributeError):
            setattr(m, name, mx.array(1))
        assert name not in m
    m.other = 3
    m.other = mx.array(4)
    assert "other" not in vars(m) and m["other"].item() == 4


def test_updates_with_unknown_names():
    m = nn.Linear(2, 2)
    with pytest.raises(ValueError, match='parameter named "wieght".*bias, weight'):
        m.update({"wieght": mx.zeros((2, 2))})
    for wrong in ({"wieght": mx.zeros((2, 2))}, {"weight": {"a": mx.zeros(2)}}, [mx.zeros(2)]):
        with pytest.raises(KeyError, match="There is a gradient of .* but no such parameter"):
            optim.SGD(0.1).update(m, wrong)
        trained = optim.Adam(0.1)
        trained.update(m, {"weight": mx.zeros((2, 2))})
        with pytest.raises(KeyError, match="There is a gradient of .* but no such parameter"):
            trained.update(m, wrong)


def test_names_are_looked_at_only_when_a_step_fails(monkeypatch):
    m, calls = nn.Linear(2, 2), []
    monkeypatch.setattr(optim.optimizer, "require_names", lambda *trees: calls.append(trees))
    o = optim.SGD(0.1)
    for expected in (0.9, 0.8):
        m.bias = mx.array([1.0, 1.0]) if expected == 0.9 else m.bias
        o.update(m, {"bias": mx.ones(2)})
        # of the first step, which makes state
        assert mx.allclose(m.bias, mx.array(expected)) and len(calls) == 1
    o.update(m, {"weight": mx.ones((2, 2))})  # what has no state yet gets it
    assert len(calls) == 2 and set(o.state) >= {"weight", "bias"}
    with pytest.raises((KeyError, TypeError, ValueError)):
        o.update(m, {"bias": {"a": mx.ones(2)}})
    assert len(calls) == 3
