/* Joining and splitting: concatenate, stack, split, tile, repeat, roll. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/trace.h"
#include "graph/array/params.h"
#include "ops/rules.h"

enum { TEXT = 256 };

/* --- concatenate ------------------------------------------------------------------ */

static bool refuse_concatenate(const mx_array *a, const mx_array *b, int axis) {
    char ta[TEXT], tb[TEXT];
    if (a->ndim != b->ndim)
        return mx_fail(
            MX_INVALID,
            "[concatenate] All the input arrays must have the same number of dimensions. "
            "However, got arrays with dimensions %d and %d.",
            a->ndim, b->ndim);
    return mx_fail(MX_INVALID,
                   "[concatenate] All the input array dimensions must match exactly except for the "
                   "concatenation axis. However, the provided shapes are %s, %s, and the "
                   "concatenation axis is %d.",
                   mx_shape_text(ta, TEXT, a->shape, a->ndim),
                   mx_shape_text(tb, TEXT, b->shape, b->ndim), axis);
}

static bool joinable(const mx_array *a, const mx_array *b, int axis) {
    bool same = a->ndim == b->ndim && a->dtype == b->dtype;
    for (int i = 0; i < a->ndim && same; i++)
        same = i == axis || a->shape[i] == b->shape[i];
    return same;
}

static bool infer_concatenate(const void *params, mx_array *const *in, int nin, mx_out *out,
                              int nout) {
    int axis = ((const mx_p_axis *)params)->axis;
    int64_t total = 0;
    (void)nout;
    if (nin == 0 || axis < 0 || axis >= in[0]->ndim)
        return mx_fail(MX_INVALID, "[concatenate] %d arrays along axis %d", nin, axis);
    for (int i = 0; i < nin; i++) {
        if (!joinable(in[0], in[i], axis))
            return refuse_concatenate(in[0], in[i], axis);
        total += in[i]->shape[axis];
    }
    if (!mx_axis_fits("concatenate", total))
        return false;
    *out = (mx_out){mx_dtype_of(in[0]), mx_shape_of(in[0])};
    out->shape.dim[axis] = (int)total;
    return true;
}

static bool concatenate_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                            mx_array **grad) {
    int axis = ((const mx_p_axis *)y->params)->axis, at = 0;
    if (!cot[0])
        return true;
    for (int i = 0; i < y->nin; at += y->in[i++]->shape[axis])
        if (need[i])
            grad[i] = mx_slice_axis(cot[0], axis, at, at + y->in[i]->shape[axis]);
    return !mx_failed();
}

static bool concatenate_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                             mx_array **out, int *out_axes) {
    mx_array **front = mx_calloc(y->nin, sizeof *front);
    if (!front)
        return false;
    for (int i = 0; i < y->nin; i++)
        front[i] = mx_batch_front_full(in[i], axes[i], n);
    mx_p_axis p = {((const mx_p_axis *)y->params)->axis + 1};
    out[0] = mx_apply(MX_PRIM_concatenate, &p, front, y->nin);
    out_axes[0] = 0;
    mx_free(front);
    return out[0] != NULL;
}

static const mx_field axis_fields[] = {MX_FIELD(mx_p_axis, axis, INT), MX_FIELD_END};

const mx_prim_desc mx_desc_concatenate = {
    .name = "Concatenate",
    .fields = axis_fields,
    .param_size = sizeof(mx_p_axis),
    .infer = infer_concatenate,
    .vjp = concatenate_vjp,
    .jvp = mx_linear_jvp,
    .vmap = concatenate_vmap,
};

enum { FEW = 16 };

static bool all_given(mx_array *const *a, int n) {
    for (int i = 0; i < n; i++)
        if (!a[i])
            return false;
    return true;
}

static mx_dtype common_dtype(mx_array *const *a, int n) {
    mx_dtype t = mx_dtype_of(a[0]);
    for (int i = 1; i < n; i++)
        t = mx_dtype_promote(t, mx_dtype_of(a[i]));
    return t;
}

mx_array *mx_concatenate(mx_array *const *a, int n, int axis) {
    mx_array *few[FEW], **in = few, *y = NULL;
    if (n <= 0)
        return mx_fail(MX_INVALID, "[concatenate] No arrays provided for concatenation");
    if (!all_given(a, n) || (axis = mx_axis("concatenate", axis, a[0]->ndim)) < 0)
        return NULL;
    if (n == 1)
        return a[0];
    if (n > FEW && !(in = mx_calloc((size_t)n, sizeof *in)))
        return NULL;
    mx_dtype t = common_dtype(a, n);
    for (int i = 0; i < n; i++)
        in[i] = mx_astype(a[i], t);
    y = mx_apply(MX_PRIM_concatenate, &(mx_p_axis){axis}, in, n);
    if (in != few)
        mx_free(in);
    return y;
}

static void *unequal(const mx_array *first, const mx_array *other, int i) {
    char a[256], b[256];
    return mx_fail(
        MX_INVALID,
        "[stack] All arrays must have the same shape, but the first has %s and number %d has %s.",
        mx_shape_text(a, sizeof a, first->shape, first->ndim), i + 1,
        mx_shape_text(b, sizeof b, other->shape, other->ndim));
}

mx_array *mx_stack(mx_array *const *a, int n, int axis) {
    if (n <= 0)
        return mx_fail(MX_INVALID, "[stack] No arrays provided for stacking");
    if (!all_given(a, n) || (axis = mx_axis("stack", axis, a[0]->ndim + 1)) < 0)
        return NULL;
    mx_array **in = mx_calloc((size_t)n, sizeof *in);
    for (int i = 0; i < n && in; i++)
        in[i] = mx_same_shape(a[i], a[0]) ? mx_expand_dim(a[i], axis) : unequal(a[0], a[i], i);
    mx_array *y = in ? mx_concatenate(in, n, axis) : NULL;
    mx_free(in);
    return y;
}

/* --- split ------------------------------------------------------------------------ */

bool mx_split(mx_array *a, const int *at, int nat, int axis, mx_array **out) {
    if (!a || (axis = mx_axis("split", axis, a->ndim)) < 0)
        return false;
    for (int i = 0; i <= nat; i++)
        out[i] = mx_slice_axis(a, axis, i ? at[i - 1] : 0, i < nat ? at[i] : a->shape[axis]);
    return !mx_failed();
}

bool mx_split_equal(mx_array *a, int parts, int axis, mx_array **out) {
    char text[TEXT];
    if (!a || (axis = mx_axis("split", axis, a->ndim)) < 0)
        return false;
    if (parts <= 0)
        return mx_fail(MX_INVALID, "[split] num_splits must be positive and non-zero but got %d.",
                       parts);
    if (a->shape[axis] % parts)
        return mx_fail(
            MX_INVALID,
            "[split] Array split does not result in sub arrays with equal size: attempting "
            "%d splits along axis %d for shape %s.",
            parts, axis, mx_shape_text(text, TEXT, a->shape, a->ndim));
    int size = a->shape[axis] / parts;
    for (int i = 0; i < parts; i++)
        out[i] = mx_slice_axis(a, axis, i * size, (i + 1) * size);
    return !mx_failed();
}

/* --- repetition: broadcast along a new axis, then join it ------------------------- */

static bool product_fits(const char *op, int a, int b, int *product) {
    int64_t n = (int64_t)a * b;
    *product = (int)n;
    return mx_axis_fits(op, n);
}

/* The same for any size of the axis. */
static mx_array *repeated_shapeless(mx_array *a, int axis, int times, bool whole) {
    mx_array **parts = times > 0 ? mx_calloc((size_t)times, sizeof *parts) : NULL, *y;
    mx_array *part = whole ? a : mx_expand_dim(a, axis + 1);
    if (times == 0)
        return mx_slice_axis_words(a, axis, 0, 0);
    for (int i = 0; parts && i < times; i++)
        parts[i] = part;
    y = parts ? mx_concatenate(parts, times, whole ? axis : axis + 1) : NULL;
    mx_free(parts);
    return whole ? y : mx_flatten(y, axis, axis + 1);
}

/* times repetitions of each slab (whole: of the whole axis). */
static mx_array *repeated(const char *op, mx_array *a, int axis, int times, bool whole) {
    int shape[MX_MAX_NDIM];
    int joined;
    if (!a || times == 1)
        return a;
    if (!product_fits(op, a->shape[axis], times, &joined))
        return NULL;
    if (mx_trace_shapeless())
        return repeated_shapeless(a, axis, times, whole);
    mx_shape s = mx_shape_of(a);
    memcpy(shape, s.dim, (size_t)s.ndim * sizeof(int));
    shape[axis] = joined;
    if (a->shape[axis] == 1)
        return mx_fill(a, shape, a->ndim);
    mx_array *b = mx_expand_dim(a, axis + !whole);
    if (!b)
        return NULL;
    s = mx_shape_of(b);
    s.dim[axis + !whole] = times;
    return mx_reshape(mx_fill(b, s.dim, s.ndim), shape, a->ndim);
}

mx_array *mx_tile(mx_array *a, const int *reps, int n) {
    int lead[MX_MAX_NDIM];
    if (!a)
        return NULL;
    int ndim = n > a->ndim ? n : a->ndim;
    if (ndim > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[tile] %d repetitions given, at most %d are possible", n,
                       MX_MAX_NDIM);
    for (int i = 0; i < ndim - a->ndim; i++)
        lead[i] = i;
    a = mx_expand_dims(a, lead, ndim - a->ndim);
    for (int i = 0; i < n; i++) {
        if (reps[i] < 0)
            return mx_fail(MX_INVALID, "[tile] %d repetitions along an axis", reps[i]);
        a = repeated("tile", a, ndim - n + i, reps[i], true);
    }
    return a;
}

mx_array *mx_repeat(mx_array *a, int repeats, int axis) {
    if (!a || (axis = mx_axis("repeat", axis, a->ndim)) < 0)
        return NULL;
    if (repeats < 0)
        return mx_fail(MX_INVALID, "[repeat] Number of repeats cannot be negative");
    return repeated("repeat", a, axis, repeats, false);
}

/* --- roll ------------------------------------------------------------------------- */

mx_array *mx_roll_any(mx_array *a, mx_array *shift, int axis) {
    int others[MX_MAX_NDIM], n = 0;
    for (int i = 0; a && i < a->ndim; i++)
        if (i != axis)
            others[n++] = i;
    mx_array *line = n ? mx_reduce(MX_SUM, a, others, n, false) : a;
    mx_array *size = mx_number_of_elements(mx_stop_gradient(a), &axis, 1, false, MX_INT32);
    return mx_take(a, mx_remainder(mx_sub(mx_positions(line), shift), size), axis);
}

static mx_array *roll_axis(mx_array *a, int64_t shift, int axis) {
    if (!a)
        return NULL;
    if (axis < -a->ndim || axis >= a->ndim)
        return mx_fail(MX_RANGE, "[roll] Invalid axis %d for array with %d dimensions.", axis,
                       a->ndim);
    axis = axis < 0 ? axis + a->ndim : axis;
    if (mx_trace_shapeless()) // of other sizes a shift of nothing may be another
        return mx_roll_any(a, mx_scalar_i64(shift, MX_INT64), axis);
    int n = a->shape[axis], cut = n ? (int)(((shift % n) + n) % n) : 0;
    if (cut == 0)
        return a;
    mx_array *parts[2] = {mx_slice_axis(a, axis, n - cut, n), mx_slice_axis(a, axis, 0, n - cut)};
    return mx_concatenate(parts, 2, axis);
}

mx_array *mx_roll(mx_array *a, const int *shift, int nshift, const int *axes, int naxes) {
    if (!a)
        return NULL;
    if (axes && nshift < naxes)
        return mx_fail(
            MX_INVALID,
            "[roll] At least one shift value per axis is required, %d provided for %d axes.",
            nshift, naxes);
    for (int i = 0; axes && i < naxes; i++)
        a = roll_axis(a, shift[i], axes[i]);
    if (axes || !a)
        return a;
    int64_t total = 0;
    for (int i = 0; i < nshift; i++)
        total += shift[i];
    return mx_reshape_like(roll_axis(mx_flatten(a, 0, -1), total, 0), a);
}
