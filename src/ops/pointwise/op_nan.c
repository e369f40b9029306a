/* Reductions that pass over what is not a number. */
#include <math.h>

#include "ops/standard/extra.h"
#include "ops/rules.h"

static bool has_nan(const mx_array *a) {
    return mx_dtype_is_inexact(mx_dtype_of(a));
}

/* a with `instead` where it is NaN. */
static mx_array *replace(mx_array *a, double instead) {
    return mx_where(mx_isnan(a), mx_scalar_like(a, instead), a);
}

mx_array *mx_nansum(mx_array *a, const int *axes, int n, bool keepdims) {
    return a ? mx_sum(has_nan(a) ? replace(a, 0) : a, axes, n, keepdims) : NULL;
}

mx_array *mx_nanprod(mx_array *a, const int *axes, int n, bool keepdims) {
    return a ? mx_reduce(MX_PROD, has_nan(a) ? replace(a, 1) : a, axes, n, keepdims) : NULL;
}

static mx_array *extreme(mx_reduce_op op, mx_array *a, const int *axes, int n, bool keepdims) {
    if (!a || !has_nan(a) || mx_dtype_of(a) == MX_COMPLEX64)
        return a ? mx_reduce(op, a, axes, n, keepdims) : NULL;
    mx_array *all = mx_reduce(MX_ALL, mx_isnan(a), axes, n, keepdims);
    mx_array *y = mx_reduce(op, replace(a, op == MX_MAX ? -INFINITY : INFINITY), axes, n, keepdims);
    return mx_where(all, mx_scalar_like(y, NAN), y);
}

mx_array *mx_nanmax(mx_array *a, const int *axes, int n, bool keepdims) {
    return extreme(MX_MAX, a, axes, n, keepdims);
}
mx_array *mx_nanmin(mx_array *a, const int *axes, int n, bool keepdims) {
    return extreme(MX_MIN, a, axes, n, keepdims);
}

/* How many numbers there are, in dtype t. */
static mx_array *count_numbers(mx_array *a, const int *axes, int n, bool keepdims, mx_dtype t) {
    return mx_sum(mx_astype(mx_logical_not(mx_isnan(a)), t), axes, n, keepdims);
}

mx_array *mx_nanmean(mx_array *a, const int *axes, int n, bool keepdims) {
    if (!a || !has_nan(a))
        return mx_mean(a, axes, n, keepdims);
    mx_dtype t = mx_dtype_of(a), wide = mx_dtype_compute(t);
    mx_array *x = mx_astype(a, wide);
    return mx_astype(
        mx_div(mx_nansum(x, axes, n, keepdims), count_numbers(x, axes, n, keepdims, wide)), t);
}

mx_array *mx_nanvar(mx_array *a, const int *axes, int n, bool keepdims, int ddof) {
    if (!a || !has_nan(a))
        return mx_var(a, axes, n, keepdims, ddof);
    mx_dtype t = mx_dtype_of(a), wide = mx_dtype_compute(t),
             real = wide == MX_COMPLEX64 ? MX_FLOAT32 : wide;
    // What is no number counts as the mean: no distance, and no derivative that is NaN.
    mx_array *x = mx_astype(a, wide), *mean = mx_nanmean(x, axes, n, true);
    mx_array *d = mx_sub(mx_where(mx_isnan(x), mean, x), mean);
    mx_array *squares = mx_square(wide == real ? d : mx_abs(d));
    mx_array *count = mx_add_s(count_numbers(x, axes, n, keepdims, real), -(double)ddof);
    mx_array *sum = mx_nansum(squares, axes, n, keepdims), *zero = mx_zero_like(count);
    return mx_astype(mx_div(sum, mx_maximum(count, zero)), t == MX_COMPLEX64 ? MX_FLOAT32 : t);
}

mx_array *mx_nanstd(mx_array *a, const int *axes, int n, bool keepdims, int ddof) {
    mx_array *v = mx_sqrt(mx_nanvar(mx_inside(a), axes, n, keepdims, ddof));
    mx_dtype t = v ? mx_dtype_to_inexact(mx_dtype_of(a)) : MX_FLOAT32;
    return mx_astype(v, t == MX_COMPLEX64 ? MX_FLOAT32 : t);
}
