"""Files that are written: whole, or as they were before."""

import errno
import os
import stat

import numpy as np
import pytest
from mlx.data import _saved, audio, images

from seeds import generator

WRITERS = [
    ("a.wav", lambda path, seed: audio.save_wav(path, generator(seed).uniform(-1, 1, 500), 8000)),
    (
        "a.png",
        lambda path, seed: images.save(path, generator(seed).integers(0, 256, (9, 9, 3), np.uint8)),
    ),
]


@pytest.fixture(params=WRITERS, ids=[name for name, _ in WRITERS])
def written(request, tmp_path):
    name, write = request.param
    if name.endswith("png"):
        pytest.importorskip("PIL")
    return tmp_path / name, write


class Full:
    """A file of which a disk takes a part."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, data):
        self.file.write(bytes(data)[:10])
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
