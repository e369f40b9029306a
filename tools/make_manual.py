#!/usr/bin/env python3
"""Write the manual of operations, in Markdown, from the built module.

make_manual.py package-folder > operations.md
"""

import sys
import types


def functions(module, kind):
    """The functions of a module by name, without second names."""
    return sorted(
        (name, f) for name, f in vars(module).items() if type(f) is kind and f.__name__ == name
    )


def entry(module, name, f):
    signatures, paragraph = f.__doc__.split("\n\n", 1)
    lines = "\n".join(f"    {line}" for line in signatures.splitlines())
    return f"### {module}.{name}\n\n{lines}\n\n{paragraph}\n"


def second_names(module, kind):
    return sorted(
        (name, f.__name__)
        for name, f in vars(module).items()
        if type(f) is kind and f.__name__ != name
    )


def main():
    sys.path.insert(0, sys.argv[1])
    import mlx.core as core

    kind = type(core.add)
    parts = {
        "mlx.core": core,
        **{
            f"mlx.core.{n}": m
            for n, m in sorted(vars(core).items())
            if isinstance(m, types.ModuleType)
        },
    }
    print(
        "# Operations\n\nEvery function takes `stream`, the stream or device on which it is to run.\n"
    )
    for title, module in parts.items():
        print(f"## {title}\n")
        for name, f in functions(module, kind):
            print(entry(title, name, f))
        for name, of in second_names(module, kind):
            print(f"- `{name}` is another name of `{of}`.")
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
