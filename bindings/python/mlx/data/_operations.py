"""The operations that buffers and streams have in common: each makes a new buffer or stream whose
samples are changed as they are made."""

from typing import Any, Callable, Iterable, Optional, Sequence, TypeVar, Union

import numpy as np

from ._arrays import NUMBERS, array_of
from ._audio_operations import AudioOperations
from ._collate import fitting, stacked
from ._image_operations import ImageOperations
from ._parse import converted, json_in
from ._reading import numpy_file
from ._settings import dtype_of
from ._steps import Keys, Steps, at_key, axis_of, keys_of, paths_below, recorded, value_at
from ._task import Sample, Step, whole

Self = TypeVar("Self", bound="Operations")


def _dict(sample):
    if sample is not None and not isinstance(sample, dict):
        raise TypeError(f"a sample is a dict, not {type(sample).__name__}")
    return sample


def _padded(a, dim, before, behind, value):
    widths = [(0, 0)] * a.ndim
    widths[axis_of(a, dim)] = (before, behind)
    return np.pad(a, widths, constant_values=fitting(value, a.dtype, "the value"))


def _range(a, dim, start, stop):
    """The elements of an array from `start` to `stop` along a dimension that it has."""
    where = [slice(None)] * a.ndim
    where[dim] = slice(start, stop)
    return a[tuple(where)]


_STRICT = int(np.__version__.split(".")[0]) >= 2  # NumPy refuses numbers beyond a dtype


def _as_tokens(tokens):
    """Whole numbers as int32, or an error."""
    if _STRICT and isinstance(tokens, list) and set(map(type, tokens)) == {int}:
        return np.asarray(tokens, np.int32)
    array = array_of(tokens)
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"a tokenizer gives whole numbers, not {array.dtype}")
    whole = array.astype(np.int32, copy=False)
    if whole is not array and (whole != array).any():
        raise ValueError(f"{array[whole != array][0]} is beyond int32")
    return whole


_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def _normalizer(shift, scale):
    """`(x - shift) / scale` of float64 as float32, at once in float32 where that loses nothing."""
    with np.errstate(all="ignore"):
        high, factor = shift.astype(np.float32), (1 / scale).astype(np.float32)
        low = (shift - high).astype(np.float32)  # so that neither part loses what is near to it
    ordinary = np.all((factor > 1e-30) & (factor < 1e30)) and np.all(abs(high) < 1e30)

    def quick(a):
        difference = a - high
        difference -= low
        return difference * factor

    def normalized(x):
        a = array_of(x)
        if ordinary and a.dtype.itemsize <= 2 and a.dtype.kind in "biuf":
            return quick(a.astype(np.float32))
        if ordinary and a.dtype == _FLOAT32:
            with np.errstate(over="ignore", invalid="ignore"):
                result = quick(a)
            if np.isfinite(result).all():
                return result
        return _normalized(converted(a, _FLOAT64), shift, scale)

    return normalized


def _normalized(a, shift, scale):
    with np.errstate(over="ignore", invalid="ignore"):
        result = np.asarray((a - shift) / scale)
        narrow = result.astype(np.float32)
    odd = np.isfinite(np.broadcast_to(a, result.shape)) & ~np.isfinite(narrow)
    if odd.any():
        raise ValueError(f"{result[odd].flat[0]} is beyond float32")
    return narrow


def _in_range(key, low, high):
    def checked(x):
        a = array_of(x)
        if a.dtype.kind not in "biuf":
            raise ValueError(f"{x!r:.40} under {key!r} is no number")
        if a.size and not (a.min() >= low and a.max() < high):
            odd = a[(a < low) | (a >= high) | (a != a)].flat[0]
            raise ValueError(f"{odd} under {key!r} is not in [{low}, {high})")
        return x

    return checked


def _replaced(text, old, new):
    kind = str if isinstance(text, str) else bytes
    for name, given in ("old", old), ("new", new):
        if not isinstance(given, kind):
            raise ValueError(f"{name} is {given!r:.40}, the values are {kind.__name__}")
    return text.replace(old, new)


class Operations(ImageOperations, AudioOperations, Steps):
    """What buffers and streams can do. `output_key`: where the result goes, by default in place of
    what it is made of."""

    # --- samples ----------------------------------------------------------------------------------

    @recorded
    def sample_transform(self: Self, func: Callable[[Sample], Sample]) -> Self:
        """Samples become `func(sample)`. In a stream, `{}` or None drops a sample."""
        return self._add(
            Step("sample_transform", lambda s, _: _dict(func(s)), drops=self._may_drop)
        )

    @recorded
    def map(self: Self, func: Callable[[Sample], Sample]) -> Self:
        """Samples become `func(sample)`, each one sample."""
        return self._add(Step("map", lambda s, _: _dict(func(s))))

    @recorded
    def key_transform(
        self: Self, key: Keys, func: Callable[[Any], Any], output_key: Keys = ""
    ) -> Self:
        """The value at `key` becomes `func(value)`."""
        return self._add(at_key("key_transform", key, func, output_key))

    @recorded
    def filter_key(self: Self, key: Union[str, Iterable[str]], remove: bool = False) -> Self:
        """Samples with these keys alone, or with `remove` without them."""
        keys = {key} if isinstance(key, str) else set(key)

        def kept(sample, _):
            for k in () if remove else keys:
                value_at(sample, k)
            return {k: v for k, v in sample.items() if (k in keys) != remove}

        return self._add(Step("filter_key", kept))

    @recorded
    def rename_key(self: Self, key: str, output_key: str) -> Self:
        """What was at `key` is at `output_key`, in place of what was there."""

        def renamed(sample, _):
            value_at(sample, key)
            kept = {k: v for k, v in sample.items() if k == key or k != output_key}
            return {output_key if k == key else k: v for k, v in kept.items()}

        return self._add(Step("rename_key", renamed, key))

    # --- arrays -----------------------------------------------------------------------------------

    @recorded
    def cast(self: Self, key: Keys, dtype: Any, output_key: Keys = "") -> Self:
        """An array of another dtype (NumPy's, mlx's, or its name). What that cannot hold is an
        error; fractions are cut off where it is one of whole numbers. Texts become the numbers that
        they say."""
        kind = dtype_of(dtype)
        return self._add(at_key("cast", key, lambda x: converted(x, kind), output_key))

    @recorded
    def normalize(self: Self, key: Keys, mean: Any, std: Any, output_key: Keys = "") -> Self:
        """`(x - mean) / std` as float32; mean and std are numbers or one for each channel."""
        shift, scale = np.asarray(mean, np.float64), np.asarray(std, np.float64)
        if not np.all(np.isfinite(shift)) or not np.all((scale > 0) & np.isfinite(scale)):
            raise ValueError(f"[data] normalize: a std is above 0, not {std}, a mean is finite")
        functions = _normalizer(shift, scale)
        return self._add(at_key("normalize", key, functions, output_key))

    @recorded
    def check_range(self: Self, key: Keys, low: Any, high: Any) -> Self:
        """Values below `low`, or not below `high`, are an error: labels of classes that do not
        exist."""
        if not low < high:
            raise ValueError(f"[data] check_range: nothing is in [{low}, {high})")

        functions = [_in_range(one, low, high) for one in keys_of(key)]
        return self._add(at_key("check_range", key, functions))

    @recorded
    def pad(self: Self, key: Keys, dim: int, lpad: int, rpad: int, value: Any = 0) -> Self:
        """`lpad` values before and `rpad` values behind what is along `dim`."""
        before, behind = whole(lpad, "lpad", 0), whole(rpad, "rpad", 0)
        axis = whole(dim, "a dimension")

        def padded(x):
            return _padded(array_of(x), axis, before, behind, value)

        return self._add(at_key("pad", key, padded))

    @recorded
    def pad_to_size(self: Self, key: Keys, dim: int, size: int, value: Any = 0) -> Self:
        """Values behind what is along `dim`, so that it has `size`; what is longer stays."""
        axis, least = whole(dim, "a dimension"), whole(size, "a size", 0)

        def padded(x):
            a = array_of(x)
            return _padded(a, axis, 0, max(0, least - a.shape[axis_of(a, axis)]), value)

        return self._add(at_key("pad_to_size", key, padded))

    @recorded
    def slice(self: Self, key: Keys, dim: int, start: int, stop: Optional[int] = None) -> Self:
        """A part along one dimension."""
        axis = whole(dim, "a dimension")

        def part(x):
            a = array_of(x)
            return _range(a, axis_of(a, axis), start, stop)

        return self._add(at_key("slice", key, part))

    @recorded
    def random_slice(self: Self, key: Keys, dim: int, size: int, *, seed: int = 0) -> Self:
        """A part of `size` that begins anywhere; what is shorter stays whole. Of several keys it is
        the same part; they have one size along `dim`."""
        keys, axis = keys_of(key), whole(dim, "a dimension")
        count = whole(size, "a size", 0)

        def part(sample, random):
            a = array_of(value_at(sample, keys[0]))
            size = a.shape[axis_of(a, axis)]
            start = random.randrange(max(0, size - count) + 1)
            made = {**sample, keys[0]: _range(a, axis, start, start + count)}
            for key in keys[1:]:
                a = array_of(value_at(sample, key))
                other = a.shape[axis_of(a, axis)]
                if other != size:
                    raise ValueError(
                        f"{keys[0]!r} has {size} along dimension {axis}, {key!r} {other}"
                    )
                made[key] = _range(a, axis, start, start + count)
            return made

        return self._add_random("random_slice", keys[0], part, seed)

    @recorded
    def squeeze(self: Self, key: Keys, dim: Union[int, Sequence[int], None] = None) -> Self:
        """An array without its dimensions of size 1, or without these."""
        axis = tuple(dim) if isinstance(dim, (list, tuple)) else dim
        return self._add(at_key("squeeze", key, lambda x: np.squeeze(array_of(x), axis)))

    @recorded
    def shape(self: Self, key: Keys, output_key: Keys, dim: int) -> Self:
        """The size of an array along `dim` goes to `output_key`."""

        def size(x):
            a = array_of(x)
            return a.shape[axis_of(a, dim)]

        return self._add(at_key("shape", key, size, output_key))

    @recorded
    def replace(self: Self, key: Keys, old: Any, new: Any) -> Self:
        """Elements that are `old`, also NaN, or in texts its occurrences, become `new`."""
        if isinstance(old, (str, bytes)) and not old:
            raise ValueError("[data] replace: old is an empty text, which stands everywhere")

        def replaced(x):
            if isinstance(x, (str, bytes)):
                return _replaced(x, old, new)
            if isinstance(x, list) and x and all(isinstance(t, (str, bytes)) for t in x):
                return [_replaced(t, old, new) for t in x]
            a = array_of(x)
            if a.dtype.kind in "US":
                texts = [_replaced(t, old, new) for t in a.ravel().tolist()]
                return np.array(texts, a.dtype.kind).reshape(a.shape)
            if isinstance(old, (str, bytes)) and a.dtype.kind in NUMBERS:
                raise ValueError(f"old is {old!r}, and the values are {a.dtype}")
            found = a != a if old != old else a == old  # NaN is the one that is not itself
            return np.where(found, np.asarray(fitting(new, a.dtype, "the value"), a.dtype), a)

        return self._add(at_key("replace", key, replaced))

    # --- files and texts --------------------------------------------------------------------------

    @recorded
    def load_file(self: Self, key: Keys, prefix: Any = "", output_key: Keys = "") -> Self:
        """The bytes of the file that is named at `key`, below `prefix`."""
        path = paths_below(prefix)

        def load(name):
            with open(path(name), "rb") as file:
                return file.read()

        return self._add(at_key("load_file", key, load, output_key))

    @recorded
    def load_numpy(self: Self, key: Keys, prefix: Any = "", output_key: Keys = "") -> Self:
        """The array of an .npy file; pickled objects are refused."""
        path = paths_below(prefix)

        def load(name):
            loaded = numpy_file(path(name))
            if not isinstance(loaded, np.ndarray):
                raise ValueError(
                    f"{path(name)}: it has several arrays: buffer_from_numpy reads such files"
                )
            return np.array(loaded)

        return self._add(at_key("load_numpy", key, load, output_key))

    @recorded
    def load_json(self: Self, key: Keys, output_key: Keys = "") -> Self:
        """What a text of JSON says."""
        return self._add(at_key("load_json", key, json_in, output_key))

    @recorded
    def tokenize(
        self: Self,
        key: Keys,
        tokenizer: Any,
        output_key: Keys = "",
        *,
        pad: Optional[int] = None,
        **options: Any,
    ) -> Self:
        """The tokens of a text, int32: `tokenizer.encode(text, **options)`, of an
        `mlx.lm.Tokenizer` for instance, or `tokenizer(text)`. Of a batch's list of texts, a list of
        arrays, or with `pad` one array that is filled up with it."""
        encode = getattr(tokenizer, "encode", tokenizer)
        encode_all = getattr(tokenizer, "encode_all", None)
        if not callable(encode):
            raise TypeError("[data] tokenize: a tokenizer has encode(text), or is a function")

        if pad is not None:
            fitting(pad, np.dtype(np.int32), "[data] tokenize: the pad")

        def one(text):
            text = text.decode() if isinstance(text, bytes) else text
            return _as_tokens(encode(text, **options))

        def tokens(text):
            if not isinstance(text, list):
                return one(text)
            all = [one(t) for t in text] if encode_all is None else encode_all(text, **options)
            arrays = [_as_tokens(t) for t in all]
            return arrays if pad is None else stacked(arrays, pad)

        return self._add(at_key("tokenize", key, tokens, output_key))
