"""What texts say: numbers and objects of JSON.

A number is written with the ASCII digits of the decimal system: a sign, digits with a point among
them and an exponent, or nan, inf or infinity in small or large letters; blanks around it do not
count. What Python's own `int` and `float` read beyond that, such as 1_000 and the digits of other
scripts, is a text."""

import json
import re
from functools import lru_cache
from math import inf
from typing import Any, Optional, Sequence, Union

import numpy as np

from ._arrays import check_texts

_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_REAL = re.compile(
    r"\s*[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|nan|inf(inity)?)\s*",
    re.ASCII | re.IGNORECASE,
)


def guessed(texts: list[str]) -> Union[np.ndarray, list[str]]:
    """Texts as int64 if all are whole numbers, as float32 if all are numbers, else as they are.
    Whole numbers beyond int64 are names of something: texts. Other numbers beyond float32 are a
    NoNumber."""
    joined = "".join(texts)
    if not joined.isascii() or "_" in joined or "\0" in joined:
        return texts
    array = np.array(texts)
    try:
        return array.astype(np.int64)
    except (OverflowError, ValueError):  # the latter also of thousands of digits
        if all(map(_WHOLE.fullmatch, texts)):
            return texts
    try:
        return _narrow(texts, array.astype(np.float64), np.dtype(np.float32))
    except NoNumber:
        raise
    except ValueError:
        return texts


def numbers_in(texts: Sequence[str], dtype: np.dtype) -> np.ndarray:
    """The numbers that texts say, which the dtype holds, or ValueError."""
    whole = dtype.kind in "iub"
    for text in texts:
        if not (_WHOLE if whole else _REAL).fullmatch(text):
            raise NoNumber(text, f"no {'whole ' if whole else ''}number")
    if not whole:
        return _narrow(texts, np.array([float(text) for text in texts], np.float64), dtype)
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    values = [_whole_in(text) for text in texts]
    for text, value in zip(texts, values):
        if value is None or not low <= value <= high:
            raise NoNumber(text, f"beyond {dtype}")
    return np.array(values, dtype)


_MOST_DIGITS = 20  # of whole numbers of 64 bits


def _whole_in(text):
    """What a whole number's text says, or None if that is beyond 64 bits. Python's int refuses
    thousands of digits."""
    if len(text) <= _MOST_DIGITS:
        return int(text)
    text = text.strip()
    digits = text.lstrip("+-").lstrip("0")
    if len(digits) > _MOST_DIGITS:
        return None
    return -int(digits or 0) if text[0] == "-" else int(digits or 0)


class NoNumber(ValueError):
    """A text that is no number as it was asked for."""

    def __init__(self, text: str, why: str) -> None:
        shown = text if len(text) <= 40 else text[:40] + "..."
        super().__init__(f"{shown!r} is {why}")
        self.text = text


def _narrow(texts, wide, dtype):
    """Numbers of float64 in another dtype; what is infinite there says so itself."""
    narrow = _quiet(wide, dtype)
    for i in np.flatnonzero(np.isinf(narrow)):
        if "inf" not in texts[i].lower():
            raise NoNumber(texts[i], f"beyond {dtype}")
    return narrow


def as_texts(value: Any) -> Optional[np.ndarray]:
    """Texts or bytes, one or several, as an array of texts; None of anything else."""
    if not isinstance(value, (str, bytes, list, tuple, np.ndarray)):
        return None
    array = np.asarray(value)
    if isinstance(value, (list, tuple)) and array.dtype.kind in "US":
        check_texts(value)
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8")
    return array if array.dtype.kind == "U" else None


def converted(value: Any, dtype: np.dtype) -> np.ndarray:
    """A value as an array of a dtype; texts become the numbers that they say. What the dtype cannot
    hold is a ValueError; fractions are cut off where it is one of whole numbers, floats are
    rounded."""
    if isinstance(value, np.ndarray) and _is_safe(value.dtype, dtype):
        return value.astype(dtype, copy=False)
    texts = as_texts(value) if dtype.kind in "biufc" else None
    if texts is not None:
        _check_zeros(value)
        real = np.dtype(np.float64) if dtype.kind == "c" else dtype
        return numbers_in(texts.ravel().tolist(), real).reshape(texts.shape).astype(dtype)
    array = np.asarray(value)
    if array.dtype.kind == "O" and any(one is None for one in array.flat):
        raise ValueError(f"None is no {dtype}")
    if array.dtype.kind == "c" and dtype.kind in "iuf":
        raise ValueError(f"complex numbers are no {dtype}")
    if dtype.kind in "iu" and not isinstance(value, np.ndarray) and array.dtype.kind in "fO":
        return _exactly(np.asarray(value, object), dtype)
    if array.dtype.kind in "iuf" and not _is_safe(array.dtype, dtype):
        _check_within(array, dtype)
    try:
        return _quiet(array, dtype)
    except OverflowError:
        raise ValueError(f"a whole number is beyond {dtype}") from None


def _check_zeros(value):
    """NumPy's arrays of texts leave zeros at their ends out: those of Python's are no numbers."""
    if not isinstance(value, np.ndarray):
        for text in np.asarray(value, object).flat:
            if ("\0" if isinstance(text, str) else b"\0") in text:
                raise NoNumber(str(text), "no number")


def _exactly(objects, dtype):
    """Python's numbers in a dtype of whole ones, none of them through a float."""
    about = np.iinfo(dtype)
    for value in objects.flat:
        if not isinstance(value, (int, float, np.number, np.bool_)) or isinstance(value, complex):
            raise ValueError(f"{value!r:.40} is no number")
        if value != value or abs(value) == np.inf or not about.min <= int(value) <= about.max:
            raise ValueError(f"{value} is beyond {dtype}")
    return np.array([int(value) for value in objects.flat], dtype).reshape(objects.shape)


@lru_cache(maxsize=None)
def _is_safe(given, dtype):
    """Whether a dtype holds all numbers of another."""
    return given.kind in "biuf" and np.can_cast(given, dtype)


def _check_within(array, dtype):
    """Raise ValueError unless a dtype's range holds all numbers."""
    if dtype.kind in "fc":
        odd = np.isfinite(array) & ~np.isfinite(_quiet(array, dtype))
    elif dtype.kind in "iu":
        odd = ~_within(array, np.iinfo(dtype))
    else:
        return
    if odd.any():
        raise ValueError(f"{array[odd].flat[0]} is beyond {dtype}")


def _within(array, about):
    if array.dtype.kind != "f":
        return (array >= about.min) & (array <= about.max)
    whole = np.trunc(array.astype(np.float64))
    return (whole >= float(about.min)) & (whole < float(about.max + 1))  # powers of two, exact


def _quiet(array, dtype):
    with np.errstate(over="ignore"):
        return array.astype(dtype, copy=False)


def _object(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands there twice")
    return found


def _real(text):
    value = float(text)
    if value in (inf, -inf):
        raise NoNumber(text, "beyond float64")
    return value


_CAREFUL = json.JSONDecoder(object_pairs_hook=_object, parse_float=_real)
_QUICK = json.JSONDecoder(parse_float=_real)
_QUICKEST = json.JSONDecoder()  # which reads what is beyond float64 as infinite

_EXPONENTS = [digit + sign for digit in "0123456789" for sign in "eE"]
_FEW = 32  # numbers for which looking is not worth it
_LONGEST_NUMBER = 300  # digits before a point that float64 has room for, and a few more


def _is_within(text):
    """Whether many numbers are seen to be within float64: none has an exponent, or is that long."""
    if text.count(".") < _FEW or any(mark in text for mark in _EXPONENTS):
        return False
    return len(max(text.split(","), key=len)) < _LONGEST_NUMBER


def _may_be_quick(text):
    """Whether the colons behind quotes number the keys: there is one object, and no blank before a
    colon."""
    apart = " :" in text or "\t:" in text or "\n:" in text or "\r:" in text
    return text.count("{") == 1 and not apart


def json_in(text: Union[str, bytes]) -> Any:
    """What a text of JSON says, in UTF-8; an object with a key twice is a ValueError, and a number
    beyond float64. Python's NaN, Infinity and -Infinity are read."""
    try:
        plain = text.rstrip().decode("utf-8-sig") if isinstance(text, bytes) else text
        if _may_be_quick(plain):
            value = (_QUICKEST if _is_within(plain) else _QUICK).decode(plain)
            if isinstance(value, dict) and plain.count('":') == len(value):
                return value
        return _CAREFUL.decode(plain)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
