/* Attention of many queries. Scores are computed transposed, queries as columns:
 *
 *     S (keys,W) = K (keys,D) Q^T (D,W)        K panels are A, a panel of W queries is B
 *     O (Dv,W)  += V^T (Dv,keys) P (keys,W)    V^T panels are A, the weights lie as one of B
 *
 * so that one panel of queries is a vector wide, the softmax works lane by lane, and weights are
 * never repacked. Keys and values are packed once for all heads that share them:
 *
 *     packed: pair (batch, kv head) ─▶ block of ATT_KEYS keys ─▶ K panels, then V^T panels
 */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/threads/pool.h"
#include "cpu/attention/attention_internal.h"
#include "cpu/matmul/matmul_engine.h"
#include "kernels/kernels.h"

/* Bytes of packed keys and values at a time, if one pair fits. */
#ifdef MX_TORTURE
enum { PACK_LIMIT = 4096 };
#else
enum { PACK_LIMIT = 64 << 20 };
#endif

typedef struct prefill {
    const mx_attend_args *a;
    const mx_k_gemm *f;
    int64_t group;                             /* query heads a kv head */
    int64_t blocks;                            /* of keys */
    int64_t panels;                            /* of queries, a head */
    size_t k_panel, v_panel, k_bytes, v_bytes; /* of one block */
    int64_t first;                             /* pair of `packed` */
    char *packed;
    atomic_bool nomem;
} prefill;

/* ---- keys and values ---- */

static size_t panel_size(const mx_k_gemm *f, int64_t k, int w) {
    return (size_t)att_ceil_div(k, f->kgroup) * (size_t)w * (size_t)f->in_size;
}

/* K and V^T panels of block j of one (batch, kv head). */
static const char *block_at(const prefill *p, int64_t pair, int64_t j) {
    return p->packed + (size_t)((pair - p->first) * p->blocks + j) * (p->k_bytes + p->v_bytes);
}

static void pack_block(const prefill *p, int64_t pair, int64_t j) {
    const mx_attend_args *a = p->a;
    const int64_t *ks = a->k_s, *vs = a->v_s;
    int64_t b = pair / a->kv_heads, h = pair % a->kv_heads, t0 = j * ATT_KEYS;
    int64_t n = att_min(ATT_KEYS, a->k_len - t0);
    int w = p->f->mr;
    char *dst = (char *)block_at(p, pair, j);
    const void *k = att_at(a->k, b * ks[0] + h * ks[1] + t0 * ks[2], a->dtype);
    for (int64_t t = 0; t < n; t += w)
        p->f->pack[a->dtype](dst + (size_t)(t / w) * p->k_panel, w, att_at(k, t * ks[2], a->dtype),
                             ks[2], ks[3], (int)att_min(w, n - t), a->dim);
    dst += p->k_bytes;
    const void *v = att_at(a->v, b * vs[0] + h * vs[1] + t0 * vs[2], a->dtype);
    for (int64_t d = 0; d < a->v_dim; d += w)
        p->f->pack[a->dtype](dst + (size_t)(d / w) * p->v_panel, w, att_at(v, d * vs[3], a->dtype),
                             vs[3], vs[2], (int)att_min(w, a->v_dim - d), n);
}

static void pack_body(void *ctx, int64_t begin, int64_t end) {
    const prefill *p = ctx;
    for (int64_t i = begin; i < end; i++)
        pack_block(p, p->first + i / p->blocks, i % p->blocks);
}

/* ---- one panel of queries ---- */

typedef struct task {
    int64_t b, h, pair, i0, queries; /* queries i0 .. of head h */
    char *q;                         /* packed */
    float *s, *mask, *o, *rows, *m, *l;
    uint32_t *pairs;
} task;

/* Pieces of one scratch block, each aligned. */
static void *carve(char **at, size_t bytes) {
    void *p = *at;
    *at += (bytes + 63) / 64 * 64;
    return p;
}

static bool room(const prefill *p, task *t) {
    size_t w = (size_t)p->f->nr, dv = (size_t)p->a->v_dim;
    size_t s = ATT_KEYS * w * 4, o = dv * w * 4, q = panel_size(p->f, p->a->dim, p->f->nr);
    char *at = mx_scratch(0, q + 3 * s + 2 * o + 2 * w * 4 + 8 * 64);
    if (!at)
        return false;
    t->q = carve(&at, q);
    t->s = carve(&at, s);
    t->mask = carve(&at, s);
    t->pairs = carve(&at, s);
    t->o = carve(&at, o);
    t->rows = carve(&at, o);
    t->m = carve(&at, w * 4);
    t->l = carve(&at, w * 4);
    memset(t->s, 0, s);
    memset(t->o, 0, o);
    return true;
}

static void start(const prefill *p, task *t) {
    const mx_attend_args *a = p->a;
    const int64_t *s = a->q_s;
    const void *q = att_at(a->q, t->b * s[0] + t->h * s[1] + t->i0 * s[2], a->dtype);
    p->f->pack[a->dtype](t->q, p->f->nr, q, s[2], s[3], (int)t->queries, a->dim);
    for (int i = 0; i < p->f->nr; i++) {
        t->m[i] = a->sinks ? att_sink(a, t->h) : -INFINITY;
        t->l[i] = a->sinks ? 1.0f : 0.0f;
    }
}

/* The mask of n keys from t0 on, queries as columns. */
static const float *mask_tile(const prefill *p, const task *t, int64_t t0, int64_t n) {
    const mx_attend_args *a = p->a;
    if (!a->mask)
        return NULL;
    const mx_k_gemm *f32 = mx_kernels_get()->matmul->f32;
    const void *src = att_mask_at(a, t->b, t->h, t->i0, t0);
    if (a->mask_dtype != MX_BOOL) {
        f32->pack[a->mask_dtype](t->mask, p->f->nr, src, a->mask_s[2], a->mask_s[3],
                                 (int)t->queries, n);
        return t->mask;
    }
    float *rows = (float *)t->pairs; // not in use yet
    for (int64_t i = 0; i < t->queries; i++)
        att_mask_row(a, rows + i * ATT_KEYS, att_mask_at(a, t->b, t->h, t->i0 + i, t0),
                     a->mask_s[3], n);
    f32->pack[MX_FLOAT32](t->mask, p->f->nr, rows, ATT_KEYS, 1, (int)t->queries, n);
    return t->mask;
}

static void step(const prefill *p, task *t, int64_t j) {
    const mx_attend_args *a = p->a;
    const mx_k_gemm *f = p->f;
    int64_t t0 = j * ATT_KEYS, n = att_min(ATT_KEYS, a->k_len - t0), w = f->nr;
    const char *k = block_at(p, t->pair, j), *v = k + p->k_bytes;
    for (int64_t i = 0; i < n; i += f->mr, k += p->k_panel)
        f->tile((int)att_min(f->mr, n - i), (int)t->queries, att_ceil_div(a->dim, f->kgroup), k,
                t->q, t->s + i * w, w, false);
    mx_k_att_step s = {.s = t->s,
                       .ld = w,
                       .keys = n,
                       .scale = a->scale,
                       .mask = mask_tile(p, t, t0, n),
                       .select = a->mask && a->mask_dtype == MX_BOOL,
                       .limit = att_limit(a, t->i0, t0),
                       .m = t->m,
                       .l = t->l,
                       .o = t->o,
                       .o_ld = w,
                       .values = a->v_dim};
    bool pairs = f->kgroup == 2;
    mx_kernels_get()->attention->columns(&s, t->queries, pairs ? t->pairs : NULL);
    const void *weights = pairs ? (const void *)t->pairs : t->s;
    for (int64_t i = 0; i < a->v_dim; i += f->mr, v += p->v_panel)
        f->tile((int)att_min(f->mr, a->v_dim - i), (int)t->queries, att_ceil_div(n, f->kgroup), v,
                weights, t->o + i * w, w, true);
}

/* Blocks that some query of the panel needs: all, if one of them may see nothing. */
static int64_t needed_blocks(const prefill *p, const task *t) {
    const mx_attend_args *a = p->a;
    int64_t first = t->i0 + a->k_len - a->q_len, last = first + t->queries - 1;
    if (!a->causal || first < 0 || a->mask)
        return p->blocks;
    return att_min(p->blocks, last / ATT_KEYS + 1);
}

static void finish(const prefill *p, const task *t) {
    const mx_attend_args *a = p->a;
    const mx_k_gemm *f32 = mx_kernels_get()->matmul->f32;
    // O (Dv,W) as a panel as wide as Dv is its transpose
    f32->pack[MX_FLOAT32](t->rows, (int)a->v_dim, t->o, p->f->nr, 1, (int)a->v_dim, t->queries);
    for (int64_t i = 0; i < t->queries; i++)
        att_store(a, t->b, t->h, t->i0 + i, t->rows + i * a->v_dim, t->m[i], t->l[i]);
}

static void panel_body(void *ctx, int64_t begin, int64_t end) {
    prefill *p = ctx;
    const mx_attend_args *a = p->a;
    for (int64_t i = begin; i < end; i++) {
        task t = {.pair = p->first + i / (p->panels * p->group), .i0 = i % p->panels * p->f->nr};
        t.b = t.pair / a->kv_heads;
        t.h = t.pair % a->kv_heads * p->group + i / p->panels % p->group;
        t.queries = att_min(p->f->nr, a->q_len - t.i0);
        if (!room(p, &t)) {
            atomic_store(&p->nomem, true);
            return;
        }
        start(p, &t);
        for (int64_t j = 0, n = needed_blocks(p, &t); j < n; j++)
            step(p, &t, j);
        finish(p, &t);
    }
}

static void describe(prefill *p) {
    const mx_attend_args *a = p->a;
    p->f = mx_gemm_format(a->dtype);
    p->group = a->heads / a->kv_heads;
    p->blocks = att_ceil_div(a->k_len, ATT_KEYS);
    p->panels = att_ceil_div(a->q_len, p->f->nr);
    p->k_panel = panel_size(p->f, a->dim, p->f->mr);
    p->v_panel = panel_size(p->f, ATT_KEYS, p->f->mr);
    p->k_bytes = p->k_panel * (size_t)att_ceil_div(ATT_KEYS, p->f->mr);
    p->v_bytes = p->v_panel * (size_t)att_ceil_div(a->v_dim, p->f->mr);
}

bool att_prefill(const mx_attend_args *a) {
    prefill p = {.a = a};
    describe(&p);
    size_t each = (size_t)p.blocks * (p.k_bytes + p.v_bytes) + 64;
    int64_t pairs = a->batch * a->kv_heads, fit = (int64_t)(PACK_LIMIT / each);
    int64_t chunk = att_min(pairs, fit < 1 ? 1 : fit);
    p.packed = mx_block_alloc(each * (size_t)chunk);
    if (!p.packed)
        return false;
    bool ok = true;
    for (; ok && p.first < pairs; p.first += chunk) {
        int64_t n = att_min(chunk, pairs - p.first);
        mx_parallel_for(n * p.blocks, 1, pack_body, &p);
        ok = mx_parallel_for_long(n * p.group * p.panels, 1, panel_body, &p);
    }
    mx_block_free(p.packed, each * (size_t)chunk);
    return ok && !atomic_load(&p.nomem);
}
