/* Codes back to numbers, in their order. 32 codes are whole words; within such a unit every vector
 * of lanes takes its codes from known words with known shifts.
 *
 *     words of a unit   | w0 | w1 | w2 |        three bits
 *     lane i            word of bit 3 i, and the next where the code goes on there; shift by what
 *                       is left
 */
#include "kernels/quant/k_quant_codes.h"

enum { SPAN = 512, PARTS = 32 / VF_LANES, SLACK = 20 };

#if VF_LANES == 4

/* Four codes fit into 32 bits: each lane has them at its own height, and one shift brings all
   down. */
typedef struct lanes {
    vi power;
} lanes;

SV lanes lanes_of(int bits) {
    int32_t power[4] = {1 << 3 * bits, 1 << 2 * bits, 1 << bits, 1};
    return (lanes){vi_load(power)};
}

SV vi unit_codes(const float *t, const lanes *l, int p, int bits) {
    uint64_t window;
    memcpy(&window, (const char *)t + p * bits / 2, sizeof window);
    vi four = vi_set1((int32_t)(window >> (p * bits * 4 & 7)));
    return vi_and(vi_shr(vi_mul(four, l->power), 3 * bits), vi_set1((1 << bits) - 1));
}

#else

typedef struct lanes { /* of each vector of a unit */
    vi word[PARTS], shift[PARTS];
} lanes;

SV lanes lanes_of(int bits) {
    int32_t word[VF_LANES], shift[VF_LANES];
    lanes l;
    for (int p = 0; p < PARTS; p++) {
        for (int i = 0; i < VF_LANES; i++) {
            word[i] = (p * VF_LANES + i) * bits >> 5;
            shift[i] = (p * VF_LANES + i) * bits & 31;
        }
        l.word[p] = vi_load(word);
        l.shift[p] = vi_load(shift);
    }
    return l;
}

/* Vector p of the unit at t, of which 17 words may be read. */
SV vi unit_codes(const float *t, const lanes *l, int p, int bits) {
    if (bits == 8)
        return vi_load_u8((const uint8_t *)t + p * VF_LANES);
    vi v = vi_shrv(as_vi(vf_lookup16(t, l->word[p])), l->shift[p]);
    if (32 % bits != 0) { // the rest of the code is in the next word
        vi next = as_vi(vf_lookup16(t + 1, l->word[p]));
        v = vi_or(v, vi_shl(vi_shlv(next, vi_sub(vi_set1(31), l->shift[p])), 1));
    }
    return vi_and(v, vi_set1((1 << bits) - 1));
}

#endif

SV vf code_values(vi code, mx_quant_mode mode) {
    if (mode == MX_AFFINE)
        return vf_from_i(code);
    return mode == MX_MXFP8 ? quant_from_e4m3(code) : quant_from_e2m1(code);
}

/* `units` units from the words t; scale number g belongs to the first group codes. The product and
   the sum are rounded one after the other, as MLX does. */
SV void decode_units(void *dst, const float *t, const float *scales, const float *biases, int group,
                     ptrdiff_t units, int bits, mx_quant_mode mode, mx_dtype kind) {
    lanes l = lanes_of(bits);
    int log = __builtin_ctz((unsigned)group); // a division would take longer than all the rest
    for (ptrdiff_t u = 0; u < units; u++, t += bits)
        QUANT_UNROLL
    for (int p = 0; p < PARTS; p++) {
        ptrdiff_t k = u * 32 + p * VF_LANES, g = k >> log;
        vf v = code_values(unit_codes(t, &l, p, bits), mode);
        v = vf_mul(v, vf_set1(scales[g]));
        if (mode == MX_AFFINE)
            v = vf_add(quant_round(v, kind), vf_set1(biases[g]));
        kind_store((char *)dst + k * (ptrdiff_t)kind_size(kind), v, kind);
    }
}

SV void decode_any(void *dst, const float *t, const float *s, const float *b, mx_quant_format f,
                   ptrdiff_t units, mx_dtype kind) {
    if (f.mode == MX_NVFP4)
        decode_units(dst, t, s, b, 16, units, 4, MX_NVFP4, kind);
    else if (f.mode == MX_MXFP4)
        decode_units(dst, t, s, b, 32, units, 4, MX_MXFP4, kind);
    else if (f.mode == MX_MXFP8)
        decode_units(dst, t, s, b, 32, units, 8, MX_MXFP8, kind);
    else if (f.bits == 2)
        decode_units(dst, t, s, b, f.group, units, 2, MX_AFFINE, kind);
    else if (f.bits == 3)
        decode_units(dst, t, s, b, f.group, units, 3, MX_AFFINE, kind);
    else if (f.bits == 4)
        decode_units(dst, t, s, b, f.group, units, 4, MX_AFFINE, kind);
    else if (f.bits == 5)
        decode_units(dst, t, s, b, f.group, units, 5, MX_AFFINE, kind);
    else if (f.bits == 6)
        decode_units(dst, t, s, b, f.group, units, 6, MX_AFFINE, kind);
    else
        decode_units(dst, t, s, b, f.group, units, 8, MX_AFFINE, kind);
}

/* n <= SPAN codes from k, both whole groups or units; n = 16 (nvfp4) writes 32. */
SV void decode_span(void *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t k, ptrdiff_t n,
                    mx_dtype kind) {
    float scales[SPAN / 16 + VF_LANES + 8], biases[SPAN / 16 + VF_LANES + 8];
    float t[SPAN * 8 / 32 + SLACK];
    mx_quant_format f = m->format;
    ptrdiff_t first = k / f.group, last = (k + n + f.group - 1) / f.group;
    quant_scales(scales, m, m->scales + row * m->s_rs, first, last - first);
    if (m->biases)
        quant_scales(biases, m, m->biases + row * m->s_rs, first, last - first);
    // a copy of the words, so that whole vectors can be read past their end
    size_t bytes = (size_t)(n * f.bits / 8);
    memcpy(t, m->w + row * m->w_rs + k * f.bits / 8, bytes);
    memset((char *)t + bytes, 0, SLACK * sizeof *t);
    decode_any(dst, t, scales, biases, f, (n + 31) / 32, kind);
}

/* Any stretch of a row: whole spans in place, what is left by way of a span of its own. */
SV void decode(void *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t k0, ptrdiff_t n,
               mx_dtype kind) {
    ptrdiff_t size = (ptrdiff_t)kind_size(kind), unit = m->format.group;
    unit = unit < 32 ? 32 : unit;
    float room[SPAN];
    for (ptrdiff_t k = k0, end = k0 + n; k < end;) {
        ptrdiff_t from = k / unit * unit, left = end - from, span = left < SPAN ? left : SPAN;
        char *to = (char *)dst + (k - k0) * size;
        if (from == k && span % unit == 0) {
            decode_span(to, m, row, k, span, kind);
        } else {
            // the row may end with half a unit; it never ends within a group
            ptrdiff_t whole = (span + m->format.group - 1) / m->format.group * m->format.group;
            decode_span(room, m, row, from, whole, kind);
            memcpy(to, (char *)room + (k - from) * size, (size_t)((from + span - k) * size));
        }
        k = from + span;
    }
}

void KN(k_dequant)(float *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t k0, ptrdiff_t n) {
    decode(dst, m, row, k0, n, MX_FLOAT32);
}
void KN(k_dequantize_f32)(void *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t n) {
    decode(dst, m, row, 0, n, MX_FLOAT32);
}
void KN(k_dequantize_f16)(void *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t n) {
    decode(dst, m, row, 0, n, MX_FLOAT16);
}
void KN(k_dequantize_bf16)(void *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t n) {
    decode(dst, m, row, 0, n, MX_BFLOAT16);
}
