"""compile: what is traced again, captured state, constants, containers, life of the cache."""

import functools
import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest

import mlx.core as mx

from seeds import generator

ONE, TWO, ROW = mx.array(1.0), mx.array(2.0), mx.array([1.0, 2.0, 3.0])


class Counted:
    """A function that knows how often it ran."""

    def __init__(self, f=lambda x, *a, **k: x * 2):
        self.f, self.calls = f, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        return self.f(*args, **kwargs)


def traces(compiled, counted, *args, **kwargs):
    before = counted.calls
    compiled(*args, **kwargs)
    return counted.calls - before


def test_one_trace_for_each_kind_of_arguments():
    f = Counted()
    c = mx.compile(f)
    kinds = [
        ((ONE,), {}),
        ((ROW,), {}),
        ((ROW[:2],), {}),
        ((ROW.astype(mx.float16),), {}),
        ((ROW, 3), {}),
        ((ROW, 4), {}),
        ((ROW, 3.0), {}),
        ((ROW, True), {}),
        ((ROW, "a"), {}),
        ((ROW, "b"), {}),
        ((ROW, None), {}),
        ((ROW, -1), {}),
        ((ROW, 2**70), {}),
        ((ROW, ROW), {}),
        ((ROW,), {"k": ROW}),
        ((ROW,), {"j": ROW}),
        ((ROW,), {"k": 3}),
        ((ROW, [ROW, ROW]), {}),
        ((ROW, [[ROW], ROW]), {}),
        ((ROW, {"a": ROW}), {}),
        ((ROW, {"b": ROW}), {}),
        ((ROW, {1: ROW}), {}),
        ((ROW, []), {}),
        ((ROW, {}), {}),
    ]
    for args, kwargs in kinds:
        assert traces(c, f, *args, **kwargs) == 1, (args, kwargs)
    for args, kwargs in kinds:
        assert traces(c, f, *args, **kwargs) == 0, (args, kwargs)


def test_results():
    def f(x):
        return {"a": x, "b": [x * 2, None, 3], "c": (x, "text")}

    c = mx.compile(f)
    for x in (ONE, TWO, ROW, ROW):
        got = c(x)
        assert got["b"][1:] == [None, 3] and got["c"][1] == "text"
        assert mx.array_equal(got["b"][0], x * 2) and mx.array_equal(got["a"], x)
    assert mx.compile(lambda x: 3)(ONE) == 3
    assert mx.compile(lambda x: None)(ONE) is None
    assert mx.compile(lambda: ONE + 1)().item() == 2


def test_results_may_depend_on_what_is_traced():
    c = mx.compile(lambda x: [x] * x.ndim)
    assert [len(c(mx.ones((2,) * n))) for n in (0, 1, 3, 1, 0)] == [0, 1, 3, 1, 0]


@pytest.mark.parametrize("constant", [object(), len, mx.float32, 1j, {1}, b"a"])
def test_other_constants_are_refused(constant):
    with pytest.raises(ValueError, match="trees of arrays or constants"):
        mx.compile(lambda x, y: x)(ONE, constant)


def test_captured_list():
    state = [mx.array(0.0)]

    def step(x):
        state[0] = state[0] + x
        return state[0] * 2

    c = mx.compile(step, inputs=state, outputs=state)
    assert (c(ONE).item(), state[0].item()) == (2, 1)
    assert (c(ONE).item(), state[0].item()) == (4, 2)
    state[0] = mx.array(10.0)
    assert (c(ONE).item(), state[0].item()) == (22, 11)


def test_captured_dicts_that_grow():
    state = {"a": {"b": mx.array(0.0)}, "n": 3, "t": (mx.array(1.0), [mx.array(2.0)])}

    def step(x):
        state["a"]["b"] = state["a"]["b"] + x
        state.setdefault("m", mx.array(0.0))
        state["m"] = state["m"] * 0.5 + x
        state["t"][1][0] = state["t"][1][0] * 2
        return state["t"][0] + 1

    c = mx.compile(step, inputs=[state], outputs=[state])
    for expected in (1, 2, 3):
        assert c(ONE).item() == 2
        assert state["a"]["b"].item() == expected
    assert state["m"].item() == 1.75 and state["t"][1][0].item() == 16 and state["n"] == 3


def test_captured_inputs_keep_their_arrays():
    w = mx.array(3.0)
    state = {"w": w, "same": w}
    c = mx.compile(lambda x: state["w"] * x + state["same"], inputs=state)
    assert c(TWO).item() == 9
    assert state["w"] is w and state["same"] is w
    state["w"] = mx.array(1.0)
    assert c(TWO).item() == 5

    def fails(x):
        state["w"] = state["w"] + 1
        raise KeyError("mine")

    with pytest.raises(KeyError):
        mx.compile(fails, inputs=state)(ONE)
    assert state["same"] is w


@pytest.mark.parametrize("shapeless", [False, True])
def test_what_is_set_in_captured_inputs_is_no_tracer_afterwards(shapeless):
    """Arrays that the function sets are kept where they are outputs; elsewhere the state is as it
    was."""
    w, state = mx.array(3.0), {"t": (mx.array(5.0),), "l": [mx.array(7.0)], "n": 1}
    state["w"] = w

    def step(x):
        state["new"] = state["w"] + x
        state["w"] = state["w"] * x
        state["t"] = (x, x)
        state["sub"] = {"k": [x]}
        state["l"].append(x + 1)
        state["n"] = 2
        return x * 2

    c = mx.compile(step, inputs=state, shapeless=shapeless)
    for _ in range(3):
        assert c(TWO).item() == 4
        assert sorted(state) == ["l", "n", "t", "w"] and state["w"] is w and state["n"] == 2
        assert (
            [v.item() for v in state["l"]] == [7]
            and state["t"][0].item() == 5
            and len(state["t"]) == 1
        )


def test_outputs_stay_and_other_inputs_come_back():
    kept, other = {"y": mx.array(1.0)}, {"z": mx.array(2.0)}

    def step(x):
        kept["y"], kept["new"] = kept["y"] + x, x
        other["z"], other["new"] = other["z"] + x, x
        return kept["y"] + other["z"]

    c = mx.compile(step, inputs=[kept, other], outputs=kept)
    assert [c(ONE).item() for _ in range(3)] == [5, 6, 7]
    assert kept["y"].item() == 4 and kept["new"].item() == 1
    assert list(other) == ["z"] and other["z"].item() == 2


def test_a_failed_trace_leaves_state_as_it_was():
    state = {"y": mx.array(1.0)}

    def step(x):
        state["y"] = state["new"] = x
        raise KeyError("mine")

    for given in ({"inputs": state, "outputs": state}, {"outputs": state}, {"inputs": state}):
        with pytest.raises(KeyError):
            mx.compile(step, **given)(TWO)
        assert list(state) == ["y"] and state["y"].item() == 1


def test_an_argument_is_not_taken_in_by_another_name():
    """It would be a constant of the trace. Calls that need no trace, and transforms around, are no
    mistake."""
    x, y = mx.array([1.0, 2.0]) + 1, mx.array([1.0, 2.0])
    mx.eval(y)
    for f, a in (
        (lambda z: z + x, x),
        (lambda z: z + (x + 1), x),
        (lambda z: z + y.sum(), y),
        (lambda z: y, y),
    ):
        with pytest.raises(ValueError, match="uncaptured inputs"):
            mx.compile(f)(a)
        with pytest.raises(ValueError, match="uncaptured inputs"):
            mx.compile(f, shapeless=True)(a)
    c = mx.compile(lambda z: z * y)
    assert c(mx.array([1.0, 1.0])).tolist() == [1, 2] and c(y).tolist() == [1, 4]
    assert mx.compile(lambda z, w: z * w)(y, y).tolist() == [1, 4]
    assert mx.compile(lambda z: z * 2.0)(mx.grad(lambda z: z * 2.0)(ONE)).item() == 4
    state = [y]
    assert mx.compile(lambda z: z * state[0], inputs=state)(y).tolist() == [1, 4]
    assert mx.grad(lambda a: mx.compile(lambda z: z * a)(a).sum())(y).tolist() == [2, 4]


def test_captured_outputs_only():
    state = {}

    def step(x):
        state["y"] = x * 3
        return x

    c = mx.compile(step, outputs=state)
    for x in (ONE, TWO):
        c(x)
        assert state["y"].item() == 3 * x.item()


def test_training_step():
    rng = generator(0)
    x = mx.array(rng.normal(size=(64, 3)).astype(np.float32))
    y = x @ mx.array([1.0, -2.0, 0.5])
    params = {"w": mx.zeros(3), "v": mx.zeros(3)}

    def loss(w):
        return ((x @ w - y) ** 2).mean()

    def step():
        value, g = mx.value_and_grad(loss)(params["w"])
        params["v"] = 0.9 * params["v"] + g
        params["w"] = params["w"] - 0.05 * params["v"]
        return value

    compiled = mx.compile(step, inputs=params, outputs=params)
    for _ in range(200):
        value = compiled()
        mx.eval(value, params)
    np.testing.assert_allclose(np.array(params["w"]), [1, -2, 0.5], atol=1e-3)


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: [s], lambda s: {"r": s}, lambda s: (s,)])
def test_random_state(wrap):
    def draw():
        return mx.random.uniform(shape=(3,))

    state = wrap(mx.random.state)
    c = mx.compile(draw, inputs=state, outputs=state)
    mx.random.seed(7)
    got = [c().tolist() for _ in range(3)]
    mx.random.seed(7)
    assert got == [draw().tolist() for _ in range(3)]
    assert got[0] != got[1]


def test_random_state_that_is_not_captured_is_constant():
    c = mx.compile(lambda: mx.random.uniform())
    assert c().item() == c().item()
    assert mx.random.uniform().item() != mx.random.uniform().item()


def test_shapeless():
    f = Counted(lambda x: x.sum(axis=-1) * 2)
    c = mx.compile(f, shapeless=True)
    assert c(ROW).item() == 12 and c(ROW[:2]).item() == 6 and f.calls == 1
    c(mx.ones((2, 2)))
    c(mx.array([1, 2]))
    assert f.calls == 3


def test_as_a_decorator():
    @functools.partial(mx.compile, shapeless=True)
    def f(x):
        return x * 2

    @mx.compile
    def g(x, *, scale=1):
        return f(x) * scale

    assert g(ROW).tolist() == [2, 4, 6]
    assert g(ROW, scale=2).tolist() == [4, 8, 12]
    with pytest.raises(TypeError, match="unexpected keyword"):
        g(ROW, other=2)


def test_disable_and_enable():
    f = Counted()
    c = mx.compile(f)
    c(ONE)
    try:
        mx.disable_compile()
        assert [traces(c, f, ONE), traces(c, f, ONE)] == [1, 1]
    finally:
        mx.enable_compile()
    assert traces(c, f, ONE) == 0


def test_with_other_transforms():
    def f(x):
        return x * x * TWO

    assert mx.grad(mx.compile(f))(TWO).item() == 8
    assert mx.compile(mx.grad(f))(TWO).item() == 8
    assert mx.vmap(mx.compile(f))(ROW).tolist() == [2, 8, 18]
    assert mx.compile(mx.compile(f))(TWO).item() == 8
    assert mx.grad(mx.grad(mx.compile(f)))(TWO).item() == 4
    for k in (1.0, 2.0):  # a trace that took in another transform's array holds for that call alone
        inner = mx.grad(lambda w: mx.compile(lambda x: x * w)(TWO))
        assert inner(mx.array(k)).item() == 2


def test_evaluation_inside_is_refused():
    for f in (lambda x: x.item(), lambda x: x + 1 if x > 0 else x, lambda x: mx.eval(x)):
        with pytest.raises(
            ValueError, match="Attempting to eval an array during function transformations"
        ):
            mx.compile(f)(ONE)


def test_a_failed_trace_is_tried_again():
    fail = [True]

    def f(x):
        if fail[0]:
            raise KeyError("mine")
        return x + 1

    c = mx.compile(f)
    with pytest.raises(KeyError):
        c(ONE)
    fail[0] = False
    assert c(ONE).item() == 2


FIRST = """
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

model, optimizer, calls = nn.Linear(3, 4), optim.Adam(1e-3), []
state = [model.state, optimizer.state]
gradient = nn.value_and_grad(model, lambda x, y: nn.losses.cross_entropy(model(x), y).mean())

def step(x, y):
    calls.append(1)
    loss, gradients = gradient(x, y)
    optimizer.update(model, gradients)
    return loss

step = mx.compile(step, inputs=state, outputs=state)
for _ in range(3):
    mx.eval(step(mx.ones((5, 3)), mx.array([0, 1, 2, 3, 0])), state)
print(len(calls), optimizer.step.item())
"""


def test_the_first_evaluation_of_a_process_is_that_of_a_trace():
    """State that a trace makes is made once: with it the second call has other captured inputs."""
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True)
    assert done.stdout.split() == ["2", "3"], done.stderr


def test_a_trace_that_fails_takes_back_what_an_optimizer_made():
    import mlx.nn as nn
    import mlx.optimizers as optim

    model, optimizer = nn.Linear(2, 2), optim.Adam(1e-3)
    state, fail = [model.state, optimizer.state], [True]
    gradient = nn.value_and_grad(model, lambda x: model(x).sum())

    def step(x):
        optimizer.update(model, gradient(x)[1])
        if fail[0]:
            raise InterruptedError

    compiled = mx.compile(step, inputs=state, outputs=state)
    with pytest.raises(InterruptedError):
        compiled(mx.ones((1, 2)))
    fail[0] = False
    compiled(mx.ones((1, 2)))
    mx.eval(state)
    assert optimizer.step.item() == 1 and set(optimizer.state) >= {"weight", "bias"}


@pytest.mark.parametrize(
    "make", [lambda: mx.compile(3), lambda: mx.compile(len, shapeless=1), lambda: mx.compile()]
)
def test_wrong_types(make):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        make()


def test_the_cache_goes_with_the_function():
    class Big:
        def __init__(self):
            self.array = mx.ones((10,))

        def __call__(self, x):
            return {"x": x * self.array, "me": self}

    big = Big()
    c = mx.compile(big)
    big.own = c  # a circle: the result's template holds the function too
    c(ONE)
    ref = weakref.ref(big)
    del big, c
    gc.collect()
    assert ref() is None


# --- one trace for all sizes ----------------------------------------------------------------------

FOR_ALL_SIZES = [
    "mx.zeros_like(a)", "mx.ones_like(a)", "mx.full_like(a, 3)", "mx.zeros_like(a, dtype=mx.int32)",
    "mx.where(a > 1, a, mx.zeros_like(a))", "a[::-1]", "a[-1:]", "a[::2]", "a[-1]", "a[2:]", "a[:-1]",
    "a[-2::-1]", "a[:]", "a[...]", "a[None]", "a[:, None]", "mx.sort(a)[::-1]", "mx.repeat(a, 2)",
    "mx.tile(a, 3)", "mx.tril(a[:, None] * a)", "mx.triu(a[:, None] * a, 1)", "mx.array(a)", "mx.pad(a, 1)",
]  # fmt: skip
FOR_SOME = [
    "a[:3]", "a[1:3]", "a[0]", "mx.roll(a, 1)", "mx.roll(a, 2)", "a[mx.array([0, 0])]", "mx.take(a, mx.array([0]))",
    "mx.concatenate([a[1:], a[:1]])", "mx.split(a, 1)[0]", "a.at[0].add(1)", "mx.diff(a)",
]  # fmt: skip


def outcome(f, x):
    try:
        return f(x).tolist()
    except (ValueError, RuntimeError, IndexError):
        return "refused"


@pytest.mark.parametrize("text", FOR_ALL_SIZES + FOR_SOME)
@pytest.mark.parametrize("traced", [1, 2, 3, 4])
def test_shapeless_is_right_for_every_size_or_refuses(text, traced):
    f = eval("lambda a: " + text, {"mx": mx})
    compiled = mx.compile(f, shapeless=True)
    for n in (traced, 1, 2, 3, 4, 5, 0):
        x = mx.arange(1.0, n + 1.0)
        want, got = outcome(f, x), outcome(compiled, x)
        if text in FOR_ALL_SIZES or n == traced or got != "refused":
            assert got == want, (traced, n)


# --- inside of other transforms
# ---------------------------------------------------------------------


def test_compiled_functions_take_in_arrays_of_transforms_around_them():
    x = mx.array([3.0, 3.0])
    inner = lambda z, y: mx.compile(lambda a: a * y)(z)  # noqa: E731
    assert mx.compile(lambda x: inner(x, x))(x).tolist() == [9, 9]
    assert mx.compile(lambda x: mx.compile(lambda z: x)(x))(x).tolist() == [3, 3]
    assert mx.compile(lambda x: inner(x, x), shapeless=True)(x).tolist() == [9, 9]
    assert mx.vmap(lambda x: inner(x, 2 * x))(x).tolist() == [18, 18]
    assert mx.grad(lambda x: inner(x, 2 * x).sum())(x).tolist() == [12, 12]
    # d/dy x y^2 at 3, where y is the gradient's own and pending
    assert mx.compile(lambda x: mx.grad(lambda y: inner(y, x * y).sum())(x))(x).tolist() == [18, 18]
    assert mx.grad(lambda x: mx.compile(lambda y: inner(y, x * y).sum())(x))(x).tolist() == [27, 27]


def written(a, key, value):
    b = a * 1
    b[key] = value
    return b


INDEXED = {
    "a[i]": lambda a, i: a[i],
    "a[i, -1]": lambda a, i: a[i, -1],
    "a[:, i]": lambda a, i: a[:, i],
    "a[1:, i]": lambda a, i: a[1:, i],
    "a[i, i]": lambda a, i: a[i, i],
    "take": lambda a, i: mx.take(a, i),
    "take_along_axis": lambda a, i: mx.take_along_axis(a, mx.argsort(a, 0), 0),
    "put_along_axis": lambda a, i: mx.put_along_axis(a, mx.argsort(a, 0), a * 2, 0),
    "x[0] =": lambda a, i: written(a, 0, 3.0),
    "x[-1] =": lambda a, i: written(a, -1, a[0]),
    "x[1:] =": lambda a, i: written(a, slice(1, None), 7.0),
    "x[::-1] =": lambda a, i: written(a, slice(None, None, -1), a),
    "x[..., -1] =": lambda a, i: written(a, (..., -1), a[..., 0]),
    "x[i] =": lambda a, i: written(a, i, 5.0),
    "x[:, i] =": lambda a, i: written(a, (slice(None), i), 9.0),
    "x[i, i] =": lambda a, i: written(a, (i, i), 9.0),
    "x[i, -1] =": lambda a, i: written(a, (i, -1), 9.0),
    "at[i]": lambda a, i: a.at[i].add(a[i] * 2),
    "at[None, 1:]": lambda a, i: a.at[None, 1:].multiply(3.0),
    "roll": lambda a, i: mx.roll(a, 3),
    "roll -5": lambda a, i: mx.roll(a, -5, -1),
    "roll all": lambda a, i: mx.roll(a, (2, 1), (0, 1)),
    "fftshift": lambda a, i: mx.fft.fftshift(a),
    "ifftshift": lambda a, i: mx.fft.ifftshift(a),
    "gradient of a[i]": lambda a, i: mx.grad(lambda b: (b[i] ** 2).sum())(a),
    "gradient of x[1:] =": lambda a, i: mx.grad(
        lambda b: (written(b, slice(1, None), b[0] * 2) ** 2).sum()
    )(a),
    "gradient of roll": lambda a, i: mx.grad(lambda b: (mx.roll(b, 1, 1) * b).sum())(a),
}


@pytest.mark.parametrize("name", INDEXED)
@pytest.mark.parametrize("traced", [(3, 4), (1, 1), (2, 1)], ids=str)
def test_shapeless_indices_and_updates(name, traced):
    """What is read and written follows the index and the array; places out of range are found when
    they are read."""
    f, c = INDEXED[name], mx.compile(INDEXED[name], shapeless=True)

    def array(shape):
        return mx.array(generator(3).normal(size=shape).astype(np.float32))

    c(array(traced), mx.array([0]))
    for shape in (traced, (5, 2), (4, 1), (1, 4), (7, 7)):
        for i in ([0, -1], [0], [], [-1, 0, 0]):
            i = mx.array(i, dtype=mx.int32)
            want, got = np.array(f(array(shape), i)), np.array(c(array(shape), i))
            np.testing.assert_allclose(got, want, rtol=1e-6, err_msg=f"{shape}, {i.tolist()}")
    if name in ("a[i]", "take", "x[i] ="):
        with pytest.raises(IndexError):
            mx.eval(c(array((2, 1)), mx.array([2])))


@pytest.mark.parametrize(
    "f",
    [lambda a, i: written(a, (i, slice(1, None)), 9.0), lambda a, i: a[:3] * 1],
    ids=["x[i, 1:] =", "a[:3]"],
)
def test_shapeless_refuses_what_holds_for_one_shape(f):
    c = mx.compile(f, shapeless=True)
    i = mx.array([0])
    with pytest.raises(ValueError, match="cannot infer output shapes"):
        c(mx.ones((3, 4)), i)
        c(mx.ones((5, 4)), i)
