/* Functions on float32 vectors that go through float64.
 *
 * x^y is exp2(y log2 |x|), where the product has bits to spare, rounded once. Zeros,
 * infinities and NaN go through the C library, lane by lane; negative x is ordinary. erfinv
 * stands here for its logarithm.
 */
#ifndef MX_KERNELS_VMATH_POW_H
#define MX_KERNELS_VMATH_POW_H

#include "kernels/simd/vmath.h"

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
    for (; lanes; lanes &= lanes - 1)
        c[__builtin_ctz(lanes)] = powf(a[__builtin_ctz(lanes)], b[__builtin_ctz(lanes)]);
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

/* ---- the inverse error function ---- */

/* a b + c rounded once, on every machine */
SV vf vf_fma_exact(vf a, vf b, vf c) {
#if VF_FMA
    return vf_fma(a, b, c);
#else
    float x[VF_LANES], y[VF_LANES], z[VF_LANES];
    vf_store(x, a);
    vf_store(y, b);
    vf_store(z, c);
    for (int i = 0; i < VF_LANES; i++)
        z[i] = fmaf(x[i], y[i], z[i]);
    return vf_load(z);
#endif
}
/* logf as the C library has it, to the bit. A float64 logarithm decides all lanes where the
 * library's own error (measured over every float of 2^-26 <= t <= 1: below 2^-28.6, above 0.55
 * below 2^-30.8) cannot change the rounding; the others are to be asked for.
 */
SV vd vd_log_medium(vd t) {
    return vd_mul(vd_log2_medium(t), vd_set1(0.69314718055994530942));
}
SV vf vf_log_sure(vf t, vm *sure) {
    vd a = vd_log_medium(vd_lo(t)), b = vd_log_medium(vd_hi(t));
    vf e = vf_select(vf_lt(t, vf_set1(0.55f)), vf_set1(0x1.6p-29f), vf_set1(0x1.2p-31f));
    vd p = vd_lo(e), q = vd_hi(e);
    vf y = vf_from_d(vd_sub(a, p), vd_sub(b, q)), z = vf_from_d(vd_add(a, p), vd_add(b, q));
    *sure = vm_and(vf_eq(y, z), vf_ge(t, vf_set1(0x1p-26f)));
    return y;
}
/* The inverse of erf: x times a polynomial in log(1 - x^2), of which there are two (M. Giles
 * 2012 has the method; these are N. Juffa's published coefficients, at most 2.4 ULP). Every
 * step is one rounding and the logarithm is the C library's: MLX's random normal numbers are
 * computed so, and must agree bit for bit.
 */
SV vf vf_erfinv_core(vf x, vf w) {
    static const float mid[] = {8.86226892e-1f,  -2.32015476e-1f, 1.15392581e-2f, 2.31468678e-3f,
                                -1.47697632e-4f, -5.61530760e-5f, 1.12963626e-7f, 1.22774793e-6f,
                                1.43285448e-7f,  5.43877832e-9f};
    static const float end[] = {8.40016484e-1f, -2.64646143e-1f, 4.83185798e-3f,
                                3.02698812e-3f, 3.93552968e-4f,  2.84108955e-5f,
                                1.22150334e-6f, 2.93243101e-8f,  3.03697567e-10f};
    vf p = vf_set1(mid[9]), q = vf_set1(end[8]);
    for (int i = 8; i >= 0; i--)
        p = vf_fma_exact(p, w, vf_set1(mid[i]));
    vm far = vf_gt(vf_abs(w), vf_set1(6.125f));
    if (vm_any(far)) {
        for (int i = 7; i >= 0; i--)
            q = vf_fma_exact(q, w, vf_set1(end[i]));
        p = vf_select(far, q, p);
    }
    return vf_mul(x, p);
}

enum { ERFINV_BLOCK = 256 }; /* a multiple of every VF_LANES */

/* w[i] = log(1 - x[i]^2) for i < n and up to a whole vector; the lanes in doubt are gathered
 * first, then asked for in a row. */
static inline void erfinv_logs(float *w, const float *x, size_t n) {
    float t[ERFINV_BLOCK];
    uint16_t doubt[ERFINV_BLOCK];
    unsigned count = 0;
    for (unsigned i = 0; i < n; i += VF_LANES) {
        vm sure;
        vf v = vf_load(x + i), u = vf_fma_exact(v, vf_neg(v), vf_set1(1.0f));
        vf_store(t + i, u);
        vf_store(w + i, vf_log_sure(u, &sure));
        unsigned bits = vm_bits(vm_not(sure));
        for (unsigned k = 0; k < VF_LANES; k++) {
            doubt[count] = (uint16_t)(i + k);
            count += bits >> k & 1;
        }
    }
    for (unsigned k = 0; k < count; k++)
        w[doubt[k]] = logf(t[doubt[k]]);
}
/* out = erfinv(x) for n elements */
static inline void vf_erfinv_all(float *out, const float *x, size_t n) {
    float w[ERFINV_BLOCK], v[ERFINV_BLOCK + VF_LANES];
    for (size_t at = 0; at < n; at += ERFINV_BLOCK) {
        size_t k = n - at < ERFINV_BLOCK ? n - at : ERFINV_BLOCK;
        memcpy(v, x + at, k * sizeof *v);
        vf_store(v + k, vf_set1(0.5f));
        erfinv_logs(w, v, k);
        for (size_t i = 0; i < k; i += VF_LANES)
            vf_store(v + i, vf_erfinv_core(vf_load(v + i), vf_load(w + i)));
        memcpy(out + at, v, k * sizeof *v);
    }
}

#endif
