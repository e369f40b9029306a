"""The operations that buffers and streams have in common: each makes a new buffer or stream whose
samples are changed as they are made."""

import json
from typing import Any, Callable, Iterable, Optional, Sequence, TypeVar, Union

import numpy as np

from ._audio_operations import AudioOperations
from ._collate import fitting, stacked
from ._image_operations import ImageOperations
from ._steps import Steps, at_key, path_below, value_at
from ._task import Sample, Step

Self = TypeVar("Self", bound="Operations")


def _dict(sample):
    if sample is not None and not isinstance(sample, dict):
        raise TypeError(f"a sample is a dict, not {type(sample).__name__}")
    return sample


def _dtype(dtype):
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


def _padded(a, dim, before, behind, value):
    widths = [(0, 0)] * a.ndim
    widths[dim] = (before, behind)
    return np.pad(a, widths, constant_values=fitting(value, a.dtype, "the value"))


class Operations(ImageOperations, AudioOperations, Steps):
    """What buffers and streams can do. `output_key`: where the result goes, by default in place of
    what it is made of."""

    # --- samples ----------------------------------------------------------------------------------

    def sample_transform(self: Self, func: Callable[[Sample], Sample]) -> Self:
        """Samples become `func(sample)`. In a stream, `{}` or None drops a sample."""
        return self._add(
            Step("sample_transform", lambda s, _: _dict(func(s)), drops=self._may_drop)
        )

    def map(self: Self, func: Callable[[Sample], Sample]) -> Self:
        """Samples become `func(sample)`, each one sample."""
        return self._add(Step("map", lambda s, _: _dict(func(s))))

    def key_transform(
        self: Self, key: str, func: Callable[[Any], Any], output_key: str = ""
    ) -> Self:
        """The value at `key` becomes `func(value)`."""
        return self._add(at_key("key_transform", key, func, output_key))

    def filter_key(self: Self, key: Union[str, Iterable[str]], remove: bool = False) -> Self:
        """Samples with these keys alone, or with `remove` without them."""
        keys = {key} if isinstance(key, str) else set(key)

        def kept(sample, _):
            for k in () if remove else keys:
                value_at(sample, k)
            return {k: v for k, v in sample.items() if (k in keys) != remove}

        return self._add(Step("filter_key", kept))

    def rename_key(self: Self, key: str, output_key: str) -> Self:
        """What was at `key` is at `output_key`."""

        def renamed(sample, _):
            value_at(sample, key)
            return {output_key if k == key else k: v for k, v in sample.items()}

        return self._add(Step("rename_key", renamed, key))

    # --- arrays -----------------------------------------------------------------------------------

    def cast(self: Self, key: str, dtype: Any, output_key: str = "") -> Self:
        """An array of another dtype (NumPy's, mlx's, or its name)."""
        kind = _dtype(dtype)
        return self._add(at_key("cast", key, lambda x: np.asarray(x, kind), output_key))

    def normalize(self: Self, key: str, mean: Any, std: Any, output_key: str = "") -> Self:
        """`(x - mean) / std` in float32; mean and std are numbers or one for each channel."""
        shift, scale = np.asarray(mean, np.float32), np.asarray(std, np.float32)
        if not np.all(scale):
            raise ValueError("[data] normalize: std must not be 0")
        scale = 1 / scale

        def normalized(x):
            return (np.asarray(x, np.float32) - shift) * scale

        return self._add(at_key("normalize", key, normalized, output_key))

    def check_range(self: Self, key: str, low: Any, high: Any) -> Self:
        """Values below `low`, or not below `high`, are an error: labels of classes that do not
        exist."""

        def checked(x):
            a = np.asarray(x)
            if a.size and not (a.min() >= low and a.max() < high):
                odd = a[(a < low) | (a >= high) | (a != a)].flat[0]
                raise ValueError(f"{odd} under {key!r} is not in [{low}, {high})")
            return x

        return self._add(at_key("check_range", key, checked))

    def pad(self: Self, key: str, dim: int, lpad: int, rpad: int, value: Any = 0) -> Self:
        """`lpad` values before and `rpad` values behind what is along `dim`."""

        def padded(x):
            return _padded(np.asarray(x), dim, lpad, rpad, value)

        return self._add(at_key("pad", key, padded))

    def pad_to_size(self: Self, key: str, dim: int, size: int, value: Any = 0) -> Self:
        """Values behind what is along `dim`, so that it has `size`; what is longer stays."""

        def padded(x):
            a = np.asarray(x)
            return _padded(a, dim, 0, max(0, size - a.shape[dim]), value)

        return self._add(at_key("pad_to_size", key, padded))

    def slice(self: Self, key: str, dim: int, start: int, stop: Optional[int] = None) -> Self:
        """A part along one dimension."""

        def part(x):
            where = [slice(None)] * np.ndim(x)
            where[dim] = slice(start, stop)
            return np.asarray(x)[tuple(where)]

        return self._add(at_key("slice", key, part))

    def random_slice(self: Self, key: str, dim: int, size: int, *, seed: int = 0) -> Self:
        """A part of `size` that begins anywhere; what is shorter stays whole."""

        def part(x, random):
            a = np.asarray(x)
            room = max(0, a.shape[dim] - size)
            where = [slice(None)] * a.ndim
            start = random.randrange(room + 1)
            where[dim] = slice(start, start + size)
            return a[tuple(where)]

        return self._add_random("random_slice", key, part, "", seed)

    def squeeze(self: Self, key: str, dim: Union[int, Sequence[int], None] = None) -> Self:
        """An array without its dimensions of size 1, or without these."""
        axis = tuple(dim) if isinstance(dim, (list, tuple)) else dim
        return self._add(at_key("squeeze", key, lambda x: np.squeeze(x, axis)))

    def shape(self: Self, key: str, output_key: str, dim: int) -> Self:
        """The size of an array along `dim` goes to `output_key`."""
        return self._add(at_key("shape", key, lambda x: np.shape(x)[dim], output_key))

    def replace(self: Self, key: str, old: Any, new: Any) -> Self:
        """Elements that are `old`, or in a text its occurrences, become `new`."""

        def replaced(x):
            if isinstance(x, (str, bytes)):
                return x.replace(old, new)
            a = np.asarray(x)
            return np.where(a == old, np.asarray(fitting(new, a.dtype, "the value"), a.dtype), a)

        return self._add(at_key("replace", key, replaced))

    # --- files and texts --------------------------------------------------------------------------

    def load_file(self: Self, key: str, prefix: Any = "", output_key: str = "") -> Self:
        """The bytes of the file that is named at `key`, below `prefix`."""

        def load(name):
            with open(path_below(prefix, name), "rb") as file:
                return file.read()

        return self._add(at_key("load_file", key, load, output_key))

    def load_numpy(self: Self, key: str, prefix: Any = "", output_key: str = "") -> Self:
        """The array of an .npy file; pickled objects are refused."""

        def load(name):
            return np.load(path_below(prefix, name), allow_pickle=False)

        return self._add(at_key("load_numpy", key, load, output_key))

    def load_json(self: Self, key: str, output_key: str = "") -> Self:
        """What a text of JSON says."""
        return self._add(at_key("load_json", key, json.loads, output_key))

    def tokenize(
        self: Self,
        key: str,
        tokenizer: Any,
        output_key: str = "",
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
            return np.asarray(encode(text, **options), np.int32)

        def tokens(text):
            if not isinstance(text, list):
                return one(text)
            all = [one(t) for t in text] if encode_all is None else encode_all(text, **options)
            arrays = [np.asarray(t, np.int32) for t in all]
            return arrays if pad is None else stacked(arrays, pad)

        return self._add(at_key("tokenize", key, tokens, output_key))
