/* Rows of keys: see family_rows.h. */
#include "models/family_rows.h"

/* --- keys ------------------------------------------------------------------------------------ */

const mx_key_row fam_sizes[] = {
    {"hidden_size", "embedding_length", MX_KEY_U32, 'h', NULL, NULL},
    {"num_hidden_layers", "block_count", MX_KEY_U32, 'l', NULL, NULL},
    {"intermediate_size", "feed_forward_length", MX_KEY_U32, 'f', NULL, NULL},
    {"num_attention_heads", "attention.head_count", MX_KEY_U32, 'a', NULL, NULL},
    {"max_position_embeddings", "context_length", MX_KEY_U32, 'c', NULL, NULL},
    {"vocab_size", "vocab_size", MX_KEY_U32, 'v', NULL, NULL},
    {0},
};
/* config.json says "rope_theta" and "rope_scaling", since version 5 of transformers in one. */
const mx_key_row fam_decoder_keys[] = {
    {"num_key_value_heads", "attention.head_count_kv", MX_KEY_U32, 'k', "=a", NULL},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", MX_KEY_F32, 0, NULL, NULL},
    {"rope_theta|rope_parameters.rope_theta|rope_parameters.full_attention.rope_theta",
     "rope.freq_base", MX_KEY_F32, 0, "10000.0", NULL},
    {0},
};
const mx_key_row fam_silu[] = {{"hidden_act", NULL, MX_KEY_TEXT, 0, "\"silu\"", NULL}, {0}};
/* The size of a head follows from the hidden size, or has a key. */
const mx_key_row fam_derived_head[] = {
    {"head_dim", NULL, MX_KEY_U32, 'd', "=h/a", NULL},
    {NULL, "rope.dimension_count", MX_KEY_U32, 0, "=d", NULL},
    {0},
};
const mx_key_row fam_own_head[] = {
    {"head_dim", "attention.key_length", MX_KEY_U32, 'd', "=h/a", NULL},
    {NULL, "attention.value_length", MX_KEY_U32, 0, "=d", NULL},
    {0},
};
const mx_key_row fam_llama_head[] = {
    {"head_dim", "attention.key_length", MX_KEY_U32, 'd', "=h/a", NULL},
    {NULL, "attention.value_length", MX_KEY_U32, 0, "=d", NULL},
    {NULL, "rope.dimension_count", MX_KEY_U32, 0, "=d", NULL},
    {0},
};
const mx_key_row fam_window[] = {
    {"sliding_window", "attention.sliding_window", MX_KEY_U32, 0, "null", NULL},
    {0},
};
const mx_key_row fam_mixture_keys[] = {
    {"num_local_experts", "expert_count", MX_KEY_U32, 'e', NULL, NULL},
    {"num_experts_per_tok", "expert_used_count", MX_KEY_U32, 0, NULL, NULL},
    {0},
};
/* Scores are divided by the root of query_pre_attn_scalar: the size of a head, but in the models of
   27 billion. */
const mx_key_row fam_gemma2_keys[] = {
    {"attn_logit_softcapping", "attn_logit_softcapping", MX_KEY_F32, 0, NULL, NULL},
    {"final_logit_softcapping", "final_logit_softcapping", MX_KEY_F32, 0, NULL, NULL},
    {"query_pre_attn_scalar", NULL, MX_KEY_U32, 0, "=h/a", "l=46"},
    {"query_pre_attn_scalar", NULL, MX_KEY_U32, 0, "=d", NULL},
    {"hidden_activation", NULL, MX_KEY_TEXT, 0, "\"gelu_pytorch_tanh\"", NULL},
    {0},
};
const mx_key_row fam_gemma3_keys[] = {
    {"query_pre_attn_scalar", NULL, MX_KEY_U32, 0, "=h/a", "l=62"},
    {"query_pre_attn_scalar", NULL, MX_KEY_U32, 0, "=d", NULL},
    {"hidden_activation", NULL, MX_KEY_TEXT, 0, "\"gelu_pytorch_tanh\"", NULL},
    {"rope_local_base_freq|rope_parameters.sliding_attention.rope_theta", NULL, MX_KEY_F32, 0,
     "10000.0", NULL},
    {"sliding_window_pattern|_sliding_window_pattern", NULL, MX_KEY_U32, 0, "6", NULL},
    {0},
};
const mx_key_row fam_phi3_keys[] = {
    {"original_max_position_embeddings", "rope.scaling.original_context_length", MX_KEY_U32, 0,
     "=c", NULL},
    {0},
};
const mx_key_row fam_bert_keys[] = {
    {"layer_norm_eps", "attention.layer_norm_epsilon", MX_KEY_F32, 0, "1e-12", NULL},
    {"type_vocab_size", NULL, MX_KEY_U32, 't', "2", NULL},
    {"hidden_act", NULL, MX_KEY_TEXT, 0, "\"gelu\"", NULL},
    {NULL, "attention.causal", MX_KEY_BOOL, 0, "false", NULL},
    {0},
};

/* --- more keys ------------------------------------------------------------------------------- */

/* GGUF has no key for windows of some layers. */
const mx_key_row fam_no_window[] = {
    {"use_sliding_window", NULL, MX_KEY_BOOL, 0, "false", NULL},
    {0},
};
/* Without the rms of norms. */
const mx_key_row fam_grouped_keys[] = {
    {"num_key_value_heads", "attention.head_count_kv", MX_KEY_U32, 'k', "=a", NULL},
    {"rope_theta|rope_parameters.rope_theta", "rope.freq_base", MX_KEY_F32, 0, "10000.0", NULL},
    {0},
};
const mx_key_row fam_sparse_keys[] = {
    {"num_experts|num_local_experts", "expert_count", MX_KEY_U32, 'e', NULL, NULL},
    {"num_experts_per_tok", "expert_used_count", MX_KEY_U32, 0, NULL, NULL},
    {"moe_intermediate_size", "expert_feed_forward_length", MX_KEY_U32, 'i', NULL, NULL},
    {0},
};
const mx_key_row fam_qwen3_moe_keys[] = {
    {"norm_topk_prob", NULL, MX_KEY_BOOL, 0, "true", NULL},
    {"mlp_only_layers", NULL, MX_KEY_BOOL, 0, "[]", NULL},
    {"decoder_sparse_step", NULL, MX_KEY_U32, 0, "1", NULL},
    {0},
};
const mx_key_row fam_qwen2_moe_keys[] = {
    {"shared_expert_intermediate_size", "expert_shared_feed_forward_length", MX_KEY_U32, 's', NULL,
     NULL},
    {"norm_topk_prob", NULL, MX_KEY_BOOL, 0, "false", NULL},
    {"mlp_only_layers", NULL, MX_KEY_BOOL, 0, "[]", NULL},
    {"decoder_sparse_step", NULL, MX_KEY_U32, 0, "1", NULL},
    {0},
};
const mx_key_row fam_qwen3_next_keys[] = {
    {"shared_expert_intermediate_size", "expert_shared_feed_forward_length", MX_KEY_U32, 's', NULL,
     NULL},
    {"linear_num_key_heads", "ssm.group_count", MX_KEY_U32, 'g', NULL, NULL},
    {"linear_num_value_heads", "ssm.time_step_rank", MX_KEY_U32, 'u', NULL, NULL},
    {"linear_key_head_dim", "ssm.state_size", MX_KEY_U32, 'x', NULL, NULL},
    {"linear_value_head_dim", NULL, MX_KEY_U32, 'y', "=x", NULL}, // but see particular.c
    {NULL, "ssm.inner_size", MX_KEY_U32, 0, "=u*y", NULL},
    {"linear_conv_kernel_dim", "ssm.conv_kernel", MX_KEY_U32, 'z', "4", NULL},
    {"full_attention_interval", "full_attention_interval", MX_KEY_U32, 0, "4", NULL},
    {NULL, "rope.dimension_count", MX_KEY_U32, 0, "=d", NULL},
    {0},
};
const mx_key_row fam_gemma_keys[] = {
    {"hidden_activation", NULL, MX_KEY_TEXT, 0, "\"gelu_pytorch_tanh\"", NULL},
    {0},
};
/* Each fourth layer does not rotate. */
const mx_key_row fam_smollm3_keys[] = {
    {"no_rope_layer_interval", NULL, MX_KEY_U32, 0, "4", NULL},
    {0},
};
const mx_key_row fam_granite_keys[] = {
    {"attention_multiplier", "attention.scale", MX_KEY_F32, 0, "1.0", NULL},
    {"embedding_multiplier", "embedding_scale", MX_KEY_F32, 0, "1.0", NULL},
    {"residual_multiplier", "residual_scale", MX_KEY_F32, 0, "1.0", NULL},
    {"logits_scaling", "logit_scale", MX_KEY_F32, 0, "1.0", NULL},
    {0},
};
const mx_key_row fam_cohere2_keys[] = {
    {"layer_norm_eps", "attention.layer_norm_epsilon", MX_KEY_F32, 0, "1e-05", NULL},
    {"logit_scale", "logit_scale", MX_KEY_F32, 0, "0.0625", NULL},
    {"sliding_window_pattern|_sliding_window_pattern", NULL, MX_KEY_U32, 0, "4", NULL},
    {NULL, "rope.dimension_count", MX_KEY_U32, 0, "=d", NULL},
    {0},
};
/* Before those of all routers. */
const mx_key_row fam_unscaled_keys[] = {
    {"norm_topk_prob", "expert_weights_norm", MX_KEY_BOOL, 0, "false", NULL},
    {0},
};
const mx_key_row fam_routed_keys[] = {
    {"n_routed_experts", "expert_count", MX_KEY_U32, 'e', "0", NULL},
    {"num_experts_per_tok", "expert_used_count", MX_KEY_U32, 0, NULL, NULL},
    {"moe_intermediate_size", "expert_feed_forward_length", MX_KEY_U32, 'i', "0", NULL},
    {"n_shared_experts", "expert_shared_count", MX_KEY_U32, 'n', "0", NULL},
    {"routed_scaling_factor", "expert_weights_scale", MX_KEY_F32, 0, "1.0", NULL},
    {"norm_topk_prob", "expert_weights_norm", MX_KEY_BOOL, 0, "true", NULL},
    {"n_group", "expert_group_count", MX_KEY_U32, 0, "1", NULL},
    {"topk_group", "expert_group_used_count", MX_KEY_U32, 0, "1", NULL},
    {"first_k_dense_replace", "leading_dense_block_count", MX_KEY_U32, 0, NULL, NULL},
    {0},
};
/* Sigmoids of scores, one group of experts. */
const mx_key_row fam_sigmoid_keys[] = {
    {NULL, "expert_gating_func", MX_KEY_U32, 0, "2", NULL},
    {0},
};
const mx_key_row fam_deepseek_keys[] = {
    {"q_lora_rank", "attention.q_lora_rank", MX_KEY_U32, 0, "null", NULL},
    {"kv_lora_rank", "attention.kv_lora_rank", MX_KEY_U32, 'r', NULL, NULL},
    {"qk_rope_head_dim", "rope.dimension_count", MX_KEY_U32, 'p', NULL, NULL},
    // where keys are latent rows, their own length is another
    {"qk_head_dim", "attention.key_length_mla", MX_KEY_U32, 0, NULL, NULL},
    {"qk_head_dim", "attention.key_length", MX_KEY_U32, 'q', "=o+p", NULL},
    {"qk_nope_head_dim", NULL, MX_KEY_U32, 'o', "=q-p", NULL},
    {"v_head_dim", "attention.value_length_mla", MX_KEY_U32, 0, NULL, NULL},
    {"v_head_dim", "attention.value_length", MX_KEY_U32, 'w', NULL, NULL},
    {0},
};
const mx_key_row fam_gpt_oss_keys[] = {
    {NULL, "expert_feed_forward_length", MX_KEY_U32, 0, "=f", NULL},
    {"swiglu_limit", NULL, MX_KEY_F32, 0, "7.0", NULL},
    {"swiglu_alpha", NULL, MX_KEY_F32, 0, "1.702", NULL},
    {"num_local_experts|num_experts", "expert_count", MX_KEY_U32, 'e', NULL, NULL},
    {"num_experts_per_tok", "expert_used_count", MX_KEY_U32, 0, NULL, NULL},
    {0},
};
/* Half of a head is rotated. */
const mx_key_row fam_glm4_keys[] = {
    {"partial_rotary_factor|rope_parameters.partial_rotary_factor", NULL, MX_KEY_F32, 0, "0.5",
     NULL},
    {NULL, "rope.dimension_count", MX_KEY_U32, 0, "=d/2", NULL},
    {0},
};
const mx_key_row fam_starcoder2_keys[] = {
    {"norm_epsilon", "attention.layer_norm_epsilon", MX_KEY_F32, 0, "1e-05", NULL},
    {"hidden_act", NULL, MX_KEY_TEXT, 0, "\"gelu_pytorch_tanh\"", NULL},
    {0},
};
const mx_key_row fam_gpt2_keys[] = {
    {"n_embd|hidden_size", "embedding_length", MX_KEY_U32, 'h', NULL, NULL},
    {"n_layer|num_hidden_layers", "block_count", MX_KEY_U32, 'l', NULL, NULL},
    {"n_inner", "feed_forward_length", MX_KEY_U32, 'f', "=4*h", NULL},
    {"n_head|num_attention_heads", "attention.head_count", MX_KEY_U32, 'a', NULL, NULL},
    {"n_positions", "context_length", MX_KEY_U32, 'c', NULL, NULL},
    {"vocab_size", "vocab_size", MX_KEY_U32, 'v', NULL, NULL},
    {"layer_norm_epsilon", "attention.layer_norm_epsilon", MX_KEY_F32, 0, "1e-05", NULL},
    {"activation_function", NULL, MX_KEY_TEXT, 0, "\"gelu_new\"", NULL},
    {0},
};
const mx_key_row fam_mamba2_keys[] = {
    {"hidden_size", "embedding_length", MX_KEY_U32, 'h', NULL, NULL},
    {"num_hidden_layers", "block_count", MX_KEY_U32, 'l', NULL, NULL},
    {"vocab_size", "vocab_size", MX_KEY_U32, 'v', NULL, NULL},
    {"num_heads", "ssm.time_step_rank", MX_KEY_U32, 'u', NULL, NULL},
    {NULL, "ssm.inner_size", MX_KEY_U32, 0, "=u*y", NULL},
    {"head_dim", NULL, MX_KEY_U32, 'y', "=2*h/u", NULL},
    {"max_position_embeddings", "context_length", MX_KEY_U32, 'c', "1048576", NULL}, // any
    {NULL, "feed_forward_length", MX_KEY_U32, 0, "0", NULL},
    {NULL, "attention.head_count", MX_KEY_U32, 0, "0", NULL},
    {"state_size", "ssm.state_size", MX_KEY_U32, 'x', NULL, NULL},
    {"n_groups", "ssm.group_count", MX_KEY_U32, 'g', "1", NULL},
    {"conv_kernel", "ssm.conv_kernel", MX_KEY_U32, 'z', "4", NULL},
    {"layer_norm_epsilon", "attention.layer_norm_rms_epsilon", MX_KEY_F32, 0, "1e-05", NULL},
    {0},
};
const mx_key_row fam_lfm2_keys[] = {
    {"hidden_size|block_dim", "embedding_length", MX_KEY_U32, 'h', NULL, NULL},
    {"num_hidden_layers", "block_count", MX_KEY_U32, 'l', NULL, NULL},
    {"intermediate_size|block_ff_dim", "feed_forward_length", MX_KEY_U32, 'f', NULL, NULL},
    {"num_attention_heads", "attention.head_count", MX_KEY_U32, 'a', NULL, NULL},
    {"max_position_embeddings", "context_length", MX_KEY_U32, 'c', NULL, NULL},
    {"vocab_size", "vocab_size", MX_KEY_U32, 'v', NULL, NULL},
    {"norm_eps|block_norm_eps", "attention.layer_norm_rms_epsilon", MX_KEY_F32, 0, "1e-05", NULL},
    {"conv_L_cache", "shortconv.l_cache", MX_KEY_U32, 'z', "3", NULL},
    {"head_dim", NULL, MX_KEY_U32, 'd', "=h/a", NULL},
    {0},
};
const mx_key_row fam_nomic_keys[] = {
    {"hidden_size|n_embd", "embedding_length", MX_KEY_U32, 'h', NULL, NULL},
    {"num_hidden_layers|n_layer", "block_count", MX_KEY_U32, 'l', NULL, NULL},
    {"intermediate_size|n_inner", "feed_forward_length", MX_KEY_U32, 'f', NULL, NULL},
    {"num_attention_heads|n_head", "attention.head_count", MX_KEY_U32, 'a', NULL, NULL},
    {"max_position_embeddings|n_positions", "context_length", MX_KEY_U32, 'c', NULL, NULL},
    {"vocab_size", "vocab_size", MX_KEY_U32, 'v', NULL, NULL},
    {"head_dim", NULL, MX_KEY_U32, 'd', "=h/a", NULL},
    {"rope_theta|rope_parameters.rope_theta|rotary_emb_base", "rope.freq_base", MX_KEY_F32, 0,
     "1000.0", NULL},
    {"layer_norm_eps|layer_norm_epsilon", "attention.layer_norm_epsilon", MX_KEY_F32, 0, "1e-12",
     NULL},
    {"type_vocab_size", NULL, MX_KEY_U32, 't', "2", NULL},
    {"hidden_act", NULL, MX_KEY_TEXT, 0, "\"silu\"", NULL},
    {NULL, "attention.causal", MX_KEY_BOOL, 0, "false", NULL},
    {0},
};
const mx_key_row fam_modernbert_keys[] = {
    {"norm_eps", "attention.layer_norm_epsilon", MX_KEY_F32, 0, "1e-05", NULL},
    {"hidden_activation", NULL, MX_KEY_TEXT, 0, "\"gelu\"", NULL},
    {"global_attn_every_n_layers", "attention.sliding_window_pattern", MX_KEY_U32, 0, "3", NULL},
    {NULL, "attention.causal", MX_KEY_BOOL, 0, "false", NULL},
    {"local_attention", "attention.sliding_window", MX_KEY_U32, 0, "128", NULL},
    {"rope_theta|global_rope_theta|rope_parameters.full_attention.rope_theta", "rope.freq_base",
     MX_KEY_F32, 0, "160000.0", NULL},
    {"local_rope_theta|rope_parameters.sliding_attention.rope_theta", "rope.freq_base_swa",
     MX_KEY_F32, 0, "10000.0", NULL},
    {0},
};
