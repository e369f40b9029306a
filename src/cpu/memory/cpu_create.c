/* Arrays from nothing: arange, linspace, eye, tri. */
#include <string.h>

#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "graph/array/params.h"
#include "kernels/kernels.h"

enum { TILE = 512, GRAIN = 16384 };

/* --- sequences: computed wide, tile by tile, and converted ------------------------ */

typedef union wide { /* one tile of float64 or int64 values */
    double f[TILE];
    int64_t i[TILE];
} wide;

/* fill computes a whole tile, also where fewer elements are left: loops of known length. */
typedef struct sequence {
    void (*fill)(const void *params, int64_t begin, wide *tile);
    const void *params;
    mx_k_unary *convert;
    char *out;
    size_t itemsize;
} sequence;

static void sequence_piece(void *ctx, int64_t begin, int64_t end) {
    const sequence *s = ctx;
    wide tile;
    for (int64_t at = begin; at < end; at += TILE) {
        size_t n = end - at < TILE ? (size_t)(end - at) : TILE;
        s->fill(s->params, at, &tile);
        s->convert(s->out + (size_t)at * s->itemsize, &tile, n);
    }
}

/* No errors add up: each element is rounded once. */
static void float_range(const void *params, int64_t begin, wide *tile) {
    const mx_p_arange *p = params;
    double start = p->start, step = p->step, first = (double)begin;
    for (int k = 0; k < TILE; k++)
        tile->f[k] = start + (first + k) * step;
}

static int64_t whole(double v) {
    return v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : (int64_t)v;
}

/* Integers step by the difference of the first two, truncated; they wrap. */
static void integer_range(const void *params, int64_t begin, wide *tile) {
    const mx_p_arange *p = params;
    uint64_t start = (uint64_t)whole(p->start), step = (uint64_t)whole(p->start + p->step) - start;
    for (int k = 0; k < TILE; k++)
        tile->i[k] = (int64_t)(start + (uint64_t)(begin + k) * step);
}

static double intervals(const mx_p_linspace *p) {
    int n = p->endpoint ? p->n - 1 : p->n;
    return n > 0 ? n : 1;
}

static void float32_line(const void *params, int64_t begin, wide *tile) {
    const mx_p_linspace *p = params;
    float a = (float)p->start, b = (float)p->stop, over = (float)intervals(p);
    double first = (double)begin;
    for (int k = 0; k < TILE; k++) {
        float t = (float)(first + k) / over;
        tile->f[k] = (1 - t) * a + t * b;
    }
}

static void float64_line(const void *params, int64_t begin, wide *tile) {
    const mx_p_linspace *p = params;
    double over = intervals(p), a = p->start, b = p->stop, first = (double)begin;
    for (int k = 0; k < TILE; k++) {
        double t = (first + k) / over;
        tile->f[k] = (1 - t) * a + t * b;
    }
}

static bool create_sequence(const mx_node *n, mx_array *y) {
    mx_dtype t = mx_dtype_of(y);
    bool range = n->prim == MX_PRIM_arange, half = t == MX_FLOAT16 || t == MX_BFLOAT16;
    bool integer = !mx_dtype_is_inexact(t), narrow = half || t == MX_FLOAT32 || t == MX_COMPLEX64;
    sequence s = {.params = n->params, .out = y->data, .itemsize = mx_itemsize(y)};
    s.convert = mx_kernels_get()->pointwise->cast[range && integer ? MX_INT64 : MX_FLOAT64][t];
    if (range)
        s.fill = integer ? integer_range : float_range;
    else
        s.fill = narrow ? float32_line : float64_line;
    mx_parallel_for(y->size, GRAIN, sequence_piece, &s);
    return true;
}

/* --- matrices of zeros and ones, row by row --------------------------------------- */

typedef struct matrix {
    mx_p_diagonal p;
    bool tri;
    char *out;
    size_t itemsize;
    char one[8];
    mx_k_fill *fill;
} matrix;

/* Row i is one in columns [first, last). */
static void matrix_row(const matrix *m, int64_t i) {
    int64_t n = m->p.columns, on = i + m->p.k;
    int64_t last = on < 0 ? 0 : on + 1 > n ? n : on + 1;
    int64_t first = m->tri ? 0 : on < 0 ? 0 : on > n ? n : on;
    char *row = m->out + (size_t)(i * n) * m->itemsize;
    memset(row, 0, (size_t)n * m->itemsize);
    if (first < last)
        m->fill(row + (size_t)first * m->itemsize, m->one, (size_t)(last - first));
}

static void matrix_rows(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
        matrix_row(ctx, i);
}

static bool create_matrix(const mx_node *n, mx_array *y) {
    const mx_k_pointwise *k = mx_kernels_get()->pointwise;
    matrix m = {.p = *(const mx_p_diagonal *)n->params,
                .tri = n->prim == MX_PRIM_tri,
                .out = y->data,
                .itemsize = mx_itemsize(y),
                .fill = k->fill[mx_itemsize(y)]};
    double one = 1;
    k->cast[MX_FLOAT64][y->dtype](m.one, &one, 1);
    if (y->size)
        mx_parallel_for(m.p.rows, GRAIN / m.p.columns + 1, matrix_rows, &m);
    return true;
}

/* How many elements the input has along some axes. */
static bool create_count(const mx_node *n, mx_array *y) {
    const mx_p_count *p = n->params;
    double count = 1;
    for (int i = 0; i < p->axes.n; i++)
        count *= n->in[0]->shape[p->axes.v[i]];
    count = p->inverted ? 1 / count : count;
    mx_kernels_get()->pointwise->cast[MX_FLOAT64][y->dtype](y->data, &count, 1);
    return true;
}

bool cpu_create(mx_node *n, mx_array **out, const mx_program *feed) {
    bool line = n->prim == MX_PRIM_arange || n->prim == MX_PRIM_linspace;
    (void)feed;
    if (n->prim == MX_PRIM_number_of_elements)
        return mx_array_alloc(out[0]) && create_count(n, out[0]);
    return mx_array_alloc(out[0]) && (line ? create_sequence : create_matrix)(n, out[0]);
}
