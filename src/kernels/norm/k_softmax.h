/* Softmax kernels: rows of n contiguous elements; float16 float32 float64 bfloat16.
 *
 *     softmax      y = exp(x - m) / sum exp(x - m)       m the row's maximum
 *     log_softmax  y = x - m - log(sum exp(x - m))
 *     logsumexp    m + log(sum exp(x - m)); m itself where m is infinite
 *     softmax_vjp  dx = y * (g - sum(g * y))
 *
 * Row strides count elements. out may be the input itself. Halves are computed in float32.
 * n == 0 writes nothing, but logsumexp gives -inf.
 */
#ifndef MX_KERNELS_K_SOFTMAX_H
#define MX_KERNELS_K_SOFTMAX_H

#include "base/dtype.h"

typedef void mx_k_softmax_rows(void *out, ptrdiff_t out_stride, const void *x, ptrdiff_t x_stride,
                               size_t rows, size_t n);
typedef void mx_k_logsumexp_rows(void *out, const void *x, ptrdiff_t x_stride, size_t rows,
                                 size_t n);
/* y, g and dx: rows x n, contiguous */
typedef void mx_k_softmax_vjp_rows(void *dx, const void *y, const void *g, size_t rows, size_t n);

/* For one row split in blocks: the maximum and the sum of exp(x - max) of a block, in the
   order of the blocks merged by mx_softmax_merge; then out = exp(x - max) / sum (or x - max
   - log(sum)). */
typedef struct mx_softmax_part {
    double max, sum;
} mx_softmax_part;
typedef void mx_k_softmax_part(mx_softmax_part *part, const void *x, size_t n);
typedef void mx_k_softmax_apply(void *out, const void *x, const mx_softmax_part *whole, size_t n);

typedef struct mx_k_softmax {
    mx_k_softmax_rows *softmax[MX_DTYPE_COUNT];
    mx_k_softmax_rows *log_softmax[MX_DTYPE_COUNT];
    mx_k_logsumexp_rows *logsumexp[MX_DTYPE_COUNT]; /* out[r], the input's dtype */
    mx_k_softmax_vjp_rows *softmax_vjp[MX_DTYPE_COUNT];
    mx_k_softmax_part *part[MX_DTYPE_COUNT];
    mx_k_softmax_apply *apply[MX_DTYPE_COUNT];
    mx_k_softmax_apply *apply_log[MX_DTYPE_COUNT];
} mx_k_softmax;

/* The parts of a row's blocks as one. */
mx_softmax_part mx_softmax_merge(const mx_softmax_part *parts, size_t n);
/* max + log(sum), or max where it is infinite. */
double mx_softmax_part_log(const mx_softmax_part *p);

#endif
