/* scaled_dot_product_attention: strided arrays handed to the engine as they lie. */
#include <string.h>

#include "cpu/attention/attention_engine.h"
#include "cpu/cpu.h"
#include "cpu/memory/dense.h"
#include "cpu/memory/layout.h"
#include "graph/array/params.h"

static void copy_strides(int64_t *to, const mx_array *a) {
    memcpy(to, a->strides, 4 * sizeof *to);
}

static mx_attend_args args_of(const mx_node *n, const mx_array *out) {
    const mx_array *q = n->in[0], *k = n->in[1], *v = n->in[2];
    const mx_p_attention *p = n->params;
    mx_attend_args a = {
        .dtype = mx_dtype_of(q),
        .batch = q->shape[0],
        .heads = q->shape[1],
        .kv_heads = k->shape[1],
        .q_len = q->shape[2],
        .k_len = k->shape[2],
        .dim = q->shape[3],
        .v_dim = v->shape[3],
        .q = q->data,
        .k = k->data,
        .v = v->data,
        .out = out->data,
        .scale = (float)p->scale,
        .causal = p->causal,
    };
    copy_strides(a.q_s, q);
    copy_strides(a.k_s, k);
    copy_strides(a.v_s, v);
    memcpy(a.out_s, out->strides, sizeof a.out_s);
    return a;
}

static void add_mask(mx_attend_args *a, const mx_array *mask) {
    const int scores[4] = {(int)a->batch, (int)a->heads, (int)a->q_len, (int)a->k_len};
    a->mask = mask->data;
    a->mask_dtype = mx_dtype_of(mask);
    cpu_broadcast_strides(mask, scores, 4, a->mask_s);
}

bool cpu_attention(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_attention *p = n->params;
    cpu_dense sinks;
    (void)feed;
    if (!mx_array_alloc(out[0]))
        return false;
    mx_attend_args a = args_of(n, out[0]);
    if (out[0]->size == 0)
        return true;
    if (a.k_len == 0) {
        memset(out[0]->data, 0, (size_t)out[0]->size * mx_itemsize(out[0]));
        return true;
    }
    if (p->mask)
        add_mask(&a, n->in[3]);
    bool ok = cpu_dense_open(&sinks, p->sinks ? n->in[3 + p->mask] : NULL);
    a.sinks = sinks.data;
    ok = ok && mx_attend(&a);
    cpu_dense_close(&sinks);
    return ok;
}
