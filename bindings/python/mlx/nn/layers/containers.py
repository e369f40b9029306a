"""Modules made of modules."""

from typing import Any

from .base import Module


class Sequential(Module):
    """Calls one module, or function, after the other.

    Args:
        modules: What to call, in order.

    Example:
        >>> nn.Sequential(nn.Linear(2, 8), mx.tanh, nn.Linear(8, 1))(mx.zeros((4, 2))).shape
        (4, 1)
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        self.layers = list(modules)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x
