#!/usr/bin/env python3
"""Files of exported functions run by the reference package: the same results.

    reference_mlxfn.py FOLDER                by an interpreter that has the package
    reference_mlxfn.py --of PROGRAM...       by any: $MLX_REFERENCE_PYTHON runs the former on what
                                             the programs write

FOLDER has NAME.mlxfn with NAME.safetensors beside it: the inputs in0, in1 ... and the result out
(test_op_cases and test_shapeless write such with MLX_TEST_KEEP=FOLDER). 77: there is no such
package here.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

# An error where it cannot follow: operations that the format has no word for, dtypes that it cannot
# load or compute.
ALLOWED = (
    "Unable to deserialize primitive mlxc.",
    "unsupported dtype F64",
    "only supports float32",
    "cannot infer output shapes",
)


def differs(mx, got, want):
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.shape} {got.dtype}, not {want.shape} {want.dtype}"
    if mx.issubdtype(want.dtype, mx.inexact):
        loose = want.dtype in (mx.float16, mx.bfloat16)
        same = mx.allclose(
            got, want, rtol=1e-2 if loose else 1e-4, atol=1e-2 if loose else 2e-5, equal_nan=True
        )
    else:
        same = mx.array_equal(got, want)
    return None if same.item() else f"{got.tolist()}, not {want.tolist()}"


def check(mx, path):
    try:
        arrays = mx.load(str(path.with_suffix(".safetensors")))
        inputs = [arrays[f"in{i}"] for i in range(len(arrays)) if f"in{i}" in arrays]
        got = mx.import_function(str(path))(*inputs)[0]
        return differs(mx, got, arrays["out"])
    except Exception as error:
        return None if any(text in str(error) for text in ALLOWED) else str(error)


def compare(folder):
    try:
        import mlx.core as mx
    except ImportError:
        print("the reference package is not installed")
        return 77
    mx.set_default_device(mx.cpu)
    files = [
        p for p in sorted(Path(folder).glob("*.mlxfn")) if p.with_suffix(".safetensors").exists()
    ]
    faults = {p.name: why for p in files if (why := check(mx, p))}
    for name, why in faults.items():
        print(f"{name}: {why[:300]}")
    print(f"{len(files)} files, {len(faults)} that differ")
    return 1 if faults or not files else 0


def drive(programs):
    python = os.environ.get("MLX_REFERENCE_PYTHON")
    if not python:
        print("MLX_REFERENCE_PYTHON is not set")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        for program in programs:
            subprocess.run([program], env=os.environ | {"MLX_TEST_KEEP": folder}, check=True)
        return subprocess.run([python, __file__, folder]).returncode


def main():
    return drive(sys.argv[2:]) if sys.argv[1] == "--of" else compare(sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
