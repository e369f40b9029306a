"""What the tests of operations share: arrays of every dtype, and comparison with NumPy."""
import mlx.core as mx
import numpy as np

FLOATS = [mx.float16, mx.bfloat16, mx.float32]
INTEGERS = [mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64]
EVERY = [mx.bool_, *INTEGERS, *FLOATS, mx.complex64]

TOLERANCE = {mx.float16: 2e-3, mx.bfloat16: 2e-2, mx.float32: 2e-6, mx.float64: 1e-14, mx.complex64: 5e-6}


def numbers(*shape, low=-2.0, high=2.0, seed=0):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def integers(*shape, low=-9, high=9, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.int32)


def to_numpy(a):
    """Any array as one of NumPy's, halves as float32."""
    return np.array(a.astype(mx.float32) if a.dtype in (mx.float16, mx.bfloat16) else a)


def same(found, wanted, dtype=None, rtol=None, atol=1e-6):
    """Shape, values within the dtype's rounding, and the dtype where one is given."""
    if isinstance(found, (list, tuple)):
        assert len(found) == len(wanted)
        for f, w in zip(found, wanted):
            same(f, w, dtype, rtol, atol)
        return
    assert dtype is None or found.dtype == dtype, found.dtype
    wanted = np.asarray(wanted)
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    rtol = TOLERANCE.get(found.dtype, 0) if rtol is None else rtol
    np.testing.assert_allclose(to_numpy(found), wanted, rtol=rtol, atol=atol if rtol else 0)
