"""speech.whisper: its files, rules, words and windows on tiny models; the same logits as
transformers (with MLX_TRANSFORMERS_PYTHON), the same words as faster-whisper on a real model."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from examples import EXAMPLES, FULL, common, needs_data

import whisper_files
from mlx.data import audio
from speech.speech_features import read_audio
from speech.whisper import ctranslate2, timing, transcribe as windows
from speech.whisper.decode import Run, decode, likeliest
from speech.whisper.load import load
from speech.whisper.model import Config, Whisper
from speech.whisper.rules import Rules
from speech.whisper.transcribe import Options, Segment, Transcript, detect_language, transcribe
from speech.whisper.write import FORMATS

PYTHON = os.environ.get("MLX_TRANSFORMERS_PYTHON")
MODELS = Path(os.environ.get("MLX_MODELS", EXAMPLES.parents[1] / "build" / "models"))
REAL = MODELS / "whisper-tiny.en"
needs_model = pytest.mark.skipif(
    not REAL.is_dir(), reason="no whisper-tiny.en: tools/get_models.sh"
)
SENTENCE = (
    "And so my fellow Americans ask not what your country can do for you "
    "ask what you can do for your country"
)


def ask(*words):
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [PYTHON, Path(__file__).parent / "whisper_worker.py", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=plain, timeout=500)
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else None


def plain(text):
    return " ".join("".join(c for c in text if c.isalpha() or c == " ").split())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    mx.random.seed(3)
    folder = tmp_path_factory.mktemp("whisper") / "model"
    return whisper_files.write_safetensors(folder, whisper_files.random_model())


@pytest.fixture(scope="module")
def real():
    return load(REAL)


# --- the model ------------------------------------------------------------------------------------


@pytest.mark.skipif(not PYTHON, reason="MLX_TRANSFORMERS_PYTHON is not set")
def test_logits_are_those_of_transformers(tmp_path):
    random = np.random.default_rng(1)
    features = random.normal(size=(1, 300, 80)).astype(np.float32)
    tokens = random.integers(0, 300, (1, 20))
    np.savez(tmp_path / "input.npz", features=features, tokens=tokens)
    ask("make", tmp_path)
    whisper_files.write_tokenizer(tmp_path)
    model = Whisper(config_of(tmp_path))
    weights = mx.load(str(tmp_path / "model.safetensors"))
    model.load_weights(
        [
            (n.removeprefix("model."), w.swapaxes(1, 2) if w.ndim == 3 else w)
            for n, w in weights.items()
            if n != "proj_out.weight"
        ]
    )
    encoded = model.encoder(mx.array(features))
    np.testing.assert_allclose(encoded, np.load(tmp_path / "encoded.npy"), atol=1e-4, rtol=1e-4)
    wanted = np.load(tmp_path / "logits.npy")
    found = model(mx.array(features), mx.array(tokens))
    np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=1e-4)
    # One token after the other, through the cache, in two rows.
    cache = model.decoder.begin(encoded)
    first = model.decoder(mx.array(tokens[:, :3]), cache)
    cache.take([0, 0])
    for i in range(3, 20):
        state = model.decoder(mx.array(np.repeat(tokens[:, i : i + 1], 2, 0)), cache)
    both = model.decoder.logits(mx.stack([first[0, -1], state[1, -1]]))
    np.testing.assert_allclose(both, wanted[0, [2, 19]], atol=1e-4, rtol=1e-4)


def config_of(folder):
    said = json.loads((folder / "config.json").read_text())
    return Config(**{n: said[n] for n in Config.__dataclass_fields__ if n in said})


def test_both_layouts_are_the_same_model(tiny, tmp_path):
    a, vocabulary = load(tiny)
    whisper_files.write_tokenizer(tmp_path)
    (tmp_path / "model.bin").write_bytes(whisper_files.ctranslate2_bytes(a))
    settings = {"is_multilingual": True, "suppress_ids": [7], "alignment_heads": [[1, 1], [9, 9]]}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    b, other = load(tmp_path)
    features, tokens = mx.random.normal((1, 3000, 80)), mx.array([[257, 5, 6, 7]])
    assert mx.array_equal(a(features, tokens), b(features, tokens))
    assert a.config.alignment_heads == ((1, 0), (1, 1))
    assert b.config.alignment_heads == ((1, 1),)
    assert other.languages == vocabulary.languages == {"en": 258, "de": 259, "zh": 260}
    assert other.suppressed == [7, *vocabulary.suppressed]
    assert [vocabulary.text(vocabulary.encode(text)) for text in ("hä?", " ok")] == ["hä?", " ok"]


def test_other_dtypes(tiny):
    features, tokens = mx.random.normal((1, 3000, 80)), mx.array([[257, 5, 6, 7]])
    wanted = load(tiny)[0](features, tokens)
    for dtype, tolerance in (("float16", 0.05), ("bfloat16", 0.4)):
        model, _ = load(tiny, dtype)
        found = model(features.astype(getattr(mx, dtype)), tokens)
        assert found.dtype == getattr(mx, dtype)
        np.testing.assert_allclose(found.astype(mx.float32), wanted, atol=tolerance * 10)


# --- rules ----------------------------------------------------------------------------------------


def test_what_may_follow(tiny):
    _, v = load(tiny)
    rules, t = Rules(v, timestamps=True), v.first_time
    logits = mx.zeros((1, v.size))

    def may(*said):
        scores = np.array(rules.scores(logits.at[:, :257].add(9), [list(said)]))[0]
        found = np.flatnonzero(scores > -np.inf)
        assert np.isclose(np.exp(scores).sum(), 1, atol=1e-4)
        return (found < v.end).any(), v.end in found, *(found[found >= t][[0, -1]] - t).tolist()[:2]

    assert may()[2:] == (0, 50) and not may()[0] and not may()[1]
    assert may(t + 5, 65) == (True, True, 6, 1500)
    assert may(t + 5, 65, t + 9) == (False, True, 9, 1500)
    scores = np.array(rules.scores(logits, [[t + 5, 65, t + 9, t + 9]]))[0]
    assert (scores[:256] > -np.inf).all() and (scores[t:] == -np.inf).all()
    assert (scores[v.end + 1 : t] == -np.inf).all()
    # Times that are likelier together than each text leave no text.
    scores = np.array(rules.scores(logits, [[t + 5, 65]]))[0]
    assert (scores[:t] == -np.inf).all()
    alone = Rules(v, timestamps=False)
    assert (np.array(alone.scores(logits, [[1]]))[0, t:] == -np.inf).all()


def test_beams_find_what_is_likelier(tiny):
    model, v = load(tiny)
    encoded = windows.encode(model, mx.random.normal((3000, 80)))
    asked = v.prompt("en", "transcribe", False)
    greedy = decode(model, encoded, v, asked, asked, beam=1)
    assert greedy.tokens == likeliest(Run(model, encoded, v, asked, asked))[0][0]
    # The sum is that of the logits of one pass over all tokens.
    tokens = [*asked, *greedy.tokens]
    rules, cache = Rules(v, False), model.decoder.begin(encoded)
    logits = model.decoder.logits(model.decoder(mx.array([tokens]), cache))[0]
    total, said = 0.0, []
    for i, token in enumerate([*greedy.tokens, v.end][: len(greedy.tokens) + 1]):
        scores = rules.scores(logits[len(asked) - 1 + i][None], [said])[0]
        if i < len(greedy.tokens) or len(greedy.tokens) < 224:
            assert token == mx.argmax(scores).item()
        total += scores[mx.argmax(scores)].item()
        said.append(token)
    assert abs(total - greedy.total) < 1e-2
    drawn = decode(model, encoded, v, asked, asked, 1.0, best_of=3)
    assert drawn.temperature == 1.0 and drawn.total <= 0
    beams = decode(model, encoded, v, asked, asked, beam=3)
    assert all(t < v.end for t in beams.tokens) and beams.total <= 0


def test_languages_and_tasks(tiny):
    model, v = load(tiny)
    encoded = windows.encode(model, mx.zeros((3000, 80)))
    best, chances = detect_language(model, v, encoded)
    assert set(chances) == {"en", "de", "zh"} and best == max(chances, key=chances.get)
    assert abs(sum(chances.values()) - 1) < 1e-5
    assert v.prompt("de", "translate", True) == [257, 259, v.tasks["translate"]]
    silence = mx.zeros((16000,))
    options = Options(task="translate", beam=1, temperatures=(0.0,))
    assert transcribe(model, v, silence, options).language in v.languages
    v.multilingual = False
    for options, word in ((options, "English"), (Options("xx"), "xx"), (Options("de"), "English")):
        with pytest.raises(ValueError, match=word):
            transcribe(model, v, silence, options)
    assert v.prompt("en", "transcribe", False) == [257, v.no_timestamps]


def test_temperatures_until_the_text_does(tiny, monkeypatch):
    model, v = load(tiny)
    tried = []

    def repeats(model, encoded, vocabulary, prompt, asked, temperature, **_):
        tried.append((temperature, len(prompt)))
        text = "ha " * 60 if temperature < 0.4 else "a text of its own"
        mean = -2.0 if temperature == 0.4 else -0.1
        tokens = [v.first_time, *v.encode(text), v.first_time + 100]
        return windows_decoded(tokens, mean, 0.1, temperature)

    monkeypatch.setattr(windows, "decode", repeats)
    found = transcribe(model, v, mx.zeros((32 * 16000,)), Options("en"))
    assert [t for t, _ in tried[:4]] == [0.0, 0.2, 0.4, 0.6]
    assert found.segments[0].text == "a text of its own" and found.segments[0].temperature == 0.6
    assert tried[4] == (0.0, 3), "text of a high temperature is no prompt"


def windows_decoded(tokens, mean, no_speech, temperature=0.0):
    from speech.whisper.decode import Decoded

    return Decoded(tokens, mean * (len(tokens) + 1), no_speech, temperature)


def test_windows_go_on_where_times_say(tiny, monkeypatch):
    model, v = load(tiny)
    t, said = v.first_time, []
    script = [
        [t, 65, t + 500, t + 500, 66, t + 900, t + 900, 67],  # cut: goes on at 18 s
        [t, 68, t + 1400],  # one time at the end: the whole window
        [69, 70],  # no times at all: all that is left
    ]

    def scripted(model, encoded, vocabulary, prompt, asked, temperature, **_):
        said.append(prompt)
        return windows_decoded(script[len(said) - 1], -0.1, 0.0)

    monkeypatch.setattr(windows, "decode", scripted)
    found = transcribe(model, v, mx.zeros((50 * 16000,)), Options("en", prompt="x"))
    times = [(round(s.start, 2), round(s.end, 2), s.text) for s in found.segments]
    assert times == [(0, 10, "A"), (10, 18, "B"), (18, 46, "D"), (48, 50, "EF")]
    assert said[0][:3] == [v.previous, *v.encode(" x")]
    assert said[1][3:7] == [t, 65, t + 500, t + 500] and found.text == "ABDEF"
    # Nothing is said where the model hears nothing and is not sure of the text.
    monkeypatch.setattr(windows, "decode", lambda *_, **__: windows_decoded([t, 65], -1.5, 0.9))
    assert transcribe(model, v, mx.zeros((16000,)), Options("en")).segments == []


# --- words ----------------------------------------------------------------------------------------


def test_the_cheapest_path():
    costs = np.random.default_rng(2).normal(size=(5, 9))
    enters = timing.warp(costs)
    assert enters[0] == 0 and enters[-1] == 9 and enters == sorted(enters)

    def cheapest(i, j):
        if i < 0 or j < 0:
            return 0.0 if i == j == -1 else np.inf
        return costs[i, j] + min(cheapest(i - 1, j - 1), cheapest(i - 1, j), cheapest(i, j - 1))

    assert np.isclose(cheapest(4, 8), path_cost(costs, enters), atol=1e-9)


def path_cost(costs, enters):
    """Of the best path that enters the rows there: each row is left at the next one's column or the
    one before."""
    total = 0.0
    for i in range(len(costs)):
        last = enters[i + 1] if i + 1 < len(costs) else costs.shape[1] - 1
        both = [costs[i, enters[i] : last + 1].sum()]
        if i + 1 < len(costs) and last > enters[i]:
            both.append(costs[i, enters[i] : last].sum())
        total += min(both)
    return total


def test_words_of_tokens(tiny):
    _, v = load(tiny)
    text = ' He said, "so ä!"'
    words = timing.divide(v, v.encode(text))
    assert [w for w, _ in words] == [" He", " said,", ' "so', ' ä!"']
    assert sum(n for _, n in words) == len(v.encode(text))
    assert [w for w, _ in timing.divide(v, v.encode("日本。"), spaced=False)] == ["日", "本。"]


# --- what is written ------------------------------------------------------------------------------


def test_formats():
    segments = [
        Segment(0, 1.5, [1], " Hi --> there", 0.0, -0.1, 1.0, 0.0),
        Segment(3661.25, 3662, [2], " Ä", 0.0, -0.1, 1.0, 0.0, [timing.Word(" Ä", 1, 2, 0.5)]),
    ]
    found = {name: write(Transcript("en", segments)) for name, write in FORMATS.items()}
    assert found["txt"] == "Hi --> there\nÄ\n"
    assert found["srt"].split("\n\n")[1] == "2\n01:01:01,250 --> 01:01:02,000\nÄ\n"
    assert found["vtt"].startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHi -> there\n\n01:")
    assert json.loads(found["json"])["segments"][1]["words"][0]["word"] == " Ä"


# --- a real model ---------------------------------------------------------------------------------


@needs_data
@needs_model
def test_the_sentence(real):
    samples = read_audio(common.data_folder() / "speech" / "jfk.wav")
    found = transcribe(*real, samples, Options(beam=1, words=True))
    assert plain(found.text) == SENTENCE
    assert [(s.start, s.end) for s in found.segments] == [(0, 8), (8, 11)]
    words = [w for s in found.segments for w in s.words]
    assert [plain(w.word) for w in words] == SENTENCE.split()
    assert all(a.start < a.end <= b.start + 1e-9 for a, b in zip(words, words[1:]))
    times = {w.word: w.start for w in words}
    assert abs(times[" country."] - 9.9) < 0.5 and abs(times[" Americans"] - 1.7) < 0.5
    chances = [w.probability for w in words]
    assert min(chances) > 0.1 and max(chances) <= 1 and np.median(chances) > 0.9
    assert not FULL or plain(transcribe(*real, samples).text) == SENTENCE  # five beams


@needs_data
@needs_model
@pytest.mark.skipif(not PYTHON, reason="MLX_TRANSFORMERS_PYTHON is not set")
def test_the_same_tokens_as_faster_whisper(real, tmp_path):
    samples = read_audio(common.data_folder() / "speech" / "jfk.wav")
    whole = mx.pad(samples, (0, 30 * 16000 - len(samples)))  # it fills up in another way
    np.save(tmp_path / "samples.npy", whole)
    theirs = ask("say", REAL, tmp_path / "samples.npy")
    found = transcribe(*real, whole, Options(beam=1))
    assert [[s.start, s.end, s.tokens] for s in found.segments] == theirs


@needs_data
@needs_model
def test_longer_than_a_window(real):
    names = ["jfk", "tinygrad_test", "jfk", "tinygrad_test2", *["tinygrad_test", "jfk"] * 3 * FULL]
    pause = mx.zeros((8000,))
    parts = [read_audio(common.data_folder() / "speech" / f"{name}.wav") for name in names]
    samples = mx.concatenate([x for part in parts for x in (part, pause)])
    done = []
    found = transcribe(*real, samples, Options(beam=1), lambda *seconds: done.append(seconds))
    said = plain(found.text).lower()
    assert said.count("your country can do for you") == names.count("jfk")
    assert said.count("let me out of the box") == names.count("tinygrad_test")
    assert len(done) >= 2 and done[-1][0] == pytest.approx(len(samples) / 16000, abs=0.02)
    assert all(a.end <= b.start + 0.02 for a, b in zip(found.segments, found.segments[1:]))


# --- the program in C -----------------------------------------------------------------------------


def c_program():
    program = Path(os.environ.get("MLX_TEST_BUILD", "")) / "examples" / "whisper"
    if not program.is_file():
        pytest.skip("examples/c/whisper is not built")
    return program


def said_by_c(*words):
    """The lines of segments that have text, without it: Python leaves out the others."""
    done = subprocess.run([c_program(), *map(str, words)], capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line[1:].split(b"]") for line in done.stdout.split(b"\n") if line.startswith(b"[")]
    return [(line[0].decode(), b"]".join(line[1:]).strip()) for line in lines]


@pytest.mark.parametrize("beam, seconds", [(1, 12), (3, 40)])
def test_the_program_in_c_says_the_same(tmp_path, monkeypatch, beam, seconds):
    """A multilingual model of large-v3's kind: its language is detected, features have 128 bands."""
    c_program()
    monkeypatch.setattr(
        whisper_files, "CONFIG", Config(128, 64, whisper_files.SIZE, 2, 1, 128, 2, 1, 128)
    )
    mx.random.seed(5)
    folder = whisper_files.write_safetensors(tmp_path / "m", whisper_files.random_model())
    wav = tmp_path / "x.wav"
    audio.save_wav(wav, np.random.default_rng(5).uniform(-0.5, 0.5, seconds * 16000), 16000)
    for previous in ([], ["--no-previous-text"]):
        said = said_by_c("--beam", beam, "--temperature", 0, *previous, folder, wav)
        options = Options(beam=beam, temperatures=(0.0,), previous_text=not previous)
        found = transcribe(*load(folder), read_audio(wav), options).segments
        times = [f"{clock(s.start)} --> {clock(s.end)}" for s in found]
        assert [t for t, _ in said if t in times] == times and len(times) > 0


@needs_data
@needs_model
def test_the_program_in_c_hears_long_speech(real, tmp_path):
    names = ["jfk", "tinygrad_test2", "tinygrad_test", "jfk", "tinygrad_test2"]
    parts = [read_audio(common.data_folder() / "speech" / f"{name}.wav") for name in names]
    wav = tmp_path / "x.wav"
    audio.save_wav(wav, np.concatenate([np.array(part) for part in parts]), 16000)
    found = transcribe(*real, read_audio(wav), Options(beam=2, temperatures=(0.0,))).segments
    wanted = [(f"{clock(s.start)} --> {clock(s.end)}", s.text.strip().encode()) for s in found]
    assert said_by_c("--beam", 2, "--temperature", 0, REAL, wav) == wanted


def test_what_the_program_in_c_is_not_told(tmp_path, monkeypatch):
    config = Config(128, 64, whisper_files.SIZE, 2, 1, 128, 2, 1, 128)
    monkeypatch.setattr(whisper_files, "CONFIG", config)
    folder = whisper_files.write_safetensors(tmp_path / "m", whisper_files.random_model())
    wav = tmp_path / "x.wav"
    audio.save_wav(wav, np.zeros(1600), 16000)
    for words, sentence in (
        (["--beam", "0"], "--beam: a number from 1 to 16"),
        (["--beam", "x"], "--beam: a number"),
        (["--temperature", "-1"], "--temperature: a number from 0 to 10"),
        (["--language", "xx"], "xx: no language of the model"),
        (["--nothing"], "usage: whisper"),
        (["--language"], "usage: whisper"),
    ):
        command = [c_program(), *words, folder, wav]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode in (1, 2) and sentence in done.stderr, done.stderr
    short = Config(128, 64, whisper_files.SIZE, 2, 1, 128, 2, 1, 128, max_target_positions=4)
    monkeypatch.setattr(whisper_files, "CONFIG", short)
    odd = whisper_files.write_safetensors(tmp_path / "odd", whisper_files.random_model())
    done = subprocess.run([c_program(), odd, wav], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "not a model of Whisper" in done.stderr
    said = said_by_c("--language", "de", "--translate", "--temperature", "1", folder, wav)
    assert isinstance(said, list)


def clock(seconds):
    hundredths = round(seconds * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


# --- bad input ------------------------------------------------------------------------------------


def refused(call, *words):
    with pytest.raises(ValueError) as caught:
        call()
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


def test_folders_that_are_no_model(tiny, tmp_path):
    refused(lambda: load(tmp_path / "no"), "no folder")
    refused(lambda: load(tmp_path), "config.json is missing")
    config = tmp_path / "config.json"
    whisper = '{"model_type": "whisper", '
    for text, word in (
        ("{", "no JSON"),
        ("[]", "object"),
        ('{"model_type": "bert"}', "'bert'"),
        (
            whisper + '"activation_function": "relu"}',
            "activation_function is 'relu', expected 'gelu'",
        ),
        (whisper + '"scale_embedding": true}', "scale_embedding is True, expected False"),
    ):
        config.write_text(text)
        refused(lambda: load(tmp_path), word)
    said = json.loads((tiny / "config.json").read_text())
    config.write_text(json.dumps(said))
    refused(lambda: load(tmp_path), "neither")
    (tmp_path / "model.safetensors").write_bytes(b"x" * 50)
    refused(lambda: load(tmp_path), "model.safetensors")
    weights = mx.load(str(tiny / "model.safetensors"))
    mx.save_safetensors(str(tmp_path / "model.safetensors"), weights)
    refused(lambda: load(tmp_path), "tokenizer.json is missing")
    (tmp_path / "tokenizer.json").write_text(
        '{"model": {"type": "BPE", "vocab": {}, "merges": []}}'
    )
    refused(lambda: load(tmp_path), "not Whisper's")
    for name, value, word in (
        ("d_model", 33, "no multiple"),
        ("d_model", "x", "d_model"),
        ("encoder_layers", 3, "layers.2"),
        ("vocab_size", 7, "embed_tokens"),
        ("encoder_layers", None, "encoder_layers"),
    ):
        config.write_text(json.dumps({**said, name: value}))
        refused(lambda: load(tmp_path), word)
    del said["d_model"]
    config.write_text(json.dumps(said))
    refused(lambda: load(tmp_path), "d_model")


def test_files_of_another_layout(tiny, tmp_path):
    whole = whisper_files.ctranslate2_bytes(load(tiny)[0])
    path = tmp_path / "model.bin"
    for data, word in (
        (b"", "ends early"),
        (whole[:-5], "ends early"),
        (b"\7" + whole[1:], "version 7"),
        (whole.replace(b"WhisperSpec", b"WhisperSp3c"), "WhisperSp3c"),
        (whole.replace(b"encoder/conv1/weight", b"encoder/conv1/weighd"), "not a model"),
    ):
        path.write_bytes(data)
        refused(lambda: load(tmp_path), "model.bin", word)
    bad = bytearray(whole)
    bad[whole.index(b"\0", 25) + 1] = 200  # a rank
    path.write_bytes(bytes(bad))
    refused(lambda: load(tmp_path), "model.bin")


def wav_of_floats(samples):
    data = np.array(samples, "<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, 16000, 64000, 4, 32)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16)
    return head + form + struct.pack("<4sI", b"data", len(data)) + data


def test_weights_that_make_no_numbers(tiny):
    model, v = load(tiny)
    norm = model.decoder.layer_norm
    norm.weight = mx.where(mx.arange(norm.weight.size) == 3, float("nan"), norm.weight)
    for options in Options(beam=3), Options(beam=1), Options(temperatures=(0.5,)):
        with pytest.raises(ValueError, match="its weights are broken"):
            transcribe(model, v, mx.zeros((16000,)), options)


def test_sound_that_is_none(tmp_path):
    path = tmp_path / "x.wav"
    audio.save_wav(path, np.zeros(0), 16000)
    refused(lambda: read_audio(path), "x.wav", "no samples")
    audio.save_wav(path, np.random.default_rng(0).uniform(-1, 1, (4000, 2)), 8000)
    assert read_audio(path).shape == (8000,)
    path.write_bytes(path.read_bytes()[:-100])
    refused(lambda: read_audio(path), "x.wav", "early")
    path.write_bytes(b"fLaC" + b"\0" * 50)
    with pytest.raises((ValueError, ImportError), match="x.wav: ") as caught:
        read_audio(path)
    assert str(caught.value).count("x.wav") == 1
    path.write_bytes(wav_of_floats([0.5, float("nan")]))
    refused(lambda: read_audio(path), "x.wav", "a sample is no finite number")
    with pytest.raises(OSError):
        read_audio(tmp_path / "none.wav")


def test_the_command_ends_in_a_sentence(tiny, tmp_path):
    def run(*words):
        command = [sys.executable, "-m", "speech.whisper", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLES)

    wav = tmp_path / "x.wav"
    audio.save_wav(wav, np.zeros(8000), 16000)
    for words, word in (
        (("--model", tmp_path / "no", wav), "no folder"),
        (("--model", tiny, tmp_path / "no.wav"), "no.wav"),
        (("--model", tiny, "--language", "xx", wav), "xx"),
        (("--model", tiny, "--beam", "0", wav), "--beam"),
        (("--model", tiny, "--output", tmp_path / "o", wav, wav), "--output"),
        (("--model", tiny, "--output", tmp_path, wav), "is a folder"),
    ):
        done = run(*words)
        assert done.returncode == 1 and word in done.stderr, done.stderr
        assert "Traceback" not in done.stderr and not (tmp_path / "o").exists()
    done = run(
        "--model", tiny, "--temperature", "0", "--format", "json", "--output", tmp_path / "o", wav
    )
    assert done.returncode == 0, done.stderr
    assert "segments" in json.loads((tmp_path / "o").read_text())
