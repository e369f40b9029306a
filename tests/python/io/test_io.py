"""Files of arrays: npy, npz, safetensors, GGUF, by path and by file object."""

import io
import os
import pathlib
import time

import mlx.core as mx
import numpy as np
import pytest

DTYPES = [
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
A = mx.array([1.0, 2.0, 3.0])
B = mx.array([[1, 2]], mx.bfloat16)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def same(ours, theirs):
    assert (
        ours.dtype is theirs.dtype
        and ours.shape == theirs.shape
        and ours.tolist() == theirs.tolist()
    )


def all_same(ours, theirs):
    assert set(ours) == set(theirs)
    for name in theirs:
        same(ours[name], theirs[name])


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("value", [1, [[0, 1, 1], [1, 0, 0]], []])
def test_npy_of_every_dtype(name, value):
    a = mx.array(value, getattr(mx, name))
    for b in (a, a.T):
        mx.save("a", b)
        same(mx.load("a.npy"), b)
        if name != "bfloat16":
            assert np.load("a.npy").tolist() == b.tolist()


@pytest.mark.parametrize("name", [name for name in DTYPES if name != "bfloat16"])
def test_npy_of_numpy(name):
    x = np.arange(6).reshape(2, 3).astype(name.rstrip("_"))
    for y in (x, np.asfortranarray(x), x[0, 0], x[:0]):
        np.save("a.npy", y)
        a = mx.load("a.npy")
        assert a.dtype is getattr(mx, name) and a.tolist() == y.tolist()


def test_paths():
    for path in ("x", "x.npy", pathlib.Path("x"), b"x.npy"):
        mx.save(path, A)
        assert os.listdir() == ["x.npy"]
        same(mx.load("x.npy"), A)
        os.remove("x.npy")
    mx.save("x.npy", A)
    same(mx.load(pathlib.Path("x.npy")), A)
    same(mx.load("x.npy", "npy"), A)
    same(mx.load("x.npy", stream=mx.cpu), A)
    os.rename("x.npy", "y")
    same(mx.load("y", format="npy"), A)
    mx.save("käse ☃", A)
    same(mx.load("käse ☃.npy"), A)


def test_a_name_in_npz_may_be_empty(tmp_path):
    path = str(tmp_path / "a.npz")
    for save in (np.savez, mx.savez, mx.savez_compressed):
        save(path, **{"": mx.arange(3), ".npy": mx.ones(2)})
        found = mx.load(path)
        assert {name: a.tolist() for name, a in found.items()} == {"": [0, 1, 2], ".npy": [1, 1]}
        assert sorted(np.load(path)) == ["", ".npy"]


@pytest.mark.parametrize("name", ["a\x01", "\x7f", "a/b", "a b", "café", "日本"])
def test_names_of_arrays_in_npz(name):
    """Whatever libzip's version, as NumPy takes them."""
    mx.savez("names.npz", **{name: mx.arange(3)})
    for read in (mx.load("names.npz"), np.load("names.npz")):
        assert list(read) == [name] and read[name].tolist() == [0, 1, 2]


@pytest.mark.parametrize("save", [mx.savez, mx.savez_compressed])
def test_npz(save):
    save("s", A, B, k=A)
    all_same(mx.load("s.npz"), {"k": A, "arr_0": A, "arr_1": B})
    assert np.load("s.npz")["k"].tolist() == A.tolist()
    save("e")
    assert mx.load("e.npz") == {}
    save("n", np.arange(3), [1.5])
    assert mx.load("n.npz")["arr_1"].tolist() == [1.5]
    with pytest.raises(ValueError, match="Cannot use un-named variables and keyword arr_0"):
        save("s", A, arr_0=A)
    np.savez("numpy.npz", a=np.arange(3))
    assert mx.load("numpy.npz")["a"].tolist() == [0, 1, 2]
    np.savez_compressed("numpy.npz", a=np.arange(3))
    assert mx.load("numpy.npz")["a"].tolist() == [0, 1, 2]


def test_compressed_is_smaller():
    zeros = mx.array(np.zeros((200, 200), np.float32))
    mx.savez("plain", zeros)
    mx.savez_compressed("small", zeros)
    assert os.path.getsize("small.npz") < os.path.getsize("plain.npz") / 20


def test_safetensors():
    arrays = {name: mx.array([[0, 1]], getattr(mx, name)) for name in DTYPES if name != "complex64"}
    mx.save_safetensors("st", arrays)
    all_same(mx.load("st.safetensors"), arrays)
    mx.save_safetensors("st", {"a": A}, metadata={"k": "v", "ü": "☃"})
    loaded, metadata = mx.load("st.safetensors", return_metadata=True)
    all_same(loaded, {"a": A})
    assert metadata == {"k": "v", "ü": "☃"}
    mx.save_safetensors("empty", {})
    assert mx.load("empty.safetensors") == {}
    assert mx.load("empty.safetensors", return_metadata=True) == ({}, {})


def test_gguf():
    metadata = {
        "general.name": "foo",
        "n": mx.array(3),
        "list": mx.array([1, 2]),
        "l": ["a", "b"],
        "x": 1.5,
    }
    mx.save_gguf("g", {"a": A}, metadata)
    arrays, read = mx.load("g.gguf", return_metadata=True)
    all_same(arrays, {"a": A})
    assert read["general.name"] == "foo" and read["l"] == ["a", "b"]
    assert read["n"].item() == 3 and read["list"].tolist() == [1, 2] and read["x"].item() == 1.5
    mx.save_gguf("g", {"a": A})
    all_same(mx.load("g.gguf"), {"a": A})


# --- file objects ---------------------------------------------------------------------------------

SAVES = {
    "npy": lambda f: mx.save(f, A),
    "npz": lambda f: mx.savez(f, A, k=B),
    "safetensors": lambda f: mx.save_safetensors(f, {"arr_0": A, "k": B}, {"m": "v"}),
}


def loaded_same(ours, form):
    same(ours, A) if form == "npy" else all_same(ours, {"arr_0": A, "k": B})


@pytest.mark.parametrize("form", SAVES)
def test_memory(form):
    f = io.BytesIO()
    SAVES[form](f)
    f.seek(0)
    loaded = mx.load(f, format=form)
    f.close()
    loaded_same(loaded, form)


@pytest.mark.parametrize("form", SAVES)
def test_open_files(form):
    with open(f"x.{form}", "wb") as f:
        SAVES[form](f)
    with open(f"x.{form}", "rb") as f:
        by_name = mx.load(f)
    with open(f"x.{form}", "rb", buffering=0) as f:
        given = mx.load(f, form)
    os.remove(f"x.{form}")
    loaded_same(by_name, form)
    loaded_same(given, form)


def test_a_file_within_a_file():
    f = io.BytesIO()
    f.write(b"header")
    mx.save(f, A)
    f.seek(6)
    same(mx.load(f, format="npy"), A)
    with open("x", "wb") as f:
        f.write(b"header")
        mx.save(f, A)
    with open("x", "rb") as f:
        f.read(6)
        same(mx.load(f, format="npy"), A)


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16, mx.complex64])
@pytest.mark.parametrize("shape", [(), (2,)])
def test_gguf_metadata_of_types_that_files_have_no_word_for(dtype, shape):
    with pytest.raises(ValueError, match="metadata cannot be of dtype"):
        mx.save_gguf("g", {"a": A}, {"meta": mx.ones(shape, dtype)})
    with pytest.raises(ValueError, match="metadata of 5 dimensions"):
        mx.save_gguf("g", {"a": A}, {"meta": mx.ones((1, 1, 1, 2, 2))})


def test_gguf_objects():
    mx.save_gguf("g", {"a": A})
    with open("g.gguf", "rb") as f:
        all_same(mx.load(f), {"a": A})
    with pytest.raises(ValueError):
        mx.save_gguf(io.BytesIO(), {"a": A})


class Broken(io.BytesIO):
    def write(self, data):
        raise OSError(28, "no space")

    def read(self, n=-1):
        raise KeyError("broken")


@pytest.mark.parametrize("form", SAVES)
def test_errors_of_file_objects_come_through(form):
    with pytest.raises(OSError, match="no space"):
        SAVES[form](Broken())
    with pytest.raises(KeyError):
        mx.load(Broken(), format=form)


def test_text_files_are_refused():
    with pytest.raises(ValueError):
        mx.load(io.StringIO("abc"), format="npy")
    with pytest.raises(TypeError):
        mx.save(io.StringIO(), A)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: mx.load("x"), ValueError),
        (lambda: mx.load("x.foo"), ValueError),
        (lambda: mx.load(3), ValueError),
        (lambda: mx.load("some.folder/x"), ValueError),
        (lambda: mx.load(None), TypeError),
        (lambda: mx.load("x.npy", format="foo"), ValueError),
        (lambda: mx.load("nothere.npy"), RuntimeError),
        (lambda: mx.load("nothere.npz"), RuntimeError),
        (lambda: mx.load("nothere.safetensors"), RuntimeError),
        (lambda: mx.load("nothere.gguf"), RuntimeError),
        (lambda: mx.load(".npy"), RuntimeError),
        (lambda: mx.save("x", 3), TypeError),
        (lambda: mx.save("x", np.ones(3)), TypeError),
        (lambda: mx.save(3, A), ValueError),
        (lambda: mx.save("/nonexistent/x", A), RuntimeError),
        (lambda: mx.savez(), TypeError),
        (lambda: mx.savez("x", "a"), ValueError),
        (lambda: mx.save_safetensors("x", [A]), TypeError),
        (lambda: mx.save_safetensors("x", {"a": 3}), TypeError),
        (lambda: mx.save_safetensors("x", {3: A}), TypeError),
        (lambda: mx.save_safetensors("x", {"a": A}, {"k": 3}), ValueError),
        (lambda: mx.save_gguf("x", {"a": 3}), TypeError),
        (lambda: mx.save_gguf("x", {"a": A}, {3: "a"}), TypeError),
        (lambda: mx.save_gguf("x", {"a": A}, {"l": ["a", 3]}), ValueError),
        (lambda: mx.load("a\0b.npy"), ValueError),
    ],
)
def test_refused(call, error):
    with pytest.raises(error):
        call()
    assert os.listdir() == []


@pytest.mark.parametrize("form", ["npy", "npz", "safetensors", "gguf"])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"xxx",
        b"\x93NUMPY" + bytes(20),
        b"PK\3\4" + bytes(50),
        b"GGUF" + bytes(30),
        b"\x10\0\0\0\0\0\0\0{}",
    ],
)
def test_bad_files(form, data):
    pathlib.Path(f"x.{form}").write_bytes(data)
    with pytest.raises(RuntimeError):
        mx.load(f"x.{form}")
    with pytest.raises(RuntimeError):
        mx.load(io.BytesIO(data), format=form)


def test_metadata_of_formats_without():
    mx.save("x", A)
    mx.savez("x", A)
    for form in ("npy", "npz"):
        with pytest.raises(ValueError, match=f"metadata not supported for format {form}"):
            mx.load(f"x.{form}", return_metadata=True)


# --- lazily ---------------------------------------------------------------------------------------


def test_files_are_mapped():
    """A large file costs nothing until it is used, and what is written to an array stays in
    memory."""
    x = np.lib.format.open_memmap("big.npy", mode="w+", dtype=np.float32, shape=(64 << 20,))
    x[-1] = 7
    del x
    before = mx.get_active_memory()
    a = mx.load("big.npy")
    assert mx.get_active_memory() - before < 1 << 20
    os.remove("big.npy")
    assert a[-1].item() == 7
    np.asarray(a)[0] = 5
    assert a[0].item() == 5


def test_writing_to_a_loaded_array_leaves_the_file():
    mx.save("x", A)
    a = mx.load("x.npy")
    np.asarray(a)[0] = 5
    assert a.tolist() == [5, 2, 3]
    same(mx.load("x.npy"), A)
    mx.save("x", a)
    assert mx.load("x.npy").tolist() == [5, 2, 3]


def test_files_of_the_kernel_are_refused_with_the_reason():
    for form in ("npy", "safetensors", "gguf"):
        with pytest.raises(RuntimeError, match="the system says that it is empty"):
            mx.load("/proc/cpuinfo", format=form)
    # one page by what stat says, one line in truth
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    if os.path.exists(path) and os.path.getsize(path) > len(pathlib.Path(path).read_bytes()):
        with pytest.raises(
            RuntimeError, match="it has less than the .* bytes that the system says"
        ):
            mx.load(path, format="npy")


def rewritten(path, data):
    """The same file with other contents and the time that it had."""
    times = os.stat(path)
    with open(path, "r+b") as f:
        f.write(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_rewritten_file_is_noticed_though_its_time_was_put_back():
    a = mx.arange(100_000)
    mx.save("a", a)
    mx.save("b", a + 1)
    late = mx.load("a.npy")
    time.sleep(0.05)  # beyond the grain of file times
    rewritten("a.npy", pathlib.Path("b.npy").read_bytes())
    with pytest.raises(RuntimeError, match="written to after it was opened"):
        mx.eval(late)
    assert (mx.load("a.npy") == a + 1).all().item()


def replace(path):
    mx.save("other.npy", mx.zeros(100_000))
    os.replace("other.npy", path)


@pytest.mark.parametrize(
    "change",
    [
        os.unlink,
        lambda p: os.rename(p, "c.npy"),
        lambda p: os.chmod(p, 0o600),
        replace,
        lambda p: os.link(p, "d.npy"),
    ],
)
def test_other_changes_to_a_file_do_not_matter(change):
    a = mx.arange(100_000)
    mx.save("a", a)
    late = mx.load("a.npy")
    time.sleep(0.05)
    change("a.npy")
    assert (late == a).all().item()
