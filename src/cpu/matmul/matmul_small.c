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

/* What products of the same sizes and strides have in common: float32, columns of b adjacent. */
typedef struct tiles {
    mx_k_row_tile *run;
    mx_k_row_tile_args t;
    int64_t m, n, mr, nr, a_step;
} tiles;

static tiles tiles_of(const mx_gemm_args *g, mx_matrix a, mx_matrix b, int64_t ld) {
    const mx_k_matmul *k = mx_kernels_get()->matmul;
    return (tiles){
        .run = k->row_tile,
        .t = {.k = g->k, .a_step = a.cs, .b_step = b.rs, .ldc = ld},
        .m = g->m,
        .n = g->n,
        .mr = k->f32->mr,
        .nr = k->f32->nr,
        .a_step = a.rs,
    };
}

/* All tiles of a b; row has room for the addresses of mr rows. */
static void multiply(tiles *s, const float **row, const float *a, const float *b, float *out) {
    mx_k_row_tile_args *t = &s->t;
    t->a = row;
    for (int64_t i = 0; i < s->m; i += s->mr) {
        t->m = (int)gemm_min(s->mr, s->m - i);
        for (int64_t l = 0; l < s->mr; l++)
            row[l] = a + (i + (l < t->m ? l : 0)) * s->a_step;
        for (int64_t j = 0; j < s->n; j += s->nr) {
            t->n = (int)gemm_min(s->nr, s->n - j);
            t->b = b + j;
            t->c = out + i * t->ldc + j;
            s->run(t);
        }
    }
}

/* --- one ------------------------------------------------------------------------------ */

/* The matrix as float32 with adjacent columns. */
static mx_matrix copy(float *to, mx_dtype t, mx_matrix x, int64_t rows, int64_t columns) {
    mx_kernels_get()->matmul->f32->pack[t](to, (int)columns, x.data, x.cs, x.rs, (int)columns,
                                           rows);
    return (mx_matrix){to, columns, 1};
}

void gemm_small(const gemm_item *item) {
    const mx_gemm_args *g = item->args;
    bool whole = g->dtype == MX_FLOAT32,
         direct = whole && g->alpha == 1.0 && !item->cin.data && !g->epilogue;
    float rows[MOST * MOST], columns[MOST * MOST], sums[MOST * MOST];
    const float *row[MOST_MR];
    mx_matrix a = whole ? item->a : copy(rows, g->dtype, item->a, g->m, g->k),
              b = whole && item->b.cs == 1 ? item->b : copy(columns, g->dtype, item->b, g->k, g->n);
    tiles s = tiles_of(g, a, b, direct ? g->out_rs : MOST);
    multiply(&s, row, a.data, b.data, direct ? (float *)(void *)item->out : sums);
    if (!direct)
        gemm_finish(item, sums, MOST, 0, 0, g->m, g->n);
}

/* --- many ----------------------------------------------------------------------------- */

bool gemm_small_batch(const mx_gemm_args *g, int64_t begin, int64_t end) {
    const float *row[MOST_MR], *a = g->a.data, *b = g->b.data;
    float *out = g->out;
    if (g->dtype != MX_FLOAT32 || g->batch_ndim != 1 || g->b.cs != 1 || g->alpha != 1.0 ||
        g->cin.data || g->epilogue || !gemm_is_small(g))
        return false;
    tiles s = tiles_of(g, g->a, g->b, g->out_rs);
    for (int64_t i = begin; i < end; i++)
        multiply(&s, row, a + i * g->a_bs[0], b + i * g->b_bs[0], out + i * g->out_bs[0]);
    return true;
}
