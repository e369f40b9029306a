"""What type checkers know of the package: a typed program passes mypy --strict and pyright, and has
the right types."""

import ast
import fcntl
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

PROGRAM = Path(__file__).with_name("typed_program.py")
PACKAGE = Path(mx.__file__).parents[1]


def test_names_are_exported():
    """`__all__` lists the public names of nn and optimizers, all of them there."""
    for module in (nn, nn.layers, optim):
        assert len(set(module.__all__)) == len(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)
    kinds = {n for n, o in vars(nn).items() if isinstance(o, type) and issubclass(o, nn.Module)}
    assert kinds | {"relu", "value_and_grad", "init", "losses"} <= set(nn.__all__)
    rules = {n for n, o in vars(optim).items() if isinstance(o, type)}
    assert rules | {"clip_grad_norm", "cosine_decay"} <= set(optim.__all__)


def test_the_program_runs():
    subprocess.run([sys.executable, PROGRAM], check=True, capture_output=True)


@pytest.fixture(scope="module")
def checkers():
    """The folder of programs of an environment with both type checkers."""
    folder = Path(os.environ.get("MLX_TEST_BUILD", PACKAGE.parent)) / "type-env"
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            try:
                venv.create(folder, with_pip=True, clear=True)
                command = [folder / "bin" / "pip", "install", "--quiet", "mypy", "pyright"]
                subprocess.run(command, check=True, capture_output=True, timeout=600)
            except (OSError, subprocess.SubprocessError):
                pytest.skip("mypy and pyright cannot be installed here")
            (folder / "installed").touch()
    return folder / "bin"


def mypy(checkers, *arguments):
    if not (PACKAGE / "mlx" / "core" / "__init__.pyi").exists():
        pytest.skip("the stubs are not written in this build")
    command = [
        checkers / "mypy",
        "--strict",
        "--cache-dir",
        checkers.parent / "cache",
        "--follow-imports",
        "silent",
    ]
    variables = {**os.environ, "MYPYPATH": str(PACKAGE)}
    command += ["--namespace-packages", "--explicit-package-bases", *arguments]
    return subprocess.run(
        command, env=variables, capture_output=True, text=True, cwd=PROGRAM.parent
    )


def test_mypy(checkers):
    done = mypy(checkers, PROGRAM)
    assert done.returncode == 0, done.stdout


def test_what_mypy_reveals(checkers, tmp_path):
    program = tmp_path / "reveals.py"
    program.write_text(
        "import mlx.core as mx\n"
        "def f(x: mx.array, n: int) -> mx.array: return x * n\n"
        "x = mx.ones(3)\n"
        "reveal_type(mx.compile(f))\nreveal_type(mx.vmap(f))\nreveal_type(mx.value_and_grad(f)(x, 2))\n"
        "reveal_type(next(iter(x)))\nreveal_type(x.shape)\nreveal_type(mx.jvp(f, [x], [x]))\n"
        "mx.compile(f)(x, 'two')\n"
    )
    lines = mypy(checkers, program).stdout.splitlines()
    function = 'def (x: mlx.core.array, n: int) -> mlx.core.array"'
    for line, expected in zip(
        lines,
        [
            function,
            function,
            "tuple[mlx.core.array, Any]",
            '"mlx.core.array"',
            "tuple[int, ...]",
            "tuple[list[mlx.core.array], list[mlx.core.array]]",
        ],
    ):
        assert expected in line
    assert 'incompatible type "str"; expected "int"' in lines[6]


def test_pyright(checkers, tmp_path):
    (tmp_path / "pyrightconfig.json").write_text(f'{{"extraPaths": ["{PACKAGE}"]}}')
    (tmp_path / PROGRAM.name).write_text(PROGRAM.read_text())
    command = [checkers / "pyright", "--project", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
    if " error" not in done.stdout:
        pytest.skip("pyright cannot run here: it fetches Node.js")
    assert done.returncode == 0, done.stdout


def test_stubs_are_complete_python():
    for path in (PACKAGE / "mlx" / "core").glob("*.pyi"):
        ast.parse(path.read_text())
