#!/usr/bin/env python3
"""Prompts and generation beside llama.cpp (the package xllamacpp), by turns in one run.

    compare_lm_speed.py BENCH_LM MODEL.gguf [--threads 2] [--prompt 512] [--generate 128] [--cpu]

BENCH_LM is the program bench_lm. --cpu counts processor time instead of time, for machines that do
other things as well; with one thread it is what an idle machine would show, but for memory.
"""

import argparse
import os
import re
import subprocess
import time

import xllamacpp


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench")
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bits", type=int, default=16, help="of keys and values; llama.cpp has 16")
    parser.add_argument("--cpu", action="store_true")
    return parser.parse_args()


def server(a):
    p = xllamacpp.CommonParams()
    p.model.path = a.model
    p.n_ctx = 2 * (a.prompt + a.generate)
    p.n_parallel = 1
    p.n_batch = p.n_ubatch = a.prompt
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = a.threads
    return xllamacpp.Server(p)


def seconds(a):
    return time.process_time() / a.threads if a.cpu else time.perf_counter()


def timed(a, llama, tokens, count):
    start = seconds(a)
    answer = llama.handle_completions(
        {
            "prompt": tokens,
            "max_tokens": count,
            "temperature": 0,
            "ignore_eos": True,
            "cache_prompt": False,
        }
    )
    assert answer["usage"]["completion_tokens"] == count, answer["usage"]
    return seconds(a) - start


def of_llama(a, llama):
    """Tokens a second: of a prompt, generated after one token."""
    tokens = [(i * 7919 + 13) % 32000 for i in range(a.prompt)]
    prompt = timed(a, llama, tokens, 1)
    one, many = timed(a, llama, tokens[:1], 1), timed(a, llama, tokens[:1], 1 + a.generate)
    return a.prompt / prompt, a.generate / (many - one)


def of_mlx(a):
    env = dict(os.environ, MLX_NUM_THREADS=str(a.threads))
    if a.cpu:
        env["BENCH_CPU"] = "1"
    sizes = ["-p", str(a.prompt), "-n", str(a.generate), "-c", str(a.bits)]
    done = subprocess.run(
        [a.bench, a.model, *sizes], env=env, check=True, capture_output=True, text=True
    )
    rates = re.findall(r": ([0-9.]+) tokens/s", done.stdout)
    return float(rates[0]), float(rates[1]), re.search(r"([0-9]+)% of memory", done.stdout)[1]


def main():
    a = arguments()
    llama = server(a)
    ours, theirs, memory = [], [], 0
    for _ in range(a.rounds):
        theirs.append(of_llama(a, llama))
        *rates, share = of_mlx(a)
        ours.append(rates)
        memory = max(memory, int(share))
    kind = "processor time" if a.cpu else "time"
    print(f"{os.path.basename(a.model)}, {a.threads} threads, {kind}, best of {a.rounds}")
    for i, name in enumerate((f"prompt {a.prompt}", f"generate {a.generate}")):
        mine, other = max(r[i] for r in ours), max(r[i] for r in theirs)
        print(f"{name:14} mlx {mine:8.1f}   llama.cpp {other:8.1f}   {mine / other:.2f} times")
    print(f"generation reads weights at {memory}% of what memory gives")


main()
