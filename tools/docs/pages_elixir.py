"""A page for each module of the Elixir package, from the documentation in its compiled modules."""

import re
import shutil
import subprocess
from pathlib import Path

import prose

HERE = Path(__file__).resolve().parent
MISSING = "This site was built without the Elixir package (`make elixir` builds it).\n"


def blocks(text):
    """Indented programs become blocks of Elixir."""

    def fence(match):
        lines = [line[4:] for line in match.group(0).strip("\n").split("\n")]
        return "\n```elixir\n" + "\n".join(lines) + "\n```\n"

    parts = re.split(r"(^```.*?^```)", text, flags=re.S | re.M)
    indented = re.compile(r"(?<=\n)\n(?:    .*\n(?:\n(?=    ))?)+")
    parts[::2] = [indented.sub(fence, part) for part in parts[::2]]
    return "".join(parts)


def write(folder, built):
    """built: the folder that has lib/mlx/ebin."""
    folder.mkdir(parents=True, exist_ok=True)
    out = [
        "# Elixir\n",
        "How the package is built and used is told in [its own page](package.md).\n",
    ]
    beams = next(Path(built).glob("lib/*/ebin"), None)
    names = []
    if beams and shutil.which("elixir"):
        subprocess.run(["elixir", HERE / "elixir_pages.exs", beams, folder], check=True)
        rows = [line.split("\t") for line in (folder / "modules").read_text().splitlines()]
        (folder / "modules").unlink()
        names = [name for name, _ in rows]
        out += ["| module | what it is |\n|---|---|"]
        out += [f"| [{name}]({name}.md) | {prose.escape(first)} |" for name, first in rows]
        for name in names:
            path = folder / f"{name}.md"
            path.write_text(blocks(path.read_text()))
    else:
        out.append(MISSING)
    out += ["\n```{toctree}\n:hidden:\n\npackage", *names, "```\n"]
    (folder / "index.md").write_text("\n".join(out))
