/* Small products in float32, on the caller's thread: register tiles that read rows of a where they
 * lie, and those of b where its columns are adjacent. Operands that lie otherwise, and halves, are
 * copied first, which takes as long as some of these tiles. Nothing else is prepared, as a batch
 * has thousands of them. The bits of float32 are the blocked way's. */
#include "cpu/matmul/matmul_internal.h"
#include "kernels/kernels.h"

enum { FEWEST = 2, MOST = 32, MOST_MR = 16 }; /* rows, columns and k */

static bool is_between(int64_t n, int64_t least) {
    return n >= least && n <= MOST;
}

bool gemm_is_small(const mx_gemm_args *g) {
    return mx_dtype_compute(g->dtype) == MX_FLOAT32 && !g->pack_a && !g->pack_b &&
           is_between(g->m, FEWEST) && is_between(g->n, FEWEST) && is_between(g->k, 1);
}

/* All tiles of a b; the columns of b are adjacent. */
static void multiply(const mx_gemm_args *g, mx_matrix a, mx_matrix b, float *out, int64_t ld) {
    const mx_kernels *kernels = mx_kernels_get();
    int64_t mr = kernels->matmul->f32->mr, nr = kernels->matmul->f32->nr;
    const float *row[MOST_MR], *first = a.data;
    mx_k_row_tile_args t = {.k = g->k, .a = row, .a_step = a.cs, .b_step = b.rs, .ldc = ld};
    for (int64_t i = 0; i < g->m; i += mr) {
        t.m = (int)gemm_min(mr, g->m - i);
        for (int64_t l = 0; l < mr; l++)
            row[l] = first + (i + (l < t.m ? l : 0)) * a.rs;
        for (int64_t j = 0; j < g->n; j += nr) {
            t.n = (int)gemm_min(nr, g->n - j);
            t.b = (const float *)b.data + j;
            t.c = out + i * ld + j;
            kernels->matmul->row_tile(&t);
        }
    }
}

/* The matrix as float32 with adjacent columns. */
static mx_matrix copy(float *to, mx_dtype t, mx_matrix x, int64_t rows, int64_t columns) {
    mx_kernels_get()->matmul->f32->pack[t](to, (int)columns, x.data, x.cs, x.rs, (int)columns,
                                           rows);
    return (mx_matrix){to, columns, 1};
}

void gemm_small(const gemm_item *item) {
    const mx_gemm_args *g = item->args;
    bool whole = g->dtype == MX_FLOAT32;
    float rows[MOST * MOST], columns[MOST * MOST], sums[MOST * MOST];
    mx_matrix a = whole ? item->a : copy(rows, g->dtype, item->a, g->m, g->k),
              b = whole && item->b.cs == 1 ? item->b : copy(columns, g->dtype, item->b, g->k, g->n);
    if (whole && g->alpha == 1.0 && !item->cin.data && !g->epilogue) {
        multiply(g, a, b, (float *)(void *)item->out, g->out_rs);
        return;
    }
    multiply(g, a, b, sums, MOST);
    gemm_finish(item, sums, MOST, 0, 0, g->m, g->n);
}
