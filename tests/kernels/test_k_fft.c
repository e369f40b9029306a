/* Fourier butterflies of every instruction set: each radix against the definition, in float64. */
#include "kernel_values.h"
#include "kernels/fft/k_fft.h"

#define PI   3.14159265358979323846
#define MOST 1024

typedef struct tables {
    double wr[4096], wi[4096], cr[64], ci[64];
    float fwr[4096], fwi[4096], fcr[64], fci[64];
} tables;
static tables tab;

static mx_fft_stage stage_of(size_t radix, size_t m, size_t before, bool single) {
    for (size_t j = 0; j < radix; j++) {
        tab.cr[j] = cos(2 * PI * (double)j / (double)radix);
        tab.ci[j] = -sin(2 * PI * (double)j / (double)radix);
        tab.fcr[j] = (float)tab.cr[j];
        tab.fci[j] = (float)tab.ci[j];
        for (size_t p = 0; j && p < m; p++) {
            double angle = 2 * PI * (double)(j * p) / (double)(radix * m);
            size_t at = (j - 1) * m + p;
            tab.wr[at] = cos(angle);
            tab.wi[at] = -sin(angle);
            tab.fwr[at] = (float)tab.wr[at];
            tab.fwi[at] = (float)tab.wi[at];
        }
    }
    if (single)
        return (mx_fft_stage){radix, m, before, tab.fwr, tab.fwi, tab.fcr, tab.fci};
    return (mx_fft_stage){radix, m, before, tab.wr, tab.wi, tab.cr, tab.ci};
}

/* Two stages r1 r2 make a whole transform of n on `lanes` lines. */
static void check_pair(const mx_k_fft *k, size_t r1, size_t r2, size_t lanes, bool single) {
    static double x[2][MOST], a[2][MOST], y[2][MOST];
    static float fx[2][MOST], fa[2][MOST], fy[2][MOST];
    size_t n = r1 * r2;
    for (int part = 0; part < 2; part++)
        for (size_t i = 0; i < n * lanes; i++)
            fx[part][i] = (float)(x[part][i] = kv_unit());
    mx_fft_stage st = stage_of(r1, r2, 1, single);
    if (single)
        k->stage_f32(&st, lanes, fx[0], fx[1], fa[0], fa[1]);
    else
        k->stage_f64(&st, lanes, x[0], x[1], a[0], a[1]);
    st = stage_of(r2, 1, r1, single);
    if (single)
        k->stage_f32(&st, lanes, fa[0], fa[1], fy[0], fy[1]);
    else
        k->stage_f64(&st, lanes, a[0], a[1], y[0], y[1]);
    for (size_t f = 0; f < n; f++)
        for (size_t b = 0; b < lanes; b++) {
            double re = 0, im = 0;
            for (size_t t = 0; t < n; t++) {
                double angle = -2 * PI * (double)(f * t % n) / (double)n;
                double xr = x[0][t * lanes + b], xi = x[1][t * lanes + b];
                re += xr * cos(angle) - xi * sin(angle);
                im += xr * sin(angle) + xi * cos(angle);
            }
            size_t at = f * lanes + b;
            CHECK_NEAR(single ? (double)fy[0][at] : y[0][at], re, single ? 2e-5 : 1e-12);
            CHECK_NEAR(single ? (double)fy[1][at] : y[1][at], im, single ? 2e-5 : 1e-12);
        }
}

static void stages(void) {
    static const size_t radix[] = {2, 3, 4, 5, 7, 8, 11};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 7; j++)
                for (int single = 0; single < 2; single++) {
                    check_pair(sets[s]->fft, radix[i], radix[j], 1, single);
                    check_pair(sets[s]->fft, radix[i], radix[j], 5, single);
                }
}

static void small_loops(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++) {
        const mx_k_fft *k = sets[s]->fft;
        mx_complex64 z[50], back[50];
        float re[50], im[50], w[10], v[10];
        for (int i = 0; i < 50; i++)
            z[i] = (mx_complex64){(float)kv_unit(), (float)kv_unit()};
        for (int i = 0; i < 10; i++)
            w[i] = (float)kv_unit(), v[i] = (float)kv_unit();
        k->split(re, im, z, 50);
        k->join(back, re, im, 50, 2);
        for (int i = 0; i < 50; i++)
            CHECK(back[i].re == 2 * z[i].re && back[i].im == 2 * z[i].im);
        k->scale_lines(re, im, w, v, 10, 5);
        for (int i = 0; i < 50; i++) {
            CHECK_NEAR(re[i], z[i].re * w[i / 5] - z[i].im * v[i / 5], 1e-6);
            CHECK_NEAR(im[i], z[i].re * v[i / 5] + z[i].im * w[i / 5], 1e-6);
        }
        k->split(re, im, z,
                 50); // 10 rows of 5: coarse row 0 and 1, fine row t % 5, one number each
        float cr[20] = {0}, ci[20] = {0}, fr[50], fi[50] = {0};
        for (int i = 0; i < 10; i++)
            cr[i] = 1 + (float)(i / 5);
        for (int i = 0; i < 50; i++)
            fr[i] = (float)(i / 5);
        k->twist(re, im, cr, ci, fr, fi, 5, 5, 10, 5);
        for (int i = 0; i < 50; i++)
            CHECK_NEAR(re[i], z[i].re * (float)(i >= 25 ? 2 : 1) * (float)(i / 5 % 5), 1e-6);
    }
}

/* Spectra of real lines in pairs and back, by the definition. */
static void check_real_lines(const mx_kernels *set, size_t n, size_t lanes, size_t lines) {
    mx_complex64 spectra[MOST], parted[MOST];
    float re[MOST] = {0}, im[MOST] = {0};
    size_t half = n / 2 + 1;
    for (size_t i = 0; i <= half * lines; i++)
        spectra[i] = (mx_complex64){(float)kv_unit(), (float)kv_unit()};
    spectra[half * lines].re = NAN; // is of no line
    set->fft->pair(re, im, spectra, 0, 1, n, lanes, lines, 3);
    set->fft->pair(re, im, spectra + lines, 1, half - 1, n, lanes, lines, 3);
    set->fft->part(parted, re, im, 0, half, n, lanes, lines, 2);
    for (size_t k = 0; k < half; k++)
        for (size_t l = 0; l < lines; l++) {
            mx_complex64 want = spectra[k * lines + l], got = parted[k * lines + l];
            CHECK_NEAR(got.re, 6 * want.re, 4e-6);
            CHECK_NEAR(got.im, k == 0 || 2 * k == n ? 0 : 6 * want.im, 4e-6);
        }
}

static void real_lines(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (size_t n = 1; n < 12; n++)
            for (size_t lanes = 1; lanes <= 17; lanes++)
                for (size_t odd = 0; odd < 2; odd++)
                    check_real_lines(sets[s], n, lanes, 2 * lanes - odd);
}

int main(void) {
    RUN(stages);
    RUN(small_loops);
    RUN(real_lines);
    return check_done();
}
