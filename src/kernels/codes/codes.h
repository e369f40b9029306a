/* Products of block matrices (blocks/blocks.h) in integers.
 *
 * A row of x becomes codes in groups of 32 that share a scale, nearest even: of 8 bits, or of 16
 * in two *digits* of 8. LANES rows of W, 4, 8 or 16, are a *strip*. Where it is multiplied their
 * codes lie side by side in vectors, so that each lane adds up one element of the result and no
 * vector is ever summed across.
 *
 *     row of x     q(32) [low(32)] of each group ...   scale(K / 32)     word(K / 16)
 *     strip of W   k = 0..3 of lane 0, of lane 1, ...   k = 4..7 of lane 0, ...: in registers, a
 *                  group at a time, while all rows of x meet them
 *                  for each group of 16 or 32: a scale (and a least value) of each lane
 *
 *     y += (float)(sum of w q) * (w's scale * x's scale)              group after group;
 *     y += w's least * (x's scale * sum of q)                         formats with least values
 *
 * The sums of a group are exact, and each step above rounds as written (the first product of a line
 * is added with one rounding where the processor can). So an element of the result depends on its
 * row of x and its row of W alone: not on other rows, on how many there are, on lanes or threads.
 *
 * A code of W is not negative and below 64, and `offset` of its format is taken from it; or it is
 * *wide*, signed and of 8 bits. What the offset takes from a sum is known from x's codes: it is the
 * number that the sum begins with, x's word. (Wide codes with least values have two words, the one
 * of least values and, K / 32 places behind, this one.)
 *
 * x: with |x - scale q| <= scale / 2 where scale is the largest magnitude of 32 by 127. Groups
 * below 2^-119 count as zero. A number that is not finite makes its row NaN. With two digits the
 * code is 256 q + low, |low| <= 127, scale the largest by 127 * 256 and |x - scale code| <= scale;
 * groups below 2^-111 count as zero. The products with q and with low are two sums, of which the
 * first counts 256 times.
 */
#ifndef MX_KERNELS_CODES_H
#define MX_KERNELS_CODES_H

#include "kernels/blocks/blocks.h"

/* How codes are multiplied. X(name, elements of a group, largest code, least values) */
#define MX_CODE_WAYS(X)         \
    X(four, 32, 15, false)      \
    X(four_least, 32, 15, true) \
    X(five, 32, 31, false)      \
    X(five_least, 32, 31, true) \
    X(six, 16, 63, false)       \
    X(two_least, 16, 3, true)   \
    X(wide, 32, 128, false)     \
    X(wide_least, 32, 128, true)

typedef enum mx_code_way {
#define X(name, group, most, least) MX_CODES_##name,
    MX_CODE_WAYS(X)
#undef X
        MX_CODE_WAY_COUNT
} mx_code_way;

/* The formats that are multiplied so. X(name, way, offset) */
#define MX_CODES(X)        \
    X(q4_0, four, 8)       \
    X(q4_1, four_least, 0) \
    X(q5_0, five, 16)      \
    X(q5_1, five_least, 0) \
    X(q8_0, wide, 0)       \
    X(q2_k, two_least, 0)  \
    X(q3_k, six, 4)        \
    X(q4_k, four_least, 0) \
    X(q5_k, five_least, 0) \
    X(q6_k, six, 32)       \
    X(iq4_nl, wide, 0)     \
    X(iq4_xs, wide, 0)     \
    X(mxfp4_gguf, five, 12)

typedef struct mx_code_format {
    bool exists; /* the format is multiplied in integers */
    mx_code_way way;
    int offset;
    bool parted; /* of each eight codes the even ones come first */
} mx_code_format;

extern const mx_code_format mx_code_formats[MX_BLOCK_KINDS];

/* Affine groups of 32, 64 or 128 codes (quant/k_quant.h), if they have 4 or 8 bits: codes of 8 bits
   count 128 less. */
mx_code_format mx_code_affine(int bits);

/* --- rows of x -------------------------------------------------------------------------------- */

enum { MX_CODE_GROUP = 32, MX_CODE_SMALL = 16 };

/* Bytes of a row of k numbers, a multiple of 32: codes, scales, words. It begins at a line of the
   cache; where k is a power of two, in another set than the row before. */
static inline ptrdiff_t mx_code_row_bytes(ptrdiff_t k, int digits) {
    return (k * digits + k / 8 + k / 4 + 127) / 64 * 64;
}

/* One row. least: words are scale times sum, float32; else minus `offset` times sum, int32: one for
   each `group` numbers. With groups of 32 least values have the others behind theirs. */
typedef void mx_k_code_round(void *row, const float *x, ptrdiff_t k, int group, bool least,
                             int offset, int digits);
/* Of each eight of n codes the even ones come first, then the odd ones. */
typedef void mx_k_code_part(int8_t *q, ptrdiff_t n);

/* How rows of x are read for a format. */
typedef struct mx_code_reading {
    int group, offset;
    bool least, parted;
} mx_code_reading;

mx_code_reading mx_code_reading_of(const mx_code_format *f);
void mx_code_read(const mx_code_reading *r, void *row, const float *x, ptrdiff_t k, int digits);

/* --- strips of W ----------------------------------------------------------------------------- */

enum { MX_CODE_LANES = 16 }; /* at most */

/* LANES rows of W, `apart` bytes from one to the next. */
typedef struct mx_code_strip {
    const uint8_t *first;
    ptrdiff_t apart;
} mx_code_strip;

/* Rows of which `some`, fewer than LANES, are there, as a strip: copies of `bytes` each, those
   behind the last as the last. to: room for LANES of them. */
mx_code_strip mx_code_strip_of(void *to, mx_code_strip rows, int64_t some, ptrdiff_t bytes);

/* LANES rows of a matrix of affine groups. */
typedef struct mx_code_groups {
    mx_code_strip word, scale, bias;
    ptrdiff_t groups; /* of a row */
    int bits, group;
    mx_dtype kind; /* of scales and biases: float16, float32, bfloat16 */
} mx_code_groups;

/* Numbers k0 .. k0+n, whole blocks or groups, of rows of x (k numbers each, row_bytes apart) times
   a strip: to y, LANES numbers of each row, ldy apart; from k0 = 0 on these begin with zero. */
typedef struct mx_code_product {
    float *y;
    ptrdiff_t ldy;
    const char *x;
    ptrdiff_t row_bytes, rows, k, k0, n;
    int digits; /* 1 or 2 */
} mx_code_product;

/* What lies behind the strip is asked for meanwhile: it is likely to be the next one, and need not
   exist. */
typedef void mx_k_code_multiply(const mx_code_product *p, mx_code_strip w);
typedef void mx_k_code_multiply_groups(const mx_code_product *p, const mx_code_groups *w);

typedef struct mx_k_code_table {
    int wide_offset; /* the offset of wide codes */
    mx_k_code_multiply *multiply[MX_BLOCK_KINDS];
    mx_k_code_multiply_groups *multiply_groups; /* NULL: no such set is built */
} mx_k_code_table;

typedef struct mx_k_codes {
    int lanes;
    mx_k_code_round *round;
    mx_k_code_part *part;
    const mx_k_code_table *plain;
    const mx_k_code_table *vnni; /* the same where the processor has dot products of bytes beyond
                                    its set; without functions where no such set is built */
} mx_k_codes;

#ifdef MX_ISA
extern const mx_k_codes KN(mx_codes);
#endif

/* The table that this processor's chosen set multiplies with. */
const mx_k_code_table *mx_code_table(void);

#endif
