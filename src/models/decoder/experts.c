/* Mixtures of experts: see build.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/build.h"
#include "ops/ops.h"

/* --- every family ---------------------------------------------------------------------------- */

static bool stacks(dec_build *b, int n, mx_experts *e) {
    return dec_activation(b, &e->feed.act) &&
           dec_matrix(b, "blk.{n}.ffn_gate_exps", n, &e->feed.gate) &&
           dec_matrix(b, "blk.{n}.ffn_up_exps", n, &e->feed.up) &&
           dec_matrix(b, "blk.{n}.ffn_down_exps", n, &e->feed.down);
}

static bool shared(dec_build *b, int n, mx_experts *e) {
    e->shared.act = e->feed.act;
    return dec_matrix(b, "blk.{n}.ffn_gate_shexp", n, &e->shared.gate) &&
           dec_matrix(b, "blk.{n}.ffn_up_shexp", n, &e->shared.up) &&
           dec_matrix(b, "blk.{n}.ffn_down_shexp", n, &e->shared.down) &&
           dec_matrix(b, "blk.{n}.ffn_gate_inp_shexp", n, &e->shared_gate);
}

bool dec_experts(dec_build *b, int n, mx_experts *e) {
    if (!dec_matrix(b, "blk.{n}.ffn_gate_inp", n, &e->router))
        return false;
    if (e->router.kind == MX_WEIGHT_NONE)
        return true;
    e->count = (int)dec_dim(b, 'e');
    e->used = (int)dec_size(b, "num_experts_per_tok", 0);
    e->normalized = true;
    e->scale = 1;
    if (e->used < 1 || e->used > e->count)
        return dec_refuse(b, "num_experts_per_tok", "and that many experts there are not");
    return stacks(b, n, e) && shared(b, n, e) &&
           (!b->trait->experts || b->trait->experts(b, n, e)) &&
           dec_need(b, &e->feed.up, "ffn_up_exps", n) &&
           dec_need(b, &e->feed.down, "ffn_down_exps", n);
}

/* --- qwen, deepseek -------------------------------------------------------------------------- */

bool dec_qwen_experts(dec_build *b, int n, mx_experts *e) {
    (void)n;
    bool second = strcmp(b->d->family->name, "qwen2_moe") == 0;
    e->normalized = dec_flag(b, "norm_topk_prob", !second);
    if (second)
        dec_flag(b, "qkv_bias", true); // tensors say it
    return !mx_failed();
}

static bool deepseek_groups(dec_build *b, mx_experts *e) {
    const char *method = dec_text(b, "topk_method");
    bool grouped = !method || strcmp(method, "greedy");
    e->groups = (int)dec_size(b, "n_group", 0);
    e->used_groups = (int)dec_size(b, "topk_group", 0);
    if (!grouped || e->groups <= 1)
        e->groups = e->used_groups = 0;
    if (method && !mx_name_is_of(method, "greedy|group_limited_greedy|noaux_tc"))
        return dec_refuse(b, "topk_method", "which is not known");
    bool ok = !e->groups ||
              (e->count % e->groups == 0 && e->used_groups >= 1 && e->used_groups <= e->groups &&
               e->count / e->groups * e->used_groups >= e->used);
    return ok || dec_refuse(b, "n_group", "into which experts cannot be parted");
}

/* GGUF numbers it. */
static const char *scoring_of(dec_build *b) {
    char key[96];
    double v;
    snprintf(key, sizeof key, "%s.expert_gating_func", b->d->family->arch);
    if (!b->model.is_gguf || !mx_meta_number(&b->model.archive->meta, key, &v))
        return dec_text(b, "scoring_func");
    return v == 1 ? "softmax" : v == 2 ? "sigmoid" : "odd";
}

bool dec_deepseek_experts(dec_build *b, int n, mx_experts *e) {
    bool third = strcmp(b->d->family->name, "deepseek_v2") != 0;
    const char *scoring = scoring_of(b);
    bool sigmoid = scoring ? strcmp(scoring, "sigmoid") == 0 : third;
    if (scoring && !mx_name_is_of(scoring, "sigmoid|softmax"))
        return dec_refuse(b, "scoring_func", "which is not known");
    if (dec_size(b, "moe_layer_freq", 1) != 1)
        return dec_refuse(b, "moe_layer_freq", "1 was expected");
    e->bare_router = true;
    e->route = sigmoid ? MX_ROUTE_SIGMOID : MX_ROUTE_SOFTMAX;
    e->normalized = dec_flag(b, "norm_topk_prob", third);
    e->scale = (float)dec_number(b, "routed_scaling_factor", 1);
    return deepseek_groups(b, e) && dec_bare(b, "blk.{n}.exp_probs_b.bias", n, &e->choice_bias);
}

/* --- gpt-oss --------------------------------------------------------------------------------- */

static const char gate_up[] = "model.layers.{n}.mlp.experts.gate_up_proj";
static const char down[] = "model.layers.{n}.mlp.experts.down_proj";

/* "model.layers.{n}.mlp.experts.down_proj_blocks" */
static mx_array *raw(dec_build *b, const char *module, const char *ending, int n) {
    char name[128];
    size_t k = strlen(module);
    memcpy(name, module, k);
    strcpy(name + k, ending);
    return dec_raw(b, name, n);
}

/* Bytes of mxfp4 (e, rows, groups, 16) and scales (e, rows, groups): the same codes are words. */
static bool of_bytes(dec_build *b, const char *module, int n, mx_weight *out) {
    mx_array *bytes = raw(b, module, "_blocks", n), *scales = raw(b, module, "_scales", n);
    mx_quant_format f = {MX_MXFP4, 4, 32};
    if (!bytes || !scales)
        return !mx_failed();
    if (bytes->ndim != 4 || bytes->shape[3] != 16 || bytes->dtype != MX_UINT8 ||
        scales->dtype != MX_UINT8 || scales->ndim != 3 ||
        memcmp(bytes->shape, scales->shape, 3 * sizeof *bytes->shape) != 0)
        return dec_refuse(b, "quantization_config", "and experts lie otherwise");
    mx_array *words = mx_view_as(mx_contiguous(mx_flatten(bytes, 2, 3), false), MX_UINT32);
    return dec_words(b, words, scales, NULL, f, out);
}

/* As Hugging Face has them: (e, in, out), or bytes. */
static bool turned_stack(dec_build *b, const char *module, int n, mx_weight *out) {
    mx_scope scope = mx_scope_open();
    mx_array *a = dec_raw(b, module, n), *bias = raw(b, module, "_bias", n);
    bool ok = !mx_failed() &&
              (a ? dec_dense(b, mx_swapaxes(a, -1, -2), out) : of_bytes(b, module, n, out));
    if (ok && bias)
        out->bias = dec_settle(b, mx_astype(bias, MX_FLOAT32));
    mx_scope_close(scope);
    return ok && !mx_failed();
}

/* Rows of gate and up take turns. */
static bool gate_and_up(dec_build *b, const mx_weight *both, mx_feed *f) {
    int rows = (int)(both->out / 2);
    int *which = mx_malloc((size_t)both->out * sizeof *which);
    for (int i = 0; which && i < rows; i++) {
        which[i] = 2 * i;
        which[rows + i] = 2 * i + 1;
    }
    bool ok = which && dec_pick_rows(b, both, which, rows, &f->gate) &&
              dec_pick_rows(b, both, which + rows, rows, &f->up);
    mx_free(which);
    return ok;
}

bool dec_gpt_oss_experts(dec_build *b, int n, mx_experts *e) {
    mx_weight both = {0};
    e->after_choice = true;
    if (dec_number(b, "swiglu_limit", 7) != 7 || dec_number(b, "swiglu_alpha", 1.702) != 1.702)
        return dec_refuse(b, "swiglu_limit", "7 and an alpha of 1.702 were expected");
    if (e->feed.up.kind != MX_WEIGHT_NONE)
        return true;
    if (!turned_stack(b, gate_up, n, &both) || !turned_stack(b, down, n, &e->feed.down) ||
        !dec_need(b, &both, "gate_up_proj", n))
        return false;
    return gate_and_up(b, &both, &e->feed);
}
