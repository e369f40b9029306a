/* A wide matrix times a few vectors: each element of the matrix is read once, in the order in
 * which it lies, so that memory sets the pace. */
#include "kernels/simd/k_load.h"
#include "kernels/matmul/k_tile.h"

#define UNROLL SIMD_UNROLL(8)

/* ---- adjacent k: R rows of w against s vectors, R and s constants ---- */

enum { MOST_ROWS = 8, LINE = 64 };

/* n numbers from p on, a vector at most. */
SV void dot_step(vf acc[MOST_ROWS][4], const void *w, ptrdiff_t w_rs, const float *x, ptrdiff_t ldx,
                 int R, int s, ptrdiff_t p, size_t n, mx_dtype kind) {
    vf wv[MOST_ROWS];
    UNROLL
    for (int r = 0; r < R; r++) {
        const void *q = kind_at(w, r * w_rs + p, kind);
        wv[r] = n == VF_LANES ? kind_load(q, kind) : kind_loadn(q, n, kind);
    }
    UNROLL
    for (int i = 0; i < s; i++) {
        const float *q = x + i * ldx + p;
        vf xv = n == VF_LANES ? vf_load(q) : vf_loadn(q, n);
        UNROLL
        for (int r = 0; r < R; r++)
            acc[r][i] = vf_fma(wv[r], xv, acc[r][i]);
    }
}

/* Whole lines of the rows, and how much of k that was. ask: as many lines are asked for from there
   on, from front to back, as they lie: so they come faster than R rows side by side do. NULL: none.
   */
SV ptrdiff_t dot_lines(vf acc[MOST_ROWS][4], const void *w, ptrdiff_t w_rs, const float *x,
                       ptrdiff_t ldx, int R, int s, ptrdiff_t k, const char **ask, mx_dtype kind) {
    const ptrdiff_t line = LINE / (ptrdiff_t)kind_size(kind);
    ptrdiff_t p = 0;
    for (; p + line <= k; p += line) {
        UNROLL
        for (int r = 0; ask && r < R; r++)
            __builtin_prefetch(*ask + r * LINE, 0, 2);
        if (ask)
            *ask += R * LINE;
        UNROLL
        for (int v = 0; v < line; v += VF_LANES)
            dot_step(acc, w, w_rs, x, ldx, R, s, p + v, VF_LANES, kind);
    }
    return p;
}

SV void dot_body(float *y, ptrdiff_t y_rs, ptrdiff_t y_is, const void *w, ptrdiff_t w_rs,
                 const float *x, ptrdiff_t ldx, int R, int s, ptrdiff_t k, bool add,
                 const char **ask, mx_dtype kind) {
    vf acc[MOST_ROWS][4];
    UNROLL
    for (int r = 0; r < R; r++) {
        UNROLL
        for (int i = 0; i < s; i++)
            acc[r][i] = vf_zero();
    }
    for (ptrdiff_t p = dot_lines(acc, w, w_rs, x, ldx, R, s, k, ask, kind); p < k; p += VF_LANES)
        dot_step(acc, w, w_rs, x, ldx, R, s, p, k - p < VF_LANES ? (size_t)(k - p) : VF_LANES,
                 kind);
    UNROLL
    for (int r = 0; r < R; r++) {
        UNROLL
        for (int i = 0; i < s; i++) {
            float *q = y + r * y_rs + i * y_is;
            *q = vf_sum(acc[r][i]) + (add ? *q : 0.0f);
        }
    }
}

/* Rows in fours (twos where registers are few), then one by one; every row is summed in the
   same order whichever way it goes. */
SV void dot_rows(float *y, ptrdiff_t y_rs, ptrdiff_t y_is, const void *w, ptrdiff_t w_rs,
                 ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s, ptrdiff_t k, bool add,
                 mx_dtype kind) {
    const int R = s * 4 <= VF_REGS / 2 ? 4 : 2;
    ptrdiff_t r = 0;
    for (; r + R <= rows; r += R)
        dot_body(y + r * y_rs, y_rs, y_is, kind_at(w, r * w_rs, kind), w_rs, x, ldx, R, s, k, add,
                 NULL, kind);
    for (; r < rows; r++)
        dot_body(y + r * y_rs, y_rs, y_is, kind_at(w, r * w_rs, kind), w_rs, x, ldx, 1, s, k, add,
                 NULL, kind);
}

/* ---- the same for one vector, in stretches of k ---- */

/* Short rows: a vector of that many bytes stays in the first-level cache while they pass; wide
   vectors' additions keep up with memory one after the other, and nothing comes faster than rows in
   the order in which they lie. */
enum { SHORT_BYTES = 8192, SOON = 8192 };

/* R rows. */
SV void stretched_rows(float *y, const void *w, ptrdiff_t w_rs, const float *x, int R, ptrdiff_t k,
                       ptrdiff_t stretch, mx_dtype kind) {
    const char *ask = R == 1 ? (const char *)w + SOON : kind_at(w, R * w_rs, kind);
    for (ptrdiff_t p = 0; p < k; p += stretch)
        dot_body(y, 1, 0, kind_at(w, p, kind), w_rs, x + p, 0, R, 1,
                 k - p < stretch ? k - p : stretch, p > 0, &ask, kind);
}

SV void stretched(float *y, const void *w, ptrdiff_t w_rs, ptrdiff_t rows, const float *x,
                  ptrdiff_t k, ptrdiff_t stretch, mx_dtype kind) {
    bool in_order = VF_LANES == 16 && k * (ptrdiff_t)sizeof *x <= SHORT_BYTES;
    ptrdiff_t r = 0;
    for (; !in_order && r + MOST_ROWS <= rows; r += MOST_ROWS)
        stretched_rows(y + r, kind_at(w, r * w_rs, kind), w_rs, x, MOST_ROWS, k, stretch, kind);
    for (; r < rows; r++)
        stretched_rows(y + r, kind_at(w, r * w_rs, kind), w_rs, x, 1, k, stretch, kind);
}

void KN(k_stretched_dot_f32)(float *y, const void *w, ptrdiff_t w_rs, ptrdiff_t rows,
                             const float *x, ptrdiff_t k, ptrdiff_t stretch) {
    stretched(y, w, w_rs, rows, x, k, stretch, MX_FLOAT32);
}
void KN(k_stretched_dot_f16)(float *y, const void *w, ptrdiff_t w_rs, ptrdiff_t rows,
                             const float *x, ptrdiff_t k, ptrdiff_t stretch) {
    stretched(y, w, w_rs, rows, x, k, stretch, MX_FLOAT16);
}
void KN(k_stretched_dot_bf16)(float *y, const void *w, ptrdiff_t w_rs, ptrdiff_t rows,
                              const float *x, ptrdiff_t k, ptrdiff_t stretch) {
    stretched(y, w, w_rs, rows, x, k, stretch, MX_BFLOAT16);
}

/* ---- stretches and blocks of rows for any number of vectors ---- */

/* One stretch of k for all rows and vectors. */
SV void dot_stretch(float *y, ptrdiff_t y_rs, ptrdiff_t y_is, const void *w, ptrdiff_t w_rs,
                    ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s, ptrdiff_t k, bool add,
                    mx_dtype kind) {
    for (; s >= 4; s -= 4, y += 4 * y_is, x += 4 * ldx)
        dot_rows(y, y_rs, y_is, w, w_rs, rows, x, ldx, 4, k, add, kind);
    for (; s >= 2; s -= 2, y += 2 * y_is, x += 2 * ldx)
        dot_rows(y, y_rs, y_is, w, w_rs, rows, x, ldx, 2, k, add, kind);
    if (s > 0)
        dot_rows(y, y_rs, y_is, w, w_rs, rows, x, ldx, 1, k, add, kind);
}

/* A single vector goes through at once. Several are cut in stretches of k and blocks of rows:
   the vectors' stretch and a block's stretch stay in L1 while they meet. */
SV void dot_kind(float *y, ptrdiff_t y_rs, ptrdiff_t y_is, const void *w, ptrdiff_t w_rs,
                 ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s, ptrdiff_t k, mx_dtype kind) {
    enum { STRETCH = 4096, BLOCK = 4 };
    ptrdiff_t stretch = s == 1 ? k : STRETCH, block = s <= 4 ? rows : BLOCK;
    for (ptrdiff_t p = 0; p < k; p += stretch) {
        ptrdiff_t n = k - p < stretch ? k - p : stretch;
        for (ptrdiff_t r = 0; r < rows; r += block)
            dot_stretch(y + r * y_rs, y_rs, y_is, kind_at(w, r * w_rs + p, kind), w_rs,
                        rows - r < block ? rows - r : block, x + p, ldx, s, n, p > 0, kind);
    }
}

/* ---- adjacent columns: G rows of w at a time are added to S sums of n columns ---- */

SV void sum_body(float *y, ptrdiff_t ldy, const void *w, ptrdiff_t w_ks, const float *x,
                 ptrdiff_t ldx, int S, int G, ptrdiff_t columns, mx_dtype kind) {
    for (ptrdiff_t j = 0; j < columns; j += VF_LANES) {
        size_t n = columns - j < VF_LANES ? (size_t)(columns - j) : VF_LANES;
        vf v[4];
        UNROLL
        for (int i = 0; i < S; i++)
            v[i] = n == VF_LANES ? vf_load(y + i * ldy + j) : vf_loadn(y + i * ldy + j, n);
        UNROLL
        for (int g = 0; g < G; g++) {
            const void *q = kind_at(w, g * w_ks + j, kind);
            __builtin_prefetch(kind_at(q, G * w_ks, kind));
            vf wv = n == VF_LANES ? kind_load(q, kind) : kind_loadn(q, n, kind);
            UNROLL
            for (int i = 0; i < S; i++)
                v[i] = vf_fma(vf_set1(x[i * ldx + g]), wv, v[i]);
        }
        UNROLL
        for (int i = 0; i < S; i++) {
            if (n == VF_LANES)
                vf_store(y + i * ldy + j, v[i]);
            else
                vf_storen(y + i * ldy + j, v[i], n);
        }
    }
}

/* n columns from j on of one sum, a vector at most, with its factors x. Rows are not asked for:
   a power of two apart they would only crowd the first-level cache. */
SV void one_step(float *y, const void *w, ptrdiff_t w_ks, const vf *x, int G, ptrdiff_t j, size_t n,
                 mx_dtype kind) {
    vf v = n == VF_LANES ? vf_load(y + j) : vf_loadn(y + j, n);
    UNROLL
    for (int g = 0; g < G; g++) {
        const void *q = kind_at(w, g * w_ks + j, kind);
        v = vf_fma(x[g], n == VF_LANES ? kind_load(q, kind) : kind_loadn(q, n, kind), v);
    }
    if (n == VF_LANES)
        vf_store(y + j, v);
    else
        vf_storen(y + j, v, n);
}

/* The same of all columns: the factors stay in registers, so that loads of w follow each other. */
SV void one_body(float *y, const void *w, ptrdiff_t w_ks, const float *x, int G, ptrdiff_t columns,
                 mx_dtype kind) {
    vf xv[8];
    ptrdiff_t j = 0;
    UNROLL
    for (int g = 0; g < G; g++)
        xv[g] = vf_set1(x[g]);
    for (; j + VF_LANES <= columns; j += VF_LANES)
        one_step(y, w, w_ks, xv, G, j, VF_LANES, kind);
    if (j < columns)
        one_step(y, w, w_ks, xv, G, j, (size_t)(columns - j), kind);
}

/* G rows of w into all sums. */
SV void sum_group(float *y, ptrdiff_t ldy, const void *w, ptrdiff_t w_ks, const float *x,
                  ptrdiff_t ldx, int s, int G, ptrdiff_t n, mx_dtype kind) {
    for (; s >= 4; s -= 4, y += 4 * ldy, x += 4 * ldx)
        sum_body(y, ldy, w, w_ks, x, ldx, 4, G, n, kind);
    for (; s >= 2; s -= 2, y += 2 * ldy, x += 2 * ldx)
        sum_body(y, ldy, w, w_ks, x, ldx, 2, G, n, kind);
    if (s > 0)
        one_body(y, w, w_ks, x, G, n, kind);
}

SV void sum_kind(float *y, ptrdiff_t ldy, const void *w, ptrdiff_t w_ks, const float *x,
                 ptrdiff_t ldx, int s, ptrdiff_t k, ptrdiff_t n, mx_dtype kind) {
    ptrdiff_t p = 0;
    if (s == 1)
        for (; p + 8 <= k; p += 8)
            one_body(y, kind_at(w, p * w_ks, kind), w_ks, x + p, 8, n, kind);
    for (; p + 4 <= k; p += 4)
        sum_group(y, ldy, kind_at(w, p * w_ks, kind), w_ks, x + p, ldx, s, 4, n, kind);
    for (; p < k; p++)
        sum_group(y, ldy, kind_at(w, p * w_ks, kind), w_ks, x + p, ldx, s, 1, n, kind);
}

void KN(k_skinny_dot_f32)(float *y, ptrdiff_t y_rs, ptrdiff_t y_is, const void *w, ptrdiff_t w_rs,
                          ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s, ptrdiff_t k) {
    dot_kind(y, y_rs, y_is, w, w_rs, rows, x, ldx, s, k, MX_FLOAT32);
}
void KN(k_skinny_dot_f16)(float *y, ptrdiff_t y_rs, ptrdiff_t y_is, const void *w, ptrdiff_t w_rs,
                          ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s, ptrdiff_t k) {
    dot_kind(y, y_rs, y_is, w, w_rs, rows, x, ldx, s, k, MX_FLOAT16);
}
void KN(k_skinny_dot_bf16)(float *y, ptrdiff_t y_rs, ptrdiff_t y_is, const void *w, ptrdiff_t w_rs,
                           ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s, ptrdiff_t k) {
    dot_kind(y, y_rs, y_is, w, w_rs, rows, x, ldx, s, k, MX_BFLOAT16);
}
void KN(k_skinny_sum_f32)(float *y, ptrdiff_t ldy, const void *w, ptrdiff_t w_ks, const float *x,
                          ptrdiff_t ldx, int s, ptrdiff_t k, ptrdiff_t n) {
    sum_kind(y, ldy, w, w_ks, x, ldx, s, k, n, MX_FLOAT32);
}
void KN(k_skinny_sum_f16)(float *y, ptrdiff_t ldy, const void *w, ptrdiff_t w_ks, const float *x,
                          ptrdiff_t ldx, int s, ptrdiff_t k, ptrdiff_t n) {
    sum_kind(y, ldy, w, w_ks, x, ldx, s, k, n, MX_FLOAT16);
}
void KN(k_skinny_sum_bf16)(float *y, ptrdiff_t ldy, const void *w, ptrdiff_t w_ks, const float *x,
                           ptrdiff_t ldx, int s, ptrdiff_t k, ptrdiff_t n) {
    sum_kind(y, ldy, w, w_ks, x, ldx, s, k, n, MX_BFLOAT16);
}
