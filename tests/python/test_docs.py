"""The Python programs in README.md and docs/ run as they stand there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks():
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for number, match in enumerate(BLOCK.finditer(path.read_text()), 1):
            yield pytest.param(match.group(1), id=f"{path.name}-{number}")


@pytest.mark.parametrize("source", blocks())
def test_block(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(source, "documentation", "exec"), {"__name__": "documentation"})
