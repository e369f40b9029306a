/* Softmax kernels of every instruction set against plain loops in long double, which a sum of five
   thousand float64 needs to be a measure. */
#include "kernel_values.h"
#include "kernels/norm/k_softmax.h"
#include "tolerance.h"

static const mx_dtype floats[] = {MX_FLOAT16, MX_FLOAT32, MX_FLOAT64, MX_BFLOAT16};
static const size_t sizes[] = {1, 2, 3, 15, 16, 17, 31, 64, 100, 129, 300, 2048, 2049, 5000};
#define SIZES (sizeof sizes / sizeof *sizes)

/* Exponentials of numbers of that size have an error of as many units. */
enum { TERMS = 80 };

static void fill(mx_dtype t, void *x, size_t n, double range) {
    for (size_t i = 0; i < n; i++)
        kv_put(t, x, (ptrdiff_t)i, kv_real(kv_unit() * range));
}

static long double plain_log_sum(mx_dtype t, const void *x, size_t n, double *max) {
    long double sum = 0;
    *max = -INFINITY;
    for (size_t i = 0; i < n; i++)
        *max = fmax(*max, kv_get(t, x, (ptrdiff_t)i).re);
    for (size_t i = 0; i < n; i++)
        sum += expl((long double)kv_get(t, x, (ptrdiff_t)i).re - *max);
    return logl(sum);
}

/* of: what was added up; a sum near zero has the error of its terms. */
static bool close_to(mx_dtype t, double got, double want, double of, const char *what, size_t n) {
    double tol = tolerance_of(t, TERMS) * (fabs(of) + (t == MX_FLOAT16 ? 1e-4 : 1e-30));
    bool ok = fabs(got - want) <= tol;
    return CHECK_MSG(ok, "%s %s n=%zu: %.9g, expected %.9g", what, mx_dtype_name(t), n, got, want);
}

static void check_row(const mx_k_softmax *k, mx_dtype t, size_t n) {
    size_t bytes = mx_dtype_size(t);
    char *x = kv_memory(t, 2 * n + 3), *y = kv_memory(t, 2 * n + 1), out[16];
    fill(t, x, 2 * n + 3, n % 2 ? 5 : 20);
    k->logsumexp[t](out, x, (ptrdiff_t)n + 3, 2, n);
    for (size_t r = 0; r < 2; r++) {
        double max;
        long double log_sum = plain_log_sum(t, x + r * (n + 3) * bytes, n, &max) + max;
        double sum = kv_get(t, out, (ptrdiff_t)r).re, of = fabs(max) + fabs((double)log_sum);
        close_to(t, sum, (double)log_sum, of, "logsumexp", n);
        k->softmax[t](y, (ptrdiff_t)n + 1, x, (ptrdiff_t)n + 3, 2, n);
        for (size_t i = 0; i < n; i++) {
            double v = kv_get(t, x, (ptrdiff_t)(r * (n + 3) + i)).re;
            double got = kv_get(t, y, (ptrdiff_t)(r * (n + 1) + i)).re;
            double want = (double)expl(v - log_sum);
            close_to(t, got, want, want, "softmax", n);
        }
        k->log_softmax[t](y, (ptrdiff_t)n + 1, x, (ptrdiff_t)n + 3, 2, n);
        for (size_t i = 0; i < n; i++) {
            double v = kv_get(t, x, (ptrdiff_t)(r * (n + 3) + i)).re;
            double got = kv_get(t, y, (ptrdiff_t)(r * (n + 1) + i)).re;
            CHECK_NEAR(got, (double)(v - log_sum), tolerance_of(t, TERMS) * (fabs(got) + 1));
        }
    }
    kv_free(t, x);
    kv_free(t, y);
}

/* A row in three blocks gives what the whole row gives. */
static void check_parts(const mx_k_softmax *k, mx_dtype t, size_t n) {
    size_t bytes = mx_dtype_size(t), at[4] = {0, n / 3, n / 2, n};
    char *x = kv_memory(t, n), *whole = kv_memory(t, n), *y = kv_memory(t, n);
    mx_softmax_part parts[3];
    fill(t, x, n, 5);
    for (int i = 0; i < 3; i++)
        k->part[t](&parts[i], x + at[i] * bytes, at[i + 1] - at[i]);
    mx_softmax_part all = mx_softmax_merge(parts, 3);
    k->softmax[t](whole, (ptrdiff_t)n, x, (ptrdiff_t)n, 1, n);
    k->apply[t](y, x, &all, n);
    for (size_t i = 0; i < n; i++) {
        double want = kv_get(t, whole, (ptrdiff_t)i).re;
        close_to(t, kv_get(t, y, (ptrdiff_t)i).re, want, want, "apply", n);
    }
    k->log_softmax[t](whole, (ptrdiff_t)n, x, (ptrdiff_t)n, 1, n);
    k->apply_log[t](y, x, &all, n);
    for (size_t i = 0; i < n; i++)
        CHECK_NEAR(kv_get(t, y, (ptrdiff_t)i).re, kv_get(t, whole, (ptrdiff_t)i).re,
                   tolerance_of(t, TERMS) * 20);
    double max;
    long double log_sum = plain_log_sum(t, x, n, &max) + max;
    CHECK_NEAR(mx_softmax_part_log(&all), (double)log_sum, 1e-5);
    kv_free(t, x);
    kv_free(t, y);
    kv_free(t, whole);
}

static void check_vjp(const mx_k_softmax *k, mx_dtype t, size_t n) {
    void *y = kv_memory(t, n), *g = kv_memory(t, n), *dx = kv_memory(t, n);
    fill(t, y, n, 1);
    fill(t, g, n, 1);
    k->softmax_vjp[t](dx, y, g, 1, n);
    long double dot = 0; // on the way to it sums are of the size of the root of n
    for (size_t i = 0; i < n; i++)
        dot += (long double)kv_get(t, y, (ptrdiff_t)i).re * kv_get(t, g, (ptrdiff_t)i).re;
    for (size_t i = 0; i < n; i++) {
        long double want = kv_get(t, y, (ptrdiff_t)i).re * (kv_get(t, g, (ptrdiff_t)i).re - dot);
        double size = 3 + sqrt((double)n);
        CHECK_NEAR(kv_get(t, dx, (ptrdiff_t)i).re, (double)want, tolerance_of(t, TERMS) * size);
    }
    kv_free(t, y);
    kv_free(t, g);
    kv_free(t, dx);
}

static void rows_against_plain(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int f = 0; f < 4; f++)
            for (size_t i = 0; i < SIZES; i++) {
                check_row(sets[s]->softmax, floats[f], sizes[i]);
                check_parts(sets[s]->softmax, floats[f], sizes[i]);
                check_vjp(sets[s]->softmax, floats[f], sizes[i]);
            }
}

/* A row of 3: softmax of the first two, logsumexp, and that merged from single elements. */
static void special_row(const mx_k_softmax *k, double a, double b, double c, double y0, double y1,
                        double lse) {
    float x[3] = {(float)a, (float)b, (float)c}, y[3], l;
    k->softmax[MX_FLOAT32](y, 3, x, 3, 1, 3);
    CHECK_NEAR(y[0], y0, 1e-6);
    CHECK_NEAR(y[1], y1, 1e-6);
    k->logsumexp[MX_FLOAT32](&l, x, 3, 1, 3);
    CHECK_NEAR(l, lse, 1e-6);
    mx_softmax_part parts[3];
    for (int i = 0; i < 3; i++)
        k->part[MX_FLOAT32](&parts[i], x + i, 1);
    mx_softmax_part all = mx_softmax_merge(parts, 3);
    CHECK_NEAR(mx_softmax_part_log(&all), lse, 1e-6);
}

static void special_values(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++) {
        const mx_k_softmax *k = sets[s]->softmax;
        special_row(k, 0, -INFINITY, 0, 0.5, 0, log(2));
        special_row(k, -INFINITY, -INFINITY, -INFINITY, NAN, NAN, -INFINITY);
        special_row(k, INFINITY, 1, 2, NAN, NAN, INFINITY);
        special_row(k, NAN, 1, 2, NAN, NAN, NAN);
        special_row(k, NAN, -INFINITY, -INFINITY, NAN, NAN, NAN);
        special_row(k, -1e30, 1e30, 0, 0, 1, (double)1e30f);
        float x[2] = {0, -INFINITY}, y[2];
        k->softmax[MX_FLOAT32](y, 2, x, 2, 1, 2);
        CHECK(y[0] == 1 && y[1] == 0);
        float empty;
        k->logsumexp[MX_FLOAT32](&empty, x, 0, 1, 0);
        CHECK(empty == -INFINITY);
    }
}

int main(void) {
    RUN(rows_against_plain);
    RUN(special_values);
    return check_done();
}
