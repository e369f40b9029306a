/* See quant_engine.h: the runs of a product, and the way of many rows. */
#include "cpu/quant/quant_engine.h"

#include <string.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "cpu/quant/block_engine.h"
#include "cpu/quant/quant_internal.h"

/* Rows of x gathered, or rows of y scattered, between an array and a block without gaps. */
static void gather_rows(const mx_qmm_args *a, const mx_qmm_run *run, char *block) {
    size_t bytes = (size_t)a->k * mx_dtype_size(a->dtype);
    for (int64_t i = 0; i < run->rows; i++)
        memcpy(block + (size_t)i * bytes,
               (const char *)a->x + (size_t)quant_x_row(a, run, i) * bytes, bytes);
}
static void scatter_rows(const mx_qmm_args *a, const mx_qmm_run *run, const char *block) {
    size_t bytes = (size_t)a->n * mx_dtype_size(a->dtype);
    for (int64_t i = 0; i < run->rows; i++)
        memcpy((char *)a->y + (size_t)quant_y_row(a, run, i) * bytes, block + (size_t)i * bytes,
               bytes);
}

static bool multiply(const mx_qmm_args *a, const mx_qmm_run *run, const void *x, void *y) {
    quant_operand q = {run->w, a->transpose};
    mx_packer packer = {quant_pack, &q};
    mx_gemm_args g = mx_gemm_contiguous(a->dtype, run->rows, a->n, a->k, x, NULL, y);
    g.pack_b = &packer;
    return mx_gemm(&g);
}

static bool many_gathered(const mx_qmm_args *a, const mx_qmm_run *run) {
    size_t size = mx_dtype_size(a->dtype), rows = (size_t)run->rows;
    size_t x_bytes = rows * (size_t)a->k * size, y_bytes = rows * (size_t)a->n * size;
    char *x = mx_block_alloc(x_bytes), *y = x ? mx_block_alloc(y_bytes) : NULL;
    if (y)
        gather_rows(a, run, x);
    bool ok = y && multiply(a, run, x, y);
    if (ok)
        scatter_rows(a, run, y);
    if (y)
        mx_block_free(y, y_bytes);
    if (x)
        mx_block_free(x, x_bytes);
    return ok;
}

static bool many(const mx_qmm_args *a, const mx_qmm_run *run) {
    int64_t size = (int64_t)mx_dtype_size(a->dtype);
    if (a->x_row || a->y_row)
        return many_gathered(a, run);
    return multiply(a, run, (const char *)a->x + run->first * a->k * size,
                    (char *)a->y + run->first * a->n * size);
}

bool mx_qmm(const mx_qmm_args *a) {
    bool few = false;
    if (a->n == 0 || a->run_count == 0)
        return true;
    if ((int)a->runs[0].w.format.mode >= MX_BLOCK_MODE)
        return quant_blocks(a);
    for (int64_t i = 0; i < a->run_count; i++) {
        if (quant_is_few(a, &a->runs[i]))
            few = few || a->runs[i].rows > 0;
        else if (!many(a, &a->runs[i]))
            return false;
    }
    return !few || quant_few(a);
}
