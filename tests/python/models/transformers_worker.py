"""Run by a Python that has transformers (test_convert_families.py): tiny random checkpoints of the
families, and what transformers makes of a GGUF file.

    transformers_worker.py make FAMILY FOLDER
    transformers_worker.py load FOLDER FILE.gguf      prints the tensors that differ, as JSON
    transformers_worker.py logits FOLDER OTHER        prints the largest difference of logits
    transformers_worker.py names FILE.gguf            prints names that the gguf package has not
    transformers_worker.py tokens FOLDER FILE.gguf    prints texts that are encoded differently
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch
import transformers

SIZES = {
    "vocab_size": 96,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
HEAD = {"head_dim": 32}
FAMILIES = {
    "llama": ("Llama", {}),
    "mistral": ("Mistral", {"sliding_window": 32}),
    "mixtral": ("Mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen2": ("Qwen2", {}),
    "qwen3": ("Qwen3", {"head_dim": 16}),
    "gemma2": ("Gemma2", HEAD | {"query_pre_attn_scalar": 32, "sliding_window": 32}),
    "gemma3": ("Gemma3", HEAD | {"query_pre_attn_scalar": 32, "sliding_window": 32}),
    "phi3": ("Phi3", {}),
    "bert": ("Bert", {"type_vocab_size": 2}),
}


def shake(model):
    """Norms and biases that are not 1 and 0, so that an error in them shows: of few bits, so that 1 + w
    is exact."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.1)
            if parameter.ndim == 1:
                parameter.copy_((parameter + 1).bfloat16())
    return model


def make(family, folder):
    torch.manual_seed(int(os.environ.get("MLX_TEST_SEED", "0")))
    name, more = FAMILIES[family]
    config_name = name + ("TextConfig" if family == "gemma3" else "Config")
    sizes = dict(SIZES)
    if family == "bert":
        del sizes["num_key_value_heads"]
    config = getattr(transformers, config_name)(**(sizes | more))
    class_name = "BertModel" if family == "bert" else name + "ForCausalLM"
    model = shake(getattr(transformers, class_name)(config).float())
    model.save_pretrained(folder, max_shard_size="100KB")


def model_of(folder, **more):
    with open(os.path.join(folder, "config.json")) as f:
        name = json.load(f)["architectures"][0]
    return getattr(transformers, name).from_pretrained(folder, dtype=torch.float32, **more)


def load(folder, file):
    want = model_of(folder).state_dict()
    loader = transformers.AutoModelForCausalLM
    found = loader.from_pretrained(
        os.path.dirname(file), gguf_file=os.path.basename(file), dtype=torch.float32
    ).state_dict()
    wrong = sorted(set(want) ^ set(found))
    wrong += [n for n in want if n in found and not torch.equal(want[n], found[n])]
    print(json.dumps(wrong))


def logits(folder, other):
    ids = torch.arange(40).reshape(1, 40) * 7 % 96
    with torch.no_grad():
        a, b = (model_of(f).eval()(ids) for f in (folder, other))
    a, b = (getattr(x, "logits", getattr(x, "last_hidden_state", None)) for x in (a, b))
    print(json.dumps((a - b).abs().max().item()))


def names(file):
    import gguf

    reader = gguf.GGUFReader(file)
    name = reader.fields["general.architecture"].contents()
    arch = next(a for a, n in gguf.constants.MODEL_ARCH_NAMES.items() if n == name)
    known = [gguf.constants.TENSOR_NAMES[t] for t in gguf.constants.MODEL_TENSORS[arch]]
    layers = range(reader.fields[f"{name}.block_count"].contents())
    full = {k.format(bid=i) for k in known for i in layers}
    modules = {t.name.rsplit(".", 1)[0] for t in reader.tensors}
    print(json.dumps(sorted(modules - full)))


TEXTS = [
    "Hello, world! It's 2026; they'll pay $1,234.56.",
    "  two  spaces\n\nlines\tand tabs  ",
    "Zürich, naïve café, 東京タワー, Москва, مرحبا, 👩‍🚀🎉",
    "def f(x):\n    return x ** 2  # code\n",
    "<|im_start|>user\nHi<|im_end|>",
]


def tokens(folder, file):
    """With the tokenizer that transformers makes of a GGUF file."""
    ours = transformers.PreTrainedTokenizerFast(
        tokenizer_file=os.path.join(folder, "tokenizer.json")
    )
    theirs = transformers.AutoTokenizer.from_pretrained(
        os.path.dirname(file), gguf_file=os.path.basename(file)
    )
    ids = lambda t, text: t(text, add_special_tokens=False)["input_ids"]
    wrong = [x for x in TEXTS if ids(ours, x) != ids(theirs, x)]
    wrong += [x for x in TEXTS if ours.decode(ids(ours, x)) != x]
    print(json.dumps(wrong))


if __name__ == "__main__":
    commands = {"make": make, "load": load, "logits": logits, "names": names, "tokens": tokens}
    commands[sys.argv[1]](*sys.argv[2:])
