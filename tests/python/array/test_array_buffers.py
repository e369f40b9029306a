"""Memory shared with others: the buffer protocol and DLPack, both ways, and who keeps what
alive."""

import ctypes
import datetime
import gc
import subprocess
import sys
import threading
import weakref

import mlx.core as mx
import numpy as np
import pytest

FORMATS = {
    "bool_": "?",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "float16": "e",
    "float32": "f",
    "float64": "d",
    "complex64": "Zf",
    "bfloat16": "bfloat16",
}


def address(x):
    return np.asarray(x).__array_interface__["data"][0]


# --- out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name):
    view = memoryview(mx.array([1, 0], getattr(mx, name)))
    assert (view.format, view.shape, view.ndim, view.readonly) == (FORMATS[name], (2,), 1, False)
    assert view.itemsize == getattr(mx, name).size and view.strides == (view.itemsize,)


def test_numpy_sees_the_same_memory():
    a = mx.array(np.arange(12, dtype=np.float32).reshape(3, 4))
    assert address(a) == address(a)
    assert address(a.T) == address(a) and np.asarray(a.T).strides == (4, 16)
    assert address(a[1:, ::2]) == address(a) + 16
    np.asarray(a)[0, 0] = 42
    assert a[0, 0].item() == 42
    assert np.array(a, copy=True).__array_interface__["data"][0] != address(a)


def test_bytes_need_rows_in_order():
    a = mx.array([[1, 2], [3, 4]], mx.uint8)
    assert bytes(a) == b"\1\2\3\4" and bytes(a.T) == b"\1\3\2\4"
    assert memoryview(a.T).tolist() == [[1, 3], [2, 4]]


def test_numpy_function():
    a = mx.array([1, 2, 3])
    assert a.__array__().dtype == np.int32 and a.__array__(np.float64).dtype == np.float64
    assert np.asarray(a, dtype=np.float64).tolist() == [1, 2, 3]
    assert np.sqrt(a)[0] == 1 and np.add(a, 1).tolist() == [2, 3, 4]
    with pytest.raises(TypeError, match="bfloat16 arrays cannot be converted to NumPy."):
        mx.array(1, mx.bfloat16).__array__()


def test_numbers_in_operators_cannot_be_written_to():
    """A derivative may be the very constant that an operator was given."""
    x = mx.array(1.0)
    for f in (mx.grad(lambda x: x * 2.0), mx.compile(lambda x: x * 2.0), lambda x: x + 2.0):
        np.asarray(f(x))[...] = 77
        np.frombuffer(memoryview(f(x)), np.float32)[...] = 77
        assert (mx.array(3.0) * 2.0).item() == 6 and (mx.array(0.0) + 2.0).item() == 2


def test_exports_outlive_the_array_and_its_changes():
    a = mx.array([1.0, 2.0])
    view, other = np.asarray(a), np.from_dlpack(a)
    a += 1
    assert view.tolist() == other.tolist() == [1, 2]
    del a
    gc.collect()
    assert view.tolist() == other.tolist() == [1, 2]


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("bfloat16",)])
def test_dlpack_out(name):
    a = mx.array([[0, 1], [1, 0]], getattr(mx, name))
    b = np.from_dlpack(a)
    assert b.tolist() == a.tolist() and address(b) == address(a) and not b.flags.writeable
    assert np.from_dlpack(a.T).tolist() == a.T.tolist()
    copy = np.from_dlpack(a, copy=True)
    assert copy.tolist() == a.tolist() and address(copy) != address(a)


MADE = {
    "zeros": lambda: mx.zeros((2, 3)),
    "ones": lambda: mx.ones((2, 3), mx.int16),
    "full": lambda: mx.full((2, 3), mx.array([1.0, 2.0, 3.0])),
    "zeros_like": lambda: mx.zeros_like(mx.broadcast_to(mx.array(1.0), (2, 3))),
    "ones_like": lambda: mx.ones_like(mx.array([[1, 2]])),
    "full_like": lambda: mx.full_like(mx.zeros((2, 3)), 7),
    "eye": lambda: mx.eye(3),
    "tile": lambda: mx.tile(mx.ones((1, 3)), (4, 1)),
    "repeat": lambda: mx.repeat(mx.ones((1, 3)), 4, axis=0),
    "transposed": lambda: mx.zeros((2, 3)).T,
    "array": lambda: mx.array(mx.broadcast_to(mx.array(1.0), (2, 3))),
    "gradient": lambda: mx.grad(lambda x: x.sum())(mx.zeros((2, 3))),
    "compiled": lambda: mx.compile(lambda: mx.zeros((2, 3)))(),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_can_be_written_element_by_element(name):
    a, other = MADE[name](), MADE[name]()
    before = np.array(a)
    view = np.asarray(a)
    view[0, 0] = 5
    before[0, 0] = 5
    assert a.tolist() == before.tolist()
    assert np.array(other).tolist() == np.array(MADE[name]()).tolist()
    assert bytes(a) == before.tobytes()


def test_an_array_of_an_array_is_a_copy():
    a = mx.array([1.0, 2.0, 3.0])
    b, c = mx.array(a), mx.full((3,), a)
    np.asarray(b)[0] = np.asarray(c)[1] = 9
    assert (a.tolist(), b.tolist(), c.tolist()) == ([1, 2, 3], [9, 2, 3], [1, 9, 3])


def test_results_of_a_compiled_function_are_its_callers():
    f = mx.compile(lambda x: (x + 1, mx.ones(3), mx.ones(3)))
    _, one, other = f(mx.array(1.0))
    np.asarray(one)[0] = 7
    assert other.tolist() == [1, 1, 1] and f(mx.array(1.0))[1].tolist() == [1, 1, 1]


def test_broadcasts_are_shown_as_they_are_and_not_written_to():
    a = mx.broadcast_to(mx.array([1.0, 2.0]), (3, 2))
    view = np.asarray(a)
    assert view.strides == (0, 4) and not view.flags.writeable and memoryview(a).nbytes == 24
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 5
    assert bytes(a) == np.array([[1, 2]] * 3, np.float32).tobytes()


class Buffer(ctypes.Structure):
    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("rest", ctypes.c_char * 200)]


def shown_and_given_back(a, flags):
    """What torch.frombuffer keeps: the address, and the object that the view names."""
    buffer, api = Buffer(), ctypes.pythonapi
    assert api.PyObject_GetBuffer(ctypes.py_object(a), ctypes.byref(buffer), flags) == 0
    kept = buffer.buf, buffer.obj
    api.PyBuffer_Release(ctypes.byref(buffer))
    return kept


@pytest.mark.parametrize("flags", [0, 1, 8], ids=["simple", "writable", "nd"])
@pytest.mark.parametrize("spread", [False, True])
def test_a_user_may_keep_the_views_object_and_not_the_buffer(flags, spread):
    """Each view's memory stays, whatever becomes of the array and of views after it."""
    a = mx.broadcast_to(mx.array(3.0), (1000,)) if spread else mx.full((1000,), 3.0)
    views = []
    for _ in range(3):
        views.append(shown_and_given_back(a, flags))
        a += 1
    del a
    gc.collect()
    other = [mx.full((1000,), 9.0) for _ in range(50)]
    mx.eval(other)
    for i, (address, _) in enumerate(views):
        assert list((ctypes.c_float * 1000).from_address(address)) == [3.0 + i] * 1000


def test_the_memory_goes_with_the_views_object():
    a = mx.ones((1 << 20,))
    mx.eval(a)
    live = mx.get_active_memory()
    address, owner = shown_and_given_back(a, 0)
    a += 1
    mx.eval(a)
    small = 4096  # what else may have come and gone
    assert 0 <= mx.get_active_memory() - live - a.nbytes < small and address
    del owner
    assert mx.get_active_memory() - live < small


def test_torch_writes_and_keeps_what_it_is_given():
    torch = pytest.importorskip("torch")
    a = torch.from_dlpack(mx.ones((2, 3)))
    a[0, 0] = 7
    assert a.tolist() == [[7, 1, 1], [1, 1, 1]]
    b = torch.frombuffer(mx.ones(4), dtype=torch.float32)
    other = [mx.full((4,), 3.0) for _ in range(50)]
    mx.eval(other)
    assert b.tolist() == [1, 1, 1, 1]
    a, views = mx.ones(4), []
    for _ in range(3):
        views.append(torch.frombuffer(a, dtype=torch.float32))
        a += 1
    mx.eval([mx.full((4,), 9.0) for _ in range(50)])
    assert [v.tolist() for v in views] == [[1.0 + i] * 4 for i in range(3)]


def test_capsules():
    a = mx.array([1])
    assert a.__dlpack_device__() == (1, 0)
    assert '"dltensor"' in repr(a.__dlpack__())
    assert '"dltensor"' in repr(a.__dlpack__(max_version=(0, 8)))
    assert '"dltensor_versioned"' in repr(
        a.__dlpack__(stream=None, max_version=(1, 0), dl_device=(1, 0))
    )
    with pytest.raises(BufferError):
        a.__dlpack__(dl_device=(2, 0))
    with pytest.raises(TypeError):
        a.__dlpack__(max_version=1)


# --- in -------------------------------------------------------------------------------------------


class Old:
    """A producer from before versions."""

    def __init__(self, x):
        self.x = x

    def __dlpack__(self, stream=None):
        return self.x.__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)


class Used(Old):
    def __dlpack__(self, **kwargs):
        capsule = self.x.__dlpack__()
        np.from_dlpack(
            type(
                "",
                (),
                {"__dlpack__": lambda s, **k: capsule, "__dlpack_device__": lambda s: (1, 0)},
            )()
        )
        return capsule


@pytest.mark.parametrize("wrap", [lambda x: x, Old])
def test_dlpack_in_shares(wrap):
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    for view in (x, x.T, x[1:, ::2], x[:0], x[0, 0, ...]):
        a = mx.from_dlpack(wrap(view), copy=False)
        assert a.tolist() == view.tolist()
    a = mx.from_dlpack(wrap(x), copy=False)
    assert address(a) == address(x)
    x[0, 0] = 9
    assert a[0, 0].item() == 9
    backwards = mx.from_dlpack(wrap(x[::-1]))
    assert backwards.tolist() == x[::-1].tolist()


@pytest.mark.parametrize("wrap", [lambda x: x, Old])
def test_dlpack_in_copies_unless_told(wrap):
    x = np.arange(4, dtype=np.float32)
    a = mx.from_dlpack(wrap(x))
    x[0] = 9
    assert a.tolist() == [0, 1, 2, 3]


def test_copy_flags():
    x = np.arange(3, dtype=np.float32)
    for convert in (mx.from_dlpack, mx.asarray):
        assert address(convert(x, copy=True)) != address(x)
        assert address(convert(x, copy=False)) == address(x)
        with pytest.raises(ValueError, match="Unable to avoid copy"):
            convert(x[::-1], copy=False)
        with pytest.raises(ValueError, match="Unable to avoid copy"):
            convert(x.astype(np.complex128), copy=False)
    with pytest.raises(ValueError, match="Unable to avoid copy"):
        mx.asarray([1, 2], copy=False)
    with pytest.raises(ValueError, match="Unable to avoid copy"):
        mx.asarray(x, mx.float16, copy=False)
    with pytest.raises(ValueError, match="Unable to avoid copy"):
        mx.from_dlpack(x.astype(np.float64), copy=False)
    assert mx.asarray(x, mx.float16).dtype is mx.float16
    assert mx.from_dlpack(x.astype(np.float64)).dtype is mx.float32
    assert address(mx.asarray(x)) != address(x)


def test_between_arrays_of_mlx():
    a = mx.array([1.0, 2.0], mx.bfloat16)
    b = mx.from_dlpack(Old(a))
    assert b.dtype is mx.bfloat16 and b.tolist() == [1, 2]
    assert mx.asarray(a).tolist() == [1, 2] and mx.from_dlpack(a).tolist() == [1, 2]
    with pytest.raises(ValueError, match="Unable to avoid copy"):
        mx.asarray(a, copy=False)


def test_wrong_producers():
    for wrong in (3, [1], "a", None):
        with pytest.raises(TypeError):
            mx.from_dlpack(wrong)
    with pytest.raises(ValueError, match="no capsule"):
        mx.from_dlpack(Used(np.arange(3)))

    class Bad:
        def __dlpack__(self, **kwargs):
            return 7

        def __dlpack_device__(self):
            return (1, 0)

    with pytest.raises(ValueError, match="no capsule"):
        mx.from_dlpack(Bad())


@pytest.mark.parametrize("versions", [{}, {"max_version": (1, 0)}])
@pytest.mark.parametrize("convert", [mx.from_dlpack, mx.array, mx.asarray])
def test_a_capsule_itself_is_taken_once(convert, versions):
    for x in (np.arange(6, dtype=np.int16).reshape(2, 3).T, mx.arange(3), np.ones(2)):
        capsule = x.__dlpack__(**versions)
        a = convert(capsule)
        assert a.tolist() == x.tolist() and a.dtype != mx.float64 and "used_" in repr(capsule)
        with pytest.raises(ValueError, match="used"):
            convert(capsule)


def test_a_capsule_is_shared_or_refused():
    x = np.zeros(4, np.float32)
    shared = mx.from_dlpack(x.__dlpack__(), copy=False), mx.asarray(x.__dlpack__(), copy=False)
    x[1] = 5
    assert [a.tolist() for a in shared] == [[0, 5, 0, 0]] * 2
    with pytest.raises(ValueError, match="avoid copy"):
        mx.from_dlpack(x[::-1].__dlpack__(), copy=False)
    for other in (datetime.datetime_CAPI, Later(x).__dlpack__()):
        with pytest.raises(ValueError, match="no capsule|version 2"):
            mx.from_dlpack(other)


class Later(Old):
    """A producer of a version that is not there yet."""

    def __dlpack__(self, **kwargs):
        capsule = self.x.__dlpack__(max_version=(1, 0))
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        ctypes.c_uint32.from_address(pointer(capsule, b"dltensor_versioned")).value = 2
        return capsule


# --- lives ----------------------------------------------------------------------------------------


class Owner(np.ndarray):
    """A NumPy array that can be watched."""


def lent():
    x = np.arange(1000, dtype=np.float32).view(Owner)
    return mx.from_dlpack(x, copy=False), weakref.ref(x)


def test_the_owner_lives_as_long_as_the_array():
    a, owner = lent()
    gc.collect()
    assert owner() is not None and a.sum().item() == 499500
    b = a[1:]
    del a
    assert owner() is not None
    del b
    gc.collect()
    assert owner() is None


def test_release_on_another_thread():
    """The last reference may go on a thread of the library or of the program."""
    for _ in range(20):
        a, owner = lent()
        box = [a + 1]
        del a
        thread = threading.Thread(
            target=lambda: (
                mx.eval(box[0]) if hasattr(mx, "eval") else box[0].tolist(),
                box.clear(),
            )
        )
        thread.start()
        thread.join()
        for _ in range(1000):
            if owner() is None:
                break
        assert owner() is None


@pytest.mark.parametrize(
    "body",
    [
        "a = mx.from_dlpack(np.arange(10.0, dtype=np.float32), copy=False); b = a * 2",
        "sys.a = mx.from_dlpack(np.arange(10.0, dtype=np.float32), copy=False)[1:]",
        "sys.v = memoryview(mx.array([1, 2])); sys.n = np.asarray(mx.array([1, 2]))",
        "c = mx.array([1]).__dlpack__(); sys.c = c",
        "t = threading.Thread(target=lambda: mx.array(np.ones(10)).tolist(), daemon=True); t.start()",
    ],
)
def test_the_interpreter_ends_well(body):
    script = f"import sys, threading, numpy as np, mlx.core as mx\n{body}"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_threads_share_arrays():
    """One thread changes what others read."""
    x, errors = mx.array(np.zeros(1000, np.float32)), []

    def read():
        try:
            for _ in range(300):
                values = set(x.tolist())
                assert len(values) == 1
                x[3].item(), np.asarray(x), repr(x), (x + 1).sum().item()
        except Exception as error:
            errors.append(error)

    def write():
        nonlocal x
        for _ in range(300):
            x += 1
            x[:] = x

    threads = [threading.Thread(target=f) for f in (read, read, write)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors and x[0].item() == 300


def test_numpy_is_not_imported():
    script = "import sys, mlx.core as mx; mx.array([1]) + 1; repr(mx.array([1])); assert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_buffer_size():
    """Bytes of buffers, each once; what is not an array is passed over."""
    a, b = mx.arange(1000) + 1, mx.arange(10) + 1
    mx.eval(a, b)
    view = a[10:20]
    mx.eval(view)
    one, other = mx.get_array_buffer_size(a), mx.get_array_buffer_size(b)
    assert one >= 4000 and other >= 40
    assert mx.get_array_buffer_size(a, [view, {"b": b}], a, None, "text", 3) == one + other
    assert mx.get_array_buffer_size() == 0
    with pytest.raises(ValueError, match="evaluated"):
        mx.get_array_buffer_size(a + 1)


def test_memory_limit():
    former = mx.set_memory_limit(1 << 40)
    try:
        assert mx.get_memory_limit() == 1 << 40 and former > 0
    finally:
        assert mx.set_memory_limit(former) == 1 << 40
    assert mx.get_memory_limit() == former
