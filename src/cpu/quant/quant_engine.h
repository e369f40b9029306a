/* Products with quantized matrices.
 *
 *     rows r of x (adjacent k) ──▶ row r of y = x(r) W          W (N,K) if transpose, else (K,N)
 *
 * A *run* is a list of rows that meet one matrix: all rows of a plain product, or those that a
 * gather sends to one expert.
 *
 *     few rows   transposed ── dot kernels read the words at memory speed
 *                else ──────── strips of W as float32 in cache, then the kernels of matvec
 *     many rows  the matmul engine, W through a packer
 *     blocks     block_engine.h
 *
 * Results do not depend on the number of threads.
 */
#ifndef MX_CPU_QUANT_ENGINE_H
#define MX_CPU_QUANT_ENGINE_H

#include "cpu/matmul/matmul_engine.h"
#include "kernels/quant/k_quant.h"

typedef struct mx_qmm_run {
    mx_quant_matrix w;
    int64_t rows;
    int64_t first; /* entry of mx_qmm_args.x_row and y_row */
} mx_qmm_run;

typedef struct mx_qmm_args {
    /* of x and y: float16, float32, bfloat16, float64 (affine with float64 scales) */
    mx_dtype dtype;
    bool transpose;
    bool whole; /* of blocks: x is multiplied as it is (block_engine.h) */
    int64_t n, k;
    const void *x;
    void *y;
    /* rows of x and y, of k and n elements; NULL: row i is number i */
    const int64_t *x_row, *y_row;
    const mx_qmm_run *runs;
    int64_t run_count;
} mx_qmm_args;

/* False and mx_fail on a failed allocation. */
bool mx_qmm(const mx_qmm_args *args);

#endif
