"""Settings of the environment: what makes no sense is an error of the import that lists what there
is."""

import os
import subprocess
import sys
import sysconfig

import pytest


def run(
    code="import mlx.core as mx; print(mx.default_device(), (mx.ones(2) + 1).tolist())", **settings
):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("MLX_CPU_ISA", "bogus", "MLX_CPU_ISA is 'bogus', but this processor has: "),
        (
            "MLX_NUM_THREADS",
            "abc",
            "MLX_NUM_THREADS is 'abc', but it should be a number of threads",
        ),
        ("MLX_NUM_THREADS", "3x", "MLX_NUM_THREADS is '3x'"),
        ("MLX_NUM_THREADS", "-1", "MLX_NUM_THREADS is '-1'"),
    ],
)
def test_refused(name, value, message):
    done = run(**{name: value})
    assert done.returncode == 1
    assert f"ImportError: [environment] {message}" in done.stderr


@pytest.mark.parametrize(
    "settings", [{"MLX_CPU_ISA": ""}, {"MLX_NUM_THREADS": "0"}, {"MLX_NUM_THREADS": "1"}]
)
def test_taken(settings):
    assert run(**settings).stdout == "Device(cpu, 0) [2.0, 2.0]\n"


def test_the_sets_that_are_listed_work():
    listed = run(MLX_CPU_ISA="?").stderr.strip().split("this processor has: ")[1].rstrip(".")
    for name in listed.split(", "):
        assert run(MLX_CPU_ISA=name).stdout == "Device(cpu, 0) [2.0, 2.0]\n"


def test_a_gpu_that_is_the_cpu_is_the_default_device():
    assert run(MLX_GPU_ON_CPU="1").stdout == "Device(gpu, 0) [2.0, 2.0]\n"
    assert run(MLX_GPU_ON_CPU="0").stdout == "Device(cpu, 0) [2.0, 2.0]\n"


def test_captures_of_metal_do_nothing():
    code = "import mlx.core as mx; mx.metal.start_capture('a.gputrace'); mx.metal.stop_capture(); print(mx.metal.is_available())"
    assert run(code).stdout == "False\n"


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="not a free-threaded interpreter"
)
def test_a_free_threaded_interpreter_turns_the_gil_on():
    done = run("import sys, mlx.core; print(sys._is_gil_enabled())", PYTHON_GIL="")
    assert done.stdout == "True\n"
    assert (
        "RuntimeWarning: The global interpreter lock (GIL) has been enabled to load module 'mlx.core'"
        in done.stderr
    )
    done = run(PYTHON_GIL="0")
    assert done.returncode == 1
    assert "ImportError: mlx.core needs the GIL" in done.stderr


ISOLATED = """
import sys
import sysconfig
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
other = interpreters.create()
try:
    why = interpreters.run_string(other, "import mlx.core")
except Exception as error:
    why = error
print(why, file=sys.stderr)
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="all interpreters of a process share a GIL")
def test_isolated_subinterpreters_refuse_the_import():
    for before in "", "import mlx.core":
        done = run(before + ISOLATED)
        assert done.returncode == 0
        assert "module mlx.core does not support loading in subinterpreters" in done.stderr
