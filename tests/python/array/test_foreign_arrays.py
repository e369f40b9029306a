"""What is an array elsewhere is taken as an array, and whole numbers of any kind as sizes and
axes."""

import numpy as np
import pytest

import mlx.core as mx


class Foreign:
    """A tensor with all protocols, of which those of numbers fail unless it has one element."""

    def __init__(self, data, **protocols):
        self.data = np.asarray(data)

    def __dlpack__(self, **kwargs):
        return self.data.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.data.__dlpack_device__()

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.data, dtype)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        return Foreign(self.data[i])

    def __index__(self):
        if self.data.size != 1 or self.data.dtype.kind not in "iu":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.data.reshape(-1)[0])

    def __float__(self):
        if self.data.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return float(self.data.reshape(-1)[0])


class Mapped(Foreign):
    """As PyTorch's: no sequence to Python's C functions."""

    __getitem__ = None


class Lent(Foreign):
    """Part of another library's differentiation."""

    def __dlpack__(self, **kwargs):
        raise BufferError("tensors that require gradient")

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach first")

    def detach(self):
        return Foreign(self.data)


def kinds():
    yield Foreign
    yield Mapped
    yield Lent
    yield np.asarray
    try:
        import torch
    except ImportError:
        return
    yield torch.tensor
    yield lambda data: torch.nn.Parameter(
        torch.tensor(data), requires_grad=isinstance(data[0], float)
    )


KINDS = [pytest.param(k, id=getattr(k, "__name__", "other")) for k in kinds()]
X = mx.array([1.0, 4.0])


@pytest.mark.parametrize("kind", KINDS)
def test_operands(kind):
    y = kind([2.0, 3.0])
    for got, expected in (
        (mx.add(X, y), [3, 7]),
        (mx.add(y, X), [3, 7]),
        (X + y, [3, 7]),
        (mx.maximum(X, y), [2, 4]),
        (mx.where(X > 2, X, y), [2, 4]),
        (mx.power(X, y), [1, 64]),
        (mx.clip(X, None, y), [1, 3]),
        (mx.add(y, y), [4, 6]),
        (mx.sum(y), 5),
        (X @ y, 14),
        (mx.matmul(X, y), 14),
        (X == y, [False, False]),
        (mx.array([y, y])[1], [2, 3]),
        (mx.stack([X, mx.array(y)])[1], [2, 3]),
    ):
        assert got.tolist() == expected
    assert divmod(X, y)[1].tolist() == [1, 1]
    half = X.astype(mx.float16)
    assert (half + y).dtype == mx.float16 and mx.add(half, y).dtype == mx.float16
    z = mx.zeros(2)
    z[:] = y
    assert z.tolist() == [2, 3]


@pytest.mark.parametrize("kind", [k for k in KINDS if k.id not in ("Lent", "<lambda>")])
def test_indices(kind):
    assert mx.arange(5)[kind([1, 3])].tolist() == [1, 3]
    assert mx.take(mx.arange(5), kind([1, 3])).tolist() == [1, 3]


WHOLE = {
    "int": 2,
    "numpy int64": np.int64(2),
    "numpy uint8": np.uint8(2),
    "numpy array": np.array(2),
    "array": mx.array(2),
    "uint8 array": mx.array(2, mx.uint8),
    "tensor": Foreign(2),
}
CUBE = mx.ones((2, 2, 3))


@pytest.mark.parametrize("name", WHOLE)
def test_sizes_and_axes(name):
    n = WHOLE[name]
    for make, shape in (
        (lambda: mx.zeros(n), (2,)),
        (lambda: mx.zeros((n, 3)), (2, 3)),
        (lambda: mx.ones([n]), (2,)),
        (lambda: mx.full(n, 1.0), (2,)),
        (lambda: mx.full((n, n), 1.0), (2, 2)),
        (lambda: mx.ones(4).reshape(n, -1), (2, 2)),
        (lambda: mx.ones(4).reshape((n, n)), (2, 2)),
        (lambda: mx.sum(CUBE, axis=n), (2, 2)),
        (lambda: CUBE.sum((n,)), (2, 2)),
        (lambda: mx.softmax(CUBE, axis=n), (2, 2, 3)),
        (lambda: mx.expand_dims(mx.ones((2, 3)), n), (2, 3, 1)),
        (lambda: mx.split(mx.ones(4), n)[1], (2,)),
        (lambda: mx.split(mx.ones(4), [n])[0], (2,)),
        (lambda: mx.arange(n), (2,)),
        (lambda: mx.arange(0, n), (2,)),
        (lambda: mx.eye(n), (2, 2)),
        (lambda: mx.tri(n), (2, 2)),
        (lambda: mx.repeat(mx.ones(2), n), (4,)),
        (lambda: mx.tile(mx.ones(2), n), (4,)),
        (lambda: mx.roll(mx.ones(2), n), (2,)),
        (lambda: mx.pad(mx.ones(2), n), (6,)),
        (lambda: mx.pad(mx.ones(2), (n, n)), (6,)),
        (lambda: CUBE.transpose(n, 0, 1), (3, 2, 2)),
        (lambda: mx.broadcast_to(mx.ones(1), (n,)), (2,)),
        (lambda: mx.random.uniform(shape=(n,)), (2,)),
        (lambda: mx.linspace(0, 1, n), (2,)),
        (lambda: mx.topk(mx.arange(5), n), (2,)),
        (lambda: mx.var(mx.arange(5), ddof=n), ()),
        (lambda: mx.concatenate([CUBE, CUBE], axis=n), (2, 2, 6)),
        (lambda: CUBE.swapaxes(0, n), (3, 2, 2)),
        (lambda: mx.flatten(CUBE, 0, n), (12,)),
        (lambda: mx.fft.fft(mx.ones(4), n), (2,)),
        (lambda: mx.conv1d(mx.ones((1, 8, 1)), mx.ones((1, 2, 1)), stride=n), (1, 4, 1)),
    ):
        assert make().shape == shape


def test_what_is_no_whole_number():
    for wrong in (
        2.0,
        np.float32(2),
        mx.array(2.0),
        np.array(2.5),
        np.array([2, 3]) + 0.5,
        "2",
        None,
    ):
        with pytest.raises(TypeError):
            mx.zeros((wrong,))
        with pytest.raises(TypeError):
            mx.sum(CUBE, axis=(wrong,))
    assert mx.arange(np.float32(2.5)).shape == mx.arange(mx.array(2.5)).shape == (3,)


def test_asarray_takes_what_array_clients_give():
    x = mx.asarray([1, 2], dtype=mx.float32, copy=None, device=None)
    assert x.dtype == mx.float32 and x.tolist() == [1, 2]
    assert mx.asarray([1], device=mx.cpu, copy=True).tolist() == [1]
    for dtype in (None, mx.float32, mx.int32):
        with pytest.raises(ValueError, match="Unable to avoid copy"):
            mx.asarray(x, dtype=dtype, copy=False)
    with pytest.raises(TypeError):
        mx.asarray([1], device=3)


RECORD = np.array([(1, 2.0)], "i4,f4")
NO_NUMBERS = [
    np.datetime64("2020-01-01"),
    np.timedelta64(3, "s"),
    np.void(b"abc"),
    np.void(b"a"),
    np.str_("3"),
    np.bytes_(b"3"),
    RECORD[0],
]
WITHOUT_A_DTYPE = [*NO_NUMBERS, *map(np.array, NO_NUMBERS), RECORD, np.array([1], ">i4")]


@pytest.mark.parametrize("x", WITHOUT_A_DTYPE, ids=lambda x: f"{type(x).__name__} {x.dtype}")
def test_what_has_no_dtype_here_is_not_taken_as_bytes(x):
    for make in (mx.array, mx.asarray, lambda x: mx.array([x])):
        with pytest.raises(ValueError, match="arrays have no dtype"):
            make(x)
    a = mx.array([1])
    for combine in (mx.add, lambda a, x: mx.add(x, a), lambda a, x: a + x, mx.maximum):
        with pytest.raises(ValueError, match=f"numpy.{type(x).__name__}"):
            combine(a, x)


def test_bytes_are_bytes():
    for x in (b"ab", bytearray(b"ab"), memoryview(b"ab"), np.frombuffer(b"ab", np.uint8)):
        assert mx.array(x).dtype == mx.uint8 and mx.array(x).tolist() == [97, 98]
    assert (mx.array([1]) + np.longdouble(1.5)).tolist() == [2.5]


def test_where_of_a_condition_alone():
    mask = mx.array([[True, False], [True, True]])
    assert [i.tolist() for i in mx.where(mask)] == [[0, 1, 1], [0, 0, 1]]
    assert mx.where(mask, 1, 0).tolist() == [[1, 0], [1, 1]]
    with pytest.raises(TypeError, match="missing the required argument 'y'"):
        mx.where(mask, 1)
