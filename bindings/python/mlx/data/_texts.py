"""Buffers and streams of text files: lines, CSV, JSON lines. They are UTF-8, also packed by gzip.

What is wrong with a line or row of a stream is the error of one sample: the stream goes on behind
it."""

import csv
import io
import os
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence, Union

import numpy as np

from ._buffer import Buffer, Columns
from ._files import checksum, file_words, paths_of, stream_of_files
from ._missing import Fill, check_names, missing, without_nulls
from ._parse import NoNumber, guessed, json_in, numbers_in
from ._reading import PathLike, open_file, reading
from ._sources import FromIterable
from ._settings import dtype_of
from ._stream import Stream
from ._streams import Wrong
from ._task import Task


def _texts_of(binary, newline):
    """The lines of a file as texts. What is no UTF-8 in them is kept, as surrogates."""
    return io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def _fault(text):
    """What is wrong with a line's bytes, or nothing."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # a surrogate
        try:
            text.encode("utf-8", "surrogateescape").decode("utf-8")
        except UnicodeDecodeError as error:
            return str(error)
    return ""


def stream_line_reader(file: Union[PathLike, Sequence[PathLike]], key: str = "line") -> Stream:
    r"""The lines of text files, without their ends.

    Args:
        file: A file, or several.
        key: The name of a line in its sample.

    Returns:
        Stream: A sample for each line.

    Raises:
        ValueError: a line is no UTF-8

    Example:
        >>> from pathlib import Path
        >>> _ = Path("x.txt").write_text("one\ntwo\n")
        >>> list(data.stream_line_reader("x.txt"))
        [{'line': 'one'}, {'line': 'two'}]
    """

    def lines(path):
        with open_file(path) as binary:
            for number, line in enumerate(_texts_of(binary, "\n"), 1):
                fault = "" if line.isascii() else _fault(line)
                if fault:
                    yield Wrong(file=path, wrong=f"line {number}: {fault}")
                else:
                    yield {key: line.rstrip("\r\n")}

    return stream_of_files(file, lines, {"by": "lines", "key": key})


# --- CSV ------------------------------------------------------------------------------------------

_LONGEST_FIELD = 2**31 - 1  # of a C long on every platform; Python's own limit is 131072


def _dialect(sep, quote):
    """What csv.reader is to know; no `quote` is no quoting."""
    for name, value in (("sep", sep), ("quote", quote)):
        one = isinstance(value, str) and len(value) == 1 and value not in "\r\n"
        if not one and not (name == "quote" and value in ("", None)):
            raise ValueError(f"[data] {name} is one character, not {value!r}")
    if sep == quote:
        raise ValueError(f"[data] sep and quote are both {sep!r}")
    if not quote:
        return {"delimiter": sep, "quotechar": None, "quoting": csv.QUOTE_NONE, "strict": True}
    return {"delimiter": sep, "quotechar": quote, "strict": True}


def _rows(lines: Iterable[str], dialect: Mapping[str, Any]) -> Iterator[tuple[list[str], str]]:
    """The fields of the first row, which has the keys, and of those behind it, each with what is
    wrong with it; empty lines are none."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    reader = csv.reader(lines, **dialect)
    try:
        keys = next(reader, None)
        _check_keys(keys)
        yield keys, ""
        for fields in reader:
            if fields:
                yield fields, _fault_of_row(fields, keys, reader)
    except csv.Error as error:
        raise ValueError(f"[data] line {reader.line_num}: {error}") from None


def _check_keys(keys):
    if not keys:
        raise ValueError("[data] the CSV file has no line of names")
    if len(set(keys)) < len(keys):
        raise ValueError(f"[data] the CSV file has two columns of one name among {keys}")
    fault = _fault(",".join(keys))
    if fault:
        raise ValueError(f"[data] line 1: {fault}")


def _fault_of_row(fields, keys, reader):
    text = "".join(fields)
    fault = "" if text.isascii() else _fault(text)
    if len(fields) != len(keys):
        fault = f"{len(fields)} fields where {len(keys)} were expected"
    return f"line {reader.line_num}: {fault}" if fault else ""


def stream_csv_reader(
    file: Union[PathLike, Sequence[PathLike]],
    sep: str = ",",
    quote: str = '"',
    *,
    fill: Optional[Fill] = None,
) -> Stream:
    r"""The rows of CSV files as dicts of texts; the first row of each has the keys. `fill[key]`
    stands for empty fields. Without a `quote` quotes are characters like others.

    Args:
        file: A file, or several.
        sep: What separates fields.
        quote: What stands around fields with separators; "" for nothing.
        fill: What stands for empty fields, by key.

    Returns:
        Stream: A sample for each row.

    Raises:
        ValueError: a row has other fields than the first, or that has a name twice

    Example:
        >>> from pathlib import Path
        >>> _ = Path("fruit.csv").write_text("fruit,price\napple,3\n")
        >>> list(data.stream_csv_reader("fruit.csv"))
        [{'fruit': 'apple', 'price': '3'}]
    """
    dialect = _dialect(sep, quote)
    texts = {key: _text(value) for key, value in (fill or {}).items()}

    def samples(path):
        with open_file(path) as binary:
            rows = _rows(_texts_of(binary, ""), dialect)
            keys, _ = next(rows)
            check_names(texts, keys, "fill")
            fillers = [texts.get(key, "") for key in keys]
            for fields, fault in rows:
                if fault:
                    yield Wrong(file=path, wrong=fault)
                elif texts:
                    yield {k: field or f for k, field, f in zip(keys, fields, fillers)}
                else:
                    yield dict(zip(keys, fields))

    about = {"by": "csv", "sep": sep, "quote": quote, "fill": fill}
    return stream_of_files(file, samples, about)


def stream_csv_reader_from_string(content: str, sep: str = ",", quote: str = '"') -> Stream:
    r"""The rows of a text of CSV as dicts of texts.

    Args:
        content: The text; its first row has the keys.
        sep: What separates fields.
        quote: What stands around fields with separators; "" for nothing.

    Returns:
        Stream: A sample for each row.

    Raises:
        ValueError: a row has other fields than the first, or that has a name twice
        TypeError: `content` is no text

    Example:
        >>> list(data.stream_csv_reader_from_string("fruit;price\napple;3\n", sep=";"))
        [{'fruit': 'apple', 'price': '3'}]
    """
    if not isinstance(content, str):
        raise TypeError(f"[data] CSV is a text, not {type(content).__name__}")
    dialect, text = _dialect(sep, quote), content.removeprefix("\ufeff")
    about = {"content": checksum([text]), "sep": sep, "quote": quote}

    def rows():
        found = _rows(io.StringIO(text, newline=""), dialect)
        keys, _ = next(found)
        return ((keys, fields, fault) for fields, fault in found)

    return FromIterable(rows, _sample_of_row, about)


def _sample_of_row(row, epoch):
    keys, fields, fault = row
    if fault:
        raise ValueError(fault)
    return dict(zip(keys, fields))


def buffer_from_csv(
    file: PathLike,
    sep: str = ",",
    quote: str = '"',
    *,
    fill: Optional[Fill] = None,
    dtypes: Optional[Mapping[str, Any]] = None,
) -> Buffer:
    r"""A CSV file in memory. A column is of `dtypes[key]`, str for texts, and what is no number of
    it an error; else int64 or float32 if all of its fields are such numbers, else texts. A number
    has ASCII digits, perhaps a sign, a point, an exponent, or is nan, inf or infinity: "1_000" and
    "0x10" are texts, and so are whole numbers beyond int64. An empty field among numbers is
    missing: `fill[key]` stands for it, or it is an error.

    Args:
        file: The file, UTF-8, also packed by gzip; its first row has the keys.
        sep: What separates fields.
        quote: What stands around fields with separators; "" for nothing.
        fill: What stands for missing numbers, by key.
        dtypes: The dtypes of columns, by key; str for texts.

    Returns:
        Buffer: A sample for each row.

    Raises:
        ValueError: there is no row, a row has other fields than the first, that has a name twice, a
            number is missing, or a field is none of its column's dtype

    Example:
        >>> from pathlib import Path
        >>> _ = Path("fruit.csv").write_text("fruit,price\napple,3\nfig,\n")
        >>> buffer = data.buffer_from_csv("fruit.csv", fill={"price": 0})
        >>> [(row["fruit"], float(row["price"])) for row in buffer]
        [('apple', 3.0), ('fig', 0.0)]
    """
    path, dialect = paths_of(file)[0], _dialect(sep, quote)
    kinds = {key: _column_dtype(key, kind) for key, kind in (dtypes or {}).items()}
    with reading(path):
        keys, *rows = _sound_rows(path, dialect)
        check_names(fill, keys, "fill")
        check_names(kinds, keys, "dtypes")
        columns = dict(zip(keys, map(list, zip(*rows))))
        found = {key: _column(key, c, fill or {}, kinds.get(key)) for key, c in columns.items()}
    if not rows:
        raise ValueError(f"[data] {path} has no rows")
    return Columns(found)


def _column_dtype(key, dtype):
    kind = dtype_of(dtype)
    if kind.kind not in "biufU":
        raise TypeError(
            f"[data] the dtype of the column {key!r} is one of numbers or str, not {kind}"
        )
    return kind


def _sound_rows(path, dialect):
    with open_file(path) as binary:
        rows = []
        for fields, fault in _rows(_texts_of(binary, ""), dialect):
            if fault:
                raise ValueError(fault)
            rows.append(fields)
    return rows


def _text(value):
    """What stands for an empty field, as a field."""
    return str(int(value) if isinstance(value, (bool, np.bool_)) else value)


def _column(key, texts, fill, dtype):
    """A column with what stands for its empty fields."""
    filler, some_empty = _text(fill[key]) if key in fill else "", "" in texts
    filled = [text or filler for text in texts] if some_empty and filler else texts
    if dtype is not None and dtype.kind == "U":
        return filled
    given = [text for text in texts if text] if some_empty else texts
    found = _numbers(key, given or filled, dtype, texts)
    if isinstance(found, list):
        return filled
    if not some_empty or not given:
        return found
    if not filler:
        raise missing(key, texts.index(""), len(texts) - len(given), "an empty field")
    found = _numbers(key, filled, dtype, filled)
    if isinstance(found, list):
        raise ValueError(f"fill of the column {key!r} is {filler!r}, its fields are numbers")
    return found


def _numbers(key, some, dtype, texts):
    """Some of a column's texts as numbers, or as they are."""
    try:
        return guessed(some) if dtype is None else numbers_in(some, dtype)
    except NoNumber as error:
        more = f": say dtypes={{{key!r}: dtype or str}}" if dtype is None else ""
        row = texts.index(error.text)
        raise ValueError(f"the column {key!r}, row {row}: {error}{more}") from None


# --- JSON lines -----------------------------------------------------------------------------------


class _JsonLines(Buffer):
    """A mapped file and where its lines begin. Lines of blanks alone are no samples."""

    _kind = "jsonl"

    def __init__(self, path: str, fill: Optional[Fill]) -> None:
        self._path, self._fill = path, fill
        size = os.path.getsize(path)
        data = np.memmap(path, np.uint8, "r") if size else np.zeros(0, np.uint8)
        ends = [np.flatnonzero(part == 10) + i for i, part in _pieces(data)]
        bounds = np.concatenate([[-1], *ends, [size]])
        lines = np.flatnonzero(np.diff(bounds) > 1)
        blank = np.isin(data[bounds[lines] + 1], np.frombuffer(b" \t\r", np.uint8))
        for i in np.flatnonzero(blank):
            blank[i] = not data[bounds[lines[i]] + 1 : bounds[lines[i] + 1]].tobytes().strip()
        self._data, self._bounds, self._lines = data, bounds, lines[~blank]
        if not len(self._lines):
            raise ValueError(f"[data] {path} has no lines")

    def _settings(self) -> Mapping[str, Any]:
        return {"file": file_words([self._path]), "fill": self._fill}

    def __len__(self) -> int:
        return len(self._lines)

    def _load(self, i, epoch):
        line = int(self._lines[i])
        text = self._data[self._bounds[line] + 1 : self._bounds[line + 1]].tobytes()
        return _object(text, f"{self._path}, line {line + 1}", self._fill)

    def _task(self, i: int, epoch: int) -> Task:
        return Task(self._load, i, epoch, i)


def _pieces(data, size=1 << 24):
    for start in range(0, len(data), size):
        yield start, data[start : start + size]


def _object(line, where, fill):
    try:
        value = json_in(line)
        if not isinstance(value, dict):
            raise ValueError(f"not an object but {type(value).__name__}")
        return without_nulls(value, fill)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: {error}") from None


def buffer_from_jsonl(file: PathLike, *, fill: Optional[Fill] = None) -> Buffer:
    r"""The objects of a file, which is not packed, with one on each line. The file is mapped, and a
    line is read when it is asked for. `fill[key]` stands for what is null or not there; without it
    a null is an error.

    Args:
        file: The file, UTF-8.
        fill: What stands for nulls, by key.

    Returns:
        Buffer: A sample for each line.

    Raises:
        ValueError: a line is no object of JSON (which may have Python's NaN and Infinity), has a
            key twice, a number beyond float64, or a null without `fill`

    Example:
        >>> from pathlib import Path
        >>> _ = Path("x.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
        >>> data.buffer_from_jsonl("x.jsonl")[1]
        {'x': 2}
    """
    path = paths_of(file)[0]
    with open(path, "rb") as head:
        if head.read(2) == b"\x1f\x8b":
            raise ValueError(f"[data] {path}: it is packed: stream_jsonl reads such files")
    return _JsonLines(path, fill)


def stream_jsonl(
    file: Union[PathLike, Sequence[PathLike]], *, fill: Optional[Fill] = None
) -> Stream:
    r"""The objects of files with one on each line. `fill[key]` stands for what is null or not there;
    without it a null is an error.

    Args:
        file: A file, or several.
        fill: What stands for nulls, by key.

    Returns:
        Stream: A sample for each line.

    Raises:
        ValueError: a line is no object of JSON (which may have Python's NaN and Infinity), has a
            key twice, a number beyond float64, or a null without `fill`

    Example:
        >>> from pathlib import Path
        >>> _ = Path("x.jsonl").write_text('{"x": 1}\n{"x": null}\n')
        >>> list(data.stream_jsonl("x.jsonl", fill={"x": 0}))
        [{'x': 1}, {'x': 0}]
    """

    def objects(path):
        with open_file(path) as binary:
            for number, line in enumerate(binary, 1):
                if line.isspace():
                    continue
                try:
                    yield _object(line, f"line {number}", fill)
                except ValueError as error:
                    yield Wrong(file=path, wrong=str(error))

    return stream_of_files(file, objects, {"by": "jsonl", "fill": fill})
