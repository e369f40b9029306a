#!/usr/bin/env python3
"""Shared libraries and programs are made so that a fault in them is hard to make use of: no page is
writable and executable, tables of the linker are read-only once it is done (RELRO, BIND_NOW),
programs may lie anywhere (PIE), functions with arrays on the stack watch its end, and the C
library's functions check lengths where they know them.

    check_hardening.py [--plain] file ...

--plain: of strangers' libraries, what concerns memory alone.
"""

import os
import re
import subprocess
import sys
from pathlib import Path


def said(file, *what):
    command = ["readelf", "--wide", *what, file]
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout


def lacking_in_memory(file):
    segments = said(file, "--program-headers")
    stack = [line.split()[-2] for line in segments.splitlines() if "GNU_STACK" in line]
    if stack != ["RW"]:
        yield "a stack that is not executable"
    for line in segments.splitlines():
        if line.strip().startswith("LOAD") and "RWE" in line:
            yield "pages that are writable or executable, not both"
    if "GNU_RELRO" not in segments:
        yield "RELRO"
    if "EXEC (" in said(file, "--file-header"):
        yield "a place that changes (PIE)"


def lacking_in_code(file):
    symbols = said(file, "--dyn-syms")
    if "__stack_chk_fail" not in symbols:
        yield "a guard of the stack"
    dynamic = said(file, "--dynamic")
    checked = "_chk@" in symbols.replace("__stack_chk_fail@", "")
    if not checked and "[libc.musl-" not in dynamic:  # musl has none
        yield "checked functions of the C library (_FORTIFY_SOURCE)"
    if not re.search(r"\b(BIND_)?NOW\b", dynamic):
        yield "BIND_NOW"
    if re.search(r"PATH\).*\[/", dynamic):
        yield "a search path that moves with it"


def main():
    plain = "--plain" in sys.argv
    bad = 0
    for file in map(Path, [word for word in sys.argv[1:] if word != "--plain"]):
        lacking = [*lacking_in_memory(file), *([] if plain else lacking_in_code(file))]
        print(f"{file.name}: " + (f"lacks {'; '.join(lacking)}" if lacking else "hardened"))
        bad |= bool(lacking)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
