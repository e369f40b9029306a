#!/usr/bin/env python3
"""Every operation on a million elements beside NumPy, in one process, the best of some rounds taken
in turns.

    PYTHONPATH=build/python python3 bench/operations/compare_numpy.py [word ...] [--all]

Prints the rows whose name has one of the words (default: all rows), slowest ratio first, in
Markdown. Without --all only those that take longer than NumPy. Inputs are made once; outputs are
dropped. A row is an expression that reads the same for both libraries, or one for each.
"""

import sys
import time

import mlx.core as mx
import numpy as np

N, SIDE = 1 << 20, 1 << 10
R = np.random.default_rng(0)


# What the letters in expressions stand for.
INPUTS = {
    "x": R.normal(size=N).astype(np.float32), "y": R.normal(size=N).astype(np.float32),
    "p": R.uniform(0.01, 0.99, N).astype(np.float32), "q": R.uniform(0.01, 0.99, N), "d": R.normal(size=N), "e": R.normal(size=N),
    "i": R.integers(1, 1000, N, dtype=np.int32), "j": R.integers(1, 30, N, dtype=np.int32),
    "l": R.integers(1, 1000, N, dtype=np.int64), "u": R.integers(0, 255, N, dtype=np.uint8),
    "b": R.integers(0, 2, N).astype(bool), "c": (R.normal(size=N) + 1j * R.normal(size=N)).astype(np.complex64),
    "X": R.normal(size=(SIDE, SIDE)).astype(np.float32), "Y": R.normal(size=(SIDE, SIDE)).astype(np.float32),
    "D": R.normal(size=(SIDE, SIDE)), "C": (R.normal(size=(SIDE, SIDE)) + 1j).astype(np.complex64),
    "t": R.normal(size=(64, 128, 128)).astype(np.float32), "v": R.normal(size=SIDE).astype(np.float32),
    "k": R.integers(0, N, N, dtype=np.int32), "r": R.integers(0, SIDE, SIDE, dtype=np.int32),
    "S": R.normal(size=(256, 64, 64)).astype(np.float32), "z": np.sort(R.normal(size=N).astype(np.float32)),
    "Q": R.normal(size=(256, 256)).astype(np.float32) + 16 * np.eye(256, dtype=np.float32),
}  # fmt: skip

UNARY = (
    "abs negative square sqrt exp expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh "
    "floor ceil trunc rint sign reciprocal isnan isinf isfinite isneginf isposinf logical_not degrees radians"
).split()
POSITIVE = "arcsin arccos sqrt log log2 log10 log1p".split()
BINARY = (
    "add subtract multiply divide power maximum minimum arctan2 logaddexp floor_divide remainder equal less "
    "greater_equal logical_and logical_or"
).split()
REDUCE = "sum prod mean max min var std argmax argmin any all".split()
SCAN = "cumsum cumprod".split()


def rows():
    for f in UNARY:
        g = {"rint": "round"}.get(f, f)
        for a in "pq" if f in POSITIVE else "xd":
            yield f"{f} {a}", f"mx.{g}({a})", f"np.{f}({a})"
    for f in "abs square exp log sin sqrt tanh".split():
        yield f"{f} c", f"mx.{f}(c)", f"np.{f}(c)"
    for f in "abs negative square sign".split():
        yield f"{f} i", f"mx.{f}(i)", f"np.{f}(i)"
    for f in BINARY:
        for a, b in ("xy", "de"):
            a = {"x": "p", "d": "q"}[a] if f == "power" else a
            yield f"{f} {a} {b}", f"mx.{f}({a}, {b})", f"np.{f}({a}, {b})"
    for f in "add multiply divide floor_divide remainder maximum equal less bitwise_and bitwise_xor left_shift right_shift power".split():
        yield f"{f} i j", f"mx.{f}(i, j)", f"np.{f}(i, j)"
    for f in "add multiply divide equal".split():
        yield f"{f} c c", f"mx.{f}(c, c)", f"np.{f}(c, c)"
        yield f"{f} u u", f"mx.{f}(u, u)", f"np.{f}(u, u)"
    for f in REDUCE:
        for a, axis in ("xN", "X0", "X1", "t0", "t1", "D1", "iN", "uN"):
            option = "" if axis == "N" else f", axis={axis}"
            yield f"{f} {a}{option}", f"mx.{f}({a}{option})", f"np.{f}({a}{option})"
    for f in SCAN:
        for a, axis in ("xN", "X0", "X1", "t1", "iN"):
            option = "" if axis == "N" else f", axis={axis}"
            yield f"{f} {a}{option}", f"mx.{f}({a}{option})", f"np.{f}({a}{option})"
    for f in "sort argsort".split():
        for a, axis in ("x0", "X1", "X0", "i0", "d0", "u0", "S1"):
            yield f"{f} {a} {axis}", f"mx.{f}({a}, axis={axis})", f"np.{f}({a}, axis={axis})"
    yield from OTHERS


OTHERS = [
    ("copy astype d", "x.astype(mx.float64)", "x.astype(np.float64)"),
    ("astype i to f", "i.astype(mx.float32)", "i.astype(np.float32)"),
    ("astype f to i", "x.astype(mx.int32)", "x.astype(np.int32)"),
    ("astype f16", "x.astype(mx.float16)", "x.astype(np.float16)"),
    ("astype bool", "x.astype(mx.bool_)", "x.astype(bool)"),
    ("astype u to f", "u.astype(mx.float32)", "u.astype(np.float32)"),
    ("where", "mx.where(b, x, y)", "np.where(b, x, y)"),
    ("clip", "mx.clip(x, -1, 1)", "np.clip(x, -1, 1)"),
    ("nan_to_num", "mx.nan_to_num(x)", "np.nan_to_num(x)"),
    ("round 2", "mx.round(x, 2)", "np.round(x, 2)"),
    ("add row", "X + v", "X + v"),
    ("add column", "X + v[:, None]", "X + v[:, None]"),
    ("add transposed", "X + X.T", "X + X.T"),
    ("slice step", "x[::2] + 1", "x[::2] + 1"),
    ("reverse", "x[::-1] + 1", "x[::-1] + 1"),
    ("transpose copy", "mx.contiguous(X.T)", "np.ascontiguousarray(X.T)"),
    (
        "transpose 3d",
        "mx.contiguous(t.transpose(2, 0, 1))",
        "np.ascontiguousarray(t.transpose(2, 0, 1))",
    ),
    ("concatenate", "mx.concatenate([x, y])", "np.concatenate([x, y])"),
    ("concatenate 1", "mx.concatenate([X, Y], axis=1)", "np.concatenate([X, Y], axis=1)"),
    ("stack", "mx.stack([x, y])", "np.stack([x, y])"),
    ("stack -1", "mx.stack([x, y], axis=-1)", "np.stack([x, y], axis=-1)"),
    ("split sum", "sum(mx.split(x, 4))", "sum(np.split(x, 4))"),
    ("pad", "mx.pad(X, 1)", "np.pad(X, 1)"),
    ("pad edge", "mx.pad(X, 3, mode='edge')", "np.pad(X, 3, mode='edge')"),
    ("repeat", "mx.repeat(v, SIDE)", "np.repeat(v, SIDE)"),
    ("repeat axis", "mx.repeat(X, 2, axis=1)", "np.repeat(X, 2, axis=1)"),
    ("tile", "mx.tile(v, SIDE)", "np.tile(v, SIDE)"),
    ("roll", "mx.roll(X, 3, axis=1)", "np.roll(X, 3, axis=1)"),
    ("flip", "mx.flip(X, 1) + 0", "np.flip(X, 1) + 0"),
    ("tril", "mx.tril(X, 0)", "np.tril(X)"),
    ("eye", "mx.eye(SIDE)", "np.eye(SIDE, dtype=np.float32)"),
    ("arange", "mx.arange(N)", "np.arange(N, dtype=np.int32)"),
    ("linspace", "mx.linspace(0, 1, N)", "np.linspace(0, 1, N, dtype=np.float32)"),
    ("zeros", "mx.zeros(N)", "np.full(N, 0, np.float32)"),
    ("full", "mx.full(N, 3.0)", "np.full(N, 3, np.float32)"),
    ("take", "mx.take(x, k)", "np.take(x, k)"),
    ("take rows", "X[r]", "X[r]"),
    ("take columns", "X[:, r]", "X[:, r]"),
    ("take pairs", "X[r, r]", "X[r, r]"),
    ("take_along_axis", "mx.take_along_axis(X, I, axis=1)", "np.take_along_axis(X, I, axis=1)"),
    ("put_along_axis", "mx.put_along_axis(X, I, Y, axis=1)", "put(X, I, Y)"),
    ("scatter add", "x.at[k].add(y)", "scatter_add(x, k, y)"),
    ("assign rows", "assign(mx.array(X), r, Y)", "assign(X.copy(), r, Y)"),
    ("searchsorted", "mx.searchsorted(z, x)", "np.searchsorted(z, x)"),
    ("partition", "mx.partition(x, 1000)", "np.partition(x, 1000)"),
    ("argpartition", "mx.argpartition(X, 10, axis=1)", "np.argpartition(X, 10, axis=1)"),
    ("median", "mx.median(x)", "np.median(x)"),
    ("median 1", "mx.median(X, axis=1)", "np.median(X, axis=1)"),
    ("count_nonzero", "mx.count_nonzero(b)", "np.count_nonzero(b)"),
    ("array_equal", "mx.array_equal(x, x + 0)", "np.array_equal(x, x + 0)"),
    ("allclose", "mx.allclose(x, y)", "np.allclose(x, y)"),
    ("diff", "mx.diff(x)", "np.diff(x)"),
    ("outer", "mx.outer(v, v)", "np.outer(v, v)"),
    ("inner", "mx.inner(x, y)", "np.inner(x, y)"),
    ("kron", "mx.kron(v, v)", "np.kron(v, v)"),
    ("trace", "mx.trace(X)", "np.trace(X)"),
    ("diag", "mx.diag(v)", "np.diag(v)"),
    ("diagonal", "mx.diagonal(X) + 0", "np.diagonal(X) + 0"),
    ("meshgrid", "sum(mx.meshgrid(v, v))", "sum(np.meshgrid(v, v))"),
    ("matmul", "X @ Y", "X @ Y"),
    ("matmul f64", "D @ D", "D @ D"),
    ("matmul c64", "C @ C", "C @ C"),
    ("matmul batch", "S @ S", "S @ S"),
    ("matvec", "X @ v", "X @ v"),
    ("einsum", "mx.einsum('ij,kj->ik', X, Y)", "np.einsum('ij,kj->ik', X, Y, optimize=True)"),
    ("tensordot", "mx.tensordot(X, Y, 1)", "np.tensordot(X, Y, 1)"),
    ("norm", "mx.linalg.norm(X)", "np.linalg.norm(X)"),
    ("norm rows", "mx.linalg.norm(X, axis=1)", "np.linalg.norm(X, axis=1)"),
    ("fft", "mx.fft.fft(c)", "np.fft.fft(c)"),
    ("fft rows", "mx.fft.fft(C)", "np.fft.fft(C)"),
    ("fft2", "mx.fft.fft2(C)", "np.fft.fft2(C)"),
    ("rfft", "mx.fft.rfft(x)", "np.fft.rfft(x)"),
    ("irfft", "mx.fft.irfft(c)", "np.fft.irfft(c)"),
    ("fft odd", "mx.fft.fft(c[:1000003 - 2])", "np.fft.fft(c[:1000003 - 2])"),
    ("inv", "mx.linalg.inv(Q)", "np.linalg.inv(Q)"),
    ("solve", "mx.linalg.solve(Q, Q)", "np.linalg.solve(Q, Q)"),
    ("qr", "mx.linalg.qr(Q)[1]", "np.linalg.qr(Q)[1]"),
    ("svd", "mx.linalg.svd(Q)[1]", "np.linalg.svd(Q)[1]"),
    ("eigh", "mx.linalg.eigh(Q + Q.T)[0]", "np.linalg.eigh(Q + Q.T)[0]"),
    ("eig", "mx.linalg.eigvals(Q)", "np.linalg.eigvals(Q)"),
    ("cholesky", "mx.linalg.cholesky(Q @ Q.T)", "np.linalg.cholesky(Q @ Q.T)"),
    ("det", "mx.linalg.det(Q)", "np.linalg.det(Q)"),
    ("convolve", "mx.convolve(x, v[:64])", "np.convolve(x, v[:64])"),
    ("uniform", "mx.random.uniform(shape=(N,))", "R.random(N, np.float32)"),
    ("normal", "mx.random.normal((N,))", "R.standard_normal(N, np.float32)"),
    ("randint", "mx.random.randint(0, 100, (N,))", "R.integers(0, 100, N, np.int32)"),
    ("permutation", "mx.random.permutation(x)", "R.permutation(x)"),
    ("bernoulli", "mx.random.bernoulli(0.5, (N,))", "R.random(N) < 0.5"),
    ("laplace", "mx.random.laplace((N,))", "R.laplace(size=N)"),
    ("gumbel", "mx.random.gumbel((N,))", "R.gumbel(size=N)"),
]


def put(x, i, y):
    x = x.copy()
    np.put_along_axis(x, i, y, 1)
    return x


def scatter_add(x, k, y):
    x = x.copy()
    np.add.at(x, k, y)
    return x


def assign(x, r, y):
    x[r] = y
    return x


def best(run, budget):
    """The shortest time of a call in seconds, within about `budget` seconds."""
    times, end = [], time.perf_counter() + budget
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(ours, theirs):
    m, n = eval(f"lambda: mx.eval({ours})", MINE), eval(f"lambda: {theirs}", THEIRS)
    m(), n()
    a, b = best(m, 0.03), best(n, 0.03)
    return min(a, best(m, 0.03)), min(b, best(n, 0.03))


INPUTS["I"] = np.argsort(INPUTS["X"], axis=1).astype(np.int32)
SHARED = {
    "N": N,
    "SIDE": SIDE,
    "assign": assign,
    "scatter_add": scatter_add,
    "put": put,
    "R": R,
    "mx": mx,
    "np": np,
}
MINE = {
    **SHARED,
    **{
        k: mx.array(v, mx.float64) if v.dtype == np.float64 else mx.array(v)
        for k, v in INPUTS.items()
    },
}
THEIRS = {**SHARED, **INPUTS}


def main(words):
    show_all = "--all" in words
    words = [w for w in words if not w.startswith("--")]
    found = []
    np.seterr(all="ignore")
    for name, ours, theirs in rows():
        if words and not any(w in name for w in words):
            continue
        try:
            found.append((name, *measure(ours, theirs)))
        except Exception as fault:
            print(f"{name}: {type(fault).__name__}: {fault}", file=sys.stderr)
    found.sort(key=lambda row: row[2] / row[1])
    slower = [row for row in found if row[1] > row[2]]
    print("| operation | here, ms | NumPy, ms | NumPy / here |\n|---|---|---|---|")
    for name, a, b in found if show_all else slower:
        print(f"| {name} | {1e3 * a:.3f} | {1e3 * b:.3f} | {b / a:.2f} |")
    print(f"\n{len(found)} operations, {len(slower)} slower than NumPy")


if __name__ == "__main__":
    main(sys.argv[1:])
