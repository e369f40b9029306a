"""What keeps luck out of tests, here and in tests/cli, whose conftest.py take it from here: the same
random numbers for each test, alone or among others, in any order.

MLX_TEST_SEED=n    other numbers (seeds.py); hypothesis looks for new examples
MLX_TEST_ORDER=n   the tests in an order drawn with this seed
"""

import os
import random
import signal
import sys
import zlib

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
        items.sort(key=lambda item: item.nodeid)
        random.Random(ORDER).shuffle(items)


@pytest.fixture(autouse=True)
def seeded(request):
    """The global generators of what is there, by the seed and the test's name."""
    seed = zlib.crc32(f"{seeds.SEED} {request.node.name}".encode())
    random.seed(seed)
    for name in "numpy", "mlx.core":
        if name in sys.modules:
            sys.modules[name].random.seed(seed)
