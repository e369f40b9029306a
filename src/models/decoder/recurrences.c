/* What stands in attention's place: see build.h. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/build.h"
#include "ops/ops.h"

/* (channels, 1, width), or as MLX has it (channels, width, 1), or without the 1. */
static bool convolution(dec_build *b, const char *module, int n, mx_recurrence *r) {
    mx_array *w = NULL;
    if (!dec_vector(b, module, n, "weight", &w) || !dec_vector(b, module, n, "bias", &r->conv_bias))
        return false;
    if (!w || w->ndim < 2 || w->ndim > 3 || (w->ndim == 3 && w->shape[1] != 1 && w->shape[2] != 1))
        return mx_fail(MX_FORMAT, "[model] '%s': %s of layer %d is no convolution of channels",
                       b->name, module, n);
    r->width = (int)(w->size / (w->shape[0] ? w->shape[0] : 1));
    mx_scope scope = mx_scope_open();
    r->conv = dec_settle(b, mx_reshape(w, (const int[]){w->shape[0], r->width}, 2));
    mx_scope_close(scope);
    return r->conv != NULL;
}

static void sizes_of(const dec_build *b, mx_recurrence *r) {
    r->heads = (int)dec_dim(b, 'u');
    r->groups = (int)dec_dim(b, 'g');
    r->key_dim = (int)dec_dim(b, 'x');
    r->value_dim = (int)dec_dim(b, 'y');
}

static bool vectors(dec_build *b, int n, mx_recurrence *r) {
    return dec_bare(b, "blk.{n}.ssm_a", n, &r->a_log) &&
           dec_bare(b, "blk.{n}.ssm_dt.bias", n, &r->dt_bias) &&
           dec_bare(b, "blk.{n}.ssm_d", n, &r->d) &&
           dec_vector(b, "blk.{n}.ssm_norm", n, "weight", &r->norm.weight);
}

static bool norm_of(dec_build *b, const char *eps, mx_recurrence *r) {
    r->norm.kind = MX_NORM_RMS;
    r->norm.eps = (float)dec_number(b, eps, 1e-6);
    return r->heads > 0 && r->groups > 0 && r->heads % r->groups == 0
               ? true
               : dec_refuse(b, "n_groups", "into which heads cannot be parted");
}

/* --- mamba2 ---------------------------------------------------------------------------------- */

/* GGUF has -exp(a_log), and vectors as columns. */
static bool as_vectors(dec_build *b, mx_recurrence *r) {
    mx_scope scope = mx_scope_open();
    if (b->model.is_gguf && r->a_log)
        r->a_log = dec_settle(b, mx_log(mx_negative(mx_flatten(r->a_log, 0, -1))));
    if (r->d && r->d->ndim > 1)
        r->d = dec_settle(b, mx_flatten(r->d, 0, -1));
    if (r->norm.weight && r->norm.weight->ndim > 1)
        r->norm.weight = dec_settle(b, mx_flatten(r->norm.weight, 0, -1));
    mx_scope_close(scope);
    return !mx_failed();
}

static double limit(dec_build *b, size_t i, double other) {
    json_t *v = json_array_get(dec_at(b, "time_step_limit"), i);
    double x = json_is_number(v) ? json_number_value(v) : other;
    return x < 1e30 ? x : INFINITY;
}

bool dec_mamba2(dec_build *b, int n, mx_layer *l) {
    mx_recurrence *r = &l->recurrence;
    mx_activation act;
    l->mixer = MX_MIXER_MAMBA2;
    sizes_of(b, r);
    r->dt_least = (float)limit(b, 0, 0);
    r->dt_most = (float)limit(b, 1, INFINITY);
    r->norm_groups = r->groups;
    if (!dec_activation(b, &act) || act != MX_ACT_SILU)
        return dec_refuse(b, "hidden_act", "silu was expected");
    return norm_of(b, "layer_norm_epsilon", r) && dec_matrix(b, "blk.{n}.ssm_in", n, &r->in) &&
           dec_matrix(b, "blk.{n}.ssm_out", n, &r->output) && vectors(b, n, r) &&
           as_vectors(b, r) && convolution(b, "blk.{n}.ssm_conv1d", n, r) &&
           dec_need(b, &r->in, "ssm_in", n) && dec_need(b, &r->output, "ssm_out", n);
}

/* --- gated delta ----------------------------------------------------------------------------- */

/* Rows of one kind of all groups, which lie group by group: `size` rows behind `before` others of
   the `all` that a group has. */
static int *of_groups(int *out, int groups, int all, int before, int size) {
    for (int g = 0; g < groups; g++)
        for (int i = 0; i < size; i++)
            *out++ = g * all + before + i;
    return out;
}

static bool sorted(dec_build *b, const mx_weight *w, int groups, const int *size, int kinds,
                   mx_weight *out) {
    int all = 0, before = 0;
    int *rows = mx_malloc((size_t)w->out * sizeof *rows), *end = rows;
    for (int i = 0; i < kinds; i++)
        all += size[i];
    for (int i = 0; rows && (int64_t)all * groups == w->out && i < kinds; i++) {
        end = of_groups(end, groups, all, before, size[i]);
        before += size[i];
    }
    bool fits = rows && end - rows == w->out;
    bool ok = fits ? dec_pick_rows(b, w, rows, (int)w->out, out)
                   : dec_refuse(b, "linear_num_key_heads", "and the matrices have other rows");
    mx_free(rows);
    return ok;
}

/* GGUF may have the rows in two matrices, in order. */
static bool joined(dec_build *b, int n, mx_weight *out) {
    mx_weight qkv, gate;
    return dec_matrix(b, "blk.{n}.attn_qkv", n, &qkv) && dec_need(b, &qkv, "in_proj_qkvz", n) &&
           dec_matrix(b, "blk.{n}.attn_gate", n, &gate) && dec_need(b, &gate, "attn_gate", n) &&
           dec_join_rows(b, &qkv, &gate, out);
}

/* q, k, v, z of each group one after the other; b, a likewise. */
static bool delta_matrices(dec_build *b, int n, mx_recurrence *r) {
    mx_weight in, more;
    int each = r->heads / r->groups, values = each * r->value_dim;
    const int four[] = {r->key_dim, r->key_dim, values, values}, two[] = {each, each};
    if (!dec_matrix(b, "blk.{n}.ssm_in", n, &in) ||
        !(in.kind == MX_WEIGHT_NONE ? joined(b, n, &r->in)
                                    : sorted(b, &in, r->groups, four, 4, &r->in)))
        return false;
    return dec_matrix(b, "blk.{n}.ssm_ba", n, &more) && dec_need(b, &more, "in_proj_ba", n) &&
           sorted(b, &more, r->groups, two, 2, &r->in_more) &&
           dec_matrix(b, "blk.{n}.ssm_out", n, &r->output) &&
           dec_need(b, &r->output, "out_proj", n);
}

static bool delta(dec_build *b, int n, mx_layer *l) {
    mx_recurrence *r = &l->recurrence;
    l->mixer = MX_MIXER_GATED_DELTA;
    sizes_of(b, r);
    r->norm_groups = r->heads;
    r->gate_after_norm = true;
    return norm_of(b, "rms_norm_eps", r) && delta_matrices(b, n, r) && vectors(b, n, r) &&
           as_vectors(b, r) && convolution(b, "blk.{n}.ssm_conv1d", n, r);
}

/* layer_types says which; without it each so many-th layer has attention. */
static bool is_attention(dec_build *b, int n, const char *other) {
    const char *type = dec_layer_type(b, n);
    int64_t every = dec_size(b, "full_attention_interval", 4);
    if (n >= b->d->layers)
        return true; // behind the last (ahead.c)
    if (!type)
        return every && (n + 1) % every == 0;
    if (strcmp(type, "full_attention") && strcmp(type, other))
        dec_refuse(b, "layer_types", "of which one is not known to this family");
    return strcmp(type, other);
}

bool dec_delta_or_attention(dec_build *b, int n, mx_layer *l) {
    return is_attention(b, n, "linear_attention") ? dec_attention(b, n, l) : delta(b, n, l);
}

/* --- short convolutions ---------------------------------------------------------------------- */

static bool short_conv(dec_build *b, int n, mx_layer *l) {
    mx_recurrence *r = &l->recurrence;
    l->mixer = MX_MIXER_SHORT_CONV;
    return dec_matrix(b, "blk.{n}.shortconv.in_proj", n, &r->in) &&
           dec_matrix(b, "blk.{n}.shortconv.out_proj", n, &r->output) &&
           convolution(b, "blk.{n}.shortconv.conv", n, r) &&
           dec_need(b, &r->in, "shortconv.in_proj", n) &&
           dec_need(b, &r->output, "shortconv.out_proj", n);
}

/* Without layer_types the tensors say which. */
static bool has_attention(dec_build *b, int n) {
    mx_weight q;
    if (dec_layer_type(b, n))
        return is_attention(b, n, "conv");
    return dec_matrix(b, "blk.{n}.attn_q", n, &q) && q.kind != MX_WEIGHT_NONE;
}

bool dec_conv_or_attention(dec_build *b, int n, mx_layer *l) {
    return has_attention(b, n) ? dec_attention(b, n, l) : short_conv(b, n, l);
}
