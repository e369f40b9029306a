"""Affine maps of the last axis."""

import math
from typing import Any, Optional

import mlx.core as mx

from .base import Module, check_sizes
from .quantized import QQLinear, QuantizedLinear


class Identity(Module):
    """Returns its argument; takes any arguments, so that it can stand in for another module.

    Args:
        args: Not used.
        kwargs: Not used.

    Example:
        >>> nn.Identity(3, bias=False)(mx.array([1, 2]))
        array([1, 2], dtype=int32)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __call__(self, x: mx.array) -> mx.array:
        return x


class Linear(Module):
    """`y = x W^T + b`.

    Args:
        input_dims: The size of the input's last axis.
        output_dims: The size of the output's last axis.
        bias: Whether to add `b`.

    Parameters, drawn uniformly from `[-s, s)` with `s = 1 / sqrt(input_dims)`: `weight` of shape
    `(output_dims, input_dims)`, `bias` of shape `(output_dims,)`.

    Raises:
        ValueError: a size is negative, or 0 where weights are scaled by it

    Example:
        >>> nn.Linear(2, 3)(mx.zeros((4, 2))).shape
        (4, 3)
    """

    def __init__(self, input_dims: int, output_dims: int, bias: bool = True) -> None:
        super().__init__()
        check_sizes(self, {"input_dims": input_dims}, {"output_dims": output_dims})
        scale = math.sqrt(1.0 / input_dims)
        self.weight = mx.random.uniform(-scale, scale, (output_dims, input_dims))
        if bias:
            self.bias = mx.random.uniform(-scale, scale, (output_dims,))

    def _extra_repr(self) -> str:
        output_dims, input_dims = self.weight.shape
        return f"input_dims={input_dims}, output_dims={output_dims}, bias={'bias' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        if "bias" in self:
            return mx.addmm(self["bias"], x, self["weight"].T)
        return x @ self["weight"].T

    def to_quantized(
        self,
        group_size: Optional[int] = None,
        bits: Optional[int] = None,
        mode: str = "affine",
        quantize_input: bool = False,
    ):
        """A quantized layer that approximates this one.

        Args:
            group_size: The number of weights that share a scale; None for the mode's default.
            bits: The bits of each weight; None for the mode's default.
            mode: The kind of quantization, see `mlx.core.quantize`.
            quantize_input: Quantize the input as well; only for a layer without bias and modes
                `"nvfp4"`, `"mxfp8"`.

        Returns:
            A `QuantizedLinear`, or with `quantize_input` a `QQLinear`.
        """
        from .quantized import QQLinear, QuantizedLinear

        if not quantize_input:
            return QuantizedLinear.from_linear(self, group_size, bits, mode)
        if mode not in ("nvfp4", "mxfp8"):
            raise ValueError(
                "Quantized activations are only supported for 'nvfp4' and 'mxfp8' modes, "
                f"got {mode}."
            )
        return QQLinear.from_linear(self, group_size, bits, mode)


class Bilinear(Module):
    """`y_k = x1^T W_k x2 + b_k`.

    Args:
        input1_dims: The size of the last axis of `x1`.
        input2_dims: The size of the last axis of `x2`.
        output_dims: The size of the output's last axis.
        bias: Whether to add `b`.

    Parameters, drawn uniformly from `[-s, s)` with `s = 1 / sqrt(input1_dims)`: `weight` of shape
    `(output_dims, input2_dims, input1_dims)`, `bias` of shape `(output_dims,)`.

    Raises:
        ValueError: a size is negative, or 0 where weights are scaled by it

    Example:
        >>> nn.Bilinear(2, 3, 4)(mx.zeros((5, 2)), mx.zeros((5, 3))).shape
        (5, 4)
    """

    def __init__(
        self, input1_dims: int, input2_dims: int, output_dims: int, bias: bool = True
    ) -> None:
        super().__init__()
        outer = {"input2_dims": input2_dims, "output_dims": output_dims}
        check_sizes(self, {"input1_dims": input1_dims}, outer)
        scale = math.sqrt(1.0 / input1_dims)
        self.weight = mx.random.uniform(-scale, scale, (output_dims, input2_dims, input1_dims))
        if bias:
            self.bias = mx.random.uniform(-scale, scale, (output_dims,))

    def _extra_repr(self) -> str:
        output_dims, input2_dims, input1_dims = self.weight.shape
        return (
            f"input1_dims={input1_dims}, input2_dims={input2_dims}, "
            f"output_dims={output_dims}, bias={'bias' in self}"
        )

    def __call__(self, x1: mx.array, x2: mx.array) -> mx.array:
        output_dims, input2_dims, input1_dims = self.weight.shape
        # (..., in1) @ (in1, out * in2) -> (..., out, in2), then the product with x2
        y = x1 @ self.weight.reshape(output_dims * input2_dims, input1_dims).T
        y = mx.unflatten(y, -1, (output_dims, input2_dims))
        y = (y @ x2[..., None]).squeeze(-1)
        return y + self.bias if "bias" in self else y
