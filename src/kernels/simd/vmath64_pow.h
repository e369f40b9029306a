/* x^y on float64 vectors: exp(y log |x|), both in two numbers whose sum is the value, so that
 * little but the last rounding is left (within 0.6 ULP for results of ordinary size, 0.95 near the
 * ends of the range): whole powers of whole numbers are exact.
 * Zeros, infinities, NaN, subnormal x and what is near the ends of the range go through the C
 * library, lane by lane; negative x is ordinary. Sums and products of two numbers are Dekker's
 * (1971), with the fused multiply-add; where there is none all lanes are the C library's.
 */
#ifndef MX_KERNELS_VMATH64_POW_H
#define MX_KERNELS_VMATH64_POW_H

#include "kernels/simd/vmath64.h"

static __attribute__((noinline, cold, unused)) vd vd_pow_mend(vd x, vd y, vd r, unsigned lanes) {
    double a[VD_LANES], b[VD_LANES], c[VD_LANES];
    vd_store(a, x);
    vd_store(b, y);
    vd_store(c, r);
    for (; lanes; lanes &= lanes - 1)
        c[__builtin_ctz(lanes)] = pow(a[__builtin_ctz(lanes)], b[__builtin_ctz(lanes)]);
    return vd_load(c);
}

#if VF_FMA
typedef struct vdd {
    vd hi, lo;
} vdd;

/* a + b and what rounding takes from it, for |a| >= |b| or a = 0; lo joins what is left */
SV vdd vdd_add(vd a, vd b, vd lo) {
    vd hi = vd_add(a, b);
    return (vdd){hi, vd_add(vd_sub(b, vd_sub(hi, a)), lo)};
}
SV vdd vdd_mul(vdd a, vdd b) {
    vd hi = vd_mul(a.hi, b.hi), lo = vd_fma(a.hi, b.hi, vd_neg(hi));
    return (vdd){hi, vd_fma(a.hi, b.lo, vd_fma(a.lo, b.hi, lo))};
}
/* (m - 1) / (m + 1) for m near 1, where m - 1 is exact. No division waits for the other. */
SV vdd vdd_ratio(vd m) {
    vd one = vd_set1(1.0), f = vd_sub(m, one), d = vd_add(m, one), inverse = vd_div(one, d);
    vd s = vd_div(f, d), rest = vd_fnma(s, d, f);
    return (vdd){s, vd_mul(vd_fnma(s, vd_sub(m, vd_sub(d, one)), rest), inverse)};
}
/* A polynomial of degree 9 by halves (G. Estrin 1960): steps wait for a third of what they wait for
   one after the other, which is what such a function takes. */
SV vd vdd_pair(vd x, const double *c) {
    return vd_fma(vd_set1(c[1]), x, vd_set1(c[0]));
}
SV vd vdd_poly9(vd x, const double *c) {
    vd x2 = vd_mul(x, x), x4 = vd_mul(x2, x2);
    vd low = vd_fma(vdd_pair(x, c + 2), x2, vdd_pair(x, c));
    vd middle = vd_fma(vdd_pair(x, c + 6), x2, vdd_pair(x, c + 4));
    return vd_fma(vd_fma(vdd_pair(x, c + 8), x4, middle), x4, low);
}
/* log x for positive normal x: k ln 2 + 2 atanh(s) */
SV vdd vdd_log(vd x) {
    static const double c[] = {1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13, 1.0 / 15,
                               1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23, 1.0 / 25};
    vd k, m = vd_split(x, &k), third = vd_set1(0x1.5555555555555p-2);
    vdd s = vdd_ratio(m), z = vdd_mul(s, s);
    vd fifth = vd_fma(z.hi, vdd_poly9(z.hi, c), vd_set1(1.0 / 5));
    vdd w = vdd_add(third, vd_mul(z.hi, fifth), vd_set1(0x1.5555555555555p-56));
    vdd v = vdd_mul(s, vdd_mul(z, w)), l = vdd_add(s.hi, v.hi, vd_add(s.lo, v.lo));
    vd lo = vd_fma(k, vd_set1(0x1.a39ef35793c76p-33), vd_add(l.lo, l.lo));
    l = vdd_add(vd_mul(k, vd_set1(0x1.62e42feep-1)), vd_add(l.hi, l.hi), lo);
    return vdd_add(l.hi, l.lo, vd_zero());
}
/* vd_exp_rest, by halves */
SV vd vdd_exp_rest(vd r) {
    static const double c[] = {1.66666666666666879e-01, 4.16666666666668239e-02,
                               8.33333333331386789e-03, 1.38888888887767330e-03,
                               1.98412699034914613e-04, 2.48015875646354399e-05,
                               2.75572285457400229e-06, 2.75570607866400783e-07,
                               2.51139213115873004e-08, 2.09820589832413525e-09};
    return vd_fma(vdd_poly9(r, c), r, vd_set1(0.5));
}
/* e^x for |x.hi| <= 707, where 2^k stays an exponent */
SV vd vdd_exp(vdd x) {
    vd low = vd_set1(0x1.a39ef35793c76p-33), magic = vd_set1(VD_MAGIC);
    vd t = vd_fma(x.hi, vd_set1(1.44269504088896340736), magic), k = vd_sub(t, magic);
    vd first = vd_fnma(k, vd_set1(0x1.62e42feep-1), x.hi), rest = vd_fnma(k, low, first);
    vdd r = vdd_add(rest, vd_add(x.lo, vd_fnma(k, low, vd_sub(first, rest))), vd_zero());
    vd lo = vd_fma(vd_mul(r.hi, r.hi), vdd_exp_rest(r.hi), vd_fma(r.lo, r.hi, r.lo));
    vdd y = vdd_add(vd_set1(1.0), r.hi, lo);
    return as_vd(vl_add(as_vl(vd_add(y.hi, y.lo)), vl_shl(as_vl(t), 52)));
}
SV vd vd_pow(vd x, vd y) {
    vd a = vd_abs(x), half = vd_mul(y, vd_set1(0.5));
    vdd e = vdd_mul(vdd_log(a), (vdd){y, vd_zero()});
    vd r = vdd_exp(e);
    vdm minus = vd_lt(x, vd_zero());
    if (vdm_any(minus)) { // odd whole y keeps the sign, even drops it, others have no value
        vdm whole = vd_eq(vd_trunc(y), y), odd = vdm_and(whole, vd_ne(vd_trunc(half), half));
        vd signed_r = vd_select(odd, vd_neg(r), r);
        r = vd_select(minus, vd_select(whole, signed_r, vd_bits(VD_NAN)), r);
    }
    vdm normal =
        vdm_and(vd_ge(a, vd_bits(UINT64_C(0x0010000000000000))), vd_lt(a, vd_bits(VD_INF)));
    vdm ordinary = vdm_and(normal, vd_le(vd_abs(e.hi), vd_set1(707.0)));
    if (!vdm_all(ordinary))
        r = vd_pow_mend(x, y, r, vdm_bits(vdm_not(ordinary)));
    return r;
}
#else
SV vd vd_pow(vd x, vd y) {
    return vd_pow_mend(x, y, y, (1u << VD_LANES) - 1);
}
#endif

#endif
