"""Batches: the dtypes of numbers, whatever way they take; what does not fit; what a sample that is
wrong takes with it."""

import json

import mlx.data as dx
import numpy as np
import pytest

from seeds import generator


def vector(*values, key="x"):
    return dx.buffer_from_vector([{key: value} for value in values])


def batched(*values):
    return vector(*values).batch(len(values))[0]["x"]


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint64", "bool"])
def test_numbers_have_the_dtype_of_their_array_on_every_path(dtype):
    array = np.array([1, 0, 1]).astype(dtype)
    b = dx.buffer_from_arrays(x=array)
    paths = [b, b.map(lambda s: s), b.to_stream().map(lambda s: s), b.shuffle(), vector(*array)]
    for path in paths:
        batch = next(iter(path.batch(3)))["x"]
        assert batch.dtype == dtype and sorted(batch.tolist()) == sorted(array.tolist())
    assert b.map(lambda s: s).batch(2)[0]["x"].tolist() == array[:2].tolist()


def test_large_float64_stay_what_they_are():
    b = dx.buffer_from_arrays(x=np.array([1e300, 1.0]))
    for path in b, b.map(lambda s: s):
        batch = path.batch(2)[0]["x"]
        assert batch.dtype == np.float64 and batch.tolist() == [1e300, 1.0]


MIXED = [
    ([0.5, 1.5], "float32"),
    ([0.5, 1], "float32"),
    ([1, 0.5], "float32"),
    ([0.5, np.float64(2)], "float64"),
    ([np.float64(2), 0.5], "float64"),
    ([np.float16(2), 1], "float16"),
    ([1, np.int32(2)], "int64"),
    ([np.int32(2), np.int32(3)], "int32"),
    ([True, False], "bool"),
    ([True, 2], "int64"),
    ([2**63 + 1, 1], "uint64"),
    ([np.array(1.5), 1], "float64"),
    ([float("inf"), 1.0], "float32"),
]


@pytest.mark.parametrize("values, dtype", MIXED, ids=map(repr, MIXED))
def test_numbers_of_several_kinds(values, dtype):
    batch = batched(*values)
    assert batch.dtype == dtype and batch.tolist() == values


INEXACT = [
    ([[2**63 + 1], [1]], "9223372036854775809 under 'x' is no number of float64"),
    ([[2**53 + 1], [0.5]], "9007199254740993 under 'x' is no number of float64"),
    ([[2**53 + 1, 0.5], [0.5, 0.5]], "9007199254740993 under 'x' is no number of float64"),
    ([[2**63 + 1, -1], [0, 0]], "9223372036854775809 under 'x' is no number of float64"),
    ([[2**53 + 1, 1], [0.5]], "9007199254740993 under 'x' is no number of float64"),
    ([2**24 + 1, 0.5], "16777217 under 'x' is no number of float32"),
    ([0.5, np.int64(2**53 + 1)], "9007199254740993 under 'x' is no number of float64"),
    ([1e300, 1.0], r"1e\+300 under 'x' is beyond float32: cast it to float64"),
    ([1e300, np.float16(1)], "beyond float32"),
    ([2**63, -1], "no numbers of one kind that fit 64 bits"),
    ([2**70, 1], "no numbers of one kind that fit 64 bits"),
    ([10**400, 0.5], "no numbers of one kind that fit 64 bits"),
    ([5, "a"], "several kinds under 'x': 'a' stands beside numbers"),
    (["a", 5], "several kinds under 'x': 'a' stands beside numbers"),
    ([["a", 1]], "several kinds under 'x': 1 stands beside texts"),
    ([(1, "a")], "several kinds under 'x': 1 stands beside texts"),
    ([["a", b"b"]], "several kinds under 'x': bytes stand beside texts"),
    ([[1, None]], "several kinds under 'x': None stands beside numbers"),
    ([["a"], [1]], "under 'x' some samples have numbers and others texts"),
    (["a", [1]], "under 'x' some samples have numbers and others texts"),
    ([["a"], [b"b"]], "under 'x' some samples have bytes and others texts"),
    ([["a", "b\0"]], "under 'x' ends in zeros, which arrays of texts leave out"),
    ([[2**64, 1]], "a whole number under 'x' is beyond 64 bits"),
    ([[10**400, 0.5]], "a whole number under 'x' is beyond 64 bits"),
    ([[2**53 + 1, 1j]], "9007199254740993 under 'x' is no number of complex128"),
]


@pytest.mark.parametrize("values, why", INEXACT, ids=map(repr, INEXACT))
def test_numbers_of_a_batch_are_exact_or_an_error(values, why):
    with pytest.raises(dx.SampleError, match=why):
        batched(*values)


COLUMNS = [
    ([2**53 + 1, 0.5], "9007199254740993 in the column 'x' is no number of float64"),
    ([2**63 + 1, -3], "9223372036854775809 in the column 'x' is no number of float64"),
    ([[2**53 + 1, 0.5], [1, 2]], "9007199254740993 in the column 'x' is no number of float64"),
    (((2**53 + 1, 0.5),), "9007199254740993 in the column 'x' is no number of float64"),
    (["a", 1], "several kinds in the column 'x': 1 stands beside texts"),
    ([1, "a"], "several kinds in the column 'x': 1 stands beside texts"),
    ([["a", 1], ["b", 2]], "several kinds in the column 'x': 1 stands beside texts"),
    ([2**64, 1], "a whole number in the column 'x' is beyond 64 bits"),
]


@pytest.mark.parametrize("values, why", COLUMNS, ids=map(repr, COLUMNS))
def test_lists_as_columns_are_exact_or_an_error(values, why):
    with pytest.raises(ValueError, match=why):
        dx.buffer_from_arrays(x=values)


def test_lists_that_arrays_hold_are_columns():
    for values in (
        [2**60, 0.5],
        [2**63 + 2**11, 1],
        [[1, 2.5], [3, 4]],
        [True, 2],
        ["a", "b\0"],
        [1j, 2],
    ):
        found = dx.buffer_from_arrays(x=values).batch(2)[0]["x"]
        assert np.asarray(found, object).tolist() == values


OPERATIONS = {
    "pad": lambda b: b.pad("x", 0, 1, 1),
    "pad_to_size": lambda b: b.pad_to_size("x", 0, 3),
    "slice": lambda b: b.slice("x", 0, 0),
    "random_slice": lambda b: b.random_slice("x", 0, 1),
    "squeeze": lambda b: b.squeeze("x"),
    "shape": lambda b: b.shape("x", "y", 0),
    "check_range": lambda b: b.check_range("x", 0, 1),
    "normalize": lambda b: b.normalize("x", 0, 1),
    "replace": lambda b: b.replace("x", 1, 2),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_take_lists_exactly_or_not_at_all(name):
    for value, why in ([2**53 + 1, 0.5], "is no number of float64"), (["1", 1], "several kinds"):
        with pytest.raises(dx.SampleError, match=why):
            OPERATIONS[name](vector(value))[0]


def test_texts_beside_numbers_are_not_cast():
    for value in ["1", 2], ("1", 2), ["1", b"2"]:
        with pytest.raises(dx.SampleError, match="values of several kinds"):
            vector(value).cast("x", "float32")[0]


def test_texts_are_filled_up_by_texts():
    assert batched(["a"], ["b", "cc"]).tolist() == [["a", ""], ["b", "cc"]]
    assert batched([b"a"], [b"b", b"cc"]).tolist() == [[b"a", b""], [b"b", b"cc"]]
    b = vector(["a"], ["b", "cc"])
    assert b.batch(2, pad={"x": "long"})[0]["x"].tolist() == [["a", "long"], ["b", "cc"]]
    with pytest.raises(dx.SampleError, match="the pad of 'x' is 0, the values are str"):
        b.batch(2, pad={"x": 0})[0]


def test_whole_numbers_that_floats_hold_are_among_them():
    assert batched([2**60], [0.5]).tolist() == [[2**60], [0.5]]
    assert batched([2**60, 0.5], [float("nan"), 1])[0].tolist() == [2**60, 0.5]
    assert vector(2**24 + 1, 0.5).cast("x", "float64").batch(2)[0]["x"].tolist() == [2**24 + 1, 0.5]


def test_batches_may_be_larger_than_any_number_of_samples():
    b = vector(1, 2, 3)
    for size in 10**30, [10**30, 2**62], [2**62, 2**62]:
        assert b.batch(size)[0]["x"].tolist() == [1, 2, 3] and len(b.batch(size)) == 1
        assert len(b.batch(size, drop_last=True)) == 0
    for stream in b.to_stream(), b.to_stream().map(lambda s: s):
        assert [s["x"].tolist() for s in stream.batch(10**30)] == [[1, 2, 3]]
    assert [s["x"] for s in b.partition(10**30, 1)] == [2] and not len(b.partition(10**30, 10**29))


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"pad": {"id": -100}}, {"dim": {"id": 0}}])
def test_settings_of_batches_are_for_keys_that_there_are(given):
    name = next(iter(given))
    arrays = dx.buffer_from_arrays(x=np.zeros((4, 2)))
    streams = [b.to_stream().batch(2, **given) for b in (vector([1], [2]), arrays)]
    streams.append(vector([1], [2]).to_stream().dynamic_batch(2, "x", 4, **given))
    for source in [vector([1], [2]).batch(2, **given), arrays.batch(2, **given), *streams]:
        with pytest.raises(dx.SampleError, match=rf"{name} names 'id', which is not among \['x'\]"):
            next(iter(source))


# --- samples that are wrong -----------------------------------------------------------------------


def fails_on(*wrong):
    def checked(sample):
        if int(sample["x"]) in wrong:
            raise ValueError("no such number")
        return sample

    return checked


def outcomes(stream):
    """The numbers of each batch, and the numbers of samples that were wrong."""
    found = []
    while True:
        try:
            found.append(next(stream)["x"].tolist())
        except StopIteration:
            return found
        except dx.SampleError as error:
            found.append(error)


WAYS = [
    lambda s: s.batch(4),
    lambda s: s.prefetch(3, 2).batch(4),
    lambda s: s.filter(lambda v: True).batch(4),
    lambda s: s.batch(4).prefetch(2, 2),
]


@pytest.mark.parametrize("way", WAYS)
def test_the_error_of_a_batch_says_what_is_lost_with_it(way):
    found = outcomes(way(vector(*range(20)).to_stream().map(fails_on(7))))
    assert [b for b in found if isinstance(b, list)] == [[*range(i, i + 4)] for i in (0, 8, 12, 16)]
    (error,) = (e for e in found if isinstance(e, dx.SampleError))
    assert found.index(error) == 1 and error.index == 7 and error.lost == (4, 5, 6)
    assert str(error).endswith("no such number (its batch is lost with samples 4, 5, 6)")
    with pytest.raises(dx.SampleError) as same:
        vector(*range(20)).map(fails_on(7)).batch(4)[1]
    assert str(same.value) == str(error)


def test_long_batches_name_the_first_that_are_lost():
    with pytest.raises(dx.SampleError, match=r"with samples 0, 1, 2, 3, 4, 5, 6, 7, \.\.\.\)") as e:
        vector(*range(20)).map(fails_on(19)).batch(20)[0]
    assert e.value.lost == tuple(range(19))


def by_length():
    s = vector(*range(20)).to_stream().map(fails_on(2, 7, 13))
    return s.dynamic_batch(10, "x", 3)


def test_a_wrong_sample_takes_none_of_a_dynamic_batch_with_it():
    found = outcomes(by_length())
    assert [e.index for e in found if isinstance(e, dx.SampleError)] == [2, 7, 13]
    assert all(e.lost == () for e in found if isinstance(e, dx.SampleError))
    given = sum((b for b in found if isinstance(b, list)), [])
    assert given == [i for i in range(20) if i not in (2, 7, 13)]


def test_a_dynamic_batch_goes_on_where_it_was_between_errors():
    wanted = [str(part) for part in outcomes(by_length())]
    for count in range(len(wanted)):
        stream = by_length()
        for _ in range(count):
            try:
                next(stream)
            except dx.SampleError:
                pass
        again = by_length()
        again.load_state_dict(json.loads(json.dumps(stream.state_dict())))
        assert [str(part) for part in outcomes(again)] == wanted[count:]


def test_samples_without_the_key_are_errors_of_their_own():
    s = dx.buffer_from_vector([{"x": [1]}, {"y": [2]}, {"x": [3]}]).to_stream()
    found = outcomes(s.dynamic_batch(3, "x", batch_size=2))
    assert str(found[0]) == "[data] dynamic_batch of sample 1: no 'x' among ['y']"
    assert found[1] == [[1], [3]]


# --- elements -------------------------------------------------------------------------------------


def test_replace_in_texts_of_batches():
    def replaced(value):
        return dx.buffer_from_vector([{"t": value}]).replace("t", "b", "longer")[0]["t"]

    assert replaced("abc") == "alongerc"
    assert replaced(["ab", "cd"]) == ["alonger", "cd"]
    assert replaced(np.array([["ab"], ["cb"]])).tolist() == [["alonger"], ["clonger"]]
    names = dx.buffer_from_vector([{"t": "ab"}, {"t": "cd"}])
    assert names.batch(2).replace("t", "ab", "longer")[0]["t"] == ["longer", "cd"]
    raw = dx.buffer_from_vector([{"t": [b"ab", b"b"]}]).replace("t", b"b", b"")
    assert raw[0]["t"] == [b"a", b""]


NOT_REPLACED = [
    ("ab", 1, 2, "old is 1, the values are str"),
    ("ab", "a", 2, "new is 2, the values are str"),
    (["ab"], "a", b"c", "new is b'c', the values are str"),
    (np.array([b"ab"]), "a", "c", "old is 'a', the values are bytes"),
    ([1, 2], "a", 3, "old is 'a', and the values are int64"),
]


@pytest.mark.parametrize("value, old, new, why", NOT_REPLACED)
def test_replace_takes_what_the_values_are(value, old, new, why):
    with pytest.raises(dx.SampleError, match=why):
        vector(value).replace("x", old, new)[0]


def test_an_empty_text_is_not_replaced():
    for old in "", b"":
        with pytest.raises(ValueError, match="old is an empty text"):
            vector("ab").replace("x", old, "XX")


def test_replace_of_nan():
    x = np.array([np.nan, 1, np.inf])
    assert vector(x).replace("x", np.nan, 0)[0]["x"].tolist() == [0, 1, np.inf]
    assert vector(x > 1).replace("x", np.nan, 0)[0]["x"].tolist() == [False, False, True]


NORMALIZED = [
    (np.array([2**24 + 1, 2**24 + 3], np.int32), 2**24, 1, [1, 3]),
    (np.array([2**32 - 1], np.uint32), 2**32 - 2, 1, [1]),
    (np.array([2**24], np.float32), 2**24 - 0.5, 1, [0.5]),
    (np.array([2**24], np.float32), 2**24 - 1, 1, [1]),
    (np.array([1e-46]), 0, 1e-46, [1]),
    (np.array([0, 255], np.uint8), 127.5, 127.5, [-1, 1]),
    (np.array([0, 1], np.uint8), 0, 1e-46, "beyond float32"),
    (np.array([1e300]), 0, 1, r"1e\+300 is beyond float32"),
    (np.array([3e38], np.float32), 0, 0.1, "beyond float32"),
    (np.array([1], np.int8), 0, 1e300, [0]),
    (np.array([np.inf, -np.inf]), 1, 2, [np.inf, -np.inf]),
    (np.array([[1, 2], [3, 4]], np.int16), [1, 2], [1, 2], [[0, 0], [2, 1]]),
]


@pytest.mark.parametrize("x, mean, std, wanted", NORMALIZED, ids=map(repr, NORMALIZED))
def test_normalize_keeps_differences_or_says_what_it_cannot(x, mean, std, wanted):
    b = vector(x).normalize("x", mean, std)
    if isinstance(wanted, str):
        with pytest.raises(dx.SampleError, match=wanted):
            b[0]
    else:
        assert b[0]["x"].dtype == np.float32 and b[0]["x"].tolist() == wanted


def test_normalize_is_near_to_that_of_float64():
    random = generator(8)
    for dtype in np.uint8, np.int16, np.float32, np.int32, np.float64:
        x = (random.uniform(0, 255, (50, 3))).astype(dtype)
        mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
        found = vector(x).normalize("x", mean, std)[0]["x"]
        np.testing.assert_allclose(found, (x - mean) / std, rtol=4e-7)
