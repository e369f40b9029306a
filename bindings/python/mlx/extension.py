"""Extension modules that are built with CMake against this package, from a setup.py:

    from mlx import extension
    from setuptools import setup

    setup(name="fast_things", packages=["fast_things"],
          ext_modules=[extension.CMakeExtension("fast_things._core")],
          cmdclass={"build_ext": extension.CMakeBuild})

The project's CMakeLists.txt says find_package(MLXC) and links mlxc, the C library; modules for the
C++ interface of the original cannot be built, as there is none here.
"""

import os
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
from setuptools import Extension
from setuptools.command.build_ext import build_ext

__all__ = ["CMakeBuild", "CMakeExtension"]

# Headers and the library lie beside the compiled module, also where the package is installed
# editable.
_MLX_PATH = str(Path(mx.__file__).absolute().parent)


class CMakeExtension(Extension):
    """A module that a CMakeLists.txt builds.

    Args:
        name: The module's name, with its packages in front.
        sourcedir: The folder of the CMakeLists.txt; by default the one that setup.py runs in.

    Example:
        >>> extension.CMakeExtension("fast_things._core", "native").name
        'fast_things._core'
    """

    def __init__(self, name: str, sourcedir: str = "") -> None:
        super().__init__(name, sources=[])
        self.sourcedir = os.fspath(Path(sourcedir).resolve())


class CMakeBuild(build_ext):
    """Configures and builds each CMakeExtension, and installs it where setuptools wants it.

    CMAKE_ARGS of the environment is passed on; CMAKE_BUILD_PARALLEL_LEVEL says how many jobs run.

    Args:
        dist: What is built; setup() gives it.
        kw: Options of the command, by name.

    Example:
        >>> from setuptools import Distribution
        >>> native = extension.CMakeExtension("fast_things._core", "native")
        >>> build = extension.CMakeBuild(Distribution({"ext_modules": [native]}))
    """

    def build_extension(self, ext) -> None:
        if not isinstance(ext, CMakeExtension):
            super().build_extension(ext)
            return
        target = (Path.cwd() / self.get_ext_fullpath(ext.name)).parent.resolve()
        build = Path(self.build_temp) / ext.name
        build.mkdir(parents=True, exist_ok=True)
        prefix = os.pathsep.join(filter(None, [_MLX_PATH, os.environ.get("CMAKE_PREFIX_PATH")]))
        options = [
            f"-DCMAKE_INSTALL_PREFIX={target}",
            f"-DCMAKE_LIBRARY_OUTPUT_DIRECTORY={target}",
            f"-DCMAKE_BUILD_TYPE={'Debug' if self.debug else 'Release'}",
            f"-DCMAKE_PREFIX_PATH={prefix.replace(os.pathsep, ';')}",
            f"-DPython_EXECUTABLE={sys.executable}",
            "-DBUILD_SHARED_LIBS=ON",
            *os.environ.get("CMAKE_ARGS", "").split(),
        ]
        subprocess.run(["cmake", ext.sourcedir, *options], cwd=build, check=True)
        subprocess.run(["cmake", "--build", ".", "--parallel"], cwd=build, check=True)

    def run(self) -> None:
        super().run()
        if self.inplace:  # libraries beside the module go where the module is used
            self.copy_extensions_to_source()
