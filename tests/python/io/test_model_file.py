"""mx.open_file: model files of any format, listed and read."""

import json
import pickle
import struct
import subprocess
import sys

import mlx.core as mx
import numpy as np
import pytest
from memory import peak_of


def safetensors(path, tensors, metadata=None):
    """tensors: name -> (dtype, shape, bytes)."""
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_lists_and_reads(tmp_path):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    path = safetensors(
        tmp_path / "model",
        {"a": ("F32", [2, 3], x.tobytes()), "b": ("F64", [2], np.ones(2).tobytes())},
        {"format": "pt"},
    )
    with mx.open_file(path) as f:
        assert f.format == "safetensors" and f.parts == [str(path)]
        assert list(f) == f.keys() == ["a", "b"] and len(f) == 2 and "a" in f and "c" not in f
        t = f.tensors["a"]
        assert (t.name, t.storage, t.shape, t.dtype, t.size, t.nbytes, t.part) == (
            "a",
            "float32",
            (2, 3),
            mx.float32,
            6,
            24,
            0,
        )
        assert path.read_bytes()[t.offset : t.offset + t.nbytes] == x.tobytes()
        assert pickle.loads(pickle.dumps(t)) == t
        assert dict(f.metadata) == {"format": "pt"}
        with pytest.raises(TypeError):
            f.tensors["c"] = t
        a = f["a"]
        with pytest.raises(KeyError, match="'c'"):
            f["c"]
        with pytest.raises(TypeError, match="a tensor's name is a str"):
            f[0]
        assert f["b"].dtype == mx.float64
    assert np.array_equal(np.array(a), x)  # the array outlives the file
    assert repr(f).endswith("closed>")
    for use in (lambda: f["a"], lambda: len(f), lambda: f.format, lambda: f.parts):
        with pytest.raises(ValueError, match="the file is closed"):
            use()


@pytest.mark.parametrize(
    "dtype, codes, values",
    [
        ("F8_E4M3", [0x00, 0x38, 0x7E, 0xC0, 0x01], [0, 1, 448, -2, 2.0**-9]),
        ("F8_E5M2", [0x00, 0x3C, 0x7B, 0xC0, 0x7C], [0, 1, 57344, -2, np.inf]),
        ("F8_E8M0", [0, 127, 128, 254, 1], [2.0**-127, 1, 2, 2.0**127, 2.0**-126]),
    ],
)
def test_small_floats(tmp_path, dtype, codes, values):
    f = mx.open_file(safetensors(tmp_path / "x", {"w": (dtype, [len(codes)], bytes(codes))}))
    assert f["w"].dtype == mx.bfloat16
    assert f["w"].astype(mx.float32).tolist() == values
    assert f.read("w", stored=True).tolist() == codes
    assert mx.load(str(tmp_path / "x"), format="safetensors")["w"].tolist() == codes


def test_every_code_means_what_from_fp8_makes_of_it(tmp_path):
    codes = bytes(range(256))
    f = mx.open_file(safetensors(tmp_path / "model", {"x": ("F8_E4M3", [256], codes)}))
    wanted = mx.from_fp8(mx.array(np.frombuffer(codes, np.uint8)), dtype=mx.bfloat16)
    assert mx.array_equal(f.read("x"), wanted, equal_nan=True)
    assert mx.isnan(wanted).sum() == 2


def test_other_formats(tmp_path):
    a = mx.array([[1.5, 2], [3, 4]])
    mx.save(str(tmp_path / "a.npy"), a)
    mx.savez(str(tmp_path / "a.npz"), x=a, y=a.astype(mx.int32))
    mx.save_gguf(
        str(tmp_path / "a.gguf"),
        {"w": a},
        {"n": mx.array(3), "t": "text", "ts": ["a", "b"], "v": mx.array([1.0, 2])},
    )
    assert mx.open_file(tmp_path / "a.npy")["array"].tolist() == a.tolist()
    npz = mx.open_file(tmp_path / "a.npz")
    assert (npz.format, npz.keys(), npz["y"].tolist()) == ("npz", ["x", "y"], [[1, 2], [3, 4]])
    gguf = mx.open_file(tmp_path / "a.gguf")
    meta = gguf.metadata
    assert (meta["n"].item(), meta["n"].dtype, meta["t"], meta["ts"], meta["v"].tolist()) == (
        3,
        mx.int32,
        "text",
        ["a", "b"],
        [1, 2],
    )
    assert gguf["w"].tolist() == a.tolist()


def test_shards(tmp_path):
    one = {"dtype": np.int32}
    for i in (1, 2):
        safetensors(
            tmp_path / f"model-{i}.safetensors",
            {f"t{i}": ("I32", [1], np.array([i], **one).tobytes())},
        )
    index = {
        "metadata": {},
        "weight_map": {"t2": "model-2.safetensors", "t1": "model-1.safetensors"},
    }
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    f = mx.open_file(tmp_path)
    assert (
        f.keys() == ["t1", "t2"]
        and f["t2"].item() == 2
        and f.tensors["t2"].part == 1
        and len(f.parts) == 2
    )


@pytest.mark.parametrize("save", ["safetensors", "gguf"])
def test_saving_holds_one_tensor(tmp_path, save):
    """A model of 16 tensors of 1 MB goes from file to file, converted on the way, with no more than
    one of them (and its conversion) in memory; a limit below the model's size does not matter."""
    n, count = 1 << 18, 16
    x = np.arange(n, dtype=np.float32) % 1000
    safetensors(tmp_path / "in", {f"t{i}": ("F32", [n], (x + i).tobytes()) for i in range(count)})
    arrays = mx.load(str(tmp_path / "in"), format="safetensors")
    arrays = {
        k: v if i % 2 else (v + 1).astype(mx.float16).reshape(2, -1)
        for i, (k, v) in enumerate(arrays.items())
    }
    del x
    mx.clear_cache()
    before = mx.get_active_memory()
    limit = mx.set_memory_hard_limit(before + 6 * 4 * n)
    try:
        write = mx.save_safetensors if save == "safetensors" else mx.save_gguf
        peak = peak_of(lambda: write(str(tmp_path / f"out.{save}"), arrays))
    finally:
        mx.set_memory_hard_limit(limit)
    assert peak <= 3 * 4 * n, peak
    assert mx.get_active_memory() == before
    out = mx.open_file(tmp_path / f"out.{save}")
    for i in range(count):
        want = np.arange(n, dtype=np.float32) % 1000 + i
        want = want if i % 2 else (want + 1).astype(np.float16).reshape(2, -1)
        assert np.array_equal(np.array(out[f"t{i}"]), want)
    mx.eval(arrays)
    assert np.array_equal(np.array(arrays["t3"]), np.arange(n, dtype=np.float32) % 1000 + 3)


def test_what_is_computed_is_computed_once(tmp_path):
    x = mx.exp(
        mx.load(
            str(safetensors(tmp_path / "in", {"a": ("F32", [4], bytes(16))})), format="safetensors"
        )["a"]
    ) @ mx.ones(4)
    mx.save_safetensors(str(tmp_path / "out"), {"x": x})
    assert mx.load(str(tmp_path / "out.safetensors"))["x"].item() == x.item() == 4


def test_mapped(tmp_path):
    x = np.arange(100000, dtype=np.float32)
    f = mx.open_file(safetensors(tmp_path / "x", {"w": ("F32", [100000], x.tobytes())}), mmap=True)
    assert mx.sum(f["w"]).item() == pytest.approx(x.sum(dtype=np.float64), rel=1e-5)


def test_refusals(tmp_path):
    with pytest.raises(RuntimeError, match="No such file"):
        mx.open_file(tmp_path / "none")
    (tmp_path / "x").write_bytes(b"some text that is no model")
    with pytest.raises(RuntimeError, match="of no format that can be read"):
        mx.open_file(tmp_path / "x")
    with pytest.raises(ValueError, match="Input must be a"):
        mx.open_file(5)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match="holds no model"):
        mx.open_file(tmp_path / "empty")


def test_what_arrays_lie_on(tmp_path):
    import os
    import subprocess
    import sys

    a = mx.arange(1000, dtype=mx.float32)
    assert mx.array_storage(a)["kind"] == "none"
    mx.eval(a)
    assert mx.array_storage(a)["kind"] == "pool" and not mx.array_storage(a)["view"]
    b = a[10:20]
    mx.eval(b)
    assert mx.array_storage(b)["view"] and mx.array_storage(b)["offset"] == 40
    mx.save(str(tmp_path / "a.npy"), a)
    m = mx.load(str(tmp_path / "a.npy"), mmap=True)
    mx.eval(m)
    assert mx.array_storage(m)["kind"] == "mapped" and mx.array_storage(m)["nbytes"] == 4128
    name = f"/mlx-python-test-{os.getpid()}"
    try:
        s = mx.shared_array(name, a.reshape(10, 100))
        assert mx.array_storage(s)["kind"] == "shared" and s.shape == (10, 100)
        program = f"import mlx.core as mx; print(mx.sum(mx.shared_array({name!r})).item())"
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        assert (
            subprocess.run(
                [sys.executable, "-c", program], env=env, capture_output=True, text=True
            ).stdout
            == "499500.0\n"
        )
    finally:
        mx.remove_shared_array(name)
    with pytest.raises(RuntimeError, match="cannot open the shared memory"):
        mx.shared_array(name)
    assert s[9, 99].item() == 999
    for wrong in (
        lambda: mx.array_storage(1),
        lambda: mx.shared_array(name, 1),
        lambda: mx.remove_shared_array(1),
    ):
        with pytest.raises(TypeError):
            wrong()


# --- writing -----------------------------------------------------------------------------------


def test_writes_a_tensor_at_a_time(tmp_path):
    path, w = tmp_path / "m.gguf", np.arange(64, dtype=np.float32).reshape(2, 32)
    blocks = mx.quantize(mx.array(w), mode="q8_0")[0]
    with mx.create_file(path) as f:
        f.set("general.architecture", "test")
        f.set("test.words", ["a", "b"])
        f.set("test.none", [])
        f.set("test.number", mx.array(7, mx.uint32))
        f.set("test.numbers", [1.5, 2.5])
        f.declare("blocks", w.shape, "q8_0")
        f.declare("w", w.shape, mx.float32)
        f.put("w", w)
        f.put("blocks", blocks)
        assert not path.exists()
    assert repr(f).endswith("done>")
    g = mx.open_file(path)
    assert np.array_equal(np.array(g["w"]), w)
    assert mx.array_equal(g.read("blocks", stored=True), blocks)
    meta = g.metadata
    assert meta["general.architecture"] == "test" and meta["test.words"] == ["a", "b"]
    assert meta["test.none"] == [] and meta["test.numbers"].tolist() == [1.5, 2.5]
    assert meta["test.number"].dtype == mx.uint32 and meta["test.number"].item() == 7


def test_writes_shards(tmp_path):
    with mx.create_file(tmp_path / "model.safetensors", shard_bytes=100) as f:
        for i in range(3):
            f.declare(f"t{i}", (20,), mx.float32)
        for i in range(3):
            f.put(f"t{i}", mx.full((20,), i, mx.float32))
    g = mx.open_file(tmp_path / "model.safetensors.index.json")
    assert len(g.parts) == 3 and [g[f"t{i}"][3].item() for i in range(3)] == [0, 1, 2]


def test_what_was_there_stays(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"before")
    with pytest.raises(KeyError, match="mine"):
        with mx.create_file(path) as f:
            f.declare("a", (2,), mx.float32)
            raise KeyError("mine")
    f = mx.create_file(path)
    f.declare("a", (2,), mx.float32)
    with pytest.raises(ValueError, match="not put|never put|'a'"):
        f.finish()
    del f
    assert path.read_bytes() == b"before" and [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "use, error, message",
    [
        (lambda f: f.declare("a", (2, -1), mx.float32), ValueError, "axis"),
        (lambda f: f.declare("a", (2,), "q9_9"), RuntimeError, "q9_9"),
        (lambda f: f.declare("a", (1 << 40,), mx.float32), ValueError, "axis"),
        (lambda f: f.declare("a", [1] * 65, mx.float32), ValueError, "dimensions"),
        (lambda f: f.declare("a", 3, mx.float32), TypeError, "sequence"),
        (lambda f: f.declare("a", (2,), 3), TypeError, None),
        (lambda f: f.declare("in", (2,), mx.float32), ValueError, "in"),
        (lambda f: f.put("absent", mx.ones(2)), ValueError, "absent"),
        (lambda f: f.put("in", mx.ones(3)), ValueError, "in"),
        (lambda f: f.put("in", mx.ones(2, mx.int32)), ValueError, "in"),
        (lambda f: f.set("k", ["a", 1]), TypeError, "str"),
        (lambda f: f.set("k\0", "a"), ValueError, "null"),
        (lambda f: f.set(1, "a"), TypeError, None),
    ],
)
def test_what_cannot_be_written(tmp_path, use, error, message):
    f = mx.create_file(tmp_path / "m.safetensors")
    f.declare("in", (2,), mx.float32)
    with pytest.raises(error, match=message):
        use(f)


def test_files_that_cannot_be_made(tmp_path):
    for arguments, words in (
        ((tmp_path / "m.xyz",), {}),
        ((tmp_path / "no" / "m.gguf",), {}),
        ((tmp_path / "m.gguf",), {"format": "npy"}),
        ((tmp_path / "m.gguf",), {"shard_bytes": 0}),
        ((tmp_path / "m.gguf",), {"shard_bytes": -1}),
    ):
        with pytest.raises((ValueError, RuntimeError, OverflowError)):
            mx.create_file(*arguments, **words).finish()
    with pytest.raises(ValueError, match="file-like object"):
        mx.create_file(3)
    f = mx.create_file(tmp_path / "e.safetensors")
    f.finish()
    for use in (f.finish, lambda: f.set("a", "b"), lambda: f.put("a", mx.ones(1))):
        with pytest.raises(ValueError, match="finished"):
            use()
    assert len(mx.open_file(tmp_path / "e.safetensors")) == 0


@pytest.mark.parametrize("ending", ["gguf", "safetensors"])
def test_the_first_put_of_a_process(tmp_path, ending):
    """Whose evaluation looks for signals first, and is then made again."""
    program = (
        "import mlx.core as mx\n"
        f"with mx.create_file('w.{ending}') as f:\n"
        "    f.declare('a', (2, 256), 'float32')\n"
        "    f.put('a', mx.ones((2, 256)) + 1)\n"
        f"assert mx.open_file('w.{ending}')['a'].tolist() == [[2.0] * 256] * 2\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_the_first_head_of_a_process(tmp_path):
    program = (
        "import mlx.core as mx\n"
        "with mx.create_file('w.gguf') as f:\n"
        "    f.set('n', mx.ones(2) + 1)\n"
        "assert mx.open_file('w.gguf').metadata['n'].tolist() == [2, 2]\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_an_array_that_fails_can_be_put_again(tmp_path):
    with mx.create_file(tmp_path / "x.safetensors") as f:
        f.declare("a", (2,), "float32")
        lost = tmp_path / "lost.npy"
        mx.save(str(lost), mx.zeros(100000))
        a = mx.load(str(lost))
        lost.write_bytes(b"")
        with pytest.raises((ValueError, OSError, RuntimeError)):
            f.put("a", a[:2])
        f.put("a", mx.ones(2))
    assert mx.open_file(tmp_path / "x.safetensors")["a"].tolist() == [1, 1]


def gguf_value(kind, *rest):
    return struct.pack("<I", kind) + b"".join(rest)


def gguf_text(raw):
    return struct.pack("<Q", len(raw)) + raw


def test_metadata_of_any_form(tmp_path):
    """Zeros inside of texts, lists of lists: read, and copied as they are."""
    array = lambda kind, *items: struct.pack("<IQ", kind, len(items)) + b"".join(items)
    u8 = lambda *v: array(0, *(struct.pack("<B", i) for i in v))
    values = {
        "tokens": gguf_value(9, array(8, gguf_text(b"a"), gguf_text(b""), gguf_text(b"\0z"))),
        "text": gguf_value(8, gguf_text(b"a\0b")),
        "even": gguf_value(9, array(9, u8(1, 2), u8(3, 4))),
        "ragged": gguf_value(9, array(9, u8(1, 2), u8(3, 4, 5))),
        "texts": gguf_value(9, array(9, array(8, gguf_text(b"x\0"), gguf_text(b'"')), array(8))),
    }
    path = tmp_path / "x.gguf"
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(values))
    path.write_bytes(head + b"".join(gguf_text(k.encode()) + v for k, v in values.items()))
    want = {
        "tokens": ["a", "", "\0z"],
        "text": "a\0b",
        "even": [[1, 2], [3, 4]],
        "ragged": [[1, 2], [3, 4, 5]],
        "texts": [["x\0", '"'], []],
    }

    def found(path):
        m = dict(mx.open_file(path).metadata)
        return m | {"even": m["even"].tolist()}

    assert found(path) == want
    mx.convert_model(path, tmp_path / "y.gguf")
    assert found(tmp_path / "y.gguf") == want
    loaded = mx.load(str(path), return_metadata=True)[1]
    assert loaded["even"].tolist() == want["even"]
    with pytest.raises((ValueError, TypeError)):
        mx.create_file(tmp_path / "z.gguf").set("k", "a\0b")


def raw_safetensors(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return str(path)


def test_zeros_in_metadata_and_an_empty_name(tmp_path):
    """Both are in the format: they are read, and written again."""
    header = {
        "__metadata__": {"k": "a\0b"},
        "": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
    }
    path = raw_safetensors(tmp_path / "a.safetensors", header, b"\7")
    arrays, meta = mx.load(path, return_metadata=True)
    assert arrays[""].tolist() == [7] and meta == {"k": "a\0b"}
    mx.convert_model(path, tmp_path / "b.safetensors")
    f = mx.open_file(tmp_path / "b.safetensors")
    assert f[""].tolist() == [7] and dict(f.metadata) == {"k": "a\0b"}


def test_booleans_are_0_or_1(tmp_path):
    header = {"b": {"dtype": "BOOL", "shape": [3], "data_offsets": [0, 3]}}
    path = raw_safetensors(tmp_path / "a.safetensors", header, b"\0\1\2")
    with pytest.raises(RuntimeError, match="2 is not a boolean"):
        mx.eval(mx.load(path))
    with pytest.raises(RuntimeError, match="2 is not a boolean"):
        mx.eval(mx.open_file(path)["b"])


def test_the_content_counts_not_the_name(tmp_path):
    x = mx.arange(3)
    mx.save_safetensors(str(tmp_path / "x.safetensors"), {"a": x})
    mx.save(str(tmp_path / "x.npy"), x)
    mx.savez(str(tmp_path / "x.npz"), a=x)
    mx.save_gguf(str(tmp_path / "x.gguf"), {"a": x})
    kinds = ("safetensors", "npy", "npz", "gguf")
    for kind in kinds:
        for name in kinds:
            path = tmp_path / f"{kind}.{name}"
            path.write_bytes((tmp_path / f"x.{kind}").read_bytes())
            found = mx.load(str(path))
            assert (found if kind == "npy" else found["a"]).tolist() == [0, 1, 2]
    with pytest.raises(RuntimeError, match="x.npz"):
        mx.load(str(tmp_path / "x.npz"), format="npy")
    (tmp_path / "none.npz").write_text("hello")
    with pytest.raises(RuntimeError, match="it is not a zip archive"):
        mx.load(str(tmp_path / "none.npz"))


FEW = """
import os, resource, sys
import mlx.core as mx
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
path = sys.argv[1]
kept = [mx.load(path, mmap=True) for _ in range(200)]
assert all(mx.all(k["a"] == 1).item() for k in (kept[0], kept[199]))
assert mx.sum(kept[150]["b"]).item() == 70000  # booleans are read, not mapped
os.rename(path, path + ".moved")
assert mx.all(kept[198]["a"] == 1).item()
try:
    mx.eval(kept[197]["b"])
except RuntimeError as e:
    assert "cannot open" in str(e), e
else:
    raise SystemExit("no error")
"""


def test_mapped_files_need_no_descriptors(tmp_path):
    path = tmp_path / "a.safetensors"
    mx.save_safetensors(str(path), {"a": mx.ones((300, 100)), "b": mx.array([True] * 70000)})
    subprocess.run([sys.executable, "-c", FEW, str(path)], check=True)


@pytest.mark.parametrize(
    "index, why",
    [
        ("{", "at byte 1: it is no index of a model"),
        ("", "it is empty"),
        ("[]", "it has no weight_map"),
        ('{"weight_map": {}}', "its weight_map is empty"),
    ],
)
def test_what_an_index_lacks_is_said(tmp_path, index, why):
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(RuntimeError, match=why):
        mx.open_file(tmp_path)
