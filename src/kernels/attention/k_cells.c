/* Rows times a small matrix of keys or values in floats, which is read where it lies: sums of some
   rows and a block of columns stay in registers from the first k to the last. */
#include "kernels/attention/k_attention.h"
#include "kernels/attention/k_cells_rows.h"

#define L VF_LANES

#define UNROLL SIMD_UNROLL(8)

enum { VECTORS = 4 }; /* of columns */

/* n <= L of each, or all. */
SV vf load_half(const uint16_t *p, size_t n, const bool full) {
    return full ? vf_load_f16(p) : vf_loadn_f16(p, n);
}
SV vf load_wide(const float *p, size_t n, const bool full) {
    return full ? vf_load(p) : vf_loadn(p, n);
}
SV void store(float *p, vf v, size_t n, const bool full) {
    if (full)
        vf_store(p, v);
    else
        vf_storen(p, v, n);
}

/* Numbers j .. j+L of row i, of which n are there. */
SV vf cells_at(const mx_k_cells *m, ptrdiff_t i, ptrdiff_t j, size_t n, const int bits,
               const bool full) {
    if (bits == 32)
        return load_wide((const float *)m->cells + i * m->ld + j, n, full);
    return load_half((const uint16_t *)m->cells + i * m->ld + j, n, full);
}

/* S rows of x, C vectors of columns from j on, the last with n columns unless all are full. */
SV void block(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
              ptrdiff_t j, const int S, const int C, const int bits, const bool full) {
    vf sum[ROWS][VECTORS];
    size_t n = (size_t)(m->n - j);
    UNROLL
    for (int r = 0; r < S; r++) {
        UNROLL
        for (int c = 0; c < C; c++)
            sum[r][c] = vf_zero();
    }
    for (ptrdiff_t k = 0; k < m->k; k++) {
        vf w[VECTORS];
        UNROLL
        for (int c = 0; c < C; c++)
            w[c] = cells_at(m, k, j + c * L, n, bits, full);
        UNROLL
        for (int r = 0; r < S; r++) {
            vf v = vf_set1(x[r * ldx + k]);
            UNROLL
            for (int c = 0; c < C; c++)
                sum[r][c] = vf_fma(v, w[c], sum[r][c]);
        }
    }
    UNROLL
    for (int r = 0; r < S; r++) {
        UNROLL
        for (int c = 0; c < C; c++)
            store(y + r * ldy + j + c * L, sum[r][c], n, full);
    }
}

/* ---- all ---- */

SV void columns(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                const int S, const int bits) {
    ptrdiff_t j = 0;
    for (; j + VECTORS * L <= m->n; j += VECTORS * L)
        block(y, ldy, m, x, ldx, j, S, VECTORS, bits, true);
    for (; j + L <= m->n; j += L)
        block(y, ldy, m, x, ldx, j, S, 1, bits, true);
    if (j < m->n)
        block(y, ldy, m, x, ldx, j, S, 1, bits, false);
}

SV void all_rows(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                 ptrdiff_t rows, const int bits) {
#define COLUMNS(r, n) columns(y + (r) * ldy, ldy, m, x + (r) * ldx, ldx, n, bits)
    BY_ROWS(rows, COLUMNS);
#undef COLUMNS
}

void KN(mx_cell_sums)(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                      ptrdiff_t rows) {
    if (m->bits == 32)
        all_rows(y, ldy, m, x, ldx, rows, 32);
    else
        all_rows(y, ldy, m, x, ldx, rows, 16);
}
