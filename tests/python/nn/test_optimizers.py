"""Optimizers against the formulas of their papers in NumPy, and their states, schedules and
refusals."""

import math

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map

from seeds import generator

P = np.array([[1.0, 2.0, -1.0], [3.0, 4.0, 0.5]])
G = np.array([[0.1, -0.2, 0.7], [0.3, 0.4, -2.0]])
STEPS = [1.0, -0.5, 2.25, 0.1]


def run(optimizer, parameter=P, gradient=G):
    tree = {
        "w": mx.array(parameter, mx.float32),
        "more": [mx.array([0.5]), (mx.array([1.5, 2.5]),)],
    }
    for factor in STEPS:
        gradients = tree_map(lambda p: mx.ones_like(p), tree)
        gradients["w"] = mx.array(gradient * factor, mx.float32)
        tree = optimizer.apply_gradients(gradients, tree)
    assert tree["more"][1][0].shape == (2,) and isinstance(tree["more"][1], tuple)
    return np.array(tree["w"])


def expected(rule, parameter=P, gradient=G):
    p = parameter.copy()
    for t, factor in enumerate(STEPS, 1):
        p = rule(p, gradient * factor, t)
    return p


def sgd(lr, momentum=0.0, decay=0.0, dampening=0.0, nesterov=False):
    v = 0

    def rule(p, g, t):
        nonlocal v
        g = g + decay * p
        v = momentum * v + (1 - dampening) * g
        return p - lr * (g + momentum * v if nesterov else v)

    return rule


def adam(lr, b1=0.9, b2=0.999, eps=1e-8, correct=False, decay=0.0, infinity=False):
    m = v = 0

    def rule(p, g, t):
        nonlocal m, v
        m = b1 * m + (1 - b1) * g
        v = np.maximum(b2 * v, np.abs(g)) if infinity else b2 * v + (1 - b2) * g * g
        root = v if infinity else np.sqrt(v)
        c1, c2 = (1 - b1**t, math.sqrt(1 - b2**t)) if correct else (1, 1)
        return p * (1 - lr * decay) - lr * (m / c1) / (root / c2 + eps)

    return rule


def rmsprop(lr, alpha=0.99, eps=1e-8):
    v = 0

    def rule(p, g, t):
        nonlocal v
        v = alpha * v + (1 - alpha) * g * g
        return p - lr * g / (np.sqrt(v) + eps)

    return rule


def adagrad(lr, eps=1e-8):
    v = 0

    def rule(p, g, t):
        nonlocal v
        v = v + g * g
        return p - lr * g / (np.sqrt(v) + eps)

    return rule


def adadelta(lr, rho=0.9, eps=1e-6):
    v = u = 0

    def rule(p, g, t):
        nonlocal v, u
        v = rho * v + (1 - rho) * g * g
        d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d * d
        return p - lr * d

    return rule


def lion(lr, b1=0.9, b2=0.99, decay=0.0):
    m = 0

    def rule(p, g, t):
        nonlocal m
        c, m = b1 * m + (1 - b1) * g, b2 * m + (1 - b2) * g
        return p * (1 - lr * decay) - lr * np.sign(c)

    return rule


def adafactor(lr=None, beta_1=None, decay=0.0, scale=True, warm=False, clip=1.0):
    rows = columns = m = 0

    def rms(x):
        return np.sqrt(np.mean(x * x))

    def rule(p, g, t):
        nonlocal rows, columns, m
        rate = lr if lr else min(1e-6 * t if warm else 1e-2, t**-0.5)
        rate *= max(1e-3, rms(p)) if scale else 1
        b2, s = 1 - t**-0.8, g * g + 1e-30
        rows = b2 * rows + (1 - b2) * s.mean(-1)
        columns = b2 * columns + (1 - b2) * s.mean(-2)
        u = g / np.sqrt(np.outer(rows, columns) / rows.mean())
        u = rate * u / max(1, rms(u) / clip)
        if beta_1 is not None:
            u = m = beta_1 * m + (1 - beta_1) * u
        return p * (1 - decay * rate) - u

    return rule


@pytest.mark.parametrize(
    "optimizer, rule",
    [
        (lambda: optim.SGD(0.1), sgd(0.1)),
        (lambda: optim.SGD(0.1, momentum=0.9), sgd(0.1, 0.9)),
        (lambda: optim.SGD(0.1, 0.9, 0.01, 0.0, True), sgd(0.1, 0.9, 0.01, 0, True)),
        (lambda: optim.SGD(0.1, momentum=0.9, dampening=0.1), sgd(0.1, 0.9, 0, 0.1)),
        (lambda: optim.RMSprop(0.1), rmsprop(0.1)),
        (lambda: optim.Adagrad(0.1), adagrad(0.1)),
        (lambda: optim.AdaDelta(0.1), adadelta(0.1)),
        (lambda: optim.Adam(0.1), adam(0.1)),
        (lambda: optim.Adam(0.1, [0.8, 0.9], 1e-3), adam(0.1, 0.8, 0.9, 1e-3)),
        (lambda: optim.Adam(0.1, bias_correction=True), adam(0.1, correct=True)),
        (lambda: optim.AdamW(0.1), adam(0.1, decay=0.01)),
        (
            lambda: optim.AdamW(0.1, weight_decay=0.2, bias_correction=True),
            adam(0.1, correct=True, decay=0.2),
        ),
        (lambda: optim.Adamax(0.1), adam(0.1, infinity=True)),
        (lambda: optim.Lion(0.1), lion(0.1)),
        (lambda: optim.Lion(0.1, weight_decay=0.1), lion(0.1, decay=0.1)),
        (lambda: optim.Adafactor(), adafactor()),
        (lambda: optim.Adafactor(warmup_init=True), adafactor(warm=True)),
        (
            lambda: optim.Adafactor(
                0.1, relative_step=False, scale_parameter=False, beta_1=0.9, weight_decay=0.1
            ),
            adafactor(0.1, 0.9, 0.1, False),
        ),
        (lambda: optim.Adafactor(clip_threshold=0.2), adafactor(clip=0.2)),
    ],
)
def test_rules(optimizer, rule):
    np.testing.assert_allclose(run(optimizer()), expected(rule), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 4), (4, 8), (4, 2, 2)])
def test_muon_steps_are_orthogonal(shape):
    gradient = generator(1).normal(size=shape)
    optimizer = optim.Muon(1.0, momentum=0.0, weight_decay=0.0, ns_steps=10)
    new = optimizer.apply_gradients({"w": mx.array(gradient, mx.float32)}, {"w": mx.zeros(shape)})[
        "w"
    ]
    step = -np.array(new, np.float64).reshape(shape[0], -1)
    scale = math.sqrt(max(1, shape[-2] / shape[-1]))
    singular = np.linalg.svd(step / scale, compute_uv=False)
    assert np.all(singular > 0.6) and np.all(singular < 1.3)
    u, _, vt = np.linalg.svd(gradient.reshape(shape[0], -1), full_matrices=False)
    # what these singular values allow
    assert np.corrcoef((u @ vt).ravel(), step.ravel())[0, 1] > 0.93


def test_muon_moves_vectors_along_momentum():
    optimizer = optim.Muon(0.1, momentum=0.5, weight_decay=0.0, nesterov=False)
    p = {"b": mx.array([1.0, 2.0])}
    for _ in range(2):
        p = optimizer.apply_gradients({"b": mx.array([1.0, -1.0])}, p)
    np.testing.assert_allclose(p["b"], [1 - 0.1 * 1.25, 2 + 0.1 * 1.25], rtol=1e-6)


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16])
@pytest.mark.parametrize(
    "make",
    [optim.SGD, optim.Adam, optim.AdamW, optim.Lion, optim.RMSprop, optim.Muon, optim.Adafactor],
)
def test_parameters_and_states_keep_their_dtype(make, dtype):
    optimizer = make(1e-2)
    p = {"w": mx.ones((4, 3), dtype), "b": mx.ones((3,), dtype)}
    for _ in range(2):
        p = optimizer.apply_gradients(tree_map(mx.ones_like, p), p)
    assert all(v.dtype == dtype for _, v in tree_flatten(p))
    rest = [v for k, v in tree_flatten(optimizer.state) if k not in ("step", "learning_rate")]
    assert rest and all(v.dtype == dtype for v in rest)


def test_state_is_made_once_and_can_be_restored():
    p = {"a": mx.ones(2), "layers": [mx.ones(3)]}
    first = optim.Adam(0.1)
    first.init(p)
    assert sorted(k for k, _ in tree_flatten(first.state)) == [
        "a.m", "a.v", "layers.0.m", "layers.0.v", "learning_rate", "step"]  # fmt: skip
    g = tree_map(mx.ones_like, p)
    q = first.apply_gradients(g, p)
    second = optim.Adam(0.5)
    second.state = tree_map(lambda x: x, first.state)
    r, s = first.apply_gradients(g, q), second.apply_gradients(g, q)
    assert mx.array_equal(r["a"], s["a"]) and second.step.item() == 2
    assert second.learning_rate.item() == pytest.approx(0.1)


def test_parameters_that_join_later_get_a_state():
    optimizer = optim.SGD(0.1, momentum=0.9)
    optimizer.init({"a": mx.ones(2)})
    optimizer.state["a"]["v"] = mx.ones(2)
    optimizer.init({"a": mx.ones(2), "b": [mx.ones(3)]})
    assert optimizer.state["a"]["v"].tolist() == [1, 1]
    assert optimizer.state["b"][0]["v"].tolist() == [0, 0, 0]


def test_a_compiled_step_takes_the_state_along():
    p = {"w": mx.array([1.0, 2.0])}
    plain, compiled = optim.Adam(0.1), optim.Adam(0.1)
    tree, state = dict(p), [p, compiled.state]

    def step(g):
        p.update(compiled.apply_gradients({"w": g}, p))

    step = mx.compile(step, inputs=state, outputs=state)
    for factor in STEPS:
        g = mx.array([0.5, -1.0]) * factor
        step(g)
        tree = plain.apply_gradients({"w": g}, tree)
        mx.eval(state)
        np.testing.assert_allclose(p["w"], tree["w"], rtol=1e-6)
    assert compiled.step.item() == len(STEPS)


def test_inputs_are_left_alone():
    p, g = {"w": mx.array([1.0, 2.0])}, {"w": mx.array([0.5, 0.5])}
    for optimizer in (
        optim.SGD(0.1, 0.9, 0.1),
        optim.AdamW(0.1),
        optim.Lion(0.1, weight_decay=0.1),
        optim.Muon(0.1),
    ):
        optimizer.apply_gradients(g, p)
    assert p["w"].tolist() == [1, 2] and g["w"].tolist() == [0.5, 0.5]


def test_schedules():
    def values(schedule, n=12):
        return [float(schedule(mx.array(i))) for i in range(n)]

    t = np.arange(12)
    np.testing.assert_allclose(values(optim.exponential_decay(0.1, 0.9)), 0.1 * 0.9**t, rtol=1e-5)
    np.testing.assert_allclose(
        values(optim.step_decay(0.1, 0.9, 3)), 0.1 * 0.9 ** (t // 3), rtol=1e-5
    )
    cosine = 0.01 + 0.045 * (1 + np.cos(np.pi * np.minimum(t, 10) / 10))
    np.testing.assert_allclose(
        values(optim.cosine_decay(0.1, 10, 0.01)), cosine * 0.09 / 0.09, rtol=1e-5
    )
    line = np.minimum(t, 5) * 0.02
    np.testing.assert_allclose(values(optim.linear_schedule(0, 0.1, 5)), line, rtol=1e-5)
    joined = optim.join_schedules(
        [optim.linear_schedule(0, 0.1, 5), optim.exponential_decay(0.1, 0.5)], [5]
    )
    np.testing.assert_allclose(
        values(joined), np.where(t < 5, line, 0.1 * 0.5 ** (t - 5.0)), rtol=1e-5
    )


def test_scheduled_learning_rate():
    optimizer = optim.SGD(optim.step_decay(0.1, 0.5, 2))
    rates = []
    for _ in range(5):
        optimizer.apply_gradients({"w": mx.ones(1)}, {"w": mx.ones(1)})
        rates.append(optimizer.learning_rate.item())
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.05, 0.05, 0.025], rtol=1e-6)
    optimizer = optim.Adam(0.1)
    optimizer.learning_rate = 0.3
    assert optimizer.learning_rate.item() == pytest.approx(0.3)


def test_multi_optimizer():
    p, g = {"w": mx.ones(2), "b": mx.ones(2)}, {"w": mx.ones(2), "b": mx.ones(2)}
    both = optim.MultiOptimizer([optim.SGD(0.1), optim.Lion(0.2)], [lambda path, _: path == "w"])
    new = both.apply_gradients(g, p)
    np.testing.assert_allclose(new["w"], [0.9, 0.9], rtol=1e-6)
    np.testing.assert_allclose(new["b"], [0.8, 0.8], rtol=1e-6)
    both.learning_rate = 0.5
    assert [o.learning_rate.item() for o in both.optimizers] == [0.5, 0.5]
    assert len(both.state["states"]) == 2
    with pytest.raises(ValueError):
        optim.MultiOptimizer([optim.SGD(0.1)], [lambda *a: True])


def test_clip_grad_norm():
    g = {"a": mx.array([3.0, 0.0]), "b": [mx.array([4.0])]}
    clipped, norm = optim.clip_grad_norm(g, 1.0)
    assert norm.item() == pytest.approx(5)
    np.testing.assert_allclose(clipped["a"], [0.6, 0], rtol=1e-5)
    same, _ = optim.clip_grad_norm(g, 100)
    assert same["b"][0].item() == pytest.approx(4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.SGD(0.1, nesterov=True),
        lambda: optim.RMSprop(0.1, alpha=-1),
        lambda: optim.RMSprop(0.1, eps=-1),
        lambda: optim.Adagrad(0.1, eps=-1),
        lambda: optim.AdaDelta(0.1, rho=-1),
        lambda: optim.AdaDelta(0.1, eps=-1),
        lambda: optim.Adam(0.1, eps=-1),
        lambda: optim.Adamax(0.1, eps=-1),
        lambda: optim.Lion(0.1, betas=[2, 0.9]),
        lambda: optim.linear_schedule(0, 1, 0),
        lambda: optim.join_schedules([], []),
        lambda: optim.join_schedules([optim.exponential_decay(1, 1)], [3]),
    ],
)
def test_bad_hyperparameters_are_refused(make):
    with pytest.raises(ValueError):
        make()


@pytest.mark.parametrize("initialized", [False, True])
def test_compiled_steps_with_a_state_captured_before(initialized):
    def train(wrap):
        optimizer, parameters = optim.Adam(0.1), {"w": mx.array([1.0, -2.0])}
        state = [parameters, optimizer.state]
        if initialized:
            optimizer.init(parameters)
            assert state[1] is optimizer.state

        def step():
            gradients = {"w": 2 * parameters["w"]}
            parameters.update(optimizer.apply_gradients(gradients, parameters))

        step = wrap(step, state)
        for _ in range(4):
            step()
        return parameters["w"].tolist()

    compiled = train(lambda step, state: mx.compile(step, inputs=state, outputs=state))
    assert compiled == pytest.approx(train(lambda step, _: step), abs=1e-6)


@pytest.mark.parametrize("rule", [optim.Adam(0.1), optim.SGD(0.1, momentum=0.9), optim.Lion(0.1)])
def test_state_of_another_models_shapes_is_refused(rule):
    """Where it can be broadcast, too: the parameter would take its shape."""
    parameters = {"a": [{"w": mx.ones((3, 2))}]}
    rule.apply_gradients(parameters, parameters)
    for shape in (1, 2), (5, 2), (2,):
        with pytest.raises(ValueError, match=r"is of a parameter of shape \(3, 2\), not"):
            rule.init({"a": [{"w": mx.ones(shape)}]})
    other = {"a": [{"w": mx.ones((5, 2))}]}
    with pytest.raises(ValueError, match="each model has an optimizer of its own"):
        rule.apply_gradients(other, other)
    rule.init(parameters)  # the same ones, and others beside them
    rule.init({"a": [{"w": mx.ones((3, 2))}, {"w": mx.ones(7)}]})


def test_state_that_begins_in_another_shape_may_change_it():
    class Remembers(optim.Optimizer):
        def init_single(self, parameter, state):
            state["seen"] = mx.zeros((0, *parameter.shape))

        def apply_single(self, gradient, parameter, state):
            state["seen"] = mx.concatenate([state["seen"], gradient[None]])
            return parameter - state["seen"].sum(0)

    rule, parameters = Remembers(), {"w": mx.ones(2)}
    rule.apply_gradients(parameters, parameters)
    rule.init(parameters)
    assert rule.state["w"]["seen"].shape == (1, 2)
