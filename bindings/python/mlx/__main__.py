"""`python -m mlx` and `mlx`: the program of the C library, which lies beside the compiled module.

What only the package knows is answered here: `--version`, its version, and `--cmake-dir`, the
folder for CMAKE_PREFIX_PATH, in which find_package(MLXC) finds headers and library.
"""

import importlib.util
import os
import sys
from pathlib import Path


def folder() -> Path:
    """Of the compiled module, also where the package is installed editable. Nothing is loaded."""
    return Path(importlib.util.find_spec("mlx.core").origin).absolute().parent


def version() -> str:
    import mlx.core as mx

    return mx.__version__


ANSWERS = {"--version": version, "--cmake-dir": folder}


def main() -> None:
    words = sys.argv[1:]
    if words and all(word in ANSWERS for word in words):
        for word in words:
            print(ANSWERS[word]())
        return
    # This process becomes the program, so that signals, status and terminal are its own.
    os.execv(folder() / "bin" / "mlx", ["mlx", *words])


if __name__ == "__main__":
    main()
