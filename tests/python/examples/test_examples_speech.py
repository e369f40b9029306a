"""The programs of examples/python/speech do what their first lines say."""

import numpy as np
from examples import common, needs_data


@needs_data
def test_speech_features():
    from speech import speech_features

    folder = common.data_folder()
    published = np.load(folder / "whisper" / "mel_filters.npz")["mel_80"]
    np.testing.assert_allclose(speech_features.mel_filters(), published, atol=1e-7)
    samples = speech_features.read_wav(folder / "speech" / "jfk.wav")
    features = np.array(speech_features.log_mel(samples))
    assert features.shape == (1100, 80)
    # The same by NumPy.
    x = np.pad(np.array(samples, np.float64), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(x, 400)[::160][:1100]
    power = np.abs(np.fft.rfft(frames * np.hanning(401)[:-1])) ** 2
    bands = np.log10(np.maximum(power @ published.T, 1e-10))
    np.testing.assert_allclose(features, (np.maximum(bands, bands.max() - 8) + 4) / 4, atol=2e-4)
