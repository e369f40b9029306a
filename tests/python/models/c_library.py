"""libmlxc through ctypes, for tests and benchmarks of what Python does not show, and for processes that
cannot import mlx."""

import ctypes
import functools
import os
import sys
from pathlib import Path

BUILD = Path(os.environ.get("MLX_TEST_BUILD", Path(__file__).parents[3] / "build" / "dev"))


class Handle(ctypes.Structure):
    _fields_ = [("ctx", ctypes.c_void_p)]


@ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p)
def _quiet(message, data):
    pass


@functools.cache
def c_library(build=BUILD):
    """The library of a build. Errors are not printed: mlx.core sees to that where it is imported, and
    else a handler that stays as long as the process."""
    c = ctypes.CDLL(str(Path(build) / "libmlxc.so"))
    c.mlx_last_error_message.restype = ctypes.c_char_p
    if "mlx.core" not in sys.modules:
        c.mlx_set_error_handler(_quiet, None, None)
    return c
