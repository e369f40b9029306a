"""mlx split and mlx merge: every byte of every tensor, and the metadata, come back."""

import json
import os
import resource
import signal
import subprocess
import time

import numpy as np
import pytest

import seeds
from files import GGML, read_gguf, read_safetensors, write_gguf, write_safetensors
from program import MLX, MODELS, document, environment, run


@pytest.fixture
def model(tmp_path):
    draw = seeds.generator(3)
    tensors = {f"layer.{i}.w": draw.normal(size=(i + 1, 100)).astype(np.float32) for i in range(9)}
    tensors |= {"half": ("BF16", draw.integers(0, 1 << 16, 50).astype(np.uint16))}
    tensors |= {"scalar": np.int64(-5), "none": np.zeros((0, 3), np.float32)}
    return write_safetensors(tmp_path / "in.safetensors", tensors, {"format": "pt", "who": "me"})


@pytest.fixture
def gguf(tmp_path):
    draw = seeds.generator(4)
    tensors = {}
    for i, storage in enumerate(["q8_0", "q4_0", "q6_k", "float32", "q5_1"]):
        _, items, size = GGML[storage]
        shape = [i + 1, 256]
        tensors[f"blk.{i}"] = storage, shape, draw.bytes((i + 1) * 256 // items * size)
    metadata = {"general.architecture": "llama", "l": ["a", "b"], "n": (4, 7), "f": (6, [0.5, 1])}
    return write_gguf(tmp_path / "in.gguf", tensors, metadata)


def files_of(doc):
    return [row["path"] for row in doc["files"]]


def test_safetensors(model, tmp_path):
    doc = document("split", model, tmp_path / "out.safetensors", "--max-size", "3000")
    paths = files_of(doc)
    n = len(paths)
    assert n > 3
    assert paths == [str(tmp_path / f"out-{i + 1:05}-of-{n:05}.safetensors") for i in range(n)]
    want, metadata = read_safetensors(model)
    found = {}
    for path in map(tmp_path.__truediv__, map(os.path.basename, paths)):
        tensors, texts = read_safetensors(path)
        assert texts == metadata and not tensors.keys() & found.keys()
        sizes = [len(raw) for _, _, raw in tensors.values()]
        assert sum(sizes) <= 3000 or len(sizes) == 1
        found |= tensors
    assert found == want
    index = json.loads((tmp_path / "out.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == want.keys()
    assert index["metadata"]["total_size"] == sum(len(raw) for _, _, raw in want.values())
    run("merge", tmp_path / "out.safetensors.index.json", tmp_path / "back.safetensors")
    assert read_safetensors(tmp_path / "back.safetensors") == (want, metadata)
    assert document("diff", model, tmp_path / "out.safetensors.index.json", "-m")["equal"]


def test_gguf(gguf, tmp_path):
    doc = document("split", gguf, tmp_path / "out.gguf", "--parts", "3")
    assert len(doc["files"]) == 3 and doc["tensors"] == 5
    _, metadata = read_gguf(tmp_path / "out-00001-of-00003.gguf")
    assert metadata["split.count"] == 3 and metadata["split.tensors.count"] == 5
    assert read_gguf(tmp_path / "out-00003-of-00003.gguf")[1]["split.no"] == 2
    run("merge", tmp_path / "out-00001-of-00003.gguf", tmp_path / "back.gguf")
    assert read_gguf(tmp_path / "back.gguf") == read_gguf(gguf)
    assert document("diff", gguf, tmp_path / "back.gguf", "-m")["equal"]
    # a model that is split already, anew
    doc = document("split", tmp_path / "out-00001-of-00003.gguf", tmp_path / "two.gguf", "-n2")
    assert len(doc["files"]) == 2
    assert document("diff", gguf, files_of(doc)[0])["equal"]


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 12, 100])
def test_number_of_parts(model, tmp_path, parts):
    doc = document("split", model, tmp_path / "out.safetensors", "-n", parts)
    assert 1 <= len(doc["files"]) <= parts
    if parts in (2, 3):
        sizes = [row["bytes"] for row in doc["files"]]
        assert len(sizes) == parts and max(sizes) < 2 * min(sizes)
    if parts == 1:
        assert files_of(doc) == [str(tmp_path / "out.safetensors")]


def test_folders(model, tmp_path):
    doc = document("split", model, f"{tmp_path}/new/", "--max-size=1K", "-q")
    assert os.path.basename(files_of(doc)[0]).startswith("model-00001-of-")
    doc = document("merge", tmp_path / "new", tmp_path)
    assert files_of(doc) == [str(tmp_path / "model.safetensors")]
    assert read_safetensors(tmp_path / "model.safetensors") == read_safetensors(model)


def test_a_folder_goes_with_all_that_is_in_it(model, tmp_path):
    source = tmp_path / "model"
    source.mkdir()
    model.rename(source / "model.safetensors")
    others = {"config.json": b'{"model_type": "x"}', "tokenizer.json": b"{}", "note.txt": b"\xff"}
    for name, raw in others.items():
        (source / name).write_bytes(raw)
    run("split", source, f"{tmp_path}/parts/", "--max-size", "1K", "-q")
    run("merge", tmp_path / "parts", f"{tmp_path}/whole/", "-q")
    (source / "1_Pooling").mkdir()
    (source / "1_Pooling" / "config.json").write_text("{}")
    (source / "notes").mkdir()
    run("split", source, f"{tmp_path}/modules/", "-q")
    assert (tmp_path / "modules" / "1_Pooling" / "config.json").read_text() == "{}"
    assert not (tmp_path / "modules" / "notes").exists()
    for folder in ("parts", "whole"):
        assert all((tmp_path / folder / name).read_bytes() == raw for name, raw in others.items())
    assert {p.name for p in (tmp_path / "whole").iterdir()} == {*others, "model.safetensors"}


def test_what_is_in_the_folder_already(model, tmp_path):
    source, out = tmp_path / "model", tmp_path / "out"
    source.mkdir(), out.mkdir()
    model.rename(source / "model.safetensors")
    (source / "config.json").write_text('{"a": 1}')
    (out / "config.json").write_text('{"b": 2}')
    refused = run("split", source, out, status=1).stderr
    assert "config.json' exists" in refused and os.listdir(out) == ["config.json"]
    run("split", source, out, "--overwrite")
    assert (out / "config.json").read_text() == '{"a": 1}'
    done = subprocess.run(
        [MLX, "merge", out, tmp_path / "one.safetensors"],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 0 and "config.json and the tokenizer stay behind" in done.stderr


def test_formats_are_kept(model, gguf, tmp_path):
    assert "another one" in run("merge", model, tmp_path / "x.gguf", status=1).stderr
    assert "another one" in run("split", gguf, tmp_path / "x.safetensors", status=1).stderr
    np.savez(tmp_path / "a.npz", a=np.zeros(2))
    done = run("merge", tmp_path / "a.npz", tmp_path / "x.safetensors", status=1)
    assert "another one" in done.stderr
    done = run("merge", tmp_path / "a.npz", tmp_path / "x.npz", status=1)
    assert "the format 'npz' cannot be written: safetensors, gguf can be" in done.stderr
    assert not list(tmp_path.glob("x.*"))


def test_a_folder_that_cannot_be_made(model, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = run("split", model, f"{tmp_path}/file/", status=1)
    assert "file" in done.stderr and (tmp_path / "file").read_text() == "mine"
    done = run("split", model, f"{tmp_path}/none/there/", status=1)
    assert "cannot be made: No such file or directory" in done.stderr


def test_sizes_that_are_none(model, tmp_path):
    for size in "-1", "x", "5X", "", "1e40", "K":
        done = run("split", model, tmp_path / "o.safetensors", f"--max-size={size}", status=2)
        assert "a size in bytes" in done.stderr
    for parts in "0", "-1", "1.5", "10001":
        run("split", model, tmp_path / "o.safetensors", "-n", parts, status=2)
    document("split", model, tmp_path / "o.safetensors", "--max-size=0.5KiB")


def listing(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_refused_and_left_alone(model, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "m.safetensors").write_bytes(b"old")
    run("merge", tmp_path / "none.safetensors", out / "m.safetensors", status=1)
    run("merge", model, out / "no" / "m.safetensors", status=1)
    assert listing(out) == {"m.safetensors": b"old"}


def limited():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writing fails, as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_full_disk(model, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "m.safetensors").write_bytes(b"old")
    done = run("merge", model, out / "m.safetensors", "--overwrite", status=1, preexec_fn=limited)
    assert "File too large" in done.stderr
    run("split", model, out / "m.safetensors", "-n2", status=1, preexec_fn=limited)
    assert listing(out) == {"m.safetensors": b"old"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals(tmp_path, number):
    """Stops between tensors, says so, and takes away what is half written."""
    path = write_safetensors(
        tmp_path / "in.safetensors",
        {f"t{i:04}": np.zeros(1 << 12, np.float32) for i in range(8000)},
    )
    out = tmp_path / "out"
    out.mkdir()
    process = subprocess.Popen(
        [MLX, "split", path, out / "m.safetensors", "-n", "4"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    while not any(out.iterdir()):  # it writes
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    if process.returncode == 0:
        pytest.skip("it was done before")
    assert process.returncode == 130 and errors == "mlx split: interrupted\n"
    assert list(out.iterdir()) == []


def test_real_model(tmp_path):
    path = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not path.exists():
        pytest.skip("no models (tools/get_models.sh)")
    doc = document("split", path, tmp_path / "m.gguf", "--max-size", "40M")
    assert len(doc["files"]) == 3
    run("merge", tmp_path / "m-00001-of-00003.gguf", tmp_path / "back.gguf")
    assert (tmp_path / "back.gguf").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("command", ["split", "merge"])
def test_what_is_there_stays(model, gguf, tmp_path, command):
    for source, ending in ((model, "safetensors"), (gguf, "gguf")):
        other = tmp_path / f"other.{ending}"
        other.write_text("mine")
        before = source.read_bytes()
        done = run(command, source, other, status=1)
        assert "exists, and may not be overwritten (--overwrite)" in done.stderr
        assert other.read_text() == "mine"
        for more in ([], ["--overwrite"]):
            done = run(command, source, source, *more, status=1)
            assert "is read, and cannot be written" in done.stderr
            (tmp_path / f"link.{ending}").unlink(missing_ok=True)
            (tmp_path / f"link.{ending}").symlink_to(source)
            run(command, source, tmp_path / f"link.{ending}", *more, status=1)
        assert source.read_bytes() == before
        run(command, source, other, "--overwrite")
        assert other.read_bytes()[:4] != b"mine"


def test_parts_that_are_there_stay(model, gguf, tmp_path):
    for source, ending in ((model, "safetensors"), (gguf, "gguf")):
        paths = files_of(document("split", source, tmp_path / f"x.{ending}", "--parts", "3"))
        assert (
            "may not be over"
            in run("split", source, tmp_path / f"x.{ending}", "--parts", "3", status=1).stderr
        )
        entrance = paths[0] if ending == "gguf" else tmp_path / "x.safetensors.index.json"
        run("split", entrance, tmp_path / f"x.{ending}", "--parts", "3", "--overwrite", status=1)
        run("split", source, tmp_path / f"x.{ending}", "--parts", "3", "--overwrite")


def test_other_numbers_of_parts_go(model, gguf, tmp_path):
    """What is opened afterwards is what was written, not what was there before."""
    for source, ending in ((model, "safetensors"), (gguf, "gguf")):
        out = tmp_path / f"out_{ending}"
        out.mkdir()
        (out / f"other-00001-of-00002.{ending}").write_text("another model")
        former = source.parent / f"former.{ending}"
        run("convert", write_safetensors(tmp_path / "f", {"a": np.ones(3000, "f")}), former)
        run("split", former, out / f"model.{ending}", "--parts", "1")
        for parts in 3, 2, 1, 3:
            words = "split", source, out / f"model.{ending}", "--parts", parts
            assert "may not be overwritten" in run(*words, status=1).stderr
            files = files_of(document(*words, "--overwrite"))
            index = [f"{out}/model.safetensors.index.json"] * (ending[0] == "s" and parts > 1)
            there = {str(p) for p in out.iterdir() if p.name.startswith("model")}
            assert there == {*map(str, files), *index} and len(files) == parts
        assert (out / f"other-00001-of-00002.{ending}").exists()


def test_merged_beside_the_parts(model, gguf, tmp_path):
    for source, ending in ((model, "safetensors"), (gguf, "gguf")):
        paths = files_of(document("split", source, tmp_path / f"m.{ending}", "--parts", "3"))
        entrance = paths[0] if ending == "gguf" else tmp_path / "m.safetensors.index.json"
        run("merge", entrance, tmp_path / f"m.{ending}")
        run("merge", entrance, tmp_path / f"m.{ending}", "--overwrite")
        assert all(os.path.exists(p) for p in paths)


def test_a_folder_of_one_split_model(gguf, tmp_path):
    (tmp_path / "d").mkdir()
    paths = files_of(document("split", gguf, tmp_path / "d", "--parts", "3"))
    assert len(paths) == 3
    run("merge", tmp_path / "d", tmp_path / "back.gguf")
    assert read_gguf(tmp_path / "back.gguf") == read_gguf(gguf)
    assert document("info", tmp_path / "d")["tensor_count"] == 5
    assert "Tensors   5" in run("verify", tmp_path / "d", status=1).stdout  # of drawn bytes
    run("diff", tmp_path / "d", gguf)
    os.rename(paths[2], tmp_path / "away.gguf")
    assert "00003.gguf' is missing" in run("info", tmp_path / "d", status=1).stderr
    os.rename(tmp_path / "away.gguf", paths[2])
    (tmp_path / "d" / "other.gguf").write_bytes(gguf.read_bytes())
    assert "several GGUF files" in run("info", tmp_path / "d", status=1).stderr


def test_a_folder_without_a_part(gguf, tmp_path):
    out = tmp_path / "parts"
    out.mkdir()
    run("split", gguf, out / "m.gguf", "--parts", 3)
    (out / "m-00002-of-00003.gguf").unlink()
    for command in (("info", out), ("merge", out, tmp_path / "x.gguf")):
        failed = run(*command, status=1).stderr
        assert "m-00002-of-00003.gguf' is missing: of 3 parts there are 2" in failed
    run("split", gguf, out / "other.gguf", "--parts", 1)
    assert "several GGUF files" in run("info", out, status=1).stderr


def test_no_bytes_in_a_part(model, tmp_path):
    failed = run("split", model, tmp_path / "x.safetensors", "-s", 0, status=2)
    assert "--max-size is 1 bytes or more, not 0" in failed.stderr


def test_space_is_asked_for_beforehand(tmp_path):
    disk = os.statvfs(tmp_path)
    n = (disk.f_bavail * disk.f_frsize + (1 << 40)) // 2**20 * 2**20
    head = json.dumps(
        {"w": {"dtype": "U8", "shape": [2**20, n // 2**20], "data_offsets": [0, n]}}
    ).encode()
    source = tmp_path / "in.safetensors"
    source.write_bytes(len(head).to_bytes(8, "little") + head)
    try:
        os.truncate(source, 8 + len(head) + n)
    except OSError:
        pytest.skip("no file may be so large here")
    for command in "split", "merge":
        failed = run(command, source, tmp_path / "out.safetensors", status=1)
        assert "MB, and its disk has" in failed.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["in.safetensors"]
