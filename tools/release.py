#!/usr/bin/env python3
"""Make and check the files of a release: sources, wheels, Debian packages, a bill of materials,
SHA256SUMS and, where a key is named, its signature. Says at the end what was not made, and why.

    release.py folder [--key KEY] [--only sources,wheels,...] [--python PATH ...]

KEY is a private key of ssh or minisign (a file), or the name of one that gpg has. Wheels are made
for every Python from 3.10 on that has its headers: those that --python or $PYTHONS names, on the
PATH, and of pyenv. Of the versions that there are, those without a wheel are listed.
"""

import argparse
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import make_wheel
import sbom
from versions import ROOT, version

NAME = f"cmlx-{version()}"
PROBE = """import os, sys, sysconfig
assert sys.version_info >= (3, 10) and sys.implementation.name == "cpython"
assert os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))
import venv, ensurepip
print(sysconfig.get_config_var("SOABI"))"""
# The first two parts of SOABI of each version that has wheels.
VERSIONS = [f"cpython-3{minor}" for minor in range(10, 15)] + ["cpython-313t", "cpython-314t"]


WRAP = """# Put this file into subprojects/, and {NAME}.tar.xz into subprojects/packagefiles/.
[wrap-file]
directory = {NAME}
source_filename = {NAME}.tar.xz
source_hash = {digest}

[provide]
mlxc = mlxc_dep
"""


class CannotMake(Exception):
    """Why a part of the release is not made."""


def epoch():
    """The time that files bear: of the newest commit, unless SOURCE_DATE_EPOCH says another."""
    if "SOURCE_DATE_EPOCH" not in os.environ:
        command = ["git", "-C", ROOT, "log", "-1", "--format=%ct"]
        done = subprocess.run(command, capture_output=True, text=True)
        os.environ["SOURCE_DATE_EPOCH"] = done.stdout.strip() or "315532800"
    return int(os.environ["SOURCE_DATE_EPOCH"])


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], stdout=sys.stderr, **more)
    if done.returncode == 77:
        raise CannotMake(f"{Path(command[0]).name} was skipped: what it needs is not here")
    if done.returncode:
        raise SystemExit(f"release: {' '.join(map(str, command))} failed ({done.returncode})")


# --- parts --------------------------------------------------------------------------------------


def sources(folder):
    """What git knows, as it lies here: one order, one time, nobody's files."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
    if listed.returncode:
        raise CannotMake("this is no clone of the repository")

    def plain(item):
        item.uid = item.gid = 0
        item.uname = item.gname = ""
        item.mtime = epoch()
        item.mode = 0o755 if item.mode & 0o100 else 0o644
        return item

    with tarfile.open(folder / f"{NAME}.tar.xz", "w:xz", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(filter(None, listed.stdout.split("\0"))):
            archive.add(ROOT / name, f"{NAME}/{name}", recursive=False, filter=plain)


def probed(python):
    """The SOABI of a Python that wheels can be made for, or "" ."""
    try:
        done = subprocess.run([python, "-c", PROBE], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def pythons(named):
    """SOABI -> interpreter; the first of each. Those that were named must serve."""
    names = ["python3", *(f"python3.{minor}{t}" for minor in range(10, 15) for t in ("", "t"))]
    here = [path for path in map(shutil.which, names) if path]
    here += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3")))
    found = {}
    for path in [*named, *here]:
        abi = probed(path)
        if not abi and path in named:
            wanted = "a CPython from 3.10 on with headers, venv and ensurepip"
            raise SystemExit(f"release: {path}: {wanted} was expected")
        if abi:
            found.setdefault(abi, path)
    return found


def wheels(folder, named=()):
    found = pythons(named)
    for python in found.values():
        wheel = make_wheel.build(python, folder)
        run(python, ROOT / "tests/package/check_wheel.py", "--wheel", wheel)
    absent = [v for v in VERSIONS if not any(abi.startswith(f"{v}-") for abi in found)]
    if absent:
        tags = ", ".join(v.replace("cpython-", "cp") for v in absent)
        raise CannotMake(f"{tags}: no such Python with its headers is here (--python PATH)")


def meson(folder):
    """A file that brings the sources into a project of Meson's as a subproject."""
    archive = folder / f"{NAME}.tar.xz"
    if not archive.exists():
        raise CannotMake("it needs the part sources")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (folder / "mlxc.wrap").write_text(WRAP.format(NAME=NAME, digest=digest))
    run(ROOT / "tests/package/check_meson.sh", folder)


def arm64(folder):
    run(ROOT / "tools/cross_wheel.sh", folder)


def musl(folder):
    run(ROOT / "tools/musl_wheel.sh", folder)


def debian(folder):
    work = ROOT / "build/debian"
    run(ROOT / "tests/package/check_debian.sh", work)
    for path in [*work.glob("*.deb"), *work.glob("cmlx_*")]:
        shutil.copy2(path, folder)


def bill(folder):
    (folder / f"{NAME}.cdx.json").write_text(sbom.bill())


PARTS = {
    "sources": sources,
    "wheels": wheels,
    "meson": meson,
    "arm64": arm64,
    "musl": musl,
    "debian": debian,
    "bill": bill,
}


# --- sums ---------------------------------------------------------------------------------------


def write_sums(folder):
    """In the form of sha256sum -c."""
    files = sorted(p for p in folder.iterdir() if not p.name.startswith("SHA256SUMS"))
    rows = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(rows))
    return folder / "SHA256SUMS"


def sign(sums, key):
    """Beside the sums: .sig of ssh, .minisig of minisign, .asc of gpg."""
    head = Path(key).read_text(errors="replace")[:200] if Path(key).is_file() else ""
    if "OPENSSH PRIVATE KEY" in head:
        run("ssh-keygen", "-q", "-Y", "sign", "-n", "cmlx", "-f", key, sums)
    elif "minisign" in head:
        run("minisign", "-S", "-s", key, "-m", sums)
    else:
        run("gpg", "--batch", "--yes", "--armor", "--detach-sign", "-u", key, sums)


# --- all of it ----------------------------------------------------------------------------------


def make(folder, wanted, named=()):
    """part -> why it, or something of it, was not made."""
    lacking = {}
    for name in wanted:
        print(f"release: {name}", file=sys.stderr, flush=True)
        try:
            PARTS[name](folder, *([named] if name == "wheels" else []))
        except CannotMake as why:
            lacking[name] = why
    return lacking


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", help="signs SHA256SUMS")
    named = {"action": "append", "default": os.environ.get("PYTHONS", "").split()}
    parser.add_argument("--python", **named, help="makes a wheel for this one, too")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    options = parser.parse_args()
    options.only = options.only.split(",")
    unknown = set(options.only) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return options


def main():
    options = arguments()
    epoch()
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    options.folder = options.folder.resolve()
    lacking = make(options.folder, options.only, options.python)
    sums = write_sums(options.folder)
    if options.key:
        sign(sums, options.key)
    print(sums.read_text(), end="")
    print("signed" if options.key else "not signed: no key was named (KEY=...)")
    for name, why in lacking.items():
        print(f"not made: {name}: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
