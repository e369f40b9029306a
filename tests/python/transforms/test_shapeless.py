"""Functions compiled or exported for any shapes: equal to the function itself, or refused."""

import mlx.core as mx
import numpy as np
import pytest

from seeds import generator
from shapeless_table import FUNCTIONS


def values(result):
    return np.array(result.astype(mx.float32))


def imported(f, path, *arguments, shapeless=True):
    mx.export_function(str(path), f, *arguments, shapeless=shapeless)
    called = mx.import_function(str(path))
    return lambda *again: called(*again)[0]


def derived(f, order):
    for _ in range(order):
        f = (lambda inner: mx.grad(lambda x: inner(x).sum()))(f)
    return f


def moved(f):
    return lambda x: mx.jvp(f, (x,), (x,))[1][0]


# Each of these computes a decomposition twice, and each time reads other parts of it.
PARTS = {
    "det": derived(mx.linalg.det, 1),
    "det twice": derived(mx.linalg.det, 2),
    "det forward": moved(mx.linalg.det),
    "eigvals": derived(lambda x: mx.abs(mx.linalg.eigvals(x)), 2),
    "eigh": moved(lambda x: mx.sin(mx.linalg.eigh(x + x.T)[0])),
    "svd": moved(lambda x: mx.linalg.svd(x)[1] * 3),
    "cond": derived(mx.linalg.cond, 2),
}


@pytest.mark.parametrize("name", PARTS)
def test_decompositions_of_which_each_use_reads_another_part(name, tmp_path):
    f, x = PARTS[name], mx.array([[1.0, 2.0], [3.0, 5.0]])
    want = values(f(x))
    for shapeless in (False, True):
        np.testing.assert_allclose(
            values(mx.compile(f, shapeless=shapeless)(x)), want, rtol=1e-3, atol=1e-4
        )
        g = imported(f, tmp_path / f"{shapeless}.mlxfn", x, shapeless=shapeless)
        np.testing.assert_allclose(values(g(x)), want, rtol=1e-3, atol=1e-4)


def gradient(f):
    return mx.grad(lambda x: mx.square(f(x).astype(mx.float32)).sum())


def batched(f):
    """Of each of three arrays by itself: the batch is the last axis."""
    return lambda x: mx.vmap(f)(mx.stack([x, -x, 2 * x]))


def over_rows(f):
    """Of each row as a matrix, so that the size of the batch is one of the argument's."""
    return lambda x: mx.vmap(lambda row: f(row[None] * mx.ones((2, 1))))(x)


FORMS = {"plain": lambda f: f, "gradient": gradient, "batched": batched, "over rows": over_rows}
TRACED = [(1, 1), (1, 3), (2, 1), (2, 3)]
CALLED = [(1, 1), (2, 1), (1, 2), (1, 3), (3, 2), (4, 3)]


def attempt(f, x):
    """The values, or None where the function refuses x."""
    try:
        return values(f(x))
    except (ValueError, RuntimeError, IndexError) as error:
        assert str(error) and "without" not in str(error)
        return None


def templates(f, traced, path):
    yield "compiled", mx.compile(f, shapeless=True)
    try:
        yield "exported", imported(f, path, traced)
    except (ValueError, RuntimeError, IndexError) as error:
        assert str(error)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", FUNCTIONS)
def test_equal_for_every_shape_or_refused(text, form, tmp_path):
    random = generator(list(FUNCTIONS).index(text))
    arrays = {s: mx.array(random.standard_normal(s).astype(np.float32)) for s in TRACED + CALLED}
    f, right = FORMS[form](FUNCTIONS[text]), 0
    wanted = {shape: attempt(f, x) for shape, x in arrays.items()}
    for traced in TRACED:
        for way, g in templates(f, arrays[traced], tmp_path / "f.mlxfn"):
            for called in [traced, *CALLED]:
                got, want = attempt(g, arrays[called]), wanted[called]
                if got is None:
                    continue
                where = f"{way}, traced with {traced}, called with {called}"
                assert want is not None, f"{where}: computed what is refused"
                np.testing.assert_allclose(got, want, rtol=2e-3, atol=2e-4, err_msg=where)
                assert got.shape == want.shape, where
                right += 1
    assert right or all(want is None for want in wanted.values()) or form != "plain"


def test_topk_is_refused_and_not_cut_short():
    short = mx.compile(lambda a: mx.topk(a, 3), shapeless=True)
    assert sorted(short(mx.array([4, 1, 3, 2])).tolist()) == [2, 3, 4]
    for n in (2, 3, 9):
        with pytest.raises(ValueError):
            short(mx.arange(n))


@pytest.mark.parametrize("kth", [2, -3])
@pytest.mark.parametrize("order", [mx.partition, mx.argpartition])
def test_places_count_from_each_array_s_own_end(order, kth, tmp_path):
    def f(a):
        return order(a, kth, axis=-1)

    traced = mx.random.normal((2, 5))
    for g in (mx.compile(f, shapeless=True), imported(f, tmp_path / "f.mlxfn", traced)):
        assert mx.array_equal(g(traced), f(traced)).item()
        for n in (3, 4, 900):
            a = mx.random.normal((3, n))
            assert mx.array_equal(g(a), f(a)).item()
        with pytest.raises(ValueError, match=f"kth {kth} along axis 1"):
            g(mx.ones((2, 2)))
