"""Convolutions beside PyTorch, in one run:

    python3 bench/kernels/compare_conv.py build/release/bench/bench_conv [substring]
    python3 bench/kernels/compare_conv.py build/release/bench/bench_conv_shapes [substring]

Milliseconds, and this library's over PyTorch's; of shapes also the operations that sums over
the taps have, in thousands of millions a second. PyTorch gets its tensors in channels-last
order, as here. MLX_NUM_THREADS sets the threads of both, BENCH_CPU=1 counts processor time.
"""

import math
import os
import re
import subprocess
import sys
import time

import torch

torch.set_num_threads(int(os.environ.get("MLX_NUM_THREADS", 2)))
clock = time.process_time if "BENCH_CPU" in os.environ else time.perf_counter
F, LAST = torch.nn.functional, torch.channels_last


def best(fn):
    fn()
    spent, low = 0.0, 1e9
    for i in range(200):
        start = clock()
        fn()
        ms = (clock() - start) * 1e3
        low, spent = min(low, ms), spent + ms
        if i >= 5 and spent > 300:
            break
    return low


def normal(*shape):
    return torch.randn(*shape).to(memory_format=LAST)


def training_step():
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4096, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    ).to(memory_format=LAST)
    sgd = torch.optim.SGD(net.parameters(), lr=1e-3)
    images, labels = normal(64, 3, 32, 32), torch.randint(0, 10, (64,))

    def step():
        sgd.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        sgd.step()

    return step


def rows():
    x, w, w1, wd = (
        normal(4, 64, 56, 56),
        normal(64, 64, 3, 3),
        normal(256, 64, 1, 1),
        normal(64, 1, 3, 3),
    )
    g, gs, x3, w3 = (
        normal(4, 64, 56, 56),
        normal(4, 64, 28, 28),
        normal(4, 3, 224, 224),
        normal(64, 3, 7, 7),
    )
    xg = x.clone().requires_grad_(True)

    def back(grad, weight, stride, groups, towards_input):
        return lambda: torch.ops.aten.convolution_backward(
            grad,
            x,
            weight,
            None,
            [stride] * 2,
            [1, 1],
            [1, 1],
            False,
            [0, 0],
            groups,
            [towards_input, not towards_input, False],
        )

    def pool_back(pool):
        def run():
            xg.grad = None
            pool(xg).sum().backward()

        return run

    return {
        "conv2d 3x3 4x56x56x64": lambda: F.conv2d(x, w, padding=1),
        "conv2d 3x3, towards input": back(g, w, 1, 1, True),
        "conv2d 3x3, towards weight": back(g, w, 1, 1, False),
        "conv2d 3x3 stride 2": lambda: F.conv2d(x, w, padding=1, stride=2),
        "conv2d 3x3 stride 2, towards input": back(gs, w, 2, 1, True),
        "conv2d 3x3 stride 2, towards weight": back(gs, w, 2, 1, False),
        "conv2d 1x1 64 to 256": lambda: F.conv2d(x, w1),
        "conv2d 7x7 stride 2 4x224x224x3": lambda: F.conv2d(x3, w3, padding=3, stride=2),
        "depthwise 3x3 4x56x56x64": lambda: F.conv2d(x, wd, padding=1, groups=64),
        "depthwise 3x3, towards input": back(g, wd, 1, 64, True),
        "depthwise 3x3, towards weight": back(g, wd, 1, 64, False),
        "transposed 3x3 stride 2 4x56x56x64": lambda: F.conv_transpose2d(
            x, w, stride=2, padding=1, output_padding=1
        ),
        "max pool 2x2 4x56x56x64": lambda: F.max_pool2d(x, 2),
        "max pool 2x2, gradient": pool_back(lambda t: F.max_pool2d(t, 2)),
        "max pool 3x3 stride 2": lambda: F.max_pool2d(x, 3, 2),
        "max pool 3x3 stride 2, gradient": pool_back(lambda t: F.max_pool2d(t, 3, 2)),
        "mean pool 3x3 stride 2": lambda: F.avg_pool2d(x, 3, 2),
        "small CNN training step": training_step(),
    }


def shape_row(name):
    """A row of bench_conv_shapes.c, whose name has its sizes."""
    sizes = [int(x) for x in re.findall(r"\d+", name)]
    n, side, _, c, o, kernel, _, stride, groups = sizes
    x, w = normal(n, c, side, side), normal(o, c // groups, kernel, kernel)
    pad = kernel // 2
    if name.endswith("forward"):
        return lambda: F.conv2d(x, w, stride=stride, padding=pad, groups=groups)
    out = (side + 2 * pad - kernel) // stride + 1
    g, towards_input = normal(n, o, out, out), name.endswith("input")
    lists = [stride] * 2, [pad] * 2, [1, 1], False, [0, 0]
    wanted = [towards_input, not towards_input, False]
    return lambda: torch.ops.aten.convolution_backward(g, x, w, None, *lists, groups, wanted)


def main():
    only = sys.argv[2:3]
    lines = subprocess.run([sys.argv[1], *only], capture_output=True, text=True, check=True).stdout
    theirs, ratios = rows(), []
    print("| work | here, ms | PyTorch, ms | ratio | GFLOP/s |\n|---|---|---|---|---|")
    for line in lines.splitlines():
        name, ms, *rate = line.split("\t")
        grad = "gradient" in name or "training" in name
        with torch.enable_grad() if grad else torch.no_grad():
            t = best(theirs.get(name) or shape_row(name))
        ratios.append(float(ms) / t)
        rate = f"{float(rate[0]):.0f}" if rate else ""
        print(f"| {name} | {float(ms):.3f} | {t:.3f} | {ratios[-1]:.2f} | {rate} |")
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"\ngeometric mean {mean:.2f}, worst {max(ratios):.2f}")


if __name__ == "__main__":
    main()
