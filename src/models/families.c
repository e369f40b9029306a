/* The table of families. Names are those of Hugging Face's checkpoints, of the gguf package and
 * of mlx-lm's models. */
#include "models/family.h"

#define TENSORS(...)                 \
    (const mx_tensor_row *const[]) { \
        __VA_ARGS__, NULL            \
    }
#define KEYS(...)                 \
    (const mx_key_row *const[]) { \
        __VA_ARGS__, NULL         \
    }

/* --- tensors of decoders --------------------------------------------------------------------- */

static const mx_tensor_row ends[] = {
    {"token_embd", "model.embed_tokens", NULL, "v h", MX_ROW_TABLE},
    {"output_norm", "model.norm", NULL, "h", MX_ROW_NORM},
    {"output", "lm_head", NULL, "v h", MX_ROW_TIED},
    {0},
};
/* What rope_scaling says, as factors of frequencies. */
static const mx_tensor_row rope_freqs[] = {{"rope_freqs", NULL, NULL, "d/2", MX_ROW_ROPE}, {0}};
static const mx_tensor_row rope_factors[] = {
    {"rope_factors_long", NULL, NULL, "", MX_ROW_ROPE},
    {"rope_factors_short", NULL, NULL, "", MX_ROW_ROPE},
    {0},
};
static const mx_tensor_row attention[] = {
    {"blk.{n}.attn_q", "model.layers.{n}.self_attn.q_proj", NULL, "a*d h",
     MX_ROW_QUERY | MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_k", "model.layers.{n}.self_attn.k_proj", NULL, "k*d h",
     MX_ROW_KEY | MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_v", "model.layers.{n}.self_attn.v_proj", NULL, "k*d h", MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_output", "model.layers.{n}.self_attn.o_proj", NULL, "h a*d", MX_ROW_MAY_BIAS},
    {NULL, "model.layers.{n}.self_attn.rotary_emb.inv_freq", NULL, "", MX_ROW_LEFT_OUT},
    {0},
};
/* Norms of queries and keys. */
static const mx_tensor_row head_norms[] = {
    {"blk.{n}.attn_q_norm", "model.layers.{n}.self_attn.q_norm", NULL, "d", MX_ROW_NORM},
    {"blk.{n}.attn_k_norm", "model.layers.{n}.self_attn.k_norm", NULL, "d", MX_ROW_NORM},
    {0},
};
/* Attention and what follows have one before them; */
static const mx_tensor_row two_norms[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.ffn_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h", MX_ROW_NORM},
    {0},
};
/* or one behind them too. */
static const mx_tensor_row four_norms[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.post_attention_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h",
     MX_ROW_NORM},
    {"blk.{n}.ffn_norm", "model.layers.{n}.pre_feedforward_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.post_ffw_norm", "model.layers.{n}.post_feedforward_layernorm", NULL, "h",
     MX_ROW_NORM},
    {0},
};
static const mx_tensor_row gated[] = {
    {"blk.{n}.ffn_gate", "model.layers.{n}.mlp.gate_proj", NULL, "f h", MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_up", "model.layers.{n}.mlp.up_proj", NULL, "f h", MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_down", "model.layers.{n}.mlp.down_proj", NULL, "h f", MX_ROW_MAY_BIAS},
    {0},
};
/* The same with matrices in one: queries, keys, values; gate and up. */
static const mx_tensor_row fused[] = {
    {"blk.{n}.attn_qkv", "model.layers.{n}.self_attn.qkv_proj", NULL, "a*d+2*k*d h", 0},
    {"blk.{n}.attn_output", "model.layers.{n}.self_attn.o_proj", NULL, "h a*d", 0},
    {"blk.{n}.ffn_up", "model.layers.{n}.mlp.gate_up_proj", NULL, "2*f h", 0},
    {"blk.{n}.ffn_down", "model.layers.{n}.mlp.down_proj", NULL, "h f", 0},
    {NULL, "model.layers.{n}.self_attn.rotary_emb.inv_freq", NULL, "", MX_ROW_LEFT_OUT},
    {0},
};
static const mx_tensor_row experts[] = {
    {"blk.{n}.ffn_gate_inp", "model.layers.{n}.block_sparse_moe.gate", NULL, "e h", MX_ROW_PLAIN},
    {"blk.{n}.ffn_gate_exps", "model.layers.{n}.block_sparse_moe.experts.{e}.w1",
     "model.layers.{n}.block_sparse_moe.switch_mlp.gate_proj", "f h", 0},
    {"blk.{n}.ffn_down_exps", "model.layers.{n}.block_sparse_moe.experts.{e}.w2",
     "model.layers.{n}.block_sparse_moe.switch_mlp.down_proj", "h f", 0},
    {"blk.{n}.ffn_up_exps", "model.layers.{n}.block_sparse_moe.experts.{e}.w3",
     "model.layers.{n}.block_sparse_moe.switch_mlp.up_proj", "f h", 0},
    {0},
};

/* --- tensors of bert ------------------------------------------------------------------------- */

enum { NORM_AND_BIAS = MX_ROW_NORM | MX_ROW_BIAS };
static const mx_tensor_row bert[] = {
    {"token_embd", "embeddings.word_embeddings", NULL, "v h", MX_ROW_TABLE},
    {"token_types", "embeddings.token_type_embeddings", NULL, "t h", MX_ROW_TABLE | MX_ROW_PLAIN},
    {"position_embd", "embeddings.position_embeddings", NULL, "c h", MX_ROW_TABLE | MX_ROW_PLAIN},
    {"token_embd_norm", "embeddings.LayerNorm", NULL, "h", NORM_AND_BIAS},
    {"blk.{n}.attn_q", "encoder.layer.{n}.attention.self.query", NULL, "h h", MX_ROW_BIAS},
    {"blk.{n}.attn_k", "encoder.layer.{n}.attention.self.key", NULL, "h h", MX_ROW_BIAS},
    {"blk.{n}.attn_v", "encoder.layer.{n}.attention.self.value", NULL, "h h", MX_ROW_BIAS},
    {"blk.{n}.attn_output", "encoder.layer.{n}.attention.output.dense", NULL, "h h", MX_ROW_BIAS},
    {"blk.{n}.attn_output_norm", "encoder.layer.{n}.attention.output.LayerNorm", NULL, "h",
     NORM_AND_BIAS},
    {"blk.{n}.ffn_up", "encoder.layer.{n}.intermediate.dense", NULL, "f h", MX_ROW_BIAS},
    {"blk.{n}.ffn_down", "encoder.layer.{n}.output.dense", NULL, "h f", MX_ROW_BIAS},
    {"blk.{n}.layer_output_norm", "encoder.layer.{n}.output.LayerNorm", NULL, "h", NORM_AND_BIAS},
    {NULL, "embeddings.position_ids", NULL, "", MX_ROW_LEFT_OUT},
    {NULL, "pooler.dense", NULL, "h h", MX_ROW_LEFT_OUT},
    {0},
};

/* --- keys ------------------------------------------------------------------------------------ */

static const mx_key_row sizes[] = {
    {"hidden_size", "embedding_length", MX_KEY_U32, 'h', NULL, NULL},
    {"num_hidden_layers", "block_count", MX_KEY_U32, 'l', NULL, NULL},
    {"intermediate_size", "feed_forward_length", MX_KEY_U32, 'f', NULL, NULL},
    {"num_attention_heads", "attention.head_count", MX_KEY_U32, 'a', NULL, NULL},
    {"max_position_embeddings", "context_length", MX_KEY_U32, 'c', NULL, NULL},
    {"vocab_size", "vocab_size", MX_KEY_U32, 'v', NULL, NULL},
    {0},
};
/* config.json says "rope_theta" and "rope_scaling", since version 5 of transformers in one. */
static const mx_key_row decoder[] = {
    {"num_key_value_heads", "attention.head_count_kv", MX_KEY_U32, 'k', "=a", NULL},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", MX_KEY_F32, 0, NULL, NULL},
    {"rope_theta|rope_parameters.rope_theta|rope_parameters.full_attention.rope_theta",
     "rope.freq_base", MX_KEY_F32, 0, "10000.0", NULL},
    {0},
};
static const mx_key_row silu[] = {{"hidden_act", NULL, MX_KEY_TEXT, 0, "\"silu\"", NULL}, {0}};
/* The size of a head follows from the hidden size, or has a key. */
static const mx_key_row derived_head[] = {
    {"head_dim", NULL, MX_KEY_U32, 'd', "=h/a", NULL},
    {NULL, "rope.dimension_count", MX_KEY_U32, 0, "=d", NULL},
    {0},
};
static const mx_key_row own_head[] = {
    {"head_dim", "attention.key_length", MX_KEY_U32, 'd', "=h/a", NULL},
    {NULL, "attention.value_length", MX_KEY_U32, 0, "=d", NULL},
    {0},
};
static const mx_key_row llama_head[] = {
    {"head_dim", "attention.key_length", MX_KEY_U32, 'd', "=h/a", NULL},
    {NULL, "attention.value_length", MX_KEY_U32, 0, "=d", NULL},
    {NULL, "rope.dimension_count", MX_KEY_U32, 0, "=d", NULL},
    {0},
};
static const mx_key_row window[] = {
    {"sliding_window", "attention.sliding_window", MX_KEY_U32, 0, NULL, NULL},
    {0},
};
static const mx_key_row mixture[] = {
    {"num_local_experts", "expert_count", MX_KEY_U32, 'e', NULL, NULL},
    {"num_experts_per_tok", "expert_used_count", MX_KEY_U32, 0, NULL, NULL},
    {0},
};
/* Scores are divided by the root of query_pre_attn_scalar: the size of a head, but in the models of
   27 billion. */
static const mx_key_row gemma2[] = {
    {"attn_logit_softcapping", "attn_logit_softcapping", MX_KEY_F32, 0, NULL, NULL},
    {"final_logit_softcapping", "final_logit_softcapping", MX_KEY_F32, 0, NULL, NULL},
    {"query_pre_attn_scalar", NULL, MX_KEY_U32, 0, "=h/a", "l=46"},
    {"query_pre_attn_scalar", NULL, MX_KEY_U32, 0, "=d", NULL},
    {"hidden_activation", NULL, MX_KEY_TEXT, 0, "\"gelu_pytorch_tanh\"", NULL},
    {0},
};
static const mx_key_row gemma3[] = {
    {"query_pre_attn_scalar", NULL, MX_KEY_U32, 0, "=h/a", "l=62"},
    {"query_pre_attn_scalar", NULL, MX_KEY_U32, 0, "=d", NULL},
    {"hidden_activation", NULL, MX_KEY_TEXT, 0, "\"gelu_pytorch_tanh\"", NULL},
    {"rope_local_base_freq|rope_parameters.sliding_attention.rope_theta", NULL, MX_KEY_F32, 0,
     "10000.0", NULL},
    {"sliding_window_pattern|_sliding_window_pattern", NULL, MX_KEY_U32, 0, "6", NULL},
    {0},
};
static const mx_key_row phi3[] = {
    {"original_max_position_embeddings", "rope.scaling.original_context_length", MX_KEY_U32, 0,
     "=c", NULL},
    {0},
};
static const mx_key_row bert_keys[] = {
    {"layer_norm_eps", "attention.layer_norm_epsilon", MX_KEY_F32, 0, "1e-12", NULL},
    {"type_vocab_size", NULL, MX_KEY_U32, 't', "2", NULL},
    {"hidden_act", NULL, MX_KEY_TEXT, 0, "\"gelu\"", NULL},
    {NULL, "attention.causal", MX_KEY_BOOL, 0, "false", NULL},
    {0},
};

/* --- the families ---------------------------------------------------------------------------- */

#define LLAMA_KEYS sizes, decoder, llama_head, silu

const mx_family mx_families[] = {
    {
        .name = "llama",
        .arch = "llama",
        .model_type = "llama",
        .architecture = "LlamaForCausalLM",
        .tensors = TENSORS(ends, rope_freqs, two_norms, attention, gated),
        .keys = KEYS(LLAMA_KEYS),
        .interleaves = true,
    },
    {
        .name = "mistral",
        .arch = "llama",
        .has_key = "attention.sliding_window",
        .model_type = "mistral",
        .architecture = "MistralForCausalLM",
        .tensors = TENSORS(ends, two_norms, attention, gated),
        .keys = KEYS(LLAMA_KEYS, window),
        .interleaves = true,
    },
    {
        .name = "mixtral",
        .arch = "llama",
        .has_key = "expert_count",
        .model_type = "mixtral",
        .architecture = "MixtralForCausalLM",
        .tensors = TENSORS(ends, two_norms, attention, experts),
        .keys = KEYS(LLAMA_KEYS, window, mixture),
        .interleaves = true,
    },
    {
        .name = "qwen2",
        .arch = "qwen2",
        .model_type = "qwen2",
        .architecture = "Qwen2ForCausalLM",
        .tensors = TENSORS(ends, two_norms, attention, gated),
        .keys = KEYS(sizes, decoder, derived_head, silu),
    },
    {
        .name = "qwen3",
        .arch = "qwen3",
        .model_type = "qwen3",
        .architecture = "Qwen3ForCausalLM",
        .tensors = TENSORS(ends, two_norms, attention, head_norms, gated),
        .keys = KEYS(sizes, decoder, own_head, silu),
    },
    {
        .name = "gemma2",
        .arch = "gemma2",
        .model_type = "gemma2",
        .architecture = "Gemma2ForCausalLM",
        .tensors = TENSORS(ends, four_norms, attention, gated),
        .keys = KEYS(sizes, decoder, own_head, window, gemma2),
        .adds_one = true,
        .ties = true,
    },
    {
        .name = "gemma3",
        .arch = "gemma3",
        .model_type = "gemma3_text",
        .architecture = "Gemma3ForCausalLM",
        .tensors = TENSORS(ends, four_norms, attention, head_norms, gated),
        .keys = KEYS(sizes, decoder, own_head, window, gemma3),
        .adds_one = true,
        .ties = true,
    },
    {
        .name = "phi3",
        .arch = "phi3",
        .model_type = "phi3",
        .architecture = "Phi3ForCausalLM",
        .tensors = TENSORS(ends, rope_factors, two_norms, fused),
        .keys = KEYS(sizes, decoder, derived_head, window, phi3, silu),
    },
    {
        .name = "bert",
        .arch = "bert",
        .model_type = "bert",
        .architecture = "BertModel",
        .tensors = TENSORS(bert),
        .keys = KEYS(sizes, bert_keys),
        .ties = true,
        .prefix = "bert.",
    },
};
const size_t mx_family_count = sizeof mx_families / sizeof *mx_families;
