/* The formats as codes (blocks/blocks.h has their layouts): `unpack_<format>` gives a sink one
 * block of each row. */
#ifndef MX_KERNELS_K_CODES_FORMATS_H
#define MX_KERNELS_K_CODES_FORMATS_H

#include "kernels/codes/k_codes_sink.h"

/* A byte in all four of a lane. */
SV vi each_byte(int b) {
    return vi_set1((int32_t)((uint32_t)b * 0x01010101u));
}
/* The `bits` bits from `shift` on of each byte. */
SV vi bits_of(vi v, int shift, int bits) {
    return vi_and(shift ? vi_shr(v, shift) : v, each_byte((1 << bits) - 1));
}
/* Byte i of each lane, with zeros or with its sign. */
SV vi byte_of(vi v, int i) {
    return vi_and(vi_shr(v, 8 * i), vi_set1(255));
}
SV vi signed_byte_of(vi v, int i) {
    return vi_sra(vi_shl(v, 24 - 8 * i), 24);
}

/* float16 in the upper, or the lower half of each lane. */
#if VF_LANES == 16
SV vf lower_half(vi v) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v));
}
SV vf upper_half(vi v) {
    return lower_half(vi_shr(v, 16));
}
#else
SV vf upper_half(vi v) {
    uint16_t h[VF_LANES];
    vi_store_high16(h, v);
    return vf_load_f16(h);
}
SV vf lower_half(vi v) {
    return upper_half(vi_shl(v, 16));
}
#endif

#define UNPACK(name) SV void unpack_##name(sink *s, mx_code_strip rows, ptrdiff_t at, const way w)

/* --- 32 numbers a block ----------------------------------------------------------------------- */

/* 16 bytes with codes in pairs of 16. */
SV void part_nibbles(vi *v, const vi *t) {
    CODES_UNROLL
    for (int c = 0; c < 4; c++) {
        v[4 + c] = bits_of(t[c], 4, 4);
        v[c] = bits_of(t[c], 0, 4);
    }
}
SV void nibbles(vi *v, mx_code_strip rows, ptrdiff_t at) {
    vi t[4];
    rows_turn16(t, rows, at);
    part_nibbles(v, t);
}
SV void look_up(vi *v, const int8_t *table) {
    CODES_UNROLL
    for (int c = 0; c < 8; c++)
        v[c] = bytes_lookup(table, v[c]);
}

UNPACK(q4_0) {
    vi v[8];
    put_scale(s, lower_half(rows_turn4(rows, at)));
    nibbles(v, rows, at + 2);
    put_group(s, v, w);
}

/* The five words of a block. */
SV void words_q4_1(sink *s, const vi *t, const way w) {
    vi v[8];
    put_scale(s, lower_half(t[0]));
    put_least(s, upper_half(t[0]));
    part_nibbles(v, t + 1);
    put_group(s, v, w);
}

UNPACK(q4_1) {
    vi t[5];
    t[0] = rows_turn4(rows, at);
    rows_turn16(t + 1, rows, at + 4);
    words_q4_1(s, t, w);
}

/* Bits 4 c .. 4 c + 4 of each lane as bit 4 of its bytes: the product has each bit of the nibble 7
   places from the next. */
SV vi fifth_bits(vi high, int c) {
    vi nibble = vi_and(vi_shr(high, 4 * c), vi_set1(15));
    return vi_and(vi_mul(nibble, vi_set1(0x00204081 << 4)), each_byte(16));
}
SV void add_fifths(vi *v, vi high) {
    CODES_UNROLL
    for (int c = 0; c < 8; c++)
        v[c] = vi_or(v[c], fifth_bits(high, c));
}

UNPACK(q5_0) {
    vi v[8];
    put_scale(s, lower_half(rows_turn4(rows, at)));
    nibbles(v, rows, at + 6);
    add_fifths(v, rows_turn4(rows, at + 2));
    put_group(s, v, w);
}

UNPACK(q5_1) {
    vi v[8], halves = rows_turn4(rows, at);
    put_scale(s, lower_half(halves));
    put_least(s, upper_half(halves));
    nibbles(v, rows, at + 8);
    add_fifths(v, rows_turn4(rows, at + 4));
    put_group(s, v, w);
}

UNPACK(q8_0) {
    vi v[8];
    put_scale(s, lower_half(rows_turn4(rows, at)));
    rows_turn16(v, rows, at + 2);
    rows_turn16(v + 4, rows, at + 18);
    put_group(s, v, w);
}

UNPACK(iq4_nl) {
    vi v[8];
    put_scale(s, lower_half(rows_turn4(rows, at)));
    nibbles(v, rows, at + 2);
    look_up(v, mx_iq4_levels);
    put_group(s, v, w);
}

/* mx_fp4_levels and the offset of codes.h. */
static const int8_t fp4_codes[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

/* mx_mxfp4_half_scale of the lowest byte. */
SV vf half_scale(vi v) {
    vi e = byte_of(v, 0), small = vi_shlv(vi_set1(0x200000), vi_and(e, vi_set1(1)));
    vi usual = vi_shl(vi_sub(e, vi_set1(1)), 23);
    return as_vf(vi_select(vi_lt(e, vi_set1(2)), small, usual));
}

UNPACK(mxfp4_gguf) {
    vi v[8];
    put_scale(s, half_scale(rows_turn4(rows, at)));
    nibbles(v, rows, at + 1);
    look_up(v, fp4_codes);
    put_group(s, v, w);
}

/* --- 256 numbers a block ---------------------------------------------------------------------- */

/* d times each byte as a scale, for each of four groups. */
SV void put_scales(sink *s, vf d, vi scales) {
    CODES_UNROLL
    for (int i = 0; i < 4; i++)
        put_scale(s, vf_mul(d, vf_from_i(byte_of(scales, i))));
}
/* Less m times each byte. */
SV void put_leasts(sink *s, vf m, vi l) {
    CODES_UNROLL
    for (int i = 0; i < 4; i++)
        put_least(s, vf_neg(vf_mul(m, vf_from_i(byte_of(l, i)))));
}

/* The first 16 bytes of Q4_K and Q5_K: d, m, and mx_k_scale_min of all eight groups. */
SV void put_k_header(sink *s, mx_code_strip rows, ptrdiff_t at) {
    vi v[4];
    rows_turn16(v, rows, at);
    vf d = lower_half(v[0]), m = upper_half(v[0]);
    put_scales(s, d, bits_of(v[1], 0, 6));
    put_scales(s, d, vi_or(bits_of(v[3], 0, 4), vi_shl(bits_of(v[1], 6, 2), 4)));
    put_leasts(s, m, bits_of(v[2], 0, 6));
    put_leasts(s, m, vi_or(bits_of(v[3], 4, 4), vi_shl(bits_of(v[2], 6, 2), 4)));
}

SV void turn32(vi *v, mx_code_strip rows, ptrdiff_t at) {
    rows_turn16(v, rows, at);
    rows_turn16(v + 4, rows, at + 16);
}
/* Half h (0 lower, 1 upper) of the bytes of v, and one bit of those of `high`. */
SV void half_bytes(vi *to, const vi *v, int h) {
    CODES_UNROLL
    for (int c = 0; c < 8; c++)
        to[c] = bits_of(v[c], 4 * h, 4);
}
SV void add_bits(vi *to, const vi *high, int shift, int bits, int place) {
    const vi mask = each_byte(((1 << bits) - 1) << place);
    CODES_UNROLL
    for (int c = 0; c < 8; c++) {
        vi v = shift > place ? vi_shr(high[c], shift - place) : vi_shl(high[c], place - shift);
        to[c] = vi_or(to[c], vi_and(v, mask));
    }
}

UNPACK(q4_k) {
    put_k_header(s, rows, at);
    for (int pair = 0; pair < 4; pair++) {
        vi v[8], codes[8];
        turn32(v, rows, at + 16 + 32 * pair);
        half_bytes(codes, v, 0);
        put_group(s, codes, w);
        half_bytes(codes, v, 1);
        put_group(s, codes, w);
    }
}

UNPACK(q5_k) {
    vi high[8];
    put_k_header(s, rows, at);
    turn32(high, rows, at + 16);
    CODES_UNROLL
    for (int pair = 0; pair < 4; pair++) {
        vi v[8], codes[8];
        turn32(v, rows, at + 48 + 32 * pair);
        half_bytes(codes, v, 0);
        add_bits(codes, high, 2 * pair, 1, 4);
        put_group(s, codes, w);
        half_bytes(codes, v, 1);
        add_bits(codes, high, 2 * pair + 1, 1, 4);
        put_group(s, codes, w);
    }
}

UNPACK(q6_k) {
    vi scales[4], v[2][8], high[8], codes[8];
    rows_turn16(scales, rows, at + 192);
    vf d = upper_half(rows_turn4(rows, at + 206)); // the last two scales come along
    CODES_UNROLL
    for (int g = 0; g < 16; g++)
        put_scale(s, vf_mul(d, vf_from_i(signed_byte_of(scales[g / 4], g % 4))));
    for (int half = 0; half < 2; half++) {
        turn32(v[0], rows, at + 64 * half);
        turn32(v[1], rows, at + 64 * half + 32);
        turn32(high, rows, at + 128 + 32 * half);
        CODES_UNROLL
        for (int k = 0; k < 4; k++) {
            half_bytes(codes, v[k % 2], k / 2);
            add_bits(codes, high, 2 * k, 2, 4);
            put_group(s, codes, w);
        }
    }
}

/* Bits `shift` and the next of each byte. */
SV void two_bits(vi *to, const vi *v, int shift) {
    CODES_UNROLL
    for (int c = 0; c < 8; c++)
        to[c] = bits_of(v[c], shift, 2);
}

UNPACK(q2_k) {
    vi scales[4], v[8], codes[8], halves = rows_turn4(rows, at + 80);
    vf d = lower_half(halves), m = upper_half(halves);
    rows_turn16(scales, rows, at);
    CODES_UNROLL
    for (int g = 0; g < 4; g++) {
        put_scales(s, d, bits_of(scales[g], 0, 4));
        put_leasts(s, m, bits_of(scales[g], 4, 4));
    }
    for (int half = 0; half < 2; half++) {
        turn32(v, rows, at + 16 + 32 * half);
        CODES_UNROLL
        for (int k = 0; k < 4; k++) {
            two_bits(codes, v, 2 * k);
            put_group(s, codes, w);
        }
    }
}

/* Scales of six bits less 32: groups 4 i .. 4 i + 4 from twelve bytes. */
SV void put_q3_scales(sink *s, vf d, mx_code_strip rows, ptrdiff_t at) {
    vi low[2] = {rows_turn4(rows, at), rows_turn4(rows, at + 4)}, high = rows_turn4(rows, at + 8);
    CODES_UNROLL
    for (int i = 0; i < 4; i++) {
        vi six = vi_or(bits_of(low[i % 2], i / 2 * 4, 4), vi_shl(bits_of(high, 2 * i, 2), 4));
        CODES_UNROLL
        for (int g = 0; g < 4; g++)
            put_scale(s, vf_mul(d, vf_from_i(vi_sub(byte_of(six, g), vi_set1(32)))));
    }
}

UNPACK(q3_k) {
    vi high[8], v[8], codes[8];
    put_q3_scales(s, upper_half(rows_turn4(rows, at + 106)), rows, at + 96);
    turn32(high, rows, at);
    CODES_UNROLL
    for (int half = 0; half < 2; half++) {
        turn32(v, rows, at + 32 + 32 * half);
        CODES_UNROLL
        for (int k = 0; k < 4; k++) {
            two_bits(codes, v, 2 * k);
            add_bits(codes, high, 4 * half + k, 1, 2);
            put_group(s, codes, w);
        }
    }
}

UNPACK(iq4_xs) {
    vi v[8], first = rows_turn4(rows, at), low = rows_turn4(rows, at + 4);
    vf d = lower_half(first);
    for (int g = 0; g < 8; g++) {
        vi six = vi_or(vi_and(vi_shr(low, 4 * g), vi_set1(15)),
                       vi_shl(vi_and(vi_shr(first, 16 + 2 * g), vi_set1(3)), 4));
        put_scale(s, vf_mul(d, vf_from_i(vi_sub(six, vi_set1(32)))));
        nibbles(v, rows, at + 8 + 16 * g);
        look_up(v, mx_iq4_levels);
        put_group(s, v, w);
    }
}

/* --- blocks in a row -------------------------------------------------------------------------- */

/* Four blocks are five pieces of 16 bytes, which are turned at once. */
SV void four_of_q4_1(sink *s, mx_code_strip rows, ptrdiff_t at, const way w) {
    vi t[20];
    rows_turn16(t, rows, at);
    CODES_UNROLL
    for (int b = 0; b < 4; b++) {
        rows_turn16(t + 4 * (b + 1), rows, at + 16 * (b + 1));
        begin_block(s);
        words_q4_1(s, t + 5 * b, w);
    }
}

/* As many of n blocks as come four at a time, and how many that is. */
SV ptrdiff_t fours_of_q4_1(sink *s, mx_code_strip rows, ptrdiff_t at, ptrdiff_t n, const way w) {
    ptrdiff_t i = 0;
    for (; i + 4 <= n; i += 4)
        four_of_q4_1(s, rows, at + i * BLOCK_BYTES_q4_1, w);
    return i;
}

#endif
