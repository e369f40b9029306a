"""LLaMA (Touvron et al. 2023) written out: answers, and learns from texts of yours by LoRA (Hu et al.
2022). A model is a GGUF file, or a folder as Hugging Face or mlx_lm have it; tools/get_models.sh
brings SmolLM2. DIR has train.jsonl, and valid.jsonl perhaps.

    python -m language.llama generate MODEL "What is the capital of France?"
    python -m language.llama generate MODEL --raw "Once upon a time" --temperature 0.7
    python -m language.llama lora MODEL --data DIR --adapter-path adapters
    python -m language.llama generate MODEL --adapter-path adapters "..."
    python -m language.llama fuse MODEL --adapter-path adapters --output fused
"""

import sys
from pathlib import Path

import mlx.core as mx
from common import command, number
from language.llama import lora
from language.llama.generate import stream
from language.llama.load import open_model


def ends(tokenizer):
    """The tokens that end an answer."""
    words = [tokenizer.id(w) for w in ("<|im_end|>", "<|eot_id|>", "</s>")]
    return {t for t in [tokenizer.eos, *words] if t is not None}


def generate(o):
    """The text that follows the prompt; the speed goes to stderr."""
    model, tokenizer = open_model(o.model)
    if o.adapter_path:
        lora.load(model, o.adapter_path)
    mx.random.seed(o.seed)
    try:
        prompt = tokenizer.encode(o.prompt) if o.raw else tokenizer.chat(o.prompt)
    except ValueError as e:
        sys.exit(f"{e}; --raw goes on with the prompt as it is")
    if not prompt:
        sys.exit("the prompt is empty")
    how = {"temperature": o.temperature, "top_k": o.top_k, "top_p": o.top_p}
    pieces = stream(model, tokenizer, prompt, o.tokens, ends(tokenizer), **how)
    while True:
        try:
            print(next(pieces), end="", flush=True)
        except StopIteration as end:
            print()
            return print(end.value, file=sys.stderr)


def train(o):
    """Adapters that were learned, in a folder; prints the loss before and after."""
    model, tokenizer = open_model(o.model)
    mx.random.seed(o.seed)
    parameters = {"rank": o.rank, "scale": o.scale, "dropout": 0.0, "keys": o.keys.split(",")}
    try:
        lora.adapt(model, o.num_layers, parameters)
    except ValueError as e:
        sys.exit(str(e))
    read = lambda file: lora.read_jsonl(file, tokenizer, o.mask_prompt, o.max_tokens)
    train, valid = read(Path(o.data) / "train.jsonl"), Path(o.data) / "valid.jsonl"
    others = read(valid)[: o.valid] if valid.is_file() else train[: o.valid]
    before = lora.mean_loss(model, others)
    lora.train(model, train, o.iters, o.batch, o.rate, o.seed)
    lora.save(model, o.adapter_path, o.num_layers, parameters)
    after = lora.mean_loss(model, others)
    print(f"loss: {before:.3f} before, {after:.3f} after; adapters in {o.adapter_path}")


def fuse(o):
    count = lora.fuse(o.model, o.adapter_path, o.output)
    print(f"{count} matrices changed in {o.output}")


def program(programs, name, run, adapters=None):
    """A sub-program and its --adapter-path."""
    p = programs.add_parser(name, help=" ".join((run.__doc__ or "adapters into weights").split()))
    p.set_defaults(run=run)
    p.add_argument("model", help="a GGUF file, or a folder")
    p.add_argument("--adapter-path", default=adapters, help="the folder of adapters")
    return p


def options(p, **defaults):
    """Texts, and numbers above 0, or from 0 on where that is the default."""
    for name, default in defaults.items():
        flag = f"--{name.replace('_', '-')}"
        kind = str if isinstance(default, str) else number(default)
        p.add_argument(flag, type=kind, default=default, help=f"default: {default}")


def arguments(words=None):
    top = command(__doc__)
    programs = top.add_subparsers(required=True)
    p = program(programs, "generate", generate)
    p.add_argument("prompt")
    p.add_argument(
        "--raw", action="store_true", help="the prompt as it is, without a chat template"
    )
    options(p, tokens=200, temperature=0.0, top_k=0, top_p=1.0, seed=0)
    p = program(programs, "lora", train, "adapters")
    p.add_argument("--data", required=True, help="the folder of train.jsonl")
    p.add_argument("--mask-prompt", action="store_true", help="learn answers alone")
    options(p, iters=100, batch=4, rate=1e-4, rank=8, scale=20.0, num_layers=16, max_tokens=512)
    options(p, keys=",".join(lora.KEYS), valid=25, seed=0)
    p = program(programs, "fuse", fuse, "adapters")
    p.add_argument("--output", default="fused", help="a new folder; default: fused")
    return top.parse_args(words)


if __name__ == "__main__":
    o = arguments()
    o.run(o)
