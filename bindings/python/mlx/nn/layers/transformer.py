"""Attention and the transformer (Vaswani et al. 2017)."""

import math
from typing import Any, Callable, Optional

import mlx.core as mx

from .activations import relu
from .base import Module, check_sizes
from .dropout import Dropout
from .linear import Linear
from .normalization import LayerNorm


def _checkpointed(layer, checkpoint):
    """The layer, or a function that recomputes it in the backward pass instead of storing."""
    from ..utils import checkpoint as recompute

    return recompute(layer) if checkpoint else layer


class MultiHeadAttention(Module):
    """`softmax(Q K^T / sqrt(d) + mask) V` in several subspaces, the heads, at once.

    Queries, keys and values are projected, split into heads, attended, joined and projected.

    Args:
        dims: The size of all projected queries and keys together.
        num_heads: The number of heads, a divisor of `dims`.
        query_input_dims: The size of the queries; `dims` by default.
        key_input_dims: The size of the keys; `dims` by default.
        value_input_dims: The size of the values; that of the keys by default.
        value_dims: The size of all projected values together; `dims` by default.
        value_output_dims: The size of the output; `dims` by default.
        bias: Whether the projections have a bias.

    Raises:
        ValueError: `dims` is no multiple of `num_heads`

    Example:
        >>> attention = nn.MultiHeadAttention(16, num_heads=4)
        >>> x = mx.random.normal((2, 5, 16))
        >>> mask = nn.MultiHeadAttention.create_additive_causal_mask(5)
        >>> attention(x, x, x, mask).shape
        (2, 5, 16)
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        query_input_dims: Optional[int] = None,
        key_input_dims: Optional[int] = None,
        value_input_dims: Optional[int] = None,
        value_dims: Optional[int] = None,
        value_output_dims: Optional[int] = None,
        bias: bool = False,
    ):
        super().__init__()
        check_sizes(self, {"num_heads": num_heads, "dims": dims})
        if dims % num_heads != 0:
            raise ValueError(
                "The input feature dimensions should be divisible by the "
                f"number of heads ({dims} % {num_heads}) != 0"
            )
        query_input_dims = query_input_dims or dims
        key_input_dims = key_input_dims or dims
        value_input_dims = value_input_dims or key_input_dims
        value_dims = value_dims or dims
        value_output_dims = value_output_dims or dims

        self.num_heads = num_heads
        self.query_proj = Linear(query_input_dims, dims, bias=bias)
        self.key_proj = Linear(key_input_dims, dims, bias=bias)
        self.value_proj = Linear(value_input_dims, value_dims, bias=bias)
        self.out_proj = Linear(value_dims, value_output_dims, bias=bias)

    def __call__(
        self, queries: mx.array, keys: mx.array, values: mx.array, mask: Optional[mx.array] = None
    ) -> mx.array:
        """Attend.

        Args:
            queries: Of shape `(N, L, query_input_dims)`.
            keys: Of shape `(N, S, key_input_dims)`.
            values: Of shape `(N, S, value_input_dims)`.
            mask: Added to the scores, of a shape that broadcasts with `(N, heads, L, S)`; or of
                type bool, false for what may not be seen.

        Returns:
            An array of shape `(N, L, value_output_dims)`.
        """

        def heads(x):  # (N, L, heads * d) to (N, heads, L, d)
            return mx.unflatten(x, -1, (self.num_heads, -1)).transpose(0, 2, 1, 3)

        queries = heads(self.query_proj(queries))
        keys = heads(self.key_proj(keys))
        values = heads(self.value_proj(values))
        scale = math.sqrt(1 / queries.shape[-1])
        output = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=scale, mask=mask)
        return self.out_proj(output.transpose(0, 2, 1, 3).flatten(-2, -1))

    @staticmethod
    def create_additive_causal_mask(N: int, dtype: mx.Dtype = mx.float32):
        """A mask `(N, N)` of zeros, above the diagonal of the least value of `dtype`."""
        index = mx.arange(N)
        mask = index[:, None] < index
        return mask.astype(dtype) * mx.finfo(dtype).min


class TransformerEncoderLayer(Module):
    """Attention among the inputs, then a network of one hidden layer at each, both as residuals.

    Args:
        dims: The number of features.
        num_heads: The number of heads of attention.
        mlp_dims: The size of the hidden layer; `4 * dims` by default.
        dropout: The probability of dropout, after attention and after the hidden layer.
        activation: Applied to the hidden layer.
        norm_first: Normalize the input of each residual branch (Xiong et al. 2020) instead of each
            sum.

    Raises:
        ValueError: `dims` is no multiple of `num_heads`

    Example:
        >>> nn.TransformerEncoderLayer(16, num_heads=4)(mx.zeros((1, 5, 16)), mask=None).shape
        (1, 5, 16)
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        mlp_dims: Optional[int] = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
    ):
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def __call__(self, x: mx.array, mask: Optional[mx.array]) -> mx.array:
        """From `(N, L, dims)` to the same shape; the mask is that of `MultiHeadAttention`."""

        def attend(y):
            return self.dropout1(self.attention(y, y, y, mask))

        def mlp(y):
            return self.linear2(self.dropout2(self.activation(self.linear1(y))))

        if self.norm_first:
            x = x + attend(self.ln1(x))
            return x + mlp(self.ln2(x))
        x = self.ln1(x + attend(x))
        return self.ln2(x + mlp(x))


class TransformerEncoder(Module):
    """Several `TransformerEncoderLayer`, then a `LayerNorm`.

    Args:
        num_layers: The number of layers.
        dims: The number of features.
        num_heads: The number of heads of attention.
        mlp_dims: The size of the hidden layers; `4 * dims` by default.
        dropout: The probability of dropout.
        activation: Applied to the hidden layers.
        norm_first: See `TransformerEncoderLayer`.
        checkpoint: Recompute each layer in the backward pass to save memory.

    Example:
        >>> encoder = nn.TransformerEncoder(num_layers=2, dims=16, num_heads=4)
        >>> encoder(mx.zeros((1, 5, 16)), mask=None).shape
        (1, 5, 16)
    """

    def __init__(
        self,
        num_layers: int,
        dims: int,
        num_heads: int,
        mlp_dims: Optional[int] = None,
        dropout: float = 0.0,
        activation=relu,
        norm_first: bool = True,
        checkpoint: bool = False,
    ):
        super().__init__()
        options = (dims, num_heads, mlp_dims, dropout, activation, norm_first)
        self.layers = [TransformerEncoderLayer(*options) for _ in range(num_layers)]
        self.ln = LayerNorm(dims)
        self.checkpoint = checkpoint

    def __call__(self, x: mx.array, mask: Optional[mx.array]) -> mx.array:
        """From `(N, L, dims)` to the same shape; the mask is that of `MultiHeadAttention`."""
        for layer in self.layers:
            x = _checkpointed(layer, self.checkpoint)(x, mask)
        return self.ln(x)


class TransformerDecoderLayer(Module):
    """As `TransformerEncoderLayer`, with attention to a memory between its two parts.

    Args:
        dims: The number of features.
        num_heads: The number of heads of attention.
        mlp_dims: The size of the hidden layer; `4 * dims` by default.
        dropout: The probability of dropout, after each attention and after the hidden layer.
        activation: Applied to the hidden layer.
        norm_first: Normalize the input of each residual branch instead of each sum.

    Raises:
        ValueError: `dims` is no multiple of `num_heads`

    Example:
        >>> layer = nn.TransformerDecoderLayer(16, num_heads=4)
        >>> x, memory = mx.zeros((1, 5, 16)), mx.zeros((1, 7, 16))
        >>> layer(x, memory, x_mask=None, memory_mask=None).shape
        (1, 5, 16)
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        mlp_dims: Optional[int] = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
    ):
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.self_attention = MultiHeadAttention(dims, num_heads)
        self.cross_attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.ln3 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def __call__(
        self,
        x: mx.array,
        memory: mx.array,
        x_mask: Optional[mx.array],
        memory_mask: Optional[mx.array],
    ) -> mx.array:
        """From `(N, L, dims)` and a memory `(N, S, dims)` to `(N, L, dims)`.

        The masks are those of `MultiHeadAttention`, for the attention to `x` and to the memory.
        """

        def attend(y):
            return self.dropout1(self.self_attention(y, y, y, x_mask))

        def recall(y):
            return self.dropout2(self.cross_attention(y, memory, memory, memory_mask))

        def mlp(y):
            return self.linear2(self.dropout3(self.activation(self.linear1(y))))

        if self.norm_first:
            x = x + attend(self.ln1(x))
            x = x + recall(self.ln2(x))
            return x + mlp(self.ln3(x))
        x = self.ln1(x + attend(x))
        x = self.ln2(x + recall(x))
        return self.ln3(x + mlp(x))


class TransformerDecoder(Module):
    """Several `TransformerDecoderLayer`, then a `LayerNorm`.

    Args:
        num_layers: The number of layers.
        dims: The number of features.
        num_heads: The number of heads of attention.
        mlp_dims: The size of the hidden layers; `4 * dims` by default.
        dropout: The probability of dropout.
        activation: Applied to the hidden layers.
        norm_first: See `TransformerEncoderLayer`.
        checkpoint: Recompute each layer in the backward pass to save memory.

    Example:
        >>> decoder = nn.TransformerDecoder(num_layers=2, dims=16, num_heads=4)
        >>> x, memory = mx.zeros((1, 5, 16)), mx.zeros((1, 7, 16))
        >>> decoder(x, memory, x_mask=None, memory_mask=None).shape
        (1, 5, 16)
    """

    def __init__(
        self,
        num_layers: int,
        dims: int,
        num_heads: int,
        mlp_dims: Optional[int] = None,
        dropout: float = 0.0,
        activation=relu,
        norm_first: bool = True,
        checkpoint: bool = False,
    ):
        super().__init__()
        options = (dims, num_heads, mlp_dims, dropout, activation, norm_first)
        self.layers = [TransformerDecoderLayer(*options) for _ in range(num_layers)]
        self.ln = LayerNorm(dims)
        self.checkpoint = checkpoint

    def __call__(
        self,
        x: mx.array,
        memory: mx.array,
        x_mask: Optional[mx.array],
        memory_mask: Optional[mx.array],
    ) -> mx.array:
        """As each `TransformerDecoderLayer`."""
        for layer in self.layers:
            x = _checkpointed(layer, self.checkpoint)(x, memory, x_mask, memory_mask)
        return self.ln(x)


class Transformer(Module):
    """An encoder of the source, and a decoder of the target that attends to the result.

    Args:
        dims: The number of features.
        num_heads: The number of heads of attention.
        num_encoder_layers: The number of layers of the encoder.
        num_decoder_layers: The number of layers of the decoder.
        mlp_dims: The size of the hidden layers; `4 * dims` by default.
        dropout: The probability of dropout.
        activation: Applied to the hidden layers.
        custom_encoder: A module to use as encoder.
        custom_decoder: A module to use as decoder.
        norm_first: See `TransformerEncoderLayer`.
        checkpoint: Recompute each layer in the backward pass to save memory.

    Example:
        >>> model = nn.Transformer(16, 2, num_encoder_layers=1, num_decoder_layers=1)
        >>> source, target = mx.zeros((1, 7, 16)), mx.zeros((1, 5, 16))
        >>> model(source, target, src_mask=None, tgt_mask=None, memory_mask=None).shape
        (1, 5, 16)
    """

    def __init__(
        self,
        dims: int = 512,
        num_heads: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        mlp_dims: Optional[int] = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        custom_encoder: Optional[Any] = None,
        custom_decoder: Optional[Any] = None,
        norm_first: bool = True,
        checkpoint: bool = False,
    ):
        super().__init__()
        options = (dims, num_heads, mlp_dims, dropout, activation, norm_first, checkpoint)
        if custom_encoder is None:
            custom_encoder = TransformerEncoder(num_encoder_layers, *options)
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(num_decoder_layers, *options)
        self.encoder = custom_encoder
        self.decoder = custom_decoder

    def __call__(
        self,
        src: mx.array,
        tgt: mx.array,
        src_mask: Optional[mx.array],
        tgt_mask: Optional[mx.array],
        memory_mask: Optional[mx.array],
    ) -> mx.array:
        """From a source `(N, S, dims)` and a target `(N, L, dims)` to `(N, L, dims)`.

        The masks are those of `MultiHeadAttention`: source to source, target to target, target to
        source.
        """
        memory = self.encoder(src, src_mask)
        return self.decoder(tgt, memory, tgt_mask, memory_mask)
