"""What the programs of examples/python share: options, pictures, batches."""

import gzip
import re
import resource
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from examples import EXAMPLES, pictures, program, samples


def ran(*command):
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, cwd=EXAMPLES
    )


@pytest.mark.parametrize(
    "option, value, words",
    [
        ("--steps", "0", "expected a whole number above 0, got 0"),
        ("--steps", "-3", "expected a whole number above 0, got -3"),
        ("--steps", "many", "expected a whole number above 0, got many"),
        ("--rate", "nan", "expected a number above 0, got nan"),
        ("--seed", "-1", "expected a whole number from 0, got -1"),
        ("--seed", "9" * 30, "expected a whole number from 0"),
        ("--graph", "tree", "invalid choice"),
    ],
)
def test_what_an_option_cannot_be(option, value, words):
    done = ran("methods.gcn", option, value)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_a_file_that_could_not_be_written_ends_the_program_before_its_work(tmp_path):
    for place in (tmp_path / "none" / "flow.png", tmp_path, tmp_path / "flow.jpeg"):
        done = ran("generative.flow", "--output", str(place))
        assert done.returncode == 1 and str(place) in done.stderr and "ms a step" not in done.stderr


def test_what_is_read_is_not_written(tmp_path):
    path = tmp_path / "in.png"
    pictures.write_png(path, np.zeros((8, 8), np.uint8))
    before = path.read_bytes()
    (tmp_path / "again.png").symlink_to(path)
    for output in (path, tmp_path / "again.png"):
        for words in (
            ["methods.kmeans", "--image", path],
            ["vision.sam", "--model", tmp_path, "--point", "1,1", path],
            ["generative.stable_diffusion", "--model", tmp_path, "--image", path, "a cat"],
            ["speech.whisper", "--model", tmp_path, path],
        ):
            said = program(*words, "--output", output)
            assert "is a file that is read" in said and said.count("\n") == 1, said
    assert path.read_bytes() == before


def test_a_full_disk_leaves_the_picture_that_was_there(tmp_path):
    path = tmp_path / "out.png"
    pictures.write_png(path, np.zeros((8, 8), np.uint8))
    before = path.read_bytes()
    words = "methods.gaussian_process --steps 1 --points 9 --output".split()
    done = subprocess.run(
        [sys.executable, "-m", *words, str(path)],
        capture_output=True,
        text=True,
        cwd=EXAMPLES,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)),
    )
    assert done.returncode == 1 and f"{path}: File too large" in done.stderr, done.stderr
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == [path.name]


def test_missing_data_is_named(tmp_path):
    done = ran("methods.pca", "--data", str(tmp_path), "--output", str(tmp_path / "pca.png"))
    assert done.returncode == 1 and "train-images-idx3-ubyte.gz is missing" in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command, words",
    [
        (["language.language_model", "--text", "/dev/null"], "a text of 0 bytes is too short"),
        (["language.language_model", "--text", "/nowhere"], "/nowhere: No such file"),
        (["vision.cifar_resnet", "--full", "/nowhere"], "/nowhere lacks data_batch_1.bin"),
        (["methods.kmeans", "--image", "/nowhere"], "/nowhere: No such file"),
        (["methods.kmeans", "--image", __file__], "images that are no plain JPEG files|no image"),
        (["methods.kmeans", "--image", __file__, "--colours", "999"], "more than 256"),
        (["generative.ddpm", "--width", "12"], "--width 12: expected a multiple of 8"),
        (["generative.gan", "--width", "1"], "--width 1: expected a multiple of 3"),
    ],
)
def test_data_end_a_program_in_a_sentence(command, words):
    done = ran(*command)
    assert done.returncode == 1 and re.search(words, done.stderr), done.stderr
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1


def idx(*shape, of=0):
    data = np.full(shape, of, np.uint8).tobytes()
    return gzip.compress(
        bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data
    )


@pytest.mark.parametrize(
    "name, data, words",
    [
        ("train-labels-idx1", idx(4, of=77), "a label is 77"),
        ("t10k-labels-idx1", idx(4, of=77), "a label is 77"),
        ("t10k-labels-idx1", idx(3), "different numbers of samples"),
        ("train-images-idx3", idx(4, 28, 28)[:-9], "ended before"),
        ("train-images-idx3", gzip.compress(gzip.decompress(idx(4, 28, 28))[:-9]), "bytes of"),
        ("train-images-idx3", idx(4, 27, 28), "images are (N, 28, 28)"),
        ("train-images-idx3", b"no archive", "is no IDX file"),
    ],
)
def test_broken_mnist_ends_a_program_in_a_sentence(tmp_path, name, data, words):
    (tmp_path / "mnist").mkdir()
    for part in ("train", "t10k"):
        for kind, shape in (("images-idx3", (4, 28, 28)), ("labels-idx1", (4,))):
            (tmp_path / "mnist" / f"{part}-{kind}-ubyte.gz").write_bytes(idx(*shape))
    images, labels, _, test = samples.mnist(tmp_path)
    assert images.shape == (4, 28, 28) and labels.tolist() == test.tolist() == [0] * 4
    (tmp_path / "mnist" / f"{name}-ubyte.gz").write_bytes(data)
    for command in ("vision.mnist_mlp", "vision.mnist_trainer"):
        said = program(command, "--data", tmp_path)
        assert words in said and said.count("\n") == 1, said


@pytest.mark.parametrize("name, rate", [("linear_regression", "1e9"), ("gaussian_process", "1e6")])
def test_what_is_no_number_is_no_result(tmp_path, name, rate):
    words = ["--output", str(tmp_path / "x.png")] if name == "gaussian_process" else []
    done = ran(f"methods.{name}", "--rate", rate, *words)
    assert done.returncode == 1 and not done.stdout, done.stdout
    assert "the steps were too large" in done.stderr and "Traceback" not in done.stderr


def test_the_first_program_needs_nothing_but_mlx(tmp_path):
    """`make demo` is the first that a new machine runs: a bare one, without NumPy."""
    (tmp_path / "text").write_text("To be, or not to be. " * 100)
    words = [
        "--text",
        str(tmp_path / "text"),
        "--steps",
        "1",
        "--output",
        str(tmp_path / "x.safetensors"),
    ]
    start = f"import runpy, sys; sys.modules['numpy'] = None; sys.argv[1:] = {words}; "
    start += "runpy.run_module('language.language_model', run_name='__main__', alter_sys=True)"
    done = subprocess.run(
        [sys.executable, "-c", start], capture_output=True, text=True, cwd=EXAMPLES
    )
    assert done.returncode == 0 and (tmp_path / "x.safetensors").is_file(), done.stderr


def test_mistakes_of_a_program_keep_their_traceback():
    program = "import common; common.arguments('x'); [][0]"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=EXAMPLES
    )
    assert done.returncode == 1 and "Traceback" in done.stderr and "IndexError" in done.stderr


def pixels(path):
    """Of a PNG file as write_png makes it."""
    data, at, parts = path.read_bytes(), 8, b""
    while at < len(data):
        (size,), name = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            name + body
        )
        if name == b"IHDR":
            width, height, depth, kind = struct.unpack(">IIBB", body[:10])
        parts += body if name == b"IDAT" else b""
        at += 12 + size
    assert depth == 8
    rows = np.frombuffer(zlib.decompress(parts), np.uint8).reshape(height, -1)
    return rows[:, 1:].reshape(height, width, 3 if kind == 2 else 1)


def test_image_grid(tmp_path):
    images = np.linspace(0, 1, 5 * 2 * 3).reshape(5, 2, 3)
    pictures.write_png(tmp_path / "grid.png", pictures.image_grid(images, 2))
    grid = pixels(tmp_path / "grid.png")[..., 0]
    assert grid.shape == (6, 6) and not grid[4:, 3:].any()
    np.testing.assert_array_equal(grid[2:4, 3:], np.round(255 * images[3]))
    colours = pictures.image_grid(np.full((3, 2, 2, 3), [0, 0.5, 7]), 3)
    assert colours.shape == (2, 6, 3) and colours[0, 0].tolist() == [0, 128, 255]


def test_plot(tmp_path):
    from plot import BLACK, BLUE, Plot

    plot = Plot((0, 0), (10, 10), 101, 101)
    plot.band([2, 8], [1, 1], [3, 3], colour=(9, 9, 9))
    plot.line([0, 10, float("nan")], [0, 10, 5], BLUE, radius=0)
    plot.points([5, 1e300, float("inf")], [9, 0, 0], BLACK, radius=1)
    plot.write(tmp_path / "plot.png")
    seen = pixels(tmp_path / "plot.png")
    assert seen[80, 50].tolist() == [9, 9, 9] and seen[80, 10].tolist() == [255] * 3
    assert all(seen[100 - i, i].tolist() == list(BLUE) for i in range(101))
    assert seen[10, 50].tolist() == list(BLACK) == seen[11, 50].tolist()


def test_batches():
    x = np.arange(10)
    seen = [a.tolist() for a, b in samples.batches(4, x, x, random=np.random.default_rng(0))]
    assert len(seen) == 2 and len({n for batch in seen for n in batch}) == 8
    with pytest.raises(SystemExit, match="more than the 10 examples"):
        list(samples.batches(11, x, random=np.random.default_rng(0)))
