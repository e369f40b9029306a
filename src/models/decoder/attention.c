/* Attention of a layer: see build.h. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/build.h"
#include "ops/ops.h"

/* --- what a layer sees ----------------------------------------------------------------------- */

static dec_sight sight_of_type(dec_build *b, const char *type) {
    if (strcmp(type, "sliding_attention") == 0)
        return DEC_WINDOW;
    if (strcmp(type, "full_attention"))
        dec_refuse(b, "layer_types", "of which one is not known to this family");
    return DEC_ALL;
}

/* qwen: from one layer on, where it is asked for at all. */
static dec_sight from_layer(dec_build *b, int n) {
    int64_t first = dec_size(b, "max_window_layers", INT32_MAX);
    return dec_flag(b, "use_sliding_window", false) && n >= first ? DEC_WINDOW : DEC_ALL;
}

/* The last of each period sees all; in encoders the first. */
static dec_sight in_period(const dec_build *b, int n, int64_t every) {
    int64_t place = b->trait->encoder ? 0 : every - 1;
    return every && n % every == place ? DEC_ALL : DEC_WINDOW;
}

dec_sight dec_sees(dec_build *b, int n) {
    const dec_trait *t = b->trait;
    const char *type = dec_layer_type(b, n);
    int64_t every = t->every ? t->every : t->period ? dec_size(b, t->period, 0) : 0;
    json_t *asked = dec_at(b, "use_sliding_window"), *first = dec_at(b, "max_window_layers");
    if (asked || first)
        return type && dec_flag(b, "use_sliding_window", false) ? sight_of_type(b, type)
                                                                : from_layer(b, n);
    return type ? sight_of_type(b, type) : in_period(b, n, every);
}

/* 0: all. An encoder's window is half of what it sees. */
static int64_t window_of(dec_build *b, dec_sight sight) {
    const char *key = b->trait->window ? b->trait->window : "sliding_window";
    int64_t window = *key ? dec_size(b, key, 0) : 0;
    if (sight != DEC_WINDOW || !window)
        return 0;
    return b->trait->encoder ? window / 2 + 1 : window;
}

/* --- matrices -------------------------------------------------------------------------------- */

/* Three matrices of the one that holds them. */
static bool split(dec_build *b, int n, mx_attender *a) {
    mx_weight all;
    int64_t q = (int64_t)a->heads * a->dim, k = (int64_t)a->kv_heads * a->dim;
    if (a->q.kind != MX_WEIGHT_NONE)
        return true;
    if (!dec_matrix(b, "blk.{n}.attn_qkv", n, &all))
        return false;
    if (all.kind == MX_WEIGHT_NONE)
        return true;
    if (all.out != q + 2 * k)
        return dec_refuse(b, "num_key_value_heads", "and attn_qkv has other rows");
    return dec_rows(b, &all, 0, q, &a->q) && dec_rows(b, &all, q, k, &a->k) &&
           dec_rows(b, &all, q + k, k, &a->v);
}

/* qwen3_next: each head's rows of the gate stand behind those of its query. */
static bool split_gate(dec_build *b, mx_attender *a) {
    int64_t rows = (int64_t)a->heads * a->dim;
    mx_weight both = a->q;
    if (both.kind == MX_WEIGHT_NONE || both.out != 2 * rows)
        return true;
    int *which = mx_malloc((size_t)(2 * rows) * sizeof *which);
    for (int64_t i = 0; which && i < rows; i++) {
        which[i] = (int)(i / a->dim * 2 * a->dim + i % a->dim);
        which[rows + i] = which[i] + a->dim;
    }
    bool ok = which && dec_pick_rows(b, &both, which, (int)rows, &a->q) &&
              dec_pick_rows(b, &both, which + rows, (int)rows, &a->gate);
    mx_free(which);
    return ok;
}

static bool biases(dec_build *b, int n, const mx_attender *a) {
    static const char key[] = "attention_bias";
    return b->trait->own_biases ||
           (dec_need_bias(b, key, &a->q, "attn_q", n) &&
            dec_need_bias(b, key, &a->k, "attn_k", n) &&
            dec_need_bias(b, key, &a->v, "attn_v", n) &&
            (b->trait->bare_output || dec_need_bias(b, key, &a->output, "attn_output", n)));
}

static bool matrices(dec_build *b, int n, mx_attender *a) {
    return dec_matrix(b, "blk.{n}.attn_q", n, &a->q) && dec_matrix(b, "blk.{n}.attn_k", n, &a->k) &&
           dec_matrix(b, "blk.{n}.attn_v", n, &a->v) && split(b, n, a) && split_gate(b, a) &&
           dec_matrix(b, "blk.{n}.attn_output", n, &a->output) && dec_need(b, &a->q, "attn_q", n) &&
           dec_need(b, &a->k, "attn_k", n) && dec_need(b, &a->v, "attn_v", n) &&
           dec_need(b, &a->output, "attn_output", n) && biases(b, n, a);
}

static bool head_norms(dec_build *b, int n, mx_attender *a) {
    if (!dec_norm(b, "blk.{n}.attn_q_norm", n, MX_NORM_RMS, &a->q_norm) ||
        !dec_norm(b, "blk.{n}.attn_k_norm", n, MX_NORM_RMS, &a->k_norm))
        return false;
    a->norms_whole = a->q_norm.weight && a->q_norm.weight->size != a->dim;
    return true;
}

/* --- numbers --------------------------------------------------------------------------------- */

static float scale_of(dec_build *b, const mx_attender *a) {
    double by = b->trait->scalar ? dec_number(b, "query_pre_attn_scalar", a->dim) : a->dim;
    return (float)(1 / sqrt(by));
}

static int rotated_of(dec_build *b, int dim) {
    const char *key = "partial_rotary_factor";
    double part = dec_number(b, key, NAN);
    if (isnan(part))
        part = dec_number(b, key = "rope_parameters.partial_rotary_factor", 1);
    if (b->trait->no_rope)
        return 0;
    if (part != 1 && !b->d->family->partial && !b->model.is_gguf)
        return dec_refuse(b, key, "and models of this family turn whole heads");
    return part >= 0 && part <= 1 ? (int)(dim * part) : dim;
}

static bool heads_of(dec_build *b, mx_attender *a) {
    int64_t heads = dec_dim(b, 'a'), kv = dec_dim(b, 'k'), dim = dec_dim(b, 'd');
    kv = kv ? kv : heads;
    dim = dim ? dim : heads ? dec_dim(b, 'h') / heads : 0;
    if (heads <= 0 || heads % kv)
        return dec_refuse(b, "num_attention_heads", "no multiple of num_key_value_heads");
    a->heads = (int)heads;
    a->kv_heads = (int)kv;
    a->dim = a->value_dim = (int)dim;
    a->causal = !b->trait->encoder;
    return dim > 0 || dec_refuse(b, "head_dim", "a size was expected");
}

bool dec_attention(dec_build *b, int n, mx_layer *l) {
    mx_attender *a = &l->attention;
    dec_sight sight = dec_sees(b, n);
    if (!heads_of(b, a) || !matrices(b, n, a) || !head_norms(b, n, a) ||
        !dec_bare(b, "blk.{n}.attn_sinks.weight", n, &a->sinks))
        return false;
    a->window = window_of(b, sight);
    a->scale = scale_of(b, a);
    a->softcap = (float)dec_number(b, "attn_logit_softcapping", 0);
    return dec_rope(b, sight, rotated_of(b, a->dim), &a->rope);
}

/* --- latent rows ----------------------------------------------------------------------------- */

static bool latent_sizes(dec_build *b, mx_attender *a) {
    int64_t still = dec_dim(b, 'o'), turns = dec_dim(b, 'p');
    if (!heads_of(b, a))
        return false;
    a->dim = (int)(still + turns);
    a->value_dim = (int)dec_dim(b, 'w');
    a->rank = (int)dec_dim(b, 'r');
    dec_size(b, "qk_head_dim", 0);
    dec_size(b, "head_dim", 0);
    dec_size(b, "q_lora_rank", 0);
    return still + turns <= INT32_MAX / 2;
}

/* yarn: scores grow with the square of what the turned features do not have already. */
static double latent_growth(dec_build *b) {
    double all = dec_number(b, "rope_parameters.mscale_all_dim|rope_scaling.mscale_all_dim", 0);
    double factor = dec_number(b, "rope_parameters.factor|rope_scaling.factor", 1);
    double m = all != 0 && factor > 1 ? 0.1 * all * log(factor) + 1 : 1;
    return m * m;
}

/* A stack's elements, (n, out, in): of the open scope. */
static mx_array *elements_of(dec_build *b, const char *module, int n) {
    dec_place p = {module, n, -1};
    mx_array *a = dec_values(b, &p);
    return a && a->ndim == 3 ? a : NULL;
}

/* Of keys (heads, rank, still) and values (heads, value, rank): rows of both, head by head. */
static bool join_up(dec_build *b, int n, mx_attender *a) {
    if (a->kv_up.kind != MX_WEIGHT_NONE || mx_failed())
        return !mx_failed();
    mx_scope scope = mx_scope_open();
    mx_array *k = elements_of(b, "blk.{n}.attn_k_b", n), *v = elements_of(b, "blk.{n}.attn_v_b", n);
    bool ok = !mx_failed();
    if (k && v) {
        mx_array *part[] = {mx_swapaxes(k, 1, 2), v};
        ok = dec_dense(b, mx_flatten(mx_concatenate(part, 2, 1), 0, 1), &a->kv_up);
    }
    mx_scope_close(scope);
    return ok;
}

/* Whatever rms_norm_eps is, as DeepSeek's own code has it. */
static bool latent_norm(dec_build *b, const char *module, int n, mx_norm *out) {
    bool ok = dec_norm(b, module, n, MX_NORM_RMS, out);
    out->eps = 1e-6f;
    return ok;
}

static bool latent_matrices(dec_build *b, int n, mx_attender *a) {
    if (!dec_matrix(b, "blk.{n}.attn_q_a", n, &a->q_down) ||
        !latent_norm(b, "blk.{n}.attn_q_a_norm", n, &a->q_norm) ||
        !dec_matrix(b, a->q_down.kind ? "blk.{n}.attn_q_b" : "blk.{n}.attn_q", n, &a->q))
        return false;
    return dec_matrix(b, "blk.{n}.attn_kv_a_mqa", n, &a->kv_down) &&
           dec_matrix(b, "blk.{n}.attn_kv_b", n, &a->kv_up) && join_up(b, n, a) &&
           latent_norm(b, "blk.{n}.attn_kv_a_norm", n, &a->latent_norm) &&
           dec_matrix(b, "blk.{n}.attn_output", n, &a->output) && dec_need(b, &a->q, "attn_q", n) &&
           dec_need(b, &a->kv_down, "attn_kv_a_mqa", n) && dec_need(b, &a->kv_up, "attn_kv_b", n) &&
           dec_need(b, &a->output, "attn_output", n);
}

bool dec_latent(dec_build *b, int n, mx_layer *l) {
    mx_attender *a = &l->attention;
    if (!latent_sizes(b, a) || !latent_matrices(b, n, a) ||
        !dec_rope(b, DEC_ALL, (int)dec_dim(b, 'p'), &a->rope))
        return false;
    a->kv_heads = a->heads;
    a->scale = (float)(latent_growth(b) / sqrt(a->dim));
    a->rope.adjacent = dec_flag(b, "rope_interleave", true);
    return !mx_failed();
}
