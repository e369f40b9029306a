"""mlx eval on functions that the original package exported, with the results it had."""

import re
from pathlib import Path

import numpy as np
import pytest

from files import ST_DTYPES, read_safetensors, write_safetensors
from program import document, run

FUNCTIONS = next(Path(__file__).parents[1].rglob("mlp.mlxfn")).parent
NAMES = sorted(path.stem for path in FUNCTIONS.glob("*.mlxfn"))


def arrays_of(path):
    """All of a safetensors file that NumPy has a dtype for."""
    return {
        name: np.frombuffer(raw, ST_DTYPES[dtype]).reshape(shape)
        for name, (dtype, shape, raw) in read_safetensors(path)[0].items()
        if dtype in ST_DTYPES and dtype != "BF16"
    }


def calls(name):
    """For each call: places, names, results."""
    rows = {}
    for key, array in arrays_of(FUNCTIONS / f"{name}.safetensors").items():
        call, key = key.split(".", 1)
        places, names, results = rows.setdefault(int(call), ({}, {}, {}))
        if key.isdigit():
            places[int(key)] = array
        elif re.fullmatch(r"out\d+", key):
            results[int(key[3:])] = array
        else:
            names[key] = array
    return [tuple(dict(sorted(part.items())) for part in row) for _, row in sorted(rows.items())]


def is_whole(name):
    """Has NumPy all dtypes of its inputs?"""
    return all(
        dtype != "BF16"
        for dtype, _, _ in read_safetensors(FUNCTIONS / f"{name}.safetensors")[0].values()
    )


def near(found, wanted):
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_results_of_the_original(name, tmp_path):
    if not is_whole(name):
        pytest.skip("bfloat16")
    assert calls(name)
    for places, names, results in calls(name):
        np.savez(tmp_path / "in.npz", *places.values(), **names)
        done = run(
            "eval",
            FUNCTIONS / f"{name}.mlxfn",
            tmp_path / "in.npz",
            "-o",
            tmp_path / "out.npz",
            "--overwrite",
        )
        assert done.stdout == ""
        found = np.load(tmp_path / "out.npz")
        assert list(found) == [f"arr_{i}" for i in range(len(results))]
        for i, wanted in results.items():
            near(found[f"arr_{i}"], wanted)


@pytest.fixture
def mlp(tmp_path):
    (places, names, results), *_ = calls("mlp")
    assert not names
    np.savez(tmp_path / "in.npz", *places.values())
    return (
        FUNCTIONS / "mlp.mlxfn",
        tmp_path / "in.npz",
        list(places.values()),
        list(results.values()),
    )


def test_json(mlp):
    file, inputs, _, results = mlp
    doc = document("eval", file, inputs)
    for row, wanted in zip(doc["outputs"], results, strict=True):
        assert row["dtype"] == wanted.dtype.name and row["shape"] == list(wanted.shape)
        near(np.array(row["values"], wanted.dtype).reshape(wanted.shape), wanted)
    assert run("eval", file, inputs).stdout == "".join(row["text"] + "\n" for row in doc["outputs"])


def test_ways_to_name_inputs(mlp, tmp_path):
    file, inputs, places, _ = mlp
    wanted = document("eval", file, inputs)
    paths = [tmp_path / f"{i}.npy" for i in range(len(places))]
    for path, array in zip(paths, places):
        np.save(path, array)
    assert document("eval", file, *paths) == wanted
    numbered = {str(i): a for i, a in reversed(list(enumerate(places)))}
    path = write_safetensors(tmp_path / "numbered", numbered)
    assert document("eval", file, path) == wanted
    np.savez(tmp_path / "odd.npz", **{f"z{9 - i}": a for i, a in enumerate(places)})
    assert document("eval", file, tmp_path / "odd.npz", "--in-order") == wanted
    run("eval", file, tmp_path / "odd.npz", status=1)  # there are no such names


def test_kinds_of_output(mlp, tmp_path):
    file, inputs, _, results = mlp
    run("eval", file, inputs, f"--output={tmp_path}/out.safetensors")
    found = arrays_of(tmp_path / "out.safetensors")
    near(found["arr_0"], results[0])
    if len(results) == 1:
        run("eval", file, inputs, "-o", tmp_path / "out.npy")
        near(np.load(tmp_path / "out.npy"), results[0])
    assert (
        ".npz, .npy or .safetensors" in run("eval", file, inputs, "-o", "out.txt", status=2).stderr
    )
    doc = document("eval", file, inputs, "-o", tmp_path / "again.npz")
    assert doc["path"] == str(tmp_path / "again.npz") and doc["outputs"]


def test_refused(mlp, tmp_path):
    file, inputs, places, _ = mlp
    assert "No such file" in run("eval", tmp_path / "none.mlxfn", status=1).stderr
    assert run("eval", inputs, inputs, status=1).stderr.count("\n") == 1
    np.save(tmp_path / "x.npy", np.zeros((1, 2, 3, 4, 5), np.float32))
    assert "x" in run("eval", file, tmp_path / "x.npy", status=1).stderr
    done = run("eval", file, status=1)
    assert done.stderr.count("\n") == 1 and "\\n" not in done.stderr
    assert "No such file" in run("eval", file, tmp_path / "none.npz", status=1).stderr
    raw = file.read_bytes()
    for cut in 0, 5, len(raw) // 2, len(raw) - 1:
        (tmp_path / "cut.mlxfn").write_bytes(raw[:cut])
        run("eval", tmp_path / "cut.mlxfn", inputs, status=1)


def test_output_that_cannot_be_written(mlp, tmp_path):
    file, inputs, *_ = mlp
    (tmp_path / "out.npz").mkdir()
    run("eval", file, inputs, "-o", tmp_path / "out.npz", status=1)
    run("eval", file, inputs, "-o", tmp_path / "no" / "out.npz", status=1)


def test_what_is_there_stays(mlp, tmp_path):
    function, inputs, *_ = mlp
    before = inputs.read_bytes()
    for more in ([], ["--overwrite"]):
        done = run("eval", function, inputs, "-o", inputs, *more, status=1)
        assert "is read, and cannot be written" in done.stderr
    assert inputs.read_bytes() == before
    (tmp_path / "mine.npz").write_text("mine")
    done = run("eval", function, inputs, "-o", tmp_path / "mine.npz", status=1)
    assert "(--overwrite)" in done.stderr and (tmp_path / "mine.npz").read_text() == "mine"
