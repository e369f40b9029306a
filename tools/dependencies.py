#!/usr/bin/env python3
"""The dependencies of this project, from the table of docs/architecture.md, which is the one list of
them.

    dependencies.py [linked|loaded|build|docs|tests ...]      sources, one a line
"""

import re
import sys
from typing import NamedTuple

from versions import ROOT

PAGE = ROOT / "docs/architecture.md"
WHEN = ("linked", "loaded", "build", "docs", "tests")


class Dependency(NamedTuple):
    what: str
    source: str  # a source package of Debian, or PyPI:project
    licence: str
    when: str
    why: str

    @property
    def registry(self):
        return "pypi" if self.source.startswith("PyPI:") else "deb"

    @property
    def name(self):
        return self.source.removeprefix("PyPI:")


def rows(text):
    part = text[text.index("\n## Dependencies\n") :]
    for line in re.findall(r"^\| (.*) \|$", part, re.M)[1:]:
        cells = line.split(" | ")
        if len(cells) != 5 or cells[3] not in WHEN:
            raise SystemExit(f"dependencies: {PAGE.name} has the row | {line} |")
        yield Dependency(*cells)


def listed(*when):
    return [row for row in rows(PAGE.read_text()) if row.when in (when or WHEN)]


if __name__ == "__main__":
    for row in listed(*sys.argv[1:]):
        print(row.source)
