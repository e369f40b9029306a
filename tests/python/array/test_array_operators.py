"""Operators: dtypes of results, numbers beside arrays, in-place ones, and what is refused."""

import operator

import mlx.core as mx
import numpy as np
import pytest

ARITHMETIC = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
IN_PLACE = {
    operator.add: operator.iadd,
    operator.sub: operator.isub,
    operator.mul: operator.imul,
    operator.truediv: operator.itruediv,
    operator.floordiv: operator.ifloordiv,
    operator.mod: operator.imod,
    operator.pow: operator.ipow,
    operator.and_: operator.iand,
    operator.or_: operator.ior,
    operator.xor: operator.ixor,
    operator.lshift: operator.ilshift,
    operator.rshift: operator.irshift,
}


def same(ours, theirs):
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-6)


@pytest.mark.parametrize("f", ARITHMETIC + COMPARISONS)
def test_arithmetic(f):
    x, y = np.array([[1.5, 2.0, 3.0]], np.float32), np.array([[2.0], [0.5]], np.float32)
    a, b = mx.array(x), mx.array(y)
    same(f(a, b), f(x, y))
    same(f(a, 2.0), f(x, np.float32(2)))
    same(f(2.0, b), f(np.float32(2), y))
    same(f(a, 2), f(x, np.float32(2)))


@pytest.mark.parametrize("f", BITS)
def test_bits(f):
    x, y = np.array([5, 6, 7], np.int32), np.array([1, 2, 3], np.int32)
    same(f(mx.array(x), mx.array(y)), f(x, y))
    same(f(mx.array(x), 2), f(x, 2))
    same(f(9, mx.array(y)), f(9, y))
    with pytest.raises(ValueError, match="Floating point types not allowed with"):
        f(mx.array([1.0]), 1)
    with pytest.raises(ValueError, match="Floating point types not allowed with"):
        f(mx.array([1]), 1.5)


@pytest.mark.parametrize("f", list(IN_PLACE))
def test_in_place_keeps_the_object(f):
    x = mx.array([5, 6, 7]) if f in BITS else mx.array([5.0, 6.0, 7.0])
    expected, alias = f(x, 2).tolist(), x
    y = IN_PLACE[f](x, 2)
    assert y is x and alias.tolist() == expected


def test_in_place_takes_the_result_as_it_is():
    x = mx.array([1, 2, 3])
    x += 1.5
    assert x.dtype is mx.float32 and x.tolist() == [2.5, 3.5, 4.5]
    x += mx.array([[0.0], [1.0]])
    assert x.shape == (2, 3)
    x = mx.array([4.0])
    x @= mx.array([2.0])
    assert x.item() == 8
    with pytest.raises(
        ValueError, match="In place division cannot cast to non-floating point type."
    ):
        x = mx.array([1])
        x /= 2


@pytest.mark.parametrize(
    "array, number, expected",
    [
        ("int32", 1, "int32"),
        ("int32", 1.5, "float32"),
        ("int32", 1j, "complex64"),
        ("int32", True, "int32"),
        ("bool_", True, "bool_"),
        ("bool_", 1, "int32"),
        ("bool_", 1.5, "float32"),
        ("float16", 1.5, "float16"),
        ("float16", 1, "float16"),
        ("float16", 1j, "complex64"),
        ("bfloat16", 1.5, "bfloat16"),
        ("uint8", 1, "uint8"),
        ("uint8", 1.5, "float32"),
        ("int64", 2**40, "int64"),
        ("float64", 0.1, "float64"),
        ("float64", 1j, "complex64"),
        ("complex64", 1, "complex64"),
        ("float16", 2**40, "float16"),
        ("uint64", 2**63, "uint64"),
        ("float16", np.float64(1.5), "float16"),
        ("float16", np.float32(1.5), "float16"),
        ("int32", np.int64(3), "int32"),
    ],
)
def test_numbers_are_weak(array, number, expected):
    a = mx.array([1, 0], getattr(mx, array))
    assert (a + number).dtype is getattr(mx, expected)
    if not isinstance(number, np.generic):
        assert (number + a).dtype is getattr(mx, expected)


@pytest.mark.parametrize(
    "array, number, text",
    [
        ("uint8", 300, "Converting 300 to uint8 would result in overflow."),
        ("uint8", -1, "Converting -1 to uint8 would result in overflow."),
        ("int8", -129, "Converting -129 to int8 would result in overflow."),
        ("int32", 2**40, "Converting 1099511627776 to int32 would result in overflow."),
        ("int64", 2**63, "Converting 9223372036854775808 to int64 would result in overflow."),
    ],
)
def test_numbers_that_do_not_fit(array, number, text):
    for f in (lambda a: a + number, lambda a: number * a, lambda a: a == number):
        with pytest.raises(ValueError) as info:
            f(mx.array([1], getattr(mx, array)))
        assert str(info.value) == text


def test_numpy_operands_take_the_dtype():
    a = mx.array([1, 2, 3])
    assert (a + np.arange(3.0)).dtype is mx.int32
    assert (mx.array([1.0], mx.float16) * np.ones(2)).dtype is mx.float16
    assert isinstance(np.arange(3) + a, np.ndarray)
    assert (mx.array([[1.0, 2.0]]) @ np.array([[1.0], [2.0]])).item() == 5


@pytest.mark.parametrize(
    "other, error, text",
    [
        ([1, 2], ValueError, "Cannot perform {} on an mlx.core.array and list"),
        ("a", ValueError, "Cannot perform {} on an mlx.core.array and str"),
        ((1,), ValueError, "Cannot perform {} on an mlx.core.array and tuple"),
        (object(), ValueError, "Cannot perform {} on an mlx.core.array and object"),
        (None, TypeError, "unsupported operand"),
        (type("Foreign", (), {})(), TypeError, "unsupported operand"),
    ],
)
def test_foreign_operands(other, error, text):
    a = mx.array([1, 2])
    for f, name in (
        (operator.add, "addition"),
        (operator.sub, "subtraction"),
        (operator.and_, "bitwise and"),
    ):
        with pytest.raises(error, match=text.format(name)):
            f(a, other)
    if error is ValueError:
        with pytest.raises(error, match=text.format("inplace multiplication")):
            a *= other
        with pytest.raises(error, match=text.format("addition")):
            other + a  # noqa: B018


def test_objects_with_operators_of_their_own():
    class Other:
        def __radd__(self, a):
            return "radd"

        def __eq__(self, a):
            return "eq"

        __hash__ = None

    assert mx.array([1]) + Other() == "radd"
    assert (mx.array([1]) == Other()) == "eq"


def test_equality_with_foreign_objects():
    a = mx.array([1, 2])
    for other in ("x", [1, 2], {}, None, object()):
        assert (a == other) is False and (other == a) is False
        assert (a != other) is True
    assert (a == np.array([1, 3])).tolist() == [True, False]
    with pytest.raises(ValueError, match="cannot be broadcast"):
        a == mx.array([1, 2, 3])  # noqa: B015
    with pytest.raises(ValueError, match="less than on an mlx.core.array and str"):
        a < "x"  # noqa: B015
    with pytest.raises(TypeError):
        a < None  # noqa: B015


def test_one_operand():
    assert (-mx.array([1, -2])).tolist() == [-1, 2]
    assert abs(mx.array([3 + 4j])).tolist() == [5]
    assert (~mx.array([1, 2])).tolist() == [-2, -3]
    assert (~mx.array([True, False])).tolist() == [False, True]
    assert (+mx.array([1])).tolist() == [1]
    with pytest.raises(ValueError):
        -mx.array([True])
    with pytest.raises(ValueError, match="bitwise inversion"):
        ~mx.array([1.0])


def test_divmod_and_matmul():
    q, r = divmod(mx.array([7, -7]), 2)
    assert q.tolist() == [3, -4] and r.tolist() == [1, 1]
    assert [x.tolist() for x in divmod(7, mx.array([2]))] == [[3], [1]]
    assert (mx.array([[1.0, 2.0]]) @ mx.array([3.0, 4.0])).tolist() == [11]
    for bad in (1, [1, 2], None):
        with pytest.raises(TypeError):
            mx.array([1.0, 2.0]) @ bad
        with pytest.raises(TypeError):
            bad @ mx.array([1.0, 2.0])
    with pytest.raises(TypeError):
        pow(mx.array([2]), 2, 3)
    assert mx.array([1]).__div__(2).tolist() == [0.5] and mx.array([2]).__rdiv__(1).tolist() == [
        0.5
    ]


def test_python_numbers_of_arrays():
    assert bool(mx.array([1])) and not bool(mx.array(0.0))
    assert int(mx.array(2.7)) == 2 and float(mx.array([2])) == 2.0 and complex(mx.array(1j)) == 1j
    assert complex(mx.array(1.5)) == 1.5
    for f in (bool, int, float, complex, mx.array.item):
        for wrong in ([1, 2], []):
            with pytest.raises(
                ValueError, match="Only length-1 arrays can be converted to Python scalars."
            ):
                f(mx.array(wrong))
    with pytest.raises(ValueError, match="NaN"):
        int(mx.array(float("nan")))
    with pytest.raises(TypeError):
        float(mx.array(1j))
    for wrong in (mx.array(3.0), mx.array([3]), mx.array(True)):
        with pytest.raises(TypeError, match="cannot be interpreted|can be used as an index"):
            range(wrong)
    assert list(range(mx.array(3, mx.uint8))) == [0, 1, 2] and [7, 8, 9][mx.array(-1)] == 9


@pytest.mark.parametrize(
    "name, value",
    [
        ("bool_", True),
        ("uint8", 255),
        ("uint64", 2**64 - 1),
        ("int8", -128),
        ("int64", -(2**63)),
        ("float16", 2.5),
        ("bfloat16", -2.5),
        ("float32", 0.5),
        ("float64", 0.1),
        ("complex64", 1 - 2j),
        ("float16", 2.0**-24),
        ("float16", float("-inf")),
        ("bfloat16", float("inf")),
    ],
)
def test_items(name, value):
    a = mx.array(value, getattr(mx, name))
    assert a.item() == value and type(a.item()) is type(value)
    assert mx.array([[a], [a]]).tolist() == [[value], [value]]


def test_lists():
    x = np.arange(24).reshape(2, 3, 4)
    a = mx.array(x)
    assert a.tolist() == x.tolist() and a.T.tolist() == x.T.tolist()
    assert mx.array(x[:, :0]).tolist() == [[], []]
    assert [row.tolist() for row in a] == x.tolist()
    assert (
        list(mx.array(x[:0])) == []
        and len(a) == 2
        and list(reversed(mx.array([1, 2])))[0].item() == 2
    )
    assert 5 in a and 99 not in a and "x" not in a
    iterator = iter(a)
    assert type(iterator) is mx.ArrayIterator and iter(iterator) is iterator
    with pytest.raises(TypeError):
        iter(mx.array(1))
    with pytest.raises(TypeError, match="0-dimensional"):
        len(mx.array(1))


def test_properties():
    a = mx.array(np.zeros((2, 3), np.float16))
    assert (a.shape, a.ndim, a.size, a.nbytes, a.itemsize, a.T.shape) == (
        (2, 3),
        2,
        6,
        12,
        2,
        (3, 2),
    )
    assert mx.array([1 + 2j]).real.tolist() == [1] and mx.array([1 + 2j]).imag.tolist() == [2]
    assert mx.array([1, 2]).imag.tolist() == [0, 0]
    assert a.__array_namespace__() is mx
    assert a.__array_namespace__(api_version="2024.12") is mx
    with pytest.raises(ValueError, match="2021.12 to 2024.12"):
        a.__array_namespace__("2036.12")
