"""Other libraries and the array: those that take it, and those whose objects it takes. Each is
skipped where it is not installed."""

import importlib.util
import os
import pickle
import subprocess
import sys

import mlx.core as mx
import numpy as np
import pytest

from ops_check import numbers, same

X = numbers(20, 3)
V, W = numbers(50), numbers(50)
LABELS = (np.arange(20) * 7 % 3 > 0).astype(np.int32)


# --- SciPy and scikit-learn in array API mode: the same calls with NumPy's arrays are the values
# ---------------

SCIPY = {
    "entropy": lambda st, v, w: st.entropy(abs(v) + 0.1),
    "zscore": lambda st, v, w: st.zscore(v),
    "skew": lambda st, v, w: st.skew(v),
    "kurtosis": lambda st, v, w: st.kurtosis(v),
    "ttest_ind": lambda st, v, w: st.ttest_ind(v, w).statistic,
    "pearsonr": lambda st, v, w: st.pearsonr(v, w).statistic,
    "gmean": lambda st, v, w: st.gmean(abs(v) + 0.1),
    "sem": lambda st, v, w: st.sem(v),
    "tvar": lambda st, v, w: st.tvar(v),
    "kstat": lambda st, v, w: st.kstat(v),
    "normaltest": lambda st, v, w: st.normaltest(v).statistic,
    "circmean": lambda st, v, w: st.circmean(v),
    "bartlett": lambda st, v, w: st.bartlett(v, w).statistic,
}
SCIPY_MORE = """
import numpy as np, mlx.core as mx
import scipy.cluster.vq as vq, scipy.fft as sf, scipy.integrate as it
import scipy.signal as sg, scipy.special as ss
v, w = np.linspace(-1, 2, 40, dtype=np.float32), np.cos(np.arange(40, dtype=np.float32))
x = np.sin(np.arange(60, dtype=np.float32)).reshape(20, 3)
calls = [lambda v, w, x: ss.logsumexp(v), lambda v, w, x: ss.softmax(v),
         lambda v, w, x: ss.erf(v), lambda v, w, x: ss.expit(w),
         lambda v, w, x: sf.rfft(v), lambda v, w, x: sf.irfft(sf.rfft(v)),
         lambda v, w, x: sf.ifftn(sf.fftn(x)),
         lambda v, w, x: it.trapezoid(v), lambda v, w, x: it.cumulative_trapezoid(w),
         lambda v, w, x: sg.hilbert(w),
         lambda v, w, x: sg.fftconvolve(v, w), lambda v, w, x: vq.whiten(x)]
for i, call in enumerate(calls):
    found, wanted = call(mx.array(v), mx.array(w), mx.array(x)), call(v, w, x)
    assert isinstance(found, mx.array), i
    np.testing.assert_allclose(np.array(found), wanted, rtol=2e-4, atol=2e-5, err_msg=str(i))
"""


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_scipy():
    pytest.importorskip("scipy", reason="SciPy is not installed")
    run(SCIPY_MORE, SCIPY_ARRAY_API="1")


@pytest.mark.parametrize("name", SCIPY)
def test_scipy_statistics(name):
    pytest.importorskip("scipy", reason="SciPy is not installed")
    if os.environ.get("SCIPY_ARRAY_API") != "1":
        code = f"import test_neighbours as t, scipy.stats as st\nt.check_statistic(st, {name!r})"
        return run(
            code,
            SCIPY_ARRAY_API="1",
            PYTHONPATH=os.pathsep.join(sys.path),
        )
    import scipy.stats

    check_statistic(scipy.stats, name)


def check_statistic(st, name):
    found = SCIPY[name](st, mx.array(V), mx.array(W))
    assert isinstance(found, mx.array)
    same(found, SCIPY[name](st, V.astype(np.float64), W.astype(np.float64)), rtol=2e-3, atol=1e-4)


SKLEARN = """
import numpy as np, mlx.core as mx
from sklearn import config_context, decomposition, linear_model, metrics, preprocessing
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
r = np.random.default_rng(7)
x = r.standard_normal((20, 3)).astype(np.float32)
y, labels = x[:, 0] * 2 + 1, (np.arange(20) * 7 % 3 > 0).astype(np.int32)
calls = [lambda x, y, t: decomposition.PCA(2, svd_solver="full").fit(x).explained_variance_,
         lambda x, y, t: decomposition.PCA(2, svd_solver="covariance_eigh").fit(x).explained_variance_,
         lambda x, y, t: linear_model.Ridge(solver="svd").fit(x, y).predict(x),
         lambda x, y, t: LinearDiscriminantAnalysis().fit(x, t).predict(x),
         lambda x, y, t: preprocessing.StandardScaler().fit_transform(x),
         lambda x, y, t: preprocessing.MinMaxScaler().fit_transform(x),
         lambda x, y, t: preprocessing.Normalizer().fit_transform(x),
         lambda x, y, t: preprocessing.PolynomialFeatures().fit_transform(x),
         lambda x, y, t: metrics.mean_squared_error(y, y * 2),
         lambda x, y, t: metrics.accuracy_score(t, 1 - t),
         lambda x, y, t: metrics.f1_score(t, t), lambda x, y, t: metrics.r2_score(y, y * 2),
         lambda x, y, t: metrics.pairwise.cosine_similarity(x),
         lambda x, y, t: metrics.pairwise.rbf_kernel(x)]
for i, call in enumerate(calls):
    with config_context(array_api_dispatch=True):
        found = call(mx.array(x), mx.array(y), mx.array(labels))
    wanted = call(x, y, labels)
    np.testing.assert_allclose(np.array(found), wanted, rtol=1e-3, atol=1e-4, err_msg=str(i))
"""


def test_scikit_learn():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    run(SKLEARN, SCIPY_ARRAY_API="1")


# --- PyTorch
# --------------------------------------------------------------------------------------------------


class Recorder:
    """As a tensor that records gradients: it refuses to be exported, its detached values do not."""

    def __init__(self, x):
        self.x = x

    def __dlpack__(self, **kwargs):
        raise BufferError("can't export tensors that require gradient, use tensor.detach()")

    def __dlpack_device__(self):
        return (1, 0)

    def detach(self):
        return self.x


class Stubborn(Recorder):
    def detach(self):
        return self


def test_what_records_gradients_gives_its_values():
    x = np.arange(3, dtype=np.float32)
    for convert in (mx.array, mx.asarray, mx.from_dlpack):
        assert convert(Recorder(x)).tolist() == [0, 1, 2]
        with pytest.raises(BufferError, match="require gradient"):
            convert(Stubborn(x))
    assert mx.add(mx.ones(3), Recorder(x)).tolist() == [1, 2, 3]


def test_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    t = torch.arange(6.0).reshape(2, 3).requires_grad_()
    for source in (t, torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))):
        assert mx.array(source).tolist() == [[0, 1, 2], [3, 4, 5]]
    shared = mx.from_dlpack(t.detach(), copy=False)
    copied = mx.from_dlpack(t.detach())
    with torch.no_grad():
        t[0, 0] = 9
    assert shared[0, 0].item() == 9 and copied[0, 0].item() == 0
    assert torch.from_dlpack(mx.arange(4)[::-1]).tolist() == [3, 2, 1, 0]


# --- pickles
# --------------------------------------------------------------------------------------------------

DTYPES = ["bool_", "uint8", "int64", "float16", "bfloat16", "float32", "float64", "complex64"]


def test_pickles_are_those_of_mlx():
    for name in DTYPES:
        for a in (
            mx.array([[1, 0, 3], [4, 5, 6]]).astype(getattr(mx, name)).T,
            mx.array(1, getattr(mx, name)),
            mx.zeros((0, 2), getattr(mx, name)),
        ):
            state, number = a.__getstate__()
            assert (
                isinstance(state, np.ndarray) and isinstance(number, int) and state.shape == a.shape
            )
            assert state.dtype == (np.uint16 if name == "bfloat16" else np.dtype(name.rstrip("_")))
            b = pickle.loads(pickle.dumps(a))
            assert b.dtype == a.dtype and b.shape == a.shape and b.tolist() == a.tolist()


def test_pickles_without_numpy():
    code = (
        "import sys; sys.modules['numpy'] = None\nimport pickle, mlx.core as mx\n"
        "a = mx.array([[1.5, 2], [3, 4]], mx.bfloat16)\nb = pickle.loads(pickle.dumps(a))\n"
        "assert b.dtype == mx.bfloat16 and b.tolist() == a.tolist()"
    )
    run(code)


def test_mlx_reads_our_pickles(tmp_path):
    reference = os.environ.get("MLX_REFERENCE_PYTHON")
    if not reference:
        pytest.skip("MLX_REFERENCE_PYTHON names no interpreter that has the original")
    for name in DTYPES:
        (tmp_path / name).write_bytes(
            pickle.dumps(mx.array([[1, 0], [3, 4]]).astype(getattr(mx, name)))
        )
    code = (
        "import pathlib, pickle, sys\nfor p in pathlib.Path(sys.argv[1]).iterdir():\n    a = pickle.loads(p.read_bytes())\n"
        "    assert a.tolist() == [[1, 0], [3 if 'bool' not in p.name else 1, 4 if 'bool' not in p.name else 1]], p\n"
        "    p.write_bytes(pickle.dumps(a))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [reference, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for name in DTYPES:
        a = pickle.loads((tmp_path / name).read_bytes())
        # the original itself reads its float64 as float32
        assert a.dtype == (mx.float32 if name == "float64" else getattr(mx, name)) and a.shape == (
            2,
            2,
        )


# --- DLPack, NumPy, PIL, Arrow
# ---------------------------------------------------------------------------------


def test_reversed_views_are_exported_forwards():
    for view in (mx.arange(6)[::-1], mx.arange(6).reshape(2, 3)[:, ::-1]):
        out = np.from_dlpack(view)
        assert out.tolist() == view.tolist() and all(s >= 0 for s in out.strides)
        with pytest.raises(BufferError, match="copy"):
            view.__dlpack__(copy=False)


def test_bfloat16_with_ml_dtypes():
    if not importlib.util.find_spec("ml_dtypes"):
        with pytest.raises(TypeError, match="bfloat16 arrays cannot be converted"):
            mx.array([1], mx.bfloat16).__array__()
        pytest.skip("ml_dtypes is not installed")
    a = mx.array([[1.5, -2.0], [3.0, 4.0]], mx.bfloat16)
    for out in (np.array(a), np.asarray(a.T).T, np.array(a, dtype=np.float32)):
        assert out.astype(np.float32).tolist() == a.tolist()
    assert np.asarray(a).dtype.name == "bfloat16" and mx.array(np.asarray(a)).dtype == mx.bfloat16


def test_numpys_interface():
    a = mx.array([[1, 2], [3, 4]], mx.uint8)
    for view in (a, a.T, a[::-1]):
        face = view.__array_interface__
        assert face["shape"] == view.shape and face["typestr"] == "|u1" and face["strides"] is None

        class Only:
            __array_interface__ = face

        assert np.asarray(Only()).tolist() == view.tolist()
    assert not hasattr(mx.array([1], mx.bfloat16), "__array_interface__")


def test_pil():
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    a = mx.arange(24).reshape(2, 4, 3).astype(mx.uint8)
    for view in (a, a[::-1], a[:, ::2], a[..., 0]):
        assert np.array(Image.fromarray(view)).tolist() == view.tolist()


ARROW = [n for n in DTYPES if n not in ("bfloat16", "complex64")]


def test_arrow_capsules():
    for name in ARROW:
        schema, array = mx.array([1, 0, 1]).astype(getattr(mx, name)).__arrow_c_array__()
        assert '"arrow_schema"' in repr(schema) and '"arrow_array"' in repr(array)
    for wrong in (mx.array(1), mx.array([1], mx.bfloat16), mx.array([1j])):
        with pytest.raises(TypeError, match="Arrow"):
            wrong.__arrow_c_array__()


def test_pyarrow():
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    for name in ARROW:
        a = mx.array([1, 0, 1, 1, 0, 0, 1, 1, 1, 0]).astype(getattr(mx, name))
        for view in (a, a[::-2], a[:0]):
            assert pa.array(view).to_pylist() == view.tolist()
    assert pa.array(mx.array([1, 2]), type=pa.int64()).type == pa.int64()
    deep = mx.arange(24).reshape(2, 3, 4)
    found = pa.array(deep)
    assert found.to_pylist() == deep.tolist()
    del deep
    assert found[1].as_py() == np.arange(12, 24).reshape(3, 4).tolist()
    assert pa.table({"x": mx.array([1.5, 2])})["x"].to_pylist() == [1.5, 2]


def test_polars():
    pl = pytest.importorskip("polars", reason="polars is not installed")
    for name in ARROW:
        a = mx.array([1, 0, 1, 1, 0, 0, 1, 1, 1, 0]).astype(getattr(mx, name))
        if name != "float16":
            assert pl.Series("x", a).to_list() == a.tolist()
    frame = pl.DataFrame({"x": mx.array([1, 2]), "y": mx.array([True, False])})
    assert frame.rows() == [(1, True), (2, False)]
    assert pl.Series("m", mx.array([[1.0, 2.0], [3.0, 4.0]])).to_list() == [[1, 2], [3, 4]]
