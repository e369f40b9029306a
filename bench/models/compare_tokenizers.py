#!/usr/bin/env python3
"""Tokenizers beside the package tokenizers (and sentencepiece), in one run: MB/s of text.

    compare_tokenizers.py BUILD DATA [MODELS]

BUILD is a folder with libmlxc.so, DATA that of the tests' data, MODELS one of GGUF files; the
interpreter has to have tokenizers, sentencepiece and gguf. Texts are documents of 4,000 characters:
English (WikiText-2), a mixture of 60 scripts, and what has no words that come twice: runs of
spaces, of one letter, of random digits, letters, Chinese and Korean, and all of these by turns. One
thread each (of each document the least of some rounds), then all documents on two threads. "ONLY=Llama 3,BERT": these; MOST=100000: so many characters;
BENCH_CPU=1 counts processor time, for machines that do other things.
"""

import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "true"
os.environ["RAYON_NUM_THREADS"] = "2"
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "python" / "models"))

import sentencepiece  # noqa: E402
import tokenizers  # noqa: E402
from tokenizer_recipes import recipes  # noqa: E402
from script_texts import mixed  # noqa: E402
from tokenizer_library import Library  # noqa: E402

clock = time.process_time if "BENCH_CPU" in os.environ else time.perf_counter
ROUNDS = int(os.environ.get("ROUNDS", 5))


def documents(text, size=4000):
    return [text[i : i + size] for i in range(0, len(text), size)]


def best(f, items=((),)):
    """Seconds that f takes of all items: of each the least of some rounds, so that what else a machine
    does counts little."""
    least = [float("inf")] * len(items)
    for _ in range(ROUNDS):
        for i, x in enumerate(items):
            begin = clock()
            f(x)
            least[i] = min(least[i], clock() - begin)
    return sum(least)


def on_two(f, items):
    halves = [items[::2], items[1::2]]
    threads = [threading.Thread(target=lambda h=h: [f(x) for x in h]) for h in halves]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def measure(library, handle, other, texts):
    data = [t.encode() for t in texts]
    size = sum(map(len, data)) / 1e6

    def count(d):
        return library.count(handle, d)

    here = size / best(count, data)
    both = size / best(lambda _: on_two(count, data))
    if isinstance(other, tokenizers.Tokenizer):
        other.no_padding(), other.no_truncation()
        there = size / best(lambda t: other.encode_batch_fast([t]), texts)
        batch = size / best(lambda _: other.encode_batch_fast(texts))
    else:
        there = size / best(other.encode, texts)
        batch = size / best(lambda _: other.encode(texts, num_threads=2))
    return here, there, both, batch


def without_words(n, r):
    frequent = [chr(0x4E00 + r.randrange(20000)) for _ in range(1500)]
    kinds = {
        "spaces": lambda k: " " * k,
        "one letter": lambda k: "a" * k,
        "digits": lambda k: "".join(r.choices("0123456789", k=k)),
        "letters": lambda k: "".join(r.choices("abcdefghijklmnopqrstuvwxyzABCDEFGH", k=k)),
        "Chinese": lambda k: "".join(r.choices(frequent, k=k)),
        "Korean": lambda k: "".join(chr(r.randrange(0xAC00, 0xD7A4)) for _ in range(k)),
    }
    made = {kind: make(n) for kind, make in kinds.items()}
    parts = (r.choice(list(kinds.values()))(r.randrange(1, 40)) for _ in range(n // 20))
    return made | {"by turns": "".join(parts)}


def texts_of(data):
    most = int(os.environ.get("MOST", 1_000_000))
    english = (Path(data) / "text" / "wikitext2_test.txt").read_text()
    texts = {"English": english, "60 scripts": " ".join(mixed(7, 4000))}
    texts |= without_words(min(most, 200_000), random.Random(7))
    return {kind: documents(text[:most]) for kind, text in texts.items()}


def main(build, data, models=None):
    library, texts = Library(build), texts_of(data)
    wanted = os.environ.get("ONLY", "").split(",")
    print(f"{'':34}{'here':>8}{'there':>8}{'ratio':>7}{'here x2':>9}{'there x2':>9}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, given, other in recipes(Path(data), Path(models) if models else None, folder):
            if wanted != [""] and name not in wanted:
                continue
            handle = library.open(given) if isinstance(given, Path) else library.open_json(given)
            for kind, docs in texts.items():
                a, b, c, d = measure(library, handle, other, docs)
                row = f"{a:8.1f}{b:8.1f}{a / b:7.2f}{c:9.1f}{d:9.1f}{c / d:7.2f}"
                print(f"{name + ', ' + kind:34}{row}", flush=True)
            library.c.mlx_tokenizer_free(handle)


if __name__ == "__main__":
    main(*sys.argv[1:])
