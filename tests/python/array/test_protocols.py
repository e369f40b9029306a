"""Arrays in the hands of Python's own tools: printing, copying, iterating, kernels of GPUs at
import time."""

import argparse
import array
import copy
import doctest
import operator
import pprint
import reprlib
import sys
import unittest

import pytest

import mlx.core as mx


def test_reprlib():
    assert reprlib.repr(mx.array([1, 2])) == "array([1, 2], dtype=int32)"
    assert reprlib.repr([mx.array(3)]) == "[array(3, dtype=int32)]"
    assert reprlib.repr(mx.zeros((0,))) == "array([], dtype=float32)"
    assert len(reprlib.repr(mx.ones((9, 9)))) < 40
    assert reprlib.repr(array.array("i", [1])) == "array('i', [1])"


def test_reprlib_shows_other_classes_of_that_name_as_before():
    class array:
        typecode = "x"

        def __iter__(self):
            return iter((1, 2))

        def __len__(self):
            return 2

    other, with_module = array(), hasattr(reprlib.Repr, "_lookup")
    expected = reprlib.aRepr.repr_instance(other, 1) if with_module else "array('x', [1, 2])"
    assert reprlib.repr(other) == expected


def test_messages_of_tests_show_arrays():
    with pytest.raises(AssertionError, match=r"array\(1, dtype=int32\)"):
        unittest.TestCase().assertEqual([mx.array(1)], [2])
    assert "array([1, 2]" in pprint.pformat({"a": [mx.array([1, 2])]})


def test_doctest():
    test = doctest.DocTestParser().get_doctest(
        ">>> mx.array([1, 2])\narray([1, 2], dtype=int32)\n", {"mx": mx}, "array", None, None
    )
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


def test_copies():
    x = mx.array([1, 2])
    for y in (copy.copy(x), copy.deepcopy(x), copy.deepcopy({"a": [x]})["a"][0]):
        assert y is not x and y.tolist() == [1, 2]
        y[0] = 5
        assert x.tolist() == [1, 2]


def test_sequence():
    x = mx.array([3, 1, 2])
    assert [v.item() for v in reversed(x)] == [2, 1, 3]
    assert [v.item() for v in sorted(x)] == [1, 2, 3]
    assert sum(x).item() == 6 and max(x).item() == 3 and 1 in x and operator.length_hint(x) == 3
    assert [(i, v.item()) for i, v in enumerate(x)] == [(0, 3), (1, 1), (2, 2)]
    for use in (iter, list, sorted, sum, enumerate):
        with pytest.raises(TypeError, match="0-dimensional"):
            use(mx.array(3))
    with pytest.raises(TypeError, match="0-dimensional"):
        len(mx.array(3))


@pytest.mark.parametrize("make", [mx.fast.metal_kernel, mx.fast.cuda_kernel])
def test_kernels_are_made_and_fail_when_called(make):
    kernel = make(name="k", input_names=["x"], output_names=["y"], source="y[0] = x[0];")
    with pytest.raises(RuntimeError, match=r"\[(metal|cuda)_kernel\] No (Metal|CUDA) back-end"):
        kernel(
            inputs=[mx.ones(1)],
            output_shapes=[(1,)],
            output_dtypes=[mx.float32],
            grid=(1, 1, 1),
            threadgroup=(1, 1, 1),
        )
    with pytest.raises(ValueError, match="at least one output"):
        make("k", ["x"], [], "")
    with pytest.raises(TypeError, match="sequence of str"):
        make("k", "x", ["y"], "")
    with pytest.raises(TypeError):
        make("k", ["x"], ["y"])


@pytest.mark.parametrize("backend", ["ring", "jaccl"])
def test_programs_can_launch(backend, tmp_path):
    from mlx._distributed_utils import common, launch

    out = tmp_path / "ranks"
    code = f"import os; open({str(out)!r}, 'a').write(os.environ['MLX_RANK'])"
    hosts = [
        common.Host(0, "localhost", ["127.0.0.1"], []),
        common.Host(1, "localhost", ["127.0.0.1"], []),
    ]
    start = getattr(launch, f"launch_{backend}")
    start(None, hosts, argparse.Namespace(verbose=False), [sys.executable, "-c", code])
    assert sorted(out.read_text()) == ["0", "1"]
    with pytest.raises(SystemExit):
        start(None, hosts, argparse.Namespace(), [sys.executable, "-c", "raise SystemExit(3)"])
