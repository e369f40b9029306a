/* Products with few rows or few columns: a wide matrix w (n,k) times s <= 8 vectors x, at the speed
 * of reading w. Which operand is wide and how it lies decides the kernel:
 *
 *     m <= 8: x = rows of a, w = b transposed          n <= 8: x = columns of b, w = a
 *     w has adjacent k: dot products                   w has adjacent n: sums of rows
 */
#include <stdatomic.h>
#include <string.h>

#include "base/threads/pool.h"
#include "cpu/matmul/matmul_internal.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { PIECE = 3, TASK_ELEMENTS = 64, DOT_SLICE = 64, DOT_N = 64, SUM_SLICE = 5, SUM_N = 40 };
#else
enum {
    PIECE = 4096,          /* sums that a task keeps at a time: they stay in L1 */
    TASK_ELEMENTS = 65536, /* of w, worth waking a thread */
    DOT_SLICE = 16384,     /* k is cut in slices of at least this where n is small: for tasks */
    DOT_N = 64,
    SUM_SLICE = 256, /* the same for sums of rows, so that a task reads rows in one go */
    SUM_N = 16384
};
#endif
enum { MOST_SLICES = 16, LARGE_BYTES = 128 << 10 };

typedef struct skinny {
    const gemm_item *item;
    const void *w;
    int64_t w_ns, w_ks, n, k; /* strides of w along n and k */
    int s;
    bool dot;  /* adjacent k */
    bool rows; /* x are rows of a: the result is (s,n), else (n,s) */
    const float *x;
    int64_t ldx;
    int64_t slices, slice; /* of k */
    int64_t piece;         /* columns at a time */
    float *partial;        /* slices x s x n */
    size_t size;           /* of an element of w */
    atomic_bool nomem;
} skinny;

static bool wide_ok(int64_t ns, int64_t ks, int64_t n) {
    return ks == 1 || ns == 1 || n == 1;
}

bool gemm_is_skinny(const gemm_item *item) {
    const mx_gemm_args *g = item->args;
    if (mx_dtype_compute(g->dtype) != MX_FLOAT32 || g->pack_a || g->pack_b || g->k == 0)
        return false;
    if (g->m <= MX_K_SKINNY && g->m <= g->n)
        return wide_ok(item->b.cs, item->b.rs, g->n);
    return g->n <= MX_K_SKINNY && wide_ok(item->a.rs, item->a.cs, g->m);
}

/* By sizes alone: slices decide the order of sums. */
static void choose_slices(skinny *p) {
    bool small = p->n * p->k < 2 * TASK_ELEMENTS;
    int64_t most = p->dot ? p->k / DOT_SLICE : p->k / SUM_SLICE;
    if (small || p->n >= (p->dot ? DOT_N : SUM_N))
        most = 1;
    p->slices = gemm_max(1, gemm_min(MOST_SLICES, most));
    p->slice = gemm_ceil_div(gemm_ceil_div(p->k, p->slices), 64) * 64;
    p->slices = gemm_ceil_div(p->k, p->slice);
}

static skinny describe(const gemm_item *item) {
    const mx_gemm_args *g = item->args;
    skinny p = {.item = item, .k = g->k, .size = mx_dtype_size(g->dtype)};
    p.rows = g->m <= MX_K_SKINNY && g->m <= g->n;
    p.n = p.rows ? g->n : g->m;
    p.s = (int)(p.rows ? g->m : g->n);
    p.w = p.rows ? item->b.data : item->a.data;
    p.w_ns = p.rows ? item->b.cs : item->a.rs;
    p.w_ks = p.rows ? item->b.rs : item->a.cs;
    p.dot = p.w_ks == 1;
    p.piece = gemm_max(1, PIECE / p.s);
    choose_slices(&p);
    return p;
}

/* k numbers as adjacent float32. */
static void to_float(float *dst, const void *src, int64_t stride, int64_t k, mx_dtype t) {
    mx_k_pack *pack = mx_kernels_get()->matmul->f32->pack[t];
    const int64_t most = 1 << 20;
    if (stride != 1) {
        pack(dst, 1, src, 0, stride, 1, k);
        return;
    }
    for (int64_t i = 0; i < k; i += most) {
        int n = (int)gemm_min(most, k - i);
        pack(dst + i, n, gemm_at(src, i, mx_dtype_size(t)), 1, 1, n, 1);
    }
}

/* The vectors, converted unless they already lie as the kernels want them. */
static bool read_vectors(skinny *p) {
    const mx_matrix *m = p->rows ? &p->item->a : &p->item->b;
    int64_t xs = p->rows ? m->rs : m->cs, ks = p->rows ? m->cs : m->rs;
    mx_dtype t = p->item->args->dtype;
    if (t == MX_FLOAT32 && (ks == 1 || p->k == 1)) {
        p->x = m->data;
        p->ldx = xs;
        return true;
    }
    float *x = mx_scratch(3, (size_t)p->s * (size_t)p->k * sizeof *x);
    if (!x)
        return false;
    for (int i = 0; i < p->s; i++)
        to_float(x + i * p->k, gemm_at(m->data, i * xs, p->size), ks, p->k, t);
    p->x = x;
    p->ldx = p->k;
    return true;
}

/* Is it better to ask for rows before they are read, as where the matrix lies in no cache? The
   sums are the same. */
static bool asks(const skinny *p) {
    return p->s == 1 && p->slices == 1 && p->w_ns == p->k &&
           p->n * p->k * (int64_t)p->size >= LARGE_BYTES;
}

/* y(s,count), ldy apart, over columns j0.. of the wide matrix and k0 .. k0+k. */
static void sums(const skinny *p, float *y, int64_t ldy, int64_t j0, int64_t count, int64_t k0,
                 int64_t k) {
    const mx_k_matmul *kern = mx_kernels_get()->matmul;
    mx_dtype t = p->item->args->dtype;
    const void *w = gemm_at(p->w, j0 * p->w_ns + k0 * p->w_ks, p->size);
    if (p->dot && asks(p)) {
        kern->stretched_dot[t](y, w, p->w_ns, count, p->x + k0, k, k);
        return;
    }
    if (p->dot) {
        kern->skinny_dot[t](y, 1, ldy, w, p->w_ns, count, p->x + k0, p->ldx, p->s, k);
        return;
    }
    for (int i = 0; i < p->s; i++)
        memset(y + i * ldy, 0, (size_t)count * sizeof *y);
    kern->skinny_sum[t](y, ldy, w, p->w_ks, p->x + k0, p->ldx, p->s, k, count);
}

/* Store y(s,count), which is elements (.., j0..) or, where x are columns, (j0.., ..). */
static void store(const skinny *p, float *y, int64_t j0, int64_t count, float *turned) {
    if (p->rows) {
        gemm_finish(p->item, y, count, 0, j0, p->s, count);
        return;
    }
    if (p->s == 1) {
        gemm_finish(p->item, y, 1, j0, 0, count, 1);
        return;
    }
    for (int64_t j = 0; j < count; j++)
        for (int i = 0; i < p->s; i++)
            turned[j * p->s + i] = y[i * count + j];
    gemm_finish(p->item, turned, p->s, j0, 0, count, p->s);
}

/* Slice by slice the sums of columns j.., added in order. */
static void merge(const skinny *p, float *y, int64_t j, int64_t count) {
    for (int i = 0; i < p->s; i++)
        for (int64_t slice = 0; slice < p->slices; slice++) {
            const float *part = p->partial + (slice * p->s + i) * p->n + j;
            for (int64_t c = 0; c < count; c++)
                y[i * count + c] = slice ? y[i * count + c] + part[c] : part[c];
        }
}

/* Finish columns begin .. end: computed now, or merged from slices. */
static void columns_body(void *ctx, int64_t begin, int64_t end) {
    skinny *p = ctx;
    float *y = mx_scratch(0, (size_t)(p->s * p->piece) * 2 * sizeof *y);
    if (!y) {
        atomic_store(&p->nomem, true);
        return;
    }
    for (int64_t j = begin; j < end; j += p->piece) {
        int64_t count = gemm_min(p->piece, end - j);
        if (p->partial)
            merge(p, y, j, count);
        else
            sums(p, y, count, j, count, 0, p->k);
        store(p, y, j, count, y + p->s * p->piece);
    }
}

/* One task: a slice of some columns. */
static void slices_body(void *ctx, int64_t begin, int64_t end) {
    const skinny *p = ctx;
    int64_t pieces = gemm_ceil_div(p->n, p->piece);
    for (int64_t t = begin; t < end; t++) {
        int64_t slice = t / pieces, j = t % pieces * p->piece, k0 = slice * p->slice;
        sums(p, p->partial + slice * p->s * p->n + j, p->n, j, gemm_min(p->piece, p->n - j), k0,
             gemm_min(p->slice, p->k - k0));
    }
}

bool gemm_skinny(const gemm_item *item) {
    skinny p = describe(item);
    if (!read_vectors(&p))
        return false;
    if (p.slices > 1) {
        p.partial = mx_scratch(1, (size_t)(p.slices * p.s * p.n) * sizeof *p.partial);
        if (!p.partial)
            return false;
        int64_t tasks = p.slices * gemm_ceil_div(p.n, p.piece);
        int64_t numbers = p.slice * gemm_min(p.piece, p.n); // of w, a task
        if (!mx_parallel_for_long(tasks, 1 + TASK_ELEMENTS / numbers, slices_body, &p))
            return false;
    }
    int64_t work = p.partial ? p.slices : p.k; // for each column
    return mx_parallel_for_long(p.n, 1 + TASK_ELEMENTS / work, columns_body, &p) &&
           !atomic_load(&p.nomem);
}
