/* Factorisations of one column-major matrix by LAPACK (Anderson et al. 1999), with their workspace.
 *
 * One table per dtype: float32, float64, complex64. Each function returns LAPACK's info: 0 is success, above 0
 * the matrix is singular, not positive definite or did not converge; LAPACK_NO_MEMORY when the workspace
 * cannot be had. Matrices have no gaps between columns. "real" is the real type of the dtype.
 */
#ifndef MX_CPU_LAPACK_H
#define MX_CPU_LAPACK_H

#include "base/dtype.h"

enum { LAPACK_NO_MEMORY = -1000 };

typedef struct lapack {
    /* a (m,n) becomes L and U; pivot[min(m,n)], from 1 */
    int (*lu)(int m, int n, void *a, int *pivot);
    /* b (n,rhs) becomes the solution of a x = b; a is overwritten */
    int (*solve)(int n, int rhs, void *a, int *pivot, void *b);
    int (*invert)(int n, void *a, int *pivot);
    int (*tri_invert)(bool upper, int n, void *a);
    int (*tri_solve)(bool upper, int n, int rhs, void *a, void *b);
    /* the triangle asked for becomes the factor, the other is left alone */
    int (*cholesky)(bool upper, int n, void *a);
    /* a (m,n) becomes R above its diagonal, then Q (m,k) with r (k,n) copied out, k = min(m,n) */
    int (*qr)(int m, int n, void *a, void *r);
    /* s[min(m,n)] real; u (m,m) and vt (n,n), or both NULL; a is destroyed */
    int (*svd)(int m, int n, void *a, void *s, void *u, void *vt);
    /* w[n] real, ascending; a becomes the eigenvectors when wanted */
    int (*eigh)(bool upper, bool vectors, int n, void *a, void *w);
    /* w[n] complex64; v (n,n) complex64 or NULL; a is destroyed */
    int (*eig)(int n, void *a, mx_complex64 *w, mx_complex64 *v);
} lapack;

/* NULL for other dtypes. */
const lapack *lapack_of(mx_dtype t);

#endif
