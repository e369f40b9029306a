"""The reference package in a process of its own, which may crash: cases go in and results come out
line by line.

MLX_REFERENCE_PYTHON names an interpreter that has it, or MLX_REFERENCE_FOLDER a folder to import it
from. A worker is a script that calls `serve(evaluate)`; `results(script, cases)` starts it as often
as it dies.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

PYTHON = os.environ.get("MLX_REFERENCE_PYTHON")
FOLDER = os.environ.get("MLX_REFERENCE_FOLDER")
AVAILABLE = bool(PYTHON or FOLDER)
CRASHED = "crashed"


def environment():
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    folders = [str(Path(__file__).parent)] if PYTHON else [FOLDER, str(Path(__file__).parent)]
    return {**variables, "PYTHONPATH": os.pathsep.join(folders)}


def some_results(script, cases):
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    run = subprocess.run(
        [PYTHON or sys.executable, str(script)],
        input=lines,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    return [
        json.loads(line) for line in run.stdout.splitlines() if line.endswith(("]", '"', "null"))
    ], run.returncode


def results(script, cases):
    """What the reference makes of each case; CRASHED where it died."""
    done = []
    while len(done) < len(cases):
        more, status = some_results(script, cases[len(done) :])
        done += more
        if len(done) < len(cases):
            assert status < 0, f"the reference stopped with {status} at {cases[len(done)]}"
            done.append(CRASHED)
    return done


def serve(evaluate):
    for line in sys.stdin:
        print(json.dumps(evaluate(*json.loads(line))), flush=True)
