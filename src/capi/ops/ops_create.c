/* The C API: creation. */
#include <string.h>

#include "capi/ops/op_call.h"

int mlx_arange(mlx_array *res, double start, double stop, double step, mlx_dtype dtype,
               const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res, t == MX_DTYPE_COUNT ? NULL : mx_arange(start, stop, step, t));
}
int mlx_linspace(mlx_array *res, double start, double stop, int num, mlx_dtype dtype,
                 const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res, t == MX_DTYPE_COUNT ? NULL : mx_linspace(start, stop, num, true, t));
}
int mlx_eye(mlx_array *res, int n, int m, int k, mlx_dtype dtype, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res, t == MX_DTYPE_COUNT ? NULL : mx_eye(n, m, k, t));
}
int mlx_identity(mlx_array *res, int n, mlx_dtype dtype, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res, t == MX_DTYPE_COUNT ? NULL : mx_eye(n, n, 0, t));
}
int mlx_tri(mlx_array *res, int n, int m, int k, mlx_dtype type, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(type);
    return capi_end(&c, res, t == MX_DTYPE_COUNT ? NULL : mx_tri(n, m, k, t));
}
int mlx_tril(mlx_array *res, const mlx_array x, int k, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_tril(capi_in(x), k));
}
int mlx_triu(mlx_array *res, const mlx_array x, int k, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_triu(capi_in(x), k));
}
int mlx_full(mlx_array *res, const int *shape, size_t shape_num, const mlx_array vals,
             mlx_dtype dtype, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res,
                    t == MX_DTYPE_COUNT
                        ? NULL
                        : mx_full(shape, capi_count(shape, shape_num), capi_in(vals), t));
}
int mlx_full_like(mlx_array *res, const mlx_array a, const mlx_array vals, mlx_dtype dtype,
                  const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *like = capi_in(a), *v = capi_in(vals);
    bool ok = like && v && t != MX_DTYPE_COUNT;
    return capi_end(&c, res, ok ? mx_full_like(like, v, t) : NULL);
}
int mlx_zeros(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
              const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res,
                    t == MX_DTYPE_COUNT ? NULL : mx_zeros(shape, capi_count(shape, shape_num), t));
}
int mlx_ones(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
             const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res,
                    t == MX_DTYPE_COUNT ? NULL : mx_ones(shape, capi_count(shape, shape_num), t));
}

UNARY(zeros_like)
UNARY(ones_like)

int mlx_diag(mlx_array *res, const mlx_array a, int k, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_diag(capi_in(a), k));
}
int mlx_diagonal(mlx_array *res, const mlx_array a, int offset, int axis1, int axis2,
                 const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_diagonal(capi_in(a), offset, axis1, axis2));
}
int mlx_trace(mlx_array *res, const mlx_array a, int offset, int axis1, int axis2, mlx_dtype dtype,
              const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res,
                    t == MX_DTYPE_COUNT ? NULL : mx_trace(capi_in(a), offset, axis1, axis2, t));
}
int mlx_bartlett(mlx_array *res, int M, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_window("bartlett", M));
}
int mlx_blackman(mlx_array *res, int M, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_window("blackman", M));
}
int mlx_hamming(mlx_array *res, int M, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_window("hamming", M));
}
int mlx_hanning(mlx_array *res, int M, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_window("hanning", M));
}
int mlx_meshgrid(mlx_vector_array *res, const mlx_vector_array arrays, bool sparse,
                 const char *indexing, const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = 0;
    mx_array *const *a = capi_arrays(arrays, &n);
    bool xy = indexing && !strcmp(indexing, "xy"), ij = indexing && !strcmp(indexing, "ij");
    mx_array *out[MX_MAX_NDIM];
    if (!xy && !ij)
        mx_fail(MX_INVALID, "[meshgrid] Invalid indexing value. Valid values are 'xy' and 'ij'.");
    return capi_end_vector(&c, res, a && (xy || ij) && mx_meshgrid(a, n, sparse, xy, out), out,
                           (size_t)n);
}
