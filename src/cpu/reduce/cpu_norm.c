/* rms_norm and layer_norm, and their derivatives: rows over the pool. Sums over rows (dw, db) are
 * made in fixed blocks of rows and added in order, so that they do not depend on the number of
 * threads. */
#include <string.h>

#include "base/mem.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/cpu_copy.h"
#include "cpu/memory/dense.h"
#include "graph/array/params.h"
#include "kernels/norm/k_norm.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/kernels.h"

enum { GRAIN = 8192, BLOCK_ROWS = 32, MOST_BLOCKS = 64 };

typedef struct job {
    const mx_k_norm *k;
    mx_dtype t;
    size_t item;
    bool layer;
    double eps;
    const char *x, *g;
    const void *w, *b;
    char *out; /* y, or dx (may be NULL) */
    int64_t rows, n;
    int64_t block; /* rows of one block of sums */
    char *dw, *db; /* a row of sums for each block; NULL: not wanted */
    size_t sum_item;
} job;

static job job_of(const mx_node *n) {
    const mx_array *x = n->in[0];
    mx_dtype t = mx_dtype_of(x);
    int64_t last = x->shape[x->ndim - 1];
    return (job){
        .k = mx_kernels_get()->norm,
        .t = t,
        .item = mx_itemsize(x),
        .layer = n->prim == MX_PRIM_layer_norm || n->prim == MX_PRIM_layer_norm_vjp,
        .eps = ((const mx_p_norm *)n->params)->eps,
        .n = last,
        .rows = last ? x->size / last : 0,
        .sum_item = mx_dtype_size(mx_dtype_compute(t)),
    };
}

/* --- forward ---------------------------------------------------------------------------------- */

static void forward(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    int64_t at = begin * j->n * (int64_t)j->item;
    size_t rows = (size_t)(end - begin), n = (size_t)j->n;
    if (j->layer)
        j->k->layer[j->t](j->out + at, j->x + at, j->w, j->b, j->eps, rows, n);
    else
        j->k->rms[j->t](j->out + at, j->x + at, j->w, j->eps, rows, n);
}

/* x where it lies, or copied into the result and worked on there. */
static bool place(job *j, mx_array *x, mx_array *out) {
    if (!mx_array_alloc_or_take(out, x))
        return false;
    if (!x->row_contiguous)
        cpu_copy_dense(out->data, x);
    j->x = x->row_contiguous ? x->data : out->data;
    j->out = out->data;
    return true;
}

static bool run_forward(mx_node *n, mx_array *out) {
    const mx_p_norm *p = n->params;
    cpu_dense w, b = {0};
    job j = job_of(n);
    bool ok = cpu_dense_open(&w, p->weight ? n->in[1] : NULL) &&
              cpu_dense_open(&b, p->bias ? n->in[1 + p->weight] : NULL) && place(&j, n->in[0], out);
    j.w = w.data;
    j.b = b.data;
    if (ok && j.rows)
        mx_parallel_for(j.rows, 1 + GRAIN / j.n, forward, &j);
    cpu_dense_close(&w);
    cpu_dense_close(&b);
    return ok;
}

/* --- backward --------------------------------------------------------------------------------- */

static void backward(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    size_t n = (size_t)j->n;
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i * j->block,
                rows = j->rows - first < j->block ? j->rows - first : j->block;
        int64_t at = first * j->n * (int64_t)j->item, sum = i * j->n * (int64_t)j->sum_item;
        char *dx = j->out ? j->out + at : NULL;
        char *dw = j->dw ? j->dw + sum : NULL, *db = j->db ? j->db + sum : NULL;
        if (j->layer)
            j->k->layer_vjp[j->t](dx, dw, db, j->x + at, j->w, j->g + at, j->eps, (size_t)rows, n);
        else
            j->k->rms_vjp[j->t](dx, dw, j->x + at, j->w, j->g + at, j->eps, (size_t)rows, n);
    }
}

/* Add up the blocks' sums, in order, and store them as the result's dtype. */
static void finish_sums(const job *j, int64_t blocks, char *sums, mx_array *out) {
    const mx_k_pointwise *pw = mx_kernels_get()->pointwise;
    mx_dtype wide = mx_dtype_compute(j->t);
    for (int64_t i = 1; i < blocks; i++)
        pw->op[MX_PW_add][wide].binary(sums, sums, sums + i * j->n * (int64_t)j->sum_item,
                                       (size_t)j->n);
    pw->cast[wide][j->t](out->data, sums, (size_t)j->n);
}

static int64_t count_blocks(job *j) {
    int64_t least = (j->rows + MOST_BLOCKS - 1) / MOST_BLOCKS;
    j->block = least > BLOCK_ROWS ? least : BLOCK_ROWS;
    return (j->rows + j->block - 1) / j->block;
}

static bool run_rows(job *j, mx_array *dw, mx_array *db) {
    int64_t blocks = count_blocks(j);
    size_t one = (size_t)(blocks ? blocks : 1) * (size_t)j->n * j->sum_item;
    char *sums = mx_calloc(2 * one + 1, 1);
    if (!sums)
        return false;
    j->dw = dw ? sums : NULL;
    j->db = db ? sums + one : NULL;
    if (j->n)
        mx_parallel_for(blocks, 1, backward, j);
    if (dw)
        finish_sums(j, blocks, j->dw, dw);
    if (db)
        finish_sums(j, blocks, j->db, db);
    mx_free(sums);
    return true;
}

static bool run_backward(mx_node *n, mx_array **out) {
    const mx_p_norm *p = n->params;
    mx_array *dw = p->weight ? out[1] : NULL, *db = p->bias ? out[1 + p->weight] : NULL;
    cpu_dense x, g = {0}, w = {0};
    job j = job_of(n);
    for (int i = 0; i < n->nout; i++)
        if (out[i] && !mx_array_alloc(out[i]))
            return false;
    bool ok = cpu_dense_open(&x, n->in[0]) && cpu_dense_open(&g, n->in[1]) &&
              cpu_dense_open(&w, p->weight ? n->in[2] : NULL);
    j.x = x.data;
    j.g = g.data;
    j.w = w.data;
    j.out = out[0] ? out[0]->data : NULL;
    ok = ok && run_rows(&j, dw, db);
    cpu_dense_close(&x);
    cpu_dense_close(&g);
    cpu_dense_close(&w);
    return ok;
}

bool cpu_norm(mx_node *n, mx_array **out, const mx_program *feed) {
    (void)feed;
    if (n->prim == MX_PRIM_rms_norm || n->prim == MX_PRIM_layer_norm)
        return run_forward(n, out[0]);
    return run_backward(n, out);
}
