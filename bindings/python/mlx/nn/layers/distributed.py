"""Layers whose parameters lie in pieces on the processes of a group.

A linear map is divided by its outputs (*all to sharded*: every process has the whole input and
computes its share of the output) or by its inputs (*sharded to all*: every process multiplies its
share of the input, and the products are summed). One after the other, with anything elementwise in
between, they need one exchange (Shoeybi et al. 2019).
"""

import math
from functools import lru_cache
from typing import Any, Callable, Optional, Union

import mlx.core as mx

from ...utils import tree_flatten, tree_map_with_path, tree_unflatten
from .base import Module
from .quantized import (
    QuantizedLinear,
    describe,
    input_dims,
    store_quantized,
    times_quantized,
)

# What mlx.nn does not have as well.
__all__ = ["shard_inplace", "shard_linear", "sum_gradients"]


@lru_cache
def sum_gradients(group: Any) -> Callable:
    """The identity function, whose derivative is summed over the group.

    Args:
        group: The processes.

    Returns:
        Callable: A function of one array.

    Example:
        >>> alone = mx.distributed.init()
        >>> sharded.sum_gradients(alone)(mx.array([1, 2]))
        array([1, 2], dtype=int32)
    """
    if group.size() == 1:
        return lambda x: x

    @mx.custom_function
    def identity(x):
        return x

    @identity.vjp
    def identity_vjp(x, cotangent, _):
        return mx.distributed.all_sum(cotangent, group=group)

    return identity


def _group_or_world(group):
    return group or mx.distributed.init()


def _share(size, group, what):
    """The share of one process in `size`."""
    if size % group.size() != 0:
        raise ValueError(f"Cannot shard the {what} of size {size} across {group.size()} devices.")
    return size // group.size()


# Dividing arrays

_AXES = {"all-to-sharded": 0, "sharded-to-all": -1}


def _axis_of(sharding):
    if sharding not in _AXES:
        raise ValueError(
            f"Sharding type {sharding=} not supported, "
            "choose one of 'all-to-sharded' or 'sharded-to-all'"
        )
    return _AXES[sharding]


def _segments_of(array, segments, axis):
    """The parts that are divided each on its own: so many equal ones, or those between indices.

    Indices below 1 that are no integers count in units of the axis's size.
    """
    if isinstance(segments, int):
        return mx.split(array, segments, axis=axis)
    size = array.shape[axis]
    indices = [int(s * size) if isinstance(s, float) and s < 1 else int(s) for s in segments]
    return mx.split(array, indices, axis=axis)


def _piece(array, axis, segments, group):
    """This process's piece of an array: its share of each segment, contiguous."""
    rank, parts = group.rank(), []
    for segment in _segments_of(array, segments, axis):
        _share(segment.shape[axis], group, f"axis {axis}")
        parts.append(mx.split(segment, group.size(), axis=axis)[rank])
    return mx.contiguous(mx.concatenate(parts, axis=axis))


def _shard_parameters(parameters, rule, group):
    """A tree of pieces; `rule(path, array)` returns an axis, (axis, segments), or None to copy."""

    def shard(path, array):
        answer = rule(path, array)
        if answer is None:
            return array
        axis, segments = answer if isinstance(answer, tuple) else (answer, 1)
        return _piece(array, axis, segments, group)

    return tree_map_with_path(shard, parameters)


def _linear_rule(sharding, segments):
    """How the parameters of a linear layer, quantized or not, are divided."""
    axis = _axis_of(sharding)

    def rule(path, array):
        if path.endswith("bias"):
            return (0, segments) if axis == 0 else None
        return (max(array.ndim - 2, 0) if axis == 0 else -1), segments

    return rule


def shard_inplace(
    module: Module,
    sharding: Union[str, Callable],
    *,
    segments: Union[int, list] = 1,
    group: Optional[mx.distributed.Group] = None,
):
    """Replace a module's parameters by this process's pieces of them.

    The module itself is not changed: it has to know how to exchange what it needs.

    Args:
        module: The module.
        sharding: `"all-to-sharded"`, `"sharded-to-all"`, or a function of a parameter's path and
            value that returns the axis to divide, a pair of the axis and segments, or None to leave
            it whole.
        segments: How many parts, or the indices between the parts, that are each divided on their
            own, for instance 3 where queries, keys and values are one matrix.
        group: The processes; by default all.

    Raises:
        ValueError: there is no such sharding, or an axis that is no multiple of the group's size

    Example:
        >>> layer = nn.Linear(8, 4)
        >>> sharded.shard_inplace(layer, "all-to-sharded")
        >>> layer.weight.shape  # alone, the piece is all
        (4, 8)
    """
    rule = sharding if callable(sharding) else _linear_rule(sharding, segments)
    module.update(_shard_parameters(module.parameters(), rule, _group_or_world(group)))


def shard_linear(
    module: Module,
    sharding: str,
    *,
    segments: Union[int, list] = 1,
    group: Optional[mx.distributed.Group] = None,
):
    """A layer that is this process's piece of a linear layer and exchanges what is needed.

    Args:
        module: A `Linear` or `QuantizedLinear`.
        sharding: `"all-to-sharded"` or `"sharded-to-all"`.
        segments: See `shard_inplace`.
        group: The processes; by default all.

    Returns:
        Module: An `AllToShardedLinear`, a `ShardedToAllLinear`, or the quantized layer of its kind.

    Raises:
        ValueError: there is no such sharding, or an axis that is no multiple of the group's size

    Example:
        >>> layer = nn.Linear(8, 4)
        >>> piece = sharded.shard_linear(layer, "sharded-to-all")
        >>> x = mx.ones((2, 8))
        >>> mx.allclose(piece(x), layer(x)).item()
        True
    """
    _axis_of(sharding)
    if isinstance(module, QuantizedLinear):
        classes = (QuantizedAllToShardedLinear, QuantizedShardedToAllLinear)
        make = [cls.from_quantized_linear for cls in classes]
    else:
        make = [cls.from_linear for cls in (AllToShardedLinear, ShardedToAllLinear)]
    make = make[0 if sharding == "all-to-sharded" else 1]
    return make(module, segments=segments, group=group)


# Linear layers


class AllToShardedLinear(Module):
    """A `Linear` divided by its outputs: `(..., input_dims)` to `(..., output_dims / N)`.

    In the backward pass the gradient of the input is summed over the group.

    Args:
        input_dims: The size of the input's last axis.
        output_dims: The size of all outputs together, a multiple of the group's size `N`.
        bias: Whether to add a bias.
        group: The processes; by default all.

    Parameters as `Linear`: `weight` of shape `(output_dims / N, input_dims)`, `bias` of shape
    `(output_dims / N,)`.

    Raises:
        ValueError: `output_dims` is no multiple of the group's size

    Example:
        >>> layer = nn.AllToShardedLinear(4, 6)  # a group of one process has all of it
        >>> layer(mx.zeros((2, 4))).shape
        (2, 6)
    """

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group: Optional[mx.distributed.Group] = None,
    ):
        super().__init__()
        self.group = _group_or_world(group)
        output_dims = _share(output_dims, self.group, "output")
        scale = math.sqrt(1.0 / input_dims)
        self.weight = mx.random.uniform(-scale, scale, (output_dims, input_dims))
        if bias:
            self.bias = mx.random.uniform(-scale, scale, (output_dims,))

    def _extra_repr(self) -> str:
        output_dims, input_dims = self.weight.shape
        output_dims *= self.group.size()
        return f"input_dims={input_dims}, output_dims={output_dims}, bias={'bias' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        x = sum_gradients(self.group)(x)
        if "bias" in self:
            return mx.addmm(self["bias"], x, self["weight"].T)
        return x @ self["weight"].T

    @classmethod
    def from_linear(
        cls,
        linear_layer: Module,
        *,
        segments: Union[int, list] = 1,
        group: Optional[mx.distributed.Group] = None,
    ):
        """This process's piece of a `Linear`; `segments` is explained at `shard_inplace`."""
        group = _group_or_world(group)
        output_dims, input_dims = linear_layer.weight.shape
        layer = cls(input_dims, output_dims, "bias" in linear_layer, group)
        rule = _linear_rule("all-to-sharded", segments)
        layer.update(_shard_parameters(linear_layer.parameters(), rule, group))
        return layer


class ShardedToAllLinear(Module):
    """A `Linear` divided by its inputs: `(..., input_dims / N)` to `(..., output_dims)`.

    The products are summed over the group.

    Args:
        input_dims: The size of all inputs together, a multiple of the group's size `N`.
        output_dims: The size of the output's last axis.
        bias: Whether to add a bias.
        group: The processes; by default all.

    Parameters as `Linear`: `weight` of shape `(output_dims, input_dims / N)`, `bias` of shape
    `(output_dims,)`.

    Raises:
        ValueError: `input_dims` is no multiple of the group's size

    Example:
        >>> layer = nn.ShardedToAllLinear(4, 6)  # a group of one process has all of it
        >>> layer(mx.zeros((2, 4))).shape
        (2, 6)
    """

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group: Optional[mx.distributed.Group] = None,
    ):
        super().__init__()
        self.group = _group_or_world(group)
        scale = math.sqrt(1.0 / input_dims)
        input_dims = _share(input_dims, self.group, "input")
        self.weight = mx.random.uniform(-scale, scale, (output_dims, input_dims))
        if bias:
            self.bias = mx.random.uniform(-scale, scale, (output_dims,))

    def _extra_repr(self) -> str:
        output_dims, input_dims = self.weight.shape
        input_dims *= self.group.size()
        return f"input_dims={input_dims}, output_dims={output_dims}, bias={'bias' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.distributed.all_sum(x @ self["weight"].T, group=self.group)
        return y + self["bias"] if "bias" in self else y

    @classmethod
    def from_linear(
        cls,
        linear_layer: Module,
        *,
        segments: Union[int, list] = 1,
        group: Optional[mx.distributed.Group] = None,
    ):
        """This process's piece of a `Linear`; `segments` is explained at `shard_inplace`."""
        group = _group_or_world(group)
        output_dims, input_dims = linear_layer.weight.shape
        layer = cls(input_dims, output_dims, "bias" in linear_layer, group)
        rule = _linear_rule("sharded-to-all", segments)
        layer.update(_shard_parameters(linear_layer.parameters(), rule, group))
        return layer


class _QuantizedPiece(Module):
    """This process's piece of a quantized linear layer; always frozen."""

    def __init__(self, group, group_size, bits, mode):
        super().__init__()
        self.group = _group_or_world(group)
        self.group_size, self.bits, self.mode = group_size, bits, mode

    def _begin(self, scale, input_dims, output_dims, bias):
        store_quantized(self, mx.random.uniform(-scale, scale, (output_dims, input_dims)))
        if bias:
            self.bias = mx.zeros((output_dims,))
        self.freeze()

    def unfreeze(self, *args: Any, **kwargs: Any) -> Module:
        """Does nothing: quantized weights are not trained."""
        super().unfreeze(*args, **kwargs)
        return self.freeze(recurse=False)


class QuantizedAllToShardedLinear(_QuantizedPiece):
    """A `QuantizedLinear` divided by its outputs, as `AllToShardedLinear`; always frozen.

    Args:
        input_dims: The size of the input's last axis.
        output_dims: The size of all outputs together, a multiple of the group's size.
        bias: Whether to add a bias.
        group_size: The number of weights that share a scale.
        bits: The bits of each weight.
        mode: The kind of quantization, see `mlx.core.quantize`.
        group: The processes; by default all.

    Raises:
        ValueError: `output_dims` is no multiple of the group's size

    Example:
        >>> nn.QuantizedAllToShardedLinear(64, 32)(mx.zeros((1, 64))).shape
        (1, 32)
    """

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int = 64,
        bits: int = 4,
        mode: str = "affine",
        group: Optional[mx.distributed.Group] = None,
    ):
        super().__init__(group, group_size, bits, mode)
        scale = math.sqrt(1.0 / input_dims)
        output_dims = _share(output_dims, self.group, "output")
        self._begin(scale, input_dims, output_dims, bias)

    def _extra_repr(self) -> str:
        output_dims = self.weight.shape[0]
        return (
            f"input_dims={input_dims(self)}, "
            f"output_dims={output_dims * self.group.size()}, "
            f"bias={'bias' in self}, {describe(self)}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = times_quantized(self, sum_gradients(self.group)(x))
        return y + self["bias"] if "bias" in self else y

    @classmethod
    def from_quantized_linear(
        cls,
        quantized_linear_layer: Module,
        *,
        segments: Union[int, list] = 1,
        group: Optional[mx.distributed.Group] = None,
    ):
        """This process's piece of a `QuantizedLinear`; see `shard_inplace` for `segments`."""
        return _from_quantized(cls, quantized_linear_layer, "all-to-sharded", segments, group)


class QuantizedShardedToAllLinear(_QuantizedPiece):
    """A `QuantizedLinear` divided by its inputs, as `ShardedToAllLinear`; always frozen.

    Args:
        input_dims: The size of all inputs together, a multiple of the group's size.
        output_dims: The size of the output's last axis.
        bias: Whether to add a bias.
        group_size: The number of weights that share a scale.
        bits: The bits of each weight.
        mode: The kind of quantization, see `mlx.core.quantize`.
        group: The processes; by default all.

    Raises:
        ValueError: `input_dims` is no multiple of the group's size

    Example:
        >>> nn.QuantizedShardedToAllLinear(64, 32)(mx.zeros((1, 64))).shape
        (1, 32)
    """

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int = 64,
        bits: int = 4,
        mode: str = "affine",
        group: Optional[mx.distributed.Group] = None,
    ):
        super().__init__(group, group_size, bits, mode)
        scale = math.sqrt(1.0 / input_dims)
        input_dims = _share(input_dims, self.group, "input")
        self._begin(scale, input_dims, output_dims, bias)

    def _extra_repr(self) -> str:
        output_dims = self.weight.shape[0]
        return (
            f"input_dims={input_dims(self) * self.group.size()}, "
            f"output_dims={output_dims}, bias={'bias' in self}, {describe(self)}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.distributed.all_sum(times_quantized(self, x), group=self.group)
        return y + self["bias"] if "bias" in self else y

    @classmethod
    def from_quantized_linear(
        cls,
        quantized_linear_layer: Module,
        *,
        segments: Union[int, list] = 1,
        group: Optional[mx.distributed.Group] = None,
    ):
        """This process's piece of a `QuantizedLinear`; see `shard_inplace` for `segments`."""
        return _from_quantized(cls, quantized_linear_layer, "sharded-to-all", segments, group)


def _from_quantized(cls, source, sharding, segments, group):
    group = _group_or_world(group)
    output_dims, packed = source.weight.shape
    layer = cls(
        packed * 32 // source.bits,
        output_dims,
        "bias" in source,
        source.group_size,
        source.bits,
        source.mode,
        group,
    )
    rule = _linear_rule(sharding, segments)
    layer.update(_shard_parameters(source.parameters(), rule, group))
    return layer


# Whole modules


class FullyShardedModule(Module):
    """A module of whose parameters each process keeps a piece (Rajbhandari et al. 2020).

    To run, the module gathers its parameters; in the backward pass every process receives the mean
    of the gradients of its pieces. So the optimizer too works on pieces only.

    Args:
        module: The module. The first axis of each of its parameters is divided by the group's size.
            Parameters of a `FullyShardedModule` inside it remain with that one.
        group: The processes; by default all.
        compute_dtype: The type that gathered parameters are converted to; by default their own.

    Raises:
        ValueError: the first axis of a parameter is no multiple of the group's size

    Example:
        >>> nn.FullyShardedModule(nn.Linear(4, 2))(mx.zeros((1, 4))).shape
        (1, 2)
    """

    def __init__(
        self,
        module: Module,
        group: Optional[mx.distributed.Group] = None,
        compute_dtype: Optional[mx.Dtype] = None,
    ):
        super().__init__()
        group = _group_or_world(group)
        pieces = _shard_parameters(_own_parameters(module), lambda path, array: 0, group)
        module.update(pieces)
        self.module = module
        self._count = len(tree_flatten(pieces))
        self._gather = _gatherer(group, compute_dtype)

    def _extra_repr(self) -> str:
        return f"num_sharded_params={self._count}"

    def _run(self, fn, args, kwargs):
        """Call `fn` while the module has its parameters whole."""
        pieces = tree_flatten(_own_parameters(self.module))
        whole = [(path, self._gather(piece)) for path, piece in pieces]
        self.module.update(tree_unflatten(whole))
        try:
            return fn(*args, **kwargs)
        finally:
            self.module.update(tree_unflatten(pieces))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module."""
        return self._run(self.module, args, kwargs)

    def as_linear(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module's `as_linear`, as `Embedding` has it."""
        return self._run(self.module.as_linear, args, kwargs)


def _own_parameters(module):
    """The parameters of a module but for those of a `FullyShardedModule` below it."""
    return module.filter_and_map(
        lambda m, k, v: m.valid_parameter_filter(m, k, v) and not isinstance(v, FullyShardedModule)
    )


def _gatherer(group, compute_dtype):
    """From a piece to the whole; backward, from the whole's gradients to the piece's mean."""

    @mx.custom_function
    def gather(piece):
        whole = mx.distributed.all_gather(piece, group=group)
        return whole if compute_dtype is None else whole.astype(compute_dtype)

    @gather.vjp
    def gather_vjp(piece, cotangent, _):
        total = mx.distributed.sum_scatter(cotangent.astype(piece.dtype), group=group)
        return total / group.size()

    return gather


def fully_shard(
    module: Module,
    *,
    group: Optional[mx.distributed.Group] = None,
    compute_dtype: Optional[mx.Dtype] = None,
) -> Module:
    """A `FullyShardedModule` of `module`, or in a group of one process `module` itself.

    Args:
        module: The module.
        group: The processes; by default all.
        compute_dtype: The type that gathered parameters are converted to; by default their own.

    Returns:
        Module: What stands for the module.

    Example:
        >>> layer = nn.Linear(4, 2)
        >>> nn.fully_shard(layer) is layer  # alone
        True
    """
    group = _group_or_world(group)
    return module if group.size() == 1 else FullyShardedModule(module, group, compute_dtype)
