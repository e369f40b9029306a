/* Unary pointwise operations: the rows of kernels/pointwise/pointwise.def, their derivatives, and
 * what is made of them (degrees, isnan, nan_to_num ...). */
#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "ops/pointwise/pointwise.h"

/* --- derivatives: g dy/dx --------------------------------------------------------- */

static const double PI = 3.14159265358979323846;
static const double LN2 = 0.693147180559945309417;
static const double LN10 = 2.30258509299404568402;
static const double TWO_OVER_SQRT_PI = 1.12837916709551257390;

static mx_array *one_plus(mx_array *a) {
    return mx_add_s(a, 1);
}
static mx_array *one_minus(mx_array *a) {
    return mx_rsub_s(1, a);
}
static mx_array *trigamma(mx_array *x);

STEP1(negative, mx_negated(g))
D1(square, mx_scaled(mx_times(g, 2), x))
D1(sqrt, mx_mul_s(mx_div(g, y), 0.5))
D1(rsqrt, mx_mul_s(mx_div(mx_scaled(g, y), x), -0.5))
STEP1(exp, mx_scaled(g, y))
D1(expm1, mx_scaled(g, one_plus(y)))
STEP1(log, mx_div(g, x))
D1(log2, mx_div(g, mx_mul_s(x, LN2)))
D1(log10, mx_div(g, mx_mul_s(x, LN10)))
D1(log1p, mx_div(g, one_plus(x)))
D1(sin, mx_scaled(g, mx_cos(x)))
D1(cos, mx_scaled(mx_negated(g), mx_sin(x)))
D1(tan, mx_scaled(g, one_plus(mx_square(y))))
D1(arcsin, mx_scaled(g, mx_rsqrt(one_minus(mx_square(x)))))
D1(arccos, mx_negative(mx_scaled(g, mx_rsqrt(one_minus(mx_square(x))))))
D1(arctan, mx_div(g, one_plus(mx_square(x))))
D1(sinh, mx_scaled(g, mx_cosh(x)))
D1(cosh, mx_scaled(g, mx_sinh(x)))
D1(tanh, mx_scaled(g, one_minus(mx_square(y))))
D1(arcsinh, mx_scaled(g, mx_rsqrt(one_plus(mx_square(x)))))
D1(arccosh, mx_scaled(g, mx_mul(mx_rsqrt(mx_add_s(x, -1)), mx_rsqrt(one_plus(x)))))
D1(arctanh, mx_div(g, one_minus(mx_square(x))))
D1(erf, mx_scaled(g, mx_mul_s(mx_exp(mx_negative(mx_square(x))), TWO_OVER_SQRT_PI)))
D1(erfinv, mx_scaled(g, mx_mul_s(mx_exp(mx_square(y)), 1 / TWO_OVER_SQRT_PI)))
D1(sigmoid, mx_scaled(g, mx_mul(y, one_minus(y))))
D1(lgamma, mx_scaled(g, mx_digamma(x)))
D1(digamma, mx_scaled(g, trigamma(x)))
STEP1(conjugate, mx_conjugate(g))
#define d_sign           NULL /* constant between jumps */
#define d_floor          NULL
#define d_ceil           NULL
#define d_trunc          NULL
#define d_round          NULL
#define d_bitwise_invert NULL
#define d_logical_not    NULL
#define d_abs            NULL /* real of complex: their own rules below */
#define d_real           NULL
#define d_imag           NULL

/* For z >= 1: ten steps of psi'(z) = psi'(z + 1) + 1 / z^2, then the asymptotic series
   (Abramowitz and Stegun 6.4.12). */
static mx_array *trigamma_right(mx_array *z) {
    mx_array *sum = mx_zero_like(z);
    for (int k = 0; k < 10; k++, z = one_plus(z))
        sum = mx_add(sum, mx_rdiv_s(1, mx_square(z)));
    mx_array *r = mx_rdiv_s(1, z), *r2 = mx_square(r);
    mx_array *series = mx_add_s(mx_mul(r2, mx_add_s(mx_mul_s(r2, 1.0 / 42), -1.0 / 30)), 1.0 / 6);
    mx_array *tail = mx_mul(r, one_plus(mx_mul(r, mx_add_s(mx_mul(r, series), 0.5))));
    return mx_add(sum, tail);
}

/* The left half by reflection: psi'(1 - x) + psi'(x) = (pi / sin(pi x))^2. */
static mx_array *trigamma(mx_array *x) {
    mx_array *left = mx_less(x, mx_mul_s(mx_one_like(x), 0.5));
    mx_array *right = trigamma_right(mx_where(left, one_minus(x), x));
    mx_array *mirror = mx_square(mx_rdiv_s(PI, mx_sin(mx_mul_s(mx_sub(x, mx_round(x)), PI))));
    return mx_where(left, mx_sub(mirror, right), right);
}

/* --- abs, real, imag: from complex to real, linear over the reals alone ----------- */

/* x / |x|, which for complex numbers turns with x; 0 at 0. */
static mx_array *direction(const mx_node *n) {
    mx_array *x = n->in[0], *r = n->out[0];
    if (mx_dtype_of(x) != MX_COMPLEX64)
        return mx_sign(x);
    return mx_div(x, mx_where(mx_equal(r, mx_zero_like(r)), mx_one_like(r), r));
}

static bool abs_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (cot[0] && need[0])
        grad[0] = mx_mul(cot[0], direction(n));
    return !mx_failed();
}
static bool abs_jvp(const mx_node *n, mx_array *const *tan, mx_array **out) {
    out[0] = tan[0] ? mx_real(mx_mul(tan[0], mx_conjugate(direction(n)))) : NULL;
    return !mx_failed();
}

static bool real_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (cot[0] && need[0])
        grad[0] = mx_astype(cot[0], mx_dtype_of(n->in[0]));
    return !mx_failed();
}
static bool real_jvp(const mx_node *n, mx_array *const *tan, mx_array **out) {
    (void)n;
    out[0] = mx_real(tan[0]);
    return !mx_failed();
}

static bool imag_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (cot[0] && need[0] && n->in[0]->dtype == MX_COMPLEX64)
        grad[0] = mx_mul(cot[0], mx_scalar_c64((mx_complex64){0, 1}));
    return !mx_failed();
}
static bool imag_jvp(const mx_node *n, mx_array *const *tan, mx_array **out) {
    (void)n;
    out[0] = mx_imag(tan[0]);
    return !mx_failed();
}

/* --- descriptors ------------------------------------------------------------------ */

#define UNARY(name, Name, domain, result) POINTWISE_INFER(name)
#include "kernels/pointwise/pointwise.def"

#define OWN_RULES(op, Op)               \
    const mx_prim_desc mx_desc_##op = { \
        .name = #Op,                    \
        .traits = MX_TRAIT_POINTWISE,   \
        .infer = infer_##op,            \
        .vjp = op##_vjp,                \
        .jvp = op##_jvp,                \
        .vmap = mx_pointwise_vmap,      \
    };
#define RULES_SAME(name, Name)            POINTWISE_DESC(name, Name, 0)
#define RULES_BOOL(name, Name)            POINTWISE_DESC(name, Name, MX_TRAIT_NO_GRAD)
#define RULES_PART(name, Name)            OWN_RULES(name, Name)
#define UNARY(name, Name, domain, result) RULES_##result(name, Name)
#include "kernels/pointwise/pointwise.def"

/* --- the operations --------------------------------------------------------------- */

/* What the kernels compute in for an operand of this dtype. */
static mx_dtype operand_dtype(mx_pw_domain d, mx_dtype t) {
    if (d == MX_PWD_LOGIC)
        return MX_BOOL;
    return d == MX_PWD_INEXACT || d == MX_PWD_FLOAT ? mx_dtype_to_inexact(t) : t;
}

static mx_array *refuse(mx_pointwise p, mx_dtype t) {
    if (p == MX_PW_negative)
        return mx_fail(MX_INVALID, "[negative] Not supported for bool, use logical_not instead.");
    if (p == MX_PW_bitwise_invert)
        return mx_fail(MX_INVALID,
                       "[bitwise_invert] Bitwise inverse only allowed on integer types.");
    return mx_fail(MX_INVALID, "[%s] Not supported for %s.", mx_pw_infos[p].name, mx_dtype_name(t));
}

static mx_array *unary(mx_pointwise p, mx_array *a) {
    const mx_pw_info *info = &mx_pw_infos[p];
    if (!a)
        return NULL;
    mx_dtype t = operand_dtype(info->domain, mx_dtype_of(a));
    if (!mx_pw_accepts(info->domain, mx_dtype_compute(t)))
        return refuse(p, t);
    if ((p == MX_PW_real || p == MX_PW_conjugate) && t != MX_COMPLEX64)
        return a;
    return mx_apply1((mx_prim)p, NULL, mx_astype(a, t));
}

#define UNARY(name, Name, domain, result) \
    mx_array *mx_##name(mx_array *a) {    \
        return unary(MX_PW_##name, a);    \
    }
#include "kernels/pointwise/pointwise.def"

mx_array *mx_positive(mx_array *a) {
    return a;
}

static mx_array *to_inexact(mx_array *a) {
    return a ? mx_astype(a, mx_dtype_to_inexact(mx_dtype_of(a))) : NULL;
}
mx_array *mx_reciprocal(mx_array *a) {
    return mx_rdiv_s(1, to_inexact(a));
}
/* a s, of which s is not rounded to a half. */
static mx_array *in_units(mx_array *a, double s) {
    return a ? mx_astype(mx_mul_s(mx_inside(a), s), mx_dtype_to_inexact(mx_dtype_of(a))) : NULL;
}
mx_array *mx_degrees(mx_array *a) {
    return in_units(a, 180 / PI);
}
mx_array *mx_radians(mx_array *a) {
    return in_units(a, PI / 180);
}

mx_array *mx_round_decimals(mx_array *a, int decimals) {
    if (!a || decimals == 0)
        return mx_round(a);
    mx_dtype t = mx_dtype_of(a);
    if (!mx_dtype_is_inexact(t) && decimals > 0)
        return a;
    mx_array *x = mx_inside(a);
    mx_array *scale = x ? mx_scalar(pow(10, fabs((double)decimals)), mx_dtype_of(x)) : NULL;
    if (decimals > 0)
        return mx_astype(mx_div(mx_round(mx_mul(x, scale)), scale), t);
    return mx_astype(mx_mul(mx_round(mx_div(x, scale)), scale), t);
}

/* --- what kind of number ---------------------------------------------------------- */

static bool inexact(const mx_array *a) {
    return mx_dtype_is_inexact(mx_dtype_of(a));
}
static mx_array *all_false(mx_array *a) {
    return mx_fill_like(mx_scalar(0, MX_BOOL), a);
}
static mx_array *equals(mx_array *a, double value) {
    return !a ? NULL : inexact(a) ? mx_equal(a, mx_scalar(value, mx_dtype_of(a))) : all_false(a);
}

mx_array *mx_isnan(mx_array *a) {
    return !a ? NULL : inexact(a) ? mx_not_equal(a, a) : all_false(a);
}
mx_array *mx_isposinf(mx_array *a) {
    return equals(a, INFINITY);
}
mx_array *mx_isneginf(mx_array *a) {
    return equals(a, -INFINITY);
}
mx_array *mx_isinf(mx_array *a) {
    if (a && a->dtype == MX_COMPLEX64)
        return mx_logical_or(mx_isinf(mx_real(a)), mx_isinf(mx_imag(a)));
    return !a ? NULL : inexact(a) ? equals(mx_abs(a), INFINITY) : all_false(a);
}
mx_array *mx_isfinite(mx_array *a) {
    if (!a || !inexact(a))
        return a ? mx_fill_like(mx_scalar(1, MX_BOOL), a) : NULL;
    if (a->dtype == MX_COMPLEX64)
        return mx_logical_and(mx_isfinite(mx_real(a)), mx_isfinite(mx_imag(a)));
    return mx_less(mx_abs(a), mx_scalar(INFINITY, mx_dtype_of(a)));
}

static double largest(mx_dtype t) {
    switch (t) {
    case MX_FLOAT16: return 65504;
    case MX_BFLOAT16: return 0x1.fep127;
    case MX_FLOAT32: return 0x1.fffffep127;
    default: return 0x1.fffffffffffffp1023;
    }
}

mx_array *mx_nan_to_num(mx_array *a, double nan, const double *posinf, const double *neginf) {
    if (!a || !inexact(a))
        return a;
    mx_dtype t = mx_dtype_of(a);
    if (t == MX_COMPLEX64)
        return mx_fail(MX_INVALID, "[nan_to_num] Does not yet support given type: complex64.");
    double high = posinf ? *posinf : largest(t), low = neginf ? *neginf : -largest(t);
    mx_array *r = mx_where(mx_isnan(a), mx_scalar(nan, t), a);
    r = mx_where(mx_isposinf(a), mx_scalar(high, t), r);
    return mx_where(mx_isneginf(a), mx_scalar(low, t), r);
}
