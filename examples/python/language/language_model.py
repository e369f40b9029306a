"""A transformer language model on any text, byte by byte: trains, saves its weights, and writes.

python -m language.language_model --text FILE --steps 600

Without --text it is Shakespeare, or a licence of Debian's.
"""

import json
import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from common import Progress, arguments, text_file


WINDOW = 128  # tokens that are trained on together, and seen when a text is written


class Attention(nn.Module):
    """Causal self-attention with rotary positions. x is (B, L, D); the cache holds the last
    `window` keys and values, as many as a token saw in training, and the position that comes
    next."""

    def __init__(self, dims, heads, window):
        super().__init__()
        self.heads, self.window = heads, window
        self.q_proj, self.k_proj = (
            nn.Linear(dims, dims, bias=False),
            nn.Linear(dims, dims, bias=False),
        )
        self.v_proj, self.o_proj = (
            nn.Linear(dims, dims, bias=False),
            nn.Linear(dims, dims, bias=False),
        )
        self.rope = nn.RoPE(dims // heads)

    def __call__(self, x, cache=None):
        B, L, D = x.shape
        q, k, v = (
            project(x).reshape(B, L, self.heads, -1).transpose(0, 2, 1, 3)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        offset = cache[2] if cache else 0
        q, k = self.rope(q, offset=offset), self.rope(k, offset=offset)
        if cache:
            k, v = mx.concatenate([cache[0], k], axis=2), mx.concatenate([cache[1], v], axis=2)
        k, v = k[:, :, -max(self.window, L) :], v[:, :, -max(self.window, L) :]
        mask = "causal" if L > 1 else None
        x = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=mask)
        return self.o_proj(x.transpose(0, 2, 1, 3).reshape(B, L, D)), (k, v, offset + L)


class Block(nn.Module):
    """Attention and a gated feed-forward network (SwiGLU), RMSNorm before each."""

    def __init__(self, dims, heads, hidden, window):
        super().__init__()
        self.attention, self.norm1, self.norm2 = (
            Attention(dims, heads, window),
            nn.RMSNorm(dims),
            nn.RMSNorm(dims),
        )
        self.gate, self.up = (
            nn.Linear(dims, hidden, bias=False),
            nn.Linear(dims, hidden, bias=False),
        )
        self.down = nn.Linear(hidden, dims, bias=False)

    def __call__(self, x, cache=None):
        y, cache = self.attention(self.norm1(x), cache)
        x = x + y
        y = self.norm2(x)
        return x + self.down(nn.silu(self.gate(y)) * self.up(y)), cache


class LanguageModel(nn.Module):
    """Tokens (B, L) to logits (B, L, vocabulary); and the keys and values of each layer, for the
    next call."""

    def __init__(self, vocabulary, dims=128, heads=4, hidden=344, layers=3, window=WINDOW):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dims)
        self.blocks = [Block(dims, heads, hidden, window) for _ in range(layers)]
        self.norm, self.head = nn.RMSNorm(dims), nn.Linear(dims, vocabulary, bias=False)

    def __call__(self, tokens, cache=None):
        x, new = self.embedding(tokens), []
        for block, c in zip(self.blocks, cache or [None] * len(self.blocks)):
            x, c = block(x, c)
            new.append(c)
        return self.head(self.norm(x)), new


class Text:
    """A text as token numbers, one for each different byte."""

    def __init__(self, data: bytes, vocabulary=None):
        self.vocabulary = vocabulary or sorted(set(data))
        number = [0] * 256
        for i, byte in enumerate(self.vocabulary):
            number[byte] = i
        self.tokens = mx.array(number)[mx.array(memoryview(data))]

    def decode(self, tokens):
        return bytes(self.vocabulary[t] for t in tokens).decode("utf-8", "replace")

    def sample(self, batch, length):
        """Random windows: inputs and the tokens that follow, (batch, length) each."""
        start = mx.random.randint(0, len(self.tokens) - length, (batch, 1))
        windows = self.tokens[start + mx.arange(length + 1)]
        return windows[:, :-1], windows[:, 1:]


def loss(model, x, y):
    return nn.losses.cross_entropy(model(x)[0], y, reduction="mean")


def train(model, text, steps, batch=16, length=WINDOW, rate=2e-3):
    """AdamW on random windows; returns the mean loss of the last tenth of the steps, in nats a
    byte."""
    optimizer = optim.AdamW(
        optim.cosine_decay(rate, steps, rate / 10), weight_decay=0.1, bias_correction=True
    )
    state = [model.state, optimizer.state]
    value_and_grad = nn.value_and_grad(model, lambda x, y: loss(model, x, y))

    def step(x, y):
        value, gradients = value_and_grad(x, y)
        gradients, _ = optim.clip_grad_norm(gradients, 1.0)
        optimizer.update(model, gradients)
        return value

    step = mx.compile(step, inputs=state, outputs=state)
    progress, values = Progress(steps), []
    for i in range(1, steps + 1):
        value = step(*text.sample(batch, length))
        mx.eval(state, value)
        values.append(value.item())
        progress(i, loss=values[-1])
    last = values[-max(1, steps // 10) :]
    return sum(last) / len(last)


def generate(model, text, prompt, count, temperature=0.6):
    """Write `count` bytes after the prompt."""
    tokens, cache = mx.array(Text(prompt.encode(), text.vocabulary).tokens)[None], None
    result = []
    for _ in range(count):
        logits, cache = model(tokens, cache)
        tokens = mx.random.categorical(logits[:, -1] / temperature)[:, None]
        result.append(tokens.item())
    return prompt + text.decode(result)


def save(path, model, text):
    """Weights and vocabulary in one safetensors file."""
    from mlx.utils import tree_flatten

    weights = dict(tree_flatten(model.parameters()))
    mx.save_safetensors(str(path), weights, {"vocabulary": json.dumps(text.vocabulary)})


def main(path, steps=600, seed=0, output=None):
    """Returns the loss and some text."""
    mx.random.seed(seed)
    text = Text(Path(path).read_bytes())
    if len(text.tokens) <= WINDOW:
        sys.exit(
            f"{path}: a text of {len(text.tokens)} bytes is too short: {WINDOW + 1} are needed"
        )
    model = LanguageModel(len(text.vocabulary))
    value = train(model, text, steps)
    if output:
        save(output, model, text)
        model = LanguageModel(len(text.vocabulary))
        model.load_weights(str(output))
    return value, generate(model, text, "The ", 400)


if __name__ == "__main__":
    options = arguments(__doc__, text="", steps=600, output="language_model.safetensors")
    source = options.text or text_file(options.data, "tinyshakespeare_input.txt", "GPL-3")
    value, words = main(source, options.steps, options.seed, options.output)
    print(f"{words}\n\nloss: {value:.3f} nats a byte; weights in {options.output}")
