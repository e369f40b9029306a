"""Neural networks: modules, layers, losses, initializers."""

from .layers import *  # noqa: F403
