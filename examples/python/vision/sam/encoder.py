"""Segment Anything's image encoder (Kirillov et al. 2023): a vision transformer whose layers look
within windows, some at everything, with relative positions (Li et al. 2021). Names are
transformers'; images are (B, H, W, C)."""

import mlx.core as mx
import mlx.nn as nn
from checkpoint import ACTIVATIONS


def relative(table):
    """Rows of a table of the distances -(n - 1) to n - 1 for each pair of n places: (n, n, D)."""
    count = (len(table) + 1) // 2
    return table[mx.arange(count)[:, None] - mx.arange(count)[None] + count - 1]


class Attention(nn.Module):
    """(B, H, W, D), every pixel to every pixel."""

    def __init__(self, config, side):
        super().__init__()
        dims, self.heads = config["hidden_size"], config["num_attention_heads"]
        self.qkv = nn.Linear(dims, 3 * dims, bias=config["qkv_bias"])
        self.proj = nn.Linear(dims, dims)
        if config["use_rel_pos"]:
            self.rel_pos_h = mx.zeros((2 * side - 1, dims // self.heads))
            self.rel_pos_w = mx.zeros((2 * side - 1, dims // self.heads))

    def with_positions(self, q, k, height, width):
        """q and k (B, heads, H W, D) made longer, so that their product has what the distances down
        and across add: of each query all it would add, of each key which row and column it is."""
        places = q.reshape(*q.shape[:2], height, width, -1)
        down = mx.einsum("bnhwc,hkc->bnhwk", places, relative(self.rel_pos_h))
        across = mx.einsum("bnhwc,wkc->bnhwk", places, relative(self.rel_pos_w))
        scale = q.shape[-1] ** 0.5  # which attention divides by
        added = mx.concatenate([down, across], axis=-1).flatten(2, 3) * scale
        row = mx.repeat(mx.eye(height, dtype=k.dtype), width, axis=0)
        column = mx.tile(mx.eye(width, dtype=k.dtype), (height, 1))
        where = mx.concatenate([row, column], axis=-1)
        where = mx.broadcast_to(where, (*k.shape[:3], height + width))
        return mx.concatenate([q, added], axis=-1), mx.concatenate([k, where], axis=-1)

    def __call__(self, x):
        b, height, width, dims = x.shape
        qkv = self.qkv(x).reshape(b, height * width, 3, self.heads, -1)
        q, k, v = qkv.transpose(2, 0, 3, 1, 4)
        scale = q.shape[-1] ** -0.5
        if "rel_pos_h" in self:
            q, k = self.with_positions(q, k, height, width)
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale)
        return self.proj(y.swapaxes(1, 2).reshape(x.shape))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        dims, inner = config["hidden_size"], config["mlp_dim"]
        self.lin1, self.lin2 = nn.Linear(dims, inner), nn.Linear(inner, dims)
        self.act = ACTIVATIONS[config["hidden_act"]]

    def __call__(self, x):
        return self.lin2(self.act(self.lin1(x)))


def windows(x, size):
    """(B, H, W, D) in pieces of size x size, zeros where there is no more."""
    b, height, width, dims = x.shape
    x = mx.pad(x, ((0, 0), (0, -height % size), (0, -width % size), (0, 0)))
    rows, columns = x.shape[1] // size, x.shape[2] // size
    x = x.reshape(b, rows, size, columns, size, dims).swapaxes(2, 3)
    return x.reshape(-1, size, size, dims)


def whole(x, shape):
    """What windows came from, which had this shape."""
    (b, height, width, dims), size = shape, x.shape[1]
    rows, columns = -(-height // size), -(-width // size)
    x = x.reshape(b, rows, columns, size, size, dims).swapaxes(2, 3)
    return x.reshape(b, rows * size, columns * size, dims)[:, :height, :width]


class Layer(nn.Module):
    """`window`: the side of the windows, 0 for all."""

    def __init__(self, config, window):
        super().__init__()
        dims, eps, self.window = config["hidden_size"], config["layer_norm_eps"], window
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(dims, eps), nn.LayerNorm(dims, eps)
        self.attn = Attention(config, window or config["image_size"] // config["patch_size"])
        self.mlp = MLP(config)

    def __call__(self, x):
        y = self.layer_norm1(x)
        if self.window:
            y = whole(self.attn(windows(y, self.window)), x.shape)
        else:
            y = self.attn(y)
        x = x + y
        return x + self.mlp(self.layer_norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, config):
        super().__init__()
        patch = config["patch_size"]
        self.projection = nn.Conv2d(config["num_channels"], config["hidden_size"], patch, patch)

    def __call__(self, x):
        return self.projection(x)


class Neck(nn.Module):
    def __init__(self, config):
        super().__init__()
        out = config["output_channels"]
        self.conv1 = nn.Conv2d(config["hidden_size"], out, 1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(out, 1e-6), nn.LayerNorm(out, 1e-6)

    def __call__(self, x):
        return self.layer_norm2(self.conv2(self.layer_norm1(self.conv1(x))))


class Encoder(nn.Module):
    """Images (B, S, S, 3) to embeddings (B, S / patch, S / patch, output_channels)."""

    def __init__(self, config):
        super().__init__()
        side = config["image_size"] // config["patch_size"]
        self.patch_embed, self.neck = PatchEmbed(config), Neck(config)
        if config["use_abs_pos"]:
            self.pos_embed = mx.zeros((1, side, side, config["hidden_size"]))
        everywhere = config["global_attn_indexes"]
        self.layers = [
            Layer(config, 0 if i in everywhere else config["window_size"])
            for i in range(config["num_hidden_layers"])
        ]

    def __call__(self, images):
        x = self.patch_embed(images)
        x = x + self.pos_embed if "pos_embed" in self else x
        for layer in self.layers:
            x = layer(x)
        return self.neck(x)
