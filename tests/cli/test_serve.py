"""mlx serve: chat, with an engine that stands for models."""

import json

import pytest

from serve_answers import ARGUMENTS, CALL, MARKED, SCHEMA, TOOLS
from server import params, server, user  # noqa: F401


# --- chat -----------------------------------------------------------------------------------------


def test_chat(server):
    answer = server.chat("Grüße, 世界 \U0001f600")
    (choice,) = answer["choices"]
    assert choice["message"]["content"] == "Grüße, 世界 \U0001f600"
    assert choice["message"]["role"] == "assistant" and choice["finish_reason"] == "stop"
    assert answer["object"] == "chat.completion" and answer["model"] == "echo"
    usage = answer["usage"]
    assert usage["completion_tokens"] == 11 and usage["prompt_tokens"] == 17
    assert usage["total_tokens"] == 28 and usage["prompt_tokens_details"]["cached_tokens"] == 8


def test_parts_are_one_text(server):
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    assert server.chat(parts)["choices"][0]["message"]["content"] == "one two"


def test_zeros_in_a_text(server):
    assert server.chat("a\0b")["choices"][0]["message"]["content"] == "a\0b"


def test_a_stream(server):
    found = server.events(
        "/v1/chat/completions", model="echo", messages=[user("Hi 世")],
        stream_options={"include_usage": True},
    )  # fmt: skip
    assert found[-1] == (None, "[DONE]")
    chunks = [chunk for _, chunk in found[:-1]]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    deltas = [c["choices"][0]["delta"].get("content", "") for c in chunks[:-1]]
    assert deltas == ["", "H", "i", " 世", ""]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["completion_tokens"] == 4
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


def test_several_choices(server):
    answer = server.chat("abc", n=3)
    assert [c["index"] for c in answer["choices"]] == [0, 1, 2]
    assert all(c["message"]["content"] == "abc" for c in answer["choices"])
    assert answer["usage"]["completion_tokens"] == 9
    texts = {}
    for _, chunk in server.events("/v1/chat/completions", model="echo", n=3,
                                  messages=[user("abc")])[:-1]:  # fmt: skip
        (choice,) = chunk["choices"]
        texts[choice["index"]] = texts.get(choice["index"], "") + choice["delta"].get("content", "")
    assert texts == {0: "abc", 1: "abc", 2: "abc"}


def test_limits_and_stops(server):
    answer = server.chat("abcdef", max_tokens=3)["choices"][0]
    assert answer["message"]["content"] == "abc" and answer["finish_reason"] == "length"
    answer = server.chat("abcdef", stop="de")["choices"][0]
    assert answer["message"]["content"] == "abc" and answer["finish_reason"] == "stop"
    answer = server.chat("abcdef", stop=["x", "f"], max_completion_tokens=50)["choices"][0]
    assert answer["message"]["content"] == "abcde"


def test_log_probabilities(server):
    answer = server.chat("ab", logprobs=True, top_logprobs=2)["choices"][0]
    first, second = answer["logprobs"]["content"]
    assert first["token"] == "a" and first["bytes"] == [97] and first["logprob"] == -0.5
    assert [top["token"] for top in second["top_logprobs"]] == ["b", "x"]
    found = server.events("/v1/chat/completions", model="echo", messages=[user("世b")],
                          logprobs=True)  # fmt: skip
    logs = [c["choices"][0]["logprobs"] for _, c in found[:-1]]
    assert [log["content"][0]["token"] for log in logs if log] == ["世", "b"]
    assert "logprobs is to be true" in server.chat(status=400, top_logprobs=2)["error"]["message"]


def test_where_options_go(server):
    asked = params(
        server, temperature=0.5, top_p=0.9, top_k=7, min_p=0.1, seed=5, presence_penalty=-1,
        frequency_penalty=2, repetition_penalty=1.5, logit_bias={"65": -100, "66": 3.5},
        stop=["\n"], max_tokens=900, ignore_eos=True, typical_p=0.5, repeat_last_n=9,
        dry_multiplier=0.8, xtc_probability=0.5, mirostat=2,
    )  # fmt: skip
    for key, value in {
        "temperature": 0.5, "top_p": 0.9, "top_k": 7, "min_p": 0.1, "seed": 5, "presence_penalty": -1,
        "frequency_penalty": 2, "repetition_penalty": 1.5, "bias": {"65": "-inf", "66": 3.5},
        "stop": ["\n"], "most": 900, "ignore_end": True, "typical_p": 0.5, "penalty_last": 9,
        "dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed": 2, "xtc_probability": 0.5,
        "xtc_threshold": 0.1, "mirostat_tau": 5, "mirostat_eta": 0.1, "log_probabilities": -1,
        "markers": True, "structure": 0,
    }.items():  # fmt: skip
        assert asked[key] == value, key
    plain = params(server)
    assert plain["temperature"] == 1 and plain["most"] == 0 and plain["mirostat_tau"] == 0
    assert all(plain[k] == 0 for k in ["top_k", "top_p", "min_p", "typical_p", "dry_base",
                                       "repetition_penalty", "xtc_threshold"])  # fmt: skip
    assert params(server)["seed"] != plain["seed"]
    assert params(server, top_p=0)["top_k"] == 1
    assert 0 < params(server, typical_p=0)["typical_p"] < 1e-200  # the least there is
    all_of_it = {
        "repeat_last_n": -1,
        "dry_penalty_last_n": -1,
        "presence_penalty": 1,
        "dry_multiplier": 1,
    }
    asked = params(server, **all_of_it)
    assert asked["penalty_last"] == 0 and asked["dry_last"] == 0 and asked["presence_penalty"] == 1
    asked = params(server, **{**all_of_it, "repeat_last_n": 0, "dry_penalty_last_n": 0,
                              "frequency_penalty": 1, "repetition_penalty": 2})  # fmt: skip
    assert all(asked[k] == 0 for k in ["presence_penalty", "frequency_penalty", "dry_multiplier",
                                       "repetition_penalty", "dry_base"])  # fmt: skip
    asked = params(server, xtc_probability=0.5, xtc_threshold=0.2)
    assert asked["xtc_probability"] == 0.5 and asked["xtc_threshold"] == 0.2
    every = {"xtc_probability": 0, "xtc_threshold": 0.1, "dry_multiplier": 0, "dry_base": 1.75,
             "dry_allowed_length": 2, "dry_penalty_last_n": -1, "mirostat": 0, "mirostat_tau": 5,
             "mirostat_eta": 0.1, "repeat_penalty": 1, "repeat_last_n": 64}  # fmt: skip
    asked = params(server, **every)  # as clients have it that say all of their settings
    assert asked["xtc_threshold"] == asked["dry_base"] == asked["mirostat_tau"] == 0
    # null is the same as nothing
    assert params(server, temperature=None, top_k=None, tools=None, stop=None)["temperature"] == 1


@pytest.mark.parametrize(
    ("field", "value", "kind", "text"),
    [
        ("response_format", {"type": "text"}, 0, ""),
        ("response_format", {"type": "json_object"}, 1, ""),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA,
                                                                    "strict": True}}, 2, SCHEMA),
        ("json_schema", SCHEMA, 2, SCHEMA),
        ("guided_json", SCHEMA, 2, SCHEMA),
        ("guided_json", json.dumps(SCHEMA), 2, SCHEMA),
        ("regex", "[0-9]+", 3, "[0-9]+"),
        ("guided_regex", "a|b", 3, "a|b"),
        ("grammar", 'root ::= "a"', 4, 'root ::= "a"'),
        ("guided_grammar", 'root ::= "a"', 4, 'root ::= "a"'),
        ("guided_choice", ["yes", "no"], 5, ["yes", "no"]),
    ],
)  # fmt: skip
def test_structures(server, field, value, kind, text):
    asked = params(server, **{field: value})
    assert asked["structure"] == kind
    found = asked["structure_text"]
    assert (json.loads(found) if kind in (2, 5) else found) == text


def test_what_cannot_be_enforced(server):
    answer = server.chat(status=400, regex="impossible")
    assert "cannot be enforced" in answer["error"]["message"]
    answer = server.chat(status=400, regex="a", grammar="b")
    assert answer["error"]["param"] == "regex" and "'grammar'" in answer["error"]["message"]
    answer = server.chat(status=400, tools=TOOLS, regex="a")
    assert "may call tools" in answer["error"]["message"]


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "field", "why"),
    [
        ({"temprature": 1}, "temprature", "did you mean 'temperature'"),
        ({"zzz": 1}, "zzz", "no such field"),
        ({"temperature": "hot"}, "temperature", "a number"),
        ({"temperature": 2.5}, "temperature", "0 to 2"),
        ({"temperature": -1}, "temperature", "0 to 2"),
        ({"n": 0}, "n", "1 to 128"),
        ({"n": 1.5}, "n", "an integer"),
        ({"n": True}, "n", "an integer"),
        ({"stream": 1}, "stream", "true or false"),
        ({"stream": "yes"}, "stream", "true or false"),
        ({"max_tokens": 0}, "max_tokens", "1 to"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens", "as well"),
        ({"stop": 5}, "stop", "a text or a list"),
        ({"stop": [5]}, "stop[0]", "a text"),
        ({"stop": [""]}, "stop", "1 to 4096 bytes"),
        ({"stop": ["a"] * 17}, "stop", "16 is the limit"),
        ({"stop": ["a\0b"]}, "stop[0]", "zero"),
        ({"logit_bias": {"x": 1}}, "logit_bias", "'x' is no token"),
        ({"logit_bias": {"007": 1, "7": 2}}, "logit_bias", "'007' is no token"),
        ({"logit_bias": {" 7": 1}}, "logit_bias", "no token"),
        ({"tools": TOOLS, "tool_choice": "required", "stop": ["}"]}, "stop", "has to be a call"),
        ({"tools": [*TOOLS, TOOLS[0]]}, "tools", "two of them have the name 'weather'"),
        ({"logit_bias": {"99999999": 1}}, "logit_bias", "no token"),
        ({"logit_bias": {"5": 101}}, "logit_bias", "100"),
        ({"logit_bias": {"5": "a"}}, "logit_bias", "100"),
        ({"audio": {"voice": "x"}}, "audio", "not supported"),
        ({"modalities": ["text", "audio"]}, "modalities", "only"),
        ({"store": True}, "store", "only false"),
        ({"functions": []}, "functions", "tools is"),
        ({"prediction": {}}, "prediction", "not supported"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "text|json_object"),
        ({"response_format": {"type": "json_schema"}}, "response_format", "schema is missing"),
        ({"response_format": {}}, "response_format.type", "missing"),
        ({"stream_options": {"x": 1}}, "stream_options.x", "no such field"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "stream is to be true"),
        ({"tool_choice": "required"}, "tool_choice", "no tools"),
        ({"tools": TOOLS, "tool_choice": "x"}, "tool_choice", "none of auto"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type", "'retrieval'"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0]",
         "letters"),
        ({"mirostat": 1}, "mirostat", "second"),
        ({"xtc_threshold": 0.1}, "xtc_threshold", "nothing without xtc_probability"),
        ({"xtc_threshold": 0, "xtc_probability": 0.5}, "xtc_threshold", "above 0"),
        ({"dry_base": 2, "dry_multiplier": None}, "dry_base", "nothing without dry_multiplier"),
        ({"dry_allowed_length": 3}, "dry_allowed_length", "nothing without dry_multiplier"),
        ({"dry_penalty_last_n": 3}, "dry_penalty_last_n", "nothing without dry_multiplier"),
        ({"mirostat_tau": 3}, "mirostat_tau", "nothing without mirostat"),
        ({"mirostat_eta": 0.1}, "mirostat_eta", "nothing without mirostat"),
        ({"repeat_last_n": 9}, "repeat_last_n", "nothing without repetition_penalty"),
        ({"repeat_penalty": 1.1, "repetition_penalty": 1.2}, "repeat_penalty", "as well"),
        ({"messages": []}, "messages", "none"),
        ({"messages": None}, "messages", "missing"),
        ({"messages": "hi"}, "messages", "a list"),
        ({"messages": ["hi"]}, "messages[0]", "an object"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing"),
        ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role", "'boss'"),
        ({"messages": [user("a"), {"role": "user", "content": 5}]}, "messages[1].content", "a text"),
        ({"messages": [user([{"type": "image_url", "image_url": {"url": "x"}}])]},
         "messages[0].content[0]", "no eyes"),
        ({"messages": [user([{"type": "input_audio"}])]}, "messages[0].content[0]", "no ears"),
        ({"messages": [user([{"type": "text", "text": "x", "y": 1}])]},
         "messages[0].content[0].y", "no such field"),
        ({"messages": [{**user("x"), "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]},
         "messages[0]", "only the assistant"),
        ({"messages": [{"role": "assistant", "tool_calls":
                        [{"function": {"name": "f", "arguments": "no"}}]}]},
         "messages[0].tool_calls[0].function.arguments", "the arguments are no JSON: '[' or"),
        ({"user": 5}, "user", "a text"),
        ({"model": 5}, "model", "a text"),
    ],
)  # fmt: skip
def test_what_is_refused(server, more, field, why):
    error = server.chat(status=400, **more)["error"]
    assert error["type"] == "invalid_request_error"
    # a place that is told with the field is as good
    assert (error["param"] or "").split(".strict")[0] == field.split(".strict")[0], error
    assert why in error["message"], error


def test_models_that_are_not_there(server):
    error = server.chat(status=404, model="none")["error"]
    assert error["code"] == "model_not_found" and "'none'" in error["message"]
    assert "it is broken" in server.chat(status=500, model="broken")["error"]["message"]
    assert "makes vectors" in server.chat(status=400, model="vectors")["error"]["message"]
    assert "no chat template" in server.chat(status=400, model="bare")["error"]["message"]


def test_too_long_a_prompt(server):
    error = server.chat("x" * 5000, status=400)["error"]
    assert error["code"] == "context_length_exceeded" and "5006 tokens" in error["message"]


def test_failures_on_the_way(server):
    error = server.chat("hello", status=500, model="fails")["error"]
    assert error["type"] == "server_error" and "has failed" in error["message"]
    found = server.events("/v1/chat/completions", model="fails", messages=[user("hello")])
    assert "has failed" in found[-1][1]["error"]["message"]
    assert [c["choices"][0]["delta"]["content"] for _, c in found[1:-1]] == ["h", "e", "l"]


# --- tools and reasoning --------------------------------------------------------------------------

OTHERS = [
    ("llama3", f'<|python_tag|>{{"name": "weather", "parameters": {ARGUMENTS}}}'),
    ("llama3", f'{{"type": "function", "name": "weather", "parameters": {ARGUMENTS}}}'),
    ("mistral", f"[TOOL_CALLS]weather[ARGS]{ARGUMENTS}"),
    ("mistral", f"[TOOL_CALLS]weather{ARGUMENTS}"),
    ("deepseek", f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{ARGUMENTS}"
     "<｜tool▁call▁end｜><｜tool▁calls▁end｜>"),
    ("hermes", f'<tool_call>{{"name": "weather", "arguments": {json.dumps(ARGUMENTS)}}}</tool_call>'),
    ("hermes", f'<tool_call>\n{{"name": "weather", "arguments": {ARGUMENTS}}}'),
]  # fmt: skip


@pytest.mark.parametrize(("style", "text"), [*MARKED.items(), *OTHERS])
def test_calls(server, style, text):
    model = f"echo-{style}"
    choice = server.chat(text, model=model, tools=TOOLS)["choices"][0]
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call["type"] == "function" and call["function"]["name"] == "weather"
    assert json.loads(call["function"]["arguments"]) == CALL and call["id"]
    # in a stream, where every character is a token of its own
    found = server.events("/v1/chat/completions", model=model, messages=[user(text)], tools=TOOLS)
    deltas = [chunk["choices"][0]["delta"] for _, chunk in found[:-1]]
    assert "".join(d.get("content", "") for d in deltas) == ""
    (delta,) = (d["tool_calls"][0] for d in deltas if "tool_calls" in d)
    assert delta["index"] == 0 and json.loads(delta["function"]["arguments"]) == CALL
    assert found[-2][1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("style", ["hermes", "mistral", "deepseek", "functionary",
                                   "functionary-v3.2", "qwen3-coder", "glm-4.5", "glm-4"])  # fmt: skip
def test_without_tools_markers_are_text(server, style):
    choice = server.chat(MARKED[style], model=f"echo-{style}")["choices"][0]
    assert choice["message"]["content"] == MARKED[style] and "tool_calls" not in choice["message"]
    choice = server.chat(MARKED[style], model=f"echo-{style}", tools=TOOLS,
                         tool_choice="none")["choices"][0]  # fmt: skip
    assert choice["message"]["content"] == MARKED[style]


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("hermes", "<tool_call>{no json}</tool_call> and on"),
        ("hermes", 'a <tool_call> {"name": 5}</tool_call>'),
        ("hermes", "5 < 6 <tool"),
        ("hermes", "<tool_call>" + "[" * 900),
        ("llama3", '{"a": 1} is an object'),
        ("llama3", "{"),
        ("mistral", "[TOOL_CALLS]"),
        ("mistral", "[TOOL_CALLS][]"),
        ("functionary", "<function=>{}</function>"),
    ],
    ids=range(9),
)
def test_what_is_no_call_is_text(server, style, text):
    choice = server.chat(text, model=f"echo-{style}", tools=TOOLS)["choices"][0]
    assert choice["message"]["content"] == text and choice["finish_reason"] == "stop"


def test_text_and_several_calls(server):
    text = "Let me see.\n" + MARKED["hermes"] + "\n" + MARKED["hermes"].replace("weather", "time")
    message = server.chat(text, model="echo-hermes", tools=TOOLS)["choices"][0]["message"]
    assert message["content"] == "Let me see."
    assert [c["function"]["name"] for c in message["tool_calls"]] == ["weather", "time"]
    assert len({c["id"] for c in message["tool_calls"]}) == 2
    message = server.chat(text, model="echo-hermes", tools=TOOLS,
                          parallel_tool_calls=False)["choices"][0]["message"]  # fmt: skip
    assert [c["function"]["name"] for c in message["tool_calls"]] == ["weather"]


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("hermes", "<think>\nIs it 5 < 6?\n</think>\n\nYes."),
        ("gpt-oss", "<|channel|>analysis<|message|>Is it 5 < 6?<|end|><|start|>assistant"
                    "<|channel|>final<|message|>Yes.<|return|>"),
        ("command-r", "<|START_THINKING|>Is it 5 < 6?<|END_THINKING|>"
                      "<|START_RESPONSE|>Yes.<|END_RESPONSE|>"),
        ("mistral", "[THINK]Is it 5 < 6?[/THINK]Yes."),
    ],
)  # fmt: skip
def test_reasoning(server, style, text):
    answer = server.chat(text, model=f"echo-{style}")
    message = answer["choices"][0]["message"]
    assert message["content"] == "Yes." and message["reasoning_content"] == "Is it 5 < 6?"
    assert 10 < answer["usage"]["completion_tokens_details"]["reasoning_tokens"] < len(text)
    found = server.events("/v1/chat/completions", model=f"echo-{style}", messages=[user(text)])
    deltas = [chunk["choices"][0]["delta"] for _, chunk in found[:-1]]
    for key, whole in ("content", "Yes."), ("reasoning_content", "Is it 5 < 6?"):
        assert "".join(d.get(key, "") for d in deltas) == whole


def test_reasoning_as_text(server):
    text = "<think>a</think>b"
    answer = server.chat(text, model="echo-hermes", reasoning_format="none")
    assert answer["choices"][0]["message"]["content"] == text
    # in the middle of an answer it is no beginning
    answer = server.chat("b </think> c", model="echo-hermes")["choices"][0]["message"]
    assert answer["content"] == "b </think> c"


@pytest.mark.parametrize(
    ("style", "opening", "keys"),
    [
        ("hermes", "<tool_call>\n", ("name", "arguments")),
        ("llama3", "", ("name", "parameters")),
        ("mistral", "[TOOL_CALLS]", ("name", "arguments")),
        ("command-r", "<|START_ACTION|>", ("tool_name", "parameters")),
        ("deepseek", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>", None),
        ("gpt-oss", "<|channel|>commentary to=functions.weather <|constrain|>json<|message|>", None),
        ("functionary", "<function=weather>", None),
        ("functionary-v3.2", ">>>weather\n", None),
        ("glm-4", "weather\n", None),
        ("qwen3-coder", "<tool_call>\n", ("name", "arguments")),
        ("glm-4.5", "<tool_call>\n", ("name", "arguments")),
        ("command-r-action", "Action: ```json\n", ("tool_name", "parameters")),
        ("granite", "<|tool_call|>", ("name", "arguments")),
        ("phi-4", "<|tool_call|>", ("name", "arguments")),
        ("lfm2", "<|tool_call_start|>", ("name", "arguments")),
    ],
)  # fmt: skip
def test_forced_calls(server, style, opening, keys):
    chosen = {"type": "function", "function": {"name": "weather"}}
    from server import serving

    with serving(models=[f"params-{style}"]) as other:
        # the answer is the engine's parameters: arguments, or no call, which is shown as it came
        answer = other.chat(model=f"params-{style}", tools=TOOLS, tool_choice=chosen)
        said = answer["choices"][0]["message"]
        text = said["content"] if keys else said["tool_calls"][0]["function"]["arguments"]
        asked = json.loads(text[text.index("{") :])
        assert asked["prompt"].endswith("hello" + opening) and asked["structure"] == 2
        schema = json.loads(asked["structure_text"])
        own = {"$id": "tools[0].function.parameters", **TOOLS[0]["function"]["parameters"]}
        held = {"type": "object", "allOf": [own]}
        if keys:
            schema = schema.get("items", schema)
            assert schema["properties"][keys[0]] == {"const": "weather"}
            assert schema["properties"][keys[1]] == held
            assert schema["required"] == list(keys)
        else:
            assert schema == held
        status = 200 if keys else 400
        answer = other.chat(model=f"params-{style}", tools=TOOLS, tool_choice="required",
                            status=status)  # fmt: skip
        if keys:
            text = answer["choices"][0]["message"]["content"]
            schema = json.loads(json.loads(text[text.index("{") :])["structure_text"])
            assert len(schema.get("items", schema)["anyOf"]) == 2


STRICT = [
    {"type": "function", "function": {**tool["function"], "strict": strict}}
    for tool, strict in zip(TOOLS, [True, False], strict=True)
]


@pytest.mark.parametrize("style", ["hermes", "llama3", "mistral", "gpt-oss", "qwen3-coder",
                                   "glm-4.5", "functionary-v3.2", "glm-4", "granite", "phi-4",
                                   "lfm2", "command-r-action"])  # fmt: skip
def test_strict_calls(style):
    """A call that the model begins is asked for anew, held to its schema."""
    from server import serving

    model = f"echo-{style}-held"
    with serving(models=[model]) as other:
        before = "" if style in ("llama3", "gpt-oss", "glm-4") else "So: "
        text = before + MARKED[style]
        choice = other.chat(text, model=model, tools=STRICT)["choices"][0]
        (call,) = choice["message"]["tool_calls"]
        assert json.loads(call["function"]["arguments"]) == {"city": "held"}
        assert (choice["message"]["content"] or "") == before.strip()
        found = other.events("/v1/chat/completions", model=model, messages=[user(text)], n=2,
                             tools=STRICT)  # fmt: skip
        deltas = [chunk["choices"][0] for _, chunk in found[:-1]]
        calls = {d["index"]: d["delta"]["tool_calls"] for d in deltas if "tool_calls" in d["delta"]}
        assert [json.loads(calls[i][0]["function"]["arguments"]) for i in (0, 1)] == [{"city": "held"}] * 2  # fmt: skip
        # an answer without a call, and one that ends at its limit
        assert other.chat("hello", model=model, tools=STRICT)["choices"][0]["message"]["content"] == "hello"  # fmt: skip
        # what cannot be kept is refused before anything is answered
        bad = [{"type": "function", "function": {
            "name": "f", "strict": True, "parameters": {"pattern": "impossible"}}}]  # fmt: skip
        error = other.chat(text, model=model, tools=bad, status=400)["error"]
        assert error["param"] == "tools" and "cannot be enforced" in error["message"]


@pytest.mark.parametrize("style", ["deepseek", "functionary"])
def test_strict_calls_that_are_refused(server, style):
    error = server.chat(MARKED[style], model=f"echo-{style}", tools=STRICT, status=400)["error"]
    assert error["param"] == "tools" and "strict cannot be kept" in error["message"]


def test_thinking_that_a_template_does_not_know(server):
    def refuse(path, field, **more):
        body = {"model": "echo-llama3", "messages": [user("a")], **more}
        return field in str(server.post(path, 400, **body)["error"])

    assert refuse("/v1/chat/completions", "reasoning_effort", reasoning_effort="low")
    assert refuse("/api/chat", "think", think=True)
    assert refuse("/v1/messages", "thinking", thinking={"type": "enabled"}, max_tokens=9)
    body = {"model": "echo-llama3", "input": "a"}
    error = server.post("/v1/responses", 400, **body, reasoning={"effort": "high"})["error"]
    assert error["param"] == "reasoning.effort" and "echo-llama3" in error["message"]
    server.post("/v1/responses", **body, reasoning={"effort": "none"})
    server.chat("a", model="echo-hermes", reasoning_effort="low")


def test_what_templates_get(server):
    asked = params(
        server, tools=TOOLS, reasoning_effort="low", chat_template_kwargs={"day": 3},
        messages=[
            {"role": "developer", "content": "be brief"}, user("go"),
            {"role": "assistant", "content": None, "refusal": None, "annotations": [],
             "tool_calls": [{"id": "c1", "type": "function",
                             "function": {"name": "weather", "arguments": '{"city": "x"}'}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        ],
    )  # fmt: skip
    prompt = asked["prompt"]
    assert '"reasoning_effort":"low"' in prompt and '"day":3' in prompt
    assert "\x02system\x03be brief" in prompt and "\x02tool\x03rain" in prompt
    assert '"arguments":{"city":"x"}' in prompt and '"name":"time"' in prompt
    assert (
        "the chat template says: no"
        in server.chat(status=400, messages=[user("x"), {"role": "tool", "content": "refuse"}])[
            "error"
        ]["message"]
    )
