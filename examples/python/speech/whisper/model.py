"""Whisper (Radford et al. 2022): an encoder of 30 s of log-mel features and a decoder of text that
attends to it. Modules and parameters are called as in the checkpoints of Hugging Face."""

from dataclasses import dataclass
from functools import partial

import mlx.core as mx
import mlx.nn as nn


@dataclass
class Config:
    """The sizes of a model; config.json has them under these names."""

    num_mel_bins: int  # 80, or 128 from large-v3 on
    d_model: int
    vocab_size: int
    encoder_layers: int
    encoder_attention_heads: int
    encoder_ffn_dim: int
    decoder_layers: int
    decoder_attention_heads: int
    decoder_ffn_dim: int
    max_source_positions: int = 1500
    max_target_positions: int = 448
    alignment_heads: tuple = ()  # pairs (layer, head) whose attention follows the words


class Cache:
    """What the decoder keeps of a window: keys and values of the sound, (1, H, S, D) in each layer,
    and of the tokens so far, (rows, H, room, D), of which `length` are there."""

    STEP = 64  # room grows by so many tokens

    def __init__(self, memory):
        self.memory = memory
        self.keys, self.values = ([None] * len(memory) for _ in range(2))
        self.length = 0

    def put(self, layer, keys, values):
        """Append the keys and values of new tokens to a layer's; all of them."""
        end = self.length + keys.shape[2]
        for kept, new in ((self.keys, keys), (self.values, values)):
            if kept[layer] is None:
                kept[layer] = mx.zeros((*new.shape[:2], 0, new.shape[3]), new.dtype)
            if end > kept[layer].shape[2]:
                room = -(-end // self.STEP) * self.STEP - kept[layer].shape[2]
                kept[layer] = mx.pad(kept[layer], [(0, 0), (0, 0), (0, room), (0, 0)])
            kept[layer][:, :, self.length : end] = new
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]

    def take(self, rows):
        """Go on with these rows, each a copy of one that is there."""
        rows = mx.array(rows)
        self.keys = [keys[rows] for keys in self.keys]
        self.values = [values[rows] for values in self.values]


class Attention(nn.Module):
    """Multi-head attention whose keys have no bias."""

    def __init__(self, dims, heads):
        super().__init__()
        self.heads, self.scale = heads, (dims // heads) ** -0.5
        self.q_proj = nn.Linear(dims, dims)
        self.k_proj = nn.Linear(dims, dims, bias=False)
        self.v_proj = nn.Linear(dims, dims)
        self.out_proj = nn.Linear(dims, dims)

    def split(self, x):
        """(B, L, H D) to (B, H, L, D)."""
        return mx.unflatten(x, -1, (self.heads, -1)).swapaxes(1, 2)

    def keys_values(self, x):
        return self.split(self.k_proj(x)), self.split(self.v_proj(x))

    def queries(self, x):
        return self.split(self.q_proj(x))

    def scores(self, x, keys, heads):
        """How much each of these heads of x (1, L, dims) likes each key: (heads, L, S)."""
        heads = mx.array(heads)
        return (self.scale * self.queries(x)[0, heads]) @ keys[0, heads].swapaxes(1, 2)

    def __call__(self, x, keys, values, mask=None):
        """The heads of x (B, L, dims) look at keys and values (B, H, S, D)."""
        y = mx.fast.scaled_dot_product_attention(
            self.queries(x), keys, values, scale=self.scale, mask=mask
        )
        return self.out_proj(y.swapaxes(1, 2).flatten(-2))


class EncoderLayer(nn.Module):
    def __init__(self, dims, heads, hidden):
        super().__init__()
        self.self_attn = Attention(dims, heads)
        self.self_attn_layer_norm = nn.LayerNorm(dims)
        self.fc1 = nn.Linear(dims, hidden)
        self.fc2 = nn.Linear(hidden, dims)
        self.final_layer_norm = nn.LayerNorm(dims)

    def __call__(self, x):
        y = self.self_attn_layer_norm(x)
        x = x + self.self_attn(y, *self.self_attn.keys_values(y))
        return x + self.fc2(nn.gelu(self.fc1(self.final_layer_norm(x))))


class DecoderLayer(EncoderLayer):
    """An encoder's layer whose tokens see those before them, and between its two parts the sound."""

    def __init__(self, dims, heads, hidden):
        super().__init__(dims, heads, hidden)
        self.encoder_attn = Attention(dims, heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(dims)

    def __call__(self, x, cache, layer, watch=None):
        """The layer's output for x (rows, L, dims). watch(module, x, keys) is called with what the
        attention to the sound is made of."""
        y = self.self_attn_layer_norm(x)
        keys, values = cache.put(layer, *self.self_attn.keys_values(y))
        x = x + self.self_attn(y, keys, values, "causal" if x.shape[1] > 1 else None)
        # All rows look at the same sound: their tokens are the queries of one.
        y = self.encoder_attn_layer_norm(x).reshape(1, -1, x.shape[-1])
        if watch:
            watch(self.encoder_attn, y, cache.memory[layer][0])
        x = x + self.encoder_attn(y, *cache.memory[layer]).reshape(x.shape)
        return x + self.fc2(nn.gelu(self.fc1(self.final_layer_norm(x))))


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv1d(c.num_mel_bins, c.d_model, 3, padding=1)
        self.conv2 = nn.Conv1d(c.d_model, c.d_model, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(c.max_source_positions, c.d_model)
        sizes = c.d_model, c.encoder_attention_heads, c.encoder_ffn_dim
        self.layers = [EncoderLayer(*sizes) for _ in range(c.encoder_layers)]
        self.layer_norm = nn.LayerNorm(c.d_model)

    def __call__(self, features):
        """(B, frames, bands) to (B, frames / 2, dims)."""
        x = nn.gelu(self.conv2(nn.gelu(self.conv1(features))))
        x = x + self.embed_positions.weight[: x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x)


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocab_size, c.d_model)
        self.embed_positions = nn.Embedding(c.max_target_positions, c.d_model)
        sizes = c.d_model, c.decoder_attention_heads, c.decoder_ffn_dim
        self.layers = [DecoderLayer(*sizes) for _ in range(c.decoder_layers)]
        self.layer_norm = nn.LayerNorm(c.d_model)

    def begin(self, encoded):
        """The cache of a window whose sound is encoded as (1, S, dims)."""
        return Cache([layer.encoder_attn.keys_values(encoded) for layer in self.layers])

    def __call__(self, tokens, cache, watch=None):
        """Hidden states (rows, L, dims) of tokens (rows, L) that follow those in the cache.
        watch(layer, module, x, keys): see DecoderLayer."""
        end = cache.length + tokens.shape[1]
        x = self.embed_tokens(tokens) + self.embed_positions.weight[cache.length : end]
        for i, layer in enumerate(self.layers):
            x = layer(x, cache, i, watch and partial(watch, i))
        cache.length = end
        return self.layer_norm(x)

    def logits(self, hidden):
        return self.embed_tokens.as_linear(hidden)


class Whisper(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def __call__(self, features, tokens):
        """Logits (1, L, vocabulary) of tokens (1, L) over features (1, frames, bands)."""
        cache = self.decoder.begin(self.encoder(features))
        return self.decoder.logits(self.decoder(tokens, cache))
