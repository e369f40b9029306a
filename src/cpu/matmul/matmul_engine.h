/* The matmul engine: out = alpha * a b + beta * cin for every dtype, any strides, batches.
 *
 *                      ┌ small, up to float32 ── register tiles at once (matmul_small.c)
 *                      ├ few rows or columns ── skinny kernels, memory speed (matmul_skinny.c)
 *     mx_gemm ── batch ┤ integers, bool ─────── blocked loops (matmul_int.c)
 *                      ├ some rows, float32 ─── operands where they lie (matmul_rows.c)
 *                      └ the rest:  packers ─▶ micropanels ─▶ register tile ─▶ epilogue ─▶ store
 *
 * A block of the result belongs to one task, which runs over k in steps that stay in cache, so
 * the order of every sum depends on sizes alone and never on threads. What several tasks read is
 * packed once, before, by all threads; what one task reads is packed by that task.
 *
 * An operand may be read by another *packer* than the strided one: quantized weights, image
 * patches, gathered rows become operands by filling micropanels.
 *
 * Callable from any thread, also inside a body of mx_parallel_for (then it runs serially). It uses
 * all slots of mx_scratch: what a caller keeps there is lost.
 */
#ifndef MX_CPU_MATMUL_ENGINE_H
#define MX_CPU_MATMUL_ENGINE_H

#include "base/memory/forms.h"
#include "kernels/matmul/k_matmul.h"

#ifdef MX_TORTURE
enum { MX_GEMM_KEPT_ROWS = 512, MX_GEMM_KEPT_NUMBERS = 16 };
#else
enum { MX_GEMM_KEPT_ROWS = 512, MX_GEMM_KEPT_NUMBERS = 4096 };
#endif

/* A strided matrix; strides count elements and may be zero or negative. */
typedef struct mx_matrix {
    const void *data;
    int64_t rs, cs;
} mx_matrix;

/* Fills micropanels (k_matmul.h). For operand a: rows i0 .. i0+rows of matrix number `batch` and
   k0 .. k0+k, as panels of width w that lie panel_bytes apart in dst, each packed as a
   mx_k_pack of `format` would; for operand b the same with columns as rows. i0 is a multiple of w,
   k0 of format->kgroup. Missing rows of the last panel, and missing k of the last group, are zero.
   Called from several threads at once. */
typedef struct mx_packer {
    void (*pack)(const void *ctx, const mx_k_gemm *format, int64_t batch, void *dst,
                 size_t panel_bytes, int w, int64_t i0, int64_t rows, int64_t k0, int64_t k);
    const void *ctx;
} mx_packer;

/* Changes m x n finished sums (float32, or float64 for float64; complex64: 2m rows, the parts by
   turns) whose first is element (i0, j0) of matrix `batch`, before they are stored. */
typedef struct mx_epilogue {
    void (*apply)(void *ctx, int64_t batch, int64_t i0, int64_t j0, int64_t m, int64_t n, void *acc,
                  ptrdiff_t acc_rs);
    void *ctx;
} mx_epilogue;

typedef struct mx_gemm_args {
    mx_dtype dtype; /* of a, b, cin and out */
    int64_t m, n, k;
    mx_matrix a;   /* (m,k); data unused with pack_a */
    mx_matrix b;   /* (k,n); data unused with pack_b */
    mx_matrix cin; /* (m,n); data NULL: none; may be out, element for element */
    void *out;     /* (m,n), overlaps no operand; columns adjacent */
    int64_t out_rs;
    double alpha, beta; /* alpha must be set; integers take them as integers */

    int batch_ndim;                               /* 0: one product */
    const int64_t *batch_shape;                   /* strides in elements per batch axis; */
    const int64_t *a_bs, *b_bs, *cin_bs, *out_bs; /* unused for an operand with a packer */

    mx_forms *b_forms; /* of the memory that b lies in: may its panels be kept there? optional */
    const mx_packer *pack_a, *pack_b; /* optional; float32, float16, bfloat16, float64 */
    const mx_epilogue *epilogue;      /* optional; floats and complex64 */
} mx_gemm_args;

/* False and mx_fail on a failed allocation; nothing else fails. */
bool mx_gemm(const mx_gemm_args *args);
/* The same, without recording an error: for bodies of mx_parallel_for. */
bool mx_gemm_quiet(const mx_gemm_args *args);

/* `count` products that do not depend on each other, of any sizes: side by side where they are many
   or small. */
bool mx_gemm_many(const mx_gemm_args *list, int64_t count);

/* One product of contiguous row-major float32-like matrices: fills args for a(m,k) b(k,n). */
mx_gemm_args mx_gemm_contiguous(mx_dtype dtype, int64_t m, int64_t n, int64_t k, const void *a,
                                const void *b, void *out);

/* Is it worth keeping `numbers` weights in panels, where `rows` rows meet them? Packing them takes
 * as long as the products of 10 to 30 rows, and the panels as much memory again. */
static inline bool mx_gemm_keeps(int64_t rows, int64_t numbers) {
    return rows <= MX_GEMM_KEPT_ROWS && numbers >= MX_GEMM_KEPT_NUMBERS;
}

/* The format that a dtype is multiplied in on this processor. */
const mx_k_gemm *mx_gemm_format(mx_dtype dtype);

#endif
