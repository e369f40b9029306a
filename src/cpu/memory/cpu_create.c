/* Arrays from nothing: arange, linspace, eye, tri. */
#include <string.h>

#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "graph/array/params.h"
#include "kernels/copy/k_copy.h"
#include "kernels/kernels.h"

enum { TILE = 512, GRAIN = 16384 };

/* --- sequences: computed as they are stored, or wide, tile by tile, and converted --- */

/* fill computes elements begin .. begin + n - 1. */
typedef struct sequence {
    void (*fill)(const void *params, int64_t begin, void *out, size_t n);
    const void *params;
    mx_k_unary *convert; /* NULL: nothing to convert */
    char *out;
    size_t itemsize;
} sequence;

static void sequence_piece(void *ctx, int64_t begin, int64_t end) {
    const sequence *s = ctx;
    _Alignas(64) double tile[TILE];
    if (!s->convert) {
        s->fill(s->params, begin, s->out + (size_t)begin * s->itemsize, (size_t)(end - begin));
        return;
    }
    for (int64_t at = begin; at < end; at += TILE) {
        size_t n = end - at < TILE ? (size_t)(end - at) : TILE;
        s->fill(s->params, at, tile, n);
        s->convert(s->out + (size_t)at * s->itemsize, tile, n);
    }
}

/* No errors add up: each element is rounded once. */
static void float_steps(const mx_p_arange *p, int64_t begin, void *out, size_t n, size_t item) {
    mx_kernels_get()->copy->steps_float[item](out, p->start, p->step, (double)begin, n);
}
static void float32_range(const void *params, int64_t begin, void *out, size_t n) {
    float_steps(params, begin, out, n, sizeof(float));
}
static void float64_range(const void *params, int64_t begin, void *out, size_t n) {
    float_steps(params, begin, out, n, sizeof(double));
}

static int64_t whole(double v) {
    return v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : (int64_t)v;
}

/* Integers step by the difference of the first two, truncated; they wrap. */
static void integer_steps(const mx_p_arange *p, int64_t begin, void *out, size_t n, size_t item) {
    uint64_t start = (uint64_t)whole(p->start), step = (uint64_t)whole(p->start + p->step) - start;
    mx_kernels_get()->copy->steps[item](out, start + (uint64_t)begin * step, step, n);
}
static void range_32(const void *params, int64_t begin, void *out, size_t n) {
    integer_steps(params, begin, out, n, sizeof(int32_t));
}
static void range_64(const void *params, int64_t begin, void *out, size_t n) {
    integer_steps(params, begin, out, n, sizeof(int64_t));
}

static double intervals(const mx_p_linspace *p) {
    int n = p->endpoint ? p->n - 1 : p->n;
    return n > 0 ? n : 1;
}

static void float32_line(const void *params, int64_t begin, void *out, size_t n) {
    const mx_p_linspace *p = params;
    float a = (float)p->start, b = (float)p->stop, over = (float)intervals(p);
    double first = (double)begin, *tile = out;
    (void)n; // all of the tile: a loop of known length
    for (int k = 0; k < TILE; k++) {
        float t = (float)(first + k) / over;
        tile[k] = (1 - t) * a + t * b;
    }
}

static void float64_line(const void *params, int64_t begin, void *out, size_t n) {
    const mx_p_linspace *p = params;
    double over = intervals(p), a = p->start, b = p->stop, first = (double)begin, *tile = out;
    (void)n;
    for (int k = 0; k < TILE; k++) {
        double t = (first + k) / over;
        tile[k] = (1 - t) * a + t * b;
    }
}

/* Narrow integers are what is left of wider ones. */
static void choose_range(sequence *s, mx_dtype t) {
    bool integer = !mx_dtype_is_inexact(t), wide = integer ? s->itemsize == 8 : t != MX_FLOAT32;
    mx_dtype from = integer ? (wide ? MX_UINT64 : MX_UINT32) : wide ? MX_FLOAT64 : MX_FLOAT32;
    bool same = integer ? s->itemsize >= 4 : t == MX_FLOAT32 || t == MX_FLOAT64;
    s->fill = integer ? (wide ? range_64 : range_32) : wide ? float64_range : float32_range;
    s->convert = same ? NULL : mx_kernels_get()->pointwise->cast[from][t];
}

static void choose_line(sequence *s, mx_dtype t) {
    bool half = t == MX_FLOAT16 || t == MX_BFLOAT16;
    s->fill = half || t == MX_FLOAT32 || t == MX_COMPLEX64 ? float32_line : float64_line;
    s->convert = mx_kernels_get()->pointwise->cast[MX_FLOAT64][t];
}

static bool create_sequence(const mx_node *n, mx_array *y) {
    sequence s = {.params = n->params, .out = y->data, .itemsize = mx_itemsize(y)};
    (n->prim == MX_PRIM_arange ? choose_range : choose_line)(&s, mx_dtype_of(y));
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

/* Row i is one in columns [first, last); what lies around is zero already, or behind a triangle. */
static void matrix_row(const matrix *m, int64_t i) {
    int64_t n = m->p.columns, on = i + m->p.k;
    int64_t last = on < 0 ? 0 : on + 1 > n ? n : on + 1;
    int64_t first = m->tri ? 0 : on < 0 ? 0 : on > n ? n : on;
    char *row = m->out + (size_t)(i * n) * m->itemsize;
    if (first < last)
        m->fill(row + (size_t)first * m->itemsize, m->one, (size_t)(last - first));
    if (m->tri)
        memset(row + (size_t)last * m->itemsize, 0, (size_t)(n - last) * m->itemsize);
}

static void matrix_rows(void *ctx, int64_t begin, int64_t end) {
    const matrix *m = ctx;
    size_t row = (size_t)m->p.columns * m->itemsize;
    if (!m->tri)
        memset(m->out + (size_t)begin * row, 0, (size_t)(end - begin) * row);
    for (int64_t i = begin; i < end; i++)
        matrix_row(m, i);
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
