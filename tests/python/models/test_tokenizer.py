"""mlx.lm.Tokenizer: texts, tokens, offsets, streams, and what is neither text nor token."""

import json
import os
import re
import threading
from pathlib import Path

import pytest

import mlx.core as mx
from mlx import lm
from mlx.lm import Encoding, Tokenizer
from script_texts import TEXTS

PLACES = [os.environ.get("MLX_TEST_DATA"), Path(__file__).parents[4] / "shared" / "data"]
DATA = next((Path(p) for p in PLACES if p and Path(p).is_dir()), None)
needs_data = pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")

FLAGS = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
WORDS = {
    "version": "1.0",
    "added_tokens": [{"id": 3, "content": "<end>", "special": True, **FLAGS}],
    "normalizer": {"type": "Lowercase"},
    "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": {
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<end>", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<end>": {"id": "<end>", "ids": [3], "tokens": ["<end>"]}},
    },
    "decoder": None,
    "model": {
        "type": "WordLevel",
        "unk_token": "?",
        "vocab": {"?": 0, "hello": 1, "wörld": 2, "<end>": 3, "end": 4, "<": 5, ">": 6},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def words():
    return Tokenizer(json.dumps(WORDS).encode())


@pytest.fixture(scope="module")
def gpt2():
    return Tokenizer(DATA / "ggml_vocab" / "ggml-vocab-gpt-2.gguf")


def test_what_it_knows(words):
    assert len(words) == 7 and words.kind == "WordLevel"
    assert repr(words) == "Tokenizer(WordLevel, 7 tokens)"
    assert words.unk == 0 and words.bos is None and words.eos is None
    assert words.pad is words.sep is words.cls is words.mask is None
    assert words.id("hello") == 1 and words.id("none") is None
    assert words.piece(2) == "wörld" and words.piece(3) == "<end>"
    assert words.is_special(3) and not words.is_special(1)


def test_text_to_tokens(words):
    assert words.encode("Hello wörld") == [1, 2, 3]
    assert words.encode("Hello wörld", bare=True) == [1, 2]
    assert words.encode("Hello<end>", bare=True) == [1, 3]
    assert words.encode("") == [3] and words.encode("", bare=True) == []
    assert words.count("Hello wörld") == 3 and words.count("Hello wörld", bare=True) == 2
    assert words.encode_all(["hello", "", "x wörld"]) == [[1, 3], [3], [0, 2, 3]]
    assert words.encode_all([]) == []
    assert words.encode_all(t for t in ["hello"]) == [[1, 3]]
    assert words.decode([1, 2, 3]) == "hello wörld"
    assert words.decode([1, 3], special=True) == "hello <end>"


def test_offsets(words):
    text = "  Wörld HELLO<end>ö"
    made = words.encode_with_offsets(text)
    assert isinstance(made, Encoding)
    assert made.tokens == [2, 1, 3, 0, 3]
    assert [text[a:b] for a, b in made.offsets] == ["Wörld", "HELLO", "<end>", "ö", ""]
    assert words.encode_with_offsets(text.encode()).offsets[0] == (2, 8)
    assert words.encode_all_with_offsets([text, "hello"]) == [
        made,
        Encoding([1, 3], [(0, 5), (0, 0)]),
    ]


@needs_data
def test_characters_of_several_tokens(gpt2):
    text = "a 👍🏽 b"
    made = gpt2.encode_with_offsets(text)
    assert gpt2.decode(made.tokens) == text
    assert {text[a:b] for a, b in made.offsets} >= {"a", "🏽"}
    assert "".join(gpt2.pieces(made.tokens)) == text
    assert all("\ufffd" not in piece for piece in gpt2.pieces(made.tokens))


@needs_data
def test_streams():
    t = Tokenizer(DATA / "ggml_vocab" / "ggml-vocab-llama-spm.gguf")
    ids = t.encode("Hello big world", bare=True)
    whole, middle = t.stream(), t.stream(follows=True)
    assert "".join(whole.put(i) for i in ids) + whole.end() == t.decode(ids) == "Hello big world"
    assert "".join(middle.put(i) for i in ids) + middle.end() == " Hello big world"
    assert whole.put(ids[0]) == "Hello"  # as new
    with pytest.raises(ValueError):
        whole.put(len(t))


NO_TOKENS = [-1, 7, 2**31, -(2**31) - 1, 2**63, 2**64, -(2**64), 10**30]


@pytest.mark.parametrize("token", NO_TOKENS)
def test_what_is_no_token(words, token):
    for call in (words.piece, words.is_special, lambda i: words.decode([1, i]), words.stream().put):
        with pytest.raises(ValueError):
            call(token)


def test_what_is_no_text(words):
    for text in ("\ud800", "a\udfffb", "\udc80\ud800"):
        for call in (
            words.encode,
            words.count,
            words.id,
            words.encode_with_offsets,
            lambda t: words.encode_all(["a", t]),
        ):
            with pytest.raises(ValueError, match="lone surrogate") as e:
                call(text)
            assert e.type is ValueError
    for text in (None, 1, ["a"]):
        with pytest.raises(TypeError):
            words.encode(text)
    for texts in ("abc", b"abc", None, [1]):
        with pytest.raises(TypeError):
            words.encode_all(texts)
    for tokens in (None, 1, ["a"], [1.5]):
        with pytest.raises(TypeError):
            words.decode(tokens)


def test_zeros_and_bytes(words):
    assert words.encode("hello\0", bare=True) == [1, 0]
    assert words.encode(b"hello \xff", bare=True) == words.encode("hello \ufffd", bare=True)
    assert words.encode_with_offsets(b"\xff hello", bare=True).offsets == [(0, 1), (2, 7)]
    long = "hello " * 200_000
    assert words.count(long, bare=True) == 200_000
    assert words.count("h" * 1_000_000, bare=True) == 1


def test_files_that_are_none(tmp_path):
    for given in (b"", b"{}", b"\0" * 100, b"[1]", b"{" * 100_000):
        with pytest.raises((RuntimeError, ValueError), match="tokenizer"):
            Tokenizer(given)
        (tmp_path / "tokenizer.json").write_bytes(given)
        with pytest.raises((RuntimeError, ValueError), match="tokenizer"):
            Tokenizer(tmp_path)
    for path in ("nowhere.json", "nobody/nothing", tmp_path / "none", "a\0b"):
        with pytest.raises((RuntimeError, ValueError)):
            Tokenizer(path)
    with pytest.raises(TypeError):
        Tokenizer(None)


@needs_data
def test_threads(gpt2):
    texts = [f"number {i} of many texts, it's {i * 7}!" for i in range(3000)]
    want, got = [gpt2.encode(t) for t in texts], [None] * 4

    def work(k):
        got[k] = gpt2.encode_all(texts) if k % 2 else [gpt2.encode(t) for t in texts]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(g == want for g in got)


@needs_data
def test_a_model_has_one():
    stories = DATA / "stories260K" / "stories260K.gguf"
    model = lm.load(stories)
    assert isinstance(model.tokenizer, Tokenizer) and len(model.tokenizer) == 512
    assert model.encode("Once upon") == model.tokenizer.encode("Once upon")
    assert Tokenizer(stories).encode("Once upon") == model.encode("Once upon")
    with pytest.raises((RuntimeError, ValueError), match="template"):
        model.tokenizer.chat("hello")


TEMPLATE = "{% for m in messages %}<end>{{ m.content }}{% endfor %}"
OPENS = TEMPLATE + "{% if add_generation_prompt %}<end>{% endif %}"


def test_chat(tmp_path, words):
    (tmp_path / "tokenizer.json").write_text(json.dumps(WORDS))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    t = Tokenizer(tmp_path)
    assert t.chat("hello wörld") == [3, 1, 2]
    messages = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "x"}]
    assert t.chat(messages) == [3, 1, 3, 0]
    two = [{"role": "assistant", "content": "hello"}, {"role": "user", "content": "wörld"}]
    tokens, said = t.answers([*two, *two[:1]])
    assert tokens == t.chat([*two, *two[:1]]) == [3, 1, 3, 2, 3, 1]
    assert said == [True, True, False, False, True, True]
    assert t.answers([]) == ([], [])
    assert 3 not in t.chat("hello < end > <end>")[1:]  # what somebody wrote is text
    with pytest.raises(ValueError, match="lone surrogate"):
        t.chat("\ud800")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": OPENS}))
    t = Tokenizer(tmp_path)
    assert t.chat("hello") == [3, 1, 3]  # where the model is to answer
    assert t.chat("hello", variables={"add_generation_prompt": False}) == [3, 1]
    assert t.answers(two[:1]) == ([3, 1], [True, True])
    with pytest.raises(ValueError, match="template"):
        words.chat("hello")
    with pytest.raises(ValueError, match="template"):
        words.answers(messages)


def test_the_hub_s_cache(tmp_path, monkeypatch):
    snapshot = tmp_path / "models--org--model" / "snapshots" / "abc1234"
    snapshot.mkdir(parents=True)
    (snapshot / "tokenizer.json").write_text(json.dumps(WORDS))
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("abc1234")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert Tokenizer("org/model").encode("hello") == [1, 3]
    with pytest.raises((RuntimeError, ValueError)):
        Tokenizer("org/other")


# --- GGUF: how byte-level models divide text --------------------------------------------------


def byte_level(path, pre, pieces=("ab",)):
    """A GGUF file of the 256 bytes, and of pieces that are merged from the left."""
    letters = [c for c in range(256) if 33 <= c <= 126 or 161 <= c != 173]
    others = [c for c in range(256) if c not in letters]
    of_byte = {c: chr(c) for c in letters} | {c: chr(256 + i) for i, c in enumerate(others)}
    tokens, merges = [of_byte[b] for b in range(256)], []
    for piece in pieces:
        word = "".join(of_byte[b] for b in piece.encode())
        for k in range(2, len(word) + 1):
            if word[:k] not in tokens:
                tokens.append(word[:k])
                merges.append(f"{word[: k - 1]} {word[k - 1]}")
    meta = {"model": "gpt2", "pre": pre, "tokens": tokens, "merges": merges}
    meta = {f"tokenizer.ggml.{k}": v for k, v in meta.items()}
    mx.save_gguf(str(path), {"x": mx.zeros((1,))}, meta)
    return Tokenizer(path)


DIVIDED = [
    ("gpt-2", "a 1234", [1, 5]),
    ("smollm", "a 1234", [1, 1, 1, 1, 1, 1]),
    ("lfm2", "a 1234", [1, 1, 3, 1]),
    ("qwen2", "a 1234", [1, 1, 1, 1, 1, 1]),
    ("deepseek-v3", "a 1234", [1, 1, 3, 1]),
    ("deepseek-coder", "a 1234 b", [1, 1, 1, 1, 1, 1, 2]),
    ("falcon", "a 12345", [1, 1, 3, 2]),
    ("bloom", "a,b 12", [1, 1, 1, 3]),
    ("viking", "ab 12", [2, 1, 1, 1]),
    ("kimi-k2", "a\u4f60b1234", [1, 3, 1, 3, 1]),
    ("seed-coder", "it's 12", [2, 2, 1, 1, 1]),
    ("bailingmoe", "it's 12", [2, 2, 1, 1, 1]),
    ("chameleon", "ab.1 c", [2, 1, 1, 2]),
    ("qwen35", "e\u0301a 1", [4, 1, 1]),
]


@pytest.mark.parametrize("pre, text, lengths", DIVIDED, ids=[row[0] for row in DIVIDED])
def test_dividing(tmp_path, pre, text, lengths):
    """Words are as long as the pieces that all of the text could become."""
    pieces = [text[i:j] for i in range(len(text)) for j in range(i + 2, len(text) + 1)]
    t = byte_level(tmp_path / "x.gguf", pre, pieces)
    assert t.decode(t.encode(text)) == text
    assert [len(t.decode([i]).encode()) or 1 for i in t.encode(text, bare=True)] == lengths


def names():
    tokenizer = Path(__file__).parents[3] / "src" / "models" / "tokenizer"
    path = tokenizer / "steps" / "pretokenizers.def"
    rows = re.findall(r'^PRE(?:_AS)?\(((?:\s*"[^"]*")+)', path.read_text(), re.MULTILINE)
    return [name for row in rows for name in "".join(re.findall(r'"([^"]*)"', row)).split("|")]


def made(tmp_path, **parts):
    """A tokenizer of characters, each a token with its own number."""
    (tmp_path / "tokenizer.json").write_text(json.dumps({
        "model": {"type": "BPE", "vocab": {chr(i): i for i in range(1, 0x2600)}, "merges": []},
        **parts}))  # fmt: skip
    return Tokenizer(tmp_path)


# What the package `tokenizers` 0.23.3 makes of it.
@pytest.mark.parametrize(
    ("pattern", "text", "pieces"),
    [
        ("(?=[A-Z])", "aBcD", ["a", "Bc", "D"]), ("(?=[A-Z])", "Ba", ["Ba"]),
        ("", "éaÉ", ["é", "a", "É"]), (r"\b", "ab ab", ["ab", " ", "ab"]),
        ("(?<=a)", "aaB", ["a", "a", "B"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "behavior", ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
)
def test_matches_of_nothing_divide(tmp_path, pattern, behavior, text, pieces):
    pre = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": False}
    model = {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}
    t = made(tmp_path, pre_tokenizer=pre, model=model)
    assert [text[x:y] for x, y in t.encode_with_offsets(text).offsets] == pieces


STRIP = {"type": "Strip", "strip_left": True, "strip_right": True}


@pytest.mark.parametrize(
    ("normalizer", "text", "want"),
    [
        (None, "ab", "▁ab"), (None, " ab", "▁ab"), (STRIP, "ab", "▁ab"), (STRIP, "  ab", "ab"),
        (STRIP | {"strip_left": False}, " ab", "▁ab"), ({"type": "StripAccents"}, "\u0301ab", "ab"),
        ({"type": "Replace", "pattern": {"String": "a"}, "content": ""}, "ab", "b"),
        ({"type": "Replace", "pattern": {"String": "a"}, "content": "x"}, "ab", "▁xb"),
        ({"type": "Nmt"}, "\u0001ab", "ab"), ({"type": "NFD"}, "é", "▁e\u0301"),
        ({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": " "}, STRIP]}, "ab", "▁ab"),
    ],
)  # fmt: skip
def test_where_a_text_begins_that_loses_its_beginning(tmp_path, normalizer, text, want):
    """Metaspace's "first" is where the text began, and there is something of it."""
    pre = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    t = made(tmp_path, pre_tokenizer=pre, **({"normalizer": normalizer} if normalizer else {}))
    assert "".join(map(chr, t.encode(text))) == want


def test_all_names(tmp_path):
    assert len(names()) == len(set(names())) > 50
    for name in names():
        t = byte_level(tmp_path / "x.gguf", name)
        for text in TEXTS.values():
            assert t.decode(t.encode(text, bare=True)) == text, name


@pytest.mark.parametrize("name", ["default", "deepseek-llm", "superbpe", "gpt", "gpt-2|gpt2", ""])
def test_names_that_are_refused(tmp_path, name):
    with pytest.raises(RuntimeError, match=re.escape(f"ggml.pre is '{name}'")):
        byte_level(tmp_path / "x.gguf", name)


def with_tokens_of(vocabulary, path):
    """stories260K with the tokens of another file."""
    arrays, metadata = mx.load(str(DATA / "stories260K" / "stories260K.gguf"), return_metadata=True)
    _, other = mx.load(str(vocabulary), return_metadata=True)
    metadata = {k: v for k, v in metadata.items() if not k.startswith("tokenizer.")}
    metadata |= {k: v for k, v in other.items() if k.startswith("tokenizer.")}
    n = len(metadata["tokenizer.ggml.tokens"])
    metadata["llama.vocab_size"] = mx.array(n, mx.uint32)
    arrays |= {name: mx.zeros((n, 64)) for name in ("token_embd.weight", "output.weight")}
    mx.save_gguf(str(path), arrays, metadata)


@needs_data
@pytest.mark.parametrize("name", ["llama-spm", "bert-bge", "gpt-2"])
def test_a_folder_made_of_gguf_puts_the_same_around_texts(tmp_path, name):
    file, folder = tmp_path / "model.gguf", tmp_path / "folder"
    with_tokens_of(DATA / "ggml_vocab" / f"ggml-vocab-{name}.gguf", file)
    mx.convert_model(file, folder)
    there, here = Tokenizer(file), Tokenizer(folder)
    for text in ["", "Hello, world!", "a b  c 123"]:
        assert here.encode(text) == there.encode(text)
    assert bool(there.encode("")) == (name != "gpt-2")
    around = json.loads((folder / "tokenizer.json").read_text())["post_processor"]
    parts = [next(iter(part.values())) for part in around["pair"]] if around else []
    assert [(p["id"], p["type_id"]) for p in parts] == {
        "llama-spm": [("<s>", 0), ("A", 0), ("<s>", 1), ("B", 1)],
        "bert-bge": [("[CLS]", 0), ("A", 0), ("[SEP]", 0), ("B", 1), ("[SEP]", 1)],
        "gpt-2": [],
    }[name]
    (folder / "metadata.gguf").unlink()  # and back, by the folder alone
    mx.convert_model(folder, tmp_path / "back.gguf")
    assert Tokenizer(tmp_path / "back.gguf").encode("Hello") == there.encode("Hello")
