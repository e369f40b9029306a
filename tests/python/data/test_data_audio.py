"""Sound: WAV files of all kinds, good and broken, rates, and spectra."""

import io
import os
import struct
import wave
from pathlib import Path

import mlx.data as dx
import numpy as np
import pytest
from mlx.data import audio, features

from seeds import generator

DATA = Path(os.environ.get("MLX_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no data (set MLX_TEST_DATA)")


def wav(data, kind=1, channels=1, rate=8000, bits=16, extensible=False, before=b"", size=None):
    form = struct.pack("<HHIIHH", 0xFFFE if extensible else kind, channels, rate, 0, 0, bits)
    if extensible:
        form += struct.pack("<HHIH", 22, bits, 0, kind) + bytes(14)
    body = b"fmt " + struct.pack("<I", len(form)) + form + before
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def load(data):
    return audio.load(data, from_memory=True)


def tone(rate, seconds=0.5, hertz=440):
    return np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("kind, bits", [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)])
def test_samples_of_all_widths(kind, bits, extensible):
    x = np.array([[0.0, -1.0], [0.5, 0.25], [-0.5, 0.75]])
    if kind == 3:
        data = x.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        data = (x * 128 + 128).astype(np.uint8).tobytes()
    else:
        wide = (x * 2 ** (bits - 1)).astype("<i4")
        data = b"".join(
            int(v).to_bytes(4, "little", signed=True)[: bits // 8] for v in wide.ravel()
        )
    samples, rate = load(wav(data, kind, 2, 8000, bits, extensible, before=b"LIST\3\0\0\0abc\0"))
    assert rate == 8000 and samples.dtype == np.float32
    np.testing.assert_allclose(samples, x, atol=1e-7)


def test_files_of_the_standard_library(tmp_path):
    x = generator(11).uniform(-1, 1, (100, 2)).astype(np.float32)
    audio.save_wav(tmp_path / "a.wav", x, 22050)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 22050, 100)
    samples, rate = audio.load(tmp_path / "a.wav")
    assert rate == 22050
    np.testing.assert_allclose(samples, x, atol=1 / 32000)
    b = dx.files_from_folder(tmp_path, "*.wav")
    sample = b.load_audio("file", output_key="x", sample_rate=11025, mono=True, rate_key="r")[0]
    assert sample["x"].shape == (50,) and sample["r"] == 11025
    with pytest.raises(ValueError, match="finite"):
        audio.save_wav(tmp_path / "b.wav", [float("nan")], 8000)


def test_streams_whose_length_was_not_known():
    data = np.arange(10, dtype="<i2").tobytes()
    for size in (0, 0xFFFFFFFF):
        assert len(load(wav(data, size=size))[0]) == 10


def test_broken_files():
    good = wav(np.arange(100, dtype="<i2").tobytes())
    for data, words in [
        (good[:30], "cut short|without a chunk"),
        (good[:-10], "ends 10 bytes early"),
        (good[:36], "without a chunk of data"),
        (wav(b"", channels=0), "0 channels"),
        (wav(b"", rate=0), "at 0 Hz"),
        (good[:12] + good[36:], "data come before their format"),
    ]:
        with pytest.raises(ValueError, match=words) as caught:
            load(data)
        assert str(caught.value).startswith("[data] ")
    with pytest.raises(ValueError, match="empty"):
        load(b"")
    for data in (b"fLaC" + bytes(100), wav(b"", kind=85)):
        with pytest.raises((ValueError, ImportError), match="no sound|need soundfile"):
            load(data)
    with pytest.raises(TypeError):
        audio.load(0)  # the number of an open file is no path
    assert load(wav(b""))[0].shape == (0, 1)
    assert load(wav(b"\1\2\3"))[0].shape == (1, 1)  # half a sample is none


def test_errors_name_the_file(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(bytes(100))[:-10])
    with pytest.raises(ValueError) as caught:
        audio.load(path)
    assert str(caught.value) == f"[data] {path}: the WAV file ends 10 bytes early"
    with pytest.raises(dx.SampleError) as caught:
        dx.files_from_folder(tmp_path).load_audio("file")[0]
    words = f"[data] load_audio of sample 0 ({path}): the WAV file ends 10 bytes early"
    assert str(caught.value) == words
    with pytest.raises(dx.SampleError) as caught:  # below a prefix the whole path is said
        dx.buffer_from_vector([{"f": "a.wav"}]).load_audio("f", tmp_path)[0]
    assert f"sample 0 (a.wav): {path}: the WAV" in str(caught.value)
    with pytest.raises(dx.SampleError) as caught:
        dx.buffer_from_vector([{"f": "b.wav"}]).load_audio("f")[0]
    assert str(caught.value).endswith("sample 0 (b.wav): No such file or directory")


def test_soundfiles_words_do_not_name_objects(tmp_path):
    pytest.importorskip("soundfile", reason="soundfile is not installed")
    (tmp_path / "a.wav").write_bytes(b"junk" * 100)
    with pytest.raises(ValueError, match=r"a.wav: the file is no sound \([^<>]*\)$"):
        audio.load(tmp_path / "a.wav")


@pytest.mark.parametrize("kind", ["ULAW", "ALAW"])
def test_samples_of_telephones(tmp_path, kind):
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    wave = np.sin(np.arange(4096) / 20).astype(np.float32) / 2
    soundfile.write(tmp_path / "a.wav", wave, 8000, subtype=kind)
    samples, rate = audio.load(tmp_path / "a.wav")
    assert rate == 8000 and np.abs(samples[: len(wave), 0] - wave).max() < 0.03


def test_headers_that_speak_of_more_samples_than_there_are(tmp_path):
    """Of which the memory would be full; files longer than a block are whole."""
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    noise = generator(17).uniform(-0.5, 0.5, audio._BLOCK + 1000).astype(np.float32)
    soundfile.write(tmp_path / "a.flac", noise, 16000)
    wanted, _ = soundfile.read(tmp_path / "a.flac", dtype="float32", always_2d=True)
    np.testing.assert_array_equal(audio.load(tmp_path / "a.flac")[0], wanted)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] |= 0x0F  # the number of samples has 36 bits, of which these are the highest
    (tmp_path / "b.flac").write_bytes(data)
    try:
        assert len(audio.load(tmp_path / "b.flac")[0]) == len(noise)
    except ValueError as error:
        assert str(error).startswith(f"[data] {tmp_path}/b.flac: the file is no sound")


def test_silence_does_not_fill_the_memory(tmp_path):
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    soundfile.write(tmp_path / "a.flac", np.zeros((100000, 2), np.float32), 16000)
    assert (tmp_path / "a.flac").stat().st_size < 10000
    with pytest.raises(ValueError, match="a.flac: there are more samples than max_samples, 199999"):
        audio.load(tmp_path / "a.flac", max_samples=199999)
    assert audio.load(tmp_path / "a.flac", max_samples=200000)[0].shape == (100000, 2)


@needs_data
def test_flac():
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    samples, rate = audio.load(DATA / "speech" / "ls_test.flac")
    wanted, _ = soundfile.read(DATA / "speech" / "ls_test.flac", dtype="float32", always_2d=True)
    assert rate == 16000
    np.testing.assert_array_equal(samples, wanted)


@pytest.mark.parametrize(
    "rate, new", [(8000, 16000), (44100, 16000), (16000, 44100), (48000, 8000), (8000, 7999)]
)
def test_rates(rate, new):
    found, wanted = audio.resample(tone(rate), rate, new), tone(new)
    assert len(found) == -(-rate // 2 * new // rate) and found.dtype == np.float32
    n = min(len(found), len(wanted))
    inside = slice(n // 10, -n // 10)
    np.testing.assert_allclose(found[:n][inside], wanted[:n][inside], atol=2e-4)
    both = audio.resample(np.stack([tone(rate)] * 2, 1), rate, new)
    np.testing.assert_allclose(both[:, 1], found, atol=1e-6)


def test_what_is_above_the_new_rate_is_gone():
    assert np.abs(audio.resample(tone(48000, hertz=6000), 48000, 8000)[100:-100]).max() < 1e-3
    assert audio.resample(np.zeros(0, np.float32), 2, 1).shape == (0,)
    with pytest.raises(ValueError, match="a rate of 0 Hz"):
        audio.resample([1.0], 0, 1)


def test_what_a_header_asks_for_has_an_end(tmp_path):
    with pytest.raises(ValueError, match="100000 samples would become 1600000000 of 1 channels"):
        audio.resample(np.zeros(100000, np.float32), 1, 16000)
    with pytest.raises(ValueError, match="10 samples would become 20 of 2 channels"):
        audio.resample(np.zeros((10, 2)), 1, 2, max_samples=39)
    assert audio.resample(np.zeros((10, 2)), 1, 2, max_samples=40).shape == (20, 2)
    assert audio.resample(np.zeros((10, 2)), 2, 1, max_samples=1).shape == (5, 2)
    with pytest.raises(ValueError, match="16000 samples for 16777213 take .* numbers of a filter"):
        audio.resample(np.zeros(10), 16777213, 16000)
    audio.save_wav(tmp_path / "x.wav", np.zeros(100000), 1)
    b = dx.buffer_from_vector([{"x": str(tmp_path / "x.wav")}])
    with pytest.raises(ValueError, match="more than max_samples"):
        b.load_audio("x", sample_rate=16000)[0]


def test_spectra():
    x = tone(16000, 1)
    power = features.spectrogram(x)
    assert power.shape == (100, 201) and np.all(power[5:-5].argmax(1) == 11)
    mel = features.log_mel(x)
    assert mel.shape == (100, 80) and mel.dtype == np.float32 and mel.max() - mel.min() <= 2.0001
    stereo = np.stack([x, x], 1)
    np.testing.assert_allclose(features.log_mel(stereo), mel, atol=1e-5)
    b = dx.buffer_from_vector([{"x": tone(8000, 1)}]).resample_audio("x", 8000, 16000).log_mel("x")
    assert b[0]["x"].shape == (100, 80)
    with pytest.raises(ValueError, match="less than half a frame"):
        features.spectrogram(x[:100])
    with pytest.raises(ValueError, match=r"\(N\) or"):
        features.spectrogram(np.zeros((2, 2, 2)))


def test_mfsc():
    x = tone(16000, 1)
    f = features.mfsc(40, 16000)
    found = f(x)
    assert found.shape == (98, 40) and np.all(found >= 0)
    # The same, frame by frame, from the definition.
    frame = x[160:560].astype(np.float64) * 32768
    frame = (frame - 0.97 * np.append(frame[0], frame[:-1])) * np.hamming(400)
    spectrum = np.abs(np.fft.rfft(frame, 512))
    mel = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 42)
    corner = 700 * (10 ** (mel / 2595) - 1) / 16000 * 512
    k = np.arange(257)
    bands = [
        np.maximum(0, np.minimum((k - a) / (b - a), (c - k) / (c - b))) @ spectrum
        for a, b, c in zip(corner, corner[1:], corner[2:])
    ]
    np.testing.assert_allclose(found[1], np.log(np.maximum(bands, 1)), atol=2e-3)
    assert features.mfsc(4, 16000, post_process=lambda y: y.shape)(x) == (98, 4)
    assert f(x[:10]).shape == (0, 40)


@needs_data
def test_whispers_filters_and_speech():
    published = np.load(DATA / "whisper" / "mel_filters.npz")["mel_80"]
    np.testing.assert_allclose(features.mel_filters(), published, atol=1e-7)
    b = dx.files_from_folder(DATA / "speech", "jfk.wav").load_audio("file", output_key="x")
    sample = b.log_mel("x", output_key="mel")[0]
    assert sample["x"].shape == (176000, 1) and sample["mel"].shape == (1100, 80)
    x = np.pad(np.array(sample["x"][:, 0], np.float64), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(x, 400)[::160][:1100]
    power = np.abs(np.fft.rfft(frames * np.hanning(401)[:-1])) ** 2
    bands = np.log10(np.maximum(power @ published.T, 1e-10))
    np.testing.assert_allclose(
        sample["mel"], (np.maximum(bands, bands.max() - 8) + 4) / 4, atol=2e-4
    )


def test_refused_without_soundfile(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(ImportError, match="need soundfile"):
        audio.load(io.BytesIO(b"OggS" + bytes(50)).getvalue(), from_memory=True)
    (tmp_path / "a.ogg").write_bytes(b"OggS" + bytes(50))
    with pytest.raises(ImportError) as caught:
        audio.load(tmp_path / "a.ogg")
    assert str(caught.value).startswith(f"[data] {tmp_path}/a.ogg: the file is no WAV")


def test_several_files_of_a_sample(tmp_path):
    for name, rate in (("a.wav", 8000), ("b.wav", 4000)):
        audio.save_wav(tmp_path / name, tone(rate), rate)
    b = dx.buffer_from_vector([{"a": "a.wav", "b": "b.wav"}])
    s = b.load_audio(("a", "b"), tmp_path, output_key=("x", "y"), sample_rate=8000, mono=True)[0]
    assert s["x"].shape == s["y"].shape == (4000,) and np.abs(s["x"] - s["y"])[50:-50].max() < 1e-2
    assert b.load_audio("b", tmp_path, rate_key="r")[0]["r"] == 4000
    with pytest.raises(ValueError, match="rate_key 'r' is a place of its own for one key"):
        b.load_audio(("a", "b"), tmp_path, rate_key="r")


# --- what there is not ----------------------------------------------------------------------------


def test_data_of_no_bytes_before_other_chunks_are_no_samples():
    text = b"LIST\x0a\0\0\0INFOabcdef"
    for behind in text, text + b"id3 \3\0\0\0abc", text + b"id3 \3\0\0\0abc\0":
        samples, rate = load(wav(behind, size=0))
        assert samples.shape == (0, 1) and rate == 8000
    assert load(wav(b"", size=0))[0].shape == (0, 1)
    assert load(wav(text[:-2], size=0))[0].shape == (8, 1)  # no whole chunk: a stream's samples


def test_windows_and_scales_have_names():
    x = generator(3).uniform(-1, 1, 1600).astype(np.float32)
    made = {}
    for window in features.WindowType:
        for scale in features.FrequencyScale:
            both = [(window, scale), (window.value, scale.value), (window.name, scale.name)]
            results = [features.mfsc(10, 16000, window_type=w, freq_scale=s)(x) for w, s in both]
            assert all(np.array_equal(results[0], r) for r in results)
            made[window, scale] = results[0].tobytes()
    assert len(set(made.values())) == 6
    with pytest.raises(ValueError, match="window_type is one of 'hanning', 'hamming', not 'hann'"):
        features.mfsc(10, 16000, window_type="hann")
    with pytest.raises(ValueError, match="freq_scale is one of 'mel', 'linear', 'log10', not 3"):
        features.mfsc(10, 16000, freq_scale=3)


REFUSED = [
    (lambda: features.mel_filters(40, 400, 16000, 5000, 1000), "frequencies from 5000 to 1000"),
    (lambda: features.mel_filters(40, 400, 16000, 1000, 1000), "frequencies from 1000 to 1000"),
    (lambda: features.mel_filters(40, 400, 16000, -1, 1000), "frequencies from -1 to 1000"),
    (lambda: features.mel_filters(40, 400, 0), "a rate is above 0, not 0"),
    (lambda: features.mel_filters(0), "bands is a whole number from 1, not 0"),
    (lambda: features.mfsc(10, 16000, low_freq=900, high_freq=800), "frequencies from 900 to 800"),
    (lambda: features.log_mel(np.zeros(1600), hop=-5), "hop is a whole number from 1, not -5"),
    (lambda: features.log_mel(np.zeros(1600), hop=0), "hop is a whole number from 1, not 0"),
    (lambda: features.log_mel(np.zeros(1600), size=0), "size is a whole number from 1, not 0"),
    (lambda: features.log_mel(np.zeros(1600), rate=0), "a rate is above 0, not 0"),
    (lambda: audio.resample(np.zeros(3), 44100.5, 16000), "rate is a whole number, not 44100.5"),
    (lambda: audio.resample(np.zeros(3), 16000, "8000"), "rate is a whole number, not '8000'"),
    (lambda: audio.resample(np.zeros(3), 0, 8000), "a rate of 0 Hz"),
    (lambda: audio.save_wav("no.wav", np.zeros(3), 0), "a rate of 0 Hz"),
    (lambda: audio.save_wav("no.wav", np.zeros(3), 1.5), "rate is a whole number, not 1.5"),
    (lambda: audio.save_wav("no.wav", ["a"], 8000), "save_wav: samples are real numbers, not <U1"),
    (lambda: audio.save_wav("no.wav", ["1"], 8000), "save_wav: samples are real numbers, not <U1"),
    (lambda: audio.save_wav("no.wav", [1j], 8000), "samples are real numbers, not complex128"),
    (lambda: audio.resample([None], 8000, 16000), "resample: samples are real numbers, not object"),
    (lambda: audio.save_wav("no.wav", np.zeros((3, 0)), 8000), r"\(3, 0\) are less than a file"),
    (lambda: audio.save_wav("no.wav", np.int16([9, -7]), 8000), "not int16 from -7 to 9: divide"),
    (lambda: audio.save_wav("no.wav", [2, 0], 8000), "save_wav: .* not int64 from 0 to 2"),
    (lambda: features.log_mel(np.full(1600, 200, np.uint8)), "not uint8 from 200 to 200"),
    (lambda: features.mfsc(10, 16000)(np.full(1600, -2, np.int8)), "not int8 from -2 to -2"),
    (lambda: audio.save_wav("no.wav", np.zeros((1, 2000)), 8000), r"samples \(1, 2000\)"),
    (lambda: load(b"no sound at all"), "no sound"),
]


@pytest.mark.parametrize("call, why", REFUSED, ids=[why for _, why in REFUSED])
def test_numbers_and_files_that_are_none_of_sound(call, why):
    with pytest.raises(ValueError, match=why):
        call()
    assert not Path("no.wav").exists()


def test_whole_numbers_that_are_samples(tmp_path):
    audio.save_wav(tmp_path / "a.wav", np.int8([-1, 0, 1]), 8000)
    assert audio.load(tmp_path / "a.wav")[0].ravel().tolist() == [-1, 0, 32767 / 32768]
    audio.save_wav(tmp_path / "a.wav", np.zeros(0, np.int16), 8000)
    x = generator(9).integers(-1, 2, 1600)
    np.testing.assert_array_equal(features.log_mel(x), features.log_mel(x.astype(np.float32)))
    loud = np.int16(x * 1000)
    wanted = features.spectrogram(loud.astype(np.float32))
    np.testing.assert_array_equal(features.spectrogram(loud), wanted)


def test_rates_may_be_floats_of_whole_numbers(tmp_path):
    x = generator(5).uniform(-1, 1, 441).astype(np.float32)
    wanted = audio.resample(x, 44100, 16000)
    assert np.array_equal(audio.resample(x, 44100.0, np.float32(16000)), wanted)
    audio.save_wav(tmp_path / "a.wav", x, 16000.0)
    assert audio.load(tmp_path / "a.wav")[1] == 16000


@pytest.mark.parametrize("size", [400, 401, 512])
def test_a_tone_is_loudest_where_its_frequency_is(size):
    """Also in frames of an odd number of samples, whose last frequency is below half the rate."""
    hertz, rate = 3000.0, 16000
    samples = np.sin(2 * np.pi * hertz * np.arange(rate) / rate).astype(np.float32)
    power = features.spectrogram(samples, size)
    assert power.shape == (100, size // 2 + 1)  # a frame for each 160 samples
    filters = features.mel_filters(20, size, rate)
    middles = (filters * np.fft.rfftfreq(size, 1 / rate)).sum(1) / filters.sum(1)
    loudest = features.log_mel(samples, 20, size=size)[50].argmax()
    assert loudest == np.abs(middles - hertz).argmin()
    left = np.fft.rfftfreq(size, 1 / rate)[filters[10].nonzero()[0]]
    mel = lambda f: 15 + 27 * np.log(f / 1000) / np.log(6.4)
    step = (15 + 27 * np.log(8) / np.log(6.4)) / 21
    assert mel(left[0]) >= 10 * step - 1e-6 and mel(left[-1]) <= 12 * step + 1e-6


def test_samples_that_are_no_step_have_no_frame():
    assert features.log_mel(np.ones(300, np.float32), hop=400).shape == (0, 80)
