"""A page for each name of the Python package, from its docstrings; mlx.core's operations have theirs of the catalog."""

import importlib
import inspect
import re
import types

import prose

# Rooms of the reference: title, and modules in the order of their pages.
ROOMS = {
    "Arrays and operations": [
        "mlx.core", "mlx.core.linalg", "mlx.core.fft", "mlx.core.random", "mlx.core.fast", "mlx.core.distributed",
        "mlx.core.metal", "mlx.core.cuda", "mlx.core.plugins",
    ],
    "Neural networks": [
        "mlx.nn", "mlx.nn.losses", "mlx.nn.init", "mlx.nn.layers.distributed", "mlx.optimizers", "mlx.utils",
    ],
    "Data and training": [
        "mlx.data", "mlx.data.images", "mlx.data.audio", "mlx.data.features", "mlx.data.datasets", "mlx.train",
    ],
    "Language models": ["mlx.lm", "mlx.tokenizer"],
    "Others": ["mlx.extension"],
}  # fmt: skip
# Names that the standard describes: one page for all.
STANDARD = ["mlx.array_api", "mlx.array_api.linalg", "mlx.array_api.fft"]
SHOWN_METHODS = {"__init__", "__call__", "__getitem__", "__len__", "__iter__"}
# Names of the package that are not its own.
FOREIGN = {"typing", "collections.abc", "functools", "pathlib", "numpy"}


def of_module(module):
    """Its public names in order; a name that another module of the list defines stays there."""
    names = getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]
    for name in sorted(names, key=str.lower):
        value = getattr(module, name, None)
        if isinstance(value, types.ModuleType) or not (callable(value) or inspect.isclass(value)):
            continue
        home = getattr(value, "__module__", "") or ""
        if home in FOREIGN or (home.startswith("mlx.core") and module.__name__[:8] != "mlx.core"):
            continue
        if home == "mlx.utils" and module.__name__ != "mlx.utils":
            continue
        yield name, value


def signatures(name, value, doc):
    """The lines of a docstring that are signatures, else what inspect knows; and the rest of the docstring."""
    lines = doc.split("\n")
    own = [k for k, line in enumerate(lines) if re.match(rf"{name}\(.*\)", line)]
    n = next((k for k in range(len(lines)) if k not in own), len(lines))
    if n:
        return lines[:n], "\n".join(lines[n:]).strip("\n")
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        text = "(...)"
    text = re.sub(r"<[^>]*>", "...", text.replace("typing.", "").replace("collections.abc.", ""))
    return [name + re.sub(r"\(self(, )?", "(", text)], doc


def declaration(kind, module, lines):
    """A block for each signature; the first one of a name is what the index leads to."""
    out, seen = [], set()
    for line in lines:
        name = line.split("(")[0]
        out.append(f"```{{py:{kind}}} {module}.{line}")
        out += [":no-index:"] * (name in seen) + ["```\n"]
        seen.add(name)
    return "\n".join(out)


def doc_of(value):
    return inspect.cleandoc(getattr(value, "__doc__", None) or "")


def members(cls):
    """Methods and properties of a class's own."""
    for name, value in sorted(vars(cls).items()):
        if name.startswith("_") and name not in SHOWN_METHODS:
            continue
        if isinstance(value, types.WrapperDescriptorType):
            continue  # Python's own words
        raw = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if callable(raw) or inspect.isdatadescriptor(value) or isinstance(value, property):
            doc = doc_of(raw)
            if doc or not name.startswith("_"):
                yield name, raw, doc


def member(cls_name, name, value, doc):
    kind = "method" if callable(value) else "attribute"
    if kind == "method":
        lines, doc = signatures(name, value, doc)
        lines = [line.replace("(self, ", "(").replace("(self)", "()") for line in lines]
    else:
        lines = [name]
    return "\n".join([declaration(kind, cls_name, lines), prose.markdown(doc)])


def page(module, name, value, others):
    full = f"{module}.{name}"
    doc = doc_of(value)
    is_class = inspect.isclass(value)
    lines, rest = signatures(name, value, doc)
    names = lines + [re.sub(r"^\w+", other, lines[0]) for other in others]
    out = [f"---\norphan: true\n---\n\n# {full}\n"]
    out.append(f"[Reference](../../index.md) › [{module}](index.md)\n")
    out.append(declaration("class" if is_class else "function", module, names))
    if others:
        out.append(f"Also called {', '.join(f'`{o}`' for o in others)}.\n")
    out.append(prose.markdown(rest))
    if is_class:
        found = list(members(value))
        if found:
            out.append("\n## Methods and properties\n")
            out += [member(full, *one) for one in found]
    return "\n".join(out)


def second_names(values):
    """For each name the others of the same thing; those have no page of their own."""
    first, others = {}, {}
    for name, value in values:
        key = getattr(value, "__name__", name)
        if key != name and any(n == key and v is value or n == key for n, v in values):
            others.setdefault(key, []).append(name)
        else:
            first[name] = value
    return first, others


def write_module(folder, module_name, brief):
    """brief: the list alone, without the pages."""
    module = importlib.import_module(module_name) if module_name != "mlx.core" else None
    if module is None:
        import mlx.core as module
    place = folder / module_name
    place.mkdir(parents=True)
    first, others = second_names(list(of_module(module)))
    text = [
        f"# {module_name}\n",
        prose.markdown(doc_of(module)) if module_name != "mlx.core" else "",
    ]
    text.append("| name | what it is |\n|---|---|")
    for name, value in first.items():
        doc = signatures(name, value, doc_of(value))[1]
        text.append(f"| {f'`{name}`' if brief else f'[{name}]({name}.md)'} | {prose.brief(doc)} |")
        if not brief:
            (place / f"{name}.md").write_text(page(module_name, name, value, others.get(name, [])))
    (place / "index.md").write_text("\n".join(text) + "\n")
    return len(first)


def write_standard(folder):
    """The array API standard's functions, as declarations."""
    out = ["# mlx.array_api\n"]
    for name in STANDARD:
        module = importlib.import_module(name)
        out += [f"\n## {name}\n", prose.markdown(doc_of(module))]
        for function, value in of_module(module):
            if getattr(value, "__module__", "").startswith("mlx.array_api"):
                lines, rest = signatures(function, value, doc_of(value))
                out += [declaration("function", name, lines), prose.markdown(rest) + "\n"]
    (folder / "array_api.md").write_text("\n".join(out))


def module_of(name):
    """mlx.core.linalg is an attribute, not a file."""
    import mlx.core as core

    if name.startswith("mlx.core."):
        return getattr(core, name[len("mlx.core.") :], None)
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def write(folder, brief=False):
    import sys

    folder.mkdir(parents=True)
    out = ["# Python\n", "Every name of the package, each with a page of its own.\n"]
    for title, modules in ROOMS.items():
        out.append(f"## {title}\n\n```{{toctree}}\n:maxdepth: 1\n")
        for name in modules:
            module = module_of(name)
            if module is None:
                continue
            sys.modules.setdefault(name, module)
            if list(of_module(module)):
                write_module(folder, name, brief)
                out.append(f"{name}/index")
        out.append("array_api\n" * (title == "Others") + "```\n")
    write_standard(folder)
    (folder / "index.md").write_text("\n".join(out))
