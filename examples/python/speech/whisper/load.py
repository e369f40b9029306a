"""A model from a folder: safetensors as Hugging Face has them, or CTranslate2's model.bin."""

import json
from dataclasses import fields
from itertools import product
from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten
from speech.whisper import ctranslate2
from speech.whisper.model import Config, Whisper
from speech.whisper.vocabulary import Vocabulary

DTYPES = {"float32": mx.float32, "float16": mx.float16, "bfloat16": mx.bfloat16}
SIZES = [f for f in fields(Config) if f.type is int]


def load(folder, dtype="float32"):
    """The Whisper and the Vocabulary of a folder; ValueError says what is wrong with it."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no folder of a model")
    if (folder / "model.bin").is_file():
        config, weights, settings = _from_ctranslate2(folder)
    else:
        config, weights, settings = _from_safetensors(folder)
    config.alignment_heads = _alignment_heads(settings, config)
    model = Whisper(config)
    _fill(model, weights, DTYPES[dtype], folder)
    return model, Vocabulary(folder, settings, config.vocab_size)


def _json(path, optional=False):
    if optional and not path.is_file():
        return {}
    if not path.is_file():
        raise ValueError(f"{path} is missing: the folder of a model has it, and its weights")
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: no JSON ({error})") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: an object was expected")
    return found


def _config(values, path):
    try:
        config = Config(**{f.name: values[f.name] for f in SIZES if f.name in values})
    except TypeError as error:
        raise ValueError(f"{path}: sizes are missing ({error})") from None
    for name in (f.name for f in SIZES):
        value = getattr(config, name)
        if not isinstance(value, int) or not 0 < value < 1 << 20:
            raise ValueError(f"{path}: {name} is {value!r}")
    for heads in (config.encoder_attention_heads, config.decoder_attention_heads):
        if config.d_model % heads:
            raise ValueError(f"{path}: {config.d_model} is no multiple of {heads} heads")
    return config


def _from_safetensors(folder):
    values = _json(folder / "config.json")
    if values.get("model_type") != "whisper":
        raise ValueError(f"{folder}: a model of {values.get('model_type')!r}, not whisper")
    for name, wanted in (("activation_function", "gelu"), ("scale_embedding", False)):
        if values.get(name, wanted) != wanted:
            raise ValueError(f"{folder}: {name} is {values[name]!r}, expected {wanted!r}")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ValueError(f"{folder}: neither model.safetensors nor model.bin is there")
    weights = {}
    for file in files:
        weights |= {n.removeprefix("model."): w for n, w in _arrays(file).items()}
    settings = values | _json(folder / "generation_config.json", optional=True)
    return _config(values, folder / "config.json"), weights, settings


def _arrays(file):
    try:
        return mx.load(str(file))
    except RuntimeError as error:
        raise ValueError(f"{file}: {error}") from None


def _from_ctranslate2(folder):
    variables = ctranslate2.read(folder / "model.bin")
    settings = _json(folder / "config.json", optional=True)
    settings["suppress_tokens"] = settings.get("suppress_ids")
    settings["begin_suppress_tokens"] = settings.get("suppress_ids_begin")
    sizes = ctranslate2.sizes(variables, folder / "model.bin")
    return _config(sizes, folder / "model.bin"), ctranslate2.weights(variables), settings


def _fill(model, weights, dtype, folder):
    """Convolutions are (O, I, K) in files, (O, K, I) here; the output is the embedding's."""
    wanted = dict(tree_flatten(model.parameters()))
    weights = {
        n: w.swapaxes(1, 2) if "conv" in n and w.ndim == 3 else w for n, w in weights.items()
    }
    for name, value in wanted.items():
        if name not in weights:
            raise ValueError(f"{folder}: {name} is missing in the weights")
        if weights[name].shape != value.shape:
            raise ValueError(f"{folder}: {name} is {weights[name].shape}, not {value.shape}")
    model.load_weights([(n, mx.contiguous(weights[n].astype(dtype))) for n in wanted])
    mx.eval(model.parameters())


def _alignment_heads(settings, config):
    """As the model's settings say, else all heads of the upper half of the layers."""
    layers, heads = config.decoder_layers, config.decoder_attention_heads
    upper = [(layer, head) for layer in range(layers // 2, layers) for head in range(heads)]
    known = set(product(range(layers), range(heads)))
    said = [tuple(pair) for pair in settings.get("alignment_heads") or ()]
    return tuple(pair for pair in said if pair in known) or tuple(upper)
