"""grad, value_and_grad, vjp and jvp: derivatives by finite differences, containers, what is
refused."""

import numpy as np
import pytest

import mlx.core as mx

from seeds import generator

ONE, TWO, ROW = mx.array(1.0), mx.array(2.0), mx.array([1.0, 2.0, 3.0])


def numeric(f, x, step=1e-5):
    """The gradient of f: float64 array -> float by central differences."""
    g = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        g[i] = (f(up) - f(down)) / (2 * step)
    return g


FUNCTIONS = {
    "exp": lambda x: mx.exp(x * 0.5).sum(),
    "softmax": lambda x: (mx.softmax(x, axis=-1) ** 2).sum(),
    "matmul": lambda x: mx.sin(x @ x.T).sum(),
    "norm": lambda x: mx.sqrt((x * x).sum()),
    "gather": lambda x: (x[mx.array([0, 2, 0])] ** 3).sum(),
    "slice": lambda x: (x[1:, ::2] * x[:-1, 1::2]).sum(),
    "logsumexp": lambda x: mx.logsumexp(x, axis=0).sum(),
    "max": lambda x: x.max(axis=1).sum() + x.min(),
    "where": lambda x: mx.where(x > 0, x * x, -x).sum(),
    "cumsum": lambda x: (mx.cumsum(x, axis=1) ** 2).mean(),
    "sort": lambda x: (mx.sort(x, axis=1) * mx.arange(4)).sum(),
    "inverse": lambda x: mx.linalg.inv(
        x @ x.T + 3 * mx.eye(3, dtype=mx.float64), stream=mx.cpu
    ).sum(),
    "compiled": lambda x: mx.compile(lambda y: mx.tanh(y) * y)(x).sum(),
    "checkpointed": lambda x: mx.checkpoint(lambda y: mx.tanh(y) * y)(x).sum(),
    "mapped": lambda x: mx.vmap(lambda row: mx.logsumexp(row) * row[0])(x).sum(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_by_finite_differences(name):
    f = FUNCTIONS[name]
    with mx.stream(mx.cpu):
        x = generator(3).normal(size=(3, 4))
        value, g = mx.value_and_grad(f)(mx.array(x, dtype=mx.float64))
        expected = numeric(lambda v: f(mx.array(v, dtype=mx.float64)).item(), x)
        assert g.dtype == mx.float64
        assert value.item() == pytest.approx(f(mx.array(x, dtype=mx.float64)).item())
        np.testing.assert_allclose(np.array(g), expected, rtol=1e-6, atol=1e-7)


def test_second_and_third_derivatives():
    f = mx.grad(mx.grad(mx.grad(lambda x: x**4)))
    assert f(TWO).item() == pytest.approx(48)
    assert mx.grad(lambda x: mx.grad(lambda y: x * y * y)(x))(TWO).item() == pytest.approx(8)


def test_jvp_and_vjp_agree():
    rng = generator(0)
    x, t, c = (mx.array(rng.normal(size=(4, 3)).astype(np.float32)) for _ in range(3))

    def f(v):
        return mx.sin(v) * v.sum(axis=0) + mx.softmax(v)

    (y,), (dy,) = mx.jvp(f, [x], [t])
    (z,), (g,) = mx.vjp(f, [x], [c])
    assert mx.array_equal(y, z)
    assert (dy * c).sum().item() == pytest.approx((g * t).sum().item(), rel=1e-4)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, "1"),
        ({"argnums": 1}, "2"),
        ({"argnums": [0]}, "1"),
        ({"argnums": (0, 1)}, "(1, 2)"),
        ({"argnums": [1, 0]}, "(1, 2)"),
    ],
)
def test_argnums(options, expected):
    g = mx.grad(lambda x, y: x * y, **options)(TWO, ONE)
    assert (
        str(tuple(int(a.item()) for a in g) if isinstance(g, tuple) else int(g.item())) == expected
    )


def test_argnames():
    def f(x, y, z=3):
        return x * y * z

    none, named = mx.grad(f, argnames="y")(TWO, y=ONE)
    assert none is None and named["y"].item() == 6
    first, named = mx.grad(f, argnums=0, argnames=["y", "y"])(TWO, y=ONE)
    assert (first.item(), named["y"].item()) == (3, 6)
    value, (first, named) = mx.value_and_grad(f, argnums=(0,), argnames=("y", "z"))(
        TWO, y=ONE, z=TWO
    )
    assert (value.item(), first.item()) == (4, 2)
    assert {k: v.item() for k, v in named.items()} == {"y": 4, "z": 2}


def test_containers_in_and_out():
    def f(p, scale):
        y = p["w"][0] * p["w"][1] * scale
        return y, {"twice": y * 2, "name": "aux", "list": [y, None]}

    (value, aux), g = mx.value_and_grad(f)({"w": (TWO, mx.array(5.0))}, 3)
    assert value.item() == 30 and aux["twice"].item() == 60
    assert aux["name"] == "aux" and aux["list"][1] is None
    assert isinstance(g["w"], tuple) and [x.item() for x in g["w"]] == [15, 6]


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: mx.grad(lambda x: (x, x))(TWO),
            r"should be a scalar array; but tuple was returned",
        ),
        (lambda: mx.grad(lambda x: 3)(TWO), r"should be a scalar array; but int was returned"),
        (lambda: mx.value_and_grad(lambda x: [x])(TWO), r"\.\.\.\]\]\); but list was returned"),
        (
            lambda: mx.value_and_grad(lambda x: (3, x))(TWO),
            r"first value being of type int was returned",
        ),
        (lambda: mx.value_and_grad(lambda x: ())(TWO), r"an empty tuple was returned"),
        (
            lambda: mx.grad(lambda x: x)(ROW),
            r"should return a scalar array, but it returned one of shape \(3,\); sum\(\)",
        ),
        (
            lambda: mx.grad(lambda x, y: x, argnums=2)(TWO, ONE),
            r"argument index 2 because .* only 2 positional",
        ),
        (lambda: mx.grad(lambda x: x, argnums=-1), r"negative argument index -1"),
        (lambda: mx.grad(lambda x: x, argnums=[0, 0]), r"Duplicate argument index 0"),
        (lambda: mx.grad(lambda x: x, argnums=[]), r"Gradient wrt no argument requested"),
        (lambda: mx.grad(lambda x: ONE)([]), r"Must specify at least one argument"),
        (lambda: mx.grad(lambda x: x, argnames="z")(TWO, y=ONE), r"keyword argument 'z' .* \{y,\}"),
        (
            lambda: mx.vjp(lambda x: (x, x), [TWO], [ONE]),
            r"\(2\) does not match number of cotangents \(1\)",
        ),
        (
            lambda: mx.vjp(lambda x: x, [TWO], [ONE, ONE]),
            r"\(1\) does not match number of cotangents \(2\)",
        ),
        (
            lambda: mx.vjp(lambda x: (mx.stop_gradient(x), x, x), [TWO], [ONE]),
            r"\(2\) does not match number of cotangents \(1\)",
        ),
        (lambda: mx.vjp(lambda x: x, [TWO], [ROW]), r"does not match cotangent shape"),
        (lambda: mx.vjp(lambda x: {"a": x}, [TWO], [ONE]), r"but it returned dict"),
        (lambda: mx.jvp(lambda x: x, [TWO], [ROW]), r"does not match shape of tangent"),
        (lambda: mx.jvp(lambda x: x, [TWO], []), r"does not match number of tangents"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("place", range(3))
def test_an_output_that_is_stopped_may_have_a_cotangent(place):
    slopes = [5.0, 7.0]

    def outputs(x):
        values = [x * slope for slope in slopes]
        values.insert(place, mx.stop_gradient(x * 100))
        return values

    cotangents = [mx.array(2.0), mx.array(3.0)]
    wanted = 2.0 * 5 + 3.0 * 7
    assert mx.vjp(outputs, [TWO], cotangents)[1][0].item() == wanted
    cotangents.insert(place, mx.array(1000.0))
    assert mx.vjp(outputs, [TWO], cotangents)[1][0].item() == wanted


@pytest.mark.parametrize("place", range(3))
def test_what_is_stopped_in_a_checkpoint_moves_no_other_gradient(place):
    def outputs(x):
        values = [x * 5, x * x]
        values.insert(place, mx.stop_gradient(x * 100))
        return values

    def total(f):
        return lambda x: sum((k + 1) * y for k, y in enumerate(f(x)))

    assert mx.grad(total(mx.checkpoint(outputs)))(TWO).item() == mx.grad(total(outputs))(TWO).item()


@pytest.mark.parametrize(
    "make",
    [
        lambda: mx.grad(3),
        lambda: mx.grad(),
        lambda: mx.grad(len, argnums="a"),
        lambda: mx.grad(len, argnums=1.5),
        lambda: mx.grad(len, argnames=3),
        lambda: mx.grad(len, nothing=1),
        lambda: mx.vjp(len, TWO, ONE),
        lambda: mx.vjp(len, [2.0], [1.0]),
        lambda: mx.jvp(3, [TWO], [ONE]),
    ],
)
def test_wrong_types(make):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        make()


def test_exceptions_pass_with_their_traceback():
    def fails(x):
        raise KeyError("mine")

    for transform in (
        lambda: mx.grad(fails)(ONE),
        lambda: mx.vjp(fails, [ONE], [ONE]),
        lambda: mx.jvp(fails, [ONE], [ONE]),
        lambda: mx.vmap(fails)(ROW),
        lambda: mx.compile(fails)(ONE),
        lambda: mx.checkpoint(fails)(ONE),
        lambda: mx.grad(mx.vmap(mx.compile(fails)))(ONE[None]),
    ):
        with pytest.raises(KeyError, match="mine") as caught:
            transform()
        assert caught.traceback[-1].name == "fails"
    assert mx.grad(lambda x: x * x)(TWO).item() == 4


def test_it_passes_for_the_function():
    def f(x):
        "What f does."
        return x * x

    for made in (mx.grad(f), mx.value_and_grad(f), mx.vmap(f), mx.compile(f), mx.checkpoint(f)):
        assert (made.__name__, made.__doc__) == ("f", "What f does.")
        assert type(made).__name__ == "gc_func"


def test_what_does_not_vary_has_no_gradient():
    assert mx.grad(lambda x: mx.stop_gradient(x) * x)(TWO).item() == 2
    assert mx.grad(lambda x: TWO * 3)(TWO).item() == 0


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.int32, mx.uint8, mx.bool_])
def test_a_gradient_has_its_argument_s_dtype(dtype):
    x, half = mx.array([1, 0]).astype(dtype), mx.array([1.5, -2.5])
    whole = not mx.issubdtype(dtype, mx.floating)

    def f(x, y):
        return (x * y).sum()

    for g in (mx.grad(f), mx.grad(mx.compile(f)), lambda *a: mx.vjp(f, a, [mx.array(1.0)])[1][0]):
        slope = g(x, half)
        assert slope.dtype == dtype
        assert mx.array_equal(slope, half.astype(dtype) if whole else half).item()
    both = mx.grad(f, argnums=(0, 1))(x, half)
    assert [d.dtype for d in both] == [dtype, mx.float32] and both[1].tolist() == [1, 0]
    # a tangent of integers keeps its fraction
    tangent = mx.array([0.5, 1])
    assert mx.jvp(lambda x: x * half, [x], [tangent])[1][0].tolist() == [0.75, -2.5]


def test_depends():
    x = mx.depends(TWO, ONE)
    assert x.item() == 2
    many = mx.depends((TWO, ROW), [ONE])
    assert isinstance(many, list) and many[1].tolist() == [1, 2, 3]
    assert mx.grad(lambda v: mx.depends(v * v, v))(TWO).item() == 4
    for wrong in ((3.0, ONE), (ONE, 3.0), ({"a": ONE}, ONE)):
        with pytest.raises(TypeError):
            mx.depends(*wrong)
