"""The type stubs: every function of the module is in them, and they are Python."""

import ast
import importlib.util
import types
from pathlib import Path

import mlx.core as mx
import pytest

FOLDER = Path(mx.__file__).parent / "core"
if not (FOLDER / "__init__.pyi").exists():
    pytest.skip("the stubs are not written in this build", allow_module_level=True)
FUNCTION = type(mx.add)


def names(path):
    return {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }


def test_every_function_has_a_stub():
    modules = {n: m for n, m in vars(mx).items() if isinstance(m, types.ModuleType)}
    for name, module in {"__init__": mx, **modules}.items():
        wanted = {n for n, f in vars(module).items() if type(f) is FUNCTION}
        assert wanted <= names(FOLDER / f"{name}.pyi"), name
    assert importlib.util.find_spec("mlx.core").origin == mx.__file__


def test_methods_have_types():
    text = (FOLDER / "__init__.pyi").read_text()
    assert (
        "def sum(self, axis: int | collections.abc.Sequence[int] | None = None, keepdims: bool = False"
        in text
    )
    assert "def shape(self) -> tuple[int, ...]: ..." in text
