/* Rows of tensors: see family_rows.h. */
#include "models/family_rows.h"

enum { NORM_AND_BIAS = MX_ROW_NORM | MX_ROW_BIAS };

/* --- tensors of decoders --------------------------------------------------------------------- */

const mx_tensor_row fam_ends[] = {
    {"token_embd", "model.embed_tokens", NULL, "v h", MX_ROW_TABLE},
    {"output_norm", "model.norm", NULL, "h", MX_ROW_NORM},
    {"output", "lm_head", NULL, "v h", MX_ROW_TIED},
    {0},
};
/* What rope_scaling says, as factors of frequencies. */
const mx_tensor_row fam_rope_freqs[] = {{"rope_freqs", NULL, NULL, "d/2", MX_ROW_ROPE}, {0}};
const mx_tensor_row fam_rope_factors[] = {
    {"rope_factors_long", NULL, NULL, "", MX_ROW_ROPE},
    {"rope_factors_short", NULL, NULL, "", MX_ROW_ROPE},
    {0},
};
const mx_tensor_row fam_attention[] = {
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
const mx_tensor_row fam_head_norms[] = {
    {"blk.{n}.attn_q_norm", "model.layers.{n}.self_attn.q_norm", NULL, "d", MX_ROW_NORM},
    {"blk.{n}.attn_k_norm", "model.layers.{n}.self_attn.k_norm", NULL, "d", MX_ROW_NORM},
    {0},
};
const mx_tensor_row fam_some_head_norms[] = {
    {"blk.{n}.attn_q_norm", "model.layers.{n}.self_attn.q_norm", NULL, "d",
     MX_ROW_NORM | MX_ROW_MAY_LACK},
    {"blk.{n}.attn_k_norm", "model.layers.{n}.self_attn.k_norm", NULL, "d",
     MX_ROW_NORM | MX_ROW_MAY_LACK},
    {0},
};
/* Attention and what follows have one before them; */
const mx_tensor_row fam_two_norms[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.ffn_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h", MX_ROW_NORM},
    {0},
};
/* the same under GGUF's other name; */
const mx_tensor_row fam_post_norms[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.post_attention_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h",
     MX_ROW_NORM},
    {0},
};
/* or one behind them too. */
const mx_tensor_row fam_four_norms[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.post_attention_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h",
     MX_ROW_NORM},
    {"blk.{n}.ffn_norm", "model.layers.{n}.pre_feedforward_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.post_ffw_norm", "model.layers.{n}.post_feedforward_layernorm", NULL, "h",
     MX_ROW_NORM},
    {0},
};
const mx_tensor_row fam_gated[] = {
    {"blk.{n}.ffn_gate", "model.layers.{n}.mlp.gate_proj", NULL, "f h", MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_up", "model.layers.{n}.mlp.up_proj", NULL, "f h", MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_down", "model.layers.{n}.mlp.down_proj", NULL, "h f", MX_ROW_MAY_BIAS},
    {0},
};
/* The same with matrices in one: queries, keys, values; gate and up. */
const mx_tensor_row fam_fused[] = {
    {"blk.{n}.attn_qkv", "model.layers.{n}.self_attn.qkv_proj", NULL, "a*d+2*k*d h", 0},
    {"blk.{n}.attn_output", "model.layers.{n}.self_attn.o_proj", NULL, "h a*d", 0},
    {"blk.{n}.ffn_up", "model.layers.{n}.mlp.gate_up_proj", NULL, "2*f h", 0},
    {"blk.{n}.ffn_down", "model.layers.{n}.mlp.down_proj", NULL, "h f", 0},
    {NULL, "model.layers.{n}.self_attn.rotary_emb.inv_freq", NULL, "", MX_ROW_LEFT_OUT},
    {0},
};
const mx_tensor_row fam_experts[] = {
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

const mx_tensor_row fam_bert[] = {
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
    {NULL, "classifier", NULL, "", MX_ROW_LEFT_OUT},
    {NULL, "classifier.dense", NULL, "", MX_ROW_LEFT_OUT},
    {NULL, "classifier.out_proj", NULL, "", MX_ROW_LEFT_OUT},
    {"cls", NULL, NULL, "", MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS | MX_ROW_PLAIN},
    {"cls.output", NULL, NULL, "", MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS | MX_ROW_PLAIN},
    {0},
};

/* --- more decoders --------------------------------------------------------------------------- */

const mx_tensor_row fam_layer_ends[] = {
    {"token_embd", "model.embed_tokens", NULL, "v h", MX_ROW_TABLE},
    {"output_norm", "model.norm", NULL, "h", NORM_AND_BIAS},
    {"output", "lm_head", NULL, "v h", MX_ROW_TIED},
    {0},
};
/* One before both parts, which are added up. */
const mx_tensor_row fam_one_norm[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", MX_ROW_NORM},
    {0},
};
/* Of queries and keys, all heads together. */
const mx_tensor_row fam_whole_norms[] = {
    {"blk.{n}.attn_q_norm", "model.layers.{n}.self_attn.q_norm", NULL, "a*d", MX_ROW_NORM},
    {"blk.{n}.attn_k_norm", "model.layers.{n}.self_attn.k_norm", NULL, "k*d", MX_ROW_NORM},
    {0},
};
/* Behind the parts alone. */
const mx_tensor_row fam_norms_behind[] = {
    {"blk.{n}.post_attention_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h",
     MX_ROW_NORM},
    {"blk.{n}.post_ffw_norm", "model.layers.{n}.post_feedforward_layernorm", NULL, "h",
     MX_ROW_NORM},
    {0},
};
const mx_tensor_row fam_glm4[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.post_attention_norm", "model.layers.{n}.post_self_attn_layernorm", NULL, "h",
     MX_ROW_NORM},
    {"blk.{n}.ffn_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.post_ffw_norm", "model.layers.{n}.post_mlp_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.ffn_up", "model.layers.{n}.mlp.gate_up_proj", NULL, "2*f h", 0},
    {"blk.{n}.ffn_down", "model.layers.{n}.mlp.down_proj", NULL, "h f", 0},
    {0},
};
const mx_tensor_row fam_starcoder2[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", NORM_AND_BIAS},
    {"blk.{n}.ffn_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h", NORM_AND_BIAS},
    {"blk.{n}.ffn_up", "model.layers.{n}.mlp.c_fc", NULL, "f h", MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_down", "model.layers.{n}.mlp.c_proj", NULL, "h f", MX_ROW_MAY_BIAS},
    {0},
};
const mx_tensor_row fam_gpt2[] = {
    {"token_embd", "wte", NULL, "v h", MX_ROW_TABLE},
    {"position_embd", "wpe", NULL, "c h", MX_ROW_TABLE | MX_ROW_PLAIN},
    {"output_norm", "ln_f", NULL, "h", NORM_AND_BIAS},
    {"output", "lm_head", NULL, "v h", MX_ROW_TIED},
    {"blk.{n}.attn_norm", "h.{n}.ln_1", NULL, "h", NORM_AND_BIAS},
    {"blk.{n}.attn_qkv", "h.{n}.attn.c_attn", NULL, "3*h h", MX_ROW_BIAS | MX_ROW_TURNED},
    {"blk.{n}.attn_output", "h.{n}.attn.c_proj", NULL, "h h", MX_ROW_BIAS | MX_ROW_TURNED},
    {"blk.{n}.ffn_norm", "h.{n}.ln_2", NULL, "h", NORM_AND_BIAS},
    {"blk.{n}.ffn_up", "h.{n}.mlp.c_fc", NULL, "f h", MX_ROW_BIAS | MX_ROW_TURNED},
    {"blk.{n}.ffn_down", "h.{n}.mlp.c_proj", NULL, "h f", MX_ROW_BIAS | MX_ROW_TURNED},
    {NULL, "h.{n}.attn", NULL, "", MX_ROW_LEFT_OUT},
    {NULL, "h.{n}.attn.masked_bias", NULL, "", MX_ROW_LEFT_OUT},
    {0},
};

/* --- experts --------------------------------------------------------------------------------- */

/* In layers that have no experts. */
const mx_tensor_row fam_gated_some[] = {
    {"blk.{n}.ffn_gate", "model.layers.{n}.mlp.gate_proj", NULL, "f h", MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_up", "model.layers.{n}.mlp.up_proj", NULL, "f h", MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_down", "model.layers.{n}.mlp.down_proj", NULL, "h f", MX_ROW_MAY_LACK},
    {0},
};
const mx_tensor_row fam_sparse[] = {
    {"blk.{n}.ffn_gate_inp", "model.layers.{n}.mlp.gate", NULL, "e h",
     MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_gate_exps", "model.layers.{n}.mlp.experts.{e}.gate_proj",
     "model.layers.{n}.mlp.switch_mlp.gate_proj", "i h", MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_down_exps", "model.layers.{n}.mlp.experts.{e}.down_proj",
     "model.layers.{n}.mlp.switch_mlp.down_proj", "h i", MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_up_exps", "model.layers.{n}.mlp.experts.{e}.up_proj",
     "model.layers.{n}.mlp.switch_mlp.up_proj", "i h", MX_ROW_MAY_LACK},
    {0},
};
/* The same as mlx_lm's dots1 calls it. */
#define DOTS(part)                                 \
    "model.layers.{n}.mlp.experts." part "_proj\0" \
    "model.layers.{n}.mlp.switch_mlp." part "_proj"
const mx_tensor_row fam_sparse_dots[] = {
    {"blk.{n}.ffn_gate_inp", "model.layers.{n}.mlp.gate", NULL, "e h",
     MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_gate_exps", "model.layers.{n}.mlp.experts.{e}.gate_proj", DOTS("gate"), "i h",
     MX_ROW_MAY_LACK | MX_ROW_RENAMED},
    {"blk.{n}.ffn_down_exps", "model.layers.{n}.mlp.experts.{e}.down_proj", DOTS("down"), "h i",
     MX_ROW_MAY_LACK | MX_ROW_RENAMED},
    {"blk.{n}.ffn_up_exps", "model.layers.{n}.mlp.experts.{e}.up_proj", DOTS("up"), "i h",
     MX_ROW_MAY_LACK | MX_ROW_RENAMED},
    {0},
};
const mx_tensor_row fam_shared[] = {
    {"blk.{n}.ffn_gate_inp_shexp", "model.layers.{n}.mlp.shared_expert_gate", NULL, "",
     MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_gate_shexp", "model.layers.{n}.mlp.shared_expert.gate_proj", NULL, "s h",
     MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_up_shexp", "model.layers.{n}.mlp.shared_expert.up_proj", NULL, "s h",
     MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_down_shexp", "model.layers.{n}.mlp.shared_expert.down_proj", NULL, "h s",
     MX_ROW_MAY_LACK},
    {0},
};
/* Latent attention. */
const mx_tensor_row fam_deepseek[] = {
    {"blk.{n}.attn_q", "model.layers.{n}.self_attn.q_proj", NULL, "a*o+a*p h", MX_ROW_MAY_LACK},
    {"blk.{n}.attn_q_a", "model.layers.{n}.self_attn.q_a_proj", NULL, "",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_q_a_norm", "model.layers.{n}.self_attn.q_a_layernorm", NULL, "",
     MX_ROW_MAY_LACK | MX_ROW_NORM},
    {"blk.{n}.attn_q_b", "model.layers.{n}.self_attn.q_b_proj", NULL, "", MX_ROW_MAY_LACK},
    {"blk.{n}.attn_kv_a_mqa", "model.layers.{n}.self_attn.kv_a_proj_with_mqa", NULL, "r+p h",
     MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_kv_a_norm", "model.layers.{n}.self_attn.kv_a_layernorm", NULL, "r", MX_ROW_NORM},
    {"blk.{n}.attn_kv_b", "model.layers.{n}.self_attn.kv_b_proj", NULL, "a*o+a*w r",
     MX_ROW_MAY_LACK},
    // the same in two: keys turned, and values
    {"blk.{n}.attn_k_b", NULL, "model.layers.{n}.self_attn.embed_q", "a r o", MX_ROW_MAY_LACK},
    {"blk.{n}.attn_v_b", NULL, "model.layers.{n}.self_attn.unembed_out", "a w r", MX_ROW_MAY_LACK},
    {"blk.{n}.attn_output", "model.layers.{n}.self_attn.o_proj", NULL, "h a*w", MX_ROW_MAY_BIAS},
    {NULL, "model.layers.{n}.self_attn.rotary_emb.inv_freq", NULL, "", MX_ROW_LEFT_OUT},
    {0},
};
/* Experts that all tokens share, and what is added to scores for the choice alone. */
const mx_tensor_row fam_routed[] = {
    {"blk.{n}.ffn_gate_shexp", "model.layers.{n}.mlp.shared_experts.gate_proj", NULL, "n*i h",
     MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_up_shexp", "model.layers.{n}.mlp.shared_experts.up_proj", NULL, "n*i h",
     MX_ROW_MAY_LACK},
    {"blk.{n}.ffn_down_shexp", "model.layers.{n}.mlp.shared_experts.down_proj", NULL, "h n*i",
     MX_ROW_MAY_LACK},
    {"blk.{n}.exp_probs_b.bias", "model.layers.{n}.mlp.gate.e_score_correction_bias", NULL, "e",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {0},
};
/* Of layers behind the last, which predict the token behind the next one: what joins a token and
   hidden rows. Embedding and head are the model's. */
const mx_tensor_row fam_ahead[] = {
    {"blk.{n}.nextn.eh_proj", "model.layers.{n}.eh_proj", NULL, "h 2*h", MX_ROW_MAY_LACK},
    {"blk.{n}.nextn.enorm", "model.layers.{n}.enorm", NULL, "h", MX_ROW_NORM | MX_ROW_MAY_LACK},
    {"blk.{n}.nextn.hnorm", "model.layers.{n}.hnorm", NULL, "h", MX_ROW_NORM | MX_ROW_MAY_LACK},
    {"blk.{n}.nextn.shared_head_norm", "model.layers.{n}.shared_head.norm", NULL, "h",
     MX_ROW_NORM | MX_ROW_MAY_LACK},
    {"blk.{n}.nextn.embed_tokens", "model.layers.{n}.embed_tokens", NULL, "", MX_ROW_MAY_LACK},
    {"blk.{n}.nextn.shared_head_head", "model.layers.{n}.shared_head.head", NULL, "",
     MX_ROW_MAY_LACK},
    {0},
};
/* Experts are stacks, with rows of gate and up in turns, or (mxfp4) their bytes and scales. */
const mx_tensor_row fam_gpt_oss[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.post_attention_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h",
     MX_ROW_NORM},
    {"blk.{n}.attn_sinks.weight", "model.layers.{n}.self_attn.sinks", NULL, "a",
     MX_ROW_BARE | MX_ROW_PLAIN},
    {"blk.{n}.ffn_gate_inp", "model.layers.{n}.mlp.router", NULL, "e h",
     MX_ROW_PLAIN | MX_ROW_BIAS},
    {"blk.{n}.ffn_gate_exps", NULL, "model.layers.{n}.mlp.experts.gate_proj", "",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_up_exps", NULL, "model.layers.{n}.mlp.experts.up_proj", "",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_down_exps", NULL, "model.layers.{n}.mlp.experts.down_proj", "",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {NULL, "model.layers.{n}.mlp.experts.gate_up_proj", NULL, "e h 2*f",
     MX_ROW_BARE | MX_ROW_MAY_LACK},
    {NULL, "model.layers.{n}.mlp.experts.gate_up_proj_bias", NULL, "e 2*f",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {NULL, "model.layers.{n}.mlp.experts.gate_up_proj_blocks", NULL, "",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {NULL, "model.layers.{n}.mlp.experts.gate_up_proj_scales", NULL, "",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {NULL, "model.layers.{n}.mlp.experts.down_proj", NULL, "e f h", MX_ROW_BARE | MX_ROW_MAY_LACK},
    {NULL, "model.layers.{n}.mlp.experts.down_proj_bias", NULL, "e h",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {NULL, "model.layers.{n}.mlp.experts.down_proj_blocks", NULL, "",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {NULL, "model.layers.{n}.mlp.experts.down_proj_scales", NULL, "",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {0},
};

/* --- recurrences ----------------------------------------------------------------------------- */

const mx_tensor_row fam_mamba2[] = {
    {"token_embd", "backbone.embeddings", NULL, "v h", MX_ROW_TABLE},
    {"output_norm", "backbone.norm_f", NULL, "h", MX_ROW_NORM},
    {"output", "lm_head", NULL, "v h", MX_ROW_TIED},
    {"blk.{n}.attn_norm", "backbone.layers.{n}.norm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.ssm_in", "backbone.layers.{n}.mixer.in_proj", NULL, "2*u*y+2*g*x+u h",
     MX_ROW_MAY_BIAS},
    {"blk.{n}.ssm_conv1d", "backbone.layers.{n}.mixer.conv1d", NULL, "u*y+2*g*x 1 z|u*y+2*g*x z",
     MX_ROW_PLAIN | MX_ROW_MAY_BIAS},
    {"blk.{n}.ssm_dt.bias", "backbone.layers.{n}.mixer.dt_bias", NULL, "u",
     MX_ROW_BARE | MX_ROW_PLAIN},
    {"blk.{n}.ssm_a", "backbone.layers.{n}.mixer.A_log", NULL, "u|u 1",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_NEG_EXP},
    {"blk.{n}.ssm_d", "backbone.layers.{n}.mixer.D", NULL, "u|u 1", MX_ROW_BARE | MX_ROW_PLAIN},
    {"blk.{n}.ssm_norm", "backbone.layers.{n}.mixer.norm", NULL, "u*y|g u*y/g", MX_ROW_PLAIN},
    {"blk.{n}.ssm_out", "backbone.layers.{n}.mixer.out_proj", NULL, "h u*y", MX_ROW_MAY_BIAS},
    {0},
};
/* Attention in some layers, and the gated delta rule in the others. */
const mx_tensor_row fam_qwen3_next[] = {
    {"blk.{n}.attn_norm", "model.layers.{n}.input_layernorm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.post_attention_norm", "model.layers.{n}.post_attention_layernorm", NULL, "h",
     MX_ROW_NORM},
    {"blk.{n}.attn_q", "model.layers.{n}.self_attn.q_proj", NULL, "2*a*d h",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_k", "model.layers.{n}.self_attn.k_proj", NULL, "k*d h",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_v", "model.layers.{n}.self_attn.v_proj", NULL, "k*d h",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_output", "model.layers.{n}.self_attn.o_proj", NULL, "h a*d",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_q_norm", "model.layers.{n}.self_attn.q_norm", NULL, "d",
     MX_ROW_NORM | MX_ROW_MAY_LACK},
    {"blk.{n}.attn_k_norm", "model.layers.{n}.self_attn.k_norm", NULL, "d",
     MX_ROW_NORM | MX_ROW_MAY_LACK},
    {"blk.{n}.ssm_in", "model.layers.{n}.linear_attn.in_proj_qkvz", NULL, "2*g*x+2*u*y h",
     MX_ROW_MAY_LACK},
    // the same rows in the order of their kinds: queries, keys and values; gates
    {"blk.{n}.attn_qkv", NULL, NULL, "2*g*x+u*y h", MX_ROW_MAY_LACK},
    {"blk.{n}.attn_gate", NULL, NULL, "u*y h", MX_ROW_MAY_LACK},
    {"blk.{n}.ssm_ba", "model.layers.{n}.linear_attn.in_proj_ba", NULL, "2*u h", MX_ROW_MAY_LACK},
    {"blk.{n}.ssm_conv1d", "model.layers.{n}.linear_attn.conv1d", NULL, "2*g*x+u*y 1 z|2*g*x+u*y z",
     MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {"blk.{n}.ssm_dt.bias", "model.layers.{n}.linear_attn.dt_bias", NULL, "u",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {"blk.{n}.ssm_a", "model.layers.{n}.linear_attn.A_log", NULL, "u",
     MX_ROW_BARE | MX_ROW_PLAIN | MX_ROW_MAY_LACK | MX_ROW_NEG_EXP},
    {"blk.{n}.ssm_norm", "model.layers.{n}.linear_attn.norm", NULL, "y",
     MX_ROW_PLAIN | MX_ROW_MAY_LACK},
    {"blk.{n}.ssm_out", "model.layers.{n}.linear_attn.out_proj", NULL, "h u*y", MX_ROW_MAY_LACK},
    {0},
};
/* Attention in some layers, and short convolutions in the others. */
const mx_tensor_row fam_lfm2[] = {
    {"token_embd", "model.embed_tokens", NULL, "v h", MX_ROW_TABLE},
    {"token_embd_norm", "model.embedding_norm", NULL, "h", MX_ROW_NORM},
    {"output", "lm_head", NULL, "v h", MX_ROW_TIED},
    {"blk.{n}.attn_norm", "model.layers.{n}.operator_norm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.ffn_norm", "model.layers.{n}.ffn_norm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.attn_q", "model.layers.{n}.self_attn.q_proj", NULL, "a*d h", MX_ROW_MAY_LACK},
    {"blk.{n}.attn_k", "model.layers.{n}.self_attn.k_proj", NULL, "k*d h", MX_ROW_MAY_LACK},
    {"blk.{n}.attn_v", "model.layers.{n}.self_attn.v_proj", NULL, "k*d h", MX_ROW_MAY_LACK},
    {"blk.{n}.attn_output", "model.layers.{n}.self_attn.out_proj", NULL, "h a*d", MX_ROW_MAY_LACK},
    {"blk.{n}.attn_q_norm", "model.layers.{n}.self_attn.q_layernorm", NULL, "d",
     MX_ROW_NORM | MX_ROW_MAY_LACK},
    {"blk.{n}.attn_k_norm", "model.layers.{n}.self_attn.k_layernorm", NULL, "d",
     MX_ROW_NORM | MX_ROW_MAY_LACK},
    {"blk.{n}.shortconv.conv", "model.layers.{n}.conv.conv", NULL, "h 1 z|h z",
     MX_ROW_PLAIN | MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.shortconv.in_proj", "model.layers.{n}.conv.in_proj", NULL, "3*h h",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.shortconv.out_proj", "model.layers.{n}.conv.out_proj", NULL, "h h",
     MX_ROW_MAY_LACK | MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_gate", "model.layers.{n}.feed_forward.w1", NULL, "", 0},
    {"blk.{n}.ffn_up", "model.layers.{n}.feed_forward.w3", NULL, "", 0},
    {"blk.{n}.ffn_down", "model.layers.{n}.feed_forward.w2", NULL, "", 0},
    {0},
};

/* --- more encoders --------------------------------------------------------------------------- */

const mx_tensor_row fam_nomic[] = {
    {"token_embd", "embeddings.word_embeddings", NULL, "v h", MX_ROW_TABLE},
    {"token_types", "embeddings.token_type_embeddings", NULL, "t h", MX_ROW_TABLE | MX_ROW_PLAIN},
    {"token_embd_norm", "emb_ln", NULL, "h", NORM_AND_BIAS},
    {"blk.{n}.attn_qkv", "encoder.layers.{n}.attn.Wqkv", NULL, "3*h h", MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_output", "encoder.layers.{n}.attn.out_proj", NULL, "h h", MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_output_norm", "encoder.layers.{n}.norm1", NULL, "h", NORM_AND_BIAS},
    {"blk.{n}.ffn_up", "encoder.layers.{n}.mlp.fc11", NULL, "f h", MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_gate", "encoder.layers.{n}.mlp.fc12", NULL, "f h", MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_down", "encoder.layers.{n}.mlp.fc2", NULL, "h f", MX_ROW_MAY_BIAS},
    {"blk.{n}.layer_output_norm", "encoder.layers.{n}.norm2", NULL, "h", NORM_AND_BIAS},
    {0},
};
const mx_tensor_row fam_modernbert[] = {
    {"token_embd", "embeddings.tok_embeddings", NULL, "v h", MX_ROW_TABLE},
    {"token_embd_norm", "embeddings.norm", NULL, "h", MX_ROW_NORM},
    {"output_norm", "final_norm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.attn_norm", "layers.{n}.attn_norm", NULL, "h", MX_ROW_NORM | MX_ROW_MAY_LACK},
    {"blk.{n}.attn_qkv", "layers.{n}.attn.Wqkv", NULL, "3*h h", MX_ROW_MAY_BIAS},
    {"blk.{n}.attn_output", "layers.{n}.attn.Wo", NULL, "h h", MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_norm", "layers.{n}.mlp_norm", NULL, "h", MX_ROW_NORM},
    {"blk.{n}.ffn_up", "layers.{n}.mlp.Wi", NULL, "2*f h", MX_ROW_MAY_BIAS},
    {"blk.{n}.ffn_down", "layers.{n}.mlp.Wo", NULL, "h f", MX_ROW_MAY_BIAS},
    {NULL, "head.dense", NULL, "", MX_ROW_LEFT_OUT},
    {NULL, "head.norm", NULL, "", MX_ROW_LEFT_OUT},
    {NULL, "decoder", NULL, "", MX_ROW_LEFT_OUT},
    {NULL, "classifier", NULL, "", MX_ROW_LEFT_OUT},
    {0},
};
