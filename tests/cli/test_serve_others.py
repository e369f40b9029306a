"""mlx serve: the interfaces of Anthropic and Ollama, with an engine that stands for models."""

import json

import pytest

from program import DATA, MLX, run
from serve_answers import CALL, MARKED, SCHEMA, TOOLS
from server import server, serving, user  # noqa: F401


# --- Anthropic's ----------------------------------------------------------------------------------


def message(server, status=200, **more):
    return server.post("/v1/messages", status, **{
        "model": "echo", "max_tokens": 100, "messages": [user("hello")], **more})  # fmt: skip


def test_messages(server):
    answer = message(server)
    assert answer["type"] == "message" and answer["role"] == "assistant"
    assert answer["content"] == [{"type": "text", "text": "hello"}]
    assert answer["stop_reason"] == "end_turn" and answer["stop_sequence"] is None
    usage = answer["usage"]
    assert usage["input_tokens"] + usage["cache_read_input_tokens"] == 11
    assert usage["output_tokens"] == 5
    assert message(server, max_tokens=2)["stop_reason"] == "max_tokens"
    stopped = message(server, stop_sequences=["zz", "lo"])
    assert stopped["stop_reason"] == "stop_sequence" and stopped["stop_sequence"] == "lo"
    assert stopped["content"][0]["text"] == "hel"


def test_messages_with_tools(server):
    tools = [{"name": "weather", "input_schema": TOOLS[0]["function"]["parameters"]}]
    text = "<think>hm</think>So: " + MARKED["hermes"]
    answer = message(server, model="echo-hermes", messages=[user(text)], tools=tools,
                     max_tokens=500)  # fmt: skip
    assert [block["type"] for block in answer["content"]] == ["thinking", "text", "tool_use"]
    assert answer["content"][2]["input"] == CALL and answer["stop_reason"] == "tool_use"
    found = server.events("/v1/messages", model="echo-hermes", messages=[user(text)], tools=tools,
                          max_tokens=500)  # fmt: skip
    assert all(name == doc["type"] for name, doc in found)
    kinds = [doc["content_block"]["type"] for name, doc in found if name == "content_block_start"]
    assert kinds == ["thinking", "text", "tool_use"]
    stops = [doc["index"] for name, doc in found if name == "content_block_stop"]
    assert stops == [0, 1, 2]
    parts = "".join(doc["delta"].get("partial_json", "") for name, doc in found
                    if name == "content_block_delta")  # fmt: skip
    assert json.loads(parts) == CALL
    assert found[-2][1]["delta"]["stop_reason"] == "tool_use" and found[-1][0] == "message_stop"


def test_messages_take_a_conversation(server):
    answer = message(
        server, model="params", system=[{"type": "text", "text": "sys",
                                         "cache_control": {"type": "ephemeral"}}],
        messages=[
            user("hi"),
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "42", "is_error": True},
                {"type": "text", "text": "so?"}]},
        ], max_tokens=5000, top_k=5,
    )  # fmt: skip
    asked = json.loads(answer["content"][0]["text"])
    assert "\x02system\x03sys" in asked["prompt"] and asked["top_k"] == 5
    assert asked["prompt"].endswith("\x02tool\x0342\x02user\x03so?")


def test_an_answer_that_was_begun(server):
    answer = message(server, model="params", max_tokens=5000, messages=[
        user("hi"), {"role": "assistant", "content": "The answer is"}])  # fmt: skip
    assert json.loads(answer["content"][0]["text"])["prompt"].endswith("hiThe answer is")


def test_a_budget_of_thoughts_that_is_no_smaller_than_the_answer(server):
    thinking = {"type": "enabled", "budget_tokens": 100}
    answer = message(server, model="echo-hermes", thinking=thinking)
    assert answer["content"][0]["text"] == "hello"
    server.post("/v1/messages/count_tokens", model="echo-hermes", messages=[user("hello")],
                thinking={**thinking, "budget_tokens": 1})  # fmt: skip


def test_counting_tokens(server):
    answer = server.post("/v1/messages/count_tokens", model="echo", messages=[user("hello")])
    assert answer == {"input_tokens": 11}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"max_tokens": None}, "max_tokens: it is missing"), ({"temperature": 1.5}, "0 to 1"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages[0].role"),
        ({"messages": [user([{"type": "image", "source": {}}])]}, "messages[0].content[0]"),
        ({"messages": [user([{"type": "tool_use", "id": "a", "name": "b", "input": {}}])]}, "has no"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools[0].type"),
        ({"thinking": {"type": "enabled", "budget_tokens": 99}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "disabled", "budget_tokens": 100}}, "thinking that is enabled"),
        ({"thinking": {"type": "enabled", "budget_tokens": 0}}, "thinking.budget_tokens"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"), ({"n": 2}, "n: there is no such"),
        ({"messages": [user("hi"), {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": {}}]}]}, "calls tools"),
    ],
)  # fmt: skip
def test_messages_that_are_refused(server, more, why):
    answer = message(server, 400, **more)
    assert answer["type"] == "error" and answer["error"]["type"] == "invalid_request_error"
    assert why in answer["error"]["message"] and answer["request_id"].startswith("req_")
    assert message(server, 404, model="none")["error"]["type"] == "not_found_error"


# --- responses that are cut -----------------------------------------------------------------------


def test_of_a_response_that_is_cut_the_last_item_is_incomplete(server):
    text = "<think>hm</think>So it is"
    asked = {"model": "echo-hermes", "input": text, "max_output_tokens": len(text) - 3}
    cut = server.post("/v1/responses", **asked)["output"]
    assert [item.get("status") for item in cut] == [None, "incomplete"]
    found = server.events("/v1/responses", **asked)
    done = [doc["item"] for name, doc in found if name == "response.output_item.done"]
    assert [item.get("status") for item in done] == [None, "incomplete"]
    assert found[-1][1]["response"]["output"] == done
    assert found[-1][0] == "response.incomplete"


# --- Ollama's -------------------------------------------------------------------------------------


def test_ollama_chat(server):
    found = server.lines("/api/chat", model="echo:latest", messages=[user("hé")])
    assert "".join(line["message"]["content"] for line in found) == "hé"
    assert [line["done"] for line in found] == [False, False, True]
    last = found[-1]
    assert last["done_reason"] == "stop" and last["eval_count"] == 2 and last["eval_duration"] >= 0
    whole = server.post("/api/chat", model="echo", messages=[user("hé")], stream=False)
    assert whole["message"] == {"role": "assistant", "content": "hé"} and whole["done"]
    whole = server.post("/api/chat", model="echo-hermes", stream=False, tools=TOOLS,
                        messages=[user(MARKED["hermes"])])  # fmt: skip
    (call,) = whole["message"]["tool_calls"]
    assert call == {"function": {"name": "weather", "arguments": CALL}}


def test_ollama_options(server):
    options = {"temperature": 0, "num_predict": 4000, "seed": 3, "top_k": 5, "num_ctx": 2048,
               "stop": ["\n"], "repeat_penalty": 1.2}  # fmt: skip
    whole = server.post("/api/chat", model="params", messages=[user("a")], stream=False,
                        options=options, format=SCHEMA, keep_alive="5m", think=False)  # fmt: skip
    asked = json.loads(whole["message"]["content"])
    assert asked["temperature"] == 0 and asked["structure"] == 2
    assert asked["most"] == 2048 - whole["prompt_eval_count"]
    assert asked["repetition_penalty"] == 1.2 and '"enable_thinking":false' in asked["prompt"]
    for more, field in [
        ({"options": {"num_ctx": 99999}}, "options.num_ctx"), ({"options": {"x": 1}}, "options.x"),
        ({"options": {"num_ctx": 1}}, "options.num_ctx"),
        ({"options": {"num_predict": 0}}, "options.num_predict"), ({"format": "xml"}, "format"),
        ({"keep_alive": "soon"}, "keep_alive"),
        ({"messages": [{**user("a"), "images": ["x"]}]}, "messages[0].images"),
    ]:  # fmt: skip
        answer = server.post("/api/chat", 400, **{"model": "echo", "messages": [user("a")], **more})
        assert answer["error"].startswith(field + ":"), answer


def test_ollama_generate(server):
    found = server.lines("/api/generate", model="echo", prompt="hey", system="sys")
    assert "".join(line["response"] for line in found) == "hey"
    whole = server.post("/api/generate", model="echo", prompt="hey", raw=True, stream=False)
    assert whole["response"] == "hey"
    assert whole["prompt_eval_count"] == 3
    for field in "suffix", "template", "context", "images":
        answer = server.post("/api/generate", 400, model="echo", prompt="a", **{field: "x"})
        assert answer["error"].startswith(field)


def test_ollama_loads_what_is_asked_nothing(server):
    whole = server.post("/api/generate", model="echo")
    assert whole["response"] == "" and whole["done"] and whole["done_reason"] == "load"
    whole = server.post("/api/chat", model="echo", messages=[], keep_alive="5m")
    assert whole["message"] == {"role": "assistant", "content": ""}
    assert "echo" in [m["name"] for m in server.ask("/api/ps")[2]["models"]]
    whole = server.post("/api/generate", model="vectors", prompt="", keep_alive=0)
    assert whole["done_reason"] == "unload"
    server.post("/api/generate", 404, model="none")


def test_ollama_vectors(server):
    whole = server.post("/api/embed", model="vectors", input=["ab", "bb\0"], truncate=True)
    assert whole["model"] == "vectors" and whole["prompt_eval_count"] == 5
    a, b = whole["embeddings"]
    assert a[:3] == pytest.approx([0.5**0.5, 0.5**0.5, 0]) and b[1] == 1 and len(a) == 26
    assert server.post("/api/embed", model="vectors", input="ab", dimensions=26)["embeddings"] == [
        a
    ]
    assert server.post("/api/embed", model="vectors", input=[])["embeddings"] == []
    assert server.post("/api/embeddings", model="vectors", prompt="ab") == {"embedding": a}
    for path, more, field in [
        ("embed", {}, "input"), ("embed", {"input": [1]}, "input[0]"),
        ("embed", {"input": ["a"] * 2049}, "input"), ("embed", {"input": ""}, "input"),
        ("embed", {"input": "a", "dimensions": 3}, "dimensions"),
        ("embed", {"input": "a", "truncate": False}, "truncate"),
        ("embed", {"input": "a", "options": {"num_ctx": 3}}, "options.num_ctx"),
        ("embed", {"input": "a", "keep_alive": "soon"}, "keep_alive"),
        ("embed", {"input": "a", "model": "echo"}, "model"),
        ("embeddings", {"prompt": ["a"]}, "prompt"),
    ]:  # fmt: skip
        refused = server.post(f"/api/{path}", 400, **{"model": "vectors", **more})
        assert refused["error"].startswith(field + ":"), refused


@pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")
def test_ollama_sizes_of_files_and_folders(tmp_path):
    file, folder = DATA / "stories260K" / "stories260K.gguf", tmp_path / "folder"
    run("convert", file, folder, "-q")
    with serving(program=MLX, models=[file, folder]) as found:
        sizes = {m["name"]: m["size"] for m in found.ask("/api/tags")[2]["models"]}
    assert sizes["stories260K"] == file.stat().st_size
    assert sizes["folder"] == sum(f.stat().st_size for f in folder.iterdir())


def test_ollama_models(server):
    _, _, tags = server.ask("/api/tags")
    assert "echo" in [m["name"] for m in tags["models"]]
    assert server.ask("/api/version")[2]["version"]
    shown = server.post("/api/show", model="echo-hermes")
    assert shown["capabilities"] == ["completion", "tools", "thinking"]
    assert server.post("/api/show", model="vectors")["capabilities"] == ["embedding"]
    server.post("/api/show", 404, model="none")
    server.chat("a")
    assert "echo" in [m["name"] for m in server.ask("/api/ps")[2]["models"]]
