/* Trigonometric functions on float32 vectors; see vmath.h for the ways and the accuracy.
 *
 *     x = n pi/2 + r, |r| <= pi/4     the quadrant is n mod 4
 *     |x| <= 2^17                     Cody and Waite: pi/2 in parts whose multiples are exact
 *     beyond                          Payne and Hanek: x times the bits of 2/pi that matter
 */
#ifndef MX_KERNELS_VMATH_TRIG_H
#define MX_KERNELS_VMATH_TRIG_H

#include "kernels/simd/vmath.h"

/* r for one |x| >= 2^17; *n is the quadrant. */
static __attribute__((cold, unused)) float vf_pio2_large(float x, int32_t *n) {
    static const uint32_t two_over_pi[] = {0,           0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                           0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
    uint32_t u = mx_f32_bits(x) & 0x7fffffffu, m = (u & 0x7fffffu) | 0x800000u;
    if (u >= VF_INF) {
        *n = 0;
        return mx_bits_f32(VF_NAN);
    }
    // x = m 2^e: bits of 2/pi above weight 2^(1-e) give multiples of 4 quadrants and are left out.
    unsigned first = (u >> 23) - 150 + 30, at = first / 32, sh = first % 32;
    uint64_t w[3];
    for (unsigned i = 0; i < 3; i++)
        w[i] = (uint32_t)(((uint64_t)two_over_pi[at + i] << 32 | two_over_pi[at + i + 1]) >>
                          (32 - sh));
    uint64_t p =
        (m * w[0] << 32) + m * w[1] + (m * w[2] >> 32); // 2 bits of quadrant, 62 of fraction
    uint64_t q = (p + (UINT64_C(1) << 61)) >> 62;
    *n = (int32_t)(q & 3);
    return (float)((double)(int64_t)(p - (q << 62)) * 3.4061215800304926e-19); // pi/2 2^-62
}
static __attribute__((noinline, cold, unused)) vf vf_pio2_mend(vf a, vf r, vi *n, unsigned lanes) {
    float x[VF_LANES], y[VF_LANES];
    int32_t k[VF_LANES];
    vf_store(x, a);
    vf_store(y, r);
    vi_store(k, *n);
    for (int i = 0; i < VF_LANES; i++)
        if (lanes >> i & 1)
            y[i] = vf_pio2_large(x[i], &k[i]);
    *n = vi_load(k);
    return vf_load(y);
}
/* Without fused products the reduction runs in float64, where n times the first part is exact
 * too. */
SV vd vd_pio2_small(vd x, vd n) {
    vd r = vd_fnma(n, vd_set1(1.57079632673412561417e+00), x);
    return vd_fnma(n, vd_set1(6.07710050650619224932e-11), r);
}
/* r and *n for a >= 0 */
SV vf vf_pio2(vf a, vi *n) {
    vf t = vf_fma(a, vf_set1(0.636619772f), vf_set1(VF_MAGIC)), k = vf_sub(t, vf_set1(VF_MAGIC)), r;
    *n = as_vi(t); // the low two bits are right, for |n| < 2^22
    if (VF_FMA) {
        r = vf_fnma(k, vf_set1(1.5707963705e+00f), a);
        r = vf_fnma(k, vf_set1(-4.3711388287e-08f), r);
        r = vf_fnma(k, vf_set1(-1.7151245100e-15f), r);
    } else {
        r = vf_from_d(vd_pio2_small(vd_lo(a), vd_lo(k)), vd_pio2_small(vd_hi(a), vd_hi(k)));
    }
    vm large = vm_not(vf_le(a, vf_set1(131072.0f)));
    if (vm_any(large))
        r = vf_pio2_mend(a, r, n, vm_bits(large));
    return r;
}
SV vf vf_sin_core(vf r, vf z) {
    static const float c[] = {-1.666665375e-01f, 8.332096040e-03f, -1.950562728e-04f};
    return vf_fma(vf_mul(z, r), vf_poly(z, c, 3), r);
}
SV vf vf_cos_core(vf z) {
    static const float c[] = {4.166664556e-02f, -1.388728851e-03f, 2.442820733e-05f};
    return vf_fma(vf_mul(z, z), vf_poly(z, c, 3), vf_fma(z, vf_set1(-0.5f), vf_set1(1.0f)));
}
/* sin(r + q pi/2): the cosine in odd quadrants, negative in the upper two */
SV vf vf_sin_quadrant(vf r, vi q) {
    vf z = vf_mul(r, r);
    vm odd = vi_eq(vi_and(q, vi_set1(1)), vi_set1(1));
    vf y = vf_select(odd, vf_cos_core(z), vf_sin_core(r, z));
    return vf_xor(y, as_vf(vi_shl(vi_and(q, vi_set1(2)), 30)));
}
SV vf vf_sin(vf x) {
    vi n;
    vf r = vf_pio2(vf_abs(x), &n);
    return vf_xor(vf_sin_quadrant(r, n), vf_signbit(x));
}
SV vf vf_cos(vf x) {
    vi n;
    vf r = vf_pio2(vf_abs(x), &n);
    return vf_sin_quadrant(r, vi_add(n, vi_set1(1)));
}
/* sin and cos together, for rotations */
SV void vf_sincos(vf x, vf *s, vf *c) {
    vi n;
    vf r = vf_pio2(vf_abs(x), &n);
    *s = vf_xor(vf_sin_quadrant(r, n), vf_signbit(x));
    *c = vf_sin_quadrant(r, vi_add(n, vi_set1(1)));
}
SV vf vf_tan(vf x) {
    static const float c[] = {3.333335519e-01f, 1.333246231e-01f, 5.408370122e-02f,
                              2.115564980e-02f, 1.117117330e-02f, -3.429607023e-04f,
                              4.592528567e-03f};
    vi n;
    vf r = vf_pio2(vf_abs(x), &n), z = vf_mul(r, r), one = vf_set1(1.0f);
    vf t = vf_fma(vf_mul(z, r), vf_poly(z, c, 7), r);
    vm odd = vi_eq(vi_and(n, vi_set1(1)), vi_set1(1));
    vf y = vf_div(vf_select(odd, vf_neg(one), t), vf_select(odd, t, one));
    return vf_xor(y, vf_signbit(x));
}

/* asin(s) - s, given s and s^2 <= 1/4 */
SV vf vf_asin_core(vf s, vf z) {
    static const float c[] = {1.666675359e-01f, 7.495252043e-02f, 4.547604173e-02f,
                              2.415209264e-02f, 4.221179709e-02f};
    return vf_mul(vf_mul(s, z), vf_poly(z, c, 5));
}
/* Above 1/2: pi/2 - 2 asin(sqrt((1 - a) / 2)). NaN beyond 1 comes from the root. */
SV vf vf_arcsin(vf x) {
    vf a = vf_abs(x);
    vm high = vf_gt(a, vf_set1(0.5f));
    vf z = vf_select(high, vf_fnma(a, vf_set1(0.5f), vf_set1(0.5f)), vf_mul(a, a));
    vf s = vf_select(high, vf_sqrt(z), a);
    vf y = vf_add(s, vf_asin_core(s, z));
    vf top = vf_sub(vf_set1(1.57079637f), vf_add(vf_add(y, y), vf_set1(4.37113883e-8f)));
    return vf_copysign(vf_select(high, top, y), x);
}
SV vf vf_arccos(vf x) {
    vf a = vf_abs(x), zero = vf_zero();
    vm high = vf_gt(a, vf_set1(0.5f)), minus = vf_lt(x, zero);
    vf z = vf_select(high, vf_fnma(a, vf_set1(0.5f), vf_set1(0.5f)), vf_mul(a, a));
    vf s = vf_select(high, vf_sqrt(z), x), p = vf_asin_core(s, z);
    vf low = vf_sub(vf_set1(1.57079637f), vf_add(s, vf_add(p, vf_set1(4.37113883e-8f))));
    vf y = vf_add(s, p);
    y = vf_add(y, y);
    vf back = vf_sub(vf_set1(3.14159274f), vf_add(y, vf_set1(8.74227766e-8f)));
    return vf_select(high, vf_select(minus, back, y), low);
}
/* atan(t), 0 <= t <= 1 */
SV vf vf_atan_core(vf t) {
    static const float c[] = {-3.333330154e-01f, 1.999862641e-01f,  -1.426509172e-01f,
                              1.095665693e-01f,  -8.416454494e-02f, 5.817787349e-02f,
                              -3.139417246e-02f, 1.102876384e-02f,  -1.818658900e-03f};
    vf z = vf_mul(t, t);
    return vf_fma(vf_mul(z, t), vf_poly(z, c, 9), t);
}
/* pi/2 - y where m holds */
SV vf vf_complement(vm m, vf y) {
    vf c = vf_add(vf_sub(vf_set1(1.57079637f), y), vf_set1(-4.37113883e-8f));
    return vf_select(m, c, y);
}
SV vf vf_arctan(vf x) {
    vf a = vf_abs(x), one = vf_set1(1.0f);
    vm inverse = vf_gt(a, one);
    vf t = vf_div(vf_select(inverse, one, a), vf_select(inverse, a, one));
    return vf_copysign(vf_complement(inverse, vf_atan_core(t)), x);
}
/* atan(y / x) in the quadrant of (x, y) */
SV vf vf_arctan2(vf y, vf x) {
    vf a = vf_abs(y), b = vf_abs(x), inf = vf_bits(VF_INF);
    vm steep = vf_gt(a, b);
    vf t = vf_div(vf_select(steep, b, a), vf_select(steep, a, b));
    vm both_zero = vf_eq(vf_or(a, b), vf_zero());
    vm both_inf = vm_and(vf_eq(a, inf), vf_eq(b, inf));
    t = vf_select(both_zero, vf_zero(), vf_select(both_inf, vf_set1(1.0f), t));
    vf p = vf_complement(steep, vf_atan_core(t));
    vm left = vi_lt(as_vi(x), vi_set1(0)); // by the sign bit, so that x = -0 counts
    vf q = vf_add(vf_sub(vf_set1(3.14159274f), p), vf_set1(-8.74227766e-8f));
    p = vf_select(left, q, p);
    vf nan = vf_add(x, y);
    return vf_select(vf_isnan(nan), vf_select(both_inf, vf_copysign(p, y), nan), vf_copysign(p, y));
}

#endif
