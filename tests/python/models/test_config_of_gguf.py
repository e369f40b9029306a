"""config.json that mx.convert_model makes of GGUF files, as transformers reads it."""

import json
from pathlib import Path

import mlx.core as mx
import pytest
from family_folders import tiny_of, without_files

# What transformers takes where config.json says nothing, but for None and False.
SAID = {
    "attention_bias": {"seed_oss": True, "gpt_oss": True},
    "mlp_bias": {},
    "use_bias": {"starcoder2": True},
    "use_conv_bias": {"mamba2": True},
    "conv_bias": {},
    "qkv_bias": {"qwen2_moe": True},
    "use_qk_norm": {},
    "tie_word_embeddings": {},
    "q_lora_rank": {"deepseek_v2": 1536, "deepseek_v3": 1536},
    "norm_topk_prob": {"deepseek_v3": True, "glm4_moe": True},
    "routed_scaling_factor": {
        "deepseek_v2": 1.0,
        "deepseek_v3": 2.5,
        "glm4_moe": 1.0,
        "dots1": 1.0,
    },
    "first_k_dense_replace": {"deepseek_v3": 3, "glm4_moe": 1},
    "sliding_window": dict.fromkeys(
        ["mistral", "gemma2", "gemma3_text", "olmo3", "exaone4", "cohere2"], 4096
    ),
    "attn_logit_softcapping": {"gemma2": 50.0},
    "final_logit_softcapping": {"gemma2": 30.0},
}


def fixtures():
    folder = Path(__file__).resolve().parents[2] / "data" / "families"
    left_out = ("bert", "gpt_oss", "nomic", "modernbert")  # encoders, stacks of blocks
    names = sorted(f.stem for f in folder.glob("*.json"))
    return [n for n in names if not n.endswith("berta") and not n.startswith(left_out)]


@pytest.mark.parametrize("family", fixtures())
def test_config_of_gguf_says_what_is_not_usual(tmp_path, family):
    folder = tiny_of(family, tmp_path / "a")
    want = json.loads((folder / "config.json").read_text())
    try:
        mx.convert_model(folder, tmp_path / "a.gguf")
        without_files(tmp_path / "a.gguf", tmp_path / "b.gguf")
        mx.convert_model(tmp_path / "b.gguf", tmp_path / "hf", format="hf")
    except RuntimeError as e:
        assert "no key" in str(e) or "no name" in str(e)
        pytest.skip("GGUF has no keys for it")
    found = json.loads((tmp_path / "hf" / "config.json").read_text())
    if set(want.get("layer_types", [])) == {"full_attention"}:
        want.pop("sliding_window", None)
    for key, usual in SAID.items():
        if key in want:
            other = usual.get(want["model_type"])
            assert (found.get(key, other) or None) == (want[key] or None), key


def test_config_of_gguf_without_keys(tmp_path):
    """Files that say no window, no caps, no groups: there are none, or those of all such models."""
    for family, gone, want in (
        ("cohere2", "cohere2.attention.sliding_window", {"sliding_window": None}),
        ("gemma2", "gemma2.attn_logit_softcapping", {"attn_logit_softcapping": 50.0}),
        ("deepseek_v3", "deepseek2.expert_group_count", {"n_group": 1}),
        ("deepseek_v3", "deepseek2.expert_weights_norm", {"norm_topk_prob": True}),
        ("dots1", "dots1.expert_weights_norm", {"norm_topk_prob": False}),
    ):
        top = tmp_path / gone
        top.mkdir()
        folder = tiny_of(family, top / "a")
        config = json.loads((folder / "config.json").read_text())
        config |= {"query_pre_attn_scalar": 8} if family == "gemma2" else {}
        config.pop("layer_types", None)
        config |= {"sliding_window_pattern": 4} if family == "cohere2" else {}
        (folder / "config.json").write_text(json.dumps(config))
        mx.convert_model(folder, top / "a.gguf")
        without_files(top / "a.gguf", top / "b.gguf", gone)
        mx.convert_model(top / "b.gguf", top / "hf", format="hf")
        found = json.loads((top / "hf" / "config.json").read_text())
        assert {k: found.get(k, "nothing") for k in want} == want
