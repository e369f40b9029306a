#!/usr/bin/env python3
"""Build the documentation's site.

    build.py package-folder mlx-program out-folder [--brief]

The pages of docs/ and those that are written here from the library itself (catalog, docstrings,
headers, help) are laid out in OUT/source; Sphinx makes OUT/html of them, offline, and every warning
is an error. Sphinx lies in build/docs/venv, where pip puts it once; where pip cannot, or there is
no Graphviz, a word and 77. --brief leaves out the pages of single Python names.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from versions import version

ROOT = HERE.parent.parent
VENV = ROOT / "build/docs/venv"
# Livebooks; their code and outputs are tried by bindings/elixir/test/guides_test.exs.
GUIDES = "tour", "from_python", "mnist", "language_models"
# Pages that have their place elsewhere in the project.
ELSEWHERE = {
    "CONTRIBUTING.md": "inside/contributing.md",
    "CHANGELOG.md": "inside/changelog.md",
    "examples/python/README.md": "tutorial/examples.md",
    "bindings/elixir/README.md": "reference/elixir/package.md",
    "bindings/elixir/NX.md": "elixir/nx.md",
    "bindings/elixir/WHY_NOT_EMLX.md": "elixir/why-not-emlx.md",
    **{f"bindings/elixir/guides/{name}.livemd": f"elixir/{name}.md" for name in GUIDES},
}


def linked(text, pages):
    """`docs/lm.md` becomes a link to that page."""

    def link(match):
        name = match.group(1)
        return f"[{pages[name]}](/{name})" if name in pages else match.group(0)

    parts = re.split(r"(^```.*?^```|^    .*?$)", text, flags=re.S | re.M)
    parts[::2] = [re.sub(r"(?<!\[)`(?:docs/)([\w/-]+\.md)`", link, part) for part in parts[::2]]
    return "".join(parts)


def alone(text):
    """Of a page that has its place elsewhere: links to what lies beside it there are plain words."""
    return re.sub(r"\[([^\]]+)\]\((?!\w+:|#)[^)\s]+\)", r"\1", text)


def plain(text):
    """Of a Livebook: what only Livebook reads is left out."""
    return re.sub(r"^<!-- livebook:.*-->\n\n?", "", text, flags=re.M)


def title(path):
    return re.search(r"^# (.*)$", path.read_text(), re.M).group(1).replace("`", "")


def lay_out(source):
    """The pages that people wrote."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source)
    for path, place in ELSEWHERE.items():
        (source / place).parent.mkdir(parents=True, exist_ok=True)
        (source / place).write_text(alone(plain((ROOT / path).read_text())))
    pages = {str(p.relative_to(source)): title(p) for p in source.rglob("*.md")}
    for name in pages:
        path = source / name
        path.write_text(linked(path.read_text(), pages))


def generate(source, program, brief):
    import catalog
    import pages_c
    import pages_cli
    import pages_elixir
    import pages_python

    reference = source / "reference"
    pages_python.write(reference / "python", brief)
    pages_c.write(reference / "c", ROOT / "include/mlx/c", catalog.rows(program))
    pages_cli.write(reference / "cli", program)
    pages_elixir.write(reference / "elixir", ROOT / "build/elixir/lib")


def has_sphinx():
    """In VENV, from now on if need be."""
    done, wanted = VENV / "installed", HERE / "requirements.txt"
    if done.exists() and done.stat().st_mtime >= wanted.stat().st_mtime:
        return True
    try:
        venv.create(VENV, with_pip=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    command = [VENV / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    installed = subprocess.run([*command, "-r", wanted], stdout=sys.stderr).returncode == 0
    if installed:
        done.touch()
    return installed


def sphinx(out, source):
    variables = {**os.environ, "CMLX_DOCS_TOOLS": str(HERE), "CMLX_VERSION": version()}
    command = [
        VENV / "bin/python",
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-j",
        os.environ.get("JOBS", "auto"),
        "-b",
        "html",
    ]
    return subprocess.run(
        [*command, "-d", out / "doctrees", source, out / "html"], env=variables
    ).returncode  # fmt: skip


def main(package, program, out, *options):
    if not shutil.which("dot") or not has_sphinx():
        print("skipped: no dot (graphviz), or pip cannot put Sphinx into build/docs/venv")
        return 77
    out = Path(out).resolve()
    os.environ["PYTHONPATH"] = package
    sys.path[:0] = [package, str(HERE)]
    source = out / "source"
    lay_out(source)
    generate(source, program, "--brief" in options)
    shutil.rmtree(out / "html", ignore_errors=True)
    status = sphinx(out, source)
    if status == 0:
        print(f"{len(list(source.rglob('*.md')))} pages: {out / 'html/index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
