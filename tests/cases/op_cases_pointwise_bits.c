/* Cases: logic, bits, complex numbers, casts. */
#include <complex.h>
#include <math.h>

#include "op_cases.h"

#define F(name, expression)                          \
    static mx_array *f_##name(mx_array *const *in) { \
        mx_array *a = in[0], *b = in[1];             \
        return (void)a, (void)b, (expression);       \
    }
#define POINT(name, expression)               \
    static double p_##name(const double *x) { \
        return expression;                    \
    }

/* --- logic and bits ------------------------------------------------------------------ */

static mx_array *whole(mx_array *a) {
    return mx_astype(a, MX_INT32);
}

F(logical_not, mx_logical_not(a))
F(logical_and, mx_logical_and(a, b))
F(logical_or, mx_logical_or(a, b))
F(logical_xor, mx_logical_xor(a, b))
F(bitwise_invert, mx_bitwise_invert(whole(a)))
F(bitwise_and, mx_bitwise_and(whole(a), whole(b)))
F(bitwise_or, mx_bitwise_or(whole(a), whole(b)))
F(bitwise_xor, mx_bitwise_xor(whole(a), whole(b)))
F(left_shift, mx_left_shift(whole(a), whole(b)))
F(right_shift, mx_right_shift(whole(a), whole(b)))
F(floor_divide, mx_floor_divide(a, b))
F(not_equal, mx_not_equal(a, b))
F(less_equal, mx_less_equal(a, b))
F(greater, mx_greater(a, b))
F(isnan, mx_isnan(mx_div(a, mx_sub(b, b))))
POINT(logical_not, !x[0])
POINT(logical_and, x[0] && x[1])
POINT(logical_or, x[0] || x[1])
POINT(logical_xor, !x[0] != !x[1])
POINT(bitwise_invert, ~(int)x[0])
POINT(bitwise_and, (int)x[0] & (int)x[1])
POINT(bitwise_or, (int)x[0] | (int)x[1])
POINT(bitwise_xor, (int)x[0] ^ (int)x[1])
POINT(left_shift, (int)x[0] << (int)x[1])
POINT(right_shift, (int)x[0] >> (int)x[1])
POINT(floor_divide, floor(x[0] / x[1]))
POINT(not_equal, x[0] != x[1])
POINT(less_equal, x[0] <= x[1])
POINT(greater, x[0] > x[1])
POINT(isnan, x[0] == 0)

/* --- complex: inputs are the real and the imaginary part ----------------------------- */

static mx_array *joined(mx_array *re, mx_array *im) {
    mx_array *i = mx_mul(mx_astype(im, MX_COMPLEX64), mx_scalar_c64((mx_complex64){0, 1}));
    return mx_add(mx_astype(re, MX_COMPLEX64), i);
}

/* Both parts of the result in one number. */
static mx_array *mixed(mx_array *z) {
    return mx_add(mx_real(z), mx_mul_s(mx_imag(z), 2));
}

#define COMPLEX(name, ours, theirs)                       \
    static mx_array *f_##name(mx_array *const *in) {      \
        mx_array *z = joined(in[0], in[1]);               \
        return mixed(ours);                               \
    }                                                     \
    static double p_##name(const double *x) {             \
        double complex z = x[0] + I * x[1], w = (theirs); \
        return creal(w) + 2 * cimag(w);                   \
    }

COMPLEX(complex_real, mx_real(mx_square(z)), creal(z *z))
COMPLEX(complex_imag, mx_imag(mx_square(z)), cimag(z *z))
COMPLEX(complex_conjugate, mx_mul(mx_conjugate(z), mx_square(z)), conj(z) * z * z)
COMPLEX(complex_abs, mx_abs(z), cabs(z))
COMPLEX(complex_sign, mx_sign(z), z / cabs(z))
COMPLEX(complex_multiply, mx_mul(z, mx_add_s(z, 3)), z *(z + 3))
COMPLEX(complex_divide, mx_rdiv_s(2, mx_add_s(z, 4)), 2 / (z + 4))
COMPLEX(complex_power, mx_power(mx_add_s(z, 3), z), cpow(z + 3, z))
COMPLEX(complex_exp, mx_exp(z), cexp(z))
COMPLEX(complex_log, mx_log(mx_add_s(z, 3)), clog(z + 3))
COMPLEX(complex_log1p, mx_log1p(mx_add_s(z, 2)), clog(z + 3))
COMPLEX(complex_sqrt, mx_sqrt(mx_add_s(z, 3)), csqrt(z + 3))
COMPLEX(complex_rsqrt, mx_rsqrt(mx_add_s(z, 3)), 1 / csqrt(z + 3))
COMPLEX(complex_sin, mx_sin(z), csin(z))
COMPLEX(complex_cos, mx_cos(z), ccos(z))
/* away from the poles, where differences mean nothing */
COMPLEX(complex_tan, mx_tan(mx_mul_s(z, 0.5)), ctan(z / 2))
COMPLEX(complex_sinh, mx_sinh(z), csinh(z))
COMPLEX(complex_cosh, mx_cosh(z), ccosh(z))
COMPLEX(complex_tanh, mx_tanh(mx_mul_s(z, 0.5)), ctanh(z / 2))
COMPLEX(complex_sigmoid, mx_sigmoid(z), 1 / (1 + cexp(-z)))

/* --- casts ----------------------------------------------------------------------------- */

F(astype, mx_mul(mx_astype(a, MX_FLOAT64), mx_astype(a, MX_FLOAT64)))
POINT(astype, x[0] * x[0])
F(view, mx_view_as(mx_view_as(mx_astype(a, MX_FLOAT32), MX_UINT16), MX_FLOAT32))
F(view_not, mx_astype(a, MX_FLOAT32))
POINT(view, (float)x[0])

static mx_array *f_depends(mx_array *const *in) {
    mx_array *out[2] = {0}, *pair[2] = {in[0], mx_square(in[0])}, *late = mx_exp(in[1]);
    return mx_depends(pair, 2, &late, 1, out) ? mx_mul(out[0], out[1]) : NULL;
}
POINT(depends, x[0] * x[0] * x[0])

#define IN(lo, hi)  {2, {N, 5}, lo, hi, false, false}
#define ROW(lo, hi) {1, {5}, lo, hi, false, false}
#define MASK        {2, {N, 5}, -1, 1, false, true}
#define MASK_ROW    {1, {5}, -1, 1, false, true}
#define BITS(name, lo, hi, lo2, hi2)                       \
    {                                                      \
        #name, f_##name, p_##name, NULL, INTS | NO_GRAD, { \
            IN(lo, hi), ROW(lo2, hi2)                      \
        }                                                  \
    }
#define LOGIC(name)                                        \
    {                                                      \
        #name, f_##name, p_##name, NULL, INTS | NO_GRAD, { \
            MASK, MASK_ROW                                 \
        }                                                  \
    }
#define Z(name, flags)                                                         \
    {                                                                          \
        #name, f_##name, p_##name, NULL, SINGLE | LOOSE | NO_HALF | (flags), { \
            IN(-1.5, 1.5), IN(0.2, 1.5)                                        \
        }                                                                      \
    }

const op_case op_cases_pointwise_bits[] = {
    {"logical_not", f_logical_not, p_logical_not, NULL, INTS | NO_GRAD, {MASK}},
    LOGIC(logical_and),
    LOGIC(logical_or),
    LOGIC(logical_xor),
    {"bitwise_invert", f_bitwise_invert, p_bitwise_invert, NULL, INTS | NO_GRAD, {IN(-90, 90)}},
    BITS(bitwise_and, -90, 90, -90, 90),
    BITS(bitwise_or, -90, 90, -90, 90),
    BITS(bitwise_xor, -90, 90, -90, 90),
    BITS(left_shift, 0, 90, 0, 3),
    BITS(right_shift, -90, 90, 0, 3),
    BITS(floor_divide, -90, 90, 2, 7),
    BITS(not_equal, -2, 2, -2, 2),
    BITS(less_equal, -2, 2, -2, 2),
    BITS(greater, -2, 2, -2, 2),
    {"isnan", f_isnan, p_isnan, NULL, NO_GRAD, {IN(-2, 2), ROW(-2, 2)}},
    Z(complex_real, 0),
    Z(complex_imag, 0),
    Z(complex_conjugate, 0),
    Z(complex_abs, 0),
    Z(complex_sign, NO_GRAD),
    Z(complex_multiply, 0),
    Z(complex_divide, 0),
    Z(complex_power, 0),
    Z(complex_exp, 0),
    Z(complex_log, 0),
    Z(complex_log1p, 0),
    Z(complex_sqrt, 0),
    Z(complex_rsqrt, 0),
    Z(complex_sin, 0),
    Z(complex_cos, 0),
    Z(complex_tan, 0),
    Z(complex_sinh, 0),
    Z(complex_cosh, 0),
    Z(complex_tanh, 0),
    Z(complex_sigmoid, 0),
    {"astype", f_astype, p_astype, NULL, INTS, {IN(-3, 3)}},
    {"view", f_view, p_view, f_view_not, INTS | NO_GRAD, {IN(-3, 3)}},
    {"depends", f_depends, p_depends, NULL, LOOSE, {IN(-3, 3), ROW(-1, 1)}},
    {0},
};
