"""The Python programs in README.md and docs/ run as they stand there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks():
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for number, match in enumerate(BLOCK.finditer(path.read_text()), 1):
            yield pytest.param(match.group(1), id=f"{path.name}-{number}")


@pytest.mark.parametrize("source", blocks())
def test_block(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(source, "documentation", "exec"), {"__name__": "documentation"})


def test_one_version():
    """That of CMakeLists.txt, where the package, the headers and the list of changes say it
    again."""
    version = re.search(
        r"project\(cmlx VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()
    ).group(1)
    features = (ROOT / "include/mlx/c/features.h").read_text()
    parts = re.findall(r"MLX_LIBRARY_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", features)
    assert ".".join(parts) == version
    assert f'+cmlx{version}"' in (ROOT / "pyproject.toml").read_text()
    assert (
        re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE).group(1)
        == version
    )
