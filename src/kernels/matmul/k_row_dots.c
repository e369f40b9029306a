/* Many rows times many rows, each with adjacent k: no operand is packed. A register tile of R rows
 * of w and S of x keeps a vector of parts for each element, whose lanes are added up at the end, so
 * that an element is summed as k_matvec.c and k_quant_dot.c sum it. */
#include "kernels/matmul/k_tile.h"

#define UNROLL SIMD_UNROLL(8)

enum { TILE_W = VF_REGS >= 32 ? 4 : 2, TILE_X = 6 };

/* acc += the products of one vector of k, or of its first n lanes. */
SV void add_vector(vf acc[TILE_X][TILE_W], const mx_row_dots_args *a, const float *w,
                   const float *x, int R, int S, size_t n) {
    vf wv[TILE_W];
    UNROLL
    for (int r = 0; r < R; r++)
        wv[r] = n == VF_LANES ? vf_load(w + r * a->ldw) : vf_loadn(w + r * a->ldw, n);
    UNROLL
    for (int i = 0; i < S; i++) {
        vf xv = n == VF_LANES ? vf_load(x + i * a->ldx) : vf_loadn(x + i * a->ldx, n);
        UNROLL
        for (int r = 0; r < R; r++)
            acc[i][r] = vf_fma(wv[r], xv, acc[i][r]);
    }
}

/* Every `step`-th vector from number `from` on. */
SV void add_products(vf acc[TILE_X][TILE_W], const mx_row_dots_args *a, const float *w,
                     const float *x, int R, int S, ptrdiff_t from, ptrdiff_t step) {
    ptrdiff_t p = from;
    for (; p + VF_LANES <= a->k; p += step)
        add_vector(acc, a, w + p, x + p, R, S, VF_LANES);
    if (p < a->k)
        add_vector(acc, a, w + p, x + p, R, S, (size_t)(a->k - p));
}

SV void zero(vf acc[TILE_X][TILE_W], int R, int S) {
    UNROLL
    for (int i = 0; i < S; i++) {
        UNROLL
        for (int r = 0; r < R; r++)
            acc[i][r] = vf_zero();
    }
}

/* y[r] = vf_sum(v[r]) for r < R */
SV void sums(float *y, const vf *v, int R) {
#if VF_LANES == 16
    if (R == 4) {
        vf a = _mm512_add_ps(_mm512_shuffle_f32x4(v[0], v[1], 0x44),
                             _mm512_shuffle_f32x4(v[0], v[1], 0xee));
        vf b = _mm512_add_ps(_mm512_shuffle_f32x4(v[2], v[3], 0x44),
                             _mm512_shuffle_f32x4(v[2], v[3], 0xee));
        a = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
        a = _mm512_add_ps(a, _mm512_permute_ps(a, 0x4e));
        a = _mm512_add_ps(a, _mm512_permute_ps(a, 0xb1));
        vi first = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
        _mm_storeu_ps(y, _mm512_castps512_ps128(_mm512_permutexvar_ps(first, a)));
        return;
    }
#endif
    UNROLL
    for (int r = 0; r < R; r++)
        y[r] = vf_sum(v[r]);
}

SV void store(const mx_row_dots_args *a, float *y, vf acc[TILE_X][TILE_W], int R, int S) {
    UNROLL
    for (int i = 0; i < S; i++, y += a->ldy) {
        float sum[TILE_W];
        sums(sum, acc[i], R);
        UNROLL
        for (int r = 0; r < R; r++)
            y[r] = sum[r] + (a->add ? y[r] : 0.0f);
    }
}

/* The first of two parts waits in memory for the second. */
SV void tile(const mx_row_dots_args *a, const float *w, const float *x, float *y, int R, int S,
             int parts) {
    vf acc[TILE_X][TILE_W];
    float first[TILE_X * TILE_W * VF_LANES];
    zero(acc, R, S);
    add_products(acc, a, w, x, R, S, 0, parts * VF_LANES);
    if (parts == 2) {
        UNROLL
        for (int i = 0; i < S; i++) {
            UNROLL
            for (int r = 0; r < R; r++)
                vf_store(first + (i * TILE_W + r) * VF_LANES, acc[i][r]);
        }
        zero(acc, R, S);
        add_products(acc, a, w, x, R, S, VF_LANES, 2 * VF_LANES);
        UNROLL
        for (int i = 0; i < S; i++) {
            UNROLL
            for (int r = 0; r < R; r++)
                acc[i][r] = vf_add(vf_load(first + (i * TILE_W + r) * VF_LANES), acc[i][r]);
        }
    }
    store(a, y, acc, R, S);
}

/* S rows of x, which stay in L1, and all of w. */
SV void rows(const mx_row_dots_args *a, ptrdiff_t i, int S, int parts) {
    const float *x = a->x + i * a->ldx;
    float *y = a->y + i * a->ldy;
    ptrdiff_t r = 0;
    for (; r + TILE_W <= a->columns; r += TILE_W)
        tile(a, a->w + r * a->ldw, x, y + r, TILE_W, S, parts);
    for (; r < a->columns; r++)
        tile(a, a->w + r * a->ldw, x, y + r, 1, S, parts);
}

SV void all_rows(const mx_row_dots_args *a, int parts) {
    ptrdiff_t i = 0;
    for (; i + TILE_X <= a->rows; i += TILE_X)
        rows(a, i, TILE_X, parts);
    for (; i + 4 <= a->rows; i += 4)
        rows(a, i, 4, parts);
    for (; i + 2 <= a->rows; i += 2)
        rows(a, i, 2, parts);
    for (; i < a->rows; i++)
        rows(a, i, 1, parts);
}

void KN(k_row_dots)(const mx_row_dots_args *a) {
    if (a->parts == 2)
        all_rows(a, 2);
    else
        all_rows(a, 1);
}
