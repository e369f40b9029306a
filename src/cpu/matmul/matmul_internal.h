/* Between the files of the matmul engine: one product of a batch, and its routes. */
#ifndef MX_CPU_MATMUL_INTERNAL_H
#define MX_CPU_MATMUL_INTERNAL_H

#include "cpu/matmul/matmul_engine.h"

/* Product number `batch`, its pointers resolved. */
typedef struct gemm_item {
    const mx_gemm_args *args;
    int64_t batch;
    mx_matrix a, b, cin;
    mx_forms *b_forms; /* NULL where there are many b */
    char *out;
} gemm_item;

/* Each false when memory ran out; they record no error (they run inside bodies). */
bool gemm_blocked(const gemm_item *item, bool serial);
/* The same only where b's panels are kept, or will be from now on: are they? */
bool gemm_kept(const gemm_item *item, bool serial, bool *kept);
bool gemm_rows(const gemm_item *item);
bool gemm_skinny(const gemm_item *item);
bool gemm_integer(const gemm_item *item);

/* A product that needs no memory and no threads. */
bool gemm_is_small(const mx_gemm_args *g);
void gemm_small(const gemm_item *item);
/* Such products begin .. end - 1 of a batch, what they share prepared once; false: they need more,
 * and none is done. */
bool gemm_small_batch(const mx_gemm_args *g, int64_t begin, int64_t end);

/* Is this a shape for the skinny kernels? For operands that are read where they lie, whose bits are
 * the blocked way's? serial: one that packs nothing. Is that way slower than the blocked one with
 * panels of b that are kept? */
bool gemm_is_skinny(const gemm_item *item);
bool gemm_can_rows(const gemm_item *item, bool serial);
bool gemm_rows_waste(const gemm_item *item);
/* Lengths along k of float32 that the blocked way adds up at once, and slices that it adds
 * apart. */
int64_t gemm_step(int64_t k);
int64_t gemm_slices(int64_t m, int64_t n, int64_t k);

/* Where the panels of b over all of k may be kept (NULL: nowhere), and what they are known by. */
mx_forms *gemm_keeping(const gemm_item *item);
mx_form_key gemm_panels_key(const gemm_item *item, const mx_k_gemm *format);

/* Store m x n sums whose first is element (i0,j0): epilogue, alpha, beta, rounding. */
void gemm_finish(const gemm_item *item, void *acc, ptrdiff_t acc_rs, int64_t i0, int64_t j0,
                 int64_t m, int64_t n);

static inline int64_t gemm_ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}
static inline int64_t gemm_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static inline int64_t gemm_max(int64_t a, int64_t b) {
    return a > b ? a : b;
}
/* p + i elements of `size` bytes; NULL stays NULL. */
static inline const void *gemm_at(const void *p, int64_t i, size_t size) {
    return p ? (const char *)p + i * (int64_t)size : NULL;
}

#endif
