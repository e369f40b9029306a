/* Writing into a region: slice_update with its combinations, and slices whose place is data. */
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

/* --- slice_update ----------------------------------------------------------------- */

static bool infer_slice_update(const void *params, mx_array *const *in, int nin, mx_out *out,
                               int nout) {
    const mx_p_slice_update *p = params;
    const mx_array *a = in[0], *u = in[nin - 1];
    (void)nout;
    bool ok = nin == 2 && p->start.n == a->ndim && p->step.n == a->ndim && u->ndim == a->ndim &&
              u->dtype == a->dtype;
    for (int i = 0; i < a->ndim && ok; i++) {
        int64_t n = u->shape[i], first = p->start.v[i],
                last = first + (n - 1) * (int64_t)p->step.v[i];
        ok = n == 0 || (first >= 0 && first < a->shape[i] && last >= 0 && last < a->shape[i]);
    }
    if (!ok)
        return mx_fail(MX_INVALID, "[slice_update] the update does not fit into the array");
    *out = (mx_out){mx_dtype_of(a), mx_shape_of(a)};
    return true;
}

/* What node y's region shows of an array shaped as its input. */
static mx_array *region(const mx_node *y, mx_array *a) {
    const mx_p_slice_update *p = y->params;
    mx_p_slice s = {p->start, {y->in[1]->ndim, y->in[1]->shape}, p->step, p->asked};
    return mx_apply_view(MX_PRIM_slice, &s, a);
}

static bool slice_update_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                             mx_array **grad) {
    if (cot[0] && need[0])
        grad[0] = mx_apply2(MX_PRIM_slice_update, y->params, cot[0], mx_zeros_like(y->in[1]));
    if (cot[0] && need[1])
        grad[1] = region(y, cot[0]);
    return !mx_failed();
}

static bool slice_update_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                              mx_array **out, int *out_axes) {
    const mx_p_slice_update *p = y->params;
    int start[MX_MAX_NDIM + 1] = {0}, step[MX_MAX_NDIM + 1] = {1};
    for (int i = 0; i < p->start.n; i++) {
        start[i + 1] = p->start.v[i];
        step[i + 1] = p->step.v[i];
    }
    int words[3 * (MX_MAX_NDIM + 1)];
    mx_p_slice_update q = {{p->start.n + 1, start},
                           {p->step.n + 1, step},
                           mx_slice_words_batched(p->asked, p->start.n, words)};
    if (!p->asked.n)
        mx_trace_pin("SliceUpdate");
    out[0] = mx_apply2(MX_PRIM_slice_update, &q, mx_batch_front_full(in[0], axes[0], n),
                       mx_batch_front_full(in[1], axes[1], n));
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field slice_update_fields[] = {
    MX_FIELD(mx_p_slice_update, start, INTS), MX_FIELD(mx_p_slice_update, step, INTS),
    MX_FIELD(mx_p_slice_update, asked, INTS), MX_FIELD_END};

const mx_prim_desc mx_desc_slice_update = {
    .name = "SliceUpdate",
    .fields = slice_update_fields,
    .param_size = sizeof(mx_p_slice_update),
    .infer = infer_slice_update,
    .vjp = slice_update_vjp,
    .jvp = mx_linear_jvp,
    .vmap = slice_update_vmap,
};

static mx_array *combined(mx_scatter_op op, mx_array *old, mx_array *update) {
    switch (op) {
    case MX_SCATTER_SUM: return mx_add(old, update);
    case MX_SCATTER_PROD: return mx_mul(old, update);
    case MX_SCATTER_MAX: return mx_maximum(old, update);
    case MX_SCATTER_MIN: return mx_minimum(old, update);
    default: return update;
    }
}

/* Where the region is said in words, so is its shape. */
static mx_array *update_like(mx_scatter_op op, mx_array *update, mx_array *old) {
    return combined(op, old, mx_broadcast_like(update, old));
}

mx_array *mx_slice_update(mx_scatter_op op, mx_array *a, mx_array *update, const int *start,
                          const int *stop, const int *step) {
    int first[MX_MAX_NDIM], shape[MX_MAX_NDIM], by[MX_MAX_NDIM], room[3 * MX_MAX_NDIM];
    if (!a || !update)
        return NULL;
    mx_ints asked = mx_slice_words(a, start, stop, step, room);
    for (int i = 0; i < a->ndim; i++) {
        first[i] = start[i];
        by[i] = step ? step[i] : 1;
        if (!mx_slice_axis_range("slice_update", a->shape[i], by[i], &first[i], stop[i], &shape[i]))
            return NULL;
    }
    if (!asked.n)
        mx_trace_pin("SliceUpdate");
    mx_p_slice s = {{a->ndim, first}, {a->ndim, shape}, {a->ndim, by}, {0, NULL}};
    mx_array *old = op == MX_SCATTER_NONE ? a : mx_apply_view(MX_PRIM_slice, &s, a);
    update = mx_astype(update, mx_dtype_of(a));
    update = asked.n ? update_like(op, update, mx_slice_asked(a, start, stop, step))
                     : combined(op, old, mx_broadcast_to(update, shape, a->ndim));
    return mx_apply2(MX_PRIM_slice_update, &(mx_p_slice_update){s.start, s.step, asked}, a, update);
}

/* --- dynamic_slice: the start is an array ----------------------------------------- */

static bool check_start(const char *op, const mx_array *start, mx_ints axes, int ndim) {
    if (start->size != axes.n || start->ndim > 1)
        return mx_fail(MX_INVALID,
                       "[%s] Number of starting indices %lld does not match number of axes %d.", op,
                       (long long)start->size, axes.n);
    if (!mx_dtype_is_integer(mx_dtype_of(start)))
        return mx_fail(MX_INVALID, "[%s] the starting indices must be integers, got %s", op,
                       mx_dtype_name(mx_dtype_of(start)));
    bool mask[MX_MAX_NDIM];
    return mx_axes_mask(op, axes.v ? axes.v : (const int[]){0}, axes.n, ndim, mask);
}

static bool infer_dynamic_slice(const void *params, mx_array *const *in, int nin, mx_out *out,
                                int nout) {
    const mx_p_dynamic_slice *p = params;
    const mx_array *a = in[0];
    char tp[256], ta[256];
    (void)nout;
    if (!check_start("slice", in[nin - 1], p->axes, a->ndim))
        return false;
    bool fits = p->shape.n == a->ndim;
    for (int i = 0; i < a->ndim && fits; i++)
        fits = p->shape.v[i] >= 0 && p->shape.v[i] <= a->shape[i];
    if (!fits)
        return mx_fail(MX_INVALID, "[slice] Invalid slice size %s for array with shape %s.",
                       mx_shape_text(tp, sizeof tp, p->shape.v, p->shape.n),
                       mx_shape_text(ta, sizeof ta, a->shape, a->ndim));
    out->dtype = mx_dtype_of(a);
    out->shape.ndim = a->ndim;
    for (int i = 0; i < a->ndim; i++)
        out->shape.dim[i] = p->shape.v[i];
    return true;
}

static bool dynamic_slice_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                              mx_array **grad) {
    mx_p_dynamic_update u = {((const mx_p_dynamic_slice *)y->params)->axes};
    mx_array *in[3] = {mx_zeros_like(y->in[0]), cot[0], y->in[1]};
    if (cot[0] && need[0])
        grad[0] = mx_apply(MX_PRIM_dynamic_slice_update, &u, in, 3);
    return !mx_failed();
}

/* Axes of an array that got a batch axis in front. */
static mx_ints shifted(mx_ints axes, int *room) {
    for (int i = 0; i < axes.n; i++)
        room[i] = axes.v[i] + 1;
    return (mx_ints){axes.n, room};
}

static bool dynamic_slice_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                               mx_array **out, int *out_axes) {
    const mx_p_dynamic_slice *p = y->params;
    int room[MX_MAX_NDIM], shape[MX_MAX_NDIM + 1] = {n};
    if (axes[1] >= 0)
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    for (int i = 0; i < p->shape.n; i++)
        shape[i + 1] = p->shape.v[i];
    mx_p_dynamic_slice q = {shifted(p->axes, room), {p->shape.n + 1, shape}};
    out[0] = mx_apply2(MX_PRIM_dynamic_slice, &q, mx_batch_front(in[0], axes[0]), in[1]);
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field dynamic_slice_fields[] = {MX_FIELD(mx_p_dynamic_slice, axes, INTS),
                                                MX_FIELD(mx_p_dynamic_slice, shape, INTS),
                                                MX_FIELD_END};

const mx_prim_desc mx_desc_dynamic_slice = {
    .name = "DynamicSlice",
    .traits = MX_TRAIT_SHARES,
    .places = {"slice", 1, 0},
    .fields = dynamic_slice_fields,
    .param_size = sizeof(mx_p_dynamic_slice),
    .infer = infer_dynamic_slice,
    .vjp = dynamic_slice_vjp,
    .jvp = mx_linear_jvp,
    .vmap = dynamic_slice_vmap,
};

/* Axes made non-negative; the infer functions refuse what is not an axis. */
static mx_ints normal_axes(const int *axes, int n, int ndim, int *room) {
    for (int i = 0; i < n && i < MX_MAX_NDIM; i++)
        room[i] = axes[i] < 0 ? axes[i] + ndim : axes[i];
    return (mx_ints){n, room};
}

mx_array *mx_dynamic_slice(mx_array *a, mx_array *start, const int *axes, int n, const int *size) {
    int room[MX_MAX_NDIM];
    if (!a || !start || n < 0 || n > a->ndim)
        return a && start
                   ? mx_fail(MX_INVALID, "[slice] %d axes given for array with %d dimensions.", n,
                             a->ndim)
                   : NULL;
    mx_p_dynamic_slice p = {normal_axes(axes, n, a->ndim, room), {a->ndim, size}};
    return mx_apply2(MX_PRIM_dynamic_slice, &p, a, start);
}

/* --- dynamic_slice_update --------------------------------------------------------- */

static bool infer_dynamic_slice_update(const void *params, mx_array *const *in, int nin,
                                       mx_out *out, int nout) {
    const mx_array *a = in[0], *u = in[1 % nin];
    (void)nout;
    if (!check_start("slice_update", in[nin - 1], ((const mx_p_dynamic_update *)params)->axes,
                     a->ndim))
        return false;
    bool fits = nin == 3 && u->ndim == a->ndim && u->dtype == a->dtype;
    for (int i = 0; i < a->ndim && fits; i++)
        fits = u->shape[i] <= a->shape[i];
    if (!fits)
        return mx_fail(MX_INVALID, "[slice_update] the update does not fit into the array");
    *out = (mx_out){mx_dtype_of(a), mx_shape_of(a)};
    return true;
}

static bool dynamic_slice_update_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                                     mx_array **grad) {
    mx_array *u = y->in[1], *start = y->in[2];
    mx_p_dynamic_slice s = {((const mx_p_dynamic_update *)y->params)->axes, {u->ndim, u->shape}};
    mx_array *in[3] = {cot[0], mx_zeros_like(u), start};
    if (cot[0] && need[0])
        grad[0] = mx_apply(MX_PRIM_dynamic_slice_update, y->params, in, 3);
    if (cot[0] && need[1])
        grad[1] = mx_apply2(MX_PRIM_dynamic_slice, &s, cot[0], start);
    return !mx_failed();
}

static bool dynamic_slice_update_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                                      mx_array **out, int *out_axes) {
    int room[MX_MAX_NDIM];
    if (axes[2] >= 0)
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    mx_p_dynamic_update q = {shifted(((const mx_p_dynamic_update *)y->params)->axes, room)};
    mx_array *front[3] = {mx_batch_front_full(in[0], axes[0], n),
                          mx_batch_front_full(in[1], axes[1], n), in[2]};
    out[0] = mx_apply(MX_PRIM_dynamic_slice_update, &q, front, 3);
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field dynamic_update_fields[] = {MX_FIELD(mx_p_dynamic_update, axes, INTS),
                                                 MX_FIELD_END};

const mx_prim_desc mx_desc_dynamic_slice_update = {
    .name = "DynamicSliceUpdate",
    .places = {"slice_update", 2, 0},
    .fields = dynamic_update_fields,
    .param_size = sizeof(mx_p_dynamic_update),
    .infer = infer_dynamic_slice_update,
    .vjp = dynamic_slice_update_vjp,
    .jvp = mx_linear_jvp,
    .vmap = dynamic_slice_update_vmap,
};

/* Axes that the update lacks in front are filled from a's shape. */
mx_array *mx_dynamic_slice_update(mx_array *a, mx_array *update, mx_array *start, const int *axes,
                                  int n) {
    int room[MX_MAX_NDIM], shape[MX_MAX_NDIM];
    if (!a || !update || !start)
        return NULL;
    if (n < 0 || n > a->ndim || update->ndim > a->ndim)
        return mx_fail(
            MX_INVALID,
            "[slice_update] %d axes and an update with %d dimensions given for array with "
            "%d dimensions.",
            n, update->ndim, a->ndim);
    int lead = a->ndim - update->ndim;
    for (int i = 0; i < a->ndim; i++)
        shape[i] = i < lead ? a->shape[i] : update->shape[i - lead];
    for (int i = 0; i < n; i++) {
        int axis = axes[i] < 0 ? axes[i] + a->ndim : axes[i];
        if (axis >= 0 && axis < lead)
            shape[axis] = 1;
    }
    mx_p_dynamic_update p = {normal_axes(axes, n, a->ndim, room)};
    mx_array *in[3] = {a, mx_broadcast_to(mx_astype(update, mx_dtype_of(a)), shape, a->ndim),
                       start};
    return mx_apply(MX_PRIM_dynamic_slice_update, &p, in, 3);
}
