/* Rotary embedding of every instruction set against the formula in float64. */
#include "kernel_values.h"
#include "kernels/attention/k_rope.h"
#include "tolerance.h"

static const mx_dtype floats[] = {MX_FLOAT16, MX_FLOAT32, MX_FLOAT64, MX_BFLOAT16};

/* Sines and cosines are float32's for every dtype. */
static double tolerance(mx_dtype t) {
    return tolerance_of(t == MX_FLOAT64 ? MX_FLOAT32 : t, 15);
}

static void table(void) {
    double inv[7];
    float c[200 * 7], s[200 * 7], freqs[7] = {1, 2, 3, 4, 5, 6, 1e4f};
    mx_rope_inv_freq(inv, 7, 10000, NULL);
    CHECK_NEAR(inv[0], 1, 0);
    CHECK_NEAR(inv[3], pow(10000, -3.0 / 7), 1e-15);
    for (int with = 0; with < 2; with++) {
        mx_rope_inv_freq(inv, 7, 10000, with ? freqs : NULL);
        mx_rope_table(c, s, inv, 7, 1000, 200, 0.5);
        for (size_t t = 0; t < 200; t++)
            for (size_t i = 0; i < 7; i++) {
                double angle = (1000 + (double)t) * 0.5 * inv[i];
                CHECK_NEAR(c[t * 7 + i], cos(angle), 1e-7);
                CHECK_NEAR(s[t * 7 + i], sin(angle), 1e-7);
            }
    }
}

static void check_rows(const mx_k_rope *k, mx_dtype t, size_t dims, size_t head, bool trad) {
    enum { ROWS = 5 };
    size_t half = dims / 2, stride = head + 3;
    double inv[64];
    float c[ROWS * 64], s[ROWS * 64];
    mx_rope_inv_freq(inv, half, 100, NULL);
    mx_rope_table(c, s, inv, half, 3, ROWS, 1);
    void *x = kv_random(t, ROWS * stride, 3), *y = kv_memory(t, ROWS * head);
    k->rows[t](y, (ptrdiff_t)head, x, (ptrdiff_t)stride, c, s, ROWS, head, dims, trad, false);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < head; i++) {
            ptrdiff_t xr = (ptrdiff_t)(r * stride), at = (ptrdiff_t)i;
            double want = kv_get(t, x, xr + at).re;
            if (i < 2 * half) {
                size_t pair = trad ? i / 2 : i % half;
                bool second = trad ? i % 2 : i >= half;
                ptrdiff_t other = trad ? (at ^ 1) : (ptrdiff_t)((i + half) % (2 * half));
                double angle = (3 + (double)r) * inv[pair], o = kv_get(t, x, xr + other).re;
                want = want * cos(angle) + (second ? o : -o) * sin(angle);
            }
            CHECK_NEAR(kv_get(t, y, (ptrdiff_t)(r * head + i)).re, want, tolerance(t) * 5);
        }
    // turning back in place gives the input
    k->rows[t](y, (ptrdiff_t)head, y, (ptrdiff_t)head, c, s, ROWS, head, dims, trad, true);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < head; i++)
            CHECK_NEAR(kv_get(t, y, (ptrdiff_t)(r * head + i)).re,
                       kv_get(t, x, (ptrdiff_t)(r * stride + i)).re, tolerance(t) * 10);
    kv_free(t, x);
    kv_free(t, y);
}

static void rows_against_formula(void) {
    static const size_t dims[][2] = {{2, 2},   {4, 8},   {6, 7},    {32, 32},
                                     {64, 64}, {80, 96}, {128, 128}};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int f = 0; f < 4; f++)
            for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
                for (int trad = 0; trad < 2; trad++)
                    check_rows(sets[s]->rope, floats[f], dims[i][0], dims[i][1], trad);
}

int main(void) {
    RUN(table);
    RUN(rows_against_formula);
    return check_done();
}
