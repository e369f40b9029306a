"""mlx tokenize on the models' own tokenizers, whose tokens are published."""

import json

import pytest

from program import DATA, document, run

pytestmark = pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Whole words, one of them special."""
    vocab = {"[UNK]": 0, "hello": 1, "world": 2, "<end>": 3}
    path = tmp_path_factory.mktemp("words") / "tokenizer.json"
    path.write_text(
        json.dumps(
            {
                "version": "1.0",
                "added_tokens": [
                    {
                        "id": 3,
                        "content": "<end>",
                        "special": True,
                        "single_word": False,
                        "lstrip": False,
                        "rstrip": False,
                        "normalized": False,
                    }
                ],
                "normalizer": None,
                "pre_tokenizer": {"type": "Whitespace"},
                "post_processor": None,
                "decoder": None,
                "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"},
            }
        )
    )
    return path


def ids(*words, **options):
    return [token["id"] for token in document("tokenize", *words, **options)["tokens"]]


def test_words(words):
    doc = document("tokenize", words, "hello", "you", "world<end>")
    assert doc["kind"] == "WordLevel" and doc["count"] == 4
    assert [t["id"] for t in doc["tokens"]] == [1, 0, 2, 3]
    assert [t["piece"] for t in doc["tokens"]] == ["hello", "[UNK]", "world", "<end>"]
    assert [t["special"] for t in doc["tokens"]] == [False, False, False, True]
    assert run("tokenize", words, "--ids", "hello world").stdout == "1 2\n"
    assert "hello" in run("tokenize", words, "hello").stdout
    assert ids(words, "<end>", "--plain") == [0, 0, 0]


def test_from_stdin(words):
    assert ids(words, input="hello\nworld") == [1, 2]
    assert ids(words, "-", input="world") == [2]
    assert run("tokenize", words, "--ids", input="").stdout == "\n"


def test_back(words):
    assert document("tokenize", words, "--decode", "1", "2")["text"] == "hello world"
    assert run("tokenize", words.parent, "-d", input="[1, 2]").stdout == "hello world\n"
    assert "<end>" in document("tokenize", words, "-d", "--special", "1,3")["text"]
    assert "<end>" not in document("tokenize", words, "-d", "1,3")["text"]


@pytest.mark.parametrize("model", ["gpt-2", "llama-spm", "bert-bge"])
def test_published_vocabularies(model):
    path = next(iter(DATA.glob(f"**/ggml-vocab-{model}.gguf")), None)
    if not path:
        pytest.skip(f"no vocabulary of {model}")
    text = "Hello World, these are 3.14 words!"
    numbers = ids(path, text, "--bare")
    back = document("tokenize", path, "--decode", *numbers)["text"]
    assert len(numbers) > 5 and back.lower().replace(" ", "") == text.lower().replace(" ", "")


def test_what_cannot_be(words, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    run("tokenize", tmp_path / "x.json", "a", status=1)
    run("tokenize", tmp_path / "absent", "a", status=1)
    assert "no number" in run("tokenize", words, "-d", "1 two", status=1).stderr
    assert "'1.5' is no number" in run("tokenize", words, "-d", "1.5", status=1).stderr
    assert "77" in run("tokenize", words, "-d", "77", status=1).stderr
    run("tokenize", words, "-d", "-1", status=2)
    run("tokenize", status=2)
