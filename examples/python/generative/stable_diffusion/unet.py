"""The UNet that says what is noise in a latent image (Rombach et al. 2022; Podell et al. 2023), with
diffusers' names.

x (B, H, W, 4), time (B,), text (B, L, D); XL adds a vector of the text (B, E) and the six numbers
of the picture's size (B, 6).
"""

import math

import mlx.core as mx
import mlx.nn as nn

from generative.stable_diffusion.blocks import (
    Downsample,
    ResnetBlock,
    Upsample,
    attend,
    conv,
    group_norm,
)


def sinusoids(time, dims):
    """(B,) to (B, dims): cosines, then sines, of frequencies from 1 to 1/10000."""
    half = dims // 2
    frequencies = mx.exp(mx.arange(half) * (-math.log(10000) / half))
    angles = time.astype(mx.float32)[:, None] * frequencies
    return mx.concatenate([mx.cos(angles), mx.sin(angles)], axis=-1)


class TimestepEmbedding(nn.Module):
    def __init__(self, dims, out):
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(dims, out), nn.Linear(out, out)

    def __call__(self, x):
        return self.linear_2(nn.silu(self.linear_1(x)))


class Attention(nn.Module):
    """Attention to `other`, by itself to x."""

    def __init__(self, dims, heads, other=None):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dims, dims, bias=False)
        self.to_k = nn.Linear(other or dims, dims, bias=False)
        self.to_v = nn.Linear(other or dims, dims, bias=False)
        self.to_out = [nn.Linear(dims, dims)]

    def __call__(self, x, other=None):
        other = x if other is None else other
        y = attend(self.to_q(x), self.to_k(other), self.to_v(other), self.heads)
        return self.to_out[0](y)


class GEGLU(nn.Module):
    """Half of a projection, gated by the gelu of the other (Shazeer 2020)."""

    def __init__(self, dims, out):
        super().__init__()
        self.proj = nn.Linear(dims, 2 * out)

    def __call__(self, x):
        y, gate = mx.split(self.proj(x), 2, axis=-1)
        return y * nn.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.net = [GEGLU(dims, 4 * dims), nn.Identity(), nn.Linear(4 * dims, dims)]

    def __call__(self, x):
        return self.net[2](self.net[0](x))


class TransformerBlock(nn.Module):
    """Pixels look at each other, then at the text."""

    def __init__(self, dims, heads, text):
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(dims), Attention(dims, heads)
        self.norm2, self.attn2 = nn.LayerNorm(dims), Attention(dims, heads, text)
        self.norm3, self.ff = nn.LayerNorm(dims), FeedForward(dims)

    def __call__(self, x, text):
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), text)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    """(B, H, W, C) as B rows of H W pixels through `depth` blocks. proj_in and proj_out of the first
    models are convolutions of 1x1, which are the same."""

    def __init__(self, dims, heads, depth, text, groups):
        super().__init__()
        self.norm = group_norm(groups, dims, 1e-6)
        self.proj_in, self.proj_out = nn.Linear(dims, dims), nn.Linear(dims, dims)
        self.transformer_blocks = [TransformerBlock(dims, heads, text) for _ in range(depth)]

    def __call__(self, x, text):
        y = self.proj_in(self.norm(x).flatten(1, 2))
        for block in self.transformer_blocks:
            y = block(y, text)
        return x + self.proj_out(y).reshape(x.shape)


class Block(nn.Module):
    """Residual blocks, each with a transformer behind it if `depth`; UNet decides what they get."""

    def __init__(self, channels, heads, depth, unet):
        super().__init__()
        into, out = channels[:-1], channels[1:]
        groups, time = unet["norm_num_groups"], 4 * unet["block_out_channels"][0]
        self.resnets = [
            ResnetBlock(c, o, groups, unet["norm_eps"], time) for c, o in zip(into, out)
        ]
        if depth:
            text = unet["cross_attention_dim"]
            self.attentions = [Transformer(o, heads, depth, text, groups) for o in out]

    def step(self, i, x, time, text):
        """One residual block, and its transformer where there is one."""
        x = self.resnets[i](x, time)
        return self.attentions[i](x, text) if "attentions" in self else x


class DownBlock(Block):
    def __init__(self, channels, heads, depth, unet, last):
        super().__init__(channels, heads, depth, unet)
        if not last:
            self.downsamplers = [Downsample(channels[-1])]

    def __call__(self, x, time, text):
        """All that the way up will want."""
        states = []
        for i in range(len(self.resnets)):
            x = self.step(i, x, time, text)
            states.append(x)
        if "downsamplers" in self:
            states.append(self.downsamplers[0](x))
        return states


class UpBlock(Block):
    """Its residual blocks see what came of the same size on the way down: `skips` channels each."""

    def __init__(self, channels, skips, heads, depth, unet, last):
        super().__init__(channels, heads, depth, unet)
        groups, time = unet["norm_num_groups"], 4 * unet["block_out_channels"][0]
        self.resnets = [
            ResnetBlock(c + s, channels[-1], groups, unet["norm_eps"], time)
            for c, s in zip(channels[:-1], skips)
        ]
        if not last:
            self.upsamplers = [Upsample(channels[-1])]

    def __call__(self, x, states, time, text):
        for i in range(len(self.resnets)):
            x = self.step(i, mx.concatenate([x, states.pop()], axis=-1), time, text)
        if "upsamplers" in self:
            x = self.upsamplers[0](x, states[-1].shape[1:3])
        return x


class MidBlock(nn.Module):
    def __init__(self, channels, heads, depth, unet):
        super().__init__()
        groups, time = unet["norm_num_groups"], 4 * unet["block_out_channels"][0]
        self.resnets = [
            ResnetBlock(channels, channels, groups, unet["norm_eps"], time) for _ in range(2)
        ]
        self.attentions = [Transformer(channels, heads, depth, unet["cross_attention_dim"], groups)]

    def __call__(self, x, time, text):
        x = self.attentions[0](self.resnets[0](x, time), text)
        return self.resnets[1](x, time)


class UNet(nn.Module):
    """`unet` is a configuration that `folder.unet_config` has checked and filled up."""

    def __init__(self, unet):
        super().__init__()
        widths, layers = unet["block_out_channels"], unet["layers_per_block"]
        heads, depths, levels = unet["heads"], unet["depths"], len(widths)
        self.width, self.added = widths[0], unet["addition_time_embed_dim"]
        self.conv_in = conv(unet["in_channels"], widths[0])
        self.time_embedding = TimestepEmbedding(widths[0], 4 * widths[0])
        if self.added:
            wide = unet["projection_class_embeddings_input_dim"]
            self.add_embedding = TimestepEmbedding(wide, 4 * widths[0])
        before = [widths[0], *widths]
        self.down_blocks = [
            DownBlock([before[i]] + layers * [widths[i]], heads[i], d, unet, i == levels - 1)
            for i, d in enumerate(depths["down"])
        ]
        self.mid_block = MidBlock(widths[-1], heads[-1], depths["mid"], unet)
        self.up_blocks = [
            UpBlock(
                [widths[min(i + 1, levels - 1)]] + (layers + 1) * [widths[i]],
                layers * [widths[i]] + [before[i]],
                heads[i],
                depths["up"][i],
                unet,
                i == 0,
            )
            for i in reversed(range(levels))
        ]
        self.conv_norm_out = group_norm(unet["norm_num_groups"], widths[0], unet["norm_eps"])
        self.conv_out = conv(widths[0], unet["out_channels"])

    def embedding(self, time, dtype, added):
        """The time, and for XL the sizes and the text as a whole, as one vector (B, 4 C)."""
        y = self.time_embedding(sinusoids(time, self.width).astype(dtype))
        if not self.added:
            return y
        vector, sizes = added
        numbers = sinusoids(sizes.flatten(), self.added).reshape(len(sizes), -1)
        return y + self.add_embedding(mx.concatenate([vector, numbers.astype(dtype)], axis=-1))

    def __call__(self, x, time, text, added=None):
        time = self.embedding(time, x.dtype, added)
        x = self.conv_in(x)
        states = [x]
        for block in self.down_blocks:
            states += block(states[-1], time, text)
        x = self.mid_block(states[-1], time, text)
        for block in self.up_blocks:
            x = block(x, states, time, text)
        return self.conv_out(nn.silu(self.conv_norm_out(x)))
