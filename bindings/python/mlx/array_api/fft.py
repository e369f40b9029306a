"""The standard's Fourier transforms."""

import mlx.core as mx

from ._dtypes import check_device as _check_device

ONE = "fft ifft rfft irfft hfft ihfft".split()
MANY = "fftn ifftn rfftn irfftn".split()


def _one(name, f):
    def function(x, /, *, n=None, axis=-1, norm="backward"):
        return f(x, n, axis, norm)

    return _named(name, function, f)


def _many(name, f):
    def function(x, /, *, s=None, axes=None, norm="backward"):
        if s is not None and axes is None:
            axes = list(range(-len(s), 0))
        return f(x, s, axes, norm)

    return _named(name, function, f)


def _named(name, function, f):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f.__doc__.split("\n\n")[1]
    return function


for _name in ONE:
    globals()[_name] = _one(_name, getattr(mx.fft, _name))
for _name in MANY:
    globals()[_name] = _many(_name, getattr(mx.fft, _name))


def fftfreq(n, /, *, d=1.0, dtype=None, device=None):
    """The frequencies of the elements of fft, for samples at a distance of d."""
    _check_device(device)
    return mx.fft.fftfreq(n, d, dtype=dtype)


def rfftfreq(n, /, *, d=1.0, dtype=None, device=None):
    """The frequencies of the elements of rfft, for samples at a distance of d."""
    _check_device(device)
    return mx.fft.rfftfreq(n, d, dtype=dtype)


def fftshift(x, /, *, axes=None):
    """The elements rolled so that frequency zero stands in the middle of the axes."""
    return mx.fft.fftshift(x, axes)


def ifftshift(x, /, *, axes=None):
    """The inverse of fftshift."""
    return mx.fft.ifftshift(x, axes)
