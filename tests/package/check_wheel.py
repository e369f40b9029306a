#!/usr/bin/env python3
"""Build a wheel, install it into a fresh virtual environment, and use it there; the same for an
editable install.

    check_wheel.py folder-for-wheels
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import mlx.core as mx
x = mx.array([1.0, 2.0, 3.0])
assert (x * x).sum().item() == 14
assert mx.grad(lambda v: (v * v).sum())(x).tolist() == [2.0, 4.0, 6.0]
inverse = mx.linalg.inv(mx.array([[2.0, 0], [0, 4.0]]), stream=mx.cpu)
assert inverse.tolist() == [[0.5, 0], [0, 0.25]]
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


def main():
    wheel = run(sys.executable, ROOT / "tools" / "make_wheel.py", Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        use(Path(name, "wheel"), "--no-index", wheel)
        use(Path(name, "editable"), "--editable", ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
