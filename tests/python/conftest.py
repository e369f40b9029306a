"""Every test begins with the same random numbers (luck.py)."""

import mlx.core  # noqa: F401
import numpy  # noqa: F401

from luck import *  # noqa: F403
