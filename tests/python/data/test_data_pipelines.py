"""Buffers and streams: what they give, in which order, on any number of threads, and from where
they go on."""

import gc
import json
import threading
import time
from importlib.util import find_spec

import mlx.core as mx
import mlx.data as dx
import numpy as np
import pytest

from seeds import choices


def numbers(count):
    return dx.buffer_from_vector([{"x": i} for i in range(count)])


def xs(samples):
    return [int(s["x"]) for s in samples]


def flat(batches):
    return [int(x) for b in batches for x in np.ravel(b["x"])]


# --- buffers --------------------------------------------------------------------------------------


def test_a_buffer_is_a_lazy_list():
    calls = []
    b = numbers(10).key_transform("x", lambda x: calls.append(x) or 2 * x)
    assert len(b) == 10 and calls == []
    assert b[3] == {"x": 6} and b[-1] == {"x": 18} and calls == [3, 9]
    assert xs(b[2:8:3]) == [4, 10]
    assert "Buffer" in repr(dx.Buffer) and "size=10" in repr(b) and "'x'" in repr(b)
    with pytest.raises(IndexError, match="sample 10 of 10"):
        b[10]


def test_orders():
    b = numbers(10)
    assert xs(b.perm([3, -1, 0])) == [3, 9, 0]
    assert xs(b.partition(3, 1)) == [1, 4, 7]
    assert xs(b.append(numbers(2))) == [*range(10), 0, 1]
    shuffled = xs(b.shuffle(1))
    assert sorted(shuffled) == list(range(10)) and shuffled == xs(b.shuffle(1)) != xs(b.shuffle(2))
    assert xs(b.shuffle(-1)) != shuffled
    with pytest.raises(IndexError, match="beyond the 10"):
        b.perm([10])
    with pytest.raises(ValueError, match="no part 3 of 3"):
        b.partition(3, 3)


def test_columns():
    images = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    b = dx.buffer_from_arrays(image=mx.array(images), label=[0, 1, 2, 3], name=list("abcd"))
    assert b[1]["label"] == 1 and b[1]["name"] == "b"
    np.testing.assert_array_equal(b[2]["image"], images[2])
    batch = b.batch(3)[0]
    np.testing.assert_array_equal(batch["image"], images[:3])
    assert batch["name"] == ["a", "b", "c"]
    batch["image"][...] = 0  # a batch is a copy
    assert b[1]["image"].sum() > 0
    with pytest.raises(ValueError, match="different numbers of samples"):
        dx.buffer_from_arrays(a=[1, 2], b=[1])
    with pytest.raises(ValueError, match="single value"):
        dx.buffer_from_arrays(a=np.array(1))
    with pytest.raises(ValueError, match="no columns"):
        dx.buffer_from_arrays({})


def test_columns_at_once_are_the_samples_one_by_one():
    b = dx.buffer_from_arrays(x=np.arange(50)).shuffle(3).partition(2, 1)
    slow = b.map(lambda s: s)
    for e in range(2):
        fast = flat(b.to_stream().reset(e).batch(7))
        assert fast == flat(slow.to_stream().reset(e).batch(7)) and len(fast) == 25


def test_batches():
    b = dx.buffer_from_vector([{"x": np.ones((10, i + 1))} for i in range(10)])
    assert [x["x"].shape for x in b.batch(4)] == [(4, 10, 4), (4, 10, 8), (2, 10, 10)]
    assert len(b.batch(4, drop_last=True)) == 2 and len(b.batch(5, drop_last=True)) == 2
    assert b.batch(4, dim={"x": 0})[1]["x"].shape == (40, 8)
    assert b.batch(4, dim={"x": 1})[1]["x"].shape == (10, 26)
    assert b.batch(2, pad={"x": 9})[0]["x"][0, 0].tolist() == [1, 9]
    assert xs(numbers(7).batch([1, 3]).map(lambda s: {"x": len(s["x"])})) == [1, 3, 1, 2]
    with pytest.raises(ValueError, match="batches of 0"):
        b.batch(0)


def test_batches_of_what_does_not_fit():
    def broken(*samples):
        return dx.buffer_from_vector(samples).batch(2)

    with pytest.raises(dx.SampleError, match="read of sample 0: .* keys y"):
        broken({"x": 1}, {"x": 1, "y": 2})[0]
    for odd in (2**70, "a"):
        with pytest.raises(dx.SampleError, match="under 'x'(: 'a' stands beside| are no) numbers"):
            broken({"x": 1}, {"x": odd})[0]
    with pytest.raises(dx.SampleError, match="'x' have 1 and 2 dimensions"):
        broken({"x": np.ones(2)}, {"x": np.ones((2, 2))})[0]
    batch = broken({"a": True, "b": 0.5, "c": b"x"}, {"a": False, "b": 1, "c": b"yz"})[0]
    assert (
        batch["a"].dtype == bool and batch["b"].dtype == np.float32 and batch["c"] == [b"x", b"yz"]
    )


ODD = [("uint8", 300), ("uint8", -1), ("int32", -1.5), ("int32", np.nan), ("int64", 2**70)]
ODD += [("bool", 2), ("float32", 1e39), ("float16", np.float64(1e6)), ("int32", "1"), ("int32", 1j)]


@pytest.mark.parametrize("dtype, value", ODD)
def test_what_a_dtype_cannot_hold_fills_nothing(dtype, value):
    b = dx.buffer_from_vector([{"x": np.ones(n, dtype), "t": "a"} for n in (1, 2)])
    words = f"the {{}} is .*, {dtype} holds "
    for made in (
        b.pad("x", 0, 1, 0, value),
        b.pad_to_size("x", 0, 3, value),
        b.replace("x", 1, value),
    ):
        with pytest.raises(dx.SampleError, match=words.format("value")):
            made[0]
    for dim in (None, {"x": 0}):
        with pytest.raises(dx.SampleError, match=words.format("pad of 'x'")):
            b.batch(2, {"x": value}, dim)[0]
        with pytest.raises(dx.SampleError, match=words.format("pad of 'x'")):
            next(b.to_stream().dynamic_batch(2, "x", 9, {"x": value}, dim))


def test_what_a_dtype_holds_fills():
    held = [("uint8", 255), ("int32", -2.0), ("int64", 2**63 - 1), ("uint64", 2**64 - 1)]
    held += [
        ("bool", 1),
        ("float32", 0.1),
        ("float32", np.inf),
        ("float16", 65504),
        ("complex64", 1j),
    ]
    for dtype, value in held:
        b = dx.buffer_from_vector([{"x": np.zeros(n, dtype)} for n in (1, 2)])
        want = np.array([0, value], dtype)
        for found in (b.pad("x", 0, 0, 1, value)[0]["x"], b.batch(2, {"x": value})[0]["x"][0]):
            assert found.dtype == dtype and found.tolist() == want.tolist()
    nan = dx.buffer_from_vector([{"x": np.ones(1)}]).pad("x", 0, 0, 1, float("nan"))[0]["x"]
    assert np.isnan(nan).tolist() == [False, True]


# --- operations -----------------------------------------------------------------------------------


def test_operations():
    b = dx.buffer_from_vector([{"x": np.arange(6), "t": "aba", "y": 1}])
    assert set(b.filter_key(["x", "y"])[0]) == {"x", "y"}
    assert set(b.filter_key("x", remove=True)[0]) == {"t", "y"}
    assert set(b.rename_key("x", "z")[0]) == {"z", "t", "y"}
    assert b.cast("x", "float32")[0]["x"].dtype == np.float32
    np.testing.assert_allclose(b.normalize("x", 1, 2)[0]["x"], (np.arange(6) - 1) / 2)
    assert b.pad("x", 0, 1, 2, -1)[0]["x"].tolist() == [-1, 0, 1, 2, 3, 4, 5, -1, -1]
    assert b.pad_to_size("x", 0, 8)[0]["x"].shape == (8,)
    assert b.pad_to_size("x", 0, 3)[0]["x"].shape == (6,)
    assert b.slice("x", 0, 1, 3)[0]["x"].tolist() == [1, 2]
    assert b.shape("x", "n", 0)[0]["n"] == 6
    assert b.replace("x", 3, 7)[0]["x"].tolist() == [0, 1, 2, 7, 4, 5]
    assert b.replace("t", "a", "c")[0]["t"] == "cbc"
    assert b.tokenize("t", lambda t: list(t.encode()))[0]["t"].tolist() == [97, 98, 97]
    assert b.key_transform("x", lambda x: x[None]).squeeze("x", 0)[0]["x"].shape == (6,)
    assert b.key_transform("t", lambda t: '{"a": 1}').load_json("t")[0]["t"] == {"a": 1}
    assert b.key_transform("x", np.sum, "s")[0]["s"] == 15
    part = b.random_slice("x", 0, 3, seed=5)
    assert len(part[0]["x"]) == 3 and part[0]["x"].tolist() == part[0]["x"].tolist()
    with pytest.raises(ValueError, match="tokenize: the pad is -1.5, int32 holds whole numbers"):
        b.tokenize("t", lambda t: list(t.encode()), pad=-1.5)
    with pytest.raises(dx.SampleError, match="cast of sample 0: no 'q' among"):
        b.cast("q", int)[0]
    with pytest.raises(ValueError, match="a std is above 0"):
        b.normalize("x", 0, [1, 0])
    with pytest.raises(dx.SampleError, match="only a stream may drop"):
        b.sample_transform(lambda s: {})[0]


def test_labels_out_of_range():
    b = dx.buffer_from_vector([{"y": 3}, {"y": 10}, {"y": -1}]).check_range("y", 0, 10)
    assert b[0]["y"] == 3
    with pytest.raises(
        dx.SampleError, match=r"check_range of sample 1: 10 under 'y' is not in \[0, 10\)"
    ):
        b[1]
    with pytest.raises(dx.SampleError, match="-1 under 'y'"):
        b[2]


# --- streams --------------------------------------------------------------------------------------


def test_streams_share_what_they_take_from():
    s = dx.stream_python_iterable(lambda: ({"x": i} for i in range(10**10)))
    evens = s.sample_transform(lambda v: v if v["x"] % 2 == 0 else {})
    assert [next(s)["x"], next(s)["x"]] == [0, 1]
    assert [next(evens)["x"], next(evens)["x"], next(s)["x"]] == [2, 4, 5]
    evens.reset()
    assert [next(evens)["x"], next(evens)["x"], next(s)["x"]] == [0, 2, 3]


def test_filters_before_batches():
    s = numbers(20).to_stream().filter(lambda v: v["x"] % 3 == 0)
    assert [b["x"].tolist() for b in s.batch(3)] == [[0, 3, 6], [9, 12, 15], [18]]
    lengths = dx.buffer_from_vector([{"x": np.ones(i)} for i in range(6)]).to_stream()
    assert [len(v["x"]) for v in lengths.filter_by_shape("x", 0, 2, 4)] == [2, 3, 4]


def test_repeat_take_partition():
    s = numbers(4).shuffle(0).to_stream().repeat(3)
    passes = np.array(xs(s)).reshape(3, 4)
    assert all(sorted(p) == [0, 1, 2, 3] for p in passes) and len({*map(tuple, passes)}) > 1
    assert len(xs(numbers(3).to_stream().repeat().take(10))) == 10
    assert xs(numbers(0).to_stream().repeat()) == []
    assert xs(numbers(9).to_stream().partition(4, 1)) == [1, 5]


def test_epochs():
    s = numbers(30).shuffle(7).to_stream().shuffle(10, seed=1)
    first = xs(s)
    assert xs(s) == []
    second = xs(s.reset())
    assert sorted(first) == sorted(second) == list(range(30)) and first != second
    assert xs(s.reset(0)) == first and xs(s.reset(1)) == second and s.epoch == 1


def test_shuffle_draws_from_a_buffer():
    given = xs(numbers(100).to_stream().shuffle(10))
    assert sorted(given) == list(range(100)) and given != list(range(100))
    assert max(x - place for place, x in enumerate(given)) < 10


def test_mix_and_interleave():
    def parts():
        return [
            dx.buffer_from_vector([{"x": 100 * k + i} for i in range(6)]).to_stream()
            for k in range(3)
        ]

    assert xs(dx.interleave(*parts()))[:7] == [0, 100, 200, 1, 101, 201, 2]
    assert xs(dx.interleave(*parts(), block=2))[:5] == [0, 1, 100, 101, 200]
    assert len(xs(dx.interleave(*parts()))) == 18
    uneven = [numbers(2).to_stream(), numbers(5).to_stream()]
    assert xs(dx.interleave(*uneven, until="first")) == [0, 0, 1, 1]
    many = [dx.buffer_from_arrays(x=np.full(4000, k)).to_stream() for k in range(2)]
    drawn = dx.mix(many, [3, 1], seed=1).take(2000)
    assert 400 < sum(xs(drawn)) < 600
    assert sorted(xs(dx.mix(parts(), [1, 1, 8]))) == sorted(xs(dx.interleave(*parts())))
    for weights in ([1], [1, 0], [1, float("nan")]):
        with pytest.raises(ValueError, match="mix: .*weight"):
            dx.mix(uneven, weights)


def test_windows_and_flat_map():
    s = dx.buffer_from_vector([{"x": np.arange(10)}]).to_stream().sliding_window("x", 3, 2)
    assert [w["x"].tolist() for w in s][-2:] == [[6, 7, 8], [8, 9]]
    s = numbers(4).to_stream().flat_map(lambda v: ({"x": 10 * v["x"] + i} for i in range(v["x"])))
    assert xs(s) == [10, 20, 21, 30, 31, 32]


def test_dynamic_batches():
    random = choices("dynamic")
    sizes = [random.randint(1, 100) for _ in range(500)]
    b = dx.buffer_from_vector([{"x": np.full(n, n)} for n in sizes])
    batches = list(b.to_stream().dynamic_batch(100, "x", 400, shuffle=True))
    assert all(v["x"].size <= 400 for v in batches)
    assert sorted(int(row.max()) for v in batches for row in v["x"]) == sorted(sizes)
    plain = sum(v["x"].size for v in b.to_stream().batch(8))
    assert sum(v["x"].size for v in batches) < 0.8 * plain
    by_count = list(b.to_stream().dynamic_batch(100, "x", batch_size=10))
    assert [len(v["x"]) for v in by_count] == [10] * 50
    one = dx.buffer_from_vector([{"x": np.ones(n)} for n in (9, 2, 2)]).to_stream()
    assert [v["x"].shape for v in one.dynamic_batch(9, "x", 5)] == [(2, 2), (1, 9)]
    one.reset()
    assert [v["x"].shape for v in one.dynamic_batch(9, "x", 5, drop_outliers=True)] == [(2, 2)]


# --- threads --------------------------------------------------------------------------------------


def augmented(threads):
    """Everything that is random, on threads that finish in any order."""
    random = choices("pauses")

    def pause(x):
        time.sleep(random.random() * 2e-3)
        return x

    s = dx.buffer_from_vector([{"x": np.arange(20) + i} for i in range(60)]).shuffle(1).to_stream()
    s = s.key_transform("x", pause).random_slice("x", 0, 5, seed=2)
    s = s.filter(lambda v: v["x"][0] % 3).shuffle(8, seed=3)
    return (s.prefetch(5, threads) if threads else s).batch(4).prefetch(3, max(1, threads))


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_change_nothing(threads):
    alone, s = augmented(0), augmented(threads)
    for _ in range(2):
        assert flat(s) == flat(alone)
        alone.reset(), s.reset()


def test_prefetch_is_bounded_and_runs_ahead():
    started = []
    s = numbers(100).to_stream().key_transform("x", lambda x: started.append(x) or x).prefetch(4, 2)
    assert next(s)["x"] == 0
    deadline = time.time() + 120
    while len(started) < 5 and time.time() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert sorted(started) == [0, 1, 2, 3, 4]
    assert xs(s) == list(range(1, 100)) and next(s, None) is None


def test_threads_end():
    others = set(threading.enumerate())  # those of the test before may be about to end

    def running():
        return sum(t.name == "mlx.data" for t in set(threading.enumerate()) - others)

    s = numbers(1000).to_stream().prefetch(4, 3)
    next(s)
    assert running() == 3
    s.reset()
    assert running() == 0
    next(s)
    del s
    gc.collect()
    deadline = time.time() + 120
    while running() and time.time() < deadline:
        time.sleep(0.01)
    assert running() == 0


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_errors_name_the_sample_and_the_rest_goes_on(threads):
    def odd(x):
        if x == 7:
            raise RuntimeError("seven is bad")
        return x

    b = dx.buffer_from_vector([{"x": i, "file": f"dir/{i}.jpg"} for i in range(12)]).perm(
        [*range(5, 12)]
    )
    s = b.to_stream().key_transform("x", odd)
    s = s.prefetch(3, threads) if threads else s
    assert [next(s)["x"], next(s)["x"]] == [5, 6]
    with pytest.raises(dx.SampleError) as caught:
        next(s)
    assert str(caught.value) == "[data] key_transform of sample 7 (dir/7.jpg): seven is bad"
    error = caught.value
    assert (error.step, error.index, error.file) == ("key_transform", 7, "dir/7.jpg")
    assert isinstance(error.__cause__, RuntimeError)
    assert xs(s) == [8, 9, 10, 11]


# --- going on -------------------------------------------------------------------------------------


def everything(threads):
    """Each kind of stream."""
    odd = numbers(40).shuffle(1).to_stream().filter(lambda v: v["x"] % 2)
    lines = dx.stream_python_iterable(lambda: ({"x": i} for i in range(100, 120))).shuffle(
        6, seed=4
    )
    some = numbers(10).to_stream().flat_map(lambda v: ({"x": 200 + v["x"]} for _ in range(3)))
    s = dx.mix([odd.repeat(2), lines, some.take(25)], [2, 1, 1], seed=5).key_transform(
        "x", np.atleast_1d
    )
    s = s.partition(2, 1).prefetch(4, threads)
    s = s.map(lambda v: {"x": np.repeat(v["x"], 1 + int(v["x"][0]) % 5)})
    s = s.dynamic_batch(9, "x", 12, shuffle=True, seed=6).prefetch(2, threads)
    return s.batch(2).shuffle(3).prefetch(2, 2)


def test_a_stream_goes_on_anywhere():
    for epoch in range(2):
        whole = [b["x"].tolist() for b in everything(1).reset(epoch)]
        for stop in range(len(whole) + 1):
            s = everything(2).reset(epoch)
            assert [next(s)["x"].tolist() for _ in range(stop)] == whole[:stop]
            state = json.loads(json.dumps(s.state_dict()))
            again = everything(3)
            again.load_state_dict(state)
            assert again.epoch == epoch
            assert [b["x"].tolist() for b in again] == whole[stop:]
        again.reset()
        assert [b["x"].tolist() for b in again] == [
            b["x"].tolist() for b in everything(1).reset(epoch + 1)
        ]


def test_going_on_makes_no_sample_again():
    made = []

    def pipeline():
        b = numbers(1000).shuffle(1).key_transform("x", lambda x: made.append(x) or x)
        return b.to_stream().shuffle(50).batch(10).prefetch(2, 2)

    s = pipeline()
    wanted = [next(s)["x"].tolist() for _ in range(60)][50:]
    s.reset(0)
    for _ in range(50):
        next(s)
    state = s.state_dict()
    del s, made[:]
    again = pipeline()
    again.load_state_dict(state)
    assert [next(again)["x"].tolist() for _ in range(10)] == wanted
    assert len(made) <= 150


def test_states_of_others():
    s = numbers(10).to_stream().batch(2)
    for state in ({}, None, {"epoch": "x", "stream": {}}, {"epoch": 0, "stream": None}):
        with pytest.raises(ValueError, match="not the state of a stream|another pipeline"):
            s.load_state_dict(state)
    other = numbers(10).to_stream().shuffle(3).batch(2).state_dict()
    with pytest.raises(ValueError, match="another pipeline: vector here, shuffle there"):
        s.load_state_dict(other)
    with pytest.raises(ValueError, match="size of vector is 10 here, 11 there"):
        s.load_state_dict(numbers(11).to_stream().batch(2).state_dict())
    assert xs(s.map(lambda v: {"x": v["x"][0]})) == [0, 2, 4, 6, 8]


def test_arguments():
    s = numbers(3).to_stream()
    for call, words in [
        (lambda: s.batch(0), "batches of 0"),
        (lambda: numbers(3).batch(2.5), "the size of batches is a whole number, not 2.5"),
        (lambda: numbers(3).map(lambda v: 3)[0], "map of sample 0: a sample is a dict, not int"),
        (lambda: next(s.sample_transform(lambda v: 3)), "a sample is a dict, not int"),
        (lambda: dx.buffer_from_arrays(x=[1, None]), "several kinds in the column 'x': None"),
        (lambda: s.shuffle(0), "shuffle's buffer is a whole number from 1, not 0"),
        (lambda: s.shuffle(2, "x"), "a seed is a whole number, not 'x'"),
        (lambda: numbers(3).shuffle(None), "a seed is a whole number, not None"),
        (lambda: numbers(3).partition(2, 0.5), "a part is a whole number, not 0.5"),
        (lambda: s.partition(2, "x"), "a part is a whole number"),
        (lambda: s.repeat("x"), "repeat is a whole number"),
        (lambda: numbers(3)["x"], "the number of a sample is not str"),
        (lambda: numbers(3)[0.5], "not float"),
        (lambda: numbers(3).append(s), "a buffer was expected"),
        (lambda: s.prefetch(0, 1), "prefetch of 0"),
        (lambda: s.prefetch(1, 0), "0 threads"),
        (lambda: s.dynamic_batch(4, "x"), "max_data_size or batch_size"),
        (lambda: s.take(-1), "take is a whole number from 0, not -1"),
        (lambda: s.take("x"), "not 'x'"),
        (lambda: s.prefetch("x", 1), "not 'x'"),
        (lambda: s.reset("x"), "an epoch is a whole number"),
        (
            lambda: next(s.flat_map(lambda v: [1])),
            "flat_map of sample 1: a sample is a dict, not int",
        ),
        (lambda: dx.interleave(3), "a stream was expected, not int"),
        (lambda: dx.buffer_from_vector(None), "a list of dicts, not NoneType"),
        (lambda: next(dx.stream_python_iterable(lambda: None)), "gave NoneType, an iterable"),
        (lambda: dx.files_from_folder(".", "/etc/*"), "the pattern '/etc/\\*'"),
        (lambda: s.sliding_window("x", 0, 1), "windows of 0"),
        (lambda: s.reset(-1), "no epoch -1"),
        (lambda: dx.interleave(), "no streams"),
        (lambda: dx.interleave(s, until="last"), "not 'last'"),
        (lambda: dx.buffer_from_vector([1]), "sample 0 is no dict"),
        (lambda: dx.stream_python_iterable([]), "function that returns an iterable"),
        (lambda: s.batch(True), "the size of batches is a whole number, not True"),
        (lambda: numbers(3).batch([2, True]), "the size of batches is a whole number, not True"),
        (lambda: s.dynamic_batch(4, "x", 2.5), "max_data_size is a whole number, not 2.5"),
        (lambda: s.dynamic_batch(4, "x", 2, seed=0.5), "a seed is a whole number"),
        (lambda: s.sliding_window("x", 1.5, 1), "a window's size is a whole number, not 1.5"),
        (lambda: s.sliding_window("x", 2, 1, index_key="x"), "index_key takes the place of 'x'"),
        (lambda: dx.mix([s, s], [1, float("nan")]), "mix: a weight is a number above 0, not nan"),
        (lambda: dx.mix([s, s], [1, -1]), "mix: a weight is a number above 0, not -1"),
        (lambda: dx.mix([s, s], [1, "2"]), "mix: a weight is a number above 0, not '2'"),
        (lambda: dx.mix([s, s], [1]), "mix: 1 weights for 2 streams"),
        (lambda: dx.mix([s, s], [1e308, 1e308]), "mix: the weights are infinite together"),
        (lambda: dx.mix([s, s], [1, 1], seed=0.5), "a seed is a whole number"),
        (lambda: s.pad("x", 0, -1, 0), "lpad is a whole number from 0, not -1"),
        (lambda: s.pad_to_size("x", 0, -1), "a size is a whole number from 0, not -1"),
        (lambda: s.check_range("x", 5, 0), r"nothing is in \[5, 0\)"),
        (lambda: s.check_range("x", 0, float("nan")), "nothing is in"),
        (lambda: s.normalize("x", 0, -1), "a std is above 0, not -1"),
        (lambda: s.normalize("x", 0, float("nan")), "a std is above 0, not nan"),
        (lambda: s.normalize("x", float("inf"), 1), "a mean is finite"),
        (lambda: s.random_slice("x", 0, -1), "a size is a whole number from 0"),
        (lambda: s.load_audio("x", rate_key="x"), "rate_key 'x' is a place of its own"),
    ]:
        with pytest.raises((ValueError, TypeError), match=words):
            call()
    with pytest.raises(dx.SampleError, match="read of sample 0: a sample is a dict, not int"):
        next(dx.stream_python_iterable(lambda: [1]))


@pytest.mark.skipif(find_spec("ml_dtypes") is not None, reason="NumPy has bfloat16 of ml_dtypes")
def test_bfloat16_is_no_dtype_of_numpy():
    with pytest.raises(ValueError, match="in the column 'x' are no array"):
        dx.buffer_from_arrays(x=mx.ones(2).astype(mx.bfloat16))


def test_nothing_for_ever_ends():
    s = numbers(3).to_stream().filter(lambda v: False).repeat()
    assert xs(s) == [] and xs(s.prefetch(2, 1)) == []
    s = numbers(3).to_stream().filter(lambda v: v["x"] == 1).repeat()
    assert xs(s.take(3)) == [1, 1, 1]


def test_buffers_are_interleaved_as_streams():
    assert xs(dx.interleave(numbers(2), numbers(3).to_stream())) == [0, 0, 1, 1, 2]


def test_a_broken_npz_file(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="a.npz"):
        dx.buffer_from_numpy(tmp_path / "a.npz")


def test_an_empty_list_has_the_dtype_of_the_others():
    def batch(*values):
        return dx.buffer_from_vector([{"x": v} for v in values]).batch(len(values))[0]["x"]

    assert batch([1, 2], []).dtype == batch([], [1], ()).dtype == np.int64
    assert batch([], [1, 2]).tolist() == [[0, 0], [1, 2]]
    assert batch([True], []).dtype == bool and batch([], [0.5]).dtype == np.float64
    assert batch([], np.ones(2, np.uint8)).dtype == np.uint8
    assert batch([[]], [[1, 2]]).dtype == np.int64
    assert batch(np.zeros(0, np.float32), [1]).dtype == np.float64  # an array has a dtype itself
    assert batch([], []).shape == (2, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: dx.buffer_from_vector([{"x": x}]).to_stream(),
        lambda x: dx.buffer_from_arrays(x=x[None]).to_stream(),
        lambda x: dx.buffer_from_dataset([{"x": x}]).to_stream(),
        lambda x: dx.stream_python_iterable(lambda: [{"x": x}]),
    ],
)
def test_a_step_does_not_change_what_samples_are_made_of(make):
    def add(sample):
        sample["x"] += 1
        return sample

    x = np.arange(3)
    with pytest.raises(dx.SampleError, match="map of sample 0: .*read-only"):
        next(make(x).map(add))
    assert next(make(x).map(lambda s: add({"x": s["x"].copy()})))["x"].tolist() == [1, 2, 3]
    assert x.tolist() == [0, 1, 2] and x.flags.writeable
    next(make(x).batch(1).map(add))  # a batch is a copy
    assert x.tolist() == [0, 1, 2]


def test_a_list_of_a_sample_is_a_copy():
    def longer(sample):
        sample["x"].append(3)
        return {**sample, "y": 1}

    source = [{"x": [1, 2]}]
    b = dx.buffer_from_vector(source).map(longer)
    assert b[0] == b[0] == {"x": [1, 2, 3], "y": 1} and source == [{"x": [1, 2]}]


def test_dtypes_of_either_package():
    b = dx.buffer_from_vector([{"x": 1}])
    for kind in (mx.float32, np.float32, "float32", np.dtype(np.float32)):
        assert b.cast("x", kind)[0]["x"].dtype == np.float32
    for kind in ("float33", mx, 3):
        with pytest.raises(TypeError, match="NumPy has no dtype"):
            b.cast("x", kind)


def test_a_missing_key_in_a_function_is_named_as_such():
    with pytest.raises(dx.SampleError, match="map of sample 0: KeyError: 'y'"):
        numbers(1).map(lambda s: s["y"])[0]


def test_a_renamed_key_takes_the_place_of_another():
    for sample in ({"a": 1, "b": 2}, {"b": 2, "a": 1}):
        assert dx.buffer_from_vector([sample]).rename_key("a", "b")[0] == {"b": 1}


def test_dimensions_that_are_not_there():
    b = dx.buffer_from_vector([{"x": np.arange(3), "t": "abc"}])
    for step in (
        lambda k: b.pad(k, 1, 1, 1),
        lambda k: b.pad_to_size(k, 1, 1),
        lambda k: b.slice(k, 1, 0),
        lambda k: b.random_slice(k, 1, 1),
        lambda k: b.shape(k, "n", 1),
        lambda k: b.to_stream().filter_by_shape(k, 1),
        lambda k: b.to_stream().sliding_window(k, 2, 1, dim=1),
    ):
        for key, shape in (("x", r"\(3,\)"), ("t", r"\(\)")):
            with pytest.raises(
                dx.SampleError, match=f"an array of shape {shape} has no dimension 1"
            ):
                next(step(key).to_stream())


def test_whole_numbers_are_not_rounded():
    with pytest.raises(
        dx.SampleError, match="under 'x' are no numbers of one kind that fit 64 bits"
    ):
        dx.buffer_from_vector([{"x": 2**63}, {"x": -1}]).batch(2)[0]
    b = dx.buffer_from_vector([{"x": np.array([2**40 + 1])}]).normalize("x", 2**40, 1)
    assert b[0]["x"].tolist() == [1] and b[0]["x"].dtype == np.float32
    with pytest.raises(
        dx.SampleError, match="check_range of sample 0 .a.: 'a' under 'x' is no num"
    ):
        dx.buffer_from_vector([{"x": "a"}]).check_range("x", 0, 1)[0]


def test_two_streams_of_one_buffer_share_its_samples():
    """Each sample is given once, also where threads ask streams that take from one of a buffer."""
    shared = numbers(3000).to_stream()
    parts = [
        shared,
        shared.map(dict),
        shared.batch(7).flat_map(lambda b: [{"x": x} for x in b["x"]]),
    ]
    found = []
    threads = [threading.Thread(target=lambda s=s: found.extend(xs(s))) for s in parts * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(3000))
