/* Derivative and batching rules that families share. */
#include "ops/rules.h"

#include "base/mem.h"
#include "base/status.h"
#include "graph/array/read.h"
#include "graph/trace/trace.h"

/* --- broadcasting, undone --------------------------------------------------------- */

mx_array *mx_unbroadcast(mx_array *g, mx_array *like) {
    int axes[MX_MAX_NDIM], n = 0;
    if (!g || !like)
        return NULL;
    int lead = g->ndim - like->ndim;
    for (int i = 0; i < g->ndim; i++)
        if (i < lead || (like->shape[i - lead] == 1 && g->shape[i] != 1))
            axes[n++] = i;
    if (n)
        g = mx_sum(g, axes, n, n > lead);
    if (n > lead && lead)
        g = mx_squeeze(g, axes, lead);
    return mx_astype(mx_reshape_summed(g, like), mx_dtype_of(like));
}

/* --- products with a factor that is the same everywhere --------------------------- */

/* Of a fill its value, of others themselves. */
static const mx_array *value_of(const mx_array *a) {
    const mx_node *n = mx_array_available(a) ? NULL : a->node;
    return n && n->prim == MX_PRIM_full ? n->in[0] : a;
}

/* One real number in every place, that is known and no transform watches. */
static bool is_uniform(const mx_array *a) {
    const mx_array *v = value_of(a);
    if (!mx_array_available(v) || v->tracer || !v->size || !mx_dtype_is_float(mx_dtype_of(v)))
        return false;
    for (int i = 0; i < v->ndim; i++)
        if (v->shape[i] > 1 && v->strides[i] != 0)
            return false;
    return true;
}

static double number_of(const mx_array *a) {
    return mx_read_double(value_of(a)->data, mx_dtype_of(a));
}

mx_array *mx_times(mx_array *g, double s) {
    if (!g || !is_uniform(g))
        return mx_mul_s(g, s);
    return mx_fill_like(mx_scalar(number_of(g) * s, mx_dtype_of(g)), g);
}

mx_array *mx_scaled(mx_array *g, mx_array *e) {
    if (!g || !e || !is_uniform(g) || g->dtype != e->dtype || !mx_same_shape(g, e))
        return mx_mul(g, e);
    return number_of(g) == 1 ? e : is_uniform(e) ? mx_times(e, number_of(g)) : mx_mul(g, e);
}

mx_array *mx_negated(mx_array *g) {
    return g && is_uniform(g) ? mx_times(g, -1) : mx_negative(g);
}

/* --- pointwise -------------------------------------------------------------------- */

static bool same_dtypes(mx_pointwise p, mx_array *const *in, int nin) {
    int first = p == MX_PW_select;
    bool ok = !first || in[0]->dtype == MX_BOOL;
    for (int i = first + 1; i < nin; i++)
        ok &= in[i]->dtype == in[first]->dtype;
    return ok;
}

static mx_dtype result_dtype(mx_pw_result r, mx_dtype t) {
    if (r == MX_PWR_BOOL)
        return MX_BOOL;
    return r == MX_PWR_PART && t == MX_COMPLEX64 ? MX_FLOAT32 : t;
}

bool mx_pointwise_infer(mx_pointwise p, mx_array *const *in, int nin, mx_out *out) {
    const mx_pw_info *info = &mx_pw_infos[p];
    if (nin != info->arity)
        return mx_fail(MX_INVALID, "[%s] %d inputs given, %d expected", info->name, nin,
                       info->arity);
    mx_dtype t = mx_dtype_of(in[nin - 1]);
    if (!same_dtypes(p, in, nin) || !mx_pw_accepts(info->domain, mx_dtype_compute(t)))
        return mx_fail(MX_INVALID, "[%s] Not supported for %s.", info->name, mx_dtype_name(t));
    out->dtype = result_dtype(info->result, t);
    out->shape.ndim = 0;
    for (int i = 0; i < nin; i++)
        if (!mx_broadcast_shapes("broadcast_shapes", out->shape.dim, out->shape.ndim, in[i]->shape,
                                 in[i]->ndim, &out->shape))
            return false;
    return true;
}

/* The cotangent of an analytic f at x is g conj(f'(x)) = conj(conj(g) f'(x)). */
static mx_array *conj_if_complex(mx_array *a) {
    return a && a->dtype == MX_COMPLEX64 ? mx_conjugate(a) : a;
}

/* Has the result the shape of input i, whatever that is? */
static bool decides_shape(const mx_node *y, int i) {
    for (int k = 0; k < y->nin; k++)
        if (y->in[k] != y->in[i] && y->in[k]->ndim)
            return false;
    return true;
}

bool mx_pointwise_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_prim_desc *d = mx_node_desc(y);
    if (!cot[0] || !d->partial)
        return true;
    mx_array *g = conj_if_complex(cot[0]);
    for (int i = 0; i < y->nin; i++)
        if (need[i]) {
            mx_array *part = conj_if_complex(d->partial(y, i, g));
            grad[i] = decides_shape(y, i) ? mx_astype(part, mx_dtype_of(y->in[i]))
                                          : mx_unbroadcast(part, y->in[i]);
        }
    return !mx_failed();
}

bool mx_pointwise_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    const mx_prim_desc *d = mx_node_desc(y);
    mx_array *like = mx_node_out(y, 0), *sum = NULL;
    for (int i = 0; i < y->nin && d->partial; i++) {
        mx_array *t = tan[i] ? d->partial(y, i, tan[i]) : NULL;
        sum = sum && t ? mx_add(sum, t) : t ? t : sum;
    }
    out[0] =
        sum && mx_same_shape(sum, like) ? mx_broadcast_like(sum, like) : mx_fill_like(sum, like);
    return !mx_failed();
}

mx_array *mx_batch_aligned(mx_array *a, int axis, int ndim) {
    int axes[MX_MAX_NDIM];
    if (!a || axis < 0 || !(a = mx_moveaxis(a, axis, 0)))
        return a;
    int fill = ndim + 1 - a->ndim;
    for (int i = 0; i < fill && i < MX_MAX_NDIM; i++)
        axes[i] = i + 1;
    return fill > 0 ? mx_expand_dims(a, axes, fill) : a; // which holds for other sizes too
}

enum { MAX_OPERANDS = 3 };

bool mx_pointwise_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                       mx_array **out, int *out_axes) {
    mx_array *operand[MAX_OPERANDS];
    int ndim = 0;
    (void)n;
    for (int i = 0; i < y->nin; i++) {
        int own = in[i]->ndim - (axes[i] >= 0);
        ndim = own > ndim ? own : ndim;
    }
    for (int i = 0; i < y->nin; i++)
        operand[i] = mx_batch_aligned(in[i], axes[i], ndim);
    out[0] = mx_apply((mx_prim)y->prim, y->params, operand, y->nin);
    out_axes[0] = 0;
    return out[0] != NULL;
}

/* --- linear ----------------------------------------------------------------------- */

enum { FEW = 16 };

/* Room for n arrays: the given few, or from the heap. */
static mx_array **room(mx_array **few, size_t n) {
    return n <= FEW ? few : mx_calloc(n, sizeof *few);
}

static void give_back(mx_array **list, mx_array **few) {
    if (list != few)
        mx_free(list);
}

bool mx_linear_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    mx_array *few[FEW], **in = room(few, y->nin);
    if (!in)
        return false;
    for (int i = 0; i < y->nin; i++) {
        bool inexact = mx_dtype_is_inexact(mx_dtype_of(y->in[i]));
        in[i] = tan[i] ? tan[i] : inexact ? mx_zeros_like(y->in[i]) : y->in[i];
    }
    bool ok = mx_apply_multi((mx_prim)y->prim, y->params, in, y->nin, out, y->nout);
    give_back(in, few);
    return ok;
}

/* --- batches ---------------------------------------------------------------------- */

mx_array *mx_batch_front(mx_array *a, int axis) {
    return axis < 0 ? mx_expand_dim(a, 0) : mx_moveaxis(a, axis, 0);
}

mx_array *mx_batch_front_full(mx_array *a, int axis, int n) {
    if (!a || axis >= 0)
        return mx_moveaxis(a, axis, 0);
    mx_trace_pin("Broadcast");
    mx_shape s = mx_shape_of(a);
    if (s.ndim == MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[vmap] more than %d dimensions", MX_MAX_NDIM);
    for (int i = s.ndim++; i > 0; i--)
        s.dim[i] = s.dim[i - 1];
    s.dim[0] = n;
    return mx_broadcast_to(a, s.dim, s.ndim);
}

/* Element b of the batch of one input. */
static mx_array *batch_item(mx_array *a, int axis, int b) {
    return axis < 0 ? a : mx_squeeze_axis(mx_slice_axis(a, axis, b, b + 1), axis);
}

static bool apply_item(const mx_node *y, mx_array *const *in, const int *axes, int b,
                       mx_array **item, mx_array **out) {
    for (int i = 0; i < y->nin; i++)
        item[i] = batch_item(in[i], axes[i], b);
    return mx_apply_multi((mx_prim)y->prim, y->params, item, y->nin, out, y->nout);
}

/* An empty batch still has a shape: a node's own outputs say the rest of it. */
static bool empty_batch(const mx_node *y, mx_array **out) {
    for (int j = 0; j < y->nout; j++) {
        mx_array *o = mx_node_out(y, j);
        mx_shape s = mx_shape_of(o);
        for (int i = s.ndim++; i > 0; i--)
            s.dim[i] = s.dim[i - 1];
        s.dim[0] = 0;
        out[j] = mx_zeros(s.dim, s.ndim, mx_dtype_of(o));
    }
    return !mx_failed();
}

/* results: n rows of nout arrays; stack column by column into out, through `column`. */
static bool stack_results(mx_array *const *results, int n, int nout, mx_array **column,
                          mx_array **out) {
    for (int j = 0; j < nout; j++) {
        for (int b = 0; b < n; b++)
            column[b] = results[(size_t)b * (size_t)nout + (size_t)j];
        out[j] = mx_stack(column, n, 0);
    }
    return !mx_failed();
}

bool mx_loop_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                  int *out_axes) {
    mx_trace_pin(mx_node_desc(y)->name);
    for (int j = 0; j < y->nout; j++)
        out_axes[j] = 0;
    if (n == 0)
        return empty_batch(y, out);
    mx_array **results = mx_calloc((size_t)n * (y->nout + 1u) + y->nin, sizeof *results);
    if (!results)
        return false;
    mx_array **column = results + (size_t)n * y->nout, **item = column + n;
    bool ok = true;
    for (int b = 0; b < n && ok; b++)
        ok = apply_item(y, in, axes, b, item, results + (size_t)b * y->nout);
    ok = ok && stack_results(results, n, y->nout, column, out);
    mx_free(results);
    return ok;
}

/* --- dtypes on the way ------------------------------------------------------------ */

mx_dtype mx_dtype_inside(mx_dtype t) {
    return mx_dtype_is_inexact(t) ? mx_dtype_compute(t) : MX_FLOAT64;
}

mx_array *mx_inside(mx_array *a) {
    return a ? mx_astype(a, mx_dtype_inside(mx_dtype_of(a))) : NULL;
}

/* --- promotion -------------------------------------------------------------------- */

bool mx_promote2(mx_array **a, mx_array **b) {
    if (!*a || !*b)
        return false;
    mx_dtype t = mx_dtype_promote(mx_dtype_of(*a), mx_dtype_of(*b));
    *a = mx_astype(*a, t);
    *b = mx_astype(*b, t);
    return *a && *b;
}
