"""Random index expressions beside NumPy, and what is refused."""

import random

import index_cases
import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

UPDATES = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


def same(ours, theirs):
    assert ours.shape == theirs.shape
    assert ours.tolist() == theirs.tolist()


def random_case(seed, **options):
    rng = random.Random(seed)
    shape = rng.choice(index_cases.SHAPES)
    return rng, shape, index_cases.key(rng, shape, beyond=3, **options)


def mlx_index(text, x):
    return eval(f"x[{text}]", {"x": x, "A": mx.array})


class Index:
    def __getitem__(self, key):
        return key


def as_index(text, shape):
    """The index itself. An ellipsis that stands for no axis sets index arrays apart in NumPy, not
    in MLX."""
    key = eval(f"I[{text}]", {"I": Index(), "A": np.array})
    axes = (
        sum(entry is not None and entry is not ... for entry in key)
        if isinstance(key, tuple)
        else 0
    )
    return tuple(entry for entry in key if entry is not ...) if axes == len(shape) and axes else key


@settings(max_examples=3000)
@given(st.integers(0, 2**32))
def test_reading(seed):
    _, shape, text = random_case(seed)
    x = index_cases.in_numpy(shape)
    same(mlx_index(text, mx.array(x)), x[as_index(text, shape)])


@settings(max_examples=2000)
@given(st.integers(0, 2**32))
def test_writing(seed):
    rng, shape, text = random_case(seed)
    if not index_cases.is_unique(shape, text):
        return
    theirs = index_cases.in_numpy(shape)
    ours, key = mx.array(theirs), as_index(text, shape)
    if not theirs[key].size:  # NumPy puts any value nowhere
        return
    value_shape = index_cases.value_shape(rng, theirs[key].shape)
    value = np.arange(int(np.prod(value_shape)), dtype=np.int32).reshape(value_shape) - 3
    try:
        theirs[key] = value
    except ValueError:
        with pytest.raises(ValueError):
            ours[key] = mx.array(value)
        return
    exec(f"x[{text}] = v", {"x": ours, "A": mx.array, "v": mx.array(value)})
    same(ours, theirs)


def test_writing_back_what_was_read_changes_nothing():
    k, x = mx.array([0, 1]), mx.arange(8).reshape(2, 2, 2)
    for key in [
        (0, slice(None), k),
        (k, slice(None), 0),
        (0, None, slice(None), k),
        (k, None, 0, k),
        (-1, ..., k),
        (0, k, slice(None)),
        (slice(None), 0, k),
        (k, k[:, None], slice(None)),
        ([0, 1], slice(None), 1),
    ]:
        y = x + 0
        y[key] = x[key]
        assert y.tolist() == x.tolist(), key
        assert x.at[key].maximum(x[key]).tolist() == x.tolist(), key
        twice = x.at[key].add(x[key])
        assert twice[key].tolist() == (2 * x[key]).tolist(), key


@settings(max_examples=2000)
@given(st.integers(0, 2**32), st.sampled_from(sorted(UPDATES)))
def test_updates_count_every_index(seed, name):
    rng, shape, text = random_case(seed)
    theirs, key = index_cases.in_numpy(shape), as_index(text, shape)
    value_shape = index_cases.value_shape(rng, theirs[key].shape)[-64:]
    value = np.arange(int(np.prod(value_shape)), dtype=np.int32).reshape(value_shape) % 5 - 2
    at = eval(f"x.at[{text}]", {"x": mx.array(theirs), "A": mx.array})
    try:
        UPDATES[name].at(theirs, key, np.broadcast_to(value, theirs[key].shape).copy())
    except (ValueError, IndexError):
        return
    same(getattr(at, name)(mx.array(value)), theirs)


@settings(max_examples=500)
@given(st.integers(0, 2**32))
def test_masks(seed):
    rng = random.Random(seed)
    shape = rng.choice([(5,), (2, 3), (2, 3, 4), (0,), (3, 0)])
    x = index_cases.in_numpy(shape)
    mask = np.array(
        [rng.random() < 0.5 for _ in range(int(np.prod(shape[: rng.randint(1, len(shape))])))], bool
    )
    mask = mask.reshape(
        next(shape[:n] for n in range(1, len(shape) + 1) if np.prod(shape[:n]) == mask.size)
    )
    same(mx.array(x)[mx.array(mask)], x[mask])
    values = np.arange(x[mask].size, dtype=np.int32).reshape(x[mask].shape) + 100
    for value in (7, values):
        theirs, ours = x.copy(), mx.array(x)
        theirs[mask] = value
        ours[mx.array(mask)] = mx.array(value) if value is values else value
        same(ours, theirs)


def test_masks_beside_other_indices():
    x = np.arange(24).reshape(2, 3, 4)
    m = np.array([True, False, True])
    same(mx.array(x)[:, mx.array(m)], x[:, m])
    same(mx.array(x)[1, mx.array(m), 1:], x[1, m, 1:])
    same(mx.array(x)[..., mx.array([True, False, True, False])], x[..., [True, False, True, False]])
    y = mx.array(x)
    y[:, mx.array(m)] = 0
    x[:, m] = 0
    same(y, x)
    same(mx.array(x)[[True, False]], x[[True, False]])
    same(mx.array(5)[True], np.array(5)[True])


def test_numpy_arrays_and_numbers_index():
    x = np.arange(12).reshape(3, 4)
    a = mx.array(x)
    same(a[np.array([0, 2])], x[[0, 2]])
    same(a[np.array([0, 2]), 1], x[[0, 2], 1])
    same(a[np.int64(1)], x[1])
    same(a[(0, 1),], x[(0, 1),])
    same(a[[]], x[[]])
    a[np.array([True, False, True])] = -1
    assert a[:, 0].tolist() == [-1, 4, -1]


@pytest.mark.parametrize("key", ["5", "-6", "0, 4", "mx.array([[0]]), -5", "2**40", "2**70"])
def test_out_of_range(key):
    x = mx.array(np.arange(20).reshape(5, 4))
    with pytest.raises(IndexError):
        eval(f"x[{key}]", {"x": x, "mx": mx})
    with pytest.raises(IndexError):
        exec(f"x[{key}] = 1", {"x": x, "mx": mx})
    assert x.tolist() == np.arange(20).reshape(5, 4).tolist()


@pytest.mark.parametrize(
    "key, error",
    [
        ("0, 0, 0", "Too many indices for array with 2 dimensions."),
        ("..., ...", "An index can only have a single ellipsis (...)"),
        ("'a'", "Cannot index mlx array using the given type."),
        ("1.5", "Cannot index mlx array using the given type."),
        ("{}", "Cannot index mlx array using the given type."),
        ("'a':", "Slice indices must be integers or None."),
        ("::0", "slice step cannot be zero"),
        (
            "mx.array([0.5])",
            "[gather] Got indices with invalid dtype float32. Indices must be integral.",
        ),
        (
            "mx.array([0, 1]), mx.array([0, 1, 2])",
            "[broadcast_shapes] Shapes (2) and (3) cannot be broadcast.",
        ),
        ("mx.array([True])", "a boolean index has size 1 where the array's axis 0 has size 5"),
    ],
)
def test_refused(key, error):
    with pytest.raises(ValueError) as info:
        eval(f"x[{key}]", {"x": mx.array(np.arange(20).reshape(5, 4)), "mx": mx})
    assert str(info.value) == error


def test_refused_values():
    x = mx.array([1, 2, 3])
    for value, error in (
        ("a", ValueError),
        ([1, 2, 3], ValueError),
        (None, TypeError),
        (2**40, ValueError),
    ):
        with pytest.raises(error):
            x[0] = value
    with pytest.raises(ValueError):
        x[:] = mx.array([1, 2])
    with pytest.raises(AttributeError):
        del x[0]
    with pytest.raises(ValueError, match="Must give indices"):
        x.at.add(1)


def test_assignment_changes_the_object_alone():
    x = mx.array([1, 2, 3])
    same_object, copy, view = x, mx.array(x), x[:2]
    x[0] = 9
    assert same_object.tolist() == [9, 2, 3]
    assert copy.tolist() == [1, 2, 3] and view.tolist() == [1, 2]


def test_assignment_keeps_the_dtype():
    x = mx.array([1, 2, 3])
    x[1] = 7.9
    x[2] = mx.array(-1.5)
    assert x.dtype == mx.int32 and x.tolist() == [1, 7, -1]
    h = mx.array([1.0, 2.0], mx.float16)
    h[mx.array([0])] = np.array([0.5])
    assert h.dtype == mx.float16 and h.tolist() == [0.5, 2.0]


def test_divide_at():
    x = mx.array([8.0, 6.0, 1.0])
    assert x.at[mx.array([0, 0, 1])].divide(2).tolist() == [2.0, 3.0, 1.0]
    assert x.at[:2].divide(mx.array([4.0, 3.0])).tolist() == [2.0, 2.0, 1.0]


def test_a_key_that_changes_the_array():
    """Reading the key runs code that gives the array another value; the former one is indexed."""
    x = mx.array([1, 2, 3])

    class Key:
        def __index__(self):
            nonlocal x
            x += 10
            return 1

    assert x[Key(), None].tolist() == [2]
    assert x.tolist() == [11, 12, 13]


def test_many_new_axes():
    with pytest.raises(ValueError):
        mx.array([1])[(None,) * 64]
    with pytest.raises(ValueError):
        mx.array([1])[(None,) * 1000]
    assert mx.array([1])[(None,) * 63].ndim == 64


@pytest.mark.parametrize(
    "make",
    [mx.array, np.array, lambda v: mx.array(v, mx.int64), lambda v: mx.array(v - 1, mx.int8) + 1],
)
def test_arrays_without_axes_as_slice_bounds(make):
    """As numbers, wherever Python asks for one: in slices of arrays, of lists and of NumPy's
    arrays, to read and to write."""
    x, n = mx.arange(10), np.arange(10)
    for start, stop, step in ((2, 5, 1), (-3, 100, 1), (0, -1, 3), (8, 1, -2)):
        key, plain = slice(make(start), make(stop), make(step)), slice(start, stop, step)
        assert x[key].tolist() == n[plain].tolist() == n[key].tolist() == list(range(10))[key]
        assert x.reshape(2, 5)[make(1), key].tolist() == n.reshape(2, 5)[1, plain].tolist()
        assert x.at[key].add(1).tolist() == (n + np.isin(n, n[plain])).tolist()
        y, expected = mx.array(x), n.copy()
        y[key] = 77
        expected[plain] = 77
        assert y.tolist() == expected.tolist()
    assert x[: mx.array(2**64 - 1, mx.uint64)].size == 10


@pytest.mark.parametrize(
    "wrong", [mx.array(1.0), mx.array(True), mx.array([1]), np.array(1.0), "1"]
)
def test_what_is_no_slice_bound(wrong):
    with pytest.raises(ValueError, match="Slice indices must be integers or None"):
        mx.arange(4)[wrong:]
    with pytest.raises(TypeError):
        [1, 2, 3][wrong:]


def test_slice_bounds_inside_compiled_functions_say_why():
    with pytest.raises(ValueError, match="eval an array during function transformations"):
        mx.compile(lambda a, n: a[n:])(mx.arange(4), mx.array(1))
