"""Data: samples from memory and files, changed, shuffled, put into batches, made ahead on threads.

    import mlx.data as dx
    from mlx.data.datasets import load_mnist

    batches = (
        load_mnist("mnist")
        .shuffle(seed=0)
        .to_stream()
        .batch(64)
        .normalize("image", 33.3, 78.6)
        .prefetch(4, 2)
    )
    for batch in batches:
        ...                  # batch["image"] is (64, 28, 28, 1), an array of NumPy's
    batches.reset()          # the next epoch, in another order

A *sample* is a dict of arrays. A *buffer* has samples in any order, a *stream* one after the other;
what either does makes a new one, and nothing is computed before a sample is asked for.
"""

try:
    import numpy as _numpy  # noqa: F401
except ImportError:
    raise ImportError("[data] mlx.data needs NumPy: pip install numpy") from None

from .._saved import write_file
from . import audio, datasets, features, images
from ._buffer import Buffer
from ._readers import (
    ImageFolder,
    buffer_from_arrays,
    buffer_from_dataset,
    buffer_from_numpy,
    buffer_from_vector,
    files_from_folder,
    image_folder,
    interleave,
    mix,
    stream_from_dataset,
    stream_python_iterable,
)
from ._stream import Stream
from ._tables import buffer_from_arrow, buffer_from_parquet, stream_parquet
from ._tar import buffer_from_tar, stream_tar
from ._task import SampleError
from ._texts import (
    buffer_from_csv,
    buffer_from_jsonl,
    stream_csv_reader,
    stream_csv_reader_from_string,
    stream_jsonl,
    stream_line_reader,
)

__all__ = [
    "Buffer",
    "ImageFolder",
    "SampleError",
    "Stream",
    "audio",
    "buffer_from_arrays",
    "buffer_from_arrow",
    "buffer_from_csv",
    "buffer_from_dataset",
    "buffer_from_jsonl",
    "buffer_from_numpy",
    "buffer_from_parquet",
    "buffer_from_tar",
    "buffer_from_vector",
    "datasets",
    "features",
    "files_from_folder",
    "image_folder",
    "images",
    "interleave",
    "mix",
    "stream_csv_reader",
    "stream_csv_reader_from_string",
    "stream_from_dataset",
    "stream_jsonl",
    "stream_line_reader",
    "stream_parquet",
    "stream_python_iterable",
    "stream_tar",
    "write_file",
]
