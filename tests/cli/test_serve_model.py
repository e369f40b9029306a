"""mlx serve with a real language model: SmolLM2-135M-Instruct (tools/get_models.sh)."""

import json
import threading

import pytest

from program import MLX, MODELS, run
from server import serving, user

FILE = (
    next(iter(sorted(MODELS.glob("SmolLM2-135M-Instruct*.gguf"))), None)
    if MODELS.is_dir()
    else None
)
pytestmark = pytest.mark.skipif(FILE is None, reason="no SmolLM2-135M-Instruct in $MLX_MODELS")
QUESTION = "What is the capital of France?"
CHARACTERS = [142, 225, 81, 26411, 23274, 115, 40993, 1792]  # Ça é日本 x


@pytest.fixture(scope="module")
def real():
    with serving("--parallel", "8", "--context", "256", program=MLX, models=[FILE]) as found:
        yield found


def ask(server, content=QUESTION, **more):
    body = {"messages": [user(content)], "temperature": 0, "max_tokens": 24, **more}
    return server.post("/v1/chat/completions", **body)


def text_of(answer):
    return answer["choices"][0]["message"]["content"]


def test_it_knows(real):
    answer = ask(real)
    assert "Paris" in text_of(answer) and answer["model"] == FILE.name.removesuffix(".gguf")
    assert answer["usage"]["prompt_tokens"] == 37
    assert ask(real)["usage"]["prompt_tokens_details"]["cached_tokens"] >= 16  # prefixes are shared


def test_a_stream_says_the_same(real):
    found = real.events("/v1/chat/completions", messages=[user(QUESTION)], temperature=0,
                        max_tokens=24)  # fmt: skip
    text = "".join(c["choices"][0]["delta"].get("content", "") for _, c in found[:-1])
    assert text == text_of(ask(real))


def test_others_change_nothing(real):
    questions = [QUESTION, "Count to five.", "Who wrote Hamlet?", "Say hello in German."]
    alone = [text_of(ask(real, q)) for q in questions]
    found = {}

    def one(i):
        found[i] = text_of(ask(real, questions[i % 4]))

    threads = [threading.Thread(target=one, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(12)] == alone * 3


def test_seeds(real):
    texts = [text_of(ask(real, "Tell me a story.", temperature=1, seed=s)) for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    several = ask(real, "Tell me a story.", temperature=1, seed=1, n=3)["choices"]
    assert several[0]["message"]["content"] == texts[0]
    assert len({c["message"]["content"] for c in several}) == 3


def test_stops(real):
    whole = text_of(ask(real))
    cut = ask(real, stop=["Par"])["choices"][0]
    assert cut["message"]["content"] == whole.split("Par")[0] and cut["finish_reason"] == "stop"
    answer = real.post("/v1/messages", model="", max_tokens=24, temperature=0,
                       messages=[user(QUESTION)], stop_sequences=["zzz", " Paris"])  # fmt: skip
    assert answer["stop_sequence"] == " Paris"
    assert answer["content"][0]["text"] == whole.split(" Paris")[0]


SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def test_answers_that_are_held(real):
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
    for _ in range(2):  # made, and kept
        person = json.loads(text_of(ask(real, "A person.", response_format=form, max_tokens=80)))
        assert set(person) == {"name", "age"} and isinstance(person["age"], int)
    assert text_of(ask(real, guided_choice=["Berlin", "Paris"])) in ("Berlin", "Paris")
    assert text_of(ask(real, regex="[0-9]{3}")).isdigit()
    assert text_of(ask(real, grammar='root ::= "a" [b-c]{2}'))[0] == "a"
    error = real.post("/v1/chat/completions", 400, messages=[user("a")], regex="(?=a)b")["error"]
    assert error["param"] == "regex" and error["code"] == "invalid_structure"
    bad = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "http://x/y"}}}
    error = real.post("/v1/chat/completions", 400, messages=[user("a")],
                      response_format=bad)["error"]  # fmt: skip
    assert error["param"] == "response_format"


def test_structures_that_take_long_to_make(real):
    """A request has less than the library gives, and nobody waits for another's."""
    found = {}

    def one(i):
        regex = "[a-z]{%d}" % (5 + i) if i % 2 else "(.{0,30%d}a.{300}){1,3}" % i
        body = {"messages": [user("a")], "max_tokens": 12, "regex": regex}
        found[i] = real.ask("/v1/chat/completions", body)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(6):
        status, _, answer = found[i]
        assert status == (200 if i % 2 else 400), answer
        if status == 400:
            assert "more than 33554432 steps" in answer["error"]["message"]
            assert answer["error"]["param"] == "regex"
        else:
            assert len(text_of(answer)) == 5 + i


SLOW = "(.{0,300}a.{300}){1,3}"  # a second, and then it is refused


def test_making_a_structure_ends_with_its_request():
    form = {"name": "x", "schema": {"type": "string", "pattern": SLOW}}
    formed = {"response_format": {"type": "json_schema", "json_schema": form}}
    with serving("--request-timeout", "0.05", program=MLX, models=[FILE]) as quick:
        for more in ({"regex": SLOW}, formed):
            body = {"messages": [user("a")], **more}
            error = quick.post("/v1/chat/completions", 504, **body)["error"]
            assert "too long" in error["message"] and error["type"] == "timeout_error"


@pytest.mark.parametrize("n", [12, 200])  # while it answers, and at the beginning
def test_a_grammar_that_can_be_read_in_too_many_ways(real, n):
    rules = [f'r{i} ::= "a" r{i} "b" | "a" r{(i + 1) % n} "c" | "a"{{30}} "d"' for i in range(n)]
    grammar = "\n".join([f"root ::= ({' | '.join(f'r{i}' for i in range(n))})+", *rules])
    body = {"messages": [user("a")], "temperature": 0, "max_tokens": 60, "grammar": grammar}
    error = real.post("/v1/chat/completions", 400, **body)["error"]
    assert error["type"] == "invalid_request_error" and error["param"] == "grammar"
    assert error["code"] == "invalid_structure" and "too ambiguous" in error["message"]
    last = real.events("/v1/chat/completions", **body)[-1][1]["error"]
    assert last["type"] == "invalid_request_error" and last["param"] == "grammar"
    assert "Paris" in text_of(ask(real))


def test_a_stop_text_ends_a_structure(real):
    answer = ask(real, "A person.", response_format={"type": "json_object"}, stop=['"'])
    assert '"' not in text_of(answer) and answer["choices"][0]["finish_reason"] == "stop"


def test_a_forced_call(real):
    tool = {"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string", "maxLength": 12}},
        "required": ["city"], "additionalProperties": False}}}  # fmt: skip
    answer = real.ask("/v1/chat/completions", {"messages": [user("Weather in Rome?")], "tools": [tool],
                                               "tool_choice": "required", "max_tokens": 60})  # fmt: skip
    if answer[0] == 400:  # its template has no calls
        message = answer[2]["error"]["message"]
        assert "cannot be enforced" in message or "no place for tools" in message
        return
    (call,) = answer[2]["choices"][0]["message"]["tool_calls"]
    assert set(json.loads(call["function"]["arguments"])) == {"city"}


def test_special_tokens_of_users_are_text(real):
    def count(content):
        return real.post("/v1/messages/count_tokens", model="",
                         messages=[user(content)])["input_tokens"]  # fmt: skip

    assert count("a<|im_end|>b") >= count("ab") + 4  # a special token would be one
    assert count("<|im_start|>" * 10) >= count("") + 40


def test_log_probabilities(real):
    answer = ask(real, logprobs=True, top_logprobs=3, max_tokens=5)["choices"][0]
    rows = answer["logprobs"]["content"]
    assert len(rows) == 5 and "".join(row["token"] for row in rows) == answer["message"]["content"]
    for row in rows:
        assert row["logprob"] == row["top_logprobs"][0]["logprob"]
        assert bytes(row["bytes"]).decode() == row["token"]
    logs = real.post("/v1/completions", prompt="Paris is the capital of", echo=True, logprobs=1,
                     max_tokens=0)["choices"][0]["logprobs"]  # fmt: skip
    assert logs["tokens"][0] == "Paris" and logs["token_logprobs"][0] is None
    assert all(p < 0 for p in logs["token_logprobs"][1:])


def in_a_stream(real, path, **more):
    """(text, tokens with log probabilities, completion tokens) of a streamed answer."""
    text, rows, usage = "", [], None
    for _, chunk in real.events(path, stream_options={"include_usage": True}, **more)[:-1]:
        usage = chunk["usage"] or usage
        for choice in chunk["choices"]:
            logs = choice["logprobs"] or {}
            text += choice["text"] if "text" in choice else choice["delta"].get("content", "")
            rows += [row["token"] for row in logs.get("content", [])] + logs.get("tokens", [])
    return text, rows, usage["completion_tokens"]


def test_where_tokens_of_a_completion_stand(real):
    """In characters, which may have several tokens (of a broken one each its own U+FFFD)."""
    for prompt in ["Ça é日本 x", [*CHARACTERS, 2, *CHARACTERS]]:
        choice = real.post("/v1/completions", prompt=prompt, echo=True, logprobs=0, temperature=0,
                           max_tokens=4)["choices"][0]  # fmt: skip
        logs, text = choice["logprobs"], choice["text"]
        whole = [(t, at) for t, at in zip(logs["tokens"], logs["text_offset"]) if "\ufffd" not in t]
        assert len(whole) >= 4 and sorted(logs["text_offset"]) == logs["text_offset"]
        for token, at in whole:
            assert text[at : at + len(token)] == token, (token, at)
        assert logs["text_offset"][:2] == [0, 0] and logs["tokens"][0] == "\ufffd"  # half of Ç


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_log_probabilities_of_a_text_that_a_stop_cuts(real, path):
    chat = "chat" in path
    asked = {"messages": [user("Count from one to ten.")]} if chat else {"prompt": "One, two,"}
    asked |= {"max_tokens": 24, "temperature": 0, "logprobs": True if chat else 1}
    whole = real.post(path, **asked)["choices"][0]
    text = whole["message"]["content"] if chat else whole["text"]
    for at in range(1, len(text) - 1, 3):
        stop = text[at : at + 1 + at % 5]
        answer = real.post(path, stop=["\x01", stop], **asked)
        choice = answer["choices"][0]
        found = choice["message"]["content"] if chat else choice["text"]
        logs = choice["logprobs"]
        tokens = [row["token"] for row in logs["content"]] if chat else logs["tokens"]
        assert found == text[: text.index(stop)] and choice["finish_reason"] == "stop"
        if chat:
            assert bytes(b for row in logs["content"] for b in row["bytes"]).decode() == found
        assert "".join(tokens).startswith(found) and not found.startswith(
            "".join(tokens[:-1]) + "\0"
        )
        assert len("".join(tokens[:-1])) < len(found) or not tokens
        assert in_a_stream(real, path, stop=["\x01", stop], **asked) == (
            found, tokens, answer["usage"]["completion_tokens"])  # fmt: skip


def test_what_does_not_fit(real):
    error = real.post("/v1/chat/completions", 400, messages=[user("word " * 3000)])["error"]
    assert error["code"] == "context_length_exceeded" and "256" in error["message"]
    error = real.post("/v1/embeddings", 400, input="a")["error"]
    assert "no vectors" in error["message"]
    answer = real.post(
        "/v1/completions", prompt="one two three four", max_tokens=3000, ignore_eos=True
    )
    assert answer["choices"][0]["finish_reason"] == "length"


def test_a_client_that_goes(real):
    import socket

    body = json.dumps({"messages": [user("Write a long story.")], "stream": True,
                       "ignore_eos": True}).encode()  # fmt: skip
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", real.port), timeout=60) as s:
        s.sendall(head.encode() + body)
        s.recv(100)
        real.wait_for(lambda: real.metric("mlx_requests_running") == 1)
    real.wait_for(lambda: real.metric("mlx_requests_running") == 0)
    assert "Paris" in text_of(ask(real))


def test_loading_and_leaving():
    with serving("--idle", "0.5", program=MLX, models=[FILE]) as idle:
        assert idle.metric("mlx_models_loaded") == 0
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(text_of(ask(idle)))) for _ in range(4)
        ]
        for thread in threads:  # all wait for the same loading
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(found)) == 1 and "Paris" in found[0]
        idle.wait_for(lambda: idle.metric("mlx_models_loaded") == 0)
        assert "Paris" in text_of(ask(idle))


def test_a_context_that_a_model_has_not(tmp_path):
    """Refused by who begins the server, not by each answer; for several it is the most."""
    error = run("serve", FILE, "--context", "100000", "--port", "0", status=1).stderr
    assert "context is 100000" in error and "from 2 to 8192" in error
    assert "between 2 and" in run("serve", FILE, "--context", "1", "--port", "0", status=2).stderr
    error = run("serve", FILE, "--kv-bytes", "1K", "--port", "0", status=1).stderr
    assert "kv_bytes (--max-kv) is 1024, and has no room" in error
    for i in range(2):
        (tmp_path / f"m{i}.gguf").symlink_to(FILE)
    folder, named = [tmp_path], [tmp_path / "m0.gguf", tmp_path / "m1.gguf"]
    for models in folder, named:
        with serving("--context", "100000", program=MLX, models=models) as several:
            assert "Paris" in text_of(ask(several, model="m1"))


def test_a_file_that_is_none(tmp_path):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(FILE.read_bytes()[:100000])
    run("serve", FILE, bad, "--port", "0", status=1)  # named: refused before it listens
    with serving(
        program=MLX, models=[tmp_path, FILE]
    ) as mixed:  # in a folder: when it is asked for
        answer = mixed.post("/v1/chat/completions", 500, model="bad", messages=[user("a")])
        message = answer["error"]["message"]
        assert "'bad' cannot be loaded" in message and str(tmp_path) not in message, message
        assert "Paris" in text_of(ask(mixed, model=FILE.name.removesuffix(".gguf")))
