/* Matrix products. */
#include "capi/capi.h"
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
    if (na > MX_MAX_NDIM || (na && (!axes_a || !axes_b)))
        return mx_fail(MX_INVALID, "[tensordot] %zu axes are too many, or there is no list of them",
                       na);
    return mx_tensordot(capi_in(a), capi_in(b), axes_a, axes_b, (int)na);
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
