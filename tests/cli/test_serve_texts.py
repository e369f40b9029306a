"""Vectors and ranks of texts, and caches of keys and values, over HTTP and from a shell, with tiny models."""

import json
import math
import struct
from pathlib import Path

import pytest

from program import DATA, MLX, document, run
from server import serving

FIXTURES = Path(__file__).parents[1] / "data"
TEXTS = ["a b", "c c a", "b", "a c b b", "u a", "c"]
WORDS = {"u": 0, "a": 3, "b": 17, "c": 42, "[C]": 1, "[S]": 2}


def numbers(name, shape):
    """Those of tests/models/make_families.py."""
    mask, seed = 2**64 - 1, 0xCBF29CE484222325
    for c in name.encode():
        seed = ((seed ^ c) * 0x100000001B3) & mask
    around = 1.0 if len(shape) == 1 and name.endswith("weight") else 0.0
    for i in range(math.prod(shape)):
        z = (seed + (i + 1) * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        z ^= z >> 31
        yield around + ((z >> 40) / 2**23 - 1) * 0.25


def write_model(folder, fixture):
    """A checkpoint, and a tokenizer of three words."""
    model = json.loads((FIXTURES / fixture).read_text())
    folder.mkdir()
    header, data = {}, b""
    for name, shape in model["tensors"].items():
        values = list(numbers(name, shape))
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "config.json").write_text(json.dumps(model["config"]))
    special = [{"id": WORDS[w], "content": w, "special": True} for w in ("[C]", "[S]")]
    tokenizer = {
        "model": {"type": "WordLevel", "unk_token": "u", "vocab": WORDS},
        "pre_tokenizer": {"type": "Whitespace"},
        "added_tokens": special,
        "post_processor": {"type": "BertProcessing", "cls": ["[C]", 1], "sep": ["[S]", 2]},
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    names = {"encoder": "families/bert.json", "ranker": "classifiers/bert.json",
             "classes": "classifiers/xlm_roberta.json"}  # fmt: skip
    return {name: write_model(folder / name, fixture) for name, fixture in names.items()}


@pytest.fixture(scope="module")
def server(models):
    with serving(program=MLX, models=list(models.values())) as found:
        yield found


def test_many_vectors_are_those_of_each(server):
    texts = TEXTS * 12  # several groups
    found = server.post("/v1/embeddings", model="encoder", input=texts)
    alone = [server.post("/v1/embeddings", model="encoder", input=t) for t in TEXTS]
    assert [row["index"] for row in found["data"]] == list(range(len(texts)))
    for i, row in enumerate(found["data"]):
        assert row["embedding"] == alone[i % 6]["data"][0]["embedding"]
    assert found["usage"]["prompt_tokens"] == 12 * sum(a["usage"]["prompt_tokens"] for a in alone)
    bad = server.post("/v1/embeddings", 400, model="encoder", input=[[1], [2, 99]])
    assert bad["error"]["param"] == "input"


def test_a_cross_encoder_ranks(server, models):
    ranked = document("embed", "-m", models["ranker"], "--query", "a b", *TEXTS)["texts"]
    assert [row["text"] for row in ranked] == [TEXTS[row["index"]] for row in ranked]
    found = server.post("/v1/rerank", model="ranker", query="a b", documents=TEXTS)["results"]
    assert [row["index"] for row in found] == [row["index"] for row in ranked]
    for a, b in zip(found, ranked):
        assert a["relevance_score"] == pytest.approx(1 / (1 + math.exp(-b["score"])), abs=1e-6)
    many = server.post("/v1/rerank", model="ranker", query="a b", documents=TEXTS * 10, top_n=2)
    assert [row["index"] for row in many["results"]] == [found[0]["index"], found[0]["index"] + 6]
    lines = run("embed", "-m", models["ranker"], "--query", "a b", *TEXTS).stdout.splitlines()
    assert lines[0].split(maxsplit=1)[1] == ranked[0]["text"]


def test_what_ranks_nothing(server, models):
    error = server.post("/v1/rerank", 400, model="classes", query="a", documents=["b"])["error"]
    assert error["param"] == "model" and "3 classes" in error["message"]
    for name in ("classes", "encoder"):
        error = run("embed", "-m", models[name], "--query", "a", "b", status=1).stderr
        assert "cross-encoder" in error
    best = server.post("/v1/rerank", model="encoder", query="a b", documents=TEXTS)["results"][0]
    assert best["index"] == 0 and best["relevance_score"] == pytest.approx(1, abs=1e-6)


def test_no_cosine_is_above_one(server):
    for i in range(60):
        text = " ".join("abc"[(i >> k) % 3] for k in range(1 + i % 5))
        found = server.post("/v1/rerank", model="encoder", query=text, documents=[text])
        assert 1 - 1e-6 < found["results"][0]["relevance_score"] <= 1


def test_gguf_says_that_it_has_no_classifier(models, tmp_path):
    (source := tmp_path / "ranker").mkdir()
    for name in ("config.json", "model.safetensors"):
        (source / name).write_bytes((models["ranker"] / name).read_bytes())
    (note,) = document("convert", source, tmp_path / "ranker.gguf")["notes"]
    assert note["tensors"] == 4 and "left out" in note["note"]  # the pooler's and the classifier's


@pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")
def test_caches_of_a_server():
    file = DATA / "stories260K" / "stories260K.gguf"
    body = {"prompt": "Once upon a time", "temperature": 0, "max_tokens": 20}
    with serving(program=MLX, models=[file]) as plain:
        text = plain.post("/v1/completions", **body)["choices"][0]["text"]
    with serving("--kv-bits", "32", "--kv-bytes", "512K", program=MLX, models=[file]) as small:
        assert small.post("/v1/completions", **body)["choices"][0]["text"] == text
        for i in range(20):  # more than there is room for: what is old goes
            small.post("/v1/completions", **{**body, "prompt": f"{i} dogs and {i} cats " * 5})
        assert small.metric("mlx_kv_bytes") <= 512 * 1024
    error = run("serve", file, "--kv-bits", "8", "--port", "0", status=1).stderr
    assert "cannot be loaded: 8 bits need heads of a multiple of 32" in error
    with serving("--kv-bits", "8", program=MLX, models=[file.parent]) as found:  # when it is asked
        error = found.post("/v1/completions", 500, **body)["error"]["message"]
        assert "cannot be loaded: 8 bits need heads of a multiple of 32" in error
