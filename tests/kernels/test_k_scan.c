/* Scan kernels of every instruction set against plain loops. */
#include "kernel_values.h"
#include "kernels/scan/k_scan.h"

static const char *names[] = {"sum", "prod", "max", "min", "logsumexp"};

static bool is_nan(value v) {
    return isnan(v.re) || isnan(v.im);
}
static bool less(value a, value b) {
    return a.i < b.i || a.re < b.re || (a.re == b.re && a.im < b.im);
}
static value step(mx_scan_kind op, mx_dtype t, value a, value x) {
    switch (op) {
    case MX_SCAN_SUM:
        return (value){a.re + x.re, a.im + x.im, t == MX_BOOL ? a.i | x.i : kv_plus(a.i, x.i)};
    case MX_SCAN_PROD:
        return (value){a.re * x.re - a.im * x.im, a.re * x.im + a.im * x.re, kv_times(a.i, x.i)};
    case MX_SCAN_MAX: return is_nan(a) ? a : is_nan(x) || less(a, x) ? x : a;
    case MX_SCAN_MIN: return is_nan(a) ? a : is_nan(x) || less(x, a) ? x : a;
    default: return kv_real(fmax(a.re, x.re) + log1p(exp(-fabs(a.re - x.re))));
    }
}

/* Element i of a column of n as the scan should give it; `first` says that nothing
 * precedes it. */
static value plain(mx_scan_kind op, mx_dtype t, const void *x, ptrdiff_t stride, size_t n, size_t i,
                   mx_scan_flags f, bool *first) {
    size_t from = f.reverse ? n - 1 : 0,
           count = (f.reverse ? n - 1 - i : i) + (f.inclusive ? 1 : 0);
    ptrdiff_t dir = f.reverse ? -1 : 1;
    value a = kv_get(t, x, (ptrdiff_t)from * stride);
    *first = count == 0;
    for (size_t k = 1; k < count; k++)
        a = step(op, t, a, kv_get(t, x, ((ptrdiff_t)from + dir * (ptrdiff_t)k) * stride));
    char stored[8];
    kv_put(t, stored, 0, a);
    return kv_get(t, stored, 0);
}

static bool agrees(mx_scan_kind op, mx_dtype t, value got, value want) {
    if (op == MX_SCAN_LOGSUMEXP) {
        double tol = t == MX_BFLOAT16 ? 1e-2 : t == MX_FLOAT16 ? 2e-3 : 1e-5;
        return fabs(got.re - want.re) <= tol * (1 + fabs(want.re));
    }
    return is_nan(want) ? is_nan(got) : kv_same(got, want);
}

static void *data(mx_scan_kind op, mx_dtype t, size_t n) {
    void *x = kv_random(t, n, 3);
    for (size_t i = 0; op == MX_SCAN_PROD && i < n; i++)
        kv_put(t, x, (ptrdiff_t)i, (value){i % 3 ? 1 : -1, 0, i % 3 ? 1 : -1});
    for (size_t i = 0; op == MX_SCAN_LOGSUMEXP && i < n; i++)
        kv_put(t, x, (ptrdiff_t)i, kv_real(kv_unit()));
    return x;
}

static void check_column(const mx_kernels *set, mx_scan_kind op, mx_dtype t, const void *x,
                         ptrdiff_t xs, const void *y, ptrdiff_t ys, size_t n, mx_scan_flags f) {
    double identity[1];
    set->scan->init[op][t](identity, 1);
    for (size_t i = 0; i < n; i++) {
        bool first;
        value want = plain(op, t, x, xs, n, i, f, &first), got = kv_get(t, y, (ptrdiff_t)i * ys);
        if (first)
            want = kv_get(mx_dtype_compute(t), identity, 0);
        CHECK_MSG(first ? kv_same(got, want) : agrees(op, t, got, want),
                  "%s %s %s n=%zu i=%zu reverse %d inclusive %d: %g, expected %g", set->name,
                  names[op], mx_dtype_name(t), n, i, f.reverse, f.inclusive, got.re, want.re);
    }
}

static void check_row(const mx_kernels *set, mx_scan_kind op, mx_dtype t, size_t n, ptrdiff_t xs,
                      mx_scan_flags f) {
    void *x = data(op, t, n * (size_t)xs), *y = kv_memory(t, n * (size_t)xs);
    double carry[1];
    size_t b = mx_dtype_size(t),
           h = n / 3; // in two goes, the far end first where reversed
    char *xa = x, *ya = y;
    set->scan->init[op][t](carry, 1);
    for (int go = 0; go < 2; go++) {
        bool low = (go == 0) != f.reverse;
        size_t from = low ? 0 : h, m = low ? h : n - h;
        size_t at = from * (size_t)xs * b;
        set->scan->row[op][t](ya + at, xs, xa + at, xs, m, carry, f);
    }
    check_column(set, op, t, x, xs, y, xs, n, f);
    kv_free(t, x);
    kv_free(t, y);
}

static void check_cols(const mx_kernels *set, mx_scan_kind op, mx_dtype t, size_t n, size_t cols,
                       mx_scan_flags f) {
    size_t b = mx_dtype_size(t);
    char *x = data(op, t, n * cols), *y = kv_memory(t, n * cols);
    double carry[400];
    memcpy(y, x, n * cols * b); // in place
    set->scan->init[op][t](carry, cols);
    set->scan->cols[op][t](y, (ptrdiff_t)cols, y, (ptrdiff_t)cols, n, cols, carry, f);
    for (size_t c = 0; c < cols; c++)
        check_column(set, op, t, x + c * b, (ptrdiff_t)cols, y + c * b, (ptrdiff_t)cols, n, f);
    kv_free(t, x);
    kv_free(t, y);
}

static void scans(void) {
    static const size_t sizes[] = {1, 2, 3, 4, 5, 9, 16, 33, 70, 300};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int op = 0; op < MX_SCAN_COUNT; op++)
            for (int t = 0; t < MX_DTYPE_COUNT; t++)
                for (int c = 0; sets[s]->scan->row[op][t] && c < 4; c++)
                    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                        mx_scan_flags f = {c & 1, c & 2};
                        if (op == MX_SCAN_LOGSUMEXP && t == MX_COMPLEX64)
                            continue;
                        check_row(sets[s], (mx_scan_kind)op, (mx_dtype)t, sizes[i], 1, f);
                        check_row(sets[s], (mx_scan_kind)op, (mx_dtype)t, sizes[i], 3, f);
                        check_cols(sets[s], (mx_scan_kind)op, (mx_dtype)t, 4, sizes[i], f);
                    }
}

static void special_values(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++) {
        const mx_k_scan *k = sets[s]->scan;
        const mx_scan_flags forward = {false, true};
        float x[6] = {1, 3, NAN, 2, 9, 1}, y[6], carry;
        k->init[MX_SCAN_MAX][MX_FLOAT32](&carry, 1);
        k->row[MX_SCAN_MAX][MX_FLOAT32](y, 1, x, 1, 6, &carry, forward);
        CHECK(y[0] == 1 && y[1] == 3 && isnan(y[2]) && isnan(y[3]) && isnan(y[5]));
        float z[5] = {-INFINITY, -INFINITY, 1, INFINITY, 2};
        k->init[MX_SCAN_LOGSUMEXP][MX_FLOAT32](&carry, 1);
        k->row[MX_SCAN_LOGSUMEXP][MX_FLOAT32](y, 1, z, 1, 5, &carry, forward);
        CHECK(y[1] == -INFINITY && y[2] == 1 && y[3] == INFINITY && y[4] == INFINITY);
        mx_complex64 c[2] = {{1, 2}, {1, 3}}, r[2], cc;
        k->init[MX_SCAN_LOGSUMEXP][MX_COMPLEX64](&cc, 1);
        k->row[MX_SCAN_LOGSUMEXP][MX_COMPLEX64](r, 1, c, 1, 2, &cc, forward);
        CHECK(r[0].re == 1 && r[0].im == 2);
        CHECK_NEAR(r[1].re, 1.56256, 1e-5);
        CHECK_NEAR(r[1].im, 2.5, 1e-6);
        CHECK(!k->row[MX_SCAN_LOGSUMEXP][MX_INT32]);
    }
}

int main(void) {
    RUN(scans);
    RUN(special_values);
    return check_done();
}
