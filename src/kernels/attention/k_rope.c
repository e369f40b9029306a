/* Rotary position embedding on rows. */
#include "kernels/attention/k_rope.h"

#include <string.h>

#include "kernels/simd/k_lanes.h"
#include "kernels/kernels.h"

#define L VF_LANES

/* Pairs (i, i + half). sign: 1 to turn, -1 to turn back. */
SV void turn_halves(const mx_dtype t, void *out, const void *x, const float *cosine,
                    const float *sine, size_t half, float sign) {
    vf sg = vf_set1(sign);
    size_t i = 0;
    for (; i + L <= half; i += L) {
        vf a = lanes_load(t, x, i), b = lanes_load(t, x, i + half);
        vf c = vf_load(cosine + i), s = vf_mul(vf_load(sine + i), sg);
        lanes_store(t, out, i, vf_fnma(b, s, vf_mul(a, c)));
        lanes_store(t, out, i + half, vf_fma(a, s, vf_mul(b, c)));
    }
    for (; i < half; i++) {
        float a = lanes_get(t, x, i), b = lanes_get(t, x, i + half);
        float c = cosine[i], s = sine[i] * sign;
        lanes_put(t, out, i, a * c - b * s);
        lanes_put(t, out, i + half, a * s + b * c);
    }
}

/* Pairs (2 i, 2 i + 1), split and joined through small buffers that the compiler vectorises. */
SV void turn_neighbours(const mx_dtype t, void *out, const void *x, const float *cosine,
                        const float *sine, size_t half, float sign) {
    size_t i = 0;
    for (; i + L <= half; i += L) {
        float in[2 * L], res[2 * L];
        vf_store(in, lanes_load(t, x, 2 * i));
        vf_store(in + L, lanes_load(t, x, 2 * i + L));
        for (size_t k = 0; k < L; k++) {
            float a = in[2 * k], b = in[2 * k + 1], c = cosine[i + k], s = sine[i + k] * sign;
            res[2 * k] = a * c - b * s;
            res[2 * k + 1] = a * s + b * c;
        }
        lanes_store(t, out, 2 * i, vf_load(res));
        lanes_store(t, out, 2 * i + L, vf_load(res + L));
    }
    for (; i < half; i++) {
        float a = lanes_get(t, x, 2 * i), b = lanes_get(t, x, 2 * i + 1);
        float c = cosine[i], s = sine[i] * sign;
        lanes_put(t, out, 2 * i, a * c - b * s);
        lanes_put(t, out, 2 * i + 1, a * s + b * c);
    }
}

SV void turn_rows(const mx_dtype t, void *out, ptrdiff_t os, const void *x, ptrdiff_t xs,
                  const float *cosine, const float *sine, size_t rows, size_t head_dim, size_t dims,
                  bool traditional, bool inverse) {
    size_t half = dims / 2, bytes = t == MX_FLOAT32 ? 4 : 2, rest = head_dim - 2 * half;
    for (size_t r = 0; r < rows; r++, cosine += half, sine += half) {
        const char *p = lanes_row(t, x, r, xs);
        char *o = lanes_row_out(t, out, r, os);
        if (traditional)
            turn_neighbours(t, o, p, cosine, sine, half, inverse ? -1.0f : 1.0f);
        else
            turn_halves(t, o, p, cosine, sine, half, inverse ? -1.0f : 1.0f);
        if (o != p && rest)
            memcpy(o + 2 * half * bytes, p + 2 * half * bytes, rest * bytes);
    }
}

static void rows_FLOAT32(void *out, ptrdiff_t os, const void *x, ptrdiff_t xs, const float *c,
                         const float *s, size_t rows, size_t head_dim, size_t dims,
                         bool traditional, bool inverse) {
    turn_rows(MX_FLOAT32, out, os, x, xs, c, s, rows, head_dim, dims, traditional, inverse);
}
static void rows_FLOAT16(void *out, ptrdiff_t os, const void *x, ptrdiff_t xs, const float *c,
                         const float *s, size_t rows, size_t head_dim, size_t dims,
                         bool traditional, bool inverse) {
    turn_rows(MX_FLOAT16, out, os, x, xs, c, s, rows, head_dim, dims, traditional, inverse);
}
static void rows_BFLOAT16(void *out, ptrdiff_t os, const void *x, ptrdiff_t xs, const float *c,
                          const float *s, size_t rows, size_t head_dim, size_t dims,
                          bool traditional, bool inverse) {
    turn_rows(MX_BFLOAT16, out, os, x, xs, c, s, rows, head_dim, dims, traditional, inverse);
}
static void rows_FLOAT64(void *out, ptrdiff_t os, const void *xv, ptrdiff_t xs, const float *c,
                         const float *s, size_t rows, size_t head_dim, size_t dims,
                         bool traditional, bool inverse) {
    size_t half = dims / 2, step = traditional ? 2 : 1, apart = traditional ? 1 : half;
    for (size_t r = 0; r < rows; r++, c += half, s += half) {
        const double *x = (const double *)xv + (ptrdiff_t)r * xs;
        double *o = (double *)out + (ptrdiff_t)r * os;
        for (size_t i = 0; i < half; i++) {
            double a = x[i * step], b = x[i * step + apart];
            double sn = inverse ? -(double)s[i] : (double)s[i], cs = (double)c[i];
            o[i * step] = a * cs - b * sn;
            o[i * step + apart] = a * sn + b * cs;
        }
        for (size_t i = 2 * half; i < head_dim; i++)
            o[i] = x[i];
    }
}

const mx_k_rope KN(mx_rope) = {
    .rows = {[MX_FLOAT16] = rows_FLOAT16,
             [MX_FLOAT32] = rows_FLOAT32,
             [MX_FLOAT64] = rows_FLOAT64,
             [MX_BFLOAT16] = rows_BFLOAT16},
};
