#!/usr/bin/env python3
"""Makes tests/data/mlxfn with the reference package: functions it exported, with inputs and
results.

    make_mlxfn.py FOLDER [NAME ...]

NAME.mlxfn has one or more traces. NAME.safetensors has the arrays of each call: "k.0", "k.1" ...
are positional inputs of call k, "k.name" named ones, "k.out0" ... its results.
Where names are given only those are made: the files of several versions of the package are kept.
"""

import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn

FOLDER, NAMES = Path(sys.argv[1]), sys.argv[2:]


def keep(name, f, *calls, shapeless=False, traced=None):
    """calls: (args, kwargs). The first `traced` of them are exported, all are run."""
    if NAMES and name not in NAMES:
        return
    arrays = {}
    with mx.exporter(str(FOLDER / f"{name}.mlxfn"), f, shapeless=shapeless) as exporter:
        for args, kwargs in calls[: traced or len(calls)]:
            exporter(*args, **kwargs)
    run = mx.import_function(str(FOLDER / f"{name}.mlxfn"))
    for k, (args, kwargs) in enumerate(calls):
        arrays |= {f"{k}.{i}": a for i, a in enumerate(args)}
        arrays |= {f"{k}.{key}": a for key, a in kwargs.items()}
        arrays |= {f"{k}.out{i}": a for i, a in enumerate(run(*args, **kwargs))}
    mx.save_safetensors(
        str(FOLDER / f"{name}.safetensors"), {k: mx.contiguous(a) for k, a in arrays.items()}
    )


def call(*args, **kwargs):
    return args, kwargs


def normal(*shape):
    return mx.random.normal(shape)


def attention(x, wq, wk, wv):
    q, k, v = x @ wq, x @ wk, x @ wv
    heads = [a.reshape(2, 5, 2, 4).transpose(0, 2, 1, 3) for a in (q, k, v)]
    y = mx.fast.scaled_dot_product_attention(*heads, scale=0.5, mask="causal")
    return mx.fast.rms_norm(y.transpose(0, 2, 1, 3).reshape(2, 5, 8), mx.ones(8), 1e-5)


def pointwise(x, y):
    i, j = (x * 10).astype(mx.int32), mx.abs(y * 3).astype(mx.int32) + 1
    floats = [
        mx.exp(x),
        mx.log1p(mx.abs(x)),
        mx.log2(mx.abs(y)),
        mx.log10(mx.abs(y)),
        mx.log(mx.abs(y)),
        mx.rsqrt(x * x + 1),
        mx.sqrt(mx.abs(x)),
        mx.erf(x),
        mx.tanh(y),
        mx.sigmoid(x),
        mx.arctan2(x, y),
        mx.logaddexp(x, y),
        x % 2,
        x // 0.5,
        mx.power(mx.abs(x), y),
        mx.where(x > y, x, y),
        mx.clip(x, -1, 1),
        mx.round(x, 1),
    ]
    ints = [
        i & j,
        i | j,
        i ^ j,
        i << 1,
        i >> 1,
        i // j,
        i % j,
        *mx.divmod(i, j),
        i == j,
        x != y,
        (x > 0) & ~(y > 0),
    ]
    return (
        floats
        + [a.astype(mx.float32) for a in ints]
        + [mx.abs(mx.real((x + 2j * y) * mx.conjugate(x + 1j)))]
    )


def reductions(x):
    return [
        mx.sum(x),
        mx.mean(x, 0),
        mx.var(x, 1, keepdims=True),
        mx.max(x, 0),
        mx.min(x, (0, 1)),
        mx.prod(x, 1),
        mx.any(x > 1, 0).astype(mx.int32),
        mx.all(x > -3).astype(mx.int32),
        mx.argmax(x, 1),
        mx.argmin(x),
        mx.logsumexp(x, -1),
        mx.softmax(x, 0),
        mx.cumsum(x, 1),
        mx.cumprod(x, 0, reverse=True),
        mx.cummax(x, 1, inclusive=False),
        mx.sort(x, 0),
        mx.argsort(x, 1),
        mx.partition(x, 2, 1)[:, 2],
        mx.topk(x, 1, 1),
        mx.median(x, 1),
    ]


def indexing(x, i):
    y, z, w = x + 0, x + 1, x + 2
    y[i] = 3.0
    z[1:3] = 2.0
    w[::2, 1] = 4.0
    return [
        x[i],
        x[:, i],
        x[i, i],
        x[1:, ::2],
        x[::-1],
        mx.take_along_axis(x, i[None, :], 1),
        x.at[i].add(1.5),
        x.at[:, i].multiply(2.0),
        mx.pad(x, ((1, 0), (0, 2)), constant_values=7),
        mx.roll(x, 1, 0),
        mx.concatenate([x, y], 1),
        mx.stack([x, z]),
        *mx.split(x, [1, 3], 1),
        mx.tile(x, (2, 1)),
        mx.tril(x),
        mx.put_along_axis(x, i[None, :], mx.array(9.0), 1),
        y,
        z,
        w,
        mx.flatten(x),
        mx.expand_dims(x, (0, 2)),
        mx.slice(x, i[:1], (0,), (1, 4)),
        mx.slice_update(x, mx.zeros((1, 4)), i[1:], (0,)),
    ]


def linear_algebra(x, k):
    s = x @ x.T + 4 * mx.eye(4)
    with mx.stream(mx.cpu):
        q, r = mx.linalg.qr(x)
        w, v = mx.linalg.eigh(s)
        u, d, vt = mx.linalg.svd(x)
        return [
            mx.linalg.inv(s),
            mx.linalg.cholesky(s),
            q @ r,
            w,
            v @ mx.diag(w) @ v.T,
            d,
            mx.linalg.svd(x, compute_uv=False),
            mx.abs(mx.fft.fft(x)),
            mx.fft.irfft(mx.fft.rfft(x, n=6), n=6),
            mx.abs(mx.fft.ifft2(x)),
            mx.addmm(s, x, x, alpha=2.0, beta=0.5),
            mx.conv1d(x[None], k, stride=1, padding=1),
            mx.random.uniform(shape=(3,), key=mx.random.key(3)),
        ]


def products(x, y, w, scales, biases, i):
    a, b = x @ y, (x @ y).T
    masks = mx.sum(x).reshape(1, 1), y[:, :2], y[:, 2:4].T
    experts = mx.stack([y, 2 * y, 3 * y])
    results = [
        mx.quantized_matmul(a, w, scales, biases, group_size=32, bits=4),
        mx.dequantize(w, scales, biases, 32, 4),
        *mx.quantize(a, 64, 8)[1:],
        mx.gather_mm(x[None], experts, rhs_indices=i),
        mx.gather_qmm(
            a[None], w[None], scales[None], biases[None], rhs_indices=i * 0, group_size=32, bits=4
        ),
        *(mx.block_masked_mm(a, b, 32, *some) for some in ((masks[0],), (None, *masks[1:]), masks)),
        mx.hadamard_transform(a),
    ]
    return [r.astype(mx.float32).sum(-1) for r in results]


def since_4(x):
    """What files of 0.32.4 say in another way than those before."""
    i = (x * 10).astype(mx.int32)
    z = [mx.fft.fft(x), mx.fft.rfft2(x), mx.fft.ifft(x, axis=0)]
    return [i // 3, i // -3, x // 0.3, mx.fft.irfft(x), *map(mx.real, z), *map(mx.imag, z)]


def constants_of_several_traces():
    """Each stands in the file once."""
    table, offsets = mx.arange(256.0), mx.array([3.0, 5.0, 7.0])
    mx.eval(table, offsets)

    def f(*args):
        if not args:
            return [table]
        if len(args) == 1:
            return [args[0] + offsets, table]
        return [sum(args) * offsets + table.sum()]

    return f


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    mx.random.seed(7)
    mx.set_default_device(mx.cpu)
    x, y, i = normal(4, 4), normal(4, 4), mx.array([2, 0])
    mlp = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 3), nn.ReLU())
    keep("mlp", mlp, call(normal(5, 6)))
    keep("mlp_grad", lambda a: mx.grad(lambda b: mx.mean(mlp(b) ** 2))(a), call(normal(5, 6)))
    keep("attention", attention, call(normal(2, 5, 8), normal(8, 8), normal(8, 8), normal(8, 8)))
    keep("pointwise", pointwise, call(x, y))
    keep("reductions", reductions, call(x))
    keep("indexing", indexing, call(x, i))
    keep("linear_algebra", linear_algebra, call(x, normal(3, 2, 4)))
    keep(
        "products",
        products,
        call(normal(32, 1), normal(1, 64), *mx.quantize(normal(2, 64), 32, 4), mx.array([2, 0])),
    )
    keep("since_4", since_4, call(x))
    keep(
        "named",
        lambda a, *, scale, shift: [a * scale + shift, a],
        call(x, scale=y, shift=normal(4)),
    )
    keep(
        "constants",
        constants_of_several_traces(),
        *(call(*[mx.array([1.0 + n, 2.0, 3.0])] * n) for n in range(4)),
    )
    keep(
        "several",
        lambda *a, **k: sum(a) + sum(k.values()),
        call(x),
        call(x, y),
        call(i, i),
        call(x, b=y, a=x),
    )
    keep(
        "shapeless",
        lambda a, b: [
            mx.softmax(a - mx.mean(a, -1, keepdims=True), 0) * b,
            mx.flatten(a @ a.T),
            mx.std(a),
            mx.zeros_like(a) + b,
            mx.expand_dims(a, 1),
            mx.concatenate([a, a], 1),
            mx.sort(a, 1),
        ],
        call(x, normal(4)),
        call(normal(3, 7), normal(7)),
        shapeless=True,
        traced=1,
    )


if __name__ == "__main__":
    main()
