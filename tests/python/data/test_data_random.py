"""Random steps: what they draw is theirs alone, and the same wherever and whenever it is made."""

import json

import mlx.data as dx
import numpy as np
import pytest

COUNT = 4000
BOUND = 5 / np.sqrt(COUNT)  # of a correlation of independent draws: five standard deviations


def pixels(count=COUNT):
    """Images whose pixels say where they were: 8 * row + column."""
    image = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    return dx.buffer_from_vector([{"image": image, "x": np.arange(64)}] * count)


def draws(samples):
    """What was drawn for each sample: the corner of the crop, the flip, the slice, the share."""
    found = []
    for s in samples:
        a = s["image"][..., 0]
        left, right = int(a[0, 0]), int(a[0, -1])
        found.append((min(left, right) % 8, left // 8, left > right, s["x"][0], len(s["area"])))
    return np.array(found, float).T


def augmented(source):
    s = source.image_random_area_crop("image", (0.2, 1), (1, 1), output_key="area")
    s = s.image_random_crop("image", 4, 4).image_random_h_flip("image")
    return s.random_slice("x", 0, 5)


@pytest.mark.parametrize("stream", [False, True])
def test_steps_of_one_seed_draw_numbers_of_their_own(stream):
    source = pixels()
    found = np.corrcoef(draws(augmented(source.to_stream() if stream else source)))
    assert np.abs(found - np.eye(len(found))).max() < BOUND


def test_a_step_twice_draws_twice():
    s = pixels().random_slice("x", 0, 5, seed=3).rename_key("x", "y")
    s = s.map(lambda v: {"x": np.arange(64), "y": v["y"]}).random_slice("x", 0, 5, seed=3)
    both = np.array([(v["x"][0], v["y"][0]) for v in s.to_stream()], float)
    assert abs(np.corrcoef(both.T)[0, 1]) < BOUND


def test_epochs_draw_numbers_of_their_own():
    s = augmented(pixels().to_stream())
    rows = np.concatenate([draws(s.reset(epoch)) for epoch in range(3)])
    found = np.corrcoef(rows)
    assert np.abs(found - np.eye(len(found))).max() < BOUND


def test_the_place_of_a_step_does_not_depend_on_how_samples_are_made():
    def given(make):
        return [s["image"].tobytes() + s["x"].tobytes() for s in make]

    alone = given(augmented(pixels(40).to_stream()))
    half = pixels(40).to_stream().prefetch(3, 2).filter(lambda s: True)
    assert given(augmented(half).prefetch(4, 3)) == alone
    assert given(augmented(pixels(40))) == alone
    s = augmented(pixels(40).to_stream())
    assert given(next(s) for _ in range(7)) == alone[:7]
    again = augmented(pixels(40).to_stream())
    again.load_state_dict(json.loads(json.dumps(s.state_dict())))
    assert given(again) == alone[7:]


def test_steps_before_others_count_in_what_is_joined():
    def part(s):
        return s.random_slice("x", 0, 9, seed=1)

    one = part(pixels(300))
    two = dx.interleave(part(pixels(300).to_stream()), pixels(300).to_stream())
    for joined in (one.append(pixels(300)).to_stream(), two):
        x = [(v["x"][0], len(v["x"])) for v in part(joined.filter_key("x"))]
        assert {n for _, n in x} == {9} and len({v for v, _ in x}) == 56


def test_the_seed_of_a_step_is_a_whole_number():
    with pytest.raises(ValueError, match="a seed is a whole number, not 'x'"):
        pixels(1).random_slice("x", 0, 5, seed="x")


def slices(seed=0):
    source = dx.buffer_from_vector([{"x": np.arange(100000)}] * 8).to_stream()
    return source.random_slice("x", 0, 1, seed=seed)


def drawn(samples):
    return [int(s["x"][0]) for s in samples]


@pytest.mark.parametrize("before", [False, True])
def test_sources_that_are_mixed_draw_numbers_of_their_own(before):
    def source(threads=0):
        s = dx.buffer_from_vector([{"x": np.arange(100000)}] * 8).to_stream()
        s = s.random_slice("x", 0, 1) if before else s
        return s.prefetch(3, threads) if threads else s.map(lambda v: v)

    def joined(threads=0, kind=dx.interleave):
        s = kind(source(threads), kind(source(threads), source(threads)))
        return s if before else s.random_slice("x", 0, 1)

    def mixed(*streams):
        return dx.mix(streams, [1] * len(streams))

    for kind in dx.interleave, mixed:
        found = drawn(joined(kind=kind))
        assert len(found) == 24 and len(set(found)) == 24
        assert found == drawn(joined(2, kind))
    whole = [drawn([{"x": x} for x in b["x"]]) for b in joined().batch(3)]
    assert sum(whole, []) == drawn(joined())


def test_the_first_of_those_that_are_mixed_draws_as_alone():
    assert drawn(dx.interleave(slices(), slices()))[::2] == drawn(slices())
