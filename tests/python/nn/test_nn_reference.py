"""Layers beside the original package, which runs the cases of nn_tables.py in its own process."""

import pickle

import nn_cases
import numpy as np
import pytest

import reference

TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2}

pytestmark = pytest.mark.skipif(bool(reference.WHY_NOT), reason=reference.WHY_NOT)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "results"
    reference.run("nn/nn_cases.py", path)
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
def test_same(name, expression, theirs):
    ours, expected = dict(nn_cases.evaluate(expression)), dict(theirs[name])
    assert list(ours) == list(expected)
    for path in ours:
        assert_same(ours[path], expected[path])
