/* Linear algebra. Matrices are the last two axes, what stands before them is a
 * batch.
 *
 * Factorisations are computed in float32 or float64. A singular matrix is an error
 * of eval, not of the call.
 */
#ifndef MLX_C_LINALG_H
#define MLX_C_LINALG_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* a = L L^T, or U^T U; the inverse of a from such a factor. */
MLX_API int mlx_linalg_cholesky(mlx_array *res, const mlx_array a, bool upper,
                                const mlx_stream s);
MLX_API int mlx_linalg_cholesky_inv(mlx_array *res, const mlx_array a, bool upper,
                                    const mlx_stream s);
/* a = P L U: three arrays, P as indices; packed, with pivots. */
MLX_API int mlx_linalg_lu(mlx_vector_array *res, const mlx_array a, const mlx_stream s);
MLX_API int mlx_linalg_lu_factor(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                                 const mlx_stream s);
MLX_API int mlx_linalg_qr(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                          const mlx_stream s);
/* U, S, V^T with compute_uv, else S alone. */
MLX_API int mlx_linalg_svd(mlx_vector_array *res, const mlx_array a, bool compute_uv,
                           const mlx_stream s);

/* Eigenvalues and vectors; of symmetric or Hermitian matrices, of which UPLO "L" or "U"
   says the half to read. */
MLX_API int mlx_linalg_eig(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                           const mlx_stream s);
MLX_API int mlx_linalg_eigvals(mlx_array *res, const mlx_array a, const mlx_stream s);
MLX_API int mlx_linalg_eigh(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                            const char *UPLO, const mlx_stream s);
MLX_API int mlx_linalg_eigvalsh(mlx_array *res, const mlx_array a, const char *UPLO,
                                const mlx_stream s);

/* Inverses: of a square, of a triangular, of any matrix (Moore-Penrose). */
MLX_API int mlx_linalg_inv(mlx_array *res, const mlx_array a, const mlx_stream s);
MLX_API int mlx_linalg_tri_inv(mlx_array *res, const mlx_array a, bool upper,
                               const mlx_stream s);
MLX_API int mlx_linalg_pinv(mlx_array *res, const mlx_array a, const mlx_stream s);
/* x with a x = b; a (...,N,N), b (...,N) or (...,N,K). */
MLX_API int mlx_linalg_solve(mlx_array *res, const mlx_array a, const mlx_array b,
                             const mlx_stream s);
MLX_API int mlx_linalg_solve_triangular(mlx_array *res, const mlx_array a,
                                        const mlx_array b, bool upper,
                                        const mlx_stream s);

/* Determinants; sign and log |det|. */
MLX_API int mlx_linalg_det(mlx_array *res, const mlx_array a, const mlx_stream s);
MLX_API int mlx_linalg_slogdet(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                               const mlx_stream s);

/* Norms of vectors along one axis, of matrices along two. axis may be NULL: all
   elements. ord of a matrix by name: "fro" or "nuc". */
MLX_API int mlx_linalg_norm(mlx_array *res, const mlx_array a, double ord,
                            const int *axis, size_t axis_num, bool keepdims,
                            const mlx_stream s);
MLX_API int mlx_linalg_norm_matrix(mlx_array *res, const mlx_array a, const char *ord,
                                   const int *axis, size_t axis_num, bool keepdims,
                                   const mlx_stream s);
MLX_API int mlx_linalg_norm_l2(mlx_array *res, const mlx_array a, const int *axis,
                               size_t axis_num, bool keepdims, const mlx_stream s);
/* The product of vectors of 3 (or 2) elements along an axis. */
MLX_API int mlx_linalg_cross(mlx_array *res, const mlx_array a, const mlx_array b,
                             int axis, const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
