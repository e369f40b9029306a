"""Every version stands in include/mlx/c/features.h; what cannot read it there says the same."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ["MLX_TEST_BUILD"])
sys.path.insert(0, str(ROOT / "tools"))
import versions

OURS, PYTHON, C = (versions.version(of) for of in ("LIBRARY", "PYTHON", "C"))


def found(pattern, path):
    return re.search(pattern, path.read_text(), re.MULTILINE).group(1)


def test_header_as_text():
    """The macro that makes text of the numbers, in any C."""
    program = "#include <mlx/c/features.h>\nMLX_VERSION_TEXT(MLX_LIBRARY_VERSION) MLX_VERSION_TEXT(MLX_C_VERSION)"
    command = [os.environ.get("CC", "cc"), "-E", "-P", "-x", "c", f"-I{ROOT / 'include'}", "-"]
    text = subprocess.run(command, input=program, capture_output=True, text=True, check=True).stdout
    assert text.split() == [f'"{OURS}"', f'"{C}"']


def test_library_and_package():
    assert mx.__version__ == PYTHON
    program = BUILD / "bin" / "mlx"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == OURS and versions.version("") in said
    page = subprocess.run([program, "help", "--man"], capture_output=True, text=True).stdout
    assert f'"cmlx {OURS}"' in page.splitlines()[0]


def test_files_of_the_build():
    assert found(r"^Version: (.*)", BUILD / "mlxc.pc") == C
    pattern = r'set\(PACKAGE_VERSION "(.*)"\)'
    assert found(pattern, BUILD / "MLXCConfigVersion.cmake") == C
    assert found(pattern, BUILD / "MLXConfigVersion.cmake") == PYTHON


def test_lists_of_changes():
    assert found(r"^## ([\d.]+)", ROOT / "CHANGELOG.md") == OURS
    head = ROOT / "debian/changelog"
    if head.exists():
        assert re.match(r"cmlx \(([\d.]+)-\d+\)", head.read_text()).group(1) == OURS


def test_what_readers_are_told():
    """The release whose place the package takes."""
    for page in "README.md", "docs/start/install.md", "pyproject.toml":
        for said in re.findall(r"`mlx` (\d+\.\d+\.\d+)", (ROOT / page).read_text()):
            assert said == PYTHON, page


def test_wheel():
    """pyproject.toml takes the package's version from the header."""
    if not importlib.util.find_spec("scikit_build_core"):
        pytest.skip("scikit-build-core is not here")
    from scikit_build_core.metadata.regex import dynamic_metadata

    tomllib = pytest.importorskip("tomllib")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    provider = settings["tool"]["scikit-build"]["metadata"]["version"]
    del provider["provider"]
    os.chdir(ROOT)
    assert dynamic_metadata("version", provider) == versions.wheel_version()


def test_elixir():
    """In the project, and in a package's folder, which has the number as a file."""
    text = (ROOT / "bindings/elixir/mix.exs").read_text()
    assert not re.search(r'version:? *"\d', text)
    if not shutil.which("mix"):
        pytest.skip("mix is not here")
    command = ["mix", "run", "--no-compile", "--no-start", "-e"]
    said = subprocess.run(
        [*command, "IO.write(Mix.Project.config()[:version])"],
        cwd=ROOT / "bindings/elixir",
        env={**os.environ, "ELIXIR_ERL_OPTIONS": "+fnu"},
        capture_output=True,
        text=True,
    )
    assert said.stdout.split("\n")[-1] == OURS, said.stderr
