/* Rows times a small matrix of keys or values, which is read where it lies: sums of some rows and a
   block of columns stay in registers from the first k to the last. */
#include "kernels/attention/k_attention.h"
#include "kernels/simd/simd.h"

#define L VF_LANES

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

enum {
    ROWS = VF_REGS >= 32 ? 4 : 2, /* of x, at once */
    VECTORS = 4,                  /* of columns */
    GROUP = 32,
    HALF = GROUP / 2
};

/* n <= L of each, or all. */
SV vi load_codes(const uint8_t *p, size_t n, const bool full) {
    uint8_t some[L] = {0};
    if (full)
        return vi_load_u8(p);
    memcpy(some, p, n);
    return vi_load_u8(some);
}
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

/* ---- floats ---- */

/* Numbers j .. j+L of row i, of which n are there. */
SV vf cells_at(const mx_k_cells *m, ptrdiff_t i, ptrdiff_t j, size_t n, const int bits,
               const bool full) {
    if (bits == 32)
        return load_wide((const float *)m->cells + i * m->ld + j, n, full);
    return load_half((const uint16_t *)m->cells + i * m->ld + j, n, full);
}

/* S rows of x, C vectors of columns from j on, the last with n columns unless all are full. */
SV void floats(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
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

/* ---- codes of columns ---- */

/* part += x code, of one row of bytes: with 4 bits two rows of numbers. */
SV void add_codes(vf part[ROWS][VECTORS], const uint8_t *p, const float *x, ptrdiff_t ldx, size_t n,
                  const int S, const int C, const int bits, const bool full) {
    vf low[VECTORS], high[VECTORS];
    UNROLL
    for (int c = 0; c < C; c++) {
        vi code = load_codes(p + c * L, n, full);
        low[c] = vf_from_i(bits == 4 ? vi_and(code, vi_set1(15)) : code);
        high[c] = bits == 4 ? vf_from_i(vi_shr(code, 4)) : vf_zero();
    }
    UNROLL
    for (int r = 0; r < S; r++) {
        vf v = vf_set1(x[r * ldx]), v2 = vf_set1(bits == 4 ? x[r * ldx + HALF] : 0);
        UNROLL
        for (int c = 0; c < C; c++) {
            part[r][c] = vf_fma(v, low[c], part[r][c]);
            if (bits == 4)
                part[r][c] = vf_fma(v2, high[c], part[r][c]);
        }
    }
}

SV float sum_of_group(const float *x) {
    vf sum = vf_load(x);
    for (int i = L; i < GROUP; i += L)
        sum = vf_add(sum, vf_load(x + i));
    return vf_sum(sum);
}

/* Group after group: sums of codes by scales, sums of x by least values. */
SV void turned(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
               ptrdiff_t j, const int S, const int C, const int bits, const bool full) {
    size_t n = (size_t)(m->n - j);
    const int rows = bits == 4 ? HALF : GROUP;
    for (ptrdiff_t g = 0; g < m->k / GROUP; g++) {
        vf part[ROWS][VECTORS];
        UNROLL
        for (int r = 0; r < S; r++) {
            UNROLL
            for (int c = 0; c < C; c++)
                part[r][c] = vf_zero();
        }
        const uint8_t *p = (const uint8_t *)m->cells + g * rows * m->ld + j;
        for (int i = 0; i < rows; i++)
            add_codes(part, p + i * m->ld, x + g * GROUP + i, ldx, n, S, C, bits, full);
        UNROLL
        for (int r = 0; r < S; r++) {
            vf all = vf_set1(sum_of_group(x + r * ldx + g * GROUP));
            UNROLL
            for (int c = 0; c < C; c++) {
                ptrdiff_t at = g * m->scale_ld + j + c * L;
                float *to = y + r * ldy + j + c * L;
                vf sum = g ? load_wide(to, n, full) : vf_zero();
                sum = vf_fma(part[r][c], load_half(m->scale + at, n, full), sum);
                store(to, vf_fma(all, load_half(m->least + at, n, full), sum), n, full);
            }
        }
    }
}

/* ---- codes of rows ---- */

enum { GROUPS = VECTORS * L > GROUP ? VECTORS *L / GROUP : 1, MOST_K = 64 };

/* x by the scales of a group; the sum of x by its least values. */
SV float scaled(float *to, const float *x, const uint16_t *scale, const uint16_t *least,
                ptrdiff_t k) {
    vf sum = vf_zero();
    ptrdiff_t t = 0;
    for (; t + L <= k; t += L) {
        vf v = vf_load(x + t);
        vf_store(to + t, vf_mul(v, vf_load_f16(scale + t)));
        sum = vf_fma(v, vf_load_f16(least + t), sum);
    }
    if (t < k) {
        size_t n = k - t < L ? (size_t)(k - t) : L;
        vf v = vf_loadn(x + t, n);
        vf_storen(to + t, vf_mul(v, vf_loadn_f16(scale + t, n)), n);
        sum = vf_fma(v, vf_loadn_f16(least + t, n), sum);
    }
    return vf_sum(sum);
}

/* L codes, `at` numbers behind the beginning p of a group; L divides a half. */
SV vf row_codes(const uint8_t *p, ptrdiff_t at, const int bits) {
    if (bits == 8)
        return vf_from_i(vi_load_u8(p + at));
    vi code = vi_load_u8(p + at / GROUP * HALF + at % HALF);
    return vf_from_i(at % GROUP >= HALF ? vi_shr(code, 4) : vi_and(code, vi_set1(15)));
}

SV void along(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
              ptrdiff_t j, const int S, const int C, const int bits) {
    float by[ROWS][GROUPS][MOST_K], least[ROWS][GROUPS] = {{0}};
    vf sum[ROWS][VECTORS];
    // how far into its group a block begins, and the group of each vector: constants if it is whole
    const ptrdiff_t from = C * L % GROUP == 0 ? 0 : j % GROUP;
    const uint8_t *p = (const uint8_t *)m->cells + (j - from) * bits / 8;
    for (int r = 0; r < S; r++)
        for (ptrdiff_t g = j / GROUP; g <= (j + C * L - 1) / GROUP; g++) {
            ptrdiff_t at = g * m->scale_ld;
            least[r][g - j / GROUP] =
                scaled(by[r][g - j / GROUP], x + r * ldx, m->scale + at, m->least + at, m->k);
        }
    UNROLL
    for (int r = 0; r < S; r++) {
        UNROLL
        for (int c = 0; c < C; c++)
            sum[r][c] = vf_set1(least[r][(from + c * L) / GROUP]);
    }
    for (ptrdiff_t k = 0; k < m->k; k++, p += m->ld) {
        UNROLL
        for (int c = 0; c < C; c++) {
            vf w = row_codes(p, from + c * L, bits);
            UNROLL
            for (int r = 0; r < S; r++)
                sum[r][c] = vf_fma(vf_set1(by[r][(from + c * L) / GROUP][k]), w, sum[r][c]);
        }
    }
    UNROLL
    for (int r = 0; r < S; r++) {
        UNROLL
        for (int c = 0; c < C; c++)
            vf_store(y + r * ldy + j + c * L, sum[r][c]);
    }
}

/* ---- all ---- */

typedef enum kind { WIDE, HALVES, TURNED_8, TURNED_4, ROWS_8, ROWS_4 } kind;

SV void block(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
              ptrdiff_t j, const int S, const int C, const kind of, const bool full) {
    if (of == WIDE || of == HALVES)
        floats(y, ldy, m, x, ldx, j, S, C, of == WIDE ? 32 : 16, full);
    else if (of == TURNED_8 || of == TURNED_4)
        turned(y, ldy, m, x, ldx, j, S, C, of == TURNED_8 ? 8 : 4, full);
    else
        along(y, ldy, m, x, ldx, j, S, C, of == ROWS_8 ? 8 : 4);
}

SV void columns(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                const int S, const kind of) {
    ptrdiff_t j = 0;
    for (; j + VECTORS * L <= m->n; j += VECTORS * L)
        block(y, ldy, m, x, ldx, j, S, VECTORS, of, true);
    for (; j + L <= m->n; j += L)
        block(y, ldy, m, x, ldx, j, S, 1, of, true);
    if (j < m->n)
        block(y, ldy, m, x, ldx, j, S, 1, of, false);
}

SV void all_rows(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                 ptrdiff_t rows, const kind of) {
    ptrdiff_t r = 0;
    for (; r + ROWS <= rows; r += ROWS)
        columns(y + r * ldy, ldy, m, x + r * ldx, ldx, ROWS, of);
    if (ROWS > 2 && r + 3 <= rows) {
        columns(y + r * ldy, ldy, m, x + r * ldx, ldx, 3, of);
        r += 3;
    }
    for (; r + 2 <= rows; r += 2)
        columns(y + r * ldy, ldy, m, x + r * ldx, ldx, 2, of);
    for (; r < rows; r++)
        columns(y + r * ldy, ldy, m, x + r * ldx, ldx, 1, of);
}

void KN(mx_cell_sums)(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                      ptrdiff_t rows) {
    if (m->bits == 32)
        all_rows(y, ldy, m, x, ldx, rows, WIDE);
    else if (m->bits == 16)
        all_rows(y, ldy, m, x, ldx, rows, HALVES);
    else if (m->bits == 8 && m->turned)
        all_rows(y, ldy, m, x, ldx, rows, TURNED_8);
    else if (m->bits == 8)
        all_rows(y, ldy, m, x, ldx, rows, ROWS_8);
    else if (m->turned)
        all_rows(y, ldy, m, x, ldx, rows, TURNED_4);
    else
        all_rows(y, ldy, m, x, ldx, rows, ROWS_4);
}
