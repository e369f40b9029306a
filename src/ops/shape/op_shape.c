/* Operations on shapes, made of the view primitives: flatten, squeeze, moveaxis, atleast ... */
#include "base/status.h"
#include "graph/trace/trace.h"
#include "ops/rules.h"

/* --- joining and splitting axes --------------------------------------------------- */

static int clip_axis(int axis, int ndim) {
    axis = axis < 0 ? axis + ndim : axis;
    return axis < 0 ? 0 : axis;
}

mx_array *mx_flatten(mx_array *a, int start_axis, int end_axis) {
    int shape[MX_MAX_NDIM], n = 0;
    if (!a)
        return NULL;
    if (a->ndim == 0)
        return mx_expand_dim(a, 0);
    int first = clip_axis(start_axis, a->ndim), last = clip_axis(end_axis, a->ndim);
    last = last < a->ndim ? last : a->ndim - 1;
    if (first > last)
        return mx_fail(MX_INVALID, "[flatten] start_axis must be less than or equal to end_axis");
    int64_t joined = 1;
    for (int i = first; i <= last; i++)
        if (__builtin_mul_overflow(joined, (int64_t)a->shape[i], &joined))
            joined = INT64_MAX;
    if (!mx_axis_fits("flatten", joined))
        return NULL;
    for (int i = 0; i < a->ndim; i++)
        if (i <= first || i > last)
            shape[n++] = i == first ? (int)joined : a->shape[i];
    return mx_reshape_as(a, shape, n, MX_TO_FLAT, (mx_ints){2, (const int[]){first, last}});
}

static mx_array *refuse_unflatten(const mx_array *a, int axis, const int *part, int n) {
    char text[256];
    return mx_fail(MX_INVALID, "[Unflatten] Cannot unflatten axis %d with size %d into shape %s.",
                   axis, a->shape[axis], mx_shape_text(text, sizeof text, part, n));
}

/* Replaces a -1 in the parts of an axis; false where they do not multiply to it. */
static bool infer_part(int size, int *part, int n) {
    int64_t known = 1;
    int at = -1;
    for (int i = 0; i < n; i++) {
        if (part[i] < 0 && (part[i] != -1 || at >= 0))
            return false;
        if (part[i] == -1)
            at = i;
        else if (__builtin_mul_overflow(known, (int64_t)part[i], &known))
            return false;
    }
    if (at >= 0)
        known *= part[at] = known ? (int)(size / known) : 0;
    return known == size;
}

mx_array *mx_unflatten(mx_array *a, int axis, const int *shape, int ndim) {
    int part[MX_MAX_NDIM], full[MX_MAX_NDIM], asked[MX_MAX_NDIM + 1], n = 0;
    if (!a)
        return NULL;
    if (ndim <= 0)
        return mx_fail(MX_INVALID, "[unflatten] Shape to unflatten to cannot be empty.");
    if (axis < -a->ndim || axis >= a->ndim)
        return mx_fail(MX_RANGE, "[unflatten] Invalid axes %d for array with %d dimensions.", axis,
                       a->ndim);
    if (a->ndim - 1 + ndim > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[unflatten] more than %d dimensions", MX_MAX_NDIM);
    axis = axis < 0 ? axis + a->ndim : axis;
    asked[0] = axis;
    for (int i = 0; i < ndim; i++)
        part[i] = asked[i + 1] = shape[i];
    if (!infer_part(a->shape[axis], part, ndim))
        return refuse_unflatten(a, axis, part, ndim);
    for (int i = 0; i < a->ndim; i++)
        for (int k = 0; k < (i == axis ? ndim : 1); k++)
            full[n++] = i == axis ? part[k] : a->shape[i];
    return mx_reshape_as(a, full, n, MX_TO_PARTS, (mx_ints){ndim + 1, asked});
}

/* --- axes of size 1 --------------------------------------------------------------- */

mx_array *mx_expand_dims(mx_array *a, const int *axes, int n) {
    bool mask[MX_MAX_NDIM];
    int shape[MX_MAX_NDIM], from = 0;
    if (!a)
        return NULL;
    int ndim = a->ndim + n;
    if (ndim > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[expand_dims] more than %d dimensions", MX_MAX_NDIM);
    if (n == 0)
        return a;
    if (!mx_axes_mask("expand_dims", axes, n, ndim, mask))
        return NULL;
    for (int i = 0; i < ndim; i++)
        shape[i] = mask[i] ? 1 : a->shape[from++];
    return mx_reshape_as(a, shape, ndim, MX_TO_EXPANDED, (mx_ints){n, axes});
}

mx_array *mx_expand_dim(mx_array *a, int axis) {
    return mx_expand_dims(a, &axis, 1);
}

mx_array *mx_squeeze(mx_array *a, const int *axes, int n) {
    bool mask[MX_MAX_NDIM];
    int shape[MX_MAX_NDIM], gone[MX_MAX_NDIM], ndim = 0, n_gone = 0;
    if (!a || !mx_axes_mask("squeeze", axes, n, a->ndim, mask))
        return NULL;
    for (int i = 0; i < a->ndim; i++) {
        if (axes && mask[i] && a->shape[i] != 1)
            return mx_fail(MX_INVALID,
                           "[squeeze] Cannot squeeze axis %d with size %d which is not equal to 1.",
                           i, a->shape[i]);
        if (!mask[i] || a->shape[i] != 1)
            shape[ndim++] = a->shape[i];
        else
            gone[n_gone++] = i;
    }
    bool all = !axes && mx_trace_shapeless();
    if (!n_gone && !all)
        return a;
    mx_ints words = {all ? 0 : n_gone, gone};
    return mx_reshape_as(a, shape, ndim, all ? MX_TO_BARE : MX_TO_SQUEEZED, words);
}

mx_array *mx_squeeze_axis(mx_array *a, int axis) {
    return mx_squeeze(a, &axis, 1);
}

/* 1: (n) stays; 2: (n) -> (1,n); 3: (n) -> (1,n,1), (m,n) -> (m,n,1). */
mx_array *mx_atleast(mx_array *a, int ndim) {
    if (!a || a->ndim >= ndim)
        return a;
    const int scalar[3] = {0, 1, 2}, line[2] = {0, 2};
    if (a->ndim == 0)
        return mx_expand_dims(a, scalar, ndim);
    return ndim == 3 && a->ndim == 1 ? mx_expand_dims(a, line, 2)
                                     : mx_expand_dim(a, a->ndim == 1 ? 0 : 2);
}

/* --- moving axes ------------------------------------------------------------------ */

static int axis_of(const char *op, int axis, int ndim) {
    if (axis >= -ndim && axis < ndim)
        return axis < 0 ? axis + ndim : axis;
    mx_fail(MX_RANGE, "[%s] Invalid axis %d for array with %d dimensions.", op, axis, ndim);
    return -1;
}

mx_array *mx_swapaxes(mx_array *a, int axis1, int axis2) {
    int axes[MX_MAX_NDIM];
    if (!a || (axis1 = axis_of("swapaxes", axis1, a->ndim)) < 0 ||
        (axis2 = axis_of("swapaxes", axis2, a->ndim)) < 0)
        return NULL;
    for (int i = 0; i < a->ndim; i++)
        axes[i] = i == axis1 ? axis2 : i == axis2 ? axis1 : i;
    return mx_transpose_axes(a, axes, a->ndim);
}

mx_array *mx_moveaxis(mx_array *a, int from, int to) {
    int axes[MX_MAX_NDIM], next = 0;
    if (!a || (from = axis_of("moveaxis", from, a->ndim)) < 0 ||
        (to = axis_of("moveaxis", to, a->ndim)) < 0)
        return NULL;
    for (int i = 0; i < a->ndim; i++) {
        next += next == from;
        axes[i] = i == to ? from : next++;
    }
    return mx_transpose_axes(a, axes, a->ndim);
}

/* --- shapes of several arrays ----------------------------------------------------- */

/* a[k] in the shape of all together, whatever it will be. */
static mx_array *together(mx_array *const *a, int n, int k, mx_shape s) {
    mx_array *in[MX_MAX_NDIM + 1];
    mx_p_shape p = {{s.ndim, s.dim}};
    if (n > MX_MAX_NDIM) // pins the trace
        return mx_broadcast_to(a[k], s.dim, s.ndim);
    in[0] = a[k];
    for (int i = 0, at = 1; i < n; i++)
        if (i != k)
            in[at++] = a[i];
    return n == 1 ? a[0] : mx_apply(MX_PRIM_broadcast, &p, in, n);
}

bool mx_broadcast_arrays(mx_array *const *a, int n, mx_array **out) {
    mx_shape s;
    for (int i = 0; i < n; i++) {
        if (!a[i])
            return false;
        if (i == 0)
            s = mx_shape_of(a[0]);
        else if (!mx_broadcast_shapes("broadcast_shapes", s.dim, s.ndim, a[i]->shape, a[i]->ndim,
                                      &s))
            return false;
    }
    for (int i = 0; i < n; i++)
        if (!(out[i] = mx_trace_shapeless() ? together(a, n, i, s)
                                            : mx_broadcast_to(a[i], s.dim, s.ndim)))
            return false;
    return true;
}
