"""The same elements in other shapes and orders."""

import mlx.core as mx


def broadcast_arrays(*arrays):
    """The arrays broadcast to their common shape."""
    return list(mx.broadcast_arrays(*arrays))


def broadcast_to(x, /, shape):
    """x repeated along axes of size 1 and along new ones in front."""
    return mx.broadcast_to(x, shape)


def concat(arrays, /, *, axis=0):
    """The arrays one after the other along an axis, flattened first if it is None."""
    arrays = list(arrays)
    dtype = mx.result_type(*arrays)
    return mx.concat([a.astype(dtype) for a in arrays], axis)


def expand_dims(x, /, axis):
    """x with a new axis of size 1."""
    return mx.expand_dims(x, axis)


def flip(x, /, *, axis=None):
    """The elements in reverse order along axes."""
    return mx.flip(x, axis)


def moveaxis(x, source, destination, /):
    """Axes moved to other places; the others keep their order."""
    return mx.moveaxis(x, source, destination)


def permute_dims(x, /, axes):
    """The axes in another order."""
    return mx.transpose(x, axes)


def repeat(x, repeats, /, *, axis=None):
    """Each element, or slab along an axis, as often as repeats, a number or an array of them."""
    return mx.repeat(x, repeats, axis)


def reshape(x, /, shape, *, copy=None):
    """The elements in another shape."""
    return mx.reshape(x, shape) if copy is None else mx.reshape(x, shape, copy=copy)


def roll(x, /, shift, *, axis=None):
    """The elements moved along axes; what leaves at one end enters at the other."""
    return mx.roll(x, shift, axis)


def squeeze(x, /, axis):
    """x without axes of size 1."""
    return mx.squeeze(x, axis)


def stack(arrays, /, *, axis=0):
    """The arrays, all of one shape, along a new axis."""
    arrays = list(arrays)
    dtype = mx.result_type(*arrays)
    return mx.stack([a.astype(dtype) for a in arrays], axis)


def tile(x, repetitions, /):
    """The whole array repeated along its axes."""
    return mx.tile(x, repetitions)


def unstack(x, /, *, axis=0):
    """The slabs along an axis, without that axis."""
    return tuple(mx.unstack(x, axis=axis))
