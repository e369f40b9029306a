"""python -m mlx: the version, and where CMake finds the package."""

import argparse
from pathlib import Path

import mlx.core as mx


def main():
    parser = argparse.ArgumentParser(prog="python -m mlx")
    parser.add_argument("--version", action="store_true", help="Print the version number.")
    parser.add_argument(
        "--cmake-dir",
        action="store_true",
        help="Print the folder for CMAKE_PREFIX_PATH, in which find_package(MLXC) finds headers and library.",
    )
    options = parser.parse_args()
    if options.version:
        print(mx.__version__)
    if options.cmake_dir:
        # beside the module, also where it is installed editable
        print(Path(mx.__file__).absolute().parent)
    if not (options.version or options.cmake_dir):
        parser.print_help()


if __name__ == "__main__":
    main()
