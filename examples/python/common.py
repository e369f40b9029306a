"""What the examples share: where data lies and comes from, MNIST, batches, a progress line."""

import argparse
import gzip
import os
import struct
import sys
import time
import zlib
from pathlib import Path

import mlx.core as mx
import numpy as np


def number(default):
    """Reads an option whose default is a number: above 0 as the default is, or from 0 where that is
    the default."""
    least, kind = ("from 0", int) if default == 0 else ("above 0", type(default))

    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = -1
        if not (0 <= value < 2**31) or (value == 0 and default != 0):
            name = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"expected a {name} {least}, got {text}")
        return value

    return read


def _writable(parser, name, path):
    """Ends the program before its work where the file could not be written after it."""
    if Path(path).is_dir():
        parser.error(f"--{name} {path} is a folder, expected a file")
    if not Path(path).parent.is_dir():
        parser.error(f"--{name} {path}: there is no folder {Path(path).parent}")


# What begins the words of an error that data or files are to blame for.
OF_DATA = ("[data]", "[train]", "[load", "[save", "[open_file]")


def last_words(kind, error, trace):
    """Ends a program in a sentence where its data, its files or Ctrl-C end it; what is a mistake of
    the program's has its traceback."""
    if isinstance(error, KeyboardInterrupt):
        print("\nstopped", file=sys.stderr)
    elif isinstance(error, OSError) and error.filename is not None:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
    elif isinstance(error, (OSError, ImportError, MemoryError)) or str(error).startswith(OF_DATA):
        print(error, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def arguments(description, **defaults):
    """Command line options `--name value`, one for each default, besides --data and --seed: numbers
    above 0, texts, or one of a tuple of texts whose first is the default. A text with an ending
    names a file that will be written."""
    program = getattr(sys.modules["__main__"].__spec__, "name", sys.argv[0])
    parser = argparse.ArgumentParser(
        prog=f"python -m {program.removesuffix('.__main__')}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", default=None, help="the folder of data; default: $MLX_TEST_DATA or ../shared/data"
    )
    for name, default in {"seed": 0, **defaults}.items():
        kind = {"type": str} if isinstance(default, str) else {"type": number(default)}
        if isinstance(default, tuple):
            kind, default = {"choices": default}, default[0]
        parser.add_argument(
            f"--{name.replace('_', '-')}", default=default, help=f"default: {default}", **kind
        )
    options, sys.excepthook = parser.parse_args(), last_words
    for name, default in defaults.items():
        if isinstance(default, str) and Path(default).suffix:
            _writable(parser, name, getattr(options, name))
    return options


def data_folder(data=None):
    """The folder that holds mnist/, text/, speech/ ..."""
    root = Path(__file__).resolve().parents[2]
    return Path(data or os.environ.get("MLX_TEST_DATA") or root.parent / "shared" / "data")


# Data that cannot come with the project, and who gives it.
SOURCES = {
    "mnist": "one of the four MNIST files (LeCun, Cortes and Burges; yann.lecun.com/exdb/mnist, and mirrors)",
    "cifar10_subset": "the first records of CIFAR-10's binary version (Krizhevsky; cs.toronto.edu/~kriz/cifar.html)",
    "clip": "a photograph of a cat (cat.jpeg of clip/assets in github.com/ml-explore/mlx-examples)",
    "text": "a list of first names, one a line (names.txt of github.com/karpathy/makemore)",
}
LICENSES = Path("/usr/share/common-licenses")  # English prose that every Debian system has


def data_file(data, folder, name):
    """The path of a file below the data folder; where it is missing the program ends with a
    sentence that says what to get, and where."""
    path = data_folder(data) / folder / name
    if not path.is_file():
        sys.exit(
            f"{path} is missing, {SOURCES[folder]}: put it there, or say --data DIR where it is DIR/{folder}/{name}."
        )
    return path


def text_file(data, name, instead):
    """The text, or where it is missing one of Debian's licences."""
    path = data_folder(data) / "text" / name
    return path if path.is_file() or not (LICENSES / instead).is_file() else LICENSES / instead


def _idx(path, header):
    with gzip.open(path) as file:
        return memoryview(file.read())[header:]


def mnist(data=None):
    """Training images and labels, test images and labels. Images are (N, 28, 28) float32 in [0,
    1]."""

    def part(name):
        images = mx.array(
            _idx(data_file(data, "mnist", f"{name}-images-idx3-ubyte.gz"), 16)
        ).reshape(-1, 28, 28)
        labels = mx.array(_idx(data_file(data, "mnist", f"{name}-labels-idx1-ubyte.gz"), 8))
        return images.astype(mx.float32) / 255, labels.astype(mx.uint32)

    return *part("train"), *part("t10k")


def batches(size, *arrays, random):
    """Batches of `size` rows of each array, in a random order (of a NumPy generator); what is left
    over is dropped."""
    if size > len(arrays[0]):
        sys.exit(f"A batch of {size} is more than the {len(arrays[0])} examples there are.")
    order = random.permutation(len(arrays[0]))
    for start in range(0, len(order) - size + 1, size):
        rows = mx.array(order[start : start + size])
        yield tuple(a[rows] for a in arrays)


def image_grid(images, columns):
    """One picture, in bytes, of images (N, H, W) or (N, H, W, 3) in [0, 1]: `columns` a row, black
    where none is left."""
    images = np.clip(np.array(images, np.float32), 0, 1)
    count, height, width = images.shape[:3]
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, *images.shape[1:]), np.float32)
    cells[:count] = images
    cells = cells.reshape(rows, columns, *images.shape[1:]).swapaxes(1, 2)
    picture = cells.reshape(rows * height, columns * width, *images.shape[3:])
    return np.round(255 * picture).astype(np.uint8)


def write_png(path, pixels):
    """A picture of bytes, (H, W) grey or (H, W, 3) in colours."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    kind = struct.pack(">IIBBBBB", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", kind))
        file.write(chunk(b"IDAT", data) + chunk(b"IEND", b""))


class Progress:
    """One line that is written over: `step 120/600  loss 1.234  41 ms a step`."""

    def __init__(self, total, every=0.5):
        self.total, self.every = total, every
        self.start = self.last = time.perf_counter()

    def __call__(self, step, **values):
        now = time.perf_counter()
        if now - self.last < self.every and step != self.total:
            return
        self.last = now
        text = "  ".join(f"{k} {float(v):.4f}" for k, v in values.items())
        speed = (now - self.start) / max(step, 1)
        end = "\n" if step == self.total else ""
        print(
            f"\rstep {step}/{self.total}  {text}  {1000 * speed:.1f} ms a step   ",
            end=end,
            file=sys.stderr,
            flush=True,
        )
