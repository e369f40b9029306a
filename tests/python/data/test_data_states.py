"""The state of a stream goes into streams that were made in the same way, whole, and nowhere else."""

import copy
import json
from inspect import signature
from pathlib import Path

import mlx.core as mx
import mlx.data as dx
import numpy as np
import pytest
from mlx.data._settings import words_of
from mlx.data._stream import _check_sum


def buffer(count=12):
    return dx.buffer_from_vector([{"x": np.arange(i % 4 + 1)} for i in range(count)])


def stream(count=12):
    return buffer(count).to_stream()


def file(path, text='{"x": 1}\n{"x": 2}\n'):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


PAIRS = [
    (lambda: buffer().shuffle(1).to_stream(), lambda: buffer().shuffle(2).to_stream()),
    (lambda: buffer().shuffle(1).to_stream(), lambda: stream()),
    (lambda: buffer().partition(2, 0).to_stream(), lambda: buffer().partition(2, 1).to_stream()),
    (lambda: buffer()[:6].to_stream(), lambda: buffer()[6:].to_stream()),
    (lambda: buffer().batch(4).to_stream(), lambda: buffer().batch([4, 2]).to_stream()),
    (lambda: buffer().append(buffer(3)).to_stream(), lambda: stream(15)),
    (lambda: buffer().map(dict).to_stream(), lambda: buffer().squeeze("x").to_stream()),
    (
        lambda: dx.buffer_from_arrays(a=[1, 2]).to_stream(),
        lambda: dx.buffer_from_arrays(b=[1, 2]).to_stream(),
    ),
    (lambda: stream().shuffle(3), lambda: stream().shuffle(5)),
    (lambda: stream().shuffle(3), lambda: stream().shuffle(3, seed=1)),
    (lambda: stream().batch(2), lambda: stream().batch(3)),
    (lambda: stream().batch(5), lambda: stream().batch(5, drop_last=True)),
    (lambda: stream().batch(5), lambda: stream().batch(5, pad={"x": -1})),
    (lambda: stream().batch(5), lambda: stream().batch(5, dim={"x": 0})),
    (lambda: stream().partition(2, 0), lambda: stream().partition(2, 1)),
    (lambda: stream().take(5), lambda: stream().take(6)),
    (lambda: stream().repeat(2), lambda: stream().repeat(3)),
    (lambda: stream().sliding_window("x", 2, 1), lambda: stream().sliding_window("x", 2, 2)),
    (
        lambda: stream().dynamic_batch(9, "x", batch_size=2),
        lambda: stream().dynamic_batch(9, "x", batch_size=3),
    ),
    (
        lambda: stream().dynamic_batch(9, "x", 8, shuffle=True),
        lambda: stream().dynamic_batch(9, "x", 8, shuffle=True, seed=1),
    ),
    (lambda: dx.mix([stream(), stream()], [1, 2]), lambda: dx.mix([stream(), stream()], [2, 1])),
    (
        lambda: dx.mix([stream(), stream()], [1, 2]),
        lambda: dx.mix([stream(), stream()], [1, 2], seed=1),
    ),
    (
        lambda: dx.interleave(stream(), stream()),
        lambda: dx.interleave(stream(), stream(), block=2),
    ),
    (
        lambda: dx.interleave(stream(), stream(3)),
        lambda: dx.interleave(stream(), stream(3), until="first"),
    ),
    (lambda: dx.interleave(stream()), lambda: dx.interleave(stream(), stream())),
    (lambda: stream().random_slice("x", 0, 1), lambda: stream().random_slice("x", 0, 1, seed=1)),
    (lambda: stream().filter_by_shape("x", 0, 1), lambda: stream().filter_by_shape("x", 0, 2)),
    (lambda: stream().pad("x", 0, 0, 0), lambda: stream().squeeze("x")),
]


# Of each method of a pipeline the arguments it is called with, and another value for each that is a
# part of states.
STEPS = {
    "batch": ((2,), {"batch_size": 3, "pad": {"x": 1}, "dim": {"x": 0}, "drop_last": True}),
    "cast": (("x", "int32"), {"key": "y", "dtype": "int64", "output_key": "z"}),
    "check_range": (("x", 0, 9), {"key": "y", "low": -1, "high": 8}),
    "dynamic_batch": (
        (9, "x", 5),
        {
            "buffer_size": 8,
            "key": "y",
            "max_data_size": 6,
            "pad": {"x": 1},
            "dim": {"x": 0},
            "shuffle": True,
            "batch_size": 3,
            "drop_outliers": True,
            "seed": 1,
        },
    ),
    "filter": ((bool,), {}),
    "filter_by_shape": (("x", 0, 1), {"key": "y", "dim": -1, "low": 0, "high": 9}),
    "filter_key": (("x",), {"key": ["x", "y"], "remove": True}),
    "flat_map": ((lambda s: [s],), {}),
    "image_center_crop": (
        ("i", 2, 3),
        {"key": "j", "w": 3, "h": 2, "output_key": "z", "boxes": "b"},
    ),
    "image_channel_reduction": (("i",), {"key": "j", "preset": "rec709", "output_key": "z"}),
    "image_random_area_crop": (
        ("i", (0.5, 1), (1, 1)),
        {
            "key": "j",
            "area_range": (0.4, 1),
            "aspect_ratio_range": (1, 2),
            "num_trial": 9,
            "output_key": "z",
            "boxes": "b",
            "seed": 1,
        },
    ),
    "image_random_crop": (
        ("i", 2, 3),
        {"key": "j", "w": 3, "h": 2, "output_key": "z", "pad": 1, "boxes": "b", "seed": 1},
    ),
    "image_random_h_flip": (
        ("i",),
        {"key": "j", "prob": 0.25, "output_key": "z", "boxes": "b", "seed": 1},
    ),
    "image_resize": (
        ("i", 2, 3),
        {"key": "j", "w": 3, "h": 2, "output_key": "z", "filter": "nearest", "boxes": "b"},
    ),
    "image_resize_smallest_side": (
        ("i", 2),
        {"key": "j", "size": 3, "output_key": "z", "filter": "nearest", "boxes": "b"},
    ),
    "image_rotate": (
        ("i", 30),
        {"key": "j", "angle": 31, "crop": False, "output_key": "z", "filter": "nearest"},
    ),
    "key_transform": (("x", len), {"key": "y", "output_key": "z"}),
    "load_audio": (
        ("f",),
        {
            "key": "g",
            "from_memory": True,
            "output_key": "z",
            "sample_rate": 8000,
            "mono": True,
            "rate_key": "r",
        },
    ),
    "load_file": (("f",), {"key": "g", "output_key": "z"}),
    "load_image": (
        ("f",),
        {
            "key": "g",
            "format": "L",
            "from_memory": True,
            "output_key": "z",
            "info": True,
            "max_pixels": 9,
        },
    ),
    "load_json": (("t",), {"key": "u", "output_key": "z"}),
    "load_numpy": (("f",), {"key": "g", "output_key": "z"}),
    "log_mel": (
        ("x",),
        {"key": "y", "bands": 40, "rate": 8000, "size": 200, "hop": 80, "output_key": "z"},
    ),
    "map": ((dict,), {}),
    "normalize": (("x", 0, 1), {"key": "y", "mean": [0, 1], "std": 2, "output_key": "z"}),
    "pad": (("x", 0, 1, 1), {"key": "y", "dim": 1, "lpad": 0, "rpad": 0, "value": 1}),
    "pad_to_size": (("x", 0, 3), {"key": "y", "dim": 1, "size": 4, "value": 1}),
    "partition": ((2, 0), {"num_partitions": 3, "partition": 1}),
    "random_slice": (("x", 0, 2), {"key": "y", "dim": 1, "size": 3, "seed": 1}),
    "rename_key": (("x", "y"), {"key": "z", "output_key": "z"}),
    "repeat": ((2,), {"num_time": 3}),
    "replace": (("x", 0, 1), {"key": "y", "old": 2, "new": 2}),
    "resample_audio": (
        ("x", 8000, 16000),
        {"key": "y", "input_rate": 4000, "output_rate": 4000, "output_key": "z"},
    ),
    "sample_transform": ((dict,), {}),
    "save_image": (("i", "f"), {"key": "j", "filename_key": "g"}),
    "shape": (("x", "n", 0), {"key": "y", "output_key": "m", "dim": 1}),
    "shuffle": ((3,), {"buffer_size": 4, "seed": 1}),
    "slice": (("x", 0, 1), {"key": "y", "dim": 1, "start": 2, "stop": 3}),
    "sliding_window": (
        ("x", 2, 1),
        {"key": "y", "size": 3, "stride": 2, "dim": 0, "index_key": "n"},
    ),
    "squeeze": (("x",), {"key": "y", "dim": 0}),
    "take": ((5,), {"count": 6}),
    "tokenize": (("t", list), {"key": "u", "output_key": "z", "pad": 0}),
}
# What is no part of states: folders, functions, tokenizers, and how samples are made ahead.
NOT_COMPARED = {"self", "prefix", "func", "predicate", "tokenizer", "options"}
NO_STEPS = {"epoch", "load_state_dict", "prefetch", "reset", "state_dict", "to_stream"}


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_")}


def test_each_argument_of_each_step_is_compared():
    assert set(STEPS) == public(dx.Stream) - NO_STEPS
    assert public(dx.Buffer) - set(STEPS) == {"append", "ordered_prefetch", "perm", "to_stream"}
    for name, (arguments, others) in STEPS.items():
        bound = signature(getattr(dx.Stream, name))
        assert set(others) == set(bound.parameters) - NOT_COMPARED, name
        bound = bound.bind(None, *arguments)
        bound.apply_defaults()
        for argument, value in others.items():
            given = {**bound.arguments, argument: value}
            given = {n: v for n, v in given.items() if n not in ("self", "options")}
            one, other = getattr(stream(), name), getattr(stream(), name)(**given)
            words = f"another pipeline: {argument} of {name} is .* here, .* there"
            with pytest.raises(ValueError, match=words):
                other.load_state_dict(one(*arguments).state_dict())


def test_arguments_of_buffers_are_compared():
    for one, other, words in [
        (buffer().shuffle(1), buffer().shuffle(2), "seed of shuffle is 2 here, 1 there"),
        (buffer().batch(4), buffer().batch([4, 2]), "batch_size of batch is "),
        (buffer().perm([1, 0]), buffer().perm([0, 1]), "numbers of perm is "),
        (buffer()[:6], buffer()[6:], "numbers of perm is "),
        (buffer().partition(2, 0), buffer().partition(2, 1), "numbers of partition is "),
        (buffer().append(buffer(3)), buffer(), "vector here, append there"),
        (
            buffer().append(buffer(3)),
            buffer().append(buffer(4)),
            "size of vector is 4 here, 3 there",
        ),
        (
            buffer().append(buffer(3)),
            buffer().append(buffer(3), buffer()),
            "append of 3 here, of 2 ",
        ),
        (buffer().cast("x", "int8"), buffer().cast("x", "int16"), "dtype of cast is "),
        (buffer(), dx.buffer_from_arrays(x=np.arange(12)), "arrays here, vector there"),
    ]:
        with pytest.raises(ValueError, match=f"another pipeline: {words}"):
            other.to_stream().batch(2).load_state_dict(one.to_stream().batch(2).state_dict())


def test_words_of_what_is_the_same_are_the_same():
    for values in (
        ("float32", np.float32, np.dtype("float32"), mx.float32),
        (1, np.int64(1)),
        ([1, 2], (1, 2), np.array([1, 2]), mx.array([1, 2])),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
        (list(range(99)), np.arange(99)),
        ("p", Path("p")),
        ({"x", "y"}, {"y", "x"}),
    ):
        assert len({words_of(value) for value in values}) == 1, values
    assert len({words_of(v) for v in (1, 1.5, True, "1", [1], {"1": 1}, b"1")}) == 7
    assert words_of(len) is None and words_of(None) is None and words_of(object()) is None
    assert len(words_of("a" * 999)) < 250 and words_of("a" * 999) != words_of("a" * 998)
    assert words_of(np.zeros(99)) != words_of(np.zeros((3, 33)))


def values(samples):
    return [{key: np.asarray(v).tolist() for key, v in s.items()} for s in samples]


@pytest.mark.parametrize("place", range(len(PAIRS)))
def test_the_state_of_another_pipeline_is_refused(place):
    for one, other in (PAIRS[place], PAIRS[place][::-1]):
        s, r = one(), other()
        next(s)
        state = json.loads(json.dumps(s.state_dict()))
        with pytest.raises(ValueError, match="the state is of another pipeline: .* here, .* there"):
            r.load_state_dict(state)
        assert values(r) == values(other())
        again = one()
        again.load_state_dict(state)
        assert values(again) == values(s)


def test_files_are_known_by_name_and_size(tmp_path):
    read = dx.stream_jsonl
    s = read(file(tmp_path / "a" / "x.jsonl"))
    next(s)
    state = s.state_dict()
    moved = read(file(tmp_path / "b" / "x.jsonl"))
    moved.load_state_dict(state)
    assert values(moved) == [{"x": 2}]
    longer = file(tmp_path / "c" / "x.jsonl", '{"x": 1}\n' * 3)
    renamed = file(tmp_path / "a" / "y.jsonl")
    for other in (
        read(longer),
        read(renamed),
        read([renamed, renamed]),
        dx.stream_line_reader(tmp_path / "a" / "x.jsonl"),
        dx.buffer_from_jsonl(renamed).to_stream(),
    ):
        with pytest.raises(ValueError, match="of another pipeline"):
            other.load_state_dict(state)


def test_the_number_of_threads_is_no_part_of_a_state():
    s = stream().map(dict).prefetch(2, 1)
    next(s)
    r = stream().map(dict).prefetch(5, 3)
    r.load_state_dict(s.state_dict())
    assert values(r) == values(s)


def everything():
    parts = [buffer().shuffle(1).to_stream().repeat(2), stream().shuffle(4).take(9)]
    s = dx.mix([*parts, stream().sliding_window("x", 2, 1)], [1, 2, 1])
    return s.partition(2, 1).dynamic_batch(5, "x", 6).prefetch(2, 2)


def places(state, path=()):
    """Where numbers are in a state."""
    if isinstance(state, dict):
        state = state.items()
    elif isinstance(state, list):
        state = enumerate(state)
    else:
        return [] if isinstance(state, str) else [path]
    return [found for key, value in state for found in places(value, (*path, key))]


def damaged(state, path, value):
    state = inner = copy.deepcopy(state)
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value(inner[path[-1]])
    return state


WRONG = [lambda n: -1, lambda n: n + 0.5, lambda n: n + 1, lambda n: 10**9, lambda n: None]


def test_a_damaged_state_is_refused():
    s = everything()
    next(s), next(s)
    state = json.loads(json.dumps(s.state_dict()))
    rest = values(s)
    fresh = everything()
    assert len(places(state)) > 15
    for path in places(state):
        for wrong in [*WRONG, lambda n: "x", lambda n: {}]:
            with pytest.raises(ValueError, match="state"):
                fresh.load_state_dict(damaged(state, path, wrong))
    assert values(fresh) == values(everything())
    fresh.load_state_dict(state)
    assert values(fresh) == rest


def test_numbers_that_no_place_has_are_refused_whatever_the_check_sum_says():
    s = everything()
    next(s), next(s)
    state = json.loads(json.dumps(s.state_dict()))
    fresh = everything()
    for path in places(state["stream"], ("stream",)):
        if path[-1] == "some":
            continue  # true or false, whatever it is
        for wrong in (-1, 1.5, None, "x"):
            other = damaged(state, path, lambda n: wrong)
            other["check"] = _check_sum(other["epoch"], other["stream"])
            with pytest.raises(ValueError, match="state"):
                fresh.load_state_dict(other)
    assert values(fresh) == values(everything())
