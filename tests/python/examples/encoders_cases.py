"""Inputs that encoders_worker.py and the tests share, and tokenizers in the layouts of CLIP and T5. Plain
Python: both interpreters import it."""

import json

CLIP_TEXTS = ["a cat and a dog", "Dogs, 12 CATS  don't", "naïve   café: cat!", ""]
T5_TEXT = "translate: the cat saw a dog."
SAM_PROMPTS = {
    "point": {"points": [(20, 31)], "labels": [1], "several": True},
    "points": {"points": [(20, 31), (50, 3), (1, 60)], "labels": [1, 0, 1], "several": False},
    "box": {"box": (5, 8, 40, 60), "several": True},
    "both": {"points": [(9, 9)], "labels": [0], "box": (5, 8, 40, 60), "several": False},
    "mask": {"points": [(9, 9)], "labels": [1], "mask": True, "several": True},
}


def byte_letters():
    """The letters that stand for bytes in byte-level BPE: themselves where they can be printed."""
    plain = [*range(ord("!"), 127), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = range(256, 256 + 256 - len(plain))
    return [chr(c) for c in [*plain, *others]]


CLIP_WORDS = ["<|startoftext|>", "<|endoftext|>"]


def clip_tokenizer(folder):
    """vocab.json and merges.txt of letters and some words. How many pieces there are."""
    merges = [("c", "a"), ("ca", "t</w>"), ("d", "o"), ("do", "g</w>"), ("a", "n"), ("an", "d</w>")]
    letters = byte_letters()
    pieces = letters + [x + "</w>" for x in letters] + ["".join(m) for m in merges] + CLIP_WORDS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({p: i for i, p in enumerate(pieces)}))
    lines = "\n".join(" ".join(m) for m in merges)
    (folder / "merges.txt").write_text(f"#version: 0.2\n{lines}\n")
    return len(pieces)


def t5_tokenizer(folder):
    """tokenizer.json, a Unigram of letters and some words. How many pieces there are."""
    words = ["<pad>", "</s>", "<unk>", *("\u2581" + w for w in ("", "the", "a", "cat", "dog"))]
    vocab = [[w, -float(i)] for i, w in enumerate([*words, *"abcdefghijklmnopqrstuvwxyz:."])]
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [{"id": i, "content": words[i], "special": True} | plain for i in range(3)]
    spaces = {
        "type": "Metaspace",
        "replacement": "\u2581",
        "prepend_scheme": "always",
        "split": True,
    }
    end = [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}]
    post = {
        "type": "TemplateProcessing",
        "single": end,
        "pair": end,
        "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
    }
    whole = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": spaces,
        "post_processor": post,
        "decoder": spaces,
        "model": {"type": "Unigram", "unk_id": 2, "vocab": vocab, "byte_fallback": False},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    return len(vocab)


# Configurations of the tiny models.
TOWER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
CLIP_VISION = TOWER | {"image_size": 32, "patch_size": 8, "hidden_size": 48, "hidden_act": "gelu"}


def clip_text(size):
    """A text tower for a vocabulary of a size, whose last two tokens are start and end."""
    ends = {"bos_token_id": size - 2, "eos_token_id": size - 1, "max_position_embeddings": 24}
    return TOWER | {"vocab_size": size, "projection_dim": 24} | ends


T5 = {
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": 3,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "relative_attention_num_buckets": 12,
    "relative_attention_max_distance": 20,
    "decoder_start_token_id": 0,
}
SAM = {
    "vision_config": {
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "image_size": 64,
        "patch_size": 8,
        "window_size": 3,
        "global_attn_indexes": [1],
        "mlp_dim": 48,
        "output_channels": 40,
        "num_pos_feats": 20,
    },
    "prompt_encoder_config": {
        "hidden_size": 40,
        "image_size": 64,
        "patch_size": 8,
        "mask_input_channels": 8,
    },
    "mask_decoder_config": {
        "hidden_size": 40,
        "mlp_dim": 48,
        "num_attention_heads": 4,
        "iou_head_hidden_dim": 24,
    },
}

# Other activations and norms, windows that do not fit, no positions, more masks.
SAM_ODD = {
    "vision_config": SAM["vision_config"]
    | {"hidden_act": "relu", "layer_norm_eps": 1e-2, "window_size": 5, "qkv_bias": False}
    | {"use_rel_pos": False, "use_abs_pos": False, "global_attn_indexes": []},
    "prompt_encoder_config": SAM["prompt_encoder_config"]
    | {"hidden_act": "relu", "layer_norm_eps": 1e-2},
    "mask_decoder_config": SAM["mask_decoder_config"]
    | {"hidden_act": "gelu", "layer_norm_eps": 1e-2, "num_multimask_outputs": 4}
    | {"iou_head_depth": 2, "num_hidden_layers": 3},
}
