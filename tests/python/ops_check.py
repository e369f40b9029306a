"""What the tests of operations share: arrays of every dtype, and comparison with NumPy."""

import mlx.core as mx
import numpy as np

from seeds import generator

FLOATS = [mx.float16, mx.bfloat16, mx.float32]
INTEGERS = [mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64]
EVERY = [mx.bool_, *INTEGERS, *FLOATS, mx.complex64]

EPSILON = {
    mx.float16: 2.0**-10,
    mx.bfloat16: 2.0**-7,
    mx.float32: 2.0**-23,
    mx.float64: 2.0**-52,
    mx.complex64: 2.0**-22,
}
# of a single operation
TOLERANCE = {
    mx.float16: 2e-3,
    mx.bfloat16: 2e-2,
    mx.float32: 2e-6,
    mx.float64: 1e-14,
    mx.complex64: 5e-6,
}


def tolerance(dtype, terms=1):
    """How far rounding may take a sum of so many products, as a share of the sum of their
    magnitudes: half a unit in the last place for each product and each addition (Higham 2002,
    section 3.1), and as much as four for what stands around it."""
    return EPSILON.get(dtype, 0) * (terms + 4)


def near(found, wanted, terms=1, scale=1.0, dtype=None):
    """Shape, and values within the tolerance of `dtype` (that of `found`, or float32) for sums of
    so many terms. Sums may cancel, so all elements are measured by the largest, and by `scale`, the
    size of the terms."""
    dtype = dtype or (found.dtype if isinstance(found, mx.array) else mx.float32)
    found = to_numpy(found) if isinstance(found, mx.array) else np.asarray(found)
    wanted = to_numpy(wanted) if isinstance(wanted, mx.array) else np.asarray(wanted)
    finite = np.abs(wanted[np.isfinite(wanted)])
    bound = tolerance(dtype, terms) * max(scale, finite.max(initial=0))
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)


def numbers(*shape, low=-2.0, high=2.0, seed=0):
    return generator(seed).uniform(low, high, shape).astype(np.float32)


def integers(*shape, low=-9, high=9, seed=0):
    return generator(seed).integers(low, high, shape).astype(np.int32)


def to_numpy(a):
    """Any array as one of NumPy's, halves as float32."""
    return np.array(a.astype(mx.float32) if a.dtype in (mx.float16, mx.bfloat16) else a)


def same(found, wanted, dtype=None, rtol=None, atol=1e-6, terms=None):
    """Shape, values within the dtype's rounding, or what it does to sums of so many terms, and the
    dtype where one is given."""
    if isinstance(found, (list, tuple)):
        assert len(found) == len(wanted)
        for f, w in zip(found, wanted):
            same(f, w, dtype, rtol, atol, terms)
        return
    assert dtype is None or found.dtype == dtype, found.dtype
    if terms:
        return near(found, wanted, terms)
    wanted = np.asarray(wanted)
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    rtol = TOLERANCE.get(found.dtype, 0) if rtol is None else rtol
    np.testing.assert_allclose(to_numpy(found), wanted, rtol=rtol, atol=atol if rtol else 0)
