/* Reduction kernels: many elements fold into few accumulators.
 *
 *     init(acc)                acc = the identity
 *     rows / cols / strided    acc = acc op elements    any number of times, in any split
 *     combine(acc, more)       acc = acc op more        partials of fixed blocks, in order
 *     finish(out, acc)         accumulator type to the output's storage type
 *
 * A caller that splits the work in fixed blocks and combines them in order gets the same bits
 * for any number of threads. Strides count elements and may be negative. Accumulators are
 * aligned to their size.
 *
 *     op         accumulator (mx_red_acc)               output (mx_red_out)
 *     sum prod   bool, small integers: 32 bits;         the accumulator;
 *                halves: float32                        halves themselves
 *     max min    the compute type; NaN wins             the input's type
 *     all any    bool (x != 0; NaN counts as true)      bool
 */
#ifndef MX_KERNELS_K_REDUCE_H
#define MX_KERNELS_K_REDUCE_H

#include "base/dtype.h"

/* In the order of ops.h's mx_reduce_op. */
typedef enum mx_red_op {
    MX_RED_SUM,
    MX_RED_PROD,
    MX_RED_MAX,
    MX_RED_MIN,
    MX_RED_ALL,
    MX_RED_ANY,
    MX_RED_COUNT
} mx_red_op;

/* r < rows: acc[r] op= x[r * stride + i], i < n */
typedef void mx_k_red_rows(void *acc, const void *x, size_t rows, size_t n, ptrdiff_t stride);
/* c < cols: acc[c] op= x[r * stride + c], r < rows */
typedef void mx_k_red_cols(void *acc, const void *x, size_t rows, size_t cols, ptrdiff_t stride);
/* The same from each start[k], k < runs: r < n. To the bit what k calls of the above give where
   stride is not cols, or n is less than 4. */
typedef void mx_k_red_runs(void *acc, const void *x, const ptrdiff_t *start, size_t runs, size_t n,
                           size_t cols, ptrdiff_t stride);
/* r < rows: acc[r] += x[r * n + i] y[r * n + i], i < n: to the bit what rows makes of the array of
   the products */
typedef void mx_k_red_products(void *acc, const void *x, const void *y, size_t rows, size_t n);
/* acc[0] op= x[i * stride], i < n */
typedef void mx_k_red_strided(void *acc, const void *x, size_t n, ptrdiff_t stride);
typedef void mx_k_red_init(void *acc, size_t n);
typedef void mx_k_red_combine(void *acc, const void *more, size_t n);
typedef void mx_k_red_finish(void *out, const void *acc, size_t n);

/* Index of the first largest or smallest element, as MLX: a NaN never wins, but where
   element 0 is NaN the index is 0. Complex numbers compare by real part, then imaginary
   part. n > 0. */
typedef void mx_k_arg_rows(uint32_t *out, const void *x, size_t rows, size_t n, ptrdiff_t stride);
typedef void mx_k_arg_cols(uint32_t *out, const void *x, size_t rows, size_t cols,
                           ptrdiff_t stride);
typedef void mx_k_arg_strided(uint32_t *out, const void *x, size_t n, ptrdiff_t stride);
/* For a row split in blocks: like arg_strided without element 0's rule (all NaN: 0) ... */
typedef uint32_t mx_k_arg_block(const void *x, size_t n, ptrdiff_t stride);
/* ... then the choice among the blocks' candidates (ascending indices of x), by that rule. */
typedef uint32_t mx_k_arg_pick(const void *x, ptrdiff_t stride, const uint32_t *candidates,
                               size_t k);

typedef struct mx_k_reduce {
    /* by op and input dtype */
    mx_k_red_rows *rows[MX_RED_COUNT][MX_DTYPE_COUNT];
    mx_k_red_cols *cols[MX_RED_COUNT][MX_DTYPE_COUNT];
    mx_k_red_runs *runs[MX_RED_COUNT][MX_DTYPE_COUNT]; /* sum, prod, max, min of floats */
    mx_k_red_products *products[MX_DTYPE_COUNT];       /* float32, float64 */
    mx_k_red_strided *strided[MX_RED_COUNT][MX_DTYPE_COUNT];
    mx_k_red_init *init[MX_RED_COUNT][MX_DTYPE_COUNT];
    mx_k_red_combine *combine[MX_RED_COUNT][MX_DTYPE_COUNT];
    mx_k_red_finish *finish[MX_RED_COUNT][MX_DTYPE_COUNT];
    /* [0] smallest, [1] largest */
    mx_k_arg_rows *arg_rows[2][MX_DTYPE_COUNT];
    mx_k_arg_cols *arg_cols[2][MX_DTYPE_COUNT];
    mx_k_arg_strided *arg_strided[2][MX_DTYPE_COUNT];
    mx_k_arg_block *arg_block[2][MX_DTYPE_COUNT];
    mx_k_arg_pick *arg_pick[2][MX_DTYPE_COUNT];
} mx_k_reduce;

static inline mx_dtype mx_red_widen(mx_dtype t) {
    switch (t) {
    case MX_BOOL:
    case MX_INT8:
    case MX_INT16: return MX_INT32;
    case MX_UINT8:
    case MX_UINT16: return MX_UINT32;
    default: return t;
    }
}
/* What lies in an accumulator. */
static inline mx_dtype mx_red_acc(mx_red_op op, mx_dtype in) {
    if (op == MX_RED_ALL || op == MX_RED_ANY)
        return MX_BOOL;
    if (in == MX_FLOAT16 || in == MX_BFLOAT16)
        return MX_FLOAT32;
    return op <= MX_RED_PROD ? mx_red_widen(in) : in;
}
/* What finish writes, as MLX gives it. */
static inline mx_dtype mx_red_out(mx_red_op op, mx_dtype in) {
    if (op == MX_RED_ALL || op == MX_RED_ANY)
        return MX_BOOL;
    return op <= MX_RED_PROD ? mx_red_widen(in) : in;
}

#endif
