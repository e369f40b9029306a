/* Blocks with one scale (or four): to float32. */
#include "kernels/blocks/k_blocks.h"

enum { HALF = 16 }; /* elements j and j + 16 share a byte */

void K_DECODE(q4_0)(float *to, const void *blocks, size_t n) {
    const mx_q4_0 *b = blocks;
    for (size_t i = 0; i < n; i++, to += 32) {
        float d = mx_block_half(b[i].d);
        vi eight = vi_set1(8);
        for (int j = 0; j < HALF; j += VF_LANES) {
            vf_store(to + j, times(d, vi_sub(low_half(b[i].q + j), eight)));
            vf_store(to + HALF + j, times(d, vi_sub(high_half(b[i].q + j), eight)));
        }
    }
}

void K_DECODE(q4_1)(float *to, const void *blocks, size_t n) {
    const mx_q4_1 *b = blocks;
    for (size_t i = 0; i < n; i++, to += 32) {
        float d = mx_block_half(b[i].d), m = mx_block_half(b[i].m);
        for (int j = 0; j < HALF; j += VF_LANES) {
            vf_store(to + j, times_plus(d, low_half(b[i].q + j), m));
            vf_store(to + HALF + j, times_plus(d, high_half(b[i].q + j), m));
        }
    }
}

/* Five bits: the fifth of element `at` and on from `high`. */
SV vi with_fifth(vi low, uint32_t high, int at) {
    return vi_or(low, vi_shl(bits_at(high, at), 4));
}

void K_DECODE(q5_0)(float *to, const void *blocks, size_t n) {
    const mx_q5_0 *b = blocks;
    for (size_t i = 0; i < n; i++, to += 32) {
        float d = mx_block_half(b[i].d);
        uint32_t high = mx_block_u32(b[i].high);
        vi zero = vi_set1(16);
        for (int j = 0; j < HALF; j += VF_LANES) {
            vi lo = with_fifth(low_half(b[i].q + j), high, j);
            vi hi = with_fifth(high_half(b[i].q + j), high, j + HALF);
            vf_store(to + j, times(d, vi_sub(lo, zero)));
            vf_store(to + HALF + j, times(d, vi_sub(hi, zero)));
        }
    }
}

void K_DECODE(q5_1)(float *to, const void *blocks, size_t n) {
    const mx_q5_1 *b = blocks;
    for (size_t i = 0; i < n; i++, to += 32) {
        float d = mx_block_half(b[i].d), m = mx_block_half(b[i].m);
        uint32_t high = mx_block_u32(b[i].high);
        for (int j = 0; j < HALF; j += VF_LANES) {
            vi lo = with_fifth(low_half(b[i].q + j), high, j);
            vi hi = with_fifth(high_half(b[i].q + j), high, j + HALF);
            vf_store(to + j, times_plus(d, lo, m));
            vf_store(to + HALF + j, times_plus(d, hi, m));
        }
    }
}

SV void scaled(float *to, float d, const int8_t *q, int n) {
    for (int j = 0; j < n; j += VF_LANES)
        vf_store(to + j, times(d, load_i8(q + j)));
}

void K_DECODE(q8_0)(float *to, const void *blocks, size_t n) {
    const mx_q8_0 *b = blocks;
    for (size_t i = 0; i < n; i++)
        scaled(to + 32 * i, mx_block_half(b[i].d), b[i].q, 32);
}

void K_DECODE(q8_1)(float *to, const void *blocks, size_t n) {
    const mx_q8_1 *b = blocks;
    for (size_t i = 0; i < n; i++)
        scaled(to + 32 * i, mx_block_half(b[i].d), b[i].q, 32);
}

void K_DECODE(q8_k)(float *to, const void *blocks, size_t n) {
    const mx_q8_k *b = blocks;
    for (size_t i = 0; i < n; i++)
        scaled(to + 256 * i, mx_bits_f32(mx_block_u32(b[i].d)), b[i].q, 256);
}

void K_DECODE(q1_0)(float *to, const void *blocks, size_t n) {
    const mx_q1_0 *b = blocks;
    for (size_t i = 0; i < n; i++, to += 128) {
        vf d = vf_set1(mx_block_half(b[i].d)), less = vf_neg(d);
        for (int j = 0; j < 128; j += VF_LANES) {
            vi bit = bits_at(mx_block_u32(b[i].q + j / 32 * 4), j % 32);
            vf_store(to + j, vf_select(vi_eq(bit, vi_set1(1)), d, less));
        }
    }
}

/* --- levels ----------------------------------------------------------------------------------- */

/* d level[code] for the lower and upper halves of n bytes. */
SV void leveled(float *to, float d, const float *levels, const uint8_t *q, int n) {
    for (int j = 0; j < n; j += VF_LANES) {
        vf_store(to + j, vf_mul(vf_set1(d), vf_lookup16(levels, low_half(q + j))));
        vf_store(to + n + j, vf_mul(vf_set1(d), vf_lookup16(levels, high_half(q + j))));
    }
}

static void widen_levels(float *to, const int8_t *levels) {
    for (int i = 0; i < 16; i++)
        to[i] = levels[i];
}

void K_DECODE(iq4_nl)(float *to, const void *blocks, size_t n) {
    const mx_q4_0 *b = blocks;
    float levels[16];
    widen_levels(levels, mx_iq4_levels);
    for (size_t i = 0; i < n; i++)
        leveled(to + 32 * i, mx_block_half(b[i].d), levels, b[i].q, HALF);
}

void K_DECODE(iq4_xs)(float *to, const void *blocks, size_t n) {
    const mx_iq4_xs *b = blocks;
    float levels[16];
    widen_levels(levels, mx_iq4_levels);
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        uint32_t high = mx_block_u16(b[i].high);
        for (int g = 0; g < 8; g++, to += 32) {
            int s = (b[i].low[g / 2] >> (g % 2 * 4) & 15) | (int)(high >> (2 * g) & 3) << 4;
            leveled(to, d * (float)(s - 32), levels, b[i].q + 16 * g, HALF);
        }
    }
}

void K_DECODE(mxfp4_gguf)(float *to, const void *blocks, size_t n) {
    const mx_mxfp4 *b = blocks;
    float levels[16];
    widen_levels(levels, mx_fp4_levels);
    for (size_t i = 0; i < n; i++)
        leveled(to + 32 * i, mx_mxfp4_half_scale(b[i].e), levels, b[i].q, HALF);
}

/* Groups of 16 are shorter than two vectors may be: lanes by lanes. */
static void group16(float *to, float d, const float *levels, const uint8_t *q) {
    for (int j = 0; j < 8; j++) {
        to[j] = d * levels[q[j] & 15];
        to[j + 8] = d * levels[q[j] >> 4];
    }
}

void K_DECODE(nvfp4_gguf)(float *to, const void *blocks, size_t n) {
    const mx_nvfp4 *b = blocks;
    float levels[16];
    widen_levels(levels, mx_fp4_levels);
    for (size_t i = 0; i < n; i++)
        for (int g = 0; g < 4; g++, to += 16)
            group16(to, mx_nvfp4_half_scale(b[i].e4m3[g]), levels, b[i].q + 8 * g);
}

/* --- ternary ---------------------------------------------------------------------------------- */

/* Digit after digit of the fractions in n bytes: times 3, the whole part is the digit. */
SV void digits(float *to, float d, const uint8_t *q, int n, int count) {
    static const uint8_t powers[5] = {1, 3, 9, 27, 81};
    for (int k = 0; k < count; k++)
        for (int j = 0; j < n; j++) {
            int shifted = (uint8_t)(q[j] * powers[k]);
            *to++ = d * (float)((shifted * 3 >> 8) - 1);
        }
}

void K_DECODE(tq1_0)(float *to, const void *blocks, size_t n) {
    const mx_tq1_0 *b = blocks;
    for (size_t i = 0; i < n; i++, to += 256) {
        float d = mx_block_half(b[i].d);
        digits(to, d, b[i].q, 32, 5);
        digits(to + 160, d, b[i].q + 32, 16, 5);
        digits(to + 240, d, b[i].high, 4, 4);
    }
}

void K_DECODE(tq2_0)(float *to, const void *blocks, size_t n) {
    const mx_tq2_0 *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        for (int g = 0; g < 8; g++, to += 32)
            for (int j = 0; j < 32; j += VF_LANES) {
                vi q = vi_load_u8(b[i].q + g / 4 * 32 + j);
                q = vi_and(vi_shrv(q, vi_set1(g % 4 * 2)), vi_set1(3));
                vf_store(to + j, times(d, vi_sub(q, vi_set1(1))));
            }
    }
}
