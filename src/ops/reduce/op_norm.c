/* Normalisation over the last axis (n elements a row), with the derivatives as primitives of their
 * own.
 *
 *     rms_norm     y = x r w          r = 1 / sqrt(mean(x^2) + eps)
 *     layer_norm   y = (x - m) r w + b  m = mean(x), r = 1 / sqrt(mean((x - m)^2) + eps)
 *
 * w and b have shape (n) and may be missing. Halves are computed in float32.
 */
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

static const mx_field norm_fields[] = {MX_FIELD(mx_p_norm, eps, DOUBLE),
                                       MX_FIELD(mx_p_norm, weight, BOOL),
                                       MX_FIELD(mx_p_norm, bias, BOOL), MX_FIELD_END};

/* --- shapes ----------------------------------------------------------------------------------- */

static bool check_vector(const char *op, const char *what, const mx_array *w, const mx_array *x) {
    if (w->ndim != 1)
        return mx_fail(MX_INVALID, "[%s] %s must have 1 dimension but has %d dimensions.", op, what,
                       w->ndim);
    if (w->shape[0] != x->shape[x->ndim - 1])
        return mx_fail(MX_INVALID,
                       "[%s] %s must have the same size as the last dimension of x but has %d "
                       "elements.",
                       op, what, w->shape[0]);
    return w->dtype == x->dtype ||
           mx_fail(MX_INVALID, "[%s] %s has another dtype than x", op, what);
}

static bool check_input(const char *op, const mx_array *x) {
    if (x->ndim < 1)
        return mx_fail(MX_INVALID,
                       "[%s] Input must have at least 1 dimension but got input with 0 dimensions.",
                       op);
    return mx_dtype_is_float(mx_dtype_of(x)) ||
           mx_fail(MX_INVALID, "[%s] Received unsupported type %s.", op,
                   mx_dtype_name(mx_dtype_of(x)));
}

static bool infer_norm(const char *op, const char *weight, const mx_p_norm *p, mx_array *const *in,
                       int nin, mx_out *out) {
    if (nin != 1 + p->weight + p->bias)
        return mx_fail(MX_INVALID, "[%s] %d inputs do not fit the parameters", op, nin);
    if (!check_input(op, in[0]) || (p->weight && !check_vector(op, weight, in[1], in[0])) ||
        (p->bias && !check_vector(op, "bias", in[1 + p->weight], in[0])))
        return false;
    *out = (mx_out){mx_dtype_of(in[0]), mx_shape_of(in[0])};
    return true;
}

static bool infer_rms_norm(const void *params, mx_array *const *in, int nin, mx_out *out,
                           int nout) {
    (void)nout;
    return infer_norm("rms_norm", "weight", params, in, nin, out);
}
static bool infer_layer_norm(const void *params, mx_array *const *in, int nin, mx_out *out,
                             int nout) {
    (void)nout;
    return infer_norm("layer_norm", "weight", params, in, nin, out);
}

/* x, g, [w] -> dx, [dw], [db] */
static bool infer_vjp(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_norm *p = params;
    if (nin != 2 + p->weight || nout != 1 + p->weight + p->bias || !mx_same_shape(in[0], in[1]))
        return mx_fail(MX_INVALID, "[norm_vjp] the arrays do not fit the parameters");
    if (!check_input("norm_vjp", in[0]) ||
        (p->weight && !check_vector("norm_vjp", "weight", in[2], in[0])))
        return false;
    out[0] = (mx_out){mx_dtype_of(in[0]), mx_shape_of(in[0])};
    for (int j = 1; j < nout; j++)
        out[j] = (mx_out){mx_dtype_of(in[0]), {1, {in[0]->shape[in[0]->ndim - 1]}}};
    return true;
}

/* --- in simpler primitives -------------------------------------------------------------------- */

static mx_array *wide(mx_array *a) {
    return a ? mx_astype(a, mx_dtype_compute(mx_dtype_of(a))) : NULL;
}
static mx_array *narrow(mx_array *a, const mx_array *like) {
    return mx_astype(a, mx_dtype_of(like));
}
static mx_array *mean_last(mx_array *a) {
    return mx_mean(a, (int[]){-1}, 1, true);
}
/* Sum over the rows. */
static mx_array *sum_rows(mx_array *a) {
    if (!a || a->ndim < 2)
        return a;
    return mx_sum_axis(a->ndim == 2 ? a : mx_flatten(a, 0, -2), 0, false);
}
static mx_array *scaled(mx_array *a, mx_array *w) {
    return w ? mx_mul(a, w) : a;
}
static mx_array *inverse_root(mx_array *x, double eps) {
    return mx_rsqrt(mx_add_s(mean_last(mx_square(x)), eps));
}

static bool rms_norm_expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    const mx_p_norm *p = y->params;
    mx_array *x = wide(in[0]);
    out[0] =
        narrow(scaled(mx_mul(x, inverse_root(x, p->eps)), p->weight ? wide(in[1]) : NULL), in[0]);
    return out[0] != NULL;
}

static bool layer_norm_expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    const mx_p_norm *p = y->params;
    mx_array *x = wide(in[0]), *c = mx_sub(x, mean_last(x));
    mx_array *z = scaled(mx_mul(c, inverse_root(c, p->eps)), p->weight ? wide(in[1]) : NULL);
    out[0] = narrow(p->bias ? mx_add(z, wide(in[1 + p->weight])) : z, in[0]);
    return out[0] != NULL;
}

/* n = x r, h = g w:  dx = r (h - n mean(h n)),  dw = sum of g n */
static bool rms_norm_vjp_expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    const mx_p_norm *p = y->params;
    mx_array *x = wide(in[0]), *g = wide(in[1]), *r = inverse_root(x, p->eps), *n = mx_mul(x, r);
    mx_array *h = scaled(g, p->weight ? wide(in[2]) : NULL);
    out[0] = narrow(mx_mul(r, mx_sub(h, mx_mul(n, mean_last(mx_mul(h, n))))), in[0]);
    if (p->weight)
        out[1] = narrow(sum_rows(mx_mul(g, n)), in[0]);
    return !mx_failed();
}

/* n = (x - m) r, h = g w:  dx = r (h - mean(h) - n mean(h n)),  dw = sum of g n,  db = sum of g */
static bool layer_norm_vjp_expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    const mx_p_norm *p = y->params;
    mx_array *x = wide(in[0]), *g = wide(in[1]), *c = mx_sub(x, mean_last(x));
    mx_array *r = inverse_root(c, p->eps), *n = mx_mul(c, r);
    mx_array *h = scaled(g, p->weight ? wide(in[2]) : NULL);
    mx_array *flat = mx_sub(mx_sub(h, mean_last(h)), mx_mul(n, mean_last(mx_mul(h, n))));
    out[0] = narrow(mx_mul(r, flat), in[0]);
    if (p->weight)
        out[1] = narrow(sum_rows(mx_mul(g, n)), in[0]);
    if (p->bias)
        out[1 + p->weight] = narrow(sum_rows(g), in[0]);
    return !mx_failed();
}

/* --- derivatives ------------------------------------------------------------------------------ */

static bool norm_vjp(mx_prim rule, const mx_node *y, mx_array *const *cot, const bool *need,
                     mx_array **grad) {
    const mx_p_norm *p = y->params;
    mx_array *in[3] = {y->in[0], cot[0], p->weight ? y->in[1] : NULL}, *d[3];
    mx_p_norm q = {p->eps, p->weight, p->bias && need[1 + p->weight]};
    if (!mx_apply_multi(rule, &q, in, 2 + q.weight, d, 1 + q.weight + q.bias))
        return false;
    grad[0] = d[0];
    if (p->weight && need[1])
        grad[1] = d[1];
    if (q.bias)
        grad[1 + p->weight] = d[1 + q.weight];
    return true;
}

static bool rms_norm_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                         mx_array **grad) {
    return norm_vjp(MX_PRIM_rms_norm_vjp, y, cot, need, grad);
}
static bool layer_norm_vjp(const mx_node *y, mx_array *const *cot, const bool *need,
                           mx_array **grad) {
    return norm_vjp(MX_PRIM_layer_norm_vjp, y, cot, need, grad);
}

/* A batch of x alone is more rows. */
static bool norm_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                      int *out_axes) {
    mx_array *arg[3] = {mx_batch_front(in[0], axes[0]), NULL, NULL};
    bool alone = axes[0] >= 0;
    for (int i = 1; i < y->nin; i++) {
        alone &= axes[i] < 0;
        arg[i] = in[i];
    }
    if (!alone)
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    out[0] = mx_apply((mx_prim)y->prim, y->params, arg, y->nin);
    out_axes[0] = 0;
    return out[0] != NULL;
}

#define NORM_DESC(op, Name, infer_fn, ...)                              \
    const mx_prim_desc mx_desc_##op = {.name = Name,                    \
                                       .fields = norm_fields,           \
                                       .param_size = sizeof(mx_p_norm), \
                                       .infer = infer_fn,               \
                                       .expand = op##_expand,           \
                                       __VA_ARGS__};
NORM_DESC(rms_norm, "RMSNorm", infer_rms_norm, .vjp = rms_norm_vjp, .vmap = norm_vmap)
NORM_DESC(layer_norm, "LayerNorm", infer_layer_norm, .vjp = layer_norm_vjp, .vmap = norm_vmap)
NORM_DESC(rms_norm_vjp, "RMSNormVJP", infer_vjp, .vmap = mx_loop_vmap)
NORM_DESC(layer_norm_vjp, "LayerNormVJP", infer_vjp, .vmap = mx_loop_vmap)

/* --- the operations --------------------------------------------------------------------------- */

/* Promote x with what there is of weight and bias; fill the inputs that there are. */
static mx_array *apply_norm(mx_prim prim, mx_array *x, mx_array *w, mx_array *b, double eps) {
    mx_p_norm p = {eps, w != NULL, b != NULL};
    mx_array *in[3];
    if (!x)
        return NULL;
    mx_dtype t = mx_dtype_of(x);
    t = w ? mx_dtype_promote(t, mx_dtype_of(w)) : t;
    t = b ? mx_dtype_promote(t, mx_dtype_of(b)) : t;
    in[0] = mx_astype(x, t);
    if (w)
        in[1] = mx_astype(w, t);
    if (b)
        in[1 + p.weight] = mx_astype(b, t);
    return mx_apply(prim, &p, in, 1 + p.weight + p.bias);
}

mx_array *mx_rms_norm(mx_array *x, mx_array *weight, double eps) {
    return apply_norm(MX_PRIM_rms_norm, x, weight, NULL, eps);
}

mx_array *mx_layer_norm(mx_array *x, mx_array *weight, mx_array *bias, double eps) {
    return apply_norm(MX_PRIM_layer_norm, x, weight, bias, eps);
}
