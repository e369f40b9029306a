"""Model folders as transformers and diffusers save them: config.json beside safetensors files, whose
names are the modules' own. What is wrong with one ends the program with a sentence."""

import json
import sys
from contextlib import contextmanager
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


def _quick_gelu(x):
    return x * mx.sigmoid(1.702 * x)


# transformers' names. What gelu_new approximates by tanh, gelu is.
ACTIVATIONS = {
    "gelu": nn.gelu,
    "gelu_new": nn.gelu_approx,
    "gelu_pytorch_tanh": nn.gelu_approx,
    "quick_gelu": _quick_gelu,
    "relu": nn.relu,
    "silu": nn.silu,
    "swish": nn.silu,
}

DTYPES = {"float32": mx.float32, "bfloat16": mx.bfloat16, "float16": mx.float16}


def dtype_of(name):
    """A dtype by the name that --dtype was given."""
    if name not in DTYPES:
        sys.exit(f"--dtype is one of {', '.join(DTYPES)}, not {name}.")
    return DTYPES[name]


def read_json(path):
    """The object that a JSON file holds."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{path} cannot be read as JSON: {getattr(error, 'strerror', None) or error}.")
    if not isinstance(found, dict):
        sys.exit(f"{path} holds no JSON object.")
    return found


def config_of(folder, *kinds):
    """config.json of a folder whose model_type or _class_name is one of `kinds`."""
    path = Path(folder) / "config.json"
    if not path.is_file():
        sys.exit(f"{path} is missing: {folder} is no folder of {' or '.join(kinds)}.")
    config = read_json(path)
    found = config.get("_class_name") or config.get("model_type")
    if found not in kinds:
        sys.exit(f"{path} is of {found}, expected {' or '.join(kinds)}.")
    return config


def field(config, name, folder):
    """config[name], which the model cannot do without."""
    if name not in config:
        sys.exit(f"{Path(folder) / 'config.json'} has no {name}.")
    return config[name]


def check_activation(config, name, folder):
    """Ends the program unless config[name] is one of ACTIVATIONS."""
    if config[name] not in ACTIVATIONS:
        known = f"{', '.join(list(ACTIVATIONS)[:-1])} or {list(ACTIVATIONS)[-1]}"
        sys.exit(f"{folder}: {name} is {config[name]}, expected {known}.")


def check_same(found, expected, place):
    """Ends the program where a configuration has another value than a program is written for; what it
    leaves out, or null, is no other."""
    for name, value in expected.items():
        said = found.get(name)
        if said is not None and said != value:
            sys.exit(f"{place}: {name} is {said}, expected {value}.")


def _is_like(value, example):
    """Whether a value can stand where `example` does: whole numbers are not negative."""
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    if isinstance(example, int):
        return isinstance(value, int) and 0 <= value < 1 << 31
    if isinstance(example, float):
        return isinstance(value, (int, float)) and abs(value) < float("inf")
    if isinstance(example, list):
        return isinstance(value, list) and all(_is_like(x, 0) for x in value)
    return isinstance(value, type(example))


def filled(defaults, found, place):
    """The defaults, and what a configuration says instead; null says nothing."""
    found = {} if found is None else found
    if not isinstance(found, dict):
        sys.exit(f"{place}: {found!r} is no configuration.")
    config = dict(defaults)
    for name, default in defaults.items():
        value = default if found.get(name) is None else found[name]
        if default is not None and not _is_like(value, default):
            sys.exit(f"{place}: {name} is {value!r}, expected something like {default!r}.")
        config[name] = value
    return config


@contextmanager
def described(place):
    """Ends with a sentence where a model cannot be built as its configuration says."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        sys.exit(f"{place}: no such model can be built: {error}")


def _files(folder, stem):
    """The safetensors files of a folder: one, the parts that an index lists, or one in float16."""
    one, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    half = folder / f"{stem}.fp16.safetensors"
    if one.is_file() or not index.is_file():
        return [half if half.is_file() and not one.is_file() else one]
    parts = read_json(index).get("weight_map")
    if not isinstance(parts, dict) or not all(isinstance(x, str) for x in parts.values()):
        sys.exit(f"{index} has no weight_map of files.")
    return [folder / name for name in sorted(set(parts.values()))]


def weights_of(folder, stem="model"):
    """All tensors of a folder by name; they are read when they are used."""
    weights = {}
    for file in _files(Path(folder), stem):
        if not file.is_file():
            sys.exit(f"{file} is missing.")
        try:
            weights.update(mx.load(str(file), format="safetensors"))
        except (RuntimeError, ValueError) as error:
            sys.exit(f"{file} cannot be read: {error}")
    return weights


# How torch orders the axes of convolutions' weights, by what they become here: output, height,
# width, input.
_AXES = {nn.Conv1d: (0, 2, 1), nn.Conv2d: (0, 2, 3, 1), nn.ConvTranspose2d: (1, 2, 3, 0)}


def torch_axes(model):
    """Of each convolution's weight, by its name, which axis of torch's comes where."""
    return {
        f"{path}.weight": _AXES[type(module)]
        for path, module in model.named_modules()
        if type(module) in _AXES
    }


def load_weights(model, weights, source, dtype=mx.float32):
    """Put tensors of torch's layout into the model: every parameter, and nothing that is none."""
    axes, parameters = torch_axes(model), dict(tree_flatten(model.parameters()))
    missing, unknown = parameters.keys() - weights.keys(), weights.keys() - parameters.keys()
    for names, what in ((missing, "is missing"), (unknown, "is no part of such a model")):
        if names:
            others = f", and {len(names) - 1} more" if len(names) > 1 else ""
            sys.exit(f"{source}: {min(names)} {what}{others}.")
    for name, weight in weights.items():
        if name in axes and weight.ndim == len(axes[name]):
            weight = mx.contiguous(weight.transpose(axes[name]))
        if weight.shape != parameters[name].shape:
            sys.exit(
                f"{source}: {name} has shape {weights[name].shape}, which is not that of such a model."
            )
        weights[name] = weight.astype(dtype)
    model.load_weights(list(weights.items()))
    return model.eval()
