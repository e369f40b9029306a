"""The base class of all layers and models."""

from __future__ import annotations

import textwrap
from typing import Any, Callable, List, Optional, Tuple, Union

import mlx.core as mx

from ...utils import tree_flatten, tree_unflatten


class Module(dict):
    """A container of arrays and other modules that names, changes and stores them as one tree.

    Attributes that are arrays, modules, lists, tuples or dicts are kept in the dict itself, under
    the attribute's name; everything else is an ordinary attribute. The arrays in there whose name
    does not begin with an underscore are the *parameters*; also those in nested modules, dicts and
    lists (what is in a tuple is no parameter). The parameters that are not frozen are the
    *trainable* ones.

    Example:
        >>> class MLP(nn.Module):
        ...     def __init__(self, dims):
        ...         super().__init__()
        ...         self.layers = [nn.Linear(dims, dims), nn.Linear(dims, 1)]
        ...     def __call__(self, x):
        ...         return self.layers[1](nn.relu(self.layers[0](x)))
        >>> sorted(name for name, _ in tree_flatten(MLP(4).parameters()))
        ['layers.0.bias', 'layers.0.weight', 'layers.1.bias', 'layers.1.weight']
    """

    __call__: Callable

    def __init__(self) -> None:
        """An empty module in training mode; subclasses call this before they set attributes."""
        self._no_grad = set()
        self._training = True

    @property
    def training(self) -> bool:
        """Whether the module is in training mode, see `train`."""
        return self._training

    @property
    def state(self) -> dict:
        """The module itself: the tree of all its arrays, as `mx.compile` takes it.

        Other than `parameters()`, it has the arrays whose names begin with an underscore too, and
        setting a value in it changes the module.
        """
        return self

    def _extra_repr(self) -> str:
        """What stands between the parentheses of the module's repr."""
        return ""

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}({self._extra_repr()}"]
        for name, child in self._named_children():
            lines.append(textwrap.indent(f"({name}): {child!r}", prefix="  "))
        return "\n".join(lines) + ("\n)" if len(lines) > 1 else ")")

    def __getattr__(self, key: str):
        if key in self:
            return self[key]
        # raises: nothing has that name, or a property of that name failed
        return super().__getattribute__(key)

    def __setattr__(self, key: str, val: Any):
        if isinstance(val, (mx.array, dict, list, tuple)):
            if key not in self and hasattr(self, key):
                self._give_way(key)
            self[key] = val
        else:
            super().__setattr__(key, val)
            self.pop(key, None)

    def _give_way(self, key):
        """Delete an ordinary attribute; what belongs to the class cannot be replaced.

        A property that fails with AttributeError counts as missing: it gives what is set.
        """
        if key in self.__dict__:
            del self.__dict__[key]
        elif hasattr(getattr(type(self), key, None), "__delete__"):
            super().__delattr__(key)
        else:
            raise AttributeError(f"{key!r} is an attribute of class {type(self).__name__!r}")

    def __delattr__(self, name: str) -> None:
        if name in self:
            del self[name]
        else:
            super().__delattr__(name)

    # Walking the tree

    @staticmethod
    def is_module(value: Any) -> bool:
        """Whether `value` is a `Module`."""
        return isinstance(value, Module)

    @staticmethod
    def valid_child_filter(module: Module, key: str, value: Any) -> bool:
        """A filter that passes what may hold modules: dicts (modules too) and lists."""
        return isinstance(value, (dict, list))

    @staticmethod
    def valid_parameter_filter(module: Module, key: str, value: Any) -> bool:
        """A filter that passes arrays and containers unless `_` begins their name."""
        return isinstance(value, (dict, list, mx.array)) and not key.startswith("_")

    @staticmethod
    def trainable_parameter_filter(module: Module, key: str, value: Any) -> bool:
        """As `valid_parameter_filter`, without what is frozen."""
        return Module.valid_parameter_filter(module, key, value) and key not in module._no_grad

    def filter_and_map(
        self,
        filter_fn: Callable[[Module, str, Any], bool],
        map_fn: Optional[Callable] = None,
        is_leaf_fn: Optional[Callable[[Module, str, Any], bool]] = None,
    ):
        """The module's tree as plain dicts and lists: what passes a filter, mapped.

        The functions are called with the module that holds the value, the value's name and the
        value. In nested dicts and lists the name is a dotted path from that module.

        Args:
            filter_fn: Says which values to keep, containers included. In dicts and lists `{}`
                replaces the others.
            map_fn: Applied to the leaves that are kept.
            is_leaf_fn: Says what is a leaf: by default all but modules, dicts and lists.
        """
        map_fn = map_fn or (lambda x: x)
        is_leaf_fn = is_leaf_fn or (lambda m, k, v: not isinstance(v, (dict, list)))

        def keep(module, key, value):
            return walk(module, key, value) if filter_fn(module, key, value) else {}

        def walk(module, key, value):
            if is_leaf_fn(module, key, value):
                return map_fn(value)
            if isinstance(value, Module):
                return {k: walk(value, k, v) for k, v in value.items() if filter_fn(value, k, v)}
            if isinstance(value, dict):
                return {k: keep(module, f"{key}.{k}", v) for k, v in value.items()}
            if isinstance(value, list):
                return [keep(module, f"{key}.{i}", v) for i, v in enumerate(value)]
            raise RuntimeError("Unexpected leaf found while traversing the module")

        return {k: walk(self, k, v) for k, v in self.items() if filter_fn(self, k, v)}

    def parameters(self) -> dict:
        """The tree of all parameters."""
        return self.filter_and_map(self.valid_parameter_filter)

    def trainable_parameters(self) -> dict:
        """The tree of the parameters that are not frozen."""
        return self.filter_and_map(self.trainable_parameter_filter)

    def children(self) -> dict:
        """The tree of the modules directly below this one."""
        return self.filter_and_map(
            self.valid_child_filter, is_leaf_fn=lambda m, k, v: isinstance(v, Module)
        )

    def leaf_modules(self) -> dict:
        """The tree of the modules, at any depth, that have no modules below them."""

        def is_leaf_module(module, key, value):
            return isinstance(value, Module) and not any(value._named_children())

        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=is_leaf_module)

    def named_modules(self) -> List[Tuple[str, Module]]:
        """Pairs (path, module) of this module, at `""`, and all below, the last child first."""
        found, stack = [], [("", self)]
        while stack:
            name, module = stack.pop()
            found.append((name, module))
            stack.extend(module._named_children(f"{name}." if name else ""))
        return found

    def _named_children(self, prefix=""):
        """Pairs (prefix + path, module) of the modules directly below, the first child first."""
        for key, value in self.items():
            yield from _modules_in(prefix + key, value)

    def modules(self) -> List[Module]:
        """A list of this module and all below it, in the order of `named_modules`."""
        return [module for _, module in self.named_modules()]

    def apply(
        self,
        map_fn: Callable[[mx.array], mx.array],
        filter_fn: Optional[Callable[[Module, str, Any], bool]] = None,
    ) -> Module:
        """Replace every parameter `p` with `map_fn(p)`.

        Args:
            map_fn: From array to array.
            filter_fn: Which parameters; by default all.

        >>> nn.Linear(2, 3).apply(lambda p: p.astype(mx.float16)).weight.dtype
        mlx.core.float16
        """
        self.update(self.filter_and_map(filter_fn or self.valid_parameter_filter, map_fn))
        return self

    def apply_to_modules(self, apply_fn: Callable[[str, Module], Any]) -> Module:
        """Call `apply_fn(path, module)` for this module and all below it."""
        for name, module in self.named_modules():
            apply_fn(name, module)
        return self

    # Changing values

    def update(self, parameters: dict, strict: bool = True) -> Module:
        """Replace parameters by those in a tree, which need not have all of them.

        Args:
            parameters: As `parameters()` returns it, or a part of that.
            strict: Refuse names that the module does not have and values that are no arrays.

        Raises:
            ValueError: If `strict` and a name or a value does not fit.
        """

        def assign(target, key, new):
            if not isinstance(target[key], mx.array):
                _update_tree(target[key], new, strict, "parameter", assign)
            elif strict and not isinstance(new, mx.array):
                raise ValueError(f"Received invalid type: {type(new).__name__}.")
            else:
                target[key] = new

        _update_tree(self, parameters, strict, "parameter", assign)
        return self

    def update_modules(self, modules: dict, strict: bool = True) -> Module:
        """Replace modules by those in a tree, which need not have all of them.

        Args:
            modules: As `children()` or `leaf_modules()` returns it, or a part of that.
            strict: Refuse names that the module does not have.

        Raises:
            ValueError: If `strict` and a name or a value does not fit.
        """

        def assign(target, key, new):
            if isinstance(target[key], Module) and isinstance(new, Module):
                target[key] = new
            elif isinstance(target[key], (dict, list)):
                _update_tree(target[key], new, strict, "sub-module", assign)
            elif strict and new != {}:
                raise ValueError(f"Received invalid type: {type(new).__name__}.")

        _update_tree(self, modules, strict, "sub-module", assign)
        return self

    def set_dtype(
        self,
        dtype: mx.Dtype,
        predicate: Optional[Callable[[mx.Dtype], bool]] = lambda x: mx.issubdtype(x, mx.floating),
    ):
        """Convert the parameters to `dtype`.

        Args:
            dtype: The new type.
            predicate: Says from its present type whether to convert a parameter; by default
                floating-point ones. None converts all.
        """
        predicate = predicate or (lambda _: True)
        self.apply(lambda p: p.astype(dtype) if predicate(p.dtype) else p)

    # Freezing

    def freeze(
        self,
        *,
        recurse: bool = True,
        keys: Optional[Union[str, List[str]]] = None,
        strict: bool = False,
    ) -> Module:
        """Take parameters out of the trainable ones.

        Args:
            recurse: In all modules below this one too.
            keys: The names of the parameters, for instance `"bias"`; by default all.
            strict: Refuse a name that none of the modules has.

        Raises:
            KeyError: If `strict` and there is no such parameter.
        """

        def is_own(m, k, v):
            return not isinstance(v, Module) and m.valid_parameter_filter(m, k, v)

        names = _names(keys)
        for module in self._reached(recurse, names if strict else None):
            own = [name for name, _ in tree_flatten(module.filter_and_map(is_own))]
            module._no_grad.update(own if names is None else names)
        return self

    def unfreeze(
        self,
        *,
        recurse: bool = True,
        keys: Optional[Union[str, List[str]]] = None,
        strict: bool = False,
    ) -> Module:
        """Make parameters trainable again; the arguments are those of `freeze`."""
        names = _names(keys)
        for module in self._reached(recurse, names if strict else None):
            if names is None:
                module._no_grad.clear()
            else:
                module._no_grad.difference_update(names)
            module._no_grad.update(vars(module).get("_always_frozen", ()))
        return self

    def _reached(self, recurse, required):
        """This module, or all from it on; each name in `required` must be in one."""
        modules = self.modules() if recurse else [self]
        for name in required or ():
            if not any(name in module for module in modules):
                raise KeyError(f"Module doesn't contain member {name}.")
        return modules

    # Training mode

    def train(self, mode: bool = True) -> Module:
        """Set training mode, or with `mode=False` evaluation mode, here and in all modules below.

        Layers such as dropout and batch normalization behave differently in the two.
        """
        return self.apply_to_modules(lambda _, module: module._set_training(mode))

    def _set_training(self, mode):
        """Set the mode of this module alone."""
        self._training = mode

    def eval(self) -> Module:
        """Set evaluation mode: `train(False)`."""
        return self.train(False)

    # Files

    def load_weights(
        self,
        file_or_weights: Union[str, List[Tuple[str, mx.array]]],
        strict: bool = True,
    ) -> Module:
        """Set parameters from a file or from pairs (path, array).

        Args:
            file_or_weights: The name of a `.npz` or `.safetensors` file, or the pairs.
            strict: Demand exactly the module's parameters, in their shapes. Otherwise what is
                missing keeps its value and what is unknown is ignored.

        Raises:
            ValueError: If `strict` and the paths, types or shapes differ.
        """
        weights = mx.load(file_or_weights) if isinstance(file_or_weights, str) else file_or_weights
        weights = dict(weights)
        if strict:
            _check_weights(weights, tree_flatten(self.parameters(), destination={}))
        if weights:
            self.update(tree_unflatten(weights), strict=False)
        return self

    def save_weights(self, file: str):
        """Write the parameters to a file under their paths.

        Args:
            file: A name that ends in `.npz` or `.safetensors`.
        """
        weights = tree_flatten(self.parameters(), destination={})
        if file.endswith(".npz"):
            mx.savez(file, **weights)
        elif file.endswith(".safetensors"):
            mx.save_safetensors(file, weights)
        else:
            raise ValueError(
                f"Unsupported file extension for {file}. Use '.npz' or '.safetensors'."
            )


def _modules_in(path, value):
    """Pairs (path, module) of a module, or of those in dicts and lists."""
    if isinstance(value, Module):
        yield path, value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _modules_in(f"{path}.{key}", child)
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from _modules_in(f"{path}.{i}", child)


def check_sizes(layer, inner, outer={}):
    """Raise ValueError, which names the layer and the argument, unless sizes make sense.

    The `inner` ones, which weights are divided by, are 1 at least, the `outer` ones 0.
    """
    for least, sizes in ((1, inner), (0, outer)):
        for name, size in sizes.items():
            if not size >= least:
                kind = type(layer).__name__
                raise ValueError(f"[{kind}] '{name}' must be at least {least} but got {size}.")


def of_this_shape(x):
    """`x`, of whose sizes numbers are taken: a function compiled or exported for any shapes refuses
    other shapes than it was traced with, as an end of a slice is the size of the axis."""
    return x[tuple(slice(size) for size in x.shape)]


def _names(keys):
    return keys if keys is None or isinstance(keys, (list, tuple, set)) else [keys]


def _update_tree(target, new, strict, what, assign):
    """Call `assign(target, key, value)` for values of a dict or list that `target` has too."""
    if isinstance(new, dict):
        for key in new:
            if key in target:
                assign(target, key, new[key])
            elif strict:
                known = ", ".join(sorted(map(str, target)))
                raise ValueError(f'Module does not have {what} named "{key}". It has: {known}.')
    elif isinstance(new, list):
        for i, value in enumerate(new):
            if i < len(target):
                assign(target, i, value)
            elif strict:
                raise ValueError(
                    f"List index {i} is out of bounds for destination of length {len(target)}."
                )
    elif strict:
        raise ValueError(f"Received invalid type: {type(new).__name__}.")


def _check_weights(weights, current):
    """Raise unless both dicts from paths to arrays have the same paths and shapes."""
    if extra := sorted(weights.keys() - current.keys()):
        raise ValueError(f"Received {len(extra)} parameters not in model: \n{_lines(extra)}.")
    if missing := sorted(current.keys() - weights.keys()):
        raise ValueError(f"Missing {len(missing)} parameters: \n{_lines(missing)}.")
    for name, old in current.items():
        new = weights[name]
        if not isinstance(new, mx.array):
            raise ValueError(f"Expected mx.array but received {type(new)} for parameter {name}")
        if new.shape != old.shape:
            raise ValueError(
                f"Expected shape {old.shape} but received shape {new.shape} for parameter {name}"
            )


def _lines(names):
    return ",\n".join(names)
