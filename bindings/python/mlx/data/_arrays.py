"""Arrays of what Python has: lists become arrays here, and of nothing else than they hold."""

from typing import Any

import numpy as np

NUMBERS = "biufc"  # kinds of NumPy's dtypes
SCALARS = (bool, int, float, np.number, np.bool_)
_TEXTS = (str, bytes)
_PLAIN = (list, tuple, str, bytes, *SCALARS)  # what has no nulls but None


def array_of(value: Any, where: str = "") -> np.ndarray:
    """A value as an array of NumPy's. The numbers and texts of lists are the same there, and of one
    kind, or it is a ValueError, which says `where` they are. So is a null of a column of pandas,
    Polars or pyarrow, or a masked number of NumPy's, which would become NaN, or any number."""
    where = where and f" {where}"
    if not isinstance(value, _PLAIN):
        _check_nulls(value, where)
    try:
        array = np.asarray(value)
    except OverflowError:
        raise ValueError(f"a whole number{where} is beyond 64 bits") from None
    except (TypeError, ValueError) as error:  # bfloat16, lists of several lengths
        raise ValueError(f"the values{where} are no array of NumPy's: {error}") from None
    if isinstance(value, (list, tuple)) and array.dtype.kind not in "biu":
        _check(value, array, where)
    return array


def _check_nulls(value, where):
    empty = _nulls_of(value)
    if empty is not None and empty.any():
        first, count = int(np.argmax(empty)), int(empty.sum())
        more = f", the first of {count}" if count > 1 else ""
        raise ValueError(f"there is a null{where} in row {first}{more}: fill it before")


def _nulls_of(value):
    """Where nulls are, or None of what has none. NaN of NumPy's dtypes is a number."""
    if isinstance(value, np.ndarray):
        masked = isinstance(value, np.ma.MaskedArray)
        return np.ma.getmaskarray(value).ravel() if masked else None
    own = getattr(value, "dtype", None)
    if own is None and not hasattr(value, "null_count"):
        return None
    if hasattr(value, "isna"):  # pandas
        return None if isinstance(own, np.dtype) else np.asarray(value.isna(), bool)
    if hasattr(value, "is_null"):  # Polars, pyarrow
        return np.asarray(value.is_null(), bool).ravel()
    return None


def real_array(values: Any, what: str, *, unit: bool = False) -> np.ndarray:
    """Samples of sound as float32, or ValueError if they are no real numbers. Where those from -1
    to 1 are wanted (`unit`), whole numbers beyond are of another scale, and an error, too."""
    try:
        array = array_of(values)
    except ValueError as error:
        raise ValueError(f"[data] {what}: {error}") from None
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise ValueError(f"[data] {what}: samples are real numbers, not {array.dtype}")
    if unit and array.dtype.kind in "iu" and array.size:
        _check_unit(array, what)
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def _check_unit(array, what):
    low, high = int(array.min()), int(array.max())
    if low < -1 or high > 1:
        raise ValueError(
            f"[data] {what}: samples are from -1 to 1, not {array.dtype} from {low} to {high}: "
            "divide them by the largest number that there could be"
        )


def inexact(value: Any, where: str, dtype: np.dtype, of: str) -> ValueError:
    """The error of a whole number that would become another one."""
    return ValueError(
        f"{value}{where} is no number of {dtype}, which those of the {of} have in common: "
        + ("cast, or an array of NumPy's, says" if of == "list" else "cast says")
        + " what they become"
    )


def check_texts(values: Any, where: str = "") -> None:
    """Raise ValueError if numbers stand beside the texts of a list, or texts beside bytes."""
    found = _leaves(values)
    for kind in _TEXTS:
        if all(isinstance(one, kind) for one in found):
            return
    odd = next((one for one in found if not isinstance(one, _TEXTS)), None)
    beside = "bytes stand" if odd is None else f"{odd!r:.40} stands"
    raise ValueError(f"values of several kinds{where}: {beside} beside texts")


def _leaves(values):
    return np.asarray(values, object).ravel().tolist()


def _check(values, array, where):
    kind = array.dtype.kind
    if kind in "US":
        check_texts(values, where)
        _check_ends(values, array, where)
    elif kind == "O":
        _check_objects(values, where)
    elif array.dtype in (np.float64, np.complex128) and (np.abs(array) >= 2**53).any():
        for one, near in zip(_leaves(values), array.ravel().tolist()):
            if isinstance(one, (int, np.integer)) and int(one) != near:
                raise inexact(one, where, array.dtype, "list")


def _check_ends(values, array, where):
    for one, kept in zip(_leaves(values), array.ravel().tolist()):
        if one != kept:
            raise ValueError(f"{one!r:.40}{where} ends in zeros, which arrays of texts leave out")


def _check_objects(values, where):
    """Raise ValueError for numbers that are no array of numbers."""
    found = _leaves(values)
    numbers = [one for one in found if isinstance(one, SCALARS)]
    for one in numbers:
        if isinstance(one, int) and not -(2**63) <= one < 2**64:
            raise ValueError(f"a whole number{where} is beyond 64 bits")
    if 0 < len(numbers) < len(found):
        odd = next(one for one in found if not isinstance(one, SCALARS))
        raise ValueError(f"values of several kinds{where}: {odd!r:.40} stands beside numbers")
