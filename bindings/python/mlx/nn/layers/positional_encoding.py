"""Encodings that tell attention where its inputs stand."""

import math
from typing import Optional

import mlx.core as mx

from .base import Module, of_this_shape


class RoPE(Module):
    """Rotary position embedding (Su et al. 2021).

    Pairs of features of the input `(..., L, D)` are rotated: pair `i` at position `p` by the angle
    `scale * (p + offset) * base ** (-2 * i / dims)`.

    Args:
        dims: The number of features that are rotated; the rest stay as they are.
        traditional: Pair neighbours, as the paper does; otherwise pair `i` with `i + dims / 2`.
        base: Sets the slowest rotation.
        scale: Multiplies the positions.

    Example:
        >>> rope = nn.RoPE(4)
        >>> x = mx.random.normal((1, 2, 6, 4))  # 2 heads, 6 positions
        >>> mx.allclose(rope(x)[:, :, 4:], rope(x[:, :, 4:], offset=4)).item()
        True
    """

    def __init__(
        self, dims: int, traditional: bool = False, base: float = 10000, scale: float = 1.0
    ):
        super().__init__()
        self.dims = dims
        self.traditional = traditional
        self.base = base
        self.scale = scale

    def _extra_repr(self):
        return f"{self.dims}, traditional={self.traditional}"

    def __call__(self, x, offset: int = 0):
        """Rotate `x` as if it began at position `offset`, a number or one for each example."""
        return mx.fast.rope(
            x,
            self.dims,
            traditional=self.traditional,
            base=self.base,
            scale=self.scale,
            offset=offset,
        )


class SinusoidalPositionalEncoding(Module):
    """Sines and cosines of positions (Vaswani et al. 2017): from `(...)` to `(..., dims)`.

    The frequencies lie evenly on a logarithmic scale from `max_freq` down to `min_freq`; the sines
    come first.

    Args:
        dims: The even number of features: so many halves of sines and cosines.
        min_freq: The lowest frequency.
        max_freq: The highest frequency.
        scale: Multiplies the result; by default the root of `2 / dims`, for vectors of length 1.
        cos_first: Put the cosines first.
        full_turns: Frequencies count full turns, not radians.

    Raises:
        ValueError: `dims` is not positive and even

    Example:
        >>> nn.SinusoidalPositionalEncoding(8)(mx.arange(5)).shape
        (5, 8)
    """

    def __init__(
        self,
        dims: int,
        min_freq: float = 0.0001,
        max_freq: float = 1,
        scale: Optional[float] = None,
        cos_first: bool = False,
        full_turns: bool = False,
    ):
        super().__init__()
        if dims <= 0 or dims % 2 != 0:
            raise ValueError(
                f"[SinusoidalPositionalEncoding] dims must be positive and even but got {dims}."
            )
        count = dims // 2
        up = 1 - mx.arange(0, count) / max(count - 1, 1)
        low, high = math.log(min_freq), math.log(max_freq)
        self._sigmas = mx.exp(up * (high - low) + low)
        if full_turns:
            self._sigmas = self._sigmas * (2 * math.pi)
        self.scale = math.sqrt(2 / dims) if scale is None else scale
        self.cos_first = cos_first

    def __call__(self, x: mx.array) -> mx.array:
        angles = x[..., None] * self._sigmas
        parts = [mx.sin(angles), mx.cos(angles)]
        if self.cos_first:
            parts.reverse()
        return mx.concatenate(parts, axis=-1) * self.scale


class ALiBi(Module):
    """Attention with linear biases (Press et al. 2022).

    Adds to the score of a query and a key minus their distance times a slope. The slopes of `H`
    heads are `2 ** (-8 * h / H)` for `h = 1 ... H`; where `H` is no power of two, those of the
    power of two below come first, then every second one of the power above.

    Example:
        >>> nn.ALiBi()(mx.zeros((1, 2, 1, 3)), offset=2)[0, :, 0]  # the last of 3, in 2 heads
        array([[-0.125, -0.0625, 0],
               [-0.0078125, -0.00390625, 0]], dtype=float32)
    """

    @staticmethod
    def create_alibi_matrix(
        q_sequence_length: int,
        k_sequence_length: int,
        num_heads: int,
        offset: int,
        dtype=mx.float32,
    ):
        """The biases, of shape `(1, num_heads, q_sequence_length - offset, k_sequence_length)`.

        The queries stand at the positions from `offset` to `q_sequence_length`, the keys from 0.
        """
        queries = mx.arange(offset, q_sequence_length)
        keys = mx.arange(0, k_sequence_length)
        distance = mx.abs(queries[:, None] - keys)[None, None].astype(dtype)
        return -distance * ALiBi.create_alibi_slope(num_heads, dtype)

    @staticmethod
    def create_alibi_slope(num_heads: int, dtype: mx.Dtype) -> mx.array:
        """The slopes, of shape `(num_heads, 1, 1)`."""
        power = 2 ** int(math.log2(num_heads))
        slopes = [2 ** (-8 * h / power) for h in range(1, power + 1)]
        slopes += [2 ** (-4 * h / power) for h in range(1, 2 * (num_heads - power), 2)]
        return mx.array(slopes, dtype=dtype)[:, None, None]

    def __call__(
        self, attention_scores: mx.array, offset: int = 0, mask: Optional[mx.array] = None
    ) -> mx.array:
        """Add the biases to scores of shape `(N, H, queries, keys)`.

        Args:
            attention_scores: The products of queries and keys.
            offset: The position of the first query.
            mask: Added too; or of type bool, false for what may not be seen.
        """
        attention_scores = of_this_shape(attention_scores)
        bias = ALiBi.create_alibi_matrix(
            q_sequence_length=attention_scores.shape[-2] + offset,
            k_sequence_length=attention_scores.shape[-1],
            num_heads=attention_scores.shape[1],
            offset=offset,
            dtype=attention_scores.dtype,
        )
        if mask is not None:
            is_bool = mask.dtype == mx.bool_
            bias = mx.where(mask, bias, -math.inf) if is_bool else bias + mask
        return attention_scores + bias
