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


def build(folder, broken=0):
    library = folder / f"lines{broken}.so"
    subprocess.run(
        [
            CC,
            "-std=c11",
            "-shared",
            "-fPIC",
            f"-DBROKEN={broken}",
            "-I",
            str(ROOT / "include"),
            "-o",
            str(library),
            str(ROOT / "tests" / "capi" / "plugins" / "plugin_lines.c"),
        ],
        check=True,
    )
    return library


def run(program, plugins, cwd):
    env = {
        **os.environ,
        "MLX_PLUGINS": str(plugins),
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=cwd, capture_output=True, text=True
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
