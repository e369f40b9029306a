"""Sizes that no axis can have are an OverflowError that names the size."""

import mlx.core as mx
import pytest

BIG = 2**30
LONG = mx.zeros(BIG)  # lazy: no element is ever made
SQUARE = mx.zeros((2**16, 2**16))

CALLS = {
    "concatenate": (lambda: mx.concatenate([LONG] * 3), 3 * BIG),
    "repeat": (lambda: mx.repeat(LONG, 3), 3 * BIG),
    "repeat, once around": (lambda: mx.repeat(mx.zeros(4), BIG), 4 * BIG),
    "tile": (lambda: mx.tile(LONG, 4), 4 * BIG),
    "kron": (lambda: mx.kron(mx.zeros(2**16), mx.zeros(2**16)), 2**32),
    "flatten": (lambda: mx.flatten(SQUARE), 2**32),
    "reshape": (lambda: mx.reshape(SQUARE, (-1,)), 2**32),
    "take": (lambda: mx.take(SQUARE, mx.array([0])), 2**32),
    "argmax": (lambda: mx.argmax(SQUARE), 2**32),
    "cumsum": (lambda: mx.cumsum(SQUARE), 2**32),
    "roll": (lambda: mx.roll(SQUARE, 1), 2**32),
    "sort": (lambda: mx.sort(SQUARE, axis=None), 2**32),
    "pad": (lambda: mx.pad(LONG, BIG), 3 * BIG),
    "pad with its edge": (lambda: mx.pad(LONG, BIG, mode="edge"), 3 * BIG),
    "view": (lambda: LONG.view(mx.uint8), 4 * BIG),
    "convolve": (lambda: mx.convolve(LONG, mx.zeros(BIG + 2)), 2 * BIG + 1),
    "diag": (lambda: mx.diag(LONG, BIG), 2 * BIG),
    "irfft": (lambda: mx.fft.irfft(mx.zeros(BIG + 3)), 2 * BIG + 4),
    "tensordot": (lambda: mx.tensordot(SQUARE, SQUARE, 0), 2**32),
    "zeros": (lambda: mx.zeros(2**31), 2**31),
    "ones of a list": (lambda: mx.ones([2**31]), 2**31),
    "full": (lambda: mx.full([2**31], 0.0), 2**31),
    "reshape to it": (lambda: mx.reshape(LONG, [2**31]), 2**31),
    "broadcast_to": (lambda: mx.broadcast_to(mx.zeros(1), [2**31, 1]), 2**31),
    "negative": (lambda: mx.zeros([-(2**31) - 1]), -(2**31) - 1),
}


@pytest.mark.parametrize("name", CALLS)
def test_axes_that_are_too_long(name):
    call, size = CALLS[name]
    with pytest.raises(OverflowError, match=str(size)):
        call()


def test_arrays_that_are_too_large():
    with pytest.raises(OverflowError, match="too large"):
        mx.zeros((2**16, 2**16, 2**16, 2**16, 2))
    with pytest.raises(ValueError, match="[Nn]egative"):
        mx.zeros((2, -1))
