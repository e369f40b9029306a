"""Vectors for numbered things."""

import math
from typing import Optional

import mlx.core as mx

from .base import Module, check_sizes
from .quantized import QuantizedEmbedding


class Embedding(Module):
    """Looks up a learned vector for each integer.

    Args:
        num_embeddings: The number of vectors; the inputs are integers below it.
        dims: The size of each vector.

    Parameters: `weight` of shape `(num_embeddings, dims)`, normal with deviation `1 / sqrt(dims)`.

    Raises:
        ValueError: a size is negative

    Example:
        >>> nn.Embedding(100, 8)(mx.array([[5, 7, 5]])).shape
        (1, 3, 8)
    """

    def __init__(self, num_embeddings: int, dims: int):
        super().__init__()
        check_sizes(self, {"dims": dims}, {"num_embeddings": num_embeddings})
        self.weight = mx.random.normal((num_embeddings, dims), scale=math.sqrt(1 / dims))

    def _extra_repr(self):
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}"

    def __call__(self, x: mx.array) -> mx.array:
        """From integers of shape `(...)` to vectors of shape `(..., dims)`."""
        return self["weight"][x]

    def as_linear(self, x: mx.array) -> mx.array:
        """`x W^T`: from vectors `(..., dims)` to scores `(..., num_embeddings)`.

        Language models often use the same matrix at the input and the output (Press and Wolf 2016).
        """
        return x @ self["weight"].T

    def to_quantized(
        self,
        group_size: Optional[int] = None,
        bits: Optional[int] = None,
        mode: str = "affine",
        quantize_input: bool = False,
    ):
        """A `QuantizedEmbedding` that approximates this one.

        Args:
            group_size: The number of weights that share a scale; None for the mode's default.
            bits: The bits of each weight; None for the mode's default.
            mode: The kind of quantization, see `mlx.core.quantize`.
            quantize_input: Must be false: the inputs are integers.
        """
        from .quantized import QuantizedEmbedding

        if quantize_input:
            raise ValueError("Quantized input is not supported.")
        return QuantizedEmbedding.from_embedding(self, group_size, bits, mode)
