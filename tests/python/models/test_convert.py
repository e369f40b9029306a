"""mx.convert_model: names, rows, metadata and elements between the conventions."""

import json
import os
import shutil

import mlx.core as mx
import numpy as np
import pytest

MODELS = os.environ.get(
    "MLX_MODELS", os.path.join(os.path.dirname(__file__), "../../../build/models")
)
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 40,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
LAYER = {
    "input_layernorm": (64,),
    "post_attention_layernorm": (64,),
    "self_attn.q_proj": (64, 64),
    "self_attn.k_proj": (32, 64),
    "self_attn.v_proj": (32, 64),
    "self_attn.o_proj": (64, 64),
    "mlp.gate_proj": (96, 64),
    "mlp.up_proj": (96, 64),
    "mlp.down_proj": (64, 96),
}
ENDS = {"model.embed_tokens": (40, 64), "model.norm": (64,), "lm_head": (40, 64)}


def shapes():
    all = {f"{n}.weight": s for n, s in ENDS.items()}
    for i in range(2):
        all |= {f"model.layers.{i}.{n}.weight": s for n, s in LAYER.items()}
    return all


@pytest.fixture
def tensors():
    return {n: mx.random.normal(s).astype(mx.bfloat16) for n, s in shapes().items()}


def folder(path, tensors, config=CONFIG, shards=3):
    """As Hugging Face has it, in shards."""
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config))
    names, index = list(tensors), {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = {n: tensors[n] for n in names[i::shards]}
        mx.save_safetensors(str(path / file), part, {"format": "pt"})
        index |= dict.fromkeys(part, file)
    text = json.dumps({"metadata": {}, "weight_map": index})
    (path / "model.safetensors.index.json").write_text(text)
    return path


@pytest.fixture
def model(tmp_path, tensors):
    return folder(tmp_path / "llama", tensors)


def stored(path):
    f = mx.open_file(path)
    return {n: f.read(n, stored=True) for n in f}


def storages(path):
    return {n: t.storage for n, t in mx.open_file(path).tensors.items()}


def same(a, b):
    return (
        a.dtype == b.dtype and a.shape == b.shape and bytes(memoryview(a)) == bytes(memoryview(b))
    )


def assert_equal(a, b):
    assert sorted(a) == sorted(b)
    assert [n for n in a if not same(a[n].view(mx.uint8), b[n].view(mx.uint8))] == []
    assert {n: x.dtype for n, x in a.items()} == {n: x.dtype for n, x in b.items()}


def metadata(path):
    plain = lambda v: (str(v.dtype), v.tolist()) if isinstance(v, mx.array) else v
    return {k: plain(v) for k, v in mx.open_file(path).metadata.items()}


# --- there and back ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["hf", "mlx"])
def test_gguf_and_back(tmp_path, model, tensors, form):
    mx.convert_model(model, tmp_path / "a.gguf")
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "back", format=form)
    assert_equal(stored(tmp_path / "back"), tensors)
    config = json.loads((tmp_path / "back/config.json").read_text())
    assert config == CONFIG
    mx.convert_model(tmp_path / "back", tmp_path / "b.gguf")
    assert_equal(stored(tmp_path / "a.gguf"), stored(tmp_path / "b.gguf"))
    assert metadata(tmp_path / "a.gguf") == metadata(tmp_path / "b.gguf")


@pytest.mark.parametrize(
    "name",
    ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"],
    ids=["smollm2", "gemma3"],
)
def test_a_real_model_comes_back(tmp_path, name):
    source = os.path.join(MODELS, name)
    if not os.path.exists(source):
        pytest.skip("the model is not here: tools/get_models.sh")
    mx.convert_model(source, tmp_path / "mlx")
    mx.convert_model(tmp_path / "mlx", tmp_path / "back.gguf")
    assert_equal(stored(source), stored(tmp_path / "back.gguf"))
    assert storages(source) == storages(tmp_path / "back.gguf")
    assert metadata(source) == metadata(tmp_path / "back.gguf")


def test_the_values_of_a_real_model(tmp_path):
    source = os.path.join(MODELS, "SmolLM2-135M-Instruct.Q4_1.gguf")
    if not os.path.exists(source):
        pytest.skip("the model is not here: tools/get_models.sh")
    mx.convert_model(source, tmp_path / "mlx")
    config = json.loads((tmp_path / "mlx/config.json").read_text())
    assert config["rope_theta"] == 100000.0 and config["tie_word_embeddings"]
    f, g = mx.open_file(source), mx.open_file(tmp_path / "mlx")
    name = "model.layers.3.mlp.down_proj"
    want = mx.dequantize(
        f.read("blk.3.ffn_down.weight", stored=True), mode="q4_1", dtype=mx.float32
    )
    scales, biases = (g[f"{name}.{p}"].astype(mx.float32) for p in ("scales", "biases"))
    found = mx.dequantize(g[f"{name}.weight"], scales, biases, group_size=32, bits=4)
    assert mx.array_equal(want, found)


def test_names_and_rows(tmp_path, model, tensors):
    """The head of a rotation: GGUF has rows 2 i and 2 i + 1 where the checkpoint has i and n + i."""
    mx.convert_model(model, tmp_path / "a.gguf")
    found = stored(tmp_path / "a.gguf")
    assert len(found) == len(tensors)
    for name, heads, key in (("q_proj", 4, "attn_q"), ("k_proj", 2, "attn_k")):
        x = np.array(tensors[f"model.layers.1.self_attn.{name}.weight"].astype(mx.float32))
        y = np.array(found[f"blk.1.{key}.weight"].astype(mx.float32))
        half = len(x) // heads // 2
        for h in range(heads):
            for i in range(half):
                for part in range(2):
                    row = x[h * 2 * half + part * half + i]
                    assert (y[h * 2 * half + 2 * i + part] == row).all()
    for theirs, ours in (
        ("blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight"),
        ("blk.1.ffn_down.weight", "model.layers.1.mlp.down_proj.weight"),
        ("token_embd.weight", "model.embed_tokens.weight"),
        ("output.weight", "lm_head.weight"),
    ):
        assert same(found[theirs], tensors[ours])
    norm = found["blk.0.ffn_norm.weight"]
    assert norm.dtype == mx.float32
    assert mx.array_equal(norm, tensors["model.layers.0.post_attention_layernorm.weight"])


def test_metadata_has_the_types_of_gguf(tmp_path, model):
    mx.convert_model(model, tmp_path / "a.gguf")
    m = metadata(tmp_path / "a.gguf")
    number = lambda v: ("mlx.core.uint32", v)
    assert m["general.architecture"] == "llama" and m["general.name"] == "llama"
    assert m["llama.block_count"] == number(2) and m["llama.embedding_length"] == number(64)
    assert m["llama.attention.head_count_kv"] == number(2)
    assert m["llama.rope.dimension_count"] == number(16)
    assert m["general.file_type"] == number(32)
    epsilon = ("mlx.core.float32", float(np.float32(1e-05)))
    assert m["llama.attention.layer_norm_rms_epsilon"] == epsilon


def test_what_config_says_now_counts(tmp_path, model):
    mx.convert_model(model, tmp_path / "a.gguf")
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "b")
    config = json.loads((tmp_path / "b/config.json").read_text())
    config["max_position_embeddings"] = 512
    (tmp_path / "b/config.json").write_text(json.dumps(config))
    mx.convert_model(tmp_path / "b", tmp_path / "c.gguf")
    before, after = metadata(tmp_path / "a.gguf"), metadata(tmp_path / "c.gguf")
    assert after.pop("llama.context_length")[1] == 512
    assert before.pop("llama.context_length")[1] == 128
    assert before == after
