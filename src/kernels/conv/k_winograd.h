/* Transforms of F(2x2, 3x3): two by two results of a kernel of three by three take 16 products
 * where sums over the taps take 36 (Winograd 1980, "Arithmetic complexity of computations";
 * Lavin and Gray 2016, "Fast algorithms for convolutional neural networks"):
 *
 *     y = A' [(G g G') * (B' d B)] A     d the 4x4 patch under y, g the 3x3 taps
 *
 *          1  0 -1  0          1   0   0
 *     B' = 0  1  1  0      G = ½   ½   ½      A' = 1 1  1  0
 *          0 -1  1  0          ½  -½   ½           0 1 -1 -1
 *          0  1  0 -1          0   0   1
 *
 * A result depends on what lies under its own taps alone, and sums of small whole numbers stay
 * exact. Derivatives are the transposed maps: with the cotangents e (2x2) of y those of g are
 * G' [(A e A') * (B' d B)] G.
 *
 * Squares are row by row, one vector of n channels an element. 16 of them lie `step` apart in one
 * place, the others each where it lies.
 *
 *     patch          to = B' d B     d: from[0..15]
 *     filter         to = G g G'     g: from[0..8]
 *     result         out[0..3] = A' m A, skipping NULLs    m at from[0]
 *     gradient       out[0..8] = G' m G                    m at from[0]
 *
 * Of derivatives a row of the square is made alone: it is the sum or the difference of two lines,
 * p + q or p - q, multiplied by B (A').
 *
 *     patch_row      to, four of them    p: from[0..3]    q: from[4..7]
 *     cotangent_row  to, four of them    p: from[0..1]    q: from[2..3]
 *
 * False: some result is infinite or NaN (result and gradient alone say so). float32.
 */
#ifndef MX_KERNELS_K_WINOGRAD_H
#define MX_KERNELS_K_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mx_k_winograd_args {
    const float *const *from;
    float *to;
    float *const *out;
    ptrdiff_t step, n;
    bool add;
} mx_k_winograd_args;
typedef bool mx_k_winograd_map(const mx_k_winograd_args *a);

typedef struct mx_k_winograd {
    mx_k_winograd_map *patch, *filter, *result, *gradient, *patch_row, *cotangent_row;
} mx_k_winograd;

#ifdef MX_ISA
#include "kernels/kernels.h"
extern const mx_k_winograd KN(mx_winograd);
#endif

#endif
