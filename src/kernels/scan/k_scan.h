/* Scan kernels: running sums, products, extremes and log-sum-exps, all 14 dtypes; the
 * output has the input's dtype (bool: sum is or, prod is and; callers widen first for counts).
 *
 *     inclusive   out[i] = x[0] op ... op x[i]
 *     exclusive   out[i] = x[0] op ... op x[i-1], out[0] = the identity
 *     reverse     the same from the end
 *
 * carry holds accumulators of the compute type (mx_dtype_compute): read first, written
 * last, so that a long axis can be scanned piece by piece; init writes the identity.
 * max and min let a NaN win from there on. logsumexp is defined for floats and
 * complex64 only (others NULL). out may be x.
 */
#ifndef MX_KERNELS_K_SCAN_H
#define MX_KERNELS_K_SCAN_H

#include "base/dtype.h"

/* In the order of ops.h's mx_scan_op. */
typedef enum mx_scan_kind {
    MX_SCAN_SUM,
    MX_SCAN_PROD,
    MX_SCAN_MAX,
    MX_SCAN_MIN,
    MX_SCAN_LOGSUMEXP,
    MX_SCAN_COUNT
} mx_scan_kind;

typedef struct mx_scan_flags {
    bool reverse, inclusive;
} mx_scan_flags;

/* One row of n elements, strides in elements. The order of its operations follows from out_stride
   alone: with 1 or -1 it is that of rows, else that of cols. */
typedef void mx_k_scan_row(void *out, ptrdiff_t out_stride, const void *x, ptrdiff_t x_stride,
                           size_t n, void *carry, mx_scan_flags f);
/* Down the n rows of a block of cols contiguous columns, row strides in elements; carry[cols]. */
typedef void mx_k_scan_cols(void *out, ptrdiff_t out_stride, const void *x, ptrdiff_t x_stride,
                            size_t n, size_t cols, void *carry, mx_scan_flags f);
typedef void mx_k_scan_init(void *carry, size_t n);

typedef struct mx_k_scan {
    mx_k_scan_row *row[MX_SCAN_COUNT][MX_DTYPE_COUNT];
    mx_k_scan_cols *cols[MX_SCAN_COUNT][MX_DTYPE_COUNT];
    mx_k_scan_init *init[MX_SCAN_COUNT][MX_DTYPE_COUNT];
} mx_k_scan;

#endif
