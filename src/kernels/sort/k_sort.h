/* Sorting kernels: one contiguous row, ascending, stable, NaN last; all 14 dtypes.
 *
 * -0 and +0 are equal for argsort; sort may put -0 first. complex64 orders by real part,
 * then imaginary part, with any NaN last.
 */
#ifndef MX_KERNELS_K_SORT_H
#define MX_KERNELS_K_SORT_H

#include "base/dtype.h"

/* out[n] = x[n] sorted; out may be x. scratch: mx_sort_scratch bytes, 64-byte aligned. */
typedef void mx_k_sort_row(void *out, const void *x, size_t n, void *scratch);
/* out[n] = the indices that sort x; n < 2^32. */
typedef void mx_k_argsort_row(uint32_t *out, const void *x, size_t n, void *scratch);
/* out[k] is the k-th smallest, none before it is larger, none after it smaller. */
typedef void mx_k_partition_row(void *out, const void *x, size_t n, size_t k, void *scratch);
typedef void mx_k_argpartition_row(uint32_t *out, const void *x, size_t n, size_t k, void *scratch);

typedef struct mx_k_sort {
    mx_k_sort_row *sort[MX_DTYPE_COUNT];
    mx_k_argsort_row *argsort[MX_DTYPE_COUNT];
    mx_k_partition_row *partition[MX_DTYPE_COUNT];
    mx_k_argpartition_row *argpartition[MX_DTYPE_COUNT];
} mx_k_sort;

/* From how many keys on, of four and of eight bytes, their order is found by buckets, where there
   are sorts in vectors. */
enum {
#ifdef MX_TORTURE
    MX_SORT_BUCKETS = 256,
    MX_SORT_BUCKETS_WIDE = 16,
#else
    MX_SORT_BUCKETS = 1 << 16,
    MX_SORT_BUCKETS_WIDE = 256,
#endif
    /* Bytes for counts of buckets in buckets, of which 12 bits of a key say which one, and for two
       times 2048 keys. */
    MX_SORT_BUCKET_ROOM = (6 << 12) * 4 + 2 * 2048 * 8
};

/* Bytes of scratch that any of these wants for a row of n. 0: does not fit in memory. */
size_t mx_sort_scratch(mx_dtype t, size_t n);

#endif
