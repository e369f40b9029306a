"""Layers beside another implementation of the same interface.

The environment variable MLX_REFERENCE_PYTHON names an interpreter that has it; it runs the cases in
its own process.
"""

import os
import pickle
import subprocess
from pathlib import Path

import nn_cases
import numpy as np
import pytest

REFERENCE = os.environ.get("MLX_REFERENCE_PYTHON")
TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2}

pytestmark = pytest.mark.skipif(not REFERENCE, reason="MLX_REFERENCE_PYTHON is not set")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "results"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    subprocess.run([REFERENCE, nn_cases.__file__, str(path)], check=True, env=environment)
    return pickle.loads(path.read_bytes())


def assert_same(ours, theirs):
    if isinstance(theirs, str):
        assert ours == theirs
        return
    assert ours[0] == theirs[0]
    tolerance = TOLERANCE.get(ours[0], 2e-5)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "name, expression", [pytest.param(*row, id=row[0]) for row in nn_cases.cases()]
)
def test_same(name, expression, reference):
    ours = dict(nn_cases.evaluate(expression))
    theirs = dict(reference[name])
    assert list(ours) == list(theirs)
    for path in ours:
        assert_same(ours[path], theirs[path])
