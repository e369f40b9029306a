"""Files that hold a training: arrays by name in safetensors, the rest as JSON in its metadata. They
are written whole or not at all."""

import json
import os
from typing import Any, Mapping, Union

import mlx.core as mx

from ..utils import tree_flatten

__all__ = ["check_same", "read", "write"]

PathLike = Union[str, os.PathLike]

_KEY = "mlx.train"


def write(path: PathLike, arrays: Mapping[str, mx.array], about: Mapping[str, Any]) -> None:
    """Write a checkpoint, whose name ends in .safetensors. What was in the file stays until the new
    one is on the disk."""
    path = os.fspath(path)
    if not path.endswith(".safetensors"):
        raise ValueError(f"[train] the name of a checkpoint ends in .safetensors: {path}")
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    mx.save_safetensors(path, dict(arrays), {_KEY: json.dumps(about)})


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
