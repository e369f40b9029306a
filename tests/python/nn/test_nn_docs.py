"""Every public name of the layers says what it is, and every method."""

import importlib
import inspect
import pkgutil

import mlx.nn as nn
import pytest

MODULES = ["mlx.utils", "mlx.nn"] + [
    info.name for info in pkgutil.walk_packages(nn.__path__, "mlx.nn.")
]


def own(module):
    """The public functions and classes that a module defines."""
    for name, value in vars(module).items():
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__:
            yield name, value


@pytest.mark.parametrize("name", MODULES)
def test_everything_is_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for key, value in own(module):
        assert value.__doc__, key
        for member, function in vars(value).items() if inspect.isclass(value) else ():
            if not member.startswith("_") and callable(getattr(value, member)):
                assert inspect.getdoc(getattr(value, member)), f"{key}.{member}"
