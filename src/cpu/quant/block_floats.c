/* See block_engine.h: the way of floats. W becomes float32 in a tile that stays in cache, the tile
   micropanels, and these are multiplied by the matmul engine's register tile: k in steps of one
   length for any number of rows. */
#include <string.h>

#include "base/threads/pool.h"
#include "cpu/quant/block_engine.h"

enum {
    COLUMNS = 64, /* of a task where they are rows of W; */
    STEP = 256,   /* numbers of each: whole blocks */
    WIDE = 256,   /* columns where they are adjacent in W: whole blocks; */
    WIDE_STEP = 64,
    TILE = COLUMNS * STEP
};

static ptrdiff_t row_bytes(const mx_qmm_args *a) {
    return a->k * (ptrdiff_t)sizeof(float);
}

static void read(const block_job *j, char *row, const float *x) {
    memcpy(row, x, (size_t)j->a->k * sizeof *x);
}

static int64_t columns(const block_job *j) {
    return j->a->transpose ? COLUMNS : WIDE;
}

/* n numbers of a row of W from number `from` on, whole blocks. */
static void decode(const block_job *j, const mx_quant_matrix *w, int64_t row, int64_t from,
                   int64_t n, float *to) {
    const char *at = w->w + row * w->w_rs + from / j->f->items * j->f->bytes;
    mx_blocks_decode(j->f, to, at, (size_t)(n / j->f->items));
}

/* Columns j0 .. j0+n, k0 .. k0+k, as micropanels of b. */
static void pack(const block_job *j, const mx_quant_matrix *w, float *tile, float *b, int64_t j0,
                 int64_t n, int64_t k0, int64_t k) {
    const mx_k_gemm *f = mx_kernels_get()->matmul->f32;
    bool turned = j->a->transpose;
    for (int64_t i = 0; i < (turned ? n : k); i++)
        decode(j, w, turned ? j0 + i : k0 + i, turned ? k0 : j0, turned ? k : n,
               tile + i * (turned ? STEP : WIDE));
    for (int64_t c = 0; c < n; c += f->nr) {
        int have = (int)(n - c < f->nr ? n - c : f->nr);
        f->pack[MX_FLOAT32](b + c * k, f->nr, tile + c * (turned ? STEP : 1), turned ? STEP : 1,
                            turned ? 1 : WIDE, have, k);
    }
}

/* sums [+]= the part's numbers k0 .. k0+k times the panels of b. */
static void tiles(const block_job *j, const block_part *part, float *a, const float *b, int64_t n,
                  int64_t k0, int64_t k, float *sums) {
    const mx_k_gemm *f = mx_kernels_get()->matmul->f32;
    int64_t lda = j->a->k;
    const float *x = (const float *)(const void *)(j->x + part->at * j->row_bytes);
    for (int64_t i = 0; i < part->rows; i += f->mr) {
        int m = (int)(part->rows - i < f->mr ? part->rows - i : f->mr);
        f->pack[MX_FLOAT32](a, f->mr, x + i * lda + k0, lda, 1, m, k);
        for (int64_t c = 0; c < n; c += f->nr)
            f->tile(m, (int)(n - c < f->nr ? n - c : f->nr), k, a, b + c * k,
                    sums + i * j->columns + c, j->columns, k0 > 0);
    }
}

static bool multiply(const block_job *j, const block_part *part, int64_t j0, int64_t n,
                     float *sums) {
    const mx_k_gemm *f = mx_kernels_get()->matmul->f32;
    int64_t step = j->a->transpose ? STEP : WIDE_STEP, k = j->a->k;
    float *tile = mx_scratch(1, TILE * sizeof(float));
    float *b = mx_scratch(2, (size_t)(TILE + STEP * f->nr) * sizeof(float));
    float *a = mx_scratch(3, (size_t)(STEP * f->mr) * sizeof(float));
    if (!tile || !b || !a)
        return false;
    for (int64_t k0 = 0; k0 < k; k0 += step) {
        int64_t some = k - k0 < step ? k - k0 : step;
        pack(j, &part->run->w, tile, b, j0, n, k0, some);
        tiles(j, part, a, b, n, k0, some, sums);
    }
    return true;
}

const block_way block_floats = {row_bytes, read, columns, multiply};
