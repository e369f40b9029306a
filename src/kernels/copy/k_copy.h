/* Copies between strided layouts. Strides are in elements and may be negative or 0 (input only).
 *
 *     fetch   elements start .. start+n-1, in row-major order of the shape, into contiguous
 *             memory: how a pointwise program reads a broadcast or strided input by tiles
 *     rows    rows begin .. end-1 from one layout to another, where a row is the last axis and
 *             rows are numbered over the other axes in row-major order: threads share by rows
 *
 * Both work fastest on as few axes as say the same. mx_copy_plan_make drops, joins and
 * reorders axes for `rows`, whose order does not matter; for `fetch` the caller joins
 * neighbours. A tile of a row whose last stride is large costs a cache line an element;
 * fetched 16 or more whole rows at a time (a panel) the same input is transposed in registers
 * and costs what reading it costs. The two last axes are copied as a plane: by memcpy, by
 * fill, or transposed through registers. Nothing overlaps. No byte beyond the elements is
 * touched.
 *
 *     steps   what is as even as its places: start + i * step. Integers of 4 or 8 bytes for i =
 *             0 .. n-1, wrapping around; floats of as many for i = first .. first+n-1, computed
 *             in float64 and rounded once. n is below 2^31
 */
#ifndef MX_KERNELS_K_COPY_H
#define MX_KERNELS_K_COPY_H

#include "base/dtype.h"

#define K_MAX_NDIM 64

/* ndim 0 is one element. */
typedef void mx_k_fetch(void *out, const void *in, int ndim, const int64_t *shape,
                        const int64_t *stride, int64_t start, int64_t n);
/* ndim >= 2; out and in point to the element with all indices 0. */
typedef void mx_k_copy_rows(void *out, const int64_t *out_stride, const void *in,
                            const int64_t *in_stride, int ndim, const int64_t *shape, int64_t begin,
                            int64_t end);

typedef void mx_k_steps(void *out, uint64_t start, uint64_t step, size_t n);
typedef void mx_k_steps_float(void *out, double start, double step, double first, size_t n);

typedef struct mx_k_copy {
    mx_k_fetch *fetch[9]; /* by element size: 1 2 4 8 */
    mx_k_copy_rows *rows[9];
    mx_k_steps *steps[9]; /* likewise: 4 8 */
    mx_k_steps_float *steps_float[9];
} mx_k_copy;

/* The axes of one copy, ready for `rows`; the same on every machine (copy_plan.c). */
typedef struct mx_copy_plan {
    int ndim; /* >= 2 */
    int64_t shape[K_MAX_NDIM], out[K_MAX_NDIM], in[K_MAX_NDIM];
    int64_t rows; /* 0 when there is nothing to copy */
    int64_t
        grain; /* rows that make up some tens of thousands of elements: what a thread should get */
} mx_copy_plan;
void mx_copy_plan_make(mx_copy_plan *p, int ndim, const int *shape, const int64_t *out_stride,
                       const int64_t *in_stride);

#endif
