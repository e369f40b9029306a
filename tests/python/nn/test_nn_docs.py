"""Every public name says what it is, and the examples do what they show."""

import doctest
import importlib
import inspect
import pkgutil

import mlx.core as mx
import mlx.nn as nn
import mlx.utils
import pytest

MODULES = ["mlx.utils", "mlx.nn"] + [
    info.name for info in pkgutil.walk_packages(nn.__path__, "mlx.nn.")
]
NAMES = {"mx": mx, "nn": nn, **{name: getattr(mlx.utils, name) for name in mlx.utils.__all__}}


def own(module):
    """The public functions and classes that a module defines."""
    for name, value in vars(module).items():
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__:
            yield name, value


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(module, name, globs=dict(NAMES)):
        runner.run(test)
    assert runner.failures == 0


@pytest.mark.parametrize("name", MODULES)
def test_everything_is_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for key, value in own(module):
        assert value.__doc__, key
        for member, function in vars(value).items() if inspect.isclass(value) else ():
            if not member.startswith("_") and callable(getattr(value, member)):
                assert inspect.getdoc(getattr(value, member)), f"{key}.{member}"
