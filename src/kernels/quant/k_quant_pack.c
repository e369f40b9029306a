/* Micropanels of a quantized matrix whose rows are the panel's columns. The words of the rows are
 * transposed as they are; then lanes are rows, code j of all of them comes out with one shift, and
 * the panel is written in order.
 *
 *     words (rows, words)  ──▶  words (words, w)  ──▶  numbers (k, w)
 */
#include "kernels/quant/k_quant_codes.h"
#include "kernels/matmul/k_tile.h"

enum { CHUNK = 512, MOST_W = 2 * VF_LANES };

typedef struct chunk {
    uint32_t words[CHUNK * 8 / 32 * MOST_W];
    float scales[CHUNK / 16 * MOST_W], biases[CHUNK / 16 * MOST_W];
} chunk;

/* Groups first .. first+n of each row, turned. */
static void turn_scales(float *dst, const mx_quant_matrix *m, const char *base, int w,
                        ptrdiff_t row, int rows, ptrdiff_t first, ptrdiff_t n) {
    enum { LINE = CHUNK / 16 + VF_LANES };
    float lines[MOST_W * LINE];
    for (int r = 0; r < rows; r++)
        quant_scales(lines + r * LINE, m, base + (row + r) * m->s_rs, first, n);
    KN(k_pack_f32)(dst, w, lines, LINE, 1, rows, n);
}

static void read_chunk(chunk *c, const mx_quant_matrix *m, int w, ptrdiff_t row, int rows,
                       ptrdiff_t from, ptrdiff_t end) {
    mx_quant_format f = m->format;
    ptrdiff_t word = from * f.bits / 32, words = (end * f.bits + 31) / 32 - word;
    ptrdiff_t first = from / f.group, groups = (end + f.group - 1) / f.group - first;
    KN(k_pack_f32)(c->words, w, m->w + row * m->w_rs + word * 4, m->w_rs / 4, 1, rows, words);
    turn_scales(c->scales, m, m->scales, w, row, rows, first, groups);
    if (m->biases)
        turn_scales(c->biases, m, m->biases, w, row, rows, first, groups);
}

/* Code j of a unit of 32, of the rows whose words of it stand at p, w apart. */
SV vf number(const uint32_t *p, int w, int j, int bits, mx_quant_mode mode, const float *s,
             const float *b) {
    int word = j * bits >> 5, shift = j * bits & 31;
    vi v = vi_load((const int32_t *)p + word * w);
    v = shift ? vi_shr(v, shift) : v;
    if (shift + bits > 32)
        v = vi_or(v, vi_shl(vi_load((const int32_t *)p + (word + 1) * w), 32 - shift));
    vf q = quant_values(v, bits, mode);
    return mode == MX_AFFINE ? vf_fma(q, vf_load(s), vf_load(b)) : vf_mul(q, vf_load(s));
}

SV void put(void *dst, ptrdiff_t k, int w, vf a, vf next, bool pairs) {
    if (pairs) {
        vi low = vi_shr(vi_round_bf16(a), 16);
        vi high = vi_and(vi_round_bf16(next), vi_set1((int32_t)0xffff0000));
        vi_store((int32_t *)dst + k / 2 * w, vi_or(low, high));
    } else {
        vf_store((float *)dst + k * w, a);
        vf_store((float *)dst + (k + 1) * w, next);
    }
}

/* Codes j and j + 1 of a unit to line `at` of dst. */
SV void put_two(void *dst, int at, const uint32_t *p, int w, int j, int bits, mx_quant_mode mode,
                const float *s, const float *b, int group, bool pairs) {
    int next = group == 16 ? j / 16 * w : 0; // nvfp4: the second group of the unit
    put(dst, at, w, number(p, w, j, bits, mode, s + next, b + next),
        number(p, w, j + 1, bits, mode, s + next, b + next), pairs);
}

/* Codes j0 .. j1 of a unit, both even. */
SV void put_unit(void *dst, const uint32_t *p, int w, int j0, int j1, int bits, mx_quant_mode mode,
                 const float *s, const float *b, int group, bool pairs) {
    if (j0 > 0 || j1 < 32) {
        for (int j = j0; j < j1; j += 2)
            put_two(dst, j - j0, p, w, j, bits, mode, s, b, group, pairs);
        return;
    }
    QUANT_UNROLL
    for (int j = 0; j < 32; j += 2)
        put_two(dst, j, p, w, j, bits, mode, s, b, group, pairs);
}

/* Numbers from .. end of the rows; the chunk begins at number `base`, a multiple of 128. */
SV void put_chunk(char *dst, const chunk *c, int w, ptrdiff_t base, ptrdiff_t from, ptrdiff_t end,
                  int group, int bits, mx_quant_mode mode, bool pairs) {
    const int log = __builtin_ctz((unsigned)group);
    size_t line = (size_t)w * (pairs ? 2 : 4); // bytes of one k
    for (ptrdiff_t k = from / 32 * 32; k < end; k += 32) {
        const uint32_t *p = c->words + (k - base) / 32 * bits * w;
        ptrdiff_t at = ((k - base) >> log) * w, skip = k < from ? from - k : 0;
        int last = end - k < 32 ? (int)(end - k) : 32;
        char *to = dst + (size_t)(k + skip - from) * line;
        for (int lane = 0; lane < w; lane += VF_LANES, to += VF_LANES * 4) {
            const float *s = c->scales + at + lane, *b = c->biases + at + lane;
            put_unit(to, p + lane, w, (int)skip, last, bits, mode, s, b, group, pairs);
        }
    }
}

SV void put_mode(char *dst, const chunk *c, int w, ptrdiff_t base, ptrdiff_t from, ptrdiff_t end,
                 mx_quant_format f, bool pairs) {
    if (f.mode == MX_NVFP4)
        put_chunk(dst, c, w, base, from, end, 16, 4, MX_NVFP4, pairs);
    else if (f.mode == MX_MXFP4)
        put_chunk(dst, c, w, base, from, end, 32, 4, MX_MXFP4, pairs);
    else if (f.mode == MX_MXFP8)
        put_chunk(dst, c, w, base, from, end, 32, 8, MX_MXFP8, pairs);
    else if (f.bits == 2)
        put_chunk(dst, c, w, base, from, end, f.group, 2, MX_AFFINE, pairs);
    else if (f.bits == 3)
        put_chunk(dst, c, w, base, from, end, f.group, 3, MX_AFFINE, pairs);
    else if (f.bits == 4)
        put_chunk(dst, c, w, base, from, end, f.group, 4, MX_AFFINE, pairs);
    else if (f.bits == 5)
        put_chunk(dst, c, w, base, from, end, f.group, 5, MX_AFFINE, pairs);
    else if (f.bits == 6)
        put_chunk(dst, c, w, base, from, end, f.group, 6, MX_AFFINE, pairs);
    else
        put_chunk(dst, c, w, base, from, end, f.group, 8, MX_AFFINE, pairs);
}

void KN(k_quant_pack)(void *dst, int w, const mx_quant_matrix *m, ptrdiff_t row, int rows,
                      ptrdiff_t k0, ptrdiff_t k, bool pairs) {
    chunk c;
    size_t line = (size_t)w * (pairs ? 2 : 4);
    for (ptrdiff_t from = k0, end = k0 + k, base, stop; from < end; from = stop) {
        base = from / 128 * 128; // whole groups, whole words
        stop = base + CHUNK < end ? base + CHUNK : end;
        read_chunk(&c, m, w, row, rows, base, stop);
        char *to = (char *)dst + (size_t)(from - k0) * line;
        if (pairs)
            put_mode(to, &c, w, base, from, stop, m->format, true);
        else
            put_mode(to, &c, w, base, from, stop, m->format, false);
    }
}

/* ---- the same numbers, multiplied at once ---- */

/* One chunk of k against S vectors: sums of both halves of the rows are kept in registers, each in
   two parts whatever S is. */
SV void sum_chunk(float *sums, const chunk *c, const float *x, ptrdiff_t ldx, ptrdiff_t n,
                  int group, int S, int bits) {
    const int w = MOST_W, log = __builtin_ctz((unsigned)group);
    vf acc[4][2][2];
    QUANT_UNROLL
    for (int i = 0; i < S; i++)
        for (int h = 0; h < 2; h++) {
            acc[i][h][0] = vf_load(sums + i * w + h * VF_LANES);
            acc[i][h][1] = vf_zero();
        }
    for (ptrdiff_t k = 0; k < n; k += 32) {
        const uint32_t *p = c->words + k / 32 * bits * w;
        const float *s = c->scales + (k >> log) * w, *b = c->biases + (k >> log) * w;
        QUANT_UNROLL_32
        for (int j = 0; j < 32; j++) {
            vf lo = number(p, w, j, bits, MX_AFFINE, s, b);
            vf hi = number(p + VF_LANES, w, j, bits, MX_AFFINE, s + VF_LANES, b + VF_LANES);
            QUANT_UNROLL
            for (int i = 0; i < S; i++) {
                vf xv = vf_set1(x[i * ldx + k + j]);
                acc[i][0][j % 2] = vf_fma(lo, xv, acc[i][0][j % 2]);
                acc[i][1][j % 2] = vf_fma(hi, xv, acc[i][1][j % 2]);
            }
        }
    }
    QUANT_UNROLL
    for (int i = 0; i < S; i++)
        for (int h = 0; h < 2; h++)
            vf_store(sums + i * w + h * VF_LANES, vf_add(acc[i][h][0], acc[i][h][1]));
}

SV void sum_vectors(float *sums, const chunk *c, const float *x, ptrdiff_t ldx, int s, ptrdiff_t n,
                    int group, int bits) {
    for (; s >= 4; s -= 4, sums += 4 * MOST_W, x += 4 * ldx)
        sum_chunk(sums, c, x, ldx, n, group, 4, bits);
    for (; s > 0; s--, sums += MOST_W, x += ldx)
        sum_chunk(sums, c, x, ldx, n, group, 1, bits);
}

/* Up to MOST_W rows against all of the vectors. */
static void sum_rows(float *sums, const mx_quant_matrix *m, ptrdiff_t row, int rows, const float *x,
                     ptrdiff_t ldx, int s, ptrdiff_t k) {
    chunk c;
    int bits = m->format.bits, group = m->format.group;
    for (ptrdiff_t from = 0, n; from < k; from += n) {
        n = k - from < CHUNK ? k - from : CHUNK;
        read_chunk(&c, m, MOST_W, row, rows, from, from + n);
        if (bits == 3)
            sum_vectors(sums, &c, x + from, ldx, s, n, group, 3);
        else if (bits == 5)
            sum_vectors(sums, &c, x + from, ldx, s, n, group, 5);
        else
            sum_vectors(sums, &c, x + from, ldx, s, n, group, 6);
    }
}

void KN(k_quant_dot_turned)(float *y, ptrdiff_t ldy, const mx_quant_matrix *m, ptrdiff_t row,
                            ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s, ptrdiff_t k) {
    enum { VECTORS = 8 };
    float sums[VECTORS * MOST_W];
    for (int i = 0; i < s; i += VECTORS)
        for (ptrdiff_t r = 0; r < rows; r += MOST_W) {
            int have = rows - r < MOST_W ? (int)(rows - r) : MOST_W;
            int some = s - i < VECTORS ? s - i : VECTORS;
            memset(sums, 0, sizeof sums);
            sum_rows(sums, m, row + r, have, x + i * ldx, ldx, some, k);
            for (int v = 0; v < some; v++)
                memcpy(y + (i + v) * ldy + r, sums + v * MOST_W, (size_t)have * sizeof *y);
        }
}
