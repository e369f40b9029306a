/* linalg.h: linear algebra. */
#include "ops/linalg/linalg.h"

#include "capi/capi.h"

int mlx_linalg_cholesky(mlx_array *res, const mlx_array a, bool upper, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_cholesky(capi_in(a), upper));
}

int mlx_linalg_cholesky_inv(mlx_array *res, const mlx_array a, bool upper, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_cholesky_inv(capi_in(a), upper));
}

int mlx_linalg_cross(mlx_array *res, const mlx_array a, const mlx_array b, int axis,
                     const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_cross(capi_in(a), capi_in(b), axis));
}

int mlx_linalg_eig(mlx_array *res_0, mlx_array *res_1, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r[2];
    bool ok = mx_eig(capi_in(a), r);
    return capi_end2(&c, res_0, res_1, ok, r);
}

/* "L" or "U"; false and an error otherwise. */
static bool triangle(const char *uplo, bool *upper) {
    bool known = uplo && (*uplo == 'L' || *uplo == 'l' || *uplo == 'U' || *uplo == 'u') && !uplo[1];
    *upper = known && (*uplo == 'U' || *uplo == 'u');
    return known || mx_fail(MX_INVALID, "[linalg::eigh] UPLO is \"L\" or \"U\", not \"%s\"",
                            uplo ? uplo : "(null)");
}

int mlx_linalg_eigh(mlx_array *res_0, mlx_array *res_1, const mlx_array a, const char *UPLO,
                    const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r[2];
    bool upper, ok = triangle(UPLO, &upper) && mx_eigh(capi_in(a), upper, r);
    return capi_end2(&c, res_0, res_1, ok, r);
}

int mlx_linalg_eigvals(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_eigvals(capi_in(a)));
}

int mlx_linalg_eigvalsh(mlx_array *res, const mlx_array a, const char *UPLO, const mlx_stream s) {
    capi_call c = capi_begin(s);
    bool upper, ok = triangle(UPLO, &upper);
    return capi_end(&c, res, ok ? mx_eigvalsh(capi_in(a), upper) : NULL);
}

int mlx_linalg_inv(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_inv(capi_in(a)));
}

int mlx_linalg_lu(mlx_vector_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r[3];
    bool ok = mx_lu(capi_in(a), r);
    return capi_end_vector(&c, res, ok, r, 3);
}

int mlx_linalg_lu_factor(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                         const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r[2];
    bool ok = mx_lu_factor(capi_in(a), r);
    return capi_end2(&c, res_0, res_1, ok, r);
}

int mlx_linalg_norm(mlx_array *res, const mlx_array a, double ord, const int *axis, size_t axis_num,
                    bool keepdims, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_norm(capi_in(a), ord, axis, capi_count(axis, axis_num), keepdims));
}

int mlx_linalg_norm_matrix(mlx_array *res, const mlx_array a, const char *ord, const int *axis,
                           size_t axis_num, bool keepdims, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_norm_matrix(capi_in(a), ord, axis, capi_count(axis, axis_num), keepdims));
}

int mlx_linalg_norm_l2(mlx_array *res, const mlx_array a, const int *axis, size_t axis_num,
                       bool keepdims, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_norm_l2(capi_in(a), axis, capi_count(axis, axis_num), keepdims));
}

int mlx_linalg_pinv(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_pinv(capi_in(a)));
}

int mlx_linalg_qr(mlx_array *res_0, mlx_array *res_1, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r[2];
    bool ok = mx_qr(capi_in(a), r);
    return capi_end2(&c, res_0, res_1, ok, r);
}

int mlx_linalg_solve(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_solve(capi_in(a), capi_in(b)));
}

int mlx_linalg_solve_triangular(mlx_array *res, const mlx_array a, const mlx_array b, bool upper,
                                const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_solve_triangular(capi_in(a), capi_in(b), upper));
}

int mlx_linalg_svd(mlx_vector_array *res, const mlx_array a, bool compute_uv, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r[3] = {NULL};
    bool ok = compute_uv ? mx_svd(capi_in(a), r) : (r[0] = mx_svdvals(capi_in(a))) != NULL;
    return capi_end_vector(&c, res, ok, r, compute_uv ? 3 : 1);
}

int mlx_linalg_tri_inv(mlx_array *res, const mlx_array a, bool upper, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_tri_inv(capi_in(a), upper));
}

int mlx_linalg_det(mlx_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_det(capi_in(a)));
}

int mlx_linalg_slogdet(mlx_array *res_0, mlx_array *res_1, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *r[2];
    bool ok = mx_slogdet(capi_in(a), r);
    return capi_end2(&c, res_0, res_1, ok, r);
}
