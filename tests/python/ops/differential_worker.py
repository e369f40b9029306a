"""Evaluate expressions with whatever `mlx` this interpreter imports; used for this package and for
the original.

    differential_worker.py expressions.json results.pickle first

One pickled (number, result) follows another from expression `first` on, each written before the
next is begun, so that the caller knows which one ended the process.
"""

import json
import pickle
import sys

import mlx.core as mx
import numpy as np

DTYPES = {
    d: getattr(mx, d)
    for d in (
        "bool_ uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64"
    ).split()
}


def numbers(dtype, shape, seed, low, high):
    rng = np.random.default_rng(seed)
    if dtype == "bool_":
        return rng.integers(0, 2, shape).astype(bool)
    if "int" in dtype:
        return rng.integers(0 if dtype[0] == "u" else int(low), int(high) + 1, shape).astype(dtype)
    values = rng.uniform(low, high, shape)
    if dtype == "complex64":
        return (values + 1j * rng.uniform(low, high, shape)).astype(np.complex64)
    return values.astype(np.float64 if dtype == "float64" else np.float32)


def A(dtype, shape, seed=0, low=-3, high=3, layout="plain"):
    """An array of numbers between low and high: plain, transposed, with steps, reversed, or
    broadcast."""
    shape = tuple(shape)
    if layout == "transposed" and len(shape) > 1:
        return mx.swapaxes(A(dtype, (*shape[:-2], shape[-1], shape[-2]), seed, low, high), -1, -2)
    if layout == "steps" and shape:
        return A(dtype, (*shape[:-1], shape[-1] * 2), seed, low, high)[..., ::2]
    if layout == "reversed" and shape:
        return A(dtype, shape, seed, low, high)[..., ::-1]
    if layout == "broadcast" and shape:
        return mx.broadcast_to(A(dtype, (1, *shape[1:]), seed, low, high), shape)
    values = numbers(dtype, shape, seed, low, high)
    return mx.array(values, dtype=DTYPES[dtype])


def plain(x):
    """A result as something both sides can pickle."""
    if isinstance(x, mx.array):
        name = str(x.dtype).split(".")[-1]
        values = np.array(x.astype(mx.float32)) if name == "bfloat16" else np.array(x)
        return ("array", name, values)
    if isinstance(x, (list, tuple)):
        return [plain(y) for y in x]
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return x if isinstance(x, (int, float, complex, str, bool, type(None))) else str(x)


def evaluate(expression):
    try:
        return plain(eval(expression, {"mx": mx, "A": A, "np": np}))
    except Exception as e:
        return ("error", type(e).__name__, str(e))


def main(source, target, first):
    with open(source) as f:
        expressions = json.load(f)
    if hasattr(mx, "set_default_device"):
        mx.set_default_device(mx.cpu)
    np.seterr(all="ignore")
    with open(target, "ab") as out:
        for i in range(int(first), len(expressions)):
            pickle.dump((i, evaluate(expressions[i])), out)
            out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
