"""The functions of mlx.core as Python objects: signatures, texts, pickles, calls in every form."""

import copy
import inspect
import pickle
import pydoc
import threading

import mlx.core as mx
import numpy as np
import pytest

from seeds import choices

MODULES = [mx, mx.fft, mx.linalg, mx.random, mx.fast, mx.metal, mx.cuda, mx.distributed]
FUNCTION = type(mx.add)


def functions():
    return [
        (module, name, f)
        for module in MODULES
        for name, f in vars(module).items()
        if type(f) is FUNCTION
    ]


def test_there_are_many():
    assert len(functions()) > 250


def test_modules_can_be_imported():
    import mlx.core.fft
    import mlx.core.linalg
    from mlx.core.random import normal

    assert mlx.core.fft is mx.fft and normal is mx.random.normal


def test_every_function_describes_itself():
    for module, name, f in functions():
        assert f.__doc__.startswith(f.__name__ + "("), name
        assert len(f.__doc__.split("\n\n")[1]) > 10, name
        assert f.__module__.startswith("mlx.core") and f.__qualname__ == f.__name__
        assert f.__text_signature__.startswith("("), name
        assert list(inspect.signature(f).parameters) is not None


def test_signature():
    s = inspect.signature(mx.sum)
    assert list(s.parameters) == ["a", "axis", "keepdims", "stream"]
    assert s.parameters["a"].kind is inspect.Parameter.POSITIONAL_ONLY
    assert s.parameters["axis"].default is None and s.parameters["keepdims"].default is False
    assert (
        s.parameters["axis"].annotation == "None | int | Sequence[int]"
        and s.return_annotation == "array"
    )
    assert inspect.signature(mx.zeros).parameters["dtype"].default is mx.float32
    assert inspect.signature(mx.fft.fft2).parameters["axes"].default == [-2, -1]
    assert mx.sum.__text_signature__ == "(a, /, axis=None, keepdims=False, *, stream=None)"


def test_help():
    text = pydoc.render_doc(mx.add, renderer=pydoc.plaintext)
    signature = text.replace("'", "")  # Python 3.14 shows annotations without quotes
    assert "add(a: scalar | array, b: scalar | array" in signature and "element by element" in text
    assert "The sum of all elements" in pydoc.render_doc(mx.array.sum, renderer=pydoc.plaintext)


def test_overloads_show_all_forms():
    forms = mx.arange.__doc__.split("\n\n")[0].splitlines()
    assert len(forms) == 3 and all(f.startswith("arange(") for f in forms)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_by_name(protocol):
    for f in (mx.add, mx.acos, mx.linalg.norm, mx.random.normal):
        assert pickle.loads(pickle.dumps(f, protocol)) is f
    if protocol >= 4:
        assert pickle.loads(pickle.dumps(mx.array.sum, protocol)) is mx.array.sum


def test_copies_are_the_same_object():
    assert copy.copy(mx.add) is mx.add and copy.deepcopy([mx.add])[0] is mx.add


def test_a_function_in_a_class_takes_no_self():
    class Layer:
        act = mx.tanh

    assert Layer().act(mx.array(0.0)).item() == 0


def test_methods_bind():
    a = mx.array([[1, 2], [3, 4]])
    bound = a.sum
    assert bound().item() == 10 and bound(axis=0).tolist() == [4, 6]
    assert mx.array.sum(a, 1).tolist() == [3, 7]
    assert list(map(mx.array.sum, [a, a]))[0].item() == 10
    assert a.reshape.__self__ is a


def test_calls_in_every_form():
    a = mx.array([[1.0, 2.0]])
    for result in (
        mx.sum(a, 1),
        mx.sum(a, axis=1),
        mx.sum(*[a], **{"axis": 1}),
        mx.sum(a, "axis" and 1, False),
    ):
        assert result.tolist() == [3]
    assert mx.sum(a, **{"".join(["ax", "is"]): 0}).tolist() == [1, 2]


def test_rest_arguments():
    a = mx.zeros((2, 3))
    for b in (
        a.reshape(3, 2),
        a.reshape((3, 2)),
        a.reshape([3, 2]),
        a.reshape(-1, 2),
        a.reshape(np.array([3, 2])),
    ):
        assert b.shape == (3, 2)
    assert a.transpose(1, 0).shape == a.transpose((1, 0)).shape == a.transpose().shape == (3, 2)
    with pytest.raises(TypeError):
        a.reshape(3, 2.0)
    with pytest.raises(TypeError):
        a.reshape("6")
    with pytest.raises(ValueError):
        a.reshape()


def test_long_lists_of_ints():
    a = mx.zeros((1000,))
    assert len(mx.split(a, list(range(1, 1000)))) == 1000
    with pytest.raises(ValueError):
        mx.zeros([1] * 1000)


def test_numbers_that_are_too_large():
    for f in (
        lambda: mx.zeros(2**40),
        lambda: mx.sum(mx.zeros(3), axis=2**33),
        lambda: mx.eye(10**30),
    ):
        with pytest.raises((OverflowError, ValueError)):
            f()


def test_repr():
    assert (
        repr(mx.add) == "<function mlx.core.add>"
        and repr(mx.fft.fft) == "<function mlx.core.fft.fft>"
    )


def test_array_namespace_info():
    info = mx.__array_namespace_info__()
    assert info.capabilities()["max dimensions"] == 64
    assert info.default_device() in info.devices()
    assert info.default_dtypes()["integral"] == mx.int32
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert {"bool", "uint8", "complex64"} <= set(info.dtypes())


def test_threads_share_arrays():
    shared, faults = [mx.arange(50) for _ in range(4)], []

    def work(seed):
        choose = choices(seed)
        actions = [
            lambda a: mx.unique(a),
            lambda a: mx.nonzero(a),
            lambda a: a.sum().item(),
            lambda a: mx.add(a, mx.ones(50)).tolist(),
            lambda a: mx.bincount(mx.abs(a) % 7),
        ]
        try:
            for _ in range(60):
                choose.choice(actions)(choose.choice(shared))
                shared[choose.randrange(4)] += 1
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_names_before_a_slash_are_taken_as_well():
    x = mx.arange(6).reshape(2, 3)
    assert mx.array_equal(mx.roll(x, 1, axis=1), mx.roll(x, 1, 1))
    assert mx.array_equal(mx.sum(a=x, axis=0), mx.sum(x, 0))
