/* Reduction kernels of every instruction set against plain loops. */
#include "kernel_values.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/reduce/k_reduce.h"

static const char *op_names[] = {"sum", "prod", "max", "min", "all", "any"};

static bool is_nan(value v) {
    return isnan(v.re) || isnan(v.im);
}
static bool less(value a, value b) {
    return a.i < b.i || a.re < b.re || (a.re == b.re && a.im < b.im);
}

static value start(mx_red_op op) {
    return (value){op == MX_RED_PROD || op == MX_RED_ALL, 0, op == MX_RED_PROD || op == MX_RED_ALL};
}

static value step(mx_red_op op, value a, value x) {
    bool t = x.i != 0 || x.re != 0 || x.im != 0;
    switch (op) {
    case MX_RED_SUM: return (value){a.re + x.re, a.im + x.im, kv_plus(a.i, x.i)};
    case MX_RED_PROD:
        return (value){a.re * x.re - a.im * x.im, a.re * x.im + a.im * x.re, kv_times(a.i, x.i)};
    case MX_RED_MAX: return is_nan(a) ? a : is_nan(x) || less(a, x) ? x : a;
    case MX_RED_MIN: return is_nan(a) ? a : is_nan(x) || less(x, a) ? x : a;
    case MX_RED_ALL: return (value){a.i && t, 0, a.i && t};
    default: return (value){a.i || t, 0, a.i || t};
    }
}

/* What a plain loop over n elements gives, as finish would store it. */
static value plain(mx_red_op op, mx_dtype t, const void *x, size_t n, ptrdiff_t stride) {
    value a = start(op);
    for (size_t i = 0; i < n; i++) {
        value v = kv_get(t, x, (ptrdiff_t)i * stride);
        a = i == 0 && (op == MX_RED_MAX || op == MX_RED_MIN) ? v : step(op, a, v);
    }
    mx_dtype out = mx_red_out(op, t);
    char stored[8];
    kv_put(out, stored, 0, a);
    return kv_get(out, stored, 0);
}

static bool agrees(value got, value want) {
    return is_nan(want) ? is_nan(got) : kv_same(got, want);
}

static value finished(const mx_k_reduce *k, mx_red_op op, mx_dtype t, const void *acc, size_t i) {
    char out[8];
    const char *a = (const char *)acc + i * mx_dtype_size(mx_red_acc(op, t));
    k->finish[op][t](out, a, 1);
    return kv_get(mx_red_out(op, t), out, 0);
}

static void *data(mx_red_op op, mx_dtype t, size_t n) {
    void *x = kv_random(t, n, op == MX_RED_PROD ? 1 : 3);
    for (size_t i = 0; op == MX_RED_PROD && i < n; i++) // no zeros, no overflow
        kv_put(t, x, (ptrdiff_t)i, (value){i % 3 ? 1 : -1, 0, i % 3 ? 1 : -1});
    if (op >= MX_RED_ALL) // mostly ones for all, mostly zeros for any
        for (size_t i = 0; i < n; i++) {
            int bit = (op == MX_RED_ALL) != (kv_below(n * 2 / 3 + 1) == 0);
            kv_put(t, x, (ptrdiff_t)i, (value){bit, 0, bit});
        }
    return x;
}

static void check_rows(const mx_kernels *set, mx_red_op op, mx_dtype t, size_t rows, size_t n) {
    const mx_k_reduce *k = set->reduce;
    size_t gap = kv_below(5);
    ptrdiff_t stride = (ptrdiff_t)(n + gap);
    void *x = data(op, t, rows * (n + gap) + 1);
    double acc[64];
    k->init[op][t](acc, rows);
    size_t half = n / 2; // in two goes
    k->rows[op][t](acc, x, rows, half, stride);
    k->rows[op][t](acc, (char *)x + half * mx_dtype_size(t), rows, n - half, stride);
    for (size_t r = 0; n && r < rows; r++) {
        const char *row = (const char *)x + r * (n + gap) * mx_dtype_size(t);
        value want = plain(op, t, row, n, 1), got = finished(k, op, t, acc, r);
        CHECK_MSG(agrees(got, want), "%s %s_rows %s n=%zu: %g %g, expected %g %g", set->name,
                  op_names[op], mx_dtype_name(t), n, got.re, got.im, want.re, want.im);
    }
    kv_free(t, x);
}

static void check_cols(const mx_kernels *set, mx_red_op op, mx_dtype t, size_t rows, size_t cols) {
    const mx_k_reduce *k = set->reduce;
    size_t gap = kv_below(2) * 3;
    ptrdiff_t stride = (ptrdiff_t)(cols + gap);
    void *x = data(op, t, rows * (cols + gap) + 1);
    double acc[300], more[300];
    k->init[op][t](acc, cols);
    k->init[op][t](more, cols);
    size_t half = rows / 3; // two partial results
    k->cols[op][t](acc, x, half, cols, stride);
    k->cols[op][t](more, (char *)x + half * (cols + gap) * mx_dtype_size(t), rows - half, cols,
                   stride);
    k->combine[op][t](acc, more, cols);
    for (size_t c = 0; rows && c < cols; c++) {
        value want = plain(op, t, (const char *)x + c * mx_dtype_size(t), rows, stride);
        value got = finished(k, op, t, acc, c);
        CHECK_MSG(agrees(got, want), "%s %s_cols %s %zux%zu: %g %g, expected %g %g", set->name,
                  op_names[op], mx_dtype_name(t), rows, cols, got.re, got.im, want.re, want.im);
    }
    kv_free(t, x);
}

/* Runs to the bit what `cols` makes of each. */
static void check_runs(const mx_kernels *set, mx_red_op op, mx_dtype t, size_t n, size_t cols) {
    const mx_k_reduce *k = set->reduce;
    size_t step = cols + 3, size = mx_dtype_size(t), acc = mx_dtype_size(mx_red_acc(op, t));
    const ptrdiff_t start[3] = {(ptrdiff_t)step, 0, (ptrdiff_t)(2 * step + 1)};
    char *x = data(op, t, (n + 3) * step + 1);
    _Alignas(64) char one[300 * 8], all[300 * 8];
    k->init[op][t](one, cols);
    k->init[op][t](all, cols);
    for (int r = 0; r < 3; r++)
        k->cols[op][t](one, x + (size_t)start[r] * size, n, cols, (ptrdiff_t)step);
    k->runs[op][t](all, x, start, 3, n, cols, (ptrdiff_t)step);
    CHECK_MSG(memcmp(one, all, cols * acc) == 0, "%s %s op %d: runs of %zu rows of %zu", set->name,
              mx_dtype_name(t), (int)op, n, cols);
    kv_free(t, x);
}

static void runs(void) {
    static const size_t sizes[] = {1, 3, 4, 5, 8, 16, 17, 64, 77, 129};
    static const mx_dtype types[] = {MX_FLOAT16, MX_FLOAT32, MX_FLOAT64, MX_BFLOAT16};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int op = MX_RED_SUM; op <= MX_RED_MIN; op++)
            for (int t = 0; t < 4; t++)
                for (size_t n = 1; n < 8; n++)
                    for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++)
                        check_runs(sets[s], (mx_red_op)op, types[t], n, sizes[c]);
}

/* Sums of products to the bit those of the array of the products. */
static void check_products(const mx_kernels *set, mx_dtype t, size_t rows, size_t n) {
    const mx_k_reduce *k = set->reduce;
    size_t size = mx_dtype_size(t), all = rows * n;
    char *x = kv_random(t, all + 1, 0), *y = kv_random(t, all + 1, 0), *xy = kv_memory(t, all + 1);
    double one[64], two[64];
    k->init[MX_RED_SUM][t](one, rows);
    k->init[MX_RED_SUM][t](two, rows);
    set->pointwise->op[MX_PW_multiply][t].binary(xy, x + size, y + size, all);
    k->rows[MX_RED_SUM][t](one, xy, rows, n, (ptrdiff_t)n);
    k->products[t](two, x + size, y + size, rows, n);
    CHECK_MSG(memcmp(one, two, rows * size) == 0, "%s %s: %zu sums of %zu products", set->name,
              mx_dtype_name(t), rows, n);
    kv_free(t, x);
    kv_free(t, y);
    kv_free(t, xy);
}

static void products(void) {
    static const size_t sizes[] = {0,   1,   5,   8,    15,   16,   17,  64,
                                   127, 128, 129, 1000, 4096, 4097, 9999};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            check_products(sets[s], MX_FLOAT32, 1 + i % 4, sizes[i]);
            check_products(sets[s], MX_FLOAT64, 1 + i % 4, sizes[i]);
        }
}

static void check_strided(const mx_kernels *set, mx_red_op op, mx_dtype t, size_t n) {
    const mx_k_reduce *k = set->reduce;
    void *x = data(op, t, 3 * n);
    double acc[1];
    k->init[op][t](acc, 1);
    const char *last = (const char *)x + 3 * (n - 1) * mx_dtype_size(t);
    k->strided[op][t](acc, last, n, -3);
    CHECK(agrees(finished(k, op, t, acc, 0), plain(op, t, last, n, -3)));
    kv_free(t, x);
}

static void reductions(void) {
    static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 64, 100, 129, 250, 300};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int op = 0; op < MX_RED_COUNT; op++)
            for (int t = 0; t < MX_DTYPE_COUNT; t++)
                for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                    size_t n = sizes[i];
                    check_rows(sets[s], (mx_red_op)op, (mx_dtype)t, 3, n);
                    check_cols(sets[s], (mx_red_op)op, (mx_dtype)t, 1 + kv_below(20), n);
                    check_cols(sets[s], (mx_red_op)op, (mx_dtype)t, n, 1 + kv_below(9));
                    check_strided(sets[s], (mx_red_op)op, (mx_dtype)t, n + 1);
                }
}

static void nan_wins(void) {
    static const mx_dtype floats[] = {MX_FLOAT16, MX_FLOAT32, MX_FLOAT64, MX_BFLOAT16,
                                      MX_COMPLEX64};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int op = MX_RED_MAX; op <= MX_RED_MIN; op++)
            for (int f = 0; f < 5; f++)
                for (size_t at = 0; at < 200; at++) {
                    const mx_k_reduce *k = sets[s]->reduce;
                    mx_dtype t = floats[f];
                    void *x = kv_random(t, 200, 9);
                    double row[1], cols[25], line[1];
                    kv_put(t, x, (ptrdiff_t)at, kv_real(NAN));
                    k->init[op][t](row, 1);
                    k->rows[op][t](row, x, 1, 200, 200);
                    CHECK(is_nan(finished(k, (mx_red_op)op, t, row, 0)));
                    k->init[op][t](cols, 25);
                    k->cols[op][t](cols, x, 8, 25, 25);
                    for (size_t c = 0; c < 25; c++)
                        CHECK(is_nan(finished(k, (mx_red_op)op, t, cols, c)) == (c == at % 25));
                    k->init[op][t](line, 1);
                    k->strided[op][t](line, x, 200, 1);
                    CHECK(is_nan(finished(k, (mx_red_op)op, t, line, 0)));
                    kv_free(t, x);
                }
}

/* Start with element 0, move on where something is better; the first NaN is best of all. */
static uint32_t plain_arg(bool max, mx_dtype t, const void *x, size_t n, ptrdiff_t stride) {
    uint32_t at = 0;
    for (size_t i = 1; i < n; i++) {
        value v = kv_get(t, x, (ptrdiff_t)i * stride), best = kv_get(t, x, at * stride);
        if (!is_nan(best) && (is_nan(v) || (max ? less(best, v) : less(v, best))))
            at = (uint32_t)i;
    }
    return at;
}

static void check_arg(const mx_kernels *set, bool max, mx_dtype t, size_t n, size_t cols) {
    const mx_k_reduce *k = set->reduce;
    void *x = kv_random(t, n * cols, n > 500 ? 100 : 5);
    for (int j = 0; !kv_is_int(t) && j < 4; j++)
        kv_put(t, x, (ptrdiff_t)kv_below(n * cols), kv_real(j ? NAN : -INFINITY));
    uint32_t out[600], one, parts[3];
    k->arg_cols[max][t](out, x, n, cols, (ptrdiff_t)cols);
    for (size_t c = 0; c < cols; c++) {
        const char *p = (const char *)x + c * mx_dtype_size(t);
        uint32_t want = plain_arg(max, t, p, n, (ptrdiff_t)cols);
        CHECK_EQ_INT(out[c], want);
        k->arg_strided[max][t](&one, p, n, (ptrdiff_t)cols);
        CHECK_EQ_INT(one, want);
    }
    k->arg_rows[max][t](out, x, cols, n, (ptrdiff_t)n);
    for (size_t r = 0; r < cols; r++) {
        const char *p = (const char *)x + r * n * mx_dtype_size(t);
        uint32_t want = plain_arg(max, t, p, n, 1), blocks = n >= 3 ? 3 : 1;
        CHECK_MSG(out[r] == want, "%s arg%s %s %zu: %u, expected %u", set->name,
                  max ? "max" : "min", mx_dtype_name(t), n, out[r], want);
        for (uint32_t b = 0; b < blocks; b++) {
            size_t from = n * b / blocks, to = n * (b + 1) / blocks;
            parts[b] = k->arg_block[max][t](p + from * mx_dtype_size(t), to - from, 1);
            parts[b] += (uint32_t)from;
        }
        CHECK_EQ_INT(k->arg_pick[max][t](p, 1, parts, blocks), want);
    }
    kv_free(t, x);
}

static void arg_reductions(void) {
    static const size_t sizes[] = {1, 2, 5, 16, 33, 100, 511, 1025, 1600, 3000};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int t = 0; t < MX_DTYPE_COUNT; t++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                for (int max = 0; max < 2; max++) {
                    check_arg(sets[s], max, (mx_dtype)t, sizes[i], 3);
                    check_arg(sets[s], max, (mx_dtype)t, 4, sizes[i] < 600 ? sizes[i] : 600);
                }
}

static void sums_are_accurate(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    size_t n = 1 << 20;
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = 0.1f;
    for (int s = 0; s < count; s++) {
        float row = 0, cols[4] = {0, 0, 0, 0};
        sets[s]->reduce->rows[MX_RED_SUM][MX_FLOAT32](&row, x, 1, n, (ptrdiff_t)n);
        CHECK_NEAR(row, 0.1f * (double)n, 0.1);
        sets[s]->reduce->cols[MX_RED_SUM][MX_FLOAT32](cols, x, n / 4, 4, 4);
        CHECK_NEAR(cols[3], 0.1f * (double)n / 4, 0.05);
    }
    free(x);
}

int main(void) {
    RUN(reductions);
    RUN(runs);
    RUN(products);
    RUN(nan_wins);
    RUN(arg_reductions);
    RUN(sums_are_accurate);
    return check_done();
}
