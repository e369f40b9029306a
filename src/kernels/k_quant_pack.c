/* Micropanels of a quantized matrix whose rows are the panel's columns. The words of the rows are transposed as
 * they are; then lanes are rows, code j of all of them comes out with one shift, and the panel is written in
 * order.
 *
 *     words (rows, words)  ──▶  words (words, w)  ──▶  numbers (k, w)
 */
#include "kernels/k_quant_codes.h"
#include "kernels/k_tile.h"

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

/* Codes j0 .. j1 of a unit, both even, to lines from dst; `one` is how far scales of the next group are. */
SV void put_unit(void *dst, const uint32_t *p, int w, int j0, int j1, int bits, mx_quant_mode mode,
                 const float *s, const float *b, int group, bool pairs) {
    QUANT_UNROLL
    for (int j = j0; j < j1; j += 2) {
        int at = group == 16 ? j / 16 * w : 0;
        put(dst, j - j0, w, number(p, w, j, bits, mode, s + at, b + at),
            number(p, w, j + 1, bits, mode, s + at, b + at), pairs);
    }
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
            if (skip == 0 && last == 32)
                put_unit(to, p + lane, w, 0, 32, bits, mode, s, b, group, pairs);
            else
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
