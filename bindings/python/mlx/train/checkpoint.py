"""Files that hold a training: arrays by name in safetensors, the rest as JSON in its metadata. They
are written whole or not at all."""

import json
import os
from typing import Any, Mapping, Union

import mlx.core as mx

from ..utils import tree_flatten
from ._words import described, plain

__all__ = ["check_same", "check_state", "read", "write"]

PathLike = Union[str, os.PathLike]

_KEY = "mlx.train"


def write(path: PathLike, arrays: Mapping[str, mx.array], about: Mapping[str, Any]) -> None:
    """Write a checkpoint, whose name ends in .safetensors. What was in the file stays until the new
    one is on the disk."""
    path = os.fspath(path)
    if not path.endswith(".safetensors"):
        raise ValueError(f"[train] the name of a checkpoint ends in .safetensors: {path}")
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    mx.save_safetensors(path, dict(arrays), {_KEY: json.dumps(about, default=_plain)})


def _plain(value):
    """What JSON has for it."""
    found = plain(value)
    if found is value:
        raise TypeError(
            "[train] a checkpoint keeps numbers, texts, arrays, lists and dicts of the history and of "
            f"callbacks, not {described(value)}"
        )
    return found


def read(path: PathLike) -> tuple[dict[str, mx.array], dict[str, Any]]:
    """The arrays and the rest of a checkpoint."""
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"[train] there is no checkpoint {path}")
    try:
        loaded: Any = mx.load(path, format="safetensors", return_metadata=True)
        arrays, metadata = loaded
        about = json.loads(metadata[_KEY])
    except (RuntimeError, ValueError, KeyError) as error:
        why = "has no state of a training" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"[train] {path} is no checkpoint: {why}") from None
    return arrays, about


def check_state(found: Any, wanted: Any, path: PathLike, name: str = "") -> None:
    """Raise ValueError, which names the place, unless what a checkpoint says is of these kinds:
    "count" from 0, "number", a list of one kind, a dict that has these keys; None for anything."""
    if wanted is None:
        return
    kinds: dict[Any, Any] = {"count": int, "number": (int, float), list: list, dict: dict}
    plain = wanted if isinstance(wanted, str) else type(wanted)
    right = isinstance(found, kinds[plain]) and not isinstance(found, bool)
    if not right or (plain == "count" and not 0 <= found < 1 << 53):
        raise ValueError(
            f"[train] {os.fspath(path)} is no checkpoint: its {name or 'state'} is {found!r:.40}"
        )
    for key, kind in wanted.items() if plain is dict else ():
        if key not in found:
            raise ValueError(f"[train] {os.fspath(path)} is no checkpoint: it lacks {key!r}")
        check_state(found[key], kind, path, key)
    for one in found if plain is list else ():
        check_state(one, wanted[0], path, name)


def check_same(found: Mapping[str, mx.array], wanted: Any, what: str, path: PathLike) -> None:
    """Raise ValueError, which names the first difference, unless the arrays of a checkpoint have
    the names, shapes and dtypes of a tree."""
    ours = dict(tree_flatten(wanted))
    where = f"[train] {os.fspath(path)} is of another {what}"
    for name in ours:
        if name not in found:
            raise ValueError(f"{where}: it lacks {name}")
    for name, x in found.items():
        if name not in ours:
            raise ValueError(f"{where}: it has {name}, which is not here")
        if (x.shape, x.dtype) != (ours[name].shape, ours[name].dtype):
            raise ValueError(
                f"{where}: {name} is {x.shape} of {x.dtype} there, {ours[name].shape} of "
                f"{ours[name].dtype} here"
            )
