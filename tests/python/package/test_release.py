"""The files of a release: sources, sums and their signatures; what wheels are named after."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
import make_wheel
import release


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files/b.txt").write_text("b")
    (tmp_path / "files/a.txt").write_text("a")
    return tmp_path / "files"


def needs(program):
    if not shutil.which(program):
        pytest.skip(f"there is no {program}")


def test_sums(folder):
    sums = release.write_sums(folder)
    assert [line.split("  ")[1] for line in sums.read_text().splitlines()] == ["a.txt", "b.txt"]
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=folder).returncode == 0
    (folder / "a.txt").write_text("changed")
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 1


def verified_by_ssh(folder, key):
    public = Path(f"{key}.pub").read_text()
    (folder.parent / "signers").write_text(f"us {public}")
    command = ["ssh-keygen", "-Y", "verify", "-n", "cmlx", "-I", "us"]
    command += ["-f", folder.parent / "signers", "-s", folder / "SHA256SUMS.sig"]
    with open(folder / "SHA256SUMS") as sums:
        return subprocess.run(command, stdin=sums, capture_output=True).returncode == 0


def test_signed_with_ssh(folder):
    needs("ssh-keygen")
    key = folder.parent / "key"
    make_key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]
    subprocess.run(make_key, check=True)
    sums = release.write_sums(folder)
    release.sign(sums, str(key))
    assert verified_by_ssh(folder, key)
    sums.write_text(sums.read_text() + "\n")
    assert not verified_by_ssh(folder, key)


def test_signed_with_gpg(folder, monkeypatch):
    needs("gpg")
    home = folder.parent / "gnupg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    quick = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "us@cmlx"]
    if subprocess.run(quick, capture_output=True).returncode:
        pytest.skip("gpg makes no key here")
    sums = release.write_sums(folder)
    release.sign(sums, "us@cmlx")
    verify = ["gpg", "--batch", "--verify", f"{sums}.asc", sums]
    assert subprocess.run(verify, capture_output=True).returncode == 0
    sums.write_text("other")
    assert subprocess.run(verify, capture_output=True).returncode != 0
    subprocess.run(["gpgconf", "--kill", "all"])


def test_sources(tmp_path, monkeypatch):
    """The same bytes twice, of what git knows."""
    needs("git")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.setattr(release, "ROOT", tmp_path / "clone")
    with pytest.raises(release.CannotMake, match="no clone"):
        release.sources(tmp_path)
    subprocess.run(["git", "init", "-q", release.ROOT], check=True)
    (release.ROOT / "b").write_text("b")
    (release.ROOT / "a").mkdir()
    (release.ROOT / "a/run").write_text("a")
    (release.ROOT / "a/run").chmod(0o700)
    subprocess.run(["git", "-C", release.ROOT, "add", "."], check=True)
    (release.ROOT / "unknown").write_text("c")
    found = []
    for _ in range(2):
        release.sources(tmp_path)
        found.append((tmp_path / f"{release.NAME}.tar.xz").read_bytes())
        (release.ROOT / "b").touch()
    assert found[0] == found[1]
    with tarfile.open(tmp_path / f"{release.NAME}.tar.xz") as archive:
        rows = [(item.name, item.mode, item.uid, item.uname, item.mtime) for item in archive]
    same = (0, "", 1000000000)
    assert rows == [(f"{release.NAME}/a/run", 0o755, *same), (f"{release.NAME}/b", 0o644, *same)]


def test_parts_that_cannot_be_made(tmp_path, monkeypatch):
    """They are named, with the reason; others are made."""

    def cannot(folder, named):
        raise release.CannotMake("there is no compiler")

    monkeypatch.setitem(release.PARTS, "wheels", cannot)
    lacking = release.make(tmp_path, ["wheels", "bill"])
    assert list(lacking) == ["wheels"] and str(lacking["wheels"]) == "there is no compiler"
    assert (tmp_path / f"{release.NAME}.cdx.json").exists()


def test_pythons_without_a_wheel_are_named(tmp_path, monkeypatch):
    """And one that was asked for and cannot serve is an error before anything is made."""
    made = []
    monkeypatch.setattr(release, "probed", {"a": "cpython-310-x", "b": "cpython-314t-x"}.get)
    monkeypatch.setattr(release.shutil, "which", lambda name: None)
    monkeypatch.setattr(release.glob, "glob", lambda pattern: [])
    monkeypatch.setattr(release.make_wheel, "build", lambda python, folder: made.append(python))
    monkeypatch.setattr(release, "run", lambda *command: None)
    with pytest.raises(release.CannotMake, match="^cp311, cp312, cp313, cp314, cp313t: "):
        release.wheels(tmp_path, ["a", "b"])
    assert made == ["a", "b"]
    with pytest.raises(SystemExit, match="c: a CPython from 3.10 on"):
        release.wheels(tmp_path, ["a", "c"])
    assert made == ["a", "b"]


def test_wheel_is_named_after_its_binaries(tmp_path):
    """The oldest C library that has all symbols; one time, one order, a bill, and a true record."""
    binary = Path(sys.executable).resolve().read_bytes()
    tag = make_wheel.platform_tag({"a": binary})
    assert tag.startswith(("manylinux_2_", "musllinux_1_"))
    name = "mlx-1-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("mlx/core.so", binary)
        archive.writestr("mlx/bin/mlx", binary)
        archive.writestr("mlx/libs/carried.json", "[]")
        archive.writestr("mlx-1.dist-info/WHEEL", "Tag: cp311-cp311-linux_x86_64\n")
        archive.writestr("mlx-1.dist-info/RECORD", "")
    (tmp_path / "out").mkdir()
    wheel = make_wheel.finish(tmp_path / name, tmp_path / "out")
    assert wheel.name == f"mlx-1-cp311-cp311-{tag}.whl"
    first = wheel.read_bytes()
    assert make_wheel.finish(tmp_path / name, tmp_path / "out").read_bytes() == first
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("mlx-1.dist-info/WHEEL").decode() == f"Tag: cp311-cp311-{tag}\n"
        rows = archive.read("mlx-1.dist-info/RECORD").decode().splitlines()
        assert {row.split(",")[0] for row in rows} == set(archive.namelist())
        assert make_wheel.record_row("mlx/core.so", binary).strip() in rows
        assert "CycloneDX" in archive.read("mlx-1.dist-info/sboms/cmlx.cdx.json").decode()
