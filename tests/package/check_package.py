#!/usr/bin/env python3
"""Install into an empty folder, then build and run the README's program as its readers would: with
pkg-config (and -lmlx, as programs for mlx-c do), with find_package(MLXC) and find_package(MLX), and
with the static library where that was built. The program `mlx` finds its library, and its manual
page lies where man looks.

    check_package.py build-folder
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(reader C)
find_package(MLXC 0.6 REQUIRED)
add_executable(program program.c)
target_link_libraries(program mlxc)
find_package(MLX 0.31 CONFIG REQUIRED)
add_executable(other program.c)
target_link_libraries(other mlx)
if(TARGET mlxc_static)
    add_executable(static program.c)
    target_link_libraries(static mlxc_static)
endif()
"""
EXPECTED = "array([[0.0900306, 0.489457, 1.99572],"


def run(*command, **env):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})
    if done.returncode:
        raise SystemExit(
            f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def with_pkg_config(folder, prefix):
    (config,) = prefix.glob("lib*/**/pkgconfig")
    version = run("pkg-config", "--modversion", "mlxc", PKG_CONFIG_PATH=str(config)).strip()
    if version != "0.6.0":
        raise SystemExit(f"pkg-config says version {version}")
    outputs = []
    for name, more in (("mlxc", ["-lmlx"]), ("mlxc-static", [])):
        if (config / f"{name}.pc").exists():
            flags = run(
                "pkg-config", "--cflags", "--libs", name, PKG_CONFIG_PATH=str(config)
            ).split()
            program = folder / f"with-{name}"
            run(
                os.environ.get("CC", "cc"),
                str(folder / "program.c"),
                *flags,
                *more,
                "-o",
                str(program),
            )
            outputs.append(run(str(program), LD_LIBRARY_PATH=str(config.parent) if more else ""))
    return outputs


def with_cmake(folder, prefix):
    (folder / "CMakeLists.txt").write_text(PROJECT)
    run(
        "cmake",
        "-G",
        "Ninja",
        "-S",
        str(folder),
        "-B",
        str(folder / "build"),
        f"-DCMAKE_PREFIX_PATH={prefix}",
    )
    run("cmake", "--build", str(folder / "build"))
    programs = [folder / "build" / name for name in ("program", "other", "static")]
    return [run(str(p)) for p in programs if p.exists()]


def use_program(prefix):
    """By its own path alone."""
    version = run(str(prefix / "bin" / "mlx"), "--version", LD_LIBRARY_PATH="")
    (page,) = prefix.glob("share/man/man1/mlx.1")
    if not version.startswith("mlx ") or not page.read_text().startswith(".TH MLX 1"):
        raise SystemExit(f"the program says {version}")


def main():
    if not shutil.which("pkg-config"):
        return 77
    (text,) = re.findall(r"```c\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    with tempfile.TemporaryDirectory() as name:
        folder, prefix = Path(name), Path(name) / "prefix"
        (folder / "program.c").write_text(text)
        run("cmake", "--install", sys.argv[1], "--prefix", str(prefix))
        use_program(prefix)
        outputs = with_pkg_config(folder, prefix) + with_cmake(folder, prefix)
    for out in outputs:
        print(out)
    return 0 if all(out.startswith(EXPECTED) for out in outputs) else 1


if __name__ == "__main__":
    sys.exit(main())
