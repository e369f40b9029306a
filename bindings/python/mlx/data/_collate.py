"""Samples become batches."""

from typing import Any, Mapping, Optional, Sequence

import numpy as np

from ._task import Sample

Pad = Optional[Mapping[str, Any]]
Dims = Optional[Mapping[str, int]]


def collate(samples: Sequence[Sample], pad: Pad = None, dim: Dims = None) -> Sample:
    """One sample of stacked arrays. Smaller arrays are filled up with pad[key] (0); keys in `dim`
    are joined along that dimension instead. Texts and bytes become lists."""
    keys = samples[0].keys()
    for sample in samples:
        if sample.keys() != keys:
            odd = sorted(map(str, sample.keys() ^ keys))
            raise ValueError(
                f"some samples of a batch have the keys {', '.join(odd)}, some have not"
            )
    pad, dim = pad or {}, dim or {}
    return {
        key: _column(key, [sample[key] for sample in samples], pad.get(key, 0), dim.get(key))
        for key in keys
    }


def _column(key, values, pad, dim):
    first = values[0]
    if isinstance(first, (str, bytes)):
        return values
    if isinstance(first, (bool, int, float)):
        return _numbers(key, values)
    arrays = _arrays(key, values)
    if any(a.dtype == object for a in arrays):
        return values
    if dim is None and all(a.shape == arrays[0].shape for a in arrays):
        return np.stack(arrays)
    if any(a.ndim != arrays[0].ndim for a in arrays):
        raise ValueError(f"the arrays under {key!r} have {_dims(arrays)} dimensions")
    fitting(pad, np.result_type(*arrays), f"the pad of {key!r}")
    return stacked(arrays, pad) if dim is None else _joined(arrays, pad, dim)


def _arrays(key, values):
    """Empty lists have the dtype of the others."""
    try:
        arrays = [np.asarray(value) for value in values]
    except (TypeError, ValueError) as error:
        raise ValueError(f"the values under {key!r}: {error}") from None
    empty = [a.size == 0 and isinstance(v, (list, tuple)) for a, v in zip(arrays, values)]
    if not any(empty) or all(empty):
        return arrays
    dtype = np.result_type(*(a for a, without in zip(arrays, empty) if not without))
    return [a.astype(dtype) if without else a for a, without in zip(arrays, empty)]


def _numbers(key, values):
    array = np.array(values)
    rounded = array.dtype.kind == "f" and not any(
        isinstance(v, (float, np.floating)) for v in values
    )
    if array.ndim != 1 or array.dtype.kind not in "biuf" or rounded:
        raise ValueError(f"the values under {key!r} are no numbers of one kind that fit 64 bits")
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def fitting(value: Any, dtype: np.dtype, what: str) -> Any:
    """The value, or ValueError if a dtype of numbers cannot hold it. Floats are rounded."""
    if dtype.kind in _NUMBERS and not _fits(np.asarray(value), dtype):
        raise ValueError(f"{what} is {value!r}, {dtype} holds {_range(dtype)}")
    return value


_NUMBERS = "biufc"  # kinds of NumPy's dtypes


def _fits(given, dtype):
    if given.dtype.kind not in (_NUMBERS if dtype.kind == "c" else "biuf"):
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


def stacked(arrays: Sequence[np.ndarray], pad: Any) -> np.ndarray:
    """One array of all, each filled up to the largest sizes with `pad`."""
    result = np.full((len(arrays), *_largest(arrays)), pad, np.result_type(*arrays))
    for a, row in zip(arrays, result):
        _put(a, row)
    return result


def _joined(arrays, pad, dim):
    """All sizes but that of `dim` become the largest."""
    shape = _largest(arrays)
    if not -len(shape) <= dim < len(shape):
        raise ValueError(f"the arrays have no dimension {dim}")
    filled, dtype = [], np.result_type(*arrays)
    for a in arrays:
        shape[dim] = a.shape[dim]
        filled.append(np.full(shape, pad, dtype))
        _put(a, filled[-1])
    return np.concatenate(filled, axis=dim)
