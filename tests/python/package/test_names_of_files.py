"""Files and folders that comments and documentation name exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = "bench bindings cli cmake docs examples include src tests tools".split()
FILES = [
    p.relative_to(ROOT) for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.is_file()
] + [Path(p.name) for p in ROOT.iterdir() if p.is_file()]
NAMES = {p.name for p in FILES}
PATHS = {str(p) for p in FILES} | {str(q) for p in FILES for q in p.parents}
LAYERS = {p.name for p in (ROOT / "src").iterdir()}

COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.DOTALL)
WORD = re.compile(r"X((?:[\w.*<>-]+/)+[\w.*<>-]*|[\w*<>]+\.(?:c|h|def))(?![\w/$%{(*-])")
MADE = {"capi_calls.c", "page_html.c", "program.c"}
OTHERS = {"llama2.c", "complex.h", "histedit.h"}


def said(path):
    """What is no code: a page, or the comments of a source in C."""
    text = path.read_text()
    if path.suffix == ".md":
        return text
    found = COMMENT.findall(text)
    return "\n".join(comment for comment in found if not comment.startswith('"'))


def pattern(name):
    parts = re.split(r"(<[^<>]*>|\*)", name)
    return re.compile("".join("[^/]*" if p[:1] in "<*" and p else re.escape(p) for p in parts))


def is_ours(name):
    """Does it name something of this project, rather than a reader's file?"""
    head = name.split("/")[0]
    source = re.search(r"\.(c|h|def)$", name)
    return head in FOLDERS or (source and ("/" not in name or head in LAYERS))


def exists(name, path):
    if "/" not in name:
        return name in NAMES or any(pattern(name).fullmatch(n) for n in NAMES)
    for folder in [*path.parents, Path("src"), Path("include")]:
        wanted = pattern(str(folder / name))
        if str(folder / name) in PATHS or any(wanted.fullmatch(p) for p in PATHS):
            return True
    return False


def missing(path):
    names = {m.group(1).rstrip(".") for m in WORD.finditer(said(ROOT / path))}
    ours = {n for n in names if is_ours(n)} - MADE - OTHERS
    return [f"{path}: {n}" for n in sorted(ours) if not exists(n, path)]


def test_files_that_are_named_exist():
    read = [p for p in FILES if p.suffix in (".c", ".h", ".def", ".md")]
    gone = [line for p in read if p.name != "CHANGELOG.md" for line in missing(p)]
    assert not gone, "\n".join(gone)


def test_one_that_is_gone_is_found():
    assert not exists("src/kernels/gone_<room>.c", Path("src/kernels/kernels.h"))
    assert exists("src/kernels/<room>/k_*.c", Path("src/kernels/kernels.h"))
