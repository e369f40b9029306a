"""mx.debug: the operation that made the first NaN; mx.show: graphs as text."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import pytest

HERE = Path(__file__).name


@pytest.fixture
def x():
    return mx.array([1.0, -1.0, 2.0])


def here(offset=0):
    return f"{HERE}:{sys._getframe(1).f_lineno + offset}"


def fails(*arrays, match):
    with pytest.raises(FloatingPointError) as caught:
        mx.eval(*arrays)
    for part in match:
        assert part in str(caught.value)


def test_inside_a_program(x):
    with mx.debug(nan=True):
        y = mx.exp(x)
        z = mx.log(x) + y
        w = mx.sin(z) * 2
        fails(w, match=["Log made the first NaN", here(-2), "from float32 (3)"])
    assert mx.isnan(w[1]).item()  # off again, and what failed is computed


def test_a_compiled_function(x):
    def f(a):
        b = a * 2
        return mx.sqrt(b) + 1, here(-1)

    where = []
    g = mx.compile(lambda a: (where.append(f(a)[1]), f(a)[0])[1])
    with mx.debug(nan=True):
        fails(g(x), match=["Sqrt made the first NaN", HERE])


def test_a_gradient(x):
    def loss(w):
        return mx.sqrt(w).sum() * 0  # the derivative is 0 / 0

    with mx.debug(nan=True):
        fails(mx.grad(loss)(mx.zeros(2)), match=["Divide made the first NaN", HERE])


def test_a_product():
    with mx.debug(nan=True):
        a, b = mx.full((2, 3), float("inf")), mx.zeros((3, 4))
        fails(a @ b, match=["Matmul", "8 of the values", "from float32 (2,3), float32 (3,4)"])


def test_a_nan_that_was_there():
    with mx.debug(nan=True):
        mx.eval(mx.log(mx.array([1.0, float("nan")])) + 1)


def test_infinity(x):
    with mx.debug(inf=True):
        mx.eval(mx.sqrt(x))  # a NaN is no infinity
        fails(1 / (x - 1), match=["Divide made the first infinity"])


def test_switch_and_nesting(x):
    try:
        mx.debug(nan=True)
        fails(mx.sqrt(x), match=["Sqrt"])
        with mx.debug():
            mx.eval(mx.sqrt(x))
        fails(mx.sqrt(x), match=["Sqrt"])
    finally:
        mx.debug(nan=False)
    mx.eval(mx.sqrt(x))


def test_printing_and_items_fail_too(x):
    with mx.debug(nan=True):
        for read in (repr, lambda a: a.tolist(), lambda a: a[1].item()):
            with pytest.raises(FloatingPointError):
                read(mx.sqrt(x))


def test_arguments():
    with pytest.raises(TypeError):
        mx.debug(True)
    with pytest.raises(TypeError):
        mx.debug(zero=True)


def test_debug_and_profile(x):
    with mx.profile() as p, mx.debug(nan=True):
        with pytest.raises(FloatingPointError):
            mx.eval(mx.sqrt(x) + 1)
    (e,) = p.events
    assert e.failed and e.name == "Sqrt+Add"


def test_the_environment():
    code = "import mlx.core as mx; mx.eval(mx.sqrt(mx.array([-1.0])))"
    words = {"": 0, "inf": 0, "nan": "Sqrt made the first NaN", "all": "MLX_DEBUG is 'all'"}
    for value, expected in words.items():
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "MLX_DEBUG": value, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
        )
        assert (done.returncode == 0) == (expected == 0)
        assert not expected or expected in done.stderr


# --- show -----------------------------------------------------------------------------------------


def shown(*args, **kwargs):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert mx.show(*args, **kwargs) is None
    return out.getvalue()


def test_show(x):
    y = mx.softmax(mx.exp(x).reshape(1, 3), axis=1)
    assert shown(y, x=x, y=y).splitlines() == [
        "x: float32 (3)",
        "A: float32 (3) = Exp(x)",
        "B: float32 (1,3) = Reshape(A, shape=[1,3])",
        "y: float32 (1,3) = Softmax(B, axis=1)",
        "return y",
    ]
    assert "  = " not in shown(x)


def test_show_trees_and_several_outputs(x):
    q, r = mx.linalg.qr(mx.ones((3, 2)), stream=mx.cpu)
    text = shown({"q": q, "r": [r]}, q=q, r=r)
    assert "q, r: float32 (3,2), float32 (2,2) = QRF(" in text and text.endswith("return q, r\n")


def test_show_names_lines(x):
    with mx.debug(nan=True):
        y = mx.exp(x)
        assert f"= Exp(A)  # " in shown(y) and here(-1) in shown(y)


def test_show_refuses_what_is_no_array(x):
    with pytest.raises(ValueError):
        mx.show(3)
    with pytest.raises(ValueError):
        mx.show(x, name=3)
