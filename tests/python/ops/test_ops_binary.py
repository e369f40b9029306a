"""Operations of two arrays: values, promotion, weak scalars, broadcasting, keywords."""

import mlx.core as mx
import numpy as np
import pytest

from ops_check import EVERY, integers, numbers, same
from seeds import choices, generator

FLOAT = [
    ("add", np.add),
    ("subtract", np.subtract),
    ("multiply", np.multiply),
    ("divide", np.divide),
    ("power", lambda a, b: np.power(np.abs(a), b)),
    ("maximum", np.maximum),
    ("minimum", np.minimum),
    ("logaddexp", np.logaddexp),
    ("arctan2", np.arctan2),
    ("equal", np.equal),
    ("not_equal", np.not_equal),
    ("less", np.less),
    ("less_equal", np.less_equal),
    ("greater", np.greater),
    ("greater_equal", np.greater_equal),
    ("logical_and", np.logical_and),
    ("logical_or", np.logical_or),
    ("logical_xor", np.logical_xor),
    ("floor_divide", np.floor_divide),
    ("remainder", np.remainder),
]
INTEGER = [
    ("add", np.add),
    ("subtract", np.subtract),
    ("multiply", np.multiply),
    ("remainder", np.remainder),
    ("floor_divide", np.floor_divide),
    ("maximum", np.maximum),
    ("minimum", np.minimum),
    ("bitwise_and", np.bitwise_and),
    ("bitwise_or", np.bitwise_or),
    ("bitwise_xor", np.bitwise_xor),
]


@pytest.mark.parametrize("name, wanted", FLOAT, ids=[row[0] for row in FLOAT])
def test_floats(name, wanted):
    a, b = numbers(3, 1, 5, seed=1), numbers(4, 1, seed=2)
    left = np.abs(a) if name == "power" else a
    same(
        getattr(mx, name)(mx.array(left), mx.array(b)),
        wanted(a.astype(np.float64), b.astype(np.float64)),
        rtol=2e-5,
    )


@pytest.mark.parametrize("name, wanted", INTEGER, ids=[row[0] for row in INTEGER])
def test_integers(name, wanted):
    a, b = integers(6, 5, seed=1), integers(5, low=1, seed=2)
    same(getattr(mx, name)(mx.array(a), mx.array(b)), wanted(a, b), mx.int32)


@pytest.mark.parametrize(
    "name", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
)
def test_whole_division_of_integers_rounds_down(name):
    kind = np.dtype(name)
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    values = np.array(
        [
            v
            for v in [low, low + 1, -7, -6, -5, -2, -1, 1, 2, 3, 5, 6, 7, 100, high - 1, high]
            if v >= low
        ],
        kind,
    )
    a, b = np.meshgrid(np.append(values, kind.type(0)), values)
    with np.errstate(all="ignore"):
        quotient, rest = np.divmod(a, b)
    x, y = mx.array(a), mx.array(b)
    both = mx.divmod(x, y)
    for q, r in [(x // y, x % y), both, divmod(x, y), (mx.floor_divide(x, y), mx.remainder(x, y))]:
        assert np.array(q).tolist() == quotient.tolist() and np.array(r).tolist() == rest.tolist()


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_whole_division_of_floats_is_numpys(name):
    tiny = float(np.finfo(name).smallest_subnormal)
    values = np.array(
        [7, -7, 1, -1, 0, -0.0, np.inf, -np.inf, np.nan, 0.3, -0.3, 6, -6, 3, 1e4, tiny, -tiny],
        name,
    )
    rng = generator(0)
    values = np.concatenate([values, (rng.integers(-30, 30, 40) / 10).astype(name)])
    a, b = np.meshgrid(values, values)
    with np.errstate(all="ignore"):
        quotient, rest = np.floor_divide(a, b), np.remainder(a, b)
    with mx.stream(mx.cpu):
        x, y = (mx.array(v, getattr(mx, name)) for v in (a, b))
        for q, r in [(x // y, x % y), tuple(mx.divmod(x, y))]:
            np.testing.assert_array_equal(np.array(q), quotient)
            np.testing.assert_array_equal(np.array(r), rest)


@pytest.mark.parametrize("dtype", "int8 uint8 int16 uint16 int32 uint32 int64 uint64".split())
def test_division_of_many_by_one(dtype):
    g, info = generator(7), np.iinfo(dtype)
    divisors = [1, 2, 3, 7, info.max // 2, info.max // 2 + 1, info.max - 1, info.max, info.min]
    for d in map(int, [*divisors, *g.integers(1, info.max, 20, dtype=dtype)]):
        near = [q * d + rest for q in range(-9, 90, 9) for rest in (-1, 0, 1)]
        ends = [info.min, info.min + 1, info.max - 1, info.max, d - 1, d]
        a = [n for n in near + ends if info.min <= n <= info.max]
        a = np.array(a + g.integers(info.min, info.max, 200, dtype=dtype).tolist(), dtype)
        if d == 0:
            continue
        x, b = mx.array(a), np.array(d, dtype)
        assert np.array_equal(np.array(x // mx.array(b)), a // b), d
        assert np.array_equal(np.array(x % mx.array(b)), a % b), d


def test_complex_powers_at_zero():
    """1 to the power 0, 0 to powers with a positive real part, else NaN, as NumPy."""
    bases, powers = (
        [0j, complex(0, -0.0), complex(-0.0, 0)],
        [0j, 1, 2, 0.5, 2 + 3j, 1j, -1j, -1, -2 + 1j],
    )
    a, b = np.meshgrid(np.array(bases, np.complex64), np.array(powers, np.complex64))
    with np.errstate(all="ignore"):
        wanted = np.power(a, b)
    found = np.array(mx.array(a) ** mx.array(b))
    assert (np.isnan(found) == np.isnan(wanted)).all() and (
        found[~np.isnan(found)] == wanted[~np.isnan(wanted)]
    ).all()
    assert (mx.array(0j) ** 0).item() == 1 and (mx.array([0j, 1 + 1j, np.inf]) ** 0).tolist() == [
        1,
        1,
        1,
    ]


def test_shifts():
    a, n = mx.array([1, -8, 5]), mx.array([3, 1, 0])
    same(mx.left_shift(a, n), [8, -16, 5], mx.int32)
    same(mx.right_shift(a, n), [0, -4, 5], mx.int32)


def test_keywords_and_order():
    a, b = mx.array([5.0]), mx.array([2.0])
    same(mx.subtract(b=b, a=a), [3])
    same(mx.subtract(a, b=b, stream=None), [3])
    same(mx.subtract(a, b, mx.cpu), [3])
    same(mx.maximum(b=b, a=a), [5])
    with pytest.raises(TypeError, match="multiple values for argument 'a'"):
        mx.add(a, a=b)
    with pytest.raises(TypeError, match="missing the required argument 'b'"):
        mx.add(a)
    with pytest.raises(TypeError, match="at most 3 positional"):
        mx.add(a, b, None, 1)


WEAK = [
    (mx.array([1], mx.uint8), 2, mx.uint8),
    (mx.array([1], mx.int8), True, mx.int8),
    (mx.array([1], mx.int32), 2.5, mx.float32),
    (mx.array([1], mx.float16), 2.5, mx.float16),
    (mx.array([1], mx.bfloat16), 2, mx.bfloat16),
    (mx.array([True]), 2, mx.int32),
    (mx.array([True]), 2.5, mx.float32),
    (mx.array([1.0]), 2j, mx.complex64),
    (mx.array([1], mx.float16), 1j, mx.complex64),
    (mx.array([True]), False, mx.bool_),
]


@pytest.mark.parametrize("a, scalar, dtype", WEAK, ids=lambda x: str(getattr(x, "dtype", x)))
def test_weak_scalars(a, scalar, dtype):
    assert mx.add(a, scalar).dtype == dtype
    assert mx.add(scalar, a).dtype == dtype
    assert (a + scalar).dtype == dtype
    assert mx.where(mx.array(True), a, scalar).dtype == dtype


def test_two_scalars():
    same(mx.add(1, 2), 3, mx.int32)
    same(mx.add(1.5, 2), 3.5, mx.float32)
    same(mx.add(True, True), True, mx.bool_)
    same(mx.add(1, 2**40), 2**40 + 1, mx.int64)


def test_scalars_that_do_not_fit():
    for dtype, value in ((mx.uint8, 300), (mx.uint8, -1), (mx.int8, 128), (mx.int32, 2**40)):
        with pytest.raises(ValueError):
            mx.add(mx.array([1], dtype), value)
    with pytest.raises(OverflowError):
        mx.add(mx.array([1.0]), 2**70)


def test_foreign_arrays_take_the_dtype_beside_them():
    a = mx.array([1.0, 2.0], mx.float16)
    same(mx.multiply(a, np.array([2.0, 3.0], np.float32)), [2, 6], mx.float16)
    same(mx.multiply(np.array([2.0, 3.0]), a), [2, 6], mx.float16)


@pytest.mark.parametrize("dtype", EVERY, ids=str)
def test_promotion_is_symmetric(dtype):
    for other in EVERY:
        a, b = mx.zeros((2,), dtype), mx.ones((2,), other)
        assert mx.add(a, b).dtype == mx.add(b, a).dtype == mx.result_type(dtype, other)
        assert mx.equal(a, b).dtype == mx.bool_


def test_broadcast_error():
    with pytest.raises(ValueError, match=r"\(2,3\) and \(4\)"):
        mx.add(mx.zeros((2, 3)), mx.zeros(4))


def test_what_is_no_array():
    a = mx.array([1.0])
    for wrong in ([1.0], (1.0,), "1"):
        with pytest.raises(ValueError):
            mx.add(a, wrong)
    with pytest.raises(TypeError):
        mx.add(a, None)


def test_divmod():
    a, b = mx.array([7, -7]), mx.array([2, 2])
    quotient, remainder = mx.divmod(a, b)
    same(quotient, [3, -4], mx.int32)
    same(remainder, [1, 1], mx.int32)
    assert isinstance(mx.divmod(7.0, 2), list)


def test_close():
    a = mx.array([1.0, float("nan"), float("inf")])
    b = mx.array([1.0 + 1e-7, float("nan"), float("inf")])
    assert mx.isclose(a, b).tolist() == [True, False, True]
    assert mx.isclose(a, b, equal_nan=True).tolist() == [True, True, True]
    assert not mx.allclose(a, b).item() and mx.allclose(a, b, equal_nan=True).item()
    assert mx.allclose(mx.array([1.0]), mx.array([1.1]), rtol=0.2).item()
    assert mx.array_equal(a, a, equal_nan=True).item() and not mx.array_equal(a, a).item()
    assert not mx.array_equal(mx.array([1]), mx.array([1, 1])).item()


def test_where():
    condition = mx.array([True, False, True])
    same(mx.where(condition, 1, 2), [1, 2, 1], mx.int32)
    same(mx.where(condition, mx.array([1.0, 2, 3], mx.float16), 0.5), [1, 0.5, 3], mx.float16)
    same(mx.where(True, mx.array([1, 2]), mx.array([[3], [4]])), [[1, 2], [1, 2]])


def test_clip():
    a = mx.array([-2, 0, 5])
    same(mx.clip(a, 0, 3), [0, 0, 3], mx.int32)
    same(mx.clip(a, None, 3), [-2, 0, 3])
    same(mx.clip(a, a_min=mx.array([1, -1, 9]), a_max=None), [1, 0, 9])
    same(mx.clip(mx.array([1.0], mx.float16), 0.5, 0.75), [0.75], mx.float16)
    with pytest.raises(ValueError):
        mx.clip(a, None, None)


def test_numbers_alone():
    """Functions that take a number where they take an array."""
    same(mx.arctan2(1, 2.0), np.arctan2(1, 2), mx.float32)
    same(mx.arctan2(mx.array([1.0, -1.0], mx.float16), 2), np.arctan2([1, -1], 2), mx.float16)
    same(mx.degrees(2), np.degrees(2), mx.float32)
    same(mx.radians(True), np.radians(1), mx.float32)


def test_integers_of_64_bits_are_close_exactly():
    pick = choices(5)
    for dtype, low, high in ((mx.int64, -(2**63), 2**63 - 1), (mx.uint64, 0, 2**64 - 1)):
        ends = [low, low + 1, high - 1, high, 0, 1, 2**53, 2**53 + 1, 2**62 - 1, 2**62]
        pairs = [(x, y) for x in ends for y in ends]
        for _ in range(200):
            x = pick.randint(low, high)
            pairs.append((x, min(max(x + pick.randint(-3, 3), low), high)))
        a, b = mx.array([x for x, _ in pairs], dtype), mx.array([y for _, y in pairs], dtype)
        for atol in (0, 0.5, 1, 2.5, 2.0**63, 2.0**64, -1, float("inf"), float("nan")):
            wanted = [abs(x - y) <= atol for x, y in pairs]
            assert mx.isclose(a, b, rtol=0, atol=atol).tolist() == wanted, (dtype, atol)
        assert mx.isclose(a, a, equal_nan=True).tolist() == [True] * len(pairs)
        assert mx.isclose(a, b, rtol=2.0**-62, atol=0).tolist() == [
            abs(x - y) <= abs(float(y)) * 2.0**-62 for x, y in pairs
        ]
        assert not mx.allclose(
            mx.array([2**53], dtype), mx.array([2**53 + 1], dtype), rtol=0, atol=0
        ).item()
        assert not mx.array_equal(mx.array([2**53], dtype), mx.array([2**53 + 1], dtype)).item()
        assert mx.isclose(
            mx.array(2**53, dtype), mx.array([2**53, 2**53 + 1], dtype), rtol=0, atol=0
        ).tolist() == [True, False]


@pytest.mark.parametrize("number", [-1, 2**40, 0.5, 0, 1j, True])
@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor"])
def test_logic_of_a_number_that_its_dtype_has_not(name, number):
    """Whether a number is zero does not depend on the other operand's dtype."""
    a = mx.array([1, 0], mx.uint8)
    expected = getattr(np, name)(np.array(a) != 0, number != 0)
    for got in (getattr(mx, name)(a, number), getattr(mx, name)(number, a)):
        assert got.dtype == mx.bool_
        np.testing.assert_array_equal(np.array(got), expected)
