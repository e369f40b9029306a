/* Slices and strided windows of an array: slice, flip, as_strided. Their gradients
 * write back to where the elements came from. */
#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/rules.h"

/* --- slice ------------------------------------------------------------------------ */

static bool infer_slice(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_slice *p = params;
    const mx_array *a = in[0];
    (void)nin, (void)nout;
    if (p->start.n != a->ndim || p->shape.n != a->ndim || p->step.n != a->ndim)
        return mx_fail(MX_INVALID,
                       "[slice] Invalid number of indices or strides for array with dimension %d.",
                       a->ndim);
    out->dtype = mx_dtype_of(a);
    out->shape.ndim = a->ndim;
    for (int i = 0; i < a->ndim; i++) {
        int64_t first = p->start.v[i], n = p->shape.v[i],
                last = first + (n - 1) * (int64_t)p->step.v[i];
        if (n < 0 ||
            (n > 0 && (first < 0 || first >= a->shape[i] || last < 0 || last >= a->shape[i])))
            return mx_fail(MX_RANGE, "[slice] %lld to %lld is outside of axis %d of size %d",
                           (long long)first, (long long)last, i, a->shape[i]);
        out->shape.dim[i] = (int)n;
    }
    return true;
}

static bool slice_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_p_slice *p = y->params;
    mx_p_slice_update u = {p->start, p->step, p->asked};
    if (cot[0] && need[0])
        grad[0] = mx_apply2(MX_PRIM_slice_update, &u, mx_zeros_like(y->in[0]), cot[0]);
    return !mx_failed();
}

mx_ints mx_slice_words_batched(mx_ints asked, int ndim, int *room) {
    const int whole[3] = {0, INT32_MAX, 1};
    for (int k = 0; asked.n && k < 3; k++) {
        room[k * (ndim + 1)] = whole[k];
        for (int i = 0; i < ndim; i++)
            room[k * (ndim + 1) + 1 + i] = asked.v[k * ndim + i];
    }
    return asked.n ? (mx_ints){3 * (ndim + 1), room} : asked;
}

static bool slice_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                       mx_array **out, int *out_axes) {
    const mx_p_slice *p = y->params;
    int start[MX_MAX_NDIM + 1] = {0}, shape[MX_MAX_NDIM + 1] = {n}, step[MX_MAX_NDIM + 1] = {1};
    int ndim = p->start.n + 1;
    for (int i = 1; i < ndim; i++) {
        start[i] = p->start.v[i - 1];
        shape[i] = p->shape.v[i - 1];
        step[i] = p->step.v[i - 1];
    }
    int words[3 * (MX_MAX_NDIM + 1)];
    mx_p_slice q = {{ndim, start},
                    {ndim, shape},
                    {ndim, step},
                    mx_slice_words_batched(p->asked, ndim - 1, words)};
    if (!p->asked.n)
        mx_trace_pin("Slice");
    out[0] = mx_apply_view(MX_PRIM_slice, &q, mx_batch_front(in[0], axes[0]));
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field slice_fields[] = {
    MX_FIELD(mx_p_slice, start, INTS), MX_FIELD(mx_p_slice, shape, INTS),
    MX_FIELD(mx_p_slice, step, INTS), MX_FIELD(mx_p_slice, asked, INTS), MX_FIELD_END};

const mx_prim_desc mx_desc_slice = {
    .name = "Slice",
    .traits = MX_TRAIT_VIEW,
    .fields = slice_fields,
    .param_size = sizeof(mx_p_slice),
    .infer = infer_slice,
    .vjp = slice_vjp,
    .jvp = mx_linear_jvp,
    .vmap = slice_vmap,
};

static int64_t clamp(int64_t v, int64_t lo, int64_t hi) {
    return v < lo ? lo : v > hi ? hi : v;
}

bool mx_slice_axis_range(const char *op, int n, int step, int *start, int stop, int *size) {
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : (int64_t)n - 1;
    int64_t first = clamp(*start < 0 ? (int64_t)*start + n : *start, low, high);
    int64_t last = clamp(stop < 0 ? (int64_t)stop + n : stop, low, high);
    if (step == 0)
        return mx_fail(MX_INVALID, "[%s] the step must not be 0", op);
    int64_t span = step > 0 ? last - first : first - last, by = step > 0 ? step : -(int64_t)step;
    *size = span > 0 ? (int)((span + by - 1) / by) : 0;
    *start = *size ? (int)first : 0;
    return true;
}

static mx_array *slice_as(mx_array *a, const int *start, const int *stop, const int *step,
                          mx_ints asked) {
    int first[MX_MAX_NDIM], shape[MX_MAX_NDIM], by[MX_MAX_NDIM];
    if (!a)
        return NULL;
    for (int i = 0; i < a->ndim; i++) {
        first[i] = start[i];
        by[i] = step ? step[i] : 1;
        if (!mx_slice_axis_range("slice", a->shape[i], by[i], &first[i], stop[i], &shape[i]))
            return NULL;
        if (shape[i] <= 1)
            by[i] = 1;
    }
    if (!asked.n)
        mx_trace_pin("Slice");
    bool whole = mx_shape_is(a, shape, a->ndim);
    for (int i = 0; i < a->ndim && whole; i++)
        whole = by[i] == 1;
    mx_p_slice p = {{a->ndim, first}, {a->ndim, shape}, {a->ndim, by}, asked};
    return whole && !mx_trace_shapeless() ? a : mx_apply_view(MX_PRIM_slice, &p, a);
}

mx_array *mx_slice(mx_array *a, const int *start, const int *stop, const int *step) {
    return slice_as(a, start, stop, step, (mx_ints){0, NULL});
}

mx_ints mx_slice_words(const mx_array *a, const int *start, const int *stop, const int *step,
                       int *room) {
    bool clear = a && mx_trace_shapeless();
    for (int i = 0; clear && i < a->ndim; i++) {
        room[i] = start[i];
        room[a->ndim + i] = stop[i];
        room[2 * a->ndim + i] = step ? step[i] : 1;
        clear = stop[i] != a->shape[i];
    }
    return clear ? (mx_ints){3 * a->ndim, room} : (mx_ints){0, NULL};
}

mx_array *mx_slice_asked(mx_array *a, const int *start, const int *stop, const int *step) {
    int room[3 * MX_MAX_NDIM];
    return slice_as(a, start, stop, step, mx_slice_words(a, start, stop, step, room));
}

mx_array *mx_slice_axis(mx_array *a, int axis, int start, int stop) {
    int first[MX_MAX_NDIM] = {0}, last[MX_MAX_NDIM];
    if (!a || (axis = mx_axis("slice", axis, a->ndim)) < 0)
        return NULL;
    for (int i = 0; i < a->ndim; i++)
        last[i] = a->shape[i];
    first[axis] = start;
    last[axis] = stop;
    return mx_slice(a, first, last, NULL);
}

mx_array *mx_slice_axis_words(mx_array *a, int axis, int start, int stop) {
    int first[MX_MAX_NDIM] = {0}, last[MX_MAX_NDIM];
    if (!a || (axis = mx_axis("slice", axis, a->ndim)) < 0)
        return NULL;
    for (int i = 0; i < a->ndim; i++)
        last[i] = INT32_MAX;
    first[axis] = start;
    last[axis] = stop;
    return mx_slice_asked(a, first, last, NULL);
}

mx_array *mx_flip(mx_array *a, const int *axes, int n) {
    bool mask[MX_MAX_NDIM];
    int start[MX_MAX_NDIM], stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    if (!a || !mx_axes_mask("flip", axes, n, a->ndim, mask))
        return NULL;
    for (int i = 0; i < a->ndim; i++) {
        start[i] = mask[i] ? INT32_MAX : 0;
        stop[i] = mask[i] ? INT32_MIN : INT32_MAX;
        step[i] = mask[i] ? -1 : 1;
    }
    return mx_slice_asked(a, start, stop, step);
}

/* --- as_strided ------------------------------------------------------------------- */

/* The first and last element that the window touches. */
static bool window(const mx_p_as_strided *p, int64_t *low, int64_t *high) {
    *low = *high = p->offset;
    for (int i = 0; i < p->shape.n; i++) {
        int64_t reach, *end = p->strides.v[i] < 0 ? low : high;
        if (__builtin_mul_overflow(p->strides.v[i], (int64_t)p->shape.v[i] - 1, &reach) ||
            __builtin_add_overflow(*end, reach, end))
            return false;
    }
    return true;
}

static bool infer_as_strided(const void *params, mx_array *const *in, int nin, mx_out *out,
                             int nout) {
    const mx_p_as_strided *p = params;
    int64_t low, high, size;
    (void)nin, (void)nout;
    if (p->shape.n != p->strides.n || p->shape.n > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[as_strided] %d sizes and %d strides given", p->shape.n,
                       p->strides.n);
    if (!mx_shape_size(p->shape.v, p->shape.n, mx_itemsize(in[0]), &size))
        return mx_fail(MX_INVALID, "[as_strided] the shape is negative or too large");
    if (size && (!window(p, &low, &high) || ((low < 0 || high >= in[0]->size) && !p->beyond)))
        return mx_fail(MX_RANGE,
                       "[as_strided] shape, strides and offset reach outside of the array's %lld "
                       "elements",
                       (long long)in[0]->size);
    out->dtype = mx_dtype_of(in[0]);
    out->shape.ndim = p->shape.n;
    for (int i = 0; i < p->shape.n; i++)
        out->shape.dim[i] = p->shape.v[i];
    return true;
}

/* How many of the last axes were read as they lie, one element after another. */
static int contiguous_axes(const mx_p_as_strided *p) {
    int n = 0;
    int64_t step = 1;
    while (n < p->shape.n && p->strides.v[p->shape.n - 1 - n] == step) {
        step *= p->shape.v[p->shape.n - 1 - n];
        n++;
    }
    return n;
}

/* Where each run of elements that lie together was read. */
static mx_array *run_starts(const mx_p_as_strided *p, const mx_array *a, int leading) {
    mx_array *places = mx_arange(0, (double)a->size, 1, MX_INT32);
    mx_array *index = mx_as_strided(places, p->shape.v, p->strides.v, leading, p->offset);
    return mx_reshape(index, (int[]){-1}, 1);
}

/* Each element of g goes back to the place it was read from; places read twice sum. */
static bool as_strided_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                           mx_array **grad) {
    const mx_p_as_strided *p = y->params;
    mx_array *a = y->in[0];
    int axis = 0;
    if (!cot[0] || !need[0])
        return true;
    if (a->size > INT32_MAX || cot[0]->size > INT32_MAX)
        return mx_fail(MX_UNSUPPORTED, "[as_strided] no gradient over %lld elements",
                       (long long)a->size);
    mx_array *flat = mx_zeros((int[]){(int)a->size}, 1, mx_dtype_of(a));
    if (cot[0]->size > 0) {
        mx_array *index = run_starts(p, a, p->shape.n - contiguous_axes(p));
        int rows = index ? (int)index->size : 1;
        mx_array *updates = mx_reshape(cot[0], (int[]){rows, -1}, 2);
        flat = mx_scatter(MX_SCATTER_SUM, flat, &index, updates, &axis, 1);
    }
    grad[0] = mx_reshape(flat, a->shape, a->ndim);
    return !mx_failed();
}

static const mx_field as_strided_fields[] = {MX_FIELD(mx_p_as_strided, shape, INTS),
                                             MX_FIELD(mx_p_as_strided, strides, LONGS),
                                             MX_FIELD(mx_p_as_strided, offset, LONG), MX_FIELD_END};

const mx_prim_desc mx_desc_as_strided = {
    .name = "AsStrided",
    .traits = MX_TRAIT_VIEW,
    .fields = as_strided_fields,
    .param_size = sizeof(mx_p_as_strided),
    .infer = infer_as_strided,
    .vjp = as_strided_vjp,
    .jvp = mx_linear_jvp,
    .vmap = mx_loop_vmap,
};

mx_array *mx_as_strided(mx_array *a, const int *shape, const int64_t *strides, int ndim,
                        int64_t offset) {
    return mx_apply_view(MX_PRIM_as_strided,
                         &(mx_p_as_strided){{ndim, shape}, {ndim, strides}, offset, false}, a);
}

static bool reaches_beyond(const mx_p_as_strided *p, const mx_array *a) {
    int64_t low, high, size;
    return p->shape.n <= MX_MAX_NDIM &&
           mx_shape_size(p->shape.v, p->shape.n, mx_itemsize(a), &size) && size &&
           p->offset <= a->size && window(p, &low, &high) && (low < 0 || high >= a->size);
}

mx_array *mx_as_strided_any(mx_array *a, const int *shape, const int64_t *strides, int ndim,
                            int64_t offset) {
    mx_p_as_strided p = {{ndim, shape}, {ndim, strides}, offset, true};
    if (!a || a->tracer || !reaches_beyond(&p, a))
        return mx_as_strided(a, shape, strides, ndim, offset);
    mx_array *y = mx_apply_view(MX_PRIM_as_strided, &p, a);
    if (y) {
        y->beyond = true;
        y->row_contiguous = false;
    }
    return y;
}
