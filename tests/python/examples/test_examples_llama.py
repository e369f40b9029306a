"""examples/python/language/llama: LLaMA written out, beside mlx.lm, transformers and mlx_lm."""

import json
import os
import subprocess
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from examples import common, needs_data, needs_transformers, references
from mlx import lm
from mlx.utils import tree_flatten

from language.llama import __main__ as program
from language.llama import generate, load, lora, model

MODELS = Path(os.environ.get("MLX_MODELS", Path(__file__).parents[3] / "build" / "models"))
SMOL = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
needs_smol = pytest.mark.skipif(not SMOL.exists(), reason="no models (tools/get_models.sh)")
WORDS = [f"w{i}" for i in range(96)]
TOKENIZER = {
    "version": "1.0",
    "model": {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(WORDS)}, "unk_token": "w0"},
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "added_tokens": [],
}
SIZES = {
    "vocab_size": 96,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
KINDS = {
    "tied": {"tie_word_embeddings": True},
    "wide heads": {"head_dim": 32, "tie_word_embeddings": False},
    "llama3": {"rope_scaling": LLAMA3, "tie_word_embeddings": False},
    "linear": {"rope_scaling": {"rope_type": "linear", "factor": 4.0}, "tie_word_embeddings": True},
    "biases": {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False},
}
IDS = [(7 * i + 3) % 96 for i in range(40)]  # as in models_worker.py


def checkpoint(folder, **more):
    """A tiny LLaMA of random weights as Hugging Face has it."""
    folder.mkdir(exist_ok=True)
    made = model.Llama(model.Config(**(SIZES | more)))
    for name, x in tree_flatten(made.parameters()):
        noise = 0.1 * mx.random.normal(x.shape)
        made.load_weights([(name, 1 + noise if "norm" in name else noise)], strict=False)
    mx.save_safetensors(
        str(folder / "model.safetensors"), dict(tree_flatten(made.parameters())), {"format": "pt"}
    )
    about = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu"}
    tokens = {"bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(SIZES | about | tokens | more))
    (folder / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "w2"}))
    return folder


def logits(path):
    return load.open_model(path)[0](mx.array([IDS]))[0]


@pytest.mark.parametrize("kind", KINDS)
def test_logits(tmp_path, kind):
    folder = checkpoint(tmp_path / "hf", **KINDS[kind])
    np.testing.assert_allclose(logits(folder), lm.load(folder).logits(IDS), atol=1e-4)


@needs_transformers
def test_logits_of_transformers(tmp_path):
    folders = [checkpoint(tmp_path / kind, **more) for kind, more in KINDS.items()]
    references("models_worker.py", "llama", *folders)
    for folder in folders:
        np.testing.assert_allclose(logits(folder), np.load(folder / "logits.npy"), atol=1e-4)


@pytest.mark.parametrize("kind", ["tied", "llama3"])
def test_gguf(tmp_path, kind):
    folder = checkpoint(tmp_path / "hf", **KINDS[kind])
    want = logits(folder)
    (folder / "tokenizer.json").unlink()  # words are no tokenizer of GGUF's
    mx.convert_model(folder, tmp_path / "x.gguf")
    found = load.read_model(tmp_path / "x.gguf")(mx.array([IDS]))[0]
    np.testing.assert_allclose(found, want, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"mode": "affine", "bits": 4, "group_size": 32}, {"mode": "mxfp8"}]
)
def test_quantized(tmp_path, options):
    folder = checkpoint(tmp_path / "hf", **KINDS["wide heads"])
    mx.convert_model(folder, tmp_path / "mlx", **options)
    found = logits(tmp_path / "mlx")
    np.testing.assert_allclose(found, lm.load(tmp_path / "mlx").logits(IDS), atol=2e-3)


def test_a_cache_changes_nothing(tmp_path):
    llama, _ = load.open_model(checkpoint(tmp_path / "hf"))
    caches = llama.caches()
    caches[0].BLOCK = caches[1].BLOCK = 16  # so that it grows
    parts = [llama(mx.array([IDS[a:b]]), caches) for a, b in ((0, 9), (9, 10), (10, 11), (11, 12))]
    np.testing.assert_allclose(mx.concatenate(parts, 1), llama(mx.array([IDS[:12]])), atol=1e-5)


def test_temperatures_have_fractions():
    o = program.arguments(["generate", "model", "text", "--temperature", "0.7", "--top-p", "0.9"])
    assert o.temperature == 0.7 and o.top_p == 0.9 and o.top_k == 0
    with pytest.raises(SystemExit):
        program.arguments(["generate", "model", "text", "--temperature", "-1"])


def test_sampling():
    x = mx.log(mx.array([[0.5, 0.3, 0.15, 0.05]]))
    chosen = lambda y: [i for i, v in enumerate(y[0].tolist()) if v > -np.inf]
    assert chosen(generate.truncated(x, 2)) == [0, 1]
    assert chosen(generate.truncated(x, 0, 0.6)) == [0, 1]
    assert chosen(generate.truncated(x, 0, 0.9)) == [0, 1, 2]
    assert chosen(generate.truncated(x, 9, 1.0)) == [0, 1, 2, 3]
    drawn = generate.sample(mx.broadcast_to(x, (4000, 4)), 1.0, 0, 0.9)
    counts = np.bincount(np.array(drawn), minlength=4) / 4000
    np.testing.assert_allclose(counts, [0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0], atol=0.03)


@needs_smol
def test_the_real_one_writes_what_mlx_lm_writes():
    llama, tokenizer = load.open_model(SMOL)
    prompt = tokenizer.encode("The capital of France is")
    there = [p.token for p in lm.load(SMOL).stream(prompt, 24) if p.token is not None]
    written = generate.tokens(llama, prompt)
    assert [next(written) for _ in there] == there
    pieces = generate.stream(
        llama, tokenizer, tokenizer.chat("What is the capital of France?"), 9, {2}
    )
    assert "".join(pieces) == "The capital of France is Paris."


# --- LoRA -----------------------------------------------------------------------------------------

PARAMETERS = {"rank": 4, "scale": 10.0, "dropout": 0.0, "keys": lora.KEYS + ["mlp.down_proj"]}


def examples_of(tokenizer):
    lines = [" ".join(f"w{(i * k) % 90 + 3}" for i in range(20)) for k in range(1, 9)]
    return [lora.example({"text": line}, tokenizer, False) for line in lines]


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A checkpoint, adapters that were learned on it, and the model with them."""
    top = tmp_path_factory.mktemp("lora")
    folder = checkpoint(top / "hf", tie_word_embeddings=False)
    llama, tokenizer = load.open_model(folder)
    lora.adapt(llama, 1, PARAMETERS)
    examples = examples_of(tokenizer)
    before = lora.mean_loss(llama, examples)
    lora.train(llama, examples, 30, rate=1e-2)
    assert lora.mean_loss(llama, examples) < before - 0.5
    lora.save(llama, top / "adapters", 1, PARAMETERS)
    return top, llama


def test_the_base_is_untouched(learned):
    top, llama = learned
    stored = mx.load(str(top / "hf" / "model.safetensors"))
    for name, x in tree_flatten(llama.parameters()):
        if "lora_" not in name:
            assert mx.array_equal(x, stored[name.replace(".linear.", ".")]), name


def test_adapters_are_read(learned):
    top, llama = learned
    want = llama(mx.array([IDS]))[0]
    again = lora.load(load.open_model(top / "hf")[0], top / "adapters")
    assert mx.array_equal(again(mx.array([IDS]))[0], want)
    there = lm.load(top / "hf", top / "adapters").logits(IDS)
    np.testing.assert_allclose(there, want, atol=1e-4)


@needs_transformers
def test_mlx_lm_reads_adapters(learned):
    top, llama = learned
    references("models_worker.py", "mlx_lm", top / "hf", top / "adapters")
    want = llama(mx.array([IDS]))[0]
    np.testing.assert_allclose(np.load(top / "hf" / "logits.npy"), want, atol=1e-4)


def test_fuse(learned):
    top, llama = learned
    assert lora.fuse(top / "hf", top / "adapters", top / "fused") == 3
    np.testing.assert_allclose(logits(top / "fused"), llama(mx.array([IDS]))[0], atol=1e-4)
    with pytest.raises(SystemExit, match="is there already"):
        lora.fuse(top / "hf", top / "adapters", top / "fused")


def test_what_is_learned(tmp_path):
    tokenizer = lm.Tokenizer(checkpoint(tmp_path / "hf"))
    whole = lambda line, mask: lora.example(line, tokenizer, mask)
    pair = {"prompt": "w5 w6", "completion": "w7"}
    assert whole(pair, True) == ([5, 6, 7, 2], [False, False, True, True])
    assert whole(pair, False)[1] == whole({"text": "w5 w6 w7"}, True)[1] == [True] * 4
    with pytest.raises(ValueError, match="text, or prompt"):
        whole({"words": 1}, True)
    tokens, learned = lora.padded([([1] * 5, [True] * 5), ([1] * 40, [False] * 40)])
    assert tokens.shape == (2, 65) and learned.sum().item() == 5


@needs_smol
@needs_data
def test_the_real_one_learns(tmp_path, capsys):
    data = common.data_folder() / "lora_wikisql"
    words = f"lora {SMOL} --data {data} --iters 4 --batch 1 --num-layers 1 --rate 3e-3 --valid 1"
    o = program.arguments([*words.split(), "--adapter-path", str(tmp_path / "a")])
    o.run(o)
    _, before, _, after, *_ = capsys.readouterr().out.replace(",", "").split()
    assert float(after) < float(before) - 0.1
    lm.load(SMOL, tmp_path / "a")


# --- what is no model, and no data ----------------------------------------------------------------


def refused(match, call, *arguments):
    with pytest.raises(SystemExit, match=match) as e:
        call(*arguments)
    assert "\n" not in str(e.value)


def test_bad_models(tmp_path):
    refused("is missing", load.open_model, tmp_path / "none")
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(20))
    refused("is no LLaMA", load.open_model, tmp_path / "x.gguf")
    folder = checkpoint(tmp_path / "hf")
    config = json.loads((folder / "config.json").read_text())
    for change, match in (
        ({"model_type": "gpt2"}, "is of gpt2, expected llama"),
        ({"num_hidden_layers": 3}, "layers.2.* is missing"),
        ({"intermediate_size": 97}, "but .* follows"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "yarn"),
        ({"hidden_size": "many"}, "is no LLaMA"),
    ):
        (folder / "config.json").write_text(json.dumps(config | change))
        refused(match, load.open_model, folder)
    (folder / "config.json").write_text("{")
    refused("cannot be read as JSON", load.open_model, folder)


def test_bad_data(tmp_path):
    tokenizer = lm.Tokenizer(checkpoint(tmp_path / "hf"))
    read = lambda file: lora.read_jsonl(file, tokenizer)
    refused("is missing", read, tmp_path / "train.jsonl")
    for text, match in (
        ("", "no example"),
        ('{"text": "w5"}\n{"text"', "line 2"),
        ("[1]", "line 1"),
        ('{"text": 5}', "line 1"),
    ):
        (tmp_path / "train.jsonl").write_text(text)
        refused(match, read, tmp_path / "train.jsonl")


def test_adapters_of_another_model(learned, tmp_path):
    top, _ = learned
    other, _ = load.open_model(checkpoint(tmp_path / "hf", hidden_size=32, head_dim=16))
    refused("no adapters for this model", lora.load, other, top / "adapters")
    refused("no adapters for this model", lora.load, other, tmp_path)


# --- the same in C --------------------------------------------------------------------------------

IN_C = Path(os.environ.get("MLX_TEST_BUILD", "/nowhere")) / "examples" / "llama"


@needs_data
@pytest.mark.skipif(not IN_C.exists(), reason="examples/c/llama.c is not built")
def test_adapters_that_c_learned(tmp_path):
    data = common.data_folder() / "stories260K"
    text = data / "expected_greedy_200.txt"
    words = [IN_C, "lora", data / "stories260K.gguf", text, "10", tmp_path / "adapters"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    with_them = lm.load(data / "stories260K.gguf", tmp_path / "adapters")
    ids, losses = with_them.encode(text.read_text()), []
    for i in range(0, min(4 * 64, len(ids) - 64), 64):
        x = with_them.logits(ids[i : i + 64])
        likely = x - mx.logsumexp(x, -1, keepdims=True)
        losses.append(-np.array(likely)[np.arange(64), ids[i + 1 : i + 65]].mean())
    assert np.mean(losses) == pytest.approx(float(said[3]), abs=2e-3)
    assert float(said[3]) != pytest.approx(float(said[1]), abs=1e-2)
