"""Writes tests/data/families/*.json with transformers: what tiny models of each family answer.

    make_families.py [--check] [family ...]      # --check: compares and writes nothing

Each file holds config.json, names and shapes of the tensors as a checkpoint has them, some tokens,
and the logits (encoders: the rows after the last layer; classifiers, in tests/data/classifiers: the
numbers of the classes) in float32. The tensors' numbers follow
from their names (numbers below, tiny_models.h), so that the test needs no transformers.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent.parent / "data" / "families"
TOKENS = [3, 17, 42, 42, 5, 9, 60, 33, 2, 8, 25, 50]


def seed_of(name):
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = ((h ^ c) * 0x100000001B3) & (2**64 - 1)
    return h


def numbers(name, shape):
    """splitmix64 of the name's FNV hash: around 1 for norms' weights, else around 0."""
    n = int(np.prod(shape)) if shape else 1
    with np.errstate(over="ignore"):
        z = np.uint64(seed_of(name)) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)
    around = 1.0 if len(shape) == 1 and name.endswith("weight") else 0.0
    return (np.float32(around) + u * np.float32(0.25)).reshape(shape)


def as_bytes(name, shape):
    """The same for bytes: exponents near those of 1, or any codes."""
    u = (numbers(name, shape) + 0.25) * 2  # 0 .. 1
    low, count = (118, 6) if name.endswith("scales") else (0, 256)
    return (low + np.minimum((u * np.float32(count)).astype(np.int64), count - 1)).astype(np.uint8)


def pack_experts(shapes):
    """gpt-oss as it is published: codes of mxfp4 and their scales."""
    packed = {}
    for name, shape in shapes.items():
        if name.endswith("experts.gate_up_proj") or name.endswith("experts.down_proj"):
            experts, inner, outer = shape
            packed[name + "_blocks"] = [experts, outer, inner // 32, 16]
            packed[name + "_scales"] = [experts, outer, inner // 32]
        else:
            packed[name] = shape
    return packed


SMALL = dict(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
)

FAMILIES = {}


def family(name, config, encoder=False, **keys):
    key = f"{encoder}/{name}" if encoder == "classifiers" else name
    FAMILIES[key] = (config, encoder, {**SMALL, **keys})


family("llama", "LlamaConfig")
family(
    "llama_biases",
    "LlamaConfig",
    attention_bias=True,
    mlp_bias=True,
    head_dim=16,
    tie_word_embeddings=True,
)
family("mistral", "MistralConfig", sliding_window=5)
family("qwen2", "Qwen2Config", use_sliding_window=True, sliding_window=4, max_window_layers=1)
family("qwen3", "Qwen3Config", head_dim=8)
family("gemma2", "Gemma2Config", head_dim=8, sliding_window=4, query_pre_attn_scalar=16)
family(
    "gemma3",
    "Gemma3TextConfig",
    head_dim=8,
    sliding_window=4,
    query_pre_attn_scalar=16,
    num_hidden_layers=7,
)
family("phi3", "Phi3Config", pad_token_id=0)

# kinds of rotation
family("rope_linear", "LlamaConfig", former=True, rope_scaling=dict(rope_type="linear", factor=4.0))
family("rope_dynamic", "LlamaConfig", rope_scaling=dict(rope_type="dynamic", factor=4.0))
family(
    "rope_llama3",
    "LlamaConfig",
    rope_theta=1000.0,
    rope_scaling=dict(
        rope_type="llama3",
        factor=4.0,
        low_freq_factor=1.0,
        high_freq_factor=4.0,
        original_max_position_embeddings=16,
    ),
)
family(
    "rope_yarn",
    "LlamaConfig",
    head_dim=16,
    rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
)
family(
    "rope_yarn_mscale",
    "LlamaConfig",
    former=True,
    head_dim=16,
    rope_scaling=dict(
        rope_type="yarn",
        factor=4.0,
        original_max_position_embeddings=16,
        mscale=0.7,
        mscale_all_dim=1.2,
        beta_fast=16,
        beta_slow=2,
    ),
)
family(
    "rope_longrope",
    "Phi3Config",
    former=True,
    pad_token_id=0,
    max_position_embeddings=64,
    original_max_position_embeddings=32,
    rope_scaling=dict(
        rope_type="longrope", short_factor=[1.0, 1.5, 2.0, 3.0], long_factor=[2.0, 3.0, 4.0, 5.0]
    ),
)
family(
    "rope_longrope_far",
    "Phi3Config",
    pad_token_id=0,
    max_position_embeddings=64,
    original_max_position_embeddings=8,
    rope_scaling=dict(
        rope_type="longrope", short_factor=[1.0, 1.5, 2.0, 3.0], long_factor=[2.0, 3.0, 4.0, 5.0]
    ),
)
family("rope_partial", "Phi3Config", pad_token_id=0, partial_rotary_factor=0.5)
family(
    "rope_gemma3",
    "Gemma3TextConfig",
    head_dim=8,
    sliding_window=4,
    query_pre_attn_scalar=16,
    num_hidden_layers=6,
    rope_parameters=dict(
        full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1e6),
        sliding_attention=dict(rope_type="default", rope_theta=1e4),
    ),
)

# the others
family("mixtral", "MixtralConfig", num_local_experts=4, num_experts_per_tok=2)
family(
    "qwen3_moe",
    "Qwen3MoeConfig",
    num_experts=4,
    num_experts_per_tok=2,
    moe_intermediate_size=24,
    head_dim=8,
    norm_topk_prob=True,
    mlp_only_layers=[1],
    num_hidden_layers=3,
)
family(
    "qwen3_next",
    "Qwen3NextConfig",
    num_hidden_layers=4,
    head_dim=16,
    linear_num_key_heads=2,
    linear_num_value_heads=4,
    linear_key_head_dim=8,
    linear_value_head_dim=8,
    linear_conv_kernel_dim=4,
    num_experts=4,
    num_experts_per_tok=2,
    moe_intermediate_size=24,
    shared_expert_intermediate_size=40,
    partial_rotary_factor=0.25,
)
family("gemma", "GemmaConfig", head_dim=8)
family("smollm3", "SmolLM3Config", num_hidden_layers=4, no_rope_layer_interval=4, pad_token_id=0)
family("olmo2", "Olmo2Config")
family(
    "granite",
    "GraniteConfig",
    embedding_multiplier=3.0,
    residual_multiplier=0.5,
    attention_multiplier=0.3,
    logits_scaling=2.0,
)
family(
    "cohere2",
    "Cohere2Config",
    sliding_window=4,
    sliding_window_pattern=2,
    logit_scale=0.25,
    num_hidden_layers=4,
)
LATENT = dict(
    q_lora_rank=16,
    kv_lora_rank=12,
    qk_nope_head_dim=8,
    qk_rope_head_dim=4,
    v_head_dim=8,
    n_routed_experts=8,
    num_experts_per_tok=2,
    n_shared_experts=1,
    moe_intermediate_size=24,
    first_k_dense_replace=1,
    num_key_value_heads=4,
    num_hidden_layers=3,
)
family(
    "deepseek_v2_groups",
    "DeepseekV2Config",
    **LATENT
    | dict(
        topk_method="group_limited_greedy",
        n_group=4,
        topk_group=2,
        routed_scaling_factor=2.0,
        q_lora_rank=None,
        n_shared_experts=2,
        num_hidden_layers=2,
    ),
)
family(
    "deepseek_v3_yarn",
    "DeepseekV3Config",
    **LATENT
    | dict(
        rope_scaling=dict(
            rope_type="yarn",
            factor=4.0,
            original_max_position_embeddings=16,
            mscale=1.0,
            mscale_all_dim=1.0,
            beta_fast=32,
            beta_slow=1,
        ),
        qk_rope_head_dim=8,
        n_group=1,
        topk_group=1,
        num_hidden_layers=2,
    ),
)
family(
    "deepseek_v2",
    "DeepseekV2Config",
    **LATENT | dict(n_shared_experts=2),
)
family(
    "deepseek_v3_eps",  # which is not that of the norms of latent rows
    "DeepseekV3Config",
    **LATENT | dict(rms_norm_eps=0.01, n_group=1, topk_group=1, num_hidden_layers=2),
)
family(
    "deepseek_v3",
    "DeepseekV3Config",
    **LATENT | dict(n_group=4, topk_group=2),
)
family(
    "gpt_oss",
    "GptOssConfig",
    head_dim=8,
    num_local_experts=4,
    num_experts_per_tok=2,
    sliding_window=4,
)
family("glm4", "Glm4Config", head_dim=8, partial_rotary_factor=0.5, pad_token_id=0)
ROUTED = dict(
    n_routed_experts=8,
    num_experts_per_tok=2,
    n_shared_experts=1,
    moe_intermediate_size=24,
    first_k_dense_replace=1,
    num_hidden_layers=3,
)
family(
    "glm4_moe",
    "Glm4MoeConfig",
    head_dim=8,
    attention_bias=True,
    use_qk_norm=True,
    partial_rotary_factor=0.5,
    routed_scaling_factor=1.5,
    n_group=2,
    topk_group=1,
    **ROUTED,
)
family("dots1", "Dots1Config", head_dim=8, routed_scaling_factor=2.5, **ROUTED)
family(
    "olmo3",
    "Olmo3Config",
    num_hidden_layers=5,
    sliding_window=4,
    rope_parameters=dict(
        sliding_attention=dict(rope_type="default", rope_theta=500000.0),
        full_attention=dict(
            rope_type="yarn",
            rope_theta=500000.0,
            factor=8.0,
            original_max_position_embeddings=16,
            beta_fast=32.0,
            beta_slow=1.0,
        ),
    ),
)
family("exaone4", "Exaone4Config", num_hidden_layers=5, sliding_window=4, sliding_window_pattern=4)
family(
    "exaone4_all",
    "Exaone4Config",
    sliding_window=None,
    layer_types=["full_attention"] * 2,
    rope_parameters=dict(
        rope_type="llama3",
        rope_theta=1000000.0,
        factor=16.0,
        low_freq_factor=1.0,
        high_freq_factor=4.0,
        original_max_position_embeddings=8192,
    ),
)
family("ernie4_5", "Ernie4_5Config", head_dim=16)
family("ernie4_5_biases", "Ernie4_5Config", head_dim=8, use_bias=True, tie_word_embeddings=False)
family("seed_oss", "SeedOssConfig", head_dim=16, attention_out_bias=False)
family(
    "qwen2_moe",
    "Qwen2MoeConfig",
    num_experts=4,
    num_experts_per_tok=2,
    moe_intermediate_size=24,
    shared_expert_intermediate_size=40,
    mlp_only_layers=[1],
    num_hidden_layers=3,
)
family("gemma_relu", "GemmaConfig", head_dim=8, hidden_act="relu")
family("starcoder2", "Starcoder2Config")
family("gpt2", "GPT2Config", num_key_value_heads=..., intermediate_size=...)
family(
    "mamba2",
    "Mamba2Config",
    num_key_value_heads=...,
    num_attention_heads=...,
    intermediate_size=...,
    max_position_embeddings=...,
    num_heads=8,
    head_dim=8,
    state_size=16,
    n_groups=2,
    hidden_size=32,
    expand=2,
    conv_kernel=4,
)
family(
    "lfm2",
    "Lfm2Config",
    num_hidden_layers=4,
    layer_types=["conv", "full_attention", "conv", "full_attention"],
)
family(
    "lfm2_biases",
    "Lfm2Config",
    conv_bias=True,
    num_hidden_layers=2,
    layer_types=["conv", "full_attention"],
)
family("bert", "BertConfig", True, num_key_value_heads=...)
family("roberta", "RobertaConfig", True, num_key_value_heads=..., max_position_embeddings=66)
family("nomic_bert", "NomicBertConfig", True, num_key_value_heads=...)
family(
    "modernbert",
    "ModernBertConfig",
    True,
    num_key_value_heads=...,
    num_hidden_layers=4,
    global_attn_every_n_layers=3,
    local_attention=8,
    pad_token_id=0,
)

family(
    "gpt_oss_mxfp4",
    "GptOssConfig",
    packed=True,
    head_dim=8,
    intermediate_size=32,
    num_local_experts=4,
    num_experts_per_tok=2,
    sliding_window=4,
)


# classifiers: what they say of a pair of texts
PAIR = dict(num_key_value_heads=..., types=[0] * 5 + [1] * 7)
family("bert", "BertConfig", "classifiers", num_labels=1, **PAIR)
family(
    "xlm_roberta",
    "XLMRobertaConfig",
    "classifiers",
    num_labels=3,
    num_key_value_heads=...,
    max_position_embeddings=66,
)
for pooling in ("cls", "mean"):
    family(
        "modernbert_" + pooling,
        "ModernBertConfig",
        "classifiers",
        num_labels=2,
        num_key_value_heads=...,
        pad_token_id=0,
        classifier_pooling=pooling,
    )


def kind_of(encoder):
    if encoder == "classifiers":
        return transformers.AutoModelForSequenceClassification
    return transformers.AutoModel if encoder else transformers.AutoModelForCausalLM


def rows_of(encoder, out):
    if encoder == "classifiers":
        return out.logits.numpy()
    return (out.last_hidden_state if encoder else out.logits)[0].numpy()


def make(key):
    config_class, encoder, keys = FAMILIES[key]
    name = key.split("/")[-1]
    folder_of = FOLDER.parent / "classifiers" if encoder == "classifiers" else FOLDER
    keys = {k: v for k, v in keys.items() if v is not Ellipsis}
    types = keys.pop("types", None)
    former, packed = keys.pop("former", False), keys.pop("packed", False)
    config = getattr(transformers, config_class)(**keys)
    kind = kind_of(encoder)
    folder = Path(tempfile.mkdtemp())
    torch.manual_seed(0)
    kind.from_config(config).save_pretrained(folder)
    shapes = {}
    with safe_open(folder / "model.safetensors", "pt") as f:
        for key in f.keys():
            shapes[key] = list(f.get_slice(key).get_shape())
    more = {}
    if packed:
        shapes = pack_experts(shapes)
        text = json.loads((folder / "config.json").read_text())
        text["quantization_config"] = {"quant_method": "mxfp4"}
        (folder / "config.json").write_text(json.dumps(text))
        more["quantization_config"] = transformers.Mxfp4Config(dequantize=True)
    kinds = {k: as_bytes if k.endswith(("_blocks", "_scales")) else numbers for k in shapes}
    tensors = {k: torch.from_numpy(kinds[k](k, s).copy()) for k, s in shapes.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    more |= dict(dtype=torch.float32, attn_implementation="eager")
    model = kind.from_pretrained(folder, **more).float().eval()
    with torch.no_grad():
        pair = dict(token_type_ids=torch.tensor([types])) if types else {}
        out = model(torch.tensor([TOKENS]), **pair)
    rows = rows_of(encoder, out)
    text = json.loads((folder / "config.json").read_text())
    for key in ("transformers_version", "dtype", "_name_or_path"):
        text.pop(key, None)
    shutil.rmtree(folder)
    if former:  # config.json as version 4 wrote it
        turns = text.pop("rope_parameters")
        text["rope_theta"] = turns.pop("rope_theta")
        text["rope_scaling"] = turns
    document = {
        "config": text,
        "tensors": shapes,
        "tokens": TOKENS,
        "rows": [[float(f"{v:.7g}") for v in row] for row in rows],
    }
    if types:
        document["types"] = types
    if CHECK:
        former = json.loads((folder_of / f"{name}.json").read_text())
        far = np.abs(np.array(former["rows"]) - rows).max()
        print(name, "differs by", far)
        return former["tensors"] == shapes and far < 1e-4
    folder_of.mkdir(exist_ok=True)
    (folder_of / f"{name}.json").write_text(json.dumps(document) + "\n")
    print(name, rows.shape, "largest", float(np.abs(rows).max()))
    return True


CHECK = "--check" in sys.argv
WANTED = [a for a in sys.argv[1:] if a != "--check"] or FAMILIES
sys.exit(not all([make(name) for name in WANTED]))
