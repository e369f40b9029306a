"""Where samples come from: files of all kinds, good and broken, and other packages' datasets."""

import gzip
import io
import json
import os
import struct
import warnings
import zipfile
from pathlib import Path

import mlx.data as dx
import numpy as np
import pytest
from mlx.data import datasets

DATA = Path(os.environ.get("MLX_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no data (set MLX_TEST_DATA)")


def resumed(make, stop):
    """What a stream gives behind its first samples, from the state alone."""
    s = make()
    for _ in range(stop):
        next(s)
    again = make()
    again.load_state_dict(json.loads(json.dumps(s.state_dict())))
    return list(again)


# --- texts ----------------------------------------------------------------------------------------

TABLE = 'name,x,y\r\n"a, ""b""",1,0.5\r\n\r\nc,2,1e3\r\n'


def test_csv(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\ufeff" + TABLE, encoding="utf-8", newline="")
    rows = [{"name": 'a, "b"', "x": "1", "y": "0.5"}, {"name": "c", "x": "2", "y": "1e3"}]
    assert list(dx.stream_csv_reader(path)) == rows == list(dx.stream_csv_reader_from_string(TABLE))
    assert resumed(lambda: dx.stream_csv_reader([path, path]), 1) == [rows[1], *rows]
    b = dx.buffer_from_csv(path)
    assert b[1]["name"] == "c" and b[1]["x"] == 2 and b[1]["y"] == 1000
    assert b.batch(2)[0]["x"].dtype == np.int64 and b.batch(2)[0]["y"].dtype == np.float32
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(TABLE.encode()))
    assert list(dx.stream_csv_reader(packed)) == rows


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "no line of names"),
        ("a,a\n1,2\n", "two columns of one name"),
        ("a,b\n1,2\n3\n", "line 3: 1 fields where 2"),
        ('a,b\n"1,2\n', "line 2"),
    ],
)
def test_broken_csv(tmp_path, text, words):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(dx.SampleError, match=words) as caught:
        list(dx.stream_csv_reader(path))
    assert str(path) in str(caught.value)
    with pytest.raises(ValueError, match=words):
        dx.buffer_from_csv(path)


def test_lines(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("eins\r\nzwei\n\ndrei ü".encode())
    lines = [s["line"] for s in dx.stream_line_reader(path)]
    assert lines == ["eins", "zwei", "", "drei ü"]
    path.write_bytes(b"\xff\n")
    with pytest.raises(dx.SampleError, match="read of sample 0 .*a.txt.*utf-8"):
        next(dx.stream_line_reader(path))
    with pytest.raises(FileNotFoundError, match="there is no file"):
        dx.stream_line_reader(tmp_path / "b.txt")


def test_jsonl(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"x": 1}\n\n{"x": [2, 3]}\r\n{"x": "\\u00e4"}')
    wanted = [{"x": 1}, {"x": [2, 3]}, {"x": "ä"}]
    b = dx.buffer_from_jsonl(path)
    assert len(b) == 3 and list(b) == wanted == list(dx.stream_jsonl(path))
    assert resumed(lambda: dx.stream_jsonl([path, path]), 4) == wanted[1:]
    path.write_text('{"x": 1}\n[1]\n{"x": \n')
    b = dx.buffer_from_jsonl(path)
    with pytest.raises(dx.SampleError, match="sample 1: .*line 2: not an object but list"):
        b[1]
    with pytest.raises(dx.SampleError, match="line 3: Expecting value"):
        b[2]
    path.write_text("\n\n")
    with pytest.raises(ValueError, match="has no lines"):
        dx.buffer_from_jsonl(path)
    path.write_text("[" * 100000)
    with pytest.raises(dx.SampleError, match="line 1: "):
        next(dx.stream_jsonl(path))


def test_tokens_of_a_real_tokenizer():
    class Tokenizer:
        def encode(self, text, bare=False):
            return [0] * (not bare) + list(text.encode())

    b = dx.buffer_from_vector([{"t": "ab"}, {"t": b"c"}])
    tokens = b.tokenize("t", Tokenizer(), bare=True)
    assert tokens[0]["t"].tolist() == [97, 98] and tokens[0]["t"].dtype == np.int32
    batch = b.batch(2).tokenize("t", Tokenizer(), "n")[0]
    assert [t.tolist() for t in batch["n"]] == [[0, 97, 98], [0, 99]]


@needs_data
def test_tokens_of_models():
    from mlx import lm

    tokenizer = lm.Tokenizer(DATA / "stories260K" / "stories260K.gguf")
    b = dx.buffer_from_vector([{"t": "Once upon a time"}, {"t": "there was"}] * 20)
    one, some = b.tokenize("t", tokenizer)[0]["t"], b.batch(40).tokenize("t", tokenizer)[0]["t"]
    assert one.tolist() == tokenizer.encode("Once upon a time") == some[0].tolist()
    padded = b.batch(40).tokenize("t", tokenizer, pad=-1)[0]["t"]
    assert padded.shape == (40, len(one)) and padded[1, -1] == -1
    batches = list(b.to_stream().tokenize("t", tokenizer).prefetch(8, 3).batch(4))
    assert len(batches) == 10 and batches[0]["t"][2].tolist()[: len(one)] == one.tolist()


# --- folders, arrays ------------------------------------------------------------------------------


def test_folders(tmp_path):
    for name in ("dog/2.png", "cat/b/1.JPG", "cat/0.png", "cat/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    b = dx.image_folder(tmp_path)
    assert b.classes == ["cat", "dog"] and [s["label"] for s in b] == [0, 0, 1]
    assert [Path(s["file"]).name for s in b] == ["0.png", "1.JPG", "2.png"]
    files = dx.files_from_folder(tmp_path, "**/*.png").load_file("file", output_key="bytes")
    assert [s["bytes"] for s in files] == [b"cat/0.png", b"dog/2.png"]
    with pytest.raises(ValueError, match="no file matches"):
        dx.files_from_folder(tmp_path, "*.wav")
    with pytest.raises(ValueError, match="no image lies"):
        dx.image_folder(tmp_path / "dog")
    with pytest.raises(FileNotFoundError, match="no folder"):
        dx.image_folder(tmp_path / "none")


def test_numpy_files(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(12).reshape(4, 3))
    np.savez(tmp_path / "a.npz", x=np.arange(4), y=np.ones((4, 2)))
    assert dx.buffer_from_numpy(tmp_path / "a.npy", "x").batch(2)[1]["x"].tolist() == [
        [6, 7, 8],
        [9, 10, 11],
    ]
    assert set(dx.buffer_from_numpy(tmp_path / "a.npz")[3]) == {"x", "y"}
    b = dx.buffer_from_vector([{"a": "a.npy"}]).load_numpy("a", prefix=tmp_path)
    assert b[0]["a"].shape == (4, 3)
    np.save(tmp_path / "o.npy", np.array([{}]), allow_pickle=True)
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(data[:-8])
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("o.npy", "cut.npy", "empty.npy"):
        with pytest.raises(ValueError, match=f"{name}: "):
            dx.buffer_from_numpy(tmp_path / name)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", b"..", "a/.."])
def test_names_stay_below_the_prefix(name, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    samples = dx.buffer_from_vector([{"f": name, "x": np.zeros((2, 2, 3), np.uint8)}])
    for step in (
        lambda: samples.load_file("f", prefix=tmp_path / "in"),
        lambda: samples.load_numpy("f", prefix=tmp_path / "in"),
        lambda: samples.load_audio("f", prefix=tmp_path / "in"),
        lambda: samples.load_image("f", prefix=str(tmp_path / "in")),
        lambda: samples.save_image("x", "f", prefix=os.fsencode(tmp_path / "in")),
    ):
        with pytest.raises(ValueError, match="is no name below the prefix '.*/in': it leads out"):
            step()[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "secret"]


def test_names_without_a_prefix_are_any(tmp_path):
    (tmp_path / "a..b").write_bytes(b"x")
    whole = dx.buffer_from_vector([{"f": str(tmp_path / "a..b")}]).load_file("f")
    assert whole[0]["f"] == b"x"
    below = dx.buffer_from_vector([{"f": "./a..b"}]).load_file("f", prefix=tmp_path)
    assert below[0]["f"] == b"x"


# --- IDX and CIFAR --------------------------------------------------------------------------------


def idx(array, code):
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize(
    "kind, code", [("u1", 8), ("i1", 9), ("i2", 11), ("i4", 12), ("f4", 13), ("f8", 14)]
)
def test_idx(tmp_path, kind, code):
    array = np.arange(24).reshape(2, 3, 4).astype(kind)
    (tmp_path / "a").write_bytes(gzip.compress(idx(array, code)))
    found = datasets.read_idx(tmp_path / "a")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_broken_idx(tmp_path):
    good = idx(np.zeros((2, 3), np.uint8), 8)
    huge = bytes([0, 0, 8, 3]) + b"\xff" * 12
    for data in (b"", good[:3], b"\0\0\7\1" + good[4:], good[:9], good[:-1], good + b"x", huge):
        (tmp_path / "a").write_bytes(data)
        with pytest.raises(ValueError, match=r"\[data\] .*/a(:| has) "):
            datasets.read_idx(tmp_path / "a")
    (tmp_path / "a").write_bytes(gzip.compress(good + bytes(1 << 24)))  # it is not unpacked
    words = r"has more than 6 bytes of elements, \(2, 3\) are 6"
    with pytest.raises(ValueError, match=words):
        datasets.read_idx(tmp_path / "a")
    (tmp_path / "a").write_bytes(gzip.compress(good)[:-9])
    with pytest.raises(ValueError, match="/a: Compressed file ended"):
        datasets.read_idx(tmp_path / "a")
    (tmp_path / "a").write_bytes(gzip.compress(good)[:10] + b"\xff" * 20)
    for read in (datasets.read_idx, datasets.read_cifar, dx.buffer_from_csv):
        with pytest.raises(ValueError, match=r"\[data\] .*/a: .*invalid"):
            read(tmp_path / "a")


def mnist_folder(folder, labels):
    (folder / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((3, 28, 28), np.uint8), 8))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.array(labels, np.uint8), 8))


def test_mnist(tmp_path):
    mnist_folder(tmp_path, [1, 9, 0])
    b = datasets.load_mnist(tmp_path)
    assert len(b) == 3 and b[1]["label"] == 9 and b[0]["image"].shape == (28, 28, 1)
    with pytest.raises(FileNotFoundError, match="lacks t10k-images-idx3-ubyte of MNIST"):
        datasets.load_mnist(tmp_path, train=False)
    mnist_folder(tmp_path, [1, 10, 0])
    with pytest.raises(ValueError, match="a label is 10, 9 is the last"):
        datasets.load_mnist(tmp_path)
    mnist_folder(tmp_path, [1, 0])
    with pytest.raises(ValueError, match="different numbers"):
        datasets.load_mnist(tmp_path)


def test_cifar(tmp_path):
    image = np.arange(3072, dtype=np.int64).astype(np.uint8)
    for i in range(1, 6):
        (tmp_path / f"data_batch_{i}.bin").write_bytes(bytes([i]) + image.tobytes())
    b = datasets.load_cifar10(tmp_path)
    assert [int(s["label"]) for s in b] == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(b[0]["image"], image.reshape(3, 32, 32).transpose(1, 2, 0))
    (tmp_path / "test.bin").write_bytes(bytes([1, 99]) + image.tobytes())
    assert datasets.load_cifar100(tmp_path, train=False)[0]["label"] == 99
    for data, words in (
        (b"", "0 bytes are no images"),
        (bytes(3072), "no images"),
        (b"\x0a" + bytes(3072), "label is 10"),
    ):
        (tmp_path / "test_batch.bin").write_bytes(data)
        with pytest.raises(ValueError, match=words):
            datasets.load_cifar10(tmp_path, train=False)


@needs_data
def test_real_sets():
    test = datasets.load_mnist(DATA / "mnist", train=False)
    assert len(test) == 10000 and test[0]["label"] == 7
    cifar = datasets.read_cifar(DATA / "cifar10_subset" / "cifar10_train_first2000.bin.gz")
    assert cifar["image"].shape == (2000, 32, 32, 3) and cifar["label"].max() == 9
    rows = dx.buffer_from_jsonl(DATA / "lora_wikisql" / "train.jsonl")
    assert len(rows) == 1000 and rows[0]["text"].startswith("table:")
    assert len(list(dx.stream_line_reader(DATA / "text" / "names.txt"))) == 32033


# --- other packages -------------------------------------------------------------------------------


class Pairs:
    """As datasets of PyTorch are."""

    def __len__(self):
        return 5

    def __getitem__(self, i):
        if i == 3:
            raise RuntimeError("three")
        return np.full(2, i), i


def test_datasets_by_their_methods():
    b = dx.buffer_from_dataset(Pairs(), ("x", "y"))
    assert len(b) == 5 and b[2]["y"] == 2 and b[1]["x"].tolist() == [1, 1]
    with pytest.raises(dx.SampleError, match="read of sample 3: three"):
        list(dx.stream_from_dataset(Pairs(), ("x", "y")).prefetch(2, 2))
    with pytest.raises(dx.SampleError, match="2 values, and 0 keys"):
        dx.buffer_from_dataset(Pairs())[0]
    with pytest.raises(TypeError, match="stream_from_dataset"):
        dx.buffer_from_dataset(x for x in ())
    again = [{"x": 1}, {"x": 2}]
    s = dx.stream_from_dataset({1: 1}.keys() and again)
    assert list(s) == again == list(s.reset())


@pytest.mark.parametrize("make", [dx.buffer_from_dataset, dx.stream_from_dataset])
def test_several_datasets_by_name(make):
    parts = {"train": [{"x": 1}], "test": [{"x": 2}]}
    with pytest.raises(
        TypeError, match="dict has items by name, not by number: give one of train, test$"
    ):
        make(parts)
    with pytest.raises(TypeError, match=r"one of 0, 1, 2, 3 \.\.\.$"):
        make({str(i): [] for i in range(9)})
    numbered = make({0: {"x": 3}, 1: {"x": 4}})
    assert [s["x"] for s in numbered] == [3, 4]


def test_datasets_of_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from torch.utils.data import IterableDataset, TensorDataset

    data = TensorDataset(torch.arange(12).reshape(4, 3).float(), torch.arange(4))
    batch = next(dx.buffer_from_dataset(data, ("x", "y")).to_stream().batch(4))
    assert batch["x"].shape == (4, 3) and batch["y"].tolist() == [0, 1, 2, 3]

    class Some(IterableDataset):
        def __iter__(self):
            yield from range(3)

    assert [s["n"] for s in dx.stream_from_dataset(Some(), ["n"])] == [0, 1, 2]


def test_datasets_of_hugging_face():
    hf = pytest.importorskip("datasets", reason="datasets is not installed")
    data = hf.Dataset.from_dict({"t": ["a", "bc"], "n": [1, 2], "l": [[1, 2], [3, 4]]})
    b = dx.buffer_from_dataset(data)
    assert b[1] == {"t": "bc", "n": 2, "l": [3, 4]}
    batch = b.batch(2)[0]
    assert batch["l"].tolist() == [[1, 2], [3, 4]] and batch["t"] == ["a", "bc"]
    assert [s["n"] for s in dx.stream_from_dataset(data.to_iterable_dataset())] == [1, 2]


def test_arrow_and_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pq = pytest.importorskip("pyarrow.parquet")
    columns = {"x": [1.5, 2.5, 3.5], "n": [1, 2, 3], "t": ["a", "ü", ""], "l": [[1], [1, 2], []]}
    table = pa.table(columns)
    for b in (dx.buffer_from_arrow(table), dx.buffer_from_arrow(table.to_batches()[0])):
        assert b[1]["t"] == "ü" and b[1]["n"] == 2 and b[1]["l"].tolist() == [1, 2]
        assert b.filter_key(["x", "n"]).batch(3)[0]["x"].tolist() == [1.5, 2.5, 3.5]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": list(range(10))}), path, row_group_size=4)
    assert [int(s["n"]) for s in dx.buffer_from_parquet([path, path])] == [*range(10)] * 2
    assert [int(s["n"]) for s in dx.stream_parquet(path)] == [*range(10)]
    assert [int(s["n"]) for s in resumed(lambda: dx.stream_parquet(path), 6)] == [6, 7, 8, 9]
    assert set(dx.buffer_from_parquet(path, columns=["n"])[0]) == {"n"}
    (tmp_path / "bad.parquet").write_bytes(path.read_bytes()[:-20])
    for read in (dx.buffer_from_parquet, dx.stream_parquet):
        with pytest.raises(ValueError, match="bad.parquet: "):
            read(tmp_path / "bad.parquet")


# --- what is missing ------------------------------------------------------------------------------


def test_empty_fields_of_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n,x,t,none\n1,0.5,a,\n,,,\n3,nan,b,\n,2.5,c,\n")
    with pytest.raises(
        ValueError, match=r"a.csv: the column 'n' has an empty field in row 1, the fi"
    ):
        dx.buffer_from_csv(path)
    with pytest.raises(
        ValueError, match=r"column 'x' has an empty field in row 1: say fill={'x': va"
    ):
        dx.buffer_from_csv(path, fill={"n": -1})
    b = dx.buffer_from_csv(path, fill={"n": -1, "x": 0, "t": "?"}).batch(4)[0]
    assert b["n"].tolist() == [1, -1, 3, -1] and b["n"].dtype == np.int64
    np.testing.assert_array_equal(b["x"], np.array([0.5, 0, np.nan, 2.5], np.float32))
    assert b["t"] == ["a", "?", "b", "c"] and b["none"] == [""] * 4
    assert dx.buffer_from_csv(path, fill={"n": 0.5, "x": 0})[1]["n"] == 0.5
    rows = list(dx.stream_csv_reader(path, fill={"n": 7}))
    assert [row["n"] for row in rows] == ["1", "7", "3", "7"] and rows[1]["x"] == ""
    for read in (dx.buffer_from_csv, lambda *a, **k: list(dx.stream_csv_reader(*a, **k))):
        with pytest.raises(ValueError, match="no column 'y' among n, x, t, none"):
            read(path, fill={"y": 0})


def test_nulls_of_json(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"x": 1, "t": "a"}\n{"x": null, "t": "b"}\n{"t": null}\n{"x": [1, [null]]}\n')
    b, fill = dx.buffer_from_jsonl(path), {"x": -1, "t": ""}
    with pytest.raises(dx.SampleError, match="line 2: 'x' is null: say fill={'x': value}"):
        b[1]
    with pytest.raises(dx.SampleError, match="line 3: 't' is null"):
        next(dx.stream_jsonl(path, fill={"x": 0}).filter(lambda s: s["x"] == 9))
    wanted = [{"x": 1, "t": "a"}, {"x": -1, "t": "b"}, {"x": -1, "t": ""}]
    assert list(dx.buffer_from_jsonl(path, fill=fill)[:3]) == wanted
    assert list(dx.stream_jsonl(path, fill=fill).take(3)) == wanted
    assert dx.buffer_from_jsonl(path, fill=fill)[:3].batch(3)[0]["x"].tolist() == [1, -1, -1]
    with pytest.raises(dx.SampleError, match="line 4: a list under 'x' has a null in it"):
        dx.buffer_from_jsonl(path, fill=fill)[3]


def test_nulls_of_arrow(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pq = pytest.importorskip("pyarrow.parquet")
    columns = {"n": [1, 2, None, 4], "x": [0.5, None, None, 2], "t": ["a", "b", "c", None]}
    table, path = pa.table(columns), tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=2)
    some = pa.chunked_array([table["n"].chunk(0)[:2], table["n"].chunk(0)[2:]])
    for name, row, count in (("n", 2, ""), ("x", 1, ", the first of 2"), ("t", 3, "")):
        words = f"column {name!r} has a null in row {row}{count}: say fill={{{name!r}: value}}"
        for read in (
            lambda: dx.buffer_from_arrow(table.select([name])),
            lambda: dx.buffer_from_arrow(table.select([name]).to_batches()[0]),
            lambda: dx.buffer_from_parquet(path, columns=[name]),
        ):
            with pytest.raises(ValueError, match=words):
                read()
    with pytest.raises(ValueError, match="'n' has a null in row 2:"):
        dx.buffer_from_arrow(pa.table({"n": some}))
    with pytest.raises(dx.SampleError, match="'n' has a null in row 2"):
        list(dx.stream_parquet(path, columns=["n"]))
    fill = {"n": -1, "x": float("nan"), "t": ""}
    for b in (dx.buffer_from_arrow(table, fill=fill), dx.buffer_from_parquet(path, fill=fill)):
        whole = b.batch(4)[0]
        assert whole["n"].tolist() == [1, 2, -1, 4] and whole["t"] == ["a", "b", "c", ""]
        assert np.isnan(whole["x"]).tolist() == [False, True, True, False]
    assert [s["t"] for s in dx.stream_parquet(path, fill=fill)] == ["a", "b", "c", ""]
    with pytest.raises(ValueError, match="no column 'y' among n, x, t"):
        dx.buffer_from_arrow(table, fill={"y": 0})
    for name, odd in (("n", "x"), ("n", -1.5), ("n", float("nan")), ("n", 2**63), ("x", "1")):
        with pytest.raises(ValueError, match=f"fill of the column {name!r}: it is .*64 holds"):
            dx.buffer_from_arrow(table, fill={**fill, name: odd})
    small = pa.table({"u": pa.array([1, None], pa.uint8()), "f": pa.array([1, None], pa.float32())})
    for odd in ({"u": -1, "f": 0}, {"u": 256, "f": 0}, {"u": 0, "f": 1e39}):
        with pytest.raises(ValueError, match="fill of the column '[uf]': it is .*(8|32) holds"):
            dx.buffer_from_arrow(small, fill=odd)
    whole = dx.buffer_from_arrow(small, fill={"u": pa.scalar(255), "f": 0.5}).batch(2)[0]
    assert whole["u"].tolist() == [1, 255] and whole["f"].tolist() == [1, 0.5]
    lists = pa.table({"l": [[1, 2], [3, None]], "d": [[[1]], [[None]]]})
    b = dx.buffer_from_arrow(lists)
    assert b[0]["l"].tolist() == [1, 2]
    with pytest.raises(dx.SampleError, match="sample 1: a list under 'l' has a null in it"):
        b[1]
    with pytest.raises(dx.SampleError, match="sample 1: a list under 'd' has a null in it"):
        b.filter_key(["d"]) and dx.buffer_from_arrow(lists.select(["d"]))[1]


@needs_data
@pytest.mark.skipif(dx.images._jpeg is None, reason="built without libjpeg")
def test_a_jpeg_file_that_is_too_large_needs_no_pillow():
    path = DATA / "clip" / "dog.jpeg"
    height, width, _ = dx.images.load(path).shape
    with pytest.raises(ValueError, match=f"{width} x {height} pixels are more than max_pixels, 99"):
        dx.images.load(path, max_pixels=99)


def test_empty_lists_of_arrow_are_of_its_type():
    pa = pytest.importorskip("pyarrow")
    b = dx.buffer_from_arrow(pa.table({"n": [[1, 2], []], "f": [[0.5], []]}))
    assert b[1]["n"].dtype == np.int64 and b[1]["f"].dtype == np.float64
    assert b.batch(2)[0]["n"].dtype == np.int64


def test_long_fields_of_csv(tmp_path):
    (tmp_path / "a.csv").write_text(f"t,n\n{'x' * 200_000},1\n")
    for source in (dx.stream_csv_reader, dx.buffer_from_csv):
        assert len(next(iter(source(tmp_path / "a.csv")))["t"]) == 200_000


# --- two of one name ------------------------------------------------------------------------------


def test_two_columns_of_one_name(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pq = pytest.importorskip("pyarrow.parquet")
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")
    for read in (
        lambda: dx.buffer_from_arrow(table),
        lambda: dx.buffer_from_arrow(table.to_batches()[0]),
        lambda: dx.buffer_from_parquet(tmp_path / "a.parquet"),
        lambda: next(dx.stream_parquet(tmp_path / "a.parquet")),
    ):
        with pytest.raises(ValueError, match="two columns 'a'"):
            read()


def test_columns_of_parquet_are_there(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a": [1], "b": [[1, None]]}), tmp_path / "a.parquet")
    for read in (dx.buffer_from_parquet, dx.stream_parquet):
        with pytest.raises(
            ValueError, match="a.parquet: columns: there is no column 'c' among a, b"
        ):
            read(tmp_path / "a.parquet", ["a", "c"])
        with pytest.raises(TypeError, match="columns are a list of names, not 'a'"):
            read(tmp_path / "a.parquet", "a")
    table = pa.table({"b": [[1], [None], [2]]})
    pq.write_table(table, tmp_path / "b.parquet", row_group_size=2)
    s = dx.stream_parquet(tmp_path / "b.parquet")
    assert next(s)["b"].tolist() == [1]
    with pytest.raises(dx.SampleError, match=r"read of sample 1 \(.*b.parquet\): row 1: a list"):
        next(s)
    assert next(s)["b"].tolist() == [2]


def test_two_arrays_of_one_name(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(2))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.writestr("x.npy", file.read("x.npy"))
    with pytest.raises(ValueError, match="a.npz: there are two arrays 'x'"):
        dx.buffer_from_numpy(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="the column 'x' was given twice"):
        dx.buffer_from_arrays({"x": [1]}, x=[2])
    for read in (dx.buffer_from_dataset, dx.stream_from_dataset):
        with pytest.raises(ValueError, match="the key 'x' is for two values"):
            read([(1, 2)], ["x", "x"])


def test_arrays_of_another_machine(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3, dtype=">i4"))
    batch = dx.buffer_from_numpy(tmp_path / "a.npy").batch(3)[0]["array"]
    assert batch.dtype == np.int32 and batch.tolist() == [0, 1, 2]


def test_folders_of_classes_have_images(tmp_path):
    for name in "cat/1.jpg", "dog/1.jpg", ".git/1.jpg", ".cache/x":
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = dx.image_folder(tmp_path)
    assert found.classes == ["cat", "dog"] and [s["label"] for s in found] == [0, 1]
    (tmp_path / "cow").mkdir()  # left out, it would move the numbers of the classes behind it
    with pytest.raises(ValueError, match="cow is the folder of a class without images"):
        dx.image_folder(tmp_path)


def test_files_that_are_none_of_arrays(tmp_path):
    (tmp_path / "a.txt").write_text("1 2 3\n")
    (tmp_path / "empty.npy").touch()
    for name in "a.txt", "empty.npy":
        with pytest.raises(ValueError, match=f"{name}: this is no .npy or .npz file"):
            dx.buffer_from_numpy(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        dx.buffer_from_numpy(tmp_path / "none.npy")
    header = bytes([0, 0, 8, 100]) + struct.pack(">100I", *[1] * 100)
    (tmp_path / "a.idx").write_bytes(header + b"x")
    with pytest.raises(ValueError, match="a.idx: it has 100 dimensions, 32 are the most"):
        datasets.read_idx(tmp_path / "a.idx")


@pytest.mark.parametrize("read", [dx.buffer_from_csv, dx.buffer_from_jsonl, dx.stream_csv_reader])
def test_what_is_no_path(read):
    with pytest.raises(TypeError, match="a path was expected, or several, not NoneType"):
        read(None)


def test_broken_numpy_files_say_so_in_own_words(tmp_path):
    np.save(tmp_path / "good.npy", np.arange(10))
    np.savez(tmp_path / "good.npz", x=np.arange(10))
    np.save(tmp_path / "object.npy", np.array([None, "a"], object), allow_pickle=True)
    np.savez(tmp_path / "object.npz", x=np.array([None], object))
    npy, npz = (tmp_path / "good.npy").read_bytes(), (tmp_path / "good.npz").read_bytes()
    files = {
        "cut.npy": (npy[:-8], "it is shorter than its header says"),
        "head.npy": (npy[:20], "reading array header"),
        "open.npy": (npy[:10] + npy[10:].replace(b")", b"(", 1), "its header is broken"),
        "names.npy": (npy[:10] + npy[10:].replace(b"False", b"Falsy", 1), "its header is broken"),
        "junk.npy": (b"junk", "this is no .npy or .npz file"),
        "empty.npy": (b"", "this is no .npy or .npz file"),
        "cut.npz": (npz[:-30], "the archive is broken or cut short"),
        "object.npy": (None, "it holds objects of Python, which are refused"),
        "object.npz": (None, "it holds objects of Python, which are refused"),
    }
    for name, (data, words) in files.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError) as caught:
            dx.buffer_from_numpy(tmp_path / name)
        text = str(caught.value)
        assert text.startswith(f"[data] {tmp_path / name}: ") and words in text and "\n" not in text
        with pytest.raises(dx.SampleError) as caught:
            dx.buffer_from_vector([{"f": name}]).load_numpy("f", tmp_path)[0]
        assert words in str(caught.value) and str(tmp_path / name) in str(caught.value)
    folder = tmp_path / "folder"
    folder.mkdir()
    for read in dx.buffer_from_numpy, datasets.read_idx, datasets.read_cifar:
        with pytest.raises(ValueError) as caught:
            read(folder)
        assert str(caught.value) == f"[data] {folder}: Is a directory"


def test_arrays_of_files_are_arrays_of_their_own(tmp_path):
    for array in np.arange(6).reshape(2, 3).T, np.zeros((0, 3)), np.array(3.5):
        np.save(tmp_path / "a.npy", array)
        found = dx.buffer_from_vector([{"f": "a.npy"}]).load_numpy("f", tmp_path)[0]["f"]
        assert type(found) is np.ndarray and found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
        found[...] = 1  # the file is not written to
        np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), array)


def test_lists_of_arrow_keep_their_dtype(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pq = pytest.importorskip("pyarrow.parquet")
    kinds = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64()]
    kinds += [pa.uint64(), pa.float32(), pa.float64(), pa.bool_()]
    for kind in kinds:
        dtype = np.dtype(kind.to_pandas_dtype())
        ones = pa.array([[0, 1], [], [1]], pa.list_(pa.int8())).cast(pa.list_(kind))
        table = pa.table(
            {"x": ones, "y": pa.array([[o] for o in ones.to_pylist()], pa.list_(ones.type))}
        )
        pq.write_table(table, tmp_path / "a.parquet")
        for b in dx.buffer_from_arrow(table), dx.buffer_from_parquet(tmp_path / "a.parquet"):
            assert [s["x"].tolist() for s in b] == [[0, 1], [], [1]]
            assert [s["y"].tolist() for s in b] == [[[0, 1]], [[]], [[1]]]
            assert {s[key].dtype for s in b for key in "xy"} == {dtype}
            assert b.batch(3)[0]["x"].dtype == dtype and b.batch(3)[0]["x"].shape == (3, 2)
    most = pa.table({"x": pa.array([[2**64 - 1]], pa.list_(pa.uint64()))})
    assert dx.buffer_from_arrow(most)[0]["x"].tolist() == [2**64 - 1]


def test_lists_of_arrow_without_numbers():
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = pa.table(
        {
            "texts": [["a", "bc"], []],
            "bytes": [[b"a\0", b""], []],
            "rows": [[{"n": 1}], []],
            "nested": pa.array([[], [[1.5]]], pa.list_(pa.list_(pa.float32()))),
        }
    )
    first, second = dx.buffer_from_arrow(table)
    assert first["texts"].tolist() == ["a", "bc"] and second["texts"].dtype.kind == "U"
    assert first["bytes"] == [b"a\0", b""] and first["rows"] == [{"n": 1}]
    assert first["nested"].shape == (0, 0) and second["nested"].shape == (1, 1)
    nested = dx.buffer_from_arrow(table).filter_key("nested").batch(2)[0]["nested"]
    assert nested.shape == (2, 1, 1) and nested.dtype == np.float32


def test_tables_of_other_libraries():
    """What polars, DuckDB and others have: a stream of Arrow's C interface."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

    class Foreign:
        columns = schema = None

        def __arrow_c_stream__(self, requested_schema=None):
            table = pa.table({"x": [1, 2, None], "t": ["a", "b", "c"]})
            return table.__arrow_c_stream__(requested_schema)

    b = dx.buffer_from_arrow(Foreign(), fill={"x": 7})
    assert [(int(s["x"]), s["t"]) for s in b] == [(1, "a"), (2, "b"), (7, "c")]
    with pytest.raises(TypeError, match="str is no table of Arrow"):
        dx.buffer_from_arrow("a.parquet")


def test_columns_of_objects_that_are_texts():
    """As pandas has them."""
    b = dx.buffer_from_arrays(t=np.array(["a", "bc"], object), n=np.array([1, 2]))
    assert b.batch(2)[0]["t"] == ["a", "bc"] and b[1]["t"] == "bc"


def test_none_among_numbers_is_named():
    b = dx.buffer_from_dataset([{"x": 1.5}, {"x": None}])
    with pytest.raises(dx.SampleError, match="under 'x': None stands beside numbers"):
        b.batch(2)[0]
