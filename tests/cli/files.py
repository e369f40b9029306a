"""Model files, written and read here by their specifications."""

import json
import struct

import numpy as np

# --- safetensors --------------------------------------------------------------------------------

ST_DTYPES = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "U64": np.uint64,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
    "BF16": np.uint16,  # its bits
    "U32": np.uint32,
}
ST_NAMES = {
    "BOOL": "bool",
    "BF16": "bfloat16",
    **{k: np.dtype(v).name for k, v in ST_DTYPES.items() if k not in ("BOOL", "BF16")},
}


def safetensors_bytes(tensors, metadata=None):
    """tensors: name -> array, or (dtype of the format, array of its bits)."""
    header, data, at = {"__metadata__": metadata} if metadata else {}, [], 0
    for name, array in tensors.items():
        dtype, array = array if isinstance(array, tuple) else (None, array)
        array = np.ascontiguousarray(array)
        dtype = dtype or next(k for k, v in ST_DTYPES.items() if np.dtype(v) == array.dtype)
        span = [at, at + array.nbytes]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": span}
        data.append(array.tobytes())
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data)


def write_safetensors(path, tensors, metadata=None):
    path.write_bytes(safetensors_bytes(tensors, metadata))
    return path


def read_safetensors(path):
    """name -> (dtype of the format, shape, bytes), and metadata."""
    raw = path.read_bytes()
    (n,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + n])
    metadata = header.pop("__metadata__", {})
    at = {name: [8 + n + x for x in row["data_offsets"]] for name, row in header.items()}
    return {
        name: (row["dtype"], row["shape"], raw[slice(*at[name])]) for name, row in header.items()
    }, metadata


# --- GGUF ---------------------------------------------------------------------------------------

NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
TEXT, LIST = 8, 9
# (elements, bytes) of a block
GGML = {"float32": (0, 1, 4), "float16": (1, 1, 2), "q4_0": (2, 32, 18), "q4_1": (3, 32, 20)}
GGML |= {"q5_0": (6, 32, 22), "q8_0": (8, 32, 34), "q4_k": (12, 256, 144), "q6_k": (14, 256, 210)}
GGML |= {"q5_1": (7, 32, 24), "q5_k": (13, 256, 176), "mxfp4_gguf": (39, 32, 17)}


def gguf_text(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_value(value):
    """A text, a list of texts, or (number of the type, value or values)."""
    if isinstance(value, (str, bytes)):
        return struct.pack("<I", TEXT) + gguf_text(value)
    if isinstance(value, list):
        return struct.pack("<IIQ", LIST, TEXT, len(value)) + b"".join(map(gguf_text, value))
    kind, numbers = value
    if isinstance(numbers, list):
        packed = struct.pack(f"<{len(numbers)}{NUMBERS[kind]}", *numbers)
        return struct.pack("<IIQ", LIST, kind, len(numbers)) + packed
    return struct.pack(f"<I{NUMBERS[kind]}", kind, numbers)


def gguf_bytes(tensors, metadata):
    """tensors: name -> (storage, shape with the rows first, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += gguf_text(key) + gguf_value(value)
    data = b""
    for name, (storage, shape, raw) in tensors.items():
        head += gguf_text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1])
        head += struct.pack("<IQ", GGML[storage][0], len(data))
        data += raw + bytes(-len(raw) % 32)
    return head + bytes(-len(head) % 32) + data


def write_gguf(path, tensors, metadata):
    path.write_bytes(gguf_bytes(tensors, metadata))
    return path


class Cursor:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, form):
        size = struct.calcsize("<" + form)
        values = struct.unpack_from("<" + form, self.raw, self.at)
        self.at += size
        return values[0] if len(values) == 1 else list(values)

    def text(self):
        n = self.take("Q")
        self.at += n
        return self.raw[self.at - n : self.at]

    def value(self):
        kind = self.take("I")
        if kind == TEXT:
            return self.text()
        if kind != LIST:
            return self.take(NUMBERS[kind])
        kind, n = self.take("I"), self.take("Q")
        return [self.text() if kind == TEXT else self.take(NUMBERS[kind]) for _ in range(n)]


def read_gguf(path):
    """name -> (storage, shape), and metadata with texts as bytes; version 3."""
    c = Cursor(path.read_bytes())
    assert c.text.__self__.raw[:4] == b"GGUF"
    c.at = 4
    version, count, keys = c.take("I"), c.take("Q"), c.take("Q")
    assert version in (2, 3)
    metadata = {}
    for _ in range(keys):
        key = c.text().decode()
        metadata[key] = c.value()
    names = {number: name for name, (number, _, _) in GGML.items()}
    tensors = {}
    for _ in range(count):
        name = c.text().decode()
        shape = [c.take("Q") for _ in range(c.take("I"))][::-1]
        storage = names[c.take("I")]
        c.take("Q")
        tensors[name] = storage, shape
    return tensors, metadata
