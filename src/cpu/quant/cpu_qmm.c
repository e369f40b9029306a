/* quantized_matmul and gather_qmm: products become runs (quant_engine.h), all rows that meet one
   matrix. */
#include <string.h>

#include "base/mem.h"
#include "cpu/cpu.h"
#include "cpu/index/cpu_index.h"
#include "cpu/memory/dense.h"
#include "cpu/memory/layout.h"
#include "cpu/quant/quant_engine.h"
#include "graph/array/params.h"

enum { X, W, S, B };

/* One node. Product i multiplies matrix x_at[i] of x with matrix w_at[i] of w. */
typedef struct job {
    mx_quant_format format;
    bool transpose, whole, gathers;
    mx_array *const *in;
    int operands;       /* x, w, scales, biases: how many of them there are */
    cpu_dense dense[4]; /* of each */
    int64_t m;          /* rows of a product */
    int64_t products;
    int64_t matrices; /* of w */
    int64_t *x_at, *w_at;
    mx_qmm_run *runs;
    int64_t run_count;
    int64_t *x_row, *y_row;
} job;

/* --- which matrices meet ---------------------------------------------------------------------- */

static int64_t leading(const mx_array *a) {
    int64_t n = 1;
    for (int i = 0; i + 2 < a->ndim; i++)
        n *= a->shape[i];
    return n;
}

static bool from_indices(job *j, const mx_array *lhs, const mx_array *rhs) {
    const char *op = "gather_qmm";
    cpu_index x = {lhs, 0, (int)leading(j->in[X]), 1, 1}, w = {rhs, 0, (int)j->matrices, 1, 1};
    return cpu_index_resolve(op, &x, 1, j->x_at) && cpu_index_resolve(op, &w, 1, j->w_at);
}

/* Number of the matrix of a that stands at place i of the result's leading axes. */
static int64_t broadcast_at(const mx_array *a, const mx_array *out, int64_t i) {
    int64_t at = 0, step = 1;
    int missing = out->ndim - a->ndim;
    for (int d = out->ndim - 3; d >= 0; d--) {
        int64_t place = i % out->shape[d];
        i /= out->shape[d];
        if (d < missing)
            continue;
        if (a->shape[d - missing] != 1)
            at += place * step;
        step *= a->shape[d - missing];
    }
    return at;
}

static void from_broadcast(job *j, const mx_array *out) {
    for (int64_t i = 0; i < j->products; i++) {
        j->x_at[i] = broadcast_at(j->in[X], out, i);
        j->w_at[i] = broadcast_at(j->in[W], out, i);
    }
}

/* --- runs ------------------------------------------------------------------------------------- */

static mx_quant_matrix matrix(const job *j, int64_t number) {
    const mx_array *w = j->in[W], *s = j->operands > S ? j->in[S] : NULL;
    int64_t rows = w->shape[w->ndim - 2];
    mx_quant_matrix m = {
        .format = j->format,
        .w_rs = (ptrdiff_t)w->shape[w->ndim - 1] * (ptrdiff_t)mx_itemsize(w),
        .factor = 1,
    };
    m.w = (const char *)j->dense[W].data + number * rows * m.w_rs;
    if (!s)
        return m;
    m.stype = mx_dtype_of(s);
    m.s_rs = (ptrdiff_t)s->shape[s->ndim - 1] * (ptrdiff_t)mx_itemsize(s);
    m.scales = (const char *)j->dense[S].data + number * rows * m.s_rs;
    if (j->dense[B].data)
        m.biases = (const char *)j->dense[B].data + number * rows * m.s_rs;
    return m;
}

/* All rows in order against one matrix after the other? */
static bool in_order(const job *j) {
    for (int64_t i = 0; i < j->products; i++)
        if (j->x_at[i] != i || (i && j->w_at[i] < j->w_at[i - 1]))
            return false;
    return true;
}

/* Products sorted by their matrix, each matrix a run. last[w] counts, then tells where the next
   goes. */
static void sort_products(job *j, int64_t *last) {
    for (int64_t i = 0; i < j->products; i++)
        last[j->w_at[i]] += j->m;
    for (int64_t w = 0, first = 0; w < j->matrices; w++) {
        int64_t rows = last[w];
        last[w] = first;
        if (rows)
            j->runs[j->run_count++] = (mx_qmm_run){matrix(j, w), rows, first};
        first += rows;
    }
    for (int64_t i = 0; i < j->products && j->x_row; i++)
        for (int64_t r = 0; r < j->m; r++) {
            int64_t at = last[j->w_at[i]]++;
            j->x_row[at] = j->x_at[i] * j->m + r;
            j->y_row[at] = i * j->m + r;
        }
}

static bool make_runs(job *j) {
    int64_t most = j->products < j->matrices ? j->products : j->matrices;
    int64_t *last = mx_calloc((size_t)j->matrices + 1, sizeof *last);
    j->runs = mx_calloc((size_t)most + 1, sizeof *j->runs);
    bool ok = last && j->runs;
    if (ok && !in_order(j)) {
        j->x_row = mx_calloc((size_t)(j->products * j->m) + 1, sizeof *j->x_row);
        j->y_row = mx_calloc((size_t)(j->products * j->m) + 1, sizeof *j->y_row);
        ok = j->x_row && j->y_row;
    }
    if (ok)
        sort_products(j, last);
    mx_free(last);
    return ok;
}

static bool list_products(job *j, const mx_node *n, const mx_array *out) {
    j->x_at = mx_calloc((size_t)j->products + 1, sizeof *j->x_at);
    j->w_at = mx_calloc((size_t)j->products + 1, sizeof *j->w_at);
    if (!j->x_at || !j->w_at)
        return false;
    if (j->gathers)
        return from_indices(j, n->in[n->nin - 2], n->in[n->nin - 1]) && make_runs(j);
    from_broadcast(j, out);
    return make_runs(j);
}

/* One matrix for all rows: nothing to list. */
static bool one_run(job *j) {
    j->runs = mx_calloc(1, sizeof *j->runs);
    if (!j->runs)
        return false;
    j->runs[j->run_count++] = (mx_qmm_run){matrix(j, 0), j->products * j->m, 0};
    return true;
}

/* --- the node --------------------------------------------------------------------------------- */

static bool open_operands(job *j) {
    bool ok = true;
    for (int i = 0; i < j->operands && ok; i++)
        ok = cpu_dense_open(&j->dense[i], j->in[i]);
    return ok;
}

static void close(job *j) {
    for (int i = 0; i < 4; i++)
        cpu_dense_close(&j->dense[i]);
    mx_free(j->x_at);
    mx_free(j->w_at);
    mx_free(j->runs);
    mx_free(j->x_row);
    mx_free(j->y_row);
}

static bool multiply(const job *j, const mx_array *out) {
    mx_qmm_args a = {.dtype = mx_dtype_of(out),
                     .transpose = j->transpose,
                     .whole = j->whole,
                     .n = out->shape[out->ndim - 1],
                     .k = j->in[X]->shape[j->in[X]->ndim - 1],
                     .x = j->dense[X].data,
                     .y = out->data,
                     .x_row = j->x_row,
                     .y_row = j->y_row,
                     .runs = j->runs,
                     .run_count = j->run_count};
    return mx_qmm(&a);
}

static void read_groups(job *j, const mx_p_quant *p) {
    j->format = (mx_quant_format){(mx_quant_mode)p->mode, p->bits, p->group};
    j->transpose = p->transpose;
    j->operands = p->mode == MX_AFFINE ? 4 : 3;
}

static void read_blocks(job *j, const mx_p_block_matmul *p) {
    j->format = (mx_quant_format){(mx_quant_mode)(MX_BLOCK_MODE + p->type), 0, 0};
    j->transpose = p->transpose;
    j->whole = p->whole;
    j->operands = 2;
}

static void read_params(job *j, const mx_node *n) {
    bool gathers_blocks = n->prim == MX_PRIM_gather_block_matmul;
    j->gathers = gathers_blocks || n->prim == MX_PRIM_gather_qmm;
    if (gathers_blocks || n->prim == MX_PRIM_block_matmul)
        read_blocks(j, n->params);
    else
        read_groups(j, n->params);
}

bool cpu_quantized_matmul(mx_node *n, mx_array **out, const mx_program *feed) {
    mx_array *y = out[0];
    job j = {.in = n->in, .m = y->shape[y->ndim - 2]};
    (void)feed;
    read_params(&j, n);
    if (!mx_array_alloc(y))
        return false;
    if (y->size == 0)
        return true;
    j.products = leading(y);
    j.matrices = leading(n->in[W]);
    bool plain = !j.gathers && j.matrices == 1 && leading(n->in[X]) == j.products;
    bool ok =
        open_operands(&j) && (plain ? one_run(&j) : list_products(&j, n, y)) && multiply(&j, y);
    close(&j);
    return ok;
}
