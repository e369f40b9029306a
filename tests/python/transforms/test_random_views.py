"""Random graphs of views and of sums, whose order follows from how their inputs lie: each step evaluated, all at once,
compiled, through a file, and their gradients compiled give the same bits."""

import mlx.core as mx
import pytest

import seeds

CPU = mx.cpu
GRAPHS, BATCH = 300, 30


def divisor(r, n):
    return r.choice([k for k in range(1, n + 1) if n % k == 0])


def other_shape(r, x):
    first = divisor(r, x.size)
    second = divisor(r, x.size // first)
    return first, second, x.size // first // second


def turned(r, x):
    axes = list(range(x.ndim))
    r.shuffle(axes)
    return x.transpose(axes)


def sliced(r, x):
    return x[tuple(slice(None, None, r.choice([1, 1, -1, 2])) for _ in x.shape)]


def product(r, x):
    """Of all elements as a matrix of few rows with itself, turned by reshaping."""
    k = next((k for k in (7, 5, 3, 2) if x.size % k == 0), 1)
    return mx.tanh(x.reshape(k, -1) @ (x * 0.5).reshape(-1, k))


def axis(r, x):
    return r.randrange(x.ndim)


VIEWS = [
    lambda r, x: x.reshape(other_shape(r, x)),
    lambda r, x: x.reshape(-1),
    turned,
    sliced,
    lambda r, x: mx.broadcast_to(x[:1], x.shape),
    lambda r, x: mx.broadcast_to(x[..., :1], x.shape),
    lambda r, x: mx.full(x.shape, x[..., :1]),
    lambda r, x: mx.expand_dims(x, axis(r, x)),
    lambda r, x: mx.squeeze(x),
    lambda r, x: mx.contiguous(x),
    lambda r, x: mx.stop_gradient(x),
    lambda r, x: x.astype(mx.float64, stream=CPU).astype(mx.float32, stream=CPU),
    lambda r, x: x.astype(mx.float16).astype(mx.float32),
    lambda r, x: mx.concatenate([x, x * 0.5], axis(r, x)),
]
VALUES = [
    lambda r, x: mx.square(x) - 0.3,
    lambda r, x: mx.sin(x),
    lambda r, x: x * mx.ones_like(x),
    lambda r, x: mx.sum(x, axis(r, x), keepdims=r.random() < 0.5),
    lambda r, x: mx.mean(x, axis(r, x), keepdims=True),
    lambda r, x: mx.var(x, axis(r, x), keepdims=True) + mx.zeros_like(x),
    lambda r, x: mx.sum(x) * 0.1 + mx.ones_like(x),
    lambda r, x: mx.cumsum(x, axis(r, x)) * 0.1,
    lambda r, x: mx.softmax(x, axis(r, x)),
    lambda r, x: mx.logsumexp(x, axis(r, x), keepdims=True) - x,
    product,
]


def step(r, arrays):
    x = arrays[-1 - r.randrange(4)] if r.random() < 0.7 and len(arrays) > 3 else r.choice(arrays)
    x = mx.broadcast_to(x, (3, 5)) if x.ndim == 0 else x
    y = r.choice([*VIEWS, *VALUES])(r, x)
    return y if 0 < y.size < 5000 and y.ndim < 6 else y.reshape(-1)[:100]


def graph(seed, inputs, each=lambda y: None):
    """Some arrays of a graph of 2 to 17 steps; `each` is called with every one."""
    r = seeds.choices("graph", seed)
    arrays = list(inputs)
    for _ in range(r.randrange(2, 18)):
        arrays.append(step(r, arrays))
        each(arrays[-1])
    made = arrays[len(inputs) :]
    return [y for y in made[:-1] if r.random() < 0.2] + made[-1:]


def make_inputs(seed):
    n, m = seeds.choices("inputs", seed).choices(range(1, 90), k=2)
    shapes = [(n, m), (m, n), (n, 1)]
    inputs = [mx.random.normal(shape) for shape in shapes]
    inputs[1] = inputs[1].T
    mx.eval(inputs)
    return inputs


def check_same(found, expected, what):
    mx.eval(found, expected)
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert a.dtype == b.dtype and mx.array_equal(a, b, equal_nan=True), what


def through_a_file(path, function, inputs):
    mx.export_function(path, function, *inputs)
    return mx.import_function(path)(*inputs)


@pytest.mark.parametrize("batch", range(GRAPHS // BATCH))
def test_sums_of_views_do_not_depend_on_how_they_are_computed(batch, tmp_path):
    for i in range(BATCH):
        seed = batch * BATCH + i
        inputs = make_inputs(seed)

        def whole(*x, seed=seed):
            return graph(seed, x)

        def loss(*x, seed=seed):
            return sum(mx.sum(mx.tanh(y)) for y in graph(seed, x))

        expected = graph(seed, inputs, mx.eval)
        check_same(whole(*inputs), expected, f"at once, {seed}")
        check_same(mx.compile(whole)(*inputs), expected, f"compiled, {seed}")
        found = through_a_file(str(tmp_path / "graph.mlxfn"), whole, inputs)
        check_same(found, expected, f"through a file, {seed}")
        derivative = mx.grad(loss, argnums=[0, 1, 2])
        expected = derivative(*inputs)
        check_same(mx.compile(derivative)(*inputs), expected, f"gradient, {seed}")
