"""What is asked of arguments, and how they are named in errors."""

from numbers import Integral, Real
from typing import Any

import mlx.core as mx


def described(value: Any) -> str:
    """What was given, in a word or two for an error."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if is_array(value):
        return f"an array of shape {value.shape}"
    return type(value).__name__


def whole(value: Any, least: int) -> bool:
    """Whether it is a whole number from `least` on."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def positive(value: Any) -> bool:
    """Whether it is a number above 0."""
    return isinstance(value, Real) and value > 0


def is_array(value: Any) -> bool:
    """Whether it has a shape."""
    return isinstance(getattr(value, "shape", None), tuple)


def is_floating(dtype: Any) -> bool:
    """Whether it is a dtype of floating-point numbers."""
    return isinstance(dtype, mx.Dtype) and mx.issubdtype(dtype, mx.floating)


def plain(value: Any) -> Any:
    """What an array, or a number of NumPy's, holds as Python has it; anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value
