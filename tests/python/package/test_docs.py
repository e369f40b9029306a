"""The programs in README.md and docs/ run as they stand there: Python, shell, C and Elixir.

Blocks of one page run in their order, in one namespace and one folder. Those of C are programs,
which run but where a page is about models. ```text is for what cannot be run.
"""

import io
import os
import re
import shutil
import subprocess
from pathlib import Path

import mlx.core as mx
import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ["MLX_TEST_BUILD"])
BLOCK = re.compile(r"^```(\S+)(?: .*)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODELS = ["lm.md"]  # their programs want a model


def blocks(page, *kinds):
    return [body for kind, body in BLOCK.findall(page.read_text()) if kind in kinds]


def pages(*kinds):
    return [
        pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES if blocks(page, *kinds)
    ]


def run(command, folder, **more):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def environment():
    path = f"{BUILD / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "LD_LIBRARY_PATH": str(BUILD)}


def draw(*arrays, **names):
    text = io.StringIO()
    mx.export_to_dot(text, *arrays, **names)
    assert "->" in text.getvalue()


@pytest.mark.parametrize("page", pages("python", "{picture}"))
def test_python(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "documentation"}
    for number, (kind, body) in enumerate(BLOCK.findall(page.read_text()), 1):
        if kind in ("python", "{picture}"):
            code = compile(body, f"{page.name}, block {number}", "exec")
            exec(code, names if kind == "python" else {"mx": mx, "draw": draw})


@pytest.mark.skipif(not (BUILD / "bin/mlx").exists(), reason="the program mlx was not built")
@pytest.mark.parametrize("page", pages("sh"))
def test_shell(page, tmp_path):
    for body in blocks(page, "sh"):
        run(["sh", "-ec", body], tmp_path, env=environment())


@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler")
@pytest.mark.parametrize("page", pages("c"))
def test_c(page, tmp_path):
    flags = ["-std=c11", "-Wall", "-Werror", f"-I{ROOT / 'include'}", f"-L{BUILD}"]
    for number, body in enumerate(blocks(page, "c")):
        (tmp_path / f"{number}.c").write_text(body)
        run(["cc", *flags, f"{number}.c", "-o", f"program{number}", "-lmlxc", "-lm"], tmp_path)
        if page.name not in MODELS:
            run([f"./program{number}"], tmp_path, env=environment())


def beams():
    """The Elixir package that its own tests built."""
    return next((BUILD / "elixir/test/lib").glob("mlx/ebin"), None)


@pytest.mark.skipif(not shutil.which("elixir") or not beams(), reason="no Elixir package")
def test_elixir(tmp_path):
    programs = [body for page in PAGES for body in blocks(page, "elixir")]
    start = "{:ok, _} = Application.ensure_all_started(:mlx)\n"
    (tmp_path / "program.exs").write_text(start + "\n".join(programs))
    run(["elixir", "-pa", str(beams()), "program.exs"], tmp_path, env=environment())
