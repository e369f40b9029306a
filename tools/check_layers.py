#!/usr/bin/env python3
"""Includes point only downward (docs/architecture.md). Prints each that does not; the status says
whether any."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RANK = {
    "base": 0,
    "kernels": 1,
    "graph": 2,
    "cpu": 3,
    "cuda": 3,
    "ops": 4,
    "transforms": 5,
    "io": 5,
    "models": 5,
    "catalog": 6,
    "capi": 6,
}
APART = [{"cpu", "cuda"}]  # same height, and neither sees the other
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def fault(layer, target):
    """Why a file of `layer` may not include `target`, or None."""
    top = target.split("/")[0]
    if target.startswith("mlx/c/"):
        return None if layer in ("capi", "catalog") else "the public headers belong to capi"
    if top not in RANK:
        return None if "/" not in target else "no such layer"
    if RANK[top] > RANK[layer]:
        return f"{top} lies above {layer}"
    if any({layer, top} == pair for pair in APART):
        return f"{layer} does not see {top}"
    return None


def main():
    faults = 0
    files = sorted(p for p in (ROOT / "src").rglob("*") if p.suffix in (".c", ".h", ".def"))
    for path in files:
        layer = path.relative_to(ROOT / "src").parts[0]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            why = found and fault(layer, found.group(1))
            if why:
                print(f"{path.relative_to(ROOT)}:{number}: {found.group(1)}: {why}")
                faults += 1
    print(f"{len(files)} files, {faults} includes that point upward")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
