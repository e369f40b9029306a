/* gather_mm: the pairs are put in the order of b's matrices, so that each of those is read once for
 * all rows that meet it (the experts of a mixture). Where the rows lie in that order already, the
 * engine reads and writes them in place; else they are moved before and after.
 */
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/index/cpu_index.h"
#include "cpu/memory/dense.h"
#include "cpu/memory/layout.h"
#include "cpu/matmul/matmul_engine.h"

/* With more rows in each matrix of a, b is read often enough in any order. */
enum { MOST_ROWS = 64, MOVE_BYTES = 65536 };

/* One operand: matrix number i begins at data + i * step elements. */
typedef struct operand {
    cpu_dense dense; /* held open where the batch axes are no single one */
    mx_matrix first;
    int64_t step, count;
} operand;

typedef struct gather {
    const mx_array *y;
    operand a, b;
    int64_t m, n, k, pairs;
    size_t size;
    int64_t *i, *j;   /* of each pair: numbers of its matrices */
    int64_t *order;   /* pairs by j; then a copy of the rows is made */
    char *rows, *out; /* the copy, and the result in that order */
} gather;

/* --- operands ----------------------------------------------------------------------------- */

static int64_t batch_of(const mx_array *a) {
    int64_t n = 1;
    for (int i = 0; i < a->ndim - 2; i++)
        n *= a->shape[i];
    return n;
}

static bool open_operand(operand *o, const mx_array *a) {
    cpu_layout l;
    const int64_t *const strides[1] = {a->strides};
    cpu_layout_collapse(&l, a->shape, a->ndim - 2, 1, strides);
    o->count = batch_of(a);
    if (l.ndim <= 1) {
        o->first = (mx_matrix){a->data, a->strides[a->ndim - 2], a->strides[a->ndim - 1]};
        o->step = l.ndim ? l.stride[0][0] : 0;
        return true;
    }
    if (!cpu_dense_open(&o->dense, a))
        return false;
    int64_t columns = a->shape[a->ndim - 1];
    o->first = (mx_matrix){o->dense.data, columns, 1};
    o->step = a->shape[a->ndim - 2] * columns;
    return true;
}

static mx_matrix matrix(const operand *o, int64_t i, size_t size) {
    mx_matrix m = o->first;
    m.data = (const char *)m.data + i * o->step * (int64_t)size;
    return m;
}

static bool resolve(const mx_array *idx, int64_t count, int64_t *number) {
    cpu_index x = {idx, 0, (int)count, 1, 1};
    return cpu_index_resolve("gather_mm", &x, 1, number);
}

/* --- order -------------------------------------------------------------------------------- */

static bool ascending(const int64_t *v, int64_t n) {
    for (int64_t i = 1; i < n; i++)
        if (v[i] < v[i - 1])
            return false;
    return true;
}

/* Do n pairs from p on read a's rows as they lie, one matrix behind the other? */
static bool in_place(const gather *g, int64_t p, int64_t n) {
    for (int64_t i = 1; i < n; i++)
        if (g->i[p + i] != g->i[p] + i)
            return false;
    return n == 1 || g->m == 1 || g->a.step == g->m * g->a.first.rs;
}

/* Pairs from p on with one matrix of b. */
static int64_t run_of(const gather *g, int64_t p) {
    int64_t n = 1;
    while (p + n < g->pairs && g->j[p + n] == g->j[p])
        n++;
    return n;
}

static bool all_in_place(const gather *g) {
    bool ok = ascending(g->j, g->pairs);
    for (int64_t p = 0, n; ok && p < g->pairs; p += n) {
        n = run_of(g, p);
        ok = in_place(g, p, n);
    }
    return ok;
}

/* The pairs by j, stable, by counting; i and j follow. */
static bool sort_pairs(gather *g) {
    int64_t *at = mx_calloc((size_t)g->b.count + 1, sizeof *at),
            *from = mx_malloc((size_t)g->pairs * 2 * sizeof *from);
    g->order = mx_malloc((size_t)g->pairs * sizeof *g->order);
    bool ok = at && from && g->order;
    for (int64_t p = 0; ok && p < g->pairs; p++)
        at[g->j[p] + 1]++;
    for (int64_t e = 0; ok && e < g->b.count; e++)
        at[e + 1] += at[e];
    for (int64_t p = 0; ok && p < g->pairs; p++)
        g->order[at[g->j[p]]++] = p;
    if (ok) {
        memcpy(from, g->i, (size_t)g->pairs * sizeof *from);
        memcpy(from + g->pairs, g->j, (size_t)g->pairs * sizeof *from);
    }
    for (int64_t p = 0; ok && p < g->pairs; p++) {
        g->i[p] = from[g->order[p]];
        g->j[p] = from[g->pairs + g->order[p]];
    }
    mx_free(at);
    mx_free(from);
    return ok;
}

static bool some_repeat(const gather *g) {
    return g->b.count < g->pairs || !ascending(g->j, g->pairs);
}

/* --- moving rows -------------------------------------------------------------------------- */

static void collect(void *ctx, int64_t begin, int64_t end) {
    const gather *g = ctx;
    size_t bytes = (size_t)(g->m * g->k) * g->size;
    for (int64_t p = begin; p < end; p++)
        memcpy(g->rows + (size_t)p * bytes, matrix(&g->a, g->i[p], g->size).data, bytes);
}

static void hand_out(void *ctx, int64_t begin, int64_t end) {
    const gather *g = ctx;
    size_t bytes = (size_t)(g->m * g->n) * g->size;
    for (int64_t p = begin; p < end; p++)
        memcpy(g->y->data + (size_t)g->order[p] * bytes, g->out + (size_t)p * bytes, bytes);
}

static void move(gather *g, mx_range_body *body, int64_t elements) {
    mx_parallel_for(g->pairs, 1 + MOVE_BYTES / (1 + elements * (int64_t)g->size), body, g);
}

/* --- products ----------------------------------------------------------------------------- */

/* n pairs from p on: one product of all their rows. */
static mx_gemm_args product(const gather *g, int64_t p, int64_t n) {
    char *out = g->order ? g->out : g->y->data;
    mx_gemm_args x = {.dtype = mx_dtype_of(g->y), .m = n * g->m, .n = g->n, .k = g->k};
    x.a = matrix(&g->a, g->i[p], g->size);
    if (g->order)
        x.a = (mx_matrix){g->rows + (size_t)(p * g->m * g->k) * g->size, g->k, 1};
    else if (g->m == 1)
        x.a.rs = g->a.step;
    x.b = matrix(&g->b, g->j[p], g->size);
    x.out = out + (size_t)(p * g->m * g->n) * g->size;
    x.out_rs = g->n;
    x.alpha = 1;
    return x;
}

static bool multiply(const gather *g, bool grouped) {
    int64_t count = 0;
    mx_gemm_args *list = mx_malloc((size_t)g->pairs * sizeof *list);
    for (int64_t p = 0, n; list && p < g->pairs; p += n) {
        n = grouped ? run_of(g, p) : 1;
        list[count++] = product(g, p, n);
    }
    bool ok = list && mx_gemm_many(list, count);
    mx_free(list);
    return ok;
}

/* a must be contiguous for whole matrices to be moved. */
static bool make_dense(gather *g, const mx_array *a) {
    if (g->a.dense.data)
        return true;
    if (!cpu_dense_open(&g->a.dense, a))
        return false;
    g->a.first = (mx_matrix){g->a.dense.data, g->k, 1};
    g->a.step = g->m * g->k;
    return true;
}

static bool multiply_moved(gather *g, const mx_array *a) {
    size_t in = (size_t)(g->pairs * g->m * g->k) * g->size,
           out = (size_t)(g->pairs * g->m * g->n) * g->size;
    bool ok = sort_pairs(g) && make_dense(g, a) && (g->rows = mx_block_alloc(in)) &&
              (g->out = mx_block_alloc(out));
    if (ok) {
        move(g, collect, g->m * g->k);
        ok = multiply(g, true);
    }
    if (ok)
        move(g, hand_out, g->m * g->n);
    if (g->rows)
        mx_block_free(g->rows, in);
    if (g->out)
        mx_block_free(g->out, out);
    mx_free(g->order);
    return ok;
}

static bool run(gather *g, mx_node *n) {
    if (!open_operand(&g->a, n->in[0]) || !open_operand(&g->b, n->in[1]) ||
        !resolve(n->in[2], g->a.count, g->i) || !resolve(n->in[3], g->b.count, g->j))
        return false;
    if (g->m >= MOST_ROWS || all_in_place(g))
        return multiply(g, g->m < MOST_ROWS);
    return some_repeat(g) ? multiply_moved(g, n->in[0]) : multiply(g, false);
}

bool cpu_gather_mm(mx_node *n, mx_array **out, const mx_program *feed) {
    mx_array *y = out[0], *a = n->in[0];
    (void)feed;
    if (!mx_array_alloc(y))
        return false;
    if (y->size == 0)
        return true;
    gather g = {.y = y, .size = mx_itemsize(y), .pairs = n->in[2]->size};
    g.m = y->shape[y->ndim - 2];
    g.n = y->shape[y->ndim - 1];
    g.k = a->shape[a->ndim - 1];
    g.i = mx_malloc((size_t)g.pairs * 2 * sizeof *g.i);
    g.j = g.i ? g.i + g.pairs : NULL;
    bool ok = g.i && run(&g, n);
    mx_free(g.i);
    cpu_dense_close(&g.a.dense);
    cpu_dense_close(&g.b.dense);
    return ok;
}
