"""Networks that are called again and again with the same weights, whose packed forms the library
keeps: the same bits at every call, and the new ones when weights change."""

import gc
import threading

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_map

CALLS = 6


@pytest.fixture(autouse=True)
def room():
    former = mx.set_cache_limit(256 << 20)
    yield
    mx.set_cache_limit(former)


def network(dtype=mx.float32):
    """Squares, patches of stride 2, a transposed convolution, products."""
    model = nn.Sequential(
        nn.Conv2d(32, 64, 3, padding=1),
        nn.relu,
        nn.Conv2d(64, 64, 3, stride=2, padding=1),
        nn.ConvTranspose2d(64, 32, 3, stride=2),
        lambda x: x.mean(1),
        nn.Linear(32, 900),
        nn.gelu,
        nn.Linear(900, 40),
    )
    model.set_dtype(dtype)
    x = mx.random.normal((1, 12, 12, 32)).astype(dtype)
    mx.eval(model.parameters(), x)
    return model, x


def bits(a):
    return bytes(memoryview(mx.view(a, mx.uint8)))


def fresh(model):
    """The same network over copies of its weights."""
    other, _ = network()
    other.update(tree_map(lambda p: mx.contiguous(p * 1), model.parameters()))
    return other


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16, mx.float16])
def test_calls_have_the_same_bits(dtype, compiled):
    model, x = network(dtype)
    run = mx.compile(model) if compiled else model
    first = bits(run(x))
    for _ in range(CALLS):
        assert bits(run(x)) == first
    assert bits(fresh(model)(x)) == first


@pytest.mark.parametrize("compiled", [False, True])
def test_weights_that_are_trained(compiled):
    """Between steps of training, which write over weights, the network is called often."""
    model, x = network()
    optimizer = optim.SGD(0.01, momentum=0.9)
    value_and_grad = nn.value_and_grad(model, lambda x: (model(x) ** 2).mean())
    state = [model.state, optimizer.state]

    def step(x):
        value, gradients = value_and_grad(x)
        optimizer.update(model, gradients)
        return value

    if compiled:
        step = mx.compile(step, inputs=state, outputs=state)
    seen = set()
    for _ in range(4):
        mx.eval(step(x), state)
        y = [bits(model(x)) for _ in range(CALLS)]
        assert set(y) == {bits(fresh(model)(x))}
        seen.add(y[0])
    assert len(seen) == 4


def test_weights_that_the_host_writes():
    layer, x = nn.Linear(64, 900, bias=False), mx.random.normal((20, 64))
    layer.weight = mx.contiguous(layer.weight.T).T  # which is packed
    mx.eval(layer.parameters())
    y = [layer(x) for _ in range(CALLS)]
    mx.eval(y)
    np.array(layer.weight, copy=False)[:] *= 2
    for _ in range(CALLS):
        assert bits(layer(x)) == bits(y[0] * 2)


def test_memory():
    model, x = network()
    gc.collect()  # what earlier tests left
    mx.clear_cache()
    active = mx.get_active_memory()
    for _ in range(CALLS):
        mx.eval(model(x))
    gc.collect()
    weights = sum(p.nbytes for layer in model.layers[:3:2] for p in layer.parameters().values())
    assert mx.get_active_memory() == active
    assert mx.get_cache_memory() > weights
    first = bits(model(x))
    mx.clear_cache()
    assert mx.get_cache_memory() == 0
    mx.set_cache_limit(0)
    for _ in range(CALLS):
        assert bits(model(x)) == first
    assert mx.get_cache_memory() == 0


def test_threads():
    model, x = network()
    first = bits(model(x))
    found = []

    def calls():
        with mx.stream(mx.new_stream(mx.cpu)):
            found.append({bits(model(x)) for _ in range(20)})

    threads = [threading.Thread(target=calls) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        mx.clear_cache()
    for thread in threads:
        thread.join()
    assert found == [{first}] * 4
