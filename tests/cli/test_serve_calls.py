"""Calls of tools whose arguments stand as the model wrote them, and answers held to a structure."""

import json

import pytest

from serve_answers import ARGUMENTS, MARKED, SCHEMA, TOOLS
from server import server, user  # noqa: F401

# no type of this program has these; nor may a marker in a text end the call
WRITTEN = ('{"a":0.1,"b":19.99,"c":1.10,"d":1e-7,"e":123456789012345678901234567890,"f":1e400,'
           '"g":"</tool_call><think>\\u0000","h":1,"h":2,"i":' + "[" * 80 + "]" * 80 + "}")  # fmt: skip
CALL = f'<tool_call>\n{{"name": "weather", "arguments": {WRITTEN}}}\n</tool_call>'
OLLAMA = {"stream": False, "tools": TOOLS, "model": "echo-hermes"}
ANTHROPIC = [{"name": t["function"]["name"], "input_schema": t["function"]["parameters"]}
             for t in TOOLS]  # fmt: skip


def raw(server, path, **body):
    """The text of an answer."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=280)
    connection.request("POST", path, json.dumps({"messages": [user(CALL)], **body}))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200, text
    return text


def test_arguments_are_as_written(server):
    choice = server.chat(CALL, model="echo-hermes", tools=TOOLS)["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["arguments"] == WRITTEN and choice["finish_reason"] == "tool_calls"
    found = server.events("/v1/chat/completions", model="echo-hermes", messages=[user(CALL)],
                          tools=TOOLS)  # fmt: skip
    deltas = [chunk["choices"][0]["delta"] for _, chunk in found[:-1]]
    (delta,) = (d["tool_calls"][0] for d in deltas if "tool_calls" in d)
    assert delta["function"]["arguments"] == WRITTEN


def test_arguments_in_documents_are_as_written(server):
    text = raw(server, "/v1/messages", model="echo-hermes", max_tokens=2000, tools=ANTHROPIC)
    assert f'"name":"weather","input":{WRITTEN}}}' in text and '"stop_reason":"tool_use"' in text
    assert json.loads(text)["content"][0]["input"]["e"] == 123456789012345678901234567890
    for path, more in (("/api/chat", OLLAMA), ("/api/chat", {**OLLAMA, "stream": True})):
        text = raw(server, path, **more)
        assert f'"function":{{"name":"weather","arguments":{WRITTEN}}}' in text
        assert all(json.loads(line)["model"] for line in text.splitlines())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ('{"a": "\\ud800"}', "the arguments are no JSON: invalid Unicode"),
        ('{"a": ' + "[" * 70 + "]" * 70 + "}", "the arguments are nested deeper than 64"),
        ("[1]", "the arguments are no JSON object"),
        ('{"a": 1', "the arguments are no JSON: '}' expected"),
    ],
)
def test_arguments_that_cannot_come_back(server, arguments, why):
    call = {"id": "c", "function": {"name": "f", "arguments": arguments}}
    messages = [user("a"), {"role": "assistant", "tool_calls": [call]}]
    error = server.chat(messages=messages, status=400)["error"]
    assert error["param"] == "messages[1].tool_calls[0].function.arguments"
    assert error["message"].split(": ", 1)[1].startswith(why)


# --- text around calls ----------------------------------------------------------------------------


@pytest.mark.parametrize("style", MARKED)
def test_text_behind_a_call(server, style):
    """A call is one whatever follows it, and what follows is told."""
    asked = {"model": f"echo-{style}", "tools": TOOLS}
    choice = server.chat(MARKED[style] + " and it's more.", **asked)["choices"][0]
    assert [c["function"]["name"] for c in choice["message"]["tool_calls"]] == ["weather"]
    assert choice["message"]["content"] == "and it's more."
    found = server.events("/v1/chat/completions",
                          messages=[user(MARKED[style] + " and it's more.")], **asked)  # fmt: skip
    deltas = [chunk["choices"][0]["delta"] for _, chunk in found[:-1]]
    assert "".join(d.get("content") or "" for d in deltas) == "and it's more."


@pytest.mark.parametrize("style", [s for s in MARKED if s not in ("llama3", "glm-4")])
def test_text_around_a_call(server, style):
    choice = server.chat(f"One {MARKED[style]} and two. ", model=f"echo-{style}",
                         tools=TOOLS)["choices"][0]  # fmt: skip
    assert len(choice["message"]["tool_calls"]) == 1
    assert choice["message"]["content"] == "One  and two. "


@pytest.mark.parametrize("style", MARKED)
def test_a_cut_call_is_as_it_was_written(server, style):
    """Up to the name's last letter it is none."""
    text = MARKED[style][: MARKED[style].index("weather") + 6]
    choice = server.chat(text, model=f"echo-{style}", tools=TOOLS)["choices"][0]
    assert choice["message"]["content"] == text and "tool_calls" not in choice["message"]


# --- ids ------------------------------------------------------------------------------------------


def calls_of(server, text, style, *messages):
    answer = server.chat(model=f"echo-{style}", tools=TOOLS, messages=[*messages, user(text)])
    return answer["choices"][0]["message"]["tool_calls"]


def test_ids_are_unique(server):
    """The model's, if it is one of the conversation; Command R7B counts its own from 0 on."""
    (call,) = calls_of(server, MARKED["mistral"], "mistral")
    assert call["id"] == "abc123XYZ"
    said = [user("a"), {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": "x"}]  # fmt: skip
    (again,) = calls_of(server, MARKED["mistral"], "mistral", *said)
    assert again["id"] != call["id"]
    twice = calls_of(server, MARKED["mistral"] * 2, "mistral")
    assert len({c["id"] for c in twice}) == 2
    (call,) = calls_of(server, MARKED["command-r"], "command-r")
    assert call["id"].startswith("call_")


def test_ids_are_as_templates_want_them(server):
    """Mistral's refuse others than those of nine letters and digits."""
    (call,) = calls_of(server, f"[TOOL_CALLS]weather{ARGUMENTS}", "mistral")
    assert len(call["id"]) == 9 and call["id"].isalnum()


MARKERS = {
    "gpt-oss": "a<|channel|>analysis<|message|>b<|end|>c<|start|>assistant",
    "hermes": "a<think>b</think><tool_call>{}</tool_call>",
    "command-r": "<|START_RESPONSE|>a<|START_THINKING|>b",
    "functionary-v3.2": ">>>weather\n{}",
    "mistral": '[THINK]a[/THINK][TOOL_CALLS]weather{"city": "x"}',
}


@pytest.mark.parametrize(("style", "marked"), MARKERS.items())
def test_structured_answers_are_whole(server, style, marked):
    """What an answer has to be is not taken apart."""
    text = json.dumps({"a": marked})
    asked = {"model": f"echo-{style}",
             "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}  # fmt: skip
    for more in ({}, {"tools": TOOLS, "tool_choice": "none"}):
        message = server.chat(text, **asked, **more)["choices"][0]["message"]
        assert message["content"] == text and not message.get("reasoning_content")
        found = server.events("/v1/chat/completions", messages=[user(text)], **asked, **more)
        deltas = [chunk["choices"][0]["delta"] for _, chunk in found[:-1]]
        assert "".join(d.get("content") or "" for d in deltas) == text
    message = server.chat(marked, model=f"echo-{style}", guided_choice=[marked])["choices"][0][
        "message"
    ]
    assert message["content"] == marked


def test_tools_in_the_message_of_the_system(server):
    """Phi-4's template has them there, as a text."""
    text = json.dumps([t["function"] for t in TOOLS])
    from server import serving

    with serving(models=["params-phi-4", "params-granite"]) as other:

        def prompt(model, *messages):
            answer = other.post("/v1/chat/completions", model=model, tools=TOOLS,
                                messages=list(messages))  # fmt: skip
            return json.loads(answer["choices"][0]["message"]["content"])["prompt"]

        system = {"role": "system", "content": "Be brief."}
        assert f"\x02system\x03{text}Be brief.\x02user" in prompt("params-phi-4", system, user("a"))
        assert f"\x02system\x03{text}\x02user" in prompt("params-phi-4", user("a"))
        assert "system" not in prompt("params-granite", user("a"))
