"""Low-rank adaptation (Hu et al. 2022): a language model learns the style of another text with a
few weights.

    python -m language.lora --data DIR   learns Shakespeare, then questions and SQL with 2% of
                                         the weights
    python -m language.lora              where DIR is missing: two licences of Debian's
"""

import json
import math

import mlx.core as mx
import mlx.nn as nn
from common import LICENSES, arguments, data_folder, text_file
from language.language_model import LanguageModel, Text, generate, loss, train
from mlx.utils import tree_flatten


class LoRALinear(nn.Module):
    """A frozen linear layer plus scale x A B, where A (inputs, rank) is random and B (rank,
    outputs) begins as 0."""

    def __init__(self, linear, rank=8, scale=4.0):
        super().__init__()
        outputs, inputs = linear.weight.shape
        self.linear, self.scale = linear, scale
        bound = 1 / math.sqrt(inputs)
        self.lora_a = mx.random.uniform(-bound, bound, (inputs, rank))
        self.lora_b = mx.zeros((rank, outputs))

    def __call__(self, x):
        return self.linear(x) + self.scale * ((x @ self.lora_a) @ self.lora_b)

    def fuse(self):
        """One linear layer that does the same."""
        outputs, inputs = self.linear.weight.shape
        fused = nn.Linear(inputs, outputs, bias="bias" in self.linear)
        fused.update(
            {
                **self.linear.parameters(),
                "weight": self.linear.weight + self.scale * (self.lora_a @ self.lora_b).T,
            }
        )
        return fused


def adapt(model, rank=8):
    """Freeze all weights and put adapters on the projections of queries and values."""
    model.freeze()
    for block in model.blocks:
        block.attention.q_proj = LoRALinear(block.attention.q_proj, rank)
        block.attention.v_proj = LoRALinear(block.attention.v_proj, rank)
    model.apply_to_modules(
        lambda _, m: m.unfreeze(keys=["lora_a", "lora_b"]) if isinstance(m, LoRALinear) else None
    )


def fuse(model):
    """Put the adapters into the weights."""
    for block in model.blocks:
        block.attention.q_proj = block.attention.q_proj.fuse()
        block.attention.v_proj = block.attention.v_proj.fuse()


def mean_loss(model, text, rounds=8):
    mx.random.seed(1)
    return sum(loss(model, *text.sample(16, 64)).item() for _ in range(rounds)) / rounds


def size(tree):
    return sum(v.size for _, v in tree_flatten(tree))


def questions(data):
    """Questions and their answers in SQL, or another licence."""
    path = data_folder(data) / "lora_wikisql" / "train.jsonl"
    if not path.is_file():
        return (LICENSES / "Artistic").read_bytes()
    return "\n\n".join(json.loads(line)["text"] for line in path.read_text().splitlines()).encode()


def main(data=None, steps=600, seed=0):
    """Returns the loss on the new text before and after, after fusing, and the share of weights
    that were trained."""
    mx.random.seed(seed)
    base = text_file(data, "tinyshakespeare_input.txt", "GPL-3").read_bytes()
    other = questions(data)
    vocabulary = sorted(set(base) | set(other))
    base, other = Text(base, vocabulary), Text(other, vocabulary)

    model = LanguageModel(len(vocabulary))
    train(model, base, steps)
    before = mean_loss(model, other)
    adapt(model)
    share = size(model.trainable_parameters()) / size(model.parameters())
    train(model, other, steps, rate=1e-2)
    after = mean_loss(model, other)
    fuse(model)
    return before, after, mean_loss(model, other), share, generate(model, other, "Q: What ", 200)


if __name__ == "__main__":
    options = arguments(__doc__, steps=600)
    before, after, fused, share, words = main(options.data, options.steps, options.seed)
    print(words)
    print(
        f"loss: {before:.3f} before, {after:.3f} after, {fused:.3f} fused; {100 * share:.1f}% of the weights trained"
    )
