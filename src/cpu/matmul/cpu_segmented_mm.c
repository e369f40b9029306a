/* segmented_mm and the products of its derivatives: a list of products over pieces of one axis. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "cpu/cpu.h"
#include "cpu/memory/dense.h"
#include "cpu/matmul/matmul_engine.h"
#include "graph/array/read.h"

typedef struct segments {
    int64_t count;
    int64_t *at; /* begin and end of each; none ends before it begins */
    mx_gemm_args *list;
} segments;

static bool check(int64_t s, int64_t i, int64_t j, int64_t k) {
    return (i >= 0 && i <= k && j >= 0 && j <= k) ||
           mx_fail(MX_RANGE,
                   "[segmented_mm] segment %lld is (%lld,%lld), which is not within an inner "
                   "dimension of %lld.",
                   (long long)s, (long long)i, (long long)j, (long long)k);
}

static bool read_segments(segments *s, const mx_array *a, int64_t k) {
    cpu_dense d = {0};
    bool ok = cpu_dense_open(&d, a);
    for (int64_t i = 0; ok && i < 2 * s->count; i++)
        s->at[i] = mx_read_int64((const char *)d.data + (size_t)i * mx_itemsize(a), mx_dtype_of(a));
    cpu_dense_close(&d);
    for (int64_t i = 0; ok && i < s->count; i++) {
        int64_t *at = s->at + 2 * i;
        ok = check(i, at[0], at[1], k);
        at[1] = at[1] < at[0] ? at[0] : at[1];
    }
    return ok;
}

static bool open_segments(segments *s, const mx_array *a, int64_t k) {
    *s = (segments){.count = a->size / 2};
    s->at = mx_malloc((size_t)s->count * 2 * sizeof *s->at);
    s->list = mx_malloc((size_t)s->count * sizeof *s->list);
    return s->at && s->list && read_segments(s, a, k);
}

static void close_segments(segments *s) {
    mx_free(s->at);
    mx_free(s->list);
}

/* Element (i, j) of a matrix as the first of another. */
static mx_matrix from(const mx_array *a, int64_t i, int64_t j) {
    mx_matrix m = {a->data, a->strides[a->ndim - 2], a->strides[a->ndim - 1]};
    m.data = (const char *)m.data + (i * m.rs + j * m.cs) * (int64_t)mx_itemsize(a);
    return m;
}

static bool segmented(const segments *s, const mx_array *a, const mx_array *b, mx_array *y) {
    int64_t m = a->shape[0], n = b->shape[1];
    for (int64_t i = 0; i < s->count; i++) {
        int64_t k0 = s->at[2 * i];
        s->list[i] = (mx_gemm_args){.dtype = mx_dtype_of(y),
                                    .m = m,
                                    .n = n,
                                    .k = s->at[2 * i + 1] - k0,
                                    .a = from(a, 0, k0),
                                    .b = from(b, k0, 0),
                                    .out = y->data + (size_t)(i * m * n) * mx_itemsize(y),
                                    .out_rs = n,
                                    .alpha = 1};
    }
    return mx_gemm_many(s->list, s->count);
}

/* --- spread ------------------------------------------------------------------------------- */

/* Does none begin before the last one has ended? */
static bool disjoint(const segments *s) {
    int64_t end = 0;
    for (int64_t i = 0; i < s->count; i++) {
        const int64_t *at = s->at + 2 * i;
        if (at[0] == at[1])
            continue;
        if (at[0] < end)
            return false;
        end = at[1];
    }
    return true;
}

/* y[:, i:j] += g b[i:j]', g dense (S, M, N); y is zero before. */
static bool spread(const segments *s, const char *g, const mx_array *b, mx_array *y) {
    int64_t m = y->shape[0], n = b->shape[1];
    bool add = !disjoint(s), ok = true;
    memset(y->data, 0, (size_t)y->size * mx_itemsize(y));
    for (int64_t i = 0; i < s->count; i++) {
        int64_t k0 = s->at[2 * i];
        mx_matrix rows = from(b, k0, 0), out = from(y, 0, k0);
        s->list[i] = (mx_gemm_args){.dtype = mx_dtype_of(y),
                                    .m = m,
                                    .n = s->at[2 * i + 1] - k0,
                                    .k = n,
                                    .a = {g + (size_t)(i * m * n) * mx_itemsize(y), n, 1},
                                    .b = {rows.data, rows.cs, rows.rs},
                                    .out = (char *)y->data + (size_t)k0 * mx_itemsize(y),
                                    .out_rs = y->shape[1],
                                    .alpha = 1};
        if (add) {
            s->list[i].cin = out;
            s->list[i].beta = 1;
        }
    }
    if (!add)
        return mx_gemm_many(s->list, s->count);
    for (int64_t i = 0; i < s->count && ok; i++)
        ok = mx_gemm(&s->list[i]);
    return ok;
}

static bool spread_dense(const segments *s, const mx_array *g, const mx_array *b, mx_array *y) {
    cpu_dense d = {0};
    bool ok = cpu_dense_open(&d, g) && spread(s, d.data, b, y);
    cpu_dense_close(&d);
    return ok;
}

bool cpu_segmented_mm(mx_node *n, mx_array **out, const mx_program *feed) {
    mx_array *a = n->in[0], *b = n->in[1];
    segments s;
    (void)feed;
    if (!mx_array_alloc(out[0]))
        return false;
    bool ok = open_segments(&s, n->in[2], b->shape[0]);
    if (ok && out[0]->size > 0)
        ok = n->prim == MX_PRIM_segmented_mm ? segmented(&s, a, b, out[0])
                                             : spread_dense(&s, a, b, out[0]);
    close_segments(&s);
    return ok;
}
