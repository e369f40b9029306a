"""Passes in a dtype of their own: copies of the parameters are of it, and what enters the model."""

import copy
import dataclasses
import functools
import threading
from contextlib import contextmanager
from typing import Any, Callable, ContextManager, Iterator, Optional

import mlx.core as mx

from ..nn.layers.base import Module
from ..utils import tree_map


def cast(tree: Any, dtype: mx.Dtype) -> Any:
    """A tree whose floating-point arrays are of this dtype."""

    def one(x):
        return x.astype(dtype) if mx.issubdtype(x.dtype, mx.floating) else x

    return tree_map(lambda x: one(x) if isinstance(x, mx.array) else x, tree)


def computing_in(dtype: Optional[mx.Dtype], model: Module) -> ContextManager[None]:
    """The model with copies of what is trained in a dtype, or as it is."""
    own = model.trainable_parameters()
    return lending(model, own if dtype is None else cast(own, dtype), own)


@contextmanager
def lending(model: Module, parameters: Any, own: Any) -> Iterator[None]:
    """The model with other parameters, and with its own again also if that is interrupted."""
    try:
        try:
            model.update(parameters)
            yield
        finally:
            model.update(own)
    finally:
        model.update(own)


# --- what goes into a call, and comes out ---------------------------------------------------------


def _parts(value):
    """What a list, a dict or a dataclass holds, by index, key or field. Other objects, layers among
    them, are not looked into."""
    if isinstance(value, list):
        return list(enumerate(value))
    if isinstance(value, dict) and not isinstance(value, Module):
        return list(value.items())
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, Module)):
        names = [field.name for field in dataclasses.fields(value)]
        return [(name, getattr(value, name)) for name in names if hasattr(value, name)]
    return []


def _put(value, key, part, new):
    """What it holds there is new, unless that is what it has."""
    if new is part:
        return
    if isinstance(value, (list, dict)):
        value[key] = new
    else:
        object.__setattr__(value, key, new)  # a frozen one, too


def _mapped(function, value):
    """A tuple, perhaps one with names, of what a function makes of its parts; itself if these are
    as they were, or cannot be put into one of its kind."""
    parts = [function(part) for part in value]
    if all(now is was for now, was in zip(parts, value)):
        return value
    make = getattr(value, "_make", tuple if type(value) is tuple else None)
    return value if make is None else make(parts)


def _array_in(dtype, x):
    return x.astype(dtype) if mx.issubdtype(x.dtype, mx.floating) and x.dtype != dtype else x


def _copied(value, dtype):
    """What a call gives, with floating-point arrays of this dtype: a copy where any was of another
    one."""
    if isinstance(value, mx.array):
        return _array_in(dtype, value)
    if isinstance(value, tuple):
        return _mapped(lambda part: _copied(part, dtype), value)
    result = value
    for key, part in _parts(value):
        new = _copied(part, dtype)
        if new is not part:
            result = copy.copy(value) if result is value else result
            _put(result, key, part, new)
    return result


class _Lent:
    """What is given to a call, with floating-point arrays in a dtype. Lists, dicts and dataclasses
    are the ones that were given; behind the call they have their own arrays again, and what the
    call has put into them in float32."""

    def __init__(self, dtype: mx.Dtype) -> None:
        self.dtype = dtype
        self.given: dict[int, tuple[Any, Any]] = {}  # by its id, with what stands for it

    def lend(self, value: Any) -> Any:
        if id(value) in self.given:
            return self.given[id(value)][1]
        lent = value
        if isinstance(value, mx.array):
            lent = _array_in(self.dtype, value)
        elif isinstance(value, tuple):
            lent = _mapped(self.lend, value)
        self.given[id(value)] = value, lent
        for key, part in _parts(value):
            _put(value, key, part, self.lend(part))
        return lent

    def take_back(self) -> None:
        own = {id(lent): value for value, lent in self.given.values()}
        for value, _ in self.given.values():
            for key, part in _parts(value):
                new = own[id(part)] if id(part) in own else _copied(part, mx.float32)
                _put(value, key, part, new)


# --- calls from outside ---------------------------------------------------------------------------


class _Passage(threading.local):
    """A dtype that calls of these modules are in, and whether this thread is in one."""

    def __init__(self, dtype: mx.Dtype, modules: dict[int, Module]) -> None:
        self.dtype, self.modules, self.inside = dtype, modules, False
        self.kinds = {_caller(type(module)) for module in modules.values()} - {None}

    def call(self, function: Callable[..., Any], given: Any, named: Any) -> Any:
        lent = _Lent(self.dtype)
        self.inside = True
        try:
            result = function(*lent.lend(given), **{n: lent.lend(x) for n, x in named.items()})
        finally:
            self.inside = False
            lent.take_back()
        return _copied(result, mx.float32)


_LOCK = threading.RLock()
_OPEN: list[_Passage] = []  # the innermost last
_CALLS: dict[type, tuple[Any, Any]] = {}  # what classes had as __call__, and have


@contextmanager
def border(model: Module, dtype: Optional[mx.Dtype]) -> Iterator[None]:
    """Calls of a model from outside, or of a layer of it, get their floating-point arrays in a
    dtype, and what they give is float32: what calls them computes as precisely as without. Calls
    within calls are as they are. Nothing changes where the dtype is None.

    The modules stay what they are; their classes have a `__call__` meanwhile that asks whether the
    module called is one of these."""
    if dtype is None:
        yield
        return
    passage = _Passage(dtype, {id(module): module for module in model.modules()})
    try:
        try:
            _open(passage)
            yield
        finally:
            _close(passage)
    finally:
        _close(passage)  # also if the first was interrupted


def _caller(kind):
    """The class that says how objects of this one are called, if they are."""
    return next((one for one in kind.__mro__ if "__call__" in vars(one)), None)


def _open(passage):
    with _LOCK:
        _OPEN.append(passage)
        for kind in passage.kinds - _CALLS.keys():
            own = vars(kind)["__call__"]
            _CALLS[kind] = own, _watching(own)
            type.__setattr__(kind, "__call__", _CALLS[kind][1])


def _close(passage):
    """It is not open any more, and classes that no other watches have their own `__call__`."""
    with _LOCK:
        _OPEN[:] = [one for one in _OPEN if one is not passage]
        for kind in _CALLS.keys() - {kind for one in _OPEN for kind in one.kinds}:
            own, watching = _CALLS[kind]
            if vars(kind).get("__call__") is watching:
                type.__setattr__(kind, "__call__", own)
            del _CALLS[kind]


def _watching(own):
    """The `__call__` of a class whose own is this."""

    @functools.wraps(own)
    def call(module, /, *given, **named):
        function = own.__get__(module, type(module)) if hasattr(own, "__get__") else own
        passages = (one for one in reversed(_OPEN) if id(module) in one.modules)
        passage = next(passages, None)
        if passage is None or passage.inside:
            return function(*given, **named)
        return passage.call(function, given, named)

    return call
