"""Names where programs import them, `python -m mlx`, the console programs, and what is built
against the package."""

import importlib
import json
import os
import re
import subprocess
import sys

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest

from seeds import generator

NAMES = {
    "mlx.optimizers.optimizers": "Optimizer MultiOptimizer SGD RMSprop Adagrad AdaDelta Adam AdamW Adamax Lion Adafactor "
    "Muon clip_grad_norm tree_flatten tree_map",
    "mlx.optimizers.schedulers": "cosine_decay exponential_decay join_schedules linear_schedule step_decay",
    "mlx.nn.layers.linear": "Identity Linear Bilinear QuantizedLinear QQLinear",
    "mlx.nn.layers.embedding": "Embedding QuantizedEmbedding",
    "mlx.nn.layers.quantized": "QuantizedLinear QuantizedEmbedding QQLinear quantize",
    "mlx.nn.layers.upsample": "Upsample upsample_nearest upsample_linear upsample_cubic",
    "mlx.nn.init": "_calculate_fan_in_fan_out",
    "mlx.extension": "CMakeExtension CMakeBuild",
    "mlx._distributed_utils.common": "Host Hostfile positive_number log log_warning log_error",
    "mlx._distributed_utils.launch": "main",
    "mlx._distributed_utils.config": "main",
}


@pytest.mark.parametrize("module", NAMES)
def test_where_they_are(module):
    found = importlib.import_module(module)
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


def test_one_class_by_two_names():
    assert optim.optimizers.Adam is optim.Adam
    assert importlib.import_module("mlx.nn.layers.linear").QuantizedLinear is nn.QuantizedLinear
    assert nn.init._calculate_fan_in_fan_out(mx.zeros((8, 3, 5, 2))) == (30, 120)


def test_upsample_functions():
    upsample = importlib.import_module("mlx.nn.layers.upsample")
    x = mx.array(generator(0).normal(size=(1, 4, 3, 2)).astype(np.float32))
    for mode in ("nearest", "linear", "cubic"):
        found = getattr(upsample, f"upsample_{mode}")(x, (2.0, 1.5))
        assert mx.array_equal(found, nn.Upsample((2.0, 1.5), mode)(x)).item() and found.shape == (
            1,
            8,
            4,
            2,
        )


def run(*arguments, status=0, folder=None, **variables):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **variables},
        timeout=300,
    )
    assert done.returncode == status, done.stderr
    return done


def test_main():
    library, package = run("mlx", "--version").stdout.splitlines()
    assert re.fullmatch(r"mlx \d+\.\d+\.\d+ \(interface of MLX .*\)", library)
    assert package == f"Python package: MLX {mx.__version__}" and mx.__version__ == "0.32.4"
    folder = run("mlx", "--cmake-dir").stdout.strip()
    assert run("mlx", "--version", "--cmake-dir").stdout.splitlines() == [library, package, folder]
    assert os.path.isfile(os.path.join(folder, "include", "mlx", "c", "mlx.h"))
    assert os.path.isfile(os.path.join(folder, "share", "cmake", "MLXC", "MLXCConfig.cmake"))


def test_program():
    """Everything else is what the program `mlx` answers, with its status."""
    assert json.loads(run("mlx", "devices", "--json").stdout)["devices"][0]["type"] == "cpu"
    assert "devices" in run("mlx").stdout and "devices" in run("mlx", "--help").stdout
    assert "did you mean 'devices'" in run("mlx", "devises", status=2).stderr
    assert "No such file" in run("mlx", "info", "no file", status=1).stderr


# --- mlx.launch, mlx.distributed_config
# -------------------------------------------------------------------

LAUNCH = "mlx._distributed_utils.launch"
CONFIG = "mlx._distributed_utils.config"
PROGRAM = """
import json, os, sys
import mlx.core as mx
group = mx.distributed.init()
ring = json.load(open(os.environ["MLX_HOSTFILE"])) if "MLX_HOSTFILE" in os.environ else None
print(json.dumps([os.environ["MLX_RANK"], os.environ["MLX_WORLD_SIZE"], os.environ.get("MORE"), ring, group.size(),
                  sys.argv[1:]]))
"""


def test_launch(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    done = run(
        LAUNCH,
        "-n",
        3,
        "--env",
        "MORE=a=b",
        "--starting-port",
        5000,
        "--",
        "program.py",
        "--steps",
        "2",
        folder=tmp_path,
    )
    rows = sorted(json.loads(line) for line in done.stdout.splitlines())
    ring = [[f"127.0.0.1:{5000 + i}"] for i in range(3)]
    assert rows == [[str(rank), "3", "a=b", ring, 1, ["--steps", "2"]] for rank in range(3)]
    assert "group of one" in done.stderr
    alone = run(LAUNCH, "--backend", "mpi", "program.py", folder=tmp_path)
    assert json.loads(alone.stdout)[3] is None and not alone.stderr
    assert run(LAUNCH, "--print-python").stdout.strip() == sys.executable


def test_launch_fails_as_the_program_does(tmp_path):
    """One that fails ends those that would wait for it."""
    (tmp_path / "program.py").write_text(
        "import os, sys, time\nsys.exit(7) if os.environ['MLX_RANK'] == '1' else time.sleep(600)\n"
    )
    done = run(LAUNCH, "-n", 2, "program.py", status=7, folder=tmp_path)
    assert "rank 1 ended with status 7" in done.stderr


@pytest.mark.parametrize(
    "arguments, what",
    [
        (["--hosts", "other.example", "x"], "this machine alone"),
        ([], "no program"),
        (["-n", "0", "x"], "-n"),
        (["--env", "X", "x"], "NAME=VALUE"),
        (["no-such-program"], "cannot be started"),
        (["--hostfile", "no-such-file", "x"], "not a hostfile"),
    ],
    ids=str,
)
def test_launch_refuses(arguments, what):
    assert what in run(LAUNCH, *arguments, status=2).stderr


def test_config(tmp_path):
    path = tmp_path / "hosts.json"
    run(CONFIG, "--hosts", "localhost", "--env", "A=1", "--output-hostfile", path)
    written = json.loads(path.read_text())
    assert (
        written["backend"] == "ring" and written["envs"] == ["A=1"] and written["hosts"][0]["ips"]
    )
    (tmp_path / "program.py").write_text(PROGRAM)
    assert run(LAUNCH, "--hostfile", path, "program.py", folder=tmp_path, A="0").returncode == 0
    assert "macOS" in run(CONFIG, "--over", "thunderbolt", status=2).stderr
    assert "does not answer" in run(CONFIG, "--hosts", "no-such-host.invalid", status=1).stderr


# --- find_package(MLXC) in the package
# --------------------------------------------------------------------

CMAKE = """
cmake_minimum_required(VERSION 3.20)
project(adds C)
find_package(MLXC REQUIRED)
add_library(adds MODULE adds.c)
target_link_libraries(adds PRIVATE mlxc)
set_target_properties(adds PROPERTIES PREFIX "")
"""
SETUP = """
from mlx import extension
from setuptools import setup
setup(name="adds", ext_modules=[extension.CMakeExtension("adds")], cmdclass={"build_ext": extension.CMakeBuild})
"""


def test_extension(tmp_path):
    """A project of three files, built by its setup.py: a shared library that finds the package's
    headers and library."""
    pytest.importorskip("setuptools")
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    (tmp_path / "setup.py").write_text(SETUP)
    (tmp_path / "adds.c").write_text(
        '#include "mlx/c/mlx.h"\n'
        "int twice(mlx_array *r, mlx_array a) { return mlx_add(r, a, a, (mlx_stream){0}); }\n"
    )
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", "out"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert [path.name for path in (tmp_path / "out").glob("adds*.so")] == ["adds.so"]
