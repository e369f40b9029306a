"""The performance table: this library beside NumPy and PyTorch (where installed), in one run.

    python3 bench/compare.py build/release/bench_anchors [substring]

Prints milliseconds and ratios (this library over the best of the others; below 1 is faster here),
and the fraction of the machine's limit that a row reaches where the limit is memory or
multiply-adds; in the end the ratios' geometric mean, and the worst. Whole networks beside other
engines are in compare_models.py.
"""

import math
import subprocess
import sys
import time

import numpy as np

try:
    import torch

    torch.set_num_threads(2)
except ImportError:
    torch = None


def best(fn):
    fn()
    spent, low = 0.0, 1e9
    for i in range(200):
        start = time.perf_counter()
        fn()
        ms = (time.perf_counter() - start) * 1e3
        low, spent = min(low, ms), spent + ms
        if i >= 5 and spent > 400:
            break
    return low


def numpy_rows():
    rng = np.random.default_rng(0)
    x, y, z = (rng.standard_normal(1 << 22, dtype=np.float32) for _ in range(3))
    m = rng.standard_normal((2048, 2048), dtype=np.float32)
    a, b = (rng.standard_normal((1024, 1024), dtype=np.float32) for _ in range(2))
    w, v = (
        rng.standard_normal((4096, 4096), dtype=np.float32),
        rng.standard_normal((4096, 1), dtype=np.float32),
    )
    table = rng.standard_normal((32768, 256), dtype=np.float32)
    idx = rng.integers(0, 32768, 65536)

    def softmax():
        e = np.exp(m - m.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    return {
        "add 4M": lambda: x + y,
        "exp 4M": lambda: np.exp(x),
        "tanh 4M": lambda: np.tanh(x),
        "sin 4M": lambda: np.sin(x),
        "log 4M": lambda: np.log(np.abs(x)),
        "nine-op chain 4M": lambda: np.sqrt(np.abs(np.exp(x * x * -0.5) * np.tanh(x * y + z) + z)),
        "where 4M": lambda: np.where(x > y, x, z),
        "transpose copy 2048^2": lambda: np.ascontiguousarray(m.T),
        "add transposed 2048^2": lambda: m + m.T,
        "sum 2048^2": lambda: m.sum(),
        "sum rows 2048^2": lambda: m.sum(-1),
        "sum columns 2048^2": lambda: m.sum(0),
        "sum of squares 4M": lambda: (x * x).sum(),
        "argmax rows 2048^2": lambda: m.argmax(-1),
        "cumsum rows 2048^2": lambda: m.cumsum(-1),
        "softmax 2048^2": softmax,
        "matmul 1024 float32": lambda: a @ b,
        "matvec 4096 float32": lambda: w @ v,
        "vecmat 4096 float32": lambda: v.T @ w,
        "uniform 4M": lambda: rng.random(1 << 22, dtype=np.float32),
        "normal 4M": lambda: rng.standard_normal(1 << 22, dtype=np.float32),
        "take 65536 rows of 256": lambda: table[idx],
        "sort rows 2048^2": lambda: np.sort(m, -1),
    }


def torch_mlp_step():
    """The same step as bench_train.c: 784-1024-1024-10, batch 128, Adam."""
    nn = torch.nn
    net = nn.Sequential(
        nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10)
    )
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    x, labels = torch.randn(128, 784), torch.randint(0, 10, (128,))

    def step():
        adam.zero_grad()
        nn.functional.cross_entropy(net(x), labels).backward()
        adam.step()

    return step


def torch_rows():
    if torch is None:
        return {}
    F = torch.nn.functional
    x, y, z = (torch.randn(1 << 22) for _ in range(3))
    m, w2, b2, n = (
        torch.randn(2048, 2048),
        torch.randn(2048),
        torch.randn(2048),
        torch.randn(512, 2048),
    )
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    w, v = torch.randn(4096, 4096), torch.randn(4096, 1)
    ab, bb, wb, vb = (t.bfloat16() for t in (a, b, w, v))
    q, k, u = (torch.randn(1, 16, 512, 64) for _ in range(3))
    dq, dk, dv = (
        torch.randn(1, 32, 1, 128),
        torch.randn(1, 8, 2048, 128),
        torch.randn(1, 8, 2048, 128),
    )
    table, idx = torch.randn(32768, 256), torch.randint(0, 32768, (65536,))
    return {
        "MLP training step": torch_mlp_step(),
        "add 4M": lambda: x + y,
        "exp 4M": lambda: x.exp(),
        "tanh 4M": lambda: x.tanh(),
        "sin 4M": lambda: x.sin(),
        "erf 4M": lambda: x.erf(),
        "log 4M": lambda: x.abs().log(),
        "gelu 4M": lambda: F.gelu(x),
        "nine-op chain 4M": lambda: torch.sqrt(
            torch.abs(torch.exp(x * x * -0.5) * torch.tanh(x * y + z) + z)
        ),
        "astype bf16 4M": lambda: x.bfloat16(),
        "where 4M": lambda: torch.where(x > y, x, z),
        "transpose copy 2048^2": lambda: m.T.contiguous(),
        "add transposed 2048^2": lambda: m + m.T,
        "sum 2048^2": lambda: m.sum(),
        "sum rows 2048^2": lambda: m.sum(-1),
        "sum columns 2048^2": lambda: m.sum(0),
        "sum of squares 4M": lambda: (x * x).sum(),
        "argmax rows 2048^2": lambda: m.argmax(-1),
        "cumsum rows 2048^2": lambda: m.cumsum(-1),
        "softmax 2048^2": lambda: m.softmax(-1),
        "logsumexp 2048^2": lambda: m.logsumexp(-1),
        "layer_norm 512x2048": lambda: F.layer_norm(n, (2048,), w2, b2),
        "matmul 1024 float32": lambda: a @ b,
        "matmul 1024 bfloat16": lambda: ab @ bb,
        "matvec 4096 float32": lambda: w @ v,
        "matvec 4096 bfloat16": lambda: wb @ vb,
        "vecmat 4096 float32": lambda: v.T @ w,
        "attention 16x512x64": lambda: F.scaled_dot_product_attention(q, k, u),
        "attention decode 32/8x2048x128": lambda: F.scaled_dot_product_attention(
            dq, dk, dv, enable_gqa=True
        ),
        "uniform 4M": lambda: torch.rand(1 << 22),
        "normal 4M": lambda: torch.randn(1 << 22),
        "take 65536 rows of 256": lambda: table[idx],
        "sort rows 2048^2": lambda: m.sort(-1),
    }


# bytes moved (reads and writes) or multiply-adds of each row, for the fraction of the limit
MB = 1 << 20
BYTES = {
    "add 4M": 48 * MB,
    "exp 4M": 32 * MB,
    "tanh 4M": 32 * MB,
    "sin 4M": 32 * MB,
    "erf 4M": 32 * MB,
    "log 4M": 32 * MB,
    "gelu 4M": 32 * MB,
    "nine-op chain 4M": 64 * MB,
    "astype bf16 4M": 24 * MB,
    "where 4M": 64 * MB,
    "sum 2048^2": 16 * MB,
    "sum rows 2048^2": 16 * MB,
    "sum columns 2048^2": 16 * MB,
    "sum of squares 4M": 16 * MB,
    "softmax 2048^2": 32 * MB,
    "logsumexp 2048^2": 16 * MB,
    "matvec 4096 float32": 64 * MB,
    "matvec 4096 bfloat16": 32 * MB,
    "vecmat 4096 float32": 64 * MB,
    "take 65536 rows of 256": 128 * MB,
    "attention decode 32/8x2048x128": 16 * MB,
}
MULADDS = {
    "matmul 1024 float32": 1 << 30,
    "matmul 1024 bfloat16": 1 << 30,
    "matmul 1024 float16": 1 << 30,
    "attention 16x512x64": 2 * 16 * 512 * 512 * 64,
}


def bandwidth():
    """GB/s of a plain copy (read and write) of 256 MB, and of reading alone, on this machine
    now."""
    src, dst = np.ones(64 * MB // 2, np.float32), np.empty(64 * MB // 2, np.float32)
    return 2 * src.nbytes / best(lambda: np.copyto(dst, src)) / 1e6


def main():
    program, only = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    programs = [[program, only]]
    if not only or only in "MLP training step":
        programs.append([program.replace("bench_anchors", "bench_train")])
    ours = dict(
        line.rsplit("\t", 1)
        for command in programs
        for line in subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.splitlines()
    )
    np_rows, t_rows = numpy_rows(), torch_rows()
    ratios = {}
    print(f"copy bandwidth of one NumPy thread: {bandwidth():.1f} GB/s\n")
    print("| work | here, ms | NumPy, ms | PyTorch, ms | ratio to the best | GB/s or GFLOP/s |")
    print("|---|---|---|---|---|---|")
    for name, ms in ours.items():
        mine = float(ms)
        n = best(np_rows[name]) if name in np_rows else None
        t = best(t_rows[name]) if name in t_rows else None
        others = [o for o in (n, t) if o is not None]
        if others:
            ratios[name] = mine / min(others)
        rate = (
            f"{BYTES[name] / mine / 1e6:.0f} GB/s"
            if name in BYTES
            else f"{2 * MULADDS[name] / mine / 1e6:.0f} GFLOP/s"
            if name in MULADDS
            else ""
        )
        cells = [
            name,
            f"{mine:.3f}",
            "" if n is None else f"{n:.2f}",
            "" if t is None else f"{t:.2f}",
            f"{ratios[name]:.2f}" if others else "",
            rate,
        ]
        print("| " + " | ".join(cells) + " |")
    if ratios:
        mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
        worst = max(ratios, key=ratios.get)
        print(f"\ngeometric mean {mean:.2f}, worst {ratios[worst]:.2f} ({worst})")


if __name__ == "__main__":
    main()
