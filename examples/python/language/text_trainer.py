"""A transformer language model on a text, byte by byte, with mlx.data and mlx.train: windows drawn
from the text, an average of the parameters, perplexity on the last tenth, and some lines that the
model writes after each epoch.

python -m language.text_trainer --text FILE --epochs 4 --output text

Without --text it is Shakespeare, or a licence of Debian's.
"""

from pathlib import Path

import mlx.core as mx
import mlx.data as dx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import arguments, text_file
from language.language_model import LanguageModel, Text, generate
from mlx.train import Callback, Checkpoint, Progress, Trainer


class Writer(Callback):
    """Lets the model write after each epoch, into a file."""

    def __init__(self, text, path, count=300):
        self.text, self.path, self.count = text, path, count

    def on_epoch_end(self, trainer, logs):
        trainer.model.eval()
        written = generate(trainer.model, self.text, "The ", self.count)
        trainer.model.train()
        before = self.path.read_bytes() if self.path.exists() else b""
        head = f"--- epoch {logs['epoch']}, perplexity {logs['val_perplexity']:.2f}\n"
        dx.write_file(self.path, before, f"{head}{written}\n".encode())


def windows(tokens, length):
    """Pieces of a text of one more token than is learned from, one behind the other."""
    count = (len(tokens) - 1) // length
    if count < 1:
        raise SystemExit(
            f"a text of {len(tokens)} bytes is too short: {10 * (length + 1)} are needed"
        )
    return np.lib.stride_tricks.sliding_window_view(tokens, length + 1)[::length][:count]


def next_token(model, batch):
    return model(batch["tokens"][:, :-1])[0], batch["tokens"][:, 1:]


def main(path, epochs=4, batch=16, length=128, seed=0, output="text"):
    """Returns the perplexity of a byte, and some text."""
    mx.random.seed(seed)
    text = Text(Path(path).read_bytes())
    tokens = np.array(text.tokens, np.int32)
    split = len(tokens) * 9 // 10
    # A window is twice as long as what is learned from, which begins anywhere in it.
    train = (
        dx.buffer_from_arrays(tokens=windows(tokens[:split], 2 * length)).shuffle(seed).to_stream()
    )
    train = train.random_slice("tokens", 0, length + 1, seed=seed).batch(batch).prefetch(8, 1)
    others = dx.buffer_from_arrays(tokens=windows(tokens[split:], length)).batch(4 * batch)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    steps = epochs * -(-split // (2 * length * batch))
    trainer = Trainer(
        LanguageModel(len(text.vocabulary), window=length),
        nn.losses.cross_entropy,
        optim.AdamW(optim.cosine_decay(2e-3, steps, 2e-4), weight_decay=0.1, bias_correction=True),
        forward=next_token,
        metrics=["perplexity"],
        clip_norm=1.0,
        callbacks=[
            Progress(),
            Writer(text, folder / "written.txt"),
            Checkpoint(folder, every_steps=100),
        ],
    )
    more = ["optimizer"]  # with more epochs the learning rate falls later
    history = trainer.fit(train, epochs, validation=others, resume=output, other=more)
    print(history.plot(folder / "history.png"))
    trainer.model.eval()
    return history[-1]["val_perplexity"], generate(trainer.model, text, "The ", 300)


if __name__ == "__main__":
    o = arguments(__doc__, text="", epochs=4, batch=16, output="text")
    source = o.text or text_file(o.data, "tinyshakespeare_input.txt", "GPL-3")
    value, words = main(source, o.epochs, o.batch, seed=o.seed, output=o.output)
    print(
        f"{words}\n\nperplexity of a byte: {value:.2f}; what it wrote before: {o.output}/written.txt"
    )
