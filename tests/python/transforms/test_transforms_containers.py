"""Transforms keep the caller's containers: their types, their identity, and what the function sets
in them."""

import collections

import pytest

import mlx.core as mx
import mlx.nn as nn

Pair = collections.namedtuple("Pair", "a b")


class Many(list):
    pass


class Named(dict):
    pass


class Fixed(tuple):
    pass


def array():
    return mx.array([1.0, 2.0])


def containers():
    """Containers with one array each."""
    default = collections.defaultdict(list, w=array())
    yield from ({"w": array()}, collections.OrderedDict(w=array()), default, Named(w=array()))
    yield from ([array()], Many([array()]), (array(),), Fixed([array()]), Pair(array(), array()))


def first(tree):
    return tree["w"] if isinstance(tree, dict) else tree[0]


CASES = [pytest.param(c, id=type(c).__name__) for c in containers()]


@pytest.mark.parametrize("tree", CASES)
def test_grad_hands_over_the_containers_themselves(tree):
    seen = []

    def f(t):
        seen.append(t)
        return first(t).square().sum()

    before = first(tree)
    (value, g) = mx.value_and_grad(f)(tree)
    assert value.item() == 5 and first(g).tolist() == [2, 4]
    assert type(seen[0]) is type(tree)
    assert isinstance(tree, tuple) or seen[0] is tree
    assert first(tree) is before
    plain = dict if isinstance(tree, dict) else type(tree) if isinstance(tree, tuple) else list
    assert type(g) is plain


@pytest.mark.parametrize("transform", [mx.compile, mx.vmap, mx.checkpoint])
@pytest.mark.parametrize("tree", CASES)
def test_other_transforms_keep_types(transform, tree):
    seen = []

    def f(t):
        seen.append(type(t))
        return t

    result = transform(f)(tree)
    assert seen[0] is type(tree) and type(result) is type(tree)
    assert first(result).tolist() == [1, 2]
    if isinstance(tree, collections.defaultdict):
        assert result.default_factory is list


def test_modules_can_be_called_inside():
    layer, x = nn.Linear(2, 3), mx.ones((4, 2))
    expected = layer(x)
    g = mx.grad(lambda m, y: m(y).sum())(layer, x)
    assert type(g) is dict and g["bias"].tolist() == [4, 4, 4]
    assert mx.allclose(mx.compile(lambda m, y: m(y))(layer, x), expected)
    assert mx.allclose(mx.vmap(lambda m, y: m(y), in_axes=(None, 0))(layer, x), expected)
    nested = nn.Sequential(layer, nn.ReLU())
    assert mx.grad(lambda m: m(x).sum())(nested)["layers"][0]["weight"].shape == (3, 2)


def test_what_the_function_sets_is_seen():
    d = {"w": array(), "gone": array(), "kept": array()}
    kept = d["kept"]

    def f(d):
        d["new"] = d["w"] * 3
        d["w"] = d["w"] * 2
        del d["gone"]
        return d["w"].sum()

    g = mx.grad(f)(d)
    assert {k: v.tolist() for k, v in g.items()} == {"w": [2, 2], "gone": [0, 0], "kept": [0, 0]}
    assert {k: v.tolist() for k, v in d.items()} == {"w": [2, 4], "kept": [1, 2], "new": [3, 6]}
    assert d["kept"] is kept


def test_lists_are_set_too():
    x, y = array(), array()
    outer = [[x], y]

    def f(t):
        t[0][0] = t[0][0] * 2
        t.append(t[1])
        return t[0][0].sum()

    g = mx.grad(f)(outer)
    assert [g[0][0].tolist(), g[1].tolist()] == [[2, 2], [0, 0]]
    assert outer[0][0].tolist() == [2, 4] and outer[1] is y and outer[2] is y


def test_after_an_error_the_arrays_are_back():
    x, y = array(), array()
    d = {"x": x, "inner": (y, [x])}

    def f(d):
        d["z"] = d["x"] * 2
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        mx.grad(f)(d)
    assert d["x"] is x and d["inner"][0] is y and d["inner"][1][0] is x
    assert d["z"].tolist() == [2, 4]


def test_by_keyword_and_nested():
    d = {"w": array()}
    w = d["w"]
    _, named = mx.grad(lambda *, p: p["w"].square().sum(), argnames="p")(p=d)
    assert named["p"]["w"].tolist() == [2, 4] and d["w"] is w

    def outer(p):
        return mx.grad(lambda q: (q["w"] ** 3).sum())(p)["w"].sum()

    assert mx.grad(outer)(d)["w"].tolist() == [6, 12] and d["w"] is w


def test_one_container_for_two_arguments():
    d = {"w": array()}
    w = d["w"]
    g, h = mx.grad(lambda p, q: (p["w"] * 3 + q["w"] * 5).sum(), argnums=(0, 1))(d, d)
    assert g["w"].tolist() == [3, 3] and h["w"].tolist() == [5, 5] and d["w"] is w


def test_one_list_in_two_places():
    inner = [array()]
    x = inner[0]
    mx.grad(lambda t: t[0][0].sum() + t[1][0].sum())([inner, inner])
    assert inner[0] is x


def test_results_that_are_the_arguments():
    d = {"w": array()}
    (value, aux), g = mx.value_and_grad(lambda p: (p["w"].sum(), p))(d)
    assert value.item() == 3 and aux["w"].tolist() == [1, 2] and g["w"].tolist() == [1, 1]


X = mx.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    "axes, expected",
    [((0,), [[2, 4], [6, 8]]), ((1,), [[2, 6], [4, 8]]), ((-1,), [[2, 6], [4, 8]])],
)
def test_one_axis_in_a_tuple(axes, expected):
    assert mx.vmap(lambda a: a * 2, in_axes=axes)(X).tolist() == expected
    assert mx.vmap(lambda a: a * 2, out_axes=axes)(X).tolist() == expected


def test_nested_axes():
    def add(t):
        return t[0] + t[1]

    assert mx.vmap(add, in_axes=(0, 1))((X, X)).tolist() == [[2, 5], [5, 8]]
    assert mx.vmap(add, in_axes=[0, 1])([X, X]).tolist() == [[2, 5], [5, 8]]
    assert mx.vmap(lambda d: d["a"], in_axes={"a": 1})({"a": X}).tolist() == [[1, 3], [2, 4]]
    assert mx.vmap(lambda a: (a,), out_axes=(1,))(X)[0].tolist() == [[1, 3], [2, 4]]
    assert mx.vmap(lambda a: {"u": a}, out_axes={"u": 1})(X)["u"].tolist() == [[1, 3], [2, 4]]
    for axes in ([0], ((0,),), (0, 0), {"a": 0}):
        with pytest.raises(ValueError, match="prefix"):
            mx.vmap(lambda a: a, in_axes=axes)(X)
    with pytest.raises(IndexError, match=r"axis 5 for array with shape \(2,2\)"):
        mx.vmap(lambda a: a, in_axes=5)(X)
    with pytest.raises(TypeError, match="Keyword arguments"):
        mx.vmap(lambda a: a)(a=X)
