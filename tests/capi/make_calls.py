#!/usr/bin/env python3
"""Write the table of all public functions (capi_calls.c) from the headers.

    make_calls.py include/mlx/c > capi_calls.c

A row has a function's name, its parameters with their types, and a function that calls it with the
values that lie in an array of slots. Variadic functions are left out.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "docs"))

from headers import split


def declarations(folder):
    for header in sorted(Path(folder).glob("*.h")):
        text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", header.read_text(), flags=re.S)
        text = re.sub(r"#if MLX_C_INTERFACE.*?#else", "", text, flags=re.S)  # not the default
        for found in re.finditer(r"\bMLX_API\s+([^;{]+);", text):
            yield " ".join(found.group(1).split()).replace("( ", "(")


def parameter(text):
    """Type and name; a function's type is written with (*)."""
    called = re.match(r"(.*)\(\*(\w+)\)(\(.*\))$", text)
    if called:
        return f"{called.group(1)}(*){called.group(3)}".strip(), called.group(2)
    kind, name = re.match(r"(.*?)(\w+)$", text).groups()
    return re.sub(r"^const (?=mlx_\w+$|int$)", "", kind.strip()), name


def functions(folder):
    for text in declarations(folder):
        result, name, inside = re.match(
            r"(.*?)\b(_?mlx_\w+)\((.*?)\)(?: __asm__.*)?$", text
        ).groups()
        if "..." not in inside:
            yield (
                result.strip(),
                name,
                [] if inside == "void" else [parameter(p) for p in split(inside)],
            )


def argument(i, kind):
    pointer = kind.replace("(*)", "(**)") if "(*)" in kind else f"{kind} *"
    return f"*({pointer})slot[{i}]"


def row(result, name, parameters):
    call = f"{name}({', '.join(argument(i, kind) for i, (kind, _) in enumerate(parameters))})"
    kept = (
        f"{result} r = {call};\n    memcpy(result, &r, sizeof r);"
        if result != "void"
        else f"(void)result;\n    {call};"
    )
    fields = ", ".join(f'{{"{kind}", "{n}"}}' for kind, n in parameters)
    body = (
        f"static void call_{name}(void *result, void **slot) {{\n    (void)slot;\n    {kept}\n}}\n"
    )
    return body, f'    {{"{name}", "{result}", call_{name}, {len(parameters)}, {{{fields}}}}},\n'


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
