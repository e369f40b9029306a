"""The autoencoder between pictures (B, 8 H, 8 W, 3) in [-1, 1] and latent images (B, H, W, 4) (Kingma
and Welling 2014; Rombach et al. 2022), with diffusers' names."""

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

EPS = 1e-6


class Attention(nn.Module):
    """Pixels look at each other, with one head."""

    def __init__(self, dims, groups):
        super().__init__()
        self.group_norm = group_norm(groups, dims, EPS)
        self.to_q, self.to_k = nn.Linear(dims, dims), nn.Linear(dims, dims)
        self.to_v, self.to_out = nn.Linear(dims, dims), [nn.Linear(dims, dims)]

    def __call__(self, x):
        y = self.group_norm(x).flatten(1, 2)
        y = attend(self.to_q(y), self.to_k(y), self.to_v(y), 1)
        return x + self.to_out[0](y).reshape(x.shape)


class MidBlock(nn.Module):
    def __init__(self, dims, groups, attention):
        super().__init__()
        self.resnets = [ResnetBlock(dims, dims, groups, EPS) for _ in range(2)]
        if attention:
            self.attentions = [Attention(dims, groups)]

    def __call__(self, x):
        x = self.resnets[0](x)
        x = self.attentions[0](x) if "attentions" in self else x
        return self.resnets[1](x)


class Level(nn.Module):
    """Residual blocks of one size, and the way to the next size under its name."""

    def __init__(self, channels, out, layers, groups, **next_size):
        super().__init__()
        self.resnets = [
            ResnetBlock(out if i else channels, out, groups, EPS) for i in range(layers)
        ]
        for name, module in next_size.items():
            setattr(self, name, [module])

    def __call__(self, x):
        for block in self.resnets:
            x = block(x)
        for name in ("downsamplers", "upsamplers"):
            x = self[name][0](x) if name in self else x
        return x


class Encoder(nn.Module):
    """Pictures to mean and log variance of latents."""

    def __init__(self, vae):
        super().__init__()
        widths, groups = vae["block_out_channels"], vae["norm_num_groups"]
        self.conv_in = conv(vae["in_channels"], widths[0])
        self.down_blocks = [
            Level(
                widths[max(i - 1, 0)],
                width,
                vae["layers_per_block"],
                groups,
                **({"downsamplers": Downsample(width, 0)} if i + 1 < len(widths) else {}),
            )
            for i, width in enumerate(widths)
        ]
        self.mid_block = MidBlock(widths[-1], groups, vae["mid_block_add_attention"])
        self.conv_norm_out = group_norm(groups, widths[-1], EPS)
        self.conv_out = conv(widths[-1], 2 * vae["latent_channels"])

    def __call__(self, x):
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(nn.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    """Latents to pictures."""

    def __init__(self, vae):
        super().__init__()
        widths, groups = vae["block_out_channels"][::-1], vae["norm_num_groups"]
        self.conv_in = conv(vae["latent_channels"], widths[0])
        self.mid_block = MidBlock(widths[0], groups, vae["mid_block_add_attention"])
        self.up_blocks = [
            Level(
                widths[max(i - 1, 0)],
                width,
                vae["layers_per_block"] + 1,
                groups,
                **({"upsamplers": Upsample(width)} if i + 1 < len(widths) else {}),
            )
            for i, width in enumerate(widths)
        ]
        self.conv_norm_out = group_norm(groups, widths[-1], EPS)
        self.conv_out = conv(widths[-1], vae["out_channels"])

    def __call__(self, x):
        x = self.mid_block(self.conv_in(x))
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(nn.silu(self.conv_norm_out(x)))


def ramp(size, axis):
    """Weights from 0 to nearly 1 along an axis of (B, H, W, C)."""
    return (mx.arange(size) / size).reshape([-1 if i == axis else 1 for i in range(4)])


def blended(before, tile, size, axis):
    """The tile whose first `size` pixels along the axis come gradually out of the last of `before`."""
    size = min(size, before.shape[axis], tile.shape[axis])
    first, rest = mx.split(tile, [size], axis=axis)
    last, weight = mx.split(before, [before.shape[axis] - size], axis=axis)[1], ramp(size, axis)
    return mx.concatenate([last * (1 - weight) + first * weight, rest], axis=axis)


class VAE(nn.Module):
    """`vae` is a configuration that `folder.vae_config` has checked and filled up."""

    def __init__(self, vae):
        super().__init__()
        self.encoder, self.decoder = Encoder(vae), Decoder(vae)
        latent = vae["latent_channels"]
        if vae["use_quant_conv"]:
            self.quant_conv = conv(2 * latent, 2 * latent, 1)
        if vae["use_post_quant_conv"]:
            self.post_quant_conv = conv(latent, latent, 1)
        self.scale, self.factor = vae["scaling_factor"], 2 ** (len(vae["block_out_channels"]) - 1)
        self.tile = max(vae["sample_size"] // self.factor, 2)

    def encode(self, pictures, noise=None):
        """Latents; without noise the mean of what they may be."""
        y = self.encoder(pictures)
        y = self.quant_conv(y) if "quant_conv" in self else y
        mean, log_variance = mx.split(y, 2, axis=-1)
        if noise is not None:
            mean = mean + mx.exp(0.5 * mx.clip(log_variance, -30, 20)) * noise
        return mean * self.scale

    def decode(self, latents):
        x = latents / self.scale
        return self.decoder(self.post_quant_conv(x) if "post_quant_conv" in self else x)

    def decode_tiled(self, latents):
        """Decoded in overlapping tiles of the size that the model was trained on, one at a time, so
        that memory does not grow with the picture. Edges of tiles are blended into each other."""
        tile, step = self.tile, int(self.tile * 0.75)
        overlap, kept = tile * self.factor // 4, tile * self.factor - tile * self.factor // 4
        above, rows = [], []
        for top in range(0, latents.shape[1], step):
            row, strips = [], []
            for i, left in enumerate(range(0, latents.shape[2], step)):
                y = self.decode(latents[:, top : top + tile, left : left + tile])
                y = blended(above[i], y, overlap, 1) if above else y
                y = blended(row[-1], y, overlap, 2) if row else y
                mx.eval(y)
                row.append(y)
                strips.append(y[:, :kept, :kept])
            above = row
            rows.append(mx.concatenate(strips, axis=2))
        return mx.concatenate(rows, axis=1)
