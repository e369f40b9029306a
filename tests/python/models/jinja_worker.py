"""Run by a Python that has jinja2 (test_template.py): what jinja2 makes of templates, set as
transformers' documentation says. A list of [template, variables, now] on stdin, JSON; on stdout a
list of ["text", ...] or ["error", ...]."""

import datetime
import functools
import json
import os
import sys
import time

import jinja2
import jinja2.ext
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    """The tag of transformers around what the model writes: here its body alone."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


@functools.cache
def environment(now):
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = to_json
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = datetime.datetime.fromtimestamp(now).strftime
    return made


def render(template, variables, now):
    given = {"tools": None, "documents": None, "add_generation_prompt": False} | variables
    try:
        return ["text", environment(now).from_string(template).render(**given)]
    except Exception as e:  # whatever Python says
        return ["error", f"{type(e).__name__}: {e}"]


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    json.dump([render(*case) for case in json.load(sys.stdin)], sys.stdout)
