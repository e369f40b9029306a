/* Asking a model's config: see build.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "models/decoder/build.h"

/* Keys that say nothing about what is computed from tokens: about training, generation, files. */
static const char *const harmless[] = {"architectures",
                                       "use_parallel_embedding",
                                       "layer_switch",
                                       "norm_before_gate",
                                       "use_flash_attention_2",
                                       "torchscript",
                                       "sentence_transformers",
                                       "return_dict",
                                       "output_hidden_states",
                                       "output_attentions",
                                       "output_past",
                                       "experts_per_token",
                                       "cache_implementation",
                                       "attention_dropout",
                                       "attn_implementation",
                                       "attn_pdrop",
                                       "auto_map",
                                       "begin_suppress_tokens",
                                       "bos_token_id",
                                       "chunk_size_feed_forward",
                                       "classifier_activation",
                                       "classifier_bias",
                                       "classifier_dropout",
                                       "classifier_pooling",
                                       "cls_token_id",
                                       "dtype",
                                       "embd_pdrop",
                                       "embedding_dropout",
                                       "eos_token_id",
                                       "finetuning_task",
                                       "gradient_checkpointing",
                                       "hidden_dropout",
                                       "hidden_dropout_prob",
                                       "attention_probs_dropout_prob",
                                       "id2label",
                                       "initializer_cutoff_factor",
                                       "initializer_range",
                                       "is_llama_config",
                                       "label2id",
                                       "language",
                                       "license",
                                       "max_length",
                                       "mlx_lm_version",
                                       "model_name",
                                       "model_type",
                                       "num_nextn_predict_layers",
                                       "ep_size",
                                       "aux_loss_alpha",
                                       "seq_aux",
                                       "deterministic_flash_attn",
                                       "sparse_pred_ignore_index",
                                       "sparse_prediction",
                                       "max_trained_positions",
                                       "initial_context_length",
                                       "n_ctx",
                                       "name",
                                       "num_labels",
                                       "output_router_logits",
                                       "pad_token_id",
                                       "pretraining_tp",
                                       "problem_type",
                                       "quantization",
                                       "quantization_config",
                                       "reference_compile",
                                       "repad_logits_with_grad",
                                       "resid_pdrop",
                                       "residual_dropout",
                                       "router_aux_loss_coef",
                                       "router_jitter_noise",
                                       "router_z_loss_coef",
                                       "sep_token_id",
                                       "mask_token_id",
                                       "mlp_dropout",
                                       "summary_activation",
                                       "summary_first_dropout",
                                       "summary_proj_to_labels",
                                       "summary_type",
                                       "summary_use_proj",
                                       "task_specific_params",
                                       "tokenizer_class",
                                       "torch_dtype",
                                       "transformers_version",
                                       "unsloth_fixed",
                                       "unsloth_version",
                                       "use_cache",
                                       "use_flash_attn",
                                       "vocab_size"};

/* Keys whose meaning the tensors tell. */
static const char *const told[] = {"attention_bias",
                                   "num_heads",
                                   "norm_eps",
                                   "layer_norm_epsilon",
                                   "layer_norm_eps",
                                   "block_auto_adjust_ff_dim",
                                   "block_dim",
                                   "block_ff_dim",
                                   "block_ffn_dim_multiplier",
                                   "block_mlp_init_scale",
                                   "block_multiple_of",
                                   "block_use_swiglu",
                                   "block_use_xavier_init",
                                   "chunk_size",
                                   "conv_bias",
                                   "conv_dim",
                                   "conv_dim_out",
                                   "conv_use_xavier_init",
                                   "decoder_bias",
                                   "decoder_sparse_step",
                                   "dense_seq_output",
                                   "expand",
                                   "intermediate_size",
                                   "first_k_dense_replace",
                                   "full_attn_idxs",
                                   "full_attention_interval",
                                   "fused_bias_fc",
                                   "fused_dropout_add_ln",
                                   "mlp_bias",
                                   "mlp_only_layers",
                                   "norm_bias",
                                   "original_max_position_embeddings",
                                   "pad_vocab_size_multiple",
                                   "rescale_prenorm_residual",
                                   "residual_in_fp32",
                                   "rms_norm_eps",
                                   "time_step_floor",
                                   "time_step_max",
                                   "time_step_min",
                                   "time_step_rank",
                                   "use_bias",
                                   "use_conv_bias",
                                   "use_pos_enc",
                                   "use_xentropy"};

static bool is_in(const char *key, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], key) == 0)
            return true;
    return false;
}

static bool is_harmless(const char *key) {
    return is_in(key, harmless, sizeof harmless / sizeof *harmless) ||
           is_in(key, told, sizeof told / sizeof *told) || *key == '_' ||
           strncmp(key, "transformers", 12) == 0;
}

/* Keys that some files have with the one value that is computed anyway. */
static const struct {
    const char *key, *value;
} usual[] = {{"full_attn_mod", "1"},
             {"interpolate_factor", "1"},
             {"mlp_type", "\"default\""},
             {"norm_type", "\"layer_norm\""},
             {"order_of_interleaved_layers", "\"local_attn_first\""},
             {"position_embedding_type", "\"absolute\""},
             {"position_embedding_type", "\"rope_gptj\""},
             {"rms_norm", "true"},
             {"rotary_pct", "1.0"},
             {"scale_attn_weights", "true"},
             {"use_embedding_sharing", "true"},
             {"use_gated_activation", "true"},
             {"use_parallel_block", "true"}};

static bool is_usual(const char *key, const json_t *v) {
    bool same = false;
    for (size_t i = 0; !same && i < sizeof usual / sizeof *usual; i++)
        if (strcmp(usual[i].key, key) == 0) {
            json_t *want = json_loads(usual[i].value, JSON_DECODE_ANY, NULL);
            same = json_is_number(v) && json_is_number(want)
                       ? json_number_value(v) == json_number_value(want)
                       : json_equal(v, want);
            json_decref(want);
        }
    return same;
}

/* null, false, nothing: what a model is without. */
static bool is_nothing(const json_t *v) {
    return json_is_null(v) || json_is_false(v) || (json_is_array(v) && !json_array_size(v)) ||
           (json_is_object(v) && !json_object_size(v)) ||
           (json_is_number(v) && json_number_value(v) == 0);
}

/* --- what was asked -------------------------------------------------------------------------- */

static void note_one(dec_build *b, const char *key, size_t n) {
    char room[128];
    if (n >= sizeof room)
        return;
    memcpy(room, key, n);
    room[n] = 0;
    mx_map_set(&b->asked, room, b, NULL);
}

/* The first names of "a.b|c". */
static void note(dec_build *b, const char *paths) {
    for (const char *p = paths; p && *p; p = strchr(p, '|'), p = p ? p + 1 : NULL)
        note_one(b, p, strcspn(p, ".|"));
}

static void note_rows(dec_build *b) {
    const mx_key_row *r;
    for (size_t i = 0; (r = mx_family_key(b->d->family, i)); i++)
        if (r->config && r->dim)
            note(b, r->config);
}

/* A key's row may have other paths. */
static void note_row(dec_build *b, const char *key) {
    const mx_key_row *r;
    size_t n = strlen(key);
    for (size_t i = 0; (r = mx_family_key(b->d->family, i)); i++)
        if (r->config && strncmp(r->config, key, n) == 0 && (!r->config[n] || r->config[n] == '|'))
            note(b, r->config);
}

/* Keys of GGUF that change what is computed, where the family has no row for them. */
static const char *const grave[] = {"attention.clamp_kqv",
                                    "attention.max_alibi_bias",
                                    "attention.output_scale",
                                    "attention.scale",
                                    "attention.sliding_window",
                                    "attention.temperature_scale",
                                    "attn_logit_softcapping",
                                    "embedding_scale",
                                    "expert_count",
                                    "expert_group_count",
                                    "expert_weights_scale",
                                    "final_logit_softcapping",
                                    "logit_scale",
                                    "residual_scale",
                                    "rope.dimension_sections",
                                    "router_logit_softcapping",
                                    "swin_norm",
                                    "use_parallel_residual"};

static bool has_row(const dec_build *b, const char *key) {
    const mx_key_row *r;
    for (size_t i = 0; (r = mx_family_key(b->d->family, i)); i++)
        if (r->gguf && strcmp(r->gguf, key) == 0)
            return true;
    return false;
}

static bool no_grave_keys(const dec_build *b) {
    const mx_map *meta = &b->model.archive->meta;
    char key[192];
    double v;
    for (size_t i = 0; b->model.is_gguf && i < sizeof grave / sizeof *grave; i++) {
        snprintf(key, sizeof key, "%s.%s", b->d->family->arch, grave[i]);
        bool said = mx_map_has(meta, key) && (!mx_meta_number(meta, key, &v) || v != 0);
        if (said && !has_row(b, grave[i]))
            return mx_fail(MX_UNSUPPORTED,
                           "[model] '%s': the metadata has %s, which this family is not known to "
                           "have",
                           b->name, key);
    }
    return true;
}

/* What is computed in every family whose config.json says so, and has a key of GGUF in some. */
static bool has_keys_of_gguf(dec_build *b) {
    static const char *const caps[] = {"attn_logit_softcapping", "final_logit_softcapping"};
    for (int i = 0; b->sketch && i < 2; i++) {
        json_t *v = json_object_get(b->model.config, caps[i]);
        if (v && !is_nothing(v) && !has_row(b, caps[i]))
            return dec_refuse(b, caps[i], "for which this family has no key in GGUF");
    }
    return true;
}

bool dec_all_asked(dec_build *b) {
    const char *key;
    json_t *v;
    if (!no_grave_keys(b) || !has_keys_of_gguf(b))
        return false;
    note_rows(b);
    json_object_foreach(b->model.config, key, v) {
        if (mx_failed())
            return false;
        if (!is_nothing(v) && !is_harmless(key) && !mx_map_has(&b->asked, key) && !is_usual(key, v))
            return dec_refuse(b, key, "which this family is not known to have");
    }
    return !mx_failed();
}

/* --- values ---------------------------------------------------------------------------------- */

json_t *dec_at(dec_build *b, const char *key) {
    note(b, key);
    note_row(b, key);
    json_t *v = mx_config_value(b->d->family, b->model.config, &b->model.dims, key);
    if (!v || json_array_append_new(b->values, v) == 0)
        return json_is_null(v) ? NULL : v;
    return mx_fail_nomem("model", 0);
}

bool dec_refuse(dec_build *b, const char *key, const char *why) {
    json_t *v = mx_json_at(b->model.config, key);
    char *text = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
    b->refused = b->refused || !mx_failed();
    mx_fail(MX_UNSUPPORTED, "[model] '%s': %s is %.80s, %s", b->name, key, text ? text : "missing",
            why);
    free(text);
    return false;
}

double dec_number(dec_build *b, const char *key, double other) {
    json_t *v = dec_at(b, key);
    if (v && !json_is_number(v))
        dec_refuse(b, key, "a number was expected");
    return json_is_number(v) ? json_number_value(v) : other;
}

int64_t dec_size(dec_build *b, const char *key, int64_t other) {
    json_t *v = dec_at(b, key);
    bool ok =
        json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= INT32_MAX;
    if (v && !ok)
        dec_refuse(b, key, "a size was expected");
    return ok ? json_integer_value(v) : other;
}

bool dec_flag(dec_build *b, const char *key, bool other) {
    json_t *v = dec_at(b, key);
    if (v && !json_is_boolean(v))
        dec_refuse(b, key, "true or false was expected");
    return json_is_boolean(v) ? json_is_true(v) : other;
}

const char *dec_text(dec_build *b, const char *key) {
    json_t *v = dec_at(b, key);
    if (v && !json_is_string(v))
        dec_refuse(b, key, "a text was expected");
    return json_is_string(v) ? json_string_value(v) : NULL;
}

int64_t dec_dim(const dec_build *b, char letter) {
    return mx_dim(&b->model.dims, letter);
}

const char *dec_layer_type(dec_build *b, int n) {
    json_t *list = dec_at(b, "layer_types");
    if (!list || n >= b->d->layers) // of layers behind the last (ahead.c) it does not speak
        return NULL;
    const char *type = json_string_value(json_array_get(list, (size_t)n));
    if (!type)
        dec_refuse(b, "layer_types", "a text for each layer was expected");
    return type;
}
