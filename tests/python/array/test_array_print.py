"""Arrays as text, as the original prints them."""

import mlx.core as mx
import numpy as np
import pytest


def halves(*values):
    return mx.array(list(values), mx.float16)


@pytest.mark.parametrize(
    "array, text",
    [
        (mx.array(1), "array(1, dtype=int32)"),
        (mx.array(True), "array(True, dtype=bool)"),
        (mx.array(2.5), "array(2.5, dtype=float32)"),
        (mx.array(1e-5), "array(1e-05, dtype=float32)"),
        (mx.array(1 + 2j), "array(1+2j, dtype=complex64)"),
        (mx.array([1 + 2j, 3 - 1j]), "array([1+2j, 3-1j], dtype=complex64)"),
        (mx.array([True, False]), "array([True, False], dtype=bool)"),
        (mx.array([1, 2, 3]), "array([1, 2, 3], dtype=int32)"),
        (mx.array([2**63], mx.uint64), "array([9223372036854775808], dtype=uint64)"),
        (mx.array([1.0, 2, 3.123456]), "array([1, 2, 3.12346], dtype=float32)"),
        (
            mx.array([1.0, 2, 3.123456, 1e10, 1e-10]),
            "array([1, 2, 3.12346, 1e+10, 1e-10], dtype=float32)",
        ),
        (
            mx.array([float("nan"), float("inf"), -float("inf")]),
            "array([nan, inf, -inf], dtype=float32)",
        ),
        (
            mx.array([0.1, 123456789.0, 1234567.0, 100000.0, 999999.0]),
            "array([0.1, 1.23457e+08, 1.23457e+06, 100000, 999999], dtype=float32)",
        ),
        (mx.array([-0.0]), "array([-0], dtype=float32)"),
        (mx.array([1 / 3], mx.float64), "array([0.333333], dtype=float64)"),
        (halves(1 / 3), "array([0.333252], dtype=float16)"),
        (mx.array([1.5, 2.25], mx.bfloat16), "array([1.5, 2.25], dtype=bfloat16)"),
        (mx.array([]), "array([], dtype=float32)"),
        (mx.array([[], []]), "array([[],\n       []], dtype=float32)"),
        (mx.array([[1, 2], [3, 4]]), "array([[1, 2],\n       [3, 4]], dtype=int32)"),
        (
            mx.array([[[1], [2]], [[3], [4]]]),
            "array([[[1],\n        [2]],\n       [[3],\n        [4]]], dtype=int32)",
        ),
        (
            mx.array(np.arange(2000, dtype=np.int32)),
            "array([0, 1, 2, ..., 1997, 1998, 1999], dtype=int32)",
        ),
        (mx.array(np.arange(7, dtype=np.int32)), "array([0, 1, 2, ..., 4, 5, 6], dtype=int32)"),
        (mx.array(np.arange(6, dtype=np.int32)), "array([0, 1, 2, 3, 4, 5], dtype=int32)"),
        (
            mx.array(np.arange(70, dtype=np.int32).reshape(10, 7)),
            "array([[0, 1, 2, ..., 4, 5, 6],\n       [7, 8, 9, ..., 11, 12, 13],\n       [14, 15, 16, ..., 18, 19, 20],\n"
            "       ...,\n       [49, 50, 51, ..., 53, 54, 55],\n       [56, 57, 58, ..., 60, 61, 62],\n"
            "       [63, 64, 65, ..., 67, 68, 69]], dtype=int32)",
        ),
    ],
)
def test_repr(array, text):
    assert repr(array) == str(array) == f"{array!s}" == text


@pytest.mark.parametrize(
    "precision, array, text",
    [
        (
            3,
            mx.array([1.23456, float("nan"), -float("inf")]),
            "array([1.235, nan, -inf], dtype=float32)",
        ),
        (3, mx.array([1e10, 1e-10]), "array([10000000000.000, 0.000], dtype=float32)"),
        (3, halves(1.23456), "array([1.234], dtype=float16)"),
        (3, mx.array([1.23456, 2], mx.bfloat16), "array([1.234, 2.000], dtype=bfloat16)"),
        (3, mx.array([1.23456789, 2], mx.float64), "array([1.235, 2.000], dtype=float64)"),
        (
            3,
            mx.array([1.23456 + 2j, 2 - 0.5j]),
            "array([1.235+2.000j, 2.000-0.500j], dtype=complex64)",
        ),
        (3, mx.array([1, 2]), "array([1, 2], dtype=int32)"),
        (3, mx.array([-0.0]), "array([-0.000], dtype=float32)"),
        (2, mx.array([1.23456, 2]), "array([1.23, 2.00], dtype=float32)"),
        (8, mx.array([1.234567891, 2]), "array([1.23456788, 2.00000000], dtype=float32)"),
        (0, mx.array([1.5, 2.5, 0.4]), "array([2, 2, 0], dtype=float32)"),
        (-1, mx.array([1.23456789]), "array([1.23457], dtype=float32)"),
        (20, mx.array([0.1]), "array([0.10000000149011611938], dtype=float32)"),
    ],
)
def test_precision(precision, array, text):
    with mx.printoptions(precision=precision):
        assert mx.get_printoptions().precision == precision
        assert repr(array) == text
    assert mx.get_printoptions().precision == -1


def test_print_options():
    mx.set_printoptions(2)
    try:
        assert repr(mx.array(1.234)) == "array(1.23, dtype=float32)"
        with mx.printoptions(precision=4) as context:
            assert repr(mx.array(1.23456)) == "array(1.2346, dtype=float32)" and context is not None
        assert mx.get_printoptions().precision == 2
    finally:
        mx.set_printoptions()
    options = mx.PrintOptions(precision=3)
    options.precision = 5
    assert options.precision == 5 and mx.PrintOptions().precision == -1
    for wrong in (mx.set_printoptions, mx.printoptions, mx.PrintOptions):
        with pytest.raises(TypeError):
            wrong(precision="a")
        with pytest.raises(ValueError, match="number of decimals, or -1 .*, got -2"):
            wrong(precision=-2)
    with pytest.raises(ValueError, match="got -7"):
        options.precision = -7
    with pytest.raises(TypeError):
        options.precision = 1.5
    with pytest.raises(TypeError):
        del options.precision
    assert options.precision == 5 and mx.get_printoptions().precision == -1


def test_huge_precision():
    with mx.printoptions(precision=1000):
        assert len(repr(mx.array(3e38))) < 300


def test_format():
    assert (
        f"{mx.array(1.234):.2f}" == "1.23"
        and f"{mx.array(3):>5}" == "    3"
        and f"{mx.array(3):d}" == "3"
    )
    assert f"{mx.array(2.5)}" == "2.5"
    assert f"{mx.array([1.5, 2])}" == "array([1.5, 2], dtype=float32)"
    with pytest.raises(TypeError):
        f"{mx.array([1.5, 2]):.2f}"
    with pytest.raises(ValueError):
        f"{mx.array(1.5):d}"
