"""BERT (Devlin et al. 2019) as an encoder of texts. Parameters are called as in Hugging Face's
checkpoints.

Shapes: B texts, L tokens, D numbers of a token.
"""

from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
from checkpoint import ACTIVATIONS


@dataclass
class Config:
    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    hidden_act: str = "gelu"


class Embeddings(nn.Module):
    """Tokens (B, L), all of the first of two texts, to (B, L, D)."""

    def __init__(self, config):
        super().__init__()
        D = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, D)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, D)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, D)
        self.LayerNorm = nn.LayerNorm(D, config.layer_norm_eps)

    def __call__(self, tokens):
        places = self.position_embeddings.weight[: tokens.shape[1]]
        places = places + self.token_type_embeddings.weight[0]
        return self.LayerNorm(self.word_embeddings(tokens) + places)


class SelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        D = config.hidden_size
        self.heads = config.num_attention_heads
        self.query, self.key, self.value = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, D)

    def __call__(self, x, mask):
        B, L, D = x.shape
        q, k, v = (
            project(x).reshape(B, L, self.heads, -1).swapaxes(1, 2)
            for project in (self.query, self.key, self.value)
        )
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=mask)
        return y.swapaxes(1, 2).reshape(B, L, D)


class Added(nn.Module):
    """A matrix, and the norm of what comes when its product is added."""

    def __init__(self, inputs, config):
        super().__init__()
        self.dense = nn.Linear(inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def __call__(self, x, y):
        return self.LayerNorm(x + self.dense(y))


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        setattr(self, "self", SelfAttention(config))
        self.output = Added(config.hidden_size, config)

    def __call__(self, x, mask):
        return self.output(x, self["self"](x, mask))


class Intermediate(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.act = ACTIVATIONS[config.hidden_act]

    def __call__(self, x):
        return self.act(self.dense(x))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention, self.intermediate = Attention(config), Intermediate(config)
        self.output = Added(config.intermediate_size, config)

    def __call__(self, x, mask):
        x = self.attention(x, mask)
        return self.output(x, self.intermediate(x))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = [Layer(config) for _ in range(config.num_hidden_layers)]

    def __call__(self, x, mask):
        for layer in self.layer:
            x = layer(x, mask)
        return x


class Bert(nn.Module):
    """Tokens (B, L), of which the first `lengths` (B,) count, to the vectors (B, L, D) of tokens."""

    def __init__(self, config):
        super().__init__()
        self.embeddings, self.encoder = Embeddings(config), Encoder(config)

    def __call__(self, tokens, lengths):
        mask = mx.arange(tokens.shape[1]) < lengths[:, None]
        return self.encoder(self.embeddings(tokens), mask[:, None, None, :])


def mean(x, lengths):
    """The mean (B, D) of the first tokens of each text, (B, L, D), of length 1."""
    mask = mx.arange(x.shape[1]) < lengths[:, None]
    sums = (x * mask[..., None]).sum(1)
    return sums / mx.linalg.norm(sums, axis=-1, keepdims=True)
