/* Blocks of indices into tables (grids.h): to float32.
 *
 *     iq2     8, 25 or 43, with a sign         d (1/2 + s) / 4
 *     iq3_xxs 4, 12, ... 52, 62, with a sign   d (1/2 + s) / 2
 *     iq3_s   1, 3, ... 15, with a sign        d (1 + 2 s)
 *     iq1     -1, 0 or 1, plus or less 1/8     d (1 + 2 s)
 *
 * Signs of 7 bits are of eight numbers: the eighth makes the number of minuses even.
 */
#include "kernels/blocks/grids.h"
#include "kernels/blocks/k_blocks.h"

SV unsigned even_signs(unsigned seven) {
    unsigned p = seven ^ seven >> 4;
    p ^= p >> 2;
    return seven | ((p ^ p >> 1) & 1) << 7;
}

/* Eight numbers at a time: loops of eight that the compiler turns into vectors. */
SV void signed_eight(float *to, float d, const int *magnitude, unsigned signs) {
    for (int j = 0; j < 8; j++) {
        int minus = (int)(signs >> j & 1);
        to[j] = d * (float)((magnitude[j] ^ -minus) + minus);
    }
}

SV void three_levels(int *to, uint16_t row) {
    for (int j = 0; j < 8; j++) {
        int code = row >> (2 * j) & 3;
        to[j] = 8 + 17 * code + (code >> 1);
    }
}

SV void put_iq2(float *to, float d, uint16_t row, unsigned signs) {
    int magnitude[8];
    three_levels(magnitude, row);
    signed_eight(to, d, magnitude, signs);
}

void K_DECODE(iq2_xxs)(float *to, const void *blocks, size_t n) {
    const mx_iq2_xxs *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        for (int g = 0; g < 8; g++) {
            const uint8_t *q = b[i].q + 8 * g;
            uint32_t more = mx_block_u32(q + 4);
            float scale = d * (0.5f + (float)(more >> 28)) * 0.25f;
            for (int k = 0; k < 4; k++, to += 8)
                put_iq2(to, scale, mx_iq2_xxs_grid[q[k]], even_signs(more >> (7 * k) & 127));
        }
    }
}

SV float quarter_scale(float d, const uint8_t *scales, int g) {
    return d * (0.5f + (float)(scales[g / 2] >> (g % 2 * 4) & 15)) * 0.25f;
}

void K_DECODE(iq2_xs)(float *to, const void *blocks, size_t n) {
    const mx_iq2_xs *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        for (int k = 0; k < 32; k++, to += 8) {
            uint32_t q = mx_block_u16(b[i].q + 2 * k);
            put_iq2(to, quarter_scale(d, b[i].scales, k / 2), mx_iq2_xs_grid[q & 511],
                    even_signs(q >> 9));
        }
    }
}

void K_DECODE(iq2_s)(float *to, const void *blocks, size_t n) {
    const mx_iq2_s *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        for (int k = 0; k < 32; k++, to += 8) {
            int index = b[i].q[k] | (b[i].high[k / 4] >> (k % 4 * 2) & 3) << 8;
            put_iq2(to, quarter_scale(d, b[i].scales, k / 2), mx_iq2_s_grid[index], b[i].signs[k]);
        }
    }
}

/* Two rows of four. */
SV void put_iq3(float *to, float d, uint32_t row0, uint32_t row1, int step, int first, int last,
                unsigned signs) {
    int magnitude[8];
    uint32_t rows = row0 | row1 << 12;
    for (int j = 0; j < 8; j++) {
        int code = (int)(rows >> (3 * j) & 7);
        magnitude[j] = code == 7 ? last : first + step * code;
    }
    signed_eight(to, d, magnitude, signs);
}

void K_DECODE(iq3_xxs)(float *to, const void *blocks, size_t n) {
    const mx_iq3_xxs *b = blocks;
    const uint16_t *grid = mx_iq3_xxs_grid;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        for (int g = 0; g < 8; g++) {
            const uint8_t *q = b[i].q + 8 * g;
            uint32_t more = mx_block_u32(b[i].signs + 4 * g);
            float scale = d * (0.5f + (float)(more >> 28)) * 0.5f;
            for (int k = 0; k < 4; k++, to += 8)
                put_iq3(to, scale, grid[q[2 * k]], grid[q[2 * k + 1]], 8, 4, 62,
                        even_signs(more >> (7 * k) & 127));
        }
    }
}

void K_DECODE(iq3_s)(float *to, const void *blocks, size_t n) {
    const mx_iq3_s *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        for (int k = 0; k < 32; k++, to += 8) {
            const uint8_t *q = b[i].q + 2 * k;
            int high = b[i].high[k / 4] >> (k % 4 * 2),
                s = b[i].scales[k / 8] >> (k / 4 % 2 * 4) & 15;
            uint32_t row0 = mx_iq3_s_grid[q[0] | (high & 1) << 8],
                     row1 = mx_iq3_s_grid[q[1] | (high & 2) << 7];
            put_iq3(to, d * (float)(1 + 2 * s), row0, row1, 2, 1, 15, b[i].signs[k]);
        }
    }
}

SV void put_iq1(float *to, float d, uint16_t row, bool down) {
    float shift = down ? -0.125f : 0.125f;
    for (int j = 0; j < 8; j++)
        to[j] = d * ((float)((row >> (2 * j) & 3) - 1) + shift);
}

void K_DECODE(iq1_s)(float *to, const void *blocks, size_t n) {
    const mx_iq1_s *b = blocks;
    for (size_t i = 0; i < n; i++) {
        float d = mx_block_half(b[i].d);
        for (int k = 0; k < 32; k++, to += 8) {
            uint32_t high = mx_block_u16(b[i].high + k / 4 * 2);
            uint32_t index = b[i].q[k] | (high >> (k % 4 * 3) & 7) << 8;
            put_iq1(to, d * (float)(1 + 2 * (high >> 12 & 7)), mx_iq1_grid[index], high >> 15);
        }
    }
}

void K_DECODE(iq1_m)(float *to, const void *blocks, size_t n) {
    const mx_iq1_m *b = blocks;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *s = b[i].scales;
        float d = mx_f16_to_f32((uint16_t)(s[1] >> 4 | (s[3] & 0xf0) | (s[5] & 0xf0) << 4 |
                                           (s[7] & 0xf0) << 8));
        for (int k = 0; k < 32; k++, to += 8) {
            int high = b[i].high[k / 2] >> (k % 2 * 4);
            int scale = (int)(mx_block_u16(s + k / 8 * 2) >> (k / 2 % 4 * 3)) & 7;
            put_iq1(to, d * (float)(1 + 2 * scale), mx_iq1_grid[b[i].q[k] | (high & 7) << 8],
                    high & 8);
        }
    }
}
