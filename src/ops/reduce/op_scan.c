/* Running sums, products, extremes and log-sum-exps along an axis. */
#include <math.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

/* The cotangent of an analytic f is g conj(f') = conj(conj(g) f'). */
static mx_array *conj_if_complex(mx_array *a) {
    return a && a->dtype == MX_COMPLEX64 ? mx_conjugate(a) : a;
}

static const char *const names[] = {"cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"};

mx_array *mx_scan(mx_scan_op op, mx_array *a, int axis, bool reverse, bool inclusive) {
    if (!a || (axis = mx_axis(names[op], axis, a->ndim)) < 0)
        return NULL;
    if (op == MX_CUMSUM && a->dtype == MX_BOOL)
        a = mx_astype(a, MX_INT32);
    if (op == MX_CUMLOGSUMEXP)
        a = mx_astype(a, mx_dtype_to_inexact(mx_dtype_of(a)));
    mx_p_scan p = {op, axis, reverse, inclusive};
    return mx_apply1(MX_PRIM_scan, &p, a);
}

static bool scan_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params, (void)nin, (void)nout;
    out->dtype = mx_dtype_of(in[0]);
    out->shape = mx_shape_of(in[0]);
    return true;
}

/* The same scan of something else. */
static mx_array *again(const mx_node *y, mx_array *a) {
    return mx_apply1(MX_PRIM_scan, y->params, a);
}

static mx_array *scan(mx_scan_op op, mx_array *a, const mx_p_scan *p, bool reverse,
                      bool inclusive) {
    return mx_scan(op, a, p->axis, reverse, inclusive);
}

/* a moved by k places along the axis (k > 0: towards the end), `fill` coming in. */
static mx_array *shifted(mx_array *a, int axis, int k, mx_array *fill) {
    int n = a ? a->shape[axis] : 0, low = k > 0 ? k : 0, high = k > 0 ? 0 : -k;
    mx_array *part = mx_slice_axis(a, axis, high, n - low);
    return mx_pad(part, &axis, 1, &low, &high, fill, "constant");
}

/* --- products --------------------------------------------------------------------- */

/* With y = x0 x1 ... the adjoint obeys a[i] = g[i] + x[i+1] a[i+1], solved by doubling:
   after step s each a[i] has gathered s terms and m[i] is the product of the s factors
   in front of the next ones. There is no division, so zeros are no matter, and every
   step is differentiable again. */

static mx_array *solve_recurrence(mx_array *b, mx_array *m, const mx_p_scan *p) {
    int n = b ? b->shape[p->axis] : 0, way = p->reverse ? 1 : -1;
    for (int s = 1; s < n && b && m; s *= 2) {
        b = mx_add(b, mx_mul(m, shifted(b, p->axis, way * s, mx_zero_like(b))));
        m = mx_mul(m, shifted(m, p->axis, way * s, mx_zero_like(m)));
    }
    return b;
}

static mx_array *cumprod_vjp(const mx_p_scan *p, mx_array *x, mx_array *g) {
    int way = p->reverse ? 1 : -1;
    if (!p->inclusive)
        g = shifted(g, p->axis, way, mx_zero_like(g));
    mx_array *next = shifted(x, p->axis, way, mx_zero_like(x));
    return mx_mul(solve_recurrence(g, next, p), scan(MX_CUMPROD, x, p, p->reverse, false));
}

/* y' = y[i-1]' x[i] + y[i-1] x[i]': the transposed recurrence. */
static mx_array *cumprod_jvp(const mx_p_scan *p, mx_array *x, mx_array *t) {
    mx_p_scan other = {p->op, p->axis, !p->reverse, true};
    mx_array *d = solve_recurrence(mx_mul(t, scan(MX_CUMPROD, x, p, p->reverse, false)), x, &other);
    return p->inclusive ? d : shifted(d, p->axis, p->reverse ? -1 : 1, mx_zero_like(t));
}

/* --- extremes --------------------------------------------------------------------- */

/* Where each y was attained (the nearest of equal ones, or of NaN). exclusive: of the inclusive
 * scan, shifted later. */
static mx_array *attained(const mx_p_scan *p, mx_array *x) {
    mx_array *one = mx_fill_like(mx_scalar(1, MX_INT32), mx_stop_gradient(x));
    mx_array *y = mx_stop_gradient(scan((mx_scan_op)p->op, x, p, p->reverse, true));
    mx_array *at = mx_scan(MX_CUMSUM, one, p->axis, false, false);
    mx_array *last = mx_scalar(p->reverse ? INT32_MAX : -1, MX_INT32);
    mx_array *hit = mx_where(mx_logical_or(mx_equal(x, y), mx_isnan(x)), at, last);
    return scan(p->reverse ? MX_CUMMIN : MX_CUMMAX, hit, p, p->reverse, true);
}

/* d, the derivative of y, but NaN where y is NaN. */
static mx_array *unless_nan(mx_array *y, mx_array *d) {
    return y && d ? mx_where(mx_isnan(y), mx_scalar_like(d, NAN), d) : NULL;
}

static mx_array *extreme_vjp(const mx_p_scan *p, mx_array *x, mx_array *y, mx_array *g) {
    g = unless_nan(y, g);
    if (!p->inclusive)
        g = shifted(g, p->axis, p->reverse ? 1 : -1, mx_zero_like(g));
    return mx_scatter_axis(MX_SCATTER_SUM, mx_zeros_like(x), attained(p, x), g, p->axis);
}

static mx_array *extreme_jvp(const mx_p_scan *p, mx_array *x, mx_array *y, mx_array *t) {
    mx_array *d = mx_take_along_axis(t, attained(p, x), p->axis);
    if (!p->inclusive)
        d = shifted(d, p->axis, p->reverse ? -1 : 1, mx_zero_like(t));
    return unless_nan(y, d);
}

/* --- log-sum-exp ------------------------------------------------------------------ */

/* Weights exp(x[i] - y[j]) are summed in logarithms, positive and negative parts apart.
 */

static mx_array *log_of_positive(mx_array *g) {
    mx_array *positive = mx_greater(g, mx_zero_like(g));
    return mx_where(positive, mx_log(mx_where(positive, g, mx_one_like(g))),
                    mx_scalar_like(g, -INFINITY));
}

/* exp(to + scan(log g - from)), 0 where nothing came together */
static mx_array *weigh(const mx_p_scan *p, mx_array *g, mx_array *from, mx_array *to,
                       bool reverse) {
    if (!g)
        return NULL;
    mx_array *s = scan(MX_CUMLOGSUMEXP, mx_add(log_of_positive(g), from), p, reverse, p->inclusive);
    mx_array *none = mx_equal(s, mx_scalar_like(g, -INFINITY));
    return mx_where(none, mx_zero_like(g), mx_exp(mx_add(mx_where(none, mx_zero_like(g), s), to)));
}

static mx_array *weigh_signed(const mx_p_scan *p, mx_array *g, mx_array *from, mx_array *to,
                              bool reverse) {
    return g ? mx_sub(weigh(p, g, from, to, reverse), weigh(p, mx_negative(g), from, to, reverse))
             : NULL;
}

/* The first y of an exclusive scan is -inf and its derivative 0. */
static mx_array *finite_or_zero(mx_array *y) {
    return y ? mx_where(mx_equal(y, mx_scalar_like(y, -INFINITY)), mx_zero_like(y), y) : NULL;
}

static mx_array *logsumexp_vjp(const mx_p_scan *p, mx_array *x, mx_array *y, mx_array *g) {
    return weigh_signed(p, g, mx_negative(finite_or_zero(y)), x, !p->reverse);
}

static mx_array *logsumexp_jvp(const mx_p_scan *p, mx_array *x, mx_array *y, mx_array *t) {
    return weigh_signed(p, t, x, mx_negative(finite_or_zero(y)), p->reverse);
}

/* --- the descriptor --------------------------------------------------------------- */

static bool scan_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_p_scan *p = y->params;
    mx_array *x = y->in[0], *g = cot[0];
    if (!g || !need[0])
        return true;
    g = conj_if_complex(g);
    switch ((mx_scan_op)p->op) {
    case MX_CUMSUM: grad[0] = scan(MX_CUMSUM, g, p, !p->reverse, p->inclusive); break;
    case MX_CUMPROD: grad[0] = cumprod_vjp(p, x, g); break;
    case MX_CUMMAX:
    case MX_CUMMIN: grad[0] = extreme_vjp(p, x, mx_node_out(y, 0), g); break;
    case MX_CUMLOGSUMEXP: grad[0] = logsumexp_vjp(p, x, mx_node_out(y, 0), g); break;
    }
    return (grad[0] = conj_if_complex(grad[0])) != NULL;
}

static bool scan_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    const mx_p_scan *p = y->params;
    mx_array *x = y->in[0], *t = tan[0];
    if (!t)
        return true;
    switch ((mx_scan_op)p->op) {
    case MX_CUMSUM: out[0] = again(y, t); break;
    case MX_CUMPROD: out[0] = cumprod_jvp(p, x, t); break;
    case MX_CUMMAX:
    case MX_CUMMIN: out[0] = extreme_jvp(p, x, mx_node_out(y, 0), t); break;
    case MX_CUMLOGSUMEXP: out[0] = logsumexp_jvp(p, x, mx_node_out(y, 0), t); break;
    }
    return out[0] != NULL;
}

static bool scan_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                      int *out_axes) {
    (void)n;
    mx_p_scan p = *(const mx_p_scan *)y->params;
    p.axis++;
    out[0] = mx_apply1(MX_PRIM_scan, &p, mx_batch_front(in[0], axes[0]));
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field fields[] = {MX_FIELD(mx_p_scan, op, INT), MX_FIELD(mx_p_scan, axis, INT),
                                  MX_FIELD(mx_p_scan, reverse, BOOL),
                                  MX_FIELD(mx_p_scan, inclusive, BOOL), MX_FIELD_END};

const mx_prim_desc mx_desc_scan = {
    .name = "Scan",
    .fields = fields,
    .param_size = sizeof(mx_p_scan),
    .infer = scan_infer,
    .vjp = scan_vjp,
    .jvp = scan_jvp,
    .vmap = scan_vmap,
};
