"""Messages name the function and the argument, say what was given and expected, and hint at what
was meant."""

import numpy as np
import pytest

import mlx.core as mx
import mlx.nn as nn

X = mx.array([1.0, 2.0])

CASES = [
    (
        lambda: mx.zeros(2, 3),
        TypeError,
        r"zeros\(\) argument 'dtype' .* not int: .* one tuple, zeros\(\(2, 3\)\)",
    ),
    (lambda: mx.ones(2, 3), TypeError, r"ones\(\) argument 'dtype' .* one tuple"),
    (
        lambda: X.view(-1),
        TypeError,
        r"view\(\) argument 'dtype' .* not int: .* reshape changes the shape",
    ),
    (
        lambda: mx.zeros(2, dtype="float32"),
        TypeError,
        r"zeros\(\) argument 'dtype' .*not str: write mlx.core.float32",
    ),
    (lambda: X.astype("bool"), TypeError, r"astype\(\) .* write mlx.core.bool_"),
    (lambda: X.astype(np.float16), TypeError, r"write mlx.core.float16"),
    (lambda: X.astype(np.dtype("int8")), TypeError, r"write mlx.core.int8"),
    (lambda: X.astype("number"), TypeError, r"not str$"),
    (
        lambda: mx.array([1], dtype="float32"),
        TypeError,
        r"expected a Dtype .* got str: write mlx.core.float32",
    ),
    (lambda: mx.array(np.array(["a"])), ValueError, r"numpy.ndarray .* arrays have no dtype <U1"),
    (lambda: mx.array(np.array([object()])), ValueError, r"arrays have no dtype object"),
    (
        lambda: mx.array(np.broadcast_to(True, (2**31,))),
        OverflowError,
        r"Shape dimension 2147483648 is outside",
    ),
    (lambda: mx.concatenate([mx.zeros(2**30)] * 4), OverflowError, "4294967296"),
    (lambda: mx.repeat(mx.zeros(2**30), 4), OverflowError, "4294967296"),
    (lambda: mx.tile(mx.zeros(2**30), 4), OverflowError, "4294967296"),
    (lambda: mx.kron(mx.zeros(2**30), mx.zeros(4)), OverflowError, "4294967296"),
    (lambda: mx.zeros((2**30, 2**30, 2**30)), OverflowError, r"too large"),
    (
        lambda: mx.broadcast_to(mx.zeros(2**30)[:, None, None], (2**30, 2**30, 2**30)),
        OverflowError,
        r"too large",
    ),
    (
        lambda: mx.flatten(mx.broadcast_to(mx.zeros(1), (2**20, 2**20))),
        OverflowError,
        "1099511627776",
    ),
    (lambda: mx.pad(mx.zeros(2**30), (2**30, 2**30), mode="edge"), OverflowError, "3221225472"),
    (lambda: mx.pad(mx.zeros(2**30), (2**30, 2**30)), OverflowError, "3221225472"),
    (
        lambda: mx.fft.fft(mx.array(1.0)),
        IndexError,
        r"axis -1 is out of bounds for an array with 0 dimensions",
    ),
    (lambda: mx.fft.rfftn(mx.array(1.0)), ValueError, r"at least one dimension"),
    (lambda: mx.array(range(3)), ValueError, r"Invalid type range .* Make a list of it"),
    (
        lambda: np.mean(X),
        TypeError,
        r"mean\(\) got an unexpected keyword .* for NumPy's function make a NumPy array",
    ),
    (
        lambda: np.sum(X),
        TypeError,
        r"sum\(\) got an unexpected keyword .* for NumPy's function make a NumPy array",
    ),
    (
        lambda: mx.add(X, [1, 2]),
        ValueError,
        r"add\(\) argument 'b' .* not list: make an array of it",
    ),
    (
        lambda: mx.zeros((2.0,)),
        TypeError,
        r"zeros\(\) argument 'shape' .* not float: it is a whole number",
    ),
    (
        lambda: mx.random.normal(2, 3),
        TypeError,
        r"normal\(\) argument 'shape' .* not int: write \(2,\)",
    ),
    (
        lambda: mx.add(X, X, stream="cpu"),
        TypeError,
        r"add\(\) argument 'stream' .* not str: write mlx.core.cpu",
    ),
    (
        lambda: mx.stack([mx.ones((2, 3)), mx.ones((3, 2))]),
        ValueError,
        r"first has \(2,3\) and number 2 has \(3,2\)",
    ),
    (
        lambda: mx.conv2d(mx.ones((1, 3, 8, 8)), mx.ones((4, 3, 3, 3))),
        ValueError,
        r"input: \(1,3,8,8\) and weight: \(4,3,3,3\). Channels come last here: \(N, H, W, C\)",
    ),
    (lambda: nn.Conv2d(3, 4, 3)(mx.ones((1, 3, 8, 9))), ValueError, r"input: \(1,3,8,9\)"),
    (
        lambda: mx.grad(lambda x: x * 2)(X),
        ValueError,
        r"\[grad\] .* scalar array, but it returned one of shape \(2,\)",
    ),
    (
        lambda: mx.value_and_grad(lambda x: (x, 3))(X),
        ValueError,
        r"\[value_and_grad\] .* of shape \(2,\); sum\(\)",
    ),
    (lambda: X[5], IndexError, r"index 5 .* axis 0 with size 2 of an array of shape \(2,\)"),
    (lambda: X[2**40], ValueError, r"index 1099511627776 .* size 2"),
    (
        lambda: X[mx.array([7])].tolist(),
        IndexError,
        r"index 7 is out of bounds for axis 0 with size 2",
    ),
    (lambda: nn.Embedding(4, 2)(mx.array([9])).tolist(), IndexError, r"index 9 .* with size 4"),
]


@pytest.mark.parametrize("call, kind, message", CASES)
def test_message(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
