"""The program `mlx`, run as people and scripts run it."""

import json
import os
import subprocess
from pathlib import Path

MLX = os.environ.get("MLX_PROGRAM", "mlx")
DATA = next(
    (
        Path(place)
        for place in [
            os.environ.get("MLX_TEST_DATA"),
            Path(__file__).parents[3] / "shared" / "data",
        ]
        if place and Path(place).is_dir()
    ),
    None,
)
MODELS = Path(os.environ.get("MLX_MODELS", Path(__file__).parents[2] / "build" / "models"))


def environment(**more):
    """Nothing of the caller's that changes what is printed."""
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "MLX_PLUGINS")}
    return {**plain, "TERM": "xterm", **more}


def run(*words, status=0, **options):
    """The finished process; its standard error is empty where it ends well."""
    variables = options.pop("env", {})
    done = subprocess.run(
        [MLX, *map(str, words)],
        capture_output=options.pop("capture_output", True),
        text=options.pop("text", True),
        timeout=300,
        env=environment(**variables),
        **options,
    )
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    if status == 0 and isinstance(done.stderr, str):
        assert done.stderr == "", done.stderr
    return done


def document(*words, status=0, **options):
    """What --json prints."""
    return json.loads(run(*words, "--json", status=status, **options).stdout)


def commands():
    return [command["name"] for command in document("help")["commands"]]
