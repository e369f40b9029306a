"""Buffers and streams of text files: lines, CSV, JSON lines. They are UTF-8, also packed by gzip.

A stream of such a file gives records of what is in each line, and a step makes samples of them:
what is wrong with a line is the error of one sample, and the stream goes on behind it."""

import csv
import io
import os
from typing import Any, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from ._buffer import Buffer, Columns
from ._files import UNREADABLE, PathLike, checksum, file_words, one_line, open_file, paths_of
from ._files import stream_of_files
from ._missing import Fill, check_names, missing, without_nulls
from ._parse import NoNumber, guessed, json_in, numbers_in
from ._sources import FromIterable
from ._settings import dtype_of
from ._stream import Stream
from ._task import Task


class _Lines:
    """The lines of a file as texts. Of a line that is no UTF-8 `wrong` has the sentence until it is
    taken."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.wrong = ""
        self._lines = enumerate(lines, 1)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        number, line = next(self._lines)
        try:
            return line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            self.wrong = self.wrong or f"line {number}: {error}"
            return line.decode("utf-8", "replace")

    def take_wrong(self) -> str:
        wrong, self.wrong = self.wrong, ""
        return wrong


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
            texts = _Lines(binary)
            for line in texts:
                yield {"file": path, "line": line, "wrong": texts.take_wrong()}

    def sample(record):
        if record["wrong"]:
            raise ValueError(record["wrong"])
        return {key: record["line"].rstrip("\r\n")}

    return stream_of_files(file, lines, {"by": "lines", "key": key}, sample)


# --- CSV ------------------------------------------------------------------------------------------

_LONGEST_FIELD = 2**31 - 1  # of a C long on every platform; Python's own limit is 131072


class _Row(NamedTuple):
    line: int  # the last of the row
    keys: list[str]
    fields: list[str]

    def sample(self) -> dict[str, str]:
        """A text for each key, or ValueError."""
        if len(self.fields) != len(self.keys):
            raise ValueError(
                f"line {self.line}: {len(self.fields)} fields where {len(self.keys)} were expected"
            )
        return dict(zip(self.keys, self.fields))


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


def _rows(lines: Iterable[str], dialect: Mapping[str, Any]) -> Iterator[_Row]:
    """The rows behind the first, which has the keys; empty lines are none."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    reader = csv.reader(lines, **dialect)
    try:
        keys = next(reader, None)
        if not keys:
            raise ValueError("[data] the CSV file has no line of names")
        if len(set(keys)) < len(keys):
            raise ValueError(f"[data] the CSV file has two columns of one name among {keys}")
        for fields in reader:
            if fields:
                yield _Row(reader.line_num, keys, fields)
    except csv.Error as error:
        raise ValueError(f"[data] line {reader.line_num}: {error}") from None


def _csv_lines(binary):
    for part in binary:
        yield from part.splitlines(keepends=True)  # also at a carriage return alone


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
        quote: What stands around fields with separators.
        fill: What stands for empty fields, by key.

    Returns:
        Stream: A sample for each row.

    Raises:
        ValueError: a row has other fields than the first

    Example:
        >>> from pathlib import Path
        >>> _ = Path("fruit.csv").write_text("fruit,price\napple,3\n")
        >>> list(data.stream_csv_reader("fruit.csv"))
        [{'fruit': 'apple', 'price': '3'}]
    """
    dialect = _dialect(sep, quote)
    texts = {key: _text(value) for key, value in (fill or {}).items()}

    def rows(path):
        with open_file(path) as binary:
            lines = _Lines(_csv_lines(binary))
            for row in _rows(lines, dialect):
                yield {"file": path, "row": row, "wrong": lines.take_wrong()}

    def sample(record):
        if record["wrong"]:
            raise ValueError(record["wrong"])
        found = record["row"].sample()
        check_names(texts, found, "fill")
        return {key: field or texts.get(key, "") for key, field in found.items()}

    about = {"by": "csv", "sep": sep, "quote": quote, "fill": fill}
    return stream_of_files(file, rows, about, sample)


def stream_csv_reader_from_string(content: str, sep: str = ",", quote: str = '"') -> Stream:
    r"""The rows of a text of CSV as dicts of texts.

    Args:
        content: The text; its first row has the keys.
        sep: What separates fields.
        quote: What stands around fields with separators.

    Returns:
        Stream: A sample for each row.

    Raises:
        ValueError: a row has other fields than the first
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
        return _rows(io.StringIO(text, newline=""), dialect)

    return FromIterable(rows, lambda row, _: row.sample(), about)


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
        quote: What stands around fields with separators.
        fill: What stands for missing numbers, by key.
        dtypes: The dtypes of columns, by key.

    Returns:
        Buffer: A sample for each row.

    Raises:
        ValueError: there is no row, a row has other fields than the first, or a number is missing

    Example:
        >>> from pathlib import Path
        >>> _ = Path("fruit.csv").write_text("fruit,price\napple,3\nfig,\n")
        >>> buffer = data.buffer_from_csv("fruit.csv", fill={"price": 0})
        >>> [(row["fruit"], float(row["price"])) for row in buffer]
        [('apple', 3.0), ('fig', 0.0)]
    """
    path, dialect = paths_of(file)[0], _dialect(sep, quote)
    kinds = {key: dtype_of(kind) for key, kind in (dtypes or {}).items()}
    try:
        samples = _all_rows(path, dialect)
        for given, what in ((fill, "fill"), (kinds, "dtypes")):
            check_names(given, samples[0] if samples else (given or ()), what)
        found = {
            key: _column(key, [row[key] for row in samples], fill or {}, kinds.get(key))
            for key in (samples[0] if samples else ())
        }
    except UNREADABLE as error:
        raise ValueError(f"[data] {path}: {one_line(error)}") from None
    if not samples:
        raise ValueError(f"[data] {path} has no rows")
    return Columns(found)


def _all_rows(path, dialect):
    with open_file(path) as binary:
        lines, samples = _Lines(_csv_lines(binary)), []
        for row in _rows(lines, dialect):
            wrong = lines.take_wrong()
            if wrong:
                raise ValueError(wrong)
            samples.append(row.sample())
    return samples


def _text(value):
    """What stands for an empty field, as a field."""
    return str(int(value) if isinstance(value, (bool, np.bool_)) else value)


def _column(key, texts, fill, dtype):
    """A column with what stands for its empty fields."""
    filler = _text(fill[key]) if key in fill else ""
    filled = [text or filler for text in texts]
    if dtype is not None and dtype.kind == "U":
        return filled
    given = [text for text in texts if text]
    found = _numbers(key, given or filled, dtype, texts)
    if isinstance(found, list):
        return filled
    if len(given) == len(texts) or not given:
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
        ValueError: a line is no object of JSON, or has a null without `fill`

    Example:
        >>> from pathlib import Path
        >>> _ = Path("x.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
        >>> data.buffer_from_jsonl("x.jsonl")[1]
        {'x': 2}
    """
    return _JsonLines(paths_of(file)[0], fill)


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
        ValueError: a line is no object of JSON, or has a null without `fill`

    Example:
        >>> from pathlib import Path
        >>> _ = Path("x.jsonl").write_text('{"x": 1}\n{"x": null}\n')
        >>> list(data.stream_jsonl("x.jsonl", fill={"x": 0}))
        [{'x': 1}, {'x': 0}]
    """

    def lines(path):
        with open_file(path) as binary:
            for number, line in enumerate(binary, 1):
                if line.strip():
                    yield {"file": path, "line": line, "number": number}

    def sample(record):
        return _object(record["line"], f"line {record['number']}", fill)

    return stream_of_files(file, lines, {"by": "jsonl", "fill": fill}, sample)
