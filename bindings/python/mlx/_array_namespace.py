"""What the array API standard asks a namespace about itself:
mlx.core.__array_namespace_info__()."""

from typing import Any

import mlx.core as mx

DTYPES = {
    "bool": mx.bool_,
    "int8": mx.int8,
    "int16": mx.int16,
    "int32": mx.int32,
    "int64": mx.int64,
    "uint8": mx.uint8,
    "uint16": mx.uint16,
    "uint32": mx.uint32,
    "uint64": mx.uint64,
    "float32": mx.float32,
    "float64": mx.float64,
    "complex64": mx.complex64,
}


class ArrayNamespaceInfo:
    """Capabilities, devices and dtypes, in the words of the standard (2024.12)."""

    def capabilities(self) -> dict:
        """Which optional parts of the standard there are."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Any:
        """The device of new arrays."""
        return mx.default_device()

    def default_dtypes(self, *, device: Any = None) -> dict:
        """The dtypes of arrays made of Python's numbers, and of indices."""
        return {
            "real floating": mx.float32,
            "complex floating": mx.complex64,
            "integral": mx.int32,
            "indexing": mx.int32,
        }

    def devices(self) -> Any:
        """All devices."""
        counts = ((kind, mx.device_count(kind)) for kind in (mx.cpu, mx.gpu))
        return [mx.Device(kind, i) for kind, count in counts for i in range(count)]

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict:
        """The standard's dtypes, all or those of a kind or of a tuple of kinds."""
        return {
            name: dtype for name, dtype in DTYPES.items() if kind is None or mx.isdtype(dtype, kind)
        }
