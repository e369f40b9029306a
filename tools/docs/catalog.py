"""What the catalog says of the operation that a C function is: its result and its errors."""

import json
import re
import subprocess

import headers

# Endings of functions that are one operation for several kinds of arguments.
ENDING = re.compile(r"_(axis|axes)$")
# Whose result is another one than the operation's.
OTHERWISE = {"mlx_where", "mlx_unique"}


def rows(program):
    """By the names of C functions the operations that `mlx docs` has, of overloads the first."""
    command = [program, "docs", "--json"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {}
    for row in json.loads(output)["operations"]:
        module = row["module"].removeprefix("mlx.core").strip(".")
        name = "_".join(filter(None, ["mlx", module, row["name"]]))
        found.setdefault(name, row)
    return found


def section(text, head):
    """One of a manual's sections, without types in front; further lines of an entry are joined to it."""
    found = re.search(rf"^{head}:\n((?:    .*\n?)*)", text, re.M)
    body = re.sub(r"\n {8,}", " ", found[1]) if found else ""
    return [re.sub(r"^ {4}\S[^:]*: ?", "", line).strip() for line in body.splitlines()]


def is_meant(row, entry):
    """The function gives arrays, and takes those of the operation by their names."""
    given = {name for _, name in headers.parameters(entry.text)}
    wanted = {p["name"] for p in row["parameters"] if "array" in p["type"] and "default" not in p}
    gives = re.search(r"mlx_(vector_)?array ?\*", entry.text)
    return bool(gives) and wanted <= given and entry.name not in OTHERWISE


def applies(error, entry):
    """What axes may be is no matter of a function that takes none, or one; and C has no None."""
    names = " ".join(name for _, name in headers.parameters(entry.text))
    about_axes = re.match(r"an axis|axes that are not|a place", error)
    if "None" in error or (about_axes and not re.search("ax|source", names)):
        return False
    return "twice" not in error or "axes" in names


def facts(found, entry):
    """(what it gives, what it refuses), empty where the catalog does not know the function."""
    row = found.get(entry.name) or found.get(ENDING.sub("", entry.name))
    if not row or not is_meant(row, entry):
        return "", []
    errors = "; ".join(section(row["manual"], "Raises")).split("; ")
    return " ".join(section(row["manual"], "Returns")), [
        error for error in errors if error and applies(error, entry)
    ]
