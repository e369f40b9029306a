/* Quantiles and histograms. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "ops/standard/extra.h"
#include "ops/rules.h"

/* --- quantiles -------------------------------------------------------------------------------- */

/* The axes that are reduced, joined to one in front of the others. */
static mx_array *reduced_first(mx_array *a, const int *axes, int n) {
    int order[MX_MAX_NDIM], count = mx_axes_sorted("quantile", axes, n, a->ndim, order), at = count;
    if (count < 0)
        return NULL;
    for (int i = 0, k = 0; i < a->ndim; i++)
        if (k < count && order[k] == i)
            k++;
        else
            order[at++] = i;
    if (!count)
        return mx_expand_dim(a, 0);
    return mx_flatten(mx_transpose_axes(a, order, a->ndim), 0, count - 1);
}

typedef enum method { LINEAR, LOWER, HIGHER, MIDPOINT, NEAREST, NO_METHOD } method;

static method method_from(const char *name) {
    static const char *const names[] = {"linear", "lower", "higher", "midpoint", "nearest"};
    for (int i = 0; name && i < NO_METHOD; i++)
        if (!strcmp(name, names[i]))
            return (method)i;
    mx_fail(MX_INVALID,
            "[quantile] the method must be linear, lower, higher, midpoint or nearest, not %.60s",
            name ? name : "NULL");
    return NO_METHOD;
}

/* The slabs of sorted (N, ...) at whole positions, (Q...); or, where each column has positions of
   its own, (Q, ...), the elements there. */
static mx_array *pick(mx_array *sorted, mx_array *position, bool own) {
    mx_array *at = mx_astype(position, MX_INT32);
    return own ? mx_take_along_axis(sorted, at, 0) : mx_take(sorted, at, 0);
}

static mx_array *trailing_axes(mx_array *a, int n) {
    int axes[MX_MAX_NDIM];
    for (int i = 0; a && i < n; i++)
        axes[i] = a->ndim + i;
    return n ? mx_expand_dims(a, axes, n) : a;
}

static mx_array *between(mx_array *sorted, mx_array *position, method m, bool own) {
    mx_array *low = mx_floor(position), *high = mx_ceil(position);
    if (m == LOWER || m == HIGHER)
        return pick(sorted, m == LOWER ? low : high, own);
    if (m == NEAREST)
        return pick(sorted, mx_round(position), own);
    mx_array *a = mx_inside(pick(sorted, low, own)), *b = mx_inside(pick(sorted, high, own));
    mx_array *part = m == MIDPOINT ? mx_mul_s(mx_sub(high, low), 0.5) : mx_sub(position, low);
    if (!a || !part)
        return NULL;
    part = trailing_axes(mx_astype(part, mx_dtype_of(a)), own ? 0 : sorted->ndim - 1);
    // Where both are the same (also infinite) there is nothing to add.
    mx_array *step = mx_where(mx_equal(a, b), mx_zero_like(a), mx_mul(mx_sub(b, a), part));
    return mx_astype(mx_add(a, step), mx_dtype_of(sorted));
}

/* The result's shape with the reduced axes as 1: q's axes, then a's. */
static mx_array *keep_axes(mx_array *y, const mx_array *a, const mx_array *q, const int *axes,
                           int n) {
    bool mask[MX_MAX_NDIM];
    int shape[MX_MAX_NDIM];
    if (!y || !mx_axes_mask("quantile", axes, n, a->ndim, mask))
        return NULL;
    if (a->ndim + q->ndim > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[quantile] the result would have more than %d axes",
                       MX_MAX_NDIM);
    for (int i = 0; i < q->ndim; i++)
        shape[i] = q->shape[i];
    for (int i = 0; i < a->ndim; i++)
        shape[q->ndim + i] = mask[i] ? 1 : a->shape[i];
    return mx_reshape(y, shape, q->ndim + a->ndim);
}

/* q in float64, 0 where it is no place; *inside says where it is one. */
static mx_array *places(mx_array *q, mx_array **inside) {
    mx_array *p = mx_astype(q, MX_FLOAT64), *zero = mx_zero_like(p);
    *inside = mx_logical_and(mx_greater_equal(p, zero), mx_less_equal(p, mx_one_like(p)));
    return mx_where(*inside, p, zero);
}

/* Of all elements; NaN where there is one. */
static mx_array *quantile_of_all(mx_array *sorted, mx_array *q, method m) {
    mx_array *end = mx_last_place(sorted), *inside;
    mx_array *position = mx_mul(places(q, &inside), mx_astype(end, MX_FLOAT64));
    mx_array *last = mx_take(sorted, end, 0);
    mx_array *y = between(sorted, position, m, false);
    mx_array *bad =
        mx_logical_or(mx_isnan(last), trailing_axes(mx_logical_not(inside), sorted->ndim - 1));
    return mx_where(bad, mx_scalar_like(y, NAN), y);
}

/* Of the elements that are numbers, which stand first in the order. */
static mx_array *quantile_of_numbers(mx_array *sorted, mx_array *q, method m) {
    int shape[MX_MAX_NDIM], kept = sorted->ndim - 1;
    mx_array *inside, *p = trailing_axes(places(mx_flatten(q, 0, -1), &inside), kept);
    mx_array *count =
        mx_sum(mx_astype(mx_logical_not(mx_isnan(sorted)), MX_FLOAT64), (int[]){0}, 1, false);
    mx_array *last = count ? mx_maximum(mx_add_s(count, -1), mx_zero_like(count)) : NULL;
    mx_array *y = between(sorted, mx_mul(p, last), m, true);
    y = mx_where(trailing_axes(inside, kept), y, mx_scalar_like(y, NAN));
    if (!y || q->ndim + kept > MX_MAX_NDIM)
        return y ? mx_fail(MX_INVALID, "[quantile] the result would have more than %d axes",
                           MX_MAX_NDIM)
                 : NULL;
    for (int i = 0; i < q->ndim + kept; i++)
        shape[i] = i < q->ndim ? q->shape[i] : sorted->shape[1 + i - q->ndim];
    return mx_reshape(y, shape, q->ndim + kept);
}

mx_array *mx_quantile(mx_array *a, mx_array *q, const int *axes, int n, bool keepdims,
                      const char *name, bool skip_nan) {
    method m = a && q ? method_from(name) : NO_METHOD;
    if (m == NO_METHOD)
        return NULL;
    if (mx_dtype_of(a) == MX_COMPLEX64)
        return mx_fail(MX_INVALID, "[quantile] complex numbers have no order");
    mx_array *x = reduced_first(mx_inside(a), axes, n);
    if (x && !x->shape[0])
        return mx_fail(MX_INVALID, "[quantile] there are no elements");
    mx_array *sorted = x ? mx_sort(x, 0) : NULL;
    if (!sorted)
        return NULL;
    mx_array *y = (skip_nan ? quantile_of_numbers : quantile_of_all)(sorted, q, m);
    y = mx_astype(y, mx_dtype_to_inexact(mx_dtype_of(a)));
    return keepdims ? keep_axes(y, a, q, axes, n) : y;
}

/* --- histograms ------------------------------------------------------------------------------- */

static mx_array *as_floats(mx_array *a) {
    if (a && mx_dtype_of(a) == MX_COMPLEX64)
        return mx_fail(MX_INVALID, "[histogram] complex numbers have no order");
    mx_array *flat = a ? mx_flatten(a, 0, -1) : NULL;
    return flat ? mx_astype(flat, mx_dtype_of(a) == MX_FLOAT64 ? MX_FLOAT64 : MX_FLOAT32) : NULL;
}

/* The ends of a range; a range of nothing is widened by 1/2 on both sides. */
static bool ends(mx_array *x, const double *range, mx_array **low, mx_array **high) {
    bool none = !range && !x->shape[0];
    *low = range || none ? mx_scalar_like(x, none ? 0 : range[0])
                         : mx_reduce(MX_MIN, x, NULL, 0, false);
    *high = range || none ? mx_scalar_like(x, none ? 1 : range[1])
                          : mx_reduce(MX_MAX, x, NULL, 0, false);
    mx_array *same = mx_equal(*low, *high);
    *low = mx_where(same, mx_add_s(*low, -0.5), *low);
    *high = mx_where(same, mx_add_s(*high, 0.5), *high);
    return *low && *high;
}

mx_array *mx_histogram_edges(mx_array *a, int n, const double *range) {
    mx_array *x = as_floats(a), *low, *high;
    if (x && n < 1)
        return mx_fail(MX_INVALID, "[histogram] there must be at least one bin, not %d", n);
    if (x && range && !(range[0] <= range[1] && isfinite(range[0]) && isfinite(range[1])))
        return mx_fail(MX_INVALID, "[histogram] the range must ascend and be finite");
    if (!x || !ends(x, range, &low, &high))
        return NULL;
    mx_array *k = mx_arange(0, (double)n + 1, 1, mx_dtype_of(x));
    mx_array *edges = mx_add(low, mx_mul(k, mx_mul_s(mx_sub(high, low), 1.0 / n)));
    return mx_where(mx_equal(k, mx_scalar_like(k, n)), high, edges);
}

static mx_array *count_in(mx_array *bin, mx_array *values, int bins) {
    mx_array *zeros = mx_zeros(&bins, 1, mx_dtype_of(values));
    return mx_scatter(MX_SCATTER_SUM, zeros, &bin, mx_expand_dim(values, -1), (int[]){0}, 1);
}

mx_array *mx_histogram(mx_array *a, mx_array *edges, mx_array *weights, bool density) {
    mx_array *x = as_floats(a), *e = x && edges ? mx_astype(edges, mx_dtype_of(x)) : NULL;
    if (!e || (weights && !(weights = mx_flatten(weights, 0, -1))))
        return NULL;
    if (e->ndim != 1 || e->shape[0] < 2)
        return mx_fail(MX_INVALID, "[histogram] the edges must be a vector of two or more");
    if (weights && weights->shape[0] != x->shape[0])
        return mx_fail(MX_INVALID, "[histogram] %d weights were given for %d elements",
                       weights->shape[0], x->shape[0]);
    int bins = e->shape[0] - 1;
    mx_array *first = mx_slice_axis(e, 0, 0, 1), *last = mx_slice_axis(e, 0, bins, bins + 1);
    mx_array *inside = mx_logical_and(mx_greater_equal(x, first), mx_less_equal(x, last));
    mx_array *bin = mx_astype(mx_searchsorted(e, x, true), MX_INT32);
    bin = mx_clip(mx_add_s(bin, -1), mx_scalar(0, MX_INT32), mx_scalar(bins - 1, MX_INT32));
    mx_array *one = weights ? weights : mx_scalar(1, MX_INT32);
    mx_array *values = one ? mx_where(inside, one, mx_zero_like(one)) : NULL;
    mx_array *counts = values ? count_in(bin, values, bins) : NULL;
    if (!density || !counts)
        return counts;
    mx_array *total = mx_astype(mx_sum_all(counts), mx_dtype_of(x));
    return mx_div(counts, mx_mul(total, mx_diff(e, 1, 0)));
}
