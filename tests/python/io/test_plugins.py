"""A plug-in built against the public headers alone and named by MLX_PLUGINS, and ways in which one may be wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CC = shutil.which(os.environ.get("CC", "cc"))
pytestmark = pytest.mark.skipif(not CC, reason="no compiler")


def build(folder, broken=0, source="plugin_lines.c"):
    library = folder / f"{Path(source).stem}{broken}.so"
    subprocess.run(
        [
            CC,
            "-std=gnu11",
            "-shared",
            "-fPIC",
            f"-DBROKEN={broken}",
            "-I",
            str(ROOT / "include"),
            "-o",
            str(library),
            str(ROOT / "tests" / "capi" / "plugins" / source),
        ],
        check=True,
    )
    return library


def environment(plugins):
    return {
        **os.environ,
        "MLX_PLUGINS": str(plugins),
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }


def run(program, plugins, cwd):
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(plugins),
        cwd=cwd,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


HEAD = "LINES 1\nw float32 4096 2 2 3\nq nibbles 4120 2 2 4\n# note some text\n.\n"
READ = """
import mlx.core as mx
f = mx.open_file("x.lines")
print(f.format, f.keys(), dict(f.metadata), f.tensors["q"].storage, f.tensors["q"].nbytes)
print(f["w"].tolist(), f["q"].tolist(), f["q"].dtype, f.read("q", stored=True).tolist())
"""


def write_lines(folder, head=HEAD):
    import struct

    data = struct.pack("<6f", *range(6)) + bytes([0x21, 0x43, 0x65, 0x87])
    (folder / "x.lines").write_bytes(head.encode().ljust(4096, b"\0") + data)


def test_reads(tmp_path):
    write_lines(tmp_path)
    status, out, err = run(READ, build(tmp_path), tmp_path)
    assert not status, err
    assert out.splitlines() == [
        "lines ['w', 'q'] {'note': 'some text'} nibbles 4",
        "[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] [[1, 2, 3, 4], [5, 6, 7, 8]] mlx.core.uint8 "
        "[[33, 67], [101, 135]]",
    ]


CONVERT = """
import mlx.core as mx
for name in ("x.safetensors", "x.npz", "folder"):
    mx.convert_model("x.lines", name)
    f = mx.open_file(name)
    print(f.tensors["q"].dtype, f["q"].tolist(), f["w"].tolist() == [[0, 1, 2], [3, 4, 5]])
"""


def test_its_storages_become_numbers(tmp_path):
    """Of formats that have no such storage."""
    write_lines(tmp_path)
    status, out, err = run(CONVERT, build(tmp_path), tmp_path)
    assert not status, err
    assert out.splitlines() == ["mlx.core.uint8 [[1, 2, 3, 4], [5, 6, 7, 8]] True"] * 3


def program(*words, plugins, cwd, status=0):
    done = subprocess.run(
        [sys.executable, "-m", "mlx", *map(str, words)], env=environment(plugins), cwd=cwd,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


def test_the_program_writes_its_format(tmp_path):
    write_lines(tmp_path)
    library = build(tmp_path)
    call = lambda *words, **more: program(*words, plugins=library, cwd=tmp_path, **more)
    call("convert", "x.lines", "y.lines")  # its own storage stays
    assert (tmp_path / "y.lines").read_bytes() == (tmp_path / "x.lines").read_bytes()
    call("convert", "x.lines", "z.safetensors")
    call("convert", "z.safetensors", "z.lines")
    call("diff", "x.lines", "z.lines", "--tolerance", 0)
    call("convert", "z.safetensors", "other", "--format", "lines")
    call("diff", "z.lines", "other")
    call("merge", "x.lines", "m.lines")
    assert (tmp_path / "m.lines").read_bytes() == (tmp_path / "x.lines").read_bytes()
    done = call("split", "x.lines", "s.lines", "--parts", 2, status=1)
    assert "of which several files are no model" in done.stderr
    done = call("convert", "x.lines", "y.lines", status=1)
    assert "exists, and may not be overwritten" in done.stderr
    done = call("convert", "x.lines", "y.tst", status=1)
    assert "(npz, safetensors, gguf, lines do)" in done.stderr


def test_without_it_the_format_is_unknown(tmp_path):
    write_lines(tmp_path)
    status, _, err = run(READ, "", tmp_path)
    assert status and "of no format that can be read" in err


@pytest.mark.parametrize(
    "head, why",
    [
        ("LINES 1\nw float32 4096 2 200 300\n.\n", "w needs 240000 bytes, 28 are left"),
        ("LINES 1\nw what 4096 1 2\n.\n", "storage 'what', which is not known"),
        ("LINES 1\nw float32 4096 1 -2\n.\n", "a shape that is too large"),
        ("LINES 1\nq nibbles 4096 1 3\n.\n", "no whole blocks"),
        ("LINES 1\nw float32 4096 0\nw float32 4096 0\n.\n", "the name of two tensors"),
        ("LINES 1\nw float32\n.\n", "at byte 8: a line is no tensor"),
    ],
)
def test_what_a_plugin_says_of_a_file_is_checked(tmp_path, head, why):
    write_lines(tmp_path, head)
    status, _, err = run(READ, build(tmp_path), tmp_path)
    assert status and why in err


@pytest.mark.parametrize(
    "broken, why",
    [
        (1, "the plug-in's struct has 8 bytes"),
        (2, "the function detect is NULL"),
        (3, "there is a format 'safetensors' already"),
        (4, "the function load is NULL"),
        (5, "blocks of 0 elements"),
        (6, "it is of the ABI 99, this library has 1"),
        (7, "it has no function mlx_plugin_entry"),
        (8, "the function returned 3"),
    ],
)
def test_plugins_that_are_wrong(tmp_path, broken, why):
    write_lines(tmp_path)
    library = build(tmp_path, broken)
    status, _, err = run(READ, library, tmp_path)
    assert status == 1 and why in err
    twice = (
        "import mlx.core as mx\nfor i in range(2):\n    try: mx.open_file('x.lines')\n    except RuntimeError: pass\n"
        "    except ValueError: pass\n    else: raise SystemExit(3)\nmx.save('a.npy', mx.ones(2)); mx.open_file('a.npy')"
    )
    assert run(twice, library, tmp_path)[0] == 0  # said each time; the library's own formats work


def test_no_such_plugin(tmp_path):
    write_lines(tmp_path)
    status, _, err = run(READ, tmp_path / "absent.so", tmp_path)
    assert status and "[plugins]" in err and "absent.so" in err


OPERATIONS = """
import pickle
import mlx.core as mx
import numpy as np
print(dir(mx.plugins))
f = mx.plugins.softplus
assert f is mx.plugins.softplus and "log(1 + exp(beta x)) / beta" in f.__doc__
x = np.linspace(-8, 8, 33, dtype=np.float32)
wide = x.astype(np.float64)
slope = 1 / (1 + np.exp(-2 * wide))
a = mx.array(x)
near = lambda got, want: np.allclose(np.array(got), want, rtol=2e-6, atol=1e-7)
assert near(f(a, beta=2.0), np.log1p(np.exp(2 * wide)) / 2)
assert near(mx.grad(lambda t: f(t, 2).sum())(a), slope)
assert near(mx.jvp(lambda t: f(t, 2.0), [a], [mx.ones(33)])[1][0], slope)
assert near(mx.compile(lambda t: 3 * f(2 * t))(a), 3 * np.log1p(np.exp(2 * wide)))
assert near(mx.vmap(f, in_axes=1)(mx.stack([a, -a], axis=1))[1], np.log1p(np.exp(-wide)))
rows = mx.vmap(mx.plugins.extremes)(mx.array([[1, 5], [7, 8]]), mx.array([[3, 2], [1, 9]]))
assert [r.tolist() for r in rows] == [[[1, 2], [1, 8]], [[3, 5], [7, 9]]]
assert mx.plugins.extremes(mx.array([1]), mx.array([2]), wide=True)[1].dtype == mx.int64
for wrong, error in (
    (lambda: mx.plugins.nothing, AttributeError),
    (lambda: f(mx.array([1])), ValueError),
    (lambda: f(a, 0.0), ValueError),
    (lambda: f(), TypeError),
    (lambda: mx.eval(mx.plugins.extremes(mx.array(666), mx.array(1))), ValueError),
    (lambda: mx.grad(lambda t: mx.plugins.extremes(t, t)[0].sum())(mx.array([1])), Exception),
    (lambda: mx.export_function("x.mlxfn", f, a), RuntimeError),
):
    try:
        wrong()
    except error:
        continue
    raise SystemExit("no error")
"""


def test_operations(tmp_path):
    status, out, err = run(OPERATIONS, build(tmp_path, source="plugin_operations.c"), tmp_path)
    assert not status, err
    assert out == "['extremes', 'softplus']\n"


def test_the_manual_has_operations_of_plugins(tmp_path):
    library = build(tmp_path, source="plugin_operations.c")
    assert "softplus" in program("docs", "softplus", plugins=library, cwd=tmp_path).stdout
    assert "plugins.extremes" in program("docs", plugins=library, cwd=tmp_path).stdout
    done = program("docs", "softmax", plugins=tmp_path / "absent.so", cwd=tmp_path)
    assert "softmax" in done.stdout and "absent.so" in done.stderr


def test_rules_and_names_that_are_wrong(tmp_path):
    """A rule that fills the empty handle that it was given, and a name that is no identifier."""
    library = build(tmp_path, 1, "plugin_operations.c")
    status, _, err = run(
        "import mlx.core as mx; f = mx.plugins.softplus; mx.grad(lambda t: f(t).sum())(mx.ones(3))",
        library, tmp_path,
    )  # fmt: skip
    assert status and "[softplus] a rule of it failed: [" in err and "empty handle" in err
    library = build(tmp_path, 2, "plugin_operations.c")
    status, _, err = run("import mlx.core as mx; mx.plugins.softplus", library, tmp_path)
    assert status and "'soft-plus': a name has letters, digits and _" in err


def test_no_operations(tmp_path):
    program = "import mlx.core as mx; print(dir(mx.plugins)); mx.plugins.softplus"
    status, out, err = run(program, "", tmp_path)
    assert status and out == "[]\n" and "no plug-in has added an operation 'softplus'" in err


def test_an_error_before_is_not_an_error_of_the_name(tmp_path):
    program = """
import mlx.core as mx
try:
    mx.ones(3).reshape(2, 2)
except ValueError:
    pass
assert not hasattr(mx.plugins, "softplus") and not hasattr(mx.plugins, "__path__")
assert dir(mx.plugins) == []
"""
    status, out, err = run(program, "", tmp_path)
    assert not status, err
