#!/usr/bin/env python3
"""One format: C as clang-format writes it (.clang-format), Python as ruff does (pyproject.toml).

    format.py            rewrites what differs
    format.py --check    says what differs, and is 1 then

Both say what they leave to people: lines that are too long; a comment's last word alone on a line
where the one before has room; in other texts second blank lines, tabs and blanks at ends of lines.

The versions are pinned here and come from the Python registry into build/format. Where they cannot
be had: a word and 77.
"""

import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINNED = ["clang-format==19.1.7", "ruff==0.14.5"]
COLUMNS = 100
TEXTS = [
    "*.def",
    "*.inc",
    "*.md",
    "*.sh",
    "*manual.txt",
    "*CMakeLists.txt",
    "*.cmake",
    "*.json",
    "*.toml",
    "*.ex",
    "*.exs",
]
FAULT = re.compile(r"(?P<end>[ \t]+$)|(?P<tab>\t)|(?P<blank>\n\n\n)|(?P<last>[^\n]\Z)", re.M)
FAULTS = {
    "end": "blanks at the end",
    "tab": "a tab",
    "blank": "a second blank line",
    "last": "no end of the last line",
}
# "... line\n * word" or "... line\n   word */"
ALONE = re.compile(
    r"^(?P<line>[^\n]*[\w,;)'\"])\n\s*(?:\* )?(?P<word>[a-z][^\s*]*)(?P<end> \*/|\n \*/|\n \*\n)",
    re.M,
)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def formatters(folder):
    """The folder of the two programs, installed where they are missing."""
    programs, done = folder / "bin", folder / "-".join(PINNED).replace("==", "_")
    if done.exists():
        return programs
    try:
        venv.create(folder, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError):
        skip("no virtual environment can be made here (python3-venv)")
    if subprocess.run([programs / "pip", "install", "--quiet", *PINNED]).returncode:
        skip("pip cannot install " + ", ".join(PINNED))
    done.touch()
    return programs


def tracked(*patterns):
    """Files of the repository, or of the folder where it is none; nothing that was built."""
    command = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run([*command, "--", *patterns], capture_output=True, text=True)
    if listed.returncode:
        skip("this is no git repository")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def long_lines(files):
    """Lines beyond the columns; a literal, an address or a word that cannot be cut is let be."""
    for path in files:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if len(line) > COLUMNS and " " in line.strip()[: COLUMNS // 2] and '"' not in line:
                yield f"{path.relative_to(ROOT)}:{number}: {len(line)} columns"


def number_of(text, at):
    return text.count("\n", 0, at) + 1


def words_alone(files):
    """The last word of a comment on a line of its own, where it fits on the one before."""
    for path in files:
        text = path.read_text()
        for m in ALONE.finditer(text):
            end = 0 if m["end"].startswith("\n") else 3
            comment = text.rfind("/*", 0, m.start("word")) > text.rfind("*/", 0, m.start("word"))
            if comment and len(m["line"]) + 1 + len(m["word"]) + end <= COLUMNS - 2:
                number = number_of(text, m.start("word"))
                yield f"{path.relative_to(ROOT)}:{number}: '{m['word']}' fits above"


def text_faults(files):
    """Of what no formatter sees."""
    for path in files:
        text = path.read_text()
        for m in FAULT.finditer(text):
            yield f"{path.relative_to(ROOT)}:{number_of(text, m.start())}: {FAULTS[m.lastgroup]}"


def main(check):
    programs = formatters(ROOT / "build" / "format")
    c, python = tracked("*.c", "*.h"), tracked("*.py")
    clang = ["--dry-run", "--Werror"] if check else ["-i"]
    faults = subprocess.run([programs / "clang-format", *clang, *c]).returncode
    ruff = ["--check", "--diff"] if check else []
    faults |= subprocess.run([programs / "ruff", "format", "--quiet", *ruff, *python]).returncode
    texts = tracked(*TEXTS)
    told = [*long_lines(c + python), *words_alone(c), *text_faults(texts)]
    print("\n".join([*told, f"{len(c) + len(python) + len(texts)} files"]))
    return 1 if faults or (check and told) else 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__)
        sys.exit(sys.argv[1:] != ["--help"])
    sys.exit(main("--check" in sys.argv[1:]))
