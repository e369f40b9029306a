"""What the reference says of C functions: each has a summary, says of every pointer and handle whose it is, what it
returns and what it refuses. (That it is true is what tests/capi/test_capi_arguments.c and test_capi_refusals.c ask.)"""

import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/docs"))

import contracts  # noqa: E402
import headers  # noqa: E402
import make_man  # noqa: E402
import nothing  # noqa: E402

HEADERS = headers.read(ROOT / "include/mlx/c")
FUNCTIONS = {
    e.name: (e, contracts.contract({}, h, e))
    for h in HEADERS
    for e in h.entries
    if e.kind == "function"
}
# Words that mean nothing to who sees this function alone.
BACKWARDS = re.compile(
    r"The same(?! as mlx_| values| bytes)|(It|Its|Those|That of|What it is|Such|Let go of it)\b"
)


def test_each_function_says_what_it_does():
    briefs = {name: make_man.brief(c.words) for name, (_, c) in FUNCTIONS.items()}
    assert len(briefs) > 900
    assert [n for n, brief in briefs.items() if len(brief) < 4 or BACKWARDS.match(brief)] == []
    cut = re.compile(r"\([^)]*$|, *$|\bal$")
    assert [n for n, brief in briefs.items() if cut.search(brief) and "[" not in brief] == []


def test_each_parameter_has_an_owner():
    for name, (entry, c) in FUNCTIONS.items():
        told = [n for names, _ in c.takes + c.gives for n in names]
        given = headers.parameters(entry.text)
        owned = {n for k, n in given if "*" in k or contracts.handle(k) or k.endswith("_callback")}
        assert len(set(told)) == len(told) and owned <= set(told), name


def test_results_and_errors():
    for name, (entry, c) in FUNCTIONS.items():
        kind = headers.returns(entry.text)
        kind = "number" if name in contracts.NUMBERS else kind
        assert c.returns or not (kind == "int" or "*" in kind or contracts.handle(kind)), name
        assert "Errors" not in c.words.replace("Errors of fun come from the call", ""), name
        for sentence in c.refuses:
            assert len(sentence) > 3 and not sentence.endswith("."), (name, sentence)
            assert not re.search(r"likewise|as above|of the others", sentence), (name, sentence)


def test_functions_that_are_named_exist():
    known = {e.name.rstrip("_") for h in HEADERS for e in h.entries}
    for name, (entry, _) in FUNCTIONS.items():
        for other in re.findall(r"\bmlx_\w+\b(?! ?[*.-])", entry.comment):
            assert other.rstrip("_") in known, (name, other)


def test_every_exception_is_of_a_function():
    given = [(name, n) for name, (e, _) in FUNCTIONS.items() for _, n in headers.parameters(e.text)]
    for function, parameter, _ in nothing.ROWS:
        if parameter not in ("handle", "stream"):
            assert any(fnmatchcase(f, function) and fnmatchcase(n, parameter) for f, n in given), (
                function,
                parameter,
            )


def test_a_contract():
    text = "int mlx_f(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s)"
    entry = headers.Entry(
        "function", "mlx_f", text, "The f of a. Errors: an odd axis.\n Returns 2: none."
    )
    header = headers.Header("f.h", "", [entry])
    c = contracts.contract({}, header, entry)
    assert c.words == "The f of a."
    assert c.takes == [
        (["a"], "borrowed"),
        (["axes"], "borrowed for the call, axes_num entries"),
        (["s"], "borrowed; empty: the default stream"),
    ]
    assert c.gives[0][0] == ["res"] and "keeps that after an error" in c.gives[0][1]
    assert c.returns[0].startswith("0, or 1 after an error") and c.returns[1] == "Returns 2: none."
    assert c.refuses == [
        "an odd axis", "NULL is given for `res`", "an empty handle is given for `a`",
        "NULL is given for `axes` though `axes_num` is above 0",
    ]  # fmt: skip
    again = headers.Entry("function", "mlx_g", text.replace("_f", "_g"), "The same of b.")
    header.entries.append(again)
    c = contracts.contract({}, header, again)
    assert c.words == "As `mlx_f`, of b." and "an odd axis" in c.refuses
