"""Run by a Python that has tokenizers and sentencepiece (test_tokenizer_scripts.py):

    tokenizers_worker.py DATA MODELS FOLDER SEED

writes into FOLDER each tokenizer of tokenizer_recipes.py and what it makes of all texts, and prints
the list of them as JSON."""

import json
import sys
from pathlib import Path

import tokenizers
from script_texts import BROKEN, TEXTS, mixed
from tokenizer_recipes import recipes


def texts(seed):
    broken = [b.decode("utf-8", "replace") for b in BROKEN]
    return [*TEXTS.values(), *broken, *mixed(seed, 150)]


def rows(theirs, given):
    if not isinstance(theirs, tokenizers.Tokenizer):
        for text in given:
            ids = theirs.encode(text)
            unknown = theirs.unk_id() in ids  # which is shown as U+2047
            yield [ids, None, None, None if unknown else theirs.decode(ids)]
        return
    for text in given:
        made = theirs.encode(text)
        plain = theirs.encode(text, add_special_tokens=False).ids
        yield [made.ids, made.offsets, theirs.decode(plain, skip_special_tokens=False),
               theirs.decode(made.ids)]  # fmt: skip


def main(data, models, folder, seed):
    folder, names = Path(folder), []
    for i, (name, given, theirs) in enumerate(recipes(Path(data), Path(models), folder)):
        file = given if isinstance(given, Path) else folder / f"{i}.json"
        if not isinstance(given, Path):
            file.write_text(given)
        (folder / f"{i}.rows").write_text(json.dumps(list(rows(theirs, texts(int(seed))))))
        names.append([name, str(file), str(folder / f"{i}.rows")])
    print(json.dumps(names))


if __name__ == "__main__":
    main(*sys.argv[1:])
