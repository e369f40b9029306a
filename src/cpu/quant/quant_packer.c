/* See quant_engine.h: W for the matmul engine. Where rows of W are columns of the product, a kernel
 * makes micropanels of the words. Else, and in float64, codes become numbers in a piece that stays
 * in the first-level cache, and the format's own packer lays the piece out. */
#include "cpu/quant/quant_internal.h"
#include "kernels/pointwise/k_pointwise.h"

enum { PIECE = 4096, PIECE_K = 128, PIECE_COLUMNS = 256, MOST_W = 64 };

/* n numbers of a row in the dtype that the format packs. */
static void numbers(const quant_operand *q, mx_dtype t, void *dst, int64_t row, int64_t from,
                    int64_t n) {
    const mx_kernels *k = mx_kernels_get();
    float wide[PIECE_COLUMNS];
    if (q->w.stype == MX_FLOAT64) {
        mx_dequant_f64(dst, &q->w, row, from, n);
    } else if (t == MX_FLOAT32) {
        k->quant->dequant(dst, &q->w, row, from, n);
    } else {
        k->quant->dequant(wide, &q->w, row, from, n);
        k->pointwise->cast[MX_FLOAT32][t](dst, wide, (size_t)n);
    }
}

/* Columns are rows of W: a square of them at a time, then transposed. */
static void pack_rows(const quant_operand *q, const mx_k_gemm *f, mx_dtype t, char *dst,
                      size_t panel_bytes, int w, int64_t i0, int64_t rows, int64_t k0, int64_t k) {
    double piece[PIECE];
    size_t size = mx_dtype_size(t), line = (size_t)w * (size_t)f->in_size;
    int64_t most = PIECE / w < PIECE_K ? PIECE / w : PIECE_K;
    for (int64_t i = 0; i < rows; i += w, dst += panel_bytes)
        for (int64_t p = 0; p < k; p += most) {
            int64_t have = rows - i < w ? rows - i : w, len = k - p < most ? k - p : most;
            for (int64_t r = 0; r < have; r++)
                numbers(q, t, (char *)piece + (size_t)(r * len) * size, i0 + i + r, k0 + p, len);
            f->pack[t](dst + (size_t)(p / f->kgroup) * line, w, piece, len, 1, (int)have, len);
        }
}

/* Columns are adjacent in rows of W. */
static void pack_columns(const quant_operand *q, const mx_k_gemm *f, mx_dtype t, char *dst,
                         size_t panel_bytes, int w, int64_t i0, int64_t rows, int64_t k0,
                         int64_t k) {
    double piece[PIECE];
    size_t size = mx_dtype_size(t), line = (size_t)w * (size_t)f->in_size;
    int64_t columns = PIECE_COLUMNS / w * w, most = PIECE / columns / f->kgroup * f->kgroup;
    for (int64_t j = 0; j < rows; j += columns)
        for (int64_t p = 0; p < k; p += most) {
            int64_t have = rows - j < columns ? rows - j : columns,
                    len = k - p < most ? k - p : most;
            for (int64_t r = 0; r < len; r++)
                numbers(q, t, (char *)piece + (size_t)(r * have) * size, k0 + p + r, i0 + j, have);
            for (int64_t c = 0; c < have; c += w)
                f->pack[t](dst + (size_t)((j + c) / w) * panel_bytes +
                               (size_t)(p / f->kgroup) * line,
                           w, (char *)piece + (size_t)c * size, 1, have,
                           (int)(have - c < w ? have - c : w), len);
        }
}

void quant_pack(const void *ctx, const mx_k_gemm *f, int64_t batch, void *dst, size_t panel_bytes,
                int w, int64_t i0, int64_t rows, int64_t k0, int64_t k) {
    const quant_operand *q = ctx;
    mx_dtype t = f->acc == MX_FLOAT64 ? MX_FLOAT64 : f->kgroup == 2 ? MX_BFLOAT16 : MX_FLOAT32;
    (void)batch;
    if (q->transpose && t != MX_FLOAT64)
        for (int64_t i = 0; i < rows; i += w)
            mx_kernels_get()->quant->pack((char *)dst + (size_t)(i / w) * panel_bytes, w, &q->w,
                                          i0 + i, (int)(rows - i < w ? rows - i : w), k0, k,
                                          t == MX_BFLOAT16);
    else if (q->transpose)
        pack_rows(q, f, t, dst, panel_bytes, w, i0, rows, k0, k);
    else
        pack_columns(q, f, t, dst, panel_bytes, w, i0, rows, k0, k);
}
