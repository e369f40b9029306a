"""Buffers and streams of what lies in memory or in files."""

import os
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence

import numpy as np

from ._buffer import Buffer, Columns, Vector, shielded
from ._files import name_words
from ._reading import PathLike, numpy_file, reading
from ._sources import FromIterable
from ._stream import Stream
from ._streams import Mixed
from ._task import Sample, Task

# --- memory ---------------------------------------------------------------------------------------


def buffer_from_vector(data: Sequence[Mapping[str, Any]]) -> Buffer:
    """A buffer of a list of dicts.

    Args:
        data: The samples.

    Returns:
        Buffer: A sample for each dict.

    Example:
        >>> data.buffer_from_vector([{"x": 1}, {"x": 2}])[0]
        {'x': 1}
    """
    return Vector(data)


def buffer_from_arrays(columns: Optional[Mapping[str, Any]] = None, **named: Any) -> Buffer:
    """A buffer of arrays (mlx's, NumPy's, mapped files, lists of texts) whose first dimension
    numbers the samples: `buffer_from_arrays(image=images, label=labels)`. Batches are taken at
    once.

    Args:
        columns: A dict of the columns, for names that are no words of Python.
        named: The columns.

    Returns:
        Buffer: A sample for each entry of the first dimension.

    Raises:
        ValueError: columns have different lengths, or one is given twice

    Example:
        >>> buffer = data.buffer_from_arrays(x=mx.array([[1, 2], [3, 4]]), label=[0, 1])
        >>> int(buffer[1]["label"]), buffer[1]["x"].tolist()
        (1, [3, 4])
    """
    given = {} if columns is None else columns
    for key in named:
        if key in given:
            raise ValueError(f"[data] the column {key!r} was given twice")
    return Columns({**given, **named})


def stream_python_iterable(factory: Callable[[], Iterable[Sample]]) -> Stream:
    """The samples that the iterable gives which `factory()` returns, in each epoch anew.

    Args:
        factory: A function without arguments.

    Returns:
        Stream: A sample for each dict.

    Example:
        >>> stream = data.stream_python_iterable(lambda: ({"x": i} for i in range(3)))
        >>> [sample["x"] for sample in stream]
        [0, 1, 2]
    """
    return FromIterable(factory)


class _Dataset(Buffer):
    """An object with a length whose items are dicts, tuples or single values."""

    _kind = "dataset"

    def __init__(self, dataset: Any, keys: Sequence[str]) -> None:
        self._dataset, self._keys = dataset, _different(keys)

    def __len__(self) -> int:
        return len(self._dataset)

    def _load(self, i, epoch):
        sample = _named(self._dataset[i], self._keys)
        return shielded(sample) if isinstance(self._dataset, (list, tuple)) else sample

    def _task(self, i: int, epoch: int) -> Task:
        return Task(self._load, i, epoch, i)


def _different(keys):
    for key in keys:
        if list(keys).count(key) > 1:
            raise ValueError(f"[data] the key {key!r} is for two values")
    return keys


def _named(item, keys):
    if isinstance(item, Mapping):
        return dict(item)
    values = item if isinstance(item, (tuple, list)) else (item,)
    if len(values) != len(keys):
        raise ValueError(f"an item of {len(values)} values, and {len(keys)} keys to name them")
    return dict(zip(keys, values))


def _check_numbered(dataset):
    """Hugging Face has the parts of a dataset in a dict, by their names."""
    names = [key for key in dataset if isinstance(key, str)] if isinstance(dataset, Mapping) else []
    if names:
        some = ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
        raise TypeError(
            f"[data] {type(dataset).__name__} has items by name, not by number: give one of {some}"
        )


def buffer_from_dataset(dataset: Any, keys: Sequence[str] = ()) -> Buffer:
    """The items of anything with a length and indices: a dataset of Hugging Face, of PyTorch.
    Tuples get the given keys.

    Args:
        dataset: What has `len` and items by number.
        keys: The names of the parts of items that are tuples.

    Returns:
        Buffer: A sample for each item.

    Raises:
        TypeError: it has no length, or no items by number, such as several datasets by name

    Example:
        >>> data.buffer_from_dataset([(1, "a"), (2, "b")], keys=["x", "name"])[1]
        {'x': 2, 'name': 'b'}
    """
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise TypeError(
            f"[data] {type(dataset).__name__} has no length and no items by number: "
            "try stream_from_dataset"
        )
    _check_numbered(dataset)
    return _Dataset(dataset, keys)


def stream_from_dataset(dataset: Any, keys: Sequence[str] = ()) -> Stream:
    """The items of anything that can be iterated over again and again: iterable datasets of Hugging
    Face and PyTorch. Tuples get the given keys.

    Args:
        dataset: What can be iterated over.
        keys: The names of the parts of items that are tuples.

    Returns:
        Stream: A sample for each item.

    Raises:
        TypeError: it has items by name, such as several datasets

    Example:
        >>> list(data.stream_from_dataset([(1, "a"), (2, "b")], keys=["x", "name"]))
        [{'x': 1, 'name': 'a'}, {'x': 2, 'name': 'b'}]
    """
    _check_numbered(dataset)
    if hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__"):
        return _Dataset(dataset, keys).to_stream()
    _different(keys)
    return FromIterable(lambda: dataset, lambda item, _: _named(item, keys))


# --- streams of several ---------------------------------------------------------------------------


def interleave(*streams: Stream, block: int = 1, until: str = "all") -> Stream:
    """`block` samples of each stream in turn, until all have ended, or the "first".

    Args:
        streams: The streams.
        block: How many samples of one are taken in a row.
        until: "all", or "first": when the first has ended.

    Returns:
        Stream: Samples of all.

    Raises:
        ValueError: there is no stream, `block` is not positive, or `until` is another word

    Example:
        >>> one = data.buffer_from_vector([{"x": 1}, {"x": 2}]).to_stream()
        >>> two = data.buffer_from_vector([{"x": 10}, {"x": 20}]).to_stream()
        >>> [sample["x"] for sample in data.interleave(one, two)]
        [1, 10, 2, 20]
    """
    return Mixed(streams, None, block, until, 0)


def mix(
    streams: Sequence[Stream], weights: Sequence[float], *, seed: int = 0, until: str = "all"
) -> Stream:
    """Samples of streams that are drawn by these weights, until all have ended, or the "first".

    Args:
        streams: The streams.
        weights: How often each is drawn, in proportion.
        seed: What the draws follow from, with the number of the epoch.
        until: "all", or "first": when the first has ended.

    Returns:
        Stream: Samples of all.

    Raises:
        ValueError: there is no stream, or not a positive weight for each

    Example:
        >>> one = data.buffer_from_vector([{"x": 1}] * 300).to_stream()
        >>> two = data.buffer_from_vector([{"x": 2}] * 100).to_stream()
        >>> sorted(sample["x"] for sample in data.mix([one, two], [3, 1])) == [1] * 300 + [2] * 100
        True
    """
    return Mixed(streams, weights, 1, until, seed)


# --- files ----------------------------------------------------------------------------------------


def files_from_folder(root: PathLike, pattern: str = "**/*") -> Buffer:
    """{"file": path} for each file below a folder that matches, sorted by path.

    Args:
        root: The folder.
        pattern: What paths below it are to match, as in `pathlib.Path.glob`.

    Returns:
        Buffer: A sample for each file.

    Raises:
        FileNotFoundError: there is no such folder
        ValueError: no file matches, or the pattern is none

    Example:
        >>> mx.save("one.npy", mx.array(1))
        >>> data.files_from_folder(".", "one.*")[0]
        {'file': 'one.npy'}
    """
    folder = Path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"[data] there is no folder {folder}")
    try:
        files = sorted(str(path) for path in folder.glob(pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise ValueError(f"[data] the pattern {pattern!r}: {error}") from None
    if not files:
        raise ValueError(f"[data] no file matches {pattern!r} below {folder}")
    return Vector([{"file": file} for file in files], name_words(str(folder), files))


class ImageFolder(Vector):
    """{"file": path, "label": number} of the images in a folder for each class; `classes` are the
    names of the folders in the order of the numbers.

    Args:
        root: The folder of the folders.
        suffixes: The ends of the names of images.

    Raises:
        FileNotFoundError: there is no such folder
        ValueError: no image lies in a folder of its class, or one has none

    Example:
        >>> import os
        >>> os.makedirs("animals/cat")
        >>> images.save("animals/cat/1.bmp", mx.zeros((2, 2, 3), mx.uint8))
        >>> data.ImageFolder("animals", [".bmp"]).classes
        ['cat']
    """

    def __init__(self, root: PathLike, suffixes: Sequence[str]) -> None:
        folder = Path(root)
        if not folder.is_dir():
            raise FileNotFoundError(f"[data] there is no folder {folder}")
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        self.classes = [name for name in names if not name.startswith(".")]
        samples = [
            {"file": str(path), "label": label}
            for label, name in enumerate(self.classes)
            for path in sorted((folder / name).rglob("*"))
            if path.suffix.lower() in suffixes and path.is_file()
        ]
        if not samples:
            raise ValueError(f"[data] no image lies in a folder of its class below {folder}")
        labels = {sample["label"] for sample in samples}
        for label, name in enumerate(self.classes):
            if label not in labels:
                raise ValueError(f"[data] {folder / name} is the folder of a class without images")
        super().__init__(samples, name_words(str(folder), [s["file"] for s in samples]))


def image_folder(
    root: PathLike,
    suffixes: Sequence[str] = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
) -> ImageFolder:
    """The images of a folder with a folder for each class: `root/cat/1.jpg`. `load_image("file",
    output_key="image")` decodes them. Folders whose names begin with a point are none of classes.

    Args:
        root: The folder of the folders.
        suffixes: The ends of the names of images.

    Returns:
        ImageFolder: A buffer of {"file": path, "label": number}; `classes` has the names.

    Raises:
        FileNotFoundError: there is no such folder
        ValueError: no image lies in a folder of its class, or one has none

    Example:
        >>> import os
        >>> for kind in "cat", "dog":
        ...     os.makedirs(f"photos/{kind}")
        ...     images.save(f"photos/{kind}/1.bmp", mx.zeros((2, 2, 3), mx.uint8))
        >>> photos = data.image_folder("photos")
        >>> photos.classes, photos[1]["label"]
        (['cat', 'dog'], 1)
    """
    return ImageFolder(root, suffixes)


def buffer_from_numpy(path: PathLike, key: str = "array") -> Buffer:
    """The arrays of an .npz file under their names, or the array of an .npy file, which is mapped,
    under `key`. Pickled objects are refused.

    Args:
        path: The file, .npy or .npz.
        key: The name of the array of an .npy file.

    Returns:
        Buffer: A sample for each entry of the first dimension.

    Raises:
        ValueError: it is no such file, holds pickled objects, or two arrays of one name

    Example:
        >>> mx.save("x.npy", mx.array([5, 6, 7]))
        >>> len(data.buffer_from_numpy("x.npy", key="x"))
        3
    """
    loaded = numpy_file(path)
    with reading(path):
        return Columns({key: loaded} if isinstance(loaded, np.ndarray) else loaded)
