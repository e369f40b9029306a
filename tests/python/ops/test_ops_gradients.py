"""Derivatives of what jumps: casts to integers and bool, comparisons, codes."""

import mlx.core as mx
import pytest

X = mx.array([1.5, -2.5, 3.0])
KINDS = [mx.int8, mx.int32, mx.int64, mx.uint8, mx.uint32, mx.bool_]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("floating", [mx.float16, mx.bfloat16, mx.float32, mx.complex64], ids=str)
def test_casts_to_steps_have_derivative_zero(kind, floating):
    x = mx.abs(X).astype(floating)

    def through(x):
        return x.astype(kind).astype(floating) * 2.5

    assert mx.vjp(through, [x], [mx.ones_like(x)])[1][0].tolist() == [0, 0, 0]
    tangent = mx.jvp(through, [x], [mx.ones_like(x)])[1][0]
    assert tangent.dtype == floating and tangent.tolist() == [0, 0, 0]
    product = mx.vjp(lambda x: through(x) * x, [x], [mx.ones_like(x)])[1][0]
    assert product.tolist() == through(x).tolist()
    whole = mx.vjp(mx.compile(through), [x], [mx.ones_like(x)])[1][0]
    assert whole.tolist() == [0, 0, 0]


def test_casts_between_floats_pass_derivatives_on():
    for kind in (mx.float16, mx.bfloat16, mx.float32, mx.complex64):
        assert mx.grad(lambda x: (mx.real(x.astype(kind)).astype(mx.float32) * 2).sum())(
            X
        ).tolist() == [2, 2, 2]


COMPARISONS = [mx.greater, mx.less, mx.equal, mx.greater_equal, mx.less_equal, mx.not_equal]
TRUTHS = [lambda x: op(x, 0.0) for op in COMPARISONS] + [
    mx.isnan,
    mx.all,
    mx.logical_not,
    lambda x: ~(x > 0),
    lambda x: x.astype(mx.bool_),
    lambda x: mx.isclose(x, x),
]


@pytest.mark.parametrize("truth", TRUTHS)
def test_tangents_of_truth_values_are_floats(truth):
    out, tangent = mx.jvp(truth, [X], [mx.ones_like(X)])
    assert out[0].dtype == mx.bool_ and tangent[0].dtype == mx.float32
    assert tangent[0].shape == out[0].shape and not mx.any(tangent[0]).item()


@pytest.mark.parametrize("op", COMPARISONS)
def test_tangents_of_comparisons_have_the_dtype_of_what_is_compared(op):
    h = X.astype(mx.float16)
    assert mx.jvp(lambda x: op(x, 0.0), [h], [mx.ones_like(h)])[1][0].dtype == mx.float16


@pytest.mark.parametrize("mode", ["mxfp4", "mxfp8", "nvfp4"])
def test_codes_of_scales_have_no_derivative(mode):
    w, scales = mx.quantize(mx.random.normal((64, 64), key=mx.random.key(0)), mode=mode)
    x = mx.ones((1, 64))

    def product(x, scales):
        return mx.quantized_matmul(x, w, scales, mode=mode).sum()

    def picked(x, scales):
        return mx.gather_qmm(
            x[None], w[None], scales[None], rhs_indices=mx.array([0]), mode=mode
        ).sum()

    for f in (product, picked):
        assert mx.grad(f)(x, scales).dtype == mx.float32
        with pytest.raises(ValueError, match=f"no gradient wrt scales in {mode} quantization"):
            mx.grad(f, argnums=1)(x, scales)
