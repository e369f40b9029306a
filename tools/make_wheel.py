#!/usr/bin/env python3
"""Build wheels whose names say truly where they run, and which are the same bytes whenever and
wherever they are built of the same sources on the same system.

    make_wheel.py folder [python ...]          prints the paths; of this Python, or of those
    make_wheel.py --with stage wheel folder    a wheel with other binaries: those in stage/mlx

The tag has the oldest C library whose symbols every binary inside is content with (PEP 600), and a
bill of materials lies in the wheel's metadata (PEP 770).
"""

import base64
import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import sbom
from versions import ROOT

MACHINES = {62: "x86_64", 183: "aarch64"}  # e_machine of elf(5)
OLDEST = (2, 17)  # of the names that installers know


def binaries(names):
    return [name for name in names if re.search(r"\.so(\.|$)|/bin/", name)]


def needs(data):
    """What `readelf --version-info --dynamic` says of a binary."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return subprocess.run(
            ["readelf", "--wide", "--version-info", "--dynamic", file.name],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout


def platform_tag(contents):
    """Of binaries: {name: bytes}."""
    machines = {MACHINES[int.from_bytes(data[18:20], "little")] for data in contents.values()}
    if len(machines) != 1:
        raise SystemExit(f"make_wheel: binaries for {', '.join(sorted(machines)) or 'no machine'}")
    said = "\n".join(needs(data) for data in contents.values())
    if "[libc.musl-" in said:
        return f"musllinux_1_2_{machines.pop()}"
    found = [tuple(map(int, n)) for n in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", said)]
    if not found:
        raise SystemExit("make_wheel: no binary says which C library it needs")
    major, minor = max(OLDEST, *found)
    return f"manylinux_{major}_{minor}_{machines.pop()}"


def record_row(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def instant():
    """SOURCE_DATE_EPOCH, or the first moment that an archive can name."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    return max(time.gmtime(epoch)[:6], (1980, 1, 1, 0, 0, 0))


def bill_of(contents):
    """From what lies in mlx/libs."""
    with tempfile.TemporaryDirectory() as name:
        for path, data in contents.items():
            if path.startswith("mlx/libs/") and path.count("/") == 2:
                Path(name, Path(path).name).write_bytes(data)
        return sbom.bill(name).encode()


def finish(wheel, folder):
    """A wheel as it is given on: with its true tag, the bill, one time and one order."""
    contents, rights = unpacked(wheel)
    return written(wheel.name, contents, rights, folder)


def with_binaries(stage, wheel, folder):
    """What a wheel has, on another processor's binaries and libraries."""
    contents, rights = unpacked(wheel)
    for name in [*binaries(contents), *(n for n in contents if n.startswith("mlx/libs/"))]:
        contents.pop(name, None)
    contents = {name: data for name, data in contents.items() if "/sboms/" not in name}
    for path in sorted(stage.rglob("*")):
        name = str(path.relative_to(stage))
        if path.is_file() and (binaries([name]) or name.startswith("mlx/libs/")):
            contents[name] = path.read_bytes()
            rights[name] = 0o100755 << 16
    return written(wheel.name, contents, rights, folder)


def unpacked(wheel):
    with zipfile.ZipFile(wheel) as old:
        rights = {item.filename: item.external_attr for item in old.infolist() if not item.is_dir()}
        return {name: old.read(name) for name in rights}, rights


def written(name, contents, rights, folder):
    tag = platform_tag({name: contents[name] for name in binaries(contents)})
    (about,) = [name for name in contents if name.endswith(".dist-info/WHEEL")]
    info = about.removesuffix("WHEEL")
    replaced = re.sub(rb"(?m)^(Tag: .+-)[^-\n]+$", rb"\g<1>" + tag.encode(), contents[about])
    contents |= {about: replaced, f"{info}sboms/cmlx.cdx.json": bill_of(contents)}
    del contents[f"{info}RECORD"]
    rows = "".join(record_row(name, contents[name]) for name in sorted(contents))
    contents[f"{info}RECORD"] = f"{rows}{info}RECORD,,\n".encode()  # last, as PEP 427 has it
    target = folder / re.sub(r"-[^-]+\.whl$", f"-{tag}.whl", name)
    target.write_bytes(packed(contents, rights))
    return target


def packed(contents, rights):
    first = [name for name in contents if not name.endswith("/RECORD")]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(first) + [name for name in contents if name not in first]:
            item = zipfile.ZipInfo(name, instant())
            item.compress_type = zipfile.ZIP_DEFLATED
            runs = rights.get(name, 0) >> 16 & 0o111
            item.external_attr = (0o100755 if runs else 0o100644) << 16
            archive.writestr(item, contents[name])
    return out.getvalue()


def has_pip(python):
    return subprocess.run([python, "-c", "import pip"], stderr=subprocess.DEVNULL).returncode == 0


def python_with_pip(python, folder):
    """The interpreter, or where it lacks pip, as Debian's does, one of a virtual environment in
    `folder`."""
    if has_pip(python):
        return python
    subprocess.run([python, "-m", "venv", folder], check=True, stdout=sys.stderr)
    return str(Path(folder, "bin", "python"))


def build(python, folder):
    with tempfile.TemporaryDirectory() as name:
        with_pip = python_with_pip(python, Path(name, "env"))
        command = [with_pip, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", name, ROOT]
        subprocess.run(
            command,
            check=True,
            stdout=sys.stderr,
            env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
        (wheel,) = Path(name).glob("*.whl")
        return finish(wheel, folder)


def main():
    if sys.argv[1] == "--with":
        print(with_binaries(*map(Path, sys.argv[2:5])))
        return 0
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for python in sys.argv[2:] or [sys.executable]:
        print(build(python, folder), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
