"""Reductions, running sums, differences."""

import mlx.core as mx

from ._dtypes import summed


def all(x, /, *, axis=None, keepdims=False):
    """Whether all elements, or all along axes, are not zero."""
    return mx.all(x, axis, keepdims)


def any(x, /, *, axis=None, keepdims=False):
    """Whether any element, or any along axes, is not zero."""
    return mx.any(x, axis, keepdims)


def max(x, /, *, axis=None, keepdims=False):
    """The largest element of all, or along axes."""
    return mx.max(x, axis, keepdims)


def min(x, /, *, axis=None, keepdims=False):
    """The smallest element of all, or along axes."""
    return mx.min(x, axis, keepdims)


def mean(x, /, *, axis=None, keepdims=False):
    """The mean of all elements, or along axes."""
    return mx.mean(x, axis, keepdims)


def sum(x, /, *, axis=None, dtype=None, keepdims=False):
    """The sum of all elements, or along axes; small integers are summed as the default ones of
    their sign."""
    return mx.sum(x, axis, keepdims, dtype=summed(x, dtype))


def prod(x, /, *, axis=None, dtype=None, keepdims=False):
    """The product of all elements, or along axes; small integers as in sum."""
    return mx.prod(x, axis, keepdims, dtype=summed(x, dtype))


def var(x, /, *, axis=None, correction=0.0, keepdims=False):
    """The variance, with n - correction in place of n."""
    return mx.var(x, axis, keepdims, correction=float(correction))


def std(x, /, *, axis=None, correction=0.0, keepdims=False):
    """The root of the variance."""
    return mx.std(x, axis, keepdims, correction=float(correction))


def _axis(x, axis):
    """The one axis there is; with several it must be named."""
    if axis is None and x.ndim > 1:
        raise ValueError("an axis must be named for an array of several dimensions")
    return -1 if axis is None else axis


def cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False):
    """The running sum along an axis, with 0 in front if include_initial."""
    return mx.cumulative_sum(
        x, _axis(x, axis), dtype=summed(x, dtype), include_initial=include_initial
    )


def cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False):
    """The running product along an axis, with 1 in front if include_initial."""
    return mx.cumulative_prod(
        x, _axis(x, axis), dtype=summed(x, dtype), include_initial=include_initial
    )


def diff(x, /, *, axis=-1, n=1, prepend=None, append=None):
    """The differences of neighbours along an axis, taken n times, with other slabs before and
    after."""
    return mx.diff(x, n, axis, prepend=prepend, append=append)
