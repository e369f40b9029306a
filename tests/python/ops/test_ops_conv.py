"""Convolutions whose paddings take away: the definitions in float64 beside them, values and
gradients."""

import itertools

import mlx.core as mx
import numpy as np
import pytest

from seeds import generator


def spread(x, dilation, low, high):
    """x (N, L, C) with zeros between its elements, then zeros around it, or elements taken away
    where there are fewer than none."""
    n, length, channels = x.shape
    wide = np.zeros((n, (length - 1) * dilation + 1 if length else 0, channels))
    wide[:, ::dilation] = x
    wide = np.concatenate(
        [np.zeros((n, max(low, 0), channels)), wide, np.zeros((n, max(high, 0), channels))], 1
    )
    return wide[:, max(-low, 0) : wide.shape[1] - max(-high, 0)]


def general(x, w, stride, low, high, kernel_dilation, input_dilation, flip):
    """x (N, L, C), w (O, K, C)."""
    x, w = spread(x, input_dilation, low, high), w[:, ::-1] if flip else w
    reach = (w.shape[1] - 1) * kernel_dilation + 1
    places = range(0, x.shape[1] - reach + 1, stride)
    return np.stack(
        [np.einsum("nkc,okc->no", x[:, p : p + reach : kernel_dilation], w) for p in places], 1
    )


def transposed(x, w, stride, padding, dilation, output_padding):
    """Each element adds its kernel to the output, from which the padding is then taken."""
    n, length, _ = x.shape
    outputs, kernel, _ = w.shape
    full = np.zeros(
        (n, (length - 1) * stride + (kernel - 1) * dilation + 1 + output_padding, outputs)
    )
    for i, k in itertools.product(range(length), range(kernel)):
        full[:, i * stride + k * dilation] += x[:, i] @ w[:, k].T
    return full[:, padding : full.shape[1] - padding]


def arrays(length, kernel, seed=0):
    rng = generator(seed)
    return rng.standard_normal((2, length, 3)), rng.standard_normal((4, kernel, 3))


def check(found, wanted):
    assert found.shape == wanted.shape
    np.testing.assert_allclose(np.array(found), wanted, rtol=1e-12, atol=1e-12)


def of(x):
    return mx.array(x, mx.float64)


@pytest.mark.parametrize("kernel, dilation", [(1, 1), (1, 2), (2, 1), (3, 2)])
def test_transposed_with_padding_beyond_the_kernel(kernel, dilation):
    x, w = arrays(4, kernel)
    for stride, padding, more in itertools.product((1, 2, 3), range(5), (0, 1)):
        size = (4 - 1) * stride + (kernel - 1) * dilation + 1 + more - 2 * padding
        if size <= 0 or more >= max(stride, dilation):
            continue
        with mx.stream(mx.cpu):
            found = mx.conv_transpose1d(of(x), of(w), stride, padding, dilation, more)
        check(found, transposed(x, w, stride, padding, dilation, more))


def test_transposed_of_two_and_three_axes():
    rng = generator(1)
    x, line = rng.standard_normal((1, 3, 4, 2)), rng.standard_normal((2, 2, 2))
    # (2, 1, 2, 2): nothing happens along the first axis
    w = line[:, None] * np.array([1.0])[:, None, None]
    with mx.stream(mx.cpu):
        found = mx.conv_transpose2d(of(x), of(w), (3, 2), (2, 2))
        deep = mx.conv_transpose3d(of(x[:, None]), of(w[:, None]), (2, 3, 2), (0, 2, 2))
    rows = np.stack([transposed(x[:, i], line, 2, 2, 1, 0) for i in range(3)], 1)
    wanted = np.zeros((1, 7, rows.shape[2], 2))
    wanted[:, ::3] = rows
    check(found, wanted[:, 2:5])
    check(deep[:, 0], wanted[:, 2:5])


def test_what_pytorch_says():
    x, w = mx.array([1.0, 2, 3]).reshape(1, 3, 1), mx.ones((1, 1, 1))
    assert mx.conv_transpose1d(x, w, stride=2, padding=1).flatten().tolist() == [0, 2, 0]
    assert mx.conv_general(x, w, padding=-1, input_dilation=2).flatten().tolist() == [0, 2, 0]


@pytest.mark.parametrize("seed", range(4))
def test_general_with_paddings_of_both_signs(seed):
    rng = generator(seed)
    done = 0
    while done < 60:
        length, kernel = rng.integers(0, 6), rng.integers(1, 4)
        low, high = (int(v) for v in rng.integers(-7, 5, 2))
        stride, kernel_dilation, input_dilation = (int(v) for v in rng.integers(1, 4, 3))
        x, w = arrays(length, kernel, done)
        wide = (length - 1) * input_dilation + 1 if length else 0
        if (
            wide + low + high < (kernel - 1) * kernel_dilation + 1
            or (low < 0 and -low > wide + high)
            or -high > wide + low
        ):
            continue
        flip = bool(rng.integers(2))
        with mx.stream(mx.cpu):
            found = mx.conv_general(
                of(x), of(w), stride, ([low], [high]), kernel_dilation, input_dilation, flip=flip
            )
        check(found, general(x, w, stride, low, high, kernel_dilation, input_dilation, flip))
        done += 1


def test_gradients_with_negative_padding():
    """Both are linear: the gradient is what the reference makes of unit vectors."""
    x, w = arrays(3, 2)

    def total(x, w):
        y = mx.conv_general(x, w, 1, ([-1], [-2]), 1, 3)
        return (y * mx.arange(1, y.size + 1, dtype=mx.float64).reshape(y.shape)).sum()

    def wanted(x, w):
        y = general(x, w, 1, -1, -2, 1, 3, False)
        return (y * np.arange(1, y.size + 1).reshape(y.shape)).sum()

    with mx.stream(mx.cpu):
        dx, dw = mx.grad(total, argnums=(0, 1))(of(x), of(w))
    for a, found, at in [(x, dx, 0), (w, dw, 1)]:
        for place in np.ndindex(a.shape):
            unit = np.zeros_like(a)
            unit[place] = 1
            assert np.array(found)[place] == pytest.approx(
                wanted(*((unit, w) if at == 0 else (x, unit))), abs=1e-9
            )


def windows(x, w, stride, dilation):
    """x (N, H, W, C), padded; w (O, h, w, C)."""
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[1:3])]
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    seen = seen[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return np.einsum("nhwcij,oijc->nhwo", seen, w, optimize=True)


CHANNELS = [1, 2, 3, 4, 5, 8, 12, 16, 24, 31, 33, 40, 48, 50, 64, 72, 96, 100, 144]


@pytest.mark.parametrize("number", range(60))
def test_images_of_any_size(number):
    """The first calls and those behind them, which may keep what they packed."""
    g = generator(number, 11)
    n, *sides = g.integers(1, [3, 12, 12]).tolist()
    channels, outputs, groups = (int(g.choice(a)) for a in (CHANNELS, CHANNELS, [1, 1, 2, 3]))
    kernel = g.integers(1, 6, 2)
    stride, dilation = g.integers(1, 4, 2).tolist(), g.integers(1, 3, 2).tolist()
    padding = [int(max(p, d * (k - 1) // 2 + 1)) for p, d, k in zip((0, 1), dilation, kernel)]
    x = g.normal(size=(n, *sides, channels * groups)).astype(np.float32)
    w = g.normal(size=(outputs * groups, *kernel, channels)).astype(np.float32)
    wide = np.pad(x, ((0, 0), *((p, p) for p in padding), (0, 0))).astype(np.float64)
    parts = zip(np.split(wide, groups, -1), np.split(w.astype(np.float64), groups))
    wanted = np.concatenate([windows(a, b, stride, dilation) for a, b in parts], -1)
    x, w = mx.array(x), mx.array(w)
    for _ in range(4):
        y = np.array(mx.conv2d(x, w, stride, padding, dilation, groups))
        assert np.linalg.norm(y - wanted) <= 2e-6 * np.linalg.norm(wanted)
