"""Paths of files that are read, and streams of them."""

import os
import zlib
from collections.abc import Iterable
from typing import Any, Callable, Mapping, Sequence, Union

from .._saved import from_here
from ._buffer import Vector
from ._reading import PathLike
from ._stream import Stream
from ._streams import Flat
from ._task import Sample


def paths_of(paths: Union[PathLike, Sequence[PathLike]]) -> list[str]:
    """Paths of files that are there, which stay theirs when the program goes to another folder."""
    many = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    if not isinstance(many, Iterable):
        raise TypeError(f"[data] a path was expected, or several, not {type(paths).__name__}")
    found = [from_here(path) for path in map(os.fspath, many)]
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
