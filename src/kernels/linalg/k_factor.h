/* What factorisations are made of: small blocks in cache, and sums of lines.
 *
 * A *line* is a row of adjacent elements; lines lie `ld` elements apart. LU and QR take the columns
 * of a matrix as lines (it lies transposed), the others its rows. float32, float64, complex64.
 *
 * The methods are those of Golub and Van Loan 2013: gaxpy LU with partial pivoting (3.4.1),
 * Cholesky (4.2), Householder reflections (5.1) and their compact WY form (Schreiber and Van Loan
 * 1989).
 */
#ifndef MX_KERNELS_K_FACTOR_H
#define MX_KERNELS_K_FACTOR_H

#include "kernels/kernels.h"

typedef struct mx_k_factor { /* mx_k_matmul.factor[dtype] */
    /* n lines of m elements, the columns of A, become those of L (below the diagonal, 1 on it) and
       U; rows i and pivot[i] >= i change places in turn, for i < min(m,n). A pivot may be 0. */
    void (*lu)(ptrdiff_t m, ptrdiff_t n, void *a, ptrdiff_t ld, int *pivot);
    /* U^H U = A from the upper triangle of n lines, the rows; what lies below is left alone. The
       row whose pivot is not above 0, or n: from that row on the Schur complement of the rows
       before is left. A NaN is no reason to stop. */
    ptrdiff_t (*cholesky)(ptrdiff_t n, void *a, ptrdiff_t ld);
    /* L x = b for `count` adjacent right-hand sides in n lines of b. L is lower triangular, with
       element (i,j) at l[i rs + j cs]; `unit`: its diagonal counts as 1. An upper triangle is a
       lower one that is read from its end, with negative strides. */
    void (*solve)(ptrdiff_t n, ptrdiff_t count, const void *l, ptrdiff_t rs, ptrdiff_t cs,
                  bool unit, void *b, ptrdiff_t ldb);
    /* n lines of m elements, the columns of A, become those of R; what lies below the diagonal are
       the reflections v, 1 on the diagonal: H = I - tau v v^H, A = H_0 H_1 .. R, for j <
       min(m,n). */
    void (*qr)(ptrdiff_t m, ptrdiff_t n, void *a, ptrdiff_t ld, void *tau);
    /* T of H_0 .. H_(n-1) = I - V T V^H, upper triangular, from V^H V; lower part 0. */
    void (*wy)(ptrdiff_t n, const void *tau, const void *gram, void *t);
    /* n elements; NULL for the real types, whose conjugate they are. */
    void (*conjugate)(ptrdiff_t n, void *out, const void *in);
} mx_k_factor;

#ifdef MX_ISA
extern const mx_k_factor KN(mx_factor_f32), KN(mx_factor_f64), KN(mx_factor_c64);
#endif

#endif
