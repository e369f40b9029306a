/* A decoder's description, from config, tensors and traits: see build.h. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/build.h"

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

dec_sight dec_sees(dec_build *b, int n) {
    const dec_trait *t = b->trait;
    const char *type = dec_layer_type(b, n);
    int64_t every = t->every ? t->every : t->period ? dec_size(b, t->period, 0) : 0;
    json_t *asked = dec_at(b, "use_sliding_window"), *first = dec_at(b, "max_window_layers");
    if (asked || first)
        return type && dec_flag(b, "use_sliding_window", false) ? sight_of_type(b, type)
                                                                : from_layer(b, n);
    if (type)
        return sight_of_type(b, type);
    return every && (n + 1) % every == 0 ? DEC_ALL : DEC_WINDOW;
}

/* 0: all. */
static int64_t window_of(dec_build *b, dec_sight sight) {
    int64_t window = b->trait->may_window ? dec_size(b, "sliding_window", 0) : 0;
    return sight == DEC_WINDOW ? window : 0;
}

/* --- attention ------------------------------------------------------------------------------- */

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

static bool matrices(dec_build *b, int n, mx_attender *a) {
    return dec_matrix(b, "blk.{n}.attn_q", n, &a->q) && dec_matrix(b, "blk.{n}.attn_k", n, &a->k) &&
           dec_matrix(b, "blk.{n}.attn_v", n, &a->v) && split(b, n, a) &&
           dec_matrix(b, "blk.{n}.attn_output", n, &a->output) && dec_need(b, &a->q, "attn_q", n) &&
           dec_need(b, &a->k, "attn_k", n) && dec_need(b, &a->v, "attn_v", n) &&
           dec_need(b, &a->output, "attn_output", n);
}

static bool head_norms(dec_build *b, int n, mx_attender *a) {
    if (!dec_norm(b, "blk.{n}.attn_q_norm", n, MX_NORM_RMS, &a->q_norm) ||
        !dec_norm(b, "blk.{n}.attn_k_norm", n, MX_NORM_RMS, &a->k_norm))
        return false;
    a->norms_whole = a->q_norm.weight && a->q_norm.weight->size != a->dim;
    return true;
}

static float scale_of(dec_build *b, const mx_attender *a) {
    double by = b->trait->scalar ? dec_number(b, "query_pre_attn_scalar", a->dim) : a->dim;
    return (float)(1 / sqrt(by));
}

static int rotated_of(dec_build *b, int dim) {
    double part = dec_number(b, "partial_rotary_factor|rope_parameters.partial_rotary_factor", 1);
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
    return dim > 0 || dec_refuse(b, "head_dim", "a size was expected");
}

static bool attention(dec_build *b, int n, mx_attender *a) {
    dec_sight sight = dec_sees(b, n);
    a->causal = true;
    if (!heads_of(b, a) || !matrices(b, n, a) || !head_norms(b, n, a))
        return false;
    a->window = window_of(b, sight);
    a->scale = scale_of(b, a);
    a->softcap = (float)dec_number(b, "attn_logit_softcapping", 0);
    return dec_rope(b, sight, rotated_of(b, a->dim), &a->rope);
}

/* --- feed-forward ---------------------------------------------------------------------------- */

static bool activation_of(dec_build *b, mx_activation *out) {
    static const struct {
        const char *names;
        mx_activation act;
    } all[] = {{"silu|swish", MX_ACT_SILU},
               {"gelu", MX_ACT_GELU},
               {"gelu_pytorch_tanh|gelu_new|gelu_fast", MX_ACT_GELU_TANH},
               {"relu", MX_ACT_RELU},
               {"relu2", MX_ACT_RELU2}};
    const char *own = dec_text(b, "hidden_activation"), *other = dec_text(b, "hidden_act");
    const char *name = own ? own : other ? other : "silu";
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (mx_name_is_of(name, all[i].names)) {
            *out = all[i].act;
            return true;
        }
    return dec_refuse(b, own ? "hidden_activation" : "hidden_act", "which is not known");
}

/* Gate and up of the one that holds both. */
static bool halves(dec_build *b, mx_feed *f) {
    mx_weight both = f->up;
    if (f->gate.kind != MX_WEIGHT_NONE || both.kind == MX_WEIGHT_NONE || both.out != 2 * f->down.in)
        return true;
    return dec_rows(b, &both, 0, f->down.in, &f->gate) &&
           dec_rows(b, &both, f->down.in, f->down.in, &f->up);
}

static bool feed(dec_build *b, int n, mx_feed *f) {
    return activation_of(b, &f->act) && dec_matrix(b, "blk.{n}.ffn_gate", n, &f->gate) &&
           dec_matrix(b, "blk.{n}.ffn_up", n, &f->up) &&
           dec_matrix(b, "blk.{n}.ffn_down", n, &f->down) && halves(b, f) &&
           dec_need(b, &f->up, "ffn_up", n) && dec_need(b, &f->down, "ffn_down", n);
}

static bool experts(dec_build *b, int n, mx_experts *e) {
    if (!dec_matrix(b, "blk.{n}.ffn_gate_inp", n, &e->router))
        return false;
    if (e->router.kind == MX_WEIGHT_NONE)
        return true;
    e->count = (int)dec_dim(b, 'e');
    e->used = (int)dec_size(b, "num_experts_per_tok", 2);
    e->normalized = true;
    e->scale = 1;
    if (e->used < 1 || e->used > e->count)
        return dec_refuse(b, "num_experts_per_tok", "and that many experts there are not");
    return activation_of(b, &e->feed.act) &&
           dec_matrix(b, "blk.{n}.ffn_gate_exps", n, &e->feed.gate) &&
           dec_matrix(b, "blk.{n}.ffn_up_exps", n, &e->feed.up) &&
           dec_matrix(b, "blk.{n}.ffn_down_exps", n, &e->feed.down) &&
           dec_need(b, &e->feed.up, "ffn_up_exps", n) &&
           dec_need(b, &e->feed.down, "ffn_down_exps", n);
}

/* --- layers ---------------------------------------------------------------------------------- */

static mx_norm_kind norm_kind(const dec_build *b) {
    return b->trait->norm ? b->trait->norm : MX_NORM_RMS;
}

static bool norms(dec_build *b, int n, mx_layer *l) {
    mx_norm_kind kind = norm_kind(b);
    return dec_norm(b, "blk.{n}.attn_norm", n, kind, &l->before_mixer) &&
           dec_norm(b, "blk.{n}.post_attention_norm", n, kind, &l->after_mixer) &&
           dec_norm(b, "blk.{n}.ffn_norm", n, kind, &l->before_feed) &&
           dec_norm(b, "blk.{n}.post_ffw_norm", n, kind, &l->after_feed);
}

static bool layer(dec_build *b, int n, mx_layer *l) {
    return norms(b, n, l) && attention(b, n, &l->attention) && experts(b, n, &l->experts) &&
           (l->experts.count || feed(b, n, &l->feed)) &&
           (!b->trait->more || b->trait->more(b, n)) && !mx_failed();
}

/* --- the ends -------------------------------------------------------------------------------- */

static bool head(dec_build *b) {
    mx_decoder *d = b->d;
    bool tied = dec_flag(b, "tie_word_embeddings", d->family->ties);
    if (!dec_matrix(b, "output", -1, &d->head))
        return false;
    if (d->head.kind == MX_WEIGHT_NONE && !tied)
        return dec_need(b, &d->head, "output", -1);
    if (d->head.kind == MX_WEIGHT_NONE || tied)
        d->head = d->embedding;
    return true;
}

static bool ends(dec_build *b) {
    mx_decoder *d = b->d;
    return dec_matrix(b, "token_embd", -1, &d->embedding) &&
           dec_need(b, &d->embedding, "token_embd", -1) &&
           dec_norm(b, "output_norm", -1, norm_kind(b), &d->final_norm) && head(b);
}

static void numbers(dec_build *b) {
    mx_decoder *d = b->d;
    d->hidden = dec_dim(b, 'h');
    d->layers = dec_dim(b, 'l');
    d->context = dec_size(b, b->trait->context ? b->trait->context : "max_position_embeddings", 0);
    d->vocabulary = d->embedding.out;
    d->embedding_scale = b->trait->root_embedding ? (float)sqrt((double)d->hidden) : 1;
    d->residual_scale = d->logit_scale = 1;
    d->logit_softcap = (float)dec_number(b, "final_logit_softcapping", 0);
}

/* Keys whose meaning the tensors tell. */
static void told(dec_build *b) {
    dec_flag(b, "attention_bias", false);
    dec_flag(b, "mlp_bias", false);
    dec_number(b, "rms_norm_eps", 1e-6);
    dec_size(b, "original_max_position_embeddings", 0);
}

bool dec_describe(dec_build *b) {
    mx_decoder *d = b->d;
    if (!ends(b))
        return false;
    numbers(b);
    told(b);
    d->layer = mx_calloc((size_t)d->layers, sizeof *d->layer);
    for (int n = 0; d->layer && n < d->layers; n++)
        if (!layer(b, n, &d->layer[n]))
            return false;
    return d->layer && (!b->trait->more || b->trait->more(b, -1)) && dec_all_asked(b);
}
