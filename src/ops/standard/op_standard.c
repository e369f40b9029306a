/* Operations with what the array API standard may tell them: see standard.h. */
#include "ops/standard/standard.h"

#include "base/status.h"
#include "graph/eval/eval.h"
#include "ops/rules.h"

/* --- reductions ------------------------------------------------------------------------------- */

mx_array *mx_reduce_as(mx_reduce_op op, mx_array *a, const int *axes, int n, bool keepdims,
                       mx_dtype t) {
    return mx_astype(mx_reduce(op, mx_astype(a, t), axes, n, keepdims), t);
}

/* How many elements each result is made of, as a number of the result's dtype. */
static mx_array *elements(mx_array *a, mx_array *result, const int *axes, int n) {
    mx_array *one =
        mx_reduce(MX_SUM, mx_ones_like(mx_astype(a, mx_dtype_of(result))), axes, n, true);
    return mx_astype(one, mx_dtype_of(result));
}

mx_array *mx_var_corrected(mx_array *a, const int *axes, int n, bool keepdims, double correction) {
    mx_array *var = mx_var(a, axes, n, true, 0), *count = var ? elements(a, var, axes, n) : NULL;
    mx_array *left = count ? mx_maximum(mx_add_s(count, -correction), mx_zero_like(count)) : NULL;
    mx_array *scaled = mx_mul(var, mx_div(count, left));
    return keepdims ? scaled : mx_squeeze(scaled, axes, n);
}

mx_array *mx_scan_from_initial(mx_scan_op op, mx_array *a, int axis) {
    mx_array *running = mx_scan(op, a, axis, false, true);
    mx_array *initial = running ? mx_scalar_like(running, op == MX_CUMPROD) : NULL;
    return initial ? mx_pad(running, &axis, 1, &(int){1}, &(int){0}, initial, "constant") : NULL;
}

/* --- order ------------------------------------------------------------------------------------ */

mx_array *mx_sort_descending(mx_array *a, int axis) {
    return mx_flip(mx_sort(a, axis), &axis, 1);
}

/* Sorted from the end, equal elements come in reverse, and the second reversal puts them right. The
   places are an array, so that nothing depends on the length when the function is traced. */
mx_array *mx_argsort_descending(mx_array *a, int axis) {
    if (!a || mx_axis("argsort", axis, a->ndim) < 0)
        return NULL;
    mx_array *ones = mx_astype(mx_ones_like(a), MX_UINT32),
             *places = mx_scan(MX_CUMSUM, ones, axis, false, false);
    mx_array *order = mx_argsort(mx_flip(a, &axis, 1), axis);
    return mx_flip(mx_take_along_axis(mx_flip(places, &axis, 1), order, axis), &axis, 1);
}

mx_array *mx_diff_between(mx_array *a, int n, int axis, mx_array *before, mx_array *after) {
    mx_array *parts[3];
    int count = 0;
    if (n == 0)
        return a;
    if (before)
        parts[count++] = before;
    parts[count++] = a;
    if (after)
        parts[count++] = after;
    return a ? mx_diff(mx_concatenate(parts, count, axis), n, axis) : NULL;
}

/* --- repeat ----------------------------------------------------------------------------------- */

/* Where each slab's copies end, as evaluated int64; NULL and an error where a count is negative. */
static mx_array *ends_of(mx_array *repeats, int length) {
    if (repeats->ndim > 1 ||
        (repeats->ndim == 1 && repeats->shape[0] != 1 && repeats->shape[0] != length))
        return mx_fail(MX_INVALID, "[repeat] one count, or one for each of %d slabs, is needed",
                       length);
    if (mx_dtype_is_inexact(mx_dtype_of(repeats)))
        return mx_fail(MX_INVALID, "[repeat] counts are integers");
    mx_array *counts =
        mx_contiguous(mx_broadcast_to(mx_astype(repeats, MX_INT64), &length, 1), false);
    if (!mx_eval1(counts))
        return NULL;
    for (int i = 0; i < length; i++)
        if (((const int64_t *)counts->data)[i] < 0)
            return mx_fail(MX_INVALID, "[repeat] a count is negative");
    mx_array *ends = mx_contiguous(mx_scan(MX_CUMSUM, counts, 0, false, true), false);
    return mx_eval1(ends) ? ends : NULL;
}

mx_array *mx_repeat_each(mx_array *a, mx_array *repeats, int axis) {
    if (!a || !repeats || (axis = mx_axis("repeat", axis, a->ndim)) < 0)
        return NULL;
    int length = a->shape[axis];
    mx_array *ends = ends_of(repeats, length);
    int64_t total = ends && length ? ((const int64_t *)ends->data)[length - 1] : 0;
    if (!ends || total < 0 || total > INT32_MAX)
        return ends ? mx_fail(MX_RANGE, "[repeat] the result is too large") : NULL;
    mx_array *places = mx_searchsorted(ends, mx_arange(0, (double)total, 1, MX_INT64), true);
    return mx_take(a, places, axis);
}

/* --- axes ------------------------------------------------------------------------------------- */

mx_array *mx_moveaxes(mx_array *a, const int *from, const int *to, int n) {
    int axes[MX_MAX_NDIM], next = 0;
    bool taken[MX_MAX_NDIM] = {false}, filled[MX_MAX_NDIM] = {false};
    if (!a)
        return NULL;
    for (int i = 0; i < n; i++) {
        int f = mx_axis("moveaxis", from[i], a->ndim), t = mx_axis("moveaxis", to[i], a->ndim);
        if (f < 0 || t < 0)
            return NULL;
        if (taken[f] || filled[t])
            return mx_fail(MX_INVALID, "[moveaxis] an axis is named twice");
        taken[f] = filled[t] = true;
        axes[t] = f;
    }
    for (int i = 0; i < a->ndim; i++) {
        while (next < a->ndim && taken[next])
            next++;
        if (!filled[i])
            axes[i] = next++;
    }
    return mx_transpose_axes(a, axes, a->ndim);
}
