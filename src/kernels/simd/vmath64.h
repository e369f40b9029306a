/* Elementary functions on float64 vectors: the methods of vmath.h with longer polynomials.
 * Within 3 ULP on the whole range; the special values are those of C's Annex F. Huge
 * trigonometric arguments go through the C library, lane by lane.
 */
#ifndef MX_KERNELS_VMATH64_H
#define MX_KERNELS_VMATH64_H

#include <math.h>

#include "kernels/simd/vmath64_table.h"

#define VD_INF UINT64_C(0x7ff0000000000000)
#define VD_NAN UINT64_C(0x7ff8000000000000)

SV vd vd_poly(vd x, const double *c, int n) {
    vd y = vd_set1(c[n - 1]);
    for (int i = n - 2; i >= 0; i--)
        y = vd_fma(y, x, vd_set1(c[i]));
    return y;
}
static __attribute__((noinline, cold, unused)) vd vd_mend(vd x, vd y, unsigned lanes,
                                                          double (*f)(double)) {
    double a[VD_LANES], b[VD_LANES];
    vd_store(a, x);
    vd_store(b, y);
    for (; lanes; lanes &= lanes - 1)
        b[__builtin_ctz(lanes)] = f(a[__builtin_ctz(lanes)]);
    return vd_load(b);
}

/* ---- exponential ---- */

/* x = k ln 2 + r, |r| <= ln 2 / 2. For |x| < 2^20 ln 2. */
SV vd vd_exp_reduce(vd x, vd *k) {
    vd magic = vd_set1(VD_MAGIC), t = vd_fma(x, vd_set1(1.44269504088896340736), magic);
    *k = vd_sub(t, magic);
    vd r = vd_fnma(*k, vd_set1(VD_LN2_HI), x);
    return vd_fnma(*k, vd_set1(VD_LN2_LO), r);
}
/* (e^r - 1 - r) / r^2 */
SV vd vd_exp_rest(vd r) {
    static const double c[] = {
        5.00000000000000000e-01, 1.66666666666666879e-01, 4.16666666666668239e-02,
        8.33333333331386789e-03, 1.38888888887767330e-03, 1.98412699034914613e-04,
        2.48015875646354399e-05, 2.75572285457400229e-06, 2.75570607866400783e-07,
        2.51139213115873004e-08, 2.09820589832413525e-09};
    return vd_poly(r, c, 11);
}
/* e^r - 1 */
SV vd vd_expm1_core(vd r) {
    return vd_fma(vd_mul(r, r), vd_exp_rest(r), r);
}
/* e^x = y 2^k, y near 1 or up to 2 */
SV vd vd_exp_parts(vd x, vd *k) {
#if VD_LOOKUP
    vl at;
    vd y = vdd_exp_parts((vdd){x, vd_zero()}, &at, k);
    *k = vd_floor(vd_mul(*k, vd_set1(1.0 / 16)));
    return y;
#else
    return vd_add(vd_expm1_core(vd_exp_reduce(x, k)), vd_set1(1.0));
#endif
}
SV vd vd_clamp(vd x, double lo, double hi) {
    return vd_min(vd_set1(hi), vd_max(vd_set1(lo), x));
}
SV vd vd_exp(vd x) {
    vd k, y = vd_exp_parts(vd_clamp(x, -746.0, 710.0), &k);
    return vd_scale(y, k);
}
/* e^x / 2 for sinh and cosh; 0 <= x */
SV vd vd_exp_half(vd x) {
    vd k, y = vd_exp_parts(vd_clamp(x, 0.0, 711.0), &k);
    return vd_scale(y, vd_sub(k, vd_set1(1.0)));
}
SV vd vd_expm1(vd x) {
    vd k, r = vd_exp_reduce(vd_clamp(x, -38.0, 710.0), &k);
    vd one = vd_set1(1.0), s = vd_scale_normal(one, vd_sub(k, one)); // 2^k itself may not fit
    vd y = vd_fma(vd_expm1_core(r), s, vd_sub(s, vd_set1(0.5)));
    return vd_copysign(vd_add(y, y), x);
}
SV vd vd_sigmoid(vd x) {
    vd one = vd_set1(1.0), e = vd_exp(vd_neg(vd_abs(x)));
    return vd_div(vd_select(vd_lt(x, vd_zero()), e, one), vd_add(one, e));
}

/* ---- logarithms ---- */

/* x = 2^k m with sqrt(1/2) <= m < sqrt(2), for positive normal x */
SV vd vd_split(vd x, vd *k) {
    vl u = vl_sub(as_vl(x), vl_set1(0x3fe6a09e667f3bcd)); // the bits of sqrt(1/2)
    vl e = vl_and(u, vl_set1((int64_t)0xfff0000000000000u));
    *k = vd_exponent(e);
    return as_vd(vl_sub(as_vl(x), e));
}
SV vd vd_split_any(vd x, vd *k) {
    vdm tiny = vd_lt(x, vd_bits(UINT64_C(0x0010000000000000)));
    vd m = vd_split(vd_select(tiny, vd_mul(x, vd_set1(0x1p54)), x), k);
    *k = vd_sub(*k, vd_select(tiny, vd_set1(54.0), vd_zero()));
    return m;
}
/* f - log(1 + f), by s = f / (2 + f): f^2/2 - s (f^2/2 + 2 atanh(s)/s - 2) */
SV vd vd_log1p_rest(vd f) {
    static const double c[] = {6.66666666666666630e-01, 4.00000000000049372e-01,
                               2.85714285694041559e-01, 2.22222226082901292e-01,
                               1.81817782340817385e-01, 1.53869946594438839e-01,
                               1.32520084130005517e-01, 1.32361096566269626e-01};
    vd s = vd_div(f, vd_add(f, vd_set1(2.0))), z = vd_mul(s, s),
       h = vd_mul(vd_mul(f, f), vd_set1(0.5));
    return vd_fnma(s, vd_fma(z, vd_poly(z, c, 8), h), h);
}
SV vd vd_log_edges(vd x, vd y) {
    vdm ordinary = vdm_and(vd_gt(x, vd_zero()), vd_lt(x, vd_bits(VD_INF)));
    if (vdm_all(ordinary))
        return y;
    vd edge = vd_select(vd_lt(x, vd_zero()), vd_bits(VD_NAN), x);
    edge = vd_select(vd_eq(x, vd_zero()), vd_neg(vd_bits(VD_INF)), edge);
    return vd_select(ordinary, y, edge);
}
/* k ln 2 + log(1 + f) */
SV vd vd_log_join(vd k, vd f) {
    vd rest = vd_fnma(k, vd_set1(VD_LN2_LO), vd_log1p_rest(f));
    return vd_fma(k, vd_set1(VD_LN2_HI), vd_sub(f, rest));
}
SV vd vd_log(vd x) {
    vd k, f = vd_sub(vd_split_any(x, &k), vd_set1(1.0));
    return vd_log_edges(x, vd_log_join(k, f));
}
SV vd vd_log2(vd x) {
    vd k, f = vd_sub(vd_split_any(x, &k), vd_set1(1.0)), rest = vd_log1p_rest(f);
    vd c = vd_set1(0x1.c551d94ae0bf8p-2), l = vd_sub(f, rest); // log2(e) = 1 + c
    return vd_log_edges(x, vd_add(k, vd_add(f, vd_fma(l, c, vd_neg(rest)))));
}
/* k log10(2) + log(1 + f) log10(e): the first product is exact, the rounding of f log10(e) is made
   up for */
SV vd vd_log10(vd x) {
    vd k, f = vd_sub(vd_split_any(x, &k), vd_set1(1.0)), rest = vd_log1p_rest(f);
    vd e = vd_set1(0x1.bcb7b1526e50ep-2), product = vd_mul(f, e),
       lost = vd_fma(f, e, vd_neg(product));
    vd low =
        vd_fma(k, vd_set1(-0x1.80433b83b532ap-44), vd_fma(f, vd_set1(0x1.95355baaafad3p-57), lost));
    return vd_log_edges(x, vd_add(vd_fma(k, vd_set1(0x1.34413509f8000p-2), product),
                                  vd_fnma(rest, e, low)));
}
SV vd vd_log1p(vd x) {
    vd k, one = vd_set1(1.0), u = vd_add(one, x), lost = vd_sub(x, vd_sub(u, one));
    vd f = vd_sub(vd_split(u, &k), one);
    vd back = vd_pow2i(vl_round_d(vd_neg(vd_min(vd_set1(1022.0), k))));
    f = vd_fma(lost, back, f);
    return vd_select(vd_eq(x, vd_zero()), x, vd_log_edges(u, vd_log_join(k, f)));
}
SV vd vd_logaddexp(vd a, vd b) {
    vd d =
        vd_select(vd_eq(a, b), vd_zero(), vd_neg(vd_abs(vd_sub(a, b)))); // inf - inf is not wanted
    return vd_add(vd_max_nan(a, b), vd_log1p(vd_exp(d)));
}

/* ---- hyperbolic ---- */

SV vd vd_sinh(vd x) {
    static const double c[] = {1.66666666666666685e-01, 8.33333333333291515e-03,
                               1.98412698415892201e-04, 2.75573191085036101e-06,
                               2.50521306707465511e-08, 1.60566876279454182e-10,
                               7.77567123675539289e-13};
    vd a = vd_abs(x), z = vd_mul(a, a), e = vd_exp_half(a);
    vd near = vd_fma(vd_mul(z, a), vd_poly(z, c, 7), a), far = vd_sub(e, vd_div(vd_set1(0.25), e));
    return vd_copysign(vd_select(vd_lt(a, vd_set1(1.0)), near, far), x);
}
SV vd vd_cosh(vd x) {
    vd e = vd_exp_half(vd_abs(x));
    return vd_add(e, vd_div(vd_set1(0.25), e));
}
SV vd vd_tanh(vd x) {
    vd k, a = vd_min(vd_set1(20.0), vd_abs(x)), one = vd_set1(1.0);
    vd r = vd_exp_reduce(vd_add(a, a), &k), s = vd_scale_normal(one, k);
    vd t = vd_fma(vd_expm1_core(r), s, vd_sub(s, one));
    return vd_copysign(vd_div(t, vd_add(t, vd_set1(2.0))), x);
}
SV vd vd_arcsinh(vd x) {
    vd a = vd_abs(x), one = vd_set1(1.0), z = vd_mul(a, a);
    vdm huge = vd_gt(a, vd_set1(1e18));
    vd u = vd_add(a, vd_div(z, vd_add(one, vd_sqrt(vd_add(z, one)))));
    vd y = vd_log1p(vd_select(huge, a, u));
    return vd_copysign(vd_add(y, vd_select(huge, vd_set1(0.693147180559945309417), vd_zero())), x);
}
SV vd vd_arccosh(vd x) {
    vd t = vd_sub(x, vd_set1(1.0));
    vdm huge = vd_gt(x, vd_set1(1e18));
    vd u = vd_add(t, vd_sqrt(vd_mul(t, vd_add(t, vd_set1(2.0)))));
    vd y = vd_log1p(vd_select(huge, x, u));
    y = vd_add(y, vd_select(huge, vd_set1(0.693147180559945309417), vd_zero()));
    return vd_select(vd_lt(x, vd_set1(1.0)), vd_bits(VD_NAN), y);
}
SV vd vd_arctanh(vd x) {
    vd a = vd_abs(x), y = vd_log1p(vd_div(vd_add(a, a), vd_sub(vd_set1(1.0), a)));
    y = vd_select(vd_gt(a, vd_set1(1.0)), vd_bits(VD_NAN), y);
    return vd_copysign(vd_mul(y, vd_set1(0.5)), x);
}

/* ---- trigonometric ---- */

/* a = n pi/2 + r for 0 <= a <= 2^20; *q has n in its low bits */
SV vd vd_pio2(vd a, vl *q) {
    vd t = vd_fma(a, vd_set1(0.63661977236758134308), vd_set1(VD_MAGIC)),
       n = vd_sub(t, vd_set1(VD_MAGIC));
    *q = as_vl(t);
    if (VF_FMA) {
        vd r = vd_fnma(n, vd_set1(0x1.921fb54442d18p+0), a);
        r = vd_fnma(n, vd_set1(0x1.1a62633145c07p-54), r);
        return vd_fnma(n, vd_set1(-0x1.f1976b7ed8fbcp-110), r);
    }
    vd r = vd_fnma(n, vd_set1(0x1.921fb544p+0), a); // 33 bits: n times it is exact
    r = vd_fnma(n, vd_set1(0x1.0b4611a6p-34), r);
    return vd_fnma(n, vd_set1(0x1.3198a2e037073p-69), r);
}
SV vd vd_sin_core(vd r, vd z) {
    static const double c[] = {-1.66666666666666324e-01, 8.33333333332245477e-03,
                               -1.98412698298134916e-04, 2.75573136876246264e-06,
                               -2.50507567254115416e-08, 1.58966826076232692e-10};
    return vd_fma(vd_mul(z, r), vd_poly(z, c, 6), r);
}
SV vd vd_cos_core(vd z) {
    static const double c[] = {4.16666666666666019e-02, -1.38888888888744392e-03,
                               2.48015872896342132e-05, -2.75573143867329807e-07,
                               2.08757269472825687e-09, -1.13597962706375961e-11};
    return vd_fma(vd_mul(z, z), vd_poly(z, c, 6), vd_fma(z, vd_set1(-0.5), vd_set1(1.0)));
}
SV vdm vd_odd(vl q) {
    return vl_eq(vl_and(q, vl_set1(1)), vl_set1(1));
}
SV vd vd_sin_quadrant(vd r, vl q) {
    vd z = vd_mul(r, r), y = vd_select(vd_odd(q), vd_cos_core(z), vd_sin_core(r, z));
    return vd_xor(y, as_vd(vl_shl(vl_and(q, vl_set1(2)), 62)));
}
/* y, or f(x) in the lanes with |x| > 2^20, infinite or NaN */
SV vd vd_trig_edges(vd x, vd y, double (*f)(double)) {
    vdm large = vdm_not(vd_le(vd_abs(x), vd_set1(0x1p20)));
    return vdm_any(large) ? vd_mend(x, y, vdm_bits(large), f) : y;
}
SV vd vd_sin(vd x) {
    vl q;
    vd r = vd_pio2(vd_abs(x), &q);
    return vd_trig_edges(x, vd_xor(vd_sin_quadrant(r, q), vd_signbit(x)), sin);
}
SV vd vd_cos(vd x) {
    vl q;
    vd r = vd_pio2(vd_abs(x), &q);
    return vd_trig_edges(x, vd_sin_quadrant(r, vl_add(q, vl_set1(1))), cos);
}
SV vd vd_tan(vd x) {
    vl q;
    vd r = vd_pio2(vd_abs(x), &q), z = vd_mul(r, r), s = vd_sin_core(r, z), c = vd_cos_core(z);
    vdm odd = vd_odd(q);
    vd y = vd_div(vd_select(odd, vd_neg(c), s), vd_select(odd, s, c));
    return vd_trig_edges(x, vd_xor(y, vd_signbit(x)), tan);
}
/* asin(s) - s, given s and s^2 <= 1/4 */
SV vd vd_asin_core(vd s, vd z) {
    static const double c[] = {
        1.66666666666653834e-01, 7.50000000034288933e-02,  4.46428568236008627e-02,
        3.03819593267779450e-02, 2.23717536225437642e-02,  1.73597697120755345e-02,
        1.38846113652452349e-02, 1.21731999117773611e-02,  6.51117590928978508e-03,
        1.95730755225137047e-02, -1.62928452896839125e-02, 3.19581713142638724e-02};
    return vd_mul(vd_mul(s, z), vd_poly(z, c, 12));
}
SV vd vd_arcsin(vd x) {
    vd a = vd_abs(x), half = vd_set1(0.5);
    vdm high = vd_gt(a, half);
    vd z = vd_select(high, vd_fnma(a, half, half), vd_mul(a, a)),
       s = vd_select(high, vd_sqrt(z), a);
    vd y = vd_add(s, vd_asin_core(s, z)), lo = vd_set1(6.123233995736766e-17);
    vd top = vd_sub(vd_set1(1.57079632679489661923), vd_sub(vd_add(y, y), lo));
    return vd_copysign(vd_select(high, top, y), x);
}
SV vd vd_arccos(vd x) {
    vd a = vd_abs(x), half = vd_set1(0.5), lo = vd_set1(6.123233995736766e-17);
    vdm high = vd_gt(a, half), minus = vd_lt(x, vd_zero());
    vd z = vd_select(high, vd_fnma(a, half, half), vd_mul(a, a));
    vd s = vd_select(high, vd_sqrt(z), x), p = vd_asin_core(s, z), y = vd_add(s, p);
    vd low = vd_sub(vd_set1(1.57079632679489661923), vd_add(s, vd_sub(p, lo)));
    y = vd_add(y, y);
    vd back = vd_sub(vd_set1(3.14159265358979323846), vd_sub(y, vd_add(lo, lo)));
    return vd_select(high, vd_select(minus, back, y), low);
}
/* atan(t), 0 <= t <= 1 */
SV vd vd_atan_core(vd t) {
    static const double c[] = {
        -3.33333333333332926e-01, 1.99999999999915606e-01,  -1.42857142851027880e-01,
        1.11111110884993355e-01,  -9.09090858605619417e-02, 7.69230020078661564e-02,
        -6.66658807268689924e-02, 5.88174455195639156e-02,  -5.25957363405698541e-02,
        4.74545569891281571e-02,  -4.28795349138581111e-02, 3.82462776268441898e-02,
        -3.28515836805667247e-02, 2.62468326478058275e-02,  -1.87213566644250963e-02,
        1.14109499022282453e-02,  -5.67390259427148422e-03, 2.18126282443371943e-03,
        -6.02767909828012664e-04, 1.05896872004616535e-04,  -8.84700202447669987e-06};
    vd z = vd_mul(t, t);
    return vd_fma(vd_mul(z, t), vd_poly(z, c, 21), t);
}
SV vd vd_complement(vdm m, vd y) {
    vd c = vd_add(vd_sub(vd_set1(1.57079632679489661923), y), vd_set1(6.123233995736766e-17));
    return vd_select(m, c, y);
}
SV vd vd_arctan(vd x) {
    vd a = vd_abs(x), one = vd_set1(1.0);
    vdm inverse = vd_gt(a, one);
    vd t = vd_div(vd_select(inverse, one, a), vd_select(inverse, a, one));
    return vd_copysign(vd_complement(inverse, vd_atan_core(t)), x);
}
SV vd vd_arctan2(vd y, vd x) {
    vd a = vd_abs(y), b = vd_abs(x), inf = vd_bits(VD_INF);
    vdm steep = vd_gt(a, b), both_zero = vd_eq(vd_or(a, b), vd_zero());
    vdm both_inf = vdm_and(vd_eq(a, inf), vd_eq(b, inf));
    vd t = vd_div(vd_select(steep, b, a), vd_select(steep, a, b));
    t = vd_select(both_zero, vd_zero(), vd_select(both_inf, vd_set1(1.0), t));
    vd p = vd_complement(steep, vd_atan_core(t)), sign = vd_copysign(vd_set1(1.0), x);
    vd q = vd_add(vd_sub(vd_set1(3.14159265358979323846), p), vd_set1(1.2246467991473532e-16));
    p = vd_copysign(vd_select(vd_lt(sign, vd_zero()), q, p), y);
    vd nan = vd_add(x, y);
    return vd_select(vdm_and(vd_isnan(nan), vdm_not(both_inf)), nan, p);
}

#endif
