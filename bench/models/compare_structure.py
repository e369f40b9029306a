"""Masks of tokens beside XGrammar and llguidance, in one run:

    python3 bench/models/compare_structure.py build/release/bench/bench_structure llama3_bpe

llama3_bpe is the folder of that name. Milliseconds to open a schema, and microseconds a token (a
mask and a step) for the first document of it and for the next one. The others are called from
Python, which is about a microsecond of each token's. BENCH_CPU=1 counts processor time."""

import json
import os
import subprocess
import sys
import time

import llguidance
import llguidance.numpy
import numpy as np
import xgrammar
from tokenizers import Tokenizer

clock = time.process_time if "BENCH_CPU" in os.environ else time.perf_counter
PROGRAM, FOLDER = sys.argv[1:3]
ROUNDS = 3


def tokenizer_json():
    with open(f"{FOLDER}/encoder.json") as file:
        vocab = json.load(file)
    with open(f"{FOLDER}/vocab.bpe") as file:
        merges = file.read().splitlines()
    vocab["<end>"] = len(vocab)
    split = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    end = {"id": len(vocab) - 1, "content": "<end>", "special": True}
    end |= dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
    return {
        "version": "1.0",
        "added_tokens": [end],
        "model": {"type": "BPE", "vocab": vocab, "merges": merges},
        "pre_tokenizer": split | {"trim_offsets": True},
        "decoder": split | {"trim_offsets": True},
    }


class XGrammar:
    def __init__(self, made, size):
        names = [name for name, _ in sorted(made["model"]["vocab"].items(), key=lambda x: x[1])]
        kind = xgrammar.VocabType.BYTE_LEVEL
        info = xgrammar.TokenizerInfo(names, kind, vocab_size=size, stop_token_ids=[size - 1])
        self.info, self.mask = info, np.zeros((1, (size + 31) // 32), np.int32)
        try:
            import torch

            self.mask = torch.from_numpy(self.mask)
        except ImportError:
            pass

    def open(self, schema):
        compiler = xgrammar.GrammarCompiler(self.info, max_threads=1, cache_enabled=False)
        if schema is None:
            return compiler.compile_builtin_json_grammar()
        return compiler.compile_json_schema(
            json.dumps(schema), any_whitespace=False, separators=(",", ":")
        )

    def follow(self, compiled, ids):
        matcher = xgrammar.GrammarMatcher(compiled)
        for token in ids:
            matcher.fill_next_token_bitmask(self.mask)
            assert matcher.accept_token(token)


class Guidance:
    def __init__(self, made, size):
        self.tokenizer = llguidance.LLTokenizer(json.dumps(made))
        self.mask = llguidance.numpy.allocate_token_bitmask(1, size)

    def open(self, schema):
        form = {} if schema is not None else {"type": "object"}
        x = (schema or form) | {
            "x-guidance": {
                "whitespace_flexible": False,
                "item_separator": ",",
                "key_separator": ":",
            }
        }
        return llguidance.LLMatcher.grammar_from_json_schema(json.dumps(x))

    def follow(self, grammar, ids):
        matcher = llguidance.LLMatcher(self.tokenizer, grammar)
        for token in ids:
            llguidance.numpy.fill_next_token_bitmask(matcher, self.mask, 0)
            assert matcher.consume_token(token), matcher.get_error()


def measure(engine, schema, ids):
    best = [1e9, 1e9, 1e9]
    for _ in range(ROUNDS):
        start = clock()
        compiled = engine.open(schema)
        opened = clock()
        engine.follow(compiled, ids)
        first = clock()
        engine.follow(compiled, ids)
        now = opened - start, first - opened, clock() - first
        best = [min(a, b) for a, b in zip(best, now)]
    return [best[0] * 1e3, *(1e6 * t / len(ids) for t in best[1:])]


def main():
    made = tokenizer_json()
    tokenizer, size = Tokenizer.from_str(json.dumps(made)), len(made["model"]["vocab"])
    run = lambda *words: subprocess.run([PROGRAM, *words], capture_output=True, text=True).stdout
    own = {line.split("\t")[0]: line.split("\t")[1:] for line in run(FOLDER).splitlines()}
    engines = {"xgrammar": XGrammar(made, size), "llguidance": Guidance(made, size)}
    for name, schema, document in json.loads(run()):
        ids = tokenizer.encode(document).ids
        tokens, opened, _, cold, warm, _ = own[name]
        print(
            f"{name} ({len(ids)} tokens)\n    mlx         open {opened} ms, first {cold}, next {warm} us"
        )
        for other, engine in engines.items():
            try:
                found = measure(engine, json.loads(schema) if schema else None, ids)
                print(
                    "    {:11} open {:.2f} ms, first {:.1f}, next {:.2f} us".format(other, *found)
                )
            except (AssertionError, RuntimeError, ValueError) as error:
                print(f"    {other:11} {type(error).__name__} {str(error)[:200]}")


main()
