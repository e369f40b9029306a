"""speech.speech_commands learns words that are made; what is no folder of words ends in a
sentence."""

import numpy as np
from examples import FULL, program

from mlx.data import audio
from speech import made_words, speech_commands


def test_words_are_what_was_asked_for(tmp_path):
    made_words.write(tmp_path / "a", speakers=5, seed=4)
    made_words.write(tmp_path / "b", speakers=5, seed=4)
    words, train, test = speech_commands.recordings(tmp_path / "a")
    assert words == sorted(made_words.WORDS) and len(train) == 32 and len(test) == 8
    assert all("0004_nohash_0" in sample["file"] for sample in test)
    for sample in train:
        samples, rate = audio.load(sample["file"])
        again, _ = audio.load(sample["file"].replace("/a/", "/b/"))
        assert rate == 16000 and samples.shape == (16000, 1) and np.array_equal(samples, again)
        assert 0.1 < np.abs(samples).max() < 1
    # Without a list every speaker is on one side.
    (tmp_path / "a" / "testing_list.txt").unlink()
    for word in words:
        for i in range(40):
            (tmp_path / "a" / word / f"{i:04x}_nohash_1.wav").touch()
    _, train, test = speech_commands.recordings(tmp_path / "a")
    speakers = [{s["file"].split("/")[-1].split("_")[0] for s in part} for part in (train, test)]
    assert not speakers[0] & speakers[1] and 0 < len(test) < len(train)


def test_new_speakers_are_understood(tmp_path, monkeypatch, capsys):
    if not FULL:
        some = {word: made_words.WORDS[word] for word in ("yes", "no", "up", "stop")}
        monkeypatch.setattr(made_words, "WORDS", some)
    folder = made_words.write(tmp_path / "words", 60 if FULL else 20, seed=1)
    model, words, accuracy = speech_commands.main(
        str(folder), epochs=8, batch=16 if FULL else 8, output=str(tmp_path / "out")
    )
    assert accuracy > (0.95 if FULL else 0.85)
    assert "val_accuracy" in capsys.readouterr().out
    assert (tmp_path / "out" / "best.safetensors").is_file()
    heard = [
        speech_commands.listen(model, words, folder / word / "0004_nohash_0.wav")[0]
        for word in words
    ]
    assert np.mean([a == b for a, b in zip(heard, words)]) >= 0.75


def test_what_is_no_folder_of_words(tmp_path):
    def said(*words):
        text = program("speech.speech_commands", "--output", tmp_path / "out", *words)
        assert len(text.strip().splitlines()) == 1, text
        return text

    assert "no folder" in said("--words", tmp_path / "none")
    assert "at least two" in said("--words", tmp_path)
    for word in ("yes", "no"):
        (tmp_path / word).mkdir()
        (tmp_path / word / "a_nohash_0.wav").write_bytes(b"RIFF")
    assert "0 to test on" in said("--words", tmp_path)
    (tmp_path / "testing_list.txt").write_text("yes/a_nohash_0.wav\n")
    assert "a_nohash_0.wav" in said("--words", tmp_path)
    assert not (tmp_path / "out" / "best.safetensors").exists()
