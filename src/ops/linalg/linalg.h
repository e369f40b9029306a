/* Linear algebra: factorisations, solutions, norms. Matrices are the last two axes, the others are
 * a batch. float32, float64 and complex64; halves are computed in float32 and come back as they
 * were; integers become float32. A singular matrix fails the evaluation, and so does one with
 * infinite elements or NaN in svd, eigh and eig; elsewhere these take part as in the formulas. */
#ifndef MX_OPS_LINALG_H
#define MX_OPS_LINALG_H

#include "ops/ops.h"

mx_array *mx_inv(mx_array *a); /* (...,N,N) */
mx_array *mx_tri_inv(mx_array *a, bool upper);
mx_array *mx_pinv(mx_array *a);                     /* (...,M,N) -> (...,N,M), by SVD */
mx_array *mx_cholesky(mx_array *a, bool upper);     /* L L^H or U^H U of a Hermitian matrix */
mx_array *mx_cholesky_inv(mx_array *l, bool upper); /* the inverse of L L^H from L */
/* Q (...,M,K), R (...,K,N), K = min(M,N) */
bool mx_qr(mx_array *a, mx_array *out[2]);
bool mx_svd(mx_array *a, mx_array *out[3]); /* U (...,M,M), S (...,K), Vt (...,N,N) */
mx_array *mx_svdvals(mx_array *a);
bool mx_eigh(mx_array *a, bool upper, mx_array *out[2]); /* w (...,N) ascending, V (...,N,N) */
mx_array *mx_eigvalsh(mx_array *a, bool upper);
bool mx_eig(mx_array *a, mx_array *out[2]); /* complex64 */
mx_array *mx_eigvals(mx_array *a);
bool mx_lu_factor(mx_array *a, mx_array *out[2]); /* LU (...,M,N), pivots uint32 (...,K) */
bool mx_lu(mx_array *a, mx_array *out[3]);        /* p uint32 (...,M), L, U; a = L[p] U */
mx_array *mx_solve(mx_array *a, mx_array *b);     /* a x = b; b (...,N) or (...,N,R) */
mx_array *mx_solve_triangular(mx_array *a, mx_array *b, bool upper);
mx_array *mx_det(mx_array *a);
bool mx_slogdet(mx_array *a, mx_array *out[2]); /* sign, log |det| */
mx_array *mx_cross(mx_array *a, mx_array *b, int axis);
/* axes NULL: all, as one vector (or a matrix when ord asks for one) */
mx_array *mx_norm(mx_array *a, double ord, const int *axes, int n, bool keepdims);
/* "fro" "nuc" */
mx_array *mx_norm_matrix(mx_array *a, const char *ord, const int *axes, int n, bool keepdims);
/* The largest of what is not negative; 0 of nothing. */
mx_array *mx_largest_size(mx_array *x, const int *axes, int n, bool keepdims);
mx_array *mx_norm_l2(mx_array *a, const int *axes, int n, bool keepdims);

#endif
