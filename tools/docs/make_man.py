#!/usr/bin/env python3
"""Write the manual pages: mlx(1), mlx-<command>(1), and one of section 3 for each function of the headers, with what the catalog says of it.

make_man.py mlx-program include/mlx/c out-folder
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import catalog
import contracts
import headers

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from versions import version

SOURCE = f"cmlx {version()}"


def output(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def commands(program, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mlx.1").write_text(output(program, "help", "--man"))
    for row in json.loads(output(program, "help", "--json"))["commands"]:
        name = row["name"]
        (folder / f"mlx-{name}.1").write_text(output(program, "help", "--man", name))


def roff(text):
    """Plain text: backslashes, hyphens, and what would begin a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.M)


def prose(comment):
    """Paragraphs; indented ones are programs."""
    out = []
    for part in re.split(r"\n\s*\n", comment):
        lines = part.split("\n")
        program = next((k for k, line in enumerate(lines) if line.startswith("    ")), None)
        words, code = lines[:program], lines[program:] if program is not None else []
        if words:
            out.append(roff("\n".join(words)))
        if code:
            out.append(".nf\n" + roff("\n".join(code)) + "\n.fi")
    return "\n.PP\n".join(out)


def brief(comment):
    """What stands before the first sign that ends something, outside of parentheses."""
    text = " ".join(comment.split("\n\n")[0].split())
    ends = (text[: m.start()] for m in re.finditer(r"(?<=[.;:])(?<!\.\.\.)(?<! al\.)\s", text))
    whole = (part for part in ends if part.count("(") <= part.count(")"))
    return next(whole, text).rstrip(".;:")


def prototype(text):
    """A declaration over several lines, where it is long."""
    start, inside = text.split("(", 1)
    parts = headers.split(inside[: inside.rindex(")")])
    one = f"{start}({', '.join(parts)});"
    if len(one) <= 72:
        return roff(one)
    return roff(f"{start}(\n    " + ",\n    ".join(parts) + ");")


def entries(rows):
    """Parameters with what is said of them."""
    return [f".TP\n.I {', '.join(names)}\n{plain(sentence)}" for names, sentence in rows]


def plain(sentence):
    return roff(sentence.replace("`", ""))


def bullets(sentences):
    return [f".IP \\(bu 2\n{plain(sentence)}" for sentence in sentences]


def page(entry, header, section, found):
    name = entry.name
    c = contracts.contract(found, header, entry)
    near = [n for n in section if n != name][:12]
    parts = {
        "NAME": [f"{name} \\- {plain(brief(c.words))}"],
        "LIBRARY": [r"libmlxc (\fB\-lmlxc\fR)"],
        "SYNOPSIS": [".nf", f"#include <mlx/c/{header.name}>", "", prototype(entry.text), ".fi"],
        "DESCRIPTION": [prose(c.words.replace("`", ""))],
        "ARGUMENTS": entries(c.takes),
        "RESULT": [*([plain(c.result)] if c.result else []), *entries(c.gives)],
        "RETURN VALUE": [plain(" ".join(c.returns))],
        "ERRORS": bullets(c.refuses or ["none: it always succeeds"]),
        "SEE ALSO": [",\n".join(f".BR {n} (3)" for n in near)],
    }
    out = [f'.TH "{name.upper()}" 3 "" "{SOURCE}" "Library functions"']
    for title, lines in parts.items():
        if any(lines):
            out += [f".SH {title}", *lines]
    return "\n".join(out) + "\n"


def sections(header):
    """(functions, names) of each part of a header."""
    part = []
    for entry in [*header.entries, headers.Entry("section", "", "", "")]:
        if entry.kind == "section":
            yield part, [e.name for e in part]
            part = []
        elif entry.kind == "function":
            part.append(entry)


def functions(include, folder, found):
    """found: what catalog.rows gives."""
    folder.mkdir(parents=True, exist_ok=True)
    for header in headers.read(include):
        for part, names in sections(header):
            for k, entry in enumerate(part):
                near = [names[i] for i in range(max(0, k - 5), min(len(names), k + 6))]
                (folder / f"{entry.name}.3").write_text(page(entry, header, near, found))


def main(program, include, out):
    commands(program, Path(out) / "man1")
    functions(Path(include), Path(out) / "man3", catalog.rows(program))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
