#!/usr/bin/env python3
"""Write the table of all public functions (capi_calls.c) from the headers.

    make_calls.py include/mlx/c > capi_calls.c

A row has a function's name, its parameters with their types and what the documentation says of
them (tools/docs/contracts.py), and a function that calls it with the values that lie in an array of
slots. Variadic functions are left out.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "docs"))

import contracts
import headers
import nothing


def parameter(text):
    """Type and name; a function's type is written with (*)."""
    called = re.match(r"(.*)\(\*(\w+)\)(\(.*\))$", text)
    if called:
        return f"{called.group(1)}(*){called.group(3)}".strip(), called.group(2)
    kind, name = re.match(r"(.*?)(\w+)$", text).groups()
    return re.sub(r"^const (?=mlx_\w+$|int$)", "", kind.strip()), name


def functions(folder):
    for header in headers.read(folder):
        for entry in header.entries:
            if entry.kind == "function" and "..." not in entry.text:
                inside = entry.text[entry.text.index("(") + 1 : entry.text.rindex(")")]
                given = [] if inside == "void" else [parameter(p) for p in headers.split(inside)]
                succeeds = not contracts.refusals(header, entry)
                yield headers.returns(entry.text), entry.name, given, succeeds


def argument(i, kind):
    pointer = kind.replace("(*)", "(**)") if "(*)" in kind else f"{kind} *"
    return f"*({pointer})slot[{i}]"


def described(function, kind, name):
    may_be_nothing = str(bool(nothing.meaning(function, kind, name))).lower()
    enumeration = str(kind in contracts.ENUMS and function != "mlx_dtype_size").lower()
    return f'{{"{kind}", "{name}", {may_be_nothing}, {enumeration}}}'


def row(result, name, parameters, succeeds):
    call = f"{name}({', '.join(argument(i, kind) for i, (kind, _) in enumerate(parameters))})"
    kept = (
        f"{result} r = {call};\n    memcpy(result, &r, sizeof r);"
        if result != "void"
        else f"(void)result;\n    {call};"
    )
    fields = ", ".join(described(name, kind, n) for kind, n in parameters)
    flags = ", ".join(str(flag).lower() for flag in (contracts.is_status(name, result), succeeds))
    body = (
        f"static void call_{name}(void *result, void **slot) {{\n    (void)slot;\n    {kept}\n}}\n"
    )
    return (
        body,
        f'    {{"{name}", "{result}", call_{name}, {flags}, {len(parameters)}, {{{fields}}}}},\n',
    )


def main():
    folder = Path(sys.argv[1])
    rows = [row(*f) for f in functions(folder)]
    print("#include <string.h>\n")
    for header in sorted(folder.glob("*.h")):
        print(f'#include "mlx/c/{header.name}"')
    print('\n#include "capi/capi_calls.h"\n')
    print("".join(body for body, _ in rows))
    print("const capi_call_row capi_calls[] = {\n" + "".join(line for _, line in rows) + "};\n")
    print("const int capi_calls_count = sizeof capi_calls / sizeof *capi_calls;")


if __name__ == "__main__":
    main()
