"""Well-known sets of images, from files that lie on this machine: nothing is fetched."""

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ._buffer import Buffer, Columns
from ._reading import PathLike, open_file, read_most, reading

__all__ = [
    "load_cifar10",
    "load_cifar100",
    "load_fashion_mnist",
    "load_mnist",
    "read_cifar",
    "read_idx",
]

# Codes of element types in the third byte of an IDX file; all are big-endian.
_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


_MOST_DIMENSIONS = 32  # of every NumPy's arrays


def read_idx(path: PathLike) -> np.ndarray:
    """The array of an IDX file (MNIST's format), also packed by gzip: two zeros, a byte for the
    type, one for the number of dimensions, their sizes as big-endian 32 bits, and the elements.

    Args:
        path: The file.

    Returns:
        numpy.ndarray: Its array, in the byte order of this machine.

    Raises:
        ValueError: it is no IDX file, or its length is not what its header says

    Example:
        >>> from pathlib import Path
        >>> header = bytes([0, 0, 0x08, 2, 0, 0, 0, 1, 0, 0, 0, 3])  # unsigned bytes, (1, 3)
        >>> _ = Path("x.idx").write_bytes(header + bytes([5, 6, 7]))
        >>> datasets.read_idx("x.idx")
        array([[5, 6, 7]], dtype=uint8)
    """
    with reading(path), open_file(path) as file:
        kind, shape = _idx_header(file)
        wanted = kind.itemsize * math.prod(shape)
        data = read_most(file, wanted + 1)  # not all that may be packed in it
    if len(data) != wanted:
        found = f"{len(data)}" if len(data) < wanted else f"more than {wanted}"
        raise ValueError(f"[data] {path} has {found} bytes of elements, {shape} are {wanted}")
    array = np.frombuffer(data, kind).reshape(shape)
    return array.astype(kind.newbyteorder("="))


def _idx_header(file):
    """The dtype and the shape, which the rest of the file is."""
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX_TYPES:
        raise ValueError("this is no IDX file")
    if head[3] > _MOST_DIMENSIONS:
        raise ValueError(f"it has {head[3]} dimensions, {_MOST_DIMENSIONS} are the most")
    sizes = file.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise ValueError("it ends within its header")
    return np.dtype(_IDX_TYPES[head[2]]), struct.unpack(f">{head[3]}I", sizes)


def _first(folder: Path, names: list[str], what: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise FileNotFoundError(f"[data] {folder} lacks {names[0]} of {what}: put the files there")


def load_mnist(root: PathLike, train: bool = True) -> Buffer:
    """MNIST's images (28, 28, 1) of uint8 under "image" and labels under "label", from the IDX
    files in a folder, also packed by gzip.

    Args:
        root: The folder of the files, whose names are MNIST's.
        train: Whether the images for training are meant, or those for tests.

    Returns:
        Buffer: A sample for each image.

    Raises:
        FileNotFoundError: a file is not there
        ValueError: a file is no IDX file, or of other shapes

    Example:
        >>> from pathlib import Path
        >>> image = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(28 * 28)
        >>> _ = Path("train-images-idx3-ubyte").write_bytes(image)
        >>> _ = Path("train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))
        >>> sample = datasets.load_mnist(".")[0]
        >>> sample["image"].shape, int(sample["label"])
        ((28, 28, 1), 7)
    """
    part, folder = "train" if train else "t10k", Path(root)
    columns = {}
    for key, kind in (("image", "images-idx3"), ("label", "labels-idx1")):
        names = [f"{part}-{kind}-ubyte", f"{part}-{kind.replace('-', '.')}-ubyte"]
        columns[key] = read_idx(_first(folder, names, "MNIST"))
    if columns["image"].shape[1:] != (28, 28) or columns["label"].ndim != 1:
        raise ValueError(f"[data] {folder}: images are (N, 28, 28), labels (N)")
    if not columns["label"].size:
        raise ValueError(f"[data] {folder}: there are no images for {part}")
    if columns["label"].max() > 9:
        raise ValueError(f"[data] {folder}: a label is {columns['label'].max()}, 9 is the last")
    return Columns({"image": columns["image"][..., None], "label": columns["label"]})


def load_fashion_mnist(root: PathLike, train: bool = True) -> Buffer:
    """Fashion-MNIST, whose files are like MNIST's.

    Args:
        root: The folder of the files.
        train: Whether the images for training are meant, or those for tests.

    Returns:
        Buffer: A sample for each image.

    Raises:
        FileNotFoundError: a file is not there
        ValueError: a file is no IDX file, or of other shapes

    Example:
        >>> from pathlib import Path
        >>> image = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(28 * 28)
        >>> _ = Path("t10k-images-idx3-ubyte").write_bytes(image)
        >>> _ = Path("t10k-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))
        >>> len(datasets.load_fashion_mnist(".", train=False))
        1
    """
    return load_mnist(root, train)


def read_cifar(path: PathLike, classes: int = 10) -> dict[str, Any]:
    """Images (N, 32, 32, 3) of uint8 and labels of a file of CIFAR's binary version, also packed by
    gzip: a byte for the label (of CIFAR-100 one for the coarse and one for the fine label) and 3072
    for the pixels, red, green, blue.

    Args:
        path: The file.
        classes: 10 or 100.

    Returns:
        dict: "image" and "label".

    Raises:
        ValueError: the file's length is none of such images, or a label is too large

    Example:
        >>> from pathlib import Path
        >>> _ = Path("batch.bin").write_bytes(bytes([3]) + bytes(3072))
        >>> read = datasets.read_cifar("batch.bin")
        >>> read["image"].shape, read["label"].tolist()
        ((1, 32, 32, 3), [3])
    """
    labels = 2 if classes == 100 else 1
    with reading(path), open_file(path) as file:
        data = np.frombuffer(file.read(), np.uint8)
    if not data.size or data.size % (labels + 3072):
        raise ValueError(f"[data] {path}: {data.size} bytes are no images of CIFAR-{classes}")
    records = data.reshape(-1, labels + 3072)
    label = records[:, labels - 1].copy()
    if label.max() >= classes:
        raise ValueError(f"[data] {path}: a label is {label.max()}, {classes - 1} is the last")
    pixels = records[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return {"image": np.ascontiguousarray(pixels), "label": label}


def _load_cifar(root, names, classes):
    parts = [read_cifar(_first(Path(root), [name], f"CIFAR-{classes}"), classes) for name in names]
    return Columns({key: np.concatenate([p[key] for p in parts]) for key in ("image", "label")})


def load_cifar10(root: PathLike, train: bool = True) -> Buffer:
    """CIFAR-10's images (32, 32, 3) under "image" and labels under "label", from the folder of its
    binary version.

    Args:
        root: The folder.
        train: Whether the images for training are meant, or those for tests.

    Returns:
        Buffer: A sample for each image.

    Raises:
        FileNotFoundError: a file is not there
        ValueError: a file is damaged

    Example:
        >>> from pathlib import Path
        >>> _ = Path("test_batch.bin").write_bytes(bytes([3]) + bytes(3072))
        >>> datasets.load_cifar10(".", train=False)[0]["image"].shape
        (32, 32, 3)
    """
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] if train else ["test_batch.bin"]
    return _load_cifar(root, names, 10)


def load_cifar100(root: PathLike, train: bool = True) -> Buffer:
    """CIFAR-100 likewise, with fine labels.

    Args:
        root: The folder of the binary version.
        train: Whether the images for training are meant, or those for tests.

    Returns:
        Buffer: A sample for each image.

    Raises:
        FileNotFoundError: a file is not there
        ValueError: a file is damaged

    Example:
        >>> from pathlib import Path
        >>> _ = Path("test.bin").write_bytes(bytes([0, 42]) + bytes(3072))
        >>> int(datasets.load_cifar100(".", train=False)[0]["label"])
        42
    """
    return _load_cifar(root, ["train.bin" if train else "test.bin"], 100)
