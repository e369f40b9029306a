/* Blocks of 256 with quantized scales: to float32. */
#include "kernels/blocks/k_blocks.h"

/* Two bits at `shift` of VF_LANES bytes. */
SV vi two_bits(const uint8_t *p, int shift) {
    return vi_and(vi_shrv(vi_load_u8(p), vi_set1(shift)), vi_set1(3));
}

/* Elements 16 g .. 16 g + 16 of 2 bits each begin here, shifted by this (mx_tq2_0). */
SV const uint8_t *pairs_of(const uint8_t *q, int g, int *shift) {
    *shift = g % 8 / 2 * 2;
    return q + g / 8 * 32 + g % 2 * 16;
}

void K_DECODE(q2_k)(float *to, const void *blocks, size_t n) {
    const mx_q2_k *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d), m = mx_block_half(b[i].m);
        for (int g = 0; g < 16; g++, to += 16) {
            int shift;
            const uint8_t *q = pairs_of(b[i].q, g, &shift);
            float scale = d * (float)(b[i].scales[g] & 15),
                  least = m * (float)(b[i].scales[g] >> 4);
            for (int j = 0; j < 16; j += VF_LANES)
                vf_store(to + j, times_less(scale, two_bits(q + j, shift), least));
        }
    }
}

static int scale6(const mx_q3_k *b, int g) {
    int low = g < 8 ? b->scales[g] & 15 : b->scales[g - 8] >> 4;
    return (low | (b->scales[8 + g % 4] >> (g / 4 * 2) & 3) << 4) - 32;
}

void K_DECODE(q3_k)(float *to, const void *blocks, size_t n) {
    const mx_q3_k *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        for (int g = 0; g < 16; g++, to += 16) {
            int shift;
            const uint8_t *q = pairs_of(b[i].q, g, &shift), *high = b[i].high + g % 2 * 16;
            float scale = d * (float)scale6(&b[i], g);
            for (int j = 0; j < 16; j += VF_LANES) {
                vi bit = vi_and(vi_shrv(vi_load_u8(high + j), vi_set1(g / 2)), vi_set1(1));
                vi code = vi_or(two_bits(q + j, shift), vi_shl(bit, 2));
                vf_store(to + j, times(scale, vi_sub(code, vi_set1(4))));
            }
        }
    }
}

/* A pair of groups of 32: halves of q, with a fifth bit from `high` (or NULL) at g and g + 1. */
SV void two_groups(float *to, const float *scale, const float *least, const uint8_t *q,
                   const uint8_t *high, int g) {
    for (int j = 0; j < 32; j += VF_LANES) {
        vi lo = low_half(q + j), hi = high_half(q + j);
        if (high) {
            vi bits = vi_shrv(vi_load_u8(high + j), vi_set1(g));
            lo = vi_or(lo, vi_shl(vi_and(bits, vi_set1(1)), 4));
            hi = vi_or(hi, vi_shl(vi_and(bits, vi_set1(2)), 3));
        }
        vf_store(to + j, times_less(scale[0], lo, least[0]));
        vf_store(to + 32 + j, times_less(scale[1], hi, least[1]));
    }
}

SV void groups_of_32(float *to, const uint8_t *d, const uint8_t *m, const uint8_t *scales,
                     const uint8_t *q, const uint8_t *high) {
    float scale[8], least[8], d1 = mx_block_half(d), m1 = mx_block_half(m);
    for (int g = 0; g < 8; g++) {
        int s, l;
        mx_k_scale_min(scales, g, &s, &l);
        scale[g] = d1 * (float)s;
        least[g] = m1 * (float)l;
    }
    for (int g = 0; g < 8; g += 2)
        two_groups(to + 32 * g, scale + g, least + g, q + 16 * g, high, g);
}

void K_DECODE(q4_k)(float *to, const void *blocks, size_t n) {
    const mx_q4_k *b = blocks;
    for (size_t i = 0; i < n; i++)
        groups_of_32(to + 256 * i, b[i].d, b[i].m, b[i].scales, b[i].q, NULL);
}

void K_DECODE(q5_k)(float *to, const void *blocks, size_t n) {
    const mx_q5_k *b = blocks;
    for (size_t i = 0; i < n; i++)
        groups_of_32(to + 256 * i, b[i].d, b[i].m, b[i].scales, b[i].q, b[i].high);
}

void K_DECODE(q6_k)(float *to, const void *blocks, size_t n) {
    const mx_q6_k *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        for (int g = 0; g < 16; g++, to += 16) {
            // element 16 g is the (16 g % 32)-th of the k-th 32 in its half h
            int h = g / 8, k = g % 8 / 2, at = g % 2 * 16;
            const uint8_t *q = b[i].q + 64 * h + k % 2 * 32 + at, *high = b[i].high + 32 * h + at;
            float scale = d * (float)b[i].scales[g];
            for (int j = 0; j < 16; j += VF_LANES) {
                vi low = vi_and(vi_shrv(vi_load_u8(q + j), vi_set1(k / 2 * 4)), vi_set1(15));
                vi code = vi_or(low, vi_shl(two_bits(high + j, 2 * k), 4));
                vf_store(to + j, times(scale, vi_sub(code, vi_set1(32))));
            }
        }
    }
}
