/* The operations of `mlx bench`. */
#include <math.h>

#include "bench/operations.h"

/* --- what goes in ----------------------------------------------------------------------------- */

static int random_array(mlx_array *out, const int *shape, size_t ndim, mlx_dtype dtype) {
    mlx_array none = mlx_array_new();
    mlx_stream s = mlx_stream_new();
    mlx_array drawn = mlx_array_new();
    int status = mlx_random_normal(&drawn, shape, ndim, MLX_FLOAT32, 0, 1, none, s) ||
                 mlx_astype(out, drawn, dtype, s) || mlx_array_eval(*out);
    mlx_array_free(drawn);
    mlx_stream_free(s);
    return status;
}

enum { ROW = 1024 };

/* Rows of 1024 elements, `bytes` altogether. */
static int rows(mlx_array *out, mlx_dtype dtype, size_t bytes) {
    size_t n = bytes / mlx_dtype_size(dtype) / ROW;
    return random_array(out, (int[]){n > 1 ? (int)n : 1, ROW}, 2, dtype);
}

static int one_input(mlx_array *in, const cli_operation *o, cli_sizes s) {
    return rows(&in[0], o->dtype, s.bytes);
}

static int two_inputs(mlx_array *in, const cli_operation *o, cli_sizes s) {
    return rows(&in[0], o->dtype, s.bytes) || rows(&in[1], o->dtype, s.bytes);
}

static int rows_and_weight(mlx_array *in, const cli_operation *o, cli_sizes s) {
    return rows(&in[0], o->dtype, s.bytes) || random_array(&in[1], (int[]){ROW}, 1, o->dtype);
}

static int two_matrices(mlx_array *in, const cli_operation *o, cli_sizes s) {
    int shape[] = {s.matrix, s.matrix};
    return random_array(&in[0], shape, 2, o->dtype) || random_array(&in[1], shape, 2, o->dtype);
}

/* A square matrix of `bytes`, and a row to multiply it with. */
static int matrix_and_row(mlx_array *in, const cli_operation *o, cli_sizes s) {
    int n = (int)sqrt((double)s.bytes / (double)mlx_dtype_size(o->dtype)) / 64 * 64;
    n = n < 64 ? 64 : n;
    return random_array(&in[0], (int[]){n, n}, 2, o->dtype) ||
           random_array(&in[1], (int[]){1, n}, 2, o->dtype);
}

static const mlx_optional_int group = {64, true}, four_bits = {4, true};

/* in[0], in[2], in[3]: a matrix in 4 bits, its scales and biases; in[1]: the row. */
static int packed_and_row(mlx_array *in, const cli_operation *o, cli_sizes s) {
    mlx_vector_array packed = mlx_vector_array_new();
    mlx_array none = mlx_array_new();
    mlx_stream stream = mlx_stream_new();
    int status = matrix_and_row(in, o, s) ||
                 mlx_quantize(&packed, in[0], group, four_bits, "affine", none, stream) ||
                 mlx_vector_array_get(&in[0], packed, 0) ||
                 mlx_vector_array_get(&in[2], packed, 1) ||
                 mlx_vector_array_get(&in[3], packed, 2) || mlx_eval(packed);
    mlx_vector_array_free(packed);
    mlx_stream_free(stream);
    return status;
}

/* Queries, keys and values: 8 heads of 64, as many positions as a matrix has rows. */
static int heads(mlx_array *in, const cli_operation *o, cli_sizes s) {
    int shape[] = {1, 8, s.matrix, 64}, status = 0;
    for (int i = 0; i < 3 && status == 0; i++)
        status = random_array(&in[i], shape, 4, o->dtype);
    return status;
}

static int images(mlx_array *in, const cli_operation *o, cli_sizes s) {
    int side = s.matrix / 16 > 8 ? s.matrix / 16 : 8;
    return random_array(&in[0], (int[]){4, side, side, 64}, 4, o->dtype) ||
           random_array(&in[1], (int[]){64, 3, 3, 64}, 4, o->dtype);
}

/* --- what is done ----------------------------------------------------------------------------- */

static int copy(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_copy(res, in[0], s);
}

static int add(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_add(res, in[0], in[1], s);
}

static int chain(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_multiply(res, in[0], in[1], s) || mlx_add(res, *res, in[0], s) ||
           mlx_tanh(res, *res, s);
}

static int exponential(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_exp(res, in[0], s);
}

static int sum(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_sum(res, in[0], false, s);
}

static int softmax(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_softmax_axis(res, in[0], -1, false, s);
}

static int rms_norm(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_fast_rms_norm(res, in[0], in[1], 1e-5F, s);
}

static int transpose(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_transpose(res, in[0], s) || mlx_contiguous(res, *res, false, s);
}

static int cumsum(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_cumsum(res, in[0], -1, false, true, s);
}

static int sort(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_sort_axis(res, in[0], -1, s);
}

static int fft(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_fft_fft(res, in[0], ROW, -1, MLX_FFT_NORM_BACKWARD, s);
}

static int to_half(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_astype(res, in[0], MLX_BFLOAT16, s);
}

static int matmul(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_matmul(res, in[0], in[1], s);
}

static int row_times_matrix(mlx_array *res, const mlx_array *in, mlx_stream s) {
    mlx_array turned = mlx_array_new();
    int status = mlx_transpose(&turned, in[0], s) || mlx_matmul(res, in[1], turned, s);
    mlx_array_free(turned);
    return status;
}

static int row_times_packed(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_quantized_matmul(res, in[1], in[0], in[2], in[3], true, group, four_bits, "affine",
                                s);
}

static int attention(mlx_array *res, const mlx_array *in, mlx_stream s) {
    mlx_array none = mlx_array_new();
    return mlx_fast_scaled_dot_product_attention(res, in[0], in[1], in[2], 0.125F, "", none, none,
                                                 s);
}

static int conv2d(mlx_array *res, const mlx_array *in, mlx_stream s) {
    return mlx_conv2d(res, in[0], in[1], 1, 1, 1, 1, 1, 1, 1, s);
}

/* --- how much that is ------------------------------------------------------------------------- */

static double matmul_flops(const mlx_array *in) {
    return 2 * (double)mlx_array_size(in[0]) * mlx_array_dim(in[1], -1);
}

static double attention_flops(const mlx_array *in) {
    return 4 * (double)mlx_array_size(in[0]) * mlx_array_dim(in[1], -2);
}

/* Each element of the result, as many as the input has, is a sum of 9 times 64 products. */
static double conv2d_flops(const mlx_array *in) {
    return 2 * (double)mlx_array_size(in[0]) * 9 * 64;
}

const cli_operation cli_operations[] = {
    {"copy", MLX_FLOAT32, one_input, copy, 1, 1, NULL},
    {"add", MLX_FLOAT32, two_inputs, add, 2, 1, NULL},
    {"tanh(a * b + a)", MLX_FLOAT32, two_inputs, chain, 2, 1, NULL},
    {"exp", MLX_FLOAT32, one_input, exponential, 1, 1, NULL},
    {"astype", MLX_FLOAT32, one_input, to_half, 1, 0.5, NULL},
    {"sum", MLX_FLOAT32, one_input, sum, 1, 0, NULL},
    {"softmax", MLX_FLOAT32, one_input, softmax, 1, 1, NULL},
    {"rms_norm", MLX_FLOAT32, rows_and_weight, rms_norm, 1, 1, NULL},
    {"transpose", MLX_FLOAT32, one_input, transpose, 1, 1, NULL},
    {"cumsum", MLX_FLOAT32, one_input, cumsum, 1, 1, NULL},
    {"sort", MLX_FLOAT32, one_input, sort, 1, 1, NULL},
    {"fft", MLX_COMPLEX64, one_input, fft, 1, 1, NULL},
    {"vector x matrix", MLX_BFLOAT16, matrix_and_row, row_times_matrix, 1, 0, NULL},
    // a group of 64 has 32 bytes of words, and a scale and a bias of two bytes each
    {"vector x 4 bits", MLX_BFLOAT16, packed_and_row, row_times_packed, 36.0 / 32, 0, NULL},
    {"matmul", MLX_FLOAT32, two_matrices, matmul, 2, 1, matmul_flops},
    {"matmul", MLX_BFLOAT16, two_matrices, matmul, 2, 1, matmul_flops},
    {"matmul", MLX_FLOAT64, two_matrices, matmul, 2, 1, matmul_flops},
    {"attention", MLX_FLOAT32, heads, attention, 3, 1, attention_flops},
    {"conv2d", MLX_FLOAT32, images, conv2d, 1, 1, conv2d_flops},
    {0}};
