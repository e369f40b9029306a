"""Dtypes, their categories and limits; devices and streams."""

import copy
import enum
import pickle
import threading

import mlx.core as mx
import numpy as np
import pytest

NAMES = [
    "bool_",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "complex64",
]


def test_dtypes():
    for i, name in enumerate(NAMES):
        d = getattr(mx, name)
        assert (
            repr(d) == str(d) == f"mlx.core.{name.rstrip('_')}"
            and hash(d) == i
            and type(d) is mx.Dtype
        )
        assert mx.array(0, d).dtype is d and d.size == mx.array(0, d).itemsize
        assert pickle.loads(pickle.dumps(d)) is d and copy.deepcopy(d) is d
        assert d.__module__ == mx.Dtype.__module__ == "mlx.core"
    assert mx.float32 == mx.float32 and mx.float32 != mx.int32 and mx.float32 != "float32"
    assert mx.bool_.size == 1 and mx.complex64.size == 8
    with pytest.raises(TypeError):
        mx.Dtype()


def test_categories():
    assert (
        issubclass(mx.DtypeCategory, enum.Enum)
        and str(mx.floating) == repr(mx.floating) == "DtypeCategory.floating"
    )
    assert [c.name for c in mx.DtypeCategory] == [
        "complexfloating",
        "floating",
        "inexact",
        "signedinteger",
        "unsignedinteger",
        "integer",
        "number",
        "generic",
    ]
    assert mx.DtypeCategory.number is mx.number and mx.generic.value == 7


@pytest.mark.parametrize(
    "a, b, expected",
    [
        ("float32", "floating", True),
        ("floating", "inexact", True),
        ("floating", "float32", False),
        ("float32", "float32", True),
        ("float32", "float16", False),
        ("bool_", "number", False),
        ("bool_", "generic", True),
        ("bool_", "integer", False),
        ("generic", "bool_", False),
        ("uint8", "unsignedinteger", True),
        ("int8", "unsignedinteger", False),
        ("complex64", "inexact", True),
        ("complexfloating", "complex64", False),
        ("number", "generic", True),
        ("generic", "number", False),
        ("integer", "signedinteger", False),
        ("signedinteger", "integer", True),
        ("bfloat16", "floating", True),
    ],
)
def test_issubdtype(a, b, expected):
    assert mx.issubdtype(getattr(mx, a), getattr(mx, b)) is expected


def test_isdtype():
    kinds = (
        "bool",
        "signed integer",
        "unsigned integer",
        "integral",
        "real floating",
        "complex floating",
        "numeric",
    )

    def of(d):
        return [kind for kind in kinds if mx.isdtype(d, kind)]

    assert of(mx.bool_) == ["bool"] and of(mx.int8) == ["signed integer", "integral", "numeric"]
    assert of(mx.uint8) == ["unsigned integer", "integral", "numeric"]
    assert of(mx.bfloat16) == ["real floating", "numeric"] and of(mx.complex64) == [
        "complex floating",
        "numeric",
    ]
    assert mx.isdtype(mx.float32, ("integral", mx.float32)) and not mx.isdtype(
        mx.float32, (mx.int8, "bool")
    )
    for wrong in ("foo", 3, mx.floating, (("bool",),)):
        with pytest.raises(ValueError):
            mx.isdtype(mx.float32, wrong)


def test_questions_about_dtypes():
    assert mx.can_cast(mx.int32, mx.float32) and mx.can_cast(mx.array(1), mx.float16)
    assert not mx.can_cast(mx.float32, mx.int32)
    assert mx.result_type(mx.int32, mx.float16) is mx.float16 and mx.result_type(mx.int8) is mx.int8
    assert mx.result_type(mx.array(1), mx.uint8, mx.float32) is mx.float32
    for call in (
        lambda: mx.result_type(),
        lambda: mx.result_type(1, 2.0),
        lambda: mx.can_cast(1, mx.int8),
        lambda: mx.issubdtype("x", mx.floating),
        lambda: mx.issubdtype(mx.int8, "x"),
    ):
        with pytest.raises(ValueError):
            call()


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_finfo(name):
    ours, theirs = mx.finfo(getattr(mx, name)), np.finfo(name)
    for field in ("min", "max", "eps", "smallest_normal", "bits"):
        assert getattr(ours, field) == float(getattr(theirs, field))
    assert ours.dtype is getattr(mx, name)


def test_more_finfo():
    b = mx.finfo(mx.bfloat16)
    assert (b.max, b.eps, b.smallest_normal, b.bits) == (
        3.3895313892515355e38,
        0.0078125,
        2.0**-126,
        16,
    )
    assert repr(mx.finfo(mx.float32)) == "finfo(min=-3.40282e+38, max=3.40282e+38, dtype=float32)"
    assert repr(mx.finfo(mx.complex64)) == repr(mx.finfo(mx.float32))
    with pytest.raises(ValueError, match="dtype int32 is not inexact."):
        mx.finfo(mx.int32)
    with pytest.raises(TypeError):
        mx.finfo(1.0)


@pytest.mark.parametrize("name", [name for name in NAMES if "int" in name])
def test_iinfo(name):
    ours, theirs = mx.iinfo(getattr(mx, name)), np.iinfo(name)
    assert (ours.min, ours.max, ours.bits) == (theirs.min, theirs.max, theirs.bits)
    assert repr(ours) == f"iinfo(min={theirs.min}, max={theirs.max}, dtype={name})"


def test_no_iinfo():
    for d in (mx.bool_, mx.float32):
        with pytest.raises(ValueError, match="Only integer types supported but"):
            mx.iinfo(d)


def test_broadcast_shapes():
    assert mx.broadcast_shapes((1, 2), (3, 1)) == (3, 2) and mx.broadcast_shapes([2], (1,)) == (2,)
    assert mx.broadcast_shapes((4,)) == (4,) and mx.broadcast_shapes((0,), (1,), (2, 1)) == (2, 0)
    with pytest.raises(ValueError, match=r"Shapes \(2\) and \(3\) cannot be broadcast."):
        mx.broadcast_shapes((2,), (3,))
    for wrong in ((), ((1,) * 65,)):
        with pytest.raises(ValueError):
            mx.broadcast_shapes(*wrong)
    for wrong in (2, ("a",)):
        with pytest.raises(TypeError):
            mx.broadcast_shapes(wrong)


# --- devices --------------------------------------------------------------------------------------


def test_devices():
    assert issubclass(mx.DeviceType, enum.Enum) and list(mx.DeviceType) == [mx.cpu, mx.gpu]
    assert repr(mx.cpu) == str(mx.cpu) == "DeviceType.cpu" and mx.gpu.value == 1
    d = mx.Device(mx.cpu)
    assert repr(d) == "Device(cpu, 0)" and d.type is mx.cpu and d.index == 0
    assert repr(mx.Device(type=mx.gpu, index=2)) == "Device(gpu, 2)"
    assert (
        d == mx.Device(mx.cpu)
        and d == mx.cpu
        and mx.cpu == d
        and d != mx.Device(mx.cpu, 1)
        and d != mx.gpu
    )
    assert hash(d) == hash(mx.Device(mx.cpu)) and mx.cpu != 0 and d != "cpu"
    assert pickle.loads(pickle.dumps(mx.cpu)) is mx.cpu
    for wrong in ("cpu", d, None):
        with pytest.raises(TypeError):
            mx.Device(wrong)


def test_default_device():
    assert (
        mx.default_device() == mx.cpu and mx.is_available(mx.cpu) and mx.device_count(mx.cpu) == 1
    )
    mx.set_default_device(mx.cpu)
    assert not mx.is_available(mx.Device(mx.cpu, 3))
    with pytest.raises(TypeError):
        mx.set_default_device("cpu")
    if not mx.is_available(mx.gpu):
        with pytest.raises(ValueError):
            mx.set_default_device(mx.gpu)
        with pytest.raises(ValueError):
            mx.default_stream(mx.gpu)
        with pytest.raises(ValueError):
            mx.new_stream(mx.gpu)
        assert mx.device_info(mx.gpu) == {}
    info = mx.device_info()
    assert info == mx.device_info(mx.cpu) == mx.device_info(mx.Device(mx.cpu))
    assert isinstance(info["architecture"], str) and isinstance(info["device_name"], str)


def test_streams():
    s, t = mx.new_stream(mx.cpu), mx.new_stream(mx.Device(mx.cpu))
    assert s.priority == 0
    s.priority = 3
    assert (s.priority, t.priority) == (3, 0)
    for wrong in 101, -101, 1 << 40:
        with pytest.raises((ValueError, OverflowError, IndexError)):
            s.priority = wrong
    with pytest.raises(TypeError):
        s.priority = "high"
    with pytest.raises(TypeError):
        del s.priority
    assert s.threads == 0
    s.threads = 2
    assert (s.threads, t.threads) == (2, 0)
    x = mx.arange(300000) * 0.5
    assert mx.array_equal(mx.sum(mx.sin(x), stream=s), mx.sum(mx.sin(x)))
    for wrong in 1025, -1, 1 << 40:
        with pytest.raises((ValueError, OverflowError, IndexError)):
            s.threads = wrong
    with pytest.raises(TypeError):
        s.threads = None
    with pytest.raises(TypeError):
        del s.threads
    assert s == s and s != t and s != 3 and hash(s) == hash(s) and s.device == mx.cpu
    assert repr(mx.default_stream(mx.cpu)) == "Stream(Device(cpu, 0), 0)"
    assert repr(mx.new_thread_local_stream(mx.cpu)).startswith("ThreadLocalStream(Device(cpu, 0), ")
    assert type(mx.new_thread_unsafe_stream(mx.cpu)) is mx.Stream
    for target in (None, mx.cpu, s, mx.new_thread_local_stream(mx.cpu), mx.Device(mx.cpu)):
        mx.synchronize(target)
    mx.synchronize(stream=s)
    mx.clear_streams()
    for call in (
        lambda: mx.Stream(),
        lambda: mx.synchronize(3),
        lambda: mx.stream("x"),
        lambda: mx.stream(None),
        lambda: mx.default_stream(None),
        lambda: mx.set_default_stream(mx.cpu),
    ):
        with pytest.raises(TypeError):
            call()


def test_stream_contexts():
    before, s = mx.default_stream(mx.cpu), mx.new_stream(mx.cpu)
    with mx.stream(s):
        assert mx.default_stream(mx.cpu) == s
        with mx.stream(mx.cpu):
            assert (mx.array([1]) + 1).tolist() == [2]
        assert mx.default_stream(mx.cpu) == s
    assert mx.default_stream(mx.cpu) == before
    with pytest.raises(KeyError):
        with mx.stream(s):
            raise KeyError
    assert mx.default_stream(mx.cpu) == before
    mx.set_default_stream(s)
    assert mx.default_stream(mx.cpu) == s
    mx.set_default_stream(before)


def test_each_thread_has_its_default_stream():
    """Contexts of two threads that end in another order than they began."""
    before, began, ended = mx.default_stream(mx.cpu), threading.Event(), threading.Event()
    own, seen = mx.new_stream(mx.cpu), []

    def work():
        seen.append(mx.default_stream(mx.cpu))
        with mx.stream(own):
            began.set()
            ended.wait()
            seen.append(mx.default_stream(mx.cpu))
        seen.append(mx.default_stream(mx.cpu))

    with mx.stream(mx.new_stream(mx.cpu)):
        thread = threading.Thread(target=work)
        thread.start()
        began.wait()
    ended.set()
    thread.join()
    assert seen[1] == own and own not in (seen[0], seen[2]) and seen[0] == seen[2]
    assert mx.default_stream(mx.cpu) == before


def test_streams_belong_to_the_process():
    s, results = mx.new_stream(mx.cpu), []

    def work():
        with mx.stream(s):
            results.append((mx.array([1.0]) * 2).item())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [2.0]
