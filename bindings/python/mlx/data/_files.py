"""Files to read from, and streams of them."""

import gzip
import os
import zlib
from collections.abc import Iterable
from typing import Any, BinaryIO, Callable, Mapping, Sequence, Union

from ._buffer import Vector
from ._stream import Stream
from ._streams import Flat
from ._task import Sample

PathLike = Union[str, os.PathLike]

# What a file raises that is not what it should be.
UNREADABLE = (ValueError, EOFError, OSError, zlib.error)


def one_line(error: BaseException) -> str:
    """What an error says, as it goes into a sentence."""
    return " ".join(str(error).split()).removeprefix("[data] ") or type(error).__name__


def open_file(path: PathLike) -> BinaryIO:
    """A file to read from; what is packed by gzip is unpacked."""
    file = open(os.fspath(path), "rb")  # not the number of an open file
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[return-value]


def paths_of(paths: Union[PathLike, Sequence[PathLike]]) -> list[str]:
    """Paths of files that are there."""
    many = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    if not isinstance(many, Iterable):
        raise TypeError(f"[data] a path was expected, or several, not {type(paths).__name__}")
    found = [os.fspath(path) for path in many]
    for path in found:
        if not os.path.isfile(path):
            raise FileNotFoundError(f"[data] there is no file {path}")
    return found


def file_words(paths: Sequence[str]) -> str:
    """What files are, wherever they lie: names and sizes."""
    all = [f"{os.path.basename(path)} of {os.path.getsize(path)} bytes" for path in paths]
    more = f" and {len(all) - 1} more {checksum(all)}" if len(all) > 1 else ""
    return all[0] + more if all else ""


def name_words(root: str, files: Sequence[str]) -> str:
    """What the files below a folder are, wherever it lies: their names."""
    return f"files {checksum([file.removeprefix(root) for file in files])}"


def checksum(texts: Sequence[str]) -> str:
    """What tells texts from others."""
    return f"{zlib.crc32(chr(0).join(texts).encode('utf-8', 'surrogatepass')):08x}"


def stream_of_files(
    paths: Union[PathLike, Sequence[PathLike]],
    read: Callable[[str], Iterable[Sample]],
    settings: Mapping[str, Any],
) -> Stream:
    """The samples that `read(path)` gives, file by file, or for one that is wrong a `Wrong`: it is
    the error of one sample. What cannot be read names the file."""
    found = paths_of(paths)
    files = Vector([{"file": path} for path in found], file_words(found)).to_stream()
    return Flat(files, lambda s: read(s["file"]), "read", settings, numbered=True)
