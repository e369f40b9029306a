"""What buffers and streams were made with, in words that states keep and that are compared.

Functions and other objects have no words: they are not compared."""

import os
from numbers import Number
from typing import Any, Mapping, Optional
from zlib import crc32

import numpy as np

_LONGEST = 200
_MOST = 16  # numbers of an array that are written out


def dtype_of(dtype: Any) -> np.dtype:
    """NumPy's dtype of a dtype of either package."""
    try:
        return np.dtype(dtype)
    except TypeError:
        pass
    name = str(dtype).rpartition(".")[2]  # mlx.core.float32
    try:
        return np.dtype(name)
    except TypeError:
        raise TypeError(f"[data] NumPy has no dtype {name}") from None


def words_of(value: Any) -> Optional[str]:
    """A setting in words; None of what is not compared."""
    words = _words(value)
    if words is None or len(words) <= _LONGEST:
        return words
    half, check = _LONGEST // 2, crc32(words.encode("utf-8", "surrogatepass"))
    return f"{words[:half]}... with checksum {check:08x}"


def _words(value):
    if isinstance(value, (str, bytes, bool)):
        return repr(value)
    if isinstance(value, (Number, np.generic)):
        return repr(value.item() if hasattr(value, "item") else value)
    if isinstance(value, os.PathLike):
        return repr(os.fspath(value))
    if isinstance(value, Mapping):
        inside = sorted(f"{key}: {_words(part)}" for key, part in value.items())
        return f"{{{', '.join(inside)}}}"
    if isinstance(value, (list, tuple)) and len(value) > _MOST and _is_number(value[0]):
        value = np.asarray(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = [str(_words(part)) for part in value]
        return f"[{', '.join(parts if isinstance(value, (list, tuple)) else sorted(parts))}]"
    return _of_arrays(value)


def _is_number(value):
    return isinstance(value, (int, float, np.number))


def _of_arrays(value):
    """Words of dtypes and arrays of either package."""
    if isinstance(value, (type, np.dtype)) or type(value).__name__ == "Dtype":
        try:
            return repr(dtype_of(value).name)
        except TypeError:
            return None
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return None
    array = np.asarray(value)
    if array.size <= _MOST:
        return repr(array.tolist())
    check = crc32(np.ascontiguousarray(array).tobytes())
    return f"{array.shape} of {array.dtype} with checksum {check:08x}"


def difference(ours: Mapping[str, Any], theirs: Any) -> Optional[str]:
    """What is other in what a state says of a pipeline, or None. Both are {"kind": name, "with":
    {name: words}, "of": what it is made of}."""
    stack = [(ours, theirs)]
    while stack:
        mine, other = stack.pop()
        kind = other.get("kind") if isinstance(other, Mapping) else None
        if kind != mine["kind"]:
            return f"{mine['kind']} here, {kind} there"
        given = other.get("with")
        for name in (*mine["with"], *given) if isinstance(given, Mapping) else ():
            one, two = mine["with"].get(name, "not given"), given.get(name, "not given")
            if one != two:
                return f"{name} of {kind} is {one} here, {two} there"
        parts, others = mine.get("of", []), other.get("of", [])
        if not isinstance(given, Mapping) or not isinstance(others, list):
            return f"{kind} here, what is damaged there"
        if len(parts) != len(others):
            return f"{kind} of {len(parts)} here, of {len(others)} there"
        stack += reversed(list(zip(parts, others)))
    return None
