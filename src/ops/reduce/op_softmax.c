/* softmax and logsumexp. The primitives work along one axis; several are moved to the
 * end and joined. */
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

/* The axes to work along together at the end: *apart, and as one: *joined; order says how they
 * got there. */
static int join_axes(mx_array *a, const int *axes, int n, int *order, mx_array **apart,
                     mx_array **joined) {
    bool gone[MX_MAX_NDIM] = {false};
    int kept = 0;
    for (int i = 0; i < n; i++)
        gone[axes[i]] = true;
    for (int i = 0; i < a->ndim; i++)
        if (!gone[i])
            order[kept++] = i;
    for (int i = 0; i < n; i++)
        order[kept + i] = axes[i];
    *apart = mx_transpose_axes(a, order, a->ndim);
    *joined = mx_flatten(*apart, kept, -1);
    return kept;
}

static mx_array *softmax(mx_array *a, int axis) {
    mx_p_axis p = {axis};
    return mx_apply1(MX_PRIM_softmax, &p, a);
}

static mx_array *softmax_many(mx_array *a, const int *axes, int n) {
    int order[MX_MAX_NDIM], inverse[MX_MAX_NDIM];
    mx_array *apart, *rows;
    int kept = join_axes(a, axes, n, order, &apart, &rows);
    for (int i = 0; i < a->ndim; i++)
        inverse[order[i]] = i;
    return mx_transpose_axes(mx_reshape_like(softmax(rows, kept), apart), inverse, a->ndim);
}

/* Halves are always computed in float32, so `precise` changes nothing. */
mx_array *mx_softmax(mx_array *a, const int *axes, int n, bool precise) {
    (void)precise;
    int sorted[MX_MAX_NDIM];
    if (!a || (n = mx_axes_sorted("softmax", axes, n, a->ndim, sorted)) < 0)
        return NULL;
    a = mx_astype(a, mx_dtype_to_inexact(mx_dtype_of(a)));
    if (!a || n == 0)
        return a ? mx_ones_like(a) : NULL;
    if (a->dtype == MX_COMPLEX64) {
        mx_array *e = mx_exp(mx_sub(a, mx_stop_gradient(mx_reduce(MX_MAX, a, sorted, n, true))));
        return mx_div(e, mx_sum(e, sorted, n, true));
    }
    return n == 1 ? softmax(a, sorted[0]) : softmax_many(a, sorted, n);
}

static mx_array *logsumexp(mx_array *a, int axis, bool keepdims) {
    mx_p_logsumexp p = {axis, keepdims};
    return mx_apply1(MX_PRIM_logsumexp, &p, a);
}

static mx_array *logsumexp_complex(mx_array *a, const int *axes, int n, bool keepdims) {
    mx_array *m = mx_stop_gradient(mx_reduce(MX_MAX, a, axes, n, true));
    mx_array *s = mx_log(mx_sum(mx_exp(mx_sub(a, m)), axes, n, keepdims));
    return mx_add(s, keepdims ? m : mx_squeeze(m, axes, n));
}

mx_array *mx_logsumexp(mx_array *a, const int *axes, int n, bool keepdims) {
    int sorted[MX_MAX_NDIM], order[MX_MAX_NDIM];
    if (!a || (n = mx_axes_sorted("logsumexp", axes, n, a->ndim, sorted)) < 0)
        return NULL;
    if (a->size == 0)
        return mx_fail(MX_INVALID, "[logsumexp] Received empty array.");
    a = mx_astype(a, mx_dtype_to_inexact(mx_dtype_of(a)));
    if (!a || n == 0)
        return a;
    if (a->dtype == MX_COMPLEX64)
        return logsumexp_complex(a, sorted, n, keepdims);
    if (n == 1)
        return logsumexp(a, sorted[0], keepdims);
    mx_array *apart, *rows, *r;
    int kept = join_axes(a, sorted, n, order, &apart, &rows);
    r = logsumexp(rows, kept, false);
    return keepdims ? mx_expand_dims(r, sorted, n) : r;
}

/* --- the primitives --------------------------------------------------------------- */

static bool softmax_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params, (void)nin, (void)nout;
    out->dtype = mx_dtype_of(in[0]);
    out->shape = mx_shape_of(in[0]);
    return true;
}

/* y' = y (t - sum(y t)), of halves in float32; the matrix of derivatives is symmetric, so this is
 * both vjp and jvp. */
static mx_array *softmax_linear(const mx_node *y, mx_array *t) {
    const mx_p_axis *p = y->params;
    mx_array *s = mx_inside(mx_node_out(y, 0)), *w = mx_mul(s, mx_inside(t));
    w = mx_sub(w, mx_mul(s, mx_sum_axis(w, p->axis, true)));
    return mx_astype(w, mx_dtype_of(y->in[0]));
}

static bool softmax_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (!cot[0] || !need[0])
        return true;
    return (grad[0] = softmax_linear(y, cot[0])) != NULL;
}

static bool softmax_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    return !tan[0] || (out[0] = softmax_linear(y, tan[0])) != NULL;
}

static bool softmax_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                         mx_array **out, int *out_axes) {
    (void)n;
    const mx_p_axis *p = y->params;
    out[0] = softmax(mx_batch_front(in[0], axes[0]), p->axis + 1);
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field softmax_fields[] = {MX_FIELD(mx_p_axis, axis, INT), MX_FIELD_END};

const mx_prim_desc mx_desc_softmax = {
    .name = "Softmax",
    .traits = MX_TRAIT_FEED,
    .fields = softmax_fields,
    .param_size = sizeof(mx_p_axis),
    .infer = softmax_infer,
    .vjp = softmax_vjp,
    .jvp = softmax_jvp,
    .vmap = softmax_vmap,
};

static bool logsumexp_infer(const void *params, mx_array *const *in, int nin, mx_out *out,
                            int nout) {
    (void)nin, (void)nout;
    const mx_p_logsumexp *p = params;
    const mx_array *a = in[0];
    if (a->size == 0)
        return mx_fail(MX_INVALID, "[logsumexp] Received empty array.");
    out->dtype = mx_dtype_of(a);
    for (int i = 0; i < a->ndim; i++)
        if (i != p->axis || p->keepdims)
            out->shape.dim[out->shape.ndim++] = i == p->axis ? 1 : a->shape[i];
    return true;
}

static bool logsumexp_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                          mx_array **grad) {
    const mx_p_logsumexp *p = y->params;
    if (!cot[0] || !need[0])
        return true;
    mx_array *g = p->keepdims ? cot[0] : mx_expand_dim(cot[0], p->axis);
    return (grad[0] = mx_mul(g, softmax(y->in[0], p->axis))) != NULL;
}

static bool logsumexp_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    const mx_p_logsumexp *p = y->params;
    if (!tan[0])
        return true;
    mx_array *w = mx_mul(mx_inside(tan[0]), mx_inside(softmax(y->in[0], p->axis)));
    out[0] = mx_astype(mx_sum_axis(w, p->axis, p->keepdims), mx_dtype_of(y->in[0]));
    return out[0] != NULL;
}

static bool logsumexp_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                           mx_array **out, int *out_axes) {
    (void)n;
    const mx_p_logsumexp *p = y->params;
    out[0] = logsumexp(mx_batch_front(in[0], axes[0]), p->axis + 1, p->keepdims);
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field logsumexp_fields[] = {MX_FIELD(mx_p_logsumexp, axis, INT),
                                            MX_FIELD(mx_p_logsumexp, keepdims, BOOL), MX_FIELD_END};

const mx_prim_desc mx_desc_logsumexp = {
    .name = "LogSumExp",
    .traits = MX_TRAIT_FEED,
    .fields = logsumexp_fields,
    .param_size = sizeof(mx_p_logsumexp),
    .infer = logsumexp_infer,
    .vjp = logsumexp_vjp,
    .jvp = logsumexp_jvp,
    .vmap = logsumexp_vmap,
};
