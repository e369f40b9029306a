"""What the array API standard adds to mlx.core, against NumPy, which follows the standard; and
mlx.array_api."""

import inspect
import operator

import mlx.array_api as xp
import mlx.core as mx
import numpy as np
import pytest

from memory import peak_of
from ops_check import integers, numbers, same

X = numbers(3, 4, 5)
M = numbers(5, 3)
INF, NAN = float("inf"), float("nan")


def test_an_array_knows_its_device():
    a = mx.array([1, 2])
    assert (
        a.device == mx.default_device()
        and a.to_device(a.device) is a
        and a.to_device(mx.cpu, stream=None) is a
    )
    with pytest.raises(TypeError, match="Device"):
        a.to_device("cpu")
    assert a.device in mx.__array_namespace_info__().devices()
    assert mx.__array_api_version__ == "2024.12"
    for version in (None, "2021.12", "2024.12"):
        assert a.__array_namespace__(api_version=version) is mx


def test_index():
    assert operator.index(mx.array(7, mx.uint64)) == 7 and "abc"[mx.array(-1)] == "c"
    for wrong in (mx.array(1.0), mx.array([1]), mx.array(True), mx.array(1j)):
        with pytest.raises(TypeError):
            operator.index(wrong)


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: mx.zeros((2, 3), **k),
        lambda **k: mx.ones(3, mx.int8, **k),
        lambda **k: mx.empty(2, **k),
        lambda **k: mx.zeros_like(mx.array([1, 2]), **k),
        lambda **k: mx.ones_like(mx.array([1, 2]), **k),
        lambda **k: mx.arange(1, 5, **k),
        lambda **k: mx.eye(3, k=1, **k),
        lambda **k: mx.full((2,), 7, **k),
        lambda **k: mx.full_like(mx.array([1.0]), 3, **k),
        lambda **k: mx.linspace(0, 1, 5, **k),
        lambda **k: mx.fft.fftfreq(5, **k),
        lambda **k: mx.asarray([1, 2], **k),
        lambda **k: mx.array([1]).astype(mx.float32),
    ],
)
def test_device_keyword(make):
    plain = make()
    try:
        there = make(device=mx.Device(mx.cpu, 0))
    except TypeError:
        return inspect.getsource(make).count("device") == 0
    assert there.dtype == plain.dtype and there.tolist() == plain.tolist()


def test_arange_needs_a_stop_beside_a_named_start():
    assert mx.arange(1, stop=3, device=mx.cpu).tolist() == [1, 2]
    with pytest.raises(TypeError):
        mx.arange(start=1, step=2)


def test_fill_value_by_name():
    same(mx.full((2, 2), fill_value=3), np.full((2, 2), 3), mx.int32)
    same(mx.full_like(mx.array([1.5]), fill_value=2), [2.0], mx.float32)
    assert mx.full((1,), fill_value=0.1, dtype=mx.float64).item() == 0.1


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)], ids=str)
@pytest.mark.parametrize("keep", [False, True])
def test_reductions(axis, keep):
    a = mx.array(X)
    same(
        mx.sum(a, axis, keep, dtype=mx.float64),
        X.astype(float).sum(axis=axis, keepdims=keep),
        mx.float64,
    )
    same(
        a.prod(axis, keep, dtype=mx.float64),
        X.astype(float).prod(axis=axis, keepdims=keep),
        mx.float64,
        rtol=1e-12,
    )
    for correction in (0.5, 1.0, 2.25):
        var = X.astype(float).var(axis=axis, keepdims=keep)
        n = X.size / var.size
        wanted = var * n / (n - correction)
        same(mx.var(a, axis, keep, correction=correction), wanted, rtol=1e-5)
        same(a.std(axis, keep, correction=correction), np.sqrt(wanted), rtol=1e-5)


def test_sums_in_a_dtype():
    assert mx.sum(mx.array([2**31 - 1, 1]), dtype=mx.int64).item() == 2**31
    assert mx.sum(mx.array([200, 100], mx.uint8), dtype=mx.uint8).item() == 44
    assert mx.prod(mx.array([1.5, 2.5]), dtype=mx.int32).item() == 2


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scans_from_an_initial_value(axis):
    same(
        mx.cumulative_sum(mx.array(X), axis=axis, include_initial=True),
        np.cumulative_sum(X, axis=axis, include_initial=True),
        rtol=1e-5,
    )
    same(
        mx.cumulative_prod(mx.array(X), axis=axis, include_initial=True, dtype=mx.float64),
        np.cumulative_prod(X.astype(float), axis=axis, include_initial=True),
        mx.float64,
    )


def test_diff_between():
    first, last = numbers(3, 4, 2), numbers(3, 4, 1)
    for n in (0, 1, 2):
        same(
            mx.diff(mx.array(X), n=n, prepend=mx.array(first), append=mx.array(last)),
            np.diff(X, n=n, prepend=first, append=last),
            rtol=1e-5,
        )
    same(
        mx.diff(mx.array(X), axis=0, append=mx.array(X[:1])),
        np.diff(X, axis=0, append=X[:1]),
        rtol=1e-5,
    )


def test_descending_order_is_stable():
    x = integers(6, 50, low=0, high=4)
    for axis in (0, 1, -1):
        same(mx.sort(mx.array(x), axis=axis, descending=True), -np.sort(-x, axis=axis))
        same(
            mx.argsort(mx.array(x), axis=axis, descending=True, stable=True),
            np.argsort(-x, axis=axis, kind="stable"),
        )
        same(
            mx.argsort(mx.array(x), axis=axis, descending=False),
            np.argsort(x, axis=axis, kind="stable"),
        )
    same(
        mx.argsort(mx.array(x), axis=None, descending=True),
        np.argsort(-x, axis=None, kind="stable"),
    )
    compiled = mx.compile(lambda a: mx.argsort(a, descending=True), shapeless=False)
    same(compiled(mx.array(x)), np.argsort(-x, kind="stable"))


def test_sorter():
    x, v = numbers(20), numbers(7)
    order = np.argsort(x)
    for side in ("left", "right"):
        same(
            mx.searchsorted(mx.array(x), mx.array(v), side, sorter=mx.array(order)),
            np.searchsorted(x, v, side, sorter=order),
        )


def test_clip_by_names():
    a = mx.array(X)
    same(mx.clip(a), X)
    same(mx.clip(a, min=-0.5), np.clip(X, -0.5, None))
    same(mx.clip(a, max=0.5), np.clip(X, None, 0.5))
    same(mx.clip(a, min=mx.array(-0.25), max=0.5), np.clip(X, -0.25, 0.5))


def test_repeats_of_each():
    times = np.array([2, 0, 3, 1])
    same(mx.repeat(mx.array(X), mx.array(times), axis=1), np.repeat(X, times, axis=1))
    same(mx.repeat(mx.array(X), mx.array(2), axis=0), np.repeat(X, 2, axis=0))
    same(mx.repeat(mx.array([5, 6]), mx.array([0, 2])), [6, 6])
    assert mx.repeat(mx.zeros((0, 2)), mx.array([], dtype=mx.int32), axis=0).shape == (0, 2)
    for wrong in ([1, 2], [-1, 0, 0, 1], [1.0, 2.0, 3.0, 4.0], [[1, 1, 1, 1]]):
        with pytest.raises(ValueError):
            mx.repeat(mx.array(X), mx.array(wrong), axis=1)


def test_moving_several_axes():
    a = mx.zeros((2, 3, 4, 5))
    for source, destination in (
        ((0, 1), (-1, -2)),
        ((3, 0), (0, 1)),
        ((), ()),
        ((1,), (3,)),
        ((0, 1, 2, 3), (3, 2, 1, 0)),
    ):
        assert (
            mx.moveaxis(a, source, destination).shape
            == np.moveaxis(np.zeros(a.shape), source, destination).shape
        )
    for source, destination in (
        ((0, 0), (1, 2)),
        ((0, 1), (2, 2)),
        ((0, 1), (2,)),
        ((0, 4), (1, 2)),
    ):
        with pytest.raises((ValueError, IndexError)):
            mx.moveaxis(a, source, destination)


def test_reshape_with_and_without_a_copy():
    a = mx.array(X)
    same(mx.reshape(a, (12, 5), copy=True), X.reshape(12, 5))
    same(mx.reshape(a, (12, 5), copy=False), X.reshape(12, 5))
    with pytest.raises(ValueError, match="Unable to avoid copy"):
        mx.reshape(a.T, (60,), copy=False)


def test_dtypes_beside_numbers():
    assert mx.result_type(mx.bool_, True) == mx.bool_ and mx.result_type(mx.bool_, 1) == mx.int32
    assert mx.result_type(mx.int8, 3) == mx.int8 and mx.result_type(mx.int8, 2.0) == mx.float32
    assert (
        mx.result_type(2.0, mx.array([1.0], mx.float16)) == mx.float16
        and mx.result_type(mx.float64, 1) == mx.float64
    )
    assert mx.result_type(mx.float32, 1j) == mx.complex64
    with pytest.raises(ValueError, match="at least one"):
        mx.result_type(1, 2.0)
    assert (
        mx.finfo(mx.array([1.0])).dtype == mx.float32
        and mx.iinfo(mx.array([1], mx.int8)).max == 127
    )


def test_diagonals_far_out():
    for k in (2**31 - 1, 2**31, 2**70):
        assert mx.eye(3, k=k).tolist() == mx.eye(3, k=-k).tolist() == np.zeros((3, 3)).tolist()
        assert (
            mx.tri(3, k=k).tolist() == np.ones((3, 3)).tolist()
            and mx.tri(3, k=-k).tolist() == np.zeros((3, 3)).tolist()
        )
        assert mx.tril(mx.ones((2, 2)), k=k).tolist() == [[1, 1], [1, 1]]


def test_false_is_an_index():
    a = mx.array(X)
    for key in (False, True, (0, False), (False, 0), (slice(1), False), (False, None)):
        assert a[key].shape == X[key].shape and a[key].tolist() == X[key].tolist()
    a[False] = 7
    a[0, False] = 7
    same(a, X)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 6, 2), (2, 2, 6), (3, 0), (0, 3)])
def test_factors_of_other_sizes(shape):
    a = numbers(*shape)
    u, s, vh = mx.linalg.svd(mx.array(a), full_matrices=False)
    k = min(shape[-2:])
    assert u.shape[-1] == k and vh.shape[-2] == k
    same((u * s[..., None, :]) @ vh, a, atol=1e-5)
    same(s, np.linalg.svd(a, compute_uv=False), rtol=1e-4, atol=1e-5)
    q, r = mx.linalg.qr(mx.array(a), mode="complete")
    assert q.shape == (*shape[:-1], shape[-2]) and r.shape == shape
    same(q @ r, a, atol=1e-5)
    same(q.mT @ q, np.broadcast_to(np.eye(shape[-2]), q.shape), atol=1e-5)


def test_a_tall_matrix_makes_no_square_one():
    factors = mx.linalg.svd(mx.array(numbers(20000, 4)), full_matrices=False)
    assert peak_of(lambda: mx.eval(factors)) < 50 * 20000 * 4 * 4


def test_pinv_above():
    a = np.diag([1.0, 0.1, 1e-3]).astype(np.float32)
    for rtol in (1e-2, 1e-4, 0.5):
        same(mx.linalg.pinv(mx.array(a), rtol=rtol), np.linalg.pinv(a, rtol), rtol=1e-5)
    two = np.stack([a, a])
    same(
        mx.linalg.pinv(mx.array(two), rtol=mx.array([1e-2, 1e-4])),
        np.linalg.pinv(two, np.array([1e-2, 1e-4])),
        rtol=1e-5,
    )
    same(mx.linalg.pinv(mx.array(M)), np.linalg.pinv(M), atol=1e-5)


def test_derivatives_come_from_the_parts():
    x, w = mx.array([3.0, 1.0, 2.0]), mx.array([10.0, 20.0, 30.0])
    assert mx.grad(lambda a: (mx.sort(a, descending=True) * w).sum())(x).tolist() == [10, 30, 20]
    assert mx.grad(lambda a: (mx.cumsum(a, axis=0, include_initial=True)).sum())(x).tolist() == [
        3,
        2,
        1,
    ]
    assert mx.grad(lambda a: mx.repeat(a, mx.array([2, 0, 1]), axis=0).sum())(x).tolist() == [
        2,
        0,
        1,
    ]
    assert mx.grad(lambda a: mx.diff(a, prepend=a[:1] * 0).sum())(x).tolist() == [0, 0, 1]
    # the sum of the singular values has the gradient U V^T
    for shape in ((5, 3), (3, 5)):
        a = mx.array(numbers(*shape))
        u, _, vh = mx.linalg.svd(a, full_matrices=False)
        same(mx.grad(lambda b: mx.linalg.svd(b, full_matrices=False).S.sum())(a), u @ vh, atol=1e-4)


def test_batches_and_traces_come_from_the_parts():
    a = mx.array(X)
    for f in (
        lambda b: mx.argsort(b, axis=-1, descending=True),
        lambda b: mx.var(b, axis=0, correction=0.5),
        lambda b: mx.cumprod(b, axis=1, include_initial=True),
        lambda b: mx.moveaxis(b, (0, 1), (1, 0)),
        lambda b: mx.linalg.svd(b, full_matrices=False).S,
    ):
        same(mx.vmap(f)(a), np.stack([np.array(f(slab)) for slab in a]), rtol=1e-4, atol=1e-5)
        same(mx.compile(f)(a[0]), f(a[0]), rtol=1e-5)


def test_results_have_names():
    a = mx.array(numbers(3, 3))
    symmetric = a + a.T
    assert mx.linalg.eigh(symmetric)._fields == ("eigenvalues", "eigenvectors")
    assert mx.linalg.qr(a).Q.shape == (3, 3) and mx.linalg.svd(a).Vh.shape == (3, 3)
    assert mx.linalg.slogdet(a)._fields == ("sign", "logabsdet")
    assert mx.unique_all(mx.array([2, 2, 1])).counts.tolist() == [1, 2]
    assert mx.unique_inverse(mx.array([2, 2, 1])).inverse_indices.tolist() == [1, 1, 0]
    assert isinstance(mx.vmap(mx.linalg.eigh)(mx.stack([symmetric] * 2)), tuple)
    assert mx.linalg.svd(a, compute_uv=False).shape == (3,)


def test_the_sign_of_a_remainder_of_zero():
    for t in (mx.float32, mx.float64, mx.float16, mx.bfloat16):
        a, b = mx.array([-0.0, 0.0, 4.0, -4.0] * 5, t), mx.array([2.0, -2.0, -2.0, 2.0] * 5, t)
        assert (
            mx.signbit(a % b).tolist() == [False, True, True, False] * 5
            and not mx.any(a % b).item()
        )


def test_expm1_at_infinities():
    for z, wanted in (
        (complex(INF, 0), complex(INF, 0)),
        (complex(-INF, INF), -1),
        (complex(-INF, NAN), -1),
        (complex(NAN, 0), complex(NAN, 0)),
        (complex(INF, INF), complex(INF, NAN)),
        (complex(0, 0), 0),
        (complex(-INF, 1), -1),
    ):
        found = mx.expm1(mx.array([z])).item()
        np.testing.assert_equal(
            [found.real, found.imag], [complex(wanted).real, complex(wanted).imag]
        )


def test_types_take_attributes():
    mx.array.twice = lambda self: self * 2
    mx.Dtype.short = property(lambda self: str(self)[9:])
    try:
        assert mx.array([1, 2]).twice().tolist() == [2, 4] and mx.int8.short == "int8"
    finally:
        del mx.array.twice, mx.Dtype.short
    assert not hasattr(mx.array([1]), "twice")


# --- mlx.array_api
# --------------------------------------------------------------------------------------------


def test_the_namespace_shares_its_arrays():
    a = xp.asarray([1.0, 2.0])
    assert type(a) is mx.array and xp.float32 is mx.float32 and xp.bool is mx.bool_
    assert xp.__array_api_version__ == "2024.12" and not hasattr(xp, "float16")
    info = xp.__array_namespace_info__()
    assert info.default_dtypes()["indexing"] == xp.int64 and "complex128" not in info.dtypes()
    assert all(hasattr(xp, name) for name in xp.__all__)


def test_arguments_are_where_the_standard_has_them():
    assert str(inspect.signature(xp.sum)) == "(x, /, *, axis=None, dtype=None, keepdims=False)"
    assert (
        str(inspect.signature(xp.eye))
        == "(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None)"
    )
    assert str(inspect.signature(xp.linalg.svd)) == "(x, /, *, full_matrices=True)"
    with pytest.raises(TypeError):
        xp.sum(mx.ones(3), 0)
    with pytest.raises(TypeError):
        xp.zeros(3, xp.float32)


def test_dtypes_of_the_standard():
    assert (
        xp.sum(xp.asarray([1, 2], dtype=xp.uint8)).dtype == xp.uint32
        and xp.sum(xp.ones(2, dtype=xp.int64)).dtype == xp.int64
    )
    for f in (
        xp.argmax,
        xp.argmin,
        xp.argsort,
        xp.count_nonzero,
        lambda a: xp.nonzero(a)[0],
        lambda a: xp.searchsorted(a, a),
        lambda a: xp.unique_all(a).counts,
    ):
        assert f(xp.asarray([1.0, 2.0])).dtype == xp.int64
    assert (
        xp.asarray(np.array([0.1])).dtype == xp.float64
        and xp.from_dlpack(np.array([0.1])).dtype == xp.float64
    )
    assert xp.clip(xp.asarray([1, 5], dtype=xp.int8), max=3).dtype == xp.int8


def test_values_where_mlx_has_others():
    assert np.isnan(xp.sign(xp.asarray(NAN)).item()) and xp.sign(xp.asarray(-3)).item() == -1
    assert xp.floor_divide(xp.asarray(INF), xp.asarray(2.0)).item() == INF
    assert xp.floor_divide(xp.asarray(7.0), xp.asarray(-2.0)).item() == -4
    assert np.isnan((mx.array(INF) // 2).item())  # as Python and NumPy
    z = xp.expm1(xp.asarray([complex(-0.0, 0.0), complex(INF, 0.0)]))
    assert z.tolist() == [0, complex(INF, 0)] and not xp.signbit(xp.real(z))[0].item()
    z = xp.tanh(xp.asarray(complex(INF, 2)))
    assert z.item() == 1 and not xp.signbit(xp.imag(z)).item()


def test_refusals():
    a = xp.ones((2, 2))
    for call in (
        lambda: xp.cumulative_sum(a),
        lambda: xp.take(a, xp.asarray([0])),
        lambda: xp.isdtype(xp.int8, "house"),
        lambda: xp.zeros(2, device="moon"),
        lambda: xp.linalg.cross(xp.ones(2), xp.ones(2)),
    ):
        with pytest.raises(ValueError):
            call()
