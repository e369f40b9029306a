"""PyTorch's checkpoints, written here by Python's pickle with stand-ins for torch's classes."""

import collections
import io
import pickle
import struct
import types
import zipfile

import mlx.core as mx
import numpy as np
import pytest

MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
STORAGES = {
    "f4": "FloatStorage",
    "f8": "DoubleStorage",
    "f2": "HalfStorage",
    "i8": "LongStorage",
    "i4": "IntStorage",
    "i2": "ShortStorage",
    "i1": "CharStorage",
    "u1": "ByteStorage",
    "b1": "BoolStorage",
    "c8": "ComplexFloatStorage",
}


class Global:
    """Pickled as the name of a class or function."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self, *args):
        return Call(self, args)


class Call:
    def __init__(self, function, args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


class Storage:
    def __init__(self, data, kind=None, order="<"):
        data = np.asarray(data)
        self.raw = data.astype(data.dtype.newbyteorder(order)).tobytes()
        self.kind = Global("torch", kind or STORAGES[data.dtype.str[1:]])
        self.count = data.size if kind != "UntypedStorage" else len(self.raw)


class Pickler(pickle._Pickler):
    """The one that is written in Python: globals need not exist."""

    def __init__(self, file, protocol, keys, old=False):
        super().__init__(file, protocol)
        self.keys, self.old = keys, old

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        key = str(self.keys.setdefault(id(obj), len(self.keys)))
        return ("storage", obj.kind, key, "cpu", obj.count) + ((None,) if self.old else ())

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            self.write(b"c" + obj.module.encode() + b"\n" + obj.name.encode() + b"\n")
        else:
            super().save(obj, save_persistent_id)

    def save_reduce(self, func, args, state=None, listitems=None, dictitems=None, *rest, obj=None):
        self.save(func)
        self.save(args)
        self.write(b"R")
        for key, value in dictitems or ():
            self.save(key)
            self.save(value)
            self.write(b"s")


REBUILD = Global("torch._utils", "_rebuild_tensor_v2")
REBUILD_V3 = Global("torch._utils", "_rebuild_tensor_v3")
PARAMETER = Global("torch._utils", "_rebuild_parameter")


def tensor(storage, shape, stride=None, offset=0):
    stride = stride or [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
    return REBUILD(storage, offset, tuple(shape), tuple(stride), False, collections.OrderedDict())


def of(array):
    return tensor(Storage(array), np.shape(array))


def storages_in(obj, seen):
    if isinstance(obj, Storage):
        seen[id(obj)] = obj
    for part in (
        obj.args
        if isinstance(obj, Call)
        else obj.values()
        if isinstance(obj, dict)
        else obj
        if isinstance(obj, (list, tuple))
        else ()
    ):
        storages_in(part, seen)
    return seen


def save(
    path, obj, protocol=2, order="little", compress=zipfile.ZIP_STORED, leave_out=(), pickled=None
):
    text, keys = io.BytesIO(), {}
    if pickled is None:
        Pickler(text, protocol, keys).dump(obj)
        pickled = text.getvalue()
    found = storages_in(obj, {})
    with zipfile.ZipFile(path, "w", compress) as z:
        z.writestr("archive/data.pkl", pickled)
        z.writestr("archive/byteorder", order)
        for i, key in keys.items():
            if str(key) not in leave_out:
                z.writestr(f"archive/data/{key}", found[i].raw)
        z.writestr("archive/version", "3\n")
    return path


def save_old(path, obj):
    text, keys = io.BytesIO(), {}
    Pickler(text, 2, keys, old=True).dump(obj)
    found = storages_in(obj, {})
    with open(path, "wb") as f:
        f.write(
            MAGIC
            + pickle.dumps(1001, 2)
            + pickle.dumps({"little_endian": True}, 2)
            + text.getvalue()
        )
        f.write(pickle.dumps([str(k) for k in keys.values()], 2))
        for i in keys:
            f.write(struct.pack("<Q", found[i].count) + found[i].raw)
    return path


def same(a, b):
    return np.array_equal(np.array(a), b) and np.array(a).dtype == np.asarray(b).dtype


def test_all_dtypes(tmp_path):
    values = {k: np.arange(6).reshape(2, 3).astype(k) for k in STORAGES}
    f = mx.open_file(
        save(tmp_path / "model.bin", collections.OrderedDict((k, of(v)) for k, v in values.items()))
    )
    assert f.format == "pytorch" and f.keys() == list(values)
    for k, v in values.items():
        if k == "f8":
            assert f[k].dtype == mx.float64 and f[k].tolist() == v.tolist()
        else:
            assert same(f[k], v), k


def test_bfloat16_and_untyped(tmp_path):
    bits = np.array([0x3F80, 0x4040, 0xC000], np.uint16)
    half = Storage(bits, "BFloat16Storage")
    f8 = Storage(np.array([0x38, 0xC0, 0x7E], np.uint8), "UntypedStorage")
    u4 = Storage(np.array([5, 2**32 - 1], np.uint32).view(np.uint8), "UntypedStorage")
    v3 = [
        REBUILD_V3(s, 0, (n,), (1,), False, collections.OrderedDict(), Global("torch", dtype))
        for s, n, dtype in ((f8, 3, "float8_e4m3fn"), (u4, 2, "uint32"))
    ]
    f = mx.open_file(save(tmp_path / "x.pt", {"h": tensor(half, [3]), "f": v3[0], "u": v3[1]}))
    assert f["h"].dtype == mx.bfloat16 and f["h"].tolist() == [1, 3, -2]
    assert f.tensors["f"].storage == "float8_e4m3" and f["f"].tolist() == [1, -2, 448]
    assert f.read("f", stored=True).tolist() == [0x38, 0xC0, 0x7E]
    assert f["u"].dtype == mx.uint32 and f["u"].tolist() == [5, 2**32 - 1]


@pytest.mark.parametrize("write", [save, save_old])
def test_marks_of_views(tmp_path, write):
    x = np.array([1 + 2j, 3 - 4j], np.complex64)
    r, b = np.arange(6, dtype=np.float32), np.array([True])
    hooks = collections.OrderedDict()

    def marked(array, shape, stride, marks, v3=None):
        more = (Global("torch", v3),) if v3 else ()
        call = REBUILD_V3 if v3 else REBUILD
        return call(Storage(array), 0, shape, stride, False, hooks, *more, marks)

    f = mx.open_file(
        write(
            tmp_path / "x.pt",
            {
                "conj": marked(x, (2,), (1,), {"conj": True}),
                "both": marked(x, (2,), (1,), {"conj": True, "neg": True}),
                "none": marked(x, (2,), (1,), {}),
                "neg": marked(r, (2, 3), (3, 1), {"neg": True}),
                "turned": marked(r, (3, 2), (1, 3), {"neg": True, "conj": False}),
                "real": marked(r, (2, 3), (3, 1), {"conj": True}),
                "v3": marked(r, (6,), (1,), {"neg": True}, "float32"),
            },
        )
    )
    assert same(f["conj"], x.conj()) and same(f["both"], -x.conj()) and same(f["none"], x)
    assert same(f["neg"], -r.reshape(2, 3)) and same(f["turned"], -r.reshape(2, 3).T)
    assert same(f["real"], r.reshape(2, 3)) and same(f["v3"], -r)
    assert same(f.read("neg", stored=True), -r.reshape(2, 3))
    for marks, array, why in (
        ({"neg": True}, b, "cannot be a negative"),
        ({"other": True}, r, "a mark that is not known: 'other'"),
        ({"neg": 1}, r, "a mark that is not known"),
        (7, r, "marks are no dict"),
    ):
        with pytest.raises(RuntimeError, match=why):
            mx.open_file(write(tmp_path / "y.pt", marked(array, (1,), (1,), marks)))


@pytest.mark.parametrize("write", [save, save_old])
def test_views_and_shared_storages(tmp_path, write):
    x = np.arange(24, dtype=np.float32)
    s = Storage(x)
    f = mx.open_file(
        write(
            tmp_path / "x.pth",
            {
                "all": tensor(s, [2, 3, 4]),
                "t": tensor(s, [4, 6], [1, 4]),
                "part": tensor(s, [2, 3], [12, 2], offset=5),
                "row": tensor(s, [4], [0], offset=7),
                "one": tensor(s, [], [], offset=23),
                "none": tensor(s, [0, 3]),
            },
        )
    )
    assert same(f["all"], x.reshape(2, 3, 4))
    assert same(f["t"], x.reshape(6, 4).T)
    assert f["part"].tolist() == [[5, 7, 9], [17, 19, 21]]
    assert f["row"].tolist() == [7] * 4 and f["one"].item() == 23 and f["none"].shape == (0, 3)
    assert f.tensors["part"].offset == f.tensors["all"].offset + 20


def test_nested(tmp_path):
    w = np.ones(2, np.float32)
    tied = of(w)
    obj = {
        "model": collections.OrderedDict(
            layers=[{"w": tied}, {"w": PARAMETER(of(w * 2), True, {})}], head=tied
        ),
        "epoch": 7,
        "lr": 0.5,
        "name": "run",
        "best": True,
        "none": None,
        3: (of(w * 3),),
        "big": 2**80,
        "state": {("a", "b"): of(w)},
        "size": Global("torch", "Size")([2, 3]),
    }
    for protocol in (2, 3, 4, 5):
        f = mx.open_file(save(tmp_path / "x", obj, protocol=protocol))
        assert f.keys() == ["model.layers.0.w", "model.layers.1.w", "model.head", "3.0"]
        assert f["model.layers.1.w"].tolist() == [2, 2] and f["3.0"].tolist() == [3, 3]
        assert f.tensors["model.head"].offset == f.tensors["model.layers.0.w"].offset
        meta = {k: v if isinstance(v, str) else v.item() for k, v in f.metadata.items()}
        assert meta == {
            "epoch": 7,
            "lr": 0.5,
            "name": "run",
            "best": True,
            "size.0": 2,
            "size.1": 3,
        }
    assert mx.open_file(save(tmp_path / "y", of(w)))["array"].tolist() == [1, 1]


def test_big_endian(tmp_path):
    x = np.array([1.5, -2, 3], np.float32)
    f = mx.open_file(save(tmp_path / "x", {"a": tensor(Storage(x, order=">"), [3])}, order="big"))
    assert f["a"].tolist() == x.tolist()


def test_large_is_lazy(tmp_path):
    x = np.arange(1 << 18, dtype=np.float32)
    f = mx.open_file(
        save(tmp_path / "x", {"a": of(x), "b": tensor(Storage(x), [512, 512], [1, 512])})
    )
    before = mx.get_active_memory()
    a, b = f["a"], f["b"]
    assert mx.get_active_memory() == before
    assert same(a, x) and same(b, x.reshape(512, 512).T)


@pytest.mark.parametrize(
    "function", ["os.system", "builtins.eval", "posix.system", "subprocess.Popen", "torch.load"]
)
def test_nothing_is_called(tmp_path, function):
    module, name = function.split(".")
    with pytest.raises(
        RuntimeError, match=f"at byte .*not allowed in checkpoints of tensors: '{function}'"
    ):
        mx.open_file(save(tmp_path / "x", {"a": Global(module, name)("touch /tmp/never")}))


def test_shards_of_bin(tmp_path):
    import json

    for i in (1, 2):
        save(tmp_path / f"pytorch_model-{i}.bin", {f"t{i}": of(np.array([i], np.int32))})
    (tmp_path / "pytorch_model.bin.index.json").write_text(
        json.dumps({"weight_map": {f"t{i}": f"pytorch_model-{i}.bin" for i in (1, 2)}})
    )
    f = mx.open_file(tmp_path)
    assert [f["t1"].item(), f["t2"].item()] == [1, 2]


S = Storage(np.zeros(4, np.float32))


@pytest.mark.parametrize(
    "obj, why",
    [
        (tensor(S, [5]), "reaches beyond its storage"),
        (tensor(S, [2, 2], [4, 1]), "reaches beyond its storage"),
        (tensor(S, [1], offset=4), "reaches beyond its storage"),
        (tensor(S, [1], offset=-1), "something else than a storage"),
        (tensor(S, [2, 2], [-1, 1]), "out of range"),
        (tensor(S, [-1]), "out of range"),
        (tensor(S, [2**31]), "out of range"),
        (tensor(S, [2**30, 2**30, 2**30], [0, 0, 0]), "too large"),
        (tensor(S, [2, 2], [2**62, 2**62]), "too large"),
        (tensor(S, [3, 3], [2**62, 1]), "too large"),
        (tensor(S, [1] * 65), "too many dimensions"),
        (tensor(S, [1], [1, 1]), "no shape"),
        (REBUILD(1, 0, (1,), (1,), False, {}), "something else than a storage"),
        (
            REBUILD_V3(S, 0, (1,), (1,), False, {}, Global("torch", "int32")),
            "another dtype than its storage",
        ),
        (REBUILD_V3(S, 0, (1,), (1,), False, {}, 5), "something else than a storage"),
    ],
)
def test_tensors_that_lie(tmp_path, obj, why):
    with pytest.raises(RuntimeError, match=why):
        mx.open_file(save(tmp_path / "x", {"a": obj}))


STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuJ\x04\x00\x00\x00tQ"


@pytest.mark.parametrize(
    "pickled, why",
    [
        (b"", "ends inside"),
        (b"\x80\x02", "ends inside"),
        (b".", "empty stack"),
        (b"(.", "empty stack"),
        (b"R.", "empty stack"),
        (b"N\x85\x85", "ends inside"),
        (b"\x85.", "empty stack"),
        (b"t.", "lacks a mark"),
        (b"u.", "lacks a mark"),
        (b"N(Nu.", "no container"),
        (b"}(Nu.", "no container"),
        (b"NNa.", "no container"),
        (b"}Ne.", "lacks a mark"),
        (b"h\x00.", "not there"),
        (b"Nq\x05.", "a gap"),
        (b"Nr\xff\xff\xff\xff.", "a gap"),
        (b"I1\n.", "operation that checkpoints do not have: '0x49'"),
        (b"ios\nsystem\n.", "'0x69'"),
        (b"P1\n.", "'0x50'"),
        (b"\x82\x01.", "'0x82'"),
        (b"X\xff\xff\xff\xffabc.", "ends inside"),
        (b"\x8d" + b"\xff" * 8 + b".", "ends inside"),
        (b"NQ.", "not that of a storage"),
        (STORAGE[:-2].replace(b"storage", b"rubbish") + b"tQ.", "not that of a storage"),
        (b"N)R.", "no function"),
        (b"ctorch\nFloatStorage\n)R.", "no function"),
        (b"NNb.", "a state to what has none"),
        (b"(" * 1048577 + b".", "stack is too deep"),
        (b"c" + b"a" * 300 + b"\nb\n.", "too long"),
        (
            STORAGE.replace(b"\x04\x00\x00\x00tQ", b"\x05\x00\x00\x00tQ") + b".",
            "no member 'archive/data/0'",
        ),
    ],
)
def test_broken_pickles(tmp_path, pickled, why):
    with pytest.raises(RuntimeError, match=why):
        mx.open_file(save(tmp_path / "x", None, pickled=pickled))


def test_nesting(tmp_path):
    deep = b"N" + b"\x85" * 100 + b"."  # ((((None,),),),)
    with pytest.raises(RuntimeError, match="nested more than 64 deep"):
        mx.open_file(save(tmp_path / "x", None, pickled=deep))
    ring = b"]q\x00h\x00a."  # a list that holds itself
    with pytest.raises(RuntimeError, match="nested more than 64 deep"):
        mx.open_file(save(tmp_path / "x", None, pickled=ring))
    laughs = (
        b"N"
        + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) * 1 + b"\x86" for i in range(60))
        + b"."
    )
    with pytest.raises(RuntimeError, match="more than ten million values"):
        mx.open_file(save(tmp_path / "x", None, pickled=laughs))


def test_broken_files(tmp_path):
    x = of(np.arange(4, dtype=np.float32))
    with pytest.raises(RuntimeError, match="no member 'archive/data/0'"):
        mx.open_file(save(tmp_path / "x", {"a": x}, leave_out=("0",)))
    with pytest.raises(RuntimeError, match="is compressed"):
        mx.open_file(save(tmp_path / "x", {"a": x}, compress=zipfile.ZIP_DEFLATED))
    with pytest.raises(RuntimeError, match="neither little nor big"):
        mx.open_file(save(tmp_path / "x", {"a": x}, order="middle"))
    whole = (save(tmp_path / "x", {"a": x})).read_bytes()
    for n in range(0, len(whole), 37):
        (tmp_path / "cut").write_bytes(whole[:n])
        with pytest.raises(RuntimeError):
            mx.open_file(tmp_path / "cut")
    old = save_old(tmp_path / "old", {"a": x}).read_bytes()
    for n in range(len(MAGIC) + 1, len(old)):
        (tmp_path / "cut").write_bytes(old[:n])
        with pytest.raises(RuntimeError):
            mx.open_file(tmp_path / "cut")


@pytest.mark.parametrize("name", ["x.pt", "x.bin", "x.pth", "x"])
def test_load_finds_it(tmp_path, name):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    path = save(tmp_path / name, {"a": of(x), "step": 3})
    arrays, metadata = mx.load(path, return_metadata=True)
    assert list(arrays) == ["a"] and same(arrays["a"], x) and metadata["step"].item() == 3
    assert same(mx.load(str(path), mmap=True)["a"], x)


def test_load_goes_by_content(tmp_path):
    x = mx.arange(6)
    for kind, write in (
        ("npy", lambda p: mx.save(p, x)),
        ("npz", lambda p: mx.savez(p, a=x)),
        ("safetensors", lambda p: mx.save_safetensors(p, {"a": x})),
        ("gguf", lambda p: mx.save_gguf(p, {"a": x}, {})),
    ):
        write(str(tmp_path / f"a.{kind}"))
        other = (tmp_path / f"a.{kind}").rename(tmp_path / f"{kind}.bin")
        found = mx.load(other)
        assert mx.array_equal(found if kind == "npy" else found["a"], x).item()
    (tmp_path / "no.bin").write_bytes(b"nothing that is known")
    with pytest.raises(ValueError, match="Unknown file format bin: .*of no format"):
        mx.load(tmp_path / "no.bin")
    with pytest.raises(ValueError, match="Could not infer"):
        mx.load(tmp_path / "absent")
    with pytest.raises(ValueError, match="Unknown file format pt$"):
        mx.load(tmp_path / "no.bin", format="pt")
    with pytest.raises(ValueError, match="metadata not supported for format npy"):
        mx.load(tmp_path / "npy.bin", return_metadata=True)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("torch\nComplexDoubleStorage", "a tensor of complex128 is not read: 'torch.Comp"),
        ("torch\ncomplex32", "a tensor of this dtype is not read: 'torch.complex32'"),
        ("torch\nuint4", "a tensor of this dtype is not read: 'torch.uint4'"),
        ("os\nuint4", "the pickle names what is not allowed"),
        ("torch._utils\n_rebuild_sparse_tensor", "a sparse tensor is not read"),
        ("torch._utils\n_rebuild_meta_tensor_no_storage", "a meta tensor has no numbers"),
    ],
)
def test_tensors_that_are_not_read_are_named(tmp_path, name, why):
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("x/data.pkl", b"\x80\x02c" + name.encode() + b"\n.")
    with pytest.raises(RuntimeError, match=why):
        mx.open_file(path)
