"""Every test begins with the same random numbers, alone or among others, in any order.

MLX_TEST_SEED=n    other numbers (seeds.py); hypothesis looks for new examples
MLX_TEST_ORDER=n   the tests in an order drawn with this seed
"""

import os
import random
import signal
import zlib

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import settings

import seeds

ORDER = os.environ.get("MLX_TEST_ORDER")

settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
settings.register_profile(
    "random", deadline=None, derandomize=False, database=None, print_blob=True
)
settings.load_profile("random" if seeds.SEED else "fixed")


def pytest_report_header():
    return f"MLX_TEST_SEED={seeds.SEED} MLX_TEST_ORDER={ORDER or ''}"


def pytest_configure():
    """A shell's background jobs, and what they start, ignore Control-C, which some tests send."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    if ORDER:
        random.Random(ORDER).shuffle(items)


@pytest.fixture(autouse=True)
def seeded(request):
    """The three global generators, by the seed and the test's name."""
    seed = zlib.crc32(f"{seeds.SEED} {request.node.name}".encode())
    random.seed(seed)
    np.random.seed(seed)
    mx.random.seed(seed)
