"""Folders of tiny models, as the tests of conversions want them."""

import json
from pathlib import Path

import mlx.core as mx


def tiny_of(name, folder):
    """A checkpoint of tests/data/families with other numbers."""
    document = json.loads(
        (Path(__file__).resolve().parents[2] / "data" / "families" / f"{name}.json").read_text()
    )
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(document["config"]))
    tensors = {k: mx.random.normal(s) for k, s in document["tensors"].items()}
    mx.save_safetensors(str(folder / "model.safetensors"), tensors)
    return folder


def without_files(path, to, gone=""):
    """The GGUF file without the files that it keeps, and without one key."""
    f = mx.open_file(path)
    with mx.create_file(to) as w:
        for key, value in f.metadata.items():
            if not key.startswith("mlx.") and key != gone:
                w.set(key, value)
        for name, t in f.tensors.items():
            w.declare(name, t.shape, t.storage)
        for name in f.tensors:
            w.put(name, f.read(name, stored=True))
    return to
