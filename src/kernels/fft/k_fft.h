/* Butterflies of the fast Fourier transform, on many lines at once.
 *
 * A block holds `lanes` lines of n complex numbers, real and imaginary parts apart, element t of
 * line b at [t * lanes + b]. Stockham's autosort form (Van Loan 1992, 1.7): stage by stage from x
 * to y, no bit reversal:
 *
 *     n = r_1 r_2 ... r_k;  a stage of radix r with m elements left behind it, `before` the
 *     product of the radices already done:
 *
 *     y[(j + r p) before + q] = w^(j p) sum over i of x[(p + m i) before + q] e^(-2 pi i j i / r)
 *
 *         0 <= p < m,  0 <= j < r,  0 <= q < before,  w = e^(-2 pi i / (r m))
 *
 * The inverse transform is the forward one with the real and imaginary parts exchanged, in and out.
 */
#ifndef MX_KERNELS_K_FFT_H
#define MX_KERNELS_K_FFT_H

#include "base/dtype.h"

#define MX_FFT_MAX_RADIX 64 /* larger primes need another way (Bluestein) */

typedef struct mx_fft_stage {
    size_t radix, m, before;
    const void *wr, *wi;         /* w^(j p) at [(j - 1) m + p], 1 <= j < radix */
    const void *root_r, *root_i; /* e^(-2 pi i j / radix), j < radix */
} mx_fft_stage;

/* Elements are float (f32) or double (f64), also in the stage's tables. x and y do not overlap. */
typedef void mx_k_fft_stage(const mx_fft_stage *st, size_t lanes, const void *xr, const void *xi,
                            void *yr, void *yi);

typedef struct mx_k_fft {
    mx_k_fft_stage *stage_f32, *stage_f64;
    /* n complex numbers, together and apart; join multiplies by scale. */
    void (*split)(float *re, float *im, const mx_complex64 *z, size_t n);
    void (*join)(mx_complex64 *z, const float *re, const float *im, size_t n, float scale);
    /* Lines 2 b and 2 b + 1 are real, and lane b their sum, the second times i. part: their spectra
       times scale at k0 <= k < k0 + count, out[k - k0][line], from those of the lanes at k and its
       mirror image n - k. pair: the way back, times scale, what cannot be of a real line left out
       (at 0, and at n / 2). lines is 2 lanes, or one less: then part writes one number behind the
       last, and pair reads it. */
    void (*part)(mx_complex64 *out, const float *re, const float *im, size_t k0, size_t count,
                 size_t n, size_t lanes, size_t lines, float scale);
    void (*pair)(float *re, float *im, const mx_complex64 *in, size_t k0, size_t count, size_t n,
                 size_t lanes, size_t lines, float scale);
    /* z[t][b] *= w[t] for all b < lanes */
    void (*scale_lines)(float *re, float *im, const float *wr, const float *wi, size_t n,
                        size_t lanes);
    /* z[t][b] *= coarse[t / fine_n][b] fine[t % fine_n][b]; the tables' rows are stride apart */
    void (*twist)(float *re, float *im, const float *coarse_r, const float *coarse_i,
                  const float *fine_r, const float *fine_i, size_t fine_n, size_t stride, size_t n,
                  size_t lanes);
} mx_k_fft;

#endif
