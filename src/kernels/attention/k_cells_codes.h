/* Template: rows times keys or values in codes of 8 and 4 bits. Included with CELLS, the name of
 * the table.
 *
 * Codes and rows of 16 bits meet two by two in integers. The sum of a group is exact; each group of
 * a sum over features then adds
 *
 *     y += (float)(sum of code q) * (scale * x's scale)
 *     y += least * (x's scale * sum of q)
 *
 * and a sum over positions is one group. So a result depends on its row and its column alone.
 */
#include <math.h>

#include "kernels/attention/k_attention.h"
#include "kernels/attention/k_cells_rows.h"

#define L VF_LANES

#define UNROLL SIMD_UNROLL(16)

enum {
    VECTORS = 2, /* of results */
    GROUP = MX_K_CELL_GROUP,
    HALF = GROUP / 2,
    MOST_K = 64,
    CHUNKS = MOST_K / L
};

/* A word a line. */
// clang-format off

/*     load_wide8(p)       2 L bytes, 16 bits each
 *     dot_pairs(p, w, x)  p and, in each lane, the two products of 16 bits of w and x
 *     store_low16(p, v)   the lower halves of the lanes, which are no more than these */
#if L == 16
SV vi load_wide8(const uint8_t *p) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)p));
}
SV void store_low16(int16_t *p, vi v) { _mm256_storeu_si256((void *)p, _mm512_cvtepi32_epi16(v)); }
#ifdef __AVX512VNNI__
SV vi dot_pairs(vi p, vi w, vi x) { return _mm512_dpwssd_epi32(p, w, x); }
#else
SV vi dot_pairs(vi p, vi w, vi x) { return vi_add(p, _mm512_madd_epi16(w, x)); }
#endif
#elif L == 8
SV vi load_wide8(const uint8_t *p) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)p));
}
SV void store_low16(int16_t *p, vi v) {
    __m128i low = _mm256_castsi256_si128(v), high = _mm256_extracti128_si256(v, 1);
    _mm_storeu_si128((void *)p, _mm_packs_epi32(low, high));
}
#ifdef __AVXVNNI__
SV vi dot_pairs(vi p, vi w, vi x) { return _mm256_dpwssd_avx_epi32(p, w, x); }
#else
SV vi dot_pairs(vi p, vi w, vi x) { return vi_add(p, _mm256_madd_epi16(w, x)); }
#endif
#elif defined(__SSE2__)
SV vi load_wide8(const uint8_t *p) {
    return _mm_unpacklo_epi8(_mm_loadl_epi64((const void *)p), _mm_setzero_si128());
}
SV void store_low16(int16_t *p, vi v) { _mm_storel_epi64((void *)p, _mm_packs_epi32(v, v)); }
SV vi dot_pairs(vi p, vi w, vi x) { return vi_add(p, _mm_madd_epi16(w, x)); }
#else
SV vi load_wide8(const uint8_t *p) { return vreinterpretq_s32_u16(vmovl_u8(vld1_u8(p))); }
SV void store_low16(int16_t *p, vi v) { vst1_s16(p, vmovn_s32(v)); }
SV vi dot_pairs(vi p, vi w, vi x) {
    int16x8_t a = vreinterpretq_s16_s32(w), b = vreinterpretq_s16_s32(x);
    vi low = vmull_s16(vget_low_s16(a), vget_low_s16(b)), high = vmull_high_s16(a, b);
    return vaddq_s32(p, vpaddq_s32(low, high));
}
#endif

// clang-format on

/* Two numbers of a row, in each lane. */
SV vi pair_at(const int16_t *q) {
    int32_t x;
    memcpy(&x, q, sizeof x);
    return vi_set1(x);
}

SV vi each16(int x) {
    return vi_set1(x << 16 | x);
}

typedef vi cell_sums[ROWS][VECTORS];

SV void clear(cell_sums p, const int S, const int C) {
    UNROLL
    for (int r = 0; r < S; r++) {
        UNROLL
        for (int c = 0; c < C; c++)
            p[r][c] = vi_set1(0);
    }
}

/* p += v by the numbers at q of each row, `row` numbers apart. */
SV void add_pairs(cell_sums p, const vi *v, const int16_t *q, ptrdiff_t row, const int S,
                  const int C) {
    UNROLL
    for (int r = 0; r < S; r++) {
        vi x = pair_at(q + r * row);
        UNROLL
        for (int c = 0; c < C; c++)
            p[r][c] = dot_pairs(p[r][c], v[c], x);
    }
}

/* --- rounding --------------------------------------------------------------------------------- */

/* n vectors as whole numbers of 16 bits; the sum of these where it is asked for. The scale is
   NaN where a number is not finite. */
SV float round_vectors(int16_t *q, const vf *v, const int n, vf *sum) {
    const float steps = 32767.0f;
    vi most = vi_set1(0);
    UNROLL
    for (int c = 0; c < n; c++)
        most = vi_max(most, as_vi(vf_abs(v[c])));
    bool finite = !vm_any(vi_gt(most, vi_set1(0x7f7fffff)));
    float top = vf_hmax(as_vf(most));
    // below, the inverse might be infinite and the scale subnormal
    bool some = finite && top >= 0x1p-110f;
    vf by = vf_set1(some ? steps / top : 0.0f);
    UNROLL
    for (int c = 0; c < n; c++) {
        vi code = vi_round_f(vf_mul(v[c], by));
        store_low16(q + c * L, code);
        if (sum)
            *sum = vf_add(*sum, vf_from_i(code));
    }
    return some ? top / steps : finite ? 0.0f : NAN;
}

static void round_row(void *row, const float *x, ptrdiff_t k) {
    int16_t *q = row;
    float *scale = (float *)(void *)(q + k), *word = scale + k / GROUP;
    for (ptrdiff_t g = 0; g < k / GROUP; g++) {
        vf v[GROUP / L], sum = vf_zero();
        UNROLL
        for (int c = 0; c < GROUP / L; c++)
            v[c] = vf_load(x + g * GROUP + c * L);
        scale[g] = round_vectors(q + g * GROUP, v, GROUP / L, &sum);
        word[g] = scale[g] * vf_sum(sum);
    }
}

/* --- keys ------------------------------------------------------------------------------------- */

/* Sums of a group's codes at p, for C vectors of columns. */
SV void group_of_keys(cell_sums sum, const uint8_t *p, ptrdiff_t ld, const int16_t *q,
                      ptrdiff_t row, const int S, const int C, const int bits) {
    const int steps = bits == 4 ? HALF / 2 : GROUP / 2;
    cell_sums above; // codes in the upper halves of bytes count 16 times
    clear(sum, S, C);
    clear(above, S, C);
    for (int t = 0; t < steps; t++, p += ld, q += 2) {
        vi low[VECTORS], high[VECTORS];
        UNROLL
        for (int c = 0; c < C; c++) {
            vi v = load_wide8(p + c * 2 * L);
            low[c] = bits == 4 ? vi_and(v, each16(15)) : v;
            high[c] = vi_and(v, each16(15 << 4));
        }
        add_pairs(sum, low, q, row, S, C);
        if (bits == 4)
            add_pairs(above, high, q + HALF, row, S, C);
    }
    UNROLL
    for (int r = 0; bits == 4 && r < S; r++) {
        UNROLL
        for (int c = 0; c < C; c++)
            sum[r][c] = vi_add(sum[r][c], vi_sra(above[r][c], 4));
    }
}

/* C vectors of columns from j on. */
SV void keys_block(float *y, ptrdiff_t ldy, const mx_k_cells *m, const char *x, ptrdiff_t row,
                   ptrdiff_t j, const int S, const int C, const int bits) {
    const uint8_t *cells = (const uint8_t *)m->cells + 2 * j;
    const ptrdiff_t groups = m->k / GROUP, lines = (bits == 4 ? HALF : GROUP) / 2;
    vf sum[ROWS][VECTORS];
    UNROLL
    for (int r = 0; r < S; r++) {
        UNROLL
        for (int c = 0; c < C; c++)
            sum[r][c] = vf_zero();
    }
    for (ptrdiff_t g = 0; g < groups; g++) {
        const float *by = (const float *)(const void *)(x + m->k * 2) + g;
        cell_sums p;
        group_of_keys(p, cells + g * lines * m->ld, m->ld,
                      (const int16_t *)(const void *)x + g * GROUP, row / 2, S, C, bits);
        UNROLL
        for (int c = 0; c < C; c++) {
            ptrdiff_t at = g * m->scale_ld + j + c * L;
            vf scale = vf_load_f16(m->scale + at), least = vf_load_f16(m->least + at);
            UNROLL
            for (int r = 0; r < S; r++) {
                const float *of = by + r * (row / 4);
                vf s = vf_mul(scale, vf_set1(of[0]));
                sum[r][c] = vf_fma(vf_from_i(p[r][c]), s, sum[r][c]);
                sum[r][c] = vf_fma(least, vf_set1(of[groups]), sum[r][c]);
            }
        }
    }
    UNROLL
    for (int r = 0; r < S; r++) {
        UNROLL
        for (int c = 0; c < C; c++)
            vf_store(y + r * ldy + j + c * L, sum[r][c]);
    }
}

SV void keys_rows(float *y, ptrdiff_t ldy, const mx_k_cells *m, const char *x, ptrdiff_t row,
                  const int S, const int bits) {
    ptrdiff_t j = 0;
    for (; j + VECTORS * L <= m->n; j += VECTORS * L)
        keys_block(y, ldy, m, x, row, j, S, VECTORS, bits);
    for (; j < m->n; j += L)
        keys_block(y, ldy, m, x, row, j, S, 1, bits);
}

/* --- values ----------------------------------------------------------------------------------- */

/* Rows times the scales of a group of columns, in 16 bits. */
typedef struct weighed {
    int16_t q[ROWS][MOST_K];
    float scale[ROWS];
    float least[ROWS]; /* sums of x by least values */
} weighed;

/* v: x by scales; sum: x by least values; of L positions, or of the first n. */
SV void weigh_some(vf *v, vf *sum, const float *x, const uint16_t *scale, const uint16_t *least,
                   size_t n, const bool full) {
    vf number = full ? vf_load(x) : vf_loadn(x, n);
    vf by = vf_load_f16(scale), low = vf_load_f16(least);
    vm some = vm_first(full ? L : n); // behind them anything may stand
    *v = vf_mul(number, full ? by : vf_select(some, by, vf_zero()));
    *sum = vf_fma(number, full ? low : vf_select(some, low, vf_zero()), *sum);
}

SV void weigh(weighed *w, const mx_k_cells *m, const float *x, ptrdiff_t ldx, ptrdiff_t g,
              const int S, const bool full) {
    vf v[ROWS][CHUNKS], sum[ROWS];
    UNROLL
    for (int r = 0; r < S; r++)
        sum[r] = vf_zero();
    UNROLL
    for (int c = 0; c < CHUNKS; c++) {
        ptrdiff_t left = m->k - c * L, at = g * m->scale_ld + c * L;
        size_t n = left < 0 ? 0 : left < L ? (size_t)left : L;
        UNROLL
        for (int r = 0; r < S; r++)
            weigh_some(&v[r][c], &sum[r], x + r * ldx + c * L, m->scale + at, m->least + at, n,
                       full);
    }
    UNROLL
    for (int r = 0; r < S; r++) {
        w->least[r] = vf_sum(sum[r]);
        w->scale[r] = round_vectors(w->q[r], v[r], CHUNKS, NULL);
    }
}

/* Columns j .. j+L and HALF behind them, of a group that begins at p. */
SV void values_block(float *y, ptrdiff_t ldy, const mx_k_cells *m, const weighed *w,
                     const uint8_t *p, ptrdiff_t j, const int S, const int bits) {
    cell_sums sum;
    clear(sum, S, VECTORS);
    p += 2 * j;
    for (ptrdiff_t k = 0; k < m->k; k += 2, p += m->ld) {
        vi v[VECTORS];
        if (bits == 4) {
            vi both = load_wide8(p);
            v[0] = vi_and(both, each16(15));
            v[1] = vi_and(both, each16(15 << 4));
        } else {
            v[0] = load_wide8(p);
            v[1] = load_wide8(p + 2 * HALF);
        }
        add_pairs(sum, v, w->q[0] + k, MOST_K, S, VECTORS);
    }
    UNROLL
    for (int r = 0; r < S; r++) {
        vf low = vf_set1(w->scale[r]), least = vf_set1(w->least[r]);
        vf high = bits == 4 ? vf_mul(low, vf_set1(0x1p-4f)) : low;
        vf_store(y + r * ldy + j, vf_fma(vf_from_i(sum[r][0]), low, least));
        vf_store(y + r * ldy + j + HALF, vf_fma(vf_from_i(sum[r][1]), high, least));
    }
}

SV void values_rows(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                    const int S, const int bits) {
    for (ptrdiff_t g = 0; g < m->n / GROUP; g++) {
        const uint8_t *p = (const uint8_t *)m->cells + g * (bits == 4 ? HALF : GROUP) * 2;
        weighed w;
        if (m->k == MOST_K)
            weigh(&w, m, x, ldx, g, S, true);
        else
            weigh(&w, m, x, ldx, g, S, false);
        for (ptrdiff_t j = 0; j < HALF; j += L)
            values_block(y + g * GROUP, ldy, m, &w, p, j, S, bits);
    }
}

/* --- all -------------------------------------------------------------------------------------- */

SV void all_keys(float *y, ptrdiff_t ldy, const mx_k_cells *m, const char *x, ptrdiff_t row,
                 ptrdiff_t rows, const int bits) {
#define KEYS(r, n) keys_rows(y + (r) * ldy, ldy, m, x + (r) * row, row, n, bits)
    BY_ROWS(rows, KEYS);
#undef KEYS
}

SV void all_values(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                   ptrdiff_t rows, const int bits) {
#define VALUES(r, n) values_rows(y + (r) * ldy, ldy, m, x + (r) * ldx, ldx, n, bits)
    BY_ROWS(rows, VALUES);
#undef VALUES
}

static void keys(float *y, ptrdiff_t ldy, const mx_k_cells *m, const void *x, ptrdiff_t row,
                 ptrdiff_t rows) {
    if (m->bits == 4)
        all_keys(y, ldy, m, x, row, rows, 4);
    else
        all_keys(y, ldy, m, x, row, rows, 8);
}

static void values(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                   ptrdiff_t rows) {
    if (m->bits == 4)
        all_values(y, ldy, m, x, ldx, rows, 4);
    else
        all_values(y, ldy, m, x, ldx, rows, 8);
}

const mx_k_cell_codes KN(CELLS) = {round_row, keys, values};
