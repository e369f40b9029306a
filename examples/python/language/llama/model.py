"""LLaMA (Touvron et al. 2023) and its kin: grouped heads (Ainslie et al. 2023), rotary positions (Su
et al. 2021), RMSNorm, SwiGLU. Parameters are called as in Hugging Face's checkpoints.

Shapes: B texts, L new tokens, D numbers of a token, H heads over K heads of keys and values.
"""

import math
from dataclasses import dataclass, field
from typing import Optional

import mlx.core as mx
import mlx.nn as nn


@dataclass
class Config:
    hidden_size: int
    num_hidden_layers: int
    intermediate_size: int
    num_attention_heads: int
    vocab_size: int
    num_key_value_heads: Optional[int] = None
    head_dim: Optional[int] = None
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    rope_scaling: dict = field(default_factory=dict)
    rope_factors: Optional[mx.array] = None  # a number for each frequency, which it is divided by
    max_position_embeddings: int = 2048
    tie_word_embeddings: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False

    def __post_init__(self):
        self.num_key_value_heads = self.num_key_value_heads or self.num_attention_heads
        self.head_dim = self.head_dim or self.hidden_size // self.num_attention_heads
        self.rope_scaling = self.rope_scaling or {}


def rope_factors(scaling, wavelengths):
    """What the frequencies are divided by, for texts longer than those of the first training."""
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind == "default":
        return mx.ones_like(wavelengths)
    if kind == "linear":
        return mx.full(wavelengths.shape, scaling["factor"])
    if kind != "llama3":
        raise ValueError(f"rope_scaling is of the type {kind}: default, linear or llama3 expected")
    # Llama 3.1: short waves stay, long ones are stretched, those in between partly.
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    turns = scaling["original_max_position_embeddings"] / wavelengths
    smooth = mx.clip((turns - low) / (high - low), 0, 1)
    return 1 / ((1 - smooth) / scaling["factor"] + smooth)


class RoPE(nn.Module):
    """Turns pairs of numbers of x (B, H, L, head_dim) by angles that grow with the position."""

    def __init__(self, config):
        super().__init__()
        d = config.head_dim
        periods = config.rope_theta ** (mx.arange(0, d, 2) / d)
        factors = config.rope_factors
        if factors is None:
            factors = rope_factors(config.rope_scaling, 2 * math.pi * periods)
        self._periods = periods * factors

    def __call__(self, x, offset):
        return mx.fast.rope(
            x,
            x.shape[-1],
            traditional=False,
            base=None,
            scale=1.0,
            offset=offset,
            freqs=self._periods,
        )


class Cache:
    """Keys and values (B, K, positions, head_dim) of a layer, in arrays that grow by whole blocks."""

    BLOCK = 256

    def __init__(self):
        self.keys = self.values = None
        self.length = 0

    def __call__(self, keys, values):
        """Takes in those of new tokens, and gives all so far."""
        begin, self.length = self.length, self.length + keys.shape[2]
        if self.keys is None or self.length > self.keys.shape[2]:
            self.keys, self.values = self._grown(self.keys, keys), self._grown(self.values, values)
        self.keys[:, :, begin : self.length] = keys
        self.values[:, :, begin : self.length] = values
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]

    def _grown(self, old, like):
        B, K, _, D = like.shape
        room = -(-self.length // self.BLOCK) * self.BLOCK - (old.shape[2] if old is not None else 0)
        more = mx.zeros((B, K, room, D), like.dtype)
        return more if old is None else mx.concatenate([old, more], axis=2)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        D, d, bias = config.hidden_size, config.head_dim, config.attention_bias
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.q_proj = nn.Linear(D, self.heads * d, bias=bias)
        self.k_proj = nn.Linear(D, self.kv_heads * d, bias=bias)
        self.v_proj = nn.Linear(D, self.kv_heads * d, bias=bias)
        self.o_proj = nn.Linear(self.heads * d, D, bias=bias)
        self.rope = RoPE(config)

    def __call__(self, x, cache=None):
        B, L, _ = x.shape
        q = self.q_proj(x).reshape(B, L, self.heads, -1).swapaxes(1, 2)
        k = self.k_proj(x).reshape(B, L, self.kv_heads, -1).swapaxes(1, 2)
        v = self.v_proj(x).reshape(B, L, self.kv_heads, -1).swapaxes(1, 2)
        offset = cache.length if cache else 0
        q, k = self.rope(q, offset), self.rope(k, offset)
        if cache:
            k, v = cache(k, v)
        mask = "causal" if L > 1 else None
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=mask)
        return self.o_proj(y.swapaxes(1, 2).reshape(B, L, -1))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        D, hidden, bias = config.hidden_size, config.intermediate_size, config.mlp_bias
        self.gate_proj = nn.Linear(D, hidden, bias=bias)
        self.up_proj = nn.Linear(D, hidden, bias=bias)
        self.down_proj = nn.Linear(hidden, D, bias=bias)

    def __call__(self, x):
        return self.down_proj(nn.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.self_attn, self.mlp = Attention(config), MLP(config)
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def __call__(self, x, cache=None):
        x = x + self.self_attn(self.input_layernorm(x), cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    """Tokens (B, L) to what the head reads, (B, L, D)."""

    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = [Layer(config) for _ in range(config.num_hidden_layers)]
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def __call__(self, tokens, caches=None):
        x = self.embed_tokens(tokens)
        for layer, cache in zip(self.layers, caches or [None] * len(self.layers)):
            x = layer(x, cache)
        return self.norm(x)


class Llama(nn.Module):
    """Tokens (B, L) to logits (B, L, vocabulary), after those that the caches have seen."""

    def __init__(self, config):
        super().__init__()
        self.config, self.model = config, Body(config)
        if not config.tie_word_embeddings:
            self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def __call__(self, tokens, caches=None):
        return self.head(self.model(tokens, caches))

    def head(self, x):
        tied = self.config.tie_word_embeddings
        return self.model.embed_tokens.as_linear(x) if tied else self.lm_head(x)

    def caches(self):
        return [Cache() for _ in self.model.layers]
