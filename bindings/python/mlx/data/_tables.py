"""Buffers and streams of Arrow tables, Parquet files and tar archives."""

import importlib
import os
import tarfile
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

import numpy as np

from ._arrays import array_of
from ._buffer import Buffer, Columns, LazyColumn, Vector
from ._collate import fitting
from ._files import file_words, paths_of, stream_of_files
from ._missing import Fill, check_names, check_within, missing
from ._reading import PathLike, one_line, reading
from ._stream import Stream
from ._streams import Flat, Wrong
from ._task import Sample, Task


def _pyarrow(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError("[data] Arrow and Parquet need pyarrow: pip install pyarrow") from None


class _ArrowColumn(LazyColumn):
    """A column of texts, bytes, lists: values are made when they are asked for."""

    def __init__(self, name: str, column: Any) -> None:
        self._name, self._column = name, column
        types, kind = _pyarrow("pyarrow.types"), getattr(column.type, "value_type", column.type)
        self._empty: type = np.int64 if types.is_integer(kind) else np.float64

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, i: int) -> Any:
        value = self._column[i].as_py()
        check_within(self._name, value)
        if not isinstance(value, list):
            return value
        return array_of(value, f"under {self._name!r}") if value else np.zeros(0, self._empty)


def _is_number(kind):
    types = _pyarrow("pyarrow.types")
    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)


def _filled(name, column, value):
    try:
        if _is_number(column.type):
            given = value.as_py() if hasattr(value, "as_py") else value
            fitting(given, np.dtype(column.type.to_pandas_dtype()), "it")
        return _pyarrow("pyarrow.compute").fill_null(column, value)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ValueError(f"[data] fill of the column {name!r}: {error}") from None


def _arrow_column(name, column, fill, first):
    if column.null_count and name in fill:
        column = _filled(name, column, fill[name])
    if column.null_count:
        row = column.is_null().to_numpy().argmax()
        raise missing(name, first + int(row), column.null_count, "a null")
    if _is_number(column.type):
        return column.to_numpy(zero_copy_only=False)
    return _ArrowColumn(name, column)


def buffer_from_arrow(table: Any, *, fill: Optional[Fill] = None) -> Buffer:
    """The rows of an Arrow table (or record batch). Numbers are taken at once; texts, bytes and
    lists when they are asked for. `fill[name]` stands for a column's nulls; without it they are an
    error.

    Args:
        table: What has `__arrow_c_stream__`: of pyarrow, polars, DuckDB ...
        fill: What stands for nulls, by column.

    Returns:
        Buffer: A sample for each row.

    Raises:
        ValueError: a column has nulls and no `fill`, or two have one name

    Example:
        >>> import pyarrow
        >>> table = pyarrow.table({"x": [1, None]})
        >>> [int(row["x"]) for row in data.buffer_from_arrow(table, fill={"x": 0})]
        [1, 0]
    """
    return _arrow(table, fill, 0)


def _check_different(names):
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"[data] there are two columns {name!r}")


def _arrow(table, fill, first):
    """`first`: the number of the first row, for errors."""
    if not hasattr(table, "schema") or not hasattr(table, "columns"):
        raise TypeError(f"[data] {type(table).__name__} is no table of Arrow")
    names = table.schema.names
    check_names(fill, names, "fill")
    _check_different(names)
    if hasattr(table, "combine_chunks") and hasattr(table, "columns"):
        table = table.combine_chunks() if hasattr(table, "itercolumns") else table
    chunked = _pyarrow("pyarrow").chunked_array
    columns = {}
    for name, column in zip(names, table.columns):
        whole = column if hasattr(column, "chunks") else chunked([column])
        columns[name] = _arrow_column(name, whole, fill or {}, first)
    return Columns(columns)


def buffer_from_parquet(
    files: Union[PathLike, Sequence[PathLike]],
    columns: Optional[Sequence[str]] = None,
    *,
    fill: Optional[Fill] = None,
) -> Buffer:
    """The rows of Parquet files, in memory; with `columns` these alone. `fill[name]` stands for a
    column's nulls; without it they are an error.

    Args:
        files: A file, or several.
        columns: The names of those that are read; all by default.
        fill: What stands for nulls, by column.

    Returns:
        Buffer: A sample for each row.

    Raises:
        ImportError: pyarrow is not installed
        ValueError: a column has nulls and no `fill`, or two have one name

    Example:
        >>> import pyarrow, pyarrow.parquet
        >>> pyarrow.parquet.write_table(pyarrow.table({"x": [1, 2]}), "x.parquet")
        >>> len(data.buffer_from_parquet("x.parquet"))
        2
    """
    _check_list(columns)
    parts = [_table(path, columns, fill) for path in paths_of(files)]
    return parts[0] if len(parts) == 1 else parts[0].append(*parts[1:])


def _table(path, columns, fill):
    reader = _pyarrow("pyarrow.parquet")
    with reading(path):
        names = reader.read_schema(path).names
        _check_different(names)
        check_names(columns, names, "columns")
        return _arrow(reader.read_table(path, columns=columns, memory_map=True), fill, 0)


def _check_list(columns):
    if isinstance(columns, (str, bytes)):
        raise TypeError(f"[data] columns are a list of names, not {columns!r}")


def stream_parquet(
    files: Union[PathLike, Sequence[PathLike]],
    columns: Optional[Sequence[str]] = None,
    *,
    fill: Optional[Fill] = None,
) -> Stream:
    """The rows of Parquet files, of which one row group is in memory at a time. `fill[name]` stands
    for a column's nulls; without it they are an error.

    Args:
        files: A file, or several.
        columns: The names of those that are read; all by default.
        fill: What stands for nulls, by column.

    Returns:
        Stream: A sample for each row.

    Raises:
        ImportError: pyarrow is not installed
        ValueError: a column has nulls and no `fill`, or two have one name

    Example:
        >>> import pyarrow, pyarrow.parquet
        >>> pyarrow.parquet.write_table(pyarrow.table({"x": [1, 2]}), "x.parquet")
        >>> [int(row["x"]) for row in data.stream_parquet("x.parquet")]
        [1, 2]
    """
    reader = _pyarrow("pyarrow.parquet")
    _check_list(columns)
    paths = paths_of(files)
    groups = [group for path in paths for group in _groups(path, reader, columns)]

    def rows(sample):
        try:
            with reader.ParquetFile(sample["file"]) as file:
                table = file.read_row_group(sample["group"], columns=columns)
            found = _arrow(table, fill, sample["first"])
        except (OSError, ValueError) as error:
            raise ValueError(f"row group {sample['group']}: {one_line(error)}") from None
        for i in range(len(found)):
            try:
                yield found._load(i, 0)
            except ValueError as error:
                text = f"row {sample['first'] + i}: {one_line(error)}"
                yield Wrong(file=sample["file"], wrong=text)

    source = Vector(groups, file_words(paths)).to_stream()
    about = {"by": "parquet", "columns": columns, "fill": fill}
    return Flat(source, rows, "read", about, numbered=True)


def _groups(path, reader, columns):
    """The row groups of a file, and the number of the first row of each."""
    first, groups = 0, []
    with reading(path), reader.ParquetFile(path) as file:
        check_names(columns, file.schema_arrow.names, "columns")
        about = file.metadata
        for i in range(about.num_row_groups):
            groups.append({"file": path, "group": i, "first": first})
            first += about.row_group(i).num_rows
    return groups


# --- tar: files that differ in what is behind the first dot of their name are one sample ----------


def _split(name):
    folder, _, base = name.rpartition("/")
    stem, _, ending = base.partition(".")
    return (f"{folder}/{stem}" if folder else stem), ending


def _check_new(name, ending, parts):
    """Raise ValueError where a file would take the place of another, or of the sample's name."""
    if ending in parts:
        raise ValueError(f"[data] there are two files {name} in it")
    if ending == "__key__":
        raise ValueError(f"[data] the file {name} has the place of the sample's name")


class _Tar(Buffer):
    """Where the parts of each sample lie in an archive that is not packed."""

    _kind = "tar"

    def __init__(self, path: str) -> None:
        self._path = path
        self._samples: dict[str, dict[str, tuple[int, int]]] = {}
        size = os.path.getsize(path)
        try:
            with tarfile.open(path, "r:") as archive:
                for member in archive:
                    if member.isreg():
                        self._put(member, size)
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise ValueError(f"[data] {path}: {self._why(error)}") from None
        if not self._samples:
            raise ValueError(f"[data] {path} has no files")
        self._keys = list(self._samples)
        self._file = open(path, "rb")

    def _put(self, member, size):
        if member.offset_data + member.size > size:
            raise ValueError(f"it ends within {member.name}")
        key, ending = _split(member.name)
        parts = self._samples.setdefault(key, {})
        _check_new(member.name, ending, parts)
        parts[ending] = (member.offset_data, member.size)

    def _why(self, error):
        with open(self._path, "rb") as file:
            head = file.read(6)
        packed = head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"))
        return "it is packed: stream_tar reads such archives" if packed else one_line(error)

    def _settings(self) -> Mapping[str, Any]:
        return {"file": file_words([self._path])}

    def __len__(self) -> int:
        return len(self._keys)

    def _load(self, i, epoch):
        key = self._keys[i]
        parts = {
            ending: os.pread(self._file.fileno(), size, start)
            for ending, (start, size) in self._samples[key].items()
        }
        return {"__key__": key, **parts}

    def _task(self, i: int, epoch: int) -> Task:
        return Task(self._load, i, epoch, i)


def buffer_from_tar(file: PathLike) -> Buffer:
    """The samples of a tar archive that is not packed: files whose names are equal up to the first
    dot make one, {"__key__": name, "jpg": bytes, "cls": bytes}.

    Args:
        file: The archive.

    Returns:
        Buffer: A sample for each name.

    Raises:
        ValueError: it is no tar archive, is packed, or has two files of one name

    Example:
        >>> import io, tarfile
        >>> with tarfile.open("x.tar", "w") as archive:
        ...     item = tarfile.TarInfo("a.txt")
        ...     item.size = 2
        ...     archive.addfile(item, io.BytesIO(b"hi"))
        >>> data.buffer_from_tar("x.tar")[0]
        {'__key__': 'a', 'txt': b'hi'}
    """
    return _Tar(paths_of(file)[0])


def stream_tar(files: Union[PathLike, Sequence[PathLike]]) -> Stream:
    """The samples of tar archives, also packed ones, in their order; the files of one follow each
    other.

    Args:
        files: An archive, or several.

    Returns:
        Stream: A sample for each name.

    Raises:
        ValueError: it is no tar archive, or two files of a sample have one name

    Example:
        >>> import io, tarfile
        >>> with tarfile.open("x.tar.gz", "w:gz") as archive:
        ...     item = tarfile.TarInfo("a.txt")
        ...     item.size = 2
        ...     archive.addfile(item, io.BytesIO(b"hi"))
        >>> list(data.stream_tar("x.tar.gz"))
        [{'__key__': 'a', 'txt': b'hi'}]
    """
    return stream_of_files(files, _read_tar, {"by": "tar"})


def _read_tar(path: str) -> Iterator[Sample]:
    sample: Sample = {}
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if not member.isreg():
                    continue
                key, ending = _split(member.name)
                if sample and sample["__key__"] != key:
                    yield sample
                    sample = {}
                _check_new(member.name, ending, sample)
                file = archive.extractfile(member)
                sample = {**(sample or {"__key__": key}), ending: file.read() if file else b""}
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(str(error)) from None
    if sample:
        yield sample
