"""Which of some words is said in a recording of a second: a small convolutional network (Sainath and
Parada 2015) on log-mel features, with mlx.data and mlx.train.

    python -m speech.speech_commands --words DIR     DIR/WORD/*.wav, as Google's Speech Commands
                                                     (Warden 2018) have them
    python -m speech.speech_commands                 words that speech.made_words makes
    python -m speech.speech_commands --wav FILE      says afterwards what is in a recording, too

What testing_list.txt names in DIR is tested, without such a list every tenth speaker (the name of a
recording up to _nohash_). More than nine of ten words of new speakers are recognized. OUTPUT
has the network as it is best, and a curve."""

import tempfile
import zlib
from pathlib import Path

import mlx.core as mx
import mlx.data as dx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import arguments
from mlx.train import Checkpoint, Progress, Trainer
from speech import made_words
from speech.speech_features import RATE, read_audio

BANDS, SHIFT = 40, RATE // 10  # words are moved by up to 0.1 s when they are learned


class Keywords(nn.Module):
    """Features (B, frames, bands) to logits (B, words)."""

    def __init__(self, words, width=16):
        super().__init__()
        sizes = [1, width, 2 * width, 4 * width]
        self.convolutions = [nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(sizes, sizes[1:])]
        self.norms = [nn.BatchNorm(b) for b in sizes[1:]]
        self.dropout = nn.Dropout(0.2)
        self.last = nn.Linear(4 * width * BANDS // 8, words)

    def __call__(self, x):
        x = x[..., None]
        for convolution, norm in zip(self.convolutions, self.norms):
            x = nn.relu(norm(convolution(x)))
        # Where in time the word was does not matter, in which bands does.
        return self.last(self.dropout(x.mean(1).flatten(1)))


def recordings(folder):
    """The words, and lists of samples {"file", "word"} to train on and to test on."""
    folder = Path(folder)
    if not folder.is_dir():
        raise SystemExit(f"{folder}: no folder of words")
    words = sorted(p.name for p in folder.iterdir() if p.is_dir() and any(p.glob("*.wav")))
    words = [word for word in words if not word.startswith("_")]
    if len(words) < 2:
        raise SystemExit(f"{folder}: at least two folders of WAV files, one for each word")
    listed = folder / "testing_list.txt"
    tested = set(listed.read_text().split()) if listed.is_file() else None
    train, test = [], []
    for number, word in enumerate(words):
        for path in sorted((folder / word).glob("*.wav")):
            sample = {"file": str(path), "word": number}
            (test if _is_test(path, tested) else train).append(sample)
    if not train or not test:
        raise SystemExit(f"{folder}: {len(train)} recordings to train on, {len(test)} to test on")
    return words, train, test


def _is_test(path, tested):
    if tested is not None:
        return f"{path.parent.name}/{path.name}" in tested
    return zlib.crc32(path.stem.split("_nohash_")[0].encode()) % 10 == 0


def features(samples, seed=None):
    """A buffer of features and words; with a seed each recording is moved anew in each epoch."""
    sound = dx.buffer_from_vector(samples).load_audio(
        "file", output_key="sound", sample_rate=RATE, mono=True
    )
    sound = sound.pad_to_size("sound", 0, RATE).slice("sound", 0, 0, RATE)
    if seed is not None:
        sound = sound.pad("sound", 0, SHIFT, SHIFT).random_slice("sound", 0, RATE, seed=seed)
    return sound.log_mel("sound", BANDS).filter_key(["sound", "word"])


def confusions(trainer, buffer, words):
    """Lines that say what was taken for what."""
    scores = np.array(trainer.predict(buffer.filter_key("sound").batch(64)))
    pairs = [(buffer[i]["word"], int(row.argmax())) for i, row in enumerate(scores)]
    wrong = [(words[a], words[b]) for a, b in pairs if a != b]
    counts = {pair: wrong.count(pair) for pair in wrong}
    return [f"{a} for {b}: {n}" for (b, a), n in sorted(counts.items(), key=lambda x: -x[1])[:10]]


def listen(model, words, path):
    """The likeliest word of a recording, and its probability."""
    samples = np.array(read_audio(path))[:RATE]
    sound = np.pad(samples, (0, RATE - len(samples)))
    model.eval()
    chances = mx.softmax(model(mx.array(dx.features.log_mel(sound, BANDS))[None])[0])
    return words[mx.argmax(chances).item()], mx.max(chances).item()


def main(folder="", epochs=8, batch=32, seed=0, output="commands"):
    """Returns the model, the words, and the accuracy on words of new speakers."""
    mx.random.seed(seed)
    with tempfile.TemporaryDirectory() as made:
        words, train, test = recordings(folder or made_words.write(made, seed=seed))
        steps = epochs * -(-len(train) // batch)
        trainer = Trainer(
            Keywords(len(words)),
            nn.losses.cross_entropy,
            optim.AdamW(optim.cosine_decay(3e-3, steps), weight_decay=0.01),
            forward=lambda model, batch: (model(batch["sound"]), batch["word"]),
            metrics=["accuracy"],
            callbacks=[Progress(), Checkpoint(output, "val_accuracy")],
        )
        stream = features(train, seed).shuffle(seed).to_stream().batch(batch).prefetch(4, 2)
        others = features(test)
        history = trainer.fit(stream, epochs, validation=others.batch(64))
        print(history.plot(Path(output) / "history.png"))
        for line in confusions(trainer, others, words):
            print(f"heard {line}")
    return trainer.model, words, history[-1]["val_accuracy"]


if __name__ == "__main__":
    o = arguments(__doc__, words="", wav="", epochs=8, batch=32, output="commands")
    try:
        if o.wav:
            read_audio(o.wav)  # before the network learns for minutes
        model, words, accuracy = main(o.words, o.epochs, o.batch, o.seed, o.output)
        print(f"{100 * accuracy:.1f}% of the words of new speakers, of {len(words)} words")
        if o.wav:
            word, chance = listen(model, words, o.wav)
            print(f"{o.wav}: {word} ({100 * chance:.0f}%)")
    except (OSError, ValueError, dx.SampleError) as error:
        raise SystemExit(str(error)) from None
