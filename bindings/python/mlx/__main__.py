"""`python -m mlx` and `mlx`: the program of the C library, which lies beside the compiled module.

What only the package knows is answered here: `--version`, the program's and its own, and
`--cmake-dir`, the folder for CMAKE_PREFIX_PATH, in which find_package(MLXC) finds headers and
library.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path


def folder() -> Path:
    """Of the compiled module, also where the package is installed editable. Nothing is loaded."""
    return Path(importlib.util.find_spec("mlx.core").origin).absolute().parent


def program() -> Path:
    return folder() / "bin" / "mlx"


def version() -> str:
    import mlx.core as mx

    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True)
    return f"{said.stdout.strip()}\nPython package: MLX {mx.__version__}"


ANSWERS = {"--version": version, "--cmake-dir": folder}


def main() -> None:
    words = sys.argv[1:]
    if words and all(word in ANSWERS for word in words):
        for word in words:
            print(ANSWERS[word]())
        return
    # This process becomes the program, so that signals, status and terminal are its own.
    os.execv(program(), ["mlx", *words])


if __name__ == "__main__":
    main()
