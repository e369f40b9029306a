"""Files that are read: what is wrong with one is a sentence that names it."""

import gzip
import io
import os
import tarfile
import zlib
from contextlib import contextmanager
from typing import Any, BinaryIO, Iterator, Optional, Union
from zipfile import BadZipFile

import numpy as np

PathLike = Union[str, os.PathLike]

# What a file raises that is not what it should be.
UNREADABLE = (ValueError, EOFError, OSError, zlib.error, BadZipFile, tarfile.TarError)


def one_line(error: BaseException) -> str:
    """What an error says, as it goes into a sentence: of one of the system no number and no path."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()).removeprefix("[data] ") or type(error).__name__


@contextmanager
def reading(path: Optional[Any]) -> Iterator[None]:
    """What is wrong with a file is a ValueError that names it; `path` is None of bytes. That it is
    not there, or may not be read, stays an OSError, and that a package is needed an ImportError."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (*UNREADABLE, ImportError) as error:
        where = "" if path is None else f"{os.fsdecode(path)}: "
        kind = ImportError if isinstance(error, ImportError) else ValueError
        raise kind(f"[data] {where}{one_line(error)}") from None


@contextmanager
def opened(source: Any, from_memory: bool) -> Iterator[BinaryIO]:
    """A file, or bytes as one, to read from; errors as in `reading`."""
    with reading(None if from_memory else source):
        # A path, not the number of an open file.
        with io.BytesIO(source) if from_memory else open(os.fspath(source), "rb") as file:
            yield file


def open_file(path: PathLike) -> BinaryIO:
    """A file to read from; what is packed by gzip is unpacked."""
    file = open(os.fspath(path), "rb")  # not the number of an open file
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[return-value]


def read_most(file: BinaryIO, count: int) -> bytes:
    """At most so many bytes, which a header may have said: the memory for them is taken as they
    come."""
    pieces = []
    while count > 0:
        pieces.append(file.read(min(count, 1 << 24)))
        if not pieces[-1]:
            break
        count -= len(pieces[-1])
    return b"".join(pieces)


def numpy_file(path: PathLike) -> Union[np.ndarray, dict[str, np.ndarray]]:
    """The array of an .npy file, mapped, or the arrays of an .npz file. Objects are refused."""
    with reading(path):
        with open(os.fspath(path), "rb") as file:
            if not file.read(6).startswith((b"\x93NUMPY", b"PK")):
                raise ValueError("this is no .npy or .npz file")
        try:
            loaded = np.load(path, mmap_mode="r", allow_pickle=False)
            return loaded if isinstance(loaded, np.ndarray) else _arrays_of(loaded)
        except Exception as error:  # NumPy's reader of headers raises errors of any kind
            raise ValueError(_of_numpy(error)) from None


def _arrays_of(archive):
    with archive:
        for name in archive.files:
            if archive.files.count(name) > 1:
                raise ValueError(f"there are two arrays {name!r}")
        return {name: archive[name] for name in archive.files}


# NumPy's and zipfile's words that advise to trust the file, or do not say what is wrong with it.
_WORDS = {
    "TokenError": "its header is broken",
    "malformed node": "its header is broken",
    "max_header_size": "its header is too long",
    "pickle": "it holds objects of Python, which are refused",
    "Python objects": "it holds objects of Python, which are refused",
    "mmap length": "it is shorter than its header says",
    "not a zip file": "the archive is broken or cut short",
}


def _of_numpy(error):
    text = one_line(error)
    words = f"{type(error).__name__}: {text}"
    return next((own for part, own in _WORDS.items() if part in words), text)
