"""The reader of CTranslate2's model.bin, in which faster-whisper has its models.

The layout, little-endian, as the file itself shows it (a text has its length, with the zero at its
end, as uint16 before it):

    uint32 6           version of the layout
    text               "WhisperSpec"
    uint32             revision of that
    uint32 n           variables, n times:
        text               "encoder/layer_0/ffn/linear_0/weight"
        uint8 r            rank, then r times uint32: the shape
        uint8              type: 0 float32, 1 int8, 2 int16, 3 int32, 4 float16, 5 bfloat16
        uint32 b           bytes, then so many: the values
    uint32 m           other names, m times: text, and the text of the variable that it stands for

Linear layers are (outputs, inputs). `linear_0` of self-attention has queries, keys and values on
top of each other, of attention to the sound the queries alone, whose keys and values are in
`linear_1`; the last `linear_` is the projection of the result."""

import re
import struct
from pathlib import Path

import mlx.core as mx
import numpy as np

TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16, 5: np.uint16}
BFLOAT16 = 5
SIZES = {  # of a Config, by a variable and its axis
    "num_mel_bins": ("encoder/conv1/weight", 1),
    "d_model": ("encoder/conv1/weight", 0),
    "vocab_size": ("decoder/embeddings/weight", 0),
    "encoder_ffn_dim": ("encoder/layer_0/ffn/linear_0/weight", 0),
    "decoder_ffn_dim": ("decoder/layer_0/ffn/linear_0/weight", 0),
    "max_source_positions": ("encoder/position_encodings/encodings", 0),
    "max_target_positions": ("decoder/position_encodings/encodings", 0),
}
PLAIN = {
    "embeddings": "embed_tokens",
    "position_encodings/encodings": "embed_positions/weight",
    "self_attention/layer_norm": "self_attn_layer_norm",
    "attention/layer_norm": "encoder_attn_layer_norm",
    "ffn/layer_norm": "final_layer_norm",
    "ffn/linear_0": "fc1",
    "ffn/linear_1": "fc2",
    "gamma": "weight",
    "beta": "bias",
}


class _Bytes:
    """The bytes of a file from front to back."""

    def __init__(self, path):
        self.path, self.data, self.at = path, memoryview(Path(path).read_bytes()), 0

    def bytes(self, n):
        if n > len(self.data) - self.at:
            raise ValueError(f"{self.path}: the file ends early; CTranslate2's layout goes on")
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))[0]

    def text(self):
        return bytes(self.bytes(self.number("H"))).rstrip(b"\0").decode(errors="replace")


def read(path):
    """The variables of a model.bin of Whisper: arrays by name."""
    file = _Bytes(path)
    version, kind = file.number("I"), file.text()
    if version != 6 or kind != "WhisperSpec":
        raise ValueError(
            f'{path}: version {version} of "{kind[:40]}"; version 6 of WhisperSpec is read'
        )
    file.number("I")
    return dict(_variable(file) for _ in range(file.number("I")))


def _variable(file):
    name = file.text()
    shape = [file.number("I") for _ in range(file.number("B"))]
    kind, size = file.number("B"), file.number("I")
    if kind not in TYPES or np.prod(shape, dtype=object) * np.dtype(TYPES[kind]).itemsize != size:
        raise ValueError(f"{file.path}: {name[:80]} has type {kind}, shape {shape}, {size} bytes")
    values = np.frombuffer(file.bytes(size), TYPES[kind]).reshape(shape)
    array = mx.array(values)
    return name, array.view(mx.bfloat16) if kind == BFLOAT16 else array


def sizes(variables, path):
    """What a Config is made of."""
    try:
        found = {name: variables[of].shape[axis] for name, (of, axis) in SIZES.items()}
        for part in ("encoder", "decoder"):
            found[f"{part}_attention_heads"] = variables[f"{part}/num_heads"].item()
            layers = {n.split("/")[1] for n in variables if n.startswith(f"{part}/layer_")}
            found[f"{part}_layers"] = len(layers - {"layer_norm"})
    except (KeyError, IndexError) as error:
        raise ValueError(f"{path}: not a model of Whisper ({error} is missing)") from None
    return found


def weights(variables):
    """The parameters of a Whisper, by their names there."""
    found = {}
    for name, value in variables.items():
        if name.endswith("weight_scale"):
            raise ValueError(f"{name}: 8-bit weights; convert the model with another quantization")
        if value.ndim:
            found |= _parameters(name, value)
    return found


def _parameters(name, value):
    base, _, last = name.rpartition("/")
    block, _, linear = base.rpartition("/linear_")
    if block.endswith("attention"):
        module = block.replace("self_attention", "self_attn")
        if module == block:
            module = block.removesuffix("attention") + "encoder_attn"
        return {
            _dotted(f"{module}/{projection}_proj/{last}"): part
            for projection, part in _projections(module, linear, value)
            # The same number for all keys of a query changes no attention: checkpoints have none.
            if (projection, last) != ("k", "bias")
        }
    return {_dotted(name): value}


def _projections(module, linear, value):
    of_self = module.endswith("self_attn")
    names = [["q", "k", "v"], ["out"]] if of_self else [["q"], ["k", "v"], ["out"]]
    return zip(names[int(linear)], mx.split(value, len(names[int(linear)])))


def _dotted(name):
    for theirs, ours in PLAIN.items():
        name = name.replace(f"/{theirs}", f"/{ours}")
    return re.sub(r"/layer_(\d)", r"/layers/\1", name).replace("/", ".")
