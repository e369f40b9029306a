"""Lists of more arrays than 16 bits can count, through everything that makes one step of them."""

import mlx.core as mx
import pytest

COUNTS = [70_000, 200_000]


@pytest.fixture(params=COUNTS, scope="module")
def arrays(request):
    made = mx.split(mx.arange(request.param).astype(mx.float32), request.param)
    mx.eval(made)
    return made


def doubled(arrays):
    return [a * 2 for a in arrays]


def same(results, wanted):
    assert len(results) == len(wanted)
    return mx.array_equal(mx.concatenate(results), mx.concatenate(wanted)).item()


def test_joined(arrays):
    n = len(arrays)
    for joined in (mx.concatenate(arrays), mx.stack(arrays).flatten(), mx.array(arrays).flatten()):
        assert mx.array_equal(joined, mx.arange(n)).item()


def test_compiled(arrays):
    wanted = [mx.array([2.0 * k]) for k in range(len(arrays))]
    compiled = mx.compile(doubled)
    assert same(compiled(arrays), wanted)
    assert same(compiled(wanted), doubled(wanted))


def test_differentiated(arrays):
    def f(arrays):
        return (mx.concatenate(arrays) ** 2).sum()

    assert same(mx.grad(f)(arrays), doubled(arrays))
    assert same(mx.grad(mx.compile(f))(arrays), doubled(arrays))


def test_checkpointed(arrays):
    def f(arrays):
        return mx.concatenate(mx.checkpoint(doubled)(arrays)).sum()

    assert same(mx.grad(f)(arrays), [mx.array([2.0])] * len(arrays))


def test_batched(arrays):
    rows = [a[None] for a in arrays]
    assert same(mx.vmap(doubled)(rows), doubled(rows))
    assert same(mx.depends(arrays, arrays), arrays)


def test_exported(arrays, tmp_path):
    def f(*arrays):
        return [mx.concatenate(arrays), *doubled(arrays)]

    path = str(tmp_path / "many.mlxfn")
    mx.export_function(path, f, *arrays)
    joined, *rest = mx.import_function(path)(*arrays)
    assert same([joined], [mx.concatenate(arrays)]) and same(rest, doubled(arrays))
