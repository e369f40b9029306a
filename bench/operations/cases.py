"""What compare.py measures: operations of one library call or a line, in the words of each library.

A case is a row of a group: a name, inputs, and functions of a library's namespace and these inputs.
The first function serves all libraries that have no words of their own (keys of `own`: "mlx",
"numpy", "torch", "jax"); None says that a library has nothing of the kind. torch.compile, ONNX
Runtime and OpenVINO take PyTorch's function. `moved` is the bytes that must be read and written,
`muladds` the multiply-adds, where one of them is the limit.
"""

import math
from typing import NamedTuple

import numpy as np

M4 = 1 << 22
MB = 1 << 20


class Case(NamedTuple):
    group: str
    name: str
    inputs: tuple
    function: object
    own: dict = {}
    moved: int = 0
    muladds: int = 0

    def of(self, library):
        """The function for one library, or None."""
        return self.own.get(library, self.function)


class Input(NamedTuple):
    """An array that is made from a generator of NumPy, and its dtype in the libraries."""

    make: object
    dtype: str


def normal(*shape, dtype="float32"):
    return Input(lambda r: r.standard_normal(shape, np.float32), dtype)


def positive(*shape, dtype="float32"):
    return Input(lambda r: 0.5 + r.random(shape, np.float32), dtype)


def integers(below, *shape, dtype="int32"):
    return Input(lambda r: r.integers(0, below, shape, dtype=np.int64), dtype)


def matrices(*shape, dtype="float32", kind="well"):
    """Square matrices with a strong diagonal, or ("symmetric") positive definite ones."""

    def make(r):
        a = r.standard_normal(shape, np.float32)
        if kind == "symmetric":
            a = a @ np.swapaxes(a, -1, -2) / shape[-1]
        return a + np.eye(shape[-1], dtype=np.float32) * (1 if kind == "symmetric" else shape[-1])

    return Input(make, dtype)


def nn(xp):
    """The layers' functions beside a namespace."""
    if xp.__name__ == "torch":
        return xp.nn.functional
    if xp.__name__ == "jax.numpy":
        import jax

        return jax.nn
    import mlx.nn

    return mlx.nn


def erf(xp):
    if xp.__name__ == "jax.numpy":
        from jax.scipy.special import erf as f

        return f
    return xp.erf


def gelu_written(xp, x):
    return x * 0.5 * (1 + erf(xp)(x * math.sqrt(0.5)))


def nine(xp, x, y, z):
    return xp.sqrt(xp.abs(xp.exp(x * x * -0.5) * xp.tanh(x * y + z) + z))


def softmax_numpy(np, m):
    e = np.exp(m - m.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# --- pointwise ------------------------------------------------------------------------------------

X, XY, XYZ = (normal(M4),), (normal(M4),) * 2, (normal(M4),) * 3
H, B = (normal(M4, dtype="float16"),), (normal(M4, dtype="bfloat16"),)


def cast(name):
    """To another dtype: the namespaces of libraries have the dtypes."""
    return {
        "function": lambda xp, x: x.astype(getattr(xp, name)),
        "own": {
            "numpy": (lambda np, x: x.astype(name)) if name != "bfloat16" else None,
            "torch": lambda t, x: x.to(getattr(t, name)),
        },
    }


def pointwise():
    def row(name, inputs, function, own={}, moved=0):
        return Case("pointwise", name, inputs, function, own, moved)

    no_numpy = {"numpy": None}
    big = [
        ("add 4M", XY, lambda xp, x, y: x + y, {}, 48 * MB),
        ("exp 4M", X, lambda xp, x: xp.exp(x), {}, 32 * MB),
        ("tanh 4M", X, lambda xp, x: xp.tanh(x), {}, 32 * MB),
        ("sin 4M", X, lambda xp, x: xp.sin(x), {}, 32 * MB),
        ("erf 4M", X, lambda xp, x: erf(xp)(x), no_numpy, 32 * MB),
        ("log 4M", (positive(M4),), lambda xp, x: xp.log(x), {}, 32 * MB),
        ("sigmoid 4M", X, lambda xp, x: nn(xp).sigmoid(x), no_numpy, 32 * MB),
        ("gelu 4M", X, lambda xp, x: nn(xp).gelu(x), {**no_numpy, "jax": gelu_exact}, 32 * MB),
        ("gelu as written 4M", X, gelu_written, no_numpy, 32 * MB),
        ("gated silu 4M", XY, lambda xp, x, y: nn(xp).silu(x) * y, no_numpy, 48 * MB),
        ("nine-op chain 4M", XYZ, nine, {}, 64 * MB),
        ("clip 4M", X, lambda xp, x: xp.clip(x, -1, 1), {}, 32 * MB),
        ("isfinite 4M", X, lambda xp, x: xp.isfinite(x), {}, 20 * MB),
        ("where 4M", XYZ, lambda xp, x, y, z: xp.where(x > y, x, z), {}, 64 * MB),
        ("power float64 1M", (positive(1 << 20, dtype="float64"),) * 2, lambda xp, x, y: x**y),
        ("multiply complex64 2M", (normal(1 << 21, dtype="complex64"),) * 2, multiply, {}, 48 * MB),
        ("floor divide int32 4M", (integers(999, M4),), lambda xp, x: x // 7, {}, 32 * MB),
        (
            "add uint8 4M",
            (integers(9, M4, dtype="uint8"),) * 2,
            lambda xp, x, y: x + y,
            {},
            12 * MB,
        ),
        ("add float16 4M", H * 2, lambda xp, x, y: x + y, {}, 24 * MB),
        ("add bfloat16 4M", B * 2, lambda xp, x, y: x + y, no_numpy, 24 * MB),
        ("gelu as written float16 4M", H, gelu_written, no_numpy, 16 * MB),
        ("gelu as written bfloat16 4M", B, gelu_written, no_numpy, 16 * MB),
        ("nine-op chain bfloat16 4M", B * 3, nine, no_numpy, 32 * MB),
    ]
    for name, inputs, function, *rest in big:
        yield row(name, inputs, function, *rest)
    yield row("cast to float16 4M", X, moved=24 * MB, **cast("float16"))
    yield row("cast to bfloat16 4M", X, moved=24 * MB, **cast("bfloat16"))
    yield row("cast of bfloat16 4M", B, moved=24 * MB, **cast("float32"))
    yield row(
        "add a row 2048^2", (normal(2048, 2048), normal(2048)), lambda xp, m, v: m + v, {}, 32 * MB
    )
    yield row(
        "add a column 2048^2",
        (normal(2048, 2048), normal(2048, 1)),
        lambda xp, m, v: m + v,
        {},
        32 * MB,
    )
    yield row("add 64k", (normal(1 << 16),) * 2, lambda xp, x, y: x + y)
    yield row("add 8x8", (normal(8, 8),) * 2, lambda xp, x, y: x + y)


def multiply(xp, x, y):
    return x * y


def gelu_exact(xp, x):
    return nn(xp).gelu(x, approximate=False)


# --- reductions and scans -------------------------------------------------------------------------


def reductions():
    m, images = (normal(2048, 2048),), (normal(16, 64, 64, 64),)
    bytes8 = (integers(255, 2048, 2048, dtype="uint8"),)
    norm = (normal(512, 2048), normal(2048), normal(2048))
    no_numpy = {"numpy": None}
    amax = {"torch": lambda t, m: t.amax(m, -1)}
    rows = [
        ("sum 2048^2", m, lambda xp, m: m.sum(), {}, 16 * MB),
        ("sum rows 2048^2", m, lambda xp, m: m.sum(-1), {}, 16 * MB),
        ("sum columns 2048^2", m, lambda xp, m: m.sum(0), {}, 16 * MB),
        ("sum of squares 4M", X, lambda xp, x: (x * x).sum(), {}, 16 * MB),
        ("mean of channels 16x64x64x64", images, lambda xp, a: a.mean((0, 1, 2)), {}, 16 * MB),
        ("max rows 2048^2", m, lambda xp, m: m.max(-1), amax, 16 * MB),
        ("variance rows 2048^2", m, lambda xp, m: m.var(-1), {}, 16 * MB),
        ("argmax rows 2048^2", m, lambda xp, m: m.argmax(-1), {}, 16 * MB),
        ("argmin columns 2048^2", m, lambda xp, m: m.argmin(0), {}, 16 * MB),
        ("argmin rows uint8 2048^2", bytes8, lambda xp, m: m.argmin(-1), {}, 4 * MB),
        ("any rows 2048^2", m, lambda xp, m: (m > 9).any(-1), {}, 16 * MB),
        ("cumsum rows 2048^2", m, lambda xp, m: xp.cumsum(m, -1), {}, 32 * MB),
        ("cumsum columns 2048^2", m, lambda xp, m: xp.cumsum(m, 0), {}, 32 * MB),
        ("softmax rows 2048^2", m, lambda xp, m: xp.softmax(m, -1), softmaxes, 32 * MB),
        ("logsumexp rows 2048^2", m, lambda xp, m: xp.logsumexp(m, -1), logsumexps, 16 * MB),
        ("layer norm 512x2048", norm, layer_norm, {**no_numpy, **layer_norms}, 8 * MB),
        ("rms norm 512x2048", norm[:2], rms_norm, {**no_numpy, **rms_norms}, 8 * MB),
        (
            "sum rows bfloat16 2048^2",
            (normal(2048, 2048, dtype="bfloat16"),),
            lambda xp, m: m.sum(-1),
            no_numpy,
            8 * MB,
        ),
    ]
    for row in rows:
        yield Case("reductions", *row)


def jax_logsumexp(xp, m):
    from jax.scipy.special import logsumexp

    return logsumexp(m, -1)


softmaxes = {"numpy": softmax_numpy, "jax": lambda xp, m: nn(xp).softmax(m, -1)}
logsumexps = {"numpy": None, "jax": jax_logsumexp}


def layer_norm(xp, x, w, b):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / xp.sqrt(var + 1e-5) * w + b


def rms_norm(xp, x, w):
    return x / xp.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w


layer_norms = {
    "mlx": lambda mx, x, w, b: mx.fast.layer_norm(x, w, b, 1e-5),
    "torch": lambda t, x, w, b: t.nn.functional.layer_norm(x, (2048,), w, b),
}
rms_norms = {
    "mlx": lambda mx, x, w: mx.fast.rms_norm(x, w, 1e-5),
    "torch": lambda t, x, w: t.nn.functional.rms_norm(x, (2048,), w, 1e-5),
}


# --- shapes, indices, order -----------------------------------------------------------------------


def contiguous(xp, m):
    return xp.contiguous(m.T)


def shapes():
    m, wide = (normal(2048, 2048),), (normal(16, 64, 64, 64),)
    turn = {
        "numpy": lambda np, m: np.ascontiguousarray(m.T),
        "torch": lambda t, m: m.T.contiguous(),
        "jax": lambda xp, m: m.T.copy(),
    }
    images = {
        "numpy": lambda np, a: np.ascontiguousarray(a.transpose(0, 3, 1, 2)),
        "torch": lambda t, a: a.permute(0, 3, 1, 2).contiguous(),
        "jax": lambda xp, a: a.transpose(0, 3, 1, 2).copy(),
    }
    rows = [
        ("transposed copy 2048^2", m, contiguous, turn, 32 * MB),
        (
            "channels first 16x64x64x64",
            wide,
            lambda mx, a: mx.contiguous(a.transpose(0, 3, 1, 2)),
            images,
            32 * MB,
        ),
        ("add transposed 2048^2", m, lambda xp, m: m + m.T, {}, 48 * MB),
        (
            "concatenate columns 2048^2",
            m * 2,
            lambda xp, a, b: xp.concatenate([a, b], 1),
            {},
            64 * MB,
        ),
        (
            "repeat 1M by 4",
            (normal(1 << 20),),
            lambda xp, x: xp.repeat(x, 4),
            {"torch": lambda t, x: x.repeat_interleave(4)},
            20 * MB,
        ),
        (
            "edge padding 2048^2",
            m,
            lambda xp, m: xp.pad(m, ((2, 2), (2, 2)), mode="edge"),
            {"torch": edge},
            32 * MB,
        ),
        ("diagonal matrix 2048", (normal(2048),), lambda xp, v: xp.diag(v), {}, 16 * MB),
        ("arange 4M", (), lambda xp: xp.arange(M4), {}, 16 * MB),
        (
            "reverse rows 2048^2",
            m,
            lambda xp, m: xp.flip(m, 1),
            {
                "mlx": lambda mx, m: mx.contiguous(m[:, ::-1]),
                "torch": lambda t, m: m.flip(1),
                "numpy": lambda np, m: m[:, ::-1].copy(),
            },
            32 * MB,
        ),
    ]
    for row in rows:
        yield Case("shapes", *row)


def edge(t, m):
    return t.nn.functional.pad(m[None], (2, 2, 2, 2), mode="replicate")[0]


def scatter_rows(table, i, rows):
    table[i] = rows
    return table


def indices():
    table, idx = normal(32768, 256), integers(32768, 65536, dtype="int64")
    m, along = normal(2048, 2048), integers(2048, 2048, 2048, dtype="int64")
    rows = [
        ("take 65536 rows of 256", (table, idx), lambda xp, t, i: t[i], {}, 128 * MB),
        (
            "take along rows 2048^2",
            (m, along),
            lambda xp, m, i: xp.take_along_axis(m, i, -1),
            {"torch": lambda t, m, i: m.gather(-1, i)},
        ),
        (
            "take 1M of 4M",
            (normal(M4), integers(M4, 1 << 20, dtype="int64")),
            lambda xp, x, i: x[i],
        ),
        (
            "add at 65536 rows of 256",
            (table, idx, normal(65536, 256)),
            lambda mx, t, i, v: t.at[i].add(v),
            {"numpy": None, "torch": lambda t, a, i, v: a.index_add(0, i, v)},
        ),
        (
            "assign 4096 rows of 256",
            (table, integers(32768, 4096, dtype="int64"), normal(4096, 256)),
            None,
            {
                "mlx": lambda mx, t, i, v: scatter_rows(t + 0, i, v),
                "numpy": lambda np, t, i, v: scatter_rows(t + 0, i, v),
                "torch": lambda t, a, i, v: a.index_copy(0, i, v),
                "jax": lambda xp, t, i, v: t.at[i].set(v),
            },
        ),
        ("sort rows 2048^2", (m,), lambda xp, m: xp.sort(m, -1)),
        ("sort 1M", (normal(1 << 20),), lambda xp, x: xp.sort(x)),
        ("sort 1M int32", (integers(1 << 30, 1 << 20),), lambda xp, x: xp.sort(x)),
        ("argsort rows 2048^2", (m,), lambda xp, m: xp.argsort(m, -1)),
        (
            "top 32 of rows 2048^2",
            (m,),
            lambda mx, m: mx.topk(m, 32, -1),
            {"numpy": lambda np, m: np.partition(m, -32, -1)[:, -32:], "jax": jax_topk},
        ),
        (
            "one hot 8192 of 1024",
            (integers(1024, 8192, dtype="int64"),),
            lambda xp, i: i[:, None] == xp.arange(1024),
        ),
    ]
    for row in rows:
        yield Case("indices and order", *row)


def jax_topk(xp, m):
    import jax

    return jax.lax.top_k(m, 32)[0]


# --- products -------------------------------------------------------------------------------------


def product(xp, a, b):
    return a @ b


def products():
    def both(n, dtype="float32"):
        return (normal(n, n, dtype=dtype),) * 2

    half = {"numpy": None}
    cube = 1 << 30
    rows = [
        ("matmul 1024 float32", both(1024), product, {}, 0, cube),
        ("matmul 1024 float16", both(1024, "float16"), product, half, 0, cube),
        ("matmul 1024 bfloat16", both(1024, "bfloat16"), product, half, 0, cube),
        ("matmul 1024 float64", both(1024, "float64"), product, {}, 0, cube),
        ("matmul 256", both(256), product, {}, 0, 1 << 24),
        ("matmul 64", both(64), product, {}, 0, 1 << 18),
        ("matmul 1024x16x1024", (normal(1024, 16), normal(16, 1024)), product, {}, 0, 1 << 24),
        ("matmul 16x4096x4096", (normal(16, 4096), normal(4096, 4096)), product, {}, 0, 1 << 28),
        (
            "matmul with transposed 512x768x3072",
            (normal(512, 768), normal(3072, 768)),
            lambda xp, a, b: a @ b.T,
            {},
            0,
            512 * 768 * 3072,
        ),
        ("64 of 128x128", (normal(64, 128, 128),) * 2, product, {}, 0, 1 << 27),
        ("4096 of 8x8", (normal(4096, 8, 8),) * 2, product),
        ("matrix times vector 4096", (normal(4096, 4096), normal(4096, 1)), product, {}, 64 * MB),
        (
            "matrix times vector bfloat16 4096",
            (normal(4096, 4096, dtype="bfloat16"), normal(4096, 1, dtype="bfloat16")),
            product,
            half,
            32 * MB,
        ),
        ("vector times matrix 4096", (normal(1, 4096), normal(4096, 4096)), product, {}, 64 * MB),
        ("outer 2048", (normal(2048),) * 2, lambda xp, a, b: xp.outer(a, b), {}, 16 * MB),
        ("inner 4M", XY, lambda xp, a, b: xp.inner(a, b), {}, 32 * MB),
        (
            "dense layer 512x768x3072 with gelu",
            (normal(512, 768), normal(3072, 768), normal(3072)),
            dense,
            {**half, "torch": lambda t, x, w, b: nn(t).gelu(nn(t).linear(x, w, b))},
            0,
            512 * 768 * 3072,
        ),
        (
            "einsum bhqd,bhkd->bhqk 16x256x64",
            (normal(1, 16, 256, 64),) * 2,
            lambda xp, q, k: xp.einsum("bhqd,bhkd->bhqk", q, k),
            {},
            0,
            1 << 26,
        ),
    ]
    for row in rows:
        yield Case("products", *row)


def dense(xp, x, w, b):
    y = x @ w.T + b
    return gelu_exact(xp, y) if xp.__name__ == "jax.numpy" else nn(xp).gelu(y)


def attentions():
    full, long = (normal(1, 16, 512, 64),) * 3, (normal(1, 8, 2048, 64),) * 3
    step = (normal(1, 32, 1, 128), normal(1, 8, 2048, 128), normal(1, 8, 2048, 128))

    def case(name, inputs, causal=False, grouped=False, **limit):
        mask = "causal" if causal else None
        own = {
            "mlx": lambda mx, q, k, v: mx.fast.scaled_dot_product_attention(
                q, k, v, scale=q.shape[-1] ** -0.5, mask=mask
            ),
            "torch": lambda t, q, k, v: t.nn.functional.scaled_dot_product_attention(
                q, k, v, is_causal=causal, enable_gqa=grouped
            ),
            "jax": lambda xp, q, k, v: nn(xp).dot_product_attention(
                *(a.transpose(0, 2, 1, 3) for a in (q, k, v)), is_causal=causal
            ),
        }
        return Case("attention", name, inputs, None, own, **limit)

    yield case("attention 16x512x64", full, muladds=2 * 16 * 512 * 512 * 64)
    yield case("causal attention 8x2048x64", long, causal=True, muladds=8 * 2048 * 2048 * 64)
    yield case("attention of one token 32/8x2048x128", step, grouped=True, moved=16 * MB)


# --- convolutions: images channels last here and in JAX, PyTorch's own order there ---------------


def conv(name, n, side, channels, filters, k, stride=1, groups=1):
    pad = k // 2
    out = (side + 2 * pad - k) // stride + 1
    muladds = n * out * out * filters * k * k * channels // groups
    inputs = (normal(n, side, side, channels), normal(filters, k, k, channels // groups))

    def jax_conv(xp, x, w):
        import jax

        return jax.lax.conv_general_dilated(
            x,
            w,
            (stride,) * 2,
            [(pad, pad)] * 2,
            dimension_numbers=("NHWC", "OHWI", "NHWC"),
            feature_group_count=groups,
        )

    own = {
        "mlx": lambda mx, x, w: mx.conv2d(x, w, stride, pad, groups=groups),
        "torch": lambda t, x, w: t.nn.functional.conv2d(x, w, None, stride, pad, 1, groups),
        "jax": jax_conv,
    }
    return Case("convolutions", name, inputs, None, own, 0, muladds)


def convolutions():
    yield conv("3x3 of 64, 56x56", 1, 56, 64, 64, 3)
    yield conv("3x3 of 64, 56x56, batch 8", 8, 56, 64, 64, 3)
    yield conv("3x3 of 512, 7x7", 1, 7, 512, 512, 3)
    yield conv("3x3 of 128, stride 2", 1, 56, 128, 128, 3, 2)
    yield conv("7x7 of an image, stride 2", 1, 224, 3, 64, 7, 2)
    yield conv("1x1 of 256 to 64, 56x56", 1, 56, 256, 64, 1)
    yield conv("depthwise 3x3 of 64, 112x112", 1, 112, 64, 64, 3, 1, 64)
    yield conv("depthwise 5x5 of 240, 28x28", 1, 28, 240, 240, 5, 1, 240)
    own = {
        "mlx": lambda mx, x, w: mx.conv1d(x, w, 2, 1),
        "torch": lambda t, x, w: t.nn.functional.conv1d(x, w, None, 2, 1),
    }
    yield Case(
        "convolutions",
        "1d 3 of 384, 3000, stride 2",
        (normal(1, 3000, 384), normal(384, 3, 384)),
        None,
        own,
        0,
        1500 * 384 * 384 * 3,
    )
    line = (normal(1 << 16), normal(129))
    yield Case(
        "convolutions",
        "convolve 64k with 129",
        line,
        lambda xp, a, v: xp.convolve(a, v),
        {"torch": None},
    )
    own = {
        "mlx": lambda mx, x: nn(mx).MaxPool2d(3, 2, 1)(x),
        "torch": lambda t, x: t.nn.functional.max_pool2d(x, 3, 2, 1),
    }
    yield Case("convolutions", "max pool 3x3, 64 of 112x112", (normal(1, 112, 112, 64),), None, own)


# --- Fourier, matrices, random numbers -----------------------------------------------------------


def fourier():
    signal, rows = normal(1 << 20, dtype="complex64"), normal(1024, 1024, dtype="complex64")
    cases = [
        ("fft 1M", (signal,), lambda xp, x: xp.fft.fft(x)),
        ("fft rows 1024^2", (rows,), lambda xp, x: xp.fft.fft(x)),
        (
            "fft of prime length 1024x1009",
            (normal(1024, 1009, dtype="complex64"),),
            lambda xp, x: xp.fft.fft(x),
        ),
        ("fft2 512^2", (normal(512, 512, dtype="complex64"),), lambda xp, x: xp.fft.fft2(x)),
        ("rfft rows 1024^2", (normal(1024, 1024),), lambda xp, x: xp.fft.rfft(x)),
        (
            "irfft rows 1024x513",
            (normal(1024, 513, dtype="complex64"),),
            lambda xp, x: xp.fft.irfft(x),
        ),
    ]
    for case in cases:
        yield Case("Fourier", *case)


def linalg(name, *arguments):
    return lambda xp, *a: getattr(xp.linalg, name)(*a, *arguments)


def linear():
    well, small = matrices(512, 512), matrices(2048, 16, 16)
    spd, spds = matrices(1024, 1024, kind="symmetric"), matrices(4096, 16, 16, kind="symmetric")
    cases = [
        ("cholesky 1024", (spd,), linalg("cholesky")),
        ("cholesky of 4096 16x16", (spds,), linalg("cholesky")),
        ("qr 512", (well,), linalg("qr")),
        ("eigh 512", (matrices(512, 512, kind="symmetric"),), linalg("eigh")),
        ("eig 128", (matrices(128, 128),), linalg("eig")),
        ("svd 256", (normal(256, 256),), linalg("svd")),
        ("inverse 1024", (matrices(1024, 1024),), linalg("inv")),
        ("inverse of 2048 16x16", (small,), linalg("inv")),
        ("solve 1024", (matrices(1024, 1024), normal(1024, 64)), linalg("solve")),
        ("lu 1024", (matrices(1024, 1024),), linalg("lu"), {"numpy": None, "jax": jax_lu}),
        (
            "norm of rows 2048^2",
            (normal(2048, 2048),),
            lambda xp, m: xp.linalg.norm(m, axis=-1),
            {"torch": lambda t, m: m.norm(dim=-1)},
            16 * MB,
        ),
    ]
    for case in cases:
        yield Case("matrices", *case)


def jax_lu(xp, a):
    import jax

    return jax.scipy.linalg.lu(a)


def drawn(mlx, torch, jax, numpy):
    def of_jax(xp):
        import jax as library

        return jax(library.random, library.random.key(0))

    return {"mlx": mlx, "torch": torch, "jax": of_jax, "numpy": lambda np: numpy(generator)}


generator = np.random.default_rng(0)


def random():
    cases = [
        (
            "uniform 4M",
            drawn(
                lambda mx: mx.random.uniform(shape=(M4,)),
                lambda t: t.rand(M4),
                lambda r, k: r.uniform(k, (M4,)),
                lambda g: g.random(M4, np.float32),
            ),
        ),
        (
            "normal 4M",
            drawn(
                lambda mx: mx.random.normal((M4,)),
                lambda t: t.randn(M4),
                lambda r, k: r.normal(k, (M4,)),
                lambda g: g.standard_normal(M4, np.float32),
            ),
        ),
        (
            "integers 4M",
            drawn(
                lambda mx: mx.random.randint(0, 1000, (M4,)),
                lambda t: t.randint(0, 1000, (M4,), dtype=t.int32),
                lambda r, k: r.randint(k, (M4,), 0, 1000),
                lambda g: g.integers(0, 1000, M4, np.int32),
            ),
        ),
        (
            "bernoulli 4M",
            drawn(
                lambda mx: mx.random.bernoulli(0.3, (M4,)),
                lambda t: t.rand(M4) < 0.3,
                lambda r, k: r.bernoulli(k, 0.3, (M4,)),
                lambda g: g.random(M4, np.float32) < 0.3,
            ),
        ),
        (
            "permutation 1M",
            drawn(
                lambda mx: mx.random.permutation(1 << 20),
                lambda t: t.randperm(1 << 20),
                lambda r, k: r.permutation(k, 1 << 20),
                lambda g: g.permutation(1 << 20),
            ),
        ),
    ]
    for name, own in cases:
        yield Case("random numbers", name, (), None, own)


def cases():
    """All of them, by groups."""
    for group in (
        pointwise,
        reductions,
        shapes,
        indices,
        products,
        attentions,
        convolutions,
        fourier,
        linear,
        random,
    ):
        yield from group()
