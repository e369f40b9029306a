"""What CLIP sees and reads: pixels of one size, and tokens."""

import json
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
from checkpoint import read_json
from mlx.data import images
from mlx.lm import Tokenizer


def preprocess(pixels, smaller, side, mean, std):
    """(H, W, 3) of uint8 to (side, side, 3): resized, the middle, normalized."""
    height, width = pixels.shape[:2]
    short, long = min(height, width), max(height, width)
    longer = smaller * long // short
    w, h = (smaller, longer) if width <= height else (longer, smaller)
    middle = images.center_crop(images.resize(pixels, w, h, "bicubic"), side, side)
    return mx.array((middle.astype(np.float32) / 255 - np.float32(mean)) / np.float32(std))


START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def _tokenizer_json(vocab, merges):
    """The tokenizer.json that stands for a vocab.json and a merges.txt of CLIP."""
    special = [
        {"id": vocab[text], "content": text, "special": True, "normalized": False}
        | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
        for text in (START, END)
    ]
    space = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}
    split = {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Removed", "invert": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    return {
        "version": "1.0",
        "added_tokens": special,
        "normalizer": {
            "type": "Sequence",
            "normalizers": [{"type": "NFC"}, space, {"type": "Lowercase"}],
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [split, byte_level | {"use_regex": False}],
        },
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": [END, vocab[END]],
            "cls": [START, vocab[START]],
            "trim_offsets": False,
            "add_prefix_space": False,
        },
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "unk_token": END,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "</w>",
            "fuse_unk": False,
            "vocab": vocab,
            "merges": merges,
        },
    }


def load_tokenizer(folder):
    """The tokenizer of a folder: tokenizer.json, or vocab.json and merges.txt."""
    folder = Path(folder)
    try:
        if (folder / "tokenizer.json").is_file():
            return Tokenizer(folder / "tokenizer.json")
        vocab = read_json(folder / "vocab.json")
        lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
        merges = [line for line in lines if line and not line.startswith("#version")]
        return Tokenizer(json.dumps(_tokenizer_json(vocab, merges)).encode())
    except KeyError as error:
        sys.exit(f"{folder / 'vocab.json'} has no {error}.")
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"{folder} has no tokenizer that can be read: {error}")


def pad_token(folder, tokenizer):
    """What fills up texts: the end, unless tokenizer_config.json has another."""
    path = Path(folder) / "tokenizer_config.json"
    pad = read_json(path).get("pad_token") if path.is_file() else None
    found = tokenizer.id(pad["content"] if isinstance(pad, dict) else pad) if pad else None
    return tokenizer.id(END) if found is None else found


def tokenize(tokenizer, texts, length, pad):
    """Texts as rows of `length` tokens, filled up, or cut before their end with a word to stderr."""
    end = tokenizer.id(END)
    rows = []
    for text in texts:
        tokens = tokenizer.encode(text, plain=True)
        if len(tokens) > length:
            print(
                f"Only {length - 2} tokens of {len(tokens) - 2} are read: {text}", file=sys.stderr
            )
            tokens = tokens[: length - 1] + [end]
        rows.append(tokens + [pad] * (length - len(tokens)))
    return mx.array(rows)
