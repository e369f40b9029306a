"""The public surface against python_api_0.32.4.json: every name, every member of a class, every
signature.

The file is looked for in $MLX_TEST_API and in shared/api of the folders above the project; without
it the test is skipped. api_missing.txt lists what need not be there yet, a name or `name()` for a
signature; it is to be empty.
"""

import ast
import importlib
import inspect
import json
import os
import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ALLOWED = (
    set((HERE / "api_missing.txt").read_text().split())
    if (HERE / "api_missing.txt").exists()
    else set()
)

# Signatures that here say more than there.
BETTER = {
    "mlx.core.load": ["(file, /, format=None, return_metadata=False, *, mmap=False, stream=None)"],
    "mlx.core.arange": [
        "(start, stop, step=None, dtype=None, *, stream=None)",
        "(stop, step=None, dtype=None, *, stream=None)",
    ],
    # there, too, they are taken by position
    "mlx.core.count_nonzero": ["(a, /, axis=None, keepdims=False, *, stream=None)"],
    "mlx.core.asarray": ["(a, dtype=None, *, copy=None, device=None)"],
    "mlx.core.std": ["(a, /, axis=None, keepdims=False, ddof=0, *, correction=None, stream=None)"],
    "mlx.core.unique": [
        "(a, /, size=None, return_index=False, return_inverse=False, return_counts=False, fill_value=None, "
        "*, equal_nan=None, stream=None)"
    ],
    "mlx.core.var": ["(a, /, axis=None, keepdims=False, ddof=0, *, correction=None, stream=None)"],
    "mlx.core.where": ["(condition, x, y, /, *, stream=None)", "(condition, /, *, stream=None)"],
    "mlx.nn.Module.set_dtype": ["(self, dtype, predicate=<lambda>)"],
}
# Made by the tool that wraps the original's C++.
NO_MEMBERS = {"__nb_enum__"}


def interface():
    places = [os.environ.get("MLX_TEST_API")] + [p / "shared" / "api" for p in HERE.parents]
    for place in filter(None, places):
        path = (
            Path(place) if str(place).endswith(".json") else Path(place) / "python_api_0.32.4.json"
        )
        if path.is_file():
            return json.loads(path.read_text())
    return None


API = interface()
if API is None:
    pytest.skip("python_api_0.32.4.json is not here", allow_module_level=True)


def split(text, separator):
    """Parts of text between separators outside brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([{<":
            depth += 1
        elif c in ")]}" or (c == ">" and text[i - 1] != "-"):
            depth -= 1
        elif c == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def literal(text):
    """A default as it is compared: a number or string by value, a name without its module."""
    text = text.strip()
    if text.startswith("<"):  # <Enum.member: 3>, <function name at ...>
        text = re.split(r"[:\s]", text.strip("<>"))[0 if "." in text.split(":")[0] else 1]
    try:
        return repr(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text.split(".")[-1]


def plain(part):
    """One parameter without its type."""
    name, *default = split(part, "=")
    name = split(name, ":")[0].strip()
    return name + (f"={literal('='.join(default))}" if default else "")


def parameters(text):
    """name(a: array, /, b: int = 3) -> array  becomes  (a, /, b=3)."""
    inner = text[text.index("(") + 1 :]
    depth, end = 1, 0
    while depth:
        depth += {"(": 1, ")": -1}.get(inner[end], 0)
        end += 1
    parts = [p for p in split(inner[: end - 1], ",") if p.strip()]
    return "(" + ", ".join(map(plain, parts)) + ")"


def shown(default):
    name = getattr(default, "__name__", None)
    return name if name and callable(default) else literal(repr(default))


def inspected(obj):
    signature = inspect.signature(obj)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    kinds, text = [], []
    for p in bare:
        if p.kind is p.KEYWORD_ONLY and not {p.KEYWORD_ONLY, p.VAR_POSITIONAL} & set(kinds):
            text.append("*")
        if kinds and kinds[-1] is p.POSITIONAL_ONLY is not p.kind:
            text.append("/")
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        text.append(star + p.name + ("" if p.default is p.empty else f"={shown(p.default)}"))
        kinds.append(p.kind)
    if kinds and kinds[-1] is inspect.Parameter.POSITIONAL_ONLY:
        text.append("/")
    return "(" + ", ".join(text) + ")"


def documented(obj, name):
    """The signatures that open the text of a function written in C, or None."""
    lines = (getattr(obj, "__doc__", None) or "").split("\n\n")[0].splitlines()
    found = [line for line in lines if re.match(rf"\w+\(.*\)( -> .*)?$", line.strip())]
    return [parameters(line) for line in found] or None


def signatures(obj, name):
    found = documented(obj, name)
    if found:
        return found
    try:
        return [inspected(obj)]
    except (TypeError, ValueError):
        return None


def functions():
    """(module, name or class.name, published signatures)"""
    for module, names in API.items():
        for name, what in names.items():
            if isinstance(what, list):
                yield module, name, what
            elif isinstance(what, dict) and "class" in what:
                for member, texts in what["class"].items():
                    if isinstance(texts, list) and not member.startswith("__"):
                        yield module, f"{name}.{member}", texts


def find(module, path):
    obj = importlib.import_module(module)
    for part in path.split("."):
        obj = getattr(obj, part)
    return obj


def names():
    for module, entries in API.items():
        for name, what in entries.items():
            yield f"{module}.{name}", module, name
            if isinstance(what, dict) and "class" in what:
                for member in what["class"]:
                    if member not in NO_MEMBERS:
                        yield f"{module}.{name}.{member}", module, f"{name}.{member}"


def allowed(full):
    """Is it, or the class or module that it belongs to, in the list?"""
    parts = full.split(".")
    return any(".".join(parts[:i]) in ALLOWED for i in range(1, len(parts) + 1))


def is_there(module, path):
    try:
        find(module, path)
    except (AttributeError, ImportError):
        return False
    return True


def test_no_name_is_missing():
    missing = [
        full for full, module, path in names() if not allowed(full) and not is_there(module, path)
    ]
    assert not missing, f"{len(missing)} missing:\n" + "\n".join(missing)


def differing():
    for module, path, texts in functions():
        full = f"{module}.{path}"
        if allowed(full) or f"{full}()" in ALLOWED or not is_there(module, path):
            continue
        wanted = BETTER.get(full, [parameters(t) for t in texts])
        found = signatures(find(module, path), path.split(".")[-1])
        # further rows of a name are tried where the original's do not fit
        if found is not None and found[: len(wanted)] != wanted:
            yield f"{full}\n    wanted {' '.join(wanted)}\n    found  {' '.join(found)}"


def test_no_signature_differs():
    faults = list(differing())
    assert not faults, f"{len(faults)} differ:\n" + "\n".join(faults)


def test_nothing_allowed_is_there():
    """Names that have arrived leave the list."""
    arrived = [full for full, module, path in names() if full in ALLOWED and is_there(module, path)]
    if arrived:
        pytest.skip("to be taken out of api_missing.txt: " + " ".join(arrived))
