"""Operations of one array against NumPy."""

import math

import mlx.core as mx
import numpy as np
import pytest

from ops_check import EVERY, FLOATS, INTEGERS, numbers, same

# name, the same in NumPy, smallest and largest argument
REAL = [
    ("abs", np.abs, -3, 3),
    ("arccos", np.arccos, -1, 1),
    ("arccosh", np.arccosh, 1, 5),
    ("arcsin", np.arcsin, -1, 1),
    ("arcsinh", np.arcsinh, -3, 3),
    ("arctan", np.arctan, -3, 3),
    ("arctanh", np.arctanh, -0.9, 0.9),
    ("ceil", np.ceil, -3, 3),
    ("cos", np.cos, -9, 9),
    ("cosh", np.cosh, -3, 3),
    ("degrees", np.degrees, -3, 3),
    ("exp", np.exp, -5, 5),
    ("expm1", np.expm1, -2, 2),
    ("floor", np.floor, -3, 3),
    ("log", np.log, 0.1, 9),
    ("log10", np.log10, 0.1, 9),
    ("log1p", np.log1p, -0.5, 9),
    ("log2", np.log2, 0.1, 9),
    ("negative", np.negative, -3, 3),
    ("positive", np.positive, -3, 3),
    ("radians", np.radians, -180, 180),
    ("reciprocal", np.reciprocal, 0.1, 3),
    ("rsqrt", lambda x: 1 / np.sqrt(x), 0.1, 9),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), -5, 5),
    ("sign", np.sign, -3, 3),
    ("sin", np.sin, -9, 9),
    ("sinh", np.sinh, -3, 3),
    ("sqrt", np.sqrt, 0, 9),
    ("square", np.square, -3, 3),
    ("tan", np.tan, -1, 1),
    ("tanh", np.tanh, -3, 3),
    ("trunc", np.trunc, -3, 3),
    ("stop_gradient", np.positive, -3, 3),
    ("real", np.real, -3, 3),
    ("imag", np.imag, -3, 3),
    ("conj", np.conj, -3, 3),
    ("conjugate", np.conjugate, -3, 3),
    ("erf", np.vectorize(math.erf), -3, 3),
    ("lgamma", np.vectorize(math.lgamma), 0.1, 9),
    ("isnan", np.isnan, -3, 3),
    ("isinf", np.isinf, -3, 3),
    ("isfinite", np.isfinite, -3, 3),
    ("isposinf", np.isposinf, -3, 3),
    ("isneginf", np.isneginf, -3, 3),
    ("logical_not", np.logical_not, -3, 3),
]
METHODS = [
    "abs",
    "conj",
    "cos",
    "exp",
    "log",
    "log10",
    "log1p",
    "log2",
    "reciprocal",
    "rsqrt",
    "sin",
    "sqrt",
    "square",
]
ALIASES = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "pow": "power",
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
    "cumulative_sum": "cumsum",
    "cumulative_prod": "cumprod",
    "permute_dims": "transpose",
    "empty": "zeros",
    "empty_like": "zeros_like",
}


@pytest.mark.parametrize("name, wanted, low, high", REAL, ids=[row[0] for row in REAL])
def test_values(name, wanted, low, high):
    x = numbers(5, 7, low=low, high=high)
    same(getattr(mx, name)(mx.array(x)), wanted(x.astype(np.float64)), rtol=1e-5)
    same(getattr(mx, name)(float(x[0, 0])), wanted(np.float64(x[0, 0])), rtol=1e-5)
    if name in METHODS:
        same(getattr(mx.array(x), name)(), wanted(x.astype(np.float64)), rtol=1e-5)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", ["exp", "sin", "tanh", "sqrt", "abs", "floor"])
def test_floats_keep_their_dtype(name, dtype):
    x = mx.array([0.5, 1.5, 2.0]).astype(dtype)
    same(getattr(mx, name)(x), getattr(np, name)(np.array([0.5, 1.5, 2.0])), dtype)


@pytest.mark.parametrize("dtype", [mx.bool_, *INTEGERS], ids=str)
def test_integers_become_float32(dtype):
    x = mx.array([0, 1, 1]).astype(dtype)
    for name in ("exp", "sin", "sqrt", "sigmoid", "erf", "log1p"):
        assert getattr(mx, name)(x).dtype == mx.float32
    for name in ("abs", "square", "stop_gradient", "real"):
        assert getattr(mx, name)(x).dtype == dtype


@pytest.mark.parametrize("dtype", EVERY, ids=str)
def test_predicates_give_bool(dtype):
    x = mx.zeros((3,), dtype)
    for name in ("isnan", "isinf", "isfinite", "logical_not"):
        assert getattr(mx, name)(x).dtype == mx.bool_


def test_complex():
    z = np.array([1 + 2j, -0.5 - 1j, 0.25j], np.complex64)
    for name in ("exp", "sin", "cos", "sqrt", "log", "conj", "real", "imag", "abs"):
        same(getattr(mx, name)(mx.array(z)), getattr(np, name)(z), rtol=1e-5)


def test_special_numbers():
    x = mx.array([float("inf"), -float("inf"), float("nan"), 0.0, -0.0])
    assert mx.isposinf(x).tolist() == [True, False, False, False, False]
    assert mx.isneginf(x).tolist() == [False, True, False, False, False]
    assert mx.isnan(x).tolist() == [False, False, True, False, False]
    same(mx.nan_to_num(x, 7, 8, -9), [8, -9, 7, 0, 0])
    same(mx.nan_to_num(mx.array([1, 2])), [1, 2], mx.int32)


def test_round():
    x = mx.array([0.5, 1.5, -2.5, 1.26])
    same(mx.round(x), [0, 2, -2, 1])
    same(mx.round(x, 1), [0.5, 1.5, -2.5, 1.3])
    same(x.round(decimals=1), [0.5, 1.5, -2.5, 1.3])


def test_bits():
    same(mx.bitwise_invert(mx.array([0, 5, -1])), [-1, -6, 0], mx.int32)
    same(mx.bitwise_invert(True), False, mx.bool_)


def test_erfinv():
    x = numbers(20, low=-0.95, high=0.95)
    same(mx.erfinv(mx.erf(mx.array(x))), x, rtol=1e-4)


@pytest.mark.parametrize("alias, name", ALIASES.items(), ids=ALIASES)
def test_second_names(alias, name):
    assert getattr(mx, alias) is getattr(mx, name)


def test_wrong_arguments():
    x = mx.array([1.0])
    for arguments in ([], [x, x], [None], [[1, 2]], ["x"]):
        with pytest.raises((TypeError, ValueError)):
            mx.sin(*arguments)
    with pytest.raises(TypeError, match="unexpected keyword argument 'b'"):
        mx.sin(x, b=1)
    with pytest.raises(TypeError, match="multiple values"):
        mx.sin(x, a=x)
    with pytest.raises(TypeError):
        mx.sin(x, stream="cpu")


def test_stream():
    x = mx.array([1.0])
    same(mx.sin(x, stream=mx.cpu), np.sin([1.0]))
    same(mx.sin(x, stream=mx.new_stream(mx.cpu)), np.sin([1.0]))
    same(x.sin(stream=None), np.sin([1.0]))
