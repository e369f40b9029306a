#!/usr/bin/env python3
"""Every public function is called by a test, an example or a benchmark written in C.

    check_called.py build_folder [uncalled.txt ...]

Calls are the undefined symbols of their object files, and of the catalog's: test_catalog.c
calls all rows. The files name functions that are not there yet or wait for a test; a name that is
called all the same is a fault too.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

HEADERS = Path(__file__).resolve().parents[2] / "include" / "mlx" / "c"
FOLDERS = ("tests", "examples", "bench", "CMakeFiles")


def declared():
    text = "".join(p.read_text() for p in sorted(HEADERS.glob("*.h")))
    return set(re.findall(r"MLX_API[^;(]*?\b(_?mlx_\w+)\(", text))


def objects(build):
    """Of the programs, not of the library."""
    for folder in FOLDERS:
        for path in (build / folder).rglob("*.o"):
            if "/src/catalog/" in str(path) or not re.search(r"mlxc_objects|kernels_", str(path)):
                yield str(path)


def called(build):
    out = subprocess.run(
        ["nm", "-u", *objects(build)], capture_output=True, text=True, check=True
    ).stdout
    return set(re.findall(r"\bU (_?mlx_\w+)", out))


def excused(paths):
    lines = [
        line for path in map(Path, paths) if path.exists() for line in path.read_text().splitlines()
    ]
    return {line.split()[0] for line in lines if line.strip()}


def main():
    if not shutil.which("nm"):
        print("no nm")
        return 77
    names, calls = declared(), called(Path(sys.argv[1]))
    waiting = excused(sys.argv[2:])
    faults = [f"no test calls {n}" for n in sorted(names - calls - waiting)]
    faults += [
        f"called, or not there, and still excused: {n}" for n in sorted(waiting - (names - calls))
    ]
    print("\n".join(faults))
    print(
        f"{len(names)} declared, {len(names & calls)} called, {len(waiting)} excused, {len(faults)} faults"
    )
    return 1 if faults or not names else 0


if __name__ == "__main__":
    sys.exit(main())
