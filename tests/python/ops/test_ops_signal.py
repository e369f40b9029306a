"""Short-time Fourier transforms against their definition in NumPy's float64."""

import mlx.core as mx
import numpy as np
import pytest

from ops_check import integers, numbers, same

X = numbers(3, 50)


def centred(w, n):
    low = (n - len(w)) // 2
    return np.pad(np.asarray(w, float), (low, n - len(w) - low))


def stft(x, n, hop, window=None, center=True, mode="reflect", scale=1.0, onesided=True):
    window = centred(np.ones(n) if window is None else window, n)
    if center:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(n // 2, n // 2)], mode=mode)
    frames = np.stack([x[..., i : i + n] * window for i in range(0, x.shape[-1] - n + 1, hop)], -2)
    return np.swapaxes((np.fft.rfft if onesided else np.fft.fft)(frames), -1, -2) * scale


@pytest.mark.parametrize("n, hop", [(8, 2), (8, 3), (9, 4), (7, 9), (1, 1)])
@pytest.mark.parametrize("center", [True, False])
def test_stft(n, hop, center):
    for window in (None, numbers(n, low=0.1), numbers(max(n - 3, 1), low=0.1)):
        found = mx.fft.stft(
            mx.array(X), n, hop, window=None if window is None else mx.array(window), center=center
        )
        same(found, stft(X, n, hop, window, center), mx.complex64, terms=16)


def test_stft_forms():
    x, a = X.astype(float), mx.array(X)
    for mode in ("reflect", "constant", "edge"):
        same(mx.fft.stft(a, 8, pad_mode=mode), stft(x, 8, 2, mode=mode), terms=16)
    for norm, scale in (("ortho", 8**-0.5), ("forward", 1 / 8)):
        same(mx.fft.stft(a, 8, norm=norm), stft(x, 8, 2, scale=scale), terms=16)
    same(mx.fft.stft(a, 8, onesided=False), stft(x, 8, 2, onesided=False), terms=16)
    same(mx.fft.stft(a, 8, win_length=5), stft(x, 8, 2, np.ones(5)), terms=16)
    z = x + 1j * x[::-1]
    same(mx.fft.stft(mx.array(z.astype(np.complex64)), 8), stft(z, 8, 2, onesided=False), terms=16)
    same(mx.fft.stft(mx.array(integers(20)), 4), stft(integers(20), 4, 1), terms=16)
    assert mx.fft.stft(mx.zeros((0, 20)), 8).shape == (0, 5, 11)


@pytest.mark.parametrize(
    "n, hop, window",
    [
        (8, 2, None),
        (8, 4, np.hanning(10)[1:9]),
        (9, 4, np.hanning(11)[1:10]),
        (10, 3, numbers(7, low=0.5)),
        (5, 5, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_there_and_back(n, hop, window, center, norm):
    w = None if window is None else mx.array(np.asarray(window, np.float32))
    options = {"hop_length": hop, "window": w, "center": center, "norm": norm}
    there = mx.fft.stft(mx.array(X), n, **options)
    back = mx.fft.istft(there, n, **options)
    assert back.dtype == mx.float32 and X.shape[-1] - hop < back.shape[-1] <= X.shape[-1]
    middle = slice(0 if center or w is None else n, back.shape[-1] - (n if w is not None else 0))
    same(back[:, middle], X[:, : back.shape[-1]][:, middle], terms=64)


def test_istft_places():
    there = mx.fft.stft(mx.array(X), 8)
    same(mx.fft.istft(there, length=20), X[:, :20], atol=1e-5)
    same(mx.fft.istft(there, length=60)[:, 54:], np.zeros((3, 6)), atol=1e-5)
    same(mx.fft.istft(there[:, :, :1], length=0), np.zeros((3, 0)))
    same(
        mx.fft.istft(mx.fft.stft(mx.array(X), 8, onesided=False), onesided=False),
        X[:, :50],
        terms=64,
    )
    gaps = mx.fft.istft(mx.fft.stft(mx.ones(16), 4, 6, center=False), 4, 6, center=False)
    same(gaps, [1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1], atol=1e-6)


def test_stft_transforms():
    a, w = mx.array(X), mx.array(numbers(8, low=0.5))

    def power(x, w):
        return mx.abs(mx.fft.stft(x, 8, 3, window=w)).square().sum()

    def wanted(x):
        return (np.abs(stft(x, 8, 3, np.array(w))) ** 2).sum()

    grad = np.array(mx.grad(power)(a, w))
    for place in ((0, 0), (1, 25), (2, 49)):
        step = np.zeros(X.shape)
        step[place] = 1e-5
        slope = (wanted(X + step) - wanted(X - step)) / 2e-5
        assert abs(grad[place] - slope) < 1e-3 * max(1, abs(slope))
    same(mx.vmap(lambda x: mx.fft.stft(x, 8))(a), mx.fft.stft(a, 8), atol=1e-5)
    same(mx.compile(lambda x: mx.fft.istft(mx.fft.stft(x, 8)))(a), X, terms=64)


@pytest.mark.parametrize(
    "call, what",
    [
        (lambda: mx.fft.stft(mx.array(1.0), 8), "dimension"),
        (lambda: mx.fft.stft(mx.zeros(4), 8, center=False), "too short"),
        (lambda: mx.fft.stft(mx.zeros(16), 0), "n_fft"),
        (lambda: mx.fft.stft(mx.zeros(16), 3), "hop_length"),
        (lambda: mx.fft.stft(mx.zeros(16), 8, window=mx.ones(9)), "window length"),
        (lambda: mx.fft.stft(mx.zeros(16), 8, window=mx.ones((1, 8))), "one-dimensional"),
        (lambda: mx.fft.stft(mx.zeros(16), 8, win_length=-1), "window length"),
        (lambda: mx.fft.stft(mx.zeros(16), 8, norm="other"), "norm"),
        (lambda: mx.fft.stft(mx.zeros(16), 8, pad_mode="other"), "mode"),
        (lambda: mx.fft.stft(mx.zeros(16).astype(mx.complex64), 8, onesided=True), "onesided"),
        (lambda: mx.fft.istft(mx.zeros(5)), "two dimensions"),
        (lambda: mx.fft.istft(mx.zeros((5, 0))), "frames"),
        (lambda: mx.fft.istft(mx.zeros((1, 5))), "n_fft"),
        (lambda: mx.fft.istft(mx.zeros((5, 3)), length=-1), "length"),
    ],
)
def test_refused(call, what):
    with pytest.raises(ValueError, match=what):
        call()
