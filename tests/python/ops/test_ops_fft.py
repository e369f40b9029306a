"""Fourier transforms of what is hardly there, and what is refused."""

import mlx.core as mx
import numpy as np
import pytest

from seeds import generator

ONE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
MANY = ["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"]


def wanted(name, x, n):
    """NumPy refuses what is empty; the transform of nothing, filled up with zeros, is that of
    zeros."""
    return getattr(np.fft, name)(
        np.zeros((*x.shape[:-1], max(x.shape[-1], 1)), x.dtype) if not x.shape[-1] else x, n
    )


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 64, 257])
def test_one_axis(name, n):
    rng = generator(n)
    for shape in [(0,), (2, 0), (1,), (3, 1), (3, 2), (0, 5), (2, 5)]:
        x = rng.standard_normal(shape).astype(np.float32)
        found = getattr(mx.fft, name)(mx.array(x), n)
        result = wanted(name, x, n)
        assert found.shape == result.shape
        np.testing.assert_allclose(np.array(found), result, atol=1e-5)


@pytest.mark.parametrize("name", MANY)
def test_several_axes(name):
    rng = generator(0)
    for shape in [(0, 0), (2, 0), (0, 3), (1, 1), (1, 4), (5, 2)]:
        x = rng.standard_normal(shape).astype(np.float32)
        full = np.zeros([max(d, 1) for d in shape], np.float32)
        full[: shape[0], : shape[1]] = x
        for s in [(1, 1), (1, 2), (3, 1), (4, 6)]:
            found, result = (
                getattr(mx.fft, name)(mx.array(x), s, (0, 1)),
                getattr(np.fft, name)(full, s, (0, 1)),
            )
            assert found.shape == result.shape
            np.testing.assert_allclose(np.array(found), result, atol=1e-5)


def test_gradients_of_an_empty_axis_are_empty():
    x = mx.zeros((2, 0))
    assert mx.grad(lambda x: mx.abs(mx.fft.rfft(x, 4)).sum())(x).shape == (2, 0)
    assert mx.vmap(lambda x: mx.fft.rfft(x, 4))(x).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize("name", ONE + MANY)
def test_an_axis_is_needed(name):
    with pytest.raises(ValueError):
        getattr(mx.fft, name)(mx.array(3.0))


def test_no_length():
    for name in ONE:
        for n in (0, -1):
            with pytest.raises(ValueError):
                getattr(mx.fft, name)(mx.ones(4), n)
    with pytest.raises(ValueError):
        mx.fft.irfft(mx.ones(1))


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
def test_frequencies(name):
    for n, d in [(1, 1.0), (4, 0.5), (5, 0.25), (8, -0.5)]:
        assert np.array_equal(
            np.array(getattr(mx.fft, name)(n, d)), getattr(np.fft, name)(n, d).astype(np.float32)
        )
    for n, d in [(0, 1.0), (-1, 1.0), (4, 0.0), (4, -0.0)]:
        with pytest.raises(ValueError):
            getattr(mx.fft, name)(n, d)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_errors_name_the_transform(name):
    transform, a = getattr(mx.fft, name), mx.ones((2, 3))
    wrong = {"s": [2, 2]}, {"axes": [0, 0]}, {"s": [2], "axes": [0, 1]}, {"s": [0], "axes": [0]}
    for keywords in wrong:
        with pytest.raises(ValueError, match=rf"^\[{name}\]"):
            transform(a, **keywords)
