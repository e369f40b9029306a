/* The block types of GGUF, one block at a time: d, m are halves; q are small integers.
 *
 *     Q4_0   d q(32 of 4)             d * (q - 8)
 *     Q4_1   d m q(32 of 4)           d * q + m
 *     Q5_0   d h(32 of 1) q           d * (q + 16 h - 16)
 *     Q8_0   d q(32 of 8, signed)     d * q
 *     Qn_K   256 elements in groups of 16 or 32; scales (and minima) are small integers times d
 *     IQ4    q looks up one of sixteen levels
 *     MXFP4  an exponent and 32 numbers of 1, 2 and 1 bits
 *
 * In blocks of 32, byte j holds elements j (low half) and j + 16 (high half).
 */
#include <string.h>

#include "base/half.h"
#include "io/gguf.h"

typedef const unsigned char *bytes;

static float half_at(bytes p) {
    return mx_f16_to_f32((uint16_t)mx_le16(p));
}

static float float_at(bytes p) {
    return mx_bits_f32(mx_le32(p));
}

/* --- to what MLX has: neighbours share a byte ------------------------------------- */

static void pair_nibbles(unsigned char *q, bytes from) {
    for (int j = 0; j < 8; j++) {
        q[j] = (unsigned char)((from[2 * j] & 15) | (from[2 * j + 1] & 15) << 4);
        q[j + 8] = (unsigned char)(from[2 * j] >> 4 | (from[2 * j + 1] & 0xf0));
    }
}

static void repack_q4_0(unsigned char *q, float *scale, float *bias, bytes b) {
    *scale = half_at(b);
    *bias = -8 * *scale;
    pair_nibbles(q, b + 2);
}

static void repack_q4_1(unsigned char *q, float *scale, float *bias, bytes b) {
    *scale = half_at(b);
    *bias = half_at(b + 2);
    pair_nibbles(q, b + 4);
}

static void repack_q8_0(unsigned char *q, float *scale, float *bias, bytes b) {
    *scale = half_at(b);
    *bias = -128 * *scale;
    for (int j = 0; j < 32; j++)
        q[j] = b[2 + j] ^ 0x80;
}

static void repack_mxfp4(unsigned char *q, float *scale, float *bias, bytes b) {
    *scale = b[0];
    *bias = 0;
    pair_nibbles(q, b + 1);
}

/* --- to floats -------------------------------------------------------------------- */

static void unpack_q5(float *y, float d, float m, uint32_t high, bytes q) {
    for (int j = 0; j < 16; j++) {
        y[j] = d * (float)((q[j] & 15) | (high >> j & 1) << 4) + m;
        y[j + 16] = d * (float)(q[j] >> 4 | (high >> (j + 16) & 1) << 4) + m;
    }
}

static void unpack_q5_0(float *y, bytes b) {
    float d = half_at(b);
    unpack_q5(y, d, -16 * d, mx_le32(b + 2), b + 6);
}

static void unpack_q5_1(float *y, bytes b) {
    unpack_q5(y, half_at(b), half_at(b + 2), mx_le32(b + 4), b + 8);
}

static void unpack_signed(float *y, float d, bytes q, int n) {
    for (int j = 0; j < n; j++)
        y[j] = d * (float)(int8_t)q[j];
}

static void unpack_q8_1(float *y, bytes b) {
    unpack_signed(y, half_at(b), b + 4, 32);
}

static void unpack_q8_k(float *y, bytes b) {
    unpack_signed(y, float_at(b), b + 4, 256);
}

/* 0: scale (4 bits) and minimum (4) of each 16; 16: two bits an element; 80: d, d of the minima. */
static void unpack_q2_k(float *y, bytes b) {
    float d = half_at(b + 80), dm = half_at(b + 82);
    for (int g = 0; g < 16; g++) {
        bytes q = b + 16 + g / 8 * 32 + g % 2 * 16;
        float scale = d * (float)(b[g] & 15), least = dm * (float)(b[g] >> 4);
        for (int j = 0; j < 16; j++)
            *y++ = scale * (float)(q[j] >> (g % 8 / 2 * 2) & 3) - least;
    }
}

/* 0: the third bit, inverted; 32: two bits an element; 96: sixteen scales of 6 bits; 108: d. */
static void unpack_q3_k(float *y, bytes b) {
    float d = half_at(b + 108);
    for (int g = 0; g < 16; g++) {
        bytes q = b + 32 + g / 8 * 32 + g % 2 * 16, high = b + g % 2 * 16;
        int low4 = g < 8 ? b[96 + g] & 15 : b[96 + g - 8] >> 4;
        int scale = (low4 | (b[104 + g % 4] >> (g / 4 * 2) & 3) << 4) - 32;
        for (int j = 0; j < 16; j++) {
            int top = high[j] >> (g / 2) & 1 ? 0 : 4;
            *y++ = d * (float)scale * (float)((q[j] >> (g % 8 / 2 * 2) & 3) - top);
        }
    }
}

/* Scale and minimum (6 bits each) of the j-th 32 elements from twelve bytes. */
static void scale_and_least(bytes s, int j, float *scale, float *least) {
    int a = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
    int m = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
    *scale *= (float)a;
    *least *= (float)m;
}

/* 0: d, d of the minima; 4: scales and minima; then high bits (Q5) and four bits an element. */
static void unpack_k32(float *y, bytes b, bytes high, bytes low) {
    for (int g = 0; g < 8; g++) {
        float scale = half_at(b), least = half_at(b + 2);
        bytes q = low + g / 2 * 32;
        scale_and_least(b + 4, g, &scale, &least);
        for (int j = 0; j < 32; j++) {
            int top = high ? (high[j] >> g & 1) << 4 : 0;
            *y++ = scale * (float)((q[j] >> (g % 2 * 4) & 15) + top) - least;
        }
    }
}

static void unpack_q4_k(float *y, bytes b) {
    unpack_k32(y, b, NULL, b + 16);
}

static void unpack_q5_k(float *y, bytes b) {
    unpack_k32(y, b, b + 16, b + 48);
}

/* 0: four bits an element; 128: two more; 192: scales of 16, signed; 208: d. */
static void unpack_q6_k(float *y, bytes b) {
    float d = half_at(b + 208);
    for (int g = 0; g < 8; g++) {
        bytes low = b + g / 4 * 64 + g % 2 * 32, high = b + 128 + g / 4 * 32;
        bytes scale = b + 192 + g / 4 * 8 + g % 4 * 2;
        for (int j = 0; j < 32; j++) {
            int q = (low[j] >> (g % 4 / 2 * 4) & 15) | (high[j] >> (g % 4 * 2) & 3) << 4;
            *y++ = d * (float)(int8_t)scale[j / 16] * (float)(q - 32);
        }
    }
}

static const float levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                 1,    13,   25,  38,  53,  69,  89,  113};

static void unpack_levels(float *y, float d, bytes q) {
    for (int j = 0; j < 16; j++) {
        y[j] = d * levels[q[j] & 15];
        y[j + 16] = d * levels[q[j] >> 4];
    }
}

static void unpack_iq4_nl(float *y, bytes b) {
    unpack_levels(y, half_at(b), b + 2);
}

/* 0: d; 2: the upper two bits of eight scales; 4: the lower four; 8: the levels. */
static void unpack_iq4_xs(float *y, bytes b) {
    float d = half_at(b);
    for (int g = 0; g < 8; g++) {
        int scale = (b[4 + g / 2] >> (g % 2 * 4) & 15) | (int)(mx_le16(b + 2) >> (2 * g) & 3) << 4;
        unpack_levels(y + 32 * g, d * (float)(scale - 32), b + 8 + 16 * g);
    }
}

/* --- the types -------------------------------------------------------------------- */

static const gguf_type types[] = {
    {0, "F32", "float32", 1, 4, MX_FLOAT32, 0, false, NULL, NULL},
    {1, "F16", "float16", 1, 2, MX_FLOAT16, 0, false, NULL, NULL},
    {2, "Q4_0", "q4_0", 32, 18, MX_FLOAT16, 4, false, NULL, repack_q4_0},
    {3, "Q4_1", "q4_1", 32, 20, MX_FLOAT16, 4, false, NULL, repack_q4_1},
    {6, "Q5_0", "q5_0", 32, 22, MX_FLOAT16, 0, false, unpack_q5_0, NULL},
    {7, "Q5_1", "q5_1", 32, 24, MX_FLOAT16, 0, false, unpack_q5_1, NULL},
    {8, "Q8_0", "q8_0", 32, 34, MX_FLOAT16, 8, false, NULL, repack_q8_0},
    {9, "Q8_1", "q8_1", 32, 36, MX_FLOAT16, 0, false, unpack_q8_1, NULL},
    {10, "Q2_K", "q2_k", 256, 84, MX_FLOAT16, 0, false, unpack_q2_k, NULL},
    {11, "Q3_K", "q3_k", 256, 110, MX_FLOAT16, 0, false, unpack_q3_k, NULL},
    {12, "Q4_K", "q4_k", 256, 144, MX_FLOAT16, 0, false, unpack_q4_k, NULL},
    {13, "Q5_K", "q5_k", 256, 176, MX_FLOAT16, 0, false, unpack_q5_k, NULL},
    {14, "Q6_K", "q6_k", 256, 210, MX_FLOAT16, 0, false, unpack_q6_k, NULL},
    {15, "Q8_K", "q8_k", 256, 292, MX_FLOAT16, 0, false, unpack_q8_k, NULL},
    {20, "IQ4_NL", "iq4_nl", 32, 18, MX_FLOAT16, 0, false, unpack_iq4_nl, NULL},
    {23, "IQ4_XS", "iq4_xs", 256, 136, MX_FLOAT16, 0, false, unpack_iq4_xs, NULL},
    {24, "I8", "int8", 1, 1, MX_INT8, 0, false, NULL, NULL},
    {25, "I16", "int16", 1, 2, MX_INT16, 0, false, NULL, NULL},
    {26, "I32", "int32", 1, 4, MX_INT32, 0, false, NULL, NULL},
    {27, "I64", "int64", 1, 8, MX_INT64, 0, false, NULL, NULL},
    {28, "F64", "float64", 1, 8, MX_FLOAT64, 0, false, NULL, NULL},
    {30, "BF16", "bfloat16", 1, 2, MX_BFLOAT16, 0, false, NULL, NULL},
    {39, "MXFP4", "mxfp4_gguf", 32, 17, MX_UINT8, 4, true, NULL, repack_mxfp4},
};
#define TYPES (sizeof types / sizeof *types)

const gguf_type *gguf_type_by_id(uint32_t id) {
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].id == id)
            return &types[i];
    return NULL;
}

const gguf_type *gguf_type_stored(const char *storage) {
    for (size_t i = 0; i < TYPES; i++)
        if (strcmp(types[i].storage, storage) == 0)
            return &types[i];
    return NULL;
}

const gguf_type *gguf_type_of(mx_dtype t) {
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].items == 1 && types[i].dtype == t)
            return &types[i];
    return NULL;
}

const char *gguf_type_name(uint32_t id) {
    static const struct {
        uint32_t id;
        const char *name;
    } others[] = {{16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {21, "IQ3_S"},
                  {22, "IQ2_S"},   {29, "IQ1_M"},  {34, "TQ1_0"},   {35, "TQ2_0"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].id == id)
            return others[i].name;
    return NULL;
}
