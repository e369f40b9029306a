"""Numbers beside arrays of float64 keep all their digits, on every way into the library."""

import math

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

V = 0.1
F = mx.float64
losses = nn.losses


def of(*values):
    return mx.array(values, F)


def changed(index, value, size=2):
    x = mx.zeros((size,), F)
    x[index] = value
    return x


def attention():
    q = of(1, 2).reshape(1, 1, 2, 1)
    return mx.fast.scaled_dot_product_attention(q[:, :, :1], q, q, scale=V)


def weighted():
    s = np.exp([0.1, 0.2])
    return [[[[(s * [1, 2]).sum() / s.sum()]]]]


SPREAD = [-1 / math.sqrt(1.1), 1 / math.sqrt(1.1)]
CASES = {
    "array": (lambda: mx.array(V, F), V),
    "array of a list": (lambda: mx.array([[V], [1e300]], F), [[V], [1e300]]),
    "full": (lambda: mx.full((1,), V, dtype=F), [V]),
    "full, beyond float32": (lambda: mx.full(1, 1e300, F), [1e300]),
    "full_like": (lambda: mx.full_like(of(1), V), [V]),
    "full_like with a dtype": (lambda: mx.full_like(mx.array([1]), V, dtype=F), [V]),
    "pad": (lambda: mx.pad(of(1), 1, constant_values=V), [V, 1, V]),
    "clip": (lambda: mx.clip(of(0, 1), V, 0.3), [V, 0.3]),
    "where": (lambda: mx.where(mx.array([True, False]), V, of(0, 0)), [V, 0]),
    "maximum": (lambda: mx.maximum(of(0), V), [V]),
    "power": (lambda: of(2) ** V, [2**V]),
    "a number to a power": (lambda: V ** of(1), [V]),
    "logaddexp": (lambda: mx.logaddexp(of(0), V), [np.logaddexp(0, V)]),
    "arctan2": (lambda: mx.arctan2(of(1), V), [math.atan2(1, V)]),
    "divmod": (lambda: mx.divmod(of(1), V)[1], [math.fmod(1, V)]),
    "hypot": (lambda: mx.hypot(of(1), V), [math.hypot(1, V)]),
    "nextafter": (lambda: mx.nextafter(of(1), V), [np.nextafter(1.0, V)]),
    "arange": (lambda: mx.arange(V, 0.35, V, dtype=F), [V, V + V, V + 2 * V]),
    "linspace": (lambda: mx.linspace(V, 0.7, 3, dtype=F), [V, 0.4, 0.7]),
    "nan_to_num": (
        lambda: mx.nan_to_num(of(math.nan, math.inf, -math.inf), V, 0.3, 1e300),
        [V, 0.3, 1e300],
    ),
    "nan_to_num by itself": (
        lambda: mx.nan_to_num(of(math.nan, math.inf)),
        [0, np.finfo(np.float64).max],
    ),
    "isclose": (lambda: mx.isclose(of(0, 0), of(V, V), rtol=0, atol=0.09999999999), [False, False]),
    "isclose, close": (lambda: mx.isclose(of(0, 0), of(V, V), rtol=0, atol=V), [True, True]),
    "addmm": (
        lambda: mx.addmm(of(1)[None], of(1)[None], of(1)[None], alpha=V, beta=0.2),
        [[0.1 + 0.2]],
    ),
    "hadamard_transform": (lambda: mx.hadamard_transform(of(1), scale=V), [V]),
    "rms_norm": (lambda: mx.fast.rms_norm(of(1, 1), None, V), [1 / math.sqrt(1.1)] * 2),
    "layer_norm": (lambda: mx.fast.layer_norm(of(1, 3), None, None, V), SPREAD),
    "attention": (attention, weighted()),
    "rope": (
        lambda: mx.fast.rope(
            of(1, 0)[None, None], 2, traditional=False, base=1e4, scale=V, offset=1
        ),
        [[[math.cos(0.1), math.sin(0.1)]]],
    ),
    "x[0] =": (lambda: changed(0, V), [V, 0]),
    "x[1:] =": (lambda: changed(slice(1, None), V), [0, V]),
    "x[array] =": (lambda: changed(mx.array([0]), V), [V, 0]),
    "x[mask] =": (lambda: changed(mx.array([False, True]), V), [0, V]),
    "at.add": (lambda: of(0).at[0].add(V), [V]),
    "quantile": (lambda: mx.quantile(of(0, 1), V), V),
    "quantile of a list": (lambda: mx.quantile(of(0, 1), [V, 0.3]), [V, 0.3]),
    "percentile": (lambda: mx.percentile(of(0, 100), V), V),
    "histogram": (lambda: mx.histogram(of(V), bins=[0.0, V, 1.0])[0], [0, 1]),
    "norm": (lambda: mx.linalg.norm(of(1, 2), V), np.linalg.norm([1.0, 2.0], V)),
    "degrees": (lambda: mx.degrees(of(1)), [math.degrees(1)]),
    "normal": (lambda: mx.random.normal((1,), F, loc=V, scale=0.0), [V]),
    "laplace": (lambda: mx.random.laplace((1,), F, loc=V, scale=0.0), [V]),
    "uniform": (lambda: mx.random.uniform(V, V, (1,), F), [V]),
    "truncated_normal": (lambda: mx.random.truncated_normal(V, V, (1,), F), [V]),
    "leaky_relu": (lambda: nn.leaky_relu(of(-1), V), [-V]),
    "celu": (lambda: nn.celu(of(-1), 0.3), [0.3 * math.expm1(-1 / 0.3)]),
    "softshrink": (lambda: nn.softshrink(of(1), V), [0.9]),
    "hard_tanh": (lambda: nn.hard_tanh(of(5), -V, V), [V]),
    "gelu": (lambda: nn.gelu(of(1)), [0.5 * (1 + math.erf(1 / math.sqrt(2)))]),
    "LayerNorm": (lambda: nn.LayerNorm(2, eps=V, affine=False)(of(1, 3)), SPREAD),
    "GroupNorm": (lambda: nn.GroupNorm(1, 2, eps=V, affine=False)(of(1, 3)[None]), [SPREAD]),
    "smooth_l1_loss": (
        lambda: losses.smooth_l1_loss(of(0), of(0.05), beta=V, reduction="none"),
        [0.5 * 0.05**2 / V],
    ),
    "huber_loss": (
        lambda: losses.huber_loss(of(0), of(1), delta=V, reduction="none"),
        [V * (1 - 0.05)],
    ),
    "margin_ranking_loss": (
        lambda: losses.margin_ranking_loss(of(0), of(0), of(1), margin=V, reduction="none"),
        [V],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_numbers_keep_their_digits(name):
    with mx.stream(mx.cpu):
        found, wanted = CASES[name][0](), np.asarray(CASES[name][1])
        assert found.dtype in (F, mx.bool_, mx.int32) and found.shape == wanted.shape
        np.testing.assert_allclose(np.array(found), wanted, rtol=1e-15, atol=0)


def test_numbers_beside_float32_are_floats():
    x = mx.array([1.0, 3.0])
    assert mx.full_like(x, V).tolist() == [np.float32(V)] * 2
    found, c = mx.addmm(x[None], x[None], mx.eye(2), alpha=V, beta=V), np.float32(V)
    np.testing.assert_array_equal(np.array(found)[0, 0], c * np.float32(1) + c)


LARGE = 2**63 + 5


def test_integers_from_two_to_the_63():
    one, big = mx.array([1], mx.uint64), mx.array([LARGE], mx.uint64)
    for found in [
        mx.full((1,), LARGE, dtype=mx.uint64),
        mx.full((1,), LARGE),
        mx.full_like(one, LARGE),
        mx.maximum(one, LARGE),
        mx.where(mx.array([True]), LARGE, one),
        mx.clip(one, LARGE, None),
        mx.pad(one, 1, constant_values=LARGE)[:1],
        mx.full((1,), np.uint64(LARGE)),
    ]:
        assert found.dtype == mx.uint64 and found.tolist() == [LARGE]
    assert mx.full((1,), 2**63, dtype=mx.float32).tolist() == [2.0**63]
    assert mx.equal(big, LARGE).item() and mx.greater(big, 2**63).item()
    for function in (mx.add, mx.maximum):
        with pytest.raises(
            ValueError, match=f"Converting {LARGE} to int32 would result in overflow"
        ):
            function(mx.array([1]), LARGE)
    with pytest.raises(OverflowError):
        mx.full((1,), 2**64)


@pytest.mark.parametrize(
    "make",
    [
        lambda v, t: mx.full((1,), v, dtype=t),
        lambda v, t: mx.full_like(mx.zeros(1, t), v),
        lambda v, t: mx.pad(mx.zeros(1, t), 1, constant_values=v),
    ],
)
def test_integers_that_do_not_fit_are_refused(make):
    for value, dtype in [
        (300, mx.uint8),
        (-1, mx.uint8),
        (-1, mx.uint64),
        (2**40, mx.int32),
        (2**63, mx.int64),
    ]:
        with pytest.raises(ValueError, match=f"Converting {value} to .* would result in overflow"):
            make(value, dtype)
    assert make(255, mx.uint8)[0].item() == 255 and make(-(2**63), mx.int64)[0].item() == -(2**63)
    assert make(True, mx.float32)[0].item() == 1 and make(7, mx.bool_).dtype in (mx.bool_, mx.int32)
