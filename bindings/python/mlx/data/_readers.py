"""Buffers and streams of what lies in memory or in files."""

import csv
import gzip
import io
import json
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterable, Mapping, Optional, Sequence, Union
from zipfile import BadZipFile

import numpy as np

from ._buffer import Buffer, Columns, Vector, shielded
from ._missing import Fill, check_fill, missing, without_nulls
from ._sources import FromIterable
from ._stream import Stream
from ._streams import Flat, Mixed
from ._task import Sample, Task

PathLike = Union[str, os.PathLike]

# What a file raises that is not what it should be.
UNREADABLE = (ValueError, EOFError, OSError, zlib.error)

# --- memory ---------------------------------------------------------------------------------------


def buffer_from_vector(data: Sequence[Mapping[str, Any]]) -> Buffer:
    """A buffer of a list of dicts."""
    return Vector(data)


def buffer_from_arrays(columns: Optional[Mapping[str, Any]] = None, **named: Any) -> Buffer:
    """A buffer of arrays (mlx's, NumPy's, mapped files, lists of texts) whose first dimension
    numbers the samples: `buffer_from_arrays(image=images, label=labels)`. Batches are taken at
    once."""
    return Columns({**(columns or {}), **named})


def stream_python_iterable(factory: Callable[[], Iterable[Sample]]) -> Stream:
    """The samples that the iterable gives which `factory()` returns, in each epoch anew."""
    return FromIterable(factory)


class _Dataset(Buffer):
    """An object with a length whose items are dicts, tuples or single values."""

    _kind = "dataset"

    def __init__(self, dataset: Any, keys: Sequence[str]) -> None:
        self._dataset, self._keys = dataset, keys

    def __len__(self) -> int:
        return len(self._dataset)

    def _load(self, i, epoch):
        sample = _named(self._dataset[i], self._keys)
        return shielded(sample) if isinstance(self._dataset, (list, tuple)) else sample

    def _task(self, i: int, epoch: int) -> Task:
        return Task(self._load, i, epoch, i)


def _named(item, keys):
    if isinstance(item, Mapping):
        return dict(item)
    values = item if isinstance(item, (tuple, list)) else (item,)
    if len(values) != len(keys):
        raise ValueError(f"an item of {len(values)} values, and {len(keys)} keys to name them")
    return dict(zip(keys, values))


def buffer_from_dataset(dataset: Any, keys: Sequence[str] = ()) -> Buffer:
    """The items of anything with a length and indices: a dataset of Hugging Face, of PyTorch.
    Tuples get the given keys."""
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise TypeError(
            f"[data] {type(dataset).__name__} has no length and no items by number: "
            "try stream_from_dataset"
        )
    return _Dataset(dataset, keys)


def stream_from_dataset(dataset: Any, keys: Sequence[str] = ()) -> Stream:
    """The items of anything that can be iterated over again and again: iterable datasets of Hugging
    Face and PyTorch. Tuples get the given keys."""
    if hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__"):
        return _Dataset(dataset, keys).to_stream()
    return FromIterable(lambda: dataset, lambda item, _: _named(item, keys))


# --- streams of several ---------------------------------------------------------------------------


def interleave(*streams: Stream, block: int = 1, until: str = "all") -> Stream:
    """`block` samples of each stream in turn, until all have ended, or the "first"."""
    return Mixed(streams, None, block, until, 0)


def mix(
    streams: Sequence[Stream], weights: Sequence[float], *, seed: int = 0, until: str = "all"
) -> Stream:
    """Samples of streams that are drawn by these weights, until all have ended, or the "first"."""
    return Mixed(streams, weights, 1, until, seed)


# --- files ----------------------------------------------------------------------------------------


def files_from_folder(root: PathLike, pattern: str = "**/*") -> Buffer:
    """{"file": path} for each file below a folder that matches, sorted by path."""
    folder = Path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"[data] there is no folder {folder}")
    try:
        files = sorted(str(path) for path in folder.glob(pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise ValueError(f"[data] the pattern {pattern!r}: {error}") from None
    if not files:
        raise ValueError(f"[data] no file matches {pattern!r} below {folder}")
    return Vector([{"file": file} for file in files], _names(str(folder), files))


class ImageFolder(Vector):
    """{"file": path, "label": number} of the images in a folder for each class; `classes` are the
    names of the folders in the order of the numbers."""

    def __init__(self, root: PathLike, suffixes: Sequence[str]) -> None:
        folder = Path(root)
        if not folder.is_dir():
            raise FileNotFoundError(f"[data] there is no folder {folder}")
        self.classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
        samples = [
            {"file": str(path), "label": label}
            for label, name in enumerate(self.classes)
            for path in sorted((folder / name).rglob("*"))
            if path.suffix.lower() in suffixes and path.is_file()
        ]
        if not samples:
            raise ValueError(f"[data] no image lies in a folder of its class below {folder}")
        super().__init__(samples, _names(str(folder), [s["file"] for s in samples]))


def image_folder(
    root: PathLike,
    suffixes: Sequence[str] = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
) -> ImageFolder:
    """The images of a folder with a folder for each class: `root/cat/1.jpg`. `load_image("file",
    output_key="image")` decodes them."""
    return ImageFolder(root, suffixes)


def buffer_from_numpy(path: PathLike, key: str = "array") -> Buffer:
    """The arrays of an .npz file under their names, or the array of an .npy file, which is mapped,
    under `key`. Pickled objects are refused."""
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return Columns({key: loaded})
        with loaded:
            return Columns({name: loaded[name] for name in loaded.files})
    except (*UNREADABLE, BadZipFile) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"[data] {os.fspath(path)}: {error}") from None


def open_file(path: PathLike) -> BinaryIO:
    """A file to read from; what is packed by gzip is unpacked."""
    file = open(os.fspath(path), "rb")  # not the number of an open file
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[return-value]


def _paths(paths: Union[PathLike, Sequence[PathLike]]) -> list[str]:
    many = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    found = [os.fspath(path) for path in many]
    for path in found:
        if not os.path.isfile(path):
            raise FileNotFoundError(f"[data] there is no file {path}")
    return found


def file_words(paths: Sequence[str]) -> str:
    """What files are, wherever they lie: names and sizes."""
    all = [f"{os.path.basename(path)} of {os.path.getsize(path)} bytes" for path in paths]
    more = f" and {len(all) - 1} more {_crc(all)}" if len(all) > 1 else ""
    return all[0] + more if all else ""


def _names(root, files):
    return f"files {_crc([file.removeprefix(root) for file in files])}"


def _crc(texts):
    return f"{zlib.crc32(chr(0).join(texts).encode('utf-8', 'surrogateescape')):08x}"


def stream_of_files(
    paths: Union[PathLike, Sequence[PathLike]], read: Callable[[str], Iterable[Sample]]
) -> Stream:
    """The samples that `read(path)` gives, file by file. What cannot be read names the file."""
    found = _paths(paths)
    files = Vector([{"file": path} for path in found], file_words(found))
    return Flat(files.to_stream(), lambda s: read(s["file"]), "read", {"by": read.__name__})


def stream_line_reader(file: Union[PathLike, Sequence[PathLike]], key: str = "line") -> Stream:
    """The lines of text files (UTF-8, also packed by gzip), without their ends."""

    def lines(path):
        with open_file(path) as binary:
            for line in io.TextIOWrapper(binary, encoding="utf-8", newline="\n"):
                yield {key: line.rstrip("\r\n")}

    return stream_of_files(file, lines)


# --- CSV ------------------------------------------------------------------------------------------

_LONGEST_FIELD = 2**31 - 1  # of a C long on every platform; Python's own limit is 131072


def _rows(text, sep, quote):
    """Rows as dicts of texts; the first row has the keys."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    reader = csv.reader(text, delimiter=sep, quotechar=quote, strict=True)
    try:
        keys = next(reader, None)
        if not keys:
            raise ValueError("the CSV file has no line of names")
        if len(set(keys)) < len(keys):
            raise ValueError(f"the CSV file has two columns of one name among {keys}")
        for row in reader:
            if len(row) != len(keys):
                if not row:
                    continue
                raise ValueError(
                    f"line {reader.line_num}: {len(row)} fields where {len(keys)} were expected"
                )
            yield dict(zip(keys, row))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None


def stream_csv_reader(
    file: Union[PathLike, Sequence[PathLike]],
    sep: str = ",",
    quote: str = '"',
    *,
    fill: Optional[Fill] = None,
) -> Stream:
    """The rows of CSV files (UTF-8, also packed by gzip) as dicts of texts; the first row of each
    has the keys. `fill[key]` stands for empty fields."""
    texts = {key: str(value) for key, value in (fill or {}).items()}

    def rows(path):
        with open_file(path) as binary:
            text = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
            for row in _rows(text, sep, quote):
                check_fill(texts, row)
                yield {key: field or texts.get(key, "") for key, field in row.items()}

    return stream_of_files(file, rows)


def stream_csv_reader_from_string(content: str, sep: str = ",", quote: str = '"') -> Stream:
    """The rows of a text of CSV as dicts of texts."""
    return FromIterable(lambda: _rows(io.StringIO(content, newline=""), sep, quote))


def buffer_from_csv(
    file: PathLike, sep: str = ",", quote: str = '"', *, fill: Optional[Fill] = None
) -> Buffer:
    """A CSV file in memory: a column is int64 or float32 if all of its fields are such numbers,
    else texts. An empty field among numbers is missing: `fill[key]` stands for it, or it is an
    error."""
    path = _paths(file)[0]
    try:
        with open_file(path) as binary:
            text = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
            rows = list(_rows(text, sep, quote))
        if rows:
            check_fill(fill, rows[0])
        columns = {key: [row[key] for row in rows] for key in rows[0]} if rows else {}
        found = {key: _filled(key, texts, fill or {}) for key, texts in columns.items()}
    except UNREADABLE as error:
        raise ValueError(f"[data] {path}: {str(error).removeprefix('[data] ')}") from None
    if not rows:
        raise ValueError(f"[data] {path} has no rows")
    return Columns(found)


def _filled(key, texts, fill):
    """A column with what stands for its empty fields."""
    if key in fill:
        return _numbers([text or str(fill[key]) for text in texts])
    found = _numbers([text for text in texts if text])
    if isinstance(found, list) or not len(found):
        return texts
    if len(found) < len(texts):
        raise missing(key, texts.index(""), len(texts) - len(found), "an empty field")
    return found


def _numbers(texts):
    for kind in (np.int64, np.float32):
        try:
            return np.array(texts).astype(kind)
        except (ValueError, OverflowError):
            pass
    return texts


# --- JSON lines -----------------------------------------------------------------------------------


class _JsonLines(Buffer):
    """A mapped file and where its lines begin."""

    _kind = "jsonl"

    def __init__(self, path: str, fill: Optional[Fill]) -> None:
        self._path, self._fill = path, fill
        size = os.path.getsize(path)
        data = np.memmap(path, np.uint8, "r") if size else np.zeros(0, np.uint8)
        ends = [np.flatnonzero(part == 10) + i for i, part in _pieces(data)]
        bounds = np.concatenate([[-1], *ends, [size]])
        filled = np.diff(bounds) > 1
        self._data, self._starts, self._ends = data, bounds[:-1][filled] + 1, bounds[1:][filled]
        if not len(self._starts):
            raise ValueError(f"[data] {path} has no lines")

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "file": file_words([self._path])}

    def __len__(self) -> int:
        return len(self._starts)

    def _load(self, i, epoch):
        line = self._data[self._starts[i] : self._ends[i]].tobytes()
        return _object(line, f"{self._path}, line {i + 1}", self._fill)

    def _task(self, i: int, epoch: int) -> Task:
        return Task(self._load, i, epoch, i)


def _pieces(data, size=1 << 24):
    for start in range(0, len(data), size):
        yield start, data[start : start + size]


def _object(line, where, fill):
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{where}: not an object but {type(value).__name__}")
    try:
        return without_nulls(value, fill)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def buffer_from_jsonl(file: PathLike, *, fill: Optional[Fill] = None) -> Buffer:
    """The objects of a file with one on each line. The file is mapped, and a line is read when it
    is asked for. `fill[key]` stands for what is null or not there; without it a null is an
    error."""
    return _JsonLines(_paths(file)[0], fill)


def stream_jsonl(
    file: Union[PathLike, Sequence[PathLike]], *, fill: Optional[Fill] = None
) -> Stream:
    """The objects of files (also packed by gzip) with one on each line. `fill[key]` stands for what
    is null or not there; without it a null is an error."""

    def objects(path):
        with open_file(path) as binary:
            for number, line in enumerate(binary, 1):
                if line.strip():
                    yield _object(line, f"line {number}", fill)

    return stream_of_files(file, objects)
