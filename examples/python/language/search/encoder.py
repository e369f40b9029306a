"""Vectors of texts: tokens in batches of about one length, BERT, the mean of its vectors."""

import sys
from dataclasses import fields
from pathlib import Path

import mlx.core as mx
import numpy as np
from checkpoint import (
    check_activation,
    check_same,
    config_of,
    field,
    load_weights,
    read_json,
    weights_of,
)
from language.search.model import Bert, Config, mean
from mlx.lm import Tokenizer


def open_bert(folder):
    """The encoder of a folder, without what is not asked for here: the pooler of the first token."""
    config = config_of(folder, "bert")
    for name in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"):
        field(config, name, folder)
    check_activation({"hidden_act": "gelu"} | config, "hidden_act", folder)
    check_same(config, {"position_embedding_type": "absolute", "is_decoder": False}, folder)
    weights = {
        name.removeprefix("bert."): x
        for name, x in weights_of(folder).items()
        if "pooler." not in name and not name.endswith("position_ids")
    }
    model = Bert(Config(**{f.name: config[f.name] for f in fields(Config) if f.name in config}))
    return load_weights(model, weights, folder)


def check_pooling(folder):
    """Ends the program where a folder says that the vector of a text is no mean of its tokens'."""
    path = Path(folder) / "1_Pooling" / "config.json"
    if path.is_file():
        found = read_json(path)
        others = [n for n, on in found.items() if n.startswith("pooling_mode_") and on is True]
        if others != ["pooling_mode_mean_tokens"]:
            sys.exit(
                f"{path}: {' and '.join(others) or 'nothing'}, expected pooling_mode_mean_tokens."
            )


class SentenceEncoder:
    """A model folder as sentence-transformers has it, whose texts' vectors are means."""

    def __init__(self, folder):
        check_pooling(folder)
        self.model = open_bert(folder)
        try:
            self.tokenizer = Tokenizer(folder)
        except (OSError, ValueError, RuntimeError) as e:
            sys.exit(f"{folder} has no tokenizer that can be read: {e}")
        options = Path(folder) / "sentence_bert_config.json"
        self.longest = read_json(options).get("max_seq_length") if options.is_file() else None
        self.longest = self.longest or len(self.model.embeddings.position_embeddings.weight)
        self._vectors = mx.compile(lambda tokens, n: mean(self.model(tokens, n), n))

    def _tokens(self, texts):
        """Of each text; what is too long loses its end, but not the last token, [SEP]."""
        cut = lambda t: t if len(t) <= self.longest else t[: self.longest - 1] + t[-1:]
        return [cut(t) for t in self.tokenizer.encode_all(texts)]

    def __call__(self, texts, batch=64, progress=lambda done: None):
        """The vectors (N, D) of texts, each of length 1."""
        tokens = self._tokens(texts)
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        vectors = np.empty((len(texts), self.model.embeddings.LayerNorm.weight.size), np.float32)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            vectors[rows] = self._vectors(*padded([tokens[i] for i in rows]))
            progress(start + len(rows))
        return vectors


def padded(rows, multiple=8):
    """Tokens (B, L) and lengths (B,). L is a multiple of 8, so that few shapes are compiled."""
    lengths = np.array([len(r) for r in rows], np.int32)
    tokens = np.zeros((len(rows), -(-lengths.max() // multiple) * multiple), np.int32)
    for row, r in zip(tokens, rows):
        row[: len(r)] = r
    return mx.array(tokens), mx.array(lengths)
