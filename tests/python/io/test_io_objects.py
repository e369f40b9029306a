"""File objects that behave badly: writes that are cut short, reads without end, files that change,
paths of any bytes."""

import io
import os
import resource
import sys
import threading

import mlx.core as mx
import numpy as np
import pytest
from memory import peak_of

A = mx.arange(100000, dtype=mx.float32)
WRITERS = {
    "npy": (lambda f: mx.save(f, A), lambda f: {"a": mx.load(f, format="npy")}),
    "npz": (lambda f: mx.savez(f, a=A), lambda f: mx.load(f, format="npz")),
    "npz compressed": (lambda f: mx.savez_compressed(f, a=A), lambda f: mx.load(f, format="npz")),
    "safetensors": (
        lambda f: mx.save_safetensors(f, {"a": A}),
        lambda f: mx.load(f, format="safetensors"),
    ),
}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class Bytes(io.RawIOBase):
    """A raw file in memory whose write takes what `takes` says."""

    def __init__(self, takes):
        self.takes, self.data, self.at = takes, bytearray(), 0

    def writable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, to, whence=0):
        self.at = to + (0, self.at, len(self.data))[whence]
        return self.at

    def write(self, b):
        b = bytes(b)
        n = self.takes(len(b))
        part = b[: n if isinstance(n, int) else 0]
        self.data[self.at : self.at + len(part)] = part
        self.at += len(part)
        return n


@pytest.mark.parametrize("way", WRITERS)
def test_short_writes_are_continued(way):
    save, load = WRITERS[way]
    f = Bytes(lambda n: min(n, 1000))
    save(f)
    assert (load(io.BytesIO(f.data))["a"] == A).all()


@pytest.mark.parametrize("way", WRITERS)
@pytest.mark.parametrize("most", [50, 512])
def test_short_writes_are_offered_little(way, most):
    offered = []

    def takes(n):
        offered.append(n)
        return min(n, most)

    save, load = WRITERS[way]
    f = Bytes(takes)
    save(f)
    assert (load(io.BytesIO(f.data))["a"] == A).all()
    firsts = sum(n for n in offered if n > 2 * most)  # what each write of the format starts with
    assert firsts <= 2 * len(f.data) and sum(offered) - firsts <= 4 * len(f.data)


@pytest.mark.parametrize("way", WRITERS)
@pytest.mark.parametrize(
    "answer, error",
    [
        (lambda n: None, BlockingIOError),
        (lambda n: 0, OSError),
        (lambda n: -1, OSError),
        (lambda n: n + 1, OSError),
        (lambda n: "all", TypeError),
        (lambda n: 1 << 70, OverflowError),
    ],
)
def test_what_is_not_taken_is_an_exception(way, answer, error):
    with pytest.raises(error):
        WRITERS[way][0](Bytes(answer))


@pytest.mark.parametrize("way", WRITERS)
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_an_exception_of_write_is_raised(way, at):
    calls = []

    def takes(n):
        calls.append(n)
        if len(calls) == at:
            raise RuntimeError("full")
        return min(n, 100)

    with pytest.raises(RuntimeError, match="full"):
        WRITERS[way][0](Bytes(takes))
    assert len(calls) >= at


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("way", WRITERS)
def test_a_full_disk(way):
    with pytest.raises(OSError):
        with open("/dev/full", "wb", buffering=0) as f:
            WRITERS[way][0](f)
    with pytest.raises(OSError):
        with open("/dev/full", "wb") as f:
            WRITERS[way][0](f)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_by_path():
    os.symlink("/dev/full", "full.npy")
    os.symlink("/dev/full", "full.npz")
    os.symlink("/dev/full", "full.safetensors")
    os.symlink("/dev/full", "full.gguf")
    for save in (
        lambda: mx.save("full.npy", A),
        lambda: mx.savez("full.npz", A),
        lambda: mx.savez_compressed("full.npz", A),
        lambda: mx.save_safetensors("full.safetensors", {"a": A}),
        lambda: mx.save_gguf("full.gguf", {"a": A}),
    ):
        with pytest.raises(RuntimeError, match="No space left"):
            save()
    assert os.path.islink("full.npz") and not os.path.isfile("/dev/full")


def limited(bytes_, f):
    """f in a child that may write so many bytes to a file: what it prints."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
            f()
            os.write(write, b"no error")
        except Exception as e:
            os.write(write, type(e).__name__.encode() + b": " + str(e).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read, "rb") as pipe:
        return pipe.read().decode()


@pytest.mark.parametrize("buffering", [0, -1])
@pytest.mark.parametrize("way", WRITERS)
def test_a_file_that_may_not_grow(way, buffering):
    def write():
        with open("x", "wb", buffering=buffering) as f:
            WRITERS[way][0](f)

    assert "File too large" in limited(50000, write)


def test_objects_that_count_nothing():
    class Sink:
        data = b""

        def write(self, b):
            self.data += b

    f = Sink()
    mx.save(f, A)
    assert (np.load(io.BytesIO(f.data)) == np.array(A)).all()


# --- reading


class Endless(io.RawIOBase):
    """Bytes, and then zeros without end."""

    def __init__(self, data, piece=1 << 30):
        self.data, self.at, self.piece = data, 0, piece

    def readable(self):
        return True

    def read(self, n=-1):
        assert n >= 0
        n = min(n, self.piece)
        part = self.data[self.at : self.at + n]
        self.at += n
        return part + bytes(n - len(part))


def encoded(way):
    if way == "gguf":
        mx.save_gguf("x.gguf", {"a": A})
        return open("x.gguf", "rb").read()
    f = io.BytesIO()
    WRITERS[way][0](f)
    return f.getvalue()


@pytest.mark.parametrize("piece", [1 << 30, 1000])
@pytest.mark.parametrize("way", ["npy", "safetensors", "gguf"])
def test_streams_are_read_as_far_as_they_say(way, piece):
    data = encoded(way)
    f = Endless(data, piece)
    a = mx.load(f, format=way)
    assert (a if way == "npy" else a["a"]).tolist() == A.tolist()
    assert f.at <= len(data)


@pytest.mark.parametrize("way", ["npy", "npz", "safetensors", "gguf"])
def test_zeros_without_end(way):
    f = Endless(b"")
    with pytest.raises(RuntimeError):
        mx.load(f, format=way)
    assert f.at <= 1 << 24
    for buffering in (0, -1):
        with open("/dev/zero", "rb", buffering=buffering) as zero, pytest.raises(RuntimeError):
            mx.load(zero, format=way)


@pytest.mark.parametrize("way", ["npy", "npz", "safetensors", "gguf"])
def test_streams_that_end_early(way):
    data = encoded(way)
    for n in (0, 3, 9, 50, len(data) // 2, len(data) - 32 if way == "gguf" else len(data) - 1):

        class Part(io.RawIOBase):
            at = 0

            def read(self, k):
                self.at += k
                return data[:n][self.at - k : self.at]

        with pytest.raises((RuntimeError, ValueError)):
            mx.load(Part(), format=way)


def test_reads_that_give_nonsense():
    class Given:
        def __init__(self, answer):
            self.read = lambda n: answer(n)

    for answer, error in (
        (lambda n: None, BlockingIOError),
        (lambda n: "text" * n, ValueError),
        (lambda n: bytes(n + 1), ValueError),
        (lambda n: 3, ValueError),
        (lambda n: 1 / 0, ZeroDivisionError),
    ):
        for way in ("npy", "npz", "safetensors", "gguf"):
            with pytest.raises(error):
                mx.load(Given(answer), format=way)
    data = encoded("npy")
    at = [0]

    def read(n):
        at[0] += n
        return memoryview(bytearray(data))[at[0] - n : at[0]]

    assert (mx.load(Given(read), format="npy") == A).all()


def test_arrays_one_behind_the_other():
    f = io.BytesIO()
    mx.save(f, A)
    mx.save(f, A + 1)
    f.write(b"rest")
    f.seek(0)
    assert (mx.load(f, format="npy") == A).all()
    assert (mx.load(f, format="npy") == A + 1).all()
    assert f.read() == b"rest"


def test_members_unpack_no_further_than_they_say():
    """A member of 300 MB of zeros behind an array of four bytes: the memory that is taken is that
    of the array."""
    import zipfile

    head = io.BytesIO()
    np.save(head, np.zeros(1, np.float32))
    with (
        zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED) as z,
        z.open("a.npy", "w", force_zip64=True) as f,
    ):
        f.write(head.getvalue())
        for _ in range(300):
            f.write(bytes(1 << 20))
    assert peak_of(lambda: mx.load("bomb.npz")["a"].tolist()) < 1 << 20
    assert mx.load("bomb.npz")["a"].tolist() == [0]


# --- files that change


@pytest.mark.parametrize("way", ["npy", "safetensors", "gguf"])
def test_nothing_depends_on_the_file_after_evaluation(way):
    path = "x." + way
    open(path, "wb").write(encoded(way))
    load = lambda: mx.load(path) if way == "npy" else mx.load(path)["a"]
    a, late = load(), load()
    mx.eval(a)
    os.truncate(path, 1000)
    assert a.tolist() == A.tolist()
    with pytest.raises(RuntimeError, match="cut short"):
        mx.eval(late)
    open(path, "wb").write(bytes(len(encoded(way))))
    assert a.tolist() == A.tolist()


@pytest.mark.parametrize("way", ["npy", "safetensors", "gguf"])
def test_mapped(way):
    path = "x." + way
    open(path, "wb").write(encoded(way))
    before = mx.get_active_memory()
    a = mx.load(path, mmap=True)
    a = a if way == "npy" else a["a"]
    mx.eval(a)
    assert A.nbytes <= mx.get_active_memory() - before < A.nbytes + 5000
    assert mx.get_peak_memory() >= mx.get_active_memory()
    assert a.tolist() == A.tolist()
    del a
    assert mx.get_active_memory() == before


def test_many_files_need_few_descriptors():
    for i in range(60):
        np.save(f"{i}.npy", np.full(50000, i, np.float32))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        arrays = [mx.load(f"{i}.npy") for i in range(60)]
        assert [a[-1].item() for a in arrays] == list(range(60))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_file_object_of_an_open_file():
    with open("x.npy", "w+b") as f:
        np.save(f, np.array(A))
        f.seek(0)
        a = mx.load(f)
    os.rename("x.npy", "y.npy")
    assert (a == A).all()


# --- paths


def test_paths_of_any_bytes():
    name = b"\xff\xfe".decode(sys.getfilesystemencoding(), "surrogateescape")
    for load in (
        lambda p: mx.load(p + ".npy"),
        lambda p: mx.load(p + ".npz"),
        lambda p: mx.load(p + ".safetensors"),
        lambda p: mx.load(p + ".gguf"),
        mx.import_function,
    ):
        with pytest.raises(RuntimeError, match="No such file"):
            load(name)
    mx.save(name, A)
    assert (mx.load(name + ".npy") == A).all()
    mx.export_function(name + ".mlxfn", lambda x: x + 1, A)
    assert (mx.import_function(name + ".mlxfn")(A)[0] == A + 1).all()
    mx.export_to_dot(name + ".dot", A + 1)
    assert os.path.getsize(os.fsencode(name + ".dot"))


# --- forks


def test_forks_while_a_thread_computes():
    stop = threading.Event()

    def work():
        x = mx.ones((200, 200))
        while not stop.is_set():
            mx.eval((x @ x).sum())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        for _ in range(20):
            pid = os.fork()
            if not pid:
                import signal

                signal.alarm(60)
                os._exit(0 if (mx.ones((50, 50)) @ mx.ones((50, 50))).sum().item() == 125000 else 1)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        stop.set()
        for t in threads:
            t.join()


# --- failures of queued evaluations


def test_what_async_eval_could_not_compute():
    np.save("x.npy", np.array(A))
    a = mx.load("x.npy")
    os.truncate("x.npy", 1000)
    mx.async_eval(a)
    with pytest.raises(RuntimeError, match="cut short"):
        mx.synchronize()
    mx.synchronize()  # told once
    with pytest.raises(RuntimeError, match="cut short"):
        mx.eval(a)


# --- limits


def test_memory_limits():
    assert mx.set_memory_limit(1 << 20) < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
    try:
        x = mx.ones((1 << 20,)) + 1
        mx.eval(x)  # a guideline
        former = mx.set_memory_hard_limit(mx.get_active_memory() + (1 << 20))
        try:
            with pytest.raises(MemoryError):
                mx.eval(x + 1)
        finally:
            mx.set_memory_hard_limit(former)
        assert (x + 1).sum().item() == 3 << 20
    finally:
        mx.set_memory_limit(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE") // 5 * 4)


@pytest.mark.parametrize(
    "use",
    [
        lambda: mx.savez("n.npz", **{"a\0b": A}),
        lambda: mx.save_safetensors("n.safetensors", {"a\0b": A}),
        lambda: mx.save_safetensors("n.safetensors", {"a": A}, {"k\0x": "v"}),
        lambda: mx.save_safetensors("n.safetensors", {"a": A}, {"k": "v\0w"}),
        lambda: mx.save_gguf("n.gguf", {"a\0b": A}),
        lambda: mx.save_gguf("n.gguf", {"a": A}, {"k\0x": "v"}),
        lambda: mx.save_gguf("n.gguf", {"a": A}, {"k": "v\0w"}),
        lambda: mx.einsum("i->i\0j", A),
        lambda: mx.pad(A, 1, mode="edge\0x"),
    ],
)
def test_texts_are_not_cut_at_nul(use):
    with pytest.raises(ValueError, match="null"):
        use()
    assert os.listdir() == []
