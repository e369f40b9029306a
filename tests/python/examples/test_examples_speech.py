"""The programs of examples/python/speech do what their first lines say."""

import mlx.core as mx
import numpy as np
from examples import common, needs_data


@needs_data
def test_speech_features():
    from speech import speech_features

    folder = common.data_folder()
    filters = np.load(folder / "whisper" / "mel_filters.npz")
    for bands in (80, 128):
        found = speech_features.mel_filters(bands)
        np.testing.assert_allclose(found, filters[f"mel_{bands}"], atol=1e-7)
    published = filters["mel_80"]
    samples = speech_features.read_audio(folder / "speech" / "jfk.wav")
    features = np.array(speech_features.log_mel(samples))
    assert features.shape == (1100, 80)
    # The same by NumPy.
    x = np.pad(np.array(samples, np.float64), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(x, 400)[::160][:1100]
    power = np.abs(np.fft.rfft(frames * np.hanning(401)[:-1])) ** 2
    bands = np.log10(np.maximum(power @ published.T, 1e-10))
    np.testing.assert_allclose(features, (np.maximum(bands, bands.max() - 8) + 4) / 4, atol=2e-4)


def test_features_of_long_and_short_sound():
    from speech import speech_features

    x = mx.random.normal((16000 * 31,))
    whole = np.array(speech_features.log_mel(x))
    half = len(whole) // 2
    edge = np.array(speech_features.log_mel(x[: half * 160 + 400]))[: half - 2]
    assert whole.shape == (3100, 80) and not np.allclose(whole[2999], whole[3000])
    np.testing.assert_allclose(whole[: half - 2], edge, atol=2e-3)
    assert speech_features.log_mel(mx.zeros((100,))).shape == (1, 80)
    assert speech_features.log_mel(mx.zeros((0,))).shape == (1, 80)
