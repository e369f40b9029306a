/* Normalisation kernels of every instruction set against plain loops in float64. */
#include "kernel_values.h"
#include "kernels/norm/k_norm.h"
#include "tolerance.h"

static const mx_dtype floats[] = {MX_FLOAT16, MX_FLOAT32, MX_FLOAT64, MX_BFLOAT16};
#define EPS  1e-5
#define ROWS 3
#define MOST 1100
enum { TERMS = 25 }; /* sums are added in parallel */

/* The inputs of one case, as stored and as float64. */
typedef struct problem {
    mx_dtype t;
    size_t n;
    void *x, *w, *b, *g, *out;
    double xd[ROWS * MOST], gd[ROWS * MOST], wd[MOST], bd[MOST];
} problem;
static problem p;

static void *filled(double *copy, size_t n, double shift) {
    void *m = kv_memory(p.t, n);
    for (size_t i = 0; i < n; i++) {
        kv_put(p.t, m, (ptrdiff_t)i, kv_real(kv_unit() + shift));
        copy[i] = kv_get(p.t, m, (ptrdiff_t)i).re;
    }
    return m;
}

static void set_up(mx_dtype t, size_t n) {
    p.t = t;
    p.n = n;
    p.x = filled(p.xd, ROWS * n, 0.5);
    p.g = filled(p.gd, ROWS * n, 0);
    p.w = filled(p.wd, n, 1);
    p.b = filled(p.bd, n, 0);
    p.out = kv_memory(t, ROWS * n);
}
static void tear_down(void) {
    kv_free(p.t, p.x);
    kv_free(p.t, p.g);
    kv_free(p.t, p.w);
    kv_free(p.t, p.b);
    kv_free(p.t, p.out);
}

/* Mean (0 for rms) and 1 / sqrt(variance + eps) of a row. */
static void plain_moments(const double *x, bool layer, double *mean, double *scale) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < p.n; i++)
        sum += x[i];
    *mean = layer ? sum / (double)p.n : 0;
    for (size_t i = 0; i < p.n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *scale = 1 / sqrt(squares / (double)p.n + EPS);
}

/* How much larger a rounding of an element is beside the row's deviation from its mean: a row of
   two nearly equal ones has hardly anything but roundings left. */
static double condition(double mean, double scale) {
    return 1 + fabs(mean) * scale;
}

static void check_forward(const mx_k_norm *k, bool layer, bool weight, bool bias) {
    const void *w = weight ? p.w : NULL, *b = bias ? p.b : NULL;
    if (layer)
        k->layer[p.t](p.out, p.x, w, b, EPS, ROWS, p.n);
    else
        k->rms[p.t](p.out, p.x, w, EPS, ROWS, p.n);
    for (size_t r = 0; r < ROWS; r++) {
        double mean, scale;
        plain_moments(p.xd + r * p.n, layer, &mean, &scale);
        for (size_t i = 0; i < p.n; i++) {
            double want = (p.xd[r * p.n + i] - mean) * scale * (weight ? p.wd[i] : 1);
            want += layer && bias ? p.bd[i] : 0;
            CHECK_NEAR(kv_get(p.t, p.out, (ptrdiff_t)(r * p.n + i)).re, want,
                       2 * tolerance_of(p.t, TERMS) * (1 + fabs(want)) * condition(mean, scale) +
                           (p.n == 1 ? 1e-4 : 0));
        }
    }
}

/* dx of one row, and its share of dw. */
static void plain_backward(size_t r, bool layer, bool weight, double *dx, double *dw, double *db) {
    const double *x = p.xd + r * p.n, *g = p.gd + r * p.n;
    double mean, scale, sum = 0, dot = 0;
    plain_moments(x, layer, &mean, &scale);
    for (size_t i = 0; i < p.n; i++) {
        double z = (x[i] - mean) * scale, h = g[i] * (weight ? p.wd[i] : 1);
        sum += layer ? h : 0;
        dot += h * z;
        dw[i] += g[i] * z;
        db[i] += g[i];
    }
    for (size_t i = 0; i < p.n; i++) {
        double z = (x[i] - mean) * scale, h = g[i] * (weight ? p.wd[i] : 1);
        dx[i] = scale * (h - sum / (double)p.n - z * dot / (double)p.n);
    }
}

static double accumulated(const void *a, size_t i) {
    return p.t == MX_FLOAT64 ? ((const double *)a)[i] : (double)((const float *)a)[i];
}

static void check_backward(const mx_k_norm *k, bool layer, bool weight) {
    static double dx[MOST], dw[MOST], db[MOST], got_dw[MOST], got_db[MOST];
    memset(dw, 0, sizeof dw);
    memset(db, 0, sizeof db);
    memset(got_dw, 0, sizeof dw);
    memset(got_db, 0, sizeof db);
    const void *w = weight ? p.w : NULL;
    if (layer)
        k->layer_vjp[p.t](p.out, got_dw, got_db, p.x, w, p.g, EPS, ROWS, p.n);
    else
        k->rms_vjp[p.t](p.out, got_dw, p.x, w, p.g, EPS, ROWS, p.n);
    double worst = 1;
    for (size_t r = 0; r < ROWS; r++) {
        double mean, scale;
        plain_moments(p.xd + r * p.n, layer, &mean, &scale);
        double amplified = condition(mean, scale);
        worst = fmax(worst, amplified);
        plain_backward(r, layer, weight, dx, dw, db);
        for (size_t i = 0; p.n > 1 && i < p.n; i++)
            CHECK_NEAR(kv_get(p.t, p.out, (ptrdiff_t)(r * p.n + i)).re, dx[i],
                       2 * tolerance_of(p.t, TERMS) * (5 + fabs(dx[i])) * fmax(1, scale) *
                           amplified);
    }
    for (size_t i = 0; p.n > 1 && i < p.n; i++) {
        double loose = worst * (p.t == MX_FLOAT64 ? 1e-12 : 3e-5);
        CHECK_NEAR(accumulated(got_dw, i), dw[i], loose);
        if (layer)
            CHECK_NEAR(accumulated(got_db, i), db[i], loose);
    }
}

static void rows_against_plain(void) {
    static const size_t sizes[] = {1, 2, 3, 15, 16, 17, 64, 100, 129, MOST};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int f = 0; f < 4; f++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                set_up(floats[f], sizes[i]);
                for (int c = 0; c < 8; c++)
                    check_forward(sets[s]->norm, c & 1, c & 2, c & 4);
                for (int c = 0; c < 4; c++)
                    check_backward(sets[s]->norm, c & 1, c & 2);
                tear_down();
            }
}

static void only_what_is_asked_for(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++) {
        float x[4] = {1, 2, 3, 4}, g[4] = {1, 0, 0, 0}, dw[4] = {0}, db[4] = {0}, dx[4];
        sets[s]->norm->layer_vjp[MX_FLOAT32](NULL, dw, NULL, x, NULL, g, EPS, 1, 4);
        sets[s]->norm->layer_vjp[MX_FLOAT32](NULL, NULL, db, x, NULL, g, EPS, 1, 4);
        CHECK_NEAR(dw[0], -1.5 / sqrt(1.25), 1e-5);
        CHECK_NEAR(db[0], 1, 0);
        sets[s]->norm->rms_vjp[MX_FLOAT32](dx, NULL, x, NULL, g, EPS, 1, 4);
        sets[s]->norm->rms_vjp[MX_FLOAT32](g, NULL, x, NULL, g, EPS, 1, 4);
        for (int i = 0; i < 4; i++)
            CHECK(dx[i] == g[i]); // in place of g
    }
}

int main(void) {
    RUN(rows_against_plain);
    RUN(only_what_is_asked_for);
    return check_done();
}
