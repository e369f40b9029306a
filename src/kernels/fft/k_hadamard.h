/* The Walsh-Hadamard transform of contiguous lines of m n elements, n a power of two:
 *
 *     out = scale (M x H) in      H of order n: H(i,j) = (-1)^popcount(i & j); M of order m
 *
 * where x is the Kronecker product. float16 float32 float64 bfloat16; halves in float32.
 */
#ifndef MX_KERNELS_K_HADAMARD_H
#define MX_KERNELS_K_HADAMARD_H

#include "base/dtype.h"

typedef struct mx_k_hadamard_args {
    void *out;
    const void *in; /* out is allowed */
    void *work; /* room for the lines as float32 (float64); unused for a whole type and m == 1 */
    ptrdiff_t lines, n;
    int m;
    const void *matrix; /* m x m, float32 (float64); unused for m == 1 */
    double scale;
} mx_k_hadamard_args;
typedef void mx_k_hadamard_lines(const mx_k_hadamard_args *a);

typedef struct mx_k_hadamard {
    mx_k_hadamard_lines *lines[MX_DTYPE_COUNT];
} mx_k_hadamard;

/* Entry (i,j), 1 or -1, of the matrix of order m: 1, 12, 20 or 28. (hadamard_matrix.c) */
int mx_hadamard_entry(int m, int i, int j);

#endif
