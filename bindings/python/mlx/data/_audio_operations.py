"""Operations on sound in samples. The functions: `mlx.data.audio` and `mlx.data.features`."""

from typing import Any, TypeVar

import numpy as np

from . import audio, features
from ._steps import Keys, Steps, at_key, bytes_of, keys_of, outputs_of, paths_below, recorded
from ._steps import value_at
from ._task import Step, whole

Self = TypeVar("Self", bound="AudioOperations")


class AudioOperations(Steps):
    """What buffers and streams do with sound at `key`."""

    @recorded
    def load_audio(
        self: Self,
        key: Keys,
        prefix: Any = "",
        from_memory: bool = False,
        output_key: Keys = "",
        *,
        sample_rate: int = 0,
        mono: bool = False,
        rate_key: str = "",
    ) -> Self:
        """The samples (N, channels) of the file that is named at `key` below `prefix`, or whose
        bytes are there; `mono`: (N), channels averaged. They are resampled to `sample_rate` unless
        it is 0; their rate goes to `rate_key`."""

        keys = keys_of(key)
        if rate_key and (len(keys) > 1 or rate_key == (output_key or key)):
            raise ValueError(
                f"[data] load_audio: rate_key {rate_key!r} is a place of its own for one key"
            )
        if whole(sample_rate, "a rate") < 0:
            raise ValueError(f"[data] load_audio: a rate of {sample_rate} Hz")
        path = paths_below(prefix)

        def load(value):
            source = bytes_of(value) if from_memory else path(value)
            samples, rate = audio.load(source, from_memory=from_memory)
            samples = samples.mean(axis=1, dtype=np.float32) if mono else samples
            return audio.resample(samples, rate, sample_rate or rate), sample_rate or rate

        def load_both(sample, _):
            (output,) = outputs_of(keys, output_key)
            samples, rate = load(value_at(sample, keys[0]))
            return {**sample, output: samples, rate_key: rate}

        if rate_key:
            return self._add(Step("load_audio", load_both, keys[0]))
        return self._add(at_key("load_audio", key, lambda value: load(value)[0], output_key))

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
