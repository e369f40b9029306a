"""A program with types, for test_types.py: what type checkers are to know of the package."""

from collections.abc import Iterator
from functools import partial

import mlx.core as mx
import mlx.data as dx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.lm import Encoding, Tokenizer
from mlx.train import Callback, EarlyStopping, History, Trainer
from mlx.utils import tree_flatten, tree_map


class Model(nn.Module):
    def __init__(self, dims: int) -> None:
        super().__init__()
        self.first = nn.Linear(dims, 4 * dims)
        self.norm = nn.RMSNorm(4 * dims)
        self.last = nn.Linear(4 * dims, 1)
        self.dropout = nn.Dropout(0.1)

    def __call__(self, x: mx.array) -> mx.array:
        y = nn.gelu(self.norm(self.first(x)))
        out: mx.array = self.last(self.dropout(y))
        return out


def loss_fn(model: Model, x: mx.array, y: mx.array) -> mx.array:
    return nn.losses.mse_loss(model(x), y)


@mx.compile
def scaled(x: mx.array, by: float) -> mx.array:
    return mx.softmax(x * by, axis=-1)


@partial(mx.compile, shapeless=True)
def twice(x: mx.array) -> mx.array:
    return x + x


def rows(x: mx.array) -> Iterator[mx.array]:
    for row in x:
        yield row


@mx.custom_function
def squared(x: mx.array) -> mx.array:
    return x * x


@squared.vjp
def squared_vjp(x: mx.array, cotangent: mx.array, output: mx.array) -> mx.array:
    return 2 * x * cotangent


def ends(tokenizer: Tokenizer, texts: list[str]) -> list[int]:
    made: Encoding = tokenizer.encode_with_offsets(texts[0])
    stream = tokenizer.stream(follows=True)
    shown: str = "".join(stream.put(token) for token in made.tokens) + stream.end()
    all: list[list[int]] = tokenizer.encode_all([shown, *texts], plain=True)
    last: int | None = tokenizer.eos
    return [tokens[-1] for tokens in all if last is not None and tokens]


class Note(Callback):
    def on_step_end(self, trainer: Trainer, logs: dict[str, float]) -> None:
        logs["epoch"] = trainer.epoch


def trained() -> float:
    points = dx.buffer_from_arrays(x=mx.ones((8, 8)), y=mx.zeros((8, 1)))
    batches: dx.Stream = points.shuffle(1).cast("x", "float32").to_stream().batch(4).prefetch(2, 1)
    state: dict[str, object] = batches.reset(0).state_dict()
    batches.load_state_dict(state)
    callbacks = [Note(), EarlyStopping("loss", patience=2)]
    trainer = Trainer(Model(8), nn.losses.mse_loss, optim.SGD(0.1), callbacks=callbacks)
    history: History = trainer.fit(batches, epochs=2)
    prediction: mx.array = trainer.predict(batches)
    assert prediction.shape == (8, 1) and len(points[:2]) == 2 and "x" in points[0]
    return float(history[-1]["loss"])


def main() -> float:
    model = Model(8)
    optimizer = optim.AdamW(learning_rate=optim.cosine_decay(1e-3, 10))
    x: mx.array = mx.random.normal((4, 8))
    y: mx.array = mx.zeros((4, 1), dtype=mx.float32)
    step = nn.value_and_grad(model, loss_fn)
    loss, grads = step(model, x, y)
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)

    probabilities: mx.array = scaled(x, 2.0)
    doubled: mx.array = twice(probabilities)
    batched: mx.array = mx.vmap(twice, in_axes=0)(doubled)
    first = next(rows(batched))
    sizes: tuple[int, ...] = first.shape
    values: list[float] = first.tolist()
    with mx.printoptions(precision=3):
        text: str = str(first)
    value, gradient = mx.value_and_grad(lambda a: a.square().sum())(first)
    named: dict[str, mx.array] = dict(tree_flatten(tree_map(mx.negative, {"a": gradient})))
    assert len(sizes) == 1 and len(values) == 8 and text and "a" in named
    return float(loss.item()) + float(value.item()) + trained()


if __name__ == "__main__":
    print(main())
