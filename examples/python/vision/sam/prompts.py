"""Segment Anything's prompt encoder: points, boxes and masks as vectors, with transformers' names."""

import math

import mlx.core as mx
import mlx.nn as nn
from checkpoint import ACTIVATIONS

BACKGROUND, FOREGROUND = 0, 1
TOP_LEFT, BOTTOM_RIGHT = 2, 3


class Positions(nn.Module):
    """Places (..., 2) in [0, 1], x then y, by random frequencies (Tancik et al. 2020)."""

    def __init__(self, half):
        super().__init__()
        self.positional_embedding = mx.zeros((2, half))

    def __call__(self, places):
        angles = 2 * math.pi * ((2 * places - 1) @ self.positional_embedding)
        return mx.concatenate([mx.sin(angles), mx.cos(angles)], axis=-1)

    def grid(self, side):
        """Those of all pixels of an embedding (side, side, D)."""
        middle = (mx.arange(side) + 0.5) / side
        x, y = mx.meshgrid(middle, middle)
        return self(mx.stack([x, y], axis=-1))


class MaskEmbedding(nn.Module):
    """Masks (B, 4 S, 4 S, 1) to (B, S, S, D)."""

    def __init__(self, config):
        super().__init__()
        inner, eps = config["mask_input_channels"], config["layer_norm_eps"]
        self.act = ACTIVATIONS[config["hidden_act"]]
        self.conv1 = nn.Conv2d(1, inner // 4, 2, 2)
        self.conv2 = nn.Conv2d(inner // 4, inner, 2, 2)
        self.conv3 = nn.Conv2d(inner, config["hidden_size"], 1)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(inner // 4, eps), nn.LayerNorm(inner, eps)

    def __call__(self, masks):
        x = self.act(self.layer_norm1(self.conv1(masks)))
        return self.conv3(self.act(self.layer_norm2(self.conv2(x))))


class PromptEncoder(nn.Module):
    """What is asked about an image: vectors (N, D) of points and corners, and what is added to the
    image's embedding (S, S, D)."""

    def __init__(self, config):
        super().__init__()
        dims, self.size = config["hidden_size"], config["image_size"]
        self.side = config["image_size"] // config["patch_size"]
        self.point_embed = [nn.Embedding(1, dims) for _ in range(config["num_point_embeddings"])]
        self.not_a_point_embed = nn.Embedding(1, dims)
        self.no_mask_embed = nn.Embedding(1, dims)
        self.mask_embed = MaskEmbedding(config)

    def points(self, positions, points, labels, alone):
        """Points [(x, y)] in pixels of the model with labels BACKGROUND or FOREGROUND. `alone`: no
        box follows, and a point that is none does."""
        places = (mx.array(points, mx.float32) + 0.5) / self.size
        kinds = mx.concatenate([self.point_embed[label].weight for label in labels])
        found = positions(places) + kinds
        return mx.concatenate([found, self.not_a_point_embed.weight]) if alone else found

    def box(self, positions, box):
        """A box (left, top, right, bottom) as its two corners."""
        places = (mx.array(box, mx.float32).reshape(2, 2) + 0.5) / self.size
        kinds = [self.point_embed[i].weight for i in (TOP_LEFT, BOTTOM_RIGHT)]
        return positions(places) + mx.concatenate(kinds)

    def __call__(self, positions, points=(), labels=(), box=None, mask=None):
        found = [self.points(positions, points, labels, box is None)] if len(points) else []
        if box is not None:
            found.append(self.box(positions, box))
        added = self.no_mask_embed.weight[None] if mask is None else self.mask_embed(mask[None])[0]
        return mx.concatenate(found), added
