/* Batches of matrices (...,M,N) for the families of linear algebra: loading, storing, reports.
 *
 * A run of one matrix gives a code: 0, a positive one that says what is wrong with the matrix, or
 * LINALG_NO_MEMORY. The batch fails with the first matrix that has one, whichever thread met it.
 */
#ifndef MX_CPU_LINALG_BATCH_H
#define MX_CPU_LINALG_BATCH_H

#include <stdatomic.h>

#include "cpu/cpu.h"

enum { LINALG_NO_MEMORY = -1, LINALG_NOT_FINITE = -2 };

typedef struct linalg_batch {
    mx_node *n;
    mx_array **out;
    int rows, cols; /* of input 0 */
    int64_t count;
    size_t item;
    _Atomic uint64_t worst; /* matrix number and code of the first that failed; UINT64_MAX: none */
} linalg_batch;

/* The families of cpu_linalg (cpu.h): inv, solve, lu, cholesky, qr; svd, eigh, eig. */
bool cpu_factor(mx_node *n, mx_array **out, const mx_program *feed);
bool cpu_spectral(mx_node *n, mx_array **out, const mx_program *feed);

/* Gives the outputs memory; false and mx_fail. */
bool linalg_open(linalg_batch *j, mx_node *n, mx_array **out);

/* Matrix b of input i to memory with these strides, in elements. */
void linalg_load(const linalg_batch *j, int i, int64_t b, void *to, int64_t rs, int64_t cs);
/* From memory with these strides to matrix b of output k, where that is wanted. */
void linalg_store(const linalg_batch *j, int k, int64_t b, const void *from, int64_t rs,
                  int64_t cs);
/* Where matrix b of output k lies, row by row; vector b of one with `inner` 1. NULL: not wanted. */
void *linalg_out(const linalg_batch *j, int k, int64_t b, int inner);

/* (rows, cols) from one layout to another, strides in elements of 4 or 8 bytes: small matrices
   without the plan that large ones are copied by. */
void linalg_copy(void *to, int64_t rs, int64_t cs, const void *from, int64_t from_rs,
                 int64_t from_cs, int rows, int cols, size_t item);

void linalg_note(linalg_batch *j, int64_t b, int code);
/* True when no matrix failed; else false and mx_fail: "[linalg::op] the matrix <trouble>". */
bool linalg_report(const linalg_batch *j, const char *op, const char *trouble);

#endif
