"""Initializers: functions from an array to random or fixed values of its shape.

>>> nn.init.he_normal()(mx.zeros((128, 64))).shape
(128, 64)
"""

import math
from typing import Callable, Literal

import mlx.core as mx


def constant(value: float, dtype: mx.Dtype = mx.float32) -> Callable[[mx.array], mx.array]:
    """All elements are `value`.

    Args:
        value: The elements' value.
        dtype: Their dtype.

    Returns:
        Callable: A function from an array to one of its shape.

    Example:
        >>> nn.init.constant(0.5)(mx.zeros((2, 2)))
        array([[0.5, 0.5],
               [0.5, 0.5]], dtype=float32)
    """

    def initializer(a: mx.array) -> mx.array:
        return mx.full(a.shape, value, dtype=dtype)

    return initializer


def normal(
    mean: float = 0.0, std: float = 1.0, dtype: mx.Dtype = mx.float32
) -> Callable[[mx.array], mx.array]:
    """Normal random numbers of the given mean and standard deviation.

    Args:
        mean: The mean.
        std: The standard deviation.
        dtype: The numbers' dtype.

    Returns:
        Callable: A function from an array to one of its shape.

    Example:
        >>> w = nn.init.normal(mean=1.0, std=0.1)(mx.zeros((100, 100)))
        >>> abs(mx.mean(w).item() - 1) < 0.01
        True
    """

    def initializer(a: mx.array) -> mx.array:
        return mx.random.normal(shape=a.shape, scale=std, loc=mean, dtype=dtype)

    return initializer


def uniform(
    low: float = 0.0, high: float = 1.0, dtype: mx.Dtype = mx.float32
) -> Callable[[mx.array], mx.array]:
    """Random numbers from `[low, high)`, each as likely.

    Args:
        low: The least number.
        high: What all numbers are below.
        dtype: The numbers' dtype.

    Returns:
        Callable: A function from an array to one of its shape.

    Example:
        >>> w = nn.init.uniform(-0.5, 0.5)(mx.zeros((100, 100)))
        >>> mx.all((w >= -0.5) & (w < 0.5)).item()
        True
    """

    def initializer(a: mx.array) -> mx.array:
        return mx.random.uniform(low, high, a.shape, dtype=dtype)

    return initializer


def identity(dtype: mx.Dtype = mx.float32) -> Callable[[mx.array], mx.array]:
    """The identity matrix; the array must be a square matrix.

    Args:
        dtype: The elements' dtype.

    Returns:
        Callable: A function from a square matrix to the identity of its shape.

    Raises:
        ValueError: when it is called: the array is no square matrix

    Example:
        >>> nn.init.identity()(mx.zeros((2, 2)))
        array([[1, 0],
               [0, 1]], dtype=float32)
    """

    def initializer(a: mx.array) -> mx.array:
        if a.ndim != 2 or a.shape[0] != a.shape[1]:
            raise ValueError(f"The input array must be a square matrix but got shape {a.shape}.")
        return mx.eye(a.shape[0], dtype=dtype)

    return initializer


def _calculate_fan_in_fan_out(a):
    """Inputs of each output and outputs of each input, of a weight `(out, ..., in)`."""
    if a.ndim < 2:
        raise ValueError(
            "Glorot / He initialization requires at least 2 dimensional input but input with "
            f"{a.ndim} dimensions."
        )
    window = math.prod(a.shape[1:-1])
    return a.shape[-1] * window, a.shape[0] * window


def _fan(a, mode):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Invalid mode: {mode}. Valid modes are: fan_in, fan_out")
    return _calculate_fan_in_fan_out(a)[mode == "fan_out"]


def glorot_normal(dtype: mx.Dtype = mx.float32) -> Callable[[mx.array, float], mx.array]:
    """Normal with deviation `gain * sqrt(2 / (fan_in + fan_out))` (Glorot and Bengio 2010).

    The initializer takes an array `(out, ..., in)` and a `gain`, 1 by default. `fan_in` is the
    number of inputs of each output, `fan_out` that of outputs of each input.

    Args:
        dtype: The numbers' dtype.

    Returns:
        Callable: The initializer.

    Raises:
        ValueError: when it is called: the array has less than two dimensions

    Example:
        >>> w = nn.init.glorot_normal()(mx.zeros((200, 200)), gain=2.0)
        >>> abs(mx.std(w).item() - 2 * (2 / 400) ** 0.5) < 0.01
        True
    """

    def initializer(a: mx.array, gain: float = 1.0) -> mx.array:
        std = gain * math.sqrt(2.0 / sum(_calculate_fan_in_fan_out(a)))
        return mx.random.normal(shape=a.shape, scale=std, dtype=dtype)

    return initializer


def glorot_uniform(dtype: mx.Dtype = mx.float32) -> Callable[[mx.array, float], mx.array]:
    """Uniform within `gain * sqrt(6 / (fan_in + fan_out))` of 0 (Glorot and Bengio 2010).

    The initializer's arguments are those of `glorot_normal`'s.

    Args:
        dtype: The numbers' dtype.

    Returns:
        Callable: The initializer.

    Raises:
        ValueError: when it is called: the array has less than two dimensions

    Example:
        >>> w = nn.init.glorot_uniform()(mx.zeros((20, 40)))
        >>> mx.abs(w).max().item() <= (6 / 60) ** 0.5
        True
    """

    def initializer(a: mx.array, gain: float = 1.0) -> mx.array:
        limit = gain * math.sqrt(6.0 / sum(_calculate_fan_in_fan_out(a)))
        return mx.random.uniform(-limit, limit, a.shape, dtype=dtype)

    return initializer


def he_normal(
    dtype: mx.Dtype = mx.float32,
) -> Callable[[mx.array, Literal["fan_in", "fan_out"], float], mx.array]:
    """Normal with deviation `gain / sqrt(fan)` (He et al. 2015).

    The initializer takes an array `(out, ..., in)`, a `mode`, `"fan_in"` by default, that says
    which fan, and a `gain`, 1 by default.

    Args:
        dtype: The numbers' dtype.

    Returns:
        Callable: The initializer.

    Raises:
        ValueError: when it is called: the array has less than two dimensions, or there is no such
            mode

    Example:
        >>> w = nn.init.he_normal()(mx.zeros((300, 100)), mode="fan_out")
        >>> abs(mx.std(w).item() - (1 / 300) ** 0.5) < 0.01
        True
    """

    def initializer(
        a: mx.array, mode: Literal["fan_in", "fan_out"] = "fan_in", gain: float = 1.0
    ) -> mx.array:
        std = gain / math.sqrt(_fan(a, mode))
        return mx.random.normal(shape=a.shape, scale=std, dtype=dtype)

    return initializer


def he_uniform(
    dtype: mx.Dtype = mx.float32,
) -> Callable[[mx.array, Literal["fan_in", "fan_out"], float], mx.array]:
    """Uniform within `gain * sqrt(3 / fan)` of 0 (He et al. 2015).

    The initializer's arguments are those of `he_normal`'s.

    Args:
        dtype: The numbers' dtype.

    Returns:
        Callable: The initializer.

    Raises:
        ValueError: when it is called: the array has less than two dimensions, or there is no such
            mode

    Example:
        >>> w = nn.init.he_uniform()(mx.zeros((20, 40)))
        >>> mx.abs(w).max().item() <= (3 / 40) ** 0.5
        True
    """

    def initializer(
        a: mx.array, mode: Literal["fan_in", "fan_out"] = "fan_in", gain: float = 1.0
    ) -> mx.array:
        limit = gain * math.sqrt(3.0 / _fan(a, mode))
        return mx.random.uniform(-limit, limit, a.shape, dtype=dtype)

    return initializer


def sparse(
    sparsity: float, mean: float = 0.0, std: float = 1.0, dtype: mx.Dtype = mx.float32
) -> Callable[[mx.array], mx.array]:
    """Normal random numbers, of which in each row a share `sparsity` is zero (Martens 2010).

    Args:
        sparsity: The share of zeros, from 0 to 1.
        mean: The mean of the others.
        std: The standard deviation of the others.
        dtype: The numbers' dtype.

    Returns:
        Callable: A function from a matrix to one of its shape.

    Raises:
        ValueError: when it is called: the array is no matrix

    Example:
        >>> mx.sum(nn.init.sparse(0.5)(mx.zeros((2, 10))) == 0, axis=1)
        array([5, 5], dtype=int32)
    """

    def initializer(a: mx.array) -> mx.array:
        if a.ndim != 2:
            raise ValueError("Only tensors with 2 dimensions are supported")
        rows, columns = a.shape
        zeros = math.ceil(sparsity * columns)
        order = mx.argsort(mx.random.uniform(shape=a.shape), axis=1)
        values = mx.random.normal(shape=a.shape, scale=std, loc=mean, dtype=dtype)
        values[mx.arange(rows)[:, None], order[:, :zeros]] = 0
        return values

    return initializer


def orthogonal(gain: float = 1.0, dtype: mx.Dtype = mx.float32) -> Callable[[mx.array], mx.array]:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    It is a part of the square factor Q of a normal random matrix, with the signs that make Q
    uniform among orthogonal matrices (Saxe et al. 2014; Mezzadri 2007).

    Args:
        gain: The length of the rows or columns.
        dtype: The numbers' dtype.

    Returns:
        Callable: A function from a matrix to one of its shape.

    Raises:
        ValueError: when it is called: the array is no matrix

    Example:
        >>> w = nn.init.orthogonal()(mx.zeros((2, 5)))
        >>> mx.allclose(w @ w.T, mx.eye(2), atol=1e-5).item()
        True
    """

    def initializer(a: mx.array) -> mx.array:
        if a.ndim != 2:
            raise ValueError(
                f"Orthogonal initialization requires a 2D array but got a {a.ndim}D array."
            )
        rows, columns = a.shape
        n = max(rows, columns)
        q, r = mx.linalg.qr(mx.random.normal((n, n)), stream=mx.cpu)
        q = q * mx.sign(mx.diag(r))
        return (q[:rows, :columns] * gain).astype(dtype)

    return initializer
