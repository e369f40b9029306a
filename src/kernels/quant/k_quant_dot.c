/* Rows of a quantized matrix times a few vectors. For codes of 2, 4 and 8 bits the words are read
 * once, in order, so that memory sets the pace. A vector of words holds lanes x per codes; code j
 * of every lane is shifted down at once. That order of k is not that of x, so x is arranged once
 * for all rows:
 *
 *     words   lane 0: k = 0 .. per-1    lane 1: k = per .. 2 per - 1   ...
 *     x       k = 0, per, 2 per ...     k = 1, per + 1 ...             ...   one vector for each j
 *
 * Scales (and biases) of a block of k become float32 first; a lookup spreads them over the lanes.
 */
#include "kernels/quant/k_quant_codes.h"

enum {
    BLOCK = MX_K_QUANT_STRETCH, /* of k: x stays in L1 */
    ROOM = BLOCK / 16 + 16
};

static void arrange(float *dst, const float *x, ptrdiff_t k, int bits) {
    int per = 32 / bits;
    if (32 % bits != 0) { // k_quant_pack.c takes codes in their order
        memcpy(dst, x, (size_t)k * sizeof *x);
        return;
    }
    ptrdiff_t chunk = (ptrdiff_t)VF_LANES * per;
    for (ptrdiff_t c = 0; c < k; c += chunk)
        for (int j = 0; j < per; j++)
            for (int lane = 0; lane < VF_LANES; lane++) {
                ptrdiff_t from = c + lane * per + j;
                *dst++ = from < k ? x[from] : 0.0f;
            }
}

/* ---- the loop: R rows, S vectors, one block of k ----
   A sum has the same parts in the same order whatever R and S are. */

typedef struct block {
    const mx_quant_matrix *m;
    ptrdiff_t last;     /* row: what lies behind it is read as this one */
    ptrdiff_t k, k0, n; /* of a row in all; of this block: where it begins, how many */
    const float *x;     /* arranged, at k0 */
    ptrdiff_t ldx;
    float *y;
    ptrdiff_t ldy;
    int32_t spread[VF_LANES]; /* the group of each lane, counted from that of the first */
} block;

SV void dot_block(const block *b, ptrdiff_t row, float *y, int R, int S, int bits,
                  mx_quant_mode mode) {
    const int per = 32 / bits;
    const mx_quant_matrix *m = b->m;
    const ptrdiff_t chunk = (ptrdiff_t)VF_LANES * per;
    float scales[4][ROOM], biases[4][ROOM];
    const int32_t *w[4];
    vf acc[4][4][2], sv[4], bv[4], wv[4];
    vi code[4];
    int group = m->format.group;
    vi spread = vi_load(b->spread);
    QUANT_UNROLL
    for (int r = 0; r < R; r++) {
        ptrdiff_t at = row + r < b->last ? row + r : b->last;
        quant_scales(scales[r], m, m->scales + at * m->s_rs, b->k0 / group, b->n / group);
        if (mode == MX_AFFINE)
            quant_scales(biases[r], m, m->biases + at * m->s_rs, b->k0 / group, b->n / group);
        w[r] = (const int32_t *)(m->w + at * m->w_rs) + b->k0 / per;
        QUANT_UNROLL
        for (int i = 0; i < S; i++)
            acc[r][i][0] = acc[r][i][1] = vf_zero();
    }
    for (ptrdiff_t c = 0; c < b->n; c += chunk) {
        size_t words = (size_t)((b->n - c) / per);
        const float *x = b->x + c;
        QUANT_UNROLL
        for (int r = 0; r < R; r++) {
            const int32_t *p = w[r] + c / per;
            code[r] = words >= VF_LANES ? vi_load(p) : vi_loadn(p, words);
            sv[r] = vf_lookup16(scales[r] + c / group, spread);
            if (mode == MX_AFFINE)
                bv[r] = vf_lookup16(biases[r] + c / group, spread);
        }
        QUANT_UNROLL
        for (int j = 0; j < per; j++) {
            QUANT_UNROLL
            for (int r = 0; r < R; r++) {
                vf v = quant_values(j ? vi_shr(code[r], j * bits) : code[r], bits, mode);
                wv[r] = mode == MX_AFFINE ? vf_fma(v, sv[r], bv[r]) : vf_mul(v, sv[r]);
            }
            QUANT_UNROLL
            for (int i = 0; i < S; i++) {
                vf xv = vf_load(x + i * b->ldx + j * VF_LANES);
                QUANT_UNROLL
                for (int r = 0; r < R; r++)
                    acc[r][i][j % 2] = vf_fma(wv[r], xv, acc[r][i][j % 2]);
            }
        }
    }
    QUANT_UNROLL
    for (int r = 0; r < R; r++) {
        QUANT_UNROLL
        for (int i = 0; i < S; i++) {
            if (row + r > b->last)
                continue;
            float *q = y + r + i * b->ldy;
            *q = vf_sum(vf_add(acc[r][i][0], acc[r][i][1])) + (b->k0 ? *q : 0.0f);
        }
    }
}

/* All rows, R at a time. */
SV void dot_rows(block *b, ptrdiff_t row, ptrdiff_t rows, int S, int bits, mx_quant_mode mode) {
    const int R = VF_REGS >= 32 ? (S <= 2 ? 4 : 2) : S <= 2 ? 2 : 1;
    b->n = b->k - b->k0 < BLOCK ? b->k - b->k0 : BLOCK;
    b->last = row + rows - 1;
    for (ptrdiff_t r = 0; r < rows; r += R)
        dot_block(b, row + r, b->y + r, R, S, bits, mode);
}

SV void dot_vectors(block *b, ptrdiff_t row, ptrdiff_t rows, int S, int bits, mx_quant_mode mode) {
    const float *x = b->x;
    for (b->k0 = 0; b->k0 < b->k; b->k0 += b->n) {
        b->x = x + b->k0;
        dot_rows(b, row, rows, S, bits, mode);
    }
    b->x = x + S * b->ldx;
    b->y += S * b->ldy;
}

SV void dot(block *b, ptrdiff_t row, ptrdiff_t rows, int s, int bits, mx_quant_mode mode) {
    for (; s >= 4; s -= 4)
        dot_vectors(b, row, rows, 4, bits, mode);
    if (s & 2)
        dot_vectors(b, row, rows, 2, bits, mode);
    if (s & 1)
        dot_vectors(b, row, rows, 1, bits, mode);
}

static void dot_any(float *y, ptrdiff_t ldy, const mx_quant_matrix *m, ptrdiff_t row,
                    ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s, ptrdiff_t k) {
    block b = {.m = m, .k = k, .x = x, .ldx = ldx, .y = y, .ldy = ldy};
    mx_quant_format f = m->format;
    if (32 % f.bits != 0) {
        KN(k_quant_dot_turned)(y, ldy, m, row, rows, x, ldx, s, k);
        return;
    }
    for (int lane = 0; lane < VF_LANES; lane++)
        b.spread[lane] = lane * (32 / f.bits) / f.group;
    if (f.mode == MX_MXFP8)
        dot(&b, row, rows, s, 8, MX_MXFP8);
    else if (f.mode != MX_AFFINE)
        dot(&b, row, rows, s, 4, MX_MXFP4);
    else if (f.bits == 2)
        dot(&b, row, rows, s, 2, MX_AFFINE);
    else if (f.bits == 4)
        dot(&b, row, rows, s, 4, MX_AFFINE);
    else
        dot(&b, row, rows, s, 8, MX_AFFINE);
}

/* ---- the numbers themselves ---- */

SV void arranged(float *dst, const mx_quant_matrix *m, const char *w, const float *scales,
                 const float *biases, vi spread, ptrdiff_t n, int bits, mx_quant_mode mode) {
    const int per = 32 / bits, group = m->format.group;
    const ptrdiff_t chunk = (ptrdiff_t)VF_LANES * per;
    for (ptrdiff_t c = 0; c < n; c += chunk, dst += chunk) {
        size_t words = (size_t)((n - c) / per);
        const int32_t *p = (const int32_t *)(const void *)w + c / per;
        vi code = words >= VF_LANES ? vi_load(p) : vi_loadn(p, words);
        vf sv = vf_lookup16(scales + c / group, spread), bv = vf_zero();
        if (mode == MX_AFFINE)
            bv = vf_lookup16(biases + c / group, spread);
        QUANT_UNROLL
        for (int j = 0; j < per; j++) {
            vf v = quant_values(j ? vi_shr(code, j * bits) : code, bits, mode);
            vf_store(dst + j * VF_LANES, mode == MX_AFFINE ? vf_fma(v, sv, bv) : vf_mul(v, sv));
        }
    }
}

static void arranged_any(float *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t k0,
                         ptrdiff_t n) {
    float scales[ROOM], biases[ROOM];
    int32_t lanes[VF_LANES];
    mx_quant_format f = m->format;
    const char *w = m->w + row * m->w_rs + k0 * f.bits / 8;
    quant_scales(scales, m, m->scales + row * m->s_rs, k0 / f.group, n / f.group);
    if (f.mode == MX_AFFINE)
        quant_scales(biases, m, m->biases + row * m->s_rs, k0 / f.group, n / f.group);
    for (int lane = 0; lane < VF_LANES; lane++)
        lanes[lane] = lane * (32 / f.bits) / f.group;
    vi spread = vi_load(lanes);
    if (f.mode == MX_MXFP8)
        arranged(dst, m, w, scales, biases, spread, n, 8, MX_MXFP8);
    else if (f.mode != MX_AFFINE)
        arranged(dst, m, w, scales, biases, spread, n, 4, MX_MXFP4);
    else if (f.bits == 2)
        arranged(dst, m, w, scales, biases, spread, n, 2, MX_AFFINE);
    else if (f.bits == 4)
        arranged(dst, m, w, scales, biases, spread, n, 4, MX_AFFINE);
    else
        arranged(dst, m, w, scales, biases, spread, n, 8, MX_AFFINE);
}

const mx_k_quant_dots KN(k_quant_dots) = {
    .lanes = VF_LANES, .arrange = arrange, .dot = dot_any, .arranged = arranged_any};
