/* Blocks of GGUF and words of mx.quantize that hold the same numbers.
 *
 *     blocks    value        words
 *     q4_0      d (q - 8)    affine, 4 bits, groups of 32: scale d, bias -8 d
 *     q4_1      d q + m      affine, 4 bits: scale d, bias m
 *     q5_0      d (q - 16)   affine, 5 bits: scale d, bias -16 d
 *     q5_1      d q + m      affine, 5 bits: scale d, bias m
 *     q8_0      d q          affine, 8 bits, q + 128: scale d, bias -128 d
 *     mxfp4     2^e e2m1     mxfp4: the same codes and exponents
 *
 * d and m are float16. No number is computed with but the bias from d, which is exact unless it
 * overflows; so what went there comes back bit for bit. Both are made of array operations on
 * codes: uint8 (..., blocks, 32).
 */
#include "base/status.h"
#include "graph/eval/eval.h"
#include "models/convert/elements.h"
#include "ops/ops.h"

enum { ITEMS = 32 };

typedef struct pair {
    mx_block_kind block;
    mx_quant_mode mode;
    int bits;
    int offset; /* the bias is -offset d; 0: it is m */
    int zero;   /* added to the block's codes */
} pair;

static const pair pairs[] = {
    {MX_BLOCK_q4_0, MX_AFFINE, 4, 8, 0},     {MX_BLOCK_q4_1, MX_AFFINE, 4, 0, 0},
    {MX_BLOCK_q5_0, MX_AFFINE, 5, 16, 0},    {MX_BLOCK_q5_1, MX_AFFINE, 5, 0, 0},
    {MX_BLOCK_q8_0, MX_AFFINE, 8, 128, 128}, {MX_BLOCK_mxfp4_gguf, MX_MXFP4, 4, 0, 0},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

static const pair *pair_of(const mx_block_format *f) {
    for (int i = 0; i < PAIRS; i++)
        if (pairs[i].block == f->kind)
            return &pairs[i];
    return NULL;
}

bool mx_repack_words_of(const mx_block_format *f, mx_elements *out) {
    const pair *p = pair_of(f);
    if (p)
        *out = mx_elements_words((mx_quant_format){p->mode, p->bits, ITEMS}, MX_FLOAT16);
    return p != NULL;
}

/* --- what fits ------------------------------------------------------------------------------- */

static bool is_true(mx_array *a) {
    return a && mx_eval1(a) && *(const bool *)a->data;
}

/* Does the bias follow from the scale? */
static bool has_offset(const pair *p, mx_parts s) {
    return is_true(mx_array_equal(mx_mul_s(s.part[1], -p->offset), s.part[2], true));
}

/* float16 holds all of them. */
static bool are_halves(mx_array *a) {
    return mx_dtype_of(a) == MX_FLOAT16 ||
           is_true(mx_array_equal(mx_astype(mx_astype(a, MX_FLOAT16), mx_dtype_of(a)), a, true));
}

static bool fits(const pair *p, const mx_elements *words, mx_parts s) {
    if (words->quant.mode != p->mode || words->quant.bits != p->bits || words->quant.group % ITEMS)
        return false;
    if (p->mode != MX_AFFINE)
        return words->quant.group == ITEMS;
    if (p->offset)
        return has_offset(p, s) && are_halves(s.part[1]);
    return are_halves(s.part[1]) && are_halves(s.part[2]);
}

bool mx_repack_blocks_of(const mx_elements *words, mx_parts s, mx_elements *out) {
    for (int i = 0; i < PAIRS; i++)
        if (fits(&pairs[i], words, s)) {
            *out = mx_elements_block(&mx_block_formats[pairs[i].block]);
            return true;
        } else if (mx_failed()) {
            return false;
        }
    return false;
}

/* --- shapes ---------------------------------------------------------------------------------- */

/* The last axis as (n, size). */
static mx_array *split_last(mx_array *a, int size) {
    int shape[MX_MAX_NDIM + 1];
    if (!a || a->ndim == 0 || a->ndim > MX_MAX_NDIM - 2)
        return NULL;
    for (int i = 0; i < a->ndim; i++)
        shape[i] = a->shape[i];
    shape[a->ndim - 1] = size ? a->shape[a->ndim - 1] / size : 0;
    shape[a->ndim] = size;
    return mx_reshape(a, shape, a->ndim + 1);
}

static mx_array *join_last(mx_array *a) {
    int shape[MX_MAX_NDIM];
    if (!a)
        return NULL;
    for (int i = 0; i < a->ndim - 1; i++)
        shape[i] = a->shape[i];
    shape[a->ndim - 2] = a->shape[a->ndim - 2] * a->shape[a->ndim - 1];
    return mx_reshape(a, shape, a->ndim - 1);
}

static mx_array *bytes(mx_array *a, int from, int to) {
    return mx_slice_axis(a, -1, from, to);
}

static mx_array *join(mx_array *a, mx_array *b) {
    return mx_concatenate((mx_array *[]){a, b}, 2, -1);
}

/* Neighbours: a0 b0 a1 b1 ... */
static mx_array *interleave(mx_array *a, mx_array *b) {
    return a && b ? join_last(mx_stack((mx_array *[]){a, b}, 2, -1)) : NULL;
}

static mx_array *u8(int v) {
    return mx_scalar_i64(v, MX_UINT8);
}

static mx_array *low(mx_array *a) {
    return mx_bitwise_and(a, u8(15));
}

static mx_array *high(mx_array *a) {
    return mx_right_shift(a, u8(4));
}

static mx_array *nibbles(mx_array *lo, mx_array *hi) {
    return mx_bitwise_or(lo, mx_left_shift(hi, u8(4)));
}

/* Bytes (..., n) to bits (..., 8 n), the lowest first, and back. */
static mx_array *bits_of(mx_array *a) {
    mx_array *bit = mx_arange(0, 8, 1, MX_UINT8);
    mx_array *each = a ? mx_expand_dims(a, &(int){-1}, 1) : NULL;
    return join_last(mx_bitwise_and(mx_right_shift(each, bit), u8(1)));
}

static mx_array *bytes_of(mx_array *bits) {
    mx_array *place = mx_arange(0, 8, 1, MX_UINT8), *each = split_last(bits, 8);
    return each ? mx_astype(mx_sum(mx_left_shift(each, place), &(int){-1}, 1, false), MX_UINT8)
                : NULL;
}

/* --- codes ----------------------------------------------------------------------------------- */

/* Of blocks, uint8 (..., blocks, bytes of one). Their codes lie in pairs of 16; fifth bits before
   them, four bytes. */
static mx_array *codes_of_blocks(const pair *p, mx_array *b, int head) {
    if (p->bits == 8)
        return mx_bitwise_xor(bytes(b, head, head + ITEMS), u8(p->zero));
    int q = head + (p->bits == 5 ? 4 : 0);
    mx_array *pairs16 = bytes(b, q, q + ITEMS / 2);
    mx_array *codes = join(low(pairs16), high(pairs16));
    if (p->bits == 4)
        return codes;
    return mx_bitwise_or(codes, mx_left_shift(bits_of(bytes(b, head, head + 4)), u8(4)));
}

static mx_array *blocks_of_codes(const pair *p, mx_array *codes, mx_array *head) {
    if (p->bits == 8)
        return join(head, mx_bitwise_xor(codes, u8(p->zero)));
    mx_array *lower = low(codes);
    mx_array *q = nibbles(bytes(lower, 0, ITEMS / 2), bytes(lower, ITEMS / 2, ITEMS));
    if (p->bits == 5)
        head = join(head, bytes_of(high(codes)));
    return join(head, q);
}

/* Of words: a stream of bits, in whole bytes for each 32 codes. */
static mx_array *words_of_codes(const pair *p, mx_array *codes) {
    mx_array *b = codes;
    if (p->bits == 4) {
        mx_array *two = split_last(codes, 2);
        b = nibbles(bytes(two, 0, 1), bytes(two, 1, 2));
        b = join_last(b);
    } else if (p->bits == 5) {
        mx_array *each = split_last(bits_of(codes), 8);
        b = bytes_of(join_last(bytes(each, 0, 5)));
    }
    return mx_view_as(mx_contiguous(join_last(b), false), MX_UINT32);
}

static mx_array *codes_of_words(const pair *p, mx_array *words) {
    mx_array *b = split_last(mx_view_as(words, MX_UINT8), ITEMS * p->bits / 8);
    if (p->bits == 4)
        return interleave(low(b), high(b));
    if (p->bits == 8)
        return b;
    mx_array *five = split_last(bits_of(b), 5), *place = mx_arange(0, 5, 1, MX_UINT8);
    return five ? mx_astype(mx_sum(mx_left_shift(five, place), &(int){-1}, 1, false), MX_UINT8)
                : NULL;
}

/* --- scales ---------------------------------------------------------------------------------- */

static mx_array *half_at(mx_array *b, int at) {
    return join_last(mx_view_as(mx_contiguous(bytes(b, at, at + 2), false), MX_FLOAT16));
}

/* float16 (..., groups) as bytes (..., blocks, 2). */
static mx_array *half_bytes(mx_array *s, int blocks_in_group) {
    s = mx_astype(s, MX_FLOAT16);
    if (blocks_in_group > 1)
        s = mx_repeat(s, blocks_in_group, -1);
    return split_last(mx_view_as(mx_contiguous(s, false), MX_UINT8), 2);
}

static bool to_words(const pair *p, const mx_block_format *f, mx_array *blocks, mx_parts *out) {
    mx_array *b = split_last(blocks, f->bytes);
    if (p->mode == MX_MXFP4) {
        *out = (mx_parts){{words_of_codes(p, codes_of_blocks(p, b, 1)), join_last(bytes(b, 0, 1))}};
        return out->part[0] && out->part[1];
    }
    int head = p->offset ? 2 : 4;
    mx_array *d = half_at(b, 0);
    *out = (mx_parts){{words_of_codes(p, codes_of_blocks(p, b, head)), d,
                       p->offset ? mx_mul_s(d, -p->offset) : half_at(b, 2)}};
    return out->part[0] && out->part[1] && out->part[2];
}

static bool to_blocks(const pair *p, mx_quant_format f, mx_parts in, mx_parts *out) {
    mx_array *codes = codes_of_words(p, in.part[0]), *head;
    int n = f.group / ITEMS;
    if (p->mode == MX_MXFP4)
        head = split_last(in.part[1], 1);
    else if (p->offset)
        head = half_bytes(in.part[1], n);
    else
        head = join(half_bytes(in.part[1], n), half_bytes(in.part[2], n));
    *out = (mx_parts){{join_last(blocks_of_codes(p, codes, head))}};
    return out->part[0] != NULL;
}

bool mx_repack(const mx_elements *from, const mx_elements *to, mx_parts in, mx_parts *out) {
    const mx_block_format *f = from->block ? from->block : to->block;
    const pair *p = f ? pair_of(f) : NULL;
    if (!p)
        return mx_fail(MX_INTERNAL, "[convert] elements that hold no equal numbers");
    return from->block ? to_words(p, f, in.part[0], out) : to_blocks(p, from->quant, in, out);
}
