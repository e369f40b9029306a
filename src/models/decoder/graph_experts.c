/* Mixtures of experts as arrays: see graph_parts.h. */
#include "base/status.h"
#include "models/decoder/graph_parts.h"

/* --- choosing -------------------------------------------------------------------------------- */

/* The numbers of the n largest of the last axis. */
static mx_array *best(mx_array *x, int n) {
    return mx_slice_axis(mx_argsort(mx_negative(x), -1), -1, 0, n);
}

/* Groups (rows, groups, experts of a group) by their best, or where routes are sigmoids by the sum
   of their two best. */
static mx_array *group_scores(const mx_experts *e, mx_array *scores) {
    if (e->route == MX_ROUTE_SOFTMAX)
        return mx_reduce(MX_MAX, scores, &(int){-1}, 1, false);
    int each = scores ? scores->shape[2] : 0;
    mx_array *sorted = mx_sort(scores, -1);
    return mx_sum(dec_columns(sorted, each > 2 ? each - 2 : 0, each > 2 ? 2 : each), &(int){-1}, 1,
                  false);
}

/* Experts of other groups than the best ones count 0. */
static mx_array *of_groups(const mx_experts *e, mx_array *scores) {
    if (e->groups <= 1 || e->used_groups >= e->groups)
        return scores;
    mx_array *grouped = dec_heads(scores, e->groups);
    mx_array *value = group_scores(e, grouped);
    mx_array *kept = best(value, e->used_groups);
    mx_array *mask = mx_scatter_axis(MX_SCATTER_NONE, mx_zeros_like(value), kept,
                                     mx_ones_like(mx_astype(kept, MX_FLOAT32)), -1);
    mx_array *seen = mx_where(mx_expand_dim(mask, -1), grouped, mx_scalar(0, MX_FLOAT32));
    return mx_flatten(seen, -2, -1);
}

static mx_array *last_softmax(mx_array *x) {
    return mx_softmax(x, &(int){-1}, 1, true);
}

/* (rows, used): which, and with what weight. */
static bool choose(const mx_experts *e, mx_array *logits, mx_array **which, mx_array **weight) {
    mx_array *p = e->after_choice                ? logits
                  : e->route == MX_ROUTE_SIGMOID ? mx_sigmoid(logits)
                                                 : last_softmax(logits);
    mx_array *scores = e->choice_bias ? mx_add(p, e->choice_bias) : p;
    *which = best(of_groups(e, mx_stop_gradient(scores)), e->used);
    mx_array *w = mx_take_along_axis(p, *which, -1);
    if (e->after_choice)
        w = last_softmax(w);
    if (e->normalized && !e->after_choice)
        w = mx_div(w, mx_add_s(mx_sum(w, &(int){-1}, 1, true), 1e-20));
    *weight = e->scale == 1 ? w : mx_mul_s(w, e->scale);
    *which = mx_astype(*which, MX_UINT32);
    return *which && *weight;
}

/* --- the whole ------------------------------------------------------------------------------- */

static mx_array *chosen(const mx_experts *e, mx_array *x, mx_array *which, mx_array *weight) {
    const mx_feed *f = &e->feed;
    mx_array *in = mx_expand_dims(x, (const int[]){1, 2}, 2);
    mx_array *up = dec_picked_product(&f->up, in, which);
    mx_array *gate = f->gate.kind ? dec_picked_product(&f->gate, in, which) : NULL;
    mx_array *out = dec_picked_product(&f->down, dec_act(f->act, gate, up), which);
    out = mx_mul(mx_squeeze_axis(out, 2), mx_expand_dim(weight, -1));
    return mx_sum(out, &(int){1}, 1, false);
}

static mx_array *shared(const mx_experts *e, mx_array *x) {
    const mx_feed *f = &e->shared;
    mx_array *gate = f->gate.kind ? dec_product(&f->gate, x) : NULL;
    mx_array *y = dec_product(&f->down, dec_act(f->act, gate, dec_product(&f->up, x)));
    return e->shared_gate.kind ? mx_mul(y, mx_sigmoid(dec_product(&e->shared_gate, x))) : y;
}

mx_rows *dec_graph_experts(mx_machine *m, const mx_experts *e, mx_rows *rows) {
    mx_array *x = dec_array(rows), *which, *weight;
    (void)m;
    if (!choose(e, dec_product(&e->router, x), &which, &weight))
        return NULL;
    mx_array *y = chosen(e, x, which, weight);
    return dec_as_rows(e->shared.down.kind ? mx_add(y, shared(e, x)) : y);
}
