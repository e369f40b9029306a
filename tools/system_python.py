#!/usr/bin/env python3
"""Write what a distribution's Python package has beside its modules: the metadata that pip reads,
the programs of pyproject.toml, and their manual pages. `mlx` itself is the program of the library.

    system_python.py packages-folder bin-folder man-folder
"""

import importlib
import sys
import tomllib
from pathlib import Path

from versions import ROOT, version, wheel_version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def metadata(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        "Metadata-Version: 2.1",
        f"Name: {PROJECT['name']}",
        f"Version: {wheel_version()}",
        f"Summary: {PROJECT['description']}",
        f"License: {PROJECT['license']['text']}",
        f"Requires-Python: {PROJECT['requires-python']}",
        *(f"Provides-Extra: {extra}" for extra in PROJECT["optional-dependencies"]),
    ]
    (folder / "METADATA").write_text("\n".join(rows) + "\n")
    scripts = [f"{name} = {where}" for name, where in PROJECT["scripts"].items()]
    (folder / "entry_points.txt").write_text("\n".join(["[console_scripts]", *scripts]) + "\n")
    (folder / "INSTALLER").write_text("distribution\n")


def script(path, where):
    module, function = where.split(":")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"#!/usr/bin/python3\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"
    )
    path.chmod(0o755)


def roff(text):
    return text.replace("\\", "\\e").replace("-", "\\-")


def page(path, parser):
    """The manual page of what argparse knows."""
    name = parser.prog
    out = [f'.TH "{name.upper()}" 1 "" "cmlx {version()}" "User commands"', ".SH NAME"]
    out += [f"{name} \\- {roff(parser.description.rstrip('.'))}", ".SH SYNOPSIS"]
    out += [roff(" ".join(parser.format_usage().removeprefix("usage: ").split())), ".SH OPTIONS"]
    for action in parser._actions:
        words = ", ".join(action.option_strings) or action.dest
        out += [".TP", f".B {roff(words)}", roff((action.help or "").replace("%%", "%"))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(out) + "\n")


def main(packages, programs, manual):
    sys.path.insert(0, str(ROOT / "bindings/python"))
    metadata(Path(packages) / f"mlx-{wheel_version()}.dist-info")
    for name, where in PROJECT["scripts"].items():
        if name != "mlx":
            script(Path(programs, name), where)
            parser = importlib.import_module(where.split(":")[0]).arguments()
            page(Path(manual, "man1", f"{name}.1"), parser)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
