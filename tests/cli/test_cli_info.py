"""mlx info beside what the formats' specifications, read here, say of the same files."""

import json
import math
import os
import struct
import zipfile

import numpy as np
import pytest

from files import (
    GGML,
    ST_DTYPES,
    ST_NAMES,
    read_gguf,
    read_safetensors,
    write_gguf,
    write_safetensors,
)
from program import DATA, MODELS, document, run

needs_data = pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")


def found(ending):
    return sorted(DATA.rglob(f"*.{ending}")) if DATA else []


def size_of(path):
    return path.stat().st_size


# --- formats -----------------------------------------------------------------------------------


def check_safetensors(path, doc):
    tensors, metadata = read_safetensors(path)
    assert doc["format"] == "safetensors"
    rows = {row["name"]: row for row in doc["tensors"]}
    assert rows.keys() == tensors.keys() and doc["tensor_count"] == len(tensors)
    for name, (dtype, shape, raw) in tensors.items():
        row = rows[name]
        assert (row["storage"], row["shape"]) == (ST_NAMES[dtype], shape)
        assert (row["bytes"], row["elements"]) == (len(raw), math.prod(shape))
        if raw:
            assert path.read_bytes()[row["offset"] : row["offset"] + len(raw)] == raw
    assert {row["key"]: row["value"] for row in doc["metadata"]} == metadata
    assert doc["parameters"] == sum(math.prod(shape) for _, shape, _ in tensors.values())
    assert doc["tensor_bytes"] == sum(len(raw) for _, _, raw in tensors.values())
    assert doc["files"] == [{"path": str(path), "bytes": size_of(path)}]


@needs_data
@pytest.mark.parametrize("path", found("safetensors"), ids=lambda p: p.name)
def test_safetensors_of_others(path):
    check_safetensors(path, document("info", path))


def test_safetensors_of_every_dtype(tmp_path):
    tensors = {
        name: (name, np.zeros((2, 3, k + 1), dtype))
        for k, (name, dtype) in enumerate(ST_DTYPES.items())
    }
    tensors |= {"scalar": np.float32(1.5), "nothing": np.zeros((0, 4), np.float32)}
    path = write_safetensors(
        tmp_path / "named as you like", tensors, {"a": "b", "ключ": "значение"}
    )
    doc = document("info", path)
    check_safetensors(path, doc)
    kinds = {row["storage"]: row for row in doc["storages"]}
    assert sum(row["bytes"] for row in kinds.values()) == doc["tensor_bytes"]
    assert sum(row["share"] for row in kinds.values()) == pytest.approx(1)
    assert kinds["float32"]["tensors"] == 3


def same_value(row, value):
    """Long lists are cut, texts are not."""
    if isinstance(value, list):
        assert row["count"] == len(value)
        value = [v.decode(errors="replace") if isinstance(v, bytes) else v for v in value[:8]]
        assert len(row["value"]) == len(value)
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    assert row["value"] == (pytest.approx(value) if isinstance(value, float) else value), row


@needs_data
@pytest.mark.parametrize(
    "name", ["stories260K/stories260K.gguf", "SmolLM2-135M-Instruct.Q4_1.gguf"]
)
def test_gguf_of_others(name):
    path = DATA / name if (DATA / name).exists() else MODELS / name
    if not path.exists():
        pytest.skip("no models (tools/get_models.sh)")
    tensors, metadata = read_gguf(path)
    doc = document("info", path)
    assert {row["name"]: (row["storage"], row["shape"]) for row in doc["tensors"]} == tensors
    assert [row["key"] for row in doc["metadata"]] == list(metadata)
    for row in doc["metadata"]:
        same_value(row, metadata[row["key"]])
    assert doc["family"] == "llama" and doc["format"] == "gguf"
    assert doc.get("scheme") == ("q4_1" if "Q4_1" in name else None)
    for row in doc["tensors"]:
        _, items, size = GGML[row["storage"]]
        assert row["bytes"] == math.prod(row["shape"]) // items * size


def test_gguf_metadata_of_every_type(tmp_path):
    numbers = {0: 200, 1: -100, 2: 60000, 3: -30000, 4: 4000000000, 5: -5, 6: 0.5, 7: True}
    numbers |= {10: 2**63 - 1, 11: -(2**63), 12: 1e300}
    metadata = {f"n.{k}": (k, v) for k, v in numbers.items()}
    metadata |= {f"l.{k}": (k, [v, v]) for k, v in numbers.items()}
    metadata |= {
        "big": (10, 2**64 - 1),
        "nan": (12, float("nan")),
        "text": "one",
        "texts": ["a", "b"],
    }
    metadata["long"] = (5, list(range(1000)))
    path = write_gguf(tmp_path / "m", {}, metadata)
    rows = {row["key"]: row for row in document("info", path, "--full")["metadata"]}
    for key, value in metadata.items():
        value = value[1] if isinstance(value, tuple) else value
        want = {"big": str(2**64 - 1), "nan": "nan"}.get(key, value)
        assert rows[key]["value"] == want, key
    assert rows["long"]["count"] == 1000 and rows["n.6"]["dtype"] == "float32"
    short = {row["key"]: row for row in document("info", path)["metadata"]}
    assert short["long"]["value"] == list(range(8)) and short["long"]["count"] == 1000
    assert "1000 values" in run("info", path).stdout


def test_npz_as_numpy_has_it(tmp_path):
    arrays = {
        "a": np.arange(6).reshape(2, 3),
        "b": np.float32(2),
        "c": np.zeros((4, 1), np.complex64),
    }
    for save in np.savez, np.savez_compressed:
        save(tmp_path / "a.npz", **arrays)
        doc = document("info", tmp_path / "a.npz")
        assert doc["format"] == "npz"
        rows = {row["name"]: (row["dtype"], tuple(row["shape"])) for row in doc["tensors"]}
        assert rows == {k: (np.asarray(v).dtype.name, np.shape(v)) for k, v in arrays.items()}
    np.save(tmp_path / "a.npy", arrays["a"])
    assert document("info", tmp_path / "a.npy")["tensors"][0]["shape"] == [2, 3]


def test_scheme(tmp_path):
    """What the file says of itself, else the blocks that take most of it."""
    blocks = {"a": ("q8_0", [1, 32], bytes(34)), "b": ("q4_k", [4, 256], bytes(4 * 144))}
    for metadata, scheme in {
        15: "q4_k_m",
        3: "q4_1",
        0: "q4_k",
        4000: "q4_k",
        None: "q4_k",
    }.items():
        said = {"general.file_type": (4, metadata)} if metadata is not None else {}
        assert document("info", write_gguf(tmp_path / "m", blocks, said))["scheme"] == scheme
    said = {"general.file_type": "a text"}
    assert document("info", write_gguf(tmp_path / "m", blocks, said))["scheme"] == "q4_k"
    assert "scheme" not in document("info", write_gguf(tmp_path / "m", {}, {}))


# --- models --------------------------------------------------------------------------------------


def write_shards(folder, packed=False):
    """Two shards, an index and config.json, of a model in 4 bits or none."""
    folder.mkdir()
    first = {"model.w.weight": np.zeros((8, 8), np.uint32 if packed else np.float32)}
    if packed:
        first |= {f"model.w.{k}": np.ones((8, 1), np.float16) for k in ("scales", "biases")}
    second = {"lm_head.weight": ("BF16", np.zeros((4, 8), np.uint16))}
    shards = {"model-00001-of-00002.safetensors": first, "model-00002-of-00002.safetensors": second}
    for name, tensors in shards.items():
        write_safetensors(folder / name, tensors, {"format": "mlx"})
    places = {tensor: name for name, tensors in shards.items() for tensor in tensors}
    total = sum(
        (a[1] if isinstance(a, tuple) else a).nbytes for s in shards.values() for a in s.values()
    )
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    config = {"model_type": "qwen3"}
    if packed:
        config["quantization"] = {"bits": 4, "group_size": 64}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_folder_of_shards(tmp_path):
    folder = write_shards(tmp_path / "model")
    doc = document("info", folder)
    assert doc["family"] == "qwen3" and len(doc["files"]) == 2 and doc["tensor_count"] == 2
    assert doc == document("info", folder / "model.safetensors.index.json")
    assert {row["name"]: row["file"] for row in doc["tensors"]}["lm_head.weight"] == 1
    text = run("info", folder).stdout
    assert "qwen3" in text and "lm_head.weight" in text


def test_parameters_of_packed_matrices(tmp_path):
    doc = document("info", write_shards(tmp_path / "model", packed=True))
    assert doc["parameters"] == 8 * 64 + 32  # 8 words of 8 values in each row
    assert doc["quantization"] == {"bits": 4, "group_size": 64}
    assert doc["scheme"] == "4 bits, groups of 64"
    assert doc["bits_per_parameter"] == pytest.approx(8 * doc["tensor_bytes"] / doc["parameters"])


@pytest.mark.parametrize(
    "config", ["", "[]", "null", "{", '{"model_type": 3, "quantization": "x"}']
)
def test_odd_config(tmp_path, config):
    folder = write_shards(tmp_path / "model")
    (folder / "config.json").write_text(config)
    assert "family" not in document("info", folder, "--quiet")
    done = run("info", folder, capture_output=True, text=False)
    broken = config in ("", "null", "{")
    assert (b"config.json beside it is no JSON" in done.stderr) == broken


def test_choosing_tensors(tmp_path):
    names = ["a.mlp.up", "a.mlp.down", "a.attn.q", "b.mlp.up"]
    path = write_safetensors(tmp_path / "m", {n: np.zeros(2, np.float32) for n in names})
    doc = document("info", path, "--match", "*.mlp.*")
    assert [row["name"] for row in doc["tensors"]] == [n for n in names if ".mlp." in n]
    assert doc["tensor_count"] == 4  # totals are of the model
    assert "attn" not in run("info", path, "-m*.mlp.*").stdout
    assert "attn" in run("info", path).stdout and "attn" not in run("info", path, "-s").stdout


# --- size ---------------------------------------------------------------------------------------


def write_sparse(path, size):
    """One tensor of so many bytes, of which the disk holds none."""
    rows = size // 4 // 4096
    header = {"w": {"dtype": "F32", "shape": [rows, 4096], "data_offsets": [0, rows * 4096 * 4]}}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + rows * 4096 * 4)
    return path


def test_hundred_gigabytes(tmp_path):
    try:
        path = write_sparse(tmp_path / "large.safetensors", 100 << 30)
    except OSError:
        pytest.skip("this file system has no files of 100 GB")
    doc = document("info", path)
    assert doc["tensor_bytes"] == 100 << 30
    assert "100 GiB" in run("info", path).stdout


# --- what is wrong --------------------------------------------------------------------------------


def refused(path, *words):
    done = run("info", path, status=1)
    assert done.stdout == "" and done.stderr.startswith("mlx info: ")
    assert "[" not in done.stderr  # the library's own names
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert document("info", path, status=1)["error"] in done.stderr


def test_refused(tmp_path):
    refused(tmp_path / "none.gguf", "none.gguf", "No such file")
    refused(tmp_path, "no model")
    for name, content in {"empty": b"", "text": b"hello, world", "gguf": b"GGUF\x03\0\0\0"}.items():
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, name)
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "pipe")


BROKEN = {
    "gguf-unknown-type": "at byte",
    "gguf-unsupported-version": "at byte",
    "safetensors-gap": "no gaps",
    "safetensors-unknown-dtype": "unsupported dtype F128",
}


@needs_data
@pytest.mark.parametrize("name", BROKEN)
def test_broken_fixtures(tmp_path, name):
    text = (DATA / "fixtures" / "planner-vectors" / "fixtures" / f"{name}.hex").read_text()
    (tmp_path / name).write_bytes(bytes.fromhex(text))
    refused(tmp_path / name, name, BROKEN[name])


NASTY = [
    "\x1b[31mred\x1b[0m",
    "two\nlines",
    "tab\t",
    "\x7f",
    "\x9b31m",
    "right\u202eleft",
    "arabic\u061cmark",
    "back\\slash",
]


def is_harmless(text):
    return all(c == "\n" or (c.isprintable() and c not in "\u061c\u200b\u200e\u200f") for c in text)


@pytest.mark.parametrize("name", NASTY)
def test_hostile_names(tmp_path, name):
    path = write_safetensors(tmp_path / "m", {name: np.zeros(3, np.float32)}, {name: name})
    done = run("info", path, "--full")
    assert is_harmless(done.stdout), done.stdout
    doc = document("info", path)
    assert [row["name"] for row in doc["tensors"]] == [name]
    assert doc["metadata"][0]["value"] == name
    written = run("info", path, "--json").stdout
    assert written.isascii() and is_harmless(written)
    path = write_gguf(
        tmp_path / "g",
        {name: ("float32", [1], bytes(4))},
        {"general.architecture": name, "l": [name]},
    )
    assert is_harmless(run("info", path).stdout)
    assert document("info", path)["family"] == name


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"cut\xe2\x82", b"\xf5abc"]
)
def test_bytes_that_are_no_text(tmp_path, raw):
    path = write_gguf(tmp_path / "g", {}, {"general.architecture": raw, "list": [raw, b"fine"]})
    text = run("info", path).stdout
    assert is_harmless(text) and "\\x" in text
    assert "\\x" in document("info", path)["family"]


def test_hostile_path(tmp_path):
    path = tmp_path / "\x1b[31mred"
    done = run("info", path, status=1)
    assert is_harmless(done.stderr) and "\\x1b[31mred" in done.stderr


def test_archive_of_other_things(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.npz", "w") as archive:
        archive.writestr("\x1b[31m.npy", b"\x93NUMPY\x01\0" + b"\xff" * 20)
    done = run("info", tmp_path / "z.npz", status=1)
    assert is_harmless(done.stderr)


def test_colours(tmp_path):
    path = write_safetensors(tmp_path / "m", {"a": np.zeros(3, np.float32)})
    assert "\x1b[1m" in run("info", path, "--color=always").stdout
    assert "\x1b" not in run("info", path).stdout  # a pipe
    plain = run("info", path, "--color=never").stdout
    assert plain == run("info", path).stdout
