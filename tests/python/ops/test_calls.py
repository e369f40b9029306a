"""Every function called with arguments of every kind, by position and by keyword: an answer or an
exception that says what was wrong, and nothing else."""

import inspect
import types

import mlx.core as mx
import numpy as np
import pytest

from seeds import choices

FUNCTION = type(mx.add)
MODULES = [mx, *(m for m in vars(mx).values() if isinstance(m, types.ModuleType))]
FUNCTIONS = sorted(
    {
        f"{f.__module__}.{f.__name__}": f
        for m in MODULES
        for f in vars(m).values()
        if type(f) is FUNCTION
    }.items()
)
METHODS = [
    (f"array.{n}", f) for n, f in sorted(vars(mx.array).items()) if type(f) is type(mx.array.sum)
]
LEFT_OUT = {
    "set_cache_limit",
    "set_memory_limit",
    "set_memory_hard_limit",
    "set_wired_limit",
    "start_capture",
    "stop_capture",
}
EXPECTED = (TypeError, ValueError, IndexError, OverflowError, RuntimeError, MemoryError)


class Strange:
    """Counts as a sequence, an index and a float, and fails at each."""

    def __len__(self):
        return 2

    def __getitem__(self, i):
        raise RuntimeError("no item")

    def __index__(self):
        raise ValueError("no index")

    def __float__(self):
        raise ValueError("no float")


def values(random):
    matrix = mx.array([[4.0, 1.0], [1.0, 3.0]])
    return [
        None,
        True,
        False,
        0,
        1,
        -1,
        3,
        2**31,
        -(2**63),
        10**30,
        0.5,
        -0.0,
        float("nan"),
        1j,
        "",
        "x",
        "linear",
        b"bytes",
        (),
        [],
        (0,),
        [1, 0],
        (2, 2),
        [(1, 1), (0, 2)],
        [2**40],
        ["a"],
        [None],
        [[1.0]],
        {},
        object(),
        Strange(),
        matrix,
        matrix[0],
        mx.array(3),
        mx.zeros((0, 2)),
        mx.array([True, False]),
        mx.array([1, 2], mx.uint8),
        mx.array([1 + 2j]),
        mx.zeros((2, 2, 2), mx.float16),
        [matrix, matrix],
        np.ones((2, 2)),
        np.float32(2),
        np.int64(1),
        np.array(["a"]),
        mx.float16,
        mx.int8,
        mx.cpu,
        mx.sin,
    ]


def attempt(f, arguments, words):
    try:
        f(*arguments, **words)
    except EXPECTED as error:
        assert str(error), f"{f}: an exception without a message"
        return False
    return True


@pytest.mark.parametrize(
    "name, f", [*FUNCTIONS, *METHODS], ids=lambda v: v if isinstance(v, str) else ""
)
def test_any_arguments(name, f):
    if f.__name__ in LEFT_OUT:
        pytest.skip("it changes the process")
    choose = choices(name)
    names = [*inspect.signature(f).parameters, "other"]
    pool = values(choose)
    mx.random.seed(0)
    for _ in range(150):
        arguments = choose.choices(pool, k=choose.choice([0, 1, 1, 2, 2, 3, 4, 9]))
        words = {
            n: choose.choice(pool)
            for n in choose.sample(names, k=min(len(names), choose.choice([0, 0, 1, 2])))
        }
        attempt(f, arguments, words)


class NoIndex:
    def __index__(self):
        raise ZeroDivisionError("no index")


def test_failing_conversions_pass_their_error_on():
    for f in (
        lambda: mx.zeros([NoIndex()]),
        lambda: mx.zeros(NoIndex()),
        lambda: mx.zeros(4).reshape(NoIndex()),
    ):
        with pytest.raises(ZeroDivisionError, match="no index"):
            f()
    with pytest.raises(RuntimeError, match="no item"):
        mx.reshape(mx.zeros(4), Strange())
