"""Answers with text, thoughts and calls: the parts that a stream has are those of the whole."""

import pytest

from serve_answers import CALL, MARKED, TOOLS
from server import server, user  # noqa: F401

ANTHROPIC = [{"name": t["function"]["name"], "input_schema": t["function"]["parameters"]}
             for t in TOOLS]  # fmt: skip
RESPONSES = [{"type": "function", **t["function"]} for t in TOOLS]
FIRST = {"llama3", "glm-4"}  # styles whose calls are such at an answer's beginning
THINK = {
    "hermes": "<think>hm</think>",
    "mistral": "[THINK]hm[/THINK]",
    "gpt-oss": "<|channel|>analysis<|message|>hm<|end|>",
    "command-r": "<|START_THINKING|>hm<|END_THINKING|>",
    "deepseek": "<think>hm</think>",
    "granite": "<think>hm</think>",
}


def texts_of(style):
    call, think = MARKED[style], THINK.get(style, "")
    yield call + " After."
    yield f"{think}{call}{think}{call}"
    if style not in FIRST:
        yield f"Before. {call} After."
        yield f"Before. {think}{call}{think} After. {call}{call} End."
    if think:
        yield f"{think}b{think}d"


ASKED = [(style, text) for style in MARKED for text in texts_of(style)]


def blocks_of_events(found):
    """What a client makes of them: (type, what it says) each."""
    blocks = {}
    for name, doc in found:
        if name == "content_block_start":
            assert doc["index"] == len(blocks)
            blocks[doc["index"]] = [doc["content_block"]["type"], ""]
        if name == "content_block_delta":
            delta = doc["delta"]
            blocks[doc["index"]][1] += next(v for k, v in delta.items() if k != "type")
    return [tuple(block) for block in blocks.values()]


def blocks_of(content):
    says = {"text": lambda b: b["text"], "thinking": lambda b: b["thinking"],
            "tool_use": lambda b: '{"city":"Köln"}' if b["input"] == CALL else b["input"]}  # fmt: skip
    return [(block["type"], says[block["type"]](block)) for block in content]


def items_of(output):
    kinds = {"message": "text", "reasoning": "thinking", "function_call": "tool_use"}
    return [(kinds[i["type"]], i["arguments"] if "arguments" in i else i["content"][0]["text"])
            for i in output]  # fmt: skip


def joined(parts, kind):
    return "".join(text for k, text in parts if k == kind)


@pytest.mark.parametrize(("style", "text"), ASKED)
def test_the_whole_has_the_parts_of_the_stream(server, style, text):
    """In all interfaces; those without an order of parts say the same of each kind."""
    asked = {"model": f"echo-{style}", "messages": [user(text)], "max_tokens": 2000}
    parts = blocks_of(server.post("/v1/messages", tools=ANTHROPIC, **asked)["content"])
    assert parts == blocks_of_events(server.events("/v1/messages", tools=ANTHROPIC, **asked))
    assert any(kind == "tool_use" for kind, _ in parts) or MARKED[style] not in text
    input_ = {"model": f"echo-{style}", "input": text, "tools": RESPONSES}
    items = items_of(server.post("/v1/responses", **input_)["output"])
    assert items == parts
    assert items == items_of(server.events("/v1/responses", **input_)[-1][1]["response"]["output"])
    message = server.chat(text, model=f"echo-{style}", tools=TOOLS)["choices"][0]["message"]
    assert (message["content"] or "") == joined(parts, "text")
    assert message.get("reasoning_content", "") == joined(parts, "thinking")
    assert len(message.get("tool_calls", [])) == sum(k == "tool_use" for k, _ in parts)
    lines = server.lines("/api/chat", model=f"echo-{style}", messages=[user(text)], tools=TOOLS)
    said = [line["message"] for line in lines]
    assert "".join(m["content"] for m in said) == joined(parts, "text")
    assert "".join(m.get("thinking", "") for m in said) == joined(parts, "thinking")


def test_parts_are_in_the_order_that_they_were_written_in(server):
    text = f"Before. <think>hm</think>{MARKED['hermes']} After. <think>so</think>"
    answer = server.post("/v1/messages", model="echo-hermes", messages=[user(text)],
                         max_tokens=500, tools=ANTHROPIC)  # fmt: skip
    assert blocks_of(answer["content"]) == [
        ("text", "Before."),
        ("thinking", "hm"),
        ("tool_use", '{"city":"Köln"}'),
        ("text", "  After."),
        ("thinking", "so"),
    ]


# --- one call at most -----------------------------------------------------------------------------


@pytest.mark.parametrize("style", MARKED)
@pytest.mark.parametrize("between", ["", " and "])
def test_an_answer_of_one_call_ends_with_it(server, style, between):
    """Nothing behind it is told, the next call's markers neither."""
    first = "" if style in FIRST else "So: "
    text = first + MARKED[style] + between + MARKED[style] + " End."
    asked = {"model": f"echo-{style}", "tools": TOOLS, "parallel_tool_calls": False}
    choice = server.chat(text, **asked)["choices"][0]
    message = choice["message"]
    assert (message["content"] or "") == first.strip() and len(message["tool_calls"]) == 1
    assert choice["finish_reason"] == "tool_calls"
    found = server.events("/v1/chat/completions", messages=[user(text)], **asked)
    deltas = [chunk["choices"][0]["delta"] for _, chunk in found[:-1]]
    assert "".join(d.get("content") or "" for d in deltas) == first.strip()
    assert sum("tool_calls" in d for d in deltas) == 1


@pytest.mark.parametrize("style", MARKED)
def test_one_call_in_the_other_interfaces(server, style):
    text = MARKED[style] * 2 + " End."
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    asked = {"model": f"echo-{style}", "messages": [user(text)], "tools": ANTHROPIC,
             "max_tokens": 2000, "tool_choice": choice}  # fmt: skip
    parts = [("tool_use", '{"city":"Köln"}')]
    assert blocks_of(server.post("/v1/messages", **asked)["content"]) == parts
    assert blocks_of_events(server.events("/v1/messages", **asked)) == parts
    asked = {"model": f"echo-{style}", "input": text, "tools": RESPONSES,
             "parallel_tool_calls": False}  # fmt: skip
    assert items_of(server.post("/v1/responses", **asked)["output"]) == parts
    found = server.events("/v1/responses", **asked)
    assert items_of(found[-1][1]["response"]["output"]) == parts
