"""Files that are written as a whole or not at all."""

import os
import stat
from contextlib import contextmanager
from tempfile import mkstemp
from typing import Any, BinaryIO, Iterator


@contextmanager
def saved(path: Any) -> Iterator[BinaryIO]:
    """A file to write to that takes the place of what was at `path` when it is whole: a full disk
    leaves that as it was. Errors name the path. What is no plain file is written to as it is."""
    name = os.path.realpath(os.fsdecode(path))
    try:
        if os.path.exists(name) and not stat.S_ISREG(os.stat(name).st_mode):
            with open(name, "wb") as file:
                yield file
        else:
            yield from _beside(name)
    except OSError as error:
        raise type(error)(error.errno, error.strerror or str(error), os.fsdecode(path)) from None


def _beside(name):
    number, partial = mkstemp(".partial", ".", os.path.dirname(name))
    try:
        with open(number, "w+b") as file:
            yield file
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
