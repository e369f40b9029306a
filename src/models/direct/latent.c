/* Multi-head latent attention (DeepSeek-V2, 2024): the cache has one latent row a position, and the
 * matrices that would make keys and values of it are applied to queries and outputs instead.
 *
 *     cached row   latent (rank), turned key (T)
 *     query        its first features times the keys' part of kv_up (rank), its turned ones (T)
 *     output       weighted latent rows (rank) times the values' part of kv_up
 */
#include <string.h>

#include "base/status.h"
#include "models/direct/direct_parts.h"

typedef struct latent {
    mx_direct *m;
    const mx_attender *a;
    const direct_turns *turns; /* NULL: none */
    const mx_layer_room *room;
    direct_matrix up;
    int64_t rank, turned, still, rows;
    mx_rows *q, *k; /* as they come */
    mx_rows *wide, *row, *sums, *out;
} latent;

/* The row that is cached, as keys; its latent part are the values. */
static void row_body(void *ctx, int64_t begin, int64_t end) {
    const latent *l = ctx;
    for (int64_t i = begin; i < end; i++) {
        float *x = l->k->data + i * l->k->width, *q = l->q->data + i * l->q->width + l->still;
        direct_norm_row(&l->a->latent_norm, x, 1, l->rank);
        direct_turn(l->turns, x + l->rank, i, 1, l->turned);
        for (int h = 0; h < l->a->heads; h++)
            direct_turn(l->turns, q + h * l->a->dim, i, 1, l->turned);
        direct_keep(l->m, l->room, i, x, x);
    }
}

/* Queries of a head: sums of rows of kv_up. */
static void wide_body(void *ctx, int64_t begin, int64_t end) {
    latent *l = ctx;
    const mx_k_decode *kernels = mx_kernels_get()->attention->decode;
    float *w = mx_scratch(0, (size_t)l->rank * sizeof *w);
    int64_t all = l->rank + l->turned;
    if (!w) {
        atomic_store(&l->m->nomem, true);
        return;
    }
    for (int64_t h = begin; h < end; h++)
        for (int64_t i = 0; i < l->still; i++) {
            direct_decode_row(&l->up, h * (l->still + l->a->value_dim) + i, w);
            for (int64_t r = 0; r < l->rows; r++) {
                const float *q = l->q->data + r * l->q->width + h * l->a->dim;
                float *to = l->wide->data + r * l->wide->width + h * all;
                if (i == 0) {
                    memset(to, 0, (size_t)l->rank * sizeof *to);
                    memcpy(to + l->rank, q + l->still, (size_t)l->turned * sizeof *to);
                }
                kernels->add(to, w, q[i], (size_t)l->rank);
            }
        }
}

/* Outputs of a head. */
static void out_body(void *ctx, int64_t begin, int64_t end) {
    latent *l = ctx;
    mx_k_skinny_dot *dot = mx_kernels_get()->matmul->skinny_dot[MX_FLOAT32];
    float *w = mx_scratch(0, (size_t)l->rank * sizeof *w);
    int64_t values = l->a->value_dim, width = l->out->width;
    if (!w) {
        atomic_store(&l->m->nomem, true);
        return;
    }
    for (int64_t h = begin; h < end; h++)
        for (int64_t v = 0; v < values; v++) {
            direct_decode_row(&l->up, h * (l->still + values) + l->still + v, w);
            for (int64_t r = 0; r < l->rows; r++)
                dot(l->out->data + r * width + h * values + v, 1, 1, w, l->rank, 1,
                    l->sums->data + (r * l->a->heads + h) * l->rank, l->rank, 1, l->rank);
        }
}

static bool attend(latent *l) {
    direct_attention t = {.m = l->m,
                          .a = l->a,
                          .room = l->room,
                          .dim = l->rank + l->turned,
                          .value_dim = l->rank,
                          .heads = l->a->heads,
                          .kv_heads = 1,
                          .scale = l->a->scale,
                          .q = l->wide->data,
                          .out = l->sums->data};
    return direct_attend_all(&t);
}

mx_rows *direct_attend_latent(mx_direct *m, const mx_attender *a, int64_t layer, mx_rows *q,
                              mx_rows *k) {
    latent l = {.m = m, .a = a, .up = direct_view(&a->kv_up, 0), .q = q, .k = k};
    l.rank = a->rank;
    l.turned = a->rope.rotated;
    l.still = a->dim - l.turned;
    l.rows = q->rows;
    if (!m->room)
        return mx_fail(MX_UNSUPPORTED, "[language model] latent attention without a cache");
    l.room = &m->room[layer];
    if (l.turned && !(l.turns = direct_turns_of(m, &a->rope)))
        return NULL;
    l.wide = direct_rows(m, q->rows, a->heads * (l.rank + l.turned));
    l.sums = l.wide ? direct_rows(m, q->rows, a->heads * l.rank) : NULL;
    l.out = l.sums ? direct_rows(m, q->rows, (int64_t)a->heads * a->value_dim) : NULL;
    if (!l.out)
        return NULL;
    direct_each(m, q->rows, 4 * q->width, row_body, &l);
    bool ok = direct_all(m, a->heads, wide_body, &l) && attend(&l) &&
              direct_all(m, a->heads, out_body, &l);
    return ok ? l.out : NULL;
}
