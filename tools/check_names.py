#!/usr/bin/env python3
"""What several files share has a prefix of CONTRIBUTING's list ("What a prefix says"), and lies in the
folders that its row names, and no two Python files of tests are called alike: one run imports them
by their names. Prints each name that is at fault; the status says whether there are any.

    check_names.py build-folder

Functions and data are read from the objects (nm), types from the headers. What a header of
kernels holds is of one instruction set and one file, and is not looked at.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import check_layers

ROOT = check_layers.ROOT
ROW = re.compile(r"^\| (`.*?`) \| (.*?) \|$", re.M)
WORD = re.compile(r"`([^`]+)`")
TYPE = re.compile(r"^(?:\} (\w+);|typedef [^{;(]*?(\w+);)", re.M)
APART = {
    "main": "the system asks for it",
    "PyInit_core": "Python asks for it",
    "nif_init": "Erlang asks for it",
    "term": "Erlang's own word for what every function of a NIF takes",
    "FN": "the name that a template is given by who includes it",
}


def places(text):
    """The folders that a row names: `src/io`, `catalog/cat.h`, which means its folder, or none."""
    found = [m for m in WORD.findall(text) if "/" in m]
    named = [p for m in found for p in (ROOT / m, ROOT / "src" / m) if p.exists()]
    return [p.parent if p.is_file() else p for p in named]


def prefixes():
    """{prefix: folders}, the longest prefix first"""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    rows = ROW.findall(page.split("## What a prefix says")[1].split("\n## ")[0])
    table = {name: places(text) for names, text in rows for name in WORD.findall(names)}
    return dict(sorted(table.items(), key=lambda row: -len(row[0])))


def symbols(build, files):
    """Each name that an object gives to others, and the file that does."""
    names = {str(path): name for path, name in check_layers.objects(build, files)}
    listing = subprocess.run(["nm", "-A", *names], capture_output=True, text=True, check=True)
    for line in listing.stdout.splitlines() if names else []:
        path, rest = line.split(":", 1)
        *_, kind, symbol = rest.split()
        if kind.isupper() and kind not in "UW":
            yield symbol, names[path]


def types(files):
    for name, path in files.items():
        if path.suffix == ".h" and not name.startswith("kernels/"):
            for match in TYPE.finditer(path.read_text()):
                yield match[1] or match[2], name


def fault(symbol, path, table):
    """Why a name may not be, or None. A type may be called as its prefix is: `lapack`."""
    prefix = next((p for p in table if f"{symbol}_".startswith(p)), None)
    if symbol in APART:
        return None
    if prefix is None:
        return "has no prefix of the list"
    homes = table[prefix]
    if homes and not any(path.is_relative_to(home) for home in homes):
        return f"{prefix} belongs to {', '.join(h.relative_to(ROOT).as_posix() for h in homes)}"
    return None


def twins():
    """Files of tests/python that another one of its name would hide."""
    paths = sorted(ROOT.glob("tests/python/**/*.py"))
    count = Counter(path.name for path in paths if path.name != "conftest.py")
    return [f"{p.relative_to(ROOT)}: its name stands twice" for p in paths if count[p.name] > 1]


def main(build):
    if not shutil.which("nm"):
        print("skipped: there is no nm")
        return 77
    files, table = dict(check_layers.sources()), prefixes()
    found = sorted({*symbols(Path(build), files), *types(files)})
    told = [(s, name, fault(s, files[name], table)) for s, name in found]
    faults = [f"{name}: {s}: {why}" for s, name, why in told if why] + twins()
    print("\n".join([*faults, f"{len(found)} names, {len(faults)} faults"]))
    return 1 if faults or not found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
