"""Dtypes: casts, limits, kinds, and what is chosen where none is named."""

import mlx.core as mx

KINDS = {
    "bool": (mx.bool_,),
    "signed integer": (mx.int8, mx.int16, mx.int32, mx.int64),
    "unsigned integer": (mx.uint8, mx.uint16, mx.uint32, mx.uint64),
    "real floating": (mx.float32, mx.float64),
    "complex floating": (mx.complex64,),
}
KINDS["integral"] = KINDS["signed integer"] + KINDS["unsigned integer"]
KINDS["numeric"] = KINDS["integral"] + KINDS["real floating"] + KINDS["complex floating"]
INDEX = mx.int64
# The standard's rules: None where two kinds do not mix.
WEAK = {
    bool: KINDS["bool"],
    int: KINDS["integral"],
    float: KINDS["real floating"],
    complex: KINDS["complex floating"],
}


def of(x):
    """The dtype of a dtype or an array."""
    return x.dtype if isinstance(x, mx.array) else x


def summed(x, dtype):
    """The dtype of a sum or product: small integers become the default ones of their sign."""
    if dtype is not None:
        return dtype
    if x.dtype in (mx.bool_, mx.int8, mx.int16):
        return mx.int32
    return mx.uint32 if x.dtype in (mx.uint8, mx.uint16) else x.dtype


def check_device(device):
    """Arrays are in the memory of all devices; anything else is refused."""
    if device is not None and not isinstance(device, (mx.Device, mx.DeviceType)):
        raise ValueError(f"unknown device {device!r}")


def astype(x, dtype, /, *, copy=True, device=None):
    """The elements converted to dtype; x itself if it has it and copy is False."""
    check_device(device)
    return mx.astype(x, dtype, copy=copy)


def can_cast(from_, to, /):
    """Whether from_, a dtype or an array, becomes `to` by the rules of promotion."""
    return mx.can_cast(of(from_), to)


def finfo(type, /):
    """The limits of a floating-point dtype, or of an array's."""
    return mx.finfo(of(type))


def iinfo(type, /):
    """The limits of an integer dtype, or of an array's."""
    return mx.iinfo(of(type))


def isdtype(dtype, kind):
    """Whether a dtype is another, is of a kind, or is any of a tuple of these."""
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str):
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}: one of {', '.join(KINDS)}")
        return dtype in KINDS[kind]
    return dtype == kind


def result_type(*arrays_and_dtypes):
    """The dtype of an operation on all of them."""
    return mx.result_type(*arrays_and_dtypes)
