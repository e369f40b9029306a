#!/usr/bin/env python3
"""Includes and calls point only downward, between layers and between the rooms of each (rooms.py), and
no files of one layer call each other in a circle. Prints each fault; the status says whether there
are any.

    check_layers.py [build folder]

With a build folder calls are read from its objects (nm): a call, or an address, of what another
file defines. Objects whose source is gone do not count. Without nm only includes are read.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from rooms import BOTH, ROOMS

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = {
    "python": ROOT / "bindings" / "python" / "src",
    "elixir": ROOT / "bindings" / "elixir" / "c_src",
    "cli": ROOT / "cli",
}
RANK = {
    "base": 0,
    "kernels": 1,
    "graph": 2,
    "cpu": 3,
    "cuda": 3,
    "ops": 4,
    "io": 5,
    "hub": 5,
    "transforms": 6,
    "models": 7,
    "capi": 8,
    "catalog": 9,
    "python": 10,
    "elixir": 10,
    "cli": 10,
}
APART = [{"cpu", "cuda"}]  # same height, and neither sees the other
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
# Where objects lie in a build folder, and whose sources they are of.
OBJECTS = [
    (re.compile(r"CMakeFiles/(?:mlxc_objects|kernels_\w+)\.dir/src/(.*\.c)\.o$"), ""),
    (re.compile(r"CMakeFiles/core\.dir/src/(.*\.c)\.o$"), "python/"),
    (re.compile(r"cli/CMakeFiles/mlx_program(?:_objects)?\.dir/(.*\.c)\.o$"), "cli/"),
    (re.compile(r"elixir/\w+/lib/mlx/obj/(\w+)\.o$"), "elixir/"),
]

# What reaches up, or around, and stays: the symbol, and why.
UPWARD = {
    "mx_prims": "the table of primitives: graph declares it (prim.h), ops fills it",
    "mx_desc_custom": "the one primitive whose meaning is a transform; a row of that table",
    "mlx_operation_register": "what a plug-in may call: a line of the table that it is given",
    "mx_cpu_backend": "the backend that graph's table lists (backend.h)",
    "mx_kernels_get": "the kernels of the chosen set: kernels.h declares it, kernels.c fills it",
    "cli_commands": "the table of commands: cli.h declares it, commands.c above all fills it",
    "cli_command_find": "a row of that table",
    "mx_archive_pytorch": "a row of archive's table of formats, which reads like the others",
}
# Circles that stay: files of one layer, and why.
CIRCLES = [
    (
        "ops",
        "rules shape/op_create shape/op_join shape/op_pad shape/op_shape shape/op_view "
        "pointwise/op_binary pointwise/op_cast pointwise/op_unary index/op_index index/op_scatter "
        "index/op_slice reduce/op_reduce reduce/op_scan reduce/op_sort reduce/op_stats",
        "the operations that derivatives of all others are written in: so are their own",
    ),
    (
        "ops",
        "linalg/op_linalg linalg/op_linalg_grad",
        "the derivative of a decomposition is written in decompositions",
    ),
    (
        "elixir",
        "ask bind body call data export fail file job lm nif place profile program reap task term unsafe want",
        "nif.c has the types of resources and the table of functions; what a job runs may ask for jobs",
    ),
    (
        "transforms",
        "rule vjp jvp",
        "a step without a rule is differentiated by its expansion",
    ),
]


def sources():
    """Each file of the library, of the Python module and of the program `mlx`, by the name it has
    here: layer/..."""
    for top, prefix in (ROOT / "src", ""), *((top, f"{n}/") for n, top in OUTSIDE.items()):
        for path in sorted(top.rglob("*")):
            if path.suffix in (".c", ".h", ".def", ".inc"):
                yield prefix + path.relative_to(top).as_posix(), path


def layer_of(name):
    return name.split("/")[0]


def upward(layer, top):
    """Why `layer` may not use `top`, or None."""
    if RANK[top] > RANK[layer]:
        return f"{top} lies above {layer}"
    if any({layer, top} == pair for pair in APART):
        return f"{layer} does not see {top}"
    return None


# --- rooms ----------------------------------------------------------------------------------------


def place_of(name):
    """The floor and the room of a file; a file beside the rooms is one by itself."""
    layer, *folders, file = name.split("/")
    room = folders[0] if folders else file.rsplit(".", 1)[0]
    named = {r: i for i, floor in enumerate(ROOMS.get(layer, [])) for r in floor.split()}
    return next((named[r], room) for r in (file, room, ".") if r in named)


def room_fault(name, to):
    """Why one file of a layer may not use another, or None."""
    layer = layer_of(name)
    if layer not in ROOMS or layer_of(to) != layer:
        return None
    (low, here), (high, there) = place_of(name), place_of(to)
    if high > low:
        return f"{there} stands above {here} in {layer} (tools/rooms.py)"
    apart = here != there and high == low and (name.count("/") > 1 and to.count("/") > 1)
    both = any({here, there} <= set(rooms.split()) for rooms, _ in BOTH.get(layer, []))
    return f"{here} and {there} stand side by side in {layer}" if apart and not both else None


def unplaced(files):
    """Rooms that the table does not know."""
    known = {layer: set(" ".join(floors).split()) for layer, floors in ROOMS.items()}
    folders = {tuple(n.split("/")[:2]) for n in files if n.count("/") > 1}
    for layer, room in sorted(folders):
        if room not in known.get(layer, set()):
            yield f"{layer}/{room} is in no floor of tools/rooms.py"


def resolved(name, target, files):
    """The file that an include of `name` means, by the name it has here."""
    layer, beside = layer_of(name), name.rsplit("/", 1)[0]
    tried = (target, f"{layer}/{target}", f"{beside}/{target}")
    return next((t for t in tried if t in files), None)


# --- includes -------------------------------------------------------------------------------------


def include_fault(layer, quote, target):
    """Why a file of `layer` may not include `target`, or None."""
    top = target.split("/")[0]
    if quote == "<" and top not in RANK and not target.startswith("mlx/c/"):
        return None  # the system's
    if layer in OUTSIDE:
        inside = top in RANK and not (OUTSIDE[layer] / target).exists()
        return f"{layer} knows only the public headers" if inside else None
    if target.startswith("mlx/c/"):
        return None if layer in ("capi", "catalog") else "the public headers belong to capi"
    if top not in RANK:
        return None if "/" not in target else "no such layer"
    return upward(layer, top)


def include_faults(files):
    for name, path in files.items():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            to = resolved(name, found[2], files)
            why = include_fault(layer_of(name), *found.groups()) or (to and room_fault(name, to))
            if why:
                yield f"{path.relative_to(ROOT)}:{number}: {found.group(2)}: {why}"


# --- calls ----------------------------------------------------------------------------------------


def objects(build, files):
    """The objects of the build folder whose source is there: path and name."""
    for path in sorted(build.rglob("*.o")):
        for pattern, prefix in OBJECTS:
            found = pattern.search(path.as_posix())
            name = found and prefix + found[1].removesuffix(".c") + ".c"
            if name in files:
                yield path, name


def calls(build, files):
    """{file: {file that it calls: symbols}}"""
    names = {str(path): name for path, name in objects(build, files)}
    if not names:
        return {}
    listing = subprocess.run(["nm", "-A", *names], capture_output=True, text=True, check=True)
    defined, used = {}, []
    for line in listing.stdout.splitlines():
        path, rest = line.split(":", 1)
        kind, symbol = rest.split()[-2:]
        if kind == "U":
            used.append((names[path], symbol))
        elif kind.isupper():
            defined[symbol] = names[path]
    graph = {name: {} for name in names.values()}
    for name, symbol in used:
        to = defined.get(symbol, name)
        if to != name:
            graph[name].setdefault(to, set()).add(symbol)
    return graph


def call_faults(graph):
    for name, targets in graph.items():
        for to, symbols in targets.items():
            why = upward(layer_of(name), layer_of(to)) or room_fault(name, to)
            rest = sorted(symbols - UPWARD.keys())
            if why and rest:
                yield f"{name} calls {to} ({', '.join(rest)}): {why}"


def is_allowed(name, to, symbols):
    """Is this call one that stays, by what it calls or by a row of CIRCLES?"""
    both = {name.removesuffix(".c"), to.removesuffix(".c")}
    return symbols <= UPWARD.keys() or any(
        both <= {f"{layer}/{file}" for file in files.split()} for layer, files, _ in CIRCLES
    )


def circles(graph):
    """The strongly connected files (Tarjan 1972) of one layer."""
    number, low, stack, found = {}, {}, [], []

    def visit(name):
        number[name] = low[name] = len(number)
        stack.append(name)
        for to in graph[name]:
            if layer_of(to) != layer_of(name) or is_allowed(name, to, graph[name][to]):
                continue
            if to not in number:
                visit(to)
            if to in stack:
                low[name] = min(low[name], low[to])
        if low[name] == number[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in graph:
        if name not in number:
            visit(name)
    return found


def circle_faults(graph):
    for files in circles(graph):
        yield f"a circle of {len(files)} files:"
        for name in files:
            for to in sorted(set(graph[name]) & set(files)):
                yield f"    {name} calls {to} ({', '.join(sorted(graph[name][to]))})"


def main(build=None):
    files = dict(sources())
    reads = build and shutil.which("nm")
    graph = calls(Path(build), files) if reads else {}
    if reads and not graph:
        sys.exit(f"{build} has no objects of the library: build it first\n\n{__doc__}")
    faults = [*unplaced(files), *include_faults(files)]
    faults += [*call_faults(graph), *circle_faults(graph)]
    print("\n".join([*faults, f"{len(files)} files, calls of {len(graph)}, {len(faults)} faults"]))
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
