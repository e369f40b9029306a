/* Kernels of indexed reading and writing: take, gather, take_along_axis, scatter, put_along_axis.
 *
 * Two steps. `resolve` turns indices into element offsets, wraps negative ones and finds bad
 * ones; `gather` and `scatter` move rows between those offsets and the rows of a regular array:
 *
 *     data   ....[row 2]......[row 0]..[row 1]....      offset[i]: where row i begins
 *     rows   [row 0][row 1][row 2]                      row i begins at i * row_stride
 *
 * all of it repeated at every position of the outer axes (those of the slice but its last):
 *
 *     take along axis 1 of (A,B,C)   offset[i] = idx[i] * C, n = |idx|, len = C, outer axis A
 *     gather                         offset[i] = sum over axes k of idx_k[i] * stride_k
 *     put_along_axis, last axis      for each line: offset[i] = idx[i] * stride, len = 1
 *     put_along_axis, another        for each line: offset[i] = idx[i] * stride + i * ramp,
 *                                    ramp = the stride of the last axis, len = 1
 *
 * take_along_axis does both for a `line`.
 *
 * Strides and offsets are in elements. Strided indices are first read by mx_k_copy's fetch.
 */
#ifndef MX_KERNELS_K_INDEX_H
#define MX_KERNELS_K_INDEX_H

#include "base/dtype.h"

/* offset[i] = at(idx[i]) * step + i * ramp, plus offset[i] if `add`. A negative index counts
   from `size`; it is good when the result is in 0 .. limit-1 (limit = size - slice + 1 for
   slices of more than one). Returns the first i with a bad index (offset is then of no use),
   or -1. */
typedef struct mx_index_axis {
    int64_t size, limit, step, ramp;
    bool add;
} mx_index_axis;
typedef int64_t mx_k_resolve(int64_t *offset, const void *idx, int64_t n,
                             const mx_index_axis *axis);

/* out[i] = data[the offset of idx[i]] for n neighbours of a result, in one go; nothing is added.
   Returns the first i with a bad index, for which nothing is read, or -1. */
typedef int64_t mx_k_index_line(void *out, const void *data, const void *idx, int64_t n,
                                const mx_index_axis *axis);

typedef struct mx_index_move {
    void *data;            /* what is indexed; gather does not write it */
    void *rows;            /* gather's result, scatter's updates (not written) */
    const int64_t *offset; /* n of them, in bounds */
    int64_t n, row_stride;
    int64_t len;                  /* elements of a row */
    int64_t data_step, rows_step; /* between elements of a row */
    int ndim;                     /* outer axes, may be 0 */
    const int64_t *shape, *data_stride, *rows_stride;
} mx_index_move;

/* Items begin .. end-1 of (outer positions) * n, the row number varying fastest. Gathers may
   be split anywhere. Scatters to the same place happen in the order of the items, so they are
   split between outer positions, or by columns (len, and data and rows moved by the columns
   before). */
typedef void mx_k_index_move(const mx_index_move *m, int64_t begin, int64_t end);

/* In the order of ops.h's mx_scatter_op. NaN wins max and min; bool: sum and max are or, prod
   and min are and; complex numbers are ordered by real, then imaginary part; integers wrap
   around. */
typedef enum mx_scatter_kind {
    MX_SCATTER_SET,
    MX_SCATTER_ADD,
    MX_SCATTER_MUL,
    MX_SCATTER_MAXIMUM,
    MX_SCATTER_MINIMUM,
    MX_SCATTER_KINDS
} mx_scatter_kind;

/* Where mask is set, the next element of src; returns how many were taken. */
typedef int64_t mx_k_masked(void *out, const uint8_t *mask, int64_t n, const void *src);
typedef int64_t mx_k_count_set(const uint8_t *mask, int64_t n);

typedef struct mx_k_index {
    mx_k_resolve *resolve[MX_DTYPE_COUNT];    /* integers and bool; others NULL */
    mx_k_index_move *gather[9];               /* by element size: 1 2 4 8 */
    mx_k_index_line *line[9][MX_DTYPE_COUNT]; /* by element size and dtype of the indices */
    mx_k_index_move *scatter[MX_SCATTER_KINDS][MX_DTYPE_COUNT];
    mx_k_masked *masked[9];
    mx_k_count_set *count_set;
} mx_k_index;

#endif
