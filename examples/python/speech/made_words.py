"""Eight words of many speakers that nobody said: voiced sounds are harmonics of a pitch, shaped by
three formants (Peterson and Barney 1952, "Control Methods Used in a Study of the Vowels"), hissing
ones are noise. Every speaker has a pitch, a length of the vocal tract and a pace of its own, and
speaks in a room with noise. The folder is laid out as Google's Speech Commands.

    python -m speech.made_words --output made_words"""

from pathlib import Path

import numpy as np
from common import arguments
from mlx.data import audio, write_file

RATE, SECONDS = 16000, 1.0
FORMANTS = {  # of men, in Hz
    "i": (270, 2290, 3010),
    "e": (530, 1840, 2480),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
    "uh": (640, 1190, 2390),
    "n": (250, 1100, 2200),
}
WORDS = {  # "-" is a stop, "s" a hiss
    "yes": ["i", "e", "s"],
    "no": ["n", "o", "u"],
    "up": ["uh", "-"],
    "down": ["-", "a", "u", "n"],
    "left": ["e", "s", "-", "s"],
    "right": ["a", "i", "-", "s"],
    "go": ["-", "o", "u"],
    "stop": ["s", "-", "o", "-"],
}


def say(sounds, speaker, random):
    """A second of samples. speaker: (pitch in Hz, scale of formants, seconds of a sound)."""
    pitch, scale, pace = speaker
    lengths = np.maximum(0.04, pace * random.uniform(0.75, 1.25, len(sounds)))
    t = np.arange(int(min(lengths.sum(), SECONDS) * RATE)) / RATE
    middles = np.cumsum(lengths) - lengths / 2
    voice = _voice(sounds, middles, t, pitch * (1.1 - 0.25 * t), scale)
    hiss = np.diff(random.normal(size=len(t) + 1))
    loud = _envelope(sounds, lengths, t, lambda s: s in FORMANTS) * voice
    loud += 0.25 * _envelope(sounds, lengths, t, lambda s: s == "s") * hiss
    word = np.zeros(int(SECONDS * RATE))
    begin = random.integers(0, len(word) - len(t) + 1)
    word[begin : begin + len(t)] = loud / np.abs(loud).max()
    return random.uniform(0.2, 0.8) * (
        word + random.uniform(0, 0.1) * random.normal(size=len(word))
    )


def _voice(sounds, middles, t, pitch, scale):
    """Harmonics up to 3.8 kHz, louder near formants, which glide from sound to sound."""
    voiced = [i for i, s in enumerate(sounds) if s in FORMANTS]
    tracks = np.array([FORMANTS[sounds[i]] for i in voiced]) * scale
    formants = [np.interp(t, middles[voiced], track)[None] for track in tracks.T]
    number = np.arange(1, int(3800 / pitch.min()) + 1)[:, None]
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    hertz = number * pitch
    loud = sum(
        1 / (1 + ((hertz - f) / (60 + 0.06 * f)) ** 2) / (1 + k) for k, f in enumerate(formants)
    )
    return (loud / np.sqrt(number) * np.sin(number * phase)).sum(0)


def _envelope(sounds, lengths, t, sounding):
    """1 in the sounds that are asked for, with soft edges."""
    ends = np.cumsum(lengths)
    which = np.minimum(np.searchsorted(ends, t, side="right"), len(sounds) - 1)
    on = np.array([sounding(s) for s in sounds], float)[which]
    edge = int(0.015 * RATE)
    return np.convolve(on, np.hanning(edge) / np.hanning(edge).sum(), mode="same")


def write(folder, speakers=60, seed=0):
    """folder/WORD/SPEAKER_nohash_0.wav, and in folder/testing_list.txt those of every fifth
    speaker."""
    random, folder, tested = np.random.default_rng(seed), Path(folder), []
    for i in range(speakers):
        speaker = random.uniform(90, 260), random.uniform(0.9, 1.2), random.uniform(0.1, 0.18)
        for word, sounds in WORDS.items():
            path = folder / word / f"{i:04x}_nohash_0.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            audio.save_wav(path, say(sounds, speaker, random), RATE)
            tested += [f"{word}/{path.name}\n"] * (i % 5 == 4)
    write_file(folder / "testing_list.txt", "".join(tested).encode())
    return folder


if __name__ == "__main__":
    o = arguments(__doc__, output="made_words", speakers=60)
    if Path(o.output).exists():
        raise SystemExit(f"{o.output} is there already: name a folder that is not")
    print(f"{o.speakers} speakers of {len(WORDS)} words: {write(o.output, o.speakers, o.seed)}")
