/* Matrix products. */
#include "base/mem.h"
#include "capi/capi.h"
#include "mlx/c/ops_more.h"
#include "ops/ops.h"

int mlx_matmul(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_matmul(capi_in(a), capi_in(b)));
}

int mlx_addmm(mlx_array *res, const mlx_array c, const mlx_array a, const mlx_array b, float alpha,
              float beta, const mlx_stream s) {
    capi_call call = capi_begin(s);
    return capi_end(&call, res,
                    mx_addmm(capi_in(c), capi_in(a), capi_in(b), (double)alpha, (double)beta));
}

int mlx_inner(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_inner(capi_in(a), capi_in(b)));
}

int mlx_outer(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_outer(capi_in(a), capi_in(b)));
}

int mlx_kron(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_kron(capi_in(a), capi_in(b)));
}

static mx_array *tensordot(mlx_array a, mlx_array b, const int *axes_a, size_t na,
                           const int *axes_b, size_t nb) {
    if (na != nb)
        return mx_fail(MX_INVALID, "[tensordot] axes must have the same size.");
    int n = capi_count(axes_a, na);
    if (capi_count(axes_b, nb) > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[tensordot] %d axes are more than an array can have", n);
    return mx_failed() ? NULL : mx_tensordot(capi_in(a), capi_in(b), axes_a, axes_b, n);
}

int mlx_tensordot(mlx_array *res, const mlx_array a, const mlx_array b, const int *axes_a,
                  size_t axes_a_num, const int *axes_b, size_t axes_b_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, tensordot(a, b, axes_a, axes_a_num, axes_b, axes_b_num));
}

int mlx_tensordot_axis(mlx_array *res, const mlx_array a, const mlx_array b, int axis,
                       const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_tensordot_n(capi_in(a), capi_in(b), axis));
}

int mlx_vecdot(mlx_array *res, const mlx_array a, const mlx_array b, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_vecdot(capi_in(a), capi_in(b), axis));
}

int mlx_einsum(mlx_array *res, const char *subscripts, const mlx_vector_array operands,
               const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = 0;
    mx_array *const *in = capi_arrays(operands, &n);
    return capi_end(&c, res, in ? mx_einsum(subscripts, in, n) : NULL);
}

static bool einsum_path(mlx_vector_int *res, const char *subscripts, mlx_vector_array operands) {
    int n = 0;
    mx_array *const *in = capi_arrays(operands, &n);
    int *path = in ? mx_calloc((size_t)n + 1, 2 * sizeof *path) : NULL;
    bool ok = path && mx_einsum_path(subscripts, in, n, path, NULL) &&
              capi_put_ints(res, path, 2 * ((size_t)n - (n > 1)));
    mx_free(path);
    return ok;
}

int mlx_einsum_path(mlx_vector_int *res, const char *subscripts, const mlx_vector_array operands) {
    capi_call c = capi_begin_default();
    return capi_end_ok(&c, einsum_path(res, subscripts, operands));
}

static bool einsum_text(mlx_string *res, const char *subscripts, mlx_vector_array operands) {
    mx_text t = {0};
    int n = 0;
    mx_array *const *in = capi_arrays(operands, &n);
    char *text = in && mx_einsum_path(subscripts, in, n, NULL, &t) ? mx_text_take(&t) : NULL;
    bool ok = text && capi_put_string(res, text);
    mx_free(text);
    mx_text_free(&t);
    return ok;
}

int mlx_einsum_path_text(mlx_string *res, const char *subscripts, const mlx_vector_array operands) {
    capi_call c = capi_begin_default();
    return capi_end_ok(&c, einsum_text(res, subscripts, operands));
}

int mlx_hadamard_transform(mlx_array *res, const mlx_array a, mlx_optional_float scale,
                           const mlx_stream s) {
    capi_call c = capi_begin(s);
    double by = scale.has_value ? (double)scale.value : 0;
    return capi_end(&c, res, mx_hadamard_transform(capi_in(a), scale.has_value ? &by : NULL));
}

int mlx_gather_mm(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_array lhs_indices,
                  const mlx_array rhs_indices, bool sorted_indices, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *y = capi_in(b);
    return capi_end(
        &c, res, mx_gather_mm(x, y, capi_opt(lhs_indices), capi_opt(rhs_indices), sorted_indices));
}

int mlx_segmented_mm(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_array segments,
                     const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_segmented_mm(capi_in(a), capi_in(b), capi_in(segments)));
}

int mlx_block_masked_mm(mlx_array *res, const mlx_array a, const mlx_array b, int block_size,
                        const mlx_array mask_out, const mlx_array mask_lhs,
                        const mlx_array mask_rhs, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *y = capi_in(b);
    return capi_end(&c, res,
                    mx_block_masked_mm(x, y, block_size, capi_opt(mask_out), capi_opt(mask_lhs),
                                       capi_opt(mask_rhs)));
}
