"""Model files of other projects, and broken ones: valid ones are read, of others what is wrong is said and where."""

import json
import os
from pathlib import Path

import mlx.core as mx
import pytest

PLACES = [os.environ.get("MLX_TEST_DATA")] + [
    p / "shared" / "data" for p in Path(__file__).resolve().parents
]
DATA = next((Path(p) for p in PLACES if p and (Path(p) / "fixtures").is_dir()), None)
pytestmark = pytest.mark.skipif(not DATA, reason="no fixtures: set MLX_TEST_DATA")
FIXTURES = DATA / "fixtures" if DATA else Path("none")

# name: format, tensors with their shapes
VALID = {
    "gguf/iree/empty.gguf": ("gguf", {}),
    "gguf/iree/single.gguf": ("gguf", {"tensor0": (2, 2)}),
    "gguf/iree/single_v2.gguf": ("gguf", {"tensor0": (2, 2)}),
    "gguf/iree/multiple.gguf": ("gguf", {"tensor0": (2, 2), "tensor1": (1, 2), "tensor2": (4, 3)}),
    "gguf/docker/dummy.gguf": ("gguf", None),
    "mixed_iree_py/parameter_weight_bias_1.gguf": ("gguf", {"weight": (30, 20), "bias": (30,)}),
    "mixed_iree_py/parameter_weight_bias_1.safetensors": (
        "safetensors",
        {"weight": (30, 20), "bias": (30,)},
    ),
    "safetensors/burn/multi_layer.safetensors": ("safetensors", None),
    "safetensors/candle/jfk-codes.safetensors": ("safetensors", None),
    "safetensors/iree_tools/parameters_a.safetensors": ("safetensors", None),
    "safetensors/iree_tools/parameters_b.safetensors": ("safetensors", None),
    "safetensors/iree_tools/parameters_dynamic.safetensors": ("safetensors", None),
    "npy/candle/test.npz": ("npz", None),
    "npy/iree/single.npy": ("npy", None),
    "npy/iree/multiple.npy": ("npy", None),
    "npy/iree/array_shapes.npy": ("npy", None),
    "npy/iree/array_types.npy": ("npy", None),
    "npy/ndarray-npy/array.npy": ("npy", None),
    "npy/ndarray-npy/example_bool_standard.npy": ("npy", None),
    **{
        f"npy/ndarray-npy/example_{t}_{e}_endian_{o}.npy": ("npy", None)
        for t in ("f64", "c64")
        for e in ("big", "little")
        for o in ("standard", "fortran")
        if t == "f64"
    },
}
BROKEN = {
    "npy/iree/empty.npy": "at byte 0: it is of no format that can be read",
    "npy/numpy/py2-np0-objarr.npy": "at byte [0-9]+: the dtype '.*O8?' is not supported",
    "npy/numpy/py2-objarr.npy": "at byte [0-9]+: the dtype '.*O8?' is not supported",
    "npy/numpy/py3-objarr.npy": "at byte [0-9]+: the dtype '.*O8?' is not supported",
    "npy/numpy/py2-objarr.npz": "at byte [0-9]+: the dtype '.*O8?' is not supported",
    "npy/numpy/py3-objarr.npz": "at byte [0-9]+: the dtype '.*O8?' is not supported",
    "npy/ndarray-npy/example_c64_little_endian_standard.npy": "the dtype '<c16' is not supported",
    "npy/ndarray-npy/example_c64_big_endian_fortran.npy": "the dtype '>c16' is not supported",
}
# Of the planner's vectors: what they hold, or what is wrong.
HEX_VALID = {
    "gguf-v2-f32": 1,
    "gguf-v3-q4-0": 1,
    "safetensors-two-tensors": 2,
    "safetensors-header-only": 0,
}
HEX_BROKEN = {
    "raw-empty": "of no format",
    "raw-small": "of no format",
    "gguf-unknown-type": "at byte 57: .* is of type 43",
    "gguf-unsupported-version": "at byte 4: version [0-9]+ is not known",
    "safetensors-gap": "the format has no gaps",
    "safetensors-unknown-dtype": "unsupported dtype",
    # headers whose data are elsewhere
    "safetensors-fp8-flux2-worker-output": "exceeding the size of the file",
    "safetensors-fp8-te137-canonical-member-units": "exceeding the size of the file",
}


@pytest.mark.parametrize("name", VALID)
def test_valid(name):
    form, shapes = VALID[name]
    for mmap in (False, True):
        f = mx.open_file(FIXTURES / name, mmap=mmap)
        assert f.format == form
        if shapes is not None:
            assert {k: t.shape for k, t in f.tensors.items()} == shapes
        for k, t in f.tensors.items():
            a = f[k]
            mx.eval(a)
            assert (a.shape, a.dtype, a.size) == (t.shape, t.dtype, t.size)


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name):
    with pytest.raises(
        (RuntimeError, NotImplementedError), match=f"{Path(name).name}.*{BROKEN[name]}"
    ):
        mx.open_file(FIXTURES / name)


def test_a_boolean_that_is_none():
    """Found when it is read: opening reads the header alone."""
    f = mx.open_file(FIXTURES / "npy/ndarray-npy/example_bool_bad_value.npy")
    with pytest.raises(RuntimeError, match="at byte [0-9]+: [0-9]+ is not a boolean"):
        mx.eval(f["array"])


def hex_file(name, folder):
    path = folder / name
    path.write_bytes(
        bytes.fromhex(
            (FIXTURES / "planner-vectors" / "fixtures" / f"{name}.hex").read_text().strip()
        )
    )
    return path


@pytest.mark.parametrize("name", HEX_VALID)
def test_vectors(name, tmp_path):
    f = mx.open_file(hex_file(name, tmp_path))
    assert len(f) == HEX_VALID[name]
    mx.eval([f[k] for k in f])


@pytest.mark.parametrize("name", HEX_BROKEN)
def test_broken_vectors(name, tmp_path):
    with pytest.raises(RuntimeError, match=HEX_BROKEN[name]):
        mx.open_file(hex_file(name, tmp_path))


def test_every_fixture_is_listed():
    known = set(VALID) | set(BROKEN) | {"npy/ndarray-npy/example_bool_bad_value.npy"}
    ends = (".gguf", ".safetensors", ".npy", ".npz")
    found = {str(p.relative_to(FIXTURES)) for p in FIXTURES.rglob("*") if p.suffix in ends}
    assert {n for n in found - known if "example_c64" not in n} == set()
    vectors = json.loads((FIXTURES / "planner-vectors" / "planner-vectors.json").read_text())
    assert {c["name"] for c in vectors["cases"]} == set(HEX_VALID) | set(HEX_BROKEN)
