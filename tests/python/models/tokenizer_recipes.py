"""Tokenizers of published kinds as the packages `tokenizers` and `sentencepiece` have them, for the
worker of test_tokenizer_scripts.py and bench/models/compare_tokenizers.py: from published
vocabularies, or trained here. Needs both packages, and gguf for the models' files.

recipes(DATA, MODELS, folder) gives (name, tokenizer.json's text or a file, theirs)."""

import io
import json
from pathlib import Path

import sentencepiece
from script_texts import corpus
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HEAD = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
TAIL = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
MARK = "\u2581"


# --- tokenizer.json -------------------------------------------------------------------------------


def special(i, text, **more):
    flags = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
    return {"id": i, "content": text, "special": True} | flags | more


def description(model, added, normalizer=None, splitter=None, post=None, decoder=None):
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": normalizer,
            "pre_tokenizer": splitter,
            "post_processor": post,
            "decoder": decoder,
            "model": model,
        }
    )


def around(before, behind, vocab):
    """A template with tokens before and behind a text."""

    def items(*names):
        return [
            {"Sequence": {"id": n, "type_id": 0}}
            if n in "AB"
            else {"SpecialToken": {"id": n, "type_id": 0}}
            for n in names
        ]

    used = [*before, *behind]
    return {
        "type": "TemplateProcessing",
        "single": items(*before, "A", *behind),
        "pair": items(*before, "A", *behind, "B", *behind),
        "special_tokens": {n: {"id": n, "ids": [vocab[n]], "tokens": [n]} for n in used},
    }


def bytes_step(use_regex, prefix=False):
    return {
        "type": "ByteLevel",
        "add_prefix_space": prefix,
        "trim_offsets": True,
        "use_regex": use_regex,
    }


def sequence(key, *steps):
    return {"type": "Sequence", key: list(steps)}


def split(pattern):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def bpe(vocab, merges, **more):
    plain = {"dropout": None, "unk_token": None, "continuing_subword_prefix": None}
    plain |= {"end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False}
    return (
        {"type": "BPE"}
        | plain
        | {"ignore_merges": False}
        | more
        | {"vocab": vocab, "merges": merges}
    )


def byte_level(folder, splitter, end, normalizer=None, whole=False, prefix=False):
    """A byte-level BPE of encoder.json and vocab.bpe."""
    vocab = json.loads((folder / "encoder.json").read_text())
    lines = (folder / "vocab.bpe").read_text().splitlines()
    merges = [line for line in lines if line and not line.startswith("#version")]
    vocab.setdefault(end, max(vocab.values()) + 1)
    post = sequence("processors", bytes_step(True, prefix), around([], [end], vocab))
    return description(
        bpe(vocab, merges, ignore_merges=whole),
        [special(vocab[end], end)],
        normalizer,
        splitter,
        post,
        bytes_step(True),
    )


# --- GGUF -----------------------------------------------------------------------------------------


def gguf_fields(path):
    import gguf

    return {
        k[15:]: f
        for k, f in gguf.GGUFReader(path).fields.items()
        if k.startswith("tokenizer.ggml.")
    }


def smollm(path):
    fields = gguf_fields(path)
    vocab = {t: i for i, t in enumerate(fields["tokens"].contents())}
    types = fields["token_type"].contents()
    added = [special(i, t) for t, i in vocab.items() if types[i] == 3]
    digits = {"type": "Digits", "individual_digits": True}
    splitter = sequence("pretokenizers", digits, bytes_step(True))
    model = bpe(vocab, fields["merges"].contents())
    return description(model, added, None, splitter, None, bytes_step(True))


def merges_of(vocab, scores):
    """Of each piece the ways to make it, the best pieces first."""
    made = []
    for piece, i in vocab.items():
        cuts = [(piece[:k], piece[k:]) for k in range(1, len(piece))]
        ways = [(vocab[a], vocab[b], a, b) for a, b in cuts if a in vocab and b in vocab]
        made += [(-scores[i], i, *way) for way in sorted(ways)]
    made.sort(key=lambda m: (m[0], m[1]))
    return [[left, right] for *_, left, right in made]


def gemma(path):
    fields = gguf_fields(path)
    tokens, types = fields["tokens"].contents(), fields["token_type"].contents()
    vocab = {t: i for i, t in enumerate(tokens)}
    scores = fields["scores"].contents()
    normal = {t: i for t, i in vocab.items() if types[i] == 1}
    added = [special(i, t, special=types[i] == 3) for t, i in vocab.items() if types[i] in (3, 4)]
    model = bpe(
        vocab, merges_of(normal, scores), unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    spaces = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
    back = {"type": "Replace", "pattern": {"String": MARK}, "content": " "}
    decoder = sequence("decoders", back, {"type": "ByteFallback"}, {"type": "Fuse"})
    parts = {
        "type": "Split",
        "pattern": {"String": " "},
        "behavior": "MergedWithPrevious",
        "invert": False,
    }
    return description(model, added, spaces, parts, around(["<bos>"], [], vocab), decoder)


def bert(path, uncased=True):
    fields = gguf_fields(path)
    tokens, types = fields["tokens"].contents(), fields["token_type"].contents()

    def text(t, kind):
        return (
            t
            if kind == 3 or t.startswith("[") and t.endswith("]")
            else t[1:]
            if t[0] == MARK
            else "##" + t
        )

    vocab = {text(t, k): i for i, (t, k) in enumerate(zip(tokens, types, strict=True))}
    return wordpiece(vocab, uncased)


def wordpiece(vocab, lower, strip=None, han=True):
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    model = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": vocab,
    }
    normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": han}
    normalizer |= {"strip_accents": strip, "lowercase": lower}
    return description(
        model,
        [special(vocab[n], n) for n in names],
        normalizer,
        {"type": "BertPreTokenizer"},
        around(["[CLS]"], ["[SEP]"], vocab),
        {"type": "WordPiece", "prefix": "##", "cleanup": True},
    )


# --- trained here ---------------------------------------------------------------------------------


def trained_wordpiece(lower, strip, han):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(True, han, strip, lower)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(
        corpus(),
        trainers.WordPieceTrainer(vocab_size=1500, special_tokens=names, show_progress=False),
    )
    return wordpiece(t.get_vocab(), lower, strip, han)


def trained_bpe(byte_fallback, **more):
    """SentencePiece's kind: spaces are pieces' beginnings, and what has no piece is bytes or unknown."""
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=byte_fallback, **more))
    t.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] * byte_fallback
    trainer = trainers.BpeTrainer(
        vocab_size=1500, special_tokens=names, show_progress=False, limit_alphabet=500
    )
    t.train_from_iterator(corpus(), trainer)
    parts = [decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()]
    t.decoder = decoders.Sequence([*parts, decoders.Strip(" ", 1, 0)])
    made = json.loads(t.to_str())
    made["added_tokens"] = made["added_tokens"][:3]
    return json.dumps(made)


def trained_unigram(normalizer, byte_fallback=False):
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizer
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=1200,
        special_tokens=["<unk>", "<s>", "</s>"],
        unk_token="<unk>",
        show_progress=False,
    )
    t.train_from_iterator(corpus(), trainer)
    t.decoder = decoders.Metaspace()
    return t.to_str()


def trained_pieces(folder, kind, **more):
    """A file of SentencePiece."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()),
        model_writer=model,
        vocab_size=1200,
        model_type=kind,
        num_threads=1,
        minloglevel=2,
        hard_vocab_limit=False,
        **more,
    )
    path = Path(folder) / (kind + "".join(f"-{v}" for v in more.values()) + ".model")
    path.write_bytes(model.getvalue())
    return path


# --- all of them ----------------------------------------------------------------------------------


def published(data, models_folder):
    yield "GPT-2", byte_level(data / "gpt2_bpe", bytes_step(True), "<|endoftext|>")
    yield "RoBERTa's prefix", byte_level(data / "gpt2_bpe", bytes_step(True, True), "<|endoftext|>", prefix=True)  # fmt: skip
    llama = data / "llama3_bpe"
    steps = [split(HEAD + "\\p{N}{1,3}|" + TAIL), bytes_step(False)]
    yield "Llama 3", byte_level(llama, sequence("pretokenizers", *steps), "<|end|>", whole=True)
    steps = [split(HEAD + "\\p{N}|" + TAIL), bytes_step(False)]
    parts = sequence("pretokenizers", *steps)
    yield "Qwen 2", byte_level(llama, parts, "<|end|>", {"type": "NFC"})
    yield "BERT", bert(data / "ggml_vocab" / "ggml-vocab-bert-bge.gguf")
    small, large = "SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"
    if models_folder and (models_folder / small).exists():
        yield "SmolLM2", smollm(models_folder / small)
    if models_folder and (models_folder / large).exists():
        yield "Gemma 3", gemma(models_folder / large)


def trained():
    yield "WordPiece cased", trained_wordpiece(False, False, True)
    yield "WordPiece uncased", trained_wordpiece(True, None, True)
    yield "WordPiece accents", trained_wordpiece(False, True, False)
    yield "BPE bytes", trained_bpe(True)
    yield "BPE unknown", trained_bpe(False)
    yield "Unigram NFKC", trained_unigram(normalizers.NFKC())
    yield "Unigram NFD", trained_unigram(normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]))  # fmt: skip


def piece_models(data, folder):
    yield "Llama 2", data / "llama2c_tokenizer" / "tokenizer.model"
    yield "SentencePiece", data / "sentencepiece" / "test_model.model"
    yield "pieces unigram", trained_pieces(folder, "unigram")
    yield "pieces unigram bytes", trained_pieces(folder, "unigram", byte_fallback=True)
    yield (
        "pieces unigram nfkc_cf",
        trained_pieces(folder, "unigram", normalization_rule_name="nfkc_cf"),
    )
    yield "pieces bpe", trained_pieces(folder, "bpe")
    yield "pieces bpe bytes", trained_pieces(folder, "bpe", byte_fallback=True)
    yield "pieces bpe identity", trained_pieces(folder, "bpe", normalization_rule_name="identity")


def recipes(data, models_folder, folder):
    for name, text in [*published(data, models_folder), *trained()]:
        yield name, text, Tokenizer.from_str(text)
    for name, path in piece_models(data, folder):
        yield name, path, sentencepiece.SentencePieceProcessor(model_file=str(path))
