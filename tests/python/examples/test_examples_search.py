"""examples/python/language/search: BERT written out, beside mlx.lm, transformers and
sentence-transformers; and what is found."""

import json
import os
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from examples import common, needs_data, needs_transformers, references
from mlx import lm
from mlx.utils import tree_flatten

from language.search import __main__ as search
from language.search.encoder import SentenceEncoder, open_bert, padded
from language.search.model import Bert, Config

MODELS = Path(os.environ.get("MLX_MODELS", Path(__file__).parents[3] / "build" / "models"))
MINI = MODELS / "all-MiniLM-L6-v2"
needs_mini = pytest.mark.skipif(not MINI.exists(), reason="no models (tools/get_models.sh)")
TEXTS = [
    "A cat sleeps on the sofa.",
    "The kitten is napping on the couch.",
    "Interest rates rose by half a percent in March.",
    "Zürich is a city; naïve café — 東京",
    "x " * 400,
    "",
]
SIZES = {
    "vocab_size": 96,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}
TOKENIZER = {
    "version": "1.0",
    "model": {"type": "WordLevel", "vocab": {f"w{i}": i for i in range(96)}, "unk_token": "w0"},
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "added_tokens": [],
}
IDS = [(7 * i + 3) % 96 for i in range(40)]  # as in models_worker.py


def checkpoint(folder):
    """A tiny BERT of random weights as Hugging Face has it, with a pooler."""
    folder.mkdir(exist_ok=True)
    weights = dict(tree_flatten(Bert(Config(**SIZES)).parameters()))
    weights |= {"pooler.dense.weight": mx.zeros((64, 64)), "pooler.dense.bias": mx.zeros((64,))}
    for name, x in weights.items():
        weights[name] = 0.1 * mx.random.normal(x.shape) + name.endswith("LayerNorm.weight")
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "pt"})
    about = {"architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu"}
    (folder / "config.json").write_text(json.dumps(SIZES | about))
    (folder / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    return folder


@needs_transformers
def test_hidden_states_of_transformers(tmp_path):
    folder = checkpoint(tmp_path / "bert")
    references("models_worker.py", "bert", folder)
    found = open_bert(folder)(mx.array([IDS]), mx.array([len(IDS)]))[0]
    np.testing.assert_allclose(found, np.load(folder / "hidden.npy"), atol=1e-4)


def test_vectors_of_a_tiny_one(tmp_path):
    folder, texts = checkpoint(tmp_path / "bert"), ["w3 w4 w5", "w9", "w7 w3 w2 w11 w30 " * 9]
    found = SentenceEncoder(folder)(texts)
    np.testing.assert_allclose(found, lm.load(folder).embed(texts), atol=1e-5)
    alone = [SentenceEncoder(folder)([t])[0] for t in texts]  # the others' length is no matter
    np.testing.assert_allclose(found, alone, atol=1e-6)


@needs_mini
def test_vectors():
    found = SentenceEncoder(MINI)(TEXTS, batch=2)
    np.testing.assert_allclose(found, lm.load(MINI).embed(TEXTS), atol=1e-5)
    np.testing.assert_allclose((found**2).sum(1), 1, atol=1e-5)


@needs_mini
@needs_transformers
def test_vectors_of_sentence_transformers(tmp_path):
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    references("models_worker.py", "sentences", MINI, tmp_path)
    found = SentenceEncoder(MINI)(TEXTS)
    np.testing.assert_allclose(found, np.load(tmp_path / "vectors.npy"), atol=1e-5)


@needs_mini
def test_search(tmp_path, capsys):
    (tmp_path / "x.txt").write_text(" = A title = \n" + "\n".join(TEXTS[:4]), "utf-8")
    assert search.sentences(tmp_path / "x.txt") == TEXTS[:4]
    found = search.main(MINI, tmp_path / "x.txt", "a pet takes a rest", count=2)
    assert {text for _, text in found} == set(TEXTS[:2]) and found[0][0] > found[1][0] > 0.1
    assert search.main(MINI, tmp_path / "x.txt", "money", count=1)[0][1] == TEXTS[2]
    assert TEXTS[2] in capsys.readouterr().out


@needs_mini
@needs_data
def test_a_text_of_the_data():
    path = common.data_folder() / "text" / "wikitext2_test.txt"
    found = search.main(MINI, path, "an actor in a television series", most=40)
    assert "actor" in found[0][1] or "television" in found[0][1]


def test_padded():
    tokens, lengths = padded([[5, 6], [7] * 9])
    assert tokens.shape == (2, 16) and lengths.tolist() == [2, 9]
    assert tokens[0].tolist() == [5, 6] + [0] * 14


# --- what is no model, and no text ----------------------------------------------------------------


def refused(match, call, *arguments):
    with pytest.raises(SystemExit, match=match) as e:
        call(*arguments)
    assert "\n" not in str(e.value)


def test_bad_models(tmp_path):
    refused("config.json is missing", SentenceEncoder, tmp_path)
    folder = checkpoint(tmp_path / "bert")
    config = json.loads((folder / "config.json").read_text())
    for change, match in (
        ({"model_type": "llama"}, "is of llama, expected bert"),
        ({"num_hidden_layers": 3}, "encoder.layer.2.* is missing"),
        ({"num_hidden_layers": 1}, "encoder.layer.1.* is no part"),
        ({"hidden_act": "tanh"}, "hidden_act is tanh, expected gelu, "),
        ({"position_embedding_type": "relative_key"}, "is relative_key, expected absolute"),
        ({"vocab_size": 97}, "has shape"),
    ):
        (folder / "config.json").write_text(json.dumps(config | change))
        refused(match, SentenceEncoder, folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "1_Pooling").mkdir()
    for modes in (["cls_token"], ["cls_token", "mean_tokens"], []):
        pooling = {f"pooling_mode_{mode}": True for mode in modes} | {
            "word_embedding_dimension": 64
        }
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
        refused("expected pooling_mode_mean_tokens", SentenceEncoder, folder)
    pooling = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    SentenceEncoder(folder)
    (folder / "tokenizer.json").write_text("{}")
    refused("has no tokenizer", SentenceEncoder, folder)
    (folder / "model.safetensors").write_bytes(b"abc")
    refused("cannot be read", SentenceEncoder, folder)


def test_bad_texts(tmp_path):
    refused("cannot be read as text", search.sentences, tmp_path / "none.txt")
    (tmp_path / "x.txt").write_bytes(b"\xff\xfe" * 40)
    refused("cannot be read as text", search.sentences, tmp_path / "x.txt")
    (tmp_path / "x.txt").write_text("short.")
    refused("has no sentence", search.sentences, tmp_path / "x.txt")
