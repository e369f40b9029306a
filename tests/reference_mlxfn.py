#!/usr/bin/env python3
"""Files of exported functions run by the reference package: the same results.

    reference_mlxfn.py FOLDER

FOLDER has NAME.mlxfn with NAME.safetensors beside it: the inputs in0, in1 ... and the result out (test_op_cases
writes such with MLX_TEST_KEEP=FOLDER). Exits with 77 where the package is not installed.
"""
import sys
from pathlib import Path

OURS_ALONE = "Unable to deserialize primitive mlxc."  # the format has no word for it


def differs(mx, got, want):
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.shape} {got.dtype}, not {want.shape} {want.dtype}"
    if mx.issubdtype(want.dtype, mx.inexact):
        loose = want.dtype in (mx.float16, mx.bfloat16)
        same = mx.allclose(got, want, rtol=1e-2 if loose else 1e-4, atol=1e-2 if loose else 2e-5, equal_nan=True)
    else:
        same = mx.array_equal(got, want)
    return None if same.item() else f"{got.tolist()}, not {want.tolist()}"


def check(mx, path):
    arrays = mx.load(str(path.with_suffix(".safetensors")))
    inputs = [arrays[f"in{i}"] for i in range(len(arrays)) if f"in{i}" in arrays]
    try:
        got = mx.import_function(str(path))(*inputs)[0]
        return differs(mx, got, arrays["out"])
    except Exception as error:
        return None if OURS_ALONE in str(error) else str(error)


def main():
    try:
        import mlx.core as mx
    except ImportError:
        print("the reference package is not installed")
        return 77
    mx.set_default_device(mx.cpu)
    files = sorted(Path(sys.argv[1]).glob("*.mlxfn"))
    faults = {p.name: why for p in files if (why := check(mx, p))}
    for name, why in faults.items():
        print(f"{name}: {why[:300]}")
    print(f"{len(files)} files, {len(faults)} that differ")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
