import copy
import pickle

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = mx.zeros((2,))
        self.linear = nn.Linear(2, 3)
        self.layers = [nn.ReLU(), {"k": nn.Linear(1, 1, bias=False)}]
        self.nested = {"x": mx.zeros((1,)), "y": "text"}
        self.pair = (mx.ones((1,)), 3)
        self._hidden = mx.ones((1,))
        self.number = 5


class Named(nn.Module):
    fixed = None

    def __init__(self):
        super().__init__()
        self.a = nn.ReLU()

    def _extra_repr(self):
        return "extra"


NAMES = ["w", "linear.weight", "linear.bias", "layers.1.k.weight", "nested.x"]


def names(tree):
    return [name for name, _ in tree_flatten(tree)]


@pytest.fixture
def model():
    mx.random.seed(0)
    return Model()


def test_repr(model):
    assert repr(nn.Module()) == "Module()"
    assert (
        repr(nn.Sequential(Named()))
        == "Sequential(\n  (layers.0): Named(extra\n    (a): ReLU()\n  )\n)"
    )
    assert repr(model) == (
        "Model(\n"
        "  (linear): Linear(input_dims=2, output_dims=3, bias=True)\n"
        "  (layers.0): ReLU()\n"
        "  (layers.1.k): Linear(input_dims=1, output_dims=1, bias=False)\n"
        ")"
    )


def test_attributes(model):
    assert list(model) == ["w", "linear", "layers", "nested", "pair", "_hidden"]
    assert model.number == 5 and model.w is model["w"]
    model.number = mx.ones(1)
    assert "number" in model and "number" not in model.__dict__
    model.number = None
    assert "number" not in model and model.number is None
    del model.number
    with pytest.raises(AttributeError, match="'Model' object has no attribute 'number'"):
        model.number
    del model.w
    assert not hasattr(model, "w")
    with pytest.raises(AttributeError):
        del model.w


def test_errors_inside_properties():
    class Broken(nn.Module):
        @property
        def size(self):
            return self.missing

    with pytest.raises(AttributeError, match="'missing'"):
        Broken().size


def test_attributes_that_a_class_hides_are_refused():
    module = Named()
    for name in ("fixed", "training", "items"):
        with pytest.raises(AttributeError, match=name):
            setattr(module, name, mx.ones(1))


def test_trees(model):
    assert names(model.parameters()) == NAMES
    assert names(model.trainable_parameters()) == NAMES
    assert model.parameters()["layers"][0] == {}
    children = model.children()
    assert children["linear"] is model.linear
    assert children["layers"][1] == {"k": model.layers[1]["k"]}
    assert children["nested"] == {"x": {}, "y": {}}
    assert model.state is model
    assert nn.Module.is_module(model) and not nn.Module.is_module({})


def test_leaf_modules():
    inner = nn.Sequential(nn.ReLU(), nn.Linear(1, 1))
    leaves = nn.Sequential(inner, nn.Tanh()).leaf_modules()
    assert leaves == {"layers": [{"layers": inner.layers}, nn.Tanh()]}


def test_named_modules(model):
    found = model.named_modules()
    assert [name for name, _ in found] == ["", "layers.1.k", "layers.0", "linear"]
    assert found[0][1] is model
    assert all(a is b for a, (_, b) in zip(model.modules(), found))
    seen = []
    assert model.apply_to_modules(lambda name, module: seen.append(name)) is model
    assert seen == [name for name, _ in found]


def test_filter_and_map(model):
    shapes = model.filter_and_map(model.valid_parameter_filter, lambda p: p.shape)
    assert shapes["linear"] == {"weight": (3, 2), "bias": (3,)}
    assert shapes["nested"] == {"x": (1,), "y": {}}
    ones = model.filter_and_map(lambda m, k, v: k != "w", lambda v: 1)
    assert ones["pair"] == ones["_hidden"] == 1 and "w" not in ones
    with pytest.raises(RuntimeError, match="Unexpected leaf"):
        model.filter_and_map(lambda m, k, v: True, is_leaf_fn=lambda m, k, v: False)


def test_apply(model):
    assert model.apply(lambda p: p + 1) is model
    assert model.w.tolist() == [1, 1] and model.nested["x"].tolist() == [1]
    assert model._hidden.tolist() == [1]
    model.apply(lambda p: p + 1, lambda m, k, v: k == "w")
    assert model.w.tolist() == [2, 2] and model.nested["x"].tolist() == [1]


def test_update(model):
    assert model.update({"w": mx.ones(3), "layers": [{}, {"k": {"weight": mx.ones(5)}}]}) is model
    assert model.w.shape == (3,) and model.layers[1]["k"].weight.shape == (5,)
    model.update({"zz": mx.ones(1), "linear": mx.ones(1)}, strict=False)
    assert "zz" not in model and isinstance(model.linear, nn.Linear)


@pytest.mark.parametrize(
    "tree, message",
    [
        ({"w": 5}, "invalid type: int"),
        ({"linear": mx.ones(1)}, "invalid type: array"),
        ({"zz": {}}, 'parameter named "zz"'),
        ({"linear": {"zz": {}}}, 'parameter named "zz"'),
        ({"layers": [{}, {}, {}]}, "index 2 is out of bounds for destination of length 2"),
        (5, "invalid type: int"),
    ],
)
def test_update_refuses(model, tree, message):
    with pytest.raises(ValueError, match=message):
        model.update(tree)


def test_update_modules(model):
    model.update_modules({"linear": nn.Tanh(), "layers": [nn.Tanh()], "nested": {"x": {}}})
    assert repr(model.linear) == repr(model.layers[0]) == "Tanh()"
    model.update_modules({"zz": nn.Tanh()}, strict=False)
    for tree in (
        {"zz": nn.Tanh()},
        {"w": nn.Linear(1, 1)},
        {"layers": [{}, {}, {}]},
        {"linear": 5},
    ):
        with pytest.raises(ValueError):
            model.update_modules(tree)


def test_freeze(model):
    assert model.freeze() is model
    assert names(model.trainable_parameters()) == []
    model.linear.unfreeze()
    assert names(model.trainable_parameters()) == ["linear.weight", "linear.bias"]
    model.unfreeze()
    assert names(model.trainable_parameters()) == NAMES
    model.freeze(recurse=False)
    assert names(model.trainable_parameters()) == NAMES[1:4]


def test_freeze_by_name(model):
    model.freeze(keys="weight")
    assert names(model.trainable_parameters()) == ["w", "linear.bias", "nested.x"]
    model.unfreeze(keys=["weight"])
    model.freeze(keys=["w", "bias"], strict=True)
    assert names(model.trainable_parameters()) == ["linear.weight", "layers.1.k.weight", "nested.x"]
    for change in (model.freeze, model.unfreeze):
        with pytest.raises(KeyError, match="member zz"):
            change(keys=["w", "zz"], strict=True)
    with pytest.raises(KeyError, match="member bias"):
        model.freeze(keys="bias", recurse=False, strict=True)


def test_training(model):
    assert model.training and model.linear.training
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())


def test_set_dtype(model):
    model.nested["x"] = mx.zeros((1,), dtype=mx.int32)
    model.set_dtype(mx.float16)
    assert model.w.dtype == model.linear.weight.dtype == mx.float16
    assert model.nested["x"].dtype == mx.int32 and model._hidden.dtype == mx.float32
    model.set_dtype(mx.float32, predicate=None)
    assert model.nested["x"].dtype == mx.float32


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_weights_in_files(model, tmp_path, suffix):
    path = str(tmp_path / f"weights.{suffix}")
    model.save_weights(path)
    other = Model()
    assert other.load_weights(path) is other
    same = tree_map(lambda a, b: np.array_equal(a, b), model.parameters(), other.parameters())
    assert all(equal for _, equal in tree_flatten(same))


def test_unknown_file_format(model, tmp_path):
    with pytest.raises(ValueError, match="Unsupported file extension"):
        model.save_weights(str(tmp_path / "weights.txt"))


def test_load_weights():
    linear = nn.Linear(2, 2)
    weight, bias = mx.ones((2, 2)), mx.ones((2,))
    linear.load_weights([("weight", weight), ("bias", bias)])
    assert linear.weight.tolist() == [[1, 1], [1, 1]]
    linear.load_weights([("bias", mx.zeros(2)), ("other", bias)], strict=False)
    assert linear.bias.tolist() == [0, 0] and "other" not in linear
    linear.load_weights([], strict=False)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"bias": None}, "Missing 1 parameters: \nbias."),
        ({"b": 1, "a": 1}, "Received 2 parameters not in model: \na,\nb."),
        ({"bias": 5}, "Expected mx.array but received <class 'int'> for parameter bias"),
        ({"bias": (3,)}, r"Expected shape \(2,\) but received shape \(3,\) for parameter bias"),
    ],
)
def test_load_weights_refuses(changes, message):
    weights = {"weight": mx.ones((2, 2)), "bias": mx.ones((2,))}
    for key, value in changes.items():
        weights[key] = mx.ones(value) if isinstance(value, tuple) else value
    weights = [(k, v) for k, v in weights.items() if v is not None]
    with pytest.raises(ValueError, match=message):
        nn.Linear(2, 2).load_weights(weights)


def test_copies(model):
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model.linear))):
        assert repr(other) in repr(model)
        assert other.training
    other = copy.deepcopy(model)
    other.linear.weight[0, 0] = 100.0
    assert model.linear.weight[0, 0].item() != 100
