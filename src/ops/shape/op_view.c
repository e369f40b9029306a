/* The view primitives: broadcast, reshape, transpose, slice, as_strided. Their results
 * share the memory of their input wherever strides can say it (graph/array/view.h). */
#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "graph/array/view.h"
#include "ops/rules.h"

enum { TEXT = 256 };

mx_array *mx_apply_view(mx_prim p, const void *params, mx_array *a) {
    mx_out o;
    int64_t offset, strides[MX_MAX_NDIM];
    if (!a || a->tracer || a->beyond || !mx_array_available(a))
        return mx_apply1(p, params, a);
    if (!mx_prims[p]->infer(params, &a, 1, &o, 1))
        return NULL;
    if (!mx_view_geometry(p, params, a, o.shape.dim, o.shape.ndim, &offset, strides))
        return mx_apply1(p, params, a);
    size_t at = (size_t)(a->data - (char *)a->buffer->ptr + offset * (int64_t)mx_itemsize(a));
    return mx_array_over(a->buffer, at, o.shape.dim, strides, o.shape.ndim, o.dtype);
}

static mx_shape shape_from(mx_ints list) {
    mx_shape s;
    s.ndim = list.n;
    for (int i = 0; i < list.n; i++)
        s.dim[i] = list.v[i];
    return s;
}

/* A shape that an array can have, in a message's words if not. */
static bool check_shape(const char *op, const int *shape, int ndim) {
    if (ndim < 0 || ndim > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[%s] %d dimensions given, at most %d are possible", op, ndim,
                       MX_MAX_NDIM);
    for (int i = 0; i < ndim; i++)
        if (shape[i] < 0)
            return mx_fail(MX_INVALID, "[%s] Negative dimensions not allowed.", op);
    return true;
}

/* The batch axis in front of a list of ints. */
static mx_ints with_batch(int first, mx_ints list, int *room) {
    room[0] = first;
    for (int i = 0; i < list.n; i++)
        room[i + 1] = list.v[i];
    return (mx_ints){list.n + 1, room};
}

static bool batched(mx_prim p, const void *params, mx_array *a, mx_array **out, int *out_axes) {
    out[0] = mx_apply_view(p, params, a);
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_field mx_shape_fields[] = {MX_FIELD(mx_p_shape, shape, INTS), MX_FIELD_END};

/* --- broadcast -------------------------------------------------------------------- */

/* Several inputs: the first, in the shape of all together. */
static bool infer_together(mx_array *const *in, int nin, mx_out *out) {
    mx_shape *s = &out->shape;
    out->dtype = mx_dtype_of(in[0]);
    *s = mx_shape_of(in[0]);
    for (int i = 1; i < nin; i++)
        if (!mx_broadcast_shapes("broadcast_shapes", s->dim, s->ndim, in[i]->shape, in[i]->ndim, s))
            return false;
    return true;
}

bool mx_broadcast_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_ints to = ((const mx_p_shape *)params)->shape;
    const mx_array *a = in[0];
    char ta[TEXT], tb[TEXT];
    (void)nout;
    if (nin > 1)
        return infer_together(in, nin, out);
    if (!check_shape("broadcast_to", to.v, to.n))
        return false;
    out->dtype = mx_dtype_of(a);
    bool fits = a->ndim <= to.n;
    if (fits &&
        !mx_broadcast_shapes("broadcast_shapes", a->shape, a->ndim, to.v, to.n, &out->shape))
        return false;
    for (int i = 0; i < to.n && fits; i++)
        fits = out->shape.dim[i] == to.v[i];
    return fits ||
           mx_fail(MX_INVALID, "[broadcast_to] Cannot broadcast array of shape %s into shape %s.",
                   mx_shape_text(ta, TEXT, a->shape, a->ndim), mx_shape_text(tb, TEXT, to.v, to.n));
}

bool mx_broadcast_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (cot[0] && need[0])
        grad[0] = mx_unbroadcast(cot[0], y->in[0]);
    return !mx_failed();
}

bool mx_broadcast_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    if (tan[0])
        out[0] = y->nin > 1 ? mx_broadcast_like(tan[0], mx_node_out(y, 0))
                            : mx_apply1((mx_prim)y->prim, y->params, tan[0]);
    return !mx_failed();
}

/* For any size of the batch: to the shape of all inputs, or of what was said. */
static bool broadcast_vmap_words(const mx_node *y, mx_array *const *in, const int *axes,
                                 mx_array **out) {
    const mx_ints to = ((const mx_p_shape *)y->params)->shape;
    mx_array *each[MX_MAX_NDIM + 2];
    int n = y->nin > 1 ? y->nin : 2;
    if (n > MX_MAX_NDIM + 1)
        return mx_fail(MX_INVALID, "[vmap] more than %d arrays", MX_MAX_NDIM);
    for (int i = 0; i < y->nin; i++)
        each[i] = mx_batch_aligned(in[i], axes[i], mx_node_out(y, 0)->ndim);
    if (y->nin == 1) {
        bool former = mx_trace_set_says(true);
        each[1] = mx_zeros(to.v, to.n, mx_dtype_of(in[0]));
        mx_trace_set_says(former);
    }
    return (out[0] = mx_apply((mx_prim)y->prim, y->params, each, n)) != NULL;
}

bool mx_broadcast_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                       mx_array **out, int *out_axes) {
    const mx_ints to = ((const mx_p_shape *)y->params)->shape;
    out_axes[0] = 0;
    if (mx_trace_shapeless())
        return broadcast_vmap_words(y, in, axes, out);
    int room[MX_MAX_NDIM + 1], ones[MX_MAX_NDIM + 1];
    mx_array *a = mx_batch_front(in[0], axes[0]);
    if (!a || to.n == MX_MAX_NDIM)
        return a && mx_fail(MX_INVALID, "[vmap] more than %d dimensions", MX_MAX_NDIM);
    int fill = to.n + 1 - a->ndim;
    for (int i = 0; i <= to.n; i++)
        ones[i] = i == 0 ? a->shape[0] : i <= fill ? 1 : a->shape[i - fill];
    mx_p_shape p = {with_batch(n, to, room)};
    a = mx_reshape(a, ones, to.n + 1);
    out[0] = y->prim == MX_PRIM_full ? mx_apply1(MX_PRIM_full, &p, a)
                                     : mx_apply_view(MX_PRIM_broadcast, &p, a);
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_broadcast = {
    .name = "Broadcast",
    .traits = MX_TRAIT_VIEW,
    .fields = mx_shape_fields,
    .param_size = sizeof(mx_p_shape),
    .infer = mx_broadcast_infer,
    .vjp = mx_broadcast_vjp,
    .jvp = mx_broadcast_jvp,
    .vmap = mx_broadcast_vmap,
};

mx_array *mx_broadcast_to(mx_array *a, const int *shape, int ndim) {
    mx_trace_pin("Broadcast");
    if (!a || mx_shape_is(a, shape, ndim))
        return a;
    return mx_apply_view(MX_PRIM_broadcast, &(mx_p_shape){{ndim, shape}}, a);
}

mx_array *mx_broadcast_like(mx_array *a, mx_array *like) {
    if (!a || !like || !mx_trace_shapeless())
        return a && like ? mx_broadcast_to(a, like->shape, like->ndim) : NULL;
    mx_p_shape p = {{like->ndim, like->shape}};
    return mx_apply2(MX_PRIM_broadcast, &p, a, like);
}

/* --- reshape ---------------------------------------------------------------------- */

static mx_array *refuse_reshape(const mx_array *a, const int *shape, int ndim) {
    char text[TEXT];
    return mx_fail(MX_INVALID, "[reshape] Cannot reshape array of size %lld into shape %s.",
                   (long long)a->size, mx_shape_text(text, TEXT, shape, ndim));
}

static bool infer_reshape(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_ints own = ((const mx_p_reshape *)params)->shape;
    const mx_ints to = nin > 1 ? (mx_ints){in[1]->ndim, in[1]->shape} : own;
    int64_t size;
    (void)nout;
    if (to.n > MX_MAX_NDIM)
        return check_shape("reshape", to.v, to.n);
    if (!mx_shape_size(to.v, to.n, mx_itemsize(in[0]), &size) || size != in[0]->size)
        return refuse_reshape(in[0], to.v, to.n);
    *out = (mx_out){mx_dtype_of(in[0]), shape_from(to)};
    return true;
}

static bool reshape_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (cot[0] && need[0])
        grad[0] = mx_reshape_like(cot[0], y->in[0]);
    return !mx_failed();
}

static bool reshape_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    if (tan[0])
        out[0] = y->nin > 1 ? mx_reshape_like(tan[0], mx_node_out(y, 0))
                            : mx_apply1(MX_PRIM_reshape, y->params, tan[0]);
    return !mx_failed();
}

/* The same words about the axes behind that of the batch, which a has in front; NULL: none. */
static mx_array *reshape_words(const mx_node *y, mx_array *a) {
    const mx_p_reshape *p = y->params;
    const mx_ints w = p->asked;
    int moved[MX_MAX_NDIM + 1];
    for (int i = 0; i < w.n && i <= MX_MAX_NDIM; i++)
        moved[i] = w.v[i] + (w.v[i] >= 0);
    switch (p->how) {
    case MX_TO_FLAT: return y->in[0]->ndim && w.n == 2 ? mx_flatten(a, moved[0], moved[1]) : NULL;
    case MX_TO_PARTS: return w.n > 1 ? mx_unflatten(a, moved[0], w.v + 1, w.n - 1) : NULL;
    case MX_TO_SQUEEZED: return w.n ? mx_squeeze(a, moved, w.n) : a;
    case MX_TO_EXPANDED: return mx_expand_dims(a, moved, w.n);
    case MX_TO_SHAPE:
        a = y->in[0]->ndim ? mx_flatten(a, 1, -1) : mx_expand_dim(a, 1);
        return w.n ? mx_unflatten(a, 1, w.v, w.n) : p->shape.n == 0 ? mx_squeeze_axis(a, 1) : NULL;
    default: return NULL;
    }
}

static bool reshape_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                         mx_array **out, int *out_axes) {
    int room[MX_MAX_NDIM + 1];
    const mx_array *like = mx_node_out(y, 0);
    mx_p_reshape p = {.shape = with_batch(n, (mx_ints){like->ndim, like->shape}, room)};
    out_axes[0] = 0;
    if (mx_trace_shapeless() && y->nin > 1 && axes[0] >= 0 && axes[1] >= 0)
        return (out[0] = mx_reshape_like(mx_moveaxis(in[0], axes[0], 0),
                                         mx_moveaxis(in[1], axes[1], 0))) != NULL;
    if (mx_trace_shapeless() && y->nin == 1 &&
        (out[0] = reshape_words(y, mx_batch_front(in[0], axes[0]))))
        return true;
    mx_trace_pin("Reshape");
    return !mx_failed() &&
           batched(MX_PRIM_reshape, &p, mx_batch_front(in[0], axes[0]), out, out_axes);
}

static const mx_field reshape_fields[] = {MX_FIELD(mx_p_reshape, shape, INTS),
                                          MX_FIELD(mx_p_reshape, how, INT),
                                          MX_FIELD(mx_p_reshape, asked, INTS), MX_FIELD_END};

const mx_prim_desc mx_desc_reshape = {
    .name = "Reshape",
    .traits = MX_TRAIT_VIEW,
    .fields = reshape_fields,
    .param_size = sizeof(mx_p_reshape),
    .infer = infer_reshape,
    .vjp = reshape_vjp,
    .jvp = reshape_jvp,
    .vmap = reshape_vmap,
};

/* Replaces the one -1; a refusal shows what the shape became. */
static bool infer_dimension(const mx_array *a, int *shape, int ndim) {
    int at = -1;
    int64_t known = 1;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] == -1 && at >= 0)
            return mx_fail(MX_INVALID, "[reshape] Reshape can only infer one dimension.");
        if (shape[i] == -1)
            at = i;
        else if (shape[i] < 0 || __builtin_mul_overflow(known, (int64_t)shape[i], &known))
            return refuse_reshape(a, shape, ndim);
    }
    if (at < 0)
        return true;
    if (known == 0)
        return mx_fail(MX_INVALID, "[reshape] Cannot infer the shape of an empty array");
    int64_t missing = a->size / known;
    if (!mx_axis_fits("reshape", missing))
        return false;
    shape[at] = (int)missing;
    return true;
}

mx_array *mx_reshape(mx_array *a, const int *shape, int ndim) {
    if (ndim)
        mx_trace_pin("Reshape");
    if (!a || mx_shape_is(a, shape, ndim))
        return a;
    return mx_reshape_as(a, shape, ndim, MX_TO_SHAPE, (mx_ints){ndim, shape});
}

static mx_array *reshape_to(mx_array *a, mx_array *like, enum mx_reshape_how how) {
    if (!a || !like || !mx_trace_shapeless())
        return a && like ? mx_reshape(a, like->shape, like->ndim) : NULL;
    mx_p_reshape p = {{like->ndim, like->shape}, how, {0, NULL}};
    return mx_apply2(MX_PRIM_reshape, &p, a, like);
}

mx_array *mx_reshape_like(mx_array *a, mx_array *like) {
    return reshape_to(a, like, MX_TO_LIKE);
}

mx_array *mx_reshape_summed(mx_array *a, mx_array *like) {
    return reshape_to(a, like, MX_TO_SUMMED);
}

mx_array *mx_reshape_as(mx_array *a, const int *shape, int ndim, enum mx_reshape_how how,
                        mx_ints asked) {
    int full[MX_MAX_NDIM];
    bool other = mx_trace_shapeless(); // even where this shape stays as it is, another may not
    if (!a || (!other && mx_shape_is(a, shape, ndim)))
        return a;
    if (!check_shape("reshape", NULL, ndim < 0 || ndim > MX_MAX_NDIM ? ndim : 0))
        return NULL;
    for (int i = 0; i < ndim; i++)
        full[i] = shape[i];
    if (!infer_dimension(a, full, ndim))
        return NULL;
    if (!other && mx_shape_is(a, full, ndim))
        return a;
    mx_p_reshape p = {.shape = {ndim, full}};
    if (other) {
        p.how = how;
        p.asked = asked;
    }
    return mx_apply_view(MX_PRIM_reshape, &p, a);
}

/* --- transpose -------------------------------------------------------------------- */

static bool infer_transpose(const void *params, mx_array *const *in, int nin, mx_out *out,
                            int nout) {
    const mx_ints axes = ((const mx_p_transpose *)params)->axes;
    const mx_array *a = in[0];
    bool seen[MX_MAX_NDIM] = {false};
    (void)nin, (void)nout;
    if (axes.n != a->ndim)
        return mx_fail(MX_INVALID, "[transpose] Received %d axes for array with %d dimensions.",
                       axes.n, a->ndim);
    for (int i = 0; i < axes.n; i++) {
        int k = axes.v[i];
        if (k < 0 || k >= a->ndim)
            return mx_fail(MX_RANGE, "[transpose] Invalid axis (%d) for array with %d dimensions.",
                           k, a->ndim);
        if (seen[k])
            return mx_fail(MX_INVALID, "[transpose] Repeat axes not allowed.");
        seen[k] = true;
        out->shape.dim[i] = a->shape[k];
    }
    out->dtype = mx_dtype_of(a);
    out->shape.ndim = a->ndim;
    return true;
}

static bool transpose_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                          mx_array **grad) {
    const mx_ints axes = ((const mx_p_transpose *)y->params)->axes;
    int inverse[MX_MAX_NDIM];
    for (int i = 0; i < axes.n; i++)
        inverse[axes.v[i]] = i;
    if (cot[0] && need[0])
        grad[0] = mx_transpose_axes(cot[0], inverse, axes.n);
    return !mx_failed();
}

static bool transpose_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                           mx_array **out, int *out_axes) {
    const mx_ints old = ((const mx_p_transpose *)y->params)->axes;
    int room[MX_MAX_NDIM + 1] = {0};
    (void)n;
    for (int i = 0; i < old.n; i++)
        room[i + 1] = old.v[i] + 1;
    mx_p_transpose p = {{old.n + 1, room}};
    return batched(MX_PRIM_transpose, &p, mx_batch_front(in[0], axes[0]), out, out_axes);
}

static const mx_field transpose_fields[] = {MX_FIELD(mx_p_transpose, axes, INTS), MX_FIELD_END};

const mx_prim_desc mx_desc_transpose = {
    .name = "Transpose",
    .traits = MX_TRAIT_VIEW,
    .fields = transpose_fields,
    .param_size = sizeof(mx_p_transpose),
    .infer = infer_transpose,
    .vjp = transpose_vjp,
    .jvp = mx_linear_jvp,
    .vmap = transpose_vmap,
};

mx_array *mx_transpose_axes(mx_array *a, const int *axes, int n) {
    int full[MX_MAX_NDIM];
    bool same = true;
    if (!a || n < 0 || n > MX_MAX_NDIM)
        return a ? mx_fail(MX_INVALID, "[transpose] Received %d axes for array with %d dimensions.",
                           n, a->ndim)
                 : NULL;
    for (int i = 0; i < n; i++) {
        full[i] = axes[i] < 0 ? axes[i] + a->ndim : axes[i];
        same &= full[i] == i;
    }
    return same && n == a->ndim ? a
                                : mx_apply_view(MX_PRIM_transpose, &(mx_p_transpose){{n, full}}, a);
}

mx_array *mx_transpose(mx_array *a) {
    int axes[MX_MAX_NDIM];
    for (int i = 0; a && i < a->ndim; i++)
        axes[i] = a->ndim - 1 - i;
    return a ? mx_transpose_axes(a, axes, a->ndim) : NULL;
}
