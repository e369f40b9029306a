/* Affine quantization of float64: the same formulas as k_quant.c, one number at a time. */
#include <math.h>
#include <string.h>

#include "kernels/quant/k_quant.h"

static void put_code(uint32_t *w, ptrdiff_t i, int bits, uint32_t code) {
    ptrdiff_t bit = i * bits, at = bit >> 5, shift = bit & 31;
    w[at] |= code << shift;
    if (shift + bits > 32)
        w[at + 1] |= code >> (32 - shift);
}

static void scale_and_bias(double lo, double hi, double most, double *scale, double *bias) {
    double s = (hi - lo) / most, edge;
    if (!isfinite(lo) || !isfinite(hi)) { // the group is NaN
        *scale = *bias = NAN;
        return;
    }
    s = s < 1e-7 ? 1e-7 : s;
    bool low = fabs(lo) > fabs(hi);
    s = low ? s : -s;
    edge = low ? lo : hi;
    double q = rint(edge / s);
    *scale = q != 0 ? edge / q : s;
    *bias = q != 0 ? edge : 0;
}

static void quantize_group(uint32_t *w, double *scale, double *bias, const double *x,
                           mx_quant_format f) {
    double lo = INFINITY, hi = -INFINITY, most = (double)((1u << f.bits) - 1u);
    bool nan = false;
    memset(w, 0, (size_t)(f.group * f.bits / 8));
    for (int i = 0; i < f.group; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
        nan = nan || isnan(x[i]);
    }
    scale_and_bias(nan ? NAN : lo, hi, most, scale, bias);
    for (int i = 0; i < f.group; i++) {
        double q = rint((x[i] - *bias) / *scale);
        q = q > 0 ? q : 0;
        put_code(w, i, f.bits, (uint32_t)(q < most ? q : most));
    }
}

void mx_quantize_f64(uint32_t *w, double *scales, double *biases, const double *x,
                     mx_quant_format f, ptrdiff_t groups) {
    for (ptrdiff_t g = 0; g < groups; g++)
        quantize_group(w + g * f.group * f.bits / 32, scales + g, biases + g, x + g * f.group, f);
}

void mx_dequant_f64(double *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t k0,
                    ptrdiff_t n) {
    const double *s = (const double *)(m->scales + row * m->s_rs);
    const double *b = (const double *)(m->biases + row * m->s_rs);
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t g = (k0 + i) / m->format.group;
        dst[i] = mx_quant_code(m->w + row * m->w_rs, k0 + i, m->format.bits) * s[g] + b[g];
    }
}
