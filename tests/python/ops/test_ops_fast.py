"""fast.cross_entropy and fast.gated_delta_update against float64 NumPy."""

import mlx.core as mx
import numpy as np
import pytest

from memory import peak_of
from ops_check import FLOATS, integers, numbers, same, to_numpy

# --- cross_entropy
# ---------------------------------------------------------------------------------------


def loss(x, targets):
    x = x.astype(np.float64)
    d = x - x.max(-1, keepdims=True)
    at = np.take_along_axis(d, targets[..., None].astype(np.int64), -1)[..., 0]
    return np.log(np.exp(d).sum(-1)) - at


@pytest.mark.parametrize("dtype", [*FLOATS, mx.float64], ids=str)
@pytest.mark.parametrize("shape", [(7,), (4, 7), (2, 3, 33), (2, 40000), (0, 5)], ids=str)
def test_cross_entropy(dtype, shape):
    a = mx.array(numbers(*shape, low=-5, high=5), dtype=dtype)
    t = integers(*shape[:-1], low=0, high=shape[-1])
    same(mx.fast.cross_entropy(a, mx.array(t)), loss(to_numpy(a), t), mx.float32, rtol=2e-6)
    back = a.T if a.ndim == 2 else a[..., ::-1]
    where = mx.array(integers(*back.shape[:-1], low=0, high=max(back.shape[-1], 1)))
    if back.size:
        same(mx.fast.cross_entropy(back, where), loss(to_numpy(back), np.array(where)), rtol=2e-6)


def test_cross_entropy_offset():
    """What all logits have in common costs no digits, neither of the loss nor of its gradient."""
    a, t = mx.array([[2.0, -1.0]]) + 1e6, mx.array([0])
    same(mx.fast.cross_entropy(a, t), [np.log1p(np.exp(-3))], rtol=1e-6)
    p = 1 / (1 + np.exp(-3))
    same(mx.grad(lambda x: mx.fast.cross_entropy(x, t).sum())(a), [[p - 1, 1 - p]], rtol=1e-5)
    infinite = mx.array([[1.0, -np.inf], [np.inf, 0.0]])
    assert mx.fast.cross_entropy(infinite, mx.array([1, 1])).tolist() == [np.inf, np.inf]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_cross_entropy_gradient(dtype):
    a, t = mx.array(numbers(3, 6), dtype=dtype), mx.array([0, 5, 2])
    weights = mx.array([1.0, 2.0, -0.5])
    grad = mx.grad(lambda x: (mx.fast.cross_entropy(x, t) * weights).sum())(a)
    p = np.exp(to_numpy(a).astype(np.float64))
    wanted = (p / p.sum(-1, keepdims=True) - np.eye(6)[np.array(t)]) * np.array(weights)[:, None]
    same(grad, wanted, dtype, atol=1e-6 if dtype == mx.float32 else 1e-2)
    same(
        mx.compile(mx.grad(lambda x: (mx.fast.cross_entropy(x, t) * weights).sum()))(a),
        to_numpy(grad),
    )


def test_cross_entropy_transforms():
    a, t = mx.array(numbers(4, 5)), mx.array([0, 4, 2, -1])
    whole = mx.fast.cross_entropy(a, t)
    same(mx.vmap(mx.fast.cross_entropy)(a, t), whole)
    same(
        mx.vmap(lambda x: mx.fast.cross_entropy(x, t[0]))(a),
        mx.fast.cross_entropy(a, mx.zeros(4, mx.int32)),
    )
    same(
        mx.vmap(mx.fast.cross_entropy, in_axes=(1, None))(a.T, t[0]),
        mx.fast.cross_entropy(a, mx.zeros(4, mx.int32)),
    )
    direction = mx.array(numbers(4, 5, seed=1))
    _, (tangent,) = mx.jvp(lambda x: mx.fast.cross_entropy(x, t), (a,), (direction,))
    gradient = mx.grad(lambda x: mx.fast.cross_entropy(x, t).sum())
    same(tangent, (gradient(a) * direction).sum(-1), rtol=1e-5)
    curved = mx.grad(lambda x: (gradient(x) * direction).sum())(a)
    step = 1e-3 * direction
    same(curved, (gradient(a + step) - gradient(a - step)) / 2e-3, rtol=1e-3, atol=1e-3)


def test_cross_entropy_is_lean():
    """The loss makes nothing of the logits' size, its gradient one array more than itself at
    most."""
    a, t = mx.zeros((64, 20000)) + mx.arange(20000) * 1e-4, mx.arange(64)
    mx.eval(a, t)

    def peak(f):
        return peak_of(lambda: mx.eval(f(a))) / a.nbytes

    assert peak(lambda x: mx.fast.cross_entropy(x, t)) < 0.1
    assert peak(lambda x: mx.fast.cross_entropy(x[:, :-1], t)) < 0.1
    assert peak(mx.grad(lambda x: mx.fast.cross_entropy(x, t).sum())) < 2.1


@pytest.mark.parametrize(
    "logits, targets, error",
    [
        (mx.zeros((2, 3), mx.int32), mx.array([0, 1]), ValueError),
        (mx.zeros((2, 3)), mx.array([0.0, 1.0]), ValueError),
        (mx.zeros((2, 3)), mx.array([0]), ValueError),
        (mx.zeros(()), mx.array(0), ValueError),
        (mx.zeros((2, 0)), mx.array([0, 0]), ValueError),
        (mx.zeros((2, 3)), mx.array([0, 3]), IndexError),
        (mx.zeros((2, 3)), mx.array([-4, 0]), IndexError),
    ],
)
def test_cross_entropy_refuses(logits, targets, error):
    with pytest.raises(error, match="cross_entropy"):
        mx.eval(mx.fast.cross_entropy(logits, targets))


# --- gated_delta_update
# ----------------------------------------------------------------------------------


def delta(q, k, v, gamma, beta, state=None, mask=None):
    """The recurrence, one step and head after another."""
    q, k, v, gamma, beta = (np.asarray(x, np.float64) for x in (q, k, v, gamma, beta))
    batch, steps, key_heads, dk = q.shape
    heads, dv = v.shape[2:]
    s = np.zeros((batch, heads, dv, dk)) if state is None else np.array(state, np.float64)
    y = np.zeros((batch, steps, heads, dv))
    for b, t, h in np.ndindex(batch, steps, heads):
        if mask is None or mask[b, t]:
            key, query = (x[b, t, h // (heads // key_heads)] for x in (k, q))
            s[b, h] *= gamma[b, t, h]
            s[b, h] += np.outer(beta[b, t, h] * (v[b, t, h] - s[b, h] @ key), key)
            y[b, t, h] = s[b, h] @ query
    return y, s


def case(batch, steps, key_heads, dk, heads, dv, each=False):
    shapes = [(batch, steps, key_heads, dk)] * 2 + [(batch, steps, heads, dv)]
    values = [numbers(*shape, low=-0.5, high=0.5, seed=i) for i, shape in enumerate(shapes)]
    gamma = numbers(batch, steps, heads, *([dk] if each else []), low=0.3, high=1, seed=4)
    return [
        mx.array(x) for x in (*values, gamma, numbers(batch, steps, heads, low=0, high=1, seed=5))
    ]


SIZES = [
    (1, 1, 1, 1, 1, 1),
    (2, 5, 2, 32, 4, 9),
    (1, 70, 1, 19, 3, 21),
    (2, 3, 4, 8, 4, 16),
    (2, 0, 1, 4, 1, 4),
    (0, 3, 1, 4, 2, 4),
    (1, 4, 1, 0, 2, 3),
]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("each", [False, True])
def test_gated_delta(size, each):
    inputs = case(*size, each)
    batch, steps, _, dk, heads, dv = size
    state = mx.array(numbers(batch, heads, dv, dk, seed=9))
    mask = mx.array(numbers(batch, steps, seed=3) > -1)
    for more in ((), (state,), (None, mask), (state, mask)):
        wanted = delta(*map(np.array, inputs), *(None if m is None else np.array(m) for m in more))
        found = mx.fast.gated_delta_update(*inputs, *more)
        assert isinstance(found, list)
        same(found, wanted, mx.float32, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    "dtype", [mx.float16, mx.bfloat16, mx.float64, mx.complex64, mx.int32], ids=str
)
def test_gated_delta_dtypes(dtype):
    inputs = [x.astype(dtype) for x in case(2, 5, 2, 8, 4, 6)]
    y, state = mx.fast.gated_delta_update(*inputs)
    wanted = delta(*(to_numpy(mx.real(x)) for x in inputs))
    assert y.dtype == (mx.float32 if dtype == mx.int32 else dtype)
    assert state.dtype == (dtype if dtype in (mx.float64, mx.complex64) else mx.float32)
    same(mx.real(y), wanted[0], atol=1e-5)
    same(mx.real(state), wanted[1], rtol=2e-5, atol=1e-5)


def test_gated_delta_one_step_after_another():
    """Steps one by one, with the state handed on, are all steps at once; layouts do not matter."""
    inputs = case(2, 6, 1, 8, 2, 8)
    whole, last = mx.fast.gated_delta_update(*inputs)
    state, parts = None, []
    for t in range(6):
        y, state = mx.fast.gated_delta_update(*(x[:, t : t + 1] for x in inputs), state)
        parts.append(y)
    same(mx.concatenate(parts, 1), whole, rtol=1e-5)
    same(state, last, rtol=1e-5)
    turned = [mx.contiguous(x.swapaxes(0, 1)).swapaxes(0, 1) for x in inputs]
    same(mx.fast.gated_delta_update(*turned), [whole, last], rtol=1e-5)
    same(mx.compile(mx.fast.gated_delta_update)(*inputs), [whole, last], rtol=1e-5)
    same(mx.fast.gated_delta_update(*inputs)[1], last)


@pytest.mark.parametrize("each", [False, True])
def test_gated_delta_gradient(each):
    inputs = case(1, 4, 1, 3, 2, 2, each) + [
        mx.array(numbers(1, 2, 2, 3, seed=7)),
        mx.array([[True, True, False, True]]),
    ]
    w, u = numbers(1, 4, 2, 2, seed=8), numbers(1, 2, 2, 3, seed=6)

    def f(*x):
        y, s = mx.fast.gated_delta_update(*x, inputs[6])
        return (y * mx.array(w)).sum() + (s * mx.array(u)).sum()

    def wanted(x):
        y, s = delta(*x, np.array(inputs[6]))
        return (y * w).sum() + (s * u).sum()

    grads = mx.grad(f, argnums=(0, 1, 2, 3, 4, 5))(*inputs[:6])
    values = [np.array(x, np.float64) for x in inputs[:6]]
    for i, g in enumerate(grads):
        assert g.shape == inputs[i].shape
        for place in np.ndindex(*g.shape):
            step = [x.copy() for x in values]
            step[i][place] += 1e-5
            up = wanted(step)
            step[i][place] -= 2e-5
            np.testing.assert_allclose(
                np.array(g)[place], (up - wanted(step)) / 2e-5, rtol=1e-3, atol=1e-5
            )


def test_gated_delta_vmap():
    inputs = case(2, 3, 1, 4, 2, 5)
    many = [mx.stack([x, x * 0.5]) for x in inputs]
    y, state = mx.vmap(mx.fast.gated_delta_update)(*many)
    for i in range(2):
        same([y[i], state[i]], mx.fast.gated_delta_update(*(x[i] for x in many)), rtol=1e-5)
    y, _ = mx.vmap(mx.fast.gated_delta_update, in_axes=(None, 0, None, None, None))(
        inputs[0], many[1], *inputs[2:]
    )
    same(y[1], mx.fast.gated_delta_update(inputs[0], many[1][1], *inputs[2:])[0], rtol=1e-5)


@pytest.mark.parametrize(
    "change, what",
    [
        ({0: lambda x: x[0]}, "4 dimensions"),
        ({1: lambda x: x[:, :, :, :2]}, "k has shape"),
        ({2: lambda x: x[:, :2]}, "v has shape"),
        ({2: lambda x: x[:, :, :3], 3: lambda x: x[:, :, :3]}, "multiple"),
        ({3: lambda x: x[:, :, :3]}, "broadcast"),
        ({4: lambda x: x[:, :2]}, "broadcast"),
    ],
    ids=str,
)
def test_gated_delta_refuses(change, what):
    inputs = case(2, 3, 2, 4, 4, 5)
    for i, f in change.items():
        inputs[i] = f(inputs[i])
    with pytest.raises(ValueError, match=what):
        mx.fast.gated_delta_update(*inputs)


def test_attention_sinks():
    """One more logit for each head; of a dtype that the result can hold."""
    q = mx.array(numbers(1, 2, 3, 8))
    sinks = mx.array([0.5, -1.0])
    found = mx.fast.scaled_dot_product_attention(q, q, q, scale=0.5, sinks=sinks.astype(mx.float16))
    scores = np.concatenate(
        [
            np.broadcast_to(np.array(sinks)[None, :, None, None], (1, 2, 3, 1)),
            0.5 * np.array(q) @ np.swapaxes(np.array(q), -1, -2),
        ],
        -1,
    )
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    same(found, weights[..., 1:] @ np.array(q), rtol=1e-5)
    half = q.astype(mx.float16)
    with pytest.raises(ValueError, match="sinks must promote"):
        mx.fast.scaled_dot_product_attention(half, half, half, scale=0.5, sinks=sinks)
