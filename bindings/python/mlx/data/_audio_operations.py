"""Operations on sound in samples. The functions: `mlx.data.audio` and `mlx.data.features`."""

from typing import Any, TypeVar

import numpy as np

from . import audio, features
from ._steps import Keys, Steps, at_key, bytes_of, path_below, recorded, value_at
from ._task import Step, whole

Self = TypeVar("Self", bound="AudioOperations")


class AudioOperations(Steps):
    """What buffers and streams do with sound at `key`."""

    @recorded
    def load_audio(
        self: Self,
        key: str,
        prefix: Any = "",
        from_memory: bool = False,
        output_key: str = "",
        *,
        sample_rate: int = 0,
        mono: bool = False,
        rate_key: str = "",
    ) -> Self:
        """The samples (N, channels) of the file that is named at `key` below `prefix`, or whose
        bytes are there; `mono`: (N), channels averaged. They are resampled to `sample_rate` unless
        it is 0; their rate goes to `rate_key`."""

        if rate_key and rate_key == (output_key or key):
            raise ValueError(f"[data] load_audio: rate_key takes the place of {rate_key!r}")
        if whole(sample_rate, "a rate") < 0:
            raise ValueError(f"[data] load_audio: a rate of {sample_rate} Hz")

        def load(sample, _):
            value = value_at(sample, key)
            source = bytes_of(value) if from_memory else path_below(prefix, value)
            samples, rate = audio.load(source, from_memory=from_memory)
            samples = samples.mean(axis=1, dtype=np.float32) if mono else samples
            samples = audio.resample(samples, rate, sample_rate or rate)
            named = {rate_key: sample_rate or rate} if rate_key else {}
            return {**sample, output_key or key: samples, **named}

        return self._add(Step("load_audio", load, key))

    @recorded
    def resample_audio(
        self: Self, key: Keys, input_rate: int, output_rate: int, output_key: Keys = ""
    ) -> Self:
        """Samples (N) or (N, channels) at another rate."""

        def resampled(x):
            return audio.resample(x, input_rate, output_rate)

        return self._add(at_key("resample_audio", key, resampled, output_key))

    @recorded
    def log_mel(
        self: Self,
        key: Keys,
        bands: int = 80,
        rate: int = 16000,
        size: int = 400,
        hop: int = 160,
        output_key: Keys = "",
    ) -> Self:
        """The log-mel spectrogram (frames, bands) as Whisper wants it."""

        def mel(x):
            return features.log_mel(x, bands, rate, size, hop)

        return self._add(at_key("log_mel", key, mel, output_key))
