"""Neural networks: modules, layers, losses, initializers, gradients."""

from . import init, layers, losses, utils
from .layers import *
from .utils import average_gradients, value_and_grad

__all__ = ["average_gradients", "init", "losses", "utils", "value_and_grad"]
__all__ += layers.__all__
