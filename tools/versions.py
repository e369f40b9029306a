#!/usr/bin/env python3
"""The versions of this project, which stand in include/mlx/c/features.h and nowhere else.

versions.py LIBRARY      this library, and what comes with it
versions.py C            the release of mlx-c that programs find here
versions.py PYTHON       the release of MLX whose Python package this one takes the place of
versions.py              that of MLX as the C library says it (mlx_version)
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include/mlx/c/features.h"


def version(of="LIBRARY"):
    name = f"MLX_{of}_VERSION" if of else "MLX_VERSION"
    parts = [
        re.search(rf"^#define {name}_{part} +(\d+)$", HEADER.read_text(), re.M)
        for part in ("MAJOR", "MINOR", "PATCH")
    ]
    if not all(parts):
        raise SystemExit(f"versions: {HEADER} has no {name}_MAJOR, _MINOR and _PATCH")
    return ".".join(part.group(1) for part in parts)


def wheel_version():
    """As pyproject.toml puts it together."""
    return f"{version('PYTHON')}+cmlx{version()}"


if __name__ == "__main__":
    print(version(sys.argv[1] if sys.argv[1:] else ""))
