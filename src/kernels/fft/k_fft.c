/* Fourier butterflies and the small loops around them. */
#include "kernels/fft/k_fft.h"

#include "kernels/kernels.h"
#include "kernels/simd/simd.h"

#if VF_FMA
#define FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#define FMA_F64(a, b, c) __builtin_fma(a, b, c)
#else
#define FMA_F32(a, b, c) ((a) * (b) + (c))
#define FMA_F64(a, b, c) ((a) * (b) + (c))
#endif

#define T       float
#define FN(f)   f##_f32
#define FMA     FMA_F32
#define V       vf
#define W(word) vf_##word
#define L       VF_LANES
#include "kernels/fft/k_fft_stage.h"
#define T       double
#define FN(f)   f##_f64
#define FMA     FMA_F64
#define V       vd
#define W(word) vd_##word
#define L       VD_LANES
#include "kernels/fft/k_fft_stage.h"

static void split(float *restrict re, float *restrict im, const mx_complex64 *restrict z,
                  size_t n) {
    for (size_t i = 0; i < n; i++) {
        re[i] = z[i].re;
        im[i] = z[i].im;
    }
}

static void join(mx_complex64 *restrict z, const float *restrict re, const float *restrict im,
                 size_t n, float scale) {
    for (size_t i = 0; i < n; i++) {
        z[i].re = re[i] * scale;
        z[i].im = im[i] * scale;
    }
}

static void scale_lines(float *restrict re, float *restrict im, const float *wr, const float *wi,
                        size_t n, size_t lanes) {
    for (size_t t = 0; t < n; t++, re += lanes, im += lanes) {
        float cr = wr[t], ci = wi[t];
        for (size_t b = 0; b < lanes; b++) {
            float r = re[b] * cr - im[b] * ci;
            im[b] = re[b] * ci + im[b] * cr;
            re[b] = r;
        }
    }
}

static void twist(float *restrict re, float *restrict im, const float *coarse_r,
                  const float *coarse_i, const float *fine_r, const float *fine_i, size_t fine_n,
                  size_t stride, size_t n, size_t lanes) {
    for (size_t t = 0; t < n; t++, re += lanes, im += lanes) {
        const float *restrict ar = coarse_r + t / fine_n * stride;
        const float *restrict ai = coarse_i + t / fine_n * stride;
        const float *restrict br = fine_r + t % fine_n * stride;
        const float *restrict bi = fine_i + t % fine_n * stride;
        for (size_t b = 0; b < lanes; b++) {
            float cr = ar[b] * br[b] - ai[b] * bi[b], ci = ar[b] * bi[b] + ai[b] * br[b];
            float r = re[b] * cr - im[b] * ci;
            im[b] = re[b] * ci + im[b] * cr;
            re[b] = r;
        }
    }
}

const mx_k_fft KN(mx_fft) = {
    .stage_f32 = stage_f32,
    .stage_f64 = stage_f64,
    .split = split,
    .join = join,
    .scale_lines = scale_lines,
    .twist = twist,
};
