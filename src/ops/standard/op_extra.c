/* Pointwise operations that are composed of others. */
#include <math.h>

#include "base/status.h"
#include "ops/standard/extra.h"
#include "ops/rules.h"

/* Both as floats of one dtype; NULL and an error for complex numbers. */
static bool floats(const char *op, mx_array **a, mx_array **b) {
    if (!*a || !*b || !mx_promote2(a, b))
        return false;
    mx_dtype t = mx_dtype_to_inexact(mx_dtype_of(*a));
    if (t == MX_COMPLEX64)
        return mx_fail(MX_INVALID, "[%s] complex numbers have no order", op);
    *a = mx_astype(*a, t);
    *b = mx_astype(*b, t);
    return *a && *b;
}

/* The power 1/3 and a step of Newton's method, (2 y + a / y^2) / 3, which puts right what the power
 * and the rounded third lost. In float32 at least. */
mx_array *mx_cbrt(mx_array *a) {
    if (!a)
        return NULL;
    mx_dtype t = mx_dtype_to_inexact(mx_dtype_of(a));
    if (t == MX_COMPLEX64)
        return mx_fail(MX_INVALID, "[cbrt] complex numbers have three cube roots");
    a = mx_astype(mx_astype(a, t), t == MX_FLOAT64 ? MX_FLOAT64 : MX_FLOAT32);
    mx_array *plain = mx_logical_or(mx_equal(a, mx_zero_like(a)), mx_logical_not(mx_isfinite(a)));
    mx_array *x = mx_where(plain, mx_one_like(a), mx_abs(a));
    mx_array *y = mx_power(x, mx_scalar_like(x, 1.0 / 3));
    y = mx_sub(y, mx_div(mx_sub(y, mx_div(x, mx_square(y))), mx_scalar_like(x, 3)));
    return mx_astype(mx_where(plain, a, mx_mul(y, mx_sign(a))), t);
}

mx_array *mx_exp2(mx_array *a) {
    a = a ? mx_astype(a, mx_dtype_to_inexact(mx_dtype_of(a))) : NULL;
    return mx_power(mx_scalar_like(a, 2), a);
}

static const double PI = 3.14159265358979323846;

/* sin(pi x) = (-1)^k sin(pi (x - k)) with the nearest k: what is subtracted is exact, and whole
   numbers give 0. */
static mx_array *sin_pi(mx_array *x) {
    mx_array *k = mx_stop_gradient(mx_round(x)), *half = mx_mul_s(k, 0.5);
    mx_array *sign = mx_add_s(mx_mul_s(mx_sub(half, mx_floor(half)), -4), 1);
    return mx_mul(sign, mx_sin(mx_mul_s(mx_sub(x, k), PI)));
}

mx_array *mx_sinc(mx_array *a) {
    a = a ? mx_astype(a, mx_dtype_to_inexact(mx_dtype_of(a))) : NULL;
    if (!a)
        return NULL;
    mx_array *zero = mx_equal(a, mx_zero_like(a)), *x = mx_where(zero, mx_one_like(a), a);
    mx_array *y = mx_div(sin_pi(x), mx_mul_s(x, PI));
    return mx_where(zero, mx_one_like(a), mx_where(mx_isinf(a), mx_zero_like(a), y));
}

/* y, and where one of the operands is NaN the other. */
static mx_array *not_nan(mx_array *a, mx_array *b, mx_array *y) {
    return mx_where(mx_isnan(a), b, mx_where(mx_isnan(b), a, y));
}
mx_array *mx_fmax(mx_array *a, mx_array *b) {
    return mx_promote2(&a, &b) ? not_nan(a, b, mx_maximum(a, b)) : NULL;
}
mx_array *mx_fmin(mx_array *a, mx_array *b) {
    return mx_promote2(&a, &b) ? not_nan(a, b, mx_minimum(a, b)) : NULL;
}

mx_array *mx_heaviside(mx_array *a, mx_array *b) {
    if (!floats("heaviside", &a, &b))
        return NULL;
    mx_array *zero = mx_zero_like(a), *step = mx_where(mx_less(a, zero), zero, mx_one_like(a));
    step = mx_where(mx_equal(a, zero), b, step);
    return mx_where(mx_isnan(a), a, step);
}

/* The larger times sqrt(1 + ratio^2): no square overflows. */
mx_array *mx_hypot(mx_array *a, mx_array *b) {
    if (!floats("hypot", &a, &b))
        return NULL;
    a = mx_abs(a);
    b = mx_abs(b);
    mx_array *large = mx_maximum(a, b), *small = mx_minimum(a, b);
    mx_array *plain = mx_logical_or(mx_equal(small, mx_zero_like(small)), mx_isinf(large));
    mx_array *ratio = mx_div(small, mx_where(plain, mx_one_like(large), large));
    mx_array *inf = mx_logical_or(mx_isinf(a), mx_isinf(b)); // also beside NaN
    mx_array *y = mx_where(plain, large, mx_mul(large, mx_sqrt(mx_add_s(mx_square(ratio), 1))));
    return mx_where(inf, mx_scalar_like(y, INFINITY), y);
}

static mx_dtype bits_of(mx_dtype t) {
    switch (mx_dtype_size(t)) {
    case 2: return MX_INT16;
    case 4: return MX_INT32;
    default: return MX_INT64;
    }
}

mx_array *mx_signbit(mx_array *a) {
    if (!a)
        return NULL;
    mx_dtype t = mx_dtype_of(a);
    if (t == MX_COMPLEX64)
        return mx_fail(MX_INVALID, "[signbit] complex numbers have no sign");
    mx_array *i = mx_dtype_is_float(t) ? mx_view_as(mx_stop_gradient(a), bits_of(t)) : a;
    return mx_less(i, mx_zero_like(i));
}

mx_array *mx_copysign(mx_array *a, mx_array *b) {
    if (!floats("copysign", &a, &b))
        return NULL;
    mx_array *size = mx_abs(a);
    return mx_where(mx_signbit(b), mx_negative(size), size);
}

/* The floats of one sign are in the order of their bits. */
mx_array *mx_nextafter(mx_array *a, mx_array *b) {
    if (!floats("nextafter", &a, &b))
        return NULL;
    mx_dtype t = mx_dtype_of(a);
    mx_array *sum = mx_add(a, b), *zero = mx_zero_like(a);
    if (!sum)
        return NULL;
    mx_array *bits = mx_view_as(mx_broadcast_like(a, sum), bits_of(t));
    mx_array *away = mx_equal(mx_less(a, b), mx_greater(a, zero));
    mx_array *next =
        mx_view_as(mx_add(bits, mx_where(away, mx_one_like(bits), mx_scalar_like(bits, -1))), t);
    mx_array *least = mx_view_as(mx_one_like(bits), t);
    next = mx_where(mx_equal(a, zero), mx_copysign(least, b), next);
    next = mx_where(mx_equal(a, b), b, next);
    return mx_where(mx_isnan(sum), mx_where(mx_logical_or(mx_isnan(a), mx_isnan(b)), sum, next),
                    next);
}

/* Each is looked for in the sorted list. */
mx_array *mx_isin(mx_array *a, mx_array *of, bool invert) {
    if (!a || !of || !mx_promote2(&a, &of))
        return NULL;
    mx_array *list = mx_sort(mx_flatten(of, 0, -1), 0);
    if (!list || !list->shape[0])
        return list ? mx_full_s(a->shape, a->ndim, invert, MX_BOOL) : NULL;
    mx_array *at = mx_astype(mx_searchsorted(list, a, false), MX_INT32),
             *last = mx_last_place(list);
    mx_array *found = mx_take_flat(list, mx_minimum(at, last));
    return invert ? mx_not_equal(found, a) : mx_equal(found, a);
}

/* --- reductions --------------------------------------------------------------------- */

mx_array *mx_ptp(mx_array *a, const int *axes, int n, bool keepdims) {
    int sorted[MX_MAX_NDIM]; // its own name in what it refuses
    if (!a || (n = mx_axes_sorted("ptp", axes, n, a->ndim, sorted)) < 0)
        return NULL;
    return mx_sub(mx_reduce(MX_MAX, a, sorted, n, keepdims),
                  mx_reduce(MX_MIN, a, sorted, n, keepdims));
}
