/* Pointwise kernels on float64. */
#define _DEFAULT_SOURCE /* lgamma_r */

#include <math.h>

#include "kernels/pointwise/k_pw.h"
#include "kernels/pointwise/k_pw_number.h"
#include "kernels/simd/special.h"
#include "kernels/simd/vmath64.h"
#include "kernels/simd/vmath64_pow.h"

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
/* a - q b, of which the sign is exact. */
SV vd vd_rest(vd a, vd q, vd b) {
    if (VF_FMA)
        return vd_fnma(q, b, a);
    double x[VD_LANES], y[VD_LANES], z[VD_LANES];
    vd_store(x, a);
    vd_store(y, q);
    vd_store(z, b);
    for (int i = 0; i < VD_LANES; i++)
        x[i] = fma(-y[i], z[i], x[i]);
    return vd_load(x);
}
/* The floor of the exact quotient, so that it agrees with the remainder: where rounding went up to
   a whole number the rest has the other sign than b. */
SV vd vd_floor_divide(vd a, vd b) {
    vd inf = vd_bits(VD_INF), zero = vd_zero(), one = vd_set1(1.0), q = vd_floor(vd_div(a, b));
    vd rest = vd_rest(a, q, b);
    vdm beyond = vdm_or(vdm_and(vd_lt(rest, zero), vd_gt(b, zero)),
                        vdm_and(vd_gt(rest, zero), vd_lt(b, zero)));
    beyond = vdm_and(beyond, vd_lt(vd_abs(q), vd_set1(0x1p53)));
    vdm apart =
        vdm_or(vdm_and(vd_lt(a, zero), vd_gt(b, zero)), vdm_and(vd_gt(a, zero), vd_lt(b, zero)));
    apart = vdm_and(apart, vdm_and(vd_eq(vd_abs(b), inf), vd_lt(vd_abs(a), inf)));
    q = vd_select(apart, vd_neg(one), vd_select(beyond, vd_sub(q, one), q));
    return vd_select(vdm_and(vd_eq(vd_abs(a), inf), vd_ne(b, zero)), vd_bits(VD_NAN), q);
}
/* NaN if either is; of 0 and -0 the second, as MLX */
SV vd vd_maximum(vd a, vd b) {
    return vd_select(vdm_or(vd_gt(a, b), vd_isnan(a)), a, b);
}
SV vd vd_minimum(vd a, vd b) {
    return vd_select(vdm_or(vd_lt(a, b), vd_isnan(a)), a, b);
}

#if PW_WIDE
#define WIDE(name, op)                 \
    SV vdm name(vl a, vl b) {          \
        return op(as_vd(a), as_vd(b)); \
    }
WIDE(wide_d_eq, vd_eq)
WIDE(wide_d_ne, vd_ne)
WIDE(wide_d_lt, vd_lt)
WIDE(wide_d_le, vd_le)
WIDE(wide_d_gt, vd_gt)
WIDE(wide_d_ge, vd_ge)
#else
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
SV void number_compare_f64(void *out, const void *a, const void *number, size_t n, bool turned,
                           bool (*f)(double, double)) {
    uint8_t *o = out;
    const double *x = a, y = *(const double *)number;
    PW_LOOP
    for (size_t i = 0; i < n; i++)
        o[i] = turned ? f(y, x[i]) : f(x[i], y);
}
#endif

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
#define F64_A2(op, f)                                                                              \
    F64_2(op, f)                                                                                   \
    void KN(k_##op##_f64_number)(void *out, const void *a, const void *b, size_t n, bool turned) { \
        number_f64(out, a, b, n, turned, f);                                                       \
    }
#if PW_WIDE
#define COMPARE(f)        wide_compare(out, a, b, n, wide_##f)
#define COMPARE_NUMBER(f) wide_number(out, a, b, n, turned, wide_##f)
#else
#define COMPARE(f)        compare_f64(out, a, b, n, f)
#define COMPARE_NUMBER(f) number_compare_f64(out, a, b, n, turned, f)
#endif
#define F64_CMP(op, f)                                                                             \
    void KN(k_##op##_f64)(void *out, const void *a, const void *b, size_t n) {                     \
        COMPARE(f);                                                                                \
    }                                                                                              \
    void KN(k_##op##_f64_number)(void *out, const void *a, const void *b, size_t n, bool turned) { \
        COMPARE_NUMBER(f);                                                                         \
    }
#include "kernels/pointwise/k_pw.def"
