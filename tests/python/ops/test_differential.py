"""Thousands of expressions here and in the original package, each in a process of its own: dtypes,
shapes, values.

What differs on purpose stands in docs/differences.md; DIFFERENCES below names its headings.
MLX_DIFFERENTIAL_CASES is the number of expressions of each family, MLX_DIFFERENTIAL_SEED draws
others.
"""

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import reference
from expressions import FAMILIES, generate

CASES = int(os.environ.get("MLX_DIFFERENTIAL_CASES", "60"))
SEED = int(os.environ.get("MLX_DIFFERENTIAL_SEED", "0"))
TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2}
HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[2] / "docs" / "differences.md"


def refused_there(here, there):
    return is_error(there) and not is_error(here)


def refused_here(here, there):
    return is_error(here) and not is_error(there)


def always(here, there):
    return True


def by_zero(here, there):
    """Whole numbers of one shape, 0 here wherever they differ."""
    pairs = zip(here, there) if isinstance(here, list) else [(here, there)]
    return all(
        not is_error(x)
        and not is_error(y)
        and x[1] == y[1]
        and x[2].shape == y[2].shape
        and x[2].dtype.kind in "iub"
        and not x[2][x[2] != y[2]].any()
        for x, y in pairs
    )


def roughly(here, there):
    """Float results of one shape, apart by a few rounding errors of a half, or the other one
    overflowed."""
    pairs = zip(here, there) if isinstance(here, list) else [(here, there)]
    for x, y in pairs:
        if isinstance(x, list) or isinstance(y, list):
            if not roughly(x, y):
                return False
        elif is_error(x) or is_error(y) or x[1] != y[1] or x[2].shape != y[2].shape:
            return False
        elif np.isfinite(y[2]).all() and difference(x, y, 6e-2):
            return False
    return True


INTEGERS = r"A\('(u?int\d+|bool_)', "
# heading in the document, expressions, results that it explains
DIFFERENCES = [
    ("What MLX does not compute", r"", refused_there),
    ("Integer division by zero", r"%|remainder|divmod", by_zero),
    (
        "Whole division of complex",
        r"(//|floor_divide|divmod).*complex64|complex64.*//",
        refused_here,
    ),
    ("Scalars that do not fit", r"uint64.*-1", refused_here),
    ("Sums of integers' exponentials", r"log(cum)?sum(exp)?\(" + INTEGERS, always),
    ("Empty reductions", r"mx\.(all|prod)\(A\('\w+', \([\d, ]*\b0\b", always),
    ("all and any of complex numbers", r"mx\.(all|any)\(A\('complex64", always),
    ("full of bool", r"mx\.full\(.*bool_", always),
    ("Halves", r"'b?float16'", roughly),
]

pytestmark = pytest.mark.skipif(bool(reference.WHY_NOT), reason=reference.WHY_NOT)


def run_here(script, *arguments, timeout):
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    return subprocess.run(command, check=True, timeout=timeout)


def results(run, source, target, count):
    """One result per expression; ("crash",) where the process ended or stood still."""
    found = {}
    while len(found) < count:
        try:
            run(
                HERE / "differential_worker.py", source, target, len(found), timeout=20 + count / 50
            )
        except subprocess.TimeoutExpired:
            pass
        except subprocess.CalledProcessError as e:
            if e.returncode not in range(-64, 0):
                raise
        with open(target, "rb") as f:
            try:
                while True:
                    i, value = pickle.load(f)
                    found[i] = value
            except EOFError:
                pass
        if len(found) < count:
            found[len(found)] = ("crash",)
    return [found[i] for i in range(count)]


def is_error(x):
    return isinstance(x, tuple) and x[0] in ("error", "crash")


def same_values(a, b, dtype, tolerance):
    if a.dtype.kind not in "fc":
        return np.array_equal(a, b)
    tolerance = max(tolerance, TOLERANCE.get(dtype, 2e-5))
    if a.dtype.kind == "c":
        return same_values(a.real, b.real, dtype, tolerance) and same_values(
            a.imag, b.imag, dtype, tolerance
        )
    finite = np.isfinite(a) & np.isfinite(b)
    scale = max(1.0, float(np.abs(b[finite]).max())) if finite.any() else 1.0
    return np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def difference(a, b, tolerance=0.0):
    """What differs between two results, or an empty string."""
    if is_error(a) or is_error(b):
        return "" if is_error(a) and is_error(b) else f"{a} here, {b} there"
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return "; ".join(filter(None, (difference(x, y, tolerance) for x, y in zip(a, b))))
    if not (isinstance(a, tuple) and isinstance(b, tuple)):
        return "" if a == b else f"{a} here, {b} there"
    if a[1] != b[1] or a[2].shape != b[2].shape:
        return f"{a[1]} {a[2].shape} here, {b[1]} {b[2].shape} there"
    if same_values(a[2], b[2], a[1], tolerance):
        return ""
    return f"{a[1]}: {str(a[2])[:300]} here, {str(b[2])[:300]} there"


def known(expression, here, there):
    for _, pattern, fits in DIFFERENCES:
        if re.search(pattern, expression) and fits(here, there):
            return True
    return False


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_the_same_as_the_original(family, tmp_path):
    expressions = generate(family, CASES, SEED)
    source = tmp_path / "expressions.json"
    source.write_text(json.dumps(expressions))
    here = results(run_here, source, tmp_path / "here", len(expressions))
    there = results(reference.run, source, tmp_path / "there", len(expressions))
    loose = (
        1e-4
        if family.__name__ in ("linear_algebra", "fourier", "products", "fast", "newest")
        else 0.0
    )
    wrong = []
    for e, a, b in zip(expressions, here, there):
        what = difference(a, b, loose)
        if what and not known(e, a, b):
            wrong.append(f"{e}\n    {what}")
    assert ("crash",) not in here
    assert not wrong, f"{len(wrong)} of {len(expressions)} differ:\n" + "\n".join(wrong)


def test_the_differences_are_written_down():
    text = DOCUMENT.read_text()
    for heading, _, _ in DIFFERENCES:
        assert f"**{heading}" in text, heading
