#!/usr/bin/env python3
"""Answers and perplexities beside other programs, with the same files.

    compare_lm.py MLX answers MODEL.gguf [prompts]
    compare_lm.py MLX perplexity MODEL.gguf TEXT [pieces]

answers: the likeliest 64 tokens behind each prompt, beside transformers' (which reads the same GGUF
file as float32 numbers). Where they part the gap of transformers' two largest logits says how near
to a tie it was.

perplexity: mlx perplexity beside llama.cpp (the package xllamacpp), which is asked for the
probability of each counted token.

MLX is the program mlx; the interpreter has to have the packages.
"""

import json
import math
import subprocess
import sys
from pathlib import Path

TOKENS = 64
PROMPTS = [
    f"{how} {what}"
    for how in [
        "The most important thing about",
        "Question: What should everybody know of",
        "Here is a short story about",
        "A list of facts on",
        "Dear friend, let me tell you of",
    ]
    for what in [
        "the city of Paris",
        "volcanoes",
        "the number seven",
        "a dog that could fly",
        "the history of bread",
        "learning to swim",
        "prime numbers",
        "the moon",
        "writing programs in C",
        "my grandmother's garden",
    ]
]


def mlx(program, command, *words):
    call = [program, command, *map(str, words), "--json", "-q"]
    return json.loads(subprocess.run(call, capture_output=True, text=True, check=True).stdout)


# --- answers --------------------------------------------------------------------------------------


def load(model):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = Path(model)
    names = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    tokenizer = AutoTokenizer.from_pretrained(**names)
    return tokenizer, AutoModelForCausalLM.from_pretrained(**names, dtype="float32")


def wanted(tokenizer, model, prompt):
    """Text, and for each token the gap between the two largest logits."""
    import torch

    ids = tokenizer(prompt, return_tensors="pt")
    with torch.no_grad():
        out = model.generate(
            **ids,
            max_new_tokens=TOKENS,
            do_sample=False,
            return_dict_in_generate=True,
            output_logits=True,
            pad_token_id=0,
        )
    tokens = out.sequences[0, ids["input_ids"].shape[1] :].tolist()
    best = [row[0].float().topk(2).values for row in out.logits]
    return tokens, [float(two[0] - two[1]) for two in best]


def part(tokenizer, text, tokens):
    """The first token whose text is not in `text`; None: all are."""
    for n in range(1, len(tokens) + 1):
        if not text.startswith(tokenizer.decode(tokens[:n], skip_special_tokens=True).rstrip("�")):
            return n - 1
    return None


def answers(program, model, count=len(PROMPTS)):
    tokenizer, other = load(model)
    same = near = 0
    for prompt in PROMPTS[: int(count)]:
        tokens, gaps = wanted(tokenizer, other, prompt)
        text = mlx(program, "generate", "-m", model, "-p", prompt, "--raw", "-n", TOKENS)["text"]
        at = part(tokenizer, text, tokens)
        same += at is None
        if at is not None:
            near += gaps[at] < 0.1
            print(
                f"{prompt!r}: parts at token {at}, where the logits' gap is {gaps[at]:.4f}",
                flush=True,
            )
    print(f"{same} of {count} answers are the same, {near} part at a gap below 0.1")


# --- perplexity -----------------------------------------------------------------------------------


def serve(model, context):
    import xllamacpp

    p = xllamacpp.CommonParams()
    p.model.path, p.n_ctx, p.n_parallel = model, context, 1
    p.verbosity = 0
    return xllamacpp.Server(p)


def log_p(server, tokens, next_token):
    """Of a token: it is made to be the one that is drawn, and the probabilities are those before."""
    answer = server.handle_completions(
        {
            "prompt": tokens,
            "n_predict": 1,
            "n_probs": 1,
            "temperature": 0,
            "cache_prompt": True,
            "logit_bias": [[next_token, 1000]],
        }
    )
    token = answer["choices"][0]["logprobs"]["content"][0]
    assert token["id"] == next_token
    return token["logprob"]


def perplexity(program, model, text, pieces=4):
    size = 512
    ours = mlx(program, "perplexity", "-m", model, "-f", text, "--size", size, "--pieces", pieces)
    words = [program, "tokenize", model, "--ids"]
    ids = subprocess.run(words, stdin=open(text, "rb"), capture_output=True, text=True, check=True)
    ids = list(map(int, ids.stdout.split()))
    server, total, count = serve(model, 2 * size), 0.0, 0
    for i in range(int(pieces)):
        piece = [ids[0]] + ids[i * size + 1 : (i + 1) * size]
        for at in range(size // 2 + 1, size):
            total += log_p(server, piece[:at], piece[at])
            count += 1
        print(f"{i + 1} pieces: llama.cpp {math.exp(-total / count):.4f}", flush=True)
    theirs = math.exp(-total / count)
    print(
        f"perplexity of {count} tokens: mlx {ours['perplexity']:.4f}, llama.cpp {theirs:.4f}, "
        f"{100 * (ours['perplexity'] / theirs - 1):+.2f}%"
    )


if __name__ == "__main__":
    globals()[sys.argv[2]](sys.argv[1], *sys.argv[3:])
