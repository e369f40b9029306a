/* Products of integers and bool: blocks of rows and columns as tasks. */
#include "base/threads/pool.h"
#include "cpu/matmul/matmul_internal.h"
#include "kernels/kernels.h"

enum { ROWS = 64, COLUMNS = 256 };

typedef struct integer_ctx {
    const gemm_item *item;
    int64_t columns; /* blocks */
} integer_ctx;

static void run_block(const gemm_item *item, int64_t i0, int64_t j0) {
    const mx_gemm_args *g = item->args;
    size_t size = mx_dtype_size(g->dtype);
    mx_k_imatmul_args a = {
        .m = gemm_min(ROWS, g->m - i0),
        .n = gemm_min(COLUMNS, g->n - j0),
        .k = g->k,
        .a = gemm_at(item->a.data, i0 * item->a.rs, size),
        .b = gemm_at(item->b.data, j0 * item->b.cs, size),
        .cin = gemm_at(item->cin.data, i0 * item->cin.rs + j0 * item->cin.cs, size),
        .a_rs = item->a.rs,
        .a_cs = item->a.cs,
        .b_rs = item->b.rs,
        .b_cs = item->b.cs,
        .cin_rs = item->cin.rs,
        .cin_cs = item->cin.cs,
        .out = item->out + (i0 * g->out_rs + j0) * (int64_t)size,
        .out_rs = g->out_rs,
        .alpha = (int64_t)g->alpha,
        .beta = (int64_t)g->beta,
    };
    mx_kernels_get()->matmul->imatmul[g->dtype](&a);
}

static void integer_body(void *p, int64_t begin, int64_t end) {
    const integer_ctx *c = p;
    for (int64_t t = begin; t < end; t++)
        run_block(c->item, t / c->columns * ROWS, t % c->columns * COLUMNS);
}

bool gemm_integer(const gemm_item *item) {
    const mx_gemm_args *g = item->args;
    integer_ctx c = {item, gemm_ceil_div(g->n, COLUMNS)};
    int64_t tasks = gemm_ceil_div(g->m, ROWS) * c.columns;
    double work = (double)gemm_min(ROWS, g->m) * (double)gemm_min(COLUMNS, g->n) * (double)g->k;
    return mx_parallel_for_long(tasks, 1 + (int64_t)(65536.0 / (work + 1.0)), integer_body, &c);
}
