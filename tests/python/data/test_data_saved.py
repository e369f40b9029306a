"""Files that are written: whole, or as they were before."""

import ast
import errno
import os
import resource
import stat
from pathlib import Path
from types import SimpleNamespace

import mlx
import mlx.core as mx
import numpy as np
import pytest
from mlx import _saved, train
from mlx.data import audio, images, write_file

from seeds import generator


def noise(seed, *shape):
    return generator(seed).integers(0, 256, shape, np.uint8)


def write_graph(path, seed):
    x = mx.array(noise(seed, 3))
    for _ in range(40):
        x = x + 1
    mx.export_to_dot(str(path), x, **{f"sum_{seed}": x})


def rows_of(seed):
    return [{"epoch": i, "loss": float(x)} for i, x in enumerate(noise(seed, 300))]


def write_csv(path, seed):
    trainer = SimpleNamespace(history=train.History(rows_of(seed)))
    train.CSVLogger(path).on_epoch_end(trainer, {})


WRITERS = [
    ("a.wav", lambda path, seed: audio.save_wav(path, generator(seed).uniform(-1, 1, 500), 8000)),
    ("a.png", lambda path, seed: images.save(path, noise(seed, 32, 32, 3))),
    ("a.bin", lambda path, seed: write_file(path, b"head", noise(seed, 2000).tobytes())),
    ("a.dot", write_graph),
    ("a.csv", write_csv),
    ("a.svg", lambda path, seed: train.History(rows_of(seed)).plot(path)),
    ("a.npy", lambda path, seed: mx.save(str(path), mx.array(noise(seed, 2000)))),
    (
        "a.safetensors",
        lambda path, seed: train.checkpoint.write(path, {"a": mx.array(noise(seed, 2000))}, {}),
    ),
]
IN_PYTHON = WRITERS[:6]


def needs(name):
    for end, module in ("png", "PIL"), ("svg", "matplotlib"):
        if name.endswith(end):
            pytest.importorskip(module)


@pytest.fixture(params=IN_PYTHON, ids=[name for name, _ in IN_PYTHON])
def written(request, tmp_path):
    name, write = request.param
    needs(name)
    return tmp_path / name, write


class Full:
    """A file of which a disk takes a part."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def writelines(self, parts):
        self.file.write(bytes(parts[0])[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("was", [True, False])
def test_a_full_disk_leaves_what_was_there(written, was, monkeypatch):
    path, write = written
    if was:
        write(path, 1)
        before = path.read_bytes()
    monkeypatch.setattr(_saved, "open", lambda *a: Full(open(*a)), raising=False)
    with pytest.raises(OSError, match="No space left") as error:
        write(path, 2)
    assert error.value.filename == str(path) and error.value.errno == errno.ENOSPC
    assert os.listdir(path.parent) == ([path.name] if was else [])
    assert not was or path.read_bytes() == before


@pytest.mark.parametrize("name, write", WRITERS, ids=[name for name, _ in WRITERS])
def test_files_that_may_not_be_as_large_stay_as_they_were(tmp_path, name, write):
    needs(name)
    path = tmp_path / name
    write(path, 1)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    assert len(before) > 900
    resource.setrlimit(resource.RLIMIT_FSIZE, (900, limits[1]))
    try:
        with pytest.raises((OSError, RuntimeError), match="File too large") as error:
            write(path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(path) in str(error.value)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [name]


def opened_to_write(tree):
    """Where a program opens files to write by itself, by the numbers of its lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            modes = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
            opens = name in ("open", "fdopen") and any(
                set(m) & set("wax+") for m in map(str, modes)
            )
            if opens or name in ("write_text", "write_bytes"):
                yield node.lineno


def test_nothing_else_opens_files_to_write():
    """One file that grows is there: TensorBoard's."""
    package = Path(mlx.train.__file__).resolve().parents[1]
    found = set()
    for folder in package, package.parents[2] / "examples" / "python":
        for path in folder.rglob("*.py"):
            lines = list(opened_to_write(ast.parse(path.read_text(encoding="utf-8"))))
            found |= {path.name} if lines else set()
    assert found == {"_saved.py", "tensorboard.py"}


def test_what_is_written_takes_the_place_and_the_rights(written):
    path, write = written
    write(path, 1)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    before = path.read_bytes()
    path.chmod(0o640)
    link = path.with_name("link" + path.suffix)
    link.symlink_to(path)
    write(link, 2)
    assert link.is_symlink() and path.read_bytes() != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(os.listdir(path.parent)) == sorted([path.name, link.name])


def test_folders_that_are_not_there_are_named(written):
    path, write = written
    with pytest.raises(FileNotFoundError) as error:
        write(path.parent / "none" / path.name, 1)
    assert error.value.filename == str(path.parent / "none" / path.name)


def test_devices_are_written_to_as_they_are():
    audio.save_wav("/dev/null", np.zeros(10), 8000)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
