#!/usr/bin/env python3
"""No source file over 800 lines, no file at all over 256 KiB (a core dump, a model, a recording),
and nothing in src/ ends the process of its host."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "include", "cli", "bindings", "tests", "bench", "examples", "tools")
SUFFIXES = (".c", ".h", ".def", ".inc", ".py", ".sh", ".ex", ".exs")
LIMIT = 800
MOST_BYTES = 256 << 10
ENDS = re.compile(r"(?<![\w.>])(abort|exit|_exit|_Exit|quick_exit|assert)\s*\(")
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)


def blank(match):
    """A comment or string as empty lines, so that line numbers stay."""
    return "\n" * match.group(0).count("\n")


def faults_of(path):
    text = path.read_text()
    lines = text.count("\n")
    if lines > LIMIT:
        yield f"{lines} lines, {LIMIT} are the limit"
    if path.relative_to(ROOT).parts[0] == "src":
        for number, line in enumerate(COMMENT.sub(blank, text).splitlines(), 1):
            found = ENDS.search(line)
            if found:
                yield f"line {number} calls {found.group(1)}"


def large_files():
    """Of those that git has; in a folder without git there is nothing to ask."""
    command = ["git", "-C", ROOT, "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True).stdout.split("\0")
    except FileNotFoundError:
        listed = []
    for path in filter(Path.is_file, (ROOT / name for name in listed if name)):
        if path.stat().st_size > MOST_BYTES:
            yield f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes, {MOST_BYTES} are the limit"


def main():
    files = [p for f in FOLDERS for p in sorted((ROOT / f).rglob("*")) if p.suffix in SUFFIXES]
    faults = [f"{p.relative_to(ROOT)}: {why}" for p in files for why in faults_of(p)]
    faults += large_files()
    print("\n".join(faults + [f"{len(files)} files, {len(faults)} faults"]))
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
