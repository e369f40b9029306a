"""mlx serve: completions, embeddings, rerank and the server itself, with an engine that stands for models."""

import base64
import struct

import pytest

from server import server  # noqa: F401


def complete(server, prompt, status=200, **more):
    return server.post("/v1/completions", status, **{"model": "echo", "prompt": prompt, **more})


def test_completions(server):
    answer = complete(server, "abc")
    assert answer["object"] == "text_completion" and answer["choices"][0]["text"] == "abc"
    assert complete(server, "x" * 40)["choices"][0]["finish_reason"] == "length"  # 16 tokens
    answer = complete(server, ["abc", "de"], n=2, echo=True)
    assert [c["text"] for c in answer["choices"]] == ["abcabc", "abcabc", "dede", "dede"]
    assert [c["index"] for c in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["prompt_tokens"] == 5 and answer["usage"]["completion_tokens"] == 10
    assert complete(server, [97, 98], echo=True)["choices"][0]["text"] == "abab"
    assert [c["text"] for c in complete(server, [[97], [98]])["choices"]] == ["a", "b"]


def test_completions_with_log_probabilities(server):
    logs = complete(server, "a世", echo=True, logprobs=2)["choices"][0]["logprobs"]
    assert logs["tokens"] == ["a", "世", "a", "世"] and logs["text_offset"] == [0, 1, 2, 3]
    assert logs["token_logprobs"] == [-0.5] * 4 and logs["top_logprobs"][0] == {
        "a": -0.5,
        "x": -1.5,
    }
    only = complete(server, "ab", echo=True, logprobs=1, max_tokens=0)
    assert only["choices"][0]["text"] == "ab"
    assert only["choices"][0]["logprobs"]["tokens"] == ["a", "b"]
    assert only["usage"]["completion_tokens"] == 0


def test_completions_in_a_stream(server):
    found = server.events("/v1/completions", model="echo", prompt="abc", echo=True)
    assert "".join(c["choices"][0]["text"] for _, c in found[:-1]) == "abcabc"
    assert found[-2][1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"suffix": "x"}, "suffix"), ({"best_of": 2}, "best_of"), ({"max_tokens": 0}, "max_tokens"),
        ({"prompt": []}, "prompt"), ({"prompt": [1, "a"]}, "prompt"), ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [[-1]]}, "prompt"), ({"prompt": ""}, "prompt"), ({"logprobs": 21}, "logprobs"),
        ({"prompt": ["a"] * 100, "n": 2}, "n"), ({"messages": []}, "messages"),
    ],
)  # fmt: skip
def test_completions_that_are_refused(server, more, field):
    assert complete(server, **{"prompt": "a", **more, "status": 400})["error"]["param"] == field


def test_tokens_that_are_none(server):
    assert "is no token" in complete(server, [99999999], status=400)["error"]["message"]


def test_embeddings(server):
    answer = server.post("/v1/embeddings", model="vectors", input=["ab", "bbbb"])
    first, second = (row["embedding"] for row in answer["data"])
    assert len(first) == 26 and second[1] == 1 and first[0] == pytest.approx(0.5**0.5)
    assert answer["usage"]["prompt_tokens"] == 6 and answer["object"] == "list"
    packed = server.post("/v1/embeddings", model="vectors", input="ab", encoding_format="base64")
    bits = base64.b64decode(packed["data"][0]["embedding"])
    assert struct.pack("<26f", *first) == bits
    assert repr(first[0]) == "0.70710677"  # no digit more than a float32 needs
    tokens = server.post("/v1/embeddings", model="vectors", input=[97, 98])
    assert tokens["data"][0]["embedding"] == first
    for more, field in [
        ({"model": "echo"}, "model"), ({"input": ""}, "input"), ({"input": []}, "input"),
        ({"input": ["a", 5]}, "input"), ({"dimensions": 5}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"), ({"input": [[-5]]}, "input"),
    ]:  # fmt: skip
        body = {"model": "vectors", "input": "a", **more}
        assert server.post("/v1/embeddings", 400, **body)["error"]["param"] == field
    assert server.post("/v1/embeddings", model="vectors", input="a", dimensions=26)


def test_rerank(server):
    body = {"model": "vectors", "query": "aab", "documents": ["zz", {"text": "ab"}, "aab"]}
    answer = server.post("/v1/rerank", **body)
    assert [r["index"] for r in answer["results"]] == [2, 1, 0]
    assert answer["results"][0]["relevance_score"] == pytest.approx(1)
    answer = server.post("/rerank", **body, top_n=1, return_documents=True)
    assert answer["results"][0]["document"] == {"text": "aab"} and len(answer["results"]) == 1
    assert server.post("/v1/rerank", 400, **{**body, "query": None})["error"]["param"] == "query"
    assert server.post("/v1/rerank", 400, **body, rank_fields=[])["error"]["param"] == "rank_fields"


def test_models_health_and_metrics(server):
    _, _, models = server.ask("/v1/models")
    assert "echo-hermes" in [m["id"] for m in models["data"]]
    assert server.ask("/v1/models/echo")[2]["id"] == "echo"
    assert server.ask("/v1/models/none")[0] == 404
    assert server.ask("/health")[2] == {"status": "ok"}
    before = server.metric("mlx_generated_tokens_total")
    server.chat("12345")
    server.wait_for(lambda: server.metric("mlx_generated_tokens_total") == before + 5)
    status, headers, text = server.ask("/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    names = [line.split("{")[0].split(" ")[0] for line in text.splitlines() if line[0] != "#"]
    assert "mlx_request_seconds_bucket" in names and "process_resident_memory_bytes" in names
    assert all(" " in line for line in text.splitlines())
