"""The state of a stream goes into streams that were made in the same way, whole, and nowhere else."""

import copy
import json

import mlx.data as dx
import numpy as np
import pytest
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
