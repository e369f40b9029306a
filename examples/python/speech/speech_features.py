"""The log-mel spectrogram of a recording, as speech models want it: 80 bands (or 128), a column
every 10 ms at 16 kHz.

    python -m speech.speech_features --wav FILE    without a file that of the data folder, or a
                                                   rising tone
"""

import mlx.core as mx
import numpy as np
from common import arguments, data_folder
from mlx.data import audio

RATE, WINDOW, HOP, BANDS = 16000, 400, 160, 80
BLOCK = 3000  # frames that are transformed at once: 30 s


def read_audio(path):
    """Samples (N) in [-1, 1], float32, at 16 kHz: channels are averaged, other rates resampled."""
    samples, rate = audio.load(path)
    if not len(samples):
        raise ValueError(f"{path}: there are no samples in it")
    if not np.isfinite(samples).all():
        raise ValueError(f"{path}: a sample is no finite number")
    try:
        mono = audio.resample(samples.mean(axis=1, dtype=np.float32), rate, RATE)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return mx.array(mono)


def mel_filters(bands=BANDS, size=WINDOW, rate=RATE):
    """Triangles on the mel scale of Slaney's Auditory Toolbox, of equal area: (bands, size // 2 +
    1)."""
    linear, step = 1000.0, np.log(6.4) / 27

    def to_mel(f):
        return np.where(f < linear, 3 * f / 200, 15 + np.log(np.maximum(f, linear) / linear) / step)

    def to_hertz(m):
        return np.where(m < 15, 200 * m / 3, linear * np.exp(step * (m - 15)))

    corners = to_hertz(np.linspace(0, to_mel(rate / 2), bands + 2))
    frequency = np.fft.rfftfreq(size, 1 / rate)
    low, middle, high = (corners[i : i + bands, None] for i in range(3))
    rising, falling = (frequency - low) / (middle - low), (high - frequency) / (high - middle)
    triangles = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    return mx.array(triangles.astype(np.float32))


def mirrored(samples, half=WINDOW // 2):
    """The samples with both ends mirrored, so that the first window has sample 0 in its middle."""
    if len(samples) <= half:
        samples = mx.pad(samples, (0, half + 1 - len(samples)))
    return mx.concatenate([samples[1 : half + 1][::-1], samples, samples[-half - 1 : -1][::-1]])


def spectrogram(padded, first, count):
    """Power of each frequency in `count` windows from the first on: (count, WINDOW // 2 + 1)."""
    windows = mx.as_strided(padded, (count, WINDOW), (HOP, 1), first * HOP)
    hann = mx.array((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32))
    return mx.square(mx.abs(mx.fft.rfft(windows * hann)))


def log_mel(samples, bands=BANDS):
    """(frames, bands): log10 of band powers, at most 8 below the largest, moved into about [-1, 1].
    Long recordings go through memory in blocks."""
    padded, filters = mirrored(samples), mel_filters(bands).T
    frames, blocks = (len(padded) - WINDOW) // HOP, []
    for first in range(0, frames, BLOCK):
        power = spectrogram(padded, first, min(BLOCK, frames - first))
        blocks.append(mx.log10(mx.maximum(power @ filters, 1e-10)))
        mx.eval(blocks[-1])
    logs = mx.concatenate(blocks) if blocks else mx.zeros((0, bands))
    return (mx.maximum(logs, mx.max(logs) - 8) + 4) / 4 if frames else logs


def draw(features, columns=78, rows=16):
    """The spectrogram as letters, low bands at the bottom."""
    image = np.array(features)
    steps = np.linspace(0, len(image), columns + 1).astype(int)
    image = np.stack([image[a : max(b, a + 1)].mean(0) for a, b in zip(steps, steps[1:])])
    image = image.reshape(columns, rows, -1).mean(-1).T[::-1]
    level = (image - image.min()) / (np.ptp(image) + 1e-9) * 9.99
    return "\n".join("".join(" .:-=+*#%@"[int(v)] for v in row) for row in level)


def sweep(seconds=3, low=80, high=6000):
    """A tone that rises by the same factor in each second."""
    growth, t = np.log(high / low) / seconds, np.arange(seconds * RATE) / RATE
    return mx.array(
        (0.5 * np.sin(2 * np.pi * low * np.expm1(growth * t) / growth)).astype(np.float32)
    )


def main(path=None):
    """Returns the features of a file, or of a rising tone."""
    return log_mel(read_audio(path) if path else sweep())


if __name__ == "__main__":
    options = arguments(__doc__, wav="")
    speech = data_folder(options.data) / "speech" / "jfk.wav"
    path = options.wav or (speech if speech.is_file() else None)
    try:
        features = main(path)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None
    if len(features) < 2:
        raise SystemExit(f"{path}: less than 20 ms of sound, which is nothing to draw")
    print(draw(features))
    print(
        f"{path or 'a rising tone'}: {features.shape[0]} frames of {features.shape[1]} bands, mean {features.mean().item():.4f}"
    )
