"""A page for each public header: its functions, types and macros with what the comments and the catalog say."""

import re

import contracts
import headers
import prose

ROOMS = {
    "Arrays and memory": ["array", "vector", "map", "string", "optional", "half", "memory", "stream", "device", "error", "version", "features"],
    "Operations": ["ops", "ops_more", "ops_reduce", "extra", "linalg", "fft", "random", "fast", "precise", "convert"],
    "Functions": ["closure", "transforms", "transforms_impl", "compile", "export", "catalog", "plugin"],
    "Files": ["io", "io_types", "file", "storage", "hub"],
    "Language models": ["lm", "sampler", "structure", "template", "tokenizer", "train"],
    "Watching": ["profile", "debug", "graph_utils"],
    "Other devices and processes": ["distributed", "distributed_group", "metal", "cuda"],
}  # fmt: skip


def comment(text):
    """A header's words; indented programs in them are C."""
    return prose.markdown(text).replace("```python", "```c")


def listed(title, sentences):
    return [f"**{title}**\n", *[f"- {prose.escape(s)}" for s in sentences], ""] if sentences else []


def said(rows):
    return [f"{', '.join(f'`{n}`' for n in names)}: {sentence}" for names, sentence in rows]


def function(entry, header, found):
    c = contracts.contract(found, header, entry)
    out = [f"```{{c:function}} {entry.text}", "```", "", comment(c.words), ""]
    out += listed("Arguments", said(c.takes))
    out += listed("Result", ([c.result] if c.result else []) + said(c.gives))
    out += ["**Returns** " + prose.escape(" ".join(c.returns)), ""] if c.returns else []
    return "\n".join(out + listed("Errors", c.refuses or ["none: it always succeeds"]))


def plain(entry):
    kind = "macro" if entry.kind == "macro" else "type"
    name = entry.name
    if kind == "macro":
        name = re.match(r"#define (\w+(?:\([^)]*\))?)", entry.text)[1]
    return "\n".join([
        f"```{{c:{kind}}} {name}", "```", "", comment(entry.comment), "", "```c", entry.text, "```", "",
    ])  # fmt: skip


def page(header, found):
    out = [f"# mlx/c/{header.name}\n", comment(header.head)]
    seen = set()
    for entry in header.entries:
        if entry.kind == "section":
            out.append(f"## {entry.name[:1].upper()}{entry.name[1:]}\n")
        elif (entry.kind, entry.name) not in seen:
            seen.add((entry.kind, entry.name))
            out.append(function(entry, header, found) if entry.kind == "function" else plain(entry))
    return "\n".join(out)


def write(folder, include, catalog_rows):
    folder.mkdir(parents=True)
    found = {h.name[:-2]: h for h in headers.read(include)}
    for name, header in found.items():
        (folder / f"{name}.md").write_text(page(header, catalog_rows))
    placed = {name for names in ROOMS.values() for name in names}
    rooms = {**ROOMS, "Others": sorted(set(found) - placed)}
    out = [
        "# C\n",
        "A page for each header of `mlx/c`. What holds for all of them stands in [array.h](array.md).\n",
    ]
    for title, names in rooms.items():
        here = [name for name in names if name in found]
        if here:
            out += [
                f"## {title}\n",
                "```{toctree}\n:maxdepth: 1\n",
                *[f"{n}.h <{n}>" for n in here],
                "```\n",
            ]
    out += ["## All functions\n", "| function | header |\n|---|---|"]
    rows = sorted(
        (e.name, h) for h, header in found.items() for e in header.entries if e.kind == "function"
    )
    out += [f"| {{c:func}}`{name}` | [{h}.h]({h}.md) |" for name, h in dict(rows).items()]
    (folder / "index.md").write_text("\n".join(out) + "\n")
