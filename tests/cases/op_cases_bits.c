/* Cases: logic, bits, complex numbers, casts, creation, random bits. */
#include <complex.h>
#include <math.h>

#include "op_cases.h"

#define LIST(...) \
    (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
#define CASE(name, expression)                       \
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

CASE(logical_not, mx_logical_not(a))
CASE(logical_and, mx_logical_and(a, b))
CASE(logical_or, mx_logical_or(a, b))
CASE(logical_xor, mx_logical_xor(a, b))
CASE(bitwise_invert, mx_bitwise_invert(whole(a)))
CASE(bitwise_and, mx_bitwise_and(whole(a), whole(b)))
CASE(bitwise_or, mx_bitwise_or(whole(a), whole(b)))
CASE(bitwise_xor, mx_bitwise_xor(whole(a), whole(b)))
CASE(left_shift, mx_left_shift(whole(a), whole(b)))
CASE(right_shift, mx_right_shift(whole(a), whole(b)))
CASE(floor_divide, mx_floor_divide(a, b))
CASE(not_equal, mx_not_equal(a, b))
CASE(less_equal, mx_less_equal(a, b))
CASE(greater, mx_greater(a, b))
CASE(isnan, mx_isnan(mx_div(a, mx_sub(b, b))))
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

/* --- casts, creation, random bits ---------------------------------------------------- */

CASE(astype, mx_mul(mx_astype(a, MX_FLOAT64), mx_astype(a, MX_FLOAT64)))
POINT(astype, x[0] * x[0])
CASE(view, mx_view_as(mx_view_as(mx_astype(a, MX_FLOAT32), MX_UINT16), MX_FLOAT32))
CASE(view_not, mx_astype(a, MX_FLOAT32))
POINT(view, (float)x[0])

static mx_array *f_depends(mx_array *const *in) {
    mx_array *out[2] = {0}, *pair[2] = {in[0], mx_square(in[0])}, *late = mx_exp(in[1]);
    return mx_depends(pair, 2, &late, 1, out) ? mx_mul(out[0], out[1]) : NULL;
}
POINT(depends, x[0] * x[0] * x[0])

static mx_array *row(mx_array *a, mx_array *made) {
    return mx_mul(a, mx_astype(made, a ? mx_dtype_of(a) : MX_FLOAT32));
}
CASE(arange, row(a, mx_arange(1, 6, 1, MX_FLOAT32)))
CASE(linspace, row(a, mx_linspace(1, 5, 5, true, MX_FLOAT32)))
CASE(eye, mx_matmul(a, row(b, mx_eye(5, 5, 1, MX_FLOAT32))))
CASE(shifted, mx_pad(mx_mul(mx_slice_axis(a, 1, 0, 4), mx_slice_axis(b, 0, 1, 5)), LIST(1),
                     (int[]){1}, (int[]){0}, NULL, "constant"))
CASE(tri, mx_matmul(a, mx_transpose(row(b, mx_tri(5, 5, 0, MX_FLOAT32)))))
CASE(running, mx_scan(MX_CUMSUM, mx_mul(a, b), 1, false, true))

/* a (N,5) plus three bits a number from the key b (2). */
static mx_array *f_random_bits(mx_array *const *in) {
    mx_array *a = in[0];
    if (!a)
        return NULL;
    mx_array *bits = mx_random_bits(a->shape, a->ndim, 4, mx_astype(in[1], MX_UINT32));
    mx_array *three = mx_bitwise_and(bits, mx_scalar_i64(7, MX_UINT32));
    return mx_add(a, mx_astype(three, mx_dtype_of(a)));
}
CASE(random_keys, mx_random_bits(LIST(4, 3), 2, mx_astype(a, MX_UINT32)))
/* a (N,5), the key b (2). */
CASE(categorical, mx_random_categorical(a, -1, mx_astype(b, MX_UINT32)))
static mx_array *f_categorical_by_hand(mx_array *const *in) {
    mx_array *a = in[0];
    mx_array *noise =
        a ? mx_random_gumbel(a->shape, 2, MX_FLOAT32, mx_astype(in[1], MX_UINT32)) : NULL;
    return mx_arg_reduce(true, mx_add(a, noise), 1, false);
}

#define IN(lo, hi)  {2, {N, 5}, lo, hi, false, false}
#define ROW(lo, hi) {1, {5}, lo, hi, false, false}
#define MASK        {2, {N, 5}, -1, 1, false, true}
#define MASK_ROW    {1, {5}, -1, 1, false, true}
#define KEY         {1, {2}, 0, 1000, true, false}
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

const op_case op_cases_bits[] = {
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
    {"arange", f_arange, NULL, f_linspace, INTS, {IN(-3, 3)}},
    {"linspace", f_linspace, NULL, f_arange, INTS, {IN(-3, 3)}},
    {"eye", f_eye, NULL, f_shifted, LOOSE, {IN(-3, 3), ROW(-3, 3)}},
    {"tri", f_tri, NULL, NULL, LOOSE, {IN(-3, 3), ROW(-3, 3)}},
    {"cumsum of a product", f_running, NULL, NULL, LOOSE, {IN(-3, 3), ROW(-3, 3)}},
    {"random_bits", f_random_bits, NULL, NULL, INTS, {IN(-3, 3), KEY}},
    {"random_bits of keys",
     f_random_keys,
     NULL,
     NULL,
     NO_GRAD | NO_HALF,
     {{1, {2}, 0, 1000, false, false}}},
    {"categorical",
     f_categorical,
     NULL,
     f_categorical_by_hand,
     NO_GRAD | NO_EMPTY,
     {IN(-3, 3), KEY}},
    {0},
};
