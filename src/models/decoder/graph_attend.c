/* Attention as arrays: see graph_parts.h. */
#include <math.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/graph_parts.h"

/* --- rotation -------------------------------------------------------------------------------- */

/* A span that reaches beyond the near context turns by the far frequencies, all of it. */
static void turn_span(const mx_rotation *r, const mx_span *s, float *c, float *n) {
    bool far = r->far && s->position + s->count > r->near_context;
    const float *f = far ? r->far : r->frequency;
    double by = far ? r->far_magnitude : r->magnitude;
    for (int64_t i = 0; i < s->count; i++)
        for (int k = 0; k < r->rotated / 2; k++) {
            double angle = (double)(s->position + i) * f[k];
            *c++ = (float)(by * cos(angle));
            *n++ = (float)(by * sin(angle));
        }
}

static bool make_turn(const mx_pass *p, const mx_rotation *r, dec_turn *out) {
    int64_t half = r->rotated / 2;
    int shape[] = {(int)p->rows, 1, (int)half};
    mx_array *c = mx_array_empty(shape, 3, MX_FLOAT32), *s = mx_array_empty(shape, 3, MX_FLOAT32);
    for (int64_t i = 0; c && s && i < p->spans; i++) {
        int64_t at = p->span[i].first * half;
        turn_span(r, &p->span[i], (float *)(void *)c->data + at, (float *)(void *)s->data + at);
    }
    *out = (dec_turn){r->frequency, c, s};
    return c && s;
}

/* Layers mostly share them. */
static const dec_turn *turn_of(mx_machine *m, const mx_rotation *r) {
    dec_graph *g = (dec_graph *)(void *)m;
    for (int i = 0; i < g->turns && i < DEC_MOST_TURNS; i++)
        if (g->turn[i].frequency == r->frequency)
            return &g->turn[i];
    dec_turn *t = &g->turn[g->turns++ % DEC_MOST_TURNS];
    return make_turn(m->pass, r, t) ? t : NULL;
}

/* Pairs (a, b) of x become (a c - b s, b c + a s). */
static void turn_pair(const dec_turn *t, mx_array *a, mx_array *b, mx_array **out) {
    out[0] = mx_sub(mx_mul(a, t->cos), mx_mul(b, t->sin));
    out[1] = mx_add(mx_mul(b, t->cos), mx_mul(a, t->sin));
}

/* All features of x (rows, heads, rotated). */
static mx_array *turn_all(const dec_turn *t, bool adjacent, mx_array *x) {
    mx_array *pair[2];
    int half = x ? x->shape[2] / 2 : 0;
    if (!adjacent) {
        turn_pair(t, dec_columns(x, 0, half), dec_columns(x, half, half), pair);
        return mx_concatenate(pair, 2, -1);
    }
    mx_array *pairs = mx_unflatten(x, -1, (const int[]){-1, 2}, 2);
    turn_pair(t, mx_squeeze_axis(mx_slice_axis(pairs, -1, 0, 1), -1),
              mx_squeeze_axis(mx_slice_axis(pairs, -1, 1, 2), -1), pair);
    return mx_flatten(mx_stack(pair, 2, -1), -2, -1);
}

/* The first features of heads (rows, heads, dim), or the last. */
static mx_array *turned(mx_machine *m, const mx_rotation *r, bool last, mx_array *x) {
    if (!x || !r->rotated)
        return x;
    const dec_turn *t = turn_of(m, r);
    int rest = x->shape[2] - r->rotated;
    if (!t)
        return NULL;
    if (rest == 0)
        return turn_all(t, r->adjacent, x);
    mx_array *moved = turn_all(t, r->adjacent, dec_columns(x, last ? rest : 0, r->rotated));
    mx_array *still = dec_columns(x, last ? 0 : r->rotated, rest);
    return mx_concatenate((mx_array *[]){last ? still : moved, last ? moved : still}, 2, -1);
}

/* --- what is seen ---------------------------------------------------------------------------- */

/* (n, n): may the row's query see the column's key? */
static mx_array *sight(const mx_attender *a, int64_t n) {
    mx_array *at = mx_arange(0, (double)n, 1, MX_INT32);
    mx_array *back = mx_sub(mx_expand_dim(at, 1), mx_expand_dim(at, 0)); // query - key
    mx_array *near = NULL;
    if (a->window)
        near = mx_less(a->causal ? back : mx_abs(back), mx_scalar((double)a->window, MX_INT32));
    if (!a->causal)
        return near;
    mx_array *past = mx_greater_equal(back, mx_scalar(0, MX_INT32));
    return near ? mx_logical_and(past, near) : past;
}

/* With soft caps: scores are arrays of their own. q (B,H,L,D), k and v (B,Hk,L,D). */
static mx_array *capped(const mx_attender *a, mx_array *q, mx_array *k, mx_array *v,
                        mx_array *mask) {
    int group = a->heads / a->kv_heads;
    q = mx_mul_s(mx_unflatten(q, 1, (const int[]){a->kv_heads, group}, 2), a->scale);
    k = mx_expand_dim(k, 2);
    mx_array *scores = mx_matmul(q, mx_swapaxes(k, -1, -2));
    scores = mx_mul_s(mx_tanh(mx_mul_s(scores, 1 / a->softcap)), a->softcap);
    if (mask)
        scores = mx_where(mask, scores, mx_scalar(-INFINITY, MX_FLOAT32));
    mx_array *y = mx_matmul(mx_softmax(scores, &(int){-1}, 1, true), mx_expand_dim(v, 2));
    return mx_flatten(y, 1, 2);
}

static mx_array *seen(const mx_attender *a, mx_array *q, mx_array *k, mx_array *v) {
    int64_t n = q ? q->shape[2] : 0;
    bool simple = a->causal && (!a->window || a->window >= n) && a->softcap == 0;
    bool all = !a->causal && (!a->window || a->window >= n);
    mx_array *mask = simple || all ? NULL : sight(a, n);
    if (mx_failed())
        return NULL;
    if (a->softcap != 0)
        return capped(a, q, k, v, mask);
    return mx_attention(q, k, v, a->scale, simple ? "causal" : "", mask, a->sinks);
}

/* --- the whole ------------------------------------------------------------------------------- */

typedef struct heads {
    const mx_attender *a;
    mx_array *q, *k, *v; /* (rows, heads, features) */
} heads;

static mx_array *one_batch(void *payload, const dec_batch *b) {
    const heads *h = payload;
    mx_array *in[3] = {h->q, h->k, h->v};
    for (int i = 0; i < 3; i++)
        in[i] = mx_swapaxes(dec_batch_of(b, in[i]), 1, 2);
    return mx_swapaxes(seen(h->a, in[0], in[1], in[2]), 1, 2);
}

static mx_array *normed_heads(const mx_attender *a, const mx_norm *n, mx_array *x, int count) {
    return a->norms_whole ? dec_heads(dec_normed(n, x), count) : dec_normed(n, dec_heads(x, count));
}

/* Keys and values of a latent row, for every head. */
static void expand(mx_machine *m, const mx_attender *a, mx_array *row, heads *out) {
    int turns = a->rope.rotated, still = a->dim - turns;
    mx_array *latent = dec_normed(&a->latent_norm, dec_columns(row, 0, a->rank));
    mx_array *key = turned(m, &a->rope, true, dec_heads(dec_columns(row, a->rank, turns), 1));
    mx_array *all = dec_heads(dec_product(&a->kv_up, latent), a->heads);
    int shape[] = {(int)m->pass->rows, a->heads, turns};
    mx_array *part[] = {dec_columns(all, 0, still), mx_broadcast_to(key, shape, 3)};
    out->k = mx_concatenate(part, 2, -1);
    out->v = dec_columns(all, still, a->value_dim);
}

mx_rows *dec_graph_attend(mx_machine *m, const mx_attender *a, int64_t layer, mx_rows *q,
                          mx_rows *k, mx_rows *v, mx_rows *gate) {
    heads h = {.a = a};
    (void)layer;
    if (a->rank) {
        h.q = turned(m, &a->rope, true, dec_heads(dec_array(q), a->heads));
        expand(m, a, dec_array(k), &h);
    } else {
        h.q = turned(m, &a->rope, false, normed_heads(a, &a->q_norm, dec_array(q), a->heads));
        h.k = turned(m, &a->rope, false, normed_heads(a, &a->k_norm, dec_array(k), a->kv_heads));
        h.v = dec_heads(dec_array(v), a->kv_heads);
    }
    mx_array *y = mx_flatten(dec_each_batch(m->pass, one_batch, &h), -2, -1);
    return dec_as_rows(gate ? mx_mul(y, mx_sigmoid(dec_array(gate))) : y);
}
