/* Between the files of the quantized products. */
#ifndef MX_CPU_QUANT_INTERNAL_H
#define MX_CPU_QUANT_INTERNAL_H

#include "cpu/quant/quant_engine.h"
#include "kernels/kernels.h"

/* W as operand b of the matmul engine: the context of quant_pack. */
typedef struct quant_operand {
    mx_quant_matrix w;
    bool transpose;
} quant_operand;

/* mx_packer.pack (quant_packer.c) */
void quant_pack(const void *ctx, const mx_k_gemm *f, int64_t batch, void *dst, size_t panel_bytes,
                int w, int64_t i0, int64_t rows, int64_t k0, int64_t k);

/* All runs of few rows (quant_few.c), and those of many rows one by one (quant_engine.c). */
bool quant_is_few(const mx_qmm_args *a, const mx_qmm_run *run);
bool quant_few(const mx_qmm_args *a);

/* Row i of a run: which row of x, of y. */
static inline int64_t quant_x_row(const mx_qmm_args *a, const mx_qmm_run *run, int64_t i) {
    return a->x_row ? a->x_row[run->first + i] : run->first + i;
}
static inline int64_t quant_y_row(const mx_qmm_args *a, const mx_qmm_run *run, int64_t i) {
    return a->y_row ? a->y_row[run->first + i] : run->first + i;
}

#endif
