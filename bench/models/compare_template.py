#!/usr/bin/env python3
"""Chat templates beside jinja2: the time of a conversation of 100 messages, in microseconds.

    compare_template.py BUILD [template.jinja ...]

BUILD is a folder with libmlxc.so; the interpreter has to have jinja2. Without files: those of
tests/python/models/templates. Variables are a JSON text here, which is read each time, and Python's
objects there; jinja2's template is compiled before.
"""

import json
import os
import sys
import time
from pathlib import Path

TESTS = Path(__file__).parents[2] / "tests" / "python" / "models"
sys.path.insert(0, str(TESTS))
os.environ["MLX_TEST_BUILD"] = sys.argv[1]

import jinja_worker  # noqa: E402
from template_library import Handle, Library, ctypes  # noqa: E402

WORDS = " ".join(f"some words here {i}" for i in range(40))
ROLES = ["user", "assistant"]
MESSAGES = [{"role": ROLES[i % 2], "content": WORDS} for i in range(100)]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
GIVEN = {"messages": MESSAGES, "add_generation_prompt": True} | TOKENS


def best(f, rounds=30):
    """The shortest of some rounds, in microseconds."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        f()
        times.append(time.perf_counter() - begin)
    return min(times) * 1e6


def ours(library, text):
    """The C function alone, called again and again."""
    c, template, made = library.c, Handle(), Handle()
    given, n = json.dumps(GIVEN).encode(), ctypes.c_size_t()
    assert c.mlx_template_open_bytes(template, b"t", text.encode(), len(text.encode())) == 0
    assert c.mlx_template_render(made, n, template, given, len(given), None) == 0
    return best(lambda: c.mlx_template_render(made, n, template, given, len(given), None))


def theirs(text):
    template = jinja_worker.environment(0).from_string(text)
    given = {"tools": None, "documents": None} | GIVEN
    return best(lambda: template.render(**given))


def main(paths):
    library = Library()
    print("template            here, us   jinja2, us   ratio")
    for path in map(Path, paths):
        text = path.read_text()
        a, b = ours(library, text), theirs(text)
        print(f"{path.stem:18} {a:9.1f} {b:12.1f} {b / a:7.1f}")


if __name__ == "__main__":
    main(sys.argv[2:] or sorted((TESTS / "templates").glob("*.jinja")))
