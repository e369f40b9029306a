#!/usr/bin/env python3
"""Write the manual in one file of Markdown: every name of the Python package, every C function.

make_manual.py package-folder include/mlx/c > manual.md
"""

import re
import sys
import tempfile
from pathlib import Path


def plain(text):
    """A page of the site without what only Sphinx reads, its headings two levels lower."""
    text = re.sub(r"^---\n.*?^---\n", "", text, flags=re.S | re.M)
    text = re.sub(r"^\[Reference\].*\n", "", text, flags=re.M)
    text = re.sub(
        r"^```\{\w+:\w+\} (.*)\n(?::no-index:\n)?```\n", r"```text\n\1\n```\n", text, flags=re.M
    )
    return re.sub(r"^(#+) ", r"##\1 ", text, flags=re.M)


def main(package, include):
    sys.path.insert(0, package)
    import catalog
    import pages_c
    import pages_python

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages_python.write(folder / "python")
        pages_c.write(folder / "c", include, catalog.rows(Path(package) / "mlx/bin/mlx"))
        print("# Manual\n\n## Python\n")
        for path in sorted((folder / "python").rglob("*.md")):
            if path.name != "index.md":
                print(plain(path.read_text()))
        print("## C\n")
        for path in sorted((folder / "c").glob("*.md")):
            if path.name != "index.md":
                print(plain(path.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
