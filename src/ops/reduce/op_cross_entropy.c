/* The loss of class indices in one pass over the logits:
 *
 *     logits (..., V), targets (...) integers  ->  (...), float32: log(sum(exp(x))) - x[target]
 *
 * The derivative is (softmax(x) - [target]) g, so that it makes one array of the logits' size, the
 * gradient, and the loss none.
 */
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

enum { TEXT = 256 };

static bool check_shapes(const mx_array *x, const mx_array *targets) {
    char a[TEXT], b[TEXT];
    if (x->ndim < 1)
        return mx_fail(MX_INVALID,
                       "[cross_entropy] logits must have at least 1 dimension but got input with 0 "
                       "dimensions.");
    if (mx_shape_is(targets, x->shape, x->ndim - 1))
        return x->shape[x->ndim - 1] > 0 || targets->size == 0 ||
               mx_fail(MX_INVALID, "[cross_entropy] there are no classes: logits of shape %s",
                       mx_shape_text(a, TEXT, x->shape, x->ndim));
    return mx_fail(
        MX_INVALID,
        "[cross_entropy] targets shape %s does not match logits shape %s with the last axis "
        "removed.",
        mx_shape_text(a, TEXT, targets->shape, targets->ndim),
        mx_shape_text(b, TEXT, x->shape, x->ndim));
}

static bool infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params, (void)nin, (void)nout;
    if (!mx_dtype_is_float(mx_dtype_of(in[0])))
        return mx_fail(MX_INVALID, "[cross_entropy] Received unsupported logits type %s.",
                       mx_dtype_name(mx_dtype_of(in[0])));
    if (!mx_dtype_is_integer(mx_dtype_of(in[1])))
        return mx_fail(MX_INVALID,
                       "[cross_entropy] targets must be integer class indices but got %s.",
                       mx_dtype_name(mx_dtype_of(in[1])));
    if (!check_shapes(in[0], in[1]))
        return false;
    *out = (mx_out){MX_FLOAT32, mx_shape_of(in[1])};
    return true;
}

/* True where a class is the target, which may count from the end. */
static mx_array *is_target(const mx_array *x, mx_array *targets) {
    int classes = x->shape[x->ndim - 1];
    mx_array *t = mx_expand_dim(mx_astype(targets, MX_INT64), -1),
             *n = mx_scalar(classes, MX_INT64);
    t = mx_where(mx_less(t, mx_scalar(0, MX_INT64)), mx_add(t, n), t);
    return mx_equal(mx_arange(0, classes, 1, MX_INT64), t);
}

static bool vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_array *x = y->in[0];
    int last = -1;
    if (!need[0])
        return true;
    mx_dtype t = mx_dtype_of(x), wide = mx_dtype_compute(t);
    mx_array *p = mx_astype(mx_softmax(x, &last, 1, true), wide);
    mx_array *d = mx_sub(p, mx_astype(is_target(x, y->in[1]), wide));
    grad[0] = mx_astype(mx_mul(d, mx_expand_dim(mx_astype(cot[0], wide), -1)), t);
    return grad[0] != NULL;
}

static bool vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes) {
    out[0] = mx_apply2((mx_prim)y->prim, NULL, mx_batch_front_full(in[0], axes[0], n),
                       mx_batch_front_full(in[1], axes[1], n));
    out_axes[0] = 0;
    return out[0] != NULL;
}

static bool expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    int last = -1;
    (void)y;
    mx_array *x = mx_astype(in[0], mx_dtype_compute(mx_dtype_of(in[0])));
    mx_array *d = mx_sub(x, mx_stop_gradient(mx_reduce(MX_MAX, x, &last, 1, true)));
    mx_array *at = mx_squeeze_axis(mx_take_along_axis(d, mx_expand_dim(in[1], -1), -1), -1);
    mx_array *loss = mx_sub(mx_log(mx_sum_axis(mx_exp(d), -1, false)), at);
    return (out[0] = loss ? mx_astype(loss, MX_FLOAT32) : NULL) != NULL;
}

const mx_prim_desc mx_desc_cross_entropy = {
    .name = "CrossEntropy",
    .places = {"CrossEntropy", 1, 0},
    .infer = infer,
    .vjp = vjp,
    .vmap = vmap,
    .expand = expand,
};

mx_array *mx_cross_entropy(mx_array *logits, mx_array *targets) {
    return mx_apply2(MX_PRIM_cross_entropy, NULL, logits, targets);
}
