"""Pictures that the examples read, and those that they write, without a package for images."""

import struct
import sys
import zlib

import numpy as np
from mlx.data import images, write_file


def read_image(path):
    """The pixels of an image file (H, W, 3), or the end of the program."""
    try:
        return images.load(path)
    except (OSError, ValueError, ImportError) as error:
        why = getattr(error, "strerror", None) or str(error).removeprefix(f"[data] {path}: ")
        sys.exit(f"{path} cannot be read as an image: {why}.")


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
    parts = chunk(b"IHDR", kind), chunk(b"IDAT", data), chunk(b"IEND", b"")
    write_file(path, b"\x89PNG\r\n\x1a\n", *parts)
