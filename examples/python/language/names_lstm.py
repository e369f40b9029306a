"""An LSTM that learns how names are spelled, and invents new ones.

python -m language.names_lstm --data DIR        DIR/text/names.txt has one name a line
"""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments, data_file
from samples import batches

END = 0  # before the first and after the last letter; letters are 1 to 26


class NameModel(nn.Module):
    """Letters (B, L) to logits (B, L, 27) of the next letter."""

    def __init__(self, dims=64):
        super().__init__()
        self.embedding, self.lstm, self.head = (
            nn.Embedding(27, 32),
            nn.LSTM(32, dims),
            nn.Linear(dims, 27),
        )

    def __call__(self, letters, hidden=None, cell=None):
        hidden, cell = self.lstm(self.embedding(letters), hidden, cell)
        return self.head(hidden), hidden[:, -1], cell[:, -1]


def load(data):
    """All names as rows of letters, END after them."""
    names = data_file(data, "text", "names.txt").read_text().split()
    rows = np.zeros((len(names), max(map(len, names)) + 1), np.int32)
    for row, name in zip(rows, names):
        row[: len(name)] = [ord(c) - ord("a") + 1 for c in name]
    return names, rows


def loss(model, target):
    """Mean cross entropy of the letters of each name and the END after it."""
    inputs = mx.concatenate([mx.zeros_like(target[:, :1]), target[:, :-1]], axis=1)
    counts = mx.cumsum(target == END, axis=1) <= 1
    entropy = nn.losses.cross_entropy(model(inputs)[0], target)
    return mx.sum(entropy * counts) / mx.sum(counts)


def invent(model, count):
    """A list of `count` new names."""
    letters, hidden, cell = mx.zeros((count, 1), mx.int32), None, None
    columns = []
    for _ in range(15):
        logits, hidden, cell = model(letters, hidden, cell)
        letters = mx.random.categorical(logits[:, -1])[:, None]
        columns.append(letters)
    rows = mx.concatenate(columns, axis=1).tolist()
    return ["".join(chr(ord("a") + c - 1) for c in row[: (row + [END]).index(END)]) for row in rows]


def main(data=None, epochs=2, batch=128, seed=0):
    """Returns the loss on names that were kept back, and invented names."""
    mx.random.seed(seed)
    random = np.random.default_rng(seed)
    _, rows = load(data)
    rows = mx.array(random.permutation(rows))
    train, test = rows[2000:], rows[:2000]
    model, optimizer = NameModel(), optim.Adam(5e-3)
    state = [model.state, optimizer.state]
    value_and_grad = nn.value_and_grad(model, lambda target: loss(model, target))

    def step(target):
        value, gradients = value_and_grad(target)
        optimizer.update(model, gradients)
        return value

    step = mx.compile(step, inputs=state, outputs=state)
    progress = Progress(epochs * (len(train) // batch))
    for i, (target,) in enumerate(batches(batch, train, random=random, epochs=epochs), 1):
        value = step(target)
        mx.eval(state)
        progress(i, loss=value)
    return loss(model, test).item(), invent(model, 10)


if __name__ == "__main__":
    options = arguments(__doc__, epochs=2, batch=128)
    value, names = main(options.data, options.epochs, options.batch, options.seed)
    print(f"loss: {value:.3f} nats a letter; new names: {', '.join(names)}")
