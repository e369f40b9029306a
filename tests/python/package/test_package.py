"""What a wheel holds, put into an empty folder, works without the build machine's libraries."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = os.environ.get("MLX_TEST_BUILD")
SOURCES = Path(__file__).resolve().parents[3] / "bindings" / "python" / "mlx"
SYSTEM = re.compile(
    r"/(ld-linux.*|lib(c|m|dl|rt|pthread|gcc_s|python[\d.]*|util|resolv))\.so[.\d]*$"
)
# Where the module lies, and the libraries that came with it: the interpreter has loaded some of its
# own before.
PROGRAM = """
def libraries():
    return {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line and "r-xp" in line}
before = libraries()
import mlx.core as mx
values = mx.linalg.eigvalsh(mx.array([[2.0, 1], [1, 2]]), stream=mx.cpu).tolist()
print(mx.__file__, *values, *sorted(libraries() - before), sep="\\n")
"""


def use_program(package, variables):
    """It runs with the libraries that the package carries."""
    program = package / "bin" / "mlx"
    out = subprocess.run(
        [program, "devices"], check=True, capture_output=True, env=variables
    ).stdout
    assert out.startswith(b"Type")
    out = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    found = [os.path.normpath(path) for path in re.findall(r"=> (/\S+)", out)]
    assert [
        path for path in found if not SYSTEM.search(path) and not path.startswith(str(package))
    ] == []


@pytest.mark.skipif(not BUILD or platform.system() != "Linux", reason="needs a build folder")
def test_wheel_carries_its_libraries(tmp_path):
    subprocess.run(
        ["cmake", "--install", BUILD, "--component", "python", "--prefix", tmp_path], check=True
    )
    package = tmp_path / "mlx"
    shutil.copytree(SOURCES, package, dirs_exist_ok=True)
    variables = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    out = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        env={**variables, "PYTHONPATH": str(tmp_path)},
    ).stdout.split()
    assert Path(out[0]).parent == package
    assert [round(float(x), 5) for x in out[1:3]] == [1, 3]
    loaded = [path for path in out[3:] if not SYSTEM.search(path) and "lib-dynload" not in path]
    assert any(Path(path).name.startswith("libmlxc") for path in loaded)
    assert [path for path in loaded if not path.startswith(str(package))] == []
    use_program(package, variables)
    names = [path.name for path in package.iterdir()]
    assert (package / "include" / "mlx" / "c" / "mlx.h").is_file()
    assert "libmlxc.so" in (package / "share" / "cmake" / "MLXC" / "MLXCConfig.cmake").read_text()
    assert not any("openblas" in name for name in names)
    assert {path.name.split("-")[0] for path in (package / "libs").glob("lib*")} >= {
        "libjansson",
        "libzip",
        "libutf8proc",
        "libpcre2",
    }
