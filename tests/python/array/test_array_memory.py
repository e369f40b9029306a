"""Every call many times: memory stays where it is."""

import copy
import io
import os
import pickle

import mlx.core as mx
import numpy as np
import pytest

X = np.arange(64, dtype=np.float32).reshape(8, 8)
A = mx.array(X)
I = mx.array([0, 1, 1])
M = mx.array([True, False] * 4)


class Producer:
    def __mlx_array__(self):
        return A


def refused(f):
    def call():
        try:
            f()
        except (
            TypeError,
            ValueError,
            IndexError,
            RuntimeError,
            OverflowError,
            BufferError,
            AttributeError,
        ):
            return
        raise AssertionError("this should fail")

    return call


def assigned(key, value):
    def call():
        x = mx.array(A)
        x[key] = value
        x.tolist()

    return call


def in_place():
    x = mx.array(A)
    x += 1
    x *= x
    x @= A
    x.tolist()


def written(save, **options):
    def call():
        f = io.BytesIO()
        save(f)
        f.seek(0)
        mx.load(f, **options)

    return call


CALLS = {
    "scalar": lambda: mx.array(1.5),
    "list": lambda: mx.array([[1, 2], [3, 4]], mx.float16),
    "list of arrays": lambda: mx.array([A, A]).tolist(),
    "numpy": lambda: mx.array(X),
    "numpy strided": lambda: mx.array(X[::-1, ::2]),
    "numpy float64": lambda: mx.array(X.astype(float)),
    "numpy complex128": lambda: mx.array(X.astype(complex)),
    "__mlx_array__": lambda: mx.array(Producer()),
    "ragged": refused(lambda: mx.array([[1, 2], [3]])),
    "wrong leaf": refused(lambda: mx.array([[1, 2], ["a", 3]])),
    "wrong leaf of arrays": refused(lambda: mx.array([A, mx.array([1])])),
    "too large": refused(lambda: mx.array([2**70])),
    "operators": lambda: ((A + A) * 2 - 1.5 / A).tolist(),
    "operators with numpy": lambda: (A + X).tolist(),
    "refused operands": refused(lambda: A + "a"),
    "refused shapes": refused(lambda: A + mx.array([1, 2, 3])),
    "comparison": lambda: (A == 1, A != "a", A < A, 1 in A),
    "in place": in_place,
    "divmod": lambda: divmod(A, 2),
    "properties": lambda: (A.shape, A.dtype, A.T, A.real, A.imag, A.nbytes),
    "item": lambda: (A[0, 0].item(), int(A[0, 0]), float(A[0, 0]), complex(A[0, 0])),
    "refused item": refused(lambda: A.item()),
    "tolist": lambda: A.tolist(),
    "iteration": lambda: [row for row in A],
    "repr": lambda: repr(A),
    "format": lambda: f"{A[0, 0]:.2f}",
    "print options": lambda: (
        mx.get_printoptions(),
        mx.printoptions(precision=2).__enter__().__exit__(None),
    ),
    "copies": lambda: (copy.copy(A), copy.deepcopy(A), pickle.loads(pickle.dumps(A))),
    "wrong pickle": refused(lambda: mx.array(1).__setstate__((b"a", 7, (3,)))),
    "views": lambda: (A[0], A[1:, ::-1], A[..., None], A[None, 2:3, 4]),
    "gather": lambda: A[I, :, None].tolist(),
    "gathers": lambda: A[I, I[:, None]].tolist(),
    "mask": lambda: A[M].tolist(),
    "refused index": refused(lambda: A[I, I, I]),
    "refused indices": refused(lambda: A[I, mx.array([1, 2])]),
    "index out of range": refused(lambda: A[I, 99]),
    "set slice": assigned((slice(1, 3), 0), 1.0),
    "set arrays": assigned((I, slice(1, 5)), mx.array([1.0, 2, 3, 4])),
    "set mask": assigned(M, 5),
    "set mask rows": assigned(M, mx.array(X[:4])),
    "set refused": refused(lambda: assigned(I, mx.array([1.0, 2]))()),
    "at": lambda: (A.at[I].add(1), A.at[0].multiply(2), A.at[I, 1:3].maximum(0), A.at[I].divide(2)),
    "at refused": refused(lambda: A.at[I].add("a")),
    "memoryview": lambda: memoryview(A).tobytes(),
    "to numpy": lambda: (np.array(A), np.asarray(A.T), A.__array__(np.float64)),
    "dlpack": lambda: (
        np.from_dlpack(A),
        A.__dlpack__(),
        A.__dlpack__(max_version=(1, 0), copy=True),
    ),
    "from dlpack": lambda: (
        mx.from_dlpack(X),
        mx.from_dlpack(X[::2].T),
        mx.from_dlpack(X, copy=True),
    ),
    "asarray": lambda: (mx.asarray(X), mx.asarray(X, copy=False), mx.asarray([1, 2])),
    "dtypes": lambda: (
        mx.finfo(mx.float16),
        mx.iinfo(mx.int8),
        mx.issubdtype(mx.int8, mx.integer),
        repr(mx.int8),
        mx.isdtype(mx.int8, ("bool", "integral")),
        mx.result_type(A, mx.float16),
    ),
    "shapes": lambda: mx.broadcast_shapes((1, 2), (3, 1)),
    "devices": lambda: (
        mx.default_device(),
        mx.Device(mx.cpu),
        repr(mx.Device(mx.cpu)),
        mx.device_info(),
    ),
    "streams": lambda: (
        mx.default_stream(mx.cpu),
        mx.default_stream(mx.cpu).device,
        mx.stream(mx.cpu),
    ),
    "npy": written(lambda f: mx.save(f, A), format="npy"),
    "npz": written(lambda f: mx.savez(f, A, b=A), format="npz"),
    "safetensors": written(
        lambda f: mx.save_safetensors(f, {"a": A}, {"k": "v"}),
        format="safetensors",
        return_metadata=True,
    ),
    "wrong file": refused(lambda: mx.load(io.BytesIO(b"xxx"), format="npy")),
    "wrong type of file": refused(lambda: mx.load(3)),
}


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="/proc is not there")
@pytest.mark.parametrize("name", CALLS)
def test_flat(name):
    """A leak of 100 bytes a call would show."""
    call = CALLS[name]
    for _ in range(300):
        call()
    for _ in range(3):  # what the allocators still spread out over settles
        before = resident()
        for _ in range(3000):
            call()
        if resident() - before < 250_000:
            return
    raise AssertionError(f"{(resident() - before) / 3000:.0f} bytes a call")


def test_active_memory_is_flat():
    def run():
        for name in CALLS:
            CALLS[name]()
        return mx.get_active_memory()

    run()
    assert run() == run()
