"""TensorBoard's event files, written without TensorBoard.

A file is a row of records: length (8 bytes), masked CRC-32C of these 8, data, masked CRC-32C of the
data, all little-endian; a mask is the sum rotated by 15 bits plus 0xa282ead8. The data are an
Event, a message of Protocol Buffers: wall_time (1, double), step (2, varint), file_version (3,
text) or summary (5, message of values (1), each tag (1, text) and simple_value (2, float))."""

import math
import os
import socket
import struct
import time
from typing import Optional, Union

from .._saved import from_here

__all__ = ["EventWriter", "crc32c"]


def _table():
    rows = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        rows.append(byte)
    return rows


_CRC = _table()


def crc32c(data: bytes) -> int:
    """The cyclic redundancy check with Castagnoli's polynomial (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; negative numbers as 64 bits."""
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _bytes_field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _float32(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", math.copysign(math.inf, value))


def _event(wall_time: float, step: int, rest: bytes) -> bytes:
    return b"\x09" + struct.pack("<d", wall_time) + b"\x10" + _varint(step) + rest


class EventWriter:
    """Writes scalars into a new event file in a folder, which is made if need be.

    Args:
        folder: The folder.

    Example:
        >>> with train.EventWriter("events") as writer:
        ...     writer.scalar("loss", 0.5, step=1)
    """

    def __init__(self, folder: Union[str, os.PathLike]) -> None:
        folder = from_here(folder)
        os.makedirs(folder, exist_ok=True)
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
        self.path = os.path.join(folder, name)
        self._file = open(self.path, "xb")
        self._write(_event(time.time(), 0, _bytes_field(3, b"brain.Event:2")))

    def _write(self, event: bytes) -> None:
        self._file.write(_record(event))
        self._file.flush()

    def scalar(self, tag: str, value: float, step: int, wall_time: Optional[float] = None) -> None:
        """Write one number, infinite where it is beyond float32."""
        content = _bytes_field(1, tag.encode()) + b"\x15" + _float32(value)
        summary = _bytes_field(5, _bytes_field(1, content))
        self._write(_event(time.time() if wall_time is None else wall_time, step, summary))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "EventWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
