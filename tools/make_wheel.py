#!/usr/bin/env python3
"""Build a wheel and name in its tag the C library that it needs: the build machine's, or a newer
one.

    make_wheel.py folder        prints the wheel's path
"""

import base64
import hashlib
import importlib.util
import os
import platform
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path


def platform_tag():
    name, version = platform.libc_ver()
    if name != "glibc":
        raise SystemExit("make_wheel: wheels are made on systems with the GNU C library")
    return f"manylinux_{version.replace('.', '_')}_{platform.machine()}"


def record_row(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}"


def retag(wheel, folder, tag):
    """Copy a wheel with another platform in its name, its WHEEL file and its record."""
    target = folder / re.sub(r"-[^-]+\.whl$", f"-{tag}.whl", wheel.name)
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        (about,) = [name for name in old.namelist() if name.endswith(".dist-info/WHEEL")]
        text = re.sub(rb"(?m)^(Tag: .+-)[^-\n]+$", rb"\g<1>" + tag.encode(), old.read(about))
        for item in old.infolist():
            data = text if item.filename == about else old.read(item)
            if item.filename.endswith(".dist-info/RECORD"):
                data = re.sub(
                    rf"(?m)^{re.escape(about)},.*$", record_row(about, text), data.decode()
                ).encode()
            new.writestr(item, data)
    return target


def python_with_pip(folder):
    """This interpreter, or where it lacks pip, as Debian's does, one of a virtual environment in
    `folder`."""
    if importlib.util.find_spec("pip"):
        return sys.executable
    venv.create(folder, with_pip=True)
    return str(Path(folder, "bin", "python"))


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as name:
        python = python_with_pip(Path(name, "env"))
        subprocess.run(
            [python, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", name, root],
            check=True,
            stdout=sys.stderr,
            env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
        (wheel,) = Path(name).glob("*.whl")
        print(retag(wheel, folder, platform_tag()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
