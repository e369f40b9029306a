"""T5 and FLAN-T5 (Raffel et al. 2020; Chung et al. 2022): text to text.

python -m language.t5 --model DIR "translate English to German: That is good."

DIR is a T5 as transformers saves it, such as google/flan-t5-small: config.json, model.safetensors,
tokenizer.json or spiece.model.
"""

import sys
import time

import mlx.core as mx
from checkpoint import dtype_of
from common import command, number

from language.t5.folder import load, load_tokenizer, read


def main(folder, text, limit=64, temperature=0.0, dtype="float32", write=lambda piece: None):
    """The answer to a text; `write` gets it in pieces."""
    if limit < 1 or not 0 <= temperature < float("inf"):
        sys.exit("--tokens is at least 1, and --temperature is a number from 0 on.")
    model, tokenizer = load(folder, dtype_of(dtype)), load_tokenizer(folder)
    tokens = read(tokenizer, text, model.config["eos_token_id"])
    if max(tokens) >= model.config["vocab_size"]:
        sys.exit(
            f"{folder}: the tokenizer has more tokens than the model, {model.config['vocab_size']}."
        )
    pieces = []
    for piece in tokenizer.pieces(model.generate(tokens, limit, temperature)):
        pieces.append(piece)
        write(piece)
    return "".join(pieces)


if __name__ == "__main__":
    parser = command(__doc__)
    parser.add_argument("text", help="what to answer")
    parser.add_argument("--model", required=True, help="a folder of T5")
    parser.add_argument("--tokens", type=int, default=64, help="at most so many")
    parser.add_argument("--temperature", type=float, default=0.0, help="0: the likeliest token")
    parser.add_argument("--seed", type=number(0), default=0)
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    o = parser.parse_args()
    mx.random.seed(o.seed)
    start = time.perf_counter()
    main(o.model, o.text, o.tokens, o.temperature, o.dtype, lambda p: print(p, end="", flush=True))
    print()
    print(f"{time.perf_counter() - start:.1f} s", file=sys.stderr)
