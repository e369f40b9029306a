/* Reductions over axes (sum prod max min all any), argmax and argmin, and what is made
 * of them. */
#include <math.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "kernels/reduce/k_reduce.h"
#include "ops/reduce/windows.h"
#include "ops/rules.h"

/* The cotangent of an analytic f is g conj(f') = conj(conj(g) f'). */
static mx_array *conj_if_complex(mx_array *a) {
    return a && a->dtype == MX_COMPLEX64 ? mx_conjugate(a) : a;
}

static const char *const names[] = {"sum", "prod", "max", "min", "all", "any"};

static mx_array *over(mx_reduce_op op, mx_ints axes, mx_array *a, bool keepdims) {
    mx_p_reduce p = {op, axes, keepdims};
    return mx_apply1(MX_PRIM_reduce, &p, a);
}

mx_array *mx_reduce(mx_reduce_op op, mx_array *a, const int *axes, int n, bool keepdims) {
    int sorted[MX_MAX_NDIM];
    if (!a || (n = mx_axes_sorted(names[op], axes, n, a->ndim, sorted)) < 0)
        return NULL;
    mx_p_reduce p = {op, {n, sorted}, keepdims};
    mx_array *y = mx_reduce_padded(a, &p);
    return y || mx_failed() ? y : mx_apply1(MX_PRIM_reduce, &p, a);
}

mx_array *mx_sum(mx_array *a, const int *axes, int n, bool keepdims) {
    return mx_reduce(MX_SUM, a, axes, n, keepdims);
}

mx_array *mx_sum_axis(mx_array *a, int axis, bool keepdims) {
    return mx_sum(a, &axis, 1, keepdims);
}

mx_array *mx_sum_all(mx_array *a) {
    return mx_sum(a, NULL, 0, false);
}

/* --- the primitive ---------------------------------------------------------------- */

/* The shape without the sorted axes, or with 1 in their place. */
static void reduced_shape(const mx_array *a, mx_ints axes, bool keepdims, mx_shape *out) {
    out->ndim = 0;
    for (int i = 0, k = 0; i < a->ndim; i++) {
        bool gone = k < axes.n && axes.v[k] == i;
        k += gone;
        if (!gone || keepdims)
            out->dim[out->ndim++] = gone ? 1 : a->shape[i];
    }
}

static bool reduce_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)nin, (void)nout;
    const mx_p_reduce *p = params;
    const char *name = names[p->op];
    if (p->op == MX_MAX || p->op == MX_MIN)
        for (int i = 0; i < p->axes.n; i++)
            if (in[0]->shape[p->axes.v[i]] == 0)
                return mx_fail(MX_INVALID, "[%s] Cannot %s reduce over axis %d with size 0.", name,
                               name, p->axes.v[i]);
    out->dtype = mx_red_out((mx_red_op)p->op, mx_dtype_of(in[0]));
    reduced_shape(in[0], p->axes, p->keepdims, &out->shape);
    return true;
}

/* Something of y's shape, with the reduced axes put back as 1. */
static mx_array *keep(const mx_p_reduce *p, mx_array *g) {
    return p->keepdims ? g : mx_expand_dims(g, p->axes.v, p->axes.n);
}

/* The reduced axes last: order[i] is the axis of x that goes to place i. Returns how
 * many are kept. */
static int kept_first(const mx_p_reduce *p, int ndim, int *order) {
    int kept = 0;
    for (int i = 0, k = 0; i < ndim; i++) {
        if (k < p->axes.n && p->axes.v[k] == i)
            k++;
        else
            order[kept++] = i;
    }
    for (int k = 0; k < p->axes.n; k++)
        order[kept + k] = p->axes.v[k];
    return kept;
}

/* The product of all others, without division, so that zeros are no matter. */
static mx_array *product_of_others(const mx_p_reduce *p, mx_array *x) {
    int order[MX_MAX_NDIM], inverse[MX_MAX_NDIM];
    int kept = kept_first(p, x->ndim, order);
    for (int i = 0; i < x->ndim; i++)
        inverse[order[i]] = i;
    if (p->axes.n == 0)
        return mx_ones_like(x);
    mx_array *rows = mx_transpose_axes(x, order, x->ndim);
    mx_array *flat = mx_flatten(rows, kept, -1);
    mx_array *before = mx_scan(MX_CUMPROD, flat, kept, false, false);
    mx_array *after = mx_scan(MX_CUMPROD, flat, kept, true, false);
    mx_array *others = mx_mul(before, after);
    return rows ? mx_transpose_axes(mx_reshape_like(others, rows), inverse, x->ndim) : NULL;
}

/* Where x is the extreme of its row; the derivative is shared evenly among ties. */
static mx_array *is_extreme(const mx_node *y) {
    return mx_equal(y->in[0], keep(y->params, mx_node_out(y, 0)));
}

/* How many there are, in t: halves could not count far. */
static mx_array *ties(const mx_p_reduce *p, mx_array *hit, mx_dtype t, bool keepdims) {
    return over(MX_SUM, p->axes, mx_astype(hit, t), keepdims);
}

/* 0, or NaN where y is one: nothing was the extreme there, and no derivative is known. */
static mx_array *beside_extreme(const mx_node *y, mx_array *x) {
    mx_array *best = keep(y->params, mx_node_out(y, 0));
    return mx_where(mx_isnan(best), mx_scalar_like(x, NAN), mx_zero_like(x));
}

/* g shared among the ties of y. */
static mx_array *shared(const mx_node *y, mx_array *g) {
    mx_array *x = y->in[0], *hit = is_extreme(y);
    mx_dtype t = mx_dtype_of(x), wide = mx_dtype_compute(t);
    mx_array *each = mx_div(mx_astype(g, wide), ties(y->params, hit, wide, true));
    mx_array *others = mx_dtype_is_inexact(t) ? beside_extreme(y, x) : mx_zero_like(x);
    return mx_where(hit, mx_astype(each, t), others);
}

/* The mean of the tangents of the ties of y. */
static mx_array *mean_of_ties(const mx_node *y, mx_array *tangent) {
    const mx_p_reduce *p = y->params;
    mx_array *hit = is_extreme(y);
    mx_dtype t = mx_dtype_of(y->in[0]), wide = mx_dtype_compute(t);
    tangent = mx_astype(tangent, wide);
    mx_array *sum =
        over(MX_SUM, p->axes, mx_where(hit, tangent, mx_zero_like(tangent)), p->keepdims);
    return mx_astype(mx_div(sum, ties(p, hit, wide, p->keepdims)), t);
}

/* g times the product of the others, in float32 for halves. */
static mx_array *times_others(const mx_p_reduce *p, mx_array *g, mx_array *x, bool conjugated) {
    mx_dtype wide = mx_dtype_compute(mx_dtype_of(x));
    mx_array *others = product_of_others(p, mx_astype(x, wide));
    others = conjugated ? conj_if_complex(others) : others;
    return mx_astype(mx_mul(mx_astype(g, wide), others), mx_dtype_of(x));
}

static bool reduce_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_p_reduce *p = y->params;
    mx_array *x = y->in[0];
    if (!cot[0] || !need[0] || p->op >= MX_ALL)
        return true;
    // a scalar spreads as it is
    mx_array *g = cot[0]->ndim || p->op != MX_SUM ? keep(p, cot[0]) : cot[0];
    g = mx_astype(g, mx_dtype_of(x));
    if (p->op == MX_SUM)
        grad[0] = mx_fill_like(g, x);
    else
        grad[0] = p->op == MX_PROD ? times_others(p, g, x, true) : shared(y, g);
    return grad[0] != NULL;
}

static bool reduce_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    const mx_p_reduce *p = y->params;
    mx_array *x = y->in[0], *t = tan[0];
    if (!t || p->op >= MX_ALL)
        return true;
    if (p->op == MX_PROD)
        t = times_others(p, t, x, false);
    if (p->op == MX_SUM || p->op == MX_PROD)
        out[0] = over(MX_SUM, p->axes, t, p->keepdims);
    else
        out[0] = mean_of_ties(y, t);
    return out[0] != NULL;
}

static bool reduce_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                        mx_array **out, int *out_axes) {
    (void)n;
    mx_p_reduce p = *(const mx_p_reduce *)y->params;
    int shifted[MX_MAX_NDIM];
    for (int i = 0; i < p.axes.n; i++)
        shifted[i] = p.axes.v[i] + 1;
    p.axes.v = shifted;
    out[0] = mx_apply1(MX_PRIM_reduce, &p, mx_batch_front(in[0], axes[0]));
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field reduce_fields[] = {MX_FIELD(mx_p_reduce, op, INT),
                                         MX_FIELD(mx_p_reduce, axes, INTS),
                                         MX_FIELD(mx_p_reduce, keepdims, BOOL), MX_FIELD_END};

const mx_prim_desc mx_desc_reduce = {
    .name = "Reduce",
    .traits = MX_TRAIT_FEED,
    .fields = reduce_fields,
    .param_size = sizeof(mx_p_reduce),
    .infer = reduce_infer,
    .vjp = reduce_vjp,
    .jvp = reduce_jvp,
    .vmap = reduce_vmap,
};

/* --- argmax, argmin --------------------------------------------------------------- */

mx_array *mx_arg_reduce(bool max, mx_array *a, int axis, bool keepdims) {
    if (!a || (axis = mx_axis(max ? "argmax" : "argmin", axis, a->ndim)) < 0)
        return NULL;
    mx_p_arg_reduce p = {max, axis, keepdims};
    return mx_apply1(MX_PRIM_arg_reduce, &p, a);
}

mx_array *mx_arg_reduce_all(bool max, mx_array *a, bool keepdims) {
    int all[MX_MAX_NDIM];
    if (!a)
        return NULL;
    for (int i = 0; i < a->ndim; i++)
        all[i] = i;
    mx_array *r = mx_arg_reduce(max, a->ndim == 1 ? a : mx_flatten(a, 0, -1), 0, false);
    return keepdims ? mx_expand_dims(r, all, a->ndim) : r;
}

static bool arg_reduce_infer(const void *params, mx_array *const *in, int nin, mx_out *out,
                             int nout) {
    (void)nin, (void)nout;
    const mx_p_arg_reduce *p = params;
    const char *name = p->max ? "argmax" : "argmin";
    if (in[0]->size == 0)
        return mx_fail(MX_INVALID, "[%s] Cannot %s reduce zero size array.", name, name);
    out->dtype = MX_UINT32;
    reduced_shape(in[0], (mx_ints){1, &p->axis}, p->keepdims, &out->shape);
    return true;
}

static bool arg_reduce_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                            mx_array **out, int *out_axes) {
    (void)n;
    mx_p_arg_reduce p = *(const mx_p_arg_reduce *)y->params;
    p.axis++;
    out[0] = mx_apply1(MX_PRIM_arg_reduce, &p, mx_batch_front(in[0], axes[0]));
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field arg_reduce_fields[] = {
    MX_FIELD(mx_p_arg_reduce, max, BOOL), MX_FIELD(mx_p_arg_reduce, axis, INT),
    MX_FIELD(mx_p_arg_reduce, keepdims, BOOL), MX_FIELD_END};

const mx_prim_desc mx_desc_arg_reduce = {
    .name = "ArgReduce",
    .traits = MX_TRAIT_NO_GRAD | MX_TRAIT_FEED,
    .fields = arg_reduce_fields,
    .param_size = sizeof(mx_p_arg_reduce),
    .infer = arg_reduce_infer,
    .vmap = arg_reduce_vmap,
};
