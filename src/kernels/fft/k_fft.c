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

SV void part_row(float *restrict out, const float *kr, const float *ki, const float *mr,
                 const float *mi, const size_t lanes, float h) {
    for (size_t b = 0; b < lanes; b++) {
        out[4 * b] = (kr[b] + mr[b]) * h;
        out[4 * b + 1] = (ki[b] - mi[b]) * h;
        out[4 * b + 2] = (ki[b] + mi[b]) * h;
        out[4 * b + 3] = (mr[b] - kr[b]) * h;
    }
}

SV void part_rows(float *out, const float *re, const float *im, size_t k0, size_t count, size_t n,
                  const size_t lanes, size_t lines, float h) {
    for (size_t k = k0; k < k0 + count; k++, out += 2 * lines) {
        size_t at = k * lanes, mirror = (k ? n - k : 0) * lanes;
        part_row(out, re + at, im + at, re + mirror, im + mirror, lanes, h);
    }
}

/* A full block has lanes enough for a vector of every set. */
enum { LANES = 16 };

static void part(mx_complex64 *out, const float *re, const float *im, size_t k0, size_t count,
                 size_t n, size_t lanes, size_t lines, float scale) {
    float *to = &out->re, h = 0.5f * scale;
    if (lanes == LANES)
        part_rows(to, re, im, k0, count, n, LANES, lines, h);
    else
        part_rows(to, re, im, k0, count, n, lanes, lines, h);
}

SV void pair_row(float *restrict kr, float *restrict ki, float *restrict mr, float *restrict mi,
                 const float *restrict in, const size_t lanes, float scale) {
    for (size_t b = 0; b < lanes; b++) {
        float ar = in[4 * b] * scale, ai = in[4 * b + 1] * scale, cr = in[4 * b + 2] * scale,
              ci = in[4 * b + 3] * scale;
        kr[b] = ar - ci;
        ki[b] = ai + cr;
        mr[b] = ar + ci;
        mi[b] = cr - ai;
    }
}

/* Where the line is its own mirror image. */
SV void pair_real(float *re, float *im, const float *in, size_t lanes, size_t lines, float scale) {
    for (size_t b = 0; b < lanes; b++) {
        re[b] = in[4 * b] * scale;
        im[b] = 2 * b + 1 < lines ? in[4 * b + 2] * scale : 0;
    }
}

SV void pair_rows(float *re, float *im, const float *in, size_t k0, size_t count, size_t n,
                  const size_t lanes, size_t lines, float scale) {
    for (size_t k = k0; k < k0 + count; k++, in += 2 * lines) {
        float *kr = re + k * lanes, *ki = im + k * lanes;
        if (k == 0 || 2 * k == n) {
            pair_real(kr, ki, in, lanes, lines, scale);
            continue;
        }
        float *mr = re + (n - k) * lanes, *mi = im + (n - k) * lanes;
        pair_row(kr, ki, mr, mi, in, lanes, scale);
        if (lines < 2 * lanes) { // the last line stands alone
            size_t b = lanes - 1;
            kr[b] = mr[b] = in[4 * b] * scale;
            ki[b] = in[4 * b + 1] * scale;
            mi[b] = -ki[b];
        }
    }
}

static void pair(float *re, float *im, const mx_complex64 *in, size_t k0, size_t count, size_t n,
                 size_t lanes, size_t lines, float scale) {
    if (lanes == LANES)
        pair_rows(re, im, &in->re, k0, count, n, LANES, lines, scale);
    else
        pair_rows(re, im, &in->re, k0, count, n, lanes, lines, scale);
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
    .part = part,
    .pair = pair,
    .scale_lines = scale_lines,
    .twist = twist,
};
