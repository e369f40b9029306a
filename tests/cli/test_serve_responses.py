"""mlx serve: responses, and answers that are begun, with an engine that stands for models."""

import json

import pytest

from serve_answers import CALL, MARKED, TOOLS
from server import params, server, user  # noqa: F401


def respond(server, status=200, **more):
    return server.post("/v1/responses", status, **{"model": "echo", "input": "hello", **more})


def test_responses(server):
    answer = respond(server, instructions="be brief", metadata={"k": "v"}, max_output_tokens=90)
    assert answer["object"] == "response" and answer["status"] == "completed"
    (item,) = answer["output"]
    assert item["type"] == "message" and item["content"][0]["text"] == "hello"
    assert answer["instructions"] == "be brief" and answer["metadata"] == {"k": "v"}
    assert answer["usage"]["output_tokens"] == 5 and answer["store"] is False
    cut = respond(server, max_output_tokens=2)
    assert cut["status"] == "incomplete" and cut["output"][-1]["status"] == "incomplete"
    assert cut["incomplete_details"] == {"reason": "max_output_tokens"}


def test_responses_with_calls_and_reasoning(server):
    text = "<think>hm</think>So: " + MARKED["hermes"]
    tools = [{"type": "function", **TOOLS[0]["function"]}]
    answer = respond(server, model="echo-hermes", input=text, tools=tools)
    kinds = [item["type"] for item in answer["output"]]
    assert kinds == ["reasoning", "message", "function_call"]
    assert json.loads(answer["output"][2]["arguments"]) == CALL
    found = server.events("/v1/responses", model="echo-hermes", input=text, tools=tools)
    assert [doc["sequence_number"] for _, doc in found] == list(range(len(found)))
    assert all(name == doc["type"] for name, doc in found)
    names = [name for name, _ in found if "delta" not in name]
    assert names == [
        "response.created", "response.in_progress",
        "response.output_item.added", "response.content_part.added", "response.reasoning_text.done",
        "response.content_part.done", "response.output_item.done",
        "response.output_item.added", "response.content_part.added", "response.output_text.done",
        "response.content_part.done", "response.output_item.done",
        "response.output_item.added", "response.function_call_arguments.done",
        "response.output_item.done", "response.completed",
    ]  # fmt: skip
    last = found[-1][1]["response"]
    assert [item["type"] for item in last["output"]] == kinds
    assert last["output"][1]["content"][0]["text"] == "So:"


def test_log_probabilities_of_responses(server):
    text = "<think>hm</think> So: é" + MARKED["hermes"]
    asked = {"model": "echo-hermes", "input": text, "top_logprobs": 2,
             "tools": [{"type": "function", **TOOLS[0]["function"]}],
             "include": ["message.output_text.logprobs"]}  # fmt: skip
    answer = respond(server, **asked)
    assert [item["type"] for item in answer["output"]] == ["reasoning", "message", "function_call"]
    logs = answer["output"][1]["content"][0]["logprobs"]
    assert answer["top_logprobs"] == 2 and [row["token"] for row in logs] == list("So: é")
    assert logs[4]["bytes"] == [0xC3, 0xA9] and logs[4]["logprob"] == -0.5
    assert [top["token"] for top in logs[0]["top_logprobs"]] == ["S", "x"]
    found = server.events("/v1/responses", **asked)
    deltas = [doc for name, doc in found if name == "response.output_text.delta"]
    assert [row for doc in deltas for row in doc["logprobs"]] == logs
    (done,) = (doc for name, doc in found if name == "response.output_text.done")
    assert (
        done["logprobs"] == logs == found[-1][1]["response"]["output"][1]["content"][0]["logprobs"]
    )
    plain = respond(server, input="  ab c ", include=["message.output_text.logprobs"])
    (part,) = plain["output"][0]["content"]
    assert "".join(row["token"] for row in part["logprobs"]) == part["text"] == "  ab c "
    assert part["logprobs"][0]["top_logprobs"] == []
    assert respond(server)["output"][0]["content"][0]["logprobs"] == []


def test_log_probabilities_behind_what_is_marked(server):
    """White space waits for the text behind it; what marks calls and thoughts has none."""
    answer = respond(server, model="echo-hermes", input="a <think>b</think> c " + MARKED["hermes"] + " d",
                     tools=[{"type": "function", **TOOLS[0]["function"]}],
                     include=["message.output_text.logprobs"])  # fmt: skip
    parts = [item["content"][0] for item in answer["output"] if item["type"] == "message"]
    assert [part["text"] for part in parts] == ["a", "  c", "  d"]
    assert ["".join(row["token"] for row in part["logprobs"]) for part in parts] == [
        "a",
        " c",
        " d",
    ]


def test_parts_of_responses_stay_in_order(server):
    text = MARKED["hermes"] + "between" + MARKED["hermes"].replace("weather", "time")
    tools = [{"type": "function", **tool["function"]} for tool in TOOLS]
    kinds = ["function_call", "message", "function_call"]
    answer = respond(server, model="echo-hermes", input=text, tools=tools)
    assert [item["type"] for item in answer["output"]] == kinds
    empty = respond(server, model="echo-hermes", input="<think>only</think>")["output"]
    assert [item["type"] for item in empty] == ["reasoning", "message"]
    cut = respond(server, model="echo-hermes", input="<think>only", max_output_tokens=9)
    assert cut["status"] == "incomplete"
    assert [item["type"] for item in cut["output"]] == ["reasoning"]
    assert empty[1]["content"][0]["text"] == ""


def test_responses_take_a_conversation(server):
    answer = respond(
        server, model="params", instructions="sys",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [],
             "content": [{"type": "reasoning_text", "text": "why"}]},
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
             "content": [{"type": "output_text", "text": "yo", "annotations": [],
                          "logprobs": [{"token": "yo", "logprob": -1, "bytes": []}]}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "42"},
        ],
    )  # fmt: skip
    prompt = json.loads(answer["output"][0]["content"][0]["text"])["prompt"]
    assert "\x02system\x03sys\x02user\x03hi\x02assistant\x03" in prompt
    assert prompt.endswith("yo\x02tool\x0342") and '"id":"c1"' in prompt


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"previous_response_id": "x"}, "previous_response_id"), ({"store": True}, "store"),
        ({"background": True}, "background"), ({"truncation": "auto"}, "truncation"),
        ({"include": ["x"]}, "include"), ({"top_logprobs": 2}, "top_logprobs"),
        ({"include": ["message.output_text.logprobs"], "top_logprobs": 21}, "top_logprobs"), ({"input": []}, "input"), ({"input": [{"type": "x"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
        ({"text": {"format": {"type": "x"}}}, "text.format.type"), ({"max_tokens": 5}, "max_tokens"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"), ({"conversation": "x"}, "conversation"),
    ],
)  # fmt: skip
def test_responses_that_are_refused(server, more, field):
    assert respond(server, 400, **more)["error"]["param"] == field


def test_a_failed_response(server):
    found = server.events("/v1/responses", model="fails", input="hello")
    assert found[-1][0] == "response.failed"
    assert "has failed" in found[-1][1]["response"]["error"]["message"]


def test_an_answer_that_goes_on(server):
    asked = params(server, max_tokens=5000, continue_final_message=True, prompt_cache_key="k",
                   messages=[user("hi"), {"role": "assistant", "content": "The answer is"}])  # fmt: skip
    assert asked["prompt"].endswith("hiThe answer is")


def test_a_thought_that_goes_on(server):
    """The last message ends inside of a thought: so what comes is one, up to its end."""
    said = " 5 < 6?</think>\nYes."

    def going_on(begun, **more):
        messages = [user(said), {"role": "assistant", "content": begun}]
        return {"model": "echo-hermes", "messages": messages, "continue_final_message": True,
                "max_tokens": len(said), **more}  # fmt: skip

    message = server.post("/v1/chat/completions", **going_on("<think>\nIs it"))["choices"][0][
        "message"
    ]
    assert message["reasoning_content"] == " 5 < 6?" and message["content"] == "Yes."
    found = server.events("/v1/chat/completions", **going_on("<think>\nIs it"))
    deltas = [chunk["choices"][0]["delta"] for _, chunk in found[:-1]]
    assert "".join(d.get("reasoning_content", "") for d in deltas) == " 5 < 6?"
    assert "".join(d.get("content", "") for d in deltas) == "Yes."
    for begun in ("Is it", "<think>a</think>Is it"):  # no thought is open
        message = server.post("/v1/chat/completions", **going_on(begun))["choices"][0]["message"]
        assert "reasoning_content" not in message and message["content"] == said
    text = going_on("<think>\nIs it", reasoning_format="none")
    answer = server.post("/v1/chat/completions", **text)
    assert answer["choices"][0]["message"]["content"] == said
    body = {"model": "echo-hermes", "max_tokens": len(said),
            "messages": [user(said), {"role": "assistant", "content": "<think>Is it"}]}  # fmt: skip
    blocks = server.post("/v1/messages", **body)["content"]
    assert [b.get("thinking", b.get("text")) for b in blocks] == [" 5 < 6?", "Yes."]


@pytest.mark.parametrize(
    ("last", "more", "field", "why"),
    [
        (user("and?"), {}, "continue_final_message", "not the assistant's"),
        ({"role": "tool", "content": "42", "tool_call_id": "c"}, {}, "continue_final_message", "not the assistant's"),
        ({"role": "assistant", "content": "x", "tool_calls": [{"id": "c", "type": "function",
          "function": {"name": "f", "arguments": "{}"}}]}, {}, "continue_final_message", "calls tools"),
        ({"role": "assistant", "content": "x", "reasoning_content": "hm"}, {}, "continue_final_message", "reasoning"),
        ({"role": "assistant", "content": "x"}, {"add_generation_prompt": True}, "add_generation_prompt", "it is false with"),
        ({"role": "assistant", "content": "x"}, {"chat_template_kwargs": {"add_generation_prompt": False}}, "chat_template_kwargs", "field of the request"),
    ],
)  # fmt: skip
def test_answers_that_cannot_go_on(server, last, more, field, why):
    error = server.chat(messages=[user("hi"), last], continue_final_message=True, status=400,
                        **more)["error"]  # fmt: skip
    assert error["param"] == field and why in error["message"]


def test_how_an_answer_is_opened(server):
    begun = [user("hi"), {"role": "assistant", "content": "So"}]
    asked = params(server, messages=begun, max_tokens=5000, continue_final_message=True,
                   add_generation_prompt=False)  # fmt: skip
    assert asked["prompt"].endswith("hiSo")
    asked = params(server, max_tokens=5000, messages=begun, add_generation_prompt=True)
    assert not asked["prompt"].endswith("hiSo")
    error = server.chat("x", status=400, add_generation_prompt=False)["error"]
    assert error["param"] == "add_generation_prompt"
