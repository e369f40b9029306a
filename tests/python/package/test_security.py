"""docs/security.md says what the sources have: names of tests and tools, and the limits."""

import fnmatch
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/security.md").read_text()
FILES = [p for room in ("src", "tests", "tools", "cli") for p in (ROOT / room).rglob("*.*")]

# (file below src, what the number is called, its value, how the page says it)
LIMITS = [
    ("io/safetensors/safetensors.h", "ST_MOST_HEADER", 10**8, "100 MB, nested 64 deep"),
    ("io/safetensors/safetensors.h", "ST_MOST_DEPTH", 64, "100 MB, nested 64 deep"),
    ("io/archive/archive.h", "MX_MOST_PARTS", 10000, "10,000 files"),
    ("io/archive/archive.h", "MX_MOST_NAME", 65535, "65,535 bytes, no zero inside"),
    ("io/gguf/gguf.h", "GGUF_MAX_NAME", 65535, "65,535 bytes; powers of two"),
    ("io/gguf/gguf.h", "GGUF_MAX_ALIGNMENT", 2**20, "powers of two up to 2^20"),
    ("io/gguf/gguf.h", "GGUF_MAX_NESTING", 16, "16 deep"),
    ("graph/array/array.h", "MX_MAX_NDIM", 64, "| dimensions | 64;"),
    ("io/numpy/io_npy.c", "MAX_HEADER", 2**20, "| npy: header | 1 MiB |"),
    ("io/numpy/io_npz.c", "MAX_MEMBERS", 10**6, "| 1,000,000; 1 MiB"),
    ("io/numpy/zip_list.c", "MOST_DIRECTORY", 2**28, "256 MiB; 1,000,000 members"),
    ("io/numpy/zip_list.c", "MOST_MEMBERS", 10**6, "256 MiB; 1,000,000 members"),
    ("io/pytorch/pickle.h", "PK_MOST_BYTES", 10**8, "| pickles | 100 MB;"),
    ("io/pytorch/pickle.h", "PK_MOST_POOL", 2**29, "512 MiB of values"),
    ("io/pytorch/pickle.h", "PK_MOST_STACK", 2**20, "a stack of 1,048,576"),
    ("io/pytorch/pickle.h", "PK_MOST_TENSORS", 10**6, "1,000,000 tensors"),
    ("io/pytorch/archive_pytorch.c", "MOST_VISITS", 10**7, "10,000,000 values when flattened"),
    ("models/structure/automaton/expr.h", "SG_MOST_TEXT", 2**22, "| 4 MiB; 100 parentheses"),
    ("models/structure/automaton/expr.h", "SG_MOST_NESTING", 100, "| 4 MiB; 100 parentheses"),
    ("models/structure/automaton/expr.h", "SG_MOST_REPEAT", 10**5, "; 100,000; 131,072 states"),
    ("models/structure/automaton/dfa.h", "SG_MOST_DFA", 2**17, "; 100,000; 131,072 states"),
    ("models/structure/grammar.h", "SG_MOST_STATES", 2**20, "1,048,576 states made in"),
    ("models/structure/automaton/expr.h", "SG_MOST_STEPS", 2**27, "in 134,217,728 steps"),
    ("models/structure/schema/schema_parts.h", "SG_MOST_TOGETHER", 256, "256, 65,536;"),
    ("models/structure/schema/schema_parts.h", "SG_MOST_MEETINGS", 2**16, "256, 65,536;"),
    ("models/structure/stacks.h", "SG_MOST_STACK", 4096, "| 4,096; 1,024; 128 MiB |"),
    ("models/structure/stacks.h", "SG_MOST_TOPS", 1024, "| 4,096; 1,024; 128 MiB |"),
    ("models/structure/table.h", "SG_MOST_MASK_BYTES", 2**27, "| 4,096; 1,024; 128 MiB |"),
    ("models/json.h", "MX_JSON_MOST", 10**8, "| 100 MB; 16,777,216 ids"),
    ("models/tokenizer/vocab.h", "TOK_MOST_PIECES", 2**24, "16,777,216 ids"),
    ("models/tokenizer/vocab.h", "TOK_MOST_PIECE", 65535, "65,535 bytes; 1,000 bytes; 64"),
    ("models/tokenizer/parts.h", "TOK_MOST_ADDED", 1000, "65,535 bytes; 1,000 bytes; 64"),
    ("models/tokenizer/parts.h", "TOK_MOST_STEPS", 64, "65,535 bytes; 1,000 bytes; 64"),
    ("models/tokenizer/steps/pattern.c", "MOST_PATTERN", 2**14, "| 16 KiB; 10,000,000 steps"),
    ("models/tokenizer/steps/pattern.c", "MOST_STEPS", 10**7, "| 16 KiB; 10,000,000 steps"),
    ("models/tokenizer/steps/pattern.c", "MOST_KILOBYTES", 2**16, "and 64 MiB a match"),
    ("models/tokenizer/text.h", "TOK_MOST_TEXT", 2**30, "| 1 GiB; what is no UTF-8"),
    ("models/tokenizer/text.h", "TOK_MOST_GROWTH", 64, "| 64 times as long, and 65,536 bytes"),
    ("models/tokenizer/text.h", "TOK_FREE_GROWTH", 2**16, "| 64 times as long, and 65,536 bytes"),
    ("models/template/value.h", "TM_MOST_TEXT", 2**22, "| 4 MiB; 100 tags"),
    ("models/template/value.h", "TM_MOST_NESTING", 100, "| 4 MiB; 100 tags"),
    ("models/template/value.h", "TM_MOST_DEPTH", 300, "300 levels"),
    ("models/template/value.h", "TM_MOST_CALLS", 900, "900 parts in each other"),
    ("models/template/load.h", "TM_MOST_JSON", 64, "64 deep; integers of 64 bits"),
    ("base/vec.h", "MX_MOST_ENTRIES", 2**24, "| 16,777,216 |"),
    ("graph/profile/profile.h", "MX_PROFILE_MEMORY", 2**26, "the newest in 64 MiB"),
    ("graph/watch/source.c", "MOST_SOURCES", 65535, "65,535 of 1,000 bytes"),
]  # fmt: skip


def value_of(file, name):
    """Of an enumerator or a macro."""
    text = (ROOT / "src" / file).read_text()
    found = re.search(rf"\b{name}\b(?: =|) +(\(*(?:size_t\)|\()?[0-9u *<()]+)", text)
    return (
        eval(found[1].replace("(size_t)", "").replace("u", "").rstrip().rstrip(","))
        if found
        else None
    )


@pytest.mark.parametrize("file, name, value, said", LIMITS)
def test_limits(file, name, value, said):
    assert value_of(file, name) == value
    assert said in PAGE


def test_files_of_limits():
    rows = re.findall(r"^\|[^|\n]+\|[^|\n]+\|([^|\n]*`[^|\n]*)\|$", PAGE, re.M)
    named = [name for row in rows for name in re.findall(r"`([\w/]+\.[ch])`", row)]
    assert len(named) > 20
    assert [n for n in named if not any(str(p).endswith(f"/{n}") for p in FILES)] == []


def test_what_holds_it_is_there():
    stems = {p.stem for p in FILES}
    words = set(re.findall(r"`((?:test|fuzz|check)_[\w*]+)(?:\.\w+)?`", PAGE)) - {"test_keys"}
    assert len(words) > 20
    assert [w for w in words if not fnmatch.filter(stems, w)] == []
    assert "def test_keys(" in (ROOT / "tests/cli/test_serve_http.py").read_text()
    paths = set(re.findall(r"`((?:tools|tests|cli|src)/[\w./]+)`", PAGE))
    assert [p for p in paths if not (ROOT / p).exists()] == []


def test_who_asks_for_raised_rights():
    """Whatever names code or a place to write to."""
    command = ["grep", "-rlE", r"\bsecure_getenv\(", "src", "cli", "bindings"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert sorted(found) == [
        "src/capi/io/plugin_load.c",
        "src/graph/profile/trace_env.c",
        "src/hub/settings.c",
    ]
