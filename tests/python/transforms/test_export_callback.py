"""export_function with a callback in the place of the file."""

import gc
import os
import sys

import pytest

import mlx.core as mx

ORDER = ["inputs", "keyword_inputs", "outputs", "constants"]
X = mx.ones((2, 3))
F32 = mx.float32


def told(fun, *args, **kwargs):
    """The dicts, by type; those of primitives are many."""
    parts = []
    assert mx.export_function(parts.append, fun, *args, **kwargs) is None
    assert [p["type"] for p in parts[:4]] == ORDER
    assert all(p["type"] == "primitive" for p in parts[4:])
    assert all(set(p) == {"type", "name", "inputs", "outputs", "arguments"} for p in parts[4:])
    return [*parts[:4], parts[4:]]


def primitives(fun, *args, **kwargs):
    return [(p["name"], p["arguments"]) for p in told(fun, *args, **kwargs)[4]]


def test_parts_of_a_function():
    parts = told(lambda x, y: mx.exp(x) * y, X, mx.array(2.0))
    assert parts == [
        {"type": "inputs", "inputs": [("A", (2, 3), F32), ("B", (), F32)]},
        {"type": "keyword_inputs", "keywords": []},
        {"type": "outputs", "outputs": [("C", (2, 3), F32)]},
        {"type": "constants", "constants": []},
        [
            {
                "type": "primitive",
                "name": "Exp",
                "inputs": [("A", (2, 3), F32)],
                "outputs": [("D", (2, 3), F32)],
                "arguments": [],
            },
            {
                "type": "primitive",
                "name": "Broadcast",
                "inputs": [("B", (), F32)],
                "outputs": [("E", (2, 3), F32)],
                "arguments": [(2, 3)],
            },
            {
                "type": "primitive",
                "name": "Multiply",
                "inputs": [("D", (2, 3), F32), ("E", (2, 3), F32)],
                "outputs": [("C", (2, 3), F32)],
                "arguments": [],
            },
        ],
    ]


@pytest.mark.parametrize(
    "args, kwargs", [((X,), {"w": X, "k": mx.array(1)}), (((X,), {"w": X, "k": mx.array(1)}), {})]
)
def test_keyword_inputs_follow_in_the_order_of_their_names(args, kwargs):
    inputs, keywords, *_ = told(lambda x, *, k, w: x + w * k, *args, **kwargs)
    assert inputs["inputs"] == [("A", (2, 3), F32), ("B", (), mx.int32), ("C", (2, 3), F32)]
    assert keywords["keywords"] == [("k", "B"), ("w", "C")]


def test_constants_are_arrays_with_their_values():
    kept = mx.array([[1, 2], [3, 4]], dtype=mx.int16)
    *_, outputs, constants, steps = told(lambda x: x + kept, mx.array([5, 6], dtype=mx.int16))
    ((name, value),) = constants["constants"]
    assert (name, value.dtype, value.tolist()) == ("C", mx.int16, [[1, 2], [3, 4]])
    assert outputs["outputs"] == [("B", (2, 2), mx.int16)]
    assert steps[-1]["inputs"][1] == ("C", (2, 2), mx.int16)
    (value + 1).tolist()
    assert kept.tolist() == [[1, 2], [3, 4]]


def test_outputs_may_be_inputs_and_come_twice():
    *_, outputs, constants, steps = told(lambda x: [x, x, -x], X)
    assert [name for name, *_ in outputs["outputs"]] == ["A", "A", "B"]
    assert constants["constants"] == [] and len(steps) == 1
    assert told(lambda x: x, X)[4] == []


def test_several_outputs_of_a_primitive():
    *_, outputs, _, steps = told(lambda x: mx.linalg.svd(x, stream=mx.cpu)[1], mx.ones((4, 6)))
    assert outputs["outputs"] == [("B", (4,), F32)]
    assert steps[0]["name"] == "SVD" and steps[0]["arguments"] == [True]
    assert steps[0]["outputs"] == [("C", (4, 4), F32), ("B", (4,), F32), ("D", (6, 6), F32)]


SQUARE = mx.ones((4, 6))


@pytest.mark.parametrize(
    "fun, expected",
    [
        (lambda x: x.astype(mx.int32), ("AsType", [mx.int32])),
        (lambda x: mx.sum(x, axis=0, keepdims=True), ("Reduce", [2, [0]])),
        (lambda x: mx.transpose(x), ("Transpose", [[1, 0]])),
        (lambda x: x[1:3, ::2], ("Slice", [(1, 0), (3, 5), (1, 2)])),
        (lambda x: mx.reshape(x, (3, 8)), ("Reshape", [(3, 8)])),
        (lambda x: mx.concatenate([x, x], axis=1), ("Concatenate", [1])),
        (lambda x: mx.pad(x, 1), ("Pad", [[0, 1], (1, 1), (1, 1)])),
        (lambda x: mx.cumsum(x, axis=0, reverse=True), ("Scan", [2, 0, True, True])),
        (lambda x: mx.rsqrt(x), ("Sqrt", [True])),
        (
            lambda x: mx.as_strided(mx.flatten(x), (2, 2), (1, 2)),
            ("AsStrided", [(2, 2), (1, 2), 0]),
        ),
        (lambda x: mx.addmm(x, x, mx.ones((6, 6)), alpha=2.0, beta=0.5), ("AddMM", [2.0, 0.5])),
        (
            lambda x: mx.conv1d(x[None], x[None]),
            ("Convolution", [[1], [0], [0], [1], [1], 1, False]),
        ),
        (lambda x: mx.fft.fft(x), ("FFT", [[1], False, False, False])),
        (lambda x: mx.slice(x, mx.array([0]), (0,), (1, 6)), ("DynamicSlice", [[0], (1, 6)])),
        (lambda x: mx.linalg.eigh(x[:4, :4], stream=mx.cpu)[0], ("Eigh", ["L", True])),
    ],
)
def test_arguments_of_primitives(fun, expected):
    name, arguments = primitives(fun, SQUARE)[-1]
    assert (name, arguments) == expected
    assert [type(a) for a in arguments] == [type(a) for a in expected[1]]


def test_names_after_z():
    def chain(x):
        for _ in range(60):
            x = mx.exp(x)
        return x

    steps = told(chain, X)[4]
    names = [p["outputs"][0][0] for p in steps]
    letters = [chr(ord("A") + i) for i in range(26)]
    after = letters + ["A" + c for c in letters] + ["B" + c for c in letters]
    assert names == after[2:61] + ["B"]
    assert [p["inputs"][0][0] for p in steps] == ["A"] + names[:-1]


def test_every_array_comes_before_it_is_used():
    def loss(x):
        return mx.sum(mx.softmax(x @ x.T, axis=-1) * mx.array([1.0, 2.0]))

    inputs, _, outputs, constants, steps = told(mx.grad(loss), X)
    known = {name: (shape, dtype) for name, shape, dtype in inputs["inputs"]}
    known |= {name: (value.shape, value.dtype) for name, value in constants["constants"]}
    for step in steps:
        assert all(known[name] == (shape, dtype) for name, shape, dtype in step["inputs"])
        for name, shape, dtype in step["outputs"]:
            assert name not in known
            known[name] = shape, dtype
    assert [known[name] for name, *_ in outputs["outputs"]] == [((2, 3), F32)]


def test_shapeless():
    assert primitives(lambda x: mx.flatten(x), X, shapeless=True) == [("Flatten", [0, 1])]
    assert primitives(lambda x: mx.mean(x, axis=1), X, shapeless=True)[2][0] == "NumberOfElements"


def test_random_bits():
    steps = primitives(lambda k: mx.random.uniform(shape=(2, 3), key=k), mx.random.key(1))
    assert steps[0] == ("RandomBits", [(2, 3), 4])


def test_by_keyword():
    parts = []
    mx.export_function(file_or_callback=parts.append, fun=lambda x: -x, x=X)
    assert parts[1] == {"type": "keyword_inputs", "keywords": [("x", "A")]}


@pytest.mark.parametrize("last", [*ORDER, "primitive"])
def test_an_exception_of_the_callback_ends_it(last):
    seen = []

    def callback(part):
        seen.append(part["type"])
        if part["type"] == last:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        mx.export_function(callback, lambda x: mx.exp(-x), X)
    assert seen == [*ORDER, "primitive"][: len(seen)] and seen[-1] == last
    assert len(told(lambda x: mx.exp(-x), X)[4]) == 2


def test_the_callback_may_compute_and_export():
    inner = []

    def callback(part):
        assert (X + 1).sum().item() == 12
        inner.append(len(told(lambda x: x * x, X)[4]))

    mx.export_function(callback, lambda x: mx.exp(x), X)
    assert inner == [1] * 5


def test_errors():
    seen = []
    with pytest.raises(ValueError, match="metadata argument is only supported"):
        mx.export_function(seen.append, lambda x: x, X, metadata="a")
    with pytest.raises(TypeError, match="do not fit"):
        mx.export_function(seen.append, 3, X)
    with pytest.raises(ValueError, match="Inputs can either be"):
        mx.export_function(seen.append, lambda x: x, 3.0)
    with pytest.raises(ValueError, match="Outputs can be either"):
        mx.export_function(seen.append, lambda x: 3, X)
    with pytest.raises(ZeroDivisionError):
        mx.export_function(seen.append, lambda x: 1 // 0, X)
    with pytest.raises(TypeError):
        mx.export_function(lambda: None, lambda x: x, X)
    assert seen == []


def test_no_file_is_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told(lambda x: x + 1, X)
    assert os.listdir(tmp_path) == []


def test_nothing_is_kept():
    def fun(x):
        return x + mx.zeros((256, 1024)) + mx.arange(1024.0)

    def callback(part):
        if stop and part["type"] == "primitive":
            raise KeyError

    def once():
        try:
            mx.export_function(callback, fun, big)
        except KeyError:
            pass

    big = mx.ones((256, 1024))
    mx.eval(big)
    for stop in (False, True):
        once()
        gc.collect()
        before = mx.get_active_memory(), sys.getrefcount(fun), sys.getrefcount(callback)
        for _ in range(10):
            once()
        gc.collect()
        assert (mx.get_active_memory(), sys.getrefcount(fun), sys.getrefcount(callback)) == before
