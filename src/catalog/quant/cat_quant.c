/* Quantized arrays: 2 to 8 bits in groups that share a scale. */
#include "catalog/cat.h"

static mlx_optional_int optional_int(const mlx_value *v) {
    return (mlx_optional_int){cat_int_or(v, 0), !cat_is_none(v)};
}

static int optional_arrays(mlx_value *args, int from, int to) {
    for (int i = from; i <= to; i++)
        if (cat_optional_array(&args[i]))
            return 1;
    return 0;
}

#define OPTIONAL(i) optional_int(&args[i])
#define HANDLE(i)   cat_handle(&args[i])
#define TEXT(i)     args[i].as.string

/* w, group_size, bits, mode, global_scale, stream */
static int call_quantize(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_optional_array(&args[4]) ||
           mlx_quantize(cat_results(res, MLX_VALUE_ARRAYS), ARRAY(0), OPTIONAL(1), OPTIONAL(2),
                        TEXT(3), HANDLE(4), ON(5));
}

/* w, scales, biases, group_size, bits, mode, global_scale, dtype, stream */
static int call_dequantize(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_optional_dtype dtype = {cat_dtype_or(&args[7], MLX_FLOAT32), !cat_is_none(&args[7])};
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || cat_optional_array(&args[2]) ||
           cat_optional_array(&args[6]) ||
           mlx_dequantize(OUT, ARRAY(0), ARRAY(1), HANDLE(2), OPTIONAL(3), OPTIONAL(4), TEXT(5),
                          HANDLE(6), dtype, ON(8));
}

/* w, group_size, bits, mode, dtype, stream */
static int call_dequantize_blocks(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_optional_dtype dtype = {cat_dtype_or(&args[4], MLX_FLOAT32), !cat_is_none(&args[4])};
    (void)op;
    return cat_array(&args[0]) ||
           mlx_dequantize(OUT, ARRAY(0), mlx_array_empty, mlx_array_empty, OPTIONAL(1), OPTIONAL(2),
                          TEXT(3), mlx_array_empty, dtype, ON(5));
}

/* x, w, scales, biases, transpose, group_size, bits, mode, stream */
static int call_quantized_matmul(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || cat_array(&args[2]) ||
           cat_optional_array(&args[3]) ||
           mlx_quantized_matmul(OUT, ARRAY(0), ARRAY(1), ARRAY(2), HANDLE(3), FLAG(4), OPTIONAL(5),
                                OPTIONAL(6), TEXT(7), ON(8));
}

/* x, w, transpose, group_size, bits, mode, stream */
static int call_block_matmul(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) ||
           mlx_quantized_matmul(OUT, ARRAY(0), ARRAY(1), mlx_array_empty, mlx_array_empty, FLAG(2),
                                OPTIONAL(3), OPTIONAL(4), TEXT(5), ON(6));
}

/* x, w, lhs_indices, rhs_indices, transpose, group_size, bits, mode, sorted_indices, stream */
static int call_gather_block_matmul(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || optional_arrays(args, 2, 3) ||
           mlx_gather_qmm(OUT, ARRAY(0), ARRAY(1), mlx_array_empty, mlx_array_empty, HANDLE(2),
                          HANDLE(3), FLAG(4), OPTIONAL(5), OPTIONAL(6), TEXT(7), FLAG(8), ON(9));
}

/* x, w, scales, biases, lhs_indices, rhs_indices, transpose, group_size, bits, mode, global_scale,
   sorted_indices, stream */
static int call_gather_qmm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || cat_array(&args[2]) ||
           optional_arrays(args, 3, 5) || cat_optional_array(&args[10]) ||
           mlx_gather_qmm_scaled(OUT, ARRAY(0), ARRAY(1), ARRAY(2), HANDLE(3), HANDLE(4), HANDLE(5),
                                 FLAG(6), OPTIONAL(7), OPTIONAL(8), TEXT(9), HANDLE(10), FLAG(11),
                                 ON(12));
}

/* x, w, scales, group_size, bits, mode, global_scale_x, global_scale_w, stream */
static int call_qqmm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || cat_optional_array(&args[2]) ||
           optional_arrays(args, 6, 7) ||
           mlx_qqmm(OUT, ARRAY(0), ARRAY(1), HANDLE(2), OPTIONAL(3), OPTIONAL(4), TEXT(5),
                    HANDLE(6), HANDLE(7), ON(8));
}

/* x, w, scales, lhs_indices, rhs_indices, group_size, bits, mode, global_scale_x, global_scale_w,
   sorted, stream */
static int call_gather_qqmm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) || optional_arrays(args, 2, 4) ||
           optional_arrays(args, 8, 9) ||
           mlx_gather_qqmm(OUT, ARRAY(0), ARRAY(1), HANDLE(2), HANDLE(3), HANDLE(4), OPTIONAL(5),
                           OPTIONAL(6), TEXT(7), HANDLE(8), HANDLE(9), FLAG(10), ON(11));
}

/* x, stream */
static int call_to_fp8(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || mlx_to_fp8(OUT, ARRAY(0), ON(1));
}

/* x, dtype, stream */
static int call_from_fp8(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) ||
           mlx_from_fp8(OUT, ARRAY(0), cat_dtype_or(&args[1], MLX_BFLOAT16), ON(2));
}

#define FORM(mode) \
    "group_size: int | None = None, bits: int | None = None, mode: str = '" mode "', "
/* Words have them; of blocks they are refused by name. */
#define OF_WORDS "group_size: int | None = None, bits: int | None = None, "
#define MODES                                                                                  \
    "mode 'affine': 2 to 8 bits, groups of 32, 64 or 128 (by default 4 bits, 64), "            \
    "value = scale * q + bias; 'mxfp4', 'mxfp8' and 'nvfp4': small floats with one scale for " \
    "each group."
#define BLOCKS                                                                                   \
    " The types of GGUF files are modes, too ('q4_0' to 'q8_1', 'q2_k' to 'q8_k', 'iq4_nl', "    \
    "'iq4_xs', 'tq1_0', 'tq2_0', 'q1_0', 'mxfp4_gguf', 'nvfp4_gguf'; 'iq1_s' to 'iq3_s' can be " \
    "read): one array of uint8, the bytes of each row, which holds the scales."

#define ROUNDS                                                                                    \
    "Where w is transposed and of mode 'q4_0' to 'q8_0', 'q2_k' to 'q6_k', 'iq4_nl', 'iq4_xs' "   \
    "or 'mxfp4_gguf', x is rounded to 8 bits in groups of 32 and products are made in integers; " \
    "else x is taken as it is, as derivatives take it."

const mlx_operation cat_quant_rows[] = {
    {CORE,
     "quantize(w: array, /, " FORM(
         "affine") "*, global_scale: array | None = None, stream: StreamOrDevice = None) -> "
                   "tuple[array, array, array]",
     "The elements of the last axis, quantized in groups: packed uint32, scales, and biases where "
     "the mode has them, as a "
     "list. " MODES BLOCKS,
     call_quantize},
    {CORE,
     "dequantize(w: array, /, scales: array, biases: array | None = None, " FORM(
         "affine") "global_scale: array | None = None, dtype: Dtype | None = None, *, " STREAM,
     "The values of a quantized array: dtype is by default that of the scales, bfloat16 where "
     "these are codes. " MODES,
     call_dequantize},
    {CORE, "dequantize(w: array, /, *, " OF_WORDS "mode: str, dtype: Dtype | None = None, " STREAM,
     "The values of blocks, by default as float16." BLOCKS, call_dequantize_blocks},
    {CORE,
     "quantized_matmul(x: array, w: array, /, scales: array, biases: array | None = None, "
     "transpose: bool = True, " FORM("affine") "*, " STREAM,
     "The matrix product of x (..., K) and a quantized matrix, (N, K) if transpose, else (K, N). " MODES,
     call_quantized_matmul},
    {CORE,
     "quantized_matmul(x: array, w: array, /, *, transpose: bool = True, " OF_WORDS
     "mode: str, " STREAM,
     "The matrix product of x and a matrix of blocks, which is read where it lies. " ROUNDS BLOCKS,
     call_block_matmul},
    {CORE,
     "gather_qmm(x: array, w: array, /, scales: array, biases: array | None = None, lhs_indices: "
     "array | None = None, "
     "rhs_indices: array | None = None, transpose: bool = True, " FORM(
         "affine") "global_scale: array | None = None, *, sorted_indices: bool = False, " STREAM,
     "quantized_matmul of matrices picked by indices, as gather_mm; in mode 'nvfp4' global_scale "
     "has one scale for each "
     "matrix of w. " MODES,
     call_gather_qmm},
    {CORE,
     "gather_qmm(x: array, w: array, /, *, lhs_indices: array | None = None, rhs_indices: array | "
     "None = None, transpose: bool = True, " OF_WORDS
     "mode: str, sorted_indices: bool = False, " STREAM,
     "The same with matrices of blocks. " ROUNDS BLOCKS, call_gather_block_matmul},
    {CORE,
     "qqmm(x: array, w: array, scales: array | None = None, " FORM(
         "nvfp4") "global_scale_x: array | None = None, global_scale_w: array | None = None, *, " STREAM,
     "The product of x and w transposed, both quantized: x on the way, w where scales are given. " MODES,
     call_qqmm},
    {CORE,
     "gather_qqmm(x: array, w: array, /, scales: array | None = None, lhs_indices: array | None = "
     "None, rhs_indices: "
     "array | None = None, " FORM(
         "nvfp4") "global_scale_x: array | None = None, global_scale_w: array | None = None, "
                  "*, sorted_indices: bool = False, " STREAM,
     "qqmm of matrices picked by indices, as gather_mm. " MODES, call_gather_qqmm},
    {CORE, "to_fp8(x: array, *, " STREAM, "The elements as float8 (E4M3), one uint8 each.",
     call_to_fp8},
    {CORE, "from_fp8(x: array, dtype: Dtype = bfloat16, *, " STREAM,
     "The values of float8 (E4M3) elements in uint8.", call_from_fp8},
    {NULL},
};
