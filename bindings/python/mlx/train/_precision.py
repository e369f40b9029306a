"""Passes in a dtype of their own: copies of the parameters are of it, and what enters the model."""

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
        model.update(parameters)
        yield
    finally:
        try:
            model.update(own)
        except BaseException:
            model.update(own)
            raise


def _within(value, dtype):
    """A value given to a layer, or by it, whose floating-point arrays are of this dtype: in lists,
    tuples and dicts, too, not in objects, which may be layers."""
    if isinstance(value, mx.array):
        return cast(value, dtype)
    if type(value) in (list, tuple):
        return type(value)(_within(one, dtype) for one in value)
    if type(value) is dict:
        return {key: _within(one, dtype) for key, one in value.items()}
    return value


class Border:
    """While it is entered, calls of a model from outside, or of a layer of it, get their floating-
    point arrays in a dtype, and what they give is float32: what calls them computes as precisely as
    without. Calls within calls are as they are. Nothing changes where the dtype is None.

    The modules are of classes of their own meanwhile, which differ in how they are called."""

    def __init__(self, model: Module, dtype: Optional[mx.Dtype]) -> None:
        self.model, self.dtype, self.inside = model, dtype, False
        self.classes: dict[type, type] = {}
        self.former: list[tuple[Module, type]] = []

    def __enter__(self) -> None:
        if self.dtype is None:
            return
        modules = {id(module): module for module in self.model.modules()}
        self.former = [(module, type(module)) for module in modules.values()]
        for module, kind in self.former:
            if _is_called(kind):
                object.__setattr__(module, "__class__", self._calling(kind))

    def __exit__(self, *_: object) -> None:
        for module, kind in self.former:
            object.__setattr__(module, "__class__", kind)
        self.inside = False

    def _calling(self, kind):
        if kind not in self.classes:
            names = {
                name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")
            }
            call = self._call_of(kind.__call__)
            self.classes[kind] = type(kind)(kind.__name__, (kind,), {**names, "__call__": call})
        return self.classes[kind]

    def _call_of(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(module, *given, **named):
            if self.inside:
                return function(module, *given, **named)
            self.inside = True
            try:
                result = function(module, *_within(given, self.dtype), **_within(named, self.dtype))
            finally:
                self.inside = False
            return _within(result, mx.float32)

        return call


def _is_called(kind):
    """Whether its objects are functions; type(kind) has a __call__, too, which makes them."""
    return any("__call__" in vars(one) for one in kind.__mro__)
