#!/usr/bin/env python3
"""Makes tests/kernels/block_digests.h with the package `gguf`: digests of what it makes of the blocks and
numbers of test_k_blocks.c.

    make_block_digests.py > block_digests.h
"""

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

BLOCKS = 96
HALVES = {
    "Q4_1": [0, 2],
    "Q5_1": [0, 2],
    "Q2_K": [80, 82],
    "Q3_K": [108],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
    "TQ1_0": [52],
    "TQ2_0": [64],
    "IQ1_M": [],
    "MXFP4": [],
    "NVFP4": [],
}


def bits(state=[0]):
    """The upper half of a linear congruential generator of 64 bits."""
    state[0] = (state[0] * 6364136223846793005 + 1442695040888963407) % 2**64
    return state[0] >> 32


def restart(seed):
    bits.__defaults__[0][0] = seed


def random_blocks(name, size):
    """Any bytes, but finite scales: upper bytes of halves are 0 to 0x3f in magnitude."""
    restart(1)
    b = np.array([[bits() >> 24 for _ in range(size)] for _ in range(BLOCKS)], np.uint8)
    for at in HALVES.get(name, [0]):
        b[:, at + 1] &= 0xBF
    if name == "IQ1_M":
        b[:, 55] &= 0xBF
    return b


def numbers(count):
    """Cubes of numbers within -1 and 1, on eighths in every third block of 256, zeros in one."""
    restart(2)
    u = np.array([bits() >> 8 for _ in range(count)], np.float32) * np.float32(2**-23) - np.float32(
        1
    )
    x = (u * u * u).reshape(-1, 256)
    x[::3] = np.trunc(x[::3] * np.float32(8)) * np.float32(0.125)
    x[7] = 0
    return x.ravel()


def digest(a):
    """FNV-1a of 64 bits."""
    h = 0xCBF29CE484222325
    for byte in a.tobytes():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def main():
    print(
        "/* Made by make_block_digests.py: FNV-1a of what the package gguf decodes and encodes (0: nothing). */"
    )
    print("#include <stdint.h>\n")
    print(
        "static const struct {\n    const char *file_name;\n    uint64_t decoded, encoded;\n} block_digests[] = {"
    )
    for t in GGMLQuantizationType:
        items, size = GGML_QUANT_SIZES[t]
        if items == 1:
            continue
        try:
            decoded = digest(quants.dequantize(random_blocks(t.name, size), t).astype(np.float32))
        except NotImplementedError:
            continue
        try:
            encoded = digest(quants.quantize(numbers(BLOCKS * 256), t))
        except NotImplementedError:
            encoded = 0
        print(f'    {{"{t.name}", 0x{decoded:016x}u, 0x{encoded:016x}u}},')
    print("};")


main()
