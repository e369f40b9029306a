/* Normalisation kernels: contiguous rows of n; float16 float32 float64 bfloat16.
 *
 *     rms     y = x / sqrt(mean(x^2) + eps) * w
 *     layer   y = (x - mean(x)) / sqrt(var(x) + eps) * w + b
 *
 * w and b (n elements of x's dtype) may be NULL: 1 and 0. Halves are computed in
 * float32. out may be x.
 *
 * The backward kernels write dx and, where dw or db is not NULL, add the rows' share to
 * dw[n] and db[n], accumulators of the compute type (float32 for halves): split rows in
 * fixed blocks, zero one accumulator for each, and add them in order. dx may be NULL,
 * or g.
 */
#ifndef MX_KERNELS_K_NORM_H
#define MX_KERNELS_K_NORM_H

#include "base/dtype.h"

typedef void mx_k_rms_norm(void *out, const void *x, const void *w, double eps, size_t rows,
                           size_t n);
typedef void mx_k_layer_norm(void *out, const void *x, const void *w, const void *b, double eps,
                             size_t rows, size_t n);
typedef void mx_k_rms_norm_vjp(void *dx, void *dw, const void *x, const void *w, const void *g,
                               double eps, size_t rows, size_t n);
typedef void mx_k_layer_norm_vjp(void *dx, void *dw, void *db, const void *x, const void *w,
                                 const void *g, double eps, size_t rows, size_t n);

typedef struct mx_k_norm {
    mx_k_rms_norm *rms[MX_DTYPE_COUNT];
    mx_k_layer_norm *layer[MX_DTYPE_COUNT];
    mx_k_rms_norm_vjp *rms_vjp[MX_DTYPE_COUNT];
    mx_k_layer_norm_vjp *layer_vjp[MX_DTYPE_COUNT];
} mx_k_norm;

#endif
