"""Chat templates beside jinja2: templates in the style of published ones (templates/), small ones,
and random expressions. The C library is called through ctypes, jinja2 in a process of its own: of
this Python, or of MLX_TRANSFORMERS_PYTHON."""

import importlib.util
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from template_library import LIBRARY, NOW, Library

HERE = Path(__file__).parent
PYTHON = sys.executable if importlib.util.find_spec("jinja2") else None
PYTHON = PYTHON or os.environ.get("MLX_TRANSFORMERS_PYTHON")

pytestmark = [
    pytest.mark.skipif(not PYTHON, reason="no Python that has jinja2 (MLX_TRANSFORMERS_PYTHON)"),
    pytest.mark.skipif(not LIBRARY.exists(), reason="no shared library in the build folder"),
]


@pytest.fixture(scope="module")
def library():
    os.environ["TZ"] = "UTC"
    time.tzset()
    return Library()


def jinja(cases):
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [PYTHON, HERE / "jinja_worker.py"],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        env=plain,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def is_ours(got, want):
    """What docs/templates.md lists as different: numbers beyond 64 bits, what Python prints with an
    address or as Markup, slices of constants, and what is refused by name."""
    refused = "more than 64 bits|cannot be printed|is not supported|complex|not subscriptable"
    ours = got[0] == "error" and any(word in got[1] for word in refused.split("|"))
    return ours or " at 0x" in want[1] or "Markup(" in want[1]


def compare(library, cases):
    """Texts are equal, and errors are errors in both."""
    wrong = []
    for (text, variables, now), want in zip(cases, jinja(cases), strict=True):
        got = library.render(text, variables, now)
        same = got[0] == want[0] and (got[0] == "error" or got == want)
        if not same and not is_ours(got, want):
            wrong.append(f"{text[:300]!r}\n  jinja2 {want}\n  here   {got}")
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:30])


# --- conversations --------------------------------------------------------------------------------

TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": 'The "weather" <b>here</b>',
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "City é", "enum": ["a", "b"]},
                "days": {"type": ["integer", "null"], "default": 3},
                "where": {"type": "object", "properties": {"x": {"type": "number"}}},
                "names": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["place"],
        },
        "return": {"type": "object", "description": "what it is"},
    },
}


def call(arguments, number="abcdefghi"):
    function = {"name": "get_weather", "arguments": arguments}
    return {"type": "function", "id": number, "function": function}


def say(*turns):
    roles = {"s": "system", "u": "user", "a": "assistant", "t": "tool", "d": "developer"}
    return [{"role": roles[role], "content": content} for role, content in turns]


def conversations():
    tools = {"tools": [TOOL]}
    more = {"add_generation_prompt": True}
    asked = say(("u", "Weather?"))
    called = [{"role": "assistant", "content": "", "tool_calls": [call({"place": "é", "days": 2})]}]
    told = [{"role": "tool", "name": "get_weather", "tool_call_id": "abcdefghi", "content": "20"}]
    parts = [{"type": "text", "text": "What"}, {"type": "image"}, {"type": "text", "text": " is?"}]
    thought = [{"role": "assistant", "content": "Yo", "reasoning_content": "hm\n"}]
    yield {"messages": say(("u", "Hello é 😀")), **more}
    yield {"messages": say(("u", "Hello")), "add_generation_prompt": False}
    yield {"messages": say(("s", " Be nice. "), ("u", " Hi\n"), ("a", "Yo"), ("u", "and?")), **more}
    yield {"messages": say(("u", "a"), ("a", "<think>\nhm\n</think>\n\nYo"), ("u", "b")), **more}
    yield {"messages": asked, **tools, **more}
    yield {"messages": asked + called + told, **tools, **more}
    yield {"messages": say(("s", "S")) + asked + called + told * 2, "tools": [TOOL, TOOL], **more}
    yield {"messages": asked + called + told + say(("a", "20"), ("u", "ok")), **tools, **more}
    text = [{"role": "assistant", "content": None, "tool_calls": [call('{"place": "P"}')]}]
    yield {"messages": asked + text + told, **tools, **more}
    yield {"messages": [{"role": "user", "content": parts}], **more}
    yield {
        "messages": say(("u", "a")) + thought + say(("u", "b")),
        "enable_thinking": False,
        **more,
    }
    yield {"messages": say(("u", "a")) + thought, "enable_thinking": True}
    yield {"messages": say(("d", "D"), ("u", "a")), "reasoning_effort": "high", **more}
    yield {"messages": say(("u", "q")), "documents": [{"title": "T", "text": "body"}], **more}
    yield {"messages": say(("a", "x"), ("a", "y"))}
    yield {"messages": []}
    yield {"messages": [{"role": "user"}]}
    yield {"messages": say(("u", "' \" \\ </s> {{ a }} {% x %}\u2028\x00")), **more}


TEMPLATES = sorted((HERE / "templates").glob("*.jinja"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_template(library, path):
    text = path.read_text()
    cases = [[text, TOKENS | c, NOW] for c in conversations()]
    assert sum(library.render(*case)[0] == "text" for case in cases) >= 5
    compare(library, cases)


MODELS = Path(os.environ.get("MLX_MODELS", HERE.parents[2] / "build" / "models"))


def test_published(library):
    """The template of a model file, with its own tokens."""
    path = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not path.exists():
        pytest.skip("no model (MLX_MODELS)")
    template = library.open(path)
    given = {"messages": say(("u", "Hi")), "add_generation_prompt": True}
    kind, text = library.render_with(template, given, NOW)
    library.c.mlx_template_free(template)
    assert kind == "text", text
    assert text.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")


# --- small ones -----------------------------------------------------------------------------------

VARIABLES = {
    "a": 5,
    "b": -3,
    "f": 2.5,
    "s": "Hello World",
    "e": "",
    "u": "héllo wörld 中文",
    "l": [3, 1, 2],
    "d": {"x": 1, "y": [1, {"z": None}], "items": 7},
    "n": None,
    "t": True,
    "ms": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yo", "k": 1},
        {"role": "system", "content": "S"},
    ],
    "q": "a'b\"c\\\n\t\u200b\x7f\x01",
}


def test_small_ones(library):
    """templates/small.txt: one behind the other, with lines of --- between."""
    texts = (HERE / "templates" / "small.txt").read_text().split("\n---\n")
    assert len(texts) > 100
    compare(library, [[text, VARIABLES, NOW] for text in texts])


# --- random ones ----------------------------------------------------------------------------------


class Random:
    """Expressions from a seed, of values that the variables have; without `e`, whose Markup is not here
    (docs/templates.md)."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *choices):
        return self.r.choice(choices)

    def text(self):
        return self.pick(
            "s",
            "e",
            "u",
            "q",
            "'ab'",
            "'a,b,c'",
            "'  x '",
            "d.role",
            "ms[0].role",
            "'Ab Cd'",
            "'12'",
        )

    def number(self):
        return self.pick(
            "a", "b", "f", "0", "1", "2", "7", "-1", "2.5", "1e3", "t", "l|length", "a // 2"
        )

    def row(self):
        return self.pick(
            "l", "ms", "[]", "[1, 2]", "['b', 'A', 'a']", "d.y", "range(4)", "(1, 2)", "s.split()",
            "[nope, d.nope]", "[n, n]", "[{}, {}]", "[[n], [n]]", "(nope, 1)", "[l, l]",
            "ms|map(attribute='k')|list", "[{'role': n}, {'role': n}]",
        )  # fmt: skip

    def leaf(self):
        return self.pick(
            self.text, self.number, self.row, lambda: self.pick("d", "n", "nope", "d.nope")
        )()

    def filter(self, depth):
        x = self.any(depth - 1)
        return f"({x})|" + self.pick(
            "length", "upper", "lower", "title", "capitalize", "trim", "string", "list|string",
            "join(',')",
            "first", "last", "default('D')", "default('D', true)", "tojson", "tojson(indent=1)",
            "int", "float",
            "abs", "round(1)", "reverse|list", "sort|list", "unique|list", "map('string')|list",
            "sum", "min",
            "max", "replace('a', 'b')", "indent(2)", "select|list", "reject('none')|list",
            "batch(2)|list",
            "truncate(5)", "center(12)", "wordcount", "items|list", "dictsort", "count",
            "urlencode",
            "selectattr('role')|list", "map(attribute='role')|list", "format(1)", "slice(2)|list",
            "trim('ab ')",
            "int(default=3)", "join", "sort(reverse=true)|list", "groupby('role')|list",
            "striptags",
            "wordwrap(5)", "filesizeformat", "pprint",
        )  # fmt: skip

    def method(self, depth):
        x = self.pick(self.text(), f"({self.any(depth - 1)})")
        return f"{x}." + self.pick(
            "upper()", "lower()", "strip()", "split()", "split(',')", "split('a', 1)",
            "rsplit(none, 1)", "title()",
            "replace('a', 'x')", "startswith('a')", "endswith(('d', 'b'))", "find('l')",
            "rfind('l')", "count('l')",
            "join(['x', 'y'])", "lstrip('a ')", "rstrip()", "isdigit()", "isupper()",
            "splitlines()", "items()|list",
            "get('x', 1)", "keys()|list", "values()|list", "capitalize()", "zfill(5)",
            "removeprefix('a')",
            "removesuffix('b')", "partition('l')", "center(9, '*')", "swapcase()", "istitle()",
            "isalpha()",
            "index('l')", "format(1, 2)", "role", "x", "0", "casefold()", "isspace()", "isalnum()",
        )  # fmt: skip

    def test(self, depth):
        return f"({self.any(depth - 1)}) is {self.pick('', 'not ')}" + self.pick(
            "defined", "none", "string", "number", "iterable", "sequence", "mapping", "boolean",
            "integer",
            "float", "odd", "even", "divisibleby(2)", "eq(1)", "in [1, 2]", "lower", "upper",
            "true", "sameas(none)",
            "gt(1)", "undefined", "callable", "filter",
        )  # fmt: skip

    def binary(self, depth):
        sign = self.pick(*"+ - * / // % ** ~ == != < <= > >= and or in".split(), "not in")
        return f"({self.any(depth - 1)}) {sign} ({self.any(depth - 1)})"

    def plain(self, depth):
        """Without brackets: what binds tighter."""
        signs = "+ - * / // % ~ == != < and or in".split()
        parts = [self.leaf() for _ in range(self.r.randint(2, 4))]
        return "".join(p + f" {self.pick(*signs)} " for p in parts[:-1]) + parts[-1]

    def item(self, depth):
        index = self.pick(
            "0", "-1", "1:", "::-1", ":2", "'x'", "10", "-3:-1", "::2", "b", "n:", "'role'"
        )
        return f"({self.any(depth - 1)})[{index}]"

    def other(self, depth):
        x, y = self.any(depth - 1), self.any(depth - 1)
        return self.pick(
            f"({x} if {y} else {self.leaf()})", f"[{x}, {y}]", f"{{'k': {x}, 'm': {y}}}",
            f"not ({x})", f"-({x})",
            f"({x}, {y})", f"'%s|%5s' % ({x}, {y})", f"'{{}}:{{!r}}'.format({x}, {y})",
            f"({x} if {y})",
            f"dict(k={x})", f"'%d' % ({x})", f"'{{:>6}}'.format({x})", f"'%.2f' % ({x})",
            f"'{{:.2f}}'.format({x})",
        )  # fmt: skip

    def any(self, depth):
        if depth <= 0:
            return self.leaf()
        kinds = [
            self.filter,
            self.method,
            self.test,
            self.binary,
            self.plain,
            self.item,
            self.other,
        ]
        return self.pick(*kinds)(depth)


class Blanks:
    """Tags with signs, and texts between them that are mostly blank."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def text(self):
        return "".join(self.r.choice(["", " ", "  ", "\n", "\n\n", "\t", "x", "\r\n", "\u00a0"])
                       for _ in range(self.r.randint(0, 4)))  # fmt: skip

    def tag(self, opens, inside, closes):
        before, behind = self.r.choice(["", "", "-", "+"]), self.r.choice(["", "", "-", "+"])
        behind = "" if closes == "}}" and behind == "+" else behind
        return f"{opens}{before} {inside} {behind}{closes}"

    def block(self, depth):
        def tag(inside):
            return self.tag("{%", inside, "%}")

        kind = self.r.choice("if for set raw comment print macro filter generation".split())
        inside = self.many(depth - 1) if depth else self.text()
        if kind == "if":
            return tag("if a") + inside + tag("else") + self.text() + tag("endif")
        if kind == "for":
            head = self.r.choice(["for i in l", "for i in l if i > 1", "for i in []"])
            return tag(head) + inside + "{{ i }}" + tag("else") + self.text() + tag("endfor")
        if kind == "set":
            return tag("set v") + inside + tag("endset") + "[{{ v }}]"
        if kind == "raw":
            return tag("raw") + self.text() + "{{ a }}" + self.text() + tag("endraw")
        if kind == "comment":
            return self.tag("{#", "c", "#}")
        if kind == "macro":
            return tag("macro m(x)") + inside + "{{ x }}" + tag("endmacro") + "{{ m(1) }}"
        if kind in ("filter", "generation"):
            return tag("filter upper" if kind == "filter" else kind) + inside + tag("end" + kind)
        return self.tag("{{", "a", "}}")

    def many(self, depth):
        return self.text() + "".join(
            self.block(depth) + self.text() for _ in range(self.r.randint(1, 3))
        )


def test_random_blanks(library):
    source = Blanks(int(os.environ.get("MLX_TEST_SEED", "0")))
    compare(library, [[source.many(2), VARIABLES, NOW] for _ in range(1000)])


def test_random_expressions(library):
    seed = int(os.environ.get("MLX_TEST_SEED", "0"))
    source, count = Random(seed), int(os.environ.get("MLX_TEST_TEMPLATES", "2000"))
    cases = [["{{ " + source.any(3) + " }}", VARIABLES, NOW] for _ in range(count)]
    compare(library, cases)
    texts = sum(library.render(*case)[0] == "text" for case in cases)
    assert texts > count // 6
