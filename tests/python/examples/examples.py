"""What the tests of examples/python share: the folder on Python's path, data or a word, short
runs unless MLX_TEST_FULL=1."""

import os
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "python"
sys.path.insert(0, str(EXAMPLES))

import common

FULL = bool(os.environ.get("MLX_TEST_FULL"))
needs_data = pytest.mark.skipif(
    not common.data_folder().is_dir(), reason="no data (set MLX_TEST_DATA)"
)


def shortened_mnist(monkeypatch, module, train, test=2000):
    """Whole MNIST in a full run, the first images of it otherwise."""
    whole = common.mnist

    def some(data):
        images, labels, test_images, test_labels = whole(data)
        return images[:train], labels[:train], test_images[:test], test_labels[:test]

    if not FULL:
        monkeypatch.setattr(module, "mnist", some)


def is_png(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
