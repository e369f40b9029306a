"""float16 and bfloat16: a value does not depend on when and with what it is computed."""

import numpy as np
import pytest

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map

HALVES = [mx.float16, mx.bfloat16]


def bits(a):
    wide = a if a.dtype not in HALVES else a.view(mx.uint16)
    return np.array(wide).tobytes()


def same(a, b):
    a, b = tree_flatten(a), tree_flatten(b)
    return all(x[0] == y[0] and bits(x[1]) == bits(y[1]) for x, y in zip(a, b, strict=True))


def normal(shape, dtype, seed=0):
    return mx.random.normal(shape, key=mx.random.key(seed)).astype(dtype)


def test_an_overflow_is_seen_before_it_is_evaluated():
    g = mx.array([200.0, 1], mx.float16) * mx.array(1024.0, mx.float16)
    assert not mx.isfinite(g).all().item()
    assert g.tolist() == [float("inf"), 1024]
    h = mx.array([200.0], mx.float16) * 1024 / 1024
    assert h.item() == float("inf")


@pytest.mark.parametrize("dtype", HALVES)
def test_an_expression_is_equal_to_itself(dtype):
    a, b = normal((1000,), dtype), normal((1000,), dtype, 1)

    def f():
        return mx.exp(a * b) / (1 + a * a)

    evaluated = f()
    mx.eval(evaluated)
    assert (evaluated == f()).all().item()
    assert (f() == f()).all().item()
    assert (evaluated - f()).abs().max().item() == 0


@pytest.mark.parametrize("dtype", HALVES)
def test_each_operation_is_rounded_once(dtype):
    """Against NumPy's steps in float32, each rounded by a cast."""
    a, b = normal((1000,), dtype), normal((1000,), dtype, 1)

    def rounded(x):
        return np.array(mx.array(x.astype(np.float32)).astype(dtype).astype(mx.float32))

    x, y = np.array(a.astype(mx.float32)), np.array(b.astype(mx.float32))
    want = rounded(rounded(rounded(x * y) + x) / rounded(y - rounded(np.sqrt(np.abs(x)))))
    got = (a * b + a) / (b - mx.sqrt(mx.abs(a)))
    np.testing.assert_array_equal(np.array(got.astype(mx.float32)), want)


@pytest.mark.parametrize("dtype", HALVES)
def test_printing_changes_no_training(dtype):
    x, t = normal((32, 8), dtype), normal((32, 1), dtype, 1)

    def train(look):
        w, v = normal((8, 16), dtype, 2), normal((16, 1), dtype, 3)

        def loss(w, v):
            h = nn.gelu(x @ w)
            if look:
                str(h)
            d = h @ v - t
            if look:
                mx.eval(d)
            return mx.mean(d * d)

        for _ in range(5):
            value, (dw, dv) = mx.value_and_grad(loss, argnums=(0, 1))(w, v)
            if look:
                str(value), mx.eval(dw)
            w, v = w - 0.05 * dw, v - 0.05 * dv
        return w, v

    assert same(train(False), train(True))


LAYERS = {
    "gelu": (nn.gelu, (16, 12)),
    "silu": (nn.silu, (16, 12)),
    "softmax": (nn.softmax, (16, 12)),
    "log_softmax": (nn.log_softmax, (16, 12)),
    "mish": (nn.mish, (16, 12)),
    "layer norm": (nn.LayerNorm(12), (16, 12)),
    "rms norm": (nn.RMSNorm(12), (16, 12)),
    "group norm": (nn.GroupNorm(3, 12), (4, 5, 12)),
    "attention": (lambda x: ATTENTION(x, x, x), (2, 5, 12)),
    "loss": (lambda x: nn.losses.cross_entropy(x, mx.arange(16) % 12), (16, 12)),
    "sum": (lambda x: (x * x + x).sum(0) / x.max(1).mean(), (16, 12)),
    "variance": (lambda x: (x * 3).std(1) + (x - 1).var(), (16, 12)),
}
ATTENTION = nn.MultiHeadAttention(12, 3)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", LAYERS)
def test_compiled_layers_and_their_gradients(name, dtype):
    layer, shape = LAYERS[name]
    x = normal(shape, dtype)

    def loss(x):
        y = layer(x)
        return (y * y).sum()

    assert same(mx.compile(layer)(x), layer(x))
    eager = mx.grad(loss)(x)
    assert same(mx.compile(mx.grad(loss))(x), eager)
    assert same(mx.grad(mx.compile(loss))(x), eager)
    assert same(
        mx.grad(lambda x: (mx.compile(layer)(x) ** 2).sum())(x),
        mx.grad(lambda x: (layer(x) ** 2).sum())(x),
    )


def test_derivatives_of_a_compiled_function_are_those_of_the_function():
    """Also where simplification merges nodes, whose cotangents add up in another order."""

    def f(x):
        return (mx.sin(x) * mx.exp(x) + mx.sin(x) * mx.sin(x) / mx.exp(x) + mx.sin(x)).sum()

    for dtype in HALVES + [mx.float32]:
        x = normal((500,), dtype)
        assert same(mx.grad(mx.compile(f))(x), mx.grad(f)(x))
        second = lambda f: mx.grad(lambda x: mx.grad(f)(x).sum())(x)  # noqa: E731
        assert same(second(mx.compile(f)), second(f))
        assert same(mx.jvp(mx.compile(f), [x], [x]), mx.jvp(f, [x], [x]))


@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16])
@pytest.mark.parametrize("name", ["Muon", "AdamW", "Lion", "Adafactor", "SGD"])
def test_compiled_optimizers(name, dtype):
    options = {"learning_rate": 0.02} | ({"momentum": 0.9} if name == "SGD" else {})

    def run(compiled):
        model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))
        model.update(tree_map(lambda p: normal(p.shape, dtype, p.size), model.parameters()))
        optimizer = getattr(optim, name)(**options)
        x, t = normal((16, 8), dtype), normal((16, 4), dtype, 1)

        def step():
            loss = nn.value_and_grad(model, lambda m: mx.mean(mx.square(m(x) - t)))
            value, gradients = loss(model)
            optimizer.update(model, gradients)
            return value

        optimizer.init(model.trainable_parameters())
        state = [model.state, optimizer.state]
        step = mx.compile(step, inputs=state, outputs=state) if compiled else step
        for _ in range(4):
            mx.eval(step(), state)
        return model.parameters()

    assert same(run(True), run(False))


def test_gradient_of_an_extreme_of_many_equal_values():
    for dtype in HALVES:
        x = mx.full((70000,), 2.0, dtype=dtype)
        share = mx.array(1 / 70000, dtype).item()
        for f in (mx.max, mx.min):
            assert set(mx.grad(f)(x).tolist()) == {share}
            assert mx.jvp(f, [x], [mx.ones_like(x)])[1][0].item() == 1
            rows = mx.grad(lambda x: f(x, axis=1).sum())(x.reshape(2, -1))
            assert set(rows.flatten().tolist()) == {mx.array(1 / 35000, dtype).item()}


def test_derivatives_are_rounded_once():
    """Squares that overflow inside stay in float32."""
    x = mx.array([300.0], mx.float16)
    assert mx.grad(lambda x: mx.arctan(x).sum())(x).item() == mx.array(1 / 90001, mx.float16).item()
    one = mx.array([1.0], mx.float16)
    d = mx.grad(lambda b: (one / b).sum())(x)
    y = (one / x).item()
    assert d.item() == mx.array(-y / 300, mx.float16).item()
    rows = normal((4, 100), mx.float16) * 0.05 + 1
    products = mx.grad(lambda x: mx.prod(x, axis=1).sum())(rows)
    wide = np.array(rows.astype(mx.float32)).astype(float)
    np.testing.assert_allclose(products, np.prod(wide, 1, keepdims=True) / wide, 1e-3)


def test_operations_of_several_steps_are_rounded_once():
    x = mx.array([700.0, 0.1, -33.25], mx.float16)
    assert mx.round(x, 2).tolist() == [700, x[1].item(), -33.25]
    wide = np.array(x).astype(float)
    assert mx.degrees(x).tolist() == np.degrees(wide).astype(np.float16).tolist()
    assert mx.radians(x).tolist() == np.radians(wide).astype(np.float16).tolist()


def test_std_is_rounded_once():
    x = mx.array([0.0, 1000.0] * 50, mx.float16)  # the variance is 250,000
    assert mx.var(x).item() == float("inf")
    assert mx.std(x).item() == 500
    assert mx.std(x.reshape(50, 2), axis=1).tolist() == [500] * 50


@pytest.mark.parametrize("dtype", HALVES + [mx.float32])
def test_products_for_any_shape(dtype):
    w, b, c = normal((24, 7), dtype), normal((7,), dtype, 1), normal((5, 7), dtype, 2)

    def f(x):
        return x @ w, mx.addmm(b, x, w), mx.addmm(c, x, w, 0.5, 2.0), x @ w[:, 0]

    shapeless = mx.compile(f, shapeless=True)
    for shape in ((3, 5, 24), (1, 5, 24), (40, 5, 24), (2, 5, 24)):
        x = normal(shape, dtype, sum(shape))
        assert same(shapeless(x), f(x)) and same(mx.compile(f)(x), f(x))
