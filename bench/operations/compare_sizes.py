#!/usr/bin/env python3
"""What a call costs against the number of elements, beside NumPy and PyTorch where they are: a
table in Markdown, microseconds, of which docs/performance.md draws lines.

    PYTHONPATH=build/python python3 bench/operations/compare_sizes.py [exponent of 4: 12]

Each engine has processes of its own, by turns, as the threads of one that wait take time from
another; the best of the rounds. Each call makes its result in memory; float32, from 1 element up.
"""

import json
import subprocess
import sys
import time

ROUNDS, TRIES, SECONDS = 3, 5, 0.002


def here():
    import mlx.core as mx

    def made(x):
        x = mx.array(x)
        mx.eval(x)
        return x

    return made, lambda x: mx.eval(x + x), lambda x: mx.eval(mx.softmax(x))


def numpy():
    import numpy as np

    return np.asarray, lambda x: x + x, lambda x: (e := np.exp(x - x.max())) / e.sum()


def pytorch():
    import torch

    return torch.tensor, lambda x: x + x, lambda x: torch.softmax(x, 0)


ENGINES = {"here": here, "NumPy": numpy, "PyTorch": pytorch}
WORK = "a + b", "softmax"


def loop(work, x, times):
    begun = time.perf_counter()
    for _ in range(times):
        work(x)
    return (time.perf_counter() - begun) / times


def microseconds(work, x):
    once = min(loop(work, x, 1) for _ in range(3))
    return min(loop(work, x, max(1, int(SECONDS / once))) for _ in range(TRIES)) * 1e6


def measure(engine, most):
    """[work][size] in this process."""
    import numpy as np

    made, *works = ENGINES[engine]()
    xs = [made(np.random.default_rng(k).normal(size=4**k).astype("f")) for k in range(most + 1)]
    return [[microseconds(work, x) for x in xs] for work in works]


def run(engine, most):
    """The same in a process of its own; None: there is no such engine here."""
    done = subprocess.run(
        [sys.executable, __file__, str(most), engine], capture_output=True, text=True
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def best(rounds):
    """Of the same tables, number by number."""
    return [[min(times) for times in zip(*rows, strict=True)] for rows in zip(*rounds, strict=True)]


def main():
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    if len(sys.argv) > 2:
        print(json.dumps(measure(sys.argv[2], most)))
        return
    rounds = [{engine: run(engine, most) for engine in ENGINES} for _ in range(ROUNDS)]
    found = {e: best([r[e] for r in rounds]) for e in ENGINES if rounds[0][e]}
    print("| elements |", *(f"{work}, {e} |" for work in WORK for e in found))
    print("|---|" + "---|" * len(WORK) * len(found))
    for k in range(most + 1):
        cells = (f"{found[e][w][k]:.3g} |" for w in range(len(WORK)) for e in found)
        print(f"| {4**k} |", *cells)


if __name__ == "__main__":
    main()
