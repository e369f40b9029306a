"""Many clients of mlx serve at once, for a moment; bench/models/soak_serve.py by hand for longer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from server import FAKE, serving

SCRIPT = Path(__file__).parents[2] / "bench" / "models" / "soak_serve.py"


def test_many_clients():
    if not FAKE:
        pytest.skip("no program with an engine that stands for models")
    with serving(models=["echo"]):  # it can be started here at all
        pass
    done = subprocess.run([sys.executable, SCRIPT, FAKE, "echo", "--clients", "64", "--seconds", "4"],
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["lost"] == [] and found["answers"] > 100 and found["left"] > 0
    grown = found["resident_after"] - found["resident_before"]
    sanitized = any(name in Path(FAKE).read_bytes() for name in (b"__asan_init", b"__tsan_init"))
    assert sanitized or grown < 16 << 20, found  # what sanitizers keep is not the program's
