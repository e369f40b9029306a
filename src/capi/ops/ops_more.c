/* The C API: operations of MLX 0.32 that mlx-c lacks, and its rules for shapes and dtypes. */
#include "mlx/c/ops_more.h"

#include <string.h>

#include "capi/ops/op_call.h"
#include "ops/rules.h"

UNARY(positive)
UNARY(trunc)
BINARY(logical_xor)
UNARY(lgamma)
UNARY(digamma)

int mlx_linspace_endpoint(mlx_array *res, double start, double stop, int num, bool endpoint,
                          mlx_dtype dtype, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res,
                    t == MX_DTYPE_COUNT ? NULL : mx_linspace(start, stop, num, endpoint, t));
}

static int filled_like(mlx_array *res, mlx_array a, double value, mlx_dtype dtype, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *x = capi_in(a);
    bool ok = x && t != MX_DTYPE_COUNT;
    return capi_end(&c, res, ok ? mx_full_like(x, mx_scalar(value, t), t) : NULL);
}
int mlx_zeros_like_dtype(mlx_array *res, const mlx_array a, mlx_dtype dtype, const mlx_stream s) {
    return filled_like(res, a, 0, dtype, s);
}
int mlx_ones_like_dtype(mlx_array *res, const mlx_array a, mlx_dtype dtype, const mlx_stream s) {
    return filled_like(res, a, 1, dtype, s);
}

int mlx_flip(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_flip(capi_in(a), NULL, 0));
}
int mlx_flip_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
                  const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_flip(capi_in(a), capi_list(axes), capi_count(axes, axes_num)));
}

int mlx_matrix_transpose(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a);
    bool flat = x && x->ndim < 2;
    if (flat)
        mx_fail(MX_INVALID,
                "[matrix_transpose] Input array must have at least 2 dimensions, but has %d.",
                x->ndim);
    return capi_end(&c, res, flat ? NULL : mx_swapaxes(x, -1, -2));
}

/* all: over all axes, else over those given. */
static int minmax(mlx_array *low, mlx_array *high, mlx_array a, bool all, const int *list,
                  size_t count, bool keepdims, mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = capi_count(list, count);
    const int *axes = all ? NULL : capi_list(list);
    mx_array *x = capi_in(a), *out[2] = {mx_reduce(MX_MIN, x, axes, n, keepdims), NULL};
    out[1] = out[0] ? mx_reduce(MX_MAX, x, axes, n, keepdims) : NULL;
    return capi_end2(&c, low, high, out[1] != NULL, out);
}
int mlx_minmax(mlx_array *res_min, mlx_array *res_max, const mlx_array a, bool keepdims,
               const mlx_stream s) {
    return minmax(res_min, res_max, a, true, NULL, 0, keepdims, s);
}
int mlx_minmax_axis(mlx_array *res_min, mlx_array *res_max, const mlx_array a, int axis,
                    bool keepdims, const mlx_stream s) {
    return minmax(res_min, res_max, a, false, &axis, 1, keepdims, s);
}
int mlx_minmax_axes(mlx_array *res_min, mlx_array *res_max, const mlx_array a, const int *axes,
                    size_t axes_num, bool keepdims, const mlx_stream s) {
    return minmax(res_min, res_max, a, false, axes, axes_num, keepdims, s);
}

static bool slabs(mx_array *a, int axis, mx_array **out) {
    bool ok = mx_split_equal(a, a->shape[axis], axis, out);
    for (int i = 0; i < a->shape[axis] && ok; i++)
        ok = (out[i] = mx_squeeze_axis(out[i], axis)) != NULL;
    return ok;
}

int mlx_unstack(mlx_vector_array *res, const mlx_array a, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a);
    axis = x ? mx_axis("unstack", axis, x->ndim) : -1;
    size_t n = axis >= 0 ? (size_t)x->shape[axis] : 0;
    mx_array **out = axis >= 0 ? capi_room(&c, n + 1, sizeof *out) : NULL;
    return capi_end_vector(&c, res, out && (n == 0 || slabs(x, axis, out)), out, n);
}

/* --- rules ------------------------------------------------------------------------ */

int mlx_broadcast_shapes(int *res, size_t *res_num, const int *a, size_t a_num, const int *b,
                         size_t b_num) {
    capi_call c = capi_begin_default();
    mx_shape out = {.ndim = 0};
    bool ok = a_num <= MX_MAX_NDIM && b_num <= MX_MAX_NDIM && res && res_num;
    if (!ok)
        mx_fail(MX_INVALID, "[broadcast_shapes] no room for the result, or more than %d dimensions",
                MX_MAX_NDIM);
    ok = ok && mx_broadcast_shapes("broadcast_shapes", a, capi_count(a, a_num), b,
                                   capi_count(b, b_num), &out);
    for (int i = 0; i < out.ndim && ok; i++)
        res[i] = out.dim[i];
    if (ok)
        *res_num = (size_t)out.ndim;
    return capi_end_ok(&c, ok);
}

int mlx_result_type(mlx_dtype *res, mlx_dtype a, mlx_dtype b) {
    capi_call c = capi_begin_default();
    mx_dtype x = capi_dtype(a), y = capi_dtype(b);
    bool ok = x != MX_DTYPE_COUNT && y != MX_DTYPE_COUNT &&
              (res || mx_fail(MX_INVALID, "[result_type] the result is NULL"));
    if (ok)
        *res = (mlx_dtype)mx_dtype_promote(x, y);
    return capi_end_ok(&c, ok);
}

int mlx_can_cast(bool *res, mlx_dtype from, mlx_dtype to) {
    capi_call c = capi_begin_default();
    mx_dtype x = capi_dtype(from), y = capi_dtype(to);
    bool ok = x != MX_DTYPE_COUNT && y != MX_DTYPE_COUNT &&
              (res || mx_fail(MX_INVALID, "[can_cast] the result is NULL"));
    if (ok)
        *res = mx_dtype_promote(x, y) == y;
    return capi_end_ok(&c, ok);
}

static bool is_a(mx_dtype t, const char *category) {
    mx_category k = mx_dtype_category(t);
    bool whole = k == MX_CAT_SIGNED || k == MX_CAT_UNSIGNED;
    const struct {
        const char *name;
        bool holds;
    } row[] = {{"generic", true},
               {"number", k != MX_CAT_BOOL},
               {"integer", whole},
               {"signedinteger", k == MX_CAT_SIGNED},
               {"unsignedinteger", k == MX_CAT_UNSIGNED},
               {"inexact", mx_dtype_is_inexact(t)},
               {"floating", k == MX_CAT_FLOAT},
               {"complexfloating", k == MX_CAT_COMPLEX},
               {mx_dtype_name(t), true}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (!strcmp(row[i].name, category))
            return row[i].holds;
    return false;
}

int mlx_issubdtype(bool *res, mlx_dtype dtype, const char *category) {
    capi_call c = capi_begin_default();
    mx_dtype t = capi_dtype(dtype);
    bool ok = t != MX_DTYPE_COUNT &&
              ((res && category) ||
               mx_fail(MX_INVALID, "[issubdtype] the %s is NULL", res ? "category" : "result"));
    if (ok)
        *res = is_a(t, category);
    return capi_end_ok(&c, ok);
}
