"""A number becomes an element by one rounding, to nearest, ties to even, whichever way it comes."""

import math
from fractions import Fraction

import numpy as np
import pytest

import mlx.core as mx

DIGITS = {
    mx.float16: (11, -24, 65536),
    mx.bfloat16: (8, -133, 2**128),
    mx.float32: (24, -149, 2**128),
}
DTYPES = list(DIGITS)


def nearest(x, dtype):
    """x, exactly, as the nearest number of dtype; Python's round takes ties to even."""
    digits, least, limit = DIGITS[dtype]
    exact = Fraction(x)
    if not exact:
        return x * 1.0
    e = abs(exact.numerator).bit_length() - exact.denominator.bit_length()
    e += abs(exact) >= Fraction(2) ** e
    unit = Fraction(2) ** max(e - digits, least)
    r = round(exact / unit) * unit
    return math.copysign(math.inf, x) if abs(r) >= limit else float(r)


def near_middles(dtype, count=400):
    """Numbers in the middle of two neighbours of dtype, or just beside it."""
    digits, least, _ = DIGITS[dtype]
    rng = np.random.default_rng(digits)
    odd = rng.integers(2 ** (digits - 1), 2**digits, count) * 2 + 1
    scale = rng.integers(-10, 4, count) - digits
    beside = rng.integers(-1, 2, count) * 2.0**-50
    values = np.ldexp(odd * (1 + beside), scale) * rng.choice([-1, 1], count)
    tiny = np.ldexp(rng.integers(0, 40, count) * 2 + 1, least - 1) * (1 + beside)
    return [*values.tolist(), *tiny.tolist()]


def whole_middles(dtype, bits):
    digits = DIGITS[dtype][0]
    rng = np.random.default_rng(bits)
    odd = (rng.integers(2 ** (digits - 1), 2**digits, 200) * 2 + 1).tolist()
    shift = bits - digits - 1
    return [(m << shift) + d for m in odd for d in (-1, 0, 1)]


WAYS = {
    "list": lambda v, t: mx.array(v, dtype=t),
    "scalar": lambda v, t: mx.stack([mx.array(x, dtype=t) for x in v]),
    "list of NumPy's": lambda v, t: mx.array([np.array(x) for x in v], dtype=t),
    "full": lambda v, t: mx.stack([mx.full((), x, t) for x in v]),
    "weak": lambda v, t: mx.stack([mx.zeros((), t) + x for x in v]),
    "where": lambda v, t: mx.stack([mx.where(mx.array(True), x, mx.zeros((), t)) for x in v]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_numbers_are_rounded_once(dtype, way):
    values = near_middles(dtype)
    got = WAYS[way](values, dtype)
    assert got.dtype == dtype
    assert got.astype(mx.float64).tolist() == [nearest(x, dtype) for x in values]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [mx.bfloat16, mx.float32], ids=str)
def test_integers_of_64_bits_are_rounded_once(dtype, way):
    values = whole_middles(dtype, 63)
    values += [-x for x in values]
    got = WAYS[way](values, dtype).astype(mx.float64).tolist()
    assert got == [nearest(x, dtype) for x in values]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("compiled", [False, True])
def test_float64_arrays_are_rounded_once(dtype, compiled):
    values = near_middles(dtype)
    cast = mx.compile(lambda a: a.astype(dtype)) if compiled else lambda a: a.astype(dtype)
    wide = mx.array(values, mx.float64)
    want = [nearest(x, dtype) for x in values]
    assert cast(wide).astype(mx.float64).tolist() == want
    assert cast(wide[::-2]).astype(mx.float64).tolist() == want[::-2]
    assert mx.array(np.array(values), dtype=dtype).astype(mx.float64).tolist() == want


@pytest.mark.parametrize("kind", ["int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("dtype", [mx.bfloat16, mx.float32], ids=str)
def test_integer_arrays_are_rounded_once(dtype, kind):
    bits = np.iinfo(kind).bits
    values = whole_middles(dtype, bits - (kind[0] == "i"))
    got = mx.array(np.array(values, kind)).astype(dtype).astype(mx.float64).tolist()
    assert got == [nearest(x, dtype) for x in values]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_assigned_numbers_are_rounded_once(dtype):
    values = near_middles(dtype, 20)
    a = mx.zeros(len(values), dtype)
    for i, x in enumerate(values):
        a[i] = x
    assert a.astype(mx.float64).tolist() == [nearest(x, dtype) for x in values]
