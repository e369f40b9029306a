"""A training step of an MLP (784-width-10, Adam, MNIST): through Axon on Mlx.Compiler, and the Python package's compiled
step, in turns.

    PYTHONPATH=build/python python3 bench/bindings/compare_axon.py MNIST [rounds [batch [width]]]

MNIST is its folder. ERL_LIBS has mlx, nx, complex, telemetry, polaris and axon as mix builds them.
"""

import gzip
import os
import statistics
import subprocess
import sys
import time
from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np

IMAGES = 12800


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(784, width), nn.Linear(width, 10)

    def __call__(self, x):
        return self.second(nn.relu(self.first(x)))


def batches(folder, size):
    def read(name, offset):
        with gzip.open(os.path.join(folder, name)) as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    images = read("train-images-idx3-ubyte.gz", 16)[: IMAGES * 784].reshape(-1, 784) / np.float32(
        255
    )
    labels = read("train-labels-idx1-ubyte.gz", 8)[:IMAGES, None] == np.arange(10)
    parts = [
        (mx.array(images[i : i + size]), mx.array(labels[i : i + size].astype(np.float32)))
        for i in range(0, IMAGES, size)
    ]
    mx.eval(parts)
    return parts


def python_step(width, bias_correction):
    model, optimizer = Model(width), optim.Adam(1e-3, bias_correction=bias_correction)
    gradient = nn.value_and_grad(
        model, lambda m, x, y: nn.losses.cross_entropy(m(x), y, reduction="mean")
    )
    optimizer.init(model.trainable_parameters())
    state = [model.state, optimizer.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(x, y):
        loss, gradients = gradient(model, x, y)
        optimizer.update(model, gradients)
        return loss

    return step, state


def timed(step, state, parts):
    start = time.perf_counter()
    for x, y in parts:
        mx.eval(step(x, y), state)
    return (time.perf_counter() - start) / len(parts) * 1e6


def main(folder, rounds=12, batch=128, width=128):
    parts = batches(folder, int(batch))
    here = os.path.dirname(os.path.abspath(__file__))
    command = [
        "elixir",
        os.path.join(here, "axon_step.exs"),
        folder,
        str(IMAGES),
        str(batch),
        str(width),
    ]
    elixir = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert elixir.stdout.readline() == "ready\n"
    plain, corrected = (python_step(int(width), bias) for bias in (False, True))
    rows = []
    for _ in range(int(rounds)):
        elixir.stdin.write("go\n")
        elixir.stdin.flush()
        rows.append(
            (float(elixir.stdout.readline()), timed(*plain, parts), timed(*corrected, parts))
        )
    elixir.stdin.close()
    for name, times in zip(("Axon", "Python", "Python, bias_correction"), zip(*rows)):
        print(f"{name:24} {statistics.median(times):7.0f} us, least {min(times):.0f}")
    for i, name in ((1, "Python"), (2, "with bias_correction")):
        ratios = [row[i] / row[0] for row in rows[1:]]
        print(
            f"of the speed of {name}: {100 * statistics.median(ratios):.0f}% ({100 * min(ratios):.0f} to {100 * max(ratios):.0f})"
        )


main(*sys.argv[1:])
