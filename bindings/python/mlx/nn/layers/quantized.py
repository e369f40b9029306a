"""Layers with quantized weights, and the conversion of whole models."""

import math
from typing import Callable, Optional, Union

import mlx.core as mx

from ...utils import tree_map_with_path
from .base import Module

# The group size and bits that a mode takes unless told otherwise.
_DEFAULTS = {"affine": (64, 4), "mxfp4": (32, 4), "nvfp4": (16, 4), "mxfp8": (32, 8)}

# The types of blocks of GGUF files, which hold their scales, as modes.
_BLOCKS = frozenset(
    "q4_0 q4_1 q5_0 q5_1 q8_0 q8_1 q2_k q3_k q4_k q5_k q6_k q8_k iq1_s iq1_m iq2_xxs iq2_xs iq2_s "
    "iq3_xxs iq3_s iq4_nl iq4_xs tq1_0 tq2_0 q1_0 mxfp4_gguf nvfp4_gguf".split()
)


def quantization_of(mode, group_size, bits):
    """Group size and bits, where None means the mode's default; blocks have their own: None."""
    if mode in _BLOCKS:
        if group_size or bits:
            raise ValueError(f"Mode '{mode}' has neither bits nor a group size to choose.")
        return None, None
    if mode not in _DEFAULTS:
        modes = ", ".join(_DEFAULTS)
        raise ValueError(f"Invalid quantization mode '{mode}'. Valid modes are: {modes}.")
    default_group_size, default_bits = _DEFAULTS[mode]
    return group_size or default_group_size, bits or default_bits


def store_quantized(layer, weight):
    """Set the layer's `weight`, `scales` and `biases`; modes without biases have None, and blocks
    are a weight alone."""
    if layer.mode in _BLOCKS:
        (layer.weight,) = mx.quantize(weight, mode=layer.mode)
        return
    layer.weight, layer.scales, *biases = mx.quantize(
        weight, layer.group_size, layer.bits, mode=layer.mode
    )
    layer.biases = biases[0] if biases else None


def times_quantized(layer, x):
    """`x W^T` with the layer's quantized weight."""
    if layer.mode in _BLOCKS:
        return mx.quantized_matmul(x, layer["weight"], mode=layer.mode)
    return mx.quantized_matmul(
        x,
        layer["weight"],
        scales=layer["scales"],
        biases=layer.get("biases"),
        transpose=True,
        group_size=layer.group_size,
        bits=layer.bits,
        mode=layer.mode,
    )


def describe(layer):
    """The end of a quantized layer's repr."""
    if layer.mode in _BLOCKS:
        return f"mode={layer.mode}"
    return f"group_size={layer.group_size}, bits={layer.bits}, mode={layer.mode}"


def input_dims(layer):
    """The size of the last axis that the layer's quantized weight stands for."""
    if layer.mode in _BLOCKS:
        return mx.dequantize(layer.weight, mode=layer.mode).shape[-1]  # which is not computed
    return layer.weight.shape[-1] * 32 // layer.bits


def of_blocks(layer, weight, mode):
    """A layer that has not been initialized, around blocks."""
    if mode not in _BLOCKS:
        raise ValueError(
            f"Mode '{mode}' is none of blocks, which are " + ", ".join(sorted(_BLOCKS))
        )
    Module.__init__(layer)
    layer.group_size, layer.bits, layer.mode = None, None, mode
    layer.weight = weight
    return layer


def quantize(
    model: Module,
    group_size: int = None,
    bits: int = None,
    *,
    mode: str = "affine",
    quantize_input: bool = False,
    class_predicate: Optional[Callable[[str, Module], Union[bool, dict]]] = None,
):
    """Replace layers below `model` by quantized ones: those that have a method `to_quantized`.

    Args:
        model: The model, which is changed.
        group_size: The number of weights that share a scale; None for the mode's default.
        bits: The bits of each weight; None for the mode's default.
        mode: The kind of quantization, see `mlx.core.quantize`; the types of GGUF's blocks ("q4_k")
            are modes, too, without group size and bits.
        quantize_input: Quantize the layers' inputs as well, see `Linear.to_quantized`.
        class_predicate: Called with the path of each leaf module and the module. It returns whether
            to quantize it, or a dict of arguments for its `to_quantized`.

    Raises:
        ValueError: `class_predicate` gives something else, or a layer has no `to_quantized`

    Example:
        >>> model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))
        >>> nn.quantize(model, bits=8, class_predicate=lambda path, m: path == "layers.0")
        >>> type(model.layers[0]).__name__, type(model.layers[2]).__name__
        ('QuantizedLinear', 'Linear')
    """
    wanted = class_predicate or (lambda _, module: hasattr(module, "to_quantized"))
    options = {"group_size": group_size, "bits": bits, "mode": mode}
    if quantize_input:
        options["quantize_input"] = True

    def convert(path, module):
        answer = wanted(path, module)
        if not answer:
            return module
        if not isinstance(answer, (bool, dict)):
            raise ValueError(
                "``class_predicate`` must return a bool or a dict of parameters to pass to "
                "``to_quantized``"
            )
        if not hasattr(module, "to_quantized"):
            raise ValueError(f"Unable to quantize model of type {type(module)}")
        return module.to_quantized(**(answer if isinstance(answer, dict) else options))

    leaves = tree_map_with_path(convert, model.leaf_modules(), is_leaf=Module.is_module)
    model.update_modules(leaves)


class QuantizedEmbedding(Module):
    """An `Embedding` with quantized vectors, frozen.

    Args:
        num_embeddings: The number of vectors; the inputs are integers below it.
        dims: The size of each vector.
        group_size: The number of weights that share a scale; None for the mode's default.
        bits: The bits of each weight; None for the mode's default.
        mode: The kind of quantization, see `mlx.core.quantize`.

    Example:
        >>> nn.QuantizedEmbedding(100, 64, bits=8)(mx.array([5, 7])).shape
        (2, 64)
    """

    def __init__(
        self,
        num_embeddings: int,
        dims: int,
        group_size: int = None,
        bits: int = None,
        mode: str = "affine",
    ):
        super().__init__()
        self.group_size, self.bits = quantization_of(mode, group_size, bits)
        self.mode = mode
        self.num_embeddings = num_embeddings
        self.dims = dims
        self.dtype = mx.float32
        scale = math.sqrt(1 / dims)
        store_quantized(self, mx.random.normal((num_embeddings, dims), scale=scale))
        self.freeze()

    def __call__(self, x: mx.array) -> mx.array:
        """From integers of shape `(...)` to vectors of shape `(..., dims)`."""
        x = x if isinstance(x, mx.array) else mx.array(x)
        return self._vectors(x.reshape(-1)).reshape(*x.shape, self.dims)

    def _vectors(self, rows):
        weight, biases = self["weight"][rows], self.get("biases")
        if self.mode in _BLOCKS:
            return mx.dequantize(weight, mode=self.mode, dtype=self.dtype)
        return mx.dequantize(
            weight,
            scales=self["scales"][rows],
            biases=None if biases is None else biases[rows],
            group_size=self.group_size,
            bits=self.bits,
            mode=self.mode,
        )

    def as_linear(self, x: mx.array) -> mx.array:
        """`x W^T`: the scores of vectors `(..., dims)` against all embeddings."""
        return times_quantized(self, x)

    def _extra_repr(self):
        return f"{self.num_embeddings}, {self.dims}, {describe(self)}"

    @classmethod
    def from_embedding(
        cls,
        embedding_layer: Module,
        group_size: int = None,
        bits: int = None,
        mode: str = "affine",
    ):
        """Quantize an `Embedding`; the arguments are those of the constructor."""
        layer = cls(*embedding_layer.weight.shape, group_size, bits, mode=mode)
        layer.dtype = embedding_layer.weight.dtype
        store_quantized(layer, embedding_layer.weight)
        return layer

    @classmethod
    def from_blocks(cls, weight: mx.array, mode: str, dtype: mx.Dtype = mx.float32):
        """Vectors as they lie in a GGUF file: blocks of a mode, uint8 `(num_embeddings, bytes)`.

        They are used where they are; `dtype` is that of the outputs.
        """
        layer = of_blocks(cls.__new__(cls), weight, mode)
        layer.num_embeddings, layer.dims = weight.shape[0], input_dims(layer)
        layer.dtype = dtype
        return layer.freeze()


class QuantizedLinear(Module):
    """A `Linear` with quantized weights: `y = x W^T + b`. All parameters begin frozen.

    Args:
        input_dims: The size of the input's last axis, a multiple of the group size.
        output_dims: The size of the output's last axis.
        bias: Whether to add `b`, which is not quantized.
        group_size: The number of weights that share a scale; None for the mode's default.
        bits: The bits of each weight; None for the mode's default.
        mode: The kind of quantization, see `mlx.core.quantize`.

    Example:
        >>> layer = nn.Linear(64, 32)
        >>> near = nn.QuantizedLinear.from_linear(layer, bits=8)
        >>> x = mx.random.normal((1, 64))
        >>> mx.abs(near(x) - layer(x)).max().item() < 0.05
        True
    """

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int = None,
        bits: int = None,
        mode: str = "affine",
    ):
        super().__init__()
        self.group_size, self.bits = quantization_of(mode, group_size, bits)
        self.mode = mode
        scale = math.sqrt(1 / input_dims)
        store_quantized(self, mx.random.uniform(-scale, scale, (output_dims, input_dims)))
        if bias:
            self.bias = mx.zeros((output_dims,))
        self.freeze()

    def _extra_repr(self):
        return (
            f"input_dims={input_dims(self)}, output_dims={self.weight.shape[0]}, "
            f"bias={'bias' in self}, {describe(self)}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = times_quantized(self, x)
        return y + self["bias"] if "bias" in self else y

    @classmethod
    def from_linear(
        cls,
        linear_layer: Module,
        group_size: int = None,
        bits: int = None,
        mode: str = "affine",
    ):
        """Quantize a `Linear`; the arguments are those of the constructor.

        The bias stays trainable.
        """
        output_dims, input_dims = linear_layer.weight.shape
        layer = cls(input_dims, output_dims, False, group_size, bits, mode=mode)
        store_quantized(layer, linear_layer.weight)
        if "bias" in linear_layer:
            layer.bias = linear_layer.bias
        return layer

    @classmethod
    def from_blocks(cls, weight: mx.array, mode: str, bias: Optional[mx.array] = None):
        """A weight as it lies in a GGUF file: blocks of a mode, uint8 `(output_dims, bytes)`.

        They are used where they are.

        >>> blocks = mx.quantize(mx.random.normal((8, 256)), mode="q4_k")[0]
        >>> nn.QuantizedLinear.from_blocks(blocks, "q4_k")
        QuantizedLinear(input_dims=256, output_dims=8, bias=False, mode=q4_k)
        """
        layer = of_blocks(cls.__new__(cls), weight, mode)
        if bias is not None:
            layer.bias = bias
        return layer.freeze()


class QQLinear(Module):
    """A `Linear` without bias whose input and weight are both quantized when they are multiplied.

    In training mode the weight is kept in full and has a gradient; in evaluation mode it is kept
    quantized.

    Args:
        input_dims: The size of the input's last axis, a multiple of the group size.
        output_dims: The size of the output's last axis.
        group_size: The number of weights that share a scale; None for the mode's default.
        bits: The bits of each weight; None for the mode's default.
        mode: The kind of quantization, `"nvfp4"` or `"mxfp8"`, see `mlx.core.quantize`.

    Example:
        >>> nn.QQLinear(64, 32)(mx.zeros((1, 64))).shape
        (1, 32)
    """

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        group_size: int = None,
        bits: int = None,
        mode: str = "nvfp4",
    ):
        super().__init__()
        self.group_size, self.bits = quantization_of(mode, group_size, bits)
        self.mode = mode
        scale = math.sqrt(1 / input_dims)
        self.weight = mx.random.uniform(-scale, scale, (output_dims, input_dims))
        self._quantized = False

    def _extra_repr(self):
        output_dims, input_dims = self.weight.shape
        if self._quantized:
            input_dims = input_dims * 32 // self.bits
        return f"input_dims={input_dims}, output_dims={output_dims}, {describe(self)}"

    def quantize(self) -> None:
        """Keep the weight quantized from now on."""
        if not self._quantized:
            self.weight, self.scales = mx.quantize(
                self.weight, self.group_size, self.bits, mode=self.mode
            )
            self._quantized = True

    def dequantize(self) -> None:
        """Keep the weight in full from now on, in bfloat16 if it was quantized."""
        if self._quantized:
            self.weight = mx.dequantize(
                self.weight,
                self.scales,
                group_size=self.group_size,
                bits=self.bits,
                mode=self.mode,
            )
            del self.scales
            self._quantized = False

    def _set_training(self, mode):
        super()._set_training(mode)
        if mode:
            self.dequantize()
        else:
            self.quantize()

    def __call__(self, x: mx.array) -> mx.array:
        return mx.qqmm(
            x,
            self["weight"],
            scales=self.get("scales"),
            group_size=self.group_size,
            bits=self.bits,
            mode=self.mode,
        )

    @classmethod
    def from_linear(
        cls,
        linear_layer: Module,
        group_size: int = None,
        bits: int = None,
        mode: str = "nvfp4",
    ):
        """Take the weight of a `Linear` without bias, and its mode of training or evaluation."""
        if "bias" in linear_layer:
            raise NotImplementedError("QQLinear does not support bias yet.")
        output_dims, input_dims = linear_layer.weight.shape
        layer = cls(input_dims, output_dims, group_size, bits, mode=mode)
        layer.weight = linear_layer.weight
        layer.train(linear_layer.training)
        return layer
