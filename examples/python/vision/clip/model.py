"""CLIP's two towers (Radford et al. 2021), with transformers' names. B texts of L tokens, D wide."""

import mlx.core as mx
import mlx.nn as nn
from checkpoint import ACTIVATIONS


class Attention(nn.Module):
    def __init__(self, dims, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = nn.Linear(dims, dims), nn.Linear(dims, dims)
        self.v_proj, self.out_proj = nn.Linear(dims, dims), nn.Linear(dims, dims)

    def __call__(self, x, mask=None):
        def heads(y):
            return y.reshape(*x.shape[:2], self.heads, -1).swapaxes(1, 2)

        q, k, v = heads(self.q_proj(x)), heads(self.k_proj(x)), heads(self.v_proj(x))
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=mask)
        return self.out_proj(y.swapaxes(1, 2).reshape(x.shape))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.act = ACTIVATIONS[config["hidden_act"]]
        self.fc1 = nn.Linear(config["hidden_size"], config["intermediate_size"])
        self.fc2 = nn.Linear(config["intermediate_size"], config["hidden_size"])

    def __call__(self, x):
        return self.fc2(self.act(self.fc1(x)))


class EncoderLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        dims, eps = config["hidden_size"], config["layer_norm_eps"]
        self.self_attn = Attention(dims, config["num_attention_heads"])
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(dims, eps), nn.LayerNorm(dims, eps)
        self.mlp = MLP(config)

    def __call__(self, x, mask=None):
        x = x + self.self_attn(self.layer_norm1(x), mask)
        return x + self.mlp(self.layer_norm2(x))


class Encoder(nn.Module):
    """(B, L, D) to what enters each layer, and what leaves the last."""

    def __init__(self, config):
        super().__init__()
        self.layers = [EncoderLayer(config) for _ in range(config["num_hidden_layers"])]

    def __call__(self, x, mask=None):
        states = [x]
        for layer in self.layers:
            states.append(layer(states[-1], mask))
        return states


class TextEmbeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        dims = config["hidden_size"]
        self.token_embedding = nn.Embedding(config["vocab_size"], dims)
        self.position_embedding = nn.Embedding(config["max_position_embeddings"], dims)

    def __call__(self, tokens):
        return self.token_embedding(tokens) + self.position_embedding.weight[: tokens.shape[1]]


class TextTower(nn.Module):
    """Tokens (B, L) to states: all hidden ones, the last normalized (B, L, D), and that of the end of
    each text (B, D)."""

    def __init__(self, config):
        super().__init__()
        self.embeddings, self.encoder = TextEmbeddings(config), Encoder(config)
        self.final_layer_norm = nn.LayerNorm(config["hidden_size"], config["layer_norm_eps"])
        self.end = config["eos_token_id"]

    def __call__(self, tokens):
        states = self.encoder(self.embeddings(tokens), "causal")
        last = self.final_layer_norm(states[-1])
        # The first configurations said 2; their end is the token with the largest number.
        is_end = tokens if self.end == 2 else tokens == self.end
        ends = mx.argmax(is_end, axis=1)
        return states, last, last[mx.arange(len(tokens)), ends]


class VisionEmbeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        dims, patch = config["hidden_size"], config["patch_size"]
        self.class_embedding = mx.zeros(dims)
        self.patch_embedding = nn.Conv2d(config["num_channels"], dims, patch, patch, bias=False)
        self.position_embedding = nn.Embedding((config["image_size"] // patch) ** 2 + 1, dims)

    def __call__(self, images):
        patches = self.patch_embedding(images).flatten(1, 2)
        first = mx.broadcast_to(self.class_embedding, (len(images), 1, patches.shape[-1]))
        return mx.concatenate([first, patches], axis=1) + self.position_embedding.weight


class VisionTower(nn.Module):
    """Images (B, H, W, 3) to the state of the class token (B, D)."""

    def __init__(self, config):
        super().__init__()
        dims, eps = config["hidden_size"], config["layer_norm_eps"]
        self.embeddings, self.encoder = VisionEmbeddings(config), Encoder(config)
        # The published name has this spelling.
        self.pre_layrnorm, self.post_layernorm = nn.LayerNorm(dims, eps), nn.LayerNorm(dims, eps)

    def __call__(self, images):
        states = self.encoder(self.pre_layrnorm(self.embeddings(images)))
        return self.post_layernorm(states[-1][:, 0])


def normalized(x):
    return x / mx.linalg.norm(x, axis=-1, keepdims=True)


class CLIP(nn.Module):
    """Texts and images in one space, where what belongs together is near."""

    def __init__(self, text, vision, dims):
        super().__init__()
        self.text_model, self.vision_model = TextTower(text), VisionTower(vision)
        self.text_projection = nn.Linear(text["hidden_size"], dims, bias=False)
        self.visual_projection = nn.Linear(vision["hidden_size"], dims, bias=False)
        self.logit_scale = mx.array(2.6592)

    def encode_text(self, tokens):
        """(B, L) to unit vectors (B, dims)."""
        return normalized(self.text_projection(self.text_model(tokens)[2]))

    def encode_image(self, images):
        """(B, H, W, 3) to unit vectors (B, dims)."""
        return normalized(self.visual_projection(self.vision_model(images)))

    def __call__(self, images, tokens):
        """Logits (images, texts)."""
        return (
            mx.exp(self.logit_scale)
            * self.encode_image(images)
            @ self.encode_text(tokens).swapaxes(0, 1)
        )
