#!/usr/bin/env python3
"""A GGUF file of a model's shapes with random weights, for compare_lm_speed.py and bench_lm.

    make_lm_shapes.py OUT.gguf q4_0|q4_k|q8_0|bf16

The shapes are TinyLlama-1.1B's. q4_k is as llama.cpp's Q4_K_M: half of the values' matrices and of
the last of the feed-forward part, and the head, are Q6_K. Scales are such that hidden rows stay of
the size of their inputs. Written with the package gguf.
"""

import sys

import gguf
import numpy as np

LAYERS, WIDTH, INNER, HEADS, KV_HEADS, WORDS = 22, 2048, 5632, 32, 4, 32000
Kind = gguf.GGMLQuantizationType
random = np.random.default_rng(0)


def halves(rows, blocks, size):
    """Scales around `size`, as the bytes of float16."""
    values = (random.uniform(0.5, 1.5, (rows, blocks, 1)) * size).astype(np.float16)
    return values.view(np.uint8)


def codes(rows, blocks, count):
    return random.integers(0, 256, (rows, blocks, count), dtype=np.uint8)


def matrix(kind, rows, columns):
    if kind == Kind.BF16:
        values = (random.standard_normal((rows, columns), dtype=np.float32) * columns**-0.5).view(
            np.uint32
        )
        return (values >> 16).astype(np.uint16).view(np.uint8)
    if kind == Kind.Q8_0:
        blocks, size = columns // 32, columns**-0.5 / 74
        parts = [halves(rows, blocks, size), codes(rows, blocks, 32)]
    elif kind == Kind.Q4_0:
        blocks, size = columns // 32, columns**-0.5 / 4.6
        parts = [halves(rows, blocks, size), codes(rows, blocks, 16)]
    elif kind == Kind.Q4_K:
        blocks, size = columns // 256, columns**-0.5 / 150
        parts = [
            halves(rows, blocks, size),
            halves(rows, blocks, size * 7),
            codes(rows, blocks, 140),
        ]
    else:  # Q6_K: codes, their upper bits, scales, d
        blocks, size = columns // 256, columns**-0.5 / 1400
        parts = [codes(rows, blocks, 208), halves(rows, blocks, size)]
    return np.concatenate(parts, axis=2).reshape(rows, -1)


def kind_of(name, layer, of):
    if of != Kind.Q4_K:
        return of
    better = layer < LAYERS // 8 or layer >= 7 * LAYERS // 8 or (layer - LAYERS // 8) % 3 == 2
    return Kind.Q6_K if name == "output" or (name in ("attn_v", "ffn_down") and better) else of


def add(out, name, of, rows, columns, layer=0):
    kind = kind_of(name, layer, of)
    full = f"blk.{layer}.{name}.weight" if name.startswith(("attn", "ffn")) else f"{name}.weight"
    out.add_tensor(full, matrix(kind, rows, columns), raw_dtype=kind)


def add_norm(out, name):
    out.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))


def add_layer(out, of, n):
    narrow = WIDTH // HEADS * KV_HEADS
    rows = {
        "attn_q": WIDTH,
        "attn_k": narrow,
        "attn_v": narrow,
        "attn_output": WIDTH,
        "ffn_gate": INNER,
        "ffn_up": INNER,
    }
    for name, count in rows.items():
        add(out, name, of, count, WIDTH, n)
    add(out, "ffn_down", of, WIDTH, INNER, n)
    add_norm(out, f"blk.{n}.attn_norm")
    add_norm(out, f"blk.{n}.ffn_norm")


def add_sizes(out):
    out.add_context_length(2048)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(INNER)
    out.add_head_count(HEADS)
    out.add_head_count_kv(KV_HEADS)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_vocab_size(WORDS)


def add_words(out):
    """Words that nobody reads: prompts are given as numbers."""
    out.add_tokenizer_model("llama")
    out.add_token_list(
        ["<unk>", "<s>", "</s>"]
        + [f"<0x{i:02X}>" for i in range(256)]
        + [f"w{i}" for i in range(259, WORDS)]
    )
    out.add_token_scores([-float(i) for i in range(WORDS)])
    out.add_token_types([2, 3, 3] + [6] * 256 + [1] * (WORDS - 259))
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)


def main():
    out, of = gguf.GGUFWriter(sys.argv[1], "llama"), Kind[sys.argv[2].upper()]
    add_sizes(out)
    add_words(out)
    add(out, "token_embd", of, WORDS, WIDTH)
    add(out, "output", of, WORDS, WIDTH)
    add_norm(out, "output_norm")
    for n in range(LAYERS):
        add_layer(out, of, n)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


main()
