"""Functions compiled or exported for any shapes: equal to the function itself, or refused."""

import mlx.core as mx
import numpy as np
import pytest


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
