"""mlx serve, asked by the `openai` package, where it is installed (or $MLX_OPENAI_PYTHON has it)."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import server  # noqa: F401

PYTHON = os.environ.get("MLX_OPENAI_PYTHON") or (
    sys.executable if importlib.util.find_spec("openai") else None
)


@pytest.mark.skipif(PYTHON is None, reason="no package openai")
def test_its_client(server):  # noqa: F811
    script = Path(__file__).with_name("openai_client.py")
    done = subprocess.run([PYTHON, script, server.url + "/v1"], capture_output=True, text=True,
                          timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "good"
