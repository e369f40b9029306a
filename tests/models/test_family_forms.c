/* Files of families that are not converted, written here as others write them (GGUF, mlx-lm's
 * folders): they answer as Hugging Face's do.
 */
#include "graph/eval/eval.h"
#include "models/meta.h"
#include "tiny_models.h"

/* --- writing --------------------------------------------------------------------------------- */

enum { MOST = 400 };

typedef struct file {
    char name[MOST][96];
    mx_array *array[MOST];
    int count;
    mx_archive_writer *w;
    const json_t *config, *tensors;
} file;

static void add(file *f, const char *name, mx_array *a) {
    snprintf(f->name[f->count], sizeof *f->name, "%s", name);
    f->array[f->count++] = mx_contiguous(a, false);
}

static void number(file *f, const char *arch, const char *key, double v, mx_dtype t) {
    char full[128];
    snprintf(full, sizeof full, "%s.%s", arch, key);
    mx_archive_set_meta(f->w, full, mx_meta_of_array(mx_scalar(v, t)));
}

static void text(file *f, const char *key, const char *value) {
    mx_archive_set_meta(f->w, key, mx_meta_of_string(value));
}

static double said(const file *f, const char *key) {
    json_t *v = mx_json_at(f->config, key);
    CHECK_MSG(v, "%s", key);
    return json_number_value(v);
}

/* A tensor of the checkpoint. */
static mx_array *tensor(const file *f, const char *name) {
    int shape[8];
    json_t *list = json_object_get(f->tensors, name);
    return list ? tiny_tensor(name, shape, tiny_shape(list, shape)) : NULL;
}

/* "h.%d.ln_1.weight" of each layer, if it is there, under another name. */
typedef mx_array *change(mx_array *a);
static void rename_with(file *f, const char *from, const char *to, change *c) {
    int layers = (int)said(f, "n_layer|num_hidden_layers");
    bool each = strstr(from, "%d");
    for (int n = 0; n < (each ? layers : 1); n++) {
        char a[96], b[96];
        snprintf(a, sizeof a, from, n);
        snprintf(b, sizeof b, to, n);
        mx_array *x = tensor(f, a);
        if (x)
            add(f, b, c ? c(x) : x);
    }
}

static void rename_all(file *f, const char *const (*names)[2], size_t n) {
    static const char *const parts[] = {".weight", ".bias"};
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            char a[96], b[96];
            snprintf(a, sizeof a, "%s%s", names[i][0], parts[k]);
            snprintf(b, sizeof b, "%s%s", names[i][1], parts[k]);
            rename_with(f, a, b, NULL);
        }
}
#define RENAME(f, names) rename_all(f, names, sizeof names / sizeof *names)

/* --- the families ---------------------------------------------------------------------------- */

static mx_array *turned(mx_array *a) {
    return mx_transpose(a);
}

static void gpt2(file *f) {
    static const char *const names[][2] = {{"transformer.wte", "token_embd"},
                                           {"transformer.wpe", "position_embd"},
                                           {"transformer.ln_f", "output_norm"},
                                           {"transformer.h.%d.ln_1", "blk.%d.attn_norm"},
                                           {"transformer.h.%d.ln_2", "blk.%d.ffn_norm"}};
    static const char *const matrices[][2] = {{"attn.c_attn", "attn_qkv"},
                                              {"attn.c_proj", "attn_output"},
                                              {"mlp.c_fc", "ffn_up"},
                                              {"mlp.c_proj", "ffn_down"}};
    RENAME(f, names);
    for (int i = 0; i < 4; i++) {
        char a[96], b[96];
        snprintf(a, sizeof a, "transformer.h.%%d.%s.weight", matrices[i][0]);
        snprintf(b, sizeof b, "blk.%%d.%s.weight", matrices[i][1]);
        rename_with(f, a, b, turned);
        snprintf(a, sizeof a, "transformer.h.%%d.%s.bias", matrices[i][0]);
        snprintf(b, sizeof b, "blk.%%d.%s.bias", matrices[i][1]);
        rename_with(f, a, b, NULL);
    }
    number(f, "gpt2", "embedding_length", said(f, "n_embd"), MX_UINT32);
    number(f, "gpt2", "block_count", said(f, "n_layer"), MX_UINT32);
    number(f, "gpt2", "feed_forward_length", 4 * said(f, "n_embd"), MX_UINT32);
    number(f, "gpt2", "attention.head_count", said(f, "n_head"), MX_UINT32);
    number(f, "gpt2", "context_length", said(f, "n_positions"), MX_UINT32);
    number(f, "gpt2", "attention.layer_norm_epsilon", said(f, "layer_norm_epsilon"), MX_FLOAT32);
}

static mx_array *rate(mx_array *a) {
    return mx_expand_dim(mx_negative(mx_exp(a)), 1);
}
static mx_array *column(mx_array *a) {
    return mx_expand_dim(a, 1);
}
static mx_array *without_middle(mx_array *a) {
    return mx_squeeze_axis(a, 1);
}
static mx_array *two_groups(mx_array *a) {
    return mx_reshape(a, (const int[]){2, -1}, 2);
}

static void mamba2(file *f) {
    static const char *const names[][2] = {{"backbone.embeddings", "token_embd"},
                                           {"backbone.norm_f", "output_norm"},
                                           {"lm_head", "output"},
                                           {"backbone.layers.%d.norm", "blk.%d.attn_norm"},
                                           {"backbone.layers.%d.mixer.in_proj", "blk.%d.ssm_in"},
                                           {"backbone.layers.%d.mixer.out_proj", "blk.%d.ssm_out"}};
    RENAME(f, names);
    rename_with(f, "backbone.layers.%d.mixer.conv1d.weight", "blk.%d.ssm_conv1d.weight",
                without_middle);
    rename_with(f, "backbone.layers.%d.mixer.conv1d.bias", "blk.%d.ssm_conv1d.bias", NULL);
    rename_with(f, "backbone.layers.%d.mixer.dt_bias", "blk.%d.ssm_dt.bias", NULL);
    rename_with(f, "backbone.layers.%d.mixer.A_log", "blk.%d.ssm_a", rate);
    rename_with(f, "backbone.layers.%d.mixer.D", "blk.%d.ssm_d", column);
    rename_with(f, "backbone.layers.%d.mixer.norm.weight", "blk.%d.ssm_norm.weight", two_groups);
    number(f, "mamba2", "embedding_length", said(f, "hidden_size"), MX_UINT32);
    number(f, "mamba2", "block_count", said(f, "num_hidden_layers"), MX_UINT32);
    number(f, "mamba2", "context_length", 1 << 20, MX_UINT32);
    number(f, "mamba2", "feed_forward_length", 0, MX_UINT32);
    number(f, "mamba2", "attention.head_count", 0, MX_UINT32);
    number(f, "mamba2", "ssm.conv_kernel", said(f, "conv_kernel"), MX_UINT32);
    number(f, "mamba2", "ssm.inner_size", 2 * said(f, "hidden_size"), MX_UINT32);
    number(f, "mamba2", "ssm.state_size", said(f, "state_size"), MX_UINT32);
    number(f, "mamba2", "ssm.time_step_rank", said(f, "num_heads"), MX_UINT32);
    number(f, "mamba2", "ssm.group_count", said(f, "n_groups"), MX_UINT32);
    number(f, "mamba2", "attention.layer_norm_rms_epsilon", said(f, "layer_norm_epsilon"),
           MX_FLOAT32);
}

static void attention_numbers(file *f, const char *arch) {
    number(f, arch, "embedding_length", said(f, "hidden_size"), MX_UINT32);
    number(f, arch, "block_count", said(f, "num_hidden_layers"), MX_UINT32);
    number(f, arch, "context_length", said(f, "max_position_embeddings"), MX_UINT32);
    number(f, arch, "attention.head_count", said(f, "num_attention_heads"), MX_UINT32);
    number(f, arch, "rope.freq_base", said(f, "rope_parameters.rope_theta"), MX_FLOAT32);
}

static void lfm2(file *f) {
    static const char *const names[][2] = {
        {"model.embed_tokens", "token_embd"},
        {"model.embedding_norm", "token_embd_norm"},
        {"model.layers.%d.operator_norm", "blk.%d.attn_norm"},
        {"model.layers.%d.ffn_norm", "blk.%d.ffn_norm"},
        {"model.layers.%d.self_attn.q_proj", "blk.%d.attn_q"},
        {"model.layers.%d.self_attn.k_proj", "blk.%d.attn_k"},
        {"model.layers.%d.self_attn.v_proj", "blk.%d.attn_v"},
        {"model.layers.%d.self_attn.out_proj", "blk.%d.attn_output"},
        {"model.layers.%d.self_attn.q_layernorm", "blk.%d.attn_q_norm"},
        {"model.layers.%d.self_attn.k_layernorm", "blk.%d.attn_k_norm"},
        {"model.layers.%d.conv.in_proj", "blk.%d.shortconv.in_proj"},
        {"model.layers.%d.conv.out_proj", "blk.%d.shortconv.out_proj"},
        {"model.layers.%d.feed_forward.w1", "blk.%d.ffn_gate"},
        {"model.layers.%d.feed_forward.w2", "blk.%d.ffn_down"},
        {"model.layers.%d.feed_forward.w3", "blk.%d.ffn_up"}};
    const int32_t heads[] = {0, 2, 0, 2}; // keys and values of each layer
    RENAME(f, names);
    rename_with(f, "model.layers.%d.conv.conv.weight", "blk.%d.shortconv.conv.weight",
                without_middle);
    attention_numbers(f, "lfm2");
    number(f, "lfm2", "feed_forward_length", 256, MX_UINT32);
    number(f, "lfm2", "shortconv.l_cache", said(f, "conv_L_cache"), MX_UINT32);
    number(f, "lfm2", "attention.layer_norm_rms_epsilon", said(f, "norm_eps"), MX_FLOAT32);
    mx_archive_set_meta(f->w, "lfm2.attention.head_count_kv",
                        mx_meta_of_array(mx_array_from(heads, &(int){4}, 1, MX_INT32)));
}

/* Rows of gate and up take turns in columns. */
static mx_array *evens(mx_array *a) {
    mx_array *pairs = mx_unflatten(a, -1, (const int[]){-1, 2}, 2);
    mx_array *half = mx_squeeze_axis(mx_slice_axis(pairs, -1, 0, 1), -1);
    return half && half->ndim == 3 ? mx_swapaxes(half, -1, -2) : half;
}
static mx_array *odds(mx_array *a) {
    mx_array *pairs = mx_unflatten(a, -1, (const int[]){-1, 2}, 2);
    mx_array *half = mx_squeeze_axis(mx_slice_axis(pairs, -1, 1, 2), -1);
    return half && half->ndim == 3 ? mx_swapaxes(half, -1, -2) : half;
}
static mx_array *swapped(mx_array *a) {
    return mx_swapaxes(a, -1, -2);
}

static void gpt_oss(file *f) {
    static const char *const names[][2] = {
        {"model.embed_tokens", "token_embd"},
        {"model.norm", "output_norm"},
        {"lm_head", "output"},
        {"model.layers.%d.input_layernorm", "blk.%d.attn_norm"},
        {"model.layers.%d.post_attention_layernorm", "blk.%d.post_attention_norm"},
        {"model.layers.%d.self_attn.q_proj", "blk.%d.attn_q"},
        {"model.layers.%d.self_attn.k_proj", "blk.%d.attn_k"},
        {"model.layers.%d.self_attn.v_proj", "blk.%d.attn_v"},
        {"model.layers.%d.self_attn.o_proj", "blk.%d.attn_output"},
        {"model.layers.%d.mlp.router", "blk.%d.ffn_gate_inp"}};
    static const char experts[] = "model.layers.%d.mlp.experts.";
    char a[96];
    RENAME(f, names);
    rename_with(f, "model.layers.%d.self_attn.sinks", "blk.%d.attn_sinks.weight", NULL);
    snprintf(a, sizeof a, "%sgate_up_proj", experts);
    rename_with(f, a, "blk.%d.ffn_gate_exps.weight", evens);
    rename_with(f, a, "blk.%d.ffn_up_exps.weight", odds);
    snprintf(a, sizeof a, "%sgate_up_proj_bias", experts);
    rename_with(f, a, "blk.%d.ffn_gate_exps.bias", evens);
    rename_with(f, a, "blk.%d.ffn_up_exps.bias", odds);
    snprintf(a, sizeof a, "%sdown_proj", experts);
    rename_with(f, a, "blk.%d.ffn_down_exps.weight", swapped);
    snprintf(a, sizeof a, "%sdown_proj_bias", experts);
    rename_with(f, a, "blk.%d.ffn_down_exps.bias", NULL);
    attention_numbers(f, "gpt-oss");
    number(f, "gpt-oss", "attention.head_count_kv", said(f, "num_key_value_heads"), MX_UINT32);
    number(f, "gpt-oss", "attention.key_length", said(f, "head_dim"), MX_UINT32);
    number(f, "gpt-oss", "attention.value_length", said(f, "head_dim"), MX_UINT32);
    number(f, "gpt-oss", "attention.sliding_window", said(f, "sliding_window"), MX_UINT32);
    number(f, "gpt-oss", "feed_forward_length", said(f, "intermediate_size"), MX_UINT32);
    number(f, "gpt-oss", "expert_feed_forward_length", said(f, "intermediate_size"), MX_UINT32);
    number(f, "gpt-oss", "expert_count", said(f, "num_local_experts"), MX_UINT32);
    number(f, "gpt-oss", "expert_used_count", said(f, "num_experts_per_tok"), MX_UINT32);
    number(f, "gpt-oss", "attention.layer_norm_rms_epsilon", said(f, "rms_norm_eps"), MX_FLOAT32);
    text(f, "gpt-oss.rope.scaling.type", "yarn");
    number(f, "gpt-oss", "rope.scaling.factor", said(f, "rope_parameters.factor"), MX_FLOAT32);
    number(f, "gpt-oss", "rope.scaling.original_context_length",
           said(f, "rope_parameters.original_max_position_embeddings"), MX_UINT32);
}

/* A stack of what lies expert by expert. */
static void stack_experts(file *f, const char *from, const char *to) {
    for (int n = 0; n < (int)said(f, "num_hidden_layers"); n++) {
        mx_array *list[16];
        char a[128], b[96];
        int e = 0;
        for (; e < (int)said(f, "n_routed_experts"); e++) {
            snprintf(a, sizeof a, "model.layers.%d.mlp.experts.%d.%s.weight", n, e, from);
            if (!(list[e] = tensor(f, a)))
                break;
        }
        snprintf(b, sizeof b, "blk.%d.%s.weight", n, to);
        if (e)
            add(f, b, mx_stack(list, e, 0));
    }
}

/* kv_b_proj in two stacks. */
static void two_stacks(file *f, const char *keys, const char *values) {
    int heads = (int)said(f, "num_attention_heads"), still = (int)said(f, "qk_nope_head_dim"),
        value = (int)said(f, "v_head_dim"), rank = (int)said(f, "kv_lora_rank");
    for (int n = 0; n < (int)said(f, "num_hidden_layers"); n++) {
        char name[96];
        snprintf(name, sizeof name, "model.layers.%d.self_attn.kv_b_proj.weight", n);
        mx_array *all = mx_reshape(tensor(f, name), (const int[]){heads, still + value, rank}, 3);
        snprintf(name, sizeof name, keys, n);
        add(f, name, mx_swapaxes(mx_slice_axis(all, 1, 0, still), 1, 2));
        snprintf(name, sizeof name, values, n);
        add(f, name, mx_slice_axis(all, 1, still, still + value));
    }
}

/* gating: 1 softmax, 2 sigmoid. */
static void deepseek_of(file *f, int gating) {
    static const char *const names[][2] = {
        {"model.embed_tokens", "token_embd"},
        {"model.norm", "output_norm"},
        {"lm_head", "output"},
        {"model.layers.%d.input_layernorm", "blk.%d.attn_norm"},
        {"model.layers.%d.post_attention_layernorm", "blk.%d.ffn_norm"},
        {"model.layers.%d.self_attn.q_proj", "blk.%d.attn_q"},
        {"model.layers.%d.self_attn.q_a_proj", "blk.%d.attn_q_a"},
        {"model.layers.%d.self_attn.q_a_layernorm", "blk.%d.attn_q_a_norm"},
        {"model.layers.%d.self_attn.q_b_proj", "blk.%d.attn_q_b"},
        {"model.layers.%d.self_attn.kv_a_proj_with_mqa", "blk.%d.attn_kv_a_mqa"},
        {"model.layers.%d.self_attn.kv_a_layernorm", "blk.%d.attn_kv_a_norm"},
        {"model.layers.%d.self_attn.o_proj", "blk.%d.attn_output"},
        {"model.layers.%d.mlp.gate_proj", "blk.%d.ffn_gate"},
        {"model.layers.%d.mlp.up_proj", "blk.%d.ffn_up"},
        {"model.layers.%d.mlp.down_proj", "blk.%d.ffn_down"},
        {"model.layers.%d.mlp.gate", "blk.%d.ffn_gate_inp"},
        {"model.layers.%d.mlp.shared_experts.gate_proj", "blk.%d.ffn_gate_shexp"},
        {"model.layers.%d.mlp.shared_experts.up_proj", "blk.%d.ffn_up_shexp"},
        {"model.layers.%d.mlp.shared_experts.down_proj", "blk.%d.ffn_down_shexp"}};
    static const struct {
        const char *config, *key;
    } sizes[] = {{"n_routed_experts", "expert_count"},
                 {"num_experts_per_tok", "expert_used_count"},
                 {"n_shared_experts", "expert_shared_count"},
                 {"moe_intermediate_size", "expert_feed_forward_length"},
                 {"first_k_dense_replace", "leading_dense_block_count"},
                 {"intermediate_size", "feed_forward_length"},
                 {"kv_lora_rank", "attention.kv_lora_rank"},
                 {"qk_rope_head_dim", "rope.dimension_count"},
                 {"v_head_dim", "attention.value_length_mla"},
                 {"qk_head_dim", "attention.key_length_mla"}};
    const char arch[] = "deepseek2";
    RENAME(f, names);
    rename_with(f, "model.layers.%d.mlp.gate.e_score_correction_bias", "blk.%d.exp_probs_b.bias",
                NULL);
    stack_experts(f, "gate_proj", "ffn_gate_exps");
    stack_experts(f, "up_proj", "ffn_up_exps");
    stack_experts(f, "down_proj", "ffn_down_exps");
    two_stacks(f, "blk.%d.attn_k_b.weight", "blk.%d.attn_v_b.weight");
    attention_numbers(f, arch);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        number(f, arch, sizes[i].key, said(f, sizes[i].config), MX_UINT32);
    if (mx_json_at(f->config, "q_lora_rank"))
        number(f, arch, "attention.q_lora_rank", said(f, "q_lora_rank"), MX_UINT32);
    if (mx_json_at(f->config, "n_group")) {
        number(f, arch, "expert_group_count", said(f, "n_group"), MX_UINT32);
        number(f, arch, "expert_group_used_count", said(f, "topk_group"), MX_UINT32);
    }
    number(f, arch, "attention.head_count_kv", 1, MX_UINT32);
    number(f, arch, "attention.key_length", said(f, "kv_lora_rank") + said(f, "qk_rope_head_dim"),
           MX_UINT32);
    number(f, arch, "attention.value_length", said(f, "kv_lora_rank"), MX_UINT32);
    number(f, arch, "attention.layer_norm_rms_epsilon", said(f, "rms_norm_eps"), MX_FLOAT32);
    number(f, arch, "expert_weights_scale", said(f, "routed_scaling_factor"), MX_FLOAT32);
    number(f, arch, "expert_weights_norm", json_is_true(mx_json_at(f->config, "norm_topk_prob")),
           MX_BOOL);
    number(f, arch, "expert_gating_func", gating, MX_UINT32);
    if (!mx_json_at(f->config, "rope_parameters.factor"))
        return;
    text(f, "deepseek2.rope.scaling.type", "yarn");
    number(f, arch, "rope.scaling.factor", said(f, "rope_parameters.factor"), MX_FLOAT32);
    number(f, arch, "rope.scaling.original_context_length",
           said(f, "rope_parameters.original_max_position_embeddings"), MX_UINT32);
    number(f, arch, "rope.scaling.yarn_log_multiplier",
           0.1 * said(f, "rope_parameters.mscale_all_dim"), MX_FLOAT32);
}

static void deepseek2(file *f) {
    deepseek_of(f, 1);
}
static void deepseek3(file *f) {
    deepseek_of(f, 2);
}

/* --- beside the folders ---------------------------------------------------------------------- */

static bool finish(file *f) {
    for (int i = 0; i < f->count; i++)
        mx_archive_declare(f->w, f->name[i], "float32", f->array[i]->shape, f->array[i]->ndim);
    for (int i = 0; i < f->count; i++)
        mx_archive_put(f->w, f->name[i], f->array[i]);
    bool ok = mx_archive_finish(f->w);
    mx_archive_writer_free(f->w);
    return CHECK_MSG(ok, "%s", mx_error_message());
}

static void compare(const tiny_model *t, const char *name, const char *path) {
    mx_span span = {0, t->count, 0, NULL};
    mx_pass pass = {.token = t->tokens, .rows = t->count, .span = &span, .spans = 1};
    mx_decoder *d = mx_decoder_open(path);
    mx_array *a = d ? mx_contiguous(mx_decoder_graph(d, &pass), false) : NULL;
    if (CHECK_MSG(a && mx_eval1(a), "%s: %s", name, mx_error_message())) {
        double far = tiny_distance(t, (const float *)(const void *)a->data, 0, t->count);
        CHECK_MSG(far < 1e-4, "%s: %.3g away", name, far);
    }
    mx_decoder_release(d);
    mx_error_clear();
}

static void one(const char *name, const char *arch, void (*fill)(file *f)) {
    tiny_model t;
    static file f;
    char path[600];
    mx_scope scope = mx_scope_open();
    if (tiny_open(&t, name)) {
        snprintf(path, sizeof path, "%s.gguf", t.path);
        f = (file){.w = mx_archive_create(path, "gguf", 0),
                   .config = json_object_get(t.document, "config"),
                   .tensors = json_object_get(t.document, "tensors")};
        text(&f, "general.architecture", arch);
        fill(&f);
        if (finish(&f))
            compare(&t, name, path);
    }
    mx_scope_close(scope);
    tiny_close(&t);
}

/* --- folders of mlx-lm ----------------------------------------------------------------------- */

static mx_array *exchanged(mx_array *a) {
    return mx_swapaxes(a, 1, 2);
}
static mx_array *one_more(mx_array *a) {
    return mx_add_s(a, 1);
}

/* What comes of a tensor; NULL: it is left out. */
typedef mx_array *form(const file *f, const char *name, mx_array *a);

/* Norms have 1 added, convolutions their last axes exchanged. */
static mx_array *qwen3_next(const file *f, const char *name, mx_array *a) {
    (void)f;
    if (strstr(name, "conv1d"))
        return exchanged(a);
    return strstr(name, "norm") && !strstr(name, "linear_attn.norm") ? one_more(a) : a;
}

static mx_array *lfm2_of_mlx(const file *f, const char *name, mx_array *a) {
    (void)f;
    return strstr(name, "conv.conv") ? exchanged(a) : a;
}

/* kv_b_proj in two stacks. */
static mx_array *deepseek(const file *f, const char *name, mx_array *a) {
    (void)f;
    return strstr(name, "kv_b_proj") ? NULL : a;
}

static void stacks_of_mlx(file *f) {
    two_stacks(f, "model.layers.%d.self_attn.embed_q.weight",
               "model.layers.%d.self_attn.unembed_out.weight");
}

static void folder_of(const char *name, form *of, void (*more)(file *f)) {
    tiny_model t;
    static file f;
    char path[600];
    const char *tensor_name;
    json_t *list;
    mx_scope scope = mx_scope_open();
    if (tiny_open(&t, name)) {
        snprintf(path, sizeof path, "%s/model.safetensors", t.path);
        f = (file){.config = json_object_get(t.document, "config"),
                   .tensors = json_object_get(t.document, "tensors")};
        json_object_foreach((json_t *)(uintptr_t)f.tensors, tensor_name, list) {
            mx_array *a = of(&f, tensor_name, tensor(&f, tensor_name));
            if (a)
                add(&f, tensor_name, a);
        }
        if (more)
            more(&f);
        f.w = mx_archive_create(path, "safetensors", 0);
        if (finish(&f))
            compare(&t, name, t.path);
    }
    mx_scope_close(scope);
    tiny_close(&t);
}

static void folders(void) {
    folder_of("qwen3_next.json", qwen3_next, NULL);
    folder_of("lfm2.json", lfm2_of_mlx, NULL);
    folder_of("deepseek_v2.json", deepseek, stacks_of_mlx);
    folder_of("deepseek_v3.json", deepseek, stacks_of_mlx);
}

static void files(void) {
    one("gpt2.json", "gpt2", gpt2);
    one("mamba2.json", "mamba2", mamba2);
    one("lfm2.json", "lfm2", lfm2);
    one("gpt_oss.json", "gpt-oss", gpt_oss);
    one("deepseek_v2.json", "deepseek2", deepseek2);
    one("deepseek_v2_groups.json", "deepseek2", deepseek2);
    one("deepseek_v3.json", "deepseek2", deepseek3);
    one("deepseek_v3_yarn.json", "deepseek2", deepseek3);
}

int main(void) {
    RUN(files);
    RUN(folders);
    files_done();
    return check_done();
}
