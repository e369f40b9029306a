/* Cases: quantized matrices. The words are fixed; scales and biases are inputs, in which the matrix
 * is linear. */
#include "kernels/blocks/blocks.h"
#include "op_cases.h"

static const mx_quant_format q4 = {MX_AFFINE, 4, 32}, q3 = {MX_AFFINE, 3, 32},
                             fp4 = {MX_MXFP4, 4, 32}, fp8 = {MX_MXFP8, 8, 32};

/* Some words: (rows, n) or (2, rows, n) */
static mx_array *words(int count, int rows, int n) {
    mx_array *a = mx_arange(1, count * rows * n + 1, 1, MX_UINT32);
    a = mx_mul(a, mx_scalar_i64(2654435761, MX_UINT32));
    a = mx_right_shift(a, mx_scalar_i64(1, MX_UINT32));
    return count == 1 ? mx_reshape(a, LIST(rows, n)) : mx_reshape(a, LIST(count, rows, n));
}
static mx_array *codes(int rows, int groups, int first) { /* of scales */
    return mx_reshape(mx_astype(mx_arange(first, first + rows * groups, 1, MX_INT32), MX_UINT8),
                      LIST(rows, groups));
}

/* a (N,3,64), b and c (5,2): scales and biases of (5,64) */
CASE(qmm, mx_quantized_matmul(a, words(1, 5, 8), b, c, true, q4))
static mx_array *expanded(mx_array *b, mx_array *c, int count, mx_quant_format f) {
    int n = f.group * f.bits / 32 * (b && b->ndim ? b->shape[b->ndim - 1] : 0);
    return mx_dequantize(words(count, 5, n), b, c, f, NULL, NULL);
}
static mx_array *turned(mx_array *a) {
    return mx_swapaxes(a, -1, -2);
}
CASE(qmm_by_hand, mx_matmul(a, turned(expanded(b, c, 1, q4))))

/* a (N,3,5) times (5,64) */
CASE(qmm_plain, mx_quantized_matmul(a, words(1, 5, 6), b, c, false, q3))
CASE(qmm_plain_by_hand, mx_matmul(a, expanded(b, c, 1, q3)))

/* a (2,3,32), b and c (2,5,1) */
CASE(qmm_batch, mx_quantized_matmul(a, words(2, 5, 4), b, c, true, q4))
CASE(qmm_batch_by_hand, mx_matmul(a, turned(expanded(b, c, 2, q4))))

static mx_array *left(void) {
    return mx_array_from((int32_t[]){1, 0, 1, 1}, LIST(2, 2), MX_INT32);
}
static mx_array *right(void) {
    return mx_array_from((int32_t[]){0, 1, -1, 0}, LIST(2, 2), MX_INT32);
}
CASE(gather, mx_gather_qmm(a, words(2, 5, 4), b, c, left(), right(), true, q4, false))
CASE(gather_by_hand,
     mx_matmul(mx_take(a, left(), 0), turned(mx_take(expanded(b, c, 2, q4), right(), 0))))
CASE(gather_rhs, mx_gather_qmm(a, words(2, 5, 4), b, c, NULL, right(), true, q4, false))
CASE(gather_rhs_by_hand,
     mx_matmul(mx_take(a, mx_array_from((int32_t[]){0, 1}, LIST(2), MX_INT32), 0),
               turned(mx_take(expanded(b, c, 2, q4), right(), 0))))

CASE(dequantize, mx_dequantize(words(1, 5, 6), a, b, q3, NULL, NULL))
static mx_array *spread(mx_array *a) {
    return mx_repeat(a, 32, -1);
}
CASE(dequantize_by_hand, mx_add(mx_mul(spread(a), mx_dequantize(words(1, 5, 6), mx_ones_like(a),
                                                                mx_zeros_like(b), q3, NULL, NULL)),
                                spread(b)))

/* Without the codes 0x7f and 0xff of eight bits, which are NaN. */
static mx_array *without_nan(mx_array *codes) {
    return mx_bitwise_and(codes, mx_scalar_i64(0xfefefefe, MX_UINT32));
}
static mx_array *float_matrix(mx_quant_format f, mx_array *like) {
    mx_dtype t = like ? mx_dtype_of(like) : MX_FLOAT32;
    mx_array *w = words(1, 5, 2 * f.bits);
    bool wide = f.bits == 8;
    return mx_dequantize(wide ? without_nan(w) : w, codes(5, 2, wide ? 112 : 118), NULL, f, NULL,
                         &t);
}
CASE(mxfp4, mx_quantized_matmul(a, words(1, 5, 8), codes(5, 2, 118), NULL, true, fp4))
CASE(mxfp4_by_hand, mx_matmul(a, turned(float_matrix(fp4, a))))
CASE(mxfp8, mx_quantized_matmul(a, without_nan(words(1, 5, 16)), codes(5, 2, 112), NULL, true, fp8))
CASE(mxfp8_by_hand, mx_matmul(a, turned(float_matrix(fp8, a))))

/* a (N,64): there and back */
static mx_array *rounded(mx_array *const *in) {
    mx_array *q[3] = {0};
    mx_array *a = mx_astype(in[0], MX_FLOAT32);
    return a && mx_quantize(a, q4, NULL, q) ? mx_dequantize(q[0], q[1], q[2], q4, NULL, NULL)
                                            : NULL;
}
/* a (..., 3, 64), blocks of q8_0 for (5,64) and (2,5,64) */
static const mx_quant_format q8_0 = {(mx_quant_mode)(MX_BLOCK_MODE + 8), 0, 32};
static mx_array *q8_blocks(int count) {
    const mx_block_format *f = mx_block_by_name("q8_0");
    mx_array *w = mx_sin(mx_arange(1, count * 5 * 64 + 1, 1, MX_FLOAT32));
    w = count == 1 ? mx_reshape(w, LIST(5, 64)) : mx_reshape(w, LIST(count, 5, 64));
    return mx_quantize_blocks(w, f);
}
static mx_array *q8_numbers(int count) {
    return mx_dequantize_blocks(q8_blocks(count), mx_block_by_name("q8_0"), MX_FLOAT32);
}
/* Groups of 32 in steps of a 127th of their largest. */
static mx_array *in_steps(mx_array *a) {
    mx_array *g = mx_unflatten(a, -1, LIST(2, 32));
    int last = -1;
    mx_array *most = mx_reduce(MX_MAX, mx_abs(g), &last, 1, true);
    mx_array *codes = mx_round(mx_mul(g, mx_div(mx_scalar_like(most, 127), most)));
    return mx_flatten(mx_mul(codes, mx_mul_s(most, 1 / 127.0)), -2, -1);
}
CASE(block_qmm, mx_quantized_matmul(a, q8_blocks(1), NULL, NULL, true, q8_0))
CASE(block_qmm_by_hand, mx_matmul(in_steps(a), turned(q8_numbers(1))))
CASE(block_plain, mx_quantized_matmul(a, q8_blocks(1), NULL, NULL, false, q8_0))
CASE(block_plain_by_hand, mx_matmul(a, mx_astype(q8_numbers(1), mx_dtype_of(a))))
CASE(block_gather, mx_gather_qmm(a, q8_blocks(2), NULL, NULL, left(), right(), true, q8_0, false))
CASE(block_gather_by_hand,
     mx_matmul(mx_take(in_steps(a), left(), 0), turned(mx_take(q8_numbers(2), right(), 0))))
CASE(block_gather_plain,
     mx_gather_qmm(a, q8_blocks(2), NULL, NULL, left(), right(), false, q8_0, false))
CASE(block_gather_plain_by_hand,
     mx_matmul(mx_take(a, left(), 0),
               mx_take(mx_astype(q8_numbers(2), mx_dtype_of(a)), right(), 0)))

static mx_array *in_blocks(mx_array *const *in) {
    const mx_block_format *f = mx_block_by_name("q5_1");
    return mx_dequantize_blocks(mx_quantize_blocks(mx_astype(in[0], MX_FLOAT32), f), f, MX_FLOAT32);
}
/* Both sides rounded to mxfp8: a (N,64), b (5,64). */
CASE(both_quantized,
     mx_qqmm(mx_astype(a, MX_FLOAT32), mx_astype(b, MX_FLOAT32), NULL, fp8, NULL, NULL))
CASE(float8, mx_from_fp8(mx_to_fp8(mx_astype(a, MX_FLOAT32)), MX_FLOAT32))

#define IN(...) {.ndim = sizeof((int[]){__VA_ARGS__}) / sizeof(int), .shape = {__VA_ARGS__}, -2, 2}

const op_case op_cases_quant[] = {
    {"quantized_matmul", qmm, NULL, qmm_by_hand, LOOSE, {IN(N, 3, 64), IN(5, 2), IN(5, 2)}},
    {"quantized_matmul, plain",
     qmm_plain,
     NULL,
     qmm_plain_by_hand,
     LOOSE,
     {IN(N, 3, 5), IN(5, 2), IN(5, 2)}},
    {"quantized_matmul, batch",
     qmm_batch,
     NULL,
     qmm_batch_by_hand,
     LOOSE,
     {IN(2, 3, 32), IN(2, 5, 1), IN(2, 5, 1)}},
    {"quantized_matmul, mxfp4", mxfp4, NULL, mxfp4_by_hand, LOOSE, {IN(N, 3, 64)}},
    {"quantized_matmul, mxfp8", mxfp8, NULL, mxfp8_by_hand, LOOSE, {IN(N, 3, 64)}},
    {"gather_qmm", gather, NULL, gather_by_hand, LOOSE, {IN(2, 3, 32), IN(2, 5, 1), IN(2, 5, 1)}},
    {"gather_qmm, right",
     gather_rhs,
     NULL,
     gather_rhs_by_hand,
     LOOSE,
     {IN(2, 3, 32), IN(2, 5, 1), IN(2, 5, 1)}},
    {"dequantize", dequantize, NULL, dequantize_by_hand, LOOSE, {IN(5, 2), IN(5, 2)}},
    {"quantize", rounded, NULL, NULL, NO_GRAD | NO_HALF, {IN(N, 64)}},
    {"block_qmm",
     block_qmm,
     NULL,
     block_qmm_by_hand,
     NO_GRAD | NO_HALF | LOOSE | SINGLE,
     {IN(N, 3, 64)}},
    {"block_plain", block_plain, NULL, block_plain_by_hand, LOOSE | SINGLE, {IN(N, 3, 5)}},
    {"block_gather",
     block_gather,
     NULL,
     block_gather_by_hand,
     NO_GRAD | NO_HALF | LOOSE | SINGLE,
     {IN(2, 3, 64)}},
    {"block_gather_plain",
     block_gather_plain,
     NULL,
     block_gather_plain_by_hand,
     LOOSE | SINGLE,
     {IN(2, 3, 5)}},
    {"blocks", in_blocks, NULL, NULL, NO_GRAD | NO_HALF, {IN(N, 64)}},
    {"qqmm",
     both_quantized,
     NULL,
     NULL,
     NO_GRAD | NO_HALF | LOOSE | NO_EXPORT,
     {IN(N, 64), IN(5, 64)}},
    {"float8", float8, NULL, NULL, NO_GRAD, {IN(N, 64)}},
    {0},
};
