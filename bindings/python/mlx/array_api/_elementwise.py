"""Functions of each element, or of pairs of elements of arrays that broadcast."""

import mlx.core as mx

UNARY = """acos acosh asin asinh atan atanh bitwise_invert conj cos cosh exp imag isfinite isinf isnan log
log10 log1p log2 logical_not negative real reciprocal signbit sin sinh square sqrt tan""".split()
KEEP_INTEGERS = "ceil floor round trunc".split()
BINARY = """add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign
divide equal greater greater_equal hypot less less_equal logaddexp logical_and logical_or
logical_xor maximum minimum multiply nextafter not_equal pow remainder subtract""".split()
__all__ = [
    *UNARY,
    *KEEP_INTEGERS,
    *BINARY,
    "abs",
    "clip",
    "expm1",
    "floor_divide",
    "positive",
    "sign",
    "tanh",
]


def _unary(name, f):
    def function(x, /):
        return f(x)

    return _named(name, function, f)


def _rounding(name, f):
    def function(x, /):
        return f(x) if x.dtype in (mx.float32, mx.float64, mx.complex64) else +x

    return _named(name, function, f)


def _binary(name, f):
    def function(x1, x2, /):
        return f(x1, x2)

    return _named(name, function, f)


def _named(name, function, f):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f.__doc__.split("\n\n")[1]
    return function


for _name in UNARY:
    globals()[_name] = _unary(
        _name, getattr(mx, _name, None) or getattr(mx, {"conj": "conjugate"}.get(_name, _name))
    )
for _name in KEEP_INTEGERS:
    globals()[_name] = _rounding(_name, getattr(mx, _name))
for _name in BINARY:
    globals()[_name] = _binary(_name, getattr(mx, _name))


def abs(x, /):
    """The size of each element."""
    return mx.abs(x)


def positive(x, /):
    """Each element as it is."""
    return +x


def _complex(real, imag):
    """Of parts as they are, infinite ones and signs of zeros included."""
    return mx.view(mx.stack([real, imag], -1), mx.complex64).reshape(real.shape)


def expm1(x, /):
    """exp(x) - 1. Of a complex zero the real part is +0."""
    result = mx.expm1(x)
    return (
        _complex(mx.where(x == 0, 0.0, result.real), result.imag)
        if x.dtype == mx.complex64
        else result
    )


def floor_divide(x1, x2, /):
    """The quotient rounded down; where one side is infinite the quotient itself, which mlx.core's
    // does not give."""
    whole = mx.floor_divide(x1, x2)
    if whole.dtype not in (mx.float32, mx.float64):
        return whole
    exact = mx.divide(x1, x2)
    return mx.where(mx.logical_or(mx.isinf(x1), mx.isinf(x2)), exact, whole)


def sign(x, /):
    """-1, 0 or 1; of complex numbers x / |x|. NaN stays NaN, which mlx.core has as 0."""
    result = mx.sign(x)
    if x.dtype in (mx.float32, mx.float64):
        return mx.where(mx.isnan(x), x, result)
    return mx.where(x == 0, mx.zeros_like(x), result) if x.dtype == mx.complex64 else result


def tanh(x, /):
    """The hyperbolic tangent. Far out on the right the imaginary part is 0 with the sign of x's."""
    result = mx.tanh(x)
    if x.dtype != mx.complex64:
        return result
    zero = mx.copysign(mx.zeros_like(x.imag), x.imag)
    imag = mx.where(mx.logical_and(mx.isinf(x.real), mx.isfinite(x.imag)), zero, result.imag)
    return _complex(result.real, imag)


def clip(x, /, min=None, max=None):
    """Elements below min become min, those above max become max, in the dtype of x."""
    return mx.clip(x, min=min, max=max).astype(x.dtype)
