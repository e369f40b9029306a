"""Paths that are kept, and files that are written as a whole or not at all."""

import os
import stat
from tempfile import mkstemp
from typing import Any, Union

Part = Union[bytes, bytearray, memoryview]


def from_here(path: Any) -> str:
    """A path, which stays that of the same file when the program goes to another folder."""
    name = os.fsdecode(path)
    return name if os.path.isabs(name) else os.path.join(os.getcwd(), name)


def write_file(path: Any, *parts: Part) -> None:
    """Write a file that takes the place of what was at `path` when it is whole: a full disk leaves
    that as it was. What is no plain file (a pipe, a device) is written to as it is.

    Args:
        path: The file.
        *parts: Its bytes, one part behind the other.

    Raises:
        OSError: the file cannot be written; the error names the path

    Example:
        >>> data.write_file("x.txt", "two lines\\n".encode(), b"of text\\n")
        >>> open("x.txt").read().split()
        ['two', 'lines', 'of', 'text']
    """
    name = os.path.realpath(os.fsdecode(path))
    try:
        if os.path.exists(name) and not stat.S_ISREG(os.stat(name).st_mode):
            with open(name, "wb") as file:
                file.writelines(parts)
        else:
            _write_beside(name, parts)
    except OSError as error:
        raise type(error)(error.errno, error.strerror or str(error), os.fsdecode(path)) from None


def _write_beside(name, parts):
    number, partial = mkstemp(".partial", ".", os.path.dirname(name))
    try:
        with open(number, "wb") as file:
            file.writelines(parts)
        os.chmod(partial, _mode(name))
        os.replace(partial, name)
    except BaseException:
        os.unlink(partial)
        raise


def _mode(name):
    """The rights of the file that is there, or those of a new one."""
    if os.path.exists(name):
        return stat.S_IMODE(os.stat(name).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
