/* Reading through indices: gather, take, take_along_axis. Scatter is the derivative of
 * all of them. */
#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/index/index.h"

/* --- checks shared with op_scatter.c ---------------------------------------------- */

bool mx_index_check(const char *op, const mx_array *idx) {
    if (!idx)
        return false;
    if (idx->dtype == MX_BOOL)
        return mx_fail(MX_INVALID, "[%s] Boolean indices not supported.", op);
    return mx_dtype_is_integer(mx_dtype_of(idx)) ||
           mx_fail(MX_INVALID, "[%s] Got indices with invalid dtype %s. Indices must be integral.",
                   op, mx_dtype_name(mx_dtype_of(idx)));
}

bool mx_index_lists(const char *op, mx_array *a, mx_array *const *idx, const int *axes, int n,
                    mx_array **in, int *normal) {
    bool seen[MX_MAX_NDIM];
    if (!a || n < 0 || n > a->ndim)
        return a && mx_fail(MX_INVALID, "[%s] %d index arrays for an array with %d dimensions.", op,
                            n, a->ndim);
    for (int i = 0; i < n; i++)
        if (!mx_index_check(op, idx[i]))
            return false;
    if (!mx_axes_mask(op, n ? axes : &(int){0}, n, a->ndim, seen))
        return false;
    for (int i = 0; i < n; i++)
        normal[i] = axes[i] < 0 ? axes[i] + a->ndim : axes[i];
    in[0] = a;
    return mx_broadcast_arrays(idx, n, in + 1);
}

/* --- gather ----------------------------------------------------------------------- */

static bool among(int axis, const int *axes, int n) {
    for (int i = 0; i < n; i++)
        if (axes[i] == axis)
            return true;
    return false;
}

mx_array *mx_gather(mx_array *a, mx_array *const *idx, const int *axes, int n,
                    const int *slice_sizes) {
    mx_array *in[MX_MAX_NDIM + 1];
    int normal[MX_MAX_NDIM], sizes[MX_MAX_NDIM];
    if (!mx_index_lists("gather", a, idx, axes, n, in, normal))
        return NULL;
    bool words = mx_trace_shapeless();
    for (int i = 0; i < a->ndim; i++) { // where a number is the size of the axis it may mean either
        sizes[i] = slice_sizes[i] == -1 ? a->shape[i] : slice_sizes[i];
        words &= slice_sizes[i] == -1 || among(i, normal, n) || sizes[i] != a->shape[i];
    }
    mx_p_gather p = {{n, normal}, {a->ndim, sizes}, 0, false, {words ? a->ndim : 0, slice_sizes}};
    return mx_apply(MX_PRIM_gather, &p, in, n + 1);
}

static bool indexed(const mx_p_gather *p, int axis) {
    return among(axis, p->axes.v, p->axes.n);
}

/* Axes of the result before the axes of the indices. */
static int leading(const mx_p_gather *p) {
    int n = 0;
    for (int i = 0; i < p->place; i++)
        n += !(p->drop && indexed(p, i));
    return n;
}

/* A slice longer than the axis is no matter where nothing is read. */
static bool check_slice(const mx_p_gather *p, const mx_array *a, const mx_array *idx) {
    for (int i = 0; i < a->ndim; i++) {
        int size = p->slice.v[i];
        if (size < 0 || (size > a->shape[i] && !(idx && idx->size == 0)))
            return mx_fail(MX_INVALID, "[gather] slice size %d along axis %d with %d elements.",
                           size, i, a->shape[i]);
        if (p->drop && size != 1 && indexed(p, i))
            return mx_fail(MX_INTERNAL, "[gather] a dropped axis of size %d", size);
    }
    return true;
}

static bool add_axes(mx_shape *s, const int *dim, int n) {
    if (s->ndim + n > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[gather] the result would have more than %d dimensions.",
                       MX_MAX_NDIM);
    for (int i = 0; i < n; i++)
        s->dim[s->ndim++] = dim[i];
    return true;
}

static bool gather_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)nout;
    const mx_p_gather *p = params;
    const mx_array *a = in[0];
    bool ok = check_slice(p, a, nin > 1 ? in[1] : NULL);
    for (int i = 0; i <= a->ndim && ok; i++) {
        if (i == p->place && nin > 1)
            ok = add_axes(&out->shape, in[1]->shape, in[1]->ndim);
        if (i < a->ndim && ok && !(p->drop && indexed(p, i)))
            ok = add_axes(&out->shape, &p->slice.v[i], 1);
    }
    out->dtype = mx_dtype_of(a);
    return ok;
}

/* Something of the result's shape as updates for scatter: (I..., slice...). */
static mx_array *as_updates(const mx_p_gather *p, mx_array *g, int index_ndim) {
    int order[MX_MAX_NDIM], k = 0, at = leading(p);
    if (!g)
        return NULL;
    for (int i = 0; i < index_ndim; i++)
        order[k++] = at + i;
    for (int i = 0; i < g->ndim; i++)
        if (i < at || i >= at + index_ndim)
            order[k++] = i;
    if (at)
        g = mx_transpose_axes(g, order, k);
    for (int i = 0, n = p->slice.n; p->drop && i < n; i++)
        if (indexed(p, i))
            g = mx_expand_dim(g, index_ndim + i);
    return g;
}

static bool gather_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_p_gather *p = y->params;
    if (!cot[0] || !need[0])
        return true;
    mx_array *g = as_updates(p, cot[0], y->nin > 1 ? y->in[1]->ndim : 0);
    grad[0] =
        mx_scatter(MX_SCATTER_SUM, mx_zeros_like(y->in[0]), y->in + 1, g, p->axes.v, p->axes.n);
    return grad[0] != NULL;
}

static bool gather_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    mx_array *in[MX_MAX_NDIM + 1] = {tan[0]};
    if (!tan[0])
        return true;
    for (int i = 1; i < y->nin; i++)
        in[i] = y->in[i];
    return (out[0] = mx_apply(MX_PRIM_gather, y->params, in, y->nin)) != NULL;
}

bool mx_index_batched(const int *axes, int n) {
    for (int i = 0; i < n; i++)
        if (axes[i] >= 0)
            return true;
    return false;
}

/* 0 .. n-1 along the first of ndim axes. */
static mx_array *batch_numbers(int n, int ndim) {
    int shape[MX_MAX_NDIM];
    for (int i = 0; i < ndim; i++)
        shape[i] = i ? 1 : n;
    return mx_reshape(mx_arange(0, n, 1, MX_INT32), shape, ndim);
}

bool mx_index_batch(mx_array *const *idx, const int *axes, int nidx, int n, mx_array **out) {
    mx_array *full[MX_MAX_NDIM + 1];
    for (int i = 0; i < nidx; i++)
        if (!(full[i + 1] = mx_batch_front_full(idx[i], axes[i], n)))
            return false;
    full[0] = batch_numbers(n, nidx ? full[1]->ndim : 1);
    return full[0] && mx_broadcast_arrays(full, nidx + 1, out);
}

/* The batch axis of a becomes one more axis of the slice, or, where the indices have it
   too, one more indexed axis. */
static bool gather_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                        mx_array **out, int *out_axes) {
    const mx_p_gather *p = y->params;
    mx_array *arg[MX_MAX_NDIM + 2];
    int at[MX_MAX_NDIM + 1] = {0}, slice[MX_MAX_NDIM + 1], nidx = p->axes.n;
    bool batched = mx_index_batched(axes + 1, nidx), both = batched && axes[0] >= 0;
    mx_p_gather q = *p;
    for (int i = 1; i <= nidx; i++)
        arg[i] = batched ? mx_batch_front_full(in[i], axes[i], n) : in[i];
    arg[0] = in[0];
    if (axes[0] >= 0) {
        arg[0] = mx_batch_front(in[0], axes[0]);
        slice[0] = both ? 1 : n;
        for (int i = 0; i < p->slice.n; i++)
            slice[i + 1] = p->slice.v[i];
        for (int i = 0; i < nidx; i++)
            at[i + both] = p->axes.v[i] + 1;
        q = (mx_p_gather){
            {nidx + both, at}, {p->slice.n + 1, slice}, p->place + 1, p->drop, {0, NULL}};
        if (both && !mx_index_batch(in + 1, axes + 1, nidx, n, arg + 1))
            return false;
    }
    out[0] = mx_apply(MX_PRIM_gather, &q, arg, q.axes.n + 1);
    if (both && !p->drop)
        out[0] = mx_squeeze_axis(out[0], 0);
    out_axes[0] = batched ? leading(p) : 0;
    return out[0] != NULL;
}

static const mx_field gather_fields[] = {
    MX_FIELD(mx_p_gather, axes, INTS),  MX_FIELD(mx_p_gather, slice, INTS),
    MX_FIELD(mx_p_gather, place, INT),  MX_FIELD(mx_p_gather, drop, BOOL),
    MX_FIELD(mx_p_gather, asked, INTS), MX_FIELD_END};

const mx_prim_desc mx_desc_gather = {
    .name = "Gather",
    .places = {"gather", 1, 0},
    .fields = gather_fields,
    .param_size = sizeof(mx_p_gather),
    .infer = gather_infer,
    .vjp = gather_vjp,
    .jvp = gather_jvp,
    .vmap = gather_vmap,
};

/* --- take ------------------------------------------------------------------------- */

/* a's shape with I in the place of the axis */
mx_array *mx_take(mx_array *a, mx_array *idx, int axis) {
    int slice[MX_MAX_NDIM], asked[MX_MAX_NDIM];
    if (!a || !mx_index_check("take", idx))
        return NULL;
    if (axis < -a->ndim || axis >= a->ndim)
        return mx_fail(MX_RANGE, "[take] Received invalid axis %d for array with %d dimensions.",
                       axis, a->ndim);
    axis += axis < 0 ? a->ndim : 0;
    if (a->shape[axis] == 0 && idx->size != 0)
        return mx_fail(MX_RANGE, "[take] Cannot do a non-empty take from an empty axis.");
    for (int i = 0; i < a->ndim; i++) {
        slice[i] = i == axis ? 1 : a->shape[i];
        asked[i] = i == axis ? 1 : -1;
    }
    mx_array *in[2] = {a, idx};
    mx_p_gather p = {
        {1, &axis}, {a->ndim, slice}, axis, true, {mx_trace_shapeless() ? a->ndim : 0, asked}};
    return mx_apply(MX_PRIM_gather, &p, in, 2);
}

mx_array *mx_take_flat(mx_array *a, mx_array *idx) {
    return mx_take(a && a->ndim == 1 ? a : mx_flatten(a, 0, -1), idx, 0);
}

/* --- take_along_axis -------------------------------------------------------------- */

/* The same for any shapes. */
static bool broadcast_along(mx_array **a, mx_array **idx, int axis) {
    mx_array *one_a = mx_sum_axis(mx_stop_gradient(*a), axis, true),
             *one_i = mx_sum_axis(*idx, axis, true), *both[2];
    if (!one_a || !one_i || !mx_broadcast_arrays((mx_array *[]){*a, one_i}, 2, both))
        return false;
    *a = both[0];
    if (!mx_broadcast_arrays((mx_array *[]){*idx, one_a}, 2, both))
        return false;
    *idx = both[0];
    return true;
}

/* a with everything but the axis broadcast to s. */
static mx_array *broadcast_but(mx_array *a, int axis, mx_shape s) {
    s.dim[axis] = a->shape[axis];
    return mx_broadcast_to(a, s.dim, s.ndim);
}

bool mx_index_along(const char *op, mx_array **a, mx_array **idx, int *axis) {
    mx_shape sa, si, s;
    if (*idx && !(*idx)->size && !mx_dtype_is_integer(mx_dtype_of(*idx)))
        *idx = mx_astype(*idx, MX_INT32); // an empty list of no kind, float32 by default
    if (!*a || !mx_index_check(op, *idx) || (*axis = mx_axis(op, *axis, (*a)->ndim)) < 0)
        return false;
    if ((*a)->ndim != (*idx)->ndim)
        return mx_fail(MX_INVALID,
                       "[%s] Indices of dimension %d does not match array of dimension %d.", op,
                       (*idx)->ndim, (*a)->ndim);
    sa = mx_shape_of(*a), si = mx_shape_of(*idx);
    sa.dim[*axis] = si.dim[*axis] = 1;
    if (!mx_broadcast_shapes("broadcast_shapes", sa.dim, sa.ndim, si.dim, si.ndim, &s))
        return false;
    if (mx_trace_shapeless())
        return broadcast_along(a, idx, *axis);
    *a = broadcast_but(*a, *axis, s);
    *idx = broadcast_but(*idx, *axis, s);
    return *a && *idx;
}

mx_array *mx_take_along_axis(mx_array *a, mx_array *idx, int axis) {
    if (!mx_index_along("take_along_axis", &a, &idx, &axis))
        return NULL;
    mx_p_axis p = {axis};
    return mx_apply2(MX_PRIM_gather_axis, &p, a, idx);
}

static bool gather_axis_infer(const void *params, mx_array *const *in, int nin, mx_out *out,
                              int nout) {
    (void)nin, (void)nout;
    const mx_p_axis *p = params;
    if (in[0]->shape[p->axis] == 0 && in[1]->size != 0)
        return mx_fail(MX_RANGE,
                       "[take_along_axis] Cannot do a non-empty take from an empty axis.");
    out->dtype = mx_dtype_of(in[0]);
    out->shape = mx_shape_of(in[1]);
    return true;
}

static bool gather_axis_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                            mx_array **grad) {
    const mx_p_axis *p = y->params;
    if (!cot[0] || !need[0])
        return true;
    grad[0] = mx_scatter_axis(MX_SCATTER_SUM, mx_zeros_like(y->in[0]), y->in[1], cot[0], p->axis);
    return grad[0] != NULL;
}

static bool gather_axis_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    if (!tan[0])
        return true;
    return (out[0] = mx_apply2(MX_PRIM_gather_axis, y->params, tan[0], y->in[1])) != NULL;
}

static bool gather_axis_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                             mx_array **out, int *out_axes) {
    mx_p_axis p = {((const mx_p_axis *)y->params)->axis + 1};
    out[0] = mx_apply2(MX_PRIM_gather_axis, &p, mx_batch_front_full(in[0], axes[0], n),
                       mx_batch_front_full(in[1], axes[1], n));
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field gather_axis_fields[] = {MX_FIELD(mx_p_axis, axis, INT), MX_FIELD_END};

const mx_prim_desc mx_desc_gather_axis = {
    .name = "GatherAxis",
    .places = {"gather_axis", 1, 0},
    .fields = gather_axis_fields,
    .param_size = sizeof(mx_p_axis),
    .infer = gather_axis_infer,
    .vjp = gather_axis_vjp,
    .jvp = gather_axis_jvp,
    .vmap = gather_axis_vmap,
};
