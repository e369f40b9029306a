/* Elementary functions on float32 vectors, written once on the vocabulary of simd.h.
 *
 * Accuracy on the whole range, subnormals included: within 3 ULP (most within 2), and the
 * exact values that C's Annex F asks for at zeros, infinities and NaN. Each function reduces
 * its argument to a short interval, evaluates a minimax polynomial there (coefficients fitted
 * for this file, Remez exchange with every coefficient rounded to float32 in turn), and puts
 * the pieces back (Muller, Elementary Functions, 3rd ed., chapters 3, 10 and 11). Without
 * fused products the results may differ in the last place.
 *
 * Lanes that need rare treatment are mended after the fact, when a mask says that there are any.
 * Trigonometric functions are in vmath_trig.h, powers and the inverse error function in
 * vmath_pow.h.
 */
#ifndef MX_KERNELS_VMATH_H
#define MX_KERNELS_VMATH_H

#include <math.h>

#include "kernels/simd/simd.h"

#define VF_INF 0x7f800000u
#define VF_NAN 0x7fc00000u

/* c[0] + c[1] x + ... + c[n-1] x^(n-1), Horner; n is a constant where it is used. */
SV vf vf_poly(vf x, const float *c, int n) {
    vf y = vf_set1(c[n - 1]);
    for (int i = n - 2; i >= 0; i--)
        y = vf_fma(y, x, vf_set1(c[i]));
    return y;
}

/* y with the lanes in m replaced by f(x), one at a time. */
static __attribute__((noinline, cold, unused)) vf vf_mend(vf x, vf y, unsigned lanes,
                                                          float (*f)(float)) {
    float a[VF_LANES], b[VF_LANES];
    vf_store(a, x);
    vf_store(b, y);
    for (; lanes; lanes &= lanes - 1)
        b[__builtin_ctz(lanes)] = f(a[__builtin_ctz(lanes)]);
    return vf_load(b);
}

/* ---- exponential ---- */

#define VF_MAGIC 12582912.0f /* 1.5 2^23: adding it leaves the nearest integer in the low bits */

/* x = k ln 2 + r, |r| <= ln 2 / 2. For |x| < 2^21. */
SV vf vf_exp_reduce(vf x, vf *k) {
    vf t = vf_fma(x, vf_set1(1.442695041f), vf_set1(VF_MAGIC));
    *k = vf_sub(t, vf_set1(VF_MAGIC));
    vf r = vf_fnma(*k, vf_set1(0.693359375f), x); // ln 2 in two parts; k times the first is exact
    return vf_fnma(*k, vf_set1(-2.12194440e-4f), r);
}
/* e^r - 1 for the r of vf_exp_reduce */
SV vf vf_expm1_core(vf r) {
    static const float c[] = {5.000000000e-01f, 1.666663438e-01f, 4.166650400e-02f,
                              8.341707289e-03f, 1.393153099e-03f, 1.504463726e-04f};
    return vf_fma(vf_mul(r, r), vf_poly(r, c, 6), r);
}
/* e^r for the r of vf_exp_reduce */
SV vf vf_exp_core(vf r) {
    static const float c[] = {4.999999404e-01f, 1.666650921e-01f, 4.166800901e-02f,
                              8.369991556e-03f, 1.384708332e-03f};
    return vf_add(vf_fma(vf_mul(r, r), vf_poly(r, c, 5), r), vf_set1(1.0f));
}
/* x kept within lo..hi; NaN stays (see min and max in simd.h) */
SV vf vf_clamp(vf x, float lo, float hi) {
    return vf_min(vf_set1(hi), vf_max(vf_set1(lo), x));
}
SV vf vf_exp(vf x) {
    vf k, r = vf_exp_reduce(vf_clamp(x, -104.0f, 89.0f), &k);
    return vf_scale(vf_exp_core(r), k);
}
/* e^x for -87 <= x <= 0 or NaN, without the care for subnormals: softmax and its like. Below,
 * 0 or tiny. */
SV vf vf_exp_negative(vf x) {
    vf k, r = vf_exp_reduce(vf_max(vf_set1(-87.0f), x), &k);
    return vf_scale_normal(vf_exp_core(r), k);
}
/* e^x / 2, finite wherever that is: for sinh and cosh; 0 <= x */
SV vf vf_exp_half(vf x) {
    vf k, r = vf_exp_reduce(vf_clamp(x, 0.0f, 90.0f), &k);
    return vf_scale(vf_exp_core(r), vf_sub(k, vf_set1(1.0f)));
}
SV vf vf_expm1(vf x) {
    vf k, r = vf_exp_reduce(vf_clamp(x, -17.5f, 89.0f), &k);
    vf one = vf_set1(1.0f), s = vf_scale_normal(one, vf_sub(k, one)); // 2^k itself may not fit
    vf y = vf_fma(vf_expm1_core(r), s, vf_sub(s, vf_set1(0.5f)));
    return vf_copysign(vf_add(y, y), x);
}
/* 1 / (1 + e^-x), from e^-|x| so that nothing overflows */
SV vf vf_sigmoid(vf x) {
    vf one = vf_set1(1.0f), e = vf_exp(vf_neg(vf_abs(x)));
    vf top = vf_select(vf_lt(x, vf_zero()), e, one);
    return vf_div(top, vf_add(one, e));
}

/* ---- logarithms ---- */

/* x = 2^k m with sqrt(1/2) <= m < sqrt(2), for positive normal x; the result is m, *k is whole. */
SV vf vf_split(vf x, vf *k) {
    vi u = vi_sub(as_vi(x), vi_set1(0x3f3504f3)); // the bits of sqrt(1/2)
    vi e = vi_sra(u, 23);
    *k = vf_from_i(e);
    return as_vf(vi_sub(as_vi(x), vi_shl(e, 23)));
}
/* The same for subnormal x too. */
SV vf vf_split_any(vf x, vf *k) {
    vm tiny = vf_lt(x, vf_bits(0x00800000u));
    vf m = vf_split(vf_select(tiny, vf_mul(x, vf_set1(16777216.0f)), x), k);
    *k = vf_sub(*k, vf_select(tiny, vf_set1(24.0f), vf_zero()));
    return m;
}
/* log(1 + f) - f for 1 + f in [sqrt(1/2), sqrt(2)] */
SV vf vf_log1p_core(vf f) {
    static const float c[] = {3.333331347e-01f,  -2.500016689e-01f, 2.000222355e-01f,
                              -1.665936112e-01f, 1.420955807e-01f,  -1.254970729e-01f,
                              1.211059839e-01f,  -1.091505066e-01f, 5.324723944e-02f};
    vf f2 = vf_mul(f, f);
    return vf_fma(vf_mul(f2, f), vf_poly(f, c, 9), vf_mul(f2, vf_set1(-0.5f)));
}
/* y where x is positive and finite; else what a logarithm gives: -inf at 0, NaN below, inf, NaN */
SV vf vf_log_edges(vf x, vf y) {
    vm ordinary = vm_and(vf_gt(x, vf_zero()), vf_lt(x, vf_bits(VF_INF)));
    if (vm_all(ordinary))
        return y;
    vf edge = vf_select(vf_lt(x, vf_zero()), vf_bits(VF_NAN), x);
    edge = vf_select(vf_eq(x, vf_zero()), vf_neg(vf_bits(VF_INF)), edge);
    return vf_select(ordinary, y, edge);
}
SV vf vf_log(vf x) {
    vf k, f = vf_sub(vf_split_any(x, &k), vf_set1(1.0f));
    vf y = vf_fma(k, vf_set1(-2.12194440e-4f), vf_log1p_core(f));
    return vf_log_edges(x, vf_fma(k, vf_set1(0.693359375f), vf_add(f, y)));
}
SV vf vf_log2(vf x) {
    vf k, f = vf_sub(vf_split_any(x, &k), vf_set1(1.0f));
    vf c = vf_set1(0.44269504f), y = vf_log1p_core(f); // log2(e) = 1 + c: the largest parts last
    vf small = vf_fma(y, c, vf_mul(f, c));
    return vf_log_edges(x, vf_add(k, vf_add(f, vf_add(y, small))));
}
SV vf vf_log10(vf x) {
    vf k, f = vf_sub(vf_split_any(x, &k), vf_set1(1.0f));
    vf hi = vf_set1(0.43359375f), lo = vf_set1(7.00731903e-4f), y = vf_log1p_core(f); // log10(e)
    vf s = vf_fma(k, vf_set1(2.48745664e-4f), vf_mul(vf_add(f, y), lo)); // log10(2), lower part
    s = vf_fma(y, hi, s);
    s = vf_fma(f, hi, s);
    return vf_log_edges(x, vf_fma(k, vf_set1(0.30078125f), s));
}
/* log(1 + x): what rounding 1 + x lost is given back to the reduced argument. */
SV vf vf_log1p(vf x) {
    vf k, one = vf_set1(1.0f), u = vf_add(one, x);
    vf lost = vf_sub(x, vf_sub(u, one));
    vf f = vf_sub(vf_split(u, &k), one);
    vi n = vi_from_f(vf_min(vf_set1(126.0f), k));
    f = vf_fma(lost, vf_pow2i(vi_neg(n)), f);
    vf y = vf_fma(k, vf_set1(-2.12194440e-4f), vf_log1p_core(f));
    y = vf_fma(k, vf_set1(0.693359375f), vf_add(f, y));
    return vf_select(vf_eq(x, vf_zero()), x, vf_log_edges(u, y));
}
/* log(e^a + e^b) */
SV vf vf_logaddexp(vf a, vf b) {
    vf d =
        vf_select(vf_eq(a, b), vf_zero(), vf_neg(vf_abs(vf_sub(a, b)))); // inf - inf is not wanted
    return vf_add(vf_max_nan(a, b), vf_log1p(vf_exp(d)));
}

/* ---- hyperbolic ---- */

SV vf vf_sinh(vf x) {
    static const float c[] = {1.666666716e-01f, 8.333311416e-03f, 1.984263508e-04f,
                              2.783925538e-06f};
    vf a = vf_abs(x), z = vf_mul(a, a), e = vf_exp_half(a);
    vf near = vf_fma(vf_mul(z, a), vf_poly(z, c, 4), a);
    vf far = vf_sub(e, vf_div(vf_set1(0.25f), e));
    return vf_copysign(vf_select(vf_lt(a, vf_set1(1.0f)), near, far), x);
}
SV vf vf_cosh(vf x) {
    vf e = vf_exp_half(vf_abs(x));
    return vf_add(e, vf_div(vf_set1(0.25f), e));
}
/* t / (t + 2) with t = e^2x - 1; beyond 10 it is 1 in float32 */
SV vf vf_tanh(vf x) {
    vf k, a = vf_min(vf_set1(10.0f), vf_abs(x)), one = vf_set1(1.0f);
    vf r = vf_exp_reduce(vf_add(a, a), &k), s = vf_scale_normal(one, k);
    vf t = vf_fma(vf_expm1_core(r), s, vf_sub(s, one));
    return vf_copysign(vf_div(t, vf_add(t, vf_set1(2.0f))), x);
}
/* log1p(a + a^2 / (1 + sqrt(a^2 + 1))); for huge a, log(2a) */
SV vf vf_arcsinh(vf x) {
    vf a = vf_abs(x), one = vf_set1(1.0f), z = vf_mul(a, a);
    vm huge = vf_gt(a, vf_set1(1e9f));
    vf u = vf_add(a, vf_div(z, vf_add(one, vf_sqrt(vf_add(z, one)))));
    vf y = vf_log1p(vf_select(huge, a, u));
    y = vf_add(y, vf_select(huge, vf_set1(0.693147181f), vf_zero()));
    return vf_copysign(y, x);
}
/* log1p(t + sqrt(t (t + 2))), t = x - 1 */
SV vf vf_arccosh(vf x) {
    vf t = vf_sub(x, vf_set1(1.0f));
    vm huge = vf_gt(x, vf_set1(1e9f));
    vf u = vf_add(t, vf_sqrt(vf_mul(t, vf_add(t, vf_set1(2.0f)))));
    vf y = vf_log1p(vf_select(huge, x, u));
    y = vf_add(y, vf_select(huge, vf_set1(0.693147181f), vf_zero()));
    return vf_select(vf_lt(x, vf_set1(1.0f)), vf_bits(VF_NAN), y);
}
/* log1p(2a / (1 - a)) / 2 */
SV vf vf_arctanh(vf x) {
    vf a = vf_abs(x);
    vf y = vf_log1p(vf_div(vf_add(a, a), vf_sub(vf_set1(1.0f), a)));
    y = vf_select(vf_gt(a, vf_set1(1.0f)), vf_bits(VF_NAN), y);
    return vf_copysign(vf_mul(y, vf_set1(0.5f)), x);
}

/* ---- error function ---- */

#if VF_LOOKUP
/* |x| times erf(a)/a, which has a polynomial on each of 16 intervals; beyond 3.92 it is 1 in
 * float32. */
SV vf vf_erf(vf x) {
    static const float c[6][16] = {
        {1.122529626e+00f, 1.077645063e+00f, 9.971854091e-01f, 8.960857987e-01f, 7.896784544e-01f,
         6.895782351e-01f, 6.021192074e-01f, 5.290613770e-01f, 4.693392813e-01f, 4.207229614e-01f,
         3.808741570e-01f, 3.478094339e-01f, 3.199968338e-01f, 2.962957621e-01f, 2.758619785e-01f,
         2.580645084e-01f},
        {-9.315494448e-02f, -2.594460845e-01f, -3.738974035e-01f, -4.243894219e-01f,
         -4.190261960e-01f, -3.776134253e-01f, -3.210135102e-01f, -2.642749548e-01f,
         -2.150581032e-01f, -1.754595786e-01f, -1.446576267e-01f, -1.208762452e-01f,
         -1.023782641e-01f, -8.778756112e-02f, -7.609924674e-02f, -6.659720093e-02f},
        {-3.656423092e-01f, -2.884952724e-01f, -1.652648598e-01f, -3.973094746e-02f,
         5.419180915e-02f, 1.042674109e-01f, 1.170747280e-01f, 1.074013934e-01f, 8.886348456e-02f,
         6.987151504e-02f, 5.395989493e-02f, 4.175369814e-02f, 3.269626945e-02f, 2.599835768e-02f,
         2.099066600e-02f, 1.718602516e-02f},
        {5.537723005e-02f, 1.429848969e-01f, 1.753440201e-01f, 1.516008377e-01f, 9.622988105e-02f,
         3.903339058e-02f, -1.373767387e-03f, -2.131142095e-02f, -2.627084777e-02f,
         -2.363832295e-02f, -1.869320497e-02f, -1.400045678e-02f, -1.033482514e-02f,
         -7.675793953e-03f, -5.785379559e-03f, -4.434255417e-03f},
        {1.060544029e-01f, 6.269834191e-02f, 1.980343834e-03f, -4.440014809e-02f, -6.033749133e-02f,
         -5.043896660e-02f, -2.978670597e-02f, -1.127139665e-02f, -1.273622911e-04f,
         4.376021214e-03f, 5.041308235e-03f, 4.212930333e-03f, 3.131421981e-03f, 2.235500608e-03f,
         1.589873922e-03f, 1.144511043e-03f},
        {-1.944388449e-02f, -4.620217159e-02f, -4.642038792e-02f, -2.550414018e-02f,
         -6.499374867e-04f, 1.438454632e-02f, 1.689944230e-02f, 1.204391941e-02f, 5.912889726e-03f,
         1.677963068e-03f, -3.056031419e-04f, -8.637130377e-04f, -8.147594053e-04f,
         -6.128924433e-04f, -4.273893719e-04f, -2.931736526e-04f},
    };
    vf a = vf_abs(x), b = vf_min(vf_set1(3.9375f), a), first = vf_sub(b, vf_set1(0.125f));
    vf n = vf_fma(first, vf_set1(4.0f), vf_set1(VF_MAGIC)); // the low bits: which interval
    vf t = vf_fnma(vf_sub(n, vf_set1(VF_MAGIC)), vf_set1(0.25f), first); // from its middle
    vi i = as_vi(n);
    vf y = vf_lookup16(c[5], i);
    for (int k = 4; k >= 0; k--)
        y = vf_fma(y, t, vf_lookup16(c[k], i));
    y = vf_select(vf_gt(a, vf_set1(3.92f)), vf_set1(1.0f), vf_mul(b, y));
    return vf_or(y, vf_signbit(x));
}
#else
/* Near 0 an odd polynomial; beyond 0.92, 1 - exp(-q(|x|)) with q fitted to -log(erfc). */
SV vf vf_erf(vf x) {
    static const float near[] = {1.283791661e-01f,  -3.761262894e-01f, 1.128362566e-01f,
                                 -2.685574070e-02f, 5.192460492e-03f,  -8.050804026e-04f,
                                 8.002774848e-05f};
    static const float far[] = {-1.692029473e-04f, 1.129488349e+00f,  6.334010959e-01f,
                                1.082199514e-01f,  -2.508023940e-02f, 4.156091716e-03f,
                                -4.313629761e-04f, 2.082718129e-05f};
    vf k, a = vf_abs(x), b = vf_min(vf_set1(4.0f), a), z = vf_mul(b, b);
    vf r = vf_exp_reduce(vf_neg(vf_poly(b, far, 8)), &k), one = vf_set1(1.0f);
    vf big = vf_fnma(vf_exp_core(r), vf_scale_normal(one, k), one);
    vf small = vf_fma(b, vf_poly(z, near, 7), b);
    return vf_copysign(vf_select(vf_gt(a, vf_set1(0.92f)), big, small), x);
}
#endif

#endif
