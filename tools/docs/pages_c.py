"""A page for each public header: its functions, types and macros with what the comments and the catalog say."""

import re

import catalog
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


def function(entry, found):
    out = [f"```{{c:function}} {entry.text}", "```", "", comment(entry.comment)]
    facts = headers.ownership(entry.text)
    gives, errors = catalog.facts(found, entry)
    if gives:
        facts.append("Result: " + prose.escape(gives))
    status = headers.status(entry.text)
    if status:
        facts.append("Returns " + status)
    if errors:
        facts.append("Errors: " + prose.escape("; ".join(errors)) + ".")
    return "\n".join([*out, *[f"- {fact}" for fact in facts], ""])


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
            out.append(function(entry, found) if entry.kind == "function" else plain(entry))
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
