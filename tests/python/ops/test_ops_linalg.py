"""Linear algebra and Fourier transforms against NumPy."""

import subprocess
import sys

import mlx.core as mx
import numpy as np
import pytest

from ops_check import numbers, same, to_numpy

SQUARE = numbers(2, 4, 4) + 4 * np.eye(4, dtype=np.float32)
POSITIVE = SQUARE @ SQUARE.swapaxes(-1, -2)
NORMS = [
    (None, None),
    (None, 1),
    (None, (0, 1)),
    (1, 0),
    (2, 1),
    (3, 1),
    (float("inf"), 0),
    (-float("inf"), 1),
    (0, 1),
    ("fro", (0, 1)),
    ("nuc", (0, 1)),
    (1, (0, 1)),
    (-1, (0, 1)),
    (2, (0, 1)),
    (-2, (0, 1)),
    (float("inf"), (0, 1)),
]


@pytest.mark.parametrize("order, axis", NORMS, ids=str)
def test_norm(order, axis):
    x = numbers(3, 4)
    for keep in (False, True):
        wanted = np.linalg.norm(x, order, axis, keep)
        same(mx.linalg.norm(mx.array(x), order, axis, keep), wanted, rtol=1e-5)


def test_norm_errors():
    for words in ({"ord": "half"}, {"ord": 2, "axis": (0, 1, 2)}, {"ord": "fro", "axis": 0}):
        with pytest.raises(ValueError):
            mx.linalg.norm(mx.zeros((2, 2, 2)), **words)
    assert mx.matrix_norm is mx.linalg.norm


def test_factors():
    a = mx.array(SQUARE)
    q, r = mx.linalg.qr(a)
    np.testing.assert_allclose(to_numpy(q) @ to_numpy(r), SQUARE, atol=1e-4)
    u, s, v = mx.linalg.svd(a)
    np.testing.assert_allclose(to_numpy(u) * to_numpy(s)[:, None] @ to_numpy(v), SQUARE, atol=1e-4)
    same(mx.linalg.svd(a, compute_uv=False), np.linalg.svd(SQUARE, compute_uv=False), rtol=1e-4)
    p, low, up = mx.linalg.lu(a[0])
    np.testing.assert_allclose(to_numpy(low)[np.array(p)] @ to_numpy(up), SQUARE[0], atol=1e-4)
    packed, pivots = mx.linalg.lu_factor(a)
    assert packed.shape == (2, 4, 4) and pivots.shape == (2, 4)


def test_eigen():
    a = mx.array(POSITIVE)
    values, vectors = mx.linalg.eigh(a)
    same(values, np.linalg.eigvalsh(POSITIVE), rtol=1e-4)
    np.testing.assert_allclose(
        POSITIVE @ to_numpy(vectors), to_numpy(vectors) * to_numpy(values)[:, None], atol=1e-3
    )
    same(mx.linalg.eigvalsh(a, UPLO="U"), np.linalg.eigvalsh(POSITIVE), rtol=1e-4)
    values, vectors = mx.linalg.eig(a)
    assert values.dtype == mx.complex64
    same(mx.sort(mx.real(mx.linalg.eigvals(a))), np.linalg.eigvalsh(POSITIVE), rtol=1e-3)


def test_inverses():
    a = mx.array(SQUARE)
    same(mx.linalg.inv(a), np.linalg.inv(SQUARE), rtol=1e-3, atol=1e-4)
    same(mx.linalg.pinv(a), np.linalg.pinv(SQUARE), rtol=1e-3, atol=1e-4)
    same(
        mx.linalg.tri_inv(mx.array(np.tril(SQUARE))),
        np.linalg.inv(np.tril(SQUARE)),
        rtol=1e-3,
        atol=1e-4,
    )
    same(mx.linalg.cholesky(mx.array(POSITIVE)), np.linalg.cholesky(POSITIVE), rtol=1e-3, atol=1e-3)
    upper = mx.linalg.cholesky(mx.array(POSITIVE), upper=True)
    same(mx.linalg.cholesky_inv(upper, upper=True), np.linalg.inv(POSITIVE), rtol=1e-2, atol=1e-3)


def test_solve():
    a, b = mx.array(SQUARE), numbers(2, 4, 3, seed=1)
    same(mx.linalg.solve(a, mx.array(b)), np.linalg.solve(SQUARE, b), rtol=1e-3, atol=1e-4)
    lower = np.tril(SQUARE)
    same(
        mx.linalg.solve_triangular(mx.array(lower), mx.array(b), upper=False),
        np.linalg.solve(lower, b),
        rtol=1e-3,
        atol=1e-4,
    )


def test_determinants():
    same(mx.linalg.det(mx.array(SQUARE)), np.linalg.det(SQUARE), rtol=1e-4)
    sign, log = mx.linalg.slogdet(mx.array(SQUARE))
    wanted = np.linalg.slogdet(SQUARE)
    same(sign, wanted[0])
    same(log, wanted[1], rtol=1e-4)


def test_cross():
    a, b = numbers(2, 3), numbers(2, 3, seed=1)
    same(mx.linalg.cross(mx.array(a), mx.array(b)), np.cross(a, b), rtol=1e-5)


def test_linalg_errors():
    with pytest.raises(ValueError, match="(?i)square"):
        mx.linalg.inv(mx.zeros((2, 3)))
    for matrix in ([[1.0, 2], [2, 4]], [[0.0, 0], [0, 0]]):
        with pytest.raises(RuntimeError, match="singular"):
            mx.eval(mx.linalg.inv(mx.array(matrix)))
    for name in ("svd", "eig", "eigvals", "eigh", "eigvalsh", "pinv"):
        with pytest.raises(RuntimeError, match="not a number"):
            mx.eval(getattr(mx.linalg, name)(mx.array([[1.0, np.inf], [np.nan, 1]])))
    with pytest.raises(ValueError, match="float"):
        mx.linalg.lu(mx.array([[0, 1], [1, 0]]))


def test_indefinite():
    """The factor as far as it goes, and what is left: MLX says no more either."""
    assert mx.linalg.cholesky(mx.array([[1.0, 2], [2, 1]])).tolist() == [[1, 0], [2, -3]]
    assert mx.linalg.cholesky(mx.array([[1.0, 2], [2, 1]]), upper=True).tolist() == [
        [1, 2],
        [0, -3],
    ]


@pytest.mark.parametrize(
    "shape", [(5, 3), (3, 5), (2, 4, 4), (60, 60), (3, 2, 40, 33), (35, 70)], ids=str
)
def test_lu_of_any_matrix(shape):
    a = numbers(*shape, seed=5)
    p, low, up = mx.linalg.lu(mx.array(a))
    rows = np.take_along_axis(np.array(low), np.array(p).astype(np.int64)[..., None], -2)
    np.testing.assert_allclose(rows @ np.array(up), a, atol=1e-4)
    assert (
        np.sort(np.array(p), -1).tolist() == np.broadcast_to(np.arange(shape[-2]), p.shape).tolist()
    )


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", ["inv", "cholesky", "solve", "det"])
def test_nan_where_numpy_has_it(name):
    """One element that is not a number: in float32 as in float64, and at least where NumPy's
    float64 has it, whose library loses some."""
    for at in range(9):
        a = numbers(3, 3, seed=at).astype(np.float64)
        a = a @ a.T + 2 * np.eye(3)
        a.flat[at] = np.nan
        one = (np.ones((3, 1)),) if name == "solve" else ()
        wanted = np.isnan(getattr(np.linalg, name)(a, *one))
        found = [
            np.array(
                mx.isnan(
                    getattr(mx.linalg, name)(
                        *(mx.array(x, dtype=t) for x in (a, *one)), stream=mx.cpu
                    )
                )
            )
            for t in (mx.float32, mx.float64)
        ]
        assert found[0].tolist() == found[1].tolist(), at
        assert (found[0] | ~wanted).all(), at


LATE = """
import mlx.core as mx
def blas():
    return any("openblas" in line or "lapack" in line for line in open("/proc/self/maps"))
a = mx.random.normal((70, 70), dtype=mx.float32)
mx.eval(mx.linalg.inv(a), mx.linalg.qr(a), mx.linalg.lu(a), mx.linalg.solve(a, a), a @ a)
assert not blas()
mx.eval(mx.linalg.svd(a))
assert blas()
"""


def test_lapack_is_loaded_late():
    subprocess.run([sys.executable, "-c", LATE], check=True)


FEW_THREADS = """
import os, resource, sys
import mlx.core as mx
a = mx.random.normal((70, 70), dtype=mx.float32)
mx.eval(a)
resource.setrlimit(resource.RLIMIT_NPROC, (int(sys.argv[1]), int(sys.argv[1])))
if os.geteuid() == 0:
    os.setuid(12345)
for _ in range(2):
    try:
        mx.eval(mx.linalg.svd(a))
        print("computed")
    except MemoryError as e:
        print(e)
    except RuntimeError as e:
        assert "not installed here" in str(e), e  # where this user may not read it
    assert mx.sum(mx.ones(5)).item() == 5
"""


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_lapack_without_threads(limit):
    done = subprocess.run(
        [sys.executable, "-c", FEW_THREADS, str(limit)], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, "")
    if limit == 1:
        assert done.stdout.splitlines() == ["[linalg] no thread can be started for LAPACK"] * 2


X = numbers(3, 4, 6)
NAMES = ["fft", "ifft", "rfft", "irfft"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_one_axis(name, norm):
    for n, axis in ((None, -1), (8, 1), (3, 0)):
        wanted = getattr(np.fft, name)(X, n, axis, norm)
        same(getattr(mx.fft, name)(mx.array(X), n, axis, norm), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_several_axes(name):
    a = mx.array(X)
    same(getattr(mx.fft, name + "2")(a), getattr(np.fft, name + "2")(X), rtol=1e-4, atol=1e-4)
    same(
        getattr(mx.fft, name + "2")(a, s=[8, 6], axes=(1, 0)),
        getattr(np.fft, name + "2")(X, (8, 6), (1, 0)),
        rtol=1e-4,
        atol=1e-4,
    )
    same(getattr(mx.fft, name + "n")(a), getattr(np.fft, name + "n")(X), rtol=1e-4, atol=1e-4)
    same(
        getattr(mx.fft, name + "n")(a, axes=[0, 2], norm="ortho"),
        getattr(np.fft, name + "n")(X, None, (0, 2), "ortho"),
        rtol=1e-4,
        atol=1e-4,
    )


def test_frequencies():
    for n in (5, 8):
        same(mx.fft.fftfreq(n, d=0.5), np.fft.fftfreq(n, 0.5), rtol=1e-6)
        same(mx.fft.rfftfreq(n), np.fft.rfftfreq(n), rtol=1e-6)
    for axes in (None, 0, (1, 2)):
        same(mx.fft.fftshift(mx.array(X), axes), np.fft.fftshift(X, axes))
        same(mx.fft.ifftshift(mx.array(X), axes=axes), np.fft.ifftshift(X, axes))


def test_fft_errors():
    with pytest.raises(ValueError, match="norm"):
        mx.fft.fft(mx.array(X), norm="none")
    with pytest.raises(ValueError):
        mx.fft.fftn(mx.array(X), s=[4])
    with pytest.raises(ValueError):
        mx.fft.fft(mx.array(X), axis=3)
