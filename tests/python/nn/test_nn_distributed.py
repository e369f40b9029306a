"""Layers in pieces. Groups of several processes are played by stand-ins for a rank and a size."""

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.nn.layers.distributed import shard_inplace, shard_linear

from ops_check import near

KINDS = ("all-to-sharded", "sharded-to-all")


class Group:
    def __init__(self, rank, size=2):
        self._rank, self._size = rank, size

    def rank(self):
        return self._rank

    def size(self):
        return self._size


GROUPS = [Group(0), Group(1)]


def sample(*shape):
    return mx.array(np.random.normal(size=shape).astype(np.float32))


@pytest.fixture
def alone(monkeypatch):
    """Exchanges return what this process has."""
    for name in ("all_sum", "all_gather", "sum_scatter"):
        monkeypatch.setattr(mx.distributed, name, lambda x, **_: x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [nn.Linear, nn.QuantizedLinear])
def test_one_process(kind, make):
    layer, x = make(64, 6), sample(2, 64)
    sharded = shard_linear(layer, kind)
    near(sharded(x), layer(x), 64)
    assert sharded.parameters().keys() == layer.parameters().keys()
    assert "input_dims=64, output_dims=6, bias=True" in repr(sharded)


@pytest.mark.parametrize("make", [nn.Linear, nn.QuantizedLinear])
def test_two_processes_share_the_outputs(make):
    layer, x = make(64, 6), sample(2, 64)
    pieces = [shard_linear(layer, "all-to-sharded", group=group) for group in GROUPS]
    joined = np.concatenate([piece(x) for piece in pieces], axis=-1)
    near(joined, layer(x), 64)
    assert "output_dims=6" in repr(pieces[0])


@pytest.mark.parametrize("make", [nn.Linear, nn.QuantizedLinear])
def test_two_processes_share_the_inputs(make, alone):
    layer, x = make(128, 6, bias=False), sample(2, 128)
    pieces = [shard_linear(layer, "sharded-to-all", group=group) for group in GROUPS]
    products = [piece(half) for piece, half in zip(pieces, mx.split(x, 2, axis=-1))]
    near(products[0] + products[1], layer(x), 64)
    assert "input_dims=128" in repr(pieces[0])


def test_bias_is_added_once(alone):
    layer = nn.Linear(4, 3)
    piece = shard_linear(layer, "sharded-to-all", group=GROUPS[1])
    assert np.array_equal(piece.bias, layer.bias)


def test_gradients_of_inputs_are_summed(monkeypatch):
    monkeypatch.setattr(mx.distributed, "all_sum", lambda x, **_: 10 * x)
    layer = nn.Linear(4, 6)
    piece = shard_linear(layer, "all-to-sharded", group=GROUPS[0])
    gradient = mx.grad(lambda x: piece(x).sum())(mx.ones((1, 4)))
    np.testing.assert_allclose(gradient[0], 10 * piece.weight.sum(axis=0), 1e-5)


def test_segments():
    layer = nn.Linear(4, 6)
    rows = np.array(layer.weight)
    for segments, expected in ((3, [0, 2, 4]), ([2], [0, 2, 3]), ([1 / 3], [0, 2, 3])):
        piece = nn.AllToShardedLinear.from_linear(layer, segments=segments, group=GROUPS[0])
        assert np.array_equal(piece.weight, rows[expected])
        assert np.array_equal(piece.bias, np.array(layer.bias)[expected])


def test_in_place():
    model = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 4))
    first, second = (np.array(layer.weight) for layer in model.layers)
    shard_inplace(model.layers[0], "all-to-sharded", group=GROUPS[1])
    shard_inplace(
        model.layers[1], lambda path, _: -1 if path == "weight" else None, group=GROUPS[1]
    )
    assert np.array_equal(model.layers[0].weight, first[3:])
    assert np.array_equal(model.layers[1].weight, second[:, 3:])
    assert model.layers[1].bias.shape == (4,)


def test_refusals():
    for function in (shard_linear, shard_inplace):
        with pytest.raises(ValueError, match="sharding='other' not supported"):
            function(nn.Linear(4, 4), "other")
    for make in (nn.AllToShardedLinear, nn.ShardedToAllLinear):
        with pytest.raises(ValueError, match="across 2 devices"):
            make(3, 3, group=GROUPS[0])
        with pytest.raises(ValueError, match="across 3 devices"):
            make.from_linear(nn.Linear(4, 4), group=Group(0, 3))


def test_quantized_layers_stay_frozen():
    for make in (nn.QuantizedAllToShardedLinear, nn.QuantizedShardedToAllLinear):
        layer = make(64, 4)
        assert layer.trainable_parameters() == {}
        assert layer.unfreeze().trainable_parameters() == {}


# Fully sharded


def test_fully_shard_alone():
    layer = nn.Linear(4, 3)
    assert nn.fully_shard(layer) is layer
    whole, x = nn.FullyShardedModule(layer), sample(2, 4)
    assert np.array_equal(whole(x), layer(x))
    assert "num_sharded_params=2" in repr(whole)
    embedding = nn.Embedding(4, 3)
    y = nn.FullyShardedModule(embedding).as_linear(sample(2, 3))
    assert y.shape == (2, 4)


def test_fully_shard_two_processes(monkeypatch):
    """Both processes have the same halves, so that one knows what it would receive."""
    monkeypatch.setattr(mx.distributed, "all_gather", lambda x, **_: mx.concatenate([x, x]))
    monkeypatch.setattr(mx.distributed, "sum_scatter", lambda x, **_: 2 * x[: x.shape[0] // 2])
    layer, x = nn.Linear(4, 6, bias=False), sample(2, 4)
    layer.weight = mx.concatenate([layer.weight[:3]] * 2)
    plain, weight = layer(x), layer.weight
    sharded = nn.fully_shard(layer, group=GROUPS[1])
    assert sharded.module.weight.shape == (3, 4)
    assert np.array_equal(sharded(x), plain)
    assert sharded.module.weight.shape == (3, 4)
    gradients = nn.value_and_grad(sharded, lambda x: (sharded(x) ** 2).sum())(x)[1]
    expected = mx.grad(lambda w: ((x @ w.T) ** 2).sum())(weight)[:3]
    near(gradients["module"]["weight"], expected, 6)


def test_fully_sharded_computes_in_a_type():
    sharded = nn.FullyShardedModule(nn.Linear(4, 3, bias=False), compute_dtype=mx.float16)
    assert sharded(sample(2, 4).astype(mx.float16)).dtype == mx.float16
    assert sharded.module.weight.dtype == mx.float32


def test_fully_sharded_nests():
    inner = nn.FullyShardedModule(nn.Linear(4, 4))
    outer = nn.FullyShardedModule(nn.Sequential(nn.Linear(4, 4), inner))
    assert "num_sharded_params=2\n" in repr(outer)
    assert outer(sample(2, 4)).shape == (2, 4)


# Gradients


def test_average_gradients(monkeypatch):
    sent = []

    def all_sum(x, **_):
        sent.append(x.nbytes)
        return 3 * x

    monkeypatch.setattr(mx.distributed, "all_sum", all_sum)
    gradients = {"a": [sample(3), sample(2, 2)], "b": sample(5).astype(mx.float16), "c": sample(4)}
    for size, messages in ((0, 4), (32 << 20, 3), (12, 4), (13, 3)):
        sent.clear()
        average = nn.average_gradients(gradients, group=GROUPS[0], all_reduce_size=size)
        assert len(sent) == messages and sum(sent) == 12 + 16 + 10 + 16
        assert average["b"].dtype == mx.float16
        for before, after in (
            (gradients["a"][1], average["a"][1]),
            (gradients["c"], average["c"]),
        ):
            np.testing.assert_allclose(after, 1.5 * before, 1e-6)
    assert nn.average_gradients(gradients) is gradients


def test_clip_grad_norm_sharded(monkeypatch):
    gradients = {"a": mx.array([3.0]), "b": [mx.array([4.0])]}
    clipped, norm = nn.utils.clip_grad_norm_sharded(gradients, 1.0)
    assert norm.item() == 5 and abs(clipped["a"].item() - 0.6) < 1e-5
    clipped, norm = nn.utils.clip_grad_norm_sharded(gradients, 10.0)
    assert norm.item() == 5 and clipped["b"][0].item() == 4
    monkeypatch.setattr(mx.distributed, "all_sum", lambda x, **_: 4 * x)
    assert nn.utils.clip_grad_norm_sharded(gradients, 1.0)[1].item() == 10
