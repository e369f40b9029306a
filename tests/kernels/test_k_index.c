/* Indexed reads and writes against plain loops, on every instruction set. */
#include <math.h>
#include <stdlib.h>

#include "base/half.h"
#include "check.h"
#include "kernels/index/k_index.h"
#include "kernels/kernels.h"

#define ROOM 32768

static unsigned char data[ROOM * 8], rows[ROOM * 8], want[ROOM * 8];
static int64_t offset[4096];
static uint32_t seed;

static int below(int n) {
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 8) % (uint32_t)n);
}

/* ---- resolve ---- */

static void put_index(void *idx, mx_dtype t, int64_t i, int64_t value) {
    size_t size = mx_dtype_size(t);
    memcpy((char *)idx + (size_t)i * size, &value, size); // little endian
}

static void test_resolve(const mx_k_index *k) {
    static const mx_dtype types[] = {MX_UINT8, MX_UINT16, MX_UINT32, MX_UINT64,
                                     MX_INT8,  MX_INT16,  MX_INT32,  MX_INT64};
    for (int t = 0; t < 8; t++) {
        mx_index_axis a = {.size = 100, .limit = 98, .step = 7, .ramp = 3};
        int64_t idx[50], value[50];
        for (int i = 0; i < 50; i++) {
            value[i] = below(98);
            bool negative = t >= 4 && i % 3 == 0;
            put_index(idx, types[t], i, negative ? value[i] - 100 : value[i]);
        }
        CHECK_EQ_INT(k->resolve[types[t]](offset, idx, 50, &a), -1);
        for (int i = 0; i < 50; i++)
            CHECK_EQ_INT(offset[i], value[i] * 7 + i * 3);
        a.add = true;
        CHECK_EQ_INT(k->resolve[types[t]](offset, idx, 50, &a), -1);
        CHECK_EQ_INT(offset[49], 2 * (value[49] * 7 + 49 * 3));
        put_index(idx, types[t], 31, 98);
        CHECK_EQ_INT(k->resolve[types[t]](offset, idx, 50, &a), 31);
        put_index(idx, types[t], 20, -101); // unsigned: a large one
        CHECK_EQ_INT(k->resolve[types[t]](offset, idx, 50, &a), 20);
        CHECK_EQ_INT(k->resolve[types[t]](offset, idx, 20, &a), -1);
        CHECK_EQ_INT(k->resolve[types[t]](offset, idx, 0, &a), -1);
    }
    uint64_t huge[2] = {3, UINT64_MAX - 2};
    mx_index_axis a = {.size = 100, .limit = 100, .step = 1};
    CHECK_EQ_INT(k->resolve[MX_UINT64](offset, huge, 2, &a), 1);
    CHECK(!k->resolve[MX_FLOAT32]);
}

/* ---- lines ---- */

static void check_line(const mx_k_index *k, size_t size, mx_dtype t, int64_t n, int64_t ramp) {
    mx_index_axis a = {.size = 100, .limit = 100, .step = 3, .ramp = ramp};
    int64_t idx[51], at[51];
    bool same = true;
    for (int i = 0; i < 51; i++) {
        at[i] = below(100);
        put_index(idx, t, i, t >= MX_INT8 && t <= MX_INT64 && i % 3 == 0 ? at[i] - 100 : at[i]);
    }
    memset(rows, 0xee, sizeof rows);
    CHECK_EQ_INT(k->line[size][t](rows, data, idx, n, &a), -1);
    for (int64_t i = 0; i < n; i++)
        same = same &&
               !memcmp(rows + (size_t)i * size, data + (size_t)(at[i] * 3 + i * ramp) * size, size);
    CHECK_MSG(same && rows[(size_t)n * size] == 0xee, "%s %d elements of %d bytes", check_where,
              (int)n, (int)size);
    put_index(idx, t, n, 100);
    CHECK_EQ_INT(k->line[size][t](rows, data, idx, 51, &a), n);
    put_index(idx, t, n / 2, -101);
    CHECK_EQ_INT(k->line[size][t](rows, data, idx, 51, &a), n / 2);
}

static void test_line(const mx_k_index *k) {
    static const mx_dtype types[] = {MX_UINT8, MX_UINT16, MX_UINT32, MX_UINT64,
                                     MX_INT8,  MX_INT16,  MX_INT32,  MX_INT64};
    for (int i = 0; i < ROOM * 8; i++)
        data[i] = (unsigned char)below(256);
    for (size_t size = 1; size <= 8; size *= 2)
        for (int t = 0; t < 8; t++)
            for (int64_t n = 0; n < 51; n++)
                check_line(k, size, types[t], n, n % 2 ? 0 : 5);
    CHECK(!k->line[4][MX_FLOAT32]);
}

/* ---- moves ---- */

typedef struct layout {
    mx_index_move m;
    int64_t shape[2], data_stride[2], rows_stride[2], items;
} layout;

/* Data of (outer..., places, width), rows of (outer..., n, len); steps of 1 or more. */
/* pairs: no place is met by more than two rows, so that sums and products stay exact. */
static void random_layout(layout *l, bool pairs) {
    mx_index_move *m = &l->m;
    *m = (mx_index_move){.data = data, .rows = rows, .offset = offset};
    static const int widths[] = {1, 2, 3, 5, 16, 17, 33, 40};
    m->n = 1 + below(20);
    m->len = widths[below(8)];
    m->data_step = 1 + (below(4) == 0);
    m->rows_step = 1 + (below(4) == 0);
    m->ndim = below(3);
    int64_t places = pairs ? (m->n + 1) / 2 : 1 + below(15), data_size = m->len * m->data_step;
    for (int64_t i = 0; i < m->n; i++)
        offset[i] = (pairs ? i / 2 : below((int)places)) * data_size;
    m->row_stride = m->len * m->rows_step;
    data_size *= places;
    int64_t rows_size = m->row_stride * m->n;
    l->items = m->n;
    for (int i = m->ndim - 1; i >= 0; i--) {
        l->shape[i] = 1 + below(3);
        l->data_stride[i] = data_size;
        l->rows_stride[i] = rows_size;
        data_size *= l->shape[i];
        rows_size *= l->shape[i];
        l->items *= l->shape[i];
    }
    m->shape = l->shape, m->data_stride = l->data_stride, m->rows_stride = l->rows_stride;
}

/* Where element j of item `at` lies on each side. */
static void place(const layout *l, int64_t at, int64_t j, int64_t *d, int64_t *r) {
    const mx_index_move *m = &l->m;
    int64_t i = at % m->n, outer = at / m->n;
    *d = m->offset[i] + j * m->data_step;
    *r = i * m->row_stride + j * m->rows_step;
    for (int k = m->ndim - 1; k >= 0; k--) {
        *d += outer % l->shape[k] * l->data_stride[k];
        *r += outer % l->shape[k] * l->rows_stride[k];
        outer /= l->shape[k];
    }
}

static void run_split(mx_k_index_move *move, const layout *l, int64_t multiple) {
    for (int64_t begin = 0, end; begin < l->items; begin = end) {
        end = begin + multiple * (1 + below(5));
        end = end < l->items ? end : l->items;
        move(&l->m, begin, end);
    }
}

static void fill(unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)below(256);
}

static void test_gather(const mx_k_index *k) {
    fill(data, sizeof data);
    for (int trial = 0; trial < 300; trial++) {
        layout l;
        random_layout(&l, false);
        size_t size = (size_t)1 << (trial & 3);
        memset(rows, 0, sizeof rows);
        run_split(k->gather[size], &l, 1);
        bool same = true;
        for (int64_t at = 0; at < l.items; at++)
            for (int64_t j = 0; j < l.m.len; j++) {
                int64_t d, r;
                place(&l, at, j, &d, &r);
                same = same && !memcmp(rows + (size_t)r * size, data + (size_t)d * size, size);
            }
        CHECK_MSG(same, "%s gather %d bytes", check_where, (int)size);
    }
}

/* ---- scatter ---- */

/* Small integers, exact in every dtype. */
static void store(unsigned char *p, mx_dtype t, int64_t i, int value) {
    float f = (float)value;
    double d = value;
    mx_complex64 c = {f, 0};
    uint16_t h = t == MX_FLOAT16 ? mx_f32_to_f16(f) : mx_f32_to_bf16(f);
    int64_t n = t == MX_BOOL ? value != 0 : value;
    const void *from = t == MX_FLOAT32        ? (void *)&f
                       : t == MX_FLOAT64      ? (void *)&d
                       : t == MX_COMPLEX64    ? (void *)&c
                       : mx_dtype_is_float(t) ? (void *)&h
                                              : (void *)&n;
    memcpy(p + (size_t)i * mx_dtype_size(t), from, mx_dtype_size(t));
}

static int load(const unsigned char *p, mx_dtype t, int64_t i) {
    size_t size = mx_dtype_size(t);
    float f;
    double d;
    uint16_t h;
    int64_t n = 0;
    p += (size_t)i * size;
    memcpy(&f, p, 4), memcpy(&d, p, 8), memcpy(&h, p, 2), memcpy(&n, p, size);
    switch (t) {
    case MX_FLOAT32:
    case MX_COMPLEX64: return (int)f;
    case MX_FLOAT64: return (int)d;
    case MX_FLOAT16: return (int)mx_f16_to_f32(h);
    case MX_BFLOAT16: return (int)mx_bf16_to_f32(h);
    case MX_INT8: return (int8_t)n;
    default: return (int)n;
    }
}

static int combined(mx_scatter_kind kind, mx_dtype t, int a, int b) {
    bool logic = t == MX_BOOL;
    switch (kind) {
    case MX_SCATTER_ADD: return logic ? a || b : a + b;
    case MX_SCATTER_MUL: return logic ? a && b : a * b;
    case MX_SCATTER_MAXIMUM: return a > b ? a : b;
    case MX_SCATTER_MINIMUM: return a < b ? a : b;
    default: return b;
    }
}

static void check_scatter(const mx_k_index *k, mx_scatter_kind kind, mx_dtype t) {
    layout l;
    random_layout(&l, kind == MX_SCATTER_ADD || kind == MX_SCATTER_MUL);
    for (int64_t i = 0; i < 20000; i++) {
        store(data, t, i, below(2) + (kind == MX_SCATTER_MUL ? 1 : 0));
        store(rows, t, i, below(4));
    }
    memcpy(want, data, sizeof want);
    for (int64_t at = 0; at < l.items; at++)
        for (int64_t j = 0; j < l.m.len; j++) {
            int64_t d, r;
            place(&l, at, j, &d, &r);
            store(want, t, d, combined(kind, t, load(want, t, d), load(rows, t, r)));
        }
    run_split(k->scatter[kind][t], &l, l.m.n);
    CHECK_MSG(!memcmp(data, want, sizeof want), "%s scatter kind %d of %s", check_where, (int)kind,
              mx_dtype_name(t));
}

static void test_scatter(const mx_k_index *k) {
    memset(data, 0, sizeof data);
    memset(rows, 0, sizeof rows);
    for (int t = 0; t < MX_DTYPE_COUNT; t++)
        for (int kind = 0; kind < MX_SCATTER_KINDS; kind++)
            for (int trial = 0; trial < 8; trial++)
                check_scatter(k, (mx_scatter_kind)kind, (mx_dtype)t);
}

static void test_special_values(const mx_k_index *k) {
    static const int64_t zeros[64];
    float a = 1, updates[3] = {NAN, 5, -2};
    mx_index_move m = {.data = &a,
                       .rows = updates,
                       .offset = zeros,
                       .n = 3,
                       .row_stride = 1,
                       .len = 1,
                       .data_step = 1,
                       .rows_step = 1};
    k->scatter[MX_SCATTER_MAXIMUM][MX_FLOAT32](&m, 0, 3);
    CHECK(isnan(a));
    k->scatter[MX_SCATTER_MINIMUM][MX_FLOAT32](&m, 0, 3);
    CHECK(isnan(a));
    uint16_t big = 65535, other = 65535;
    m.data = &big, m.rows = &other, m.n = 1;
    k->scatter[MX_SCATTER_MUL][MX_UINT16](&m, 0, 1);
    CHECK_EQ_INT(big, 1);
    mx_complex64 c = {1, 2}, d[2] = {{1, 3}, {0, 9}};
    m.data = &c, m.rows = d, m.n = 2;
    k->scatter[MX_SCATTER_MAXIMUM][MX_COMPLEX64](&m, 0, 2);
    CHECK(c.re == 1 && c.im == 3);
    k->scatter[MX_SCATTER_MUL][MX_COMPLEX64](&m, 0, 1);
    CHECK(c.re == -8 && c.im == 6);
}

static void test_masked(const mx_k_index *k) {
    uint8_t mask[8] = {0, 1, 1, 0, 0, 1, 0, 1};
    int32_t out[8] = {0}, src[4] = {1, 2, 3, 4};
    CHECK_EQ_INT(k->count_set(mask, 8), 4);
    CHECK_EQ_INT(k->masked[4](out, mask, 8, src), 4);
    static const int32_t expected[8] = {0, 1, 2, 0, 0, 3, 0, 4};
    CHECK(!memcmp(out, expected, sizeof out));
}

int main(void) {
    seed = (uint32_t)check_seed(7);
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int i = 0; i < count; i++) {
        check_where = all[i]->name;
        test_resolve(all[i]->index);
        test_line(all[i]->index);
        test_gather(all[i]->index);
        test_scatter(all[i]->index);
        test_special_values(all[i]->index);
        test_masked(all[i]->index);
    }
    return check_done();
}
