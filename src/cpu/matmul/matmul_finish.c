/* What every route of the matmul engine has: the format of its panels, and the end of a product. */
#include "base/machine/cpuinfo.h"
#include "cpu/matmul/matmul_internal.h"
#include "kernels/kernels.h"

const mx_k_gemm *mx_gemm_format(mx_dtype dtype) {
    const mx_k_matmul *k = mx_kernels_get()->matmul;
    if (dtype == MX_BFLOAT16 && k->bf16->tile && mx_cpuinfo_get()->avx512_bf16)
        return k->bf16;
    return dtype == MX_FLOAT64 ? k->f64 : k->f32;
}

void gemm_finish(const gemm_item *item, void *acc, ptrdiff_t acc_rs, int64_t i0, int64_t j0,
                 int64_t m, int64_t n) {
    const mx_gemm_args *g = item->args;
    size_t size = mx_dtype_size(g->dtype);
    if (g->epilogue)
        g->epilogue->apply(g->epilogue->ctx, item->batch, i0, j0, m, n, acc, acc_rs);
    mx_k_store_args s = {
        .out = item->out + (i0 * g->out_rs + j0) * (int64_t)size,
        .out_rs = g->out_rs,
        .acc = acc,
        .acc_rs = acc_rs,
        .m = m,
        .n = n,
        .alpha = g->alpha,
        .beta = g->beta,
        .cin = gemm_at(item->cin.data, i0 * item->cin.rs + j0 * item->cin.cs, size),
        .cin_rs = item->cin.rs,
        .cin_cs = item->cin.cs,
    };
    if (n == 1 && g->out_rs == 1 && acc_rs == 1 && g->dtype != MX_COMPLEX64) {
        s.m = 1; // a column that lies like a row
        s.n = m;
        s.cin_cs = s.cin_rs;
    }
    mx_kernels_get()->matmul->store[g->dtype](&s);
}
