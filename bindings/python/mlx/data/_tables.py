"""Buffers and streams of Arrow tables and Parquet files."""

import importlib
from typing import Any, Optional, Sequence, Union

import numpy as np

from ._arrays import array_of
from ._buffer import Buffer, Columns, LazyColumn, Vector
from ._collate import fitting
from ._files import file_words, paths_of
from ._missing import Fill, check_names, check_within, missing
from ._reading import PathLike, one_line, reading
from ._stream import Stream
from ._streams import Flat, Wrong


def _pyarrow(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError("[data] Arrow and Parquet need pyarrow: pip install pyarrow") from None


class _ArrowColumn(LazyColumn):
    """A column of texts, bytes, lists: values are made when they are asked for. Lists of numbers are
    arrays of the column's dtype, lists of texts arrays of texts; of anything else they are lists."""

    def __init__(self, name: str, column: Any) -> None:
        self._name, self._column = name, column
        self._depth, self._dtype = _inside(column.type)

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, i: int) -> Any:
        scalar = self._column[i]
        if self._depth == 1 and self._dtype and self._dtype.kind != "U":
            values = getattr(scalar, "values", None)
            if values is not None and not values.null_count:
                return values.to_numpy(zero_copy_only=False)
        value = scalar.as_py()
        check_within(self._name, value)
        if not isinstance(value, list) or not self._dtype:
            return value
        if not value:
            return np.zeros((0,) * self._depth, self._dtype)
        array = array_of(value, f"under {self._name!r}")
        return array if array.dtype.kind == "U" else array.astype(self._dtype)


def _inside(kind):
    """How many lists lie within each other, and the dtype of what is in the last."""
    types, depth = _pyarrow("pyarrow.types"), 0
    kind = getattr(kind, "storage_type", kind)
    while hasattr(kind, "value_field"):  # the kinds of lists
        kind, depth = kind.value_type, depth + 1
    if _is_number(kind):
        return depth, np.dtype(kind.to_pandas_dtype())
    return depth, np.dtype("U1") if types.is_string(kind) or types.is_large_string(kind) else None


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
    table = _own_table(table)
    names = table.schema.names
    check_names(fill, names, "fill")
    _check_different(names)
    pairs = zip(names, table.combine_chunks().columns)
    return Columns({n: _arrow_column(n, column, fill or {}, first) for n, column in pairs})


def _own_table(table):
    """A table of pyarrow's, of anything that gives its columns as Arrow has them."""
    arrow = _pyarrow("pyarrow")
    if isinstance(table, arrow.Table):
        return table
    if isinstance(table, arrow.RecordBatch):
        return arrow.Table.from_batches([table])
    if not hasattr(table, "__arrow_c_stream__"):
        raise TypeError(f"[data] {type(table).__name__} is no table of Arrow")
    return arrow.table(table)


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
