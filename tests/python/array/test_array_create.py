"""What becomes an array, of which dtype, and what does not."""

import array as pyarray
import copy
import gc
import pickle
import weakref

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

DTYPES = [
    "bool_",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "complex64",
]
IN_NUMPY = [name for name in DTYPES if name != "bfloat16"]


def dtype(name):
    return getattr(mx, name)


@pytest.mark.parametrize(
    "value, expected",
    [
        (1, "int32"),
        (True, "bool_"),
        (1.5, "float32"),
        (1j, "complex64"),
        (2**31 - 1, "int32"),
        (2**31, "int64"),
        (-(2**31), "int32"),
        (-(2**31) - 1, "int64"),
        (2**63 - 1, "int64"),
        (2**63, "uint64"),
        ([], "float32"),
        ([[]], "float32"),
        ([1, 2.5, True], "float32"),
        ([True, 2], "int32"),
        ([True, False], "bool_"),
        ([1, 1j], "complex64"),
        ([1, 2**31], "int64"),
        ([2**40, 1.5], "float32"),
        ((1, 2), "int32"),
        ([(1, 2), [3, 4]], "int32"),
        (np.float64(0.1), "float32"),
        (np.float16(1), "float16"),
        (np.int64(3), "int64"),
        (np.uint8(3), "uint8"),
        (np.bool_(True), "bool_"),
        (np.complex128(1j), "complex64"),
        (b"abc", "uint8"),
        (bytearray(b"ab"), "uint8"),
        (memoryview(b"ab"), "uint8"),
        (pyarray.array("d", [1]), "float32"),
        (pyarray.array("l", [1]), "int64"),
        ([np.float32(1), np.float32(2)], "float32"),
        ([np.float64(1), 2], "float32"),
    ],
)
def test_dtype_of(value, expected):
    a = mx.array(value)
    assert a.dtype is dtype(expected)
    if not isinstance(value, (bytes, bytearray)):
        np.testing.assert_allclose(np.asarray(a), np.asarray(value), rtol=1e-6)


@pytest.mark.parametrize("name", IN_NUMPY)
def test_numpy_both_ways(name):
    numpy_name = name.rstrip("_")
    original = np.array([[0, 1, 2], [3, 4, 5]]).astype(numpy_name)
    for source in (
        original,
        original.T,
        original[:, ::-1],
        original[::2, 1:],
        original[0, 0],
        original[:0],
    ):
        expected = np.asarray(source)
        a = mx.array(source, dtype(name))
        assert a.dtype is dtype(name) and a.shape == expected.shape
        assert a.tolist() == expected.tolist()
        back = np.array(a)
        assert back.dtype == numpy_name and back.tolist() == expected.tolist()


def test_float64_of_numpy_is_narrowed_unless_asked_for():
    x = np.array([0.1, 1e300])
    assert mx.array(x).dtype is mx.float32
    assert mx.array(x, mx.float64).tolist() == x.tolist()
    assert mx.array(x + 1j).dtype is mx.complex64


@pytest.mark.parametrize("name", DTYPES)
def test_given_dtype(name):
    assert mx.array([0, 1], dtype(name)).tolist() == [0, 1]
    assert mx.array(1, dtype(name)).dtype is dtype(name)
    assert mx.array(mx.array([0, 1]), dtype(name)).dtype is dtype(name)


@pytest.mark.parametrize(
    "value, name, expected",
    [
        (300, "uint8", 44),
        (-1, "uint8", 255),
        (-1, "uint32", 2**32 - 1),
        ([128], "int8", [-128]),
        (1.7, "int32", 1),
        (-1.7, "int32", -1),
        (float("nan"), "int32", -(2**31)),
        ([1e20], "int32", [-(2**31)]),
        (1e39, "float16", np.inf),
        ([0.5, 0.0], "bool_", [True, False]),
        (1j, "float32", 0.0),
        ([1 + 2j], "int32", [1]),
        (2**63, "uint64", 2**63),
        (0.1, "float16", 0.0999755859375),
        (65519.9, "float16", 65504.0),
        (65520, "float16", np.inf),
        (2.0**-25, "float16", 0.0),
        (2.0**-24, "float16", 2.0**-24),
        (1.00390625, "bfloat16", 1.0),
    ],
)
def test_conversion_of_numbers(value, name, expected):
    assert mx.array(value, dtype(name)).tolist() == expected


@given(st.floats(width=32, allow_nan=False))
def test_float16_rounds_as_numpy(x):
    with np.errstate(over="ignore"):
        assert mx.array(x, mx.float16).item() == np.float16(np.float32(x))


@given(
    st.recursive(
        st.integers(-(2**31), 2**31 - 1) | st.floats(width=32, allow_nan=False) | st.booleans(),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=20,
    )
)
def test_nested_lists_as_numpy(value):
    try:
        expected = np.array(value)
    except ValueError:
        expected = None
    if expected is None or (expected.size == 0 and expected.ndim > 1):
        return
    assert mx.array(value).shape == expected.shape
    assert np.array(mx.array(value, mx.float64)).tolist() == expected.astype(float).tolist()


def test_lists_of_arrays():
    assert mx.array([mx.array([1, 2]), [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert mx.array([mx.array([1, 2]), mx.array([1.5, 2])]).dtype is mx.float32
    assert mx.array([2, mx.array(1)]).tolist() == [2, 1]
    assert mx.array([[mx.array(1.0), 2], [3, mx.array(4)]]).tolist() == [[1, 2], [3, 4]]
    assert mx.array([np.arange(3), np.arange(3)]).shape == (2, 3)
    assert mx.array([mx.array(1, mx.float16), mx.array(2, mx.bfloat16)]).dtype is mx.float32


class HasMlxArray:
    def __mlx_array__(self):
        return mx.array([1.0, 2.0])


class HasArray:
    def __array__(self, dtype=None, copy=None):
        return np.arange(3.0)


def test_objects_that_know_how():
    assert mx.array(HasMlxArray()).tolist() == [1, 2]
    assert mx.array(HasArray()).tolist() == [0, 1, 2]
    assert (HasMlxArray() + mx.array([1.0, 1.0])).tolist() == [2, 3]


def test_array_like():
    assert mx.ArrayLike([1, 2]).__mlx_array__().tolist() == [1, 2]
    assert (mx.array([1, 2]) + mx.ArrayLike(3)).tolist() == [4, 5]
    assert (mx.array([1.0, 2.0]) + mx.ArrayLike(HasMlxArray())).tolist() == [2, 4]
    for nothing in ("abc", object(), {}, [[1], [2, 3]]):
        with pytest.raises(ValueError):
            mx.ArrayLike(nothing)
    with pytest.raises(TypeError, match="got None"):
        mx.ArrayLike(None)
    with pytest.raises(OverflowError):
        mx.ArrayLike(2**64)


@pytest.mark.parametrize(
    "value, error",
    [
        (None, TypeError),
        ("abc", ValueError),
        (["a"], ValueError),
        ([None], ValueError),
        ({}, ValueError),
        (object(), ValueError),
        (range(3), ValueError),
        ({1}, ValueError),
        (2**64, OverflowError),
        ([-(2**63) - 1], OverflowError),
        (np.array("abc"), ValueError),
        (np.array([1], object), ValueError),
        (np.zeros(2, np.longdouble), ValueError),
        (np.arange(3, dtype=">i4"), ValueError),
    ],
)
def test_refused(value, error):
    with pytest.raises(error):
        mx.array(value)


@pytest.mark.parametrize(
    "value, message",
    [
        ([[1, 2], [3]], "Initialization encountered non-uniform length."),
        ([1, [2]], "Initialization encountered extra dimension."),
        ([[1], 2], "Initialization encountered non-uniform length."),
        ([mx.array([1, 2]), mx.array([1, 2, 3])], "Initialization encountered non-uniform length."),
        (["a"], "Invalid type str received in array initialization."),
    ],
)
def test_messages(value, message):
    with pytest.raises(ValueError) as info:
        mx.array(value)
    assert str(info.value) == message


@pytest.mark.parametrize(
    "call",
    [
        lambda: mx.array(),
        lambda: mx.array(1, 2),
        lambda: mx.array(1, "float32"),
        lambda: mx.array(1, float),
        lambda: mx.array(1, foo=3),
        lambda: mx.array(1, mx.int32, 3),
    ],
)
def test_wrong_arguments(call):
    with pytest.raises(TypeError):
        call()


def test_a_list_that_holds_itself():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="64 dimensions"):
        mx.array(value)


def test_a_list_that_changes_while_it_is_read():
    class Leaf:
        def __mlx_array__(self):
            value.clear()
            return mx.array(1)

    value = [Leaf(), Leaf(), Leaf()]
    with pytest.raises(ValueError, match="changed while"):
        mx.array(value)


def test_keywords():
    assert mx.array(val=3, dtype=mx.float32).dtype is mx.float32
    assert mx.array(1, dtype=None).dtype is mx.int32


# --- copies, pickles, identity --------------------------------------------------------------------


@pytest.mark.parametrize("name", DTYPES)
def test_pickle(name):
    for value in ([[0, 1], [1, 0]], 1, []):
        a = mx.array(value, dtype(name))
        b = pickle.loads(pickle.dumps(a))
        assert b.dtype is a.dtype and b.shape == a.shape and b.tolist() == a.tolist()
    assert pickle.loads(pickle.dumps(a.T)).tolist() == a.T.tolist()


def test_pickles_of_the_original():
    a = mx.array(0)
    a.__setstate__((np.array([1.5, 2.5]), 11))
    assert a.dtype is mx.float64 and a.tolist() == [1.5, 2.5]
    a.__setstate__((np.array([0x3FC0], np.uint16), 12))
    assert a.dtype is mx.bfloat16 and a.tolist() == [1.5]


@pytest.mark.parametrize(
    "state",
    [
        None,
        (),
        (1,),
        (b"abc", 7, (1,)),
        (b"abcd", 99, (1,)),
        (b"abcd", 7, (-1,)),
        (b"abcd", 7, ("a",)),
        (b"", 7, (2**31,)),
        (b"abcd", 7, (1,) * 65),
        (b"", 7, (2**30,) * 40),
        (np.arange(3), 10),
    ],
)
def test_wrong_pickles(state):
    a = mx.array([1, 2])
    with pytest.raises((ValueError, TypeError)):
        a.__setstate__(state)
    assert a.tolist() == [1, 2]


def test_copies_have_values_of_their_own():
    a = mx.array([1, 2])
    for b in (copy.copy(a), copy.deepcopy(a), mx.array(a), +a):
        assert b is not a
        b += 1
        assert a.tolist() == [1, 2]


def test_identity():
    a, b = mx.array([1]), mx.array([1])
    assert hash(a) == hash(a) and len({a, b}) == 2
    r = weakref.ref(a)
    assert r() is a
    del a
    gc.collect()
    assert r() is None


def test_subclass():
    class Parameter(mx.array):
        def __init__(self, value, tag):
            super().__init__(value)
            self.tag = tag

    p = Parameter([1.0, 2.0], "w")
    assert isinstance(p, mx.array) and p.tag == "w" and (p + 1).tolist() == [2, 3]
    assert type(p + 1) is mx.array


def test_an_array_that_was_never_initialised():
    a = mx.array.__new__(mx.array)
    for use in (
        repr,
        len,
        lambda a: a + 1,
        lambda a: a[0],
        lambda a: a.tolist(),
        np.array,
        pickle.dumps,
    ):
        with pytest.raises(Exception):
            use(a)
    assert a.shape == ()


def test_no_new_attributes():
    with pytest.raises(AttributeError):
        mx.array(1).foo = 3
    with pytest.raises(AttributeError):
        mx.array(1).shape = (1,)
