"""T5 (Raffel et al. 2020) with transformers' names: B texts of L tokens, D wide, H heads."""

import math

import mlx.core as mx
import mlx.nn as nn
from checkpoint import ACTIVATIONS


def forward_of(name):
    """Whether feed_forward_proj is gated, and its activation's name: gated-gelu is that of T5 1.1, which
    is approximated."""
    gated, _, act = name.rpartition("-")
    return gated == "gated", "gelu_new" if name == "gated-gelu" else act


def buckets(distance, count, furthest, both):
    """A number below `count` for each distance (key - query): one for each that is small, fewer the
    larger they are, the last from `furthest` on. Half are for keys behind, if `both` sides count."""
    first = 0
    if both:
        count //= 2
        first, distance = count * (distance > 0), mx.abs(distance)
    else:
        distance = mx.maximum(-distance, 0)
    exact = count // 2
    far = mx.log(mx.maximum(distance, 1) / exact) / math.log(furthest / exact) * (count - exact)
    far = mx.minimum(exact + far.astype(mx.int32), count - 1)
    return first + mx.where(distance < exact, distance, far)


class Attention(nn.Module):
    """Attention without a scale; the first layer's has the positions' bias of all layers."""

    def __init__(self, config, positions=False):
        super().__init__()
        self.config, inner = config, config["num_heads"] * config["d_kv"]
        self.q = nn.Linear(config["d_model"], inner, bias=False)
        self.k = nn.Linear(config["d_model"], inner, bias=False)
        self.v = nn.Linear(config["d_model"], inner, bias=False)
        self.o = nn.Linear(inner, config["d_model"], bias=False)
        if positions:
            count = config["relative_attention_num_buckets"]
            self.relative_attention_bias = nn.Embedding(count, config["num_heads"])

    def bias(self, queries, keys, both):
        """(1, H, queries, keys); the queries are the last of the keys."""
        distance = mx.arange(keys)[None] - mx.arange(keys - queries, keys)[:, None]
        furthest = self.config["relative_attention_max_distance"]
        found = buckets(distance, self.config["relative_attention_num_buckets"], furthest, both)
        return self.relative_attention_bias(found).transpose(2, 0, 1)[None]

    def heads(self, x):
        return x.reshape(*x.shape[:2], self.config["num_heads"], -1).swapaxes(1, 2)

    def keys_and_values(self, x):
        return self.heads(self.k(x)), self.heads(self.v(x))

    def __call__(self, x, keys_and_values, bias=None):
        k, v = keys_and_values
        q = self.heads(self.q(x))
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=1.0, mask=bias)
        return self.o(y.swapaxes(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Plain, or gated (Shazeer 2020)."""

    def __init__(self, config):
        super().__init__()
        wide, inner = config["d_model"], config["d_ff"]
        gated, act = forward_of(config["feed_forward_proj"])
        self.act = ACTIVATIONS[act]
        for name in ("wi_0", "wi_1") if gated else ("wi",):
            setattr(self, name, nn.Linear(wide, inner, bias=False))
        self.wo = nn.Linear(inner, wide, bias=False)

    def __call__(self, x):
        if "wi" in self:
            return self.wo(self.act(self.wi(x)))
        return self.wo(self.act(self.wi_0(x)) * self.wi_1(x))


class SubLayer(nn.Module):
    """A module under its name, and the norm before it."""

    def __init__(self, config, name, module):
        super().__init__()
        self.layer_norm = nn.RMSNorm(config["d_model"], config["layer_norm_epsilon"])
        setattr(self, name, module)


class Block(nn.Module):
    def __init__(self, config, decoder, first):
        super().__init__()
        self.layer = [SubLayer(config, "SelfAttention", Attention(config, positions=first))]
        if decoder:
            self.layer.append(SubLayer(config, "EncDecAttention", Attention(config)))
        self.layer.append(SubLayer(config, "DenseReluDense", FeedForward(config)))

    def itself(self, x, bias, cache=None):
        """Self attention. cache: keys and values before x, or None; gives x, and theirs with x's."""
        norm, attention = self.layer[0].layer_norm(x), self.layer[0].SelfAttention
        new = attention.keys_and_values(norm)
        if cache:
            new = tuple(mx.concatenate(pair, axis=2) for pair in zip(cache, new))
        return x + attention(norm, new, bias), new

    def other(self, x, memory, mask):
        """Attention to the encoder's keys and values."""
        return x + self.layer[1].EncDecAttention(self.layer[1].layer_norm(x), memory, mask)

    def forward(self, x):
        return x + self.layer[-1].DenseReluDense(self.layer[-1].layer_norm(x))


class Stack(nn.Module):
    def __init__(self, config, layers, decoder):
        super().__init__()
        self.block = [Block(config, decoder, i == 0) for i in range(layers)]
        self.final_layer_norm = nn.RMSNorm(config["d_model"], config["layer_norm_epsilon"])

    def bias(self, queries, keys, both):
        return self.block[0].layer[0].SelfAttention.bias(queries, keys, both)


def hidden(mask, dtype):
    """A mask (B, L), 1 where there is text, as what is added to scores (B, 1, 1, L)."""
    return mx.where(mask[:, None, None], 0, -mx.inf).astype(dtype)


class T5(nn.Module):
    """`config` is one that `folder.load` has checked. `head` says that logits have a matrix of
    their own, not the embedding's."""

    def __init__(self, config, head):
        super().__init__()
        self.config = config
        self.shared = nn.Embedding(config["vocab_size"], config["d_model"])
        self.encoder = Stack(config, config["num_layers"], decoder=False)
        self.decoder = Stack(config, config["num_decoder_layers"], decoder=True)
        if head:
            self.lm_head = nn.Linear(config["d_model"], config["vocab_size"], bias=False)

    def encode(self, tokens, mask=None):
        """Tokens (B, L) to states (B, L, D)."""
        x = self.shared(tokens)
        bias = self.encoder.bias(tokens.shape[1], tokens.shape[1], both=True)
        if mask is not None:
            bias = bias + hidden(mask, x.dtype)
        for block in self.encoder.block:
            x = block.forward(block.itself(x, bias)[0])
        return self.encoder.final_layer_norm(x)

    def memory(self, states):
        """What each layer of the decoder looks at, computed once."""
        blocks = self.decoder.block
        return [b.layer[1].EncDecAttention.keys_and_values(states) for b in blocks]

    def decode(self, tokens, memory, cache=None, mask=None):
        """Logits (B, L, V) of what follows each token, and the cache with them."""
        x, cache = self.shared(tokens), cache or [None] * len(memory)
        length = tokens.shape[1]
        keys = length + (cache[0][0].shape[2] if cache[0] else 0)
        bias = self.decoder.bias(length, keys, both=False)
        later = mx.arange(keys) > mx.arange(keys - length, keys)[:, None]
        bias = mx.where(later, -mx.inf, bias).astype(x.dtype)
        mask, after = None if mask is None else hidden(mask, x.dtype), []
        for block, seen, before in zip(self.decoder.block, memory, cache):
            x, new = block.itself(x, bias, before)
            x = block.forward(block.other(x, seen, mask))
            after.append(new)
        return self.logits(self.decoder.final_layer_norm(x)), after

    def logits(self, x):
        if self.config["scaled"]:
            x = x * self.config["d_model"] ** -0.5
        return self.lm_head(x) if "lm_head" in self else self.shared.as_linear(x)

    def generate(self, tokens, limit=64, temperature=0.0):
        """Yields the tokens of the answer to a list of tokens, until the end or `limit` of them."""
        memory, cache = self.memory(self.encode(mx.array([tokens]))), None
        token = mx.array([[self.config["decoder_start_token_id"]]])
        for _ in range(limit):
            logits, cache = self.decode(token, memory, cache)
            scores = logits[:, -1].astype(mx.float32)
            token = mx.argmax(scores, axis=-1, keepdims=True)
            if temperature > 0:
                token = mx.random.categorical(scores / temperature)[:, None]
            if token.item() == self.config["eos_token_id"]:
                return
            yield token.item()
