"""Every program of examples/python explains itself, by the command that runs it."""

import subprocess
import sys

import pytest
from examples import EXAMPLES


def programs():
    files = [p for p in EXAMPLES.glob("*/*.py") if "__main__" in p.read_text()]
    folders = [p.parent for p in EXAMPLES.glob("*/*/__main__.py")]
    return sorted(f"{p.parent.name}.{p.stem}" for p in files + folders)


def test_there_are_programs_in_each_room():
    assert {p.split(".")[0] for p in programs()} == {
        "generative",
        "language",
        "methods",
        "speech",
        "vision",
    }


@pytest.mark.parametrize("name", programs())
def test_help(name):
    done = subprocess.run(
        [sys.executable, "-m", name, "--help"], capture_output=True, text=True, cwd=EXAMPLES
    )
    assert done.returncode == 0, done.stderr
    usage, _, words = " ".join(done.stdout.split()).partition("[-h]")
    assert usage == f"usage: python -m {name} " and f"python -m {name}" in words
