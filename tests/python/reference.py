"""The original package, only ever in a process of its own.

It is what the interpreter named by MLX_REFERENCE_PYTHON has, or what lies in the folder
MLX_REFERENCE_FOLDER.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = os.environ.get("MLX_REFERENCE_PYTHON")
FOLDER = os.environ.get("MLX_REFERENCE_FOLDER")
WHY_NOT = "" if PYTHON or FOLDER else "MLX_REFERENCE_PYTHON is not set"


def run(script, *arguments, timeout=None):
    """Run a script of this folder or of a room of it, which may import its neighbours; CalledProcessError if it fails,
    TimeoutExpired."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    path = [str(HERE)] if PYTHON else [FOLDER, str(HERE)]
    variables["PYTHONPATH"] = os.pathsep.join(path)
    command = [PYTHON or sys.executable, str(HERE / script), *map(str, arguments)]
    return subprocess.run(command, check=True, env=variables, timeout=timeout)
