"""Neural networks: modules, layers, losses, initializers, gradients."""

from . import init, losses, utils
from .layers import *
from .utils import average_gradients, value_and_grad
