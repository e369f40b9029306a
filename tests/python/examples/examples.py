"""What the tests of examples/python share: the folder on Python's path, data or a word, short
runs unless MLX_TEST_FULL=1."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "python"
sys.path.insert(0, str(EXAMPLES))

import checkpoint
import common
import pictures
import samples

FULL = bool(os.environ.get("MLX_TEST_FULL"))
needs_data = pytest.mark.skipif(
    not common.data_folder().is_dir(), reason="no data (set MLX_TEST_DATA)"
)


def shortened_mnist(monkeypatch, module, train, test=2000):
    """Whole MNIST in a full run, the first images of it otherwise."""
    whole = samples.mnist

    def some(data):
        images, labels, test_images, test_labels = whole(data)
        return images[:train], labels[:train], test_images[:test], test_labels[:test]

    if not FULL:
        monkeypatch.setattr(module, "mnist", some)


def near(found, wanted, tolerance=1e-4):
    np.testing.assert_allclose(np.array(found), wanted, rtol=tolerance, atol=tolerance)


def needs_pillow():
    pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def is_png(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


TRANSFORMERS = os.environ.get("MLX_TRANSFORMERS_PYTHON")
needs_transformers = pytest.mark.skipif(
    not TRANSFORMERS, reason="MLX_TRANSFORMERS_PYTHON is not set"
)


def references(worker, *words):
    """Run a script of this folder by the Python that has transformers, torch and diffusers."""
    if not TRANSFORMERS:
        pytest.skip("MLX_TRANSFORMERS_PYTHON is not set")
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [TRANSFORMERS, Path(__file__).parent / worker, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=plain)
    assert done.returncode == 0, done.stderr[-3000:]


def referenced(tmp_path_factory, worker, *parts):
    """A new folder of what such a script writes there."""
    folder = tmp_path_factory.mktemp("references")
    references(worker, folder, *parts)
    return folder


def program(name, *words):
    """What a program of the examples writes to stdout; its sentence where it ends with one."""
    command = [sys.executable, "-m", name, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLES)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout if done.returncode == 0 else done.stderr
