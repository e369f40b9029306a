"""mlx generate, perplexity, bench-lm and embed on a model of 260 thousand weights."""

import json
import math
import subprocess

import pytest

from program import DATA, MLX, MODELS, document, environment, run

STORIES = DATA / "stories260K" / "stories260K.gguf" if DATA else None
SMOL = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
pytestmark = pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")


def generate(*words, **options):
    return document("generate", "-m", STORIES, "-q", *words, **options)


def test_text_goes_on():
    doc = generate("-p", "Once upon a time", "-n", 20)
    assert doc["text"].startswith(", there was a little girl named Lily.")
    assert doc["finish"] == "length" and doc["generated_tokens"] == 20
    shown = run("generate", "-m", STORIES, "-q", "-p", "Once upon a time", "-n", 20)
    assert shown.stdout == doc["text"] + "\n"
    assert generate("-n", 20, input="Once upon a time")["text"] == doc["text"]


def test_summary_goes_to_stderr():
    words = [MLX, "generate", "-m", STORIES, "-p", "Once", "-n", "5"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=True)
    for part in ("prompt", "tokens/s", "first token", "memory"):
        assert part in done.stderr
    assert done.stderr.count("\n") == 1


def test_stop_and_seeds():
    assert generate("-p", "Once upon a time", "--stop", " girl")["text"] == ", there was a little"
    drawn = [generate("-p", "A", "-n", 30, "-t", 1, "--seed", s)["text"] for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_guesses_change_nothing():
    words = ["-p", "Once upon a time", "-n", 60, "-t", "0.5", "--seed", 4]
    plain = generate(*words)["text"]
    assert generate(*words, "--lookup", 6)["text"] == plain
    assert generate(*words, "--draft", STORIES)["text"] == plain


def test_structures(tmp_path):
    words = ["-p", "Once", "-n", 40, "-t", 2]
    assert generate(*words, "--regex", "[0-9]{4}")["text"].isdigit()
    assert generate(*words, "--choice", "yes", "--choice", "no")["text"] in ("yes", "no")
    grammar = tmp_path / "g.gbnf"
    grammar.write_text('root ::= "a" ("b" | "c")')
    assert generate(*words, "--grammar", f"@{grammar}")["text"] in ("ab", "ac")
    schema = '{"type": "object", "properties": {"n": {"type": "boolean"}}, "required": ["n"]}'
    assert json.loads(generate(*words, "--schema", schema)["text"])["n"] in (True, False)
    run("generate", "-m", STORIES, "-p", "x", "--regex", "a", "--choice", "b", status=2)
    assert "byte 1" in run("generate", "-m", STORIES, "-p", "x", "--regex", "(", status=1).stderr


def test_limits():
    doc = generate("-p", "Once upon a time", "-c", 32, "--ignore-end")
    assert doc["prompt_tokens"] + doc["generated_tokens"] == 33 and doc["finish"] == "length"
    doc = generate("-p", "Once upon a time", "-c", 32, "--ignore-end", "--shift", "-n", 90)
    assert doc["generated_tokens"] == 90
    long = "Once upon a time " * 40
    done = run("generate", "-m", STORIES, "-p", long, "-c", 32, status=1)
    assert "the context is 32" in done.stderr


def test_what_is_wrong_is_said():
    assert "-m MODEL" in run("generate", "-p", "x", status=2).stderr
    assert "nowhere.gguf" in run("generate", "-m", "nowhere.gguf", "-p", "x", status=1).stderr
    assert "vectors" in run("embed", "-m", STORIES, "a", status=1).stderr


def test_perplexity(tmp_path):
    text = "Once upon a time, there was a little girl named Lily. She loved to play outside. " * 8
    file = tmp_path / "text.txt"
    file.write_text(text)
    doc = document("perplexity", "-m", STORIES, "-f", file, "--size", 64)
    assert doc["tokens"] == doc["pieces"] * 31
    assert 1 < doc["perplexity"] < 6
    assert doc["perplexity"] == pytest.approx(math.exp(-doc["mean_log_probability"]))
    one = document("perplexity", "-m", STORIES, "--size", 64, "--pieces", 1, input=text)
    assert one["pieces"] == 1


def test_bench():
    doc = document("bench-lm", "-m", STORIES, "-p", "32,64", "-n", "16", "-r", 2)
    assert [t["test"] for t in doc["tests"]] == ["pp32", "pp64", "tg16"]
    assert all(t["tokens_per_second"] > 0 for t in doc["tests"])
    table = run("bench-lm", "-m", STORIES, "-p", 0, "-n", 8, "-r", 1, "-b", 3).stdout.splitlines()
    assert table[0].startswith("| model | size |") and "tg8 x 3" in table[2]


def test_capital_of_france():
    if not SMOL.exists():
        pytest.skip("no SmolLM2")
    doc = document("generate", "-q", "-m", SMOL, "-p", "The capital of France is", "-n", 3)
    assert "Paris" in doc["text"]
    json.dumps(doc)
