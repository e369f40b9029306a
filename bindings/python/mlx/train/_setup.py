"""What a training is made of, in words that its checkpoints keep: who goes on from one has the same
model, optimizer, loss, options and data, or an error that names what differs.

A setup is {part: {name: words}}. Functions are known by their names and by what their code names,
so that two lambdas differ; schedules by their values at some steps."""

import functools
import os
from numbers import Number
from types import CodeType
from typing import Any, Iterator, Optional, Sequence, Union
from zlib import crc32

import mlx.core as mx

from ..nn.layers.base import Module
from ..optimizers import Optimizer
from ..utils import tree_flatten
from ._step import arrays_of

PathLike = Union[str, os.PathLike]
Setup = dict[str, dict[str, str]]

_STEPS = (0, 1, 10, 100, 1000, 10000)  # where schedules are looked at


def words_of(value: Any) -> Optional[str]:
    """A setting in words; None of what is no setting: arrays, modules, any other object."""
    if value is None or isinstance(value, (bool, str)):
        return repr(value)
    if isinstance(value, Number):
        return repr(value.item() if hasattr(value, "item") else value)
    if isinstance(value, mx.Dtype):
        return str(value)
    if isinstance(value, (list, tuple)) and not isinstance(value, Module):
        parts = [words_of(part) for part in value]
        return None if None in parts else f"({', '.join(map(str, parts))})"
    return _function(value) if callable(value) and not isinstance(value, Module) else None


def _function(function):
    """The name of a function and, unless it is the library's, what its code names; of an object the
    name of its class."""
    if isinstance(function, functools.partial):
        given = [*map(words_of, function.args)]
        given += [f"{name}={words_of(value)}" for name, value in function.keywords.items()]
        return f"{_function(function.func)} with {', '.join(map(str, given))}"
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if str(getattr(function, "__module__", "")).split(".")[0] == "mlx":
        return name
    code = getattr(function, "__code__", None)
    held = [words_of(cell.cell_contents) for cell in _cells(function)]
    inside = [*_named(code)] + [words for words in held if words]
    return f"{name} of {', '.join(inside)}" if inside else name


def _cells(function):
    """What a function holds of those around it, as far as it is there yet."""
    return [cell for cell in getattr(function, "__closure__", None) or () if _filled(cell)]


def _filled(cell):
    try:
        return not callable(cell.cell_contents)
    except ValueError:
        return False


def _named(code: Optional[CodeType]) -> Iterator[str]:
    """The names and numbers in a function's code, and of functions within it."""
    if code is None:
        return
    yield from code.co_names
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _named(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield repr(value)


def model_of(model: Module) -> dict[str, str]:
    """The class of each module, and its settings."""
    return {name or "the model": _module(module) for name, module in model.named_modules()}


def _module(module):
    values = {**vars(module), **module}
    settings = {n: words_of(v) for n, v in values.items() if not n.startswith("_")}
    inside = [f"{name}={_short(words)}" for name, words in settings.items() if words]
    return f"{type(module).__name__}({', '.join(filter(None, [module._extra_repr(), *inside]))})"


def _short(words, most=200):
    if len(words) <= most:
        return words
    return f"{words[: most // 2]}... with checksum {crc32(words.encode()):08x}"


def optimizer_of(optimizer: Optimizer) -> dict[str, str]:
    """The class and the settings of an optimizer; of several, of each."""
    found = {"the class": type(optimizer).__name__}
    for name, value in vars(optimizer).items():
        words = words_of(value)
        if words and not name.startswith("_"):
            found[name] = words
    for i, one in enumerate(getattr(optimizer, "optimizers", ())):
        found.update({f"{name} of number {i}": words for name, words in optimizer_of(one).items()})
    for name, value in optimizer.state.items():
        if isinstance(value, mx.array) and value.ndim == 0 and name != "step":
            found[name] = _rate(optimizer._schedulers.get(name), value)
    return found


def rates_of(optimizer: Optimizer) -> list[Optional[mx.array]]:
    """The learning rates of an optimizer, or of several."""
    return [one.state.get("learning_rate") for one in getattr(optimizer, "optimizers", [optimizer])]


def set_rates(optimizer: Optimizer, rates: Sequence[Optional[mx.array]]) -> None:
    """Put them back."""
    for one, rate in zip(getattr(optimizer, "optimizers", [optimizer]), rates):
        if rate is not None:
            one.state["learning_rate"] = rate


def _rate(schedule, value):
    if schedule is None:
        return f"{value.item():.6g}"
    try:
        values = [float(schedule(mx.array(step, mx.uint64))) for step in _STEPS]
    except (TypeError, ValueError):
        return str(words_of(schedule))
    at = ", ".join(map(str, _STEPS))
    return f"({', '.join(f'{value:.6g}' for value in values)}) in steps {at}"


def batch_of(batch: Any, values: bool) -> dict[str, str]:
    """The dtype and the dimensions of each array of a batch; with `values`, of batches that are the
    same each time, its shape and a checksum of what is in it."""
    found = {}
    for name, array in dict(tree_flatten(arrays_of(batch))).items():
        size = array.shape if values else f"{array.ndim} dimensions"
        words = f"{size} of {str(array.dtype).split('.')[-1]}"
        found[f"array {name}"] = f"{words} with checksum {_sum(array)}" if values else words
    return found


def _sum(array):
    plain = array.view(mx.uint16) if array.dtype == mx.bfloat16 else array
    return f"{crc32(memoryview(mx.contiguous(plain)).tobytes()):08x}"


# Parts of a setup, with the word before their names in a sentence.
PARTS = {
    "model": "another",
    "optimizer": "another",
    "loss": "another",
    "options": "other",
    "callbacks": "other",
    "data": "other",
}


def check_parts(other: Sequence[str]) -> None:
    """Raise ValueError unless these are parts of a setup."""
    for part in [other] if isinstance(other, str) else other:
        if part not in PARTS or isinstance(other, str):
            raise ValueError(f"[train] other is a list of {', '.join(PARTS)}, not {other!r}")


def differences(found: Any, ours: Setup, other: Sequence[str], path: PathLike) -> None:
    """Raise ValueError, which names the first difference, unless a checkpoint's setup is ours in
    all parts that may not be `other`."""
    for part, words in ours.items():
        theirs = found.get(part) if isinstance(found, dict) else None
        if not isinstance(theirs, dict):
            raise ValueError(f"[train] {os.fspath(path)} is no checkpoint: it lacks its {part}")
        if part in other or theirs == words:
            continue
        name = next(n for n in (*words, *theirs) if theirs.get(n) != words.get(n))
        raise ValueError(
            f"[train] {os.fspath(path)} is of {PARTS[part]} {part}: {name} is "
            f"{theirs.get(name, 'not there')} there, {words.get(name, 'not there')} here; "
            f"other=[{part!r}] goes on all the same"
        )
