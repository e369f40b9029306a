"""Chains of pointwise operations on float32 beside PyTorch's, as written and by torch.compile:
nanoseconds of an element on one thread, in turns, the best of BENCH_ROUNDS (15).

    MLX_NUM_THREADS=1 PYTHONPATH=build/python python3 bench/kernels/compare_chains.py [elements]...

Without elements: 65536 and 4194304.
"""

import os
import sys
import time

import mlx.core as mx
import torch

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
WIDTH = 64


def chains(n, x, y, scale, shift):
    """Of either library n: names with functions of x and y."""
    clip = getattr(n, "clamp", None) or n.clip

    def adam(g, v):
        m, s = 0.9 * v + 0.1 * g, 0.99 * n.abs(v) + 0.01 * g * g
        return v - 0.001 * m / (n.sqrt(s) + 1e-8)

    return {
        "norm": lambda x, y: (x - shift) * scale * scale + shift,
        "norm, relu": lambda x, y: n.maximum((x - shift) * scale * scale + shift, zero(n)),
        "norm, residual, relu": lambda x, y: n.maximum((x - shift) * scale + shift + y, zero(n)),
        "hard swish": lambda x, y: x * clip(x + 3, 0, 6) / 6,
        "gelu as written": lambda x, y: x * 0.5 * (1 + n.erf(x * 0.70710678)),
        "Adam": adam,
        "polynomial": lambda x, y: ((((x * 2 + 1) * x + 3) * x - 1) * x + 0.5) * x,
    }


def zero(n):
    return n.zeros(()) if n is torch else 0


def nanoseconds(call, elements):
    repeat = max(1, 2_000_000 // elements)
    start = time.process_time()
    for _ in range(repeat):
        call()
    return (time.process_time() - start) / repeat / elements * 1e9


def ways(elements):
    """name -> three calls of the same."""
    shape = (elements // WIDTH, WIDTH)
    torch.manual_seed(0)
    there = [torch.randn(*shape), torch.randn(*shape), torch.randn(WIDTH), torch.randn(WIDTH)]
    here = [mx.array(a.numpy()) for a in there]
    theirs = chains(torch, *there)
    for name, f in chains(mx, *here).items():
        mine, plain = mx.compile(f), theirs[name]
        fast = torch.compile(plain)
        yield (
            name,
            [
                lambda: mx.eval(mine(*here[:2])),
                lambda: plain(*there[:2]),
                lambda: fast(*there[:2]),
            ],
        )


def main():
    torch.set_num_threads(1)
    print("| elements | chain | here | PyTorch | torch.compile | best of both / here |")
    print("|---|---|---|---|---|---|")
    for elements in [int(word) for word in sys.argv[1:]] or [65536, 4194304]:
        for name, calls in ways(elements):
            times = [1e9] * 3
            for _ in range(ROUNDS):
                for i, call in enumerate(calls):
                    times[i] = min(times[i], nanoseconds(call, elements))
            row = " | ".join(f"{t:.3f}" for t in times)
            print(f"| {elements} | {name} | {row} | {min(times[1:]) / times[0]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
