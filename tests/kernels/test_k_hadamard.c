/* The Walsh-Hadamard transform of every instruction set against its matrix. */
#include "kernel_values.h"
#include "kernels/fft/k_hadamard.h"

static const mx_dtype floats[] = {MX_FLOAT16, MX_FLOAT32, MX_FLOAT64, MX_BFLOAT16};

/* H H' = m */
static void orthogonal(void) {
    static const int orders[] = {1, 12, 20, 28};
    for (int o = 0; o < 4; o++)
        for (int i = 0; i < orders[o]; i++)
            for (int j = 0; j < orders[o]; j++) {
                int sum = 0;
                for (int k = 0; k < orders[o]; k++)
                    sum += mx_hadamard_entry(orders[o], i, k) * mx_hadamard_entry(orders[o], j, k);
                CHECK_EQ_INT(sum, i == j ? orders[o] : 0);
            }
}

static double entry(int m, ptrdiff_t n, ptrdiff_t i, ptrdiff_t j) {
    int sign = __builtin_parityll((unsigned long long)(i % n & j % n)) ? -1 : 1;
    return sign * mx_hadamard_entry(m, (int)(i / n), (int)(j / n));
}

static void *matrix_of(int m, mx_dtype t) {
    mx_dtype wide = t == MX_FLOAT64 ? MX_FLOAT64 : MX_FLOAT32;
    void *h = kv_memory(wide, (size_t)(m * m));
    for (int i = 0; i < m * m; i++)
        kv_put(wide, h, i, (value){.re = mx_hadamard_entry(m, i / m, i % m)});
    return h;
}

/* Small whole numbers and a scale that is a power of two: exact up to rounding to halves. */
static void check_lines(const mx_kernels *set, mx_dtype t, ptrdiff_t lines, int m, ptrdiff_t n) {
    mx_dtype wide = t == MX_FLOAT64 ? MX_FLOAT64 : MX_FLOAT32;
    ptrdiff_t line = m * n, bad = 0;
    size_t total = (size_t)(lines * line);
    void *x = kv_random(t, total, 2), *y = kv_memory(t, total), *work = kv_memory(wide, total),
         *h = matrix_of(m, t);
    mx_k_hadamard_args a = {y, x, work, lines, n, m, h, 0.125};
    set->hadamard->lines[t](&a);
    for (ptrdiff_t l = 0; l < lines; l++)
        for (ptrdiff_t i = 0; i < line; i += 1 + line / 64) {
            double sum = 0;
            for (ptrdiff_t j = 0; j < line; j++)
                sum += entry(m, n, i, j) * kv_get(t, x, l * line + j).re;
            double near = t == MX_BFLOAT16 ? fabs(sum) / 1024 : 0;
            bad += fabs(kv_get(t, y, l * line + i).re - 0.125 * sum) > near;
        }
    CHECK_MSG(bad == 0, "%s %s %td x %d x %td: %td wrong", set->name, mx_dtype_name(t), lines, m, n,
              bad);
    kv_free(t, x);
    kv_free(t, y);
    kv_free(wide, work);
    kv_free(wide, h);
}

static void lines(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int f = 0; f < 4; f++) {
            for (ptrdiff_t n = 1; n <= 4096; n *= 2)
                check_lines(sets[s], floats[f], n > 512 ? 1 : 5, 1, n);
            for (int m = 12; m <= 28; m += 8)
                for (ptrdiff_t n = 1; n <= 64; n *= 2)
                    check_lines(sets[s], floats[f], 2, m, n);
        }
}

int main(void) {
    RUN(orthogonal);
    RUN(lines);
    return check_done();
}
