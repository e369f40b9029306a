/* The Fourier engine against the definition: lengths of every kind, layouts, real transforms. */
#include <stdlib.h>

#include "base/threads/pool.h"
#include "cpu/fft/fft_engine.h"
#include "kernel_values.h"

#define PI 3.14159265358979323846
typedef mx_complex64 cplx;

static cplx *noise(size_t n) {
    cplx *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (cplx){(float)kv_unit(), (float)kv_unit()};
    return x;
}

/* Bin k of n elements x[t * stride]. */
static void bin(const cplx *x, int64_t stride, int64_t n, int64_t k, int sign, double *re,
                double *im) {
    *re = *im = 0;
    for (int64_t t = 0; t < n; t++) {
        double a = sign * 2 * PI * (double)(t * k % n) / (double)n;
        cplx z = x[t * stride];
        *re += (double)z.re * cos(a) - (double)z.im * sin(a);
        *im += (double)z.re * sin(a) + (double)z.im * cos(a);
    }
}

static void check_bin(cplx got, double re, double im, double scale, int64_t n, const char *what) {
    double tol = 4e-7 * sqrt((double)n) * (log2((double)n) + 2) * scale;
    bool ok = fabs((double)got.re - re * scale) <= tol && fabs((double)got.im - im * scale) <= tol;
    CHECK_MSG(ok, "%s n=%lld: %g %g, expected %g %g", what, (long long)n, (double)got.re,
              (double)got.im, re * scale, im * scale);
}

/* `count` lines of n, rows or columns; a few bins of each. */
static void check_complex(int64_t n, int64_t count, bool columns, bool inverse) {
    cplx *x = noise((size_t)(n * count)), *y = noise((size_t)(n * count));
    int64_t along = columns ? count : 1, across = columns ? 1 : n;
    mx_fft_job j = {MX_FFT_COMPLEX, inverse, 0.5, n,      x,       y,      n,
                    along,          along,   1,   &count, &across, &across};
    CHECK(mx_fft_run(&j));
    for (int64_t line = 0; line < count; line++)
        for (int i = 0; i < 6; i++) {
            int64_t k = i == 0 ? 0 : i == 1 ? n - 1 : (int64_t)kv_below((size_t)n);
            double re, im;
            bin(x + line * across, along, n, k, inverse ? 1 : -1, &re, &im);
            check_bin(y[line * across + k * along], re, im, 0.5, n, columns ? "columns" : "rows");
        }
    free(x);
    free(y);
}

static void lengths(void) {
    static const int64_t n[] = {1,  2,  3,  4,   5,   6,   7,   8,   9,    11,   12,   13,   16,
                                30, 61, 64, 100, 127, 128, 243, 360, 1000, 1009, 1024, 2018, 4096};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        for (int c = 0; c < 4; c++) {
            check_complex(n[i], 1, c & 1, c & 2);
            check_complex(n[i], 19, c & 1, c & 2);
        }
}

static void long_lines(void) {
    static const int64_t n[] = {5000, 8192, 10007, 20011, 1 << 16, 3 * 5 * 7 * 11 * 13, 1 << 18};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
        check_complex(n[i], 1, false, i & 1);
        check_complex(n[i], 2, true, !(i & 1));
    }
}

/* Real lines to half spectra, and back to themselves. */
static void check_real(int64_t n, int64_t count, bool columns) {
    int64_t half = n / 2 + 1;
    float *x = malloc((size_t)(n * count) * sizeof *x), *back = calloc((size_t)(n * count), 4);
    cplx *z = malloc((size_t)(n * count) * sizeof *z);
    cplx *y = malloc((size_t)(half * count) * sizeof *y);
    for (int64_t i = 0; i < n * count; i++) {
        x[i] = (float)kv_unit();
        z[i] = (cplx){x[i], 0};
    }
    int64_t along = columns ? count : 1, xs = columns ? 1 : n, ys = columns ? 1 : half;
    mx_fft_job j = {MX_FFT_TO_HALF, false, 1, n, x, y, n, along, along, 1, &count, &xs, &ys};
    CHECK(mx_fft_run(&j));
    for (int64_t line = 0; line < count; line++)
        for (int64_t k = 0; k < half; k += 1 + half / 7) {
            double re, im;
            bin(z + line * xs, along, n, k, -1, &re, &im);
            check_bin(y[line * ys + k * along], re, im, 1, n, "to_half");
        }
    for (int64_t line = 0; line < count; line++)
        y[line * ys].im = 5; // ignored
    j = (mx_fft_job){MX_FFT_FROM_HALF,
                     true,
                     1.0 / (double)n,
                     n,
                     y,
                     back,
                     half,
                     along,
                     along,
                     1,
                     &count,
                     &ys,
                     &xs};
    CHECK(mx_fft_run(&j));
    double worst = 0;
    for (int64_t i = 0; i < n * count; i++)
        worst = fmax(worst, fabs((double)back[i] - (double)x[i]));
    CHECK_MSG(worst < 2e-6, "from_half n=%lld: %g", (long long)n, worst);
    free(x);
    free(y);
    free(z);
    free(back);
}

static void real_lines(void) {
    static const int64_t n[] = {1, 2, 3, 4, 5, 8, 15, 64, 67, 100, 1001, 1024, 8192, 10007};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        for (int columns = 0; columns < 2; columns++) {
            check_real(n[i], 1, columns);
            check_real(n[i], n[i] > 5000 ? 2 : 35, columns);
            check_real(n[i], n[i] > 5000 ? 3 : 40, columns);
        }
}

/* Fewer elements than the length: zeros behind; three other axes with gaps. */
static void padded_and_strided(void) {
    enum { N = 48, HAVE = 30 };
    const int64_t shape[3] = {2, 3, 5}, xs[3] = {3 * 5 * 2 * 40, 5 * 2 * 40, 2},
                  ys[3] = {15 * N, 5 * N, N};
    cplx *x = noise(2 * 3 * 5 * 2 * 40), *y = noise(30 * N), line[N];
    mx_fft_job j = {MX_FFT_COMPLEX, false, 1, N, x, y, HAVE, 10, 1, 3, shape, xs, ys};
    CHECK(mx_fft_run(&j));
    for (int64_t l = 0; l < 30; l++) {
        int64_t at = l / 15 * xs[0] + l / 5 % 3 * xs[1] + l % 5 * xs[2];
        for (int64_t t = 0; t < N; t++)
            line[t] = t < HAVE ? x[at + t * 10] : (cplx){0, 0};
        for (int64_t k = 0; k < N; k++) {
            double re, im;
            bin(line, 1, N, k, -1, &re, &im);
            check_bin(y[l * N + k], re, im, 1, N, "padded");
        }
    }
    free(x);
    free(y);
}

static void threads_do_not_matter(void) {
    static const int64_t n[] = {1 << 15, 1024, 10007}, lines[] = {1, 64, 1};
    for (int i = 0; i < 3; i++) {
        size_t size = (size_t)(n[i] * lines[i]);
        cplx *x = noise(size), *y = noise(size), *z = noise(size);
        mx_fft_job j = {MX_FFT_COMPLEX, false, 1,    n[i], x, y, n[i], 1, 1, 1,
                        &lines[i],      &n[i], &n[i]};
        mx_pool_set_threads(1);
        CHECK(mx_fft_run(&j));
        mx_pool_set_threads(4);
        j.y = z;
        CHECK(mx_fft_run(&j));
        CHECK(memcmp(y, z, size * sizeof *y) == 0);
        mx_pool_set_threads(0);
        free(x);
        free(y);
        free(z);
    }
}

int main(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++) {
        mx_kernels_choose(sets[s]->name);
        RUN(lengths);
        RUN(long_lines);
        RUN(real_lines);
        RUN(padded_and_strided);
        RUN(threads_do_not_matter);
        mx_fft_forget();
    }
    return check_done();
}
