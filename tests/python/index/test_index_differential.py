"""Thousands of random index expressions beside the reference package."""

import index_cases
import pytest
import reference_worker

pytestmark = pytest.mark.skipif(not reference_worker.AVAILABLE, reason="no reference package")


def agree(ours, theirs):
    """A RangeError is both an IndexError and a ValueError: the reference has one or the other."""
    return ours == theirs or (ours == "RangeError" and theirs in ("IndexError", "ValueError"))


def differences(cases, more=()):
    """Where the reference dies there is nothing to compare; nor where it refuses what is in
    `more`."""
    cases = list(cases)
    for (shape, text), theirs in zip(cases, reference_worker.results(index_cases.__file__, cases)):
        ours = index_cases.evaluate(shape, text)
        if not agree(ours, theirs) and theirs not in (reference_worker.CRASHED, *more):
            yield f"{shape} {text}\n  ours   {ours}\n  theirs {theirs}"


@pytest.mark.parametrize("seed", range(2))
def test_reading(seed):
    found = list(differences(index_cases.reads(seed, 2000)))
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:10])


@pytest.mark.parametrize("seed", range(10, 12))
def test_writing(seed):
    """What the reference refuses may be an index that NumPy takes."""
    found = list(differences(index_cases.writes(seed, 2000), more=["ValueError"]))
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:10])
