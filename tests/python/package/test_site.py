"""The pages of the site that are written from the library: there is one for each name, and links lead to pages.
(Sphinx itself is tried by the row docs_site.)"""

import os
import re
import shutil
import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/docs"))

import build  # noqa: E402
import catalog  # noqa: E402
import headers  # noqa: E402
import make_man  # noqa: E402
import pages_c  # noqa: E402
import pages_python  # noqa: E402
import prose  # noqa: E402


PROGRAM = Path(os.environ["MLX_TEST_BUILD"], "bin/mlx")


@pytest.fixture(scope="module")
def rows():
    if not PROGRAM.exists():
        pytest.skip("the program mlx was not built")
    return catalog.rows(PROGRAM)


@pytest.fixture(scope="module")
def site(tmp_path_factory, rows):
    place = tmp_path_factory.mktemp("site") / "source"
    build.lay_out(place)
    pages_python.write(place / "reference/python")
    pages_c.write(place / "reference/c", ROOT / "include/mlx/c", rows)
    return place


def test_python_names(site):
    for module in (mx, mx.linalg, mx.fft, mx.random, mx.fast, nn, nn.losses, optimizers):
        said = "\n".join(
            p.read_text() for p in (site / "reference/python" / module.__name__).glob("*.md")
        )
        for name, value in pages_python.of_module(module):
            assert re.search(rf"{re.escape(module.__name__)}\.{name}\b", said), (
                module,
                name,
                value,
            )


def test_operations_have_sections(site):
    page = (site / "reference/python/mlx.core/softmax.md").read_text()
    assert "**Arguments**" in page and "**Returns**" in page and "```pycon\n>>> mx.softmax" in page
    assert "Also called `absolute`" in (site / "reference/python/mlx.core/abs.md").read_text()


def test_c_functions(site):
    declared = set()
    for path in (ROOT / "include/mlx/c").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        declared |= set(re.findall(r"MLX_API[^;{(]*?\b(_?mlx_\w+)\(", text))
    said = "\n".join(p.read_text() for p in (site / "reference/c").glob("*.md"))
    assert len(declared) > 800
    assert [
        n for n in sorted(declared) if not re.search(rf"\{{c:function\}} .*\b{n}\(", said)
    ] == []


def test_links(site):
    for path in site.rglob("*.md"):
        text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.S | re.M)
        for target in re.findall(r"\]\((?!https?:)([^)#\s]+\.md)", text):
            place = site / target[1:] if target.startswith("/") else path.parent / target
            if "reference/cli" in str(place) or "reference/elixir" in str(place):
                continue  # those are written by what this test does not ask
            assert place.exists(), (path.relative_to(site), target)


def test_every_page_is_listed(site):
    listed = "\n".join(p.read_text() for p in site.rglob("index.md"))
    for path in (ROOT / "docs").rglob("*.md"):
        name = str(path.relative_to(ROOT / "docs").with_suffix(""))
        assert name == "index" or re.search(rf"^{re.escape(name)}$", listed, re.M), name


def test_manual_pages(tmp_path, rows):
    make_man.functions(ROOT / "include/mlx/c", tmp_path, rows)
    page = (tmp_path / "mlx_add.3").read_text()
    assert page.startswith('.TH "MLX_ADD" 3') and ".SH RETURN VALUE" in page
    assert r"mlx_array *res" in page and "borrowed" in page
    assert ".SH ARGUMENTS\n.TP\n.I a, b\nborrowed\n" in page
    assert ".SH RESULT\nThe values, in the shape that both broadcast to" in page
    assert ".SH ERRORS\n.IP \\(bu 2\nthe shapes do not broadcast\n" in page
    assert len(list(tmp_path.glob("*.3"))) > 800


def test_errors_are_those_of_the_function(rows):
    def errors(text):
        name = headers.function_name(text)
        return catalog.facts(rows, headers.Entry("function", name, text, ""))[1]

    out, s = "mlx_array *res, const mlx_array a", "bool keepdims, const mlx_stream s)"
    missing, twice = "an axis that a does not have", "an axis that is named twice"
    assert errors(f"int mlx_sum({out}, {s}") == []
    assert errors(f"int mlx_sum_axis({out}, int axis, {s}") == [missing]
    assert errors(f"int mlx_sum_axes({out}, const int *axes, {s}") == [missing, twice]
    assert errors("int mlx_other(mlx_array *res)") == []


def test_header_parts():
    assert headers.parameters("int f(mlx_array *res, void (*g)(void *), const int shape[])") == [
        ("mlx_array *", "res"), ("void (*)(void *)", "g"), ("const int", "shape"),
    ]  # fmt: skip
    assert headers.words("/* One\n   two. */") == "One\ntwo."
    assert headers.words("/* A:\n *\n *     code;\n */") == "A:\n\n    code;"


def test_markdown():
    doc = "Sums a*b::\n\n    x = 1\n\nArgs:\n    a (int): One,\n        two.\n\nExample:\n    >>> f(1)\n    2\n"
    assert prose.markdown(doc) == (
        "Sums a\\*b:\n\n```python\nx = 1\n```\n\n**Arguments**\n\n`a` (int)\n: One, two.\n\n"
        "**Example**\n\n```pycon\n>>> f(1)\n2\n```\n"
    )
