/* Lists of rows that families are made of: of tensors (family_tensors.c), of keys (family_keys.c).
 * Each ends with a row without names. */
#ifndef MX_MODELS_FAMILY_ROWS_H
#define MX_MODELS_FAMILY_ROWS_H

#include "models/family.h"

extern const mx_tensor_row fam_ends[], fam_rope_freqs[], fam_rope_factors[], fam_attention[],
    fam_head_norms[], fam_some_head_norms[], fam_two_norms[], fam_post_norms[], fam_four_norms[],
    fam_gated[], fam_fused[], fam_experts[], fam_bert[], fam_layer_ends[], fam_one_norm[],
    fam_whole_norms[], fam_norms_behind[], fam_glm4[], fam_starcoder2[], fam_gpt2[],
    fam_gated_some[], fam_sparse[], fam_sparse_dots[], fam_shared[], fam_deepseek[], fam_routed[],
    fam_gpt_oss[], fam_mamba2[], fam_qwen3_next[], fam_lfm2[], fam_nomic[], fam_modernbert[],
    fam_ahead[];

extern const mx_key_row fam_no_window[], fam_sizes[], fam_decoder_keys[], fam_silu[],
    fam_derived_head[], fam_own_head[], fam_llama_head[], fam_window[], fam_mixture_keys[],
    fam_gemma2_keys[], fam_gemma3_keys[], fam_phi3_keys[], fam_bert_keys[], fam_grouped_keys[],
    fam_sparse_keys[], fam_qwen2_moe_keys[], fam_qwen3_moe_keys[], fam_qwen3_next_keys[],
    fam_gemma_keys[], fam_smollm3_keys[], fam_granite_keys[], fam_cohere2_keys[], fam_routed_keys[],
    fam_unscaled_keys[], fam_sigmoid_keys[], fam_deepseek_keys[], fam_gpt_oss_keys[],
    fam_glm4_keys[], fam_starcoder2_keys[], fam_gpt2_keys[], fam_mamba2_keys[], fam_lfm2_keys[],
    fam_nomic_keys[], fam_modernbert_keys[];

#endif
