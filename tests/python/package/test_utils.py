import gc
from collections import namedtuple

import pytest
from mlx.utils import (
    tree_flatten,
    tree_map,
    tree_map_with_path,
    tree_merge,
    tree_reduce,
    tree_unflatten,
)

Pair = namedtuple("Pair", "a b")
TREE = [1, (2, 3), {"a": 4}]


def is_tuple(node):
    return isinstance(node, tuple)


@pytest.mark.parametrize(
    "tree, expected",
    [
        (TREE, [2, (3, 4), {"a": 5}]),
        (Pair(1, [2]), Pair(2, [3])),
        ({}, {}),
        ([[], ()], [[], ()]),
        (6, 7),
    ],
)
def test_map(tree, expected):
    result = tree_map(lambda x: x + 1, tree)
    assert result == expected
    assert type(result) is type(expected)


def test_map_of_several_trees():
    assert tree_map(lambda a, b, c: a + b * c, TREE, TREE, TREE) == [2, (6, 12), {"a": 20}]
    with pytest.raises(KeyError):
        tree_map(lambda a, b: a, {"a": 1}, {"b": 1})
    with pytest.raises(IndexError):
        tree_map(lambda a, b: a, [1, 2], [1])


def test_map_with_leaves_that_are_containers():
    assert tree_map(sum, [(1, 2), [(3, 4)]], is_leaf=is_tuple) == [3, [7]]
    with_path = tree_map_with_path(lambda p, t: (p, sum(t)), [[(3, 4)]], is_leaf=is_tuple)
    assert with_path == [[("0.0", 7)]]


def test_map_with_path():
    assert tree_map_with_path(lambda p, x: p, TREE) == ["0", ("1.0", "1.1"), {"a": "2.a"}]
    assert tree_map_with_path(lambda p, x: p, {"a": {3: 1}}, path="m") == {"a": {3: "m.a.3"}}
    assert tree_map_with_path(lambda p, x: p, 1) is None
    assert tree_map_with_path(lambda p, x, y: (p, x, y), {"a": [3]}, {"a": [4]}) == {
        "a": [("a.0", 3, 4)]
    }
    assert tree_map_with_path(lambda p, x: p, Pair(1, 2)) == Pair("0", "1")


def test_flatten():
    flat = [("0", 1), ("1.0", 2), ("1.1", 3), ("2.a", 4)]
    assert tree_flatten(TREE) == flat
    assert tree_flatten(TREE, destination={}) == dict(flat)
    assert tree_flatten(TREE, prefix=".m")[0] == ("m.0", 1)
    assert tree_flatten(5) == [("", 5)]
    assert tree_flatten([None, [], {}, ()]) == [("0", None)]
    assert tree_flatten([(1, 2)], is_leaf=is_tuple) == [("0", (1, 2))]


def test_flatten_adds_to_the_destination():
    pairs, named = [("z", 0)], {"z": 0}
    assert tree_flatten([1], destination=pairs) is pairs == [("z", 0), ("0", 1)]
    assert tree_flatten([1], destination=named) is named == {"z": 0, "0": 1}
    with pytest.raises(ValueError, match="list or a dictionary"):
        tree_flatten([1], destination=())


@pytest.mark.parametrize("tree", [[1, [2, 3], {"a": 4}], {"a": {"b": 1, "c": [2]}}, 5, []])
def test_unflatten_inverts_flatten(tree):
    assert tree_unflatten(tree_flatten(tree)) == tree
    assert tree_unflatten(tree_flatten(tree, destination={})) == tree


def test_unflatten():
    assert tree_unflatten([("1", "b"), ("0", "a")]) == ["a", "b"]
    assert tree_unflatten([("2", "c"), ("0", "a")]) == ["a", {}, "c"]
    assert tree_unflatten([("0", 1), ("a", 2)]) == {"0": 1, "a": 2}
    assert tree_unflatten([("a", 1), ("a.b", 2)]) == {"a": {"": 1, "b": 2}}
    with pytest.raises(ValueError, match="same path"):
        tree_unflatten([("a", 1), ("a", 2)])


def test_reduce():
    def add(total, x):
        return total + x

    assert tree_reduce(add, TREE) == 10
    assert tree_reduce(add, TREE, 5) == 15
    assert tree_reduce(add, []) is None
    assert tree_reduce(add, [], 3) == 3
    assert tree_reduce(lambda n, t: n + len(t), [(1, 2), (3,)], 0, is_leaf=is_tuple) == 3


@pytest.mark.parametrize(
    "a, b, expected",
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}, "d": [3]}, {"a": {"b": 1, "c": 2}, "d": [3]}),
        ([1, None], [None, 2], [1, 2]),
        ([{}, 2], [1], [1, 2]),
        ([1], [None, 2], [1, 2]),
        (Pair(1, None), Pair(None, 2), Pair(1, 2)),
        (None, 3, 3),
        (3, {}, 3),
        ([], [], []),
    ],
)
def test_merge(a, b, expected):
    assert tree_merge(a, b) == expected


def test_merge_of_values():
    def add(a, b):
        return a + b

    assert tree_merge({"a": [1, 2]}, {"a": [3]}, add) == {"a": [4, 2]}
    with pytest.raises(ValueError, match="same locations"):
        tree_merge({"a": 1}, {"a": 2})
    with pytest.raises(ValueError, match="same locations"):
        tree_merge({"a": 1}, [1])


def test_lists_of_leaves_hold_them_no_longer_than_they_live():
    """Nothing is left in cycles, which are collected some time later: leaves may be large."""
    gc.collect()
    gc.disable()
    try:
        for destination in (None, {}, []):
            tree_flatten(TREE, destination=destination)
        assert gc.collect() == 0
    finally:
        gc.enable()
