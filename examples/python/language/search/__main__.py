"""Search by meaning: the sentences of a text that say most nearly what a question says, by the
vectors of a small BERT, all-MiniLM-L6-v2 (Reimers and Gurevych 2019), whose folder is --model DIR;
tools/get_models.sh brings it. Without --text the test text of WikiText-2, or a licence of Debian's.

    python -m language.search --query "a storm at sea"
    python -m language.search --text FILE        asks for questions
"""

import re
import sys
import time
from pathlib import Path

import numpy as np
from common import Progress, arguments, text_file
from language.search.encoder import SentenceEncoder

MODEL = Path(__file__).resolve().parents[4] / "build" / "models" / "all-MiniLM-L6-v2"


def sentences(path, longest=1000):
    """The sentences of a text in UTF-8, each once."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        sys.exit(f"{path} cannot be read as text: {getattr(e, 'strerror', None) or e}")
    text = " ".join(line for line in text.splitlines() if not line.startswith(" ="))
    parts = (p.strip() for p in re.split(r"(?<=[.!?])\s+", text))
    found = list(dict.fromkeys(p[:longest] for p in parts if len(p) > 20))
    if not found:
        sys.exit(f"{path} has no sentence of more than 20 letters")
    return found


class Index:
    """Texts and their vectors."""

    def __init__(self, encoder, texts):
        progress, start = Progress(len(texts)), time.perf_counter()
        self.encoder, self.texts = encoder, texts
        self.vectors = encoder(texts, progress=progress)
        speed = len(texts) / (time.perf_counter() - start)
        print(f"{len(texts)} sentences, {speed:.0f} a second", file=sys.stderr)

    def search(self, query, count=5):
        """(cosine, text) of the best."""
        scores = self.vectors @ self.encoder([query])[0]
        best = np.argsort(-scores, kind="stable")[:count]
        return [(float(scores[i]), self.texts[i]) for i in best]


def queries(given):
    """The question that was given, or those that somebody writes."""
    if given:
        yield given
        return
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            return
        if line:
            yield line


def main(model, path, query="", most=2000, count=5):
    """Prints the best sentences for each question; returns those of the last."""
    index = Index(SentenceEncoder(model), sentences(path)[:most])
    found = []
    for q in queries(query):
        found = index.search(q, count)
        for score, text in found:
            print(f"{score:.3f}  {text}")
    return found


if __name__ == "__main__":
    o = arguments(__doc__, model=str(MODEL), text="", query="", most=2000, count=5)
    main(
        o.model,
        o.text or text_file(o.data, "wikitext2_test.txt", "GPL-3"),
        o.query,
        o.most,
        o.count,
    )
