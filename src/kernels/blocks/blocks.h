/* The block formats of GGUF files: their layouts, and how they become float32 and back.
 *
 * A row of a matrix is a row of blocks, each a fixed number of elements in a fixed number of bytes
 * with the scales that they share. All fields are bytes, so that a block may lie anywhere: in a
 * mapped file as well. Numbers of several bytes are little-endian; d and m are float16; q are
 * codes. "Pairs" of n: byte j holds element j (low half) and j + n (high).
 *
 *     Q4_0    d (q - 8)                32 elements; q pairs of 16, as in all formats of 32
 *     Q4_1    d q + m
 *     Q5_0    d (q - 16)               the fifth bit of element j is bit j of `high`
 *     Q5_1    d q + m
 *     Q8_0    d q                      q signed
 *     Q8_1    d q                      sum is d times the sum of q, for products with minima
 *     Q1_0    d or -d                  128 elements: bit j % 8 of byte j / 8 says +
 *     IQ4_NL  d level[q]               sixteen levels that are closer around zero
 *     MXFP4   2^(e - 127) e2m1         32; mx.quantize's mode of this name orders bytes otherwise
 *     NVFP4   e4m3 e2m1                64 in four groups with pairs of 8
 *     TQ1_0   d (t - 1)                256 ternary digits: five to a byte, which is the fraction
 *                                      0.ttttt of 256 rounded up
 *     TQ2_0   d (t - 1)                2 bits each
 *     Q2_K    (d s) q - (m l)          256 elements, groups of 16; s and l of 4 bits
 *     Q3_K    (d s) q                  groups of 16, s of 6 bits less 32, q of 3 bits less 4
 *     Q4_K    (d s) q - (m l)          groups of 32; s and l of 6 bits
 *     Q5_K    (d s) q - (m l)          as Q4_K; bit 4 of element j of group g is bit g of high[j]
 *     Q6_K    (d s) (q - 32)           groups of 16, s signed
 *     Q8_K    d q                      d is float32; sums of each 16 codes, for products
 *     IQ4_XS  (d (s - 32)) level[q]    groups of 32
 *     others  scales and indices into tables of 4 or 8 small numbers (grids.c)
 *
 * The values are those of the gguf package, bit for bit: the operations above in float32, in this
 * order.
 */
#ifndef MX_KERNELS_BLOCKS_H
#define MX_KERNELS_BLOCKS_H

#include "base/half.h"
#include "kernels/kernels.h"

/* --- the formats ------------------------------------------------------------------------------ */

/* X(name, name in files, id there, elements, bytes, what can be done). The name is a mode of
   mx.quantize; READ: there is no encoder. */
#define MX_BLOCKS(X)                          \
    X(q4_0, "Q4_0", 2, 32, 18, WRITE)         \
    X(q4_1, "Q4_1", 3, 32, 20, WRITE)         \
    X(q5_0, "Q5_0", 6, 32, 22, WRITE)         \
    X(q5_1, "Q5_1", 7, 32, 24, WRITE)         \
    X(q8_0, "Q8_0", 8, 32, 34, WRITE)         \
    X(q8_1, "Q8_1", 9, 32, 36, WRITE)         \
    X(q2_k, "Q2_K", 10, 256, 84, WRITE)       \
    X(q3_k, "Q3_K", 11, 256, 110, WRITE)      \
    X(q4_k, "Q4_K", 12, 256, 144, WRITE)      \
    X(q5_k, "Q5_K", 13, 256, 176, WRITE)      \
    X(q6_k, "Q6_K", 14, 256, 210, WRITE)      \
    X(q8_k, "Q8_K", 15, 256, 292, WRITE)      \
    X(iq2_xxs, "IQ2_XXS", 16, 256, 66, READ)  \
    X(iq2_xs, "IQ2_XS", 17, 256, 74, READ)    \
    X(iq3_xxs, "IQ3_XXS", 18, 256, 98, READ)  \
    X(iq1_s, "IQ1_S", 19, 256, 50, READ)      \
    X(iq4_nl, "IQ4_NL", 20, 32, 18, WRITE)    \
    X(iq3_s, "IQ3_S", 21, 256, 110, READ)     \
    X(iq2_s, "IQ2_S", 22, 256, 82, READ)      \
    X(iq4_xs, "IQ4_XS", 23, 256, 136, WRITE)  \
    X(iq1_m, "IQ1_M", 29, 256, 56, READ)      \
    X(tq1_0, "TQ1_0", 34, 256, 54, WRITE)     \
    X(tq2_0, "TQ2_0", 35, 256, 66, WRITE)     \
    X(mxfp4_gguf, "MXFP4", 39, 32, 17, WRITE) \
    X(nvfp4_gguf, "NVFP4", 40, 64, 36, WRITE) \
    X(q1_0, "Q1_0", 41, 128, 18, WRITE)

typedef enum mx_block_kind {
#define X(name, file_name, id, items, bytes, can) MX_BLOCK_##name,
    MX_BLOCKS(X)
#undef X
        MX_BLOCK_KINDS
} mx_block_kind;

typedef struct mx_block_format {
    mx_block_kind kind;
    uint16_t id;           /* in GGUF files */
    uint16_t items, bytes; /* of one block */
    bool writes;           /* there is an encoder */
    const char *name;      /* "q4_k": as a mode; */
    const char *file_name; /* "Q4_K": as the files' documentation has it */
} mx_block_format;

extern const mx_block_format mx_block_formats[MX_BLOCK_KINDS];
const mx_block_format *mx_block_by_id(uint32_t id);        /* NULL: no format of blocks */
const mx_block_format *mx_block_by_name(const char *name); /* of a mode; NULL likewise */

/* What its numbers become where no dtype is asked for: float16, whose range all scales of float16
   have; bfloat16 and float32 where they are wider. */
mx_dtype mx_block_plain(const mx_block_format *f);

/* --- there and back --------------------------------------------------------------------------- */

/* n blocks of any alignment to float32. */
typedef void mx_k_block_decode(float *to, const void *blocks, size_t n);
/* n blocks' worth of numbers. What is beyond the range of a scale, and NaN, gives blocks that hold
   infinities or NaN or the largest number, never an error. */
typedef void mx_k_block_encode(void *blocks, const float *x, size_t n);

typedef struct mx_k_blocks {
    mx_k_block_decode *decode[MX_BLOCK_KINDS];
    mx_k_block_encode *encode[MX_BLOCK_KINDS]; /* NULL where it does not write */
} mx_k_blocks;

#ifdef MX_ISA
extern const mx_k_blocks KN(mx_blocks);
#endif

static inline void mx_blocks_decode(const mx_block_format *f, float *to, const void *blocks,
                                    size_t n) {
    mx_kernels_get()->blocks->decode[f->kind](to, blocks, n);
}
static inline void mx_blocks_encode(const mx_block_format *f, void *blocks, const float *x,
                                    size_t n) {
    mx_kernels_get()->blocks->encode[f->kind](blocks, x, n);
}

/* --- layouts ---------------------------------------------------------------------------------- */

typedef struct mx_q4_0 {
    uint8_t d[2], q[16];
} mx_q4_0; /* iq4_nl too */
typedef struct mx_q4_1 {
    uint8_t d[2], m[2], q[16];
} mx_q4_1;
typedef struct mx_q5_0 {
    uint8_t d[2], high[4], q[16];
} mx_q5_0;
typedef struct mx_q5_1 {
    uint8_t d[2], m[2], high[4], q[16];
} mx_q5_1;
typedef struct mx_q8_0 {
    uint8_t d[2];
    int8_t q[32];
} mx_q8_0;
typedef struct mx_q8_1 {
    uint8_t d[2], sum[2];
    int8_t q[32];
} mx_q8_1;
typedef struct mx_q1_0 {
    uint8_t d[2], q[16];
} mx_q1_0;
typedef struct mx_mxfp4 {
    uint8_t e, q[16];
} mx_mxfp4;
typedef struct mx_nvfp4 {
    uint8_t e4m3[4], q[32];
} mx_nvfp4;
/* q: 32 bytes with five digits of elements j, j + 32, ...; 16 with five of 160 + j, 176 + j, ...;
   high: 4 with four of 240 + j, 244 + j, ... */
typedef struct mx_tq1_0 {
    uint8_t q[48], high[4], d[2];
} mx_tq1_0;
/* Bits 2k and 2k + 1 of q[32 h + j]: element 128 h + 32 k + j. Q2_K and Q3_K have their lower bits
   so as well. */
typedef struct mx_tq2_0 {
    uint8_t q[64], d[2];
} mx_tq2_0;
/* scales: s (low half), l (high) */
typedef struct mx_q2_k {
    uint8_t scales[16], q[64], d[2], m[2];
} mx_q2_k;
/* high: bit k of high[j] is clear where 4 is taken from element 32 k + j. scales: the lower halves
   of sixteen, pairs of 8; then the upper two bits of group g are bits 2 (g / 4) and the next of
   scales[8 + g % 4]. */
typedef struct mx_q3_k {
    uint8_t high[32], q[64], scales[12], d[2];
} mx_q3_k;
/* scales: see mx_k_scale_min. q: pairs of 32, byte 32 h + j. */
typedef struct mx_q4_k {
    uint8_t d[2], m[2], scales[12], q[128];
} mx_q4_k;
typedef struct mx_q5_k {
    uint8_t d[2], m[2], scales[12], high[32], q[128];
} mx_q5_k;
/* q[64 h + j]: the lower half of elements 128 h + j (low) and 128 h + 64 + j (high), j < 64; bits
   2k and 2k + 1 of high[32 h + j]: the upper bits of element 128 h + 32 k + j. */
typedef struct mx_q6_k {
    uint8_t q[128], high[64];
    int8_t scales[16];
    uint8_t d[2];
} mx_q6_k;
typedef struct mx_q8_k {
    uint8_t d[4];
    int8_t q[256];
    uint8_t sums[32];
} mx_q8_k;
/* low: the lower halves of eight scales, in order; high: 16 bits, two for each. q: pairs of 16 in
   each group. */
typedef struct mx_iq4_xs {
    uint8_t d[2], high[2], low[4], q[128];
} mx_iq4_xs;
/* Each 32 elements: four indices, then 32 bits: four signs (7 bits each), a scale (4). */
typedef struct mx_iq2_xxs {
    uint8_t d[2], q[64];
} mx_iq2_xxs;
/* Each 8 elements: 16 bits, an index (9) and signs (7). scales: 4 bits for each 16. */
typedef struct mx_iq2_xs {
    uint8_t d[2], q[64], scales[8];
} mx_iq2_xs;
/* Each 8: an index of 8 bits and two of `high`; a sign bit each. */
typedef struct mx_iq2_s {
    uint8_t d[2], q[32], signs[32], high[8], scales[8];
} mx_iq2_s;
/* Each 4: an index; each 32: 32 bits as in iq2_xxs. */
typedef struct mx_iq3_xxs {
    uint8_t d[2], q[64], signs[32];
} mx_iq3_xxs;
typedef struct mx_iq3_s {
    uint8_t d[2], q[64], high[8], signs[32], scales[4];
} mx_iq3_s;
/* high, 16 bits for each 32: upper index bits (3 for each 8), a scale (3), whether the shift is
   down. */
typedef struct mx_iq1_s {
    uint8_t d[2], q[32], high[16];
} mx_iq1_s;
/* high: for each 8, 3 bits of the index and one for the shift. scales: four numbers of 16 bits, of
   which the upper 4 are those of d and the rest scales (3 bits for each 16). */
typedef struct mx_iq1_m {
    uint8_t q[32], high[16], scales[8];
} mx_iq1_m;

static inline uint32_t mx_block_u16(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8;
}
static inline uint32_t mx_block_u32(const uint8_t *p) {
    return mx_block_u16(p) | mx_block_u16(p + 2) << 16;
}
static inline float mx_block_half(const uint8_t *p) {
    return mx_f16_to_f32((uint16_t)mx_block_u16(p));
}

/* s and l of group g of Q4_K and Q5_K: six bits each from twelve bytes. The first four of each are
   the lower six bits of bytes g and 4 + g; the others have their lower halves in byte 4 + g, and
   their upper two bits above those. */
static inline void mx_k_scale_min(const uint8_t *scales, int g, int *s, int *l) {
    if (g < 4) {
        *s = scales[g] & 63;
        *l = scales[g + 4] & 63;
    } else {
        *s = (scales[g + 4] & 15) | scales[g - 4] >> 6 << 4;
        *l = scales[g + 4] >> 4 | scales[g] >> 6 << 4;
    }
}

/* Of IQ4_NL and IQ4_XS. */
extern const int8_t mx_iq4_levels[16];
/* Of MXFP4 and NVFP4, doubled: what multiplies them is half the scale. */
extern const int8_t mx_fp4_levels[16];

/* Half of MXFP4's scale 2^(e - 127), exact also where that is subnormal. */
static inline float mx_mxfp4_half_scale(uint8_t e) {
    return mx_bits_f32(e < 2 ? 0x200000u << e : (uint32_t)(e - 1) << 23);
}
/* Half of NVFP4's: e4m3 without a sign; 0x7f is read as zero. */
static inline float mx_nvfp4_half_scale(uint8_t code) {
    return code == 0x7f ? 0 : mx_bits_f32((uint32_t)(code & 0x7fu) << 20) * 0x1p119f;
}

#endif
