/* Arrays from nothing: full, arange, linspace, eye, tri, and what is made of them. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/rules.h"

/* --- full: a value in every place ------------------------------------------------- */

const mx_prim_desc mx_desc_full = {
    .name = "Full",
    .fields = mx_shape_fields,
    .param_size = sizeof(mx_p_shape),
    .infer = mx_broadcast_infer,
    .vjp = mx_broadcast_vjp,
    .jvp = mx_broadcast_jvp,
    .vmap = mx_broadcast_vmap,
};

/* Axes of data along which all elements are one element in memory are read as one. */
static mx_array *shrunk(mx_array *a) {
    int shape[MX_MAX_NDIM];
    bool same = true;
    if (!a || a->tracer || !mx_array_available(a) || !a->size || a->beyond)
        return a;
    for (int i = 0; i < a->ndim; i++) {
        shape[i] = a->strides[i] ? a->shape[i] : 1;
        same &= shape[i] == a->shape[i];
    }
    size_t at = (size_t)(a->data - (char *)a->buffer->ptr);
    return same ? a : mx_array_over(a->buffer, at, shape, a->strides, a->ndim, mx_dtype_of(a));
}

mx_array *mx_fill(mx_array *value, const int *shape, int ndim) {
    if (ndim)
        mx_trace_pin("Full");
    return mx_apply1(MX_PRIM_full, &(mx_p_shape){{ndim, shape}}, shrunk(value));
}

static mx_array *filled_like(mx_array *value, mx_array *like) {
    if (!value || !like || !mx_trace_shapeless())
        return value && like ? mx_fill(value, like->shape, like->ndim) : NULL;
    return mx_apply2(MX_PRIM_full, &(mx_p_shape){{like->ndim, like->shape}}, value, like);
}

mx_array *mx_fill_like(mx_array *value, mx_array *like) {
    bool there = value && like && mx_same_shape(value, like) && !mx_trace_shapeless();
    return there ? value : filled_like(value, like);
}

mx_array *mx_copy(mx_array *a) {
    return filled_like(a, a);
}

static bool no_negative(const char *op, const int *shape, int ndim) {
    for (int i = 0; i < ndim; i++)
        if (shape[i] < 0)
            return mx_fail(MX_INVALID, "[%s] Negative dimensions not allowed.", op);
    return true;
}

mx_array *mx_full(const int *shape, int ndim, mx_array *value, mx_dtype t) {
    if (!no_negative("full", shape, ndim))
        return NULL;
    return mx_fill(mx_astype(value, t), shape, ndim);
}

mx_array *mx_full_like(mx_array *a, mx_array *value, mx_dtype t) {
    return filled_like(mx_astype(value, t), a);
}

mx_array *mx_full_s(const int *shape, int ndim, double value, mx_dtype t) {
    if (!no_negative("full", shape, ndim))
        return NULL;
    mx_array *one = mx_scalar(value, t);
    return ndim ? mx_fill(one, shape, ndim) : one;
}
mx_array *mx_zeros(const int *shape, int ndim, mx_dtype t) {
    return mx_full_s(shape, ndim, 0, t);
}
mx_array *mx_ones(const int *shape, int ndim, mx_dtype t) {
    return mx_full_s(shape, ndim, 1, t);
}
mx_array *mx_zeros_like(mx_array *a) {
    return a ? mx_fill_like(mx_scalar(0, mx_dtype_of(a)), a) : NULL;
}
mx_array *mx_ones_like(mx_array *a) {
    return a ? mx_fill_like(mx_scalar(1, mx_dtype_of(a)), a) : NULL;
}

/* --- arange, linspace ------------------------------------------------------------- */

static void vector(mx_out *out, int n, int dtype) {
    out->dtype = (mx_dtype)dtype;
    out->shape.ndim = 1;
    out->shape.dim[0] = n;
}

static bool infer_arange(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_arange *p = params;
    (void)in, (void)nin, (void)nout;
    if (p->n < 0 || !mx_dtype_valid((mx_dtype)p->dtype) || p->dtype == MX_BOOL)
        return mx_fail(MX_INVALID, "[arange] %d elements of dtype %d", p->n, p->dtype);
    vector(out, p->n, p->dtype);
    return true;
}

static const mx_field arange_fields[] = {
    MX_FIELD(mx_p_arange, start, DOUBLE), MX_FIELD(mx_p_arange, step, DOUBLE),
    MX_FIELD(mx_p_arange, n, INT), MX_FIELD(mx_p_arange, dtype, DTYPE), MX_FIELD_END};

const mx_prim_desc mx_desc_arange = {
    .name = "Arange",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = arange_fields,
    .param_size = sizeof(mx_p_arange),
    .infer = infer_arange,
};

mx_array *mx_arange(double start, double stop, double step, mx_dtype t) {
    mx_trace_pin("Arange");
    if (t == MX_BOOL)
        return mx_fail(MX_INVALID, "[arange] bool not supported for arange.");
    if (step == 0)
        return mx_fail(MX_INVALID, "[arange] step must be nonzero.");
    if (!isfinite(start) || !isfinite(stop) || isnan(step))
        return mx_fail(MX_INVALID, "[arange] Cannot compute length.");
    double n = isinf(step) ? (step > 0 ? stop > start : stop < start) : ceil((stop - start) / step);
    if (n > INT32_MAX)
        return mx_fail(MX_INVALID, "[arange] Maximum size exceeded.");
    if (isinf(step)) // no element but the first
        step = 0;
    return mx_apply(MX_PRIM_arange, &(mx_p_arange){start, step, n > 0 ? (int)n : 0, (int)t}, NULL,
                    0);
}

mx_array *mx_positions(mx_array *line) {
    if (!line || !mx_trace_shapeless())
        return line ? mx_arange(0, (double)line->size, 1, MX_INT32) : NULL;
    return mx_scan(MX_CUMSUM, mx_fill_like(mx_scalar(1, MX_INT32), mx_stop_gradient(line)), 0,
                   false, false);
}

static bool infer_linspace(const void *params, mx_array *const *in, int nin, mx_out *out,
                           int nout) {
    const mx_p_linspace *p = params;
    (void)in, (void)nin, (void)nout;
    if (p->n < 0)
        return mx_fail(MX_INVALID, "[linspace] number of samples, %d, must be non-negative.", p->n);
    if (!mx_dtype_valid((mx_dtype)p->dtype))
        return mx_fail(MX_INVALID, "[linspace] %d is no dtype", p->dtype);
    vector(out, p->n, p->dtype);
    return true;
}

static const mx_field linspace_fields[] = {
    MX_FIELD(mx_p_linspace, start, DOUBLE),  MX_FIELD(mx_p_linspace, stop, DOUBLE),
    MX_FIELD(mx_p_linspace, n, INT),         MX_FIELD(mx_p_linspace, dtype, DTYPE),
    MX_FIELD(mx_p_linspace, endpoint, BOOL), MX_FIELD_END};

const mx_prim_desc mx_desc_linspace = {
    .name = "Linspace",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = linspace_fields,
    .param_size = sizeof(mx_p_linspace),
    .infer = infer_linspace,
};

mx_array *mx_linspace(double start, double stop, int num, bool endpoint, mx_dtype t) {
    mx_trace_pin("Linspace");
    return mx_apply(MX_PRIM_linspace, &(mx_p_linspace){start, stop, num, (int)t, endpoint}, NULL,
                    0);
}

/* --- eye, tri --------------------------------------------------------------------- */

static bool infer_diagonal(const char *op, const void *params, mx_out *out) {
    const mx_p_diagonal *p = params;
    if (p->rows < 0 || p->columns < 0)
        return mx_fail(MX_INVALID, "[%s] N and M must be positive integers.", op);
    if (!mx_dtype_valid((mx_dtype)p->dtype))
        return mx_fail(MX_INVALID, "[%s] %d is no dtype", op, p->dtype);
    out->dtype = (mx_dtype)p->dtype;
    out->shape.ndim = 2;
    out->shape.dim[0] = p->rows;
    out->shape.dim[1] = p->columns;
    return true;
}
static bool infer_eye(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    return (void)in, (void)nin, (void)nout, infer_diagonal("eye", params, out);
}
static bool infer_tri(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    return (void)in, (void)nin, (void)nout, infer_diagonal("tri", params, out);
}

static const mx_field diagonal_fields[] = {
    MX_FIELD(mx_p_diagonal, rows, INT), MX_FIELD(mx_p_diagonal, columns, INT),
    MX_FIELD(mx_p_diagonal, k, INT), MX_FIELD(mx_p_diagonal, dtype, DTYPE), MX_FIELD_END};

#define DIAGONAL(op, Op)                     \
    const mx_prim_desc mx_desc_##op = {      \
        .name = #Op,                         \
        .traits = MX_TRAIT_NO_GRAD,          \
        .fields = diagonal_fields,           \
        .param_size = sizeof(mx_p_diagonal), \
        .infer = infer_##op,                 \
    };
DIAGONAL(eye, Eye)
DIAGONAL(tri, Tri)

mx_array *mx_eye(int n, int m, int k, mx_dtype t) {
    mx_trace_pin("Eye");
    return mx_apply(MX_PRIM_eye, &(mx_p_diagonal){n, m, k, (int)t}, NULL, 0);
}
mx_array *mx_tri(int n, int m, int k, mx_dtype t) {
    mx_trace_pin("Tri");
    return mx_apply(MX_PRIM_tri, &(mx_p_diagonal){n, m, k, (int)t}, NULL, 0);
}

/* 1, 2, 3, ... along an axis, in the shape of a whatever it is. */
static mx_array *places(mx_array *a, int axis) {
    return mx_scan(MX_CUMSUM, mx_fill_like(mx_scalar(1, MX_INT32), a), axis, false, true);
}

static mx_array *lower(const char *op, mx_array *a, int k) {
    if (!a || a->ndim < 2)
        return a ? mx_fail(MX_INVALID, "[%s] array must be at least 2-D", op) : NULL;
    if (mx_trace_shapeless())
        return mx_greater_equal(mx_add(places(a, -2), mx_scalar_i64(k, MX_INT32)), places(a, -1));
    return mx_tri(a->shape[a->ndim - 2], a->shape[a->ndim - 1], k, MX_BOOL);
}
mx_array *mx_tril(mx_array *a, int k) {
    return mx_where(lower("tril", a, k), a, mx_zero_like(a));
}
mx_array *mx_triu(mx_array *a, int k) {
    return mx_where(lower("triu", a, k > INT32_MIN ? k - 1 : k), mx_zero_like(a), a);
}

/* --- windows ---------------------------------------------------------------------- */

static const double PI = 3.14159265358979323846;

static mx_array *cosine(mx_array *i, double turns, int m) {
    return mx_cos(mx_mul_s(i, 2 * PI * turns / (m - 1)));
}

/* Of m points i = 0 .. m - 1; one point is 1, none is empty. */
mx_array *mx_window(const char *name, int m) {
    if (m <= 1)
        return mx_ones((int[]){m < 1 ? 0 : 1}, 1, MX_FLOAT32);
    mx_array *i = mx_arange(0, m, 1, MX_FLOAT32);
    if (!strcmp(name, "hanning"))
        return mx_square(mx_sin(mx_mul_s(i, PI / (m - 1))));
    if (!strcmp(name, "hamming"))
        return mx_rsub_s(0.54, mx_mul_s(cosine(i, 1, m), 0.46));
    if (!strcmp(name, "blackman"))
        return mx_add(mx_rsub_s(0.42, mx_mul_s(cosine(i, 1, m), 0.5)),
                      mx_mul_s(cosine(i, 2, m), 0.08));
    if (!strcmp(name, "bartlett"))
        return mx_rsub_s(1, mx_abs(mx_add_s(mx_mul_s(i, 2.0 / (m - 1)), -1)));
    return mx_fail(MX_INVALID, "[window] \"%s\" is none of bartlett, blackman, hamming, hanning",
                   name);
}

/* --- grids ------------------------------------------------------------------------ */

/* The axis that vector i lies along: xy swaps the first two. */
static int grid_axis(int i, int n, bool xy) {
    return xy && n > 1 && i < 2 ? 1 - i : i;
}

bool mx_meshgrid(mx_array *const *a, int n, bool sparse, bool xy, mx_array **out) {
    int others[MX_MAX_NDIM];
    if (n > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[meshgrid] %d arrays given, at most %d are possible", n,
                       MX_MAX_NDIM);
    for (int i = 0; i < n; i++) {
        if (!a[i] || !mx_axis_fits("meshgrid", a[i]->size))
            return false;
        for (int k = 0, at = 0; k < n; k++)
            if (k != grid_axis(i, n, xy))
                others[at++] = k;
        out[i] = mx_expand_dims(mx_flatten(a[i], 0, -1), others, n - 1);
    }
    return sparse ? !mx_failed() : !mx_failed() && mx_broadcast_arrays(out, n, out);
}
