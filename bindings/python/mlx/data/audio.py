"""Sound as arrays (N, channels) of float32 in [-1, 1]: WAV files in code of its own, FLAC, Ogg, MP3
and others through soundfile where it is installed; other rates of samples."""

import io
import math
import os
import struct
from functools import lru_cache
from typing import Any, BinaryIO, Union

import numpy as np

from .._saved import write_file
from ._arrays import real_array
from ._reading import opened
from ._task import whole

__all__ = ["load", "resample", "save_wav"]

Source = Union[str, bytes, os.PathLike]

_HEADS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"fLaC", b"OggS", b"FORM", b".snd", b"dns.", b"caff")
_HEADS += (b"Crea", b"2BIT", b"NIST", b" sou", b"wvpk", b"MATL", b"\x64\xa3\x01\x00")
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_MOST_CHANNELS, _MOST_RATE = 1024, 1 << 24
_BLOCK = 1 << 20  # samples that are decoded at once
_MOST_BYTES = (1 << 32) - 256  # a RIFF file's sizes have 32 bits


MAX_LOADED = 1 << 30
"""Samples of all channels together that `load` decodes by default: silence of years is a small
file."""


def load(
    source: Source, *, from_memory: bool = False, max_samples: int = MAX_LOADED
) -> tuple[np.ndarray, int]:
    """The samples (N, channels) of a file, or of its bytes with `from_memory`, and their rate.

    Args:
        source: The file, or its bytes.
        from_memory: Whether `source` is bytes.
        max_samples: More of all channels together are refused where they are packed; a WAV file is
            as large as its samples.

    Returns:
        tuple: float32 in [-1, 1], and the samples of a second.

    Raises:
        ValueError: it is no sound that can be read, or has too many samples

    Example:
        >>> audio.save_wav("x.wav", mx.array([0.0, 0.5, -0.5]), 16000)
        >>> samples, rate = audio.load("x.wav")
        >>> samples.shape, rate
        ((3, 1), 16000)
    """
    with opened(source, from_memory) as file:
        head = file.read(12)
        file.seek(0)
        if head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE":
            found = _read_wav(file)
            if found is not None:
                return found
            file.seek(0)
        return _read_other(file, head, max_samples)


def _read_other(file, head, most):
    if not head:
        raise ValueError("[data] the file is empty")
    try:
        import soundfile
    except ImportError:
        if not _may_be_sound(head):
            raise ValueError("[data] the file is no sound that is known") from None
        raise ImportError(
            "[data] the file is no WAV of integers of 8, 16, 24 or 32 bits or floats of "
            "32 or 64; others need soundfile: pip install soundfile"
        ) from None
    try:
        with soundfile.SoundFile(file) as sound:
            return np.concatenate(list(_blocks(sound, most))), int(sound.samplerate)
    except (RuntimeError, TypeError) as error:
        why = getattr(error, "error_string", error)  # without what Python calls the open file
        raise ValueError(f"[data] the file is no sound ({why})") from None


def _blocks(sound, most):
    """All samples: as many as there are, as a header may speak of more than the memory holds."""
    count = 0
    while True:
        block = sound.read(_BLOCK, dtype="float32", always_2d=True)
        count += block.size
        if count > most:
            raise ValueError(f"[data] there are more samples than max_samples, {most}")
        yield block
        if len(block) < _BLOCK:
            return


def _may_be_sound(head):
    """Whether a file begins like those that soundfile reads."""
    synced = len(head) > 1 and head[0] == 0xFF and head[1] >= 0xE0  # a frame of MPEG
    return synced or head[:4] in _HEADS or head[:3] == b"ID3" or head[4:8] == b"ftyp"


def _read_wav(file: BinaryIO):
    """The chunks of a RIFF file: "fmt " says what the bytes of "data" mean. RIFF's sizes are 32
    bits wide; a stream's header has 0xffffffff or 0, RF64's the true one in "ds64": then data go on
    to the end of the file, but of 0 with whole chunks behind there are none."""
    end = file.seek(0, io.SEEK_END)
    file.seek(12)
    layout = None
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise ValueError("[data] a WAV file without a chunk of data")
        name, size = struct.unpack("<4sI", head)
        if name == b"fmt ":
            layout = _layout(file.read(min(size, 40)), size)
            if layout[::3] not in _DECODERS:
                return None
            file.seek(max(0, size - 40) + size % 2, io.SEEK_CUR)
        elif name == b"data":
            if layout is None:
                raise ValueError("[data] a WAV file whose data come before their format")
            left = 0 if size == 0 and _are_chunks(file, end) else end - file.tell()
            return _samples(file, size, left, layout)
        else:
            file.seek(size + size % 2, io.SEEK_CUR)


def _are_chunks(file, end):
    """Whether chunks fill the rest of a file; it is read on from where it was."""
    begin = at = file.tell()
    while at + 8 <= end:
        name, size = struct.unpack("<4sI", file.read(8))
        if not all(32 <= letter < 127 for letter in name):
            break
        at += 8 + size + size % 2
        file.seek(at)
    file.seek(begin)
    return at in (end, end + 1)  # the last need not be padded


def _layout(chunk, size):
    """(kind, channels, rate, bytes of a sample)"""
    if len(chunk) < 16 or size < 16:
        raise ValueError("[data] the WAV file's header is cut short")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == _EXTENSIBLE and len(chunk) >= 26:
        kind = struct.unpack_from("<H", chunk, 24)[0]
    if not 1 <= channels <= _MOST_CHANNELS or not 1 <= rate <= _MOST_RATE:
        raise ValueError(f"[data] {channels} channels at {rate} Hz in a WAV file")
    return kind, channels, rate, bits


def _samples(file, size, left, layout):
    kind, channels, rate, bits = layout
    if size > left and size < 0xFFFFFF00:
        raise ValueError(f"[data] the WAV file ends {size - left} bytes early")
    frame = channels * bits // 8
    data = file.read(min(size or left, left) // frame * frame)
    return _DECODERS[kind, bits](data).reshape(-1, channels), rate


def _integers(dtype, scale, shift=0):
    def decode(data):
        return (np.frombuffer(data, dtype).astype(np.float32) - shift) * np.float32(1 / scale)

    return decode


def _bytes_of_24(data):
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return wide.view("<i4")[:, 0].astype(np.float32) * np.float32(2**-31)


def _narrow(wide):
    with np.errstate(over="ignore"):
        return wide.astype(np.float32)


_DECODERS = {
    (_PCM, 8): _integers(np.uint8, 128, 128),
    (_PCM, 16): _integers("<i2", 2**15),
    (_PCM, 24): _bytes_of_24,
    (_PCM, 32): _integers("<i4", 2**31),
    (_FLOAT, 32): lambda data: np.frombuffer(data, "<f4").astype(np.float32),
    (_FLOAT, 64): lambda data: _narrow(np.frombuffer(data, "<f8")),
}


def save_wav(path: Source, samples: Any, rate: int) -> None:
    """Write samples (N) or (N, channels) in [-1, 1] as 16-bit WAV.

    Args:
        path: The file.
        samples: The samples; what is beyond 1 is cut.
        rate: How many a second.

    Raises:
        ValueError: samples are not finite, or whole numbers beyond 1, have another shape or too
            many channels, or the rate is none
        OSError: the file cannot be written; what was there is left

    Example:
        >>> audio.save_wav("x.wav", mx.array([0.0, 0.5, -0.5]), 16000)
    """
    rate = _checked_rate(rate, "save_wav")
    samples = real_array(samples, "save_wav", unit=True)
    if samples.ndim not in (1, 2) or not np.all(np.isfinite(samples)):
        raise ValueError("[data] save_wav: finite samples (N) or (N, channels)")
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    if not 1 <= channels <= _MOST_CHANNELS or samples.size * 2 > _MOST_BYTES:
        than = "less" if channels < 1 else "more"
        raise ValueError(
            f"[data] save_wav: samples {samples.shape} are {than} than a file can have"
        )
    data = np.rint(np.clip(samples, -1, 32767 / 32768) * 32768).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", _PCM, channels, rate, rate * channels * 2, channels * 2, 16)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16) + form
    write_file(path, head + struct.pack("<4sI", b"data", len(data)), data)


# --- rates ----------------------------------------------------------------------------------------

MAX_SAMPLES = 1 << 28
"""More samples than there are `resample` makes only up to this number by default: a header may lie
about the rate."""

_MOST_TAPS = 1 << 25  # of the low-pass at all places
_ZEROS = 32  # zero crossings of the low-pass on each side
_BETA = 9.0  # of the Kaiser window: 90 dB


@lru_cache(maxsize=16)
def _low_pass(up, down):
    """(up, taps): the filter at each of the `up` places between two samples."""
    band = min(1.0, up / down) * 0.97
    half = math.ceil(_ZEROS / band)
    if up * 2 * half > _MOST_TAPS:
        raise ValueError(
            f"[data] resample: {up} samples for {down} take {up * 2 * half} numbers of a filter, "
            f"{_MOST_TAPS} are the most"
        )
    place = np.arange(-half + 1, half + 1)[None] - np.arange(up)[:, None] / up
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (place / half) ** 2, 0, None))) / np.i0(_BETA)
    return (band * np.sinc(band * place) * window).astype(np.float32)


def _checked_rate(rate, what):
    """A rate as an int, also of a float that is one."""
    rate = int(rate) if isinstance(rate, (float, np.floating)) and rate % 1 == 0 else rate
    if not 0 < whole(rate, f"{what}'s rate") <= _MOST_RATE:
        raise ValueError(f"[data] {what}: a rate of {rate} Hz, from 1 to {_MOST_RATE} there are")
    return int(rate)


def _check_count(before, after, channels, limit):
    if after > before and after * channels > limit:
        raise ValueError(
            f"[data] resample: {before} samples would become {after} of {channels} channels, more "
            f"than max_samples, {limit}"
        )


def resample(
    samples: Any, rate: int, new_rate: int, *, max_samples: int = MAX_SAMPLES
) -> np.ndarray:
    """Samples (N) or (N, channels) at another rate: a polyphase windowed sinc of 64 zero crossings
    (Smith, "Digital Audio Resampling"). The result has ceil(N * new_rate / rate) of them; where
    these are more than N, all channels have at most `max_samples`.

    Args:
        samples: The samples.
        rate: How many a second there are.
        new_rate: How many there are to be.
        max_samples: More are refused.

    Returns:
        numpy.ndarray: float32, of the shape of `samples` but for the first dimension.

    Raises:
        ValueError: a rate is not positive, or there would be too many samples

    Example:
        >>> audio.resample(mx.zeros(441), 44100, 16000).shape
        (160,)
    """
    rate, new_rate = _checked_rate(rate, "resample"), _checked_rate(new_rate, "resample")
    samples = real_array(samples, "resample")
    common = math.gcd(rate, new_rate)
    up, down = new_rate // common, rate // common
    if up == down or not len(samples):
        return samples
    count = -(-len(samples) * up // down)
    _check_count(len(samples), count, samples[:1].size, max_samples)
    filters = _low_pass(up, down)
    taps = filters.shape[1]
    padded = np.pad(samples, [(taps // 2 - 1, taps + down)] + [(0, 0)] * (samples.ndim - 1))
    windows = np.lib.stride_tricks.sliding_window_view(padded, taps, axis=0)
    result = np.empty((count, *samples.shape[1:]), np.float32)
    for first in range(min(up, count)):  # every up-th result lies at the same place
        start, phase = divmod(first * down, up)
        result[first::up] = windows[start::down][: len(result[first::up])] @ filters[phase]
    return result
