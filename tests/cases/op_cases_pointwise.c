/* Cases: pointwise operations. Ranges avoid poles, jumps and branch points. */
#include <math.h>

#include "op_cases.h"
#include "ops/standard/extra.h"

/* A row: the operation's name, the element in double (x[0], x[1], x[2]). */
#define POINT(name, expression)               \
    static double p_##name(const double *x) { \
        return expression;                    \
    }
#define F1(name)                                     \
    static mx_array *f_##name(mx_array *const *in) { \
        return mx_##name(in[0]);                     \
    }
#define F2(name)                                     \
    static mx_array *f_##name(mx_array *const *in) { \
        return mx_##name(in[0], in[1]);              \
    }
#define P1(name, expression) F1(name) POINT(name, expression)
#define P2(name, expression) F2(name) POINT(name, expression)

static double sign(double v) {
    return v > 0 ? 1 : v < 0 ? -1 : 0;
}

P1(abs, fabs(x[0]))
P1(negative, -x[0])
P1(sign, sign(x[0]))
P1(square, x[0] * x[0])
P1(sqrt, sqrt(x[0]))
P1(rsqrt, 1 / sqrt(x[0]))
P1(exp, exp(x[0]))
P1(expm1, expm1(x[0]))
P1(log, log(x[0]))
P1(log2, log2(x[0]))
P1(log10, log10(x[0]))
P1(log1p, log1p(x[0]))
P1(sin, sin(x[0]))
P1(cos, cos(x[0]))
P1(tan, tan(x[0]))
P1(arcsin, asin(x[0]))
P1(arccos, acos(x[0]))
P1(arctan, atan(x[0]))
P1(sinh, sinh(x[0]))
P1(cosh, cosh(x[0]))
P1(tanh, tanh(x[0]))
P1(arcsinh, asinh(x[0]))
P1(arccosh, acosh(x[0]))
P1(arctanh, atanh(x[0]))
P1(erf, erf(x[0]))
P1(sigmoid, 1 / (1 + exp(-x[0])))
P1(lgamma, lgamma(x[0]))
P1(floor, floor(x[0]))
P1(ceil, ceil(x[0]))
P1(trunc, trunc(x[0]))
P1(round, nearbyint(x[0]))
P1(reciprocal, 1 / x[0])
P1(cbrt, cbrt(x[0]))
P1(exp2, exp2(x[0]))
P1(sinc, sin(3.14159265358979324 * x[0]) / (3.14159265358979324 * x[0]))
P1(degrees, x[0] * 57.29577951308232)
P1(radians, x[0] * 0.017453292519943295)
F1(erfinv)
F1(digamma)
P2(add, x[0] + x[1])
P2(subtract, x[0] - x[1])
P2(multiply, x[0] * x[1])
P2(divide, x[0] / x[1])
P2(remainder, x[0] - floor(x[0] / x[1]) * x[1])
P2(power, pow(x[0], x[1]))
P2(maximum, x[0] > x[1] ? x[0] : x[1])
P2(minimum, x[0] < x[1] ? x[0] : x[1])
P2(arctan2, atan2(x[0], x[1]))
P2(fmax, fmax(x[0], x[1]))
P2(fmin, fmin(x[0], x[1]))
P2(heaviside, x[0] > 0 ? 1 : x[0] < 0 ? 0 : x[1])
P2(hypot, hypot(x[0], x[1]))
P2(copysign, copysign(x[0], x[1]))
P2(logaddexp, log(exp(x[0]) + exp(x[1])))
P2(equal, x[0] == x[1])
P2(less, x[0] < x[1])
P2(greater_equal, x[0] >= x[1])

static mx_array *f_where(mx_array *const *in) {
    return mx_where(in[0], in[1], in[2]);
}
POINT(where, x[0] ? x[1] : x[2])
static mx_array *f_clip(mx_array *const *in) {
    return mx_clip(in[0], in[1], in[2]);
}
POINT(clip, fmin(fmax(x[0], x[1]), x[2]))
/* d lgamma, by its own derivative at the inverse: erf(erfinv(x)) is x. */
static mx_array *same_digamma(mx_array *const *in) {
    return mx_sub(mx_digamma(mx_add_s(in[0], 1)), mx_reciprocal(in[0]));
}
static mx_array *f_erf_of_erfinv(mx_array *const *in) {
    return mx_erf(mx_erfinv(in[0]));
}
static mx_array *f_nan_to_num(mx_array *const *in) {
    return mx_nan_to_num(in[0], 0, NULL, NULL);
}
static mx_array *f_gelu(mx_array *const *in) {
    mx_array *x = in[0];
    return mx_mul(mx_mul_s(x, 0.5), mx_add_s(mx_erf(mx_mul_s(x, 0.70710678118654752)), 1));
}
POINT(gelu, 0.5 * x[0] * (1 + erf(x[0] * 0.70710678118654752)))
POINT(identity, x[0])

#define IN(lo, hi)  {2, {N, 5}, lo, hi, false, false}
#define ROW(lo, hi) {1, {5}, lo, hi, false, false}
#define WHEN        {2, {N, 5}, -1, 1, false, true}
#define C1(name, flags, lo, hi)                   \
    {                                             \
        #name, f_##name, p_##name, NULL, flags, { \
            IN(lo, hi)                            \
        }                                         \
    }
#define C2(name, flags, lo, hi, lo2, hi2)         \
    {                                             \
        #name, f_##name, p_##name, NULL, flags, { \
            IN(lo, hi), ROW(lo2, hi2)             \
        }                                         \
    }

const op_case op_cases_pointwise[] = {
    C1(abs, INTS, 0.1, 3),
    C1(negative, INTS, -3, 3),
    C1(sign, INTS, 0.1, 3),
    C1(square, INTS, -3, 3),
    C1(sqrt, 0, 0.1, 9),
    C1(rsqrt, 0, 0.1, 9),
    C1(exp, 0, -3, 3),
    C1(expm1, 0, -2, 2),
    C1(log, 0, 0.1, 9),
    C1(log2, 0, 0.1, 9),
    C1(log10, 0, 0.1, 9),
    C1(log1p, 0, -0.5, 9),
    C1(sin, 0, -7, 7),
    C1(cos, 0, -7, 7),
    C1(cbrt, 0, 0.5, 9),
    C1(exp2, 0, -3, 3),
    C1(sinc, LOOSE, 0.1, 0.9),
    C1(tan, LOOSE, -1.2, 1.2),
    C1(arcsin, 0, -0.9, 0.9),
    C1(arccos, 0, -0.9, 0.9),
    C1(arctan, 0, -3, 3),
    C1(sinh, 0, -2, 2),
    C1(cosh, 0, -2, 2),
    C1(tanh, 0, -2, 2),
    C1(arcsinh, 0, -3, 3),
    C1(arccosh, 0, 1.2, 5),
    C1(arctanh, 0, -0.9, 0.9),
    C1(erf, 0, -2, 2),
    C1(sigmoid, 0, -5, 5),
    C1(lgamma, LOOSE, 0.3, 6),
    C1(floor, NO_GRAD, -3, 3),
    C1(ceil, NO_GRAD, -3, 3),
    C1(trunc, NO_GRAD, -3, 3),
    C1(round, NO_GRAD, -3, 3),
    C1(reciprocal, 0, 0.3, 3),
    C1(degrees, 0, -3, 3),
    C1(radians, 0, -3, 3),
    C1(gelu, 0, -3, 3),
    {"digamma", f_digamma, NULL, same_digamma, LOOSE | NO_HALF, {IN(-0.9, -0.1)}},
    {"erfinv", f_erfinv, NULL, NULL, 0, {IN(-0.9, 0.9)}},
    {"erf of erfinv", f_erf_of_erfinv, p_identity, NULL, LOOSE, {IN(-0.9, 0.9)}},
    {"nan_to_num", f_nan_to_num, p_identity, NULL, 0, {IN(-3, 3)}},
    C2(add, INTS, -3, 3, -3, 3),
    C2(subtract, INTS, -3, 3, -3, 3),
    C2(multiply, INTS, -3, 3, -3, 3),
    C2(divide, 0, -3, 3, 0.5, 2),
    C2(remainder, NO_GRAD | NO_HALF, 0.1, 9, 2, 3),
    C2(power, LOOSE, 0.3, 3, -2, 2),
    C2(maximum, INTS, -3, 3, -3, 3),
    C2(minimum, INTS, -3, 3, -3, 3),
    C2(arctan2, 0, 0.3, 3, 0.3, 3),
    C2(fmax, INTS, -3, 3, -3, 3),
    C2(fmin, INTS, -3, 3, -3, 3),
    C2(heaviside, 0, 0.5, 3, -3, 3),
    C2(hypot, 0, 0.3, 3, 0.3, 3),
    C2(copysign, 0, 0.5, 3, 0.5, 3),
    C2(logaddexp, 0, -3, 3, -3, 3),
    C2(equal, INTS | NO_GRAD, -1, 1, -1, 1),
    C2(less, INTS | NO_GRAD, -3, 3, -3, 3),
    C2(greater_equal, INTS | NO_GRAD, -3, 3, -3, 3),
    {"where", f_where, p_where, NULL, INTS, {WHEN, IN(-3, 3), ROW(-3, 3)}},
    {"clip", f_clip, p_clip, NULL, INTS, {IN(-3, 3), ROW(-2, -1), ROW(1, 2)}},
    {0},
};
