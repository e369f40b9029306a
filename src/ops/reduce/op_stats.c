/* Means, variances and counts: compositions of reductions. */
#include <math.h>

#include "base/status.h"
#include "graph/trace/trace.h"
#include "ops/rules.h"

static bool count_elements(const char *name, mx_array *a, const int *axes, int n, double *count) {
    bool mask[MX_MAX_NDIM];
    if (!a || !mx_axes_mask(name, axes, n, a->ndim, mask))
        return false;
    *count = 1;
    for (int i = 0; i < a->ndim; i++)
        *count *= mask[i] ? a->shape[i] : 1;
    return true;
}

/* --- counting: a number, or a node where the graph will be used with other shapes --------- */

static bool infer_count(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_count *p = params;
    bool mask[MX_MAX_NDIM];
    (void)nin, (void)nout;
    out->dtype = (mx_dtype)p->dtype;
    return mx_axes_mask("number_of_elements", p->axes.n ? p->axes.v : &(int){0}, p->axes.n,
                        in[0]->ndim, mask);
}

static bool count_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                       mx_array **out, int *out_axes) {
    const mx_p_count *p = y->params;
    int room[MX_MAX_NDIM];
    (void)n;
    for (int i = 0; i < p->axes.n; i++)
        room[i] = p->axes.v[i] + 1;
    mx_p_count q = {{p->axes.n, room}, p->inverted, p->dtype};
    out[0] = mx_apply1(MX_PRIM_number_of_elements, &q, mx_batch_front(in[0], axes[0]));
    out_axes[0] = -1;
    return out[0] != NULL;
}

static const mx_field count_fields[] = {MX_FIELD(mx_p_count, axes, INTS),
                                        MX_FIELD(mx_p_count, inverted, BOOL),
                                        MX_FIELD(mx_p_count, dtype, DTYPE), MX_FIELD_END};

const mx_prim_desc mx_desc_number_of_elements = {
    .name = "NumberOfElements",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = count_fields,
    .param_size = sizeof(mx_p_count),
    .infer = infer_count,
    .vmap = count_vmap,
};

static mx_array *count_node(mx_array *a, const int *axes, int n, bool inverted, mx_dtype t) {
    int sorted[MX_MAX_NDIM];
    if ((n = mx_axes_sorted("number_of_elements", axes, n, a->ndim, sorted)) < 0)
        return NULL;
    mx_p_count p = {{n, sorted}, inverted, (int)t};
    return mx_apply1(MX_PRIM_number_of_elements, &p, a);
}

mx_array *mx_number_of_elements(mx_array *a, const int *axes, int n, bool inverted, mx_dtype t) {
    double count;
    if (!count_elements("number_of_elements", a, axes, n, &count))
        return NULL;
    if (mx_trace_shapeless())
        return count_node(a, axes, n, inverted, t);
    return mx_scalar(inverted ? 1 / count : count, t);
}

/* --- means ------------------------------------------------------------------------------- */

/* Halves are averaged in float32 and integers in float64: their sums soon overflow. */
mx_array *mx_mean(mx_array *a, const int *axes, int n, bool keepdims) {
    double count;
    if (!count_elements("mean", a, axes, n, &count))
        return NULL;
    mx_array *x = mx_inside(a);
    mx_array *share = x ? mx_number_of_elements(x, axes, n, true, mx_dtype_of(x)) : NULL;
    return mx_astype(mx_mul(mx_sum(x, axes, n, keepdims), share),
                     mx_dtype_to_inexact(mx_dtype_of(a)));
}

/* The sum over n - less, where n elements are added: divided once, so that exact quotients
 * stay exact. */
static mx_array *average(mx_array *x, double count, const int *axes, int n, bool keepdims,
                         int less) {
    mx_dtype t = x ? mx_dtype_of(x) : MX_FLOAT32;
    mx_array *divisor = mx_scalar(fmax(count - less, 0), t);
    if (mx_trace_shapeless()) {
        mx_array *left =
            mx_add_s(mx_number_of_elements(x, axes, n, false, MX_FLOAT64), -(double)less);
        divisor = mx_astype(mx_maximum(left, mx_scalar(0, MX_FLOAT64)), t);
    }
    return mx_div(mx_sum(x, axes, n, keepdims), divisor);
}

/* In two passes, in the dtype inside; complex numbers: the mean of |x - mean|^2, a float32. */
static mx_array *variance(const char *name, mx_array *a, const int *axes, int n, bool keepdims,
                          int ddof) {
    double count;
    if (!count_elements(name, a, axes, n, &count))
        return NULL;
    mx_array *x = mx_inside(a);
    mx_array *d = mx_sub(x, average(x, count, axes, n, true, 0));
    if (mx_dtype_inside(mx_dtype_of(a)) == MX_COMPLEX64)
        d = mx_abs(d);
    return average(mx_square(d), count, axes, n, keepdims, ddof);
}

static mx_array *as_result(mx_array *v, const mx_array *a) {
    mx_dtype t = v ? mx_dtype_to_inexact(mx_dtype_of(a)) : MX_FLOAT32;
    return mx_astype(v, t == MX_COMPLEX64 ? MX_FLOAT32 : t);
}

mx_array *mx_var(mx_array *a, const int *axes, int n, bool keepdims, int ddof) {
    return as_result(variance("var", a, axes, n, keepdims, ddof), a);
}

mx_array *mx_std(mx_array *a, const int *axes, int n, bool keepdims, int ddof) {
    return as_result(mx_sqrt(variance("std", a, axes, n, keepdims, ddof)), a);
}

mx_array *mx_count_nonzero(mx_array *a, const int *axes, int n, bool keepdims) {
    return a ? mx_sum(mx_not_equal(a, mx_zero_like(a)), axes, n, keepdims) : NULL;
}
