/* x^y on float64 vectors: exp(y log |x|), both by tables and in two parts, so that little but the
 * last rounding is left (within 0.55 ULP for results of ordinary size, 0.8 near the ends of the
 * range): whole powers of whole numbers are exact.
 * Zeros, infinities, NaN, subnormal x and what is near the ends of the range go through the C
 * library, lane by lane; negative x is ordinary. Where there is no fused multiply-add all lanes are
 * the C library's.
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
/* |x|^y with its sign: odd whole y keeps that of x, even drops it, others have no value. */
SV vd vd_pow_sign(vd x, vd y, vd r) {
    vd half = vd_mul(y, vd_set1(0.5));
    vdm whole = vd_eq(vd_trunc(y), y), odd = vdm_and(whole, vd_ne(vd_trunc(half), half));
    vd signed_r = vd_select(odd, vd_neg(r), r);
    return vd_select(vd_lt(x, vd_zero()), vd_select(whole, signed_r, vd_bits(VD_NAN)), r);
}
SV vd vd_pow(vd x, vd y) {
    vd a = vd_abs(x);
    vdd l = vdd_log(a), e = vdd_mul(l.hi, y);
    vd r = vdd_exp((vdd){e.hi, vd_fma(l.lo, y, e.lo)});
    if (vdm_any(vd_lt(x, vd_zero())))
        r = vd_pow_sign(x, y, r);
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
