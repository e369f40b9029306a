/* Pointwise kernels on float64. */
#define _DEFAULT_SOURCE /* lgamma_r */

#include <math.h>

#include "kernels/k_pw.h"
#include "kernels/special.h"
#include "kernels/vmath64.h"

SV vd vd_none(vd a) {
    (void)a;
    return vd_zero();
}
/* -1, 0 or 1; NaN gives 0, as MLX's (x > 0) - (x < 0) does */
SV vd vd_sign(vd a) {
    vd one = vd_copysign(vd_set1(1.0), a);
    return vd_select(vdm_or(vd_gt(a, vd_zero()), vd_lt(a, vd_zero())), one, vd_zero());
}
SV vd vd_square(vd a) {
    return vd_mul(a, a);
}
SV vd vd_rsqrt(vd a) {
    return vd_div(vd_set1(1.0), vd_sqrt(a));
}
SV vd vd_floor_divide(vd a, vd b) {
    return vd_floor(vd_div(a, b));
}
/* NaN if either is; of 0 and -0 the second, as MLX */
SV vd vd_maximum(vd a, vd b) {
    return vd_select(vdm_or(vd_gt(a, b), vd_isnan(a)), a, b);
}
SV vd vd_minimum(vd a, vd b) {
    return vd_select(vdm_or(vd_lt(a, b), vd_isnan(a)), a, b);
}

SV bool d_eq(double a, double b) {
    return a == b;
}
SV bool d_ne(double a, double b) {
    return a != b;
}
SV bool d_lt(double a, double b) {
    return a < b;
}
SV bool d_le(double a, double b) {
    return a <= b;
}
SV bool d_gt(double a, double b) {
    return a > b;
}
SV bool d_ge(double a, double b) {
    return a >= b;
}

#define F64_1(op, f)                                            \
    void KN(k_##op##_f64)(void *out, const void *a, size_t n) { \
        map1_f64(out, a, n, f);                                 \
    }
#define F64_S1(op, f)                                           \
    void KN(k_##op##_f64)(void *out, const void *a, size_t n) { \
        each1_f64(out, a, n, f);                                \
    }
#define F64_2(op, f)                                                           \
    void KN(k_##op##_f64)(void *out, const void *a, const void *b, size_t n) { \
        map2_f64(out, a, b, n, f);                                             \
    }
#define F64_S2(op, f)                                                          \
    void KN(k_##op##_f64)(void *out, const void *a, const void *b, size_t n) { \
        each2_f64(out, a, b, n, f);                                            \
    }
#define F64_CMP(op, f)                                                         \
    void KN(k_##op##_f64)(void *out, const void *a, const void *b, size_t n) { \
        compare_f64(out, a, b, n, f);                                          \
    }
#include "kernels/k_pw.def"
