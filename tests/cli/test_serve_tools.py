"""The schemas of tools' arguments, inside of those that calls are held to."""

import json

import pytest

from program import DATA, MLX, run
from server import user

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
AT = {CHAT: "function.parameters", RESPONSES: "parameters", MESSAGES: "input_schema"}


@pytest.fixture(scope="module")
def params():
    """The answer is what the engine was asked."""
    from server import serving

    with serving(models=["params-hermes"]) as found:
        yield found


def asking(path, schemas, **more):
    """A request that forces one of the tools f0, f1, ..."""
    asked = {"model": "params-hermes", "tool_choice": "required", **more}
    tools = [{"name": f"f{i}", "parameters": schema} for i, schema in enumerate(schemas)]
    if path == CHAT:
        tools = [{"type": "function", "function": tool} for tool in tools]
        return {"tools": tools, "messages": [user("a")], **asked}
    if path == RESPONSES:
        return {"tools": [{"type": "function", **tool} for tool in tools], "input": "a", **asked}
    tools = [{"name": tool["name"], "input_schema": tool["parameters"]} for tool in tools]
    return {"tools": tools, "messages": [user("a")], "max_tokens": 2000, **asked,
            "tool_choice": {"type": "any"}}  # fmt: skip


def held_to(server, path, *schemas):
    """The schema that the call is held to."""
    answer = server.post(path, **asking(path, schemas))
    if path == CHAT:
        text = answer["choices"][0]["message"]["content"]
    else:
        message = answer if path == MESSAGES else answer["output"][0]
        text = "".join(part["text"] for part in message["content"])
    return json.loads(json.loads(text[text.index("{") :])["structure_text"])


A = {"type": "object", "properties": {"a": {"const": 3}}, "required": ["a"],
     "additionalProperties": False}  # fmt: skip
ANCHOR = {"type": "object", "properties": {"x": {"$ref": "#A"}}, "required": ["x"]}
REFERENCES = [  # a schema, arguments that it allows, and others
    ({"properties": {"x": {"$ref": "#/$defs/A"}}, "required": ["x"], "$defs": {"A": A}},
     {"x": {"a": 3}}, {"x": {"a": 4}}),
    ({"$ref": "#/definitions/A", "definitions": {"A": A}}, {"a": 3}, {"a": 4}),
    ({"properties": {"n": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}}, "required": ["n"]},
     {"n": {"n": None}}, {"n": {"name": "f0", "arguments": {"n": None}}}),
    ({"properties": {"x": {"$ref": "#/properties/name"}, "name": {"const": 4}}, "required": ["x"]},
     {"x": 4}, {"x": "f0"}),
    ({**ANCHOR, "$defs": {"q": {"$anchor": "A", "const": 5}}}, {"x": 5}, {"x": 6}),
    ({**ANCHOR, "$defs": {"q": {"$anchor": "A", "const": 6}}}, {"x": 6}, {"x": 5}),
    ({"$id": "http://x/y", "properties": {"x": {"$ref": "http://x/y#/$defs/A"}},
      "required": ["x"], "$defs": {"A": A}}, {"x": {"a": 3}}, {"x": 3}),
    ({}, {"any": [1]}, [1]),
    ({"$id": "", "minProperties": 1}, {"any": 1}, "any"),
]  # fmt: skip


@pytest.mark.parametrize("path", AT)
def test_references_lead_into_the_tool(params, path):
    jsonschema = pytest.importorskip("jsonschema")
    for schema, right, wrong in REFERENCES:
        for held in (held_to(params, path, schema), held_to(params, path, ANCHOR, schema)):
            held = held.get("anyOf", [held])[-1]
            call = {"name": held["properties"]["name"]["const"]}
            check = jsonschema.Draft202012Validator(held).is_valid
            assert check({**call, "arguments": right}), schema
            assert not check({**call, "arguments": wrong}), schema


@pytest.mark.parametrize("path", AT)
def test_places_are_the_clients(params, path):
    held = held_to(params, path, {"minProperties": 1}, {"$id": "#a"}, {"$id": "http://x/y"})
    own = [one["properties"]["arguments"]["allOf"][0] for one in held["anyOf"]]
    assert [schema["$id"] for schema in own] == [
        f"tools[0].{AT[path]}", f"tools[1].{AT[path]}", "http://x/y"]  # fmt: skip


NO_OBJECTS = [
    {"type": "string", "maxLength": 4},
    {"type": ["array", "null"]},
    {"enum": [1, 2]},
    {"const": [{}]},
    {"anyOf": [{"type": "string"}, {"const": None}]},
    {"allOf": [{"type": "object"}, {"$ref": "#/$defs/A"}], "$defs": {"A": {"type": "integer"}}},
]
OBJECTS = [
    {"type": ["object", "null"]},
    {"enum": [1, {}]},
    {"anyOf": [{"type": "string"}, {"properties": {}}]},
    {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
    {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "object"}}},
]


@pytest.mark.parametrize("path", AT)
def test_arguments_are_objects(params, path):
    for schema in NO_OBJECTS:
        error = params.post(path, 400, **asking(path, [{}, schema]))["error"]
        assert "tools[1]" in str(error) and "allow no object" in error["message"], schema
    for schema in OBJECTS:
        held_to(params, path, schema)


OLLAMA = "/api/chat"
LIMITS = {CHAT: "max_tokens", RESPONSES: "max_output_tokens", MESSAGES: "max_tokens", OLLAMA: ""}
BEGINS = [user('So: <tool_call>{"name": "f0", "arguments": {"a": 3}}')]


def strictly(path):
    """A request whose answer begins with a call that is held."""
    if path == OLLAMA:
        asked = {**strictly(CHAT), "stream": False}
        del asked["tool_choice"]
        return asked
    asked = asking(path, [A], model="echo-hermes-held")
    for tool in asked["tools"]:
        tool.get("function", tool)["strict"] = True
    asked["tool_choice"] = {"type": "auto"} if path == MESSAGES else "auto"
    return {**asked, "input" if path == RESPONSES else "messages": BEGINS}


def tokens_of(answer):
    usage = answer.get("usage", answer)
    return next(
        usage[k] for k in ("completion_tokens", "output_tokens", "eval_count") if k in usage
    )


@pytest.mark.parametrize("path", LIMITS)
def test_limits_of_strict_calls(path):
    """A call is asked for anew where there is a token left for it."""
    from server import serving

    with serving(models=["echo-hermes-held"]) as other:
        for most in range(1, 24):
            limit = {"options": {"num_predict": most}} if path == OLLAMA else {LIMITS[path]: most}
            assert tokens_of(other.post(path, **{**strictly(path), **limit})) <= most
        prompt = other.post(OLLAMA, **strictly(OLLAMA))["prompt_eval_count"]
        for most in range(1, 24) if path == OLLAMA else ():
            limit = {"options": {"num_ctx": prompt + most}}
            assert tokens_of(other.post(path, **{**strictly(path), **limit})) <= most


def test_a_strict_call_at_the_limit_of_the_server():
    from server import serving

    for most in (15, 16, 17):  # the marker's last token is the sixteenth
        with serving("--max-tokens", str(most), models=["echo-hermes-held"]) as other:
            assert tokens_of(other.post(CHAT, **strictly(CHAT))) <= most


TEMPLATE = """{% if tools %}Tools: {{ tools }} Answer with <tool_call>
{"name": ..., "arguments": ...}
</tool_call>{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}"""


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """A real engine, whose model has a template for tools."""
    from server import serving

    if not DATA:
        pytest.skip("no test data")
    folder = tmp_path_factory.mktemp("stories")
    run("convert", DATA / "stories260K" / "stories260K.gguf", folder / "model")
    (folder / "model" / "chat_template.jinja").write_text(TEMPLATE)
    with serving(program=MLX, models=[folder / "model"]) as found:
        yield found


GOOD = {"type": "object", "properties": {"n": {"type": "integer"}}}
REFUSED = [  # a schema, and where it is wrong
    ({"properties": {"n": {"type": "integer", "minimum": 3, "maximum": 2}}, "required": ["n"]}, ""),
    ({"properties": {"n": {"$ref": "#"}}, "required": ["n"]}, ""),
    ({"$id": 5}, "/$id"),
    ({"$id": "http://x/y", "properties": {"n": {"type": "odd"}}}, "/properties/n/type"),
]


@pytest.mark.parametrize("choice", ["required", "auto"])
@pytest.mark.parametrize("schema, place", REFUSED)
def test_a_tool_that_cannot_be_called(stories, choice, schema, place):
    """It is named, and not left out beside one that can."""
    tools = [{"type": "function", "function": {"name": name, "strict": True, "parameters": it}}
             for name, it in (("f", GOOD), ("g", {"type": "object", **schema}))]  # fmt: skip
    asked = {"messages": [user("a")], "tools": tools, "tool_choice": choice, "max_tokens": 4}
    error = stories.post(CHAT, 400, **asked)["error"]
    assert error["param"] == "tools[1].function.parameters", error
    assert (f"schema at '{place}'" if place else "nothing matches") in error["message"]
    asked["tools"] = tools[:1]
    assert stories.post(CHAT, **asked)["choices"]
