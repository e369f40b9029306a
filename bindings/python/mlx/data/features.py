"""Features of sound: spectra on the mel scale."""

import enum
import math
from functools import lru_cache
from typing import Any, Callable, Optional, Union

import numpy as np

from ._arrays import real_array
from ._task import whole

__all__ = ["FrequencyScale", "WindowType", "log_mel", "mel_filters", "mfsc", "spectrogram"]


class WindowType(enum.Enum):
    """What frames are multiplied by.

    Example:
        >>> features.WindowType.Hamming.value
        'hamming'
    """

    Hanning = "hanning"
    Hamming = "hamming"


class FrequencyScale(enum.Enum):
    """What frequency bands are evenly spaced on.

    Example:
        >>> features.FrequencyScale.MEL
        <FrequencyScale.MEL: 'mel'>
    """

    MEL = "mel"
    LINEAR = "linear"
    LOG10 = "log10"


def _member(kind, value, what):
    """A member of an enumeration, or what its name or value says."""
    if isinstance(value, kind):
        return value
    for member in kind:
        if isinstance(value, str) and value.lower() == member.value:
            return member
    names = ", ".join(repr(member.value) for member in kind)
    raise ValueError(f"[data] mfsc: {what} is one of {names}, not {value!r}")


def _window(kind, size):
    return (np.hanning if kind is WindowType.Hanning else np.hamming)(size).astype(np.float32)


def _mel(f):
    """The mel scale of Slaney's Auditory Toolbox: linear below 1000 Hz, logarithmic above."""
    return np.where(f < 1000, 3 * f / 200, 15 + 27 * np.log(np.maximum(f, 1e3) / 1e3) / np.log(6.4))


def _hertz(m):
    return np.where(m < 15, 200 * m / 3, 1000 * np.exp(np.log(6.4) / 27 * (m - 15)))


def _positive(what, **numbers):
    for name, value in numbers.items():
        whole(value, f"{what}'s {name}", 1)


def _check_band(what, low, high):
    if not 0 <= low < high < math.inf:
        raise ValueError(f"[data] {what}: frequencies from {low} to {high}, which is not above")


@lru_cache(maxsize=16)
def mel_filters(
    bands: int = 80, size: int = 400, rate: int = 16000, low: float = 0.0, high: float = 0.0
) -> np.ndarray:
    """Triangles of equal area on the mel scale of Slaney, (bands, size // 2 + 1); `high` 0: half
    the rate.

    Args:
        bands: How many triangles.
        size: Samples of a frame.
        rate: Samples of a second.
        low: The lowest frequency.
        high: The highest.

    Returns:
        numpy.ndarray: The weights of frequencies in each band.

    Raises:
        ValueError: there is no band, or no frequency between `low` and `high`

    Example:
        >>> features.mel_filters(80).shape
        (80, 201)
    """
    _positive("mel_filters", bands=bands, size=size)
    if not 0 < rate < math.inf:
        raise ValueError(f"[data] mel_filters: a rate is above 0, not {rate!r}")
    high = high or rate / 2
    _check_band("mel_filters", low, high)
    corners = _hertz(np.linspace(_mel(low), _mel(high), bands + 2))
    frequency = np.fft.rfftfreq(size, 1 / rate)
    left, middle, right = (corners[i : i + bands, None] for i in range(3))
    rising, falling = (frequency - left) / (middle - left), (right - frequency) / (right - middle)
    result = np.maximum(0, np.minimum(rising, falling)) * 2 / (right - left)
    return result.astype(np.float32)


def _mono(samples, unit=False):
    samples = real_array(samples, "features", unit=unit)
    if samples.ndim == 2:
        samples = samples.mean(axis=1, dtype=np.float32)
    if samples.ndim != 1:
        raise ValueError(f"[data] sound is (N) or (N, channels), not {samples.shape}")
    return samples


def spectrogram(samples: Any, size: int = 400, hop: int = 160) -> np.ndarray:
    """Power of each frequency in frames of `size` samples, Hann's window, (frames, size // 2 + 1).
    There is a frame for each `hop` samples; the ends are mirrored.

    Args:
        samples: (N).
        size: Samples of a frame.
        hop: Samples from frame to frame.

    Returns:
        numpy.ndarray: (frames, size // 2 + 1) of float32.

    Raises:
        ValueError: there are less samples than half a frame has

    Example:
        >>> features.spectrogram(mx.zeros(16000)).shape
        (100, 201)
    """
    return _spectrogram(_mono(samples), size, hop)


def _spectrogram(x, size, hop):
    _positive("spectrogram", size=size, hop=hop)
    if len(x) <= size // 2:
        raise ValueError(f"[data] {len(x)} samples are less than half a frame of {size}")
    padded = np.pad(x, size // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)
    frames = windows[::hop][: len(x) // hop]
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    spectrum = np.fft.rfft(frames * window)
    return np.square(spectrum.real) + np.square(spectrum.imag)


def log_mel(
    samples: Any, bands: int = 80, rate: int = 16000, size: int = 400, hop: int = 160
) -> np.ndarray:
    """The log-mel spectrogram as Whisper wants it, (frames, bands): log10 of band powers, at most 8
    below the largest, moved into about [-1, 1] (Radford et al. 2022).

    Args:
        samples: (N) in [-1, 1].
        bands: How many bands of frequencies.
        rate: Samples of a second.
        size: Samples of a frame.
        hop: Samples from frame to frame.

    Returns:
        numpy.ndarray: (frames, bands) of float32.

    Raises:
        ValueError: there are less samples than half a frame has, or whole numbers beyond 1

    Example:
        >>> features.log_mel(mx.zeros(16000)).shape
        (100, 80)
    """
    power = _spectrogram(_mono(samples, unit=True), size, hop) @ mel_filters(bands, size, rate).T
    logs = np.log10(np.maximum(power, 1e-10))
    return (np.maximum(logs, logs.max(initial=-10) - 8) + 4) / 4


def mfsc(
    n_filterbank: int,
    sampling_freq: int,
    frame_size_ms: float = 25,
    frame_stride_ms: float = 10,
    pre_emphasis_coeff: float = 0.97,
    window_type: Union[WindowType, str] = WindowType.Hamming,
    low_freq: float = 0,
    high_freq: float = -1,
    mel_floor: float = 1.0,
    freq_scale: Union[FrequencyScale, str] = FrequencyScale.MEL,
    post_process: Optional[Callable[[np.ndarray], Any]] = None,
) -> Callable[[Any], Any]:
    """A function that gives the mel-frequency spectral coefficients (frames, n_filterbank) of
    samples (N): frames, pre-emphasis, window, amplitudes, triangles (HTK's mel scale),
    logarithm.

    Args:
        n_filterbank: How many bands.
        sampling_freq: Samples of a second.
        frame_size_ms: Milliseconds of a frame.
        frame_stride_ms: Milliseconds from frame to frame.
        pre_emphasis_coeff: So much of each sample is taken from the next one.
        window_type: What frames are multiplied by, also its name: "hamming", "hanning".
        low_freq: The lowest frequency.
        high_freq: The highest; below 0: half of `sampling_freq`.
        mel_floor: What bands are at least.
        freq_scale: What the bands are evenly spaced on, also its name: "mel", "linear", "log10".
        post_process: Called with the result, whose result is taken.

    Returns:
        Callable: A function of samples.

    Raises:
        ValueError: there is no band, frames or steps are too short, or there is no such window or
            scale

    Example:
        >>> features.mfsc(40, 16000)(mx.zeros(16000)).shape
        (98, 40)
    """
    size = int(sampling_freq * frame_size_ms / 1000)
    hop = int(sampling_freq * frame_stride_ms / 1000)
    if n_filterbank < 1 or size < 2 or hop < 1:
        raise ValueError("[data] mfsc: at least one band, frames of two samples, steps of one")
    padded = 1 << (size - 1).bit_length()
    high = sampling_freq / 2 if high_freq < 0 else high_freq
    _check_band("mfsc", low_freq, high)
    scale = _member(FrequencyScale, freq_scale, "freq_scale")
    bank = _triangles(n_filterbank, padded, sampling_freq, low_freq, high, scale)
    window = _window(_member(WindowType, window_type, "window_type"), size)

    def features(samples):
        x = _mono(samples, unit=True) * np.float32(32768)
        if len(x) < size:
            return np.zeros((0, n_filterbank), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(x, size)[::hop]
        before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
        emphasized = (frames - np.float32(pre_emphasis_coeff) * before) * window
        bands = np.abs(np.fft.rfft(emphasized, padded)).astype(np.float32) @ bank
        result = np.log(np.maximum(bands, np.float32(mel_floor)))
        return result if post_process is None else post_process(result)

    return features


_SCALES: dict[FrequencyScale, tuple[Callable, Callable]] = {
    FrequencyScale.MEL: (
        lambda f: 2595 * np.log10(1 + f / 700),
        lambda m: 700 * (10 ** (m / 2595) - 1),
    ),
    FrequencyScale.LINEAR: (lambda f: f, lambda f: f),
    FrequencyScale.LOG10: (lambda f: np.log10(np.maximum(f, 1)), lambda m: 10**m),
}


def _triangles(bands, size, rate, low, high, scale):
    """(size // 2 + 1, bands), of height 1."""
    to, back = _SCALES[scale]
    corners = back(np.linspace(to(low), to(high), bands + 2)) * size / rate
    place = np.arange(size // 2 + 1)[:, None]
    rising = (place - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - place) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
