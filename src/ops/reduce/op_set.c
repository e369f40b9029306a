/* Operations whose shapes depend on values: they evaluate their argument. */
#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "ops/standard/extra.h"
#include "ops/rules.h"

/* --- nonzero ---------------------------------------------------------------------------------- */

/* The row-major mask of what is not zero, evaluated. */
static const uint8_t *evaluated_mask(mx_array *a) {
    mx_array *mask = mx_contiguous(mx_not_equal(a, mx_zero_like(a)), false);
    return mask && mx_eval1(mask) ? (const uint8_t *)mask->data : NULL;
}

/* The coordinates of element i along each axis, in place k of each list. */
static void put_coordinates(int32_t *const *lists, int64_t k, int64_t i, const mx_array *a) {
    for (int d = a->ndim - 1; d >= 0; d--) {
        lists[d][k] = (int32_t)(i % a->shape[d]);
        i /= a->shape[d];
    }
}

static void fill(int32_t *const *lists, const uint8_t *mask, const mx_array *a) {
    int64_t k = 0;
    for (int64_t i = 0; i < a->size; i++)
        if (mask[i])
            put_coordinates(lists, k++, i, a);
}

static int64_t count(const uint8_t *mask, int64_t n) {
    int64_t found = 0;
    for (int64_t i = 0; i < n; i++)
        found += mask[i];
    return found;
}

bool mx_nonzero(mx_array *a, mx_array **out) {
    int32_t *lists[MX_MAX_NDIM];
    a = a ? mx_atleast(a, 1) : NULL;
    const uint8_t *mask = a ? evaluated_mask(a) : NULL;
    int64_t n = mask ? count(mask, a->size) : 0;
    if (!mask || !mx_axis_fits("nonzero", n))
        return false;
    int32_t *all = mx_calloc((size_t)n + 1, (size_t)a->ndim * sizeof *all);
    if (!all)
        return false;
    for (int d = 0; d < a->ndim; d++)
        lists[d] = all + d * n;
    fill(lists, mask, a);
    bool ok = true;
    for (int d = 0; d < a->ndim && ok; d++)
        ok = (out[d] = mx_array_from(lists[d], &(int){(int)n}, 1, MX_INT32)) != NULL;
    mx_free(all);
    return ok;
}

/* --- unique ----------------------------------------------------------------------------------- */

/* True where a sorted vector begins another value. */
static mx_array *begins(mx_array *sorted, bool same_nan) {
    int n = sorted->shape[0], one = 1;
    mx_array *now = mx_slice_axis(sorted, 0, 1, n), *before = mx_slice_axis(sorted, 0, 0, n - 1);
    mx_array *other = mx_not_equal(now, before);
    if (same_nan && mx_dtype_is_inexact(mx_dtype_of(sorted)))
        other =
            mx_logical_and(other, mx_logical_not(mx_logical_and(mx_isnan(now), mx_isnan(before))));
    mx_array *parts[2] = {mx_ones(&one, 1, MX_BOOL), other};
    return parts[0] && parts[1] ? mx_concatenate(parts, 2, 0) : NULL;
}

static bool unique_of_none(mx_array *flat, const mx_array *a, mx_array *out[4]) {
    int zero = 0;
    out[0] = flat;
    out[1] = out[3] = mx_zeros(&zero, 1, MX_INT32);
    out[2] = mx_zeros(a->shape, a->ndim, MX_INT32);
    return out[1] && out[2];
}

/* How far apart the beginnings are; the last one reaches to n. */
static mx_array *distances(mx_array *start, int n) {
    mx_array *parts[2] = {start, mx_expand_dim(mx_scalar(n, MX_INT32), 0)};
    return parts[1] ? mx_diff(mx_concatenate(parts, 2, 0), 1, 0) : NULL;
}

bool mx_unique(mx_array *a, bool same_nan, mx_array *out[4]) {
    mx_array *flat = a ? mx_flatten(a, 0, -1) : NULL, *start;
    if (!flat || !flat->shape[0])
        return flat && unique_of_none(flat, a, out);
    mx_array *order = mx_argsort(flat, 0), *sorted = mx_take_flat(flat, order);
    mx_array *mask = sorted ? begins(sorted, same_nan) : NULL;
    if (!mask || !mx_nonzero(mask, &start))
        return false;
    out[0] = mx_take_flat(sorted, start);
    out[1] = mx_astype(mx_take_flat(order, start), MX_INT32);
    mx_array *group = mx_add_s(mx_scan(MX_CUMSUM, mx_astype(mask, MX_INT32), 0, false, true), -1);
    mx_array *zeros = group ? mx_zeros(group->shape, 1, MX_INT32) : NULL;
    mx_array *which = zeros ? mx_scatter_axis(MX_SCATTER_NONE, zeros, order, group, 0) : NULL;
    out[2] = which ? mx_reshape(which, a->shape, a->ndim) : NULL;
    out[3] = distances(start, flat->shape[0]);
    return out[0] && out[1] && out[2] && out[3];
}

/* --- unique of a given size: shapes that no value decides ------------------------------------- */

static bool check_sized(const mx_array *flat, int size, const mx_array *fill) {
    char text[256];
    if (size < 0)
        return mx_fail(MX_INVALID, "[unique] Received negative size %d.", size);
    if (size == INT32_MAX)
        return mx_fail(MX_INVALID, "[unique] a size of %d is too large", size);
    if (fill && fill->size != 1)
        return mx_fail(MX_INVALID, "[unique] Fill value must have one element, but got shape %s.",
                       mx_shape_text(text, sizeof text, fill->shape, fill->ndim));
    return fill || size == 0 || flat->shape[0] > 0 ||
           mx_fail(MX_INVALID,
                   "[unique] A fill value is required for an empty input with a non-zero size.");
}

static bool sized_of_none(mx_array *flat, const mx_array *a, int size, mx_array *fill,
                          mx_array *out[4]) {
    out[0] = fill && size ? mx_broadcast_to(mx_reshape(fill, NULL, 0), &size, 1) : flat;
    out[1] = mx_zeros(&size, 1, MX_UINT32);
    out[2] = mx_zeros(a->shape, a->ndim, MX_UINT32);
    out[3] = mx_zeros(&size, 1, MX_INT32);
    return out[0] && out[1] && out[2] && out[3];
}

/* Which value each element of the flattened array is, from that of each in order. */
static mx_array *sized_inverse(const mx_array *a, mx_array *order, mx_array *group, int size) {
    mx_array *zeros = group ? mx_zeros(group->shape, 1, MX_INT32) : NULL;
    mx_array *which = zeros ? mx_scatter_axis(MX_SCATTER_NONE, zeros, order, group, 0) : NULL;
    mx_array *last = mx_scalar(size > 0 ? size - 1 : 0, MX_INT32);
    return mx_astype(mx_reshape(mx_minimum(which, last), a->shape, a->ndim), MX_UINT32);
}

bool mx_unique_sized(mx_array *a, int size, mx_array *fill, mx_array *out[4]) {
    mx_array *flat = a ? mx_flatten(a, 0, -1) : NULL;
    if (!flat || !check_sized(flat, size, fill) ||
        (fill && !(fill = mx_astype(fill, mx_dtype_of(a)))))
        return false;
    int n = flat->shape[0];
    if (!n)
        return sized_of_none(flat, a, size, fill, out);
    mx_array *order = mx_argsort(flat, 0), *sorted = mx_take_flat(flat, order);
    mx_array *mask = sorted ? begins(sorted, false) : NULL;
    mx_array *group =
        mask ? mx_add_s(mx_scan(MX_CUMSUM, mx_astype(mask, MX_INT32), 0, false, true), -1) : NULL;
    // value j stands where the first element of group j does, and n says that there is none
    mx_array *start =
        mx_astype(mx_searchsorted(group, mx_arange(0, (double)size + 1, 1, MX_INT32), false),
                  MX_INT32);
    mx_array *ends = start ? mx_slice_axis(start, 0, 1, size + 1) : NULL,
             *begin = ends ? mx_slice_axis(start, 0, 0, size) : NULL;
    mx_array *there = mx_less(begin, mx_scalar(n, MX_INT32)),
             *at = mx_where(there, begin, mx_scalar(0, MX_INT32));
    out[0] = mx_take_flat(sorted, at);
    out[0] = fill ? mx_where(there, out[0], mx_reshape(fill, NULL, 0)) : out[0];
    out[1] = mx_astype(mx_take_flat(order, at), MX_UINT32);
    out[2] = sized_inverse(a, order, group, size);
    out[3] = mx_sub(ends, begin);
    return out[0] && out[1] && out[2] && out[3];
}

/* --- bincount --------------------------------------------------------------------------------- */

/* The largest element of a vector that is not empty, evaluated; -1 and an error where one is
   negative. */
static int64_t largest(mx_array *x) {
    mx_array *least = mx_astype(mx_reduce(MX_MIN, x, NULL, 0, false), MX_INT64);
    mx_array *most = mx_astype(mx_reduce(MX_MAX, x, NULL, 0, false), MX_INT64);
    if (!least || !most || !mx_eval1(least) || !mx_eval1(most))
        return -1;
    if (*(int64_t *)least->data >= 0 && *(int64_t *)most->data < INT32_MAX)
        return *(int64_t *)most->data;
    mx_fail(MX_RANGE, "[bincount] the elements must lie between 0 and %d", INT32_MAX - 1);
    return -1;
}

mx_array *mx_bincount(mx_array *a, mx_array *weights, int minlength) {
    if (!a || minlength < 0)
        return a ? mx_fail(MX_INVALID, "[bincount] minlength must not be negative") : NULL;
    if (a->ndim != 1 || !(mx_dtype_is_integer(mx_dtype_of(a)) || mx_dtype_of(a) == MX_BOOL))
        return mx_fail(MX_INVALID, "[bincount] a vector of integers is needed, not %s of %d axes",
                       mx_dtype_name(mx_dtype_of(a)), a->ndim);
    if (weights && (weights->ndim != 1 || weights->shape[0] != a->shape[0]))
        return mx_fail(MX_INVALID, "[bincount] the weights must be a vector of %d", a->shape[0]);
    int64_t most = a->shape[0] ? largest(a) : -1;
    if (mx_failed())
        return NULL;
    int n = most + 1 > minlength ? (int)most + 1 : minlength;
    mx_array *one = weights ? weights : mx_ones(a->shape, 1, MX_INT32);
    mx_array *zeros = one ? mx_zeros(&n, 1, mx_dtype_of(one)) : NULL;
    if (!a->shape[0] || !zeros)
        return zeros;
    mx_array *at = mx_astype(a, MX_INT32);
    return mx_scatter(MX_SCATTER_SUM, zeros, &at, mx_expand_dim(one, -1), (int[]){0}, 1);
}
