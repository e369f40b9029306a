/* Products with block matrices (kernels/blocks/blocks.h) where they lie.
 *
 *     runs ──▶ parts of some rows ──▶ tasks: a part times some columns ──▶ sums ──▶ y
 *
 * Rows of x are read once for some parts, as the *way* of the product wants them:
 *
 *     codes    W (N, K) of a format that kernels/codes/codes.h lists: 8-bit codes and integers
 *     floats   the others, W (K, N), and derivatives: W becomes float32 tile by tile
 *
 * Neither way looks at how many rows there are, so that a row of the result depends on its row of x
 * and on W alone, bit for bit. Memory is bounded by a batch of rows and a tile for each thread.
 */
#ifndef MX_CPU_BLOCK_ENGINE_H
#define MX_CPU_BLOCK_ENGINE_H

#include <stdatomic.h>

#include "cpu/quant/quant_internal.h"
#include "kernels/blocks/blocks.h"

enum { BLOCK_PART_ROWS = 128, BLOCK_BATCH_ROWS = 1024 };

/* Rows of one run: at .. at + rows of those that have been read. */
typedef struct block_part {
    const mx_qmm_run *run;
    int64_t first; /* row of the run */
    int64_t rows, at;
} block_part;

typedef struct block_job {
    const mx_qmm_args *a;
    const mx_block_format *f;
    const struct block_way *way;
    char *x; /* rows as the way reads them */
    ptrdiff_t row_bytes;
    int64_t *source; /* of each row of x: the row of the product's x */
    block_part *parts;
    int64_t count, rows;     /* parts, and their rows */
    int64_t columns, pieces; /* of a task; tasks of a part */
    int64_t most;            /* rows of a part; */
    bool few;                /* so few that memory sets the pace */
    atomic_bool nomem;
} block_job;

typedef struct block_way {
    ptrdiff_t (*row_bytes)(const mx_qmm_args *a);
    void (*read)(const block_job *j, char *row, const float *x);
    int64_t (*columns)(const block_job *j);
    /* sums (rows of the part, j->columns), zero before: columns j0 .. j0+n of W. It may use all
       slots of mx_scratch but the first. False: no memory. */
    bool (*multiply)(const block_job *j, const block_part *part, int64_t j0, int64_t n,
                     float *sums);
} block_way;

extern const block_way block_codes, block_floats;

/* args->runs have modes of blocks. False and mx_fail on a failed allocation. */
bool quant_blocks(const mx_qmm_args *args);

#endif
