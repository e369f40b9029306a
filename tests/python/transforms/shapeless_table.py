"""Functions of a matrix `a` of any shape, which test_shapeless.py compiles and exports for any shapes:
what they say must hold for every shape, or be refused. They read no sizes as numbers."""

import mlx.core as mx
import mlx.nn as nn

# Evaluated with `a`, and `t`, the sum of squares of `a` along the last axis, a vector.
EXPRESSIONS = """
mx.zeros_like(a) + a
mx.ones_like(a)
mx.full_like(a, 3) * a
mx.linspace(0, 1, 3)[0] + a
mx.arange(4)[:, None, None] * a
a[::-1, 1:]
a[..., -1:]
a[None, :, -1]
mx.flip(a)
mx.roll(a, 1)
mx.roll(a, (-1, 2), axis=(0, 1))
mx.median(a, axis=0)
mx.var(a, axis=1, ddof=1)
mx.softmax(a, axis=0)
nn.log_softmax(a, axis=1)
mx.logsumexp(a, axis=1)
mx.argmax(a)
mx.argmin(a, keepdims=True)
mx.cumsum(a, axis=0, reverse=True, inclusive=False)
mx.cumprod(a, axis=1)
mx.cummax(a, axis=1)
mx.cummin(a, axis=0, reverse=True)
mx.logcumsumexp(a, axis=1)
mx.sort(a, axis=None)
mx.take_along_axis(a, mx.argsort(a, axis=0), axis=0)
mx.sort(mx.topk(a, 1), axis=-1)
mx.partition(a, -1)[..., -1]
mx.partition(a, -2, axis=1)
mx.take_along_axis(a, mx.argpartition(a, 1, axis=1), axis=1)
mx.take_along_axis(a, mx.argpartition(a, -3, axis=0), axis=0)
mx.flatten(a)
a.reshape(-1, 1)
a.reshape(1, -1)
mx.unflatten(a, 0, (1, -1))
a.T
mx.moveaxis(a[None], 0, 2)
mx.expand_dims(a, (0, 2))
a.squeeze()
a[None].squeeze(0)
mx.atleast_3d(a)
mx.concatenate([a, a * a])
mx.stack([a, a], axis=1)
mx.tile(a, (2, 2))
mx.repeat(a, 2, axis=1)
mx.pad(a, 1, constant_values=5)
mx.pad(a, 1, mode="edge")
mx.pad(a, 1, mode="symmetric")
mx.take(a, mx.array([0, -1]), axis=1)
mx.take(a, mx.array([0, -1]))
a[mx.argmax(t)]
mx.put_along_axis(a, mx.argmax(a, axis=0, keepdims=True), mx.array(9.0), axis=0)
a.at[1:].add(1)
a.at[mx.array([0, -1])].multiply(2)
mx.where(a > 0, a, 0)
mx.clip(a, a.mean(), 1)
mx.outer(a, a)
mx.inner(a, a)
mx.inner(t, t)
a @ a.T
mx.addmm(t[:, None], a, a.T)
mx.tensordot(a, a, axes=([0], [0]))
mx.einsum("ij,ik->jk", a, a)
mx.einsum("ij->ji", a)
mx.kron(a, mx.ones((1, 2)))
mx.diag(t)
mx.diagonal(a)
mx.trace(a)
mx.tril(a, 1)
mx.triu(a, -1)
mx.split(a, [1], axis=1)[1]
mx.split(a, 1)[0]
mx.broadcast_to(t[0], (3,))
mx.broadcast_arrays(a, a[:1])[1]
mx.meshgrid(t, t)[0]
a.view(mx.uint16)
mx.linalg.norm(a, axis=1)
mx.linalg.pinv(a)
mx.linalg.svd(a, compute_uv=False)
mx.linalg.qr(a)[1]
mx.linalg.inv(a.T @ a + mx.eye(3))
mx.abs(mx.fft.fft(a))
mx.abs(mx.fft.rfft(a))
mx.abs(mx.fft.fftn(a))
mx.fft.fftshift(a)
mx.fast.layer_norm(a, None, None, 1e-5)
mx.fast.rms_norm(a, None, 1e-5)
mx.convolve(t, mx.array([1.0, 2.0, 3.0]))
mx.convolve(t, mx.array([1.0, 2.0, 3.0]), mode="same")
mx.conv1d(a[None, :, :1], mx.ones((2, 2, 1)), stride=2, padding=2)
mx.searchsorted(mx.sort(t), a)
mx.searchsorted(mx.array([0.0, 1.0]), a)
mx.isin(mx.array([1.0, 5.0]), a)
mx.quantile(a, 0.3)
mx.quantile(a, mx.array([0.5, 0.25]), axis=1)
mx.histogram(a, bins=3)[0]
mx.diff(a)
mx.isnan(a.astype(mx.int32)) | (a > 0)
mx.nan_to_num(a / a.max(axis=0))
mx.random.bernoulli(mx.ones_like(a), key=mx.array([1, 2], mx.uint32))
mx.random.categorical(1000 * a, key=mx.array([1, 2], mx.uint32))
mx.random.uniform(a, a, key=mx.array([1, 2], mx.uint32))
mx.sort(mx.random.permutation(a, key=mx.array([1, 2], mx.uint32)), axis=0)
mx.fast.rope(a[None, None], 2, traditional=True, base=10.0, scale=1.0, offset=2)
mx.fast.scaled_dot_product_attention(*[a[None, None]] * 3, scale=0.5)
mx.fast.scaled_dot_product_attention(*[a[None, None]] * 3, scale=0.5, mask="causal")
a * a.sum(0, keepdims=True)
a - a.mean(1, keepdims=True)
a / mx.linalg.norm(a)
t.sum() + a[0] + a
nn.MaxPool1d(2)(a[None])
nn.AvgPool1d(2, stride=1)(a[None])
nn.Upsample(2, mode="linear")(a[None])
nn.Upsample(2, mode="nearest")(a[None])
nn.InstanceNorm(3)(a[None] * mx.ones(3)[None])
mx.checkpoint(lambda y: (y - y.mean(0)).max(axis=1))(a)
mx.compile(lambda y: y - y[::-1].mean(0), shapeless=True)(a)
mx.compile(lambda y: y - y.mean(0))(a)
mx.grad(lambda y: (y.mean(0) ** 2).sum())(a)
mx.vmap(lambda y: y - y.sum())(a)
mx.vmap(lambda y: y * 2, in_axes=1, out_axes=1)(a)
mx.vmap(lambda y, z: y + z, in_axes=(0, None))(a, a[0])
""".strip().splitlines()


def _function(text):
    code = compile(text, text, "eval")
    names = {"mx": mx, "nn": nn}

    def f(a):
        return eval(code, names | {"a": a, "t": mx.square(a).sum(-1)})

    return f


FUNCTIONS = {text: _function(text) for text in EXPRESSIONS}
