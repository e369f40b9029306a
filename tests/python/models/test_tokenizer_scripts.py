"""Tokenizers of published kinds beside the packages tokenizers and sentencepiece, in 60 scripts and
seeded mixtures of them: ids, offsets and texts are equal. The packages run in a process of their
own: of this Python, or of MLX_TRANSFORMERS_PYTHON."""

import importlib.util
import json
import math
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from mlx.lm import Tokenizer
from script_texts import BROKEN, TEXTS, mixed

HERE = Path(__file__).parent
HAS = all(importlib.util.find_spec(name) for name in ("tokenizers", "sentencepiece", "gguf"))
PYTHON = sys.executable if HAS else os.environ.get("MLX_TRANSFORMERS_PYTHON")
PLACES = [os.environ.get("MLX_TEST_DATA"), HERE.parents[3] / "shared" / "data"]
DATA = next((Path(p) for p in PLACES if p and Path(p).is_dir()), None)
MODELS = os.environ.get("MLX_MODELS", HERE.parents[2] / "build" / "models")
SEED = int(os.environ.get("MLX_TEST_SEED", "0"))

pytestmark = [
    pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)"),
    pytest.mark.skipif(
        not PYTHON,
        reason="no Python that has tokenizers and sentencepiece (MLX_TRANSFORMERS_PYTHON)",
    ),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizers")
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [PYTHON, HERE / "tokenizers_worker.py", DATA, MODELS, folder, str(SEED)]
    done = subprocess.run(command, capture_output=True, text=True, env=plain, timeout=900)
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr[-2000:]
    return {
        name: (file, json.loads(Path(rows).read_text()))
        for name, file, rows in json.loads(done.stdout)
    }


def texts():
    return [*TEXTS.values(), *(b.decode("utf-8", "replace") for b in BROKEN), *mixed(SEED, 150)]


def has_marks_in_disorder(text):
    """Marks that normal forms put into another order stand for themselves here, for their new
    places there."""
    classes = [unicodedata.combining(c) for c in unicodedata.normalize("NFD", text)]
    given = [unicodedata.combining(d) for c in text for d in unicodedata.normalize("NFD", c)]
    return classes != given


def scores_of(file):
    """Of a Unigram's pieces, by number."""
    model = json.loads(Path(file).read_text())["model"] if file.endswith(".json") else {}
    return [s for _, s in model["vocab"]] if model.get("type") == "Unigram" else None


def differences(file, rows):
    """What is not equal: (kind, text, here, there)."""
    t, given, scores = Tokenizer(file), texts(), scores_of(file)

    def score(tokens):
        return math.fsum(scores[i] for i in tokens)

    pieces = file.endswith(".model")  # SentencePiece finds no special pieces in a text
    encodings = t.encode_all_with_offsets(given, plain=pieces)
    one_by_one = [t.encode(text, plain=pieces) for text in given]
    assert t.encode_all(given, plain=pieces) == one_by_one == [e.tokens for e in encodings]
    for text, made, (ids, offsets, plain, skipped) in zip(given, encodings, rows, strict=True):
        if scores and made.tokens != ids and abs(score(made.tokens) - score(ids)) < 1e-9:
            continue  # a tie, which the last digit of a score in the file decides
        found = [("ids", made.tokens, ids)]
        if skipped is not None:
            found.append(("decode", t.decode(ids), skipped))
        if offsets is not None and not has_marks_in_disorder(text):
            found.append(("offsets", made.offsets, [tuple(o) for o in offsets]))
        if plain is not None:
            bare = t.encode(text, bare=True)
            found.append(("decode bare", t.decode(bare, special=True), plain))
        yield from ((kind, text, here, there) for kind, here, there in found if here != there)


def test_texts_of_all_scripts(made):
    assert len(TEXTS) >= 30
    wrong = {}
    for name, (file, rows) in made.items():
        for kind, text, here, there in differences(file, rows):
            wrong.setdefault((name, kind), []).append((text, here, there))
    for (name, kind), cases in wrong.items():
        text, here, there = min(cases, key=lambda c: len(c[0]))
        print(f"{name}, {kind}: {len(cases)}, as {text!r}\n  here  {here}\n  there {there}")
    assert not wrong


def test_bytes_that_are_no_text(made):
    for file, _ in made.values():
        t = Tokenizer(file)
        for broken in BROKEN:
            assert t.encode(broken) == t.encode(broken.decode("utf-8", "replace"))
