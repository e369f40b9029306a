"""What UNet and VAE are both made of, with diffusers' names. Images are (B, H, W, C)."""

import mlx.core as mx
import mlx.nn as nn


def conv(channels, out, size=3, stride=1):
    return nn.Conv2d(channels, out, size, stride, size // 2)


def group_norm(groups, channels, eps):
    return nn.GroupNorm(groups, channels, eps, pytorch_compatible=True)


def attend(q, k, v, heads):
    """Attention of (B, L, D) to (B, M, D), whose D are divided among the heads."""
    q, k, v = (x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2) for x in (q, k, v))
    y = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5)
    return y.swapaxes(1, 2).flatten(2)


class ResnetBlock(nn.Module):
    """x + f(x), where f also hears of the time if `time` says how wide its embedding is."""

    def __init__(self, channels, out, groups, eps, time=None):
        super().__init__()
        self.norm1, self.conv1 = group_norm(groups, channels, eps), conv(channels, out)
        self.norm2, self.conv2 = group_norm(groups, out, eps), conv(out, out)
        if time:
            self.time_emb_proj = nn.Linear(time, out)
        if channels != out:
            self.conv_shortcut = conv(channels, out, 1)

    def __call__(self, x, time=None):
        y = self.conv1(nn.silu(self.norm1(x)))
        if time is not None:
            y = y + self.time_emb_proj(nn.silu(time))[:, None, None]
        y = self.conv2(nn.silu(self.norm2(y)))
        return y + (self.conv_shortcut(x) if "conv_shortcut" in self else x)


class Upsample(nn.Module):
    """Each pixel four times, and a convolution over them. `size` is (height, width) where the way
    down began with odd sides."""

    def __init__(self, channels):
        super().__init__()
        self.conv = conv(channels, channels)

    def __call__(self, x, size=(None, None)):
        x = mx.repeat(mx.repeat(x, 2, axis=1), 2, axis=2)
        return self.conv(x[:, : size[0], : size[1]])


class Downsample(nn.Module):
    """Half the sides. The VAE pads at the lower right alone."""

    def __init__(self, channels, padding=1):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 2, padding)
        self.pads = padding == 0

    def __call__(self, x):
        return self.conv(mx.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0))) if self.pads else x)
