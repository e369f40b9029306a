"""Where the numbers of tests come from.

MLX_TEST_SEED (0) chooses them. A test that draws from here sees the same numbers whenever and in
whatever order it runs, and other ones under another seed, under which it must pass too.
"""

import os
import random

import numpy as np

SEED = int(os.environ.get("MLX_TEST_SEED", "0"))


def generator(*salt):
    """A generator of NumPy's for one test; what is given tells several of them apart."""
    return np.random.default_rng([SEED, *map(_number, salt)] if SEED else (salt or (0,)))


def choices(*salt):
    """A generator of Python's, as above."""
    return random.Random(" ".join(map(str, (SEED, *salt))))


def _number(part):
    return part if isinstance(part, int) and part >= 0 else random.Random(str(part)).getrandbits(32)
