"""Trees of dict, list and tuple: what eval and the transforms take for one."""

import collections
import dataclasses

import mlx.core as mx
import pytest

Point = collections.namedtuple("Point", "a b")


class Record(dict):
    pass


class Row(list):
    pass


class Pair(tuple):
    pass


@dataclasses.dataclass
class Opaque:
    x: object


def pending(x):
    return mx.array(x) + 1


def doubled(tree):
    """The tree after a trip through a transform that doubles its leaves."""
    return mx.vmap(lambda t: t)(tree)


def test_eval_computes_the_arrays_of_a_tree():
    a, b, c = pending(1.0), pending(2.0), pending(3.0)
    assert mx.eval(a, [b, {"k": (c, "text", None, 3)}], Opaque(a), {1, 2}, Record(x=a)) is None
    assert [x.item() for x in (a, b, c)] == [2, 3, 4]


def test_eval_of_nothing():
    assert mx.eval() is None
    assert mx.eval(3, "a", None, [], {}, ()) is None


def test_eval_takes_no_keywords():
    with pytest.raises(TypeError, match="incompatible function arguments"):
        mx.eval(a=mx.array(1))


def test_async_eval():
    x = mx.ones((100, 100)) @ mx.ones((100, 100))
    assert mx.async_eval([x, {"y": x}]) is None
    assert (x + 1)[3, 4].item() == 101


@pytest.mark.parametrize(
    "tree, kind",
    [
        ([1.0, 2.0], list),
        ((1.0, 2.0), tuple),
        ({"a": 1.0, "b": [2.0, (3.0,)]}, dict),
        (Point(1.0, 2.0), Point),
        (Pair([1.0, 2.0]), Pair),
        (Row([1.0, 2.0]), Row),
        (Record(a=1.0), Record),
    ],
)
def test_copies_keep_the_structure(tree, kind):
    def arrays(t):
        if isinstance(t, dict):
            return type(t)((k, arrays(v)) for k, v in t.items())
        if isinstance(t, Point):
            return Point(*map(arrays, t))
        return type(t)(map(arrays, t)) if isinstance(t, (list, tuple)) else mx.array([t])

    made = doubled(arrays(tree))
    assert type(made) is kind
    assert repr(made) == repr(arrays(tree))


def test_a_tree_that_contains_itself_is_refused():
    x = []
    x.append(x)
    with pytest.raises(RecursionError):
        mx.eval(x)
    with pytest.raises(RecursionError):
        mx.grad(lambda t: mx.array(1.0))(x)
    with pytest.raises(RecursionError):
        mx.compile(lambda t: t)(x)


@pytest.mark.parametrize("leaf", [2.0, "a", None, Opaque(1)])
def test_leaves_that_are_no_arrays_have_no_gradient(leaf):
    for tree in (leaf, [mx.array(1.0), leaf], {"k": leaf}):
        with pytest.raises(
            ValueError, match=r"\[tree_flatten\] The argument should contain only arrays"
        ):
            mx.grad(lambda t: mx.array(1.0))(tree)
