"""checkpoint and custom_function."""

import pytest

import mlx.core as mx

ONE, TWO, ROW = mx.array(1.0), mx.array(2.0), mx.array([1.0, 2.0, 3.0])


def product():
    @mx.custom_function
    def f(x, y):
        return x * y

    return f


def test_without_rules_it_is_the_function():
    f = product()
    assert f(TWO, TWO).item() == 4
    assert mx.grad(f)(TWO, ONE).item() == 1
    assert mx.custom_function(lambda x, k: (x, k, {"a": x}))(ONE, "b")[1] == "b"


def test_vjp_rule():
    f = product()
    seen = []

    @f.vjp
    def rule(primals, cotangent, output):
        seen.append((primals, cotangent.item(), output.item()))
        x, y = primals
        return cotangent * y * 10, cotangent * x * 100

    assert rule is f
    a, b = mx.grad(f, argnums=(0, 1))(TWO, mx.array(3.0))
    assert (a.item(), b.item()) == (30, 200)
    assert seen[0][1:] == (1, 6)


def test_vjp_rule_over_trees_constants_and_keywords():
    @mx.custom_function
    def f(p, k, *, scale):
        return [p["a"] * k, {"b": p["b"] * scale}]

    @f.vjp
    def rule(primals, cotangents, outputs, scale):
        p, k = primals
        assert (k, scale, set(p)) == (3, 5, {"a", "b"})
        return {"a": cotangents[0] * 7, "b": None}, None

    def loss(p):
        out = f(p, 3, scale=5)
        return out[0] + out[1]["b"]

    g = mx.grad(loss)({"a": ONE, "b": TWO})
    assert g["a"].item() == 7


@pytest.mark.parametrize("wrong", [3.0, "a", {"a": 1}, (None, None, None), ("x", "y")])
def test_vjp_rules_that_return_something_else(wrong):
    f = product()
    f.vjp(lambda p, c, o: wrong)
    with pytest.raises(ValueError, match="one gradient for each array"):
        mx.grad(f)(TWO, TWO)


def test_what_the_function_captures_is_constant():
    def g(x, y):
        @mx.custom_function
        def f(x):
            return x * y

        @f.vjp
        def rule(x, dx, fx):
            raise ValueError("asked")

        return f(x)

    three = mx.array(3.0)
    assert g(TWO, three).item() == 6
    with pytest.raises(ValueError, match="asked"):
        mx.grad(g)(TWO, three)
    assert mx.grad(g, argnums=1)(TWO, three).item() == 0


def test_jvp_rule():
    f = product()
    f.jvp(
        lambda primals, tangents: 7 * (tangents[0] if tangents[0] is not None else tangents[1] * 2)
    )
    assert mx.jvp(f, [TWO, ONE], [ONE, ONE])[1][0].item() == 7
    assert mx.jvp(lambda y: f(ONE, y), [TWO], [ONE])[1][0].item() == 14
    f.jvp(lambda primals, tangents: (tangents[0], tangents[0]))
    with pytest.raises(ValueError, match="2 tangents, but the function has 1 outputs"):
        mx.jvp(f, [TWO, ONE], [ONE, ONE])


def test_vmap_rule():
    f = product()
    seen = []

    @f.vmap
    def rule(inputs, axes):
        seen.append(axes)
        return inputs[0] * 100, axes[0]

    assert mx.vmap(f)(ROW, ROW).tolist() == [100, 200, 300]
    assert mx.vmap(f, in_axes=(0, None))(ROW, ONE).tolist() == [100, 200, 300]
    assert seen == [(0, 0), (0, None)]
    f.vmap(lambda i, a: i[0])
    with pytest.raises(ValueError, match="tuple with 2 items"):
        mx.vmap(f)(ROW, ROW)
    f.vmap(lambda i, a: (i[0], "a"))
    with pytest.raises(ValueError, match="axes should be None or numbers"):
        mx.vmap(f)(ROW, ROW)


def test_rules_under_compile_and_twice():
    f = product()
    f.vjp(lambda p, c, o: (c * p[1] * 10, c * p[0]))
    assert mx.compile(mx.grad(f))(TWO, mx.array(3.0)).item() == 30
    assert mx.grad(mx.compile(lambda x: f(x, x)))(TWO).item() == 22
    assert mx.grad(mx.grad(lambda x: f(x, x)))(TWO).item() == 11


def test_checkpoint_calls_the_function_again():
    calls = []

    def f(x, t, *, k):
        calls.append(1)
        return {"y": mx.exp(x * t[0]) * k, "k": k}

    g = mx.grad(lambda x: mx.checkpoint(f)(x, (TWO,), k=3)["y"])
    value = g(ONE)
    assert value.item() == pytest.approx(6 * 7.389056, rel=1e-5)
    assert len(calls) == 2
    assert mx.checkpoint(f)(ONE, (TWO,), k=3)["k"] == 3
    with pytest.raises(TypeError):
        mx.checkpoint(3)


def test_what_is_no_function():
    for make in (
        lambda: mx.custom_function(3),
        lambda: mx.custom_function(),
        lambda: product().vjp(3),
    ):
        with pytest.raises(TypeError):
            make()
