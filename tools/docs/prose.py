"""Docstrings and comments as Markdown.

Sections (Args, Returns, Raises ...) become lists of definitions, programs become blocks, and what
Markdown would take for its own signs stays as it is.
"""

import inspect
import re

SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Yields|Raises|Examples?|Attributes|Shape|Note|Inputs?|Outputs?):\s*(.*)$")  # fmt: skip
ITEM = re.compile(r"^(\*{0,2}[\w.]+(?:, \*{0,2}[\w.]+)*(?: \([^)]*\))?):\s+(.*)$", re.S)
NAMES = {"Args": "Arguments", "Example": "Example", "Examples": "Examples"}


def escape(text):
    """Plain text: code spans stay, the signs of Markdown lose their meaning."""
    parts = re.split(r"(``[^`]+``|`[^`]*`)", text)
    parts[1::2] = [part.replace("``", "`") for part in parts[1::2]]
    parts[::2] = [re.sub(r"([\\*_<>\[\]$|{}])", r"\\\1", part) for part in parts[::2]]
    text = "".join(parts)
    return re.sub(r"^(\s*)([#+-]|\d+\.)(?=\s)", r"\1\\\2", text, flags=re.M)


def fenced(lines, language=None):
    body = inspect.cleandoc("\n".join(lines))
    if language is None:
        code = ">>>" in body or re.search(
            r"^(import|from|for|with|def|class|\w+ = |\w+\.\w+\()", body, re.M
        )
        language = "pycon" if ">>>" in body else "python" if code else "text"  # fmt: skip
    return f"```{language}\n{body}\n```"


def blocks(text):
    """(indented, lines) of each paragraph; programs of several paragraphs are one."""
    out = []
    for part in re.split(r"\n\s*\n", text):
        lines = part.split("\n")
        indented = all(line.startswith("    ") for line in lines if line.strip())
        if out and indented and out[-1][0]:
            out[-1][1].extend(["", *lines])
        else:
            out.append((indented, lines))
    return out


def items(lines):
    """Lines of a section as (name, text); a continued line is indented more."""
    body = inspect.cleandoc("\n".join(lines))
    found = []
    for line in body.split("\n"):
        if found and (line.startswith("  ") or not ITEM.match(line)):
            found[-1] += " " + line.strip()
        else:
            found.append(line)
    return [ITEM.match(line) for line in found], found


def section(name, rest, lines):
    out = [f"**{NAMES.get(name, name)}**\n"]
    if rest:
        lines = ["    " + rest, *lines]
    if any(">>>" in line for line in lines) or name.startswith("Example"):
        return [*out, fenced(lines), ""]
    matches, plain = items(lines)
    for match, text in zip(matches, plain, strict=True):
        if match:
            head = re.sub(
                r"^([*\w., ]+?)( \(.*\))?$", lambda m: f"`{m[1]}`" + escape(m[2] or ""), match[1]
            )
            out.append(f"{head}\n: {escape(match[2])}\n")  # fmt: skip
        else:
            out.append(escape(text) + "\n")
    return out


def markdown(doc):
    """A docstring as Markdown."""
    lines = inspect.cleandoc(doc or "").split("\n")
    out, plain, i = [], [], 0

    def flush():
        text = "\n".join(plain).strip("\n")
        plain.clear()
        for indented, part in blocks(text) if text else []:
            if indented:
                out.extend([fenced(part), ""])
            else:
                split = next(
                    (k for k, line in enumerate(part) if line.startswith("    ")), len(part)
                )
                words = "\n".join(part[:split])
                out.extend([escape(re.sub(r"::$", ":", words)), ""])
                if split < len(part):
                    out.extend([fenced(part[split:]), ""])

    while i < len(lines):
        head = SECTION.match(lines[i])
        if not head:
            plain.append(lines[i])
            i += 1
            continue
        end = i + 1
        while end < len(lines) and (not lines[end].strip() or lines[end].startswith("  ")):
            end += 1
        flush()
        out.extend(section(head[1], head[2], lines[i + 1 : end]))
        i = end
    flush()
    return "\n".join(out).strip() + "\n"


def brief(doc):
    """The first sentence."""
    text = " ".join(inspect.cleandoc(doc or "").split("\n\n")[0].split())
    end = re.search(r"(?<!al\.)(?<=[.:])(?=\s|$)", text)
    return escape(text[: end.start()] if end else text).rstrip(":")
