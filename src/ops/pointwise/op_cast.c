/* The same values as another dtype, the same bytes, the same array: astype, view, stop_gradient,
 * depends, contiguous. */
#include "base/mem.h"
#include "base/status.h"
#include "graph/array/params.h"
#include "graph/array/view.h"
#include "ops/rules.h"

/* --- astype ----------------------------------------------------------------------- */

static const mx_field dtype_fields[] = {MX_FIELD(mx_p_dtype, dtype, DTYPE), MX_FIELD_END};

static mx_dtype to_dtype(const void *params) {
    return (mx_dtype)((const mx_p_dtype *)params)->dtype;
}

static bool infer_astype(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)nin, (void)nout;
    if (!mx_dtype_valid(to_dtype(params)))
        return mx_fail(MX_INVALID, "[astype] %d is no dtype", (int)to_dtype(params));
    *out = (mx_out){to_dtype(params), mx_shape_of(in[0])};
    return true;
}

/* Linear over the reals; complex to real takes the real part, both ways. Steps have derivative
   zero: what numbers become as integers or bool. */
static bool is_step(const mx_node *y) {
    return mx_dtype_is_inexact(mx_dtype_of(y->in[0])) && !mx_dtype_is_inexact(to_dtype(y->params));
}
static bool astype_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (cot[0] && need[0] && !is_step(y))
        grad[0] = mx_astype(cot[0], mx_dtype_of(y->in[0]));
    return !mx_failed();
}
static bool astype_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    out[0] = tan[0] && !is_step(y) ? mx_astype(tan[0], to_dtype(y->params)) : NULL;
    return !mx_failed();
}

const mx_prim_desc mx_desc_astype = {
    .name = "AsType",
    .traits = MX_TRAIT_POINTWISE,
    .fields = dtype_fields,
    .param_size = sizeof(mx_p_dtype),
    .infer = infer_astype,
    .vjp = astype_vjp,
    .jvp = astype_jvp,
    .vmap = mx_pointwise_vmap,
};

mx_array *mx_astype(mx_array *a, mx_dtype t) {
    if (!a || mx_dtype_of(a) == t)
        return a;
    return mx_apply1(MX_PRIM_astype, &(mx_p_dtype){(int)t}, a);
}

/* --- view ------------------------------------------------------------------------- */

static bool infer_view(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_array *a = in[0];
    mx_dtype t = to_dtype(params);
    (void)nin, (void)nout;
    if (!mx_dtype_valid(t))
        return mx_fail(MX_INVALID, "[view] %d is no dtype", (int)t);
    *out = (mx_out){t, mx_shape_of(a)};
    size_t from = mx_itemsize(a), to = mx_dtype_size(t);
    if (from == to)
        return true;
    if (a->ndim == 0)
        return mx_fail(MX_INVALID,
                       "[view] Changing the type of a scalar is only allowed for types with "
                       "the same size.");
    int *last = &out->shape.dim[a->ndim - 1];
    if ((size_t)*last * from % to != 0)
        return mx_fail(MX_INVALID,
                       "[view] When viewing as a larger dtype, the size in bytes of the last "
                       "axis must be a multiple of the requested type size.");
    size_t n = (size_t)*last * from / to;
    if (!mx_axis_fits("view", (int64_t)n))
        return false;
    *last = (int)n;
    return true;
}

static bool same_axis_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                           mx_array **out, int *out_axes) {
    (void)n;
    out[0] = mx_apply1((mx_prim)y->prim, y->params, mx_batch_front(in[0], axes[0]));
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_view = {
    .name = "View",
    .traits = MX_TRAIT_VIEW,
    .fields = dtype_fields,
    .param_size = sizeof(mx_p_dtype),
    .infer = infer_view,
    .vmap = mx_loop_vmap,
};

mx_array *mx_view_as(mx_array *a, mx_dtype t) {
    if (!a || mx_dtype_of(a) == t)
        return a;
    return mx_apply_view(MX_PRIM_view, &(mx_p_dtype){(int)t}, a);
}

/* --- stop_gradient ---------------------------------------------------------- */

static bool infer_same(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params;
    if (nin < nout)
        return mx_fail(MX_INVALID, "[depends] %d inputs given for %d outputs", nin, nout);
    for (int j = 0; j < nout; j++)
        out[j] = (mx_out){mx_dtype_of(in[j]), mx_shape_of(in[j])};
    return true;
}

const mx_prim_desc mx_desc_stop_gradient = {
    .name = "StopGradient",
    .traits = MX_TRAIT_VIEW | MX_TRAIT_NO_GRAD,
    .infer = infer_same,
    .vmap = same_axis_vmap,
};

mx_array *mx_stop_gradient(mx_array *a) {
    return a && a->tracer ? mx_apply1(MX_PRIM_stop_gradient, NULL, a) : a;
}

/* --- contiguous ------------------------------------------------------------------- */

static bool identity_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                         mx_array **grad) {
    for (int j = 0; j < y->nout; j++)
        if (need[j])
            grad[j] = cot[j];
    return true;
}

static const mx_field contiguous_fields[] = {MX_FIELD(mx_p_contiguous, allow_col_major, BOOL),
                                             MX_FIELD_END};

const mx_prim_desc mx_desc_contiguous = {
    .name = "Contiguous",
    .traits = MX_TRAIT_SHARES,
    .fields = contiguous_fields,
    .param_size = sizeof(mx_p_contiguous),
    .infer = infer_same,
    .vjp = identity_vjp,
    .jvp = mx_linear_jvp,
    .vmap = same_axis_vmap,
};

mx_array *mx_contiguous(mx_array *a, bool allow_col_major) {
    if (a && !a->tracer && mx_array_available(a) && a->row_contiguous)
        return a;
    return mx_apply1(MX_PRIM_contiguous, &(mx_p_contiguous){allow_col_major}, a);
}

/* --- depends: outputs are the first inputs, the others are waited for ------------- */

static bool depends_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    for (int j = 0; j < y->nout; j++)
        out[j] = tan[j];
    return true;
}

static bool depends_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                         mx_array **out, int *out_axes) {
    (void)n;
    for (int j = 0; j < y->nout; j++)
        out_axes[j] = axes[j];
    return mx_apply_multi(MX_PRIM_depends, NULL, in, y->nin, out, y->nout);
}

const mx_prim_desc mx_desc_depends = {
    .name = "Depends",
    .traits = MX_TRAIT_VIEW,
    .infer = infer_same,
    .vjp = identity_vjp,
    .jvp = depends_jvp,
    .vmap = depends_vmap,
};

bool mx_depends(mx_array *const *in, int n, mx_array *const *deps, int ndeps, mx_array **out) {
    if (n == 0)
        return true;
    mx_array **all = mx_calloc((size_t)n + (size_t)ndeps, sizeof *all);
    if (!all)
        return false;
    for (int i = 0; i < n + ndeps; i++)
        all[i] = i < n ? in[i] : deps[i - n];
    bool ok = mx_apply_multi(MX_PRIM_depends, NULL, all, n + ndeps, out, n);
    mx_free(all);
    return ok;
}
