#!/usr/bin/env python3
"""The public interface: headers against mlx-c's, and the library's symbols against the headers.

    check_api.py libmlxc.so [missing.txt]

mlxc_api.json (functions, structs, enums of mlx-c) is looked for in $MLX_TEST_API and in shared/api
of the folders above the project; where it is not found that part is left out. missing.txt names
functions that are declared but need not be in the library yet.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = {"mlx_fast_scaled_dot_product_attention"}  # declared twice, below one comment
HEADERS = ROOT / "include" / "mlx" / "c"


def interface():
    places = [os.environ.get("MLX_TEST_API")] + [p / "shared" / "api" for p in ROOT.parents]
    for place in filter(None, places):
        path = Path(place) if str(place).endswith(".json") else Path(place) / "mlxc_api.json"
        if path.is_file():
            return json.loads(path.read_text())
    return None


def pointer(function):
    """int (*mlx_add)(mlx_array *, ...) under another name, set to the function: the compiler
    compares."""
    params = [p["type"] for p in function["params"]] or ["void"]
    if function.get("variadic"):
        params.append("...")
    return (
        f"{function['return']} (*const is_{function['name']})({', '.join(params)}) "
        f"= {function['name']};"
    )


def layout(struct):
    yield f'_Static_assert(sizeof({struct["name"]}) == {struct["size"]}, "{struct["name"]}");'
    yield f'_Static_assert(sizeof(struct {struct["tag"]}) == {struct["size"]}, "{struct["tag"]}");'
    for f in struct["fields"]:
        yield f'_Static_assert(offsetof({struct["name"]}, {f["name"]}) == {f["offset"]}, "{f["name"]}");'


def program(api):
    yield '#include <stddef.h>\n#include "mlx/c/mlx.h"'
    for header in sorted({f["header"] for f in api["functions"]}):
        yield f'#include "mlx/c/{header}"'
    yield from map(pointer, api["functions"])
    for struct in api["structs"]:
        yield from layout(struct)
    for enum in api["enums"]:
        for v in enum["values"]:
            yield f'_Static_assert({v["name"]} == {v["value"]}, "{v["name"]}");'


def compiles(text, *flags):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "api.c"
        source.write_text(text)
        run = subprocess.run(
            [
                os.environ.get("CC", "cc"),
                "-fsyntax-only",
                "-Wall",
                "-Wextra",
                "-Werror",
                f"-I{HEADERS.parent.parent}",
                *flags,
                str(source),
            ],
            capture_output=True,
            text=True,
        )
    if run.returncode:
        print(run.stderr)
    return run.returncode == 0


def alone():
    """Every header can be included alone, in C and (where a compiler is there) in C++."""
    cplusplus = shutil.which("c++") is not None
    for header in sorted(HEADERS.glob("*.h")):
        text = f'#include "mlx/c/{header.name}"\n'
        if not compiles(text, "-std=c11") or (cplusplus and not compiles(text, "-x", "c++")):
            return False
    return True


def features(names, api):
    """A macro for each function that mlx-c does not have (where its list is there), and for nothing
    else."""
    macros = set(re.findall(r"#define MLX_C_HAS_(\w+)", (HEADERS / "features.h").read_text()))
    upper = {n[4:].upper(): n for n in names}
    yield from (f"MLX_C_HAS_{m} names no function" for m in sorted(macros - set(upper)))
    if api:
        beyond = {n[4:].upper() for n in names - {f["name"] for f in api["functions"]}}
        yield from (f"features.h: MLX_C_HAS_{m} is missing" for m in sorted(beyond - macros))
        yield from (
            f"features.h: mlx-c has {upper[m]}" for m in sorted(macros - beyond) if m in upper
        )


def undocumented():
    """Declarations without a comment of their own right above them. Headlines of sections are
    none."""
    for header in sorted(HEADERS.glob("*.h")):
        text = re.sub(r"^#(?:if|else|endif).*\n", "", header.read_text(), flags=re.M)
        text = re.sub(r"/\* --- .*?\*/\n", "\n", text)
        for found in re.finditer(r"MLX_API[^;(]*?\b(_?mlx_\w+)\(", text):
            if found.group(1) not in VARIANTS and not text[: found.start()].endswith("*/\n"):
                yield f"{header.name}: {found.group(1)} has no comment"


def declared():
    text = "".join(p.read_text() for p in sorted(HEADERS.glob("*.h")))
    return set(re.findall(r"MLX_API[^;(]*?\b(_?mlx_\w+)\(", text))


def exported(library):
    out = subprocess.run(
        ["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True
    ).stdout
    return {line.split()[2].split("@")[0] for line in out.splitlines() if line.split()[1] in "TW"}


def main():
    library, allowed = sys.argv[1], set()
    if len(sys.argv) > 2 and Path(sys.argv[2]).exists():
        allowed = set(Path(sys.argv[2]).read_text().split())
    names, symbols, api = declared(), exported(library), interface()
    missing, extra = sorted(names - symbols - allowed), sorted(symbols - names)
    faults = [f"declared but not in the library: {n}" for n in missing]
    faults += [f"in the library but not declared: {n}" for n in extra]
    if api and not compiles("\n".join(program(api)) + "\n", "-std=c11"):
        faults.append("a signature, layout or value differs from mlx-c's")
    faults += features(names, api)
    faults += undocumented()
    if not alone():
        faults.append("a header cannot be included alone")
    print("\n".join(faults))
    print(
        f"{len(names)} declared, {len(symbols)} in the library, {len(names - symbols)} missing, "
        f"{len(api['functions']) if api else 0} compared with mlx-c, {len(faults)} faults"
    )
    return 1 if faults or not names else 0


if __name__ == "__main__":
    sys.exit(main())
