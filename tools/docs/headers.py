"""The public headers, taken apart: what the pages, the manual and nobody else make of them.

    Header   name, the comment at its head, entries in their order
    Entry    kind (function, type, macro, section), name, the text of its declaration, its comment

A comment belongs to the declaration below it; "/* --- of arrays --- */" opens a section.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/)"
    r"|(?P<macro>^#define (?P<macro_name>MLX_\w+)(?P<macro_rest>(?:\([^)]*\))?(?:\\\n|[^\n])*)\n)"
    r"|(?P<other>^#(?:\\\n|[^\n])*\n)"
    r"|(?P<function>\bMLX_API\s+(?P<declaration>[^;{]+);)"
    r"|(?P<type>\btypedef\s+(?:(?:struct|enum|union)\b[^;{]*\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}[^;]*;|[^;]+;))"
    r"|(?P<struct>^struct\s+\w+\s*\{[^}]*\};)",
    re.S | re.M,
)
SECTION = re.compile(r"/\*\s*-{3,}\s*(.*?)\s*-{3,}\s*\*/", re.S)


@dataclass
class Entry:
    kind: str
    name: str
    text: str
    comment: str


@dataclass
class Header:
    name: str
    head: str
    entries: list = field(default_factory=list)


def words(comment):
    """A comment's text without its frame."""
    body = re.sub(r"^/\*+|\*/$", "", comment).strip("\n")
    framed = re.compile(r"^ ?\*(?: |$)")
    first, *rest = body.split("\n")
    rest = [
        framed.sub("", line) if framed.match(line) else re.sub(r"^   ?", "", line) for line in rest
    ]
    return "\n".join([first.strip(), *[line.rstrip() for line in rest]]).strip()


def function_name(text):
    return re.search(r"\b(_?mlx_\w+)\(", text).group(1)


def type_name(text):
    pointer = re.search(r"\(\*?(\w+)\)\(", text) or re.search(r"\b(\w+)\(", text.split("{")[0])
    last = re.search(r"(\w+)(?:\[[^\]]*\])?\s*;$", text)
    if "{" in text or not pointer:
        return last.group(1)
    return pointer.group(1)


def parse(path):
    text = path.read_text()
    text = re.sub(r"#if MLX_C_INTERFACE.*?#else", "", text, flags=re.S)  # not the default
    header, comment = None, ""
    for found in TOKEN.finditer(text):
        if found["comment"]:
            section = SECTION.match(found["comment"])
            if header is None:
                header = Header(path.name, words(found["comment"]))
            elif section:
                header.entries.append(Entry("section", section[1].strip(" -"), "", ""))
            else:
                comment = words(found["comment"])
            continue
        if found["function"]:
            declaration = " ".join(found["declaration"].split()).replace("( ", "(")
            declaration = re.sub(r"\s*__(asm|attribute)__.*$", "", declaration)
            header.entries.append(
                Entry("function", function_name(declaration), declaration, comment)
            )
        elif found["type"]:
            header.entries.append(Entry("type", type_name(found["type"]), found["type"], comment))
        elif found["struct"]:
            name = re.match(r"struct\s+(\w+)", found["struct"]).group(1)
            header.entries.append(Entry("type", name, found["struct"], comment))
        elif found["macro"] and not found["macro_name"].endswith("_H"):
            header.entries.append(
                Entry("macro", found["macro_name"], found["macro"].strip(), comment)
            )
        elif found["other"]:
            continue
        comment = ""
    return header


def read(folder):
    """All headers but the one that includes them all."""
    return [parse(p) for p in sorted(Path(folder).glob("*.h")) if p.name not in ("mlx.h", "api.h")]


def split(parameters):
    parts, depth, start = [], 0, 0
    for i, c in enumerate(parameters):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(parameters[start:i].strip())
            start = i + 1
    return parts + [parameters[start:].strip()]


def parameters(declaration):
    """(type, name) of each."""
    inside = declaration[declaration.index("(") + 1 : declaration.rindex(")")]
    found = []
    for part in split(inside) if inside != "void" else []:
        called = re.match(r"(.*\(\*)(\w+)(\)\(.*\))$", part)
        if called:
            found.append((called[1] + called[3], called[2]))
        elif part != "...":
            kind, name = re.match(r"(.*?)(\w+)(?:\[\w*\])?$", part).groups()
            found.append((kind.strip(), name))
    return found


def returns(declaration):
    return declaration[: declaration.index(function_name(declaration))].strip()
