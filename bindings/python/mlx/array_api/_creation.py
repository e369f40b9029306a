"""Arrays made of shapes, numbers and other objects."""

import mlx.core as mx

from ._dtypes import check_device


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    """An array of numbers, nested sequences, or what has a buffer or __dlpack__."""
    check_device(device)
    if isinstance(obj, mx.array) and copy is not True and dtype in (None, obj.dtype):
        return obj
    if dtype is None and _is_float64(obj):
        dtype = mx.float64
    return mx.asarray(obj, dtype, copy=copy)


def _is_float64(obj):
    """Objects with a dtype keep it, also where mlx.core would halve it."""
    return not isinstance(obj, mx.array) and str(getattr(obj, "dtype", "")).endswith("float64")


def arange(start, /, stop=None, step=1, *, dtype=None, device=None):
    """The numbers start, start + step, ... before stop; from 0 to start without a stop."""
    check_device(device)
    if stop is None:
        start, stop = 0, start
    return mx.arange(start, stop, step, dtype=dtype)


def empty(shape, *, dtype=None, device=None):
    """An array of any elements; here zeros."""
    return zeros(shape, dtype=dtype, device=device)


def empty_like(x, /, *, dtype=None, device=None):
    """An array of any elements in the shape of x; here zeros."""
    return zeros_like(x, dtype=dtype, device=device)


def eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None):
    """A matrix with ones on diagonal k and zeros elsewhere."""
    check_device(device)
    return mx.eye(n_rows, n_cols, k, dtype)


def from_dlpack(x, /, *, device=None, copy=None):
    """An array of the elements of an object with __dlpack__, in its dtype; over its memory unless
    copy is True."""
    check_device(device)
    if isinstance(x, mx.array):
        return mx.from_dlpack(x, copy=True) if copy else x
    if copy is None:
        try:
            return mx.from_dlpack(x, copy=False)
        except ValueError:
            copy = True
    return mx.array(x, mx.float64) if copy and _is_float64(x) else mx.from_dlpack(x, copy=copy)


def full(shape, fill_value, *, dtype=None, device=None):
    """An array of a shape in which all elements are fill_value."""
    check_device(device)
    return mx.full(shape, fill_value, dtype)


def full_like(x, /, fill_value, *, dtype=None, device=None):
    """fill_value in the shape of x, and in its dtype unless another is given."""
    check_device(device)
    return mx.full_like(x, fill_value, dtype)


def linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True):
    """num numbers at equal distances from start to stop, which is the last of them if endpoint."""
    check_device(device)
    if not isinstance(start, complex) and not isinstance(stop, complex):
        return mx.linspace(start, stop, num, endpoint, mx.float32 if dtype is None else dtype)
    start, stop = complex(start), complex(stop)
    real = mx.linspace(start.real, stop.real, num, endpoint, mx.float32)
    return (real + 1j * mx.linspace(start.imag, stop.imag, num, endpoint, mx.float32)).astype(
        dtype or mx.complex64
    )


def meshgrid(*arrays, indexing="xy"):
    """One array of coordinates for each vector."""
    return list(mx.meshgrid(*arrays, indexing=indexing))


def ones(shape, *, dtype=None, device=None):
    """An array of ones."""
    check_device(device)
    return mx.ones(shape, dtype)


def ones_like(x, /, *, dtype=None, device=None):
    """Ones in the shape of x, and in its dtype unless another is given."""
    check_device(device)
    return mx.ones_like(x, dtype)


def tril(x, /, *, k=0):
    """Matrices with zeros above diagonal k."""
    return mx.tril(x, k)


def triu(x, /, *, k=0):
    """Matrices with zeros below diagonal k."""
    return mx.triu(x, k)


def zeros(shape, *, dtype=None, device=None):
    """An array of zeros."""
    check_device(device)
    return mx.zeros(shape, dtype)


def zeros_like(x, /, *, dtype=None, device=None):
    """Zeros in the shape of x, and in its dtype unless another is given."""
    check_device(device)
    return mx.zeros_like(x, dtype)
