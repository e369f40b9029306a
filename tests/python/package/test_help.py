"""What help() says of the public names: what they take, give and refuse, and examples, which are
run. (test_manual.py asks the same of the operations, which have it from the catalog.)"""

import ast
import doctest
import enum
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import shutil
import sys
import textwrap
from pathlib import Path

import mlx.array_api as xp
import mlx.core as mx
import mlx.data
import mlx.lm
import mlx.nn as nn
import mlx.optimizers
import mlx.tokenizer
import mlx.train
import mlx.utils
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/docs"))

import pages_python  # noqa: E402

OPERATION = type(mx.add)
CORE = ["", "linalg", "fft", "random", "fast", "distributed", "metal", "cuda", "plugins"]
MODULES = ["mlx.nn", "mlx.nn.losses", "mlx.nn.init", "mlx.optimizers", "mlx.utils", "mlx.data",
           "mlx.data.images", "mlx.data.audio", "mlx.data.features", "mlx.data.datasets",
           "mlx.array_api", "mlx.array_api.linalg", "mlx.array_api.fft", "mlx.train", "mlx.lm", "mlx.tokenizer", "mlx.nn.layers.distributed"]  # fmt: skip
if importlib.util.find_spec("setuptools"):
    MODULES.append("mlx.extension")
    importlib.import_module("mlx.extension")
# Classes whose objects come from functions.
MADE = {"mlx.lm.Model", "mlx.data.Stream"}
# Categories of dtypes and types of devices, as the original has them: nothing but names.
ENUMS = {"mlx.core.DeviceType", "mlx.core.DtypeCategory"}
# Of methods that a class of one's own is to have.
ABSTRACT = {"NotImplementedError"}
# What the examples call by name.
NAMES = {
    "mx": mx, "xp": xp, "nn": nn, "optim": mlx.optimizers, "data": mlx.data, "train": mlx.train, "lm": mlx.lm,
    "sharded": nn.layers.distributed, "extension": sys.modules.get("mlx.extension"),
    **{name: getattr(mlx.data, name) for name in ("images", "audio", "features", "datasets")},
    **{name: getattr(mlx.utils, name) for name in mlx.utils.__all__},
}  # fmt: skip
MODEL = Path(os.environ.get("MLX_MODELS", ""), "SmolLM2-135M-Instruct.Q4_1.gguf")


def core_names():
    for module in CORE:
        place = getattr(mx, module) if module else mx
        for name, value in sorted(vars(place).items()):
            if callable(value) and name[0] != "_" and type(value) is not OPERATION:
                yield f"mlx.core.{module}.{name}".replace("..", "."), value


def public():
    """(name, value) of all that is public and no operation; second names are left out."""
    yield from (
        (n, v) for n, v in core_names() if getattr(v, "__name__", "") in ("", n.split(".")[-1])
    )
    for module in MODULES:
        for name, value in pages_python.of_module(importlib.import_module(module)):
            if value.__name__ == name:
                yield f"{module}.{name}", value


NAMED = [pytest.param(value, id=name) for name, value in public() if name not in ENUMS]


def sections(value):
    parts = re.split(r"^(Args|Returns|Raises|Example):\n", inspect.getdoc(value), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def declared(value):
    """The signature in front of a docstring, as functions in C without another have it."""
    return inspect.getdoc(value).split("\n\n")[0]


def parameters(value):
    try:
        found = inspect.signature(value).parameters
    except (TypeError, ValueError):
        text = re.sub(r"\[[^\[\]]*(?:\[[^\]]*\][^\[\]]*)*\]|'[^']*'", "", declared(value))
        return set(re.findall(r"[(,]\s*\*{0,2}(\w+)\s*(?=[:=,)])", text))
    return set(found) - {"self"}


def takes_arguments(value, name):
    own = inspect.isclass(value) and issubclass(value, enum.Enum)
    return not own and name not in MADE


@pytest.mark.parametrize("value", NAMED)
def test_every_parameter_is_told(value, request):
    if takes_arguments(value, request.node.callspec.id):
        told = re.findall(r"^    \*?(\w+)(?: \(.*?\))?:", sections(value).get("Args", ""), re.M)
        assert set(told) == parameters(value)


def gives(value):
    """Whether a function returns anything."""
    if not inspect.isfunction(inspect.unwrap(value)):
        return bool(re.search(r"\) -> (?!None)", declared(value)))
    nodes = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(value)))).body[0].body
    while nodes:  # of its own body, not of functions in it
        nodes = [n for n in nodes if not isinstance(n, ast.FunctionDef | ast.Lambda)]
        if any(isinstance(node, ast.Return) and node.value for node in nodes):
            return True
        nodes = [child for node in nodes for child in ast.iter_child_nodes(node)]
    return False


@pytest.mark.parametrize("value", [p for p in NAMED if not inspect.isclass(p.values[0])])
def test_result_is_told(value):
    if gives(value):
        assert sections(value)["Returns"].strip()


def raised(value):
    """The kinds of errors that a function, or a class when it is made, raises by name."""
    code = value.__init__ if inspect.isclass(value) else inspect.unwrap(value)
    if not inspect.isfunction(code):
        return set()
    tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    calls = [
        n.exc.func for n in ast.walk(tree) if isinstance(n, ast.Raise) and hasattr(n.exc, "func")
    ]
    return {n.id for n in calls if isinstance(n, ast.Name) and n.id.endswith("Error")} - ABSTRACT


@pytest.mark.parametrize("value", NAMED)
def test_errors_are_told(value):
    told = re.findall(r"^    (\w+):", sections(value).get("Raises", ""), re.M)
    assert raised(value) <= set(told)


@pytest.mark.parametrize("value", NAMED)
def test_there_is_an_example(value):
    assert ">>> " in sections(value).get("Example", "")


# --- they are run ---------------------------------------------------------------------------------


def lacks(source):
    """What is not here that an example needs."""
    needed = {"pyarrow": "pyarrow", "images.": "PIL", "model.gguf": "a model"}
    for word, name in needed.items():
        found = MODEL.exists() if name == "a model" else importlib.util.find_spec(name)
        if word in source and not found:
            return name
    return None


def run(test):
    """One docstring's examples."""
    source = "".join(example.source for example in test.examples)
    if lacks(source):
        return 0
    if "model.gguf" in source and not os.path.lexists("model.gguf"):
        shutil.copyfile(MODEL, "model.gguf")  # no link, through which an example could write
    runner = doctest.DocTestRunner()
    runner.run(test)
    return runner.failures


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


PACKAGES = [mlx.nn, mlx.optimizers, mlx.data, mlx.train, mlx.array_api]
FILES = [
    "mlx._saved",
    *({"mlx.extension"} & set(MODULES)),
    "mlx.utils",
    "mlx.lm",
    "mlx.tokenizer",
] + [info.name for p in PACKAGES for info in pkgutil.walk_packages(p.__path__, p.__name__ + ".")]


@pytest.mark.parametrize("name", FILES)
def test_examples(name):
    module = importlib.import_module(name)
    tests = doctest.DocTestFinder().find(module, name, globs=dict(NAMES))
    assert sum(map(run, tests)) == 0


@pytest.mark.parametrize("value", [p for p in NAMED if p.id.startswith("mlx.core.")])
def test_core_examples(value):
    text = inspect.getdoc(value)
    test = doctest.DocTestParser().get_doctest(text, {"mx": mx}, value.__name__, None, 0)
    assert run(test) == 0
