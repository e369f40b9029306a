/* Pointwise kernels on float32. */
#define _DEFAULT_SOURCE /* lgamma_r */

#include <math.h>

#include "kernels/pointwise/k_pw.h"
#include "kernels/pointwise/k_pw_arith.h"
#include "kernels/pointwise/k_pw_number.h"
#include "kernels/simd/special.h"
#include "kernels/simd/vmath.h"
#include "kernels/simd/vmath_pow.h"
#include "kernels/simd/vmath_trig.h"

/* The floor of the exact quotient, so that it agrees with the remainder: below 2^24 a quotient of
   float32 that is no whole number stays one in float64. */
SV vd vd_whole_quotient(vd a, vd b) {
    return vd_floor(vd_div(a, b));
}
SV vf vf_floor_divide(vf a, vf b) {
    vf inf = vf_bits(VF_INF), zero = vf_zero();
    vf q = vf_from_d(vd_whole_quotient(vd_lo(a), vd_lo(b)), vd_whole_quotient(vd_hi(a), vd_hi(b)));
    vm apart =
        vm_or(vm_and(vf_lt(a, zero), vf_gt(b, zero)), vm_and(vf_gt(a, zero), vf_lt(b, zero)));
    q = vf_select(vm_and(apart, vf_eq(vf_abs(b), inf)), vf_set1(-1.0f), q);
    return vf_select(vm_and(vf_eq(vf_abs(a), inf), vf_ne(b, zero)), vf_bits(VF_NAN), q);
}

/* The remainder has the divisor's sign, also where it is 0: fmod, then one divisor more where the
   signs differ. */
static float f_remainder(float a, float b) {
    float r = fmodf(a, b);
    return r == 0 ? copysignf(0, b) : (r < 0) != (b < 0) ? r + b : r;
}
static __attribute__((noinline, cold)) vf remainder_mend(vf a, vf b, vf r, unsigned lanes) {
    float x[VF_LANES], y[VF_LANES], z[VF_LANES];
    vf_store(x, a);
    vf_store(y, b);
    vf_store(z, r);
    for (int i = 0; i < VF_LANES; i++)
        if (lanes >> i & 1)
            z[i] = f_remainder(x[i], y[i]);
    return vf_load(z);
}
SV vd vd_product_rest(vd a, vd q, vd b) {
    return vd_fnma(q, b, a);
}
/* a - q b exactly, for whole q < 2^24; without fused products in float64, where q b is exact */
SV vf vf_rest(vf a, vf q, vf b) {
    if (VF_FMA)
        return vf_fnma(q, b, a);
    return vf_from_d(vd_product_rest(vd_lo(a), vd_lo(q), vd_lo(b)),
                     vd_product_rest(vd_hi(a), vd_hi(q), vd_hi(b)));
}
/* The rounded quotient may be one off; then the exact rest shows it. */
SV vf vf_remainder(vf a, vf b) {
    vf x = vf_abs(a), y = vf_abs(b), zero = vf_zero();
    vf q = vf_trunc(vf_div(x, y)), r = vf_rest(x, q, y);
    r = vf_add(r, vf_select(vf_lt(r, zero), y, zero));
    r = vf_sub(r, vf_select(vf_ge(r, y), y, zero));
    vm whole = vf_eq(r, zero), differ = vi_lt(as_vi(vf_xor(a, b)), vi_set1(0));
    r = vf_or(r, vf_signbit(vf_select(whole, b, a)));
    r = vf_add(r, vf_select(vm_and(differ, vm_not(whole)), b, vf_neg(zero)));
    vm ordinary = vm_and(vf_lt(q, vf_set1(4194304.0f)), vf_lt(y, vf_bits(VF_INF)));
    if (!vm_all(ordinary))
        r = remainder_mend(a, b, r, vm_bits(vm_not(ordinary)));
    return r;
}
static float f_lgamma(float x) {
    return (float)d_lgamma(x);
}
static float f_digamma(float x) {
    return (float)d_digamma(x);
}

#define F32_1(op, f)                                            \
    void KN(k_##op##_f32)(void *out, const void *a, size_t n) { \
        map1_f32(out, a, n, f);                                 \
    }
#define F32_S1(op, f)                                           \
    void KN(k_##op##_f32)(void *out, const void *a, size_t n) { \
        each1_f32(out, a, n, f);                                \
    }
#define F32_ALL(op, f)                                          \
    void KN(k_##op##_f32)(void *out, const void *a, size_t n) { \
        f(out, a, n);                                           \
    }
#define F32_2(op, f)                                                           \
    void KN(k_##op##_f32)(void *out, const void *a, const void *b, size_t n) { \
        map2_f32(out, a, b, n, f);                                             \
    }
#define F32_A2(op, f)                                                                              \
    F32_2(op, f)                                                                                   \
    void KN(k_##op##_f32_number)(void *out, const void *a, const void *b, size_t n, bool turned) { \
        number_lanes(MX_FLOAT32, out, a, b, n, turned, f);                                         \
    }
#define F32_CMP(op, f)                                                                             \
    void KN(k_##op##_f32)(void *out, const void *a, const void *b, size_t n) {                     \
        compare_f32(out, a, b, n, f);                                                              \
    }                                                                                              \
    void KN(k_##op##_f32_number)(void *out, const void *a, const void *b, size_t n, bool turned) { \
        number_compare_lanes(MX_FLOAT32, out, a, b, n, turned, f);                                 \
    }
#include "kernels/pointwise/k_pw.def"
