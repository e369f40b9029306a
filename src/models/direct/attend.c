/* Attention, before and after the sums (tiles.c): heads are made ready, keys and values kept. */
#include "models/direct/direct_parts.h"

/* --- heads ------------------------------------------------------------------------------------ */

typedef struct heads {
    mx_direct *m;
    const mx_attender *a;
    const mx_layer_room *room;
    const direct_turns *turns; /* NULL: none */
    mx_rows *q, *k, *v, *gate, *out;
} heads;

static void norm_heads(const heads *h, const mx_norm *n, float *x, int64_t count) {
    bool whole = h->a->norms_whole;
    direct_norm_row(n, x, whole ? 1 : count, whole ? count * h->a->dim : h->a->dim);
}

static void ready_body(void *ctx, int64_t begin, int64_t end) {
    const heads *h = ctx;
    for (int64_t i = begin; i < end; i++) {
        float *q = h->q->data + i * h->q->width, *k = h->k->data + i * h->k->width;
        norm_heads(h, &h->a->q_norm, q, h->a->heads);
        norm_heads(h, &h->a->k_norm, k, h->a->kv_heads);
        direct_turn(h->turns, q, i, h->a->heads, h->a->dim);
        direct_turn(h->turns, k, i, h->a->kv_heads, h->a->dim);
        if (h->room)
            direct_keep(h->m, h->room, i, k, h->v->data + i * h->v->width);
    }
}

static void gate_body(void *ctx, int64_t begin, int64_t end) {
    const heads *h = ctx;
    int64_t width = h->out->width;
    float *out = h->out->data + begin * width;
    mx_kernels_get()->attention->decode->gate[MX_GATE_sigmoid](out, h->gate->data + begin * width,
                                                               out,
                                                               (size_t)((end - begin) * width));
}

mx_rows *direct_attend(mx_machine *machine, const mx_attender *a, int64_t layer, mx_rows *q,
                       mx_rows *k, mx_rows *v, mx_rows *gate) {
    mx_direct *m = direct_of(machine);
    if (!q || !k || (!v && !a->rank))
        return NULL;
    if (a->rank)
        return direct_attend_latent(m, a, layer, q, k);
    heads h = {.m = m, .a = a, .q = q, .k = k, .v = v, .gate = gate};
    h.room = m->room ? &m->room[layer] : NULL;
    if (a->rope.rotated && !(h.turns = direct_turns_of(m, &a->rope)))
        return NULL;
    h.out = direct_rows(m, q->rows, (int64_t)a->heads * a->value_dim);
    int64_t numbers = 4 * (q->width + 2 * k->width);
    if (!h.out || !direct_later(m, q->rows, numbers, ready_body, &h, sizeof h))
        return NULL;
    direct_attention t = {.m = m,
                          .a = a,
                          .room = h.room,
                          .dim = a->dim,
                          .value_dim = a->value_dim,
                          .heads = a->heads,
                          .kv_heads = a->kv_heads,
                          .scale = a->scale,
                          .q = q->data,
                          .k = k->data,
                          .v = v->data,
                          .out = h.out->data};
    if (!direct_attend_all(&t))
        return NULL;
    if (gate && !direct_later(m, h.out->rows, 4 * h.out->width, gate_body, &h, sizeof h))
        return NULL;
    return h.out;
}
