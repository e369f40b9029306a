"""Views, casts, joins, splits, pads, indices, creation against NumPy."""

import mlx.core as mx
import numpy as np
import pytest

from ops_check import integers, numbers, same

X = numbers(2, 3, 4)
A = mx.array(X)


def test_reshape():
    same(mx.reshape(A, (4, -1)), X.reshape(4, -1))
    same(mx.flatten(A), X.reshape(-1))
    same(A.flatten(1), X.reshape(2, 12))
    same(mx.flatten(A, start_axis=0, end_axis=1), X.reshape(6, 4))
    same(mx.unflatten(A, -1, (2, -1)), X.reshape(2, 3, 2, 2))
    with pytest.raises(ValueError, match="24"):
        mx.reshape(A, (5, 5))
    with pytest.raises(TypeError):
        mx.reshape(A, 24)


def test_axes():
    same(mx.transpose(A), X.T)
    same(mx.transpose(A, [2, 0, 1]), X.transpose(2, 0, 1))
    same(A.transpose(1, 0, 2), X.transpose(1, 0, 2))
    same(mx.swapaxes(A, 0, -1), X.swapaxes(0, -1))
    same(A.moveaxis(0, 2), np.moveaxis(X, 0, 2))
    same(mx.expand_dims(A, 1), np.expand_dims(X, 1))
    same(mx.expand_dims(A, (0, -1)), np.expand_dims(X, (0, -1)))
    b = mx.zeros((1, 3, 1))
    assert (
        mx.squeeze(b).shape == (3,)
        and b.squeeze(0).shape == (3, 1)
        and mx.squeeze(b, axis=[0, 2]).shape == (3,)
    )
    with pytest.raises(ValueError):
        mx.squeeze(A, 0)
    same(mx.flip(A), X[::-1, ::-1, ::-1])
    same(mx.flip(A, 1), X[:, ::-1])
    same(mx.flip(A, axis=(0, 2)), X[::-1, :, ::-1])


def test_atleast():
    assert mx.atleast_1d(mx.array(1)).shape == (1,)
    assert [a.shape for a in mx.atleast_2d(mx.array(1), mx.array([1, 2]))] == [(1, 1), (1, 2)]
    assert mx.atleast_3d(mx.array([1, 2])).shape == (1, 2, 1)
    assert mx.atleast_1d() == []


def test_broadcast():
    same(mx.broadcast_to(mx.array([1, 2]), (3, 2)), np.broadcast_to([1, 2], (3, 2)), mx.int32)
    same(mx.broadcast_to(1.5, [2]), [1.5, 1.5])
    first, second = mx.broadcast_arrays(mx.array([1, 2]), mx.array([[3], [4]]))
    same(first, [[1, 2], [1, 2]])
    same(second, [[3, 3], [4, 4]])
    assert mx.broadcast_shapes((2, 1), (3,), [1, 1, 1]) == (1, 2, 3)
    with pytest.raises(ValueError):
        mx.broadcast_shapes((2,), (3,))


def test_as_strided():
    same(
        mx.as_strided(A, (3, 2), (4, 1), 2),
        np.lib.stride_tricks.as_strided(X.reshape(-1)[2:], (3, 2), (16, 4)),
    )
    same(mx.as_strided(A, (24,)), X.reshape(-1))
    with pytest.raises(IndexError):
        mx.as_strided(A, (100,), (1,))


def test_casts():
    same(mx.array([1.7, -1.7]).astype(mx.int32), [1, -1], mx.int32)
    same(mx.astype(mx.array([0, 2]), mx.bool_), [False, True], mx.bool_)
    same(mx.view(mx.array([1.0]), mx.int32), [0x3F800000], mx.int32)
    assert A.view(mx.uint8).shape == (2, 3, 16)
    assert mx.contiguous(A.transpose(), allow_col_major=True).shape == (4, 3, 2)
    with pytest.raises(TypeError):
        A.astype("float32x")


def test_join():
    b = mx.array(X + 1)
    for axis in (0, 1, -1):
        same(mx.concatenate([A, b], axis), np.concatenate([X, X + 1], axis))
        same(mx.stack((A, b), axis=axis), np.stack([X, X + 1], axis))
    same(mx.concat([A, b], axis=None), np.concatenate([X, X + 1], None))
    same(
        mx.concatenate([A, np.ones((2, 3, 4), np.float32)]), np.concatenate([X, np.ones((2, 3, 4))])
    )
    for wrong in ([], [A, mx.zeros((1, 1, 1))]):
        with pytest.raises(ValueError):
            mx.concatenate(wrong)
    with pytest.raises(TypeError):
        mx.concatenate([A, [1.0]])


def test_split():
    for found, wanted in (
        (mx.split(A, 2, -1), np.split(X, 2, -1)),
        (mx.split(A, [1, 3], axis=2), np.split(X, [1, 3], 2)),
        (A.split(2), np.split(X, 2)),
        (list(mx.unstack(A, axis=1)), [X[:, i] for i in range(3)]),
    ):
        assert isinstance(found, list)
        same(found, wanted)
    with pytest.raises(ValueError):
        mx.split(A, 5)


def test_pad():
    m, x = A, X
    for width in (1, (1, 2), [(1, 0), (0, 2), (1, 1)]):
        same(mx.pad(m, width), np.pad(x, width))
        same(mx.pad(m, width, constant_values=2.5), np.pad(x, width, constant_values=2.5))
        same(mx.pad(m, width, "edge"), np.pad(x, width, "edge"))
    same(mx.pad(m, (1,)), np.pad(x, 1))
    same(mx.pad(m, [(1, 2)]), np.pad(x, (1, 2)))
    same(mx.pad(mx.array([1, 2]), 1, constant_values=mx.array(3)), [3, 1, 2, 3], mx.int32)
    for wrong in ([(1, 2), (1, 2)], (1, 2, 3)):
        with pytest.raises(ValueError):
            mx.pad(m, wrong)
    with pytest.raises(ValueError):
        mx.pad(m, 1, mode="sideways")


def test_repeat():
    same(mx.tile(A, (2, 1, 3)), np.tile(X, (2, 1, 3)))
    same(mx.tile(A, 2), np.tile(X, 2))
    same(mx.repeat(A, 2), np.repeat(X, 2))
    same(mx.repeat(A, repeats=3, axis=1), np.repeat(X, 3, 1))
    for shift, axis in ((1, None), (-2, 1), ((1, 2), (0, 2)), (1, (0, 2)), ((1, 2), 0)):
        wanted = np.roll(X, sum(shift), axis) if axis == 0 else np.roll(X, shift, axis)
        same(mx.roll(A, shift, axis), wanted)


def test_meshgrid():
    a, b = mx.array([1, 2, 3]), mx.array([4, 5])
    for words in ({}, {"indexing": "ij"}, {"sparse": True}):
        found = mx.meshgrid(a, b, **words)
        assert isinstance(found, tuple)
        same(found, np.meshgrid([1, 2, 3], [4, 5], **words))
    assert mx.meshgrid() == ()


def test_depends():
    a = mx.array([1, 2])
    same(mx.depends(a, A), [1, 2])
    found = mx.depends([a, A], [A])
    assert isinstance(found, list) and len(found) == 2


def test_take():
    index = integers(2, 3, low=0, high=2)
    same(mx.take(A, mx.array(index), axis=1), np.take(X, index, 1))
    same(mx.take(A, mx.array(index)), np.take(X, index))
    same(mx.take(A, 1, axis=2), np.take(X, 1, 2))
    same(mx.take(A, -1), X.reshape(-1)[-1])
    order = np.argsort(X, 1)
    same(mx.take_along_axis(A, mx.array(order), axis=1), np.take_along_axis(X, order, 1))
    same(mx.take_along_axis(A, mx.array([3, 0]), None), X.reshape(-1)[[3, 0]])
    wanted = X.copy()
    np.put_along_axis(wanted, order[:, :1], 9.0, 1)
    same(mx.put_along_axis(A, mx.array(order[:, :1]), mx.array(9.0), axis=1), wanted)
    wanted = X.copy()
    wanted.reshape(-1)[[2, 5]] = [7, 8]
    same(mx.put_along_axis(A, mx.array([2, 5]), mx.array([7.0, 8.0])), wanted)


def test_slices_with_array_starts():
    start = mx.array([1, 2])
    same(mx.slice(A, start, axes=(1, 2), slice_size=(2, 2, 2)), X[:, 1:3, 2:4])
    wanted = X.copy()
    wanted[:, 1:2, 2:4] = 0
    same(mx.slice_update(A, mx.zeros((2, 1, 2)), start, (1, 2)), wanted)


def test_diagonals():
    m = X[0][:, :3]
    a = mx.array(m)
    for k in (-1, 0, 2):
        same(mx.diag(a, k), np.diag(m, k))
        same(mx.diag(mx.array([1, 2]), k=k), np.diag([1, 2], k))
        same(mx.diagonal(A, k, 1, 2), np.diagonal(X, k, 1, 2))
        same(mx.tril(a, k), np.tril(m, k))
        same(mx.triu(a, k=k), np.triu(m, k))
        same(mx.trace(a, k), np.trace(m, k))
    assert mx.trace(mx.ones((2, 2), mx.int32), dtype=mx.float32).dtype == mx.float32


def test_diff():
    same(mx.diff(A), np.diff(X))
    same(mx.diff(A, 2, axis=1), np.diff(X, 2, 1), atol=1e-5)


ARANGES = [
    ((5,), {}),
    ((1, 5), {}),
    ((1, 9, 2), {}),
    ((5, 0, -2), {}),
    ((2.5,), {}),
    ((0, 1, 0.25), {}),
    ((5,), {"step": 2}),
]


@pytest.mark.parametrize("args, words", ARANGES, ids=str)
def test_arange(args, words):
    wanted = np.arange(*args, **words) if not words else np.arange(0, 5, 2)
    same(mx.arange(*args, **words), wanted, mx.int32 if wanted.dtype.kind == "i" else mx.float32)


def test_arange_of_one_step_without_end():
    for args, wanted in [
        ((0, 5, np.inf), [0]),
        ((3, 5, np.inf), [3]),
        ((0, -5, -np.inf), [0]),
        ((5, 0, np.inf), []),
        ((5, 5, np.inf), []),
        ((3, 5, -np.inf), []),
    ]:
        same(mx.arange(*args), wanted, mx.float32)
        same(mx.arange(*args, dtype=mx.int32), wanted, mx.int32)
    for args in [(0, np.inf), (0, -np.inf), (np.inf, 1), (np.nan,), (0, 1, np.nan), (0, 5, 0)]:
        with pytest.raises(ValueError):
            mx.arange(*args)
    same(mx.arange(2**31 - 2, 2**31 + 1), [2**31 - 2, 2**31 - 1, 2**31], mx.int64)


def test_arange_of_nothing_but_bools_is_refused():
    for yes in (True, False, np.True_):
        for args, words in [
            ((yes,), {}),
            ((yes, True), {}),
            ((True, yes, True), {}),
            ((yes,), {"step": True}),
            ((), {"stop": yes}),
        ]:
            with pytest.raises(ValueError, match="bool not supported"):
                mx.arange(*args, **words)
    with pytest.raises(ValueError, match="bool not supported"):
        mx.arange(3, dtype=mx.bool_)


def test_arange_takes_bools_beside_numbers():
    for no, yes in [(False, True), (np.False_, np.True_)]:
        same(mx.arange(no, 3), [0, 1, 2], mx.int32)
        same(mx.arange(0, 3, yes), [0, 1, 2], mx.int32)
        same(mx.arange(no, 1.0, 0.5), [0, 0.5], mx.float32)
        same(mx.arange(yes, dtype=mx.int32), [0], mx.int32)
        same(mx.linspace(no, yes, 3), [0, 0.5, 1], mx.float32)
        assert mx.linalg.norm(mx.array([3.0, 4.0]), yes).item() == 7


def test_arange_forms():
    same(mx.arange(start=1, stop=4), [1, 2, 3])
    same(mx.arange(stop=3), [0, 1, 2])
    same(mx.arange(3, None, 2), [0, 2])
    same(mx.arange(3, dtype=mx.float16), [0, 1, 2], mx.float16)
    same(mx.arange(2**40, 2**40 + 2), [2**40, 2**40 + 1], mx.int64)
    with pytest.raises(TypeError):
        mx.arange("3")
    with pytest.raises(TypeError):
        mx.arange()


def test_linspace():
    same(mx.linspace(0, 1, 7), np.linspace(0, 1, 7, dtype=np.float32), rtol=1e-6)
    same(
        mx.linspace(1, 3, num=4, endpoint=False),
        np.linspace(1, 3, 4, False, dtype=np.float32),
        rtol=1e-6,
    )
    assert mx.linspace(0, 1).shape == (50,)


def test_constants():
    for name in ("zeros", "ones"):
        same(getattr(mx, name)((2, 3)), getattr(np, name)((2, 3)), mx.float32)
        same(getattr(mx, name)(3, dtype=mx.int8), getattr(np, name)(3), mx.int8)
        same(getattr(mx, name + "_like")(A, mx.int32), getattr(np, name)((2, 3, 4)), mx.int32)
        assert getattr(mx, name)((), None).dtype == mx.float32
    same(mx.full((2, 2), 3), [[3, 3], [3, 3]], mx.int32)
    same(mx.full(2, 3.5, mx.float16), [3.5, 3.5], mx.float16)
    same(mx.full((2, 2), mx.array([1, 2])), [[1, 2], [1, 2]])
    same(mx.full_like(mx.array([1, 2]), 2.5), [2, 2], mx.int32)
    with pytest.raises(ValueError):
        mx.zeros((-1,))


def test_matrices():
    same(mx.eye(3), np.eye(3))
    same(mx.eye(2, 4, 1, mx.int32), np.eye(2, 4, 1), mx.int32)
    same(mx.tri(3, 4, 1), np.tri(3, 4, 1))
    same(mx.tri(3), np.tri(3))
    same(mx.identity(2, dtype=mx.float16), np.eye(2), mx.float16)


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hanning"])
def test_windows(name):
    same(getattr(mx, name)(8), getattr(np, name)(8), atol=1e-6)


def test_dtype_questions():
    assert mx.result_type(mx.float16, A) == mx.float32
    assert mx.result_type(mx.array([1]), mx.uint32, mx.float16) == mx.float16
    assert mx.can_cast(mx.int32, mx.float32) and not mx.can_cast(A, mx.int32)
    assert mx.result_type(A, 1.0) == mx.float32
    for wrong in ((), (1, 1.0)):
        with pytest.raises(ValueError):
            mx.result_type(*wrong)


def test_matrix_transpose():
    same(A.mT, X.swapaxes(-1, -2))
    same(mx.matrix_transpose(A), X.swapaxes(-1, -2))
    for call in (lambda: mx.zeros(3).mT, lambda: mx.matrix_transpose(mx.array(1.0))):
        with pytest.raises(ValueError, match="2 dimensions"):
            call()


def test_defaults():
    """Along the last axis where nothing is said; slabs as a tuple."""
    order = integers(2, 3, 2, low=0, high=4)
    same(mx.take_along_axis(A, mx.array(order)), np.take_along_axis(X, order, -1))
    assert isinstance(mx.unstack(A), tuple)


def test_an_empty_list_of_indices_has_no_kind():
    nothing, a = mx.array([]), mx.arange(3.0)
    assert mx.put_along_axis(nothing, nothing, nothing, axis=None).shape == (0,)
    assert mx.put_along_axis(a, nothing, nothing, axis=0).tolist() == [0, 1, 2]
    assert mx.take_along_axis(a, nothing, axis=0).shape == (0,)
    with pytest.raises(ValueError, match="Indices must be integral"):
        mx.put_along_axis(a, mx.array([0.0]), mx.array([1.0]), axis=0)
