/* Means, variances and counts: compositions of reductions. */
#include <math.h>

#include "base/status.h"
#include "ops/rules.h"

static bool count_elements(const char *name, mx_array *a, const int *axes, int n,
                           double *count) {
    bool mask[MX_MAX_NDIM];
    if (!a || !mx_axes_mask(name, axes, n, a->ndim, mask))
        return false;
    *count = 1;
    for (int i = 0; i < a->ndim; i++)
        *count *= mask[i] ? a->shape[i] : 1;
    return true;
}

mx_array *mx_number_of_elements(mx_array *a, const int *axes, int n, bool inverted,
                                mx_dtype t) {
    double count;
    if (!count_elements("number_of_elements", a, axes, n, &count))
        return NULL;
    return mx_scalar(inverted ? 1 / count : count, t);
}

/* Halves are averaged in float32: their sums soon overflow. */
mx_array *mx_mean(mx_array *a, const int *axes, int n, bool keepdims) {
    double count;
    if (!count_elements("mean", a, axes, n, &count))
        return NULL;
    mx_dtype t = mx_dtype_to_inexact(mx_dtype_of(a)), wide = mx_dtype_compute(t);
    mx_array *x = t == wide ? a : mx_astype(a, wide);
    return mx_astype(mx_mul(mx_sum(x, axes, n, keepdims), mx_scalar(1 / count, wide)),
                     t);
}

/* In two passes; complex numbers: the mean of |x - mean|^2, a float32. */
mx_array *mx_var(mx_array *a, const int *axes, int n, bool keepdims, int ddof) {
    double count;
    if (!count_elements("var", a, axes, n, &count))
        return NULL;
    mx_dtype t = mx_dtype_to_inexact(mx_dtype_of(a)), wide = mx_dtype_compute(t);
    mx_array *x = mx_astype(a, wide);
    mx_array *d = mx_sub(x, mx_mean(x, axes, n, true));
    if (t == MX_COMPLEX64) {
        d = mx_abs(d);
        t = wide = MX_FLOAT32;
    }
    mx_array *v = mx_mean(mx_square(d), axes, n, keepdims);
    if (ddof != 0)
        v = mx_mul(v, mx_scalar(count / fmax(count - ddof, 0), wide));
    return mx_astype(v, t);
}

mx_array *mx_std(mx_array *a, const int *axes, int n, bool keepdims, int ddof) {
    return mx_sqrt(mx_var(a, axes, n, keepdims, ddof));
}

mx_array *mx_count_nonzero(mx_array *a, const int *axes, int n, bool keepdims) {
    return a ? mx_sum(mx_not_equal(a, mx_zero_like(a)), axes, n, keepdims) : NULL;
}
