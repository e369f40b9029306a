"""Searching, sorting, sets, and picking by indices. Indices are int64."""

import mlx.core as mx
from mlx._results import UniqueAllResult, UniqueCountsResult, UniqueInverseResult

from ._dtypes import INDEX


def argmax(x, /, *, axis=None, keepdims=False):
    """The index of the largest element of the flattened array, or along an axis."""
    return mx.argmax(x, axis, keepdims).astype(INDEX)


def argmin(x, /, *, axis=None, keepdims=False):
    """The index of the smallest element of the flattened array, or along an axis."""
    return mx.argmin(x, axis, keepdims).astype(INDEX)


def argsort(x, /, *, axis=-1, descending=False, stable=True):
    """The indices that sort along an axis."""
    return mx.argsort(x, axis, descending=descending, stable=stable).astype(INDEX)


def sort(x, /, *, axis=-1, descending=False, stable=True):
    """The elements in order along an axis."""
    return mx.sort(x, axis, descending=descending, stable=stable)


def count_nonzero(x, /, *, axis=None, keepdims=False):
    """How many elements, of all or along axes, are not zero."""
    return mx.count_nonzero(x, axis=axis, keepdims=keepdims).astype(INDEX)


def nonzero(x, /):
    """The indices of the elements that are not zero, one vector for each axis."""
    return tuple(i.astype(INDEX) for i in mx.nonzero(x))


def searchsorted(x1, x2, /, *, side="left", sorter=None):
    """Where each of x2 belongs in the vector x1, which is ascending or put in order by sorter."""
    return mx.searchsorted(x1, x2, side, sorter=sorter).astype(INDEX)


def take(x, indices, /, *, axis=None):
    """The slabs at indices along an axis, which may be left out where there is one."""
    if axis is None and x.ndim != 1:
        raise ValueError("an axis must be named for an array of several dimensions")
    return mx.take(x, indices, -1 if axis is None else axis)


def take_along_axis(x, indices, /, *, axis=-1):
    """The elements at indices along an axis."""
    return mx.take_along_axis(x, indices, axis)


def where(condition, x1, x2, /):
    """x1 where condition holds and x2 elsewhere."""
    return mx.where(condition, x1, x2)


def unique_all(x, /):
    """The different values, where each occurs first, which of them each element is, and how often
    each occurs."""
    values, indices, inverse, counts = mx.unique_all(x)
    return UniqueAllResult(
        values, indices.astype(INDEX), inverse.astype(INDEX), counts.astype(INDEX)
    )


def unique_counts(x, /):
    """The different values, and how often each occurs."""
    values, counts = mx.unique_counts(x)
    return UniqueCountsResult(values, counts.astype(INDEX))


def unique_inverse(x, /):
    """The different values, and which of them each element is."""
    values, inverse = mx.unique_inverse(x)
    return UniqueInverseResult(values, inverse.astype(INDEX))


def unique_values(x, /):
    """The different values."""
    return mx.unique_values(x)
