#!/usr/bin/env python3
"""One format: C as clang-format writes it (.clang-format), Python as ruff does (pyproject.toml).

    format.py            rewrites what differs
    format.py --check    says what differs, and which lines are too long, and is 1 then

The versions are pinned here and come from the Python registry into build/format. Where they cannot
be had: a word and 77.
"""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINNED = ["clang-format==19.1.7", "ruff==0.14.5"]
COLUMNS = 100


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


def main(check):
    programs = formatters(ROOT / "build" / "format")
    c, python = tracked("*.c", "*.h"), tracked("*.py")
    clang = ["--dry-run", "--Werror"] if check else ["-i"]
    faults = subprocess.run([programs / "clang-format", *clang, *c]).returncode
    ruff = ["--check", "--diff"] if check else []
    faults |= subprocess.run([programs / "ruff", "format", "--quiet", *ruff, *python]).returncode
    long = list(long_lines(c + python))
    print("\n".join([*long, f"{len(c) + len(python)} files"]))
    return 1 if faults or (check and long) else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
