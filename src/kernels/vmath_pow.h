/* x^y on float32 vectors: exp2(y log2 |x|) in float64, where the product has bits to spare, rounded once.
 * Zeros, infinities and NaN go through the C library, lane by lane; negative x is ordinary.
 */
#ifndef MX_KERNELS_VMATH_POW_H
#define MX_KERNELS_VMATH_POW_H

#include "kernels/vmath.h"

/* log2(x) for positive normal x, to 2^-43 of itself */
SV vd vd_log2_medium(vd x) {
    vl u = vl_sub(as_vl(x), vl_set1(0x3fe6a09e667f3bcc)); // the bits of sqrt(1/2)
    vl e = vl_and(u, vl_set1((int64_t)0xfff0000000000000u));
    vd m = as_vd(vl_sub(as_vl(x), e));
    // The exponent as a number: it is put above the point of 2^52 + ..., biased to be positive.
    vl biased = vl_shr(vl_add(e, vl_set1(INT64_C(0x4000000000000000))), 52);
    vd k = vd_sub(as_vd(vl_or(biased, vl_set1(0x4330000000000000))), vd_set1(4503599627371520.0));
    vd one = vd_set1(1.0), z = vd_div(vd_sub(m, one), vd_add(m, one)), t = vd_mul(z, z);
    vd p = vd_set1(2.82954855234973046e-01);
    p = vd_fma(p, t, vd_set1(3.19902006081242807e-01));
    p = vd_fma(p, t, vd_set1(4.12209338823586291e-01));
    p = vd_fma(p, t, vd_set1(5.77077941546637052e-01));
    p = vd_fma(p, t, vd_set1(9.61796694116020423e-01));
    p = vd_fma(p, t, vd_set1(2.88539008177784861e+00));
    return vd_fma(p, z, k);
}
/* 2^x to 2^-28 of itself; beyond +-1000, 2^+-1000 */
SV vd vd_exp2_medium(vd x) {
    x = vd_min(vd_set1(1000.0), vd_max(vd_set1(-1000.0), x));
    vd magic = vd_set1(6755399441055744.0), n = vd_add(x, magic), r = vd_sub(x, vd_sub(n, magic));
    vd p = vd_set1(1.53475698610433964e-04);
    p = vd_fma(p, r, vd_set1(1.34011473604571212e-03));
    p = vd_fma(p, r, vd_set1(9.61850209234398935e-03));
    p = vd_fma(p, r, vd_set1(5.55032547306364629e-02));
    p = vd_fma(p, r, vd_set1(2.40226466560085977e-01));
    p = vd_fma(p, r, vd_set1(6.93147207266081700e-01));
    p = vd_fma(p, r, vd_set1(1.00000000060007954e+00));
    return as_vd(vl_add(as_vl(p), vl_shl(as_vl(n), 52)));
}
SV vd vd_pow_medium(vd x, vd y) {
    return vd_exp2_medium(vd_mul(y, vd_log2_medium(x)));
}
static __attribute__((noinline, cold, unused)) vf vf_pow_mend(vf x, vf y, vf r, unsigned lanes) {
    float a[VF_LANES], b[VF_LANES], c[VF_LANES];
    vf_store(a, x);
    vf_store(b, y);
    vf_store(c, r);
    for (int i = 0; i < VF_LANES; i++)
        if (lanes >> i & 1)
            c[i] = powf(a[i], b[i]);
    return vf_load(c);
}
/* true where 0 < a < inf */
SV vm vf_positive(vf a) {
    return vm_and(vf_gt(a, vf_zero()), vf_lt(a, vf_bits(VF_INF)));
}
SV vf vf_pow(vf x, vf y) {
    vf a = vf_abs(x), half = vf_mul(y, vf_set1(0.5f));
    vf r = vf_from_d(vd_pow_medium(vd_lo(a), vd_lo(y)), vd_pow_medium(vd_hi(a), vd_hi(y)));
    vm minus = vf_lt(x, vf_zero());
    if (vm_any(minus)) { // odd whole y keeps the sign, even drops it, others have no value
        vm whole = vf_eq(vf_trunc(y), y), odd = vm_and(whole, vf_ne(vf_trunc(half), half));
        vf signed_r = vf_select(odd, vf_neg(r), r);
        r = vf_select(minus, vf_select(whole, signed_r, vf_bits(VF_NAN)), r);
    }
    vm ordinary = vm_and(vf_positive(a), vf_lt(vf_abs(y), vf_bits(VF_INF)));
    if (!vm_all(ordinary))
        r = vf_pow_mend(x, y, r, vm_bits(vm_not(ordinary)));
    return r;
}

#endif
