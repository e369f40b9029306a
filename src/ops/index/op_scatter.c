/* Writing through indices: the scatter family, put_along_axis, masked_scatter.
 *
 * Where several updates meet, sum, prod, max and min combine all of them in the order
 * of the indices; without a combination one of them stays, and derivatives go to each
 * as if it had.
 */
#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/index/index.h"

/* --- writing again the way a node writes: both primitives share their derivatives ---
 */

static int op_of(const mx_node *y) {
    return y->prim == MX_PRIM_scatter ? ((const mx_p_scatter *)y->params)->op
                                      : ((const mx_p_scatter_axis *)y->params)->op;
}

static mx_array *put(const mx_node *y, mx_scatter_op op, mx_array *a, mx_array *updates) {
    if (y->prim == MX_PRIM_scatter) {
        const mx_p_scatter *p = y->params;
        return mx_scatter(op, a, y->in + 1, updates, p->axes.v, p->axes.n);
    }
    return mx_scatter_axis(op, a, y->in[1], updates, ((const mx_p_scatter_axis *)y->params)->axis);
}

/* What lies where the updates went. */
static mx_array *get(const mx_node *y, mx_array *a) {
    if (y->prim == MX_PRIM_scatter_axis)
        return mx_take_along_axis(a, y->in[1], ((const mx_p_scatter_axis *)y->params)->axis);
    const mx_p_scatter *p = y->params;
    mx_array *u = y->in[y->nin - 1];
    return mx_gather(a, y->in + 1, p->axes.v, p->axes.n, u->shape + (u->ndim - y->in[0]->ndim));
}

static mx_array *updates_of(const mx_node *y) {
    return y->in[y->nin - 1];
}

/* --- products: y = a u1 u2 ... Each factor's derivative is the product of the others,
   by way of the product of those that are not zero and the number of zeros.
   ---------------------------------------------------- */

static mx_array *conj_if_complex(mx_array *a) {
    return a && a->dtype == MX_COMPLEX64 ? mx_conjugate(a) : a;
}

typedef struct factors {
    mx_array *nonzero; /* the product of all factors but zeros */
    mx_array *zeros;   /* how many zeros, float32 */
} factors;

static mx_array *is_zero(mx_array *x) {
    return mx_equal(x, mx_zero_like(x));
}

static mx_array *one_for_zero(mx_array *x) {
    return mx_where(is_zero(x), mx_one_like(x), x);
}

static factors split_factors(const mx_node *y) {
    mx_array *a = y->in[0], *u = updates_of(y);
    return (factors){put(y, MX_SCATTER_PROD, one_for_zero(a), one_for_zero(u)),
                     put(y, MX_SCATTER_SUM, mx_astype(is_zero(a), MX_FLOAT32),
                         mx_astype(is_zero(u), MX_FLOAT32))};
}

/* The product of all factors but x: with a zero elsewhere it is zero. */
static mx_array *others(mx_array *x, mx_array *nonzero, mx_array *zeros) {
    mx_array *elsewhere = mx_sub(zeros, mx_astype(is_zero(x), MX_FLOAT32));
    return mx_where(is_zero(elsewhere), mx_div(nonzero, one_for_zero(x)), mx_zero_like(x));
}

/* --- vjp and jvp ------------------------------------------------------------------ */

static mx_array *pick(mx_array *hit, mx_array *g) {
    return mx_where(hit, g, mx_zero_like(g));
}

static mx_array *grad_of_base(const mx_node *y, mx_array *g, const factors *f) {
    mx_array *a = y->in[0];
    switch ((mx_scatter_op)op_of(y)) {
    case MX_SCATTER_NONE: return put(y, MX_SCATTER_NONE, g, mx_zeros_like(updates_of(y)));
    case MX_SCATTER_SUM: return g;
    case MX_SCATTER_PROD: return mx_mul(g, conj_if_complex(others(a, f->nonzero, f->zeros)));
    case MX_SCATTER_MAX:
    case MX_SCATTER_MIN: return pick(mx_equal(a, mx_node_out(y, 0)), g);
    }
    return NULL;
}

static mx_array *grad_of_updates(const mx_node *y, mx_array *g, const factors *f) {
    mx_array *u = updates_of(y);
    switch ((mx_scatter_op)op_of(y)) {
    case MX_SCATTER_NONE:
    case MX_SCATTER_SUM: return get(y, g);
    case MX_SCATTER_PROD:
        return mx_mul(get(y, g), conj_if_complex(others(u, get(y, f->nonzero), get(y, f->zeros))));
    case MX_SCATTER_MAX:
    case MX_SCATTER_MIN: return pick(mx_equal(u, get(y, mx_node_out(y, 0))), get(y, g));
    }
    return NULL;
}

static bool scatter_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    int last = y->nin - 1;
    factors f = {NULL, NULL};
    if (!cot[0])
        return true;
    if (op_of(y) == MX_SCATTER_PROD)
        f = split_factors(y);
    if (need[0] && !(grad[0] = grad_of_base(y, cot[0], &f)))
        return false;
    return !need[last] || (grad[last] = grad_of_updates(y, cot[0], &f));
}

static mx_array *tangent(const mx_node *y, mx_array *a, mx_array *u) {
    mx_array *out = mx_node_out(y, 0);
    factors f;
    switch ((mx_scatter_op)op_of(y)) {
    case MX_SCATTER_NONE:
    case MX_SCATTER_SUM: return put(y, (mx_scatter_op)op_of(y), a, u);
    case MX_SCATTER_PROD:
        f = split_factors(y);
        a = mx_mul(a, others(y->in[0], f.nonzero, f.zeros));
        return put(y, MX_SCATTER_SUM, a,
                   mx_mul(u, others(updates_of(y), get(y, f.nonzero), get(y, f.zeros))));
    case MX_SCATTER_MAX:
    case MX_SCATTER_MIN:
        a = pick(mx_equal(y->in[0], out), a);
        return put(y, MX_SCATTER_SUM, a, pick(mx_equal(updates_of(y), get(y, out)), u));
    }
    return NULL;
}

static bool scatter_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    mx_array *a = tan[0], *u = tan[y->nin - 1];
    if (!a && !u)
        return true;
    out[0] = tangent(y, a ? a : mx_zeros_like(y->in[0]), u ? u : mx_zeros_like(updates_of(y)));
    return out[0] != NULL;
}

/* --- scatter ---------------------------------------------------------------------- */

/* For any shapes: updates broadcast together with the indices, behind which axes of size 1 stand
   for the slice. */
static mx_array *fit_to_indices(mx_array *a, mx_array *updates, mx_array *idx) {
    mx_array *both[2] = {mx_astype(updates, mx_dtype_of(a)), idx};
    int axes[MX_MAX_NDIM];
    for (int i = 0; idx && i < a->ndim; i++)
        axes[i] = idx->ndim + i;
    if (idx && a->ndim)
        both[1] = mx_expand_dims(idx, axes, a->ndim);
    return !idx || mx_broadcast_arrays(both, 2, both) ? both[0] : NULL;
}

/* updates as (I..., slice...) of a's dtype, broadcast over I if need be. */
static mx_array *fit_updates(mx_array *a, mx_array *updates, mx_array *idx) {
    int ni = idx ? idx->ndim : 0, lead = updates->ndim - a->ndim, shape[MX_MAX_NDIM];
    if (lead < 0 || lead > ni || ni + a->ndim > MX_MAX_NDIM)
        return mx_fail(MX_INVALID,
                       "[scatter] updates with %d dimensions: expected %d, those of "
                       "the indices (%d) and of the "
                       "array (%d).",
                       updates->ndim, ni + a->ndim, ni, a->ndim);
    if (mx_trace_shapeless())
        return fit_to_indices(a, updates, idx);
    for (int i = 0; i < ni; i++)
        shape[i] = idx->shape[i];
    for (int i = 0; i < a->ndim; i++)
        shape[ni + i] = updates->shape[lead + i];
    return mx_astype(mx_broadcast_to(updates, shape, ni + a->ndim), mx_dtype_of(a));
}

mx_array *mx_scatter(mx_scatter_op op, mx_array *a, mx_array *const *idx, mx_array *updates,
                     const int *axes, int n) {
    mx_array *in[MX_MAX_NDIM + 2];
    int normal[MX_MAX_NDIM];
    if (!updates || !mx_index_lists("scatter", a, idx, axes, n, in, normal))
        return NULL;
    in[n + 1] = fit_updates(a, updates, n ? in[1] : NULL);
    mx_p_scatter p = {op, {n, normal}};
    return mx_apply(MX_PRIM_scatter, &p, in, n + 2);
}

static bool scatter_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params, (void)nout;
    const mx_array *a = in[0], *u = in[nin - 1], *idx = nin > 2 ? in[1] : NULL;
    int ni = idx ? idx->ndim : 0;
    if (u->ndim != ni + a->ndim || (idx && !mx_shape_is(idx, u->shape, ni)))
        return mx_fail(MX_INVALID,
                       "[scatter] the updates' first axes are not those of the indices");
    for (int i = 0; i < a->ndim; i++) {
        int size = u->shape[u->ndim - a->ndim + i];
        if (size > a->shape[i])
            return mx_fail(MX_INVALID,
                           "[scatter] updates have %d elements along axis %d of the "
                           "array, which has %d.",
                           size, i, a->shape[i]);
    }
    out->dtype = mx_dtype_of(a);
    out->shape = mx_shape_of(a);
    return true;
}

static bool scatter_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                         mx_array **out, int *out_axes) {
    const mx_p_scatter *p = y->params;
    mx_array *idx[MX_MAX_NDIM + 1];
    int at[MX_MAX_NDIM + 1] = {0}, nidx = p->axes.n;
    if (!mx_index_batch(in + 1, axes + 1, nidx, n, idx))
        return false;
    for (int i = 0; i < nidx; i++)
        at[i + 1] = p->axes.v[i] + 1;
    mx_array *u = mx_expand_dim(mx_batch_front_full(in[nidx + 1], axes[nidx + 1], n), idx[0]->ndim);
    out[0] = mx_scatter((mx_scatter_op)p->op, mx_batch_front_full(in[0], axes[0], n), idx, u, at,
                        nidx + 1);
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field scatter_fields[] = {MX_FIELD(mx_p_scatter, op, INT),
                                          MX_FIELD(mx_p_scatter, axes, INTS), MX_FIELD_END};

const mx_prim_desc mx_desc_scatter = {
    .name = "Scatter",
    .places = {"scatter", 1, 1},
    .fields = scatter_fields,
    .param_size = sizeof(mx_p_scatter),
    .infer = scatter_infer,
    .vjp = scatter_vjp,
    .jvp = scatter_jvp,
    .vmap = scatter_vmap,
};

/* --- scatter_axis ----------------------------------------------------------------- */

mx_array *mx_scatter_axis(mx_scatter_op op, mx_array *a, mx_array *idx, mx_array *values,
                          int axis) {
    const char *name = op == MX_SCATTER_NONE ? "put_along_axis" : "scatter_add_axis";
    mx_array *wide = a;
    if (!values || !mx_index_along(name, &wide, &idx, &axis))
        return NULL;
    values = mx_broadcast_like(mx_astype(values, mx_dtype_of(a)), idx);
    mx_array *in[3] = {wide, idx, values};
    mx_p_scatter_axis p = {op, axis};
    return mx_apply(MX_PRIM_scatter_axis, &p, in, 3);
}

static bool scatter_axis_infer(const void *params, mx_array *const *in, int nin, mx_out *out,
                               int nout) {
    (void)nin, (void)nout;
    const mx_p_scatter_axis *p = params;
    if (in[0]->shape[p->axis] == 0 && in[1]->size != 0)
        return mx_fail(MX_RANGE, "[scatter] Cannot do a non-empty put into an empty axis.");
    out->dtype = mx_dtype_of(in[0]);
    out->shape = mx_shape_of(in[0]);
    return true;
}

static bool scatter_axis_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                              mx_array **out, int *out_axes) {
    const mx_p_scatter_axis *p = y->params;
    mx_array *full[3];
    for (int i = 0; i < 3; i++)
        full[i] = mx_batch_front_full(in[i], axes[i], n);
    out[0] = mx_scatter_axis((mx_scatter_op)p->op, full[0], full[1], full[2], p->axis + 1);
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field scatter_axis_fields[] = {
    MX_FIELD(mx_p_scatter_axis, op, INT), MX_FIELD(mx_p_scatter_axis, axis, INT), MX_FIELD_END};

const mx_prim_desc mx_desc_scatter_axis = {
    .name = "ScatterAxis",
    .places = {"scatter_axis", 1, 1},
    .fields = scatter_axis_fields,
    .param_size = sizeof(mx_p_scatter_axis),
    .infer = scatter_axis_infer,
    .vjp = scatter_vjp,
    .jvp = scatter_jvp,
    .vmap = scatter_axis_vmap,
};

/* --- masked_scatter --------------------------------------------------------------- */

/* Shapes: a and mask alike, src flat. The k-th true element takes src[k]. */
mx_array *mx_masked_scatter(mx_array *a, mx_array *mask, mx_array *src) {
    char sa[128], sm[128];
    if (!a || !mask || !src)
        return NULL;
    if (mask->dtype != MX_BOOL)
        return mx_fail(MX_INVALID, "[masked_scatter] The mask has to be boolean.");
    if (mask->ndim > a->ndim || !mx_shape_is(mask, a->shape, mask->ndim))
        return mx_fail(MX_INVALID,
                       "[masked_scatter] The mask %s must have the first dimensions of "
                       "the array %s.",
                       mx_shape_text(sm, sizeof sm, mask->shape, mask->ndim),
                       mx_shape_text(sa, sizeof sa, a->shape, a->ndim));
    for (int i = mask->ndim; i < a->ndim; i++)
        mask = mx_expand_dim(mask, i);
    mx_array *in[3] = {a, mx_broadcast_like(mask, a),
                       mx_flatten(mx_astype(src, mx_dtype_of(a)), 0, -1)};
    return mx_apply(MX_PRIM_masked_scatter, NULL, in, 3);
}

static bool masked_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params, (void)nin, (void)nout;
    out->dtype = mx_dtype_of(in[0]);
    out->shape = mx_shape_of(in[0]);
    return true;
}

/* Which element of src each element of the mask would take, flat. */
static mx_array *source_of(mx_array *mask) {
    mx_array *count = mx_scan(MX_CUMSUM, mx_flatten(mask, 0, -1), 0, false, true);
    return mx_maximum(mx_add_s(count, -1), mx_zero_like(count));
}

static bool masked_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_array *g = cot[0], *mask = y->in[1], *src = y->in[2];
    if (!g)
        return true;
    if (need[0] && !(grad[0] = mx_where(mask, mx_zero_like(g), g)))
        return false;
    if (!need[2])
        return true;
    if (src->size == 0)
        return (grad[2] = mx_zeros_like(src)) != NULL;
    mx_array *taken = mx_flatten(pick(mask, g), 0, -1);
    return (grad[2] = mx_scatter_axis(MX_SCATTER_SUM, mx_zeros_like(src), source_of(mask), taken,
                                      0)) != NULL;
}

static bool masked_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    if (!tan[0] && !tan[2])
        return true;
    mx_array *in[3] = {tan[0] ? tan[0] : mx_zeros_like(y->in[0]), y->in[1],
                       tan[2] ? tan[2] : mx_zeros_like(y->in[2])};
    return (out[0] = mx_apply(MX_PRIM_masked_scatter, NULL, in, 3)) != NULL;
}

const mx_prim_desc mx_desc_masked_scatter = {
    .name = "MaskedScatter",
    .infer = masked_infer,
    .vjp = masked_vjp,
    .jvp = masked_jvp,
    .vmap = mx_loop_vmap,
};
