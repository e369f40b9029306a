"""Arguments whose conversion changes the list or dict that they came in: values or an exception,
never freed memory.

Each hostile object empties its container when it is asked for what it is; the list's memory is then
used again.
"""

import mlx.core as mx
import numpy as np
import pytest

N = 20


def spoil(container):
    container.clear()
    return [bytearray(8 * N) for _ in range(20)]  # takes the memory that was freed


class Hostile:
    """Stands for a number or an array, and clears `container` when asked for it."""

    def __init__(self, container, value=1):
        self.container, self.value = container, value

    def __index__(self):
        spoil(self.container)
        return self.value

    def __int__(self):
        return self.__index__()

    def __float__(self):
        spoil(self.container)
        return float(self.value)

    def __bool__(self):
        spoil(self.container)
        return True

    def __array__(self, *unused, **ignored):
        spoil(self.container)
        return np.ones((2, 2), np.float32)

    def __repr__(self):
        spoil(self.container)
        return "hostile"

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return self is other


class Index(Hostile):
    __array__ = None

    def __getattribute__(self, name):
        if name == "__array__":
            raise AttributeError
        return super().__getattribute__(name)


class Array(Hostile):
    __index__ = __int__ = __float__ = None


class Sized(Array):
    """An array-like with a length that clears as well."""

    def __len__(self):
        spoil(self.container)
        return 2

    def __getitem__(self, i):
        spoil(self.container)
        return 1.0


def hostile_list(kind, n=N):
    items = []
    items += [kind(items) for _ in range(n)]
    return items


X = mx.arange(24, dtype=mx.float32).reshape(2, 3, 4)

INTS = {
    "zeros": mx.zeros,
    "ones": mx.ones,
    "full": lambda v: mx.full(v, 1.0),
    "reshape": lambda v: X.reshape(v),
    "transpose": lambda v: mx.transpose(X, v),
    "sum": lambda v: mx.sum(X, axis=v),
    "squeeze": lambda v: mx.squeeze(X, v),
    "expand_dims": lambda v: mx.expand_dims(X, v),
    "broadcast_to": lambda v: mx.broadcast_to(X, v),
    "tile": lambda v: mx.tile(X, v),
    "roll": lambda v: mx.roll(X, v, axis=v),
    "flip-like slices": lambda v: mx.as_strided(X, v, v),
    "pad": lambda v: mx.pad(X, v),
    "split": lambda v: mx.split(X, v, axis=1),
    "random": lambda v: mx.random.normal(v),
    "fft": lambda v: mx.fft.fftn(X, s=v),
    "unflatten": lambda v: mx.unflatten(X, 0, v),
    "array": mx.array,
    "index": lambda v: X[v],
    "index in a tuple": lambda v: X[0, v],
    "vmap": lambda v: mx.vmap(lambda a, b: a + b, in_axes=v)(X, X),
    "grad": lambda v: mx.grad(lambda a: a.sum(), argnums=v)(X),
}
ARRAYS = {
    "concatenate": mx.concatenate,
    "stack": mx.stack,
    "array": mx.array,
    "asarray": mx.asarray,
    "meshgrid": lambda v: mx.meshgrid(*v),
    "broadcast_arrays": lambda v: mx.broadcast_arrays(*v),
    "einsum": lambda v: mx.einsum("ij,jk", *v[:2]),
    "eval": mx.eval,
    "async_eval": mx.async_eval,
    "depends": lambda v: mx.depends(v, v),
    "vjp": lambda v: mx.vjp(lambda *a: a[0], v, v),
    "jvp": lambda v: mx.jvp(lambda *a: a[0], v, v),
    "block_diag-like": lambda v: mx.concatenate(v, axis=1),
    "multi_dot": lambda v: mx.tensordot(v[0], v[1], 1),
    "index": lambda v: X[v],
    "set": lambda v: mx.zeros((2, 2)).__setitem__(slice(None), v),
    "compile": lambda v: mx.compile(lambda a: a)(v),
    "grad": lambda v: mx.grad(lambda a: mx.array(0.0))(v),
    "vmap": lambda v: mx.vmap(lambda a: X)(v),
    "checkpoint": lambda v: mx.checkpoint(lambda a: X)(v),
    "custom_function": lambda v: mx.custom_function(lambda a: X)(v),
    "add": lambda v: mx.add(X, v),
    "operator": lambda v: X + v,
    "tolist": lambda v: mx.array(v).tolist(),
}


def survive(f, *args):
    """Any value and any exception will do."""
    try:
        result = f(*args)
        if isinstance(result, (mx.array, list, tuple, dict)):
            mx.eval(result)
    except (
        TypeError,
        ValueError,
        IndexError,
        OverflowError,
        MemoryError,
        RuntimeError,
        AttributeError,
    ):
        pass


@pytest.mark.parametrize("use", INTS)
@pytest.mark.parametrize("kind", [Index, Hostile])
@pytest.mark.parametrize("n", [1, 3, N])
def test_lists_of_numbers(use, kind, n):
    survive(INTS[use], hostile_list(kind, n))


@pytest.mark.parametrize("use", ARRAYS)
@pytest.mark.parametrize("kind", [Array, Sized, Hostile])
@pytest.mark.parametrize("n", [2, N])
def test_lists_of_arrays(use, kind, n):
    survive(ARRAYS[use], hostile_list(kind, n))


@pytest.mark.parametrize("use", ["concatenate", "stack", "array"])
@pytest.mark.parametrize("kind", [Array, Hostile])
def test_lists_in_lists(use, kind):
    outer = []
    outer += [[kind(outer), 1.0], [kind(outer), mx.array(1.0)]]
    survive(ARRAYS[use], outer)
    inner = [1.0]
    inner += [kind(inner) for _ in range(N)]
    survive(ARRAYS[use], [inner, inner])


@pytest.mark.parametrize("kind", [Array, Sized, Hostile, Index])
def test_dicts(tmp_path, kind):
    path = str(tmp_path / "x")

    def hostile_dict():
        d = {}
        d.update({f"k{i}": kind(d) for i in range(N)})
        return d

    d = hostile_dict()
    survive(lambda: mx.save_gguf(path + ".gguf", {"a": X}, d))
    d = hostile_dict()
    survive(lambda: mx.save_safetensors(path, d))
    d = hostile_dict()
    survive(lambda: mx.savez(path, **d))
    d = hostile_dict()
    survive(lambda: mx.savez(path, *d.values()))
    for f in (mx.eval, mx.compile(lambda a: X), mx.vmap(lambda a: X), mx.grad(lambda a: X.sum())):
        d = hostile_dict()
        survive(f, d)
        d = hostile_dict()
        survive(f, [d, d])


def test_axes_in_dicts_and_lists():
    for n in (1, 3):
        axes = hostile_list(Index, n)
        survive(mx.vmap(lambda a: a[0], in_axes=(axes,)), [X] * n)
        d = {}
        d.update({str(i): Index(d, 0) for i in range(n)})
        survive(mx.vmap(lambda a: X, in_axes=(d,)), {str(i): X for i in range(n)})


def test_keys_whose_text_changes_the_dict():
    d = {}
    d.update({Hostile(d): X, Array(d): X})
    survive(mx.compile(lambda a: X), d)


def test_an_array_that_its_own_index_replaces():
    class Replacing:
        def __init__(self, x):
            self.x = x

        def __index__(self):
            self.x.__init__([1.0, 2.0])
            return 1

    for use in (
        lambda x, i: x[i],
        lambda x, i: x[0, i],
        lambda x, i: x.__setitem__((0, i), 5),
        lambda x, i: x.at[0, i].add(1),
        lambda x, i: mx.take(x, i),
        lambda x, i: mx.sum(x, axis=i),
        lambda x, i: mx.roll(x, i, axis=(i, i)),
        lambda x, i: mx.reshape(x, (i, -1)),
        lambda x, i: mx.expand_dims(x, [i, i]),
    ):
        x = mx.arange(24).reshape(2, 3, 4) + 0
        survive(use, x, Replacing(x))


def test_right_values_where_the_list_changes():
    """What stood in the list when the call began is what counts."""
    items = []
    items += [Index(items, 2), Index(items, 3)]
    assert mx.zeros(items).shape == (2, 3)
    items = []
    items += [Array(items), Array(items)]
    assert mx.concatenate(items).shape == (4, 2)


@pytest.mark.parametrize(
    "nest",
    [
        lambda inner: [inner],
        lambda inner: [inner, [1, 2]],
        lambda inner: [[3, 4], inner],
        lambda inner: [[inner], [inner]],
    ],
)
@pytest.mark.parametrize("more", [0, 1, 5])
def test_nested_lists_that_an_item_clears(nest, more):
    for hostile in (Hostile, Array):
        inner = []
        inner += [hostile(inner), *[np.ones((2, 2), np.float32)] * more]
        with pytest.raises(
            ValueError, match="changed while it was read|non-uniform|extra dimension"
        ):
            mx.array(nest(inner))
