"""Trees: nested lists, tuples and dicts with anything else as leaves.

Parameters, gradients and the states of optimizers are such trees. A leaf's *path* is the keys and
indices that lead to it, joined by dots: in `{"layers": [{"weight": w}]}` the path of `w` is
`layers.0.weight`.
"""

from itertools import zip_longest
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

__all__ = [
    "tree_map",
    "tree_map_with_path",
    "tree_flatten",
    "tree_unflatten",
    "tree_reduce",
    "tree_merge",
]


def _rebuild(like, items):
    """A list, tuple or named tuple of the type of `like` that holds `items`."""
    return type(like)(*items) if hasattr(like, "_fields") else type(like)(items)


def _join(path, key):
    return f"{path}.{key}" if path else str(key)


def tree_map(fn: Callable, tree: Any, *rest: Any, is_leaf: Optional[Callable] = None) -> Any:
    """Apply `fn` to every leaf and return a tree of the results.

    Args:
        fn: Called with a leaf of `tree` and the values at the same place in each tree of `rest`.
        tree: The tree that sets the structure.
        rest: Trees that have at least that structure.
        is_leaf: If `is_leaf(node)` is true, `node` is handed to `fn` although it is a container.

    Returns:
        Any: A tree of the structure of `tree`.

    Example:
        >>> tree_map(lambda x, y: x + y, {"a": [1, 2]}, {"a": [10, 20]})
        {'a': [11, 22]}
    """
    if is_leaf is not None and is_leaf(tree):
        return fn(tree, *rest)
    if isinstance(tree, (list, tuple)):
        children = (
            tree_map(fn, child, *(r[i] for r in rest), is_leaf=is_leaf)
            for i, child in enumerate(tree)
        )
        return _rebuild(tree, children)
    if isinstance(tree, dict):
        return {
            k: tree_map(fn, child, *(r[k] for r in rest), is_leaf=is_leaf)
            for k, child in tree.items()
        }
    return fn(tree, *rest)


def tree_map_with_path(
    fn: Callable,
    tree: Any,
    *rest: Any,
    is_leaf: Optional[Callable] = None,
    path: Optional[Any] = None,
) -> Any:
    """As `tree_map`, but `fn` receives the leaf's path as its first argument.

    Args:
        fn: Called as `fn(path, leaf, *leaves_of_rest)`.
        tree: The tree that sets the structure.
        rest: Trees that have at least that structure.
        is_leaf: Says which containers are leaves.
        path: The path of `tree` itself, put in front of all others.

    Returns:
        Any: A tree of the structure of `tree`.

    Example:
        >>> tree_map_with_path(lambda path, x: path, {"a": [1, 2]})
        {'a': ['a.0', 'a.1']}
    """
    if is_leaf is not None and is_leaf(tree):
        return fn(path, tree, *rest)

    def walk(key, child):
        return tree_map_with_path(
            fn, child, *(r[key] for r in rest), is_leaf=is_leaf, path=_join(path, key)
        )

    if isinstance(tree, (list, tuple)):
        return _rebuild(tree, (walk(i, child) for i, child in enumerate(tree)))
    if isinstance(tree, dict):
        return {k: walk(k, child) for k, child in tree.items()}
    return fn(path, tree, *rest)


def tree_flatten(
    tree: Any,
    prefix: str = "",
    is_leaf: Optional[Callable] = None,
    destination: Optional[Union[List[Tuple[str, Any]], Dict[str, Any]]] = None,
) -> Union[List[Tuple[str, Any]], Dict[str, Any]]:
    """List the leaves with their paths, in order. `tree_unflatten` is the inverse.

    Empty containers have no leaves and vanish. A key that contains a dot makes an ambiguous path.

    Args:
        tree: Any tree; a leaf alone has the path `""`.
        prefix: Put in front of each path; its first character, meant to be a dot, is dropped.
        is_leaf: Says which containers are leaves.
        destination: A list or dict that is added to and returned; a new list by default.

    Returns:
        list or dict: Pairs of path and leaf, or `destination`.

    Raises:
        ValueError: `destination` is neither a list nor a dict

    Example:
        >>> tree_flatten({"a": [1, 2], "b": 3})
        [('a.0', 1), ('a.1', 2), ('b', 3)]
    """
    if destination is None:
        destination = []
    if not isinstance(destination, (list, dict)):
        raise ValueError("Destination should be either a list or a dictionary or None")
    add = (
        destination.__setitem__
        if isinstance(destination, dict)
        else lambda *item: destination.append(item)
    )
    _flatten(tree, prefix, is_leaf, add)
    return destination


def _flatten(node, path, is_leaf, add):
    """A function within the other would be in a cycle, which would keep the leaves for a while."""
    leaf = is_leaf is not None and is_leaf(node)
    if not leaf and isinstance(node, (list, tuple)):
        for i, child in enumerate(node):
            _flatten(child, f"{path}.{i}", is_leaf, add)
    elif not leaf and isinstance(node, dict):
        for key, child in node.items():
            _flatten(child, f"{path}.{key}", is_leaf, add)
    else:
        add(path[1:], node)


def tree_unflatten(tree: Union[List[Tuple[str, Any]], Dict[str, Any]]) -> Any:
    """Build the tree whose leaves and paths are given, as pairs or as a dict.

    Where all keys at a level are integers, as Python writes them, a list is made; indices that are
    missing hold `{}`. Other levels are dicts.

    Args:
        tree: Pairs of path and leaf, or a dict.

    Returns:
        Any: The tree.

    Raises:
        ValueError: several leaves have one path

    Example:
        >>> tree_unflatten([("a.0", 1), ("a.1", 2), ("b", 3)])
        {'a': [1, 2], 'b': 3}
    """
    items = list(tree.items() if isinstance(tree, dict) else tree)
    if items and not any(path for path, _ in items):
        if len(items) > 1:
            raise ValueError("[tree_unflatten] Several leaves have the same path")
        return items[0][1]
    groups: Dict[str, list] = {}
    for path, value in items:
        key, _, remainder = path.partition(".")
        groups.setdefault(key, []).append((remainder, value))
    return _node_of(groups)


def _node_of(groups):
    """A list if all keys are integers, else a dict, of the subtrees in `groups`."""
    if not all(map(_is_index, groups)):
        return {key: tree_unflatten(group) for key, group in groups.items()}
    result: list = []
    for index in sorted(map(int, groups)):
        result.extend({} for _ in range(index - len(result)))
        result.append(tree_unflatten(groups[str(index)]))
    return result


def _is_index(key):
    """Whether `key` is how Python writes a whole number: "1", but not "01", which is another
    path."""
    return key.isascii() and key.isdigit() and (key == "0" or key[0] != "0")


def tree_reduce(
    fn: Callable, tree: Any, initializer: Any = None, is_leaf: Optional[Callable] = None
) -> Any:
    """Fold the leaves from left to right: `fn(... fn(fn(initializer, a), b) ..., z)`.

    Args:
        fn: Called as `fn(accumulator, leaf)`.
        tree: Any tree.
        initializer: The first accumulator; if None, the first leaf is.
        is_leaf: Says which containers are leaves.

    Returns:
        The last accumulator: `initializer` if there are no leaves.

    Example:
        >>> tree_reduce(lambda total, x: total + x, {"a": [1, 2], "b": 3})
        6
    """
    for _, leaf in tree_flatten(tree, is_leaf=is_leaf):
        initializer = leaf if initializer is None else fn(initializer, leaf)
    return initializer


def tree_merge(tree_a: Any, tree_b: Any, merge_fn: Optional[Callable] = None) -> Any:
    """Unite two trees.

    Dicts unite by key and sequences by index. None and empty containers give way to whatever the
    other tree has.

    Args:
        tree_a: A tree; its types of containers prevail.
        tree_b: The other tree.
        merge_fn: Called with the two values where both trees have one.

    Returns:
        Any: A tree of what is in either.

    Raises:
        ValueError: If both trees have a value at one place and there is no `merge_fn`.

    Example:
        >>> tree_merge({"a": 1}, {"b": [2]})
        {'a': 1, 'b': [2]}
    """
    if _is_empty(tree_a) != _is_empty(tree_b):
        return tree_b if _is_empty(tree_a) else tree_a
    if isinstance(tree_a, (list, tuple)) and isinstance(tree_b, (list, tuple)):
        return _rebuild(
            tree_a, (tree_merge(a, b, merge_fn) for a, b in zip_longest(tree_a, tree_b))
        )
    if isinstance(tree_a, dict) and isinstance(tree_b, dict):
        keys = {**tree_a, **tree_b}
        return {k: tree_merge(tree_a.get(k), tree_b.get(k), merge_fn) for k in keys}
    if merge_fn is None:
        raise ValueError(
            "Trees contain elements at the same locations but no merge function was provided"
        )
    return merge_fn(tree_a, tree_b)


def _is_empty(tree):
    return tree is None or (isinstance(tree, (list, tuple, dict)) and not tree)
