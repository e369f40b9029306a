/* Linear algebra. Matrices are the last two axes, what stands before them is a batch.
 *
 * Factorisations are computed in float32, float64 or complex64. A singular matrix is
 * an error of eval, not of the call; so are NaN and infinity in svd, eig and eigh.
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

/* L with a = L L^T (upper: U with a = U^T U) of symmetric positive definite matrices,
   of which one triangle is read. No error where a is not positive definite: rows from the
   first such pivot on are then no factor. */
MLX_API int mlx_linalg_cholesky(mlx_array *res, const mlx_array a, bool upper, const mlx_stream s);
/* The inverse of the matrix whose factor mlx_linalg_cholesky(a, upper) is given. */
MLX_API int mlx_linalg_cholesky_inv(mlx_array *res, const mlx_array a, bool upper,
                                    const mlx_stream s);
/* Three arrays P, L, U. P are indices (uint32), so that L[P,:] U is a; L (...,M,K),
   U (...,K,N), K the smaller side. */
MLX_API int mlx_linalg_lu(mlx_vector_array *res, const mlx_array a, const mlx_stream s);
/* mlx_linalg_lu packed: res_0 has U on and above the diagonal and L below it, res_1 the
   pivots (uint32): row i was exchanged with row pivots[i]. */
MLX_API int mlx_linalg_lu_factor(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                                 const mlx_stream s);
/* a = Q R: Q (...,M,K) with orthonormal columns, R (...,K,N) upper triangular, K the
   smaller side. */
MLX_API int mlx_linalg_qr(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                          const mlx_stream s);
/* U (...,M,M), S (...,min(M,N)) descending and V^T (...,N,N) with a = U diag(S) V^T; S
   alone where compute_uv is false. */
MLX_API int mlx_linalg_svd(mlx_vector_array *res, const mlx_array a, bool compute_uv,
                           const mlx_stream s);

/* Eigenvalues (...,N) and, as columns, eigenvectors (...,N,N) of square matrices:
   complex64, in no order. */
MLX_API int mlx_linalg_eig(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                           const mlx_stream s);
/* The eigenvalues alone. */
MLX_API int mlx_linalg_eigvals(mlx_array *res, const mlx_array a, const mlx_stream s);
/* Eigenvalues, ascending, and eigenvectors, as columns, of symmetric or Hermitian
   matrices, of which the half that UPLO ("L" or "U") names is read. */
MLX_API int mlx_linalg_eigh(mlx_array *res_0, mlx_array *res_1, const mlx_array a, const char *UPLO,
                            const mlx_stream s);
/* The eigenvalues that mlx_linalg_eigh gives, alone. */
MLX_API int mlx_linalg_eigvalsh(mlx_array *res, const mlx_array a, const char *UPLO,
                                const mlx_stream s);

/* The inverse of square matrices. A singular one is an error when it is evaluated. */
MLX_API int mlx_linalg_inv(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The inverse of triangular matrices; the other triangle is not read. */
MLX_API int mlx_linalg_tri_inv(mlx_array *res, const mlx_array a, bool upper, const mlx_stream s);
/* The Moore-Penrose inverse (...,N,M) of matrices (...,M,N). */
MLX_API int mlx_linalg_pinv(mlx_array *res, const mlx_array a, const mlx_stream s);
/* x with a x = b; a (...,N,N), b (N) or (...,N,K). A singular a is an error when evaluated. */
MLX_API int mlx_linalg_solve(mlx_array *res, const mlx_array a, const mlx_array b,
                             const mlx_stream s);
/* The same for triangular a, of which the other triangle is not read. */
MLX_API int mlx_linalg_solve_triangular(mlx_array *res, const mlx_array a, const mlx_array b,
                                        bool upper, const mlx_stream s);

/* The determinants of square matrices (...). */
MLX_API int mlx_linalg_det(mlx_array *res, const mlx_array a, const mlx_stream s);
/* The sign, or for complex numbers the phase, of the determinants, and log |det|: safe
   where mlx_linalg_det overflows. */
MLX_API int mlx_linalg_slogdet(mlx_array *res_0, mlx_array *res_1, const mlx_array a,
                               const mlx_stream s);

/* Along one axis the norm of vectors: (sum of |x|^ord)^(1/ord), for infinities the
   largest or smallest |x|, for 0 how many are not 0. Along two axes that of matrices:
   1, -1, 2, -2 and infinities. axis NULL with a count of 0: of a vector or matrix as it is. */
MLX_API int mlx_linalg_norm(mlx_array *res, const mlx_array a, double ord, const int *axis,
                            size_t axis_num, bool keepdims, const mlx_stream s);
/* The norm of matrices along two axes by name: "fro" (Frobenius) or "nuc" (sum of
   singular values). */
MLX_API int mlx_linalg_norm_matrix(mlx_array *res, const mlx_array a, const char *ord,
                                   const int *axis, size_t axis_num, bool keepdims,
                                   const mlx_stream s);
/* The square root of the sum of |x|^2 along axes; axis NULL with a count of 0: of all
   elements. */
MLX_API int mlx_linalg_norm_l2(mlx_array *res, const mlx_array a, const int *axis, size_t axis_num,
                               bool keepdims, const mlx_stream s);
/* The vector product along an axis of 3 (or 2) elements. */
MLX_API int mlx_linalg_cross(mlx_array *res, const mlx_array a, const mlx_array b, int axis,
                             const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
