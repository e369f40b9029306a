/* Do the parts of a description fit each other? See build.h. */
#include "base/status.h"
#include "models/decoder/build.h"

typedef struct checker {
    const dec_build *b;
    int layer;
} checker;

static bool wrong(const checker *c, const char *what, int64_t out, int64_t in, int64_t want_out,
                  int64_t want_in) {
    return mx_fail(MX_FORMAT,
                   "[model] '%s': %s of layer %d has %lld rows of %lld, %lld of %lld were expected",
                   c->b->name, what, c->layer, (long long)out, (long long)in, (long long)want_out,
                   (long long)want_in);
}

/* A matrix, if there is one: out rows of `in`, or a stack of so many. */
static bool fits(const checker *c, const char *what, const mx_weight *w, int64_t experts,
                 int64_t out, int64_t in) {
    if (w->kind == MX_WEIGHT_NONE)
        return true;
    if (w->out != out || w->in != in || w->experts != experts)
        return wrong(c, what, w->out, w->in, out, in);
    int64_t each = experts ? experts * out : out;
    return !w->bias || w->bias->size == each || wrong(c, what, w->bias->size, 1, each, 1);
}

static bool long_enough(const checker *c, const char *what, const mx_array *a, int64_t n) {
    return !a || a->size == n || wrong(c, what, a->size, 1, n, 1);
}

static bool norm_fits(const checker *c, const char *what, const mx_norm *n, int64_t size) {
    return long_enough(c, what, n->weight, size) && long_enough(c, what, n->bias, size);
}

/* --- mixers ---------------------------------------------------------------------------------- */

static bool latent(const checker *c, const mx_attender *a) {
    int64_t h = c->b->d->hidden, q = (int64_t)a->heads * a->dim, turns = a->rope.rotated;
    int64_t low = a->q_down.kind ? a->q_down.out : h;
    return fits(c, "q_a_proj", &a->q_down, 0, low, h) && fits(c, "q_b_proj", &a->q, 0, q, low) &&
           norm_fits(c, "q_a_layernorm", &a->q_norm, low) &&
           fits(c, "kv_a_proj_with_mqa", &a->kv_down, 0, a->rank + turns, h) &&
           norm_fits(c, "kv_a_layernorm", &a->latent_norm, a->rank) &&
           fits(c, "kv_b_proj", &a->kv_up, 0, a->heads * (a->dim - turns + a->value_dim),
                a->rank) &&
           fits(c, "o_proj", &a->output, 0, h, (int64_t)a->heads * a->value_dim);
}

static bool attention(const checker *c, const mx_attender *a) {
    int64_t h = c->b->d->hidden, q = (int64_t)a->heads * a->dim, k = (int64_t)a->kv_heads * a->dim;
    if (a->rank)
        return latent(c, a);
    return fits(c, "attn_q", &a->q, 0, q, h) && fits(c, "attn_k", &a->k, 0, k, h) &&
           fits(c, "attn_v", &a->v, 0, k, h) && fits(c, "attn_output", &a->output, 0, h, q) &&
           fits(c, "attn_gate", &a->gate, 0, q, h) &&
           norm_fits(c, "attn_q_norm", &a->q_norm, a->norms_whole ? q : a->dim) &&
           norm_fits(c, "attn_k_norm", &a->k_norm, a->norms_whole ? k : a->dim) &&
           long_enough(c, "attn_sinks", a->sinks, a->heads);
}

/* Features of `in`, and those that the convolution sees. */
static void features(const mx_recurrence *r, mx_mixer_kind kind, int64_t h, int64_t *in,
                     int64_t *seen) {
    int64_t values = (int64_t)r->heads * r->value_dim, keys = 2 * (int64_t)r->groups * r->key_dim;
    *seen = kind == MX_MIXER_SHORT_CONV ? h : keys + values;
    *in = kind == MX_MIXER_SHORT_CONV ? 3 * h
          : kind == MX_MIXER_MAMBA2   ? keys + 2 * values + r->heads
                                      : keys + 2 * values;
}

static bool recurrence(const checker *c, const mx_recurrence *r, mx_mixer_kind kind) {
    int64_t h = c->b->d->hidden, in, seen, inner = (int64_t)r->heads * r->value_dim;
    bool conv = kind == MX_MIXER_SHORT_CONV;
    features(r, kind, h, &in, &seen);
    if (!fits(c, "in_proj", &r->in, 0, in, h) ||
        !fits(c, "out_proj", &r->output, 0, h, conv ? h : inner) ||
        !fits(c, "in_proj_ba", &r->in_more, 0, 2 * r->heads, h) ||
        !long_enough(c, "conv", r->conv, seen * r->width) ||
        !long_enough(c, "conv's bias", r->conv_bias, seen))
        return false;
    if (conv)
        return true;
    if (!r->a_log || !r->dt_bias)
        return wrong(c, "A_log or dt_bias", 0, 0, r->heads, 1);
    return long_enough(c, "A_log", r->a_log, r->heads) &&
           long_enough(c, "dt_bias", r->dt_bias, r->heads) && long_enough(c, "D", r->d, r->heads) &&
           long_enough(c, "norm", r->norm.weight, kind == MX_MIXER_MAMBA2 ? inner : r->value_dim);
}

/* --- the rest -------------------------------------------------------------------------------- */

static bool feed(const checker *c, const mx_feed *f, int64_t experts) {
    int64_t h = c->b->d->hidden, inner = f->down.in;
    return fits(c, "ffn_gate", &f->gate, experts, inner, h) &&
           fits(c, "ffn_up", &f->up, experts, inner, h) &&
           fits(c, "ffn_down", &f->down, experts, h, inner);
}

static bool experts(const checker *c, const mx_experts *e) {
    int64_t h = c->b->d->hidden;
    if (!e->count)
        return true;
    return fits(c, "ffn_gate_inp", &e->router, 0, e->count, h) && feed(c, &e->feed, e->count) &&
           feed(c, &e->shared, 0) && fits(c, "shared_expert_gate", &e->shared_gate, 0, 1, h) &&
           long_enough(c, "exp_probs_b", e->choice_bias, e->count);
}

static bool layer(const checker *c, const mx_layer *l) {
    int64_t h = c->b->d->hidden;
    bool mixer = l->mixer == MX_MIXER_ATTENTION ? attention(c, &l->attention)
                                                : recurrence(c, &l->recurrence, l->mixer);
    return mixer && feed(c, &l->feed, 0) && experts(c, &l->experts) &&
           norm_fits(c, "a norm", &l->before_mixer, h) &&
           norm_fits(c, "a norm", &l->after_mixer, h) &&
           norm_fits(c, "a norm", &l->before_feed, h) && norm_fits(c, "a norm", &l->after_feed, h);
}

static bool ends(const checker *c, const mx_decoder *d) {
    int64_t h = d->hidden;
    return fits(c, "token_embd", &d->embedding, 0, d->embedding.out, h) &&
           fits(c, "output", &d->head, 0, d->vocabulary, h) &&
           fits(c, "position_embd", &d->positions, 0, d->positions.out, h) &&
           fits(c, "token_types", &d->types, 0, d->types.out, h) &&
           norm_fits(c, "token_embd_norm", &d->embedding_norm, h) &&
           norm_fits(c, "output_norm", &d->final_norm, h);
}

static bool ahead(const checker *c, const mx_decoder *a) {
    int64_t h = a->hidden;
    return fits(c, "eh_proj", &a->join.both, 0, h, 2 * h) &&
           norm_fits(c, "enorm", &a->join.token, h) && norm_fits(c, "hnorm", &a->join.hidden, h) &&
           norm_fits(c, "shared_head.norm", &a->final_norm, h);
}

bool dec_check_sizes(dec_build *b) {
    checker c = {b, -1};
    if (!ends(&c, b->d))
        return false;
    for (c.layer = 0; c.layer < b->d->layers; c.layer++)
        if (!layer(&c, &b->d->layer[c.layer]))
            return false;
    return !b->d->ahead || (layer(&c, b->d->ahead->layer) && ahead(&c, b->d->ahead));
}
