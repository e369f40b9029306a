/* The transforms of F(2x2, 3x3), one lane a channel; see k_conv.h. */
#include "kernels/conv/k_winograd.h"

#include "kernels/kernels.h"
#include "kernels/simd/simd.h"

#define L VF_LANES

/* Lanes of n channels from p on. */
SV vf lanes(const float *p, size_t n) {
    return n == L ? vf_load(p) : vf_loadn(p, n);
}

SV void put(float *p, vf v, size_t n) {
    if (n == L)
        vf_store(p, v);
    else
        vf_storen(p, v, n);
}

/* --- one axis: element i of a line lies at line[i * step] ----------------------------- */

/* B' d */
SV void patch_line(vf *d, int step) {
    vf d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    d[0] = vf_sub(d0, d2);
    d[step] = vf_add(d1, d2);
    d[2 * step] = vf_sub(d2, d1);
    d[3 * step] = vf_sub(d1, d3);
}

/* G g: three to four */
SV void filter_line(vf *to, const vf *g, int to_step, int step) {
    vf half = vf_set1(0.5f), ends = vf_mul(vf_add(g[0], g[2 * step]), half),
       middle = vf_mul(g[step], half);
    to[0] = g[0];
    to[to_step] = vf_add(ends, middle);
    to[2 * to_step] = vf_sub(ends, middle);
    to[3 * to_step] = g[2 * step];
}

/* A' m: four to two */
SV void result_line(vf *to, const vf *m, int to_step, int step) {
    vf m1 = m[step], m2 = m[2 * step];
    to[0] = vf_add(vf_add(m[0], m1), m2);
    to[to_step] = vf_sub(vf_sub(m1, m2), m[3 * step]);
}

/* A e: two to four */
SV void cotangent_line(vf *to, vf e0, vf e1) {
    to[0] = e0;
    to[1] = vf_add(e0, e1);
    to[2] = vf_sub(e0, e1);
    to[3] = vf_neg(e1);
}

/* G' m: four to three */
SV void gradient_line(vf *to, const vf *m, int to_step, int step) {
    vf half = vf_set1(0.5f), sum = vf_mul(vf_add(m[step], m[2 * step]), half);
    to[0] = vf_add(m[0], sum);
    to[to_step] = vf_mul(vf_sub(m[step], m[2 * step]), half);
    to[2 * to_step] = vf_add(sum, m[3 * step]);
}

/* --- both axes, n channels from c on --------------------------------------------------- */

SV void patch(const mx_k_winograd_args *a, ptrdiff_t c, size_t n) {
    vf d[16];
    for (int i = 0; i < 16; i++)
        d[i] = lanes(a->from[i] + c, n);
    for (int i = 0; i < 4; i++)
        patch_line(d + i, 4);
    for (int i = 0; i < 4; i++)
        patch_line(d + 4 * i, 1);
    for (int i = 0; i < 16; i++)
        put(a->to + i * a->step + c, d[i], n);
}

SV void filter(const mx_k_winograd_args *a, ptrdiff_t c, size_t n) {
    vf g[9], t[12], u[16];
    for (int i = 0; i < 9; i++)
        g[i] = lanes(a->from[i] + c, n);
    for (int i = 0; i < 3; i++)
        filter_line(t + i, g + i, 3, 3);
    for (int i = 0; i < 4; i++)
        filter_line(u + 4 * i, t + 3 * i, 1, 1);
    for (int i = 0; i < 16; i++)
        put(a->to + i * a->step + c, u[i], n);
}

/* Returns NaN in lanes where a result is not finite, and `odd` elsewhere. */
SV vf result(const mx_k_winograd_args *a, ptrdiff_t c, size_t n, vf odd) {
    vf m[16], t[8], y[4];
    for (int i = 0; i < 16; i++)
        m[i] = lanes(a->from[0] + i * a->step + c, n);
    for (int i = 0; i < 4; i++)
        result_line(t + i, m + i, 4, 4);
    for (int i = 0; i < 2; i++)
        result_line(y + 2 * i, t + 4 * i, 1, 1);
    for (int i = 0; i < 4; i++) {
        odd = vf_fma(y[i], vf_zero(), odd);
        if (a->out[i])
            put(a->out[i] + c, y[i], n);
    }
    return odd;
}

/* One row of a square, whose lines are p and q: their sum or their difference. */
SV vf joined(const mx_k_winograd_args *a, int p, int q, ptrdiff_t c, size_t n) {
    vf x = lanes(a->from[p] + c, n), y = lanes(a->from[q] + c, n);
    return a->add ? vf_add(x, y) : vf_sub(x, y);
}

SV void put_row(const mx_k_winograd_args *a, const vf *row, ptrdiff_t c, size_t n) {
    for (int i = 0; i < 4; i++)
        put(a->to + i * a->step + c, row[i], n);
}

SV void patch_row(const mx_k_winograd_args *a, ptrdiff_t c, size_t n) {
    vf d[4];
    for (int i = 0; i < 4; i++)
        d[i] = joined(a, i, 4 + i, c, n);
    patch_line(d, 1);
    put_row(a, d, c, n);
}

SV void cotangent_row(const mx_k_winograd_args *a, ptrdiff_t c, size_t n) {
    vf e[4];
    cotangent_line(e, joined(a, 0, 2, c, n), joined(a, 1, 3, c, n));
    put_row(a, e, c, n);
}

SV vf gradient(const mx_k_winograd_args *a, ptrdiff_t c, size_t n, vf odd) {
    vf m[16], t[12], w[9];
    for (int i = 0; i < 16; i++)
        m[i] = lanes(a->from[0] + i * a->step + c, n);
    for (int i = 0; i < 4; i++)
        gradient_line(t + i, m + i, 4, 4);
    for (int i = 0; i < 3; i++)
        gradient_line(w + 3 * i, t + 4 * i, 1, 1);
    for (int i = 0; i < 9; i++) {
        odd = vf_fma(w[i], vf_zero(), odd);
        put(a->out[i] + c, w[i], n);
    }
    return odd;
}

/* --- all channels ---------------------------------------------------------------------- */

#define WHOLE(c, a) ((c) + L <= (a)->n)
#define REST(c, a)  ((size_t)((a)->n - (c)))

static bool KN(k_patch)(const mx_k_winograd_args *a) {
    ptrdiff_t c = 0;
    for (; WHOLE(c, a); c += L)
        patch(a, c, L);
    if (c < a->n)
        patch(a, c, REST(c, a));
    return true;
}

static bool KN(k_filter)(const mx_k_winograd_args *a) {
    ptrdiff_t c = 0;
    for (; WHOLE(c, a); c += L)
        filter(a, c, L);
    if (c < a->n)
        filter(a, c, REST(c, a));
    return true;
}

static bool KN(k_result)(const mx_k_winograd_args *a) {
    vf odd = vf_zero();
    ptrdiff_t c = 0;
    for (; WHOLE(c, a); c += L)
        odd = result(a, c, L, odd);
    if (c < a->n)
        odd = result(a, c, REST(c, a), odd);
    return vm_bits(vf_isnan(odd)) == 0;
}

static bool KN(k_patch_row)(const mx_k_winograd_args *a) {
    ptrdiff_t c = 0;
    for (; WHOLE(c, a); c += L)
        patch_row(a, c, L);
    if (c < a->n)
        patch_row(a, c, REST(c, a));
    return true;
}

static bool KN(k_cotangent_row)(const mx_k_winograd_args *a) {
    ptrdiff_t c = 0;
    for (; WHOLE(c, a); c += L)
        cotangent_row(a, c, L);
    if (c < a->n)
        cotangent_row(a, c, REST(c, a));
    return true;
}

static bool KN(k_gradient)(const mx_k_winograd_args *a) {
    vf odd = vf_zero();
    ptrdiff_t c = 0;
    for (; WHOLE(c, a); c += L)
        odd = gradient(a, c, L, odd);
    if (c < a->n)
        odd = gradient(a, c, REST(c, a), odd);
    return vm_bits(vf_isnan(odd)) == 0;
}

const mx_k_winograd KN(mx_winograd) = {
    .patch = KN(k_patch),
    .filter = KN(k_filter),
    .result = KN(k_result),
    .patch_row = KN(k_patch_row),
    .cotangent_row = KN(k_cotangent_row),
    .gradient = KN(k_gradient),
};
