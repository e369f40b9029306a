"""Calls of tools whose arguments stand as the model wrote them, and answers held to a structure."""

import json

import pytest

from serve_answers import SCHEMA, TOOLS
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
