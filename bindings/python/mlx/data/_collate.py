"""Samples become batches."""

from typing import Any, Mapping, Optional, Sequence

import numpy as np

from ._arrays import NUMBERS, SCALARS, array_of, inexact
from ._task import Sample

Pad = Optional[Mapping[str, Any]]
Dims = Optional[Mapping[str, int]]


def collate(samples: Sequence[Sample], pad: Pad = None, dim: Dims = None) -> Sample:
    """One sample of stacked arrays. Smaller arrays are filled up with pad[key] (0, or an empty
    text); keys in `dim` are joined along that dimension instead. Texts and bytes become lists."""
    keys = samples[0].keys()
    for sample in samples:
        if sample.keys() != keys:
            odd = sorted(map(str, sample.keys() ^ keys))
            raise ValueError(
                f"some samples of a batch have the keys {', '.join(odd)}, some have not"
            )
    check_keys(samples[0], pad, dim)
    pad, dim = pad or {}, dim or {}
    return {
        key: _column(key, [sample[key] for sample in samples], pad.get(key), dim.get(key))
        for key in keys
    }


def check_keys(sample: Sample, pad: Pad, dim: Dims) -> None:
    """Raise ValueError if a setting is for a key that samples do not have."""
    for name, given in ("pad", pad), ("dim", dim):
        for key in given or ():
            if key not in sample:
                raise ValueError(f"{name} names {key!r}, which is not among {sorted(sample)}")


def _column(key, values, pad, dim):
    if any(isinstance(value, SCALARS) for value in values):
        return _numbers(key, [_scalar(value) for value in values])
    arrays = _arrays(key, values)
    if arrays is None or any(a.dtype == object for a in arrays):
        return values
    dtype = np.result_type(*arrays)
    for a in arrays:
        _check_whole(key, a, dtype)
    if dim is None and all(a.shape == arrays[0].shape for a in arrays):
        return np.stack(arrays)
    if any(a.ndim != arrays[0].ndim for a in arrays):
        raise ValueError(f"the arrays under {key!r} have {_dims(arrays)} dimensions")
    pad = _pad(key, pad, dtype)
    return stacked(arrays, pad) if dim is None else _joined(arrays, pad, dim)


def _pad(key, pad, dtype):
    """What fills up: texts are filled up by texts."""
    texts = {"U": str, "S": bytes}.get(dtype.kind)
    if pad is None:
        return 0 if texts is None else texts()
    if texts is not None and not isinstance(pad, texts):
        raise ValueError(f"the pad of {key!r} is {pad!r}, the values are {texts.__name__}")
    return fitting(pad, dtype, f"the pad of {key!r}")


def _check_whole(key, array, dtype):
    """Raise ValueError where whole numbers that become floats would be others."""
    if array.dtype.kind in "iu" and dtype.kind in "fc":
        given, kept = array.ravel().tolist(), array.astype(dtype).ravel().tolist()
        if given != kept:
            raise _inexact(key, next(a for a, b in zip(given, kept) if a != b), dtype)


def _inexact(key, value, dtype):
    return inexact(value, f" under {key!r}", dtype, "batch")


def _arrays(key, values):
    """Empty lists have the dtype of the others. None where a value is one text: a list has them."""
    if set(map(type, values)) in ({str}, {bytes}):
        return None
    arrays = [array_of(value, f"under {key!r}") for value in values]
    single = any(isinstance(value, (str, bytes)) for value in values)
    _check_kinds(key, arrays, single)
    if single:
        return None
    empty = [a.size == 0 and isinstance(v, (list, tuple)) for a, v in zip(arrays, values)]
    if not any(empty) or all(empty):
        return arrays
    dtype = np.result_type(*(a for a, without in zip(arrays, empty) if not without))
    return [a.astype(dtype) if without else a for a, without in zip(arrays, empty)]


def _check_kinds(key, arrays, listed):
    """Raise ValueError if some have numbers and others texts, or texts and others bytes, which only
    a list holds."""
    words = {**dict.fromkeys(NUMBERS, "numbers"), "U": "texts", "S": "texts" if listed else "bytes"}
    kinds = {words[a.dtype.kind] for a in arrays if a.size and a.dtype.kind in words}
    if len(kinds) > 1:
        raise ValueError(f"under {key!r} some samples have {' and others '.join(sorted(kinds))}")


_FLOAT32 = np.dtype(np.float32)


def _scalar(value):
    """Arrays without dimensions are the number in them."""
    return np.asarray(value)[()] if getattr(value, "ndim", None) == 0 else value


def _numbers(key, values):
    """One array. NumPy's numbers have their dtype, Python's floats float32, and its whole numbers
    that of floats beside them, else int64, or uint64 where they need it."""
    kinds = set(map(type, values))
    if not all(issubclass(kind, SCALARS) for kind in kinds):
        odd = next(value for value in values if not isinstance(value, SCALARS))
        raise ValueError(
            f"values of several kinds under {key!r}: {odd!r:.40} stands beside numbers"
        )
    dtype = _FLOAT32 if kinds == {float} else _common(key, values)
    try:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype)
    except OverflowError:
        raise _no_numbers(key) from None
    if dtype.kind in "fc" and not (kinds == {float} and np.isfinite(array).all()):
        for value, kept in zip(values, array.tolist()):
            if isinstance(value, (int, np.integer)) and int(value) != kept:
                raise _inexact(key, value, dtype)
            if isinstance(value, float) and abs(kept) == np.inf != abs(value):
                raise ValueError(f"{value} under {key!r} is beyond {dtype}: cast it to float64")
    return array


def _common(key, values):
    whole = [v for v in values if isinstance(v, int)]
    dtypes = {v.dtype for v in values if isinstance(v, np.generic)}
    if any(isinstance(v, float) and not isinstance(v, np.generic) for v in values):
        dtypes.add(_FLOAT32)
    floats = any(dtype.kind in "fc" for dtype in dtypes)
    if whole and not floats:
        dtypes.add(_whole_dtype(whole))
    dtype = np.result_type(*dtypes)
    if dtype.kind not in NUMBERS or (dtype.kind == "f" and not floats):
        raise _no_numbers(key)
    return dtype


def _whole_dtype(values):
    if all(isinstance(value, bool) for value in values):
        return np.dtype(np.bool_)
    beyond = max(values) > np.iinfo(np.int64).max and min(values) >= 0
    return np.dtype(np.uint64 if beyond else np.int64)


def _no_numbers(key):
    return ValueError(f"the values under {key!r} are no numbers of one kind that fit 64 bits")


def fitting(value: Any, dtype: np.dtype, what: str) -> Any:
    """The value, or ValueError if a dtype of numbers cannot hold it. Floats are rounded."""
    if dtype.kind in NUMBERS and not _fits(np.asarray(value), dtype):
        raise ValueError(f"{what} is {value!r}, {dtype} holds {_range(dtype)}")
    return value


def _fits(given, dtype):
    if given.dtype.kind not in (NUMBERS if dtype.kind == "c" else "biuf"):
        return False
    with np.errstate(all="ignore"):
        kept = given.astype(dtype)
    if dtype.kind in "fc":
        return bool(np.all(np.isfinite(kept) | ~np.isfinite(given)))
    return bool(kept.tolist() == given.tolist())  # Python's numbers compare exactly


def _range(dtype):
    if dtype.kind in "fc":
        return f"numbers up to {np.finfo(dtype).max}"
    if dtype.kind == "b":
        return "0 and 1"
    return f"whole numbers from {np.iinfo(dtype).min} to {np.iinfo(dtype).max}"


def _dims(arrays):
    return " and ".join(map(str, sorted({a.ndim for a in arrays})))


def _largest(arrays):
    return [max(sizes) for sizes in zip(*(a.shape for a in arrays))]


def _put(a, into):
    into[tuple(map(slice, a.shape))] = a


def _filled(arrays, pad):
    """The dtype of all, which for texts is as wide as what fills them up."""
    dtype = np.result_type(*arrays)
    return np.result_type(dtype, np.asarray(pad)) if dtype.kind in "US" else dtype


def stacked(arrays: Sequence[np.ndarray], pad: Any) -> np.ndarray:
    """One array of all, each filled up to the largest sizes with `pad`."""
    result = np.full((len(arrays), *_largest(arrays)), pad, _filled(arrays, pad))
    for a, row in zip(arrays, result):
        _put(a, row)
    return result


def _joined(arrays, pad, dim):
    """All sizes but that of `dim` become the largest."""
    shape = _largest(arrays)
    if not -len(shape) <= dim < len(shape):
        raise ValueError(f"the arrays have no dimension {dim}")
    filled, dtype = [], _filled(arrays, pad)
    for a in arrays:
        shape[dim] = a.shape[dim]
        filled.append(np.full(shape, pad, dtype))
        _put(a, filled[-1])
    return np.concatenate(filled, axis=dim)
