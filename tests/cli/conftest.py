"""Every test begins with the same random numbers, as those of Python do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))

from luck import *  # noqa: E402, F403
