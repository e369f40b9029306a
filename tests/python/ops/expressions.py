"""Expressions over mlx.core by family, drawn at random from a seed: what the differential test
compares.

Each family is a function of a generator that gives one expression; A(...) makes an array
(differential_worker.py).
"""

import random

FLOATS = ["float32", "float16", "bfloat16", "float64"]
INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
REALS = [*FLOATS, *INTEGERS, "bool_"]
EVERY = [*REALS, "complex64"]
LAYOUTS = ["plain", "plain", "transposed", "steps", "reversed", "broadcast"]
SHAPES = [
    (),
    (1,),
    (5,),
    (17,),
    (0,),
    (2, 3),
    (3, 1),
    (4, 0),
    (7, 33),
    (2, 3, 4),
    (1, 5, 1),
    (2, 1, 3, 2),
]

UNARY = {  # name: the range of real arguments
    "abs": (-3, 3),
    "arccos": (-1, 1),
    "arccosh": (1, 9),
    "arcsin": (-1, 1),
    "arcsinh": (-3, 3),
    "arctan": (-3, 3),
    "arctanh": (-0.9, 0.9),
    "ceil": (-3, 3),
    "cos": (-9, 9),
    "cosh": (-3, 3),
    "degrees": (-3, 3),
    "erf": (-3, 3),
    "erfinv": (-0.9, 0.9),
    "exp": (-4, 4),
    "expm1": (-2, 2),
    "floor": (-3, 3),
    "isfinite": (-3, 3),
    "isinf": (-3, 3),
    "isnan": (-3, 3),
    "isneginf": (-3, 3),
    "isposinf": (-3, 3),
    "log": (0.1, 9),
    "log10": (0.1, 9),
    "log1p": (-0.5, 9),
    "log2": (0.1, 9),
    "logical_not": (-3, 3),
    "negative": (-3, 3),
    "radians": (-180, 180),
    "reciprocal": (0.5, 3),
    "round": (-9, 9),
    "rsqrt": (0.5, 9),
    "sigmoid": (-5, 5),
    "sign": (-3, 3),
    "sin": (-9, 9),
    "sinh": (-3, 3),
    "sqrt": (0, 9),
    "square": (-3, 3),
    "tan": (-1, 1),
    "tanh": (-3, 3),
    "bitwise_invert": (-9, 9),
    "real": (-3, 3),
    "imag": (-3, 3),
    "conjugate": (-3, 3),
    "stop_gradient": (-3, 3),
    "zeros_like": (-3, 3),
    "ones_like": (-3, 3),
}
BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "remainder",
    "maximum",
    "minimum",
    "power",
    "logaddexp",
    "arctan2",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "left_shift",
    "right_shift",
]
REDUCTIONS = [
    "sum",
    "prod",
    "mean",
    "var",
    "std",
    "max",
    "min",
    "all",
    "any",
    "logsumexp",
    "argmax",
    "argmin",
]
SCANS = ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"]


def array(r, dtype=None, shape=None, low=-3, high=3, of=EVERY):
    dtype, shape = dtype or r.choice(of), r.choice(SHAPES) if shape is None else shape
    return f"A({dtype!r}, {shape}, {r.randrange(999)}, {low}, {high}, {r.choice(LAYOUTS)!r})"


def axis_of(r, shape):
    return r.randrange(-len(shape), len(shape)) if shape else None


def unary(r):
    name = r.choice(list(UNARY))
    low, high = UNARY[name]
    return f"mx.{name}({array(r, low=low, high=high)})"


def binary(r):
    shape = r.choice(SHAPES)
    other = r.choice([shape, shape[1:], tuple(1 if r.random() < 0.5 else n for n in shape)])
    a, b = array(r, shape=shape), array(r, shape=other, low=1, high=3)
    if r.random() < 0.2:
        b = r.choice(["2", "2.5", "True", "-1"])
    if r.random() < 0.3:
        op = r.choice(["+", "-", "*", "/", "//", "%", "**", "<", ">=", "=="])
        return f"({a} {op} {b})"
    return f"mx.{r.choice(BINARY)}({a}, {b})"


def reduction(r):
    shape = r.choice([s for s in SHAPES if s])
    # from some of the others the original does not come back
    of = ["float32"] if 0 in shape else EVERY
    name, a = r.choice(REDUCTIONS), array(r, shape=shape, low=-2, high=2, of=of)
    options = r.choice(
        [
            f"axis={axis_of(r, shape)}",
            "",
            f"axis={axis_of(r, shape)}, keepdims=True",
            "keepdims=True",
        ]
    )
    if len(shape) > 1 and not name.startswith("arg") and r.random() < 0.3:
        options = f"axis=({r.randrange(len(shape) - 1)}, -1)"
    return f"mx.{name}({a}, {options})"


def scan(r):
    # of empty arrays the original crashes
    shape = r.choice([s for s in SHAPES if s and 0 not in s])
    a = array(r, shape=shape, low=-2, high=2, of=REALS)
    return f"mx.{r.choice(SCANS)}({a}, axis={axis_of(r, shape)}, reverse={r.random() < 0.5}, inclusive={r.random() < 0.5})"


def ordering(r):
    shape = r.choice([s for s in SHAPES if s and 0 not in s])
    axis, a = axis_of(r, shape), array(r, shape=shape, low=-9, high=9, of=REALS)
    n = shape[axis]
    return r.choice(
        [
            f"mx.sort({a}, axis={axis})",
            f"mx.take_along_axis({a}, mx.argsort({a}, axis={axis}), axis={axis})",
            f"mx.sort(mx.topk({a}, {r.randint(1, n)}, axis={axis}), axis={axis})",
            f"mx.softmax({array(r, shape=shape, of=FLOATS)}, axis={axis})",
            f"mx.median({array(r, shape=shape, of=FLOATS)}, axis={axis})",
        ]
    )


def casting(r):
    target = r.choice(EVERY)
    return f"{array(r, low=0 if target[0] == 'u' else -9, high=9)}.astype(mx.{target})"


def shaping(r):
    shape = r.choice([s for s in SHAPES if len(s) > 1])
    a, n, axis = array(r, shape=shape), len(shape), axis_of(r, shape)
    order = list(range(n))
    r.shuffle(order)
    return r.choice(
        [
            f"mx.transpose({a}, {order})",
            f"mx.flatten({a})",
            f"mx.reshape({a}, (-1,))" if 0 not in shape else f"{a}.T",
            f"mx.moveaxis({a}, {axis}, {axis_of(r, shape)})",
            f"mx.swapaxes({a}, {axis}, {axis_of(r, shape)})",
            f"mx.expand_dims({a}, {axis})",
            f"mx.squeeze(mx.expand_dims({a}, 0), 0)",
            f"mx.concatenate([{a}, {a}], {axis})",
            f"mx.stack([{a}, {a}], {axis})",
            f"mx.repeat({a}, {r.randint(0, 3)}, axis={axis})",
            f"mx.tile({a}, {r.randint(1, 3)})",
            f"mx.pad({a}, {r.randint(0, 2)})",
            f"mx.roll({a}, {r.randint(-4, 4)}, {axis})",
            f"mx.tril({a}, {r.randint(-2, 2)})",
            f"mx.triu({a}, {r.randint(-2, 2)})",
            f"mx.diagonal({a}, {r.randint(-1, 1)})",
            f"mx.split({a}, {shape[axis] or 1}, axis={axis})",
            f"mx.atleast_3d({a})",
            f"mx.broadcast_to({a}, {(2, *shape)})",
            f"mx.trace({a})",
            f"mx.contiguous({a})",
            f"mx.unflatten({a}, {axis}, (1, -1))" if 0 not in shape else f"mx.flatten({a}, 0, 1)",
        ]
    )


def choosing(r):
    shape = r.choice([s for s in SHAPES if s and 0 not in s])
    a, axis = array(r, shape=shape), axis_of(r, shape)
    n = shape[axis]
    return r.choice(
        [
            f"mx.take({a}, mx.array({[r.randrange(-n, n) for _ in range(3)]}), axis={axis})",
            f"mx.where({array(r, 'bool_', shape)}, {a}, {array(r, shape=shape)})",
            f"mx.clip({array(r, shape=shape, of=FLOATS)}, -1, 1.5)",
            f"mx.array_equal({a}, {a})",
            f"mx.isclose({a}, {array(r, shape=shape)})",
            f"mx.nan_to_num({array(r, shape=shape, of=FLOATS)})",
            f"{a}[{r.choice(['0', '-1', '..., 0', 'None', '1:', '::-1', '::2'])}]",
            f"{a}.at[0].add(1)",
            f"mx.outer({a}, {a})",
            f"mx.inner({a}, {a})",
        ]
    )


def creating(r):
    dtype = f"mx.{r.choice(REALS)}"
    return r.choice(
        [
            f"mx.arange({r.randint(-5, 5)}, {r.randint(5, 20)}, {r.randint(1, 4)})",
            f"mx.arange({r.randint(1, 9)}, dtype={dtype})",
            f"mx.arange({r.random():.3f}, {9 * r.random():.3f}, {0.1 + r.random():.3f})",
            f"mx.linspace({r.randint(-5, 5)}.5, {r.randint(5, 9)}, {r.randint(0, 20)})",
            f"mx.eye({r.randint(1, 5)}, dtype={dtype})",
            f"mx.eye({r.randint(1, 5)}, {r.randint(1, 5)}, k={r.randint(-2, 2)})",
            f"mx.full((2, 3), {r.randint(0, 9)}, dtype={dtype})",
            f"mx.full((2, 3), {r.choice(['1', '2.5', 'True', '1j'])})",
            f"mx.tri({r.randint(1, 5)}, {r.randint(1, 5)}, {r.randint(-2, 2)})",
            f"mx.zeros((2, 0), dtype={dtype})",
            f"mx.ones((3,), dtype={dtype})",
            f"mx.identity({r.randint(1, 4)}, {dtype})",
            f"mx.meshgrid({array(r, shape=(3,))}, {array(r, shape=(2,))})",
            f"mx.hanning({r.randint(0, 9)})",
            f"mx.bartlett({r.randint(2, 9)})",
            f"mx.blackman({r.randint(2, 9)})",
            f"mx.hamming({r.randint(2, 9)})",
            f"mx.array({r.choice(['[1, 2]', '[1.0, 2]', '[[True], [False]]', '[1, 2j]', '3', '2.5', '[]', '[[], []]'])})",
        ]
    )


def products(r):
    n, m, k, t = (
        r.choice([1, 2, 5, 16, 33]),
        r.choice([1, 3, 8, 31]),
        r.choice([1, 4, 17, 40]),
        r.choice(FLOATS),
    )
    a, b = array(r, t, (n, k), -1, 1), array(r, t, (k, m), -1, 1)
    return r.choice(
        [
            f"{a} @ {b}",
            f"mx.matmul({array(r, t, (2, n, k), -1, 1)}, {b})",
            f"mx.matmul({a}, {array(r, t, (k,), -1, 1)})",
            f"mx.addmm({array(r, t, (m,), -1, 1)}, {a}, {b}, alpha=0.5, beta=2.0)",
            f"mx.tensordot({a}, {b}, axes=1)",
            f"mx.einsum('ik,kj->ij', {a}, {b})",
            f"mx.einsum('ik,kj->j', {a}, {b})",
            f"mx.kron({a}, {array(r, t, (2, 2))})",
            f"mx.matmul({array(r, 'complex64', (n, k), -1, 1)}, {array(r, 'complex64', (k, m), -1, 1)})",
            f"mx.conv1d({array(r, 'float32', (2, 9, 4), -1, 1)}, {array(r, 'float32', (3, 3, 4), -1, 1)}, stride={r.randint(1, 2)}, "
            f"padding={r.randint(0, 2)})",
            f"mx.conv2d({array(r, 'float32', (1, 6, 7, 4), -1, 1)}, {array(r, 'float32', (6, 3, 2, 2), -1, 1)}, "
            f"stride={r.randint(1, 2)}, padding={r.randint(0, 1)}, groups=2)",
            f"mx.convolve({array(r, 'float32', (9,))}, {array(r, 'float32', (4,))}, mode={r.choice(['full', 'same', 'valid'])!r})",
        ]
    )


def linear_algebra(r):
    n = r.choice([1, 2, 4, 7])
    t = r.choice(["float32", "float64"])
    a = array(r, t, (n, n), -1, 1)
    fixed = f"A({t!r}, ({n}, {n}), {r.randrange(999)}, -1, 1)"
    positive = f"({fixed} @ {fixed}.T + {n} * mx.eye({n}, dtype=mx.{t}))"
    on = "stream=mx.cpu"
    return r.choice(
        [
            f"mx.linalg.norm({array(r, t, (n, n))})",
            f"mx.linalg.norm({a}, {r.randint(0, 3)}, axis=0)",
            f"mx.linalg.norm({a}, {r.choice(['fro', 'nuc'])!r})",
            f"mx.linalg.norm({a}, {r.choice(['1', '-1', '2'])})",
            f"mx.linalg.inv({positive}, {on})",
            f"mx.linalg.cholesky({positive}, {on})",
            f"mx.linalg.solve({positive}, {a}, {on})",
            f"mx.linalg.svd({fixed}, {on})[1]",
            f"mx.linalg.eigvalsh({positive}, {on})",
            f"mx.abs(mx.linalg.qr({fixed}, {on})[1])",
            f"mx.linalg.pinv({positive}, {on})",
            f"mx.linalg.cross({array(r, t, (n, 3))}, {array(r, t, (n, 3))})",
            f"mx.linalg.tri_inv(mx.tril({positive}), {on})",
            f"mx.linalg.cholesky_inv(mx.linalg.cholesky({positive}, {on}), {on})",
            f"mx.linalg.solve_triangular(mx.tril({positive}), {a}, {on})",
        ]
    )


def fourier(r):
    shape = r.choice([(8,), (5,), (1,), (3, 16), (4, 6, 10), (2, 31)])
    name, t = r.choice(["fft", "ifft", "rfft", "irfft"]), "complex64"
    if name == "rfft" or r.random() < 0.3 and name != "irfft":
        t = "float32"
    if r.random() < 0.3 and len(shape) > 1:
        return (
            f"mx.fft.{name}2({array(r, t, shape, -1, 1)})"
            if min(shape) > 1
            else f"mx.fft.{name}n({array(r, t, shape, -1, 1)})"
        )
    n = r.choice(["", f", n={r.randint(2, 12)}"])
    shift = f"mx.fft.{r.choice(['fftshift', 'ifftshift'])}({array(r, 'float32', shape)})"
    return r.choice(
        [f"mx.fft.{name}({array(r, t, shape, -1, 1)}{n}, axis={axis_of(r, shape)})"] * 4 + [shift]
    )


def random_numbers(r):
    key, shape, t = (
        f"key=mx.random.key({r.randrange(10**6)})",
        r.choice(SHAPES),
        r.choice(["float32", "float16", "bfloat16"]),
    )
    return r.choice(
        [
            f"mx.random.uniform(shape={shape}, dtype=mx.{t}, {key})",
            f"mx.random.uniform(-2, 5, {shape}, {key})",
            f"mx.random.normal({shape}, dtype=mx.{t}, {key})",
            f"mx.random.normal({shape}, loc=1, scale=3, {key})",
            f"mx.random.bits({shape}, width={r.choice([1, 2, 4])}, {key})",
            f"mx.random.randint(-3, 9, {shape}, {key})",
            f"mx.random.bernoulli(0.3, {shape}, {key})",
            f"mx.random.gumbel({shape}, {key})",
            f"mx.random.laplace({shape}, {key})",
            f"mx.random.truncated_normal(-1, 2, {shape}, {key})",
            f"mx.random.permutation({r.randint(1, 20)}, {key})",
            f"mx.random.categorical({array(r, 'float32', (3, 5))}, {key})",
            f"mx.random.split(mx.random.key({r.randrange(999)}), 3)",
            f"mx.random.categorical({array(r, 'float32', (3, 5))}, num_samples=4, {key})",
            f"mx.random.permutation({array(r, shape=(6, 2))}, axis={r.randint(0, 1)}, {key})",
        ]
    )


def fast(r):
    t = r.choice(["float32", "float16", "bfloat16"])
    b, h, n, d = r.choice([1, 2]), r.choice([2, 4]), r.choice([1, 5, 33]), r.choice([8, 64])
    x, w = array(r, t, (b, n, d), -1, 1), array(r, t, (d,), -1, 1)
    q, k = array(r, t, (b, h, n, d), -1, 1), array(r, t, (b, 2, n, d), -1, 1)
    return r.choice(
        [
            f"mx.fast.rms_norm({x}, {w}, 1e-5)",
            f"mx.fast.rms_norm({x}, None, 1e-5)",
            f"mx.fast.layer_norm({x}, {w}, {w}, 1e-5)",
            f"mx.fast.layer_norm({x}, None, None, 1e-5)",
            f"mx.fast.rope({q}, {d}, traditional={r.random() < 0.5}, base=10000.0, scale=1.0, offset={r.randint(0, 9)})",
            f"mx.fast.scaled_dot_product_attention({q}, {k}, {k}, scale={d}**-0.5)",
            f"mx.fast.scaled_dot_product_attention({q}, {k}, {k}, scale={d}**-0.5, mask='causal')",
            f"mx.quantize({array(r, 'float32', (8, 128), -1, 1)}, group_size={r.choice([32, 64])}, bits={r.choice([2, 4, 8])})",
            f"mx.dequantize(*mx.quantize({array(r, 'float32', (8, 128), -1, 1)}, group_size=64, bits=4), group_size=64, bits=4)",
            f"mx.quantized_matmul({array(r, 'float32', (3, 128), -1, 1)}, *mx.quantize(A('float32', (16, 128), 5, -1, 1)))",
        ]
    )


def newest(r):
    """What 0.32.4 brought."""
    shape = r.choice([(5,), (3, 4), (2, 3, 5)])
    a, axis, size = (
        array(r, shape=shape, low=-3, high=4, of=REALS),
        axis_of(r, shape),
        r.randint(0, 9),
    )
    x, n, hop = (
        array(r, "float32", (2, r.randint(20, 40)), -1, 1),
        r.choice([4, 7, 8]),
        r.randint(1, 6),
    )
    w, center = (
        f"A('float32', ({r.randint(3, n)},), 3, 0.5, 2)" if n > 3 else "None",
        r.random() < 0.5,
    )
    stft = f"mx.fft.stft({x}, {n}, {hop}, window={w}, center={center}, norm={r.choice(['backward', 'ortho', 'forward'])!r})"
    b, t, h, d = r.randint(1, 2), r.randint(1, 6), r.choice([1, 2]), r.choice([3, 8])
    q, v = array(r, "float32", (b, t, h, d), -1, 1), array(r, "float32", (b, t, 2, 5), -1, 1)
    gates = f"A('float32', ({b}, {t}, 2), 4, 0, 1), A('float32', ({b}, {t}, 2), 5, 0, 1)"
    logits = array(r, "float32", (3, 6), -3, 3)
    return r.choice(
        [
            f"list(mx.minmax({a}, {axis}, {r.random() < 0.5}))",
            f"list(mx.minmax({a}))",
            f"mx.unique({a}, {size})",
            f"list(mx.unique({a}, {size}, True, True, True))",
            f"list(mx.unique({a}, {size}, False, True, True, fill_value=1))",
            stft,
            f"mx.fft.istft({stft}, {n}, {hop}, window={w}, center={center})",
            f"{array(r, shape=(2, 3, 4))}.mT",
            f"mx.fast.gated_delta_update({q}, {q}, {v}, {gates})",
            f"mx.fast.cross_entropy({logits}, mx.array([0, 5, 2]))",
            f"mx.grad(lambda x: mx.fast.cross_entropy(x, mx.array([0, 5, 2])).sum())({logits})",
            f"mx.take_along_axis({a}, mx.argsort({a}))",
            f"list(mx.unstack({a}, axis={axis}))",
            f"{a}.var({axis}, correction=1)",
            f"mx.degrees({r.randint(-9, 9)})",
            f"mx.arctan2({r.randint(0, 9)}, {a})",
        ]
    )


def derivative(r):
    names = [
        n
        for n in UNARY
        if n not in ("round", "bitwise_invert", "logical_not", "real", "imag", "conjugate")
    ]
    name, t = (
        r.choice([n for n in names if not n.startswith("is")]),
        r.choice(["float32", "float16"]),
    )
    low, high = UNARY[name]
    shape = r.choice([s for s in SHAPES if 0 not in s])
    x = array(r, t, shape, low, high)
    return r.choice(
        [
            f"mx.grad(lambda x: mx.{name}(x).sum())({x})",
            f"mx.value_and_grad(lambda x: (mx.{name}(x) ** 2).mean())({x})",
            f"mx.vjp(lambda x: mx.{name}(x) * x, [{x}], [{array(r, t, shape)}])",
            f"mx.jvp(lambda x: mx.{name}(x) * x, [{x}], [{array(r, t, shape)}])",
            f"mx.checkpoint(lambda x: mx.{name}(x) * 2 + x)({x})",
            f"mx.vmap(lambda x: mx.{name}(x).sum())(mx.stack([{x}, {x}]))",
            f"mx.grad(lambda x: mx.logsumexp(mx.{name}(x)))({x})",
        ]
    )


FAMILIES = [
    unary,
    binary,
    reduction,
    scan,
    ordering,
    casting,
    shaping,
    choosing,
    creating,
    products,
    linear_algebra,
    fourier,
    random_numbers,
    fast,
    newest,
    derivative,
]


def generate(family, count, seed=0):
    r = random.Random(f"{family.__name__} {seed}")
    return [family(r) for _ in range(count)]
