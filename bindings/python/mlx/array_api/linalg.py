"""The standard's linear algebra: matrices are the last two axes, the others are a batch."""

import mlx.core as mx

from ._dtypes import summed as _summed


def cholesky(x, /, *, upper=False):
    """L with L L^H = x, or U with U^H U = x."""
    return mx.linalg.cholesky(x, upper)


def cross(x1, x2, /, *, axis=-1):
    """The cross product of vectors of 3 elements along an axis."""
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(
            f"vectors of 3 elements are needed, not of {x1.shape[axis]} and {x2.shape[axis]}"
        )
    return mx.linalg.cross(*mx.broadcast_arrays(x1, x2), axis)


def det(x, /):
    """The determinant."""
    return mx.linalg.det(x)


def diagonal(x, /, *, offset=0):
    """The diagonals of the matrices."""
    return mx.linalg.diagonal(x, offset=offset)


def eigh(x, /):
    """Eigenvalues, ascending, and eigenvectors, as columns, of a symmetric or Hermitian matrix."""
    return mx.linalg.eigh(x)


def eigvalsh(x, /):
    """The eigenvalues of a symmetric or Hermitian matrix, ascending."""
    return mx.linalg.eigvalsh(x)


def inv(x, /):
    """The inverse."""
    return mx.linalg.inv(x)


def matmul(x1, x2, /):
    """The matrix product."""
    return mx.matmul(x1, x2)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """The norm of the matrices in the last two axes."""
    return mx.linalg.matrix_norm(x, keepdims=keepdims, ord=ord)


def matrix_power(x, n, /):
    """A square matrix times itself, n times; the inverse for a negative n."""
    return mx.linalg.matrix_power(x, n)


def matrix_rank(x, /, *, rtol=None):
    """How many singular values are above rtol times the largest."""
    return mx.linalg.matrix_rank(x, rtol=rtol)


def matrix_transpose(x, /):
    """The matrices in the last two axes transposed."""
    return mx.matrix_transpose(x)


def outer(x1, x2, /):
    """The products of all elements of one vector with all of another."""
    return mx.outer(x1, x2)


def pinv(x, /, *, rtol=None):
    """The Moore-Penrose inverse over the singular values above rtol times the largest."""
    return mx.linalg.pinv(x, rtol=rtol)


def qr(x, /, *, mode="reduced"):
    """Q with orthonormal columns, all of them if mode is "complete", and R, upper triangular, with
    Q R = x."""
    return mx.linalg.qr(x, mode=mode)


def slogdet(x, /):
    """The sign of the determinant and the logarithm of its absolute value."""
    return mx.linalg.slogdet(x)


def solve(x1, x2, /):
    """y with x1 y = x2; x2 is a vector or a matrix of columns."""
    return mx.linalg.solve(x1, x2)


def svd(x, /, *, full_matrices=True):
    """U, S and V^H with U diag(S) V^H = x, S descending."""
    return mx.linalg.svd(x, full_matrices=full_matrices)


def svdvals(x, /):
    """The singular values, descending."""
    return mx.linalg.svdvals(x)


def tensordot(x1, x2, /, *, axes=2):
    """The sum of products over axes of both."""
    return mx.tensordot(x1, x2, axes)


def trace(x, /, *, offset=0, dtype=None):
    """The sums of the diagonals; small integers as in sum."""
    return mx.linalg.trace(x.astype(_summed(x, dtype)), offset=offset)


def vecdot(x1, x2, /, *, axis=-1):
    """The sum of conj(x1) x2 along an axis."""
    return mx.vecdot(x1, x2, axis=axis).astype(mx.result_type(x1, x2))


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norm of all elements, or of those along axes, as one vector."""
    return mx.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
