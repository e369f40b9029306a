#!/usr/bin/env python3
"""Build a wheel, install it into a fresh virtual environment, and use it there; the same for an
editable install. The wheel's name is true by auditwheel's rules, where that is installed, its
binaries are hardened, and mlx-lm, where a registry has it, asks for no other mlx.

    check_wheel.py folder-for-wheels
    check_wheel.py --wheel file           that wheel alone
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import mlx.core as mx
x = mx.array([1.0, 2.0, 3.0])
assert (x * x).sum().item() == 14
assert mx.grad(lambda v: (v * v).sum())(x).tolist() == [2.0, 4.0, 6.0]
inverse = mx.linalg.inv(mx.array([[2.0, 0], [0, 4.0]]), stream=mx.cpu)
assert inverse.tolist() == [[0.5, 0], [0, 0.25]]
assert mx.linalg.eigvalsh(mx.array([[3.0, 0], [0, 4.0]]), stream=mx.cpu).tolist() == [3, 4]
print(mx.__file__)
"""


def run(*command):
    variables = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PYTHONPATH", "LD_LIBRARY_PATH")
    }
    return subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=variables,
        cwd=tempfile.gettempdir(),
    ).stdout.strip()


def use(folder, *what):
    venv.create(folder, with_pip=True)
    run(
        folder / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *what,
    )
    where = run(folder / "bin" / "python", "-c", PROGRAM)
    assert where.startswith(str(folder)), where
    use_program(folder / "bin", Path(where).parent)
    print(f"{' '.join(map(str, what))}: works in {where}")


def use_program(programs, package):
    """`mlx`, `python -m mlx` and the program itself are one."""
    devices = run(programs / "mlx", "devices", "--json")
    assert json.loads(devices)["devices"][0]["type"] == "cpu"
    for command in [package / "bin" / "mlx"], [programs / "python", "-m", "mlx"]:
        assert run(*command, "devices", "--json") == devices
    assert run(programs / "mlx", "--cmake-dir") == str(package)
    refused = subprocess.run([programs / "mlx", "devises"], stderr=subprocess.PIPE, text=True)
    assert refused.returncode == 2 and "did you mean 'devices'" in refused.stderr


def check_name(wheel):
    """auditwheel finds no older and no newer C library than the wheel's name has."""
    if not shutil.which("auditwheel"):
        print("auditwheel is not installed: the name of the wheel is not compared with its rules")
        return
    said = " ".join(run("auditwheel", "show", wheel).split())
    tag = Path(wheel).stem.split("-")[-1]
    assert f'platform tag: "{tag}"' in said, said


def check_binaries(wheel, folder):
    """What is ours in full, what it carries as far as memory goes."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    libraries = [
        path for path in folder.rglob("*") if ".so" in path.name or path.parent.name == "bin"
    ]
    carried = [path for path in libraries if path.parent.name == "libs"]
    own = [path for path in libraries if path not in carried and not path.name.startswith("_jpeg")]
    for file in own:
        assert str(ROOT).encode() not in file.read_bytes(), f"{file}: the build's folder is in it"
    tool = [sys.executable, ROOT / "tools/check_hardening.py"]
    print(run(*tool, *own))
    run(*tool, "--plain", *carried)


def check_mlx_lm(folder):
    """It is content with this mlx."""
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    command = [*map(str, pip), "install", "--dry-run", "--quiet", "--report", "-"]
    command += ["--only-binary=:all:", "mlx-lm[cpu]"]  # nothing is built to be asked
    done = subprocess.run(command, capture_output=True, text=True, cwd=tempfile.gettempdir())
    if done.returncode:
        print("mlx-lm: no registry has it for this Python")
        return
    wanted = {row["metadata"]["name"].lower() for row in json.loads(done.stdout)["install"]}
    assert "mlx-lm" in wanted and "mlx" not in wanted, wanted
    print("mlx-lm is content with it")


def check(wheel, folder):
    check_name(wheel)
    check_binaries(wheel, folder / "contents")
    use(folder / "wheel", "--no-index", wheel)
    check_mlx_lm(folder / "wheel")


def main():
    given = sys.argv[1] == "--wheel"
    with tempfile.TemporaryDirectory() as name:
        if given:
            check(str(Path(sys.argv[2]).resolve()), Path(name))
            return 0
        wheel = run(sys.executable, ROOT / "tools" / "make_wheel.py", Path(sys.argv[1]).resolve())
        check(wheel, Path(name))
        use(Path(name, "editable"), "--editable", ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
