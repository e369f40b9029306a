/* Order along an axis: sort, argsort, partition, argpartition, topk; median. NaN comes last. */
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

static mx_array *apply(mx_prim prim, mx_array *a, int axis, int kth) {
    mx_p_sort p = {axis, kth};
    return mx_apply1(prim, &p, a);
}

static mx_array *sorted(const char *name, mx_prim prim, mx_array *a, int axis) {
    return a && (axis = mx_axis(name, axis, a->ndim)) >= 0 ? apply(prim, a, axis, 0) : NULL;
}

mx_array *mx_sort(mx_array *a, int axis) {
    return sorted("sort", MX_PRIM_sort, a, axis);
}

mx_array *mx_argsort(mx_array *a, int axis) {
    return sorted("argsort", MX_PRIM_argsort, a, axis);
}

static mx_array *refuse_number(const char *name, const char *what, int k, int axis,
                               const mx_array *a) {
    char text[256];
    return mx_fail(MX_INVALID, "[%s] Received invalid %s%d along axis %d for array with shape: %s",
                   name, what, k, axis, mx_shape_text(text, sizeof text, a->shape, a->ndim));
}

/* Has the axis an element kth, which counts from the end where it is negative? */
static bool has_place(const char *name, const mx_array *a, int kth, int axis) {
    int n = a->shape[axis < 0 ? axis + a->ndim : axis];
    return (kth >= -n && kth < n) || refuse_number(name, "kth ", kth, axis, a);
}

static mx_array *parted(const char *name, mx_prim prim, mx_array *a, int kth, int given) {
    int axis = a ? mx_axis(name, given, a->ndim) : -1;
    return axis >= 0 && has_place(name, a, kth, given) ? apply(prim, a, axis, kth) : NULL;
}

mx_array *mx_partition(mx_array *a, int kth, int axis) {
    return parted("partition", MX_PRIM_partition, a, kth, axis);
}

mx_array *mx_argpartition(mx_array *a, int kth, int axis) {
    return parted("argpartition", MX_PRIM_argpartition, a, kth, axis);
}

/* The k largest, in no order. */
mx_array *mx_topk(mx_array *a, int k, int given) {
    int axis = a ? mx_axis("topk", given, a->ndim) : -1;
    if (axis < 0)
        return NULL;
    int n = a->shape[axis];
    if (k < 0 || k > n)
        return refuse_number("topk", "k=", k, given, a);
    mx_array *p = k == 0 || k == n ? a : mx_partition(a, n - k, axis);
    return mx_slice_axis(p, axis, n - k, n);
}

/* --- the primitives --------------------------------------------------------------- */

static bool values_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)params, (void)nin, (void)nout;
    out->dtype = mx_dtype_of(in[0]);
    out->shape = mx_shape_of(in[0]);
    return true;
}

static bool indices_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    values_infer(params, in, nin, out, nout);
    out->dtype = MX_UINT32;
    return true;
}

static bool partition_infer(const void *params, mx_array *const *in, int nin, mx_out *out,
                            int nout) {
    const mx_p_sort *p = params;
    return has_place("partition", in[0], p->kth, p->axis) &&
           values_infer(params, in, nin, out, nout);
}

static bool argpartition_infer(const void *params, mx_array *const *in, int nin, mx_out *out,
                               int nout) {
    const mx_p_sort *p = params;
    return has_place("argpartition", in[0], p->kth, p->axis) &&
           indices_infer(params, in, nin, out, nout);
}

/* Element r[j] of y is element s[j] of x, where s sorts x and r sorts y: right for any
 * partition. */
typedef struct match {
    mx_array *x, *y;
    int axis;
} match;

static match match_of(const mx_node *y) {
    int axis = ((const mx_p_sort *)y->params)->axis;
    mx_array *s = mx_argsort(y->in[0], axis);
    return (match){s, y->prim == MX_PRIM_sort ? NULL : mx_argsort(mx_node_out(y, 0), axis), axis};
}

static bool values_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    if (!cot[0] || !need[0])
        return true;
    match m = match_of(y);
    mx_array *g = m.y ? mx_take_along_axis(cot[0], m.y, m.axis) : cot[0];
    grad[0] = mx_scatter_axis(MX_SCATTER_NONE, mx_zeros_like(y->in[0]), m.x, g, m.axis);
    return grad[0] != NULL;
}

static bool values_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    if (!tan[0])
        return true;
    match m = match_of(y);
    mx_array *t = mx_take_along_axis(tan[0], m.x, m.axis);
    out[0] = m.y ? mx_scatter_axis(MX_SCATTER_NONE, mx_zeros_like(t), m.y, t, m.axis) : t;
    return out[0] != NULL;
}

static bool sort_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                      int *out_axes) {
    (void)n;
    const mx_p_sort *p = y->params;
    out[0] = apply((mx_prim)y->prim, mx_batch_front(in[0], axes[0]), p->axis + 1, p->kth);
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field fields[] = {MX_FIELD(mx_p_sort, axis, INT), MX_FIELD(mx_p_sort, kth, INT),
                                  MX_FIELD_END};

const mx_prim_desc mx_desc_sort = {
    .name = "Sort",
    .fields = fields,
    .param_size = sizeof(mx_p_sort),
    .infer = values_infer,
    .vjp = values_vjp,
    .jvp = values_jvp,
    .vmap = sort_vmap,
};

const mx_prim_desc mx_desc_partition = {
    .name = "Partition",
    .fields = fields,
    .param_size = sizeof(mx_p_sort),
    .infer = partition_infer,
    .vjp = values_vjp,
    .jvp = values_jvp,
    .vmap = sort_vmap,
};

const mx_prim_desc mx_desc_argsort = {
    .name = "ArgSort",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = fields,
    .param_size = sizeof(mx_p_sort),
    .infer = indices_infer,
    .vmap = sort_vmap,
};

const mx_prim_desc mx_desc_argpartition = {
    .name = "ArgPartition",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = fields,
    .param_size = sizeof(mx_p_sort),
    .infer = argpartition_infer,
    .vmap = sort_vmap,
};

/* --- median ----------------------------------------------------------------------- */

/* The given axes at the end, as one. */
static mx_array *join_axes(mx_array *a, const int *axes, int n) {
    int order[MX_MAX_NDIM], kept = 0;
    for (int i = 0, k = 0; i < a->ndim; i++) {
        if (k < n && axes[k] == i)
            k++;
        else
            order[kept++] = i;
    }
    for (int k = 0; k < n; k++)
        order[kept + k] = axes[k];
    return mx_flatten(mx_transpose_axes(a, order, a->ndim), kept, -1);
}

static mx_array *element(mx_array *s, int i) {
    return s ? mx_squeeze_axis(mx_slice_axis(s, -1, i, i + 1), -1) : NULL;
}

/* Of sorted lines; NaN if there is one, which is last then. */
static mx_array *middle(mx_array *s, int n) {
    mx_array *lo = mx_inside(element(s, (n - 1) / 2)), *last = mx_inside(element(s, n - 1));
    mx_array *mid = n % 2 ? lo : mx_mul_s(mx_add(lo, mx_inside(element(s, n / 2))), 0.5);
    return mx_where(mx_isnan(last), last, mid);
}

mx_array *mx_median(mx_array *a, const int *axes, int n, bool keepdims) {
    int list[MX_MAX_NDIM];
    if (!a || (n = mx_axes_sorted("median", axes, n, a->ndim, list)) < 0)
        return NULL;
    mx_dtype t = mx_dtype_to_inexact(mx_dtype_of(a));
    if (n == 0)
        return mx_astype(a, t);
    for (int i = 0; i < n; i++)
        if (a->shape[list[i]] == 0)
            return mx_fail(MX_INVALID, "[median] Cannot take median along empty axis.");
    mx_array *lines = join_axes(a, list, n);
    mx_array *m =
        lines ? mx_astype(middle(mx_sort(lines, -1), lines->shape[lines->ndim - 1]), t) : NULL;
    return keepdims ? mx_expand_dims(m, list, n) : m;
}

/* --- search, differences ---------------------------------------------------------- */

/* Does an element come before a value? NaN comes last, and is equal to NaN. */
static mx_array *precedes(mx_array *at, mx_array *values, bool right) {
    mx_array *before = right ? mx_less_equal(at, values) : mx_less(at, values);
    if (!at || !mx_dtype_is_inexact(mx_dtype_of(at)))
        return before;
    mx_array *last = mx_isnan(values);
    return mx_logical_or(before, right ? last : mx_logical_and(last, mx_logical_not(mx_isnan(at))));
}

mx_array *mx_last_place(mx_array *line) {
    return mx_add_s(mx_number_of_elements(mx_stop_gradient(line), &(int){0}, 1, false, MX_INT32),
                    -1);
}

/* Where each of values belongs in a sorted vector: how many of its elements come
   before. A binary search of whole arrays; each step halves the stretch that is left.
 */
mx_array *mx_searchsorted(mx_array *a, mx_array *values, bool right) {
    if (!a || !values)
        return NULL;
    if (a->ndim != 1)
        return mx_fail(MX_INVALID, "[searchsorted] expected a sorted vector, got %d dimensions.",
                       a->ndim);
    if (!mx_promote2(&a, &values))
        return NULL;
    if (!a->shape[0])
        mx_trace_pin("SearchSorted");
    mx_array *n = mx_number_of_elements(mx_stop_gradient(a), &(int){0}, 1, false, MX_INT32);
    mx_array *lo = mx_fill_like(mx_scalar(0, MX_INT32), mx_stop_gradient(values));
    mx_array *hi = mx_fill_like(n, mx_stop_gradient(values)), *last = mx_last_place(a);
    int64_t steps = a->shape[0] && mx_trace_shapeless() ? INT32_MAX : a->shape[0];
    for (int64_t left = steps; left > 0 && lo && hi; left /= 2) {
        mx_array *open = mx_less(lo, hi),
                 *mid = mx_right_shift(mx_add(lo, hi), mx_scalar_i64(1, MX_INT32));
        mx_array *at = mx_take(a, mx_minimum(mid, last), 0);
        mx_array *before = mx_logical_and(open, precedes(at, values, right));
        lo = mx_where(before, mx_add(mid, mx_scalar_i64(1, MX_INT32)), lo);
        hi = mx_where(mx_logical_and(open, mx_logical_not(before)), mid, hi);
    }
    return mx_astype(lo, MX_UINT32);
}

mx_array *mx_diff(mx_array *a, int n, int axis) {
    if (!a || (axis = mx_axis("diff", axis, a->ndim)) < 0)
        return NULL;
    if (n < 0)
        return mx_fail(MX_INVALID, "[diff] Order n must be non-negative but got %d.", n);
    for (; n > 0 && a && a->shape[axis] > 0; n--) {
        mx_array *next = mx_slice_axis_words(a, axis, 1, INT32_MAX),
                 *here = mx_slice_axis_words(a, axis, 0, -1);
        a = a->dtype == MX_BOOL ? mx_not_equal(next, here) : mx_sub(next, here);
    }
    return a;
}
