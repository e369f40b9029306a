"""Tar archives: samples of several files, links, holes, and archives that are broken."""

import io
import os
import shutil
import subprocess
import tarfile

import mlx.data as dx
import pytest
from mlx.data import _tar


def archive(path, mode, files):
    with tarfile.open(path, mode) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_tar(tmp_path):
    files = [(f"d/{i}.{end}", f"{i}{end}".encode()) for i in range(3) for end in ("jpg", "cls")]
    wanted = [{"__key__": f"d/{i}", "jpg": b"%djpg" % i, "cls": b"%dcls" % i} for i in range(3)]
    archive(tmp_path / "a.tar", "w", files)
    archive(tmp_path / "a.tar.gz", "w:gz", files)
    assert list(dx.buffer_from_tar(tmp_path / "a.tar")) == wanted
    paths = [tmp_path / "a.tar", tmp_path / "a.tar.gz"]
    assert list(dx.stream_tar(paths)) == wanted * 2
    begun, again = dx.stream_tar(paths), dx.stream_tar(paths)
    assert [next(begun) for _ in range(4)][-1] == wanted[0]
    again.load_state_dict(begun.state_dict())
    assert list(again) == wanted[1:]
    whole = (tmp_path / "a.tar").read_bytes()
    for name, data in (("cut.tar", whole[:600]), ("none.tar", b"x" * 2000)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=name):
            dx.buffer_from_tar(tmp_path / name)
        with pytest.raises(dx.SampleError, match=name):
            list(dx.stream_tar(tmp_path / name))


def test_two_files_of_one_name(tmp_path):
    for names, words in (
        (["a.jpg", "a.cls", "a.jpg"], "there are two files a.jpg in it"),
        (["a.__key__"], "a.__key__ has the place of the sample's name"),
    ):
        archive(tmp_path / "a.tar", "w", [(name, b"x") for name in names])
        with pytest.raises(ValueError, match=f"a.tar: .*{words}"):
            dx.buffer_from_tar(tmp_path / "a.tar")
        with pytest.raises(dx.SampleError, match=f"read of sample 0 .*a.tar.*: .*{words}"):
            list(dx.stream_tar(tmp_path / "a.tar"))
    archive(tmp_path / "a.tar.gz", "w:gz", [("a.jpg", b"x")])
    with pytest.raises(ValueError, match="a.tar.gz: it is packed: stream_tar reads such archives"):
        dx.buffer_from_tar(tmp_path / "a.tar.gz")


def test_archives_that_are_cut_are_not_whole(tmp_path):
    """tarfile takes an archive without a mark of its end for a whole one, also one that is cut
    between two files."""
    archive(tmp_path / "a.tar", "w", [("a.txt", b"x" * 600), ("b.txt", b"y"), ("c.txt", b"z")])
    whole = (tmp_path / "a.tar").read_bytes()
    for size, words in (
        (1536, "it is cut short behind a.txt: no mark of its end is there"),
        (1536 + 100, "it is cut short behind a.txt"),
        (1536 + 512, "it ends within b.txt|unexpected end of data"),
        (1536 + 1024 + 1024, "it is cut short behind c.txt"),
        (0, "empty file"),
        (100, "truncated header"),
    ):
        (tmp_path / "cut.tar").write_bytes(whole[:size])
        with pytest.raises(ValueError, match=f"cut.tar: ({words})"):
            dx.buffer_from_tar(tmp_path / "cut.tar")
        with pytest.raises(dx.SampleError, match=rf"cut.tar\): ({words})"):
            list(dx.stream_tar(tmp_path / "cut.tar"))
    (tmp_path / "cut.tar").write_bytes(whole[: 1536 + 1024 + 1024 + 512])  # one block of zeros does
    assert len(dx.buffer_from_tar(tmp_path / "cut.tar")) == 3
    assert len(list(dx.stream_tar(tmp_path / "cut.tar"))) == 3


def test_a_header_that_is_broken_does_not_end_an_archive(tmp_path):
    archive(tmp_path / "a.tar", "w", [("a.txt", b"x"), ("b.txt", b"y"), ("c.txt", b"z")])
    data = bytearray((tmp_path / "a.tar").read_bytes())
    data[1024 + 3] ^= 1
    (tmp_path / "a.tar").write_bytes(data)
    words = "it is broken behind a.txt: no header begins there"
    with pytest.raises(ValueError, match=f"a.tar: {words}"):
        dx.buffer_from_tar(tmp_path / "a.tar")
    with pytest.raises(dx.SampleError, match=words):
        list(dx.stream_tar(tmp_path / "a.tar"))


def linked(path, links, mode="w"):
    """An archive with d/a.txt and links, (name, kind, what it leads to)."""
    with tarfile.open(path, mode) as tar:
        folder = tarfile.TarInfo("d")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, kind, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
        info = tarfile.TarInfo("d/a.txt")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"hi"))


def test_links_are_what_they_lead_to(tmp_path):
    hard, soft = tarfile.LNKTYPE, tarfile.SYMTYPE
    linked(
        tmp_path / "a.tar",
        [("b.txt", hard, "d/a.txt"), ("d/c.txt", soft, "a.txt"), ("e.txt", soft, "./d/c.txt")],
    )
    found = {sample["__key__"]: sample["txt"] for sample in dx.buffer_from_tar(tmp_path / "a.tar")}
    assert found == {"b": b"hi", "d/c": b"hi", "e": b"hi", "d/a": b"hi"}
    stream = dx.stream_tar(tmp_path / "a.tar")
    for name, target in ("b.txt", "d/a.txt"), ("d/c.txt", "a.txt"), ("e.txt", "./d/c.txt"):
        with pytest.raises(dx.SampleError, match=f"{name} is a link to {target}, which a stream"):
            next(stream)
    assert list(stream) == [{"__key__": "d/a", "txt": b"hi"}]


@pytest.mark.parametrize(
    "links, words",
    [
        ([("b.txt", tarfile.SYMTYPE, "../a.txt")], "b.txt is a link to ../a.txt, which is no file"),
        (
            [("b.txt", tarfile.SYMTYPE, "/etc/passwd")],
            "link to /etc/passwd, which is no file in it",
        ),
        ([("b.txt", tarfile.LNKTYPE, "d")], "b.txt is a link to d, which is no file in it"),
        (
            [("b.txt", tarfile.SYMTYPE, "c.txt"), ("c.txt", tarfile.SYMTYPE, "b.txt")],
            "b.txt is a link that leads to no file",
        ),
    ],
)
def test_links_to_nothing(links, words, tmp_path):
    linked(tmp_path / "a.tar", links)
    with pytest.raises(ValueError, match=f"a.tar: .*{words}"):
        dx.buffer_from_tar(tmp_path / "a.tar")


def with_holes(path):
    """A file of zeros with a few bytes among them, stored as one with holes."""
    with open(path, "wb") as file:
        file.truncate(300000)
        for at in 0, 100000, 200000:
            file.seek(at)
            file.write(b"abc%d" % at)
    return path.read_bytes()


@pytest.mark.skipif(shutil.which("tar") is None, reason="there is no tar")
@pytest.mark.parametrize("format", ["gnu", "posix"])
def test_files_with_holes(format, tmp_path):
    content = with_holes(tmp_path / "b.bin")
    (tmp_path / "c.txt").write_bytes(b"behind it")
    subprocess.run(
        ["tar", f"--format={format}", "-cSf", "a.tar", "b.bin", "c.txt"], cwd=tmp_path, check=True
    )
    if os.path.getsize(tmp_path / "a.tar") > len(content):
        pytest.skip("this folder's files have no holes")
    wanted = [{"__key__": "b", "bin": content}, {"__key__": "c", "txt": b"behind it"}]
    assert list(dx.buffer_from_tar(tmp_path / "a.tar")) == wanted
    assert list(dx.stream_tar(tmp_path / "a.tar")) == wanted


@pytest.mark.skipif(shutil.which("tar") is None, reason="there is no tar")
def test_holes_do_not_fill_the_memory(tmp_path):
    with open(tmp_path / "b.bin", "wb") as file:
        file.truncate(_tar._MOST_WITH_HOLES + 1)
    subprocess.run(["tar", "-cSf", "a.tar", "b.bin"], cwd=tmp_path, check=True)
    for read in dx.buffer_from_tar, lambda path: next(dx.stream_tar(path)):
        with pytest.raises(ValueError, match="b.bin has holes and 2147483649 bytes, 2147483648"):
            read(tmp_path / "a.tar")


def test_an_archive_that_is_cut_after_it_was_opened(tmp_path):
    archive(tmp_path / "a.tar", "w", [("a.txt", b"x" * 5000)])
    buffer = dx.buffer_from_tar(tmp_path / "a.tar")
    os.truncate(tmp_path / "a.tar", 3000)
    with pytest.raises(dx.SampleError, match="has become shorter since it was opened"):
        buffer[0]
