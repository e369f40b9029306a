#!/usr/bin/env python3
"""Digests of the tensors of a GGUF file as the package `gguf` dequantizes them.

    make_model_digests.py build/models/gemma-3-270m-q4_k_m.gguf > data/gemma_digests.txt

A line is the beginning of the SHA-256 of the float32 values, the type and the name.
"""

import hashlib
import sys

import numpy as np
from gguf import GGUFReader, quants

for t in GGUFReader(sys.argv[1]).tensors:
    values = np.ascontiguousarray(quants.dequantize(t.data, t.tensor_type), np.float32)
    digest = hashlib.sha256(values.tobytes()).hexdigest()[:32]
    print(digest, t.tensor_type.name.lower(), t.name)
