/* Attention of few queries: the matrix-vector kernels read keys and values once, where they lie.
 * The queries of all heads that share a kv head go together, as rows. Long keys are cut in splits,
 * whose unfinished results are merged in order; their number depends on sizes alone.
 *
 *     part: pair (batch, kv head) ─▶ split of the keys ─▶ m and l of each row, then o (rows, Dv)
 */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/threads/pool.h"
#include "cpu/attention/attention_internal.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { SPLIT_KEYS = 6 };
#else
enum { SPLIT_KEYS = 256 }; /* at least */
#endif
enum {
    MOST_ROWS = 32,
    MOST_QUERIES = 8,
    SPLIT_TASKS = 32 /* enough tasks for many threads */
};

typedef struct decode {
    const mx_attend_args *a;
    int64_t group, rows;   /* heads a kv head; queries of all of them: row = head * Lq + query */
    int64_t splits, split; /* splits of the keys; keys in each */
    size_t part;           /* floats of one part */
    float *parts;
    atomic_bool nomem;
} decode;

bool att_is_decode(const mx_attend_args *a) {
    return a->q_len <= MOST_QUERIES && a->heads / a->kv_heads * a->q_len <= MOST_ROWS &&
           a->k_s[3] == 1 && a->v_s[3] == 1 && a->k_len > 0;
}

/* What a task works in. */
typedef struct work {
    float *q;        /* rows x D */
    float *s, *mask; /* rows x ATT_KEYS */
    float *m, *l, *o;
    int64_t b, kv;
} work;

static float *part_at(const decode *d, int64_t pair, int64_t split) {
    return d->parts + (size_t)(pair * d->splits + split) * d->part;
}

static void read_queries(const decode *d, const work *w) {
    const mx_attend_args *a = d->a;
    mx_k_pack *pack = mx_kernels_get()->matmul->f32->pack[a->dtype];
    const int64_t *s = a->q_s;
    for (int64_t r = 0; r < d->rows; r++) {
        int64_t h = w->kv * d->group + r / a->q_len, i = r % a->q_len;
        const void *q = att_at(a->q, w->b * s[0] + h * s[1] + i * s[2], a->dtype);
        pack(w->q + r * a->dim, (int)a->dim, q, s[3], 0, (int)a->dim, 1);
        w->m[r] = -INFINITY;
        w->l[r] = 0.0f;
    }
    memset(w->o, 0, (size_t)(d->rows * a->v_dim) * sizeof *w->o);
}

static const float *mask_rows(const decode *d, const work *w, int64_t t0, int64_t n) {
    const mx_attend_args *a = d->a;
    if (!a->mask)
        return NULL;
    for (int64_t r = 0; r < d->rows; r++) {
        int64_t h = w->kv * d->group + r / a->q_len;
        att_mask_row(a, w->mask + r * ATT_KEYS, att_mask_at(a, w->b, h, r % a->q_len, t0),
                     a->mask_s[3], n);
    }
    return w->mask;
}

static void step(const decode *d, const work *w, int64_t t0, int64_t n) {
    const mx_attend_args *a = d->a;
    const mx_kernels *kern = mx_kernels_get();
    const int64_t *ks = a->k_s, *vs = a->v_s;
    const void *k = att_at(a->k, w->b * ks[0] + w->kv * ks[1] + t0 * ks[2], a->dtype);
    const void *v = att_at(a->v, w->b * vs[0] + w->kv * vs[1] + t0 * vs[2], a->dtype);
    for (int64_t r = 0; r < d->rows; r += MX_K_SKINNY)
        kern->matmul->skinny_dot[a->dtype](w->s + r * ATT_KEYS, 1, ATT_KEYS, k, ks[2], n,
                                           w->q + r * a->dim, a->dim,
                                           (int)att_min(MX_K_SKINNY, d->rows - r), a->dim);
    mx_k_att_step s = {.s = w->s,
                       .ld = ATT_KEYS,
                       .keys = n,
                       .scale = a->scale,
                       .mask = mask_rows(d, w, t0, n),
                       .select = a->mask && a->mask_dtype == MX_BOOL,
                       .limit = att_limit(a, 0, t0),
                       .m = w->m,
                       .l = w->l,
                       .o = w->o,
                       .o_ld = a->v_dim,
                       .values = a->v_dim};
    kern->attention->rows(&s, d->rows, a->q_len);
    for (int64_t r = 0; r < d->rows; r += MX_K_SKINNY)
        kern->matmul->skinny_sum[a->dtype](w->o + r * a->v_dim, a->v_dim, v, vs[2],
                                           w->s + r * ATT_KEYS, ATT_KEYS,
                                           (int)att_min(MX_K_SKINNY, d->rows - r), n, a->v_dim);
}

static void split_body(void *ctx, int64_t begin, int64_t end) {
    decode *d = ctx;
    const mx_attend_args *a = d->a;
    size_t s = (size_t)d->rows * ATT_KEYS;
    float *room = mx_scratch(0, (2 * s + (size_t)(d->rows * a->dim)) * sizeof *room);
    if (!room) {
        atomic_store(&d->nomem, true);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        int64_t pair = i / d->splits, t = i % d->splits * d->split;
        int64_t last = att_min(a->k_len, t + d->split);
        float *m = part_at(d, pair, i % d->splits);
        work w = {.q = room + 2 * s,
                  .s = room,
                  .mask = room + s,
                  .m = m,
                  .l = m + d->rows,
                  .o = m + 2 * d->rows,
                  .b = pair / a->kv_heads,
                  .kv = pair % a->kv_heads};
        read_queries(d, &w);
        for (; t < last; t += ATT_KEYS)
            step(d, &w, t, att_min(ATT_KEYS, last - t));
    }
}

/* ---- merging ---- */

/* e^(x - m), where -inf weighs nothing even if it is the maximum. */
static float weight(float x, float m) {
    return isinf(x) && x < 0 ? 0.0f : expf(x - m);
}

/* Row r of a pair: the splits' results (and the sink) brought to one maximum; into the first. */
static void merge_row(const decode *d, int64_t pair, int64_t r) {
    const mx_attend_args *a = d->a;
    int64_t h = pair % a->kv_heads * d->group + r / a->q_len;
    float sink = a->sinks ? att_sink(a, h) : -INFINITY, top = sink, l;
    for (int64_t i = 0; i < d->splits; i++) {
        float m = part_at(d, pair, i)[r];
        top = m > top || isnan(m) ? m : top;
    }
    l = weight(sink, top);
    float *o = part_at(d, pair, 0) + 2 * d->rows + r * a->v_dim;
    for (int64_t i = 0; i < d->splits; i++) {
        const float *part = part_at(d, pair, i), *p = part + 2 * d->rows + r * a->v_dim;
        float c = weight(part[r], top);
        l += c * part[d->rows + r];
        for (int64_t k = 0; k < a->v_dim; k++)
            o[k] = (i ? o[k] : 0.0f) + c * p[k];
    }
    att_store(a, pair / a->kv_heads, h, r % a->q_len, o, top, l);
}

static void merge_body(void *ctx, int64_t begin, int64_t end) {
    const decode *d = ctx;
    for (int64_t i = begin; i < end; i++)
        merge_row(d, i / d->rows, i % d->rows);
}

bool att_decode(const mx_attend_args *a) {
    decode d = {.a = a, .group = a->heads / a->kv_heads};
    int64_t pairs = a->batch * a->kv_heads;
    d.rows = d.group * a->q_len;
    d.splits = att_min(att_ceil_div(a->k_len, SPLIT_KEYS), att_ceil_div(SPLIT_TASKS, pairs));
    d.split = att_ceil_div(att_ceil_div(a->k_len, d.splits), ATT_KEYS) * ATT_KEYS;
    d.splits = att_ceil_div(a->k_len, d.split);
    d.part = (size_t)d.rows * (size_t)(a->v_dim + 2);
    size_t bytes = d.part * (size_t)(pairs * d.splits) * sizeof *d.parts;
    d.parts = mx_block_alloc(bytes);
    if (!d.parts)
        return false;
    int64_t numbers = d.split * (a->dim + a->v_dim);
    mx_parallel_for(pairs * d.splits, 1 + 32768 / (numbers + 1), split_body, &d);
    bool ok = !atomic_load(&d.nomem);
    if (ok)
        mx_parallel_for(pairs * d.rows, 64, merge_body, &d);
    mx_block_free(d.parts, bytes);
    return ok;
}
